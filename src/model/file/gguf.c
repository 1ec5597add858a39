/* The GGUF container: a header, metadata (key, type, value), tensor descriptions, and the tensors' bytes on
 * multiples of the alignment. Numbers are little-endian; a text is its length in eight bytes, then its bytes.
 */
#include "model/file/gguf.h"

#include "base/kind.h"
#include "base/mem.h"

#include <limits.h>

enum {
    HEADER_BYTES = 24,
    LEAST_VALUE = 14,  /* bytes of the shortest metadata entry: a key of one character and a byte */
    LEAST_TENSOR = 33, /* bytes of the shortest tensor description */
    LONGEST_NAME = 65535,
    DEEPEST_ARRAY = 4,
    DEFAULT_ALIGNMENT = 32,
    LARGEST_ALIGNMENT = 1 << 20
};

static const char DAMAGED[] = "the file is cut short or damaged: download or convert it again";

/* Bytes of a value; 0 where it depends on the value. */
static const unsigned char type_bytes[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/* What the numbers of tensor types are called; those that dtype.c has by the same name are read. */
static const char *const tensor_types[] = {
    [0] = "F32",      [1] = "F16",    [2] = "Q4_0",    [3] = "Q4_1",   [4] = "Q4_2",     [5] = "Q4_3",
    [6] = "Q5_0",     [7] = "Q5_1",   [8] = "Q8_0",    [9] = "Q8_1",   [10] = "Q2_K",    [11] = "Q3_K",
    [12] = "Q4_K",    [13] = "Q5_K",  [14] = "Q6_K",   [15] = "Q8_K",  [16] = "IQ2_XXS", [17] = "IQ2_XS",
    [18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S",   [23] = "IQ4_XS",
    [24] = "I8",      [25] = "I16",   [26] = "I32",    [27] = "I64",   [28] = "F64",     [29] = "IQ1_M",
    [30] = "BF16",    [34] = "TQ1_0", [35] = "TQ2_0",  [39] = "MXFP4", [40] = "NVFP4",   [41] = "Q1_0",
};

/* A place in the file, and what is being read there, for messages. */
typedef struct Reader {
    Gguf *g;
    size_t at;
    char what[200];
    Err *err;
} Reader;

static uint64_t load(const unsigned char *p, int n)
{
    uint64_t v = 0;
    memcpy(&v, p, (size_t)n);
    return v;
}

static bool take(Reader *r, uint64_t n, const unsigned char **p)
{
    size_t left = r->g->map.n - r->at;
    if (n > left) {
        err_set(r->err, ERR_INPUT, "%s: %s needs %llu bytes at byte %zu, the file has %zu", r->g->path, r->what,
                (unsigned long long)n, r->at, r->g->map.n);
        return err_hint(r->err, "%s", DAMAGED);
    }
    *p = r->g->map.bytes + r->at;
    r->at += (size_t)n;
    return true;
}

static bool take_number(Reader *r, int bytes, uint64_t *v)
{
    const unsigned char *p = NULL;
    if (!take(r, (uint64_t)bytes, &p))
        return false;
    *v = load(p, bytes);
    return true;
}

static bool take_text(Reader *r, const unsigned char **p, uint64_t *n)
{
    return take_number(r, 8, n) && take(r, *n, p);
}

/* A text as a string of C: no NUL inside, and not longer than `most`. The caller frees it. */
static bool take_string(Reader *r, uint64_t most, char **out)
{
    const unsigned char *p;
    uint64_t n;
    if (!take_text(r, &p, &n))
        return false;
    if (n > most || (n && memchr(p, 0, (size_t)n))) {
        err_set(r->err, ERR_INPUT, "%s: %s (%llu bytes at byte %zu) %s", r->g->path, r->what, (unsigned long long)n,
                r->at - (size_t)n, n > most ? "is too long" : "has a NUL character");
        return err_hint(r->err, "%s", DAMAGED);
    }
    *out = mem_strn((const char *)p, (size_t)n);
    return true;
}

static bool take_type(Reader *r, GgufType *type)
{
    uint64_t v;
    if (!take_number(r, 4, &v))
        return false;
    if (v >= GGUF_TYPES) {
        err_set(r->err, ERR_INPUT, "%s: %s has type %llu, the types are 0 to %d", r->g->path, r->what,
                (unsigned long long)v, GGUF_TYPES - 1);
        return err_hint(r->err, "%s", DAMAGED);
    }
    *type = (GgufType)v;
    return true;
}

/* Steps over n values of a type, checking that they lie in the file. */
static bool skip_items(Reader *r, GgufType type, uint64_t n, int depth)
{
    const unsigned char *p;
    size_t bytes;
    if (type_bytes[type]) {
        if (!mem_mul((size_t)n, type_bytes[type], &bytes))
            bytes = SIZE_MAX;
        return take(r, bytes, &p);
    }
    if (depth > DEEPEST_ARRAY)
        return err_set(r->err, ERR_INPUT, "%s: %s has arrays in arrays, more than %d deep", r->g->path, r->what,
                       DEEPEST_ARRAY),
               err_hint(r->err, "%s", DAMAGED);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t count;
        GgufType item;
        if (type == GGUF_TEXT
                ? !take_text(r, &p, &count)
                : !(take_type(r, &item) && take_number(r, 8, &count) && skip_items(r, item, count, depth + 1)))
            return false;
    }
    return true;
}

static bool read_value(Reader *r, GgufValue *v, int i)
{
    snprintf(r->what, sizeof r->what, "the key of metadata entry %d", i);
    if (!take_string(r, LONGEST_NAME, &v->key))
        return false;
    snprintf(r->what, sizeof r->what, "the metadata \"%.150s\"", v->key);
    if (!take_type(r, &v->type))
        return false;
    v->item = v->type;
    v->n = 1;
    if (v->type == GGUF_ARRAY && !(take_type(r, &v->item) && take_number(r, 8, &v->n)))
        return false;
    v->at = r->g->map.bytes + r->at;
    return v->type == GGUF_TEXT ? take_string(r, UINT64_MAX, &v->text) : skip_items(r, v->item, v->n, 1);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const GgufValue *)a)->key, ((const GgufValue *)b)->key);
}

