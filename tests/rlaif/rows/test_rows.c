/* Rows: ids, fields that are null, roles, and what several fields say of one thing. In the rows here ' stands for ". */
#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/match.h"
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

#define TURN(role, content) "{'role': '" role "', 'content': " content "}"
#define TEXT(text)          "{'type': 'text', 'text': '" text "'}"

/* A content that is a list of texts is read as them; what has no text is refused, and the message says which turn. */
static void contents_of_turns(void **state)
{
    (void)state;
    is_read_as("{'prompt': [" TURN("user", "[" TEXT("Look ") ", " TEXT("up.") "]") "], 'chosen': [" TURN(
                   "assistant", "[" TEXT("Yes") "]") "], 'rejected': 'No'}",
               NEED_PAIR, "Human: Look up. | Yes | No > 0");
    static const struct {
        const char *turn, *words;
    } cases[] = {
        {TURN("assistant", "null"), "turn 2 (assistant) of \"prompt\": its \"content\" is null"},
        {"{'role': 'assistant', 'content': null, 'tool_calls': []}", "its \"content\" is null"},
        {"{'role': 'tool'}", "turn 2 (tool) of \"prompt\": its \"content\" is missing"},
        {"{'content': 'x'}", "turn 2 of \"prompt\": it has no \"role\""},
        {"'x'", "turn 2 of \"prompt\": it is no object"},
        {TURN("user", "7"), "its \"content\" is neither a text nor a list of texts"},
        {TURN("user", "[]"), "\"content\" is an empty list"},
        {TURN("user", "['x']"), "part 1 of \"content\" is of no type"},
        {TURN("user", "[" TEXT("x") ", {'type': 'image_url', 'image_url': {}}]"),
         "turn 2 (user) of \"prompt\": part 2 of \"content\" is \"image_url\", only text"},
        {TURN("user", "[{'type': 'text', 'text': null}]"), "part 1 of \"content\" has no \"text\""},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char *row =
            mem_printf("{'prompt': [%s, %s], 'chosen': 'a', 'rejected': 'b'}", TURN("user", "'Hi'"), cases[i].turn);
        is_refused(row, NEED_PAIR, cases[i].words);
        free(row);
    }
    is_refused("{'messages': [" TURN("user", "'Q'") ", " TURN("assistant", "null") "]}", NEED_DEMONSTRATION,
               "turn 2 (assistant) of \"messages\"");
}

/* --- null --- */

/* What a table with a column for every field of every kind writes. */
static void null_is_absent(void **state)
{
    (void)state;
#define NULLS                                                                                                          \
    ", 'messages': null, 'conversations': null, 'info': null, 'summaries': null, 'choice': null, 'label': null,"       \
    " 'preferred': null, 'ended': null, 'score': null, 'winner': null, 'system': null, 'id': null"
    is_read_as("{'prompt': 'p', 'response': null, 'responses': null, 'chosen': null, 'rejected': null,"
               " 'completion': null" NULLS "}",
               NEED_PROMPT, "p");
    is_read_as("{'prompt': 'p', 'response': 'a', 'responses': null, 'chosen': null, 'rejected': null" NULLS "}",
               NEED_RESPONSES, "p | a");
    is_read_as("{'prompt': 'p', 'response': null, 'responses': ['a', 'b'], 'chosen': null" NULLS "}", NEED_PAIR,
               "p | a | b");
    is_read_as("{'prompt': 'p', 'response': null, 'chosen': 'a', 'rejected': 'b'" NULLS "}", NEED_PAIR,
               "p | a | b > 0");
    is_read_as("{'prompt': null, 'chosen': '\\n\\nHuman: p\\n\\nAssistant: a',"
               " 'rejected': '\\n\\nHuman: p\\n\\nAssistant: b'" NULLS "}",
               NEED_PAIR, "Human: p | a | b > 0");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'response': null, 'chosen': null, 'rejected': null" NULLS "}",
               NEED_DEMONSTRATION, "p | a");
    is_read_as("{'prompt': 'p', 'completion': null, 'chosen': 'a', 'rejected': 'b'" NULLS "}", NEED_DEMONSTRATION,
               "p | a");
    is_refused("{'prompt': null, 'response': 'a'}", NEED_RESPONSES, "no \"prompt\"");
    is_refused("{'prompt': 'p', 'responses': ['a', null]}", NEED_PAIR, "no text");
}

