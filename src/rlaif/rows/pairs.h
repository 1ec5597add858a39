/* Every two of several responses that nobody has compared. */
#ifndef RLAIF_ROWS_PAIRS_H
#define RLAIF_ROWS_PAIRS_H

#include "rlaif/rows/row.h"

/* Rows of more than two responses that nothing compares become rows of two: `group` is the row's id, else its key, and `of` which
 * two they are. Fails where nothing but equal responses is there. */
bool rows_split_pairs(Rows *rows, Err *err) MUST_CHECK;

#endif
