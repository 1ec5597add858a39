/* What people said of policies: their rankings, and how far they agree with each other and with a judge. */
#include "rlaif/report/page/tables.h"
#include "rlaif/report/sections.h"

static const Measure policy_measures[] = {
    {"replies that were ranked", "n", AS_COUNT, NULL},
    {"mean place, 1 is the best", "mean_rank", AS_NUMBER, "mean_rank_interval"},
    {"first places", "first", AS_PERCENT, "first_interval"},
    {"mean characters", "characters", AS_TENTHS, NULL},
};
static const Measure pair_measures[] = {
    {"times that one was ranked against the other", "n", AS_COUNT, NULL},
    WIN_MEASURES("ties: equal texts"),
};
static const Measure over_measures[] = {
    {"prompts", "prompts", AS_COUNT, NULL},
    {"win rate of the first over the third", "rate_a", AS_PERCENT, NULL},
    {"win rate of the second over the third", "rate_b", AS_PERCENT, NULL},
    {"difference, mean over prompts", "difference", AS_POINTS, "difference_interval"},
    {"p of none: two-sample t-test, as the paper", "t_p", AS_P, NULL},
    {"p of none: t-test over prompts", "paired_p", AS_P, NULL},
};
static const Measure kendall_measures[] = {
    {"items that several people ranked", "items", AS_COUNT, NULL},
    {"Kendall\xe2\x80\x99s W, mean over items", "w", AS_NUMBER, "interval"},
    {"chi-square, summed", "chi_square", AS_TENTHS, NULL},
    {"degrees of freedom", "df", AS_COUNT, NULL},
    {"p of no agreement, of all items together", "p", AS_P, NULL},
    {"items whose own p is below 0.05", "significant", AS_COUNT, NULL},
};
static const Measure judge_measures[] = {
    {"two replies in a ranking", "pairs", AS_COUNT, NULL},
    {"the judge\xe2\x80\x99s order is the person\xe2\x80\x99s, Wilson\xe2\x80\x99s interval over prompts", "agreement",
     AS_PERCENT, "interval"},
    {"the same by bootstrap", "agreement", AS_PERCENT, "bootstrap"},
};

static void head_over(Str *out, const Report *r, const json_t *one)
{
    head_less(out, r, one);
    str_add(out, ",<br>over ");
    html_named(out, r, json_text_of(one, "over"));
}

/* "People prefer A to B in 61.0 % (95 % interval 52.0 to 69.0 %; 40 times)": of every pair, as it is shown or not. */
static void say_pairs(Str *out, const Report *r, const json_t *list)
{
    size_t i;
    json_t *one;
    str_add(out, "<p>");
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        const json_t *interval = json_object_get(one, "win_rate_bootstrap");
        bool none = report_wins(one) == 0;
        double rate = json_number_of(one, "win_rate", (double)NAN);
        str_add(out, i ? " " : "");
        str_add(out, none ? "" : "<b>");
        html_named(out, r, json_text_of(one, rate < 0.5 ? "b" : "a"));
        str_add(out, " is preferred to ");
        html_named(out, r, json_text_of(one, rate < 0.5 ? "a" : "b"));
        str_add(out, none ? "" : "</b>");
        str_addf(out, " in %s of %s; ", say_percent(fmax(rate, 1 - rate)).text,
                 say_count(json_number_of(one, "n", 0), "ranking", "rankings").text);
        if (json_array_size(interval) != 2)
            str_add(out, "too few prompts, or too much alike, for an interval.");
        else if (none && !range_holds(interval, 0.5))
            str_add(out, "too few prompts to tell.");
        else
            str_add(out, none ? "the interval of that rate contains 50&nbsp;%." : "50&nbsp;% is not in its interval.");
    }
    str_add(out, "</p>\n");
}

static void add_ratings(Str *out, const Report *r, const ReportStage *s)
{
    const json_t *kendall = json_object_get(s->summary, "kendall"), *over = json_object_get(s->summary, "over"),
                 *pairs = json_object_get(s->summary, "pairs"), *judge = json_object_get(s->summary, "beside_judge");
    html_heading(out, "Rankings: ", s);
    str_addf(out, "<p class=\"note\">%s of %s to %s, without ties.</p>\n",
             say_count(json_number_of(s->summary, "rankings", 0), "ranking", "rankings").text,
             say_count(json_number_of(s->summary, "items", 0), "set of replies", "sets of replies").text,
             say_count(json_number_of(s->summary, "prompts", 0), "prompt", "prompts").text);
    say_pairs(out, r, pairs);
    html_objects(out, r, json_object_get(s->summary, "policies"), head_policy, policy_measures, COUNT(policy_measures));
    html_objects(out, r, pairs, head_against, pair_measures, COUNT(pair_measures));
    html_two_samples(out);
    if (json_array_size(over) > 0) {
        str_add(out, "<p class=\"note\">Two policies over a third, as the paper compares 71 % with 73 %:</p>\n");
        html_objects(out, r, over, head_over, over_measures, COUNT(over_measures));
    }
    if (json_number_of(kendall, "items", 0) > 0) {
        str_add(
            out,
            "<p class=\"note\">How far people\xe2\x80\x99s rankings of the same replies are of one mind (W: 0 not at all, 1 wholly):</p>\n");
        html_object(out, kendall, kendall_measures, COUNT(kendall_measures));
    }
    html_raters(out, r, json_object_get(s->summary, "raters"));
    if (json_is_object(judge)) {
        str_add(out, "<p class=\"note\">A judge beside people, on the same replies:</p>\n");
        html_object(out, judge, judge_measures, COUNT(judge_measures));
    }
}

bool report_people(Str *out, const Report *r, Err *err)
{
    const ReportStage *stage[MOST_STAGES];
    int n = report_collect(r, "eval ratings", stage, MOST_STAGES);
    (void)err;
    for (int i = 0; i < n; i++)
        add_ratings(out, r, stage[i]);
    return true;
}
