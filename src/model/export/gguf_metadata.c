/* A configuration and a tokenizer as the metadata of a GGUF file: gguf_config.c and gguf_tokenizer.c in the other direction. */
#include "model/export/gguf_metadata.h"

#include "base/mem.h"
#include "base/real.h"
#include "text/prepare/charsmap.h"

/* --- what has no form ------------------------------------------------------------------------------- */

static bool is_family(const ModelConfig *c, const char *gguf)
{
    return strcmp(family_find(c->family)->gguf, gguf) == 0;
}

/* Readers know Llama 3's scaling by a table of divisors, the largest of which is its factor, and the bounds that all its models
 * have; YaRN's bounds by heart. */
static bool rope_can_be_said(const ModelConfig *c)
{
    const Rope *r = &c->rope;
    switch (r->scaling) {
    case ROPE_LLAMA3:
        return is_family(c, "llama") && r->low_freq == 1 && r->high_freq == 4 &&
               gguf_llama3_divisor(r, c->rotary_dim / 2 - 1, c->rotary_dim) == r->factor;
    case ROPE_YARN: return r->low_freq == 1 && r->high_freq == 32;
    case ROPE_LONG: return is_family(c, "phi3");
    default: return true;
    }
}

/* The factor on q.k that readers compute with: none is in the file for them. */
static bool scale_is_usual(const ModelConfig *c)
{
    ModelConfig usual = *c;
    usual.attn_scale = 0;
    gguf_scale_large(&usual);
    family_scales(family_find(c->family), &usual);
    return usual.attn_scale == c->attn_scale;
}

bool gguf_can_say(const ModelConfig *c, Err *err)
{
    const Family *f = family_find(c->family);
    bool llama = is_family(c, "llama"), gemma2 = is_family(c, "gemma2"), neox = is_family(c, "gptneox");
    bool of_width = is_family(c, "qwen2") || is_family(c, "phi3");
    const struct {
        bool is;
        const char *what;
    } parts[] = {
        {(c->head & (HEAD_LM | HEAD_REWARD)) != HEAD_LM, c->head & HEAD_REWARD ? "a reward head" : "a value head"},
        {c->rotary_dim > 0 && !rope_can_be_said(c), "its rotary scaling"},
        {llama && c->rotary_dim != c->head_dim, "a rotation of a part of every head"},
        {c->activation != f->activation, "its activation"},
        {c->attn_cap > 0 && !gemma2, "a soft cap of attention"},
        {gemma2 && (c->attn_cap == 0 || c->logit_cap == 0), "the absence of a soft cap"},
        {c->window && is_family(c, "gemma3") && c->rope_local.scaling != ROPE_PLAIN,
         "its scaling of the local layers' rotation"},
        {!scale_is_usual(c), "its factor on attention scores (query_pre_attn_scalar)"},
        {c->o_bias && f->attention_bias && !llama && !neox, "biases of attention"},
        {neox && !c->o_bias, "attention without biases"},
        {neox && c->tied, "a head that is the embedding"},
        {gemma2 && !c->tied, "a head that is not the embedding"},
        {of_width && c->heads * c->head_dim != c->width, "heads that are not as wide as the model together"},
    };
    for (int i = 0; i < COUNT(parts); i++)
        if (parts[i].is)
            return err_set(err, ERR_INPUT, "%s has no place in a GGUF file of the family %s", parts[i].what, f->gguf),
                   err_hint(err, "write it with --format hf");
    return true;
}

/* --- the configuration ------------------------------------------------------------------------------ */

typedef struct Meta {
    GgufWriter *w;
    const char *family;
} Meta;

typedef struct Key {
    char name[128];
} Key;

static Key key_of(const Meta *m, const char *name)
{
    Key key;
    snprintf(key.name, sizeof key.name, "%s.%s", m->family, name);
    return key;
}

