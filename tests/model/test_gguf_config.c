/* GGUF metadata as configuration and tokenizer, on small models, the golden ones and the real ones. */
#include "gguf_open.h"

#include "base/json.h"
#include "base/real.h"
#include "group.h"

/* --- small models ----------------------------------------------------------------------------------- */

static void llama_is_read(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "llama");
    ModelConfig c = config_of(&b);
    assert_string_equal(c.family, "llama");
    assert_true(c.layers == 2 && c.width == 8 && c.heads == 4 && c.kv_heads == 2 && c.head_dim == 6);
    assert_true(c.rotary_dim == 6 && c.ffn == 12 && c.vocab == 6 && c.context == 64 && c.norm_eps == 1e-5f);
    assert_true(!c.norm_plus_one && !c.post_norms && !c.qk_norm && c.activation == ACT_SILU && c.tied);
    assert_true(c.embed_scale == 1 && c.attn_scale == (float)(1 / sqrt(6.0)) && c.window == 0);
    assert_true(c.rope.theta == 50000 && c.rope.scaling == ROPE_PLAIN && c.bos == 0 && c.eos == 1);
    assert_int_equal(c.head, HEAD_LM);

    build_model(&b, "llama");
    add_tensor(&b, "output.weight", 6, 8); /* as the embedding */
    assert_true(config_of(&b).tied);
    build_model(&b, "llama");
    add_tensor(&b, "output.weight", 6, 8);
    b.data.text[b.data.n - 1] ^= 1;
    build_key(&b, "llama", "rope.dimension_count", 4);
    add_text(&b, "llama.rope.scaling.type", "linear");
    add_f32(&b, "llama.rope.scaling.factor", 4);
    add_f32(&b, "llama.attention.scale", 0.25f);
    c = config_of(&b);
    assert_true(!c.tied && c.rotary_dim == 4 && c.rope.scaling == ROPE_LINEAR && c.rope.factor == 4);
    assert_true(c.attn_scale == 0.25f);
}

static void gemma3_is_read(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "gemma3");
    ModelConfig c = config_of(&b);
    assert_string_equal(c.family, "gemma3");
    assert_true(c.norm_plus_one && c.post_norms && c.qk_norm && c.activation == ACT_GELU_TANH);
    assert_true(c.embed_scale == (float)sqrt(8.0) && c.attn_scale == (float)(1 / sqrt(6.0)));
    assert_true(c.window == 16 && c.local[0] && c.local[1] && c.rope_local.theta == 10000);

    build_model(&b, "gemma3");
    build_key(&b, "gemma3", "attention.sliding_window_pattern", 2);
    add_f32(&b, "gemma3.rope.local.freq_base", 777);
    c = config_of(&b);
    assert_true(c.local[0] && !c.local[1] && c.rope_local.theta == 777);

    build_model(&b, "gemma3");
    add_array(&b, "gemma3.attention.sliding_window_pattern", GGUF_BOOL, "\0\1", 2);
    add_f32(&b, "gemma3.rope.freq_base_swa", 888);
    c = config_of(&b);
    assert_true(!c.local[0] && c.local[1] && c.rope_local.theta == 888);

    build_model(&b, "gemma3");
    build_key(&b, "gemma3", "attention.sliding_window_pattern", 1);
    c = config_of(&b);
    assert_true(!c.local[0] && !c.local[1] && c.window == 0);
}

/* The divisors that llama.cpp's converter writes for Llama 3.1 and 3.2. */
static void add_divisors(Build *b, double factor, double wrong)
{
    float divisor[3];
    for (int i = 0; i < 3; i++) {
        double length = 2 * 3.14159265358979 * real_pow(500000, 2.0 * i / 6);
        double smooth = (8192 / length - 1) / (4.0 - 1);
        double d = length < 8192 / 4.0 ? 1 : length > 8192 ? factor : 1 / ((1 - smooth) / factor + smooth);
        divisor[i] = (float)(i == 1 ? d + wrong : d);
    }
    add_tensor(b, "rope_freqs.weight", 0, 3);
    memcpy(b->data.text + b->data.n - sizeof divisor, divisor, sizeof divisor);
}

