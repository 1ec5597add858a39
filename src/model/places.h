/* Which tensors of a file have a place in the model that its configuration describes. */
#ifndef MODEL_PLACES_H
#define MODEL_PLACES_H

#include "model/config.h"
#include "model/dtype.h"

/* Fails, naming it, where one of a file's n tensors would change what the model computes, but has no place in it.
 * Buffers that are made anew from the configuration, masks and counters are no harm. `gguf`: names are as GGUF files
 * have them. */
bool places_check(const ModelConfig *c, bool gguf, const StoredTensor *t, int n, const char *path, Err *err) MUST_CHECK;

#endif
