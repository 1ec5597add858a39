/* Tokenizers: the ids of small vocabularies made here, of fixtures made by the `tokenizers` library, and of
 * two real models by llama.cpp. */
#include "base/lines.h"
#include "text/tokenizer_describe.h"
#include "tokenizer_helpers.h"

#include "model/gguf_config.h"
#include "text/prepare/charsmap.h"

/* --- byte-level BPE --------------------------------------------------------------------------------- */

/* All 256 bytes in GPT-2's alphabet, then the given tokens. Rows are freed by release_tokens. */
static const char **byte_tokens(const char *const *more, int n)
{
    const char **token = mem_alloc((size_t)(256 + n), sizeof *token);
    unsigned int next = 256;
    for (int byte = 0; byte < 256; byte++) {
        bool prints = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
        char text[5] = "";
        str_utf8_write(prints ? (unsigned int)byte : next++, text);
        token[byte] = mem_str(text);
    }
    for (int i = 0; i < n; i++)
        token[256 + i] = mem_str(more[i]);
    return token;
}

static void release_tokens(const char **token, int n)
{
    for (int i = 0; i < n; i++)
        free((void *)(uintptr_t)token[i]);
    free(token);
}

#define G "\xc4\xa0" /* a blank in GPT-2's alphabet */
#define N "\xc4\x8a" /* a newline */

static const char *const more_tokens[] = {"he",   "hell", "ll",         "hello", G "h",      N N,
                                          G "he", "12",   "<|im_end|>", "<tag>", "unmerged", "!?"};
static const char *const merges[] = {"h e", "l l", "he ll", "hell o", G " he", G " h", N " " N, "1 2", "! ?"};
enum { MORE = COUNT(more_tokens), IM_END = 256 + 8, TAG = 256 + 9, BANG = 256 + 11 };

static Tokenizer *byte_level(const char *pre)
{
    const char **token = byte_tokens(more_tokens, MORE);
    int type[256 + MORE];
    for (int i = 0; i < COUNT(type); i++)
        type[i] = i == IM_END || i == BANG ? TOKEN_CONTROL : i == TAG ? TOKEN_USER_DEFINED : TOKEN_NORMAL;
    TokenizerSpec spec = {.model = "gpt2",
                          .pre = pre,
                          .n = COUNT(type),
                          .tokens = token,
                          .types = type,
                          .n_merges = COUNT(merges),
                          .merges = merges,
                          .bos = -1,
                          .eos = 3,
                          .eot = 4,
                          .unk = -1,
                          .pad = -1};
    Tokenizer *t = make(&spec);
    release_tokens(token, COUNT(type));
    return t;
}

static void byte_level_merges(void **state)
{
    (void)state;
    Tokenizer *t = byte_level("gpt-2");
    assert_int_equal(tokenizer_size(t), 256 + MORE);
    expect_tokens(t, "hello", false, "hello");
    expect_tokens(t, "hell he", false, "hell|" G "he");
    expect_tokens(t, "hhe", false, "h|he");
    expect_tokens(t, "llll", false, "ll|ll");
    expect_tokens(t, "", false, "");
    expect_tokens(t, "unmerged", false, "u|n|m|e|r|g|e|d");
    /* a pattern that looks ahead: of two newlines the last one goes with nothing before "h" */
    expect_tokens(t, "\n\nh", false, N "|" N "|h");
    expect_tokens(t, "\n\n", false, N N);
    expect_tokens(t, "12 12", false, "12|" G "|12");
    tokenizer_free(t);
}

