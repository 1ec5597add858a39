/* What the program says of its progress, and what signals do. */
#include "support.h"

#include "base/log.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Standard error goes to a file from here on; said() ends that and gives what came. */
static FILE *heard;
static int before;

static void listen_to_errors(void)
{
    heard = tmpfile();
    before = dup(STDERR_FILENO);
    assert_true(heard && before >= 0 && dup2(fileno(heard), STDERR_FILENO) >= 0);
}

static const char *said(void)
{
    static char text[400];
    fflush(stderr);
    errors_show(before);
    rewind(heard);
    text[fread(text, 1, sizeof text - 1, heard)] = 0;
    fclose(heard);
    return text;
}

/* A stage that found `begun` of its steps done and came to `done`. */
static const char *said_of(double begun, double done, const char *figure)
{
    Progress p;
    listen_to_errors();
    progress_begin(&p, "sft", "steps", 9, begun);
    progress_at(&p, done);
    if (figure)
        progress_figure(&p, "%s", figure);
    progress_end(&p);
    return said();
}

static void progress(void **state)
{
    (void)state;
    assert_string_equal(said_of(0, 9, NULL), "rlaif: sft: 9 steps in 0 s\n");
    assert_string_equal(said_of(7, 9, "loss 0.5"), "rlaif: sft: 2 steps in 0 s, loss 0.5\n");
    assert_string_equal(said_of(8, 9, NULL), "rlaif: sft: 1 step in 0 s\n");
    assert_string_equal(said_of(3, 3, NULL), ""); /* it failed before anything was done */
}

/* The first signal raises the flag, the second ends the process. */
static void signals(void **state)
{
    (void)state;
    int status;
    listen_to_errors();
    pid_t child = fork();
    if (child == 0) {
        Err err = {0};
        interrupt_install();
        if (!not_interrupted(&err))
            _exit(1);
        raise(SIGTERM);
        if (not_interrupted(&err) || err.code != ERR_INTERRUPTED)
            _exit(2);
        raise(SIGTERM);
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    const char *text = said();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    const char *first = strstr(text, "a second signal stops at once\n");
    assert_true(first && strstr(first, "stopped at once; what was stored before stays\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress),
        cmocka_unit_test(signals),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
