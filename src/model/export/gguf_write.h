/* GGUF files written: metadata, then tensors as a stream. */
#ifndef MODEL_EXPORT_GGUF_WRITE_H
#define MODEL_EXPORT_GGUF_WRITE_H

#include "model/file/gguf.h"

/* Put metadata and declare tensors, then give the rows of every tensor in the order of declaration, and close. The first row ends
 * metadata and declarations. The file appears under its name when it is closed. The bytes depend only on what is written. */
typedef struct GgufWriter GgufWriter;
bool gguf_create(GgufWriter **out, const char *path, Err *err) MUST_CHECK;

void gguf_put_text(GgufWriter *w, const char *key, const char *text);
void gguf_put_u32(GgufWriter *w, const char *key, uint32_t v);
void gguf_put_f32(GgufWriter *w, const char *key, double v);
void gguf_put_bool(GgufWriter *w, const char *key, bool v);
void gguf_put_texts(GgufWriter *w, const char *key, const char *const *text, int n);
/* n items of four bytes each; of booleans and bytes one. */
void gguf_put_array(GgufWriter *w, const char *key, GgufType item, const void *items, int n);

/* Sizes outermost first; the last is a multiple of the type's block. */
void gguf_declare(GgufWriter *w, const char *name, DType type, const size_t *shape, int dims);
/* As many numbers as the tensor's last size. Fails where the disk does, and for a number that is too large for the type. */
bool gguf_row(GgufWriter *w, const float *values, Err *err) MUST_CHECK;
/* Frees w, also where it fails. All rows have been given. */
bool gguf_close(GgufWriter *w, Err *err) MUST_CHECK;
void gguf_discard(GgufWriter *w); /* gives up: frees w and removes the temporary file; accepts NULL */

#endif
