/* config.json of Hugging Face as a configuration. What a file leaves out has the default of transformers. */
#include "model/config.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <limits.h>

typedef struct Source {
    const json_t *object;
    const json_t *outer; /* of a model of text and images: what stands around its text_config; or NULL */
    const char *where;
    ModelConfig *c;
    Err *err;
} Source;

/* The value of a key; NULL where it is absent or null. */
static const json_t *value_of(const Source *s, const char *key)
{
    const json_t *v = json_object_get(s->object, key);
    if (!v && s->outer)
        v = json_object_get(s->outer, key);
    return json_is_null(v) ? NULL : v;
}

static bool bad_value(const Source *s, const char *key, const json_t *v, const char *needs)
{
    char *text = v ? json_text(v) : mem_str("missing");
    err_set(s->err, ERR_INPUT, "%s: \"%s\" must be %s, is %.80s", s->where, key, needs, text);
    free(text);
    return err_hint(s->err, "the file is damaged, or describes a model that this program does not know");
}

/* A number; `otherwise` where it is absent, an error if that is NaN. */
static bool read_real(const Source *s, const char *key, double otherwise, double *out)
{
    const json_t *v = value_of(s, key);
    *out = otherwise;
    if (json_is_number(v))
        *out = json_number_value(v);
    return (v ? json_is_number(v) : !isnan(otherwise)) || bad_value(s, key, v, "a number");
}

static const int REQUIRED = INT_MIN;

static bool read_int(const Source *s, const char *key, int otherwise, int *out)
{
    const json_t *v = value_of(s, key);
    *out = otherwise;
    if (!v && otherwise != REQUIRED)
        return true;
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < INT_MIN + 1 || n > INT_MAX)
        return bad_value(s, key, v, "a whole number");
    *out = (int)n;
    return true;
}

static bool read_bool(const Source *s, const char *key, bool otherwise, bool *out)
{
    const json_t *v = value_of(s, key);
    *out = v ? json_is_true(v) : otherwise;
    return !v || json_is_boolean(v) || bad_value(s, key, v, "true or false");
}

/* The id of a token; the first of a list. */
static bool read_id(const Source *s, const char *key, int otherwise, int *id)
{
    const json_t *v = value_of(s, key);
    if (!v) {
        bool null = json_object_get(s->object, key) || (s->outer && json_object_get(s->outer, key));
        *id = null || otherwise >= s->c->vocab ? -1 : otherwise;
        return true;
    }
    const json_t *one = json_is_array(v) ? json_array_get(v, 0) : v;
    json_int_t n = json_integer_value(one);
    if (!json_is_integer(one) || n < 0 || n >= s->c->vocab)
        return bad_value(s, key, v, "the id of a token");
    *id = (int)n;
    return true;
}

/* --- rotation --------------------------------------------------------------------------------------- */

/* `params` (may be NULL) has rope_type, once called type, and what that needs. */
static bool read_rope(const Source *s, const json_t *params, double theta, Rope *r)
{
    Source p = {params, NULL, s->where, s->c, s->err};
    const char *kind = json_text_of(params, "rope_type");
    if (!kind)
        kind = json_text_of(params, "type");
    if (!read_real(&p, "rope_theta", theta, &r->theta))
        return false;
    if (!kind || strcmp(kind, "default") == 0)
        return true;
    if (!read_real(&p, "factor", (double)NAN, &r->factor))
        return false;
    if (strcmp(kind, "linear") == 0) {
        r->scaling = r->factor == 1 ? ROPE_PLAIN : ROPE_LINEAR;
        r->factor = r->factor == 1 ? 0 : r->factor;
        return true;
    }
    if (strcmp(kind, "llama3") == 0) {
        r->scaling = ROPE_LLAMA3;
        return read_real(&p, "low_freq_factor", (double)NAN, &r->low_freq) &&
               read_real(&p, "high_freq_factor", (double)NAN, &r->high_freq) &&
               read_real(&p, "original_max_position_embeddings", s->c->context, &r->original_context);
    }
    return err_set(s->err, ERR_INPUT, "%s: rotary scaling of the kind \"%.50s\" is not supported", s->where, kind),
           err_hint(s->err, "take a model with the kind default, linear or llama3");
}

/* What has the kind of scaling: the older key, the newer one, or NULL. */
static bool rope_object(const Source *s, const char *key, const json_t **params)
{
    *params = value_of(s, key);
    return !*params || json_is_object(*params) || bad_value(s, key, *params, "an object");
}

/* --- what is particular to a family ------------------------------------------------------------------ */

static bool check_activation(const Source *s, const char *key, const char *wanted)
{
    const json_t *v = value_of(s, key);
    const char *name = json_string_value(v);
    if (!v || (name && strcmp(name, wanted) == 0))
        return true;
    char needs[64];
    snprintf(needs, sizeof needs, "\"%s\"", wanted);
    return bad_value(s, key, v, needs);
}

