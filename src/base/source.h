/* The bytes of a file, a pipe or standard input from front to back, as they come: nothing is opened again, measured or
 * sought, so that a pipe serves as a file does. What cannot be read again is kept for whoever asks for it again, as a
 * judge's prompt is looked at before its judge is made. Private to base/. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/err.h"

#include <stddef.h>

typedef struct Source {
    char *name; /* the path, or "standard input" */
    int fd;
    struct Kept *kept; /* what came so far, where it comes but once; else NULL */
    size_t at;         /* of that, what this source has given out */
} Source;

/* "-" is standard input. */
bool source_open(Source *s, const char *path, Err *err) MUST_CHECK;
/* Reads until `room` bytes are there or the source ends: *got < room is its end. An interrupt ends a wait. */
bool source_fill(Source *s, void *to, size_t room, size_t *got, Err *err) MUST_CHECK;
void source_close(Source *s);

#endif
