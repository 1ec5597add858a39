/* Regular expressions of pre-tokenizers, by PCRE2. */
#include "text/prepare/pattern.h"

#include "base/mem.h"
#include "text/prepare/translate.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MOST_PATTERN = 1 << 16, /* bytes of a source */
    MOST_STEPS = 1 << 20,   /* of backtracking in one match; usual patterns take a few for each byte of a */
    BYTE_STEPS = 4,         /* run, so that a byte of the text allows some more */
    MOST_HEAP = 1 << 16     /* KiB */
};

struct Pattern {
    pcre2_code *code;
};

struct PatternScratch {
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static pcre2_code *compile(const char *source, size_t n, bool literal, const char *shown, Err *err)
{
    /* UCP: \d and (?i:...) know Unicode, as they do elsewhere. */
    uint32_t how = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context)
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int code;
    size_t at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)source, n, how, &code, &at, context);
    pcre2_compile_context_free(context);
    if (!re) {
        PCRE2_UCHAR why[200] = "";
        pcre2_get_error_message(code, why, sizeof why);
        err_set(err, ERR_INPUT, "the regular expression \"%.300s\": %s", shown, (char *)why);
    }
    return re;
}

bool pattern_new(Pattern **out, const char *source, bool literal, Err *err)
{
    *out = NULL;
    if (strlen(source) > MOST_PATTERN)
        return err_set(err, ERR_INPUT, "a regular expression of %zu bytes is too long", strlen(source));
    Str own = {0};
    if (literal)
        str_add(&own, source);
    pcre2_code *code = NULL;
    if (literal || pattern_translate(&own, source, err))
        code = compile(str_text(&own), own.n, literal, source, err);
    str_release(&own);
    if (!code)
        return false;
    /* Where code cannot be generated for this machine, the interpreter does the same, slower. */
    (void)!pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *out = mem_zalloc(1, sizeof **out);
    (*out)->code = code;
    return true;
}

void pattern_free(Pattern *p)
{
    if (p)
        pcre2_code_free(p->code);
    free(p);
}

PatternScratch *pattern_scratch_new(void)
{
    PatternScratch *s = mem_zalloc(1, sizeof *s);
    s->data = pcre2_match_data_create(1, NULL);
    s->limits = pcre2_match_context_create(NULL);
    if (s->limits)
        pcre2_set_heap_limit(s->limits, MOST_HEAP);
    return s;
}

void pattern_scratch_free(PatternScratch *s)
{
    if (!s)
        return;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->limits);
    free(s);
}

bool pattern_find(const Pattern *p, PatternScratch *s, const char *text, int n, int from, int *begin, int *end,
                  Err *err)
{
    *begin = *end = -1;
    if (!s->data || !s->limits)
        return err_set(err, ERR_MEMORY, "not enough memory for a regular expression's scratch");
    pcre2_set_match_limit(s->limits, MOST_STEPS + (uint32_t)(n - from) * BYTE_STEPS);
    /* The text has been checked by the caller; again at every match would take quadratic time. */
    uint32_t how = PCRE2_NO_UTF_CHECK;
    int code = pcre2_match(p->code, (PCRE2_SPTR)text, (size_t)n, (size_t)from, how, s->data, s->limits);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = pcre2_match(p->code, (PCRE2_SPTR)text, (size_t)n, (size_t)from, how | PCRE2_NO_JIT, s->data, s->limits);
    if (code == PCRE2_ERROR_NOMATCH)
        return true;
    if (code < 0) {
        PCRE2_UCHAR why[200] = "";
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(err, ERR_INPUT, "splitting a text of %d bytes by a regular expression: %s", n, (char *)why);
    }
    const size_t *at = pcre2_get_ovector_pointer(s->data);
    *begin = (int)at[0];
    *end = (int)at[1];
    return true;
}

bool pattern_next(const Pattern *p, PatternScratch *s, const char *text, int n, PatternWalk *w, Err *err)
{
    int done = w->matched ? w->end : -1;
    do {
        w->begin = -1;
        if (w->from > n)
            return true;
        if (!pattern_find(p, s, text, n, w->from, &w->begin, &w->end, err))
            return false;
        if (w->begin < 0)
            return true;
        w->from = w->end;
        if (w->begin == w->end) { /* the next begins behind the character that follows */
            int len = w->end < n ? str_utf8_length((const unsigned char *)text + w->end, (size_t)(n - w->end)) : 1;
            w->from += len ? len : 1;
        }
    } while (w->begin == w->end && w->begin == done);
    w->matched = true;
    return true;
}