static bool read_values(Reader *r, int n)
{
    Gguf *g = r->g;
    g->values = mem_zalloc((size_t)n, sizeof *g->values);
    for (g->n_values = 0; g->n_values < n;) {
        GgufValue *v = &g->values[g->n_values++];
        if (!read_value(r, v, g->n_values))
            return false;
    }
    qsort(g->values, (size_t)n, sizeof *g->values, by_key);
    for (int i = 1; i < n; i++)
        if (by_key(&g->values[i - 1], &g->values[i]) == 0)
            return err_set(r->err, ERR_INPUT, "%s: the metadata \"%s\" is there twice", g->path, g->values[i].key),
                   err_hint(r->err, "%s", DAMAGED);
    return true;
}

/* The type of a tensor; DTYPE_COUNT where it is not read: that is refused when the tensor is needed. */
static bool take_tensor_type(Reader *r, int i, DType *type)
{
    Gguf *g = r->g;
    uint64_t number;
    if (!take_number(r, 4, &number))
        return false;
    const char *known = number < (uint64_t)COUNT(tensor_types) ? tensor_types[number] : NULL;
    *type = known ? dtype_find(known) : DTYPE_COUNT;
    if (*type == DTYPE_COUNT)
        g->unread[i] = mem_printf("%llu (%s)", (unsigned long long)number, known ? known : "unknown");
    return true;
}

/* The sizes, innermost first in the file. */
static bool read_shape(Reader *r, StoredTensor *t)
{
    uint64_t dims, size;
    if (!take_number(r, 4, &dims))
        return false;
    if (dims < 1 || dims > 4)
        return err_set(r->err, ERR_INPUT, "%s: the tensor \"%s\" has %llu dimensions, 1 to 4 are read", r->g->path,
                       t->name, (unsigned long long)dims),
               err_hint(r->err, "%s", DAMAGED);
    t->dims = (int)dims;
    for (int i = 0; i < 4; i++)
        t->shape[i] = 1;
    for (int i = t->dims - 1; i >= 0; i--) {
        if (!take_number(r, 8, &size))
            return false;
        t->shape[i] = (size_t)size;
    }
    return true;
}

