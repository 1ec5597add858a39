/* Unigram language models of texts (SentencePiece; Kudo 2018): of all ways to cut a text into tokens, the one whose scores,
 * log-probabilities, have the highest sum. */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H

#include "text/merge.h"

/* A zeroed Unigram is none. */
typedef struct Unigram {
    double *score;  /* of each token of the vocabulary */
    double unknown; /* of a character that is no token: 10 less than the lowest */
    int *sorted, n; /* the model's tokens by their bytes */
} Unigram;

void unigram_release(Unigram *u);

/* The vocabulary's scores, of which it becomes the owner; its first n tokens are the model's, the lowest score of which is said. */
void unigram_set(Unigram *u, const Vocab *v, double *score, int n, double lowest);

/* Scratch of a search, kept from word to word. */
typedef struct UnigramWork {
    struct UnigramBest *best;
    int cap;
} UnigramWork;

/* Cuts n bytes into the symbols of `out`; a character that no token holds is one by itself, without an id. */
void unigram_run(const Unigram *u, const Vocab *v, const char *text, int n, UnigramWork *w, MergeWork *out);
void unigram_work_release(UnigramWork *w);

#endif