static void put_u32(const Meta *m, const char *name, int v)
{
    gguf_put_u32(m->w, key_of(m, name).name, (uint32_t)v);
}

static void put_f32(const Meta *m, const char *name, double v)
{
    gguf_put_f32(m->w, key_of(m, name).name, v);
}

static void put_sizes(const Meta *m, const ModelConfig *c)
{
    put_u32(m, "block_count", c->layers);
    put_u32(m, "context_length", c->rope.scaling == ROPE_LONG ? c->rope.long_context : c->context);
    put_u32(m, "embedding_length", c->width);
    put_u32(m, "feed_forward_length", c->ffn);
    put_u32(m, "attention.head_count", c->heads);
    put_u32(m, "attention.head_count_kv", c->kv_heads);
    put_u32(m, "attention.key_length", c->head_dim);
    put_u32(m, "attention.value_length", c->head_dim);
    put_f32(m, c->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
            (double)c->norm_eps);
    put_u32(m, "vocab_size", c->vocab);
}

static void put_rope(const Meta *m, const ModelConfig *c)
{
    static const char *const kinds[] = {[ROPE_LINEAR] = "linear", [ROPE_YARN] = "yarn", [ROPE_LONG] = "longrope"};
    const Rope *r = &c->rope;
    if (c->rotary_dim == 0)
        return;
    put_u32(m, "rope.dimension_count", c->rotary_dim);
    put_f32(m, "rope.freq_base", r->theta);
    if (r->scaling < COUNT(kinds) && kinds[r->scaling])
        gguf_put_text(m->w, key_of(m, "rope.scaling.type").name, kinds[r->scaling]);
    if (r->scaling == ROPE_LINEAR || r->scaling == ROPE_YARN)
        put_f32(m, "rope.scaling.factor", r->factor);
    if (r->scaling != ROPE_PLAIN && r->scaling != ROPE_LINEAR)
        put_u32(m, "rope.scaling.original_context_length", (int)r->original_context);
    if (r->scaling == ROPE_YARN) /* who reads it multiplies with this again */
        put_f32(m, "rope.scaling.attn_factor", r->attention / (r->factor > 1 ? 1 + 0.1 * real_log(r->factor) : 1));
    if (r->scaling == ROPE_LONG)
        put_f32(m, "rope.scaling.attn_factor", r->attention);
}

/* Every how manieth layer sees everything; where no such number says it, layer by layer. */
static void put_window(const Meta *m, const ModelConfig *c)
{
    bool always = is_family(c, "gemma2") || is_family(c, "gemma3"); /* of which readers expect a window */
    if (c->window || always)
        put_u32(m, "attention.sliding_window", c->window);
    if (!c->window)
        return;
    Key key = key_of(m, "attention.sliding_window_pattern");
    int period = config_pattern(c);
    if (period)
        gguf_put_u32(m->w, key.name, (uint32_t)period);
    else
        gguf_put_array(m->w, key.name, GGUF_BOOL, c->local, c->layers);
    if (is_family(c, "gemma3"))
        put_f32(m, "rope.freq_base_swa", c->rope_local.theta);
}

void gguf_put_config(GgufWriter *w, const ModelConfig *c)
{
    const Family *f = family_find(c->family);
    Meta m = {w, f->gguf};
    gguf_put_text(w, "general.architecture", f->gguf);
    put_sizes(&m, c);
    put_rope(&m, c);
    put_window(&m, c);
    bool capped = is_family(c, "gemma2"); /* of which readers expect caps */
    if (capped)
        put_f32(&m, "attn_logit_softcapping", (double)c->attn_cap);
    if (capped || c->logit_cap > 0)
        put_f32(&m, "final_logit_softcapping", (double)c->logit_cap);
    if (is_family(c, "gptneox"))
        gguf_put_bool(w, key_of(&m, "use_parallel_residual").name, c->parallel);
}

/* --- rotary tables ---------------------------------------------------------------------------------- */

