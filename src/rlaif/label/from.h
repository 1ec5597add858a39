/* Labels settled anew, without their model. */
#ifndef RLAIF_LABEL_FROM_H
#define RLAIF_LABEL_FROM_H

#include "rlaif/label/options.h"

/* Labels settled anew by the options, and filtered: from a file or a stage ("stage:NAME"). */
bool label_settle_rows(Work *work, const char *name, const LabelOptions *o, const char *from, json_t *choice,
                       Err *err) MUST_CHECK;

#endif
