/* Encoding: a text's way through added tokens, normalizer, pre-tokenizer and merges to ids. */
#include "text/tokenizer.h"

#include "base/mem.h"
#include "text/tokenizer_internal.h"

enum { MOST_TEXT = 1 << 28 }; /* bytes of one text: its symbols and their queue take some fifty times that */

/* Scratch of one call, so that threads may share a tokenizer. */
typedef struct Encoder {
    const Tokenizer *t;
    bool bare;
    Ids *ids;
    Matches raw, added;
    Tainted normal, prefixed;
    Str word, alphabet;
    Spans spans, byte_spans;
    MergeWork merge;
    UnigramWork unigram;
} Encoder;

static void encoder_release(Encoder *e)
{
    matches_release(&e->raw);
    matches_release(&e->added);
    tainted_release(&e->normal);
    tainted_release(&e->prefixed);
    str_release(&e->word);
    str_release(&e->alphabet);
    spans_release(&e->spans);
    spans_release(&e->byte_spans);
    merge_work_release(&e->merge);
    unigram_work_release(&e->unigram);
}

/* Can a symbol that is no token be written as bytes? */
static bool has_bytes(const Tokenizer *t, const char *text, size_t n)
{
    bool bytes = t->byte_fallback && !t->byte_level;
    for (size_t i = 0; i < n && bytes; i++)
        bytes = t->byte_id[(unsigned char)text[i]] >= 0;
    return bytes;
}

/* A symbol that is no token: its bytes, else the unknown token, else nothing. */
static void emit_missing(Encoder *e, const char *text, size_t n)
{
    const Tokenizer *t = e->t;
    bool bytes = has_bytes(t, text, n);
    for (size_t i = 0; i < n && bytes; i++)
        ids_add(e->ids, t->byte_id[(unsigned char)text[i]]);
    if (!bytes && t->unknown >= 0)
        ids_add(e->ids, t->unknown);
}

static void emit_symbols(Encoder *e, const char *text)
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
        emit_missing(e, text + s->at, (size_t)s->len);
        bool unknown = e->ids->n == before + 1 && e->ids->id[before] == e->t->unknown;
        if (unknown && was_unknown && e->t->fuse_unknown)
            e->ids->n = before;
        was_unknown = unknown;
    }
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
    bool drops = t->drops_early && t->unknown < 0;
    merge_begin(&e->merge);
    for (int i = 0, len; i < n; i += len) {
        len = t->byte_level ? 1 : char_length(text + i, (size_t)(n - i));
        int id =
            t->byte_level ? t->byte_id[(unsigned char)text[i]] : vocab_find_plain(&t->vocab, text + i, (size_t)len);
        if (id >= 0 || !drops || has_bytes(t, text + i, (size_t)len))
            merge_symbol(&e->merge, id, i, len);
    }
}

static void encode_word(Encoder *e, const char *text, int n)
{
    if (e->t->ignore_merges && is_token(e, text, (size_t)n))
        return;
    if (e->t->unigram.score) {
        unigram_run(&e->t->unigram, &e->t->vocab, text, n, &e->unigram, &e->merge);
    } else {
        spell(e, text, n);
        merge_run(&e->t->merges, &e->t->vocab, text, &e->merge);
    }
    emit_symbols(e, text);
}

/* Cuts a word of a SentencePiece-type vocabulary before blanks where no token can reach across: the same
 * ids, and the queue stays short. */
static void encode_parts(Encoder *e, const char *text, int n)
{
    int mark = (int)strlen(BLANK_MARK), begin = 0;
    bool whole =
        e->t->unigram.score || e->t->byte_level || e->t->ignore_merges || (e->t->fuse_unknown && e->t->unknown >= 0);
    for (int i = 1; i + mark <= n && !whole; i++) {
        if (text[i] != BLANK_MARK[0] || memcmp(text + i, BLANK_MARK, (size_t)mark) ||
            e->t->joins_blank[(unsigned char)text[i - 1]])
            continue;
        encode_word(e, text + begin, i - begin);
        begin = i;
    }
    encode_word(e, text + begin, n - begin);
}

/* How many characters of GPT-2's alphabet, each a byte of the text, n bytes of it are. */
static int alphabet_length(const char *text, int n)
{
    int chars = 0;
    for (int i = 0; i < n; i++)
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
    return chars;
}

