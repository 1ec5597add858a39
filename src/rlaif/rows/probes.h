/* Probes: numbers of one response that a win rate does not show (paper.md 6.5, 11.5). None needs a model. */
#ifndef RLAIF_ROWS_PROBES_H
#define RLAIF_ROWS_PROBES_H

#include "rlaif/rows/rows.h"

typedef enum Probe {
    PROBE_CHARACTERS,
    PROBE_CUT_OFF,   /* 1: no end within the token limit */
    PROBE_NEXT_TURN, /* 1: goes on with a turn that nobody asked for: a line of another speaker or post, a chat's marks */
    PROBE_REPETITION, /* share of its sequences of four words that stood before in it: 1 - different / all; 0 below four */
    PROBE_TRAILING, /* 1: superfluous symbols at its end (response_trimmed takes something off) */
    PROBE_NAMES,    /* capitalised words that the source lacks, those that open a sentence or a line left out */
    PROBE_NUMBERS,  /* numbers in digits that the source lacks */
    PROBE_EMOJI,    /* emoji that the source lacks (text/script.h) */
    PROBE_SCRIPTS, /* 1: has letters of a script of which the source has none; a source without letters has them of all */
    PROBES
} Probe;

/* Its name in summaries ("cut_off") and in tables. */
const char *probe_name(Probe p);
const char *probe_title(Probe p);
/* Is its mean a share, in per cent? */
bool probe_is_share(Probe p);

/* What things are looked up in: every word of a source, folded (text/words.h), its emoji and scripts. */
typedef struct SourceWords SourceWords;
SourceWords *source_words(const char *context);
void source_words_free(SourceWords *s); /* accepts NULL */

void probe_response(const ResponseView *r, const SourceWords *source, double out[PROBES]);

/* A response without what policies append behind its end (paper.md 6.5): blanks; and a run of  . , ; - ~  and blanks, of
 * which one point stays where the run holds one and no other sentence mark stands before it. "Done. . ." and "Done..."
 * become "Done.", "Done ;" becomes "Done", "Done!" stays. Inner text is never touched. The caller frees it. */
char *response_trimmed(const char *text);

#endif
