/* What the two files of comparisons share. */
#ifndef RLAIF_ROWS_COMPARISON_INTERNAL_H
#define RLAIF_ROWS_COMPARISON_INTERNAL_H

#include "rlaif/rows/comparison.h"

/* Notes that a field has been used; `used` may be NULL. */
void comparison_use(json_t *used, const char *name);
/* A list of scored or ranked replies, if the row has one. */
bool comparison_list(const json_t *row, Comparison *c, Err *err) MUST_CHECK;

#endif
