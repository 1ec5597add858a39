/* GGUF metadata of the wrong type, classifiers, and what a file has or says nothing of: which are read, and which are refused by name. */
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

/* Biases that a family may have, it has where the file has them, and only there. */
static void biases_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        bool mlp; /* as attention */
    } may[] = {{"llama", true}, {"qwen3", false}, {"gemma2", false}, {"gemma3", false}};
    static const struct {
        const char *name;
        uint64_t n;
        bool mlp;
    } bias[] = {{"attn_q", BUILD_HEADS * BUILD_HEAD, false},
                {"attn_k", BUILD_KV * BUILD_HEAD, false},
                {"attn_v", BUILD_KV * BUILD_HEAD, false},
                {"attn_output", BUILD_WIDTH, false},
                {"ffn_gate", BUILD_FFN, true},
                {"ffn_up", BUILD_FFN, true},
                {"ffn_down", BUILD_WIDTH, true}};
    for (int i = 0; i < COUNT(may); i++)
        for (int with = 0; with < 2; with++) {
            Build b = {0};
            build_model(&b, may[i].family);
            for (int l = 0; with && l < BUILD_LAYERS; l++)
                for (int k = 0; k < COUNT(bias); k++) {
                    char name[60];
                    snprintf(name, sizeof name, "blk.%d.%s.bias", l, bias[k].name);
                    if (!bias[k].mlp || may[i].mlp)
                        add_tensor(&b, name, 0, bias[k].n);
                }
            ModelConfig c = config_of(&b);
            assert_int_equal(c.qkv_bias, with);
            assert_int_equal(c.o_bias, with);
            assert_int_equal(c.ffn_bias, with && may[i].mlp);
        }
}

/* Soft caps and windows where a file says nothing of them, and where it does. */
static void gemma_says_nothing(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "gemma2");
    ModelConfig c = config_of(&b);
    assert_true(c.attn_cap == 50 && c.logit_cap == 30 && c.window == 4096 && c.local[0] && !c.local[1]);
    build_model(&b, "gemma2");
    add_f32(&b, "gemma2.attn_logit_softcapping", 20);
    add_f32(&b, "gemma2.final_logit_softcapping", 0);
    c = config_of(&b);
    assert_true(c.attn_cap == 20 && c.logit_cap == 0);
    b = (Build){.skip = "gemma3.block_count"};
    build_model(&b, "gemma3");
    b.skip = NULL;
    build_key(&b, "gemma3", "block_count", 7);
    for (int l = BUILD_LAYERS; l < 7; l++)
        build_layer(&b, l, "gemma3");
    c = config_of(&b);
    assert_true(c.attn_cap == 0 && c.logit_cap == 0 && c.local[4] && !c.local[5] && c.local[6]);
    build_model(&b, "gemma3");
    add_f32(&b, "gemma3.final_logit_softcapping", 25);
    assert_true(config_of(&b).logit_cap == 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(biases_where_they_are),
        cmocka_unit_test(gemma_says_nothing),
        cmocka_unit_test(classifiers),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests_name("kinds of GGUF", tests, NULL, NULL);
}
