/* Files of tokenizers: what is written reads back, what is wrong gets a message. */
#include "tokenizer_files.h"

/* --- what is refused -------------------------------------------------------------------------------- */

static void refused_models(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } row[] = {
        {"", "tokenizer.json"},
        {"[]", "not a JSON object"},
        {"{}", "no \"model\""},
        {"{\"model\": {\"type\": \"WordPiece\"}}", "\"WordPiece\""},
        {"{\"model\": {\"type\": \"Unigram\"}}", "\"vocab\" of a Unigram"},
        {UNIGRAM("[\"a\"]", ""), "entry 0 is not [text, score]"},
        {UNIGRAM("[\"a\", \"b\"]", ""), "entry 0 is not [text, score]"},
        {UNIGRAM("[\"a\", 1], [\"a\", 2]", ""), "entry 1 is there twice"},
        {UNIGRAM("[\"a\", 1]", ", \"unk_id\": 1"), "\"unk_id\" is no id of its 1 tokens"},
        {UNIGRAM("[\"a\", 1]", ", \"unk_id\": -1"), "\"unk_id\""},
        {"{\"model\": {\"type\": \"BPE\"}}", "\"vocab\""},
        {FILE_OF(MODEL("", "", ""), "", PARTS("null", "null", "null", "null")), "0 tokens"},
        {FILE_OF(MODEL("", "\"a\": 0, \"b\": 0", ""), "", ""), "both have the id 0"},
        {FILE_OF(MODEL("", "\"a\": 0, \"a\": 1", ""), "", ""), "stands twice"},
        {FILE_OF(MODEL("", "\"a\": 0, \"b\": 2", ""), "", ""), "has the id 2, but there are 2 tokens"},
        {FILE_OF(MODEL("", "\"a\": 0, \"b\": -1", ""), "", ""), "has the id -1"},
        {FILE_OF(MODEL("", "\"a\": 0, \"b\": 4000000000", ""), "", ""), "has the id 4000000000"},
        {FILE_OF(MODEL("", "\"a\": 0, \"b\": \"1\"", ""), "", ""), "\"b\" is not an integer"},
        {FILE_OF(MODEL("", VOCAB, "\"a c\""), ADDED, ""), "not in the vocabulary"},
        {FILE_OF(MODEL("", VOCAB, "\"b a\""), ADDED, ""), "not in the vocabulary"},
        {FILE_OF(MODEL("", VOCAB, "\"a b\", \"a b\""), ADDED, ""), "there twice"},
        {FILE_OF(MODEL("", VOCAB, "\"ab\""), ADDED, ""), "neither"},
        {FILE_OF(MODEL("", VOCAB, "[\"a\"]"), ADDED, ""), "neither"},
        {FILE_OF(MODEL("", VOCAB, "[\"a\", 1]"), ADDED, ""), "neither"},
        {FILE_OF(MODEL(", \"unk_token\": \"?\"", VOCAB, ""), ADDED, ""), "\"?\""},
        {FILE_OF(MODEL(", \"dropout\": 0.1", VOCAB, ""), ADDED, ""), "dropout"},
        {FILE_OF(MODEL(", \"end_of_word_suffix\": \"</w>\"", VOCAB, ""), ADDED, ""), "end_of_word_suffix"},
        {FILE_OF(MODEL(", \"byte_fallback\": true", VOCAB, ""), ADDED, ""), "ByteFallback"},
        {FILE_OF(MODEL("", VOCAB, ""), "{\"id\": 7, \"content\": \"x\"}", ""), "has the id 7"},
        {FILE_OF(MODEL("", VOCAB, ""), "{\"id\": 2, \"content\": \"x\"}", ""), "both have the id 2"},
        {FILE_OF(MODEL("", VOCAB, ""), "{\"id\": 2, \"content\": \"a\"}", ""), "another id"},
        {FILE_OF(MODEL("", VOCAB, ""), ADDED ", " ADDED, ""), "there twice"},
        {FILE_OF(MODEL("", VOCAB, ""), "{\"id\": 5}", ""), "content"},
    };
    char *dir = scratch_dir();
    expect_refused(dir, "no tokenizer.json");
    for (int i = 0; i < COUNT(row); i++) {
        put_file(dir, "tokenizer.json", row[i].text);
        expect_refused(dir, row[i].words);
    }
    scratch_end(dir);
}

