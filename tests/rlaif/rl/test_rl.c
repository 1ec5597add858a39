/* Reinforcement learning as a stage: the KL as a loss; what is kept; a rollout made again; what is refused. */
#include "rlaif/rl/rl.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/label/score.h"
#include "rlaif/rl/inspect.h"
#include "rlaif/rl/sample.h"
#include "training.h"

/* The first step draws the same rollouts; the returns differ, and the loss keeps the KL smaller than none. */
static void kl_as_a_loss(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char *const betas[] = {"beta=0", "beta=0.9"};
    double kl[2];
    for (int i = 0; i < 2; i++) {
        char name[2] = {(char)('a' + i), 0}, output[10];
        snprintf(output, sizeof output, "output=@%s", name);
        need_ok(bench_run(&b, &rl_table, rl_stage, name, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          output, "reward=@reward", "kl=loss", betas[i], "steps=6", "batch=8", "max-new-tokens=8",
                          "lr=3e-3", "baseline=none", NULL),
                &err);
        assert_true(bench_metric(&b, name, 0, "exact_kl") == 0 && bench_metric(&b, name, 0, "kl") == 0);
        kl[i] = bench_metric(&b, name, 5, "exact_kl");
        assert_true(kl[i] > 0);
    }
    if (!(kl[1] < 0.7 * kl[0]))
        fail_msg("beta 0.9: %g, beta 0: %g", kl[1], kl[0]);
    bench_end(&b);
}

/* --- held-out prompts --- */

/* What a policy's responses to the held-out prompts are worth: a training that changes nothing measures the same. */
static double mean_reward(Bench *b, const char *model)
{
    Err err = {0};
    need_ok(bench_run(b, &rl_table, rl_stage, "again", &err, model, "prompts=@prompts.jsonl", "eval=@held.jsonl",
                      "output=@again", "reward=@reward", "steps=1", "batch=1", "lr=0", "baseline=none",
                      "max-new-tokens=8", NULL),
            &err);
    return bench_metric(b, "again", 0, "eval_reward");
}

static bool is_there(const Bench *b, const char *name)
{
    char *path = bench_path(b, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

/* The k best by the reward on held-out prompts are there when it ends, and are worth what is said of them. */
static void best_are_kept(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@rl", "reward=@reward", "steps=9", "batch=4", "samples=2", "baseline=group", "lr=2e-3",
                      "max-new-tokens=8", "eval=@held.jsonl", "eval-every=2", "keep-best=3", NULL),
            &err);
    json_t *kept = json_incref(json_object_get(b.work.summary, "checkpoints")), *one;
    double last = bench_summary(&b, "eval_reward_last"), best[10], before = INFINITY;
    int measured = 0, at[10];
    assert_int_equal((int)bench_summary(&b, "eval_prompts"), 8);
    for (int step = 0; step < 9; step++) {
        double reward = bench_metric(&b, "rl", step, "eval_reward");
        assert_int_equal(!isnan(reward), step % 2 == 1 || step == 8);
        if (isnan(reward))
            continue;
        int k = measured++;
        for (; k > 0 && best[k - 1] < reward; k--) {
            best[k] = best[k - 1];
            at[k] = at[k - 1];
        }
        best[k] = reward;
        at[k] = step + 1;
    }
    assert_int_equal(measured, 5);
    assert_true(best[0] > best[4]);
    assert_int_equal((int)json_array_size(kept), 3);
    size_t i;
    json_array_foreach(kept, i, one)
    {
        double reward = json_number_of(one, "eval_reward", (double)NAN);
        char *name = mem_printf("rl/%s", json_text_of(one, "name")), *model = mem_printf("model=@%s", name);
        assert_true(reward <= before);
        assert_int_equal((int)json_number_of(one, "step", -1), at[i]);
        close_to(reward, best[i], 1e-12);
        assert_true(is_there(&b, name));
        if (i == 0)
            assert_true(fabs(mean_reward(&b, model) - reward) < 1e-9);
        before = reward;
        free(model);
        free(name);
    }
    for (int k = 3; k < measured; k++) {
        char name[40];
        snprintf(name, sizeof name, "rl/checkpoint-%06d", at[k]);
        assert_false(is_there(&b, name));
    }
    assert_true(fabs(mean_reward(&b, "model=@rl") - last) < 1e-9);
    json_decref(kept);
    bench_end(&b);
}

