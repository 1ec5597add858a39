/* Straight lines through points, by least squares, in double as stats.h. */
#ifndef RLAIF_STAGE_LINE_H
#define RLAIF_STAGE_LINE_H

#include "rlaif/stage/moved.h"

/* y = mean_y + slope (x - mean_x); the slope is 0 where x does not vary. */
typedef struct Line {
    double mean_x, mean_y, slope, spread; /* spread: the sum of (x - mean_x)^2 */
    int n;
} Line;
Line line_through(const double *x, const double *y, int n);
double line_at(const Line *l, double x);

/* Adds by how much the points move line_at, `times` that (cluster[i] in [0, out->clusters)): with residuals r_i,
 * (1/n + (at - mean_x)(x_i - mean_x) / spread) r_i. */
void line_moved(const Line *l, double at, const double *x, const double *y, const int *cluster, double times,
                Moved *out);
/* 95 % interval of line_at over clusters (moved.h; docs/math.md, "Length control"). NAN for fewer than three, and where nothing
 * is left over. */
Interval line_interval(const Line *l, double at, const double *x, const double *y, const int *cluster, int clusters);

/* Student's 95 % interval of the slope of n independent points, n - 2 degrees of freedom; NAN where there are none, x does not
 * vary, and where nothing is left over. */
Interval line_slope_interval(const Line *l, const double *x, const double *y);

#endif
