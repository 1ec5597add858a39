/* Outcomes by prompt, whose members go together: shares, intervals, tests. */
#ifndef RLAIF_EVAL_OUTCOMES_H
#define RLAIF_EVAL_OUTCOMES_H

#include "rlaif/eval/numbers.h"

/* 1 where a is above b, 1/2 where equal, 0 below. */
double eval_outcome(double a, double b);

/* Did the answer to the order as given name the first position? `p` is P(the first response is preferred), turned where the
 * answers name the worse one. */
static inline bool eval_first_slot(double p, bool flip)
{
    return (p > 0.5) != flip;
}

/* Outcomes of one policy, of two raters, ...: all of them, and by prompt. */
typedef struct Outcomes {
    double *at, total;   /* [n], in the order in which they were added; their sum */
    double *sum, *count; /* [prompts] */
    int n, cap, prompts;
} Outcomes;
Outcomes outcomes_begin(int prompts);
void outcomes_add(Outcomes *o, int prompt, double x);
void outcomes_release(Outcomes *o);

/* Interval of the mean by bootstrap over the prompts that have any. */
Interval outcomes_bootstrap(const Outcomes *o, int seed);
/* Of a mean of shares: Wilson's over prompts (stats_share); by bootstrap, and where that has no width Wilson's. */
Interval outcomes_share(const Outcomes *o);
Interval outcomes_share_bootstrap(const Outcomes *o, int seed);
/* Against `neutral`: sign test of the prompts whose mean is above against those whose mean is below; t-test of the means. */
double outcomes_sign_test(const Outcomes *o, double neutral);
double outcomes_t_test(const Outcomes *o, double neutral);
/* The mean of shares, halves for ties: `share_key`, "interval" (outcomes_share) and, where n_key is not NULL, n_key. */
void eval_set_share(json_t *object, const char *share_key, const Outcomes *o, const char *n_key);
/* Mean of A - mean of B, of every prompt that has both: *n of them. The caller frees them. */
double *outcomes_gaps(const Outcomes *a, const Outcomes *b, int *n);
/* Is A above B? "difference" (mean of the gaps), "difference_interval" (bootstrap over them, of shares), "t_p" (two samples), "paired_p" (t-test of the gaps). */
void eval_set_gaps(json_t *object, const Outcomes *a, const Outcomes *b, const double *gap, int n, int seed);

#endif
