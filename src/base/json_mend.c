/* JSON as less strict programs write it. */
#include "base/json.h"

#include "base/mem.h"

#include <ctype.h>

/* A \uXXXX escape at s; -1: none. */
static int escape_at(const char *s, const char *end)
{
    int code = 0;
    if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -1;
        code = code * 16 + (isdigit((unsigned char)s[i]) ? s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
    }
    return code;
}

/* Copies one escape of a text; returns its bytes. */
static size_t mend_escape(Str *out, const char *s, const char *end)
{
    int code = escape_at(s, end), next = code >= 0 ? escape_at(s + 6, end) : -1;
    bool high = code >= 0xD800 && code < 0xDC00, pair = high && next >= 0xDC00 && next < 0xE000;
    if (code == 0 || (code >= 0xD800 && code < 0xE000 && !pair)) {
        str_add(out, "\\ufffd");
        return 6;
    }
    size_t n = pair ? 12 : code >= 0 ? 6 : end - s >= 2 ? 2 : 1;
    str_addn(out, s, n);
    return n;
}

/* Copies a text up to its closing quote; returns where it ends. */
static const char *mend_text(Str *out, const char *s, const char *end)
{
    str_addc(out, *s++);
    while (s < end && *s != '"') {
        int n = str_utf8_length((const unsigned char *)s, (size_t)(end - s));
        if (*s == '\\') {
            s += mend_escape(out, s, end);
        } else if (*s && (unsigned char)*s < ' ') {
            str_addf(out, "\\u%04x", (unsigned)*s++);
        } else if (n == 0 || !*s) {
            str_add(out, "\xef\xbf\xbd");
            s++;
        } else {
            str_addn(out, s, (size_t)n);
            s += n;
        }
    }
    if (s < end)
        str_addc(out, *s++);
    return s;
}

/* Copies what stands outside of texts and begins with a letter or a sign. */
static const char *mend_word(Str *out, const char *s, const char *end)
{
    const char *word = s + (*s == '-' || *s == '+'), *after = word;
    while (after < end && isalpha((unsigned char)*after))
        after++;
    size_t n = (size_t)(after - word);
    bool infinite = (n == 8 && strncasecmp(word, "infinity", 8) == 0) || (n == 3 && strncasecmp(word, "inf", 3) == 0);
    if (infinite || (n == 3 && strncasecmp(word, "nan", 3) == 0))
        str_add(out, infinite && *s == '-' ? "-1e308" : "null");
    else
        str_addn(out, s, after > s ? (size_t)(after - s) : 1);
    return after > s ? after : s + 1;
}

/* Copies a number; one that no double holds is the largest of its sign. */
static const char *mend_number(Str *out, const char *s, const char *end)
{
    const char *after = s + 1;
    while (after < end && (isdigit((unsigned char)*after) || (*after && strchr(".eE+-", *after))))
        after++;
    char *number = mem_strn(s, (size_t)(after - s));
    double x = strtod(number, NULL);
    str_add(out, x > 1e308 ? "1e308" : x < -1e308 ? "-1e308" : number);
    free(number);
    return after;
}

void json_mend(Str *out, const char *text, size_t n)
{
    const char *s = text, *end = text + n;
    if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
        s += 3;
    while (s < end) {
        if (*s == '"')
            s = mend_text(out, s, end);
        else if (isdigit((unsigned char)*s) || (*s == '-' && s + 1 < end && isdigit((unsigned char)s[1])))
            s = mend_number(out, s, end);
        else if (isalpha((unsigned char)*s) || *s == '-' || *s == '+')
            s = mend_word(out, s, end);
        else
            str_addc(out, *s++);
    }
}
