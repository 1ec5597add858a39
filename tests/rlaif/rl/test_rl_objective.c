/* Options of reinforcement learning that the paper leaves open: what the KL is measured from, the form of the objective, the
 * values' rate and weight, scaled rewards, whitened advantages, replies without an end. */
#include "judge_helpers.h"
#include "training.h"

#include "base/mem.h"
#include "infer/scorer.h"
#include "rlaif/rl/inspect.h"
#include "rlaif/rl/rl.h"

/* Two steps from a model into the directory and the stage `name`; three options more. */
static bool train_from(Bench *b, const char *model, const char *name, const char *const *more, Err *err)
{
    char output[40];
    snprintf(output, sizeof output, "output=@%s", name);
    return bench_run(b, &rl_table, rl_stage, name, err, "prompts=@prompts.jsonl", model, output, "reward=@reward",
                     "steps=2", "batch=4", "samples=2", "max-new-tokens=5", more[0], more[1], more[2], NULL);
}

static void trained(Bench *b, const char *name, const char *const *more)
{
    Err err = {0};
    need_ok(train_from(b, "model=" TINY_LLAMA_DIR, name, more, &err), &err);
}

/* A rollout on record, which can be made again. The caller releases it. */
static json_t *rollout(Bench *b, const char *name, int step, int sample)
{
    Err err = {0};
    RolloutInspection i;
    need_ok(rl_inspect(&b->work, b->folder, name, step, sample, &i, &err), &err);
    if (i.different)
        fail_msg("%s, step %d, rollout %d: other %s", name, step, sample, i.different);
    json_t *row = json_incref(i.recorded);
    rollout_inspection_release(&i);
    return row;
}

static double number_at(const json_t *row, const char *key, size_t t)
{
    return json_number_value(json_array_get(json_object_get(row, key), t));
}

/* The tiny model, and a rollout's prompt as it reads it. */
static Model *reader_of(const Bench *b, const json_t *row, Ids *prompt)
{
    Err err = {0};
    Model *m;
    Rows rows;
    char *path = bench_path(b, "prompts.jsonl");
    need_ok(model_load(&m, TINY_LLAMA_DIR, b->work.device, HEAD_LM, &err) && rows_read(&rows, path, 0, false, &err) &&
                rows_view(&rows, NEED_PROMPT, false, &err),
            &err);
    const Context *context = &rows.row[(int)json_number_of(row, "row", 0) - 1].view.context;
    need_ok(render_context(m, context, true, prompt, &err), &err);
    rows_release(&rows);
    free(path);
    return m;
}

/* Of a rollout's ids by the tiny model. */
static void check_reference(const Bench *b, const json_t *row)
{
    Err err = {0};
    Scorer *s;
    Ids ids = {0};
    Model *m = reader_of(b, row, &ids);
    const json_t *y = json_object_get(row, "ids");
    float logp[20], *to = logp;
    int from = ids.n, n = (int)json_array_size(y);
    for (size_t t = 0; t < json_array_size(y); t++)
        ids_add(&ids, (int)json_integer_value(json_array_get(y, t)));
    Sequence seq = {ids.id, ids.n};
    scorer_open(&s, m);
    need_ok(scorer_logprobs(s, &seq, &from, 1, &to, &err), &err);
    for (int t = 0; t < n; t++)
        assert_true(logp[t] == (float)number_at(row, "reference_logp", (size_t)t));
    scorer_free(s);
    ids_release(&ids);
    model_free(m);
}

