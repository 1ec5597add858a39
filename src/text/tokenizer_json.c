/* tokenizer.json, as the `tokenizers` library writes it: the model (byte pair encoding or unigram) and the added tokens. */
#include "text/tokenizer_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

/* --- vocabulary ------------------------------------------------------------------------------------- */

/* Every token's text by its id, before the vocabulary is filled in the order of ids. */
typedef struct Slots {
    const char **text;    /* [n]; NULL: not seen yet. Borrowed from the JSON tree. */
    const json_t **added; /* [n] its entry of added_tokens, or NULL */
    int n;
} Slots;

static bool place(Slots *s, const char *text, const json_t *id, const char *where, Err *err)
{
    if (!json_is_integer(id))
        return err_set(err, ERR_INPUT, "%s: the id of \"%.60s\" is not an integer", where, text);
    json_int_t i = json_integer_value(id);
    if (i < 0 || i >= s->n)
        return err_set(err, ERR_INPUT, "%s: \"%.60s\" has the id %lld, but there are %d tokens: ids must be 0 to %d",
                       where, text, (long long)i, s->n, s->n - 1);
    if (s->text[i] && strcmp(s->text[i], text) != 0)
        return err_set(err, ERR_INPUT, "%s: \"%.60s\" and \"%.60s\" both have the id %lld", where, s->text[i], text,
                       (long long)i);
    s->text[i] = text;
    return true;
}

/* Reads one entry of added_tokens; `vocab` is the model's. */
static bool place_added(Slots *s, const json_t *entry, const json_t *vocab, Err *err)
{
    const char *text = json_text_of(entry, "content");
    const json_t *id = json_object_get(entry, "id");
    if (!text || !*text || !id)
        return err_set(err, ERR_INPUT, "added_tokens: an entry has no \"content\" or no \"id\"");
    const json_t *known = json_object_get(vocab, text);
    if (known && !json_equal(known, id))
        return err_set(err, ERR_INPUT, "added_tokens: \"%.60s\" has another id in the model's vocabulary", text);
    if (!place(s, text, id, "added_tokens", err))
        return false;
    json_int_t i = json_integer_value(id);
    if (s->added[i])
        return err_set(err, ERR_INPUT, "added_tokens: \"%.60s\" is there twice", text);
    s->added[i] = entry;
    return true;
}

static bool place_all(Slots *s, const json_t *vocab, const json_t *added, Err *err)
{
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)vocab, text, id)
    {
        if (!place(s, text, id, "model.vocab", err))
            return false;
    }
    for (size_t i = 0; i < json_array_size(added); i++)
        if (!place_added(s, json_array_get(added, i), vocab, err))
            return false;
    return true; /* n tokens in n places, no two in one: none is empty */
}

/* Words are looked up in the model's vocabulary alone. */
static bool fill_vocab(Tokenizer *t, const Slots *s, const json_t *vocab, Err *err)
{
    vocab_reserve(&t->vocab, s->n);
    for (int i = 0; i < s->n; i++) {
        TokenType type = !s->added[i]                                  ? TOKEN_NORMAL
                         : json_bool_of(s->added[i], "special", false) ? TOKEN_CONTROL
                                                                       : TOKEN_USER_DEFINED;
        if (!vocab_add(&t->vocab, s->text[i], strlen(s->text[i]), type))
            return err_set(err, ERR_INPUT, "the token \"%.60s\" has two ids", s->text[i]);
        if (s->added[i] && !json_object_get(vocab, s->text[i]))
            vocab_set_apart(&t->vocab, i);
    }
    return true;
}

/* Added tokens that are normalized are looked for in normalized text, by what the normalizer makes of them: after the
 * others, even where there is no normalizer. */
static bool add_special(Tokenizer *t, const Slots *s, int id, Err *err)
{
    const json_t *entry = s->added[id];
    Special item = {.id = id,
                    .control = json_bool_of(entry, "special", false),
                    .eats_left = json_bool_of(entry, "lstrip", false),
                    .eats_right = json_bool_of(entry, "rstrip", false),
                    .whole_word = json_bool_of(entry, "single_word", false)};
    if (!json_bool_of(entry, "normalized", !item.control))
        return specials_add(&t->raw, s->text[id], strlen(s->text[id]), item) ||
               err_set(err, ERR_INPUT, "added_tokens: \"%.60s\" is there twice", s->text[id]);
    Tainted text = {0};
    bool ok = steps_run(&t->normalize, s->text[id], strlen(s->text[id]), NULL, PLACE_FIRST, &text, err);
    if (ok && !specials_add(&t->added, str_text(&text.text), text.text.n, item))
        ok = err_set(err, ERR_INPUT, "added_tokens: \"%.60s\" is empty or there twice once normalized", s->text[id]);
    tainted_release(&text);
    return ok;
}

