/* Sixteen 32-bit words as one value, a word for each lane of an f32x16: the same four bytes of sixteen rows. They are one
 * AVX-512 register, two AVX2 ones, or four of sixteen bytes as the compiler has them. */
#ifndef TENSOR_CPU_WORDS16_H
#define TENSOR_CPU_WORDS16_H

#include "tensor/cpu/f32x16.h"

#include <stddef.h>

/* A register of words, of which each sixteen bytes are a quarter. Within quarters: pairs of words, and of double words, of
 * a's and b's low and high halves; the bytes of a that `at` names, 0 where it is negative. */
#if defined __AVX512F__
enum { PARTS = 1 };
typedef uint32_t Part __attribute__((vector_size(64)));
#define LOW_WORDS(a, b)    ((Part)_mm512_unpacklo_epi32((__m512i)(a), (__m512i)(b)))
#define HIGH_WORDS(a, b)   ((Part)_mm512_unpackhi_epi32((__m512i)(a), (__m512i)(b)))
#define LOW_DOUBLES(a, b)  ((Part)_mm512_unpacklo_epi64((__m512i)(a), (__m512i)(b)))
#define HIGH_DOUBLES(a, b) ((Part)_mm512_unpackhi_epi64((__m512i)(a), (__m512i)(b)))
#define BYTES_OF(a, at)    ((Part)_mm512_shuffle_epi8((__m512i)(a), (__m512i)(at)))
#define EACH_QUARTER(...)  ((Part){__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__})
#elif defined __AVX2__
enum { PARTS = 2 };
typedef uint32_t Part __attribute__((vector_size(32)));
#define LOW_WORDS(a, b)    ((Part)_mm256_unpacklo_epi32((__m256i)(a), (__m256i)(b)))
#define HIGH_WORDS(a, b)   ((Part)_mm256_unpackhi_epi32((__m256i)(a), (__m256i)(b)))
#define LOW_DOUBLES(a, b)  ((Part)_mm256_unpacklo_epi64((__m256i)(a), (__m256i)(b)))
#define HIGH_DOUBLES(a, b) ((Part)_mm256_unpackhi_epi64((__m256i)(a), (__m256i)(b)))
#define BYTES_OF(a, at)    ((Part)_mm256_shuffle_epi8((__m256i)(a), (__m256i)(at)))
#define EACH_QUARTER(...)  ((Part){__VA_ARGS__, __VA_ARGS__})
#else
enum { PARTS = 4 };
typedef uint32_t Part __attribute__((vector_size(16)));
#define LOW_WORDS(a, b)    __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_WORDS(a, b)   __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW_DOUBLES(a, b)  __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HIGH_DOUBLES(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#endif

typedef struct words16 {
    Part part[PARTS];
} words16;

/* How far loops over what should lie in registers are unrolled. */
#if defined __AVX2__
enum { UNROLL = 16 };
#else
enum { UNROLL = 1 };
#endif

#define EACH_PART(expression)                                                                                          \
    words16 r_;                                                                                                        \
    _Pragma("GCC unroll 4") for (int i = 0; i < PARTS; i++) r_.part[i] = (expression);                                 \
    return r_

INLINE words16 w_and(words16 a, uint32_t bits)
{
    EACH_PART(a.part[i] & bits);
}
INLINE words16 w_xor(words16 a, uint32_t bits)
{
    EACH_PART(a.part[i] ^ bits);
}
INLINE words16 w_add(words16 a, uint32_t n)
{
    EACH_PART(a.part[i] + n);
}
INLINE words16 w_or(words16 a, words16 b)
{
    EACH_PART(a.part[i] | b.part[i]);
}
INLINE words16 w_left(words16 a, int n)
{
    EACH_PART(a.part[i] << n);
}
INLINE words16 w_right(words16 a, int n)
{
    EACH_PART(a.part[i] >> n);
}

/* So many bits of each byte from bit k on. */
INLINE words16 w_field(words16 a, int k, int bits)
{
    return w_and(w_right(a, k), ((1u << bits) - 1) * 0x01010101u);
}

/* Each byte, at most 127, less n. */
INLINE words16 w_less(words16 a, unsigned int n)
{
    return w_xor(w_add(a, (128 - n) * 0x01010101u), 0x80808080u);
}

/* The numbers that have these bits. */
INLINE f32x16 v_bits(words16 a)
{
#if defined __AVX512F__
    return (f32x16)a.part[0];
#elif defined __AVX2__
    return (f32x16){(__m256)a.part[0], (__m256)a.part[1]};
#else
    f32x16 v;
    memcpy(&v, &a, sizeof v);
    return v;
#endif
}

