/* Training against PyTorch in double precision: the reward model's loss, gradients and steps under AdamW and
 * Adafactor. */
#include "golden.h"

#include "base/mem.h"
#include "base/real.h"
#include "train/trainer.h"

static const double VALUES = 2e-4, GRADIENTS = 1e-4, ADAMW_PARAMS = 1e-4, ADAFACTOR_PARAMS = 1e-5;

/* One file of numbers, and what a test needs with it. */
typedef struct Run {
    json_t *golden;
    Device *d;
    Model *m;
    Weights *dw;
    Pass p;
    int *ids[64]; /* borrowed by the pass */
    int n_ids;
} Run;

static void run_begin(Run *r, const Golden *g)
{
    *r = (Run){0};
    r->golden = golden_read(g, "training.json");
    r->d = open_device(CPU_AUTO, 2);
    r->m = golden_model(g, HEAD_REWARD, r->d);
    golden_tensor(g, "score_head.safetensors", "score.weight", r->m->w.score);
    r->dw = grads_new(r->m);
    pass_init(&r->p);
}

static void free_ids(Run *r)
{
    for (int i = 0; i < r->n_ids; i++)
        free(r->ids[i]);
    r->n_ids = 0;
}

static void run_end(Run *r)
{
    free_ids(r);
    pass_release(&r->p);
    grads_free(r->dw);
    model_free(r->m);
    device_free(r->d);
    json_decref(r->golden);
}

static const json_t *input(const Run *r, const char *name)
{
    return json_object_get(json_object_get(r->golden, "inputs"), name);
}

static const int *ids_of(Run *r, const json_t *object, const char *key, int *n)
{
    assert_true(r->n_ids < COUNT(r->ids));
    return r->ids[r->n_ids++] = golden_ids(json_object_get(object, key), n);
}

/* --- the reward model -------------------------------------------------------------------------------------------- */

enum { MOST_PAIRS = 8 };

/* ln(1 / (1 + e^-x)). */
static double log_sigmoid(double x)
{
    return x >= 0 ? -real_log1p(real_exp(-x)) : x - real_log1p(real_exp(x));
}

/* Forward and backward over all pairs; returns the mean loss, and each pair's rewards and losses. `shared`: the
 * tokens that both have in common are one segment. */
static double reward_pass(Run *r, bool shared, float *a, float *b, float *each)
{
    const json_t *pairs = input(r, "pairs");
    int n = (int)json_array_size(pairs);
    assert_true(n > 0 && n <= MOST_PAIRS);
    free_ids(r);
    pass_begin(&r->p, r->m);
    for (int i = 0; i < n; i++) {
        const json_t *pair = json_array_get(pairs, (size_t)i);
        int na, nb, same = 0;
        const int *ia = ids_of(r, pair, "a", &na), *ib = ids_of(r, pair, "b", &nb);
        while (shared && same < na - 1 && same < nb - 1 && ia[same] == ib[same])
            same++;
        int root = same ? pass_segment(&r->p, -1, ia, same) : -1;
        int sa = pass_segment(&r->p, root, ia + same, na - same), sb = pass_segment(&r->p, root, ib + same, nb - same);
        pass_scalar(&r->p, SCALAR_REWARD, sa, na - same - 1);
        pass_scalar(&r->p, SCALAR_REWARD, sb, nb - same - 1);
    }
    Err err = {0};
    need_ok(pass_forward(&r->p, &err), &err);
    float dscalar[2 * MOST_PAIRS];
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double p = json_number_of(json_array_get(pairs, (size_t)i), "p", NAN);
        double d = (double)r->p.scalar[2 * i] - (double)r->p.scalar[2 * i + 1];
        a[i] = r->p.scalar[2 * i];
        b[i] = r->p.scalar[2 * i + 1];
        each[i] = (float)-(p * log_sigmoid(d) + (1 - p) * log_sigmoid(-d));
        sum += (double)each[i] / n;
        dscalar[2 * i] = (float)((real_sigmoid(d) - p) / n);
        dscalar[2 * i + 1] = -dscalar[2 * i];
    }
    weights_zero(r->dw);
    need_ok(pass_backward(&r->p, r->dw, NULL, dscalar, &err), &err);
    return sum;
}

