/* The parameters of a transformer, named once: field, Hugging Face name, GGUF name, shape, decay. Allocation,
 * loading, saving, the optimizer, gradient tests and `inspect` all read the same table. */
#ifndef MODEL_PARAMS_H
#define MODEL_PARAMS_H

#include "model/config.h"
#include "tensor/tensor.h"

/* A linear layer: y = W x + bias + scale B (A x). */
typedef struct Linear {
    Matrix w;    /* [out][in] */
    Matrix bias; /* [out][1] */
    Matrix a, b; /* [rank][in], [out][rank]: of an adapter */
    float scale;
    bool shares_a; /* a is that of the linear layer before it: their W are one tensor of Hugging Face's files */
} Linear;

/* One layer's matrices. A field that the architecture lacks has no rows. */
typedef struct Layer {
    Matrix attn_norm;      /* [C][1] */
    Matrix attn_norm_bias; /* [C][1]: layer_norm */
    Linear q, k, v;        /* [H*D][C], [K*D][C], [K*D][C]; biases: qkv_bias */
    Matrix q_norm, k_norm; /* [D][1]: qk_norm */
    Linear o;              /* [C][H*D]; bias: o_bias */
    Matrix attn_post_norm; /* [C][1]: post_norms */
    Matrix ffn_norm;       /* [C][1] */
    Matrix ffn_norm_bias;  /* [C][1]: layer_norm */
    Linear gate, up;       /* [F][C]; ungated: up alone; biases: ffn_bias */
    Linear down;           /* [C][F]; bias: ffn_bias */
    Matrix ffn_post_norm;  /* [C][1]: post_norms */
} Layer;

/* All matrices of a model, or their gradients, or an optimizer's state: views of one block. */
typedef struct Weights {
    Matrix embed;           /* [V][C] */
    Matrix positions;       /* [context][C]: learned_positions */
    Matrix lm_head;         /* [V][C]; the embedding itself where tied; a buffer of its own among gradients */
    Matrix final_norm;      /* [C][1] */
    Matrix final_norm_bias; /* [C][1]: layer_norm */
    Matrix score;           /* [1][C]: HEAD_REWARD */
    Matrix score_bias;      /* [1][1]: score_bias */
    Matrix value;           /* [1][C]: HEAD_VALUE */
    Matrix value_bias;      /* [1][1]: HEAD_VALUE */
    Layer layer[MAX_LAYERS];
    float *block;
    size_t floats;
} Weights;

/* Where a parameter lies in a file: as a tensor, or as some rows of one that it shares with its neighbours in the list. */
typedef struct FilePlace {
    char name[80]; /* of the tensor */
    int rows;      /* of the whole tensor */
    int first;     /* of its rows, the first that is the parameter's */
    Order order;
    bool rotary_pairs; /* the two halves of a head are interleaved */
    bool one_added;    /* a norm's weight: the file holds 1 + weight */
} FilePlace;

typedef enum AdapterHalf { ADAPTER_NONE, ADAPTER_A, ADAPTER_B } AdapterHalf;

/* One parameter of one model. */
typedef struct Param {
    char name[80];        /* unlike all others; where it has a tensor of its own, Hugging Face's name of that */
    FilePlace hf, gguf;   /* in Hugging Face's files, in GGUF files */
    Matrix *matrix;       /* in the Weights that the list was made for */
    const char *sizes[2]; /* GGUF's metadata that the shape comes from, the width last; NULL: no further one */
    int dims;             /* 1: stored as a vector */
    bool decay;           /* weight decay applies: matrices, not gains and biases */
    AdapterHalf adapter;  /* its files are adapters' */
    bool head;            /* a reward or value head's */
    int layer, linear;    /* of a linear layer's W, A or B: where ModelConfig.lora has its shape; else -1 */
} Param;

typedef struct ParamList {
    Param *param;
    int n;
} ParamList;

/* Sets the shapes of every matrix that the configuration has and slices them from one new zeroed block.
 * `gradients`: of those alone that are trained; a tied head whose embedding is has a buffer of its own. */
bool weights_alloc(Weights *w, const ModelConfig *c, bool gradients, Err *err) MUST_CHECK;
void weights_free(Weights *w);
/* Sets the shapes only: no memory behind them. */
void weights_shapes(Weights *w, const ModelConfig *c);
/* Floats of that block, without allocating. */
size_t weights_floats(const ModelConfig *c, bool gradients);
void weights_zero(Weights *w);

/* The parameters of w in a fixed order: embedding, layers, final norm, heads, adapters. A tied head is not listed, and an A that
 * several share once. Free with params_free. */
ParamList params_list(Weights *w, const ModelConfig *c);
/* Those that training changes: with an adapter this and the scalar heads, else all. */
ParamList params_trained(Weights *w, const ModelConfig *c);
void params_free(ParamList *list);

/* Floats of its matrices, their padding included. */
size_t params_floats(const ParamList *list);

/* The factor of an adapter of this shape. */
float lora_scale(const ModelConfig *c, LoraShape shape);

/* The linear layer whose W this parameter is, or NULL. */
Linear *param_linear(const Param *w);

/* What is one matrix under two names points to one again: a tied head, an A that several share. */
void weights_join(Weights *w, const ModelConfig *c);

/* Parameters that are numbers of the model, padding not counted. */
size_t params_count(const ModelConfig *c);

#endif
