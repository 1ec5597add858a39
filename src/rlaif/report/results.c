/* The results: every comparison as a line of a table and in words, and every number of it. */
#include "rlaif/report/page/chart.h"
#include "rlaif/report/page/tables.h"
#include "rlaif/report/page/verdict.h"
#include "rlaif/report/sections.h"

/* The part of the scale that all values and intervals of one sort need. */
static void scale_of(const Outcome *x, int n, Sort sort, double *low, double *high)
{
    bool pointwise = sort != BY_COMPARISON;
    *low = pointwise ? -0.02 : 0.45;
    *high = pointwise ? 0.02 : 0.55;
    for (int i = 0; i < n; i++) {
        if (x[i].sort != sort || !isfinite(x[i].value))
            continue;
        *low = fmin(*low, x[i].value);
        *high = fmax(*high, x[i].value);
        for (size_t k = 0; k < json_array_size(x[i].interval); k++) {
            *low = fmin(*low, json_number_value(json_array_get(x[i].interval, k)));
            *high = fmax(*high, json_number_value(json_array_get(x[i].interval, k)));
        }
    }
}

static void outcome_row(Str *out, const Report *r, const Outcome *x, double low, double high)
{
    const json_t *s = x->eval->summary;
    str_add(out, "<tr><th>");
    html_policy(out, r, x->eval, "policy");
    str_add(out, " against ");
    html_policy(out, r, x->eval, "against");
    str_add(out, "<span class=\"range\">");
    html_stage(out, x->eval);
    str_add(out, "</span></th><td class=\"left\">");
    html_judge(out, r, x);
    if (x->trained == 1)
        str_addf(out, "<span class=\"range\">trained %s%s</span>", x->sort == BY_REWARD ? "on it" : "to please it",
                 x->part ? " in part" : "");
    str_addf(out, "</td><td>%s</td><td>%s</td><td>%s<span class=\"range\">%s%s</span></td><td class=\"whisker\">",
             say_number(json_number_of(s, "prompts", (double)NAN), 0).text,
             say_number(json_number_of(s, "pairs", (double)NAN), 0).text,
             x->pointwise ? say_signed(x->value, 3).text : say_percent(x->value).text,
             say_range(x->interval, x->pointwise ? 1 : 100, x->pointwise ? 3 : 1).text, x->pointwise ? "" : " %");
    if (isfinite(x->value))
        chart_whisker(out, x->value, x->interval, low, high, x->neutral);
    const json_t *equal = json_object_get(x->result, "length_controlled_interval");
    str_addf(out, "</td><td>%s<span class=\"range\">%s%s</span></td></tr>\n",
             say_percent(json_number_of(x->result, "length_controlled", (double)NAN)).text,
             say_range(equal, 100, 1).text, json_array_size(equal) == 2 ? " %" : "");
}

static void outcome_table(Str *out, const Report *r, const Outcome *x, int n, Sort sort)
{
    static const char *const caption[SORTS] = {
        [BY_COMPARISON] = "Replies compared in both orders. A win is a mean probability above one half, ties count "
                          "a half; the interval is a bootstrap over prompts.",
        [BY_SCORE] =
            "Each reply judged alone. The gain is the mean over prompts of the mean reward of the "
            "new policy\xe2\x80\x99s replies less that of the other\xe2\x80\x99s; its interval is a bootstrap over prompts.",
        [BY_REWARD] = "The same by a reward model. Its unit is the standard deviation of its rewards in training.",
    };
    double low, high;
    int present = 0;
    scale_of(x, n, sort, &low, &high);
    for (int i = 0; i < n; i++) {
        if (x[i].sort != sort)
            continue;
        if (present++ == 0)
            str_addf(
                out,
                "<div class=\"wide\"><table>\n<caption>%s</caption>\n<thead><tr><td></td><th class=\"left\">judged by"
                "</th><th>prompts</th><th>pairs</th><th>%s<br>95&nbsp;%% interval</th><td></td><th>%s<br>95&nbsp;%% interval</th></tr></thead>\n<tbody>\n",
                caption[sort], sort == BY_COMPARISON ? "win rate" : "gain",
                sort == BY_COMPARISON ? "at equal length" : "win rate at equal length");
        outcome_row(out, r, &x[i], low, high);
    }
    if (present)
        str_add(out, "</tbody></table></div>\n");
}

