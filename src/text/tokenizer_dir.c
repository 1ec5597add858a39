/* A tokenizer from the files of a Hugging Face directory. */
#include "text/tokenizer_dir.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "text/added_tokens.h"
#include "text/tokenizer.h"
#include "text/tokenizer_exact.h"
#include "text/tokenizer_json.h"

enum { MOST_FILE = 1 << 29 }; /* bytes of any of the files */

const char *const tokenizer_file[FILE_NAMES] = {
    [FILE_TOKENIZER] = "tokenizer.json",
    [FILE_CONFIG] = "tokenizer_config.json",
    [FILE_SPECIAL_MAP] = "special_tokens_map.json",
    [FILE_GENERATION] = "generation_config.json",
    [FILE_TEMPLATE] = "chat_template.jinja",
    [FILE_ADDED] = "added_tokens.json",
    [FILE_EXACT] = "tokenizer.rlaif.json",
};

/* Parses one of the files, which must be an object; *out stays NULL where it is absent. */
static bool parse(const TokenizerFiles *f, FileName name, json_t **out, Err *err)
{
    *out = NULL;
    if (!f->text[name])
        return true;
    /* transformers writes a model_max_length of 10^30 into others: no integer of this machine. */
    bool strict = name == FILE_TOKENIZER || name == FILE_EXACT || name == FILE_ADDED;
    if (!(strict ? json_parse : json_parse_loosely)(f->text[name], f->n[name], tokenizer_file[name], out, err))
        return false;
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    *out = NULL;
    return err_set(err, ERR_INPUT, "%s: not a JSON object", tokenizer_file[name]);
}

/* --- what the smaller files say --------------------------------------------------------------------- */

static const char MEND[] = "mend that file, or take it from where the model is from again";

/* The text of a token, "<s>" or {"content": "<s>", ...}, into *text; NULL where the object has none. */
static bool token_of(const json_t *object, const char *key, const char *file, const char **text, Err *err)
{
    const json_t *token = json_object_get(object, key);
    *text = json_is_object(token) ? json_text_of(token, "content") : json_string_value(token);
    if (!*text && token && !json_is_null(token))
        return err_set(err, ERR_INPUT, "%s: %s is neither a text nor an object with \"content\"", file, key);
    return true;
}

static bool read_token(const Tokenizer *t, const json_t *config, const json_t *map, const char *key, int *id, Err *err)
{
    const char *text, *file = tokenizer_file[FILE_CONFIG];
    if (!token_of(config, key, file, &text, err))
        return false;
    if (!text) {
        file = tokenizer_file[FILE_SPECIAL_MAP];
        if (!token_of(map, key, file, &text, err))
            return false;
    }
    if (!text)
        return true;
    int found = tokenizer_find(t, text);
    if (found < 0)
        return err_set(err, ERR_INPUT, "%s: the %s \"%.60s\" is not in the vocabulary", file, key, text);
    *id = found;
    return true;
}

/* The text of a token wherever a file has one, or the texts of a list of them; NULL: none. */
static json_t *texts_of(const json_t *token)
{
    if (!json_is_array(token)) {
        const char *text = json_is_object(token) ? json_text_of(token, "content") : json_string_value(token);
        return text ? json_string(text) : NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(token); i++) {
        json_t *text = texts_of(json_array_get(token, i));
        if (json_is_string(text))
            json_array_append(list, text);
        json_decref(text);
    }
    return list;
}

/* Special tokens that only chat templates ask for: those with names of their own, and the model's ("image_token") in an
 * object of extra ones. tokenizer_config.json comes first. */
