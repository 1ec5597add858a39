/* One rollout of a past step, made again and compared with what was recorded. */
#ifndef RLAIF_RL_INSPECT_H
#define RLAIF_RL_INSPECT_H

#include "rlaif/stage/stage.h"

/* Where a direct judge's answer comes from that the record is compared with; the later, the less it says. */
typedef enum JudgeAgain {
    AGAIN_NO_JUDGE,
    AGAIN_ASKED,       /* a model in this process: it has read its prompt once more */
    AGAIN_KEPT,        /* an endpoint: the replies that the store kept, read once more */
    AGAIN_ELSEWHERE,   /* an endpoint that was asked anew, for the store had not all of its replies */
    AGAIN_NOT_RECORDED /* the version that made the run recorded neither the judge's prompt nor its answer */
} JudgeAgain;

typedef struct RolloutInspection {
    char *stage;
    int replayed;       /* updates that were made again, from the checkpoint before the step */
    json_t *recorded;   /* the store's row (docs/formats.md) */
    json_t *recomputed; /* the same, made again */
    char *different;    /* the first field that is not the same in every bit; NULL: none */
    char *unrecorded;   /* fields of a mix's parts that the version which made the run did not keep; NULL: none */
    char *judge_prompt; /* what direct judges read, control tokens included; NULL: none did */
    JudgeAgain judge;
    char **token; /* [tokens] the response's tokens as text */
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
