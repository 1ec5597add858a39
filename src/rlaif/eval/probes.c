/* Probes of several policies' responses. */
#include "rlaif/eval/probes.h"

#include "base/mem.h"
#include "rlaif/eval/eval.h"
#include "rlaif/eval/replies.h"
#include "rlaif/eval/table.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"rows", OPT_LIST, AT(ProbesOptions, rows), .value = "ROWS...",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with responses; of several files each is a policy, one file is parted by `model`"},
    TRAINED_ON_OPTION(ProbesOptions),
    OUTPUT_ROWS_OPTION(ProbesOptions, "the rows with their probes"),
    LIMIT_OPTION(ProbesOptions, "rows of each file"),
    SKIP_BAD_OPTION(ProbesOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ProbesOptions, common)},
};
const OptionTable probes_table = {groups, COUNT(groups), sizeof(ProbesOptions)};

/* --- numbers -------------------------------------------------------------------------------------------- */

void probes_summary(json_t *out, const Probed *p, int n, int clusters, int seed)
{
    double *all = mem_zalloc((size_t)clusters + 1, (PROBES + 1) * sizeof *all), *count = all + PROBES * clusters;
    const double *sum[PROBES], *weight[PROBES];
    Interval interval[PROBES];
    int kept = 0;
    for (int i = 0; i < n; i++) {
        count[p[i].cluster]++;
        for (int k = 0; k < PROBES; k++)
            all[k * clusters + p[i].cluster] += p[i].value[k];
    }
    for (int c = 0; c < clusters; c++) { /* prompts without a response of this policy are not drawn */
        if (count[c] == 0)
            continue;
        for (int k = 0; k < PROBES; k++)
            all[k * clusters + kept] = all[k * clusters + c];
        count[kept++] = count[c];
    }
    for (int k = 0; k < PROBES; k++) {
        sum[k] = all + k * clusters;
        weight[k] = count;
    }
    stats_bootstrap_all(sum, weight, PROBES, kept, seed, interval);
    json_object_set_new(out, "responses", json_integer(n));
    json_object_set_new(out, "prompts", json_integer(kept));
    for (int k = 0; k < PROBES; k++) {
        double total = 0;
        for (int c = 0; c < kept; c++)
            total += sum[k][c];
        json_t *one = json_object();
        Interval i = interval_within(interval[k], 0, probe_is_share((Probe)k) ? 1 : INFINITY);
        if (probe_is_share((Probe)k) && !isfinite(i.low)) /* all alike: none, as a rule */
            i = stats_share(sum[k], count, kept);
        eval_set(one, "mean", total / n);
        json_object_set_new(one, "interval", eval_interval(i));
        json_object_set_new(out, probe_name((Probe)k), one);
    }
    free(all);
}

void probes_print(const char *of, const json_t *summary)
{
    eval_print(of, "%.0f responses to %.0f prompts", json_number_of(summary, "responses", 0),
               json_number_of(summary, "prompts", 0));
    for (int k = 0; k < PROBES; k++) {
        const json_t *one = json_object_get(summary, probe_name((Probe)k));
        char what[60];
        snprintf(what, sizeof what, "  %s", probe_title((Probe)k));
        char mean[40];
        snprintf(mean, sizeof mean, "%.2f", json_number_of(one, "mean", 0));
        if (probe_is_share((Probe)k))
            eval_print_share(what, one, "mean", "interval");
        else
            eval_print_interval(what, mean, json_object_get(one, "interval"), 1, 2, "");
    }
}

/* --- the stage ------------------------------------------------------------------------------------------ */

typedef struct Probing {
    Replies replies;
    Probed *probed; /* [replies.n] */
} Probing;

static void probe_all(Probing *p)
{
    SourceWords *source = NULL;
    p->probed = mem_alloc((size_t)p->replies.n + 1, sizeof *p->probed);
    for (int i = 0; i < p->replies.n; i++) {
        const Reply *reply = &p->replies.at[i];
        if (reply->response == 0) {
            char *context = context_lines(&p->replies.rows.row[reply->row].view.context);
            source_words_free(source);
            source = source_words(context);
            free(context);
        }
        p->probed[i].cluster = reply->prompt;
        probe_response(reply_response(&p->replies, reply), source, p->probed[i].value);
    }
    source_words_free(source);
}

static json_t *probes_json(const double value[PROBES])
{
    json_t *out = json_object();
    for (int k = 0; k < PROBES; k++)
        json_object_set_new(out, probe_name((Probe)k), json_real(value[k]));
    return out;
}

/* Rows as they are with `probes`, for `responses` a list. */
static bool with_probes(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    const Probing *p = context;
    int at = 0;
    (void)err;
    for (int i = 0; i < n; i++) {
        json_t *list = json_array();
        while (p->replies.at[at].row != index[i])
            at++;
        for (; at < p->replies.n && p->replies.at[at].row == index[i]; at++)
            json_array_append_new(list, probes_json(p->probed[at].value));
        out[i] = json_copy(rows->row[index[i]].json);
        bool one = row_is_single(&rows->row[index[i]]);
        json_object_set(out[i], "probes", one ? json_array_get(list, 0) : list);
        json_decref(list);
    }
    return true;
}

static void summarise(json_t *out, const Probing *p, int seed)
{
    const Replies *r = &p->replies;
    Probed *mine = mem_alloc((size_t)r->n + 1, sizeof *mine);
    json_t *policies = json_array();
    for (int k = 0; k < r->policies; k++) {
        int n = 0;
        for (int i = 0; i < r->n; i++)
            if (r->at[i].policy == k)
                mine[n++] = p->probed[i];
        json_t *one = json_pack("{s:s}", "policy", r->policy[k]);
        probes_summary(one, mine, n, r->prompts, seed);
        json_array_append_new(policies, one);
    }
    json_object_set_new(out, "prompts", json_integer(r->prompts));
    json_object_set_new(out, "policies", policies);
    json_object_set_new(out, "comparisons", json_integer(r->policies * (r->policies - 1) / 2 * PROBES));
    free(mine);
}

static void print_table(const json_t *s)
{
    size_t i;
    json_t *policy;
    json_array_foreach(json_object_get(s, "policies"), i, policy) probes_print(json_text_of(policy, "policy"), policy);
    eval_print_comparisons(s);
}

bool probes_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ProbesOptions *o = options;
    Probing p = {0};
    Stage s = {0};
    char hash[HASH_TEXT];
    bool ok = replies_read(work, &o->rows, o->limit, o->skip_bad, &p.replies, err) &&
              heldout_check(work, &p.replies.rows, &o->trained_on, err);
    if (ok) {
        rows_hash(&p.replies.rows, hash);
        probe_all(&p);
    }
    ok = ok &&
         stage_begin(&s, work, name, "eval probes", stage_about(&probes_table, o, &o->common, "rows", hash, NULL),
                     err) &&
         stage_rows(&s, &p.replies.rows, p.replies.rows.n, "rows", NULL, with_probes, &p, err);
    if (ok)
        summarise(s.summary, &p, o->common.seed);
    if (ok && !work->in_recipe && !(o->output && strcmp(o->output, "-") == 0))
        print_table(s.summary);
    ok = ok && stage_end(&s, NULL, err) && (!o->output || stage_deliver(&s, o->output, err));
    free(p.probed);
    replies_release(&p.replies);
    stage_release(&s);
    return ok;
}
