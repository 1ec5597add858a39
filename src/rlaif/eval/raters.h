/* How far people agree with each other: judgments of the same thing by two raters, or by whoever chose, counted. */
#ifndef RLAIF_EVAL_RATERS_H
#define RLAIF_EVAL_RATERS_H

#include "rlaif/eval/outcomes.h"
#include "rlaif/rows/rows.h"

typedef struct Raters {
    json_t *number; /* object: name -> number */
    char **name;
    double *judged, *pairs, *agree; /* per rater: judgments; of them beside another's, and alike */
    int n;
    Outcomes alike; /* of all pairs */
} Raters;

void raters_init(Raters *r, int prompts);
void raters_release(Raters *r);

/* The number of a rater, a new one where the name has not been met; counts a judgment of theirs. */
int raters_meet(Raters *r, const char *name);
/* Two raters' judgments of the same thing: 1 alike, 0 not, 1/2 where one is undecided. */
void raters_pair(Raters *r, int prompt, int first, int second, double alike);

/* {"raters", "pairs", "agreement", "interval" (bootstrap over prompts), "by_rater": [{rater, judgments, pairs,
 * agreement}]}; agreement is null where no two raters judged the same. */
json_t *raters_summary(const Raters *r, int seed);
void raters_print(const json_t *summary);

/* Sets `people`: null, or how far those agree who chose between the same two responses (alignment_stage). */
void eval_set_agreement(json_t *out, const Rows *rows);

#endif
