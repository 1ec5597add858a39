/* GGUF metadata as a configuration: the keys are "<architecture>.<name>", and what they say must agree with
 * the tensors. gemma3's norms are stored with the 1 of norm_plus_one added, llama's attn_q and attn_k with
 * their rows in pairs: the configuration describes the model in memory, and the loader takes both away. */
#include "model/gguf_config.h"

#include "base/mem.h"
#include "base/real.h"
#include "base/str.h"
#include "model/params.h"
#include "model/places.h"
#include "model/stored.h"

#include <limits.h>

typedef struct Meta {
    const Gguf *g;
    ModelConfig *c;
    Err *err;
} Meta;

typedef struct Key {
    char name[128]; /* "llama.block_count" */
} Key;

static Key key_of(const Meta *m, const char *name)
{
    Key key;
    snprintf(key.name, sizeof key.name, "%s.%s", family_find(m->c->family)->gguf, name);
    return key;
}

/* A number, or an array (one entry a layer) of equal ones; `otherwise` where it is absent, an error if that
 * is NaN. */
static bool meta_real(const Meta *m, const char *name, double otherwise, double *out)
{
    Key key = key_of(m, name);
    const GgufValue *v = gguf_value(m->g, key.name);
    *out = otherwise;
    if (!v && isnan(otherwise))
        return err_set(m->err, ERR_INPUT, "%s: the metadata \"%s\" is missing", m->g->path, key.name),
               err_hint(m->err, "the file holds no complete model: convert it again");
    if (!v)
        return true;
    if (v->item == GGUF_BOOL || !gguf_item(v, 0, out))
        return err_set(m->err, ERR_INPUT, "%s: the metadata \"%s\" must be a number", m->g->path, key.name),
               err_hint(m->err, "the file is damaged: download or convert it again");
    double other = *out;
    for (uint64_t i = 1; i < v->n; i++)
        if (!gguf_item(v, i, &other) || other != *out)
            return err_set(m->err, ERR_INPUT, "%s: \"%s\" differs between layers (%g and %g)", m->g->path, key.name,
                           *out, other),
                   err_hint(m->err, "only models whose layers are all of one size are supported");
    return true;
}

/* Texts and switches are what they should be, where they are there. */
static bool check_types(const Meta *m)
{
    return gguf_typed(m->g, key_of(m, "rope.scaling.type").name, GGUF_TEXT, m->err) &&
           gguf_typed(m->g, key_of(m, "attention.causal").name, GGUF_BOOL, m->err) &&
           gguf_typed(m->g, key_of(m, "use_parallel_residual").name, GGUF_BOOL, m->err);
}

static const int REQUIRED = -1;

static bool meta_int(const Meta *m, const char *name, int otherwise, int *out)
{
    double v;
    if (!meta_real(m, name, otherwise == REQUIRED ? (double)NAN : otherwise, &v))
        return false;
    *out = v >= 0 && v <= INT_MAX ? (int)v : -1;
    if (*out == v)
        return true;
    return err_set(m->err, ERR_INPUT, "%s: \"%s\" must be a whole number from 0 to %d, is %.10g", m->g->path,
                   key_of(m, name).name, INT_MAX, v),
           err_hint(m->err, "the file is damaged: download or convert it again");
}

static bool read_sizes(const Meta *m)
{
    ModelConfig *c = m->c;
    int value_length;
    double eps;
    if (!(meta_int(m, "block_count", REQUIRED, &c->layers) && meta_int(m, "context_length", REQUIRED, &c->context) &&
          meta_int(m, "embedding_length", REQUIRED, &c->width) &&
          meta_int(m, "feed_forward_length", REQUIRED, &c->ffn) &&
          meta_int(m, "attention.head_count", REQUIRED, &c->heads) &&
          meta_int(m, "attention.head_count_kv", c->heads, &c->kv_heads) &&
          meta_int(m, "attention.key_length", c->heads ? c->width / c->heads : 0, &c->head_dim) &&
          meta_int(m, "attention.value_length", c->head_dim, &value_length) &&
          meta_int(m, "rope.dimension_count", c->learned_positions ? 0 : c->head_dim, &c->rotary_dim) &&
          meta_real(m, c->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", (double)NAN,
                    &eps)))
        return false;
    c->norm_eps = (float)eps;
    if (value_length != c->head_dim)
        return err_set(m->err, ERR_INPUT, "%s: attention.value_length is %d, attention.key_length %d", m->g->path,
                       value_length, c->head_dim),
               err_hint(m->err, "only models whose keys and values are of one size are supported");
    return true;
}

