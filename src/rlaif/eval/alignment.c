/* Labels beside people's choices. */
#include "rlaif/eval/eval.h"

#include "base/mem.h"
#include "rlaif/eval/cases.h"
#include "rlaif/eval/length.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/raters.h"
#include "rlaif/eval/table.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"labels", OPT_TEXT, AT(AlignmentOptions, labels), .value = "LABELS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "pairs with labels, and people's choices if known"},
    LIMIT_OPTION(AlignmentOptions, "rows"),
    SKIP_BAD_OPTION(AlignmentOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {price_option_rows, PRICE_OPTIONS, AT(AlignmentOptions, prices)},
    {common_options, COMMON_OPTIONS, AT(AlignmentOptions, common)},
};
const OptionTable alignment_table = {groups, COUNT(groups), sizeof(AlignmentOptions)};

enum { CALIBRATION_BINS = 5, MARGIN_BINS = 4, GAP_BINS = 3 };

/* --- agreement ------------------------------------------------------------------------------------------ */

/* Is the label on people's side, in each case? */
static Outcomes right_of(const Cases *c)
{
    Outcomes o = outcomes_begin(c->prompts);
    for (int i = 0; i < c->n; i++)
        outcomes_add(&o, c->at[i].prompt, case_is_right(c->at[i].p, c->at[i].preferred));
    return o;
}

/* Cohen's kappa of labels that are no ties, of the responses as given, and with every pair in both orders. */
static void set_kappas(json_t *out, const Cases *all)
{
    double table[2][2] = {{0}}, both[2][2] = {{0}};
    bool varied[2] = {false, false};
    for (int i = 0; i < all->n; i++) {
        const Case *c = &all->at[i];
        int said = c->p < 0.5;
        varied[c->preferred] = true;
        if (c->p == 0.5)
            continue;
        table[said][c->preferred]++;
        both[said][c->preferred]++;
        both[1 - said][1 - c->preferred]++;
    }
    eval_set(out, "kappa", varied[0] && varied[1] ? stats_kappa(table) : (double)NAN);
    eval_set(out, "kappa_both_orders", stats_kappa(both));
}

static void set_accuracy(json_t *out, const Cases *all)
{
    Outcomes right = right_of(all);
    double one_order = 0;
    int ties = 0, ordered = 0;
    for (int i = 0; i < all->n; i++) {
        const Case *c = &all->at[i];
        ties += c->p == 0.5;
        if (c->both) {
            one_order += (case_is_right(c->order[0], c->preferred) + case_is_right(c->order[1], c->preferred)) / 2;
            ordered++;
        }
    }
    eval_set_share(out, "accuracy", &right, NULL);
    json_object_set_new(out, "ties", json_integer(ties));
    eval_set(out, "single_order_accuracy", one_order / ordered);
    set_kappas(out, all);
    outcomes_release(&right);
}

/* Label certainty: of the chosen side, beside how often that side is right. */
static void set_calibration(json_t *out, const Cases *c)
{
    double *p = mem_alloc((size_t)c->n + 1, sizeof *p), *decided = mem_alloc((size_t)c->n + 1, sizeof *decided);
    bool *positive = mem_alloc((size_t)c->n + 1, sizeof *positive);
    Outcomes right = right_of(c);
    int n_decided = 0;
    for (int i = 0; i < c->n; i++) {
        p[i] = 0.5 + fabs(c->at[i].p - 0.5);
        if (right.at[i] != 0.5) {
            decided[n_decided] = p[i];
            positive[n_decided++] = right.at[i] == 1;
        }
    }
    CalibrationBin bin[CALIBRATION_BINS];
    double error = stats_calibration(p, right.at, c->n, 0.5, 1, bin, CALIBRATION_BINS);
    json_t *list = json_array();
    for (int b = 0; b < CALIBRATION_BINS; b++) {
        Outcomes here = outcomes_begin(c->prompts);
        for (int i = 0; i < c->n; i++)
            if (calibration_bin(p[i], bin, CALIBRATION_BINS) == b)
                outcomes_add(&here, c->at[i].prompt, right.at[i]);
        json_t *one = json_pack("{s:f, s:f}", "from", bin[b].low, "to", bin[b].high);
        eval_set_share(one, "accuracy", &here, "n");
        eval_set(one, "mean_p", bin[b].mean_p);
        json_array_append_new(list, one);
        outcomes_release(&here);
    }
    eval_set(out, "certainty_auc", stats_auc(decided, positive, n_decided));
    eval_set(out, "calibration_error", error);
    json_object_set_new(out, "calibration", list);
    outcomes_release(&right);
    free(p);
    free(positive);
    free(decided);
}

