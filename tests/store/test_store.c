/* The store: what an older one gets when it is opened, prompts that were used, people's ratings. */
#include "base/file.h"
#include "base/mem.h"
#include "group.h"
#include "store/store.h"
#include "support.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* A store of version 1, which had no tables for contexts and ratings, opens either way with all that it had. */
static void older_store(void **state)
{
    (void)state;
    char *folder = make_folder(), *path = path_join(folder, "store.sqlite");
    for (int existing = 0; existing < 2; existing++) {
        Err err = {0};
        Store *s;
        StageRow row;
        int64_t id;
        StageFound found;
        bool done, present;
        char *stage;
        json_t *about = json_object();
        need_ok(store_open(&s, path, &err) &&
                    store_stage_begin(s, "label", "label", "x", about, &id, &found, &done, &err) &&
                    store_item_put(s, id, "key", 0, "{}", &err),
                &err);
        store_close(s);
        run_sql(path, "DROP TABLE context; DROP TABLE selection; DROP TABLE rating; PRAGMA user_version = 1");
        need_ok(existing ? store_open_existing(&s, path, &err) : store_open(&s, path, &err), &err);
        need_ok(store_stage_find(s, "label", &row, &present, &err), &err);
        assert_true(present && row.id == id);
        need_ok(store_context_find(s, "none", true, &stage, &err) &&
                    store_rating_put(s, "rank", "i", "ann", "{}", &err),
                &err);
        assert_null(stage);
        stage_row_release(&row);
        store_close(s);
        json_decref(about);
    }
    free(path);
    remove_folder(folder);
}

/* What is kept for a file, by SQL: a hash that it does not have shows whether it is read. */
static void file_hashes(void **state)
{
    (void)state;
    static const char old[] = "/bin/sh"; /* certainly older than two seconds */
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "store.sqlite"), *file = path_join(folder, "file");
    char lie[HASH_TEXT], got[HASH_TEXT], right[HASH_TEXT], young[HASH_TEXT];
    hash_bytes("a lie", 5, lie);
    char *sql = mem_printf("UPDATE digest SET hash = '%s'", lie);
    Store *s;
    need_ok(hash_file(old, right, &err) && store_open(&s, path, &err), &err);
    for (int i = 0; i < 2; i++) {
        need_ok(store_file_hash(s, old, got, &err), &err);
        assert_string_equal(got, right);
    }
    run_sql(path, sql);
    need_ok(store_file_hash(s, old, got, &err), &err);
    assert_string_equal(got, lie);
    need_ok(store_file_hash(NULL, old, got, &err), &err);
    assert_string_equal(got, right);
    store_keep(s);
    store_close(s);

    need_ok(store_open_existing(&s, path, &err) && store_file_hash(s, old, got, &err), &err); /* of another run */
    assert_string_equal(got, right);
    store_close(s);
    need_ok(store_open(&s, path, &err), &err);
    run_sql(path, "UPDATE digest SET file = replace(file, ':', ':1')"); /* of a file that has changed */
    need_ok(store_file_hash(s, old, got, &err), &err);
    assert_string_equal(got, right);

    hash_bytes("new", 3, young);
    need_ok(file_write(file, "new", 3, &err) && store_file_hash(s, file, got, &err), &err);
    assert_string_equal(got, young);
    run_sql(path, sql);
    need_ok(store_file_hash(s, file, got, &err), &err); /* too young to be trusted, and not kept */
    assert_string_equal(got, young);
    struct timespec times[2] = {{.tv_sec = 1},
                                {.tv_sec = 1}}; /* what a program may say of a file is not when it changed */
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    for (int i = 0; i < 2; i++) {
        need_ok(store_file_hash(s, file, got, &err), &err);
        assert_string_equal(got, young);
        run_sql(path, sql);
    }
    assert_false(store_file_hash(s, folder, got, &err));
    says(err.msg, "s a directory");
    store_close(s);
    free(sql), free(path), free(file);
    remove_folder(folder);
}

/* A program that writes to a file by a mapping changes its times only where a page was written out before. */
static void mapped_files(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "store.sqlite"), *file = path_join(folder, "file");
    char got[HASH_TEXT], right[HASH_TEXT];
    struct statfs fs;
    Store *s;
    if (statfs(folder, &fs) != 0 || fs.f_type == TMPFS_MAGIC)
        skip_aloud("%s is in memory, where nothing is written out", folder);
    need_ok(file_write(file, "weights", 7, &err) && store_open(&s, path, &err), &err);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    char *at = mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(fd >= 0 && at != MAP_FAILED);
    for (int i = 0; i < 2; i++) {
        at[i] = 'x';
        if (i == 0)
            sleep(4); /* old enough to be trusted */
        need_ok(hash_file(file, right, &err) && store_file_hash(s, file, got, &err), &err);
        assert_string_equal(got, right);
    }
    munmap(at, 7);
    close(fd);
    store_close(s);
    free(path), free(file);
    remove_folder(folder);
}

