/* Added tokens that tokenizer.json lacks, and those that take the white space beside them. */
#include "tokenizer_files.h"

/* What the files beside tokenizer.json say of added tokens counts where it says nothing of them. */
static void added_beside(void **state)
{
    (void)state;
#define MARKED                                                                                                         \
    FILE_OF(MODEL("", VOCAB ", \"<x>\": 5, \"<y>\": 6", "\"a b\""), ADDED, PARTS("null", "null", "null", MARKS))
    static const struct {
        const char *config, *map, *added, *ids; /* of "a<m><n><x><y><s>" */
    } row[] = {
        {"{}", "{}", "{}", "a|<s>"},
        {"{}", "{}", "{\"<m>\": 7, \"<n>\": 8}", "a|<m>|<n>|<s>"},
        {"{}", "{\"pad_token\": \"<x>\"}", "{\"<m>\": 7}", "a|<m>|<x>|<s>"},
        {"{\"extra_special_tokens\": {\"image_token\": \"<y>\"}, \"additional_special_tokens\": [{\"content\": \"<x>\"}]}",
         "{}", "{}", "a|<x>|<y>|<s>"},
        {"{\"added_tokens_decoder\": {\"0\": {\"content\": \"<s>\"}, \"7\": {\"content\": \"<m>\", \"special\": true}}}",
         "{\"pad_token\": \"<x>\"}", "{\"<n>\": 7}", "a|<m>|<s>"},
        {"{\"added_tokens_decoder\": {\"7\": {\"content\": \"<m>\", \"lstrip\": true}}, \"pad_token\": \"<none>\", "
         "\"unk_token\": \"a\", \"add_bos_token\": true, \"bos_token\": \"<s>\"}",
         "{}", "{}", "a|<m>|<s>"},
    };
    static const struct {
        const char *name, *text, *words;
    } wrong[] = {
        {"added_tokens.json", "{\"<m>\": 9}", "\"<m>\" has the id 9, but there are 8 tokens"},
        {"added_tokens.json", "{\"<m>\": 5}", "both have the id 5"},
        {"added_tokens.json", "{\"<x>\": 7}", "\"<x>\" has another id"},
        {"added_tokens.json", "{\"<x>\": \"7\"}", "\"<x>\" has no id"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"7\": \"<m>\"}}", "the entry \"7\" is no token"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<m>\"}}}", "the entry \"x\""},
    };
    char *dir = scratch_dir(), *copy = scratch_dir();
    put_file(dir, "tokenizer.json", MARKED);
    for (int i = 0; i < COUNT(row); i++) {
        put_file(dir, "tokenizer_config.json", row[i].config);
        put_file(dir, "special_tokens_map.json", row[i].map);
        put_file(dir, "added_tokens.json", row[i].added);
        Tokenizer *t = open_dir(dir);
        expect_tokens(t, "a<m><n><x><y><s>", true, row[i].ids);
        save_to(t, copy, NULL);
        tokenizer_free(t);
        t = open_dir(copy);
        expect_tokens(t, "a<m><n><x><y><s>", true, row[i].ids);
        tokenizer_free(t);
    }
    put_file(dir, "tokenizer_config.json", "{}");
    for (int i = 0; i < COUNT(wrong); i++) {
        put_file(dir, wrong[i].name, wrong[i].text);
        expect_refused(dir, wrong[i].words);
        put_file(dir, wrong[i].name, "{}");
    }
    scratch_end(dir), scratch_end(copy);
}

/* Phi-3's tokens take the white space behind them, ASCII's alone as llama.cpp has it; three do not. So do those that were saved, by
 * tokenizer.json alone too. */
static void tokens_that_eat_blanks(void **state)
{
    (void)state;
    static const char *const token[] = {"<unk>", "<s>",          "<|user|>", "<|end|>",
                                        "a",     "\xe2\x96\x81", "\n",       "<|endoftext|>"};
    static const int type[] = {2, 3, 3, 3, 1, 1, 1, 3};
    static const float score[8] = {0};
    TokenizerSpec spec = {.model = "llama",
                          .n = 8,
                          .tokens = token,
                          .scores = score,
                          .types = type,
                          .bos = 1,
                          .eos = 3,
                          .eot = -1,
                          .unk = 0,
                          .pad = -1,
                          .eats_blanks = true};
    char *dir = scratch_dir();
    Tokenizer *t[3] = {make(&spec)};
    save_to(t[0], dir, NULL);
    t[1] = open_dir(dir);
    char *exact = path_join(dir, "tokenizer.rlaif.json");
    assert_int_equal(remove(exact), 0);
    free(exact);
    t[2] = open_dir(dir);
    for (int i = 0; i < 3; i++) {
        expect_tokens(t[i], "<|user|>\n a<|end|> \n<|user|>", true, "<|user|>|a|<|end|>|<|user|>");
        expect_tokens(t[i], "<s>\na<|endoftext|> a", true, "<s>|\n|a|<|endoftext|>|\xe2\x96\x81|a");
        expect_tokens(t[i],
                      "<|user|>\xc2\xa0"
                      "a",
                      true, i < 2 ? "<|user|>|<unk>|a" : "<|user|>|a");
        tokenizer_free(t[i]);
    }
    scratch_end(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_beside),
        cmocka_unit_test(tokens_that_eat_blanks),
    };
    return cmocka_run_group_tests_name("added tokens", tests, NULL, NULL);
}
