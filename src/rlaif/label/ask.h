/* The stage that asks a judge about every row. */
#ifndef RLAIF_LABEL_ASK_H
#define RLAIF_LABEL_ASK_H

#include "rlaif/label/options.h"

/* Asks the judge about every row of o->pairs by o->prompt's first, as a stage whose rows stay in the store. `choice` (may be
 * NULL) becomes a part of its summary. */
bool label_ask_rows(Work *work, const char *name, const LabelOptions *o, json_t *choice, bool deliver,
                    Err *err) MUST_CHECK;

#endif
