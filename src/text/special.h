/* Tokens that are found in a text as they stand, before anything else looks at it: control tokens, and those
 * added by the maker of a vocabulary ("<h1>", runs of blanks). */
#ifndef TEXT_SPECIAL_H
#define TEXT_SPECIAL_H

#include "text/heap.h"

typedef struct Special {
    int id;
    bool control;               /* counts only outside of tainted text */
    bool written;               /* by the chat template: so does this one, but for a reply's text */
    bool eats_left, eats_right; /* takes the white space on that side with it */
    bool whole_word;            /* counts only where no letter, digit or _ stands beside it */
    char *text;                 /* what is looked for; specials_add fills it in */
} Special;

typedef struct SpecialNode {
    int child, sibling; /* 0: none; node 0 is not used */
    int item;           /* -1: no token ends here */
    unsigned char byte;
} SpecialNode;

/* A zeroed Specials has no tokens and finds nothing. */
typedef struct Specials {
    Special *item;
    int n, cap;
    SpecialNode *node; /* a tree over the bytes of their texts */
    int nodes, node_cap;
    int first[256]; /* the children of its root, by their byte */
    /* Whose turn is first where two tokens overlap? The longer one's anywhere in the text (llama.cpp), or
     * that which begins further left, and of those the longer one's (tokenizers). */
    bool longest_first;
} Specials;

/* "<think>", "[USER]"; runs of blanks, words and the like stay words, whatever a template has of them. */
bool special_is_mark(const char *text);

/* False where the text is empty or there already. */
bool specials_add(Specials *s, const char *text, size_t n, Special item) MUST_CHECK;
/* Tokens from this id on are not looked for any more; returns how many that are. */
int specials_forget(Specials *s, int from);
void specials_release(Specials *s);
/* The one that is this token, or NULL. */
const Special *specials_item(const Specials *s, int id);

typedef struct Match {
    int at, len, id;
} Match;

/* Scratch and result of a search. */
typedef struct Matches {
    Match *item; /* from left to right; they overlap only where one has taken white space */
    int n, cap;
    Heap heap;
    bool reply;           /* the text is one that a policy draws */
    unsigned char *taken; /* a flag for each byte of the text: part of a match */
} Matches;

/* Control tokens count where none of their bytes is tainted; the white space that they take may be. */
void specials_find(const Specials *s, const char *text, int n, const char *taint, Matches *out);
void matches_release(Matches *m);

#endif