/* --- drawn for another purpose --- */

static bool take_response(void *context, const char *row, Err *err)
{
    json_t *j;
    if (!json_parse(row, strlen(row), "a rollout", &j, err))
        return false;
    json_array_append(context, json_object_get(j, "response"));
    json_decref(j);
    return true;
}

/* How many of a step's 16 rollouts are among a sample stage's replies. */
static int known_replies(const Bench *b, const char *rl, const char *samples)
{
    Err err = {0};
    StageRow s;
    bool present;
    int known = 0;
    size_t i, r, k;
    json_t *drawn = json_array(), *rows = bench_rows(b, samples), *response, *row, *reply;
    need_ok(store_stage_find(b->work.store, rl, &s, &present, &err) &&
                store_rollouts_each(b->work.store, s.id, 0, take_response, drawn, &err),
            &err);
    assert_int_equal((int)json_array_size(drawn), 16);
    json_array_foreach(drawn, i, response) json_array_foreach(rows, r, row)
        json_array_foreach(json_object_get(row, "responses"), k, reply) known += json_equal(response, reply);
    stage_row_release(&s);
    json_decref(rows);
    json_decref(drawn);
    return known;
}

/* The replies that were labelled are not those that the policy learns from: of one seed, one model and the same prompts. */
static void drawn_apart(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &sample_table, sample_stage, "sample", &err, "prompts=@prompts.jsonl",
                      "model=" TINY_LLAMA_DIR, "n=2", "max-new-tokens=8", NULL) &&
                bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@rl", "reward=@reward", "steps=1", "batch=8", "samples=2", "baseline=group",
                          "max-new-tokens=8", NULL),
            &err);
    assert_int_equal(known_replies(&b, "rl", "sample"), 0);
    bench_end(&b);
}

/* What measures a checkpoint is neither. Where policy and reward model read prompts in two ways, rewards are of the texts, as
 * scores are: the same replies would have the same mean. */
static void measured_apart(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char *const runs[][2] = {{"prompts=@prompts.jsonl", "eval=@held.jsonl"},
                                          {"prompts=@held.jsonl", "eval=@prompts.jsonl"}};
    double mean[2]; /* of what measures, of what is learned from */
    for (int i = 0; i < 2; i++) {
        need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, runs[i][0], runs[i][1], "model=" TINY_LLAMA_DIR,
                          "output=@rl", "reward=@reward", "steps=1", "batch=8", "lr=0", "baseline=none",
                          "max-new-tokens=8", "chat=false", NULL),
                &err);
        mean[i] = bench_metric(&b, "rl", 0, i ? "reward" : "eval_reward");
    }
    need_ok(bench_run(&b, &sample_table, sample_stage, "sample", &err, "prompts=@held.jsonl", "model=" TINY_LLAMA_DIR,
                      "max-new-tokens=8", "chat=false", NULL) &&
                bench_run(&b, &score_table, score_stage, "score", &err, "rows=stage:sample", "model=@reward", NULL),
            &err);
    double labelled = bench_summary(&b, "mean");
    assert_true(fabs(mean[0] - mean[1]) > 1e-6);
    assert_true(fabs(mean[0] - labelled) > 1e-6);
    assert_true(fabs(mean[1] - labelled) > 1e-6);
    bench_end(&b);
}

/* --- the values first --- */