static void read_named(Tokenizer *t, const json_t *config, const json_t *map)
{
    static const char *const names[] = {"unk_token", "sep_token",  "pad_token",
                                        "cls_token", "mask_token", "additional_special_tokens"};
    const char *name;
    json_t *token, *extra = json_object_get(config, "extra_special_tokens");
    json_decref(t->named);
    t->named = json_object();
    for (int i = 0; i < COUNT(names); i++) {
        json_t *text = texts_of(json_object_get(config, names[i]));
        if (!text)
            text = texts_of(json_object_get(map, names[i]));
        if (text)
            json_object_set_new(t->named, names[i], text);
    }
    json_object_foreach(extra, name, token)
    {
        json_t *text = texts_of(token);
        if (text)
            json_object_set_new(t->named, name, text);
    }
}

/* Of a list of named templates the one called "default"; where none is, using a template fails, as in transformers. */
static bool read_template(Tokenizer *t, const json_t *config, Err *err)
{
    const json_t *source = json_object_get(config, "chat_template"), *list = json_is_array(source) ? source : NULL;
    bool is_there = source && !list && !json_is_null(source);
    for (size_t i = 0; !is_there && i < json_array_size(list); i++) {
        const char *name = json_text_of(json_array_get(list, i), "name");
        is_there = name && !strcmp(name, "default");
        source = json_object_get(json_array_get(list, i), "template");
    }
    if (is_there && !json_is_string(source))
        return err_set(err, ERR_INPUT, "tokenizer_config.json: chat_template is neither a text nor a list of such"),
               err_hint(err, "write the template as a text, or take it away");
    static const char none[] =
        "{{ raise_exception('tokenizer_config.json has chat templates, and none called default') }}";
    if (is_there || json_array_size(list))
        t->chat_template = mem_str(is_there ? json_string_value(source) : none);
    return true;
}

static bool add_end(Tokenizer *t, const json_t *id, Err *err)
{
    double i = json_number_value(id);
    if (!json_is_number(id) || i < 0 || i > INT32_MAX || i != floor(i))
        return err_set(err, ERR_INPUT, "generation_config.json: eos_token_id is not a token's id");
    tokenizer_add_end(t, (int)i);
    return true;
}

static bool read_generation(Tokenizer *t, const json_t *generation, Err *err)
{
    const json_t *ends = json_object_get(generation, "eos_token_id");
    if (!ends || json_is_null(ends))
        return true;
    if (!json_is_array(ends))
        return add_end(t, ends, err);
    for (size_t i = 0; i < json_array_size(ends); i++)
        if (!add_end(t, json_array_get(ends, i), err))
            return false;
    return true;
}

static bool read_config(Tokenizer *t, const json_t *config, const json_t *map, Err *err)
{
    int begins = t->add_bos ? t->bos : -1; /* the post-processor's */
    if (!read_token(t, config, map, "bos_token", &t->bos, err) ||
        !read_token(t, config, map, "eos_token", &t->eos, err) || !read_template(t, config, err))
        return false;
    if (begins >= 0 && begins != t->bos)
        return err_set(err, ERR_INPUT, "tokenizer.json begins a text with \"%.60s\", but bos_token is \"%.60s\"",
                       tokenizer_token(t, begins), tokenizer_token(t, t->bos));
    t->add_bos = json_bool_of(config, "add_bos_token", t->add_bos);
    read_named(t, config, map);
    tokenizer_add_end(t, t->eos);
    return true;
}

/* The smaller files, parsed; NULL: absent. */
typedef struct SmallFiles {
    json_t *config, *map, *generation, *added;
} SmallFiles;

static bool parse_small_files(SmallFiles *s, const TokenizerFiles *f, Err *err)
{
    return (parse(f, FILE_CONFIG, &s->config, err) && parse(f, FILE_SPECIAL_MAP, &s->map, err) &&
            parse(f, FILE_GENERATION, &s->generation, err) && parse(f, FILE_ADDED, &s->added, err)) ||
           err_hint(err, "%s", MEND);
}

static void small_files_release(SmallFiles *s)
{
    json_decref(s->config);
    json_decref(s->map);
    json_decref(s->generation);
    json_decref(s->added);
}

