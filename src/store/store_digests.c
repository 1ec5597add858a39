/* Hashes of files, kept for as long as the files stay as they are: a model of gigabytes is read for its hash once. */
#include "store/store.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/statement.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A change within the same tick of a file's clock would not show, so a file is not trusted before it is two seconds old.
 * False where it is not there, or too young. */
static bool stamp_of(const char *path, char out[FILE_STAMP])
{
    struct stat st;
    struct timespec now;
    if (!file_stamp(path, out) || stat(path, &st) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
        return false;
    return now.tv_sec - st.st_mtim.tv_sec > 2 && now.tv_sec - st.st_ctim.tv_sec > 2;
}

static bool find(Store *s, const char *stamp, char out[HASH_TEXT], bool *known, Err *err)
{
    Statement t;
    if (!store_prepare(s, "SELECT hash FROM digest WHERE file = ?1", &t, err))
        return false;
    bind_text(&t, 1, stamp);
    bool ok = statement_step(&t, known, err);
    char *hash = ok && *known ? statement_text(&t, 0) : NULL;
    sqlite3_finalize(t.at);
    *known = hash && strlen(hash) == HASH_TEXT - 1;
    if (*known)
        memcpy(out, hash, HASH_TEXT);
    free(hash);
    return ok;
}

static bool put(Store *s, const char *stamp, const char *hash, Err *err)
{
    Statement t;
    if (!store_prepare(s, "INSERT OR REPLACE INTO digest (file, hash) VALUES (?1, ?2)", &t, err))
        return false;
    bind_text(&t, 1, stamp);
    bind_text(&t, 2, hash);
    return statement_run(&t, err);
}

/* Writes out what waits in memory. What a program writes to a file that it has mapped changes the file's times only where the
 * page was written out before: without this it could change a hashed file unseen. */
static bool write_out(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool store_file_hash(Store *s, const char *path, char out[HASH_TEXT], Err *err)
{
    char before[FILE_STAMP], after[FILE_STAMP];
    bool known = false, writes = s && (s->lock_fd >= 0 || strcmp(s->path, ":memory:") == 0),
         keeps = writes && stamp_of(path, before);
    if (keeps && !find(s, before, out, &known, err))
        return false;
    if (known)
        return true;
    keeps = keeps && write_out(path);
    if (!hash_file(path, out, err))
        return false;
    return !keeps || !stamp_of(path, after) || strcmp(before, after) != 0 || put(s, before, out, err);
}
