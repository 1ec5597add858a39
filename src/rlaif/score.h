/* Scores: a reward model's or a direct judge's number for every response. */
#ifndef RLAIF_SCORE_H
#define RLAIF_SCORE_H

#include "rlaif/judge_source.h"
#include "rlaif/reward_model.h"
#include "rlaif/stage.h"

typedef struct ScoreOptions {
    CommonOptions common;
    EndpointOptions endpoint; /* a judge elsewhere, in place of a model */
    char *rows, *model, *output, *prompt;
    int chat, limit;
    bool skip_bad;
} ScoreOptions;
extern const OptionTable score_table;

/* Adds `score` (a number, or a list for rows with `responses`); with a prompt also `judgment`: the answers'
 * log-probabilities, their mass and the expectation. */
bool score_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
