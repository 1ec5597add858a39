/* The loss that reward models are trained by (paper.md 5.1). */
#ifndef RLAIF_LEARN_LOSS_H
#define RLAIF_LEARN_LOSS_H

/* L and dL/dd for the margin d = r(first) - r(second) and the probability p that the first is better (5.1):
 * L = -p log sigma(d) - (1 - p) log sigma(-d). */
double preference_loss(double d, double p, double *slope);

#endif
