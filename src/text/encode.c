/* Encoding: a text's way through added tokens, normalizer, pre-tokenizer and merges to ids. */
#include "text/tokenizer_internal.h"

#include "base/mem.h"

enum { MOST_TEXT = 1 << 28 }; /* bytes of one text: its symbols and their queue take some fifty times that */

/* Scratch of one call, so that threads may share a tokenizer. */
typedef struct Encoder {
    const Tokenizer *t;
    bool special, bare;
    Ids *ids;
    Matches raw, added;
    Str normal, prefixed, word;
    Spans spans;
    MergeWork merge;
} Encoder;

static void encoder_release(Encoder *e)
{
    matches_release(&e->raw);
    matches_release(&e->added);
    str_release(&e->normal);
    str_release(&e->prefixed);
    str_release(&e->word);
    spans_release(&e->spans);
    merge_work_release(&e->merge);
}

/* A symbol that is no token: its bytes, else the unknown token. */
static bool emit_missing(Encoder *e, const char *text, size_t n, Err *err)
{
    const Tokenizer *t = e->t;
    bool bytes = t->byte_fallback && !t->byte_level;
    for (size_t i = 0; i < n && bytes; i++)
        bytes = t->byte_id[(unsigned char)text[i]] >= 0;
    if (bytes) {
        for (size_t i = 0; i < n; i++)
            ids_add(e->ids, t->byte_id[(unsigned char)text[i]]);
        return true;
    }
    if (t->unknown < 0) {
        if (n == 1)
            err_set(err, ERR_INPUT, "the byte 0x%02X has no token in the vocabulary", (unsigned char)*text);
        else
            err_set(err, ERR_INPUT, "\"%.*s\" has no token in the vocabulary", (int)n, text);
        return err_hint(err, "leave it out of the text: the model has never seen it");
    }
    ids_add(e->ids, t->unknown);
    return true;
}

static bool emit_symbols(Encoder *e, const char *text, Err *err)
{
    bool was_unknown = false;
    for (int i = 0; i >= 0 && i < e->merge.n; i = e->merge.symbol[i].next) {
        const Symbol *s = &e->merge.symbol[i];
        if (s->id >= 0) {
            ids_add(e->ids, s->id);
            was_unknown = false;
            continue;
        }
        int before = e->ids->n;
        if (!emit_missing(e, text + s->at, (size_t)s->len, err))
            return false;
        bool unknown = e->ids->n == before + 1 && e->ids->id[before] == e->t->unknown;
        if (unknown && was_unknown && e->t->fuse_unknown)
            e->ids->n = before;
        was_unknown = unknown;
    }
    return true;
}

/* The word as one token, where the merges do not matter. */
static bool is_token(Encoder *e, const char *text, size_t n)
{
    if (e->t->byte_level) {
        str_clear(&e->word);
        alphabet_append_text(&e->word, text, n);
        text = str_text(&e->word), n = e->word.n;
    }
    int id = vocab_find_plain(&e->t->vocab, text, n);
    if (id >= 0)
        ids_add(e->ids, id);
    return id >= 0;
}

static int char_length(const char *text, size_t n)
{
    int len = str_utf8_length((const unsigned char *)text, n);
    return len ? len : 1;
}

/* Symbols of a word: bytes, or characters. */
static void spell(Encoder *e, const char *text, int n)
{
    const Tokenizer *t = e->t;
    merge_begin(&e->merge);
    for (int i = 0, len; i < n; i += len) {
        len = t->byte_level ? 1 : char_length(text + i, (size_t)(n - i));
        int id =
            t->byte_level ? t->byte_id[(unsigned char)text[i]] : vocab_find_plain(&t->vocab, text + i, (size_t)len);
        merge_symbol(&e->merge, id, i, len);
    }
}

static bool encode_word(Encoder *e, const char *text, int n, Err *err)
{
    if (e->t->ignore_merges && is_token(e, text, (size_t)n))
        return true;
    spell(e, text, n);
    merge_run(&e->t->merges, &e->t->vocab, text, &e->merge);
    return emit_symbols(e, text, err);
}

/* Cuts a word of a SentencePiece-type vocabulary before blanks where no token can reach across: the same
 * ids, and the queue stays short. */
static bool encode_parts(Encoder *e, const char *text, int n, Err *err)
{
    int mark = (int)strlen(BLANK_MARK), begin = 0;
    bool whole = e->t->byte_level || e->t->ignore_merges || (e->t->fuse_unknown && e->t->unknown >= 0);
    for (int i = 1; i + mark <= n && !whole; i++) {
        if (text[i] != BLANK_MARK[0] || memcmp(text + i, BLANK_MARK, (size_t)mark) ||
            e->t->joins_blank[(unsigned char)text[i - 1]])
            continue;
        if (!encode_word(e, text + begin, i - begin, err))
            return false;
        begin = i;
    }
    return encode_word(e, text + begin, n - begin, err);
}

static StepPlace place(const Encoder *e, bool very_first)
{
    return e->bare ? PLACE_BARE : very_first ? PLACE_FIRST : PLACE_LATER;
}

/* A piece that holds no added token: prefixed, cut into words. Bytes that are not UTF-8 are words of their
 * own, which no pattern sees. */
