/* Labels: how sure the judges are, where people chose, and what the position does. */
#include "rlaif/report/page/chart.h"
#include "rlaif/report/page/tables.h"
#include "rlaif/report/sections.h"

/* One set of labels: a stage that made them, or an evaluation of them. */
typedef struct LabelSet {
    const ReportStage *stage;
    const json_t *numbers;
} LabelSet;

static int label_sets(const Report *r, LabelSet *out, int most)
{
    int n = 0;
    for (int i = 0; i < r->n && n < most; i++) {
        const ReportStage *s = &r->stage[i];
        if (strcmp(s->row.kind, "label") == 0 && s->alignment)
            out[n++] = (LabelSet){s, s->alignment};
        else if (strcmp(s->row.kind, "eval alignment") == 0 && s->row.done && !report_maker(r, s, "labels"))
            out[n++] = (LabelSet){s, s->summary}; /* of labels that are no stage of this run */
    }
    return n;
}

/* A table of the sets whose `part` (NULL: the numbers themselves) has the field `needs`. */
static void set_table(Str *out, const LabelSet *set, int n, const char *part, const char *needs, const Measure *m,
                      int measures, const char *title)
{
    Columns c = {0};
    for (int i = 0; i < n; i++) {
        const json_t *numbers = part ? json_object_get(set[i].numbers, part) : set[i].numbers;
        if (json_object_get(numbers, needs))
            html_stage(columns_add(&c, numbers), set[i].stage);
    }
    if (c.n > 0)
        html_heading(out, title, NULL);
    html_columns(out, &c, m, measures);
}

/* Every labeler beside what needs no judgment: a constant answer, the longer reply. */
static const Measure labelers[] = {
    {"pairs where people chose", "with_choice", AS_COUNT, NULL},
    {"labels on people\xe2\x80\x99s side", "accuracy", AS_PERCENT, "interval"},
    {"the longer reply", "longer_accuracy", AS_PERCENT, "longer_interval"},
    {"always the same slot", "base_rate", AS_PERCENT, NULL},
    {"Cohen\xe2\x80\x99s kappa", "kappa", AS_NUMBER, NULL},
    {"kappa, both orders counted", "kappa_both_orders", AS_NUMBER, NULL},
    {"AUC of the margin", "auc", AS_NUMBER, NULL},
    {"pairs where label and length disagree", "against_length_pairs", AS_COUNT, NULL},
    {"labels on people\xe2\x80\x99s side there", "against_length", AS_PERCENT, "against_length_interval"},
    {"in the surer half of the labels", "upper_half", AS_PERCENT, "upper_half_interval"},
    {"the longer reply in that half", "upper_half_longer", AS_PERCENT, NULL},
};

static void labeler_table(Str *out, const LabelSet *set, int n)
{
    Columns c = {0};
    for (int i = 0; i < n; i++)
        if (json_object_get(set[i].numbers, "accuracy"))
            html_stage(columns_add(&c, set[i].numbers), set[i].stage);
    if (c.n > 0) {
        html_heading(out, "Labels and people", NULL);
        html_p(
            out,
            "<span class=\"note\">The longer of two replies, and one and the same slot, are right in so many pairs "
            "without any judgment. Where label and length disagree, one of them is right: above one half it is the label, and one that "
            "knows nothing is right there as often as length is wrong.</span>");
    }
    html_lines(out, &c, labelers, COUNT(labelers));
}

static const Measure alignment[] = {
    {"labels on people\xe2\x80\x99s side in one order, not averaged", "single_order_accuracy", AS_PERCENT, NULL},
    {"ties", "ties", AS_COUNT, NULL},
    {"sure labels are right: AUC", "certainty_auc", AS_NUMBER, NULL},
    {"calibration error", "calibration_error", AS_NUMBER, NULL},
};

static const Measure position[] = {
    {"pairs judged in both orders", "pairs", AS_COUNT, NULL},
    {"the same position chosen in both", "same_slot", AS_COUNT, NULL},
    {"same-slot rate", "same_slot_rate", AS_PERCENT, "interval"},
    {"of these, the first position", "first_share", AS_PERCENT, "first_share_interval"},
    {"p against one half, binomial, two-sided", "p", AS_P, NULL},
};

static const Measure sureness[] = {
    {"pairs", "rows", AS_COUNT, NULL},
    {"mean distance of P from one half", "mean_distance_from_half", AS_NUMBER, NULL},
    {"probability on the answers", "mass", AS_PERCENT, NULL},
    {"turned into their opposite by --noise", "turned", AS_COUNT, NULL},
};

