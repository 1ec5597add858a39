/* Stored numbers as f32, sixteen rows at a time. A quantised block is a few scales and small integers q; its values are d q
 * (the _0 types), d q + m (the _1 types), or, in the K types' blocks of 256, (d s) q or (d s) q - (dmin m) with four-
 * to eight-bit factors s and m of sub-blocks; in the IQ4 types q is looked up. Every product and sum is one f32 rounding, in that order.
 */
#include "tensor/cpu/decode.h"

#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/transpose.h"
#include "tensor/cpu/words16.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers are little-endian");

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

/* --- blocks as strips -------------------------------------------------------------------------------------- */

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

/* --- rows and panels ---------------------------------------------------------------------------------------- */

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

/* Strips that are made at a time: so few that they, and what is fetched meanwhile, stay in the first-level cache, but whole
 * blocks. */
enum { SMALL_STRIPS = 8, STRIPS = 256 / 16 };

/* How many columns they are. */
static int piece_of(DType type)
{
    int block = dtype_info(type)->block;
    int strips = block == 1 ? PLAIN_STRIPS : block <= 16 * SMALL_STRIPS ? SMALL_STRIPS : STRIPS;
    return strips * 4 * per_word(types[type].form);
}

/* n columns of sixteen rows as strips, a piece or what there is behind the last whole one; returns the byte behind them. */
static size_t strips_of(Strip *s, DType type, const unsigned char *const row[PANEL], size_t at, int n)
{
    const DTypeInfo *info = dtype_info(type);
    int strips = info->block > 1 ? info->block / 16 : PLAIN_STRIPS;
    int columns = strips * 4 * per_word(types[type].form);
    size_t each = (size_t)info->block_bytes, bytes = info->block > 1 ? each : 16 * PLAIN_STRIPS;
    for (; n >= columns; n -= columns, at += bytes, s += strips)
        types[type].strips(s, row, at);
    if (n > 0) { /* of a type without blocks: these rows have no more */
        unsigned char end[PANEL][16 * PLAIN_STRIPS] = {{0}};
        const unsigned char *of_end[PANEL];
        for (int r = 0; r < PANEL; r++)
            of_end[r] = memcpy(end[r], row[r] + at, (size_t)n * each);
        types[type].strips(s, of_end, 0);
    }
    return at;
}

/* n columns of strips as numbers: out[n][16]. */
INLINE void columns_of(const Form form, float *out, const Strip *s, int n)
{
    const float *end = out + (size_t)n * PANEL;
    for (; out < end; s++)
        for (int i = 0; i < 4; i++)
#pragma GCC unroll UNROLL
            for (int b = 0; b < per_word(form); b++, out += PANEL) {
                if (form > FORM_QM && out == end) /* blocks are whole strips */
                    break;
                v_store(out, column_of(form, s->w[i], b, s->d, s->m));
            }
}

static void columns(Form form, float *out, const Strip *s, int n)
{
    switch (form) {
    case FORM_Q: columns_of(FORM_Q, out, s, n); break;
    case FORM_QM: columns_of(FORM_QM, out, s, n); break;
    case FORM_F16: columns_of(FORM_F16, out, s, n); break;
    case FORM_BF16: columns_of(FORM_BF16, out, s, n); break;
    default: columns_of(FORM_F32, out, s, n); break;
    }
}

/* One row: its blocks are the rows of a panel. */
static void decode_blocks(DType type, const unsigned char *src, float *dst, size_t n)
{
    int block = dtype_info(type)->block;
    size_t bytes = (size_t)dtype_info(type)->block_bytes;
    for (size_t blocks = n / (size_t)block; blocks > 0;) {
        const unsigned char *row[PANEL];
        Strip s[STRIPS];
        size_t have = blocks < PANEL ? blocks : PANEL;
        for (size_t r = 0; r < PANEL; r++)
            row[r] = src + bytes * (r < have ? r : have - 1);
        types[type].strips(s, row, 0);
        for (int j = 0; j < block / 16; j++) {
            float column[16][PANEL], turned[PANEL][16];
            columns(types[type].form, column[0], s + j, 16);
            transpose16(turned[0], 16, column[0], PANEL);
            for (size_t r = 0; r < have; r++)
                memcpy(dst + r * (size_t)block + 16 * (size_t)j, turned[r], sizeof turned[r]);
        }
        src += have * bytes, dst += have * (size_t)block, blocks -= have;
    }
}

static void decode_f16(const unsigned char *src, float *dst, size_t n)
{
#ifdef __F16C__
    for (; n >= 8; n -= 8, src += 16, dst += 8)
        _mm256_storeu_ps(dst, _mm256_cvtph_ps(_mm_loadu_si128((const void *)src)));
#endif
    for (uint16_t half; n > 0; n--, src += sizeof half) {
        memcpy(&half, src, sizeof half);
        *dst++ = half_value(half);
    }
}

