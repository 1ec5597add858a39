/* Samples: the replies of two policies to the same prompts with their scores, and what training rewarded most and least. */
#include "base/mem.h"
#include "rlaif/report/page/replies.h"
#include "rlaif/report/sections.h"

/* `side`: its class, "before" or "after"; `title`: what stands above it. */
static void add_reply(Str *out, const char *side, const char *title, const json_t *text, const json_t *ended)
{
    str_addf(out, "<div class=\"reply %s\"><div class=\"side\">%s</div><div class=\"said\">", side, title);
    html_reply(out, json_string_value(text), ended);
    str_add(out, "</div><div class=\"scores\">");
}

/* --- before and after ----------------------------------------------------------------------------------- */

/* What every judge prompt said of the first reply of a side. */
static void add_scores(Str *out, const json_t *row, const char *side)
{
    size_t i;
    json_t *judgment;
    json_array_foreach(json_object_get(row, "judgments"), i, judgment)
    {
        const json_t *said = json_array_get(json_object_get(judgment, "pairs"), 0);
        double reward = json_number_of(json_object_get(said, side), "reward", (double)NAN),
               p = json_number_of(said, "p", (double)NAN);
        str_add(out, i ? " \xc2\xb7 " : "");
        html_text(out, json_text_of(judgment, "prompt"));
        str_addf(out, " %s",
                 isfinite(reward) ? say_number(reward, 3).text : say_percent(side[0] == 'a' ? p : 1 - p).text);
    }
}

void html_pair(Str *out, const json_t *row)
{
    str_add(out, "<div class=\"sample\">");
    html_row_prompt(out, row);
    str_add(out, "<div class=\"pair\">");
    for (int side = 0; side < 2; side++) {
        const char *key = side ? "a" : "b";
        add_reply(out, side ? "after" : "before", side ? "After" : "Before",
                  json_array_get(json_object_get(row, key), 0),
                  json_array_get(json_object_get(row, side ? "a_ended" : "b_ended"), 0));
        add_scores(out, row, key);
        str_add(out, "</div></div>");
    }
    str_add(out, "</div></div>\n");
}

void html_pair_sides(Str *out, const Report *r, const ReportStage *eval)
{
    str_add(out, "<div class=\"pair sides\"><div>Before: ");
    html_policy(out, r, eval, "against");
    str_add(out, "</div><div>After: ");
    html_policy(out, r, eval, "policy");
    str_add(out, "</div></div>\n");
}

static bool add_pair(void *context, json_t *row, Err *err)
{
    (void)err;
    PromptList *list = context;
    html_pair(prompts_next(list), row);
    return true;
}

/* Is a result of an evaluation of one of these kinds, NULL behind the last? */
static bool of_kinds(const ReportStage *eval, const char *const *kinds)
{
    size_t i;
    json_t *result;
    bool any = false;
    json_array_foreach(json_object_get(eval->summary, "results"), i, result)
    {
        const char *kind = json_text_of(result, "kind");
        for (const char *const *k = kinds; kind && *k; k++)
            any = any || strcmp(kind, *k) == 0;
    }
    return any;
}

static bool add_eval(Str *out, const Report *r, const ReportStage *eval, Err *err)
{
    static const char *const model[] = {"reward", NULL}, *const sums[] = {"checklist", "contrast", "mix", NULL};
    PromptList list = {0};
    bool ok =
        store_items_some(r->work->store, eval->row.id, 0, PROMPTS_MOST, store_json, &(StoreJson){add_pair, &list}, err);
    if (ok && list.n > 0) {
        html_heading(out, "Replies to the same prompts: ", eval);
        html_prompts_note(out, &list);
        str_addf(out,
                 "what the judges said: a reward from \xe2\x88\x92"
                 "1 to 1, or the probability that it is the better one%s%s.</p>\n",
                 of_kinds(eval, sums) ? "; a checklist, a contrast and a mix have sums of their own" : "",
                 of_kinds(eval, model) ? "; a reward model\xe2\x80\x99s reward has its own unit" : "");
        html_pair_sides(out, r, eval);
    }
    html_prompts(out, &list, eval->items);
    return ok;
}

/* --- what training rewarded ----------------------------------------------------------------------------- */

enum { ENDS = 3 };

/* Rollouts of one step in order of reward, the first of equals first. */
typedef struct Rollouts {
    json_t **row;
    int n, cap;
} Rollouts;

static bool add_rollout(void *context, json_t *row, Err *err)
{
    (void)err;
    Rollouts *all = context;
    all->row = MEM_GROW(all->row, all->n, all->cap);
    int at = all->n++;
    double reward = json_number_of(row, "reward", 0);
    for (; at > 0 && json_number_of(all->row[at - 1], "reward", 0) < reward; at--)
        all->row[at] = all->row[at - 1];
    all->row[at] = json_incref(row);
    return true;
}

/* What of a reward each of its parts is: " (tone 0.250, rm -1.500)". */
static void add_parts(Str *out, const json_t *parts)
{
    size_t n = json_array_size(parts);
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i);
        str_add(out, i ? ", " : " (");
        html_text(out, json_text_of(part, "name"));
        str_addf(out, " %s%s", say_signed(json_number_of(part, "adds", (double)NAN), 3).text, i == n - 1 ? ")" : "");
    }
}

static void add_end(Str *out, bool highest, const json_t *row)
{
    add_reply(out, highest ? "after" : "before", highest ? "Highest" : "Lowest", json_object_get(row, "response"),
              json_object_get(row, "ended"));
    str_addf(out, "reward %s", say_number(json_number_of(row, "reward", (double)NAN), 3).text);
    add_parts(out, json_object_get(row, "rewards"));
    str_addf(out, " \xc2\xb7 KL %s \xc2\xb7 to: ", say_number(json_number_of(row, "kl", (double)NAN), 2).text);
    html_cut(out, json_text_of(row, "prompt"));
    str_add(out, "</div></div>");
}

static bool add_rollouts(Str *out, const Report *r, const ReportStage *rl, Err *err)
{
    const Series *reward = report_series(rl, "reward");
    Rollouts all = {0};
    if (!reward)
        return true;
    int step = (int)reward->step[reward->n - 1];
    bool ok = store_rollouts_each(r->work->store, rl->row.id, step, store_json, &(StoreJson){add_rollout, &all}, err);
    if (ok && all.n >= 2) {
        int ends = all.n / 2 < ENDS ? all.n / 2 : ENDS;
        html_heading(out, "What training rewarded: ", rl);
        str_addf(
            out,
            "<p class=\"note\">Of the %d replies of the last step, those with the highest and the lowest reward.</p>\n",
            all.n);
        for (int i = 0; i < ends; i++) {
            str_add(out, "<div class=\"sample pair\">");
            add_end(out, false, all.row[all.n - 1 - i]);
            add_end(out, true, all.row[i]);
            str_add(out, "</div>\n");
        }
    }
    for (int i = 0; i < all.n; i++)
        json_decref(all.row[i]);
    free(all.row);
    return ok;
}

bool report_samples(Str *out, const Report *r, Err *err)
{
    bool *whole = mem_zalloc((size_t)r->n + 1, sizeof *whole), ok = report_replies(out, r, whole, err);
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); ok && s; s = report_next(r, "eval winrate", s))
        ok = whole[s->number] || add_eval(out, r, s, err);
    for (const ReportStage *s = report_next(r, "rl", NULL); ok && s; s = report_next(r, "rl", s))
        ok = add_rollouts(out, r, s, err);
    free(whole);
    return ok;
}
