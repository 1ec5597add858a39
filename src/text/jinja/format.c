/* Values put into texts: "%" with %s, %d, %x, %o, %f, %e and %g, their flags, widths and precisions, with (name) or without; and
 * format() with {}, {0} and {name}; nothing more. */
#include "text/jinja/format.h"

#include "text/jinja/print.h"
#include "text/jinja/text.h"

/* --- "%" --------------------------------------------------------------------------------------------- */

/* What the directives take from: one value after the other, or a dict by name. */
typedef struct Given {
    Value values; /* V_TUPLE: its items; another: itself, V_DICT by name too */
    size_t at;    /* values taken */
} Given;

static bool next_value(Run *r, Value *out, Given *g)
{
    bool tuple = g->values.kind == V_TUPLE;
    if (g->at >= (tuple ? g->values.seq->n : 1))
        return jinja_fail(r, "\"%%\" on a text has fewer values than the text has places");
    *out = tuple ? g->values.seq->item[g->at] : g->values;
    g->at++;
    return true;
}

static bool named_value(Run *r, Value *out, Given *g, const char *name, size_t n)
{
    const Pair *pair = g->values.kind == V_DICT ? jinja_dict_name(g->values.dict, name, n) : NULL;
    if (!pair)
        return jinja_fail(r, "\"%%\" on a text has no value for \"%.*s\"", (int)(n > 60 ? 60 : n), name);
    *out = pair->value;
    return true;
}

enum { MOST_WIDTH = 100 }; /* and decimals */

/* "%-8.3f": flags, width, precision (-1: none), letter. */
typedef struct Directive {
    bool left, zero, plus, blank, alternate;
    int width, precision;
    char letter;
} Directive;

static bool take_number(const char **p, const char *end, int *n)
{
    *n = 0;
    for (; *p < end && **p >= '0' && **p <= '9' && *n <= MOST_WIDTH; ++*p)
        *n = 10 * *n + (**p - '0');
    return *n <= MOST_WIDTH;
}

/* What stands behind "%" and a name; false where it is none that is written here. */
static bool read_directive(Directive *d, const char **p, const char *end)
{
    *d = (Directive){.precision = -1};
    for (; *p < end && **p && strchr("-0+ #", **p); ++*p) {
        d->left |= **p == '-';
        d->zero |= **p == '0';
        d->plus |= **p == '+';
        d->blank |= **p == ' ';
        d->alternate |= **p == '#';
    }
    bool ok = take_number(p, end, &d->width);
    if (ok && *p < end && **p == '.') {
        ++*p;
        ok = take_number(p, end, &d->precision);
    }
    d->letter = *p < end ? **p : 0;
    return ok && d->letter && strchr("sdiuxXofFeEgG%", d->letter);
}

