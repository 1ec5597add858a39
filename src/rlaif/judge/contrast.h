/* A contrast: a response read behind a good example and a bad one, token by token. */
#ifndef RLAIF_JUDGE_CONTRAST_H
#define RLAIF_JUDGE_CONTRAST_H

#include "rlaif/judge/layout.h"

/* F of a response: the mean over its n tokens, without its end, of good - bad, each kept in [-clip, clip]; 0 of none. */
double contrast_mean(const double *good, const double *bad, int n, double clip);

/* The responses of a layout of n questions. Fails where a response is other tokens behind the one example than behind the other,
 * which an endpoint may make of it. */
bool contrast_responses(Judge *j, const Layout *l, int n, Verdict *out, Err *err) MUST_CHECK;

#endif
