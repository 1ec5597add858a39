/* Stored numbers as f32, and some types back. A quantised block is a few scales and small integers q; its values are d q (the _0
 * types), d q + m (the _1 types), or, in the K types' blocks of 256, (d s) q or (d s) q - (dmin m) with four-
 * to eight-bit factors s and m of sub-blocks; in the IQ4 types q is looked up. Every product and sum is one f32 rounding, in that order. */
#include "model/file/dtype.h"

#include "base/mem.h"

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

static void read_f32(const unsigned char *src, float *dst)
{
    memcpy(dst, src, sizeof *dst);
}

static void read_f16(const unsigned char *src, float *dst)
{
    *dst = load_f16(src);
}

static void read_bf16(const unsigned char *src, float *dst)
{
    *dst = from_bits(load16(src) << 16);
}

enum { SMALL = 32, SUPER = 256 }; /* values in a block of the older types, of the K types */

/* The low four bits of value i of 32: the low halves of 16 bytes, then their high halves. */
static int nibble(const unsigned char *q, int i)
{
    return i < 16 ? q[i] & 15 : q[i - 16] >> 4;
}

/* d, 16 bytes of nibbles. */
static void read_q4_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)(nibble(src + 2, i) - 8);
}

/* d, m, 16 bytes of nibbles. */
static void read_q4_1(const unsigned char *src, float *dst)
{
    float d = load_f16(src), m = load_f16(src + 2);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)nibble(src + 4, i) + m;
}

/* Nibbles with a fifth bit from 32 bits that stand before them. */
static int five_bits(const unsigned char *high, const unsigned char *q, int i)
{
    return nibble(q, i) | (high[i / 8] >> i % 8 & 1) << 4;
}

/* d, 4 bytes of fifth bits, 16 bytes of nibbles. */
static void read_q5_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)(five_bits(src + 2, src + 6, i) - 16);
}

/* d, m, 4 bytes of fifth bits, 16 bytes of nibbles. */
static void read_q5_1(const unsigned char *src, float *dst)
{
    float d = load_f16(src), m = load_f16(src + 2);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)five_bits(src + 4, src + 8, i) + m;
}

/* d, 32 signed bytes. */
static void read_q8_0(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)(signed char)src[2 + i];
}

/* The factors of sub-block j of 8: twelve bytes hold eight 6-bit scales and eight 6-bit minima. Bytes 0-3 and
 * 4-7 have those of j < 4; of the others, bytes 8-11 have the low four bits and the spare top bits of bytes
 * 0-7 the high two. */
static void k_factors(const unsigned char *s, int j, int *scale, int *min)
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
static void read_k(const unsigned char *src, const unsigned char *high, const unsigned char *q, float *dst)
{
    float d = load_f16(src), dmin = load_f16(src + 2);
    for (int j = 0; j < 8; j++) {
        int scale, min;
        k_factors(src + 4, j, &scale, &min);
        float d_scale = d * (float)scale, d_min = dmin * (float)min;
        for (int i = 0; i < 32; i++) {
            int v = q[32 * (j / 2) + i] >> 4 * (j % 2) & 15;
            if (high)
                v |= (high[i] >> j & 1) << 4;
            dst[32 * j + i] = d_scale * (float)v - d_min;
        }
    }
}

/* 16 bytes with a 4-bit scale below a 4-bit minimum, one for each 16 values; 64 of two bits, d, dmin. Each half of the
 * block is four runs of 32 values in 32 bytes, run k in bits 2k and 2k+1. */
static void read_q2_k(const unsigned char *src, float *dst)
{
    float d = load_f16(src + 80), dmin = load_f16(src + 82);
    for (int run = 0; run < 8; run++)
        for (int i = 0; i < 32; i++) {
            int factor = src[2 * run + i / 16], q = src[16 + 32 * (run / 4) + i] >> 2 * (run % 4) & 3;
            dst[32 * run + i] = d * (float)(factor & 15) * (float)q - dmin * (float)(factor >> 4);
        }
}

/* 32 bytes of third bits, 64 of two bits in the order of Q2_K's, 12 of factors, d. Bit `run` of the third bits, where it
 * is not set, takes 4 away. Factor j of 16 has its low four bits in the halves of bytes 0-7 and its high two in bytes
 * 8-11, all less 32. */
static void read_q3_k(const unsigned char *src, float *dst)
{
    const unsigned char *s = src + 96;
    float d = load_f16(src + 108);
    for (int run = 0; run < 8; run++)
        for (int i = 0; i < 32; i++) {
            int j = 2 * run + i / 16, factor = (s[j % 8] >> 4 * (j / 8) & 15) | (s[8 + j % 4] >> 2 * (j / 4) & 3) << 4;
            int q = (src[32 + 32 * (run / 4) + i] >> 2 * (run % 4) & 3) - (src[i] >> run & 1 ? 0 : 4);
            dst[32 * run + i] = d * (float)(factor - 32) * (float)q;
        }
}

