/* Stored numbers as f32. A quantised block is a few scales and small integers q; its values are d q (the _0
 * types), d q + m (the _1 types), or, in the K types' blocks of 256, (d s) q or (d s) q - (dmin m) with four-
 * to eight-bit factors s and m of sub-blocks; in the IQ4 types q is looked up. Every product and sum is one f32 rounding, in that order.
 */
#include "tensor/cpu/decode.h"

#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers are little-endian");

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t load16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static float load_f16(const unsigned char *p)
{
    uint32_t h = load16(p), sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3FFu;
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24 */
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) /* infinity and NaN */
        return from_bits(sign | 0x7F800000u | mantissa << 13);
    return from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

enum { SMALL = 32, SUPER = 256 }; /* values in a block of the older types, of the K types */

/* Sixteen small integers. */
typedef unsigned char bytes16 __attribute__((vector_size(16)));

INLINE bytes16 load_bytes(const unsigned char *p)
{
    bytes16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* So many bits of each from bit k on. */
INLINE bytes16 field(bytes16 v, int k, int bits)
{
    typedef uint16_t words8 __attribute__((vector_size(16)));
    return (bytes16)((words8)v >> k) & (unsigned char)((1 << bits) - 1);
}

/* Bits i .. i+15 of a word, as 0 or 1. */
INLINE bytes16 spread(uint32_t word, int i)
{
    bytes16 v;
    for (int lane = 0; lane < 16; lane++)
        v[lane] = (unsigned char)(word >> (i + lane) & 1);
    return v;
}

/* d q, q signed. */
INLINE f32x16 scaled(float d, bytes16 q)
{
    return v_mul(v_set1(d), v_int8(&q));
}

/* d q + m. */
INLINE f32x16 scaled_plus(float d, bytes16 q, float m)
{
    return v_add(scaled(d, q), v_set1(m));
}

/* Blocks of 32 have as their nibbles the low halves of 16 bytes, then their high halves. */

/* d, 16 bytes of nibbles. */
INLINE void read_q4_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    bytes16 q = load_bytes(src + 2);
    for (int half = 0; half < 2; half++)
        v_store(dst + 16 * half, scaled(d, field(q, 4 * half, 4) - 8));
}

/* d, m, 16 bytes of nibbles. */
INLINE void read_q4_1(const unsigned char *src, float *dst)
{
    float d = load_f16(src), m = load_f16(src + 2);
    bytes16 q = load_bytes(src + 4);
    for (int half = 0; half < 2; half++)
        v_store(dst + 16 * half, scaled_plus(d, field(q, 4 * half, 4), m));
}

/* Nibbles with a fifth bit from 32 bits that stand before them. */
INLINE bytes16 five_bits(const unsigned char *src, int half)
{
    uint32_t high = load16(src) | load16(src + 2) << 16;
    return field(load_bytes(src + 4), 4 * half, 4) | spread(high, 16 * half) << 4;
}

/* d, 4 bytes of fifth bits, 16 bytes of nibbles. */
INLINE void read_q5_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int half = 0; half < 2; half++)
        v_store(dst + 16 * half, scaled(d, five_bits(src + 2, half) - 16));
}

/* d, m, 4 bytes of fifth bits, 16 bytes of nibbles. */
INLINE void read_q5_1(const unsigned char *src, float *dst)
{
    float d = load_f16(src), m = load_f16(src + 2);
    for (int half = 0; half < 2; half++)
        v_store(dst + 16 * half, scaled_plus(d, five_bits(src + 4, half), m));
}

/* d, 32 signed bytes. */
INLINE void read_q8_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int i = 0; i < SMALL; i += 16)
        v_store(dst + i, scaled(d, load_bytes(src + 2 + i)));
}

/* The factors of sub-block j of 8: twelve bytes hold eight 6-bit scales and eight 6-bit minima. Bytes 0-3 and
 * 4-7 have those of j < 4; of the others, bytes 8-11 have the low four bits and the spare top bits of bytes
 * 0-7 the high two. */
INLINE void k_factors(const unsigned char *s, int j, int *scale, int *min)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
        *min = s[j + 4] >> 4 | s[j] >> 6 << 4;
    }
}

/* The Q4_K and Q5_K types: sub-blocks 2c and 2c+1 are the low and the high halves of 32 bytes; bit j of
 * `high` (NULL: none) is the fifth bit of sub-block j. */
