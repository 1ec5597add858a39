/* How far people agree with each other, where several of them chose between the same two responses. */
#include "rlaif/eval/agreement.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"

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
