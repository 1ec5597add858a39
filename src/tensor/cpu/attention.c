/* Attention over a forest, forward. For every block of queries and every key head: all scores of the path,
 * their softmax, then the weighted sum of values as one chain over positions. Nothing in it depends on how
 * the path is cut into spans, nor on the other queries. */
#include "tensor/cpu/attention.h"

/* Dot products of one row become exp(score - max), 0 where the query does not see; the maximum and the sum of the
 * row go to stats. Sums run over sixteen lanes by position. */
static void softmax_row(const Attention *a, const QueryBlock *b, int position, float *s, float *stats)
{
    int lo = first_seen(a, position), hi = position + 1, end = round_up16(b->to);
    f32x16 most = v_set1(-INFINITY), sum = v_zero();
    for (int j = b->from; j < hi; j += LANES) {
        f32x16 x = within(score_of(a, v_load(s + j)), j, lo, hi, -INFINITY);
        v_store(s + j, x);
        most = v_max(most, x);
    }
    float max = v_largest(most);
    f32x16 m = v_set1(max);
    int j = b->from;
    for (; j < hi; j += LANES) {
        f32x16 e = v_exp(v_sub(v_load(s + j), m));
        v_store(s + j, e);
        sum = v_add(sum, e);
    }
    for (; j < end; j += LANES)
        v_store(s + j, v_zero());
    stats[0] = max;
    stats[1] = v_sum(sum);
}

/* o [rows][Dp] = weights times values, one chain over the positions of the path. */
static void weigh_values(const Attention *a, const QueryBlock *b, const float *s, float *o)
{
    int Dp = round_up16(a->dim);
    ProductMode mode = PRODUCT_SET;
    for (int i = 0; i < b->run->path_n; i++) {
        const KvSpan *span = &a->spans[b->run->path[i]];
        int lo, hi;
        if (!span_seen(b, span, &lo, &hi))
            continue;
        Product p = {.m = b->rows,
                     .k = hi - lo,
                     .panels = Dp / LANES,
                     .last = LANES,
                     .a = s + span->position + lo,
                     .a_row = (size_t)b->ld,
                     .a_col = 1,
                     .b = span_values(a, span, b->head) + (size_t)lo * LANES,
                     .b_panel = (size_t)span->cap * LANES,
                     .c = o,
                     .c_row = (size_t)Dp,
                     .c_panel = LANES,
                     .mode = mode};
        product(&p);
        mode = PRODUCT_CHAIN;
    }
}

static void attend(const Attention *a, const QueryBlock *b, Tensor out, Tensor stats, Tensor q, float *scratch)
{
    int D = a->dim, Dp = round_up16(D), group = group_of(a);
    float *rows = scratch, *o = rows + (size_t)b->rows * (size_t)Dp, *s = o + (size_t)b->rows * (size_t)Dp;
    for (int r = 0; r < b->rows; r++)
        memcpy(rows + (size_t)r * (size_t)D, q.at + block_row(a, b, r), (size_t)D * sizeof(float));
    block_scores(a, b, rows, s);
    for (int r = 0; r < b->rows; r++) {
        size_t t = (size_t)(b->run->row + b->first + r / group);
        float *stat = stats.at + t * (size_t)stats.cols + 2 * (size_t)(b->head * group + r % group);
        softmax_row(a, b, block_position(a, b, r), s + (size_t)r * (size_t)b->ld, stat);
    }
    weigh_values(a, b, s, o);
    for (int r = 0; r < b->rows; r++) {
        size_t t = (size_t)(b->run->row + b->first + r / group);
        f32x16 z = v_set1(stats.at[t * (size_t)stats.cols + 2 * (size_t)(b->head * group + r % group) + 1]);
        float *to = out.at + block_row(a, b, r), *from = o + (size_t)r * (size_t)Dp;
        for (int d = 0; d < D; d += LANES)
            v_store_n(to + d, v_div(v_load(from + d), z), D - d);
    }
}

/* Blocks of all runs, in order: which run and which of its tokens each begins with. */
static int list_blocks(const Attention *a, int *run, int *first)
{
    int n = 0, step = block_tokens(a);
    for (int r = 0; r < a->n_runs; r++)
        for (int t = 0; t < a->runs[r].n; t += step, n++)
            if (run) {
                run[n] = r;
                first[n] = t;
            }
    return n;
}

static void attention(Device *d, Tensor out, Tensor stats, Tensor q, const Attention *a)
{
    int blocks = list_blocks(a, NULL, NULL), longest = 0;
    int *run = mem_alloc((size_t)blocks * 2, sizeof *run), *first = run + blocks;
    list_blocks(a, run, first);
    for (int r = 0; r < a->n_runs; r++) {
        int end = a->runs[r].position + a->runs[r].n;
        longest = end > longest ? end : longest;
    }
    size_t most_rows = (size_t)(block_tokens(a) * group_of(a));
    size_t each = most_rows * (2 * (size_t)round_up16(a->dim) + (size_t)round_up16(longest) + 2 * LANES);
    float *scratch = device_scratch(d, (size_t)d->threads * each);
    if (scratch) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
        for (int task = 0; task < blocks * a->kv_heads; task++) {
            int i = task / a->kv_heads;
            QueryBlock b = query_block(a, &a->runs[run[i]], first[i], task % a->kv_heads);
            attend(a, &b, out, stats, q, scratch + (size_t)thread_index() * each);
        }
    }
    free(run);
}

/* One token's key and value of one head into the span's panels. */
static void store_token(const Attention *a, const KvSpan *s, int at, int head, const float *k, const float *v)
{
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim);
    float *keys = span_keys(a, s, head) + (size_t)(at / LANES) * Dp * LANES + (size_t)(at % LANES);
    float *values = span_values(a, s, head) + (size_t)at * LANES;
    for (size_t d = 0; d < D; d++) {
        keys[d * LANES] = k[d];
        values[d / LANES * (size_t)s->cap * LANES + d % LANES] = v[d];
    }
}

static void kv_store(Device *d, const Attention *a, Tensor k, Tensor v)
{
    size_t D = (size_t)a->dim;
#pragma omp parallel for schedule(static) num_threads(d->threads) if (k.rows > 64)
    for (int r = 0; r < a->n_runs; r++) {
        const QueryRun *run = &a->runs[r];
        const KvSpan *s = &a->spans[run->path[run->path_n - 1]];
        for (int t = 0; t < run->n; t++)
            for (int h = 0; h < a->kv_heads; h++) {
                size_t from = (size_t)(run->row + t) * (size_t)k.cols + (size_t)h * D;
                store_token(a, s, run->position + t - s->position, h, k.at + from, v.at + from);
            }
    }
}

void LEVEL(attention_kernels)(Kernels *k)
{
    k->attention = attention;
    k->kv_store = kv_store;
}
