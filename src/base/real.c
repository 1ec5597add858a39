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

double real_tanh(double x)
{
    if (fabs(x) < 0.1) { /* sinh and cosh by their series, since exp(2x) - 1 would cancel */
        double z = x * x;
        double sh = x * (1 + z / 6 * (1 + z / 20 * (1 + z / 42 * (1 + z / 72))));
        double ch = 1 + z / 2 * (1 + z / 12 * (1 + z / 30 * (1 + z / 56)));
        return sh / ch;
    }
    if (fabs(x) > 20)
        return x > 0 ? 1 : -1;
    double e = real_exp(2 * x);
    return (e - 1) / (e + 1);
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

/* Up to 3 the series 2/sqrt(pi) exp(-x^2) sum (2x^2)^n x / (1 3 5 ... (2n+1)), whose terms are all positive; the
 * continued fraction of erfc beyond. */
double real_erf(double x)
{
    double a = fabs(x), v;
    if (a < 3) {
        double term = a, sum = a;
        for (int n = 1; n < 80; n++) {
            term *= 2 * a * a / (2 * n + 1);
            sum += term;
        }
        v = 1.1283791670955126 * real_exp(-a * a) * sum;
    } else if (a < 6) {
        double f = 0;
        for (int k = 60; k >= 1; k--)
            f = k / 2.0 / (a + f);
        v = 1 - real_exp(-a * a) * 0.56418958354775629 / (a + f);
    } else {
        v = 1;
    }
    return x < 0 ? -v : v;
}
