/* Rotary scaling in config.json, read and written. */
#include "model/config_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/real.h"

/* --- reading ------------------------------------------------------------------------------------------ */

static bool read_linear(const ConfigSource *p, Rope *r)
{
    if (!config_real(p, "factor", (double)NAN, &r->factor))
        return false;
    r->scaling = r->factor == 1 ? ROPE_PLAIN : ROPE_LINEAR;
    r->factor = r->factor == 1 ? 0 : r->factor;
    return true;
}

static bool is_phi3(const ModelConfig *c)
{
    return strcmp(c->family, "phi3") == 0;
}

/* The context before the scaling: what stands beside it in config.json counts before what stands in it, and of its own longrope
 * Phi-3's class never asks the latter. */
static bool read_original(const ConfigSource *s, const ConfigSource *p, Rope *r)
{
    static const char key[] = "original_max_position_embeddings";
    bool own = is_phi3(s->c) && r->scaling == ROPE_LONG;
    return config_real(own || config_value(s, key) ? s : p, key, own ? 4096 : s->c->context, &r->original_context);
}

static bool read_llama3(const ConfigSource *s, const ConfigSource *p, Rope *r)
{
    r->scaling = ROPE_LLAMA3;
    return config_real(p, "factor", (double)NAN, &r->factor) &&
           config_real(p, "low_freq_factor", (double)NAN, &r->low_freq) &&
           config_real(p, "high_freq_factor", (double)NAN, &r->high_freq) && read_original(s, p, r);
}

/* YaRN's factor on q.k, as its share of q: 0.1 m ln(factor) + 1. */
static double yarn_size(double factor, double m)
{
    return factor > 1 ? 0.1 * m * real_log(factor) + 1 : 1;
}

static bool read_yarn(const ConfigSource *s, const ConfigSource *p, Rope *r)
{
    double m, all;
    r->scaling = ROPE_YARN;
    if (!config_real(p, "factor", (double)NAN, &r->factor) || !config_real(p, "beta_slow", 1, &r->low_freq) ||
        !config_real(p, "beta_fast", 32, &r->high_freq) || !read_original(s, p, r) ||
        !config_real(p, "mscale", 0, &m) || !config_real(p, "mscale_all_dim", 0, &all))
        return false;
    double size = m != 0 && all != 0 ? yarn_size(r->factor, m) / yarn_size(r->factor, all) : yarn_size(r->factor, 1);
    if (!json_bool_of(p->object, "truncate", true))
        return config_bad(p, "truncate", config_value(p, "truncate"), "true");
    return config_real(p, "attention_factor", size, &r->attention);
}

static bool read_factors(const ConfigSource *p, const char *key, double *out)
{
    const json_t *list = config_value(p, key);
    size_t n = json_array_size(list);
    bool ok = n > 0 && n <= MAX_ROPE_FACTORS;
    for (size_t i = 0; i < n && ok; i++) {
        ok = json_is_number(json_array_get(list, i));
        out[i] = json_number_value(json_array_get(list, i));
    }
    return ok || config_bad(p, key, list, "a list of numbers, one for every two rotary dimensions");
}

/* Phi-3's: the context becomes that of the short factors. */
static bool read_long(const ConfigSource *s, const ConfigSource *p, Rope *r)
{
    ModelConfig *c = s->c;
    double factor;
    r->scaling = ROPE_LONG;
    r->long_context = c->context;
    if (!read_original(s, p, r) ||
        !config_real(p, "factor", r->original_context > 0 ? c->context / r->original_context : 1, &factor) ||
        !read_factors(p, "short_factor", r->short_factor) || !read_factors(p, "long_factor", r->long_factor))
        return false;
    bool scaled = factor > 1 && r->original_context > 1;
    double size = scaled ? sqrt(1 + real_log(factor) / real_log(r->original_context)) : 1;
    if (c->context > r->original_context)
        c->context = (int)r->original_context;
    return config_real(p, "attention_factor", size, &r->attention);
}

