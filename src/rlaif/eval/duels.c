/* Pairs of responses put to a judge or a reward model. */
#include "rlaif/eval/duels.h"

#include "base/mem.h"

int duel_count(const Row *row)
{
    return (int)json_array_size(json_object_get(row->json, "a"));
}

/* What the row says of a side's k-th response, if it does. */
static bool flag_of(const json_t *row, const char *side, const char *flag, size_t k, bool otherwise)
{
    char name[40];
    snprintf(name, sizeof name, "%s_%s", side, flag);
    const json_t *list = json_object_get(row, name);
    return list ? json_is_true(json_array_get(list, k)) : otherwise;
}

ResponseView duel_response(const json_t *row, const Context *context, const char *side, size_t k)
{
    const char *text = json_string_value(json_array_get(json_object_get(row, side), k));
    return (ResponseView){.text = (char *)(uintptr_t)text,
                          .ended = flag_of(row, side, "ended", k, true),
                          .blank_before = flag_of(row, side, "blank_before", k, blank_before(context, text))};
}

static RowView view_of(const Row *row)
{
    RowView v = row->view;
    v.n = 2 * duel_count(row);
    v.response = mem_alloc((size_t)v.n, sizeof *v.response);
    for (int i = 0; i < v.n; i++)
        v.response[i] = duel_response(row->json, &v.context, i % 2 ? "b" : "a", (size_t)i / 2);
    return v;
}

void duels_gather(Duels *d, const Rows *rows, const int *index, int n)
{
    int most = 0;
    for (int i = 0; i < n; i++)
        most += duel_count(&rows->row[index[i]]);
    *d = (Duels){.question = mem_zalloc((size_t)most, sizeof *d->question),
                 .view = mem_alloc((size_t)n, sizeof *d->view),
                 .place = mem_alloc((size_t)n, sizeof *d->place),
                 .context = mem_alloc((size_t)n, sizeof *d->context),
                 .rows = n};
    for (int i = 0; i < n; i++) {
        const Row *row = &rows->row[index[i]];
        RowView *v = &d->view[i];
        *v = view_of(row);
        d->context[i] = context_lines(&v->context);
        row_place(rows, index[i], d->place[i]);
        for (int k = 0; k < v->n; k += 2)
            d->question[d->n++] = (Question){.where = d->place[i],
                                             .context = d->context[i],
                                             .first = v->response[k].text,
                                             .second = v->response[k + 1].text,
                                             .turns = &v->context,
                                             .reply = &v->response[k]};
    }
}

void duels_release(Duels *d)
{
    for (int i = 0; i < d->rows; i++) {
        free(d->context[i]);
        free(d->view[i].response);
    }
    free(d->view);
    free(d->context);
    free(d->place);
    free(d->question);
}

/* {NAME: number, "logp", "mass"} */
static json_t *with_number(const Judge *j, const char *name, double number, const Verdict *v)
{
    json_t *judgment = json_pack("{s:f}", name, number), *said = judge_verdict_json(j, v);
    json_object_update(judgment, said);
    json_decref(said);
    judgment_set_cut(judgment, v->cut);
    return judgment;
}

bool duels_ask_pairs(Judge *j, const Duels *d, Averaging average, json_t **out, Err *err)
{
    PairVerdict *v = mem_zalloc((size_t)d->n, sizeof *v);
    bool ok = judge_pairs(j, d->question, d->n, true, v, err);
    for (int i = 0; ok && i < d->n; i++) {
        out[i] = NULL;
        if (v[i].refused)
            continue;
        json_t *orders = json_array();
        pair_settle(&v[i], (Settling){.average = average, .flip = j->prompt->flip, .temperature = 1});
        for (int o = 0; o < 2; o++) {
            const OrderVerdict *one = &v[i].order[o];
            json_array_append_new(orders, with_number(j, "p", one->p, &one->verdict));
        }
        out[i] = json_pack("{s:f, s:o, s:b}", "p", v[i].p, "orders", orders, "same_slot", v[i].same_slot);
        if (j->prompt->flip)
            json_object_set_new(out[i], "flip", json_true());
        judgment_set_cut(out[i], v[i].cut);
    }
    free(v);
    return ok;
}

bool duels_ask_responses(Judge *j, const Duels *d, json_t **out, Err *err)
{
    Verdict *v = mem_zalloc((size_t)d->n * 2, sizeof *v);
    Question *q = mem_zalloc((size_t)d->n * 2, sizeof *q);
    for (int i = 0; i < 2 * d->n; i++) {
        q[i] = d->question[i / 2];
        q[i].first = i % 2 ? q[i].second : q[i].first;
        q[i].second = NULL;
        q[i].reply += i % 2;
    }
    bool ok = judge_responses(j, q, 2 * d->n, v, err);
    for (int i = 0; ok && i < d->n; i++) {
        out[i] = NULL;
        if (v[2 * i].refused || v[2 * i + 1].refused)
            continue;
        out[i] = json_object();
        for (int k = 0; k < 2; k++) {
            const Verdict *one = &v[2 * i + k];
            json_object_set_new(out[i], k ? "b" : "a", with_number(j, "reward", judge_reward(j, one), one));
        }
    }
    free(q);
    free(v);
    return ok;
}

bool duels_ask_reward(RewardModel *m, const Duels *d, json_t **out, Err *err)
{
    Rewarded *row = mem_zalloc((size_t)d->rows, sizeof *row);
    double *reward = mem_zalloc((size_t)d->n * 2, sizeof *reward);
    for (int i = 0; i < d->rows; i++)
        row[i] = (Rewarded){.view = &d->view[i], .where = d->place[i]};
    bool ok = reward_model_rows(m, row, d->rows, (Room){0}, reward, err);
    for (int i = 0; ok && i < d->n; i++)
        out[i] = json_pack("{s:{s:f}, s:{s:f}}", "a", "reward", reward[2 * i], "b", "reward", reward[2 * i + 1]);
    free(reward);
    free(row);
    return ok;
}
