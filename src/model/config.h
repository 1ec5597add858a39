/* The blueprint of a decoder-only transformer: one struct for every family, read from config.json or from
 * GGUF metadata.
 *
 * Letters used throughout: T tokens (rows), C width of the residual stream, H query heads, K key/value heads,
 * D size of a head, F width inside the feed-forward block, V vocabulary, L layers. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/err.h"
#include "tensor/ops.h"

#include <jansson.h>

enum { MAX_LAYERS = 256, MAX_ROPE_FACTORS = 128 };

typedef enum RopeScaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN, ROPE_LONG } RopeScaling;

/* Rotary position embedding: angle = position * theta^(-2i/rotary_dim), with the frequencies scaled (docs/math.md). */
typedef struct Rope {
    double theta;
    RopeScaling scaling;
    double factor;              /* all but ROPE_PLAIN and ROPE_LONG */
    double low_freq, high_freq; /* ROPE_LLAMA3, ROPE_YARN: turns over the original context */
    double original_context;    /* ROPE_LLAMA3, ROPE_YARN, ROPE_LONG */
    double attention;           /* ROPE_YARN, ROPE_LONG: factor on cosines and sines */
    /* ROPE_LONG: divisors of the frequencies. Texts up to the original context have the short ones, and longer texts are not
     * read: the long ones would change what came before. They are kept for who reads the model elsewhere. */
    double short_factor[MAX_ROPE_FACTORS], long_factor[MAX_ROPE_FACTORS];
    int long_context; /* ROPE_LONG: the longest sequence of the long ones */
} Rope;

/* What stands on the trunk; a policy may have two (HEAD_LM | HEAD_VALUE). */
typedef enum HeadKind {
    HEAD_LM = 1,     /* next-token logits */
    HEAD_REWARD = 2, /* score.weight [1][C] at the last token; score.bias [1] where the configuration says so */
    HEAD_VALUE = 4   /* value.weight [1][C] and value.bias [1] at every token */
} HeadKind;

/* The linear layers of a layer: q, k, v, o, gate, up, down, as the table of params.c has them. */
enum { LINEARS = 7 };

/* A low-rank adapter of a linear layer: y = W x + scale B (A x), A [rank][in], B [out][rank]; scale = alpha / rank, or
 * alpha / sqrt(rank) of rank-stabilised ones (Kalajdzievski 2023). */
typedef struct LoraShape {
    int rank; /* 0: none */
    float alpha;
} LoraShape;

typedef struct ModelConfig {
    char family[32];     /* "llama", "gemma3", ...: a row of config.c */
    int layers;          /* L */
    int width;           /* C */
    int heads, kv_heads; /* H, K; H is a multiple of K */
    int head_dim;        /* D */
    int rotary_dim;      /* how many of a head's D numbers are rotated: even, 2 .. D; 0 with learned positions */
    int ffn;             /* F */
    int vocab;           /* V */
    int context;         /* longest sequence */
    float norm_eps;
    bool layer_norm;        /* LayerNorm, with biases, instead of RMS norm */
    bool norm_plus_one;     /* a norm's gain is 1 + its weight (Gemma) */
    bool post_norms;        /* norms after attention and feed-forward too (Gemma) */
    bool qk_norm;           /* RMS norm of every head of q and k before the rotation */
    bool qkv_bias, o_bias;  /* of attention's linear layers */
    bool ffn_bias;          /* of the feed-forward block's */
    bool ungated;           /* that block is act(x up) down, not (act(x gate) x up) down */
    bool parallel;          /* attention and that block both read the layer's input */
    bool learned_positions; /* an embedding of positions, `context` of them, instead of rotation */
    Activation activation;
    float embed_scale; /* factor on the embedding: 1, or sqrt(C) */
    float attn_scale;  /* factor on q.k */
    float attn_cap;    /* soft cap of attention's scores; 0: none */
    float logit_cap;   /* soft cap of the logits; 0: none */
    Rope rope;         /* of the global layers */
    Rope rope_local;   /* of the layers with a window */
    int window;        /* positions that a local layer's query sees, itself included; 0: none is local */
    bool local[MAX_LAYERS];
    bool tied;                    /* the LM head is the embedding */
    int head;                     /* HeadKind, or-ed */
    bool score_bias;              /* the reward head has a bias; none that this program trains has */
    double score_mean, score_std; /* of OpenRLHF's class: a score is (head - mean) / std; std 0: it is the head */
    bool score_apart;             /* it has these numbers, and is not told to use them */
    int bos, eos;                 /* -1: none; for config.json */
    int pad; /* of a reward model of others: the token that its class takes for padding; -1: none */
    LoraShape lora[MAX_LAYERS][LINEARS];
    int lora_rank;    /* the largest of them; 0: the model has no adapter */
    bool lora_rslora; /* rank-stabilised */
} ModelConfig;

