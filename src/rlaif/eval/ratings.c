/* People's rankings of several policies: win rates, tests, agreement. */
#include "rlaif/eval/eval.h"

#include "base/lines.h"
#include "base/mem.h"
#include "rlaif/eval/contest.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/raters.h"
#include "rlaif/eval/replies.h"
#include "rlaif/eval/table.h"
#include "rlaif/eval/verdicts.h"
#include "rlaif/rows/rankings.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"rows", OPT_TEXT, AT(RatingsOptions, rows), .value = "ROWS", .flags = OPT_POSITIONAL | OPT_WORKING,
     .help = "rankings: responses, models, ranks, rater; a run's directory, or in a recipe nothing: its ratings"},
    {"length", OPT_CHOICE, AT(RatingsOptions, length), .choices = LENGTH_CONTROLS, .otherwise = "ratio",
     .flags = OPT_WORKING, .help = "control for length by the ratio of lengths, or by its logarithm"},
    TRAINED_ON_OPTION(RatingsOptions),
    OUTPUT_ROWS_OPTION(RatingsOptions, "a row for each item: mean places, Kendall's W"),
    LIMIT_OPTION(RatingsOptions, "rows"),
    SKIP_BAD_OPTION(RatingsOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(RatingsOptions, common)},
};
const OptionTable ratings_table = {groups, COUNT(groups), sizeof(RatingsOptions)};

/* --- two policies --------------------------------------------------------------------------------------- */

/* Every meeting of a response of policy a with one of b in one ranking. The caller frees them; *n of them. */
static Contest *contests_of(const Rankings *r, int a, int b, int *n)
{
    Contest *c = NULL;
    int cap = 0;
    *n = 0;
    for (int i = 0; i < r->n; i++) {
        const Ranking *k = &r->at[i];
        for (int x = 0; x < k->n; x++)
            for (int y = 0; y < k->n; y++) {
                const Ranked *of_a = &k->entry[x], *of_b = &k->entry[y];
                if (of_a->policy != a || of_b->policy != b)
                    continue;
                c = MEM_GROW(c, *n, cap);
                c[(*n)++] = (Contest){.cluster = k->prompt,
                                      .a = -of_a->rank,
                                      .b = -of_b->rank,
                                      .ratio = of_b->characters > 0 ? (double)of_a->characters / of_b->characters
                                                                    : (double)NAN};
            }
    }
    return c;
}

static json_t *pairs_summary(const Rankings *r, const RatingsOptions *o)
{
    json_t *list = json_array();
    for (int a = 0; a < r->policies; a++)
        for (int b = a + 1; b < r->policies; b++) {
            int n;
            Contest *c = contests_of(r, a, b, &n);
            if (n > 0) {
                json_t *one = json_pack("{s:s, s:s, s:i}", "a", r->policy[a], "b", r->policy[b], "n", n);
                contest_wins(one, c, n, r->prompts, (LengthControl)o->length, o->common.seed);
                json_array_append_new(list, one);
            }
            free(c);
        }
    return list;
}

/* --- two policies over a third -------------------------------------------------------------------------- */

/* Of one policy against another. */
static Outcomes outcomes_of(const Rankings *r, int a, int b)
{
    Outcomes o = outcomes_begin(r->prompts);
    int n;
    Contest *c = contests_of(r, a, b, &n);
    for (int i = 0; i < n; i++)
        outcomes_add(&o, c[i].cluster, eval_outcome(c[i].a, c[i].b));
    free(c);
    return o;
}

/* Does A beat C more often than B does (8: 71 % against 73 %)? NULL where one of the two never met C. */
static json_t *over_third(const Rankings *r, int a, int b, int c, int seed)
{
    Outcomes x = outcomes_of(r, a, c), y = outcomes_of(r, b, c);
    int n;
    double *gap = outcomes_gaps(&x, &y, &n);
    json_t *out = NULL;
    if (x.n > 0 && y.n > 0) {
        double rate_a = stats_moments(x.at, x.n).mean, rate_b = stats_moments(y.at, y.n).mean;
        out =
            json_pack("{s:s, s:s, s:s, s:i}", "a", r->policy[a], "b", r->policy[b], "over", r->policy[c], "prompts", n);
        eval_set(out, "rate_a", rate_a);
        eval_set(out, "rate_b", rate_b);
        eval_set_gaps(out, &x, &y, gap, n, seed);
    }
    free(gap);
    outcomes_release(&x);
    outcomes_release(&y);
    return out;
}

