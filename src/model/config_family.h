/* The families of models that are known: a row in config.c, and a function in each of the readers
 * (config_json.c, gguf_config.c) for what is particular to it. */
#ifndef MODEL_CONFIG_FAMILY_H
#define MODEL_CONFIG_FAMILY_H

#include "model/config.h"

typedef struct Family {
    const char *name;                /* ModelConfig.family, GGUF's general.architecture */
    const char *model_type;          /* of config.json */
    const char *causal, *classifier; /* of config.json: architectures */
    bool norm_plus_one, post_norms, qk_norm, scaled_embedding;
    Activation activation;
} Family;

/* The family of this name, or NULL. */
const Family *family_find(const char *name);

/* Sets the fields of a zeroed configuration that the family fixes, and those that are absent in most files:
 * plain rotation, no window, no BOS and EOS. */
void family_begin(const Family *f, ModelConfig *c);

/* Sets what follows from the sizes: the factors on the embedding and (unless it is set) on q.k. */
void family_scales(const Family *f, ModelConfig *c);

#endif
