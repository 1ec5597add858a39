/* Pre-tokenizers: a text is cut into words, and no token reaches from one word into the next. */
#ifndef TEXT_PRETOKENIZE_H
#define TEXT_PRETOKENIZE_H

#include "text/pattern.h"

#include <stdbool.h>

/* GPT-2's way of cutting (Radford et al. 2019), of which many others are made. */
extern const char *const GPT2_PATTERN;

/* What becomes of the matches of a pattern. */
typedef enum SplitKind {
    SPLIT_ISOLATED,   /* a match is a piece, and so is what stands between two */
    SPLIT_REMOVED,    /* matches are left out */
    SPLIT_PREVIOUS,   /* a match goes to the piece before it */
    SPLIT_NEXT,       /* ... after it */
    SPLIT_CONTIGUOUS, /* matches without anything between them are one piece */
    SPLIT_KINDS
} SplitKind;

typedef struct Split {
    Pattern *pattern;
    SplitKind kind;
    bool invert; /* what stands between matches counts as the matches */
} Split;

/* Cuts that are made one after another: each in every piece that the one before has left. */
typedef struct Splits {
    Split *item;
    int n, cap;
} Splits;

bool splits_add(Splits *s, const char *pattern, bool literal, SplitKind kind, bool invert, Err *err) MUST_CHECK;
void splits_release(Splits *s);

typedef struct Span {
    int at, len;
    bool match;
} Span;

/* Scratch and result of cutting. */
typedef struct Spans {
    Span *item, *from;
    int n, cap, from_n, from_cap;
    PatternScratch *scratch;
} Spans;

/* Cuts n bytes of UTF-8 into out->item. */
bool splits_run(const Splits *s, const char *text, int n, Spans *out, Err *err) MUST_CHECK;
void spans_release(Spans *s);

/* A pre-tokenizer that GGUF files know by name. */
typedef struct Pretokenizer {
    const char *names; /* "smollm|starcoder|..." */
    bool digits;       /* every digit by itself, before the patterns */
    const char *pattern[4];
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
} Pretokenizer;

/* By its name; NULL is "default". An unknown name is an error that lists those known. */
bool pretokenizer_find(const Pretokenizer **out, const char *name, Err *err) MUST_CHECK;
bool pretokenizer_splits(const Pretokenizer *p, Splits *out, Err *err) MUST_CHECK;

#endif
