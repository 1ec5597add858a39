/* Statistics against exact values (computed in 30 digits, or by hand) and against what must hold by definition. */
#include "rlaif/stage/stats.h"

#include "base/mem.h"
#include "base/real.h"
#include "support.h"

static void moments_and_wilson(void **state)
{
    (void)state;
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    Moments m = stats_moments(x, COUNT(x));
    close_to(m.mean, 5, 1e-15);
    close_to(m.sd, sqrt(32.0 / 7), 1e-15);
    assert_true(isnan(stats_moments(x, 1).sd));
    assert_true(isnan(stats_moments(x, 0).mean));
    static const double table[][4] = {{8, 10, 0.490162471536642, 0.943317848545625},
                                      {15, 20, 0.531299122381256, 0.888138298592334},
                                      {0, 10, 0, 0.277532799862889},
                                      {10, 10, 1 - 0.277532799862889, 1},
                                      {81, 263, 0.255288519878274, 0.3662095769828},
                                      {7.5, 12, 0.354369013466253, 0.835007484869937}};
    for (int i = 0; i < COUNT(table); i++) {
        Interval w = stats_wilson(table[i][0], table[i][1]);
        close_to(w.low, table[i][2], 1e-13);
        close_to(w.high, table[i][3], 1e-13);
    }
    assert_true(isnan(stats_wilson(0, 0).low));
}

static void binomial(void **state)
{
    (void)state;
    close_to(stats_binomial(7, 10, 0.5), 0.34375, 1e-15);
    close_to(stats_binomial(3, 10, 0.5), 0.34375, 1e-15);
    close_to(stats_binomial(0, 8, 0.5), 2.0 / 256, 1e-16);
    close_to(stats_binomial(60, 100, 0.5), 0.056887933640980792, 1e-14);
    close_to(stats_binomial(530, 1000, 0.5), 0.062023195098363181, 1e-13);
    close_to(stats_binomial(2, 12, 0.25), 0.74189639091491699, 1e-14);
    close_to(stats_binomial(5, 10, 0.5), 1, 1e-15);
    assert_true(stats_binomial(0, 0, 0.5) == 1);
    /* beside the normal distribution where n is large: two standard deviations from the middle */
    close_to(stats_binomial(500000 + 1000, 1000000, 0.5), 1 - erf(999.5 / 500 / sqrt(2)), 1e-6);
    assert_true(stats_binomial(1000000, 1000000, 0.5) == 0);
    const double signs[] = {0.1, 2, -1, 0, 3, 0.5, 7, 1e-3, 4, 5, 6}; /* 9 above, 1 below */
    close_to(stats_sign_test(signs, COUNT(signs)), stats_binomial(9, 10, 0.5), 0);
    assert_true(isnan(stats_sign_test(signs, 0)));
}

static void kappa(void **state)
{
    (void)state;
    double cohen[2][2] = {{20, 5}, {10, 15}}, equal[2][2] = {{7, 0}, {0, 9}};
    double chance[2][2] = {{4, 4}, {4, 4}}, constant[2][2] = {{5, 0}, {0, 0}};
    close_to(stats_kappa(cohen), 0.4, 1e-15); /* p_o 0.7, p_e 0.5 */
    close_to(stats_kappa(equal), 1, 1e-15);
    close_to(stats_kappa(chance), 0, 1e-15);
    assert_true(isnan(stats_kappa(constant)));
}

static double p_of_t(double t, double df)
{
    return stats_incomplete_beta(df / (df + t * t), df / 2, 0.5);
}

static void incomplete_beta(void **state)
{
    (void)state;
    close_to(stats_incomplete_beta(0.5, 2, 3), 0.6875, 1e-14);
    close_to(stats_incomplete_beta(0.1, 0.5, 0.5), 0.20483276469913346, 1e-14);
    close_to(stats_incomplete_beta(0.9, 10, 0.5), 0.15164090963470997, 1e-14);
    close_to(stats_incomplete_beta(0.3, 100, 200), 0.10884306564490976, 1e-12);
    close_to(stats_incomplete_beta(0.5, 4e5, 4e5), 0.5, 1e-9);
    close_to(stats_incomplete_beta(0, 2, 3), 0, 0);
    close_to(stats_incomplete_beta(1, 2, 3), 1, 0);
    /* the table of critical values: 5 % at 10 and at 1 degrees of freedom */
    close_to(p_of_t(2.228138852, 10), 0.05, 1e-11);
    close_to(p_of_t(12.7062047364, 1), 0.05, 1e-11);
    close_to(p_of_t(2.5, 7.3), 0.039650234665600472, 1e-13);
    close_to(p_of_t(1.96, 1e6), 0.049996067585269791, 1e-9);
}

