/* Evaluations refuse prompts that were trained on or labelled, on every way to them; and what a policy may be compared
 * with: another, a sample stage, what people wrote. */
#include "eval_helpers.h"
#include "rlaif/eval/compare.h"
#include "rlaif/eval/match.h"
#include "rlaif/label/label.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"

static const char pairwise[] =
    "name: which\nkind: pairwise\nchat: false\nitem: \"{context} 1 {response_1} 2 {response_2}\"\n"
    "ending: \" =\"\nanswers: [\"1\", \"2\"]\n";
static const char held_out[] = "{\"prompt\": \"one\", \"response\": \"a\", \"completion\": \" a person's\"}\n"
                               "{\"prompt\": \"two\", \"response\": \"b\", \"reference\": \"another's\"}\n";
static const char pairs[] = "{\"prompt\": \"three\", \"responses\": [\"a\", \"b\"]}\n"
                            "{\"prompt\": \"two\", \"responses\": [\"a\", \"b\"]}\n";

/* A folder with a judge prompt and held-out rows, and a store. */
typedef struct Bench {
    char *folder, *prompt, *rows;
    CommonOptions common;
    Work work;
} Bench;

static void bench_begin(Bench *b)
{
    *b = (Bench){.folder = make_folder()};
    b->prompt = write_rows(b->folder, "which.yaml", pairwise);
    b->rows = write_rows(b->folder, "rows.jsonl", held_out);
    b->work = work_new(&b->common);
}

static void bench_end(Bench *b)
{
    work_free(&b->work);
    free(b->prompt);
    free(b->rows);
    remove_folder(b->folder);
}

static void run_label(Bench *b, const char *lines)
{
    Err err = {0};
    char *path = write_rows(b->folder, "pairs.jsonl", lines);
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", path);
    options_put(&label_table, o, "model", TINY);
    need_ok(options_set(&label_table, o, "prompt", b->prompt, "a test", &err), &err);
    need_ok(label_stage(&b->work, "label", o, &err), &err);
    options_free(&label_table, o);
    free(path);
}

static bool run_winrate(Bench *b, char *a, char *other, OptionList trained_on, Err *err)
{
    WinrateOptions o = {
        .a = a, .b = other, .judge = (char *)(uintptr_t)TINY, .prompt = {&b->prompt, 1}, .trained_on = trained_on};
    *err = (Err){0};
    return winrate_stage(&b->work, "winrate", &o, err);
}

static void need_refusal(bool ok, const Err *err, const char *at, const char *where)
{
    if (ok || err->code != ERR_INPUT || !strstr(err->msg, at) || !strstr(err->msg, where))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err->msg, at, where);
}

/* By the store: what the run has labelled. Every evaluation looks. */
static void labelled_prompts(void **state)
{
    (void)state;
    Bench b;
    Err err;
    bench_begin(&b);
    need_ok(run_winrate(&b, b.rows, b.rows, (OptionList){0}, &err), &err);
    run_label(&b, pairs);
    need_refusal(run_winrate(&b, b.rows, b.rows, (OptionList){0}, &err), &err, "rows.jsonl:2", "the stage \"label\"");
    HarmlessOptions harmless = {.rows = {&b.rows, 1}, .prompt = (char *)(uintptr_t) "harmless-verdict"};
    err = (Err){0};
    need_refusal(harmless_stage(&b.work, "harmless", &harmless, &err), &err, "rows.jsonl:2", "label");
    ProbesOptions probes = {.rows = {&b.rows, 1}};
    err = (Err){0};
    need_refusal(probes_stage(&b.work, "probes", &probes, &err), &err, "rows.jsonl:2", "label");
    char *ranked = write_rows(b.folder, "ranked.jsonl",
                              "{\"prompt\": \"two\", \"responses\": [\"a\", \"b\"], "
                              "\"models\": [\"x\", \"y\"], \"ranks\": [1, 2]}\n");
    RatingsOptions ratings = {.rows = ranked};
    err = (Err){0};
    need_refusal(ratings_stage(&b.work, "ratings", &ratings, &err), &err, "ranked.jsonl:1", "label");
    CompareOptions compare = {.prompts = b.rows,
                              .policy = (char *)(uintptr_t)TINY,
                              .against = (char *)(uintptr_t)TINY,
                              .judge = (char *)(uintptr_t)TINY,
                              .prompt = {&b.prompt, 1},
                              .n = 1};
    err = (Err){0};
    need_refusal(compare_stage(&b.work, "eval", &compare, &err), &err, "rows.jsonl:2", "label");
    /* other pairs: the prompt is free again */
    run_label(&b, "{\"prompt\": \"three\", \"responses\": [\"a\", \"b\"]}\n");
    need_ok(run_winrate(&b, b.rows, b.rows, (OptionList){0}, &err), &err);
    free(ranked);
    bench_end(&b);
}

