/* cmocka's groups of tests, with setups that may skip: cmocka itself takes a skip in a setup for an error, and the next
 * failure for a skip. */
#ifndef TESTS_GROUP_H
#define TESTS_GROUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef cmocka_run_group_tests
#undef cmocka_run_group_tests_name
#define cmocka_run_group_tests(tests, setup, teardown) cmocka_run_group_tests_name(#tests, tests, setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                                      \
    run_group(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

/* Runs n tests as cmocka does and returns how many failed. A setup, a test's or the group's, runs as a part of the test that
 * comes first: what it skips is skipped, where it fails the test fails. A teardown runs where its setup came to its end. */
int run_group(const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
              CMFixtureFunction teardown);

/* Prints why, then ends the test as skipped. */
_Noreturn void skip_aloud(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
