/* Tensors of a file that the architecture has no place for: those that would change the numbers are refused by name, buffers
 * are not. */
#include "gguf_build.h"
#include "model/model.h"
#include "model/places.h"
#include "support.h"

static bool gguf_has_place(const char *family, const char *name, uint32_t type, uint64_t rows, uint64_t columns,
                           Err *err)
{
    Build b = {0};
    Gguf *g;
    ModelConfig c;
    size_t n;
    build_model(&b, family);
    if (type == 0)
        add_tensor(&b, name, rows, columns);
    else
        add_info(&b, name, type, (const uint64_t[]){columns}, 1, 0);
    unsigned char *bytes = build_end(&b, &n);
    *err = (Err){0};
    need_ok(gguf_open_bytes(&g, "small.gguf", bytes, n, err), err);
    bool ok = gguf_config(g, &c, err);
    gguf_free(g);
    free(bytes);
    return ok;
}

static void refused_in_gguf(void **state)
{
    (void)state;
    static const struct {
        const char *family, *name, *remedy;
    } cases[] = {
        {"llama", "blk.0.attn_q_norm.weight", "another architecture"},
        {"llama", "blk.1.attn_k_norm.weight", "another architecture"},
        {"llama", "blk.0.post_attention_norm.weight", "another architecture"},
        {"llama", "blk.0.attn_q.scale", "no factors beside"},
        {"llama", "blk.0.ffn_up.scale.weight", "no factors beside"},
        {"llama", "blk.0.attn_q.weight.lora_a", "merge the adapter"},
        {"llama", "blk.0.attn_q.weight.lora_b", "merge the adapter"},
        {"llama", "cls.weight", "another architecture"},
        {"llama", "classifier.weight", "another architecture"},
        {"llama", "score.weight", "another architecture"},
        {"llama", "token_embd_norm.weight", "another architecture"},
        {"llama", "rope_factors_long.weight", "another architecture"},
        {"llama", "some.table", "another architecture"},
        {"gemma3", "blk.0.layer_output_scale.weight", "no factors beside"},
        {"gemma3", "blk.1.inp_gate.weight", "another architecture"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Err err;
        assert_false(gguf_has_place(cases[i].family, cases[i].name, 0, 0, 3, &err));
        char *words = mem_printf("small.gguf: the tensor \"%s\" has no place in %s", cases[i].name, cases[i].family);
        assert_string_equal(err.msg, words);
        says(err.hint, cases[i].remedy);
        free(words);
    }
}

static void buffers_of_gguf(void **state)
{
    (void)state;
    static const char *const names[] = {"blk.0.attn_rot_embd.weight", "blk.1.attn_rot_embd", "blk.0.attn.masked_bias",
                                        "model.layers.0.self_attn.rotary_emb.inv_freq"};
    Err err;
    for (int i = 0; i < COUNT(names); i++)
        need_ok(gguf_has_place("llama", names[i], 0, 0, 3, &err), &err);
    need_ok(gguf_has_place("llama", "blk.0.attn.bias", 0, 4, 4, &err), &err);
    assert_false(gguf_has_place("llama", "blk.0.attn.bias", 0, 0, 4, &err)); /* a vector is a bias */
    says(err.msg, "biases are not supported");
    /* divisors that do something are Llama 3's or refused: these are 0, 1/8, 2/8 */
    assert_false(gguf_has_place("llama", "rope_freqs.weight", 0, 0, 3, &err));
    says(err.msg, "rope_freqs.weight is not Llama 3's");
    assert_false(gguf_has_place("gemma3", "rope_freqs.weight", 0, 0, 3, &err));
    says(err.msg, "rope_freqs.weight is not Llama 3's");
}

/* A type that is not read matters where the tensor does. */
static void unread_types(void **state)
{
    (void)state;
    static const char *const needed[] = {"rope_freqs.weight", "output.weight"};
    Err err;
    need_ok(gguf_has_place("llama", "of.another.program", 26, 0, 3, &err), &err);
    need_ok(gguf_has_place("llama", "of.another.program", 99, 0, 3, &err), &err);
    need_ok(gguf_has_place("llama", "blk.0.attn_rot_embd.weight", 99, 0, 3, &err), &err);
    assert_false(gguf_has_place("llama", "blk.0.attn_q_norm.weight", 99, 0, 3, &err));
    says(err.msg, "has no place");
    for (int i = 0; i < COUNT(needed); i++) {
        assert_false(gguf_has_place("llama", needed[i], 99, 0, 3, &err));
        says(err.msg, needed[i]);
        says(err.msg, "has type 99 (unknown), which is not read");
    }
}

static ModelConfig config_of(bool tied)
{
    ModelConfig c = {.family = "llama",
                     .layers = 1,
                     .width = 4,
                     .heads = 2,
                     .kv_heads = 1,
                     .head_dim = 2,
                     .ffn = 4,
                     .vocab = 3,
                     .tied = tied,
                     .head = HEAD_LM};
    return c;
}

static void directories(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int dims;
        DType type;
        bool fine;
    } cases[] = {
        {"model.layers.0.self_attn.q_proj.weight", 2, DTYPE_BF16, true},
        {"value.bias", 1, DTYPE_F32, true},
        {"model.layers.0.self_attn.rotary_emb.inv_freq", 1, DTYPE_F32, true},
        {"model.rotary_emb.inv_freq", 1, DTYPE_F32, true},
        {"model.layers.0.self_attn.attn.bias", 4, DTYPE_COUNT, true},
        {"model.layers.0.self_attn.attn.bias", 4, DTYPE_F32, true},
        {"model.layers.0.self_attn.attn.masked_bias", 0, DTYPE_F32, true},
        {"model.embeddings.position_ids", 2, DTYPE_COUNT, true},
        {"steps", 0, DTYPE_COUNT, true},
        {"model.layers.0.self_attn.attn.bias", 1, DTYPE_F32, false},
        {"model.layers.0.self_attn.q_proj.bias", 1, DTYPE_F32, false},
        {"model.layers.0.self_attn.q_norm.weight", 1, DTYPE_F32, false},
        {"model.layers.0.self_attn.q_proj.weight_scale", 1, DTYPE_COUNT, false},
        {"model.layers.0.self_attn.q_proj.lora_A.default.weight", 2, DTYPE_F32, false},
        {"model.layers.1.input_layernorm.weight", 1, DTYPE_F32, false},
        {"v_head.summary.weight", 2, DTYPE_F32, false},
        {"classifier.weight", 2, DTYPE_F32, false},
        {"score.weight", 2, DTYPE_F32, false},
        {"blk.0.attn_q.weight", 2, DTYPE_F32, false},
        {"steps", 0, DTYPE_F32, false},
    };
    ModelConfig c = config_of(false);
    for (int i = 0; i < COUNT(cases); i++) {
        StoredTensor t[2] = {{.name = "model.norm.weight", .type = DTYPE_F32, .dims = 1},
                             {.name = cases[i].name, .type = cases[i].type, .dims = cases[i].dims}};
        Err err = {0};
        if (places_check(&c, false, t, 2, "m", &err) != cases[i].fine)
            fail_msg("%s, %d dimensions: \"%s\"", cases[i].name, cases[i].dims, err.msg);
        if (!cases[i].fine)
            says(err.msg, cases[i].name);
    }
    c.head = HEAD_REWARD; /* as a classifier of one label says */
    StoredTensor score = {.name = "score.weight", .type = DTYPE_F32, .dims = 2};
    Err err = {0};
    need_ok(places_check(&c, false, &score, 1, "m", &err), &err);
}

