/* Judges: prompts laid out for both orders, rationales before answers, answers averaged. */
#include "rlaif/judge/judge.h"

#include "base/mem.h"
#include "rlaif/judge/checklist.h"
#include "rlaif/judge/contrast.h"
#include "rlaif/judge/local.h"

/* Several rationales at 0 would all be the same. */
static const double SEVERAL_TEMPERATURE = 0.7;

enum { TOP_K = 40 }; /* of a model here, where nothing is said */

/* --- opening -------------------------------------------------------------------------------------------- */

static bool read_scale(Scale *s, const JudgePrompt *p, Err *err)
{
    if (p->answers > MOST_ANSWERS)
        return err_set(err, ERR_INPUT, "the prompt %s has %d answers, at most %d are possible", p->name, p->answers,
                       MOST_ANSWERS);
    *s = (Scale){.kind = p->kind, .n = p->kind == JUDGE_SCORE ? p->answers : 2 * (p->checks > 0 ? p->checks : 1)};
    for (int i = 0; i < p->answers; i++) {
        s->number[i] = strtod(p->answer[i], NULL);
        s->low = i == 0 || s->number[i] < s->low ? s->number[i] : s->low;
        s->high = i == 0 || s->number[i] > s->high ? s->number[i] : s->high;
    }
    return true;
}

bool judge_new(Judge **out, const char *prompt, JudgeOptions o, Err *err)
{
    Judge *j = mem_zalloc(1, sizeof *j);
    *out = j;
    if (o.samples > 1 && o.temperature <= 0)
        o.temperature = SEVERAL_TEMPERATURE;
    j->options = o;
    if (!judge_prompt_load(&j->prompt, prompt, err))
        return false;
    return judge_options_check(j->prompt, &o, err) && judge_exemplars(&j->shown, j->prompt, &o, err) &&
           read_scale(&j->scale, j->prompt, err);
}

bool judge_open(Judge **out, Model *model, const char *prompt, JudgeOptions o, Err *err)
{
    if (judge_new(out, prompt, o, err) && judge_local_open(*out, model, err))
        return true;
    judge_free(*out);
    *out = NULL;
    return false;
}

void judge_free(Judge *j)
{
    if (!j)
        return;
    if (j->self)
        j->backend->free(j->self);
    judge_prompt_free(j->prompt);
    free(j);
}

const json_t *judge_endpoint_about(const Judge *j)
{
    return j->backend->about ? j->backend->about(j->self) : NULL;
}

ScorerCost judge_cost(const Judge *j)
{
    return j->backend->cost(j->self);
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
    if (j->scale.kind == JUDGE_CONTRAST)
        return json_pack("{s:[f, f], s:f}", "logp", v->logp[0], v->logp[1], "contrast", v->contrast);
    return verdict_json(v, j->scale.n);
}

json_t *judgment_json(const Judge *j, const Verdict *v)
{
    json_t *judgment = judge_verdict_json(j, v);
    json_object_set_new(judgment, "expectation", json_real(judge_expectation(j, v)));
    if (judge_endpoint_about(j))
        json_object_set(judgment, "endpoint", (json_t *)(uintptr_t)judge_endpoint_about(j));
    return judgment;
}

/* --- rationales ----------------------------------------------------------------------------------------- */

/* What was written, as it goes on: what comes from the prompt's ending on is left out, and blanks at the end. */
static char *clean_rationale(const JudgePrompt *p, char *written)
{
    char *stop = judge_prompt_stop(p), *end = stop[0] ? strstr(written, stop) : NULL;
    size_t n = end ? (size_t)(end - written) : strlen(written);
    while (n > 0 && strchr(" \t\r\n", written[n - 1]))
        n--;
    Str s = {0};
    str_add_utf8(&s, written, n);
    free(stop);
    free(written);
    return str_take(&s);
}

/* What is written after each of `total` prompts, `each` of them for one order of a pair. */
typedef struct Rationales {
    char **text;
    TokenCount *tokens;
} Rationales;

static void rationales_release(Rationales *r, int total)
{
    for (int i = 0; r->text && i < total; i++)
        free(r->text[i]);
    free(r->text);
    free(r->tokens);
}

