/* A tokenizer as a GGUF file says it: what came from a GGUF, as it was; what came from a tokenizer.json, where that says nothing
 * that GGUF has no words for. */
#include "text/tokenizer_describe.h"

#include "base/mem.h"
#include "text/tokenizer_internal.h"

/* Words of many kinds. What llama.cpp's patterns are known to see otherwise than Unicode (white space beyond ASCII, capitals beyond
 * ASCII within a word) is not among them, and all of it is in the normal form NFC. */
static const char PROBE[] =
    "Hello World, I'm fine! WE'LL see; they'RE here. It's 'twas'd  two  spaces   three\n\n\nlines\t\ttabs \r\n\r\n end \n "
    "1 12 123 1234 12345.67 x9y3333333 $5 a^2+b<=c ...?! ''' \"\" `` ~~ || #!/ foo_bar(a, b); return [i]; </p> camelCaseWord "
    "HTTPServer IPv6 \xc3\xa9t\xc3\xa9 \xc3\xbc"
    "ber "
    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80! \xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c"
    "\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82 \xe3\x81\x93\xe3\x82\x8c\xe3\x81\xaf\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88 "
    "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 \xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87 "
    "\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa\xe0\xb8\x94\xe0\xb8\xb5 \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 "
    "\xf0\x9f\x9a\x80\xf0\x9f\x98\xb6 \xe2\x9c\x85 \xc2\xbd \xc2\xb2 \xe2\x80\x94 \xe2\x82\xac 7\xe2\x82\xac";

static bool no_words(Err *err, const char *why)
{
    err_set(err, ERR_INPUT, "the tokenizer has no form in GGUF: %s", why);
    return err_hint(err, "write it with --format hf");
}

static char *keep(TokenizerDescription *d, char *text)
{
    d->made = MEM_GROW(d->made, d->n_made, d->cap_made);
    return d->made[d->n_made++] = text;
}

/* --- tokens ----------------------------------------------------------------------------------------- */

static void describe_tokens(TokenizerDescription *d, const Tokenizer *t, int rows)
{
    d->tokens = mem_alloc((size_t)rows, sizeof *d->tokens);
    d->types = mem_alloc((size_t)rows, sizeof *d->types);
    for (int i = 0; i < rows; i++) {
        bool padding = i >= t->vocab.n;
        d->tokens[i] = padding ? keep(d, mem_printf("[PAD%d]", i)) : vocab_text(&t->vocab, i);
        d->types[i] = padding ? TOKEN_UNUSED : t->vocab.type[i];
    }
}

/* The token with this name, if it has a row. */
static int named(const Tokenizer *t, const char *name, int rows)
{
    const char *text = json_string_value(json_object_get(t->named, name));
    int id = text ? tokenizer_find(t, text) : -1;
    return id < rows ? id : -1;
}

static int row_of(int id, int rows)
{
    return id < rows ? id : -1;
}

/* Of a tokenizer.json the end of a turn that its directory names beside EOS. */
static int end_of_turn(const Tokenizer *t, int rows)
{
    if (t->eot >= 0 || !t->files.text[FILE_GENERATION])
        return row_of(t->eot, rows);
    for (int i = 0; i < t->ends.n; i++)
        if (t->ends.id[i] != t->eos && t->ends.id[i] < rows)
            return t->ends.id[i];
    return -1;
}

static void describe_merges(TokenizerDescription *d, const Tokenizer *t, int rows)
{
    Pair *pair = merges_sorted(&t->merges);
    d->merges = mem_alloc((size_t)t->merges.n + 1, sizeof *d->merges);
    for (int i = 0; i < t->merges.n; i++) {
        const char *left = vocab_text(&t->vocab, pair[i].left), *right = vocab_text(&t->vocab, pair[i].right);
        if (pair[i].left < rows && pair[i].right < rows && pair[i].id < rows)
            d->merges[d->spec.n_merges++] = keep(d, mem_printf("%s %s", left, right));
    }
    free(pair);
}

/* Scores in the order of merges: those that make one token must stand together. */
static bool describe_scores(TokenizerDescription *d, const Tokenizer *t, int rows, Err *err)
{
    d->scores = mem_zalloc((size_t)rows, sizeof *d->scores);
    if (t->score) {
        memcpy(d->scores, t->score, (size_t)(rows < t->vocab.n ? rows : t->vocab.n) * sizeof(float));
        return true;
    }
    Pair *pair = merges_sorted(&t->merges);
    bool ok = true;
    for (int i = 0, last = -1, place = 0; i < t->merges.n && ok; i++) {
        int id = pair[i].id;
        if (id == last || id >= rows)
            continue;
        ok = d->scores[id] == 0 || no_words(err, "its merges are in no order of tokens");
        d->scores[id] = -(float)++place;
        last = id;
    }
    free(pair);
    return ok;
}

