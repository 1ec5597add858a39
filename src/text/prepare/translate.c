/* Regular expressions of other engines in PCRE2's language. */
#include "text/prepare/translate.h"

#include "base/mem.h"

enum { MOST_NESTED = 16 }; /* classes in classes */

/* Characters of words, as Oniguruma knows them: letters, marks, digits, connectors, letters in circles, and outside of classes
 * some numbers of Latin-1. */
#define WORD_IN_CLASS                                                                                                  \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"
#define WORD WORD_IN_CLASS "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"

typedef struct Reader {
    const char *source, *at;
    int depth; /* of classes */
} Reader;

static bool refuse(const Reader *r, size_t n, const char *why, Err *err)
{
    return err_set(err, ERR_INPUT, "\"%.*s\" at byte %d of the regular expression \"%.200s\" %s", (int)n, r->at,
                   (int)(r->at - r->source), r->source, why);
}

/* --- escapes ---------------------------------------------------------------------------------------- */

/* \p or \P with its property. */
static void translate_property(Reader *r, Str *out)
{
    size_t n = r->at[2] == '{' ? strcspn(r->at, "}") + 1 : 2;
    n = strnlen(r->at, n);
    str_addn(out, r->at, n);
    r->at += n;
}

/* An escape that means the same in and out of a class. White space is Unicode's White_Space, not PCRE2's \s, which has
 * U+180E too. */
static bool translate_escape(Reader *r, Str *out, Err *err)
{
    char c = r->at[1];
    if (c == 'p' || c == 'P') {
        translate_property(r, out);
        return true;
    }
    if (c == 's' || c == 'S') {
        str_add(out, c == 's' ? "\\p{wspace}" : "\\P{wspace}");
    } else if (c == 'u') {
        if (strspn(r->at + 2, "0123456789abcdefABCDEF") < 4)
            return refuse(r, 2, "is not followed by four digits", err);
        str_addf(out, "\\x{%.4s}", r->at + 2);
        r->at += 4;
    } else if (c == 0) {
        return refuse(r, 1, "ends it", err);
    } else if (!isalnum((unsigned char)c) || strchr("rntfdDx", c)) {
        str_addn(out, r->at, 2);
    } else {
        return refuse(r, 2, "is not understood", err);
    }
    r->at += 2;
    return true;
}

static bool translate_escape_outside(Reader *r, Str *out, Err *err)
{
    static const struct {
        char c;
        const char *meaning;
    } own[] = {{'w', "[" WORD "]"},
               {'W', "[^" WORD "]"},
               {'b', "(?:(?<=[" WORD "])(?![" WORD "])|(?<![" WORD "])(?=[" WORD "]))"},
               {'B', "(?:(?<=[" WORD "])(?=[" WORD "])|(?<![" WORD "])(?![" WORD "]))"}};
    for (int i = 0; i < COUNT(own); i++)
        if (r->at[1] == own[i].c) {
            str_add(out, own[i].meaning);
            r->at += 2;
            return true;
        }
    return translate_escape(r, out, err);
}

/* --- classes ---------------------------------------------------------------------------------------- */

/* What stands between two && of a class: plain members, and classes in it as alternatives of a group. */
typedef struct Operand {
    Str plain, nested;
} Operand;

static void operand_release(Operand *o)
{
    str_release(&o->plain);
    str_release(&o->nested);
}

static void add_nested(Operand *o, const char *expression)
{
    str_addf(&o->nested, "%s%s", o->nested.n ? "|" : "", expression);
}

/* The operand as an expression that takes one character. */
static void append_operand(Str *out, const Operand *o, bool negated)
{
    if (o->plain.n && !o->nested.n)
        str_addf(out, "[%s%s]", negated ? "^" : "", str_text(&o->plain));
    else if (o->plain.n)
        str_addf(out, "(?:[%s]|%s)", str_text(&o->plain), str_text(&o->nested));
    else
        str_addf(out, "(?:%s)", str_text(&o->nested));
}

