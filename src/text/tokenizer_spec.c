/* A tokenizer from what a GGUF file says of it. llama.cpp's reading is the measure. */
#include "text/tokenizer.h"

#include "base/mem.h"
#include "text/tokenizer_internal.h"

/* These are control tokens whatever a file says of them, so that a row's text can never end a turn. (Gemma's
 * "</s>" is marked as a user's token; llama.cpp overrides it, too.) */
static bool is_end(const char *text)
{
    static const char *const ends[] = {"<|eot_id|>",
                                       "<|im_end|>",
                                       "<|end|>",
                                       "<end_of_turn>",
                                       "<|endoftext|>",
                                       "<|end_of_text|>",
                                       "<|eom_id|>",
                                       "<EOT>",
                                       "_<EOT>",
                                       "[EOT]",
                                       "[EOS]",
                                       "<eos>",
                                       "</s>",
                                       "<|return|>",
                                       "<|call|>",
                                       "<|calls|>",
                                       "<|flush|>",
                                       "<turn|>",
                                       "<end_of_utterance>",
                                       "<\uff5cend\u2581of\u2581sentence\uff5c>"};
    for (int i = 0; i < COUNT(ends); i++)
        if (!strcmp(text, ends[i]))
            return true;
    return false;
}

static TokenType type_of(const TokenizerSpec *spec, int i)
{
    if (is_end(spec->tokens[i]))
        return TOKEN_CONTROL;
    return spec->types ? (TokenType)spec->types[i] : TOKEN_NORMAL;
}

/* "<0x0A>"? */
static bool is_byte_text(const char *text)
{
    return strlen(text) == 6 && !strncmp(text, "<0x", 3) && isxdigit((unsigned char)text[3]) &&
           isxdigit((unsigned char)text[4]) && text[5] == '>';
}

/* Phi-3's tokens, all but three. */
static bool eats_blanks(const char *text)
{
    return strcmp(text, "<unk>") != 0 && strcmp(text, "<s>") != 0 && strcmp(text, "<|endoftext|>") != 0;
}

static bool add_token(Tokenizer *t, const TokenizerSpec *spec, int i, Err *err)
{
    TokenType type = type_of(spec, i);
    const char *text = spec->tokens[i];
    char empty[32];
    if (type < TOKEN_NORMAL || type > TOKEN_BYTE)
        return err_set(err, ERR_INPUT, "token %d (\"%.60s\") has the type %d, which is unknown", i, text, (int)type);
    if (!*text) { /* padding of the vocabulary; two may be empty, and llama.cpp calls them so */
        snprintf(empty, sizeof empty, "[EMPTY_%d]", i);
        text = empty;
    }
    if (type == TOKEN_BYTE && t->byte_level)
        type = TOKEN_NORMAL;
    if (type == TOKEN_BYTE && !is_byte_text(text))
        return err_set(err, ERR_INPUT, "token %d is a byte's but reads \"%.60s\"", i, text);
    if (!vocab_add(&t->vocab, text, strlen(text), type))
        return err_set(err, ERR_INPUT, "token %d (\"%.60s\") has the text of token %d", i, text,
                       vocab_find(&t->vocab, text, strlen(text)));
    if (type == TOKEN_NORMAL || type == TOKEN_BYTE || type == TOKEN_UNUSED)
        return true;
    Special item = {
        .id = i, .control = type != TOKEN_USER_DEFINED, .eats_right = spec->eats_blanks && eats_blanks(text)};
    if (!specials_add(&t->raw, text, strlen(text), item))
        return err_set(err, ERR_INPUT, "token %d (\"%.60s\") cannot be looked for in texts", i, text);
    return true;
}

static bool add_tokens(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    if (spec->n <= 0)
        return err_set(err, ERR_INPUT, "the tokenizer has no tokens");
    vocab_reserve(&t->vocab, spec->n);
    for (int i = 0; i < spec->n; i++)
        if (!add_token(t, spec, i, err))
            return false;
    return true;
}

