/* Configurations: what makes no sense is refused; config.json is read and written. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "config_text.h"
#include "group.h"
#include "model/config.h"
#include "support.h"

#include <limits.h>
#include <stddef.h>

static const char *const families[] = {"llama",  "mistral", "qwen2", "qwen3",  "gemma2",
                                       "gemma3", "phi3",    "gpt2",  "gptneox"};

/* A valid configuration with whatever its family has. */
static ModelConfig sample(const char *family)
{
    ModelConfig c = {.layers = 7,
                     .width = 64,
                     .heads = 4,
                     .kv_heads = 2,
                     .head_dim = 20,
                     .rotary_dim = 20,
                     .ffn = 96,
                     .vocab = 300,
                     .context = 512,
                     .norm_eps = 1e-6f,
                     .rope = {.theta = 10000},
                     .bos = 1,
                     .eos = 2};
    const Family *f = family_find(family);
    family_begin(f, &c);
    c.bos = 1, c.eos = 2;
    if (!f->keys->kv_heads)
        c.kv_heads = 4, c.head_dim = c.rotary_dim = 16;
    if (c.learned_positions)
        c.rotary_dim = 0, c.rope = (Rope){0};
    family_scales(f, &c);
    if (f->attention_bias && c.layer_norm)
        c.qkv_bias = c.o_bias = true;
    if (!c.post_norms)
        return c;
    bool third = strcmp(family, "gemma3") == 0;
    c.tied = true;
    c.attn_cap = third ? 0 : 50, c.logit_cap = third ? 0 : 30;
    c.rope.theta = 1e6;
    c.rope_local.theta = third ? 1e4 : 1e6;
    c.window = 16;
    for (int i = 0; i < c.layers; i++)
        c.local[i] = i % 6 != 5;
    return c;
}

/* Every field; padding differs. */
static void assert_same(const ModelConfig *a, const ModelConfig *b)
{
    const Rope *p[2] = {&a->rope, &a->rope_local}, *q[2] = {&b->rope, &b->rope_local};
    assert_string_equal(a->family, b->family);
    assert_memory_equal(&a->layers, &b->layers, offsetof(ModelConfig, norm_eps) - offsetof(ModelConfig, layers));
    assert_true(a->norm_eps == b->norm_eps && a->embed_scale == b->embed_scale);
    assert_true(a->attn_scale == b->attn_scale && a->activation == b->activation);
    assert_true(a->norm_plus_one == b->norm_plus_one && a->post_norms == b->post_norms);
    assert_true(a->layer_norm == b->layer_norm && a->qkv_bias == b->qkv_bias && a->o_bias == b->o_bias);
    assert_true(a->ffn_bias == b->ffn_bias && a->ungated == b->ungated && a->parallel == b->parallel);
    assert_true(a->learned_positions == b->learned_positions);
    assert_true(a->attn_cap == b->attn_cap && a->logit_cap == b->logit_cap);
    assert_true(a->qk_norm == b->qk_norm && a->tied == b->tied && a->head == b->head);
    assert_true(a->window == b->window && a->bos == b->bos && a->eos == b->eos);
    assert_memory_equal(a->local, b->local, sizeof a->local);
    for (int i = 0; i < 2; i++) {
        assert_true(p[i]->theta == q[i]->theta && p[i]->scaling == q[i]->scaling);
        assert_true(p[i]->factor == q[i]->factor && p[i]->original_context == q[i]->original_context);
        assert_true(p[i]->low_freq == q[i]->low_freq && p[i]->high_freq == q[i]->high_freq);
        assert_true(p[i]->attention == q[i]->attention && p[i]->long_context == q[i]->long_context);
        assert_memory_equal(p[i]->short_factor, q[i]->short_factor, sizeof p[i]->short_factor);
        assert_memory_equal(p[i]->long_factor, q[i]->long_factor, sizeof p[i]->long_factor);
    }
}

#define SCALED_ROPE(kind, by, low, high, original)                                                                     \
    (Rope)                                                                                                             \
    {                                                                                                                  \
        .theta = 5e5, .scaling = kind, .factor = by, .low_freq = low, .high_freq = high, .original_context = original, \
        .attention = (kind) == ROPE_YARN ? 1.25 : 0                                                                    \
    }