/* The bytes that the shape and the type make. */
static bool measure(Reader *r, StoredTensor *t)
{
    if (t->type == DTYPE_COUNT) /* nobody knows how many */
        return true;
    const DTypeInfo *info = dtype_info(t->type);
    size_t n = 1;
    bool fits = true;
    for (int i = 0; i < t->dims; i++)
        fits = fits && t->shape[i] > 0 && mem_mul(n, t->shape[i], &n);
    fits = fits && n <= SIZE_MAX / 8;
    if (fits && t->shape[t->dims - 1] % (size_t)info->block == 0 && dtype_bytes(t->type, n, &t->n_bytes))
        return true;
    err_set(r->err, ERR_INPUT, "%s: the tensor \"%s\" of shape [%zu, %zu, %zu, %zu] cannot be: %s%s", r->g->path,
            t->name, t->shape[0], t->shape[1], t->shape[2], t->shape[3],
            fits ? "its rows are not whole blocks of " : "a size is zero, or their product too large",
            fits ? info->name : "");
    return err_hint(r->err, "%s", DAMAGED);
}

static bool read_tensor(Reader *r, int i, uint64_t *offset)
{
    Gguf *g = r->g;
    StoredTensor *t = &g->tensors[i];
    snprintf(r->what, sizeof r->what, "the name of tensor %d", i + 1);
    if (!take_string(r, LONGEST_NAME, &g->names[i]))
        return false;
    t->name = g->names[i];
    snprintf(r->what, sizeof r->what, "the description of the tensor \"%.150s\"", t->name);
    return read_shape(r, t) && take_tensor_type(r, i, &t->type) && measure(r, t) && take_number(r, 8, offset);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const StoredTensor *const *)a)->name, (*(const StoredTensor *const *)b)->name);
}

bool gguf_index(Gguf *g, Err *err)
{
    g->by_name = mem_resize(g->by_name, (size_t)g->n_tensors, sizeof *g->by_name);
    for (int i = 0; i < g->n_tensors; i++)
        g->by_name[i] = &g->tensors[i];
    qsort(g->by_name, (size_t)g->n_tensors, sizeof *g->by_name, by_name);
    for (int i = 1; i < g->n_tensors; i++)
        if (by_name(&g->by_name[i - 1], &g->by_name[i]) == 0)
            return err_set(err, ERR_INPUT, "%s: the tensor \"%s\" is there twice", g->path, g->by_name[i]->name),
                   err_hint(err, "%s", DAMAGED);
    return true;
}

static bool alignment_of(Reader *r, size_t *alignment)
{
    double v = DEFAULT_ALIGNMENT;
    const GgufValue *value = gguf_value(r->g, "general.alignment");
    if (value && !gguf_number(r->g, "general.alignment", &v))
        v = 0;
    *alignment = v >= 1 && v <= LARGEST_ALIGNMENT ? (size_t)v : 0;
    if (*alignment && (double)*alignment == v && (*alignment & (*alignment - 1)) == 0)
        return true;
    return err_set(r->err, ERR_INPUT, "%s: general.alignment must be a power of two up to %d, is %g", r->g->path,
                   LARGEST_ALIGNMENT, v),
           err_hint(r->err, "%s", DAMAGED);
}

/* Turns offsets from the start of the data into places in the file. */
static bool place_tensors(Reader *r, const uint64_t *offset)
{
    Gguf *g = r->g;
    size_t alignment;
    if (!alignment_of(r, &alignment))
        return false;
    size_t start = r->at + (alignment - r->at % alignment) % alignment;
    for (int i = 0; i < g->n_tensors; i++) {
        StoredTensor *t = &g->tensors[i];
        if (offset[i] % alignment)
            return err_set(r->err, ERR_INPUT, "%s: the tensor \"%s\" is at %llu, not a multiple of %zu", g->path,
                           t->name, (unsigned long long)offset[i], alignment),
                   err_hint(r->err, "%s", DAMAGED);
        if (start > g->map.n || offset[i] > g->map.n - start || t->n_bytes > g->map.n - start - offset[i])
            return err_set(r->err, ERR_INPUT, "%s: the tensor \"%s\" has %zu bytes at %zu + %llu, the file has %zu",
                           g->path, t->name, t->n_bytes, start, (unsigned long long)offset[i], g->map.n),
                   err_hint(r->err, "%s", DAMAGED);
        t->bytes = g->map.bytes + start + offset[i];
    }
    return stored_disjoint(g->tensors, g->n_tensors, g->path, r->err);
}

