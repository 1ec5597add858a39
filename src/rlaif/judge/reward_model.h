/* Reward models in use: a scalar head on a transformer, read at a response's last token, centred and scaled as its
 * training rows were (paper.md 5). */
#ifndef RLAIF_JUDGE_REWARD_MODEL_H
#define RLAIF_JUDGE_REWARD_MODEL_H

#include "infer/scorer.h"
#include "rlaif/rows/cut.h"

typedef struct RewardModel {
    Model *model;             /* owned */
    Scorer *scorer, *planner; /* the latter hollow; NULL until something is planned */
    bool chat;                /* as it was trained, unless told otherwise */
    double centre, scale;     /* reward = (head - centre) / scale; 0 and 1 of most that others trained */
} RewardModel;

/* --scale: reward, by the deviation of the head's values on the training rows; rl, as the reward model was trained. */
typedef enum RewardScale { SCALE_AUTO, SCALE_NONE } RewardScale;
#define REWARD_SCALES "auto|none"

/* Fails for a model without a reward head; the first one before anything is loaded. */
bool reward_model_check(const char *path, Err *err) MUST_CHECK;
/* device NULL: without weights, to plan. On a hollow device it may be a model that is not trained yet. */
bool reward_model_open(RewardModel **out, const char *path, Device *device, int date, ChatMode chat,
                       Err *err) MUST_CHECK;
void reward_model_free(RewardModel *r); /* accepts NULL */

/* Rewards of n sequences of ids, each ending where the response ends. */
bool reward_model_score(RewardModel *r, const Sequence *seq, int n, double *reward, Err *err) MUST_CHECK;
/* The same of any number, so many at a time. */
bool reward_model_ids(RewardModel *r, const Ids *ids, int n, double *reward, Err *err) MUST_CHECK;
/* What that will cost: *cost is of all that was planned so far, *flops their operations. */
bool reward_model_plan(RewardModel *r, const Ids *ids, int n, ScorerCost *cost, double *flops, Err *err) MUST_CHECK;

/* A row whose responses are to be rewarded. */
typedef struct Rewarded {
    RowView *view;     /* its context is cut where there is too little room and a rule */
    const char *where; /* begins messages */
    int cut;           /* characters that were taken off, once it is rewarded */
} Rewarded;
/* All responses of n rows, one row after the other, as the model reads them; the caller releases the ids, whether it fails or
 * not. Fails for a row that is too long for the room and its rule. */
bool reward_model_render(RewardModel *r, Rewarded *row, int n, Room room, Ids *ids, Err *err) MUST_CHECK;
/* The same, and their rewards. */
bool reward_model_rows(RewardModel *r, Rewarded *row, int n, Room room, double *reward, Err *err) MUST_CHECK;

/* The head of a model on n sequences of ids, as it stands: not centred, not scaled. */
bool model_rewards(Model *m, const Ids *ids, int n, float *r, Err *err) MUST_CHECK;
/* What that takes beside the model: *most becomes at least as many bytes. */
bool model_rewards_cost(Model *m, const Ids *ids, int n, ScorerCost *most, Err *err) MUST_CHECK;

#endif
