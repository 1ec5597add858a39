/* YAML: the tree and its lines, what is refused, and texts that read back as they were. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"

static Yaml *parsed(const char *text)
{
    Err err = {0};
    Yaml *y;
    need_ok(yaml_parse(text, strlen(text), "recipe.yaml", &y, &err), &err);
    return y;
}

static void tree(void **state)
{
    (void)state;
    Yaml *y = parsed("# a remark\n"
                     "name: warm\n"
                     "stages:\n"
                     "  - label: {model: m, n: 3}\n"
                     "  - 'quoted: not a map'\n"
                     "empty:\n"
                     "block: |\n"
                     "  one\n"
                     "  two\n"
                     "folded: >-\n"
                     "  three\n"
                     "  four\n");
    assert_true(y->kind == YAML_MAP && y->n == 5 && y->line == 2);
    assert_string_equal(y->keys[1], "stages");
    const Yaml *stages = yaml_get(y, "stages");
    assert_true(stages->kind == YAML_LIST && stages->n == 2 && stages->line == 4);
    const Yaml *label = yaml_get(stages->item[0], "label");
    assert_true(label->kind == YAML_MAP && label->n == 2 && label->line == 4);
    assert_string_equal(yaml_get(label, "n")->text, "3");
    assert_true(!yaml_get(label, "n")->quoted && stages->item[1]->quoted);
    assert_string_equal(stages->item[1]->text, "quoted: not a map");
    assert_true(yaml_is_null(yaml_get(y, "empty")) && yaml_is_null(yaml_get(y, "none")));
    assert_string_equal(yaml_get(y, "block")->text, "one\ntwo\n");
    assert_true(yaml_get(y, "block")->quoted);
    assert_string_equal(yaml_get(y, "folded")->text, "three four");
    assert_null(yaml_get(stages, "label"));
    assert_null(yaml_get(NULL, "x"));
    yaml_free_tree(y);
    yaml_free_tree(NULL);
}

static void nulls(void **state)
{
    (void)state;
    Yaml *y = parsed("- ~\n- null\n-\n- ''\n- 'null'\n- \"~\"\n- no\n- Null\n");
    static const bool is[] = {true, true, true, false, false, false, false, false};
    assert_int_equal(y->n, COUNT(is));
    for (int i = 0; i < COUNT(is); i++)
        assert_int_equal(yaml_is_null(y->item[i]), is[i]);
    yaml_free_tree(y);
}

typedef struct Refused {
    const char *text, *msg;
} Refused;

static const Refused refused[] = {
    {"", "recipe.yaml: is empty"},
    {"# nothing\n", "recipe.yaml: is empty"},
    {"a: 1\nb: 2\na: 3\n", "recipe.yaml:3: the key \"a\" stands twice"},
    {"a: 1\n---\nb: 2\n", "recipe.yaml:3: a second document begins"},
    {"a: &x 1\nb: *x\n", "recipe.yaml:"},
    {"a: &x 1\n", "recipe.yaml:1: anchors"},
    {"a: &x [1]\n", "recipe.yaml:1: anchors"},
    {"a: &x {b: 1}\n", "recipe.yaml:1: anchors"},
    {"a: !!str 5\n", "recipe.yaml:1: anchors"},
    {"a: !own [5]\n", "recipe.yaml:1: anchors"},
    {"a: !!python/object {b: 1}\n", "recipe.yaml:1: anchors"},
    {"&x a: 1\n", "recipe.yaml:1: anchors"},
    {"<<: *x\n", "recipe.yaml:1: "},
    {"? [1, 2]\n: 3\n", "recipe.yaml:1: a key must be a text"},
    {"a: [1, 2\n", "recipe.yaml:"},
    {"a: b: c\n", "recipe.yaml:1: "},
    {"a:\n\t- 1\n", "recipe.yaml:2: "},
    {"a: \"\xff\"\n", "recipe.yaml:"},
    {"a: 'open\n", "recipe.yaml:"},
    {"a: 1\nb: \"x\\0y\"\n", "recipe.yaml:2: a text holds \\0"},
    {"\"a\\0b\": 1\n", "recipe.yaml:1: a text holds \\0"},
    {"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "nested too deep"},
};

static void refusals(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(refused); i++) {
        Err err = {0};
        Yaml *y;
        bool ok = yaml_parse(refused[i].text, strlen(refused[i].text), "recipe.yaml", &y, &err);
        if (ok || y || err.code != ERR_INPUT || !strstr(err.msg, refused[i].msg))
            fail_msg("%s: \"%s\", not \"%s\"", refused[i].text, err.msg, refused[i].msg);
    }
    Str many = {0};
    for (int i = 0; i < 1100; i++) {
        str_add(&many, "- [");
        for (int k = 0; k < 99; k++)
            str_add(&many, "a,");
        str_add(&many, "]\n");
    }
    Err err = {0};
    Yaml *y;
    assert_false(yaml_parse(str_text(&many), many.n, "recipe.yaml", &y, &err));
    assert_non_null(strstr(err.msg, "too long"));
    str_release(&many);
}

/* Writes a text as a value and reads it back. */
static void check_text(const char *text)
{
    Str s = {0};
    str_add(&s, "key: ");
    yaml_append_text(&s, text);
    str_addc(&s, '\n');
    Err err = {0};
    Yaml *y;
    if (!yaml_parse(str_text(&s), s.n, "written", &y, &err))
        fail_msg("\"%s\" is written as %s: %s", text, str_text(&s), err.msg);
    const Yaml *value = yaml_get(y, "key");
    if (value->kind != YAML_TEXT || strcmp(value->text, text) != 0 || (yaml_is_null(value) && text[0]))
        fail_msg("\"%s\" is written as %s and reads back as \"%s\"", text, str_text(&s), value->text);
    yaml_free_tree(y);
    str_release(&s);
}

