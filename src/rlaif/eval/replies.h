/* Responses of several policies, as the evaluations that take each response alone read them. */
#ifndef RLAIF_EVAL_REPLIES_H
#define RLAIF_EVAL_REPLIES_H

#include "rlaif/stage/stage.h"

/* One response of a row. */
typedef struct Reply {
    int row, response;  /* of the rows */
    int policy, prompt; /* their numbers, in order of appearance */
    int characters;
} Reply;

typedef struct Replies {
    Rows rows; /* of all sources, one after the other */
    char **policy;
    int policies, prompts;
    Reply *at; /* in the rows' order */
    int n;
} Replies;

/* Reads sources (files or "stage:NAME"); a policy is the rows' `model`, or of `responses` the entry of `models`. Where
 * there are several sources, each is a policy under its own name: that of the stage, or of the file without its ending.
 * That is also the name of rows that have no `model`. */
bool replies_read(Work *work, const OptionList *sources, int limit, bool skip_bad, Replies *out, Err *err) MUST_CHECK;
void replies_release(Replies *r);

/* The same from the ratings of the store: marks of "harmless". */
bool replies_of_ratings(Work *work, const char *kind, Replies *out, Err *err) MUST_CHECK;
/* Rows of the store's ratings of a kind; fails where there are none. */
bool ratings_read(Work *work, const char *kind, Rows *out, Err *err) MUST_CHECK;

const ResponseView *reply_response(const Replies *r, const Reply *reply);
/* The entry of a row's field that belongs to the response: of a list its entry, else the value; NULL: none. */
const json_t *reply_field(const json_t *row, const Reply *reply, const char *name);

#endif
