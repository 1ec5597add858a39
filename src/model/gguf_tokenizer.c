/* GGUF metadata as a tokenizer's description, and the chat template. */
#include "model/gguf_config.h"

#include "base/log.h"
#include "base/mem.h"
#include "text/prepare/charsmap.h"

#include <limits.h>

static const char DAMAGED[] = "the file is damaged: download or convert it again";

int gguf_usual_id(const char *model, const char *name, int n)
{
    static const struct {
        const char *model, *name;
        int id;
    } usual[] = {{"llama", "unknown", 0}, {"llama", "bos", 1},  {"llama", "eos", 2},
                 {"t5", "padding", 0},    {"t5", "unknown", 2}, {"t5", "eos", 1}};
    for (int i = 0; i < COUNT(usual); i++)
        if (strcmp(usual[i].model, model) == 0 && strcmp(usual[i].name, name) == 0 && usual[i].id < n)
            return usual[i].id;
    return -1;
}

bool gguf_token_id(const Gguf *g, const char *name, int n, int *id, Err *err)
{
    char key[60];
    double v;
    const char *model = "";
    gguf_text(g, "tokenizer.ggml.model", &model);
    snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", name);
    *id = gguf_value(g, key) ? -1 : gguf_usual_id(model, name, n);
    if (!gguf_value(g, key) || (gguf_number(g, key, &v) && (v == -1 || v == (double)UINT32_MAX)))
        return true;
    if (!gguf_number(g, key, &v))
        return err_set(err, ERR_INPUT, "%s: the metadata \"%s\" must be a number", g->path, key),
               err_hint(err, "%s", DAMAGED);
    if (!(v >= 0 && v < n && floor(v) == v))
        return err_set(err, ERR_INPUT, "%s: \"%s\" is %.10g, the vocabulary has %d tokens", g->path, key, v, n),
               err_hint(err, "%s", DAMAGED);
    *id = (int)v;
    return true;
}

/* The texts of an array as strings that end in a NUL, all in one block. */
static bool read_texts(const Gguf *g, const GgufValue *v, const char ***list, char **block, Err *err)
{
    const unsigned char *p = v->at;
    size_t bytes = 0;
    uint64_t n;
    for (uint64_t i = 0; i < v->n; i++, p += 8 + n) {
        memcpy(&n, p, sizeof n);
        if (n && memchr(p + 8, 0, (size_t)n))
            return err_set(err, ERR_INPUT, "%s: entry %llu of \"%s\" has a NUL character", g->path,
                           (unsigned long long)i, v->key),
                   err_hint(err, "%s", DAMAGED);
        bytes += (size_t)n + 1;
    }
    char *to = *block = mem_alloc(bytes, 1);
    *list = mem_alloc((size_t)v->n, sizeof **list);
    p = v->at;
    for (uint64_t i = 0; i < v->n; i++, p += 8 + n, to += n + 1) {
        memcpy(&n, p, sizeof n);
        memcpy(to, p + 8, (size_t)n);
        to[n] = 0;
        (*list)[i] = to;
    }
    return true;
}

/* An array of `item`, of n entries unless n is 0; *v is NULL where the key is absent. */
static bool find_array(const Gguf *g, const char *key, GgufType item, uint64_t n, const GgufValue **v, Err *err)
{
    *v = gguf_value(g, key);
    if (!*v)
        return true;
    if ((*v)->type != GGUF_ARRAY || (*v)->item != item)
        return err_set(err, ERR_INPUT, "%s: \"%s\" must be an array of %s", g->path, key,
                       item == GGUF_TEXT  ? "texts"
                       : item == GGUF_F32 ? "32-bit reals"
                                          : "32-bit integers"),
               err_hint(err, "%s", DAMAGED);
    if (n ? (*v)->n != n : (*v)->n > INT_MAX)
        return err_set(err, ERR_INPUT, "%s: \"%s\" has %llu entries, the vocabulary %llu tokens", g->path, key,
                       (unsigned long long)(*v)->n, (unsigned long long)n),
               err_hint(err, "%s", DAMAGED);
    return true;
}

/* A list of texts, made at the first call; n 0 where there is none. */
static bool list_texts(const Gguf *g, const char *key, const char ***list, char **block, int *n, Err *err)
{
    const GgufValue *v;
    *n = 0;
    if (!find_array(g, key, GGUF_TEXT, 0, &v, err))
        return false;
    if (v)
        *n = (int)v->n;
    return !v || *list || read_texts(g, v, list, block, err);
}

static bool read_tokens(Gguf *g, TokenizerSpec *spec, Err *err)
{
    if (!list_texts(g, "tokenizer.ggml.tokens", &g->tokens, &g->token_text, &spec->n, err))
        return false;
    spec->tokens = g->tokens;
    return spec->n > 0 ||
           err_set(err, ERR_INPUT, "%s: the file lists no tokens (\"tokenizer.ggml.tokens\")", g->path) ||
           err_hint(err, "take a file that holds its tokenizer");
}

static bool read_merges(Gguf *g, TokenizerSpec *spec, Err *err)
{
    bool ok = list_texts(g, "tokenizer.ggml.merges", &g->merges, &g->merge_text, &spec->n_merges, err);
    spec->merges = g->merges;
    return ok;
}

