/* The store: opening, transactions, stages. Every SQL statement of the program is in this folder. */
#include "store/store.h"

#include "base/embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/statement.h"

#include <sys/stat.h>
#include <unistd.h>

EMBED(schema_sql, "src/store/schema.sql");

enum {
    SCHEMA_VERSION = 6,
    /* How long to wait, in milliseconds, while another process commits: a disk may take a while for that. A command
     * that has worked for hours is not to fail by it; a page is to say so before its reader gives up. */
    WRITER_WAITS = 60000,
    OTHERS_WAIT = 4000,
};

static bool run_sql(Store *s, const char *sql, Err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(s, "cannot be used", err);
}

/* Makes the tables that are not there. What an older store lacks is whole tables, so the schema serves both. */
static bool prepare_schema(Store *s, bool may_be_empty, Err *err)
{
    Statement t;
    bool row;
    if (!store_prepare(s, "PRAGMA user_version", &t, err))
        return false;
    bool ok = statement_step(&t, &row, err);
    int version = ok ? sqlite3_column_int(t.at, 0) : 0;
    sqlite3_finalize(t.at);
    if (!ok)
        return false;
    if (version > SCHEMA_VERSION)
        return err_set(err, ERR_INPUT, "%s: made by a newer version of rlaif", s->path),
               err_hint(err, "use that version, or another output");
    if (version == 0 && !may_be_empty)
        return err_set(err, ERR_INPUT, "%s: it is no store of rlaif", s->path);
    return version == SCHEMA_VERSION ||
           (run_sql(s, "BEGIN IMMEDIATE", err) && run_sql(s, schema_sql, err) && run_sql(s, "COMMIT", err));
}

/* One writer at a time, for as long as it lives. SQLite's own locks last as long as a transaction, so that others can
 * read and rate in between; this one is of a file beside the store, by its true name: a lock of the store itself would
 * be lost, or take SQLite's with it, where its file is opened and closed once more. */
static bool keep_writers_out(Store *s, Err *err)
{
    if (strcmp(s->path, ":memory:") == 0)
        return true;
    char *real = realpath(s->path, NULL); /* NULL: there is none yet */
    s->lock = mem_printf("%s-writer", real ? real : s->path);
    free(real);
    if (!file_lock(&s->lock_fd, s->lock, s->path, err))
        return false;
    s->fresh = !file_exists(s->path);
    return true;
}

/* Where nothing can be written beside a store, SQLite cannot share it: nobody changes it there either, so that it is read as it
 * lies, unless there is more of it in a log. The name by which SQLite does so, or NULL; the caller frees it. */
static char *immutable_name(const char *path)
{
    Str name = {0};
    struct stat log;
    char *folder = mem_printf("%.*s.", (int)(path_base(path) - path), path), *wal = mem_printf("%s-wal", path);
    bool as_it_lies =
        (access(folder, W_OK) != 0 || access(path, W_OK) != 0) && (stat(wal, &log) != 0 || log.st_size == 0);
    free(folder);
    free(wal);
    if (!as_it_lies)
        return NULL;
    str_add(&name, "file:");
    for (const char *c = path; *c; c++)
        if (strchr("%?#", *c))
            str_addf(&name, "%%%02x", (unsigned)*c);
        else
            str_addc(&name, *c);
    str_add(&name, "?immutable=1");
    return str_take(&name);
}

static bool open_database(Store *s, bool writes, Err *err)
{
    int flags = SQLITE_OPEN_READWRITE | (writes ? SQLITE_OPEN_CREATE : 0);
    char *immutable = writes ? NULL : immutable_name(s->path);
    bool opened = sqlite3_open_v2(immutable ? immutable : s->path, &s->db,
                                  immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : flags, NULL) == SQLITE_OK;
    free(immutable);
    if (!opened)
        return store_failed(s, "cannot be opened", err);
    sqlite3_busy_timeout(s->db, writes ? WRITER_WAITS : OTHERS_WAIT);
    return run_sql(s, "PRAGMA foreign_keys = ON", err) && run_sql(s, "PRAGMA synchronous = FULL", err) &&
           (!writes || run_sql(s, "PRAGMA journal_mode = WAL", err)) && prepare_schema(s, writes, err);
}