/* d, dmin, 12 bytes of factors, 128 of nibbles. */
static void read_q4_k(const unsigned char *src, float *dst)
{
    read_k(src, NULL, src + 16, dst);
}

/* d, dmin, 12 bytes of factors, 32 of fifth bits, 128 of nibbles. */
static void read_q5_k(const unsigned char *src, float *dst)
{
    read_k(src, src + 16, src + 48, dst);
}

/* 128 bytes of nibbles, 64 of two high bits, 16 signed factors, d. Each half of the block is four runs of 32
 * values: runs 0 and 1 are the low halves of 64 bytes, 2 and 3 their high halves; run k has bits 2k and 2k+1
 * of 32 bytes as its high bits. */
static void read_q6_k(const unsigned char *src, float *dst)
{
    float d = load_f16(src + 208);
    for (int run = 0; run < 8; run++) {
        int half = run / 4, k = run % 4;
        const unsigned char *low = src + 64 * half + 32 * (k % 2), *high = src + 128 + 32 * half;
        const unsigned char *factor = src + 192 + 8 * half + 2 * k;
        for (int i = 0; i < 32; i++) {
            int q = (low[i] >> 4 * (k / 2) & 15) | (high[i] >> 2 * k & 3) << 4;
            dst[32 * run + i] = d * (float)(signed char)factor[i / 16] * (float)(q - 32);
        }
    }
}

