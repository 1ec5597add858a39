/* The heads: next-token log-probabilities, a scalar reward, values; forward and backward, only at the rows
 * where they are wanted. Rows index a->hidden of a pass; a row may be wanted more than once (a prompt's last
 * token has one next token per sample). */
#ifndef MODEL_HEAD_H
#define MODEL_HEAD_H

#include "model/transformer.h"

/* Another model of the same vocabulary, whose next-token distributions q are put beside the model's own p. */
typedef struct Reference {
    Model *model;
    Tensor hidden; /* its final residual stream, with the rows of the model's own */
    float *log_z;  /* [n] of its logits: set by forward, wanted by backward; the caller's */
    float *kl;     /* [n] KL(p || q) = sum_v p_v (log p_v - log q_v) in nats, exact: the same */
    float weight;  /* backward: the loss has weight sum_i kl_i beside */
} Reference;

/* Next tokens to score: after row[i] comes target[i]. Targets of one row that stand together share its pass over the
 * vocabulary. */
typedef struct Targets {
    int n;
    const int *row, *target;
    const Reference *reference; /* NULL: none */
    double temperature;         /* what all logits, the reference's too, are divided by; 0: 1 */
} Targets;

/* What the LM head says of them; arrays [n], the caller's. */
typedef struct LogProbs {
    float *logp;    /* log P(target) over the whole vocabulary */
    float *entropy; /* of the whole distribution, in nats; NULL: not wanted */
    float *log_z;   /* logarithm of the sum of exp(logit): backward wants it; NULL: not wanted */
} LogProbs;

bool head_logprobs(Model *m, Tensor hidden, Targets t, LogProbs out, Err *err) MUST_CHECK;

/* The loss sum_i coef[i] (-logp_i), and the reference's term: adds its gradient to dw (lm_head) and to dnormed [T][C],
 * the gradient of the final norm's output. */
bool head_logprobs_back(Model *m, Weights *dw, Tensor dnormed, Tensor hidden, Targets t, const float *log_z,
                        const float *coef, Err *err) MUST_CHECK;

/* Floats that it takes beside the rows: chunks of logits, and the rows' gradient. */
size_t head_back_floats(const ModelConfig *c, int n, bool reference);

/* One number a row: the reward head, or the value head, with the bias that it has. */
typedef enum ScalarHead { SCALAR_REWARD, SCALAR_VALUE } ScalarHead;
bool head_scalars(Model *m, ScalarHead head, Tensor hidden, const int *row, int n, float *out, Err *err) MUST_CHECK;

/* From dout[i], the loss's gradient by each number. */
bool head_scalars_back(Model *m, Weights *dw, ScalarHead head, Tensor dnormed, Tensor hidden, const int *row, int n,
                       const float *dout, Err *err) MUST_CHECK;

/* Then back through the final norm, once for all heads and in row order: if each head went on its own, the sum over
 * rows would depend on how items are spread over passes. Sets dhidden [T][C], which may be dnormed; adds to dw
 * (final_norm). */
bool head_norm_back(Model *m, Weights *dw, Tensor dhidden, Tensor hidden, Tensor dnormed, Err *err) MUST_CHECK;

/* Rows of the final norm's output, which the LM head multiplies: [n][C] in a block of its own, for sampling.
 */
typedef struct HeadInput {
    Tensor normed, gathered, stats;
    float cap; /* soft cap of their logits, divided by the temperature as these are; 0: none */
    float *block;
    size_t floats;
} HeadInput;
bool head_input(Model *m, HeadInput *in, Tensor hidden, const int *row, int n, Err *err) MUST_CHECK;
void head_input_release(HeadInput *in);
/* Divides the rows by a temperature (0: 1), and so all their logits. */
void head_temper(HeadInput *in, double temperature);

/* Runs the LM head over the vocabulary in chunks; the scan (its arrays the caller's) sees every logit. */
bool head_scan(Model *m, const HeadInput *in, VocabScan *scan, Err *err) MUST_CHECK;
/* Entropy of a scanned row's distribution, in nats. */
double scan_entropy(const VocabScan *s, int row);
/* The logits of one row for ids first .. first+n-1; first is a multiple of PANEL. The same bits as in the
 * scan. */
void head_logits(Model *m, const HeadInput *in, int row, int first, int n, float *logits);
int head_chunks(const Model *m);

#endif
