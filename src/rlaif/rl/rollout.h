/* Rollouts: responses of the policy to a step's prompts, with what the reward and the reference say of them. */
#ifndef RLAIF_RL_ROLLOUT_H
#define RLAIF_RL_ROLLOUT_H

#include "infer/generate.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/judge/source.h"

/* What a part of the reward says of a response. */
typedef struct PartSaid {
    double reward;   /* r */
    Verdict verdict; /* of a judge, to this prompt: the hash of what it read */
    char judge_prompt[HASH_TEXT];
} PartSaid;

/* One response y to a prompt x; arrays have one number per token of y. */
typedef struct Rollout {
    int row; /* of the prompts */
    int visit, sample;
    const Ids *prompt;     /* borrowed: x as the policy reads it */
    Response y;            /* ids, log pi(y_t), entropy, ended */
    float *reference_logp; /* log pi_ref(y_t) */
    double reward;         /* R */
    PartSaid *part;        /* [parts of the source]: what it is made of; NULL: a function's */
    double penalty;        /* taken off R, for the response has no end; 0: nothing */
    double learned;        /* R', what is learned from: R less the penalty, and scaled where it is */
    double *returns;       /* Z_t */
    float *values;         /* V_t; NULL: not learned */
    float *advantages;     /* A_t */
    double kl;             /* sum over t of log pi - log pi_ref */
    int first_target;      /* in the pass that trains on it */
} Rollout;
void rollout_release(Rollout *r);
/* Puts "FILE:LINE, sample N: " before the message of a failure, and returns false. */
bool rollout_failed(const Rollout *r, const Rows *rows, Err *err);

/* A reward that is computed from the response's text alone: for measurements and tests. */
typedef double RewardFunction(const char *response);

/* A part of the reward: a reward model or a direct judge. */
typedef struct RewardPart {
    double weight, scale;
    ChatMode chat;      /* how it is asked to read, */
    RewardModel *model; /* or */
    Judge *judge;       /* owned, */
    JudgeSource from;   /* and where it comes from */
    bool
        borrowed; /* the reward model, or the model or endpoint behind the judge, is an earlier part's or the reference */
    char hash[HASH_TEXT]; /* of the reward model */
    bool same_ids;        /* which reads the policy's own ids; */
    bool flat;            /* its margins were, on its training rows */
} RewardPart;

/* What gives rewards: a function, or parts: R = sum over them of weight r / scale. */
typedef struct RewardSource {
    RewardFunction *function;
    RewardPart *part; /* [parts], owned */
    int parts;
    bool policy_chats; /* the policy reads prompts as chat */
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
