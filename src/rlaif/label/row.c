/* Labels as JSON. */
#include "rlaif/label/row.h"

#include "base/mem.h"
#include "base/rng.h"

const Option settle_option_rows[SETTLE_OPTIONS] = {
    {"flip", OPT_CHOICE, AT(SettleOptions, flip), .choices = "auto|true|false", .otherwise = "auto",
     .help = "the answer names the worse response; auto: as the prompt says"},
    AVERAGE_OPTION(SettleOptions, average),
    {"label-temperature", OPT_REAL, AT(SettleOptions, temperature), 0.001, 1000, "1",
     .help = "of the answers' distribution: above 1 softens labels"},
    {"clamp", OPT_REAL, AT(SettleOptions, clamp), 0, 0.5, "0", .help = "keep labels between this and 1 less this"},
    {"use-samples", OPT_INT, AT(SettleOptions, use_samples), 0, 1000, "0",
     .help = "average the first so many rationales of each order; 0: all"},
    {"noise", OPT_REAL, AT(SettleOptions, noise), 0, 1, "0",
     .help = "turn labels into their opposite with this probability, by seed: what a worse judge would do"},
};

/* --- from a judge --------------------------------------------------------------------------------------- */

static void set_reading(json_t *label, const Judge *j, int cut, TokenCount tokens)
{
    if (j->prompt->flip)
        json_object_set_new(label, "flip", json_true());
    if (cut > 0)
        json_object_set_new(label, "cut", json_integer(cut));
    json_object_set_new(label, "tokens", json_pack("{s:i, s:i}", "input", tokens.input, "output", tokens.output));
    if (judge_endpoint_about(j))
        json_object_set(label, "endpoint", (json_t *)(uintptr_t)judge_endpoint_about(j));
}

static json_t *order_json(const OrderVerdict *o, bool alone)
{
    json_t *order = verdict_json(&o->verdict, 2);
    if (alone)
        json_object_set_new(order, "swapped", json_boolean(o->swapped));
    if (o->opinions > 1) {
        json_t *samples = json_array();
        for (int k = 0; k < o->opinions; k++)
            json_array_append_new(samples, verdict_json(&o->opinion[k].verdict, 2));
        json_object_set_new(order, "samples", samples);
    }
    return order;
}

json_t *label_of_pair(const Judge *j, const PairVerdict *v)
{
    json_t *label = json_object(), *orders = json_array(), *rationales = json_array();
    for (int i = 0; i < v->orders; i++) {
        json_array_append_new(orders, order_json(&v->order[i], v->orders == 1));
        for (int k = 0; k < v->order[i].opinions; k++)
            json_array_append_new(rationales, json_string(v->order[i].opinion[k].rationale));
    }
    json_object_set_new(label, "orders", orders);
    if (json_array_size(rationales) > 0)
        json_object_set(label, "rationales", rationales);
    json_decref(rationales);
    set_reading(label, j, v->cut, v->tokens);
    return label;
}

json_t *label_of_scores(const Judge *j, const Verdict v[2])
{
    json_t *label = json_object(), *scores = json_array(), *numbers = json_array();
    for (int i = 0; i < 2; i++) {
        json_t *score = judge_verdict_json(j, &v[i]);
        json_object_set_new(score, "reward", json_real(judge_reward(j, &v[i])));
        json_array_append_new(scores, score);
    }
    json_object_set_new(label, "scores", scores);
    if (j->scale.kind == JUDGE_MIX)
        json_object_set_new(label, "mix_temperature", json_real(j->scale.temperature));
    for (int a = 0; j->scale.kind == JUDGE_SCORE && a < j->scale.n; a++)
        json_array_append_new(numbers, json_real(j->scale.number[a]));
    if (json_array_size(numbers) > 0)
        json_object_set(label, "numbers", numbers);
    json_decref(numbers);
    set_reading(label, j, v[0].cut, (TokenCount){v[0].tokens + v[1].tokens, 0});
    return label;
}

/* --- reading back --------------------------------------------------------------------------------------- */

/* {"logp": [...], "mass"} with `answers` entries; 0: any number, which is returned in *n. */
static bool read_verdict(const json_t *part, int answers, Verdict *v, int *n, Err *err)
{
    const json_t *list = json_object_get(part, "logp");
    *v = (Verdict){.mass = json_number_of(part, "mass", 0),
                   .missing = json_number_of(part, "missing", 0),
                   .number = json_number_of(part, "contrast", 0)};
    *n = (int)json_array_size(list);
    bool ok = *n >= 2 && *n <= MOST_ANSWERS && (answers == 0 || *n == answers);
    for (int a = 0; ok && a < *n; a++) {
        ok = json_is_number(json_array_get(list, (size_t)a));
        v->logp[a] = json_number_value(json_array_get(list, (size_t)a));
    }
    size_t i;
    json_t *absent;
    json_array_foreach(json_object_get(part, "absent"), i, absent) v->absent |= 1U << (json_integer_value(absent) & 31);
    if (ok)
        return true;
    err_set(err, ERR_INPUT, "\"label\" does not keep the answers' log-probabilities");
    return err_hint(err, "only labels that rlaif label made can be settled anew");
}

