/* Added tokens that tokenizer.json lacks and the files beside it have. Without them their texts would fall into pieces. */
#include "text/added_tokens.h"

#include "base/json.h"
#include "base/str.h"
#include "text/special.h"

typedef struct Adding {
    json_t *list;        /* added_tokens */
    json_t *there;       /* the texts in it */
    json_t *special;     /* the special tokens that the files name: their entries by text */
    const json_t *vocab; /* the model's: ids by text, or of a unigram model a list of [text, score] */
} Adding;

static const char *text_of(const json_t *token)
{
    return json_is_object(token) ? json_text_of(token, "content") : json_string_value(token);
}

/* The id that the model's vocabulary gives a text; -1: none. */
static json_int_t id_of(const json_t *vocab, const char *text)
{
    const json_t *id = json_object_get(vocab, text), *entry;
    size_t i;
    json_array_foreach(vocab, i, entry)
    {
        const char *own = json_string_value(json_array_get(entry, 0));
        if (own && strcmp(own, text) == 0)
            return (json_int_t)i;
    }
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

/* An entry as tokenizer.json has them, with the flags of `token` where that is an object, unless the text is there. */
static void add(Adding *a, const char *text, json_int_t id, const json_t *token, bool special)
{
    if (json_object_get(a->there, text))
        return;
    json_t *entry = json_is_object(token) ? json_copy((json_t *)(uintptr_t)token) : json_object();
    json_object_set_new(entry, "content", json_string(text));
    json_object_set_new(entry, "id", json_integer(id));
    json_object_set_new(entry, "special", json_boolean(special));
    json_array_append_new(a->list, entry);
    json_object_set_new(a->there, text, json_true());
}

/* --- special tokens by name ------------------------------------------------------------------------- */

static void name_token(Adding *a, const json_t *token)
{
    const char *text = text_of(token);
    if (text)
        json_object_set(a->special, text, (json_t *)(uintptr_t)token);
}

/* bos_token and the like, those with names of the model's own, and lists of further ones. */
static void name_tokens(Adding *a, const json_t *file)
{
    const char *key, *name;
    json_t *value, *token;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)file, key, value)
    {
        if (str_ends(key, "_token"))
            name_token(a, value);
        if (!str_ends(key, "_special_tokens")) /* additional ones, extra ones */
            continue;
        json_array_foreach(value, i, token) name_token(a, token);
        json_object_foreach(value, name, token) name_token(a, token);
    }
}

static void add_named(Adding *a)
{
    const char *text;
    json_t *token;
    json_object_foreach(a->special, text, token)
    {
        json_int_t id = special_is_mark(text) ? id_of(a->vocab, text) : -1;
        if (id >= 0)
            add(a, text, id, token, true);
    }
}

/* --- lists of added tokens -------------------------------------------------------------------------- */

/* {"32000": {"content": "<|im_start|>", "special": true, ...}} */
static bool add_decoder(Adding *a, const json_t *decoder, Err *err)
{
    const char *key;
    json_t *token;
    json_object_foreach((json_t *)(uintptr_t)decoder, key, token)
    {
        const char *text = json_is_object(token) ? text_of(token) : NULL;
        char *end;
        json_int_t id = strtoll(key, &end, 10);
        if (!text || !*text || *end)
            return err_set(err, ERR_INPUT, "added_tokens_decoder: the entry \"%.60s\" is no token with a \"content\"",
                           key);
        add(a, text, id, token, json_bool_of(token, "special", false));
    }
    return true;
}

/* {"<|im_start|>": 32000} */
static bool add_list(Adding *a, const json_t *added, Err *err)
{
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)added, text, id)
    {
        if (!*text || !json_is_integer(id))
            return err_set(err, ERR_INPUT, "added_tokens.json: \"%.60s\" has no id", text);
        add(a, text, json_integer_value(id), NULL, json_object_get(a->special, text));
    }
    return true;
}

bool added_tokens_complete(json_t *tokenizer, const json_t *config, const json_t *map, const json_t *added, Err *err)
{
    const json_t *decoder = json_object_get(config, "added_tokens_decoder");
    Adding a = {.vocab = json_object_get(json_object_get(tokenizer, "model"), "vocab")};
    if (!json_field(tokenizer, "added_tokens"))
        json_object_set_new(tokenizer, "added_tokens", json_array());
    a.list = json_object_get(tokenizer, "added_tokens");
    if (!json_is_array(a.list))
        return true; /* which is refused where it is read */
    a.there = json_object();
    a.special = json_object();
    for (size_t i = 0; i < json_array_size(a.list); i++) {
        const char *text = text_of(json_array_get(a.list, i));
        if (text)
            json_object_set_new(a.there, text, json_true());
    }
    name_tokens(&a, config);
    if (!decoder)
        name_tokens(&a, map);
    bool ok = decoder ? add_decoder(&a, decoder, err) : add_list(&a, added, err);
    if (ok)
        add_named(&a);
    json_decref(a.there);
    json_decref(a.special);
    return ok;
}
