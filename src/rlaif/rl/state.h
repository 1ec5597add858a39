/* A training by reinforcement learning as it stands between two steps. */
#ifndef RLAIF_RL_STATE_H
#define RLAIF_RL_STATE_H

#include "rlaif/rl/rewards.h"

/* Step by step, without a store: for the stage, for measurements and for tests. */
typedef struct Rl {
    const RlOptions *options;
    const Rows *rows;
    Ids *prompt; /* [rows] as the policy reads them */
    Rows held;   /* held-out prompts */
    Ids *held_prompt;
    bool chat;
    CutCount cut;
    Model *policy, *reference, *value;
    Scorer *reference_scorer;
    AskedRewards asked;
    RewardSource source; /* its parts, in their order */
    char reference_hash[HASH_TEXT];
    bool from_reference; /* the policy started as the reference */
    Trainer policy_trainer, value_trainer;
    TrainOptions value_train; /* the value network's: with its own rate */
    Pass pass;
} Rl;

#endif
