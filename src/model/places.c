/* Tensors without a place. To leave one out would make another model of the file, and nobody would notice. */
#include "model/places.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/params.h"

bool place_spelling(const char *name, int i, char out[SPELLING])
{
    static const struct {
        const char *own, *theirs;
    } spelling[] = {{"", ""},
                    {"model.", "model.language_model."},
                    {"", "language_model."},
                    {"model.", ""},
                    {"transformer.", ""},
                    {"gpt_neox.", ""},
                    {"lm_head.", "embed_out."},
                    {"score.", "regression_head."}, /* reward models of others */
                    {"score.", "v_head."},
                    {"score.", "value_head."},
                    {"score.", "score_head."},
                    {"score.", "classifier."}};
    if (i >= COUNT(spelling))
        return false;
    bool begins = str_starts(name, spelling[i].own);
    snprintf(out, SPELLING, "%s%s", begins ? spelling[i].theirs : "", begins ? name + strlen(spelling[i].own) : name);
    return true;
}

/* The tensors of all parameters that the model can have (what was trained with one head may be read with another): the table's
 * names by those that a file may have. */
static json_t *names_of(const ModelConfig *config, bool gguf)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    ModelConfig c = *config;
    c.head |= HEAD_LM | HEAD_VALUE;
    weights_shapes(w, &c);
    ParamList list = params_list(w, &c);
    json_t *names = json_object();
    for (int i = 0; i < list.n; i++) {
        const char *name = gguf ? list.param[i].gguf.name : list.param[i].hf.name;
        char spelt[SPELLING];
        for (int k = 0; place_spelling(name, k, spelt) && !(gguf && k); k++)
            json_object_set_new(names, spelt, json_string(name));
    }
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
static bool is_buffer(const ModelConfig *c, const StoredTensor *t)
{
    static const char *const ends[] = {
        "rotary_emb.inv_freq", "rotary_emb.original_inv_freq", "rotary_emb.cos_cached", "rotary_emb.sin_cached",
        ".attn_rot_embd",      ".attn_rot_embd.weight",        ".masked_bias",          ".position_ids",
        ".num_batches_tracked"};
    static const char *const masks[] = {"attn.bias", "attention.bias"}; /* [1, 1, T, T]; a bias proper is a vector */
    if (c->head & HEAD_REWARD && stored_values(t) == 1 && (strcmp(t->name, "mean") == 0 || strcmp(t->name, "std") == 0))
        return true; /* of OpenRLHF's class (config_json.c) */
    bool factors = c->rope.scaling == ROPE_LONG && str_starts(t->name, "rope_factors_");
    return factors || strcmp(t->name, "rope_freqs.weight") == 0 || ends_with_one(t->name, ends, COUNT(ends)) ||
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

/* What a model of images and texts has for the images. */
static bool is_of_images(const ModelConfig *c, const char *name)
{
    static const char *const parts[] = {"vision_tower.", "multi_modal_projector."};
    const char *rest = str_starts(name, "model.") ? name + 6 : name;
    return strcmp(c->family, "gemma3") == 0 && (str_starts(rest, parts[0]) || str_starts(rest, parts[1]));
}

/* Files of tied models may hold the embedding a second time, as the head; transformers then takes the embedding. */
static bool check_tied(const StoredTensor *head, const StoredTensor *embed, const char *path, Err *err)
{
    if (!embed || (embed->type == head->type && embed->n_bytes == head->n_bytes &&
                   memcmp(embed->bytes, head->bytes, head->n_bytes) == 0))
        return true;
    err_set(err, ERR_INPUT, "%s: \"%s\" is not the embedding, as tie_word_embeddings says", path, head->name);
    return err_hint(err, "set \"tie_word_embeddings\" to false in config.json if the head was trained on its own");
}

/* The tensor of the embedding, the table's first parameter. */
static const StoredTensor *find_embedding(const json_t *names, const StoredTensor *t, int n)
{
    const char *embedding = json_string_value(json_object_iter_value(json_object_iter((json_t *)(uintptr_t)names)));
    for (int i = 0; i < n; i++) {
        const char *name = json_text_of(names, t[i].name);
        if (name && strcmp(name, embedding) == 0)
            return &t[i];
    }
    return NULL;
}

static bool is_head(const char *name)
{
    char spelt[SPELLING];
    for (int i = 0; place_spelling("lm_head.weight", i, spelt); i++)
        if (strcmp(spelt, name) == 0)
            return true;
    return false;
}

static const char *remedy_of(const ModelConfig *c, const char *name)
{
    if (strstr(name, "lora"))
        return "merge the adapter into its model first";
    if (strstr(name, "scale") || strstr(name, "zeros") || strstr(name, "absmax"))
        return "take a file whose weights need no factors beside them, as F16, BF16 or Q8_0";
    if (c->head & HEAD_REWARD && !strstr(name, "layers.") && !strstr(name, "blk."))
        return REWARD_HEADS;
    return "the file is of another architecture than it says, or of a model that was changed: take another";
}

/* A tensor without a place. */
static bool refuse_tensor(const ModelConfig *c, const char *name, const char *path, Err *err)
{
    bool bias = str_ends(name, ".bias");
    err_set(err, ERR_INPUT, "%s: the tensor \"%.200s\"%s %s", path, name,
            bias ? ": biases are not supported for" : " has no place in", c->family);
    return err_hint(err, "%s", bias ? "take a model without them" : remedy_of(c, name));
}

/* Notes that the tensor is the one of a parameter. */
static bool take_place(json_t *taken, const char *place, const char *name, const char *path, Err *err)
{
    const char *other = json_text_of(taken, place);
    if (!other)
        return json_object_set_new(taken, place, json_string(name)), true;
    err_set(err, ERR_INPUT, "%s: the tensors \"%.200s\" and \"%.200s\" are both for one place", path, other, name);
    return err_hint(err, "the files are of different models: download them again");
}

bool places_check(const ModelConfig *c, bool gguf, const StoredTensor *t, int n, const char *path, Err *err)
{
    json_t *names = names_of(c, gguf), *taken = json_object();
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        const char *name = t[i].name, *place = json_text_of(names, name);
        if (place)
            ok = take_place(taken, place, name, path, err);
        else if (gguf && c->tied && strcmp(name, "output.weight") == 0)
            continue; /* it is the embedding: gguf_config has compared them */
        else if (!gguf && c->tied && is_head(name))
            ok = check_tied(&t[i], find_embedding(names, t, n), path, err);
        else if (!is_buffer(c, &t[i]) && !is_foreign(&t[i]) && !is_of_images(c, name))
            ok = refuse_tensor(c, name, path, err);
    }
    json_decref(taken);
    json_decref(names);
    return ok;
}