/* The first steps of all prompts of n questions, one for each rationale. */
typedef struct FirstSteps {
    Asked *asked; /* [total], which borrow the layout's bodies */
    RngKey *key;
    Sampling how;
    char *stop;
    int total;
} FirstSteps;

static FirstSteps first_steps(const Judge *j, const Layout *l, const Question *q, bool both)
{
    const JudgeOptions *o = &j->options;
    int each = o->samples, orders = both ? 2 : 1, total = l->n * each;
    FirstSteps s = {.asked = mem_alloc((size_t)total, sizeof *s.asked),
                    .key = mem_alloc((size_t)total, sizeof *s.key),
                    .stop = judge_prompt_stop(j->prompt),
                    .total = total,
                    .how = {.greedy = o->temperature <= 0,
                            .temperature = o->temperature > 0 ? o->temperature : 1,
                            .top_k = o->top_k >= 0             ? o->top_k
                                     : judge_endpoint_about(j) ? 0
                                                               : TOP_K,
                            .top_p = 1,
                            .max_new_tokens = j->prompt->cot.max_new_tokens}};
    for (int i = 0; i < total; i++) {
        int pair = i / (orders * each), order = i / each % orders;
        s.asked[i] = l->asked[i / each];
        s.asked[i].ending = judge_prompt_cot_ending(j->prompt, &j->shown);
        s.key[i] = (RngKey){.seed = (uint64_t)o->seed,
                            .purpose = RNG_RATIONALE,
                            .row = q[pair].row,
                            .visit = both ? order == 1 : q[pair].swap,
                            .sample = (uint32_t)(i % each)};
    }
    return s;
}

static void first_steps_release(FirstSteps *s)
{
    free(s->asked);
    free(s->key);
    free(s->stop);
}

static bool write_rationales(Judge *j, const Layout *l, const Question *q, bool both, Rationales *out, Err *err)
{
    FirstSteps s = first_steps(j, l, q, both);
    *out = (Rationales){mem_zalloc((size_t)s.total, sizeof(char *)), mem_zalloc((size_t)s.total, sizeof(TokenCount))};
    bool ok = j->backend->write(j->self, s.asked, s.total, s.key, &s.how, s.stop, out->text, out->tokens, err);
    for (int i = 0; ok && i < s.total; i++)
        out->text[i] = out->text[i] ? clean_rationale(j->prompt, out->text[i]) : NULL;
    first_steps_release(&s);
    return ok;
}

/* Step 2 of a prompt with this text as its rationale. Free the ending. */
static Asked second_step(const Judge *j, Asked first, const char *rationale)
{
    first.ending = mem_printf("%s%s%s%s", judge_prompt_cot_ending(j->prompt, &j->shown), rationale, j->prompt->cot.join,
                              j->prompt->ending);
    return first;
}

static bool answer_rationales(Judge *j, const Asked *asked, const Rationales *r, int total, Verdict *said, Err *err)
{
    Asked *step = mem_alloc((size_t)total, sizeof *step);
    Verdict *answer = mem_zalloc((size_t)total, sizeof *answer);
    int n = 0, at = 0;
    for (int i = 0; i < total; i++)
        if (r->text[i])
            step[n++] = second_step(j, asked[i / j->options.samples], r->text[i]);
    bool ok = n == 0 || j->backend->answer(j->self, step, n, answer, err);
    for (int i = 0; i < total; i++)
        said[i] = r->text[i] ? answer[at++] : (Verdict){.refused = true};
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)step[i].ending);
    free(answer);
    free(step);
    return ok;
}

/* --- pairs and responses -------------------------------------------------------------------------------- */

/* The answers to all orders, without rationales or after them, into the pairs. */
static bool ask_pairs(Judge *j, const Question *q, const Layout *l, PairVerdict *out, Err *err)
{
    int orders = out[0].orders, each = j->options.samples, total = l->n * each;
    bool cot = j->options.cot;
    Verdict *said = mem_zalloc((size_t)total, sizeof *said);
    Rationales r = {0};
    bool ok =
        cot ? write_rationales(j, l, q, orders == 2, &r, err) && answer_rationales(j, l->asked, &r, total, said, err)
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

/* --- before asking -------------------------------------------------------------------------------------- */

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
            text[i] = clean_rationale(j->prompt, text[i]);
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

bool judge_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err)
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

bool judge_show(Judge *j, const Question *q, Str *out, Err *err)
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
