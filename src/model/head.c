/* The heads. The LM head walks the vocabulary in chunks, so that the logits of a batch are never stored. */
#include "model/head.h"

#include "base/real.h"

#include <assert.h>

int head_chunks(const Model *m)
{
    return (m->config.vocab + VOCAB_CHUNK - 1) / VOCAB_CHUNK;
}

static int chunk_width(const Model *m, int first)
{
    return m->config.vocab - first < VOCAB_CHUNK ? m->config.vocab - first : VOCAB_CHUNK;
}

static Norm final_norm(const Model *m)
{
    return model_norm(&m->config, m->w.final_norm, m->w.final_norm_bias);
}

bool head_input(Model *m, HeadInput *in, Tensor hidden, const int *row, int n, Err *err)
{
    int C = m->config.width, left = norm_stats(m->config.layer_norm);
    size_t rows = (size_t)n * (size_t)C;
    *in = (HeadInput){.floats = 2 * rows + (size_t)n * (size_t)left, .cap = m->config.logit_cap};
    in->block = mem_big(in->floats, sizeof(float), "the rows under a head", err);
    if (!in->block)
        return false;
    in->gathered = tensor(in->block, n, C);
    in->normed = tensor(in->block + rows, n, C);
    in->stats = tensor(in->block + 2 * rows, n, left);
    op_gather(m->device, in->gathered, hidden, row);
    op_norm(m->device, in->normed, in->stats, in->gathered, final_norm(m));
    return true;
}

void head_input_release(HeadInput *in)
{
    mem_big_free(in->block, in->floats, sizeof(float));
    *in = (HeadInput){0};
}

static float inverse(double temperature)
{
    return temperature > 0 ? (float)(1 / temperature) : 1;
}

static void scale_rows(Tensor x, float factor)
{
    for (size_t i = 0; factor != 1 && i < tensor_count(x); i++)
        x.at[i] *= factor;
}

void head_temper(HeadInput *in, double temperature)
{
    scale_rows(in->normed, inverse(temperature));
    in->cap *= inverse(temperature); /* cap tanh(z / cap) / T is the cap over T of z over T */
}

/* Logits of some rows for the ids whose rows of the LM head w holds. */
static void logits_of(Model *m, Tensor logits, Tensor normed, float cap, Matrix w)
{
    op_linear(m->device, logits, normed, w);
    if (cap > 0)
        op_soft_cap(m->device, logits, cap);
}

/* The rows under the LM head, at the temperature of what is wanted. */
static bool tempered_input(Model *m, HeadInput *in, Tensor hidden, Targets t, Err *err)
{
    bool ok = head_input(m, in, hidden, t.row, t.n, err);
    if (ok)
        head_temper(in, t.temperature);
    return ok;
}

bool head_norm_back(Model *m, Weights *dw, Tensor dhidden, Tensor hidden, Tensor dnormed, Err *err)
{
    int left = norm_stats(m->config.layer_norm);
    size_t rows = tensor_count(hidden), floats = rows + (size_t)hidden.rows * (size_t)left;
    float *block = mem_big(floats, sizeof(float), "the rows under the heads", err);
    if (!block)
        return false;
    Tensor normed = tensor(block, hidden.rows, hidden.cols), stats = tensor(block + rows, hidden.rows, left);
    op_norm(m->device, normed, stats, hidden, final_norm(m)); /* again, for the stats */
    op_norm_back(m->device, dhidden, dw->final_norm, dw->final_norm_bias, dnormed, hidden, stats, final_norm(m));
    mem_big_free(block, floats, sizeof(float));
    return device_ok(m->device, err);
}

bool head_scan(Model *m, const HeadInput *in, VocabScan *scan, Err *err)
{
    Tensor normed = in->normed;
    size_t floats = (size_t)normed.rows * VOCAB_CHUNK;
    float *logits = mem_big(floats, sizeof(float), "a chunk of logits", err);
    if (!logits)
        return false;
    for (int first = 0; first < m->config.vocab; first += VOCAB_CHUNK) {
        Tensor chunk = tensor(logits, normed.rows, chunk_width(m, first));
        logits_of(m, chunk, normed, in->cap, matrix_rows(m->w.lm_head, first, chunk.cols));
        op_vocab_scan(m->device, scan, chunk, first);
    }
    mem_big_free(logits, floats, sizeof(float));
    return device_ok(m->device, err);
}

void head_logits(Model *m, const HeadInput *in, int row, int first, int n, float *logits)
{
    logits_of(m, tensor(logits, 1, n), tensor_rows(in->normed, row, 1), in->cap, matrix_rows(m->w.lm_head, first, n));
}

double scan_entropy(const VocabScan *s, int row)
{
    return real_log((double)s->sum[row]) - (double)s->moment[row] / (double)s->sum[row];
}

static double scan_log_z(const VocabScan *s, int row)
{
    return (double)s->max[row] + real_log((double)s->sum[row]);
}

/* head_scan with the reference's logits beside: sets its log_z and kl. sum_v p_v (log p_v - log q_v) is the mean of
 * logit - reference logit under p, less log Z - log Z of the reference. */
