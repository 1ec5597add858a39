/* The numbers of a mix fitted to rows: label --fit. */
#ifndef RLAIF_LABEL_FIT_H
#define RLAIF_LABEL_FIT_H

#include "rlaif/label/options.h"

/* Writes o->output: the mix o->prompt with a centre and a scale of each part over the rows o->fit, and, where people's choices
 * are among them, weights by logistic regression on these, with standard errors (docs/math.md). The stage NAME.numbers keeps
 * what the parts say of the rows.
 *
 * Fails where a part says the same of both responses of every pair, where a part follows from others, where the choices are
 * separable by them, and for fewer than 10 choices a part.
 *
 * Summary: pairs, choices, parts [{part, centre, scale, weight, error}]; of choices log_likelihood and accuracy, on the rows
 * that it was fitted to. */
bool label_fit(Work *work, const char *name, const LabelOptions *o, Err *err) MUST_CHECK;

#endif
