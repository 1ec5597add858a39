/* Import: a suffix behind prompts, replies under names that a user gives. */
#include "rlaif/import/adapt.h"

#include "rlaif/import/format.h"
#include "support.h"

static json_t *parsed(const char *text)
{
    Err err = {0};
    json_t *row;
    need_ok(json_parse(text, strlen(text), "row", &row, &err), &err);
    return row;
}

#define USER(text)      "{\"role\": \"user\", \"content\": \"" text "\"}"
#define ASSISTANT(text) "{\"role\": \"assistant\", \"content\": \"" text "\"}"

static void suffix(void **state)
{
    (void)state;
    static const struct {
        const char *row, *wanted; /* NULL: refused */
    } cases[] = {
        {"{\"id\": 1, \"prompt\": \"Hi.\"}", "{\"id\": 1, \"prompt\": \"Hi. Be brief.\"}"},
        {"{\"prompt\": [" USER("A") ", " ASSISTANT("B") ", " USER("C") "], \"responses\": [\"x\", \"y\"]}",
         "{\"prompt\": [" USER("A") ", " ASSISTANT("B") ", " USER("C Be brief.") "], \"responses\": [\"x\", \"y\"]}"},
        {"{\"prompt\": \"\\n\\nHuman: Q\\n\\nAssistant:\"}", "{\"prompt\": [" USER("Q Be brief.") "]}"},
        {"{\"messages\": [" USER("Q") ", " ASSISTANT("A") "]}",
         "{\"messages\": [" USER("Q Be brief.") ", " ASSISTANT("A") "]}"},
        {"{\"prompt\": [" USER("A") ", " ASSISTANT("B") "]}", NULL},
        {"{\"prompt\": [{\"role\": \"system\", \"content\": \"A\"}]}", NULL},
        {"{\"messages\": [" ASSISTANT("A") "]}", NULL},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        json_t *row = parsed(cases[i].row);
        Err err = {0};
        if (import_add_suffix(row, " Be brief.", &err) != (cases[i].wanted != NULL))
            fail_msg("%s: %s", cases[i].row, err.msg);
        if (cases[i].wanted) {
            json_t *wanted = parsed(cases[i].wanted);
            assert_true(json_equal(row, wanted));
            json_decref(wanted);
        } else {
            assert_non_null(strstr(err.msg, "not the user's"));
        }
        json_decref(row);
    }
}

static void named_replies(void **state)
{
    (void)state;
    static char ours[] = "ours=new_7b", reference[] = "reference", *names[] = {ours, reference};
    static const struct {
        const char *row, *wanted, *words; /* words: of what it is refused with */
    } cases[] = {
        {"{\"query\": \"Q\", \"new_7b\": \"  one \\n\", \"reference\": \"two\", \"preferred\": \"ours\"}",
         "[{\"prompt\": \"Q\", \"responses\": [\" one\", \"two\"], \"preferred\": 0, \"models\": [\"ours\", \"reference\"]}]",
         NULL},
        {"{\"query\": \"Q\", \"new_7b\": \"one\", \"reference\": \"two\", \"winner\": \"reference\", \"why\": 1}",
         "[{\"prompt\": \"Q\", \"responses\": [\"one\", \"two\"], \"preferred\": 1, \"models\": [\"ours\", \"reference\"], "
         "\"why\": 1}]",
         NULL},
        {"{\"query\": \"Q\", \"new_7b\": \"one\", \"reference\": \"two\", \"preferred\": \"tie\"}", "[]", NULL},
        {"{\"query\": \"Q\", \"new_7b\": \"one\", \"reference\": \"two\", \"preferred\": \"theirs\"}", NULL,
         "names neither of two responses"},
        {"{\"query\": \"Q\", \"new_7b\": \"one\", \"preferred\": \"ours\"}", NULL, "no text \"reference\""},
        {"{\"query\": \"Q\", \"new_7b\": [1], \"reference\": \"two\"}", NULL, "no text \"new_7b\""},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        json_t *row = parsed(cases[i].row), *named = NULL;
        Imported out = {0};
        Err err = {0};
        bool ok = import_named_replies(row, &(OptionList){names, 2}, &named, &err) &&
                  import_row(named, IMPORT_AUTO, &out, &err);
        if (ok != (cases[i].wanted != NULL))
            fail_msg("%s: %s", cases[i].row, err.msg);
        if (ok) {
            json_t *wanted = parsed(cases[i].wanted);
            if (!json_equal(out.rows, wanted))
                fail_msg("%s became %s", cases[i].row, json_text(out.rows));
            json_decref(wanted);
        } else {
            assert_non_null(strstr(err.msg, cases[i].words));
        }
        json_decref(out.rows);
        json_decref(named);
        json_decref(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffix),
        cmocka_unit_test(named_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