static bool scan_beside(Model *m, const HeadInput *in, VocabScan *scan, Targets t, Err *err)
{
    HeadInput theirs;
    const Reference *ref = t.reference;
    int n = in->normed.rows;
    size_t floats = (size_t)n * 2 * VOCAB_CHUNK;
    if (!tempered_input(ref->model, &theirs, ref->hidden, t, err))
        return false;
    float *logits = mem_big(floats, sizeof(float), "a chunk of two models' logits", err);
    if (!logits) {
        head_input_release(&theirs);
        return false;
    }
    float *stats = mem_alloc((size_t)n * 3, sizeof *stats), *beside = logits + (size_t)n * VOCAB_CHUNK;
    VocabScan other = {.rows = n, .max = stats, .sum = stats + n, .chunks = head_chunks(m)};
    scan->cross = stats + 2 * n;
    scan->reference = beside;
    for (int first = 0; first < m->config.vocab; first += VOCAB_CHUNK) {
        Tensor own = tensor(logits, n, chunk_width(m, first)), q = tensor(beside, n, own.cols);
        logits_of(m, own, in->normed, in->cap, matrix_rows(m->w.lm_head, first, own.cols));
        logits_of(m, q, theirs.normed, theirs.cap, matrix_rows(ref->model->w.lm_head, first, own.cols));
        op_vocab_scan(m->device, scan, own, first);
        op_vocab_scan(m->device, &other, q, first);
    }
    for (int i = 0; i < n; i++) {
        double log_z = scan_log_z(&other, i), mean = (double)scan->cross[i] / (double)scan->sum[i];
        ref->log_z[i] = (float)log_z;
        ref->kl[i] = (float)(mean - (scan_log_z(scan, i) - log_z));
    }
    scan->cross = NULL;
    scan->reference = NULL;
    free(stats);
    mem_big_free(logits, floats, sizeof(float));
    head_input_release(&theirs);
    return device_ok(m->device, err);
}

/* The different rows under the targets, where equal ones stand together; of[i]: which of them is target i's. With a
 * reference every target has its own. */
static Targets different_rows(Targets t, int *row, int *target, int *of)
{
    Targets d = {.row = row, .target = target, .reference = t.reference, .temperature = t.temperature};
    for (int i = 0; i < t.n; i++) {
        if (i == 0 || t.row[i] != t.row[i - 1] || t.reference) {
            row[d.n] = t.row[i];
            target[d.n++] = t.target[i];
        }
        of[i] = d.n - 1;
    }
    return d;
}

/* The logit of a target that the scan did not look for. */
static float one_logit(Model *m, const HeadInput *in, int row, int target)
{
    float panel[PANEL];
    int first = target / PANEL * PANEL, n = m->config.vocab - first < PANEL ? m->config.vocab - first : PANEL;
    head_logits(m, in, row, first, n, panel);
    return panel[target - first];
}

bool head_logprobs(Model *m, Tensor hidden, Targets t, LogProbs out, Err *err)
{
    if (t.n == 0)
        return true;
    HeadInput in;
    int *block = mem_alloc((size_t)t.n * 3, sizeof *block), *of = block + 2 * t.n;
    Targets d = different_rows(t, block, block + t.n, of);
    if (!tempered_input(m, &in, hidden, d, err)) {
        free(block);
        return false;
    }
    float *stats = mem_alloc((size_t)d.n * 4, sizeof *stats);
    VocabScan scan = {.rows = d.n,
                      .max = stats,
                      .sum = stats + d.n,
                      .moment = stats + 2 * d.n,
                      .target = d.target,
                      .target_logit = stats + 3 * d.n,
                      .chunks = head_chunks(m)};
    bool ok = d.reference ? scan_beside(m, &in, &scan, d, err) : head_scan(m, &in, &scan, err);
    for (int i = 0; ok && i < t.n; i++) {
        int r = of[i];
        double log_z = scan_log_z(&scan, r);
        float logit = t.target[i] == d.target[r] ? scan.target_logit[r] : one_logit(m, &in, r, t.target[i]);
        out.logp[i] = (float)((double)logit - log_z);
        if (out.entropy)
            out.entropy[i] = (float)scan_entropy(&scan, r);
        if (out.log_z)
            out.log_z[i] = (float)log_z;
    }
    free(stats);
    free(block);
    head_input_release(&in);
    return ok && device_ok(m->device, err);
}

/* What the backward pass of the LM head needs beside its own rows: the reference's rows, chunks of logits. */
typedef struct ChunkBack {
    HeadInput in, ref; /* ref: of the reference, if there is one */
    float *beside;     /* the reference's chunk */
    float *capped;     /* the chunk's own logits, kept for the slope of their soft cap */
} ChunkBack;

