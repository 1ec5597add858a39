/* A mix. */
#include "rlaif/judge/mix.h"

#include "base/mem.h"
#include "base/real.h"
#include "rlaif/judge/single.h"

double log_length(const char *response)
{
    int n = text_characters(response);
    return n > 0 ? real_log(n) : 0;
}

/* x of a part's prompt, high is better: of a verdict the log-odds, of the others what they expect. */
static double number_of(const Judge *part, const Verdict *v)
{
    if (part->scale.kind != JUDGE_VERDICT)
        return verdict_expectation(&part->scale, part->prompt->flip, v);
    double l = verdict_log_odds(&part->scale, v);
    return part->prompt->flip ? -l : l;
}

/* What its part says of a response into a mix's verdict. */
static void take_part(const Judge *part, const Verdict *said, PartVerdict *p, Verdict *v)
{
    *p = (PartVerdict){
        .number = number_of(part, said), .mass = said->mass, .missing = said->missing, .absent = said->absent};
    memcpy(p->logp, said->logp, sizeof p->logp);
    v->refused = v->refused || said->refused;
    v->cut = said->cut > v->cut ? said->cut : v->cut;
    v->tokens += said->tokens;
}

bool mix_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err)
{
    Verdict *said = mem_zalloc((size_t)n, sizeof *said);
    bool ok = true;
    for (int i = 0; i < n; i++)
        out[i] = (Verdict){0};
    for (int k = 0; ok && k < j->prompt->parts; k++) {
        const MixPart *p = &j->prompt->part[k];
        ok = !j->part[k] || single_responses(j->part[k], q, n, said, err);
        for (int i = 0; ok && i < n; i++) {
            if (j->part[k])
                take_part(j->part[k], &said[i], &out[i].part[k], &out[i]);
            else
                out[i].part[k].number = log_length(q[i].first);
            out[i].number += p->weight * (out[i].part[k].number - p->centre) / p->scale;
        }
    }
    free(said);
    return ok;
}

static ScorerCost add_cost(ScorerCost a, ScorerCost b)
{
    return (ScorerCost){.tokens = a.tokens + b.tokens,
                        .computed = a.computed + b.computed,
                        .attended = a.attended + b.attended,
                        .wanted = a.wanted + b.wanted,
                        .bytes = a.bytes + b.bytes};
}

ScorerCost mix_cost(const Judge *j)
{
    ScorerCost sum = {0};
    for (int k = 0; k < j->prompt->parts; k++)
        if (j->part[k])
            sum = add_cost(sum, j->part[k]->backend->cost(j->part[k]->self));
    return sum;
}

/* The parts' prompts begin with nothing in common: each has a share of its own. */
static void add_plan(JudgePlan *sum, const JudgePlan *p)
{
    sum->prompts += p->prompts;
    sum->tokens += p->tokens;
    sum->longest = p->longest > sum->longest ? p->longest : sum->longest;
    sum->sent += p->sent;
    sum->sent_tokens += p->sent_tokens;
    sum->cut = p->cut > sum->cut ? p->cut : sum->cut;
    sum->all_share += p->all_share;
    sum->flops += p->flops;
    sum->cost = add_cost(sum->cost, p->cost);
}

bool mix_plan(Judge *j, const Question *q, int n, JudgePlan *plan, Err *err)
{
    bool ok = true;
    *plan = (JudgePlan){0};
    for (int k = 0; ok && k < j->prompt->parts; k++) {
        if (!j->part[k])
            continue;
        ok = single_plan(j->part[k], q, n, false, &j->part[k]->planned, err);
        add_plan(plan, &j->part[k]->planned);
    }
    return ok;
}

bool mix_show(Judge *j, const Question *q, Str *out, Err *err)
{
    bool ok = true;
    for (int k = 0; ok && k < j->prompt->parts; k++) {
        if (!j->part[k])
            continue;
        str_addf(out, "%s--- %s ---\n\n", k > 0 ? "\n\n" : "", part_name(&j->prompt->part[k]));
        ok = single_show(j->part[k], q, out, err);
    }
    return ok;
}

static json_t *part_json(const Judge *part, const char *name, const PartVerdict *p)
{
    json_t *out = json_pack("{s:s, s:f}", "part", name, "number", p->number);
    if (!part)
        return out;
    Verdict v = {.number = part->prompt->flip ? -p->number : p->number,
                 .mass = p->mass,
                 .missing = p->missing,
                 .absent = p->absent};
    memcpy(v.logp, p->logp, sizeof v.logp);
    json_t *said = single_json(part, &v);
    json_object_update(out, said);
    json_decref(said);
    return out;
}

json_t *mix_json(const Judge *j, const Verdict *v)
{
    json_t *parts = json_array();
    for (int k = 0; k < j->prompt->parts; k++)
        json_array_append_new(parts, part_json(j->part[k], part_name(&j->prompt->part[k]), &v->part[k]));
    return json_pack("{s:f, s:o}", "margin", v->number, "parts", parts);
}
