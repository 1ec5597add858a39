/* The blocks of every type of stored numbers as strips: sixteen rows at a time, turned, and what makes numbers of them. A quantised
 * block is a few scales and small integers q; its values are d q (the _0 types), d q + m (the _1 types), or, in the K types'
 * blocks of 256, (d s) q or (d s) q - (dmin m) with four- to eight-bit factors s and m of sub-blocks; in the IQ4 types q is
 * looked up. Every product and sum is one f32 rounding, in that order. */
#ifndef TENSOR_CPU_STRIPS_H
#define TENSOR_CPU_STRIPS_H

#include "tensor/cpu/words16.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

/* Sixteen bytes of sixteen rows, turned, before they are numbers: as many columns as their form makes of them. Bytes are
 * worth 2^24 of themselves (v_byte), for which d has 2^-24 of what it is: exact, as halves are no smaller than 2^-24. */
typedef struct Strip {
    words16 w[4];
    f32x16 d, m; /* each row's; m where the form has it */
} Strip;

#define BYTE 0x1p-24f

typedef enum Form {
    FORM_Q,  /* d q of signed bytes q */
    FORM_QM, /* d q + m */
    FORM_F16,
    FORM_BF16,
    FORM_F32
} Form;

/* Columns of each word. */
INLINE int per_word(Form form)
{
    return form <= FORM_QM ? 4 : form <= FORM_BF16 ? 2 : 1;
}

/* Column b of words of a strip. */
INLINE f32x16 column_of(Form form, words16 w, int b, f32x16 d, f32x16 m)
{
    switch (form) {
    case FORM_Q: return v_mul(d, v_byte(w, b));
    case FORM_QM: return v_add(v_mul(d, v_byte(w, b)), m);
    case FORM_F16: return v_half(w, b);
    case FORM_BF16: return v_bits(b ? w_and(w, 0xffff0000u) : w_left(w, 16));
    default: return v_bits(w);
    }
}

enum { PLAIN_STRIPS = 4 }; /* made at a time of a type without blocks, as if they were one */

/* The block at this byte of sixteen rows, as strips. */
typedef void StripsOf(Strip *s, const unsigned char *const row[PANEL], size_t at);

static void strips_plain(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    for (size_t j = 0; j < PLAIN_STRIPS; j++)
        turn_words(s[j].w, row, at + 16 * j);
}

/* A half of a word (v_half) times a power of two. */
INLINE f32x16 scale_of(words16 w, int high, float times)
{
    return v_mul(v_half(w, high), v_set1(times));
}

/* Four of the fifth bits that are a word: of bytes, each as bit 4. */
INLINE words16 fifth_bits(words16 bits, int first)
{
    words16 x = w_and(w_right(bits, first), 15);
    x = w_or(x, w_left(x, 14));
    x = w_or(x, w_left(x, 7));
    return w_left(w_and(x, 0x01010101u), 4);
}

/* Blocks of 32 have as their nibbles the low halves of 16 bytes, then their high halves. They begin with d, or d and m; the
 * fifth bits are four bytes before the nibbles. `less` is taken of each q. */
INLINE void strips_small(Strip *s, const unsigned char *const row[PANEL], size_t at, int nibbles, bool fifth,
                         unsigned int less, bool m)
{
    words16 head[4], q[4], bits[4];
    turn_words(head, row, at);
    turn_words(q, row, at + (size_t)nibbles);
    if (fifth)
        turn_words(bits, row, at + (size_t)nibbles - 4);
    for (int j = 0; j < 2; j++) {
#pragma GCC unroll UNROLL
        for (int i = 0; i < 4; i++) {
            words16 v = w_field(q[i], 4 * j, 4);
            v = fifth ? w_or(v, fifth_bits(bits[0], 16 * j + 4 * i)) : v;
            s[j].w[i] = less ? w_less(v, less) : v;
        }
        s[j].d = scale_of(head[0], 0, BYTE);
        if (m)
            s[j].m = v_half(head[0], 1);
    }
}

/* d, 16 bytes of nibbles. */
static void strips_q4_0(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_small(s, row, at, 2, false, 8, false);
}

/* d, m, 16 bytes of nibbles. */
static void strips_q4_1(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_small(s, row, at, 4, false, 0, true);
}

/* d, 4 bytes of fifth bits, 16 bytes of nibbles. */
static void strips_q5_0(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_small(s, row, at, 6, true, 16, false);
}

/* d, m, 4 bytes of fifth bits, 16 bytes of nibbles. */
static void strips_q5_1(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_small(s, row, at, 8, true, 0, true);
}

