/* GGUF metadata of the wrong type, and classifiers: which are read, and which are refused by name. */
#include "gguf_open.h"

/* A head that llama.cpp calls cls.output: one label is a reward model; rerankers have two. */
static void classifiers(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "llama");
    add_tensor(&b, "cls.output.weight", 1, BUILD_WIDTH);
    ModelConfig c = config_of(&b);
    assert_true(c.head == HEAD_REWARD && !c.score_bias);
    build_model(&b, "gemma3");
    add_tensor(&b, "cls.output.weight", 1, BUILD_WIDTH);
    add_tensor(&b, "cls.output.bias", 0, 1);
    c = config_of(&b);
    assert_true(c.head == HEAD_REWARD && c.score_bias);
    for (uint64_t labels = 2; labels < 5; labels += 2) {
        char words[100];
        build_model(&b, "llama");
        add_tensor(&b, "cls.output.weight", labels, BUILD_WIDTH);
        snprintf(words, sizeof words, "is of a classifier of %d labels, a reward model has one", (int)labels);
        expect_refused(&b, words);
    }
    build_model(&b, "llama");
    add_tensor(&b, "cls.output.weight", 0, BUILD_WIDTH);
    expect_refused(&b, "\"cls.output.weight\" has shape [8], the metadata (general.architecture and embedding_length)");
    build_model(&b, "llama");
    add_tensor(&b, "cls.output.weight", 1, BUILD_WIDTH + 1);
    expect_refused(&b, "\"cls.output.weight\" has shape [1, 9]");
    build_model(&b, "llama");
    add_tensor(&b, "cls.output.bias", 0, 1);
    expect_refused(&b, "\"cls.output.bias\"");
    build_model(&b, "llama");
    add_tensor(&b, "cls.weight", BUILD_WIDTH, BUILD_WIDTH);
    add_tensor(&b, "cls.output.weight", 1, BUILD_WIDTH);
    expect_refused(&b, "\"cls.weight\" has no place");
}

/* A text or a switch of another type is refused, not left out. */
static void types(void **state)
{
    (void)state;
    static const char *const texts[] = {"llama.rope.scaling.type", "tokenizer.ggml.pre", "tokenizer.chat_template"},
                             *const switches[] = {"llama.attention.causal", "tokenizer.ggml.add_bos_token",
                                                  "tokenizer.ggml.add_space_prefix"};
    for (int i = 0; i < 2 * COUNT(texts); i++) {
        const char *key = i < COUNT(texts) ? texts[i] : switches[i - COUNT(texts)];
        Build b = {0};
        Err err = {0};
        ModelConfig c;
        TokenizerSpec spec;
        b.skip = "tokenizer.chat_template";
        build_model(&b, "llama");
        b.skip = NULL;
        add_u32(&b, key, 1);
        Opened o = open_build(&b);
        if (gguf_config(o.g, &c, &err) && gguf_tokenizer(o.g, &spec, &err))
            fail_msg("%s is taken as a number", key);
        if (!strstr(err.msg, key) || !strstr(err.msg, i < COUNT(texts) ? "must be a text" : "must be true or false"))
            fail_msg("%s: \"%s\"", key, err.msg);
        close_build(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifiers),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests_name("kinds of GGUF", tests, NULL, NULL);
}
