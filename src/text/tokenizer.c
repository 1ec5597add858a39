/* Tokenizers: their life, what they say of themselves, and decoding. */
#include "text/tokenizer.h"

#include "base/mem.h"
#include "text/tokenizer_internal.h"

Tokenizer *tokenizer_blank(void)
{
    Tokenizer *t = mem_zalloc(1, sizeof *t);
    t->unknown = t->bos = t->eos = t->eot = t->unk = t->pad = -1;
    return t;
}

void tokenizer_files_release(TokenizerFiles *f)
{
    for (int i = 0; i < FILE_NAMES; i++)
        free(f->text[i]);
    *f = (TokenizerFiles){0};
}

void tokenizer_free(Tokenizer *t)
{
    if (!t)
        return;
    vocab_release(&t->vocab);
    specials_release(&t->raw);
    specials_release(&t->added);
    steps_release(&t->normalize);
    steps_release(&t->prefix);
    splits_release(&t->splits);
    splits_release(&t->byte_splits);
    merges_release(&t->merges);
    unigram_release(&t->unigram);
    ids_release(&t->ends);
    tokenizer_files_release(&t->files);
    free(t->chat_template);
    free(t->charsmap);
    json_decref(t->named);
    free(t->pre);
    free(t->score);
    free(t);
}

/* --- once all is read ------------------------------------------------------------------------------- */

static void find_bytes(Tokenizer *t)
{
    bool all = true;
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        int n = t->byte_level ? alphabet_char((unsigned char)byte, text)
                              : snprintf(text, sizeof text, "<0x%02X>", (unsigned int)byte);
        int id = vocab_find_plain(&t->vocab, text, (size_t)n);
        t->byte_id[byte] = id;
        all = all && id >= 0;
        if (id >= 0 && !t->byte_level && t->byte_fallback && t->vocab.type[id] == TOKEN_NORMAL)
            t->vocab.type[id] = TOKEN_BYTE;
    }
    if (all && (t->byte_level || t->byte_fallback))
        t->unknown = -1; /* nothing is */
}

/* Ends of a turn or text by their names: not every file says which of its tokens end a response. */
static void find_ends(Tokenizer *t)
{
    static const char *const names[] = {"<|im_end|>", "<|eot_id|>", "<end_of_turn>",  "<|endoftext|>",
                                        "<|end|>",    "<|eom_id|>", "<|end_of_text|>"};
    for (int i = 0; i < COUNT(names); i++) {
        int id = vocab_find(&t->vocab, names[i], strlen(names[i]));
        if (id >= 0 && t->vocab.type[id] == TOKEN_CONTROL)
            tokenizer_add_end(t, id);
    }
    tokenizer_add_end(t, t->eos);
    tokenizer_add_end(t, t->eot);
}

static void find_blanks(Tokenizer *t)
{
    size_t mark = strlen(BLANK_MARK);
    for (int id = 0; id < t->vocab.n && !t->byte_level; id++) {
        const char *text = vocab_text(&t->vocab, id), *found = text;
        if (vocab_length(&t->vocab, id) <= mark)
            continue;
        while ((found = strstr(found + 1, BLANK_MARK)))
            t->joins_blank[(unsigned char)found[-1]] = true;
    }
    if (t->drops_early && t->unknown < 0 && vocab_find_plain(&t->vocab, BLANK_MARK, mark) < 0)
        memset(t->joins_blank, true, sizeof t->joins_blank); /* it is left out, and what stands about it is joined */
}

void tokenizer_finish(Tokenizer *t)
{
    find_bytes(t);
    find_ends(t);
    find_blanks(t);
}

bool tokenizer_limit(Tokenizer *t, int n)
{
    int beyond = specials_forget(&t->raw, n) + specials_forget(&t->added, n);
    return t->vocab.n - n == beyond && t->bos < n && t->eos < n;
}

static void guard(Vocab *v, Specials *s, const char *chat_template)
{
    for (int i = 0; i < s->n; i++) {
        Special *item = &s->item[i];
        const char *text = vocab_text(v, item->id);
        if (item->control || !special_is_mark(text) || !strstr(chat_template, text))
            continue;
        item->written = true;
        vocab_set_apart(v, item->id);
    }
}

