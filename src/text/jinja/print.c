/* Values as text: Python's str() and repr(), HTML's escapes, and json.dumps(). */
#include "text/jinja/print.h"

#include "text/jinja/compare.h"
#include "text/jinja/text.h"

/* --- str and repr ------------------------------------------------------------------------------------ */

/* The fewest digits that read back exactly, laid out as Python does. */
static void print_float(Str *s, double f)
{
    char digits[40];
    if (isnan(f) || isinf(f)) {
        str_add(s, isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 0; precision < 17; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision, f);
        if (strtod(digits, NULL) == f)
            break;
    }
    char *e = strchr(digits, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10), decimals = (int)(e - digits) - (digits[0] == '-') - 2;
    if (exponent < -4 || exponent >= 16) {
        *e = 0;
        str_addf(s, "%se%c%02d", digits, exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    decimals = (decimals > 0 ? decimals : 0) - exponent;
    str_addf(s, "%.*f", decimals > 1 ? decimals : 1, f);
}

static void repr_char(Str *s, const char *bytes, size_t k, unsigned c, char quote)
{
    if (c == (unsigned char)quote || c == '\\')
        str_addf(s, "\\%c", (char)c);
    else if (c == '\n' || c == '\r' || c == '\t')
        str_add(s, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    else if (jinja_printable(c))
        str_addn(s, bytes, k);
    else
        str_addf(s, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static void repr_text(Tainted *s, Value v)
{
    bool single = v.n && memchr(v.s, '\'', v.n), both = single && memchr(v.s, '"', v.n);
    char quote = single && !both ? '"' : '\'';
    if (v.flag)
        str_add(&s->text, "Markup(");
    str_addc(&s->text, quote);
    tainted_fill(s, false);
    for (size_t i = 0, k; i < v.n; i += k) {
        unsigned c = jinja_code(v.s + i, v.n - i, &k);
        repr_char(&s->text, v.s + i, k, c, quote);
        tainted_fill(s, taint_at(v.taint, i));
    }
    str_addc(&s->text, quote);
    if (v.flag)
        str_addc(&s->text, ')');
}

static bool repr(Run *r, Tainted *s, Value v);

static bool repr_seq(Run *r, Tainted *s, Value v)
{
    bool tuple = v.kind == V_TUPLE;
    str_addc(&s->text, tuple ? '(' : '[');
    for (size_t i = 0; i < v.seq->n; i++) {
        str_add(&s->text, i ? ", " : "");
        if (!repr(r, s, v.seq->item[i]))
            return false;
    }
    str_add(&s->text, !tuple ? "]" : v.seq->n == 1 ? ",)" : ")");
    return true;
}

static bool repr_view(Run *r, Tainted *s, Value v)
{
    str_add(&s->text, v.flag == 'k' ? "dict_keys(" : v.flag == 'v' ? "dict_values(" : "dict_items(");
    bool ok = repr_seq(r, s, v);
    str_addc(&s->text, ')');
    return ok;
}

static bool repr_dict(Run *r, Tainted *s, const Dict *d)
{
    str_addc(&s->text, '{');
    for (size_t i = 0; i < d->n; i++) {
        str_add(&s->text, i ? ", " : "");
        if (!repr(r, s, d->pair[i].key))
            return false;
        str_add(&s->text, ": ");
        if (!repr(r, s, d->pair[i].value))
            return false;
    }
    str_addc(&s->text, '}');
    return true;
}

static bool repr(Run *r, Tainted *s, Value v)
{
    if (!jinja_enter(r) || !jinja_spend(r, 1 + (v.kind == V_TEXT ? v.n / 64 : 0)) || !jinja_room(r, s->text.n, 1))
        return false;
    bool ok = true;
    tainted_fill(s, false);
    switch (v.kind) {
    case V_UNDEFINED: str_add(&s->text, "Undefined"); break;
    case V_NONE: str_add(&s->text, "None"); break;
    case V_BOOL: str_add(&s->text, v.yes ? "True" : "False"); break;
    case V_INT: str_addf(&s->text, "%lld", (long long)v.i); break;
    case V_FLOAT: print_float(&s->text, v.f); break;
    case V_TEXT: repr_text(s, v); break;
    case V_LIST:
    case V_TUPLE: ok = repr_seq(r, s, v); break;
    case V_VIEW: ok = repr_view(r, s, v); break;
    case V_DICT: ok = repr_dict(r, s, v.dict); break;
    case V_NAMESPACE:
        str_add(&s->text, "<Namespace ");
        ok = repr_dict(r, s, v.dict);
        str_addc(&s->text, '>');
        break;
    default: ok = jinja_fail_value(r, "the template writes", v); break;
    }
    tainted_fill(s, v.kind < V_TEXT && v.taint);
    r->depth--;
    return ok;
}

bool jinja_print(Run *r, Tainted *s, Value v)
{
    if (v.kind == V_TEXT)
        tainted_add(s, v.s, v.n, v.taint);
    else if (v.kind != V_UNDEFINED)
        return repr(r, s, v);
    return true;
}

bool jinja_to_text(Run *r, Value *out, Value v)
{
    Tainted s = {0};
    if (v.kind == V_TEXT) {
        *out = v;
        return true;
    }
    bool ok = jinja_print(r, &s, v);
    return jinja_take(r, out, &s, ok);
}

/* --- escape ------------------------------------------------------------------------------------------ */

static const char *entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '\'': return "&#39;";
    case '"': return "&#34;";
    default: return NULL;
    }
}

bool jinja_escape(Run *r, Value *out, Value v)
{
    Value text;
    if (!jinja_to_text(r, &text, v))
        return false;
    if (text.flag) {
        *out = text;
        return true;
    }
    Tainted s = {0};
    for (size_t i = 0; i < text.n; i++) {
        const char *instead = entity(text.s[i]);
        if (instead)
            str_add(&s.text, instead);
        else
            str_addc(&s.text, text.s[i]);
        tainted_fill(&s, taint_at(text.taint, i));
    }
    bool ok = jinja_take(r, out, &s, true);
    out->flag = ok;
    return ok;
}

/* --- json.dumps -------------------------------------------------------------------------------------- */

static void json_char(Str *s, const char *bytes, size_t k, unsigned c, bool ascii)
{
    static const char named[] = "\"\\\n\r\t\f\b", letter[] = "\"\\nrtfb";
    const char *at = c && c < 0x80 ? strchr(named, (char)c) : NULL;
    if (at)
        str_addf(s, "\\%c", letter[at - named]);
    else if (c >= 0x10000 && ascii)
        str_addf(s, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
    else if (c < 0x20 || (c >= 0x7f && ascii))
        str_addf(s, "\\u%04x", c);
    else
        str_addn(s, bytes, k);
}

static void json_string(Tainted *s, Value v, bool ascii)
{
    str_addc(&s->text, '"');
    tainted_fill(s, false);
    for (size_t i = 0, k; i < v.n; i += k) {
        unsigned c = jinja_code(v.s + i, v.n - i, &k);
        json_char(&s->text, v.s + i, k, c, ascii);
        tainted_fill(s, taint_at(v.taint, i));
    }
    str_addc(&s->text, '"');
}

static bool json_scalar(Run *r, Tainted *s, Value v)
{
    tainted_fill(s, false);
    if (v.kind == V_FLOAT && (isnan(v.f) || isinf(v.f)))
        str_add(&s->text, isnan(v.f) ? "NaN" : v.f < 0 ? "-Infinity" : "Infinity");
    else if (v.kind == V_NONE)
        str_add(&s->text, "null");
    else if (v.kind == V_BOOL)
        str_add(&s->text, v.yes ? "true" : "false");
    else if (v.kind == V_INT || v.kind == V_FLOAT)
        return repr(r, s, v);
    else
        return jinja_fail_value(r, "JSON cannot hold", v);
    tainted_fill(s, v.taint);
    return true;
}

static bool json_key(Run *r, Tainted *s, Value key, const JsonStyle *style)
{
    if (key.kind == V_TEXT) {
        json_string(s, key, style->ascii);
        return true;
    }
    str_addc(&s->text, '"');
    bool ok = json_scalar(r, s, key);
    str_addc(&s->text, '"');
    return ok;
}

static bool new_line(Run *r, Tainted *s, const JsonStyle *style, int level)
{
    if (!style->lines)
        return true;
    str_addc(&s->text, '\n');
    if (!jinja_room(r, s->text.n + (size_t)level * style->indent.n, 1) ||
        !jinja_spend(r, (size_t)level * (1 + style->indent.n / 64)))
        return false;
    for (int i = 0; i < level; i++)
        tainted_add(s, style->indent.s, style->indent.n, style->indent.taint);
    return true;
}

static bool json_seq(Run *r, Tainted *s, const Seq *q, const JsonStyle *style, int level)
{
    str_addc(&s->text, '[');
    for (size_t i = 0; i < q->n; i++) {
        tainted_add(s, style->comma.s, i ? style->comma.n : 0, style->comma.taint);
        if (!new_line(r, s, style, level + 1) || !jinja_json(r, s, q->item[i], style, level + 1))
            return false;
    }
    if (q->n && !new_line(r, s, style, level))
        return false;
    str_addc(&s->text, ']');
    return true;
}

/* The pairs in the order of their keys. */
static bool sorted(Run *r, Dict *out, const Dict *d)
{
    Seq *keys = jinja_seq(r, d->n), *values = jinja_seq(r, d->n);
    for (size_t i = 0; i < d->n; i++) {
        jinja_push(r, keys, d->pair[i].key);
        jinja_push(r, values, d->pair[i].value);
    }
    if (!jinja_sort(r, values, keys, false))
        return false;
    *out = (Dict){.pair = jinja_alloc(r->pool, d->n, sizeof *out->pair), .n = d->n};
    for (size_t i = 0; i < d->n; i++)
        out->pair[i] = (Pair){keys->item[i], values->item[i]};
    return true;
}

static bool json_dict(Run *r, Tainted *s, const Dict *d, const JsonStyle *style, int level)
{
    Dict by_key;
    if (style->sort) {
        if (!sorted(r, &by_key, d))
            return false;
        d = &by_key;
    }
    str_addc(&s->text, '{');
    for (size_t i = 0; i < d->n; i++) {
        tainted_add(s, style->comma.s, i ? style->comma.n : 0, style->comma.taint);
        if (!new_line(r, s, style, level + 1) || !json_key(r, s, d->pair[i].key, style))
            return false;
        tainted_add(s, style->colon.s, style->colon.n, style->colon.taint);
        if (!jinja_json(r, s, d->pair[i].value, style, level + 1))
            return false;
    }
    if (d->n && !new_line(r, s, style, level))
        return false;
    str_addc(&s->text, '}');
    return true;
}

bool jinja_json(Run *r, Tainted *s, Value v, const JsonStyle *style, int level)
{
    if (!jinja_enter(r) || !jinja_spend(r, 1 + (v.kind == V_TEXT ? v.n / 64 : 0)) || !jinja_room(r, s->text.n, 1))
        return false;
    bool ok = true;
    if (v.kind == V_TEXT)
        json_string(s, v, style->ascii);
    else if (v.kind == V_LIST || v.kind == V_TUPLE)
        ok = json_seq(r, s, v.seq, style, level);
    else if (v.kind == V_DICT)
        ok = json_dict(r, s, v.dict, style, level);
    else
        ok = json_scalar(r, s, v);
    r->depth--;
    return ok;
}
