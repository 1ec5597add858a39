/* Stored numbers against the values of gguf-py, bit for bit. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "group.h"
#include "model/file/dtype.h"
#include "support.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static unsigned char *from_hex(const char *hex, size_t *n)
{
    *n = strlen(hex) / 2;
    unsigned char *bytes = mem_alloc(*n, 1);
    for (size_t i = 0; i < *n; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return bytes;
}

/* The values of a block given in hexadecimal; the caller frees them. The bytes lie on an odd address. */
static float *read_block(DType type, const char *hex, size_t *n)
{
    size_t bytes;
    unsigned char *block = from_hex(hex, &bytes);
    const DTypeInfo *info = dtype_info(type);
    *n = bytes / (size_t)info->block_bytes * (size_t)info->block;
    unsigned char *odd = mem_alloc(bytes + 1, 1);
    memcpy(odd + 1, block, bytes);
    float *values = mem_alloc(*n, sizeof *values);
    dtype_to_f32(type, odd + 1, values, *n);
    free(odd);
    free(block);
    return values;
}

static json_t *read_json(const char *path)
{
    Err err = {0};
    json_t *json;
    if (!json_read_file(path, &json, &err))
        fail_msg("%s", err.msg);
    return json;
}

static void fixture_equals_bits(void **state)
{
    (void)state;
    json_t *json = read_json("tests/fixtures/quants.json");
    const char *name;
    json_t *cases;
    int seen = 0;
    json_object_foreach(json, name, cases)
    {
        DType type = dtype_find(name);
        assert_int_not_equal(type, DTYPE_COUNT);
        for (size_t i = 0; i < json_array_size(cases); i++, seen++) {
            const json_t *one = json_array_get(cases, i);
            size_t n, n_bytes;
            float *values = read_block(type, json_text_of(one, "block"), &n);
            unsigned char *wanted = from_hex(json_text_of(one, "f32"), &n_bytes);
            assert_int_equal(n_bytes, n * sizeof(float));
            assert_memory_equal(values, wanted, n_bytes);
            free(wanted);
            free(values);
        }
    }
    assert_int_equal(seen, 12 * 6 + 2);
    json_decref(json);
}

/* Blocks of real models; the values are f32 numbers in nine digits. */
static void golden_equals(void **state)
{
    (void)state;
    static const char path[] = "../shared/golden/quants.json";
    if (!file_exists(path))
        skip_aloud("%s is absent: not compared", path);
    json_t *json = read_json(path), *entry;
    const char *name;
    int types = 0;
    json_object_foreach(json_object_get(json, "dequantize"), name, entry)
    {
        DType type = dtype_find(name);
        assert_int_not_equal(type, DTYPE_COUNT);
        types++;
        const json_t *blocks = json_object_get(entry, "blocks");
        for (size_t i = 0; i < json_array_size(blocks); i++) {
            const json_t *block = json_array_get(blocks, i), *wanted = json_object_get(block, "values");
            size_t n;
            float *values = read_block(type, json_text_of(block, "hex"), &n);
            assert_int_equal(n, json_array_size(wanted));
            for (size_t k = 0; k < n; k++) {
                float w = (float)json_number_value(json_array_get(wanted, k));
                if (bits_of(values[k]) != bits_of(w) && !(w == 0 && values[k] == 0))
                    fail_msg("%s block %zu value %zu: %.9g, wanted %.9g", name, i, k, (double)values[k], (double)w);
            }
            free(values);
        }
    }
    assert_int_equal(types, 12);
    json_decref(json);
}

/* Every half-precision number, by its definition. */
static void every_half(void **state)
{
    (void)state;
    for (unsigned int h = 0; h < 65536; h++) {
        unsigned char bytes[2] = {(unsigned char)h, (unsigned char)(h >> 8)};
        unsigned int exponent = h >> 10 & 31, mantissa = h & 1023;
        float got;
        dtype_to_f32(DTYPE_F16, bytes, &got, 1);
        double size = exponent ? ldexp(1024 + mantissa, (int)exponent - 25) : ldexp(mantissa, -24);
        if (exponent == 31 && mantissa) {
            assert_true(isnan(got));
            continue;
        }
        float wanted = exponent == 31 ? HUGE_VALF : (float)size;
        assert_int_equal(bits_of(got), bits_of(wanted) | (h >> 15) << 31);
    }
}

