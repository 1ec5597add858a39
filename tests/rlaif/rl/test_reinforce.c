/* REINFORCE on rollouts made by hand: returns, advantages, the gradient of every loss against differences, and the KL as a
 * term of the loss. */
#include "tiny.h"

#include "base/mem.h"
#include "rlaif/rl/reinforce.h"

enum { VOCAB = 61, PROMPTS = 3, SAMPLES = 2, N = PROMPTS * SAMPLES, PROMPT = 6, LONGEST = 5 };

/* A step's rollouts: the policy's log-probabilities are those of a pass, as in training. */
typedef struct Step {
    Device *d;
    Model *policy, *reference, *value;
    Weights *dw, *dvalue;
    Pass pass;
    Ids prompt[PROMPTS];
    Rollout r[N];
    double temperature; /* of all log-probabilities; 0: 1 */
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
    s->pass.temperature = s->temperature;
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
    s->policy = tiny_model(kind, HEAD_LM | HEAD_VALUE, VOCAB, s->d);
    s->reference = tiny_neighbour(kind, HEAD_LM, VOCAB, s->d);
    s->value = tiny_neighbour(kind, HEAD_VALUE, VOCAB, s->d);
    s->dw = grads_new(s->policy);
    s->dvalue = grads_new(s->value);
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
    grads_free(s->dvalue);
    model_free(s->policy);
    model_free(s->reference);
    model_free(s->value);
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
    const Objective objective = {.beta = beta, .kl = kl};
    weights_zero(s->dw);
    reinforce_returns(s->r, N, &objective);
    need_ok(reinforce_gradients(&how, s->r, N, SAMPLES, &stats, &err), &err);
    return stats;
}

static void returns(void **state)
{
    (void)state;
    float logp[] = {-1, -2, -0.5f}, reference[] = {-1.5f, -1, -0.25f};
    int ids[] = {1, 2, 3};
    Rollout r = {.y = {.ids = {.id = ids, .n = 3}, .logp = logp}, .reference_logp = reference, .reward = 2};
    Objective o = {.beta = 0.25, .kl = KL_REWARD};
    reinforce_returns(&r, 1, &o); /* 0.75 R = 1.5; KL of the tokens 0.5, -1, -0.25 */
    assert_true(r.returns[2] == 1.5 + 0.0625 && r.returns[1] == 1.5625 + 0.25 && r.returns[0] == 1.8125 - 0.125);
    o.kl = KL_LOSS;
    reinforce_returns(&r, 1, &o);
    assert_true(r.returns[0] == 1.5 && r.returns[1] == 1.5 && r.returns[2] == 1.5);
    free(r.returns);
}

/* R whole; less what a missing end costs, which is no part of R, in either form and wherever the KL counts. */
static void other_objectives(void **state)
{
    (void)state;
    float logp[] = {-1, -2}, reference[] = {-1.5f, -1};
    int ids[] = {1, 2};
    Rollout r = {.y = {.ids = {.id = ids, .n = 2}, .logp = logp}, .reference_logp = reference, .reward = 2};
    Objective o = {.form = OBJECTIVE_PLAIN, .beta = 0.25, .kl = KL_REWARD};
    reinforce_returns(&r, 1, &o); /* R = 2; KL of the tokens 0.5, -1 */
    assert_true(r.returns[1] == 2 + 0.25 && r.returns[0] == 2.25 - 0.125);
    o.no_end_penalty = 3;
    reinforce_returns(&r, 1, &o);
    assert_true(r.returns[1] == -1 + 0.25 && r.returns[0] == -0.75 - 0.125 && r.penalty == 3 && r.reward == 2);
    o.form = OBJECTIVE_CONVEX;
    o.kl = KL_LOSS;
    reinforce_returns(&r, 1, &o);
    assert_true(r.returns[1] == -0.75 && r.returns[0] == -0.75);
    r.y.ended = true;
    reinforce_returns(&r, 1, &o);
    assert_true(r.returns[1] == 1.5 && r.returns[0] == 1.5 && r.penalty == 0);
    free(r.returns);
}

/* Rewards in units of their spread, of a prompt's samples or of the step, a missing end counted; the KL in none. What is worth the
 * same is 0 in every bit. */
