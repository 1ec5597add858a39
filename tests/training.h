/* Stages that train, run in this process on a tiny model of tests/fixtures: options by name, a store in memory. */
#ifndef TESTS_TRAINING_H
#define TESTS_TRAINING_H

#include "rlaif/stage/stage.h"
#include "support.h"

/* A policy, a judge: it has a chat template and says nothing sensible. */
#define TINY_LLAMA_DIR "tests/fixtures/tiny-llama"

typedef struct Bench {
    char *folder;
    CommonOptions common;
    Work work; /* its summary is that of the stage that ended last */
    Library library;
} Bench;

/* A folder with prompts.jsonl, held.jsonl (other prompts), pairs.jsonl (labels and people's choices), rated.jsonl (the
 * same to other prompts), demos.jsonl, replies.jsonl, eight rows each, and groups.jsonl, the labelled pairs of four replies to
 * each of three prompts; skips the test aloud where this CPU lacks the level. */
void bench_open(Bench *b, CpuLevel level, int threads);
/* The same at the best level, and reward/, a reward model. */
void bench_begin(Bench *b);
void bench_end(Bench *b);

/* FOLDER/name, which the caller frees. */
char *bench_path(const Bench *b, const char *name);
/* Writes it; a Str is released. */
void bench_write(const Bench *b, const char *name, const char *text);
void bench_put(const Bench *b, const char *name, Str *text);

typedef bool StageFunction(Work *work, const char *name, const void *options, Err *err);

/* Runs a stage with options "name=value", a NULL at the end; values that begin with "@" are names in the folder. */
bool bench_run(Bench *b, const OptionTable *table, StageFunction *stage, const char *name, Err *err, ...) MUST_CHECK;

/* The number under a key of the summary, or of a step's line in DIR/metrics.jsonl; NAN where there is none. */
double bench_summary(const Bench *b, const char *key);
double bench_metric(const Bench *b, const char *dir, int step, const char *key);

/* The gradient of a training's only step in DIR, by AdamW without a rate, --clip 0 and --save-every 1, and its model, which did
 * not move. Release both. */
Model *bench_gradient(const Bench *b, const char *dir, int heads, Weights *gradient);

/* The rows that a stage stored, as a list. The caller releases it. */
json_t *bench_rows(const Bench *b, const char *stage);

/* FOLDER/to: a copy of FOLDER/from, a reward model, whose rewards are one number of the hidden state times a factor. */
void bench_reward_at(const Bench *b, const char *from, const char *to, int number, double factor);

/* Two files of the folder have the same bytes. */
void bench_same(const Bench *b, const char *a, const char *other);

#endif
