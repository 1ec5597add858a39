/* One step of reinforcement learning. */
#ifndef RLAIF_RL_STEP_H
#define RLAIF_RL_STEP_H

#include "rlaif/rl/state.h"

/* What a step's time goes into. */
typedef enum RlPhase { RL_SAMPLE, RL_REWARD, RL_REFERENCE, RL_UPDATE, RL_PHASES } RlPhase;

/* What a step measured. */
typedef struct StepStats {
    double reward, reward_sd, kl, entropy, tokens, ended; /* means over rollouts; kl of a whole sequence, in nats */
    double penalty;                                       /* the mean of what was taken off */
    double reward_ended, reward_cut; /* means over those that ended, and over the others; NAN: there are none */
    double no_spread;          /* share of prompts whose samples are all worth the same; NAN: one sample a prompt */
    double reward_sd_within;   /* of the rewards about the means of their prompts; NAN: one sample a prompt */
    double part[MOST_REWARDS]; /* means of the parts of the reward */
    double
        margins[MOST_REWARDS]; /* of parts that are reward models: mean |sigma(d) - 1/2|; NAN: no groups, or a judge */
    CutCount cut;              /* of the judges' contexts */
    int refused;               /* that an endpoint would not judge */
    ReinforceStats gradients;
    double seconds[RL_PHASES];
} StepStats;

/* Samples, rewards, compares, updates. `record` (NULL: nowhere) keeps metrics and rollouts. */
bool rl_step(Rl *rl, Stage *record, StepStats *stats, Err *err) MUST_CHECK;

/* The row whose prompt is drawn as the at-th of all, in the order of every epoch's permutation. `order` has room for one,
 * that of `epoch`, which begins as -1. */
int rl_row_at(const Rl *rl, long long at, int *epoch, int *order);

/* A step's rollouts, planned: `samples` of each prompt, nothing drawn yet. The
 * caller releases each and frees the list. */
Rollout *rl_plan(const Rl *rl, int step, int *n);

/* Draws the responses of some of a step's rollouts (whole groups) by the policy as it is, and sets their rewards,
 * reference log-probabilities and returns. `seconds` (NULL: not wanted) receives what each phase took. */
bool rl_draw(Rl *rl, Rollout *r, int n, double *seconds, Err *err) MUST_CHECK;

/* Adds the gradients of rollouts that have been drawn; sets their values and advantages. Nothing is updated. */
bool rl_gradients(Rl *rl, Rollout *r, int n, ReinforceStats *stats, Err *err) MUST_CHECK;

/* Of a list of rewards the means of what its parts give, before weight and scale, as metrics of a step: `prefix` and their names. */
bool rl_record_parts(const Rl *rl, Stage *stage, int step, const char *prefix, const double *mean, Err *err) MUST_CHECK;

/* A rollout whose gradients have been taken, as the store keeps it (docs/formats.md). The caller releases it. */
json_t *rl_rollout_row(const Rl *rl, int step, const Rollout *r);

#endif
