/* REINFORCE with a baseline and a KL term (paper.md 6): the equations, apart from where the rollouts come from. */
#ifndef RLAIF_RL_REINFORCE_H
#define RLAIF_RL_REINFORCE_H

#include "rlaif/rl/rollout.h"
#include "train/pass.h"

typedef enum Baseline {
    BASELINE_VALUE, /* V(X_t), learned */
    BASELINE_GROUP, /* mean return of the prompt's other samples */
    BASELINE_NONE
} Baseline;

typedef enum ValuePlace {
    VALUE_OWN, /* a second network with a scalar head */
    VALUE_HEAD /* a head on the policy's trunk, its gradient let through */
} ValuePlace;

/* How the KL from the reference counts (6.2: the paper leaves it open). */
typedef enum KlPlace {
    KL_REWARD, /* A: as a reward of every token, by its sampled value log pi - log pi_ref */
    KL_LOSS    /* B: as a term of the loss, exact over the whole vocabulary, with its own gradient */
} KlPlace;
#define KL_PLACES "reward|loss"

/* What is maximised (6.1). */
typedef enum ObjectiveForm {
    OBJECTIVE_CONVEX, /* (1 - beta) R - beta KL */
    OBJECTIVE_PLAIN   /* R - beta KL */
} ObjectiveForm;
#define OBJECTIVES "convex|plain"

/* Whose spread rewards are measured in: their mean is taken off, and they are divided by their standard deviation. */
typedef enum RewardSpread {
    SPREAD_NONE,  /* as they are */
    SPREAD_GROUP, /* of the samples of their prompt */
    SPREAD_BATCH  /* of all responses of the step */
} RewardSpread;
#define REWARD_SPREADS "none|group|batch"

typedef struct Objective {
    ObjectiveForm form;
    double beta;
    KlPlace kl;
    double no_end_penalty; /* taken off R where a response was cut off before its end */
    RewardSpread spread;
    int per_group; /* SPREAD_GROUP: rollouts of one prompt, which stand together */
} Objective;

/* What one step works with. */
typedef struct Reinforce {
    Model *policy, *value;     /* value: the second network, or NULL */
    Model *reference;          /* KL_LOSS: what the KL is taken from */
    Weights *dpolicy, *dvalue; /* gradients that are added to */
    Pass *pass;
    Baseline baseline;
    ValuePlace place;
    KlPlace kl;
    double beta;
    double temperature;  /* of log pi, log pi_ref and the KL; 0: 1 */
    double value_weight; /* VALUE_HEAD: of L_V in the sum of losses */
    bool whiten;         /* advantages are normalised over all tokens of the batch */
    int pass_rows;       /* tokens of one pass, about */
} Reinforce;

/* What a step measured. */
typedef struct ReinforceStats {
    double value_loss, explained_variance; /* of the returns by the values; NAN without values */
    double advantage_sd;                   /* as they are, not whitened */
    double exact_kl; /* KL_LOSS: sum_t KL(pi(. | x, y_<t) || pi_ref(. | x, y_<t)), mean over rollouts; else NAN */
} ReinforceStats;

/* The standard deviation s of rewards less penalties, with n - 1, and their mean: n of at least 2. */
double reinforce_spread(const Rollout *r, int n, double *mean);

/* For every token of every rollout Z_t = w R' - beta sum_{s >= t} (log pi(y_s) - log pi_ref(y_s)), or with KL_LOSS w R'
 * alone; w = 1 - beta, or 1 of the plain form; R' = R, less the penalty where the response has no end, or with a spread
 * R' = (R less the penalty - mean) / (s + 1e-4), of the group or the batch. Penalty and R' are set. */
void reinforce_returns(Rollout *r, int n, const Objective *o);

/* The gradients of
 *     L_PG = -(1/N) sum_t A_t log pi(y_t | x, y_<t),   A_t = Z_t - baseline, taken as a constant; whitened
 *                                                      (A_t - mean) / sqrt(variance + 1e-8), over the N tokens; and
 *     L_V  =  (1/2N) sum_t (V_t - Z_t)^2, of a head on the policy times value_weight; with KL_LOSS also
 *     L_KL = (beta/N) sum_t KL(pi(. | x, y_<t) || pi_ref(. | x, y_<t))
 * over the N tokens of all rollouts. Every recomputed log pi(y_t) must be the sampled one in every bit; ERR_NUMBER
 * where it is not. The rollouts' values and advantages are set. `per_group` rollouts of one prompt stand together. */
bool reinforce_gradients(const Reinforce *rl, Rollout *r, int n, int per_group, ReinforceStats *stats,
                         Err *err) MUST_CHECK;

#endif