static bool open_store(Store **out, const char *path, bool writes, Err *err)
{
    *out = NULL;
    Store *s = mem_zalloc(1, sizeof *s);
    s->path = mem_str(path);
    s->lock_fd = -1;
    if ((writes && !keep_writers_out(s, err)) || !open_database(s, writes, err)) {
        store_close(s);
        return false;
    }
    *out = s;
    return true;
}

bool store_open(Store **out, const char *path, Err *err)
{
    return open_store(out, path, true, err);
}

bool store_open_existing(Store **out, const char *path, Err *err)
{
    *out = NULL;
    if (!file_exists(path) || file_is_dir(path))
        return err_set(err, ERR_INPUT, "%s: there is no store", path),
               err_hint(err, "a run directory holds store.sqlite; rlaif run RECIPE makes one");
    return open_store(out, path, false, err);
}

/* Has anything been finished? A failure counts as yes. */
static bool holds_results(Store *s)
{
    Err ignored = {0};
    Statement t;
    bool row = true;
    if (!store_prepare(s,
                       "SELECT 1 WHERE EXISTS (SELECT 1 FROM stage WHERE done) OR EXISTS (SELECT 1 FROM item) "
                       "OR EXISTS (SELECT 1 FROM metric) OR EXISTS (SELECT 1 FROM rollout) "
                       "OR EXISTS (SELECT 1 FROM checkpoint) OR EXISTS (SELECT 1 FROM rating) "
                       "OR EXISTS (SELECT 1 FROM answer)",
                       &t, &ignored))
        return true;
    bool ok = statement_step(&t, &row, &ignored);
    sqlite3_finalize(t.at);
    return !ok || row;
}

/* Leaving WAL mode takes the whole file. Where others have it open it must not go: the last of them to close it would
 * take away what SQLite keeps beside a new store of the same name. */
static bool opened_by_others(Store *s)
{
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* of what failed half-done */
    return sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_BUSY;
}

static void remove_files(const char *path)
{
    static const char *const ending[] = {"", "-wal", "-shm"}; /* the latter two are there still if the disk is full */
    for (int i = 0; i < COUNT(ending); i++) {
        char *name = mem_printf("%s%s", path, ending[i]);
        unlink(name);
        free(name);
    }
}

void store_close(Store *s)
{
    if (!s)
        return;
    bool useless = s->fresh && s->db && !holds_results(s) && !opened_by_others(s);
    sqlite3_close(s->db);
    if (useless)
        remove_files(s->path);
    file_unlock(s->lock_fd, s->lock);
    free(s->lock);
    free(s->path);
    free(s);
}

void store_keep(Store *s)
{
    s->fresh = false;
}

const char *store_path(const Store *s)
{
    return s->path;
}

const char *store_library(void)
{
    return "SQLite " SQLITE_VERSION;
}

bool store_begin(Store *s, Err *err)
{
    return s->depth++ > 0 || run_sql(s, "BEGIN IMMEDIATE", err);
}

bool store_commit(Store *s, Err *err)
{
    return --s->depth > 0 || run_sql(s, "COMMIT", err);
}

/* --- stages --------------------------------------------------------------------------------------------- */

void stage_row_release(StageRow *r)
{
    free(r->name);
    free(r->kind);
    free(r->identity);
    free(r->about);
    free(r->output);
    free(r->summary);
    *r = (StageRow){0};
}

static bool read_stage(Statement *t, StageRow *row, bool *present, Err *err)
{
    *row = (StageRow){0};
    bool ok = statement_step(t, present, err);
    if (ok && *present)
        *row = (StageRow){.id = sqlite3_column_int64(t->at, 0),
                          .name = statement_text(t, 1),
                          .kind = statement_text(t, 2),
                          .identity = statement_text(t, 3),
                          .about = statement_text(t, 4),
                          .done = sqlite3_column_int(t->at, 5) != 0,
                          .output = statement_text(t, 6),
                          .summary = statement_text(t, 7),
                          .seconds = sqlite3_column_double(t->at, 8)};
    sqlite3_finalize(t->at);
    return ok;
}