static bool set_id(const TokenizerSpec *spec, int *out, int id, const char *what, Err *err)
{
    if (id < -1 || id >= spec->n)
        return err_set(err, ERR_INPUT, "the %s token has the id %d, but there are %d tokens", what, id, spec->n);
    *out = id;
    return true;
}

static bool set_ids(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    return set_id(spec, &t->bos, spec->bos, "bos", err) && set_id(spec, &t->eos, spec->eos, "eos", err) &&
           set_id(spec, &t->eot, spec->eot, "eot", err) && set_id(spec, &t->unk, spec->unk, "unknown", err) &&
           set_id(spec, &t->pad, spec->pad, "padding", err);
}

static bool add_merge(Tokenizer *t, const char *merge, int i, Err *err)
{
    /* A token's first byte may be a blank's, so the cut is at the first blank after it. */
    const char *blank = *merge ? strchr(merge + 1, ' ') : NULL;
    if (!blank || !blank[1])
        return err_set(err, ERR_INPUT, "merge %d is \"%.100s\", not \"left right\"", i, merge);
    Str joined = {0};
    str_addn(&joined, merge, (size_t)(blank - merge));
    str_add(&joined, blank + 1);
    int left = vocab_find(&t->vocab, merge, (size_t)(blank - merge));
    int right = vocab_find(&t->vocab, blank + 1, strlen(blank + 1));
    int id = vocab_find(&t->vocab, joined.text, joined.n);
    str_release(&joined);
    if (left < 0 || right < 0 || id < 0)
        return err_set(err, ERR_INPUT, "merge %d (\"%.100s\") names a token that is not in the vocabulary", i, merge);
    if (vocab_is_special(&t->vocab, id))
        return true; /* text never becomes a control token */
    if (!merges_add(&t->merges, left, right, id))
        return err_set(err, ERR_INPUT, "merge %d (\"%.100s\") is there twice", i, merge);
    return true;
}

static bool build_byte_level(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    const Pretokenizer *pre;
    t->byte_level = true;
    t->pre = mem_str(spec->pre ? spec->pre : "default");
    if (!pretokenizer_find(&pre, t->pre, err) || !pretokenizer_splits(pre, &t->splits, err) ||
        !add_tokens(t, spec, err))
        return false;
    t->ignore_merges = pre->ignore_merges;
    merges_reserve(&t->merges, spec->n_merges);
    for (int i = 0; i < spec->n_merges; i++)
        if (!add_merge(t, spec->merges[i], i, err))
            return false;
    return true;
}

static bool add_scored_tokens(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    if (!spec->scores)
        return err_set(err, ERR_INPUT, "a SentencePiece-type tokenizer needs scores, and there are none");
    if (!add_tokens(t, spec, err))
        return false;
    for (int i = 0; i < spec->n; i++)
        if (!isfinite(spec->scores[i]))
            return err_set(err, ERR_INPUT, "the score of token %d is not a finite number", i);
    t->score = mem_copy(spec->scores, (size_t)spec->n, sizeof *t->score);
    t->unknown = spec->unk;
    t->marks_blank = true;
    return true;
}

/* SentencePiece's white space: a mark before every word, or for every blank and one more before the first word. */
static bool add_blanks(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    Steps *s = &t->normalize;
    t->add_space_prefix = t->drops_prefix = spec->add_space_prefix || spec->merge_blanks;
    if (spec->merge_blanks) {
        if (!steps_add_pattern(s, "(?<![\\s\\S]) +| +(?![\\s\\S])", "", err) ||
            !steps_add_pattern(s, " {2,}", " ", err))
            return false;
        steps_add(s, STEP_PREPEND, NULL, BLANK_MARK);
    } else if (spec->add_space_prefix && !steps_add_pattern(s, "(?<![\\s\\S])(?= *[^ ])", BLANK_MARK, err)) {
        return false;
    }
    steps_add(s, STEP_REPLACE, " ", BLANK_MARK);
    return true;
}

