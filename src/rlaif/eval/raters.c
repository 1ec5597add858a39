/* How far people agree with each other. */
#include "rlaif/eval/raters.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/table.h"

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
