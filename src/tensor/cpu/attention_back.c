/* Attention over a forest, backward (docs/math.md). A key head of a tree is worked through in waves of query blocks, in
 * row order. Within a wave first every block is one task: its weights, their gradients and dq. Then every piece of keys
 * is one: the gradient of a key that many queries see goes on block by block, one chain in row order. Where there are
 * heads enough a thread takes one by itself; where there are few, as one tree with one key head, all threads share the
 * waves. */
#include "tensor/cpu/attention.h"

enum {
    MANY_HEADS = 2,  /* for each thread: then a thread takes a whole one */
    WAVE_BLOCKS = 4, /* for each thread */
    WAVE_HEADS = 2,  /* that a wave may touch, for each thread */
    PIECE = 42       /* keys: whole tiles of every level's product */
};

/* Rows of one tree, and where each span's part of Head.keys and Head.values begins. */
typedef struct Tree {
    int first_run, n_runs;
    int row, rows;
    int panels; /* of sixteen positions, every span rounded up */
    int longest;
} Tree;

/* One key head of one tree. Its keys and values are also needed the other way round than spans keep them. */
typedef struct Head {
    const Tree *tree;
    int head;
    bool turned;   /* they are there */
    float *keys;   /* [Dp/16][tree rows][16]: lanes are D */
    float *values; /* [tree panels][Dp][16]: lanes are positions, spans one after the other */
} Head;

/* A block of queries, and what is kept of it until the wave ends. */
typedef struct Block {
    QueryBlock b;
    const Head *of;
    float *q, *dout;             /* [rows][D] */
    float *q_lanes, *dout_lanes; /* [Dp/16][rows][16] */
    float *dq;                   /* [rows][Dp] */
    float *p, *ds;               /* [rows][ld] */
    float *slope;                /* [ld] of one row's soft cap */
} Block;

/* Positions [lo, hi) of a span, for one key head; the panel of Head.values where the span begins. */
typedef struct Piece {
    const KvSpan *span;
    Head *of;
    int lo, hi, panel;
} Piece;

typedef struct Wave {
    Block *block;
    Head *head;
    Piece *piece;
    int blocks, heads, pieces;
    int most_blocks, most_heads, piece_cap;
} Wave;

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

/* Turns the keys and values of a piece round. */
static void turn_round(const Attention *a, const Piece *piece)
{
    const KvSpan *s = piece->span;
    const Head *h = piece->of;
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim), rows = (size_t)h->tree->rows;
    const float *keys = span_keys(a, s, h->head), *values = span_values(a, s, h->head);
    for (size_t at = (size_t)piece->lo; at < (size_t)piece->hi; at++) {
        size_t row = (size_t)(s->row - h->tree->row) + at;
        float *v = h->values + ((size_t)piece->panel + at / LANES) * Dp * LANES + at % LANES;
        for (size_t d = 0; d < D; d++) {
            h->keys[(d / LANES * rows + row) * LANES + d % LANES] =
                keys[at / LANES * Dp * LANES + d * LANES + at % LANES];
            v[d * LANES] = values[d / LANES * (size_t)s->cap * LANES + at * LANES + d % LANES];
        }
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
static void block_dweights(const Attention *a, const Block *w)
{
    const QueryBlock *b = &w->b;
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
                     .b = w->of->values + ((size_t)tree_panel(a, w->of->tree, s) + (size_t)(lo / LANES)) * Dp * LANES,
                     .b_panel = Dp * LANES,
                     .c = w->ds + s->position + lo,
                     .c_row = (size_t)b->ld,
                     .c_panel = LANES};
        product(&p);
    }
}

/* Row by row: weights p from the scores and the forward pass's stats; ds = scale p (dp - sum p dp), times
 * the slope of the soft cap. */