#define LLAMA3_ROPE(by, low, high, original) SCALED_ROPE(ROPE_LLAMA3, by, low, high, original)
#define YARN_ROPE(by, low, high, original)   SCALED_ROPE(ROPE_YARN, by, low, high, original)

/* Phi-3's rotation for heads of 20, up to a context of 512. */
static Rope long_rope(void)
{
    Rope r = {.theta = 1e4, .scaling = ROPE_LONG, .original_context = 512, .attention = 1.19, .long_context = 4096};
    for (int i = 0; i < 10; i++)
        r.short_factor[i] = 1 + 0.1 * i, r.long_factor[i] = 1 + i;
    return r;
}

/* --- sense ------------------------------------------------------------------------------------------ */

static void check_refuses(void **state)
{
    (void)state;
    Err err = {0};
    ModelConfig good = sample("gemma3"), plain = sample("llama"), c;
    assert_true(config_check(&good, "file", &err) && config_check(&plain, "file", &err));
#define REFUSED(words, ...)                                                                                            \
    do {                                                                                                               \
        c = good;                                                                                                      \
        __VA_ARGS__;                                                                                                   \
        err_clear(&err);                                                                                               \
        if (config_check(&c, "file", &err))                                                                            \
            fail_msg("accepted: %s", #__VA_ARGS__);                                                                    \
        if (!strstr(err.msg, words) || !str_starts(err.msg, "file: "))                                                 \
            fail_msg("%s says \"%s\"", #__VA_ARGS__, err.msg);                                                         \
    } while (0)
    REFUSED("layers must be 1 to 256, is 0", c.layers = 0);
    REFUSED("layers must be", c.layers = MAX_LAYERS + 1);
    REFUSED("width must be", c.width = -1);
    REFUSED("width must be", c.width = INT_MAX);
    REFUSED("number of heads must be", c.heads = 0);
    REFUSED("key/value heads must be 1 to", c.kv_heads = 0);
    REFUSED("a divisor of the 4 heads, is 3", c.kv_heads = 3);
    REFUSED("key/value heads must be a divisor", c.kv_heads = 8);
    REFUSED("size of a head must be", c.head_dim = 1 << 20);
    REFUSED("rotary dimensions must be even and 2 to 20, is 0", c.rotary_dim = 0);
    REFUSED("rotary dimensions", c.rotary_dim = 7);
    REFUSED("rotary dimensions", c.rotary_dim = 22);
    REFUSED("feed-forward width must be", c.ffn = 0);
    REFUSED("vocabulary must be", c.vocab = 0);
    REFUSED("context must be", c.context = 0);
    REFUSED("epsilon of norms must be", c.norm_eps = 0);
    REFUSED("epsilon of norms must be", c.norm_eps = NAN);
    REFUSED("factor on embeddings must be", c.embed_scale = NAN);
    REFUSED("attention scores must be", c.attn_scale = 0);
    REFUSED("attention scores must be", c.attn_scale = INFINITY);
    REFUSED("rotary base must be", c.rope.theta = (double)NAN);
    REFUSED("rotary base must be", c.rope_local.theta = 0);
    REFUSED("rotary scaling factor must be", c.rope.scaling = ROPE_LINEAR);
    REFUSED("original context", c.rope = LLAMA3_ROPE(8, 1, 4, 0));
    REFUSED("low frequency", c.rope = LLAMA3_ROPE(8, 0, 4, 8192));
    REFUSED("above the low one, is 4", c.rope = LLAMA3_ROPE(8, 4, 4, 8192));
    REFUSED("original context", c.rope = YARN_ROPE(8, 1, 32, 0));
    REFUSED("above the low one", c.rope = YARN_ROPE(8, 32, 1, 512));
    REFUSED("rotary base under YaRN must be above 1", c.rope = YARN_ROPE(8, 1, 32, 512); c.rope.theta = 1);
    REFUSED("attention factor", c.rope = YARN_ROPE(8, 1, 32, 512); c.rope.attention = 0);
    REFUSED("longrope needs 10 positive factors", c.rope = long_rope(); c.rope.short_factor[9] = 0);
    REFUSED("longrope needs 10 positive factors", c.rope = long_rope(); c.rope.long_factor[10] = 1);
    REFUSED("long context of longrope", c.rope = long_rope(); c.rope.long_context = 0);
    REFUSED("soft cap must be positive, is -1", c.logit_cap = -1);
    REFUSED("soft cap must be positive", c.attn_cap = NAN);
    REFUSED("positions are both learned and rotary", c.learned_positions = true);
    REFUSED("norms behind the blocks", c.parallel = true);
    REFUSED("norms behind the blocks", c.layer_norm = true);
    REFUSED("biases for its input alone", c.qkv_bias = true);
    REFUSED("window of local layers must be positive", c.window = 0);
    REFUSED("window of local layers must be positive", c.window = -3);
    REFUSED("without local layers", memset(c.local, 0, sizeof c.local));
    REFUSED("id of BOS", c.bos = 300);
    REFUSED("id of EOS", c.eos = -2);
    REFUSED("set of heads must be", c.head = 0);
    REFUSED("unknown family of models \"bert\"", snprintf(c.family, sizeof c.family, "bert"));
#undef REFUSED
}

/* --- reading ---------------------------------------------------------------------------------------- */

static bool read_text(const char *text, ModelConfig *c, Err *err)
{
    json_t *json;
    if (!json_parse(text, strlen(text), "config.json", &json, err))
        fail_msg("%s: %s", text, err->msg);
    bool ok = config_from_json(c, json, "config.json", err);
    json_decref(json);
    return ok;
}

static ModelConfig config_of(const char *text)
{
    Err err = {0};
    ModelConfig c;
    if (!read_text(text, &c, &err))
        fail_msg("%s: %s", text, err.msg);
    return c;
}

static void llama_is_read(void **state)
{
    (void)state;
    ModelConfig c = config_of(LLAMA "}");
    assert_true(c.layers == 4 && c.width == 64 && c.heads == 4 && c.kv_heads == 4 && c.head_dim == 16);
    assert_true(c.rotary_dim == 16 && c.ffn == 96 && c.vocab == 300 && c.context == 2048 && !c.tied);
    assert_true(c.norm_eps == 1e-6f && c.rope.theta == 10000 && c.rope.scaling == ROPE_PLAIN);
    assert_true(c.bos == 1 && c.eos == 2 && c.head == HEAD_LM && c.attn_scale == 0.25f && c.window == 0);

    c = config_of(LLAMA ", \"num_key_value_heads\": 2, \"head_dim\": 32, \"rms_norm_eps\": 1e-5, \"bos_token_id\": "
                        "null, \"eos_token_id\": [7, 8], \"tie_word_embeddings\": true, \"hidden_act\": \"silu\", "
                        "\"rope_scaling\": null, \"rope_theta\": 500000, \"torch_dtype\": \"bfloat16\", "
                        "\"architectures\": [\"LlamaForCausalLM\"], \"max_position_embeddings\": 99, "
                        "\"partial_rotary_factor\": 0.5, \"attention_bias\": false}");
    assert_true(c.kv_heads == 2 && c.head_dim == 32 && c.rotary_dim == 16 && c.norm_eps == 1e-5f && c.tied);
    assert_true(c.bos == -1 && c.eos == 7 && c.rope.theta == 500000 && c.context == 99);
}

static void rope_is_read(void **state)
{
    (void)state;
    static const char *const llama3[] = {
        LLAMA ", \"rope_theta\": 5e5, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 32.0, "
              "\"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192}}",
        LLAMA ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"llama3\", \"factor\": 32, "
              "\"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192}}"};
    for (int i = 0; i < 2; i++) {
        Rope r = config_of(llama3[i]).rope;
        assert_true(r.theta == 5e5 && r.scaling == ROPE_LLAMA3 && r.factor == 32 && r.low_freq == 1);
        assert_true(r.high_freq == 4 && r.original_context == 8192);
    }
    Rope r = config_of(LLAMA ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}}").rope;
    assert_true(r.scaling == ROPE_LINEAR && r.factor == 2.5 && r.theta == 10000);
    r = config_of(LLAMA ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 1}}").rope;
    assert_true(r.scaling == ROPE_PLAIN && r.factor == 0);
}

