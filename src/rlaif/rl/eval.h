/* The policy on held-out prompts while it learns. */
#ifndef RLAIF_RL_EVAL_H
#define RLAIF_RL_EVAL_H

#include "rlaif/rl/state.h"

/* The policy on the held-out prompts, one response to each with the same random numbers every time: means of reward, KL,
 * length and share that ended, as metrics of a step. */
bool rl_measure_held_out(void *rl, Stage *s, int step, Err *err) MUST_CHECK;

#endif
