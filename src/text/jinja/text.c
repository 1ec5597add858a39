/* Texts as Python's str has them: characters are code points, blanks are Unicode's. */
#include "text/jinja/text.h"

#include <utf8proc.h>

bool jinja_take(Run *r, Value *out, Tainted *s, bool ok)
{
    size_t n = s->text.n;
    const char *taint = tainted_taint(s);
    bool mixed = taint && taint != TAINT_ALL;
    ok = ok && jinja_room(r, n, mixed ? 2 : 1) && jinja_spend(r, n / 64);
    if (ok) {
        *out = jinja_text(jinja_keep(r->pool, str_text(&s->text), n), n);
        out->taint = mixed ? jinja_keep(r->pool, taint, n) : taint;
    }
    tainted_release(s);
    return ok;
}

/* --- characters -------------------------------------------------------------------------------------- */

size_t jinja_char(const char *s, size_t n)
{
    int k = str_utf8_length((const unsigned char *)s, n);
    return k ? (size_t)k : n > 0;
}

unsigned jinja_code(const char *s, size_t n, size_t *bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    *bytes = jinja_char(s, n);
    switch (*bytes) {
    case 2: return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    case 3: return (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    case 4: return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    default: return n ? u[0] : 0;
    }
}

size_t jinja_chars(Value text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += ((unsigned char)text.s[i] & 0xc0) != 0x80;
    return count;
}

/* The byte at which the character of this index begins; text.n beyond the last. */
static size_t byte_of(Value text, size_t index)
{
    size_t at = 0;
    for (; index > 0 && at < text.n; index--)
        at += jinja_char(text.s + at, text.n - at);
    return at;
}

Value jinja_substring(Value text, size_t from, size_t to)
{
    size_t a = byte_of(text, from), b = to > from ? byte_of(text, to) : a;
    Value out = jinja_part(text, a, b - a);
    out.flag = text.flag;
    return out;
}

static bool is_blank(unsigned c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t jinja_blank(const char *s, size_t n)
{
    size_t bytes;
    return n && is_blank(jinja_code(s, n, &bytes)) ? bytes : 0;
}

/* Where the last character of the n bytes at s begins. */
static size_t last_char(const char *s, size_t n)
{
    size_t at = n - 1;
    while (at > 0 && n - at < 4 && ((unsigned char)s[at] & 0xc0) == 0x80)
        at--;
    return at;
}

size_t jinja_blank_before(const char *s, size_t n)
{
    if (!n)
        return 0;
    size_t at = last_char(s, n), bytes;
    return is_blank(jinja_code(s + at, n - at, &bytes)) ? n - at : 0;
}

static utf8proc_category_t category(unsigned c)
{
    return utf8proc_category((utf8proc_int32_t)c);
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

/* --- strip, find, split ------------------------------------------------------------------------------ */

/* Is the character of k bytes at s to be stripped? */
static bool strips(const char *s, size_t k, Value chars)
{
    if (chars.kind != V_TEXT)
        return jinja_blank(s, k) > 0;
    for (size_t i = 0, n; i < chars.n; i += n) {
        n = jinja_char(chars.s + i, chars.n - i);
        if (n == k && memcmp(chars.s + i, s, n) == 0)
            return true;
    }
    return false;
}

/* All but the first k bytes. */
static Value rest_of(Value text, size_t k)
{
    Value out = jinja_part(text, k, text.n - k);
    out.flag = text.flag;
    return out;
}

Value jinja_strip(Value text, Value chars, int sides)
{
    while (sides & STRIP_LEFT && text.n) {
        size_t k = jinja_char(text.s, text.n);
        if (!strips(text.s, k, chars))
            break;
        text = rest_of(text, k);
    }
    while (sides & STRIP_RIGHT && text.n) {
        size_t at = last_char(text.s, text.n);
        if (!strips(text.s + at, text.n - at, chars))
            break;
        text.n = at;
    }
    return text;
}

bool jinja_find_text(const char *s, size_t n, const char *part, size_t m, size_t *at)
{
    const char *found = m ? memmem(s, n, part, m) : s;
    *at = found && m ? (size_t)(found - s) : 0;
    return m == 0 || found;
}

/* Where the last occurrence of `part` begins. */
static bool find_last(Value text, Value part, size_t *at)
{
    for (size_t i = text.n >= part.n ? text.n - part.n + 1 : 0; i-- > 0;)
        if (memcmp(text.s + i, part.s, part.n) == 0) {
            *at = i;
            return true;
        }
    return false;
}

static void split_blanks(Run *r, Seq *parts, Value text, int64_t most)
{
    for (;;) {
        text = jinja_strip(text, jinja_none(), STRIP_LEFT);
        if (!text.n)
            return;
        size_t end = text.n;
        if (most < 0 || most-- > 0) {
            end = 0;
            while (end < text.n && !jinja_blank(text.s + end, text.n - end))
                end += jinja_char(text.s + end, text.n - end);
        }
        jinja_push(r, parts, jinja_part(text, 0, end));
        text = rest_of(text, end);
    }
}

static void split_blanks_right(Run *r, Seq *parts, Value text, int64_t most)
{
    for (;;) {
        text = jinja_strip(text, jinja_none(), STRIP_RIGHT);
        if (!text.n)
            return;
        size_t from = 0;
        if (most < 0 || most-- > 0) {
            from = text.n;
            while (from > 0 && !jinja_blank_before(text.s, from))
                from = last_char(text.s, from);
        }
        jinja_push(r, parts, jinja_part(text, from, text.n - from));
        text.n = from;
    }
}

static void split_at(Run *r, Seq *parts, Value text, Value separator, int64_t most, bool from_right)
{
    size_t at;
    while (most < 0 || most-- > 0) {
        if (from_right) {
            if (!find_last(text, separator, &at))
                break;
            jinja_push(r, parts, jinja_part(text, at + separator.n, text.n - at - separator.n));
            text.n = at;
        } else {
            if (!jinja_find_text(text.s, text.n, separator.s, separator.n, &at))
                break;
            jinja_push(r, parts, jinja_part(text, 0, at));
            text = rest_of(text, at + separator.n);
        }
    }
    jinja_push(r, parts, jinja_part(text, 0, text.n));
}

bool jinja_split(Run *r, Seq **out, Value text, Value separator, int64_t most, bool from_right)
{
    Seq *parts = *out = jinja_seq(r, 4);
    if (!jinja_room(r, text.n, sizeof(Value)))
        return false;
    if (separator.kind != V_TEXT) {
        (from_right ? split_blanks_right : split_blanks)(r, parts, text, most);
    } else {
        if (!separator.n)
            return jinja_fail(r, "a text cannot be split at the empty text");
        split_at(r, parts, text, separator, most, from_right);
    }
    for (size_t i = 0; from_right && i < parts->n / 2; i++) {
        Value swap = parts->item[i];
        parts->item[i] = parts->item[parts->n - 1 - i];
        parts->item[parts->n - 1 - i] = swap;
    }
    return jinja_spend(r, parts->n + text.n / 64);
}

/* Bytes of the line's end that begins the n bytes at s, or 0. */
static size_t line_end(const char *s, size_t n)
{
    size_t bytes;
    unsigned c = jinja_code(s, n, &bytes);
    if (c == '\r' && n > 1 && s[1] == '\n')
        return 2;
    bool ends = (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
    return ends ? bytes : 0;
}

bool jinja_lines(Run *r, Seq **out, Value text, bool keep_ends)
{
    *out = jinja_seq(r, 4);
    size_t from = 0;
    for (size_t i = 0; i < text.n;) {
        size_t end = line_end(text.s + i, text.n - i);
        if (!end) {
            i += jinja_char(text.s + i, text.n - i);
            continue;
        }
        jinja_push(r, *out, jinja_part(text, from, i - from + (keep_ends ? end : 0)));
        i = from = i + end;
    }
    if (from < text.n)
        jinja_push(r, *out, jinja_part(text, from, text.n - from));
    return jinja_spend(r, (*out)->n + text.n / 64);
}

/* --- replace ----------------------------------------------------------------------------------------- */

/* Appends, with a look at the room that is left. */
static bool append(Run *r, Tainted *s, Value text)
{
    if (!jinja_room(r, s->text.n + text.n, 1))
        return false;
    tainted_add(s, text.s, text.n, text.taint);
    return true;
}

bool jinja_replace(Run *r, Value *out, Value text, Value old, Value new, int64_t most)
{
    Tainted s = {0};
    bool ok = true;
    size_t i = 0, at;
    for (; ok && (most < 0 || most > 0); most -= most > 0) {
        if (!jinja_find_text(text.s + i, text.n - i, old.s, old.n, &at))
            break;
        ok = append(r, &s, jinja_part(text, i, at)) && append(r, &s, new) && jinja_spend(r, 1);
        i += at + old.n;
        if (!old.n) { /* the empty text stands before every character and at the end */
            if (i >= text.n)
                break;
            size_t k = jinja_char(text.s + i, text.n - i);
            ok = ok && append(r, &s, jinja_part(text, i, k));
            i += k;
        }
    }
    ok = ok && append(r, &s, jinja_part(text, i, text.n - i));
    return jinja_take(r, out, &s, ok);
}

/* --- case --------------------------------------------------------------------------------------------
 *
 * utf8proc maps one character to one. Where Python's mapping is longer, it is the upper case of the case
 * folding (sharp s: "ss", so "SS"). What depends on the letters around it, and the few characters whose title
 * case can be had from neither, are refused. */

static bool cased(unsigned c)
{
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
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
