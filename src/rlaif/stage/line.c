/* Straight lines through points. */
#include "rlaif/stage/line.h"

#include "base/mem.h"

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

static Interval around(double middle, double variance, double df, double size)
{
    if (!(df > 0) || !(variance > 1e-24 * size * size))
        return NOTHING;
    double half = stats_t_point(df) * sqrt(variance);
    return (Interval){middle - half, middle + half};
}

Interval line_interval(const Line *l, double at, const double *x, const double *y, const int *cluster, int clusters)
{
    double *moved = mem_zalloc((size_t)clusters + 1, sizeof *moved), variance = 0,
           lever = l->spread > 0 ? (at - l->mean_x) / l->spread : 0, size = 0;
    bool *met = mem_zalloc((size_t)clusters + 1, sizeof *met);
    int used = 0;
    for (int i = 0; i < l->n; i++) {
        moved[cluster[i]] += (1.0 / l->n + lever * (x[i] - l->mean_x)) * (y[i] - line_at(l, x[i]));
        used += !met[cluster[i]];
        met[cluster[i]] = true;
        size = fabs(y[i]) > size ? fabs(y[i]) : size;
    }
    for (int c = 0; c < clusters; c++)
        variance += moved[c] * moved[c];
    free(moved);
    free(met);
    return around(line_at(l, at), variance * used / (used - 1.0), used - 2.0, size);
}

Interval line_slope_interval(const Line *l, const double *x, const double *y)
{
    double left = 0, size = 0;
    for (int i = 0; i < l->n; i++) {
        double r = y[i] - line_at(l, x[i]);
        left += r * r;
        size = fabs(y[i]) > size ? fabs(y[i]) : size;
    }
    if (!(l->spread > 0))
        return NOTHING;
    return around(l->slope, left / (l->n - 2.0) / l->spread, l->n - 2.0, size / sqrt(l->spread));
}
