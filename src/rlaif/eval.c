/* What the evaluations share: numbers as JSON, tables for people, the numbers of a contest. */
#include "rlaif/eval_internal.h"

#include "base/mem.h"
#include "base/real.h"

#include <stdarg.h>

double eval_outcome(double a, double b)
{
    return a > b ? 1 : a < b ? 0 : 0.5;
}

static json_t *eval_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *eval_interval(Interval i)
{
    if (!isfinite(i.low) || !isfinite(i.high))
        return json_null();
    return json_pack("[f, f]", i.low, i.high);
}

void eval_set(json_t *object, const char *key, double x)
{
    json_object_set_new(object, key, eval_number(x));
}

void eval_set_share(json_t *object, const char *share_key, double k, int n, const char *n_key)
{
    if (n_key)
        json_object_set_new(object, n_key, json_integer(n));
    eval_set(object, share_key, n > 0 ? k / n : (double)NAN);
    json_object_set_new(object, "interval", eval_interval(stats_wilson(k, n)));
}

json_t *eval_about(json_t *about)
{
    json_object_del(about, "seed");
    json_object_del(json_object_get(about, "options"), "seed");
    return about;
}

/* --- tables --------------------------------------------------------------------------------------------- */

static Figure figure(const json_t *object, const char *key, const char *fmt, double times)
{
    Figure f = {"-"};
    const json_t *x = json_object_get(object, key);
    if (json_is_number(x))
        snprintf(f.text, sizeof f.text, "%.*f%s", fmt[0] - '0', times * json_number_value(x), fmt + 1);
    return f;
}

Figure eval_percent(const json_t *object, const char *key)
{
    return figure(object, key, "1 %", 100);
}

Figure eval_decimal(const json_t *object, const char *key)
{
    return figure(object, key, "3", 1);
}

Figure eval_p(const json_t *object, const char *key)
{
    Figure f = {"< 0.0001"};
    const json_t *x = json_object_get(object, key);
    return json_is_number(x) && json_number_value(x) < 1e-4 ? f : figure(object, key, "4", 1);
}