static void byte_level_pretokenizers(void **state)
{
    (void)state;
    static const struct {
        const char *pre, *text, *tokens;
    } row[] = {
        {"smollm", "12", "1|2"},          {"smollm", "\n\n1", N N "|1"},
        {"gpt-2", "\n\n1", N "|" N "|1"}, {"gpt-2", "12", "12"},
        {"qwen2", "12", "1|2"},           {"qwen2", "!\n\nhe", "!|" N N "|he"},
        {"llama-bpe", "1212", "12|1|2"},  {"llama-bpe", "unmerged", "unmerged"},
        {"llama-bpe", "!?", "!|?"},       {"dbrx", "unmerged", "u|n|m|e|r|g|e|d"},
        {"default", "1212", "12|1|2"},    {NULL, "1212", "12|1|2"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Tokenizer *t = byte_level(row[i].pre);
        expect_tokens(t, row[i].text, false, row[i].tokens);
        tokenizer_free(t);
    }
}

static void special_tokens_are_apart_from_text(void **state)
{
    (void)state;
    Tokenizer *t = byte_level("gpt-2");
    expect_tokens(t, "he<|im_end|>he", true, "he|<|im_end|>|he");
    expect_tokens(t, "<|im_end|>", false, "<|||i|m|_|e|n|d|||>");
    expect_tokens(t, "a<tag>he", false, "a|<tag>|he");
    expect_tokens(t, "!?", false, "!|?"); /* though there is a merge */
    expect_tokens(t, "!?", true, "!?");
    static const int ids[] = {'h', IM_END, TAG, 999, -1, 'h'};
    expect_decoded(t, ids, COUNT(ids), false, "h<tag>h");
    expect_decoded(t, ids, COUNT(ids), true, "h<|im_end|><tag>h");
    assert_true(tokenizer_ends(t, IM_END)); /* by its name */
    assert_true(tokenizer_ends(t, 3));      /* eos */
    assert_true(tokenizer_ends(t, 4));      /* eot */
    assert_false(tokenizer_ends(t, TAG));
    assert_false(tokenizer_ends(t, -1));
    assert_int_equal(tokenizer_find(t, "<tag>"), TAG);
    assert_int_equal(tokenizer_find(t, "<ta"), -1);
    assert_null(tokenizer_token(t, 256 + MORE));
    tokenizer_free(t);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    Tokenizer *t = byte_level("llama-bpe");
    char all[512], *run = mem_alloc(1 << 20, 1);
    for (int i = 0; i < COUNT(all); i++)
        all[i] = (char)(i * 7);
    expect_round_trip(t, all, sizeof all);
    expect_round_trip(t, "\xff\xfehe\xc3", 5);
    expect_round_trip(t, "\xed\xa0\x80\xf4\x90\x80\x80", 7); /* a surrogate, beyond U+10FFFF */
    expect_round_trip(t, "a\0b", 3);
    /* one word of a million letters: quadratic time would take minutes */
    memset(run, 'l', 1 << 20);
    expect_round_trip(t, run, 1 << 20);
    memset(run, ' ', 1 << 20);
    expect_round_trip(t, run, 1 << 20);
    free(run);
    tokenizer_free(t);
}

/* --- SentencePiece type ----------------------------------------------------------------------------- */

#define B "\xe2\x96\x81"

typedef struct Row {
    const char *text;
    float score;
    int type;
} Row;

static const Row pieces[] = {
    {"<unk>", 0, TOKEN_UNKNOWN},
    {"<s>", 0, TOKEN_CONTROL},
    {"</s>", 0, TOKEN_USER_DEFINED},
    {B, -10, 1},
    {"a", -11, 1},
    {"b", -12, 1},
    {"c", -13, 1},
    {"ab", -3, 1},
    {"bc", -2, 1},
    {"abc", -9, 1},
    {B "a", -1, 1},
    {"aa", -4, 1},
    {"aaa", -5, 1},
    {"a" B "b", -1, 1},
    {B "b", -7, 1},
    {"  ", 0, TOKEN_USER_DEFINED},
    {"   ", 0, TOKEN_USER_DEFINED},
    {"xyz", 0, TOKEN_USER_DEFINED},
    {"yzxyz", 0, TOKEN_USER_DEFINED},
    {"ca", 5, TOKEN_CONTROL},
    {"qwv", 0, TOKEN_USER_DEFINED},
    {"qwvy", 0, TOKEN_USER_DEFINED},
    {"<0xC3>", 0, TOKEN_BYTE},
    {"<0xA9>", 0, TOKEN_BYTE},
    {"<0x0A>", 0, TOKEN_BYTE},
};

static Tokenizer *sentencepiece(bool prefix)
{
    const char *token[COUNT(pieces)];
    float score[COUNT(pieces)];
    int type[COUNT(pieces)];
    for (int i = 0; i < COUNT(pieces); i++) {
        token[i] = pieces[i].text;
        score[i] = pieces[i].score;
        type[i] = pieces[i].type;
    }
    TokenizerSpec spec = {.model = "llama",
                          .n = COUNT(pieces),
                          .tokens = token,
                          .scores = score,
                          .types = type,
                          .bos = 1,
                          .eos = 2,
                          .eot = -1,
                          .unk = 0,
                          .pad = -1,
                          .add_bos = true,
                          .add_space_prefix = prefix};
    return make(&spec);
}

static void sentencepiece_merges(void **state)
{
    (void)state;
    Tokenizer *t = sentencepiece(false);
    assert_true(tokenizer_adds_bos(t));
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_eos(t), 2);
    expect_tokens(t, "abc", false, "abc"); /* a|bc first, then abc */
    expect_tokens(t, "abcab", false, "abc|ab");
    expect_tokens(t, "aaaa", false, "aa|aa"); /* of equals the leftmost */
    expect_tokens(t, "aaa", false, "aaa");
    expect_tokens(t, " a", false, B "a");
    expect_tokens(t, "a b", false, "a" B "b"); /* a token may reach over a blank */
    expect_tokens(t, "c b", false, "c|" B "b");
    expect_tokens(t, "\xc3\xa9\n", false, "<0xC3>|<0xA9>|<0x0A>");
    expect_tokens(t,
                  "\xa9"
                  "a",
                  false, "<0xA9>|a");
    expect_tokens(t, "zw", false, "<unk>|<unk>");
    tokenizer_free(t);
}