void tokenizer_guard(Tokenizer *t, const char *chat_template)
{
    guard(&t->vocab, &t->raw, chat_template);
    guard(&t->vocab, &t->added, chat_template);
}

void tokenizer_add_end(Tokenizer *t, int id)
{
    if (id >= 0 && !tokenizer_ends(t, id))
        ids_add(&t->ends, id);
}

/* --- what it says of itself ------------------------------------------------------------------------- */

int tokenizer_size(const Tokenizer *t)
{
    return t->vocab.n;
}

int tokenizer_bos(const Tokenizer *t)
{
    return t->bos;
}

int tokenizer_eos(const Tokenizer *t)
{
    return t->eos;
}

int tokenizer_end(const Tokenizer *t)
{
    return t->eos >= 0 ? t->eos : t->ends.n ? t->ends.id[0] : -1;
}

bool tokenizer_adds_bos(const Tokenizer *t)
{
    return t->add_bos && t->bos >= 0;
}

bool tokenizer_ends(const Tokenizer *t, int id)
{
    for (int i = 0; i < t->ends.n; i++)
        if (t->ends.id[i] == id)
            return true;
    return false;
}

int tokenizer_find(const Tokenizer *t, const char *token)
{
    return vocab_find(&t->vocab, token, strlen(token));
}

const char *tokenizer_token(const Tokenizer *t, int id)
{
    return id >= 0 && id < t->vocab.n ? vocab_text(&t->vocab, id) : NULL;
}

const char *tokenizer_chat_template(const Tokenizer *t)
{
    return t->chat_template;
}

const json_t *tokenizer_named_tokens(const Tokenizer *t)
{
    return t->named;
}

/* --- decoding --------------------------------------------------------------------------------------- */

static void append_blanks(Str *out, const char *text, size_t n)
{
    size_t mark = strlen(BLANK_MARK);
    for (size_t i = 0; i < n;) {
        bool blank = n - i >= mark && !memcmp(text + i, BLANK_MARK, mark);
        str_addc(out, blank ? ' ' : text[i]);
        i += blank ? mark : 1;
    }
}

static void append_token(const Tokenizer *t, int id, Str *out)
{
    const char *text = vocab_text(&t->vocab, id);
    size_t n = vocab_length(&t->vocab, id);
    bool added = vocab_is_special(&t->vocab, id) || t->vocab.type[id] == TOKEN_USER_DEFINED;
    const Special *normalized = added ? specials_item(&t->added, id) : NULL;
    if (normalized)
        text = normalized->text, n = strlen(text);
    if (t->vocab.type[id] == TOKEN_BYTE)
        str_addc(out, (char)strtol(text + 3, NULL, 16)); /* "<0x0A>" */
    else if (t->marks_blank && (!added || t->marks_added))
        append_blanks(out, text, n);
    else if (t->byte_level && !added)
        alphabet_append_bytes(out, text, n);
    else
        str_addn(out, text, n);
}

void tokenizer_decode(const Tokenizer *t, const int *id, int n, int how, Str *out)
{
    bool special = how & TOKENIZE_SPECIAL, first = !(how & TOKENIZE_BARE);
    for (int i = 0; i < n; i++) {
        if (id[i] < 0 || id[i] >= t->vocab.n || (!special && vocab_is_special(&t->vocab, id[i])))
            continue;
        size_t before = out->n;
        append_token(t, id[i], out);
        if (first && t->drops_prefix && !vocab_is_special(&t->vocab, id[i]) && out->n > before &&
            out->text[before] == ' ') {
            out->n--;
            memmove(out->text + before, out->text + before + 1, out->n - before + 1);
        }
        first = false;
    }
}

bool tokenizer_same(const Tokenizer *a, const Tokenizer *b)
{
    if (a == b)
        return true;
    bool same = a->vocab.n == b->vocab.n && a->eos == b->eos && a->bos == b->bos && a->add_bos == b->add_bos &&
                a->byte_level == b->byte_level;
    for (int id = 0; same && id < a->vocab.n; id++)
        same = strcmp(vocab_text(&a->vocab, id), vocab_text(&b->vocab, id)) == 0;
    return same;
}