static void refused_components(void **state)
{
    (void)state;
#define WITH(normalizer, pre, post, decoder)                                                                           \
    FILE_OF(MODEL("", VOCAB, "\"a b\""), ADDED, PARTS(normalizer, pre, post, decoder))
#define SPLIT(pattern, more) "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" pattern "\"}" more "}"
#define ISOLATED             ", \"behavior\": \"Isolated\""
    static const struct {
        const char *text, *words;
    } row[] = {
        {WITH("{\"type\": \"Lowercase\"}", "null", "null", MARKS), "normalizer: Lowercase"},
        {WITH("{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Nmt\"}]}", "null", "null", MARKS), "Nmt"},
        {WITH("{\"type\": \"Sequence\"}", "null", "null", MARKS), "normalizer: Sequence"},
        {WITH("{}", "null", "null", MARKS), "no \"type\""},
        {WITH("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(x\"}, \"content\": \"\"}", "null", "null", MARKS),
         "normalizer: Replace"},
        {WITH("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"x\"}}", "null", "null", MARKS), "\"content\""},
        {WITH("null", "{\"type\": \"Punctuation\", \"behavior\": \"Odd\"}", "null", MARKS), "Punctuation has the"},
        {WITH("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}", "null", "null", MARKS), "Precompiled"},
        {WITH("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"CAAAA*==\"}", "null", "null", MARKS), "base64"},
        {WITH("{\"type\": \"Precompiled\"}", "null", "null", MARKS), "no \"precompiled_charsmap\""},
        {WITH("null", "{\"type\": \"WhitespaceSplit\"}", "null", MARKS), "WhitespaceSplit is supported before Meta"},
        {WITH("null", "{\"type\": \"Whitespace\"}", "null", MARKS), "pre_tokenizer: Whitespace"},
        {WITH("null", SPLIT("x", ", \"behavior\": \"Odd\""), "null", MARKS), "\"Odd\""},
        {WITH("null", SPLIT("(x", ISOLATED), "null", MARKS), "\"(x\""},
        {WITH("null", SPLIT("[[:alpha:]]", ISOLATED), "null", MARKS), "\"[\""},
        {WITH("null", SPLIT("a{1,2}+", ISOLATED), "null", MARKS), "\"}+\""},
        {WITH("null", "{\"type\": \"ByteLevel\"}", "null", MARKS), "ByteLevel"},
        {WITH("null", "null", "{\"type\": \"BertProcessing\"}", MARKS), "post_processor: BertProcessing"},
        {WITH("null", "null", "{\"type\": \"TemplateProcessing\", \"single\": []}", MARKS), "single"},
        {WITH("null", "null", "null", "{\"type\": \"WordPiece\"}"), "decoder: WordPiece"},
        {WITH("null", "null", "null", "{\"type\": \"ByteLevel\"}"), "ByteLevel"},
        {WITH("null", "null", "null", "{\"type\": \"Strip\", \"content\": \" \", \"start\": 1}"), "Strip"},
    };
    char *dir = scratch_dir();
    for (int i = 0; i < COUNT(row); i++) {
        put_file(dir, "tokenizer.json", row[i].text);
        expect_refused(dir, row[i].words);
    }
    scratch_end(dir);
}

/* Whatever is cut off or overwritten: an error or a tokenizer, and nothing else. */
static void damaged_files(void **state)
{
    (void)state;
    json_t *fixture = read_json("tests/fixtures/tokenizers/llama3.json");
    char *text = json_text(json_object_get(fixture, "tokenizer")), *dir = scratch_dir();
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at += n / 199) {
        Err err = {0};
        Tokenizer *t;
        char *cut = mem_strn(text, at);
        put_file(dir, "tokenizer.json", cut);
        expect_refused(dir, "tokenizer.json");
        free(cut);
        char *broken = mem_str(text);
        broken[at] = at % 2 ? '9' : '"';
        put_file(dir, "tokenizer.json", broken);
        if (tokenizer_open(&t, dir, &err)) {
            Ids ids = {0};
            (void)!tokenizer_encode(t, "The garden <|end|>", 18, TOKENIZE_SPECIAL, &ids, &err);
            ids_release(&ids);
            tokenizer_free(t);
        }
        free(broken);
    }
    scratch_end(dir);
    json_decref(fixture);
    free(text);
}