/* Quarters of the cases by margin. */
static void set_margins(json_t *out, const Cases *c)
{
    int n = c->n;
    Cases sorted = cases_by_margin(c);
    double *right = mem_alloc((size_t)n, sizeof *right);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        right[i] = case_is_right(sorted.at[i].p, sorted.at[i].preferred);
    cases_level(&sorted, right);
    for (int b = 0; b < MARGIN_BINS; b++) {
        int from = (int)((long long)n * b / MARGIN_BINS), to = (int)((long long)n * (b + 1) / MARGIN_BINS);
        if (from == to)
            continue;
        Outcomes here = outcomes_begin(c->prompts);
        for (int i = from; i < to; i++)
            outcomes_add(&here, sorted.at[i].prompt, right[i]);
        json_t *one =
            json_pack("{s:f, s:f}", "from", fabs(sorted.at[from].p - 0.5), "to", fabs(sorted.at[to - 1].p - 0.5));
        eval_set_share(one, "accuracy", &here, "n");
        json_array_append_new(list, one);
        outcomes_release(&here);
    }
    json_object_set_new(out, "by_margin", list);
    free(sorted.at);
    free(right);
}

static void set_confidences(json_t *out, const Cases *c)
{
    Outcomes right = right_of(c);
    json_t *list = json_array();
    for (int confidence = 1; confidence <= MOST_CONFIDENT; confidence++) {
        Outcomes here = outcomes_begin(c->prompts);
        for (int i = 0; i < c->n; i++)
            if (c->at[i].confidence == confidence)
                outcomes_add(&here, c->at[i].prompt, right.at[i]);
        if (here.n > 0) {
            json_t *one = json_pack("{s:i}", "confidence", confidence);
            eval_set_share(one, "accuracy", &here, "n");
            json_array_append_new(list, one);
        }
        outcomes_release(&here);
    }
    json_object_set_new(out, "by_confidence", list);
    outcomes_release(&right);
}

/* --- position bias -------------------------------------------------------------------------------------- */

/* Both orders prefer the same position: the first response in one order, the second in the other. */
static bool is_same_slot(const Case *c)
{
    return c->both && ((c->order[0] > 0.5 && c->order[1] < 0.5) || (c->order[0] < 0.5 && c->order[1] > 0.5));
}

static int gap_bin(const Case *c)
{
    int longer = c->length[0] > c->length[1] ? c->length[0] : c->length[1];
    int shorter = c->length[0] + c->length[1] - longer;
    return longer < 1.25 * shorter || longer == shorter ? 0 : longer < 2.0 * shorter ? 1 : 2;
}

static json_t *position(const Cases *all)
{
    static const double edge[GAP_BINS + 1] = {1, 1.25, 2, (double)INFINITY};
    Outcomes same = outcomes_begin(all->prompts), first = outcomes_begin(all->prompts), by_gap[GAP_BINS];
    for (int b = 0; b < GAP_BINS; b++)
        by_gap[b] = outcomes_begin(all->prompts);
    for (int i = 0; i < all->n; i++) {
        const Case *c = &all->at[i];
        if (!c->both)
            continue;
        outcomes_add(&same, c->prompt, is_same_slot(c));
        outcomes_add(&by_gap[gap_bin(c)], c->prompt, is_same_slot(c));
        if (is_same_slot(c))
            outcomes_add(&first, c->prompt, eval_first_slot(c->order[0], c->flip));
    }
    json_t *out = same.n > 0 ? json_object() : json_null(), *gaps = json_array();
    for (int b = 0; b < GAP_BINS; b++) {
        json_t *one = json_object();
        eval_set(one, "from", edge[b]);
        eval_set(one, "to", edge[b + 1]);
        eval_set_share(one, "same_slot_rate", &by_gap[b], "pairs");
        json_array_append_new(gaps, one);
        outcomes_release(&by_gap[b]);
    }
    if (same.n > 0) {
        eval_set_share(out, "same_slot_rate", &same, "pairs");
        json_object_set_new(out, "same_slot", json_integer(first.n));
        eval_set(out, "first_share", first.total / first.n);
        json_object_set_new(out, "first_share_interval", eval_interval(outcomes_share(&first)));
        eval_set(out, "p", outcomes_sign_test(&first, 0.5));
        json_object_set(out, "by_length_gap", gaps);
    }
    json_decref(gaps);
    outcomes_release(&same);
    outcomes_release(&first);
    return out;
}