static const Measure people[] = {
    {"pairs that several people chose between", "pairs", AS_COUNT, NULL},
    {"their choices", "choices", AS_COUNT, NULL},
    {"two people choose alike", "agreement", AS_PERCENT, "interval"},
    {"labels on people\xe2\x80\x99s side there", "labels", AS_PERCENT, NULL},
};

static const Measure cost[] = {
    {"pairs", "pairs", AS_COUNT, NULL},
    {"tokens that the judge read", "input", AS_COUNT, NULL},
    {"tokens that it wrote", "output", AS_COUNT, NULL},
    {"the judge, all pairs", "judge", AS_DOLLARS, NULL},
    {"the judge, a pair", "judge_per_pair", AS_DOLLARS, NULL},
    {"words that people would read", "words", AS_COUNT, NULL},
    {"people, all pairs", "people", AS_DOLLARS, NULL},
    {"people, a pair", "people_per_pair", AS_DOLLARS, NULL},
    {"people\xe2\x80\x99s cost over the judge\xe2\x80\x99s", "ratio", AS_TENTHS, NULL},
};

/* What labels cost a judge that is paid by tokens, and what they would cost people (paper.md 10). */
static void cost_table(Str *out, const LabelSet *set, int n)
{
    LabelSet priced[MOST_STAGES] = {0};
    int columns = 0;
    for (int i = 0; i < n; i++) {
        const json_t *c = json_object_get(set[i].stage->summary, "cost");
        if (json_is_object(c))
            priced[columns++] = (LabelSet){set[i].stage, c};
    }
    set_table(out, priced, columns, NULL, "judge", cost, COUNT(cost), "Cost");
    if (columns > 0)
        html_p(out, "<span class=\"note\">Dollars at the prices of the stage\xe2\x80\x99s options; of a judge on this "
                    "machine, what its tokens would cost at them.</span>");
}

/* --- bins --- */

/* Lines of a list of bins, one table for each set that has it. */
static void bin_table(Str *out, const LabelSet *set, const char *key, const char *title, const char *share,
                      const char *count, const char *part)
{
    const json_t *list = json_object_get(part ? json_object_get(set->numbers, part) : set->numbers, key);
    size_t i;
    json_t *bin;
    if (json_array_size(list) == 0)
        return;
    str_add(out, "<div class=\"wide\"><table><caption>");
    html_stage(out, set->stage);
    str_addf(out, ": %s</caption>\n<thead><tr><td></td><th>pairs</th><th>share</th></tr></thead><tbody>\n", title);
    json_array_foreach((json_t *)(uintptr_t)list, i, bin)
    {
        bool open = json_is_null(json_object_get(bin, "to"));
        str_add(out, "<tr><th>");
        if (json_object_get(bin, "confidence"))
            str_add(out, say_number(json_number_of(bin, "confidence", 0), 0).text);
        else
            str_addf(out, open ? "%s and more%s" : "%s to %s", say_number(json_number_of(bin, "from", 0), 2).text,
                     open ? "" : say_number(json_number_of(bin, "to", 0), 2).text);
        str_addf(out, "</th><td>%s</td><td>%s", say_number(json_number_of(bin, count, 0), 0).text,
                 say_percent(json_number_of(bin, share, (double)NAN)).text);
        if (json_array_size(json_object_get(bin, "interval")) == 2)
            str_addf(out, "<span class=\"range\">%s</span>", say_range(json_object_get(bin, "interval"), 100, 1).text);
        str_add(out, "</td></tr>\n");
    }
    str_add(out, "</tbody></table></div>\n");
}

static void set_bins(Str *out, const LabelSet *set)
{
    bin_table(out, set, "by_length_gap", "same-slot rate by how much longer the longer reply is", "same_slot_rate",
              "pairs", "position");
    bin_table(out, set, "calibration", "labels on people\xe2\x80\x99s side, by P of the chosen side", "accuracy", "n",
              NULL);
    bin_table(out, set, "by_margin", "labels on people\xe2\x80\x99s side, by distance of P from one half", "accuracy",
              "n", NULL);
    bin_table(out, set, "by_confidence", "labels on people\xe2\x80\x99s side, by people\xe2\x80\x99s confidence",
              "accuracy", "n", NULL);
}

