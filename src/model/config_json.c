/* config.json of Hugging Face as a configuration. What a file leaves out has the default of transformers. */
#include "model/config_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <limits.h>

const json_t *config_value(const ConfigSource *s, const char *key)
{
    const json_t *v = json_object_get(s->object, key);
    if (!v && s->outer)
        v = json_object_get(s->outer, key);
    return json_is_null(v) ? NULL : v;
}

bool config_bad(const ConfigSource *s, const char *key, const json_t *v, const char *needs)
{
    char *text = v ? json_text(v) : mem_str("missing");
    err_set(s->err, ERR_INPUT, "%s: \"%s\" must be %s, is %.80s", s->where, key, needs, text);
    free(text);
    return err_hint(s->err, "the file is damaged, or describes a model that this program does not know");
}

bool config_real(const ConfigSource *s, const char *key, double otherwise, double *out)
{
    const json_t *v = config_value(s, key);
    *out = otherwise;
    if (json_is_number(v))
        *out = json_number_value(v);
    return (v ? json_is_number(v) : !isnan(otherwise)) || config_bad(s, key, v, "a number");
}

static const int REQUIRED = INT_MIN;

static bool read_int(const ConfigSource *s, const char *key, int otherwise, int *out)
{
    const json_t *v = config_value(s, key);
    *out = otherwise;
    if (!v && otherwise != REQUIRED)
        return true;
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < INT_MIN + 1 || n > INT_MAX)
        return config_bad(s, key, v, "a whole number");
    *out = (int)n;
    return true;
}

static bool read_bool(const ConfigSource *s, const char *key, bool otherwise, bool *out)
{
    const json_t *v = config_value(s, key);
    *out = v ? json_is_true(v) : otherwise;
    return !v || json_is_boolean(v) || config_bad(s, key, v, "true or false");
}

/* The id of a token; the first of a list. */
static bool read_id(const ConfigSource *s, const char *key, int otherwise, int *id)
{
    const json_t *v = config_value(s, key);
    if (!v) {
        bool null = json_object_get(s->object, key) || (s->outer && json_object_get(s->outer, key));
        *id = null || otherwise >= s->c->vocab ? -1 : otherwise;
        return true;
    }
    const json_t *one = json_is_array(v) ? json_array_get(v, 0) : v;
    json_int_t n = json_integer_value(one);
    if (!json_is_integer(one) || n < 0 || n >= s->c->vocab)
        return config_bad(s, key, v, "the id of a token");
    *id = (int)n;
    return true;
}

/* A switch of which only one side is computed here. */
static bool check_switch(const ConfigSource *s, const char *key, bool wanted)
{
    bool on;
    return read_bool(s, key, wanted, &on) &&
           (on == wanted || config_bad(s, key, config_value(s, key), wanted ? "true" : "false"));
}

/* null where it stands, which is another thing than its absence */
static bool is_null(const ConfigSource *s, const char *key)
{
    return json_is_null(json_object_get(s->object, key));
}

/* --- what is particular to a family ------------------------------------------------------------------ */

static bool check_activation(const ConfigSource *s, const char *key, const char *wanted)
{
    const json_t *v = config_value(s, key);
    const char *name = json_string_value(v);
    if (!v || (name && strcmp(name, wanted) == 0))
        return true;
    char needs[64];
    snprintf(needs, sizeof needs, "\"%s\"", wanted);
    return config_bad(s, key, v, needs);
}

/* attention_bias of the families that may have biases. */
static bool read_bias(const ConfigSource *s, bool otherwise)
{
    bool on;
    if (!read_bool(s, "attention_bias", otherwise, &on))
        return false;
    s->c->qkv_bias = s->c->qkv_bias || on;
    s->c->o_bias = on;
    return true;
}

/* Feed-forward of silu, rotation; what most share. */
static bool read_usual(const ConfigSource *s)
{
    return check_activation(s, "hidden_act", "silu") && config_read_rotary(s, "rope_theta", 1);
}