INLINE void read_k(const unsigned char *src, const unsigned char *high, const unsigned char *q, float *dst)
{
    float d = load_f16(src), dmin = load_f16(src + 2);
    for (int j = 0; j < 8; j++) {
        int scale, min;
        k_factors(src + 4, j, &scale, &min);
        float d_scale = d * (float)scale, d_min = dmin * (float)min;
        for (int i = 0; i < 32; i += 16) {
            bytes16 v = field(load_bytes(q + 32 * (j / 2) + i), 4 * (j % 2), 4);
            if (high)
                v |= field(load_bytes(high + i), j, 1) << 4;
            v_store(dst + 32 * j + i, scaled_plus(d_scale, v, -d_min));
        }
    }
}

/* d, dmin, 12 bytes of factors, 128 of nibbles. */
INLINE void read_q4_k(const unsigned char *src, float *dst)
{
    read_k(src, NULL, src + 16, dst);
}

/* d, dmin, 12 bytes of factors, 32 of fifth bits, 128 of nibbles. */
INLINE void read_q5_k(const unsigned char *src, float *dst)
{
    read_k(src, src + 16, src + 48, dst);
}

/* The types below have a factor for each sixteen values. Each half of a block is four runs of 32 values in 32 bytes; run k
 * of a half has bits 2k and 2k+1. */

/* 16 bytes with a 4-bit scale below a 4-bit minimum; 64 of two bits, d, dmin. */
INLINE void read_q2_k(const unsigned char *src, float *dst)
{
    float d = load_f16(src + 80), dmin = load_f16(src + 82);
    for (int j = 0; j < 16; j++) {
        bytes16 q = field(load_bytes(src + 16 + 32 * (j / 8) + 16 * (j % 2)), 2 * (j / 2 % 4), 2);
        float d_min = dmin * (float)(src[j] >> 4);
        v_store(dst + 16 * j, scaled_plus(d * (float)(src[j] & 15), q, -d_min));
    }
}

/* 32 bytes of third bits, 64 of two bits, 12 of factors, d. Bit `run` of the third bits, where it is not set, takes 4 away.
 * Factor j of 16 has its low four bits in the halves of bytes 0-7 and its high two in bytes 8-11, all less 32. */
INLINE void read_q3_k(const unsigned char *src, float *dst)
{
    const unsigned char *s = src + 96;
    float d = load_f16(src + 108);
    for (int j = 0; j < 16; j++) {
        int run = j / 2, at = 16 * (j % 2);
        int factor = (s[j % 8] >> 4 * (j / 8) & 15) | (s[8 + j % 4] >> 2 * (j / 4) & 3) << 4;
        bytes16 low = field(load_bytes(src + 32 + 32 * (j / 8) + at), 2 * (run % 4), 2);
        bytes16 third = field(load_bytes(src + at), run, 1);
        v_store(dst + 16 * j, scaled(d * (float)(factor - 32), low + (third << 2) - 4));
    }
}

/* 128 bytes of nibbles, 64 of two high bits, 16 signed factors, d. Runs 0 and 1 of a half are the low halves of 64 bytes, 2
 * and 3 their high halves. */
INLINE void read_q6_k(const unsigned char *src, float *dst)
{
    float d = load_f16(src + 208);
    for (int j = 0; j < 16; j++) {
        int half = j / 8, k = j / 2 % 4, at = 16 * (j % 2);
        bytes16 low = field(load_bytes(src + 64 * half + 32 * (k % 2) + at), 4 * (k / 2), 4);
        bytes16 high = field(load_bytes(src + 128 + 32 * half + at), 2 * k, 2);
        v_store(dst + 16 * j, scaled(d * (float)(signed char)src[192 + j], (low | high << 4) - 32));
    }
}

/* What the nibbles of the IQ4 types stand for: finer about zero. */
INLINE bytes16 iq4_levels(const unsigned char *q, int half)
{
    static const signed char level[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    bytes16 index = field(load_bytes(q), 4 * half, 4), v;
    for (int i = 0; i < 16; i++)
        v[i] = (unsigned char)level[index[i]];
    return v;
}

/* d, 16 bytes of nibbles. */
INLINE void read_iq4_nl(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int half = 0; half < 2; half++)
        v_store(dst + 16 * half, scaled(d, iq4_levels(src + 2, half)));
}

/* d, two bytes of high pairs of bits of the eight factors, four of their low halves, 128 of nibbles. Factors are less 32. */
INLINE void read_iq4_xs(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    uint32_t high = load16(src + 2);
    for (int j = 0; j < 16; j++) {
        int k = j / 2, factor = (src[4 + k / 2] >> 4 * (k % 2) & 15) | (int)(high >> 2 * k & 3) << 4;
        v_store(dst + 16 * j, scaled(d * (float)(factor - 32), iq4_levels(src + 8 + 16 * k, j % 2)));
    }
}

