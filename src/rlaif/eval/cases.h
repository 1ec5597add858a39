/* Labelled pairs beside people's choices: what alignment counts. */
#ifndef RLAIF_EVAL_CASES_H
#define RLAIF_EVAL_CASES_H

#include "rlaif/rows/rows.h"

enum { MOST_CONFIDENT = 9 };

/* One labelled row. */
typedef struct Case {
    double p, order[2]; /* P(first is preferred): the label, and each order alone */
    bool both, flip;    /* judged in both orders; by answers that name the worse response */
    bool turned;        /* by label --noise */
    int prompt;         /* its number */
    double mass;        /* mean over what was asked; NAN: not said */
    int preferred;      /* by people: 0, 1, or -1 */
    int confidence;     /* of people, 1 to 9; 0: none */
    int length[2];
} Case;

typedef struct Cases {
    Case *at;
    int n, prompts;
} Cases;

/* 1 where p is on people's side, 1/2 on neither. */
double case_is_right(double p, int preferred);

/* Every row as a case; those without a label stop it or are left out. */
bool cases_read(const Rows *rows, bool skip_bad, Cases *c, Err *err) MUST_CHECK;

/* The same cases in the order of their margins |p - 1/2|. The caller frees .at. */
Cases cases_by_margin(const Cases *c);
/* Numbers x of cases in that order become the means over those of one margin, so that the order among these does not matter. */
void cases_level(const Cases *sorted, double *x);

#endif
