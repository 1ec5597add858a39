/* Opening a training: models, prompts, the source of rewards. */
#ifndef RLAIF_RL_OPEN_H
#define RLAIF_RL_OPEN_H

#include "rlaif/rl/state.h"

/* Loads the models. With a function it is the reward, and the options name none. Of `work` the device is used, and with a judge
 * elsewhere the store. `rows` is borrowed; contexts that are too
 * long are cut in it, where the options say so. */
bool rl_open(Rl **out, const RlOptions *o, Work *work, Rows *rows, RewardFunction *function, Err *err) MUST_CHECK;
void rl_free(Rl *rl); /* accepts NULL */
/* Prompts as the policy reads them, [rows.n]; contexts that are too long are cut in the rows, where the options say so. The
 * caller releases each and frees the list, on failure too. */
bool rl_render(Rl *rl, Rows *rows, Ids **prompt, Err *err) MUST_CHECK;

#endif
