/* Public forms of comparisons: two replies side by side with a verdict, or a list of replies with scores or ranks.
 *
 *   response_1, response_2 ...  fields whose names hold 0 and 1, 1 and 2, a and b or A and B where they differ, with a verdict
 *                               (`winner`, `preference`, ...) or two scores; chosen_response, rejected_response and the like
 *   completions: [...] ...      a list of replies, each with a score or rank, or a list of those beside it
 *
 * What the fields of a reply, verdict, score, rank, model and prompt are called is said in tables in comparison.c. */
#ifndef RLAIF_ROWS_COMPARISON_H
#define RLAIF_ROWS_COMPARISON_H

#include "rlaif/rows/comparison_list.h"

/* Is the row such a comparison? Then *out, to be released, is it; else out->replies is NULL. Fails where a verdict or score
 * cannot be understood, and where two of them contradict each other. */
bool comparison_read(const json_t *row, Comparison *out, Err *err) MUST_CHECK;
void comparison_release(Comparison *c);

enum { NO_VERDICT = -2, A_TIE = -1 };
/* Which of two responses, 0 or 1, the row's verdicts call the better: A_TIE where neither, NO_VERDICT where they say nothing.
 * `first` is what the first response is called, '0', '1', 'a' or 'A'; 0: not known, then what can be read in one way alone counts.
 * The names of what was read go into `used`, which may be NULL. */
bool comparison_verdict(const json_t *row, char first, int *better, json_t *used, Err *err) MUST_CHECK;

/* What a row's replies answer, by whichever name, with a `system` text beside it as the first turn; NULL: nothing. */
bool comparison_prompt(const json_t *row, json_t **out, json_t *used, Err *err) MUST_CHECK;

/* Puts a `system` (or `system_prompt`) text of the row before its prompt, as the first turn; the prompt becomes a list of turns.
 * Fails where that is another than the one that the prompt has, and where it is a list. */
bool comparison_system(const json_t *row, json_t **prompt, json_t *used, Err *err) MUST_CHECK;

/* Fails where turns stand before what asks in a form that is not read: "history": [[question, answer], ...]. */
bool comparison_no_history(const json_t *row, Err *err) MUST_CHECK;

/* Fails where a row that has no responses for us says all the same that some were compared. */
bool comparison_absent(const json_t *row, Err *err) MUST_CHECK;

#endif
