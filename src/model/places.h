/* Which tensors of a file have a place in the model that its configuration describes. */
#ifndef MODEL_PLACES_H
#define MODEL_PLACES_H

#include "model/config.h"
#include "model/file/dtype.h"

/* Names under which Hugging Face's files may hold what the table of parameters calls `name`: the i-th of them into `out`; false
 * behind the last. The trunk may stand alone, or in a model of images. */
enum { SPELLING = 120 };
bool place_spelling(const char *name, int i, char out[SPELLING]);

/* The heads of reward models that are read. */
#define REWARD_HEADS                                                                                                   \
    "a reward head is one linear layer to one number: score.weight, and score.bias if it has one; or the same named "  \
    "regression_head, v_head, value_head, score_head or classifier"

/* Fails, naming it, where one of a file's n tensors would change what the model computes, but has no place in it.
 * Buffers that are made anew from the configuration, masks and counters are no harm. `gguf`: names are as GGUF files
 * have them. */
bool places_check(const ModelConfig *c, bool gguf, const StoredTensor *t, int n, const char *path, Err *err) MUST_CHECK;

#endif
