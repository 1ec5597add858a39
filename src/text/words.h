/* Words and numbers of a text, for people's languages that write words apart (Unicode's general categories). */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include "base/str.h"

typedef struct Word {
    const char *at; /* into the text */
    size_t n;       /* bytes */
    bool number;    /* digits: "1,000", "3.5"; otherwise letters: "it's" */
    bool capital;   /* begins as a name does, with a capital letter: "Anna" and "O'Neil", not "I" and "I'm" */
    bool opens;     /* begins the text, a sentence or a line, where capitals say nothing */
} Word;

/* Walks through a text: a zeroed reader but for `text`. */
typedef struct WordReader {
    const char *text; /* what is left of it */
    bool within;      /* a sentence has begun */
} WordReader;

/* The next word; false at the end. A word is letters, with apostrophes between them; hyphens part words. A number is
 * digits with points, commas or colons between them. */
bool words_next(WordReader *r, Word *out);

/* By what two words are the same: letters case-folded, without a possessive 's; numbers without commas. Appended. */
void word_fold(const Word *w, Str *out);

#endif
