/* SentencePiece's maps of characters: a trie as a double array (Yata et al. 2007; darts-clone), and the texts. */
#include "text/prepare/charsmap.h"

#include "base/mem.h"

#include <utf8proc.h>

enum { LONGEST_CLUSTER = 5 }; /* bytes */

struct Charsmap {
    unsigned char *bytes;
    size_t units;      /* of the trie, behind its length */
    const char *texts; /* end in a NUL */
    size_t n_texts;
};

/* --- reading ---------------------------------------------------------------------------------------- */

/* The six bits of a character of base64, or -1. */
static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

unsigned char *charsmap_bytes(const char *text, size_t *n)
{
    size_t length = strlen(text), whole = length;
    while (whole && text[whole - 1] == '=' && length - whole < 2)
        whole--;
    unsigned char *bytes = mem_alloc(length / 4 * 3 + 3, 1);
    unsigned int bits = 0;
    *n = 0;
    for (size_t i = 0; i < whole; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0 || length % 4) {
            free(bytes);
            return NULL;
        }
        bits = bits << 6 | (unsigned int)digit;
        if (i % 4)
            bytes[(*n)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return bytes;
}

char *charsmap_base64(const unsigned char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Str s = {0};
    for (size_t i = 0; i < n; i += 3) {
        unsigned int bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < n ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            str_addc(&s, i + k > n ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
    return str_take(&s);
}

bool charsmap_new(Charsmap **out, const char *base64, Err *err)
{
    size_t n;
    uint32_t trie = 0;
    *out = NULL;
    unsigned char *bytes = charsmap_bytes(base64, &n);
    if (bytes && n >= sizeof trie)
        memcpy(&trie, bytes, sizeof trie);
    if (!bytes || n < sizeof trie + 1 || trie == 0 || trie % 4 || trie >= n - sizeof trie || bytes[n - 1]) {
        free(bytes);
        return err_set(err, ERR_INPUT, "the map of characters is no base64 of a trie and its texts");
    }
    *out = mem_zalloc(1, sizeof **out);
    **out = (Charsmap){bytes, trie / 4, (const char *)bytes + sizeof trie + trie, n - sizeof trie - trie};
    return true;
}

void charsmap_free(Charsmap *m)
{
    if (m)
        free(m->bytes);
    free(m);
}

/* --- looking up ------------------------------------------------------------------------------------- */

/* One unit of the trie: its label, whether a text ends there, and where its children are; 0, which no byte's is, outside. */
static uint32_t unit_at(const Charsmap *m, size_t i)
{
    uint32_t unit = 0;
    if (i < m->units)
        memcpy(&unit, m->bytes + 4 + 4 * i, sizeof unit);
    return unit;
}

static size_t children_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* What the shortest or longest beginning of n bytes that the map knows becomes, or NULL; its bytes in *len. */
static const char *look_up(const Charsmap *m, bool longest, const char *text, size_t n, size_t *len)
{
    const char *found = NULL;
    size_t at = children_of(unit_at(m, 0));
    for (size_t i = 0; i < n && text[i]; i++) {
        at ^= (unsigned char)text[i];
        uint32_t unit = unit_at(m, at);
        if ((unit & (1u << 31 | 0xff)) != (unsigned char)text[i])
            return found;
        at ^= children_of(unit);
        size_t place = unit_at(m, at) & ~(1u << 31);
        if (!(unit >> 8 & 1) || place >= m->n_texts)
            continue;
        found = m->texts + place;
        *len = i + 1;
        if (!longest)
            return found;
    }
    return found;
}

static bool map_one(const Charsmap *m, const char *text, size_t n, const char *taint, Tainted *out)
{
    size_t len;
    const char *to = look_up(m, false, text, n, &len);
    if (to)
        tainted_add(out, to, strlen(to), taint_any(taint, n) ? TAINT_ALL : NULL);
    return to;
}

/* The bytes of the code points that people see as one character. */
static size_t cluster(const char *text, size_t n)
{
    utf8proc_int32_t before, c, state = 0;
    size_t len = (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &before);
    for (utf8proc_ssize_t k; len < n; len += (size_t)k, before = c) {
        k = utf8proc_iterate((const utf8proc_uint8_t *)text + len, (utf8proc_ssize_t)(n - len), &c);
        if (k <= 0 || utf8proc_grapheme_break_stateful(before, c, &state))
            break;
    }
    return len;
}

static void apply_longest(const Charsmap *m, const char *text, size_t n, const char *taint, Tainted *out)
{
    for (size_t i = 0, len; i < n; i += len) {
        len = (size_t)str_utf8_length((const unsigned char *)text + i, n - i);
        const char *to = look_up(m, true, text + i, n - i, &len);
        bool tainted = to && taint_any(taint_from(taint, i), len);
        tainted_add(out, to ? to : text + i, to ? strlen(to) : len,
                    !to       ? taint_from(taint, i)
                    : tainted ? TAINT_ALL
                              : NULL);
    }
}

void charsmap_apply(const Charsmap *m, bool longest, const char *text, size_t n, const char *taint, Tainted *out)
{
    if (longest) {
        apply_longest(m, text, n, taint, out);
        return;
    }
    for (size_t i = 0, len; i < n; i += len) {
        len = cluster(text + i, n - i);
        if (len <= LONGEST_CLUSTER && map_one(m, text + i, len, taint_from(taint, i), out))
            continue;
        for (size_t j = i, k; j < i + len; j += k) {
            k = (size_t)str_utf8_length((const unsigned char *)text + j, n - j);
            if (!map_one(m, text + j, k, taint_from(taint, j), out))
                tainted_add(out, text + j, k, taint_from(taint, j));
        }
    }
}
