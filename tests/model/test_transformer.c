/* Whole-model gradients: central differences under every loss, for both kinds of tiny model; and a forest's
 * gradient against the sum over its sequences, in bits where they share nothing. */
#include "tiny.h"

#include "base/mem.h"
#include "base/str.h"

enum { VOCAB = 61, ITEMS = 2, SAMPLES = 2, PROMPT = 9, RESPONSE = 7, ENTRIES = 7 };

/* Prompts with two samples each: the first tokens of the samples differ. */
typedef struct Data {
    int prompt[ITEMS][PROMPT], response[ITEMS][SAMPLES][RESPONSE];
    int length[ITEMS][SAMPLES];
} Data;

static void fill_data(Data *x)
{
    for (int i = 0; i < ITEMS; i++) {
        int *ids = random_ids(PROMPT, VOCAB, 10 + (uint64_t)i);
        memcpy(x->prompt[i], ids, sizeof x->prompt[i]);
        free(ids);
        for (int s = 0; s < SAMPLES; s++) {
            ids = random_ids(RESPONSE, VOCAB, 20 + (uint64_t)(2 * i + s));
            memcpy(x->response[i][s], ids, sizeof x->response[i][s]);
            free(ids);
            x->length[i][s] = 2 + (3 * i + 5 * s) % (RESPONSE - 1);
        }
    }
}

/* --- losses: from a pass's results their value and, where wanted, the derivatives ------------------------------- */

typedef struct Loss {
    const char *name;
    int heads;
    bool targets, reward, values, kl; /* what it wants of the pass */
    double (*value)(const Pass *p, float *coef, float *dscalar);
    double temperature; /* of log-probabilities and the KL; 0: 1 */
} Loss;

static double fixed(uint64_t stream, int i)
{
    return rng_normal((RngKey){.seed = 4, .purpose = RNG_TEST, .row = stream}, (uint64_t)i);
}

/* Mean cross-entropy. */
static double next_token(const Pass *p, float *coef, float *dscalar)
{
    (void)dscalar;
    double sum = 0;
    for (int t = 0; t < p->targets; t++) {
        sum -= (double)p->logp[t] / p->targets;
        coef[t] = 1.0f / (float)p->targets;
    }
    return sum;
}

/* Mean over pairs of -(q ln s(d) + (1 - q) ln s(-d)), d = r_a - r_b: its derivative by d is s(d) - q. */
static double soft_labels(const Pass *p, float *coef, float *dscalar)
{
    (void)coef;
    double sum = 0;
    int pairs = p->scalars / 2;
    for (int i = 0; i < pairs; i++) {
        double d = (double)p->scalar[2 * i] - (double)p->scalar[2 * i + 1], q = i % 2 ? 0.8 : 0.35;
        double s = 1 / (1 + exp(-d));
        sum -= (q * log(s) + (1 - q) * log(1 - s)) / pairs;
        dscalar[2 * i] = (float)((s - q) / pairs);
        dscalar[2 * i + 1] = (float)(-(s - q) / pairs);
    }
    return sum;
}

/* -sum A_t ln pi(y_t) / N with given advantages of both signs. */
static double policy_gradient(const Pass *p, float *coef, float *dscalar)
{
    (void)dscalar;
    double sum = 0;
    for (int t = 0; t < p->targets; t++) {
        coef[t] = (float)(fixed(1, t) / p->targets);
        sum -= (double)coef[t] * (double)p->logp[t];
    }
    return sum;
}

/* sum (V_t - R_t)^2 / 2N with given returns. */
static double value_loss(const Pass *p, float *coef, float *dscalar)
{
    (void)coef;
    double sum = 0;
    for (int t = 0; t < p->scalars; t++) {
        double d = (double)p->scalar[t] - fixed(2, t);
        sum += 0.5 * d * d / p->scalars;
        dscalar[t] = (float)(d / p->scalars);
    }
    return sum;
}

static double policy_and_value(const Pass *p, float *coef, float *dscalar)
{
    return policy_gradient(p, coef, dscalar) + value_loss(p, coef, dscalar);
}

/* The same and KL_WEIGHT sum KL(p_t || q_t), whose derivatives are the pass's own. */
static const double KL_WEIGHT = 0.07;
static double policy_and_kl(const Pass *p, float *coef, float *dscalar)
{
    double sum = policy_gradient(p, coef, dscalar);
    for (int t = 0; t < p->targets; t++)
        sum += KL_WEIGHT * (double)p->kl[t];
    return sum;
}