static void user_tokens_longest_first(void **state)
{
    (void)state;
    Tokenizer *t = sentencepiece(false);
    expect_tokens(t, "a     b", false, "a|   |  |b");
    /* the longer token wins though the shorter begins before it */
    expect_tokens(t, "xyzxyz", false, "<unk>|yzxyz");
    expect_tokens(t, "qwvyzxyz", false, "qwv|yzxyz"); /* what is left is matched again */
    expect_tokens(t, "xyz a", false, "xyz|" B "a");
    expect_tokens(t, "<s>a", true, "<s>|a");
    expect_tokens(t, "</s>", false, "<unk>|<unk>|<unk>|<unk>"); /* a control token whatever its type says */
    expect_tokens(t, "</s>", true, "</s>");
    expect_tokens(t, "ca", false, "c|a"); /* no merge makes a control token */
    expect_tokens(t, "ca", true, "ca");
    tokenizer_free(t);
}

static void space_prefix(void **state)
{
    (void)state;
    Tokenizer *t = sentencepiece(true);
    expect_tokens(t, "a", false, B "a");
    expect_tokens(t, " a", false, B "|" B "a");
    expect_tokens(t, "", false, "");
    expect_tokens(t, "a<s>a", true, B "a|<s>|" B "a");
    expect_round_trip(t, "a a", 3);
    expect_round_trip(t, " a", 2);
    tokenizer_free(t);
}

/* --- unigram models --------------------------------------------------------------------------------- */

/* A map of two texts, as a double array: "a" becomes "b", "ac" becomes "" (SentencePiece replaces the longest). */
static char *small_map(void)
{
    enum { UNITS = 512, A = 'a', C = 'c', UNDER_ROOT = 256, UNDER_A = 0 };
    uint32_t unit[UNITS] = {0};
    unsigned char bytes[4 + sizeof unit + 4];
    /* children of a node at offset o and label c are at (node ^ o) ^ c; what ends there is at node ^ o */
    unit[0] = UNDER_ROOT << 10;
    int a = UNDER_ROOT ^ A, under_a = 8 << 2; /* the offset of a's children */
    unit[a] = (uint32_t)under_a << 10 | 1u << 8 | A;
    unit[a ^ under_a] = 1u << 31 | 0; /* "b" */
    int c = a ^ under_a ^ C, under_c = 128;
    unit[c] = (uint32_t)under_c << 10 | 1u << 8 | C;
    unit[c ^ under_c] = 1u << 31 | 2; /* "" */
    uint32_t length = sizeof unit;
    memcpy(bytes, &length, 4);
    memcpy(bytes + 4, unit, sizeof unit);
    memcpy(bytes + 4 + sizeof unit, "b\0\0\0", 4);
    return charsmap_base64(bytes, sizeof bytes);
}