/* --- the pre-tokenizer ------------------------------------------------------------------------------ */

/* Flags at the bytes where pieces of the text begin. */
static bool cut(const Splits *splits, const Splits *byte_splits, bool *begins, Err *err)
{
    Spans spans = {0}, inner = {0};
    Str shown = {0};
    bool ok = splits_run(splits, PROBE, (int)strlen(PROBE), &spans, err);
    for (int i = 0; ok && i < spans.n; i++) {
        Span s = spans.item[i];
        begins[s.at] = true;
        str_clear(&shown);
        alphabet_append_text(&shown, PROBE + s.at, (size_t)s.len);
        ok = splits_run(byte_splits, str_text(&shown), (int)shown.n, &inner, err);
        for (int k = 0, at = 0, byte = s.at; ok && k < inner.n; k++) {
            for (; at < inner.item[k].at; at++) /* a character of the alphabet is a byte of the text */
                byte += ((unsigned char)shown.text[at] & 0xc0) != 0x80;
            begins[byte] = true;
        }
    }
    spans_release(&spans);
    spans_release(&inner);
    str_release(&shown);
    return ok;
}

/* The first of those known that cuts as the tokenizer does. */
static bool find_pre(TokenizerDescription *d, const Tokenizer *t, Err *err)
{
    bool own[sizeof PROBE] = {false};
    if (t->pre) {
        d->spec.pre = t->pre;
        return true;
    }
    if (!cut(&t->splits, &t->byte_splits, own, err))
        return false;
    const Pretokenizer *p;
    for (int i = 0; (p = pretokenizer_at(i)); i++) {
        bool its[sizeof PROBE] = {false};
        Splits splits = {0}, none = {0};
        Err fault = {0};
        bool same = p->ignore_merges == t->ignore_merges && pretokenizer_splits(p, &splits, &fault) &&
                    cut(&splits, &none, its, &fault) && memcmp(own, its, sizeof own) == 0;
        splits_release(&splits);
        if (!same)
            continue;
        d->spec.pre = keep(d, mem_strn(p->names, strcspn(p->names, "|")));
        return true;
    }
    return no_words(err, "its pre-tokenizer is none that GGUF files have a name for");
}

/* --- is it the same? -------------------------------------------------------------------------------- */

static bool check_tokens(const Tokenizer *t, const Specials *s, Err *err)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].eats_left || s->item[i].eats_right || s->item[i].whole_word) {
            char *why =
                mem_printf("the added token \"%.60s\" minds what stands beside it (lstrip, rstrip, single_word)",
                           vocab_text(&t->vocab, s->item[i].id));
            no_words(err, why);
            free(why);
            return false;
        }
    return true;
}

/* The text that both are to read: words, then tokens found in a text between words. */
static char *probe_text(const Tokenizer *t)
{
    Str text = {0};
    str_add(&text, PROBE);
    for (int i = 0, n = 0; i < t->vocab.n && n < 20; i++)
        if (t->vocab.type[i] == TOKEN_CONTROL || t->vocab.type[i] == TOKEN_USER_DEFINED) {
            str_addf(&text, " and %s there", vocab_text(&t->vocab, i));
            n++;
        }
    str_add(&text, "\n");
    return str_take(&text);
}

static bool same_ids(const Tokenizer *a, const Tokenizer *b, const char *text, Err *err)
{
    Ids x = {0}, y = {0};
    bool ok = tokenizer_encode(a, text, strlen(text), TOKENIZE_SPECIAL, &x, err) &&
              tokenizer_encode(b, text, strlen(text), TOKENIZE_SPECIAL, &y, err);
    bool same = ok && x.n == y.n && (x.n == 0 || memcmp(x.id, y.id, (size_t)x.n * sizeof *x.id) == 0);
    ids_release(&x);
    ids_release(&y);
    return same;
}

/* Does who reads the description get the same ids? */
static bool find_same(const TokenizerDescription *d, const Tokenizer *t, bool *same, Err *err)
{
    Tokenizer *read;
    if (!tokenizer_new(&read, &d->spec, err))
        return false;
    char *text = probe_text(t);
    *same = same_ids(read, t, text, err) && same_ids(read, t, text + 1, err);
    tokenizer_free(read);
    free(text);
    return true;
}

static bool check_ids(const TokenizerDescription *d, const Tokenizer *t, Err *err)
{
    bool same;
    return find_same(d, t, &same, err) &&
           (same || no_words(err, "its normalizer or its merges are not such as GGUF files can say"));
}

/* --- unigram models --------------------------------------------------------------------------------- */