/* d, 32 signed bytes. */
static void strips_q8_0(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 head[4];
    turn_words(head, row, at);
    turn_words(s[0].w, row, at + 2);
    turn_words(s[1].w, row, at + 18);
    s[0].d = s[1].d = scale_of(head[0], 0, BYTE);
}

/* What the nibbles of the IQ4 types stand for: finer about zero. */
static const signed char iq4_level[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* The low, then the high halves of sixteen bytes, looked up. */
INLINE void iq4_nibbles(Strip s[2], const unsigned char *const row[PANEL], size_t at)
{
    words16 q[4];
    turn_words(q, row, at);
    for (int j = 0; j < 2; j++)
#pragma GCC unroll UNROLL
        for (int i = 0; i < 4; i++)
            s[j].w[i] = w_look_up(w_field(q[i], 4 * j, 4), iq4_level);
}

/* d, 16 bytes of nibbles. */
static void strips_iq4_nl(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 head[4];
    turn_words(head, row, at);
    iq4_nibbles(s, row, at + 2);
    s[0].d = s[1].d = scale_of(head[0], 0, BYTE);
}

/* d, two bytes of high pairs of bits of the eight factors, four of their low halves, 128 of nibbles. Factors are less 32. */
static void strips_iq4_xs(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 head[4];
    turn_words(head, row, at);
    f32x16 d = scale_of(head[0], 0, BYTE * BYTE);
    for (int k = 0; k < 8; k++, s += 2) {
        iq4_nibbles(s, row, at + 8 + 16 * (size_t)k);
        words16 low = w_and(w_right(head[1], 4 * k), 15), high = w_and(w_right(head[0], 16 + 2 * k), 3);
        s[0].d = s[1].d = v_mul(d, v_byte(w_less(w_or(low, w_left(high, 4)), 32), 0));
    }
}

/* The Q4_K and Q5_K types: d, dmin, 12 bytes of factors, in the latter 32 of fifth bits, and 128 of nibbles. Sub-blocks 2c
 * and 2c+1 are the low and the high halves of 32 bytes; bit k of the fifth bits is of sub-block k.
 * The factors are eight 6-bit scales and eight 6-bit minima. Bytes 0-3 and 4-7 have those of the first four; of the
 * others, bytes 8-11 have the low four bits and the spare top bits of bytes 0-7 the high two. */
INLINE void strips_k(Strip *s, const unsigned char *const row[PANEL], size_t at, bool fifth)
{
    words16 h[4], q[4], bits[2][4];
    turn_words(h, row, at);
    f32x16 d = scale_of(h[0], 0, BYTE * BYTE), m = scale_of(h[0], 1, -BYTE);
    words16 scale[2] = {w_field(h[1], 0, 6), w_or(w_field(h[3], 0, 4), w_left(w_field(h[1], 6, 2), 4))};
    words16 min[2] = {w_field(h[2], 0, 6), w_or(w_field(h[3], 4, 4), w_left(w_field(h[2], 6, 2), 4))};
    for (int a = 0; fifth && a < 2; a++)
        turn_words(bits[a], row, at + 16 + 16 * (size_t)a);
    for (int k = 0; k < 8; k += 2)
        for (int a = 0; a < 2; a++) {
            turn_words(q, row, at + (fifth ? 48 : 16) + 16 * (size_t)(k + a));
            for (int j = k; j < k + 2; j++) {
                Strip *to = s + 2 * j + a;
#pragma GCC unroll UNROLL
                for (int i = 0; i < 4; i++) {
                    words16 v = w_field(q[i], 4 * (j - k), 4);
                    to->w[i] = fifth ? w_or(v, w_left(w_field(bits[a][i], j, 1), 4)) : v;
                }
                to->d = v_mul(d, v_byte(scale[j / 4], j % 4));
                to->m = v_mul(m, v_byte(min[j / 4], j % 4));
            }
        }
}

static void strips_q4_k(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_k(s, row, at, false);
}

static void strips_q5_k(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    strips_k(s, row, at, true);
}

/* The types below have a factor for each sixteen values. Each half of a block is four runs of 32 values in 32 bytes; run k
 * of a half has bits 2k and 2k+1. */

/* 16 bytes with a 4-bit scale below a 4-bit minimum; 64 of two bits, d, dmin. */
static void strips_q2_k(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 factor[4], end[4], q[4];
    turn_words(factor, row, at);
    turn_words(end, row, at + 68);
    f32x16 d = scale_of(end[3], 0, BYTE * BYTE), m = scale_of(end[3], 1, -BYTE);
    for (int a = 0; a < 4; a++) {
        turn_words(q, row, at + 16 + 16 * (size_t)a);
        for (int k = 0; k < 4; k++) {
            int j = 8 * (a / 2) + 2 * k + a % 2;
#pragma GCC unroll UNROLL
            for (int i = 0; i < 4; i++)
                s[j].w[i] = w_field(q[i], 2 * k, 2);
            s[j].d = v_mul(d, v_byte(w_field(factor[j / 4], 0, 4), j % 4));
            s[j].m = v_mul(m, v_byte(w_field(factor[j / 4], 4, 4), j % 4));
        }
    }
}

/* 32 bytes of third bits, 64 of two bits, 12 of factors, d. Bit `run` of the third bits, where it is not set, takes 4 away.
 * Factor j of 16 has its low four bits in the halves of bytes 0-7 and its high two in bytes 8-11, all less 32. */
static void strips_q3_k(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 f[4], end[4], bits[2][4], q[4];
    turn_words(f, row, at + 92);
    turn_words(end, row, at + 94);
    turn_words(bits[0], row, at);
    turn_words(bits[1], row, at + 16);
    f32x16 d = scale_of(end[3], 1, BYTE * BYTE);
    for (int a = 0; a < 4; a++) {
        turn_words(q, row, at + 32 + 16 * (size_t)a);
        for (int k = 0; k < 4; k++) {
            int run = 4 * (a / 2) + k, j = 2 * run + a % 2, g = j / 4;
#pragma GCC unroll UNROLL
            for (int i = 0; i < 4; i++) {
                words16 third = w_left(w_field(bits[a % 2][i], run, 1), 2);
                s[j].w[i] = w_less(w_or(w_field(q[i], 2 * k, 2), third), 4);
            }
            words16 low = w_field(f[1 + g % 2], 4 * (g / 2), 4), high = w_field(f[3], 2 * g, 2);
            s[j].d = v_mul(d, v_byte(w_less(w_or(low, w_left(high, 4)), 32), j % 4));
        }
    }
}

/* 128 bytes of nibbles, 64 of two high bits, 16 signed factors, d. Runs 0 and 1 of a half are the low halves of 64 bytes, 2
 * and 3 their high halves. */
static void strips_q6_k(Strip *s, const unsigned char *const row[PANEL], size_t at)
{
    words16 factor[4], end[4], high[4], low[2][4];
    turn_words(factor, row, at + 192);
    turn_words(end, row, at + 194);
    f32x16 d = scale_of(end[3], 1, BYTE * BYTE);
    for (int a = 0; a < 4; a++) {
        size_t of_half = at + 64 * (size_t)(a / 2) + 16 * (size_t)(a % 2);
        turn_words(low[0], row, of_half);
        turn_words(low[1], row, of_half + 32);
        turn_words(high, row, at + 128 + 16 * (size_t)a);
        for (int k = 0; k < 4; k++) {
            int j = 8 * (a / 2) + 2 * k + a % 2;
#pragma GCC unroll UNROLL
            for (int i = 0; i < 4; i++) {
                words16 v = w_or(w_field(low[k % 2][i], 4 * (k / 2), 4), w_left(w_field(high[i], 2 * k, 2), 4));
                s[j].w[i] = w_less(v, 32);
            }
            s[j].d = v_mul(d, v_byte(factor[j / 4], j % 4));
        }
    }
}

static const struct {
    StripsOf *strips;
    Form form;
} types[DTYPE_COUNT] = {
    [DTYPE_F32] = {strips_plain, FORM_F32},   [DTYPE_F16] = {strips_plain, FORM_F16},
    [DTYPE_BF16] = {strips_plain, FORM_BF16}, [DTYPE_Q4_0] = {strips_q4_0, FORM_Q},
    [DTYPE_Q4_1] = {strips_q4_1, FORM_QM},    [DTYPE_Q5_0] = {strips_q5_0, FORM_Q},
    [DTYPE_Q5_1] = {strips_q5_1, FORM_QM},    [DTYPE_Q8_0] = {strips_q8_0, FORM_Q},
    [DTYPE_Q4_K] = {strips_q4_k, FORM_QM},    [DTYPE_Q5_K] = {strips_q5_k, FORM_QM},
    [DTYPE_Q6_K] = {strips_q6_k, FORM_Q},     [DTYPE_Q2_K] = {strips_q2_k, FORM_QM},
    [DTYPE_Q3_K] = {strips_q3_k, FORM_Q},     [DTYPE_IQ4_NL] = {strips_iq4_nl, FORM_Q},
    [DTYPE_IQ4_XS] = {strips_iq4_xs, FORM_Q},
};

#endif
