/* The transformer over a forest: forward for sampling, scoring and training alike, and backward. */
#ifndef MODEL_TRANSFORMER_H
#define MODEL_TRANSFORMER_H

#include "model/forest.h"
#include "model/model.h"

/* What the forward pass of one layer leaves for the backward pass; T rows. */
typedef struct LayerActs {
    Tensor x;            /* [T][C] the residual stream that enters */
    Tensor stats1;       /* [T][1], of LayerNorm [T][2] */
    Tensor q_raw, k_raw; /* [T][H*D], [T][K*D] before their norms (qk_norm) */
    Tensor q_inv, k_inv; /* [T*H][1], [T*K][1] */
    Tensor q;            /* [T][H*D] rotated */
    Tensor stats;        /* [T][2H] of the softmax */
    Tensor heads;        /* [T][H*D] what attention gives */
    Tensor attn_out;     /* [T][C] before its norm (post_norms) */
    Tensor post_inv1;    /* [T][1] */
    Tensor mid;          /* [T][C] the residual stream between */
    Tensor stats2;       /* as stats1 */
    Tensor gate, up;     /* [T][F]; ungated: up alone */
    Tensor ffn_out;      /* [T][C] before its norm (post_norms) */
    Tensor post_inv2;    /* [T][1] */
} LayerActs;

/* What a forward pass keeps of its layers. */
typedef enum Keep {
    KEEP_NOTHING, /* there is no backward pass: layers share one set, in which x, mid and hidden are one */
    KEEP_INPUTS,  /* x: layers share the rest, and backward computes each of them again, to the same bits */
    KEEP_ALL
} Keep;

/* The activations of one pass. */
typedef struct Acts {
    int rows;
    Keep keep;
    LayerActs layer[MAX_LAYERS];
    Tensor hidden;     /* [T][C] the residual stream that leaves; the result */
    Tensor normed;     /* [T][C] scratch */
    Tensor k, v;       /* [T][K*D] scratch */
    Tensor h;          /* [T][F] scratch */
    Tensor low;        /* [T][rank] scratch: what an adapter's A makes of its rows */
    Tensor dnormed;    /* [T][C], and below: backward only */
    Tensor dq, dheads; /* [T][H*D] */
    Tensor dk, dv;     /* [T][K*D] */
    Tensor dh;         /* [T][F] */
    Tensor again;      /* [T][C] what a layer that is computed again gives, where its norm is wanted (post_norms) */
    Tensor dlow;       /* [T][rank] zero between the linear layers that share an A */
    Arena arena;
} Acts;

/* The norm of a model's configuration with these weights; a bias without rows: none. */
Norm model_norm(const ModelConfig *c, Matrix weight, Matrix bias);

/* Computes the batch's rows into a->hidden; the forest receives their keys and values. */
bool transformer_forward(Model *m, Forest *f, const Batch *b, Keep keep, Acts *a, Err *err) MUST_CHECK;

/* Adds to dw the gradient of every parameter below the heads that has rows there, from dhidden [T][C], which is used up. The
 * batch must hold whole trees, and `a` what a forward pass over it kept. */
bool transformer_backward(Model *m, Weights *dw, Forest *f, const Batch *b, Acts *a, Tensor dhidden,
                          Err *err) MUST_CHECK;

/* Floating-point operations of a forward pass: of the products of so many rows, which attend to so many positions
 * altogether. */
double transformer_flops(const ModelConfig *c, double rows, double attended);

/* Bytes that the device takes beside for weights of the model that are unpacked, where so many rows go through its layers and
 * `head` of them through its LM head; 0: all lie in f32. It has them once for all models. */
size_t unpacked_bytes(const Model *m, int rows, int head);

/* Bytes of activations for that many rows. */
size_t acts_bytes(const ModelConfig *c, int rows, Keep keep);
void acts_release(Acts *a);

#endif