/* --- whole conversations beside a prompt --- */

#define U(text)            "{'role': 'user', 'content': '" text "'}"
#define A(text)            "{'role': 'assistant', 'content': '" text "'}"
#define S(text)            "{'role': 'system', 'content': '" text "'}"
#define PAIR(prompt, a, b) "{'prompt': " prompt ", 'chosen': [" a "], 'rejected': [" b "]}"

static void conversations(void **state)
{
    (void)state;
    is_read_as(PAIR("'p'", U("p") ", " A("a"), U("p") ", " A("b")), NEED_PAIR, "p | a | b > 0");
    is_read_as(PAIR("'p'", S("s") ", " U("p") ", " A("a"), S("s") ", " U("p") ", " A("b")), NEED_PAIR,
               "System: s/Human: p | a | b > 0");
    is_read_as(PAIR("'p'", U("p") ", " A("x") ", " U("q") ", " A("a"), U("p") ", " A("x") ", " U("q") ", " A("b")),
               NEED_PAIR, "Human: p/Assistant: x/Human: q | a | b > 0"); /* the first turn */
    is_read_as(PAIR("' q\\n'", U("p") ", " A("x") ", " U("q") ", " A("a"), U("p") ", " A("x") ", " U("q") ", " A("b")),
               NEED_PAIR, "Human: p/Assistant: x/Human: q | a | b > 0"); /* the last */
    is_read_as(PAIR("'p'", A("x") ", " U("q") ", " A("a"), A("x") ", " U("q") ", " A("b")), NEED_PAIR,
               "Human: p/Assistant: x/Human: q | a | b > 0"); /* what comes after it */
    is_read_as(PAIR("[" S("s") ", " U("p") "]", U("p") ", " A("a"), A("b")), NEED_PAIR,
               "System: s/Human: p | a | b > 0");
    is_read_as("{'prompt': 'p', 'system': 's', 'chosen': 'a', 'rejected': 'b'}", NEED_PAIR,
               "System: s/Human: p | a | b > 0");
    is_read_as("{'prompt': 'p', 'messages': [" S("s") ", " U("p") ", " A("x") "]}", NEED_PROMPT, "System: s/Human: p");

    is_refused(PAIR("'p'", U("q") ", " A("a"), U("q") ", " A("b")), NEED_PAIR,
               "\"chosen\" answers another conversation");
    is_refused(PAIR("'p'", U("p") ", " A("a"), U("q") ", " A("b")), NEED_PAIR, "\"rejected\" answers another");
    is_refused(PAIR("'p'", U("p") ", " A("a"), S("s") ", " U("p") ", " A("b")), NEED_PAIR, "answer different turns");
    is_refused(PAIR("[" U("p") ", " A("x") ", " U("q") "]", U("p") ", " A("a"), U("p") ", " A("b")), NEED_PAIR,
               "\"chosen\" answers another conversation"); /* than its end */
    is_refused(PAIR("'p'", U("p") ", " A("a") ", " U("x"), U("p") ", " A("b")), NEED_PAIR,
               "\"chosen\" must end with an assistant's turn, and turn 3 is of user");
    is_refused(PAIR("[" S("t") ", " U("p") "]", S("s") ", " U("p") ", " A("a"), A("b")), NEED_PAIR,
               "\"chosen\" answers another");
    is_refused("{'prompt': [" S("t") ", " U("p") "], 'system': 's', 'chosen': 'a', 'rejected': 'b'}", NEED_PAIR,
               "\"system\" is another than the system message");
    is_refused("{'prompt': 'p', 'messages': [" U("q") ", " A("x") "]}", NEED_PROMPT, "different conversations");
    is_refused("{'prompt': '[{\\\"role\\\": \\\"user\\\", \\\"content\\\": \\\"p\\\"}]'}", NEED_PROMPT,
               "\"prompt\" is turns written as a text");
    is_read_as("{'prompt': '[{a}]', 'response': '[{\\\"role\\\": 1}]'}", NEED_RESPONSES, "[{a}] | [{\"role\": 1}]");
}

