/* Optimizers: the state beside the parameters, and the walk over them. The arithmetic is in tensor/. */
#include "train/optimizer.h"

#include "base/mem.h"
#include "base/real.h"

static const double BETA1 = 0.9, BETA2 = 0.999, ADAM_EPS = 1e-8;         /* AdamW's usual ones */
static const double FACTOR_DECAY = -0.8, FACTOR_EPS = 1e-30, CLIP = 1.0; /* Adafactor's: beta2 = 1 - t^-0.8 */

/* Row means and column means; a vector keeps its full second moment as row means. */
static size_t factors_of(const Param *p)
{
    return (size_t)p->matrix->rows + (p->matrix->cols > 1 ? (size_t)p->matrix->cols : 0);
}

static size_t count_factors(const ParamList *params)
{
    size_t n = 0;
    for (int i = 0; i < params->n; i++)
        n += factors_of(&params->param[i]);
    return n;
}

size_t optimizer_bytes(OptimizerKind kind, const ParamList *params)
{
    return sizeof(float) * (kind == OPTIMIZER_ADAMW ? 2 * params_floats(params) : count_factors(params));
}

bool optimizer_init(Optimizer *o, OptimizerKind kind, double weight_decay, const ParamList *params, Err *err)
{
    *o = (Optimizer){.kind = kind, .weight_decay = weight_decay};
    if (kind == OPTIMIZER_ADAFACTOR) {
        o->n_factors = count_factors(params);
        o->factors = mem_zalloc(o->n_factors, sizeof *o->factors);
        return true;
    }
    o->n_moments = params_floats(params);
    o->m = mem_big(o->n_moments, sizeof(float), "an optimizer's first moments", err);
    o->v = o->m ? mem_big(o->n_moments, sizeof(float), "an optimizer's second moments", err) : NULL;
    return o->v != NULL;
}

void optimizer_release(Optimizer *o)
{
    mem_big_free(o->m, o->n_moments, sizeof(float));
    mem_big_free(o->v, o->n_moments, sizeof(float));
    free(o->factors);
    *o = (Optimizer){0};
}

static void adamw_step(Optimizer *o, Device *d, const ParamList *params, const ParamList *grads, AdamW h)
{
    size_t at = 0;
    for (int i = 0; i < params->n; i++) {
        Matrix w = *params->param[i].matrix;
        Matrix m = matrix(o->m + at, w.rows, w.cols), v = matrix(o->v + at, w.rows, w.cols);
        h.decay = params->param[i].decay ? (float)o->weight_decay : 0;
        op_adamw(d, w, m, v, *grads->param[i].matrix, h);
        at += matrix_floats(w.rows, w.cols);
    }
}

static void adafactor_step(Optimizer *o, Device *d, const ParamList *params, const ParamList *grads, Adafactor h)
{
    float *at = o->factors;
    for (int i = 0; i < params->n; i++) {
        Matrix w = *params->param[i].matrix;
        op_adafactor(d, w, at, at + w.rows, *grads->param[i].matrix, h);
        at += factors_of(&params->param[i]);
    }
}

void optimizer_step(Optimizer *o, Device *d, const ParamList *params, const ParamList *grads, double lr,
                    double grad_scale)
{
    int t = ++o->step;
    if (o->kind == OPTIMIZER_ADAMW)
        adamw_step(o, d, params, grads,
                   (AdamW){.lr = (float)lr,
                           .beta1 = (float)BETA1,
                           .beta2 = (float)BETA2,
                           .eps = (float)ADAM_EPS,
                           .correct1 = (float)(1 - real_pow(BETA1, t)),
                           .correct2 = (float)(1 - real_pow(BETA2, t)),
                           .grad_scale = (float)grad_scale});
    else
        adafactor_step(o, d, params, grads,
                       (Adafactor){.lr = (float)lr,
                                   .beta2 = (float)(1 - real_pow(t, FACTOR_DECAY)),
                                   .eps = (float)FACTOR_EPS,
                                   .clip = (float)CLIP,
                                   .grad_scale = (float)grad_scale});
}

/* The state is stored as it lies in memory: one long vector per kind of moment. */
typedef struct Part {
    const char *name;
    float *at;
    size_t n;
} Part;

static int parts_of(const Optimizer *o, Part part[2])
{
    if (o->kind == OPTIMIZER_ADAFACTOR) {
        part[0] = (Part){"optimizer.factors", o->factors, o->n_factors};
        return 1;
    }
    part[0] = (Part){"optimizer.m", o->m, o->n_moments};
    part[1] = (Part){"optimizer.v", o->v, o->n_moments};
    return 2;
}

void optimizer_declare(const Optimizer *o, SafetensorsWriter *w)
{
    Part part[2];
    int n = parts_of(o, part);
    for (int i = 0; i < n; i++)
        safetensors_declare(w, part[i].name, &part[i].n, 1);
}

bool optimizer_write(const Optimizer *o, SafetensorsWriter *w, Err *err)
{
    Part part[2];
    int n = parts_of(o, part);
    for (int i = 0; i < n; i++)
        if (!safetensors_values(w, part[i].at, part[i].n, err))
            return false;
    return true;
}

bool optimizer_read(Optimizer *o, const Safetensors *s, const char *where, Err *err)
{
    Part part[2];
    int n = parts_of(o, part);
    for (int i = 0; i < n; i++) {
        const StoredTensor *t = safetensors_find(s, part[i].name);
        if (!t || t->type != DTYPE_F32 || t->n_bytes != part[i].n * sizeof(float))
            return err_set(err, ERR_INPUT, "%s: %s is missing or of another size", where, part[i].name),
                   err_hint(err, "the checkpoint is another model's or optimizer's: remove it to begin anew");
        memcpy(part[i].at, t->bytes, t->n_bytes);
    }
    return true;
}