static bool encode_piece(Encoder *e, const char *text, int n, bool very_first, Err *err)
{
    if (e->t->prefix.n) {
        str_clear(&e->prefixed);
        if (!steps_run(&e->t->prefix, text, (size_t)n, place(e, very_first), &e->prefixed, err))
            return false;
        text = str_text(&e->prefixed), n = (int)e->prefixed.n;
    }
    bool valid;
    for (int i = 0, len; i < n; i += len) {
        len = (int)text_run(text + i, (size_t)(n - i), &valid);
        if (!valid) {
            for (int j = 0; j < len; j++)
                if (!encode_word(e, text + i + j, 1, err))
                    return false;
            continue;
        }
        if (!splits_run(&e->t->splits, text + i, len, &e->spans, err))
            return false;
        for (int j = 0; j < e->spans.n; j++)
            if (!encode_parts(e, text + i + e->spans.item[j].at, e->spans.item[j].len, err))
                return false;
    }
    return true;
}

typedef bool PieceFn(Encoder *e, const char *text, int n, bool very_first, Err *err);

/* What stands between the tokens of `specials` goes to `piece`, they themselves become ids. */
static bool encode_between(Encoder *e, const Specials *specials, Matches *m, const char *text, int n, bool very_first,
                           PieceFn *piece, Err *err)
{
    int done = 0;
    specials_find(specials, text, n, e->special, m);
    for (int i = 0; i <= m->n; i++) {
        Match next = i < m->n ? m->item[i] : (Match){n, 0, -1};
        if (next.at > done && !piece(e, text + done, next.at - done, very_first && done == 0, err))
            return false;
        if (i < m->n)
            ids_add(e->ids, next.id);
        done = next.at + next.len;
    }
    return true;
}

static bool encode_fragment(Encoder *e, const char *text, int n, bool very_first, Err *err)
{
    if (e->t->normalize.n) {
        str_clear(&e->normal);
        if (!steps_run(&e->t->normalize, text, (size_t)n, place(e, very_first), &e->normal, err))
            return false;
        if (e->normal.n > MOST_TEXT)
            return err_set(err, ERR_INPUT, "a text of %d bytes is too long once normalized", n);
        text = str_text(&e->normal), n = (int)e->normal.n;
    }
    return encode_between(e, &e->t->added, &e->added, text, n, very_first, encode_piece, err);
}

static bool encode_from(const Tokenizer *t, const char *text, size_t n, int how, bool very_first, Ids *ids, Err *err)
{
    if (n > MOST_TEXT)
        return err_set(err, ERR_INPUT, "a text of %zu bytes is too long for the tokenizer: at most %d", n, MOST_TEXT);
    Encoder e = {.t = t, .special = how & TOKENIZE_SPECIAL, .bare = how & TOKENIZE_BARE, .ids = ids};
    int before = ids->n;
    bool ok = encode_between(&e, &t->raw, &e.raw, text, (int)n, very_first, encode_fragment, err);
    if (!ok)
        ids->n = before;
    encoder_release(&e);
    return ok;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t n, int how, Ids *ids, Err *err)
{
    return encode_from(t, text, n, how, true, ids, err);
}

/* --- guards --- */

/* Control tokens in a text, from left to right; those of the vocabulary's two sets. */
static void find_controls(const Tokenizer *t, const char *text, int n, Matches *m)
{
    const Specials *sets[] = {&t->raw, &t->added};
    Matches found = {0};
    m->n = 0;
    for (int k = 0; k < COUNT(sets) && m->n == 0; k++) {
        specials_find(sets[k], text, n, true, &found);
        for (int i = 0; i < found.n; i++)
            if (vocab_is_special(&t->vocab, found.item[i].id)) {
                m->item = MEM_GROW(m->item, m->n, m->cap);
                m->item[m->n++] = found.item[i];
            }
    }
    matches_release(&found);
}

void tokenizer_guard(const Tokenizer *t, const char *text, size_t n, const char *guard, Str *out)
{
    Matches m = {0};
    size_t done = 0;
    find_controls(t, text, (int)n, &m);
    for (int i = 0; i < m.n; i++) {
        size_t cut = (size_t)m.item[i].at + (size_t)char_length(text + m.item[i].at, n - (size_t)m.item[i].at);
        str_addn(out, text + done, cut - done);
        str_add(out, guard);
        done = cut;
    }
    str_addn(out, text + done, n - done);
    matches_release(&m);
}

/* Encodes text between control tokens, guards taken out. */
static bool encode_plain(const Tokenizer *t, const char *text, size_t n, const char *guard, bool first, Ids *ids,
                         Err *err)
{
    Str plain = {0};
    size_t g = strlen(guard);
    for (size_t i = 0; i < n;) {
        bool here = n - i >= g && memcmp(text + i, guard, g) == 0;
        if (!here)
            str_addc(&plain, text[i]);
        i += here ? g : 1;
    }
    bool ok = plain.n == 0 || encode_from(t, plain.text, plain.n, 0, first, ids, err);
    str_release(&plain);
    return ok;
}

bool tokenizer_encode_guarded(const Tokenizer *t, const char *text, size_t n, const char *guard, Ids *ids, Err *err)
{
    if (n > MOST_TEXT)
        return err_set(err, ERR_INPUT, "a text of %zu bytes is too long for the tokenizer: at most %d", n, MOST_TEXT);
    Matches m = {0};
    size_t done = 0;
    bool ok = true;
    find_controls(t, text, (int)n, &m);
    for (int i = 0; ok && i <= m.n; i++) {
        size_t stop = i < m.n ? (size_t)m.item[i].at : n;
        ok = encode_plain(t, text + done, stop - done, guard, done == 0, ids, err);
        if (ok && i < m.n) {
            ids_add(ids, m.item[i].id);
            done = stop + (size_t)m.item[i].len;
        }
    }
    matches_release(&m);
    return ok;
}
