/* tokenizer.json's normalizer, pre-tokenizer, post-processor and decoder. Each is a small tree of components;
 * one that is not understood is an error with its name, since leaving it out would change ids. */
#include "text/tokenizer_parts.h"

#include "base/json.h"
#include "text/tokenizer.h"

enum { MOST_DEPTH = 8 }; /* of Sequences in Sequences */

/* What has been met on the way through the trees. */
typedef struct Parts {
    Tokenizer *t;
    const char *kind; /* "normalizer", ...: the tree at hand */
    bool fused;       /* decoder: a Fuse stands before */
    bool marks, bytes, byte_level_decoder;
    bool at_blanks; /* pre-tokenizer: a WhitespaceSplit stands before, and waits for its Metaspace */
} Parts;

typedef bool PartFn(Parts *p, const json_t *part, const char *type, Err *err);

static bool refuse(const Parts *p, const char *type, const char *why, Err *err)
{
    return err_set(err, ERR_INPUT, "%s: %.60s%s", p->kind, type, why);
}

/* Calls `one` for a component, or for each of a Sequence, whose list has the name `list`. */
static bool walk(Parts *p, const json_t *part, const char *list, PartFn *one, int depth, Err *err)
{
    if (!part || json_is_null(part))
        return true;
    const char *type = json_text_of(part, "type");
    if (!type)
        return refuse(p, "a component", " has no \"type\"", err);
    if (strcmp(type, "Sequence") != 0)
        return one(p, part, type, err);
    const json_t *parts = json_object_get(part, list);
    if (!json_is_array(parts) || depth > MOST_DEPTH)
        return refuse(p, type, depth > MOST_DEPTH ? " is too deep" : " has no list of components", err);
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (!walk(p, json_array_get(parts, i), list, one, depth + 1, err))
            return false;
    return true;
}

/* The source of a pattern {"String": ...} or {"Regex": ...}, or NULL. */
static const char *pattern_of(const json_t *part, bool *literal)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const char *text = json_text_of(pattern, "String");
    *literal = text != NULL;
    return text ? text : json_text_of(pattern, "Regex");
}

/* --- normalizer ------------------------------------------------------------------------------------- */

static bool read_normalizer(Parts *p, const json_t *part, const char *type, Err *err)
{
    static const struct {
        const char *type;
        StepKind kind;
    } form[] = {{"NFC", STEP_NFC}, {"NFD", STEP_NFD}, {"NFKC", STEP_NFKC}, {"NFKD", STEP_NFKD}};
    for (int i = 0; i < COUNT(form); i++)
        if (!strcmp(type, form[i].type)) {
            steps_add(&p->t->normalize, form[i].kind, NULL, NULL);
            return true;
        }
    if (!strcmp(type, "Prepend")) {
        const char *text = json_text_of(part, "prepend");
        if (!text)
            return refuse(p, type, " has no \"prepend\"", err);
        steps_add(&p->t->normalize, STEP_PREPEND, NULL, text);
        return true;
    }
    if (!strcmp(type, "Replace")) {
        bool literal;
        const char *from = pattern_of(part, &literal), *to = json_text_of(part, "content");
        if (!from || !*from || !to)
            return refuse(p, type, " needs a \"pattern\" and \"content\"", err);
        if (!literal)
            return steps_add_pattern(&p->t->normalize, from, to, err) || err_context(err, "%s: Replace", p->kind);
        steps_add(&p->t->normalize, STEP_REPLACE, from, to);
        return true;
    }
    if (!strcmp(type, "Precompiled")) {
        const char *map = json_text_of(part, "precompiled_charsmap");
        return map ? *map == 0 || steps_add_charsmap(&p->t->normalize, STEP_CHARSMAP, map, err) ||
                         err_context(err, "%s: Precompiled", p->kind)
                   : refuse(p, type, " has no \"precompiled_charsmap\"", err);
    }
    if (!strcmp(type, "Strip")) {
        if (json_bool_of(part, "strip_left", true))
            steps_add(&p->t->normalize, STEP_STRIP_LEFT, NULL, NULL);
        if (json_bool_of(part, "strip_right", true))
            steps_add(&p->t->normalize, STEP_STRIP_RIGHT, NULL, NULL);
        return true;
    }
    return refuse(p, type, " is not supported", err);
}

/* --- pre-tokenizer ---------------------------------------------------------------------------------- */

/* What is cut behind ByteLevel is cut in GPT-2's alphabet. */
static Splits *splits_of(const Parts *p)
{
    return p->t->byte_level ? &p->t->byte_splits : &p->t->splits;
}