#define STAGE_COLUMNS "SELECT id, name, kind, identity, about, done, output, summary, seconds FROM stage "

bool store_stage_find(Store *s, const char *name, StageRow *row, bool *present, Err *err)
{
    Statement t;
    if (!store_prepare(s, STAGE_COLUMNS "WHERE name = ?1", &t, err))
        return false;
    bind_text(&t, 1, name);
    return read_stage(&t, row, present, err);
}

bool store_stage_at(Store *s, int index, StageRow *row, bool *present, Err *err)
{
    Statement t;
    if (!store_prepare(s, STAGE_COLUMNS "ORDER BY id LIMIT 1 OFFSET ?1", &t, err))
        return false;
    sqlite3_bind_int(t.at, 1, index);
    return read_stage(&t, row, present, err);
}

bool store_stage_remove(Store *s, const char *name, Err *err)
{
    Statement t;
    if (!store_prepare(s, "DELETE FROM stage WHERE name = ?1", &t, err))
        return false;
    bind_text(&t, 1, name);
    return statement_run(&t, err);
}

static bool insert_stage(Store *s, const char *name, const char *kind, const char *identity, const json_t *about,
                         int64_t *id, Err *err)
{
    Statement t;
    if (!store_prepare(s,
                       "INSERT INTO stage (name, kind, identity, about, started) "
                       "VALUES (?1, ?2, ?3, ?4, datetime('now'))",
                       &t, err))
        return false;
    char *text = json_text(about);
    bind_text(&t, 1, name);
    bind_text(&t, 2, kind);
    bind_text(&t, 3, identity);
    bind_text(&t, 4, text);
    bool ok = statement_run(&t, err);
    free(text);
    *id = sqlite3_last_insert_rowid(s->db);
    return ok;
}

bool store_stage_begin(Store *s, const char *name, const char *kind, const char *identity, const json_t *about,
                       int64_t *id, StageFound *found, bool *done, Err *err)
{
    StageRow old;
    bool present;
    *done = false;
    *found = STAGE_NEW;
    if (!store_begin(s, err) || !store_stage_find(s, name, &old, &present, err))
        return false;
    bool same = present && strcmp(old.identity, identity) == 0 && strcmp(old.kind, kind) == 0, ok = true;
    if (same) {
        *id = old.id;
        *found = STAGE_CONTINUED;
        *done = old.done;
    } else {
        int before = sqlite3_total_changes(s->db); /* counts what goes with the stage too */
        ok = !present || store_stage_remove(s, name, err);
        bool had_something = present && (old.done || sqlite3_total_changes(s->db) - before > 1);
        *found = had_something ? STAGE_REPLACED : STAGE_NEW;
        ok = ok && insert_stage(s, name, kind, identity, about, id, err);
    }
    stage_row_release(&old);
    return ok && store_commit(s, err);
}

bool store_stage_output(Store *s, int64_t id, const char *output, Err *err)
{
    Statement t;
    if (!store_prepare(s, "UPDATE stage SET output = ?2 WHERE id = ?1", &t, err))
        return false;
    sqlite3_bind_int64(t.at, 1, id);
    bind_text(&t, 2, output);
    return statement_run(&t, err);
}

bool store_stage_end(Store *s, int64_t id, const char *output, const json_t *summary, double seconds, Err *err)
{
    Statement t;
    if (!store_prepare(s,
                       "UPDATE stage SET done = 1, output = ?2, summary = ?3, seconds = seconds + ?4, "
                       "finished = datetime('now') WHERE id = ?1",
                       &t, err))
        return false;
    char *text = summary ? json_text(summary) : NULL;
    sqlite3_bind_int64(t.at, 1, id);
    bind_text(&t, 2, output);
    bind_text(&t, 3, text);
    sqlite3_bind_double(t.at, 4, seconds);
    bool ok = statement_run(&t, err);
    free(text);
    return ok;
}