static bool read_llama(const ConfigSource *s)
{
    return read_usual(s) && read_bias(s, false) && read_bool(s, "mlp_bias", false, &s->c->ffn_bias);
}

/* Which layers have a window: those that a list says; without one, all but every period-th, and of period 0 all from `first`
 * on. They turn as the others do, unless they are told otherwise. */
static bool read_layer_types(const ConfigSource *s, int period, int first)
{
    ModelConfig *c = s->c;
    const json_t *types = config_value(s, "layer_types");
    bool any = false;
    if (types && json_array_size(types) != (size_t)c->layers)
        return config_bad(s, "layer_types", types, "a list with an entry for each layer");
    for (int i = 0; i < c->layers; i++) {
        const char *type = json_string_value(json_array_get(types, (size_t)i));
        bool local = period ? (i + 1) % period != 0 : i >= first;
        c->local[i] = types ? type && strcmp(type, "sliding_attention") == 0 : local;
        if (types && !c->local[i] && !(type && strcmp(type, "full_attention") == 0))
            return config_bad(s, "layer_types", types, "of sliding_attention and full_attention");
        any = any || c->local[i];
    }
    if (!any)
        c->window = 0;
    c->rope_local = any ? c->rope : (Rope){0};
    return true;
}

/* The window's size. null: there is none, and 0 is no size. */
static bool read_size_of_window(const ConfigSource *s, int otherwise)
{
    return read_int(s, "sliding_window", is_null(s, "sliding_window") ? 0 : otherwise, &s->c->window);
}

static bool has_window(const ConfigSource *s)
{
    return s->c->window != 0 || config_value(s, "sliding_window");
}

/* A window of every layer, or none. */
static bool read_window(const ConfigSource *s, int otherwise)
{
    return read_size_of_window(s, otherwise) && read_layer_types(s, 0, has_window(s) ? 0 : s->c->layers);
}

static bool read_mistral(const ConfigSource *s)
{
    return read_usual(s) && read_window(s, 4096);
}

static bool read_phi3(const ConfigSource *s)
{
    return read_usual(s) && read_window(s, 0);
}

/* Windows only where they are switched on, from a layer on. */
static bool read_qwen2(const ConfigSource *s)
{
    ModelConfig *c = s->c;
    bool on;
    int first;
    if (!read_usual(s) || !read_bool(s, "use_sliding_window", false, &on) ||
        !read_int(s, "max_window_layers", 28, &first) || !read_size_of_window(s, 4096))
        return false;
    on = on && has_window(s);
    c->window = on ? c->window : 0;
    return read_layer_types(s, 0, on ? first : c->layers);
}

static bool read_qwen3(const ConfigSource *s)
{
    return read_bias(s, false) && read_qwen2(s);
}

/* A soft cap; null: none. */
static bool read_cap(const ConfigSource *s, const char *key, double otherwise, float *cap)
{
    double v;
    if (!config_real(s, key, is_null(s, key) ? 0 : otherwise, &v))
        return false;
    *cap = (float)v;
    return !config_value(s, key) || v > 0 || config_bad(s, key, config_value(s, key), "positive");
}

/* What both Gemmas have; windows and rotation differ. `cap`, `logit_cap`: where the file says nothing. */
static bool read_gemma(const ConfigSource *s, double cap, double logit_cap)
{
    ModelConfig *c = s->c;
    double scalar;
    if (!check_activation(s, "hidden_activation", "gelu_pytorch_tanh") || !read_size_of_window(s, 4096) ||
        !config_real(s, "query_pre_attn_scalar", 256, &scalar) || !read_bias(s, false) ||
        !read_cap(s, "attn_logit_softcapping", cap, &c->attn_cap) ||
        !read_cap(s, "final_logit_softcapping", logit_cap, &c->logit_cap))
        return false;
    if (!(scalar > 0))
        return config_bad(s, "query_pre_attn_scalar", config_value(s, "query_pre_attn_scalar"), "positive");
    c->attn_scale = (float)(1 / sqrt(scalar));
    c->rotary_dim = c->head_dim;
    return true;
}

