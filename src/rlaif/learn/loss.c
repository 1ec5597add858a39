/* The loss of reward models. */
#include "rlaif/learn/loss.h"

#include "base/real.h"

double preference_loss(double d, double p, double *slope)
{
    double s = real_sigmoid(d);
    *slope = s - p;
    double log_s = d > 0 ? -real_log1p(real_exp(-d)) : d - real_log1p(real_exp(d));
    return -(p * log_s + (1 - p) * (log_s - d));
}