static void t_tests(void **state)
{
    (void)state;
    static const double a[] = {27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1,
                               21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4};
    static const double b[] = {27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0,
                               24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4};
    enum { N = 15 };
    double d[N];
    for (int i = 0; i < N; i++)
        d[i] = a[i] - b[i];
    Moments ma = stats_moments(a, N), mb = stats_moments(b, N);
    TTest pooled = stats_t_pooled(ma, mb), welch = stats_t_welch(ma, mb), paired = stats_t_paired(stats_moments(d, N));
    TTest by_hand[] = {pooled, welch, paired};
    static const double wanted[][3] = {{-2.85295487017152, 28, 0.0080547619050796},
                                       {-2.85295487017152, 27.8873039884201, 0.00807193817219488},
                                       {-3.21920871994825, 14, 0.00617987255086331}};
    for (int i = 0; i < COUNT(by_hand); i++) {
        close_to(by_hand[i].t, wanted[i][0], 1e-12);
        close_to(by_hand[i].df, wanted[i][1], 1e-11);
        close_to(by_hand[i].p, wanted[i][2], 1e-13);
    }
    /* nothing can be said of constant or single numbers */
    const double same[] = {3, 3, 3};
    assert_true(isnan(stats_t_paired(stats_moments(same, 3)).p));
    assert_true(isnan(stats_t_welch(stats_moments(same, 3), stats_moments(same, 3)).p));
    assert_true(isnan(stats_t_paired(stats_moments(same, 1)).p));
}

/* The paper's two-sample test of a win rate takes what A won and what B won as independent: where nobody is better it says so
 * at 5 % in 17 % of the sets, P(|N(0, 1)| > 1.96 / sqrt(2)) = 0.166; the test over prompts in 5 %. */
static void size_of_the_papers_test(void **state)
{
    (void)state;
    enum { SETS = 1000, N = 101 };
    double a[N], b[N], gap[N];
    int two_samples = 0, paired = 0;
    for (int s = 0; s < SETS; s++) {
        RngKey key = {.seed = 21, .purpose = RNG_TEST, .row = (uint64_t)s};
        for (int i = 0; i < N; i++) {
            a[i] = rng_uniform(key, (uint64_t)i) < 0.5;
            b[i] = 1 - a[i];
            gap[i] = a[i] - 0.5;
        }
        two_samples += stats_t_pooled(stats_moments(a, N), stats_moments(b, N)).p < 0.05;
        paired += stats_t_paired(stats_moments(gap, N)).p < 0.05;
    }
    assert_in_range(two_samples, SETS * 14 / 100, SETS * 20 / 100);
    assert_in_range(paired, SETS * 3 / 100, SETS * 7 / 100);
}

/* --- clusters ------------------------------------------------------------------------------------------- */

static void same_interval(Interval a, Interval b)
{
    close_to(a.low, b.low, 1e-12);
    close_to(a.high, b.high, 1e-12);
}

/* Clusters of one are Wilson's trials, ties or not; members that are all alike count once, however many they are; a cluster
 * alone is one trial; and where nothing differs, or nothing can be said, there is no certainty. */
static void shares_of_clusters(void **state)
{
    (void)state;
    const double one[] = {1, 1, 1, 1, 1}, single[] = {1, 0, 0.5, 1, 1}, four[] = {4, 4, 4, 4, 4},
                 alike[] = {4, 0, 4, 4, 4}, won[] = {4, 4, 4, 4, 4}, lost[] = {0, 0, 0, 0, 0},
                 mixed[] = {2, 2, 2, 2, 2}, none[] = {0, 0, 0, 0, 0};
    same_interval(stats_share(single, one, 5), stats_wilson(3.5, 5));
    same_interval(stats_share(alike, four, 5), stats_wilson(4, 5));
    same_interval(stats_share(won, four, 5), stats_wilson(5, 5));
    same_interval(stats_share(lost, four, 2), stats_wilson(0, 2));
    same_interval(stats_share(alike, four, 1), stats_wilson(1, 1));
    same_interval(stats_share(mixed, four, 1), stats_wilson(0.5, 1));
    assert_true(isnan(stats_share(none, none, 5).low));
    /* 7 of 8; residuals 6/8, -7/8, 1/8 of squares 86/64; alike, a design of (36 + 1 + 1) / 8 = 4.75 */
    const double uneven[] = {6, 0, 1}, counts[] = {6, 1, 1};
    double design = (86.0 / 64 / (7.0 / 64) + 3 * 4.75 * 4.75) / (8 + 3 * 4.75);
    same_interval(stats_share(uneven, counts, 3), stats_wilson(7 / design, 8 / design));
    /* clusters that are the same within as all together: of the design 1 + 3 alike, (3 * 4^2) / (20 + 3 * 4) */
    same_interval(stats_share(mixed, four, 5), stats_wilson(10 / 1.5, 20 / 1.5));
    const double empty[] = {1, 0, 0, 0.5, 1}, absent[] = {1, 0, 1, 1, 1}; /* a cluster without members is none */
    same_interval(stats_share(empty, absent, 5), stats_wilson(2.5, 4));
}

