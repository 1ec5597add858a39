/* Number types of stored tensors, and their values in f32. */
#ifndef MODEL_DTYPE_H
#define MODEL_DTYPE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum DType {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_Q4_0,
    DTYPE_Q4_1,
    DTYPE_Q5_0,
    DTYPE_Q5_1,
    DTYPE_Q8_0,
    DTYPE_Q4_K,
    DTYPE_Q5_K,
    DTYPE_Q6_K,
    DTYPE_Q2_K,
    DTYPE_Q3_K,
    DTYPE_IQ4_NL,
    DTYPE_IQ4_XS,
    DTYPE_COUNT
} DType;

typedef struct DTypeInfo {
    const char *name; /* "Q4_1" */
    int block;        /* values in a block (1 for the plain types) */
    int block_bytes;
} DTypeInfo;

const DTypeInfo *dtype_info(DType type);

/* The type of this name, or DTYPE_COUNT. */
DType dtype_find(const char *name);

/* Bytes of n values (n a multiple of the block), or false where that overflows or does not divide. */
bool dtype_bytes(DType type, size_t n, size_t *bytes) MUST_CHECK;

/* dst[0..n) becomes the values of n stored numbers; n is a multiple of the block, src need not be aligned.
 * f32 values are copied bit by bit, the others are exact in f32 or rounded as ggml's reference code does. */
void dtype_to_f32(DType type, const void *src, float *dst, size_t n);

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