/* Training that goes on from another policy is held to SFT, by either KL; the same model named is no other. */
static void another_reference(void **state)
{
    (void)state;
    static const char *const none[] = {"lr=3e-3", "baseline=group", "kl=reward"},
                             *const same[] = {"lr=3e-3", "baseline=group", "reference=" TINY_LLAMA_DIR},
                             *const kinds[][3] = {
                                 {"lr=1e-3", "baseline=group", "reference=" TINY_LLAMA_DIR},
                                 {"lr=1e-3", "kl=loss", "reference=" TINY_LLAMA_DIR},
                             };
    Bench b;
    Err err = {0};
    bench_begin(&b);
    trained(&b, "first", none);
    trained(&b, "same", same);
    bench_same(&b, "first/model.safetensors", "same/model.safetensors");
    bench_same(&b, "first/metrics.jsonl", "same/metrics.jsonl");
    for (int i = 0; i < COUNT(kinds); i++) {
        const char *name = i ? "loss" : "then";
        need_ok(train_from(&b, "model=@first", name, kinds[i], &err), &err);
        json_t *row = rollout(&b, name, 0, 3);
        double kl = json_number_of(row, "kl", 0);
        assert_true(kl != 0);
        check_reference(&b, row);
        for (size_t t = 0; t < json_array_size(json_object_get(row, "ids")); t++)
            kl -= (double)(float)number_at(row, "logp", t) - (double)(float)number_at(row, "reference_logp", t);
        close_to(kl, 0, 1e-9);
        json_decref(row);
        if (i == 1)
            assert_true(bench_metric(&b, name, 0, "exact_kl") > 0);
    }
    bench_end(&b);
}

/* R alone, and less what a missing end costs; the reward that is logged stays what it is. */
static void objectives(void **state)
{
    (void)state;
    static const char *const convex[] = {"baseline=none", "beta=0.4", "lr=1e-3"},
                             *const plain[] = {"baseline=none", "beta=0.4", "objective=plain"},
                             *const ended[] = {"baseline=none", "beta=0.4", "no-end-penalty=3"};
    Bench b;
    bench_begin(&b);
    trained(&b, "convex", convex);
    trained(&b, "plain", plain);
    trained(&b, "ended", ended);
    int without = 0;
    for (int k = 0; k < 8; k++) {
        json_t *row[] = {rollout(&b, "convex", 0, k), rollout(&b, "plain", 0, k), rollout(&b, "ended", 0, k)};
        double reward = json_number_of(row[0], "reward", (double)NAN);
        bool cut_off = !json_is_true(json_object_get(row[0], "ended"));
        close_to(number_at(row[0], "returns", 0), 0.6 * reward, 1e-6);
        close_to(number_at(row[1], "returns", 0), reward, 1e-6);
        close_to(number_at(row[2], "returns", 0), 0.6 * (reward - (cut_off ? 3 : 0)), 1e-6);
        assert_true(json_number_of(row[2], "reward", (double)NAN) == reward);
        assert_true(json_number_of(row[2], "penalty", 0) == (cut_off ? 3 : 0));
        without += cut_off;
        for (int i = 0; i < COUNT(row); i++)
            json_decref(row[i]);
    }
    assert_true(without > 0);
    close_to(bench_metric(&b, "ended", 0, "penalty"), 3.0 * without / 8, 1e-12);
    assert_true(isnan(bench_metric(&b, "plain", 0, "penalty")));
    bench_end(&b);
}

/* The value network learns at its own rate; the policy at its own. */
static void value_rate(void **state)
{
    (void)state;
    static const char *const slow[] = {"baseline=value", "lr=1e-4", "schedule=linear"},
                             *const fast[] = {"value-lr=4e-3", "lr=1e-4", "schedule=linear"},
                             *const all[] = {"baseline=value", "lr=4e-3", "schedule=linear"};
    Bench b;
    bench_begin(&b);
    trained(&b, "slow", slow);
    trained(&b, "fast", fast);
    trained(&b, "all", all);
    close_to(bench_metric(&b, "fast", 1, "lr"), bench_metric(&b, "slow", 1, "lr"), 1e-15);
    close_to(bench_metric(&b, "fast", 1, "value_lr"), bench_metric(&b, "all", 1, "lr"), 1e-15);
    assert_true(isnan(bench_metric(&b, "slow", 1, "value_lr")));
    /* after one step the policy is the slow one's, so that the next draws are, and the values are the fast one's */
    close_to(bench_metric(&b, "fast", 1, "kl"), bench_metric(&b, "slow", 1, "kl"), 1e-12);
    assert_true(bench_metric(&b, "fast", 1, "value_loss") != bench_metric(&b, "slow", 1, "value_loss"));
    assert_true(bench_metric(&b, "fast", 1, "kl") != bench_metric(&b, "all", 1, "kl"));
    bench_end(&b);
}