static bool add_split(const Parts *p, const char *type, const char *pattern, bool literal, const char *behavior,
                      bool invert, Err *err)
{
    static const char *const names[SPLIT_KINDS] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext",
                                                   "Contiguous"};
    for (int i = 0; i < SPLIT_KINDS; i++)
        if (!strcmp(behavior, names[i]))
            return splits_add(splits_of(p), pattern, literal, (SplitKind)i, invert, err);
    return err_set(err, ERR_INPUT, "%s: %s has the behavior \"%.60s\"", p->kind, type, behavior);
}

static bool read_split(Parts *p, const json_t *part, Err *err)
{
    const char *behavior = json_text_of(part, "behavior");
    bool literal;
    const char *pattern = pattern_of(part, &literal);
    if (!pattern || !*pattern || !behavior)
        return refuse(p, "Split", " needs a \"pattern\" and a \"behavior\"", err);
    return add_split(p, "Split", pattern, literal, behavior, json_bool_of(part, "invert", false), err);
}

static bool read_digits(Parts *p, const json_t *part, Err *err)
{
    bool each = json_bool_of(part, "individual_digits", false);
    return splits_add(splits_of(p), each ? "\\p{N}" : "\\p{N}+", false, SPLIT_ISOLATED, false, err);
}

/* Unicode's punctuation, and ASCII's signs. */
static bool read_punctuation(Parts *p, const json_t *part, Err *err)
{
    const char *behavior = json_text_of(part, "behavior");
    return add_split(p, "Punctuation", "[\\p{P}!-/:-@\\[-`{-~]", false, behavior ? behavior : "Isolated", false, err);
}

static bool read_byte_level(Parts *p, const json_t *part, Err *err)
{
    p->t->byte_level = true;
    if (json_bool_of(part, "add_prefix_space", true)) {
        if (p->t->splits.n || p->t->prefix.n)
            return refuse(p, "ByteLevel", " with \"add_prefix_space\" after another component", err);
        steps_add(&p->t->prefix, STEP_PREFIX, NULL, " ");
    }
    return !json_bool_of(part, "use_regex", true) ||
           splits_add(&p->t->splits, GPT2_PATTERN, false, SPLIT_ISOLATED, false, err);
}

/* Files older than "prepend_scheme" say add_prefix_space. */
static bool read_metaspace(Parts *p, const json_t *part, Err *err)
{
    const char *mark = json_text_of(part, "replacement"), *scheme = json_text_of(part, "prepend_scheme");
    if (!scheme)
        scheme = json_bool_of(part, "add_prefix_space", true) ? "always" : "never";
    if (!mark || strcmp(mark, BLANK_MARK) != 0)
        return refuse(p, "Metaspace", " replaces blanks by something else than U+2581", err);
    if (p->t->splits.n || p->t->prefix.n)
        return refuse(p, "Metaspace", " after another component", err);
    if (p->at_blanks) { /* each word begins with a mark, and no other white space is left */
        steps_add(&p->t->prefix, STEP_STRIP_LEFT, NULL, NULL);
        steps_add(&p->t->prefix, STEP_STRIP_RIGHT, NULL, NULL);
        if (strcmp(scheme, "always") != 0)
            return refuse(p, "Metaspace", " after WhitespaceSplit without \"prepend_scheme\": \"always\"", err);
        if (!steps_add_pattern(&p->t->prefix, "\\s+" BLANK_MARK "?", BLANK_MARK, err))
            return false;
        p->at_blanks = false;
    } else {
        steps_add(&p->t->prefix, STEP_REPLACE, " ", BLANK_MARK);
    }
    if (!strcmp(scheme, "always"))
        steps_add(&p->t->prefix, STEP_PREFIX, NULL, BLANK_MARK);
    else if (!strcmp(scheme, "first"))
        steps_add(&p->t->prefix, STEP_PREFIX_FIRST, NULL, BLANK_MARK);
    else if (strcmp(scheme, "never") != 0)
        return refuse(p, "Metaspace", " has an unknown \"prepend_scheme\"", err);
    return !json_bool_of(part, "split", true) || splits_add(&p->t->splits, BLANK_MARK, true, SPLIT_NEXT, false, err);
}

static bool read_pretokenizer(Parts *p, const json_t *part, const char *type, Err *err)
{
    if (!strcmp(type, "Metaspace") && !p->t->byte_level)
        return read_metaspace(p, part, err);
    if (p->at_blanks)
        return refuse(p, "WhitespaceSplit", " is supported before Metaspace only", err);
    if (!strcmp(type, "WhitespaceSplit") && !p->t->byte_level && !p->t->splits.n) {
        p->at_blanks = true;
        return true;
    }
    if (!strcmp(type, "Split"))
        return read_split(p, part, err);
    if (!strcmp(type, "Digits"))
        return read_digits(p, part, err);
    if (!strcmp(type, "Punctuation"))
        return read_punctuation(p, part, err);
    if (p->t->byte_level)
        return refuse(p, type, " after ByteLevel is not supported", err);
    if (!strcmp(type, "ByteLevel"))
        return read_byte_level(p, part, err);
    return refuse(p, type, " is not supported", err);
}

