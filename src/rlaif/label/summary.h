/* What is said of a set of labels when it is done. */
#ifndef RLAIF_LABEL_SUMMARY_H
#define RLAIF_LABEL_SUMMARY_H

#include "rlaif/label/options.h"

/* The summary of a stage whose rows are labels, from these rows; where a judge has just made them, with warnings if they
 * say little. `prompt` may be NULL. */
bool label_summary(Stage *s, const LabelOptions *o, const char *prompt, bool fresh, Err *err) MUST_CHECK;

#endif