/* --- the stage ------------------------------------------------------------------------------------------ */

static void summarise(json_t *out, const Cases *all)
{
    Cases chosen = {mem_alloc((size_t)all->n, sizeof *chosen.at), 0, all->prompts};
    int with_mass = 0, turned = 0;
    double distance = 0, mass = 0;
    for (int i = 0; i < all->n; i++) {
        const Case *c = &all->at[i];
        distance += fabs(c->p - 0.5) / all->n;
        mass += isfinite(c->mass) ? c->mass : 0;
        with_mass += isfinite(c->mass);
        turned += c->turned;
        if (c->preferred >= 0)
            chosen.at[chosen.n++] = *c;
    }
    json_object_set_new(out, "rows", json_integer(all->n));
    json_object_set_new(out, "prompts", json_integer(all->prompts));
    json_object_set_new(out, "with_choice", json_integer(chosen.n));
    if (turned > 0)
        json_object_set_new(out, "turned", json_integer(turned));
    if (chosen.n > 0) {
        set_accuracy(out, &chosen);
        eval_set_beside_length(out, &chosen);
        set_calibration(out, &chosen);
        set_margins(out, &chosen);
        set_confidences(out, &chosen);
    }
    eval_set(out, "mean_distance_from_half", distance);
    eval_set(out, "mass", mass / with_mass);
    json_object_set_new(out, "position", position(all));
    free(chosen.at);
}

bool alignment_numbers(const Rows *rows, json_t *out, Err *err)
{
    Cases cases;
    bool ok = cases_read(rows, false, &cases, err);
    if (ok) {
        summarise(out, &cases);
        eval_set_agreement(out, rows);
    }
    free(cases.at);
    return ok;
}

/* One line for each bin of a list; `name` says what the bin is of. */
static void print_bins(const json_t *s, const char *key, const char *name)
{
    size_t i;
    json_t *bin;
    json_array_foreach(json_object_get(s, key), i, bin)
    {
        char what[160];
        if (json_object_get(bin, "confidence"))
            snprintf(what, sizeof what, "  %s %.0f", name, json_number_of(bin, "confidence", 0));
        else
            snprintf(what, sizeof what, "  %s %s to %s", name, eval_decimal(bin, "from").text,
                     eval_decimal(bin, "to").text);
        eval_print(what, "%-10sn = %.0f", eval_percent(bin, "accuracy").text, json_number_of(bin, "n", 0));
    }
}

static void print_position(const json_t *position)
{
    size_t i;
    json_t *bin;
    eval_print("pairs in both orders", "%.0f", json_number_of(position, "pairs", 0));
    eval_print_share("same position in both", position, "same_slot_rate", "interval");
    eval_print("of these the first", "%-10sp %s (binomial over prompts, against 50 %%)",
               eval_percent(position, "first_share").text, eval_p(position, "p").text);
    json_array_foreach(json_object_get(position, "by_length_gap"), i, bin)
    {
        char what[160];
        bool last = json_is_null(json_object_get(bin, "to"));
        snprintf(what, sizeof what, "  lengths 1 : %s%s%s", eval_decimal(bin, "from").text, last ? "" : " to ",
                 last ? " and more" : eval_decimal(bin, "to").text);
        eval_print(what, "%-10sn = %.0f", eval_percent(bin, "same_slot_rate").text, json_number_of(bin, "pairs", 0));
    }
}