static void gemma3_is_read(void **state)
{
    (void)state;
    ModelConfig c = config_of(GEMMA3 "}");
    assert_true(c.norm_plus_one && c.post_norms && c.qk_norm && c.tied && c.activation == ACT_GELU_TANH);
    assert_true(c.kv_heads == 1 && c.head_dim == 24 && c.context == 131072 && c.embed_scale == 8);
    assert_true(c.attn_scale == 0.0625f && c.window == 4096 && c.local[3] && c.bos == 2 && c.eos == 1);
    assert_true(c.rope.theta == 1e6 && c.rope_local.theta == 1e4);

    static const char *const same[] = {
        GEMMA3 ", \"sliding_window\": 16, \"sliding_window_pattern\": 2, \"query_pre_attn_scalar\": 20, "
               "\"rope_theta\": 5e5, \"rope_local_base_freq\": 3e4, \"rope_scaling\": {\"rope_type\": "
               "\"linear\", \"factor\": 8.0}, \"hidden_activation\": \"gelu_pytorch_tanh\"}",
        GEMMA3 ", \"sliding_window\": 16, \"query_pre_attn_scalar\": 20, \"layer_types\": "
               "[\"sliding_attention\", \"full_attention\", \"sliding_attention\", \"full_attention\"], "
               "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 5e5, \"rope_type\": \"linear\", "
               "\"factor\": 8.0}, \"sliding_attention\": {\"rope_theta\": 3e4, \"rope_type\": \"default\"}}}",
        "{\"model_type\": \"gemma3\", \"architectures\": [\"Gemma3ForConditionalGeneration\"], "
        "\"text_config\": {" SIZES ", \"num_key_value_heads\": 1, \"head_dim\": 24, \"sliding_window\": 16, "
        "\"query_pre_attn_scalar\": 20, \"_sliding_window_pattern\": 2, \"rope_theta\": 5e5, "
        "\"rope_local_base_freq\": 3e4, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8.0}}}"};
    for (int i = 0; i < COUNT(same); i++) {
        c = config_of(same[i]);
        assert_true(c.window == 16 && c.local[0] && !c.local[1] && c.local[2] && !c.local[3]);
        assert_true(c.attn_scale == (float)(1 / sqrt(20.0)) && c.rope.theta == 5e5 && c.rope.factor == 8);
        assert_true(c.rope.scaling == ROPE_LINEAR && c.rope_local.theta == 3e4);
        assert_true(c.rope_local.scaling == ROPE_PLAIN && c.head == HEAD_LM);
    }
    c = config_of("{\"model_type\": \"gemma3\", \"text_config\": {\"hidden_size\": 2560, \"num_hidden_layers\": 34, "
                  "\"intermediate_size\": 10240}, \"eos_token_id\": [1, 106]}");
    assert_true(c.heads == 8 && c.kv_heads == 4 && c.head_dim == 256 && c.vocab == 262208 && c.eos == 1);
    c = config_of(GEMMA3 ", \"sliding_window\": 16, \"sliding_window_pattern\": 1}");
    assert_true(c.window == 0 && !c.local[0]);
}

