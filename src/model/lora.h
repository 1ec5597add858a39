/* Low-rank adapters (LoRA, Hu et al. 2021) as shapes: which linear layers have one, of which rank and factor. */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "base/json.h"
#include "base/options.h"
#include "model/params.h"

/* An adapter as it is asked for. */
typedef struct LoraChoice {
    int rank;     /* 1 or more */
    double alpha; /* 0: twice the rank */
    bool rslora;
    const OptionList *targets; /* PEFT's names of linear layers: ends of their names, or all-linear */
} LoraChoice;

#define LORA_ALL "all-linear"

/* The name of a linear layer's module in Hugging Face's model, from its W's parameter. */
enum { MODULE_NAME = 80 };
void lora_module(const Param *w, char out[MODULE_NAME]);
/* Is `target` the module's name or the end of it behind a dot? */
bool lora_targets(const char *target, const char *module);

/* Sets the shapes of an adapter in a configuration. Fails for a target that is no linear layer's, and a rank over a width. */
bool lora_choose(ModelConfig *c, const LoraChoice *choice, Err *err) MUST_CHECK;
/* Sets that of one linear layer. Fails for a rank that is 0 or over its width; `where` begins the message. */
bool lora_set(ModelConfig *c, const Param *w, LoraShape shape, const char *where, Err *err) MUST_CHECK;

/* --- adapter_config.json, as PEFT writes it: what an adapter is, apart from its numbers --- */

/* Reads the JSON of `where`; borrows it. Fails for what is no LoRA adapter, and names what this program does not have: DoRA,
 * biases, modules to save that are no reward head, and whatever else would change what is computed. */
typedef struct AdapterConfig {
    const json_t *json;
    const char *where;
    bool rslora;
    int rank;
    double alpha;
} AdapterConfig;
bool adapter_config_read(AdapterConfig *a, const json_t *json, const char *where, Err *err) MUST_CHECK;

/* What it says of the linear layer of this W: may it have an adapter, of which shape? */
bool adapter_config_of(const AdapterConfig *a, const Param *w, bool *target, LoraShape *shape, Err *err) MUST_CHECK;

/* Fails where it asks for an adapter of this matrix, the embedding or the LM head, which have none here. */
bool adapter_config_leaves(const AdapterConfig *a, const Param *w, Err *err) MUST_CHECK;

/* The JSON for a model's adapter, from its configuration; `base` is the base's path. */
json_t *adapter_config_json(const ModelConfig *c, const char *base);

#endif
