/* The blueprint of a decoder-only transformer: one struct for every family, read from config.json or from
 * GGUF metadata.
 *
 * Letters used throughout: T tokens (rows), C width of the residual stream, H query heads, K key/value heads,
 * D size of a head, F width inside the feed-forward block, V vocabulary, L layers. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/err.h"

#include <jansson.h>

enum { MAX_LAYERS = 256 };

typedef enum Activation { ACT_SILU, ACT_GELU_TANH } Activation;

typedef enum RopeScaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_LLAMA3 } RopeScaling;

/* Rotary position embedding: angle = position * theta^(-2i/rotary_dim), with the frequencies scaled. */
typedef struct Rope {
    double theta;
    RopeScaling scaling;
    double factor;              /* ROPE_LINEAR, ROPE_LLAMA3 */
    double low_freq, high_freq; /* ROPE_LLAMA3 */
    double original_context;    /* ROPE_LLAMA3 */
} Rope;

/* What stands on the trunk; a policy may have two (HEAD_LM | HEAD_VALUE). */
typedef enum HeadKind {
    HEAD_LM = 1,     /* next-token logits */
    HEAD_REWARD = 2, /* score.weight [1][C] at the last token, no bias */
    HEAD_VALUE = 4   /* value.weight [1][C] and value.bias [1] at every token */
} HeadKind;

typedef struct ModelConfig {
    char family[32];     /* "llama", "gemma3": as GGUF's general.architecture */
    int layers;          /* L */
    int width;           /* C */
    int heads, kv_heads; /* H, K; H is a multiple of K */
    int head_dim;        /* D */
    int rotary_dim;      /* how many of a head's D numbers are rotated: even, 2 .. D */
    int ffn;             /* F */
    int vocab;           /* V */
    int context;         /* longest sequence */
    float norm_eps;
    bool norm_plus_one; /* a norm's gain is 1 + its weight (Gemma) */
    bool post_norms;    /* norms after attention and feed-forward too (Gemma) */
    bool qk_norm;       /* RMS norm of every head of q and k before the rotation */
    Activation activation;
    float embed_scale; /* factor on the embedding: 1, or sqrt(C) */
    float attn_scale;  /* factor on q.k */
    Rope rope;         /* of the global layers */
    Rope rope_local;   /* of the layers with a window */
    int window;        /* positions that a local layer's query sees, itself included; 0: none is local */
    bool local[MAX_LAYERS];
    bool tied;    /* the LM head is the embedding */
    int head;     /* HeadKind, or-ed */
    int bos, eos; /* -1: none; for config.json */
} ModelConfig;

/* Refuses what makes no sense: sizes that are zero, negative, absurd or do not divide; a rotary dimension
 * that is zero, odd or above the head's; a window or scale that is not positive; a NaN. `where` names the
 * file. */
bool config_check(const ModelConfig *c, const char *where, Err *err) MUST_CHECK;

/* From a Hugging Face config.json (both the older keys rope_theta / rope_scaling / torch_dtype and
 * transformers 5's rope_parameters / dtype), checked. An architecture that is not known is an error that
 * lists the known ones. `where` names the file. */
bool config_from_json(ModelConfig *c, const json_t *json, const char *where, Err *err) MUST_CHECK;

/* As config.json for the architecture and its head (LlamaForCausalLM, LlamaForSequenceClassification with
 * num_labels 1, ...), loadable by transformers 4 and 5. A value head is written as the causal model's. */
json_t *config_to_json(const ModelConfig *c);

/* --- for those who read and write configurations --- */

/* A family of models that is known: a row in config.c, and in each of the readers (config_json.c, gguf_config.c) a row
 * and a function for what is particular to it. */
typedef struct Family {
    const char *name;                /* ModelConfig.family, GGUF's general.architecture */
    const char *model_type;          /* of config.json */
    const char *causal, *classifier; /* of config.json: architectures */
    bool norm_plus_one, post_norms, qk_norm, scaled_embedding;
    bool rotary_pairs; /* in GGUF files: the rows of attn_q and attn_k that rotate together lie side by side */
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