static TokenizerSpec small_spec(const char *model)
{
    static const char *const token[] = {"a", "b", "ab", "<0x0A>"};
    return (TokenizerSpec){
        .model = model, .n = 4, .tokens = token, .bos = -1, .eos = -1, .eot = -1, .unk = -1, .pad = -1};
}

static void expect_spec_refused(TokenizerSpec spec, const char *words)
{
    Err err = {0};
    Tokenizer *t;
    if (tokenizer_new(&t, &spec, &err))
        fail_msg("accepted, should say \"%s\"", words);
    assert_null(t);
    if (!strstr(err.msg, words) || !err.hint[0])
        fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, words);
}

static void refused_models_of_specs(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "b", "ab", "a"};
    static const int byte[] = {6, 1, 1, 1}, odd[] = {1, 1, 9, 1};
    static const float score[] = {0, 0, 0, 0}, nan_score[] = {0, NAN, 0, 0};
    expect_spec_refused(small_spec("bert"), "\"bert\"");
    expect_spec_refused(small_spec(NULL), "\"\"");
    expect_spec_refused(small_spec("llama"), "scores");
    expect_spec_refused(small_spec("t5"), "scores");
    TokenizerSpec s = small_spec("gpt2");
    s.pre = "none";
    expect_spec_refused(s, "\"none\"");
    s = small_spec("gpt2"), s.n = 0;
    expect_spec_refused(s, "no tokens");
    s = small_spec("gpt2"), s.tokens = twice;
    expect_spec_refused(s, "the text of token 0");
    s = small_spec("gpt2"), s.types = odd;
    expect_spec_refused(s, "type 9");
    s = small_spec("gpt2"), s.bos = 4;
    expect_spec_refused(s, "bos");
    s = small_spec("gpt2"), s.eot = -2;
    expect_spec_refused(s, "eot");
    s = small_spec("llama"), s.scores = nan_score;
    expect_spec_refused(s, "score of token 1");
    s = small_spec("t5"), s.scores = score, s.charsmap = "no map";
    expect_spec_refused(s, "map of characters");
    s = small_spec("llama"), s.scores = score, s.types = byte;
    expect_spec_refused(s, "token 0");
}

static void refused_merges_of_specs(void **state)
{
    (void)state;
    static const char *const good[] = {"a b"}, *const twice[] = {"a b", "a b"};
    static const char *const bad[][1] = {{"a c"}, {"c a"}, {"ab"}, {" a"}, {"a "}, {""}};
    TokenizerSpec spec = small_spec("gpt2");
    expect_spec_refused(spec, "no merges, but tokens that only they make: 2 (\"ab\")");
    spec.n_merges = 1;
    for (int i = 0; i < COUNT(bad); i++) {
        spec.merges = bad[i];
        expect_spec_refused(spec, "merge 0");
    }
    spec.merges = twice, spec.n_merges = 2;
    expect_spec_refused(spec, "merge 1");
    spec.merges = good, spec.n_merges = 1;
    Tokenizer *t = make(&spec);
    Err err = {0};
    expect_tokens(t, "abab", false, "ab|ab");
    expect_tokens(t, "ab\x01", false, "ab"); /* what has no token is left out */
    expect_tokens(t,
                  "ba\x01"
                  "b",
                  false, "b|a|b"); /* afterwards: no merge reaches across */
    tokenizer_free(t);
    spec.pre = "none";
    assert_false(tokenizer_new(&t, &spec, &err));
    assert_non_null(strstr(err.hint, "llama-bpe"));
}

/* --- the smaller files ------------------------------------------------------------------------------ */

