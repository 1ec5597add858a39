/* Training on items in batches, in a new order every epoch: what sft and reward have in common. */
#ifndef RLAIF_LEARN_BATCHES_H
#define RLAIF_LEARN_BATCHES_H

#include "rlaif/learn/training.h"
#include "train/pass.h"

typedef struct Batches {
    int n, size, epochs, seed; /* items; of an update, by weight; times that each is seen; of the order */
    void *self;
    int (*weight)(const void *self, int item); /* an update takes items until it has `size` or more; NULL: 1 each */
    /* Adds the gradients of the mean loss of items item[0 .. n); *loss becomes that. */
    bool (*gradients)(void *self, const int *item, int n, double *loss, Err *err);
    PassSize (*pass)(const void *self, int item); /* what it adds to a pass */
    const char *(*place)(const void *self, int item, char out[300]);
} Batches;

int batches_steps(const Batches *b);

/* The largest pass of all updates, where a pass takes items until it has PASS_ROWS. */
PassSize batches_largest_pass(const Batches *b);

/* Trains from where the trainer is until training is over; keeps loss, grad_norm and lr of every step. Where a loss or a
 * gradient is not finite, it names step and item. */
bool batches_train(const Batches *b, Training *t, Err *err) MUST_CHECK;

#endif
