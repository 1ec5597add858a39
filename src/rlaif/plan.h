/* What a stage would take for a model on this machine, before anything is loaded: its own functions say so, of a model that has
 * shapes alone. */
#ifndef RLAIF_PLAN_H
#define RLAIF_PLAN_H

#include "rlaif/stage/stage.h"

typedef enum PlannedStage { PLAN_NOTHING, PLAN_LABEL, PLAN_REWARD, PLAN_RL } PlannedStage;

typedef struct PlanOptions {
    int stage; /* PlannedStage */
    int prompt_tokens, reply_tokens;
    const char *rows; /* a file, or how many are assumed; NULL: as many as the stage takes at once */
    /* options of the stage, as its command takes them; NULL: its default */
    const char *batch, *samples, *max_new_tokens, *baseline, *optimizer, *lora, *memory, *weights, *reward, *judge,
        *prompt;
    OptionList set; /* others: "KEY=VALUE" */
} PlanOptions;
enum { PLAN_OPTIONS = 16 };
extern const Option plan_options[PLAN_OPTIONS];

/* *out: {stage, rows, prompt_tokens, reply_tokens (absent where rows are a file's), batch (absent of label), samples and reward_model (given: what
 * that is; assumed: one that is trained from this model) of rl, parts {name: bytes},
 * planned_bytes, allowed_bytes, layers_again (layers are computed again), disk_bytes, seconds, seconds_of (what they are for), fits,
 * refusal and remedy where it does not}. Fails for a model or rows that the stage would refuse. */
bool plan_stage(json_t **out, Work *work, const char *model, const PlanOptions *o, Err *err) MUST_CHECK;

#endif
