/* Reinforcement learning: prompts, a policy, and rewards from reward models and direct judges (paper.md 6). This opens the
 * folder. Upwards: sample.h (responses of a policy), rollout.h (a response and its reward), reinforce.h (a rollout's return, its
 * advantage, the gradients), options.h, rewards.h (which are asked for), check.h, state.h, parts.h and open.h (the models of a training), judge.h, step.h (sample, reward, compare,
 * update), needs.h, eval.h, rl.c (the stage). inspect.h makes a recorded rollout again. Read step.c first, then reinforce.c. */
#ifndef RLAIF_RL_RL_H
#define RLAIF_RL_RL_H

#include "rlaif/rl/needs.h"
#include "rlaif/rl/open.h"
#include "rlaif/rl/step.h"

/* Trains a policy. The last one is the result; of those in between the checkpoints of the best reward on held-out prompts
 * are kept (paper.md 6.4).
 *
 * Summary: steps, and of the first and the last step reward, kl (or kl_sampling), entropy, tokens, ended, no_spread; with --reward
 * reward_scale, what the model's rewards were divided by; with --rewards `rewards`, a list of name, weight, scale and, of a reward model, reward_scale; with eval eval_prompts, eval_reward_last, and `checkpoints`, the best first: step (updates before it), eval_reward, name. */
bool rl_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* What a stage's identity is made of. The caller releases it. */
bool rl_about(json_t **about, const Work *work, const RlOptions *o, const AskedRewards *rewards, const Rows *rows,
              Err *err) MUST_CHECK;

#endif