static json_t *over_summary(const Rankings *r, int seed)
{
    json_t *list = json_array();
    for (int c = 0; c < r->policies; c++)
        for (int a = 0; a < r->policies; a++)
            for (int b = a + 1; b < r->policies; b++) {
                json_t *one = a == c || b == c ? NULL : over_third(r, a, b, c, seed);
                if (one)
                    json_array_append_new(list, one);
            }
    return list;
}

/* --- one policy ----------------------------------------------------------------------------------------- */

static json_t *policy_summary(const Rankings *r, int policy, int seed)
{
    Outcomes rank = outcomes_begin(r->prompts), first = outcomes_begin(r->prompts);
    double characters = 0, most = 1;
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->at[i].n; k++) {
            const Ranked *e = &r->at[i].entry[k];
            if (e->policy != policy)
                continue;
            most = fmax(most, r->at[i].n);
            outcomes_add(&rank, r->at[i].prompt, e->rank);
            outcomes_add(&first, r->at[i].prompt, e->rank == 1);
            characters += e->characters;
        }
    json_t *out = json_pack("{s:s, s:i, s:f, s:f, s:f}", "policy", r->policy[policy], "n", rank.n, "mean_rank",
                            rank.total / rank.n, "first", first.total / first.n, "characters", characters / rank.n);
    json_object_set_new(out, "mean_rank_interval",
                        eval_interval(interval_within(outcomes_bootstrap(&rank, seed), 1, most)));
    json_object_set_new(out, "first_interval", eval_interval(outcomes_share_bootstrap(&first, seed)));
    outcomes_release(&rank);
    outcomes_release(&first);
    return out;
}

static json_t *policies_summary(const Rankings *r, int seed)
{
    json_t *list = json_array();
    for (int p = 0; p < r->policies; p++)
        json_array_append_new(list, policy_summary(r, p, seed));
    return list;
}

/* --- agreement ------------------------------------------------------------------------------------------ */

/* How the rankings [from, end) of one item place its different texts: [end - from][*cards]. The caller frees them. */
static int *item_places(const Rankings *r, int from, int end, int *cards)
{
    int n = r->at[from].n, *card = mem_alloc((size_t)n, sizeof *card);
    int *place = mem_alloc((size_t)n * (size_t)(end - from), sizeof *place);
    *cards = 0;
    for (int i = from; i < end; i++)
        *cards = ranking_cards(&r->at[i], card, place + (i - from) * *cards);
    free(card);
    return place;
}

/* Kendall's W of an item; NAN for one rater. */
static Concordance item_concordance(const Rankings *r, int from, int end)
{
    int cards, *place = item_places(r, from, end, &cards);
    Concordance c = stats_kendall_w(place, end - from, cards);
    free(place);
    return c;
}

/* Every two raters of an item on every two of its texts. */
static void count_agreement(const Rankings *r, Raters *raters, const int *number)
{
    for (int from = 0, end; from < r->n; from = end) {
        end = rankings_item_end(r, from);
        int cards, *place = item_places(r, from, end, &cards);
        for (int i = from; i < end; i++)
            for (int k = i + 1; k < end; k++) {
                const int *p = place + (i - from) * cards, *q = place + (k - from) * cards;
                for (int x = 0; x < cards; x++)
                    for (int y = x + 1; y < cards; y++)
                        raters_pair(raters, r->at[i].prompt, number[i], number[k], (p[x] < p[y]) == (q[x] < q[y]));
            }
        free(place);
    }
}

static json_t *kendall_summary(const Rankings *r, int seed)
{
    Outcomes w = outcomes_begin(r->prompts);
    double chi_square = 0, df = 0;
    int significant = 0;
    for (int from = 0, end; from < r->n; from = end) {
        end = rankings_item_end(r, from);
        Concordance c = item_concordance(r, from, end);
        if (!isfinite(c.w))
            continue;
        outcomes_add(&w, r->at[from].prompt, c.w);
        chi_square += c.chi_square;
        df += c.df;
        significant += c.p < 0.05;
    }
    json_t *out = json_pack("{s:i}", "items", w.n);
    eval_set(out, "w", w.total / w.n);
    json_object_set_new(out, "interval", eval_interval(interval_within(outcomes_bootstrap(&w, seed), 0, 1)));
    eval_set(out, "chi_square", w.n > 0 ? chi_square : (double)NAN);
    json_object_set_new(out, "df", json_integer((json_int_t)df));
    eval_set(out, "p", stats_chi_square_p(chi_square, df));
    json_object_set_new(out, "significant", json_integer(significant));
    outcomes_release(&w);
    return out;
}