#define HH "\\n\\nHuman: p\\n\\nAssistant:"

/* A system message beside what asks is its first turn, in every shape; what else would change a prompt or a reply is refused. */
static void system_messages(void **state)
{
    (void)state;
    static const char turns[] = "System: s/Human: p | a";
    is_read_as("{'prompt': 'p', 'system': 's'}", NEED_PROMPT, "System: s/Human: p");
    is_read_as("{'prompt': 'p', 'system': '', 'system_prompt': 's', 'response': 'a'}", NEED_RESPONSES, turns);
    is_read_as("{'prompt': '" HH "', 'system': 's', 'response': 'a'}", NEED_RESPONSES, turns);
    is_read_as("{'prompt': 'p', 'system': 's', 'responses': ['a', 'b']}", NEED_PAIR, "System: s/Human: p | a | b");
    is_read_as("{'prompt': 'p', 'system': 's', 'completion': 'a'}", NEED_DEMONSTRATION, turns);
    is_read_as("{'prompt': [" S("s") ", " U("p") "], 'system': 's', 'completion': 'a'}", NEED_DEMONSTRATION, turns);
    is_read_as("{'system': 's', 'messages': [" U("p") ", " A("a") "]}", NEED_DEMONSTRATION, turns);
    is_read_as("{'system': 's', 'messages': [" S("s") ", " U("p") ", " A("a") "]}", NEED_DEMONSTRATION, turns);
    is_read_as("{'prompt': 'p', 'system': 's', 'messages': [" U("p") ", " A("a") "]}", NEED_DEMONSTRATION, turns);
    is_read_as("{'prompt': 'p', 'system': 's', 'messages': [" U("p") ", " A("x") "]}", NEED_PROMPT,
               "System: s/Human: p");
    is_read_as("{'prompt': 'p', 'system': 7, 'response': 'a'}", NEED_RESPONSES, "p | a"); /* it says something else */

    is_refused("{'prompt': 'p', 'system': ['s'], 'response': 'a'}", NEED_RESPONSES, "\"system\" is a list");
    is_read_as("{'prompt': 'p', 'tools': [], 'response': 'a'}", NEED_RESPONSES, "p | a");
    is_read_as("{'prompt': 'p', 'tools': 'a hammer', 'response': 'a'}", NEED_RESPONSES, "p | a");
    is_refused("{'messages': [" U("p") ", " A("a") "], 'tools': [{'type': 'function'}]}", NEED_DEMONSTRATION,
               "\"tools\" are not read");
    is_refused("{'prompt': 'p', 'tools': '[{}]', 'response': 'a'}", NEED_RESPONSES, "\"tools\" are not read");
#define THINKS(more) "{'role': 'assistant', 'content': 'a'" more "}"
    is_read_as("{'messages': [" U("p") ", " THINKS(", 'thinking': null, 'tool_calls': []") "]}", NEED_DEMONSTRATION,
               "Human: p | a");
    is_read_as("{'messages': [" U("p") ", " THINKS(", 'thinking': 'x'") ", " U("q") ", " A("b") "]}",
               NEED_DEMONSTRATION, "Human: p/Assistant: a/Human: q | b"); /* which is for the template */
    is_refused("{'messages': [" U("p") ", " THINKS(", 'thinking': 'x'") "]}", NEED_DEMONSTRATION,
               "turn 2 of \"messages\", the reply, has \"thinking\" beside its content");
    is_refused("{'prompt': 'p', 'chosen': " THINKS(", 'tool_calls': [{}]") ", 'rejected': 'b'}", NEED_PAIR,
               "turn 1 of \"chosen\", the reply, has \"tool_calls\"");
    is_refused("{'system': 's', 'messages': [" S("t") ", " U("p") ", " A("a") "]}", NEED_DEMONSTRATION,
               "\"system\" is another than the system message");
    is_refused("{'prompt': 5, 'system': 's', 'response': 'a'}", NEED_RESPONSES, "\"prompt\" is neither");
}