void gguf_declare_ropes(GgufWriter *w, const ModelConfig *c)
{
    size_t half = (size_t)c->rotary_dim / 2;
    if (c->rope.scaling == ROPE_LLAMA3)
        gguf_declare(w, "rope_freqs.weight", DTYPE_F32, &half, 1);
    if (c->rope.scaling == ROPE_LONG) {
        gguf_declare(w, "rope_factors_long.weight", DTYPE_F32, &half, 1);
        gguf_declare(w, "rope_factors_short.weight", DTYPE_F32, &half, 1);
    }
}

static bool give_factors(GgufWriter *w, const double *factor, int n, Err *err)
{
    float values[MAX_ROPE_FACTORS];
    for (int i = 0; i < n; i++)
        values[i] = (float)factor[i];
    return gguf_row(w, values, err);
}

bool gguf_give_ropes(GgufWriter *w, const ModelConfig *c, Err *err)
{
    const Rope *r = &c->rope;
    int half = c->rotary_dim / 2;
    if (r->scaling == ROPE_LONG)
        return give_factors(w, r->long_factor, half, err) && give_factors(w, r->short_factor, half, err);
    if (r->scaling != ROPE_LLAMA3)
        return true;
    float *divisor = mem_alloc((size_t)half, sizeof *divisor);
    for (int i = 0; i < half; i++)
        divisor[i] = (float)gguf_llama3_divisor(r, i, c->rotary_dim);
    bool ok = gguf_row(w, divisor, err);
    free(divisor);
    return ok;
}

/* --- the tokenizer ---------------------------------------------------------------------------------- */

/* What unigram models have beside: the map of characters as bytes. */
static void put_unigram(GgufWriter *w, const TokenizerSpec *s)
{
    size_t n = 0;
    unsigned char *map = s->charsmap ? charsmap_bytes(s->charsmap, &n) : NULL;
    gguf_put_bool(w, "tokenizer.ggml.remove_extra_whitespaces", s->merge_blanks);
    if (map)
        gguf_put_array(w, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, map, (int)n);
    free(map);
}

void gguf_put_tokenizer(GgufWriter *w, const TokenizerSpec *s, const ModelConfig *c, const char *chat_template)
{
    const struct {
        const char *name;
        int id;
    } special[] = {{"bos", s->bos >= 0 ? s->bos : c->bos},
                   {"eos", s->eos >= 0 ? s->eos : c->eos},
                   {"eot", s->eot},
                   {"unknown", s->unk},
                   {"padding", s->pad}};
    if (s->eats_blanks) /* who reads it knows that by the name alone */
        gguf_put_text(w, "general.name", "Phi-3");
    gguf_put_text(w, "tokenizer.ggml.model", s->model);
    if (s->pre)
        gguf_put_text(w, "tokenizer.ggml.pre", s->pre);
    gguf_put_texts(w, "tokenizer.ggml.tokens", s->tokens, s->n);
    if (s->scores)
        gguf_put_array(w, "tokenizer.ggml.scores", GGUF_F32, s->scores, s->n);
    gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, s->types, s->n);
    if (s->merges)
        gguf_put_texts(w, "tokenizer.ggml.merges", s->merges, s->n_merges);
    for (int i = 0; i < COUNT(special); i++) {
        char key[60];
        int id = special[i].id;
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", special[i].name);
        if (id >= 0 || gguf_usual_id(s->model, special[i].name, s->n) >= 0) /* none, where one would be understood */
            gguf_put_u32(w, key, id >= 0 ? (uint32_t)id : UINT32_MAX);
    }
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", s->add_bos);
    gguf_put_bool(w, "tokenizer.ggml.add_eos_token", s->add_eos);
    if (s->scores)
        gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", s->add_space_prefix);
    if (strcmp(s->model, "t5") == 0)
        put_unigram(w, s);
    if (chat_template)
        gguf_put_text(w, "tokenizer.chat_template", chat_template);
}