/* 2^24 times byte b of each word, signed: it is moved to the word's top. */
INLINE f32x16 v_byte(words16 a, int b)
{
    typedef int32_t Signed __attribute__((vector_size(sizeof(Part))));
    typedef float Numbers __attribute__((vector_size(sizeof(Part))));
#pragma GCC unroll UNROLL
    for (int i = 0; i < PARTS; i++) {
#if defined __AVX2__
        Part at = EACH_QUARTER(0x00808080u, 0x04808080u, 0x08808080u, 0x0c808080u) + ((uint32_t)b << 24);
        Part top = BYTES_OF(a.part[i], at);
#else
        Part top = a.part[i] << (24 - 8 * b) & 0xff000000u;
#endif
        a.part[i] = (Part) __builtin_convertvector((Signed)top, Numbers);
    }
    return v_bits(a);
}

/* A number of half precision. */
INLINE float half_value(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3FFu, bits;
    float value = (float)mantissa * 0x1p-24f; /* of zero and subnormals */
    memcpy(&bits, &value, sizeof bits);
    if (exponent)
        bits = (exponent == 31 ? 255 : exponent + 127 - 15) << 23 | mantissa << 13;
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The low (0) or the high (1) half of each word as a number of half precision. */
INLINE f32x16 v_half(words16 a, int high)
{
#if defined __AVX512F__
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)w_right(a, 16 * high).part[0]));
#elif defined __AVX2__
    a = w_and(w_right(a, 16 * high), 0xffff);
    __m256i halves = _mm256_packus_epi32((__m256i)a.part[0], (__m256i)a.part[1]); /* 0-3, 8-11, 4-7, 12-15 */
    halves = _mm256_permute4x64_epi64(halves, 0xd8);
    return (f32x16){_mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
                    _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
#else
    uint32_t word[LANES];
    memcpy(word, &a, sizeof word);
    float t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = half_value(word[i] >> 16 * high & 0xffff);
    return v_load(t);
#endif
}

/* What a table says of each byte, which is below 16. */
INLINE words16 w_look_up(words16 index, const signed char table[16])
{
#if defined __AVX2__
    uint32_t t[4];
    memcpy(t, table, sizeof t);
    EACH_PART(BYTES_OF(EACH_QUARTER(t[0], t[1], t[2], t[3]), index.part[i]));
#else
    unsigned char byte[4 * LANES];
    memcpy(byte, &index, sizeof byte);
    for (int i = 0; i < 4 * LANES; i++)
        byte[i] = (unsigned char)table[byte[i]];
    memcpy(&index, byte, sizeof byte);
    return index;
#endif
}

/* Sixteen bytes of every fourth row, a quarter of a register each: rows r, r + 4, ... */
INLINE Part every_fourth(const unsigned char *const *row, size_t at)
{
#if defined __AVX512F__ /* quarters are blended in as they are loaded */
    __m512i a = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(row[0] + at)));
    a = _mm512_mask_broadcast_i32x4(a, 0x00f0, _mm_loadu_si128((const void *)(row[4] + at)));
    a = _mm512_mask_broadcast_i32x4(a, 0x0f00, _mm_loadu_si128((const void *)(row[8] + at)));
    return (Part)_mm512_mask_broadcast_i32x4(a, 0xf000, _mm_loadu_si128((const void *)(row[12] + at)));
#elif defined __AVX2__
    __m256i a = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(row[0] + at)));
    return (Part)_mm256_inserti128_si256(a, _mm_loadu_si128((const void *)(row[4] + at)), 1);
#else
    Part a;
    memcpy(&a, row[0] + at, sizeof a);
    return a;
#endif
}

/* Sixteen bytes of each row from byte `at` on, turned: to[k] has the four from at + 4k on. */
INLINE void turn_words(words16 to[4], const unsigned char *const row[LANES], size_t at)
{
#pragma GCC unroll UNROLL
    for (int i = 0; i < PARTS; i++) {
        const unsigned char *const *from = row + LANES / PARTS * i;
        Part a = every_fourth(from, at), b = every_fourth(from + 1, at);
        Part c = every_fourth(from + 2, at), d = every_fourth(from + 3, at);
        Part low = LOW_WORDS(a, b), high = HIGH_WORDS(a, b), low2 = LOW_WORDS(c, d), high2 = HIGH_WORDS(c, d);
        to[0].part[i] = LOW_DOUBLES(low, low2);
        to[1].part[i] = HIGH_DOUBLES(low, low2);
        to[2].part[i] = LOW_DOUBLES(high, high2);
        to[3].part[i] = HIGH_DOUBLES(high, high2);
    }
}

#endif
