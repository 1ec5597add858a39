/* What length explains of win rates and gains: all, nothing or a part of it is planted, and must be found, with an interval
 * that holds it as often as it says. */
#include "rlaif/eval/contest.h"

#include "base/real.h"
#include "base/rng.h"
#include "support.h"

enum { PROMPTS = 80, EACH = 3, N = PROMPTS * EACH };

/* Pairs of which those of a prompt are alike in length and in a leaning: z in 0.6 .. 1.8. */
typedef struct Planted {
    double ratio[N], y[N];
    int prompt[N];
} Planted;

/* Outcomes won with sigma(level + by_length (z - 1)), or gains of level + by_length (z - 1) and noise. */
static void plant(Planted *p, int set, double level, double by_length, bool gains)
{
    RngKey key = {.seed = 41, .purpose = RNG_TEST, .row = (uint64_t)set};
    uint64_t at = 0;
    for (int c = 0; c < PROMPTS; c++) {
        double length = rng_uniform(key, at++), leader = rng_uniform(key, at++);
        bool together = rng_uniform(key, at++) < 0.5;
        for (int i = c * EACH; i < (c + 1) * EACH; i++) {
            double z = 0.6 + 0.6 * length + 0.6 * rng_uniform(key, at++), own = rng_uniform(key, at++);
            double u = together ? leader : own, middle = level + by_length * (z - 1);
            p->ratio[i] = z;
            p->prompt[i] = c;
            p->y[i] = gains ? middle + u - 0.5 : (double)(u < real_sigmoid(middle));
        }
    }
}

static Adjusted found(const Planted *p, bool gains)
{
    return eval_length_controlled(p->ratio, p->y, p->prompt, N, PROMPTS, LENGTH_RATIO, gains);
}

/* The mean of sigma(level + by_length (z - 1)) over all z, less sigma(level). */
static double share_of(double level, double by_length)
{
    enum { STEPS = 200 };
    double mean = 0;
    for (int i = 0; i < STEPS * STEPS; i++) {
        double z = 0.6 + 0.6 * (i / STEPS + 0.5) / STEPS + 0.6 * (i % STEPS + 0.5) / STEPS;
        mean += real_sigmoid(level + by_length * (z - 1)) / (STEPS * STEPS);
    }
    return mean - real_sigmoid(level);
}

/* Of a win rate above one half that length makes alone all is length's; where length does not matter, nothing is. */
static void all_and_nothing(void **state)
{
    (void)state;
    Planted p;
    plant(&p, 0, 0, 8, false);
    Adjusted all = found(&p, false);
    double raw = stats_moments(p.y, N).mean;
    assert_true(raw > 0.6);
    close_to(all.by_length, raw - 0.5, 0.06);
    assert_true(all.by_length_interval.low > 0.1 && all.by_length_interval.low < raw - 0.5);
    assert_true(all.by_length_interval.high > raw - 0.5 && all.by_length_interval.high < 0.4);
    plant(&p, 0, 1, 0, false);
    Adjusted nothing = found(&p, false);
    assert_true(nothing.rate > 0.65);
    assert_true(nothing.by_length_interval.low < 0 && nothing.by_length_interval.high > 0);
    /* what both numbers have in common is no part of it: taken apart, each is far less certain */
    assert_true(nothing.by_length_interval.high - nothing.by_length_interval.low <
                0.6 * (nothing.interval.high - nothing.interval.low));
    plant(&p, 0, 0, 2, true);
    Adjusted gain = found(&p, true);
    close_to(gain.by_length, 2 * 0.2, 0.08);
    assert_true(gain.by_length_interval.low > 0.25 && gain.by_length_interval.high < 0.55);
}

