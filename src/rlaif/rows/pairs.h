/* Groups of pairs: every two of several responses to one prompt. */
#ifndef RLAIF_ROWS_PAIRS_H
#define RLAIF_ROWS_PAIRS_H

#include "rlaif/rows/row.h"

/* Rows of more than two responses that nothing compares become rows of two: `group` is the row's id, else its key, and `of` which
 * two they are. Fails where nothing but equal responses is there. */
bool rows_split_pairs(Rows *rows, Err *err) MUST_CHECK;

/* Is the row one of the pairs of a group? */
bool row_is_grouped(const json_t *row);
/* lead[i] becomes the first row of row i's group, of which all have the same prompt, or i itself; of rows that have been viewed. */
void rows_groups(const Rows *r, int *lead);

#endif