/* --- runs of numbers ------------------------------------------------------------------------------------- */

static void run_f32(const unsigned char *src, float *dst, size_t n)
{
    if (n)
        memcpy(dst, src, n * sizeof *dst);
}

static void run_bf16(const unsigned char *src, float *dst, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        v_store(dst + i, v_bf16(src + 2 * i));
    for (; i < n; i++)
        dst[i] = from_bits(load16(src + 2 * i) << 16);
}

static void run_f16(const unsigned char *src, float *dst, size_t n)
{
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(src + 2 * i))));
#endif
    for (; i < n; i++)
        dst[i] = load_f16(src + 2 * i);
}

#define RUN(type, block, bytes)                                                                                        \
    static void run_##type(const unsigned char *src, float *dst, size_t n)                                             \
    {                                                                                                                  \
        for (size_t i = 0; i + (block) <= n; i += (block), src += (bytes))                                             \
            read_##type(src, dst + i);                                                                                 \
    }
RUN(q4_0, SMALL, 18)
RUN(q4_1, SMALL, 20)
RUN(q5_0, SMALL, 22)
RUN(q5_1, SMALL, 24)
RUN(q8_0, SMALL, 34)
RUN(iq4_nl, SMALL, 18)
RUN(q2_k, SUPER, 84)
RUN(q3_k, SUPER, 110)
RUN(q4_k, SUPER, 144)
RUN(q5_k, SUPER, 176)
RUN(q6_k, SUPER, 210)
RUN(iq4_xs, SUPER, 136)

void LEVEL(decode)(DType type, const unsigned char *src, float *dst, size_t n)
{
    static void (*const run[DTYPE_COUNT])(const unsigned char *src, float *dst, size_t n) = {
        [DTYPE_F32] = run_f32,   [DTYPE_F16] = run_f16,       [DTYPE_BF16] = run_bf16,    [DTYPE_Q4_0] = run_q4_0,
        [DTYPE_Q4_1] = run_q4_1, [DTYPE_Q5_0] = run_q5_0,     [DTYPE_Q5_1] = run_q5_1,    [DTYPE_Q8_0] = run_q8_0,
        [DTYPE_Q4_K] = run_q4_k, [DTYPE_Q5_K] = run_q5_k,     [DTYPE_Q6_K] = run_q6_k,    [DTYPE_Q2_K] = run_q2_k,
        [DTYPE_Q3_K] = run_q3_k, [DTYPE_IQ4_NL] = run_iq4_nl, [DTYPE_IQ4_XS] = run_iq4_xs};
    run[type](src, dst, n);
}

/* --- rows and panels -------------------------------------------------------------------------------------- */

/* Sixteen rows of a packed matrix, or as many as there are from row r0 on, as a panel. */
static void unpack_panel(float *out, Matrix w, int r0)
{
    enum { COLS = SUPER }; /* at a time: whole blocks, and sixteen rows of them stay in the first-level cache */
    static const float none[COLS] = {0};
    const DTypeInfo *info = dtype_info(w.packed->type);
    float rows[PANEL][COLS];
    for (int c0 = 0; c0 < w.cols; c0 += COLS) {
        int n = w.cols - c0 < COLS ? w.cols - c0 : COLS;
        size_t skip = (size_t)(c0 / info->block) * (size_t)info->block_bytes;
        for (int r = 0; r < PANEL; r++)
            if (r0 + r < w.rows)
                LEVEL(decode)(w.packed->type, packed_row(w, r0 + r) + skip, rows[r], (size_t)n);
            else
                memcpy(rows[r], none, (size_t)n * sizeof(float));
        int whole = n / LANES * LANES;
        for (int c = 0; c < whole; c += LANES)
            transpose16(out + (size_t)(c0 + c) * PANEL, PANEL, rows[0] + c, COLS);
        for (int c = whole; c < n; c++)
            for (int r = 0; r < PANEL; r++)
                out[(size_t)(c0 + c) * PANEL + (size_t)r] = rows[r][c];
    }
}

static void unpack(Device *d, Matrix to, Matrix from)
{
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r0 = 0; r0 < from.rows; r0 += PANEL)
        unpack_panel(to.at + matrix_at(to, r0, 0), from, r0);
}

void LEVEL(decode_kernels)(Kernels *k)
{
    k->unpack = unpack;
    k->decode = LEVEL(decode);
}
