/* A configuration as config.json, with the keys of transformers 5 and, where they do no harm, of 4. */
#include "model/config.h"

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

/* rope_type and the numbers of its kind. */
static json_t *scaling_json(const Rope *r)
{
    static const char *const kinds[] = {"default", "linear", "llama3"};
    json_t *o = json_object();
    put_text(o, "rope_type", kinds[r->scaling]);
    if (r->scaling != ROPE_PLAIN)
        put(o, "factor", json_real(r->factor));
    if (r->scaling == ROPE_LLAMA3) {
        double n = r->original_context;
        put(o, "low_freq_factor", json_real(r->low_freq));
        put(o, "high_freq_factor", json_real(r->high_freq));
        put(o, "original_max_position_embeddings",
            floor(n) == n && n < 1e15 ? json_integer((json_int_t)n) : json_real(n));
    }
    return o;
}

static json_t *rope_json(const Rope *r)
{
    json_t *o = scaling_json(r);
    put(o, "rope_theta", json_real(r->theta));
    return o;
}

/* transformers 4 has the scaling of the global layers apart, and null for none. */
static void put_older_rope(json_t *o, const Rope *r)
{
    put(o, "rope_theta", json_real(r->theta));
    put(o, "rope_scaling", r->scaling == ROPE_PLAIN ? json_null() : scaling_json(r));
}

/* The factor whose product with the head's size, cut off, is the number of rotary dimensions. */
static double rotary_part(const ModelConfig *c)
{
    double part = (double)c->rotary_dim / c->head_dim;
    return (int)(c->head_dim * part) == c->rotary_dim ? part : nextafter(part, 1);
}

static void write_llama(const ModelConfig *c, json_t *o)
{
    put_text(o, "hidden_act", "silu");
    put(o, "mlp_bias", json_false());
    put(o, "rope_parameters", rope_json(&c->rope));
    put_older_rope(o, &c->rope);
    if (c->rotary_dim != c->head_dim)
        put(o, "partial_rotary_factor", json_real(rotary_part(c)));
}

/* 1 / scale^2, as the whole number that it is in every model that is known. */
static json_t *scalar_json(float scale)
{
    double scalar = 1 / ((double)scale * (double)scale), whole = floor(scalar + 0.5);
    if (whole >= 1 && whole < 1e9 && (float)(1 / sqrt(whole)) == scale)
        return json_integer((json_int_t)whole);
    return json_real(scalar);
}

/* Every how manieth layer is global, or 0 where no such number describes the layers. */
static int pattern_of(const ModelConfig *c)
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

static void write_gemma3(const ModelConfig *c, json_t *o)
{
    json_t *types = json_array(), *ropes = json_object();
    for (int i = 0; i < c->layers; i++)
        json_array_append_new(types, json_string(c->local[i] ? "sliding_attention" : "full_attention"));
    put(ropes, "full_attention", rope_json(&c->rope));
    put_text(o, "hidden_activation", "gelu_pytorch_tanh");
    put(o, "attn_logit_softcapping", json_null());
    put(o, "final_logit_softcapping", json_null());
    put(o, "layer_types", types);
    put(o, "query_pre_attn_scalar", scalar_json(c->attn_scale));
    put(o, "rope_parameters", ropes);
    put_older_rope(o, &c->rope);
    put(o, "sliding_window", json_integer(c->window ? c->window : c->context));
    if (c->window) {
        put(ropes, "sliding_attention", rope_json(&c->rope_local));
        put(o, "rope_local_base_freq", json_real(c->rope_local.theta));
    }
    if (pattern_of(c))
        put(o, "sliding_window_pattern", json_integer(pattern_of(c)));
}

static const struct Writing {
    const char *family;
    void (*write)(const ModelConfig *c, json_t *o);
} writings[] = {{"llama", write_llama}, {"gemma3", write_gemma3}};

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
    put(o, "num_hidden_layers", json_integer(c->layers));
    put(o, "hidden_size", json_integer(c->width));
    put(o, "num_attention_heads", json_integer(c->heads));
    put(o, "num_key_value_heads", json_integer(c->kv_heads));
    put(o, "head_dim", json_integer(c->head_dim));
    put(o, "intermediate_size", json_integer(c->ffn));
    put(o, "vocab_size", json_integer(c->vocab));
    put(o, "max_position_embeddings", json_integer(c->context));
    put(o, "rms_norm_eps", json_of_float(c->norm_eps));
    put(o, "tie_word_embeddings", json_boolean(c->tied));
    put(o, "attention_bias", json_false());
    put(o, "attention_dropout", json_real(0));
    for (int i = 0; i < COUNT(writings); i++)
        if (strcmp(writings[i].family, c->family) == 0)
            writings[i].write(c, o);
    put_id(o, "bos_token_id", c->bos);
    put_id(o, "eos_token_id", c->eos);
    put(o, "initializer_range", json_real(0.02));
    put(o, "use_cache", json_true());
    put_text(o, "dtype", "float32");
    put_text(o, "torch_dtype", "float32");
    return o;
}
