/* The complete list of operations, each with its equation. T rows (tokens); W packed (tensor.h).
 *
 * Rows do not know their batch: a row of an output is a function of its own row of the inputs (attention: and
 * of the keys on its path) in a fixed order of rounding. A sum over rows (gradients of weights) is one chain
 * in row order that goes on from what the output holds, so that a batch cut in two gives the same bits.
 *
 * Shapes are asserted here, once; kernels hold loops and nothing else. */
#ifndef TENSOR_OPS_H
#define TENSOR_OPS_H

#include "tensor/device.h"
#include "tensor/tensor.h"

/* --- linear ------------------------------------------------------------------------------------------- */

void op_linear(Device *d, Tensor y, Tensor x, Matrix w);              /* y = x W^T */
void op_linear_add(Device *d, Tensor y, Tensor x, Matrix w);          /* y += x W^T */
void op_linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w);     /* dx = dy W */
void op_linear_back_x_add(Device *d, Tensor dx, Tensor dy, Matrix w); /* dx += dy W, the chain going on */
void op_linear_back_w(Device *d, Matrix dw, Tensor dy, Tensor x);     /* dW += dy^T x */

/* --- embedding ---------------------------------------------------------------------------------------- */

void op_embed(Device *d, Tensor y, Matrix w, const int *id, float scale);        /* y_t = scale W(id_t) */
void op_embed_add(Device *d, Tensor y, Matrix w, const int *id);                 /* y_t += W(id_t) */
void op_embed_back(Device *d, Matrix dw, Tensor dy, const int *id, float scale); /* dW(id_t) += scale dy_t */

/* --- norms -------------------------------------------------------------------------------------------- */

/* RMS norm; with a bias it is LayerNorm. A gain g = weight, or 1 + weight. */
typedef struct Norm {
    Matrix weight; /* [C][1] */
    float eps;
    bool plus_one;
    Matrix bias; /* [C][1], or no rows */
} Norm;

/* Columns of the stats that a norm leaves for its backward pass: inv_t, and LayerNorm's mu_t. */
static inline int norm_stats(bool layer_norm)
{
    return layer_norm ? 2 : 1;
}

/* RMS: inv_t = 1 / sqrt(mean(x_t^2) + eps), xhat_t = x_t inv_t, y_t = xhat_t g. LayerNorm: mu_t = mean(x_t), inv_t =
 * 1 / sqrt(mean((x_t - mu_t)^2) + eps), xhat_t = (x_t - mu_t) inv_t, y_t = xhat_t g + bias. y may be x. */
void op_norm(Device *d, Tensor y, Tensor stats, Tensor x, Norm norm);
/* dweight += sum_t dy xhat, dbias += sum_t dy, neither where dweight has no rows; dx (=|+=) inv (g dy - xhat mean(g dy xhat)), for LayerNorm
 * inv (g dy - mean(g dy) - xhat mean(g dy xhat)). */
void op_norm_back(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm);
void op_norm_back_add(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm);

/* --- rotary positions --------------------------------------------------------------------------------- */

/* cos and sin of every position's angles: [positions][half]. */
typedef struct RopeTable {
    const float *cos, *sin;
    int half, positions;
} RopeTable;

/* Rotates the pairs (i, i + half) of the first 2 half numbers of every row of x [T * heads][D] by the angle
 * of position[t], in place; `back` rotates the other way, which is the gradient. */
void op_rope(Device *d, Tensor x, int heads, const int *position, RopeTable table);
void op_rope_back(Device *d, Tensor dx, int heads, const int *position, RopeTable table);

/* --- attention over a forest -------------------------------------------------------------------------- */

/* Keys and values of one segment, all layers: per layer K in panels of positions, [K][cap/16][Dp][16], then V
 * in panels of its dimension, [K][Dp/16][cap][16]; Dp is D rounded up to 16. */
typedef struct KvSpan {
    float *at;
    int position; /* of its first token: its depth on the path */
    int n, cap;   /* tokens held; room for (a multiple of 16) */
    int row;      /* row of its first token in the batch, or -1 where it was computed before */
} KvSpan;

/* Consecutive tokens of one segment as query rows. They see the spans on `path` (root first, their own last),
 * up to themselves. Runs stand in row order; those of one tree stand together. */
typedef struct QueryRun {
    int row, n, position;
    const int *path; /* indexes of spans */
    int path_n;
    int tree;
} QueryRun;

typedef struct Attention {
    int heads, kv_heads, dim; /* H, K, D */
    float scale;
    float cap;  /* soft cap: a score s = scale q.k becomes cap tanh(s / cap); 0: none */
    int window; /* positions seen, the query's own included; 0: all */
    int layer;  /* whose part of the spans */
    const KvSpan *spans;
    const QueryRun *runs;
    int n_runs;
} Attention;

/* Floats of one layer in a span of room `cap`. */
size_t kv_layer_floats(int kv_heads, int dim, int cap);

/* Puts the rows of k and v [T][K*D] where the runs' own spans keep them. */
void op_kv_store(Device *d, const Attention *a, Tensor k, Tensor v);
/* out_t = sum_j softmax_j(scale q_t . k_j) v_j over the path, the scores capped. q, out [T][H*D]; stats [T][2H] receives the
 * maximum and the sum of exponentials of each head's softmax, for the backward pass. */
void op_attention(Device *d, Tensor out, Tensor stats, Tensor q, const Attention *a);
/* dq [T][H*D], dk and dv [T][K*D] are set. Every span on a path that holds tokens must lie in the batch
 * (row >= 0). */
void op_attention_back(Device *d, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor stats,
                       const Attention *a);

/* --- feed-forward ------------------------------------------------------------------------------------- */

