/* Byte pair encoding: neighbours are joined in the order of their merges until none is left. */
#include "text/merge.h"

void merges_release(Merges *m)
{
    free(m->pair);
    free(m->order);
    *m = (Merges){0};
}

void merges_reserve(Merges *m, int n)
{
    size_t slots = 64;
    while (slots < 2 * (size_t)n)
        slots *= 2;
    free(m->pair);
    m->pair = mem_alloc(slots, sizeof *m->pair);
    m->slots = slots;
    m->n = 0;
    for (size_t i = 0; i < slots; i++)
        m->pair[i].left = -1;
}

/* Where the pair is, or the free slot where it would be. */
static Pair *slot_of(const Merges *m, int left, int right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key = (key ^ key >> 29) * 0xbf58476d1ce4e5b9u;
    size_t i = (key ^ key >> 32) & (m->slots - 1);
    while (m->pair[i].left >= 0 && (m->pair[i].left != left || m->pair[i].right != right))
        i = (i + 1) & (m->slots - 1);
    return &m->pair[i];
}

bool merges_add(Merges *m, int left, int right, int id)
{
    Pair *p = slot_of(m, left, right);
    if (p->left >= 0)
        return false;
    *p = (Pair){left, right, m->n++, id};
    return true;
}

/* The bits of a float in the order of its value, turned round: the highest score is the smallest number. */
static uint32_t order_of(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 and 0 are one score */
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return ~bits;
}

void merges_set_scores(Merges *m, const float *score, int n)
{
    m->order = mem_alloc((size_t)n, sizeof *m->order);
    for (int i = 0; i < n; i++)
        m->order[i] = order_of(score[i]);
}

static int by_rank(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

Pair *merges_sorted(const Merges *m)
{
    Pair *sorted = mem_alloc((size_t)m->n, sizeof *sorted);
    int n = 0;
    for (size_t i = 0; i < m->slots; i++)
        if (m->pair[i].left >= 0)
            sorted[n++] = m->pair[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_rank);
    return sorted;
}

void merge_begin(MergeWork *w)
{
    w->n = w->heap.n = 0;
}

void merge_symbol(MergeWork *w, int id, int at, int len)
{
    w->symbol = MEM_GROW(w->symbol, w->n, w->cap);
    w->symbol[w->n] = (Symbol){id, at, len, w->n - 1, -1};
    if (w->n)
        w->symbol[w->n - 1].next = w->n;
    w->n++;
}

void merge_work_release(MergeWork *w)
{
    free(w->symbol);
    free(w->heap.item);
    *w = (MergeWork){0};
}

/* Puts the pair of neighbours that begins at symbol `left` into the queue, where a merge exists. */
static void offer(const Merges *m, const Vocab *v, const char *text, MergeWork *w, int left)
{
    if (left < 0 || w->symbol[left].next < 0)
        return;
    const Symbol *a = &w->symbol[left], *b = &w->symbol[a->next];
    uint32_t order;
    int id;
    if (m->order) {
        id = vocab_find_plain(v, text + a->at, (size_t)(a->len + b->len));
        if (id < 0)
            return;
        order = m->order[id];
    } else {
        if (a->id < 0 || b->id < 0 || !m->slots)
            return;
        const Pair *p = slot_of(m, a->id, b->id);
        if (p->left < 0 || v->apart[p->id])
            return;
        order = (uint32_t)p->rank;
        id = p->id;
    }
    heap_push(&w->heap, (HeapItem){(uint64_t)order << 32 | (uint32_t)left, left, a->next, id, a->len + b->len});
}

void merge_run(const Merges *m, const Vocab *v, const char *text, MergeWork *w)
{
    for (int i = 0; i + 1 < w->n; i++)
        offer(m, v, text, w, i);
    while (w->heap.n) {
        HeapItem x = heap_pop(&w->heap);
        Symbol *a = &w->symbol[x.left], *b = &w->symbol[x.right];
        /* An offer is stale where either side has been joined to something since. */
        if (!a->len || a->next != x.right || a->len + b->len != x.len)
            continue;
        a->id = x.id;
        a->len = x.len;
        a->next = b->next;
        b->len = 0;
        if (b->next >= 0)
            w->symbol[b->next].prev = x.left;
        offer(m, v, text, w, a->prev);
        offer(m, v, text, w, x.left);
    }
}
