/* Statistics. */
#include "rlaif/stage/stats.h"

#include "base/mem.h"
#include "base/real.h"
#include "base/rng.h"

static const double NONE = (double)NAN;
static const double Z95 = 1.959963984540054; /* the normal distribution's 97.5 % point */

Moments stats_moments(const double *x, int n)
{
    Moments m = {n, n > 0 ? 0 : NONE, NONE};
    double squares = 0;
    for (int i = 0; i < n; i++)
        m.mean += x[i] / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1)
        m.sd = sqrt(squares / (n - 1));
    return m;
}

Interval stats_wilson(double k, double n)
{
    if (!(n > 0))
        return (Interval){NONE, NONE};
    double p = k / n, z2 = Z95 * Z95 / n, middle = p + z2 / 2, half = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n));
    double low = (middle - half) / (1 + z2), high = (middle + half) / (1 + z2);
    return (Interval){k <= 0 ? 0 : low, k >= n ? 1 : high};
}

double stats_binomial(int k, int n, double chance)
{
    if (n <= 0)
        return 1;
    int mode = (int)floor((n + 1) * chance);
    mode = mode > n ? n : mode;
    double odds = chance / (1 - chance), observed = 1;
    for (int i = mode; i < k; i++) /* w(i + 1) = w(i) (n - i) / (i + 1) * odds */
        observed *= (n - i) / (i + 1.0) * odds;
    for (int i = mode; i > k; i--)
        observed *= i / (n - i + 1.0) / odds;
    double most = observed * (1 + 1e-7), all = 0, extreme = 0; /* what differs by rounding only is equally likely */
    double w = 1;
    for (int i = mode; i <= n; w *= (n - i) / (i + 1.0) * odds, i++) {
        all += w;
        extreme += w <= most ? w : 0;
    }
    w = mode > 0 ? mode / (n - mode + 1.0) / odds : 0;
    for (int i = mode - 1; i >= 0; w *= i / (n - i + 1.0) / odds, i--) {
        all += w;
        extreme += w <= most ? w : 0;
    }
    return extreme / all;
}

double stats_kappa(double table[2][2])
{
    double n = table[0][0] + table[0][1] + table[1][0] + table[1][1];
    double first = (table[0][0] + table[0][1]) / n, second = (table[0][0] + table[1][0]) / n;
    double observed = (table[0][0] + table[1][1]) / n, expected = first * second + (1 - first) * (1 - second);
    return expected < 1 ? (observed - expected) / (1 - expected) : NONE;
}

/* --- the t distribution --------------------------------------------------------------------------------- */

/* log Gamma(x), x > 0: Stirling's series from 10 on, Gamma(x + 1) = x Gamma(x) below. */
static double log_gamma(double x)
{
    static const double bernoulli[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                       1.0 / 1188, -691.0 / 360360, 1.0 / 156};
    double shift = 1, sum = 0;
    for (; x < 10; x++)
        shift *= x;
    for (int i = (int)(sizeof bernoulli / sizeof *bernoulli) - 1; i >= 0; i--)
        sum = sum / (x * x) + bernoulli[i];
    return (x - 0.5) * real_log(x) - x + 0.91893853320467274 + sum / x - real_log(shift);
}

/* I_x(a, b) with y = 1 - x given, so that neither is lost beside 1. The fraction is evaluated from its far end;
 * about sqrt(max(a, b)) terms matter on this side of the mean. */
static double beta_share(double x, double y, double a, double b)
{
    enum { TERMS = 4000 };
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    if (x > (a + 1) / (a + b + 2))
        return 1 - beta_share(y, x, b, a);
    double f = 1;
    for (int k = TERMS; k >= 1; k--) {
        double m = k / 2, d = k % 2 ? -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
                                    : m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m));
        f = 1 + d * x / f;
    }
    double front = a * real_log(x) + b * real_log(y) + log_gamma(a + b) - log_gamma(a) - log_gamma(b);
    return real_exp(front) / (a * f);
}

double stats_incomplete_beta(double x, double a, double b)
{
    return beta_share(x, 1 - x, a, b);
}

/* The test of `effect` with its standard error; of one that is rounding alone, none. */
static TTest t_test(double effect, double error, double df)
{
    if (!(error > 1e-12 * fabs(effect)) || !(df > 0))
        return (TTest){NONE, df, NONE};
    double t = effect / error, t2 = t * t;
    return (TTest){t, df, beta_share(df / (df + t2), t2 / (df + t2), df / 2, 0.5)};
}

TTest stats_t_pooled(Moments a, Moments b)
{
    double df = a.n + b.n - 2.0;
    double variance = ((a.n - 1) * a.sd * a.sd + (b.n - 1) * b.sd * b.sd) / df;
    return t_test(a.mean - b.mean, sqrt(variance * (1.0 / a.n + 1.0 / b.n)), df);
}

