/* What a configuration must obey, whichever file it came from; the table of families. */
#include "model/config.h"

#include "base/mem.h"
#include "base/str.h"

enum {
    MOST_WIDTH = 1 << 20,
    MOST_HEADS = 1 << 14,
    MOST_HEAD_DIM = 1 << 14, /* so that heads * head_dim is an int */
    MOST_FFN = 1 << 24,
    MOST_VOCAB = 1 << 24,
    MOST_CONTEXT = 1 << 30
};

/* --- the families that are known ---------------------------------------------------------------------- */

static const SizeKeys usual_keys = {"num_hidden_layers",       "hidden_size", "num_attention_heads",
                                    "num_key_value_heads",     "head_dim",    "intermediate_size",
                                    "max_position_embeddings", "rms_norm_eps"};
static const SizeKeys gpt2_keys = {"n_layer", "n_embd",  "n_head",      NULL,
                                   NULL,      "n_inner", "n_positions", "layer_norm_epsilon"};
static const SizeKeys gptneox_keys = {
    "num_hidden_layers",       "hidden_size",   "num_attention_heads", NULL, NULL, "intermediate_size",
    "max_position_embeddings", "layer_norm_eps"};

/* clang-format off */
static const Naming gemma_hf[] = {{"ffn_norm", "pre_feedforward_layernorm", ORDER_PLAIN}, {NULL, NULL, ORDER_PLAIN}};

static const Naming phi3_hf[] = {
    {"attn_q",   "self_attn.qkv_proj", ORDER_PLAIN},
    {"attn_k",   "self_attn.qkv_proj", ORDER_PLAIN},
    {"attn_v",   "self_attn.qkv_proj", ORDER_PLAIN},
    {"ffn_gate", "mlp.gate_up_proj",   ORDER_PLAIN},
    {"ffn_up",   "mlp.gate_up_proj",   ORDER_PLAIN},
    {NULL, NULL, ORDER_PLAIN}};
static const Naming phi3_gguf[] = {
    {"attn_q",   "attn_qkv", ORDER_PLAIN},
    {"attn_k",   "attn_qkv", ORDER_PLAIN},
    {"attn_v",   "attn_qkv", ORDER_PLAIN},
    {"ffn_gate", "ffn_up",   ORDER_PLAIN},
    {NULL, NULL, ORDER_PLAIN}};

static const Naming gpt2_hf[] = {
    {"blk.",          "transformer.h.",   ORDER_PLAIN},
    {"token_embd",    "transformer.wte",  ORDER_PLAIN},
    {"position_embd", "transformer.wpe",  ORDER_PLAIN},
    {"output_norm",   "transformer.ln_f", ORDER_PLAIN},
    {"attn_norm",     "ln_1",             ORDER_PLAIN},
    {"ffn_norm",      "ln_2",             ORDER_PLAIN},
    {"attn_q",        "attn.c_attn",      ORDER_TRANSPOSED},
    {"attn_k",        "attn.c_attn",      ORDER_TRANSPOSED},
    {"attn_v",        "attn.c_attn",      ORDER_TRANSPOSED},
    {"attn_output",   "attn.c_proj",      ORDER_TRANSPOSED},
    {"ffn_up",        "mlp.c_fc",         ORDER_TRANSPOSED},
    {"ffn_down",      "mlp.c_proj",       ORDER_TRANSPOSED},
    {NULL, NULL, ORDER_PLAIN}};
static const Naming gptneox_hf[] = {
    {"blk.",        "gpt_neox.layers.",          ORDER_PLAIN},
    {"token_embd",  "gpt_neox.embed_in",         ORDER_PLAIN},
    {"output_norm", "gpt_neox.final_layer_norm", ORDER_PLAIN},
    {"attn_q",      "attention.query_key_value", ORDER_BY_HEAD},
    {"attn_k",      "attention.query_key_value", ORDER_BY_HEAD},
    {"attn_v",      "attention.query_key_value", ORDER_BY_HEAD},
    {"attn_output", "attention.dense",           ORDER_PLAIN},
    {"ffn_up",      "mlp.dense_h_to_4h",         ORDER_PLAIN},
    {"ffn_down",    "mlp.dense_4h_to_h",         ORDER_PLAIN},
    {NULL, NULL, ORDER_PLAIN}};