static void texts_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "plain",
        "two words",
        "a: b",
        "- a",
        "null",
        "Null",
        "~",
        "true",
        "No",
        "1e5",
        "-7",
        "#hash",
        "a #b",
        "'q'",
        "\"q\"",
        "\\n",
        "a\nb",
        "\n",
        " a",
        "a ",
        "\ttab",
        "a\rb",
        "...",
        "---",
        "*x",
        "&x",
        "!x",
        "%x",
        "@x",
        "`x`",
        "{a",
        "[a",
        "a,b",
        "?",
        "|",
        ">",
        "=",
        "<<",
        "a\x01\x1f\x7f",
        "/a/b.c",
        "../models/x-1",
        "caf\xc3\xa9",
        "日本",
        "🙂",
        "a\\\\b",
        "\xc2\x85x",
        "x\xe2\x80\xa8y",
        "x\xe2\x80\xa9y",
        "\xef\xbb\xbfx",
        "\xc2\x81",
        "x\xc2\xa0y",
    };
    for (int i = 0; i < COUNT(texts); i++)
        check_text(texts[i]);
}

/* Every character that is one, alone and between letters. */
static void characters_read_back(void **state)
{
    (void)state;
    for (unsigned int cp = 1; cp < 0x11000; cp += cp < 0x3000 || cp > 0xfd00 ? 1 : 97) {
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        char text[12] = "a";
        int n = str_utf8_write(cp, text + 1);
        text[n + 1] = 'b';
        text[n + 2] = 0;
        check_text(text);
        text[n + 1] = 0;
        check_text(text + 1);
    }
}

static void files(void **state)
{
    (void)state;
    Err err = {0};
    Yaml *y;
    char *folder = make_folder(), *path = path_join(folder, "a.yaml");
    need_ok(file_write(path, "a: [1]\n", 7, &err) && yaml_read_file(path, &y, &err), &err);
    assert_int_equal(yaml_get(y, "a")->n, 1);
    yaml_free_tree(y);
    need_ok(file_write(path, "a: [\n", 5, &err), &err);
    assert_false(yaml_read_file(path, &y, &err));
    assert_true(!y && strstr(err.msg, path));
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree),
        cmocka_unit_test(nulls),
        cmocka_unit_test(refusals),
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(characters_read_back),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