TTest stats_t_welch(Moments a, Moments b)
{
    double u = a.sd * a.sd / a.n, v = b.sd * b.sd / b.n;
    double df = (u + v) * (u + v) / (u * u / (a.n - 1) + v * v / (b.n - 1));
    return t_test(a.mean - b.mean, sqrt(u + v), df);
}

TTest stats_t_paired(Moments difference)
{
    return t_test(difference.mean, difference.sd / sqrt(difference.n), difference.n - 1.0);
}

/* By bisection. */
double stats_t_point(double df)
{
    double low = 1.9, high = 13;
    for (int i = 0; i < 50; i++) {
        double t = (low + high) / 2, t2 = t * t;
        if (beta_share(df / (df + t2), t2 / (df + t2), df / 2, 0.5) > 0.05)
            low = t;
        else
            high = t;
    }
    return high;
}

Interval stats_t_interval(Moments m)
{
    if (m.n < 2)
        return (Interval){NONE, NONE};
    double half = stats_t_point(m.n - 1.0) * m.sd / sqrt(m.n);
    return (Interval){m.mean - half, m.mean + half};
}

/* --- clusters ------------------------------------------------------------------------------------------- */

/* What is summed over clusters, those of weight 0 left out. */
typedef struct Ratio {
    double sum, weight, weights2; /* of sums, weights, squared weights */
    double spread;                /* of (sum - ratio * weight)^2 */
    int n;
} Ratio;

static Ratio ratio_of(const double *sum, const double *weight, int n)
{
    Ratio r = {0};
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;
        r.sum += w > 0 ? sum[i] : 0;
        r.weight += w;
        r.weights2 += w * w;
        r.n += w > 0;
    }
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1, e = sum[i] - r.sum / r.weight * w;
        r.spread += w > 0 ? e * e : 0;
    }
    return r;
}

Interval stats_share(const double *sum, const double *count, int clusters)
{
    enum {
        BEFOREHAND = 3
    }; /* clusters that are taken as seen, with members alike: so few do not say how alike they are */
    Ratio r = ratio_of(sum, count, clusters);
    double n = r.weight, alike = r.weights2 / n, each = r.sum / n * (1 - r.sum / n), design = alike;
    if (r.n > 1 && each > 0)
        design = (r.spread / each + BEFOREHAND * alike * alike) / (n + BEFOREHAND * alike);
    design = fmin(fmax(design, 1), alike);
    return stats_wilson(r.sum / design, n / design);
}

double stats_sign_test(const double *x, int n)
{
    int above = 0, below = 0;
    for (int i = 0; i < n; i++) {
        above += x[i] > 0;
        below += x[i] < 0;
    }
    return n > 0 ? stats_binomial(above, above + below, 0.5) : NONE;
}

Interval interval_within(Interval i, double low, double high)
{
    if (!isfinite(i.low) || !isfinite(i.high))
        return i;
    return (Interval){fmax(i.low, low), fmin(i.high, high)};
}

/* --- bootstrap ------------------------------------------------------------------------------------------ */

