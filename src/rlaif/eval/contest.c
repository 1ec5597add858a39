/* Contests of two policies. */
#include "rlaif/eval/contest.h"

#include "base/mem.h"
#include "base/real.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/table.h"
#include "rlaif/stage/line.h"
#include "rlaif/stage/logistic.h"

/* What can be set beside lengths: rows whose ratio is finite, or has a logarithm. */
typedef struct Beside {
    double *x, *y; /* ratio or its logarithm; what is measured */
    int *cluster, n;
    double equal; /* x where both are equally long */
    bool known;   /* what y is there: x varies, or is nothing else */
} Beside;

static Beside beside_begin(const double *ratio, const double *measured, const int *cluster, int n, LengthControl how)
{
    Beside b = {.x = mem_alloc((size_t)n + 1, sizeof(double)),
                .y = mem_alloc((size_t)n + 1, sizeof(double)),
                .cluster = mem_alloc((size_t)n + 1, sizeof(int)),
                .equal = how == LENGTH_LOG ? 0 : 1};
    bool varies = false;
    for (int i = 0; i < n; i++) {
        double x = how != LENGTH_LOG ? ratio[i] : ratio[i] > 0 ? real_log(ratio[i]) : (double)NAN;
        if (!isfinite(x))
            continue;
        b.x[b.n] = x;
        b.y[b.n] = measured[i];
        b.cluster[b.n] = cluster[i];
        varies = varies || b.x[b.n] != b.x[0];
        b.n++;
    }
    b.known = varies || (b.n > 0 && b.x[0] == b.equal);
    return b;
}

static void beside_release(Beside *b)
{
    free(b->x);
    free(b->y);
    free(b->cluster);
}

/* The mean over rows, or with `gains` over prompts of their rows' means; what moves it. */
static double plain_mean(const double *y, const int *cluster, int n, bool gains, Moved *m)
{
    double *rows = mem_zalloc((size_t)m->clusters + 1, sizeof *rows), *part = mem_alloc((size_t)n + 1, sizeof *part);
    double mean = 0;
    int prompts = 0;
    for (int i = 0; i < n; i++)
        prompts += rows[cluster[i]]++ == 0;
    for (int i = 0; i < n; i++) {
        part[i] = gains ? 1 / (rows[cluster[i]] * prompts) : 1.0 / n;
        mean += part[i] * y[i];
    }
    for (int i = 0; i < n; i++)
        moved_add(m, cluster[i], part[i] * (y[i] - mean));
    free(rows);
    free(part);
    return mean;
}

Adjusted eval_length_controlled(const double *ratio, const double *y, const int *cluster, int n, int clusters,
                                LengthControl how, bool gains)
{
    static const Interval none = {(double)NAN, (double)NAN};
    Beside b = beside_begin(ratio, y, cluster, n, how);
    Adjusted a = {(double)NAN, none, (double)NAN, none};
    if (b.known) {
        Moved m = moved_begin(clusters);
        double plain = plain_mean(y, cluster, n, gains, &m), size = 0;
        if (gains) {
            Line l = line_through(b.x, b.y, b.n);
            a.rate = line_at(&l, b.equal);
            a.interval = line_interval(&l, b.equal, b.x, b.y, b.cluster, clusters);
            line_moved(&l, b.equal, b.x, b.y, b.cluster, -1, &m);
        } else {
            Logistic l = logistic_fit(b.x, b.y, b.n);
            a.rate = logistic_at(&l, b.equal);
            a.interval = logistic_interval(&l, b.equal, b.x, b.y, b.cluster, b.n, clusters);
            logistic_moved(&l, b.equal, b.x, b.y, b.cluster, b.n, -a.rate * (1 - a.rate), &m);
        }
        for (int i = 0; i < n; i++)
            size = fmax(size, fabs(y[i]));
        a.by_length = plain - a.rate;
        if (isfinite(a.interval.low))
            a.by_length_interval = moved_interval(&m, a.by_length, 1e-8 * size); /* the ridge's part is below */
        moved_release(&m);
    }
    beside_release(&b);
    return a;
}

void eval_set_adjusted(json_t *object, Adjusted a)
{
    eval_set(object, "length_controlled", a.rate);
    json_object_set_new(object, "length_controlled_interval", eval_interval(a.interval));
}

/* The share of pairs that A wins at equal length, or with `gains` by how much. */
static Adjusted contest_adjusted(const Contest *c, int n, int clusters, LengthControl how, bool gains)
{
    double *ratio = mem_alloc((size_t)n + 1, sizeof *ratio), *y = mem_alloc((size_t)n + 1, sizeof *y);
    int *of = mem_alloc((size_t)n + 1, sizeof *of);
    for (int i = 0; i < n; i++) {
        ratio[i] = c[i].ratio;
        y[i] = gains ? c[i].a - c[i].b : eval_outcome(c[i].a, c[i].b);
        of[i] = c[i].cluster;
    }
    Adjusted a = eval_length_controlled(ratio, y, of, n, clusters, how, gains);
    free(ratio);
    free(y);
    free(of);
    return a;
}