/* How often of 100 the interval holds the true rate 0.7, where a cluster's members take their leader's outcome with
 * probability `together`; *trials: Wilson's of all members as trials of their own. */
static double coverage(int clusters, int each, double together, double *trials)
{
    enum { SETS = 250, MOST = 64 };
    double sum[MOST], count[MOST], held = 0;
    *trials = 0;
    for (int s = 0; s < SETS; s++) {
        RngKey key = {.seed = 31, .purpose = RNG_TEST, .row = (uint64_t)s};
        double all = 0;
        uint64_t at = 0;
        for (int c = 0; c < clusters; c++) {
            bool leader = rng_uniform(key, at++) < 0.7;
            count[c] = each;
            sum[c] = 0;
            for (int i = 0; i < each; i++) {
                bool own = rng_uniform(key, at++) < 0.7;
                sum[c] += rng_uniform(key, at++) < together ? leader : own;
            }
            all += sum[c];
        }
        Interval b = stats_share(sum, count, clusters), plain = stats_wilson(all, clusters * each);
        held += 100.0 / SETS * (b.low <= 0.7 && 0.7 <= b.high);
        *trials += 100.0 / SETS * (plain.low <= 0.7 && 0.7 <= plain.high);
    }
    return held;
}

/* An interval over prompts holds what it says, of few prompts too; one over their pairs visibly does not. */
static void share_coverage(void **state)
{
    (void)state;
    static const struct {
        int clusters, each;
        double together;
        int most_plain;
    } planted[] = {{40, 8, 0.8, 75}, {40, 4, 1, 80}, {12, 6, 0.7, 80}, {5, 8, 0.8, 75}, {40, 4, 0, 100}};
    for (int i = 0; i < COUNT(planted); i++) {
        double plain, held = coverage(planted[i].clusters, planted[i].each, planted[i].together, &plain);
        if (held < 91 || held > 99.5 || plain > planted[i].most_plain)
            fail_msg("case %d: %g of 100 over clusters, %g over members", i, held, plain);
    }
}

/* The interval of a mean holds the true mean about as often as it says, is the same for the same seed, and another for
 * another. */
static void bootstrap(void **state)
{
    (void)state;
    enum { SETS = 100, N = 30 };
    int held = 0;
    double x[N], width = 0;
    for (int s = 0; s < SETS; s++) {
        RngKey key = {.seed = 5, .purpose = RNG_TEST, .row = (uint64_t)s};
        for (int i = 0; i < N; i++)
            x[i] = 3 + rng_normal(key, (uint64_t)i);
        Interval b = stats_bootstrap(x, NULL, N, s);
        held += b.low <= 3 && 3 <= b.high;
        width += (b.high - b.low) / SETS;
    }
    assert_in_range(held, SETS * 88 / 100, SETS * 98 / 100);
    close_to(width, 2 * 1.96 / sqrt(N), 0.05);
    Interval one = stats_bootstrap(x, NULL, N, 7), again = stats_bootstrap(x, NULL, N, 7),
             other = stats_bootstrap(x, NULL, N, 8);
    assert_memory_equal(&one, &again, sizeof one);
    double skewed[N]; /* whose percentiles reach farther than Student's interval, on one side */
    for (int i = 0; i < N; i++)
        skewed[i] = real_exp(x[i]);
    one = stats_bootstrap(skewed, NULL, N, 7);
    other = stats_bootstrap(skewed, NULL, N, 8);
    assert_true(one.low != other.low || one.high != other.high);
    assert_true(isnan(stats_bootstrap(x, NULL, 1, 0).low));
}

