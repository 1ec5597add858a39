/* The checkpoint of a reinforcement learning that is taken on (paper.md 6.4): those of the best reward on held-out prompts
 * are judged against the start, and the one that wins most often becomes the policy. */
#ifndef RLAIF_EVAL_CHOOSE_H
#define RLAIF_EVAL_CHOOSE_H

#include "rlaif/eval/compare.h"

typedef struct ChooseOptions {
    CompareOptions compare; /* policy: the directory of an rl stage with eval-every */
    char *output;
} ChooseOptions;
extern const OptionTable choose_table;

/* A win rate of every checkpoint as a stage NAME-CHECKPOINT of its own, with the replies of both (they are in the report);
 * then the model of the highest one, by the first judge prompt or else the reward model, into the output. Of equal ones the
 * better reward counts. The prompts may be those that the rl stage kept checkpoints by; evaluations refuse both afterwards.
 * The store is that of the rl stage. Outside a recipe prints the table, and fails for an output that holds what this stage has
 * not made.
 *
 * Summary: checkpoints, the best reward first: name, step, eval_reward, win_rate, interval; chosen (a name), step,
 * win_rate. */
bool choose_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
