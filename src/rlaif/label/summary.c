/* What is said of a set of labels when it is done: from the stored rows, so that a resumed stage says the same. */
#include "rlaif/label/summary.h"

#include "base/mem.h"
#include "rlaif/eval/eval.h"
#include "rlaif/learn/flat.h"

typedef struct LabelSums {
    int n, same_slot, two_orders, cut, turned;
    double p, distance, mass, masses, missing, absent, input, output;
} LabelSums;

static void add_said(LabelSums *s, const json_t *said)
{
    s->masses += json_object_get(said, "mass") != NULL; /* a contrast has no answers */
    s->mass += json_number_of(said, "mass", 0);
    s->missing += json_number_of(said, "missing", 0);
    s->absent += json_object_get(said, "absent") != NULL;
}

static void add_label(LabelSums *s, const json_t *label)
{
    double p = json_number_of(label, "p", 0.5);
    const json_t *tokens = json_object_get(label, "tokens"), *orders = json_field(label, "orders"),
                 *parts = orders ? orders : json_object_get(label, "scores");
    s->n++;
    s->p += p;
    s->distance += fabs(p - 0.5);
    s->same_slot += json_bool_of(label, "same_slot", false);
    s->two_orders += json_object_get(label, "same_slot") != NULL;
    s->turned += json_bool_of(label, "noise", false);
    s->cut += json_number_of(label, "cut", 0) > 0;
    s->input += json_number_of(tokens, "input", 0);
    s->output += json_number_of(tokens, "output", 0);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i), *own = json_object_get(part, "parts"); /* of a mix */
        add_said(s, part);
        for (size_t k = 0; k < json_array_size(own); k++)
            add_said(s, json_array_get(own, k));
    }
}

static void warn(const char *stage, const LabelSums *s)
{
    double mass = s->mass / s->masses;
    if (s->masses > 0 && mass < 0.8)
        log_warn("%s: only %.0f %% of the probability falls on the answers; look at the prompt with --explain and "
                 "--chat, or at another one",
                 stage, 100 * mass);
    flat_labels_warn(stage, s->distance / s->n);
    if (s->two_orders && s->same_slot > 0.8 * s->two_orders)
        log_warn(
            "%s: in %.0f %% of the pairs the judge chose the same position in both orders: it tells little about the "
            "responses; --method pointwise judges each alone",
            stage, 100.0 * s->same_slot / s->two_orders);
    if (s->absent > 0)
        log_note(
            "%s: in %.0f of %.0f judgments the endpoint did not return every answer: the others' logp is the most that "
            "they may have (--top-logprobs asks for more)",
            stage, s->absent, s->masses);
    if (s->cut)
        log_note("%s: the context of %d of %d rows was cut", stage, s->cut, s->n);
}

static bool add_alignment(json_t *summary, const Rows *rows, Err *err)
{
    json_t *numbers = json_object();
    bool ok = alignment_numbers(rows, numbers, err);
    if (ok)
        json_object_set(summary, "alignment", numbers);
    json_decref(numbers);
    return ok;
}

bool label_summary(Stage *s, const LabelOptions *o, const char *prompt, bool fresh, Err *err)
{
    LabelSums sums = {0};
    Rows rows = {0};
    char *source = mem_printf("stage:%s", s->name);
    bool ok = stage_read_rows(s->work, source, 0, NEED_PAIR, false, &rows, err);
    free(source);
    if (!ok)
        return false;
    for (int i = 0; i < rows.n; i++)
        add_label(&sums, json_object_get(rows.row[i].json, "label"));
    json_object_set_new(s->summary, "pairs", json_integer(sums.n));
    if (prompt)
        json_object_set_new(s->summary, "prompt", json_string(prompt));
    json_object_set_new(s->summary, "mean_p", json_real(sums.p / sums.n));
    json_object_set_new(s->summary, "mean_distance_from_half", json_real(sums.distance / sums.n));
    if (sums.masses > 0)
        json_object_set_new(s->summary, "mass", json_real(sums.mass / sums.masses));
    if (sums.missing > 0) {
        json_object_set_new(s->summary, "missing", json_real(sums.missing / sums.masses));
        json_object_set_new(s->summary, "absent", json_integer((json_int_t)sums.absent));
    }
    if (sums.two_orders)
        json_object_set_new(s->summary, "same_slot_rate", json_real((double)sums.same_slot / sums.two_orders));
    json_object_set_new(s->summary, "cut", json_integer(sums.cut));
    if (o->settle.noise > 0)
        json_object_set_new(s->summary, "noise",
                            json_pack("{s:f, s:i}", "probability", o->settle.noise, "turned", sums.turned));
    json_object_set_new(s->summary, "tokens",
                        json_pack("{s:I, s:I}", "input", (json_int_t)sums.input, "output", (json_int_t)sums.output));
    json_object_set_new(s->summary, "cost", cost_json(&o->endpoint.prices, &rows));
    ok = add_alignment(s->summary, &rows, err);
    rows_release(&rows);
    if (fresh)
        warn(s->name, &sums);
    return ok;
}