static const Loss losses[] = {
    {"next token", HEAD_LM, true, false, false, false, next_token, 0},
    {"soft labels", HEAD_REWARD, false, true, false, false, soft_labels, 0},
    {"policy gradient", HEAD_LM, true, false, false, false, policy_gradient, 0},
    {"value", HEAD_VALUE, false, false, true, false, value_loss, 0},
    {"policy and value", HEAD_LM | HEAD_VALUE, true, false, true, false, policy_and_value, 0},
    {"policy and KL", HEAD_LM, true, false, false, true, policy_and_kl, 0},
    {"policy and KL at 0.6", HEAD_LM, true, false, false, true, policy_and_kl, 0.6},
    {"policy and value at 1.7", HEAD_LM | HEAD_VALUE, true, false, true, false, policy_and_value, 1.7},
};

/* --- passes ------------------------------------------------------------------------------------------------------ */

/* What a loss wants along one response: targets from the prompt's last token on, the values there, or the reward
 * at the last token. `offset`: where the response begins within `segment`; `before` its token before. */
static void want(Pass *p, const Loss *l, int before, int before_at, int segment, int offset, const int *ids, int n)
{
    for (int t = 0; t < n; t++) {
        int from = t == 0 ? before : segment, at = t == 0 ? before_at : offset + t - 1;
        if (l->targets)
            pass_target(p, from, at, ids[t]);
        if (l->values)
            pass_scalar(p, SCALAR_VALUE, from, at);
    }
    if (l->reward)
        pass_scalar(p, SCALAR_REWARD, segment, offset + n - 1);
}

static void begin(Pass *p, Model *m, const Loss *l, Model *reference)
{
    pass_begin(p, m);
    p->temperature = l->temperature;
    if (l->kl)
        pass_compare(p, reference, (float)KL_WEIGHT);
}

/* All items as trees: the beginning of a prompt, its end, and the samples as branches. */
static void plant(Pass *p, Model *m, const Loss *l, Model *reference, const Data *x)
{
    enum { BEGINNING = 4, END = PROMPT - BEGINNING };
    begin(p, m, l, reference);
    for (int i = 0; i < ITEMS; i++) {
        int root = pass_segment(p, -1, x->prompt[i], BEGINNING);
        int prompt = pass_segment(p, root, x->prompt[i] + BEGINNING, END);
        for (int s = 0; s < SAMPLES; s++) {
            int sample = pass_segment(p, prompt, x->response[i][s], x->length[i][s]);
            want(p, l, prompt, END - 1, sample, 0, x->response[i][s], x->length[i][s]);
        }
    }
}

/* The same as sequences of their own: the prompt again before every sample. */
static void plant_apart(Pass *p, Model *m, const Loss *l, Model *reference, const Data *x,
                        int (*whole)[PROMPT + RESPONSE])
{
    begin(p, m, l, reference);
    for (int i = 0; i < ITEMS; i++)
        for (int s = 0; s < SAMPLES; s++) {
            int *ids = whole[i * SAMPLES + s], n = x->length[i][s];
            memcpy(ids, x->prompt[i], sizeof x->prompt[i]);
            memcpy(ids + PROMPT, x->response[i][s], (size_t)n * sizeof(int));
            int segment = pass_segment(p, -1, ids, PROMPT + n);
            want(p, l, segment, PROMPT - 1, segment, PROMPT, x->response[i][s], n);
        }
}

static double run(Pass *p, const Loss *l, Weights *dw)
{
    Err err = {0};
    float coef[ITEMS * SAMPLES * RESPONSE] = {0}, dscalar[COUNT(coef)] = {0};
    need_ok(pass_forward(p, &err), &err);
    double loss = l->value(p, coef, dscalar);
    if (dw)
        need_ok(pass_backward(p, dw, p->targets ? coef : NULL, p->scalars ? dscalar : NULL, &err), &err);
    return loss;
}

/* --- central differences ----------------------------------------------------------------------------------------- */

typedef struct Check {
    Model *m, *reference;
    Pass p;
    const Loss *loss;
    Data x;
} Check;

static double loss_of(Check *c)
{
    plant(&c->p, c->m, c->loss, c->reference, &c->x);
    return run(&c->p, c->loss, NULL);
}

