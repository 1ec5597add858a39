/* Filters of single values: texts, numbers, defaults, JSON. */
#include "text/jinja/filters_single.h"

#include "text/jinja/compare.h"
#include "text/jinja/ops.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

#include <errno.h>

/* --- texts ------------------------------------------------------------------------------------------- */

bool jinja_filter_case(Run *r, Value *out, Call *c)
{
    Value text;
    bool ok = jinja_to_text(r, &text, c->self) && jinja_case(r, out, text, (Case)c->how);
    if (ok && c->how == CASE_TITLE)
        out->flag = 0; /* Jinja joins the words to a text that is not marked */
    return ok;
}

bool jinja_filter_trim(Run *r, Value *out, Call *c)
{
    Value text, chars = c->arg[0];
    if (!jinja_to_text(r, &text, c->self))
        return false;
    if (chars.kind != V_ABSENT && chars.kind != V_NONE && !jinja_want_text(r, chars, "trim needs a text, not"))
        return false;
    if (text.flag && chars.kind == V_TEXT)
        return jinja_fail(r, "trim of certain characters from text marked as safe is not supported");
    *out = jinja_strip(text, chars, STRIP_LEFT | STRIP_RIGHT);
    return jinja_spend(r, text.n / 64 * (chars.kind == V_TEXT ? chars.n + 1 : 1));
}

bool jinja_filter_replace(Run *r, Value *out, Call *c)
{
    Value text, old, new;
    int64_t most = -1;
    if (!jinja_to_text(r, &text, c->self) || !jinja_to_text(r, &old, c->arg[0]) || !jinja_to_text(r, &new, c->arg[1]))
        return false;
    if (c->arg[2].kind != V_ABSENT && c->arg[2].kind != V_NONE &&
        !jinja_want_int(r, &most, c->arg[2], "replace needs a number, not"))
        return false;
    return jinja_replace(r, out, text, old, new, most);
}

bool jinja_filter_string(Run *r, Value *out, Call *c)
{
    return jinja_to_text(r, out, c->self);
}

bool jinja_filter_safe(Run *r, Value *out, Call *c)
{
    bool ok = jinja_to_text(r, out, c->self);
    if (ok)
        out->flag = 1;
    return ok;
}

bool jinja_filter_escape(Run *r, Value *out, Call *c)
{
    return jinja_escape(r, out, c->self);
}

bool jinja_filter_wordcount(Run *r, Value *out, Call *c)
{
    Value text;
    int64_t count = 0;
    bool in_word = false;
    if (!jinja_to_text(r, &text, c->self))
        return false;
    for (size_t i = 0, k; i < text.n; i += k) {
        bool word = jinja_is_word(jinja_code(text.s + i, text.n - i, &k));
        count += word && !in_word;
        in_word = word;
    }
    *out = jinja_int(count);
    return jinja_spend(r, text.n / 64);
}

/* The lines, each after the first with the indention before it; empty ones only where `blank`. */
static bool indent_lines(Run *r, Tainted *s, const Seq *lines, Value indention, bool first, bool blank)
{
    for (size_t i = 0; i < lines->n; i++) {
        Value line = lines->item[i];
        if (i) /* it stands for the end of the line before, which had that line's taint */
            tainted_add(s, "\n", 1, lines->item[i - 1].taint ? TAINT_ALL : NULL);
        if (!jinja_room(r, s->text.n + indention.n + line.n, 1) || !jinja_spend(r, 1 + indention.n / 64))
            return false;
        if (i ? blank || line.n : first)
            tainted_add(s, indention.s, indention.n, indention.taint);
        tainted_add(s, line.s, line.n, line.taint);
    }
    return true;
}

/* A text of so many spaces. */
static bool spaces(Run *r, Value *out, int64_t n)
{
    size_t count = n > 0 ? (size_t)n : 0;
    if (!jinja_room(r, count, 1))
        return false;
    char *s = jinja_alloc(r->pool, count + 1, 1);
    memset(s, ' ', count);
    *out = jinja_text(s, count);
    return true;
}

bool jinja_filter_indent(Run *r, Value *out, Call *c)
{
    Value width = c->arg[0], longer;
    int64_t n = 4;
    Seq *lines;
    if (!jinja_want_text(r, c->self, "indent needs a text, not"))
        return false;
    if (width.kind != V_TEXT &&
        ((width.kind != V_ABSENT && !jinja_want_int(r, &n, width, "indent needs a number, not")) ||
         !spaces(r, &width, n)))
        return false;
    /* with a newline at the end, so that a text's own last newline begins an empty line */
    if (!jinja_binary(r, &longer, OP_ADD, jinja_part(c->self, 0, c->self.n), jinja_literal("\n")) ||
        !jinja_lines(r, &lines, longer, false))
        return false;
    Tainted s = {0};
    bool ok = indent_lines(r, &s, lines, width, jinja_truth(c->arg[1]), jinja_truth(c->arg[2]));
    ok = jinja_take(r, out, &s, ok);
    if (ok)
        out->flag = c->self.flag;
    return ok;
}

