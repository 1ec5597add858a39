/* Tensors as they lie in files; numbers written as the types of files. */
#ifndef MODEL_DTYPE_H
#define MODEL_DTYPE_H

#include "tensor/dtype.h"

/* The way back, for the types that are written: F32, F16, BF16, Q8_0, Q4_0. The plain ones are rounded to the nearest number, of two
 * to the even one; blocks are as ggml's reference code makes them. What comes back by dtype_to_f32 gives the same bytes again.
 * False where a number is too large for the type. */
bool dtype_from_f32(DType type, const float *src, void *dst, size_t n) MUST_CHECK;

/* A tensor as it lies in a file. */
typedef struct StoredTensor {
    const char *name; /* borrowed from its file */
    DType type;
    int dims;        /* 1 or 2 for every weight that is used */
    size_t shape[4]; /* outermost first (Hugging Face's order): [rows][columns]; 1 beyond `dims` */
    const unsigned char *bytes;
    size_t n_bytes;
} StoredTensor;

/* How many numbers a tensor has; its file's reader has checked that this does not overflow. */
size_t stored_values(const StoredTensor *t);

/* Fails where two of n tensors share bytes, and names them. */
bool stored_disjoint(const StoredTensor *t, int n, const char *where, Err *err) MUST_CHECK;

#endif
