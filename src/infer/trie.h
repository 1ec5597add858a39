/* Sequences merged where they begin alike, so that a shared prefix is computed once. */
#ifndef INFER_TRIE_H
#define INFER_TRIE_H

/* A run of tokens that every sequence through it shares. */
typedef struct TrieNode {
    int parent;     /* -1: at the root */
    int start;      /* depth of its first token */
    const int *ids; /* borrowed from the sequence that made it */
    int n;
    int child, sibling; /* first child; next child of the parent; -1: none */
} TrieNode;

typedef struct Trie {
    TrieNode *node;
    int n, cap;
    int first; /* first node at the root, -1: none */
} Trie;

void trie_init(Trie *t);
void trie_release(Trie *t);

/* Adds a sequence of n > 0 ids, borrowed for the trie's life, and returns the node at whose end it ends. That
 * node's number stays valid when later sequences split it. */
int trie_add(Trie *t, const int *ids, int n);

/* The node on the path to `node` that holds the token at depth `at`. */
int trie_holder(const Trie *t, int node, int at);

/* Every node, parents before children, sequences in the order of adding; order has room for t->n. */
void trie_order(const Trie *t, int *order);

/* How many ids two sequences begin with in common. */
int common_prefix(const int *a, int n_a, const int *b, int n_b);

#endif
