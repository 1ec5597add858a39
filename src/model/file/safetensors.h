/* safetensors: read by mmap (one file, or shards with model.safetensors.index.json), written as a stream.
 * Headers are checked: offsets in the file, not overlapping and without gaps, shapes that do not overflow and
 * agree with the bytes.
 *
 * F32, F16 and BF16 are read. A file may hold tensors of other types (counters in I64, masks) or of more than
 * four dimensions: these are not found, and only whoever needs one has to complain. */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/json.h"
#include "model/file/dtype.h"

typedef struct Safetensors Safetensors;

/* `path` is a .safetensors file, or a directory with model.safetensors or its index. */
bool safetensors_open(Safetensors **out, const char *path, Err *err) MUST_CHECK;
/* safetensors_open for one file that lies in memory and outlives s; `where` names it in messages. */
bool safetensors_open_bytes(Safetensors **out, const char *where, const void *bytes, size_t n, Err *err) MUST_CHECK;
/* Does a directory have its tensors where its index says, in files of any name? */
bool safetensors_is_sharded(const char *dir);
void safetensors_free(Safetensors *s); /* accepts NULL; everything borrowed from it ends */

int safetensors_count(const Safetensors *s);
int safetensors_all(const Safetensors *s); /* the same and those that are not read, which have the type DTYPE_COUNT */
const StoredTensor *safetensors_tensor(const Safetensors *s, int i); /* by name, sorted; behind them those not read */
const StoredTensor *safetensors_find(const Safetensors *s, const char *name); /* or NULL */
/* The type ("I64") of a tensor that is there but is not read; NULL for one that is read or is not there. */
const char *safetensors_unread(const Safetensors *s, const char *name);
/* Tells the system that a tensor's bytes will not be read again soon. */
void safetensors_forget(const Safetensors *s, const StoredTensor *t);

/* Writing: declare everything, then give the values of each tensor in the order of declaration,
 * in pieces of any size, and close. The first values end the declarations. The file appears under its name
 * when it is closed. The bytes depend only on what is written. */
typedef struct SafetensorsWriter SafetensorsWriter;
/* All tensors have one type: F32, F16 or BF16. */
bool safetensors_create(SafetensorsWriter **out, const char *path, DType type, Err *err) MUST_CHECK;
void safetensors_declare(SafetensorsWriter *w, const char *name, const size_t *shape, int dims);
/* Fails where the disk does, where more is given than was declared, for a name declared twice, and for a number that is too large
 * for the type. */
bool safetensors_values(SafetensorsWriter *w, const float *values, size_t n, Err *err) MUST_CHECK;
/* Frees w, also where it fails; fails where values are missing. */
bool safetensors_close(SafetensorsWriter *w, Err *err) MUST_CHECK;
void safetensors_discard(SafetensorsWriter *w); /* gives up: frees w and removes the temporary file */

#endif