/* Refuses what makes no sense: sizes that are zero, negative, absurd or do not divide; a rotary dimension
 * that is zero, odd or above the head's; parts that no family has together; a window or scale that is not positive; a NaN. `where` names the
 * file. */
bool config_check(const ModelConfig *c, const char *where, Err *err) MUST_CHECK;

/* From a Hugging Face config.json (both the older keys rope_theta / rope_scaling / torch_dtype and
 * transformers 5's rope_parameters / dtype), checked. An architecture that is not known is an error that
 * lists the known ones. `where` names the file. */
bool config_from_json(ModelConfig *c, const json_t *json, const char *where, Err *err) MUST_CHECK;

/* As config.json for the architecture and its head (LlamaForCausalLM, LlamaForSequenceClassification with
 * num_labels 1, ...), loadable by transformers 4 and 5. A value head is written as the causal model's; padding is model_save's. */
json_t *config_to_json(const ModelConfig *c);

/* Every how manieth layer is global, or 0 where no such number describes the layers. */
int config_pattern(const ModelConfig *c);

/* --- for those who read and write configurations --- */

/* What config.json calls a size; NULL: the family has it from the others. */
typedef struct SizeKeys {
    const char *layers, *width, *heads, *kv_heads, *head_dim, *ffn, *context, *norm_eps;
} SizeKeys;

/* How a tensor holds its parameters. */
typedef enum Order {
    ORDER_PLAIN,      /* rows as they are; where several share a tensor, those of one after those of the other */
    ORDER_TRANSPOSED, /* [columns][rows] */
    ORDER_BY_HEAD     /* several share it and take turns after every head */
} Order;

/* How a family's files name and hold a parameter, where they do it otherwise than the table of params.c says. */
typedef struct Naming {
    const char
        *own; /* as that table names it in GGUF files, without ".weight"; "blk.": what stands before a layer's number */
    const char *theirs; /* of several parameters the same: they share a tensor */
    Order order;
} Naming;

/* A family of models that is known: a row in config.c, and in each of the readers (config_json.c, gguf_config.c) a row
 * and a function for what is particular to it. */
typedef struct Family {
    const char *name;                /* ModelConfig.family */
    const char *gguf;                /* general.architecture of its GGUF files */
    const char *model_type;          /* of config.json */
    const char *causal, *classifier; /* of config.json: architectures */
    const SizeKeys *keys;
    const Naming *hf_names, *gguf_names; /* each ends with a row of NULL; or NULL */
    bool norm_plus_one, post_norms, qk_norm, scaled_embedding;
    bool layer_norm, qkv_bias, o_bias, ffn_bias, ungated, parallel, learned_positions;
    bool attention_bias, mlp_bias; /* switches of config.json; in GGUF files: they have biases, or not */
    bool soft_caps;                /* they may have */
    bool rotary_pairs; /* in GGUF files: the rows of attn_q and attn_k that rotate together lie side by side */
    Activation activation;
} Family;

/* The family of this name, or NULL. */
const Family *family_find(const char *name);
/* The i-th of the table, or NULL behind the last. */
const Family *family_at(int i);
/* Refuses the name of a family that is not known, as a file's model_type or general.architecture has it: says what kind of
 * model it is, if that is known, and which families are. */
bool family_refuse(const char *where, const char *what, const char *name, Err *err);

/* Sets the fields of a zeroed configuration that the family fixes, and those that are absent in most files:
 * plain rotation, no window, no BOS and EOS. */
void family_begin(const Family *f, ModelConfig *c);

/* Sets what follows from the sizes: the factors on the embedding and (unless it is set) on q.k. */
void family_scales(const Family *f, ModelConfig *c);

#endif