static bool read_gemma2(const ConfigSource *s)
{
    return read_gemma(s, 50, 30) && config_read_rotary(s, "rope_theta", 1) && read_layer_types(s, 2, 0);
}

/* Local and global layers turn at rates of their own. */
static bool read_gemma3_ropes(const ConfigSource *s)
{
    const json_t *older, *newer;
    double theta, local_theta;
    if (!config_object(s, "rope_scaling", &older) || !config_object(s, "rope_parameters", &newer) ||
        !config_real(s, "rope_theta", 1e6, &theta) || !config_real(s, "rope_local_base_freq", 1e4, &local_theta))
        return false;
    const json_t *full = json_object_get(newer, "full_attention");
    older = json_object_size(older) ? older : NULL; /* {} says nothing */
    const json_t *sliding = json_object_get(newer, "sliding_attention");
    if (newer && !json_is_object(full) && !json_is_object(sliding))
        return config_bad(s, "rope_parameters", newer, "an object of full_attention and sliding_attention");
    theta = json_number_of(full, "rope_theta", theta);
    return config_read_rope(s, older ? older : full, theta, &s->c->rope) &&
           (!s->c->window || config_read_rope(s, sliding, local_theta, &s->c->rope_local));
}

static bool read_gemma3(const ConfigSource *s)
{
    int period;
    if (!read_gemma(s, 0, 0) || !read_int(s, "_sliding_window_pattern", 6, &period) ||
        !read_int(s, "sliding_window_pattern", period, &period))
        return false;
    if (!config_value(s, "layer_types") && period < 1)
        return config_bad(s, "sliding_window_pattern", config_value(s, "sliding_window_pattern"), "positive");
    if (!read_layer_types(s, period, 0))
        return false;
    return read_gemma3_ropes(s);
}

/* One of the activations by name. */
static bool read_activation(const ConfigSource *s, const char *key)
{
    static const struct {
        const char *name;
        Activation act;
    } known[] = {{"gelu", ACT_GELU},
                 {"gelu_new", ACT_GELU_TANH},
                 {"gelu_fast", ACT_GELU_TANH},
                 {"gelu_pytorch_tanh", ACT_GELU_TANH}};
    const json_t *v = config_value(s, key);
    const char *name = json_string_value(v);
    for (int i = 0; i < COUNT(known); i++)
        if (name && strcmp(known[i].name, name) == 0) {
            s->c->activation = known[i].act;
            return true;
        }
    return !v || config_bad(s, key, v, "\"gelu\", \"gelu_new\", \"gelu_fast\" or \"gelu_pytorch_tanh\"");
}

static bool read_gpt2(const ConfigSource *s)
{
    return read_activation(s, "activation_function") && check_switch(s, "scale_attn_weights", true) &&
           check_switch(s, "scale_attn_by_inverse_layer_idx", false) && check_switch(s, "add_cross_attention", false);
}

static bool read_gptneox(const ConfigSource *s)
{
    double part;
    return read_activation(s, "hidden_act") && read_bool(s, "use_parallel_residual", true, &s->c->parallel) &&
           config_real(s, "rotary_pct", 0.25, &part) && config_read_rotary(s, "rotary_emb_base", part) &&
           read_bias(s, true);
}