/* What is particular to each of the others. */
static void families_are_read(void **state)
{
    (void)state;
    ModelConfig c = config_of(OF("mistral") ", " SIZES ", \"num_key_value_heads\": 2}");
    assert_true(c.window == 4096 && c.local[0] && c.local[3] && c.rope_local.theta == 10000);
    c = config_of(OF("mistral") ", " SIZES ", \"num_key_value_heads\": 2, \"sliding_window\": null}");
    assert_true(c.window == 0 && !c.local[0]);
    c = config_of(OF("qwen2") ", " SIZES ", \"num_key_value_heads\": 2, \"rope_theta\": 1e6}");
    assert_true(c.qkv_bias && !c.o_bias && c.window == 0 && c.rope.theta == 1e6 && c.bos == -1);
    c = config_of(OF("qwen2") ", " SIZES ", \"num_key_value_heads\": 2, \"use_sliding_window\": true, "
                              "\"sliding_window\": 7, \"max_window_layers\": 3}");
    assert_true(c.window == 7 && !c.local[2] && c.local[3]);
    c = config_of(OF("qwen2") ", " LAYERS("30") ", \"num_key_value_heads\": 2, \"use_sliding_window\": true}");
    assert_true(c.layers == 30 && c.window == 4096 && !c.local[27] && c.local[28]);
    c = config_of(OF("qwen3") ", " SIZES ", \"num_key_value_heads\": 2}");
    assert_true(c.qk_norm && c.head_dim == 128 && !c.qkv_bias);
    c = config_of(OF("qwen3") ", " SIZES ", \"num_key_value_heads\": 2, \"attention_bias\": true}");
    assert_true(c.qkv_bias && c.o_bias && !c.ffn_bias);
    c = config_of(OF("gemma3_text") ", " LAYERS(
        "7") ", \"num_key_value_heads\": 1, \"head_dim\": 24, \"final_logit_softcapping\": 25}");
    assert_true(c.local[4] && !c.local[5] && c.local[6] && c.logit_cap == 25 && c.attn_cap == 0);
    c = config_of(OF("gemma2") "}");
    assert_true(c.attn_cap == 50 && c.logit_cap == 30 && c.local[0] && !c.local[1] && c.window == 4096 && !c.qk_norm);
    c = config_of(OF("gemma2") ", \"attn_logit_softcapping\": null}");
    assert_true(c.attn_cap == 0 && c.logit_cap == 30);
    c = config_of(OF("phi3") ", " SIZES ", \"sliding_window\": 5, \"partial_rotary_factor\": 0.75}");
    assert_true(c.window == 5 && c.local[3] && c.rotary_dim == 12 && c.kv_heads == 4);
    c = config_of(OF("gpt2") ", \"n_embd\": 64, \"n_head\": 4, \"n_layer\": 3, \"n_inner\": null}");
    assert_true(c.layer_norm && c.ungated && c.learned_positions && c.rotary_dim == 0 && c.ffn == 256 && c.layers == 3);
    assert_true(c.context == 1024 && c.activation == ACT_GELU_TANH && c.tied && c.norm_eps == 1e-5f && c.bos == 50256);
    c = config_of(OF("gpt_neox") ", " SIZES "}");
    assert_true(c.parallel && c.rotary_dim == 4 && c.activation == ACT_GELU && c.qkv_bias && c.o_bias && c.ffn_bias);
    c = config_of(LLAMA ", \"attention_bias\": true, \"mlp_bias\": true}");
    assert_true(c.qkv_bias && c.o_bias && c.ffn_bias);
}