/* Advantages of a step have mean 0 and variance 1 over its tokens, and are made again from the whole step. */
static void whitened(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"whiten=true", "baseline=value", "lr=1e-3"},
                                          {"whiten=true", "value=head", "value-weight=0.3"},
                                          {"whiten=true", "baseline=group", "kl=loss"}};
    Bench b;
    bench_begin(&b);
    for (int i = 0; i < COUNT(ways); i++) {
        char name[2] = {(char)('a' + i), 0};
        double sum = 0, squares = 0;
        int n = 0;
        trained(&b, name, ways[i]);
        for (int k = 0; k < 8; k++) {
            json_t *row = rollout(&b, name, 1, k);
            for (size_t t = 0; t < json_array_size(json_object_get(row, "advantages")); t++, n++) {
                double a = number_at(row, "advantages", t);
                sum += a;
                squares += a * a;
            }
            json_decref(row);
        }
        close_to(sum / n, 0, 1e-6);
        close_to(squares / n, 1, 1e-4);
    }
    bench_end(&b);
}

/* Mean and standard deviation, with n - 1, of the rewards of a step's rollouts from `first` on. */
static double spread_of(json_t *const *row, int first, int n, double *mean)
{
    double squares = 0;
    *mean = 0;
    for (int k = first; k < first + n; k++)
        *mean += json_number_of(row[k], "reward", (double)NAN) / n;
    for (int k = first; k < first + n; k++)
        squares += pow(json_number_of(row[k], "reward", (double)NAN) - *mean, 2);
    return sqrt(squares / (n - 1));
}

/* What is learned from is the reward in units of its spread, and is made again, of a batch from the whole step; the reward that is
 * logged stays what it is, and so does the KL. */
static void scaled(void **state)
{
    (void)state;
    enum { ROLLOUTS = 8 };
    static const char *const ways[][3] = {{"scale-rewards=group", "baseline=group", "beta=0.4"},
                                          {"scale-rewards=batch", "baseline=none", "beta=0.4"},
                                          {"scale-rewards=batch", "baseline=value", "beta=0.4"}};
    Bench b;
    bench_begin(&b);
    trained(&b, "plain", (const char *const[]){"scale-rewards=none", "baseline=group", "beta=0.4"});
    for (int i = 0; i < COUNT(ways); i++) {
        char name[2] = {(char)('a' + i), 0};
        json_t *row[ROLLOUTS];
        trained(&b, name, ways[i]);
        close_to(bench_metric(&b, name, 0, "reward"), bench_metric(&b, "plain", 0, "reward"), 0);
        for (int k = 0; k < ROLLOUTS; k++)
            row[k] = rollout(&b, name, 1, k);
        for (int k = 0; k < ROLLOUTS; k++) {
            int group = i == 0 ? 2 : ROLLOUTS;
            double mean, s = spread_of(row, k / group * group, group, &mean), last = 0;
            double wanted = (json_number_of(row[k], "reward", (double)NAN) - mean) / (s + 1e-4);
            size_t n = json_array_size(json_object_get(row[k], "ids"));
            close_to(json_number_of(row[k], "scaled", (double)NAN), wanted, 1e-9);
            last = 0.4 * (number_at(row[k], "logp", n - 1) - number_at(row[k], "reference_logp", n - 1));
            close_to(number_at(row[k], "returns", n - 1), 0.6 * wanted - last, 1e-5);
        }
        for (int k = 0; k < ROLLOUTS; k++)
            json_decref(row[k]);
    }
    bench_end(&b);
}

