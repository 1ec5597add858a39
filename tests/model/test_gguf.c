/* The GGUF container: what a right file says, and that a wrong one gets a message and nothing else. */
#include "gguf_build.h"
#include "group.h"

#include <unistd.h>

static Gguf *open_or_fail(const unsigned char *bytes, size_t n)
{
    Err err = {0};
    Gguf *g;
    if (!gguf_open_bytes(&g, "small", bytes, n, &err))
        fail_msg("%s", err.msg);
    return g;
}

/* The file must be refused with these words in the message, and with something to do. Frees the bytes. */
static void expect_refusal(unsigned char *bytes, size_t n, const char *words)
{
    Err err = {0};
    Gguf *g;
    if (gguf_open_bytes(&g, "small", bytes, n, &err))
        fail_msg("accepted, should say \"%s\"", words);
    assert_null(g);
    if (!strstr(err.msg, words) || !str_starts(err.msg, "small: ") || !err.hint[0])
        fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, words);
    free(bytes);
}

static void expect_build_refused(Build *b, const char *words)
{
    size_t n;
    unsigned char *bytes = build_end(b, &n);
    expect_refusal(bytes, n, words);
}

/* --- metadata --------------------------------------------------------------------------------------- */

static void add_integers(Build *b)
{
    static const struct {
        const char *key;
        GgufType type;
        int64_t value;
        int bytes;
    } row[] = {{"u8", GGUF_U8, 200, 1},         {"i8", GGUF_I8, -100, 1},          {"u16", GGUF_U16, 60000, 2},
               {"i16", GGUF_I16, -300, 2},      {"u32", GGUF_U32, 4000000000, 4},  {"i32", GGUF_I32, -70000, 4},
               {"u64", GGUF_U64, 1LL << 40, 8}, {"i64", GGUF_I64, -(1LL << 40), 8}};
    for (int i = 0; i < COUNT(row); i++) {
        begin_value(b, row[i].key, row[i].type);
        put_int(&b->values, (uint64_t)row[i].value, row[i].bytes);
    }
}

/* An array of two arrays of texts. */
static void add_nested(Build *b, const char *key)
{
    begin_value(b, key, GGUF_ARRAY);
    put_int(&b->values, GGUF_ARRAY, 4);
    put_int(&b->values, 2, 8);
    for (int i = 0; i < 2; i++) {
        put_int(&b->values, GGUF_TEXT, 4);
        put_int(&b->values, 1, 8);
        put_string(&b->values, "inner");
    }
}

static void expect_number(const Gguf *g, const char *key, double wanted)
{
    double v = 0.5;
    assert_true(gguf_number(g, key, &v));
    assert_true(v == wanted);
}

static void every_type_is_read(void **state)
{
    (void)state;
    Build b = {0};
    add_integers(&b);
    add_f32(&b, "f32", 1.5f);
    double d = -2.25;
    begin_value(&b, "f64", GGUF_F64);
    str_addn(&b.values, (const char *)&d, 8);
    add_bool(&b, "yes", true);
    add_text(&b, "text", "words");
    add_text(&b, "empty", "");
    add_nested(&b, "nested");
    add_array(&b, "list", GGUF_I32, (const int[]){4, 5}, 2);
    add_u32(&b, "last", 7);
    size_t n;
    unsigned char *bytes = build_end(&b, &n);
    Gguf *g = open_or_fail(bytes, n);
    expect_number(g, "u8", 200), expect_number(g, "i8", -100);
    expect_number(g, "u16", 60000), expect_number(g, "i16", -300);
    expect_number(g, "u32", 4e9), expect_number(g, "i32", -70000);
    expect_number(g, "u64", 0x1p40), expect_number(g, "i64", -0x1p40);
    expect_number(g, "f32", 1.5), expect_number(g, "f64", -2.25), expect_number(g, "last", 7);
    const char *text = NULL;
    bool yes = false;
    double number = 3;
    assert_true(gguf_text(g, "text", &text) && strcmp(text, "words") == 0);
    assert_true(gguf_text(g, "empty", &text) && !text[0]);
    assert_true(gguf_bool(g, "yes", &yes) && yes);
    assert_false(gguf_number(g, "text", &number) || gguf_number(g, "none", &number) ||
                 gguf_number(g, "nested", &number) || gguf_number(g, "list", &number) ||
                 gguf_number(g, "yes", &number));
    assert_true(number == 3);
    const GgufValue *list = gguf_value(g, "list");
    assert_true(gguf_item(list, 1, &number) && number == 5 && !gguf_item(list, 2, &number));
    assert_false(gguf_text(g, "u8", &text) || gguf_bool(g, "u8", &yes));
    gguf_free(g);
    free(bytes);
}

