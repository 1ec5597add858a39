/* What is said of scores: how they go with those that the responses had, and with what people marked. */
#include "rlaif/label/score.h"

#include "training.h"

static const char rows[] =
    "{\"prompt\": \"one\", \"responses\": [\"yes it is\", \"no\", \"well\"], \"score\": [1, 2, 4]}\n"
    "{\"prompt\": \"two\", \"responses\": [\"perhaps so\", \"ever\"], \"score\": [30, 10]}\n"
    "{\"prompt\": \"three\", \"response\": \"alone\", \"score\": 7}\n"
    "{\"prompt\": \"four\", \"responses\": [\"a\", \"b\"], \"score\": [1], \"score_before\": [9]}\n";
static const char tone[] = "name: tone\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" is\"\n"
                           "answers: [\" good\", \" bad\"]\n";

static void beside_before(void **state)
{
    (void)state;
    static const double before[][3] = {{1, 2, 4}, {30, 10}};
    static const size_t responses[] = {3, 2};
    Bench b;
    Err err = {0};
    double sums[3] = {0};
    bench_begin(&b);
    bench_write(&b, "rows.jsonl", rows);
    bench_write(&b, "tone.yaml", tone);
    need_ok(bench_run(&b, &score_table, score_stage, "first", &err, "rows=@rows.jsonl", "model=" TINY_LLAMA_DIR,
                      "prompt=@tone.yaml", NULL),
            &err);
    json_t *scored = bench_rows(&b, "first");
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(scored, i), *score = json_object_get(row, "score");
        double mean[2] = {0};
        for (size_t k = 0; k < responses[i]; k++) {
            assert_true(json_number_value(json_array_get(json_object_get(row, "score_before"), k)) == before[i][k]);
            mean[0] += json_number_value(json_array_get(score, k)) / (double)responses[i];
            mean[1] += before[i][k] / (double)responses[i];
        }
        for (size_t k = 0; k < responses[i]; k++) {
            double x = json_number_value(json_array_get(score, k)) - mean[0], y = before[i][k] - mean[1];
            sums[0] += x * x;
            sums[1] += y * y;
            sums[2] += x * y;
        }
    }
    assert_true(sums[0] > 0);
    close_to(bench_summary(&b, "correlation_with_before"), sums[2] / sqrt(sums[0] * sums[1]), 1e-12);
    close_to(bench_summary(&b, "correlation_prompts"), 2, 0); /* a reply alone goes with nothing */
    close_to(json_number_of(json_array_get(scored, 2), "score_before", -1), 7, 0);
    assert_null(
        json_object_get(json_array_get(scored, 3), "score_before")); /* one number of two responses is of neither */
    json_decref(scored);
    need_ok(bench_run(&b, &score_table, score_stage, "again", &err, "rows=stage:first", "model=" TINY_LLAMA_DIR,
                      "prompt=@tone.yaml", NULL),
            &err);
    close_to(bench_summary(&b, "correlation_with_before"), 1, 1e-12);
    close_to(bench_summary(&b, "correlation_prompts"), 3, 0);
    bench_end(&b);
}

static void marked(void **state)
{
    (void)state;
    static const char lines[] = "{\"prompt\": \"a\", \"response\": \"yes it is\", \"warm\": true}\n"
                                "{\"prompt\": \"a\", \"response\": \"no\", \"warm\": false}\n"
                                "{\"prompt\": \"b\", \"response\": \"perhaps\", \"warm\": true}\n"
                                "{\"prompt\": \"b\", \"response\": \"never\", \"warm\": false}\n";
    Bench b;
    Err err = {0};
    bench_begin(&b);
    bench_write(&b, "rows.jsonl", lines);
    bench_write(&b, "bare.jsonl", rows);
    bench_write(&b, "tone.yaml", tone);
    need_ok(bench_run(&b, &score_table, score_stage, "score", &err, "rows=@rows.jsonl", "model=" TINY_LLAMA_DIR,
                      "prompt=@tone.yaml", "mark=warm", NULL),
            &err);
    json_t *scored = bench_rows(&b, "score");
    double above = 0;
    for (size_t i = 0; i < 4; i += 2)
        for (size_t k = 1; k < 4; k += 2)
            above += json_number_of(json_array_get(scored, i), "score", 0) >
                     json_number_of(json_array_get(scored, k), "score", 0);
    close_to(bench_summary(&b, "auc"), above / 4, 1e-12);
    close_to(bench_summary(&b, "marked"), 4, 0);
    json_decref(scored);
    assert_false(bench_run(&b, &score_table, score_stage, "bare", &err, "rows=@bare.jsonl", "model=" TINY_LLAMA_DIR,
                           "prompt=@tone.yaml", "mark=warm", NULL));
    assert_non_null(strstr(err.msg, "several responses"));
    err = (Err){0};
    assert_false(bench_run(&b, &score_table, score_stage, "bare", &err, "rows=@rows.jsonl", "model=" TINY_LLAMA_DIR,
                           "prompt=@tone.yaml", "mark=cold", NULL));
    assert_non_null(strstr(err.msg, "rows.jsonl:1: \"cold\" is neither"));
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_before),
        cmocka_unit_test(marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