/* What would change the numbers and is refused, as no operation here does it: each must be absent or 0. */
static bool refuse_unknown(const Meta *m)
{
    static const char *const zero[] = {"attn_logit_softcapping",  "final_logit_softcapping", "logit_scale",
                                       "residual_scale",          "embedding_scale",         "attention.clamp_kqv",
                                       "attention.max_alibi_bias"};
    double v, experts;
    if (!meta_real(m, "expert_count", 0, &experts))
        return false;
    if (experts != 0)
        return err_set(m->err, ERR_INPUT, "%s: \"%s\" is %g: a mixture of experts is not supported", m->g->path,
                       key_of(m, "expert_count").name, experts),
               err_hint(m->err, "take a dense model");
    for (int i = family_find(m->c->family)->soft_caps ? 2 : 0; i < COUNT(zero); i++) {
        if (!meta_real(m, zero[i], 0, &v))
            return false;
        if (v != 0)
            return err_set(m->err, ERR_INPUT, "%s: \"%s\" is %g, which is not supported", m->g->path,
                           key_of(m, zero[i]).name, v),
                   err_hint(m->err, "take a model without it");
    }
    bool causal = true;
    if (gguf_bool(m->g, key_of(m, "attention.causal").name, &causal) && !causal)
        return err_set(m->err, ERR_INPUT, "%s: an encoder: its attention looks ahead", m->g->path),
               err_hint(m->err, "take a model that generates text");
    return true;
}

/* YaRN; llama.cpp multiplies the factor on cosines and sines with that of the file. */
static bool read_yarn(const Meta *m, Rope *r)
{
    double share;
    r->scaling = ROPE_YARN;
    if (!meta_real(m, "rope.scaling.original_context_length", m->c->context, &r->original_context) ||
        !meta_real(m, "rope.scaling.yarn_beta_slow", 1, &r->low_freq) ||
        !meta_real(m, "rope.scaling.yarn_beta_fast", 32, &r->high_freq) ||
        !meta_real(m, "rope.scaling.attn_factor", 1, &share))
        return false;
    r->attention = r->factor > 1 ? share * (1 + 0.1 * real_log(r->factor)) : share;
    return true;
}

static bool read_rope(const Meta *m)
{
    Rope *r = &m->c->rope;
    const char *kind = "linear";
    double old;
    gguf_text(m->g, key_of(m, "rope.scaling.type").name, &kind);
    bool none = strcmp(kind, "none") == 0, yarn = strcmp(kind, "yarn") == 0, by_table = strcmp(kind, "longrope") == 0;
    if (!none && !yarn && !by_table && strcmp(kind, "linear") != 0)
        return err_set(m->err, ERR_INPUT, "%s: rotary scaling of the kind \"%.50s\" is not supported", m->g->path,
                       kind),
               err_hint(m->err, "take a model with none, linear, YaRN, longrope or Llama 3's scaling");
    if (!meta_real(m, "rope.freq_base", 10000, &r->theta) || !meta_real(m, "rope.scale_linear", 1, &old) ||
        !meta_real(m, "rope.scaling.factor", old, &r->factor))
        return false;
    if (yarn)
        return read_yarn(m, r);
    if (none || by_table || r->factor == 0 || r->factor == 1)
        r->factor = 0;
    else
        r->scaling = ROPE_LINEAR;
    return true;
}

double gguf_llama3_divisor(const Rope *r, int i, int rotary_dim)
{
    double wavelength = 6.283185307179586 * real_pow(r->theta, 2.0 * i / rotary_dim);
    double turns = r->original_context / wavelength;
    if (turns > r->high_freq)
        return 1;
    if (turns < r->low_freq)
        return r->factor;
    double smooth = (turns - r->low_freq) / (r->high_freq - r->low_freq);
    return 1 / ((1 - smooth) / r->factor + smooth);
}

