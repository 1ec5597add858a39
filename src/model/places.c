/* Tensors without a place. To leave one out would make another model of the file, and nobody would notice. */
#include "model/places.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/params.h"

/* The names of all that the model can have: what was trained with one head may be read with another. */
static json_t *names_of(const ModelConfig *config, bool gguf)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    ModelConfig c = *config;
    c.head |= HEAD_LM | HEAD_VALUE;
    weights_shapes(w, &c);
    ParamList list = params_list(w, &c);
    json_t *names = json_object();
    for (int i = 0; i < list.n; i++)
        json_object_set_new(names, gguf ? list.param[i].gguf : list.param[i].name, json_true());
    params_free(&list);
    free(w);
    return names;
}

static bool ends_with_one(const char *name, const char *const *ends, int n)
{
    for (int i = 0; i < n; i++)
        if (str_ends(name, ends[i]))
            return true;
    return false;
}

/* Rotary frequencies are computed from the configuration (a GGUF file's divisors of them are read with it), attention's
 * mask needs no table, and positions count themselves. */
static bool is_buffer(const StoredTensor *t)
{
    static const char *const ends[] = {
        "rotary_emb.inv_freq", "rotary_emb.original_inv_freq", "rotary_emb.cos_cached", "rotary_emb.sin_cached",
        ".attn_rot_embd",      ".attn_rot_embd.weight",        ".masked_bias",          ".position_ids",
        ".num_batches_tracked"};
    static const char *const masks[] = {"attn.bias", "attention.bias"}; /* [1, 1, T, T]; a bias proper is a vector */
    return strcmp(t->name, "rope_freqs.weight") == 0 || ends_with_one(t->name, ends, COUNT(ends)) ||
           (t->dims != 1 && ends_with_one(t->name, masks, COUNT(masks)));
}

/* Numbers of a type that is not read, and not in a part that models have: whoever put them there knows what for. */
static bool is_foreign(const StoredTensor *t)
{
    static const char *const parts[] = {"blk.", "output", "token_", "position_", "rope_",
                                        "cls",  "class",  "score",  "value",     "enc.",
                                        "dec.", "v.",     "model.", "lm_head",   "layers."};
    for (int i = 0; i < COUNT(parts); i++)
        if (str_starts(t->name, parts[i]))
            return false;
    return t->type == DTYPE_COUNT;
}

static const StoredTensor *find(const StoredTensor *t, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0)
            return &t[i];
    return NULL;
}

/* Files of tied models may hold the embedding a second time, as the head; transformers then takes the embedding. */
static bool check_tied(const StoredTensor *head, const StoredTensor *t, int n, const char *path, Err *err)
{
    const StoredTensor *embed = find(t, n, "model.embed_tokens.weight");
    if (!embed || (embed->type == head->type && embed->n_bytes == head->n_bytes &&
                   memcmp(embed->bytes, head->bytes, head->n_bytes) == 0))
        return true;
    err_set(err, ERR_INPUT, "%s: \"%s\" is not the embedding, as tie_word_embeddings says", path, head->name);
    return err_hint(err, "set \"tie_word_embeddings\" to false in config.json if the head was trained on its own");
}

static const char *remedy_of(const char *name)
{
    if (strstr(name, "lora"))
        return "merge the adapter into its model first";
    if (strstr(name, "scale") || strstr(name, "zeros") || strstr(name, "absmax"))
        return "take a file whose weights need no factors beside them, as F16, BF16 or Q8_0";
    return "the file is of another architecture than it says, or of a model that was changed: take another";
}

bool places_check(const ModelConfig *c, bool gguf, const StoredTensor *t, int n, const char *path, Err *err)
{
    json_t *names = names_of(c, gguf);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        const char *name = t[i].name;
        if (json_object_get(names, name) || is_buffer(&t[i]) || is_foreign(&t[i]))
            continue;
        if (c->tied && strcmp(name, "lm_head.weight") == 0) {
            ok = check_tied(&t[i], t, n, path, err);
            continue;
        }
        bool bias = str_ends(name, ".bias");
        ok = err_set(err, ERR_INPUT, "%s: the tensor \"%.200s\"%s %s", path, name,
                     bias ? ": biases are not supported for" : " has no place in", c->family);
        err_hint(err, "%s", bias ? "take a model without them" : remedy_of(name));
    }
    json_decref(names);
    return ok;
}