/* Does a token hold a blank behind its beginning, where this tokenizer cuts words and who reads a GGUF does not? */
static bool spans_words(const Tokenizer *t)
{
    bool spans = false;
    for (int i = 0; i < t->vocab.n && t->splits.n > 0; i++) {
        const char *text = vocab_text(&t->vocab, i);
        spans = spans || (t->vocab.type[i] == TOKEN_NORMAL && text[0] && strstr(text + 1, BLANK_MARK));
    }
    return spans;
}

/* What a tokenizer.json makes of blanks, and of characters by its map: the first way to say it by which the ids are the same. */
static bool describe_blanks(TokenizerDescription *d, const Tokenizer *t, Err *err)
{
    static const struct {
        bool prefix, merge;
    } ways[] = {{true, true}, {true, false}, {false, false}};
    bool same = false, ok = true;
    for (int i = 0; i < t->normalize.n; i++) {
        const Step *s = &t->normalize.item[i];
        if (s->kind == STEP_NFD || s->kind == STEP_NFKC || s->kind == STEP_NFKD)
            return no_words(err, "its normal form is none of SentencePiece's maps of characters");
        if (s->kind == STEP_CHARSMAP && !d->spec.charsmap)
            d->spec.charsmap = s->from;
    }
    for (int i = 0; ok && !same && i < COUNT(ways); i++) {
        d->spec.add_space_prefix = ways[i].prefix;
        d->spec.merge_blanks = ways[i].merge;
        ok = find_same(d, t, &same, err);
    }
    return ok && (same || no_words(err, "GGUF has no way to say what its normalizer makes of blanks and characters"));
}

static bool describe_unigram(TokenizerDescription *d, const Tokenizer *t, int rows, bool of_file, Err *err)
{
    static const float PADDING = -10000; /* so that texts never hold it */
    d->spec.unk = row_of(t->unk, rows);
    if (d->spec.unk < 0)
        return no_words(err, "it is a unigram model without a token for unknown characters");
    if (t->byte_fallback)
        return no_words(err, "it is a unigram model that writes unknown characters as bytes");
    if (spans_words(t))
        return no_words(err, "it is a unigram model that cuts words where its tokens hold a blank");
    d->scores = mem_alloc((size_t)rows, sizeof *d->scores);
    for (int i = 0; i < rows; i++)
        d->scores[i] = i >= t->vocab.n ? PADDING : t->score ? t->score[i] : (float)t->unigram.score[i];
    d->spec.scores = d->scores;
    d->spec.charsmap = t->charsmap;
    d->spec.merge_blanks = t->merge_blanks;
    return !of_file || describe_blanks(d, t, err);
}

bool tokenizer_describe(TokenizerDescription *d, const Tokenizer *t, int rows, Err *err)
{
    *d = (TokenizerDescription){0};
    describe_tokens(d, t, rows);
    d->spec = (TokenizerSpec){.model = t->unigram.score ? "t5"
                                       : t->byte_level  ? "gpt2"
                                                        : "llama",
                              .n = rows,
                              .tokens = d->tokens,
                              .types = d->types,
                              .bos = row_of(t->bos, rows),
                              .eos = row_of(t->eos, rows),
                              .eot = end_of_turn(t, rows),
                              .unk = named(t, "unk_token", rows),
                              .pad = named(t, "pad_token", rows),
                              .add_bos = t->add_bos,
                              .add_eos = t->add_eos,
                              .add_space_prefix = t->add_space_prefix,
                              .eats_blanks = t->eats_blanks};
    bool of_file = t->files.text[FILE_TOKENIZER] && !t->files.text[FILE_EXACT];
    bool ok = !of_file || (check_tokens(t, &t->raw, err) && check_tokens(t, &t->added, err));
    if (ok && t->unigram.score) {
        ok = describe_unigram(d, t, rows, of_file, err);
    } else if (ok && t->byte_level) {
        describe_merges(d, t, rows);
        ok = find_pre(d, t, err);
    } else if (ok) {
        ok = describe_scores(d, t, rows, err);
        d->spec.add_space_prefix = of_file ? t->drops_prefix : t->add_space_prefix;
    }
    d->spec.merges = d->merges;
    d->spec.scores = d->scores;
    ok = ok && (!of_file || t->unigram.score || check_ids(d, t, err));
    if (!ok)
        tokenizer_description_release(d);
    return ok;
}

void tokenizer_description_release(TokenizerDescription *d)
{
    for (int i = 0; i < d->n_made; i++)
        free(d->made[i]);
    free(d->made);
    free(d->tokens);
    free(d->types);
    free(d->scores);
    free(d->merges);
    *d = (TokenizerDescription){0};
}
