/* Held-out prompts: an evaluation says nothing of a policy on prompts that it was trained on or chosen by (paper.md 2, 20). */
#ifndef RLAIF_STAGE_HELDOUT_H
#define RLAIF_STAGE_HELDOUT_H

#include "rlaif/rows/render.h"
#include "rlaif/stage/stage.h"

/* --trained-on, an option of evaluations on plain files, whose store knows nothing of the training. */
#define TRAINED_ON_OPTION(type)                                                                                        \
    {                                                                                                                  \
        "trained-on", OPT_LIST, AT(type, trained_on),                                                                  \
            .value = "ROWS,...", .flags = OPT_WORKING,                                                                 \
            .help = "what was trained on or labelled: prompts that occur there are refused"                            \
    }

/* Refuses rows (viewed) whose prompts occur in what a stage of the store trained on, labelled or, unless `work` is choosing
 * itself, chose a model by, or in rows of `trained_on` (files or "stage:NAME"); prompts are the same by context_hash. The
 * message names both places. Conversations that only begin alike are warned of. */
bool heldout_check(Work *work, const Rows *rows, const OptionList *trained_on, Err *err) MUST_CHECK;

/* The same by what the store beside a model has of its training: MODEL.rlaif of a command, or a run's in the model's folder.
 * Where there is none, or it cannot be read, which is said, nothing is refused. */
bool heldout_check_model(const Work *work, const Rows *rows, const char *model, Err *err) MUST_CHECK;

/* stage_hash_rows of what a training measures itself on (--eval): refuses a prompt of it that is among the rows (viewed)
 * trained on, too. */
bool heldout_hash_rows(Work *work, const char *source, RowNeed need, bool skip_bad, const Rows *trained,
                       char out[HASH_TEXT], Err *err) MUST_CHECK;

/* The same of rows that a model reads as the same ids, whatever they say: as where a template adds a system turn that another
 * row has. */
bool heldout_check_read(const Model *m, ChatMode mode, const Rows *rows, const Rows *trained, Err *err) MUST_CHECK;

/* The places ("path:line") of rows (viewed) by the hashes of their prompts. The caller releases it. */
json_t *heldout_index(const Rows *rows);
/* Says that the prompt at a place occurs elsewhere too; false. */
bool heldout_refuse(const char *place, const char *where, Err *err);

#endif