static void llama3_scaling_is_found_again(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        Build b = {.skip = "llama.rope.freq_base"};
        build_model(&b, "llama");
        b.skip = NULL;
        add_f32(&b, "llama.rope.freq_base", 500000);
        add_divisors(&b, i == 1 ? 32 : i == 2 ? 1 : 8, i == 3 ? 0.01 : 0);
        if (i == 4)
            add_text(&b, "llama.rope.scaling.type", "linear"), add_f32(&b, "llama.rope.scaling.factor", 2);
        if (i >= 3) {
            expect_refused(&b, "rope_freqs.weight is not Llama 3's");
            continue;
        }
        Rope r = config_of(&b).rope;
        assert_int_equal(r.scaling, i == 2 ? ROPE_PLAIN : ROPE_LLAMA3);
        assert_true(r.theta == 500000 && (i == 2 || (r.factor == (i ? 32 : 8) && r.low_freq == 1 && r.high_freq == 4 &&
                                                     r.original_context == 8192)));
    }
}

/* Scalings that the metadata name. */
static void other_scalings(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "llama");
    add_text(&b, "llama.rope.scaling.type", "yarn");
    add_f32(&b, "llama.rope.scaling.factor", 4);
    build_key(&b, "llama", "rope.scaling.original_context_length", 16);
    Rope r = config_of(&b).rope;
    assert_true(r.scaling == ROPE_YARN && r.factor == 4 && r.original_context == 16 && r.low_freq == 1);
    assert_true(r.high_freq == 32 && fabs(r.attention - (1 + 0.1 * log(4))) < 1e-12);
    build_model(&b, "llama");
    add_f32(&b, "llama.rope.scaling.attn_factor", 1.25f);
    expect_refused(&b, "\"llama.rope.scaling.attn_factor\" is 1.25, which only YaRN and longrope have");
    build_model(&b, "llama");
    add_f32(&b, "llama.rope.scaling.attn_factor", 1);
    assert_true(config_of(&b).rope.scaling == ROPE_PLAIN);
    for (int window = 0; window < 2; window++) {
        build_model(&b, "llama");
        if (window)
            build_key(&b, "llama", "attention.sliding_window", 9);
        ModelConfig c = config_of(&b);
        assert_string_equal(c.family, window ? "mistral" : "llama");
        assert_true(c.window == (window ? 9 : 0) && c.local[1] == window && (!window || c.rope_local.theta == 50000));
    }
}

/* --- wrong models ----------------------------------------------------------------------------------- */

static void wrong_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        double value; /* a real where it is no whole number from 0 on */
        const char *words;
    } row[] = {
        {"llama.block_count", 3, "\"blk.2.attn_norm.weight\" is missing"},
        {"llama.block_count", 1, "\"blk.1.attn_norm.weight\", but block_count is 1"},
        {"llama.block_count", 0, "number of layers must be 1 to 256, is 0"},
        {"llama.block_count", 257, "number of layers must be 1 to 256, is 257"},
        {"llama.block_count", 2.5, "\"llama.block_count\" must be a whole number"},
        {"llama.context_length", 0, "context must be"},
        {"llama.embedding_length", 16, "\"token_embd.weight\" has shape [6, 8], the metadata (vocab_size and"},
        {"llama.feed_forward_length", 13, "\"blk.0.ffn_gate.weight\" has shape [12, 8]"},
        {"llama.attention.head_count", 8, "makes it [48, 8]"},
        {"llama.attention.head_count", 0, "number of heads must be"},
        {"llama.attention.head_count", 5, "key/value heads must be a divisor of the 5 heads"},
        {"llama.attention.head_count_kv", 1, "\"blk.0.attn_k.weight\" has shape [12, 8]"},
        {"llama.attention.head_count_kv", 0, "key/value heads must be"},
        {"llama.attention.key_length", 8, "value_length is 6, attention.key_length 8"},
        {"llama.attention.layer_norm_rms_epsilon", 0, "epsilon of norms must be above 0"},
        {"llama.attention.layer_norm_rms_epsilon", -1e-5, "epsilon of norms must be above 0"},
        {"llama.attention.layer_norm_rms_epsilon", (double)NAN, "epsilon of norms must be above 0"},
        {"llama.rope.freq_base", 0, "rotary base must be"},
        {"llama.rope.freq_base", (double)INFINITY, "rotary base must be"},
        {"tokenizer.ggml.bos_token_id", 6, "\"tokenizer.ggml.bos_token_id\" is 6, the vocabulary has 6"},
        {"tokenizer.ggml.eos_token_id", 1e6, "\"tokenizer.ggml.eos_token_id\" is 1000000"},
        {"llama.rope.dimension_count", 0, "rotary dimensions must be even and 2 to 6, is 0"},
        {"llama.rope.dimension_count", 3, "rotary dimensions must be even and 2 to 6, is 3"},
        {"llama.rope.dimension_count", 8, "rotary dimensions must be even and 2 to 6, is 8"},
        {"llama.vocab_size", 7, "the embedding has 6 rows, vocab_size is 7, 6 tokens"},
        {"llama.expert_count", 8, "\"llama.expert_count\" is 8: a mixture of experts"},
        {"llama.attn_logit_softcapping", 50, "\"llama.attn_logit_softcapping\" is 50"},
        {"llama.attention.scale", -1, "attention scores must be a positive"},
        {"llama.rope.scaling.factor", -2, "rotary scaling factor must be"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Build b = {.skip = row[i].key};
        build_model(&b, "llama");
        b.skip = NULL;
        if (row[i].value >= 0 && floor(row[i].value) == row[i].value && isfinite(row[i].value))
            add_u32(&b, row[i].key, (uint32_t)row[i].value);
        else
            add_f32(&b, row[i].key, (float)row[i].value);
        expect_refused(&b, row[i].words);
    }
}