/* By files: pairs, demonstrations as turns, HH transcripts. */
static void trained_on_files(void **state)
{
    (void)state;
    static const char *const files[] = {
        "{\"prompt\": \"nothing\"}\n{\"prompt\": \"one\", \"responses\": [\"a\", \"b\"]}\n",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"other\"}, {\"role\": \"assistant\", \"content\": \"a\"}]}\n"
        "{\"prompt\": \"one\", \"completion\": \"a\"}\n",
    };
    Bench b;
    Err err;
    bench_begin(&b);
    for (int i = 0; i < COUNT(files); i++) {
        char *path = write_rows(b.folder, "trained.jsonl", files[i]);
        need_refusal(run_winrate(&b, b.rows, b.rows, (OptionList){&path, 1}, &err), &err, "rows.jsonl:1",
                     "trained.jsonl:2");
        free(path);
    }
    char *turns = write_rows(b.folder, "turns.jsonl",
                             "{\"prompt\": [{\"role\": \"user\", \"content\": \"hello\"}], \"response\": \"a\"}\n");
    char *hh = write_rows(b.folder, "hh.jsonl",
                          "{\"chosen\": \"\\n\\nHuman: hello\\n\\nAssistant: a\", "
                          "\"rejected\": \"\\n\\nHuman: hello\\n\\nAssistant: b\"}\n");
    need_refusal(run_winrate(&b, turns, turns, (OptionList){&hh, 1}, &err), &err, "turns.jsonl:1", "hh.jsonl:1");
    free(turns);
    free(hh);
    bench_end(&b);
}

/* Demonstrations that SFT trained on. */
static void demonstrations(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    char *data = write_rows(b.folder, "data.jsonl", "{\"prompt\": \"two\", \"completion\": \"yes\"}\n"),
         *out = path_join(b.folder, "sft");
    SftOptions *o = options_new(&sft_table);
    options_put(&sft_table, o, "data", data);
    options_put(&sft_table, o, "model", TINY);
    options_put(&sft_table, o, "output", out);
    need_ok(sft_stage(&b.work, "sft", o, &err), &err);
    need_refusal(run_winrate(&b, b.rows, b.rows, (OptionList){0}, &err), &err, "rows.jsonl:2", "the stage \"sft\"");
    options_free(&sft_table, o);
    free(data);
    free(out);
    bench_end(&b);
}

/* Trains on three prompts with `eval` rows of two. */
static bool run_training(Bench *b, const OptionTable *table, bool (*stage)(Work *, const char *, const void *, Err *),
                         const char *data, const char *eval, Err *err)
{
    static const char trained[] = "{\"prompt\": \"red\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}\n"
                                  "{\"prompt\": \"blue\", \"responses\": [\"a\", \"b\"], \"preferred\": 1}\n"
                                  "{\"prompt\": \"green\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}\n";
    char *rows = write_rows(b->folder, "trained.jsonl", trained), *held = write_rows(b->folder, "eval.jsonl", eval),
         *out = path_join(b->folder, "out");
    void *o = options_new(table);
    options_put(table, o, data, rows);
    options_put(table, o, "model", TINY);
    options_put(table, o, "output", out);
    options_put(table, o, "eval", held);
    if (table == &rl_table) {
        options_put(table, o, "judge", TINY);
        options_put(table, o, "prompt", "helpful-score");
        ((RlOptions *)o)->steps = 1;
        ((RlOptions *)o)->max_new_tokens = 2;
    }
    *err = (Err){0};
    bool ok = stage(&b->work, "training", o, err);
    options_free(table, o);
    free(rows);
    free(held);
    free(out);
    return ok;
}

/* What a training measures itself on may have no prompt that it trains on; it is refused before anything is on record. */
static void eval_of_trainings(void **state)
{
    (void)state;
    static const struct {
        const OptionTable *table;
        bool (*stage)(Work *, const char *, const void *, Err *);
        const char *data;
    } training[] = {
        {&sft_table, sft_stage, "data"}, {&reward_table, reward_stage, "pairs"}, {&rl_table, rl_stage, "prompts"}};
    for (int i = 0; i < COUNT(training); i++) {
        Bench b;
        Err err;
        StageRow row;
        bool present;
        bench_begin(&b);
        bool ok = run_training(&b, training[i].table, training[i].stage, training[i].data,
                               "{\"prompt\": \"white\", \"responses\": [\"c\", \"d\"], \"preferred\": 0}\n"
                               "{\"prompt\": \"green\", \"responses\": [\"c\", \"d\"], \"preferred\": 1}\n",
                               &err);
        need_refusal(ok, &err, "eval.jsonl:2: the prompt also occurs in", "trained.jsonl:3");
        err = (Err){0};
        need_ok(store_stage_find(b.work.store, "training", &row, &present, &err), &err);
        assert_false(present);
        need_ok(run_training(&b, training[i].table, training[i].stage, training[i].data,
                             "{\"prompt\": \"white\", \"responses\": [\"c\", \"d\"], \"preferred\": 0}\n", &err),
                &err);
        bench_end(&b);
    }
}

