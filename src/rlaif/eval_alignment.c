/* Labels beside people's choices. */
#include "base/mem.h"
#include "rlaif/eval_internal.h"

static const Option option_rows[] = {
    {"labels", OPT_TEXT, AT(AlignmentOptions, labels), .value = "LABELS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "pairs with labels, and people's choices if known"},
    {"limit", OPT_INT, AT(AlignmentOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(AlignmentOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {price_option_rows, PRICE_OPTIONS, AT(AlignmentOptions, prices)},
    {common_options, COMMON_OPTIONS, AT(AlignmentOptions, common)},
};
const OptionTable alignment_table = {groups, COUNT(groups), sizeof(AlignmentOptions)};

enum { CALIBRATION_BINS = 5, MARGIN_BINS = 4, GAP_BINS = 3, MOST_CONFIDENT = 9 };

/* One labelled row. */
typedef struct Case {
    double p, order[2]; /* P(first is preferred): the label, and each order alone */
    bool both, flip;    /* judged in both orders; by answers that name the worse response */
    double mass;        /* mean over what was asked; NAN: not said */
    int preferred;      /* by people: 0, 1, or -1 */
    int confidence;     /* of people, 1 to 9; 0: none */
    int length[2];
} Case;

/* 1 where p is on people's side, 1/2 on neither. */
static double is_right(double p, int preferred)
{
    double first = eval_outcome(p, 0.5);
    return preferred == 0 ? first : 1 - first;
}

static void read_orders(const json_t *label, Case *c)
{
    const json_t *orders = json_object_get(label, "orders"),
                 *parts = orders ? orders : json_object_get(label, "scores");
    size_t n = json_array_size(parts);
    c->both = orders && n == 2;
    c->flip = json_bool_of(label, "flip", false);
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i);
        if (c->both)
            c->order[i] = json_number_of(part, "p", 0.5);
        c->mass = (i ? c->mass : 0) + json_number_of(part, "mass", (double)NAN) / (double)n;
    }
}

static bool read_case(const Row *row, Case *c, Err *err)
{
    const RowView *v = &row->view;
    if (!v->has_label)
        return err_set(err, ERR_INPUT, "the row has no \"label\""), err_hint(err, "rlaif label adds labels");
    *c = (Case){.p = v->label, .preferred = v->preferred, .mass = (double)NAN};
    for (int i = 0; i < 2; i++)
        c->length[i] = text_characters(v->response[i].text);
    read_orders(json_object_get(row->json, "label"), c);
    const json_t *extra = json_object_get(row->json, "extra");
    double confidence = json_number_of(row->json, "confidence", json_number_of(extra, "confidence", 0));
    if (confidence >= 1 && confidence <= MOST_CONFIDENT && confidence == floor(confidence))
        c->confidence = (int)confidence;
    return true;
}

/* Every row as a case; those without a label stop it or are left out. */
static bool read_cases(const Rows *rows, bool skip_bad, Case *c, int *n, Err *err)
{
    *n = 0;
    for (int i = 0; i < rows->n; i++) {
        char place[300];
        if (read_case(&rows->row[i], &c[*n], err)) {
            ++*n;
            continue;
        }
        err_context(err, "%s", row_place(rows, i, place));
        if (!skip_bad)
            return false;
        log_warn("%s; left out", err->msg);
        err_clear(err);
    }
    return *n > 0 ||
           (err_set(err, ERR_INPUT, "%s: no row has a label", rows->path), err_hint(err, "rlaif label makes labels"));
}

/* --- agreement ------------------------------------------------------------------------------------------ */

static void set_accuracy(json_t *out, const Case *c, int n)
{
    double right = 0, one_order = 0, longer = 0, table[2][2] = {{0}}, both[2][2] = {{0}};
    int ties = 0, ordered = 0;
    bool varied[2] = {false, false};
    for (int i = 0; i < n; i++) {
        right += is_right(c[i].p, c[i].preferred);
        longer += is_right(eval_outcome(c[i].length[0], c[i].length[1]), c[i].preferred);
        varied[c[i].preferred] = true;
        ties += c[i].p == 0.5;
        if (c[i].both) {
            one_order += (is_right(c[i].order[0], c[i].preferred) + is_right(c[i].order[1], c[i].preferred)) / 2;
            ordered++;
        }
        if (c[i].p != 0.5) {
            int said = c[i].p < 0.5;
            table[said][c[i].preferred]++;
            both[said][c[i].preferred]++;
            both[1 - said][1 - c[i].preferred]++;
        }
    }
    eval_set_share(out, "accuracy", right, n, NULL);
    json_object_set_new(out, "ties", json_integer(ties));
    eval_set(out, "single_order_accuracy", one_order / ordered);
    eval_set(out, "longer_accuracy", longer / n);
    json_object_set_new(out, "longer_interval", eval_interval(stats_wilson(longer, n)));
    eval_set(out, "kappa", varied[0] && varied[1] ? stats_kappa(table) : (double)NAN);
    eval_set(out, "kappa_both_orders", stats_kappa(both));
}

/* Label certainty: of the chosen side, beside how often that side is right. */
static void set_calibration(json_t *out, const Case *c, int n)
{
    double *p = mem_alloc((size_t)n + 1, sizeof *p), *right = mem_alloc((size_t)n + 1, sizeof *right);
    bool *positive = mem_alloc((size_t)n + 1, sizeof *positive);
    double *decided = mem_alloc((size_t)n + 1, sizeof *decided);
    int n_decided = 0;
    for (int i = 0; i < n; i++) {
        p[i] = 0.5 + fabs(c[i].p - 0.5);
        right[i] = is_right(c[i].p, c[i].preferred);
        if (right[i] != 0.5) {
            decided[n_decided] = p[i];
            positive[n_decided++] = right[i] == 1;
        }
    }
    CalibrationBin bin[CALIBRATION_BINS];
    double error = stats_calibration(p, right, n, 0.5, 1, bin, CALIBRATION_BINS);
    json_t *list = json_array();
    for (int b = 0; b < CALIBRATION_BINS; b++) {
        json_t *one = json_pack("{s:f, s:f, s:i}", "from", bin[b].low, "to", bin[b].high, "n", bin[b].n);
        eval_set(one, "mean_p", bin[b].mean_p);
        eval_set(one, "accuracy", bin[b].share);
        json_object_set_new(one, "interval", eval_interval(stats_wilson(bin[b].share * bin[b].n, bin[b].n)));
        json_array_append_new(list, one);
    }
    eval_set(out, "certainty_auc", stats_auc(decided, positive, n_decided));
    eval_set(out, "calibration_error", error);
    json_object_set_new(out, "calibration", list);
    free(p);
    free(right);
    free(positive);
    free(decided);
}

static int compare_margins(const void *a, const void *b)
{
    double x = fabs(((const Case *)a)->p - 0.5), y = fabs(((const Case *)b)->p - 0.5);
    return (x > y) - (x < y);
}

/* Quarters of the cases by margin. Cases of one margin count with their mean, so that their order does not matter. */
static void set_margins(json_t *out, const Case *c, int n)
{
    Case *sorted = mem_copy(c, (size_t)n, sizeof *c);
    double *right = mem_alloc((size_t)n, sizeof *right);
    json_t *list = json_array();
    qsort(sorted, (size_t)n, sizeof *sorted, compare_margins);
    for (int i = 0, end; i < n; i = end) {
        double sum = 0;
        for (end = i; end < n && compare_margins(&sorted[i], &sorted[end]) == 0; end++)
            sum += is_right(sorted[end].p, sorted[end].preferred);
        for (int k = i; k < end; k++)
            right[k] = sum / (end - i);
    }
    for (int b = 0; b < MARGIN_BINS; b++) {
        int from = (int)((long long)n * b / MARGIN_BINS), to = (int)((long long)n * (b + 1) / MARGIN_BINS);
        double sum = 0;
        if (from == to)
            continue;
        for (int i = from; i < to; i++)
            sum += right[i];
        json_t *one = json_pack("{s:f, s:f}", "from", fabs(sorted[from].p - 0.5), "to", fabs(sorted[to - 1].p - 0.5));
        eval_set_share(one, "accuracy", sum, to - from, "n");
        json_array_append_new(list, one);
    }
    json_object_set_new(out, "by_margin", list);
    free(sorted);
    free(right);
}

static void set_confidences(json_t *out, const Case *c, int n)
{
    json_t *list = json_array();
    for (int confidence = 1; confidence <= MOST_CONFIDENT; confidence++) {
        double right = 0;
        int here = 0;
        for (int i = 0; i < n; i++)
            if (c[i].confidence == confidence) {
                right += is_right(c[i].p, c[i].preferred);
                here++;
            }
        if (here == 0)
            continue;
        json_t *one = json_pack("{s:i}", "confidence", confidence);
        eval_set_share(one, "accuracy", right, here, "n");
        json_array_append_new(list, one);
    }
    json_object_set_new(out, "by_confidence", list);
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

static json_t *position(const Case *c, int n)
{
    static const double edge[GAP_BINS + 1] = {1, 1.25, 2, (double)INFINITY};
    int pairs[GAP_BINS] = {0}, same[GAP_BINS] = {0}, first = 0, all = 0, all_same = 0;
    for (int i = 0; i < n; i++) {
        if (!c[i].both)
            continue;
        bool is_same = is_same_slot(&c[i]);
        pairs[gap_bin(&c[i])]++;
        same[gap_bin(&c[i])] += is_same;
        all++;
        all_same += is_same;
        first += is_same && eval_first_slot(c[i].order[0], c[i].flip);
    }
    if (all == 0)
        return json_null();
    json_t *out = json_object(), *gaps = json_array();
    json_object_set_new(out, "pairs", json_integer(all));
    json_object_set_new(out, "same_slot", json_integer(all_same));
    eval_set_share(out, "same_slot_rate", all_same, all, NULL);
    eval_set(out, "first_share", (double)first / all_same);
    json_object_set_new(out, "first_share_interval", eval_interval(stats_wilson(first, all_same)));
    eval_set(out, "p", stats_binomial(first, all_same, 0.5));
    for (int b = 0; b < GAP_BINS; b++) {
        json_t *one = json_object();
        eval_set(one, "from", edge[b]);
        eval_set(one, "to", edge[b + 1]);
        json_object_set_new(one, "pairs", json_integer(pairs[b]));
        eval_set(one, "same_slot_rate", (double)same[b] / pairs[b]);
        json_object_set_new(one, "interval", eval_interval(stats_wilson(same[b], pairs[b])));
        json_array_append_new(gaps, one);
    }
    json_object_set_new(out, "by_length_gap", gaps);
    return out;
}

/* --- the stage ------------------------------------------------------------------------------------------ */

static void summarise(json_t *out, const Case *all, int n)
{
    Case *chosen = mem_alloc((size_t)n, sizeof *chosen);
    int with_choice = 0, with_mass = 0;
    double distance = 0, mass = 0;
    for (int i = 0; i < n; i++) {
        distance += fabs(all[i].p - 0.5) / n;
        mass += isfinite(all[i].mass) ? all[i].mass : 0;
        with_mass += isfinite(all[i].mass);
        if (all[i].preferred >= 0)
            chosen[with_choice++] = all[i];
    }
    json_object_set_new(out, "rows", json_integer(n));
    json_object_set_new(out, "with_choice", json_integer(with_choice));
    if (with_choice > 0) {
        set_accuracy(out, chosen, with_choice);
        set_calibration(out, chosen, with_choice);
        set_margins(out, chosen, with_choice);
        set_confidences(out, chosen, with_choice);
    }
    eval_set(out, "mean_distance_from_half", distance);
    eval_set(out, "mass", mass / with_mass);
    json_object_set_new(out, "position", position(all, n));
    free(chosen);
}

bool alignment_numbers(const Rows *rows, json_t *out, Err *err)
{
    Case *cases = mem_alloc((size_t)rows->n, sizeof *cases);
    int n;
    bool ok = read_cases(rows, false, cases, &n, err);
    if (ok) {
        summarise(out, cases, n);
        eval_set_agreement(out, rows);
    }
    free(cases);
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
    eval_print("of these the first", "%-10sp %s (binomial, against 50 %%)", eval_percent(position, "first_share").text,
               eval_p(position, "p").text);
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

static void print_table(const json_t *s)
{
    eval_print("rows, with people's choices", "%.0f, %.0f", json_number_of(s, "rows", 0),
               json_number_of(s, "with_choice", 0));
    if (json_object_get(s, "accuracy")) {
        eval_print_share("accuracy", s, "accuracy", "interval");
        eval_print_share("  in one order", s, "single_order_accuracy", NULL);
        eval_print_share("  of the longer response", s, "longer_accuracy", NULL);
        eval_print("kappa, both orders counted", "%s, %s", eval_decimal(s, "kappa").text,
                   eval_decimal(s, "kappa_both_orders").text);
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
    Case *cases = NULL;
    int n;
    char labels[HASH_TEXT];
    bool ok = stage_read_rows(work, o->labels, o->limit, NEED_PAIR, o->skip_bad, &rows, err);
    if (ok) {
        rows_hash(&rows, labels);
        cases = mem_alloc((size_t)rows.n, sizeof *cases);
    }
    ok = ok && read_cases(&rows, o->skip_bad, cases, &n, err) &&
         stage_begin(&s, work, name, "eval alignment",
                     stage_about(&alignment_table, o, &o->common, "labels", labels, NULL), err);
    if (ok) {
        summarise(s.summary, cases, n);
        eval_set_agreement(s.summary, &rows);
        json_object_set_new(s.summary, "cost", cost_json(&o->prices, &rows));
        if (!work->in_recipe)
            print_table(s.summary);
        ok = stage_end(&s, NULL, err);
    }
    free(cases);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
