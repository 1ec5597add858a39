/* safetensors: written, read, in shards, and wrong in every way. */
#include "base/file.h"
#include "base/mem.h"
#include "group.h"
#include "model/file/safetensors.h"
#include "model/model.h"

#include <unistd.h>

/* A directory of this test, made empty. The caller frees its name. */
static char *make_folder(void)
{
    Err err = {0};
    char *folder = mem_printf("build/test_safetensors.%d", (int)getpid());
    if (!dir_remove(folder, &err) || !dir_make(folder, &err))
        fail_msg("%s", err.msg);
    return folder;
}

static void remove_folder(char *folder)
{
    Err err = {0};
    if (!dir_remove(folder, &err))
        fail_msg("%s", err.msg);
    free(folder);
}

/* A file of this header, and data of the bytes 0, 1, 2 ... The caller frees it. */
static unsigned char *make_file(const char *header, size_t data, size_t *n)
{
    size_t length = strlen(header);
    unsigned char *bytes = mem_zalloc(8 + length + data, 1);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++)
        bytes[8 + length + i] = (unsigned char)i;
    *n = 8 + length + data;
    return bytes;
}

static void put_file(const char *folder, const char *name, const char *header, size_t data)
{
    Err err = {0};
    size_t n;
    unsigned char *bytes = make_file(header, data, &n);
    char *path = path_join(folder, name);
    if (!file_write(path, bytes, n, &err))
        fail_msg("%s", err.msg);
    free(path);
    free(bytes);
}

/* --- writing and reading ---------------------------------------------------------------------------- */

static const float numbers[10] = {0.5f, -1, 2, 3, 1e-40f, 5, 6, -0.0f, 8, 3.4e38f};

/* Two tensors, "b" of [2][3] and "a" of [4], in pieces of `piece` numbers. */
static bool write_two(const char *path, size_t piece, Err *err)
{
    SafetensorsWriter *w;
    if (!safetensors_create(&w, path, DTYPE_F32, err))
        return false;
    safetensors_declare(w, "b", (const size_t[]){2, 3}, 2);
    safetensors_declare(w, "a", (const size_t[]){4}, 1);
    for (size_t i = 0; i < 10; i += piece)
        if (!safetensors_values(w, numbers + i, piece < 10 - i ? piece : 10 - i, err)) {
            safetensors_discard(w);
            return false;
        }
    return safetensors_close(w, err);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "model.safetensors"), *first = NULL;
    char *second = NULL;
    size_t n = 0, m = 0;
    assert_true(write_two(path, 10, &err) && file_read(path, 10000, &first, &n, &err));
    assert_true(write_two(path, 3, &err) && file_read(path, 10000, &second, &m, &err));
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    uint64_t length;
    memcpy(&length, first, 8);
    assert_int_equal(length % 8, 0);
    assert_int_equal(8 + length + sizeof numbers, n);
    assert_memory_equal(first + 8 + length, numbers, sizeof numbers);
    assert_non_null(strstr(first + 8, "{\"__metadata__\": {\"format\": \"pt\"}, "));
    Safetensors *s;
    assert_true(safetensors_open(&s, folder, &err));
    assert_int_equal(safetensors_count(s), 2);
    const StoredTensor *a = safetensors_tensor(s, 0), *b = safetensors_tensor(s, 1);
    assert_true(safetensors_find(s, "a") == a && safetensors_find(s, "b") == b && !safetensors_find(s, "c"));
    assert_true(strcmp(a->name, "a") == 0 && a->dims == 1 && a->shape[0] == 4 && a->type == DTYPE_F32);
    assert_true(b->dims == 2 && b->shape[0] == 2 && b->shape[1] == 3 && b->n_bytes == 24);
    assert_memory_equal(b->bytes, numbers, 24);
    assert_memory_equal(a->bytes, numbers + 6, 16);
    safetensors_forget(s, b);
    assert_memory_equal(b->bytes, numbers, 24);
    safetensors_free(s);
    free(first);
    free(second);
    free(path);
    remove_folder(folder);
}

/* The data begin on a multiple of eight bytes, whatever the header's length. */
static void headers_are_padded(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "x.safetensors"), *bytes;
    for (int i = 0; i < 8; i++) {
        SafetensorsWriter *w;
        size_t n;
        uint64_t length;
        assert_true(safetensors_create(&w, path, DTYPE_F32, &err));
        safetensors_declare(
            w, &"12345678" [i], (const size_t[]) { 1 }, 1);
        assert_true(safetensors_values(w, numbers, 1, &err) && safetensors_close(w, &err) &&
                    file_read(path, 1000, &bytes, &n, &err));
        memcpy(&length, bytes, 8);
        assert_true(length % 8 == 0 && length + 8 + 4 == n);
        free(bytes);
    }
    free(path);
    remove_folder(folder);
}

