/* What reinforcement learning needs of memory and disk. */
#ifndef RLAIF_RL_NEEDS_H
#define RLAIF_RL_NEEDS_H

#include "rlaif/rl/state.h"

/* Adds up the memory and the disk that it takes, if all responses are as long as they may be. */
bool rl_needs(const Rl *rl, Needs *n, Err *err) MUST_CHECK;

/* What training on these rows needs, and what a step of it computes; the rows are viewed as prompts. */
bool rl_plan_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err) MUST_CHECK;
/* Says it, and settles what passes keep, within --memory; fails where it does not fit. */
bool rl_settle_needs(Rl *rl, const char *stage, json_t *summary, Err *err) MUST_CHECK;

#endif
