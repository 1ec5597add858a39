/* Recipes whose evaluations would refuse their prompts are refused before anything is trained. */
#include "eval_helpers.h"
#include "rlaif/pipeline.h"

/* Rows that serve as prompts, demonstrations and pairs. */
#define ROW(prompt) "{\"prompt\": \"" prompt "\", \"responses\": [\"yes\", \"no no\"], \"preferred\": 0}\n"

typedef struct Bench {
    char *folder, *run;
    Err err;
} Bench;

static void bench_begin(Bench *b)
{
    *b = (Bench){.folder = make_folder()};
    b->run = path_join(b->folder, "run");
    free(write_rows(b->folder, "train.jsonl", ROW("red") ROW("blue") ROW("green")));
    free(write_rows(b->folder, "test.jsonl", ROW("white") ROW("black") ROW("green")));
    free(write_rows(b->folder, "fresh.jsonl", ROW("white") ROW("black")));
    free(write_rows(b->folder, "other.jsonl", ROW("grey")));
    free(write_rows(b->folder, "which.yaml",
                    "name: which\nkind: pairwise\nchat: false\nitem: \"{context} 1 {response_1} 2 {response_2}\"\n"
                    "ending: \" =\"\nanswers: [\"1\", \"2\"]\n"));
}

static void bench_end(Bench *b)
{
    free(b->run);
    remove_folder(b->folder);
}

/* Runs a recipe of these stages, in which @ stands for the folder, anew; *stages: how many are in its store. */
static bool run_stages(Bench *b, const char *stages, int *begun)
{
    Str text = {0};
    str_add(&text, "name: x\npolicy: tests/fixtures/tiny-llama\nstages:\n");
    for (const char *s = stages; *s; s++)
        *s == '@' ? str_addf(&text, "%s/", b->folder) : str_addc(&text, *s);
    char *path = write_rows(b->folder, "recipe.yaml", str_text(&text));
    RunOptions *o = options_new(&run_table);
    options_put(&run_table, o, "recipe", path);
    options_put(&run_table, o, "run", b->run);
    b->err = (Err){0};
    need_ok(dir_remove(b->run, &b->err), &b->err);
    Work w = {.common = &o->common};
    need_ok(device_open(&w.device, CPU_AUTO, 1, &b->err), &b->err);
    bool ok = run_recipe(&w, o, &b->err), present = true;
    Err err = {0};
    for (*begun = 0; w.store && present; *begun += present) {
        StageRow row;
        need_ok(store_stage_at(w.store, *begun, &row, &present, &err), &err);
        stage_row_release(&row);
    }
    work_free(&w);
    options_free(&run_table, o);
    str_release(&text);
    free(path);
    return ok;
}

#define SAMPLE(name, prompts) "  - sample: {as: " name ", prompts: " prompts ", model: policy, max-new-tokens: 2}\n"
#define WINRATE               "  - eval: {kind: winrate, policy: a, against: b, prompt: @which.yaml}\n"

