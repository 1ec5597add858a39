/* Supervised fine-tuning: next tokens of completions. */
#ifndef RLAIF_LEARN_SFT_H
#define RLAIF_LEARN_SFT_H

#include "rlaif/learn/training.h"
#include "rlaif/rows/cut.h"

typedef struct SftOptions {
    CommonOptions common;
    TrainOptions train;
    char *data, *model, *output, *eval;
    int chat, limit, batch, epochs, max_tokens, truncate, eval_every, early_stop;
    bool skip_bad;
} SftOptions;
extern const OptionTable sft_table;

/* Trains `model` on the completions of the rows; the model goes to `output`.
 *
 * Summary: rows, steps, loss_first, loss_last; with eval eval_rows, eval_loss, of the model that is delivered; with
 * early_stop best_step and stopped_early. */
bool sft_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
