/* What the evaluations share: numbers as JSON, tables for people. */
#ifndef RLAIF_EVAL_INTERNAL_H
#define RLAIF_EVAL_INTERNAL_H

#include "rlaif/eval/eval.h"
#include "rlaif/rows/probes.h"
#include "rlaif/stage/stats.h"

/* 1 where a is above b, 1/2 where equal, 0 below. */
double eval_outcome(double a, double b);

/* JSON null where a number is not finite. */
json_t *eval_interval(Interval i);
void eval_set(json_t *object, const char *key, double x);

/* A share of outcomes in [0, 1] where both sides are equally long (paper.md 9): logistic in the ratio of lengths, at 1,
 * or in its logarithm, at 0, with its interval over clusters. Rows whose ratio is not finite, or without a logarithm, are
 * left out. NAN where one ratio, but 1, is all there is. */
typedef struct Adjusted {
    double rate;
    Interval interval;
} Adjusted;
Adjusted eval_length_controlled(const double *ratio, const double *outcome, const int *cluster, int n, int clusters,
                                LengthControl how);
/* "length_controlled" and "length_controlled_interval". */
void eval_set_adjusted(json_t *object, Adjusted a);

/* A line with the p of the paper's two-sample t-test (8), and what it is worth (docs/math.md, "The two-sample test"). */
void eval_print_two_samples(const json_t *object, const char *key);

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

/* How often an evaluation compared two policies, by its summary: judge prompts of a win rate, two policies of others, each
 * probe of two policies. */
int eval_comparisons(const json_t *summary);
/* Sets that as "comparisons"; and a line of what several mean for intervals (docs/math.md, "Several comparisons"). */
void eval_set_comparisons(json_t *summary);
void eval_print_comparisons(const json_t *summary);

/* What a stage is about, without the seed: what a model says of given texts does not depend on it. Returns `about`. */
json_t *eval_about(json_t *about);

/* "12.3 %", "0.123" or "-" in a caller's buffer. */
typedef struct Figure {
    char text[60];
} Figure;
/* "12.3 to 45.6" of an interval `times` as large; with more than `least` decimals where it needs them: until its ends differ, and
 * neither looks like 0 where 0 is not in it. */
Figure eval_range(const json_t *interval, double times, int least);
int interval_decimals(const json_t *interval, double times, int least);

/* Lines of a table on standard output. A null prints as "-". eval_print_share takes the summary's own keys:
 * "accuracy            62.3 %   95 %: 59.1 to 65.4". `interval` may be NULL. */
void eval_print(const char *what, const char *fmt, ...) PRINTF_LIKE(2, 3);
void eval_print_interval(const char *what, const char *value, const json_t *interval, double times, int least,
                         const char *after);
void eval_print_share(const char *what, const json_t *object, const char *share, const char *interval);
Figure eval_percent(const json_t *object, const char *key);
Figure eval_decimal(const json_t *object, const char *key);
/* A probability of a test: "0.034", "< 0.0001". */
Figure eval_p(const json_t *object, const char *key);

/* Sets `people`: null, or how far people agree with each other (alignment_stage). */
void eval_set_agreement(json_t *out, const Rows *rows);

/* Did the answer to the order as given name the first position? `p` is P(the first response is preferred), turned where the
 * answers name the worse one. */
static inline bool eval_first_slot(double p, bool flip)
{
    return (p > 0.5) != flip;
}

/* One pair of responses under one judge prompt, or by a reward model. */
typedef struct Contest {
    int cluster;           /* the prompt: its number */
    double a, b;           /* rewards, or p and 1 - p */
    double ratio;          /* length of A / length of B; NAN: B is empty */
    double mass;           /* mean over what the judge was asked; NAN of a reward model */
    bool same_slot, first; /* pairwise: both orders named the same position, the first */
} Contest;

/* The numbers of one judge prompt, or of a reward model, into `out` (keys: winrate_stage); `pointwise` where a and b are rewards. */
void contest_summary(json_t *out, const Contest *c, int n, int clusters, bool pointwise, LengthControl how, int seed);
/* Of these the ones that any contest has, from win_rate to length_controlled. */
void contest_wins(json_t *out, const Contest *c, int n, int clusters, LengthControl how, int seed);
void contest_print_wins(const json_t *result);
void contest_print(const json_t *result);

/* One response with its probes. */
typedef struct Probed {
    int cluster; /* the prompt: its number */
    double value[PROBES];
} Probed;

/* {responses, prompts, NAME: {mean, interval}} of one policy. */
void probes_summary(json_t *out, const Probed *p, int n, int clusters, int seed);
void probes_print(const char *of, const json_t *summary);

#endif
