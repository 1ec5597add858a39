/* Stored tensors, and numbers written as some types. */
#include "model/file/dtype.h"

#include "base/mem.h"

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

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

enum { SMALL = 32 }; /* values in a block of the types that are written */

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
    float kept;
    dtype_to_f32(DTYPE_F16, dst, &kept, 1);
    *inverse = kept != 0 ? 1.0f / d : 0.0f;
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

typedef bool WriteBlock(const float *src, unsigned char *dst);

static WriteBlock *const writers[DTYPE_COUNT] = {[DTYPE_F32] = write_f32,
                                                 [DTYPE_F16] = write_f16,
                                                 [DTYPE_BF16] = write_bf16,
                                                 [DTYPE_Q8_0] = write_q8_0,
                                                 [DTYPE_Q4_0] = write_q4_0};

bool dtype_from_f32(DType type, const float *src, void *dst, size_t n)
{
    const DTypeInfo *info = dtype_info(type);
    size_t block = (size_t)info->block;
    unsigned char *p = dst;
    bool ok = true;
    for (size_t i = 0; i + block <= n; i += block, p += info->block_bytes)
        ok = writers[type](src + i, p) && ok;
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