/* The derivative along a direction that only the entries `at` of a matrix take part in. */
static double along(Check *c, Matrix w, const size_t *at, const float *sign, int n, float h)
{
    double f[4];
    static const float step[4] = {-2, -1, 1, 2};
    float *old = mem_alloc((size_t)n, sizeof *old);
    for (int i = 0; i < n; i++)
        old[i] = w.at[at[i]];
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < n; i++)
            w.at[at[i]] = old[i] + sign[i] * step[k] * h;
        f[k] = loss_of(c);
    }
    for (int i = 0; i < n; i++)
        w.at[at[i]] = old[i];
    free(old);
    return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * (double)h);
}

/* Without rotation the bias of keys moves all scores of a query alike, which the softmax does not see; and the final norm's and
 * the reward head's all rewards alike, whose differences labels are about. */
static bool has_no_gradient(const Loss *loss, const ModelConfig *c, const Weights *w, const Param *p)
{
    return (c->rotary_dim == 0 && str_ends(p->name, "k_proj.bias")) ||
           ((p->matrix == &w->final_norm_bias || p->matrix == &w->score_bias) && loss->heads == HEAD_REWARD);
}

static void check_param(Check *c, const Param *p, Matrix dw)
{
    if (has_no_gradient(c->loss, &c->m->config, &c->m->w, p)) {
        assert_true(largest(dw.at, matrix_floats(dw.rows, dw.cols)) < 1e-6);
        return;
    }
    Matrix w = *p->matrix;
    int n = w.rows * w.cols;
    /* a step of A moves W by the factor times B, and keys that are normed turn further than four points follow */
    float h = p->adapter ? 1.0f / 128 : 1.0f / 64;
    double scale = largest(dw.at, matrix_floats(w.rows, w.cols)), all = 0, squares = 0;
    if (!(scale > 1e-6))
        fail_msg("%s, %s: the gradient is zero", c->loss->name, p->name);
    size_t *at = mem_alloc((size_t)n, sizeof *at);
    float *sign = mem_alloc((size_t)n, sizeof *sign);
    for (int i = 0; i < n; i++) {
        at[i] = matrix_at(w, i / w.cols, i % w.cols);
        sign[i] = fixed(3, i) > 0 ? 1 : -1;
        all += (double)sign[i] * (double)dw.at[at[i]];
        squares += (double)dw.at[at[i]] * (double)dw.at[at[i]];
    }
    for (int k = 0; k < ENTRIES; k++) {
        int i = (int)rng_below((RngKey){.seed = 5, .purpose = RNG_TEST, .row = (uint64_t)n}, (uint64_t)k, (uint64_t)n);
        double wanted = along(c, w, at + i, &(float){1}, 1, h);
        if (!(fabs((double)dw.at[at[i]] - wanted) < 1e-3 * scale))
            fail_msg("%s, %s: backward says %.6g for entry %d, differences %.6g, largest %.3g", c->loss->name, p->name,
                     (double)dw.at[at[i]], i, wanted, scale);
    }
    double wanted = along(c, w, at, sign, n, h / (float)sqrt(n));
    if (!(fabs(all - wanted) < 2e-3 * sqrt(squares)))
        fail_msg("%s, %s: backward says %.6g along a random direction, differences %.6g, norm %.3g", c->loss->name,
                 p->name, all, wanted, sqrt(squares));
    free(at);
    free(sign);
}

/* Of every family without an adapter, then of every one with. */
enum { KINDS = 2 * TINY_KINDS };
static Model *model_of(int kind, int heads, Device *d)
{
    Model *m = tiny_model((TinyKind)(kind % TINY_KINDS), heads, VOCAB, d);
    if (kind >= TINY_KINDS)
        tiny_adapt(m);
    return m;
}

static void agrees_with_differences(void **state)
{
    const Loss *loss = *state;
    Device *d = open_device(CPU_AUTO, 1);
    int kinds =
        loss == losses || loss->reward ? KINDS : TINY_KINDS; /* of targets, and of a head: enough with adapters */
    for (int kind = 0; kind < kinds; kind++) {
        Check *c = mem_zalloc(1, sizeof *c);
        c->m = model_of(kind, loss->heads, d);
        c->reference = tiny_neighbour((TinyKind)(kind % TINY_KINDS), HEAD_LM, VOCAB, d);
        c->loss = loss;
        fill_data(&c->x);
        pass_init(&c->p);
        Weights *dw = grads_new(c->m);
        plant(&c->p, c->m, loss, c->reference, &c->x);
        run(&c->p, loss, dw);
        grads_join(c->m, dw);
        ParamList w = params_trained(&c->m->w, &c->m->config), g = params_trained(dw, &c->m->config);
        for (int i = 0; i < w.n; i++)
            check_param(c, &w.param[i], *g.param[i].matrix);
        params_free(&w);
        params_free(&g);
        grads_free(dw);
        pass_release(&c->p);
        model_free(c->m);
        model_free(c->reference);
        free(c);
    }
    device_free(d);
}