static void value_warmup(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const struct {
        const char *name, *output, *steps, *warmup, *lr;
    } runs[] = {{"still", "output=@still", "steps=3", "value-warmup=3", "lr=2e-3"},
                {"none", "output=@none", "steps=3", "value-warmup=0", "lr=0"},
                {"then", "output=@then", "steps=5", "value-warmup=3", "lr=2e-3"}};
    for (int i = 0; i < COUNT(runs); i++)
        need_ok(bench_run(&b, &rl_table, rl_stage, runs[i].name, &err, "prompts=@prompts.jsonl",
                          "model=" TINY_LLAMA_DIR, runs[i].output, "reward=@reward", "batch=4", "max-new-tokens=8",
                          "schedule=linear", runs[i].steps, runs[i].warmup, runs[i].lr, NULL),
                &err);
    bench_same(&b, "still/model.safetensors", "none/model.safetensors");
    assert_true(bench_metric(&b, "still", 2, "value_loss") != bench_metric(&b, "none", 2, "value_loss"));
    for (int step = 0; step < 4; step++)
        close_to(bench_metric(&b, "then", step, "kl"), 0, 1e-12);
    close_to(bench_metric(&b, "then", 2, "lr"), 0, 1e-12);
    close_to(bench_metric(&b, "then", 3, "lr"), 2e-3, 1e-12); /* the schedule begins when the policy does */
    close_to(bench_metric(&b, "then", 4, "lr"), 1e-3, 1e-12);
    assert_true(bench_metric(&b, "then", 4, "kl") != 0);
    bench_end(&b);
}

/* --- how far rewards spread --------------------------------------------------------------------------------------- */

/* Rewards of a step's rollouts, in order. */
typedef struct Rewards {
    double at[64];
    int n;
} Rewards;

static bool take_reward(void *context, const char *row, Err *err)
{
    Rewards *r = context;
    json_t *j;
    if (!json_parse(row, strlen(row), "a rollout", &j, err))
        return false;
    r->at[r->n++] = json_number_of(j, "reward", (double)NAN);
    json_decref(j);
    return true;
}

/* Within the samples of a prompt rewards spread less than over the batch, whose variance has that of the prompts' means too; of
 * one sample a prompt there is nothing within. */
static void spread_within(void **state)
{
    (void)state;
    enum { PROMPTS = 4, SAMPLES = 4 };
    Bench b;
    Err err = {0};
    StageRow s;
    bool present;
    Rewards r = {.n = 0};
    bench_begin(&b);
    need_ok(bench_run(&b, &rl_table, rl_stage, "one", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@one", "reward=@reward", "steps=1", "batch=4", "max-new-tokens=6", NULL) &&
                bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@rl", "reward=@reward", "steps=1", "batch=4", "samples=4", "max-new-tokens=6",
                          NULL) &&
                store_stage_find(b.work.store, "rl", &s, &present, &err) &&
                store_rollouts_each(b.work.store, s.id, 0, take_reward, &r, &err),
            &err);
    assert_int_equal(r.n, PROMPTS * SAMPLES);
    double within = 0, between = 0, all = 0;
    for (int i = 0; i < r.n; i++)
        all += r.at[i] / r.n;
    for (int p = 0; p < PROMPTS; p++) {
        double mean = 0;
        for (int k = 0; k < SAMPLES; k++)
            mean += r.at[p * SAMPLES + k] / SAMPLES;
        for (int k = 0; k < SAMPLES; k++)
            within += pow(r.at[p * SAMPLES + k] - mean, 2) / r.n;
        between += pow(mean - all, 2) / PROMPTS;
    }
    assert_true(within > 1e-6 && between > 1e-6);
    close_to(bench_metric(&b, "rl", 0, "reward_sd_within"), sqrt(within), 1e-9);
    close_to(bench_metric(&b, "rl", 0, "reward_sd"), sqrt(within + between), 1e-9);
    assert_true(isnan(bench_metric(&b, "one", 0, "reward_sd_within")));
    stage_row_release(&s);
    bench_end(&b);
}

/* --- a rollout made again ---------------------------------------------------------------------------------------- */

