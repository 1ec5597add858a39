/* Import: every format from tiny inputs written here. */
#include "rlaif/import/format.h"

#include "support.h"

/* Imports one row and compares it, as JSON, with what is wanted. */
static void row_becomes(const char *in, ImportFormat format, ImportFormat wanted_format, const char *wanted)
{
    Err err = {0};
    json_t *row, *want = NULL;
    Imported out;
    need_ok(json_parse(in, strlen(in), "in", &row, &err) && json_parse(wanted, strlen(wanted), "wanted", &want, &err),
            &err);
    need_ok(import_row(row, format, &out, &err), &err);
    assert_int_equal(out.format, wanted_format);
    if (json_array_size(out.rows) != 1 || !json_equal(json_array_get(out.rows, 0), want)) {
        char *text = json_text(out.rows);
        fail_msg("%s became %s, not %s", in, text, wanted);
    }
    json_decref(row);
    json_decref(out.rows);
    json_decref(want);
}

static void row_is_refused(const char *in, ImportFormat format, const char *words)
{
    Err err = {0};
    json_t *row;
    Imported out;
    need_ok(json_parse(in, strlen(in), "in", &row, &err), &err);
    assert_false(import_row(row, format, &out, &err));
    assert_null(out.rows);
    if (err.code != ERR_INPUT || !strstr(err.msg, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", in, err.msg, words);
    json_decref(row);
}

static void transcripts(void **state)
{
    (void)state;
    static const char two_turns[] =
        "{\"chosen\": \"\\n\\nHuman: Hi\\n\\nAssistant: Hello\\n\\nHuman: Bye\\n\\nAssistant: Farewell\","
        " \"rejected\": \"\\n\\nHuman: Hi\\n\\nAssistant: Hello\\n\\nHuman: Bye\\n\\nAssistant: No\", \"note\": 1}";
    static const char turns[] =
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello\"},"
        " {\"role\": \"user\", \"content\": \"Bye\"}], \"responses\": [\"Farewell\", \"No\"], \"preferred\": 0, \"note\": 1}";
    row_becomes(two_turns, IMPORT_AUTO, IMPORT_HH, turns);
    row_becomes(two_turns, IMPORT_HH, IMPORT_HH, turns);
    /* a reply that writes further turns is one reply */
    row_becomes("{\"chosen\": \"\\n\\nHuman: Hi\\n\\nAssistant: Yes\","
                " \"rejected\": \"\\n\\nHuman: Hi\\n\\nAssistant: Er\\n\\nHuman: What?\\n\\nAssistant: Yes\"}",
                IMPORT_AUTO, IMPORT_HH,
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\"}],"
                " \"responses\": [\"Yes\", \"Er\\n\\nHuman: What?\\n\\nAssistant: Yes\"], \"preferred\": 0}");
    row_is_refused(
        "{\"chosen\": \"\\n\\nHuman: A\\n\\nAssistant: x\", \"rejected\": \"\\n\\nHuman: B\\n\\nAssistant: y\"}",
        IMPORT_AUTO, "same conversation");
    row_is_refused("{\"chosen\": \"x\"}", IMPORT_HH, "no \"rejected\"");
}

static void trl_pairs(void **state)
{
    (void)state;
    row_becomes(
        "{\"prompt\": \"Q\", \"chosen\": \"good\", \"rejected\": \"bad\", \"preferred\": \"x\"}", IMPORT_AUTO,
        IMPORT_TRL,
        "{\"prompt\": \"Q\", \"responses\": [\"good\", \"bad\"], \"preferred\": 0, \"source_preferred\": \"x\"}");
    row_becomes(
        "{\"chosen\": [{\"role\": \"user\", \"content\": \"Q\"}, {\"role\": \"assistant\", \"content\": \"good\"}],"
        " \"rejected\": [{\"role\": \"user\", \"content\": \"Q\"}, {\"role\": \"assistant\", \"content\": \"bad\"}],"
        " \"id\": 7}",
        IMPORT_AUTO, IMPORT_TRL,
        "{\"id\": 7, \"prompt\": [{\"role\": \"user\", \"content\": \"Q\"}], \"responses\": [\"good\", \"bad\"],"
        " \"preferred\": 0}");
    /* a judge's label stays a label: it speaks of the first response, which the chosen one still is */
    row_becomes("{\"prompt\": \"Q\", \"chosen\": \"a\", \"rejected\": \"b\", \"label\": {\"p\": 0.3}}", IMPORT_TRL,
                IMPORT_TRL,
                "{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"], \"preferred\": 0, \"label\": {\"p\": 0.3}}");
}

static void comparisons(void **state)
{
    (void)state;
    row_becomes(
        "{\"info\": {\"id\": \"t3_x\", \"post\": \"P\", \"title\": \"T\", \"subreddit\": \"S\"}, \"split\": \"train\","
        " \"summaries\": [{\"text\": \" one\", \"policy\": \"sup\", \"note\": null}, {\"text\": \" two\", \"policy\": \"ref\"}],"
        " \"choice\": 1, \"extra\": {\"confidence\": 8}}",
        IMPORT_AUTO, IMPORT_COMPARISONS,
        "{\"prompt\": \"SUBREDDIT: r/S\\n\\nTITLE: T\\n\\nPOST: P\\n\\nTL;DR:\", \"responses\": [\"one\", \"two\"],"
        " \"blank_before\": true, \"preferred\": 1, \"confidence\": 8, \"split\": \"train\", \"extra\": {\"confidence\": 8},"
        " \"comparison\": {\"info\": {\"id\": \"t3_x\"}, \"summaries\": [{\"policy\": \"sup\", \"note\": null}, {\"policy\": \"ref\"}]}}");
    row_is_refused(
        "{\"info\": {\"post\": \"P\"}, \"summaries\": [{\"text\": \"a\"}, {\"text\": \"b\"}], \"choice\": 2}",
        IMPORT_AUTO, "neither 0 nor 1");
    row_is_refused("{\"info\": {\"post\": \"P\"}, \"summaries\": [{\"text\": \"a\"}], \"choice\": 0}", IMPORT_AUTO,
                   "needs 2");
    row_is_refused("{\"info\": {\"article\": \"P\"}, \"summaries\": []}", IMPORT_AUTO, "no \"post\"");
}

static void shp_pairs(void **state)
{
    (void)state;
    static const char row[] =
        "{\"post_id\": \"q1\", \"domain\": \"cooking\", \"history\": \"Why?\", \"human_ref_A\": \"A.\","
        " \"human_ref_B\": \"B.\", \"labels\": %d, \"score_ratio\": 2.5, \"score_A\": 5}";
    for (int label = 0; label < 2; label++) {
        char in[300], wanted[300];
        snprintf(in, sizeof in, row, label);
        snprintf(wanted, sizeof wanted,
                 "{\"prompt\": \"Why?\", \"responses\": [\"A.\", \"B.\"], \"preferred\": %d, \"post_id\": \"q1\","
                 " \"domain\": \"cooking\", \"score_ratio\": 2.5, \"score_A\": 5}",
                 1 - label); /* 1 says that people preferred the first */
        row_becomes(in, IMPORT_AUTO, IMPORT_SHP, wanted);
    }
    char in[300];
    snprintf(in, sizeof in, row, 2);
    row_is_refused(in, IMPORT_AUTO, "neither 0 nor 1");
    row_is_refused("{\"human_ref_A\": \"a\", \"human_ref_B\": \"b\", \"labels\": 1}", IMPORT_AUTO, "no \"history\"");
    row_is_refused("{\"history\": \"x\", \"human_ref_A\": \"a\", \"labels\": 1}", IMPORT_SHP, "no \"human_ref_B\"");
    row_is_refused("{\"history\": 7, \"human_ref_A\": \"a\", \"human_ref_B\": \"b\", \"labels\": 1}", IMPORT_SHP,
                   "\"history\" is neither a text");
}

static void prompts_and_demonstrations(void **state)
{
    (void)state;
    row_becomes(
        "{\"id\": \"a\", \"subreddit\": \"S\", \"title\": \"T\", \"post\": \"P\", \"summary\": \"short\", \"score\": 3}",
        IMPORT_AUTO, IMPORT_TLDR,
        "{\"id\": \"a\", \"prompt\": \"SUBREDDIT: r/S\\n\\nTITLE: T\\n\\nPOST: P\\n\\nTL;DR:\","
        " \"completion\": \"short\", \"blank_before\": true, \"score\": 3}");
    row_becomes("{\"query\": \"Q TL;DR:\", \"reference\": \"r\", \"preferred\": \"ours\"}", IMPORT_AUTO, IMPORT_TLDR,
                "{\"prompt\": \"Q TL;DR:\", \"reference\": \" r\", \"source_preferred\": \"ours\"}");
    row_becomes("{\"instruction\": \"Do\", \"input\": \"this\", \"output\": \"done\"}", IMPORT_AUTO, IMPORT_INSTRUCTION,
                "{\"prompt\": \"Do\\n\\nthis\", \"completion\": \"done\"}");
    row_becomes("{\"instruction\": \"Do\", \"input\": \"\", \"output\": \"done\"}", IMPORT_AUTO, IMPORT_INSTRUCTION,
                "{\"prompt\": \"Do\", \"completion\": \"done\"}");
    row_becomes("{\"prompt\": \"Q\", \"x\": [1, 2.5]}", IMPORT_AUTO, IMPORT_ROWS,
                "{\"prompt\": \"Q\", \"x\": [1, 2.5]}");
    row_becomes(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Q\"}, {\"role\": \"assistant\", \"content\": \"A\"}]}",
        IMPORT_AUTO, IMPORT_ROWS,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Q\"}, {\"role\": \"assistant\", \"content\": \"A\"}]}");
    row_is_refused("{\"text\": \"what?\"}", IMPORT_AUTO, "no known format");
    row_is_refused("{\"prompt\": \"Q\"}", IMPORT_INSTRUCTION, "no \"instruction\"");
    row_is_refused("{\"instruction\": \"Do\", \"output\": \"done\", \"history\": [[\"a\", \"b\"]]}", IMPORT_AUTO,
                   "\"history\", turns before the instruction, is not read");
    row_is_refused("{\"title\": \"T\", \"post\": \"P\"}", IMPORT_AUTO, "no text \"subreddit\"");
    row_is_refused("{\"prompt\": 3}", IMPORT_AUTO, "neither a text nor a list");
}

/* Of a pair that a person chose from, the chosen response is the demonstration; without a choice there is none. */
static void choices_demonstrate(void **state)
{
    (void)state;
    static const struct {
        const char *row, *text; /* text NULL: refused */
    } cases[] = {
        {"{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"], \"preferred\": 1}", "b"},
        {"{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}", "a"},
        {"{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"]}", NULL},
        {"{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"], \"completion\": \"c\", \"preferred\": 0}", "c"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        json_t *row;
        RowView v;
        need_ok(json_parse(cases[i].row, strlen(cases[i].row), "row", &row, &err), &err);
        bool ok = row_view(row, NEED_DEMONSTRATION, &v, &err);
        assert_int_equal(ok, cases[i].text != NULL);
        if (ok) {
            assert_int_equal(v.n, 1);
            assert_string_equal(v.response[0].text, cases[i].text);
            assert_string_equal(v.context.text, "Q");
            row_view_release(&v);
        } else {
            assert_non_null(strstr(err.msg, "no demonstration"));
        }
        json_decref(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transcripts),
        cmocka_unit_test(trl_pairs),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(shp_pairs),
        cmocka_unit_test(prompts_and_demonstrations),
        cmocka_unit_test(choices_demonstrate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
