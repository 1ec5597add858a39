/* Normalizers: what happens to a text before it is cut. */
#include "text/prepare/normalize.h"

#include "base/mem.h"

#include <utf8proc.h>

void steps_add(Steps *s, StepKind kind, const char *from, const char *to)
{
    s->item = MEM_GROW(s->item, s->n, s->cap);
    s->item[s->n++] = (Step){kind, from ? mem_str(from) : NULL, to ? mem_str(to) : NULL, NULL, NULL};
}

bool steps_add_pattern(Steps *s, const char *pattern, const char *to, Err *err)
{
    Pattern *p;
    if (!pattern_new(&p, pattern, false, err))
        return false;
    steps_add(s, STEP_PATTERN, pattern, to);
    s->item[s->n - 1].pattern = p;
    return true;
}

bool steps_add_charsmap(Steps *s, StepKind kind, const char *base64, Err *err)
{
    Charsmap *map;
    if (!charsmap_new(&map, base64, err))
        return false;
    steps_add(s, kind, base64, NULL);
    s->item[s->n - 1].map = map;
    return true;
}

void steps_release(Steps *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->item[i].from);
        free(s->item[i].to);
        pattern_free(s->item[i].pattern);
        charsmap_free(s->item[i].map);
    }
    free(s->item);
    *s = (Steps){0};
}

int space_at(const char *s, int n)
{
    static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
                                       "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (n <= 0)
        return 0;
    if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        return 1;
    for (int i = 0; i < COUNT(wide); i++) {
        int len = (int)strlen(wide[i]);
        if (n >= len && !memcmp(s, wide[i], (size_t)len))
            return len;
    }
    bool quad = n >= 3 && !memcmp(s, "\xe2\x80", 2) && (s[2] & 0xf0) == 0x80 && (s[2] & 0x0f) <= 0x0a;
    return quad ? 3 : 0; /* U+2000 to U+200A */
}

