/* SentencePiece's maps of characters: texts and what each becomes, as its models carry them. */
#ifndef TEXT_PREPARE_CHARSMAP_H
#define TEXT_PREPARE_CHARSMAP_H

#include "text/jinja/taint.h"

typedef struct Charsmap Charsmap;

/* From the base64 of its bytes: the length of a trie in four bytes, the trie (a double array of four-byte units), and texts that
 * end in a NUL. */
bool charsmap_new(Charsmap **out, const char *base64, Err *err) MUST_CHECK;
void charsmap_free(Charsmap *m); /* accepts NULL */

/* n bytes in base64, and back (NULL: it is no base64); the caller frees them. */
char *charsmap_base64(const unsigned char *bytes, size_t n);
unsigned char *charsmap_bytes(const char *base64, size_t *n);

/* Appends what n bytes of UTF-8 become. SentencePiece and llama.cpp (`longest`) replace the longest text that the map knows, at
 * each place. tokenizers: what people see as one character, of less than six bytes, becomes what the shortest beginning of it
 * that the map knows becomes; else each of its code points does so for itself. */
void charsmap_apply(const Charsmap *m, bool longest, const char *text, size_t n, const char *taint, Tainted *out);

#endif
