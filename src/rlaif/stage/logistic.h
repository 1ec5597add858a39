/* Logistic regression on one number, in double as stats.h. */
#ifndef RLAIF_STAGE_LOGISTIC_H
#define RLAIF_STAGE_LOGISTIC_H

#include "rlaif/stage/moved.h"

/* t ~ sigma(intercept + slope z) by Newton's method, t in [0, 1] (paper.md 9). z is standardised within, and both
 * coefficients there have a ridge: lambda (b0^2 + b1^2) / 2, lambda = 1e-8, is taken off the log-likelihood of n rows.
 * It keeps them finite where z separates t, and changes a prediction by about 1e-8 / n otherwise. */
typedef struct Logistic {
    double mean, scale;      /* of z */
    double intercept, slope; /* of (z - mean) / scale */
} Logistic;
Logistic logistic_fit(const double *z, const double *t, int n);
double logistic_at(const Logistic *l, double z);
/* Adds by how much the rows move the linear predictor at `at`, `times` that (cluster[i] in [0, out->clusters)). Returns the
 * largest residual. */
double logistic_moved(const Logistic *l, double at, const double *z, const double *t, const int *cluster, int n,
                      double times, Moved *out);
/* 95 % interval of that prediction, by the linear predictor's (moved.h). NAN for fewer than three clusters, where z separates t,
 * and where all of t is alike. */
Interval logistic_interval(const Logistic *l, double at, const double *z, const double *t, const int *cluster, int n,
                           int clusters);

#endif
