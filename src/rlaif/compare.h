/* A recipe's win rate: two policies sampled on the same prompts, then judged against each other. */
#ifndef RLAIF_COMPARE_H
#define RLAIF_COMPARE_H

#include "rlaif/eval.h"
#include "rlaif/sample.h"

typedef struct CompareOptions {
    CommonOptions common;
    SamplingOptions sampling;
    char *prompts, *policy, *against, *judge;
    OptionList prompt;
    int n, chat, limit;
} CompareOptions;
extern const OptionTable compare_table;

/* Samples NAME-after from `policy` and NAME-before from `against`, and runs winrate_stage on them. Prompts whose
 * contexts occur in rows that the run trained on, labelled or sampled to train on are refused. */
bool compare_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
