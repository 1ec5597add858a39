/* Who is asked, and what. */
#include "rlaif/label/asking.h"

#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/judge/reward_model.h"

enum { CHUNK_RATIONALES = 64 }; /* with rationales so many of them are a chunk, where that is less */

bool asking_begin(Asking *a, Work *work, const LabelOptions *o, Err *err)
{
    int rationales = o->judge.samples * (o->both_orders ? 2 : 1), most = CHUNK_RATIONALES / rationales;
    bool pairwise = o->method == LABEL_PAIRWISE;
    JudgePrompt *prompt;
    *a = (Asking){.work = work, .options = o, .chunk = LABEL_CHUNK};
    if (o->reward)
        return reward_model_check(o->reward, err) &&
               judge_source_name(&a->source, work, "reward", o->reward, &o->endpoint, err);
    a->prompt_name = o->prompt.n > 0 ? o->prompt.item[0] : pairwise ? "helpful-base" : "helpful-score";
    a->chunk = !o->judge.cot || most > LABEL_CHUNK ? LABEL_CHUNK : most < 1 ? 1 : most;
    if (!judge_source_name(&a->source, work, "model", o->model, &o->endpoint, err) ||
        !judge_options_prompt(&prompt, a->prompt_name, &o->judge, err))
        return false;
    bool two = prompt->kind == JUDGE_PAIRWISE, ok = judge_prompt_hash(prompt, work->store, a->prompt_hash, err);
    judge_prompt_free(prompt);
    if (!ok || two == pairwise)
        return ok;
    err_set(err, ERR_INPUT, "the prompt %s judges %s at a time", a->prompt_name,
            two ? "two responses" : "one response");
    return err_hint(err, "use --method %s", two ? "pairwise" : "pointwise");
}

void asking_release(Asking *a)
{
    judge_free(a->judge);
    judge_source_release(&a->source);
}

bool asking_open_judge(Asking *a, bool weights, Err *err)
{
    Work *work = a->work;
    JudgeOptions how = a->options->judge;
    how.seed = a->options->common.seed;
    how.cut_by = "--truncate";
    how.refused = a->options->skip_bad ? REFUSED_TOLD : REFUSED_FAILS;
    if (a->options->reward)
        return judge_open_reward(&a->judge, a->options->reward, weights ? work->device : NULL, work->common->date, how,
                                 err);
    return (weights ? judge_source_load(&a->source, work, err) : judge_source_load_text(&a->source, work, err)) &&
           judge_source_open(&a->source, &a->judge, a->prompt_name, how, err);
}

/* --- questions ------------------------------------------------------------------------------------------ */

int asked_order(const LabelOptions *o, const Row *row)
{
    RngKey key = {.seed = (uint64_t)o->common.seed, .purpose = RNG_ORDER, .row = row->identity};
    return (int)rng_below(key, 0, 2);
}

static void question_of_pair(Questions *s, const Asking *a, const Row *row, int i)
{
    s->q[s->n++] = (Question){.where = s->place[i],
                              .context = context_lines(&row->view.context),
                              .first = row->view.response[0].text,
                              .second = row->view.response[1].text,
                              .swap = asked_order(a->options, row) == 1,
                              .row = row->identity};
}

static void questions_of_responses(Questions *s, const Row *row, int i)
{
    char *context = context_lines(&row->view.context);
    for (int k = 0; k < 2; k++)
        s->q[s->n++] = (Question){.where = s->place[i],
                                  .context = context,
                                  .first = row->view.response[k].text,
                                  .turns = &row->view.context,
                                  .reply = &row->view.response[k]};
}

void questions_make(Questions *s, const Asking *a, const Rows *rows, const int *index, int n)
{
    bool pairwise = a->options->method == LABEL_PAIRWISE;
    s->n = 0;
    s->both = pairwise && a->options->both_orders;
    for (int i = 0; i < n; i++) {
        row_place(rows, index[i], s->place[i]);
        if (pairwise)
            question_of_pair(s, a, &rows->row[index[i]], i);
        else
            questions_of_responses(s, &rows->row[index[i]], i);
    }
}

void questions_release(Questions *s)
{
    for (int i = 0; i < s->n; i++)
        if (i == 0 || s->q[i].context != s->q[i - 1].context)
            free((char *)(uintptr_t)s->q[i].context);
    s->n = 0;
}