static void decode_bf16(const unsigned char *src, float *dst, size_t n)
{
    uint16_t half[LANES];
    uint32_t bits[LANES];
    for (; n >= LANES; n -= LANES, src += sizeof half, dst += LANES) {
        memcpy(half, src, sizeof half);
        for (int i = 0; i < LANES; i++)
            bits[i] = (uint32_t)half[i] << 16;
        memcpy(dst, bits, sizeof bits);
    }
    for (; n > 0; n--, src += sizeof *half, dst++) {
        memcpy(half, src, sizeof *half);
        *bits = (uint32_t)*half << 16;
        memcpy(dst, bits, sizeof *bits);
    }
}

void LEVEL(decode)(DType type, const unsigned char *src, float *dst, size_t n)
{
    switch (types[type].form) {
    case FORM_F32:
        if (n)
            memcpy(dst, src, n * sizeof *dst);
        break;
    case FORM_F16: decode_f16(src, dst, n); break;
    case FORM_BF16: decode_bf16(src, dst, n); break;
    default: decode_blocks(type, src, dst, n);
    }
}

/* Where the rows of a packed matrix from r0 on begin; for those that are missing, the last one. */
static int rows_from(Matrix w, int r0, const unsigned char *row[PANEL])
{
    for (int r = 0; r < PANEL; r++)
        row[r] = packed_row(w, r0 + r < w.rows ? r0 + r : w.rows - 1);
    return w.rows - r0 < PANEL ? w.rows - r0 : PANEL;
}

enum { LINE = 64 };

/* Fetches bytes that are read later: rows are too many and too far apart for the CPU to see what comes next. Most often they
 * lie one behind the other. Returns what comes behind. */
INLINE const unsigned char *fetch(const unsigned char *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LINE)
        __builtin_prefetch(from + at);
    return from + bytes;
}

/* One of so many parts of what rows from r0 on have; nothing where they are not there. */
static size_t fetched_part(Matrix w, int r0, int rows, int parts)
{
    return r0 + rows > w.rows ? 0 : ((size_t)rows * w.packed->row_bytes / (size_t)parts + LINE - 1) / LINE * LINE;
}

