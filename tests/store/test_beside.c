/* A store while a run has it: others read and rate beside it, a second run is refused, and what a kill leaves opens. */
#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"
#include "support.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *path; /* of the test's store */

static int begin(void **state)
{
    folder_begin(state);
    path = path_join(test_folder, "store.sqlite");
    return 0;
}

static int end(void **state)
{
    free(path);
    return folder_end(state);
}

static Store *open_beside(void)
{
    Err err = {0};
    Store *s;
    need_ok(store_open_existing(&s, path, &err), &err);
    return s;
}

static void put_metric(Store *s, int64_t stage, int step)
{
    Err err = {0};
    need_ok(store_metric(s, stage, step, "reward", step, &err), &err);
}

static bool has_metric(Store *s, int64_t stage, int step)
{
    Err err = {0};
    double x;
    need_ok(store_metric_find(s, stage, step, "reward", &x, &err), &err);
    return x == step;
}

static void rate(Store *s, const char *item)
{
    Err err = {0};
    need_ok(store_rating_put(s, "rank", item, "ann", "{}", &err), &err);
}

static bool count_row(void *context, const char *row, Err *err)
{
    (void)row, (void)err;
    ++*(int *)context;
    return true;
}

static int count_ratings(Store *s)
{
    Err err = {0};
    int n = 0;
    need_ok(store_ratings_each(s, "rank", NULL, count_row, &n, &err), &err);
    return n;
}

/* Bytes of the file beside the store that has this ending; -1: there is none. */
static long long size_beside(const char *ending)
{
    struct stat st;
    char *name = mem_printf("%s%s", path, ending);
    long long n = stat(name, &st) == 0 ? (long long)st.st_size : -1;
    free(name);
    return n;
}

static void nothing_beside(void)
{
    static const char *const ending[] = {"-wal", "-shm", "-writer", "-journal"};
    for (int i = 0; i < COUNT(ending); i++)
        if (size_beside(ending[i]) >= 0)
            fail_msg("%s%s is left", path, ending[i]);
}

/* --- others beside a run -------------------------------------------------------------------------------- */

/* A reader sees what was committed and waits for nothing; what it says is there for the run, which goes on. */
static void read_and_rated(void **state)
{
    (void)state;
    Err err = {0};
    int64_t stage;
    StageRow row;
    bool present;
    Store *run = open_run(path, &stage);
    put_metric(run, stage, 1);
    Store *other = open_beside();
    need_ok(store_begin(run, &err), &err);
    put_metric(run, stage, 2);
    assert_true(has_metric(other, stage, 1) && !has_metric(other, stage, 2));
    need_ok(store_commit(run, &err), &err);
    assert_true(has_metric(other, stage, 2));
    rate(other, "1");
    put_metric(run, stage, 3);
    assert_int_equal(count_ratings(run), 1);
    need_ok(store_stage_find(other, "rl", &row, &present, &err), &err);
    assert_true(present && !row.done);
    stage_row_release(&row);
    store_close(run); /* who is beside it stays */
    assert_true(has_metric(other, stage, 3));
    rate(other, "2");
    store_close(other);
    nothing_beside();
    run = open_run(path, &stage);
    assert_true(has_metric(run, stage, 3) && count_ratings(run) == 2);
    store_close(run);
}

/* The log that SQLite keeps beside the store does not grow with what is written, as long as every read ends. */
static void log_is_bounded(void **state)
{
    (void)state;
    enum { COMMITS = 150, BYTES = 200000 };
    Err err = {0};
    int64_t stage;
    long long most = 0;
    Store *run = open_run(path, &stage), *other = open_beside();
    char *row = mem_zalloc(BYTES + 1, 1);
    memset(row, 'x', BYTES);
    for (int i = 0; i < COMMITS; i++) {
        int n = 0;
        need_ok(store_rollout(run, stage, i, 0, row, &err) && store_rollouts_each(other, stage, i, count_row, &n, &err),
                &err);
        assert_int_equal(n, 1);
        most = size_beside("-wal") > most ? size_beside("-wal") : most;
    }
    assert_in_range(most, 1, 6000000); /* of 30 MB */
    free(row);
    store_close(run);
    store_close(other);
}

/* --- two processes at once ------------------------------------------------------------------------------ */

/* Runs `work` in another process, which writes a byte to `ready` when it has come to where the test goes on. No store may
 * be open here: SQLite must not find in a child what its parent has locked. */
static pid_t beside(void (*work)(int ready), int *ready)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        work(ends[1]);
        _exit(0);
    }
    char c;
    close(ends[1]);
    assert_true(child > 0 && read(ends[0], &c, 1) == 1);
    *ready = ends[0];
    return child;
}

static int ended(pid_t child, int ready)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ready);
    return status;
}

static void say_ready(int ready)
{
    if (write(ready, "x", 1) != 1)
        _exit(1);
}

