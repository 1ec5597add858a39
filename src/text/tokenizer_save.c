/* Writing a tokenizer as a Hugging Face directory holds it. What came from such files is written as it was;
 * for what came from a GGUF file they are made here. */
#include "text/tokenizer.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer_dir.h"
#include "text/tokenizer_exact.h"

/* Appends a value with the entries of its outer `levels` of objects, and of lists in them, on lines of their
 * own. */
static void append_lines(Str *out, const json_t *value, int levels, int indent)
{
    const char *key;
    json_t *entry;
    size_t i, n = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    if (!n || !levels) {
        json_append(out, value);
        return;
    }
    const char *between = "\n";
    str_addc(out, json_is_object(value) ? '{' : '[');
    json_object_foreach((json_t *)(uintptr_t)value, key, entry)
    {
        json_t *name = json_string(key);
        str_addf(out, "%s%*s", between, indent + 2, "");
        json_append(out, name);
        str_add(out, ": ");
        append_lines(out, entry, levels - 1, indent + 2);
        json_decref(name);
        between = ",\n";
    }
    json_array_foreach(value, i, entry)
    {
        str_addf(out, "%s%*s", i ? ",\n" : "\n", indent + 2, "");
        json_append(out, entry);
    }
    str_addf(out, "\n%*s%c", indent, "", json_is_object(value) ? '}' : ']');
}

/* The text of a tree, which is given up. */
static char *lines_of(json_t *root, int levels)
{
    Str out = {0};
    append_lines(&out, root, levels, 0);
    str_addc(&out, '\n');
    json_decref(root);
    return str_take(&out);
}

/* --- the parts of tokenizer.json -------------------------------------------------------------------- */

static json_t *added_tokens_json(const Tokenizer *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->vocab.n; i++) {
        bool special = vocab_is_special(&t->vocab, i);
        const Special *item = t->eats_blanks ? specials_item(&t->raw, i) : NULL;
        if (special || t->vocab.type[i] == TOKEN_USER_DEFINED)
            json_array_append_new(list, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", i, "content",
                                                  vocab_text(&t->vocab, i), "single_word", 0, "lstrip", 0, "rstrip",
                                                  item && item->eats_right, "normalized", 0, "special", special));
    }
    return list;
}

/* One step of a GGUF's: that it is of another kind does not happen. */
static json_t *step_json(const Step *s)
{
    switch (s->kind) {
    case STEP_PREPEND: return json_pack("{s:s, s:s}", "type", "Prepend", "prepend", s->to);
    case STEP_CHARSMAP_LONGEST: return json_pack("{s:s, s:s}", "type", "Precompiled", "precompiled_charsmap", s->from);
    default:
        return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", s->pattern ? "Regex" : "String", s->from,
                         "content", s->to);
    }
}

static json_t *normalizer_json(const Tokenizer *t)
{
    if (t->normalize.n == 1)
        return step_json(&t->normalize.item[0]);
    json_t *list = json_array();
    for (int i = 0; i < t->normalize.n; i++)
        json_array_append_new(list, step_json(&t->normalize.item[i]));
    return json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", list);
}

static json_t *byte_level_json(bool regex)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex",
                     regex);
}

static json_t *pretokenizer_json(const Tokenizer *t)
{
    const Pretokenizer *pre;
    Err known = {0};
    json_t *list = json_array();
    if (!pretokenizer_find(&pre, t->pre, &known))
        return list; /* it was found when the tokenizer was made */
    if (pre->digits)
        json_array_append_new(list, json_pack("{s:s, s:b}", "type", "Digits", "individual_digits", 1));
    bool regex = false;
    for (int i = 0; i < MOST_PATTERNS && pre->pattern[i]; i++) {
        bool last = i + 1 == MOST_PATTERNS || !pre->pattern[i + 1];
        const char *pattern = pre->pattern[i][0] ? pre->pattern[i] : GPT2_PATTERN;
        regex = last && !pre->pattern[i][0]; /* ByteLevel has GPT-2's pattern built in */
        if (!regex)
            json_array_append_new(list, json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex",
                                                  pattern, "behavior", "Isolated", "invert", 0));
    }
    json_array_append_new(list, byte_level_json(regex));
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", list);
}

static json_t *decoder_json(const Tokenizer *t)
{
    if (t->byte_level)
        return byte_level_json(true);
    json_t *list = json_pack("[{s:s, s:{s:s}, s:s}, {s:s}, {s:s}]", "type", "Replace", "pattern", "String", BLANK_MARK,
                             "content", " ", "type", "ByteFallback", "type", "Fuse");
    if (t->add_space_prefix)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip", "content", " ", "start", 1, "stop", 0));
    return json_pack("{s:s, s:o}", "type", "Sequence", "decoders", list);
}

static json_t *special_item(const Tokenizer *t, int id, int text)
{
    return json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", vocab_text(&t->vocab, id), "type_id", text);
}