/* --- a forest and its sequences ---------------------------------------------------------------------------------- */

static void forest_is_the_sum_of_its_sequences(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < COUNT(losses); i++) {
            const Loss *loss = &losses[i];
            Data x;
            Pass p, q;
            int whole[ITEMS * SAMPLES][PROMPT + RESPONSE];
            fill_data(&x);
            pass_init(&p);
            pass_init(&q);
            Model *m = model_of(kind, loss->heads, d);
            Model *reference = tiny_neighbour((TinyKind)(kind % TINY_KINDS), HEAD_LM, VOCAB, d);
            Weights *together = grads_new(m), *apart = grads_new(m);
            plant(&p, m, loss, reference, &x);
            plant_apart(&q, m, loss, reference, &x, whole);
            double a = run(&p, loss, together), b = run(&q, loss, apart);
            assert_true(a == b && p.targets == q.targets && p.rows < q.rows);
            same_bits("log-probabilities", p.logp, q.logp, (size_t)p.targets);
            same_bits("scalars", p.scalar, q.scalar, (size_t)p.scalars);
            grads_join(m, together);
            grads_join(m, apart);
            ParamList w = params_trained(together, &m->config), v = params_trained(apart, &m->config);
            for (int k = 0; k < w.n; k++) {
                const Matrix *g = w.param[k].matrix;
                size_t n = matrix_floats(g->rows, g->cols);
                double off = largest_difference(g->at, v.param[k].matrix->at, n), most = largest(g->at, n);
                if (!(off <= 1e-5 * (has_no_gradient(loss, &m->config, together, &w.param[k]) ? 1 : most)))
                    fail_msg("%s, %s: off by %.3g of %.3g", loss->name, w.param[k].name, off, most);
            }
            params_free(&w);
            params_free(&v);
            grads_free(together);
            grads_free(apart);
            pass_release(&p);
            pass_release(&q);
            model_free(m);
            model_free(reference);
        }
    device_free(d);
}

/* One sequence in its own pass, with its factors: adds to dw. */
static void add_alone(const Check *c, const int *ids, int n, const Pass *whole, int target, int scalar,
                      const float *coef, const float *dscalar, Weights *dw)
{
    Err err = {0};
    Pass p;
    pass_init(&p);
    begin(&p, c->m, c->loss, c->reference);
    int segment = pass_segment(&p, -1, ids, n);
    want(&p, c->loss, segment, PROMPT - 1, segment, PROMPT, ids + PROMPT, n - PROMPT);
    need_ok(pass_forward(&p, &err), &err);
    same_bits("log-probabilities", p.logp, whole->logp + target, (size_t)p.targets);
    same_bits("scalars", p.scalar, whole->scalar + scalar, (size_t)p.scalars);
    need_ok(pass_backward(&p, dw, p.targets ? coef + target : NULL, p.scalars ? dscalar + scalar : NULL, &err), &err);
    pass_release(&p);
}

/* One response a prompt: the trees of one pass, of two segments each, have in every bit the gradient that their sequences
 * have one after the other, each in a pass of its own and in one piece. */
static void same_as_alone(Check *c)
{
    Err err = {0};
    int whole[ITEMS * SAMPLES][PROMPT + RESPONSE], target[ITEMS * SAMPLES], scalar[ITEMS * SAMPLES];
    float coef[ITEMS * SAMPLES * RESPONSE] = {0}, dscalar[COUNT(coef)] = {0};
    Weights *together = grads_new(c->m), *apart = grads_new(c->m);
    begin(&c->p, c->m, c->loss, c->reference);
    for (int i = 0; i < ITEMS * SAMPLES; i++) {
        const int *prompt = c->x.prompt[i / SAMPLES], *response = c->x.response[i / SAMPLES][i % SAMPLES];
        int n = c->x.length[i / SAMPLES][i % SAMPLES];
        memcpy(whole[i], prompt, PROMPT * sizeof(int));
        memcpy(whole[i] + PROMPT, response, (size_t)n * sizeof(int));
        target[i] = c->p.targets;
        scalar[i] = c->p.scalars;
        int root = pass_segment(&c->p, -1, prompt, PROMPT), branch = pass_segment(&c->p, root, response, n);
        want(&c->p, c->loss, root, PROMPT - 1, branch, 0, response, n);
    }
    need_ok(pass_forward(&c->p, &err), &err);
    c->loss->value(&c->p, coef, dscalar);
    need_ok(pass_backward(&c->p, together, c->p.targets ? coef : NULL, c->p.scalars ? dscalar : NULL, &err), &err);
    for (int i = 0; i < ITEMS * SAMPLES; i++)
        add_alone(c, whole[i], PROMPT + c->x.length[i / SAMPLES][i % SAMPLES], &c->p, target[i], scalar[i], coef,
                  dscalar, apart);
    assert_true(largest(together->block, together->floats) > 1e-3);
    same_bits(c->loss->name, together->block, apart->block, together->floats);
    grads_free(together);
    grads_free(apart);
}

