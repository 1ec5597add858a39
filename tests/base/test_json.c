/* JSON: numbers read back exactly, every character survives, and what is broken is refused with its place. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"

static json_t *parsed(const char *text, size_t n)
{
    Err err = {0};
    json_t *json;
    need_ok(json_parse(text, n, "rows.jsonl:17", &json, &err), &err);
    return json;
}

/* Writes a value and reads it back. */
static json_t *round_trip(json_t *value)
{
    char *text = json_text(value);
    assert_null(strchr(text, '\n')); /* always one line */
    json_t *back = parsed(text, strlen(text));
    free(text);
    json_decref(value);
    return back;
}

static uint64_t bits(uint64_t i)
{
    return rng_bits((RngKey){.seed = 8, .purpose = RNG_TEST}, i);
}

/* Doubles of every exponent and sign. */
static void doubles(void **state)
{
    (void)state;
    static const double edge[] = {0.0,
                                  -0.0,
                                  1.0,
                                  -1.0,
                                  0.1,
                                  1e21,
                                  1e22,
                                  123456789012345680.0,
                                  1e-5,
                                  0.0001,
                                  5e-324,
                                  2.2250738585072014e-308,
                                  1.7976931348623157e308,
                                  1e15,
                                  1e16,
                                  1.0 / 3,
                                  2.0 / 3,
                                  100000,
                                  4503599627370497.5};
    for (uint64_t i = 0; i < 20000 + COUNT(edge); i++) {
        double x = 0;
        uint64_t b = bits(i);
        memcpy(&x, &b, sizeof x);
        if (i < (uint64_t)COUNT(edge))
            x = edge[i];
        if (!isfinite(x))
            continue;
        json_t *back = round_trip(json_real(x));
        assert_true(json_is_real(back)); /* a whole number stays a real */
        double y = json_real_value(back);
        if (memcmp(&x, &y, sizeof x) != 0)
            fail_msg("%a reads back as %a", x, y);
        json_decref(back);
    }
}

static void fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } row[] = {{0.1, "0.1"},
               {1, "1.0"},
               {-2.5, "-2.5"},
               {1e22, "1e+22"},
               {0.30000000000000004, "0.30000000000000004"},
               {100, "1e+02"},
               {1e-7, "1e-07"},
               {0, "0.0"},
               {123456, "123456.0"}};
    for (int i = 0; i < COUNT(row); i++) {
        Str s = {0};
        json_append_real(&s, row[i].value);
        assert_string_equal(str_text(&s), row[i].text);
        str_release(&s);
    }
}

/* Floats are written with the digits that a float needs, and are the same float again. */
static void floats(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50000; i++) {
        uint32_t b = (uint32_t)bits(i);
        float x;
        memcpy(&x, &b, sizeof x);
        if (!isfinite(x))
            continue;
        json_t *value = json_of_float(x);
        char *text = json_text(value);
        json_t *back = parsed(text, strlen(text));
        float y = (float)json_real_value(back);
        json_decref(value);
        json_decref(back);
        if (memcmp(&x, &y, sizeof x) != 0)
            fail_msg("%a reads back as %a from %s", (double)x, (double)y, text);
        assert_true(strlen(text) <= 16);
        free(text);
    }
}

static void whole_numbers(void **state)
{
    (void)state;
    static const json_int_t edge[] = {0, -1, 9007199254740993, INT64_MAX, INT64_MIN};
    for (int i = 0; i < COUNT(edge); i++) {
        json_t *back = round_trip(json_integer(edge[i]));
        assert_true(json_is_integer(back) && json_integer_value(back) == edge[i]);
        json_decref(back);
    }
}

/* Every character up to U+FFFF but NUL and the surrogates, and some beyond, in texts and in keys. */
static void characters(void **state)
{
    (void)state;
    for (unsigned int first = 1; first < 0x110000; first += first < 0x10000 ? 64 : 0x3fc1) {
        char text[64 * 4 + 1];
        size_t n = 0;
        for (unsigned int cp = first; cp < first + 64 && cp < 0x110000; cp++)
            if (cp < 0xd800 || cp > 0xdfff)
                n += (size_t)str_utf8_write(cp, text + n);
        text[n] = 0;
        if (n == 0)
            continue;
        json_t *value = json_object();
        json_object_set_new(value, text, json_stringn(text, n));
        json_t *back = round_trip(value);
        assert_string_equal(json_text_of(back, text), text);
        json_decref(back);
    }
}