static bool read_order(const json_t *part, bool swapped, int use, OrderVerdict *o, Err *err)
{
    const json_t *samples = json_object_get(part, "samples");
    int n = (int)json_array_size(samples), answers;
    *o = (OrderVerdict){.swapped = swapped};
    if (n == 0)
        return read_verdict(part, 2, &o->verdict, &answers, err);
    o->opinions = use > 0 && use < n ? use : n;
    o->opinion = mem_zalloc((size_t)o->opinions, sizeof *o->opinion);
    for (int k = 0; k < o->opinions; k++)
        if (!read_verdict(json_array_get(samples, (size_t)k), 2, &o->opinion[k].verdict, &answers, err))
            return false;
    o->verdict = verdict_mean(o->opinion, o->opinions, 2);
    return true;
}

/* The rationales of an order: each order has as many. */
static void read_rationales(const json_t *said, int order, int orders, OrderVerdict *o)
{
    const json_t *list = json_object_get(said, "rationales");
    size_t each = json_array_size(list) / (size_t)orders;
    if (each == 0)
        return;
    if (o->opinions == 0) { /* a single one */
        o->opinion = mem_zalloc(1, sizeof *o->opinion);
        o->opinion[0].verdict = o->verdict;
        o->opinions = 1;
    }
    for (int k = 0; k < o->opinions; k++) {
        const char *text = json_string_value(json_array_get(list, (size_t)order * each + (size_t)k));
        o->opinion[k].rationale = mem_str(text ? text : "");
    }
}

static bool read_pair(const json_t *said, int use, int only, PairVerdict *v, Err *err)
{
    const json_t *list = json_object_get(said, "orders");
    int n = (int)json_array_size(list);
    *v = (PairVerdict){0};
    if (n < 1 || n > 2)
        return err_set(err, ERR_INPUT, "\"label\" has %d orders", n);
    for (int i = 0; i < n; i++) {
        const json_t *part = json_array_get(list, (size_t)i);
        if (n == 2 && only >= 0 && i != only)
            continue;
        bool swapped = n == 2 ? i == 1 : json_bool_of(part, "swapped", false);
        OrderVerdict *o = &v->order[v->orders++];
        if (!read_order(part, swapped, use, o, err))
            return false;
        read_rationales(said, i, n, o);
    }
    return true;
}

/* --- settling ------------------------------------------------------------------------------------------- */

/* What a label says besides judgments and what follows from them. */
static void copy_rest(json_t *out, const json_t *said)
{
    static const char *const not_these[] = {"p",    "orders",      "scores", "same_slot", "rationales",
                                            "flip", "temperature", "clamp",  "noise",     "average"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)said, key, value)
    {
        bool mine = false;
        for (int i = 0; i < COUNT(not_these); i++)
            mine = mine || strcmp(key, not_these[i]) == 0;
        if (!mine)
            json_object_set(out, key, value);
    }
}

static void set_settling(json_t *out, const SettleOptions *how, bool flip)
{
    if (flip)
        json_object_set_new(out, "flip", json_true());
    if (how->average == AVERAGE_LOG_ODDS)
        json_object_set_new(out, "average", json_string("log-odds"));
    if (how->temperature != 1)
        json_object_set_new(out, "temperature", json_real(how->temperature));
    if (how->clamp > 0)
        json_object_set_new(out, "clamp", json_real(how->clamp));
}

static json_t *settled_orders(const PairVerdict *v)
{
    json_t *orders = json_array();
    for (int i = 0; i < v->orders; i++) {
        json_t *order = json_pack("{s:f}", "p", v->order[i].p), *said = order_json(&v->order[i], v->orders == 1);
        json_object_update(order, said);
        json_decref(said);
        json_array_append_new(orders, order);
    }
    return orders;
}

