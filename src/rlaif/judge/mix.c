/* A mix. */
#include "rlaif/judge/mix.h"

#include "base/mem.h"
#include "base/real.h"
#include "rlaif/judge/rewarded.h"
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

/* What a part says of n responses. */
static bool ask_part(const Judge *j, int k, const Question *q, int n, Verdict *said, Err *err)
{
    const PartJudge *p = &j->part[k];
    if (p->judge)
        return single_responses(p->judge, q, n, said, err);
    if (p->reward)
        return rewarded_responses(p->reward, &j->options, q, n, said, err);
    for (int i = 0; i < n; i++)
        said[i] = (Verdict){.number = log_length(q[i].first)};
    return true;
}

/* Takes that into the mix's verdict of a response. */
static void add_part(const Judge *j, int k, const Verdict *said, Verdict *v)
{
    const MixPart *p = &j->prompt->part[k];
    PartVerdict *kept = &v->part[k];
    *kept = (PartVerdict){.number = j->part[k].judge ? number_of(j->part[k].judge, said) : said->number,
                          .mass = said->mass,
                          .missing = said->missing,
                          .absent = said->absent};
    memcpy(kept->logp, said->logp, sizeof kept->logp);
    v->number += p->weight * (kept->number - p->centre) / p->scale;
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
        ok = ask_part(j, k, q, n, said, err);
        for (int i = 0; ok && i < n; i++)
            add_part(j, k, &said[i], &out[i]);
    }
    free(said);
    return ok;
}

bool mix_open_rewards(Judge *j, Device *device, int date, ChatMode chat, Err *err)
{
    bool ok = true;
    for (int k = 0; ok && k < j->prompt->parts; k++) {
        const MixPart *p = &j->prompt->part[k];
        ok = p->kind != PART_REWARD || (reward_model_open(&j->part[k].reward, p->path, device, date,
                                                          p->chat == CHAT_AUTO ? chat : p->chat, err) &&
                                        (!device || model_hash(p->path, NULL, j->part[k].hash, err)));
    }
    return ok;
}

static ScorerCost add_cost(ScorerCost a, ScorerCost b)
{
    return (ScorerCost){.tokens = a.tokens + b.tokens,
                        .computed = a.computed + b.computed,
                        .attended = a.attended + b.attended,
                        .wanted = a.wanted + b.wanted,
                        .bytes = a.bytes + b.bytes,
                        .unpacked = a.unpacked > b.unpacked ? a.unpacked : b.unpacked};
}

ScorerCost mix_cost(const Judge *j)
{
    ScorerCost sum = {0};
    for (int k = 0; k < j->prompt->parts; k++) {
        const PartJudge *p = &j->part[k];
        if (p->judge)
            sum = add_cost(sum, p->judge->backend->cost(p->judge->self));
        if (p->reward)
            sum = add_cost(sum, scorer_cost(p->reward->scorer));
    }
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
        PartJudge *p = &j->part[k];
        ok = (!p->judge || single_plan(p->judge, q, n, false, &p->plan, err)) &&
             (!p->reward || rewarded_plan(p->reward, &j->options, q, n, &p->plan, err));
        add_plan(plan, &p->plan);
    }
    return ok;
}

bool mix_show(Judge *j, const Question *q, Str *out, Err *err)
{
    bool ok = true;
    for (int k = 0; ok && k < j->prompt->parts; k++) {
        if (!j->part[k].judge && !j->part[k].reward)
            continue;
        str_addf(out, "%s--- %s ---\n\n", k > 0 ? "\n\n" : "", part_name(&j->prompt->part[k]));
        ok = j->part[k].judge ? single_show(j->part[k].judge, q, out, err)
                              : rewarded_show(j->part[k].reward, &j->options, q, out, err);
    }
    return ok;
}

/* Who said it stands with its hash: a policy that is trained on a mix is trained to please its parts. */
static json_t *part_json(const PartJudge *by, const MixPart *p, const PartVerdict *said)
{
    json_t *out = json_pack("{s:s, s:f, s:f}", "part", part_name(p), "number", said->number, "weight", p->weight);
    if (p->kind != PART_LOG_LENGTH) {
        char *hash = mem_printf("sha256:%s", by->judge ? by->judge->prompt->hash : by->hash);
        json_object_set_new(out, by->judge ? "prompt_hash" : "reward_hash", json_string(hash));
        free(hash);
    }
    if (!by->judge)
        return out;
    Verdict v = {.number = by->judge->prompt->flip ? -said->number : said->number,
                 .mass = said->mass,
                 .missing = said->missing,
                 .absent = said->absent};
    memcpy(v.logp, said->logp, sizeof v.logp);
    json_t *verdict = single_json(by->judge, &v);
    json_object_update(out, verdict);
    json_decref(verdict);
    return out;
}

json_t *mix_json(const Judge *j, const Verdict *v)
{
    json_t *parts = json_array();
    for (int k = 0; k < j->prompt->parts; k++)
        json_array_append_new(parts, part_json(&j->part[k], &j->prompt->part[k], &v->part[k]));
    return json_pack("{s:f, s:o}", "margin", v->number, "parts", parts);
}
