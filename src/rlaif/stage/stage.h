/* Stages: what a command does, so that it can be killed anywhere and run again. The same functions serve a
 * command on plain files (its store is the neighbour OUT.rlaif) and a recipe (one store for the run).
 *
 * This opens the folder, which knows what every stage needs around its own work: its identity and its rows in the store (stage.c),
 * what it takes of the machine (needs.h), prompts that are held out (heldout.h), metrics in files (metric_log.h, tensorboard.h),
 * what judges cost (spending.h), and the statistics of evaluations (stats.h). Read stage.c first. */
#ifndef RLAIF_STAGE_STAGE_H
#define RLAIF_STAGE_STAGE_H

#include "base/log.h"
#include "base/options.h"
#include "model/model.h"
#include "net/address.h"
#include "rlaif/rows/rows.h"
#include "rlaif/stage/spending.h"
#include "store/store.h"

/* Options of every command; the first member of every options struct. */
typedef struct CommonOptions {
    int seed, date, threads, cpu, weights;
    bool quiet, json;
    char *run, *base;
} CommonOptions;
/* Of every command; of those that render rows: date, weights and base, the last ones, too; weights and base, where models are
 * loaded without; base, where they are read without weights. */
enum { COMMON_OPTIONS = 6, RENDER_OPTIONS = 9, WEIGHTS_OPTION = 7, MODEL_OPTIONS = 2, BASE_OPTION = 8 };
extern const Option common_options[RENDER_OPTIONS];

/* In the directory of a training: what was asked for, so that a step can be made again. */
#define OPTIONS_FILE "options.yaml"

/* What stages work with. */
typedef struct Work {
    Store *store;
    Device *device;
    const CommonOptions *common;
    HttpEnvironment environment; /* for endpoints */
    Spending spent;              /* by all stages, on judges elsewhere */
    bool in_recipe;              /* products stay in the store */
    bool choosing;               /* a win rate is to choose a model by, on prompts that others may have chosen by */
    json_t *summary;             /* of the stage that ended last; for --json */
} Work;

/* model_load on this command's device, with the day that it gives to templates. */
bool work_model(Model **out, const char *path, const Work *work, int heads, Err *err) MUST_CHECK;

/* model_hash with this command's store; where models are only planned, the path's, and no file is read. */
bool work_model_hash(const Work *work, const char *path, char out[HASH_TEXT], Err *err) MUST_CHECK;

typedef struct Stage {
    Work *work;
    const char *kind;
    char *name;
    int64_t id;
    bool done; /* found finished: nothing is left to do */
    StageFound found;
    double began;
    size_t peak_before; /* bytes that the program had taken at most when the stage began */
    json_t *summary;    /* what --json prints; filled by the stage */
    const Rows *rows;   /* within stage_rows: its rows, */
    const int *missing; /* and those that are still to do */
    int n_missing;
    int *left_out; /* after stage_rows: numbers of the rows that got no answer, ascending; n_left_out of them */
    int n_left_out;
    int first_chunk; /* rows of stage_rows' first chunk, by which `prepare` lets time be measured; 0: as of the others */
} Stage;

/* Begins a stage under a name. `about` (taken over) says everything that its results depend on: its hash is
 * the stage's identity. Notes when rows of another identity are replaced. */
bool stage_begin(Stage *s, Work *work, const char *name, const char *kind, json_t *about, Err *err) MUST_CHECK;
/* Records that it is done, with its output (a path, or NULL) and its summary; says what memory it took, where it had said
 * what it needs (needs.h). */
bool stage_end(Stage *s, const char *output, Err *err) MUST_CHECK;
void stage_release(Stage *s);

/* Records that the stage uses these rows' prompts so: no evaluation may use them (heldout.h). */
bool stage_uses_prompts(Stage *s, PromptUse use, const Rows *rows, Err *err) MUST_CHECK;

/* about: the options that shape results, and hashes by name, e.g. ("model", m->hash, "prompt", p->hash,
 * NULL). */
json_t *stage_about(const OptionTable *table, const void *options, const CommonOptions *common, ...);

/* Does the work of a chunk of rows: out[i] becomes the finished row for rows->row[index[i]] (a new
 * reference), or stays NULL where none will come (JudgeOptions.refused): the row is left out. */
typedef bool RowWork(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err);

/* Finishes every row that the store does not have, `chunk` at a time, each chunk committed at once. `prepare`
 * is called once before the first missing row (to load models) and may be NULL. Rows that are left out are said in the end,
 * and in the summary: `left_out` {bad (rows that could not be read), unanswered, rows: their places}; they are in no store,
 * so that the same command does their work again. Fails where none is finished. */
bool stage_rows(Stage *s, const Rows *rows, int chunk, const char *unit, bool (*prepare)(void *, Err *), RowWork *work,
                void *context, Err *err) MUST_CHECK;

/* Of a command: writes the stage's rows as JSONL (NULL or "-": standard output). In a recipe they stay in the store. */
bool stage_deliver(Stage *s, const char *path, Err *err) MUST_CHECK;

/* Rows from a file, or from a finished stage of this store, written "stage:NAME"; viewed as what is needed. */
bool stage_read_rows(Work *work, const char *source, int limit, RowNeed need, bool skip_bad, Rows *out,
                     Err *err) MUST_CHECK;

/* A hash of the same rows, for a stage's identity; "" where source is NULL. */
bool stage_hash_rows(Work *work, const char *source, RowNeed need, bool skip_bad, char out[HASH_TEXT],
                     Err *err) MUST_CHECK;

/* Where the store of a command on plain files is: RUN/store.sqlite under --run, else OUT.rlaif. The caller frees it. */
char *work_store_path(const Work *work, const char *output);
/* The store of a command on plain files: RUN/store.sqlite under --run, else OUT.rlaif; in memory for standard
 * output. */
bool work_open_store(Work *work, const char *output, Err *err) MUST_CHECK;
/* The same where the output is a file of rows: a name that cannot be one fails before any work is done. */
bool work_open_rows_store(Work *work, const char *output, Err *err) MUST_CHECK;
/* To read: the store of a run's directory, or *beside what a command made, as OUT.rlaif. */
bool work_open_existing(Work *work, const char *path, bool *beside, Err *err) MUST_CHECK;

#endif
