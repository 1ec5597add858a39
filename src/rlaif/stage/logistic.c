/* Logistic regression on one number. */
#include "rlaif/stage/logistic.h"

#include "base/real.h"

#include <math.h>

static const double RIDGE = 1e-8;

/* The penalised log-likelihood; its gradient and the negative of its second derivatives (00, 01, 11). */
static double likelihood(const Logistic *l, const double *z, const double *t, int n, double gradient[2], double h[3])
{
    double sum = -RIDGE * (l->intercept * l->intercept + l->slope * l->slope) / 2;
    gradient[0] = -RIDGE * l->intercept;
    gradient[1] = -RIDGE * l->slope;
    h[0] = h[2] = RIDGE;
    h[1] = 0;
    for (int i = 0; i < n; i++) {
        double u = (z[i] - l->mean) / l->scale, eta = l->intercept + l->slope * u, p = real_sigmoid(eta);
        double w = p * (1 - p), log_p = (eta < 0 ? eta : 0) - real_log1p(real_exp(-fabs(eta)));
        sum += t[i] * log_p + (1 - t[i]) * (log_p - eta);
        gradient[0] += t[i] - p;
        gradient[1] += (t[i] - p) * u;
        h[0] += w;
        h[1] += w * u;
        h[2] += w * u * u;
    }
    return sum;
}

/* One step of Newton's method, halved until the likelihood does not fall; a small one is near the summit, where
 * rounding hides whether it falls. Returns its size. */
static double newton_step(Logistic *l, const double *z, const double *t, int n)
{
    double g[2], h[3], unused[2], unused_h[3], before = likelihood(l, z, t, n, g, h);
    double determinant = h[0] * h[2] - h[1] * h[1];
    double by[2] = {(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant};
    double size = fabs(by[0]) + fabs(by[1]);
    for (double share = 1; share > 1e-10; share /= 2) {
        Logistic next = *l;
        next.intercept += share * by[0];
        next.slope += share * by[1];
        if (size < 1e-6 || likelihood(&next, z, t, n, unused, unused_h) >= before) {
            *l = next;
            return share * size;
        }
    }
    return 0;
}

Logistic logistic_fit(const double *z, const double *t, int n)
{
    Moments m = stats_moments(z, n);
    bool varies = n > 1 && m.sd > 1e-12 * fabs(m.mean); /* by more than the mean's rounding */
    Logistic l = {.mean = m.mean, .scale = varies ? m.sd : 1};
    for (int i = 0; n > 0 && i < 200; i++)
        if (newton_step(&l, z, t, n) < 1e-12)
            break;
    return l;
}

double logistic_at(const Logistic *l, double z)
{
    return real_sigmoid(l->intercept + l->slope * (z - l->mean) / l->scale);
}

double logistic_moved(const Logistic *l, double at, const double *z, const double *t, const int *cluster, int n,
                      double times, Moved *out)
{
    double g[2], h[3], u = (at - l->mean) / l->scale, worst = 0;
    likelihood(l, z, t, n, g, h);
    double determinant = h[0] * h[2] - h[1] * h[1]; /* w = H^-1 (1, u): what a row's residual moves the prediction by */
    double w[2] = {(h[2] - h[1] * u) / determinant, (h[0] * u - h[1]) / determinant};
    for (int i = 0; i < n; i++) {
        double residual = t[i] - logistic_at(l, z[i]);
        moved_add(out, cluster[i], times * residual * (w[0] + w[1] * (z[i] - l->mean) / l->scale));
        worst = fabs(residual) > worst ? fabs(residual) : worst;
    }
    return worst;
}

Interval logistic_interval(const Logistic *l, double at, const double *z, const double *t, const int *cluster, int n,
                           int clusters)
{
    Moved m = moved_begin(clusters);
    bool apart = logistic_moved(l, at, z, t, cluster, n, 1, &m) < 1e-4;
    Interval eta = moved_interval(&m, l->intercept + l->slope * (at - l->mean) / l->scale, 1e-9);
    moved_release(&m);
    if (apart || !isfinite(eta.low))
        return (Interval){(double)NAN, (double)NAN};
    return (Interval){real_sigmoid(eta.low), real_sigmoid(eta.high)};
}
