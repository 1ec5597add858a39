/* A checklist asked: each item's prompt is the one before it, its ideal answer, and a question more. So all items of a response
 * are the beginnings of one text, and a model here reads it once. */
#ifndef RLAIF_JUDGE_CHECKLIST_H
#define RLAIF_JUDGE_CHECKLIST_H

#include "rlaif/judge/layout.h"

/* Prompts that are answered for each that is laid out: of a checklist one an item, else one. */
int checklist_each(const Judge *j);
/* These for all of a layout, whose bodies they borrow; the caller frees them. */
Asked *checklist_prompts(const Judge *j, const Layout *l);
/* What was said of the items of one response, as one. */
Verdict checklist_verdict(const Judge *j, const Verdict *said);

#endif
