/* What answers say: of a pair in both orders, of one response. */
#include "rlaif/judge/verdict.h"

#include "base/mem.h"
#include "base/real.h"

Verdict verdict_mean(const Opinion *o, int n, int answers)
{
    Verdict v = {0};
    for (int a = 0; a < answers; a++) {
        double most = o[0].verdict.logp[a], sum = 0;
        for (int i = 1; i < n; i++)
            most = o[i].verdict.logp[a] > most ? o[i].verdict.logp[a] : most;
        for (int i = 0; i < n; i++)
            sum += real_exp(o[i].verdict.logp[a] - most);
        v.logp[a] = n == 1 ? most : most + real_log(sum / n);
    }
    for (int i = 0; i < n; i++) {
        v.mass += o[i].verdict.mass / n;
        v.missing += o[i].verdict.missing / n;
        v.absent |= o[i].verdict.absent;
    }
    return v;
}

/* The odds' logarithm that an order's answers give the first slot, where p is P(first) and q P(second). Each is a mean over its
 * rationales; of one alone the difference of log-probabilities is kept whole, though p is 1. */
static double order_log_odds(const OrderVerdict *o, double p, double q, double temperature)
{
    const double *logp = o->opinions == 1 ? o->opinion[0].verdict.logp : o->verdict.logp;
    return o->opinions > 1 ? real_log(p) - real_log(q) : (logp[0] - logp[1]) / temperature;
}

void pair_settle(PairVerdict *v, Settling how)
{
    double slot[2] = {0}, log_odds = 0;
    v->p = 0;
    for (int i = 0; i < v->orders; i++) {
        OrderVerdict *o = &v->order[i];
        int n = o->opinions > 0 ? o->opinions : 1;
        double second = 0,
               first = 0; /* P(the answer is the first slot): softmax over the two answers alone (3.4), mean (3.7) */
        for (int k = 0; k < n; k++) {
            const double *logp = o->opinions > 0 ? o->opinion[k].verdict.logp : o->verdict.logp;
            first += real_sigmoid((logp[0] - logp[1]) / how.temperature) / n;
            second += real_sigmoid((logp[1] - logp[0]) / how.temperature) / n;
        }
        bool turned = how.flip != o->swapped;
        double l = order_log_odds(o, first, second, how.temperature);
        log_odds += (turned ? -l : l) / v->orders;
        slot[i] = first - 0.5;
        o->p = turned ? 1 - first : first; /* (3.2), and of the first response as given */
        v->p += o->p / v->orders;          /* (3.5): q(y1) = (q_a[1] + q_b[2]) / 2 */
    }
    if (how.average == AVERAGE_LOG_ODDS)
        v->p = real_sigmoid(log_odds);
    v->same_slot = v->orders == 2 && slot[0] * slot[1] > 0;
    v->p = v->p < how.clamp ? how.clamp : v->p > 1 - how.clamp ? 1 - how.clamp : v->p;
}

void pair_verdict_release(PairVerdict *v)
{
    for (int i = 0; i < v->orders; i++) {
        OrderVerdict *o = &v->order[i];
        for (int k = 0; k < o->opinions; k++)
            free(o->opinion[k].rationale);
        free(o->opinion);
        o->opinion = NULL;
        o->opinions = 0;
    }
}

/* The answers' probabilities among themselves, at a temperature. */
static void renormalise(int n, const Verdict *v, double temperature, double *p)
{
    double most = v->logp[0], sum = 0;
    for (int a = 1; a < n; a++)
        most = v->logp[a] > most ? v->logp[a] : most;
    for (int a = 0; a < n; a++)
        sum += p[a] = real_exp((v->logp[a] - most) / temperature);
    for (int a = 0; a < n; a++)
        p[a] /= sum;
}

double verdict_log_odds(const Scale *s, const Verdict *v)
{
    double sum = 0;
    for (int a = 0; a < s->n; a += 2)
        sum += v->logp[a] - v->logp[a + 1];
    return sum;
}

static double number_of(const Scale *s, const Verdict *v)
{
    return s->kind == JUDGE_CONTRAST ? v->number
           : s->kind == JUDGE_MIX    ? v->number / s->temperature
                                     : verdict_log_odds(s, v);
}

double verdict_expectation(const Scale *s, bool flip, const Verdict *v)
{
    double p[MOST_ANSWERS], sum = 0;
    if (s->kind == JUDGE_MIX)
        return v->number;
    if (s->kind == JUDGE_CHECKLIST || s->kind == JUDGE_CONTRAST)
        return flip ? -number_of(s, v) : number_of(s, v);
    renormalise(s->n, v, 1, p);
    if (s->kind == JUDGE_VERDICT)
        return flip ? p[1] : p[0];
    for (int a = 0; a < s->n; a++)
        sum += s->number[a] * p[a];
    return flip ? s->low + s->high - sum : sum;
}

double verdict_preference(const Scale *s, const Verdict *first, const Verdict *second, double temperature)
{
    if (s->kind != JUDGE_SCORE)
        return real_sigmoid((number_of(s, first) - number_of(s, second)) / temperature);
    double p[MOST_ANSWERS], q[MOST_ANSWERS], above = 0, below = 0;
    renormalise(s->n, first, temperature, p);
    renormalise(s->n, second, temperature, q);
    for (int a = 0; a < s->n; a++)
        for (int b = 0; b < s->n; b++) {
            above += s->number[a] > s->number[b] ? p[a] * q[b] : 0;
            below += s->number[a] < s->number[b] ? p[a] * q[b] : 0;
        }
    return above + below > 0 ? above / (above + below) : 0.5;
}

json_t *verdict_json(const Verdict *v, int answers)
{
    json_t *logp = json_array();
    for (int a = 0; a < answers; a++)
        json_array_append_new(logp, json_real(v->logp[a]));
    json_t *out = json_pack("{s:o, s:f}", "logp", logp, "mass", v->mass);
    if (v->missing > 0)
        json_object_set_new(out, "missing", json_real(v->missing));
    if (v->absent == 0)
        return out;
    json_t *absent = json_array();
    for (int a = 0; a < answers; a++)
        if (v->absent & 1U << a)
            json_array_append_new(absent, json_integer(a));
    json_object_set_new(out, "absent", absent);
    return out;
}

void judgment_set_cut(json_t *judgment, int cut)
{
    if (cut > 0)
        json_object_set_new(judgment, "cut", json_integer(cut));
}
