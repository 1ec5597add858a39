/* Rows of several responses that nobody has compared, read where pairs are needed: a row for every two of them. */
#include "base/mem.h"
#include "rlaif/rows/rows.h"
#include "support.h"

static bool read_pairs(const char *text, Rows *rows, Err *err)
{
    return rows_parse(rows, "rows", text, strlen(text), 0, err) && rows_view(rows, NEED_PAIR, false, err);
}

static void is_row(const Rows *rows, int i, const char *wanted)
{
    char *text = json_text(rows->row[i].json);
    assert_string_equal(text, wanted);
    free(text);
}

static const char four[] =
    "{\"id\": 7, \"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"a\", \"c\"], \"ended\": [true, false, true, true], "
    "\"score\": [1, 2, 3, 4], \"blank_before\": false, \"model\": \"m\"}\n";

/* Every two of four, but for the two that are equal; what is said of each goes along, what is said of all stays. */
static void every_two(void **state)
{
    (void)state;
    Rows rows;
    Err err = {0};
    need_ok(read_pairs(four, &rows, &err), &err);
    assert_int_equal(rows.n, 5);
    assert_int_equal(rows.equal, 1);
    is_row(
        &rows, 0,
        "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"ended\": [true, false], \"score\": [1, 2], \"blank_before\": false, "
        "\"model\": \"m\", \"group\": \"7\", \"of\": [0, 1]}");
    is_row(
        &rows, 3,
        "{\"prompt\": \"p\", \"responses\": [\"b\", \"c\"], \"ended\": [false, true], \"score\": [2, 4], \"blank_before\": false, "
        "\"model\": \"m\", \"group\": \"7\", \"of\": [1, 3]}");
    assert_false(rows.row[3].view.response[0].ended);
    assert_string_equal(rows.row[4].view.response[0].text, "a");
    rows_release(&rows);
}

/* Written out and read again they are the same rows to a store and to random numbers; also of two rows that are the same, and
 * of one beside pairs of it. */
static void same_when_read_again(void **state)
{
    (void)state;
    static const char three[] = "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"]}\n";
    char *twice = mem_printf("%s%s%s", three, three, "{\"prompt\": \"q\", \"responses\": [\"x\", \"y\"]}\n");
    for (int round = 0; round < 2; round++) { /* the second: the file has these pairs already, and the rows once more */
        Rows rows, again;
        Err err = {0};
        Str text = {0};
        need_ok(read_pairs(twice, &rows, &err), &err);
        assert_int_equal(rows.n, round ? 13 : 7);
        for (int i = 0; i < rows.n; i++) {
            json_append(&text, rows.row[i].json);
            str_addc(&text, '\n');
        }
        need_ok(read_pairs(str_text(&text), &again, &err), &err);
        assert_int_equal(again.n, rows.n);
        for (int i = 0; i < rows.n; i++) {
            assert_string_equal(again.row[i].key, rows.row[i].key);
            assert_true(again.row[i].identity == rows.row[i].identity);
            for (int k = 0; k < i; k++)
                assert_string_not_equal(rows.row[k].key, rows.row[i].key);
        }
        if (round == 0) { /* without ids the group is the row's hash and its number among equals */
            const char *a = json_text_of(rows.row[0].json, "group"), *b = json_text_of(rows.row[3].json, "group");
            assert_int_equal(strlen(b), strlen(a) + 2);
            assert_int_equal(strncmp(a, b, strlen(a)), 0);
        }
        str_add(&text, three);
        str_add(&text, three);
        free(twice);
        twice = str_take(&text);
        rows_release(&again);
        rows_release(&rows);
    }
    free(twice);
}

/* Scores, ranks, a choice or a label of several responses are compared already: import knows what to do with them. */
static void compared_already(void **state)
{
    (void)state;
    static const struct {
        const char *row, *words;
    } cases[] = {
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"], \"scores\": [1, 2, 3]}", "needs 2"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"], \"ranks\": [1, 2, 3]}", "needs 2"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"], \"label\": {\"p\": 0.5}}", "needs 2"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"], \"ended\": [true]}", "for each of 3 responses"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", 3]}", "no text"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"a\", \"a\"]}", "all responses to each prompt are equal"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\"]}", "needs 2"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Rows rows;
        Err err = {0};
        assert_false(read_pairs(cases[i].row, &rows, &err));
        says(err.msg, cases[i].words);
        rows_release(&rows);
    }
    Rows rows;
    Err err = {0};
    static const char pair[] = "{\"prompt\": \"p\", \"responses\": [\"a\", \"a\"]}";
    need_ok(read_pairs(pair, &rows, &err), &err); /* who asks for one equal pair gets it */
    assert_int_equal(rows.n, 1);
    rows_release(&rows);
}

/* A thousand responses would be half a million pairs. */
static void too_many(void **state)
{
    (void)state;
    for (int n = 100; n <= 101; n++) {
        Str text = {0};
        Rows rows;
        Err err = {0};
        str_add(&text, "{\"prompt\": \"p\", \"responses\": [");
        for (int i = 0; i < n; i++)
            str_addf(&text, "%s\"%d\"", i ? ", " : "", i);
        str_add(&text, "]}");
        bool ok = read_pairs(str_text(&text), &rows, &err);
        assert_int_equal(ok, n == 100);
        if (ok)
            assert_int_equal(rows.n, 4950);
        else
            says(err.msg, "\"responses\" has 101 entries, needs 2");
        if (!ok)
            says(err.hint, "3 to 100");
        rows_release(&rows);
        str_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_two),
        cmocka_unit_test(same_when_read_again),
        cmocka_unit_test(compared_already),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests_name("pairs of lists", tests, NULL, NULL);
}