static void transcripts(void **state)
{
    (void)state;
    is_read_as("{'prompt': '" HH "', 'responses': ['a', 'b']}", NEED_PAIR, "Human: p | a | b");
    is_read_as("{'prompt': '" HH " x\\n\\nHuman: q\\n\\nAssistant: ', 'response': 'a'}", NEED_RESPONSES,
               "Human: p/Assistant: x/Human: q | a");
    is_read_as("{'prompt': '" HH "', 'completion': 'a'}", NEED_DEMONSTRATION, "Human: p | a");
    is_read_as("{'prompt': '" HH "', 'chosen': '" HH " a', 'rejected': '" HH " b'}", NEED_PAIR, "Human: p | a | b > 0");
    is_read_as("{'prompt': 'p', 'chosen': '" HH " a', 'rejected': '" HH " b'}", NEED_PAIR, "Human: p | a | b > 0");
    is_read_as("{'prompt': 'Human: p', 'response': 'a'}", NEED_RESPONSES, "Human: p | a"); /* no transcript, a text */
    is_refused("{'prompt': 'q', 'chosen': '" HH " a', 'rejected': '" HH " b'}", NEED_PAIR, "another conversation");
    is_refused("{'prompt': 'p', 'chosen': '" HH " a', 'rejected': 'b'}", NEED_PAIR,
               "\"chosen\" is a whole conversation, \"rejected\" is not");
}

/* --- several fields that say the same, or not --- */

static void fields_that_agree(void **state)
{
    (void)state;
    is_read_as("{'prompt': 'p', 'responses': ['a', 'b'], 'chosen': 'b', 'rejected': 'a'}", NEED_PAIR, "p | a | b > 1");
    is_read_as("{'prompt': 'p', 'responses': ['a', 'a'], 'chosen': 'a', 'rejected': 'a'}", NEED_PAIR, "p | a | a > 0");
    is_read_as("{'prompt': 'p', 'responses': ['a', 'b'], 'winner': 'model_b', 'preferred': 1}", NEED_PAIR,
               "p | a | b > 1");
    is_read_as("{'prompt': 'p', 'responses': ['a', 'b'], 'models': ['m', 'n'], 'winner': 'n'}", NEED_PAIR,
               "p | a | b > 1");
    is_read_as("{'prompt': 'p', 'responses': ['a'], 'response': 'a', 'ended': [false]}", NEED_RESPONSES, "p | a...");
    is_read_as("{'messages': [" U("p") ", " A("a") "], 'ended': false}", NEED_DEMONSTRATION, "Human: p | a...");
    is_read_as(
        "{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'ended': [false, true], 'messages': [" U("p") ", " A("a") "]}",
        NEED_DEMONSTRATION, "Human: p | a...");
    is_read_as("{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'ended': [true, false]}", NEED_PAIR,
               "p | a | b...");
    is_read_as("{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'ended': [true, false]}", NEED_PAIR,
               "p | a | b... > 0");
    is_read_as("{'prompt': 'p', 'completion': 'c', 'responses': ['a', 'b'], 'ended': [true, false]}",
               NEED_DEMONSTRATION, "p | c"); /* of the responses */
    is_read_as("{'prompt': 'p', 'response': ' a', 'chosen': ' a', 'rejected': ' b'}", NEED_PAIR, "p |  a |  b > 0");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'messages': [" U("p") ", " A("a") "]}", NEED_DEMONSTRATION,
               "Human: p | a");
    is_read_as("{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'messages': [" U("p") ", " A("a") "]}",
               NEED_DEMONSTRATION, "Human: p | a");
    is_read_as("{'messages': [" U("p") "], 'chosen': " A("a") ", 'rejected': " A("b") "}", NEED_PAIR,
               "Human: p | a | b > 0");
    is_read_as("{'messages': [" U("p") "], 'chosen': 'a', 'rejected': 'b'}", NEED_DEMONSTRATION, "Human: p | a");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'response': 'b'}", NEED_RESPONSES, "p | b"); /* one is a person's */
    is_read_as("{'prompt': 'p', 'responses': ['a', 'b'], 'preference': 'strong'}", NEED_PAIR, "p | a | b");
}

