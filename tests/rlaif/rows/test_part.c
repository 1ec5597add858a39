/* Random parts of rows: sizes, nested, the same in any order of the rows, other ones for other draws. */
#include "rlaif/rows/part.h"

#include "base/mem.h"
#include "support.h"

enum { N = 60 };

/* N rows, `first` of them moved to the end. */
static Rows some_rows(int first)
{
    Err err = {0};
    Str text = {0};
    Rows rows;
    for (int i = 0; i < N; i++)
        str_addf(&text, "{\"prompt\": \"number %d\"}\n", (i + first) % N);
    need_ok(rows_parse(&rows, "rows", str_text(&text), text.n, 0, &err), &err);
    str_release(&text);
    return rows;
}

/* Which of the N numbers are in a part. */
static void drawn(const char *part, int first, int seed, PartDraw draw, bool *in)
{
    Rows rows = some_rows(first);
    Part p;
    bool at[N];
    assert_true(part_read(&p, part));
    for (int i = 0; i < N; i++)
        at[i] = true;
    part_draw(p, &rows, NULL, seed, draw, at);
    for (int i = 0; i < N; i++)
        in[(i + first) % N] = at[i];
    rows_release(&rows);
}

static int count(const bool *in)
{
    int n = 0;
    for (int i = 0; i < N; i++)
        n += in[i];
    return n;
}

static void nested(void **state)
{
    (void)state;
    static const char *const part[] = {"1", "5%", "10", "1/3", "50%", "59", "100%"};
    static const int size[] = {1, 3, 10, 20, 30, 59, 60};
    for (int seed = 0; seed < 5; seed++) {
        bool smaller[N] = {false}, in[N];
        for (int k = 0; k < COUNT(part); k++) {
            drawn(part[k], 0, seed, PART_LABELS, in);
            assert_int_equal(count(in), size[k]);
            for (int i = 0; i < N; i++)
                assert_true(in[i] || !smaller[i]);
            memcpy(smaller, in, sizeof in);
        }
    }
}

static void by_identity(void **state)
{
    (void)state;
    bool in[N], other[N];
    drawn("50%", 0, 1, PART_LABELS, in);
    drawn("50%", 17, 1, PART_LABELS, other);
    assert_memory_equal(in, other, sizeof in);
    drawn("50%", 0, 2, PART_LABELS, other);
    assert_memory_not_equal(in, other, sizeof in);
    drawn("50%", 0, 1, PART_SAMPLE, other);
    assert_memory_not_equal(in, other, sizeof in);
}

static void words(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "0", "-1", "101%", "3/2", "1/0", "1.5", "x", "5 %", "nan", "inf%", "1/2/3"};
    Part p;
    for (int i = 0; i < COUNT(bad); i++)
        if (part_read(&p, bad[i]))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_true(part_read(&p, NULL) && p.take == 0);
}

/* What is let go is gone, what stays is in its order. */
static void kept(void **state)
{
    (void)state;
    Rows rows = some_rows(0);
    bool in[N];
    for (int i = 0; i < N; i++)
        in[i] = i % 7 == 3;
    rows_keep(&rows, in);
    assert_int_equal(rows.n, 9);
    for (int i = 0; i < rows.n; i++)
        assert_int_equal(rows.row[i].line, 7 * i + 4);
    rows_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested),
        cmocka_unit_test(by_identity),
        cmocka_unit_test(words),
        cmocka_unit_test(kept),
    };
    return cmocka_run_group_tests_name("part", tests, NULL, NULL);
}
