/* How far people agree with each other: raters by their names, or whoever chose between the same two responses. */
#include "rlaif/eval/raters.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/table.h"

/* --- raters ------------------------------------------------------------------------------------------------ */

void raters_init(Raters *r, int prompts)
{
    *r = (Raters){.number = json_object(), .alike = outcomes_begin(prompts)};
}

void raters_release(Raters *r)
{
    json_decref(r->number);
    for (int i = 0; i < r->n; i++)
        free(r->name[i]);
    free(r->name);
    free(r->judged);
    free(r->pairs);
    free(r->agree);
    outcomes_release(&r->alike);
}

int raters_meet(Raters *r, const char *name)
{
    int i = json_index_of(r->number, name);
    if (i == r->n) {
        size_t n = (size_t)r->n + 1;
        r->name = mem_resize(r->name, n, sizeof *r->name);
        r->judged = mem_resize(r->judged, n, sizeof *r->judged);
        r->pairs = mem_resize(r->pairs, n, sizeof *r->pairs);
        r->agree = mem_resize(r->agree, n, sizeof *r->agree);
        r->name[i] = mem_str(name);
        r->judged[i] = r->pairs[i] = r->agree[i] = 0;
        r->n++;
    }
    r->judged[i]++;
    return i;
}

void raters_pair(Raters *r, int prompt, int first, int second, double alike)
{
    int both[] = {first, second};
    for (int k = 0; k < 2; k++) {
        r->pairs[both[k]]++;
        r->agree[both[k]] += alike;
    }
    outcomes_add(&r->alike, prompt, alike);
}

json_t *raters_summary(const Raters *r, int seed)
{
    json_t *out = json_object(), *list = json_array();
    json_object_set_new(out, "raters", json_integer(r->n));
    json_object_set_new(out, "pairs", json_integer(r->alike.n));
    eval_set(out, "agreement", r->alike.total / r->alike.n);
    json_object_set_new(out, "interval", eval_interval(outcomes_share_bootstrap(&r->alike, seed)));
    for (int i = 0; i < r->n; i++) {
        json_t *one = json_pack("{s:s, s:i, s:i}", "rater", r->name[i], "judgments", (int)r->judged[i], "pairs",
                                (int)r->pairs[i]);
        eval_set(one, "agreement", r->agree[i] / r->pairs[i]);
        json_array_append_new(list, one);
    }
    json_object_set_new(out, "by_rater", list);
    return out;
}

void raters_print(const json_t *summary)
{
    size_t i;
    json_t *one;
    eval_print("raters", "%.0f", json_number_of(summary, "raters", 0));
    eval_print_share("  two of them agree", summary, "agreement", "interval");
    json_array_foreach(json_object_get(summary, "by_rater"), i, one)
    {
        char what[60];
        snprintf(what, sizeof what, "  %s", json_text_of(one, "rater"));
        eval_print(what, "%-10s%.0f judgments", eval_percent(one, "agreement").text,
                   json_number_of(one, "judgments", 0));
    }
}

/* --- people without names ---------------------------------------------------------------------------------- */

/* One person's choice, by the pair that it is about. */
typedef struct Choice {
    char pair[HASH_TEXT]; /* of context and both responses, whichever stands first */
    int prompt;           /* its number */
    bool lesser;          /* the preferred response is the one whose text comes first in order */
    double label;         /* 1: the judge's label is on this person's side, 1/2: on neither; NAN: there is none */
} Choice;

static Choice read_choice(const RowView *v, json_t *prompts)
{
    const char *a = v->response[0].text, *b = v->response[1].text;
    bool in_order = strcmp(a, b) <= 0;
    char *context = context_key(&v->context);
    Choice c = {.prompt = context_number(prompts, &v->context),
                .lesser = (v->preferred == 0) == in_order,
                .label = (double)NAN};
    Hash *h = hash_new();
    hash_add_text(h, context);
    hash_add_text(h, in_order ? a : b);
    hash_add_text(h, in_order ? b : a);
    hash_end(h, c.pair);
    free(context);
    if (v->has_label)
        c.label = v->preferred == 0 ? eval_outcome(v->label, 0.5) : 1 - eval_outcome(v->label, 0.5);
    return c;
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const Choice *)a)->pair, ((const Choice *)b)->pair);
}

/* Sums over the pairs that several people chose between. */
typedef struct Agreement {
    double *agree, *compared; /* [prompts]: two people who chose alike; all twos of people */
    int pairs, choices;
    double labels, labelled;
} Agreement;

static void add_pair(Agreement *g, const Choice *c, int n)
{
    int lesser = 0;
    for (int i = 0; i < n; i++) {
        lesser += c[i].lesser;
        if (isfinite(c[i].label)) {
            g->labels += c[i].label;
            g->labelled++;
        }
    }
    int greater = n - lesser;
    g->agree[c->prompt] += (lesser * (lesser - 1) + greater * (greater - 1)) / 2.0;
    g->compared[c->prompt] += n * (n - 1) / 2.0;
    g->pairs++;
    g->choices += n;
}

void eval_set_agreement(json_t *out, const Rows *rows)
{
    Choice *c = mem_alloc((size_t)rows->n + 1, sizeof *c);
    Agreement g = {.agree = mem_zalloc((size_t)rows->n + 1, sizeof(double)),
                   .compared = mem_zalloc((size_t)rows->n + 1, sizeof(double))};
    json_t *numbers = json_object();
    int n = 0;
    for (int i = 0; i < rows->n; i++)
        if (rows->row[i].view.preferred >= 0)
            c[n++] = read_choice(&rows->row[i].view, numbers);
    qsort(c, (size_t)n, sizeof *c, compare_pairs);
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && compare_pairs(&c[i], &c[end]) == 0;)
            end++;
        if (end - i > 1)
            add_pair(&g, &c[i], end - i);
    }
    json_t *all = json_null();
    if (g.pairs > 0) {
        double agree = 0, compared = 0;
        int prompts = (int)json_object_size(numbers);
        for (int i = 0; i < prompts; i++) {
            agree += g.agree[i];
            compared += g.compared[i];
        }
        all = json_pack("{s:i, s:i, s:f}", "pairs", g.pairs, "choices", g.choices, "agreement", agree / compared);
        json_object_set_new(all, "interval", eval_interval(stats_share(g.agree, g.compared, prompts)));
        eval_set(all, "labels", g.labels / g.labelled);
    }
    json_object_set_new(out, "people", all);
    json_decref(numbers);
    free(g.agree);
    free(g.compared);
    free(c);
}
