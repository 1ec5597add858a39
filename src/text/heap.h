/* A queue that gives the smallest key first: candidates for a merge or for a match. */
#ifndef TEXT_HEAP_H
#define TEXT_HEAP_H

#include "base/mem.h"

typedef struct HeapItem {
    uint64_t key;
    int left, right, id, len;
} HeapItem;

typedef struct Heap {
    HeapItem *item;
    int n, cap;
} Heap;

static inline void heap_push(Heap *h, HeapItem x)
{
    h->item = MEM_GROW(h->item, h->n, h->cap);
    int i = h->n++;
    for (; i > 0 && h->item[(i - 1) / 2].key > x.key; i = (i - 1) / 2)
        h->item[i] = h->item[(i - 1) / 2];
    h->item[i] = x;
}

/* The heap must not be empty. */
static inline HeapItem heap_pop(Heap *h)
{
    HeapItem top = h->item[0], x = h->item[--h->n];
    int i = 0;
    for (int child = 1; child < h->n; child = 2 * i + 1) {
        if (child + 1 < h->n && h->item[child + 1].key < h->item[child].key)
            child++;
        if (h->item[child].key >= x.key)
            break;
        h->item[i] = h->item[child];
        i = child;
    }
    h->item[i] = x;
    return top;
}

#endif
