/* Opening the parts of a reward. */
#ifndef RLAIF_RL_PARTS_H
#define RLAIF_RL_PARTS_H

#include "rlaif/rl/state.h"

/* The reward models and judges that the options ask for, each model once: a judge is the reference's weights, where it is the very
 * model that training starts from. Policy and reference are there. */
bool rl_parts_open(Rl *rl, Work *work, Err *err) MUST_CHECK;

#endif
