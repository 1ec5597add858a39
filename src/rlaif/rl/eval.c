/* The policy on held-out prompts while it learns. */
#include "rlaif/rl/eval.h"

#include "base/log.h"
#include "base/mem.h"
#include "rlaif/rl/step.h"
#include "rlaif/stage/metric_log.h"

/* Means over responses. */
typedef struct HeldMeans {
    double reward, kl, tokens, ended, part[MOST_REWARDS];
} HeldMeans;

/* Responses to the prompts from `first` on, some at a time; adds what they say, divided by the number of all prompts. */
static bool measure_some(Rl *rl, int first, int n, HeldMeans *sum, Err *err)
{
    const RlOptions *o = rl->options;
    Sampling how = rl_sampling(o);
    Rollout *r = mem_zalloc((size_t)n, sizeof *r);
    for (int i = 0; i < n; i++)
        r[i] = (Rollout){.row = first + i, .prompt = &rl->held_prompt[first + i]};
    bool ok = rollouts_sample(r, n, rl->policy, &rl->held, &how, RNG_HELD_OUT, o->common.seed, err) &&
              rollouts_reward(r, n, &rl->source, rl->policy, &rl->held, err) &&
              rollouts_reference(r, n, rl->reference_scorer, err);
    for (int i = 0; i < n; i++) {
        sum->reward += r[i].reward / rl->held.n;
        sum->kl += r[i].kl / rl->held.n;
        sum->tokens += (double)r[i].y.ids.n / rl->held.n;
        sum->ended += (double)r[i].y.ended / rl->held.n;
        for (int k = 0; ok && k < rl->source.parts; k++)
            sum->part[k] += r[i].part[k].reward / rl->held.n;
        rollout_release(&r[i]);
    }
    free(r);
    return ok;
}

static bool record(const Rl *rl, Stage *s, int step, const HeldMeans *m, Err *err)
{
    Store *store = s->work->store;
    return store_begin(store, err) && store_metric(store, s->id, step, "eval_reward", m->reward, err) &&
           rl_record_parts(rl, s, step, METRIC_EVAL_PART, m->part, err) &&
           store_metric(store, s->id, step, rl_kl_name(rl->options, METRIC_EVAL_KL), m->kl, err) &&
           store_metric(store, s->id, step, "eval_tokens", m->tokens, err) &&
           store_metric(store, s->id, step, "eval_ended", m->ended, err) && store_commit(store, err);
}

bool rl_measure_held_out(void *self, Stage *s, int step, Err *err)
{
    Rl *rl = self;
    HeldMeans m = {0};
    int most = rl->options->batch; /* prompts of a step: what memory is planned for */
    bool ok = true;
    for (int i = 0; ok && i < rl->held.n; i += most)
        ok = not_interrupted(err) && measure_some(rl, i, rl->held.n - i < most ? rl->held.n - i : most, &m, err);
    return ok && record(rl, s, step, &m, err);
}
