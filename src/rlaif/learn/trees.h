/* Labelled pairs as the items of a training: a tree of token sequences with what is said of every two of them. A pair is a tree
 * of two; the pairs of a group (docs/formats.md) are one tree, in which their prompt and each reply stand once. */
#ifndef RLAIF_LEARN_TREES_H
#define RLAIF_LEARN_TREES_H

#include "rlaif/rows/rows.h"
#include "text/tokenizer.h"
#include "train/pass.h"

/* What is said of two sequences of a tree. */
typedef struct TreePair {
    int of[2];        /* their numbers */
    double p, weight; /* the first is better with this probability; of the label in the loss */
} TreePair;

typedef struct Tree {
    Ids *ids; /* [n] owned: a prompt with a reply each, as the model reads them; of a group no two are equal */
    int n, ids_cap;
    int shared; /* tokens that all begin with */
    TreePair *pair;
    int pairs, pairs_cap;
    int row; /* of its first pair */
} Tree;

typedef struct Trees {
    Tree *at;
    int n, cap;
    int pairs, sequences; /* of all */
    int *lead;            /* of each row the first one of its group (rows_groups); owned */
    int *of_lead;         /* and that one's tree; -1: none yet, or it is of no group */
} Trees;

/* No trees yet, of these rows. */
void trees_init(Trees *t, const Rows *rows);
void trees_release(Trees *t);
/* Takes two sequences over: the pair of a row, with its label. Goes to the tree of the row's group, else becomes one. */
void trees_add(Trees *t, const Rows *rows, int row, Ids ids[2], double p, double weight);

/* Tokens that are computed of it, and what it adds to a pass. */
int tree_tokens(const Tree *t);
PassSize tree_size(const Tree *t);
/* Adds it to a pass: the scalars of its sequences are wanted, in their order. */
void tree_plant(Pass *pass, const Tree *t);

/* Of the rewards r[n] of its sequences: returns sum_k w_k L(r_a - r_b, p_k) over its pairs k = (a, b), of which by[n] become the
 * derivatives by r. */
double tree_loss(const Tree *t, const float *r, double *by);

/* All sequences, tree by tree, borrowed; the caller frees the list. */
Ids *trees_sequences(const Trees *t);
/* Mean distance from one half of what such a list's rewards make of the pairs. */
double trees_margins(const Trees *t, const float *r);

#endif
