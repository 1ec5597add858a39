/* How much a judge reads: the same limit and the same rules of cutting in all commands that have one (label: test_label.c; score:
 * test_cut.c). */
#include "judge_helpers.h"
#include "training.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/choose.h"
#include "rlaif/label/score.h"
#include "rlaif/rl/inspect.h"
#include "rlaif/rl/rl.h"

static const char prompts[] = "name: short-score\n"
                              "kind: score\n"
                              "chat: false\n"
                              "preamble: \"How good is what stands here? \"\n"
                              "item: \"{context}|{response}\\n\"\n"
                              "ending: \"Score: \"\n"
                              "answers: [\"1\", \"2\", \"3\"]\n";
static const char verdicts[] = "name: short-verdict\n"
                               "kind: verdict\n"
                               "chat: false\n"
                               "item: \"{context}|{response}\\n\"\n"
                               "ending: \"It is\"\n"
                               "answers: [\" good\", \" bad\"]\n";
static const char pairs[] = "name: short-pair\n"
                            "kind: pairwise\n"
                            "chat: false\n"
                            "item: \"{context}|{response_1}|{response_2}\\n\"\n"
                            "ending: \"Best: \"\n"
                            "answers: [\"1\", \"2\"]\n";

/* Rows 2 of three have a long context; the judge's prompts are in SCORE.yaml, VERDICT.yaml, PAIR.yaml. */
static void open_rows(Bench *b)
{
    Str rows = {0}, other = {0}, pair = {0};
    bench_open(b, CPU_AUTO, 1);
    for (int i = 0; i < 3; i++) {
        str_addf(&rows, "{\"prompt\": \"%d", i);
        str_addf(&other, "{\"prompt\": \"%d", i);
        for (int k = 0; k < (i == 1 ? 12 : 1); k++) {
            str_addf(&rows, " word%c", 'a' + k);
            str_addf(&other, " word%c", 'a' + k);
        }
        str_addf(&rows, "\", \"response\": \"yes %d\"}\n", i);
        str_addf(&other, "\", \"response\": \"no\"}\n");
    }
    str_add(&pair, pairs);
    bench_put(b, "rows.jsonl", &rows);
    bench_put(b, "other.jsonl", &other);
    bench_write(b, "score.yaml", prompts);
    bench_write(b, "verdict.yaml", verdicts);
    bench_put(b, "pair.yaml", &pair);
}

/* A command by the tiny judge, with two options more. */
typedef bool Command(Bench *b, const char *limit, const char *rule, Err *err);

static bool harmless(Bench *b, const char *limit, const char *rule, Err *err)
{
    char *rows = bench_path(b, "rows.jsonl"), *all = mem_printf("rows=%s", rows);
    bool ok = bench_run(b, &harmless_table, harmless_stage, "it", err, all, "judge=" TINY_LLAMA_DIR,
                        "prompt=@verdict.yaml", limit, rule, NULL);
    free(all);
    free(rows);
    return ok;
}

static bool winrate_by(Bench *b, const char *prompt, const char *limit, const char *rule, Err *err)
{
    char *path = bench_path(b, prompt), *by = mem_printf("prompt=%s", path);
    bool ok = bench_run(b, &winrate_table, winrate_stage, "it", err, "a=@rows.jsonl", "b=@other.jsonl",
                        "judge=" TINY_LLAMA_DIR, by, limit, rule, NULL);
    free(by);
    free(path);
    return ok;
}

static bool compared(Bench *b, const char *limit, const char *rule, Err *err)
{
    return winrate_by(b, "pair.yaml", limit, rule, err);
}

static bool each_alone(Bench *b, const char *limit, const char *rule, Err *err)
{
    return winrate_by(b, "score.yaml", limit, rule, err);
}

static bool rewarded(Bench *b, const char *limit, const char *rule, Err *err)
{
    return bench_run(b, &rl_table, rl_stage, "it", err, "prompts=@rows.jsonl", "model=" TINY_LLAMA_DIR, "output=@out",
                     "judge=" TINY_LLAMA_DIR, "prompt=@score.yaml", "steps=2", "batch=3", "baseline=none",
                     "max-new-tokens=4", limit, rule, NULL);
}

static const struct {
    const char *name;
    Command *run;
    const char *limit; /* too little for row 2 alone */
    int cut;           /* prompts whose contexts are cut */
} commands[] = {
    {"eval harmless", harmless, "max-input=40", 1},
    {"eval winrate, pairs", compared, "max-input=50", 1},
    {"eval winrate, each alone", each_alone, "max-input=60", 2},
    {"rl", rewarded, "max-input=60", 2},
};

