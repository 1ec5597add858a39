/* A row seen as a context and its responses, and how replies become that, alone or at the end of a whole conversation. */
#ifndef RLAIF_ROWS_REPLIES_H
#define RLAIF_ROWS_REPLIES_H

#include "rlaif/rows/context.h"

/* One response of a row. */
typedef struct ResponseView {
    char *text;
    bool ended; /* false: cut off before its end */
    bool
        blank_before; /* without chat a blank stands between the context and this text: its first token begins with it */
} ResponseView;

/* A row seen as a context and its responses. */
typedef struct RowView {
    Context context;
    ResponseView *response;
    int n;
    int preferred; /* a person's choice, 0 or 1; -1: none */
    bool has_label;
    double label; /* P(first response is preferred) by a judge */
} RowView;

/* Takes the text over. */
void view_add(RowView *v, char *text, bool ended);

/* Two contexts of one row become the one of them that says more: turns of which the other is the beginning, the end or, as a text,
 * the first or last turn of the user. False where neither holds the other. */
bool context_join(Context *c, const Context *more);

/* The replies `value[n]`, each a text, a whole HH transcript or turns, under what the view's context holds of the prompt, which may
 * be nothing; turns before a reply are joined with it. Fails where the last turn is not the assistant's, and where the replies
 * are not to one conversation. */
bool view_replies(const json_t *row, const json_t *const *value, const char *const *name, int n, RowView *v,
                  Err *err) MUST_CHECK;

/* For responses of which the form of the row does not say whether a blank is before them. */
void view_settle_blanks(const json_t *row, RowView *v);

#endif