static void small_files(void **state)
{
    (void)state;
    char *dir = scratch_dir();
    put_file(dir, "tokenizer.json", PLAIN);
    Tokenizer *t = open_dir(dir);
    assert_int_equal(tokenizer_bos(t), -1);
    assert_int_equal(tokenizer_eos(t), -1);
    assert_false(tokenizer_adds_bos(t));
    assert_null(tokenizer_chat_template(t));
    expect_tokens(t, "ab <s>", true, "ab|\xe2\x96\x81|<s>");
    tokenizer_free(t);

    put_file(dir, "tokenizer_config.json",
             "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"b\", \"add_bos_token\": true,"
             " \"model_max_length\": 1000000000000000019884624838656,"
             " \"chat_template\": [{\"name\": \"tool\", \"template\": \"T\"},"
             " {\"name\": \"default\", \"template\": \"D\"}]}");
    put_file(dir, "generation_config.json", "{\"eos_token_id\": [2, 3]}");
    t = open_dir(dir);
    assert_int_equal(tokenizer_bos(t), 0);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_true(tokenizer_adds_bos(t));
    assert_true(tokenizer_ends(t, 2) && tokenizer_ends(t, 3) && !tokenizer_ends(t, 0) && !tokenizer_ends(t, 1));
    assert_string_equal(tokenizer_chat_template(t), "D");
    tokenizer_free(t);

    put_file(dir, "tokenizer_config.json", "{\"chat_template\": [{\"name\": \"tool\", \"template\": \"T\"}]}");
    t = open_dir(dir);
    assert_non_null(strstr(tokenizer_chat_template(t), "none called default"));
    tokenizer_free(t);
    put_file(dir, "tokenizer_config.json", "{\"chat_template\": []}");
    t = open_dir(dir);
    assert_null(tokenizer_chat_template(t));
    tokenizer_free(t);

    put_file(
        dir, "tokenizer_config.json",
        "{\"bos_token\": null, \"chat_template\": \"C\", \"pad_token\": {\"content\": \"a\"}, \"mask_token\": null,"
        " \"extra_special_tokens\": {\"image_token\": \"<i>\", \"odd\": 3}}");
    put_file(dir, "special_tokens_map.json",
             "{\"eos_token\": {\"content\": \"ab\"}, \"pad_token\": \"b\", \"unk_token\": \"<u>\","
             " \"additional_special_tokens\": [\"<x>\", {\"content\": \"<y>\"}, 1]}");
    put_file(dir, "generation_config.json", "{\"eos_token_id\": 1}");
    put_file(dir, "chat_template.jinja", "J");
    t = open_dir(dir);
    assert_int_equal(tokenizer_bos(t), -1);
    assert_int_equal(tokenizer_eos(t), 3);
    assert_true(tokenizer_ends(t, 3) && tokenizer_ends(t, 1));
    assert_string_equal(tokenizer_chat_template(t), "J");
    json_t *named = json_pack("{s:s, s:s, s:s, s:[s, s]}", "image_token", "<i>", "pad_token", "a", "unk_token", "<u>",
                              "additional_special_tokens", "<x>", "<y>");
    assert_true(json_equal(tokenizer_named_tokens(t), named));
    json_decref(named);
    tokenizer_free(t);
    scratch_end(dir);
}

static void refused_small_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *words;
    } row[] = {
        {"tokenizer_config.json", "{\"bos_token\": \"?\"}", "bos_token \"?\""},
        {"tokenizer_config.json", "{\"eos_token\": [1]}", "eos_token is neither"},
        {"special_tokens_map.json", "{\"eos_token\": {}}", "eos_token is neither"},
        {"tokenizer_config.json", "{\"chat_template\": 1}", "chat_template"},
        {"tokenizer_config.json", "{\"chat_template\": {\"default\": \"x\"}}", "chat_template"},
        {"tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\"}]}", "chat_template"},
        {"tokenizer_config.json", "{", "tokenizer_config.json"},
        {"generation_config.json", "{\"eos_token_id\": \"2\"}", "eos_token_id"},
        {"generation_config.json", "{\"eos_token_id\": [2, -1]}", "eos_token_id"},
        {"generation_config.json", "[]", "generation_config.json"},
    };
    char *dir = scratch_dir();
    put_file(dir, "tokenizer.json", PLAIN);
    for (int i = 0; i < COUNT(row); i++) {
        put_file(dir, row[i].name, row[i].text);
        expect_refused(dir, row[i].words);
        Err err = {0};
        Tokenizer *t;
        if (tokenizer_open(&t, dir, &err) || strstr(err.hint, "byte pair encoding")) /* it is the file, not the kind */
            fail_msg("%s: the remedy is \"%s\"", row[i].text, err.hint);
        put_file(dir, row[i].name, "{}");
    }
    scratch_end(dir);
}

