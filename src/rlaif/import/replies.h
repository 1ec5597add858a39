/* Replies that were compared: a row for every two of them. */
#ifndef RLAIF_IMPORT_REPLIES_H
#define RLAIF_IMPORT_REPLIES_H

#include "rlaif/import/imported.h"

/* A public form of comparisons (comparison.h): a row for two replies side by side, of a list a row for every two of them. */
bool import_replies(const json_t *row, Imported *out, Err *err) MUST_CHECK;

/* HelpSteer has a row for each reply: of several to one prompt the first becomes the row of all, with a list of replies. A reply
 * without others is left out and counted in *alone, unless all are so. */
void import_gather(Rows *rows, int *alone);

#endif
