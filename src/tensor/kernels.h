/* What a level of the CPU provides behind ops.h: kernels take the types of ops.h, and ops.c calls them. Private to
 * tensor/. */
#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H

#include "tensor/cpu/decode.h"
#include "tensor/ops.h"

#include <stdbool.h>

typedef struct Kernels {
    void (*linear)(Device *d, Tensor y, Tensor x, Matrix w, bool add);
    void (*linear_back_x)(Device *d, Tensor dx, Tensor dy, Matrix w, bool add);
    void (*linear_back_w)(Device *d, Matrix dw, Tensor dy, Tensor x);

    void (*embed)(Device *d, Tensor y, Matrix w, const int *id, float scale);
    void (*embed_add)(Device *d, Tensor y, Matrix w, const int *id);
    void (*embed_back)(Device *d, Matrix dw, Tensor dy, const int *id, float scale);
    void (*add)(Device *d, Tensor y, Tensor x);
    void (*bias)(Device *d, Tensor y, Matrix b);
    void (*bias_back)(Device *d, Matrix db, Tensor dy);
    void (*gather)(Device *d, Tensor y, Tensor x, const int *row);
    void (*scatter_add)(Device *d, Tensor dx, Tensor dy, const int *row);

    void (*norm)(Device *d, Tensor y, Tensor stats, Tensor x, Norm norm);
    void (*norm_back)(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm,
                      bool add);
    void (*rope)(Device *d, Tensor x, int heads, const int *position, RopeTable table, bool back);
    void (*glu)(Device *d, Tensor h, Tensor gate, Tensor up, Activation act);
    void (*glu_back)(Device *d, Tensor dgate, Tensor dup, Tensor h, Tensor dh, Tensor gate, Tensor up, Activation act);
    void (*act)(Device *d, Tensor h, Tensor x, Activation act);
    void (*act_back)(Device *d, Tensor dx, Tensor h, Tensor dh, Tensor x, Activation act);

    void (*kv_store)(Device *d, const Attention *a, Tensor k, Tensor v);
    void (*attention)(Device *d, Tensor out, Tensor stats, Tensor q, const Attention *a);
    void (*attention_back)(Device *d, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor stats,
                           const Attention *a);

    void (*soft_cap)(Device *d, Tensor x, float cap);
    void (*soft_cap_back)(Device *d, Tensor dy, Tensor y, float cap);
    void (*vocab_scan)(Device *d, VocabScan *scan, Tensor logits, int first);
    int (*vocab_pick)(const float *logits, int n, float max, float inv_temperature, double mass);
    void (*vocab_back)(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef);
    void (*vocab_back_kl)(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef,
                          VocabKl kl);

    double (*sum_squares)(Device *d, Matrix m);
    void (*adamw)(Device *d, Matrix w, Matrix m, Matrix v, Matrix g, AdamW h);
    void (*adafactor)(Device *d, Matrix w, float *row, float *col, Matrix g, Adafactor h);

    void (*unpack)(Device *d, Matrix to, Matrix from);
    bool (*linear_few)(Device *d, Tensor y, Tensor x, Matrix w, bool add); /* packed; false: more rows than it is for */
    Decode *decode;

    double (*peak)(Device *d);
} Kernels;

/* One table per level, made by cpu/kernels.c. */
const Kernels *kernels_plain(void);
const Kernels *kernels_avx2(void);
const Kernels *kernels_avx512(void);

#endif
