/* The direct judges of reinforcement learning. */
#ifndef RLAIF_RL_JUDGE_H
#define RLAIF_RL_JUDGE_H

#include "rlaif/rl/state.h"

/* Fails where a longest reply to one of these prompts would leave a judge's prompt too long. */
bool rl_judge_fits(const Rl *rl, const Rows *rows, Err *err) MUST_CHECK;
/* Of all rollouts on record: says in how many a judge read a cut context, or would not judge. */
bool rl_judge_report(Stage *s, Err *err) MUST_CHECK;

#endif