static void scaled_ropes_are_read(void **state)
{
    (void)state;
    Rope r = config_of(OF("qwen2") ", " SIZES ", \"num_key_value_heads\": 2, \"rope_scaling\": {\"type\": \"yarn\", "
                                   "\"factor\": 4.0, \"original_max_position_embeddings\": 32768}}")
                 .rope;
    assert_true(r.scaling == ROPE_YARN && r.low_freq == 1 && r.high_freq == 32 && r.original_context == 32768);
    assert_true(fabs(r.attention - (1 + 0.1 * log(4))) < 1e-12);
    r = config_of(LLAMA
                  ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 40, \"mscale\": 0.707, \"mscale_all_dim\": 1, "
                  "\"beta_fast\": 16}}")
            .rope;
    assert_true(r.high_freq == 16 && fabs(r.attention - (1 + 0.0707 * log(40)) / (1 + 0.1 * log(40))) < 1e-12);
    ModelConfig c =
        config_of(OF("phi3") ", " SIZES ", \"max_position_embeddings\": 131072, "
                             "\"original_max_position_embeddings\": 4096, \"rope_scaling\": {\"type\": \"su\", "
                             "\"short_factor\": [1,1,1,1,2,2,2,2], \"long_factor\": [1,2,3,4,5,6,7,8]}}");
    assert_true(c.context == 4096 && c.rope.long_context == 131072 && c.rope.scaling == ROPE_LONG);
    assert_true(c.rope.short_factor[4] == 2 && c.rope.long_factor[7] == 8 && c.rope.short_factor[8] == 0);
    assert_true(fabs(c.rope.attention - sqrt(1 + log(32) / log(4096))) < 1e-12);
}

