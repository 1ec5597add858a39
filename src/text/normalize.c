/* Normalizers: what happens to a text before it is cut. */
#include "text/normalize.h"

#include "base/mem.h"

#include <utf8proc.h>

void steps_add(Steps *s, StepKind kind, const char *from, const char *to)
{
    s->item = MEM_GROW(s->item, s->n, s->cap);
    s->item[s->n++] = (Step){kind, from ? mem_str(from) : NULL, to ? mem_str(to) : NULL};
}

void steps_release(Steps *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->item[i].from);
        free(s->item[i].to);
    }
    free(s->item);
    *s = (Steps){0};
}

size_t text_run(const char *text, size_t n, bool *valid)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    int len = str_utf8_length(s, n);
    *valid = len > 0;
    for (; i < n && (len > 0) == *valid; len = str_utf8_length(s + i, n - i))
        i += len ? (size_t)len : 1;
    return i;
}

static void replace(const Step *step, const char *text, size_t n, Str *out)
{
    size_t m = strlen(step->from), begin = 0;
    const char *found;
    while (m && (found = memmem(text + begin, n - begin, step->from, m))) {
        size_t at = (size_t)(found - text);
        str_addn(out, text + begin, at - begin);
        str_add(out, step->to);
        begin = at + m;
    }
    str_addn(out, text + begin, n - begin);
}

static bool is_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

/* A normal form of n bytes of UTF-8. ASCII is its own. */
static bool to_form(StepKind kind, const char *text, size_t n, Str *out, Err *err)
{
    if (is_ascii(text, n)) {
        str_addn(out, text, n);
        return true;
    }
    int how = UTF8PROC_STABLE;
    how |= kind == STEP_NFC || kind == STEP_NFKC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
    how |= kind == STEP_NFKC || kind == STEP_NFKD ? UTF8PROC_COMPAT : 0;
    utf8proc_uint8_t *form = NULL;
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &form, (utf8proc_option_t)how);
    if (len < 0)
        return err_set(err, ERR_INPUT, "normalizing a text of %zu bytes: %s", n, utf8proc_errmsg(len));
    str_addn(out, (const char *)form, (size_t)len);
    free(form);
    return true;
}

static bool normal_form(StepKind kind, const char *text, size_t n, Str *out, Err *err)
{
    bool valid;
    for (size_t i = 0, len; i < n; i += len) {
        len = text_run(text + i, n - i, &valid);
        if (!valid)
            str_addn(out, text + i, len);
        else if (!to_form(kind, text + i, len, out, err))
            return false;
    }
    return true;
}

static bool run_step(const Step *step, const char *text, size_t n, StepPlace place, Str *out, Err *err)
{
    switch (step->kind) {
    case STEP_REPLACE: replace(step, text, n, out); return true;
    case STEP_NFC:
    case STEP_NFD:
    case STEP_NFKC:
    case STEP_NFKD: return normal_form(step->kind, text, n, out, err);
    case STEP_PREPEND:
    case STEP_PREFIX:
    case STEP_PREFIX_FIRST: break;
    }
    size_t m = strlen(step->to);
    bool has = step->kind != STEP_PREPEND && n >= m && !memcmp(text, step->to, m);
    bool due = place == PLACE_FIRST || (place == PLACE_LATER && step->kind != STEP_PREFIX_FIRST);
    if (n && !has && due)
        str_addn(out, step->to, m);
    str_addn(out, text, n);
    return true;
}

bool steps_run(const Steps *s, const char *text, size_t n, StepPlace place, Str *out, Err *err)
{
    Str from = {0}, to = {0};
    bool ok = true;
    str_addn(&from, text, n);
    for (int i = 0; ok && i < s->n; i++) {
        str_clear(&to);
        ok = run_step(&s->item[i], str_text(&from), from.n, place, &to, err);
        Str old = from;
        from = to;
        to = old;
    }
    if (ok)
        str_addn(out, str_text(&from), from.n);
    str_release(&from);
    str_release(&to);
    return ok;
}
