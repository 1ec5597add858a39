/* The arms of a run side by side: labels, reward model, how far training went, and whether the policy wins. */
#include "rlaif/report/page/words.h"
#include "rlaif/report/sections.h"

/* A share with its interval, and what it is of, which may be empty. */
static void share_cell(Str *out, const json_t *object, const char *key, const char *interval, const char *of)
{
    double x = json_number_of(object, key, (double)NAN);
    str_addf(out, "<td>%s", say_percent(x).text);
    if (isfinite(x))
        str_addf(out, "<span class=\"range\">%s%s%s</span>", say_range(json_object_get(object, interval), 100, 1).text,
                 of[0] ? "<br>" : "", of);
    str_add(out, "</td>");
}

static void add_pairs(Str *out, double pairs)
{
    if (isfinite(pairs))
        str_addf(out, "<span class=\"range\">%s</span>", say_count(pairs, "pair", "pairs").text);
}

/* Who says what is good: people, label stages, a judge itself. */
static void add_says(Str *out, const TastePart *p)
{
    if (p->people) {
        str_add(out, "people");
        add_pairs(out, p->pairs_people);
    }
    for (int i = 0; i < p->labels; i++) {
        str_add(out, p->people || i > 0 ? "<br>" : "");
        html_stage(out, p->label[i]);
        add_pairs(out, p->labels == 1 ? p->pairs_ai : json_number_of(p->label[i]->summary, "pairs", (double)NAN));
    }
    if (p->direct) {
        str_add(out, "the judge itself<span class=\"range\">");
        html_prompt(out, p->name);
        str_add(out, "</span>");
    }
}

static void labels_cells(Str *out, const Taste *t)
{
    const json_t *numbers = NULL;
    Str says = {0};
    for (int i = 0; i < t->parts; i++) {
        Str one = {0};
        add_says(&one, &t->part[i]);
        str_addf(&says, "%s%s", says.n > 0 && one.n > 0 ? "<br>" : "", str_text(&one));
        str_release(&one);
        numbers = numbers || t->part[i].labels == 0 ? numbers : t->part[i].label[0]->alignment;
    }
    str_addf(out, "<td class=\"left\">%s</td>", str_text(&says));
    str_release(&says);
    share_cell(out, numbers, "accuracy", "interval", "");
    share_cell(out, json_object_get(numbers, "position"), "same_slot_rate", "interval", "");
}

/* The reward models, and how good the only one is. */
static void model_cells(Str *out, const Taste *t)
{
    const ReportStage *only = NULL;
    int models = 0;
    str_add(out, "<td class=\"left\">");
    for (int i = 0; i < t->parts; i++) {
        if (!t->part[i].reward)
            continue;
        only = t->part[i].reward;
        str_add(out, models++ ? "<br>" : "");
        html_stage(out, only);
    }
    str_add(out, "</td>");
    json_t *numbers = models == 1 ? report_numbers(only) : json_object();
    share_cell(out, numbers, "eval_accuracy", "eval_interval",
               say_count(json_number_of(numbers, "eval_pairs", 0), "pair", "pairs").text);
    json_decref(numbers);
}

static void training_cells(Str *out, const ReportStage *rl)
{
    double first = json_number_of(rl->summary, "reward_first", (double)NAN);
    str_addf(out, "<td>%s", say_number(json_number_of(rl->summary, "reward_last", (double)NAN), 3).text);
    if (isfinite(first))
        str_addf(out, "<span class=\"range\">at first %s</span>", say_number(first, 3).text);
    str_addf(out, "</td><td>%s</td>", say_number(report_kl(rl->summary), 2).text);
}

/* The comparison that tells most of a policy: the first with one that no reinforcement learning made, else the first. Those
 * by which a checkpoint was chosen flatter. NULL: there is none. */
static const Outcome *comparison_of(const Report *r, const ReportStage *rl, const Outcome *x, int n)
{
    const Outcome *found = NULL;
    for (int i = 0; i < n; i++) {
        if (report_choice_of(r, x[i].eval, NULL) || report_side_training(r, x[i].eval, "policy") != rl)
            continue;
        if (!report_side_training(r, x[i].eval, "against"))
            return &x[i];
        found = found ? found : &x[i];
    }
    return found;
}

static void comparison_cells(Str *out, const Report *r, const Outcome *x)
{
    if (!x) {
        str_add(out, "<td>" SAID_DASH "</td><td>" SAID_DASH "</td><td></td>");
        return;
    }
    share_cell(out, x->result, "win_rate", "win_rate_bootstrap",
               say_count(json_number_of(x->eval->summary, "prompts", 0), "prompt", "prompts").text);
    share_cell(out, x->result, "length_controlled", "length_controlled_interval", "");
    str_add(out, "<td class=\"left\">");
    html_stage(out, x->eval);
    str_add(out, "<span class=\"range\">against ");
    html_policy(out, r, x->eval, "against");
    str_add(out, "<br>by ");
    html_judge(out, r, x);
    str_addf(out, "%s%s</span></td>", x->trained == 1 ? ", trained to please it" : "", x->part ? " in part" : "");
}

bool report_arms(Str *out, const Report *r, Err *err)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    (void)err;
    if (report_count(r, "rl") < 2)
        return true;
    str_add(
        out,
        "<div class=\"wide\"><table class=\"arms\">\n<thead><tr><th>policy</th><th class=\"left\">labels by</th><th>agree "
        "with<br>people</th><th>same<br>position</th><th class=\"left\">reward<br>model</th><th>its<br>accuracy</th>"
        "<th>reward<br>at the end</th><th>KL, nats<br>a reply</th><th>wins</th><th>at equal<br>length</th><th "
        "class=\"left\">compared in</th></tr></thead>\n<tbody>\n");
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl; rl = report_next(r, "rl", rl)) {
        Taste t = report_taste(r, rl);
        const ReportStage *start = report_maker(r, rl, "model");
        str_add(out, "<tr><th>");
        html_stage(out, rl);
        if (start) {
            str_add(out, "<span class=\"range\">from ");
            html_stage(out, start);
            str_add(out, "</span>");
        }
        str_add(out, "</th>");
        labels_cells(out, &t);
        model_cells(out, &t);
        training_cells(out, rl);
        comparison_cells(out, r, comparison_of(r, rl, x, n));
        str_add(out, "</tr>\n");
    }
    str_add(
        out,
        "</tbody></table></div>\n<p class=\"note\">Intervals at 95&nbsp;%; rewards of different arms have different units. "
        "A dash: not measured.</p>\n");
    return true;
}