static bool read_scores(Gguf *g, TokenizerSpec *spec, Err *err)
{
    const GgufValue *v;
    if (!find_array(g, "tokenizer.ggml.scores", GGUF_F32, (uint64_t)spec->n, &v, err))
        return false;
    if (v && !g->scores)
        g->scores = mem_copy(v->at, (size_t)v->n, sizeof *g->scores);
    spec->scores = g->scores;
    return true;
}

static bool read_types(Gguf *g, TokenizerSpec *spec, Err *err)
{
    const GgufValue *v;
    if (!find_array(g, "tokenizer.ggml.token_type", GGUF_I32, (uint64_t)spec->n, &v, err))
        return false;
    if (!v)
        return err_set(err, ERR_INPUT,
                       "%s: \"tokenizer.ggml.token_type\" is missing: which tokens are control tokens is not known",
                       g->path),
               err_hint(err, "take a file that holds its whole tokenizer");
    if (!g->types)
        g->types = mem_copy(v->at, (size_t)v->n, sizeof *g->types);
    for (int i = 0; i < spec->n; i++)
        if (g->types[i] < TOKEN_NORMAL || g->types[i] > TOKEN_BYTE)
            return err_set(err, ERR_INPUT, "%s: token %d has type %d, the types are %d to %d", g->path, i, g->types[i],
                           TOKEN_NORMAL, TOKEN_BYTE),
                   err_hint(err, "%s", DAMAGED);
    spec->types = g->types;
    return true;
}

static bool read_special(const Gguf *g, TokenizerSpec *spec, Err *err)
{
    return gguf_token_id(g, "bos", spec->n, &spec->bos, err) && gguf_token_id(g, "eos", spec->n, &spec->eos, err) &&
           gguf_token_id(g, "eot", spec->n, &spec->eot, err) && gguf_token_id(g, "unknown", spec->n, &spec->unk, err) &&
           gguf_token_id(g, "padding", spec->n, &spec->pad, err);
}

/* The map of characters of a unigram model: bytes. */
static bool read_charsmap(Gguf *g, TokenizerSpec *spec, Err *err)
{
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const GgufValue *v = gguf_value(g, key);
    if (!v)
        return true;
    if (v->type != GGUF_ARRAY || (v->item != GGUF_U8 && v->item != GGUF_I8))
        return err_set(err, ERR_INPUT, "%s: \"%s\" must be an array of bytes", g->path, key),
               err_hint(err, "%s", DAMAGED);
    if (!g->charsmap)
        g->charsmap = charsmap_base64(v->at, (size_t)v->n);
    spec->charsmap = g->charsmap;
    return true;
}

/* Phi-3's tokens take the white space behind them. No file says so: llama.cpp knows the model by its name. */
static bool is_phi3(const Gguf *g)
{
    const char *name = NULL;
    return gguf_text(g, "general.name", &name) && (strcasestr(name, "phi-3") || strcasestr(name, "phi3"));
}

bool gguf_tokenizer(Gguf *g, TokenizerSpec *spec, Err *err)
{
    *spec = (TokenizerSpec){.bos = -1, .eos = -1, .eot = -1, .unk = -1, .pad = -1};
    static const struct {
        const char *key;
        GgufType type;
    } typed[] = {{"tokenizer.ggml.pre", GGUF_TEXT},
                 {"tokenizer.ggml.remove_extra_whitespaces", GGUF_BOOL},
                 {"tokenizer.ggml.add_bos_token", GGUF_BOOL},
                 {"tokenizer.ggml.add_eos_token", GGUF_BOOL},
                 {"tokenizer.ggml.add_space_prefix", GGUF_BOOL},
                 {"tokenizer.chat_template", GGUF_TEXT}};
    for (int i = 0; i < COUNT(typed); i++)
        if (!gguf_typed(g, typed[i].key, typed[i].type, err))
            return false;
    if (!gguf_text(g, "tokenizer.ggml.model", &spec->model))
        return err_set(err, ERR_INPUT, "%s: the metadata \"tokenizer.ggml.model\" is missing", g->path),
               err_hint(err, "take a file that holds its tokenizer");
    if (!gguf_text(g, "tokenizer.ggml.pre", &spec->pre) && strcmp(spec->model, "gpt2") == 0)
        log_warn(
            "%s names no pre-tokenizer (tokenizer.ggml.pre): texts are cut in the way called \"default\", and may become "
            "other tokens than the model was trained on; convert it again with a current llama.cpp",
            g->path);
    /* What the absence of a key means depends on the kind, as in llama.cpp. */
    bool sentencepiece = strcmp(spec->model, "llama") == 0;
    spec->add_bos = sentencepiece || tokenizer_pre_adds_bos(spec->pre);
    spec->add_space_prefix = sentencepiece;
    spec->eats_blanks = is_phi3(g);
    spec->add_eos = strcmp(spec->model, "t5") == 0;
    gguf_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &spec->merge_blanks);
    gguf_bool(g, "tokenizer.ggml.add_bos_token", &spec->add_bos);
    gguf_bool(g, "tokenizer.ggml.add_eos_token", &spec->add_eos);
    gguf_bool(g, "tokenizer.ggml.add_space_prefix", &spec->add_space_prefix);
    return read_tokens(g, spec, err) && read_merges(g, spec, err) && read_scores(g, spec, err) &&
           read_types(g, spec, err) && read_charsmap(g, spec, err) && read_special(g, spec, err);
}

const char *gguf_chat_template(const Gguf *g)
{
    const char *text = NULL;
    gguf_text(g, "tokenizer.chat_template", &text);
    return text;
}