static void print_people(const json_t *people)
{
    char what[80];
    snprintf(what, sizeof what, "people among themselves, %.0f pairs", json_number_of(people, "pairs", 0));
    eval_print_share(what, people, "agreement", "interval");
    eval_print_share("  labels on these", people, "labels", NULL);
}

static void print_cost(const json_t *cost)
{
    eval_print("dollars a pair: judge, people", "%s, %s (%s times as much)", eval_decimal(cost, "judge_per_pair").text,
               eval_decimal(cost, "people_per_pair").text, eval_decimal(cost, "ratio").text);
}

/* A share of some of the pairs. */
static void print_of(const char *name, const json_t *s, const char *key, const char *pairs)
{
    char what[80], interval[80];
    snprintf(what, sizeof what, "%s %.0f", name, json_number_of(s, pairs, 0));
    snprintf(interval, sizeof interval, "%s_interval", key);
    eval_print_share(what, s, key, interval);
}

static void print_table(const json_t *s)
{
    eval_print("rows, prompts, people's choices", "%.0f, %.0f, %.0f", json_number_of(s, "rows", 0),
               json_number_of(s, "prompts", 0), json_number_of(s, "with_choice", 0));
    if (json_object_get(s, "accuracy")) {
        eval_print_share("accuracy", s, "accuracy", "interval");
        eval_print_share("  in one order", s, "single_order_accuracy", NULL);
        eval_print_share("  of the longer response", s, "longer_accuracy", "longer_interval");
        eval_print_share("  of the commoner choice", s, "base_rate", NULL);
        eval_print("kappa, both orders counted", "%s, %s", eval_decimal(s, "kappa").text,
                   eval_decimal(s, "kappa_both_orders").text);
        eval_print("the margin tells the better: AUC", "%s", eval_decimal(s, "auc").text);
        print_of("  where not the longer, of", s, "against_length", "against_length_pairs");
        print_of("  surer half, of", s, "upper_half", "upper_half_pairs");
        eval_print_share("    of the longer response", s, "upper_half_longer", NULL);
        eval_print("certain labels are right: AUC", "%s", eval_decimal(s, "certainty_auc").text);
        eval_print("calibration error", "%s", eval_decimal(s, "calibration_error").text);
        print_bins(s, "calibration", "where p is");
        print_bins(s, "by_margin", "where |p - 1/2| is");
        print_bins(s, "by_confidence", "where people's confidence is");
    }
    if (json_is_object(json_object_get(s, "people")))
        print_people(json_object_get(s, "people"));
    eval_print("mean |p - 1/2|", "%s", eval_decimal(s, "mean_distance_from_half").text);
    eval_print_share("mass on the answers", s, "mass", NULL);
    if (json_is_object(json_object_get(s, "position")))
        print_position(json_object_get(s, "position"));
    if (json_is_object(json_object_get(s, "cost")))
        print_cost(json_object_get(s, "cost"));
}

bool alignment_stage(Work *work, const char *name, const void *options, Err *err)
{
    const AlignmentOptions *o = options;
    Rows rows = {0};
    Stage s = {0};
    Cases cases = {0};
    char labels[HASH_TEXT];
    bool ok = stage_read_rows(work, o->labels, o->limit, NEED_PAIR, o->skip_bad, &rows, err);
    if (ok)
        rows_hash(&rows, labels);
    ok = ok && cases_read(&rows, o->skip_bad, &cases, err) &&
         stage_begin(&s, work, name, "eval alignment",
                     stage_about(&alignment_table, o, &o->common, "labels", labels, NULL), err);
    if (ok) {
        summarise(s.summary, &cases);
        eval_set_agreement(s.summary, &rows);
        json_object_set_new(s.summary, "cost", cost_json(&o->prices, &rows));
        if (!work->in_recipe)
            print_table(s.summary);
        ok = stage_end(&s, NULL, err);
    }
    free(cases.at);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