/* A new store in which nothing was finished goes; one that was there before stays. */
static void useless_store(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "store.sqlite");
    for (int kept = 0; kept < 3; kept++) { /* not, by what it holds, because it is asked for */
        Store *s;
        int64_t id;
        StageFound found;
        bool done;
        json_t *about = json_object();
        need_ok(store_open(&s, path, &err) &&
                    store_stage_begin(s, "label", "label", "x", about, &id, &found, &done, &err) &&
                    (kept != 1 || store_item_put(s, id, "key", 0, "{}", &err)),
                &err);
        if (kept == 2)
            store_keep(s);
        store_close(s);
        assert_int_equal(file_exists(path), kept > 0);
        if (kept == 1)
            need_ok(dir_remove(path, &err), &err);
        json_decref(about);
    }
    Store *s;
    need_ok(store_open(&s, path, &err) && store_stage_remove(s, "label", &err), &err);
    store_close(s);
    assert_true(file_exists(path));
    free(path);
    remove_folder(folder);
}

static void no_store(void **state)
{
    (void)state;
    Err err = {0};
    Store *s;
    char *folder = make_folder(), *path = path_join(folder, "other.sqlite");
    run_sql(path, "CREATE TABLE things (a)");
    assert_false(store_open_existing(&s, path, &err));
    assert_non_null(strstr(err.msg, "no store"));
    err_clear(&err);
    run_sql(path, "PRAGMA user_version = 999");
    assert_false(store_open_existing(&s, path, &err));
    assert_non_null(strstr(err.msg, "newer"));
    free(path);
    remove_folder(folder);
}

/* Contexts are those of the stage's last call for a use, and go with it. */
static void contexts(void **state)
{
    (void)state;
    Err err = {0};
    Store *s;
    int64_t id[2];
    StageFound found;
    bool done;
    char *stage;
    json_t *about = json_object();
    static const char *const first[] = {"a", "b", "a"}, *const second[] = {"c"};
    need_ok(store_open(&s, ":memory:", &err), &err);
    need_ok(store_stage_begin(s, "label", "label", "x", about, &id[0], &found, &done, &err) &&
                store_stage_begin(s, "rl", "rl", "x", about, &id[1], &found, &done, &err) &&
                store_contexts_put(s, id[0], TRAINED_ON, first, 3, &err) &&
                store_contexts_put(s, id[1], TRAINED_ON, first, 1, &err) &&
                store_context_find(s, "a", true, &stage, &err),
            &err);
    assert_string_equal(stage, "label");
    free(stage);
    need_ok(store_contexts_put(s, id[0], TRAINED_ON, second, 1, &err) && store_context_find(s, "b", true, &stage, &err),
            &err);
    assert_null(stage);
    need_ok(store_context_find(s, "a", true, &stage, &err), &err);
    assert_string_equal(stage, "rl");
    free(stage);
    need_ok(store_stage_remove(s, "rl", &err) && store_context_find(s, "a", true, &stage, &err), &err);
    assert_null(stage);
    need_ok(store_contexts_put(s, id[0], CHOSEN_BY, first, 1, &err) &&
                store_context_find(s, "c", false, &stage, &err), /* the other use stays */
            &err);
    assert_string_equal(stage, "label");
    free(stage);
    need_ok(store_context_find(s, "a", false, &stage, &err), &err);
    assert_null(stage);
    need_ok(store_context_find(s, "a", true, &stage, &err), &err);
    assert_string_equal(stage, "label");
    free(stage);
    json_decref(about);
    store_close(s);
}

static bool add_value(void *context, int step, const char *name, double value, Err *err)
{
    (void)step, (void)name, (void)err;
    *(double *)context += value;
    return true;
}

/* What is not a number is read as that, and so is what is not there. */
static void metrics(void **state)
{
    (void)state;
    Err err = {0};
    Store *s;
    int64_t id;
    StageFound found;
    bool done;
    double x = 0, sum = 0;
    json_t *about = json_object();
    need_ok(store_open(&s, ":memory:", &err) &&
                store_stage_begin(s, "sft", "sft", "x", about, &id, &found, &done, &err) &&
                store_metric(s, id, 0, "loss", (double)NAN, &err) && store_metric(s, id, 1, "loss", 2.5, &err) &&
                store_metric_find(s, id, 1, "loss", &x, &err),
            &err);
    assert_true(x == 2.5);
    need_ok(store_metrics_from(s, id, 1, add_value, &sum, &err), &err);
    assert_true(sum == 2.5);
    for (int step = 0; step < 3; step += 2) {
        need_ok(store_metric_find(s, id, step, "loss", &x, &err), &err);
        assert_true(isnan(x));
    }
    need_ok(store_metrics_each(s, id, add_value, &sum, &err), &err);
    assert_true(isnan(sum));
    json_decref(about);
    store_close(s);
}

