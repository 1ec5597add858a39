/* A configuration as config.json, with the keys of transformers 5 and, where they do no harm, of 4. */
#include "model/config_json.h"

#include "base/json.h"

static void put(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

static void put_text(json_t *o, const char *key, const char *text)
{
    put(o, key, json_string(text));
}

static void put_id(json_t *o, const char *key, int id)
{
    put(o, key, id < 0 ? json_null() : json_integer(id));
}

/* The factor whose product with the head's size, cut off, is the number of rotary dimensions. */
static double rotary_part(const ModelConfig *c)
{
    double part = (double)c->rotary_dim / c->head_dim;
    return (int)(c->head_dim * part) == c->rotary_dim ? part : nextafter(part, 1);
}

static void put_rotary(const ModelConfig *c, json_t *o)
{
    put(o, "rope_parameters", config_rope_json(&c->rope));
    config_put_older_rope(o, &c->rope);
    if (c->rope.scaling == ROPE_LONG)
        put(o, "original_max_position_embeddings", json_integer((json_int_t)c->rope.original_context));
    if (c->rotary_dim != c->head_dim)
        put(o, "partial_rotary_factor", json_real(rotary_part(c)));
}

static void put_window(const ModelConfig *c, json_t *o)
{
    put(o, "sliding_window", c->window ? json_integer(c->window) : json_null());
}

static void put_layer_types(const ModelConfig *c, json_t *o)
{
    json_t *types = json_array();
    for (int i = 0; i < c->layers; i++)
        json_array_append_new(types, json_string(c->local[i] ? "sliding_attention" : "full_attention"));
    put(o, "layer_types", types);
}

static void write_llama(const ModelConfig *c, json_t *o)
{
    put_text(o, "hidden_act", "silu");
    put(o, "mlp_bias", json_boolean(c->ffn_bias));
    put_rotary(c, o);
}

/* mistral and phi3: a window of all layers, or of those that are named. */
static void write_windowed(const ModelConfig *c, json_t *o)
{
    int local = 0;
    for (int i = 0; i < c->layers; i++)
        local += c->local[i];
    put_text(o, "hidden_act", "silu");
    put_rotary(c, o);
    put_window(c, o);
    if (local && local < c->layers)
        put_layer_types(c, o);
}

static void write_qwen(const ModelConfig *c, json_t *o)
{
    int first = 0;
    while (first < c->layers && !c->local[first])
        first++;
    put_text(o, "hidden_act", "silu");
    put_rotary(c, o);
    put(o, "use_sliding_window", json_boolean(c->window > 0));
    put(o, "max_window_layers", json_integer(first));
    put_layer_types(c, o);
    put_window(c, o);
}

/* 1 / scale^2, as the whole number that it is in every model that is known. */
static json_t *scalar_json(float scale)
{
    double scalar = 1 / ((double)scale * (double)scale), whole = floor(scalar + 0.5);
    if (whole >= 1 && whole < 1e9 && (float)(1 / sqrt(whole)) == scale)
        return json_integer((json_int_t)whole);
    return json_real(scalar);
}

static json_t *cap_json(float cap)
{
    return cap > 0 ? json_of_float(cap) : json_null();
}

/* What both Gemmas have. */
static void put_gemma(const ModelConfig *c, json_t *o)
{
    put_text(o, "hidden_activation", "gelu_pytorch_tanh");
    put(o, "attn_logit_softcapping", cap_json(c->attn_cap));
    put(o, "final_logit_softcapping", cap_json(c->logit_cap));
    put_layer_types(c, o);
    put(o, "query_pre_attn_scalar", scalar_json(c->attn_scale));
}

/* Gemmas without local layers say the whole context. */
static void put_gemma_window(const ModelConfig *c, json_t *o)
{
    put(o, "sliding_window", json_integer(c->window ? c->window : c->context));
}

static void write_gemma2(const ModelConfig *c, json_t *o)
{
    put_gemma(c, o);
    put_rotary(c, o);
    put_gemma_window(c, o);
}

static void write_gemma3(const ModelConfig *c, json_t *o)
{
    json_t *ropes = json_object();
    put_gemma(c, o);
    put(ropes, "full_attention", config_rope_json(&c->rope));
    put(o, "rope_parameters", ropes);
    config_put_older_rope(o, &c->rope);
    put_gemma_window(c, o);
    if (c->window) {
        put(ropes, "sliding_attention", config_rope_json(&c->rope_local));
        put(o, "rope_local_base_freq", json_real(c->rope_local.theta));
    }
    if (config_pattern(c))
        put(o, "sliding_window_pattern", json_integer(config_pattern(c)));
}

static void write_gpt2(const ModelConfig *c, json_t *o)
{
    put_text(o, "activation_function", c->activation == ACT_GELU ? "gelu" : "gelu_new");
    put(o, "scale_attn_weights", json_true());
    put(o, "scale_attn_by_inverse_layer_idx", json_false());
    put(o, "attn_pdrop", json_real(0));
    put(o, "embd_pdrop", json_real(0));
    put(o, "resid_pdrop", json_real(0));
}

static void write_gptneox(const ModelConfig *c, json_t *o)
{
    double part = rotary_part(c);
    json_t *rope = config_rope_json(&c->rope);
    put_text(o, "hidden_act", c->activation == ACT_GELU ? "gelu" : "gelu_new");
    put(o, "use_parallel_residual", json_boolean(c->parallel));
    put(rope, "partial_rotary_factor", json_real(part));
    put(o, "rope_parameters", rope);
    put(o, "rotary_pct", json_real(part));
    put(o, "rotary_emb_base", json_real(c->rope.theta));
    config_put_older_rope(o, &c->rope);
}

/* A size that the family has a key for. */
static void put_size(json_t *o, const char *key, int value)
{
    if (key)
        put(o, key, json_integer(value));
}

static const struct Writing {
    const char *family;
    void (*write)(const ModelConfig *c, json_t *o);
} writings[] = {{"llama", write_llama},   {"mistral", write_windowed}, {"qwen2", write_qwen},
                {"qwen3", write_qwen},    {"gemma2", write_gemma2},    {"gemma3", write_gemma3},
                {"phi3", write_windowed}, {"gpt2", write_gpt2},        {"gptneox", write_gptneox}};

static void put_label(json_t *o)
{
    put(o, "num_labels", json_integer(1));
    put(o, "id2label", json_pack("{s:s}", "0", "LABEL_0"));
    put(o, "label2id", json_pack("{s:i}", "LABEL_0", 0));
}

json_t *config_to_json(const ModelConfig *c)
{
    const Family *f = family_find(c->family);
    json_t *o = json_object();
    put(o, "architectures", json_pack("[s]", c->head & HEAD_REWARD ? f->classifier : f->causal));
    put_text(o, "model_type", f->model_type);
    if (c->head & HEAD_REWARD)
        put_label(o);
    put_size(o, f->keys->layers, c->layers);
    put_size(o, f->keys->width, c->width);
    put_size(o, f->keys->heads, c->heads);
    put_size(o, f->keys->kv_heads, c->kv_heads);
    put_size(o, f->keys->head_dim, c->head_dim);
    put_size(o, f->keys->ffn, c->ffn);
    put(o, "vocab_size", json_integer(c->vocab));
    put_size(o, f->keys->context, c->rope.scaling == ROPE_LONG ? c->rope.long_context : c->context);
    put(o, f->keys->norm_eps, json_of_float(c->norm_eps));
    put(o, "tie_word_embeddings", json_boolean(c->tied));
    put(o, "attention_bias", json_boolean(c->o_bias));
    put(o, "attention_dropout", json_real(0));
    for (int i = 0; i < COUNT(writings); i++)
        if (strcmp(writings[i].family, c->family) == 0)
            writings[i].write(c, o);
    put_id(o, "bos_token_id", c->bos);
    put_id(o, "eos_token_id", c->eos);
    if (config_assumed_pad(c->family) >= c->vocab) /* transformers would look for its row */
        put_id(o, "pad_token_id", -1);
    put(o, "initializer_range", json_real(0.02));
    put(o, "use_cache", json_true());
    put_text(o, "dtype", "float32");
    put_text(o, "torch_dtype", "float32");
    return o;
}
