/* The curves of stages that trained: which metrics are shown, and what they are called. */
#ifndef RLAIF_REPORT_PAGE_CURVES_H
#define RLAIF_REPORT_PAGE_CURVES_H

#include "rlaif/report/page/words.h"

/* What a person looks at first: reward and KL, or the loss of stages that have no reward. Not live: drawings alone. */
void curves_main(Str *out, const ReportStage *const *stage, int n, bool live);
/* Every metric that a stage has: those that are known in their order, others by their own names. */
void curves_all(Str *out, const ReportStage *const *stage, int n);

#endif