/* Sixteen rows of a packed matrix, or as many as there are from row r0 on, as a panel. */
static void unpack_panel(float *out, Matrix w, int r0)
{
    const unsigned char *row[PANEL];
    Strip s[STRIPS];
    int have = rows_from(w, r0, row), piece = piece_of(w.packed->type), n;
    size_t at = 0, part = fetched_part(w, r0 + PANEL, PANEL, (w.cols + piece - 1) / piece);
    const unsigned char *ahead = packed_row(w, part ? r0 + PANEL : r0);
    for (int c = 0; c < w.cols; c += n) {
        n = w.cols - c < piece ? w.cols - c : piece;
        ahead = fetch(ahead, part);
        at = strips_of(s, w.packed->type, row, at, n);
        columns(types[w.packed->type].form, out + (size_t)c * PANEL, s, n);
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

/* --- products of few rows ------------------------------------------------------------------------------------ */

/* y (=|+=) x W^T of few rows: strips become numbers where they are multiplied, for ROWS rows and PANELS panels, or one, at a
 * time: as many chains as keep the multiplier busy and have registers. Of more than FEW rows unpacking takes less. */
#if defined __AVX512F__
enum { FEW = 16, CHAINS = 12 };
#else
enum { FEW = 12, CHAINS = 3 };
#endif
enum { ROWS = 4, PANELS = 3 };

typedef f32x16 Chains[ROWS][PANELS];

/* Goes on with the chains of so many rows and panels by n columns from c on. */
INLINE void few_columns(const int rows, const int panels, const Form form, Chains chain, Tensor x, int c, int n,
                        Strip s[PANELS][STRIPS], int first)
{
    const float *at = x.at + c, *end = at + n;
    f32x16 acc[ROWS][PANELS];
#pragma GCC unroll UNROLL
    for (int t = 0; t < rows; t++)
#pragma GCC unroll UNROLL
        for (int j = 0; j < panels; j++)
            acc[t][j] = chain[t][first + j];
    for (int k = 0; at < end; k++)
        for (int i = 0; i < 4; i++)
#pragma GCC unroll UNROLL
            for (int b = 0; b < per_word(form); b++, at++) {
                if (form > FORM_QM && at == end)
                    break;
#pragma GCC unroll UNROLL
                for (int j = 0; j < panels; j++) {
                    const Strip *of = &s[first + j][k];
                    f32x16 v = column_of(form, of->w[i], b, of->d, of->m);
#pragma GCC unroll UNROLL
                    for (int t = 0; t < rows; t++)
                        acc[t][j] = v_fma(v_set1(at[(size_t)t * (size_t)x.cols]), v, acc[t][j]);
                }
            }
#pragma GCC unroll UNROLL
    for (int t = 0; t < rows; t++)
#pragma GCC unroll UNROLL
        for (int j = 0; j < panels; j++)
            chain[t][first + j] = acc[t][j];
}

INLINE void few_rows(const int rows, const Form form, Chains chain, Tensor x, int c, int n, Strip s[PANELS][STRIPS])
{
    const int panels = rows * PANELS <= CHAINS ? PANELS : 1;
    for (int j = 0; j < PANELS; j += panels)
        few_columns(rows, panels, form, chain, x, c, n, s, j);
}

typedef void FewColumns(Chains chain, Tensor x, int c, int n, Strip s[PANELS][STRIPS]);

#define FEW_OF(name, form)                                                                                             \
    static void name(Chains chain, Tensor x, int c, int n, Strip s[PANELS][STRIPS])                                    \
    {                                                                                                                  \
        switch (x.rows) {                                                                                              \
        case 1: few_rows(1, form, chain, x, c, n, s); break;                                                           \
        case 2: few_rows(2, form, chain, x, c, n, s); break;                                                           \
        case 3: few_rows(3, form, chain, x, c, n, s); break;                                                           \
        default: few_rows(ROWS, form, chain, x, c, n, s); break;                                                       \
        }                                                                                                              \
    }
FEW_OF(few_q, FORM_Q)
FEW_OF(few_qm, FORM_QM)
FEW_OF(few_f16, FORM_F16)
FEW_OF(few_bf16, FORM_BF16)
FEW_OF(few_f32, FORM_F32)

static FewColumns *const few_of[] = {
    [FORM_Q] = few_q, [FORM_QM] = few_qm, [FORM_F16] = few_f16, [FORM_BF16] = few_bf16, [FORM_F32] = few_f32};

/* PANELS panels from row r0 on; those beyond the last are not kept. */
static void few_panels(Tensor y, Tensor x, Matrix w, int r0, bool add)
{
    const unsigned char *row[PANELS][PANEL];
    Strip s[PANELS][STRIPS];
    f32x16 chain[FEW][PANELS];
    DType type = w.packed->type;
    int piece = piece_of(type), next = r0 + PANELS * PANEL, n;
    size_t at = 0, end = 0;
    size_t part = fetched_part(w, next, PANELS * PANEL, PANELS * ((w.cols + piece - 1) / piece));
    const unsigned char *ahead = packed_row(w, part ? next : r0);
    for (int j = 0; j < PANELS; j++) {
        rows_from(w, r0 + j * PANEL, row[j]);
        for (int t = 0; t < x.rows; t++)
            chain[t][j] = v_zero();
    }
    for (int c = 0; c < w.cols; c += n, at = end) {
        n = w.cols - c < piece ? w.cols - c : piece;
        for (int j = 0; j < PANELS; j++) {
            ahead = fetch(ahead, part);
            end = strips_of(s[j], type, row[j], at, n);
        }
        for (int t = 0; t < x.rows; t += ROWS)
            few_of[types[type].form](chain + t, tensor_rows(x, t, x.rows - t < ROWS ? x.rows - t : ROWS), c, n, s);
    }
    for (int j = 0; j < PANELS; j++)
        for (int t = 0, first = r0 + j * PANEL; t < x.rows && first < y.cols; t++) {
            float *to = y.at + (size_t)t * (size_t)y.cols + first;
            int have = y.cols - first;
            v_store_n(to, add ? v_add(v_load_n(to, have, 0), chain[t][j]) : chain[t][j], have);
        }
}

static bool linear_few(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    if (x.rows > FEW)
        return false;
    int groups = (w.rows + PANELS * PANEL - 1) / (PANELS * PANEL);
#pragma omp parallel num_threads(d->threads)
    {
        int t = thread_index(), first = groups * t / d->threads, end = groups * (t + 1) / d->threads;
        if (first < end)
            fetch(packed_row(w, first * PANELS * PANEL), PANELS * PANEL * w.packed->row_bytes);
        for (int g = first; g < end; g++)
            few_panels(y, x, w, g * PANELS * PANEL, add);
    }
    return true;
}

void LEVEL(decode_kernels)(Kernels *k)
{
    k->linear_few = linear_few;
    k->unpack = unpack;
    k->decode = LEVEL(decode);
}
