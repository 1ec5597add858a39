/* Reinforcement learning: prompts, a policy, and a reward from a reward model or a direct judge. */
#ifndef RLAIF_RL_RL_H
#define RLAIF_RL_RL_H

#include "rlaif/learn/training.h"
#include "rlaif/rl/reinforce.h"
#include "rlaif/rl/sample.h"
#include "rlaif/rows/cut.h"

typedef struct RlOptions {
    CommonOptions common;
    TrainOptions train;
    JudgeReading reading;     /* of a direct judge */
    EndpointOptions endpoint; /* one elsewhere */
    char *prompts, *model, *reference, *output, *reward, *judge, *prompt, *eval;
    int algorithm, objective, baseline, value, kl, logp_temperature, chat, limit, steps, epochs, batch, samples,
        max_prompt_tokens, truncate, max_new_tokens, top_k, value_warmup, eval_every, keep_best, scale;
    double beta, no_end_penalty, value_lr, value_weight, reward_weight, temperature, top_p;
    bool whiten, skip_bad;
} RlOptions;
extern const OptionTable rl_table;

/* What a step's time goes into. */
typedef enum RlPhase { RL_SAMPLE, RL_REWARD, RL_REFERENCE, RL_UPDATE, RL_PHASES } RlPhase;

/* What a step measured. */
typedef struct StepStats {
    double reward, reward_sd, kl, entropy, tokens, ended; /* means over rollouts; kl of a whole sequence, in nats */
    double penalty;                                       /* the mean of what was taken off */
    double by_model, by_judge;                            /* means of the parts of the reward; NAN: not asked */
    double reward_sd_within; /* of the rewards about the means of their prompts; NAN: one sample a prompt */
    double margins;          /* the reward model's: mean |sigma(d) - 1/2|; NAN: no groups */
    CutCount cut;            /* of the judge's contexts */
    int refused;             /* that an endpoint would not judge */
    ReinforceStats gradients;
    double seconds[RL_PHASES];
} StepStats;

/* The training itself, step by step, without a store: for the stage, for measurements and for tests. */
typedef struct Rl Rl;
/* Loads the models. With a function it is the reward, and the options name none. Of `work` the device is used, and with a judge
 * elsewhere the store. `rows` is borrowed; contexts that are too
 * long are cut in it, where the options say so. */
bool rl_open(Rl **out, const RlOptions *o, Work *work, Rows *rows, RewardFunction *function, Err *err) MUST_CHECK;
void rl_free(Rl *rl); /* accepts NULL */
/* Adds up the memory and the disk that it takes, if all responses are as long as they may be. */
bool rl_needs(const Rl *rl, Needs *n, Err *err) MUST_CHECK;
/* Samples, rewards, compares, updates. `record` (NULL: nowhere) keeps metrics and rollouts. */
bool rl_step(Rl *rl, Stage *record, StepStats *stats, Err *err) MUST_CHECK;

/* Trains a policy. The last one is the result; of those in between the checkpoints of the best reward on held-out prompts
 * are kept (paper.md 6.4).
 *
 * Summary: steps, and of the first and the last step reward, kl (or kl_sampling), entropy, tokens, ended; with a reward model
 * reward_scale, what its rewards were divided by; with eval eval_prompts, eval_reward_last, and `checkpoints`, the best first: step (updates before it), eval_reward, name. */
bool rl_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