static bool read_llama(const Source *s)
{
    ModelConfig *c = s->c;
    const json_t *older, *newer;
    double theta, part;
    if (!check_activation(s, "hidden_act", "silu") || !rope_object(s, "rope_scaling", &older) ||
        !rope_object(s, "rope_parameters", &newer) || !read_real(s, "rope_theta", 10000, &theta))
        return false;
    const json_t *params = older ? older : newer;
    if (!read_rope(s, params, theta, &c->rope) || !read_real(s, "partial_rotary_factor", 1, &part))
        return false;
    part = json_number_of(params, "partial_rotary_factor", part);
    if (!(part > 0 && part <= 1))
        return err_set(s->err, ERR_INPUT, "%s: \"partial_rotary_factor\" must be in (0, 1], is %g", s->where, part);
    c->rotary_dim = (int)(c->head_dim * part); /* cut off, as transformers does */
    return true;
}

/* Which layers have a window: a list, or every how manieth has none. */
static bool read_layer_types(const Source *s, int *locals)
{
    ModelConfig *c = s->c;
    const json_t *types = value_of(s, "layer_types");
    int period;
    if (!read_int(s, "_sliding_window_pattern", 6, &period) || !read_int(s, "sliding_window_pattern", period, &period))
        return false;
    if (types && json_array_size(types) != (size_t)c->layers)
        return bad_value(s, "layer_types", types, "a list with an entry for each layer");
    if (!types && period < 1)
        return bad_value(s, "sliding_window_pattern", value_of(s, "sliding_window_pattern"), "positive");
    for (int i = 0; i < c->layers; i++) {
        const char *type = json_string_value(json_array_get(types, (size_t)i));
        c->local[i] = types ? type && strcmp(type, "sliding_attention") == 0 : (i + 1) % period != 0;
        if (types && !c->local[i] && !(type && strcmp(type, "full_attention") == 0))
            return bad_value(s, "layer_types", types, "of sliding_attention and full_attention");
        *locals += c->local[i];
    }
    return true;
}

static bool read_gemma3_ropes(const Source *s, bool local)
{
    const json_t *older, *newer;
    double theta, local_theta;
    if (!rope_object(s, "rope_scaling", &older) || !rope_object(s, "rope_parameters", &newer) ||
        !read_real(s, "rope_theta", 1e6, &theta) || !read_real(s, "rope_local_base_freq", 1e4, &local_theta))
        return false;
    const json_t *full = json_object_get(newer, "full_attention");
    const json_t *sliding = json_object_get(newer, "sliding_attention");
    if (newer && !json_is_object(full) && !json_is_object(sliding))
        return bad_value(s, "rope_parameters", newer, "an object of full_attention and sliding_attention");
    theta = json_number_of(full, "rope_theta", theta);
    return read_rope(s, older ? older : full, theta, &s->c->rope) &&
           (!local || read_rope(s, sliding, local_theta, &s->c->rope_local));
}

static bool read_gemma3(const Source *s)
{
    ModelConfig *c = s->c;
    int locals = 0;
    double scalar;
    bool both_ways;
    if (!check_activation(s, "hidden_activation", "gelu_pytorch_tanh") || !read_layer_types(s, &locals) ||
        !read_int(s, "sliding_window", 4096, &c->window) || !read_gemma3_ropes(s, locals > 0) ||
        !read_real(s, "query_pre_attn_scalar", 256, &scalar) ||
        !read_bool(s, "use_bidirectional_attention", false, &both_ways))
        return false;
    if (both_ways)
        return bad_value(s, "use_bidirectional_attention", value_of(s, "use_bidirectional_attention"), "false");
    if (!(scalar > 0))
        return bad_value(s, "query_pre_attn_scalar", value_of(s, "query_pre_attn_scalar"), "positive");
    c->attn_scale = (float)(1 / sqrt(scalar));
    c->rotary_dim = c->head_dim;
    if (!locals)
        c->window = 0;
    return true;
}

/* A family's defaults and its own function, called after the sizes. head_dim 0: width / heads. */
static const struct Reading {
    const char *family;
    int layers, width, heads, kv_heads, head_dim, ffn, vocab, context;
    int bos, eos;
    bool tied;
    bool (*read)(const Source *s);
} readings[] = {
    {"llama", REQUIRED, REQUIRED, REQUIRED, 0, 0, REQUIRED, REQUIRED, 2048, 1, 2, false, read_llama},
    {"gemma3", 26, 2304, 8, 4, 256, 9216, 262208, 131072, 2, 1, true, read_gemma3},
};

/* --- what all have ------------------------------------------------------------------------------------ */