static void scaled_rewards(void **state)
{
    (void)state;
    enum { ROLLOUTS = 6, GROUP = 3 };
    static const double reward[ROLLOUTS] = {1, 2, 6, 0.1, 0.1, 0.1}, within[GROUP] = {-1, 0, 1}; /* 6 has no end */
    float logp[] = {-1}, reference[] = {-1.5f};
    int ids[] = {1};
    Rollout r[ROLLOUTS];
    for (int i = 0; i < ROLLOUTS; i++)
        r[i] = (Rollout){.y = {.ids = {.id = ids, .n = 1}, .logp = logp, .ended = i != 2},
                         .reference_logp = reference,
                         .reward = reward[i]};
    Objective o = {.beta = 0.25, .no_end_penalty = 3, .spread = SPREAD_GROUP, .per_group = GROUP};
    reinforce_returns(r, ROLLOUTS, &o); /* the first group is 1, 2, 3: s = 1; KL of the token 0.5 */
    for (int i = 0; i < ROLLOUTS; i++) {
        double wanted = i < GROUP ? within[i] / 1.0001 : 0;
        close_to(r[i].learned, wanted, 1e-15);
        close_to(r[i].returns[0], 0.75 * wanted - 0.125, 1e-15);
        assert_true(r[i].reward == reward[i]);
    }
    assert_true(r[3].learned == 0 && r[4].learned == 0 && r[5].learned == 0);
    o.spread = SPREAD_BATCH;
    reinforce_returns(r, ROLLOUTS,
                      &o); /* 1, 2, 3 and three times 0.1: m = 1.05, s^2 = (0.05^2 + 0.95^2 + 1.95^2 + 3 0.95^2) / 5 */
    double s = sqrt((0.0025 + 4 * 0.9025 + 3.8025) / 5) + 1e-4;
    close_to(r[0].learned, -0.05 / s, 1e-12);
    close_to(r[2].learned, 1.95 / s, 1e-12);
    close_to(r[4].returns[0], 0.75 * -0.95 / s - 0.125, 1e-12);
    o.spread = SPREAD_NONE;
    reinforce_returns(r, ROLLOUTS, &o);
    assert_true(r[2].learned == 3 && r[1].learned == 2);
    for (int i = 0; i < ROLLOUTS; i++)
        free(r[i].returns);
}