static void expect_writer_refuses(SafetensorsWriter *w, const char *words)
{
    Err err = {0};
    assert_false(safetensors_close(w, &err));
    if (!strstr(err.msg, words))
        fail_msg("says \"%s\", should say \"%s\"", err.msg, words);
}

static SafetensorsWriter *begin_one(const char *path)
{
    Err err = {0};
    SafetensorsWriter *w;
    if (!safetensors_create(&w, path, DTYPE_F32, &err))
        fail_msg("%s", err.msg);
    safetensors_declare(w, "a", (const size_t[]){4}, 1);
    return w;
}

static void wrong_writing(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "x.safetensors"), **names;
    SafetensorsWriter *w = begin_one(path);
    assert_true(safetensors_values(w, numbers, 3, &err));
    expect_writer_refuses(w, "3 values of 4 were given");
    w = begin_one(path);
    assert_false(safetensors_values(w, numbers, 5, &err));
    assert_non_null(strstr(err.msg, "5 values after 0 of 4"));
    safetensors_discard(w);
    w = begin_one(path);
    safetensors_declare(w, "a", (const size_t[]){1}, 1);
    expect_writer_refuses(w, "\"a\" is declared twice");
    w = begin_one(path);
    safetensors_declare(w, "b", (const size_t[]){SIZE_MAX / 2, 4}, 2);
    expect_writer_refuses(w, "\"b\" is too large");
    w = begin_one(path);
    safetensors_declare(w, "\xff", (const size_t[]){1}, 1);
    expect_writer_refuses(w, "is no name in UTF-8");
    err_clear(&err);
    w = begin_one(path);
    assert_true(safetensors_values(w, numbers, 4, &err));
    safetensors_declare(w, "b", (const size_t[]){1}, 1);
    expect_writer_refuses(w, "\"b\" is declared after the first values");
    int n;
    assert_true(dir_list(folder, &names, &n, &err));
    assert_int_equal(n, 0);
    names_free(names, n);
    assert_false(safetensors_create(&w, folder, DTYPE_F32, &err));
    assert_null(w);
    safetensors_discard(NULL);
    safetensors_free(NULL);
    free(path);
    remove_folder(folder);
}

static void types(void **state)
{
    (void)state;
    Err err = {0};
    size_t n;
    unsigned char *bytes =
        make_file("{\"half\": {\"dtype\": \"F16\", \"shape\": [2], \"data_offsets\": [0, 4]},"
                  " \"brain\": {\"dtype\": \"BF16\", \"shape\": [1, 1, 2, 1], \"data_offsets\": [4, 8]},"
                  " \"count\": {\"dtype\": \"I64\", \"shape\": [], \"data_offsets\": [8, 16]},"
                  " \"mask\": {\"dtype\": \"BOOL\", \"shape\": [3], \"data_offsets\": [16, 19]},"
                  " \"strange\": {\"dtype\": \"F6_X\", \"shape\": [5], \"data_offsets\": [19, 22]},"
                  " \"quant\": {\"dtype\": \"Q8_0\", \"shape\": [32], \"data_offsets\": [22, 25]},"
                  " \"five\": {\"dtype\": \"F32\", \"shape\": [1, 1, 1, 1, 1], \"data_offsets\": [25, 29]},"
                  " \"one\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [29, 33]},"
                  " \"none\": {\"dtype\": \"F32\", \"shape\": [3, 0], \"data_offsets\": [33, 33]}}",
                  33, &n);
    Safetensors *s;
    if (!safetensors_open_bytes(&s, "small", bytes, n, &err))
        fail_msg("%s", err.msg);
    static const char *const read[] = {"brain", "half", "none", "one"};
    assert_int_equal(safetensors_count(s), COUNT(read));
    for (int i = 0; i < COUNT(read); i++) {
        assert_string_equal(safetensors_tensor(s, i)->name, read[i]);
        assert_null(safetensors_unread(s, read[i]));
    }
    assert_null(safetensors_find(s, "count"));
    assert_string_equal(safetensors_unread(s, "count"), "I64");
    assert_string_equal(safetensors_unread(s, "mask"), "BOOL");
    assert_string_equal(safetensors_unread(s, "strange"), "F6_X");
    assert_string_equal(safetensors_unread(s, "quant"), "Q8_0");
    assert_string_equal(safetensors_unread(s, "five"), "F32");
    assert_null(safetensors_unread(s, "absent"));
    const StoredTensor *brain = safetensors_find(s, "brain"), *one = safetensors_find(s, "one");
    assert_true(brain->type == DTYPE_BF16 && brain->dims == 4 && brain->shape[2] == 2);
    assert_true(one->dims == 0 && stored_values(one) == 1 && one->n_bytes == 4);
    assert_int_equal(stored_values(safetensors_find(s, "none")), 0);
    safetensors_free(s);
    free(bytes);
}

