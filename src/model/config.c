/* What a configuration must obey, whichever file it came from; the table of families. */
#include "model/config.h"

#include "base/mem.h"

enum {
    MOST_WIDTH = 1 << 20,
    MOST_HEADS = 1 << 14,
    MOST_HEAD_DIM = 1 << 14, /* so that heads * head_dim is an int */
    MOST_FFN = 1 << 24,
    MOST_VOCAB = 1 << 24,
    MOST_CONTEXT = 1 << 30
};

static const Family families[] = {
    {"llama", "llama", "LlamaForCausalLM", "LlamaForSequenceClassification", .rotary_pairs = true,
     .activation = ACT_SILU},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", "Gemma3TextForSequenceClassification", .norm_plus_one = true,
     .post_norms = true, .qk_norm = true, .scaled_embedding = true, .activation = ACT_GELU_TANH},
};

const Family *family_find(const char *name)
{
    for (int i = 0; i < COUNT(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

void family_begin(const Family *f, ModelConfig *c)
{
    snprintf(c->family, sizeof c->family, "%s", f->name);
    c->norm_plus_one = f->norm_plus_one;
    c->post_norms = f->post_norms;
    c->qk_norm = f->qk_norm;
    c->activation = f->activation;
    c->head = HEAD_LM;
    c->bos = c->eos = -1;
}

void family_scales(const Family *f, ModelConfig *c)
{
    c->embed_scale = f->scaled_embedding ? (float)sqrt((double)c->width) : 1.0f;
    if (c->attn_scale == 0)
        c->attn_scale = (float)(1.0 / sqrt((double)c->head_dim));
}

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
    if (c->rotary_dim < 2 || c->rotary_dim > c->head_dim || c->rotary_dim % 2)
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

static bool check_rope(const Rope *r, const char *where, Err *err)
{
    static const char needs[] = "a positive number";
    if (!positive(r->theta))
        return refuse(where, "the rotary base", r->theta, needs, err);
    if (r->scaling == ROPE_PLAIN)
        return true;
    if (!positive(r->factor))
        return refuse(where, "the rotary scaling factor", r->factor, needs, err);
    if (r->scaling == ROPE_LINEAR)
        return true;
    if (r->scaling != ROPE_LLAMA3)
        return refuse(where, "the kind of rotary scaling", r->scaling, "plain, linear or llama3", err);
    if (!positive(r->original_context))
        return refuse(where, "the original context of rotary scaling", r->original_context, needs, err);
    if (!positive(r->low_freq))
        return refuse(where, "the low frequency factor", r->low_freq, needs, err);
    if (!positive(r->high_freq) || r->high_freq <= r->low_freq)
        return refuse(where, "the high frequency factor", r->high_freq, "above the low one", err);
    return true;
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
    return !local || check_rope(&c->rope_local, where, err);
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
    return check_rope(&c->rope, where, err) && check_windows(c, where, err);
}