static void reward_model(void **state)
{
    Run r;
    run_begin(&r, *state);
    const json_t *wanted = json_object_get(r.golden, "reward_model");
    for (int shared = 0; shared < 2; shared++) {
        float a[MOST_PAIRS], b[MOST_PAIRS], each[MOST_PAIRS];
        double loss = reward_pass(&r, shared, a, b, each);
        golden_close("loss", loss, json_number_of(wanted, "loss", NAN), VALUES);
        golden_all_close("loss of a pair", each, json_object_get(wanted, "loss_each"), VALUES);
        golden_all_close("reward of a", a, json_object_get(wanted, "reward_a"), VALUES);
        golden_all_close("reward of b", b, json_object_get(wanted, "reward_b"), VALUES);
        golden_gradients(r.m, r.dw, json_object_get(wanted, "grad"), GRADIENTS);
    }
    run_end(&r);
}

/* --- its steps --------------------------------------------------------------------------------------------------- */

/* The trainer leaves gains and biases out of the decay; the numbers have every parameter in one group. */
static void decay_the_rest(Model *m, double rate, double decay)
{
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        Matrix w = *list.param[i].matrix;
        for (size_t k = 0; !list.param[i].decay && k < matrix_floats(w.rows, w.cols); k++)
            w.at[k] = (float)((double)w.at[k] * (1 - rate * decay));
    }
    params_free(&list);
}

/* Updates on the same batch: the losses before each and after the last, and parameters after some of them. */
static void take_steps(const Golden *g, const char *name, TrainOptions options, double tolerance)
{
    Run r;
    Trainer trainer;
    Err err = {0};
    run_begin(&r, g);
    const json_t *wanted = json_object_get(r.golden, name), *losses = json_object_get(wanted, "losses");
    int steps = (int)json_array_size(losses) - 1, compared = 0;
    need_ok(trainer_init(&trainer, r.m, &options, steps, &err), &err);
    for (int t = 1; t <= steps + 1; t++) {
        float a[MOST_PAIRS], b[MOST_PAIRS], each[MOST_PAIRS];
        double loss = reward_pass(&r, true, a, b, each);
        golden_close("loss before a step", loss, json_number_value(json_array_get(losses, (size_t)t - 1)), VALUES);
        if (t > steps)
            break;
        memcpy(trainer.grads->block, r.dw->block, r.dw->floats * sizeof(float));
        decay_the_rest(r.m, options.lr, options.weight_decay);
        need_ok(trainer_update(&trainer, &err), &err);
        char key[24];
        snprintf(key, sizeof key, "after_%d", t);
        const json_t *params = json_object_get(wanted, key);
        if (params)
            golden_params(r.m, params, tolerance);
        compared += params != NULL;
    }
    assert_true(steps >= 3 && compared >= 2);
    trainer_release(&trainer);
    run_end(&r);
}

static void adamw(void **state)
{
    take_steps(*state, "reward_model_adamw",
               (TrainOptions){.optimizer = OPTIMIZER_ADAMW, .lr = 1e-3, .weight_decay = 0.01}, ADAMW_PARAMS);
}

static void adafactor(void **state)
{
    take_steps(*state, "reward_model_adafactor", (TrainOptions){.optimizer = OPTIMIZER_ADAFACTOR, .lr = 1e-3},
               ADAFACTOR_PARAMS);
}

int main(void)
{
    static const struct CMUnitTest kinds[] = {
        cmocka_unit_test(reward_model),
        cmocka_unit_test(adamw),
        cmocka_unit_test(adafactor),
    };
    return golden_run("training", kinds, COUNT(kinds));
}
