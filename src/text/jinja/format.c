/* Values put into texts: "%" with %s, %d and %i, with (name) or without, and format() with {}, {0} and {name};
 * nothing more. */
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

static bool print_whole(Run *r, Tainted *s, Value v)
{
    if (v.kind == V_FLOAT && (!isfinite(v.f) || fabs(v.f) >= 0x1p63))
        return jinja_fail(r, "\"%%d\" cannot write this float");
    if (v.kind != V_INT && v.kind != V_BOOL && v.kind != V_FLOAT)
        return jinja_fail_value(r, "\"%d\" writes a number, not", v);
    Value whole = jinja_int(v.kind == V_FLOAT ? (int64_t)v.f : v.kind == V_BOOL ? v.yes : v.i);
    whole.taint = v.taint;
    return jinja_print(r, s, whole);
}

/* The directive behind a "%" at byte `at`; *at comes to stand behind it. */
static bool directive(Run *r, Tainted *s, Value format, size_t *at, Given *g)
{
    const char *p = format.s + *at + 1, *end = format.s + format.n, *name = NULL;
    Value v;
    if (p < end && *p == '(') {
        name = p + 1;
        p = memchr(name, ')', (size_t)(end - name));
        p = p ? p + 1 : end;
    }
    char letter = p < end ? *p : 0;
    const char *taint = taint_from(format.taint, *at);
    *at = (size_t)(p - format.s) + 1;
    if (letter == '%' && !name) {
        tainted_add(s, "%", 1, taint);
        return true;
    }
    if (letter != 's' && letter != 'd' && letter != 'i')
        return jinja_fail(r, "\"%%\" on a text writes %%s and %%d: \"%.*s\" is not supported",
                          (int)(format.n > 60 ? 60 : format.n), format.s);
    if (!(name ? named_value(r, &v, g, name, (size_t)(p - 1 - name)) : next_value(r, &v, g)))
        return false;
    return letter == 's' ? jinja_print(r, s, v) : print_whole(r, s, v);
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
