/* Options of reinforcement learning that do not go together. */
#ifndef RLAIF_RL_CHECK_H
#define RLAIF_RL_CHECK_H

#include "rlaif/rl/rewards.h"

/* `rewards` are those of the options. */
bool rl_options_check(const Work *work, const RlOptions *o, const AskedRewards *rewards, Err *err) MUST_CHECK;
/* The same of a recipe's stage, its list of rewards included, before anything runs; `where` begins the message. */
bool rl_complete(const void *options, const char *where, Err *err) MUST_CHECK;

#endif
