/* What a stage says that it needs: every part counts, however many there are. */
#include "base/json.h"
#include "rlaif/stage/needs.h"
#include "support.h"

static void every_part(void **state)
{
    (void)state;
    Needs n = {0};
    double sum = 0;
    for (int part = 0; part < NEED_PARTS; part++) {
        needs_add(&n, (Need)part, (double)(1 << part));
        sum += 1 << part;
    }
    assert_true(NEED_PARTS > 12 && needs_bytes(&n) == sum);
    needs_add(&n, NEEDS_JUDGE, 1); /* a part may be named twice */
    assert_true(needs_bytes(&n) == sum + 1);
}

static void said(void **state)
{
    (void)state;
    Err err = {0};
    Needs n = {0};
    json_t *summary = json_object();
    needs_add(&n, NEEDS_WEIGHTS, 1000);
    needs_add(&n, NEEDS_PROMPTS, 24);
    need_ok(needs_check(&n, "test", ".", summary, &err), &err);
    assert_int_equal(json_integer_value(json_object_get(summary, "planned_bytes")), 1024);
    json_decref(summary);
}

/* A training of 100 bytes an item beside 1,000 of weights; its layers computed again, it takes half. */
static bool needs_of(void *self, int batch, Needs *n, Err *err)
{
    (void)err;
    *(int *)self += 1;
    needs_add(n, NEEDS_WEIGHTS, 1000);
    needs_add(n, NEEDS_PASS, 100 * batch);
    n->pass_again = 50 * batch;
    return true;
}

/* Within which memory what is kept, and what is said where it does not fit. */
static void settled(void **state)
{
    (void)state;
    static const struct {
        double memory;
        bool fits;
        Keep keep;
        double planned;
        const char *hint;
    } cases[] = {{0, true, KEEP_ALL, 2600, ""},
                 {2600, true, KEEP_ALL, 2600, ""},
                 {2599, true, KEEP_INPUTS, 1800, ""},
                 {1800, true, KEEP_INPUTS, 1800, ""},
                 {1799, false, KEEP_INPUTS, 1800, "with --batch 8 it needs 1.4 kB"},
                 {1250, false, KEEP_INPUTS, 1800, "with --batch 4 it needs 1.2 kB"},
                 {1049, false, KEEP_INPUTS, 1800,
                  "no smaller --batch helps; the largest part is weights with 1.0 kB: use a smaller model"}};
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        int asked = 0;
        Keep keep;
        json_t *summary = json_object();
        const Budget b = {needs_of, &asked, 16, cases[i].memory};
        assert_true(needs_settle(&b, "test", ".", summary, &keep, &err) == cases[i].fits);
        assert_int_equal(keep, cases[i].keep);
        assert_true(json_number_of(summary, "planned_bytes", 0) == cases[i].planned);
        assert_string_equal(err.hint, cases[i].hint);
        assert_true(asked > 0 && err.code == (cases[i].fits ? ERR_NONE : ERR_MEMORY));
        json_decref(summary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_part), cmocka_unit_test(said), cmocka_unit_test(settled)};
    return cmocka_run_group_tests_name("needs", tests, NULL, NULL);
}