/* act: x sigmoid(x); x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2; x (1 + erf(x / sqrt 2)) / 2. */
typedef enum Activation { ACT_SILU, ACT_GELU_TANH, ACT_GELU } Activation;

/* h = act(gate) up. h may be gate or up. */
void op_glu(Device *d, Tensor h, Tensor gate, Tensor up, Activation act);
/* From dh: dgate = dh up act'(gate), dup = dh act(gate), which may overwrite gate and up; and h again. */
void op_glu_back(Device *d, Tensor dgate, Tensor dup, Tensor h, Tensor dh, Tensor gate, Tensor up, Activation act);
/* Without a gate: h = act(x); dx = dh act'(x), which may overwrite x, and h again. */
void op_act(Device *d, Tensor h, Tensor x, Activation act);
void op_act_back(Device *d, Tensor dx, Tensor h, Tensor dh, Tensor x, Activation act);

/* --- rows --------------------------------------------------------------------------------------------- */

void op_add(Device *d, Tensor y, Tensor x);                           /* y += x */
void op_bias(Device *d, Tensor y, Matrix b);                          /* y_t += b, which is [N][1] */
void op_bias_back(Device *d, Matrix db, Tensor dy);                   /* db += sum_t dy_t */
void op_gather(Device *d, Tensor y, Tensor x, const int *row);        /* y_i = x_row[i] */
void op_scatter_add(Device *d, Tensor dx, Tensor dy, const int *row); /* dx_row[i] += dy_i, in order of i */

/* --- next-token distributions, one chunk of the vocabulary after the other ------------------------------ */

enum { VOCAB_CHUNK = 2048, VOCAB_BLOCK = 128, VOCAB_BLOCKS = VOCAB_CHUNK / VOCAB_BLOCK };

/* x becomes cap tanh(x / cap); from y, what it became: dx = dy (1 - (y / cap)^2), in place. */
void op_soft_cap(Device *d, Tensor x, float cap);
void op_soft_cap_back(Device *d, Tensor dy, Tensor y, float cap);

/* What is known of each row's distribution so far; every array has a row per row of logits and is the
 * caller's. Arrays that are NULL are not wanted. */
typedef struct VocabScan {
    int rows, chunks;
    float *max, *sum;  /* of the logits; of exp(logit - max). Always wanted */
    float *moment;     /* sum of exp(logit - max) (logit - max): entropy = log sum - moment / sum */
    const int *target; /* ids whose logits are wanted */
    float *target_logit;
    float *best; /* largest logit and its first id */
    int *best_id;
    const float *reference; /* another model's logits of the chunk at hand, laid out as those of the scan: */
    float *cross;           /* sum of exp(logit - max) (logit - reference) */
    float inv_temperature;  /* of the sampling sums: */
    float *chunk_max;       /* [rows][chunks]: largest logit of the chunk */
    float *block_sum;       /* [rows][chunks][VOCAB_BLOCKS]: of exp((logit - chunk_max) / temperature) */
    int top;                /* how many of the largest logits: */
    float *top_logit;       /* [rows][top], largest first; among equals the lowest id */
    int *top_id;
} VocabScan;

/* Takes the logits of ids first .. first+cols-1 into the scan: chunks in order, first a multiple of
 * VOCAB_CHUNK. */
void op_vocab_scan(Device *d, VocabScan *scan, Tensor logits, int first);
/* Of n <= VOCAB_BLOCK logits, the index at which the running sum of exp((logit - max) / temperature) passes
 * `mass`; the last one that has any where rounding leaves none. */
int op_vocab_pick(Device *d, const float *logits, int n, float max, float inv_temperature, double mass);
/* The loss sum_t coef_t (-log p_t(target_t)): logits become their gradient, coef_t (softmax - 1[target]).
 * log_z is the logarithm of the row's whole sum. */
void op_vocab_back(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef);

/* The term weight sum_t KL(p_t || q_t) of a loss, q_t the reference's distribution. */
typedef struct VocabKl {
    Tensor reference;   /* its logits of the chunk at hand */
    const float *log_z; /* of its rows */
    const float *kl;    /* KL(p_t || q_t) */
    float weight;
} VocabKl;
/* The same with that term: logits become coef_t (softmax - 1[target]) + weight softmax (log p - log q - kl_t). */
void op_vocab_back_kl(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef,
                      VocabKl kl);

/* --- optimizers ----------------------------------------------------------------------------------------- */

/* Sum of squares, in double: NaN or infinite where an entry is. */
double op_sum_squares(Device *d, Matrix m);

typedef struct AdamW {
    float lr, beta1, beta2, eps, decay; /* decay is decoupled: w -= lr decay w */
    float correct1, correct2;           /* 1 - beta^step */
    float grad_scale;                   /* factor on the gradient (clipping) */
} AdamW;
void op_adamw(Device *d, Matrix w, Matrix m, Matrix v, Matrix g, AdamW h);

typedef struct Adafactor {
    float lr, beta2, eps, clip; /* eps is added to g^2; the update's RMS is brought to at most clip */
    float grad_scale;
} Adafactor;
/* row [rows] and col [cols] hold the mean squares of rows and columns (Shazeer and Stern 2018); a vector (one
 * column) keeps its full second moment in row, and col is not used. */
void op_adafactor(Device *d, Matrix w, float *row, float *col, Matrix g, Adafactor h);

/* --- packing -------------------------------------------------------------------------------------------- */

/* One row of a matrix from or to plain memory, e.g. while a file is read or written. */
void matrix_set_row(Matrix m, int row, const float *values);
void matrix_get_row(Matrix m, int row, float *values);
/* A copy in f32, which `to` has memory for. */
void op_unpack(Device *d, Matrix to, Matrix from);

/* The most GFLOP/s that this device's multiply-adds reach from registers, measured now. */
double device_peak_gflops(Device *d);

#endif
