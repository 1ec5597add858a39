/* Reading safetensors: eight bytes with the header's length, the header (a JSON object of tensors), the data.
 */
#include "model/file/safetensors.h"

#include "base/file.h"
#include "base/kind.h"
#include "base/mem.h"

#include <limits.h>

enum { LENGTH_BYTES = 8, LONGEST_HEADER = 100 << 20, LONGEST_INDEX = 256 << 20 };

static const char DAMAGED[] = "the file is cut short or damaged: download it again";
static const char INDEX[] = "model.safetensors.index.json";

typedef struct Shard {
    char *path;
    FileMap map;
    bool mapped;    /* the bytes are a mapping of ours */
    json_t *header; /* names are borrowed from it */
    const unsigned char *data;
    size_t n_data;
} Shard;

struct Safetensors {
    Shard *shards;
    int n_shards, cap_shards;
    StoredTensor *tensors; /* n that are read, by name; then, with the type DTYPE_COUNT, the others */
    int n, n_all, cap;
};

/* --- one tensor ------------------------------------------------------------------------------------- */

/* A tensor's entry in the header, and where it stands, for messages. */
typedef struct Entry {
    const Shard *shard;
    const char *name;
    const json_t *json;
    Err *err;
} Entry;

static bool bad(const Entry *e, const char *what)
{
    char *text = json_text(e->json);
    err_set(e->err, ERR_INPUT, "%s: the tensor \"%s\" %s: %.200s", e->shard->path, e->name, what, text);
    free(text);
    return err_hint(e->err, "%s", DAMAGED);
}