/* Ids must be 0 .. n-1, so their number is known before they are placed, whatever ids a file claims. */
static bool read_tokens(Tokenizer *t, const json_t *vocab, const json_t *added, Err *err)
{
    size_t n = json_object_size(vocab);
    for (size_t i = 0; i < json_array_size(added); i++) {
        const char *text = json_text_of(json_array_get(added, i), "content");
        n += text && !json_object_get(vocab, text);
    }
    if (n == 0 || n > INT32_MAX / 4)
        return err_set(err, ERR_INPUT, "model.vocab has %zu tokens", n);
    Slots s = {mem_zalloc(n, sizeof *s.text), mem_zalloc(n, sizeof *s.added), (int)n};
    bool ok = place_all(&s, vocab, added, err) && fill_vocab(t, &s, vocab, err);
    for (int i = 0; ok && i < s.n; i++)
        ok = !s.added[i] || add_special(t, &s, i, err);
    free(s.text);
    free(s.added);
    return ok;
}

/* --- merges ----------------------------------------------------------------------------------------- */

/* The halves of "left right" or ["left", "right"]; lengths in n. */
static bool halves(const json_t *merge, const char *half[2], size_t n[2])
{
    if (json_is_array(merge)) {
        for (size_t k = 0; k < 2; k++) {
            half[k] = json_string_value(json_array_get(merge, k));
            n[k] = half[k] ? strlen(half[k]) : 0;
        }
        return json_array_size(merge) == 2 && n[0] && n[1];
    }
    const char *text = json_string_value(merge), *blank = text ? strchr(text, ' ') : NULL;
    if (!blank || strchr(blank + 1, ' '))
        return false;
    half[0] = text, n[0] = (size_t)(blank - text);
    half[1] = blank + 1, n[1] = strlen(blank + 1);
    return n[0] && n[1];
}

static bool read_merge(Tokenizer *t, const json_t *merge, size_t i, Str *joined, Err *err)
{
    const char *half[2];
    size_t n[2];
    if (!halves(merge, half, n))
        return err_set(err, ERR_INPUT, "model.merges: entry %zu is neither \"left right\" nor [left, right]", i);
    str_clear(joined);
    str_addn(joined, half[0], n[0]);
    str_addn(joined, half[1], n[1]);
    int left = vocab_find(&t->vocab, half[0], n[0]), right = vocab_find(&t->vocab, half[1], n[1]);
    int id = vocab_find(&t->vocab, joined->text, joined->n);
    if (left < 0 || right < 0 || id < 0)
        return err_set(err, ERR_INPUT,
                       "model.merges: entry %zu (\"%.*s\" + \"%.*s\") needs a token that is not in the vocabulary", i,
                       (int)(n[0] < 60 ? n[0] : 60), half[0], (int)(n[1] < 60 ? n[1] : 60), half[1]);
    if (vocab_is_special(&t->vocab, id))
        return true; /* text never becomes a control token */
    if (!merges_add(&t->merges, left, right, id))
        return err_set(err, ERR_INPUT, "model.merges: entry %zu is there twice", i);
    return true;
}

static bool read_merges(Tokenizer *t, const json_t *merges, Err *err)
{
    size_t n = json_array_size(merges);
    if (n > INT32_MAX / 4)
        return err_set(err, ERR_INPUT, "model.merges has %zu entries", n);
    merges_reserve(&t->merges, (int)n);
    Str joined = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = read_merge(t, json_array_get(merges, i), i, &joined, err);
    str_release(&joined);
    return ok;
}

/* --- model ------------------------------------------------------------------------------------------ */

static bool is_unigram(const json_t *model)
{
    const char *type = json_text_of(model, "type");
    return type && strcmp(type, "Unigram") == 0;
}

