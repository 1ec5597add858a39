/* Writing safetensors as a stream. */
#include "model/file/safetensors.h"

#include "base/lines.h"
#include "base/mem.h"

enum { LENGTH_BYTES = 8, HEADER_MULTIPLE = 8 };

struct SafetensorsWriter {
    char *path;
    DType type;
    TextWriter *out;
    json_t *header; /* with __metadata__ first */
    size_t declared, given;
    bool begun;
    char *fault; /* what was wrong with a declaration, told where an error can be returned */
};

bool safetensors_create(SafetensorsWriter **out, const char *path, DType type, Err *err)
{
    *out = NULL;
    TextWriter *text;
    if (!text_open(&text, path, err))
        return false;
    SafetensorsWriter *w = mem_zalloc(1, sizeof *w);
    w->path = mem_str(path);
    w->type = type;
    w->out = text;
    w->header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
    *out = w;
    return true;
}

static void fault(SafetensorsWriter *w, const char *name, const char *what)
{
    if (!w->fault)
        w->fault = mem_printf("\"%s\" %s", name, what);
}

void safetensors_declare(SafetensorsWriter *w, const char *name, const size_t *shape, int dims)
{
    const DTypeInfo *info = dtype_info(w->type);
    size_t n = 1, end, bytes, each = (size_t)info->block_bytes;
    json_t *sizes = json_array();
    bool fits = true;
    for (int i = 0; i < dims; i++) {
        fits = fits && mem_mul(n, shape[i], &n);
        json_array_append_new(sizes, json_integer((json_int_t)shape[i]));
    }
    fits = fits && !__builtin_add_overflow(w->declared, n, &end) && mem_mul(end, 2 * sizeof(float), &bytes);
    if (w->begun || !fits || json_object_get(w->header, name)) {
        fault(w, name, w->begun ? "is declared after the first values" : fits ? "is declared twice" : "is too large");
        json_decref(sizes);
        return;
    }
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", info->name, "shape", sizes, "data_offsets",
                              (json_int_t)(w->declared * each), (json_int_t)(end * each));
    if (!entry || json_object_set_new(w->header, name, entry) != 0)
        fault(w, name, "is no name in UTF-8");
    w->declared = end;
}

/* The length and the header, ended by blanks so that the data begin on a multiple of eight bytes. */
static bool begin(SafetensorsWriter *w, Err *err)
{
    if (w->begun)
        return true;
    w->begun = true;
    Str s = {0};
    json_append(&s, w->header);
    while (s.n % HEADER_MULTIPLE)
        str_addc(&s, ' ');
    unsigned char length[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)(s.n >> 8 * i);
    bool ok = text_write(w->out, (const char *)length, sizeof length, err) && text_write(w->out, s.text, s.n, err);
    str_release(&s);
    return ok;
}

/* In pieces of the size that a text is written in. */
static bool write_values(SafetensorsWriter *w, const float *values, size_t n, Err *err)
{
    if (w->type == DTYPE_F32)
        return n == 0 || text_write(w->out, (const char *)values, n * sizeof *values, err);
    unsigned char piece[4096];
    const size_t most = sizeof piece / sizeof(float), each = (size_t)dtype_info(w->type)->block_bytes;
    for (size_t at = 0, size; at < n; at += size) {
        size = n - at < most ? n - at : most;
        if (!dtype_from_f32(w->type, values + at, piece, size))
            return err_set(err, ERR_INPUT, "%s: a number is too large for %s", w->path, dtype_info(w->type)->name),
                   err_hint(err, "take another type");
        if (!text_write(w->out, (const char *)piece, size * each, err))
            return false;
    }
    return true;
}

bool safetensors_values(SafetensorsWriter *w, const float *values, size_t n, Err *err)
{
    if (w->fault)
        return err_set(err, ERR_INPUT, "%s: the tensor %s", w->path, w->fault);
    if (n > w->declared - w->given)
        return err_set(err, ERR_INPUT, "%s: %zu values after %zu of %zu", w->path, n, w->given, w->declared);
    w->given += n;
    return begin(w, err) && write_values(w, values, n, err);
}

bool safetensors_close(SafetensorsWriter *w, Err *err)
{
    bool ok = safetensors_values(w, NULL, 0, err);
    if (ok && w->given != w->declared)
        ok = err_set(err, ERR_INPUT, "%s: %zu values of %zu were given", w->path, w->given, w->declared);
    if (ok) {
        ok = text_close(w->out, err);
        w->out = NULL;
    }
    safetensors_discard(w);
    return ok;
}

void safetensors_discard(SafetensorsWriter *w)
{
    if (!w)
        return;
    text_discard(w->out);
    json_decref(w->header);
    free(w->path);
    free(w->fault);
    free(w);
}
