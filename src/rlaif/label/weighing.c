/* Weights of a mix by logistic regression without an intercept. */
#include "rlaif/label/weighing.h"

#include "base/real.h"
#include "rlaif/stage/moved.h"

#include <math.h>
#include <string.h>

typedef double Square[MOST_PARTS][MOST_PARTS];

static const double RELATIVE_PIVOT = 1e-10, /* of a column that is left where those before it are taken out */
    SMALL_STEP = 1e-10, ROUNDING = 1e-13;
enum { MOST_STEPS = 60, HALVINGS = 40 };

/* A = L L^T into the lower triangle of `a`. False where a pivot is as good as 0: *column. */
static bool cholesky(Square a, int k, int *column)
{
    for (int c = 0; c < k; c++) {
        double own = a[c][c];
        for (int j = 0; j < c; j++)
            a[c][c] -= a[c][j] * a[c][j];
        *column = c;
        if (!(a[c][c] > RELATIVE_PIVOT * own))
            return false;
        a[c][c] = sqrt(a[c][c]);
        for (int r = c + 1; r < k; r++) {
            for (int j = 0; j < c; j++)
                a[r][c] -= a[r][j] * a[c][j];
            a[r][c] /= a[c][c];
        }
    }
    return true;
}

/* x of L L^T x = b. */
static void solve(Square l, int k, const double *b, double *x)
{
    for (int r = 0; r < k; r++) {
        x[r] = b[r];
        for (int j = 0; j < r; j++)
            x[r] -= l[r][j] * x[j];
        x[r] /= l[r][r];
    }
    for (int r = k - 1; r >= 0; r--) {
        for (int j = r + 1; j < k; j++)
            x[r] -= l[j][r] * x[j];
        x[r] /= l[r][r];
    }
}

static double dot(const double *w, const double *z, int k)
{
    double sum = 0;
    for (int c = 0; c < k; c++)
        sum += w[c] * z[c];
    return sum;
}

static double log_sigmoid(double m)
{
    return m < 0 ? m - real_log1p(real_exp(m)) : -real_log1p(real_exp(-m));
}

static double likelihood(const double *z, int n, int k, const double *w)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += log_sigmoid(dot(w, z + (size_t)i * (size_t)k, k));
    return sum;
}

/* dL/dw and -d2L/dw2 at w. True where no choice is on the other side of w, and some are on this. */
static bool derivatives(const double *z, int n, int k, const double *w, double *slope, Square curve)
{
    bool against = false, for_it = false;
    memset(slope, 0, (size_t)k * sizeof *slope);
    memset(curve, 0, sizeof(Square));
    for (int i = 0; i < n; i++) {
        const double *row = z + (size_t)i * (size_t)k;
        double m = dot(w, row, k), p = real_sigmoid(m);
        against = against || m < 0;
        for_it = for_it || m > 0;
        for (int r = 0; r < k; r++) {
            slope[r] += (1 - p) * row[r];
            for (int c = 0; c <= r; c++)
                curve[r][c] += p * (1 - p) * row[r] * row[c];
        }
    }
    return for_it && !against;
}

/* One step of Newton's method, halved until the likelihood does not fall, but for rounding; *moved: how far. */
static void step(const double *z, int n, int k, const double *by, Weighing *out, double *moved)
{
    double next[MOST_PARTS], whole = 1, reached = 0;
    for (int h = 0; h < HALVINGS; h++, whole /= 2) {
        for (int c = 0; c < k; c++)
            next[c] = out->weight[c] + whole * by[c];
        reached = likelihood(z, n, k, next);
        if (reached >= out->likelihood + ROUNDING * out->likelihood)
            break;
    }
    *moved = 0;
    for (int c = 0; c < k; c++) {
        double way = fabs(next[c] - out->weight[c]);
        *moved = way > *moved ? way : *moved;
        out->weight[c] = next[c];
    }
    out->likelihood = reached;
}

/* A choice moves the weights by (1 - p) H^-1 z to first order, H = L L^T. */
static void set_errors(Square l, const double *z, const int *cluster, int n, int k, int clusters, Weighing *out)
{
    Moved moved[MOST_PARTS];
    int met = 0;
    for (int c = 0; c < k; c++)
        moved[c] = moved_begin(clusters);
    for (int i = 0; i < n; i++) {
        const double *row = z + (size_t)i * (size_t)k;
        double by[MOST_PARTS], left = 1 - real_sigmoid(dot(out->weight, row, k));
        met += !moved[0].met[cluster[i]];
        solve(l, k, row, by);
        for (int c = 0; c < k; c++)
            moved_add(&moved[c], cluster[i], left * by[c]);
    }
    for (int c = 0; c < k; c++) {
        out->error[c] = met > k ? moved_error(&moved[c]) : (double)NAN;
        moved_release(&moved[c]);
    }
}

WeighingEnd weighing_fit(const double *z, const int *cluster, int n, int k, int clusters, Weighing *out)
{
    Square curve;
    double slope[MOST_PARTS], by[MOST_PARTS], moved = 1;
    *out = (Weighing){0};
    out->likelihood = likelihood(z, n, k, out->weight);
    for (int s = 0; moved > SMALL_STEP; s++) {
        bool separated = derivatives(z, n, k, out->weight, slope, curve);
        if (!cholesky(curve, k, &out->singular))
            return s == 0 ? WEIGHING_SINGULAR : WEIGHING_SEPARABLE;
        if (separated || s == MOST_STEPS)
            return WEIGHING_SEPARABLE;
        solve(curve, k, slope, by);
        step(z, n, k, by, out, &moved);
    }
    derivatives(z, n, k, out->weight, slope, curve);
    if (!cholesky(curve, k, &out->singular))
        return WEIGHING_SEPARABLE;
    set_errors(curve, z, cluster, n, k, clusters, out);
    return WEIGHING_FITTED;
}
