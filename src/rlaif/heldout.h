/* Held-out prompts: an evaluation says nothing of a policy on prompts that it was trained on or chosen by (paper.md 2, 20). */
#ifndef RLAIF_HELDOUT_H
#define RLAIF_HELDOUT_H

#include "rlaif/stage.h"

/* --trained-on, an option of evaluations on plain files, whose store knows nothing of the training. */
#define TRAINED_ON_OPTION(type)                                                                                        \
    {                                                                                                                  \
        "trained-on", OPT_LIST, AT(type, trained_on),                                                                  \
            .value = "ROWS,...", .flags = OPT_WORKING,                                                                 \
            .help = "what was trained on or labelled: prompts that occur there are refused"                            \
    }

/* Refuses rows (viewed) whose prompts occur in what a stage of the store trained on, labelled or, unless `work` is choosing
 * itself, chose a model by, or in rows of `trained_on` (files or "stage:NAME"); prompts are compared as judges read them. The
 * message names both places. */
bool heldout_check(Work *work, const Rows *rows, const OptionList *trained_on, Err *err) MUST_CHECK;

#endif
