/* A recipe's win rate: two policies sampled on the same prompts, then judged against each other. */
#ifndef RLAIF_COMPARE_H
#define RLAIF_COMPARE_H

#include "rlaif/eval.h"
#include "rlaif/sample.h"

typedef struct CompareOptions {
    CommonOptions common;
    SamplingOptions sampling;
    EndpointOptions endpoint; /* a judge elsewhere */
    char *prompts, *policy, *against, *judge;
    OptionList prompt, trained_on;
    int n, length, truncate, chat, limit;
    bool strip_trailing;
} CompareOptions;
extern const OptionTable compare_table;

/* Samples NAME-after from `policy` and NAME-before from `against`, and runs winrate_stage on them. Where one of the two
 * is rows ("stage:NAME", as a recipe names a sample stage), they are taken as they are; against "reference" are the texts
 * that the prompts carry. Prompts that the run trained on or labelled are refused, before anything is sampled. */
bool compare_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
