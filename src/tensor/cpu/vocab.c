/* Next-token distributions by chunks of the vocabulary: log-sum-exp, targets, the best token, sampling sums, and the
 * gradients of the cross-entropy and of the KL from a reference. A row's sums run over sixteen lanes by id within a
 * chunk, and over chunks in order; the chunk's width is a constant, so that nothing depends on memory or machine. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

static void soft_cap(Device *d, Tensor x, float cap)
{
    size_t count = tensor_count(x);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        v_store_n(x.at + i, v_soft_cap(v_load_n(x.at + i, n, 0), cap), n);
    }
}

static void soft_cap_back(Device *d, Tensor dy, Tensor y, float cap)
{
    size_t count = tensor_count(y);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        f32x16 slope = v_soft_cap_slope(v_load_n(y.at + i, n, 0), cap);
        v_store_n(dy.at + i, v_mul(v_load_n(dy.at + i, n, 0), slope), n);
    }
}

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

/* sum exp(x - m), and sum exp(x - m) (x - m). */
static float chunk_sum(const float *x, int n, float m, float *moment)
{
    f32x16 sum = v_zero(), first = v_zero(), mv = v_set1(m);
    for (int i = 0; i < n; i += LANES) {
        f32x16 below = v_sub(v_load_n(x + i, n - i, -INFINITY), mv), e = v_exp(below);
        sum = v_add(sum, e);
        first = v_fma(e, v_max(v_set1(-1e30f), below), first); /* beyond the end: 0 times a number, not infinity */
    }
    *moment = v_sum(first);
    return v_sum(sum);
}

/* sum exp(x - m) (x - y). */
static float chunk_cross(const float *x, const float *y, int n, float m)
{
    f32x16 sum = v_zero(), mv = v_set1(m);
    for (int i = 0; i < n; i += LANES) {
        f32x16 logit = v_load_n(x + i, n - i, -INFINITY), above = v_sub(logit, v_load_n(y + i, n - i, 0));
        sum = v_fma(v_exp(v_sub(logit, mv)), v_max(v_set1(-1e30f), above), sum); /* beyond the end as above */
    }
    return v_sum(sum);
}

/* sum exp((x - m) scale). */
static float tempered_sum(const float *x, int n, float m, float scale)
{
    f32x16 sum = v_zero(), mv = v_set1(m), sv = v_set1(scale);
    for (int i = 0; i < n; i += LANES)
        sum = v_add(sum, v_exp(v_mul(v_sub(v_load_n(x + i, n - i, -INFINITY), mv), sv)));
    return v_sum(sum);
}

static float exp1(float x)
{
    float t[LANES];
    v_store(t, v_exp(v_set1(x)));
    return t[0];
}

/* Puts a logit into the sorted list of the largest, behind its equals. */
static void insert_top(float *logit, int *id, int top, float x, int at)
{
    int i = top - 1;
    for (; i > 0 && logit[i - 1] < x; i--) {
        logit[i] = logit[i - 1];
        id[i] = id[i - 1];
    }
    logit[i] = x;
    id[i] = at;
}

static void scan_top(VocabScan *s, int r, const float *x, int n, int first)
{
    float *logit = s->top_logit + (size_t)r * (size_t)s->top;
    int *id = s->top_id + (size_t)r * (size_t)s->top;
    for (int i = 0; first == 0 && i < s->top; i++) {
        logit[i] = -INFINITY;
        id[i] = -1;
    }
    for (int i = 0; i < n; i++)
        if (x[i] > logit[s->top - 1])
            insert_top(logit, id, s->top, x[i], first + i);
}

static void scan_sampling(VocabScan *s, int r, const float *x, int n, int first, float m)
{
    size_t chunk = (size_t)r * (size_t)s->chunks + (size_t)(first / VOCAB_CHUNK);
    float *sums = s->block_sum + chunk * VOCAB_BLOCKS;
    s->chunk_max[chunk] = m;
    for (int b = 0; b < VOCAB_BLOCKS; b++) {
        int from = b * VOCAB_BLOCK, left = n - from;
        left = left < VOCAB_BLOCK ? left : VOCAB_BLOCK;
        sums[b] = left > 0 ? tempered_sum(x + from, left, m, s->inv_temperature) : 0;
    }
}

