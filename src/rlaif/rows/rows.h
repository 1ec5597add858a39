/* Rows of JSONL: prompts, demonstrations, responses, pairs, labels (docs/formats.md). Detected by their fields; unknown fields
 * are kept. A row's identity for random numbers is its `id`, else its content's hash and its number among equals; its key in a
 * store is always that hash and number. A field that is null is an absent one everywhere.
 *
 * This opens the folder. Upwards: context.h (what a response answers), replies.h and comparison.h (what fields hold), view.h (a row
 * as a context with responses), row.h (what a row is called), rows.c (files of them). render.h and cut.h make of a context what a
 * model reads. Read context.h first, then view.c. */
#ifndef RLAIF_ROWS_ROWS_H
#define RLAIF_ROWS_ROWS_H

#include "rlaif/rows/context_key.h"
#include "rlaif/rows/row.h"
#include "rlaif/rows/view.h"

/* Reads a file (or "-"); at most `limit` rows, 0: all. A line that is no JSON object stops it, or is left out
 * and listed where skip_bad; so does an `id` that stands twice. An empty file is an error. */
bool rows_read(Rows *out, const char *path, int limit, bool skip_bad, Err *err) MUST_CHECK;
/* The same from lines in memory; `name` stands for the path. */
bool rows_parse(Rows *out, const char *name, const char *text, size_t n, int limit, Err *err) MUST_CHECK;
void rows_release(Rows *r);
/* Lets go of the rows that are not `in`. */
void rows_keep(Rows *r, const bool *in);
/* Moves rows to the end of others, which may be none. Keys of rows from different files differ; identities stay. */
void rows_append(Rows *to, Rows *from);

/* Reads every row as a context with responses into row.view. A row that is not what is needed stops it,
 * saying what is missing, or is left out where skip_bad. */
bool rows_view(Rows *r, RowNeed need, bool skip_bad, Err *err) MUST_CHECK;

/* A row was found bad, which *err says: true where it is to be left out, listed and counted; else false, with the remedy. */
bool rows_pass_over(Rows *r, bool skip_bad, Err *err) MUST_CHECK;
/* Fails where n, the rows that are left, is 0. */
bool rows_are_left(const Rows *r, int n, Err *err) MUST_CHECK;

/* A hash over all keys: what a stage's identity says of its input. */
void rows_hash(const Rows *r, char out[HASH_TEXT]);

#endif
