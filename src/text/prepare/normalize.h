/* Normalizers: what happens to a text before it is cut. A list of steps, each a text to a text. */
#ifndef TEXT_PREPARE_NORMALIZE_H
#define TEXT_PREPARE_NORMALIZE_H

#include "text/jinja/taint.h"
#include "text/prepare/charsmap.h"
#include "text/prepare/pattern.h"

/* U+2581, which stands for a blank in SentencePiece-type vocabularies. */
#define BLANK_MARK "\xe2\x96\x81"

typedef enum StepKind {
    STEP_PREPEND,          /* `to` goes before a text that is not empty */
    STEP_PREFIX,           /* the same, unless the text begins with it */
    STEP_PREFIX_FIRST,     /* the same, at the very beginning of a text only */
    STEP_REPLACE,          /* every `from` becomes `to` */
    STEP_PATTERN,          /* every match of `pattern` becomes `to` */
    STEP_CHARSMAP,         /* characters become what `map` says, as tokenizers does it */
    STEP_CHARSMAP_LONGEST, /* ... as SentencePiece does */
    STEP_STRIP_LEFT,       /* white space at the beginning goes */
    STEP_STRIP_RIGHT,      /* ... at the end */
    STEP_NFC,              /* Unicode's normal forms (UAX #15) */
    STEP_NFD,
    STEP_NFKC,
    STEP_NFKD
} StepKind;

typedef struct Step {
    StepKind kind;
    char *from, *to; /* owned; NULL where the kind has none; `from` of a pattern or map is its source */
    Pattern *pattern;
    Charsmap *map;
} Step;

typedef struct Steps {
    Step *item;
    int n, cap;
} Steps;

/* Copies the texts. */
void steps_add(Steps *s, StepKind kind, const char *from, const char *to);
/* Add a STEP_PATTERN, and a STEP_CHARSMAP of a map in base64. */
bool steps_add_pattern(Steps *s, const char *pattern, const char *to, Err *err) MUST_CHECK;
bool steps_add_charsmap(Steps *s, StepKind kind, const char *base64, Err *err) MUST_CHECK;
void steps_release(Steps *s);

/* Where a piece of text stands: nothing before it; behind something; or anywhere, and nothing may be put before it. */
typedef enum StepPlace { PLACE_FIRST, PLACE_LATER, PLACE_BARE } StepPlace;

/* Appends to `out` what the steps make of n bytes with this taint. Bytes that are not UTF-8 pass as they are. */
bool steps_run(const Steps *s, const char *text, size_t n, const char *taint, StepPlace place, Tainted *out,
               Err *err) MUST_CHECK;

/* Bytes of the white space character (Unicode's White_Space) at s, of n bytes, or 0; and of the one that ends n bytes after s. */
int space_at(const char *s, int n);
int space_before(const char *s, int n);

/* Bytes of the UTF-8 that text begins with, or of what is not UTF-8 (*valid). */
size_t text_run(const char *text, size_t n, bool *valid);

#endif
