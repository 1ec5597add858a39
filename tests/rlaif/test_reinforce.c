/* REINFORCE on rollouts made by hand: returns, and the KL as a term of the loss. */
#include "tiny.h"

#include "base/mem.h"
#include "rlaif/reinforce.h"

enum { VOCAB = 61, PROMPTS = 3, SAMPLES = 2, N = PROMPTS * SAMPLES, PROMPT = 6, LONGEST = 5 };

/* A step's rollouts: the policy's log-probabilities are those of a pass, as in training. */
typedef struct Step {
    Device *d;
    Model *policy, *reference;
    Weights *dw;
    Pass pass;
    Ids prompt[PROMPTS];
    Rollout r[N];
} Step;

static int first_logp(Pass *p, const Rollout *r)
{
    int root = pass_segment(p, -1, r->prompt->id, r->prompt->n), first = p->targets;
    int rest = r->y.ids.n > 1 ? pass_segment(p, root, r->y.ids.id, r->y.ids.n - 1) : root;
    for (int t = 0; t < r->y.ids.n; t++)
        pass_target(p, t ? rest : root, t ? t - 1 : r->prompt->n - 1, r->y.ids.id[t]);
    return first;
}

static float *logps(Step *s, Model *m, const Rollout *r)
{
    Err err = {0};
    pass_begin(&s->pass, m);
    int at = first_logp(&s->pass, r);
    need_ok(pass_forward(&s->pass, &err), &err);
    return mem_copy(s->pass.logp + at, (size_t)r->y.ids.n, sizeof(float));
}

static void score(Step *s)
{
    for (int i = 0; i < N; i++) {
        free(s->r[i].y.logp);
        free(s->r[i].reference_logp);
        s->r[i].y.logp = logps(s, s->policy, &s->r[i]);
        s->r[i].reference_logp = logps(s, s->reference, &s->r[i]);
    }
}

static void step_begin(Step *s, TinyKind kind)
{
    *s = (Step){.d = open_device(CPU_AUTO, 2)};
    s->policy = tiny_model(kind, HEAD_LM, VOCAB, s->d);
    s->reference = tiny_neighbour(kind, HEAD_LM, VOCAB, s->d);
    s->dw = grads_new(s->policy);
    pass_init(&s->pass);
    for (int i = 0; i < PROMPTS; i++) {
        int *ids = random_ids(PROMPT, VOCAB, 40 + (uint64_t)i);
        ids_append(&s->prompt[i], ids, PROMPT - i);
        free(ids);
    }
    for (int i = 0; i < N; i++) {
        int n = 1 + (2 * i) % LONGEST, *ids = random_ids(n, VOCAB, 50 + (uint64_t)i);
        s->r[i] = (Rollout){.row = i / SAMPLES, .sample = i % SAMPLES, .prompt = &s->prompt[i / SAMPLES]};
        s->r[i].reward = 0.3 * i - 0.7;
        ids_append(&s->r[i].y.ids, ids, n);
        free(ids);
    }
    score(s);
}

static void step_end(Step *s)
{
    for (int i = 0; i < N; i++)
        rollout_release(&s->r[i]);
    for (int i = 0; i < PROMPTS; i++)
        ids_release(&s->prompt[i]);
    pass_release(&s->pass);
    grads_free(s->dw);
    model_free(s->policy);
    model_free(s->reference);
    device_free(s->d);
}

/* The step's gradient into s->dw, in passes of about so many tokens. */
static ReinforceStats gradients(Step *s, KlPlace kl, double beta, Model *reference, int pass_rows)
{
    Err err = {0};
    ReinforceStats stats;
    Reinforce how = {.policy = s->policy,
                     .reference = reference,
                     .dpolicy = s->dw,
                     .pass = &s->pass,
                     .baseline = BASELINE_NONE,
                     .kl = kl,
                     .beta = beta,
                     .pass_rows = pass_rows};
    weights_zero(s->dw);
    reinforce_returns(s->r, N, beta, kl);
    need_ok(reinforce_gradients(&how, s->r, N, SAMPLES, &stats, &err), &err);
    return stats;
}

