/* What the files of labelling share. */
#ifndef RLAIF_LABEL_INTERNAL_H
#define RLAIF_LABEL_INTERNAL_H

#include "rlaif/label.h"

/* The summary of a stage whose rows are labels, from these rows; where a judge has just made them, with warnings if they
 * say little. `prompt` may be NULL. */
bool label_summary(Stage *s, const LabelOptions *o, const char *prompt, bool fresh, Err *err) MUST_CHECK;

/* Labels settled anew by the options, and filtered: from a file or a stage ("stage:NAME"). */
bool label_settle_rows(Work *work, const char *name, const LabelOptions *o, const char *from, Err *err) MUST_CHECK;

#endif
