/* What a stage says that it needs: every part counts, however many there are. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_part), cmocka_unit_test(said)};
    return cmocka_run_group_tests_name("needs", tests, NULL, NULL);
}
