/* One rollout of a past step, made again and compared with what was recorded. */
#ifndef RLAIF_RL_INSPECT_H
#define RLAIF_RL_INSPECT_H

#include "rlaif/stage.h"

typedef struct RolloutInspection {
    char *stage;
    int replayed;       /* updates that were made again, from the checkpoint before the step */
    json_t *recorded;   /* the store's row (docs/formats.md) */
    json_t *recomputed; /* the same, made again */
    char *different;    /* the first field that is not the same in every bit; NULL: none */
    char *judge_prompt; /* what a direct judge was asked; NULL: none was */
    char **token;       /* [tokens] the response's tokens as text */
    int tokens;
} RolloutInspection;
void rollout_inspection_release(RolloutInspection *i);

/* Recomputes rollout `sample` (from 0, within the step) of step `step` (from 0) of a stage of kind rl; stage NULL: the
 * only one of the store. `place` is the run's or the output's directory. The policy of that step comes from the newest
 * checkpoint before it, else from the start, by making the updates between again: the same seed gives the same bytes.
 * Paths are those of OUT/options.yaml. Fails where an input is not what it was: then nothing could be said. */
bool rl_inspect(Work *work, const char *place, const char *stage, int step, int sample, RolloutInspection *out,
                Err *err) MUST_CHECK;

#endif
