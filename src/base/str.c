/* Strings that grow. */
#include "base/str.h"

#include "base/mem.h"

#include <limits.h>
#include <stdarg.h>

static void reserve(Str *s, size_t more)
{
    if (s->n + more + 1 <= s->cap)
        return;
    s->cap = (s->n + more + 1) * 2;
    s->text = mem_resize(s->text, s->cap, 1);
}

void str_addn(Str *s, const char *text, size_t n)
{
    reserve(s, n);
    if (n)
        memcpy(s->text + s->n, text, n);
    s->n += n;
    s->text[s->n] = 0;
}

void str_add(Str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_addc(Str *s, char c)
{
    str_addn(s, &c, 1);
}

void str_addf(Str *s, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        reserve(s, (size_t)n);
        vsnprintf(s->text + s->n, (size_t)n + 1, fmt, again);
        s->n += (size_t)n;
    }
    va_end(again);
}

void str_clear(Str *s)
{
    s->n = 0;
    if (s->text)
        s->text[0] = 0;
}

void str_release(Str *s)
{
    free(s->text);
    *s = (Str){0};
}

char *str_take(Str *s)
{
    char *text = s->text ? s->text : mem_str("");
    *s = (Str){0};
    return text;
}

const char *str_text(const Str *s)
{
    return s->text ? s->text : "";
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* Levenshtein distance of two names of at most 63 bytes; longer ones are far from everything. */
static int edit_distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b), row[64];
    if (n > 63 || m > 63)
        return INT_MAX;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[m];
}

const char *str_nearest(const char *name, const char *const *names, int n, size_t stride)
{
    const char *best = NULL;
    int least = (int)strlen(name) / 2 + 1;
    for (int i = 0; i < n; i++) {
        const char *candidate = *(const char *const *)(const void *)((const char *)names + (size_t)i * stride);
        int d = edit_distance(name, candidate);
        if (d < least || (str_starts(candidate, name) && strlen(name) > 2 && least > 0)) {
            least = str_starts(candidate, name) ? 0 : d;
            best = candidate;
        }
    }
    return best;
}

int str_utf8_length(const unsigned char *s, size_t n)
{
    if (n == 0)
        return 0;
    int len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (len == 0 || (size_t)len > n)
        return 0;
    for (int i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0; /* too long a form, a surrogate, or beyond U+10FFFF */
    return len;
}

size_t str_cut(const char *text, size_t most)
{
    size_t n = strlen(text), cut = n < most ? n : most;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}

void str_skip_mark(const char **text, size_t *n)
{
    if (*n >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
        *text += 3;
        *n -= 3;
    }
}

void str_add_utf8(Str *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        int k = str_utf8_length((const unsigned char *)text + i, n - i);
        if (k)
            str_addn(s, text + i, (size_t)k);
        else
            str_add(s, "\xef\xbf\xbd");
        i += k ? (size_t)k : 1;
    }
}

int str_utf8_write(unsigned int cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | (cp >> 6));
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | (cp >> 12));
        out[1] = (char)(0x80 | ((cp >> 6) & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (cp >> 18));
    out[1] = (char)(0x80 | ((cp >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((cp >> 6) & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}
