/* The words of the page: numbers as people read them, stages, judges, policies and replies by what they are called.
 * Everything that comes from the store or the recipe goes through html_text; what the say_ functions return is ready for the
 * page. */
#ifndef RLAIF_REPORT_PAGE_WORDS_H
#define RLAIF_REPORT_PAGE_WORDS_H

#include "base/html.h"
#include "rlaif/report/page/outcomes.h"

typedef struct Said {
    char text[120];
} Said;
#define SAID_DASH "\xe2\x80\x93"         /* what is not known */
Said say_number(double x, int decimals); /* "0.214", a real minus; a dash where it is not finite */
Said say_given(double x);                /* a number that a person chose, with the digits that it has */
Said say_signed(double x, int decimals);
Said say_percent(double x);                                         /* of a share: "97.5 %" */
Said say_p(double p);                                               /* "p = 0.034" */
Said say_range(const json_t *interval, double times, int decimals); /* "0.12 to 0.30" */
Said say_count(double n, const char *one, const char *many);        /* "1 pair", "40 pairs" */

/* A judge prompt by its name, or by its file's. */
void html_prompt(Str *out, const char *name);
/* Names a stage, with a link to what is said of it. */
void html_stage(Str *out, const ReportStage *s);
/* A policy as evaluations name it: the stage of that name, or the text. */
void html_named(Str *out, const Report *r, const char *name);
/* What A ("policy") or B ("against") of an evaluation is: a stage, a model's file, or the letter. */
void html_policy(Str *out, const Report *r, const ReportStage *eval, const char *option);
/* Who says so: "<b>PROMPT</b>", "the reward model STAGE". */
void html_judge(Str *out, const Report *r, const Outcome *x);

/* Of a part of a section: a text, and the stage that it is of, or NULL. */
void html_heading(Str *out, const char *text, const ReportStage *s);
/* What is between them folds away behind a line that opens it; in print it is open. The line is HTML. */
void html_fold(Str *out, const char *line);
void html_fold_end(Str *out);
/* A paragraph: the format's own words are HTML; arguments must be ready for the page. */
void html_p(Str *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An entry of a list begins, and ends. */
void html_entry(Str *out, const char *title);
void html_entry_end(Str *out);
/* A text, cut where it is very long. */
void html_cut(Str *out, const char *text);
/* A reply, cut so; NULL: it is no whole text. `ended` false: it is said that it was cut off before its end. And the prompt of a
 * row, as a paragraph. */
void html_reply(Str *out, const char *text, const json_t *ended);
void html_row_prompt(Str *out, const json_t *row);

#endif
