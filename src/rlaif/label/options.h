/* The options of `label`. */
#ifndef RLAIF_LABEL_OPTIONS_H
#define RLAIF_LABEL_OPTIONS_H

#include "rlaif/judge/source.h"
#include "rlaif/label/row.h"
#include "rlaif/stage/stage.h"

typedef enum LabelMethod { LABEL_PAIRWISE, LABEL_POINTWISE } LabelMethod;

typedef struct LabelOptions {
    CommonOptions common;
    JudgeOptions judge; /* its seed is the common one */
    SettleOptions settle;
    EndpointOptions endpoint; /* in place of a model */
    char *pairs, *model, *output;
    char *from;   /* labels to settle anew, in place of pairs and a model; NULL: none */
    char *reward; /* a reward model, in place of a model and a prompt; NULL: none */
    char *fit;    /* rows that a mix is fitted to, in place of pairs; NULL: none */
    int method, limit;
    OptionList prompt; /* none: helpful-base, pointwise helpful-score; several: candidates */
    char *choose_on;   /* rows with people's choices, by which one of several prompts is chosen */
    int trials;        /* draws of exemplars for each */
    bool both_orders, skip_bad, drop_same_slot, explain;
    double drop_undecided; /* |p - 1/2| below which a label is dropped */
} LabelOptions;
extern const OptionTable label_table;

/* Fails for options that do not go together. */
bool label_options_check(const Work *work, const LabelOptions *o, Err *err) MUST_CHECK;

#endif