/* Are the divisors of the rotary frequencies those of Llama 3's scaling? They are all that is stored of it: it is found
 * again from the largest, the one of the lowest frequency, and the numbers that all its models have. */
static bool is_llama3(const float *divisor, Rope *guess, int rotary_dim)
{
    int n = rotary_dim / 2;
    guess->factor = (double)divisor[n - 1];
    for (int i = 0; i < n; i++) {
        double wanted = gguf_llama3_divisor(guess, i, rotary_dim);
        if (!(fabs((double)divisor[i] - wanted) <= 1e-4 * wanted))
            return false;
    }
    return true;
}

/* A table of divisors that does nothing is none; any other must be what the configuration can say. */
static bool read_divisors(const Meta *m, bool llama3)
{
    static const char name[] = "rope_freqs.weight";
    const StoredTensor *t = gguf_find(m->g, name);
    if (!t)
        return !gguf_unread(m->g, name, m->err);
    Rope *r = &m->c->rope, guess = {r->theta, ROPE_LLAMA3, .low_freq = 1, .high_freq = 4};
    int n = m->c->rotary_dim / 2;
    double original;
    if (!meta_real(m, "rope.scaling.original_context_length", 8192, &original))
        return false;
    guess.original_context = original;
    bool plain = n > 0 && stored_values(t) == (size_t)n && dtype_info(t->type)->block == 1, fits = plain;
    float *divisor = mem_zalloc((size_t)n, sizeof *divisor);
    if (plain)
        dtype_to_f32(t->type, t->bytes, divisor, (size_t)n);
    for (int i = 0; i < n; i++)
        plain = plain && divisor[i] == 1.0f;
    if (!plain && fits)
        fits = llama3 && r->scaling == ROPE_PLAIN && r->theta > 0 && is_llama3(divisor, &guess, m->c->rotary_dim);
    free(divisor);
    if (fits && !plain)
        *r = guess;
    return fits || (err_set(m->err, ERR_INPUT, "%s: %s is not Llama 3's rotary scaling", m->g->path, name),
                    err_hint(m->err, "no other scaling by a table is supported"));
}

/* One of longrope's two tables. */
static bool read_factors(const Meta *m, const char *name, double *out)
{
    const StoredTensor *t = gguf_find(m->g, name);
    int n = m->c->rotary_dim / 2;
    if (!t)
        return gguf_unread(m->g, name, m->err)
                   ? false
                   : (err_set(m->err, ERR_INPUT, "%s: the tensor \"%s\" is missing", m->g->path, name),
                      err_hint(m->err, "the file holds no complete model: convert it again"));
    if (n < 1 || n > MAX_ROPE_FACTORS || stored_values(t) != (size_t)n || dtype_info(t->type)->block != 1)
        return err_set(m->err, ERR_INPUT, "%s: \"%s\" has %zu numbers, the model %d rotary dimensions", m->g->path,
                       name, stored_values(t), m->c->rotary_dim),
               err_hint(m->err, "the metadata and the weights are of different models: convert it again");
    float *factor = mem_alloc((size_t)n, sizeof *factor);
    dtype_to_f32(t->type, t->bytes, factor, (size_t)n);
    for (int i = 0; i < n; i++)
        out[i] = (double)factor[i];
    free(factor);
    return true;
}

/* A factor on cosines and sines, of which the kinds of scaling without one make other numbers. */
static bool check_share(const Meta *m)
{
    double share;
    if (!meta_real(m, "rope.scaling.attn_factor", 1, &share))
        return false;
    bool has = m->c->rope.scaling == ROPE_YARN || m->c->rope.scaling == ROPE_LONG;
    return has || share == 1 ||
           (err_set(m->err, ERR_INPUT, "%s: \"%s\" is %g, which only YaRN and longrope have", m->g->path,
                    key_of(m, "rope.scaling.attn_factor").name, share),
            err_hint(m->err, "take a model without it"));
}

