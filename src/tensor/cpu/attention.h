/* What attention's forward and backward share: blocks of queries, and where a span keeps its keys and values.
 */
#ifndef TENSOR_CPU_ATTENTION_H
#define TENSOR_CPU_ATTENTION_H

#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/product.h"

/* The query heads that share a key head are rows of one small product: a block is some tokens times these. */
enum { BLOCK_ROWS = 48 };

INLINE int round_up16(int n)
{
    return (n + LANES - 1) / LANES * LANES;
}

INLINE int group_of(const Attention *a)
{
    return a->heads / a->kv_heads;
}

INLINE int block_tokens(const Attention *a)
{
    int n = BLOCK_ROWS / group_of(a);
    return n > 0 ? n : 1;
}

/* Keys of one head: panels of positions, [cap/16][Dp][16]. */
INLINE float *span_keys(const Attention *a, const KvSpan *s, int head)
{
    size_t one = (size_t)round_up16(a->dim) * (size_t)s->cap;
    return s->at + (size_t)a->layer * 2 * one * (size_t)a->kv_heads + (size_t)head * one;
}

/* Values of one head: panels of its dimension, [Dp/16][cap][16]. */
INLINE float *span_values(const Attention *a, const KvSpan *s, int head)
{
    size_t one = (size_t)round_up16(a->dim) * (size_t)s->cap;
    return span_keys(a, s, head) + one * (size_t)a->kv_heads;
}

/* First position that a query sees. */
INLINE int first_seen(const Attention *a, int position)
{
    return a->window > 0 && position >= a->window ? position - a->window + 1 : 0;
}

/* Queries of one block: `tokens` from the run's token `first`, for one key head. Rows are token by token, the
 * heads of a token one after the other. Scores of row r lie at s + r * ld, one per position. */
typedef struct QueryBlock {
    const QueryRun *run;
    int first, tokens, rows; /* rows = tokens * group */
    int head;                /* key head */
    int from, to;            /* positions that any row sees: [from, to), from a multiple of 16 */
    int ld;
} QueryBlock;

INLINE QueryBlock query_block(const Attention *a, const QueryRun *run, int first, int head)
{
    QueryBlock b = {.run = run, .first = first, .head = head};
    b.tokens = run->n - first < block_tokens(a) ? run->n - first : block_tokens(a);
    b.rows = b.tokens * group_of(a);
    b.from = first_seen(a, run->position + first) / LANES * LANES;
    b.to = run->position + first + b.tokens;
    b.ld = round_up16(b.to) + LANES; /* a span's last panel may reach 15 positions beyond its end */
    return b;
}

/* Where a row of the block lies in q, and its position. */
INLINE size_t block_row(const Attention *a, const QueryBlock *b, int r)
{
    size_t t = (size_t)(b->run->row + b->first + r / group_of(a));
    return t * (size_t)(a->heads * a->dim) + (size_t)(b->head * group_of(a) + r % group_of(a)) * (size_t)a->dim;
}

INLINE int block_position(const Attention *a, const QueryBlock *b, int r)
{
    return b->run->position + b->first + r / group_of(a);
}

/* Which of a span's tokens the block sees: [*lo, *hi). False where none. */
INLINE bool span_seen(const QueryBlock *b, const KvSpan *s, int *lo, int *hi)
{
    *lo = b->from > s->position ? b->from - s->position : 0;
    *hi = b->to - s->position < s->n ? b->to - s->position : s->n;
    return *lo < *hi;
}

/* S = rows times keys, for every position seen: chains over D, lanes are positions. */
INLINE void block_scores(const Attention *a, const QueryBlock *b, const float *rows, float *s)
{
    int D = a->dim, Dp = round_up16(D);
    for (int i = 0; i < b->run->path_n; i++) { /* in order: a span overwrites what its parent left beyond its end */
        const KvSpan *span = &a->spans[b->run->path[i]];
        int lo, hi;
        if (!span_seen(b, span, &lo, &hi))
            continue;
        lo = lo / LANES * LANES;
        Product p = {.m = b->rows,
                     .k = D,
                     .panels = (hi - lo + LANES - 1) / LANES,
                     .last = LANES,
                     .a = rows,
                     .a_row = (size_t)D,
                     .a_col = 1,
                     .b = span_keys(a, span, b->head) + (size_t)lo * (size_t)Dp,
                     .b_panel = (size_t)Dp * LANES,
                     .c = s + span->position + lo,
                     .c_row = (size_t)b->ld,
                     .c_panel = LANES};
        product(&p);
    }
}

/* A score from q.k: scaled, and capped where the architecture caps. */
INLINE f32x16 score_of(const Attention *a, f32x16 dot)
{
    f32x16 s = v_mul(dot, v_set1(a->scale));
    return a->cap > 0 ? v_soft_cap(s, a->cap) : s;
}

/* Is position j (lane by lane from `j`) in [lo, hi)? Numbers elsewhere become `otherwise`. */
INLINE f32x16 within(f32x16 x, int j, int lo, int hi, float otherwise)
{
    if (j >= lo && j + LANES <= hi)
        return x;
    f32x16 at = v_add(v_iota(), v_set1((float)j)), other = v_set1(otherwise);
    x = v_select(v_less(at, v_set1((float)lo)), other, x);
    return v_select(v_less(at, v_set1((float)hi)), x, other);
}

#endif