/* A family's defaults and its own function, called after the sizes. head_dim 0: width / heads; ffn 0: four times the width. */
static const struct Reading {
    const char *family;
    int layers, width, heads, kv_heads, head_dim, ffn, vocab, context;
    int bos, eos, pad;
    bool tied;
    double eps;
    bool (*read)(const ConfigSource *s);
} readings[] = {
    {"llama", REQUIRED, REQUIRED, REQUIRED, 0, 0, REQUIRED, REQUIRED, 2048, 1, 2, -1, false, 1e-6, read_llama},
    {"mistral", REQUIRED, REQUIRED, REQUIRED, 8, 0, REQUIRED, REQUIRED, 131072, 1, 2, -1, false, 1e-6, read_mistral},
    {"qwen2", REQUIRED, REQUIRED, REQUIRED, 32, 0, REQUIRED, REQUIRED, 32768, -1, -1, -1, false, 1e-6, read_qwen2},
    {"qwen3", REQUIRED, REQUIRED, REQUIRED, 32, 128, REQUIRED, REQUIRED, 32768, -1, -1, -1, false, 1e-6, read_qwen3},
    {"gemma2", 26, 2304, 8, 4, 256, 9216, 256000, 8192, 2, 1, 0, true, 1e-6, read_gemma2},
    {"gemma3", 26, 2304, 8, 4, 256, 9216, 262208, 131072, 2, 1, 0, true, 1e-6, read_gemma3},
    {"phi3", REQUIRED, REQUIRED, REQUIRED, 0, 0, REQUIRED, REQUIRED, 4096, 1, 32000, 32000, false, 1e-5, read_phi3},
    {"gpt2", 12, 768, 12, 0, 0, 0, 50257, 1024, 50256, 50256, -1, true, 1e-5, read_gpt2},
    {"gptneox", 44, 6144, 64, 0, 0, 24576, 50432, 2048, 0, 2, -1, false, 1e-5, read_gptneox},
};

int config_assumed_pad(const char *family)
{
    int i = 0;
    while (strcmp(readings[i].family, family) != 0)
        i++;
    return readings[i].pad;
}

/* --- what all have ------------------------------------------------------------------------------------ */

/* A size, or what follows from the others where the family has no key for it. */
static bool read_size(const ConfigSource *s, const char *key, int otherwise, int *out)
{
    if (key)
        return read_int(s, key, otherwise, out);
    *out = otherwise;
    return true;
}

static bool read_head_dim(const ConfigSource *s, const struct Reading *d, const char *key)
{
    ModelConfig *c = s->c;
    if (!read_size(s, key, d->head_dim, &c->head_dim))
        return false;
    if ((key && config_value(s, key)) || d->head_dim != 0 || c->heads < 1)
        return true;
    c->head_dim = c->width / c->heads;
    if (c->width % c->heads == 0)
        return true;
    err_set(s->err, ERR_INPUT, "%s: hidden_size %d is not a multiple of the %d heads", s->where, c->width, c->heads);
    return key ? err_hint(s->err, "give the size of a head as \"%s\"", key)
               : err_hint(s->err, "the file is damaged, or describes a model that this program does not know");
}

/* GPT-2's class takes the names that the others have for its sizes, too, and rather than its own. */
static const char *name_of(const ConfigSource *s, const char *own, const char *others)
{
    return config_value(s, others) ? others : own;
}

static bool read_sizes(const ConfigSource *s, const struct Reading *d, const SizeKeys *k)
{
    ModelConfig *c = s->c;
    double eps;
    bool all_own =
        d->kv_heads == 0 || (k->kv_heads && is_null(s, k->kv_heads)); /* every head has its keys and values */
    if (!(read_int(s, name_of(s, k->layers, "num_hidden_layers"), d->layers, &c->layers) &&
          read_int(s, name_of(s, k->width, "hidden_size"), d->width, &c->width) &&
          read_int(s, name_of(s, k->heads, "num_attention_heads"), d->heads, &c->heads) &&
          read_size(s, k->kv_heads, all_own ? c->heads : d->kv_heads, &c->kv_heads) &&
          read_head_dim(s, d, k->head_dim)))
        return false;
    int four = c->width > 0 && c->width < INT_MAX / 4 ? 4 * c->width : 0;
    if (!(read_int(s, k->ffn, d->ffn ? d->ffn : four, &c->ffn) && read_int(s, "vocab_size", d->vocab, &c->vocab) &&
          read_int(s, name_of(s, k->context, "max_position_embeddings"), d->context, &c->context) &&
          config_real(s, k->norm_eps, d->eps, &eps) && read_bool(s, "tie_word_embeddings", d->tied, &c->tied)))
        return false;
    c->norm_eps = (float)eps;
    if (c->layers < 1 || c->layers > MAX_LAYERS)
        return config_bad(s, k->layers, config_value(s, k->layers), "1 to 256");
    return read_id(s, "bos_token_id", d->bos, &c->bos) && read_id(s, "eos_token_id", d->eos, &c->eos);
}

