/* Strings that grow, names that are near, UTF-8, and errors as sentences. */
#include "support.h"

#include "base/hash.h"
#include "base/html.h"
#include "base/mem.h"
#include "base/str.h"

static void growing(void **state)
{
    (void)state;
    Str s = {0};
    assert_string_equal(str_text(&s), "");
    str_addn(&s, "", 0);
    for (int i = 0; i < 1000; i++)
        str_addc(&s, (char)('a' + i % 26));
    str_add(&s, "end");
    str_addn(&s, "x\0y", 3);
    assert_true(s.n == 1006 && s.text[1006] == 0 && memcmp(s.text + 1000, "endx\0y", 6) == 0);
    str_clear(&s);
    assert_true(s.n == 0 && s.cap > 1000 && str_text(&s)[0] == 0);
    str_addf(&s, "%d-%s", 7, "x");
    str_addf(&s, "%s", "");
    str_addf(&s, "%0500d", 1);
    assert_true(s.n == 503 && str_starts(s.text, "7-x000") && str_ends(s.text, "01"));
    char *text = str_take(&s);
    assert_true(strlen(text) == 503 && !s.text && s.n == 0);
    free(text);
    text = str_take(&s);
    assert_string_equal(text, "");
    free(text);
    str_release(&s);
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc") && !str_starts("", "a"));
    assert_true(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc") && str_ends("", ""));
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"temperature", "threads", "top-p", "seed", "n"};
    static const struct {
        const char *name, *near;
    } row[] = {{"temprature", "temperature"},
               {"temperature", "temperature"},
               {"temp", "temperature"},
               {"thread", "threads"},
               {"sede", "seed"},
               {"topp", "top-p"},
               {"TEMPERATURE", NULL},
               {"zzzzzz", NULL},
               {"batch-size", NULL}};
    for (int i = 0; i < COUNT(row); i++) {
        const char *near = str_nearest(row[i].name, names, COUNT(names), sizeof names[0]);
        if (row[i].near ? !near || strcmp(near, row[i].near) != 0 : near != NULL)
            fail_msg("\"%s\" is near \"%s\"", row[i].name, near ? near : "(none)");
    }
    typedef struct Entry {
        const char *name;
        double other;
    } Entry;
    static const Entry table[] = {{"alpha", 1}, {"beta", 2}};
    assert_string_equal(str_nearest("btea", &table[0].name, 2, sizeof table[0]), "beta");
    assert_null(str_nearest("x", names, 0, sizeof names[0]));
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[199] = 0;
    assert_null(str_nearest(longer, names, COUNT(names), sizeof names[0]));
}

/* Every code point is written as UTF-8 of its length and read as one; nothing else is. */
static void utf8(void **state)
{
    (void)state;
    for (unsigned int cp = 0; cp < 0x110000; cp++) {
        char text[4];
        int n = str_utf8_write(cp, text);
        assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
        bool surrogate = cp >= 0xd800 && cp < 0xe000;
        assert_int_equal(str_utf8_length((const unsigned char *)text, (size_t)n), surrogate ? 0 : n);
        assert_int_equal(str_utf8_length((const unsigned char *)text, (size_t)n - 1), 0);
    }
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3(",
                                      "\xe2\x82(",
                                      "\xf0\x9f\x99("};
    for (int i = 0; i < COUNT(bad); i++)
        assert_int_equal(str_utf8_length((const unsigned char *)bad[i], strlen(bad[i])), 0);
}

/* The longest beginning of whole characters, at every length that may be asked for. */
static void cuts(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89z";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t most = 0; most < COUNT(whole); most++) {
        Str out = {0};
        assert_int_equal(str_cut(text, most), whole[most]);
        assert_int_equal(html_text_cut(&out, text, most), strlen(text) - whole[most]);
        assert_int_equal(strncmp(str_text(&out), text, whole[most]), 0);
        assert_int_equal(out.n, whole[most]);
        str_release(&out);
    }
}

static void errors(void **state)
{
    (void)state;
    Err e = {0};
    assert_false(err_set(&e, ERR_INPUT, "%s has %d", "row", 3));
    assert_false(err_hint(&e, "give %d", 2));
    assert_false(err_set(&e, ERR_IO, "later")); /* the first failure wins */
    assert_false(err_hint(&e, "later"));
    assert_true(e.code == ERR_INPUT);
    assert_string_equal(e.hint, "give 2");
    assert_false(err_context(&e, "a.jsonl:%d", 9));
    assert_string_equal(e.msg, "a.jsonl:9: row has 3");
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[1999] = 0;
    err_context(&e, "%s", longer); /* cut, and still a text */
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    err_clear(&e);
    assert_true(e.code == ERR_NONE && !e.msg[0] && !e.hint[0]);
    err_set(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
    err_context(&e, "here");
    assert_true(str_starts(e.msg, "here: xxx"));
}

static void hashes(void **state)
{
    (void)state;
    char a[HASH_TEXT], b[HASH_TEXT];
    hash_bytes("abc", 3, a); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(a, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_bytes("", 0, a);
    assert_string_equal(a, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Hash *h = hash_new();
    hash_add(h, "a", 1);
    hash_add(h, "bc", 2);
    hash_end(h, b);
    hash_bytes("abc", 3, a);
    assert_string_equal(a, b);
    h = hash_new();
    hash_add_text(h, "ab");
    hash_add_text(h, "c");
    hash_end(h, a);
    h = hash_new();
    hash_add_text(h, "a");
    hash_add_text(h, "bc");
    hash_end(h, b);
    assert_string_not_equal(a, b);
    Err err = {0};
    assert_false(hash_file("build/none", a, &err));
    assert_non_null(strstr(err.msg, "build/none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing), cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(nearest), cmocka_unit_test(utf8),
        cmocka_unit_test(cuts),    cmocka_unit_test(errors),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
