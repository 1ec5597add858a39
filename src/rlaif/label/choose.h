/* A prompt chosen by measured alignment (paper.md 3.8, 4.2). */
#ifndef RLAIF_LABEL_CHOOSE_H
#define RLAIF_LABEL_CHOOSE_H

#include "rlaif/label/options.h"

/* Of a candidate, "NAME|FILE --option value ...", the prompt, which the caller frees; *options: what stands behind it. */
char *candidate_prompt(const char *text, const char **options);

/* Tries every prompt of the options on o->choose_on. *chosen are the options with the best, borrowed from `o` but for its
 * name *prompt, which the caller frees and sets; *choice says {chosen, candidates}. */
bool label_choose(Work *work, const char *name, const LabelOptions *o, LabelOptions *chosen, char **prompt,
                  json_t **choice, Err *err) MUST_CHECK;

#endif
