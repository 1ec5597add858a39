/* Labels beside length: what the longer reply, or one and the same answer, would have been right in. */
#include "rlaif/eval/length.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"

/* P(the first is preferred) by who always names the longer one. */
static double longer(const Case *c)
{
    return eval_outcome(c->length[0], c->length[1]);
}

/* The share of outcomes as `key`, its interval and how many there are. */
static void set_part(json_t *out, const char *key, const Outcomes *o)
{
    char interval[60], pairs[60];
    snprintf(interval, sizeof interval, "%s_interval", key);
    snprintf(pairs, sizeof pairs, "%s_pairs", key);
    eval_set(out, key, o->total / o->n);
    json_object_set_new(out, interval, eval_interval(outcomes_share(o)));
    json_object_set_new(out, pairs, json_integer(o->n));
}

/* How often people choose the slot that they choose more often: what a constant answer is right in. */
static double base_rate(const Cases *c)
{
    int first = 0;
    for (int i = 0; i < c->n; i++)
        first += c->at[i].preferred == 0;
    return (double)(first > c->n - first ? first : c->n - first) / c->n;
}

/* Every pair in both orders: the probability that a preferred reply has the higher p than one that is not. */
static double auc_of_margin(const Cases *c)
{
    double *p = mem_alloc((size_t)c->n * 2, sizeof *p);
    bool *chosen = mem_alloc((size_t)c->n * 2, sizeof *chosen);
    for (int i = 0; i < c->n; i++) {
        p[2 * i] = c->at[i].p;
        p[2 * i + 1] = 1 - c->at[i].p;
        chosen[2 * i] = c->at[i].preferred == 0;
        chosen[2 * i + 1] = !chosen[2 * i];
    }
    double auc = stats_auc(p, chosen, 2 * c->n);
    free(chosen);
    free(p);
    return auc;
}

/* Of the pairs where the label and "the longer one" are decided and disagree: the share that the label has right. */
static void set_against_length(json_t *out, const Cases *c)
{
    Outcomes right = outcomes_begin(c->prompts);
    for (int i = 0; i < c->n; i++) {
        const Case *one = &c->at[i];
        if ((longer(one) - 0.5) * (one->p - 0.5) < 0)
            outcomes_add(&right, one->prompt, case_is_right(one->p, one->preferred));
    }
    set_part(out, "against_length", &right);
    outcomes_release(&right);
}

/* The half of the pairs with the larger margins, and what length is right in there. */
static void set_upper_half(json_t *out, const Cases *c)
{
    Cases sorted = cases_by_margin(c);
    double *right = mem_alloc((size_t)c->n * 2, sizeof *right), *by_length = right + c->n, sum = 0;
    Outcomes upper = outcomes_begin(c->prompts);
    for (int i = 0; i < c->n; i++) {
        right[i] = case_is_right(sorted.at[i].p, sorted.at[i].preferred);
        by_length[i] = case_is_right(longer(&sorted.at[i]), sorted.at[i].preferred);
    }
    cases_level(&sorted, right);
    cases_level(&sorted, by_length);
    for (int i = c->n / 2; i < c->n; i++) {
        outcomes_add(&upper, sorted.at[i].prompt, right[i]);
        sum += by_length[i];
    }
    set_part(out, "upper_half", &upper);
    eval_set(out, "upper_half_longer", sum / upper.n);
    outcomes_release(&upper);
    free(right);
    free(sorted.at);
}

void eval_set_beside_length(json_t *out, const Cases *c)
{
    Outcomes by_length = outcomes_begin(c->prompts);
    for (int i = 0; i < c->n; i++)
        outcomes_add(&by_length, c->at[i].prompt, case_is_right(longer(&c->at[i]), c->at[i].preferred));
    eval_set(out, "longer_accuracy", by_length.total / by_length.n);
    json_object_set_new(out, "longer_interval", eval_interval(outcomes_share(&by_length)));
    outcomes_release(&by_length);
    eval_set(out, "base_rate", base_rate(c));
    eval_set(out, "auc", auc_of_margin(c));
    set_against_length(out, c);
    set_upper_half(out, c);
}
