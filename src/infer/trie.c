/* Sequences merged where they begin alike. */
#include "infer/trie.h"

#include "base/mem.h"

void trie_init(Trie *t)
{
    *t = (Trie){.first = -1};
}

void trie_release(Trie *t)
{
    free(t->node);
    trie_init(t);
}

int common_prefix(const int *a, int n_a, const int *b, int n_b)
{
    int n = 0;
    while (n < n_a && n < n_b && a[n] == b[n])
        n++;
    return n;
}

static int new_node(Trie *t, TrieNode node)
{
    t->node = MEM_GROW(t->node, t->n, t->cap);
    t->node[t->n] = node;
    return t->n++;
}

/* The link that points to the first child of `parent`, or to the first node at the root. */
static int *first_link(Trie *t, int parent)
{
    return parent < 0 ? &t->first : &t->node[parent].child;
}

/* Cuts the first k tokens off a node: they become its new parent, in its place among its siblings. */
static int split(Trie *t, int node, int k)
{
    TrieNode old = t->node[node];
    int front = new_node(t, (TrieNode){old.parent, old.start, old.ids, k, node, old.sibling});
    int *link = first_link(t, old.parent);
    while (*link != node)
        link = &t->node[*link].sibling;
    *link = front;
    t->node[node] = (TrieNode){front, old.start + k, old.ids + k, old.n - k, old.child, -1};
    return front;
}

int trie_add(Trie *t, const int *ids, int n)
{
    int parent = -1, depth = 0;
    for (;;) {
        int *link = first_link(t, parent);
        while (*link >= 0 && t->node[*link].ids[0] != ids[depth])
            link = &t->node[*link].sibling;
        if (*link < 0) {
            int leaf = new_node(t, (TrieNode){parent, depth, ids + depth, n - depth, -1, -1});
            link = first_link(t, parent); /* new_node may have moved the array */
            while (*link >= 0)
                link = &t->node[*link].sibling;
            *link = leaf;
            return leaf;
        }
        int node = *link, k = common_prefix(t->node[node].ids, t->node[node].n, ids + depth, n - depth);
        if (k < t->node[node].n)
            node = split(t, node, k);
        depth += k;
        if (depth == n)
            return node;
        parent = node;
    }
}

int trie_holder(const Trie *t, int node, int at)
{
    while (t->node[node].start > at)
        node = t->node[node].parent;
    return node;
}

void trie_order(const Trie *t, int *order)
{
    int n = 0;
    for (int node = t->first; node >= 0;) {
        order[n++] = node;
        if (t->node[node].child >= 0) {
            node = t->node[node].child;
            continue;
        }
        while (node >= 0 && t->node[node].sibling < 0)
            node = t->node[node].parent;
        node = node < 0 ? -1 : t->node[node].sibling;
    }
}
