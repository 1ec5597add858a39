/* Rows: ids, fields that are null, roles, and what several fields say of one thing. In the rows here ' stands for ". */
#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval_match.h"
#include "support.h"

/* Text with its ' as ". The caller frees it. */
static char *json_lines(const char *text)
{
    char *lines = mem_str(text);
    for (char *s = lines; (s = strchr(s, '\'')); s++)
        *s = '"';
    return lines;
}

static bool parse(Rows *out, const char *text, Err *err)
{
    char *lines = json_lines(text);
    *err = (Err){0};
    bool ok = rows_parse(out, "in", lines, strlen(lines), 0, err);
    free(lines);
    return ok;
}

static bool view(const char *text, RowNeed need, Rows *out, Err *err)
{
    if (!parse(out, text, err))
        return false;
    if (rows_view(out, need, false, err))
        return true;
    rows_release(out);
    return false;
}

/* What one row is read as: "PROMPT | RESPONSE | RESPONSE > preferred", turns as a judge reads them with / between. */
static void is_read_as(const char *row, RowNeed need, const char *wanted)
{
    Rows rows;
    Err err;
    Str s = {0};
    if (!view(row, need, &rows, &err))
        fail_msg("%s: %s", row, err.msg);
    const RowView *v = &rows.row[0].view;
    char *context = context_lines(&v->context);
    for (char *c = context; (c = strchr(c, '\n'));)
        *c = '/';
    str_add(&s, context);
    for (int i = 0; i < v->n; i++)
        str_addf(&s, " | %s%s", v->response[i].text, v->response[i].ended ? "" : "...");
    if (v->preferred >= 0)
        str_addf(&s, " > %d", v->preferred);
    if (strcmp(str_text(&s), wanted) != 0)
        fail_msg("%s is read as \"%s\", not \"%s\"", row, str_text(&s), wanted);
    free(context);
    str_release(&s);
    rows_release(&rows);
}

static void is_refused(const char *row, RowNeed need, const char *words)
{
    Rows rows;
    Err err;
    if (view(row, need, &rows, &err))
        fail_msg("%s is read", row);
    if (err.code != ERR_INPUT || !strstr(err.msg, words) || !err.hint[0])
        fail_msg("%s: \"%s\" (%s) does not say \"%s\"", row, err.msg, err.hint, words);
}

/* --- ids --- */

static void ids(void **state)
{
    (void)state;
    static const char *const repeated[] = {
        "{'id': 'a', 'prompt': 'p'}\n{'id': 'a', 'prompt': 'q'}",
        "{'id': 1, 'prompt': 'p'}\n{'id': '1', 'prompt': 'q'}", /* a number is its JSON text */
        "{'id': 2.5, 'prompt': 'p'}\n{'id': 2.5, 'prompt': 'q'}",
    };
    static const char *const none[] = {"{'id': [1], 'prompt': 'p'}", "{'id': {'n': 1}, 'prompt': 'p'}",
                                       "{'id': true, 'prompt': 'p'}", "{'id': [], 'prompt': 'p'}"};
    Rows rows;
    Err err;
    for (int i = 0; i < COUNT(repeated); i++) {
        assert_false(parse(&rows, repeated[i], &err));
        says(err.msg, "in:2: the id");
        says(err.msg, "stands twice");
    }
    for (int i = 0; i < COUNT(none); i++) {
        assert_false(parse(&rows, none[i], &err));
        says(err.msg, "in:1: the id ");
        says(err.msg, "is neither a text nor a number");
    }
    need_ok(parse(&rows,
                  "{'id': null, 'prompt': 'p'}\n{'id': null, 'prompt': 'q'}\n{'id': 1}\n{'id': 1.0}\n{'id': '1.00'}",
                  &err),
            &err);
    assert_int_equal(rows.n, 5);
    rows_release(&rows);
}

/* A field that is null changes neither what names a row in a store nor its random numbers. */
static void null_is_absent_from_identity(void **state)
{
    (void)state;
    Rows with, without;
    Err err;
    need_ok(parse(&without, "{'prompt': 'p', 'x': 1}", &err), &err);
    need_ok(parse(&with, "{'id': null, 'prompt': 'p', 'y': null, 'x': 1}", &err), &err);
    assert_string_equal(with.row[0].key, without.row[0].key);
    assert_true(with.row[0].identity == without.row[0].identity);
    assert_non_null(json_object_get(with.row[0].json, "y")); /* and the row stays as it came */
    rows_release(&with);
    rows_release(&without);
}