/* Phi-3's rotation by tables, where the file has them: the context becomes that of the short ones. */
static bool read_long_rope(const Meta *m)
{
    ModelConfig *c = m->c;
    Rope *r = &c->rope;
    if (!gguf_find(m->g, "rope_factors_short.weight") && !gguf_find(m->g, "rope_factors_long.weight"))
        return true;
    r->scaling = ROPE_LONG;
    r->long_context = c->context;
    if (!read_factors(m, "rope_factors_short.weight", r->short_factor) ||
        !read_factors(m, "rope_factors_long.weight", r->long_factor) ||
        !meta_real(m, "rope.scaling.original_context_length", c->context, &r->original_context) ||
        !meta_real(m, "rope.scaling.attn_factor", 1, &r->attention))
        return false;
    if (c->context > r->original_context)
        c->context = (int)r->original_context;
    return true;
}

/* Every how manieth layer sees everything (0: none does), unless the file says another, or lists the local ones. */
static bool read_pattern(const Meta *m, int period)
{
    static const char name[] = "attention.sliding_window_pattern";
    ModelConfig *c = m->c;
    const GgufValue *v = gguf_value(m->g, key_of(m, name).name);
    bool listed = v && v->type == GGUF_ARRAY;
    if (!listed && !meta_int(m, name, period, &period))
        return false;
    if (listed && (v->n != (uint64_t)c->layers || !v->n))
        return err_set(m->err, ERR_INPUT, "%s: \"%s\" lists %llu layers of %d", m->g->path, key_of(m, name).name,
                       (unsigned long long)v->n, c->layers);
    bool any = false;
    for (int i = 0; i < c->layers && i < MAX_LAYERS; i++) {
        double local = period == 0 || (i + 1) % period != 0;
        if (listed && !gguf_item(v, (uint64_t)i, &local))
            return err_set(m->err, ERR_INPUT, "%s: \"%s\" must be a number or a list of booleans", m->g->path,
                           key_of(m, name).name);
        c->local[i] = local != 0;
        any = any || c->local[i];
    }
    if (!any)
        c->window = 0;
    return true;
}

/* The layers that a list or a period says are local, if the file has a window at all; they turn as the others do. `otherwise`: the
 * period of a family whose files say none; 0: all are local. */
static bool read_window(const Meta *m, int window, int otherwise)
{
    ModelConfig *c = m->c;
    if (!meta_int(m, "attention.sliding_window", window, &c->window))
        return false;
    if (c->window == 0)
        return true;
    if (!read_pattern(m, otherwise))
        return false;
    if (c->window)
        c->rope_local = c->rope;
    return true;
}

/* Mistral's files are llama's with a window. */
static bool read_llama(const Meta *m)
{
    if (!read_divisors(m, true) || !read_window(m, 0, 0))
        return false;
    if (m->c->window)
        snprintf(m->c->family, sizeof m->c->family, "mistral");
    return true;
}

static bool read_qwen(const Meta *m)
{
    return read_divisors(m, false) && read_window(m, 0, 0);
}

static bool read_phi3(const Meta *m)
{
    return read_long_rope(m) && read_window(m, 0, 0);
}

static bool read_gpt2(const Meta *m)
{
    (void)m;
    return true;
}

static bool read_gptneox(const Meta *m)
{
    m->c->parallel = true;
    gguf_bool(m->g, key_of(m, "use_parallel_residual").name, &m->c->parallel);
    return read_divisors(m, false);
}

void gguf_scale_large(ModelConfig *c)
{
    bool large = (c->layers == 46 && !strcmp(c->family, "gemma2")) || (c->layers == 62 && !strcmp(c->family, "gemma3"));
    if (large && c->attn_scale == 0 && c->width > 0)
        c->attn_scale = (float)sqrt((double)c->heads / c->width);
}

static bool read_gemma2(const Meta *m)
{
    double cap, logit_cap;
    if (!read_divisors(m, false) || !read_window(m, 4096, 2) || !meta_real(m, "attn_logit_softcapping", 50, &cap) ||
        !meta_real(m, "final_logit_softcapping", 30, &logit_cap))
        return false;
    m->c->attn_cap = (float)cap;
    m->c->logit_cap = (float)logit_cap;
    return true;
}