void eval_print(const char *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%-35s ", what);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

void eval_print_share(const char *what, const json_t *object, const char *share, const char *interval)
{
    const json_t *i = interval ? json_object_get(object, interval) : NULL;
    if (json_is_array(i))
        eval_print(what, "%-10s95 %%: %.1f to %.1f", eval_percent(object, share).text,
                   100 * json_number_value(json_array_get(i, 0)), 100 * json_number_value(json_array_get(i, 1)));
    else
        eval_print(what, "%s", eval_percent(object, share).text);
}

/* --- a contest ------------------------------------------------------------------------------------------ */

/* Per prompt that has any: how many pairs, their summed outcomes and gains. */
typedef struct Clusters {
    double *pairs, *outcome, *gain;
    int n;
} Clusters;

static Clusters gather_clusters(const Contest *c, int n, int clusters)
{
    Clusters k = {mem_zalloc((size_t)clusters, sizeof(double)), mem_zalloc((size_t)clusters, sizeof(double)),
                  mem_zalloc((size_t)clusters, sizeof(double)), clusters};
    for (int i = 0; i < n; i++) {
        k.pairs[c[i].cluster]++;
        k.outcome[c[i].cluster] += eval_outcome(c[i].a, c[i].b);
        k.gain[c[i].cluster] += c[i].a - c[i].b;
    }
    int kept = 0;
    for (int i = 0; i < clusters; i++) {
        if (k.pairs[i] == 0)
            continue;
        k.pairs[kept] = k.pairs[i];
        k.outcome[kept] = k.outcome[i];
        k.gain[kept++] = k.gain[i];
    }
    k.n = kept;
    return k;
}

static void clusters_release(Clusters *k)
{
    free(k->pairs);
    free(k->outcome);
    free(k->gain);
}

/* t-test of the clusters' means against a value. */
static double paired_p(const double *sum, const Clusters *k, double against)
{
    double *difference = mem_alloc((size_t)k->n + 1, sizeof *difference);
    for (int i = 0; i < k->n; i++)
        difference[i] = sum[i] / k->pairs[i] - against;
    double p = stats_t_paired(stats_moments(difference, k->n)).p;
    free(difference);
    return p;
}

Adjusted eval_length_controlled(const double *ratio, const double *outcome, const int *cluster, int n, int clusters,
                                LengthControl how)
{
    double *z = mem_alloc((size_t)n + 1, sizeof *z), *t = mem_alloc((size_t)n + 1, sizeof *t);
    int *of = mem_alloc((size_t)n + 1, sizeof *of), used = 0;
    double equal = how == LENGTH_LOG ? 0 : 1;
    bool varies = false;
    for (int i = 0; i < n; i++) {
        double x = how != LENGTH_LOG ? ratio[i] : ratio[i] > 0 ? real_log(ratio[i]) : (double)NAN;
        if (!isfinite(x))
            continue;
        z[used] = x;
        t[used] = outcome[i];
        of[used] = cluster[i];
        varies = varies || z[used] != z[0];
        used++;
    }
    Adjusted a = {(double)NAN, {(double)NAN, (double)NAN}};
    if (varies || (used > 0 && z[0] == equal)) {
        Logistic l = stats_logistic(z, t, used);
        a = (Adjusted){stats_logistic_at(&l, equal), stats_logistic_interval(&l, equal, z, t, of, used, clusters)};
    }
    free(z);
    free(t);
    free(of);
    return a;
}

void eval_set_adjusted(json_t *object, Adjusted a)
{
    eval_set(object, "length_controlled", a.rate);
    json_object_set_new(object, "length_controlled_interval", eval_interval(a.interval));
}

static Adjusted contest_adjusted(const Contest *c, int n, int clusters, LengthControl how)
{
    double *ratio = mem_alloc((size_t)n + 1, sizeof *ratio), *t = mem_alloc((size_t)n + 1, sizeof *t);
    int *of = mem_alloc((size_t)n + 1, sizeof *of);
    for (int i = 0; i < n; i++) {
        ratio[i] = c[i].ratio;
        t[i] = eval_outcome(c[i].a, c[i].b);
        of[i] = c[i].cluster;
    }
    Adjusted a = eval_length_controlled(ratio, t, of, n, clusters, how);
    free(ratio);
    free(t);
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

static void set_wins(json_t *out, const Contest *c, int n, const Clusters *k, int seed)
{
    int wins = 0, losses = 0;
    for (int i = 0; i < n; i++) {
        wins += c[i].a > c[i].b;
        losses += c[i].a < c[i].b;
    }
    int ties = n - wins - losses;
    eval_set_share(out, "win_rate", wins + ties / 2.0, n, NULL);
    json_object_set_new(out, "win_rate_bootstrap", eval_interval(stats_bootstrap(k->outcome, k->pairs, k->n, seed)));
    json_object_set_new(out, "wins", json_integer(wins));
    json_object_set_new(out, "losses", json_integer(losses));
    json_object_set_new(out, "ties", json_integer(ties));
    eval_set(out, "binomial_p", stats_binomial(wins, wins + losses, 0.5));
    eval_set(out, "paired_p", paired_p(k->outcome, k, 0.5));
    eval_set(out, "t_p", two_sample_p(c, n));
}

void contest_wins(json_t *out, const Contest *c, int n, int clusters, LengthControl how, int seed)
{
    Clusters k = gather_clusters(c, n, clusters);
    set_wins(out, c, n, &k, seed);
    eval_set_adjusted(out, contest_adjusted(c, n, clusters, how));
    clusters_release(&k);
}

/* The interval of a mean over pairs, by bootstrap over prompts. */
static void set_interval(json_t *out, const char *key, const double *x, const Contest *c, int n, int clusters, int seed)
{
    Outcomes o = outcomes_begin(clusters);
    for (int i = 0; i < n; i++)
        outcomes_add(&o, c[i].cluster, x[i]);
    json_object_set_new(out, key, eval_interval(outcomes_bootstrap(&o, seed)));
    outcomes_release(&o);
}

static void set_gain(json_t *out, const Contest *c, int n, int clusters, const Clusters *k, int seed)
{
    double *a = mem_alloc((size_t)n + 1, sizeof *a), *b = mem_alloc((size_t)n + 1, sizeof *b), gain = 0;
    double *mean = mem_alloc((size_t)k->n + 1, sizeof *mean);
    for (int i = 0; i < n; i++) {
        a[i] = c[i].a;
        b[i] = c[i].b;
    }
    for (int i = 0; i < k->n; i++) {
        mean[i] = k->gain[i] / k->pairs[i];
        gain += mean[i] / k->n;
    }
    Moments of_a = stats_moments(a, n), of_b = stats_moments(b, n);
    Interval interval = stats_bootstrap(mean, NULL, k->n, seed);
    eval_set(out, "mean_a", of_a.mean);
    set_interval(out, "mean_a_interval", a, c, n, clusters, seed);
    eval_set(out, "mean_b", of_b.mean);
    set_interval(out, "mean_b_interval", b, c, n, clusters, seed);
    eval_set(out, "gain", gain);
    json_object_set_new(out, "gain_interval", eval_interval(interval));
    json_object_set_new(out, "excludes_zero", json_boolean(interval.low > 0 || interval.high < 0));
    eval_set(out, "gain_paired_p", paired_p(k->gain, k, 0));
    eval_set(out, "gain_t_p", stats_t_pooled(of_a, of_b).p);
    eval_set(out, "gain_welch_p", stats_t_welch(of_a, of_b).p);
    free(a);
    free(b);
    free(mean);
}

static void set_orders(json_t *out, const Contest *c, int n, int clusters, int seed)
{
    double *a = mem_alloc((size_t)n + 1, sizeof *a), p = 0;
    int same = 0, first = 0;
    for (int i = 0; i < n; i++) {
        a[i] = c[i].a;
        p += a[i] / n;
        same += c[i].same_slot;
        first += c[i].same_slot && c[i].first;
    }
    eval_set(out, "mean_p", p);
    set_interval(out, "mean_p_interval", a, c, n, clusters, seed);
    eval_set(out, "same_slot_rate", (double)same / n);
    json_object_set_new(out, "same_slot_interval", eval_interval(stats_wilson(same, n)));
    eval_set(out, "first_share", (double)first / same);
    json_object_set_new(out, "first_share_interval", eval_interval(stats_wilson(first, same)));
    eval_set(out, "first_share_p", stats_binomial(first, same, 0.5));
    free(a);
}

void contest_summary(json_t *out, const Contest *c, int n, int clusters, bool pointwise, LengthControl how, int seed)
{
    Clusters k = gather_clusters(c, n, clusters);
    double mass = 0;
    for (int i = 0; i < n; i++)
        mass += c[i].mass / n;
    contest_wins(out, c, n, clusters, how, seed);
    if (pointwise)
        set_gain(out, c, n, clusters, &k, seed);
    else
        set_orders(out, c, n, clusters, seed);
    if (isfinite(mass)) /* a reward model has no answers */
        eval_set(out, "mass", mass);
    clusters_release(&k);
}

static void print_gain(const json_t *r)
{
    const json_t *i = json_object_get(r, "gain_interval");
    eval_print("  mean reward of A, of B", "%s, %s", eval_decimal(r, "mean_a").text, eval_decimal(r, "mean_b").text);
    if (json_is_array(i))
        eval_print("  gain of A over B", "%-10s95 %%: %.3f to %.3f, %s", eval_decimal(r, "gain").text,
                   json_number_value(json_array_get(i, 0)), json_number_value(json_array_get(i, 1)),
                   json_is_true(json_object_get(r, "excludes_zero")) ? "without 0" : "with 0 in it");
    else
        eval_print("  gain of A over B", "%s", eval_decimal(r, "gain").text);
    eval_print("  against no gain", "p %s (t over prompts), %s (two-sample t), %s (Welch)",
               eval_p(r, "gain_paired_p").text, eval_p(r, "gain_t_p").text, eval_p(r, "gain_welch_p").text);
}

void contest_print_wins(const json_t *r)
{
    eval_print_share("  win rate of A", r, "win_rate", "interval");
    eval_print_share("  the same, over prompts", r, "win_rate", "win_rate_bootstrap");
    eval_print("  wins, losses, ties", "%.0f, %.0f, %.0f", json_number_of(r, "wins", 0), json_number_of(r, "losses", 0),
               json_number_of(r, "ties", 0));
    eval_print("  against 50 %", "p %s (binomial), %s (t over prompts), %s (two-sample t)",
               eval_p(r, "binomial_p").text, eval_p(r, "paired_p").text, eval_p(r, "t_p").text);
    eval_print_share("  win rate at equal length", r, "length_controlled", "length_controlled_interval");
}

void contest_print(const json_t *r)
{
    printf("%s (%s)\n", json_text_of(r, "prompt"), json_text_of(r, "kind"));
    if (json_object_get(r, "gain"))
        print_gain(r);
    contest_print_wins(r);
    if (json_object_get(r, "same_slot_rate"))
        eval_print("  same position in both orders", "%-10sof these the first: %s",
                   eval_percent(r, "same_slot_rate").text, eval_percent(r, "first_share").text);
    if (json_object_get(r, "mass"))
        eval_print_share("  mass on the answers", r, "mass", NULL);
}