/* gpt2's and gptneox's */
static const Naming fused_gguf[] = {
    {"attn_q", "attn_qkv", ORDER_PLAIN},
    {"attn_k", "attn_qkv", ORDER_PLAIN},
    {"attn_v", "attn_qkv", ORDER_PLAIN},
    {NULL, NULL, ORDER_PLAIN}};
/* clang-format on */

static const Family families[] = {
    {.name = "llama",
     .gguf = "llama",
     .model_type = "llama",
     .causal = "LlamaForCausalLM",
     .classifier = "LlamaForSequenceClassification",
     .keys = &usual_keys,
     .attention_bias = true,
     .mlp_bias = true,
     .rotary_pairs = true,
     .activation = ACT_SILU},
    {.name = "mistral",
     .gguf = "llama",
     .model_type = "mistral",
     .causal = "MistralForCausalLM",
     .classifier = "MistralForSequenceClassification",
     .keys = &usual_keys,
     .rotary_pairs = true,
     .activation = ACT_SILU},
    {.name = "qwen2",
     .gguf = "qwen2",
     .model_type = "qwen2",
     .causal = "Qwen2ForCausalLM",
     .classifier = "Qwen2ForSequenceClassification",
     .keys = &usual_keys,
     .qkv_bias = true,
     .activation = ACT_SILU},
    {.name = "qwen3",
     .gguf = "qwen3",
     .model_type = "qwen3",
     .causal = "Qwen3ForCausalLM",
     .classifier = "Qwen3ForSequenceClassification",
     .keys = &usual_keys,
     .qk_norm = true,
     .attention_bias = true,
     .activation = ACT_SILU},
    {.name = "gemma2",
     .gguf = "gemma2",
     .model_type = "gemma2",
     .causal = "Gemma2ForCausalLM",
     .classifier = "Gemma2ForSequenceClassification",
     .keys = &usual_keys,
     .hf_names = gemma_hf,
     .norm_plus_one = true,
     .post_norms = true,
     .scaled_embedding = true,
     .attention_bias = true,
     .soft_caps = true,
     .activation = ACT_GELU_TANH},
    {.name = "gemma3",
     .gguf = "gemma3",
     .model_type = "gemma3_text",
     .causal = "Gemma3ForCausalLM",
     .classifier = "Gemma3TextForSequenceClassification",
     .keys = &usual_keys,
     .hf_names = gemma_hf,
     .norm_plus_one = true,
     .post_norms = true,
     .qk_norm = true,
     .scaled_embedding = true,
     .attention_bias = true,
     .soft_caps = true,
     .activation = ACT_GELU_TANH},
    {.name = "phi3",
     .gguf = "phi3",
     .model_type = "phi3",
     .causal = "Phi3ForCausalLM",
     .classifier = "Phi3ForSequenceClassification",
     .keys = &usual_keys,
     .hf_names = phi3_hf,
     .gguf_names = phi3_gguf,
     .activation = ACT_SILU},
    {.name = "gpt2",
     .gguf = "gpt2",
     .model_type = "gpt2",
     .causal = "GPT2LMHeadModel",
     .classifier = "GPT2ForSequenceClassification",
     .keys = &gpt2_keys,
     .hf_names = gpt2_hf,
     .gguf_names = fused_gguf,
     .layer_norm = true,
     .qkv_bias = true,
     .o_bias = true,
     .ffn_bias = true,
     .ungated = true,
     .learned_positions = true,
     .activation = ACT_GELU_TANH},
    {.name = "gptneox",
     .gguf = "gptneox",
     .model_type = "gpt_neox",
     .causal = "GPTNeoXForCausalLM",
     .classifier = "GPTNeoXForSequenceClassification",
     .keys = &gptneox_keys,
     .hf_names = gptneox_hf,
     .gguf_names = fused_gguf,
     .layer_norm = true,
     .ffn_bias = true,
     .ungated = true,
     .parallel = true,
     .attention_bias = true,
     .activation = ACT_GELU},
};