static bool read_gemma3(const Meta *m)
{
    ModelConfig *c = m->c;
    double theta, cap;
    if (!read_divisors(m, false) || !read_window(m, REQUIRED, 6) ||
        !meta_real(m, "rope.local.freq_base", 10000, &theta) || !meta_real(m, "rope.freq_base_swa", theta, &theta) ||
        !meta_real(m, "final_logit_softcapping", 0, &cap))
        return false;
    c->logit_cap = (float)cap;
    if (c->window)
        c->rope_local = (Rope){.theta = theta};
    return true;
}

static const struct Reading {
    const char *family;
    bool (*read)(const Meta *m); /* after the sizes and the rotation */
} readings[] = {{"llama", read_llama},   {"qwen2", read_qwen}, {"qwen3", read_qwen}, {"gemma2", read_gemma2},
                {"gemma3", read_gemma3}, {"phi3", read_phi3},  {"gpt2", read_gpt2},  {"gptneox", read_gptneox}};

static bool find_family(const Gguf *g, ModelConfig *c, const struct Reading **reading, Err *err)
{
    const char *name = NULL;
    gguf_text(g, "general.architecture", &name);
    for (int i = 0; i < COUNT(readings); i++)
        if (name && strcmp(readings[i].family, name) == 0) {
            *reading = &readings[i];
            family_begin(family_find(name), c);
            return true;
        }
    if (name)
        return family_refuse(g->path, "architecture", name, err);
    err_set(err, ERR_INPUT, "%s: the metadata \"general.architecture\" is missing", g->path);
    return err_hint(err, "the file holds no complete model: convert it again");
}

/* --- the tensors ------------------------------------------------------------------------------------ */

/* The tensor of a parameter is there, in the parameter's shape. */
static bool check_tensor(const Meta *m, const Param *p)
{
    const char *name = p->gguf.name;
    const StoredTensor *t = gguf_find(m->g, name);
    if (!t && gguf_unread(m->g, name, m->err))
        return false;
    if (!t)
        return err_set(m->err, ERR_INPUT, "%s: the tensor \"%s\" is missing", m->g->path, name),
               err_hint(m->err, "the file holds no complete model: convert it again");
    size_t shape[2];
    int dims = stored_shape(p, &p->gguf, shape);
    bool matrix = dims == 2;
    if (t->dims == dims && t->shape[0] == shape[0] && (!matrix || t->shape[1] == shape[1]))
        return true;
    Str s = {0};
    str_addf(&s, "%s: the tensor \"%s\" has shape [", m->g->path, name);
    for (int i = 0; i < t->dims; i++)
        str_addf(&s, "%s%zu", i ? ", " : "", t->shape[i]);
    str_addf(&s, "], the metadata (%s%s%s) makes it [%zu", p->sizes[0] ? p->sizes[0] : "general.architecture",
             matrix ? " and " : "", matrix ? p->sizes[1] : "", shape[0]);
    if (matrix)
        str_addf(&s, ", %zu", shape[1]);
    str_add(&s, "]");
    err_set(m->err, ERR_INPUT, "%s", str_text(&s));
    str_release(&s);
    return err_hint(m->err, "the metadata and the weights are of different models: convert it again");
}

/* No layer beyond the last. */
static bool check_layers(const Meta *m)
{
    for (int i = 0; i < gguf_tensors(m->g); i++) {
        const char *name = gguf_tensor(m->g, i)->name;
        if (str_starts(name, "blk.") && strtol(name + 4, NULL, 10) >= m->c->layers)
            return err_set(m->err, ERR_INPUT, "%s: the tensor \"%s\", but block_count is %d", m->g->path, name,
                           m->c->layers),
                   err_hint(m->err, "the metadata and the weights are of different models: convert it again");
    }
    return true;
}

/* Every parameter of the table has its tensor, and every tensor a place. */
static bool check_tensors(const Meta *m)
{
    if (!check_layers(m) || !places_check(m->c, true, m->g->tensors, m->g->n_tensors, m->g->path, m->err))
        return false;
    Weights *w = mem_zalloc(1, sizeof *w);
    weights_shapes(w, m->c);
    ParamList list = params_list(w, m->c);
    bool ok = true;
    for (int i = 0; i < list.n && ok; i++)
        ok = check_tensor(m, &list.param[i]);
    params_free(&list);
    free(w);
    return ok;
}

