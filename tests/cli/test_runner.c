/* The runner of the tests, tests/run.sh, and groups of tests: what is skipped, failed or broken is counted as that, also in a
 * setup. This program is run by the runner once more for every case, as the group of tests that RUNNER_CASE names. */
#include "program.h"

#include "base/mem.h"

#include <unistd.h>

static void passes(void **state)
{
    (void)state;
}

static void fails(void **state)
{
    (void)state;
    fail_msg("it fails");
}

static void skips(void **state)
{
    (void)state;
    skip_aloud("there is no mountain");
}

static void dies(void **state)
{
    (void)state;
    _exit(0);
}

static char ready[] = "ready";

static int good_setup(void **state)
{
    *state = ready;
    return 0;
}

static int skipping_setup(void **state)
{
    skips(state);
    return 0;
}

static int failing_setup(void **state)
{
    (void)state;
    return 1;
}

static int asserting_setup(void **state)
{
    fails(state);
    return 0;
}

/* Of what was not set up, nothing can be taken down. */
static int strict_teardown(void **state)
{
    return *state == ready ? 0 : 1;
}

static void needs_setup(void **state)
{
    assert_ptr_equal(*state, ready);
}

#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, strict_teardown)

static const struct CMUnitTest plain[] = {cmocka_unit_test(passes), cmocka_unit_test(skips), cmocka_unit_test(passes)};
static const struct CMUnitTest in_setup[] = {WITH(passes, skipping_setup), WITH(fails, good_setup),
                                             WITH(passes, good_setup)};
static const struct CMUnitTest all_skip[] = {WITH(passes, skipping_setup), WITH(fails, skipping_setup)};
static const struct CMUnitTest in_group[] = {cmocka_unit_test(fails), cmocka_unit_test(dies),
                                             WITH(needs_setup, good_setup)};
static const struct CMUnitTest by_group[] = {cmocka_unit_test(needs_setup), WITH(needs_setup, NULL),
                                             cmocka_unit_test(skips)};
static const struct CMUnitTest no_setup[] = {WITH(passes, failing_setup), WITH(passes, asserting_setup),
                                             WITH(passes, good_setup)};
static const struct CMUnitTest middle[] = {cmocka_unit_test(skips), cmocka_unit_test(passes), cmocka_unit_test(dies),
                                           cmocka_unit_test(passes)};

typedef struct Case {
    const char *name;
    const struct CMUnitTest *tests;
    size_t n;
    CMFixtureFunction setup, teardown;
    int status;
    const char *counts; /* the runner's last line */
} Case;

#define CASE(tests) #tests, tests, COUNT(tests)

static const Case cases[] = {
    {CASE(plain), NULL, NULL, 0, "tests 3, passed 2, failed 0, skipped 1"},
    {CASE(in_setup), NULL, NULL, 1, "tests 3, passed 1, failed 1, skipped 1"},
    {CASE(all_skip), NULL, NULL, 0, "tests 2, passed 0, failed 0, skipped 2"},
    {CASE(in_group), skipping_setup, strict_teardown, 0, "tests 3, passed 0, failed 0, skipped 3"},
    {CASE(by_group), good_setup, strict_teardown, 0, "tests 3, passed 2, failed 0, skipped 1"},
    {"group_fails", plain, COUNT(plain), failing_setup, strict_teardown, 1, "tests 3, passed 0, failed 3, skipped 0"},
    {"group_asserts", plain, COUNT(plain), asserting_setup, strict_teardown, 1,
     "tests 3, passed 0, failed 3, skipped 0"},
    {CASE(no_setup), NULL, NULL, 1, "tests 3, passed 1, failed 2, skipped 0"},
    {CASE(middle), NULL, NULL, 1, "tests 4, passed 1, failed 2, skipped 1"},
};

static void counted(void **state)
{
    (void)state;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    setenv("RUNNER", self, 1);
    for (int i = 0; i < COUNT(cases); i++) {
        const Case *c = &cases[i];
        Ran r = run_in(".", "RUNNER_CASE=%s tests/run.sh \"$RUNNER\" 2>&1", c->name);
        const char *end = strstr(r.out, "\ntests ");
        if (r.status != c->status || !end || strncmp(end + 1, c->counts, strlen(c->counts)) != 0)
            fail_msg("%s: status %d, not %d, or other counts than %s:\n%s", c->name, r.status, c->status, c->counts,
                     r.out);
        if (!strstr(c->counts, "skipped 0"))
            says(strstr(r.out, "\nskipped:\n"), "there is no mountain"); /* by name, at the end */
        ran_free(&r);
    }
}

/* A newer cmocka names the group in its counts. */
static void counted_by_another_cmocka(void **state)
{
    (void)state;
    put_text(
        test_folder, "newer",
        "#!/bin/sh\necho '[==========] a/group: Running 3 test(s).\n[       OK ] x\n[  SKIPPED ] y\n[  FAILED  ] z\n"
        "[==========] a/group: 3 test(s) run.\n[  PASSED  ] 1 test(s).\n[  SKIPPED ] a/group: 1 test(s), listed "
        "below:\n[  FAILED  ] a/group: 1 test(s), listed below:\n'\nexit 1\n");
    Ran r = run_in(".", "chmod +x %s/newer && tests/run.sh %s/newer", test_folder, test_folder);
    need_status(&r, 1);
    says(r.out, "\ntests 3, passed 1, failed 1, skipped 1\n");
    ran_free(&r);
}

int main(void)
{
    const char *wanted = getenv("RUNNER_CASE");
    for (int i = 0; wanted && i < COUNT(cases); i++)
        if (strcmp(cases[i].name, wanted) == 0)
            return run_group(wanted, cases[i].tests, cases[i].n, cases[i].setup, cases[i].teardown);
    const struct CMUnitTest tests[] = {cmocka_unit_test(counted), IN_FOLDER(counted_by_another_cmocka)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
