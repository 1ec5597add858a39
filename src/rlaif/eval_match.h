/* Rows of two policies put side by side. */
#ifndef RLAIF_EVAL_MATCH_H
#define RLAIF_EVAL_MATCH_H

#include "rlaif/stage.h"

/* Reads A and B (files or "stage:NAME") and makes of each row of A and the one of B that answers the same prompt the row
 * {"id"?, "prompt", "a": [texts], "b": [texts]}, in A's order; the first `limit`, 0: all. Places in messages are A's.
 * Matched by `id` where every row of both has one, else by prompt as a judge reads it, the n-th time with the n-th.
 * Fails for a row that the other file lacks, for equal ids with unlike prompts, and for unlike numbers of responses,
 * naming the row. */
bool match_rows(Work *work, const char *a, const char *b, int limit, Rows *out, Err *err) MUST_CHECK;

#endif
