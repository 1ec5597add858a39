/* Stored numbers as f32. A quantised block is a few scales and small integers q; its values are d q (the _0
 * types), d q + m (the _1 types), or, in the K types' blocks of 256, (d s) q or (d s) q - (dmin m) with four-
 * to eight-bit factors s and m of sub-blocks; in the IQ4 types q is looked up. Every product and sum is one f32 rounding, in that order.
 */
#include "tensor/cpu/decode.h"

#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/transpose.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers are little-endian");

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t load16(const unsigned char *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return half;
}

static float load_f16(const unsigned char *p)
{
#ifdef __F16C__
    return _cvtsh_ss((unsigned short)load16(p));
#endif
    uint32_t h = load16(p), sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3FFu;
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24 */
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) /* infinity and NaN */
        return from_bits(sign | 0x7F800000u | mantissa << 13);
    return from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

/* Sixteen signed bytes as numbers. */
INLINE f32x16 v_int8(const void *p)
{
#if defined __AVX512F__
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p)));
#elif defined __AVX2__
    const __m128i q = _mm_loadu_si128(p);
    return (f32x16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)),
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)))};
#else
    float t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = (float)((const signed char *)p)[i];
    return v_load(t);
#endif
}

/* Sixteen numbers that are the upper halves of their bits. */
INLINE f32x16 v_bf16(const void *p)
{
#if defined __AVX512F__
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p)), 16));
#elif defined __AVX2__
    const __m128i a = _mm_loadu_si128(p), b = _mm_loadu_si128((const __m128i *)p + 1);
    return (f32x16){_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16)),
                    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(b), 16))};
#else
    uint16_t half[LANES];
    uint32_t bits[LANES];
    memcpy(half, p, sizeof half);
    for (int i = 0; i < LANES; i++)
        bits[i] = (uint32_t)half[i] << 16;
    float t[LANES];
    memcpy(t, bits, sizeof t);
    return v_load(t);
#endif
}

enum { SMALL = 32, SUPER = 256 }; /* values in a block of the older types, of the K types */
enum { COLS = 256 }; /* columns that are unpacked at a time: sixteen rows of them stay in the first-level cache */

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

/* Sixteen values of a block: d q + m, q signed; m where the type has one. */
typedef struct Sixteen {
    bytes16 q;
    float d, m;
} Sixteen;

/* Blocks of 32 have as their nibbles the low halves of 16 bytes, then their high halves. Of every type: the sixteen values from
 * 16 j on. */

/* d, 16 bytes of nibbles. */
INLINE Sixteen take_q4_0(const unsigned char *src, int j)
{
    return (Sixteen){field(load_bytes(src + 2), 4 * j, 4) - 8, load_f16(src), 0};
}

/* d, m, 16 bytes of nibbles. */
INLINE Sixteen take_q4_1(const unsigned char *src, int j)
{
    return (Sixteen){field(load_bytes(src + 4), 4 * j, 4), load_f16(src), load_f16(src + 2)};
}

/* Nibbles with a fifth bit from 32 bits that stand before them. */
INLINE bytes16 five_bits(const unsigned char *src, int j)
{
    uint32_t high = load16(src) | load16(src + 2) << 16;
    return field(load_bytes(src + 4), 4 * j, 4) | spread(high, 16 * j) << 4;
}

/* d, 4 bytes of fifth bits, 16 bytes of nibbles. */
INLINE Sixteen take_q5_0(const unsigned char *src, int j)
{
    return (Sixteen){five_bits(src + 2, j) - 16, load_f16(src), 0};
}

/* d, m, 4 bytes of fifth bits, 16 bytes of nibbles. */
INLINE Sixteen take_q5_1(const unsigned char *src, int j)
{
    return (Sixteen){five_bits(src + 4, j), load_f16(src), load_f16(src + 2)};
}

