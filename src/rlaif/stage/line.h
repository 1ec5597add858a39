/* Straight lines through points, by least squares, in double as stats.h. */
#ifndef RLAIF_STAGE_LINE_H
#define RLAIF_STAGE_LINE_H

#include "rlaif/stage/stats.h"

/* y = mean_y + slope (x - mean_x); the slope is 0 where x does not vary. */
typedef struct Line {
    double mean_x, mean_y, slope, spread; /* spread: the sum of (x - mean_x)^2 */
    int n;
} Line;
Line line_through(const double *x, const double *y, int n);
double line_at(const Line *l, double x);

/* 95 % interval of line_at by the sandwich over clusters (prompts; cluster[i] in [0, clusters)), whose points go together
 * (docs/math.md, "Length control"): with residuals r_i and w_i = 1/n + (at - mean_x)(x_i - mean_x) / spread,
 * var = G / (G - 1) sum_c (sum_{i in c} w_i r_i)^2 for G clusters with points, t of G - 2 degrees of freedom. NAN for fewer than
 * three, and where nothing is left over. */
Interval line_interval(const Line *l, double at, const double *x, const double *y, const int *cluster, int clusters);

/* Student's 95 % interval of the slope of n independent points, n - 2 degrees of freedom; NAN where there are none, x does not
 * vary, and where nothing is left over. */
Interval line_slope_interval(const Line *l, const double *x, const double *y);

#endif