static void fields_that_contradict(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        RowNeed need;
        const char *words;
    } cases[] = {
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'response': 'c'}", NEED_RESPONSES, "\"responses\" and \"response\""},
        {"{'prompt': 'p', 'responses': ['a'], 'response': 'b'}", NEED_RESPONSES, "different responses"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'chosen': 'c', 'rejected': 'a'}", NEED_PAIR, "different responses"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'chosen': 'b', 'rejected': 'a', 'preferred': 0}", NEED_PAIR,
         "prefer different responses"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 0, 'winner': 'b'}", NEED_PAIR, "contradict each other"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 0, 'winner': 'tie'}", NEED_PAIR, "contradict"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'winner': 'the cat'}", NEED_PAIR, "\"winner\" is \"the cat\""},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 0, 'scores': [1, 2]}", NEED_PAIR, "lower score"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 0, 'ranks': [2, 1]}", NEED_PAIR, "lower score"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'winner': 'a', 'ratings': [1, 2]}", NEED_PAIR, "lower score"},
        {"{'prompt': 'p', 'completions': [{'text': 'a', 'score': 1}, {'text': 'b', 'score': 2}], 'preferred': 0}",
         NEED_PAIR, "lower score"},
        {"{'prompt': 'p', 'responses': ['a', 'b', 'c'], 'preferred': 0}", NEED_RESPONSES, "speaks of two responses"},
        {"{'prompt': 'p', 'response': 'a', 'preferred': 1}", NEED_RESPONSES, "speaks of two responses"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'preferred': 0.7}", NEED_PAIR, "\"preferred\" is 0.7"},
        {"{'chosen': '\\n\\nHuman: q\\n\\nAssistant: a\\n\\nHuman: r', 'rejected': '\\n\\nHuman: q\\n\\nAssistant: "
         "b\\n\\nHuman: r'}",
         NEED_PAIR, "end with the human's turn"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'blank_before': [true, false]}", NEED_PAIR, "neither true nor"},
        {"{'prompt': 'p', 'chosen': '\\n\\nHuman: q\\n\\nAssistant: a', 'rejected': 'b'}", NEED_PAIR,
         "\"chosen\" is a whole conversation"},
        {"{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'preferred': 1}", NEED_PAIR,
         "prefers the first, another not"},
        {"{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'response': 'c'}", NEED_PAIR, "different responses"},
        {"{'prompt': 'p', 'responses': ['a'], 'chosen': 'a', 'rejected': 'b'}", NEED_PAIR, "different numbers"},
        {"{'info': {'post': 'p'}, 'summaries': [{'text': 'a'}, {'text': 'b'}], 'choice': 0, 'preferred': 1}", NEED_PAIR,
         "contradict each other"},
        {"{'info': {'post': 'p'}, 'summaries': [{'text': 'a'}, {'text': 'b'}], 'choice': 2}", NEED_PAIR,
         "neither 0 nor 1"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': true}", NEED_PAIR, "neither 0 nor 1"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'label': true}", NEED_PAIR, "no judge's label"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'ended': [true]}", NEED_PAIR, "for each of 2 responses"},
        {"{'prompt': 'p', 'responses': ['a', 'b'], 'ended': [true, null]}", NEED_PAIR, "for each of 2 responses"},
        {"{'prompt': 'p', 'response': 'a', 'ended': 'no'}", NEED_RESPONSES, "for each of 1 response"},
        {"{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'ended': [true]}", NEED_PAIR, "for each of 2 responses"},
        {"{'messages': [" U("p") ", " A("a") "], 'ended': [true, false]}", NEED_DEMONSTRATION,
         "for each of 1 response"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'ended': [true]}", NEED_PAIR,
         "for each of 2 responses"},
        {"{'info': {'post': 'p'}, 'summaries': [{'text': 'a'}, {'text': 'b'}], 'ended': true}", NEED_PAIR,
         "for each of 2 responses"},
        {"{'prompt': 'p', 'completion': 'b', 'messages': [" U("p") ", " A("a") "]}", NEED_DEMONSTRATION,
         "different responses"},
        {"{'prompt': 'q', 'completion': 'a', 'messages': [" U("p") ", " A("a") "]}", NEED_DEMONSTRATION,
         "different prompts"},
        {"{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'messages': [" U("p") ", " A("b") "]}", NEED_DEMONSTRATION,
         "different responses"},
        {"{'prompt': 'p', 'conversations': [{'from': 'human', 'value': 'q'}, {'from': 'gpt', 'value': 'a'}]}",
         NEED_PROMPT, "different conversations"},
        {"{'messages': [" U("p") ", " A("a") "], 'conversations': [" U("p") ", " A("b") "]}", NEED_DEMONSTRATION,
         "different responses"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Rows rows;
        Err err;
        if (view(cases[i].row, cases[i].need, &rows, &err) || err.code != ERR_INPUT || !strstr(err.msg, cases[i].words))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].row, err.msg, cases[i].words);
    }
}

