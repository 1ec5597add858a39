/* Attention over a forest, backward (docs/math.md). One thread takes one tree and one key head, and walks the
 * tree's queries in row order: so the gradient of a key that many branches see is one chain in item order. */
#include "tensor/cpu/attention.h"

/* The scratch of one thread. Keys and values are also needed the other way round than spans keep them. */
typedef struct Back {
    float *keys;                 /* [Dp/16][tree rows][16]: lanes are D */
    float *values;               /* [tree panels][Dp][16]: lanes are positions, spans one after the other */
    float *q, *dout;             /* [rows][D] of the block */
    float *q_lanes, *dout_lanes; /* [Dp/16][rows][16] of the block */
    float *dq;                   /* [rows][Dp] */
    float *p, *ds;               /* [rows][ld] */
} Back;

/* Rows of one tree, and where each span's part of Back.keys and Back.values begins. */
typedef struct Tree {
    int first_run, n_runs;
    int row, rows;
    int panels; /* of sixteen positions, every span rounded up */
    int longest;
} Tree;

static const KvSpan *own_span(const Attention *a, const QueryRun *run)
{
    return &a->spans[run->path[run->path_n - 1]];
}

static int tree_panel(const Attention *a, const Tree *t, const KvSpan *s)
{
    int at = 0;
    for (int i = 0; i < t->n_runs; i++) {
        const KvSpan *other = own_span(a, &a->runs[t->first_run + i]);
        if (other == s)
            break;
        at += (other->n + LANES - 1) / LANES;
    }
    return at;
}

static int list_trees(const Attention *a, Tree *trees)
{
    int n = 0;
    for (int r = 0; r < a->n_runs; r++) {
        const QueryRun *run = &a->runs[r];
        if (r == 0 || run->tree != a->runs[r - 1].tree)
            trees[n++] = (Tree){.first_run = r, .row = run->row};
        Tree *t = &trees[n - 1];
        t->n_runs++;
        t->rows += run->n;
        t->panels += (run->n + LANES - 1) / LANES;
        int end = run->position + run->n;
        t->longest = end > t->longest ? end : t->longest;
    }
    return n;
}

/* Turns the keys and values of the whole tree round. */
static void turn_round(const Attention *a, const Tree *t, int head, Back *w)
{
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim);
    int panel = 0;
    for (int i = 0; i < t->n_runs; i++) {
        const KvSpan *s = own_span(a, &a->runs[t->first_run + i]);
        const float *keys = span_keys(a, s, head), *values = span_values(a, s, head);
        for (size_t at = 0; at < (size_t)s->n; at++) {
            size_t row = (size_t)(s->row - t->row) + at;
            float *v = w->values + ((size_t)panel + at / LANES) * Dp * LANES + at % LANES;
            for (size_t d = 0; d < D; d++) {
                w->keys[(d / LANES * (size_t)t->rows + row) * LANES + d % LANES] =
                    keys[at / LANES * Dp * LANES + d * LANES + at % LANES];
                v[d * LANES] = values[d / LANES * (size_t)s->cap * LANES + at * LANES + d % LANES];
            }
        }
        panel += (s->n + LANES - 1) / LANES;
    }
}

/* Copies the block's rows of x as [rows][D] and as lanes of D. */
static void take_rows(const Attention *a, const QueryBlock *b, const float *x, float *rows, float *lanes)
{
    int D = a->dim;
    for (int r = 0; r < b->rows; r++) {
        const float *from = x + block_row(a, b, r);
        memcpy(rows + (size_t)r * (size_t)D, from, (size_t)D * sizeof(float));
        for (int d = 0; d < D; d += LANES)
            v_store(lanes + ((size_t)(d / LANES) * (size_t)b->rows + (size_t)r) * LANES, v_load_n(from + d, D - d, 0));
    }
}

