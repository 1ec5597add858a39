/* How far people agree with each other, where several of them chose between the same two responses. */
#ifndef RLAIF_EVAL_AGREEMENT_H
#define RLAIF_EVAL_AGREEMENT_H

#include "rlaif/rows/rows.h"

/* Sets `people`: null, or how far people agree with each other (alignment_stage). */
void eval_set_agreement(json_t *out, const Rows *rows);

#endif