/* d, 32 signed bytes. */
INLINE Sixteen take_q8_0(const unsigned char *src, int j)
{
    return (Sixteen){load_bytes(src + 2 + 16 * j), load_f16(src), 0};
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

/* The Q4_K and Q5_K types: sub-blocks 2c and 2c+1 are the low and the high halves of 32 bytes; bit k of
 * `high` (NULL: none) is the fifth bit of sub-block k. */
INLINE Sixteen take_k(const unsigned char *src, const unsigned char *high, const unsigned char *q, int j)
{
    int k = j / 2, at = 16 * (j % 2), scale, min;
    k_factors(src + 4, k, &scale, &min);
    bytes16 v = field(load_bytes(q + 32 * (k / 2) + at), 4 * (k % 2), 4);
    if (high)
        v |= field(load_bytes(high + at), k, 1) << 4;
    return (Sixteen){v, load_f16(src) * (float)scale, -(load_f16(src + 2) * (float)min)};
}

/* d, dmin, 12 bytes of factors, 128 of nibbles. */
INLINE Sixteen take_q4_k(const unsigned char *src, int j)
{
    return take_k(src, NULL, src + 16, j);
}

/* d, dmin, 12 bytes of factors, 32 of fifth bits, 128 of nibbles. */
INLINE Sixteen take_q5_k(const unsigned char *src, int j)
{
    return take_k(src, src + 16, src + 48, j);
}

/* The types below have a factor for each sixteen values. Each half of a block is four runs of 32 values in 32 bytes; run k
 * of a half has bits 2k and 2k+1. */

/* 16 bytes with a 4-bit scale below a 4-bit minimum; 64 of two bits, d, dmin. */
INLINE Sixteen take_q2_k(const unsigned char *src, int j)
{
    bytes16 q = field(load_bytes(src + 16 + 32 * (j / 8) + 16 * (j % 2)), 2 * (j / 2 % 4), 2);
    return (Sixteen){q, load_f16(src + 80) * (float)(src[j] & 15), -(load_f16(src + 82) * (float)(src[j] >> 4))};
}

/* 32 bytes of third bits, 64 of two bits, 12 of factors, d. Bit `run` of the third bits, where it is not set, takes 4 away.
 * Factor j of 16 has its low four bits in the halves of bytes 0-7 and its high two in bytes 8-11, all less 32. */
INLINE Sixteen take_q3_k(const unsigned char *src, int j)
{
    const unsigned char *s = src + 96;
    int run = j / 2, at = 16 * (j % 2);
    int factor = (s[j % 8] >> 4 * (j / 8) & 15) | (s[8 + j % 4] >> 2 * (j / 4) & 3) << 4;
    bytes16 low = field(load_bytes(src + 32 + 32 * (j / 8) + at), 2 * (run % 4), 2);
    bytes16 third = field(load_bytes(src + at), run, 1);
    return (Sixteen){low + (third << 2) - 4, load_f16(src + 108) * (float)(factor - 32), 0};
}

/* 128 bytes of nibbles, 64 of two high bits, 16 signed factors, d. Runs 0 and 1 of a half are the low halves of 64 bytes, 2
 * and 3 their high halves. */
INLINE Sixteen take_q6_k(const unsigned char *src, int j)
{
    int half = j / 8, k = j / 2 % 4, at = 16 * (j % 2);
    bytes16 low = field(load_bytes(src + 64 * half + 32 * (k % 2) + at), 4 * (k / 2), 4);
    bytes16 high = field(load_bytes(src + 128 + 32 * half + at), 2 * k, 2);
    return (Sixteen){(low | high << 4) - 32, load_f16(src + 208) * (float)(signed char)src[192 + j], 0};
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
INLINE Sixteen take_iq4_nl(const unsigned char *src, int j)
{
    return (Sixteen){iq4_levels(src + 2, j), load_f16(src), 0};
}

/* d, two bytes of high pairs of bits of the eight factors, four of their low halves, 128 of nibbles. Factors are less 32. */
INLINE Sixteen take_iq4_xs(const unsigned char *src, int j)
{
    int k = j / 2;
    int factor = (src[4 + k / 2] >> 4 * (k % 2) & 15) | (int)(load16(src + 2) >> 2 * k & 3) << 4;
    return (Sixteen){iq4_levels(src + 8 + 16 * k, j % 2), load_f16(src) * (float)(factor - 32), 0};
}

/* --- blocks: in a row, and sixteen rows as a panel ---------------------------------------------------------- */

/* Row i stands beside row i + 8; four times that, and sixteen rows of sixteen bytes are columns. */
INLINE void beside(bytes16 to[16], const bytes16 a[16])
{
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        to[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        to[2 * i + 1] =
            __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
}

INLINE void turn_bytes(bytes16 a[16])
{
    bytes16 b[16];
    beside(b, a);
    beside(a, b);
    beside(b, a);
    beside(a, b);
}

/* What stands in a row from the value `at` on becomes n columns of a panel. */
typedef void PanelOf(const unsigned char *const row[PANEL], int at, float *out, int n);

/* `each`: how many values in a row have one d and m; `plus`: is there an m? */
#define BLOCKS(type, block, bytes, each, plus)                                                                         \
    static void run_##type(const unsigned char *src, float *dst, size_t n)                                             \
    {                                                                                                                  \
        for (; n >= (block); n -= (block), src += (bytes))                                                             \
            for (int j = 0; j < (block) / 16; j++, dst += 16) {                                                        \
                Sixteen s = take_##type(src, j);                                                                       \
                f32x16 v = v_mul(v_set1(s.d), v_int8(&s.q));                                                           \
                v_store(dst, (plus) ? v_add(v, v_set1(s.m)) : v);                                                      \
            }                                                                                                          \
    }                                                                                                                  \
    static void panel_##type(const unsigned char *const row[PANEL], int at, float *out, int n)                         \
    {                                                                                                                  \
        for (int c = at; c < at + n; c += (each)) {                                                                    \
            size_t skip = (size_t)(c / (block)) * (bytes);                                                             \
            int first = c % (block) / 16;                                                                              \
            float d[PANEL], m[PANEL];                                                                                  \
            for (int r = 0; r < PANEL; r++) {                                                                          \
                Sixteen s = take_##type(row[r] + skip, first);                                                         \
                d[r] = s.d, m[r] = s.m;                                                                                \
            }                                                                                                          \
            for (int j = first; j < first + (each) / 16; j++) {                                                        \
                bytes16 q[PANEL];                                                                                      \
                _Pragma("GCC unroll 16") for (int r = 0; r < PANEL; r++) q[r] = take_##type(row[r] + skip, j).q;       \
                turn_bytes(q);                                                                                         \
                f32x16 dv = v_load(d), mv = v_load(m);                                                                 \
                _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++, out += PANEL)                                    \
                {                                                                                                      \
                    f32x16 v = v_mul(dv, v_int8(&q[i]));                                                               \
                    v_store(out, (plus) ? v_add(v, mv) : v);                                                           \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

BLOCKS(q4_0, SMALL, 18, 32, false)
BLOCKS(q4_1, SMALL, 20, 32, true)
BLOCKS(q5_0, SMALL, 22, 32, false)
BLOCKS(q5_1, SMALL, 24, 32, true)
BLOCKS(q8_0, SMALL, 34, 32, false)
BLOCKS(iq4_nl, SMALL, 18, 32, false)
BLOCKS(q2_k, SUPER, 84, 16, true)
BLOCKS(q3_k, SUPER, 110, 16, false)
BLOCKS(q4_k, SUPER, 144, 32, true)
BLOCKS(q5_k, SUPER, 176, 32, true)
BLOCKS(q6_k, SUPER, 210, 16, false)
BLOCKS(iq4_xs, SUPER, 136, 32, false)

/* --- plain numbers ------------------------------------------------------------------------------------- */

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

/* Sixteen rows, decoded one by one and then turned. */
static void turned_panel(DType type, const unsigned char *const row[PANEL], int at, float *out, int n)
{
    float rows[PANEL][COLS];
    int whole = n / LANES * LANES;
    for (int r = 0; r < PANEL; r++)
        LEVEL(decode)(type, row[r] + (size_t)at * (size_t)dtype_info(type)->block_bytes, rows[r], (size_t)n);
    for (int c = 0; c < whole; c += LANES)
        transpose16(out + (size_t)c * PANEL, PANEL, rows[0] + c, COLS);
    for (int c = whole; c < n; c++)
        for (int r = 0; r < PANEL; r++)
            out[(size_t)c * PANEL + (size_t)r] = rows[r][c];
}

void LEVEL(decode)(DType type, const unsigned char *src, float *dst, size_t n)
{
    static void (*const run[DTYPE_COUNT])(const unsigned char *src, float *dst, size_t n) = {
        [DTYPE_F32] = run_f32,   [DTYPE_F16] = run_f16,       [DTYPE_BF16] = run_bf16,    [DTYPE_Q4_0] = run_q4_0,
        [DTYPE_Q4_1] = run_q4_1, [DTYPE_Q5_0] = run_q5_0,     [DTYPE_Q5_1] = run_q5_1,    [DTYPE_Q8_0] = run_q8_0,
        [DTYPE_Q4_K] = run_q4_k, [DTYPE_Q5_K] = run_q5_k,     [DTYPE_Q6_K] = run_q6_k,    [DTYPE_Q2_K] = run_q2_k,
        [DTYPE_Q3_K] = run_q3_k, [DTYPE_IQ4_NL] = run_iq4_nl, [DTYPE_IQ4_XS] = run_iq4_xs};
    run[type](src, dst, n);
}

/* --- panels ----------------------------------------------------------------------------------------------- */

static PanelOf *const panel_of[DTYPE_COUNT] = {
    [DTYPE_Q4_0] = panel_q4_0, [DTYPE_Q4_1] = panel_q4_1, [DTYPE_Q5_0] = panel_q5_0,     [DTYPE_Q5_1] = panel_q5_1,
    [DTYPE_Q8_0] = panel_q8_0, [DTYPE_Q4_K] = panel_q4_k, [DTYPE_Q5_K] = panel_q5_k,     [DTYPE_Q6_K] = panel_q6_k,
    [DTYPE_Q2_K] = panel_q2_k, [DTYPE_Q3_K] = panel_q3_k, [DTYPE_IQ4_NL] = panel_iq4_nl, [DTYPE_IQ4_XS] = panel_iq4_xs};

/* Where the rows of a packed matrix from r0 on begin; for those that are missing, the last one. */
static int rows_from(Matrix w, int r0, const unsigned char *row[PANEL])
{
    int have = w.rows - r0 < PANEL ? w.rows - r0 : PANEL;
    for (int r = 0; r < PANEL; r++)
        row[r] = packed_row(w, r0 + (r < have ? r : have - 1));
    return have;
}

/* Fetches what will be read next of sixteen rows, so many bytes further on in the file: rows lie too far apart for the CPU to
 * see it coming. */
INLINE void fetch(const unsigned char *const row[PANEL], size_t ahead, size_t bytes)
{
    enum { LINE = 64 };
    for (int r = 0; r < PANEL; r++)
        for (size_t at = 0; at < bytes; at += LINE)
            __builtin_prefetch(row[r] + ahead + at);
}

/* Columns at .. at+n-1 of so many rows as a panel; n is at most COLS. */
static void columns(Matrix w, const unsigned char *const row[PANEL], int at, float *out, int n)
{
    if (panel_of[w.packed->type])
        panel_of[w.packed->type](row, at, out, n);
    else
        turned_panel(w.packed->type, row, at, out, n);
}

static size_t column_bytes(Matrix w, int n)
{
    const DTypeInfo *info = dtype_info(w.packed->type);
    return (size_t)(n / info->block) * (size_t)info->block_bytes;
}

/* Sixteen rows of a packed matrix, or as many as there are from row r0 on, as a panel. */
static void unpack_panel(float *out, Matrix w, int r0)
{
    const unsigned char *row[PANEL];
    int have = rows_from(w, r0, row);
    for (int c = 0; c < w.cols; c += COLS) {
        int n = w.cols - c < COLS ? w.cols - c : COLS;
        if (r0 + 2 * PANEL <= w.rows)
            fetch(row, PANEL * w.packed->row_bytes + column_bytes(w, c), column_bytes(w, n));
        columns(w, row, c, out + (size_t)c * PANEL, n);
    }
    for (int c = 0; have < PANEL && c < w.cols; c++)
        memset(out + (size_t)c * PANEL + have, 0, (size_t)(PANEL - have) * sizeof(float));
}

static void unpack(Device *d, Matrix to, Matrix from)
{
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int r0 = 0; r0 < from.rows; r0 += PANEL)
        unpack_panel(to.at + matrix_at(to, r0, 0), from, r0);
}

/* y (=|+=) x W^T of one row or few: panels are unpacked piece by piece, and used where they are. PANELS of them at once are
 * as many chains as keep the multiplier busy. */
enum { FEW = 4, PANELS = 4 };

INLINE void few_panels(const int rows, Tensor y, Tensor x, Matrix w, int p0, bool add)
{
    enum { PIECE = 64 };
    const unsigned char *row[PANELS][PANEL];
    float piece[PANELS][COLS * PANEL];
    f32x16 acc[FEW][PANELS];
    int panels = (w.rows + PANEL - 1) / PANEL - p0, step = dtype_info(w.packed->type)->block > PIECE ? COLS : PIECE;
    size_t ahead = PANELS * PANEL * w.packed->row_bytes;
    bool more = panels >= 2 * PANELS;
    panels = panels < PANELS ? panels : PANELS;
    for (int j = 0; j < PANELS; j++)
        for (int t = 0; t < rows; t++)
            acc[t][j] = v_zero();
    if (panels < PANELS)
        memset(piece, 0, sizeof piece);
    for (int j = 0; j < panels; j++)
        rows_from(w, (p0 + j) * PANEL, row[j]);
    for (int c0 = 0; c0 < w.cols; c0 += step) {
        int n = w.cols - c0 < step ? w.cols - c0 : step;
        for (int j = 0; j < panels; j++) {
            if (more)
                fetch(row[j], ahead + column_bytes(w, c0), column_bytes(w, n));
            columns(w, row[j], c0, piece[j], n);
        }
        for (int c = 0; c < n; c++)
#pragma GCC unroll 4
            for (int j = 0; j < PANELS; j++) /* those beyond the last are not kept */
#pragma GCC unroll 4
                for (int t = 0; t < rows; t++)
                    acc[t][j] = v_fma(v_set1(x.at[(size_t)t * (size_t)x.cols + (size_t)(c0 + c)]),
                                      v_load(piece[j] + (size_t)c * PANEL), acc[t][j]);
    }
    for (int j = 0; j < panels; j++)
        for (int t = 0; t < rows; t++) {
            float *to = y.at + (size_t)t * (size_t)y.cols + (size_t)(p0 + j) * PANEL;
            int n = y.cols - (p0 + j) * PANEL;
            v_store_n(to, add ? v_add(v_load_n(to, n, 0), acc[t][j]) : acc[t][j], n);
        }
}

static bool linear_few(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    if (x.rows > FEW)
        return false;
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int p0 = 0; p0 < (w.rows + PANEL - 1) / PANEL; p0 += PANELS)
        switch (x.rows) {
        case 1: few_panels(1, y, x, w, p0, add); break;
        case 2: few_panels(2, y, x, w, p0, add); break;
        case 3: few_panels(3, y, x, w, p0, add); break;
        default: few_panels(4, y, x, w, p0, add); break;
        }
    return true;
}

void LEVEL(decode_kernels)(Kernels *k)
{
    k->linear_few = linear_few;
    k->unpack = unpack;
    k->decode = LEVEL(decode);
}