/* What would change the ids and is not understood. */
static bool check_model(const json_t *model, Err *err)
{
    static const char *const affix[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *type = json_text_of(model, "type");
    if (is_unigram(model))
        return json_is_array(json_object_get(model, "vocab")) ||
               err_set(err, ERR_INPUT, "model: the \"vocab\" of a Unigram must be a list");
    if (type && strcmp(type, "BPE") != 0)
        return err_set(err, ERR_INPUT, "model: the type \"%.60s\" is not supported, only BPE and Unigram are", type);
    if (json_number_of(model, "dropout", 0) != 0)
        return err_set(err, ERR_INPUT, "model: \"dropout\" is not supported");
    for (int i = 0; i < COUNT(affix); i++) {
        const char *text = json_text_of(model, affix[i]);
        if (text && *text)
            return err_set(err, ERR_INPUT, "model: \"%s\" is not supported", affix[i]);
    }
    if (!json_is_object(json_object_get(model, "vocab")) || !json_is_array(json_object_get(model, "merges")))
        return err_set(err, ERR_INPUT, "model: \"vocab\" must be an object and \"merges\" a list");
    return true;
}

static bool read_unknown(Tokenizer *t, const json_t *model, Err *err)
{
    const char *text = json_text_of(model, "unk_token");
    if (!text)
        return true;
    t->unknown = t->unk = vocab_find(&t->vocab, text, strlen(text));
    if (t->unk < 0)
        return err_set(err, ERR_INPUT, "model: the unk_token \"%.60s\" is not in the vocabulary", text);
    return true;
}

/* --- unigram ---------------------------------------------------------------------------------------- */

/* A list of [text, score] as an object of ids; the caller releases it. NULL where it is none. */
static json_t *ids_of(const json_t *list, Err *err)
{
    json_t *ids = json_object(), *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(json_array_get(entry, 0));
        bool pair = text && json_array_size(entry) == 2 && json_is_number(json_array_get(entry, 1));
        if (pair && !json_object_get(ids, text)) {
            json_object_set_new(ids, text, json_integer((json_int_t)i));
            continue;
        }
        err_set(err, ERR_INPUT,
                pair ? "model.vocab: entry %zu is there twice" : "model.vocab: entry %zu is not [text, score]", i);
        json_decref(ids);
        return NULL;
    }
    return ids;
}

static bool set_scores(Tokenizer *t, const json_t *model, Err *err)
{
    const json_t *list = json_object_get(model, "vocab"), *unknown = json_object_get(model, "unk_id");
    size_t n = json_array_size(list);
    double *score = mem_zalloc((size_t)t->vocab.n, sizeof *score), lowest = 0;
    for (size_t i = 0; i < n; i++) {
        score[i] = json_number_value(json_array_get(json_array_get(list, i), 1));
        lowest = i == 0 || score[i] < lowest ? score[i] : lowest;
    }
    unigram_set(&t->unigram, &t->vocab, score, (int)n, lowest);
    if (!unknown || json_is_null(unknown))
        return true;
    if (!json_is_integer(unknown) || json_integer_value(unknown) < 0 || json_integer_value(unknown) >= (json_int_t)n)
        return err_set(err, ERR_INPUT, "model: \"unk_id\" is no id of its %zu tokens", n);
    t->unknown = t->unk = (int)json_integer_value(unknown);
    return true;
}

static bool read_unigram(Tokenizer *t, const json_t *model, const json_t *added, Err *err)
{
    json_t *ids = ids_of(json_object_get(model, "vocab"), err);
    bool ok = ids && read_tokens(t, ids, added, err) && set_scores(t, model, err);
    t->fuse_unknown = true;
    json_decref(ids);
    return ok;
}

static bool read_bpe(Tokenizer *t, const json_t *model, const json_t *added, Err *err)
{
    t->fuse_unknown = json_bool_of(model, "fuse_unk", false);
    t->ignore_merges = json_bool_of(model, "ignore_merges", false);
    return read_tokens(t, json_object_get(model, "vocab"), added, err) &&
           read_merges(t, json_object_get(model, "merges"), err) && read_unknown(t, model, err);
}

bool tokenizer_read_json(Tokenizer *t, const json_t *root, Err *err)
{
    const json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    if (!json_is_object(model))
        return err_set(err, ERR_INPUT, "it has no \"model\"");
    if (added && !json_is_array(added) && !json_is_null(added))
        return err_set(err, ERR_INPUT, "added_tokens: not a list");
    if (!check_model(model, err))
        return false;
    t->drops_early = true;
    t->byte_fallback = json_bool_of(model, "byte_fallback", false);
    return tokenizer_read_parts(t, root, err) && (is_unigram(model) ? read_unigram : read_bpe)(t, model, added, err) &&
           tokenizer_read_post_processor(t, root, err);
}
