/* Pre-tokenizers: a text is cut into words, and no token reaches from one word into the next. */
#ifndef TEXT_PREPARE_PRETOKENIZE_H
#define TEXT_PREPARE_PRETOKENIZE_H

#include "text/prepare/pattern.h"

#include <stdbool.h>

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

#endif
