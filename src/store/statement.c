/* Statements of SQLite: prepared, stepped, read. */
#include "store/statement.h"

#include "base/mem.h"

#include <errno.h>

bool store_failed(Store *s, const char *doing, Err *err)
{
    int code = sqlite3_errcode(s->db), system = sqlite3_system_errno(s->db);
    if (code == SQLITE_BUSY)
        return err_set(err, ERR_BUSY, "%s: another rlaif is writing it", s->path),
               err_hint(err, "wait for it, or use another output");
    /* what cannot be opened is tried once more for reading alone, which makes ENOENT of a full disk */
    if (system != 0 && (code == SQLITE_IOERR || (code == SQLITE_CANTOPEN && system != ENOENT))) {
        errno = system;
        return err_system(err, s->path);
    }
    err_set(err, code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ERR_INPUT : ERR_IO, "%s: %s: %s", s->path, doing,
            sqlite3_errmsg(s->db));
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)
        return err_hint(
            err, "it must be possible to write there: free some space, mend permissions, or name another output");
    if (code == SQLITE_FULL)
        return err_hint(err, "free some space on that disk and run the same command again");
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return err_hint(err, "it is no store of rlaif, or damaged: move it away to begin anew");
    return false;
}

bool store_prepare(Store *s, const char *sql, Statement *out, Err *err)
{
    *out = (Statement){.store = s};
    return sqlite3_prepare_v2(s->db, sql, -1, &out->at, NULL) == SQLITE_OK || store_failed(s, "cannot be used", err);
}

bool statement_step(Statement *t, bool *row, Err *err)
{
    int code = sqlite3_step(t->at);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || store_failed(t->store, "cannot be used", err);
}

bool statement_run(Statement *t, Err *err)
{
    bool row = true, ok = true;
    while (ok && row)
        ok = statement_step(t, &row, err);
    sqlite3_finalize(t->at);
    return ok;
}

char *statement_text(Statement *t, int column)
{
    const unsigned char *text = sqlite3_column_text(t->at, column);
    return text ? mem_str((const char *)text) : NULL;
}