static void tensors_are_found(void **state)
{
    (void)state;
    Build b = {.alignment = 64, .version = 2};
    add_u32(&b, "general.alignment", 64);
    add_tensor(&b, "z", 2, 3);
    add_tensor(&b, "a", 0, 5);
    size_t n;
    unsigned char *bytes = build_end(&b, &n);
    Gguf *g = open_or_fail(bytes, n);
    assert_int_equal(gguf_tensors(g), 2);
    const StoredTensor *z = gguf_tensor(g, 0), *a = gguf_find(g, "a");
    assert_ptr_equal(gguf_find(g, "z"), z);
    assert_ptr_equal(gguf_tensor(g, 1), a);
    assert_null(gguf_find(g, "b"));
    assert_true(z->dims == 2 && z->shape[0] == 2 && z->shape[1] == 3 && z->n_bytes == 24);
    assert_true(a->dims == 1 && a->shape[0] == 5 && (size_t)(a->bytes - z->bytes) == 64);
    float v[6];
    dtype_to_f32(z->type, z->bytes, v, 6);
    assert_true(v[0] == 0 && v[5] == 0.625f);
    gguf_free(g);
    free(bytes);
}

/* --- wrong files ------------------------------------------------------------------------------------ */

static void wrong_headers(void **state)
{
    (void)state;
    size_t n;
    Build b = {0};
    unsigned char *bytes = build_end(&b, &n);
    bytes[0] = 'X';
    expect_refusal(bytes, n, "no GGUF file");
    expect_refusal(mem_copy("GGU", 3, 1), 3, "no GGUF file");
    expect_refusal(mem_copy("GGUF\3\0\0\0\0\0\0", 11, 1), 11, "needs 16 bytes at byte 8, the file has 11");
    b.version = 1;
    expect_build_refused(&b, "version 1, only versions 2 and 3");
    b.version = 4;
    expect_build_refused(&b, "version 4, only versions 2 and 3");
    b.version = 2u << 24;
    expect_build_refused(&b, "big-endian");
    b.version = 3u << 24;
    expect_build_refused(&b, "big-endian");
    b.more_tensors = 1ull << 40;
    expect_build_refused(&b, "promises 1099511627776 tensors");
    b.more_values = UINT64_MAX;
    expect_build_refused(&b, "promises 18446744073709551615 metadata");
    add_u32(&b, "split.count", 3);
    expect_build_refused(&b, "one of 3 files");
}

static void wrong_metadata(void **state)
{
    (void)state;
    Build b = {0};
    add_u32(&b, "same", 1), add_u32(&b, "other", 2), add_text(&b, "same", "x");
    expect_build_refused(&b, "\"same\" is there twice");
    begin_value(&b, "odd", (GgufType)13);
    expect_build_refused(&b, "\"odd\" has type 13");
    begin_value(&b, "long", GGUF_TEXT), put_int(&b.values, UINT64_MAX, 8);
    expect_build_refused(&b, "\"long\" needs 18446744073709551615 bytes");
    begin_value(&b, "many", GGUF_ARRAY), put_int(&b.values, GGUF_F64, 4), put_int(&b.values, 1ull << 61, 8);
    expect_build_refused(&b, "\"many\" needs");
    begin_value(&b, "texts", GGUF_ARRAY), put_int(&b.values, GGUF_TEXT, 4), put_int(&b.values, 1ull << 61, 8);
    expect_build_refused(&b, "\"texts\" needs 8 bytes");
    begin_value(&b, "nul", GGUF_TEXT), put_int(&b.values, 3, 8), str_addn(&b.values, "a\0b", 3);
    expect_build_refused(&b, "\"nul\" (3 bytes at byte");
    begin_value(&b, "deep", GGUF_ARRAY);
    for (int i = 0; i < 6; i++)
        put_int(&b.values, GGUF_ARRAY, 4), put_int(&b.values, 1, 8);
    expect_build_refused(&b, "\"deep\" has arrays in arrays");
    add_u32(&b, "general.alignment", 48);
    expect_build_refused(&b, "general.alignment must be a power of two");
    add_u32(&b, "general.alignment", 0);
    expect_build_refused(&b, "general.alignment must be");
    add_text(&b, "general.alignment", "32");
    expect_build_refused(&b, "general.alignment must be");
}

static void wrong_tensors(void **state)
{
    (void)state;
    static const uint64_t shape[5] = {1, 1, 1, 2, 32}, zero[2] = {0, 4}, huge[2] = {1ull << 62, 8};
    static const uint64_t wraps[3] = {1ull << 32, 1ull << 32, 4};
    Build b = {0};
    add_info(&b, "five", 0, shape, 5, 0);
    expect_build_refused(&b, "\"five\" has 5 dimensions");
    add_info(&b, "none", 0, shape, 0, 0);
    expect_build_refused(&b, "\"none\" has 0 dimensions");
    add_info(&b, "zero", 0, zero, 2, 0);
    expect_build_refused(&b, "\"zero\" of shape [0, 4, 1, 1] cannot be");
    add_info(&b, "huge", 0, huge, 2, 0);
    expect_build_refused(&b, "product too large");
    add_info(&b, "wraps", 0, wraps, 3, 0);
    expect_build_refused(&b, "product too large");
    add_info(&b, "ragged", 2, (const uint64_t[]){2, 48}, 2, 0);
    expect_build_refused(&b, "rows are not whole blocks of Q4_0");
    add_tensor(&b, "same", 2, 2), add_tensor(&b, "same", 3, 3);
    expect_build_refused(&b, "\"same\" is there twice");
    add_tensor(&b, "a", 2, 8), add_info(&b, "odd", 0, shape + 3, 1, 4);
    expect_build_refused(&b, "\"odd\" is at 4, not a multiple of 32");
    add_tensor(&b, "a", 2, 8), add_info(&b, "far", 0, shape + 3, 1, 1 << 20);
    expect_build_refused(&b, "\"far\" has 8 bytes at");
    add_tensor(&b, "a", 2, 8), add_info(&b, "wrap", 0, shape + 3, 1, UINT64_MAX - 31);
    expect_build_refused(&b, "\"wrap\" has 8 bytes at");
    add_tensor(&b, "a", 2, 8), add_info(&b, "long", 0, shape + 3, 2, 32);
    expect_build_refused(&b, "\"long\" has 256 bytes at");
    add_tensor(&b, "a", 2, 8), add_info(&b, "over", 0, shape + 3, 1, 32);
    expect_build_refused(&b, "\"a\" and \"over\" lie over each other");
}