/* A reward model's accuracy: by the run's store, by files, and by the store beside the model. */
static void accuracy_of_reward_models(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char other[] = "{\"prompt\": \"one\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}\n"
                                "{\"prompt\": \"two\", \"responses\": [\"c\", \"d\"], \"preferred\": 1}\n";
    char *trained = write_rows(b.folder, "trained.jsonl", strchr(other, '\n') + 1),
         *rows = write_rows(b.folder, "people.jsonl", other), *model = path_join(b.folder, "rm"),
         *beside = path_join(b.folder, "rm.rlaif");
    RewardOptions *o = options_new(&reward_table);
    options_put(&reward_table, o, "pairs", trained);
    options_put(&reward_table, o, "model", TINY);
    options_put(&reward_table, o, "output", model);
    need_ok(reward_stage(&b.work, "reward", o, &err), &err);
    AccuracyOptions a = {.pairs = rows, .reward = model};
    need_refusal(accuracy_stage(&b.work, "accuracy", &a, &err), &err, "people.jsonl:2", "the stage \"reward\"");
    err_clear(&err);
    need_ok(store_stage_remove(b.work.store, "reward", &err), &err);
    need_ok(accuracy_stage(&b.work, "accuracy", &a, &err), &err);
    a.trained_on = (OptionList){&trained, 1};
    err_clear(&err);
    need_refusal(accuracy_stage(&b.work, "accuracy", &a, &err), &err, "people.jsonl:2", "trained.jsonl:1");
    a.trained_on = (OptionList){0};
    Store *store = b.work.store;
    err = (Err){0};
    need_ok(store_open(&b.work.store, beside, &err) && reward_stage(&b.work, "reward", o, &err), &err);
    store_close(b.work.store);
    b.work.store = store;
    need_refusal(accuracy_stage(&b.work, "accuracy", &a, &err), &err, "people.jsonl:2", "rm.rlaif");
    options_free(&reward_table, o);
    free(trained);
    free(rows);
    free(model);
    free(beside);
    bench_end(&b);
}

/* What people wrote stands on the other side: `reference`, else `completion`, without the blank that begins it. */
static void references(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    Rows rows;
    bench_begin(&b);
    need_ok(match_rows(&b.work, b.rows, REFERENCE, 0, false, &rows, &err), &err);
    char *first = json_text(rows.row[0].json), *second = json_text(rows.row[1].json);
    assert_string_equal(first,
                        "{\"prompt\": \"one\", \"a\": [\"a\"], \"b\": [\"a person's\"], \"b_blank_before\": [true]}");
    assert_string_equal(second, "{\"prompt\": \"two\", \"a\": [\"b\"], \"b\": [\"another's\"]}");
    free(first);
    free(second);
    rows_release(&rows);
    need_ok(run_winrate(&b, b.rows, (char *)(uintptr_t)REFERENCE, (OptionList){0}, &err), &err);
    field(b.work.summary, "pairs", 2);
    char *none = write_rows(b.folder, "none.jsonl", "{\"prompt\": \"p\", \"response\": \"a\"}\n");
    assert_false(match_rows(&b.work, none, REFERENCE, 0, false, &rows, &err));
    assert_non_null(strstr(err.msg, "none.jsonl:1: the row has no text \"reference\" or \"completion\""));
    rows_release(&rows);
    free(none);
    bench_end(&b);
}

/* A policy is sampled once and then meets another and what people wrote; its samples are not taken for training data. */
static void sampled_once(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    SampleOptions *s = options_new(&sample_table);
    options_put(&sample_table, s, "prompts", b.rows);
    options_put(&sample_table, s, "model", TINY);
    s->sampling.max_new_tokens = 3;
    need_ok(sample_stage(&b.work, "mine", s, &err), &err);
    s->common.seed = 1;
    need_ok(sample_stage(&b.work, "other", s, &err), &err);
    static const char *const against[] = {"stage:other", REFERENCE, "stage:mine"};
    for (int i = 0; i < COUNT(against); i++) {
        CompareOptions o = {.policy = (char *)(uintptr_t) "stage:mine",
                            .against = (char *)(uintptr_t)against[i],
                            .judge = (char *)(uintptr_t)TINY,
                            .prompt = {&b.prompt, 1},
                            .n = 1};
        need_ok(compare_stage(&b.work, "eval", &o, &err), &err);
        field(b.work.summary, "pairs", 2);
        const json_t *r = json_array_get(json_object_get(b.work.summary, "results"), 0);
        field(r, "ties", i == 2 ? 2 : json_number_of(r, "ties", -1));
    }
    CompareOptions o = {.policy = (char *)(uintptr_t)TINY,
                        .against = (char *)(uintptr_t) "stage:mine",
                        .judge = (char *)(uintptr_t)TINY,
                        .prompt = {&b.prompt, 1},
                        .n = 1};
    assert_false(compare_stage(&b.work, "eval", &o, &err));
    assert_non_null(strstr(err.msg, "prompts is missing"));
    options_free(&sample_table, s);
    bench_end(&b);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labelled_prompts),
        cmocka_unit_test(trained_on_files),
        cmocka_unit_test(demonstrations),
        cmocka_unit_test(references),
        cmocka_unit_test(sampled_once),
        cmocka_unit_test(eval_of_trainings),
        cmocka_unit_test(accuracy_of_reward_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