bool config_read_rope(const ConfigSource *s, const json_t *params, double theta, Rope *r)
{
    ConfigSource p = {params, NULL, s->where, s->c, s->err};
    const char *key = config_value(&p, "rope_type") || !config_value(&p, "type") ? "rope_type" : "type";
    const json_t *said = config_value(&p, key);
    const char *kind = json_string_value(said);
    if (!config_real(&p, "rope_theta", theta, &r->theta))
        return false;
    if (!kind && (said || config_value(&p, "factor")))
        return config_bad(s, key, said, "the kind of scaling, a text");
    if (!kind || strcmp(kind, "default") == 0)
        return true;
    if (strcmp(kind, "linear") == 0)
        return read_linear(&p, r);
    if (strcmp(kind, "llama3") == 0)
        return read_llama3(s, &p, r);
    bool yarn = strcmp(kind, "yarn") == 0;
    bool once = strcmp(kind, "su") == 0 || (yarn && is_phi3(s->c) && config_value(&p, "short_factor"));
    if (once || strcmp(kind, "longrope") == 0) /* which older files call so */
        return read_long(s, &p, r);
    if (yarn)
        return read_yarn(s, &p, r);
    return err_set(s->err, ERR_INPUT, "%s: rotary scaling of the kind \"%.50s\" is not supported", s->where, kind),
           err_hint(s->err, "take a model with the kind default, linear, llama3, yarn or longrope");
}

bool config_object(const ConfigSource *s, const char *key, const json_t **params)
{
    *params = config_value(s, key);
    return !*params || json_is_object(*params) || config_bad(s, key, *params, "an object");
}

bool config_read_rotary(const ConfigSource *s, const char *theta, double part)
{
    ModelConfig *c = s->c;
    const json_t *older, *newer;
    double base;
    if (!config_object(s, "rope_scaling", &older) || !config_object(s, "rope_parameters", &newer) ||
        !config_real(s, theta, 10000, &base))
        return false;
    const json_t *params = json_object_size(older) ? older : newer, *member; /* {} says nothing */
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)params, name, member)
    {
        if (json_is_object(member))
            return config_bad(s, name, member, "no object: all layers of this family rotate alike");
    }
    if (!config_read_rope(s, params, base, &c->rope) || !config_real(s, "partial_rotary_factor", part, &part))
        return false;
    part = json_number_of(params, "partial_rotary_factor", part);
    if (!(part > 0 && part <= 1))
        return err_set(s->err, ERR_INPUT, "%s: \"partial_rotary_factor\" must be in (0, 1], is %g", s->where, part),
               err_hint(s->err, "the file is damaged, or describes a model that this program does not know");
    c->rotary_dim = (int)(c->head_dim * part); /* cut off, as transformers does */
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------ */

static void put(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

/* A number that is whole in most files. */
static void put_whole(json_t *o, const char *key, double n)
{
    put(o, key, floor(n) == n && fabs(n) < 1e15 ? json_integer((json_int_t)n) : json_real(n));
}

static void put_factors(json_t *o, const char *key, const double *factor)
{
    json_t *list = json_array();
    for (int i = 0; i < MAX_ROPE_FACTORS && factor[i] != 0; i++)
        json_array_append_new(list, json_real(factor[i]));
    put(o, key, list);
}

/* rope_type and the numbers of its kind. */
static json_t *scaling_json(const Rope *r)
{
    static const char *const kinds[] = {"default", "linear", "llama3", "yarn", "longrope"};
    json_t *o = json_object();
    put(o, "rope_type", json_string(kinds[r->scaling]));
    if (r->scaling != ROPE_PLAIN && r->scaling != ROPE_LONG)
        put(o, "factor", json_real(r->factor));
    if (r->scaling == ROPE_LLAMA3 || r->scaling == ROPE_YARN) {
        bool yarn = r->scaling == ROPE_YARN;
        put(o, yarn ? "beta_slow" : "low_freq_factor", json_real(r->low_freq));
        put(o, yarn ? "beta_fast" : "high_freq_factor", json_real(r->high_freq));
    }
    if (r->scaling == ROPE_LONG) {
        put_factors(o, "short_factor", r->short_factor);
        put_factors(o, "long_factor", r->long_factor);
    }
    if (r->scaling >= ROPE_YARN)
        put(o, "attention_factor", json_real(r->attention));
    if (r->scaling >= ROPE_LLAMA3)
        put_whole(o, "original_max_position_embeddings", r->original_context);
    return o;
}

json_t *config_rope_json(const Rope *r)
{
    json_t *o = scaling_json(r);
    put(o, "rope_theta", json_real(r->theta));
    return o;
}

void config_put_older_rope(json_t *o, const Rope *r)
{
    put(o, "rope_theta", json_real(r->theta));
    put(o, "rope_scaling", r->scaling == ROPE_PLAIN ? json_null() : scaling_json(r));
}
