/* The shapes of rows: what a command needs of a row, read from whichever fields it has. */
#ifndef RLAIF_ROWS_VIEW_H
#define RLAIF_ROWS_VIEW_H

#include "rlaif/rows/replies.h"

/* Of so many responses of a row pairs are made (pairs.h), 4,950. */
enum { MOST_PAIRED = 100 };

/* What a command needs of every row. */
typedef enum RowNeed {
    NEED_PROMPT,    /* a context */
    NEED_CONTEXT,   /* the same, and of demonstrations as turns what stands before the reply */
    NEED_RESPONSES, /* at least one response */
    NEED_PAIR,      /* exactly two; rows_view makes a row of every two of a list that nobody has compared (pairs.c) */
    NEED_DEMONSTRATION, /* prompt and completion, messages, a prompt and one response, or a pair with a person's choice; none
                         * that is marked as bad */
    NEED_ANY            /* any of these, marked or not */
} RowNeed;
/* Takes out of a row what a public form of comparisons (comparison.h) says of its replies. */
void row_drop_comparison(json_t *row);

/* One row as a view. */
bool row_view(const json_t *row, RowNeed need, RowView *out, Err *err) MUST_CHECK;
void row_view_release(RowView *v);

#endif