static bool read_sizes(const Source *s, const struct Reading *d)
{
    ModelConfig *c = s->c;
    double eps;
    if (!(read_int(s, "num_hidden_layers", d->layers, &c->layers) && read_int(s, "hidden_size", d->width, &c->width) &&
          read_int(s, "num_attention_heads", d->heads, &c->heads) &&
          read_int(s, "num_key_value_heads", d->kv_heads ? d->kv_heads : c->heads, &c->kv_heads) &&
          read_int(s, "head_dim", d->head_dim, &c->head_dim) && read_int(s, "intermediate_size", d->ffn, &c->ffn) &&
          read_int(s, "vocab_size", d->vocab, &c->vocab) &&
          read_int(s, "max_position_embeddings", d->context, &c->context) && read_real(s, "rms_norm_eps", 1e-6, &eps) &&
          read_bool(s, "tie_word_embeddings", d->tied, &c->tied)))
        return false;
    c->norm_eps = (float)eps;
    if (c->layers < 1 || c->layers > MAX_LAYERS)
        return bad_value(s, "num_hidden_layers", value_of(s, "num_hidden_layers"), "1 to 256");
    if (!value_of(s, "head_dim") && d->head_dim == 0 && c->heads > 0) {
        if (c->width % c->heads)
            return err_set(s->err, ERR_INPUT, "%s: hidden_size %d is not a multiple of the %d heads", s->where,
                           c->width, c->heads),
                   err_hint(s->err, "give the size of a head as \"head_dim\"");
        c->head_dim = c->width / c->heads;
    }
    return read_id(s, "bos_token_id", d->bos, &c->bos) && read_id(s, "eos_token_id", d->eos, &c->eos);
}

/* What would change the numbers and is refused: no operation here does it. */
static bool refuse_unknown(const Source *s)
{
    static const char *const off[] = {"attention_bias", "mlp_bias"};
    static const char *const none[] = {"attn_logit_softcapping", "final_logit_softcapping", "quantization_config"};
    for (int i = 0; i < COUNT(off); i++) {
        bool on;
        if (!read_bool(s, off[i], false, &on))
            return false;
        if (on)
            return bad_value(s, off[i], value_of(s, off[i]), "false: biases are not supported");
    }
    for (int i = 0; i < COUNT(none); i++)
        if (value_of(s, none[i]))
            return bad_value(s, none[i], value_of(s, none[i]), "null: it is not supported");
    return true;
}

/* A classifier is a reward model if it has one label; transformers' default is two. */
static bool check_labels(const Source *s)
{
    const json_t *names = value_of(s, "id2label");
    int labels;
    if (!read_int(s, "num_labels", names ? (int)json_object_size(names) : 2, &labels))
        return false;
    if (labels == 1)
        return true;
    return err_set(s->err, ERR_INPUT, "%s: a classifier of %d labels, a reward model has one", s->where, labels),
           err_hint(s->err, "take a model with \"num_labels\": 1");
}

static bool read_head(const Source *s, const Family *f)
{
    const json_t *list = value_of(s, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    if (!list || (name && strcmp(name, f->causal) == 0))
        return true;
    if (name && strcmp(name, f->classifier) == 0) {
        s->c->head = HEAD_REWARD;
        return check_labels(s);
    }
    if (name && s->outer && str_ends(name, "ForConditionalGeneration"))
        return true;
    err_set(s->err, ERR_INPUT, "%s: the architecture \"%.60s\" is not supported", s->where, name ? name : "");
    return err_hint(s->err, "supported are: %s, %s", f->causal, f->classifier);
}

static bool unknown_type(const char *where, const char *type, Err *err)
{
    Str known = {0};
    for (int i = 0; i < COUNT(readings); i++)
        str_addf(&known, "%s%s", i ? ", " : "", family_find(readings[i].family)->model_type);
    err_set(err, ERR_INPUT, "%s: the model_type \"%.60s\" is not supported", where, type);
    err_hint(err, "supported are: %s", str_text(&known));
    str_release(&known);
    return false;
}

bool config_from_json(ModelConfig *c, const json_t *json, const char *where, Err *err)
{
    *c = (ModelConfig){0};
    Source s = {json, NULL, where, c, err};
    const char *type = json_text_of(json, "model_type");
    if (!type)
        return bad_value(&s, "model_type", json_object_get(json, "model_type"), "a text");
    if (strcmp(type, "gemma3") == 0 && json_is_object(json_object_get(json, "text_config"))) {
        s.object = json_object_get(json, "text_config");
        s.outer = json;
        type = "gemma3_text";
    }
    for (int i = 0; i < COUNT(readings); i++) {
        const Family *f = family_find(readings[i].family);
        if (strcmp(f->model_type, type) != 0)
            continue;
        family_begin(f, c);
        if (!read_sizes(&s, &readings[i]) || !refuse_unknown(&s) || !read_head(&s, f) || !readings[i].read(&s))
            return false;
        family_scales(f, c);
        return config_check(c, where, err);
    }
    return unknown_type(where, type, err);
}
