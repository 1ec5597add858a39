/* Judges: prompts laid out for both orders, rationales before answers, answers averaged. */
#include "rlaif/judge/judge.h"

#include "base/mem.h"
#include "rlaif/judge/local.h"
#include "rlaif/judge/mix.h"
#include "rlaif/judge/rationales.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/judge/single.h"

/* Several rationales at 0 would all be the same. */
static const double SEVERAL_TEMPERATURE = 0.7;

/* --- opening -------------------------------------------------------------------------------------------- */

static bool read_scale(Scale *s, const JudgePrompt *p, Err *err)
{
    if (p->answers > MOST_ANSWERS)
        return err_set(err, ERR_INPUT, "the prompt %s has %d answers, at most %d are possible", p->name, p->answers,
                       MOST_ANSWERS);
    *s = (Scale){.kind = p->kind,
                 .n = p->kind == JUDGE_SCORE ? p->answers : 2 * (p->checks > 0 ? p->checks : 1),
                 .temperature = p->temperature};
    for (int i = 0; i < p->answers; i++) {
        s->number[i] = strtod(p->answer[i], NULL);
        s->low = i == 0 || s->number[i] < s->low ? s->number[i] : s->low;
        s->high = i == 0 || s->number[i] > s->high ? s->number[i] : s->high;
    }
    return true;
}

/* The prompt is taken over, also where it fails; those of a mix's parts stay the mix's. */
static bool of_prompt(Judge **out, JudgePrompt *p, const JudgeOptions *o, Err *err)
{
    Judge *j = mem_zalloc(1, sizeof *j);
    *out = j;
    j->prompt = p;
    j->options = *o;
    bool ok = judge_options_check(p, o, err) && (p->parts > 0 || judge_exemplars(&j->shown, p, o, err)) &&
              read_scale(&j->scale, p, err);
    for (int i = 0; ok && i < p->parts; i++)
        ok = !p->part[i].prompt || of_prompt(&j->part[i].judge, p->part[i].prompt, o, err);
    return ok;
}

bool judge_new(Judge **out, const char *prompt, JudgeOptions o, Err *err)
{
    JudgePrompt *p;
    *out = NULL;
    if (o.samples > 1 && o.temperature <= 0)
        o.temperature = SEVERAL_TEMPERATURE;
    return judge_options_prompt(&p, prompt, &o, err) && of_prompt(out, p, &o, err);
}

bool judge_open(Judge **out, Model *model, const char *prompt, JudgeOptions o, Err *err)
{
    bool ok = judge_new(out, prompt, o, err);
    for (int i = 0; ok && judge_asked(*out, i); i++)
        ok = judge_local_open(judge_asked(*out, i), model, err);
    if (ok && mix_open_rewards(*out, model->device, model->date, CHAT_AUTO, err))
        return true;
    judge_free(*out);
    *out = NULL;
    return false;
}

bool judge_open_reward(Judge **out, const char *path, Device *device, int date, JudgeOptions o, Err *err)
{
    if (of_prompt(out, judge_prompt_of_reward(path), &o, err) &&
        mix_open_rewards(*out, device, date, (ChatMode)o.chat, err))
        return true;
    judge_free(*out);
    *out = NULL;
    return false;
}

static void release(Judge *j)
{
    if (j && j->self)
        j->backend->free(j->self);
    free(j);
}

void judge_free(Judge *j)
{
    if (!j)
        return;
    for (int i = 0; i < MOST_PARTS; i++) {
        release(j->part[i].judge);
        reward_model_free(j->part[i].reward);
    }
    judge_prompt_free(j->prompt);
    release(j);
}

Judge *judge_asked(Judge *j, int i)
{
    if (j->prompt->kind != JUDGE_MIX)
        return i == 0 ? j : NULL;
    for (int part = 0; part < j->prompt->parts; part++)
        if (j->part[part].judge && i-- == 0)
            return j->part[part].judge;
    return NULL;
}

const json_t *judge_endpoint_about(const Judge *j)
{
    const Judge *asked = judge_asked((Judge *)(uintptr_t)j, 0);
    return asked && asked->backend->about ? asked->backend->about(asked->self) : NULL;
}

