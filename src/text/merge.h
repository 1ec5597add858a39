/* Byte pair encoding: neighbours are joined in the order of their merges until none is left.
 *
 * The order is either a list's (tokenizer.json, byte-level BPE: Sennrich et al. 2016) or that of the joined
 * tokens' scores (SentencePiece: Kudo and Richardson 2018); of equals the leftmost goes first. A queue over a
 * linked list makes it O(n log n), so that a word of a million letters is no trap. */
#ifndef TEXT_MERGE_H
#define TEXT_MERGE_H

#include "text/heap.h"
#include "text/vocab.h"

/* "left right" of a list of merges makes `id`. */
typedef struct Pair {
    int left, right, rank, id; /* left = -1: a free slot */
} Pair;

/* A zeroed Merges is without any. */
typedef struct Merges {
    Pair *pair; /* open addressing, a power of two, at most half full */
    size_t slots;
    int n;
    uint32_t *order; /* by scores: the smaller goes first, one for each token; NULL: by the list */
} Merges;

void merges_release(Merges *m);

/* Makes room for n pairs; then adds them one by one. The rank is the number of those before. False where the
 * pair is there already. */
void merges_reserve(Merges *m, int n);
bool merges_add(Merges *m, int left, int right, int id) MUST_CHECK;

/* Merges of n scores (none of them NaN): the highest first. */
void merges_set_scores(Merges *m, const float *score, int n);

/* The pairs of the list by rank; the caller frees them. */
Pair *merges_sorted(const Merges *m);

/* One unit of a text: at first a byte or a character, at last a token. */
typedef struct Symbol {
    int id;         /* -1: no token */
    int at, len;    /* bytes of the text; len = 0: joined to the one before */
    int prev, next; /* -1: none */
} Symbol;

/* Scratch of a merge, kept from word to word. */
typedef struct MergeWork {
    Symbol *symbol;
    int n, cap;
    Heap heap;
} MergeWork;

void merge_begin(MergeWork *w);
void merge_symbol(MergeWork *w, int id, int at, int len);
/* Joins what can be joined. What is left is the list that begins at symbol 0. */
void merge_run(const Merges *m, const Vocab *v, const char *text, MergeWork *w);
void merge_work_release(MergeWork *w);

#endif
