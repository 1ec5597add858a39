/* The store: an SQLite file that keeps what is finished, so that any command can be killed and run again.
 *
 * A stage has an identity, the hash of all that its results depend on. Beginning a stage of the same identity again
 * finds its items, metrics and checkpoints; another identity under the same name replaces them. Every item is written
 * in a transaction of its own or of its chunk; what was committed survives a kill.
 *
 * One run at a time has a store, and others read it and keep ratings in it meanwhile: readers never wait, writes wait
 * for each other. So what is done between store_begin and store_commit is short: nothing that a model works at. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/hash.h"
#include "base/json.h"

#include <stdint.h>

typedef struct Store Store;

/* Opens or makes the file as the one that writes it, until it is closed; PATH-writer beside it says so to others. An
 * older store gets what is new since then. Fails for a file that is no store, or of a newer program, and at once
 * (ERR_BUSY) where another run has it. */
bool store_open(Store **out, const char *path, Err *err) MUST_CHECK;
/* The same beside a run that may have it, to read it or to keep ratings; fails where there is none. */
bool store_open_existing(Store **out, const char *path, Err *err) MUST_CHECK;
/* Accepts NULL. A file that was made by this opening and holds nothing finished goes with it, unless it is to be
 * kept. */
void store_close(Store *s);
/* There are files now that only this store knows to be its own. */
void store_keep(Store *s);
const char *store_path(const Store *s);
const char *store_library(void); /* "SQLite 3.40.1" */

/* Changes between begin and commit appear together or not at all. Both calls nest. */
bool store_begin(Store *s, Err *err) MUST_CHECK;
bool store_commit(Store *s, Err *err) MUST_CHECK;

/* --- stages --------------------------------------------------------------------------------------------- */

typedef struct StageRow {
    int64_t id;
    char *name, *kind, *identity, *about, *output, *summary; /* the last two may be NULL */
    bool done;
    double seconds;
} StageRow;
void stage_row_release(StageRow *r);

/* What was found under the name. A stage that failed before it made anything is as if it had never begun. */
typedef enum StageFound { STAGE_NEW, STAGE_CONTINUED, STAGE_REPLACED } StageFound;

/* Makes the stage present and unfinished unless it was done with the same identity; *id is its number, *found
 * says what was there, *done whether nothing is left to do. */
bool store_stage_begin(Store *s, const char *name, const char *kind, const char *identity, const json_t *about,
                       int64_t *id, StageFound *found, bool *done, Err *err) MUST_CHECK;
/* Where its output will be, before there is any: what stands there is the stage's, even if it is killed. */
bool store_stage_output(Store *s, int64_t id, const char *output, Err *err) MUST_CHECK;
/* Marks it done; adds `seconds` to its time. summary and output may be NULL. */
bool store_stage_end(Store *s, int64_t id, const char *output, const json_t *summary, double seconds,
                     Err *err) MUST_CHECK;
/* A stage by name, or in order of making by index from 0; *present is false where there is none. */
bool store_stage_find(Store *s, const char *name, StageRow *row, bool *present, Err *err) MUST_CHECK;
bool store_stage_at(Store *s, int index, StageRow *row, bool *present, Err *err) MUST_CHECK;
bool store_stage_remove(Store *s, const char *name, Err *err) MUST_CHECK;

/* --- items ---------------------------------------------------------------------------------------------- */

/* Calls `use` with every item and its position in the input; -1: it had none there. */
typedef bool StorePlaceUse(void *context, const char *key, int position, Err *err);
bool store_items_places(Store *s, int64_t stage, StorePlaceUse *use, void *context, Err *err) MUST_CHECK;
bool store_item_place(Store *s, int64_t stage, const char *key, int position, Err *err) MUST_CHECK;
bool store_item_put(Store *s, int64_t stage, const char *key, int position, const char *row, Err *err) MUST_CHECK;
/* Removes items that the present input does not have; *removed of them. */
bool store_items_prune(Store *s, int64_t stage, int *removed, Err *err) MUST_CHECK;

/* Calls `use` with every placed row in order of position; stops where it returns false. */
typedef bool StoreUse(void *context, const char *row, Err *err);
bool store_items_each(Store *s, int64_t stage, StoreUse *use, void *context, Err *err) MUST_CHECK;
/* A StoreUse for whoever wants rows as JSON, theirs only within the call: its context is a StoreJson. */
typedef struct StoreJson {
    bool (*use)(void *context, json_t *row, Err *err);
    void *context;
} StoreJson;
bool store_json(void *json, const char *row, Err *err) MUST_CHECK;
/* At most n of them, from a position on. */
bool store_items_some(Store *s, int64_t stage, int from, int n, StoreUse *use, void *context, Err *err) MUST_CHECK;
bool store_items_count(Store *s, int64_t stage, int *n, Err *err) MUST_CHECK;

/* --- answers of judges elsewhere ------------------------------------------------------------------------ */

