/* A judge of one prompt asked. */
#include "rlaif/judge/single.h"

#include "base/mem.h"
#include "rlaif/judge/checklist.h"
#include "rlaif/judge/contrast.h"
#include "rlaif/judge/rationales.h"

bool single_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err)
{
    Layout l = {0};
    bool ok = layout_make(&l, j, q, n, false, err);
    if (ok && l.contrast) {
        ok = contrast_responses(j, &l, n, out, err);
    } else if (ok) {
        int each = checklist_each(j);
        Asked *asked = checklist_prompts(j, &l);
        Verdict *said = mem_zalloc((size_t)(n * each), sizeof *said);
        ok = j->backend->answer(j->self, asked, n * each, said, err);
        for (int i = 0; ok && i < n; i++)
            out[i] = checklist_verdict(j, &said[i * each]);
        free(said);
        free(asked);
    }
    for (int i = 0; ok && i < n; i++)
        out[i].cut = l.cut[l.contrast ? 2 * i : i];
    layout_release(&l);
    return ok;
}

json_t *single_json(const Judge *j, const Verdict *v)
{
    if (j->scale.kind == JUDGE_CONTRAST)
        return json_pack("{s:[f, f], s:f}", "logp", v->logp[0], v->logp[1], "contrast", v->number);
    return verdict_json(v, j->scale.n);
}

static bool measure_tail(Judge *j, const Layout *l, JudgePlan *plan, Err *err)
{
    if (!j->options.cot || plan->tail > 0)
        return true;
    Asked step = second_step(j, l->asked[0], "");
    int tokens = 0;
    bool ok = j->backend->measure(j->self, &step, 1, &tokens, err);
    plan->tail = tokens - l->tokens[0];
    free((char *)(uintptr_t)step.ending);
    return ok;
}

static void plan_request(JudgePlan *plan, int tokens, bool text)
{
    plan->sent++;
    plan->texts += text;
    plan->sent_tokens += tokens;
}

/* Rationales that are to be asked for, each with the answer behind it; of those that are known the answers. */
static bool plan_rationales(Judge *j, const Layout *l, const Question *q, bool both, JudgePlan *plan, Err *err)
{
    FirstSteps s = first_steps(j, l, q, both);
    int each = j->options.samples;
    bool *known = mem_zalloc((size_t)s.total, sizeof *known);
    char **text = mem_zalloc((size_t)s.total, sizeof(char *));
    bool ok = j->backend->known(j->self, s.asked, s.total, s.key, &s.how, s.stop, known, text, err);
    for (int i = 0; i < s.total; i++) {
        bool answered = known[i];
        if (ok && text[i]) {
            text[i] = rationale_clean(j->prompt, text[i]);
            Asked step = second_step(j, l->asked[i / each], text[i]);
            ok = j->backend->known(j->self, &step, 1, NULL, NULL, NULL, &answered, NULL, err);
            free((char *)(uintptr_t)step.ending);
        }
        if (!known[i])
            plan_request(plan, l->tokens[i / each], true);
        if (!answered)
            plan_request(plan, l->tokens[i / each], false);
        free(text[i]);
    }
    free(text);
    free(known);
    first_steps_release(&s);
    return ok;
}

/* What of the prompts that are answered is to be sent, and what computing them takes. */
static bool plan_answers(Judge *j, const Layout *l, int orders, JudgePlan *plan, Err *err)
{
    int each = checklist_each(j), n = l->n * each;
    Asked *asked = checklist_prompts(j, l);
    bool *known = mem_zalloc((size_t)n, sizeof *known), send = j->backend->known && !j->options.cot;
    bool ok = (!send || j->backend->known(j->self, asked, n, NULL, NULL, NULL, known, NULL, err)) &&
              (!j->backend->plan || j->backend->plan(j->self, asked, n, orders, plan, err));
    for (int i = 0; ok && send && i < n; i++)
        if (!known[i])
            plan_request(plan, l->tokens[i / each], false);
    free(known);
    free(asked);
    return ok;
}

bool single_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err)
{
    Layout l = {0};
    int orders = both || j->prompt->kind == JUDGE_CONTRAST ? 2 : 1, each = j->options.samples;
    bool ok = layout_make(&l, j, q, n, both, err) && measure_tail(j, &l, plan, err) &&
              (!j->options.cot || !j->backend->known || plan_rationales(j, &l, q, both, plan, err)) &&
              plan_answers(j, &l, orders, plan, err);
    for (int i = 0; ok && i < l.n; i++) {
        plan->prompts += each;
        plan->tokens += (double)l.tokens[i] * each;
        plan->longest = l.tokens[i] > plan->longest ? l.tokens[i] : plan->longest;
        plan->cut += l.cut[i] > 0 && i % orders == 0;
        plan->rationales += j->options.cot ? each : 0;
    }
    layout_release(&l);
    return ok;
}

bool single_show(Judge *j, const Question *q, Str *out, Err *err)
{
    Layout l = {0};
    Question as_given = *q;
    as_given.swap = false;
    bool ok = layout_make(&l, j, &as_given, 1, false, err);
    if (ok && j->options.cot) {
        Asked step = second_step(j, l.asked[0], "...");
        ok = j->backend->show(j->self, &step, out, err);
        free((char *)(uintptr_t)step.ending);
    }
    for (int i = 0; ok && !j->options.cot && i < l.n; i++) {
        str_add(out, i > 0 ? "\n\n--- against ---\n\n" : "");
        ok = j->backend->show(j->self, &l.asked[i], out, err);
    }
    layout_release(&l);
    return ok;
}