/* --- numbers ----------------------------------------------------------------------------------------- */

bool jinja_filter_abs(Run *r, Value *out, Call *c)
{
    long double x;
    if (!jinja_number(c->self, &x))
        return jinja_fail_value(r, "abs needs a number, not", c->self);
    *out = c->self;
    if (c->self.kind == V_FLOAT)
        out->f = fabs(out->f);
    else if (x < 0 || c->self.kind == V_BOOL)
        return jinja_binary(r, out, OP_MUL, c->self, jinja_int(x < 0 ? -1 : 1));
    return true;
}

/* Digits with single underscores between them, at least one; returns where they end, or p. */
static const char *digits(Str *s, const char *p, const char *end)
{
    const char *from = p;
    while (p < end && ((*p >= '0' && *p <= '9') || (*p == '_' && p > from && p[-1] != '_'))) {
        if (*p != '_')
            str_addc(s, *p);
        p++;
    }
    return p > from && p[-1] == '_' ? from : p;
}

static bool word_at(const char *p, const char *end, const char *word)
{
    return (size_t)(end - p) == strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
}

/* A number as Python's int() and float() read it, cleaned into s; *whole: it is an integer. False where the
 * text is no number. */
static bool clean_number(Str *s, Value text, bool *whole)
{
    text = jinja_strip(text, jinja_none(), STRIP_LEFT | STRIP_RIGHT);
    const char *p = text.s, *end = p + text.n, *q;
    if (p < end && (*p == '-' || *p == '+'))
        str_addc(s, *p++);
    *whole = false;
    if (word_at(p, end, "inf") || word_at(p, end, "infinity") || word_at(p, end, "nan"))
        return str_addn(s, p, 3), true;
    q = digits(s, p, end);
    bool any = q > p;
    *whole = any && q == end;
    if (q < end && *q == '.') {
        str_addc(s, '.');
        p = q + 1;
        q = digits(s, p, end);
        any |= q > p;
    }
    if (any && q < end && (*q == 'e' || *q == 'E')) {
        str_addc(s, *q++);
        if (q < end && (*q == '-' || *q == '+'))
            str_addc(s, *q++);
        p = q;
        q = digits(s, p, end);
        any = q > p;
    }
    return any && q == end;
}

/* *kind: V_INT or V_FLOAT for a text that is one (*f is its value in both cases), V_NONE for another. */
static bool number_of(Run *r, Value text, Kind *kind, int64_t *i, double *f)
{
    Str s = {0};
    bool whole, over = false, foreign = false;
    for (size_t at = 0, k; at < text.n; at += k)
        foreign |= jinja_code(text.s + at, text.n - at, &k) >= 0x80 && !jinja_blank(text.s + at, k);
    bool number = clean_number(&s, text, &whole);
    *kind = !number ? V_NONE : whole ? V_INT : V_FLOAT;
    if (number)
        *f = strtod(str_text(&s), NULL);
    if (*kind == V_INT) {
        errno = 0;
        *i = strtoll(str_text(&s), NULL, 10);
        over = errno == ERANGE;
    }
    str_release(&s);
    bool digit = false; /* Python reads digits of every script */
    if (foreign && !jinja_digits(r, &digit, text))
        return false;
    if (digit)
        return jinja_fail(r, "a number in other than ASCII digits is not supported");
    return !over || jinja_fail(r, "an integer of more than 64 bits");
}

/* A number read from a row's text is the row's. */
static const char *number_taint(Value v)
{
    return taint_any(v.taint, v.kind == V_TEXT ? v.n : 1) ? TAINT_ALL : NULL;
}

static bool truncated(Run *r, Value *out, double f)
{
    f = trunc(f);
    if (f >= 0x1p63 || f < -0x1p63)
        return jinja_fail(r, "an integer of more than 64 bits");
    *out = jinja_int((int64_t)f);
    return true;
}

bool jinja_filter_int(Run *r, Value *out, Call *c)
{
    Value v = c->self, otherwise = c->arg[0].kind == V_ABSENT ? jinja_int(0) : c->arg[0];
    Kind kind = v.kind;
    int64_t i = 0, base = 10;
    if (c->arg[1].kind != V_ABSENT && !jinja_want_int(r, &base, c->arg[1], "int needs a number as its base, not"))
        return false;
    if (base != 10 && v.kind == V_TEXT)
        return jinja_fail(r, "int with another base than 10 is not supported");
    if (v.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, v);
    double f = v.kind == V_FLOAT ? v.f : 0;
    if (v.kind == V_TEXT && !number_of(r, v, &kind, &i, &f))
        return false;
    if (v.kind == V_FLOAT && isinf(f))
        return jinja_fail(r, "infinity is no integer");
    bool whole = kind == V_INT || kind == V_BOOL, ok = true;
    if (whole)
        *out = jinja_int(v.kind == V_TEXT ? i : v.kind == V_BOOL ? v.yes : v.i);
    else if (kind == V_FLOAT && !isnan(f) && !isinf(f))
        ok = truncated(r, out, f);
    else
        return *out = otherwise, true;
    out->taint = number_taint(v);
    return ok;
}