/* Every rollout of a run is made again in the same bits: from a checkpoint, from the start, at the last step. */
static void made_again_as(Bench *b, const char *name, const char *const *how, int replayed_to_3)
{
    Err err = {0};
    RolloutInspection i;
    char output[20];
    snprintf(output, sizeof output, "output=@%s", name);
    need_ok(bench_run(b, &rl_table, rl_stage, name, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR, output,
                      "reward=@reward", "steps=4", "batch=3", "samples=2", "max-new-tokens=6", "lr=2e-3", how[0],
                      how[1], how[2], NULL),
            &err);
    static const int step[] = {0, 3, 3, 1}, sample[] = {0, 5, 2, 4};
    for (int k = 0; k < COUNT(step); k++) {
        need_ok(rl_inspect(&b->work, b->folder, name, step[k], sample[k], &i, &err), &err);
        if (i.different)
            fail_msg("%s, step %d, rollout %d: other %s", name, step[k], sample[k], i.different);
        assert_int_equal((int)json_number_of(i.recomputed, "step", -1), step[k]);
        assert_int_equal(i.replayed, step[k] == 3 ? replayed_to_3 : step[k]);
        assert_int_equal(i.tokens, (int)json_array_size(json_object_get(i.recorded, "advantages")));
        rollout_inspection_release(&i);
    }
}

static void made_again(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    made_again_as(&b, "value", (const char *const[]){"baseline=value", "save-every=2", "kl=reward"}, 1);
    made_again_as(&b, "late", (const char *const[]){"value-warmup=2", "save-every=3", "kl=loss"}, 0);
    made_again_as(&b, "head", (const char *const[]){"value=head", "save-every=3", "optimizer=adamw"}, 0);
    made_again_as(&b, "group", (const char *const[]){"baseline=group", "kl=loss", "beta=0.3"}, 3);
    bench_end(&b);
}

/* What is not as recorded is named; what cannot be made again is refused. */
static void made_again_otherwise(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    StageRow row;
    bool present;
    bench_begin(&b);
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@out", "reward=@reward", "steps=1", "batch=2", "max-new-tokens=4", NULL),
            &err);
    need_ok(rl_inspect(&b.work, b.folder, NULL, 0, 1, &i, &err) &&
                store_stage_find(b.work.store, "rl", &row, &present, &err),
            &err);
    json_t *logp = json_object_get(i.recorded, "logp");
    json_array_set_new(logp, 0, json_real(json_number_value(json_array_get(logp, 0)) + 1e-6));
    char *text = json_text(i.recorded);
    need_ok(store_rollout(b.work.store, row.id, 0, 1, text, &err), &err);
    free(text);
    rollout_inspection_release(&i);
    need_ok(rl_inspect(&b.work, b.folder, NULL, 0, 1, &i, &err), &err);
    assert_string_equal(i.different, "logp");
    rollout_inspection_release(&i);

    assert_false(rl_inspect(&b.work, b.folder, NULL, 0, 2, &i, &err));
    assert_non_null(strstr(err.msg, "no rollout 2 of step 0"));
    rollout_inspection_release(&i);
    err = (Err){0};
    assert_false(rl_inspect(&b.work, b.folder, "other", 0, 0, &i, &err));
    assert_non_null(strstr(err.msg, "no stage \"other\""));
    rollout_inspection_release(&i);
    err = (Err){0};
    char *prompts = bench_path(&b, "prompts.jsonl");
    need_ok(file_append(prompts, "{\"prompt\": \"one more\"}\n", 23, &err), &err);
    free(prompts);
    assert_false(rl_inspect(&b.work, b.folder, NULL, 0, 1, &i, &err));
    assert_non_null(strstr(err.msg, "the prompts of stage \"rl\""));
    rollout_inspection_release(&i);
    stage_row_release(&row);
    bench_end(&b);
}

/* --- numbers that are not finite --- */