/* Where policy and reference are one model, the KL is exactly 0, and nothing is left but (1 - beta) R. */
static void kl_loss_at_the_start(void **state)
{
    (void)state;
    for (int kind = 0; kind < TINY_USUAL; kind++) {
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

/* --- against differences ------------------------------------------------------------------------------------------- */

/* A way to learn. of_value: it is the value network's gradient that is looked at; kl_alone: all rewards are 0. */
typedef struct Way {
    const char *name;
    Baseline baseline;
    ValuePlace place;
    KlPlace kl;
    bool of_value, kl_alone, whiten;
    double value_weight, temperature;
} Way;

static const Way ways[] = {
    {"no baseline", BASELINE_NONE, VALUE_OWN, KL_REWARD, false, false, false, 1, 0},
    {"the group", BASELINE_GROUP, VALUE_OWN, KL_REWARD, false, false, false, 1, 0},
    {"the group, whitened", BASELINE_GROUP, VALUE_OWN, KL_REWARD, false, false, true, 1, 0},
    {"own values, policy", BASELINE_VALUE, VALUE_OWN, KL_REWARD, false, false, false, 1, 0},
    {"own values, network", BASELINE_VALUE, VALUE_OWN, KL_REWARD, true, false, false, 1, 0},
    {"own values, whitened", BASELINE_VALUE, VALUE_OWN, KL_REWARD, false, false, true, 1, 0},
    {"a value head", BASELINE_VALUE, VALUE_HEAD, KL_REWARD, false, false, false, 1, 0},
    {"a value head of weight 3", BASELINE_VALUE, VALUE_HEAD, KL_REWARD, false, false, false, 3, 0},
    {"a value head, whitened", BASELINE_VALUE, VALUE_HEAD, KL_REWARD, false, false, true, 0.5, 0},
    {"a value head and the KL", BASELINE_VALUE, VALUE_HEAD, KL_LOSS, false, false, false, 1, 0},
    {"the KL alone", BASELINE_NONE, VALUE_OWN, KL_LOSS, false, true, false, 1, 0},
    {"the KL alone at 0.7", BASELINE_NONE, VALUE_OWN, KL_LOSS, false, true, false, 1, 0.7},
    {"the group at 0.7", BASELINE_GROUP, VALUE_OWN, KL_REWARD, false, false, false, 1, 0.7},
    {"a value head and the KL at 2", BASELINE_VALUE, VALUE_HEAD, KL_LOSS, false, false, false, 1, 2},
};

enum { DIRECTIONS = 4 };
static const double BETA = 0.4;

/* The gradients into s->dw and s->dvalue, with the returns as they are. */
static ReinforceStats gradients_of(Step *s, const Way *w)
{
    Err err = {0};
    ReinforceStats stats;
    Reinforce how = {.policy = s->policy,
                     .value = s->value,
                     .reference = s->reference,
                     .dpolicy = s->dw,
                     .dvalue = s->dvalue,
                     .pass = &s->pass,
                     .baseline = w->baseline,
                     .place = w->place,
                     .kl = w->kl,
                     .beta = BETA,
                     .temperature = w->temperature,
                     .value_weight = w->value_weight,
                     .whiten = w->whiten,
                     .pass_rows = 30};
    weights_zero(s->dw);
    weights_zero(s->dvalue);
    need_ok(reinforce_gradients(&how, s->r, N, SAMPLES, &stats, &err), &err);
    return stats;
}

static int tokens_of(const Step *s)
{
    int n = 0;
    for (int i = 0; i < N; i++)
        n += s->r[i].y.ids.n;
    return n;
}

/* A_t is the return less the baseline: the mean first return of the prompt's other samples, the value, or nothing; whitened
 * less the mean of all, over their standard deviation. */
static void check_advantages(const Step *s, const Way *w)
{
    double plain[N][LONGEST], sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const Rollout *r = &s->r[i];
        double group = 0;
        for (int k = i / SAMPLES * SAMPLES; k < (i / SAMPLES + 1) * SAMPLES; k++)
            group += k == i ? 0 : s->r[k].returns[0] / (SAMPLES - 1);
        for (int t = 0; t < r->y.ids.n; t++) {
            double baseline = w->baseline == BASELINE_VALUE   ? (double)r->values[t]
                              : w->baseline == BASELINE_GROUP ? group
                                                              : 0;
            plain[i][t] = r->returns[t] - baseline;
            sum += plain[i][t];
            squares += plain[i][t] * plain[i][t];
        }
    }
    double mean = sum / tokens_of(s), sd = sqrt(squares / tokens_of(s) - mean * mean);
    for (int i = 0; i < N; i++)
        for (int t = 0; t < s->r[i].y.ids.n; t++)
            if (w->whiten)
                close_to((double)s->r[i].advantages[t], (plain[i][t] - mean) / sd, 1e-6);
            else
                assert_true(s->r[i].advantages[t] == (float)plain[i][t]);
}

/* The loss whose gradient it is, at the models as they are; advantages [N][LONGEST] and returns are constants. */
static double loss_of(Step *s, const Way *w, float (*advantage)[LONGEST])
{
    score(s);
    ReinforceStats stats = gradients_of(s, w);
    if (w->of_value)
        return stats.value_loss;
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int t = 0; t < s->r[i].y.ids.n; t++)
            sum -= (double)advantage[i][t] * (double)s->r[i].y.logp[t];
    sum /= tokens_of(s);
    if (w->baseline == BASELINE_VALUE && w->place == VALUE_HEAD)
        sum += w->value_weight * stats.value_loss;
    return sum + (w->kl == KL_LOSS ? BETA / tokens_of(s) * N * stats.exact_kl : 0);
}

