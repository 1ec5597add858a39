/* A trainer: a model with gradients, an optimizer and a step counter; updates and checkpoints.
 *
 * A checkpoint is a directory in Hugging Face's layout with trainer.safetensors and trainer.json beside:
 * loading it goes on in the same bytes. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "base/options.h"
#include "model/model.h"
#include "train/optimizer.h"
#include "train/schedule.h"

/* Options of every command that trains; a part of its options struct. */
typedef struct TrainOptions {
    int optimizer; /* OptimizerKind */
    double lr;
    int schedule; /* ScheduleKind */
    int warmup;
    double weight_decay, clip;
    int save_every;
    double memory; /* bytes that the stage may take; 0: what the machine has */
    int lora;      /* rank of an adapter that is trained in the model's place; 0: none */
    double lora_alpha;
    OptionList lora_targets; /* empty: all linear layers */
    bool rslora;
} TrainOptions;

/* The rows that all of them share: optimizer, lr, schedule, warmup, weight-decay, clip, save-every, memory, lora and what it has
 * beside. */
enum { TRAIN_OPTIONS = 12 };
extern const Option train_options[TRAIN_OPTIONS];

typedef struct Trainer {
    Model *model; /* borrowed, changed */
    const TrainOptions *options;
    Weights *grads;
    ParamList params, gradients; /* what is trained: of the model, and in grads */
    Optimizer optimizer;
    int step, steps;        /* done, planned */
    int wait;               /* first steps that leave the model as it is */
    double grad_norm, rate; /* of the last update */
} Trainer;

/* Gives a model the adapter that the options ask for, if they do: nothing else of it but heads is trained then. Two models of one
 * training have roles of their own, and so other first numbers. */
typedef enum TrainRole { ROLE_MODEL, ROLE_VALUE } TrainRole;
bool trainer_adapt(Model *model, const TrainOptions *options, int seed, TrainRole role, Err *err) MUST_CHECK;

bool trainer_init(Trainer *t, Model *model, const TrainOptions *options, int steps, Err *err) MUST_CHECK;
void trainer_release(Trainer *t);

/* One update from the gradients in t->grads, which are zero afterwards; none while it waits. A gradient that is not finite stops
 * the run: ERR_NUMBER, naming the step; nothing has changed then. */
bool trainer_update(Trainer *t, Err *err) MUST_CHECK;

/* What to do about numbers that are not finite. */
#define NOT_FINITE "lower --lr or --clip; the last checkpoint is intact"

/* Length of the gradients; the two of a tied embedding become one, so that it is taken once an update. */
double trainer_grad_norm(Trainer *t);

/* Writes the trainer's state (and the model's value head where the model's own files leave it out) into a
 * directory that has the model already; reads it, the model's weights included. `notes` is kept in
 * trainer.json. */
bool trainer_save(const Trainer *t, const char *dir, const json_t *notes, Err *err) MUST_CHECK;
bool trainer_load(Trainer *t, const char *dir, json_t **notes, Err *err) MUST_CHECK;

/* Bytes of an optimizer's state for a model of this configuration, as a checkpoint holds it. */
size_t trainer_state_bytes(const TrainOptions *options, const ModelConfig *c);
/* Bytes of gradients and optimizer state for a model of this configuration. */
size_t trainer_bytes(const TrainOptions *options, const ModelConfig *c);

#endif
