/* Intervals over clusters (prompts), whose rows go together, of whatever rows move: the sandwich estimator. */
#ifndef RLAIF_STAGE_MOVED_H
#define RLAIF_STAGE_MOVED_H

#include "rlaif/stage/stats.h"

/* By how much each cluster moves an estimate, to first order: the sum over its rows. Two estimates of the same rows, a
 * difference of them say, are moved by the same difference, so that an interval minds what they have in common. */
typedef struct Moved {
    double *by; /* [clusters] */
    bool *met;  /* [clusters]: has rows */
    int clusters;
} Moved;
Moved moved_begin(int clusters);
void moved_add(Moved *m, int cluster, double by);
/* sqrt(G / (G - 1) sum_c by_c^2) of the G clusters with rows; NAN for G < 2. */
double moved_error(const Moved *m);
/* The 95 % interval around the estimate: as many errors as Student's t has of G - 2 degrees of freedom. NAN for G < 3 and for
 * an error that is not above `least`, which is rounding. */
Interval moved_interval(const Moved *m, double estimate, double least);
void moved_release(Moved *m);

#endif