static void check_direction(Step *s, const Way *w, TinyKind kind, Weights *slope, float (*advantage)[LONGEST],
                            int direction)
{
    static const double at[4] = {-2, -1, 1, 2}, h = 2e-3;
    Model *m = w->of_value ? s->value : s->policy;
    double length = sqrt(move_along(m, slope, direction, 0)), f[4];
    float *old = mem_copy(m->w.block, m->w.floats, sizeof(float));
    for (int k = 0; k < 4; k++) {
        move_along(m, slope, direction, at[k] * h / length);
        f[k] = loss_of(s, w, advantage);
        memcpy(m->w.block, old, m->w.floats * sizeof(float));
    }
    free(old);
    double along = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
    if (!(fabs(along - length) < 2e-3 * length) || !(length > 1e-4))
        fail_msg("%s, %s, direction %d: differences %.7g, the gradient's length %.7g", w->name, tiny_name[kind],
                 direction, along, length);
}

static void against_differences(void **state)
{
    const Way *w = *state;
    for (int kind = 0; kind < TINY_USUAL; kind++) {
        Step s;
        float advantage[N][LONGEST];
        const Objective objective = {.beta = BETA, .kl = w->kl};
        step_begin(&s, (TinyKind)kind);
        s.temperature = w->temperature;
        score(&s);
        for (int i = 0; i < N && w->kl_alone; i++)
            s.r[i].reward = 0;
        reinforce_returns(s.r, N, &objective);
        gradients_of(&s, w);
        check_advantages(&s, w);
        for (int i = 0; i < N; i++)
            memcpy(advantage[i], s.r[i].advantages, (size_t)s.r[i].y.ids.n * sizeof(float));
        Model *m = w->of_value ? s.value : s.policy;
        Weights *slope = grads_new(m);
        memcpy(slope->block, (w->of_value ? s.dvalue : s.dw)->block, slope->floats * sizeof(float));
        grads_join(m, slope);
        for (int k = 0; k < DIRECTIONS; k++)
            check_direction(&s, w, (TinyKind)kind, slope, advantage, k);
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

/* Whitened advantages depend on the whole batch, and not on how it is spread over passes; the loss that is logged, and the
 * spread of the advantages, are those of the numbers as they are. */
static void whitened_in_micro_batches(void **state)
{
    (void)state;
    for (int place = 0; place < 2; place++) {
        Step s;
        Err err = {0};
        ReinforceStats stats[3];
        const Objective objective = {.beta = BETA};
        float *wanted = NULL, *values = NULL;
        step_begin(&s, TINY_LLAMA);
        reinforce_returns(s.r, N, &objective);
        for (int k = 0; k < 3; k++) {
            Reinforce how = {.policy = s.policy,
                             .value = s.value,
                             .dpolicy = s.dw,
                             .dvalue = s.dvalue,
                             .pass = &s.pass,
                             .place = (ValuePlace)place,
                             .value_weight = 1,
                             .whiten = k > 0,
                             .pass_rows = k == 1 ? 1 : 1000};
            weights_zero(s.dw);
            weights_zero(s.dvalue);
            need_ok(reinforce_gradients(&how, s.r, N, SAMPLES, &stats[k], &err), &err);
            if (k == 1) {
                wanted = mem_copy(s.dw->block, s.dw->floats, sizeof(float));
                values = mem_copy(s.dvalue->block, s.dvalue->floats, sizeof(float));
            }
        }
        same_bits("gradients", s.dw->block, wanted, s.dw->floats);
        same_bits("values' gradients", s.dvalue->block, values, s.dvalue->floats);
        assert_true(stats[0].advantage_sd == stats[1].advantage_sd && stats[1].value_loss == stats[2].value_loss);
        free(wanted);
        free(values);
        step_end(&s);
    }
}

int main(void)
{
    static struct CMUnitTest tests[5 + COUNT(ways)] = {
        cmocka_unit_test(returns),
        cmocka_unit_test(other_objectives),
        cmocka_unit_test(scaled_rewards),
        cmocka_unit_test(whitened_in_micro_batches),
        cmocka_unit_test(kl_loss_at_the_start),
        cmocka_unit_test(kl_loss_in_micro_batches),
    };
    for (int i = 0; i < COUNT(ways); i++)
        tests[5 + i] = (struct CMUnitTest){
            .name = ways[i].name, .test_func = against_differences, .initial_state = (void *)(uintptr_t)&ways[i]};
    return cmocka_run_group_tests_name("reinforce", tests, NULL, NULL);
}
