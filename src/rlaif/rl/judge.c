/* The direct judges of reinforcement learning: whether all that they may have to read fits, and what was cut or refused. */
#include "rlaif/rl/judge.h"

#include "base/mem.h"
#include "rlaif/judge/layout.h"

/* --- room ------------------------------------------------------------------------------------------------- */

/* Tokens of a text as a judge counts them. */
static bool judge_tokens(Judge *j, const char *text, int *tokens, Err *err)
{
    const Asked whole = {.where = "the judge's prompt", .body = text, .ending = ""};
    return j->backend->measure(j->self, &whole, 1, tokens, err);
}

/* How many of the judge's tokens one of the policy's may be: 1 of the same tokenizer, else the most that it is in a prompt. */
static bool tokens_each(const Rl *rl, const RewardPart *p, const Rows *rows, double *each, Err *err)
{
    Judge *j = judge_asked(p->judge, 0); /* all that it asks read by one model */
    const Tokenizer *own = rl->policy->tokenizer;
    int frame;
    *each = 1;
    if (!judge_endpoint_about(j) && tokenizer_same(own, p->from.model->tokenizer))
        return true;
    bool ok = judge_tokens(j, "", &frame, err);
    for (int i = 0; ok && i < rows->n; i++) {
        char *text = context_lines(&rows->row[i].view.context);
        Ids ids = {0};
        int tokens = 0;
        ok = judge_tokens(j, text, &tokens, err) && tokenizer_encode(own, text, strlen(text), 0, &ids, err);
        double of_one = ids.n > 0 ? (double)(tokens - frame) / ids.n : 1;
        *each = of_one > *each ? of_one : *each;
        ids_release(&ids);
        free(text);
    }
    return ok;
}

/* Whether all prompts fit that one judge may have to read. */
static bool judge_fits(Judge *j, const Rows *rows, int reply, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300], *context = context_lines(&rows->row[i].view.context);
        const Question q = {.where = row_place(rows, i, place), .context = context, .first = "", .coming = reply};
        Layout l;
        ok = layout_make(&l, j, &q, 1, false, err);
        layout_release(&l);
        free(context);
    }
    return ok;
}

static bool part_fits(const Rl *rl, const RewardPart *p, const Rows *rows, Err *err)
{
    double each;
    if (!p->judge || !judge_asked(p->judge, 0))
        return true;
    bool ok = tokens_each(rl, p, rows, &each, err);
    for (int i = 0; ok && judge_asked(p->judge, i); i++)
        ok = judge_fits(judge_asked(p->judge, i), rows, (int)ceil(each * rl->options->max_new_tokens), err);
    return ok;
}

bool rl_judge_fits(const Rl *rl, const Rows *rows, Err *err)
{
    for (int i = 0; i < rl->source.parts; i++)
        if (!part_fits(rl, &rl->source.part[i], rows, err))
            return asked_part_failed(&rl->asked, i, err);
    return true;
}

/* --- what was cut or refused ----------------------------------------------------------------------------------------- */

typedef struct JudgeSums {
    CutCount cut;
    int refused;
} JudgeSums;

static bool add_sums(void *context, int step, const char *name, double value, Err *err)
{
    JudgeSums *sum = context;
    (void)step, (void)err;
    sum->cut.rows += strcmp(name, JUDGE_CUT) == 0 ? (int)value : 0;
    sum->cut.characters += strcmp(name, JUDGE_CUT_CHARACTERS) == 0 ? value : 0;
    sum->refused += strcmp(name, JUDGE_REFUSED) == 0 ? (int)value : 0;
    return true;
}

bool rl_judge_report(Stage *s, Err *err)
{
    JudgeSums sum = {0};
    if (!store_metrics_each(s->work->store, s->id, add_sums, &sum, err))
        return false;
    judge_cut_report(&sum.cut, s->name, s->summary);
    if (sum.refused > 0) {
        log_warn("%s: the endpoint would not judge %d responses: each has the mean reward of the others to its prompt",
                 s->name, sum.refused);
        json_object_set_new(s->summary, JUDGE_REFUSED, json_integer(sum.refused));
    }
    return true;
}