static void missing_parts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words;
    } row[] = {
        {"general.architecture", "\"general.architecture\" is missing"},
        {"gemma3.block_count", "\"gemma3.block_count\" is missing"},
        {"gemma3.attention.layer_norm_rms_epsilon", "layer_norm_rms_epsilon\" is missing"},
        {"gemma3.attention.sliding_window", "sliding_window\" is missing"},
        {"token_embd.weight", "no matrix \"token_embd.weight\""},
        {"output_norm.weight", "\"output_norm.weight\" is missing"},
        {"blk.1.attn_q_norm.weight", "\"blk.1.attn_q_norm.weight\" is missing"},
        {"blk.0.post_ffw_norm.weight", "\"blk.0.post_ffw_norm.weight\" is missing"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Build b = {.skip = row[i].name};
        build_model(&b, "gemma3");
        expect_refused(&b, row[i].words);
    }
    static const char q[] = "attention.head_count, attention.key_length and embedding_length";
    static const char k[] = "attention.head_count_kv, attention.key_length and embedding_length";
    static const char ffn[] = "feed_forward_length and embedding_length";
    static const char width[] = "embedding_length", head[] = "attention.key_length";
    static const struct {
        const char *name, *sizes;
    } shorter[] = {{"attn_norm", width},    {"attn_q", q},         {"attn_k", k},
                   {"attn_v", k},           {"attn_output", q},    {"ffn_norm", width},
                   {"ffn_gate", ffn},       {"ffn_up", ffn},       {"ffn_down", ffn},
                   {"attn_q_norm", head},   {"attn_k_norm", head}, {"post_attention_norm", width},
                   {"post_ffw_norm", width}};
    for (int i = 0; i < 2 * COUNT(shorter); i++) {
        char name[100], words[160];
        snprintf(name, sizeof name, "blk.1.%s.weight", shorter[i / 2].name);
        if (i % 2)
            snprintf(words, sizeof words, "the tensor \"%s\" has shape [", name);
        else
            snprintf(words, sizeof words, "], the metadata (%s) makes it [", shorter[i / 2].sizes);
        Build b = {.shorter = name};
        build_model(&b, "gemma3");
        expect_refused(&b, words);
    }
}

