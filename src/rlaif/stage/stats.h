/* Statistics of evaluations, in double precision and by base/real.h alone: these numbers are stored, and are the same
 * on every machine. What cannot be said of so few or such equal numbers is NAN.
 *
 * Sources: paper.md 4.3 (binomial test), 8 and 16 (t-tests, Kendall's W, clusters), 9 (length control); the formulas stand with
 * each function. */
#ifndef RLAIF_STAGE_STATS_H
#define RLAIF_STAGE_STATS_H

#include <stdbool.h>

typedef struct Interval {
    double low, high;
} Interval;

typedef struct Moments {
    int n;
    double mean, sd; /* sd with n - 1; NAN for n < 2 */
} Moments;
Moments stats_moments(const double *x, int n);

/* Wilson's 95 % score interval of k successes in n trials; k may hold halves (ties). With z = 1.959963984540054:
 * (k/n + z^2/2n +- z sqrt(k/n (1 - k/n)/n + z^2/4n^2)) / (1 + z^2/n). */
Interval stats_wilson(double k, double n);

/* The same of successes that come in clusters (prompts), whose members go together: sum[i] successes among count[i] trials.
 * Wilson's interval of n / d trials; d is the design effect of the clusters (docs/math.md, "Shares of clusters"). Clusters of
 * one trial each: stats_wilson. */
Interval stats_share(const double *sum, const double *count, int clusters);

/* The part of an interval within [low, high], what is measured having no other values. */
Interval interval_within(Interval i, double low, double high);

/* Exact two-sided binomial test of k successes in n trials against the probability `chance`: the summed probability
 * of all outcomes that are not more likely than k. Exact for every n: the outcomes' weights follow from one another
 * by their ratios, outward from the most likely one. 1 where n is 0. */
double stats_binomial(int k, int n, double chance);

/* Sign test: the same of those x above 0 among those above and below, against 1/2. NAN where n is 0. */
double stats_sign_test(const double *x, int n);

/* Cohen's kappa of two raters with two answers: (p_o - p_e) / (1 - p_e), p_o the share of equal answers, p_e what it
 * would be by chance. table[i][j]: times that the first said i and the second j. NAN where p_e is 1. */
double stats_kappa(double table[2][2]);

/* I_x(a, b), the regularised incomplete beta function, for a, b > 0 and x in [0, 1]: its continued fraction (DLMF
 * 8.17.22), about 1e-12 for a, b up to 1e6. */
double stats_incomplete_beta(double x, double a, double b);

/* t-tests, two-sided: p = I_{df/(df + t^2)}(df/2, 1/2). */
typedef struct TTest {
    double t, df, p;
} TTest;
/* Two samples of equal variance (Student): the paper's. */
TTest stats_t_pooled(Moments a, Moments b);
/* Two samples of any variances (Welch). */
TTest stats_t_welch(Moments a, Moments b);
/* One sample against 0: of differences, a paired test. */
TTest stats_t_paired(Moments difference);
/* t of which 5 % lie outside of -t .. t: 12.7 at one degree of freedom, 1.96 at many. */
double stats_t_point(double df);
/* Student's 95 % interval of a mean; NAN for n < 2. */
Interval stats_t_interval(Moments m);

/* 95 % interval of sum_i sum[i] / sum_i weight[i] over n clusters (prompts), whose members go together: percentiles of 10,000
 * draws of n clusters with replacement, by seed, interpolated between neighbours; and where Student's interval of the clusters
 * reaches farther, its end, since percentiles of few clusters are too near (two of one sign never let 0 in). weight NULL: all
 * 1, the mean of sum. NAN for n < 2, and where it has no width: clusters that are all alike do not say how others would be. */
Interval stats_bootstrap(const double *sum, const double *weight, int n, int seed);
/* The same of `k` ratios over the same n clusters, with the same draws: sum[j] and weight[j] have n numbers each. A draw
 * in which weight[j] is 0 says nothing about ratio j and is left out of its interval. */
void stats_bootstrap_all(const double *const *sum, const double *const *weight, int k, int n, int seed, Interval *out);

/* P(X > x) of the chi-square distribution: the upper incomplete gamma function Q(df/2, x/2) (DLMF 8.7.1, 8.9.2). */
double stats_chi_square_p(double x, double df);

/* Kendall's W: how far m raters order n items alike (paper.md 8). rank[m][n], each row 1 .. n without ties:
 * W = 12 S / (m^2 (n^3 - n)), S = sum over items of (its sum of ranks - m (n + 1) / 2)^2; chi_square = m (n - 1) W with
 * n - 1 degrees of freedom. NAN for fewer than two raters or items. */
typedef struct Concordance {
    double w, chi_square, df, p;
} Concordance;
Concordance stats_kendall_w(const int *rank, int raters, int items);

/* Area under the ROC curve: the probability that a positive has the higher score than a negative; equal scores count a
 * half. NAN where one of the two is missing. */
double stats_auc(const double *score, const bool *positive, int n);

/* One bin of predictions p in [low, high); the last bin holds its `high` too. */
typedef struct CalibrationBin {
    double low, high, mean_p, share; /* share: mean of `right`; both NAN where the bin is empty */
    int n;
} CalibrationBin;
/* `bins` equal parts of [low, high]; every p lies in it. Returns the calibration error: the mean over all p of its
 * bin's |mean_p - share|. */
double stats_calibration(const double *p, const double *right, int n, double low, double high, CalibrationBin *bin,
                         int bins);
/* The bin that p is in. */
int calibration_bin(double p, const CalibrationBin *bin, int bins);

#endif