/* Joins a chunk's sums with those of the chunks before: sum exp(x - M) (x - M) of a larger M is
 * exp(m - M) (moment + (m - M) sum). */
static void scan_sums(VocabScan *s, int r, int first, float m, float sum, float moment, float cross)
{
    if (first == 0) {
        s->max[r] = m;
        s->sum[r] = sum;
        if (s->moment)
            s->moment[r] = moment;
        if (s->cross)
            s->cross[r] = cross;
        return;
    }
    float whole = m > s->max[r] || m != m ? m : s->max[r];
    float d_old = s->max[r] - whole, d_fresh = m - whole, old = exp1(d_old), fresh = exp1(d_fresh);
    if (s->moment)
        s->moment[r] = (s->moment[r] + d_old * s->sum[r]) * old + (moment + d_fresh * sum) * fresh;
    if (s->cross)
        s->cross[r] = s->cross[r] * old + cross * fresh;
    s->sum[r] = s->sum[r] * old + sum * fresh;
    s->max[r] = whole;
}

static void scan_row(VocabScan *s, int r, const float *x, int n, int first)
{
    int at;
    float moment, m = chunk_largest(x, n, &at), sum = chunk_sum(x, n, m, &moment);
    if (s->best && (first == 0 || m > s->best[r])) {
        s->best[r] = m;
        s->best_id[r] = first + at;
    }
    if (s->target && s->target[r] >= first && s->target[r] < first + n)
        s->target_logit[r] = x[s->target[r] - first];
    if (s->block_sum)
        scan_sampling(s, r, x, n, first, m);
    if (s->top)
        scan_top(s, r, x, n, first);
    float cross = s->cross ? chunk_cross(x, s->reference + (size_t)r * (size_t)n, n, m) : 0;
    scan_sums(s, r, first, m, sum, moment, cross);
}

static int vocab_pick(const float *logits, int n, float max, float inv_temperature, double mass)
{
    float weight[VOCAB_BLOCK];
    f32x16 m = v_set1(max), scale = v_set1(inv_temperature);
    for (int i = 0; i < n; i += LANES)
        v_store_n(weight + i, v_exp(v_mul(v_sub(v_load_n(logits + i, n - i, 0), m), scale)), n - i);
    double sum = 0;
    int last = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)weight[i];
        if (sum > mass)
            return i;
        last = weight[i] > 0 ? i : last;
    }
    return last;
}

static void vocab_scan(Device *d, VocabScan *scan, Tensor logits, int first)
{
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r = 0; r < logits.rows; r++)
        scan_row(scan, r, logits.at + (size_t)r * (size_t)logits.cols, logits.cols, first);
}

static void vocab_back(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef)
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

/* At the target p - 1 is formed before the product, as above. */
static void vocab_back_kl(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef,
                          VocabKl kl)
{
    int n = logits.cols;
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r = 0; r < logits.rows; r++) {
        float *x = logits.at + (size_t)r * (size_t)n, at_target = 0;
        const float *y = kl.reference.at + (size_t)r * (size_t)n;
        int own = target[r] >= first && target[r] < first + n ? target[r] - first : -1;
        float between = log_z[r] - kl.log_z[r] + kl.kl[r]; /* log p - log q - kl = x - y - between */
        if (own >= 0) {
            float p = exp1(x[own] - log_z[r]);
            at_target = coef[r] * (p - 1.0f) + kl.weight * p * (x[own] - y[own] - between);
        }
        f32x16 z = v_set1(log_z[r]), c = v_set1(coef[r]), b = v_set1(between), w = v_set1(kl.weight);
        for (int i = 0; i < n; i += LANES) {
            f32x16 logit = v_load_n(x + i, n - i, 0), above = v_sub(v_sub(logit, v_load_n(y + i, n - i, 0)), b);
            v_store_n(x + i, v_mul(v_fma(w, above, c), v_exp(v_sub(logit, z))), n - i);
        }
        if (own >= 0)
            x[own] = at_target;
    }
}

void LEVEL(vocab_kernels)(Kernels *k)
{
    k->soft_cap = soft_cap;
    k->soft_cap_back = soft_cap_back;
    k->vocab_scan = vocab_scan;
    k->vocab_pick = vocab_pick;
    k->vocab_back = vocab_back;
    k->vocab_back_kl = vocab_back_kl;
}
