/* The vocabulary of a tokenizer: texts and types of tokens by id, and ids by text. */
#ifndef TEXT_VOCAB_H
#define TEXT_VOCAB_H

#include "base/str.h"
#include "text/ids.h"

#include <stdint.h>

typedef struct VocabSlot {
    uint32_t hash;
    int id; /* -1: free */
} VocabSlot;

/* A zeroed Vocab is an empty one. */
typedef struct Vocab {
    int n, cap;
    Str text;            /* every token's text and a NUL, one after another */
    size_t *at;          /* [n] where a token's text begins in `text` */
    unsigned char *type; /* [n] TokenType */
    bool *apart;         /* [n] never made out of text, only found in it as it stands */
    VocabSlot *slot;     /* open addressing, a power of two, at most half full */
    size_t slots;
} Vocab;

void vocab_release(Vocab *v);

/* Makes room for n tokens at once. */
void vocab_reserve(Vocab *v, int n);

/* Gives the text the next id; false where it has one already. */
bool vocab_add(Vocab *v, const char *text, size_t n, TokenType type) MUST_CHECK;

/* Keeps this token apart. Control and unknown tokens are from the beginning. */
void vocab_set_apart(Vocab *v, int id);

/* The id of a text, or -1. */
int vocab_find(const Vocab *v, const char *text, size_t n);

/* The same, but -1 for tokens that are apart. */
int vocab_find_plain(const Vocab *v, const char *text, size_t n);

const char *vocab_text(const Vocab *v, int id);
size_t vocab_length(const Vocab *v, int id); /* bytes of its text */
bool vocab_is_special(const Vocab *v, int id);

/* GPT-2's alphabet: every byte is a printable character of at most two bytes. Writes it; returns its length.
 */
int alphabet_char(unsigned char byte, char out[4]);

/* Appends the bytes that a text in that alphabet stands for, or the text itself where it is in another. */
void alphabet_append_bytes(Str *out, const char *text, size_t n);

/* Appends n bytes in that alphabet. */
void alphabet_append_text(Str *out, const char *bytes, size_t n);

#endif