/* A token of the user's has the score 0; what an unknown character has, normal ones say. */
static bool build_unigram(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    if (!add_scored_tokens(t, spec, err))
        return false;
    double *score = mem_zalloc((size_t)spec->n, sizeof *score), lowest = INFINITY;
    for (int i = 0; i < spec->n; i++) {
        bool normal = t->vocab.type[i] == TOKEN_NORMAL;
        score[i] = normal || t->vocab.type[i] == TOKEN_UNUSED ? (double)spec->scores[i] : 0;
        lowest = normal && score[i] < lowest ? score[i] : lowest;
    }
    unigram_set(&t->unigram, &t->vocab, score, spec->n, isfinite(lowest) ? lowest : 0);
    t->fuse_unknown = true;
    t->merge_blanks = spec->merge_blanks;
    t->charsmap = spec->charsmap ? mem_str(spec->charsmap) : NULL;
    return (!t->charsmap || steps_add_charsmap(&t->normalize, STEP_CHARSMAP_LONGEST, t->charsmap, err)) &&
           add_blanks(t, spec, err);
}

static bool build_sentencepiece(Tokenizer *t, const TokenizerSpec *spec, Err *err)
{
    if (!add_scored_tokens(t, spec, err))
        return false;
    merges_set_scores(&t->merges, t->score, spec->n);
    t->byte_fallback = true;
    t->add_space_prefix = t->drops_prefix = spec->add_space_prefix;
    if (spec->add_space_prefix)
        steps_add(&t->normalize, STEP_PREPEND, NULL, BLANK_MARK);
    steps_add(&t->normalize, STEP_REPLACE, " ", BLANK_MARK);
    return true;
}

/* A token of several characters is made by merges alone: without any, texts would fall into bytes. */
static bool check_merges(const TokenizerSpec *spec, Err *err)
{
    for (int i = 0; i < spec->n && spec->n_merges == 0; i++) {
        const char *text = spec->tokens[i];
        size_t n = strlen(text);
        int first = str_utf8_length((const unsigned char *)text, n);
        if (type_of(spec, i) == TOKEN_NORMAL && n > (size_t)(first ? first : 1))
            return err_set(err, ERR_INPUT, "there are no merges, but tokens that only they make: %d (\"%.60s\")", i,
                           text);
    }
    return true;
}

bool tokenizer_pre_adds_bos(const char *pre)
{
    Err unknown = {0};
    const Pretokenizer *p;
    return pretokenizer_find(&p, pre, &unknown) && p->adds_bos;
}

static void name_tokens(Tokenizer *t)
{
    const struct {
        const char *name;
        int id;
    } token[] = {{"unk_token", t->unk}, {"pad_token", t->pad}};
    t->named = json_object();
    for (int i = 0; i < COUNT(token); i++)
        if (token[i].id >= 0)
            json_object_set_new(t->named, token[i].name, json_string(vocab_text(&t->vocab, token[i].id)));
}

bool tokenizer_new(Tokenizer **out, const TokenizerSpec *spec, Err *err)
{
    Tokenizer *t = tokenizer_blank();
    *out = NULL;
    t->raw.longest_first = true;
    t->add_bos = spec->add_bos;
    t->add_eos = spec->add_eos;
    t->eats_blanks = spec->eats_blanks;
    const char *model = spec->model ? spec->model : "";
    if (!strcmp(model, "gpt2")) {
        if (!build_byte_level(t, spec, err))
            goto fail;
    } else if (!strcmp(model, "llama")) {
        if (!build_sentencepiece(t, spec, err))
            goto fail;
    } else if (!strcmp(model, "t5")) {
        if (!build_unigram(t, spec, err))
            goto fail;
    } else {
        err_set(err, ERR_INPUT, "the tokenizer's model is \"%.60s\", which is unknown", model);
        err_hint(err, "known are \"gpt2\" (byte-level BPE), \"llama\" (SentencePiece) and \"t5\" (unigram models)");
        goto fail;
    }
    if (!set_ids(t, spec, err) || (t->byte_level && !check_merges(spec, err)))
        goto fail;
    tokenizer_finish(t);
    name_tokens(t);
    *out = t;
    return true;
fail:
    tokenizer_free(t);
    return err_hint(err, "convert the model to GGUF again with a current llama.cpp, or use its Hugging Face files");
}
