/* Which files a model is, and their hash. */
#ifndef MODEL_MODEL_HASH_H
#define MODEL_MODEL_HASH_H

#include "base/hash.h"
#include "store/store.h"

/* The paths of the files that a GGUF's or a directory's model is read from, for names_free. */
bool model_files(char ***paths, int *n, const char *path, Err *err) MUST_CHECK;

/* SHA-256 of a GGUF's bytes, or of the sorted names and hashes of the files that a directory's model, or a GGUF of several
 * files, is read from; of an adapter's files and its base's hash. `kept` knows those of files that have not changed since;
 * NULL: all are read. */
bool model_hash(const char *path, Store *kept, char out[HASH_TEXT], Err *err) MUST_CHECK;

#endif