static void softmax_back(const Attention *a, Tensor stats, const Block *w)
{
    const QueryBlock *b = &w->b;
    int group = group_of(a), end = round_up16(b->to);
    for (int r = 0; r < b->rows; r++) {
        size_t t = (size_t)(b->run->row + b->first + r / group);
        const float *stat = stats.at + t * (size_t)stats.cols + 2 * (size_t)(b->head * group + r % group);
        int position = block_position(a, b, r), lo = first_seen(a, position), hi = position + 1;
        float *p = w->p + (size_t)r * (size_t)b->ld, *ds = w->ds + (size_t)r * (size_t)b->ld;
        f32x16 max = v_set1(stat[0]), inv = v_set1(1.0f / stat[1]), scale = v_set1(a->scale), dot = v_zero();
        for (int j = b->from; j < end; j += LANES) {
            f32x16 x = within(score_of(a, v_load(p + j)), j, lo, hi, -INFINITY);
            if (a->cap > 0)
                v_store(w->slope + j, v_soft_cap_slope(within(x, j, lo, hi, 0), a->cap));
            f32x16 weight = v_mul(v_exp(v_sub(x, max)), inv);
            f32x16 dp = within(v_load(ds + j), j, lo, hi, 0);
            v_store(p + j, weight);
            v_store(ds + j, dp);
            dot = v_fma(weight, dp, dot);
        }
        f32x16 mean = v_set1(v_sum(dot));
        for (int j = b->from; j < end; j += LANES) {
            f32x16 x = v_mul(v_mul(v_load(p + j), v_sub(v_load(ds + j), mean)), scale);
            v_store(ds + j, a->cap > 0 ? v_mul(x, v_load(w->slope + j)) : x);
        }
    }
}

