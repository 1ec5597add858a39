/* A recipe's win rate: two policies sampled on the same prompts, then judged against each other. */
#ifndef RLAIF_EVAL_COMPARE_H
#define RLAIF_EVAL_COMPARE_H

#include "rlaif/eval/eval.h"
#include "rlaif/rl/sample.h"

typedef struct CompareOptions {
    CommonOptions common;
    SamplingOptions sampling;
    JudgeReading reading;
    EndpointOptions endpoint; /* a judge elsewhere */
    char *prompts, *policy, *against, *judge, *reward;
    OptionList prompt, trained_on;
    int n, average, length, truncate, chat, limit;
    bool strip_trailing, skip_bad;
} CompareOptions;
extern const OptionTable compare_table;
enum { COMPARE_OPTIONS = 11 };
/* How it is compared: without who and on what, those of sampling, and the common ones. */
extern const Option compare_options[COMPARE_OPTIONS];

/* Fails where nobody judges: options that begin with a CompareOptions need prompts for their judge, or a reward model and no
 * judge. */
bool compare_complete(const void *options, const char *where, Err *err) MUST_CHECK;

/* Samples NAME-after from `policy` and NAME-before from `against`, and runs winrate_stage on them. Where one of the two
 * is rows ("stage:NAME", as a recipe names a sample stage), they are taken as they are; against "reference" are the texts
 * that the prompts carry. Prompts that are not held out (heldout.h) are refused, before anything is sampled. */
bool compare_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* Fails where there are no prompts to sample on, they are not held out, or the reward model is none. */
bool compare_check(Work *work, const CompareOptions *o, const char *name, Err *err) MUST_CHECK;

/* Where the responses of one side are: *source, which the caller frees. A model's are sampled as a stage of this name, where
 * that is still to be done. */
bool compare_side(Work *work, const CompareOptions *o, const char *name, char *model, char **source,
                  Err *err) MUST_CHECK;

#endif
