/* Logistic regressions against exact values (computed in 30 digits) and against what must hold by definition. */
#include "rlaif/stage/logistic.h"

#include "base/real.h"
#include "base/rng.h"
#include "support.h"

static void fit(void **state)
{
    (void)state;
    static const double z[] = {0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 0.7, 1.05, 1.6, 0.95};
    static const double t[] = {0, 0, 1, 1, 0, 1, 0, 0.5, 1, 1};
    Logistic l = logistic_fit(z, t, COUNT(z));
    double slope = l.slope / l.scale;
    close_to(slope, 6.46264888629325, 1e-6);
    close_to(l.intercept - slope * l.mean, -6.48321030698971, 1e-6);
    close_to(logistic_at(&l, 1), 0.494859825918093, 1e-7);
}

/* Length control (paper.md 17, point 7): equal lengths give the raw rate; a preference that follows length alone gives
 * about a half where the lengths are equal. */
static void length_control(void **state)
{
    (void)state;
    enum { N = 400 };
    double z[N], t[N], raw = 0;
    RngKey key = {.seed = 9, .purpose = RNG_TEST};
    for (int i = 0; i < N; i++) {
        z[i] = 1;
        t[i] = i % 10 < 7;
        raw += t[i] / N;
    }
    Logistic equal = logistic_fit(z, t, N);
    close_to(logistic_at(&equal, 1), raw, 1e-8);
    raw = 0;
    for (int i = 0; i < N; i++) {
        z[i] = 0.9 + rng_uniform(key, (uint64_t)i); /* A is longer, mostly */
        t[i] = rng_uniform(key, (uint64_t)(N + i)) < real_sigmoid(6 * (z[i] - 1));
        raw += t[i] / N;
    }
    Logistic length = logistic_fit(z, t, N);
    assert_true(raw > 0.8);
    close_to(logistic_at(&length, 1), 0.5, 0.08);
}

/* With equal lengths and one row a cluster the prediction is a share p, whose standard error in logits is
 * sqrt(n / (n - 1) / (n p (1 - p))). Rows that stand twice in their cluster change nothing; taken as clusters of their
 * own they would narrow it. */
static void interval(void **state)
{
    (void)state;
    enum { N = 50 };
    double z[2 * N], t[2 * N], p = 0.7;
    int own[2 * N], twice[2 * N];
    for (int i = 0; i < 2 * N; i++) {
        z[i] = 1;
        t[i] = i % N < 35;
        own[i] = i;
        twice[i] = i % N;
    }
    Logistic once = logistic_fit(z, t, N), both = logistic_fit(z, t, 2 * N);
    Interval one = logistic_interval(&once, 1, z, t, own, N, N),
             same = logistic_interval(&both, 1, z, t, twice, 2 * N, N),
             narrow = logistic_interval(&both, 1, z, t, own, 2 * N, 2 * N);
    double eta = real_log(p / (1 - p)), half = 2.010634758 * sqrt(N / (N - 1.0) / (N * p * (1 - p))); /* t of 48 */
    close_to(one.low, real_sigmoid(eta - half), 1e-8);
    close_to(one.high, real_sigmoid(eta + half), 1e-8);
    close_to(same.low, one.low, 1e-8);
    close_to(same.high, one.high, 1e-8);
    assert_true(narrow.low > one.low + 0.03 && narrow.high < one.high - 0.02);
    for (int i = 0; i < N; i++)
        t[i] = 1;
    Logistic won = logistic_fit(z, t, N);
    assert_true(isnan(logistic_interval(&won, 1, z, t, own, N, N).low));
    assert_true(isnan(logistic_interval(&once, 1, z, t, own, 1, 1).low));
    for (int i = 0; i < N; i++)
        t[i] = 0.5; /* ties alone */
    Logistic even = logistic_fit(z, t, N);
    assert_true(isnan(logistic_interval(&even, 1, z, t, own, N, N).low));
}

/* The interval at equal lengths holds the true value about as often as it says: preference grows with length, and the
 * members of a cluster share a leaning. */
static void coverage(void **state)
{
    (void)state;
    enum { SETS = 200, CLUSTERS = 80, EACH = 3, N = CLUSTERS * EACH };
    double z[N], t[N];
    int cluster[N], held = 0;
    for (int s = 0; s < SETS; s++) {
        RngKey key = {.seed = 11, .purpose = RNG_TEST, .row = (uint64_t)s};
        for (int i = 0; i < N; i++) {
            cluster[i] = i / EACH;
            z[i] = 0.6 + rng_uniform(key, (uint64_t)i);
            bool with_first = rng_uniform(key, (uint64_t)(N + cluster[i])) < 0.5;
            double own = rng_uniform(key, (uint64_t)(2 * N + (with_first ? cluster[i] * EACH : i)));
            t[i] = own < real_sigmoid(0.4 + 2 * (z[i] - 1));
        }
        Logistic l = logistic_fit(z, t, N);
        Interval b = logistic_interval(&l, 1, z, t, cluster, N, CLUSTERS);
        held += b.low <= real_sigmoid(0.4) && real_sigmoid(0.4) <= b.high;
    }
    assert_in_range(held, SETS * 90 / 100, SETS * 99 / 100);
}

/* Separated data have no largest likelihood; the ridge gives finite coefficients that still say where the border is. */
static void separation(void **state)
{
    (void)state;
    static const double z[] = {0.5, 0.6, 0.7, 1.3, 1.4, 1.5}, t[] = {0, 0, 0, 1, 1, 1}, won[] = {1, 1, 1, 1, 1, 1};
    Logistic l = logistic_fit(z, t, COUNT(z));
    assert_true(isfinite(l.slope) && isfinite(l.intercept));
    close_to(logistic_at(&l, 1), 0.5, 1e-6);
    assert_true(logistic_at(&l, 0.7) < 0.01 && logistic_at(&l, 1.3) > 0.99);
    Logistic all = logistic_fit(z, won, COUNT(z));
    assert_true(isfinite(all.intercept) && logistic_at(&all, 1) > 0.9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit),      cmocka_unit_test(length_control), cmocka_unit_test(interval),
        cmocka_unit_test(coverage), cmocka_unit_test(separation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
