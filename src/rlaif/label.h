/* Labels: preferences between two responses from a judge (paper.md 3). */
#ifndef RLAIF_LABEL_H
#define RLAIF_LABEL_H

#include "rlaif/judge.h"
#include "rlaif/stage.h"

typedef enum LabelMethod { LABEL_PAIRWISE, LABEL_POINTWISE } LabelMethod;

typedef struct LabelOptions {
    CommonOptions common;
    JudgeOptions judge; /* its seed is the common one */
    char *pairs, *model, *output;
    int method, limit;
    char *prompt; /* NULL: helpful-base, pointwise helpful-score */
    bool both_orders, skip_bad;
} LabelOptions;
extern const OptionTable label_table;

/* Labels every row: its `label` is what docs/formats.md says. */
bool label_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
