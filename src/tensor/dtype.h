/* Number types of weights as files hold them, and their values in f32. */
#ifndef TENSOR_DTYPE_H
#define TENSOR_DTYPE_H

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

#endif