static void escapes(void **state)
{
    (void)state;
    json_t *value = json_string("\"\\/\b\f\n\r\t\x01\x1f\x7f");
    char *text = json_text(value);
    assert_string_equal(text, "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\x7f\"");
    free(text);
    json_decref(value);
    static const char *const written = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude42\"";
    value = parsed(written, strlen(written));
    assert_string_equal(json_string_value(value), "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x99\x82");
    json_decref(value);
}

static void structures(void **state)
{
    (void)state;
    static const char *const text = "{\"b\": [1, 2.5, null, true, false, []], \"a\": {}, \"\": \"\"}";
    json_t *value = parsed(text, strlen(text));
    char *again = json_text(value);
    assert_string_equal(again, text); /* keys in their order */
    free(again);
    assert_true(json_number_of(value, "b", 7) == 7 && json_number_of(value, "none", 8) == 8);
    assert_true(json_bool_of(value, "none", true) && !json_bool_of(value, "a", false));
    assert_null(json_text_of(value, "b"));
    assert_string_equal(json_text_of(value, ""), "");
    json_decref(value);
    static const char *const kinds = "{\"n\": 3, \"x\": 1.5, \"t\": true}";
    value = parsed(kinds, strlen(kinds));
    assert_true(json_number_of(value, "n", 0) == 3 && json_number_of(value, "x", 0) == 1.5);
    assert_true(json_bool_of(value, "t", false) && json_bool_of(value, "n", true));
    json_decref(value);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } bad[] = {
        {"", "is empty"},
        {"\xef\xbb\xbf", "is empty"},
        {"{", "column 1: it ends too early"},
        {"{\"a\": \"b", "it ends in the middle of a text"},
        {"[1,]", "column 4: no JSON, near ']'"},
        {"{\"a\": 1, \"a\": 2}", "a key stands twice, near '\"a\"'"},
        {"[1] 2", "something stands behind the end, near '2'"},
        {"nul", "no JSON, near 'nul'"},
        {"\"\xff\"", "bytes that are no UTF-8"},
        {"\"\xed\xa0\x80\"", "bytes that are no UTF-8"}, /* a surrogate in UTF-8 */
        {"\"\\ud800\"", "half a character"},
        {"\"\\u0000\"", "a text holds \\u0000, which none may"},
        {"{\"\\u0000\": 1}", "a key holds \\u0000, which none may"},
        {"\"\\x\"", "a backslash that begins no escape"},
        {"\"\t\"", "a control character"},
        {"[1e999]", "a number is too large, near '1e999'"},
        {"[99999999999999999999]", "a number is too large"},
        {"[NaN]", "no JSON, near 'NaN'"},
        {"{\n\"a\": }", "line 2"},
        {"\"a\nb\"", "a text goes on behind the end of the line"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        Err err = {0};
        json_t *json;
        bool ok = json_parse(bad[i].text, strlen(bad[i].text), "rows.jsonl:17", &json, &err);
        if (ok || json || err.code != ERR_INPUT || !str_starts(err.msg, "rows.jsonl:17: ") ||
            !strstr(err.msg, bad[i].place))
            fail_msg("%s: \"%s\"", bad[i].text, err.msg);
    }
    char *deep = mem_alloc(200001, 1);
    memset(deep, '[', 200000);
    Err err = {0};
    json_t *json;
    assert_false(json_parse("{}\0\0", 4, "padded", &json, &err));
    assert_string_equal(err.msg, "padded: column 3: a NUL byte");
    err_clear(&err);
    assert_false(json_parse(deep, 200000, "deep", &json, &err));
    free(deep);
}

static void files(void **state)
{
    (void)state;
    Err err = {0};
    json_t *json;
    char *folder = make_folder(), *path = path_join(folder, "a.json");
    need_ok(file_write(path, "{\"a\": [1]}\n", 11, &err) && json_read_file(path, &json, &err), &err);
    assert_int_equal(json_array_size(json_object_get(json, "a")), 1);
    json_decref(json);
    need_ok(file_write(path, "{\n]", 3, &err), &err);
    assert_false(json_read_file(path, &json, &err));
    assert_true(!json && strstr(err.msg, path) && strstr(err.msg, "line 2"));
    err_clear(&err);
    assert_false(json_read_file(folder, &json, &err));
    assert_non_null(strstr(err.msg, "is a directory"));
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),       cmocka_unit_test(fewest_digits), cmocka_unit_test(floats),
        cmocka_unit_test(whole_numbers), cmocka_unit_test(characters),    cmocka_unit_test(escapes),
        cmocka_unit_test(structures),    cmocka_unit_test(refusals),      cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
