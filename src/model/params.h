/* The parameters of a transformer, named once: field, Hugging Face name, GGUF name, shape, decay. Allocation,
 * loading, saving, the optimizer, gradient tests and `inspect` all read the same table. */
#ifndef MODEL_PARAMS_H
#define MODEL_PARAMS_H

#include "model/config.h"
#include "tensor/tensor.h"

/* One layer's matrices. A field that the architecture lacks has no rows. */
typedef struct Layer {
    Matrix attn_norm;      /* [C][1] */
    Matrix q, k, v;        /* [H*D][C], [K*D][C], [K*D][C] */
    Matrix q_norm, k_norm; /* [D][1]: qk_norm */
    Matrix o;              /* [C][H*D] */
    Matrix attn_post_norm; /* [C][1]: post_norms */
    Matrix ffn_norm;       /* [C][1] */
    Matrix gate, up;       /* [F][C] */
    Matrix down;           /* [C][F] */
    Matrix ffn_post_norm;  /* [C][1]: post_norms */
} Layer;

/* All matrices of a model, or their gradients, or an optimizer's state: views of one block. */
typedef struct Weights {
    Matrix embed;      /* [V][C] */
    Matrix lm_head;    /* [V][C]; the embedding itself where tied; a buffer of its own among gradients */
    Matrix final_norm; /* [C][1] */
    Matrix score;      /* [1][C]: HEAD_REWARD */
    Matrix value;      /* [1][C]: HEAD_VALUE */
    Matrix value_bias; /* [1][1]: HEAD_VALUE */
    Layer layer[MAX_LAYERS];
    float *block;
    size_t floats;
} Weights;

/* How a tensor's rows lie in a GGUF file. */
typedef enum GgufLayout {
    GGUF_AS_IS,
    GGUF_ROTARY_PAIRS, /* of a family with rotary_pairs: the two halves of a head are interleaved */
    GGUF_GAIN          /* a norm's weight: with norm_plus_one the file holds 1 + weight */
} GgufLayout;

/* One parameter of one model. */
typedef struct Param {
    char name[80];        /* in Hugging Face's files */
    char gguf[64];        /* in GGUF files */
    Matrix *matrix;       /* in the Weights that the list was made for */
    const char *sizes[2]; /* GGUF's metadata that the shape comes from, the width last; NULL: no further one */
    int dims;             /* 1: stored as a vector */
    GgufLayout layout;
    bool decay; /* weight decay applies: matrices, not gains and biases */
} Param;

typedef struct ParamList {
    Param *param;
    int n;
} ParamList;

/* Sets the shapes of every matrix that the configuration has and slices them from one new zeroed block.
 * `separate_lm_head`: give a tied head a buffer of its own (gradients). */
bool weights_alloc(Weights *w, const ModelConfig *c, bool separate_lm_head, Err *err) MUST_CHECK;
void weights_free(Weights *w);
/* Sets the shapes only: no memory behind them. */
void weights_shapes(Weights *w, const ModelConfig *c);
/* Floats of that block, without allocating. */
size_t weights_floats(const ModelConfig *c, bool separate_lm_head);
void weights_zero(Weights *w);

/* The parameters of w in a fixed order: embedding, layers, final norm, heads. A tied head is not listed. Free
 * with params_free. */
ParamList params_list(Weights *w, const ModelConfig *c);
void params_free(ParamList *list);

/* Parameters that are numbers of the model, padding not counted. */
size_t params_count(const ModelConfig *c);

#endif