/* Keys that say nothing, stand elsewhere or have another name: what counts is what transformers takes. */
static void other_spellings(void **state)
{
    (void)state;
#define OF_QWEN2  OF("qwen2") ", " SIZES ", \"num_key_value_heads\": null"
#define LLAMA3(n) "\"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4" n
#define FACTORS   ", \"short_factor\": [1,1,1,1,2,2,2,2], \"long_factor\": [1,2,3,4,5,6,7,8]}}"
    ModelConfig c = config_of(OF_QWEN2 ", \"use_sliding_window\": true, \"sliding_window\": null, "
                                       "\"max_window_layers\": 2, \"is_causal\": true, \"per_layer_config\": {}}");
    assert_true(c.kv_heads == 4 && c.window == 0 && !c.local[3]);
    c = config_of(OF("gemma2") ", " SIZES ", \"sliding_window\": null, \"use_bidirectional_attention\": null, "
                               "\"layer_types\": [\"full_attention\", \"full_attention\", \"full_attention\", "
                               "\"full_attention\"]}");
    assert_true(c.window == 0 && !c.local[0]);
    Rope r = config_of(LLAMA ", \"rope_scaling\": {}, \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": "
                             "\"linear\", \"factor\": 2}}")
                 .rope;
    assert_true(r.theta == 5e5 && r.scaling == ROPE_LINEAR && r.factor == 2);
    c = config_of(GEMMA3 ", \"rope_scaling\": {}, \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 5e5, "
                         "\"rope_type\": \"linear\", \"factor\": 8.0}}}");
    assert_true(c.rope.theta == 5e5 && c.rope.scaling == ROPE_LINEAR && c.rope_local.theta == 1e4);
    static const char beside[] =
        LLAMA ", \"original_max_position_embeddings\": 512, \"rope_scaling\": {\"type\": " LLAMA3(
            ", \"original_max_position_embeddings\": 8192") "}}";
    assert_true(config_of(beside).rope.original_context == 512);
    r = config_of(LLAMA ", \"original_max_position_embeddings\": 512, \"rope_scaling\": {\"type\": \"yarn\", "
                        "\"factor\": 4}}")
            .rope;
    assert_true(r.scaling == ROPE_YARN && r.original_context == 512);
    c = config_of(OF("phi3") ", " SIZES ", \"max_position_embeddings\": 131072, \"rope_scaling\": {\"type\": \"yarn\", "
                             "\"original_max_position_embeddings\": 8192" FACTORS);
    assert_true(c.rope.scaling == ROPE_LONG && c.rope.original_context == 4096 && c.context == 4096);
    assert_true(fabs(c.rope.attention - sqrt(1 + log(32) / log(4096))) < 1e-12);
    c = config_of(OF("gpt2") ", \"hidden_size\": 64, \"num_attention_heads\": 4, \"n_head\": 8, "
                             "\"num_hidden_layers\": 3, \"max_position_embeddings\": 99}");
    assert_true(c.width == 64 && c.heads == 4 && c.kv_heads == 4 && c.layers == 3 && c.context == 99);
}

static void reward_models(void **state)
{
    (void)state;
    assert_int_equal(config_of(LLAMA ", \"architectures\": [\"LlamaForSequenceClassification\"], "
                                     "\"num_labels\": 1}")
                         .head,
                     HEAD_REWARD);
    assert_int_equal(config_of(LLAMA ", \"architectures\": [\"LlamaForSequenceClassification\"], "
                                     "\"id2label\": {\"0\": \"LABEL_0\"}}")
                         .head,
                     HEAD_REWARD);
    assert_int_equal(config_of(GEMMA3 ", \"architectures\": [\"Gemma3TextForSequenceClassification\"], "
                                      "\"id2label\": {\"0\": \"LABEL_0\"}}")
                         .head,
                     HEAD_REWARD);
}

