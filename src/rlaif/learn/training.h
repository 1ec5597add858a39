/* What the stages that train have in common: the output directory, checkpoints in it, resuming.
 *
 * This opens the folder. Its stages are sft.h (completions) and reward.h (preferences); both train by batches.h on what stands
 * here. loss.h is what reward models are trained by, held_pairs.h how well it foretells choices, flat.h when it says next to nothing.
 * Read training.c first, then sft.c.
 *
 * OUT/checkpoint-000010/ is a complete model with its trainer's state (and value/, the same of a value network); the
 * finished model stands in OUT itself, config.json last. The newest two checkpoints are kept, and those of the best
 * held-out scores, which are made when they are measured; those that the clock (--save-every 0) or an interruption made go when the stage is done. A directory that the store does not have
 * on record is nobody's and is removed. Beside them are the files of rlaif/stage/metric_log.h.
 *
 * A metric's step is the number of updates before it, from 0; what is measured after an update counts to its step. A
 * checkpoint of n steps holds the steps 0 .. n - 1, and a resumed run forgets the metrics from n on. */
#ifndef RLAIF_LEARN_TRAINING_H
#define RLAIF_LEARN_TRAINING_H

#include "rlaif/stage/metric_log.h"
#include "rlaif/stage/needs.h"
#include "rlaif/stage/stage.h"
#include "train/pass.h"
#include "train/trainer.h"

/* What is measured on held-out rows, after every so many steps and the last. */
typedef struct HeldOut {
    bool (*measure)(void *self, Stage *s, int step, Err *err); /* keeps metrics of the step */
    void *self;
    const char *score,
        *loss;      /* metrics: checkpoints of a higher score are better; or, where it is NULL, of a lower loss */
    int every;      /* 0: after the last step alone */
    int best;       /* so many checkpoints of the best scores are kept; those that are no better are not made */
    int early_stop; /* training is over after so many evaluations without a higher score or a lower loss; 0: it
                               * goes on to its last step */
} HeldOut;

typedef struct Training {
    Stage *stage;
    const char *out; /* the output directory */
    const TrainOptions *options;
    HeldOut held;     /* .measure is NULL: nothing is */
    Trainer *trainer; /* of the model */
    Trainer *value;   /* of the value network, or NULL */
    double begun;     /* clock before the first step, of this run */
    int first;        /* that step */
    double saved;     /* clock at the last checkpoint */
    double took;      /* seconds that writing it took; 0: none is written yet */
    MetricLog log;
    int saved_step; /* the trainer's step of that one; -1: none */
    int whole_step; /* up to which everything is on record: a checkpoint may be taken there; -1: not begun */
} Training;

/* May a model be written into this directory? Fails unless it is absent, empty, or `was_ours`, written by this stage before, and
 * holds nothing but what stages write there. */
bool output_check(const char *out, bool was_ours, Err *err) MUST_CHECK;
/* The same, and makes it an empty directory. */
bool output_clear(const char *out, bool was_ours, Err *err) MUST_CHECK;

/* Prepares OUT for a stage that has begun: what it replaces is removed; a directory that is not its own is refused.
 * Then loads the newest checkpoint, if there is one: the trainers' steps say where to go on. */
bool training_begin(Training *t, Err *err) MUST_CHECK;

/* Loads a checkpoint OUT/name into a trainer and, where it is not NULL, the value network's. */
bool checkpoint_load(const char *out, const char *name, Trainer *trainer, Trainer *value, Err *err) MUST_CHECK;

/* *done: the stage is, with its model in place. */
bool training_done(const Stage *s, const char *out, bool *done, Err *err) MUST_CHECK;

/* A step is over, everything of it on record: measures what is held out if that is due and not on record, brings the log to
 * the step, and writes a checkpoint if it is due, or its score one of the best so far. Also before the first step, which may
 * be that of a run that goes on: one that was interrupted while it was measured is measured then. */
bool training_settle(Training *t, Err *err) MUST_CHECK;

/* Seconds between checkpoints by the clock (--save-every 0), where writing one took so many: writing shall not be more than a
 * tenth of the time. */
double training_interval(double took);

/* Training is over: its last step is done, or the plateau of its held-out measures is reached. What they say is read from the
 * store, so that a run that goes on decides the same. */
bool training_over(const Training *t, bool *over, Err *err) MUST_CHECK;

/* With early_stop the trainers become those of the best score, after *best steps; else they stay, and *best is where they
 * are. */
bool training_take_best(Training *t, int *best, Err *err) MUST_CHECK;

/* In the summary of a stage with early_stop: best_step, and stopped_early, whether there would have been more steps. */
void training_say_best(const Training *t, int best, int last);

/* Writes the finished model into OUT and ends the stage. */
bool training_end(Training *t, Err *err) MUST_CHECK;

/* A training has failed with `err`: where it was told to stop, what it has done since the last checkpoint is kept in
 * another one. Returns false. */
bool training_stopped(Training *t, const Err *err);

/* From the store, so that a resumed run says the same: `steps`, and NAME_first and NAME_last of these metrics. */
bool training_summary(Stage *s, const char *const *names, int n, Err *err) MUST_CHECK;

/* The most that a training leaves on the disk at one time, in bytes: the checkpoints that are kept, so many of them for their
 * scores, and one that is being written, or the model at the end. value: NULL, or a network that checkpoints have beside it. */
double training_disk(const TrainOptions *o, int steps, int eval_every, int best, const Model *m, const Model *value);

/* What every stage needs of memory that trains one model: its weights, gradients and optimizer, its largest pass. */
void training_needs(Needs *n, const TrainOptions *o, const Model *m, PassSize pass);

/* The order of n items in an epoch: a permutation by seed. */
void epoch_order(int seed, int epoch, int *order, int n);

#endif