static void templates_of_tokens(void **state)
{
    (void)state;
#define POST(single)                                                                                                   \
    FILE_OF(MODEL("", VOCAB, ""), ADDED,                                                                               \
            PARTS("null", "null", "{\"type\": \"TemplateProcessing\", \"single\": [" single "]}", MARKS))
#define TOKEN(text) "{\"SpecialToken\": {\"id\": \"" text "\"}}"
#define TEXT        "{\"Sequence\": {\"id\": \"A\"}}"
    char *dir = scratch_dir();
    put_file(dir, "tokenizer.json", POST(TOKEN("<s>") ", " TEXT));
    Tokenizer *t = open_dir(dir);
    assert_int_equal(tokenizer_bos(t), 0);
    assert_true(tokenizer_adds_bos(t));
    tokenizer_free(t);
    put_file(dir, "tokenizer_config.json", "{\"add_bos_token\": false}");
    t = open_dir(dir);
    assert_false(tokenizer_adds_bos(t));
    tokenizer_free(t);
    put_file(dir, "tokenizer_config.json", "{\"bos_token\": \"a\"}");
    expect_refused(dir, "bos_token is \"a\"");
    put_file(dir, "tokenizer_config.json", "{}");
    put_file(dir, "tokenizer.json", POST(TEXT));
    t = open_dir(dir);
    assert_false(tokenizer_adds_bos(t));
    tokenizer_free(t);
    put_file(dir, "tokenizer.json", POST(TOKEN("?") ", " TEXT));
    expect_refused(dir, "\"?\" is not in the vocabulary");
    put_file(dir, "tokenizer.json", POST(TOKEN("<s>") ", " TOKEN("<s>") ", " TEXT));
    expect_refused(dir, "single");
    scratch_end(dir);
}

/* --- writing ---------------------------------------------------------------------------------------- */

/* Scores that are equal, tokens that overlap, ids without a place in tokenizer.json. */
static Tokenizer *awkward(void)
{
    static const char *const token[] = {"<unk>",         "<s>", "a", "b", "ab", "ba", "xyz", "yzxyz",
                                        "<end_of_turn>", "",    "c", "d", "e",  "cd", "de"};
    static const int type[] = {2, 3, 1, 1, 1, 1, 4, 4, 1, 5, 1, 1, 1, 1, 1};
    static const float score[] = {0, 0, -1.5f, -1.25f, 0.1f, 0.1f, 0, 0, 0, -3e-7f, 0, 0, 0, 0.25f, 0.75f};
    TokenizerSpec spec = {.model = "llama",
                          .n = 15,
                          .tokens = token,
                          .scores = score,
                          .types = type,
                          .bos = 1,
                          .eos = 3,
                          .eot = 2,
                          .unk = 0,
                          .pad = -1,
                          .add_bos = true,
                          .add_space_prefix = true};
    return make(&spec);
}

static void saved_spec_is_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "tokenizer.rlaif.json"};
    char *one = scratch_dir(), *two = scratch_dir();
    Tokenizer *t = awkward();
    save_to(t, one, "{{ bos_token }} \"x\"");
    save_to(t, two, "{{ bos_token }} \"x\"");
    Tokenizer *back = open_dir(one);
    assert_string_equal(tokenizer_chat_template(back), "{{ bos_token }} \"x\"");
    assert_int_equal(tokenizer_bos(back), 1);
    assert_true(tokenizer_adds_bos(back));
    for (int id = 0; id < 15; id++) {
        assert_string_equal(tokenizer_token(back, id), tokenizer_token(t, id));
        assert_int_equal(tokenizer_ends(back, id), id == 2 || id == 3 || id == 8);
        assert_int_equal(tokenizer_ends(t, id), id == 2 || id == 3 || id == 8);
    }
    expect_tokens(t, "baba", false, "<unk>|ba|ba");
    expect_tokens(back, "baba", false, "<unk>|ba|ba");
    expect_tokens(t, "abab", false, "<unk>|ab|ab");
    expect_tokens(back, "abab", false, "<unk>|ab|ab");
    expect_tokens(back, "xyzxyz<end_of_turn>", true, "<unk>|<unk>|yzxyz|<end_of_turn>");
    expect_tokens(back, "cde", false, "<unk>|c|de");
    expect_round_trip(back, "abba", 4);
    /* deterministic, and the same again from what was read */
    char *three = scratch_dir();
    save_to(back, three, tokenizer_chat_template(back));
    for (int i = 0; i < COUNT(names); i++) {
        char *text = get_file(one, names[i]);
        expect_file(two, names[i], text);
        expect_file(three, names[i], text);
        free(text);
    }
    tokenizer_free(t);
    tokenizer_free(back);
    scratch_end(one), scratch_end(two), scratch_end(three);
}

