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

static size_t count_factors(const ModelConfig *c)
{
    Weights *shapes = mem_zalloc(1, sizeof *shapes);
    weights_shapes(shapes, c);
    ParamList list = params_list(shapes, c);
    size_t n = 0;
    for (int i = 0; i < list.n; i++)
        n += factors_of(&list.param[i]);
    params_free(&list);
    free(shapes);
    return n;
}

size_t optimizer_bytes(OptimizerKind kind, const ModelConfig *c)
{
    return sizeof(float) * (kind == OPTIMIZER_ADAMW ? 2 * weights_floats(c, false) : count_factors(c));
}

bool optimizer_init(Optimizer *o, OptimizerKind kind, double weight_decay, Model *model, Err *err)
{
    *o = (Optimizer){.kind = kind, .weight_decay = weight_decay};
    if (kind == OPTIMIZER_ADAFACTOR) {
        o->n_factors = count_factors(&model->config);
        o->factors = mem_zalloc(o->n_factors, sizeof *o->factors);
        return true;
    }
    o->m = mem_zalloc(1, sizeof *o->m);
    o->v = mem_zalloc(1, sizeof *o->v);
    return weights_alloc(o->m, &model->config, false, err) && weights_alloc(o->v, &model->config, false, err);
}

void optimizer_release(Optimizer *o)
{
    if (o->m)
        weights_free(o->m);
    if (o->v)
        weights_free(o->v);
    free(o->m);
    free(o->v);
    free(o->factors);
    *o = (Optimizer){0};
}

static void adamw_step(Optimizer *o, Model *model, Weights *grads, AdamW h)
{
    ParamList w = params_list(&model->w, &model->config), g = params_list(grads, &model->config);
    ParamList m = params_list(o->m, &model->config), v = params_list(o->v, &model->config);
    for (int i = 0; i < w.n; i++) {
        h.decay = w.param[i].decay ? (float)o->weight_decay : 0;
        op_adamw(model->device, *w.param[i].matrix, *m.param[i].matrix, *v.param[i].matrix, *g.param[i].matrix, h);
    }
    params_free(&w);
    params_free(&g);
    params_free(&m);
    params_free(&v);
}

static void adafactor_step(Optimizer *o, Model *model, Weights *grads, Adafactor h)
{
    ParamList w = params_list(&model->w, &model->config), g = params_list(grads, &model->config);
    float *at = o->factors;
    for (int i = 0; i < w.n; i++) {
        op_adafactor(model->device, *w.param[i].matrix, at, at + w.param[i].matrix->rows, *g.param[i].matrix, h);
        at += factors_of(&w.param[i]);
    }
    params_free(&w);
    params_free(&g);
}

void optimizer_step(Optimizer *o, Model *model, Weights *grads, double lr, double grad_scale)
{
    int t = ++o->step;
    if (o->kind == OPTIMIZER_ADAMW)
        adamw_step(o, model, grads,
                   (AdamW){.lr = (float)lr,
                           .beta1 = (float)BETA1,
                           .beta2 = (float)BETA2,
                           .eps = (float)ADAM_EPS,
                           .correct1 = (float)(1 - real_pow(BETA1, t)),
                           .correct2 = (float)(1 - real_pow(BETA2, t)),
                           .grad_scale = (float)grad_scale});
    else
        adafactor_step(o, model, grads,
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
    part[0] = (Part){"optimizer.m", o->m->block, o->m->floats};
    part[1] = (Part){"optimizer.v", o->v->block, o->v->floats};
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