/* Where every reply is worth the same nothing is learned, however small a spread is: the policy stays as it is. */
static void without_spread(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"scale-rewards=group", "baseline=none", "beta=0"},
                                          {"scale-rewards=batch", "baseline=none", "beta=0"},
                                          {"scale-rewards=none", "baseline=group", "beta=0"}};
    Bench b;
    Err err = {0};
    bench_begin(&b);
    bench_reward_at(&b, "reward", "still", 0, 0);
    for (int i = 0; i < COUNT(ways); i++) {
        need_ok(bench_run(&b, &rl_table, rl_stage, "still", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@policy", "reward=@still", "steps=2", "batch=4", "samples=2", "max-new-tokens=5",
                          "lr=1e-2", ways[i][0], ways[i][1], ways[i][2], NULL),
                &err);
        close_to(bench_metric(&b, "policy", 1, "no_spread"), 1, 0);
        close_to(bench_metric(&b, "policy", 1, "kl"), 0, 0);
        close_to(bench_metric(&b, "policy", 1, "advantage_sd"), 0, 0);
        close_to(bench_metric(&b, "policy", 1, "grad_norm"), 0, 0);
    }
    trained(&b, "one", (const char *const[]){"samples=1", "baseline=none", "beta=0"});
    assert_true(isnan(bench_metric(&b, "one", 0, "no_spread")));
    bench_end(&b);
}

/* What replies that ended are worth, and what those that were cut off are; of one reply there is only one sort. */
static void by_their_end(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"max-new-tokens=60", "baseline=none", "no-end-penalty=2"},
                                          {"batch=1", "samples=1", "baseline=none"}};
    static const int rollouts[] = {8, 1}, sorts[] = {2, 1};
    Bench b;
    bench_begin(&b);
    for (int i = 0; i < COUNT(ways); i++) {
        double sum[2] = {0};
        int n[2] = {0};
        trained(&b, "ends", ways[i]);
        for (int k = 0; k < rollouts[i]; k++) {
            json_t *row = rollout(&b, "ends", 0, k);
            bool ended = json_is_true(json_object_get(row, "ended"));
            sum[ended] += json_number_of(row, "reward", (double)NAN);
            n[ended]++;
            json_decref(row);
        }
        assert_int_equal((n[0] > 0) + (n[1] > 0), sorts[i]);
        for (int ended = 0; ended < 2; ended++) {
            double mean = bench_metric(&b, "ends", 0, ended ? "reward_ended" : "reward_cut");
            if (n[ended] == 0)
                assert_true(isnan(mean));
            else
                close_to(mean, sum[ended] / n[ended], 1e-12);
        }
    }
    bench_end(&b);
}

/* log pi_ref of a row's tokens by the tiny model, divided by T over the whole vocabulary: from log-probabilities at 1, as they
 * differ from logits by a number of their own. */
static void tempered_logps(const Bench *b, const json_t *row, double T, double *wanted)
{
    Err err = {0};
    Scorer *s;
    Ids ids = {0};
    Model *m = reader_of(b, row, &ids);
    const json_t *y = json_object_get(row, "ids");
    int vocab = m->config.vocab, *best = mem_alloc((size_t)vocab, sizeof *best);
    float *logp = mem_alloc((size_t)vocab, sizeof *logp);
    scorer_open(&s, m);
    for (size_t t = 0; t < json_array_size(y); t++) {
        int id = (int)json_integer_value(json_array_get(y, t));
        double z = 0, own = 0;
        need_ok(scorer_next(s, &(Sequence){ids.id, ids.n}, 1, vocab, best, logp, &err), &err);
        for (int k = 0; k < vocab; k++) {
            z += exp((double)logp[k] / T);
            own = best[k] == id ? (double)logp[k] / T : own;
        }
        wanted[t] = own - log(z);
        ids_add(&ids, id);
    }
    scorer_free(s);
    ids_release(&ids);
    model_free(m);
    free(best), free(logp);
}