const Family *family_find(const char *name)
{
    for (int i = 0; i < COUNT(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

const Family *family_at(int i)
{
    return i < COUNT(families) ? &families[i] : NULL;
}

/* What other models are, by parts of their names. */
static const char *kind_of(const char *name)
{
    static const struct {
        const char *part, *kind;
    } kinds[] = {
        {"moe", "a mixture of experts"},
        {"mixtral", "a mixture of experts"},
        {"dbrx", "a mixture of experts"},
        {"deepseek", "a mixture of experts"},
        {"gpt-oss", "a mixture of experts"},
        {"gpt_oss", "a mixture of experts"},
        {"jamba", "a mixture of experts"},
        {"grok", "a mixture of experts"},
        {"arctic", "a mixture of experts"},
        {"llama4", "a mixture of experts"},
        {"minimax", "a mixture of experts"},
        {"qwen3_next", "a mixture of experts"},
        {"qwen3next", "a mixture of experts"},
        {"vl", "a model of images"},
        {"llava", "a model of images"},
        {"gemma3n", "a model of images"},
        {"siglip", "a model of images"},
        {"mllama", "a model of images"},
        {"paligemma", "a model of images"},
        {"idefics", "a model of images"},
        {"pixtral", "a model of images"},
        {"clip", "a model of images"},
        {"vision", "a model of images"},
        {"vit", "a model of images"},
        {"mistral3", "a model of images"},
        {"phi3_v", "a model of images"},
        {"phi4_multimodal", "a model of images"},
        {"phi4mm", "a model of images"},
        {"ovis", "a model of images"},
        {"bert", "an encoder"},
        {"roberta", "an encoder"},
        {"electra", "an encoder"},
        {"deberta", "an encoder"},
        {"longformer", "an encoder"},
        {"t5", "an encoder and a decoder"},
        {"bart", "an encoder and a decoder"},
        {"pegasus", "an encoder and a decoder"},
        {"nllb", "an encoder and a decoder"},
        {"m2m_100", "an encoder and a decoder"},
        {"whisper", "a model of speech"},
        {"audio", "a model of speech"},
        {"mamba", "a state space model"},
        {"falcon_h1", "a state space model"},
        {"falcon-h1", "a state space model"},
        {"hybrid", "a state space model"},
        {"rwkv", "a recurrent model"},
    };
    for (int i = 0; i < COUNT(kinds); i++)
        if (strstr(name, kinds[i].part))
            return kinds[i].kind;
    return NULL;
}

bool family_refuse(const char *where, const char *what, const char *name, Err *err)
{
    Str known = {0};
    for (int i = 0; i < COUNT(families); i++)
        str_addf(&known, "%s%s", i ? ", " : "", families[i].name);
    const char *kind = kind_of(name);
    err_set(err, ERR_INPUT, "%s: the %s \"%.60s\" is not supported%s%s", where, what, name, kind ? ": it is " : "",
            kind ? kind : "");
    err_hint(err, "supported are models of text of the families %s", str_text(&known));
    str_release(&known);
    return false;
}

void family_begin(const Family *f, ModelConfig *c)
{
    snprintf(c->family, sizeof c->family, "%s", f->name);
    c->layer_norm = f->layer_norm;
    c->norm_plus_one = f->norm_plus_one;
    c->post_norms = f->post_norms;
    c->qk_norm = f->qk_norm;
    c->qkv_bias = f->qkv_bias;
    c->o_bias = f->o_bias;
    c->ffn_bias = f->ffn_bias;
    c->ungated = f->ungated;
    c->parallel = f->parallel;
    c->learned_positions = f->learned_positions;
    c->activation = f->activation;
    c->head = HEAD_LM;
    c->bos = c->eos = c->pad = -1;
}

void family_scales(const Family *f, ModelConfig *c)
{
    c->embed_scale = f->scaled_embedding ? (float)sqrt((double)c->width) : 1.0f;
    if (c->attn_scale == 0)
        c->attn_scale = (float)(1.0 / sqrt((double)c->head_dim));
}

int config_pattern(const ModelConfig *c)
{
    for (int period = 1; period <= c->layers + 1; period++) {
        bool same = true;
        for (int i = 0; i < c->layers; i++)
            same = same && c->local[i] == ((i + 1) % period != 0);
        if (same)
            return period;
    }
    return 0;
}

/* --- what they must obey --------------------------------------------------------------------------------- */

static bool refuse(const char *where, const char *what, double value, const char *needs, Err *err)
{
    err_set(err, ERR_INPUT, "%s: %s must be %s, is %.10g", where, what, needs, value);
    return err_hint(err, "the file is damaged, or describes a model that this program does not know");
}

static bool check_sizes(const ModelConfig *c, const char *where, Err *err)
{
    const struct {
        const char *name;
        int value, most;
    } size[] = {
        {"the number of layers", c->layers, MAX_LAYERS},    {"the width", c->width, MOST_WIDTH},
        {"the number of heads", c->heads, MOST_HEADS},      {"the number of key/value heads", c->kv_heads, MOST_HEADS},
        {"the size of a head", c->head_dim, MOST_HEAD_DIM}, {"the feed-forward width", c->ffn, MOST_FFN},
        {"the vocabulary", c->vocab, MOST_VOCAB},           {"the context", c->context, MOST_CONTEXT},
    };
    char range[40];
    for (int i = 0; i < COUNT(size); i++) {
        snprintf(range, sizeof range, "1 to %d", size[i].most);
        if (size[i].value < 1 || size[i].value > size[i].most)
            return refuse(where, size[i].name, size[i].value, range, err);
    }
    snprintf(range, sizeof range, "a divisor of the %d heads", c->heads);
    if (c->heads % c->kv_heads)
        return refuse(where, "the number of key/value heads", c->kv_heads, range, err);
    snprintf(range, sizeof range, "even and 2 to %d", c->head_dim);
    bool none = c->learned_positions && c->rotary_dim == 0;
    if (!none && (c->rotary_dim < 2 || c->rotary_dim > c->head_dim || c->rotary_dim % 2))
        return refuse(where, "the number of rotary dimensions", c->rotary_dim, range, err);
    snprintf(range, sizeof range, "below %d, or -1", c->vocab);
    if (c->bos < -1 || c->bos >= c->vocab)
        return refuse(where, "the id of BOS", c->bos, range, err);
    if (c->eos < -1 || c->eos >= c->vocab)
        return refuse(where, "the id of EOS", c->eos, range, err);
    if (c->head < 1 || c->head > (HEAD_LM | HEAD_REWARD | HEAD_VALUE))
        return refuse(where, "the set of heads", c->head, "1 to 7", err);
    return true;
}

static bool positive(double x)
{
    return x > 0 && isfinite(x);
}

static bool check_turns(const Rope *r, const char *where, Err *err)
{
    if (!positive(r->low_freq))
        return refuse(where, "the low frequency factor", r->low_freq, "a positive number", err);
    if (!positive(r->high_freq) || r->high_freq <= r->low_freq)
        return refuse(where, "the high frequency factor", r->high_freq, "above the low one", err);
    return true;
}

static bool check_long_rope(const Rope *r, int rotary_dim, const char *where, Err *err)
{
    if (rotary_dim > 2 * MAX_ROPE_FACTORS)
        return refuse(where, "the number of rotary dimensions under longrope", rotary_dim, "at most 256", err);
    for (int i = 0; i < MAX_ROPE_FACTORS; i++) {
        bool wanted = i < rotary_dim / 2;
        if (wanted != positive(r->short_factor[i]) || wanted != positive(r->long_factor[i]))
            return err_set(err, ERR_INPUT, "%s: longrope needs %d positive factors, short ones and long ones", where,
                           rotary_dim / 2),
                   err_hint(err, "the file is damaged, or describes a model that this program does not know");
    }
    if (r->long_context < 1 || r->long_context > MOST_CONTEXT)
        return refuse(where, "the long context of longrope", r->long_context, "1 to 1073741824", err);
    return true;
}

static bool check_rope(const Rope *r, int rotary_dim, const char *where, Err *err)
{
    static const char needs[] = "a positive number";
    if (!positive(r->theta))
        return refuse(where, "the rotary base", r->theta, needs, err);
    if (r->scaling == ROPE_PLAIN)
        return true;
    if (r->scaling > ROPE_LONG)
        return refuse(where, "the kind of rotary scaling", r->scaling, "plain, linear, llama3, yarn or longrope", err);
    if (r->scaling != ROPE_LONG && !positive(r->factor))
        return refuse(where, "the rotary scaling factor", r->factor, needs, err);
    if (r->scaling == ROPE_LINEAR)
        return true;
    if (!positive(r->original_context))
        return refuse(where, "the original context of rotary scaling", r->original_context, needs, err);
    if (r->scaling == ROPE_LLAMA3)
        return check_turns(r, where, err);
    if (!positive(r->attention))
        return refuse(where, "the attention factor of rotary scaling", r->attention, needs, err);
    if (r->scaling == ROPE_YARN && r->theta <= 1)
        return refuse(where, "the rotary base under YaRN", r->theta, "above 1", err);
    return r->scaling == ROPE_YARN ? check_turns(r, where, err) : check_long_rope(r, rotary_dim, where, err);
}

static bool check_windows(const ModelConfig *c, const char *where, Err *err)
{
    int local = 0;
    for (int i = 0; i < c->layers; i++)
        local += c->local[i];
    if (c->window < 0 || (local && c->window == 0))
        return refuse(where, "the window of local layers", c->window, "positive", err);
    if (c->window > 0 && !local)
        return refuse(where, "the window of a model without local layers", c->window, "0", err);
    return !local || check_rope(&c->rope_local, c->rotary_dim, where, err);
}

/* transformer.c has no lists for these together, and no family needs them. */
static bool check_parts(const ModelConfig *c, const char *where, Err *err)
{
    bool rotates_and_learns = c->learned_positions && c->rotary_dim;
    if (c->qkv_bias != c->o_bias && !family_find(c->family)->qkv_bias)
        return err_set(err, ERR_INPUT, "%s: attention has biases for its %s alone", where,
                       c->o_bias ? "output" : "input"),
               err_hint(err, "no model of %s is known that has", c->family);
    if (!rotates_and_learns && !(c->parallel && c->post_norms) && !(c->layer_norm && (c->post_norms || c->qk_norm)))
        return true;
    return err_set(err, ERR_INPUT, "%s: %s", where,
                   rotates_and_learns
                       ? "positions are both learned and rotary"
                       : "norms behind the blocks, or of queries and keys, in a model that has none there"),
           err_hint(err, "the file is damaged, or describes a model that this program does not know");
}

bool config_check(const ModelConfig *c, const char *where, Err *err)
{
    if (!family_find(c->family))
        return err_set(err, ERR_INPUT, "%s: unknown family of models \"%.31s\"", where, c->family);
    if (!check_sizes(c, where, err))
        return false;
    if (!positive((double)c->norm_eps) || c->norm_eps >= 1.0f)
        return refuse(where, "the epsilon of norms", (double)c->norm_eps, "above 0 and below 1", err);
    if (!positive((double)c->embed_scale))
        return refuse(where, "the factor on embeddings", (double)c->embed_scale, "a positive number", err);
    if (!positive((double)c->attn_scale))
        return refuse(where, "the factor on attention scores", (double)c->attn_scale, "a positive number", err);
    if (!(c->attn_cap >= 0 && isfinite(c->attn_cap)) || !(c->logit_cap >= 0 && isfinite(c->logit_cap)))
        return refuse(where, "a soft cap", (double)(c->attn_cap >= 0 ? c->logit_cap : c->attn_cap), "positive", err);
    return check_parts(c, where, err) && (c->learned_positions || check_rope(&c->rope, c->rotary_dim, where, err)) &&
           check_windows(c, where, err);
}