static void plain_types_keep_bits(void **state)
{
    (void)state;
    static const uint32_t bits[] = {0, 0x80000000u, 1, 0x7F800000u, 0x7FC01234u, 0x7F812345u, 0x3F800001u};
    float got[COUNT(bits)];
    dtype_to_f32(DTYPE_F32, bits, got, COUNT(bits));
    assert_memory_equal(got, bits, sizeof bits);
    for (int i = 0; i < COUNT(bits); i++) {
        unsigned char high[2] = {(unsigned char)(bits[i] >> 16), (unsigned char)(bits[i] >> 24)};
        float value;
        dtype_to_f32(DTYPE_BF16, high, &value, 1);
        assert_int_equal(bits_of(value), bits[i] & 0xFFFF0000u);
    }
}

static void sizes(void **state)
{
    (void)state;
    size_t bytes = 7;
    assert_true(dtype_bytes(DTYPE_Q4_1, 64, &bytes));
    assert_int_equal(bytes, 40);
    assert_true(dtype_bytes(DTYPE_Q6_K, 512, &bytes));
    assert_int_equal(bytes, 420);
    assert_false(dtype_bytes(DTYPE_Q4_1, 63, &bytes));
    assert_false(dtype_bytes(DTYPE_Q4_K, 32, &bytes));
    assert_false(dtype_bytes(DTYPE_F32, SIZE_MAX / 2, &bytes));
    assert_false(dtype_bytes(DTYPE_Q8_0, SIZE_MAX - 31, &bytes));
    for (DType t = 0; t < DTYPE_COUNT; t++)
        assert_int_equal(dtype_find(dtype_info(t)->name), t);
    assert_int_equal(dtype_find("Q2_K_S"), DTYPE_COUNT);
}

static void shared_bytes_are_found(void **state)
{
    (void)state;
    static const unsigned char bytes[64];
    StoredTensor t[3] = {{.name = "a", .bytes = bytes + 32, .n_bytes = 32},
                         {.name = "b", .bytes = bytes, .n_bytes = 16},
                         {.name = "c", .bytes = bytes + 16, .n_bytes = 16}};
    Err err = {0};
    assert_true(stored_disjoint(t, 3, "file", &err));
    assert_true(stored_disjoint(t, 0, "file", &err));
    t[2].n_bytes = 17;
    assert_false(stored_disjoint(t, 3, "file", &err));
    assert_non_null(strstr(err.msg, "\"c\" and \"a\""));
    StoredTensor shaped = {.dims = 3, .shape = {2, 3, 4, 1}};
    assert_int_equal(stored_values(&shaped), 24);
}

