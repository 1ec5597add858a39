/* Samples: what the rows that come out say, whatever rows went in. */
#include "eval_helpers.h"

#include "rlaif/sample.h"

static bool take(void *context, const char *row, Err *err)
{
    (void)err;
    str_add(context, row);
    str_addc(context, '\n');
    return true;
}

/* The rows of a sample stage, read as rows with responses. */
static Rows sample(const char *lines, int n)
{
    Err err = {0};
    Str text = {0};
    Rows rows;
    StageRow stage;
    bool present;
    CommonOptions common = {.seed = 3};
    Work w = work_new(&common);
    char *folder = make_folder(), *path = write_rows(folder, "rows.jsonl", lines);
    SampleOptions o = {.common = common,
                       .prompts = path,
                       .model = mem_str(TINY),
                       .n = n,
                       .sampling = {.temperature = 1, .top_p = 1, .max_new_tokens = 4}};
    need_ok(sample_stage(&w, "sample", &o, &err) && store_stage_find(w.store, "sample", &stage, &present, &err) &&
                store_items_each(w.store, stage.id, take, &text, &err) &&
                rows_parse(&rows, "sampled", str_text(&text), text.n, 0, &err) &&
                rows_view(&rows, NEED_RESPONSES, false, &err),
            &err);
    stage_row_release(&stage);
    str_release(&text);
    free(o.model);
    free(path);
    remove_folder(folder);
    work_free(&w);
    return rows;
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
        "{\"prompt\": \"one\", \"response\": \"OLD a\", \"ended\": true, \"score\": 1, \"kept\": 7}\n",
    };
    for (int i = 0; i < COUNT(lines); i++)
        for (int n = 1; n <= 2; n++) {
            Rows rows = sample(lines[i], n);
            const RowView *v = &rows.row[0].view;
            assert_int_equal(v->n, n);
            assert_int_equal(v->preferred, -1);
            assert_false(v->has_label);
            for (int k = 0; k < n; k++)
                assert_null(strstr(v->response[k].text, "OLD"));
            char *context = context_lines(&v->context);
            assert_non_null(strstr(context, "one"));
            assert_null(strstr(context, "OLD"));
            free(context);
            field(rows.row[0].json, "kept", 7);
            assert_null(json_object_get(rows.row[0].json, "score"));
            rows_release(&rows);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_as_prompts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