static size_t characters(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

static void pad(Tainted *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tainted_add(s, " ", 1, NULL);
}

static void add_padded(Tainted *s, const Directive *d, const char *text, size_t n, const char *taint)
{
    size_t count = characters(text, n), width = (size_t)d->width, missing = width > count ? width - count : 0;
    pad(s, d->left ? 0 : missing);
    tainted_add(s, text, n, taint);
    pad(s, d->left ? missing : 0);
}

static bool print_text(Run *r, Tainted *s, const Directive *d, Value v)
{
    Value text;
    if (!jinja_to_text(r, &text, v))
        return false;
    size_t n = text.n;
    for (size_t i = 0, count = 0; d->precision >= 0 && i <= n; i++) {
        bool begins = i == n || ((unsigned char)text.s[i] & 0xc0) != 0x80;
        if (begins && count++ == (size_t)d->precision)
            n = i;
    }
    add_padded(s, d, text.s, n, text.taint);
    return true;
}

/* Zeros go between the sign and prefix and the digits. */
static void print_digits(Tainted *s, const Directive *d, const char *sign, const char *digits, const char *taint)
{
    int n = (int)strlen(digits), before = (int)strlen(sign), least = d->precision > n ? d->precision : n;
    if (d->zero && !d->left && d->width - before > least)
        least = d->width - before;
    char text[2 * MOST_WIDTH + 80];
    snprintf(text, sizeof text, "%s%0*d%s", sign, least - n, 0, digits);
    if (least == n)
        snprintf(text, sizeof text, "%s%s", sign, digits);
    add_padded(s, d, text, strlen(text), taint);
}

static const char *sign_of(const Directive *d, bool negative)
{
    return negative ? "-" : d->plus ? "+" : d->blank ? " " : "";
}

static bool print_whole(Run *r, Tainted *s, const Directive *d, Value v)
{
    bool decimal = strchr("diu", d->letter);
    if (v.kind == V_FLOAT && decimal && (!isfinite(v.f) || fabs(v.f) >= 0x1p63))
        return jinja_fail(r, "\"%%%c\" cannot write this float", d->letter);
    if (v.kind != V_INT && v.kind != V_BOOL && (v.kind != V_FLOAT || !decimal))
        return jinja_fail_value(r, decimal ? "\"%d\" writes a number, not" : "\"%x\" and \"%o\" write an integer, not",
                                v);
    int64_t i = v.kind == V_FLOAT ? (int64_t)v.f : v.kind == V_BOOL ? v.yes : v.i;
    uint64_t size = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char digits[40], sign[8];
    snprintf(digits, sizeof digits,
             d->letter == 'x'   ? "%llx"
             : d->letter == 'X' ? "%llX"
             : d->letter == 'o' ? "%llo"
                                : "%llu",
             (unsigned long long)size);
    snprintf(sign, sizeof sign, "%s%s%.1s", sign_of(d, i < 0), d->alternate && !decimal ? "0" : "",
             d->alternate && !decimal ? &d->letter : "");
    print_digits(s, d, sign, digits, v.taint);
    return true;
}

static bool print_real(Run *r, Tainted *s, const Directive *d, Value v)
{
    long double x;
    if (!jinja_number(v, &x))
        return jinja_fail_value(r, "\"%f\" writes a number, not", v);
    if (d->alternate)
        return jinja_fail(r, "\"#\" for a number with decimals is not supported");
    char digits[MOST_WIDTH + 400];
    int decimals = d->precision < 0 ? 6 : d->precision;
    double size = fabs((double)x);
    switch (d->letter) {
    case 'e': snprintf(digits, sizeof digits, "%.*e", decimals, size); break;
    case 'E': snprintf(digits, sizeof digits, "%.*E", decimals, size); break;
    case 'g': snprintf(digits, sizeof digits, "%.*g", decimals, size); break;
    case 'G': snprintf(digits, sizeof digits, "%.*G", decimals, size); break;
    case 'F': snprintf(digits, sizeof digits, "%.*F", decimals, size); break;
    default: snprintf(digits, sizeof digits, "%.*f", decimals, size);
    }
    Directive whole = *d;
    whole.precision = -1;
    print_digits(s, &whole, sign_of(d, signbit((double)x) != 0), digits, v.taint);
    return true;
}

/* The directive behind a "%" at byte `at`; *at comes to stand behind it. */
static bool directive(Run *r, Tainted *s, Value format, size_t *at, Given *g)
{
    const char *p = format.s + *at + 1, *end = format.s + format.n, *name = NULL;
    const char *taint = taint_from(format.taint, *at);
    Directive d;
    Value v;
    if (p < end && *p == '(') {
        name = p + 1;
        p = memchr(name, ')', (size_t)(end - name));
        p = p ? p + 1 : end;
    }
    size_t length = name ? (size_t)(p - 1 - name) : 0;
    if (!read_directive(&d, &p, end) || (d.letter == '%' && name))
        return jinja_fail(r, "\"%%\" on a text writes texts and numbers: \"%.*s\" is not supported",
                          (int)(format.n > 60 ? 60 : format.n), format.s);
    *at = (size_t)(p - format.s) + 1;
    if (d.letter == '%') {
        tainted_add(s, "%", 1, taint);
        return true;
    }
    if (!(name ? named_value(r, &v, g, name, length) : next_value(r, &v, g)))
        return false;
    return d.letter == 's'              ? print_text(r, s, &d, v)
           : strchr("diuxXo", d.letter) ? print_whole(r, s, &d, v)
                                        : print_real(r, s, &d, v);
}

bool jinja_format(Run *r, Value *out, Value format, Value values)
{
    Given g = {.values = values};
    Tainted s = {0};
    bool ok = !format.flag || jinja_fail(r, "\"%%\" on text marked as safe is not supported");
    for (size_t i = 0; ok && i < format.n;) {
        const char *percent = memchr(format.s + i, '%', format.n - i);
        size_t n = percent ? (size_t)(percent - format.s) - i : format.n - i;
        tainted_add(&s, format.s + i, n, taint_from(format.taint, i));
        i += n;
        ok = (!percent || directive(r, &s, format, &i, &g)) && jinja_room(r, s.text.n, 1) && jinja_spend(r, 1 + n / 64);
    }
    /* a list or dict need not be used up */
    size_t given = values.kind == V_TUPLE ? values.seq->n : values.kind == V_LIST || values.kind == V_DICT ? g.at : 1;
    if (ok && g.at < given)
        ok = jinja_fail(r, "\"%%\" on a text has more values than the text has places");
    return jinja_take(r, out, &s, ok);
}

bool jinja_filter_format(Run *r, Value *out, Call *c)
{
    Value format, values = jinja_of_seq(V_TUPLE, jinja_seq(r, c->npos));
    if (c->npos && c->nkw)
        return jinja_fail(r, "format takes values or names, not both");
    for (size_t i = 0; i < c->npos; i++)
        jinja_push(r, values.seq, c->pos[i]);
    if (c->nkw)
        values = (Value){.kind = V_DICT, .dict = jinja_alloc(r->pool, 1, sizeof *values.dict)};
    for (size_t i = 0; i < c->nkw; i++)
        if (!jinja_dict_put(r, values.dict, jinja_name(&c->kw[i]), c->kw[i].value))
            return false;
    return jinja_to_text(r, &format, c->self) && jinja_format(r, out, format, values);
}

/* --- format() ---------------------------------------------------------------------------------------- */

/* The argument that the field of n bytes names. *automatic counts the fields "{}", -1 once one has a number. */
static bool field(Run *r, Value *out, const Call *c, const char *name, size_t n, int64_t *automatic)
{
    int64_t index = 0;
    bool number = strspn(name, "0123456789") >= n && n < 10;
    for (size_t i = 0; number && i < n; i++)
        index = 10 * index + (name[i] - '0');
    if (number && ((n == 0 && *automatic < 0) || (n > 0 && *automatic > 0)))
        return jinja_fail(r, "format() mixes \"{}\" and \"{0}\"");
    if (number && n == 0)
        index = (*automatic)++;
    else if (number)
        *automatic = -1;
    if (number && (size_t)index < c->npos) {
        *out = c->pos[index];
        return true;
    }
    const Keyword *kw = number ? NULL : jinja_keyword(c, name, n);
    if (kw) {
        *out = kw->value;
        return true;
    }
    return jinja_fail(r, "format() has no value for \"{%.*s}\", or it is more than a name or number",
                      (int)(n > 60 ? 60 : n), name);
}

bool jinja_format_fields(Run *r, Value *out, Call *c)
{
    const char *p = c->self.s, *end = p + c->self.n;
    int64_t automatic = 0;
    Tainted s = {0};
    bool ok = jinja_unmarked(r, c);
    while (ok && p < end) {
        const char *taint = taint_from(c->self.taint, (size_t)(p - c->self.s));
        if (p + 1 < end && (*p == '{' || *p == '}') && p[1] == *p) {
            tainted_add(&s, p, 1, taint);
            p += 2;
        } else if (*p == '{') {
            const char *close = memchr(p, '}', (size_t)(end - p));
            Value v;
            ok = close ? field(r, &v, c, p + 1, (size_t)(close - p - 1), &automatic) && jinja_print(r, &s, v) &&
                             jinja_room(r, s.text.n, 1) && jinja_spend(r, 1)
                       : jinja_fail(r, "format() of a text with a single {");
            p = close ? close + 1 : end;
        } else if (*p == '}') {
            ok = jinja_fail(r, "format() of a text with a single }");
        } else {
            tainted_add(&s, p++, 1, taint);
        }
    }
    return jinja_take(r, out, &s, ok);
}