/* The vocabulary is as large as the embedding, and whatever else tells its size must agree. */
static bool read_vocabulary(const Meta *m)
{
    ModelConfig *c = m->c;
    const StoredTensor *t = gguf_find(m->g, "token_embd.weight");
    const GgufValue *tokens = gguf_value(m->g, "tokenizer.ggml.tokens");
    size_t rows = t && t->dims == 2 ? t->shape[0] : 0;
    int stated;
    if (gguf_unread(m->g, "token_embd.weight", m->err))
        return false;
    if (!rows || rows > INT_MAX)
        return err_set(m->err, ERR_INPUT, "%s: there is no matrix \"token_embd.weight\"", m->g->path),
               err_hint(m->err, "the file holds no complete model: a vocabulary or an adapter alone?");
    c->vocab = (int)rows;
    if (!meta_int(m, "vocab_size", c->vocab, &stated))
        return false;
    uint64_t listed = tokens ? tokens->n : rows;
    if (stated != c->vocab || listed != rows)
        return err_set(m->err, ERR_INPUT, "%s: the embedding has %d rows, vocab_size is %d, %llu tokens are listed",
                       m->g->path, c->vocab, stated, (unsigned long long)listed),
               err_hint(m->err, "the tokenizer and the weights are of different models: convert it again");
    return gguf_token_id(m->g, "bos", c->vocab, &c->bos, m->err) &&
           gguf_token_id(m->g, "eos", c->vocab, &c->eos, m->err);
}

/* Biases that a family may have, it has where the file has them. */
static void read_biases(const Meta *m)
{
    const Family *f = family_find(m->c->family);
    ModelConfig *c = m->c;
    const char *q = f->gguf_names ? "blk.0.attn_qkv.bias" : "blk.0.attn_q.bias";
    c->qkv_bias = c->qkv_bias || (f->attention_bias && gguf_find(m->g, q));
    c->o_bias = c->o_bias || (f->attention_bias && gguf_find(m->g, "blk.0.attn_output.bias"));
    c->ffn_bias = c->ffn_bias || (f->mlp_bias && gguf_find(m->g, "blk.0.ffn_up.bias"));
}

/* Classifiers, whose head llama.cpp names so. Its rerankers have two labels, yes and no. */
static bool read_classifier(const Meta *m)
{
    static const char name[] = "cls.output.weight";
    const StoredTensor *t = gguf_find(m->g, name);
    if (!t)
        return !gguf_unread(m->g, name, m->err);
    m->c->head = HEAD_REWARD;
    m->c->score_bias = gguf_find(m->g, "cls.output.bias") != NULL;
    if (t->dims != 2 || t->shape[0] == 1)
        return true;
    err_set(m->err, ERR_INPUT, "%s: \"%s\" is of a classifier of %zu labels, a reward model has one", m->g->path, name,
            t->shape[0]);
    return err_hint(m->err, "take a model that gives a response one score");
}

/* Files of tied models may hold the embedding a second time, as the head. */
static bool is_tied(const Gguf *g)
{
    const StoredTensor *head = gguf_find(g, "output.weight"), *embed = gguf_find(g, "token_embd.weight");
    return !head || (embed && head->type == embed->type && head->n_bytes == embed->n_bytes &&
                     memcmp(head->bytes, embed->bytes, head->n_bytes) == 0);
}

bool gguf_config(const Gguf *g, ModelConfig *c, Err *err)
{
    *c = (ModelConfig){0};
    const struct Reading *reading = NULL;
    Meta m = {g, c, err};
    double scale;
    if (!find_family(g, c, &reading, err) || !check_types(&m) || !read_sizes(&m) || !refuse_unknown(&m) ||
        !read_rope(&m) || !meta_real(&m, "attention.scale", 0, &scale))
        return false;
    c->attn_scale = (float)scale;
    if (!reading->read(&m) || !check_share(&m) || !read_vocabulary(&m))
        return false;
    if (gguf_unread(g, "output.weight", err))
        return false;
    c->tied = is_tied(g);
    read_biases(&m);
    if (!read_classifier(&m))
        return false;
    gguf_scale_large(c);
    family_scales(family_find(c->family), c);
    return config_check(c, g->path, err) && check_tensors(&m);
}
