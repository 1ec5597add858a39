/* Groups of tests whose setups may skip. */
#include "group.h"

#include "base/mem.h"

/* A test as cmocka sees it. */
typedef struct Member {
    const struct CMUnitTest *test;
    void *state;
    bool ready; /* its setup came to its end */
} Member;

/* The group that runs. */
static struct {
    CMFixtureFunction setup, teardown;
    void *state;
    bool ready;
} group;

static void prepare(CMFixtureFunction setup, void **state, bool *ready)
{
    if (setup && setup(state) != 0)
        fail_msg("the setup failed");
    *ready = true;
}

static void run_member(void **state)
{
    Member *m = *state;
    if (!group.ready)
        prepare(group.setup, &group.state, &group.ready);
    m->state = m->test->initial_state ? m->test->initial_state : group.state;
    prepare(m->test->setup_func, &m->state, &m->ready);
    m->test->test_func(&m->state);
}

static int end_member(void **state)
{
    Member *m = *state;
    return m->ready && m->test->teardown_func ? m->test->teardown_func(&m->state) : 0;
}

static int end_group(void **state)
{
    (void)state;
    return group.ready && group.teardown ? group.teardown(&group.state) : 0;
}

int run_group(const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
              CMFixtureFunction teardown)
{
    Member *member = mem_zalloc(n, sizeof *member);
    struct CMUnitTest *shown = mem_zalloc(n, sizeof *shown);
    group.setup = setup;
    group.teardown = teardown;
    group.ready = false;
    for (size_t i = 0; i < n; i++) {
        member[i].test = &tests[i];
        shown[i] = (struct CMUnitTest){tests[i].name, run_member, NULL, end_member, &member[i]};
    }
    int failed = _cmocka_run_group_tests(name, shown, n, NULL, end_group);
    free(shown);
    free(member);
    return failed;
}

void skip_aloud(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char why[500];
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    print_message("[     NOTE ] skipped: %s\n", why);
    skip();
    exit(1); /* skip() does not return */
}