static void refused_before_training(void **state)
{
    (void)state;
    static const struct {
        const char *stages, *at, *where;
        int begun; /* stages that may have run: imports */
    } cases[] = {
        {"  - sft: {data: @train.jsonl}\n" SAMPLE("a", "@test.jsonl") SAMPLE("b", "@test.jsonl") WINRATE,
         "test.jsonl:3", "train.jsonl:3, which the stage \"sft\" uses", 0},
        {"  - import: {input: @train.jsonl}\n  - sft: {data: import}\n" SAMPLE("a", "@test.jsonl")
             SAMPLE("b", "@test.jsonl") WINRATE,
         "test.jsonl:3", "run/import.jsonl:3, which the stage \"sft\" uses", 1},
        {SAMPLE("pairs", "@train.jsonl") "  - label: {pairs: pairs, prompt: @which.yaml}\n" SAMPLE(
             "a", "@test.jsonl") "  - eval: {kind: probes, rows: [a]}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"label\" uses", 0},
        {"  - reward: {pairs: @train.jsonl, eval: @test.jsonl}\n", "test.jsonl:3",
         "train.jsonl:3, which the stage \"reward\" uses", 0},
        {"  - reward: {pairs: @train.jsonl, labels: human}\n"
         "  - eval: {kind: accuracy, pairs: @test.jsonl}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"reward\" uses", 0},
        {"  - sft: {data: @train.jsonl, eval: @fresh.jsonl, eval-every: 1, early-stop: 2}\n"
         "  - eval: {kind: winrate, prompts: @fresh.jsonl, against: policy, prompt: @which.yaml}\n",
         "fresh.jsonl:1", "line 1 of the same file, which the stage \"sft\" uses", 0},
        {"  - label: {pairs: @other.jsonl, prompt: @which.yaml, choose-on: @train.jsonl}\n" SAMPLE(
             "a", "@test.jsonl") "  - eval: {kind: harmless, rows: [a], judge: policy, prompt: @which.yaml}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"label\" uses", 0},
        {"  - rl: {prompts: @train.jsonl, reward: r}\n"
         "  - eval: {kind: winrate, prompts: @test.jsonl, against: policy, prompt: @which.yaml}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"rl\" uses", 0},
        {"  - rl: {prompts: @train.jsonl, reward: r, eval: @fresh.jsonl, eval-every: 1}\n"
         "  - eval: {kind: winrate, prompts: @fresh.jsonl, against: policy, prompt: @which.yaml}\n",
         "fresh.jsonl:1", "line 1 of the same file, which the stage \"rl\" uses", 0},
        {"  - reward: {pairs: @train.jsonl, eval: @fresh.jsonl, eval-every: 1, early-stop: 2}\n"
         "  - eval: {kind: accuracy, pairs: @fresh.jsonl}\n",
         "fresh.jsonl:1", "line 1 of the same file, which the stage \"reward\" uses", 0},
        {"  - rl: {prompts: @train.jsonl, reward: r, eval: @test.jsonl}\n", "test.jsonl:3",
         "train.jsonl:3, which the stage \"rl\" uses", 0},
        {"  - sft: {data: @train.jsonl, eval: @test.jsonl}\n", "test.jsonl:3",
         "train.jsonl:3, which the stage \"sft\" uses", 0},
        {"  - choose: {policy: r, prompts: @fresh.jsonl, prompt: @which.yaml}\n"
         "  - eval: {kind: winrate, prompts: @fresh.jsonl, against: policy, prompt: @which.yaml}\n",
         "fresh.jsonl:1", "line 1 of the same file, which the stage \"choose\" uses", 0},
        {SAMPLE(
             "pairs",
             "@train.jsonl") "  - score: {as: scored, rows: pairs, model: r}\n"
                             "  - label: {as: first, pairs: scored, prompt: @which.yaml}\n  - label: {as: settled, from: first}\n"
                             "  - reward: {pairs: settled, eval: @test.jsonl}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"reward\" uses", 0},
        {"  - label: {from: @train.jsonl}\n  - eval: {kind: accuracy, reward: r, pairs: @test.jsonl}\n", "test.jsonl:3",
         "train.jsonl:3, which the stage \"label\" uses", 0},
        {"  - sft: {data: @train.jsonl}\n  - choose: {policy: sft, prompts: @test.jsonl, prompt: @which.yaml}\n",
         "test.jsonl:3", "train.jsonl:3, which the stage \"sft\" uses", 0},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Bench b;
        int begun;
        bench_begin(&b);
        bool ok = run_stages(&b, cases[i].stages, &begun);
        if (ok || b.err.code != ERR_INPUT || !strstr(b.err.msg, cases[i].at) || !strstr(b.err.msg, cases[i].where))
            fail_msg("%d: \"%s\" does not say \"%s\" and \"%s\"", i, b.err.msg, cases[i].at, cases[i].where);
        assert_int_equal(begun, cases[i].begun);
        bench_end(&b);
    }
}

/* Nothing is refused ahead that would pass: rows that limits leave out, evaluations before the training, prompts that nothing reads. */
static void nothing_else_is_refused(void **state)
{
    (void)state;
    static const char *const stages[] = {
        "  - sft: {data: @train.jsonl, limit: 2}\n" SAMPLE("a", "@test.jsonl") SAMPLE("b", "@test.jsonl") WINRATE,
        "  - sft: {data: @train.jsonl}\n"
        "  - sample: {as: a, prompts: @test.jsonl, limit: 2, model: sft, max-new-tokens: 2}\n" SAMPLE(
            "b", "@fresh.jsonl") WINRATE,
        SAMPLE("a", "@test.jsonl") SAMPLE("b", "@test.jsonl") WINRATE "  - sft: {data: @train.jsonl}\n",
        "  - sft: {data: @train.jsonl}\n" SAMPLE("a", "@fresh.jsonl") SAMPLE(
            "b",
            "@fresh.jsonl") "  - eval: {kind: winrate, prompts: @test.jsonl, policy: a, against: b, prompt: @which.yaml}\n",
    };
    for (int i = 0; i < COUNT(stages); i++) {
        Bench b;
        int begun;
        bench_begin(&b);
        need_ok(run_stages(&b, stages[i], &begun), &b.err);
        bench_end(&b);
    }
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_before_training),
        cmocka_unit_test(nothing_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