static void wrong_texts(void **state)
{
    (void)state;
    Build b = {0};
    build_model(&b, "starcoder2");
    Err err = {0};
    ModelConfig c;
    Opened o = open_build(&b);
    assert_false(gguf_config(o.g, &c, &err));
    assert_string_equal(err.msg, "small: the architecture \"starcoder2\" is not supported");
    assert_string_equal(err.hint, "supported are models of text of the families llama, mistral, qwen2, qwen3, gemma2, "
                                  "gemma3, phi3, gpt2, gptneox");
    close_build(&o);

    build_model(&b, "llama"), add_text(&b, "llama.rope.scaling.type", "dynamic");
    expect_refused(&b, "\"dynamic\" is not supported");
    static const char *const kinds[][2] = {{"qwen3moe", "a mixture of experts"},
                                           {"nomic-bert", "an encoder"},
                                           {"qwen2vl", "a model of images"},
                                           {"t5", "an encoder and a decoder"}};
    for (int i = 0; i < COUNT(kinds); i++)
        build_model(&b, kinds[i][0]), expect_refused(&b, kinds[i][1]);
    build_model(&b, "llama"), add_bool(&b, "llama.attention.causal", false);
    expect_refused(&b, "an encoder");
    build_model(&b, "llama"), add_tensor(&b, "blk.0.attn_q.bias", 0, 24);
    expect_refused(&b, "biases for its input alone");
    build_model(&b, "gemma3"), add_tensor(&b, "blk.0.ffn_up.bias", 0, 12);
    expect_refused(&b, "\"blk.0.ffn_up.bias\": biases");
    build_model(&b, "llama"), add_text(&b, "llama.rope.dimension_count", "6");
    expect_refused(&b, "\"llama.rope.dimension_count\" must be a number");
    build_model(&b, "gemma3");
    add_array(&b, "gemma3.attention.sliding_window_pattern", GGUF_BOOL, "\1\0\1", 3);
    expect_refused(&b, "lists 3 layers of 2");
    b.skip = "llama.attention.head_count_kv", build_model(&b, "llama"), b.skip = NULL;
    add_array(&b, "llama.attention.head_count_kv", GGUF_I32, (const int[]){2, 1}, 2);
    expect_refused(&b, "differs between layers (2 and 1)");
    b.skip = "llama.attention.head_count_kv", build_model(&b, "llama"), b.skip = NULL;
    add_array(&b, "llama.attention.head_count_kv", GGUF_I32, (const int[]){2, 2}, 2);
    assert_int_equal(config_of(&b).kv_heads, 2);
    b.skip = "tokenizer.ggml.tokens", build_model(&b, "llama"), b.skip = NULL;
    add_texts(&b, "tokenizer.ggml.tokens", build_tokens, 5);
    expect_refused(&b, "5 tokens are listed");
}

/* --- the tokenizer ---------------------------------------------------------------------------------- */

static void tokenizer_is_read(void **state)
{
    (void)state;
    Err err = {0};
    Build b = {0};
    TokenizerSpec s, again;
    build_model(&b, "llama");
    add_u32(&b, "tokenizer.ggml.eot_token_id", 4);
    add_u32(&b, "tokenizer.ggml.padding_token_id", UINT32_MAX);
    add_bool(&b, "tokenizer.ggml.add_eos_token", true);
    Opened o = open_build(&b);
    assert_true(gguf_tokenizer(o.g, &s, &err));
    assert_true(strcmp(s.model, "llama") == 0 && !s.pre && s.n == 6 && s.n_merges == 1);
    for (int i = 0; i < s.n; i++)
        assert_string_equal(s.tokens[i], build_tokens[i]);
    assert_true(s.scores[4] == -3 && s.types[1] == TOKEN_CONTROL && s.types[2] == TOKEN_NORMAL);
    assert_string_equal(s.merges[0], "a b");
    assert_true(s.bos == 0 && s.eos == 1 && s.eot == 4 && s.unk == 0 && s.pad == -1);
    assert_true(s.add_bos && s.add_eos && s.add_space_prefix);
    assert_string_equal(gguf_chat_template(o.g), "{{ messages }}");
    assert_true(gguf_tokenizer(o.g, &again, &err) && again.tokens == s.tokens);
    close_build(&o);
}