/* ds receives dout times values, position by position. */
static void block_dweights(const Attention *a, const Tree *t, const QueryBlock *b, const Back *w)
{
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim);
    for (int i = 0; i < b->run->path_n; i++) {
        const KvSpan *s = &a->spans[b->run->path[i]];
        int lo, hi;
        if (!span_seen(b, s, &lo, &hi))
            continue;
        lo = lo / LANES * LANES;
        Product p = {.m = b->rows,
                     .k = (int)D,
                     .panels = (hi - lo + LANES - 1) / LANES,
                     .last = LANES,
                     .a = w->dout,
                     .a_row = D,
                     .a_col = 1,
                     .b = w->values + ((size_t)tree_panel(a, t, s) + (size_t)(lo / LANES)) * Dp * LANES,
                     .b_panel = Dp * LANES,
                     .c = w->ds + s->position + lo,
                     .c_row = (size_t)b->ld,
                     .c_panel = LANES};
        product(&p);
    }
}

/* Row by row: weights p from the scores and the forward pass's stats; ds = scale p (dp - sum p dp). */
static void softmax_back(const Attention *a, const QueryBlock *b, Tensor stats, const Back *w)
{
    int group = group_of(a), end = round_up16(b->to);
    for (int r = 0; r < b->rows; r++) {
        size_t t = (size_t)(b->run->row + b->first + r / group);
        const float *stat = stats.at + t * (size_t)stats.cols + 2 * (size_t)(b->head * group + r % group);
        int position = block_position(a, b, r), lo = first_seen(a, position), hi = position + 1;
        float *p = w->p + (size_t)r * (size_t)b->ld, *ds = w->ds + (size_t)r * (size_t)b->ld;
        f32x16 max = v_set1(stat[0]), inv = v_set1(1.0f / stat[1]), scale = v_set1(a->scale), dot = v_zero();
        for (int j = b->from; j < end; j += LANES) {
            f32x16 x = within(v_mul(v_load(p + j), scale), j, lo, hi, -INFINITY);
            f32x16 weight = v_mul(v_exp(v_sub(x, max)), inv);
            f32x16 dp = within(v_load(ds + j), j, lo, hi, 0);
            v_store(p + j, weight);
            v_store(ds + j, dp);
            dot = v_fma(weight, dp, dot);
        }
        f32x16 mean = v_set1(v_sum(dot));
        for (int j = b->from; j < end; j += LANES)
            v_store(ds + j, v_mul(v_mul(v_load(p + j), v_sub(v_load(ds + j), mean)), scale));
    }
}

/* dq of the block = ds times keys, one chain over the path. */
static void block_dq(const Attention *a, const Tree *t, const QueryBlock *b, const Back *w, Tensor dq)
{
    int D = a->dim, Dp = round_up16(D);
    ProductMode mode = PRODUCT_SET;
    for (int i = 0; i < b->run->path_n; i++) {
        const KvSpan *s = &a->spans[b->run->path[i]];
        int lo, hi;
        if (!span_seen(b, s, &lo, &hi))
            continue;
        Product p = {.m = b->rows,
                     .k = hi - lo,
                     .panels = Dp / LANES,
                     .last = LANES,
                     .a = w->ds + s->position + lo,
                     .a_row = (size_t)b->ld,
                     .a_col = 1,
                     .b = w->keys + (size_t)(s->row - t->row + lo) * LANES,
                     .b_panel = (size_t)t->rows * LANES,
                     .c = w->dq,
                     .c_row = (size_t)Dp,
                     .c_panel = LANES,
                     .mode = mode};
        product(&p);
        mode = PRODUCT_CHAIN;
    }
    for (int r = 0; r < b->rows; r++)
        memcpy(dq.at + block_row(a, b, r), w->dq + (size_t)r * (size_t)Dp, (size_t)D * sizeof(float));
}

/* Adds the block's part to the gradient of every key (or value) that it sees: dx_j += sum_r weight(r, j)
 * row_r, the chain of each j going on in row order. */