/* Attention that looks ahead, of models that embed texts: they have the names and tensors of what they were made of. */
static bool check_causal(const ConfigSource *s)
{
    bool causal, both_ways;
    if (!read_bool(s, "is_causal", true, &causal) || !read_bool(s, "use_bidirectional_attention", false, &both_ways))
        return false;
    return (causal && !both_ways) ||
           (err_set(s->err, ERR_INPUT, "%s: \"%s\" is %s: attention that looks ahead is not supported", s->where,
                    causal ? "use_bidirectional_attention" : "is_causal", causal ? "true" : "false"),
            err_hint(s->err, "take a model that generates text, or a reward model made of one"));
}

/* What would change the numbers and is refused: no operation here does it. */
static bool refuse_unknown(const ConfigSource *s, const Family *f)
{
    static const char *const none[] = {"attn_logit_softcapping", "final_logit_softcapping"};
    static const char *const experts[] = {"num_local_experts", "num_experts", "n_routed_experts"};
    for (int i = 0; i < COUNT(experts); i++) {
        int n;
        if (!read_int(s, experts[i], 0, &n))
            return false;
        if (n > 0)
            return err_set(s->err, ERR_INPUT, "%s: \"%s\" is %d: a mixture of experts is not supported", s->where,
                           experts[i], n),
                   err_hint(s->err, "take a dense model");
    }
    if (config_value(s, "quantization_config"))
        return err_set(s->err, ERR_INPUT, "%s: \"quantization_config\" must be null: such weights are not read",
                       s->where),
               err_hint(s->err, "take the model in F32, F16 or BF16, or as a GGUF file");
    for (int i = 0; !f->soft_caps && i < COUNT(none); i++)
        if (config_value(s, none[i]))
            return config_bad(s, none[i], config_value(s, none[i]), "null: it is not supported");
    const json_t *layers = config_value(s, "per_layer_config");
    if (layers && (!json_is_object(layers) || json_object_size(layers)))
        return err_set(s->err, ERR_INPUT, "%s: \"per_layer_config\" makes layers differ, which is not supported",
                       s->where),
               err_hint(s->err, "take a model whose layers are all alike");
    return check_causal(s);
}

/* A classifier is a reward model if it has one label; transformers' default is two, and names count before their number. */
static bool check_labels(const ConfigSource *s)
{
    const ConfigSource top = {s->outer ? s->outer : s->object, NULL, s->where, s->c, s->err};
    const json_t *names = config_value(&top, "id2label");
    int labels;
    if (names && !json_is_object(names))
        return config_bad(s, "id2label", names, "an object");
    if (!read_int(&top, "num_labels", 2, &labels))
        return false;
    labels = names ? (int)json_object_size(names) : labels;
    if (labels == 1)
        return true;
    return err_set(s->err, ERR_INPUT, "%s: a classifier of %d labels, a reward model has one", s->where, labels),
           err_hint(s->err, "take a model with \"num_labels\": 1");
}

/* What its class takes for padding: it reads the last token that is another. What this program wrote says so by "rlaif" and is
 * read at its last token. No token has an id that is none. */
static void read_pad(const ConfigSource *s)
{
    const json_t *v = json_object_get(s->object, "pad_token_id"), *top = s->outer ? s->outer : s->object;
    json_int_t id = json_is_integer(v) ? json_integer_value(v) : v ? -1 : config_assumed_pad(s->c->family);
    bool own = json_object_get(top, "rlaif") != NULL;
    s->c->pad = own || id < 0 || id >= s->c->vocab ? -1 : (int)id;
}

