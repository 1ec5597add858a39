/* The store's rows: items, metrics, rollouts, checkpoints, contexts, ratings, answers. */
#include "store/store.h"

#include "base/mem.h"
#include "store/statement.h"

#include <limits.h>

/* A statement about a stage, its ?1. */
static bool stage_prepare(Store *s, int64_t stage, const char *sql, Statement *out, Err *err)
{
    if (!store_prepare(s, sql, out, err))
        return false;
    sqlite3_bind_int64(out->at, 1, stage);
    return true;
}

/* The number of a statement's only row; ends the statement. */
static bool one_number(Statement *t, int *n, Err *err)
{
    bool row, ok = statement_step(t, &row, err);
    *n = ok ? sqlite3_column_int(t->at, 0) : 0;
    sqlite3_finalize(t->at);
    return ok;
}

/* The text of a statement's only row, or NULL where it has none; ends the statement. The caller frees it. */
static bool one_text(Statement *t, char **text, Err *err)
{
    bool row, ok = statement_step(t, &row, err);
    *text = ok && row ? statement_text(t, 0) : NULL;
    sqlite3_finalize(t->at);
    return ok;
}

bool store_items_places(Store *s, int64_t stage, StorePlaceUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT key, position FROM item WHERE stage = ?1 ORDER BY position", &t, err))
        return false;
    bool row = true, ok = true;
    while (ok && (ok = statement_step(&t, &row, err)) && row)
        ok = use(context, (const char *)sqlite3_column_text(t.at, 0), sqlite3_column_int(t.at, 1), err);
    sqlite3_finalize(t.at);
    return ok;
}

bool store_item_place(Store *s, int64_t stage, const char *key, int position, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "UPDATE item SET position = ?3 WHERE stage = ?1 AND key = ?2", &t, err))
        return false;
    bind_text(&t, 2, key);
    sqlite3_bind_int(t.at, 3, position);
    return statement_run(&t, err);
}

bool store_item_put(Store *s, int64_t stage, const char *key, int position, const char *row, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "INSERT INTO item (stage, key, position, row, made) VALUES (?1, ?2, ?3, ?4, datetime('now')) "
                       "ON CONFLICT (stage, key) DO UPDATE SET position = ?3, row = ?4, made = datetime('now')",
                       &t, err))
        return false;
    bind_text(&t, 2, key);
    sqlite3_bind_int(t.at, 3, position);
    bind_text(&t, 4, row);
    return statement_run(&t, err);
}

bool store_items_prune(Store *s, int64_t stage, int *removed, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "DELETE FROM item WHERE stage = ?1 AND position < 0", &t, err))
        return false;
    bool ok = statement_run(&t, err);
    *removed = ok ? sqlite3_changes(s->db) : 0;
    return ok;
}

/* Calls `use` with the first column of every row of a statement, which ends here. */
static bool each_text(Statement *t, StoreUse *use, void *context, Err *err)
{
    bool row = true, ok = true;
    while (ok && (ok = statement_step(t, &row, err)) && row)
        ok = use(context, (const char *)sqlite3_column_text(t->at, 0), err);
    sqlite3_finalize(t->at);
    return ok;
}

bool store_json(void *json, const char *text, Err *err)
{
    const StoreJson *j = json;
    json_t *row;
    if (!json_parse(text, strlen(text), "a stored row", &row, err))
        return false;
    bool ok = j->use(j->context, row, err);
    json_decref(row);
    return ok;
}

bool store_items_each(Store *s, int64_t stage, StoreUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT row FROM item WHERE stage = ?1 AND position >= 0 ORDER BY position", &t, err))
        return false;
    return each_text(&t, use, context, err);
}

bool store_items_some(Store *s, int64_t stage, int from, int n, StoreUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT row FROM item WHERE stage = ?1 AND position >= ?2 ORDER BY position LIMIT ?3",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, from);
    sqlite3_bind_int(t.at, 3, n);
    return each_text(&t, use, context, err);
}

bool store_items_count(Store *s, int64_t stage, int *n, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT count(*) FROM item WHERE stage = ?1 AND position >= 0", &t, err))
        return false;
    return one_number(&t, n, err);
}

bool store_metric(Store *s, int64_t stage, int step, const char *name, double value, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "INSERT OR REPLACE INTO metric (stage, step, name, value) VALUES (?1, ?2, ?3, ?4)", &t,
                       err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    bind_text(&t, 3, name);
    sqlite3_bind_double(t.at, 4, value);
    return statement_run(&t, err);
}

