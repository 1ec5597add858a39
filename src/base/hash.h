/* SHA-256, which names models, prompts, rows and stages. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/err.h"

#include <stddef.h>

enum { HASH_TEXT = 64 + 1 }; /* 64 hexadecimal digits and a NUL */

typedef struct Hash Hash;

/* A running hash: new, add, end. hash_end writes the digits to `out` and frees the hash. */
Hash *hash_new(void);
void hash_add(Hash *h, const void *bytes, size_t n);
/* Adds a text with its length, so that ("ab", "c") and ("a", "bc") differ. */
void hash_add_text(Hash *h, const char *text);
void hash_end(Hash *h, char out[HASH_TEXT]);

void hash_bytes(const void *bytes, size_t n, char out[HASH_TEXT]);
/* The same in base64, as pages name their scripts. */
enum { HASH_BASE64 = 44 + 1 };
void hash_base64(const void *bytes, size_t n, char out[HASH_BASE64]);
bool hash_file(const char *path, char out[HASH_TEXT], Err *err) MUST_CHECK;

#endif