/* A classifier of a model of images and texts: its labels are the whole's, its padding the text's, as its class has them. */
static void nested_classifiers(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *outer;
        int pad;
    } row[] = {{"", "\"num_labels\": 1", 0},
               {"\"num_labels\": 2,", "\"num_labels\": 1, \"pad_token_id\": 7", 0},
               {"\"pad_token_id\": 5,", "\"id2label\": {\"0\": \"x\"}, \"pad_token_id\": 7", 5},
               {"\"pad_token_id\": null,", "\"num_labels\": 1, \"pad_token_id\": 7", -1}};
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        ModelConfig c;
        json_t *json;
        char *text =
            mem_printf("{\"model_type\": \"gemma3\", \"architectures\": [\"Gemma3ForSequenceClassification\"], %s, "
                       "\"text_config\": {%s %s}}",
                       row[i].outer, row[i].inner, strchr(GEMMA3, '{') + 1);
        need_ok(json_parse(text, strlen(text), "config.json", &json, &err) &&
                    config_from_json(&c, json, "config.json", &err),
                &err);
        assert_true(c.head == HEAD_REWARD && c.pad == row[i].pad);
        json_decref(json);
        free(text);
    }
}

/* Any value for any key: a message or a configuration, nothing else. */
static void every_key_with_every_value(void **state)
{
    (void)state;
    static const char *const values[] = {
        "null", "true", "-1", "0", "1e300", "\"x\"", "[]", "{}", "[[1]]", "2147483647", "-9223372036854775808", "0.3"};
    for (int k = 0; k < COUNT(families) * COUNT(values); k++) {
        ModelConfig base = sample(families[k % COUNT(families)]);
        base.head = k % COUNT(families) ? HEAD_LM : HEAD_REWARD;
        json_t *json = config_to_json(&base), *same;
        const char *key, *text = values[k / COUNT(families)];
        json_t *copy = json_deep_copy(json), *value;
        json_object_foreach(copy, key, same)
        {
            Err err = {0};
            ModelConfig c;
            assert_true(json_parse(text, strlen(text), "value", &value, &err));
            json_object_set_new(json, key, value);
            assert_true(config_from_json(&c, json, "file", &err) || err.msg[0]);
            json_object_set(json, key, same);
        }
        json_decref(copy);
        json_decref(json);
    }
}

/* --- writing ---------------------------------------------------------------------------------------- */

