/* Held-out pairs. */
#include "rlaif/learn/held_pairs.h"

#include "base/mem.h"
#include "rlaif/learn/loss.h"

/* P(the first is better), or -1 where the row does not say. */
static double choice_of(const RowView *v, HeldLabels labels)
{
    if (labels == HELD_AI)
        return v->has_label ? v->label : -1;
    return v->preferred >= 0 ? v->preferred == 0 : -1;
}

static bool no_choice(const Rows *rows, HeldLabels labels, Err *err)
{
    err_set(err, ERR_INPUT, "%s: no row says which response %s", rows->path,
            labels == HELD_AI ? "a judge prefers" : "people preferred");
    return err_hint(err, labels == HELD_AI ? "rlaif label adds labels; people's choices are --eval-labels human"
                                           : "rows need \"preferred\": 0 or 1, or chosen and rejected; the labels of a "
                                             "judge are --eval-labels ai");
}

bool held_pairs_read(HeldPairs *h, Rows *rows, HeldLabels labels, const Model *m, bool chat, Room room, CutCount *count,
                     Err *err)
{
    *h = (HeldPairs){.ids = mem_zalloc((size_t)rows->n * 2, sizeof *h->ids),
                     .p = mem_alloc((size_t)rows->n, sizeof *h->p)};
    json_t *prompts = json_object();
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        RowView *v = &rows->row[i].view;
        double p = choice_of(v, labels);
        char place[300];
        int cut;
        if (p < 0)
            continue;
        Ids *ids = &h->ids[2 * h->n];
        h->p[h->n++] = p;
        h->chosen += p != 0.5;
        if (p != 0.5)
            context_number(prompts, &v->context);
        ok = cut_render(m, v, chat, room, ids, &cut, err) || err_context(err, "%s", row_place(rows, i, place));
        if (ok)
            cut_count(count, cut);
    }
    h->prompts = (int)json_object_size(prompts);
    json_decref(prompts);
    return ok && (h->chosen > 0 || no_choice(rows, labels, err));
}

void held_pairs_release(HeldPairs *h)
{
    for (int i = 0; i < 2 * h->n; i++)
        ids_release(&h->ids[i]);
    free(h->ids);
    free(h->p);
    *h = (HeldPairs){0};
}

bool held_pairs_measure(const HeldPairs *h, Model *m, double *accuracy, double *loss, Err *err)
{
    float *r = mem_alloc((size_t)h->n * 2, sizeof *r);
    double right = 0, slope;
    bool ok = model_rewards(m, h->ids, 2 * h->n, r, err);
    *loss = 0;
    for (int i = 0; ok && i < h->n; i++) {
        double p = h->p[i], margin = (double)r[2 * i] - (double)r[2 * i + 1];
        *loss += preference_loss(margin, p, &slope) / h->n;
        if (p != 0.5)
            right += margin == 0 ? 0.5 : (margin > 0) == (p > 0.5);
    }
    *accuracy = right / h->chosen;
    free(r);
    return ok;
}