static const Measure measures[] = {
    {"judge prompt is of kind", "kind", AS_TEXT, NULL},
    {"prompts", "prompts", AS_COUNT, NULL},
    {"pairs of replies", "pairs", AS_COUNT, NULL},
    {"mean characters, new policy", "characters_a", AS_TENTHS, "characters_a_interval"},
    {"mean characters, the other", "characters_b", AS_TENTHS, "characters_b_interval"},
    {"mean reward of the new policy", "mean_a", AS_NUMBER, "mean_a_interval"},
    {"mean reward of the other", "mean_b", AS_NUMBER, "mean_b_interval"},
    {"gain", "gain", AS_SIGNED, "gain_interval"},
    {"gain in spreads of the other\xe2\x80\x99s rewards", "gain_in_spreads", AS_SIGNED, "gain_in_spreads_interval"},
    {"the same at equal length", "gain_in_spreads_at_equal_length", AS_SIGNED,
     "gain_in_spreads_at_equal_length_interval"},
    {"of the gain in spreads, what length explains", "length_share_of_gain", AS_SIGNED,
     "length_share_of_gain_interval"},
    {"gain\xe2\x80\x99s interval excludes zero", "excludes_zero", AS_YES, NULL},
    {"p of no gain: t-test over prompts", "gain_paired_p", AS_P, NULL},
    {"p of no gain: two-sample t-test", "gain_t_p", AS_P, NULL},
    {"p of no gain: Welch\xe2\x80\x99s t-test", "gain_welch_p", AS_P, NULL},
    WIN_MEASURES("ties"),
    {"mean P(the new policy\xe2\x80\x99s is better)", "mean_p", AS_NUMBER, "mean_p_interval"},
    {"same position in both orders", "same_slot_rate", AS_PERCENT, "same_slot_interval"},
    {"of these, the first position", "first_share", AS_PERCENT, "first_share_interval"},
    {"p of one half: the first position, binomial", "first_share_p", AS_P, NULL},
    {"probability on the answers", "mass", AS_PERCENT, NULL},
};

static void outcome_details(Str *out, const Report *r, const Outcome *x, int n)
{
    Columns c = {0};
    for (int i = 0; i < n; i++) {
        json_t *numbers = json_copy(x[i].eval->summary);
        json_object_update(numbers, (json_t *)(uintptr_t)x[i].result);
        for (int side = 0; side < 2; side++) {
            const json_t *probes = json_object_get(numbers, side ? "probes_b" : "probes_a");
            json_object_set(numbers, side ? "characters_b_interval" : "characters_a_interval",
                            json_object_get(json_object_get(probes, "characters"), "interval"));
        }
        Str *head = columns_add(&c, numbers);
        html_stage(head, x[i].eval);
        str_add(head, "<br>");
        html_judge(head, r, &x[i]);
        json_decref(numbers);
    }
    html_fold(out, "Every number of the comparisons");
    html_p(
        out,
        "<span class=\"note\">Intervals at 95&nbsp;%%, over prompts, whose pairs of replies go together; tests over prompts but "
        "for those of two samples.</span>");
    html_two_samples(out);
    html_columns(out, &c, measures, COUNT(measures));
    html_fold_end(out);
}

bool report_results(Str *out, const Report *r, Err *err)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    (void)err;
    if (n == 0)
        return true;
    outcome_table(out, r, x, n, BY_REWARD);
    outcome_table(out, r, x, n, BY_SCORE);
    outcome_table(out, r, x, n, BY_COMPARISON);
    for (int i = 0; i < n; i += outcomes_of_one(x + i, n - i))
        html_sentences(out, r, x + i, outcomes_of_one(x + i, n - i));
    outcome_details(out, r, x, n);
    return true;
}
