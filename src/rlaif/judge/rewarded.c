/* A reward model asked as judges are. */
#include "rlaif/judge/rewarded.h"

#include "base/mem.h"

/* Questions that stand together and have the same context are one row: it is cut alike for all of them. */
typedef struct RewardedRows {
    RowView *view;
    Rewarded *row;
    int *first; /* [rows]: its first question */
    int rows, n;
    Ids *ids; /* [n], of the questions */
} RewardedRows;

static RowView view_of(const Question *q, int n)
{
    RowView v = {.context = q->turns ? context_copy(q->turns) : (Context){.text = mem_str(q->context)},
                 .response = mem_zalloc((size_t)n, sizeof *v.response),
                 .n = n,
                 .preferred = -1};
    for (int i = 0; i < n; i++) {
        ResponseView as_text = {.ended = true, .blank_before = blank_before(&v.context, q[i].first)};
        v.response[i] = q[i].reply ? *q[i].reply : as_text;
        v.response[i].text = mem_str(q[i].first);
    }
    return v;
}

static void rows_end(RewardedRows *r)
{
    for (int i = 0; i < r->rows; i++)
        row_view_release(&r->view[i]);
    for (int i = 0; i < r->n; i++)
        ids_release(&r->ids[i]);
    free(r->ids);
    free(r->view);
    free(r->row);
    free(r->first);
}

/* All questions as the model reads them. Release them whether it fails or not. */
static bool rows_begin(RewardedRows *r, RewardModel *model, const JudgeOptions *o, const Question *q, int n, Err *err)
{
    const Room room = {(CutRule)o->cut, o->max_input, 0, "--max-input"};
    *r = (RewardedRows){.view = mem_zalloc((size_t)n, sizeof *r->view),
                        .row = mem_zalloc((size_t)n, sizeof *r->row),
                        .first = mem_zalloc((size_t)n, sizeof *r->first),
                        .n = n,
                        .ids = mem_zalloc((size_t)n, sizeof *r->ids)};
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && q[end].context == q[i].context;)
            end++;
        r->view[r->rows] = view_of(&q[i], end - i);
        r->row[r->rows] = (Rewarded){.view = &r->view[r->rows], .where = q[i].where};
        r->first[r->rows++] = i;
    }
    return reward_model_render(model, r->row, r->rows, room, r->ids, err);
}

bool rewarded_responses(RewardModel *r, const JudgeOptions *o, const Question *q, int n, Verdict *out, Err *err)
{
    RewardedRows rows;
    double *reward = mem_zalloc((size_t)n, sizeof *reward);
    bool ok = rows_begin(&rows, r, o, q, n, err) && reward_model_ids(r, rows.ids, n, reward, err);
    for (int i = 0; i < n; i++)
        out[i] = (Verdict){.number = reward[i], .tokens = rows.ids[i].n};
    for (int i = 0; i < rows.rows; i++)
        for (int k = 0; k < rows.view[i].n; k++)
            out[rows.first[i] + k].cut = rows.row[i].cut;
    rows_end(&rows);
    free(reward);
    return ok;
}

bool rewarded_plan(RewardModel *r, const JudgeOptions *o, const Question *q, int n, JudgePlan *plan, Err *err)
{
    RewardedRows rows;
    bool ok = rows_begin(&rows, r, o, q, n, err) && reward_model_plan(r, rows.ids, n, &plan->cost, &plan->flops, err);
    for (int i = 0; ok && i < n; i++) {
        plan->prompts++;
        plan->tokens += rows.ids[i].n;
        plan->longest = rows.ids[i].n > plan->longest ? rows.ids[i].n : plan->longest;
    }
    for (int i = 0; ok && i < rows.rows; i++)
        plan->cut += rows.row[i].cut > 0 ? rows.view[i].n : 0;
    rows_end(&rows);
    return ok;
}

bool rewarded_show(RewardModel *r, const JudgeOptions *o, const Question *q, Str *out, Err *err)
{
    RewardedRows rows;
    bool ok = rows_begin(&rows, r, o, q, 1, err);
    if (ok)
        tokenizer_decode(r->model->tokenizer, rows.ids[0].id, rows.ids[0].n, TOKENIZE_SPECIAL, out);
    rows_end(&rows);
    return ok;
}
