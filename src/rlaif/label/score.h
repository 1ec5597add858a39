/* Scores: a reward model's or a direct judge's number for every response. */
#ifndef RLAIF_LABEL_SCORE_H
#define RLAIF_LABEL_SCORE_H

#include "rlaif/judge/reward_model.h"
#include "rlaif/judge/source.h"
#include "rlaif/rows/cut.h"
#include "rlaif/stage/stage.h"

typedef struct ScoreOptions {
    CommonOptions common;
    EndpointOptions endpoint; /* a judge elsewhere, in place of a model */
    char *rows, *model, *output, *prompt, *mark;
    int chat, max_input, truncate, limit;
    bool skip_bad;
} ScoreOptions;
extern const OptionTable score_table;

/* Adds `score` (a number, or a list for rows with `responses`); with a prompt also `judgment`: the answers'
 * log-probabilities, their mass and the expectation. A context that was cut: `score_cut`, by how many characters. Scores that the
 * responses had become `score_before`, and of rows with several the summary says how the two go together within prompts:
 * "correlation_with_before" (over "correlation_prompts"). With `mark`, a field that is true or false in every row of one response, it
 * says how often one of true scores higher than one of false: "auc" (of "marked" responses; ties a half). */
bool score_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
