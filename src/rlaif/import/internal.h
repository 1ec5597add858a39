/* What the files of import share. */
#ifndef RLAIF_IMPORT_INTERNAL_H
#define RLAIF_IMPORT_INTERNAL_H

#include "rlaif/import/import.h"

/* The view's prompt, responses and choice as fields of a row. */
void import_set_pair(json_t *out, const RowView *v);
/* Copies the fields of a row that are not used, an object of names. */
void import_keep_others(json_t *out, const json_t *row, const json_t *used);

/* A public form of comparisons (comparison.h): a row for two replies side by side, of a list a row for every two of them. */
bool import_replies(const json_t *row, Imported *out, Err *err) MUST_CHECK;

/* HelpSteer has a row for each reply: of several to one prompt the first becomes the row of all, with a list of replies. A reply
 * without others is left out and counted in *alone, unless all are so. */
void import_gather(Rows *rows, int *alone);

#endif
