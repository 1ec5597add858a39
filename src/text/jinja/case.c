/* Upper and lower case and the classes of characters, as Python has them.
 *
 * utf8proc maps one character to one. Where Python's mapping is longer, it is the upper case of the case
 * folding (sharp s: "ss", so "SS"). What depends on the letters around it, and the few characters whose title
 * case can be had from neither, are refused. */
#include "text/jinja/jinja.h"

#include <utf8proc.h>

static utf8proc_category_t category(unsigned c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

static bool cased(unsigned c)
{
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

bool jinja_is_word(unsigned c)
{
    utf8proc_category_t k = category(c);
    return c == '_' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

bool jinja_printable(unsigned c)
{
    utf8proc_category_t k = category(c);
    return c == ' ' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_SO);
}

bool jinja_digits(Run *r, bool *out, Value text)
{
    *out = text.n > 0;
    for (size_t i = 0, k; i < text.n; i += k) {
        unsigned c = jinja_code(text.s + i, text.n - i, &k);
        if (category(c) == UTF8PROC_CATEGORY_NO) /* superscripts are digits, fractions are not */
            return jinja_fail(r, "isdigit() of the character U+%04X is not supported", c);
        if (category(c) != UTF8PROC_CATEGORY_ND)
            *out = false;
    }
    return true;
}

static void add(Str *s, utf8proc_int32_t c)
{
    char bytes[4];
    str_addn(s, bytes, (size_t)str_utf8_write((unsigned)c, bytes));
}

/* The case folding of c: 1 to 3 characters. */
static int fold(unsigned c, utf8proc_int32_t out[4])
{
    int last = 0;
    return (int)utf8proc_decompose_char((utf8proc_int32_t)c, out, 4, UTF8PROC_CASEFOLD, &last);
}

static bool add_upper(Str *s, unsigned c)
{
    utf8proc_int32_t folded[4];
    int n = fold(c, folded);
    bool is_upper = category(c) == UTF8PROC_CATEGORY_LU;
    if (n < 2 || is_upper)
        add(s, utf8proc_toupper((utf8proc_int32_t)c));
    for (int i = 0; n > 1 && !is_upper && i < n; i++)
        add(s, utf8proc_toupper(folded[i]));
    return true;
}

static bool add_lower(Run *r, Str *s, unsigned c)
{
    if (c == 0x3a3)
        return jinja_fail(r, "the lower case of U+03A3 depends on its word: not supported");
    if (c == 0x130)
        str_add(s, "i\xcc\x87");
    else
        add(s, utf8proc_tolower((utf8proc_int32_t)c));
    return true;
}

static bool add_title(Run *r, Str *s, unsigned c)
{
    utf8proc_int32_t folded[4], title = utf8proc_totitle((utf8proc_int32_t)c);
    if (c == 0xdf)
        return str_add(s, "Ss"), true;
    if (title == (utf8proc_int32_t)c && category(c) == UTF8PROC_CATEGORY_LL && fold(c, folded) > 1)
        return jinja_fail(r, "the title case of the character U+%04X is not supported", c);
    add(s, title);
    return true;
}

/* Does a word of the filter `title` begin after this character? */
static bool begins_word(unsigned before)
{
    char bytes[4];
    return (before < 0x80 && before && strchr("-({[<", (char)before)) ||
           jinja_blank(bytes, (size_t)str_utf8_write(before, bytes));
}

/* Characters that have a case without being letters: modifiers, Roman numerals, letters in circles and boxes. */
static bool odd_case(unsigned c)
{
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_NL || c == 0x345 || c == 0xaa || c == 0xba ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f189);
}

/* str.title(): a word begins after what has no case. */
static bool add_in_word(Run *r, Str *s, unsigned c, bool begins)
{
    if (odd_case(c))
        return jinja_fail(r, "title() of the character U+%04X is not supported", c);
    return begins ? add_title(r, s, c) : add_lower(r, s, c);
}

static bool add_cased(Run *r, Str *s, unsigned c, unsigned before, bool first, Case how)
{
    switch (how) {
    case CASE_UPPER: return add_upper(s, c);
    case CASE_LOWER: return add_lower(r, s, c);
    case CASE_CAPITAL: return (first ? add_title : add_lower)(r, s, c);
    case CASE_TITLE: return first || begins_word(before) ? add_upper(s, c) : add_lower(r, s, c);
    case CASE_WORDS: break;
    }
    return add_in_word(r, s, c, first || !cased(before));
}

bool jinja_case(Run *r, Value *out, Value text, Case how)
{
    Tainted s = {0};
    bool ok = true;
    unsigned before = 0;
    for (size_t i = 0, k; ok && i < text.n; i += k) {
        unsigned c = jinja_code(text.s + i, text.n - i, &k);
        ok = add_cased(r, &s.text, c, before, i == 0, how);
        tainted_fill(&s, taint_at(text.taint, i));
        before = c;
    }
    ok = jinja_take(r, out, &s, ok);
    if (ok)
        out->flag = text.flag;
    return ok;
}
