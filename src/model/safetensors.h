/* safetensors: read by mmap (one file, or shards with model.safetensors.index.json), written as a stream.
 * Headers are checked: offsets in the file and not overlapping, shapes that do not overflow and agree with
 * the bytes, known types (F32, F16, BF16). */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/json.h"
#include "model/dtype.h"

typedef struct Safetensors Safetensors;

/* `path` is a .safetensors file, or a directory with model.safetensors or its index. */
bool safetensors_open(Safetensors **out, const char *path, Err *err) MUST_CHECK;
void safetensors_free(Safetensors *s); /* accepts NULL */

int safetensors_count(const Safetensors *s);
const StoredTensor *safetensors_tensor(const Safetensors *s, int i); /* by name, sorted */
const StoredTensor *safetensors_find(const Safetensors *s, const char *name);
/* The file's __metadata__ value of a key, or NULL. Borrowed. */
const char *safetensors_metadata(const Safetensors *s, const char *key);
void safetensors_forget(const Safetensors *s, const StoredTensor *t);

/* Writing: declare every tensor, begin, then give the values of each in the order of declaration, in pieces
 * of any size, and close. The file appears under its name when it is closed. The bytes depend only on what is
 * written. */
typedef struct SafetensorsWriter SafetensorsWriter;
bool safetensors_create(SafetensorsWriter **out, const char *path, Err *err) MUST_CHECK;
void safetensors_declare(SafetensorsWriter *w, const char *name, const size_t *shape, int dims); /* F32 */
void safetensors_describe(SafetensorsWriter *w, const char *key, const char *value); /* __metadata__ */
bool safetensors_values(SafetensorsWriter *w, const float *values, size_t n, Err *err) MUST_CHECK;
/* Frees w, also where it fails; fails where values are missing. */
bool safetensors_close(SafetensorsWriter *w, Err *err) MUST_CHECK;
void safetensors_discard(SafetensorsWriter *w); /* gives up: frees w and removes the temporary file */

#endif