static Tokenizer *unigram(bool prefix, bool merge_blanks, const char *charsmap)
{
    static const char *const token[] = {"<unk>", "</s>", B, "x", "y", "xy", B "x", "xyx", "b", "<tag>", B "xyx"};
    static const float score[] = {0, 0, -2, -3, -3, -4, -4.5f, -9, -5, 0, -20};
    static const int type[] = {2, 3, 1, 1, 1, 1, 1, 1, 1, 4, 5};
    TokenizerSpec spec = {.model = "t5",
                          .n = COUNT(token),
                          .tokens = token,
                          .scores = score,
                          .types = type,
                          .bos = -1,
                          .eos = 1,
                          .eot = -1,
                          .unk = 0,
                          .pad = -1,
                          .add_eos = true,
                          .add_space_prefix = prefix,
                          .merge_blanks = merge_blanks,
                          .charsmap = charsmap};
    return make(&spec);
}

static void unigram_models(void **state)
{
    (void)state;
    Tokenizer *t = unigram(false, false, NULL);
    expect_tokens(t, "xy", false, "xy");
    expect_tokens(t, "xyx", false, "xy|x"); /* -7, not -9 */
    expect_tokens(t, " x", false, B "x");   /* -4.5, not -5 */
    expect_tokens(t, " xyx", false, B "|xy|x");
    expect_tokens(t, "  x ", false, B "|" B "x|" B);
    expect_tokens(t, "xqqx", false, "x|<unk>|x"); /* unknown characters are one token */
    expect_tokens(t, "\xff", false, "<unk>");
    expect_tokens(t, "x<tag></s>", true, "x|<tag>|</s>");
    expect_tokens(t, "", false, "");
    tokenizer_free(t);
    t = unigram(true, false, NULL);
    expect_tokens(t, "x x", false, B "x|" B "x");
    expect_tokens(t, " x", false, B "|" B "x");
    expect_tokens(t, "  ", false, B "|" B); /* no word, no mark before it */
    expect_round_trip(t, "x xy", 4);
    tokenizer_free(t);
    t = unigram(false, true, NULL);
    expect_tokens(t, "  x   y ", false, B "x|" B "|y");
    expect_tokens(t, "  ", false, "");
    tokenizer_free(t);
}

/* What is written of a GGUF's reads back to the same ids: by this program, and by others. */
static void unigram_models_are_saved(void **state)
{
    (void)state;
    static const char *const text[] = {"x x", "  xyx  y", "acx", "a", "xqqx", "<tag> x", ""};
    static const char *const ids[] = {B "x|" B "x",  B "|xy|x|" B "|y", B "x", B "|b",
                                      B "x|<unk>|x", "<tag>|" B "x",    ""};
    Err err = {0};
    char *map = small_map(), *dir = scratch_dir(), *exact = path_join(dir, "tokenizer.rlaif.json");
    Tokenizer *t = unigram(true, true, map);
    assert_true(tokenizer_save(t, dir, NULL, &err));
    for (int way = 0; way < 3; way++) {
        for (int i = 0; i < COUNT(text); i++)
            if (way < 2 || i != 2) /* tokenizers looks for the shortest text of the map */
                expect_tokens(t, text[i], false, ids[i]);
        tokenizer_free(t);
        if (way == 1)
            assert_int_equal(remove(exact), 0);
        t = open_dir(dir);
    }
    tokenizer_free(t);
    /* and so does what a GGUF would say of it */
    TokenizerDescription d;
    t = unigram(true, true, map);
    assert_true(tokenizer_describe(&d, t, tokenizer_size(t) + 2, &err));
    Tokenizer *read = make(&d.spec);
    for (int i = 0; i < COUNT(text); i++)
        expect_tokens(read, text[i], false, ids[i]);
    tokenizer_free(read);
    tokenizer_free(t);
    tokenizer_description_release(&d);
    scratch_end(dir);
    free(map), free(exact);
}