static bool read_tensors(Reader *r, int n)
{
    Gguf *g = r->g;
    g->tensors = mem_zalloc((size_t)n, sizeof *g->tensors);
    g->names = mem_zalloc((size_t)n, sizeof *g->names);
    g->unread = mem_zalloc((size_t)n, sizeof *g->unread);
    g->n_tensors = n;
    uint64_t *offset = mem_zalloc((size_t)n, sizeof *offset);
    bool ok = true;
    for (int i = 0; i < n && ok; i++)
        ok = read_tensor(r, i, &offset[i]);
    ok = ok && gguf_index(g, r->err) && place_tensors(r, offset);
    free(offset);
    return ok;
}

static bool check_kind(Reader *r)
{
    const Gguf *g = r->g;
    static const char remedy[] = "name a .gguf file, or a directory with config.json and .safetensors files";
    if (g->map.n < 8 || memcmp(g->map.bytes, "GGUF", 4) != 0) {
        bool cut = g->map.n >= 4 && g->map.n < 8;
        if (!cut && !kind_check(g->path, g->map.bytes, g->map.n, "a model is needed", remedy, r->err))
            return false;
        err_set(r->err, ERR_INPUT, "%s: this is no GGUF file: it does not begin with \"GGUF\"", g->path);
        return err_hint(r->err, "%s", remedy);
    }
    unsigned int version = (unsigned int)load(g->map.bytes + 4, 4);
    if (version == 2 || version == 3) /* 3 came with big-endian files */
        return true;
    if (version && (version & 0xFFFF) == 0)
        return err_set(r->err, ERR_INPUT, "%s: a big-endian GGUF file, only little-endian ones are read", g->path),
               err_hint(r->err, "convert the model again on a little-endian machine");
    return err_set(r->err, ERR_INPUT, "%s: GGUF version %u, only versions 2 and 3 are read", g->path, version),
           err_hint(r->err,
                    version < 2 ? "convert the model again with a current llama.cpp" : "take a file of version 3");
}

/* A count that the rest of the file can hold, or else it would be allocated for nothing. */
static bool take_count(Reader *r, const char *what, int least, int *n)
{
    uint64_t v;
    if (!take_number(r, 8, &v))
        return false;
    if (v > (r->g->map.n - HEADER_BYTES) / (size_t)least || v > INT_MAX / 2)
        return err_set(r->err, ERR_INPUT, "%s: the header promises %llu %s, more than the file's %zu bytes hold",
                       r->g->path, (unsigned long long)v, what, r->g->map.n),
               err_hint(r->err, "%s", DAMAGED);
    *n = (int)v;
    return true;
}

static bool read_all(Gguf *g, Err *err)
{
    Reader r = {.g = g, .at = 8, .what = "the header", .err = err};
    int n_tensors, n_values;
    if (!check_kind(&r))
        return false;
    const unsigned char *counts;
    if (!take(&r, HEADER_BYTES - 8, &counts))
        return false;
    r.at = 8;
    return take_count(&r, "tensors", LEAST_TENSOR, &n_tensors) &&
           take_count(&r, "metadata entries", LEAST_VALUE, &n_values) && read_values(&r, n_values) &&
           read_tensors(&r, n_tensors);
}

bool gguf_open_part(Gguf **out, const char *where, const void *bytes, size_t n, Err *err)
{
    *out = NULL;
    Gguf *g = mem_zalloc(1, sizeof *g);
    g->path = mem_str(where);
    g->map = (FileMap){bytes, n};
    if (!read_all(g, err)) {
        gguf_free(g);
        return false;
    }
    *out = g;
    return true;
}

void gguf_free(Gguf *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_others; i++)
        gguf_free(g->others[i]);
    free(g->others);
    for (int i = 0; i < g->n_values; i++) {
        free(g->values[i].key);
        free(g->values[i].text);
    }
    free(g->values);
    if (g->names) {
        names_free(g->names, g->n_tensors);
        names_free(g->unread, g->n_tensors);
    }
    free(g->tensors);
    free(g->by_name);
    free(g->tokens);
    free(g->merges);
    free(g->token_text);
    free(g->merge_text);
    free(g->charsmap);
    free(g->scores);
    free(g->types);
    if (g->mapped)
        file_unmap(&g->map);
    free(g->path);
    free(g);
}

