/* Straight lines through points. */
#include "rlaif/stage/line.h"

#include <math.h>

static const Interval NOTHING = {(double)NAN, (double)NAN};

Line line_through(const double *x, const double *y, int n)
{
    Line l = {.mean_x = stats_moments(x, n).mean, .mean_y = stats_moments(y, n).mean, .n = n};
    double product = 0;
    for (int i = 0; i < n; i++) {
        l.spread += (x[i] - l.mean_x) * (x[i] - l.mean_x);
        product += (x[i] - l.mean_x) * (y[i] - l.mean_y);
    }
    l.slope = l.spread > 0 ? product / l.spread : 0;
    return l;
}

double line_at(const Line *l, double x)
{
    return l->mean_y + l->slope * (x - l->mean_x);
}

/* The largest |y|: of what is left over, 1e-12 of it is rounding. */
static double size_of(const double *y, int n)
{
    double size = 0;
    for (int i = 0; i < n; i++)
        size = fabs(y[i]) > size ? fabs(y[i]) : size;
    return size;
}

void line_moved(const Line *l, double at, const double *x, const double *y, const int *cluster, double times,
                Moved *out)
{
    double lever = l->spread > 0 ? (at - l->mean_x) / l->spread : 0;
    for (int i = 0; i < l->n; i++)
        moved_add(out, cluster[i], times * (1.0 / l->n + lever * (x[i] - l->mean_x)) * (y[i] - line_at(l, x[i])));
}

Interval line_interval(const Line *l, double at, const double *x, const double *y, const int *cluster, int clusters)
{
    Moved m = moved_begin(clusters);
    line_moved(l, at, x, y, cluster, 1, &m);
    Interval interval = moved_interval(&m, line_at(l, at), 1e-12 * size_of(y, l->n));
    moved_release(&m);
    return interval;
}

Interval line_slope_interval(const Line *l, const double *x, const double *y)
{
    double left = 0, df = l->n - 2.0;
    for (int i = 0; i < l->n; i++) {
        double r = y[i] - line_at(l, x[i]);
        left += r * r;
    }
    double variance = left / df / l->spread, least = 1e-12 * size_of(y, l->n) / sqrt(l->spread);
    if (!(l->spread > 0) || !(df > 0) || !(variance > least * least))
        return NOTHING;
    double half = stats_t_point(df) * sqrt(variance);
    return (Interval){l->slope - half, l->slope + half};
}