bool jinja_filter_float(Run *r, Value *out, Call *c)
{
    Value v = c->self;
    long double x;
    Kind kind = V_NONE;
    int64_t i;
    double f = 0;
    if (v.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v.kind == V_TEXT && !number_of(r, v, &kind, &i, &f))
        return false;
    *out = c->arg[0].kind == V_ABSENT ? jinja_float(0) : c->arg[0];
    if (v.kind == V_TEXT && kind != V_NONE)
        *out = jinja_float(f);
    else if (jinja_number(v, &x))
        *out = jinja_float((double)x);
    else
        return true;
    out->taint = number_taint(v);
    return true;
}

/* To so many decimals; printf rounds the exact value half to even, as Python does. */
static double decimals(double f, int precision)
{
    char text[400];
    snprintf(text, sizeof text, "%.*f", precision, f);
    return strtod(text, NULL);
}

bool jinja_filter_round(Run *r, Value *out, Call *c)
{
    int64_t precision = 0;
    Value v = c->self, method = c->arg[1];
    long double x;
    if (!jinja_number(v, &x))
        return jinja_fail_value(r, "round needs a number, not", v);
    if (c->arg[0].kind != V_ABSENT && !jinja_want_int(r, &precision, c->arg[0], "round needs a number, not"))
        return false;
    if (precision < 0 || precision > 15)
        return jinja_fail(r, "round to %lld decimals is not supported", (long long)precision);
    bool up = jinja_is_text(method, "ceil"), down = jinja_is_text(method, "floor");
    if (up || down) {
        double scale = 1, scaled;
        for (int64_t i = 0; i < precision; i++)
            scale *= 10;
        scaled = (double)x * scale;
        if (!isfinite(scaled))
            return jinja_fail(r, "round to an integer of infinity or of no number");
        *out = jinja_float(((up ? ceil(scaled) : floor(scaled)) + 0.0) / scale); /* an integer has no -0 */
        out->taint = v.taint;
        return true;
    }
    if (method.kind != V_ABSENT && !jinja_is_text(method, "common"))
        return jinja_fail(r, "round has the methods common, ceil and floor");
    if (v.kind != V_FLOAT)
        *out = jinja_int((int64_t)x);
    else
        *out = isfinite(v.f) ? jinja_float(decimals(v.f, (int)precision)) : v;
    out->taint = v.taint;
    return true;
}

/* --- defaults, JSON ---------------------------------------------------------------------------------- */

bool jinja_filter_default(Run *r, Value *out, Call *c)
{
    bool use = c->self.kind == V_UNDEFINED || (jinja_truth(c->arg[1]) && !jinja_truth(c->self));
    (void)r;
    *out = !use ? c->self : c->arg[0].kind == V_ABSENT ? jinja_literal("") : c->arg[0];
    return true;
}

static bool separators(Run *r, JsonStyle *style, Value v)
{
    if (v.kind == V_ABSENT || v.kind == V_NONE)
        return true;
    if ((v.kind != V_TUPLE && v.kind != V_LIST) || v.seq->n != 2 || v.seq->item[0].kind != V_TEXT ||
        v.seq->item[1].kind != V_TEXT)
        return jinja_fail(r, "tojson needs two texts as its separators");
    style->comma = v.seq->item[0];
    style->colon = v.seq->item[1];
    return true;
}

bool jinja_filter_tojson(Run *r, Value *out, Call *c)
{
    JsonStyle style = {.ascii = jinja_truth(c->arg[0]), .sort = jinja_truth(c->arg[3])};
    Value indent = c->arg[1];
    int64_t n = 0;
    style.lines = indent.kind != V_ABSENT && indent.kind != V_NONE;
    style.comma = jinja_literal(style.lines ? "," : ", ");
    style.colon = jinja_literal(": ");
    style.indent = indent;
    if (style.lines && indent.kind != V_TEXT &&
        (!jinja_want_int(r, &n, indent, "tojson needs a number as its indent, not") || !spaces(r, &style.indent, n)))
        return false;
    if (!separators(r, &style, c->arg[2]))
        return false;
    Tainted s = {0};
    bool ok = jinja_json(r, &s, c->self, &style, 0);
    return jinja_take(r, out, &s, ok);
}
