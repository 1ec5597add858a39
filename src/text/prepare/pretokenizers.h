/* The pre-tokenizers that GGUF files know by name (tokenizer.ggml.pre). */
#ifndef TEXT_PREPARE_PRETOKENIZERS_H
#define TEXT_PREPARE_PRETOKENIZERS_H

#include "text/prepare/pretokenize.h"

/* GPT-2's way of cutting (Radford et al. 2019), of which many others are made. */
extern const char *const GPT2_PATTERN;

enum { MOST_PATTERNS = 6 };

typedef struct Pretokenizer {
    const char *names; /* "smollm|starcoder|..." */
    bool digits;       /* every digit by itself, before the patterns */
    const char *pattern[MOST_PATTERNS];
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
    bool adds_bos;      /* a text begins with BOS where the file says nothing of it */
} Pretokenizer;

/* By its name; NULL is "default". An unknown name is an error that lists those known. */
bool pretokenizer_find(const Pretokenizer **out, const char *name, Err *err) MUST_CHECK;
/* The i-th of those known, or NULL behind the last. */
const Pretokenizer *pretokenizer_at(int i);
bool pretokenizer_splits(const Pretokenizer *p, Splits *out, Err *err) MUST_CHECK;

#endif
