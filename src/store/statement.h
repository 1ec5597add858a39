/* What an open store is, and its statements. Private to store/. */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include "base/err.h"

#include <sqlite3.h>

typedef struct Store {
    sqlite3 *db;
    char *path, *lock; /* lock: the file that keeps other writers out; NULL: not a writer, or in memory */
    int lock_fd;
    bool fresh; /* the file was made by this opening, and nothing outside depends on it */
    int depth;  /* of nested transactions */
} Store;

typedef struct Statement {
    Store *store;
    sqlite3_stmt *at;
} Statement;

/* Sets the failure of the last call in the caller's Err. */
bool store_failed(Store *s, const char *doing, Err *err);

bool store_prepare(Store *s, const char *sql, Statement *out, Err *err) MUST_CHECK;
/* One row, or the end. */
bool statement_step(Statement *t, bool *row, Err *err) MUST_CHECK;
/* To the end; finalizes. */
bool statement_run(Statement *t, Err *err) MUST_CHECK;
/* A column's text, which the caller frees; NULL where it is NULL. */
char *statement_text(Statement *t, int column);

/* Binds a text that outlives the statement; NULL is NULL. */
static inline void bind_text(Statement *t, int at, const char *text)
{
    sqlite3_bind_text(t->at, at, text, -1, SQLITE_STATIC);
}

#endif
