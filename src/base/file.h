/* Files: whole ones, written so that nothing half-written is ever left under its final name; directories, and names. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

/* The whole of a file into *out, ended by a NUL that *n does not count; the caller frees it. Fails for a
 * directory, a missing file, and one larger than `most` bytes. A pipe may be asked for again. */
bool file_read(const char *path, size_t most, char **out, size_t *n, Err *err) MUST_CHECK;

/* A file while it is written: PATH.tmp, which takes the name PATH once it is whole and on the disk. What is no regular
 * file, as /dev/null or a pipe, is written as it stands; a link is followed, and what it names is replaced. PATH.tmp is
 * locked: a second writer is refused, and what a kill left is written over. */
typedef struct NewFile {
    char *path, *temporary; /* temporary NULL: written as it stands */
    int fd;
} NewFile;

bool new_file_open(NewFile *f, const char *path, Err *err) MUST_CHECK;
/* Both end it. On failure of the first nothing is left of it either. */
bool new_file_keep(NewFile *f, Err *err) MUST_CHECK;
void new_file_drop(NewFile *f);
/* Writes a file whole, so. */
bool file_write(const char *path, const void *bytes, size_t n, Err *err) MUST_CHECK;
/* Puts bytes behind those of a file, in one write, for logs that grow; a file that is absent is made. */
bool file_append(const char *path, const void *bytes, size_t n, Err *err) MUST_CHECK;

/* A read-only mapping of a file, which is no pipe. Release with file_unmap. */
typedef struct FileMap {
    const unsigned char *bytes;
    size_t n;
} FileMap;
bool file_map(const char *path, FileMap *map, Err *err) MUST_CHECK;
void file_unmap(FileMap *map);
/* Tells the system that these bytes of a mapping will not be read again soon. */
void file_forget(const FileMap *map, const void *from, size_t n);

/* What one process alone may do is guarded by a file beside it, `lock`, which is made and locked, and emptied: *fd
 * holds it until file_unlock or the end of the process, however that comes. Fails at once (ERR_BUSY) where another has
 * it; messages name `path`, which is guarded. */
bool file_lock(int *fd, const char *lock, const char *path, Err *err) MUST_CHECK;
void file_unlock(int fd, const char *lock); /* the lock goes too; accepts -1 */

/* What may not be looked at counts as there, so that its use fails with the system's reason. */
bool file_exists(const char *path);
bool file_is_dir(const char *path);
/* What changes with a file: its place, size and times. False where it is not a file that is there. */
enum { FILE_STAMP = 160 };
bool file_stamp(const char *path, char out[FILE_STAMP]);
bool file_same(const char *a, const char *b); /* the same name, or two names of one thing that is there */
/* Fails for what cannot be read in any order and more than once: a directory, a pipe, a device. It is asked before
 * anything is opened: a pipe would wait for who writes into it. */
bool file_is_whole(const char *path, Err *err) MUST_CHECK;
/* A file of this name may be made: its directory is there. */
bool file_has_folder(const char *path, Err *err) MUST_CHECK;
bool file_is_special(const char *path); /* a device, a pipe: it keeps nothing */
bool file_is_once(const char *path);    /* can be read but once: the same, and "-", standard input */
/* Makes a directory and those above it. */
bool dir_make(const char *path, Err *err) MUST_CHECK;
/* Removes a directory with all that is in it; nothing where it is absent. */
bool dir_remove(const char *path, Err *err) MUST_CHECK;
/* Names in a directory, sorted; "." and ".." left out. Free with names_free. */
bool dir_list(const char *path, char ***names, int *n, Err *err) MUST_CHECK;
void names_free(char **names, int n);
/* Flushes a directory's entries to the disk. */
bool dir_sync(const char *path, Err *err) MUST_CHECK;

/* "dir/name" or name alone, where `dir` is empty. The caller frees it. */
char *path_join(const char *dir, const char *name);
/* The way from a folder to a file, both of which are there: "../x/y". The caller frees it. */
char *path_from(const char *folder, const char *path);
/* What stands after the last '/'. */
const char *path_base(const char *path);
/* Bytes free on the file system that holds (or would hold) this path; 0 where unknown. */
size_t disk_free(const char *path);

#endif