/* --- fixtures of the tokenizers library ------------------------------------------------------------- */

static void expect_ids(const Tokenizer *t, const char *where, const char *text, bool special, const json_t *wanted)
{
    Ids ids = encode(t, text, strlen(text), special);
    bool same = (size_t)ids.n == json_array_size(wanted);
    for (int i = 0; i < ids.n && same; i++)
        same = ids.id[i] == (int)json_integer_value(json_array_get(wanted, (size_t)i));
    if (!same)
        fail_msg("%s: other ids for \"%s\", special %d", where, text, special);
    ids_release(&ids);
}

/* tokenizers shows bytes that are no character as U+FFFD; ours stay bytes, so such texts are left out. */
static void expect_text(const Tokenizer *t, const char *where, const char *text, bool special, const char *wanted)
{
    Ids ids = encode(t, text, strlen(text), special);
    Str back = {0};
    tokenizer_decode(t, ids.id, ids.n, TOKENIZE_SPECIAL, &back);
    if (!strstr(wanted, "\xef\xbf\xbd") && strcmp(str_text(&back), wanted) != 0)
        fail_msg("%s: \"%s\" decodes to \"%s\", not \"%s\"", where, text, str_text(&back), wanted);
    str_release(&back);
    ids_release(&ids);
}

static void check_fixture(const char *name)
{
    Err err = {0};
    char *path = path_join("tests/fixtures/tokenizers", name), *dir = scratch_dir();
    json_t *fixture = read_json(path);
    char *file = path_join(dir, "tokenizer.json"), *text = json_text(json_object_get(fixture, "tokenizer"));
    assert_true(file_write(file, text, strlen(text), &err));
    Tokenizer *t = open_dir(dir);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(fixture, "cases"), i, row)
    {
        const char *given = json_text_of(row, "text"), *decoded = json_text_of(row, "decoded");
        const json_t *ids = json_object_get(row, "ids"), *special = json_object_get(row, "special");
        expect_ids(t, name, given, false, ids);
        expect_ids(t, name, given, true, special ? special : ids);
        expect_text(t, name, given, true, decoded ? decoded : given);
    }
    assert_true(i > 40);
    scratch_end(dir);
    tokenizer_free(t);
    json_decref(fixture);
    free(path), free(file), free(text);
}

static void tokenizer_json_of_every_kind(void **state)
{
    (void)state;
    Err err = {0};
    char **name;
    int n;
    assert_true(dir_list("tests/fixtures/tokenizers", &name, &n, &err));
    assert_int_equal(n, 16);
    for (int i = 0; i < n; i++)
        check_fixture(name[i]);
    names_free(name, n);
}

/* --- golden ids ------------------------------------------------------------------------------------- */

static void unhex(Str *out, const char *hex)
{
    str_clear(out);
    for (char pair[3] = ""; hex[0] && hex[1]; hex += 2) {
        memcpy(pair, hex, 2);
        str_addc(out, (char)strtol(pair, NULL, 16));
    }
}

/* Every line of a golden file; returns how many. */
static int check_golden(const Tokenizer *t, const char *path)
{
    Err err = {0};
    LineReader *reader;
    const char *line;
    size_t n;
    bool more;
    int lines = 0;
    Str wanted = {0};
    assert_true(lines_open(&reader, path, &err));
    while (lines_next(reader, &line, &n, &more, &err) && more) {
        json_t *row;
        assert_true(json_parse(line, n, path, &row, &err));
        const char *text = json_text_of(row, "text"), *hex = json_text_of(row, "decoded_hex");
        const json_t *ids = json_object_get(row, "ids"), *special = json_object_get(row, "ids_special");
        expect_ids(t, path, text, false, ids);
        expect_ids(t, path, text, true, special ? special : ids);
        str_clear(&wanted);
        if (hex)
            unhex(&wanted, hex);
        else
            str_add(&wanted, text);
        expect_text(t, path, text, false, str_text(&wanted));
        json_decref(row);
        lines++;
    }
    assert_int_equal(err.code, ERR_NONE);
    lines_close(reader);
    str_release(&wanted);
    return lines;
}

