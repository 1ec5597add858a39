/* People's rankings of several policies' responses to one prompt (paper.md 8), as rows:
 *
 *   {"prompt", "responses": [...], "models": ["rlaif", "sft", "rlhf"], "ranks": [1, 3, 2], "rater": "ann"}
 *
 * ranks[i] is the place of responses[i], 1 the best. There are no ties but between equal texts, which share a place. Rows
 * of the same prompt, models and responses, in whatever order, are rankings of one item; a rater ranks an item once. */
#ifndef RLAIF_ROWS_RANKINGS_H
#define RLAIF_ROWS_RANKINGS_H

#include "rlaif/rows/rows.h"

/* One response of a ranking. */
typedef struct Ranked {
    const char *text; /* of the row */
    int policy, rank, characters;
    double judge; /* the larger the better: a judge's score, or P(preferred); NAN: the row has none */
} Ranked;

typedef struct Ranking {
    int row, item, prompt, rater; /* rater: number of the name; -1: the row names none */
    Ranked *entry;                /* [n], by text, then policy: the same in every ranking of an item */
    int n;
} Ranking;

typedef struct Rankings {
    Rows rows;
    Ranking *at; /* [n], by item, in order of appearance */
    int n, items, prompts;
    char **policy, **rater;
    int policies, raters;
} Rankings;

/* Takes rows over (viewed as NEED_RESPONSES). Fails, naming the row, where something does not fit together. */
bool rankings_of_rows(Rows *rows, Rankings *out, Err *err) MUST_CHECK;
void rankings_release(Rankings *r);

/* Where the rankings of the item end that begins at `from`. */
int rankings_item_end(const Rankings *r, int from);

/* The different texts of a ranking: their number; card[i] is that of entry i, place[card] its place from 1. Both have room
 * for n. */
int ranking_cards(const Ranking *r, int *card, int *place);

#endif