/* A transaction that takes its time, of somebody who rates, and of a run. */
static void rates_slowly(int ready)
{
    Err err = {0};
    Store *other = open_beside();
    need_ok(store_begin(other, &err), &err);
    rate(other, "1");
    say_ready(ready);
    usleep(300000);
    need_ok(store_commit(other, &err), &err);
    store_close(other);
}

static void runs_slowly(int ready)
{
    Err err = {0};
    int64_t stage;
    Store *run = open_run(path, &stage);
    need_ok(store_begin(run, &err), &err);
    put_metric(run, stage, 2);
    say_ready(ready);
    usleep(300000);
    need_ok(store_commit(run, &err), &err);
    store_close(run);
}

/* Whoever writes waits until the other has committed: neither fails. */
static void writes_wait(void **state)
{
    (void)state;
    int64_t stage;
    int ready;
    Store *run = open_run(path, &stage);
    put_metric(run, stage, 0);
    store_close(run);
    pid_t child = beside(rates_slowly, &ready);
    run = open_run(path, &stage);
    put_metric(run, stage, 1);
    assert_int_equal(count_ratings(run), 1);
    assert_int_equal(ended(child, ready), 0);
    store_close(run);
    child = beside(runs_slowly, &ready);
    Store *other = open_beside();
    assert_true(has_metric(other, stage, 1) && !has_metric(other, stage, 2));
    rate(other, "2");
    assert_true(has_metric(other, stage, 2));
    assert_int_equal(ended(child, ready), 0);
    store_close(other);
}

/* A run that dies in the middle of a transaction, with another before it. */
static void dies(int ready)
{
    Err err = {0};
    int64_t stage;
    Store *run = open_run(path, &stage);
    put_metric(run, stage, 1);
    if (!store_begin(run, &err))
        _exit(1);
    put_metric(run, stage, 2);
    say_ready(ready);
    raise(SIGKILL);
}

/* What it had committed is there for whoever comes first, and the next run goes on. */
static void killed(void **state)
{
    (void)state;
    Err err = {0};
    for (int first = 0; first < 3; first++) { /* a run; a reader before it; a reader during it */
        int64_t stage;
        int ready;
        pid_t child = beside(dies, &ready);
        assert_true(WIFSIGNALED(ended(child, ready)));
        assert_true(size_beside("-wal") > 0 && size_beside("-writer") == 0);
        Store *other = first > 0 ? open_beside() : NULL;
        if (other)
            assert_true(has_metric(other, 1, 1) && !has_metric(other, 1, 2));
        if (first == 1)
            store_close(other);
        Store *run = open_run(path, &stage);
        assert_true(stage == 1 && has_metric(run, stage, 1) && !has_metric(run, stage, 2));
        put_metric(run, stage, 2);
        if (first == 2) {
            assert_true(has_metric(other, stage, 2));
            store_close(other);
        }
        need_ok(store_forget_from(run, stage, 0, &err), &err);
        store_close(run);
        nothing_beside();
    }
}

/* --- a second run --------------------------------------------------------------------------------------- */

static void need_refusal(const char *name)
{
    Err err = {0};
    Store *second;
    assert_false(store_open(&second, name, &err));
    assert_null(second);
    assert_int_equal(err.code, ERR_BUSY);
    says(err.msg, "another rlaif is writing it");
    says(err.hint, "wait for it, or use another output");
}

/* It is refused as long as the first lives, by whatever name; the first goes on, and after it another may come. */
static void second_run(void **state)
{
    (void)state;
    int64_t stage;
    char *link = path_join(test_folder, "other-name");
    Store *run = open_run(path, &stage);
    assert_int_equal(symlink("store.sqlite", link), 0);
    for (int i = 0; i < 2; i++) { /* the first refusal takes nothing away */
        need_refusal(path);
        need_refusal(link);
    }
    put_metric(run, stage, 1);
    store_close(run);
    run = open_run(path, &stage);
    assert_true(has_metric(run, stage, 1));
    store_close(run);
    nothing_beside();
    free(link);
}

/* A store in which nothing was finished stays where somebody else has it open. */
static void useless_but_read(void **state)
{
    (void)state;
    int64_t stage;
    Store *run = open_run(path, &stage), *other = open_beside();
    assert_false(has_metric(other, stage, 1));
    store_close(run);
    assert_true(file_exists(path));
    run = open_run(path, &stage);
    put_metric(run, stage, 1);
    assert_true(has_metric(other, stage, 1));
    store_close(other);
    put_metric(run, stage, 2);
    store_close(run);
    nothing_beside();
    run = open_run(path, &stage);
    assert_true(has_metric(run, stage, 2));
    store_close(run);
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        IN_STORE(read_and_rated), IN_STORE(log_is_bounded), IN_STORE(writes_wait),
        IN_STORE(killed),         IN_STORE(second_run),     IN_STORE(useless_but_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