const GgufValue *gguf_value(const Gguf *g, const char *key)
{
    GgufValue wanted = {.key = (char *)(uintptr_t)key};
    return g->n_values ? bsearch(&wanted, g->values, (size_t)g->n_values, sizeof wanted, by_key) : NULL;
}

bool gguf_item(const GgufValue *v, uint64_t i, double *out)
{
    int bytes = type_bytes[v->item];
    if (i >= v->n || !bytes)
        return false;
    const unsigned char *p = v->at + i * (uint64_t)bytes;
    uint64_t u = load(p, bytes);
    float f;
    switch (v->item) {
    case GGUF_I8: *out = (signed char)u; break;
    case GGUF_I16: *out = (int16_t)u; break;
    case GGUF_I32: *out = (int32_t)u; break;
    case GGUF_I64: *out = (double)(int64_t)u; break;
    case GGUF_F32: memcpy(&f, p, sizeof f), *out = (double)f; break;
    case GGUF_F64: memcpy(out, p, sizeof *out); break;
    case GGUF_BOOL: *out = u != 0; break;
    default: *out = (double)u;
    }
    return true;
}

bool gguf_number(const Gguf *g, const char *key, double *out)
{
    const GgufValue *v = gguf_value(g, key);
    return v && v->type != GGUF_ARRAY && v->type != GGUF_BOOL && gguf_item(v, 0, out);
}

bool gguf_text(const Gguf *g, const char *key, const char **out)
{
    const GgufValue *v = gguf_value(g, key);
    if (!v || !v->text)
        return false;
    *out = v->text;
    return true;
}

bool gguf_bool(const Gguf *g, const char *key, bool *out)
{
    const GgufValue *v = gguf_value(g, key);
    double truth;
    if (!v || v->type != GGUF_BOOL || !gguf_item(v, 0, &truth))
        return false;
    *out = truth != 0;
    return true;
}

bool gguf_typed(const Gguf *g, const char *key, GgufType type, Err *err)
{
    const GgufValue *v = gguf_value(g, key);
    if (!v || v->type == type)
        return true;
    err_set(err, ERR_INPUT, "%s: the metadata \"%s\" must be %s", g->path, key,
            type == GGUF_TEXT ? "a text" : "true or false");
    return err_hint(err, "the file is damaged: download or convert it again");
}

int gguf_tensors(const Gguf *g)
{
    return g->n_tensors;
}

const StoredTensor *gguf_tensor(const Gguf *g, int i)
{
    return &g->tensors[i];
}

const StoredTensor *gguf_find_any(const Gguf *g, const char *name)
{
    StoredTensor wanted = {.name = name};
    const StoredTensor *key = &wanted;
    const StoredTensor **found =
        g->n_tensors ? bsearch(&key, g->by_name, (size_t)g->n_tensors, sizeof key, by_name) : NULL;
    return found ? *found : NULL;
}

const StoredTensor *gguf_find(const Gguf *g, const char *name)
{
    const StoredTensor *t = gguf_find_any(g, name);
    return t && t->type < DTYPE_COUNT ? t : NULL;
}

const char *gguf_type_name(const Gguf *g, int i)
{
    return g->unread[i] ? g->unread[i] : dtype_info(g->tensors[i].type)->name;
}

bool gguf_unread(const Gguf *g, const char *name, Err *err)
{
    const StoredTensor *t = gguf_find_any(g, name);
    if (!t || t->type < DTYPE_COUNT)
        return false;
    err_set(err, ERR_INPUT, "%s: the tensor \"%s\" has type %s, which is not read", g->path, name,
            g->unread[t - g->tensors]);
    err_hint(err,
             "take a file in F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q3_K, Q2_K, Q5_1, Q5_0, Q4_1, Q4_0, IQ4_NL or "
             "IQ4_XS, such as Q8_0 or Q4_K_M");
    return true;
}

void gguf_forget(const Gguf *g, const StoredTensor *t)
{
    if (g->mapped && t->bytes >= g->map.bytes && t->bytes < g->map.bytes + g->map.n)
        file_forget(&g->map, t->bytes, t->n_bytes);
    for (int i = 0; i < g->n_others; i++)
        gguf_forget(g->others[i], t);
}
