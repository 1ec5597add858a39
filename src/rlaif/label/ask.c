/* Asking a judge about pairs, chunk by chunk. */
#include "rlaif/label/ask.h"

#include "base/mem.h"
#include "rlaif/label/plan.h"
#include "rlaif/label/summary.h"

typedef struct Labelling {
    Asking asking;
    LabelPlan plan;
} Labelling;

/* A row with its label, settled from what was said. */
static bool finish_row(const Asking *a, const Row *row, json_t *said, json_t **out, Err *err)
{
    char *judge = mem_printf("sha256:%s", a->source.hash), *prompt = mem_printf("sha256:%s", a->prompt_hash);
    json_object_set_new(said, "method", json_string(a->options->method == LABEL_PAIRWISE ? "pairwise" : "pointwise"));
    json_object_set_new(said, "judge", json_string(judge));
    if (a->prompt_name)
        json_object_set_new(said, "prompt_hash", json_string(prompt));
    json_object_set_new(said, "seed", json_integer(a->options->common.seed));
    free(judge);
    free(prompt);
    json_t *label;
    bool ok = label_settle(said, &a->options->settle, -1, &label, err);
    json_decref(said);
    if (ok) {
        label_add_noise(label, &a->options->settle, a->options->common.seed, row->identity);
        *out = json_copy(row->json);
        json_object_set_new(*out, "label", label);
    }
    return ok;
}

static bool ask_pairs(const Asking *a, LabelPlan *p, const Questions *s, const Rows *rows, const int *index,
                      json_t **out, Err *err)
{
    PairVerdict *verdict = mem_zalloc((size_t)s->n, sizeof *verdict);
    bool ok = judge_pairs(a->judge, s->q, s->n, s->both, verdict, err);
    for (int i = 0; i < s->n; i++) {
        ok = ok && (verdict[i].refused ||
                    finish_row(a, &rows->row[index[i]], label_of_pair(a->judge, &verdict[i]), &out[i], err));
        p->tokens += verdict[i].tokens.input;
        p->written += verdict[i].tokens.output;
        pair_verdict_release(&verdict[i]);
    }
    free(verdict);
    return ok;
}

static bool ask_responses(const Asking *a, LabelPlan *p, const Questions *s, const Rows *rows, const int *index,
                          json_t **out, Err *err)
{
    Verdict *verdict = mem_zalloc((size_t)s->n, sizeof *verdict);
    bool ok = judge_responses(a->judge, s->q, s->n, verdict, err);
    for (int i = 0; ok && i < s->n; i += 2) {
        ok = verdict[i].refused || verdict[i + 1].refused ||
             finish_row(a, &rows->row[index[i / 2]], label_of_scores(a->judge, &verdict[i]), &out[i / 2], err);
        p->tokens += verdict[i].tokens + verdict[i + 1].tokens;
    }
    free(verdict);
    return ok;
}

static bool ask_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Labelling *l = context;
    const Asking *a = &l->asking;
    Questions *s = mem_alloc(1, sizeof *s);
    questions_make(s, a, rows, index, n);
    bool ok = a->options->method == LABEL_PAIRWISE ? ask_pairs(a, &l->plan, s, rows, index, out, err)
                                                   : ask_responses(a, &l->plan, s, rows, index, out, err);
    questions_release(s);
    free(s);
    if (ok)
        label_plan_goes_on(&l->plan, a);
    return ok;
}

/* Loads the judge and says what it will take, before the first row that is missing. */
static bool prepare(void *context, Err *err)
{
    Labelling *l = context;
    Asking *a = &l->asking;
    const Rows *rows = a->stage->rows;
    a->stage->first_chunk = label_first_chunk(a, a->stage->n_missing);
    return asking_open_judge(a, true, err) &&
           label_plan(&l->plan, a, rows, a->stage->missing, a->stage->n_missing, err);
}

bool label_ask_rows(Work *work, const char *name, const LabelOptions *o, json_t *choice, bool deliver, Err *err)
{
    Labelling l = {0};
    Asking *a = &l.asking;
    Rows rows = {0};
    Stage s = {0};
    bool ok =
        asking_begin(a, work, o, err) &&
        stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
        stage_begin(&s, work, name, "label",
                    stage_about(&label_table, o, &o->common, "model", a->source.hash, "prompt", a->prompt_hash, NULL),
                    err);
    a->stage = &s;
    ok = ok && stage_uses_prompts(&s, TRAINED_ON, &rows, err) &&
         stage_rows(&s, &rows, a->chunk, "pairs", prepare, ask_chunk, &l, err) &&
         label_summary(&s, o, a->prompt_name, !o->judge.draft, err);
    if (ok && choice)
        json_object_set(s.summary, "choice", choice);
    if (ok && rows.equal > 0) {
        log_note("%s: %d pairs of equal responses are left out", name, rows.equal);
        json_object_set_new(s.summary, "equal", json_integer(rows.equal));
    }
    ok = ok && stage_end(&s, NULL, err);
    if (ok && l.plan.chunks > 0) /* measured here and now: printed, not stored */
        json_object_set_new(work->summary, "plan", label_plan_ends(&l.plan, a));
    if (ok)
        judge_source_report(&a->source, work, name);
    ok = ok && (!deliver || stage_deliver(&s, o->output, err));
    asking_release(a);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