/* What the nibbles of the IQ4 types stand for: finer about zero. */
static const signed char iq4_level[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* d, 16 bytes of nibbles. */
static void read_iq4_nl(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    for (int i = 0; i < SMALL; i++)
        dst[i] = d * (float)iq4_level[nibble(src + 2, i)];
}

/* d, two bytes of high pairs of bits of the eight factors, four of their low halves, 128 of nibbles. Factors are less 32. */
static void read_iq4_xs(const unsigned char *src, float *dst)
{
    float d = load_f16(src);
    uint32_t high = load16(src + 2);
    for (int j = 0; j < 8; j++) {
        int factor = (src[4 + j / 2] >> 4 * (j % 2) & 15) | (int)(high >> 2 * j & 3) << 4;
        float d_scale = d * (float)(factor - 32);
        for (int i = 0; i < 32; i++)
            dst[32 * j + i] = d_scale * (float)iq4_level[nibble(src + 8 + 16 * j, i)];
    }
}

/* --- and back ---------------------------------------------------------------------------------------- */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void store16(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

/* The nearest number, of two the even one; false where that is infinite. */
static bool write_f16(const float *src, unsigned char *dst)
{
    uint32_t sign = bits_of(*src) >> 16 & 0x8000u, size = bits_of(*src) & 0x7FFFFFFFu, h;
    if (size < 0x38800000u) /* subnormal: of steps of 2^-24 */
        h = (uint32_t)lrintf(from_bits(size) * 0x1p24f);
    else
        h = (size - (112u << 23) + 0xFFFu + (size >> 13 & 1)) >> 13;
    store16(dst, sign | (h < 0x7C00u ? h : 0x7C00u));
    return h < 0x7C00u;
}

static bool write_bf16(const float *src, unsigned char *dst)
{
    uint32_t bits = bits_of(*src), h = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
    store16(dst, h);
    return (h & 0x7F80u) < 0x7F80u;
}

static bool write_f32(const float *src, unsigned char *dst)
{
    memcpy(dst, src, sizeof *src);
    return true;
}

/* The largest of a block by size, with its sign; the first of equals. */
static float largest_of(const float *src)
{
    float most = 0;
    for (int i = 0; i < SMALL; i++)
        most = fabsf(src[i]) > fabsf(most) ? src[i] : most;
    return most;
}

/* The scale, of which f16 keeps ten bits, and 1 / scale; a block whose scale f16 makes 0 is all zero. */
static bool write_scale(float d, unsigned char *dst, float *inverse)
{
    bool ok = write_f16(&d, dst);
    *inverse = load_f16(dst) != 0 ? 1.0f / d : 0.0f;
    return ok;
}

/* As ggml's reference code: the largest becomes 127 or -127. */
static bool write_q8_0(const float *src, unsigned char *dst)
{
    float inverse;
    bool ok = write_scale(fabsf(largest_of(src)) / 127.0f, dst, &inverse);
    for (int i = 0; i < SMALL; i++)
        dst[2 + i] = (unsigned char)(signed char)roundf(src[i] * inverse);
    return ok;
}

/* As there: the largest becomes -8, whatever its sign. */
static bool write_q4_0(const float *src, unsigned char *dst)
{
    float inverse;
    int q[SMALL];
    bool ok = write_scale(largest_of(src) / -8.0f, dst, &inverse);
    for (int i = 0; i < SMALL; i++) {
        q[i] = (int)(src[i] * inverse + 8.5f);
        q[i] = q[i] < 15 ? q[i] : 15;
    }
    for (int i = 0; i < SMALL / 2; i++)
        dst[2 + i] = (unsigned char)(q[i] | q[i + SMALL / 2] << 4);
    return ok;
}

typedef struct Row {
    DTypeInfo info;
    void (*read)(const unsigned char *src, float *dst);  /* one block */
    bool (*write)(const float *src, unsigned char *dst); /* NULL: it is not written */
} Row;

static const Row rows[DTYPE_COUNT] = {
    [DTYPE_F32] = {{"F32", 1, 4}, read_f32, write_f32},
    [DTYPE_F16] = {{"F16", 1, 2}, read_f16, write_f16},
    [DTYPE_BF16] = {{"BF16", 1, 2}, read_bf16, write_bf16},
    [DTYPE_Q4_0] = {{"Q4_0", SMALL, 18}, read_q4_0, write_q4_0},
    [DTYPE_Q4_1] = {{"Q4_1", SMALL, 20}, read_q4_1, NULL},
    [DTYPE_Q5_0] = {{"Q5_0", SMALL, 22}, read_q5_0, NULL},
    [DTYPE_Q5_1] = {{"Q5_1", SMALL, 24}, read_q5_1, NULL},
    [DTYPE_Q8_0] = {{"Q8_0", SMALL, 34}, read_q8_0, write_q8_0},
    [DTYPE_Q4_K] = {{"Q4_K", SUPER, 144}, read_q4_k, NULL},
    [DTYPE_Q5_K] = {{"Q5_K", SUPER, 176}, read_q5_k, NULL},
    [DTYPE_Q6_K] = {{"Q6_K", SUPER, 210}, read_q6_k, NULL},
    [DTYPE_Q2_K] = {{"Q2_K", SUPER, 84}, read_q2_k, NULL},
    [DTYPE_Q3_K] = {{"Q3_K", SUPER, 110}, read_q3_k, NULL},
    [DTYPE_IQ4_NL] = {{"IQ4_NL", SMALL, 18}, read_iq4_nl, NULL},
    [DTYPE_IQ4_XS] = {{"IQ4_XS", SUPER, 136}, read_iq4_xs, NULL},
};

const DTypeInfo *dtype_info(DType type)
{
    return &rows[type].info;
}

DType dtype_find(const char *name)
{
    DType type = 0;
    while (type < DTYPE_COUNT && strcmp(rows[type].info.name, name) != 0)
        type++;
    return type;
}

bool dtype_bytes(DType type, size_t n, size_t *bytes)
{
    const DTypeInfo *info = dtype_info(type);
    return n % (size_t)info->block == 0 && mem_mul(n / (size_t)info->block, (size_t)info->block_bytes, bytes);
}

void dtype_to_f32(DType type, const void *src, float *dst, size_t n)
{
    const Row *row = &rows[type];
    size_t block = (size_t)row->info.block, bytes = (size_t)row->info.block_bytes;
    const unsigned char *p = src;
    if (type == DTYPE_F32 && n)
        memcpy(dst, src, n * sizeof *dst);
    else
        for (size_t i = 0; i + block <= n; i += block, p += bytes)
            row->read(p, dst + i);
}

bool dtype_from_f32(DType type, const float *src, void *dst, size_t n)
{
    const Row *row = &rows[type];
    size_t block = (size_t)row->info.block, bytes = (size_t)row->info.block_bytes;
    unsigned char *p = dst;
    bool ok = true;
    for (size_t i = 0; i + block <= n; i += block, p += bytes)
        ok = row->write(src + i, p) && ok;
    return ok;
}

size_t stored_values(const StoredTensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->dims; i++)
        n *= t->shape[i];
    return n;
}

static int by_place(const void *x, const void *y)
{
    const StoredTensor *a = *(const StoredTensor *const *)x, *b = *(const StoredTensor *const *)y;
    return a->bytes != b->bytes ? (a->bytes > b->bytes) - (a->bytes < b->bytes)
                                : (a->n_bytes > b->n_bytes) - (a->n_bytes < b->n_bytes);
}

bool stored_disjoint(const StoredTensor *t, int n, const char *where, Err *err)
{
    const StoredTensor **sorted = mem_alloc((size_t)n, sizeof *sorted);
    for (int i = 0; i < n; i++)
        sorted[i] = &t[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_place);
    bool ok = true;
    for (int i = 1; i < n && ok; i++) {
        const StoredTensor *a = sorted[i - 1], *b = sorted[i];
        if (b->bytes < a->bytes + a->n_bytes) {
            ok = err_set(err, ERR_INPUT, "%s: the tensors \"%s\" and \"%s\" lie over each other", where, a->name,
                         b->name);
            err_hint(err, "the file is damaged: download or convert it again");
        }
    }
    free(sorted);
    return ok;
}