/* TRL's unpaired rows: what is marked as bad is learned nowhere. */
static void marks(void **state)
{
    (void)state;
    is_read_as("{'prompt': 'p', 'completion': 'a', 'label': true}", NEED_DEMONSTRATION, "p | a");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'label': false}", NEED_ANY, "p | a");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'label': false}", NEED_PROMPT, "p");
    is_read_as("{'prompt': 'p', 'completion': 'a', 'label': 'sports'}", NEED_DEMONSTRATION, "p | a");
    is_refused("{'prompt': 'p', 'completion': 'a', 'label': false}", NEED_DEMONSTRATION, "one not to learn");
    is_refused("{'prompt': [" U("p") "], 'completion': [" A("a") "], 'label': false}", NEED_DEMONSTRATION,
               "not to learn");
    is_refused("{'messages': [" U("p") ", " A("a") "], 'kto_tag': false}", NEED_DEMONSTRATION, "\"kto_tag\" is false");
    is_refused("{'prompt': 'p', 'response': 'a', 'label': false}", NEED_DEMONSTRATION, "one not to learn");
    is_refused("{'prompt': 'p', 'completion': 'a', 'label': 0}", NEED_DEMONSTRATION, "neither true nor false");
    is_refused("{'prompt': 'p', 'completion': 'a', 'label': 'True'}", NEED_ANY, "neither true nor false");
    is_refused("{'prompt': 'p', 'completion': 'a', 'label': true}", NEED_PAIR, "needs 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        cmocka_unit_test(null_is_absent_from_identity),
        cmocka_unit_test(matching),
        cmocka_unit_test(roles),
        cmocka_unit_test(null_fields_of_turns),
        cmocka_unit_test(contents_of_turns),
        cmocka_unit_test(null_is_absent),
        cmocka_unit_test(conversations),
        cmocka_unit_test(transcripts),
        cmocka_unit_test(system_messages),
        cmocka_unit_test(fields_that_agree),
        cmocka_unit_test(fields_that_contradict),
        cmocka_unit_test(marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
