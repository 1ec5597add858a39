/* Regular expressions of pre-tokenizers, by PCRE2.
 *
 * They were written for other engines (Oniguruma, Rust's). What those read differently from PCRE2 is
 * translated, or refused with its name, so that a pattern never quietly means something else. */
#ifndef TEXT_PREPARE_PATTERN_H
#define TEXT_PREPARE_PATTERN_H

#include "base/err.h"

#include <stddef.h>

typedef struct Pattern Pattern;

/* `literal`: the source is a text to be found as it is. */
bool pattern_new(Pattern **out, const char *source, bool literal, Err *err) MUST_CHECK;
void pattern_free(Pattern *p); /* accepts NULL */

/* Scratch of a search; one for each thread. pattern_scratch_new never gives NULL. */
typedef struct PatternScratch PatternScratch;
PatternScratch *pattern_scratch_new(void);
void pattern_scratch_free(PatternScratch *s); /* accepts NULL */

/* The first match in text[from..n), which must be UTF-8; what stands before `from` may be looked back at.
 * *begin = -1: none. Fails where the pattern takes too many steps. */
bool pattern_find(const Pattern *p, PatternScratch *s, const char *text, int n, int from, int *begin, int *end,
                  Err *err) MUST_CHECK;

/* The matches of a text one after another: a zeroed walk, and the same text and pattern each time. An empty match counts, unless
 * the one before ended there. */
typedef struct PatternWalk {
    int begin, end; /* the match; begin = -1: there is none any more */
    int from;
    bool matched;
} PatternWalk;
bool pattern_next(const Pattern *p, PatternScratch *s, const char *text, int n, PatternWalk *w, Err *err) MUST_CHECK;

#endif