/* Shares of a part, of all and of nothing: the interval holds what was planted about as often as it says. */
static void coverage(void **state)
{
    (void)state;
    enum { SETS = 200 };
    static const struct {
        double level, by_length;
        bool gains;
    } planted[] = {{0.4, 2, false}, {0, 3, false}, {1, 0, false}, {0.3, 1, true}, {0.3, 0, true}};
    for (int k = 0; k < COUNT(planted); k++) {
        bool gains = planted[k].gains;
        double truth = gains ? 0.2 * planted[k].by_length : share_of(planted[k].level, planted[k].by_length);
        int held = 0;
        for (int s = 0; s < SETS; s++) {
            Planted p;
            plant(&p, s, planted[k].level, planted[k].by_length, gains);
            Adjusted a = found(&p, gains);
            held += a.by_length_interval.low <= truth && truth <= a.by_length_interval.high;
        }
        if (held < SETS * 90 / 100 || held > SETS * 99 / 100)
            fail_msg("case %d: %d of %d hold %g", k, held, SETS, truth);
    }
}

/* Rows that stand twice in their prompt say nothing new; taken for prompts of their own they would. */
static void over_prompts(void **state)
{
    (void)state;
    Planted p;
    double ratio[2 * N], y[2 * N];
    int prompt[2 * N], own[2 * N];
    for (int gains = 0; gains < 2; gains++) {
        plant(&p, 1, 0.4, 2, gains);
        for (int i = 0; i < 2 * N; i++) {
            ratio[i] = p.ratio[i % N];
            y[i] = p.y[i % N];
            prompt[i] = p.prompt[i % N];
            own[i] = i / EACH;
        }
        Adjusted once = found(&p, gains),
                 twice = eval_length_controlled(ratio, y, prompt, 2 * N, PROMPTS, LENGTH_RATIO, gains),
                 apart = eval_length_controlled(ratio, y, own, 2 * N, 2 * PROMPTS, LENGTH_RATIO, gains);
        close_to(twice.by_length, once.by_length, 1e-7);
        close_to(twice.by_length_interval.low, once.by_length_interval.low, 1e-7);
        close_to(twice.by_length_interval.high, once.by_length_interval.high, 1e-7);
        assert_true(apart.by_length_interval.low > once.by_length_interval.low + 0.005);
    }
}

/* Prompts of unequal many samples: the numbers are the summary's own, less one another; and what has no interval says so. */
static void of_summaries(void **state)
{
    (void)state;
    Contest c[40];
    for (int i = 0; i < COUNT(c); i++) {
        double z = 0.8 + (i * 7 % 11) / 10.0, b = 0.1 * (i % 5);
        c[i] = (Contest){i < 10 ? i / 5 : i - 8, b + 0.3 * (z - 1) + (i % 3 - 1) * 0.2, b, z, 0.9, false, false};
    }
    json_t *out = json_object();
    contest_summary(out, c, COUNT(c), 32, true, LENGTH_LOG, 0);
    close_to(json_number_of(out, "length_share", 9),
             json_number_of(out, "win_rate", 9) - json_number_of(out, "length_controlled", 9), 1e-12);
    close_to(json_number_of(out, "length_share_of_gain", 9),
             json_number_of(out, "gain_in_spreads", 9) - json_number_of(out, "gain_in_spreads_at_equal_length", 9),
             1e-12);
    assert_int_equal(json_array_size(json_object_get(out, "length_share_interval")), 2);
    assert_int_equal(json_array_size(json_object_get(out, "length_share_of_gain_interval")), 2);
    json_decref(out);
    for (int i = 0; i < COUNT(c); i++)
        c[i].ratio = 1;
    out = json_object();
    contest_summary(out, c, COUNT(c), 32, false, LENGTH_RATIO, 0);
    close_to(json_number_of(out, "length_share", 9), 0, 1e-8); /* equal lengths explain nothing, and that is sure */
    assert_true(json_is_null(json_object_get(out, "length_share_interval")));
    assert_null(json_object_get(out, "length_share_of_gain"));
    json_decref(out);
    for (int i = 0; i < COUNT(c); i++)
        c[i].ratio = 1.5;
    out = json_object();
    contest_summary(out, c, COUNT(c), 32, false, LENGTH_RATIO, 0);
    assert_true(json_is_null(json_object_get(out, "length_share")));
    json_decref(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_and_nothing),
        cmocka_unit_test(coverage),
        cmocka_unit_test(over_prompts),
        cmocka_unit_test(of_summaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
