/* Rows of two policies put side by side. */
#ifndef RLAIF_EVAL_MATCH_H
#define RLAIF_EVAL_MATCH_H

#include "rlaif/stage/stage.h"

#define REFERENCE "reference"

/* Reads A and B (files or "stage:NAME") and makes of each row of A and the one of B that answers the same prompt the row
 * {"id"?, "prompt", "a": [texts], "b": [texts]}, in A's order; the first `limit`, 0: all. Places in messages are A's. Where
 * a response was cut off before its end, "a_ended" or "b_ended" says which.
 *
 * B may be the word "reference": what people wrote, from A's own rows, `reference` or else `completion`; every response
 * of a row of A meets it.
 *
 * Matched by `id` where every row of both has one, else by prompt as a judge reads it, the n-th time with the n-th.
 * Fails for a row that the other file lacks, for equal ids with unlike prompts, and for unlike numbers of responses,
 * naming the row, or leaves it out where skip_bad, as rows that cannot be read. Says where --strip-trailing was used for one of the two alone. */
bool match_rows(Work *work, const char *a, const char *b, int limit, bool skip_bad, Rows *out, Err *err) MUST_CHECK;

#endif
