/* Strings that grow. A zeroed Str is an empty one; `s.text` is NULL or ends in a NUL. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/err.h"

#include <stddef.h>

typedef struct Str {
    char *text;
    size_t n, cap; /* bytes without the NUL; bytes allocated */
} Str;

void str_add(Str *s, const char *text);
void str_addn(Str *s, const char *text, size_t n);
void str_addc(Str *s, char c);
void str_addf(Str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_clear(Str *s);   /* empty, keeps its memory */
void str_release(Str *s); /* frees its memory */
/* Gives its text to the caller, who frees it; never NULL. The Str is empty afterwards. */
char *str_take(Str *s);

/* The text so far; "" where there is none. */
const char *str_text(const Str *s);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Of `n` names the one nearest to `name` by edit distance, or NULL where none is near. `stride` is the
 * distance in bytes between the `const char *` of two entries, so that any table serves. */
const char *str_nearest(const char *name, const char *const *names, int n, size_t stride);

/* Bytes of the UTF-8 character at s (1 to 4), or 0 where the bytes are not UTF-8. */
int str_utf8_length(const unsigned char *s, size_t n);

/* Bytes of a text's beginning, at most `most`, behind which no character is half. */
size_t str_cut(const char *text, size_t most);

/* Passes over a byte order mark that a text of n bytes begins with. */
void str_skip_mark(const char **text, size_t *n);

/* Appends n bytes as UTF-8: what is none, such as half a character at a cut, becomes U+FFFD. */
void str_add_utf8(Str *s, const char *text, size_t n);

/* Writes a code point as UTF-8 and returns its bytes (1 to 4). */
int str_utf8_write(unsigned int cp, char out[4]);

#endif