/* The paper's test (8): A's outcomes against B's, which are what A's are not. */
static double two_sample_p(const Contest *c, int n)
{
    double *a = mem_alloc((size_t)n + 1, sizeof *a), *b = mem_alloc((size_t)n + 1, sizeof *b);
    for (int i = 0; i < n; i++) {
        a[i] = eval_outcome(c[i].a, c[i].b);
        b[i] = 1 - a[i];
    }
    double p = stats_t_pooled(stats_moments(a, n), stats_moments(b, n)).p;
    free(a);
    free(b);
    return p;
}

/* What a contest is read by: A's outcome, A's reward, B's, ... */
typedef double Reading(const Contest *c);

static double outcome_of(const Contest *c)
{
    return eval_outcome(c->a, c->b);
}

static double reward_of_a(const Contest *c)
{
    return c->a;
}

static double reward_of_b(const Contest *c)
{
    return c->b;
}

static double is_same_slot(const Contest *c)
{
    return c->same_slot;
}

static double is_first(const Contest *c)
{
    return c->first;
}

/* Of all contests, or of those alone that `which` is not 0 of. */
static Outcomes read_contests(const Contest *c, int n, int clusters, Reading *what, Reading *which)
{
    Outcomes o = outcomes_begin(clusters);
    for (int i = 0; i < n; i++)
        if (!which || which(&c[i]) != 0)
            outcomes_add(&o, c[i].cluster, what(&c[i]));
    return o;
}

void contest_wins(json_t *out, const Contest *c, int n, int clusters, LengthControl how, int seed)
{
    Outcomes o = read_contests(c, n, clusters, outcome_of, NULL);
    int wins = 0, losses = 0;
    for (int i = 0; i < n; i++) {
        wins += c[i].a > c[i].b;
        losses += c[i].a < c[i].b;
    }
    eval_set_share(out, "win_rate", &o, NULL);
    json_object_set_new(out, "win_rate_bootstrap", eval_interval(outcomes_share_bootstrap(&o, seed)));
    json_object_set_new(out, "wins", json_integer(wins));
    json_object_set_new(out, "losses", json_integer(losses));
    json_object_set_new(out, "ties", json_integer(n - wins - losses));
    eval_set(out, "binomial_p", outcomes_sign_test(&o, 0.5));
    eval_set(out, "paired_p", outcomes_t_test(&o, 0.5));
    eval_set(out, "t_p", two_sample_p(c, n));
    Adjusted a = contest_adjusted(c, n, clusters, how, false);
    eval_set_adjusted(out, a);
    eval_set(out, "length_share", a.by_length);
    json_object_set_new(out, "length_share_interval", eval_interval(interval_within(a.by_length_interval, -1, 1)));
    outcomes_release(&o);
}

static void set_in_spreads(json_t *out, const char *key, double gain, Interval interval, double spread)
{
    char *interval_key = mem_printf("%s_interval", key);
    eval_set(out, key, gain / spread);
    json_object_set_new(out, interval_key, eval_interval((Interval){interval.low / spread, interval.high / spread}));
    free(interval_key);
}

static void set_gain(json_t *out, const Contest *c, int n, int clusters, LengthControl how, int seed)
{
    Outcomes a = read_contests(c, n, clusters, reward_of_a, NULL), b = read_contests(c, n, clusters, reward_of_b, NULL);
    Moments of_a = stats_moments(a.at, n), of_b = stats_moments(b.at, n);
    int prompts;
    double *gain = outcomes_gaps(&a, &b, &prompts);
    Interval interval = stats_bootstrap(gain, NULL, prompts, seed);
    Adjusted equal = contest_adjusted(c, n, clusters, how, true);
    eval_set(out, "mean_a", of_a.mean);
    json_object_set_new(out, "mean_a_interval", eval_interval(outcomes_bootstrap(&a, seed)));
    eval_set(out, "mean_b", of_b.mean);
    json_object_set_new(out, "mean_b_interval", eval_interval(outcomes_bootstrap(&b, seed)));
    eval_set(out, "gain", stats_moments(gain, prompts).mean);
    json_object_set_new(out, "gain_interval", eval_interval(interval));
    json_object_set_new(out, "excludes_zero", json_boolean(interval.low > 0 || interval.high < 0));
    eval_set(out, "spread_b", of_b.sd);
    set_in_spreads(out, "gain_in_spreads", stats_moments(gain, prompts).mean, interval, of_b.sd);
    set_in_spreads(out, "gain_in_spreads_at_equal_length", equal.rate, equal.interval, of_b.sd);
    set_in_spreads(out, "length_share_of_gain", equal.by_length, equal.by_length_interval, of_b.sd);
    eval_set(out, "gain_paired_p", stats_t_paired(stats_moments(gain, prompts)).p);
    eval_set(out, "gain_t_p", stats_t_pooled(of_a, of_b).p);
    eval_set(out, "gain_welch_p", stats_t_welch(of_a, of_b).p);
    outcomes_release(&a);
    outcomes_release(&b);
    free(gain);
}

