/* One training pass over a few items: every item a tree of tokens (a pair under its prompt; a prompt with its
 * samples), computed forward and backward together. What a loss wants of it are log-probabilities of next
 * tokens and scalars of a head; from the loss's derivatives by these come the gradients of all parameters.
 *
 *     pass_begin(&p, model);
 *     int prompt = pass_segment(&p, -1, ids, n);        // a root begins a new item
 *     int sample = pass_segment(&p, prompt, y, n_y);
 *     int t = pass_target(&p, prompt, n - 1, y[0]);     // after the prompt's last token comes y[0]
 *     pass_forward(&p, &err);                           // p.logp[t], p.entropy[t], p.scalar[...]
 *     pass_backward(&p, grads, coef, dscalar, &err);
 *
 * With a reference model (pass_compare) a loss may also want the exact KL of every target's distribution from the
 * reference's. Items may be spread over several passes at will: the gradients are the same in every bit. */
#ifndef TRAIN_PASS_H
#define TRAIN_PASS_H

#include "model/head.h"

typedef struct PassSegment {
    int parent;     /* -1: the root of a new item */
    const int *ids; /* borrowed until pass_forward returns */
    int n;
    int row; /* of its first token */
} PassSegment;

typedef struct Pass {
    Model *model;
    PassSegment *segment;
    int segments, segments_cap;
    int item; /* the root of the item at hand */
    int rows; /* tokens so far */

    int targets, targets_cap;
    int *target_row, *target_id;
    float *logp, *entropy, *log_z; /* [targets], after pass_forward */
    float *kl;                     /* [targets] the same, with a reference */
    double temperature;            /* of all these, set after pass_begin; 0: 1 */

    int scalars, scalars_cap;
    ScalarHead scalar_head;
    int *scalar_row;
    float *scalar; /* [scalars], after pass_forward */

    Forest forest;
    Batch batch;
    Acts acts;
    Keep keep; /* of the layers until backward: all, unless told otherwise after pass_init */

    Reference reference; /* model NULL: none */
    Forest reference_forest;
    Batch reference_batch;
    Acts reference_acts;
} Pass;

void pass_init(Pass *p);
void pass_release(Pass *p);

/* Empties the pass for new items of a model; memory is kept. */
void pass_begin(Pass *p, Model *model);

/* Adds a segment to the item at hand (a root begins the next one) and returns its number. n may be 0:
 * such a segment has no token to ask for, and what stands under it is as if it stood under its parent. */
int pass_segment(Pass *p, int parent, const int *ids, int n);
/* Wants log P(id | the path up to the segment's token `offset`); returns the index in logp. */
int pass_target(Pass *p, int segment, int offset, int id);
/* Wants the head's number at that token; returns the index in scalar. One head per pass. */
int pass_scalar(Pass *p, ScalarHead head, int segment, int offset);

/* Wants the KL of every target's distribution from the one of `reference`, a frozen model of the same vocabulary, which
 * is borrowed until the pass begins again; the loss has weight sum_i kl[i] beside. */
void pass_compare(Pass *p, Model *reference, float weight);

bool pass_forward(Pass *p, Err *err) MUST_CHECK;

/* The loss sum coef[i] (-logp[i]) + sum dscalar[j] scalar[j], with the factors taken as constants, and the KL term of
 * pass_compare: adds its gradient to dw. Either may be NULL where nothing of its kind was wanted; a KL wants coef. */
bool pass_backward(Pass *p, Weights *dw, const float *coef, const float *dscalar, Err *err) MUST_CHECK;

enum { PASS_ROWS = 1024 }; /* tokens of a pass, about, where stages fill it with items */

/* How large a pass is. */
typedef struct PassSize {
    int rows, segments, targets;
} PassSize;

/* As passes are filled with items: one more goes into the pass at hand, or begins the next where the rows of both are more
 * than `most`. `largest` has at least what each of them has. */
void pass_size_add(PassSize *now, PassSize *largest, PassSize item, int most);

/* Bytes that it takes: activations, keys and values, gradients of logits. */
size_t pass_bytes(const ModelConfig *c, PassSize size, Keep keep);
/* What pass_compare adds to that. */
size_t pass_compare_bytes(const ModelConfig *c, PassSize size);

#endif