/* Once somebody changes tokenizer.json, that is what counts. */
static void exact_file_of_another_is_not_used(void **state)
{
    (void)state;
    char *dir = scratch_dir();
    Tokenizer *t = awkward();
    save_to(t, dir, NULL);
    tokenizer_free(t);
    t = open_dir(dir);
    assert_int_equal(tokenizer_size(t), 15);
    tokenizer_free(t);
    put_file(dir, "tokenizer.json", PLAIN);
    put_file(dir, "tokenizer_config.json", "{}");
    t = open_dir(dir);
    assert_int_equal(tokenizer_size(t), 5);
    char *out = scratch_dir();
    save_to(t, out, NULL);
    expect_file(out, "tokenizer.json", PLAIN);
    expect_file(out, "tokenizer.rlaif.json", NULL);
    tokenizer_free(t);
    scratch_end(dir), scratch_end(out);
}

static void saved_files_are_kept(void **state)
{
    (void)state;
    static const char *const config = "{ \"bos_token\" : \"<s>\", \"chat_template\": \"C\" }\n";
    char *dir = scratch_dir(), *out = scratch_dir();
    put_file(dir, "tokenizer.json", PLAIN " \n");
    put_file(dir, "tokenizer_config.json", config);
    put_file(dir, "generation_config.json", "{\"eos_token_id\": [3]}");
    Tokenizer *t = open_dir(dir);
    save_to(t, out, tokenizer_chat_template(t));
    expect_file(out, "tokenizer.json", PLAIN " \n");
    expect_file(out, "tokenizer_config.json", config);
    expect_file(out, "generation_config.json", "{\"eos_token_id\": [3]}");
    expect_file(out, "special_tokens_map.json", NULL);
    expect_file(out, "chat_template.jinja", NULL);
    expect_file(out, "tokenizer.rlaif.json", NULL);
    save_to(t, out, "other");
    expect_file(out, "tokenizer_config.json", config);
    Tokenizer *back = open_dir(out);
    assert_string_equal(tokenizer_chat_template(back), "other");
    assert_true(tokenizer_ends(back, 3));
    tokenizer_free(t);
    tokenizer_free(back);
    scratch_end(dir), scratch_end(out);
}

static void unwritable(void **state)
{
    (void)state;
    static const char *const token[] = {"a", "\xff"};
    TokenizerSpec spec = {
        .model = "gpt2", .n = 2, .tokens = token, .bos = -1, .eos = -1, .eot = -1, .unk = -1, .pad = -1};
    Tokenizer *t = make(&spec);
    Err err = {0};
    assert_false(tokenizer_save(t, "build/never", NULL, &err));
    assert_non_null(strstr(err.msg, "token 1"));
    assert_false(file_exists("build/never"));
    tokenizer_free(t);
    t = awkward();
    err_clear(&err);
    assert_false(tokenizer_save(t, "Makefile/x", NULL, &err));
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_models),          cmocka_unit_test(refused_components),
        cmocka_unit_test(damaged_files),           cmocka_unit_test(refused_models_of_specs),
        cmocka_unit_test(refused_merges_of_specs), cmocka_unit_test(small_files),
        cmocka_unit_test(refused_small_files),     cmocka_unit_test(templates_of_tokens),
        cmocka_unit_test(saved_spec_is_the_same),  cmocka_unit_test(exact_file_of_another_is_not_used),
        cmocka_unit_test(saved_files_are_kept),    cmocka_unit_test(unwritable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
