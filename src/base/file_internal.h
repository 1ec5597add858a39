/* What readers and writers of files share. Private to base/. */
#ifndef BASE_FILE_INTERNAL_H
#define BASE_FILE_INTERNAL_H

#include "base/file.h"

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

#endif
