/* What the files that read the shapes of rows share. */
#ifndef RLAIF_ROWS_INTERNAL_H
#define RLAIF_ROWS_INTERNAL_H

#include "rlaif/rows/rows.h"

/* Key and identity of a row by its id, else its content and its number among equals: `contents` has how often each was met. */
void row_name(Row *r, json_t *contents);
/* Counts a row that has its name among them. */
void row_count(const Row *r, json_t *contents);

/* Rows of more than two responses that nothing compares become rows of two: `group` is the row's id, else its key, and `of` which
 * two they are. Fails where nothing but equal responses is there. */
bool rows_split_pairs(Rows *rows, Err *err) MUST_CHECK;

/* Takes the text over. */
void view_add(RowView *v, char *text, bool ended);

/* Do the turns of `a` stand in `b` from a place on? */
bool turns_stand_at(const json_t *a, const json_t *b, size_t at);

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