/* Bytes of a number of a type that is not read; 0 where it is unknown. */
static size_t other_bytes(const char *type)
{
    static const struct {
        const char *name;
        size_t bytes;
    } other[] = {{"F64", 8}, {"I64", 8}, {"U64", 8}, {"C64", 8},  {"I32", 4},     {"U32", 4},    {"I16", 2},
                 {"U16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (int i = 0; i < COUNT(other); i++)
        if (strcmp(other[i].name, type) == 0)
            return other[i].bytes;
    return 0;
}

/* The shape, and how many numbers it makes. */
static bool read_shape(const Entry *e, StoredTensor *t, size_t *n)
{
    const json_t *shape = json_object_get(e->json, "shape");
    size_t dims = json_array_size(shape);
    bool zero = false;
    *n = 1;
    if (!json_is_array(shape))
        return bad(e, "has no shape");
    for (size_t i = 0; i < dims; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return bad(e, "has a size that is no whole number");
        size_t v = (size_t)json_integer_value(size);
        zero = zero || v == 0;
        if (v && !mem_mul(*n, v, n))
            return bad(e, "is too large");
        if (i < 4)
            t->shape[i] = v;
    }
    if (zero)
        *n = 0;
    t->dims = (int)(dims < 5 ? dims : 5);
    for (int i = t->dims; i < 4; i++)
        t->shape[i] = 1;
    return true;
}

/* Where the bytes are; t->bytes and t->n_bytes. */
static bool read_place(const Entry *e, StoredTensor *t)
{
    const json_t *place = json_object_get(e->json, "data_offsets");
    const json_t *from = json_array_get(place, 0), *to = json_array_get(place, 1);
    json_int_t a = json_integer_value(from), b = json_integer_value(to);
    if (json_array_size(place) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return bad(e, "has no pair of data_offsets");
    if (a < 0 || b < a || (uint64_t)b > e->shard->n_data)
        return bad(e, "lies outside the file");
    t->bytes = e->shard->data + a;
    t->n_bytes = (size_t)(b - a);
    return true;
}

static bool read_entry(const Entry *e, StoredTensor *t)
{
    size_t n, bytes = 0;
    *t = (StoredTensor){.name = e->name};
    const char *type = json_text_of(e->json, "dtype");
    if (!type)
        return bad(e, "has no dtype");
    if (!read_shape(e, t, &n) || !read_place(e, t))
        return false;
    t->type = dtype_find(type);
    if (t->type < DTYPE_COUNT && dtype_info(t->type)->block > 1)
        t->type = DTYPE_COUNT;
    size_t each = t->type < DTYPE_COUNT ? (size_t)dtype_info(t->type)->block_bytes : other_bytes(type);
    if (each && (!mem_mul(n, each, &bytes) || bytes != t->n_bytes))
        return bad(e, "has a shape that does not agree with its bytes");
    if (t->dims > 4)
        t->type = DTYPE_COUNT;
    return true;
}

/* --- one file --------------------------------------------------------------------------------------- */

static bool read_header(Shard *s, Err *err)
{
    uint64_t n = 0;
    if (s->map.n >= LENGTH_BYTES)
        memcpy(&n, s->map.bytes, sizeof n);
    if (s->map.n < LENGTH_BYTES + 2 || n < 2 || n > LONGEST_HEADER || n > s->map.n - LENGTH_BYTES ||
        s->map.bytes[LENGTH_BYTES] != '{') {
        static const char remedy[] = "the file is cut short, or of another format: download it again";
        if (!kind_check(s->path, s->map.bytes, s->map.n, "a .safetensors file is needed", remedy, err))
            return false;
        err_set(err, ERR_INPUT, "%s: no safetensors file: a header of %llu bytes in a file of %zu", s->path,
                (unsigned long long)n, s->map.n);
        return err_hint(err, "%s", remedy);
    }
    if (!json_parse((const char *)s->map.bytes + LENGTH_BYTES, (size_t)n, s->path, &s->header, err))
        return err_hint(err, "%s", DAMAGED);
    s->data = s->map.bytes + LENGTH_BYTES + n;
    s->n_data = s->map.n - LENGTH_BYTES - (size_t)n;
    return true;
}

static bool check_metadata(const Shard *s, const json_t *metadata, Err *err)
{
    const char *key;
    json_t *value;
    bool ok = json_is_object(metadata);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) ok = ok && json_is_string(value);
    return ok || (err_set(err, ERR_INPUT, "%s: __metadata__ must be an object of texts", s->path),
                  err_hint(err, "%s", DAMAGED));
}

/* Every byte of the data belongs to one tensor. */
static bool check_places(const Shard *s, const StoredTensor *t, int n, Err *err)
{
    size_t sum = 0;
    if (!stored_disjoint(t, n, s->path, err))
        return false;
    for (int i = 0; i < n; i++)
        sum += t[i].n_bytes;
    return sum == s->n_data ||
           (err_set(err, ERR_INPUT, "%s: %zu bytes of data, %zu belong to tensors", s->path, s->n_data, sum),
            err_hint(err, "%s", DAMAGED));
}

/* Adds a file that has been mapped; s owns it from here on. */
static bool add_shard(Safetensors *s, const char *path, FileMap map, bool mapped, Err *err)
{
    s->shards = MEM_GROW(s->shards, s->n_shards, s->cap_shards);
    Shard *shard = &s->shards[s->n_shards++];
    *shard = (Shard){.path = mem_str(path), .map = map, .mapped = mapped};
    if (!read_header(shard, err))
        return false;
    int first = s->n_all;
    const char *name;
    json_t *entry;
    json_object_foreach(shard->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (!check_metadata(shard, entry, err))
                return false;
            continue;
        }
        s->tensors = MEM_GROW(s->tensors, s->n_all, s->cap);
        if (!read_entry(&(Entry){shard, name, entry, err}, &s->tensors[s->n_all++]))
            return false;
    }
    return check_places(shard, s->tensors + first, s->n_all - first, err);
}

static bool add_file(Safetensors *s, const char *path, Err *err)
{
    FileMap map;
    return file_map(path, &map, err) && add_shard(s, path, map, true, err);
}

/* --- shards ----------------------------------------------------------------------------------------- */

static Shard *find_shard(const Safetensors *s, const char *file)
{
    for (int i = 0; i < s->n_shards; i++)
        if (strcmp(path_base(s->shards[i].path), file) == 0)
            return &s->shards[i];
    return NULL;
}

/* A row of the index: the tensor is in the file, which is a neighbour of the index. */
static bool follow(Safetensors *s, const char *dir, const char *index, const char *name, const char *file, Err *err)
{
    if (!file || !file[0] || path_base(file) != file || !str_ends(file, ".safetensors"))
        return err_set(err, ERR_INPUT, "%s: the tensor \"%s\" is in \"%.100s\", no .safetensors file beside it", index,
                       name, file ? file : "(no text)"),
               err_hint(err, "the index is damaged: download it again");
    if (!find_shard(s, file)) {
        char *path = path_join(dir, file);
        bool ok = add_file(s, path, err);
        free(path);
        if (!ok)
            return false;
    }
    if (!json_object_get(find_shard(s, file)->header, name))
        return err_set(err, ERR_INPUT, "%s: the tensor \"%s\" is not in %s", index, name, file),
               err_hint(err, "the files are of different models: download them again");
    return true;
}

static bool add_shards(Safetensors *s, const char *dir, const char *index, Err *err)
{
    char *text;
    size_t n;
    json_t *json = NULL;
    if (!file_read(index, LONGEST_INDEX, &text, &n, err))
        return false;
    bool ok = json_parse(text, n, index, &json, err) || err_hint(err, "the index is damaged: download it again");
    free(text);
    const json_t *map = json_object_get(json, "weight_map");
    if (ok && !json_is_object(map)) {
        ok = err_set(err, ERR_INPUT, "%s: there is no object \"weight_map\"", index);
        err_hint(err, "the index is damaged: download it again");
    }
    const char *name;
    json_t *file;
    json_object_foreach((json_t *)(uintptr_t)map, name, file) ok =
        ok && follow(s, dir, index, name, json_string_value(file), err);
    json_decref(json);
    return ok;
}

bool safetensors_is_sharded(const char *dir)
{
    char *single = path_join(dir, "model.safetensors"), *index = path_join(dir, INDEX);
    bool is = !file_exists(single) && file_exists(index);
    free(single);
    free(index);
    return is;
}

static bool add_directory(Safetensors *s, const char *dir, Err *err)
{
    char *single = path_join(dir, "model.safetensors"), *index = path_join(dir, INDEX);
    bool ok;
    if (safetensors_is_sharded(dir)) {
        ok = add_shards(s, dir, index, err);
    } else if (file_exists(single)) {
        ok = add_file(s, single, err);
    } else {
        ok = err_set(err, ERR_INPUT, "%s: there is neither model.safetensors nor %s", dir, INDEX);
        err_hint(
            err,
            "shards need the index; a GGUF file is named itself; weights of other kinds (pytorch_model.bin) must be "
            "converted to safetensors first");
    }
    free(single);
    free(index);
    return ok;
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const StoredTensor *)a)->name, ((const StoredTensor *)b)->name);
}