static void block_dkeys(const Attention *a, const QueryBlock *b, const float *weights, const float *rows, Tensor dx)
{
    int D = a->dim, panels = round_up16(D) / LANES;
    for (int i = 0; i < b->run->path_n; i++) {
        const KvSpan *s = &a->spans[b->run->path[i]];
        int lo, hi;
        if (!span_seen(b, s, &lo, &hi))
            continue;
        Product p = {.m = hi - lo,
                     .k = b->rows,
                     .panels = panels,
                     .last = D - (panels - 1) * LANES,
                     .a = weights + s->position + lo,
                     .a_row = 1,
                     .a_col = (size_t)b->ld,
                     .b = rows,
                     .b_panel = (size_t)b->rows * LANES,
                     .c = dx.at + (size_t)(s->row + lo) * (size_t)dx.cols + (size_t)(b->head * D),
                     .c_row = (size_t)dx.cols,
                     .c_panel = LANES,
                     .mode = PRODUCT_CHAIN};
        product(&p);
    }
}

static void tree_back(const Attention *a, const Tree *t, int head, Tensor dq, Tensor dk, Tensor dv, Tensor dout,
                      Tensor q, Tensor stats, Back *w)
{
    turn_round(a, t, head, w);
    for (int i = 0; i < t->n_runs; i++) {
        const QueryRun *run = &a->runs[t->first_run + i];
        for (int first = 0; first < run->n; first += block_tokens(a)) {
            QueryBlock b = query_block(a, run, first, head);
            take_rows(a, &b, q.at, w->q, w->q_lanes);
            take_rows(a, &b, dout.at, w->dout, w->dout_lanes);
            block_scores(a, &b, w->q, w->p);
            block_dweights(a, t, &b, w);
            softmax_back(a, &b, stats, w);
            block_dq(a, t, &b, w, dq);
            block_dkeys(a, &b, w->ds, w->q_lanes, dk);
            block_dkeys(a, &b, w->p, w->dout_lanes, dv);
        }
    }
}

/* Cuts one thread's scratch; returns its floats. */
static size_t back_scratch(const Attention *a, const Tree *largest, float *at, Back *w)
{
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim), rows = (size_t)(block_tokens(a) * group_of(a));
    size_t ld = (size_t)round_up16(largest->longest) + LANES;
    size_t sizes[] = {Dp * (size_t)largest->rows,
                      Dp * LANES * (size_t)largest->panels,
                      rows * D,
                      rows * D,
                      rows * Dp,
                      rows * Dp,
                      rows * Dp,
                      rows * ld,
                      rows * ld};
    float **parts[] = {&w->keys, &w->values, &w->q, &w->dout, &w->q_lanes, &w->dout_lanes, &w->dq, &w->p, &w->ds};
    size_t used = 0;
    for (int i = 0; i < COUNT(sizes); i++) {
        if (at)
            *parts[i] = at + used;
        used += (sizes[i] + LANES - 1) / LANES * LANES;
    }
    return used;
}

static void attention_back(Device *d, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor stats,
                           const Attention *a)
{
    Tree *trees = mem_zalloc((size_t)a->n_runs, sizeof *trees), largest = {0};
    int n = list_trees(a, trees);
    for (int i = 0; i < n; i++) {
        largest.rows = trees[i].rows > largest.rows ? trees[i].rows : largest.rows;
        largest.panels = trees[i].panels > largest.panels ? trees[i].panels : largest.panels;
        largest.longest = trees[i].longest > largest.longest ? trees[i].longest : largest.longest;
    }
    Back none;
    size_t each = back_scratch(a, &largest, NULL, &none);
    float *scratch = device_scratch(d, (size_t)d->threads * each);
    if (scratch) {
        memset(dk.at, 0, tensor_count(dk) * sizeof(float));
        memset(dv.at, 0, tensor_count(dv) * sizeof(float));
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
        for (int task = 0; task < n * a->kv_heads; task++) {
            Back w;
            back_scratch(a, &largest, scratch + (size_t)thread_index() * each, &w);
            tree_back(a, &trees[task / a->kv_heads], task % a->kv_heads, dq, dk, dv, dout, q, stats, &w);
        }
    }
    free(trees);
}

void LEVEL(attention_back_kernels)(Kernels *k)
{
    k->attention_back = attention_back;
}
