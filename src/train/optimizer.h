/* Optimizers: AdamW, and Adafactor with factored second moments (the learning rate as given, no parameter
 * scaling, no momentum). */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "model/file/safetensors.h"
#include "model/params.h"
#include "tensor/ops.h"

typedef enum OptimizerKind { OPTIMIZER_ADAFACTOR, OPTIMIZER_ADAMW } OptimizerKind;
#define OPTIMIZERS "adafactor|adamw"

typedef struct Optimizer {
    OptimizerKind kind;
    double weight_decay; /* AdamW: decoupled, on matrices */
    int step;            /* updates made */
    float *m, *v;        /* AdamW: the moments, laid out as the parameters are, one after the other */
    size_t n_moments;    /* floats of each */
    float *factors;      /* Adafactor: row means, then column means, parameter by parameter */
    size_t n_factors;
} Optimizer;

/* For these parameters: no others have a state, and steps are given these. */
bool optimizer_init(Optimizer *o, OptimizerKind kind, double weight_decay, const ParamList *params,
                    Err *err) MUST_CHECK;
void optimizer_release(Optimizer *o);

/* One update of the parameters from their gradients (the same list in other Weights), each multiplied by grad_scale. */
void optimizer_step(Optimizer *o, Device *d, const ParamList *params, const ParamList *grads, double lr,
                    double grad_scale);

/* The state as tensors of a file: declared, then written in the same order; and read back. */
void optimizer_declare(const Optimizer *o, SafetensorsWriter *w);
bool optimizer_write(const Optimizer *o, SafetensorsWriter *w, Err *err) MUST_CHECK;
bool optimizer_read(Optimizer *o, const Safetensors *s, const char *where, Err *err) MUST_CHECK;

/* Bytes of its state for these parameters. */
size_t optimizer_bytes(OptimizerKind kind, const ParamList *params);

#endif
