/* Labels. */
#include "rlaif/label.h"

#include "base/mem.h"
#include "base/rng.h"

static const Option option_rows[] = {
    {"pairs", OPT_TEXT, AT(LabelOptions, pairs), .value = "PAIRS", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with two responses"},
    {"model", OPT_TEXT, AT(LabelOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the judge"},
    {"output", OPT_TEXT, AT(LabelOptions, output), .value = "LABELS", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "rows with their labels; standard output if not given"},
    {"prompt", OPT_TEXT, AT(LabelOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "judge prompt [helpful-base; pointwise: helpful-score]"},
    {"method", OPT_CHOICE, AT(LabelOptions, method), .choices = "pairwise|pointwise", .otherwise = "pairwise",
     .help = "compare two responses, or judge each alone"},
    {"both-orders", OPT_BOOL, AT(LabelOptions, both_orders), .otherwise = "true",
     .help = "ask in both orders and average; false: in one, drawn by seed"},
    {"limit", OPT_INT, AT(LabelOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(LabelOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {judge_option_rows, JUDGE_OPTIONS, AT(LabelOptions, judge)},
    {common_options, COMMON_OPTIONS, AT(LabelOptions, common)},
};
const OptionTable label_table = {groups, COUNT(groups), sizeof(LabelOptions)};

enum {
    CHUNK = 16,           /* pairs that are judged and stored together */
    CHUNK_RATIONALES = 64 /* with rationales, so many of them in place of pairs */
};

typedef struct Labeling {
    const LabelOptions *options;
    const char *prompt_name;
    Work *work;
    Model *model;
    Judge *judge;
    char model_hash[HASH_TEXT], prompt_hash[HASH_TEXT];
} Labeling;

static bool prepare(void *context, Err *err)
{
    Labeling *l = context;
    JudgeOptions how = l->options->judge;
    how.seed = l->options->common.seed;
    return model_load(&l->model, l->options->model, l->work->device, HEAD_LM, err) &&
           judge_open(&l->judge, l->model, l->prompt_name, how, err);
}

static json_t *logps(const Labeling *l, const Verdict *v)
{
    json_t *list = json_array();
    for (int a = 0; a < l->judge->prompt->answers; a++)
        json_array_append_new(list, json_real(v->logp[a]));
    return list;
}

static json_t *label_start(double p)
{
    return json_pack("{s:f}", "p", p);
}

static void label_end(const Labeling *l, json_t *label, const char *method)
{
    char *judge = mem_printf("sha256:%s", l->model_hash), *prompt = mem_printf("sha256:%s", l->prompt_hash);
    json_object_set_new(label, "method", json_string(method));
    json_object_set_new(label, "judge", json_string(judge));
    json_object_set_new(label, "prompt_hash", json_string(prompt));
    json_object_set_new(label, "seed", json_integer(l->options->common.seed));
    free(judge);
    free(prompt);
}

static json_t *order_label(const Labeling *l, const OrderVerdict *o, bool alone)
{
    json_t *order = json_pack("{s:f, s:o, s:f}", "p", o->p, "logp", logps(l, &o->verdict), "mass", o->verdict.mass);
    if (alone)
        json_object_set_new(order, "swapped", json_boolean(o->swapped));
    if (o->opinions > 1) {
        json_t *samples = json_array();
        for (int k = 0; k < o->opinions; k++)
            json_array_append_new(samples, json_pack("{s:o, s:f}", "logp", logps(l, &o->opinion[k].verdict), "mass",
                                                     o->opinion[k].verdict.mass));
        json_object_set_new(order, "samples", samples);
    }
    return order;
}

static void set_cost(json_t *label, int cut, TokenCount tokens)
{
    if (cut > 0)
        json_object_set_new(label, "cut", json_integer(cut));
    json_object_set_new(label, "tokens", json_pack("{s:i, s:i}", "input", tokens.input, "output", tokens.output));
}

static json_t *pair_label(const Labeling *l, const PairVerdict *v)
{
    json_t *label = label_start(v->p), *orders = json_array(), *rationales = json_array();
    for (int i = 0; i < v->orders; i++) {
        const OrderVerdict *o = &v->order[i];
        json_array_append_new(orders, order_label(l, o, v->orders == 1));
        for (int k = 0; k < o->opinions; k++)
            json_array_append_new(rationales, json_string(o->opinion[k].rationale));
    }
    json_object_set_new(label, "orders", orders);
    if (v->orders == 2)
        json_object_set_new(label, "same_slot", json_boolean(v->same_slot));
    if (json_array_size(rationales) > 0)
        json_object_set(label, "rationales", rationales);
    json_decref(rationales);
    set_cost(label, v->cut, v->tokens);
    label_end(l, label, "pairwise");
    return label;
}

static json_t *point_label(const Labeling *l, const Verdict v[2])
{
    json_t *label = label_start(verdict_preference(&l->judge->scale, &v[0], &v[1], 1)), *scores = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(scores, json_pack("{s:o, s:f, s:f}", "logp", logps(l, &v[i]), "mass", v[i].mass, "reward",
                                                judge_reward(l->judge, &v[i])));
    json_object_set_new(label, "scores", scores);
    set_cost(label, v[0].cut, (TokenCount){v[0].tokens + v[1].tokens, 0});
    label_end(l, label, "pointwise");
    return label;
}

static json_t *with_label(const Row *row, json_t *label)
{
    json_t *out = json_copy(row->json);
    json_object_set_new(out, "label", label);
    return out;
}

static bool label_pairs(Labeling *l, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Question q[CHUNK] = {{0}};
    PairVerdict *verdict = mem_zalloc(CHUNK, sizeof *verdict);
    char place[CHUNK][300];
    for (int i = 0; i < n; i++) {
        const Row *row = &rows->row[index[i]];
        RngKey key = {.seed = (uint64_t)l->options->common.seed, .purpose = RNG_ORDER, .row = row->identity};
        q[i] = (Question){row_place(rows, index[i], place[i]), context_lines(&row->view.context),
                          row->view.response[0].text,          row->view.response[1].text,
                          rng_below(key, 0, 2) == 1,           row->identity};
    }
    bool ok = judge_pairs(l->judge, q, n, l->options->both_orders, verdict, err);
    for (int i = 0; i < n; i++) {
        if (ok)
            out[i] = with_label(&rows->row[index[i]], pair_label(l, &verdict[i]));
        pair_verdict_release(&verdict[i]);
        free((char *)(uintptr_t)q[i].context);
    }
    free(verdict);
    return ok;
}

static bool label_points(Labeling *l, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Question q[2 * CHUNK] = {{0}};
    Verdict verdict[CHUNK][2];
    char place[CHUNK][300];
    for (int i = 0; i < 2 * n; i++) {
        const Row *row = &rows->row[index[i / 2]];
        q[i] = (Question){.where = row_place(rows, index[i / 2], place[i / 2]),
                          .first = row->view.response[i % 2].text,
                          .context = i % 2 ? q[i - 1].context : context_lines(&row->view.context)};
    }
    bool ok = judge_responses(l->judge, q, 2 * n, verdict[0], err);
    for (int i = 0; i < n; i++) {
        if (ok)
            out[i] = with_label(&rows->row[index[i]], point_label(l, verdict[i]));
        free((char *)(uintptr_t)q[2 * i].context);
    }
    return ok;
}

static bool label_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Labeling *l = context;
    return l->options->method == LABEL_PAIRWISE ? label_pairs(l, rows, index, n, out, err)
                                                : label_points(l, rows, index, n, out, err);
}

/* Pairs of one chunk. */
static int chunk_pairs(const LabelOptions *o)
{
    int n = CHUNK_RATIONALES / (o->judge.samples * (o->both_orders ? 2 : 1));
    return !o->judge.cot ? CHUNK : n < 1 ? 1 : n < CHUNK ? n : CHUNK;
}

/* --- the summary, from the stored rows ------------------------------------------------------------------ */

typedef struct LabelSums {
    int n, same_slot, two_orders, first;
    double p, distance, mass, masses;
} LabelSums;

static bool add_label(void *context, const char *row, Err *err)
{
    LabelSums *s = context;
    json_t *j, *part;
    size_t i;
    if (!json_parse(row, strlen(row), "a stored label", &j, err))
        return false;
    const json_t *label = json_object_get(j, "label");
    double p = json_number_of(label, "p", 0.5);
    s->n++;
    s->p += p;
    s->distance += fabs(p - 0.5);
    s->first += p > 0.5;
    s->same_slot += json_bool_of(label, "same_slot", false);
    s->two_orders += json_object_get(label, "same_slot") != NULL;
    const json_t *parts =
        json_object_get(label, "orders") ? json_object_get(label, "orders") : json_object_get(label, "scores");
    json_array_foreach((json_t *)(uintptr_t)parts, i, part)
    {
        s->mass += json_number_of(part, "mass", 0);
        s->masses++;
    }
    json_decref(j);
    return true;
}

static bool summarise(Stage *s, const Labeling *l, Err *err)
{
    LabelSums sums = {0};
    if (!store_items_each(s->work->store, s->id, add_label, &sums, err))
        return false;
    json_object_set_new(s->summary, "pairs", json_integer(sums.n));
    json_object_set_new(s->summary, "prompt", json_string(l->prompt_name));
    json_object_set_new(s->summary, "mean_p", json_real(sums.p / sums.n));
    json_object_set_new(s->summary, "mean_distance_from_half", json_real(sums.distance / sums.n));
    json_object_set_new(s->summary, "mass", json_real(sums.mass / sums.masses));
    if (sums.two_orders)
        json_object_set_new(s->summary, "same_slot_rate", json_real((double)sums.same_slot / sums.two_orders));
    if (sums.mass / sums.masses < 0.5)
        log_warn(
            "%s: only %.0f %% of the probability falls on the answers; look at the prompt with --chat, or at another one",
            s->name, 100 * sums.mass / sums.masses);
    if (sums.two_orders && sums.same_slot > 0.8 * sums.two_orders)
        log_warn(
            "%s: in %.0f %% of the pairs the judge chose the same position in both orders: it tells little about the "
            "responses; --method pointwise judges each alone",
            s->name, 100.0 * sums.same_slot / sums.two_orders);
    return true;
}

static bool check_prompt(Labeling *l, Err *err)
{
    JudgePrompt *p;
    if (!judge_prompt_load(&p, l->prompt_name, err))
        return false;
    memcpy(l->prompt_hash, p->hash, HASH_TEXT);
    bool pairwise = p->kind == JUDGE_PAIRWISE;
    judge_prompt_free(p);
    if (pairwise == (l->options->method == LABEL_PAIRWISE))
        return true;
    err_set(err, ERR_INPUT, "the prompt %s judges %s at a time", l->prompt_name,
            pairwise ? "two responses" : "one response");
    return err_hint(err, "use --method %s", pairwise ? "pairwise" : "pointwise");
}

bool label_stage(Work *work, const char *name, const void *options, Err *err)
{
    const LabelOptions *o = options;
    Labeling l = {.options = o, .work = work};
    l.prompt_name = o->prompt ? o->prompt : o->method == LABEL_PAIRWISE ? "helpful-base" : "helpful-score";
    Rows rows = {0};
    Stage s = {0};
    bool ok =
        check_prompt(&l, err) && model_hash(o->model, l.model_hash, err) &&
        stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
        stage_begin(&s, work, name, "label",
                    stage_about(&label_table, o, &o->common, "model", l.model_hash, "prompt", l.prompt_hash, NULL),
                    err) &&
        stage_rows(&s, &rows, chunk_pairs(o), "pairs", prepare, label_chunk, &l, err) && summarise(&s, &l, err) &&
        stage_end(&s, NULL, err) && stage_deliver(&s, o->output, err);
    judge_free(l.judge);
    model_free(l.model);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