/* A number that is not one is kept as NULL. */
static double metric_value(const Statement *t, int column)
{
    return sqlite3_column_type(t->at, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(t->at, column);
}

bool store_metric_find(Store *s, int64_t stage, int step, const char *name, double *value, Err *err)
{
    Statement t;
    *value = (double)NAN;
    if (!stage_prepare(s, stage, "SELECT value FROM metric WHERE stage = ?1 AND step = ?2 AND name = ?3", &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    bind_text(&t, 3, name);
    bool row, ok = statement_step(&t, &row, err);
    if (ok && row)
        *value = metric_value(&t, 0);
    sqlite3_finalize(t.at);
    return ok;
}

bool store_metrics_each(Store *s, int64_t stage, StoreMetricUse *use, void *context, Err *err)
{
    return store_metrics_from(s, stage, 0, use, context, err);
}

bool store_metrics_from(Store *s, int64_t stage, int step, StoreMetricUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "SELECT step, name, value FROM metric WHERE stage = ?1 AND step >= ?2 ORDER BY step, name", &t,
                       err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    bool row = true, ok = true;
    while (ok && (ok = statement_step(&t, &row, err)) && row) {
        ok = use(context, sqlite3_column_int(t.at, 0), (const char *)sqlite3_column_text(t.at, 1), metric_value(&t, 2),
                 err);
    }
    sqlite3_finalize(t.at);
    return ok;
}

bool store_rollout(Store *s, int64_t stage, int step, int sample, const char *row, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "INSERT OR REPLACE INTO rollout (stage, step, sample, row) VALUES (?1, ?2, ?3, ?4)",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    sqlite3_bind_int(t.at, 3, sample);
    bind_text(&t, 4, row);
    return statement_run(&t, err);
}

bool store_rollouts_last(Store *s, int64_t stage, int *step, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT ifnull(max(step), -1) FROM rollout WHERE stage = ?1", &t, err))
        return false;
    return one_number(&t, step, err);
}

bool store_rollouts_each(Store *s, int64_t stage, int step, StoreUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "SELECT row FROM rollout WHERE stage = ?1 AND (?2 < 0 OR step = ?2) ORDER BY step, sample", &t,
                       err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    return each_text(&t, use, context, err);
}

bool store_rollouts_some(Store *s, int64_t stage, int step, int from, int n, StoreUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "SELECT row FROM rollout WHERE stage = ?1 AND step = ?2 ORDER BY sample LIMIT ?3 OFFSET ?4", &t,
                       err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    sqlite3_bind_int(t.at, 3, n);
    sqlite3_bind_int(t.at, 4, from);
    return each_text(&t, use, context, err);
}

bool store_rollouts_count(Store *s, int64_t stage, int step, int *n, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT count(*) FROM rollout WHERE stage = ?1 AND step = ?2", &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    return one_number(&t, n, err);
}

bool store_forget_from(Store *s, int64_t stage, int step, Err *err)
{
    static const char *const sql[] = {"DELETE FROM metric WHERE stage = ?1 AND step >= ?2",
                                      "DELETE FROM rollout WHERE stage = ?1 AND step >= ?2"};
    for (int i = 0; i < COUNT(sql); i++) {
        Statement t;
        if (!store_prepare(s, sql[i], &t, err))
            return false;
        sqlite3_bind_int64(t.at, 1, stage);
        sqlite3_bind_int(t.at, 2, step);
        if (!statement_run(&t, err))
            return false;
    }
    return true;
}

bool store_checkpoint(Store *s, int64_t stage, int step, const char *path, double score, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "INSERT OR REPLACE INTO checkpoint (stage, step, path, score, made) "
                       "VALUES (?1, ?2, ?3, ?4, datetime('now'))",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    bind_text(&t, 3, path);
    if (isnan(score))
        sqlite3_bind_null(t.at, 4);
    else
        sqlite3_bind_double(t.at, 4, score);
    return statement_run(&t, err);
}

bool store_checkpoint_newest(Store *s, int64_t stage, int *step, char **path, Err *err)
{
    return store_checkpoint_upto(s, stage, INT_MAX, step, path, err);
}

bool store_checkpoint_upto(Store *s, int64_t stage, int most, int *step, char **path, Err *err)
{
    Statement t;
    *path = NULL;
    *step = 0;
    if (!stage_prepare(s, stage,
                       "SELECT step, path FROM checkpoint WHERE stage = ?1 AND step <= ?2 ORDER BY step DESC LIMIT 1",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, most);
    bool row, ok = statement_step(&t, &row, err);
    if (ok && row) {
        *step = sqlite3_column_int(t.at, 0);
        *path = statement_text(&t, 1);
    }
    sqlite3_finalize(t.at);
    return ok;
}

bool store_checkpoint_known(Store *s, int64_t stage, const char *path, bool *known, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "SELECT 1 FROM checkpoint WHERE stage = ?1 AND path = ?2", &t, err))
        return false;
    bind_text(&t, 2, path);
    bool ok = statement_step(&t, known, err);
    sqlite3_finalize(t.at);
    return ok;
}

bool store_checkpoint_forget(Store *s, int64_t stage, int step, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage, "DELETE FROM checkpoint WHERE stage = ?1 AND step = ?2", &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, step);
    return statement_run(&t, err);
}

bool store_checkpoints_best(Store *s, int64_t stage, int most, StoreCheckpointUse *use, void *context, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "SELECT step, path, score FROM checkpoint WHERE stage = ?1 AND score IS NOT NULL "
                       "ORDER BY score DESC, step LIMIT ?2",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, most);
    bool row = true, ok = true;
    while (ok && (ok = statement_step(&t, &row, err)) && row)
        ok = use(context, sqlite3_column_int(t.at, 0), (const char *)sqlite3_column_text(t.at, 1),
                 sqlite3_column_double(t.at, 2), err);
    sqlite3_finalize(t.at);
    return ok;
}