static void set_orders(json_t *out, const Contest *c, int n, int clusters, int seed)
{
    Outcomes p = read_contests(c, n, clusters, reward_of_a, NULL),
             same = read_contests(c, n, clusters, is_same_slot, NULL),
             first = read_contests(c, n, clusters, is_first, is_same_slot);
    eval_set(out, "mean_p", p.total / n);
    json_object_set_new(out, "mean_p_interval", eval_interval(outcomes_share_bootstrap(&p, seed)));
    eval_set(out, "same_slot_rate", same.total / n);
    json_object_set_new(out, "same_slot_interval", eval_interval(outcomes_share(&same)));
    eval_set(out, "first_share", first.total / first.n);
    json_object_set_new(out, "first_share_interval", eval_interval(outcomes_share(&first)));
    eval_set(out, "first_share_p", outcomes_sign_test(&first, 0.5));
    outcomes_release(&p);
    outcomes_release(&same);
    outcomes_release(&first);
}

void contest_summary(json_t *out, const Contest *c, int n, int clusters, bool pointwise, LengthControl how, int seed)
{
    double mass = 0;
    for (int i = 0; i < n; i++)
        mass += c[i].mass / n;
    contest_wins(out, c, n, clusters, how, seed);
    if (pointwise)
        set_gain(out, c, n, clusters, how, seed);
    else
        set_orders(out, c, n, clusters, seed);
    if (isfinite(mass)) /* a reward model has no answers */
        eval_set(out, "mass", mass);
}

static void print_gain(const json_t *r)
{
    eval_print("  mean reward of A, of B", "%s, %s", eval_decimal(r, "mean_a").text, eval_decimal(r, "mean_b").text);
    eval_print_interval("  gain of A over B", eval_decimal(r, "gain").text, json_object_get(r, "gain_interval"), 1, 3,
                        json_is_true(json_object_get(r, "excludes_zero")) ? ", without 0" : ", with 0 in it");
    eval_print_interval("  in spreads of B's rewards", eval_decimal(r, "gain_in_spreads").text,
                        json_object_get(r, "gain_in_spreads_interval"), 1, 3, "");
    eval_print_interval("  the same at equal length", eval_decimal(r, "gain_in_spreads_at_equal_length").text,
                        json_object_get(r, "gain_in_spreads_at_equal_length_interval"), 1, 3, "");
    eval_print_interval("  what length explains of it", eval_decimal(r, "length_share_of_gain").text,
                        json_object_get(r, "length_share_of_gain_interval"), 1, 3, "");
    eval_print("  against no gain", "p %s (t over prompts), %s (Welch, two samples)", eval_p(r, "gain_paired_p").text,
               eval_p(r, "gain_welch_p").text);
    eval_print_two_samples(r, "gain_t_p");
}

void contest_print_wins(const json_t *r)
{
    eval_print_share("  win rate of A", r, "win_rate", "interval");
    eval_print_share("  the same by bootstrap", r, "win_rate", "win_rate_bootstrap");
    eval_print("  wins, losses, ties", "%.0f, %.0f, %.0f", json_number_of(r, "wins", 0), json_number_of(r, "losses", 0),
               json_number_of(r, "ties", 0));
    eval_print("  against 50 %", "p %s (binomial over prompts), %s (t over prompts)", eval_p(r, "binomial_p").text,
               eval_p(r, "paired_p").text);
    eval_print_two_samples(r, "t_p");
    eval_print_share("  win rate at equal length", r, "length_controlled", "length_controlled_interval");
    eval_print_interval("  points that length explains", eval_points(r, "length_share").text,
                        json_object_get(r, "length_share_interval"), 100, 1, "");
}

/* "tone-contrast, warmth-verdict, log-length" of a mix: a policy that was trained to please one of them was trained to please a
 * part of it. */
static void print_parts(const json_t *parts)
{
    Str names = {0};
    size_t i;
    json_t *one;
    json_array_foreach(parts, i, one) str_addf(&names, "%s%s", i ? ", " : "", json_text_of(one, "part"));
    eval_print("  asked", "%s; who was trained to please one of them was trained to please a part of it",
               str_text(&names));
    str_release(&names);
}

void contest_print(const json_t *r)
{
    printf("%s (%s)\n", json_text_of(r, "prompt"), json_text_of(r, "kind"));
    if (json_array_size(json_object_get(r, "parts")) > 0)
        print_parts(json_object_get(r, "parts"));
    if (json_object_get(r, "gain"))
        print_gain(r);
    contest_print_wins(r);
    if (json_object_get(r, "same_slot_rate"))
        eval_print("  same position in both orders", "%-10sof these the first: %s",
                   eval_percent(r, "same_slot_rate").text, eval_percent(r, "first_share").text);
    if (json_object_get(r, "mass"))
        eval_print_share("  mass on the answers", r, "mass", NULL);
}