static int read_first(const void *x, const void *y)
{
    const StoredTensor *a = x, *b = y;
    bool a_unread = a->type == DTYPE_COUNT, b_unread = b->type == DTYPE_COUNT;
    return a_unread != b_unread ? a_unread - b_unread : by_name(a, b);
}

/* The file that a tensor's bytes lie in. */
static const char *path_of(const Safetensors *s, const StoredTensor *t)
{
    int i = 0;
    while (i + 1 < s->n_shards && (t->bytes < s->shards[i].data || t->bytes > s->shards[i].data + s->shards[i].n_data))
        i++;
    return s->shards[i].path;
}

static bool sort_tensors(Safetensors *s, Err *err)
{
    if (s->n_all == 0)
        return true;
    qsort(s->tensors, (size_t)s->n_all, sizeof *s->tensors, by_name);
    for (int i = 1; i < s->n_all; i++)
        if (by_name(&s->tensors[i - 1], &s->tensors[i]) == 0)
            return err_set(err, ERR_INPUT, "the tensor \"%s\" is in %s and in %s", s->tensors[i].name,
                           path_of(s, &s->tensors[i - 1]), path_of(s, &s->tensors[i])),
                   err_hint(err, "the files are of different models: download them again");
    qsort(s->tensors, (size_t)s->n_all, sizeof *s->tensors, read_first);
    while (s->n < s->n_all && s->tensors[s->n].type < DTYPE_COUNT)
        s->n++;
    return true;
}

bool safetensors_open(Safetensors **out, const char *path, Err *err)
{
    *out = NULL;
    Safetensors *s = mem_zalloc(1, sizeof *s);
    bool ok = file_is_dir(path) ? add_directory(s, path, err) : add_file(s, path, err);
    if (!ok || !sort_tensors(s, err)) {
        safetensors_free(s);
        return false;
    }
    *out = s;
    return true;
}

bool safetensors_open_bytes(Safetensors **out, const char *where, const void *bytes, size_t n, Err *err)
{
    *out = NULL;
    Safetensors *s = mem_zalloc(1, sizeof *s);
    if (!add_shard(s, where, (FileMap){bytes, n}, false, err) || !sort_tensors(s, err)) {
        safetensors_free(s);
        return false;
    }
    *out = s;
    return true;
}

void safetensors_free(Safetensors *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_shards; i++) {
        Shard *shard = &s->shards[i];
        json_decref(shard->header);
        if (shard->mapped)
            file_unmap(&shard->map);
        free(shard->path);
    }
    free(s->shards);
    free(s->tensors);
    free(s);
}

int safetensors_count(const Safetensors *s)
{
    return s->n;
}

int safetensors_all(const Safetensors *s)
{
    return s->n_all;
}

const StoredTensor *safetensors_tensor(const Safetensors *s, int i)
{
    return &s->tensors[i];
}

const StoredTensor *safetensors_find(const Safetensors *s, const char *name)
{
    StoredTensor wanted = {.name = name};
    return s->n ? bsearch(&wanted, s->tensors, (size_t)s->n, sizeof wanted, by_name) : NULL;
}

const char *safetensors_unread(const Safetensors *s, const char *name)
{
    for (int i = s->n; i < s->n_all; i++)
        if (strcmp(s->tensors[i].name, name) == 0)
            for (int j = 0; j < s->n_shards; j++) {
                const char *type = json_text_of(json_object_get(s->shards[j].header, name), "dtype");
                if (type)
                    return type;
            }
    return NULL;
}

void safetensors_forget(const Safetensors *s, const StoredTensor *t)
{
    for (int i = 0; i < s->n_shards; i++) {
        const Shard *shard = &s->shards[i];
        if (shard->mapped && t->bytes >= shard->map.bytes && t->bytes < shard->map.bytes + shard->map.n)
            file_forget(&shard->map, t->bytes, t->n_bytes);
    }
}