/* What was said under a key; *said, which the caller frees, is NULL where nothing was. */
bool store_answer_find(Store *s, const char *key, char **said, Err *err) MUST_CHECK;
bool store_answer_put(Store *s, const char *key, const char *said, Err *err) MUST_CHECK;

/* --- files ---------------------------------------------------------------------------------------------- */

/* SHA-256 of a file's bytes: read, or as it was kept for a file that has not changed since. s NULL, or a store of
 * another run: always read. */
bool store_file_hash(Store *s, const char *path, char out[HASH_TEXT], Err *err) MUST_CHECK;

/* --- training ------------------------------------------------------------------------------------------- */

bool store_metric(Store *s, int64_t stage, int step, const char *name, double value, Err *err) MUST_CHECK;
/* *value is NAN where there is none. */
bool store_metric_find(Store *s, int64_t stage, int step, const char *name, double *value, Err *err) MUST_CHECK;
typedef bool StoreMetricUse(void *context, int step, const char *name, double value, Err *err);
/* In order of step, then name. */
bool store_metrics_each(Store *s, int64_t stage, StoreMetricUse *use, void *context, Err *err) MUST_CHECK;
/* The same from a step on. */
bool store_metrics_from(Store *s, int64_t stage, int step, StoreMetricUse *use, void *context, Err *err) MUST_CHECK;

bool store_rollout(Store *s, int64_t stage, int step, int sample, const char *row, Err *err) MUST_CHECK;
/* The last step that has any; -1: none has. */
bool store_rollouts_last(Store *s, int64_t stage, int *step, Err *err) MUST_CHECK;
/* Of one step in order of sample; step -1: all, by step. */
bool store_rollouts_each(Store *s, int64_t stage, int step, StoreUse *use, void *context, Err *err) MUST_CHECK;
/* At most n of a step, from the `from`th on. */
bool store_rollouts_some(Store *s, int64_t stage, int step, int from, int n, StoreUse *use, void *context,
                         Err *err) MUST_CHECK;
bool store_rollouts_count(Store *s, int64_t stage, int step, int *n, Err *err) MUST_CHECK;

/* Forgets metrics and rollouts of steps from `step` on: a resumed run makes them again. */
bool store_forget_from(Store *s, int64_t stage, int step, Err *err) MUST_CHECK;

/* A checkpoint directory that is complete; score may be NAN. */
bool store_checkpoint(Store *s, int64_t stage, int step, const char *path, double score, Err *err) MUST_CHECK;
/* The newest one: *path is NULL where there is none; the caller frees it. */
bool store_checkpoint_newest(Store *s, int64_t stage, int *step, char **path, Err *err) MUST_CHECK;
/* The newest one of at most `most` steps. */
bool store_checkpoint_upto(Store *s, int64_t stage, int most, int *step, char **path, Err *err) MUST_CHECK;
/* Is this directory on record? */
bool store_checkpoint_known(Store *s, int64_t stage, const char *path, bool *known, Err *err) MUST_CHECK;
bool store_checkpoint_forget(Store *s, int64_t stage, int step, Err *err) MUST_CHECK;
/* The `most` of the best scores: the best first, of equal ones the earlier. */
typedef bool StoreCheckpointUse(void *context, int step, const char *path, double score, Err *err);
bool store_checkpoints_best(Store *s, int64_t stage, int most, StoreCheckpointUse *use, void *context,
                            Err *err) MUST_CHECK;
enum { REGULAR_KEPT = 2 };
/* Takes off the record what need not be kept. A checkpoint is regular at multiples of `every`; 0: all are, until the
 * stage is done. The newest REGULAR_KEPT regular ones stay, the `best` of the best scores, and unless `done` the newest of all:
 * so what stays of a finished stage does not depend on where it was interrupted. */
bool store_checkpoint_prune(Store *s, int64_t stage, int every, int best, bool done, Err *err) MUST_CHECK;

/* --- evaluations ---------------------------------------------------------------------------------------- */

/* What a stage did with prompts. */
typedef enum PromptUse {
    TRAINED_ON, /* or labelled them */
    CHOSEN_BY   /* chose a model by what it makes of them */
} PromptUse;

/* The prompts that a stage used so, by their hashes (context_hash, and of longer ones that of their beginning); those
 * it had before are forgotten. */
bool store_contexts_put(Store *s, int64_t stage, PromptUse use, const char *const *hash, int n, Err *err) MUST_CHECK;
/* The first stage that trained on this prompt, or with `chosen` also one that chose by it: its name, which the caller
 * frees, or NULL. */
bool store_context_find(Store *s, const char *hash, bool chosen, char **stage, Err *err) MUST_CHECK;

/* What a person said of an item, in place of what they said of it before. `kind`: "rank" or "harmless". */
bool store_rating_put(Store *s, const char *kind, const char *item, const char *rater, const char *row,
                      Err *err) MUST_CHECK;
/* Rows in order of item, then rater; of one rater, or of all (NULL). */
bool store_ratings_each(Store *s, const char *kind, const char *rater, StoreUse *use, void *context,
                        Err *err) MUST_CHECK;

#endif