/* The nearest number, of two the even one; what is too large is none. */
static void rounds_to_the_nearest(void **state)
{
    (void)state;
    static const struct {
        DType type;
        double value;
        int wanted; /* -1: too large */
    } cases[] = {
        {DTYPE_F16, 1 + 0x1p-11, 0x3C00},
        {DTYPE_F16, 1 + 3 * 0x1p-11, 0x3C02},
        {DTYPE_F16, -1 - 0x1.004p-11, 0xBC01},
        {DTYPE_F16, 0x1p-25, 0},
        {DTYPE_F16, 3 * 0x1p-25, 2},
        {DTYPE_F16, 1023.5 * 0x1p-24, 0x0400},
        {DTYPE_F16, 65519.99, 0x7BFF},
        {DTYPE_F16, 65520, -1},
        {DTYPE_F16, -1e30, -1},
        {DTYPE_BF16, 1 + 0x1p-8, 0x3F80},
        {DTYPE_BF16, 1 + 3 * 0x1p-8, 0x3F82},
        {DTYPE_BF16, -1 - 0x1.004p-8, 0xBF81},
        {DTYPE_BF16, 0x1.FEFFp127, 0x7F7F},
        {DTYPE_BF16, 0x1.FFp127, -1},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        float value = (float)cases[i].value;
        unsigned char got[2];
        assert_int_equal(dtype_from_f32(cases[i].type, &value, got, 1), cases[i].wanted >= 0);
        if (cases[i].wanted >= 0)
            assert_int_equal(got[0] | got[1] << 8, cases[i].wanted);
    }
    float block[32] = {0};
    unsigned char got[34];
    block[7] = 65520.0f * 127;
    assert_false(dtype_from_f32(DTYPE_Q8_0, block, got, 32));
    assert_false(dtype_from_f32(DTYPE_Q4_0, block, got, 32));
}

/* Blocks that gguf-py made of these 32 numbers. */
static void makes_the_blocks_of_others(void **state)
{
    (void)state;
    static const struct {
        DType type;
        const char *hex;
    } cases[] = {{DTYPE_Q8_0, "a42fced2d5d8dce0e1e8edeaf6fbf4050afd151b06282e0f3b4219505822676f2b7f"},
                 {DTYPE_Q4_0, "94bf7b6b8b6b5a7a4a496939296829185708"}};
    float value[32];
    for (int i = 0; i < 32; i++)
        value[i] = (float)((i - 16) * 0.37 + (i % 3 ? 0.01 * i * i : 0));
    for (int i = 0; i < COUNT(cases); i++) {
        size_t n;
        unsigned char got[34], *wanted = from_hex(cases[i].hex, &n);
        assert_true(dtype_from_f32(cases[i].type, value, got, 32));
        assert_memory_equal(got, wanted, n);
        free(wanted);
    }
}

/* Any block, read back and written again, has the same bytes: rounding is done once. Its values are as near as its steps are, and
 * those of a scale in f16: half of 2^-24, at most 127 times. */
static void writes_the_same_again(void **state)
{
    (void)state;
    static const struct {
        DType type;
        double step; /* of the largest number of a block, or of the number itself */
    } types[] = {{DTYPE_F32, 0},
                 {DTYPE_F16, 0x1p-11},
                 {DTYPE_BF16, 0x1p-8},
                 {DTYPE_Q8_0, 0.5 / 127 + 0x1p-11},
                 {DTYPE_Q4_0, 1.0 / 8 + 0x1p-11}};
    for (int t = 0; t < COUNT(types); t++)
        for (uint64_t k = 0; k < 300; k++) {
            float value[64], back[64];
            unsigned char once[256], again[256];
            size_t bytes;
            fill_normal(value, 64, k,
                        k % 7 == 6 ? 0 : pow(10, (double)(k % 7) - 3)); /* the smallest scales of f16, too */
            assert_true(dtype_bytes(types[t].type, 64, &bytes));
            assert_true(dtype_from_f32(types[t].type, value, once, 64));
            dtype_to_f32(types[t].type, once, back, 64);
            assert_true(dtype_from_f32(types[t].type, back, again, 64));
            assert_memory_equal(once, again, bytes);
            int block = dtype_info(types[t].type)->block;
            for (int i = 0; i < 64; i++)
                close_to((double)back[i], (double)value[i],
                         types[t].step * largest(value + i / block * block, (size_t)block) + 0x1p-18);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixture_equals_bits),
        cmocka_unit_test(golden_equals),
        cmocka_unit_test(every_half),
        cmocka_unit_test(plain_types_keep_bits),
        cmocka_unit_test(sizes),
        cmocka_unit_test(shared_bytes_are_found),
        cmocka_unit_test(rounds_to_the_nearest),
        cmocka_unit_test(makes_the_blocks_of_others),
        cmocka_unit_test(writes_the_same_again),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