/* Members of a cluster go together: a weight of 2 with twice the sum is a cluster of two equal members, and many
 * copies within few clusters do not narrow the interval. */
static void bootstrap_clusters(void **state)
{
    (void)state;
    double mean[20], sum[20], weight[20];
    for (int i = 0; i < 20; i++) {
        mean[i] = i % 3;
        weight[i] = 8;
        sum[i] = 8 * mean[i];
    }
    Interval few = stats_bootstrap(mean, NULL, 20, 1), copies = stats_bootstrap(sum, weight, 20, 1);
    close_to(few.low, copies.low, 1e-12);
    close_to(few.high, copies.high, 1e-12);
    /* (0 + 30) / 40 when each is drawn once; Student's of two is wider: its error is sqrt(2 (7.5^2 + 7.5^2)) / 40 */
    const double two_sums[] = {0, 30}, two_weights[] = {10, 30};
    Interval uneven = stats_bootstrap(two_sums, two_weights, 2, 1);
    close_to(uneven.low, 0.75 - 12.706204736175 * 15 / 40, 1e-9);
    close_to(uneven.high, 0.75 + 12.706204736175 * 15 / 40, 1e-9);
    Interval within = interval_within(uneven, 0, 1), nothing = interval_within((Interval){(double)NAN, 1}, 0, 1);
    assert_true(within.low == 0 && within.high == 1 && isnan(nothing.low));
}

/* Of few prompts nothing is certain: an interval that leaves 0 out has a t-test below 5 % beside it, whatever the numbers; two
 * of one sign let 0 in; and numbers that are all alike, but for rounding, have no interval. */
static void bootstrap_of_few(void **state)
{
    (void)state;
    static const double gains[][6] = {
        {0.1, 0.2}, {0.01, 0.02, 1}, {0.3, 0.31, 0.32, 2}, {0.01, 0.01, 0.01, 0.01, 1}, {1, 1.1, 0.9, 1.05, 0.95, 1}};
    static const int n[] = {2, 3, 4, 5, 6};
    for (int i = 0; i < COUNT(n); i++) {
        Interval b = stats_bootstrap(gains[i], NULL, n[i], 0);
        double p = stats_t_paired(stats_moments(gains[i], n[i])).p;
        assert_true(b.low < b.high);
        assert_int_equal(b.low > 0 || b.high < 0, p < 0.05);
    }
    const double equal[] = {0.1, 0.1, 0.1, 0.1}, nearly[] = {0.3, 0.1 + 0.2, 0.3}, sums[] = {0.3, 0.1 + 0.1 + 0.1},
                 weights[] = {3, 3};
    assert_true(isnan(stats_bootstrap(equal, NULL, 4, 0).low));
    assert_true(isnan(stats_bootstrap(nearly, NULL, 3, 0).low));
    assert_true(isnan(stats_bootstrap(sums, weights, 2, 0).low));
    assert_true(isnan(stats_t_paired(stats_moments(nearly, 3)).p));
}

/* Ratios drawn together are those drawn alone; a ratio with nothing under it in a draw takes no part in it. */
static void bootstrap_together(void **state)
{
    (void)state;
    double sum[2][12], weight[2][12], none[12] = {0};
    for (int i = 0; i < 12; i++) {
        sum[0][i] = i % 4;
        weight[0][i] = 1 + i % 3;
        sum[1][i] = i == 3 ? 5 : 0;
        weight[1][i] = i == 3 ? 10 : 0;
    }
    const double *sums[] = {sum[0], sum[1], sum[0]}, *weights[] = {weight[0], weight[1], none};
    Interval all[3], alone = stats_bootstrap(sum[0], weight[0], 12, 4);
    stats_bootstrap_all(sums, weights, 3, 12, 4, all);
    assert_memory_equal(&all[0], &alone, sizeof alone);
    assert_true(isnan(all[1].low)); /* one cluster alone */
    assert_true(isnan(all[2].low));
}

