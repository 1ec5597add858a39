/* Next-token distributions by chunks of the vocabulary: log-sum-exp, targets, the best token, sampling sums,
 * and the gradient of the cross-entropy. A row's sums run over sixteen lanes by id within a chunk, and over
 * chunks in order; the chunk's width is a constant, so that nothing depends on memory or machine. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

/* Largest logit of a row's chunk, and the lowest id that has it. */
static float chunk_largest(const float *x, int n, int *at)
{
    f32x16 most = v_set1(-INFINITY);
    for (int i = 0; i < n; i += LANES)
        most = v_max(most, v_load_n(x + i, n - i, -INFINITY));
    float m = v_largest(most);
    *at = 0;
    while (*at < n - 1 && x[*at] != m)
        ++*at;
    return m;
}

/* sum exp((x - m) scale); with `moment` also sum exp(...) x. */
static float chunk_sum(const float *x, int n, float m, float scale, float *moment)
{
    f32x16 sum = v_zero(), first = v_zero(), mv = v_set1(m), sv = v_set1(scale);
    for (int i = 0; i < n; i += LANES) {
        f32x16 v = v_load_n(x + i, n - i, -INFINITY);
        f32x16 e = v_exp(v_mul(v_sub(v, mv), sv));
        sum = v_add(sum, e);
        if (moment) /* -inf times 0 would be NaN where a chunk is short */
            first = v_fma(e, v_load_n(x + i, n - i, 0), first);
    }
    if (moment)
        *moment = v_sum(first);
    return v_sum(sum);
}

static float exp1(float x)
{
    float t[LANES];
    v_store(t, v_exp(v_set1(x)));
    return t[0];
}

static void scan_row(VocabScan *s, int r, const float *x, int n, int first)
{
    int at;
    float moment, m = chunk_largest(x, n, &at), sum = chunk_sum(x, n, m, 1.0f, &moment);
    if (first == 0 || m > s->best[r]) {
        s->best[r] = m;
        s->best_id[r] = first + at;
    }
    if (s->target && s->target[r] >= first && s->target[r] < first + n)
        s->target_logit[r] = x[s->target[r] - first];
    if (s->inv_temperature > 0) {
        size_t c = (size_t)r * (size_t)s->chunks + (size_t)(first / VOCAB_CHUNK);
        s->chunk_max[c] = m;
        s->chunk_sum[c] = chunk_sum(x, n, m, s->inv_temperature, NULL);
    }
    if (first == 0) {
        s->max[r] = m;
        s->sum[r] = sum;
        s->moment[r] = moment;
        return;
    }
    float whole = m > s->max[r] || m != m ? m : s->max[r];
    float old = exp1(s->max[r] - whole), fresh = exp1(m - whole);
    s->sum[r] = s->sum[r] * old + sum * fresh;
    s->moment[r] = s->moment[r] * old + moment * fresh;
    s->max[r] = whole;
}

static void vocab_scan(Device *d, VocabScan *scan, Tensor logits, int first)
{
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r = 0; r < logits.rows; r++)
        scan_row(scan, r, logits.at + (size_t)r * (size_t)logits.cols, logits.cols, first);
}

static void vocab_back(Device *d, Tensor logits, int first, const int *target, const float *log_z,
                       const float *coef)
{
    int n = logits.cols;
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r = 0; r < logits.rows; r++) {
        float *x = logits.at + (size_t)r * (size_t)n;
        f32x16 z = v_set1(log_z[r]), c = v_set1(coef[r]);
        float own = target[r] >= first && target[r] < first + n ? x[target[r] - first] : 0;
        for (int i = 0; i < n; i += LANES)
            v_store_n(x + i, v_mul(c, v_exp(v_sub(v_load_n(x + i, n - i, 0), z))), n - i);
        if (target[r] >= first && target[r] < first + n)
            x[target[r] - first] = coef[r] * (exp1(own - log_z[r]) - 1.0f);
    }
}

void LEVEL(vocab_kernels)(Kernels *k)
{
    k->vocab_scan = vocab_scan;
    k->vocab_back = vocab_back;
}