static Tokenizer *of_gguf(const char *path)
{
    Err err = {0};
    Gguf *g;
    TokenizerSpec spec;
    if (!gguf_open(&g, path, &err) || !gguf_tokenizer(g, &spec, &err))
        fail_msg("%s", err.msg);
    Tokenizer *t = make(&spec);
    gguf_free(g);
    return t;
}

/* From the GGUF, and from what is saved of it. */
static void check_model(const char *model, const char *golden, int texts, const char *end)
{
    Err err = {0};
    Tokenizer *t = of_gguf(model);
    assert_int_equal(check_golden(t, golden), texts);
    char *dir = scratch_dir();
    assert_true(tokenizer_save(t, dir, NULL, &err));
    Tokenizer *back = open_dir(dir);
    assert_int_equal(check_golden(back, golden), texts);
    assert_int_equal(tokenizer_size(back), tokenizer_size(t));
    assert_int_equal(tokenizer_bos(back), tokenizer_bos(t));
    assert_int_equal(tokenizer_eos(back), tokenizer_eos(t));
    assert_int_equal(tokenizer_adds_bos(back), tokenizer_adds_bos(t));
    assert_true(tokenizer_ends(t, tokenizer_find(t, end)) && tokenizer_ends(back, tokenizer_find(back, end)));
    tokenizer_free(back);
    /* what other programs read: without the file that is for this one */
    char *exact = path_join(dir, "tokenizer.rlaif.json");
    assert_int_equal(remove(exact), 0);
    back = open_dir(dir);
    assert_int_equal(check_golden(back, golden), texts);
    tokenizer_free(back);
    scratch_end(dir);
    tokenizer_free(t);
    free(exact);
}

enum { COMMITTED_TEXTS = 188, SHARED_TEXTS = 470 };

static void fixture_smollm2(void **state)
{
    (void)state;
    check_model(need_model("models/smollm2-135m-instruct.gguf"), "tests/fixtures/real/tokenizer_smollm2.jsonl.gz",
                COMMITTED_TEXTS, "<|im_end|>");
}

static void fixture_gemma3(void **state)
{
    (void)state;
    check_model(need_model("models/gemma-3-270m.gguf"), "tests/fixtures/real/tokenizer_gemma3.jsonl.gz",
                COMMITTED_TEXTS, "<end_of_turn>");
}

static void golden_smollm2(void **state)
{
    (void)state;
    check_model(need_model("models/smollm2-135m-instruct.gguf"),
                need_file("../shared/golden/tokenizer_smollm2.jsonl.gz"), SHARED_TEXTS, "<|im_end|>");
}

static void golden_gemma3(void **state)
{
    (void)state;
    check_model(need_model("models/gemma-3-270m.gguf"), need_file("../shared/golden/tokenizer_gemma3.jsonl.gz"),
                SHARED_TEXTS, "<end_of_turn>");
}

static void golden_tiny(void **state)
{
    (void)state;
    json_t *golden = read_json(need_file("../shared/golden/tiny-llama/golden.json"));
    Tokenizer *t = open_dir("../shared/golden/tiny-llama");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(golden, "tokenizer"), i, row)
        expect_ids(t, "tiny-llama", json_text_of(row, "text"), true, json_object_get(row, "ids"));
    assert_int_equal(i, 7);
    assert_int_equal(tokenizer_size(t), 512);
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_false(tokenizer_adds_bos(t));
    assert_non_null(tokenizer_chat_template(t));
    tokenizer_free(t);
    json_decref(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_merges),
        cmocka_unit_test(byte_level_pretokenizers),
        cmocka_unit_test(special_tokens_are_apart_from_text),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(sentencepiece_merges),
        cmocka_unit_test(user_tokens_longest_first),
        cmocka_unit_test(space_prefix),
        cmocka_unit_test(unigram_models),
        cmocka_unit_test(unigram_models_are_saved),
        cmocka_unit_test(tokenizer_json_of_every_kind),
        cmocka_unit_test(fixture_smollm2),
        cmocka_unit_test(fixture_gemma3),
        cmocka_unit_test(golden_smollm2),
        cmocka_unit_test(golden_gemma3),
        cmocka_unit_test(golden_tiny),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