/* Where the file says nothing of BOS its pre-tokenizer does. */
static void pretokenizers_imply_bos(void **state)
{
    (void)state;
    static const struct {
        const char *pre;
        int said; /* -1: nothing */
        bool adds;
    } row[] = {{"falcon3", -1, true}, {"pixtral", -1, true}, {"tekken", -1, true}, {"llama-bpe", -1, true},
               {"qwen2", -1, false},  {"dbrx", -1, false},   {"tekken", 0, false}, {"qwen2", 1, true}};
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        TokenizerSpec s;
        Build b = {.skip = "tokenizer.ggml.model"};
        build_model(&b, "llama");
        b.skip = NULL;
        add_text(&b, "tokenizer.ggml.model", "gpt2");
        add_text(&b, "tokenizer.ggml.pre", row[i].pre);
        if (row[i].said >= 0)
            add_bool(&b, "tokenizer.ggml.add_bos_token", row[i].said);
        Opened o = open_build(&b);
        assert_true(gguf_tokenizer(o.g, &s, &err));
        assert_int_equal(s.add_bos, row[i].adds);
        close_build(&o);
    }
}

static TokenizerSpec spec_of(Opened *o)
{
    Err err = {0};
    TokenizerSpec s;
    if (!gguf_tokenizer(o->g, &s, &err))
        fail_msg("%s", err.msg);
    return s;
}

/* A file of SentencePiece's that says nothing of its special tokens has those that SentencePiece gives. */
static void special_tokens_are_implied(void **state)
{
    (void)state;
    static const char *const keys[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"};
    for (int i = 0; i < 2; i++) {
        Build b = {.skip = keys[i]};
        build_model(&b, "llama");
        Opened o = open_build(&b);
        TokenizerSpec s = spec_of(&o);
        ModelConfig c;
        Err err = {0};
        assert_true(gguf_config(o.g, &c, &err));
        assert_true(s.unk == 0 && s.pad == -1 && s.add_bos);
        assert_true(i ? s.eos == 2 && s.bos == 0 : s.bos == 1 && s.eos == 1);
        assert_true(c.bos == s.bos && c.eos == s.eos);
        close_build(&o);
    }
}

/* Phi-3's tokens take the white space behind them; llama.cpp knows the model by its name. */
static void phi3_is_known_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is;
    } row[] = {{"Phi3", true}, {"microsoft_Phi-3-mini-4k-instruct", true}, {"Phi 4", false}, {NULL, false}};
    for (int i = 0; i < COUNT(row); i++) {
        Build b = {0};
        build_model(&b, "llama");
        if (row[i].name)
            add_text(&b, "general.name", row[i].name);
        Opened o = open_build(&b);
        assert_int_equal(spec_of(&o).eats_blanks, row[i].is);
        close_build(&o);
    }
}

/* A unigram model's map of characters is its bytes. */
static void unigram_models_are_read(void **state)
{
    (void)state;
    Err err = {0};
    TokenizerSpec s;
    Build b = {.skip = "tokenizer.ggml.model"};
    build_model(&b, "llama");
    b.skip = NULL;
    add_text(&b, "tokenizer.ggml.model", "t5");
    add_bool(&b, "tokenizer.ggml.remove_extra_whitespaces", true);
    begin_value(&b, "tokenizer.ggml.precompiled_charsmap", GGUF_ARRAY);
    put_int(&b.values, GGUF_U8, 4), put_int(&b.values, 4, 8), str_addn(&b.values, "\1\2\3\377", 4);
    Opened o = open_build(&b);
    if (!gguf_tokenizer(o.g, &s, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(s.charsmap, "AQID/w==");
    assert_true(s.merge_blanks && s.add_eos && !s.add_bos && !s.add_space_prefix);
    close_build(&o);
}

static void expect_tokenizer_refused(Build *b, const char *words)
{
    Err err = {0};
    TokenizerSpec s;
    Opened o = open_build(b);
    if (gguf_tokenizer(o.g, &s, &err) || !strstr(err.msg, words))
        fail_msg("says \"%s\", should say \"%s\"", err.msg, words);
    close_build(&o);
}

static void wrong_tokenizers(void **state)
{
    (void)state;
    Build b = {.skip = "tokenizer.ggml.model"};
    build_model(&b, "llama");
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.model\" is missing");
    b.skip = "tokenizer.ggml.tokens", build_model(&b, "llama");
    expect_tokenizer_refused(&b, "lists no tokens");
    b.skip = "tokenizer.ggml.scores", build_model(&b, "llama"), b.skip = NULL;
    add_array(&b, "tokenizer.ggml.scores", GGUF_F32, (const float[]){1, 2}, 2);
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.scores\" has 2 entries, the vocabulary 6 tokens");
    build_model(&b, "llama"), add_text(&b, "tokenizer.ggml.precompiled_charsmap", "x");
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.precompiled_charsmap\" must be an array of bytes");
    b.skip = "tokenizer.ggml.merges", build_model(&b, "llama"), b.skip = NULL;
    add_u32(&b, "tokenizer.ggml.merges", 1);
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.merges\" must be an array of texts");
    b.skip = "tokenizer.ggml.token_type", build_model(&b, "llama"), b.skip = NULL;
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.token_type\" is missing");
    b.skip = "tokenizer.ggml.token_type", build_model(&b, "llama"), b.skip = NULL;
    add_array(&b, "tokenizer.ggml.token_type", GGUF_I32, (const int[]){1, 1, 1, 1, 1, 7}, 6);
    expect_tokenizer_refused(&b, "token 5 has type 7");
    b.skip = "tokenizer.ggml.eos_token_id", build_model(&b, "llama"), b.skip = NULL;
    add_u32(&b, "tokenizer.ggml.eos_token_id", 6);
    expect_tokenizer_refused(&b, "\"tokenizer.ggml.eos_token_id\" is 6");
    b.skip = "tokenizer.ggml.tokens", build_model(&b, "llama"), b.skip = NULL;
    begin_value(&b, "tokenizer.ggml.tokens", GGUF_ARRAY);
    put_int(&b.values, GGUF_TEXT, 4), put_int(&b.values, 1, 8), put_int(&b.values, 3, 8);
    str_addn(&b.values, "a\0b", 3);
    expect_tokenizer_refused(&b, "entry 0 of \"tokenizer.ggml.tokens\" has a NUL");
}

