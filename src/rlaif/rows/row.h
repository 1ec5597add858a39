/* A row: what it is called, by its id and its content, and its place in a file. */
#ifndef RLAIF_ROWS_ROW_H
#define RLAIF_ROWS_ROW_H

#include "base/hash.h"
#include "rlaif/rows/replies.h"

#include <stdint.h>

enum { ROW_KEY = HASH_TEXT + 12 };

typedef struct Row {
    json_t *json;     /* as it was read */
    const char *path; /* of another file than the first of the rows (rows_append); else NULL */
    int line;
    char key[ROW_KEY];
    uint64_t identity;
    RowView view; /* once rows_view has been called */
} Row;

typedef struct Rows {
    char *path;
    Row *row;
    int n;
    char **more; /* paths of files that were appended */
    int files;   /* of them */
    int skipped; /* bad rows left out under --skip-bad */
    int equal;   /* pairs left out because their responses are equal */
} Rows;

/* Key and identity of a row by its id, else its content and its number among equals: `contents` has how often each was met. */
void row_name(Row *r, json_t *contents);
/* Counts a row that has its name among them. */
void row_count(const Row *r, json_t *contents);

/* Key and identity of a row of a file, where its `id` is neither of another kind nor among `ids`, which it joins. */
bool row_identify(Row *r, json_t *contents, json_t *ids, const char *path, Err *err) MUST_CHECK;

/* The id of a row: a text, or a number as JSON writes it; NULL: it has none. The caller frees it. */
char *row_id(const json_t *row);
/* Who ranked or marked it, a text or a number likewise; NULL: it does not say. The caller frees it. */
bool row_rater(const json_t *row, char **out, Err *err) MUST_CHECK;

/* "path:line", which begins messages about a row; in a caller's buffer. */
const char *row_place(const Rows *rows, int i, char out[300]);

/* Does the row, which has been viewed, hold its response in `response`? What is said of it is then no list. */
bool row_is_single(const Row *row);

#endif