/* --- decoder ---------------------------------------------------------------------------------------- */

static bool read_decoder(Parts *p, const json_t *part, const char *type, Err *err)
{
    bool literal;
    const char *from = pattern_of(part, &literal), *to = json_text_of(part, "content");
    if (!strcmp(type, "ByteLevel")) {
        p->byte_level_decoder = true;
    } else if (!strcmp(type, "ByteFallback")) {
        p->bytes = true;
    } else if (!strcmp(type, "Fuse")) {
        p->fused = true;
    } else if (!strcmp(type, "Replace") && literal && to && !strcmp(from, BLANK_MARK) && !strcmp(to, " ")) {
        p->marks = true;
    } else if (!strcmp(type, "Strip") && p->fused && to && !strcmp(to, " ") && json_number_of(part, "start", 0) <= 1 &&
               json_number_of(part, "stop", 0) == 0) {
        p->t->drops_prefix = json_number_of(part, "start", 0) == 1;
    } else if (!strcmp(type, "Metaspace")) {
        const char *scheme = json_text_of(part, "prepend_scheme");
        p->marks = true;
        p->t->drops_prefix = scheme ? strcmp(scheme, "never") != 0 : json_bool_of(part, "add_prefix_space", true);
    } else {
        return refuse(p, type, " is not supported, or not with these settings", err);
    }
    return true;
}

static bool check_decoder(Parts *p, Err *err)
{
    Tokenizer *t = p->t;
    if (t->byte_level != p->byte_level_decoder)
        return err_set(err, ERR_INPUT, "the pre-tokenizer %s ByteLevel, the decoder %s",
                       t->byte_level ? "has" : "has no", p->byte_level_decoder ? "has" : "has not");
    if (t->byte_level && p->marks)
        return err_set(err, ERR_INPUT, "the decoder has both ByteLevel and blanks as U+2581");
    if (t->byte_fallback && !p->bytes && !t->byte_level)
        return err_set(err, ERR_INPUT, "the model has \"byte_fallback\", the decoder no ByteFallback");
    t->marks_blank = t->marks_added = p->marks;
    return true;
}

/* --- post-processor --------------------------------------------------------------------------------- */

/* A TemplateProcessing says which tokens stand before and after a text: at most one on each side. */
static bool read_template(Parts *p, const json_t *part, Err *err)
{
    const json_t *single = json_object_get(part, "single");
    const char *before = NULL, *after = NULL;
    bool text = false;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const char *token = json_text_of(json_object_get(item, "SpecialToken"), "id");
        const char **side = text ? &after : &before;
        if (json_object_get(item, "Sequence") && !text)
            text = true;
        else if (token && !*side)
            *side = token;
        else
            return refuse(p, "TemplateProcessing", ": \"single\" is not [token] text [token]", err);
    }
    if (!text)
        return refuse(p, "TemplateProcessing", " has no \"single\"", err);
    p->t->add_bos = before != NULL;
    p->t->add_eos = after != NULL;
    p->t->bos = before ? tokenizer_find(p->t, before) : -1;
    if (before && p->t->bos < 0)
        return err_set(err, ERR_INPUT, "%s: \"%.60s\" is not in the vocabulary", p->kind, before);
    return true;
}

static bool read_post_processor(Parts *p, const json_t *part, const char *type, Err *err)
{
    if (!strcmp(type, "ByteLevel"))
        return true; /* it changes offsets only */
    if (!strcmp(type, "TemplateProcessing"))
        return read_template(p, part, err);
    return refuse(p, type, " is not supported", err);
}

bool tokenizer_read_parts(Tokenizer *t, const json_t *root, Err *err)
{
    static const struct {
        const char *kind, *list;
        PartFn *one;
    } part[] = {{"normalizer", "normalizers", read_normalizer},
                {"pre_tokenizer", "pretokenizers", read_pretokenizer},
                {"decoder", "decoders", read_decoder}};
    Parts p = {.t = t};
    for (int i = 0; i < COUNT(part); i++) {
        p.kind = part[i].kind;
        if (!walk(&p, json_object_get(root, p.kind), part[i].list, part[i].one, 0, err))
            return false;
    }
    if (p.at_blanks) {
        p.kind = "pre_tokenizer";
        return refuse(&p, "WhitespaceSplit", " is supported before Metaspace only", err);
    }
    return check_decoder(&p, err);
}

bool tokenizer_read_post_processor(Tokenizer *t, const json_t *root, Err *err)
{
    Parts p = {.t = t, .kind = "post_processor"};
    return walk(&p, json_object_get(root, p.kind), "processors", read_post_processor, 0, err);
}