int space_before(const char *s, int n)
{
    for (int len = 1; len <= 3 && len <= n; len++)
        if (space_at(s + n - len, len) == len)
            return len;
    return 0;
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

static void replace(const Step *step, const char *text, size_t n, const char *taint, Tainted *out)
{
    size_t m = strlen(step->from), begin = 0;
    const char *found;
    while (m && (found = memmem(text + begin, n - begin, step->from, m))) {
        size_t at = (size_t)(found - text);
        tainted_add(out, text + begin, at - begin, taint_from(taint, begin));
        tainted_add(out, step->to, strlen(step->to), taint_any(taint_from(taint, at), m) ? TAINT_ALL : NULL);
        begin = at + m;
    }
    tainted_add(out, text + begin, n - begin, taint_from(taint, begin));
}

/* The matches in n bytes of UTF-8. What stands for nothing is a row's where what it stands beside is. */
static bool replace_matches(const Step *step, PatternScratch *scratch, const char *text, size_t n, const char *taint,
                            Tainted *out, Err *err)
{
    size_t done = 0;
    for (PatternWalk w = {0};;) {
        if (!pattern_next(step->pattern, scratch, text, (int)n, &w, err))
            return false;
        size_t begin = w.begin < 0 ? n : (size_t)w.begin, len = w.begin < 0 ? 0 : (size_t)(w.end - w.begin);
        tainted_add(out, text + done, begin - done, taint_from(taint, done));
        if (w.begin < 0)
            return true;
        size_t before = !len && begin, behind = !len && begin < n;
        bool tainted = taint_any(taint_from(taint, begin - before), len + before + behind);
        tainted_add(out, step->to, strlen(step->to), tainted ? TAINT_ALL : NULL);
        done = begin + len;
    }
}

static void strip(StepKind kind, const char *text, size_t n, const char *taint, Tainted *out)
{
    int begin = 0, end = (int)n, len;
    while (kind == STEP_STRIP_LEFT && (len = space_at(text + begin, end - begin)))
        begin += len;
    while (kind == STEP_STRIP_RIGHT && (len = space_before(text, end)))
        end -= len;
    tainted_add(out, text + begin, (size_t)(end - begin), taint_from(taint, (size_t)begin));
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

/* Bytes at the beginning of n that are all tainted, or all not. */
static size_t even(const char *taint, size_t n)
{
    size_t i = taint && taint != TAINT_ALL ? 1 : n;
    while (i < n && taint_at(taint, i) == taint_at(taint, 0))
        i++;
    return i;
}

/* The normal form of n bytes of UTF-8, each part's with its taint. Where parts do not stand alone, because a row's text
 * begins with an accent, all of it counts as the row's. */
static bool taint_form(StepKind kind, const char *text, size_t n, const char *taint, Tainted *out, Err *err)
{
    if (even(taint, n) == n) {
        tainted_fill(out, false);
        bool done = to_form(kind, text, n, &out->text, err);
        tainted_fill(out, taint_at(taint, 0));
        return done;
    }
    Str whole = {0};
    Tainted parts = {0};
    bool ok = to_form(kind, text, n, &whole, err);
    for (size_t i = 0, len; ok && i < n; i += len) {
        len = even(taint_from(taint, i), n - i);
        ok = to_form(kind, text + i, len, &parts.text, err);
        tainted_fill(&parts, taint_at(taint, i));
    }
    bool same = ok && parts.text.n == whole.n && !memcmp(str_text(&parts.text), str_text(&whole), whole.n);
    if (ok)
        tainted_add(out, str_text(&whole), whole.n, same ? tainted_taint(&parts) : TAINT_ALL);
    str_release(&whole);
    tainted_release(&parts);
    return ok;
}

/* A step that is for UTF-8 alone: what is none passes as it is. */
static bool run_valid(const Step *step, const char *text, size_t n, const char *taint, Tainted *out, Err *err)
{
    PatternScratch *scratch = step->pattern ? pattern_scratch_new() : NULL;
    bool valid, ok = true;
    for (size_t i = 0, len; ok && i < n; i += len) {
        len = text_run(text + i, n - i, &valid);
        if (!valid)
            tainted_add(out, text + i, len, taint_from(taint, i));
        else if (step->map)
            charsmap_apply(step->map, step->kind == STEP_CHARSMAP_LONGEST, text + i, len, taint_from(taint, i), out);
        else if (step->kind == STEP_PATTERN)
            ok = replace_matches(step, scratch, text + i, len, taint_from(taint, i), out, err);
        else
            ok = taint_form(step->kind, text + i, len, taint_from(taint, i), out, err);
    }
    pattern_scratch_free(scratch);
    return ok;
}

static bool run_step(const Step *step, const char *text, size_t n, const char *taint, StepPlace place, Tainted *out,
                     Err *err)
{
    switch (step->kind) {
    case STEP_REPLACE: replace(step, text, n, taint, out); return true;
    case STEP_STRIP_LEFT:
    case STEP_STRIP_RIGHT: strip(step->kind, text, n, taint, out); return true;
    case STEP_PATTERN:
    case STEP_CHARSMAP:
    case STEP_CHARSMAP_LONGEST:
    case STEP_NFC:
    case STEP_NFD:
    case STEP_NFKC:
    case STEP_NFKD: return run_valid(step, text, n, taint, out, err);
    case STEP_PREPEND:
    case STEP_PREFIX:
    case STEP_PREFIX_FIRST: break;
    }
    size_t m = strlen(step->to);
    bool has = step->kind != STEP_PREPEND && n >= m && !memcmp(text, step->to, m);
    bool due = place == PLACE_FIRST || (place == PLACE_LATER && step->kind != STEP_PREFIX_FIRST);
    if (n && !has && due)
        tainted_add(out, step->to, m, taint_at(taint, 0) ? TAINT_ALL : NULL); /* as what it stands before */
    tainted_add(out, text, n, taint);
    return true;
}

bool steps_run(const Steps *s, const char *text, size_t n, const char *taint, StepPlace place, Tainted *out, Err *err)
{
    Tainted from = {0}, to = {0};
    bool ok = true;
    tainted_add(&from, text, n, taint);
    for (int i = 0; ok && i < s->n; i++) {
        tainted_clear(&to);
        ok = run_step(&s->item[i], str_text(&from.text), from.text.n, tainted_taint(&from), place, &to, err);
        Tainted old = from;
        from = to;
        to = old;
    }
    if (ok)
        tainted_add(out, str_text(&from.text), from.text.n, tainted_taint(&from));
    tainted_release(&from);
    tainted_release(&to);
    return ok;
}
