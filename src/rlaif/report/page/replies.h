/* Replies of all policies to the same prompts, one below the other, with what judges said of each. */
#ifndef RLAIF_REPORT_PAGE_REPLIES_H
#define RLAIF_REPORT_PAGE_REPLIES_H

#include "rlaif/report/page/words.h"

enum { PROMPTS_SHOWN = 12, PROMPTS_MOST = 120 }; /* prompts that are seen at once; that are on the page */

/* Prompts with their replies, HTML: those that are seen, and the others, which unfold. */
typedef struct PromptList {
    Str shown, more;
    int n;
} PromptList;
Str *prompts_next(PromptList *list); /* where the next prompt goes */
/* Begins a note: what the list shows, "Below each ". */
void html_prompts_note(Str *out, const PromptList *list);
/* The list, of a stage that has so many in all; releases it. */
void html_prompts(Str *out, PromptList *list, int all);

/* A row of an evaluation of two policies: the prompt, the first reply of each side by side with what judges said; and what
 * stands above such rows, whose replies they are. */
void html_pair(Str *out, const json_t *row);
void html_pair_sides(Str *out, const Report *r, const ReportStage *eval);

/* Replies of sample stages. Of evaluations whose replies are all among them whole[number of the stage] is set. */
bool report_replies(Str *out, const Report *r, bool *whole, Err *err) MUST_CHECK;

#endif