/* A type that is not read is no harm but to whom needs the tensor. */
static void unread_types(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        const char *words;
    } types[] = {{16, "\"odd\" has type 16 (IQ2_XXS)"},
                 {26, "type 26 (I32)"},
                 {5, "type 5 (Q4_3)"},
                 {33, "type 33 (unknown)"},
                 {4000000000, "type 4000000000"}};
    for (int i = 0; i < COUNT(types); i++) {
        Build b = {0};
        Err err = {0};
        Gguf *g;
        size_t n;
        add_info(&b, "odd", types[i].number, (const uint64_t[]){3, 5}, 2, 0);
        add_tensor(&b, "a", 2, 8);
        unsigned char *bytes = build_end(&b, &n);
        g = open_or_fail(bytes, n);
        assert_null(gguf_find(g, "odd"));
        assert_non_null(gguf_find(g, "a"));
        assert_false(gguf_unread(g, "a", &err) || gguf_unread(g, "b", &err));
        assert_true(gguf_unread(g, "odd", &err));
        if (!strstr(err.msg, types[i].words) || !strstr(err.hint, "Q4_K_M"))
            fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, types[i].words);
        gguf_free(g);
        free(bytes);
    }
}

/* Cut at every length, it is refused: by the container, as the last tensor ends the file. */
static void truncated_files(void **state)
{
    (void)state;
    Build b = {0};
    size_t n;
    build_model(&b, "gemma3");
    unsigned char *bytes = build_end(&b, &n);
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *part = mem_copy(bytes, cut, 1);
        Err err = {0};
        Gguf *g;
        if (gguf_open_bytes(&g, "cut", part, cut, &err))
            fail_msg("accepted after %zu of %zu bytes", cut, n);
        assert_true(err.msg[0] && err.hint[0]);
        free(part);
    }
    free(bytes);
}

/* Whatever bit is wrong, there is a message or a file that can be read. */
static void flipped_bits(void **state)
{
    (void)state;
    Build b = {0};
    size_t n;
    build_model(&b, "llama");
    unsigned char *bytes = build_end(&b, &n);
    int refused = 0, accepted = 0;
    for (size_t i = 0; i < 8 * 4096 && i < 8 * n; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        Err err = {0};
        Gguf *g;
        if (gguf_open_bytes(&g, "flipped", bytes, n, &err)) {
            accepted++;
            build_touch(g);
            gguf_free(g);
        } else {
            refused++;
            assert_true(err.msg[0] != 0);
        }
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(refused > 5000 && accepted > 5000);
    free(bytes);
}

static void files_are_mapped(void **state)
{
    (void)state;
    Build b = {0};
    size_t n;
    build_model(&b, "llama");
    unsigned char *bytes = build_end(&b, &n);
    Err err = {0};
    Gguf *g;
    char *path = mem_printf("build/test_gguf.%d.gguf", (int)getpid());
    assert_true(dir_make("build", &err) && file_write(path, bytes, n, &err));
    assert_true(gguf_open(&g, path, &err));
    const StoredTensor *t = gguf_find(g, "token_embd.weight");
    gguf_forget(g, t);
    assert_memory_equal(t->bytes, bytes + (t->bytes - g->map.bytes), t->n_bytes);
    gguf_free(g);
    assert_true(file_write(path, "", 0, &err));
    assert_false(gguf_open(&g, path, &err));
    assert_non_null(strstr(err.msg, "no GGUF file"));
    err_clear(&err);
    assert_true(dir_remove(path, &err));
    assert_false(gguf_open(&g, path, &err));
    assert_non_null(strstr(err.msg, path));
    gguf_free(NULL);
    free(path);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read), cmocka_unit_test(tensors_are_found), cmocka_unit_test(wrong_headers),
        cmocka_unit_test(wrong_metadata),     cmocka_unit_test(wrong_tensors),     cmocka_unit_test(unread_types),
        cmocka_unit_test(truncated_files),    cmocka_unit_test(flipped_bits),      cmocka_unit_test(files_are_mapped),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
