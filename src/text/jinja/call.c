/* Calls: arguments to the parameters of what is built in, and the functions that are. */
#include "text/jinja/call.h"

#include "text/jinja/compare.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

const Builtin *jinja_find(const Builtin *table, int n, const char *name, size_t length)
{
    for (int i = 0; i < n; i++)
        if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

bool jinja_want_text(Run *r, Value v, const char *what)
{
    return v.kind == V_TEXT || jinja_fail_value(r, what, v);
}

bool jinja_want_int(Run *r, int64_t *out, Value v, const char *what)
{
    *out = v.kind == V_BOOL ? v.yes : v.i;
    return v.kind == V_BOOL || v.kind == V_INT || jinja_fail_value(r, what, v);
}

/* Of text marked as safe these methods make text that is marked again, and escape what they are given. */
bool jinja_unmarked(Run *r, const Call *c)
{
    return !c->self.flag || jinja_fail(r, "this method of text marked as safe is not supported");
}

/* --- arguments --------------------------------------------------------------------------------------- */

const Keyword *jinja_keyword(const Call *c, const char *name, size_t n)
{
    for (size_t i = 0; i < c->nkw; i++)
        if (strlen(c->kw[i].name) == n && memcmp(c->kw[i].name, name, n) == 0)
            return &c->kw[i];
    return NULL;
}

Value jinja_name(const Keyword *k)
{
    Value out = jinja_literal(k->name);
    out.taint = k->taint;
    return out;
}

/* The next of the words in a parameter list, without its "?"; *optional tells that there was one. */
static size_t next_word(const char **word, const char *params, bool *optional)
{
    *word = params + strspn(params, " /");
    size_t n = strcspn(*word, " ");
    *optional = n > 0 && (*word)[n - 1] == '?';
    return n - *optional;
}

static bool has_parameter(const Builtin *b, const char *name)
{
    const char *word;
    bool optional;
    size_t n = next_word(&word, b->params, &optional);
    for (; n > 0; n = next_word(&word, word + n + optional, &optional))
        if (strlen(name) == n && memcmp(word, name, n) == 0)
            return true;
    return false;
}

/* The given arguments to c->arg, by the words of b->params. */
static bool bind(Run *r, const Builtin *b, Call *c)
{
    const char *word;
    bool optional, named = b->params[0] != '/';
    size_t at = 0, n = next_word(&word, b->params, &optional);
    for (; n > 0; n = next_word(&word, word + n + optional, &optional), at++) {
        const Keyword *kw = named ? jinja_keyword(c, word, n) : NULL;
        if (kw && at < c->npos)
            return jinja_fail(r, "\"%s\" is given \"%s\" twice", b->name, kw->name);
        if (!kw && at >= c->npos && !optional)
            return jinja_fail(r, "\"%s\" needs the argument \"%.*s\"", b->name, (int)n, word);
        c->arg[at] = at < c->npos ? c->pos[at] : kw ? kw->value : (Value){0};
    }
    if (c->npos > at)
        return jinja_fail(r, "\"%s\" takes at most %zu arguments, has %zu", b->name, at, c->npos);
    for (size_t i = 0; i < c->nkw; i++)
        if (!named || !has_parameter(b, c->kw[i].name))
            return jinja_fail(r, "\"%s\" takes no argument \"%s\"", b->name, c->kw[i].name);
    return true;
}

bool jinja_apply(Run *r, Value *out, const Builtin *b, Call *c)
{
    if (!b->fn)
        return jinja_fail(r, "the %s \"%s\" is not supported", b->params, b->name);
    if (b->params[0] != '*' && !bind(r, b, c))
        return false;
    c->how = b->how;
    return b->fn(r, out, c);
}

/* --- global functions -------------------------------------------------------------------------------- */

/* Items of range(from, to, step), or one more than it may have. */
static size_t range_length(int64_t from, int64_t to, int64_t step)
{
    size_t n = 0;
    for (int64_t i = from; n <= JINJA_RANGE && (step > 0 ? i < to : i > to); n++)
        if (__builtin_add_overflow(i, step, &i))
            return n + 1;
    return n;
}

static bool call_range(Run *r, Value *out, Call *c)
{
    int64_t bound[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++)
        if (c->arg[i].kind != V_ABSENT && !jinja_want_int(r, &bound[i], c->arg[i], "range() needs integers, not"))
            return false;
    if (c->arg[1].kind == V_ABSENT)
        bound[1] = bound[0], bound[0] = 0;
    if (!bound[2])
        return jinja_fail(r, "range() with step 0");
    size_t n = range_length(bound[0], bound[1], bound[2]);
    if (n > JINJA_RANGE)
        return jinja_fail(r, "range() of more than %d items", JINJA_RANGE);
    Seq *q = jinja_seq(r, n);
    for (size_t i = 0; i < n; i++)
        jinja_push(r, q, jinja_int(bound[0] + (int64_t)i * bound[2]));
    *out = jinja_of_seq(V_RANGE, q);
    return jinja_spend(r, n);
}

static bool put_pair(Run *r, Dict *d, Value pair)
{
    Seq *two;
    if (!jinja_collect(r, &two, pair))
        return false;
    if (two->n != 2)
        return jinja_fail(r, "a dict is made of pairs, not of %zu values", two->n);
    return jinja_dict_put(r, d, two->item[0], two->item[1]);
}

static bool call_dict(Run *r, Value *out, Call *c)
{
    Dict *d = jinja_alloc(r->pool, 1, sizeof *d);
    *out = (Value){.kind = V_DICT, .dict = d};
    if (c->npos > 1)
        return jinja_fail(r, "a dict is made of one value, not of %zu", c->npos);
    Value from = c->npos ? c->pos[0] : *out;
    Seq *pairs = jinja_seq(r, 0);
    if (from.kind == V_UNDEFINED || (from.kind != V_DICT && !jinja_iterate(r, &pairs, from)))
        return jinja_fail_value(r, "a dict cannot be made of", from);
    for (size_t i = 0; from.kind == V_DICT && i < from.dict->n; i++)
        if (!jinja_dict_put(r, d, from.dict->pair[i].key, from.dict->pair[i].value))
            return false;
    while (pairs->at < pairs->n)
        if (!put_pair(r, d, pairs->item[pairs->at++]))
            return false;
    for (size_t i = 0; i < c->nkw; i++)
        if (!jinja_dict_put(r, d, jinja_name(&c->kw[i]), c->kw[i].value))
            return false;
    return true;
}

static bool call_namespace(Run *r, Value *out, Call *c)
{
    if (!call_dict(r, out, c))
        return false;
    out->kind = V_NAMESPACE;
    for (size_t i = 0; i < out->dict->n; i++) {
        Value key = out->dict->pair[i].key;
        if (key.kind == V_TEXT && key.n && key.s[0] == '_')
            return jinja_fail(r, "a namespace's attribute begins with _");
    }
    return true;
}

static bool call_raise(Run *r, Value *out, Call *c)
{
    Value text;
    *out = jinja_none();
    if (!jinja_to_text(r, &text, c->arg[0]))
        return false;
    return jinja_fail(r, "the template refuses the messages: %.*s", text.n > 600 ? 600 : (int)text.n, text.s);
}

/* --- strftime_now: the day that a template is told, as Python writes it in the C locale, at midnight --- */

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* Days before this one in its year. */
static int day_of_year(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return before[month - 1] + (leap && month > 2) + day - 1;
}

/* 0: Sunday. The first of January of the year 1 was a Monday. */
static int weekday(int year, int month, int day)
{
    int y = year - 1;
    return (365 * y + y / 4 - y / 100 + y / 400 + day_of_year(year, month, day) + 1) % 7;
}

/* A number of so many digits, or of as many as it needs. */
static bool number(Str *s, int x, int digits, char fill, bool bare)
{
    str_addf(s, bare ? "%d" : fill == ' ' ? "%*d" : "%0*d", bare ? x : digits, x);
    return true;
}

/* One directive; false where it is none of these. `bare`: "-" stood before the letter. */
static bool directive(Str *s, int date, char letter, bool bare)
{
    int year = date / 10000, month = date / 100 % 100, day = date % 100, at = weekday(year, month, day);
    switch (letter) {
    case 'Y': return number(s, year, 4, '0', bare);
    case 'y': return number(s, year % 100, 2, '0', bare);
    case 'C': return number(s, year / 100, 2, '0', bare);
    case 'm': return number(s, month, 2, '0', bare);
    case 'd': return number(s, day, 2, '0', bare);
    case 'e': return number(s, day, 2, ' ', bare);
    case 'j': return number(s, day_of_year(year, month, day) + 1, 3, '0', bare);
    case 'w': return number(s, at, 1, '0', bare);
    case 'u': return number(s, at ? at : 7, 1, '0', bare);
    case 'H':
    case 'M':
    case 'S': return number(s, 0, 2, '0', bare);
    case 'I': return number(s, 12, 2, '0', bare);
    case 'k': return number(s, 0, 2, ' ', bare);
    case 'l': return number(s, 12, 2, ' ', bare);
    case 'f': return number(s, 0, 6, '0', false);
    case 'B': return str_add(s, months[month - 1]), true;
    case 'b':
    case 'h': return str_addf(s, "%.3s", months[month - 1]), true;
    case 'A': return str_add(s, weekdays[at]), true;
    case 'a': return str_addf(s, "%.3s", weekdays[at]), true;
    case 'p': return str_add(s, "AM"), true;
    case 'P': return str_add(s, "am"), true;
    case 'T':
    case 'X': return str_add(s, "00:00:00"), true;
    case 'R': return str_add(s, "00:00"), true;
    case 'r': return str_add(s, "12:00:00 AM"), true;
    case 'F': return str_addf(s, "%04d-%02d-%02d", year, month, day), true;
    case 'D':
    case 'x': return str_addf(s, "%02d/%02d/%02d", month, day, year % 100), true;
    case 'c': return str_addf(s, "%.3s %.3s %2d 00:00:00 %04d", weekdays[at], months[month - 1], day, year), true;
    case 'Z':
    case 'z': return true; /* a time without a zone */
    case 'n': return str_add(s, "\n"), true;
    case 't': return str_add(s, "\t"), true;
    case '%': return str_add(s, "%"), true;
    default: return false;
    }
}

static bool call_strftime(Run *r, Value *out, Call *c)
{
    Value format = c->arg[0];
    Tainted s = {0};
    bool ok = jinja_want_text(r, format, "strftime_now() needs a format, not");
    for (size_t i = 0, k; ok && i < format.n; i += k) {
        bool bare = i + 1 < format.n && format.s[i + 1] == '-';
        k = format.s[i] == '%' ? 2u + bare : 1;
        if (k == 1)
            str_addc(&s.text, format.s[i]);
        else if (i + k > format.n || !directive(&s.text, r->date, format.s[i + k - 1], bare))
            ok = jinja_fail(r, "the format \"%.*s\" of a date is not supported", (int)(format.n > 60 ? 60 : format.n),
                            format.s);
        tainted_fill(&s, taint_any(taint_from(format.taint, i), k < format.n - i ? k : format.n - i));
    }
    return jinja_take(r, out, &s, ok);
}

/* --- the table --------------------------------------------------------------------------------------- */

const Builtin *jinja_function(const char *name, size_t n)
{
    static const Builtin table[] = {
        {"range", "/ start stop? step?", .fn = call_range},
        {"dict", "*", .fn = call_dict},
        {"namespace", "*", .fn = call_namespace},
        {"raise_exception", "message", .fn = call_raise},
        {"strftime_now", "format", .fn = call_strftime},
        {.name = "cycler"},
        {.name = "joiner"},
        {.name = "lipsum"},
    };
    return jinja_find(table, COUNT(table), name, n);
}

bool jinja_no_function(Err *err, int line, const char *name)
{
    return jinja_error(err, line, "the function \"%s\" is not supported", name);
}