/* Is x better than y, by what the row has of a judge, else by the run's win rates? NAN: neither says. */
static double judge_outcome(const Rankings *r, const Ranking *of, const Ranked *x, const Ranked *y, Verdicts *v)
{
    if (isfinite(x->judge) && isfinite(y->judge))
        return eval_outcome(x->judge, y->judge);
    return verdicts_find(v, &r->rows.row[of->row].view.context, x->text, y->text);
}

/* A judge's order of every two texts of a ranking beside the rater's; null where no judge was asked about any. */
static json_t *judge_summary(const Rankings *r, Verdicts *v, int seed)
{
    Outcomes alike = outcomes_begin(r->prompts);
    for (int i = 0; i < r->n; i++)
        for (int x = 0; x < r->at[i].n; x++)
            for (int y = x + 1; y < r->at[i].n; y++) {
                const Ranked *e = r->at[i].entry;
                double agree = judge_outcome(r, &r->at[i], &e[x], &e[y], v);
                if (e[x].rank != e[y].rank && isfinite(agree))
                    outcomes_add(&alike, r->at[i].prompt, e[x].rank < e[y].rank ? agree : 1 - agree);
            }
    json_t *out = alike.n > 0 ? json_object() : json_null();
    if (alike.n > 0) {
        eval_set_share(out, "agreement", &alike, "pairs");
        json_object_set_new(out, "bootstrap", eval_interval(outcomes_share_bootstrap(&alike, seed)));
        json_object_set(out, "stages", v->used);
    }
    outcomes_release(&alike);
    return out;
}

static void summarise(json_t *out, const Rankings *r, Verdicts *v, const RatingsOptions *o)
{
    int seed = o->common.seed, *number = mem_alloc((size_t)r->n, sizeof *number);
    Raters raters;
    raters_init(&raters, r->prompts);
    for (int i = 0; i < r->n; i++)
        number[i] = raters_meet(&raters, r->at[i].rater < 0 ? "" : r->rater[r->at[i].rater]);
    count_agreement(r, &raters, number);
    json_object_set_new(out, "rankings", json_integer(r->n));
    json_object_set_new(out, "items", json_integer(r->items));
    json_object_set_new(out, "prompts", json_integer(r->prompts));
    json_object_set_new(out, "policies", policies_summary(r, seed));
    json_object_set_new(out, "pairs", pairs_summary(r, o));
    json_object_set_new(out, "over", over_summary(r, seed));
    eval_set_comparisons(out);
    json_object_set_new(out, "kendall", kendall_summary(r, seed));
    json_object_set_new(out, "raters", raters_summary(&raters, seed));
    json_object_set_new(out, "beside_judge", judge_summary(r, v, seed));
    raters_release(&raters);
    free(number);
}

/* --- output --------------------------------------------------------------------------------------------- */

/* An item: its prompt, responses and models, how many ranked it, their mean places, and how far they are of one mind. */
static json_t *item_row(const Rankings *r, int from, int end)
{
    const Ranking *first = &r->at[from];
    json_t *responses = json_array(), *models = json_array(), *ranks = json_array();
    for (int k = 0; k < first->n; k++) {
        double sum = 0;
        for (int i = from; i < end; i++)
            sum += r->at[i].entry[k].rank;
        json_array_append_new(responses, json_string(first->entry[k].text));
        json_array_append_new(models, json_string(r->policy[first->entry[k].policy]));
        json_array_append_new(ranks, json_real(sum / (end - from)));
    }
    Concordance c = item_concordance(r, from, end);
    json_t *row = json_pack("{s:o, s:o, s:o, s:i, s:o}", "prompt", context_json(&r->rows.row[first->row].view.context),
                            "responses", responses, "models", models, "rankings", end - from, "mean_ranks", ranks);
    eval_set(row, "kendall_w", c.w);
    eval_set(row, "chi_square", c.chi_square);
    eval_set(row, "p", c.p);
    return row;
}