static bool encode_cut(Encoder *e, const char *text, int n, Err *err)
{
    if (!e->t->byte_splits.n) {
        encode_parts(e, text, n);
        return true;
    }
    str_clear(&e->alphabet);
    alphabet_append_text(&e->alphabet, text, (size_t)n);
    const char *shown = str_text(&e->alphabet);
    if (!splits_run(&e->t->byte_splits, shown, (int)e->alphabet.n, &e->byte_spans, err))
        return false;
    for (int i = 0, done = 0; i < e->byte_spans.n; i++) {
        Span s = e->byte_spans.item[i];
        text += alphabet_length(shown + done, s.at - done);
        int len = alphabet_length(shown + s.at, s.len);
        encode_parts(e, text, len);
        text += len, done = s.at + s.len;
    }
    return true;
}

static StepPlace place(const Encoder *e, bool very_first)
{
    return e->bare ? PLACE_BARE : very_first ? PLACE_FIRST : PLACE_LATER;
}

/* A piece that holds no added token: prefixed, cut into words. Bytes that are not UTF-8 are words of their
 * own, which no pattern sees. */
static bool encode_piece(Encoder *e, const char *text, int n, const char *taint, bool very_first, Err *err)
{
    if (e->t->prefix.n) {
        tainted_clear(&e->prefixed);
        if (!steps_run(&e->t->prefix, text, (size_t)n, taint, place(e, very_first), &e->prefixed, err))
            return false;
        text = str_text(&e->prefixed.text), n = (int)e->prefixed.text.n;
    }
    bool valid;
    for (int i = 0, len; i < n; i += len) {
        len = (int)text_run(text + i, (size_t)(n - i), &valid);
        if (!valid) {
            for (int j = 0; j < len; j++)
                encode_word(e, text + i + j, 1);
            continue;
        }
        if (!splits_run(&e->t->splits, text + i, len, &e->spans, err))
            return false;
        for (int j = 0; j < e->spans.n; j++)
            if (!encode_cut(e, text + i + e->spans.item[j].at, e->spans.item[j].len, err))
                return false;
    }
    return true;
}

typedef bool PieceFn(Encoder *e, const char *text, int n, const char *taint, bool very_first, Err *err);

/* What stands between the tokens of `specials` goes to `piece`, they themselves become ids. */
static bool encode_between(Encoder *e, const Specials *specials, Matches *m, const char *text, int n, const char *taint,
                           bool very_first, PieceFn *piece, Err *err)
{
    int done = 0;
    specials_find(specials, text, n, taint, m);
    for (int i = 0; i <= m->n; i++) {
        Match next = i < m->n ? m->item[i] : (Match){n, 0, -1};
        const char *rest = taint_from(taint, (size_t)done);
        if (next.at > done && !piece(e, text + done, next.at - done, rest, very_first && done == 0, err))
            return false;
        if (i < m->n)
            ids_add(e->ids, next.id);
        done = next.at + next.len;
    }
    return true;
}

static bool encode_fragment(Encoder *e, const char *text, int n, const char *taint, bool very_first, Err *err)
{
    if (e->t->normalize.n) {
        tainted_clear(&e->normal);
        if (!steps_run(&e->t->normalize, text, (size_t)n, taint, place(e, very_first), &e->normal, err))
            return false;
        if (e->normal.text.n > MOST_TEXT)
            return err_set(err, ERR_INPUT, "a text of %d bytes is too long once normalized", n);
        text = str_text(&e->normal.text), n = (int)e->normal.text.n, taint = tainted_taint(&e->normal);
    }
    return encode_between(e, &e->t->added, &e->added, text, n, taint, very_first, encode_piece, err);
}

static bool encode_text(const Tokenizer *t, const char *text, size_t n, const char *taint, bool bare, Ids *ids,
                        Err *err)
{
    if (n > MOST_TEXT)
        return err_set(err, ERR_INPUT, "a text of %zu bytes is too long for the tokenizer: at most %d", n, MOST_TEXT);
    Encoder e = {.t = t, .bare = bare, .ids = ids, .raw = {.reply = bare}, .added = {.reply = bare}};
    int before = ids->n;
    bool ok = encode_between(&e, &t->raw, &e.raw, text, (int)n, taint, true, encode_fragment, err);
    if (!ok)
        ids->n = before;
    encoder_release(&e);
    return ok;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t n, int how, Ids *ids, Err *err)
{
    return encode_text(t, text, n, how & TOKENIZE_SPECIAL ? NULL : TAINT_ALL, how & TOKENIZE_BARE, ids, err);
}

bool tokenizer_encode_tainted(const Tokenizer *t, Tainted *text, Ids *ids, Err *err)
{
    return encode_text(t, str_text(&text->text), text->text.n, tainted_taint(text), false, ids, err);
}
