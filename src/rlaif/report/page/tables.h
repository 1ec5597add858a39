/* The tables of the page: measures down, what was measured side by side. */
#ifndef RLAIF_REPORT_PAGE_TABLES_H
#define RLAIF_REPORT_PAGE_TABLES_H

#include "rlaif/report/page/words.h"

/* AS_GIVEN: a number that a person chose, with all its digits; AS_POINTS: a difference of shares, "+2.5 points"; AS_DOLLARS: "$0.0091". */
typedef enum Format {
    AS_COUNT,
    AS_TENTHS,
    AS_NUMBER,
    AS_GIVEN,
    AS_SIGNED,
    AS_PERCENT,
    AS_POINTS,
    AS_DOLLARS,
    AS_P,
    AS_TEXT,
    AS_YES
} Format;

/* One line of a table: a field of every column's object. */
typedef struct Measure {
    const char *label, *key;
    Format format;
    const char *interval; /* the field of its interval, or NULL */
} Measure;

/* Of how often one wins against another, as contest_summary and rankings count it. `ties`: what is none's. */
/* clang-format off */
#define WIN_MEASURES(ties) \
    {"win rate, Wilson\xe2\x80\x99s interval over prompts", "win_rate", AS_PERCENT, "interval"}, \
    {"win rate, bootstrap over prompts", "win_rate", AS_PERCENT, "win_rate_bootstrap"}, \
    {"wins", "wins", AS_COUNT, NULL}, \
    {"losses", "losses", AS_COUNT, NULL}, \
    {ties, "ties", AS_COUNT, NULL}, \
    {"p of 50 %: binomial, prompts above against below", "binomial_p", AS_P, NULL}, \
    {"p of 50 %: t-test over prompts", "paired_p", AS_P, NULL}, \
    {"p of 50 %: two-sample t-test, as the paper; its size is 17 %", "t_p", AS_P, NULL}, \
    {"win rate at equal length", "length_controlled", AS_PERCENT, "length_controlled_interval"}, \
    {"of the win rate, what length explains", "length_share", AS_POINTS, "length_share_interval"}
/* clang-format on */

/* Objects side by side, each under a head of HTML. */
typedef struct Column {
    json_t *object; /* a reference of its own */
    Str head;
} Column;
typedef struct Columns {
    Column *column;
    int n, cap;
} Columns;
/* One more; returns its head, empty, which is there until the next. */
Str *columns_add(Columns *c, const json_t *object);
/* So many side by side that a page is wide enough, then the next below them; nothing where there are none. Lines that no
 * column has are left out. Releases the columns. */
void html_columns(Str *out, Columns *c, const Measure *m, int n);

/* The other way round: measures side by side, one table however many lines there are. Releases the columns, its lines. */
void html_lines(Str *out, Columns *c, const Measure *m, int n);

/* Measures down of one object, without a head. */
void html_object(Str *out, const json_t *object, const Measure *m, int n);
/* The same of the objects of a list, each with what `head` writes above it. */
typedef void HtmlHead(Str *out, const Report *r, const json_t *object);
void html_objects(Str *out, const Report *r, const json_t *list, HtmlHead *head, const Measure *m, int n);
/* Of a policy ("policy"), of two of them ("a", "b"). */
HtmlHead head_policy, head_against, head_less;
/* What the paper's two-sample t-test is worth, beside which it stands. */
void html_two_samples(Str *out);
/* What evaluations say of raters: how many, how far they agree (eval/raters.h). */
void html_raters(Str *out, const Report *r, const json_t *raters);

#endif
