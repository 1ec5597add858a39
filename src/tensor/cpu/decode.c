/* Stored numbers as f32, by strips (strips.h): rows, panels of sixteen rows, and products of few rows. */
#include "tensor/cpu/decode.h"

#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/strips.h"
#include "tensor/cpu/transpose.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers are little-endian");

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
#ifdef __AVX2__
    for (; n >= 8; n -= 8, src += 16, dst += 8) {
        __m256i halves = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)src));
        _mm256_storeu_si256((void *)dst, _mm256_slli_epi32(halves, 16));
    }
#endif
    for (uint16_t half; n > 0; n--, src += sizeof half, dst++) {
        memcpy(&half, src, sizeof half);
        uint32_t bits = (uint32_t)half << 16;
        memcpy(dst, &bits, sizeof bits);
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
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int part = 0; part < d->threads; part++) { /* one for each thread, which fetches where it begins */
        int first = groups * part / d->threads, end = groups * (part + 1) / d->threads;
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
