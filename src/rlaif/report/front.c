/* The first page: the verdict, some replies before and after, the curves of reward and KL. */
#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/report/page/curves.h"
#include "rlaif/report/page/replies.h"
#include "rlaif/report/page/verdict.h"
#include "rlaif/report/sections.h"

/* --- the verdict ---------------------------------------------------------------------------------------- */

static void add_unfinished(Str *out, const Report *r)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        if (!r->stage[i].row.done) {
            str_add(out, n++ ? ", " : "<p class=\"lead\"><b>Not finished:</b> ");
            html_stage(out, &r->stage[i]);
        }
    if (n)
        str_add(out, ". What follows is what there is so far.</p>\n");
}

/* What else was compared stands among the results. */
static void add_others(Str *out, const Outcome *x, int n)
{
    int others = 0;
    for (int i = outcomes_of_one(x, n); i < n; i += outcomes_of_one(x + i, n - i))
        others++;
    if (others > 0)
        str_addf(out, "<p class=\"note\">%s among the <a href=\"#results\">results</a>.</p>\n",
                 others == 1 ? "One more comparison is" : say_count(others, "", "more comparisons are").text);
}

/* Of a side's replies: their mean length, and how many were not cut off; NAN where the evaluation does not say. */
static void looks(const ReportStage *eval, const char *side, double *characters, double *ended)
{
    const json_t *probes = json_object_get(eval->summary, side);
    *characters = json_number_of(json_object_get(probes, "characters"), "mean", (double)NAN);
    *ended = 1 - json_number_of(json_object_get(probes, "cut_off"), "mean", (double)NAN);
}

/* What anybody sees, whoever judges: judges like long replies and those that end. */
static void add_looks(Str *out, const ReportStage *eval)
{
    double length[2], ended[2];
    looks(eval, "probes_b", &length[0], &ended[0]);
    looks(eval, "probes_a", &length[1], &ended[1]);
    if (!isfinite(length[0]) || !isfinite(length[1]))
        return;
    str_addf(out, "<p>A reply had %s characters on average before and has %s after", say_number(length[0], 1).text,
             say_number(length[1], 1).text);
    if (isfinite(ended[0]) && isfinite(ended[1]))
        str_addf(
            out,
            "; %s of the replies ended by themselves before, %s do after, and the others were cut off at the limit",
            say_percent(ended[0]).text, say_percent(ended[1]).text);
    str_add(out, ".</p>\n");
}

static void add_verdict(Str *out, const Report *r, const Outcome *x, int n)
{
    if (n > 0) {
        int first = outcomes_of_one(x, n);
        str_add(out, "<p class=\"lead\">");
        html_headline(out, r, x, first);
        html_margins(out, r, x, first);
        str_add(out, "</p>\n");
        add_looks(out, x->eval);
        add_others(out, x, n);
    } else if (report_count(r, "eval ratings") > 0) {
        str_add(out,
                "<p class=\"lead\">No judge compared policies in this run; people did: <a href=\"#people\">what they "
                "said</a>.</p>\n");
    } else if (r->n > 0) {
        str_add(out,
                "<p class=\"lead\">No policy was compared with another in this run, so it does not say whether one "
                "got better.</p>\n");
    } else {
        str_add(out, "<p class=\"lead\">Nothing has been done in this run yet.</p>\n");
    }
}

/* --- replies before and after --------------------------------------------------------------------------- */

enum { DRAWN = 3 };

static bool add_row(void *context, json_t *row, Err *err)
{
    (void)err;
    html_pair(context, row);
    return true;
}

/* Prompts drawn by the run's seed, so that nobody's taste chooses what is seen first. */
static bool add_replies(Str *out, const Report *r, const ReportStage *eval, Err *err)
{
    int n = eval->items, drawn = n < DRAWN ? n : DRAWN;
    int seed = r->has_recipe ? r->recipe.seed : (int)json_number_of(eval->about, "seed", 0);
    int *order = mem_alloc((size_t)n + 1, sizeof *order);
    Str body = {0};
    bool ok = true;
    rng_permutation((RngKey){.seed = (uint64_t)seed, .purpose = RNG_SHOWN}, order, n);
    for (int i = 0; ok && i < drawn; i++)
        ok = store_items_some(r->work->store, eval->row.id, order[i], 1, store_json, &(StoreJson){add_row, &body}, err);
    free(order);
    if (ok && body.n > 0) {
        str_add(out, "<h2 id=\"replies\">Replies before and after</h2>\n");
        str_addf(
            out,
            "<p class=\"note\">%s of the %d prompts of <a href=\"#stage-%d\">this comparison</a>, drawn by seed %d "
            "and not by taste; the first reply of each policy. Below each what the judges said of it.</p>\n",
            drawn < n ? say_number(drawn, 0).text : "All", n, eval->number, seed);
        html_pair_sides(out, r, eval);
        str_add(out, str_text(&body));
    }
    str_release(&body);
    return ok;
}

/* --- curves --------------------------------------------------------------------------------------------- */

static void add_curves(Str *out, const Report *r)
{
    const ReportStage *stage[MOST_STAGES];
    int n = report_collect(r, "rl", stage, MOST_STAGES), learnt = 0;
    for (int i = 0; i < n; i++)
        if (stage[i]->n_series > 0)
            stage[learnt++] = stage[i];
    if (learnt == 0)
        return;
    str_add(
        out,
        "<h2 id=\"curves\">How far training went</h2>\n<p class=\"note\">Over the steps of training: "
        "the reward is what training makes large, the KL is how far the policy is from its reference. A reward that rises says that "
        "training works, not that replies are better.</p>\n");
    curves_main(out, stage, learnt, true);
}

bool report_front(Str *out, const Report *r, Err *err)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    add_unfinished(out, r);
    add_verdict(out, r, x, n);
    if (n > 0 && !add_replies(out, r, x->eval, err))
        return false;
    add_curves(out, r);
    return true;
}
