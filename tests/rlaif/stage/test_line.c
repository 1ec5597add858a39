/* Straight lines and their intervals, against the same by matrices (computed apart) and what must hold by definition. */
#include "rlaif/stage/line.h"

#include "support.h"

static void through_points(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 2, 4, 5, 7}, y[] = {1, 3, 2, 2, 6, 5};
    static const int cluster[] = {0, 0, 1, 2, 3, 3};
    Line l = line_through(x, y, COUNT(x));
    close_to(l.slope, 0.6862745098039214, 1e-14);
    close_to(line_at(&l, 0), 0.7647058823529402, 1e-14);
    Interval at = line_interval(&l, 3, x, y, cluster, 4);
    close_to(at.low, 1.2619664849849164, 1e-9);
    close_to(at.high, 4.385092338544492, 1e-9);
    Interval same = line_interval(&l, 3, x, y, cluster, 9); /* clusters without points are none */
    assert_true(same.low == at.low && same.high == at.high);
    Interval slope = line_slope_interval(&l, x, y);
    close_to(slope.low, -0.03183973099943804, 1e-9);
    close_to(slope.high, 1.4043887506072807, 1e-9);
}

static void without_an_interval(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4}, y[] = {2, 4, 6, 8}, same[] = {5, 5, 5, 5}, any[] = {1, 2, 2, 3};
    static const int own[] = {0, 1, 2, 3}, two[] = {0, 0, 1, 1};
    Line exact = line_through(x, y, 4);
    close_to(exact.slope, 2, 1e-15);
    assert_true(isnan(line_interval(&exact, 0, x, y, own, 4).low)); /* nothing is left over */
    assert_true(isnan(line_slope_interval(&exact, x, y).low));
    Line loose = line_through(x, any, 4), flat = line_through(same, any, 4);
    assert_true(isnan(line_interval(&loose, 0, x, any, two, 2).low)); /* two prompts */
    assert_true(isfinite(line_interval(&loose, 0, x, any, own, 4).low));
    close_to(line_at(&flat, 5), 2, 1e-15); /* x does not vary: the mean, and its error */
    close_to(flat.slope, 0, 0);
    assert_true(isnan(line_slope_interval(&flat, same, any).low));
    Interval mean = line_interval(&flat, 5, same, any, own, 4);
    close_to((mean.low + mean.high) / 2, 2, 1e-12);
    Line pair = line_through(x, any, 2);
    assert_true(isnan(line_slope_interval(&pair, x, any).low));
}

static void means(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 6};
    Interval i = stats_t_interval(stats_moments(x, 3)); /* 3 +- 4.302652729911275 sqrt(7 / 3) */
    close_to(i.low, 3 - 4.302652729911275 * sqrt(7.0 / 3), 1e-6);
    close_to(i.high, 3 + 4.302652729911275 * sqrt(7.0 / 3), 1e-6);
    assert_true(isnan(stats_t_interval(stats_moments(x, 1)).low));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_points),
        cmocka_unit_test(without_an_interval),
        cmocka_unit_test(means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
