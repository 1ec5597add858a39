/* The direct judge of reinforcement learning. */
#ifndef RLAIF_RL_JUDGE_H
#define RLAIF_RL_JUDGE_H

#include "rlaif/rl/state.h"

/* The direct judge of the options: the reference's weights, where it is the very model that training starts from. */
bool rl_judge_open(Rl *rl, Work *work, Err *err) MUST_CHECK;
/* Fails where a longest reply to one of these prompts would leave the judge's prompt too long. */
bool rl_judge_fits(Rl *rl, const Rows *rows, Err *err) MUST_CHECK;
/* Of all rollouts on record: says in how many the judge read a cut context, or would not judge. */
bool rl_judge_report(const Rl *rl, Stage *s, Err *err) MUST_CHECK;

#endif