/* dq of the block = ds times keys, one chain over the path. */
static void block_dq(const Attention *a, const Block *w, Tensor dq)
{
    const QueryBlock *b = &w->b;
    const Tree *t = w->of->tree;
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
                     .b = w->of->keys + (size_t)(s->row - t->row + lo) * LANES,
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

static void block_back(const Attention *a, const Block *w, Tensor dq, Tensor dout, Tensor q, Tensor stats)
{
    take_rows(a, &w->b, q.at, w->q, w->q_lanes);
    take_rows(a, &w->b, dout.at, w->dout, w->dout_lanes);
    block_scores(a, &w->b, w->q, w->p);
    block_dweights(a, w);
    softmax_back(a, stats, w);
    block_dq(a, w, dq);
}

/* Adds a block's part to the gradient of every key (or value) of a piece that it sees, [lo, hi): dx_j += sum_r
 * weight(r, j) row_r, the chain of each j going on in row order. */
static void piece_dkeys(const Attention *a, const Piece *piece, const Block *w, int lo, int hi, const float *weights,
                        const float *rows, Tensor dx)
{
    int D = a->dim, panels = round_up16(D) / LANES;
    const KvSpan *s = piece->span;
    Product p = {.m = hi - lo,
                 .k = w->b.rows,
                 .panels = panels,
                 .last = D - (panels - 1) * LANES,
                 .a = weights + s->position + lo,
                 .a_row = 1,
                 .a_col = (size_t)w->b.ld,
                 .b = rows,
                 .b_panel = (size_t)w->b.rows * LANES,
                 .c = dx.at + (size_t)(s->row + lo) * (size_t)dx.cols + (size_t)(piece->of->head * D),
                 .c_row = (size_t)dx.cols,
                 .c_panel = LANES,
                 .mode = PRODUCT_CHAIN};
    product(&p);
}

static bool on_path(const Attention *a, const QueryRun *run, const KvSpan *s)
{
    for (int i = 0; i < run->path_n; i++)
        if (&a->spans[run->path[i]] == s)
            return true;
    return false;
}

static void piece_back(const Attention *a, const Wave *wave, const Piece *piece, Tensor dk, Tensor dv)
{
    for (int i = 0; i < wave->blocks; i++) {
        const Block *w = &wave->block[i];
        int lo, hi;
        if (w->of != piece->of || !span_seen(&w->b, piece->span, &lo, &hi) || !on_path(a, w->b.run, piece->span))
            continue;
        lo = lo > piece->lo ? lo : piece->lo;
        hi = hi < piece->hi ? hi : piece->hi;
        if (lo >= hi)
            continue;
        piece_dkeys(a, piece, w, lo, hi, w->ds, w->q_lanes, dk);
        piece_dkeys(a, piece, w, lo, hi, w->p, w->dout_lanes, dv);
    }
}

/* --- waves ---------------------------------------------------------------------------------------------- */

/* The tensors of a call, and its forest. */
typedef struct Call {
    const Attention *a;
    Tensor dq, dk, dv, dout, q, stats;
    Tree *trees, largest; /* the most of each */
    int n, heads, blocks; /* trees; with all their key heads; blocks of queries */
} Call;

/* Of `some` heads, worked through by so many threads. Release it. */
static Wave wave_new(const Call *c, int some, int threads)
{
    Wave w = {.most_blocks = WAVE_BLOCKS * threads, .most_heads = WAVE_HEADS * threads};
    w.most_blocks = w.most_blocks < c->blocks ? w.most_blocks : c->blocks;
    w.most_heads = w.most_heads < some ? w.most_heads : some;
    w.block = mem_zalloc((size_t)w.most_blocks, sizeof *w.block);
    w.head = mem_zalloc((size_t)w.most_heads, sizeof *w.head);
    return w;
}

static void wave_release(Wave *w)
{
    free(w->piece);
    free(w->head);
    free(w->block);
}

/* The next block: of which tree, head, run and token. */
typedef struct Cursor {
    int tree, head, run, first;
} Cursor;

/* Goes to the next block's place; the same run, the next of the tree, the next head, the next tree. */
static void cursor_next(Cursor *c, const Attention *a, const Tree *trees)
{
    c->first += block_tokens(a);
    if (c->first < a->runs[trees[c->tree].first_run + c->run].n)
        return;
    c->first = 0;
    if (++c->run < trees[c->tree].n_runs)
        return;
    c->run = 0;
    if (++c->head < a->kv_heads)
        return;
    c->head = 0;
    c->tree++;
}

/* The blocks of one wave from the cursor on. The head that the last wave ended in is kept as its first: its memory
 * changes places with that of the first. */
static void wave_fill(Wave *w, Cursor *c, const Attention *a, const Tree *trees, int n)
{
    Head last = w->heads > 0 ? w->head[w->heads - 1] : (Head){0};
    if (w->heads > 1) {
        w->head[w->heads - 1] = w->head[0];
        w->head[0] = last;
    }
    w->blocks = 0;
    w->heads = last.tree == &trees[c->tree] && last.head == c->head;
    for (; c->tree < n && w->blocks < w->most_blocks; cursor_next(c, a, trees)) {
        Head *h = w->heads > 0 ? &w->head[w->heads - 1] : NULL;
        if (!h || h->tree != &trees[c->tree] || h->head != c->head) {
            if (w->heads == w->most_heads)
                return;
            h = &w->head[w->heads++];
            h->tree = &trees[c->tree];
            h->head = c->head;
            h->turned = false;
        }
        Block *b = &w->block[w->blocks++];
        b->of = h;
        b->b = query_block(a, &a->runs[h->tree->first_run + c->run], c->first, c->head);
    }
}

/* The pieces of all keys of the wave's heads. */
static void wave_pieces(Wave *w, const Attention *a)
{
    w->pieces = 0;
    for (int h = 0; h < w->heads; h++)
        for (int i = 0, panel = 0; i < w->head[h].tree->n_runs; i++) {
            const KvSpan *s = own_span(a, &a->runs[w->head[h].tree->first_run + i]);
            for (int lo = 0; lo < s->n; lo += PIECE) {
                w->piece = MEM_GROW(w->piece, w->pieces, w->piece_cap);
                w->piece[w->pieces++] = (Piece){s, &w->head[h], lo, s->n - lo < PIECE ? s->n : lo + PIECE, panel};
            }
            panel += (s->n + LANES - 1) / LANES;
        }
}

/* Cuts the scratch of a wave; returns its floats. */
static size_t wave_scratch(Wave *w, const Attention *a, const Tree *largest, float *at)
{
    size_t D = (size_t)a->dim, Dp = (size_t)round_up16(a->dim), rows = (size_t)(block_tokens(a) * group_of(a));
    size_t ld = (size_t)round_up16(largest->longest) + LANES, used = 0;
    size_t of_head[] = {Dp * (size_t)largest->rows, Dp * LANES * (size_t)largest->panels};
    size_t of_block[] = {rows * D,  rows * D,  rows * Dp, rows * Dp,
                         rows * Dp, rows * ld, rows * ld, a->cap > 0 ? ld : 0};
    for (int h = 0; h < w->most_heads; h++) {
        float **parts[] = {&w->head[h].keys, &w->head[h].values};
        for (int i = 0; i < COUNT(parts); used += (of_head[i++] + LANES - 1) / LANES * LANES)
            *parts[i] = at ? at + used : NULL;
    }
    for (int k = 0; k < w->most_blocks; k++) {
        Block *b = &w->block[k];
        float **parts[] = {&b->q, &b->dout, &b->q_lanes, &b->dout_lanes, &b->dq, &b->p, &b->ds, &b->slope};
        for (int i = 0; i < COUNT(parts); used += (of_block[i++] + LANES - 1) / LANES * LANES)
            *parts[i] = at ? at + used : NULL;
    }
    return used;
}

/* --- tasks of a wave, in order of need --- */

typedef void Task(const Call *c, const Wave *w, int i);

static void turn_task(const Call *c, const Wave *w, int i)
{
    if (!w->piece[i].of->turned)
        turn_round(c->a, &w->piece[i]);
}

static void block_task(const Call *c, const Wave *w, int i)
{
    block_back(c->a, &w->block[i], c->dq, c->dout, c->q, c->stats);
}

static void piece_task(const Call *c, const Wave *w, int i)
{
    piece_back(c->a, w, &w->piece[i], c->dk, c->dv);
}

static void run_tasks(const Call *c, const Wave *w, Task *task, int n, int threads)
{
    if (threads > 1) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (int i = 0; i < n; i++)
            task(c, w, i);
        return;
    }
    for (int i = 0; i < n; i++)
        task(c, w, i);
}

