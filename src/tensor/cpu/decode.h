/* The decoders of every level: the same bits. */
#ifndef TENSOR_CPU_DECODE_H
#define TENSOR_CPU_DECODE_H

#include "tensor/dtype.h"

/* n stored numbers, whole blocks, as f32. */
typedef void Decode(DType type, const unsigned char *src, float *dst, size_t n);
Decode decode_plain, decode_avx2, decode_avx512;

#endif
