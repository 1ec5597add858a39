/* Weights of a mix by logistic regression without an intercept: P(the first is chosen) = sigma(w . z), z the differences between
 * two responses. */
#ifndef RLAIF_LABEL_WEIGHING_H
#define RLAIF_LABEL_WEIGHING_H

#include "rlaif/judge/prompt/parts.h"

typedef enum WeighingEnd {
    WEIGHING_FITTED,
    WEIGHING_SINGULAR, /* a column follows from those before it */
    WEIGHING_SEPARABLE /* some w has every choice on its side: the likelihood has no maximum */
} WeighingEnd;

typedef struct Weighing {
    double weight[MOST_PARTS];
    double error[MOST_PARTS]; /* standard errors over the clusters; NAN where these are no more than the columns */
    double likelihood;        /* log L */
    int singular;             /* WEIGHING_SINGULAR: the column */
} Weighing;

/* The maximum of log L = sum over i of log sigma(w . z_i) by Newton's method (docs/math.md). z[n][k]: the chosen one's numbers
 * less the other's, of about the same size in all columns. cluster[n], in [0, clusters): choices that go together (prompts). */
WeighingEnd weighing_fit(const double *z, const int *cluster, int n, int k, int clusters, Weighing *out);

#endif