/* A tied model's head may be there as the embedding that it is. */
static void tied_heads(void **state)
{
    (void)state;
    static const unsigned char a[] = "abcdefgh", b[] = "abcdefgx";
    ModelConfig c = config_of(true);
    Err err = {0};
    StoredTensor t[] = {{.name = "lm_head.weight", .type = DTYPE_BF16, .dims = 2, .bytes = a, .n_bytes = 8},
                        {.name = "model.embed_tokens.weight", .type = DTYPE_BF16, .dims = 2, .bytes = a, .n_bytes = 8}};
    need_ok(places_check(&c, false, t, 2, "m", &err), &err);
    t[0].bytes = b;
    assert_false(places_check(&c, false, t, 2, "m", &err));
    says(err.msg, "m: \"lm_head.weight\" is not the embedding");
    says(err.hint, "\"tie_word_embeddings\" to false");
}

/* The message says why, however long a name is. */
static void long_names(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    ModelConfig c = config_of(false);
    StoredTensor t = {.name = name, .type = DTYPE_F32, .dims = 2};
    Err err = {0};
    assert_false(places_check(&c, false, &t, 1, "m", &err));
    says(err.msg, "nn\" has no place in llama");
}

/* Sizes are told as the file has them: a vector that lies there as a matrix. */
static void wrong_shapes(void **state)
{
    (void)state;
    static const char from[] = "tests/fixtures/tiny-llama";
    static const char *const file[] = {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"};
    Err err = {0};
    char *folder = make_folder();
    for (int i = 0; i < COUNT(file); i++) {
        char *text, *own = path_join(from, file[i]), *copy = path_join(folder, file[i]), *at;
        size_t n;
        need_ok(file_read(own, 1 << 24, &text, &n, &err), &err);
        if (i == 3) { /* [40] becomes [5,8]; "pt" gives the byte for it */
            at = memmem(text, n, "\"pt\"", 4);
            char *shape = memmem(text, n, "model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[40]", 46);
            assert_true(at && shape);
            memmove(at + 2, at + 3, (size_t)(shape + 42 - (at + 3)));
            memcpy(shape + 41, "[5,8]", 5);
        }
        need_ok(file_write(copy, text, n, &err), &err);
        free(text), free(own), free(copy);
    }
    Device *d = open_device(CPU_AUTO, 1);
    Model *m = NULL;
    assert_false(model_load(&m, folder, d, HEAD_LM, &err));
    says(err.msg, "model.norm.weight has shape [5, 8], the configuration says [40]");
    device_free(d);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_in_gguf), cmocka_unit_test(buffers_of_gguf), cmocka_unit_test(unread_types),
        cmocka_unit_test(directories),     cmocka_unit_test(tied_heads),      cmocka_unit_test(long_names),
        cmocka_unit_test(wrong_shapes),
    };
    return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