static bool read_small_files(Tokenizer *t, const SmallFiles *s, const char *chat_template, Err *err)
{
    if (!read_config(t, s->config, s->map, err) || !read_generation(t, s->generation, err))
        return err_hint(err, "%s", MEND);
    if (chat_template) {
        free(t->chat_template);
        t->chat_template = mem_str(chat_template);
    }
    return true;
}

/* --- the tokenizer itself --------------------------------------------------------------------------- */

static bool read_main(Tokenizer **out, const TokenizerFiles *f, const SmallFiles *s, Err *err)
{
    json_t *root;
    if (!parse(f, FILE_TOKENIZER, &root, err))
        return false;
    *out = tokenizer_blank();
    bool ok = added_tokens_complete(root, s->config, s->map, s->added, err) || err_hint(err, "%s", MEND);
    ok = ok && (tokenizer_read_json(*out, root, err) || err_context(err, "%s", tokenizer_file[FILE_TOKENIZER]));
    json_decref(root);
    if (ok)
        tokenizer_finish(*out);
    return ok;
}

/* *out stays NULL where the file is absent, or belongs to another tokenizer.json; then it is dropped. */
static bool read_exact(Tokenizer **out, TokenizerFiles *f, const char *where, Err *err)
{
    json_t *root;
    char hash[HASH_TEXT];
    if (!parse(f, FILE_EXACT, &root, err) || !root)
        return !f->text[FILE_EXACT];
    hash_bytes(f->text[FILE_TOKENIZER], f->n[FILE_TOKENIZER], hash);
    const char *wanted = json_text_of(root, "tokenizer_json_sha256");
    bool ok = true;
    if (wanted && !strcmp(wanted, hash)) {
        ok = tokenizer_read_exact(out, root, err) || err_context(err, "%s", tokenizer_file[FILE_EXACT]);
    } else {
        log_warn("%s/%s is not used: tokenizer.json was changed since", where, tokenizer_file[FILE_EXACT]);
        free(f->text[FILE_EXACT]);
        f->text[FILE_EXACT] = NULL;
    }
    json_decref(root);
    return ok;
}

bool tokenizer_from_files(Tokenizer **out, TokenizerFiles *f, const char *where, Err *err)
{
    Tokenizer *t = NULL;
    SmallFiles small = {0};
    *out = NULL;
    if (!f->text[FILE_TOKENIZER]) {
        err_set(err, ERR_INPUT, "there is no %s", tokenizer_file[FILE_TOKENIZER]);
        err_hint(err, "other forms of tokenizers (tokenizer.model, vocab.json) have to be converted to it first");
        goto fail;
    }
    if (!parse_small_files(&small, f, err) || !read_exact(&t, f, where, err) ||
        (!t && !read_main(&t, f, &small, err)) || !read_small_files(t, &small, f->text[FILE_TEMPLATE], err))
        goto fail;
    small_files_release(&small);
    t->files = *f;
    *f = (TokenizerFiles){0};
    *out = t;
    return true;
fail:
    small_files_release(&small);
    tokenizer_free(t);
    tokenizer_files_release(f);
    err_hint(
        err,
        "only byte pair encoding as Llama, Qwen, Gemma, GPT-2 and their kin have it, and unigram models, are supported;"
        " where the model is one of them, write its tokenizer again with transformers' save_pretrained");
    return err_context(err, "%s", where);
}

bool tokenizer_open(Tokenizer **out, const char *dir, Err *err)
{
    TokenizerFiles f = {0};
    *out = NULL;
    for (int i = 0; i < FILE_NAMES; i++) {
        char *path = path_join(dir, tokenizer_file[i]);
        bool ok = !file_exists(path) || file_read(path, MOST_FILE, &f.text[i], &f.n[i], err);
        free(path);
        if (!ok) {
            tokenizer_files_release(&f);
            return false;
        }
    }
    return tokenizer_from_files(out, &f, dir, err);
}
