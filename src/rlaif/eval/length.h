/* What labels know beside the length of replies. */
#ifndef RLAIF_EVAL_LENGTH_H
#define RLAIF_EVAL_LENGTH_H

#include "base/json.h"
#include "rlaif/eval/cases.h"

/* Of cases in which people chose (docs/math.md, "Labels beside length"): longer_accuracy, longer_interval; base_rate;
 * auc; against_length, its _interval and _pairs; upper_half, its _interval and _pairs, upper_half_longer. */
void eval_set_beside_length(json_t *out, const Cases *c);

#endif