/* A chunk of logits becomes its gradient. */
static void chunk_back(Model *m, Tensor chunk, int first, Targets t, const float *log_z, const float *coef,
                       const ChunkBack *b)
{
    const Reference *ref = t.reference;
    Tensor capped = tensor(b->capped, chunk.rows, chunk.cols);
    if (b->in.cap > 0)
        memcpy(capped.at, chunk.at, tensor_count(chunk) * sizeof(float));
    if (ref) {
        VocabKl kl = {tensor(b->beside, chunk.rows, chunk.cols), ref->log_z, ref->kl, ref->weight};
        logits_of(m, kl.reference, b->ref.normed, b->ref.cap, matrix_rows(ref->model->w.lm_head, first, chunk.cols));
        op_vocab_back_kl(m->device, chunk, first, t.target, log_z, coef, kl);
    } else {
        op_vocab_back(m->device, chunk, first, t.target, log_z, coef);
    }
    if (b->in.cap > 0)
        op_soft_cap_back(m->device, chunk, capped, b->in.cap);
}

size_t head_back_floats(const ModelConfig *c, int n, bool reference)
{
    int chunks = 1 + reference + (c->logit_cap > 0);
    return (size_t)n * ((size_t)chunks * VOCAB_CHUNK + (size_t)c->width);
}

bool head_logprobs_back(Model *m, Weights *dw, Tensor dnormed, Tensor hidden, Targets t, const float *log_z,
                        const float *coef, Err *err)
{
    if (t.n == 0)
        return true;
    ChunkBack b = {0};
    if (!tempered_input(m, &b.in, hidden, t, err))
        return false;
    size_t chunk_floats = (size_t)t.n * VOCAB_CHUNK, floats = head_back_floats(&m->config, t.n, t.reference != NULL);
    float *block = mem_big(floats, sizeof(float), "a chunk of logits and their gradient", err);
    bool ok = block && (!t.reference || tempered_input(t.reference->model, &b.ref, t.reference->hidden, t, err));
    Tensor dx = tensor(ok ? block + chunk_floats : NULL, t.n, m->config.width);
    b.beside = ok && t.reference ? dx.at + tensor_count(dx) : NULL;
    b.capped = ok && b.in.cap > 0 ? block + floats - chunk_floats : NULL;
    for (int first = 0; ok && first < m->config.vocab; first += VOCAB_CHUNK) {
        Tensor chunk = tensor(block, t.n, chunk_width(m, first));
        Matrix w = matrix_rows(m->w.lm_head, first, chunk.cols);
        logits_of(m, chunk, b.in.normed, b.in.cap, w);
        chunk_back(m, chunk, first, t, log_z, coef, &b);
        op_linear_back_x_add(m->device, dx, chunk, w); /* zero at first: the block was cleared */
        if (dw->lm_head.rows)
            op_linear_back_w(m->device, matrix_rows(dw->lm_head, first, chunk.cols), chunk, b.in.normed);
    }
    if (ok) {
        scale_rows(dx, inverse(t.temperature)); /* from the divided rows to the rows; dU has the factor with them */
        op_scatter_add(m->device, dnormed, dx, t.row);
    }
    mem_big_free(block, floats, sizeof(float));
    head_input_release(&b.ref);
    head_input_release(&b.in);
    return ok && device_ok(m->device, err);
}

static Matrix scalar_weight(const Weights *w, ScalarHead head)
{
    return head == SCALAR_REWARD ? w->score : w->value;
}

/* NULL: the head has none. */
static float *scalar_bias(const Weights *w, ScalarHead head)
{
    return head == SCALAR_REWARD ? w->score_bias.at : w->value_bias.at;
}

bool head_scalars(Model *m, ScalarHead head, Tensor hidden, const int *row, int n, float *out, Err *err)
{
    if (n == 0)
        return true;
    HeadInput in;
    if (!head_input(m, &in, hidden, row, n, err))
        return false;
    op_linear(m->device, tensor(out, n, 1), in.normed, scalar_weight(&m->w, head));
    const float *bias = scalar_bias(&m->w, head);
    for (int i = 0; bias && i < n; i++)
        out[i] += bias[0];
    head_input_release(&in);
    return device_ok(m->device, err);
}

bool head_scalars_back(Model *m, Weights *dw, ScalarHead head, Tensor dnormed, Tensor hidden, const int *row, int n,
                       const float *dout, Err *err)
{
    if (n == 0)
        return true;
    HeadInput in;
    if (!head_input(m, &in, hidden, row, n, err))
        return false;
    size_t floats = (size_t)n * (size_t)(m->config.width + 1);
    float *block = mem_big(floats, sizeof(float), "the gradient under a head", err);
    if (!block) {
        head_input_release(&in);
        return false;
    }
    Tensor dx = tensor(block, n, m->config.width), dy = tensor(block + tensor_count(dx), n, 1);
    memcpy(dy.at, dout, (size_t)n * sizeof(float));
    float *dbias = scalar_bias(dw, head);
    for (int i = 0; dbias && i < n; i++)
        dbias[0] += dout[i];
    op_linear_back_x(m->device, dx, dy, scalar_weight(&m->w, head));
    op_linear_back_w(m->device, scalar_weight(dw, head), dy, in.normed);
    op_scatter_add(m->device, dnormed, dx, row);
    mem_big_free(block, floats, sizeof(float));
    head_input_release(&in);
    return device_ok(m->device, err);
}
