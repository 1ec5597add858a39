/* What a comparison of replies is, and those that a row has in a list. */
#ifndef RLAIF_ROWS_COMPARISON_LIST_H
#define RLAIF_ROWS_COMPARISON_LIST_H

#include "base/json.h"

typedef struct Comparison {
    json_t *prompt;  /* as a row's `prompt`; NULL: the row has none, the replies must be whole conversations */
    json_t *replies; /* texts, or lists of turns */
    json_t *name;    /* of the fields that they stand in, for messages */
    json_t *worth;   /* of each reply, the more the better, null: not said; NULL: nobody compared */
    bool ranked;     /* by places, not by scores */
    json_t *models;  /* who wrote each; NULL: not said */
    json_t *rest;    /* what else a list said of each: objects */
    json_t *used;    /* object with the names of all fields that the above was taken from */
} Comparison;

/* Notes that a field has been used; `used` may be NULL. */
void comparison_use(json_t *used, const char *name);
/* A list of scored or ranked replies, if the row has one. */
bool comparison_list(const json_t *row, Comparison *c, Err *err) MUST_CHECK;

/* Makes a list of scores, numbers or texts that are some, one of numbers. */
bool comparison_numbers(json_t *list, const char *name, Err *err) MUST_CHECK;
/* Takes out of a row the lists of scores and ranks, which would be read as those of other replies. */
void comparison_drop_measures(json_t *row);

#endif