/* --- wrong files ------------------------------------------------------------------------------------ */

static void expect_refusal(const unsigned char *bytes, size_t n, const char *words)
{
    Err err = {0};
    Safetensors *s;
    if (safetensors_open_bytes(&s, "small", bytes, n, &err))
        fail_msg("accepted, should say \"%s\"", words);
    assert_null(s);
    if (!strstr(err.msg, words) || !str_starts(err.msg, "small: ") || !err.hint[0])
        fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, words);
}

#define F32(shape, from, to) "{\"dtype\": \"F32\", \"shape\": " shape ", \"data_offsets\": [" from ", " to "]}"

static void wrong_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *words;
    } row[] = {
        {"{\"a\": 3}", 0, "\"a\" has no dtype: 3"},
        {"{\"a\": {\"dtype\": \"F32\", \"data_offsets\": [0, 4]}}", 4, "\"a\" has no shape"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1]}}", 4, "\"a\" has no pair of data_offsets"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4, 8]}}", 8, "no pair of"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4.0]}}", 4, "no pair of"},
        {"{\"a\": " F32("[1.0]", "0", "4") "}", 4, "a size that is no whole number"},
        {"{\"a\": " F32("[-1]", "0", "4") "}", 4, "a size that is no whole number"},
        {"{\"a\": " F32("[2]", "0", "4") "}", 4, "does not agree with its bytes"},
        {"{\"a\": {\"dtype\": \"I64\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 4, "does not agree"},
        {"{\"a\": " F32("[4611686018427387904]", "0", "0") "}", 0, "does not agree with its bytes"},
        {"{\"a\": " F32("[4611686018427387904, 4]", "0", "0") "}", 0, "is too large"},
        {"{\"a\": " F32("[1]", "-4", "0") "}", 4, "lies outside the file"},
        {"{\"a\": " F32("[1]", "4", "0") "}", 4, "lies outside the file"},
        {"{\"a\": " F32("[1]", "4", "8") "}", 7, "lies outside the file"},
        {"{\"a\": " F32("[1]", "0", "9223372036854775807") "}", 4, "lies outside the file"},
        {"{\"a\": " F32("[2]", "0", "8") ", \"b\": " F32("[1]", "4", "8") "}", 8, "\"a\" and \"b\" lie over"},
        {"{\"a\": " F32("[1]", "0", "4") ", \"b\": " F32("[1]", "8", "12") "}", 12, "12 bytes of data, 8 belong"},
        {"{\"a\": " F32("[1]", "0", "4") "}", 6, "6 bytes of data, 4 belong"},
        {"{\"a\": " F32("[1]", "0", "4") ", \"a\": " F32("[1]", "4", "8") "}", 8, "stands twice"},
        {"{\"__metadata__\": {\"n\": 1}}", 0, "__metadata__ must be an object of texts"},
        {"{\"__metadata__\": [\"n\"]}", 0, "__metadata__ must be an object of texts"},
        {"[1, 2]", 0, "no safetensors file"},
        {"{\"a\": {", 0, "column"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        size_t n;
        unsigned char *bytes = make_file(row[i].header, row[i].data, &n);
        expect_refusal(bytes, n, row[i].words);
        free(bytes);
    }
    expect_refusal((const unsigned char *)"\0\0\0", 3, "no safetensors file");
    expect_refusal((const unsigned char *)"\377\377\377\377\377\377\377\377{}", 10, "no safetensors file");
}

static const char small_header[] = "{\"__metadata__\": {\"format\": \"pt\"}, \"a\": " F32(
    "[2, 2]", "0", "16") ","
                         " \"b\": {\"dtype\": \"F16\", \"shape\": [3], \"data_offsets\": [16, 22]}}";

