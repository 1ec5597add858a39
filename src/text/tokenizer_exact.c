/* tokenizer.rlaif.json: what a GGUF file said of a tokenizer, beside the tokenizer.json made of it.
 *
 * tokenizer.json cannot say all of it: merges by score where scores are equal, which of two overlapping added
 * tokens comes first, tokens that end a turn. The file names the SHA-256 of the tokenizer.json that it
 * belongs to, and is not used beside another one. */
#include "text/tokenizer_exact.h"

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer.h"

/* [type, how many, type, how many, ...] in the order of ids. */
static json_t *types_json(const Tokenizer *t)
{
    json_t *runs = json_array();
    for (int i = 0, n; i < t->vocab.n; i += n) {
        for (n = 1; i + n < t->vocab.n && t->vocab.type[i + n] == t->vocab.type[i];)
            n++;
        json_array_append_new(runs, json_integer(t->vocab.type[i]));
        json_array_append_new(runs, json_integer(n));
    }
    return runs;
}

static json_t *scores_json(const Tokenizer *t)
{
    json_t *scores = json_array();
    for (int i = 0; i < t->vocab.n; i++) {
        float x = t->score[i];
        bool whole = x == (float)(int)fmaxf(fminf(x, 1e6f), -1e6f);
        json_array_append_new(scores, whole ? json_integer((int)x) : json_of_float(x));
    }
    return scores;
}

static json_t *merges_json(const Tokenizer *t)
{
    json_t *list = json_array();
    Pair *pair = merges_sorted(&t->merges);
    for (int i = 0; i < t->merges.n; i++)
        json_array_append_new(
            list, json_sprintf("%s %s", vocab_text(&t->vocab, pair[i].left), vocab_text(&t->vocab, pair[i].right)));
    free(pair);
    return list;
}

char *tokenizer_exact_text(const Tokenizer *t, const char *hash)
{
    const char *model = t->byte_level ? "gpt2" : t->unigram.score ? "t5" : "llama";
    json_t *root = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:b}", "tokenizer_json_sha256", hash,
                             "model", model, "bos", t->bos, "eos", t->eos, "eot", t->eot, "unk", t->unk, "pad", t->pad,
                             "add_bos", t->add_bos, "add_eos", t->add_eos, "add_space_prefix", t->add_space_prefix);
    json_t *tokens = json_array();
    for (int i = 0; i < t->vocab.n; i++)
        json_array_append_new(tokens, json_string(vocab_text(&t->vocab, i)));
    if (t->unigram.score)
        json_object_set_new(root, "merge_blanks", json_boolean(t->merge_blanks));
    if (t->eats_blanks)
        json_object_set_new(root, "eats_blanks", json_true());
    if (t->charsmap)
        json_object_set_new(root, "charsmap", json_string(t->charsmap));
    if (t->pre)
        json_object_set_new(root, "pre", json_string(t->pre));
    json_object_set_new(root, "types", types_json(t));
    json_object_set_new(root, "tokens", tokens);
    if (t->score)
        json_object_set_new(root, "scores", scores_json(t));
    if (t->byte_level)
        json_object_set_new(root, "merges", merges_json(t));
    char *text = json_text(root);
    json_decref(root);
    return text;
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* The texts of a list, borrowed from it; NULL where one is no text. */
static const char **texts_of(const json_t *list)
{
    size_t n = json_array_size(list);
    const char **text = mem_alloc(n, sizeof *text);
    for (size_t i = 0; i < n; i++) {
        text[i] = json_string_value(json_array_get(list, i));
        if (!text[i]) {
            free(text);
            return NULL;
        }
    }
    return text;
}

static bool read_types(const json_t *runs, int *type, int n)
{
    int done = 0;
    for (size_t i = 0; i + 1 < json_array_size(runs); i += 2) {
        json_int_t kind = json_integer_value(json_array_get(runs, i));
        json_int_t count = json_integer_value(json_array_get(runs, i + 1));
        if (count < 0 || count > n - done || kind < TOKEN_NORMAL || kind > TOKEN_BYTE)
            return false;
        for (; count > 0; count--)
            type[done++] = (int)kind;
    }
    return done == n;
}

static bool read_scores(const json_t *scores, float *score, int n)
{
    if (json_array_size(scores) != (size_t)n)
        return false;
    for (int i = 0; i < n; i++)
        score[i] = (float)json_number_value(json_array_get(scores, (size_t)i));
    return true;
}

static int id_of(const json_t *root, const char *key)
{
    double id = json_number_of(root, key, -1);
    return id >= -1 && id < INT32_MAX ? (int)id : INT32_MAX;
}

bool tokenizer_read_exact(Tokenizer **out, const json_t *root, Err *err)
{
    const json_t *tokens = json_object_get(root, "tokens"), *merges = json_object_get(root, "merges");
    const json_t *scores = json_object_get(root, "scores");
    size_t n = json_array_size(tokens), n_merges = json_array_size(merges);
    *out = NULL;
    if (n > INT32_MAX / 4 || n_merges > INT32_MAX / 4)
        return err_set(err, ERR_INPUT, "it has %zu tokens and %zu merges", n, n_merges);
    const char **text = texts_of(tokens), **merge = texts_of(merges);
    int *type = mem_zalloc(n, sizeof *type);
    float *score = mem_zalloc(n, sizeof *score);
    TokenizerSpec spec = {.model = json_text_of(root, "model"),
                          .pre = json_text_of(root, "pre"),
                          .n = (int)n,
                          .tokens = text,
                          .scores = scores ? score : NULL,
                          .types = type,
                          .n_merges = (int)n_merges,
                          .merges = merge,
                          .bos = id_of(root, "bos"),
                          .eos = id_of(root, "eos"),
                          .eot = id_of(root, "eot"),
                          .unk = id_of(root, "unk"),
                          .pad = id_of(root, "pad"),
                          .add_bos = json_bool_of(root, "add_bos", false),
                          .add_eos = json_bool_of(root, "add_eos", false),
                          .add_space_prefix = json_bool_of(root, "add_space_prefix", false),
                          .merge_blanks = json_bool_of(root, "merge_blanks", false),
                          .eats_blanks = json_bool_of(root, "eats_blanks", false),
                          .charsmap = json_text_of(root, "charsmap")};
    bool ok = text && merge && read_types(json_object_get(root, "types"), type, (int)n) &&
              (!scores || read_scores(scores, score, (int)n));
    ok = ok ? tokenizer_new(out, &spec, err)
            : err_set(err, ERR_INPUT, "\"tokens\", \"types\", \"scores\" and \"merges\" do not fit each other");
    free(text);
    free(merge);
    free(type);
    free(score);
    return ok;
}