static void match_is(const char *a, const char *b, const char *wanted)
{
    char *folder = make_folder(), *text[2] = {json_lines(a), json_lines(b)}, *path[2];
    Work w = {0};
    Rows rows;
    Err err = {0};
    Str got = {0};
    for (int i = 0; i < 2; i++) {
        path[i] = path_join(folder, i ? "b.jsonl" : "a.jsonl");
        need_ok(file_write(path[i], text[i], strlen(text[i]), &err), &err);
    }
    need_ok(match_rows(&w, path[0], path[1], 0, false, &rows, &err), &err);
    for (int i = 0; i < rows.n; i++) {
        const json_t *row = rows.row[i].json;
        str_addf(&got, "%s%s-%s", i ? " " : "", json_string_value(json_array_get(json_object_get(row, "a"), 0)),
                 json_string_value(json_array_get(json_object_get(row, "b"), 0)));
        assert_false(json_is_null(json_object_get(row, "id")));
    }
    assert_string_equal(str_text(&got), wanted);
    str_release(&got);
    rows_release(&rows);
    for (int i = 0; i < 2; i++) {
        free(path[i]);
        free(text[i]);
    }
    remove_folder(folder);
}

/* What matches rows of two files by their ids has the same notion of an id. */
static void matching(void **state)
{
    (void)state;
    match_is("{'id': null, 'prompt': 'p', 'response': 'a'}\n{'id': null, 'prompt': 'p', 'response': 'b'}",
             "{'id': null, 'prompt': 'p', 'response': 'A'}\n{'id': null, 'prompt': 'p', 'response': 'B'}", "a-A b-B");
    match_is("{'id': null, 'prompt': 'p', 'response': 'a'}\n{'id': null, 'prompt': 'q', 'response': 'b'}",
             "{'id': 1, 'prompt': 'q', 'response': 'B'}\n{'prompt': 'p', 'response': 'A'}", "a-A b-B");
    match_is("{'id': 1, 'prompt': 'p', 'response': 'a'}\n{'id': 2, 'prompt': 'p', 'response': 'b'}",
             "{'id': '2', 'prompt': 'p', 'response': 'B'}\n{'id': '1', 'prompt': 'p', 'response': 'A'}", "a-A b-B");
}

/* --- roles --- */

static void roles(void **state)
{
    (void)state;
    static const char *const unknown[] = {"USER", "User", "Human", "bot", "model", "developer", "function", ""};
    is_read_as("{'prompt': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'u'},"
               " {'role': 'assistant', 'content': 'a'}, {'role': 'tool', 'content': 't'}]}",
               NEED_PROMPT, "System: s/Human: u/Assistant: a/Tool: t");
    is_read_as(
        "{'prompt': [{'from': 'human', 'value': 'u'}, {'from': 'gpt', 'value': 'a'}, {'role': 'human', 'from': null,"
        " 'content': 'v'}]}",
        NEED_PROMPT, "Human: u/Assistant: a/Human: v");
    for (int i = 0; i < COUNT(unknown); i++) {
        char *row = mem_printf("{'prompt': [{'role': 'user', 'content': 'u'}, {'role': '%s', 'content': 'x'}]}",
                               unknown[i]),
             *words = mem_printf("turn 2 (%s) of \"prompt\": its role is none of", unknown[i]);
        is_refused(row, NEED_PROMPT, words);
        free(row);
        free(words);
    }
    is_refused("{'prompt': [{'role': null, 'content': 'x'}]}", NEED_PROMPT, "turn 1 of \"prompt\": it has no \"role\"");
    is_refused("{'prompt': [{'from': 'gpt', 'value': null}]}", NEED_PROMPT, "its \"value\" is null");
}

/* Templates ask whether a turn has a field: one that is null is not there. */
static void null_fields_of_turns(void **state)
{
    (void)state;
    Rows rows;
    Err err;
    need_ok(view("{'prompt': [{'role': 'user', 'content': 'u', 'tool_calls': null, 'name': 'ann'}]}", NEED_PROMPT,
                 &rows, &err),
            &err);
    char *turns = json_text(rows.row[0].view.context.turns);
    assert_string_equal(turns, "[{\"role\": \"user\", \"content\": \"u\", \"name\": \"ann\"}]");
    free(turns);
    rows_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),   cmocka_unit_test(null_is_absent_from_identity), cmocka_unit_test(matching),
        cmocka_unit_test(roles), cmocka_unit_test(null_fields_of_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
