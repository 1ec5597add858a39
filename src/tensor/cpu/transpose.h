/* Sixteen rows of sixteen numbers, turned: by whole registers where a level has them. */
#ifndef TENSOR_CPU_TRANSPOSE_H
#define TENSOR_CPU_TRANSPOSE_H

#include "tensor/cpu/f32x16.h"

/* to[j * to_row + i] = from[i * from_row + j] for i, j in 0..15. */
#if defined __AVX512F__
INLINE void transpose16(float *to, size_t to_row, const float *from, size_t from_row)
{
    __m512 r[16], a, b, c, d;
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        r[i] = _mm512_loadu_ps(from + i * from_row);
#pragma GCC unroll 4
    for (size_t i = 0; i < 16; i += 4) { /* four rows within each quarter of a register */
        a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
        c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
        r[i] = _mm512_shuffle_ps(a, c, 0x44), r[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        r[i + 2] = _mm512_shuffle_ps(b, d, 0x44), r[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) { /* quarters */
        a = _mm512_shuffle_f32x4(r[j], r[j + 4], 0x44), b = _mm512_shuffle_f32x4(r[j], r[j + 4], 0xee);
        c = _mm512_shuffle_f32x4(r[j + 8], r[j + 12], 0x44), d = _mm512_shuffle_f32x4(r[j + 8], r[j + 12], 0xee);
        _mm512_storeu_ps(to + j * to_row, _mm512_shuffle_f32x4(a, c, 0x88));
        _mm512_storeu_ps(to + (j + 4) * to_row, _mm512_shuffle_f32x4(a, c, 0xdd));
        _mm512_storeu_ps(to + (j + 8) * to_row, _mm512_shuffle_f32x4(b, d, 0x88));
        _mm512_storeu_ps(to + (j + 12) * to_row, _mm512_shuffle_f32x4(b, d, 0xdd));
    }
}
#elif defined __AVX2__
INLINE void transpose8(float *to, size_t to_row, const float *from, size_t from_row)
{
    __m256 r[8], t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(from + (size_t)i * from_row);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + (size_t)i * to_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (size_t)(i + 4) * to_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}
INLINE void transpose16(float *to, size_t to_row, const float *from, size_t from_row)
{
    for (size_t i = 0; i < 16; i += 8)
        for (size_t j = 0; j < 16; j += 8)
            transpose8(to + j * to_row + i, to_row, from + i * from_row + j, from_row);
}
#else
INLINE void transpose16(float *to, size_t to_row, const float *from, size_t from_row)
{
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 16; j++)
            to[j * to_row + i] = from[i * from_row + j];
}
#endif

#endif