static void expect_round_trip(const ModelConfig *c)
{
    Err err = {0};
    ModelConfig back;
    assert_true(config_check(c, "given", &err));
    json_t *json = config_to_json(c);
    json_object_set_new(json, "rlaif", json_object()); /* it has no padding */
    char *text = json_text(json);
    if (!read_text(text, &back, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_same(c, &back);
    free(text);
    json_decref(json);
}

static void round_trips(void **state)
{
    (void)state;
    ModelConfig c = sample("llama");
    expect_round_trip(&c);
    c.tied = true, c.bos = c.eos = -1, c.head = HEAD_REWARD, c.norm_eps = 0.1f / 3, c.rope.theta = 1e5 / 3;
    expect_round_trip(&c);
    c.rope = LLAMA3_ROPE(32, 1, 4, 8192);
    expect_round_trip(&c);
    c.rope = (Rope){.theta = 5e5, .scaling = ROPE_LINEAR, .factor = 1.7};
    expect_round_trip(&c);
    for (c.head_dim = 2; c.head_dim < 300; c.head_dim += 2) {
        c.attn_scale = (float)(1 / sqrt((double)c.head_dim));
        for (c.rotary_dim = 2; c.rotary_dim <= c.head_dim; c.rotary_dim += 2)
            if (c.rotary_dim == c.head_dim || c.rotary_dim % 6 == 0)
                expect_round_trip(&c);
    }
    c = sample("llama");
    c.rope = YARN_ROPE(4, 1, 32, 128);
    expect_round_trip(&c);
    c.qkv_bias = c.o_bias = c.ffn_bias = true;
    expect_round_trip(&c);
    for (int i = 0; i < COUNT(families); i++) {
        c = sample(families[i]);
        expect_round_trip(&c);
        c.head = HEAD_REWARD, c.tied = !c.tied;
        expect_round_trip(&c);
    }
    c = sample("phi3");
    c.rope = YARN_ROPE(4, 1, 32, 128);
    expect_round_trip(&c);
    c.rope = long_rope();
    expect_round_trip(&c);
    c = sample("mistral");
    c.window = 16, c.rope_local = c.rope;
    for (int i = 0; i < c.layers; i++)
        c.local[i] = true;
    expect_round_trip(&c);
    c.local[1] = false;
    expect_round_trip(&c);
    c = sample("qwen2");
    c.window = 16, c.rope_local = c.rope;
    c.local[3] = c.local[5] = true;
    expect_round_trip(&c);
    c = sample("gptneox");
    c.parallel = false, c.activation = ACT_GELU_TANH, c.rotary_dim = 4, c.qkv_bias = c.o_bias = false;
    expect_round_trip(&c);
    c = sample("gemma3");
    expect_round_trip(&c);
    c.head = HEAD_REWARD, c.tied = false, c.attn_scale = 0.3f, c.rope.scaling = ROPE_LINEAR, c.rope.factor = 8;
    expect_round_trip(&c);
    c.local[0] = false;
    expect_round_trip(&c);
    memset(c.local, 0, sizeof c.local);
    c.window = 0, c.rope_local = (Rope){0};
    expect_round_trip(&c);
}

/* transformers 5 takes query_pre_attn_scalar only as a whole number. */
static void scalar_is_whole(void **state)
{
    (void)state;
    ModelConfig c = sample("gemma3");
    json_t *json = config_to_json(&c);
    assert_true(json_is_integer(json_object_get(json, "query_pre_attn_scalar")));
    json_decref(json);
}

/* The value head has no architecture of its own. */
static void heads_are_named(void **state)
{
    (void)state;
    static const struct {
        int head;
        const char *name;
    } row[] = {{HEAD_LM, "Gemma3ForCausalLM"},
               {HEAD_VALUE, "Gemma3ForCausalLM"},
               {HEAD_LM | HEAD_VALUE, "Gemma3ForCausalLM"},
               {HEAD_REWARD, "Gemma3TextForSequenceClassification"},
               {HEAD_REWARD | HEAD_VALUE, "Gemma3TextForSequenceClassification"}};
    ModelConfig c = sample("gemma3");
    for (int i = 0; i < COUNT(row); i++) {
        c.head = row[i].head;
        json_t *json = config_to_json(&c);
        const json_t *name = json_array_get(json_object_get(json, "architectures"), 0);
        assert_string_equal(json_string_value(name), row[i].name);
        json_decref(json);
    }
}

static void golden_configs(void **state)
{
    (void)state;
    static const char *const path[] = {"../shared/golden/tiny-llama/config.json",
                                       "../shared/golden/tiny-gemma3/config.json"};
    for (int i = 0; i < COUNT(path); i++) {
        Err err = {0};
        ModelConfig c;
        json_t *json;
        if (!file_exists(path[i]))
            skip_aloud("%s is absent: not compared", path[i]);
        if (!json_read_file(path[i], &json, &err) || !config_from_json(&c, json, path[i], &err))
            fail_msg("%s", err.msg);
        json_decref(json);
        assert_true(c.width == 64 && c.heads == 4 && c.vocab == 512 && c.context == 512 && c.tied);
        assert_true(c.layers == (i ? 6 : 4) && c.kv_heads == (i ? 1 : 2) && c.head_dim == (i ? 24 : 16));
        assert_true(c.window == (i ? 16 : 0) && c.local[0] == (i == 1) && !c.local[2] && !c.local[5]);
        assert_true(c.attn_scale == (i ? (float)(1 / sqrt(20.0)) : 0.25f) && c.bos == 1 && c.eos == 2);
        expect_round_trip(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_refuses),      cmocka_unit_test(llama_is_read),
        cmocka_unit_test(rope_is_read),       cmocka_unit_test(gemma3_is_read),
        cmocka_unit_test(families_are_read),  cmocka_unit_test(scaled_ropes_are_read),
        cmocka_unit_test(reward_models),      cmocka_unit_test(every_key_with_every_value),
        cmocka_unit_test(nested_classifiers), cmocka_unit_test(round_trips),
        cmocka_unit_test(heads_are_named),    cmocka_unit_test(scalar_is_whole),
        cmocka_unit_test(golden_configs),     cmocka_unit_test(other_spellings),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