/* The tables of critical values of chi-square, and exact values: with 2 degrees of freedom P(X > x) is exp(-x / 2). */
static void chi_square(void **state)
{
    (void)state;
    static const double five_percent[] = {3.841458820694124, 5.991464547107979, 7.814727903251179, 9.487729036781154};
    for (int df = 1; df <= COUNT(five_percent); df++)
        close_to(stats_chi_square_p(five_percent[df - 1], df), 0.05, 1e-13);
    close_to(stats_chi_square_p(18.307038053275146, 10), 0.05, 1e-13);
    close_to(stats_chi_square_p(124.34211340400407, 100), 0.05, 1e-12);
    static const double x[] = {0, 0.1, 1, 2, 3.9, 4.1, 10, 50, 700};
    for (int i = 0; i < COUNT(x); i++)
        close_to(stats_chi_square_p(x[i], 2), real_exp(-x[i] / 2), 1e-14);
    close_to(stats_chi_square_p(1, 1), 1 - erf(sqrt(0.5)), 1e-14);
    assert_true(isnan(stats_chi_square_p(1, 0)));
}

/* By hand. Three raters, three items, two of one mind: sums of ranks 4, 5, 9 about 6 give S = 4 + 1 + 9 = 14 and
 * W = 12 * 14 / (9 * 24) = 7/9. Four raters of four items: sums 5, 9, 10, 16 about 10, S = 25 + 1 + 0 + 36 = 62,
 * W = 12 * 62 / (16 * 60) = 0.775. */
static void kendall_w(void **state)
{
    (void)state;
    static const int equal[] = {1, 2, 3, 1, 2, 3, 1, 2, 3}, opposite[] = {1, 2, 3, 3, 2, 1};
    static const int three[] = {1, 2, 3, 1, 2, 3, 2, 1, 3};
    static const int four[] = {1, 2, 3, 4, 2, 1, 3, 4, 1, 3, 2, 4, 1, 3, 2, 4};
    close_to(stats_kendall_w(equal, 3, 3).w, 1, 1e-15);
    close_to(stats_kendall_w(opposite, 2, 3).w, 0, 1e-15);
    Concordance c = stats_kendall_w(three, 3, 3);
    close_to(c.w, 7.0 / 9, 1e-15);
    close_to(c.chi_square, 3 * 2 * 7.0 / 9, 1e-14);
    close_to(c.df, 2, 0);
    close_to(c.p, real_exp(-7.0 / 3), 1e-14);
    close_to(stats_kendall_w(four, 4, 4).w, 0.775, 1e-15);
    assert_true(isnan(stats_kendall_w(three, 1, 3).w));
    assert_true(isnan(stats_kendall_w(three, 3, 1).w));
}

static void auc(void **state)
{
    (void)state;
    static const double score[] = {0.1, 0.4, 0.35, 0.8, 0.4};
    static const bool positive[] = {false, false, true, true, true}, none[5] = {false};
    /* of the six pairs 0.35 > 0.1, 0.8 > both, 0.4 > 0.1 are right, 0.4 and 0.4 are equal, 0.35 < 0.4 */
    close_to(stats_auc(score, positive, 5), 4.5 / 6, 1e-15);
    assert_true(isnan(stats_auc(score, none, 5)));
}

static void calibration(void **state)
{
    (void)state;
    static const double p[] = {0.5, 0.55, 0.6, 0.99, 1.0}, right[] = {1, 0, 0.5, 1, 1};
    CalibrationBin bin[5];
    double error = stats_calibration(p, right, 5, 0.5, 1, bin, 5);
    assert_int_equal(bin[0].n, 2);
    assert_int_equal(bin[1].n, 1);
    assert_int_equal(bin[2].n, 0);
    assert_int_equal(bin[4].n, 2);
    close_to(bin[0].mean_p, 0.525, 1e-15);
    close_to(bin[0].share, 0.5, 1e-15);
    close_to(bin[4].mean_p, 0.995, 1e-15);
    assert_true(isnan(bin[2].share));
    close_to(error, (2 * 0.025 + 0.1 + 2 * 0.005) / 5, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_wilson),
        cmocka_unit_test(binomial),
        cmocka_unit_test(kappa),
        cmocka_unit_test(incomplete_beta),
        cmocka_unit_test(t_tests),
        cmocka_unit_test(size_of_the_papers_test),
        cmocka_unit_test(shares_of_clusters),
        cmocka_unit_test(share_coverage),
        cmocka_unit_test(bootstrap),
        cmocka_unit_test(bootstrap_of_few),
        cmocka_unit_test(bootstrap_clusters),
        cmocka_unit_test(bootstrap_together),
        cmocka_unit_test(chi_square),
        cmocka_unit_test(kendall_w),
        cmocka_unit_test(auc),
        cmocka_unit_test(calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