/* Classes of reward models beside the family's own: one linear layer on the last token, too, whichever that is. */
static bool is_reward_class(const Family *f, const char *name)
{
    static const struct {
        const char *name, *family; /* NULL: any */
    } others[] = {{"RewardModel", NULL},      {"LLMForSequenceRegression", NULL}, {"LlamaRewardModel", "llama"},
                  {"LlamaForScore", "llama"}, {"LlamaModelForScore", "llama"},    {"EurusRewardModel", "mistral"}};
    for (int i = 0; i < COUNT(others); i++)
        if (strcmp(others[i].name, name) == 0 && (!others[i].family || strcmp(others[i].family, f->name) == 0))
            return true;
    return false;
}

/* OpenRLHF's class takes a mean off and divides by a deviation where it is told to. Both are the configuration's: buffers of a file
 * are not read there. */
static bool read_normalization(const ConfigSource *s)
{
    const json_t *top = s->outer ? s->outer : s->object, *use = json_object_get(top, "normalize_reward"),
                 *mean = json_object_get(top, "mean"), *std = json_object_get(top, "std");
    if (use && !json_is_boolean(use) && !json_is_null(use))
        return config_bad(s, "normalize_reward", use, "true or false");
    s->c->score_apart = !json_is_true(use) && (mean || std);
    if (!json_is_true(use) || (!mean && !std))
        return true;
    if (!json_is_number(mean))
        return config_bad(s, "mean", mean, "a number, as \"normalize_reward\" is true");
    if (!json_is_number(std) || !(json_number_value(std) > 0))
        return config_bad(s, "std", std, "a number above 0, as \"normalize_reward\" is true");
    s->c->score_mean = json_number_value(mean);
    s->c->score_std = json_number_value(std);
    return true;
}

/* A class of transformers, whose labels count and whose padding is not read. */
static bool is_classifier(const Family *f, const char *name)
{
    return strcmp(name, f->classifier) == 0 ||
           (strcmp(f->name, "gemma3") == 0 && strcmp(name, "Gemma3ForSequenceClassification") == 0);
}

static bool read_head(const ConfigSource *s, const Family *f)
{
    const json_t *list = config_value(s, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    if (list && !name)
        return config_bad(s, "architectures", list, "a list that begins with the name of a class");
    if (!list || strcmp(name, f->causal) == 0)
        return true;
    bool classifier = is_classifier(f, name);
    if (classifier || is_reward_class(f, name))
        s->c->head = HEAD_REWARD;
    if (classifier)
        read_pad(s);
    if (s->c->head & HEAD_REWARD)
        return classifier ? check_labels(s) : read_normalization(s);
    if (s->outer && str_ends(name, "ForConditionalGeneration"))
        return true;
    err_set(s->err, ERR_INPUT, "%s: the architecture \"%.60s\" is not supported", s->where, name);
    return err_hint(s->err, "supported are: %s, %s", f->causal, f->classifier);
}

bool config_from_json(ModelConfig *c, const json_t *json, const char *where, Err *err)
{
    *c = (ModelConfig){0};
    ConfigSource s = {json, NULL, where, c, err};
    const char *type = json_text_of(json, "model_type");
    if (!type)
        return config_bad(&s, "model_type", json_object_get(json, "model_type"), "a text");
    if (strcmp(type, "gemma3") == 0) {
        s.object = json_object_get(json, "text_config");
        s.outer = json;
        if (!json_is_object(s.object))
            return s.object = json, config_bad(&s, "text_config", json_object_get(json, "text_config"), "an object");
        const json_t *inner = json_object_get(s.object, "model_type");
        type = inner ? json_string_value(inner) : "gemma3_text";
        if (!type || strcmp(type, "gemma3_text") != 0)
            return config_bad(&s, "model_type", inner, "\"gemma3_text\" in text_config");
    }
    for (int i = 0; i < COUNT(readings); i++) {
        const Family *f = family_find(readings[i].family);
        if (strcmp(f->model_type, type) != 0)
            continue;
        family_begin(f, c);
        if (!read_sizes(&s, &readings[i], f->keys) || !refuse_unknown(&s, f) || !read_head(&s, f) ||
            !readings[i].read(&s))
            return false;
        family_scales(f, c);
        return config_check(c, where, err);
    }
    return family_refuse(where, "model_type", type, err);
}
