/* Who compared what, and how it came out. */
#include "rlaif/report/page/outcomes.h"

const ReportStage *report_choice_of(const Report *r, const ReportStage *eval, const char **checkpoint)
{
    for (const ReportStage *s = report_next(r, "choose", NULL); s; s = report_next(r, "choose", s)) {
        size_t n = strlen(s->row.name);
        if (strncmp(eval->row.name, s->row.name, n) == 0 && str_starts(eval->row.name + n, "-checkpoint-")) {
            if (checkpoint)
                *checkpoint = eval->row.name + n + 1;
            return s;
        }
    }
    return NULL;
}

const ReportStage *report_side_training(const Report *r, const ReportStage *eval, const char *option)
{
    const ReportStage *choice = report_choice_of(r, eval, NULL);
    eval = choice ? choice : eval;
    return report_training_of(r, strcmp(option, "policy") == 0 ? report_maker_or_only(r, eval, option, "rl")
                                                               : report_maker(r, eval, option));
}

bool range_holds(const json_t *interval, double x)
{
    return json_array_size(interval) != 2 ||
           (json_number_value(json_array_get(interval, 0)) <= x && x <= json_number_value(json_array_get(interval, 1)));
}

int report_wins(const json_t *result)
{
    bool none = range_holds(json_object_get(result, "win_rate_bootstrap"), 0.5),
         few = json_is_null(json_object_get(result, "paired_p")) && json_number_of(result, "binomial_p", 0) >= 0.05;
    return none || few ? 0 : json_number_of(result, "win_rate", (double)NAN) > 0.5 ? 1 : -1;
}

static Outcome outcome(const Report *r, const ReportStage *eval, const json_t *result)
{
    Outcome x = {.eval = eval, .result = result};
    x.pointwise = json_object_get(result, "gain") != NULL;
    x.sort = report_by_reward(result) ? BY_REWARD : x.pointwise ? BY_SCORE : BY_COMPARISON;
    x.value = json_number_of(result, x.pointwise ? "gain" : "win_rate", (double)NAN);
    x.interval = json_object_get(result, x.pointwise ? "gain_interval" : "win_rate_bootstrap");
    x.neutral = x.pointwise ? 0 : 0.5;
    x.sign = !x.pointwise ? report_wins(result) : range_holds(x.interval, x.neutral) ? 0 : x.value > x.neutral ? 1 : -1;
    Pleases pleases = report_pleases(r, report_side_training(r, eval, "policy"), eval, result);
    x.trained = pleases >= PLEASES_PART ? 1 : (int)pleases;
    x.part = pleases == PLEASES_PART;
    x.network = x.sort != BY_REWARD && report_same_network(r, report_side_training(r, eval, "policy"), eval);
    x.rival = x.sort == BY_REWARD &&
              report_pleases(r, report_side_training(r, eval, "against"), eval, result) >= PLEASES_PART;
    return x;
}

/* Appends those of evaluations that a checkpoint was chosen by, or of all others. */
static int add_outcomes(const Report *r, bool chosen_by, Outcome out[MOST_OUTCOMES], int n)
{
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); s; s = report_next(r, "eval winrate", s)) {
        const json_t *results = json_object_get(s->summary, "results");
        if ((report_choice_of(r, s, NULL) != NULL) != chosen_by)
            continue;
        for (size_t i = 0; i < json_array_size(results) && n < MOST_OUTCOMES; i++)
            out[n++] = outcome(r, s, json_array_get(results, i));
    }
    return n;
}

/* What a checkpoint was chosen by flatters it, and comes last. */
int report_outcomes(const Report *r, Outcome out[MOST_OUTCOMES])
{
    return add_outcomes(r, true, out, add_outcomes(r, false, out, 0));
}

int outcomes_of_one(const Outcome *x, int n)
{
    int k = 1;
    while (k < n && x[k].eval == x->eval)
        k++;
    return k;
}

static const ReportStage *stage_called(const Report *r, const char *kind, const char *name, const char *suffix)
{
    size_t n = strlen(name);
    for (const ReportStage *s = report_next(r, kind, NULL); s; s = report_next(r, kind, s))
        if (strncmp(s->row.name, name, n) == 0 && strcmp(s->row.name + n, suffix) == 0)
            return s;
    return NULL;
}

const ReportStage *report_sampled(const Report *r, const ReportStage *eval, const char *option)
{
    const ReportStage *choice = report_choice_of(r, eval, NULL), *maker = report_maker(r, eval, option);
    bool policy = strcmp(option, "policy") == 0;
    if (maker && strcmp(maker->row.kind, "sample") == 0)
        return maker;
    return stage_called(r, "sample", choice && !policy ? choice->row.name : eval->row.name,
                        policy ? "-after" : "-before");
}