enum { DRAWS = 10000 };

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, int n, double share)
{
    double at = share * (n - 1);
    int i = (int)floor(at);
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* Sums of one draw of n clusters: total[j] and count[j] for each of k ratios. */
static void draw_clusters(const double *const *sum, const double *const *weight, int k, int n, RngKey key,
                          double *total, double *count)
{
    for (int j = 0; j < k; j++)
        total[j] = count[j] = 0;
    for (int i = 0; i < n; i++) {
        int c = (int)rng_below(key, (uint64_t)i, (uint64_t)n);
        for (int j = 0; j < k; j++) {
            total[j] += sum[j][c];
            count[j] += weight ? weight[j][c] : 1;
        }
    }
}

/* What was drawn, sorted, and Student's interval of the ratio: the farther of the two at either end. A width that is rounding
 * alone is none. */
static Interval widest(const double *drawn, int used, const double *sum, const double *weight, int n)
{
    Ratio r = ratio_of(sum, weight, n);
    if (used == 0 || r.n < 2)
        return (Interval){NONE, NONE};
    double ratio = r.sum / r.weight, half = stats_t_point(r.n - 1) * sqrt(r.spread * r.n / (r.n - 1.0)) / r.weight;
    Interval i = {fmin(percentile(drawn, used, 0.025), ratio - half),
                  fmax(percentile(drawn, used, 0.975), ratio + half)};
    return i.high - i.low > 1e-9 * (fabs(i.low) + fabs(i.high)) ? i : (Interval){NONE, NONE};
}

void stats_bootstrap_all(const double *const *sum, const double *const *weight, int k, int n, int seed, Interval *out)
{
    double *drawn = mem_alloc((size_t)k * DRAWS, sizeof *drawn), *total = mem_alloc((size_t)k, 2 * sizeof *total);
    int *used = mem_zalloc((size_t)k, sizeof *used);
    for (int d = 0; n >= 2 && d < DRAWS; d++) {
        RngKey key = {.seed = (uint64_t)seed, .purpose = RNG_BOOTSTRAP, .visit = (uint32_t)d};
        draw_clusters(sum, weight, k, n, key, total, total + k);
        for (int j = 0; j < k; j++)
            if (total[k + j] > 0)
                drawn[(size_t)j * DRAWS + (size_t)used[j]++] = total[j] / total[k + j];
    }
    for (int j = 0; j < k; j++) {
        double *mine = drawn + (size_t)j * DRAWS;
        qsort(mine, (size_t)used[j], sizeof *mine, compare_reals);
        out[j] = widest(mine, used[j], sum[j], weight ? weight[j] : NULL, n);
    }
    free(drawn);
    free(total);
    free(used);
}

Interval stats_bootstrap(const double *sum, const double *weight, int n, int seed)
{
    Interval interval;
    stats_bootstrap_all(&sum, weight ? &weight : NULL, 1, n, seed, &interval);
    return interval;
}

/* --- concordance of rankings ---------------------------------------------------------------------------- */

double stats_chi_square_p(double x, double df)
{
    enum { MOST = 10000 };
    double a = df / 2, y = x / 2;
    if (!(df > 0) || !(x >= 0))
        return NONE;
    if (y == 0)
        return 1;
    double front = real_exp(a * real_log(y) - y - log_gamma(a));
    if (y < a + 1) { /* 1 - P, P by its series */
        double term = 1 / a, sum = term;
        for (int k = 1; k < MOST && term > sum * 1e-17; k++) {
            term *= y / (a + k);
            sum += term;
        }
        return 1 - front * sum;
    }
    double b = y + 1 - a, c = 1e300, d = 1 / b, h = d; /* Q by its continued fraction, from the near end (Lentz) */
    for (int k = 1; k < MOST; k++) {
        double by = -k * (k - a);
        b += 2;
        d = 1 / (by * d + b);
        c = b + by / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return front * h;
}

Concordance stats_kendall_w(const int *rank, int raters, int items)
{
    if (raters < 2 || items < 2)
        return (Concordance){NONE, NONE, NONE, NONE};
    double m = raters, n = items, s = 0;
    for (int i = 0; i < items; i++) {
        double sum = 0;
        for (int r = 0; r < raters; r++)
            sum += rank[r * items + i];
        s += (sum - m * (n + 1) / 2) * (sum - m * (n + 1) / 2);
    }
    double w = 12 * s / (m * m * (n * n * n - n)), chi_square = m * (n - 1) * w;
    return (Concordance){w, chi_square, n - 1, stats_chi_square_p(chi_square, n - 1)};
}

/* --- rankings and bins ---------------------------------------------------------------------------------- */

typedef struct Scored {
    double score;
    bool positive;
} Scored;

static int compare_scored(const void *a, const void *b)
{
    return compare_reals(&((const Scored *)a)->score, &((const Scored *)b)->score);
}

double stats_auc(const double *score, const bool *positive, int n)
{
    Scored *s = mem_alloc((size_t)(n > 0 ? n : 1), sizeof *s);
    for (int i = 0; i < n; i++)
        s[i] = (Scored){score[i], positive[i]};
    qsort(s, (size_t)n, sizeof *s, compare_scored);
    double above = 0, positives = 0, negatives = 0;
    for (int i = 0, end; i < n; i = end) { /* one group of equal scores after the other */
        double here[2] = {0, 0};
        for (end = i; end < n && s[end].score == s[i].score; end++)
            here[s[end].positive]++;
        above += here[1] * (negatives + here[0] / 2);
        negatives += here[0];
        positives += here[1];
    }
    free(s);
    return positives > 0 && negatives > 0 ? above / (positives * negatives) : NONE;
}

int calibration_bin(double p, const CalibrationBin *bin, int bins)
{
    int b = bins - 1;
    while (b > 0 && p < bin[b].low)
        b--;
    return b;
}

double stats_calibration(const double *p, const double *right, int n, double low, double high, CalibrationBin *bin,
                         int bins)
{
    double width = (high - low) / bins, error = 0;
    for (int b = 0; b < bins; b++)
        bin[b] = (CalibrationBin){.low = low + b * width, .high = b == bins - 1 ? high : low + (b + 1) * width};
    for (int i = 0; i < n; i++) {
        int b = calibration_bin(p[i], bin, bins);
        bin[b].n++;
        bin[b].mean_p += p[i];
        bin[b].share += right[i];
    }
    for (int b = 0; b < bins; b++) {
        error += fabs(bin[b].mean_p - bin[b].share) / n;
        bin[b].mean_p /= bin[b].n > 0 ? bin[b].n : NONE;
        bin[b].share /= bin[b].n > 0 ? bin[b].n : NONE;
    }
    return n > 0 ? error : NONE;
}