static bool settle_pair(const json_t *said, const SettleOptions *how, int only, bool flip, json_t *out, Err *err)
{
    PairVerdict v;
    bool ok = read_pair(said, how->use_samples, only, &v, err);
    if (ok) {
        json_t *rationales = json_array();
        pair_settle(&v, (Settling){.average = (Averaging)how->average,
                                   .flip = flip,
                                   .temperature = how->temperature,
                                   .clamp = how->clamp});
        json_object_set_new(out, "p", json_real(v.p));
        json_object_set_new(out, "orders", settled_orders(&v));
        if (v.orders == 2)
            json_object_set_new(out, "same_slot", json_boolean(v.same_slot));
        for (int i = 0; i < v.orders; i++)
            for (int k = 0; k < v.order[i].opinions; k++)
                if (v.order[i].opinion[k].rationale)
                    json_array_append_new(rationales, json_string(v.order[i].opinion[k].rationale));
        if (json_array_size(rationales) > 0)
            json_object_set(out, "rationales", rationales);
        json_decref(rationales);
    }
    pair_verdict_release(&v);
    return ok;
}

/* The margins of a mix, which are settled at its own temperature. */
static bool read_margins(const json_t *said, const json_t *const score[2], Scale *s, Verdict v[2], Err *err)
{
    s->kind = JUDGE_MIX;
    s->temperature = json_number_of(said, "mix_temperature", 0);
    for (int i = 0; i < 2; i++) {
        const json_t *margin = json_field(score[i], "margin");
        v[i] = (Verdict){.number = json_number_value(margin)};
        if (!json_is_number(margin) || !(s->temperature > 0))
            return err_set(err, ERR_INPUT, "\"label\" does not keep the mix's margins and \"mix_temperature\"");
    }
    return true;
}

/* What the scores of a label keep of their judge's scale, and its verdicts. */
static bool read_scores(const json_t *said, Scale *s, Verdict v[2], Err *err)
{
    const json_t *list = json_field(said, "scores"), *numbers = json_field(said, "numbers"),
                 *score[2] = {json_array_get(list, 0), json_array_get(list, 1)};
    int n = 0;
    bool contrast = json_field(score[0], "contrast") && json_field(score[1], "contrast");
    *s = (Scale){.kind = numbers ? JUDGE_SCORE : contrast ? JUDGE_CONTRAST : JUDGE_CHECKLIST};
    if (json_array_size(list) == 2 && json_field(score[0], "margin"))
        return read_margins(said, score, s, v, err);
    if (json_array_size(list) != 2 || !read_verdict(score[0], 0, &v[0], &s->n, err) ||
        !read_verdict(score[1], s->n, &v[1], &n, err))
        return err_set(err, ERR_INPUT, "\"label\" has no two scores");
    if (numbers ? json_array_size(numbers) != (size_t)s->n : s->n % 2 != 0)
        return err_set(err, ERR_INPUT, "\"label\" has %d answers, but not their numbers", s->n);
    for (int a = 0; numbers && a < s->n; a++)
        s->number[a] = json_number_value(json_array_get(numbers, (size_t)a));
    return true;
}

static bool settle_scores(const json_t *said, const SettleOptions *how, bool flip, json_t *out, Err *err)
{
    Scale scale;
    Verdict v[2];
    if (how->average == AVERAGE_LOG_ODDS)
        return err_set(err, ERR_INPUT, "the label is of two responses judged alone: there are no orders to average"),
               err_hint(err, "leave out --average");
    if (!read_scores(said, &scale, v, err))
        return false;
    double p = verdict_preference(&scale, &v[0], &v[1], how->temperature);
    p = flip ? 1 - p : p;
    p = p < how->clamp ? how->clamp : p > 1 - how->clamp ? 1 - how->clamp : p;
    json_object_set_new(out, "p", json_real(p));
    json_object_set(out, "scores", json_object_get(said, "scores"));
    return true;
}

bool label_settle(const json_t *said, const SettleOptions *how, int order, json_t **out, Err *err)
{
    bool flip = how->flip == FLIP_AUTO ? json_bool_of(said, "flip", false) : how->flip == FLIP_TRUE;
    *out = json_object();
    bool ok = json_field(said, "scores") ? settle_scores(said, how, flip, *out, err)
                                         : settle_pair(said, how, order, flip, *out, err);
    if (ok) {
        copy_rest(*out, said);
        set_settling(*out, how, flip);
        return true;
    }
    json_decref(*out);
    *out = NULL;
    return false;
}

void label_add_noise(json_t *label, const SettleOptions *how, int seed, uint64_t row)
{
    RngKey key = {.seed = (uint64_t)seed, .purpose = RNG_NOISE, .row = row};
    if (rng_uniform(key, 0) >= how->noise)
        return;
    json_object_set_new(label, "p", json_real(1 - json_number_of(label, "p", 0.5)));
    json_object_set_new(label, "noise", json_true());
}
