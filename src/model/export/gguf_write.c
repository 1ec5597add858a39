/* Writing the GGUF container (version 3): a header, metadata, descriptions of tensors, their bytes on multiples of 32. */
#include "model/export/gguf_write.h"

#include "base/lines.h"
#include "base/mem.h"

enum { ALIGNMENT = 32 };

typedef struct Declared {
    char *name;
    DType type;
    size_t rows, cols; /* a vector is one row */
} Declared;

struct GgufWriter {
    char *path;
    TextWriter *out;
    Str values, infos;
    uint64_t n_values, bytes; /* of tensors so far, with what stands between them */
    Declared *tensor;
    int n, cap;
    int at; /* the tensor that is given now; -1: the header is not written yet */
    size_t row;
    unsigned char *stored; /* a row of it */
};

bool gguf_create(GgufWriter **out, const char *path, Err *err)
{
    TextWriter *text;
    *out = NULL;
    if (!text_open(&text, path, err))
        return false;
    GgufWriter *w = mem_zalloc(1, sizeof *w);
    w->path = mem_str(path);
    w->out = text;
    w->at = -1;
    *out = w;
    return true;
}

/* --- metadata --------------------------------------------------------------------------------------- */

static void add_number(Str *s, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_addc(s, (char)(v >> 8 * i));
}

static void add_text(Str *s, const char *text)
{
    size_t n = strlen(text);
    add_number(s, n, 8);
    str_addn(s, text, n);
}

static void begin_value(GgufWriter *w, const char *key, GgufType type)
{
    add_text(&w->values, key);
    add_number(&w->values, type, 4);
    w->n_values++;
}

void gguf_put_text(GgufWriter *w, const char *key, const char *text)
{
    begin_value(w, key, GGUF_TEXT);
    add_text(&w->values, text);
}

void gguf_put_u32(GgufWriter *w, const char *key, uint32_t v)
{
    begin_value(w, key, GGUF_U32);
    add_number(&w->values, v, 4);
}

void gguf_put_f32(GgufWriter *w, const char *key, double v)
{
    float value = (float)v;
    begin_value(w, key, GGUF_F32);
    str_addn(&w->values, (const char *)&value, sizeof value);
}

void gguf_put_bool(GgufWriter *w, const char *key, bool v)
{
    begin_value(w, key, GGUF_BOOL);
    add_number(&w->values, v, 1);
}

static void begin_array(GgufWriter *w, const char *key, GgufType item, int n)
{
    begin_value(w, key, GGUF_ARRAY);
    add_number(&w->values, item, 4);
    add_number(&w->values, (uint64_t)n, 8);
}

void gguf_put_texts(GgufWriter *w, const char *key, const char *const *text, int n)
{
    begin_array(w, key, GGUF_TEXT, n);
    for (int i = 0; i < n; i++)
        add_text(&w->values, text[i]);
}

void gguf_put_array(GgufWriter *w, const char *key, GgufType item, const void *items, int n)
{
    begin_array(w, key, item, n);
    str_addn(&w->values, items, (size_t)n * (item == GGUF_BOOL || item == GGUF_U8 ? 1 : 4));
}

/* --- tensors ---------------------------------------------------------------------------------------- */

static size_t row_bytes(const Declared *t)
{
    const DTypeInfo *info = dtype_info(t->type);
    return t->cols / (size_t)info->block * (size_t)info->block_bytes;
}

static size_t padding(uint64_t bytes)
{
    return (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT;
}

/* The number by which files call a type. */
static uint64_t type_number(DType type)
{
    static const int numbers[DTYPE_COUNT] = {
        [DTYPE_F32] = 0, [DTYPE_F16] = 1, [DTYPE_BF16] = 30, [DTYPE_Q4_0] = 2, [DTYPE_Q8_0] = 8};
    return (uint64_t)numbers[type];
}

void gguf_declare(GgufWriter *w, const char *name, DType type, const size_t *shape, int dims)
{
    w->tensor = MEM_GROW(w->tensor, w->n, w->cap);
    Declared *t = &w->tensor[w->n++];
    *t = (Declared){mem_str(name), type, dims == 2 ? shape[0] : 1, shape[dims - 1]};
    add_text(&w->infos, name);
    add_number(&w->infos, (uint64_t)dims, 4);
    for (int i = dims - 1; i >= 0; i--)
        add_number(&w->infos, shape[i], 8);
    add_number(&w->infos, type_number(type), 4);
    add_number(&w->infos, w->bytes, 8);
    w->bytes += t->rows * row_bytes(t);
    w->bytes += padding(w->bytes);
}

static bool write_padding(GgufWriter *w, uint64_t bytes, Err *err)
{
    static const char zero[ALIGNMENT];
    return padding(bytes) == 0 || text_write(w->out, zero, padding(bytes), err);
}

static void begin_tensor(GgufWriter *w, int i)
{
    w->at = i;
    w->row = 0;
    free(w->stored);
    w->stored = i < w->n ? mem_alloc(row_bytes(&w->tensor[i]), 1) : NULL;
}

static bool write_header(GgufWriter *w, Err *err)
{
    Str head = {0};
    str_add(&head, "GGUF");
    add_number(&head, 3, 4);
    add_number(&head, (uint64_t)w->n, 8);
    add_number(&head, w->n_values, 8);
    bool ok = text_write(w->out, head.text, head.n, err) && text_write(w->out, w->values.text, w->values.n, err) &&
              text_write(w->out, w->infos.text, w->infos.n, err) &&
              write_padding(w, head.n + w->values.n + w->infos.n, err);
    str_release(&head);
    begin_tensor(w, 0);
    return ok;
}

bool gguf_row(GgufWriter *w, const float *values, Err *err)
{
    if (w->at < 0 && !write_header(w, err))
        return false;
    const Declared *t = &w->tensor[w->at];
    if (!dtype_from_f32(t->type, values, w->stored, t->cols))
        return err_set(err, ERR_INPUT, "%s: a number of \"%s\" is too large for %s", w->path, t->name,
                       dtype_info(t->type)->name),
               err_hint(err, "take --type f32 or bf16");
    if (!text_write(w->out, (const char *)w->stored, row_bytes(t), err))
        return false;
    if (++w->row < t->rows)
        return true;
    bool ok = write_padding(w, t->rows * row_bytes(t), err);
    begin_tensor(w, w->at + 1);
    return ok;
}

bool gguf_close(GgufWriter *w, Err *err)
{
    bool ok = text_close(w->out, err);
    w->out = NULL;
    gguf_discard(w);
    return ok;
}

void gguf_discard(GgufWriter *w)
{
    if (!w)
        return;
    text_discard(w->out);
    for (int i = 0; i < w->n; i++)
        free(w->tensor[i].name);
    free(w->tensor);
    free(w->stored);
    str_release(&w->values);
    str_release(&w->infos);
    free(w->path);
    free(w);
}