/* --- models from outside ---------------------------------------------------------------------------- */

/* Row r of a matrix in Hugging Face's order, whose q and k rows lie in pairs in the file. */
static size_t stored_row(const char *name, const ModelConfig *c, size_t r)
{
    if (!strstr(name, "attn_q.") && !strstr(name, "attn_k."))
        return r;
    size_t d = (size_t)c->head_dim, in = r % d;
    return r - in + (in < d / 2 ? 2 * in : 2 * (in - d / 2) + 1);
}

static void compare_tensor(const Gguf *g, const ModelConfig *c, const json_t *wanted)
{
    const char *name = json_text_of(wanted, "gguf_name");
    const StoredTensor *t = gguf_find(g, name);
    assert_non_null(t);
    assert_string_equal(dtype_info(t->type)->name, json_text_of(wanted, "type"));
    size_t n = stored_values(t), columns = t->shape[t->dims - 1];
    float *v = mem_alloc(n, sizeof *v);
    dtype_to_f32(t->type, t->bytes, v, n);
    double sum = 0, norm = json_number_of(wanted, "norm", 0);
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    if (fabs(sqrt(sum) - norm) > 1e-10 * norm)
        fail_msg("%s: norm %.12g, wanted %.12g", name, sqrt(sum), norm);
    const json_t *index = json_object_get(wanted, "index"), *value = json_object_get(wanted, "value");
    for (size_t k = 0; k < json_array_size(index); k++) {
        size_t i = (size_t)json_integer_value(json_array_get(index, k));
        size_t at = t->dims == 1 ? i : stored_row(name, c, i / columns) * columns + i % columns;
        float w = (float)json_number_value(json_array_get(value, k));
        if (v[at] != w)
            fail_msg("%s[%zu] is %.9g, wanted %.9g", name, i, (double)v[at], (double)w);
    }
    free(v);
}