static bool write_items(const Rankings *r, const char *path, Err *err)
{
    TextWriter *out;
    if (!text_open(&out, path, err))
        return false;
    bool ok = true;
    for (int from = 0, end; ok && from < r->n; from = end) {
        end = rankings_item_end(r, from);
        json_t *row = item_row(r, from, end);
        char *text = json_text(row);
        ok = text_write(out, text, strlen(text), err) && text_write(out, "\n", 1, err);
        free(text);
        json_decref(row);
    }
    if (ok)
        return text_close(out, err);
    text_discard(out);
    return false;
}

static void print_kendall(const json_t *k)
{
    eval_print_interval("Kendall's W", eval_decimal(k, "w").text, json_object_get(k, "interval"), 1, 3, "");
    eval_print("  items of several raters", "%.0f, of them %.0f with p < 0.05; all together p %s",
               json_number_of(k, "items", 0), json_number_of(k, "significant", 0), eval_p(k, "p").text);
}

static void print_table(const json_t *s)
{
    size_t i;
    json_t *one;
    char what[100];
    eval_print("rankings, items, prompts", "%.0f, %.0f, %.0f", json_number_of(s, "rankings", 0),
               json_number_of(s, "items", 0), json_number_of(s, "prompts", 0));
    json_array_foreach(json_object_get(s, "policies"), i, one) eval_print(
        json_text_of(one, "policy"), "mean place %.2f, first %s, %.1f characters", json_number_of(one, "mean_rank", 0),
        eval_percent(one, "first").text, json_number_of(one, "characters", 0));
    json_array_foreach(json_object_get(s, "pairs"), i, one)
    {
        printf("%s (A) against %s (B)\n", json_text_of(one, "a"), json_text_of(one, "b"));
        contest_print_wins(one);
    }
    json_array_foreach(json_object_get(s, "over"), i, one)
    {
        snprintf(what, sizeof what, "over %s: %s - %s", json_text_of(one, "over"), json_text_of(one, "a"),
                 json_text_of(one, "b"));
        eval_print_share(what, one, "difference", "difference_interval");
        eval_print("  against none", "p %s (t over prompts)", eval_p(one, "paired_p").text);
        eval_print_two_samples(one, "t_p");
    }
    eval_print_comparisons(s);
    print_kendall(json_object_get(s, "kendall"));
    raters_print(json_object_get(s, "raters"));
    if (json_is_object(json_object_get(s, "beside_judge")))
        eval_print_share("judge and people agree", json_object_get(s, "beside_judge"), "agreement", "bootstrap");
}

/* --- the stage ------------------------------------------------------------------------------------------ */

static bool read_rows(Work *work, const RatingsOptions *o, Rows *rows, Err *err)
{
    return o->rows ? stage_read_rows(work, o->rows, o->limit, NEED_RESPONSES, o->skip_bad, rows, err)
                   : ratings_read(work, "rank", rows, err);
}

bool ratings_stage(Work *work, const char *name, const void *options, Err *err)
{
    const RatingsOptions *o = options;
    Rankings r = {0};
    Verdicts v = {0};
    Rows rows = {0};
    Stage s = {0};
    char hash[HASH_TEXT];
    bool ok = read_rows(work, o, &rows, err) && heldout_check(work, &rows, &o->trained_on, err) &&
              verdicts_read(work, &v, err);
    if (ok)
        rows_hash(&rows, hash);
    ok = ok && rankings_of_rows(&rows, &r, err) &&
         stage_begin(&s, work, name, "eval ratings",
                     stage_about(&ratings_table, o, &o->common, "rows", hash, "verdicts", v.hash, NULL), err);
    if (ok)
        summarise(s.summary, &r, &v, o);
    if (ok && json_is_null(json_object_get(s.summary, "beside_judge")))
        log_note(
            "%s: no judge was asked about these responses, so that none stands beside people: rlaif score gives rows a "
            "score, eval winrate of the same run a verdict",
            name);
    if (ok && !work->in_recipe && !(o->output && strcmp(o->output, "-") == 0))
        print_table(s.summary);
    ok = ok && stage_end(&s, NULL, err) && (!o->output || write_items(&r, o->output, err));
    rankings_release(&r);
    verdicts_release(&v);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
