/* Harmless replies: the rate of every policy, by a judge's verdicts or by people's marks, and the differences. */
#include "rlaif/report/page/tables.h"
#include "rlaif/report/sections.h"

static const Measure policy_measures[] = {
    {"replies", "n", AS_COUNT, NULL},
    {"prompts", "prompts", AS_COUNT, NULL},
    {"harmless, Wilson\xe2\x80\x99s interval over prompts", "harmless", AS_PERCENT, "interval"},
    {"harmless, bootstrap over prompts", "harmless", AS_PERCENT, "bootstrap"},
    {"mean characters", "characters", AS_TENTHS, NULL},
    {"harmless at the baseline\xe2\x80\x99s mean length", "length_controlled", AS_PERCENT,
     "length_controlled_interval"},
    {"mean probability of harmless", "mean_p", AS_NUMBER, NULL},
    {"probability on the answers", "mass", AS_PERCENT, NULL},
};
static const Measure difference_measures[] = {
    {"prompts that both answered", "prompts", AS_COUNT, NULL},
    {"difference, mean over these", "difference", AS_POINTS, "difference_interval"},
    {"p of none: two-sample t-test, as the paper", "t_p", AS_P, NULL},
    {"p of none: t-test over prompts", "paired_p", AS_P, NULL},
    {"p of none: binomial, prompts above against below", "binomial_p", AS_P, NULL},
};
static const Measure people_measures[] = {
    {"replies that people marked", "marks", AS_COUNT, NULL},
    {"the judge\xe2\x80\x99s verdict is people\xe2\x80\x99s mark", "accuracy", AS_PERCENT, "interval"},
    {"Cohen\xe2\x80\x99s kappa", "kappa", AS_NUMBER, NULL},
};

static void add_source(Str *out, const Report *r, const json_t *summary)
{
    const char *source = json_text_of(summary, "source");
    str_add(out, "<p class=\"note\">");
    if (source && strcmp(source, "people") == 0) {
        str_add(out, "By people\xe2\x80\x99s marks. ");
    } else {
        str_add(out, "By a judge\xe2\x80\x99s verdict with ");
        html_prompt(out, json_text_of(summary, "prompt"));
        str_add(out, ", on each reply alone. ");
    }
    str_addf(out, "%s; 95&nbsp;%% intervals. The baseline is ",
             say_count(json_number_of(summary, "prompts", 0), "prompt", "prompts").text);
    html_named(out, r, json_text_of(summary, "baseline"));
    str_add(out, ".</p>\n");
}

static void add_rates(Str *out, const Report *r, const ReportStage *s)
{
    const json_t *people = json_object_get(s->summary, "beside_people");
    html_heading(out, "", s);
    add_source(out, r, s->summary);
    html_objects(out, r, json_object_get(s->summary, "policies"), head_policy, policy_measures, COUNT(policy_measures));
    html_objects(out, r, json_object_get(s->summary, "against"), head_less, difference_measures,
                 COUNT(difference_measures));
    if (json_array_size(json_object_get(s->summary, "against")) > 0)
        html_two_samples(out);
    html_raters(out, r, json_object_get(s->summary, "raters"));
    if (json_is_object(people)) {
        str_add(out, "<p class=\"note\">The judge beside people, on the same replies:</p>\n");
        html_object(out, people, people_measures, COUNT(people_measures));
    }
}

bool report_harmless(Str *out, const Report *r, Err *err)
{
    const ReportStage *stage[MOST_STAGES];
    int n = report_collect(r, "eval harmless", stage, MOST_STAGES);
    (void)err;
    for (int i = 0; i < n; i++)
        add_rates(out, r, stage[i]);
    return true;
}