/* `some` heads from the first, wave by wave, by so many threads. */
static void heads_back(const Call *c, Wave *w, int first, int some, int threads)
{
    const Attention *a = c->a;
    for (Cursor at = {first / a->kv_heads, first % a->kv_heads, 0, 0};
         at.tree * a->kv_heads + at.head < first + some;) {
        wave_fill(w, &at, a, c->trees, c->n);
        wave_pieces(w, a);
        run_tasks(c, w, turn_task, w->pieces, threads);
        run_tasks(c, w, block_task, w->blocks, threads);
        run_tasks(c, w, piece_task, w->pieces, threads);
        for (int h = 0; h < w->heads; h++)
            w->head[h].turned = true;
    }
}

static Call call_of(const Attention *a)
{
    Call c = {.a = a, .trees = mem_zalloc((size_t)a->n_runs, sizeof *c.trees)};
    c.n = list_trees(a, c.trees);
    c.heads = c.n * a->kv_heads;
    for (int i = 0; i < c.n; i++) {
        const Tree *t = &c.trees[i];
        c.largest.rows = t->rows > c.largest.rows ? t->rows : c.largest.rows;
        c.largest.panels = t->panels > c.largest.panels ? t->panels : c.largest.panels;
        c.largest.longest = t->longest > c.largest.longest ? t->longest : c.largest.longest;
    }
    for (int i = 0; i < a->n_runs; i++)
        c.blocks += a->kv_heads * ((a->runs[i].n + block_tokens(a) - 1) / block_tokens(a));
    return c;
}

static void attention_back(Device *d, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor stats,
                           const Attention *a)
{
    Call c = call_of(a);
    c.dq = dq, c.dk = dk, c.dv = dv, c.dout = dout, c.q = q, c.stats = stats;
    bool many = c.heads >= MANY_HEADS * d->threads;
    int teams = many ? d->threads : 1, threads = d->threads / teams;
    Wave *wave = mem_alloc((size_t)teams, sizeof *wave);
    for (int i = 0; i < teams; i++)
        wave[i] = wave_new(&c, many ? 1 : c.heads, threads);
    size_t each = wave_scratch(&wave[0], a, &c.largest, NULL);
    float *scratch = device_scratch(d, (size_t)teams * each);
    if (scratch) {
        memset(dk.at, 0, tensor_count(dk) * sizeof(float));
        memset(dv.at, 0, tensor_count(dv) * sizeof(float));
        for (int i = 0; i < teams; i++)
            wave_scratch(&wave[i], a, &c.largest, scratch + (size_t)i * each);
    }
    if (scratch && !many)
        heads_back(&c, &wave[0], 0, c.heads, threads);
    if (scratch && many) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(teams)
        for (int head = 0; head < c.heads; head++)
            heads_back(&c, &wave[thread_index()], head, 1, 1);
    }
    for (int i = 0; i < teams; i++)
        wave_release(&wave[i]);
    free(wave);
    free(c.trees);
}

void LEVEL(attention_back_kernels)(Kernels *k)
{
    k->attention_back = attention_back;
}