/* --- prompts that were tried --- */

static void candidate_row(Str *out, const json_t *candidate, bool chosen)
{
    double trials = (double)json_array_size(json_object_get(candidate, "trials"));
    str_add(out, "<tr><th>");
    html_text(out, json_text_of(candidate, "prompt"));
    str_addf(out, "</th><td>%s", say_number(trials, 0).text);
    if (json_object_get(candidate, "different"))
        str_addf(out, ", %s different", say_number(json_number_of(candidate, "different", 0), 0).text);
    str_addf(out, "</td><td>%s<span class=\"range\">%s</span></td>",
             say_percent(json_number_of(candidate, "accuracy", (double)NAN)).text,
             say_range(json_object_get(candidate, "interval"), 100, 1).text);
    double sd = json_number_of(candidate, "sd", (double)NAN), least = json_number_of(candidate, "least", (double)NAN),
           most = json_number_of(candidate, "most", (double)NAN);
    str_addf(out, "<td>%s</td><td>%s", say_percent(sd).text, say_number(100 * least, 1).text);
    if (isfinite(most))
        str_addf(out, " to %s", say_number(100 * most, 1).text);
    str_addf(out, "</td><td>%s</td><td class=\"left\">%s</td></tr>\n",
             say_number(json_number_of(candidate, "n", (double)NAN), 0).text, chosen ? "chosen" : "");
}

/* What each prompt that a stage tried has in common with people. Of prompts of the same text the first was chosen. */
static void candidate_table(Str *out, const ReportStage *s)
{
    const json_t *choice = json_object_get(s->summary, "choice"), *list = json_object_get(choice, "candidates");
    const char *chosen = json_text_of(choice, "chosen");
    size_t i;
    json_t *one;
    if (json_array_size(list) == 0)
        return;
    str_add(out, "<div class=\"wide\"><table><caption>");
    html_stage(out, s);
    str_add(
        out,
        ": prompts that were tried. The share of labels on people\xe2\x80\x99s side is the mean over the trials, "
        "which differ in the exemplars that were drawn; its 95&nbsp;% interval is the mean of theirs, over prompts.");
    if (json_array_size(list) > 1)
        str_addf(out, " The chosen one is the best of %zu, which flatters it here.", json_array_size(list));
    if (json_bool_of(choice, "same_rows", false) && json_array_size(list) > 1)
        str_add(out, " It labelled the very rows that it was chosen by, which flatters its labels.");
    str_add(out, "</caption>\n<thead><tr><td></td><th>trials</th><th>on people\xe2\x80\x99s side</th><th>sd over "
                 "trials</th><th>least to most, %</th><th>pairs</th><td></td></tr></thead><tbody>\n");
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        const char *prompt = json_text_of(one, "prompt");
        bool is_it = chosen && prompt && strcmp(chosen, prompt) == 0;
        candidate_row(out, one, is_it);
        chosen = is_it ? NULL : chosen;
    }
    str_add(out, "</tbody></table></div>\n");
}

bool report_labels(Str *out, const Report *r, Err *err)
{
    LabelSet set[MOST_STAGES];
    int n = label_sets(r, set, MOST_STAGES);
    (void)err;
    if (n == 0)
        return true;
    html_p(
        out,
        "A label is the probability P that the first of two replies is the better one, by the judge\xe2\x80\x99s own probabilities of its "
        "answers. Labels near 0 and 1 are sure, labels at one half say nothing.");
    str_add(out, "<div class=\"charts\">\n");
    for (int i = 0; i < n; i++)
        if (set[i].stage->alignment)
            chart_histogram(out, set[i].stage->bin, LABEL_BINS, set[i].stage);
    str_add(out, "</div>\n");
    set_table(out, set, n, NULL, "mass", sureness, COUNT(sureness), "How sure the labels are");
    set_table(out, set, n, "position", "pairs", position, COUNT(position), "Position bias");
    labeler_table(out, set, n);
    set_table(out, set, n, NULL, "accuracy", alignment, COUNT(alignment), "Ties, orders and calibration");
    for (int i = 0; i < n; i++)
        candidate_table(out, set[i].stage);
    set_table(out, set, n, "people", "pairs", people, COUNT(people), "People and people");
    cost_table(out, set, n);
    str_add(out, "<div class=\"charts\">\n");
    for (int i = 0; i < n; i++)
        set_bins(out, &set[i]);
    str_add(out, "</div>\n");
    return true;
}