static void in_bits_where_nothing_is_shared(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < COUNT(losses); i++) {
            Check *c = mem_zalloc(1, sizeof *c);
            c->loss = &losses[i];
            c->m = model_of(kind, c->loss->heads, d);
            c->reference = tiny_neighbour((TinyKind)(kind % TINY_KINDS), HEAD_LM, VOCAB, d);
            fill_data(&c->x);
            pass_init(&c->p);
            same_as_alone(c);
            pass_release(&c->p);
            model_free(c->m);
            model_free(c->reference);
            free(c);
        }
    device_free(d);
}

/* Activations: their size is what is said beforehand, and a pass that trains gives the bits of one that does
 * not. */
static void training_or_not(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    for (int kind = 0; kind < KINDS; kind++) {
        Model *m = model_of(kind, HEAD_LM, d);
        int *ids = random_ids(30, VOCAB, 7);
        float *plain = hidden_alone(m, ids, 30);
        Pass p;
        Err err = {0};
        pass_init(&p);
        pass_begin(&p, m);
        pass_segment(&p, -1, ids, 30);
        need_ok(pass_forward(&p, &err), &err);
        same_bits("a pass that trains", p.acts.hidden.at, plain, tensor_count(p.acts.hidden));
        assert_true(p.acts.arena.used == acts_bytes(&m->config, 30, KEEP_ALL));
        assert_true(acts_bytes(&m->config, 30, KEEP_ALL) > 2 * acts_bytes(&m->config, 30, KEEP_NOTHING));
        free(ids), free(plain);
        pass_release(&p);
        model_free(m);
    }
    device_free(d);
}

/* Layers that are computed again from their inputs give the same gradients in every bit, in the memory that is said. */
static void computed_again(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int i = 0; i < COUNT(losses); i++) {
            const Loss *loss = &losses[i];
            Data x;
            Pass p[2];
            Model *m = tiny_model((TinyKind)kind, loss->heads, VOCAB, d);
            Model *reference = tiny_neighbour((TinyKind)kind, HEAD_LM, VOCAB, d);
            Weights *dw[2] = {grads_new(m), grads_new(m)};
            fill_data(&x);
            for (int k = 0; k < 2; k++) {
                pass_init(&p[k]);
                p[k].keep = k ? KEEP_INPUTS : KEEP_ALL;
                plant(&p[k], m, loss, reference, &x);
                run(&p[k], loss, dw[k]);
                assert_true(p[k].acts.arena.used == acts_bytes(&m->config, p[k].rows, p[k].keep));
            }
            same_bits(loss->name, dw[1]->block, dw[0]->block, dw[0]->floats);
            assert_true(largest(dw[1]->block, dw[1]->floats) > 0);
            assert_true(p[1].acts.arena.used < p[0].acts.arena.used);
            for (int k = 0; k < 2; k++) {
                grads_free(dw[k]);
                pass_release(&p[k]);
            }
            model_free(m);
            model_free(reference);
        }
    device_free(d);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(losses) + 4];
    for (int i = 0; i < COUNT(losses); i++)
        tests[i] = (struct CMUnitTest){.name = losses[i].name,
                                       .test_func = agrees_with_differences,
                                       .initial_state = (void *)(uintptr_t)&losses[i]};
    tests[COUNT(losses)] = (struct CMUnitTest)cmocka_unit_test(forest_is_the_sum_of_its_sequences);
    tests[COUNT(losses) + 1] = (struct CMUnitTest)cmocka_unit_test(in_bits_where_nothing_is_shared);
    tests[COUNT(losses) + 2] = (struct CMUnitTest)cmocka_unit_test(training_or_not);
    tests[COUNT(losses) + 3] = (struct CMUnitTest)cmocka_unit_test(computed_again);
    return cmocka_run_group_tests_name("transformer", tests, NULL, NULL);
}