static void golden_models(void **state)
{
    (void)state;
    static const char folder[] = "../shared/golden/tiny-llama";
    if (!file_is_dir(folder))
        skip_aloud("%s is absent: not compared", folder);
    Err err = {0};
    json_t *golden, *file;
    const char *type, *name;
    char *path = path_join(folder, "gguf.json");
    assert_true(json_read_file(path, &golden, &err));
    free(path);
    json_object_foreach(golden, type, file)
    {
        ModelConfig c = {0};
        Gguf *g;
        path = path_join(folder, json_text_of(file, "file"));
        if (!gguf_open(&g, path, &err) || !gguf_config(g, &c, &err))
            fail_msg("%s", err.msg);
        json_t *wanted, *tensors = json_object_get(file, "tensors");
        assert_int_equal(json_object_size(tensors), gguf_tensors(g));
        json_object_foreach(tensors, name, wanted) compare_tensor(g, &c, wanted);
        assert_true(c.layers == 4 && c.width == 64 && c.heads == 4 && c.kv_heads == 2 && c.head_dim == 16);
        gguf_free(g);
        free(path);
    }
    json_decref(golden);
}

/* A real model's configuration; skips where it is absent or the environment says so. */
static ModelConfig real_model(const char *path, Gguf **g)
{
    Err err = {0};
    ModelConfig c = {0};
    const char *choice = getenv("RLAIF_TEST_MODELS");
    if ((choice && strcmp(choice, "none") == 0) || !file_exists(path))
        skip_aloud("%s is %s", path, file_exists(path) ? "not wanted" : "absent");
    if (!gguf_open(g, path, &err) || !gguf_config(*g, &c, &err))
        fail_msg("%s", err.msg);
    return c;
}

static void smollm2(void **state)
{
    (void)state;
    Err err = {0};
    Gguf *g = NULL;
    TokenizerSpec s;
    ModelConfig c = real_model("models/smollm2-135m-instruct.gguf", &g);
    assert_true(c.layers == 30 && c.width == 576 && c.heads == 9 && c.kv_heads == 3 && c.head_dim == 64);
    assert_true(c.ffn == 1536 && c.vocab == 49152 && c.context == 8192 && c.rope.theta == 100000 && c.tied);
    assert_true(c.attn_scale == 0.125f && c.norm_eps == 1e-5f && c.bos == 1 && c.eos == 2);
    assert_true(gguf_tokenizer(g, &s, &err));
    assert_true(strcmp(s.model, "gpt2") == 0 && strcmp(s.pre, "smollm") == 0 && s.n == 49152);
    assert_true(s.n_merges == 48900 && !s.scores && s.types[1] == TOKEN_CONTROL && !s.add_bos);
    assert_string_equal(s.tokens[1], "<|im_start|>");
    assert_string_equal(s.merges[48899], "ect able");
    assert_non_null(strstr(gguf_chat_template(g), "trained by Hugging Face"));
    gguf_free(g);
}

static void gemma3_270m(void **state)
{
    (void)state;
    Err err = {0};
    Gguf *g = NULL;
    TokenizerSpec s;
    ModelConfig c = real_model("models/gemma-3-270m.gguf", &g);
    assert_true(c.layers == 18 && c.width == 640 && c.heads == 4 && c.kv_heads == 1 && c.head_dim == 256);
    assert_true(c.ffn == 2048 && c.vocab == 262144 && c.context == 32768 && c.rope.theta == 1e6 && c.tied);
    assert_true(c.window == 512 && c.rope_local.theta == 1e4 && c.attn_scale == 0.0625f);
    for (int i = 0; i < c.layers; i++)
        assert_int_equal(c.local[i], i % 6 != 5);
    assert_true(gguf_tokenizer(g, &s, &err));
    assert_true(s.n == 262144 && s.scores && s.types && s.n_merges == 0 && s.add_bos && !s.add_space_prefix);
    assert_string_equal(s.tokens[2], "<bos>");
    assert_null(gguf_chat_template(g));
    gguf_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama_is_read),
        cmocka_unit_test(gemma3_is_read),
        cmocka_unit_test(llama3_scaling_is_found_again),
        cmocka_unit_test(other_scalings),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(missing_parts),
        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(tokenizer_is_read),
        cmocka_unit_test(pretokenizers_imply_bos),
        cmocka_unit_test(special_tokens_are_implied),
        cmocka_unit_test(phi3_is_known_by_its_name),
        cmocka_unit_test(unigram_models_are_read),
        cmocka_unit_test(wrong_tokenizers),
        cmocka_unit_test(golden_models),
        cmocka_unit_test(smollm2),
        cmocka_unit_test(gemma3_270m),
    };
    return cmocka_run_group_tests_name("gguf_config", tests, NULL, NULL);
}