/* The tokens around one text or two, after those already in the list. */
static void add_text(const Tokenizer *t, json_t *list, int text)
{
    if (t->add_bos && t->bos >= 0)
        json_array_append_new(list, special_item(t, t->bos, text));
    json_array_append_new(list, json_pack("{s:{s:s, s:i}}", "Sequence", "id", text ? "B" : "A", "type_id", text));
    if (t->add_eos && t->eos >= 0)
        json_array_append_new(list, special_item(t, t->eos, text));
}

static json_t *post_processor_json(const Tokenizer *t)
{
    json_t *single = json_array(), *pair = json_array(), *tokens = json_object();
    int id[2] = {t->add_bos ? t->bos : -1, t->add_eos ? t->eos : -1};
    add_text(t, single, 0);
    add_text(t, pair, 0);
    add_text(t, pair, 1);
    for (int i = 0; i < 2; i++)
        if (id[i] >= 0) {
            const char *text = vocab_text(&t->vocab, id[i]);
            json_object_set_new(tokens, text,
                                json_pack("{s:s, s:[i], s:[s]}", "id", text, "ids", id[i], "tokens", text));
        }
    return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", single, "pair", pair,
                     "special_tokens", tokens);
}

/* --- merges of a vocabulary that has scores --------------------------------------------------------- */

typedef struct PairList {
    Pair *item;
    int n, cap;
} PairList;

/* Tokens that a merge makes or is made of: those that text can have. */
static bool is_mergeable(const Tokenizer *t, int id)
{
    return id >= 0 && (t->vocab.type[id] == TOKEN_NORMAL || t->vocab.type[id] == TOKEN_UNUSED);
}

/* Every way of cutting a token in two tokens is a merge. */
static void add_halves(const Tokenizer *t, int id, PairList *list)
{
    const char *text = vocab_text(&t->vocab, id);
    size_t n = vocab_length(&t->vocab, id);
    for (size_t cut = 1; cut < n; cut++) {
        if (((unsigned char)text[cut] & 0xc0) == 0x80)
            continue; /* inside a character */
        int left = vocab_find(&t->vocab, text, cut), right = vocab_find(&t->vocab, text + cut, n - cut);
        if (!is_mergeable(t, left) || !is_mergeable(t, right))
            continue;
        list->item = MEM_GROW(list->item, list->n, list->cap);
        list->item[list->n++] = (Pair){left, right, 0, id};
    }
}

/* By the order of scores, set as ranks; of equal ones in the order of ids. */
static int by_order(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    uint32_t p = (uint32_t)x->rank, q = (uint32_t)y->rank;
    if (p != q)
        return p < q ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->left < y->left ? -1 : x->left > y->left;
}

static Pair *pairs_by_score(const Tokenizer *t, int *n)
{
    PairList list = {0};
    for (int id = 0; id < t->vocab.n; id++)
        if (is_mergeable(t, id))
            add_halves(t, id, &list);
    for (int i = 0; i < list.n; i++)
        list.item[i].rank = (int)t->merges.order[list.item[i].id];
    if (list.n)
        qsort(list.item, (size_t)list.n, sizeof *list.item, by_order);
    *n = list.n;
    return list.item;
}

/* "left right", or [left, right] throughout where a token holds a blank. */
static json_t *merges_json(const Tokenizer *t)
{
    int n = t->merges.n;
    Pair *pair = t->score ? pairs_by_score(t, &n) : merges_sorted(&t->merges);
    json_t *list = json_array();
    bool blank = false;
    for (int i = 0; i < n && !blank; i++)
        blank = strchr(vocab_text(&t->vocab, pair[i].id), ' ');
    for (int i = 0; i < n; i++) {
        const char *left = vocab_text(&t->vocab, pair[i].left), *right = vocab_text(&t->vocab, pair[i].right);
        json_array_append_new(list, blank ? json_pack("[s, s]", left, right) : json_sprintf("%s %s", left, right));
    }
    free(pair);
    return list;
}

/* --- the files -------------------------------------------------------------------------------------- */

/* Padding at the end is left out: by its score, which would be the lowest, unknown characters would be measured. */
static json_t *unigram_json(const Tokenizer *t)
{
    json_t *vocab = json_array();
    int n = t->vocab.n;
    while (n > 0 && t->vocab.type[n - 1] == TOKEN_UNUSED)
        n--;
    for (int i = 0; i < n; i++)
        json_array_append_new(vocab,
                              json_pack("[s, o]", vocab_text(&t->vocab, i), json_of_float((float)t->unigram.score[i])));
    json_t *model = json_pack("{s:s, s:n, s:o, s:b}", "type", "Unigram", "unk_id", "vocab", vocab, "byte_fallback", 0);
    if (t->unk >= 0)
        json_object_set_new(model, "unk_id", json_integer(t->unk));
    return model;
}

static json_t *model_json(const Tokenizer *t)
{
    if (t->unigram.score)
        return unigram_json(t);
    json_t *vocab = json_object();
    for (int i = 0; i < t->vocab.n; i++)
        json_object_set_new(vocab, vocab_text(&t->vocab, i), json_integer(i));
    bool unknown = !t->byte_level && t->unk >= 0;
    return json_pack("{s:s, s:n, s:s?, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                     unknown ? vocab_text(&t->vocab, t->unk) : NULL, "continuing_subword_prefix", "end_of_word_suffix",
                     "fuse_unk", 0, "byte_fallback", !t->byte_level, "ignore_merges", t->ignore_merges, "vocab", vocab,
                     "merges", merges_json(t));
}