static void truncated_files(void **state)
{
    (void)state;
    size_t n;
    unsigned char *bytes = make_file(small_header, 22, &n);
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *part = mem_copy(bytes, cut, 1);
        expect_refusal(part, cut, cut < n - 22 ? "no safetensors file" : "lies outside the file");
        free(part);
    }
    free(bytes);
}

static void flipped_bits(void **state)
{
    (void)state;
    size_t n;
    unsigned char *bytes = make_file(small_header, 22, &n);
    int refused = 0;
    for (size_t i = 0; i < 8 * n; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        Err err = {0};
        Safetensors *s;
        float v[4];
        bool ok = safetensors_open_bytes(&s, "flipped", bytes, n, &err);
        for (int k = 0; ok && k < safetensors_count(s); k++) {
            const StoredTensor *t = safetensors_tensor(s, k);
            dtype_to_f32(t->type, t->bytes, v, stored_values(t) < 4 ? stored_values(t) : 4);
        }
        refused += !ok;
        assert_true(ok || err.msg[0]);
        safetensors_free(s);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_in_range(refused, 500, 8 * n - 22 * 8);
    free(bytes);
}

/* --- shards ----------------------------------------------------------------------------------------- */

static void put_index(const char *folder, const char *text)
{
    Err err = {0};
    char *path = path_join(folder, "model.safetensors.index.json");
    if (!file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(path);
}

static void shards_are_joined(void **state)
{
    (void)state;
    Err err = {0};
    Safetensors *s;
    char *folder = make_folder();
    put_file(folder, "1.safetensors", "{\"__metadata__\": {\"k\": \"1\"}, \"c\": " F32("[1]", "0", "4") "}", 4);
    put_file(folder, "2.safetensors",
             "{\"a\": " F32("[1]", "0", "4") ", \"b\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [4, 5]}}",
             5);
    put_index(folder, "{\"metadata\": {\"total_size\": 9}, \"weight_map\": {\"a\": \"2.safetensors\", \"c\": "
                      "\"1.safetensors\", \"b\": \"2.safetensors\"}}");
    if (!safetensors_open(&s, folder, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(safetensors_count(s), 2);
    assert_string_equal(safetensors_tensor(s, 0)->name, "a");
    assert_string_equal(safetensors_tensor(s, 1)->name, "c");
    assert_string_equal(safetensors_unread(s, "b"), "U8");
    safetensors_forget(s, safetensors_tensor(s, 0));
    assert_memory_equal(safetensors_tensor(s, 0)->bytes, "\0\1\2\3", 4);
    safetensors_free(s);
    remove_folder(folder);
}

static void wrong_shards(void **state)
{
    (void)state;
    static const struct {
        const char *index, *words;
    } row[] = {
        {"{\"weight_map\": {\"a\": \"3.safetensors\"}}", "3.safetensors: No such file"},
        {"{\"weight_map\": {\"a\": \"../1.safetensors\"}}", "no .safetensors file beside it"},
        {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "no .safetensors file beside it"},
        {"{\"weight_map\": {\"a\": \"1.bin\"}}", "no .safetensors file beside it"},
        {"{\"weight_map\": {\"a\": 3}}", "is in \"(no text)\""},
        {"{\"weight_map\": {\"z\": \"1.safetensors\"}}", "\"z\" is not in 1.safetensors"},
        {"{\"weight_map\": {\"a\": \"1.safetensors\", \"c\": \"2.safetensors\"}}",
         "the tensor \"a\" is in build/test_safetensors"},
        {"{\"weight_map\": [1]}", "no object \"weight_map\""},
        {"{\"weight_map\"", "column"},
    };
    char *folder = make_folder();
    put_file(folder, "1.safetensors", "{\"a\": " F32("[1]", "0", "4") "}", 4);
    put_file(folder, "2.safetensors",
             "{\"c\": " F32("[1]", "0", "4") ", \"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [4, 5]}}",
             5);
    for (int i = -1; i < COUNT(row); i++) {
        Err err = {0};
        Safetensors *s;
        const char *words = i < 0 ? "there is neither model.safetensors nor" : row[i].words;
        if (i >= 0)
            put_index(folder, row[i].index);
        if (safetensors_open(&s, folder, &err) || !strstr(err.msg, words) || !err.hint[0])
            fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, words);
        if (strstr(words, " is in build") && !(strstr(err.msg, "1.safetensors") && strstr(err.msg, "2.safetensors")))
            fail_msg("\"%s\" does not name both files", err.msg);
    }
    remove_folder(folder);
}

/* Half precision in one shard, bf16 in another. */
static void shards_of_halves(void **state)
{
    (void)state;
    Err err = {0};
    Safetensors *s;
    char *folder = make_folder();
    put_file(folder, "1.safetensors", "{\"a\": {\"dtype\": \"F16\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4);
    put_file(folder, "2.safetensors", "{\"b\": {\"dtype\": \"BF16\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4);
    put_index(folder, "{\"weight_map\": {\"a\": \"1.safetensors\", \"b\": \"2.safetensors\"}}");
    if (!safetensors_open(&s, folder, &err))
        fail_msg("%s", err.msg);
    float v[2];
    const StoredTensor *a = safetensors_find(s, "a"), *b = safetensors_find(s, "b");
    assert_true(a->type == DTYPE_F16 && b->type == DTYPE_BF16);
    dtype_to_f32(a->type, a->bytes, v, 2); /* 0x0100, 0x0302 */
    assert_true(v[0] == 0x1p-16f && v[1] == 770 * 0x1p-24f);
    dtype_to_f32(b->type, b->bytes, v, 2); /* 0x0100 0000, 0x0302 0000 */
    assert_true(v[0] == 0x1p-125f && v[1] == 0x1.04p-121f);
    safetensors_free(s);
    remove_folder(folder);
}

/* A model is the same only where every shard is, whatever the index calls it; without an index such files do not count. */
static void shards_are_the_model(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *index = path_join(folder, "model.safetensors.index.json"), hash[4][HASH_TEXT];
    put_file(folder, "1.safetensors", "{\"a\": {\"dtype\": \"F16\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4);
    put_index(folder, "{\"weight_map\": {\"a\": \"1.safetensors\"}}");
    assert_true(model_hash(folder, NULL, hash[0], &err));
    put_file(folder, "1.safetensors", "{\"a\": {\"dtype\": \"F16\", \"shape\": [3], \"data_offsets\": [0, 6]}}", 6);
    assert_true(model_hash(folder, NULL, hash[1], &err));
    assert_string_not_equal(hash[0], hash[1]);
    assert_int_equal(remove(index), 0);
    assert_true(model_hash(folder, NULL, hash[2], &err));
    put_file(folder, "1.safetensors", "{\"a\": {\"dtype\": \"F16\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4);
    assert_true(model_hash(folder, NULL, hash[3], &err));
    assert_string_equal(hash[2], hash[3]);
    free(index);
    remove_folder(folder);
}

/* --- models from outside ---------------------------------------------------------------------------- */

static double norm_of(const StoredTensor *t)
{
    size_t n = stored_values(t);
    float *v = mem_alloc(n, sizeof *v);
    dtype_to_f32(t->type, t->bytes, v, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    free(v);
    return sqrt(sum);
}

static void golden_model(void **state)
{
    (void)state;
    static const char folder[] = "../shared/golden/tiny-llama";
    if (!file_is_dir(folder))
        skip_aloud("%s is absent: not compared", folder);
    Err err = {0};
    Safetensors *s;
    json_t *golden, *wanted;
    const char *name;
    char *path = path_join(folder, "gguf.json");
    if (!safetensors_open(&s, folder, &err) || !json_read_file(path, &golden, &err))
        fail_msg("%s", err.msg);
    json_t *tensors = json_object_get(json_object_get(golden, "F32"), "tensors");
    assert_int_equal(json_object_size(tensors), safetensors_count(s));
    json_object_foreach(tensors, name, wanted)
    {
        const StoredTensor *t = safetensors_find(s, name);
        double norm = json_number_of(wanted, "norm", 0);
        if (!t || fabs(norm_of(t) - norm) > 1e-10 * norm)
            fail_msg("%s: norm %.12g, wanted %.12g", name, t ? norm_of(t) : 0, norm);
    }
    safetensors_free(s);
    json_decref(golden);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(headers_are_padded),
        cmocka_unit_test(wrong_writing),
        cmocka_unit_test(types),
        cmocka_unit_test(wrong_headers),
        cmocka_unit_test(truncated_files),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(shards_are_joined),
        cmocka_unit_test(wrong_shards),
        cmocka_unit_test(shards_of_halves),
        cmocka_unit_test(shards_are_the_model),
        cmocka_unit_test(golden_model),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