static void fails_with(Bench *b, const char *model, const char *reward, const char *words)
{
    Err err = {0};
    bool ok = bench_run(b, &rl_table, rl_stage, "nan", &err, "prompts=@prompts.jsonl", model, "output=@nan", reward,
                        "steps=2", "batch=4", "samples=2", "max-new-tokens=4", NULL);
    if (ok || err.code != ERR_NUMBER || !strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
}

/* The step and the sample are named: of a reward, and of a policy that no longer says anything. */
static void names_the_sample(void **state)
{
    (void)state;
    Bench b;
    Model *m;
    Err err = {0};
    char words[100], *out;
    int order[8];
    bench_begin(&b);
    epoch_order(0, 0, order, 8);
    bench_reward_at(&b, "reward", "bad", 0, 3e38);
    fails_with(&b, "model=" TINY_LLAMA_DIR, "reward=@bad", "step 0: ");
    fails_with(&b, "model=" TINY_LLAMA_DIR, "reward=@bad", ": the reward is not finite");

    out = bench_path(&b, "silent");
    need_ok(model_load(&m, TINY_LLAMA_DIR, b.work.device, HEAD_LM, &err), &err);
    fill_matrix(m->w.lm_head, 1, 5e37);
    need_ok(model_save(m, out, &err), &err);
    model_free(m);
    free(out);
    snprintf(words, sizeof words, "step 0: %s/prompts.jsonl:%d, sample 0: the model's logits are not finite", b.folder,
             order[0] + 1);
    fails_with(&b, "model=@silent", "reward=@reward", words);
    bench_end(&b);
}

/* Where the user says nothing, training is the paper's (paper.md 6.3). */
static void defaults_of_the_paper(void **state)
{
    (void)state;
    RlOptions *o = options_new(&rl_table);
    assert_true(o->beta == 0.05 && o->kl == KL_REWARD && o->temperature == 0.9 && o->top_k == 0 && o->top_p == 1);
    assert_true(o->steps == 0 && o->epochs == 8 && o->batch * o->samples == 128 && o->samples == 1);
    assert_true(o->max_prompt_tokens == 1024 && o->max_new_tokens == 128);
    assert_true(o->baseline == BASELINE_VALUE && o->value == VALUE_OWN && o->value_warmup == 0 && o->keep_best == 4);
    assert_true(o->objective == OBJECTIVE_CONVEX && !o->reference && !o->whiten && o->no_end_penalty == 0 &&
                o->scale_rewards == SPREAD_NONE);
    assert_true(o->value_lr == 0 && o->value_weight == 1);
    assert_true(o->train.clip == 1); /* ours: the paper states none */
    assert_true(o->train.optimizer == OPTIMIZER_ADAFACTOR && o->train.lr == 1e-5 &&
                o->train.schedule == SCHEDULE_CONSTANT && o->train.warmup == 0);
    options_free(&rl_table, o);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    static const struct {
        const char *option[3], *words;
    } table[] = {
        {{NULL}, "needs a reward"},
        {{"judge=" TINY_LLAMA_DIR}, "--judge needs --prompt"},
        {{"reward=@reward", "prompt=helpful-score"}, "--prompt needs --judge"},
        {{"reward=@reward", "judge=" TINY_LLAMA_DIR, "prompt=helpful-score"}, "nothing says how much each counts"},
        {{"judge=" TINY_LLAMA_DIR, "prompt=helpful-base"}, "compares two responses"},
        {{"reward=@reward", "baseline=group"}, "--samples of 2"},
        {{"reward=@reward", "baseline=none", "value-warmup=1"}, "--value-warmup needs"},
        {{"reward=@reward", "value=head", "value-warmup=1"}, "--value-warmup needs"},
        {{"reward=@reward", "eval-every=2"}, "--eval-every needs --eval"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        const char *const *o = table[i].option;
        bool ok = bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                            "output=@out", o[0] ? o[0] : "steps=1", o[1] ? o[1] : "steps=1", o[2] ? o[2] : "steps=1",
                            "batch=2", NULL);
        if (ok || err.code != ERR_INPUT || !strstr(err.msg, table[i].words))
            fail_msg("%d: \"%s\" does not say \"%s\"", i, err.msg, table[i].words);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread_within),    cmocka_unit_test(kl_as_a_loss),
        cmocka_unit_test(made_again),       cmocka_unit_test(best_are_kept),
        cmocka_unit_test(value_warmup),     cmocka_unit_test(made_again_otherwise),
        cmocka_unit_test(names_the_sample), cmocka_unit_test(defaults_of_the_paper),
        cmocka_unit_test(drawn_apart),      cmocka_unit_test(measured_apart),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("rl", tests, NULL, NULL);
}
