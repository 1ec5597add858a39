/* Verdicts of a run's win rates, found by texts. */
#include "rlaif/eval/verdicts.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"

void verdicts_release(Verdicts *v)
{
    json_decref(v->said);
    json_decref(v->stages);
    json_decref(v->used);
    *v = (Verdicts){0};
}

/* The same for both orders of the texts. */
static void pair_key(const Context *prompt, const char *x, const char *y, char out[HASH_TEXT])
{
    bool turned = strcmp(x, y) > 0;
    Hash *h = hash_new();
    context_hash(prompt, out);
    hash_add_text(h, out);
    hash_add_text(h, turned ? y : x);
    hash_add_text(h, turned ? x : y);
    hash_end(h, out);
}

/* Of a: what a pairwise judge's probability says, or the rewards of two responses judged alone. */
static double outcome_of(const json_t *judgment)
{
    double p = json_number_of(judgment, "p", (double)NAN);
    if (isfinite(p))
        return eval_outcome(p, 1 - p);
    return eval_outcome(json_number_of(json_object_get(judgment, "a"), "reward", 0),
                        json_number_of(json_object_get(judgment, "b"), "reward", 0));
}

static bool add_judged(void *context, json_t *row, Err *err)
{
    Verdicts *v = context;
    RowView view;
    if (!row_view(row, NEED_PROMPT, &view, err))
        return false;
    const json_t *a = json_object_get(row, "a"), *b = json_object_get(row, "b"),
                 *said = json_object_get(json_array_get(json_object_get(row, "judgments"), 0), "pairs");
    for (size_t k = 0; k < json_array_size(said); k++) {
        const char *x = json_string_value(json_array_get(a, k)), *y = json_string_value(json_array_get(b, k));
        char key[HASH_TEXT];
        pair_key(&view.context, x, y, key);
        double first = outcome_of(json_array_get(said, k));
        if (!json_object_get(v->said, key))
            json_object_set_new(
                v->said, key,
                json_pack("[f, i]", strcmp(x, y) > 0 ? 1 - first : first, (int)json_array_size(v->stages) - 1));
    }
    row_view_release(&view);
    return true;
}

bool verdicts_read(Work *work, Verdicts *out, Err *err)
{
    bool ok = true, present = true;
    *out = (Verdicts){json_object(), json_array(), json_array(), ""};
    for (int i = 0; ok && present; i++) {
        StageRow s;
        ok = store_stage_at(work->store, i, &s, &present, err);
        if (ok && present && s.done && strcmp(s.kind, "eval winrate") == 0) {
            json_array_append_new(out->stages, json_string(s.name));
            ok = store_items_each(work->store, s.id, store_json, &(StoreJson){add_judged, out}, err);
        }
        stage_row_release(&s);
    }
    char *text = json_text(out->said);
    Hash *h = hash_new();
    hash_add_text(h, text);
    hash_end(h, out->hash);
    free(text);
    if (!ok)
        verdicts_release(out);
    return ok;
}

double verdicts_find(Verdicts *v, const Context *prompt, const char *x, const char *y)
{
    char key[HASH_TEXT];
    pair_key(prompt, x, y, key);
    const json_t *said = json_object_get(v->said, key);
    if (!said)
        return (double)NAN;
    json_t *stage = json_array_get(v->stages, (size_t)json_integer_value(json_array_get(said, 1)));
    bool new = true;
    for (size_t i = 0; i < json_array_size(v->used); i++)
        new = new && !json_equal(json_array_get(v->used, i), stage);
    if (new)
        json_array_append(v->used, stage);
    double first = json_number_value(json_array_get(said, 0));
    return strcmp(x, y) > 0 ? 1 - first : first;
}