/* Refused by name and line, with the option that cuts; then cut, counted, and recorded. */
static void refused_or_cut(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(commands); i++) {
        Bench b;
        Err err = {0};
        open_rows(&b);
        bool ok = commands[i].run(&b, commands[i].limit, "judge-truncate=none", &err);
        if (ok || err.code != ERR_INPUT || !strstr(err.msg, "rows.jsonl:2: the judge would read ") ||
            !strstr(err.msg, commands[i].limit + strlen("max-input=")) || !strstr(err.hint, "--judge-truncate"))
            fail_msg("%s: \"%s\" (%s)", commands[i].name, err.msg, err.hint);
        err = (Err){0};
        need_ok(commands[i].run(&b, commands[i].limit, "judge-truncate=context-left", &err), &err);
        if ((int)bench_summary(&b, "judge_cut") != commands[i].cut ||
            !(bench_summary(&b, "judge_cut_characters") >= 10))
            fail_msg("%s: %g cut, %g characters", commands[i].name, bench_summary(&b, "judge_cut"),
                     bench_summary(&b, "judge_cut_characters"));
        need_ok(commands[i].run(&b, "max-input=4096", "judge-truncate=context-left", &err), &err);
        assert_true(isnan(bench_summary(&b, "judge_cut")));
        bench_end(&b);
    }
}

/* --- reinforcement learning -------------------------------------------------------------------------------- */

/* Before anything is done: a longest reply is counted, of held-out prompts too, in the judge's own tokens. */
static void before_the_first_step(void **state)
{
    (void)state;
    Bench b;
    open_rows(&b);
    free(spelling_model(b.folder));
    static const struct {
        const char *prompts, *more, *judge, *words;
        int reply, counted; /* tokens of the policy's; at least as many of the judge's */
    } cases[] = {
        {"prompts=@prompts.jsonl", "limit=8", "judge=" TINY_LLAMA_DIR, "/prompts.jsonl:1: the judge would ", 212, 212},
        {"prompts=@rows.jsonl", "limit=2", "judge=" TINY_LLAMA_DIR, "/rows.jsonl:2: the judge would ", 172, 172},
        {"prompts=@short.jsonl", "eval=@rows.jsonl", "judge=" TINY_LLAMA_DIR, "/rows.jsonl:2: the judge ", 172, 172},
        {"prompts=@prompts.jsonl", "limit=8", "judge=@spelling", "/prompts.jsonl:1: the judge would ", 150, 180},
    };
    bench_write(&b, "short.jsonl", "{\"prompt\": \"a\"}\n");
    char *out = bench_path(&b, "out");
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        char length[40];
        snprintf(length, sizeof length, "max-new-tokens=%d", cases[i].reply);
        bool ok = bench_run(&b, &rl_table, rl_stage, "rl", &err, cases[i].prompts, "model=" TINY_LLAMA_DIR,
                            "output=@out", cases[i].judge, "prompt=@score.yaml", "steps=1", "batch=1", "baseline=none",
                            length, cases[i].more, NULL);
        const char *reply = strstr(err.msg, "with a reply of ");
        if (ok || err.code != ERR_INPUT || !strstr(err.msg, cases[i].words) || !reply ||
            strtol(reply + strlen("with a reply of "), NULL, 10) < cases[i].counted ||
            !strstr(err.hint, "--judge-truncate") || !strstr(err.hint, "--max-new-tokens"))
            fail_msg("%d: \"%s\" (%s)", i, err.msg, err.hint);
        assert_false(file_is_dir(out));
    }
    free(out);
    bench_end(&b);
}

/* What was cut stands in the rollout, and is cut again in the same place. */
static void cut_again(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    int cut = 0;
    open_rows(&b);
    need_ok(rewarded(&b, "max-input=60", "judge-truncate=context-right", &err), &err);
    for (int k = 0; k < 6; k++) {
        RolloutInspection i;
        need_ok(rl_inspect(&b.work, b.folder, "it", k / 3, k % 3, &i, &err), &err);
        assert_null(i.different);
        bool is_long = json_number_of(i.recorded, "row", 0) == 2;
        assert_int_equal(is_long, json_number_of(json_object_get(i.recorded, "judgment"), "cut", 0) > 0);
        assert_int_equal(!is_long, strstr(i.judge_prompt, json_text_of(i.recorded, "prompt")) != NULL);
        assert_non_null(strstr(i.judge_prompt, json_text_of(i.recorded, "response")));
        cut += is_long;
        rollout_inspection_release(&i);
    }
    assert_int_equal(cut, 2);
    assert_true(bench_metric(&b, "out", 0, "judge_cut") == 1);
    bench_end(&b);
}

/* --- score ------------------------------------------------------------------------------------------------- */

/* Where nothing is said a judge reads 4096 tokens, whatever its context holds. */
static void scores_by_default(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    Str rows = {0};
    open_rows(&b);
    free(roomy_model(b.folder, 9000));
    str_add(&rows, "{\"prompt\": \"");
    for (int i = 0; i < 4000; i++)
        str_add(&rows, "x ");
    str_add(&rows, "\", \"response\": \"yes\"}\n");
    bench_put(&b, "long.jsonl", &rows);
    assert_false(bench_run(&b, &score_table, score_stage, "it", &err, "rows=@long.jsonl", "model=@roomy",
                           "prompt=@score.yaml", NULL));
    assert_non_null(strstr(err.msg, "long.jsonl:1: the judge would read 8"));
    assert_non_null(strstr(err.msg, "--max-input is 4096"));
    assert_non_null(strstr(err.hint, ": --truncate context-left"));
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_or_cut),
        cmocka_unit_test(before_the_first_step),
        cmocka_unit_test(cut_again),
        cmocka_unit_test(scores_by_default),
    };
    return cmocka_run_group_tests_name("judge_reading", tests, NULL, NULL);
}
