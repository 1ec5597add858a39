/* What happens to a text before there are tokens: the pre-tokenizers of GGUF files, and the patterns of other engines. */
#include "tokenizer_helpers.h"

#include "text/prepare/pretokenizers.h"

/* The pieces of a text, with '|' between them. The caller frees them. */
static char *cut(const Splits *splits, const char *text)
{
    Err err = {0};
    Spans spans = {0};
    Str got = {0};
    if (!splits_run(splits, text, (int)strlen(text), &spans, &err))
        fail_msg("\"%s\": %s", text, err.msg);
    for (int i = 0; i < spans.n; i++)
        str_addf(&got, "%s%.*s", i ? "|" : "", spans.item[i].len, text + spans.item[i].at);
    spans_release(&spans);
    return str_take(&got);
}

static void expect_pieces(const char *name, const char *text, const json_t *pieces)
{
    Err err = {0};
    const Pretokenizer *p;
    Splits splits = {0};
    Str wanted = {0};
    size_t i;
    json_t *piece;
    if (!pretokenizer_find(&p, name, &err) || !pretokenizer_splits(p, &splits, &err))
        fail_msg("%s: %s", name, err.msg);
    json_array_foreach(pieces, i, piece) str_addf(&wanted, "%s%s", i ? "|" : "", json_string_value(piece));
    char *got = cut(&splits, text);
    if (strcmp(got, str_text(&wanted)) != 0)
        fail_msg("%s cuts \"%s\" into %s, not %s", name, text, got, str_text(&wanted));
    free(got);
    str_release(&wanted);
    splits_release(&splits);
}

static void pretokenizers_cut_as_in_llama_cpp(void **state)
{
    (void)state;
    json_t *rows = read_json("tests/fixtures/pretokenizers.json"), *row;
    size_t i;
    json_array_foreach(rows, i, row) expect_pieces(json_string_value(json_array_get(row, 0)),
                                                   json_string_value(json_array_get(row, 1)), json_array_get(row, 2));
    assert_int_equal(i, 29 * 8);
    json_decref(rows);
}

/* The others of a row are cut in its way: one of each, and what it implies. */
static void names_imply_more(void **state)
{
    (void)state;
    static const struct {
        const char *name, *like;
        bool ignore_merges, adds_bos;
    } row[] = {{"falcon3", "llama-bpe", true, true},
               {"pixtral", "llama-bpe", true, true},
               {"lfm2", "llama-bpe", true, true},
               {"tekken", "tekken", true, true},
               {"glm4", "dbrx", false, false},
               {"hunyuan", "qwen2", false, false},
               {"hunyuan-dense", "deepseek-v3", false, 0},
               {"llama4", "gpt-4o", false, false},
               {"bloom", "poro-chat", false, false},
               {"jina-v2-code", "gpt-2", false, false},
               {"mellum2", "smollm", false, false},
               {"chameleon", "chameleon", false, true},
               {"youtu", "youtu", true, false},
               {NULL, "default", false, false}};
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        const Pretokenizer *p, *like;
        assert_true(pretokenizer_find(&p, row[i].name, &err) && pretokenizer_find(&like, row[i].like, &err));
        assert_ptr_equal(p, like);
        assert_int_equal(p->ignore_merges, row[i].ignore_merges);
        assert_int_equal(p->adds_bos, row[i].adds_bos);
        assert_int_equal(tokenizer_pre_adds_bos(row[i].name), row[i].adds_bos);
    }
    assert_false(tokenizer_pre_adds_bos("no such"));
}

/* Pieces by the `tokenizers` library, 0.23.3, which has Oniguruma. */
static void patterns_mean_what_oniguruma_means(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *pieces;
    } row[] = {
        {"\\s+$", "a  \n b  \n\n", "a|  |\n b|  \n\n"},
        {"^.", "ab\ncd\n", "a|b\n|c|d\n"},
        {"^", "a\nb\n", "a\n|b\n"},
        {"\\bs\\b", "s's sos s", "s|'|s| sos |s"},
        {"\\Bs", "s's sos", "s's so|s"},
        {"\\b", "a\u0301b\u24b6 \u00b2-x_1", "a\u0301b\u24b6| |\u00b2|-|x_1"},
        {"\\w+", "\u00bd\u00e9-\u0e31", "\u00bd\u00e9|-|\u0e31"},
        {"[\\w']+", "it's \u00bd", "it's| \u00bd"},
        {"[\\W0-9]", "a1 b", "a|1| |b"},
        {"\\W+", "a1, b", "a1|, |b"},
        {"[a-z&&[^aeiou]]+", "banana stop", "b|a|n|a|n|a |st|o|p"},
        {"[\\p{L}&&[^\\p{Lu}]]+", "aBc\u00c9\u00e9", "a|B|c|\u00c9|\u00e9"},
        {"[a[bc]d&&[^c]]+", "abcdab", "ab|c|dab"},
        {"[^[ab]c]+", "axxbcyy", "a|xx|bc|yy"},
        {"[^\\p{L}&&[^\\s]]+", "ab12 c", "ab|12 |c"},
        {"(?i:[a-c&&[^b]])+", "ABCa", "A|B|Ca"},
        {"[\\]\\[a]", "a[]b", "a|[|]|b"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        Splits splits = {0};
        if (!splits_add(&splits, row[i].pattern, false, SPLIT_ISOLATED, false, &err))
            fail_msg("%s", err.msg);
        char *got = cut(&splits, row[i].text);
        if (strcmp(got, row[i].pieces) != 0)
            fail_msg("%s cuts \"%s\" into %s, not %s", row[i].pattern, row[i].text, got, row[i].pieces);
        free(got);
        splits_release(&splits);
    }
}

static void patterns_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *words;
    } row[] = {{"[[:alpha:]]", "\"[\" at byte 1"},
               {"[a-[b]]", "\"[\" at byte 3"},
               {"[a[b]", "at byte 5"},
               {"[a&&]", "\"]\" at byte 4"},
               {"[&&a]", "\"&\" at byte 1"},
               {"a{1,2}+", "\"}+\""},
               {"(*COMMIT)a", "\"(*\""},
               {"\\Aa", "\"\\A\""},
               {"[\\b]", "\"\\b\""},
               {"[]a]", "\"[]\""},
               {"[^]a]", "\"[^]\""},
               {"(a", "(a"},
               {"\\u12", "four digits"},
               {"a\\", "ends it"}};
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        Splits splits = {0};
        if (splits_add(&splits, row[i].pattern, false, SPLIT_ISOLATED, false, &err))
            fail_msg("%s: accepted, should say %s", row[i].pattern, row[i].words);
        if (!strstr(err.msg, row[i].words))
            fail_msg("%s: says %s, should say %s", row[i].pattern, err.msg, row[i].words);
        splits_release(&splits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pretokenizers_cut_as_in_llama_cpp),
        cmocka_unit_test(names_imply_more),
        cmocka_unit_test(patterns_mean_what_oniguruma_means),
        cmocka_unit_test(patterns_that_are_refused),
    };
    return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}