bool store_checkpoint_prune(Store *s, int64_t stage, int every, int best, bool done, Err *err)
{
    Statement t;
    if (!stage_prepare(s, stage,
                       "DELETE FROM checkpoint WHERE stage = ?1 AND step NOT IN ("
                       "SELECT step FROM checkpoint WHERE stage = ?1 AND step % ?2 = 0 ORDER BY step DESC LIMIT ?5) "
                       "AND step NOT IN (SELECT step FROM checkpoint WHERE stage = ?1 AND score IS NOT NULL "
                       "ORDER BY score DESC, step LIMIT ?4) "
                       "AND (?3 OR step < (SELECT max(step) FROM checkpoint WHERE stage = ?1))",
                       &t, err))
        return false;
    sqlite3_bind_int(t.at, 2, every == 0 && !done ? 1 : every); /* step % 0 is NULL: none is regular */
    sqlite3_bind_int(t.at, 3, done);
    sqlite3_bind_int(t.at, 4, best);
    sqlite3_bind_int(t.at, 5, REGULAR_KEPT);
    return statement_run(&t, err);
}

bool store_contexts_put(Store *s, int64_t stage, PromptUse use, const char *const *hash, int n, Err *err)
{
    static const char *const forget[] = {
        [TRAINED_ON] = "DELETE FROM context WHERE stage = ?1", [CHOSEN_BY] = "DELETE FROM selection WHERE stage = ?1"};
    static const char *const put[] = {[TRAINED_ON] = "INSERT OR IGNORE INTO context (stage, hash) VALUES (?1, ?2)",
                                      [CHOSEN_BY] = "INSERT OR IGNORE INTO selection (stage, hash) VALUES (?1, ?2)"};
    Statement t;
    if (!store_begin(s, err) || !stage_prepare(s, stage, forget[use], &t, err))
        return false;
    if (!statement_run(&t, err) || !store_prepare(s, put[use], &t, err))
        return false;
    bool row, ok = true;
    for (int i = 0; ok && i < n; i++) {
        sqlite3_bind_int64(t.at, 1, stage);
        bind_text(&t, 2, hash[i]);
        ok = statement_step(&t, &row, err);
        sqlite3_reset(t.at);
    }
    sqlite3_finalize(t.at);
    return ok && store_commit(s, err);
}

bool store_context_find(Store *s, const char *hash, bool chosen, char **stage, Err *err)
{
    Statement t;
    *stage = NULL;
    if (!store_prepare(s,
                       "SELECT name FROM stage WHERE id IN (SELECT stage FROM context WHERE hash = ?1 "
                       "UNION SELECT stage FROM selection WHERE hash = ?1 AND ?2) ORDER BY id LIMIT 1",
                       &t, err))
        return false;
    bind_text(&t, 1, hash);
    sqlite3_bind_int(t.at, 2, chosen);
    return one_text(&t, stage, err);
}

bool store_rating_put(Store *s, const char *kind, const char *item, const char *rater, const char *row, Err *err)
{
    Statement t;
    if (!store_prepare(s,
                       "INSERT OR REPLACE INTO rating (kind, item, rater, row, made) "
                       "VALUES (?1, ?2, ?3, ?4, datetime('now'))",
                       &t, err))
        return false;
    bind_text(&t, 1, kind);
    bind_text(&t, 2, item);
    bind_text(&t, 3, rater);
    bind_text(&t, 4, row);
    return statement_run(&t, err);
}

bool store_ratings_each(Store *s, const char *kind, const char *rater, StoreUse *use, void *context, Err *err)
{
    Statement t;
    if (!store_prepare(s, "SELECT row FROM rating WHERE kind = ?1 AND (?2 IS NULL OR rater = ?2) ORDER BY item, rater",
                       &t, err))
        return false;
    bind_text(&t, 1, kind);
    bind_text(&t, 2, rater);
    return each_text(&t, use, context, err);
}

bool store_answer_find(Store *s, const char *key, char **said, Err *err)
{
    Statement t;
    *said = NULL;
    if (!store_prepare(s, "SELECT said FROM answer WHERE key = ?1", &t, err))
        return false;
    bind_text(&t, 1, key);
    return one_text(&t, said, err);
}

bool store_answer_put(Store *s, const char *key, const char *said, Err *err)
{
    Statement t;
    if (!store_prepare(s,
                       "INSERT INTO answer (key, said, made) VALUES (?1, ?2, datetime('now')) "
                       "ON CONFLICT (key) DO UPDATE SET said = ?2, made = datetime('now')",
                       &t, err))
        return false;
    bind_text(&t, 1, key);
    bind_text(&t, 2, said);
    return statement_run(&t, err);
}