ScorerCost judge_cost(const Judge *j)
{
    return j->prompt->kind == JUDGE_MIX ? mix_cost(j) : j->backend->cost(j->self);
}

/* --- numbers of one response ---------------------------------------------------------------------------- */

double judge_expectation(const Judge *j, const Verdict *v)
{
    return verdict_expectation(&j->scale, j->prompt->flip, v);
}

double judge_reward(const Judge *j, const Verdict *v)
{
    const Scale *s = &j->scale;
    double e = judge_expectation(j, v);
    if (s->kind == JUDGE_VERDICT)
        return 2 * e - 1;
    if (s->kind != JUDGE_SCORE)
        return e;
    return (e - (s->low + s->high) / 2) / ((s->high - s->low) / 2);
}

json_t *judge_verdict_json(const Judge *j, const Verdict *v)
{
    return j->prompt->kind == JUDGE_MIX ? mix_json(j, v) : single_json(j, v);
}

json_t *judgment_json(const Judge *j, const Verdict *v)
{
    json_t *judgment = judge_verdict_json(j, v);
    json_object_set_new(judgment, "expectation", json_real(judge_expectation(j, v)));
    if (judge_endpoint_about(j))
        json_object_set(judgment, "endpoint", (json_t *)(uintptr_t)judge_endpoint_about(j));
    return judgment;
}

/* --- asking ---------------------------------------------------------------------------------------- */

/* The answers to all orders, without rationales or after them, into the pairs. */
static bool ask_pairs(Judge *j, const Question *q, const Layout *l, PairVerdict *out, Err *err)
{
    int orders = out[0].orders, each = j->options.samples, total = l->n * each;
    bool cot = j->options.cot;
    Verdict *said = mem_zalloc((size_t)total, sizeof *said);
    Rationales r = {0};
    bool ok =
        cot ? rationales_write(j, l, q, orders == 2, &r, err) && rationales_answer(j, l->asked, &r, total, said, err)
            : j->backend->answer(j->self, l->asked, total, said, err);
    for (int i = 0; ok && i < l->n; i++) {
        PairVerdict *v = &out[i / orders];
        OrderVerdict *o = &v->order[i % orders];
        o->verdict = said[i * each];
        v->cut = l->cut[i];
        for (int k = 0; k < each; k++)
            v->refused = v->refused || said[i * each + k].refused;
        if (!cot) {
            v->tokens.input += o->verdict.tokens;
            continue;
        }
        o->opinions = each;
        o->opinion = mem_zalloc((size_t)each, sizeof *o->opinion);
        for (int k = 0; k < each; k++) {
            o->opinion[k] = (Opinion){said[i * each + k], r.text[i * each + k]};
            r.text[i * each + k] = NULL;
            v->tokens.input += r.tokens[i * each + k].input;
            v->tokens.output += r.tokens[i * each + k].output;
        }
        o->verdict = verdict_mean(o->opinion, each, j->scale.n);
    }
    rationales_release(&r, total);
    free(said);
    return ok;
}

bool judge_pairs(Judge *j, const Question *q, int n, bool both, PairVerdict *out, Err *err)
{
    if (n == 0)
        return true;
    for (int i = 0; i < n; i++) {
        out[i] = (PairVerdict){.orders = both ? 2 : 1};
        out[i].order[0].swapped = !both && q[i].swap;
        out[i].order[1].swapped = both;
    }
    Layout l = {0};
    bool ok = layout_make(&l, j, q, n, both, err) && ask_pairs(j, q, &l, out, err);
    for (int i = 0; ok && i < n; i++)
        pair_settle(&out[i], (Settling){.flip = j->prompt->flip, .temperature = 1});
    layout_release(&l);
    return ok;
}

bool judge_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err)
{
    return j->prompt->kind == JUDGE_MIX ? mix_responses(j, q, n, out, err) : single_responses(j, q, n, out, err);
}

bool judge_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err)
{
    return j->prompt->kind == JUDGE_MIX ? mix_plan(j, q, n, plan, err) : single_plan(j, q, n, both, plan, err);
}

bool judge_show(Judge *j, const Question *q, Str *out, Err *err)
{
    return j->prompt->kind == JUDGE_MIX ? mix_show(j, q, out, err) : single_show(j, q, out, err);
}
