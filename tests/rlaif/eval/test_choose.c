/* A checkpoint is chosen: judged against the start, the one that wins most often becomes the policy. */
#include "rlaif/eval/choose.h"

#include "endpoint_helpers.h"
#include "rlaif/rl/rl.h"
#include "training.h"

/* `every` NULL: nothing is held out. */
static bool train(Bench *b, const char *every, Err *err)
{
    return bench_run(b, &rl_table, rl_stage, "rl", err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR, "output=@rl",
                     "reward=@reward", "steps=6", "batch=4", "samples=2", "baseline=group", "lr=5e-3",
                     "max-new-tokens=8", every, "eval=@held.jsonl", "keep-best=3", NULL);
}

#define HELD "prompts=@held.jsonl"

static bool choose(Bench *b, const char *prompts, Err *err)
{
    return bench_run(b, &choose_table, choose_stage, "choose", err, prompts, "policy=@rl", "against=" TINY_LLAMA_DIR,
                     "judge=" TINY_LLAMA_DIR, "prompt=helpful-score", "output=@chosen", "max-new-tokens=8", NULL);
}

/* The win rate in the summary of a stage of its own. */
static double win_rate(const Bench *b, const char *stage)
{
    Err err = {0};
    StageRow row;
    json_t *summary;
    bool present;
    need_ok(store_stage_find(b->work.store, stage, &row, &present, &err), &err);
    assert_true(present);
    need_ok(json_parse(row.summary, strlen(row.summary), stage, &summary, &err), &err);
    double rate = json_number_of(json_array_get(json_object_get(summary, "results"), 0), "win_rate", (double)NAN);
    json_decref(summary);
    stage_row_release(&row);
    return rate;
}

static void most_wins(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(train(&b, "eval-every=1", &err) && choose(&b, HELD, &err), &err);
    json_t *summary = json_incref(b.work.summary), *one;
    const char *chosen = json_text_of(summary, "chosen");
    double best = json_number_of(summary, "win_rate", (double)NAN), least = 2;
    size_t i;
    assert_int_equal((int)json_array_size(json_object_get(summary, "checkpoints")), 3);
    json_array_foreach(json_object_get(summary, "checkpoints"), i, one)
    {
        char *stage = mem_printf("choose-%s", json_text_of(one, "name"));
        double rate = json_number_of(one, "win_rate", (double)NAN);
        assert_true(rate == win_rate(&b, stage));
        assert_int_equal((int)json_array_size(json_object_get(one, "interval")), 2);
        assert_true(rate <= best);
        assert_true(rate < best || strcmp(json_text_of(one, "name"), chosen) == 0 || i > 0);
        least = rate < least ? rate : least;
        free(stage);
    }
    assert_true(least < best); /* or the choice shows nothing */
    char *model = mem_printf("rl/%s/model.safetensors", chosen);
    bench_same(&b, "chosen/model.safetensors", model);
    need_ok(choose(&b, HELD, &err), &err);
    assert_true(json_equal(summary, b.work.summary));
    free(model);
    json_decref(summary);
    bench_end(&b);
}

static void refused(Bench *b, const char *prompts, const char *stage)
{
    Err err = {0};
    bool ok =
        bench_run(b, &compare_table, compare_stage, "winrate", &err, prompts, "policy=@chosen",
                  "against=" TINY_LLAMA_DIR, "judge=" TINY_LLAMA_DIR, "prompt=helpful-score", "max-new-tokens=8", NULL);
    if (ok || err.code != ERR_INPUT || !strstr(err.msg, stage))
        fail_msg("\"%s\" does not name %s", err.msg, stage);
}

/* What was chosen is measured on other prompts than those that it was chosen by; to choose by them again is no measurement. */
static void no_measurement(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    bench_write(&b, "other.jsonl", "{\"prompt\": \"What is tea?\"}\n{\"prompt\": \"What is a cup?\"}\n");
    need_ok(train(&b, "eval-every=1", &err), &err);
    assert_false(choose(&b, "limit=0", &err));
    assert_non_null(strstr(err.msg, "prompts is missing"));
    err_clear(&err);
    assert_false(choose(&b, "prompts=@prompts.jsonl", &err));
    assert_non_null(strstr(err.msg, "the stage \"rl\""));
    err_clear(&err);
    for (int again = 0; again < 2; again++)
        need_ok(choose(&b, "prompts=@other.jsonl", &err), &err);
    refused(&b, HELD, "the stage \"rl\"");
    refused(&b, "prompts=@other.jsonl", "the stage \"choose\"");
    bench_end(&b);
}

static void nothing_to_choose(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(train(&b, NULL, &err), &err);
    assert_false(choose(&b, HELD, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.msg, "left checkpoints there"));
    bench_end(&b);
}

/* Tokens that a judge elsewhere took to choose within a budget; *ok, whether it was enough. */
static int choose_elsewhere(double budget, bool *ok)
{
    Bench b;
    Err err = {0};
    Endpointed planted = {.shorter = 0.8};
    Server *server = server_start(planted_endpoint, &planted);
    bench_begin(&b);
    bench_write(&b, "which.yaml",
                "name: which\nkind: pairwise\nchat: false\nitem: \"{context}|{response_1}|{response_2}\\n\"\n"
                "ending: \"Best=\"\nanswers: [\"1\", \"2\"]\n");
    char *url = mem_printf("endpoint=%s", server_address(server)), *most = mem_printf("budget-tokens=%.0f", budget);
    need_ok(train(&b, "eval-every=1", &err), &err);
    *ok = bench_run(&b, &choose_table, choose_stage, "choose", &err, HELD, "policy=@rl", "against=" TINY_LLAMA_DIR, url,
                    "api-model=planted", "prompt=@which.yaml", "output=@chosen", "max-new-tokens=8", most, NULL);
    if (!*ok)
        says(err.msg, "the budget ends here");
    free(url);
    free(most);
    bench_end(&b);
    server_stop(server);
    endpointed_release(&planted);
    return planted.tokens;
}

/* The budget is of all checkpoints together, each of which is judged by an evaluation of its own. */
static void one_budget(void **state)
{
    (void)state;
    bool ok;
    int all = choose_elsewhere(0, &ok);
    assert_true(ok);
    double budget = all * 0.7;
    int some = choose_elsewhere(budget, &ok);
    assert_false(ok);
    assert_true(some <= budget && some > all * 0.4); /* of three checkpoints more than the first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(most_wins), cmocka_unit_test(no_measurement),
                                       cmocka_unit_test(nothing_to_choose), cmocka_unit_test(one_budget)};
    return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