static bool translate_class(Reader *r, Str *out, Err *err);

/* One member of a class, or a class in it. */
static bool translate_member(Reader *r, Operand *o, Err *err)
{
    char c = r->at[0];
    if (c == 0)
        return refuse(r, 0, "ends within [...]", err);
    char next = r->at[1];
    if (c == '\\' && (next == 'w' || next == 'W')) {
        if (next == 'w')
            str_add(&o->plain, WORD_IN_CLASS);
        else
            add_nested(o, "[^" WORD_IN_CLASS "]");
        r->at += 2;
        return true;
    }
    if (c == '\\')
        return translate_escape(r, &o->plain, err);
    if (c != '[') {
        str_addc(&o->plain, c);
        r->at++;
        return true;
    }
    bool range = o->plain.n && o->plain.text[o->plain.n - 1] == '-';
    if (next == ':' || next == '.' || next == '=' || range || r->depth >= MOST_NESTED)
        return refuse(r, 1, "inside [...] is not understood", err);
    Str inner = {0};
    bool ok = translate_class(r, &inner, err);
    if (ok)
        add_nested(o, str_text(&inner));
    str_release(&inner);
    return ok;
}

/* One side of && up to the next, or to the end of the class. */
static bool translate_operand(Reader *r, Operand *o, Err *err)
{
    while (*r->at != ']' && !(r->at[0] == '&' && r->at[1] == '&'))
        if (!translate_member(r, o, err))
            return false;
    return o->plain.n || o->nested.n || refuse(r, 1, "has nothing before it", err);
}

/* From [ to ]: an expression that takes one character. [a[bc]] is a union, [a-z&&[^c]] what is in both. */
static bool translate_class(Reader *r, Str *out, Err *err)
{
    bool negated = r->at[1] == '^', ok = true, more = true;
    Operand first = {0};
    Str others = {0};
    r->at += negated ? 2 : 1;
    r->depth++;
    for (int i = 0; ok && more; i++) {
        Operand other = {0};
        ok = translate_operand(r, i ? &other : &first, err);
        more = ok && *r->at == '&';
        r->at += !ok ? 0 : more ? 2 : 1; /* where it failed the text may be at its end */
        if (i) {
            str_add(&others, "(?=");
            append_operand(&others, &other, false);
            str_addc(&others, ')');
        }
        operand_release(&other);
    }
    if (ok && !others.n && !first.nested.n) {
        append_operand(out, &first, negated);
    } else if (ok) {
        str_addf(out, negated ? "(?:(?!%s" : "(?:%s", str_text(&others));
        append_operand(out, &first, false);
        str_add(out, negated ? ")(?s:.))" : ")");
    }
    r->depth--;
    operand_release(&first);
    str_release(&others);
    return ok;
}

/* --- the whole -------------------------------------------------------------------------------------- */

/* What follows is not in a class and no escape. ^ and $ are those of lines; verbs, and counts such as {1,3}+ differ between
 * the engines. */
static bool translate_plain(Reader *r, Str *out, Err *err)
{
    char c = r->at[0], next = r->at[1];
    if ((c == '(' && next == '*') || (c == '{' && next == ',') || (c == '}' && next && strchr("+?", next)))
        return refuse(r, 2, "is not understood", err);
    if (c == '[') {
        size_t n = next == '^' ? 2 : 1;
        return r->at[n] == ']' ? refuse(r, n + 1, "is not understood", err) : translate_class(r, out, err);
    }
    if (c == '^' || c == '$')
        str_addf(out, "(?m:%c)", c);
    else
        str_addc(out, c);
    r->at++;
    return true;
}

bool pattern_translate(Str *out, const char *source, Err *err)
{
    Reader r = {.source = source, .at = source};
    bool ok = true;
    while (ok && *r.at)
        ok = r.at[0] == '\\' ? translate_escape_outside(&r, out, err) : translate_plain(&r, out, err);
    return ok;
}