static char *tokenizer_json_text(const Tokenizer *t)
{
    json_t *root = json_pack("{s:s, s:n, s:n, s:o}", "version", "1.0", "truncation", "padding", "added_tokens",
                             added_tokens_json(t));
    json_object_set_new(root, "normalizer", t->byte_level ? json_null() : normalizer_json(t));
    json_object_set_new(root, "pre_tokenizer", t->byte_level ? pretokenizer_json(t) : json_null());
    json_object_set_new(root, "post_processor", post_processor_json(t));
    json_object_set_new(root, "decoder", decoder_json(t));
    json_object_set_new(root, "model", model_json(t));
    return lines_of(root, 3);
}

static char *config_text(const Tokenizer *t, const char *chat_template)
{
    json_t *root = json_pack("{s:s, s:b, s:b, s:b}", "tokenizer_class", "PreTrainedTokenizerFast", "add_bos_token",
                             t->add_bos, "add_eos_token", t->add_eos, "clean_up_tokenization_spaces", 0);
    const struct {
        const char *key;
        int id;
    } token[] = {{"bos_token", t->bos}, {"eos_token", t->eos}, {"unk_token", t->unk}, {"pad_token", t->pad}};
    for (int i = 0; i < COUNT(token); i++)
        if (token[i].id >= 0)
            json_object_set_new(root, token[i].key, json_string(vocab_text(&t->vocab, token[i].id)));
    if (chat_template)
        json_object_set_new(root, "chat_template", json_string(chat_template));
    return lines_of(root, 1);
}

static bool is_utf8(const char *text)
{
    bool valid = true;
    size_t n = strlen(text);
    return text_run(text, n, &valid) == n && (valid || !n);
}

static bool can_be_json(const Tokenizer *t, const char *chat_template, Err *err)
{
    if (chat_template && !is_utf8(chat_template))
        return err_set(err, ERR_INPUT, "the chat template is not UTF-8 and cannot be written as JSON");
    for (int i = 0; i < t->vocab.n; i++)
        if (!is_utf8(vocab_text(&t->vocab, i)))
            return err_set(err, ERR_INPUT, "token %d is not UTF-8 and cannot be written as JSON", i);
    return true;
}

static void make_files(const Tokenizer *t, const char *chat_template, TokenizerFiles *f)
{
    char hash[HASH_TEXT];
    f->text[FILE_TOKENIZER] = tokenizer_json_text(t);
    hash_bytes(f->text[FILE_TOKENIZER], strlen(f->text[FILE_TOKENIZER]), hash);
    f->text[FILE_EXACT] = tokenizer_exact_text(t, hash);
    f->text[FILE_CONFIG] = config_text(t, chat_template);
    for (int i = 0; i < FILE_NAMES; i++)
        f->n[i] = f->text[i] ? strlen(f->text[i]) : 0;
}

/* Another chat template goes into a file of its own, which comes before tokenizer_config.json's. */
static void copy_files(const Tokenizer *t, const char *chat_template, TokenizerFiles *f)
{
    for (int i = 0; i < FILE_NAMES; i++)
        if (t->files.text[i]) {
            f->text[i] = mem_copy(t->files.text[i], t->files.n[i], 1);
            f->n[i] = t->files.n[i];
        }
    if (chat_template && (!t->chat_template || strcmp(chat_template, t->chat_template) != 0)) {
        free(f->text[FILE_TEMPLATE]);
        f->text[FILE_TEMPLATE] = mem_str(chat_template);
        f->n[FILE_TEMPLATE] = strlen(chat_template);
    }
}

bool tokenizer_save(const Tokenizer *t, const char *dir, const char *chat_template, Err *err)
{
    TokenizerFiles f = {0};
    bool ok = can_be_json(t, chat_template, err) && dir_make(dir, err);
    if (ok && t->files.text[FILE_TOKENIZER])
        copy_files(t, chat_template, &f);
    else if (ok)
        make_files(t, chat_template, &f);
    for (int i = 0; ok && i < FILE_NAMES; i++) {
        char *path = path_join(dir, tokenizer_file[i]);
        ok = !f.text[i] || file_write(path, f.text[i], f.n[i], err);
        free(path);
    }
    tokenizer_files_release(&f);
    return ok;
}

size_t tokenizer_saved_bytes(const Tokenizer *t)
{
    enum { ENTRY = 17, MERGE = 32 }; /* beside its text, on its line and in tokenizer.rlaif.json */
    size_t bytes = 0, merges = t->score ? 2 * (size_t)t->vocab.n : (size_t)t->merges.n;
    for (int i = 0; i < FILE_NAMES; i++)
        bytes += t->files.n[i];
    if (t->files.text[FILE_TOKENIZER] || t->vocab.n == 0)
        return bytes;
    size_t texts = t->vocab.text.n;
    return texts + ENTRY * (size_t)t->vocab.n + (merges ? texts / (size_t)t->vocab.n * merges + MERGE * merges : 0);
}
