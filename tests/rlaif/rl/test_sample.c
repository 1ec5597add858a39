/* Samples: what the rows that come out say, whatever rows went in; symbols behind the ends of responses. */
#include "rlaif/rl/sample.h"

#include "base/file.h"
#include "base/mem.h"
#include "program.h"
#include "rlaif/rows/probes.h"
#include "training.h"

static bool take(void *context, const char *row, Err *err)
{
    (void)err;
    str_add(context, row);
    str_addc(context, '\n');
    return true;
}

/* What a sample stage stored, read as rows with responses. */
static Rows stored(const Bench *b, const char *stage)
{
    Err err = {0};
    Str text = {0};
    Rows rows;
    StageRow s;
    bool present;
    need_ok(store_stage_find(b->work.store, stage, &s, &present, &err) &&
                store_items_each(b->work.store, s.id, take, &text, &err) &&
                rows_parse(&rows, stage, str_text(&text), text.n, 0, &err) &&
                rows_view(&rows, NEED_RESPONSES, false, &err),
            &err);
    stage_row_release(&s);
    str_release(&text);
    return rows;
}

/* Rows sampled under the stage's name: n replies each, of at most three tokens. */
static Rows sample(Bench *b, const char *stage, const char *prompts, int n, const char *strip)
{
    Err err = {0};
    char *prompts_option = mem_printf("prompts=@%s", prompts), *n_option = mem_printf("n=%d", n);
    need_ok(bench_run(b, &sample_table, sample_stage, stage, &err, prompts_option, "model=" TINY_LLAMA_DIR, n_option,
                      "max-new-tokens=3", strip, NULL),
            &err);
    free(prompts_option);
    free(n_option);
    return stored(b, stage);
}

/* Pairs of every shape: the responses that come out are the new ones, and nobody's choice among the old ones stays. */
static void pairs_as_prompts(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"prompt\": \"one\", \"responses\": [\"OLD a\", \"OLD b\"], \"ended\": [true, false], \"preferred\": 1, "
        "\"label\": {\"p\": 0.5}, \"kept\": 7}\n",
        "{\"prompt\": \"one\", \"chosen\": \"OLD a\", \"rejected\": \"OLD b\", \"kept\": 7}\n",
        "{\"chosen\": \"\\n\\nHuman: one\\n\\nAssistant: OLD a\", \"rejected\": \"\\n\\nHuman: one\\n\\nAssistant: OLD b\", "
        "\"kept\": 7}\n",
        "{\"prompt\": \"one\", \"response\": \"OLD a\", \"ended\": true, \"stripped\": true, \"score\": 1, \"kept\": 7}\n",
        "{\"prompt\": \"one\", \"responses\": [\"OLD a\", \"OLD b\"], \"scores\": [1, 2], \"of\": [0, 1], \"group\": \"g\", "
        "\"kept\": 7}\n",
        "{\"prompt\": \"one\", \"chosen\": \"OLD a\", \"rejected\": \"OLD b\", \"rewards\": [2, 1], \"kept\": 7}\n",
    };
    Bench b;
    Err err = {0};
    bench_begin(&b);
    char *path = bench_path(&b, "rows.jsonl");
    for (int i = 0; i < COUNT(lines); i++)
        for (int n = 1; n <= 2; n++) {
            need_ok(file_write(path, lines[i], strlen(lines[i]), &err), &err);
            Rows rows = sample(&b, "sample", "rows.jsonl", n, NULL);
            const RowView *v = &rows.row[0].view;
            const json_t *row = rows.row[0].json;
            assert_int_equal(v->n, n);
            assert_int_equal(v->preferred, -1);
            assert_false(v->has_label);
            for (int k = 0; k < n; k++)
                assert_null(strstr(v->response[k].text, "OLD"));
            char *context = context_lines(&v->context);
            assert_non_null(strstr(context, "one"));
            assert_null(strstr(context, "OLD"));
            free(context);
            assert_int_equal(json_integer_value(json_object_get(row, "kept")), 7);
            assert_null(json_object_get(row, "score"));
            assert_null(json_object_get(row, "stripped"));
            assert_null(json_object_get(row, "group"));
            assert_null(json_object_get(row, "rewards"));
            rows_release(&rows);
        }
    free(path);
    bench_end(&b);
}

/* The response without its trailing symbols, and whether the row says that it had some. */
static int compare_one(const ResponseView *before, const ResponseView *after, const json_t *flag)
{
    char *wanted = response_trimmed(before->text);
    assert_string_equal(after->text, wanted);
    assert_int_equal(json_is_true(flag), strcmp(wanted, before->text) != 0);
    free(wanted);
    return json_is_true(flag);
}

/* A tiny model says anything: some of many short replies end in symbols. */
static void strip_trailing(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    for (int n = 1; n <= 30; n += 29) {
        Rows plain = sample(&b, "plain", "prompts.jsonl", n, NULL);
        assert_true(isnan(bench_summary(&b, "stripped")));
        Rows bare = sample(&b, "bare", "prompts.jsonl", n, "strip-trailing=true");
        int stripped = 0;
        for (int i = 0; i < plain.n; i++) {
            const json_t *flags = json_object_get(bare.row[i].json, "stripped");
            assert_null(json_object_get(plain.row[i].json, "stripped"));
            for (int k = 0; k < n; k++)
                stripped += compare_one(&plain.row[i].view.response[k], &bare.row[i].view.response[k],
                                        n == 1 ? flags : json_array_get(flags, (size_t)k));
        }
        assert_true(n == 1 || stripped > 0);
        assert_int_equal((int)bench_summary(&b, "stripped"), stripped);
        rows_release(&plain);
        rows_release(&bare);
    }
    bench_end(&b);
}

/* What stripping did is told; a win rate says where one side alone was stripped. */
static void strip_told(void **state)
{
    (void)state;
    static const char judged[] = "rlaif eval winrate %s.jsonl %s.jsonl --judge llama --prompt which.yaml --limit 1";
    char *folder = make_folder(), *bench = make_bench(folder, "bench"), told[100];
    Ran r = run_in(bench,
                   "rlaif sample p.jsonl --model llama --n 30 --max-new-tokens 8 --strip-trailing --json -o a.jsonl");
    need_status(&r, 0);
    json_t *summary = last_json(&r);
    int stripped = (int)json_number_of(summary, "stripped", -1);
    assert_true(stripped > 0);
    snprintf(told, sizeof told, "taken off %d of %.0f responses", stripped, json_number_of(summary, "responses", 0));
    says(r.err, told);
    json_decref(summary);
    ran_free(&r);
    r = run_in(bench, "rlaif sample p.jsonl --model llama --n 30 --max-new-tokens 8 -o b.jsonl && cp a.jsonl c.jsonl");
    need_status(&r, 0);
    assert_null(strstr(r.err, "taken off"));
    ran_free(&r);
    for (int one = 0; one < 2; one++) {
        r = run_in(bench, judged, one ? "b" : "a", one ? "a" : "b");
        need_status(&r, 0);
        says(r.err, "--strip-trailing, or neither");
        ran_free(&r);
    }
    r = run_in(bench, judged, "a", "c");
    need_status(&r, 0);
    assert_null(strstr(r.err, "--strip-trailing"));
    ran_free(&r);
    free(bench);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_as_prompts), cmocka_unit_test(strip_trailing),
                                       cmocka_unit_test(strip_told)};
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