static bool collect(void *context, const char *row, Err *err)
{
    (void)err;
    str_addf(context, "%s ", row);
    return true;
}

/* A rater's last word on an item counts; ratings outlive stages. */
static void ratings(void **state)
{
    (void)state;
    Err err = {0};
    Store *s;
    Str rows = {0};
    need_ok(store_open(&s, ":memory:", &err), &err);
    need_ok(store_rating_put(s, "rank", "2", "ann", "a2", &err) &&
                store_rating_put(s, "rank", "1", "bob", "b1", &err) &&
                store_rating_put(s, "rank", "1", "ann", "a1", &err) &&
                store_rating_put(s, "rank", "1", "bob", "B1", &err) &&
                store_rating_put(s, "harmless", "1", "bob", "h1", &err) &&
                store_ratings_each(s, "rank", NULL, collect, &rows, &err),
            &err);
    assert_string_equal(str_text(&rows), "a1 B1 a2 ");
    str_clear(&rows);
    need_ok(store_ratings_each(s, "rank", "ann", collect, &rows, &err), &err);
    assert_string_equal(str_text(&rows), "a1 a2 ");
    str_release(&rows);
    store_close(s);
}

/* The same identity goes on, another replaces; what failed before it made anything is no stage that could be replaced. */
static void identities(void **state)
{
    (void)state;
    static const struct {
        const char *identity;
        int makes; /* 0: nothing, 1: a row, 2: it ends */
        StageFound found;
        bool done;
    } runs[] = {
        {"a", 0, STAGE_NEW, false},      {"b", 0, STAGE_NEW, false},       {"b", 1, STAGE_CONTINUED, false},
        {"c", 0, STAGE_REPLACED, false}, {"c", 2, STAGE_CONTINUED, false}, {"c", 0, STAGE_CONTINUED, true},
        {"d", 0, STAGE_REPLACED, false},
    };
    Err err = {0};
    Store *s;
    json_t *about = json_object();
    need_ok(store_open(&s, ":memory:", &err), &err);
    for (int i = 0; i < COUNT(runs); i++) {
        int64_t id;
        StageFound found;
        bool done;
        need_ok(store_stage_begin(s, "label", "label", runs[i].identity, about, &id, &found, &done, &err), &err);
        if (found != runs[i].found || done != runs[i].done)
            fail_msg("run %d: found %d, done %d", i, (int)found, done);
        if (runs[i].makes == 1)
            need_ok(store_item_put(s, id, "key", 0, "{}", &err), &err);
        if (runs[i].makes == 2)
            need_ok(store_stage_end(s, id, NULL, NULL, 1, &err), &err);
    }
    json_decref(about);
    store_close(s);
}

/* Which of six checkpoints stay: the newest two regular ones, the best (of equal ones the earlier), the newest until the
 * stage is done. */
static void checkpoints(void **state)
{
    (void)state;
    static const double score[] = {1, 2, 2, (double)NAN, (double)NAN, (double)NAN}; /* of steps 1 to 6 */
    static const struct {
        int every, best;
        bool done;
        const char *stay;
    } cases[] = {
        {0, 1, false, "256"},  {0, 1, true, "2"},   {0, 0, true, ""},    {4, 0, false, "46"},
        {4, 2, false, "2346"}, {2, 1, true, "246"}, {2, 0, false, "46"},
    };
    Err err = {0};
    for (int i = 0; i < COUNT(cases); i++) {
        Store *s;
        Str stay = {0};
        bool known;
        json_t *about = json_object();
        int64_t id;
        StageFound found;
        need_ok(store_open(&s, ":memory:", &err) &&
                    store_stage_begin(s, "rl", "rl", "x", about, &id, &found, &known, &err),
                &err);
        for (int k = 0; k < COUNT(score); k++)
            need_ok(store_checkpoint(s, id, k + 1, (char[]){(char)('1' + k), 0}, score[k], &err), &err);
        need_ok(store_checkpoint_prune(s, id, cases[i].every, cases[i].best, cases[i].done, &err), &err);
        for (char path[] = "1"; path[0] <= '6'; path[0]++) {
            need_ok(store_checkpoint_known(s, id, path, &known, &err), &err);
            str_add(&stay, known ? path : "");
        }
        assert_string_equal(str_text(&stay), cases[i].stay);
        str_release(&stay);
        json_decref(about);
        store_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_store),   cmocka_unit_test(file_hashes), cmocka_unit_test(mapped_files),
        cmocka_unit_test(useless_store), cmocka_unit_test(no_store),    cmocka_unit_test(contexts),
        cmocka_unit_test(metrics),       cmocka_unit_test(identities),  cmocka_unit_test(ratings),
        cmocka_unit_test(checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
