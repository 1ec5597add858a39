/* Training against PyTorch in double precision: the reward model's loss, gradients and steps under AdamW and
 * Adafactor; REINFORCE with KL in the return and a value head on the policy's trunk. */
#include "golden.h"

#include "base/mem.h"
#include "base/real.h"

static const double VALUES = 2e-4, GRADIENTS = 1e-4, ADAMW_PARAMS = 1e-4, ADAFACTOR_PARAMS = 1e-5;

/* One file of numbers, and what a test needs with it. */
typedef struct Run {
    const Golden *g;
    json_t *golden;
    Device *d;
    Model *m;
    Weights *dw;
    Pass p;
    int *ids[64]; /* borrowed by the pass */
    int n_ids;
} Run;

static void run_begin(Run *r, const Golden *g, int heads)
{
    *r = (Run){.g = g};
    r->golden = golden_read(g, "training.json");
    r->d = open_device(CPU_AUTO, 2);
    r->m = golden_model(g, heads, r->d);
    if (heads & HEAD_REWARD)
        golden_tensor(g, "score_head.safetensors", "score.weight", r->m->w.score);
    if (heads & HEAD_VALUE) {
        golden_tensor(g, "value_head.safetensors", "value.weight", r->m->w.value);
        golden_tensor(g, "value_head.safetensors", "value.bias", r->m->w.value_bias);
    }
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
    run_begin(&r, *state, HEAD_REWARD);
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

/* One update of every parameter in one group; the state lies at m and v, or, for Adafactor, v's floats hold row means
 * and then column means of each parameter. */
typedef void Step(Run *r, Weights *m, Weights *v, int t);

static void adamw_step(Run *r, Weights *m, Weights *v, int t)
{
    const ModelConfig *c = &r->m->config;
    ParamList w = params_list(&r->m->w, c), g = params_list(r->dw, c), lm = params_list(m, c), lv = params_list(v, c);
    for (int i = 0; i < w.n; i++)
        op_adamw(r->d, *w.param[i].matrix, *lm.param[i].matrix, *lv.param[i].matrix, *g.param[i].matrix,
                 (AdamW){.lr = 1e-3f,
                         .beta1 = 0.9f,
                         .beta2 = 0.999f,
                         .eps = 1e-8f,
                         .decay = 0.01f,
                         .correct1 = (float)(1 - real_pow(0.9, t)),
                         .correct2 = (float)(1 - real_pow(0.999, t)),
                         .grad_scale = 1});
    params_free(&w);
    params_free(&g);
    params_free(&lm);
    params_free(&lv);
}

static void adafactor_step(Run *r, Weights *m, Weights *v, int t)
{
    (void)m;
    const ModelConfig *c = &r->m->config;
    ParamList w = params_list(&r->m->w, c), g = params_list(r->dw, c);
    float *at = v->block;
    for (int i = 0; i < w.n; i++) {
        Matrix x = *w.param[i].matrix;
        op_adafactor(
            r->d, x, at, x.cols > 1 ? at + x.rows : NULL, *g.param[i].matrix,
            (Adafactor){
                .lr = 1e-3f, .beta2 = (float)(1 - real_pow(t, -0.8)), .eps = 1e-30f, .clip = 1, .grad_scale = 1});
        at += x.rows + (x.cols > 1 ? x.cols : 0);
        assert_true(at <= v->block + v->floats);
    }
    params_free(&w);
    params_free(&g);
}

/* Steps on the same batch: the losses before each and after the last, and parameters after some of them. */
static void take_steps(const Golden *g, const char *name, Step *step, double tolerance)
{
    Run r;
    run_begin(&r, g, HEAD_REWARD);
    const json_t *wanted = json_object_get(r.golden, name), *losses = json_object_get(wanted, "losses");
    Weights *m = grads_new(r.m), *v = grads_new(r.m);
    int steps = (int)json_array_size(losses) - 1, compared = 0;
    for (int t = 1; t <= steps + 1; t++) {
        float a[MOST_PAIRS], b[MOST_PAIRS], each[MOST_PAIRS];
        double loss = reward_pass(&r, true, a, b, each);
        golden_close("loss before a step", loss, json_number_value(json_array_get(losses, (size_t)t - 1)), VALUES);
        if (t > steps)
            break;
        grads_join(r.m, r.dw);
        step(&r, m, v, t);
        char key[24];
        snprintf(key, sizeof key, "after_%d", t);
        const json_t *params = json_object_get(wanted, key);
        if (params)
            golden_params(r.m, params, tolerance);
        compared += params != NULL;
    }
    assert_true(steps >= 3 && compared >= 2);
    grads_free(m);
    grads_free(v);
    run_end(&r);
}

static void adamw(void **state)
{
    take_steps(*state, "reward_model_adamw", adamw_step, ADAMW_PARAMS);
}

static void adafactor(void **state)
{
    take_steps(*state, "reward_model_adafactor", adafactor_step, ADAFACTOR_PARAMS);
}

/* --- REINFORCE --------------------------------------------------------------------------------------------------- */

enum { MOST_TOKENS = 64, MOST_ROLLOUTS = 8 };

/* The reference: another directory, or the policy with one matrix scaled. */
static Model *reference_of(const Run *r)
{
    static const Golden shared = {"../shared/golden/tiny-llama-ref", false};
    const json_t *made = json_object_get(json_object_get(r->golden, "reinforce"), "reference");
    if (!made)
        return golden_model(&shared, 0, r->d);
    Model *m = golden_model(r->g, 0, r->d);
    ParamList list = params_list(&m->w, &m->config);
    float factor = (float)json_number_of(made, "factor", NAN);
    int found = 0;
    for (int i = 0; i < list.n; i++) {
        if (strcmp(list.param[i].name, json_text_of(made, "scaled")) != 0)
            continue;
        Matrix w = *list.param[i].matrix;
        for (size_t k = 0; k < matrix_floats(w.rows, w.cols); k++)
            w.at[k] *= factor;
        found++;
    }
    assert_int_equal(found, 1);
    params_free(&list);
    return m;
}

/* Response tokens of all rollouts in one row, and what REINFORCE makes of them. */
typedef struct Tokens {
    int n, rollouts, first[MOST_ROLLOUTS + 1];
    float ref[MOST_TOKENS], kl[MOST_TOKENS], reward[MOST_TOKENS], returns[MOST_TOKENS], advantage[MOST_TOKENS];
} Tokens;

/* Every rollout as a prompt with its response under it; p.logp and p.scalar have one entry per token. */
static void rollout_pass(Run *r, Tokens *x)
{
    const json_t *rollouts = input(r, "rollouts");
    Model *ref = reference_of(r);
    Err err = {0};
    *x = (Tokens){.rollouts = (int)json_array_size(rollouts)};
    pass_begin(&r->p, r->m);
    for (int i = 0; i < x->rollouts; i++) {
        const json_t *rollout = json_array_get(rollouts, (size_t)i);
        int np, ny;
        const int *prompt = ids_of(r, rollout, "prompt", &np), *y = ids_of(r, rollout, "response", &ny);
        int *whole = mem_alloc((size_t)(np + ny), sizeof *whole);
        memcpy(whole, prompt, (size_t)np * sizeof *whole);
        memcpy(whole + np, y, (size_t)ny * sizeof *whole);
        float *ref_logp = logprobs_alone(ref, whole, np + ny);
        int root = pass_segment(&r->p, -1, prompt, np), sample = pass_segment(&r->p, root, y, ny);
        x->first[i] = x->n;
        for (int t = 0; t < ny; t++) {
            int at = pass_target(&r->p, t ? sample : root, t ? t - 1 : np - 1, y[t]);
            assert_int_equal(pass_scalar(&r->p, SCALAR_VALUE, t ? sample : root, t ? t - 1 : np - 1), at);
            x->ref[at] = ref_logp[np - 1 + t];
        }
        x->n += ny;
        x->first[i + 1] = x->n;
        free(whole);
        free(ref_logp);
    }
    assert_true(x->n <= MOST_TOKENS);
    need_ok(pass_forward(&r->p, &err), &err);
    model_free(ref);
}

/* kl_t = ln pi - ln pi_ref; reward -beta kl_t, and (1 - beta) r at the last; returns without discount. */
static void judge(const Run *r, Tokens *x)
{
    double beta = json_number_of(json_object_get(r->golden, "reinforce"), "beta", NAN);
    for (int i = 0; i < x->rollouts; i++) {
        double sum = 0, reward = json_number_of(json_array_get(input(r, "rollouts"), (size_t)i), "reward", NAN);
        for (int t = x->first[i + 1] - 1; t >= x->first[i]; t--) {
            x->kl[t] = r->p.logp[t] - x->ref[t];
            double token = -beta * (double)x->kl[t] + (t == x->first[i + 1] - 1 ? (1 - beta) * reward : 0);
            sum += token;
            x->reward[t] = (float)token;
            x->returns[t] = (float)sum;
            x->advantage[t] = (float)(sum - (double)r->p.scalar[t]);
        }
    }
}

static void check_arrays(const Run *r, const Tokens *x)
{
    const json_t *arrays = json_object_get(json_object_get(r->golden, "reinforce"), "arrays");
    for (int i = 0; i < x->rollouts; i++) {
        const json_t *wanted = json_array_get(arrays, (size_t)i);
        int at = x->first[i];
        assert_int_equal(json_array_size(json_object_get(wanted, "kl")), x->first[i + 1] - at);
        golden_all_close("ln pi", r->p.logp + at, json_object_get(wanted, "logprobs"), VALUES);
        golden_all_close("ln pi of the reference", x->ref + at, json_object_get(wanted, "ref_logprobs"), VALUES);
        golden_all_close("KL", x->kl + at, json_object_get(wanted, "kl"), VALUES);
        golden_all_close("reward", x->reward + at, json_object_get(wanted, "token_rewards"), VALUES);
        golden_all_close("return", x->returns + at, json_object_get(wanted, "returns"), VALUES);
        golden_all_close("value", r->p.scalar + at, json_object_get(wanted, "values"), VALUES);
        golden_all_close("advantage", x->advantage + at, json_object_get(wanted, "advantages"), VALUES);
    }
}

/* The loss of the policy, or of the values, normalised by N, with its gradients. */
static void check_loss(Run *r, const Tokens *x, bool values, const json_t *wanted)
{
    double n = json_number_of(wanted, "N", NAN), loss = 0;
    float factor[MOST_TOKENS];
    for (int t = 0; t < x->n; t++) {
        double off = (double)r->p.scalar[t] - (double)x->returns[t];
        loss += values ? 0.5 * off * off / n : -(double)x->advantage[t] * (double)r->p.logp[t] / n;
        factor[t] = (float)((values ? off : (double)x->advantage[t]) / n);
    }
    Err err = {0};
    wanted = json_object_get(wanted, values ? "value_full" : "policy");
    golden_close("loss", loss, json_number_of(wanted, "loss", NAN), VALUES);
    weights_zero(r->dw);
    need_ok(pass_backward(&r->p, r->dw, values ? NULL : factor, values ? factor : NULL, &err), &err);
    golden_gradients(r->m, r->dw, json_object_get(wanted, "grad"), GRADIENTS);
}

static void reinforce(void **state)
{
    static const char *const norms[] = {"per_token", "per_sequence"};
    Run r;
    Tokens x;
    run_begin(&r, *state, HEAD_LM | HEAD_VALUE);
    int compared = 0;
    for (int i = 0; i < 2 * COUNT(norms); i++) {
        const json_t *wanted = json_object_get(json_object_get(r.golden, "reinforce"), norms[i / 2]);
        if (!wanted)
            continue;
        free_ids(&r);
        rollout_pass(&r, &x);
        judge(&r, &x);
        check_arrays(&r, &x);
        check_loss(&r, &x, i % 2, wanted);
        compared++;
    }
    assert_true(compared > 0);
    run_end(&r);
}

int main(void)
{
    static const Golden goldens[] = {{"tests/fixtures/tiny-llama", true}, {"../shared/golden/tiny-llama", false}};
    static const struct CMUnitTest kinds[] = {
        cmocka_unit_test(reward_model),
        cmocka_unit_test(adamw),
        cmocka_unit_test(adafactor),
        cmocka_unit_test(reinforce),
    };
    static struct CMUnitTest tests[COUNT(goldens) * COUNT(kinds)];
    static char name[COUNT(tests)][100];
    for (int i = 0; i < COUNT(tests); i++) {
        const Golden *g = &goldens[i / COUNT(kinds)];
        tests[i] = kinds[i % COUNT(kinds)];
        tests[i].initial_state = (void *)(uintptr_t)g;
        snprintf(name[i], sizeof name[i], "%s, %s", g->dir, tests[i].name);
        tests[i].name = name[i];
    }
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