/* At the temperature of the draw policy, reference and KL are that distribution's, uncut, whatever top-k leaves out of the draw;
 * the recomputed log-probabilities have the sampled ones' bits, which every step looks at, and the KL's name says so. */
static void at_sampling_temperature(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"kl=reward", "baseline=group", "top-k=40"},
                                          {"kl=loss", "baseline=value", "top-p=0.8"}};
    static const char *const names[] = {"kl",          "exact_kl",          "eval_kl",
                                        "kl_sampling", "exact_kl_sampling", "eval_kl_sampling"};
    Bench b;
    Err err = {0};
    bench_begin(&b);
    for (int i = 0; i < 2 * COUNT(ways); i++) {
        char name[8], output[16];
        bool sampling = i % 2, loss = i / 2;
        const char *const *more = ways[i / 2];
        snprintf(name, sizeof name, "t%d", i);
        snprintf(output, sizeof output, "output=@t%d", i);
        need_ok(bench_run(&b, &rl_table, rl_stage, name, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          output, "reward=@reward", "steps=2", "batch=4", "samples=2", "max-new-tokens=5",
                          "temperature=0.5", "lr=3e-3", "eval=@held.jsonl",
                          sampling ? "logp-temperature=sampling" : "logp-temperature=1", more[0], more[1], more[2],
                          NULL),
                &err);
        for (int k = 0; k < COUNT(names); k++) {
            bool there = (k >= COUNT(names) / 2) == sampling && (loss || !strstr(names[k], "exact"));
            int step = strstr(names[k], "eval") ? 1 : 0;
            assert_int_equal(!isnan(bench_metric(&b, name, step, names[k])), there);
        }
        assert_true(bench_metric(&b, name, 0, sampling ? "kl_sampling" : "kl") == 0);
        assert_true(bench_metric(&b, name, 1, sampling ? "kl_sampling" : "kl") != 0);
        assert_true(isfinite(bench_summary(&b, sampling ? "kl_sampling_last" : "kl_last")));
        json_t *row = rollout(&b, name, 1, 3);
        double wanted[5];
        tempered_logps(&b, row, sampling ? 0.5 : 1, wanted);
        for (size_t t = 0; t < json_array_size(json_object_get(row, "ids")); t++)
            close_to(number_at(row, "reference_logp", t), wanted[t], 1e-5);
        close_to(json_number_of(row, "logp_temperature", 1), sampling ? 0.5 : 1, 0);
        json_decref(row);
    }
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *const option[3];
        const char *words;
    } table[] = {
        {{"baseline=group", "value-lr=1e-3", "lr=1e-3"}, "--value-lr needs"},
        {{"value=head", "value-lr=1e-3", "lr=1e-3"}, "--value-lr needs"},
        {{"value=own", "value-weight=2", "lr=1e-3"}, "--value-weight needs"},
        {{"baseline=none", "lr=1e-3", "value-weight=0"}, "--value-weight needs"},
        {{"samples=1", "scale-rewards=group", "baseline=none"}, "--scale-rewards group needs --samples of 2"},
        {{"samples=1", "scale-rewards=batch", "batch=1"}, "--scale-rewards batch needs 2 responses"},
        {{"baseline=none", "lr=1e-3", "reference=@spelling"}, "have not the same tokens"},
    };
    Bench b;
    bench_begin(&b);
    free(spelling_model(b.folder));
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        if (train_from(&b, "model=" TINY_LLAMA_DIR, "no", table[i].option, &err) || err.code != ERR_INPUT ||
            !strstr(err.msg, table[i].words) || !err.hint[0])
            fail_msg("%d: \"%s\" does not say \"%s\"", i, err.msg, table[i].words);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_reference),
        cmocka_unit_test(objectives),
        cmocka_unit_test(value_rate),
        cmocka_unit_test(whitened),
        cmocka_unit_test(scaled),
        cmocka_unit_test(without_spread),
        cmocka_unit_test(by_their_end),
        cmocka_unit_test(at_sampling_temperature),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("rl_objective", tests, NULL, NULL);
}
