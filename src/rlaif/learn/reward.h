/* Reward models trained on preferences (paper.md 5): soft labels from a judge, people's choices, or both. */
#ifndef RLAIF_LEARN_REWARD_H
#define RLAIF_LEARN_REWARD_H

#include "rlaif/judge/reward_model.h"
#include "rlaif/learn/training.h"
#include "rlaif/rows/cut.h"

typedef enum LabelSource {
    LABELS_AUTO, /* a row's AI label, else the person's choice */
    LABELS_AI,
    LABELS_HUMAN,
    LABELS_BOTH /* every label that a row has is a training pair */
} LabelSource;

typedef struct RewardOptions {
    CommonOptions common;
    TrainOptions train;
    OptionList pairs;
    char *model, *output, *eval, *centre_on, *subset;
    int source, chat, limit, batch, epochs, max_tokens, truncate, eval_labels, eval_every, early_stop, scale;
    double weight_ai, weight_human;
    bool skip_bad;
} RewardOptions;
extern const OptionTable reward_table;

/* Trains a scalar head and its trunk on L = -w (p log sigma(d) + (1 - p) log sigma(-d)), d = r(first) - r(second), w the
 * weight of the label's source, the mean over the pairs of a batch. The pairs of a group stay together: a batch takes groups
 * and single pairs until it holds --batch pairs or more; each reply of a group is computed once, and counts once in the centre
 * and the scale. Then stores the centre of its rewards on the training rows, or on the responses of
 * --centre-on, and their scale on the training rows. Labels or margins that are flat (reward_model.h) are warned of.
 *
 * Summary: pairs, pairs_ai, pairs_human, centre, scale, sd (of the head's values on the training rows), margin_distance
 * and of a judge's labels label_distance (FLAT, in reward_model.h, says of what); with centre_on centre_responses,
 * centre_sd (of them) and training_centre; with eval eval_pairs, eval_prompts, eval_accuracy, eval_loss, of the model that is
 * delivered; with early_stop best_step and stopped_early. */
bool reward_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* What training on these rows needs, and what it computes; the rows are viewed as pairs. */
bool reward_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err) MUST_CHECK;

/* The training itself, step by step, without a store: for the stage, for measurements and for embedding. */
typedef struct RewardTraining RewardTraining;
/* Loads the model and reads the rows' labels; contexts that are too long are cut in the rows, where the options say so. */
bool reward_training_open(RewardTraining **out, const RewardOptions *o, Device *device, Rows *rows,
                          Err *err) MUST_CHECK;
void reward_training_free(RewardTraining *t); /* accepts NULL */
/* Trees: pairs, or groups of them. */
int reward_training_items(const RewardTraining *t);
/* The pairs of item i; their tokens, and those that are computed. */
int reward_training_tokens(const RewardTraining *t, int i, int *all, int *computed);
/* One update on the items order[0 .. n); *loss is the mean loss of their pairs before it. */
bool reward_training_step(RewardTraining *t, const int *order, int n, double *loss, Err *err) MUST_CHECK;

#endif
