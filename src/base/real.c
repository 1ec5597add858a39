/* exp, log and their kin in double precision, by range reduction and series. Plain + - * / only, so that
 * every machine gives the same bytes (contraction is off in this project). */
#include "base/real.h"

static const double LN2_HI = 6.93147180369123816490e-01, LN2_LO = 1.90821492927058770002e-10;

/* exp(x) = 2^n exp(r), |r| <= ln2/2; the series of exp to r^13. */
double real_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.78)
        return (double)INFINITY;
    if (x < -745.2)
        return 0;
    double n = floor(x * 1.4426950408889634 + 0.5);
    double r = (x - n * LN2_HI) - n * LN2_LO;
    double sum = 1;
    for (int k = 13; k >= 1; k--)
        sum = 1 + sum * r / k;
    return ldexp(sum, (int)n);
}

/* log(x) = e ln2 + log(m), m in [sqrt(1/2), sqrt(2)); log(m) = 2 atanh((m-1)/(m+1)). */
double real_log(double x)
{
    if (x != x || x < 0)
        return (double)NAN;
    if (x == 0)
        return (double)-INFINITY;
    if (isinf(x))
        return x;
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 27; k >= 3; k -= 2)
        sum = z * (1.0 / k + sum);
    return e * LN2_HI + (2 * s + (2 * s * sum + e * LN2_LO));
}

double real_log1p(double x)
{
    if (fabs(x) > 0.25)
        return real_log(1 + x);
    double s = x / (2 + x), z = s * s, sum = 0;
    for (int k = 27; k >= 3; k -= 2)
        sum = z * (1.0 / k + sum);
    return 2 * s + 2 * s * sum;
}

/* x - n pi/2, with pi/2 in three parts of 33 bits so that n times a part is exact for n up to 2^20. */
static double reduce_half_pi(double x, int *quadrant)
{
    double n = floor(x * 0.63661977236758134 + 0.5);
    *quadrant = (int)((long long)n & 3);
    double r = x - n * 1.57079632673412561417e+00;
    r -= n * 6.07710050630396597660e-11;
    return r - n * 2.02226624879595063154e-21;
}

static double sin_series(double r)
{
    double z = r * r, sum = 1;
    for (int k = 18; k >= 2; k -= 2)
        sum = 1 - sum * z / (k * (k + 1));
    return r * sum;
}

static double cos_series(double r)
{
    double z = r * r, sum = 1;
    for (int k = 19; k >= 1; k -= 2)
        sum = 1 - sum * z / (k * (k + 1));
    return sum;
}

double real_sin(double x)
{
    int q;
    double r = reduce_half_pi(x, &q);
    double v = q & 1 ? cos_series(r) : sin_series(r);
    return q & 2 ? -v : v;
}

double real_cos(double x)
{
    int q;
    double r = reduce_half_pi(x, &q);
    double v = q & 1 ? sin_series(r) : cos_series(r);
    return (q == 1 || q == 2) ? -v : v;
}

double real_pow(double x, double y)
{
    return y == 0 ? 1 : x == 0 ? 0 : real_exp(y * real_log(x));
}

double real_sigmoid(double x)
{
    if (x >= 0)
        return 1 / (1 + real_exp(-x));
    double e = real_exp(x);
    return e / (1 + e);
}