static void returns(void **state)
{
    (void)state;
    float logp[] = {-1, -2, -0.5f}, reference[] = {-1.5f, -1, -0.25f};
    int ids[] = {1, 2, 3};
    Rollout r = {.y = {.ids = {.id = ids, .n = 3}, .logp = logp}, .reference_logp = reference, .reward = 2};
    reinforce_returns(&r, 1, 0.25, KL_REWARD); /* 0.75 R = 1.5; KL of the tokens 0.5, -1, -0.25 */
    assert_true(r.returns[2] == 1.5 + 0.0625 && r.returns[1] == 1.5625 + 0.25 && r.returns[0] == 1.8125 - 0.125);
    reinforce_returns(&r, 1, 0.25, KL_LOSS);
    assert_true(r.returns[0] == 1.5 && r.returns[1] == 1.5 && r.returns[2] == 1.5);
    free(r.returns);
}

/* Where policy and reference are one model, the KL is exactly 0, and nothing is left but (1 - beta) R. */
static void kl_loss_at_the_start(void **state)
{
    (void)state;
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        Step s;
        step_begin(&s, (TinyKind)kind);
        for (int i = 0; i < N; i++) /* as if the reference had said the same */
            memcpy(s.r[i].reference_logp, s.r[i].y.logp, (size_t)s.r[i].y.ids.n * sizeof(float));
        ReinforceStats stats = gradients(&s, KL_REWARD, 0.2, NULL, 1000);
        assert_true(isnan(stats.exact_kl));
        float *wanted = mem_copy(s.dw->block, s.dw->floats, sizeof(float));
        stats = gradients(&s, KL_LOSS, 0.2, s.policy, 1000);
        assert_true(stats.exact_kl == 0);
        same_bits("gradients", s.dw->block, wanted, s.dw->floats);
        free(wanted);
        step_end(&s);
    }
}

/* Moves the policy's parameters by so much of a gradient; returns its squared length. */
static double move(Step *s, Weights *gradient, double by)
{
    ParamList w = params_list(&s->policy->w, &s->policy->config), g = params_list(gradient, &s->policy->config);
    double squares = 0;
    for (int i = 0; i < w.n; i++) {
        const Matrix *from = g.param[i].matrix;
        for (size_t j = 0; j < matrix_floats(from->rows, from->cols); j++) {
            squares += (double)from->at[j] * (double)from->at[j];
            w.param[i].matrix->at[j] += (float)(by * (double)from->at[j]);
        }
    }
    params_free(&w);
    params_free(&g);
    return squares;
}

/* With rewards of 0 and no baseline the KL term is the whole loss: beta/N times the KL of all positions. */
static void kl_loss_against_differences(void **state)
{
    (void)state;
    const double beta = 0.4;
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        Step s;
        step_begin(&s, (TinyKind)kind);
        int tokens = 0;
        for (int i = 0; i < N; i++) {
            s.r[i].reward = 0;
            tokens += s.r[i].y.ids.n;
        }
        gradients(&s, KL_LOSS, beta, s.reference, 1000);
        grads_join(s.policy, s.dw);
        Weights *slope = s.dw;
        s.dw = grads_new(s.policy);
        double length = sqrt(move(&s, slope, 0)), f[4];
        static const double at[4] = {-2, -1, 1, 2}, h = 2e-3;
        for (int k = 0; k < 4; k++) { /* along the gradient itself */
            move(&s, slope, (k ? at[k] - at[k - 1] : at[0]) * h / length);
            score(&s);
            f[k] = beta / tokens * N * gradients(&s, KL_LOSS, beta, s.reference, 1000).exact_kl;
        }
        double along = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
        if (!(fabs(along - length) < 2e-3 * length) || !(length > 1e-4))
            fail_msg("%s: differences %.7g, the gradient's length %.7g", tiny_name[kind], along, length);
        grads_free(slope);
        step_end(&s);
    }
}

/* However the groups are spread over passes. */
static void kl_loss_in_micro_batches(void **state)
{
    (void)state;
    Step s;
    step_begin(&s, TINY_GEMMA);
    ReinforceStats whole = gradients(&s, KL_LOSS, 0.4, s.reference, 1000);
    assert_true(whole.exact_kl > 0);
    float *wanted = mem_copy(s.dw->block, s.dw->floats, sizeof(float));
    for (int rows = 1; rows < 40; rows += 13) {
        ReinforceStats cut = gradients(&s, KL_LOSS, 0.4, s.reference, rows);
        assert_true(cut.exact_kl == whole.exact_kl);
        same_bits("gradients", s.dw->block, wanted, s.dw->floats);
    }
    free(wanted);
    step_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returns),
        cmocka_unit_test(kl_loss_at_the_start),
        cmocka_unit_test(kl_loss_against_differences),
        cmocka_unit_test(kl_loss_in_micro_batches),
    };
    return cmocka_run_group_tests_name("reinforce", tests, NULL, NULL);
}
