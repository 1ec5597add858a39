/* Optimizers: AdamW, and Adafactor with factored second moments (the learning rate as given, no parameter
 * scaling, no momentum). */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "model/file/safetensors.h"
#include "model/model.h"

typedef enum OptimizerKind { OPTIMIZER_ADAFACTOR, OPTIMIZER_ADAMW } OptimizerKind;
#define OPTIMIZERS "adafactor|adamw"

typedef struct Optimizer {
    OptimizerKind kind;
    double weight_decay; /* AdamW: decoupled, on matrices */
    int step;            /* updates made */
    Weights *m, *v;      /* AdamW's moments */
    float *factors;      /* Adafactor: row means, then column means, parameter by parameter */
    size_t n_factors;
} Optimizer;

bool optimizer_init(Optimizer *o, OptimizerKind kind, double weight_decay, Model *model, Err *err) MUST_CHECK;
void optimizer_release(Optimizer *o);

/* One update of the model's parameters from their gradients, each multiplied by grad_scale. */
void optimizer_step(Optimizer *o, Model *model, Weights *grads, double lr, double grad_scale);

/* The state as tensors of a file: declared, then written in the same order; and read back. */
void optimizer_declare(const Optimizer *o, SafetensorsWriter *w);
bool optimizer_write(const Optimizer *o, SafetensorsWriter *w, Err *err) MUST_CHECK;
bool optimizer_read(Optimizer *o, const Safetensors *s, const char *where, Err *err) MUST_CHECK;

/* Bytes of its state for a model of this configuration. */
size_t optimizer_bytes(OptimizerKind kind, const ModelConfig *c);

#endif
