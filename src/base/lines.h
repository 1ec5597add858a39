/* Lines of plain, gzip or zstd text, and text written to appear whole. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include "base/err.h"

#include <stddef.h>

/* Lines of a text file: plain, gzip or zstd (by content), or "-" for standard input. */
typedef struct LineReader LineReader;
bool lines_open(LineReader **out, const char *path, Err *err) MUST_CHECK;
/* The next line without its end, valid until the next call; *more is false at the end of the file. Lines
 * are at most 64 MB. */
bool lines_next(LineReader *r, const char **line, size_t *n, bool *more, Err *err) MUST_CHECK;
int lines_number(const LineReader *r); /* of the line just read, from 1 */
/* Bytes from the line just read on that are at hand, it and what follows. */
size_t lines_ahead(const LineReader *r, const char *line);
void lines_close(LineReader *r); /* accepts NULL */

/* Text to a file that appears under its name when it is closed: plain, .gz or .zst by name; "-" or NULL is
 * standard output. text_close on failure paths: text_discard. */
typedef struct TextWriter TextWriter;
bool text_open(TextWriter **out, const char *path, Err *err) MUST_CHECK;
bool text_write(TextWriter *w, const char *text, size_t n, Err *err) MUST_CHECK;
bool text_close(TextWriter *w, Err *err) MUST_CHECK; /* frees w */
void text_discard(TextWriter *w);                    /* frees w, removes what was written; accepts NULL */

#endif
