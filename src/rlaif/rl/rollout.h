/* Rollouts: responses of the policy to a step's prompts, with what the reward and the reference say of them. */
#ifndef RLAIF_RL_ROLLOUT_H
#define RLAIF_RL_ROLLOUT_H

#include "infer/generate.h"
#include "rlaif/judge/source.h"
#include "rlaif/learn/reward_model.h"

/* One response y to a prompt x; arrays have one number per token of y. */
typedef struct Rollout {
    int row; /* of the prompts */
    int visit, sample;
    const Ids *prompt;         /* borrowed: x as the policy reads it */
    Response y;                /* ids, log pi(y_t), entropy, ended */
    float *reference_logp;     /* log pi_ref(y_t) */
    double reward;             /* R */
    double by_model, by_judge; /* what it is made of; NAN: not asked */
    Verdict said;              /* of a judge, to this prompt: the hash of what it read */
    char judge_prompt[HASH_TEXT];
    double penalty;    /* taken off R, for the response has no end; 0: nothing */
    double *returns;   /* Z_t */
    float *values;     /* V_t; NULL: not learned */
    float *advantages; /* A_t */
    double kl;         /* sum over t of log pi - log pi_ref */
    int first_target;  /* in the pass that trains on it */
} Rollout;
void rollout_release(Rollout *r);
/* Puts "FILE:LINE, sample N: " before the message of a failure, and returns false. */
bool rollout_failed(const Rollout *r, const Rows *rows, Err *err);

/* A reward that is computed from the response's text alone: for measurements and tests. */
typedef double RewardFunction(const char *response);

/* What gives rewards: a function, or a reward model, a direct judge, or both. */
typedef struct RewardSource {
    RewardFunction *function;
    RewardModel *model; /* owned */
    Judge *judge;       /* owned */
    JudgeSource judges; /* where it comes from, unless that is the reference */
    double weight;      /* with both: R = weight (the model's) + (1 - weight) (the judge's) */
    bool same_ids;      /* the reward model reads the policy's own ids */
    bool policy_chats;  /* the policy reads prompts as chat */
} RewardSource;
void reward_source_release(RewardSource *s);

/* Draws every rollout's response: row, visit, sample and prompt are set. Rollouts of one prompt stand together. What they
 * are for, RNG_ROLLOUT or RNG_HELD_OUT, keeps their random numbers apart from those of `sample`. */
bool rollouts_sample(Rollout *r, int n, Model *policy, const Rows *rows, const Sampling *how, RngPurpose purpose,
                     int seed, Err *err) MUST_CHECK;
/* R of every rollout. */
bool rollouts_reward(Rollout *r, int n, RewardSource *source, const Model *policy, const Rows *rows,
                     Err *err) MUST_CHECK;
/* log pi_ref and the KL of every rollout. */
bool rollouts_reference(Rollout *r, int n, Scorer *reference, Err *err) MUST_CHECK;

#endif
