/* A comparison of two policies in words: who is better, and by which judge by how much, with its interval. */
#ifndef RLAIF_REPORT_PAGE_VERDICT_H
#define RLAIF_REPORT_PAGE_VERDICT_H

#include "rlaif/report/page/words.h"

/* Of the n outcomes of one evaluation: who is better, in one bold sentence; by how much, in one more; and the same with a
 * sentence for every judge. */
void html_headline(Str *out, const Report *r, const Outcome *x, int n);
void html_margins(Str *out, const Report *r, const Outcome *x, int n);
void html_sentences(Str *out, const Report *r, const Outcome *x, int n);

#endif
