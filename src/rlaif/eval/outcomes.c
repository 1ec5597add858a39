/* Outcomes by prompt, whose members go together. */
#include "rlaif/eval/outcomes.h"

#include "base/mem.h"

double eval_outcome(double a, double b)
{
    return a > b ? 1 : a < b ? 0 : 0.5;
}

Outcomes outcomes_begin(int prompts)
{
    return (Outcomes){.sum = mem_zalloc((size_t)prompts + 1, sizeof(double)),
                      .count = mem_zalloc((size_t)prompts + 1, sizeof(double)),
                      .prompts = prompts};
}

void outcomes_add(Outcomes *o, int prompt, double x)
{
    o->at = MEM_GROW(o->at, o->n, o->cap);
    o->at[o->n++] = x;
    o->total += x;
    o->sum[prompt] += x;
    o->count[prompt]++;
}

void outcomes_release(Outcomes *o)
{
    free(o->at);
    free(o->sum);
    free(o->count);
}

Interval outcomes_bootstrap(const Outcomes *o, int seed)
{
    double *sum = mem_alloc((size_t)o->prompts + 1, sizeof *sum),
           *count = mem_alloc((size_t)o->prompts + 1, sizeof *count);
    int n = 0;
    for (int i = 0; i < o->prompts; i++)
        if (o->count[i] > 0) {
            sum[n] = o->sum[i];
            count[n++] = o->count[i];
        }
    Interval interval = stats_bootstrap(sum, count, n, seed);
    free(sum);
    free(count);
    return interval;
}

Interval outcomes_share(const Outcomes *o)
{
    return stats_share(o->sum, o->count, o->prompts);
}

Interval outcomes_share_bootstrap(const Outcomes *o, int seed)
{
    Interval drawn = interval_within(outcomes_bootstrap(o, seed), 0, 1);
    return isfinite(drawn.low) ? drawn : outcomes_share(o);
}

void eval_set_share(json_t *object, const char *share_key, const Outcomes *o, const char *n_key)
{
    if (n_key)
        json_object_set_new(object, n_key, json_integer(o->n));
    eval_set(object, share_key, o->n > 0 ? o->total / o->n : (double)NAN);
    json_object_set_new(object, "interval", eval_interval(outcomes_share(o)));
}

/* Every prompt's mean less `neutral`: *n of them. The caller frees them. */
static double *prompt_means(const Outcomes *o, double neutral, int *n)
{
    double *mean = mem_alloc((size_t)o->prompts + 1, sizeof *mean);
    *n = 0;
    for (int i = 0; i < o->prompts; i++)
        if (o->count[i] > 0)
            mean[(*n)++] = o->sum[i] / o->count[i] - neutral;
    return mean;
}

double outcomes_sign_test(const Outcomes *o, double neutral)
{
    int n;
    double *mean = prompt_means(o, neutral, &n), p = stats_sign_test(mean, n);
    free(mean);
    return p;
}

double outcomes_t_test(const Outcomes *o, double neutral)
{
    int n;
    double *mean = prompt_means(o, neutral, &n), p = stats_t_paired(stats_moments(mean, n)).p;
    free(mean);
    return p;
}

double *outcomes_gaps(const Outcomes *a, const Outcomes *b, int *n)
{
    double *gap = mem_alloc((size_t)a->prompts + 1, sizeof *gap);
    *n = 0;
    for (int i = 0; i < a->prompts; i++)
        if (a->count[i] > 0 && b->count[i] > 0)
            gap[(*n)++] = a->sum[i] / a->count[i] - b->sum[i] / b->count[i];
    return gap;
}

void eval_set_gaps(json_t *object, const Outcomes *a, const Outcomes *b, const double *gap, int n, int seed)
{
    eval_set(object, "difference", stats_moments(gap, n).mean);
    json_object_set_new(object, "difference_interval",
                        eval_interval(interval_within(stats_bootstrap(gap, NULL, n, seed), -1, 1)));
    eval_set(object, "t_p", stats_t_pooled(stats_moments(a->at, a->n), stats_moments(b->at, b->n)).p);
    eval_set(object, "paired_p", stats_t_paired(stats_moments(gap, n)).p);
}
