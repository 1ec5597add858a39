/* Adapters of models: first numbers, and merging. */
#ifndef MODEL_ADAPTER_H
#define MODEL_ADAPTER_H

#include "model/lora.h"
#include "model/model.h"

/* First numbers as PEFT's: A uniform in +-1/sqrt(in), by seed and by what the model is for; B zero, so that nothing changes. */
void model_init_adapter(Model *m, uint64_t seed, int role);
/* W += scale B A everywhere; the model has no adapter then, and a trunk of its own. */
bool model_merge(Model *m, Err *err) MUST_CHECK;

#endif
