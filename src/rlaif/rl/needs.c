/* What reinforcement learning needs: every model, its gradients and optimizer, and what a step adds while it samples, asks
 * for rewards and trains, if all responses are as long as they may be. */
#include "rlaif/rl/needs.h"

#include "base/mem.h"
#include "rlaif/judge/layout.h"
#include "rlaif/rl/open.h"
#include "rlaif/rl/step.h"

/* Of all steps to come. */
typedef struct Widest {
    int step;      /* the one whose prompts have most tokens */
    PassSize pass; /* at least as large as every training pass */
} Widest;

/* Plays through every step's prompts, and how their groups fill passes. */
static Widest widest_step(const Rl *rl)
{
    const RlOptions *o = rl->options;
    int epoch = -1, *order = mem_alloc((size_t)rl->rows->n, sizeof *order), most = 0;
    Widest w = {0};
    for (int step = 0; step < rl->policy_trainer.steps; step++) {
        PassSize now = {0};
        int tokens = 0;
        for (int i = 0; i < o->batch; i++) {
            int prompt = rl->prompt[rl_row_at(rl, (long long)step * o->batch + i, &epoch, order)].n;
            int responses = o->samples * o->max_new_tokens;
            tokens += prompt;
            pass_size_add(&now, &w.pass, (PassSize){prompt + responses - o->samples, 1 + o->samples, responses},
                          PASS_ROWS);
        }
        if (tokens > most)
            most = tokens, w.step = step;
    }
    free(order);
    return w;
}

/* What drawing and scoring take. */
typedef struct Drawing {
    double bytes, unpacked;
} Drawing;

/* Scoring these rollouts' responses, behind `frame` tokens that all share; their own tokens are unlike each other's. Only the
 * last token is wanted, or all of the response. Adds to what it takes. */
static bool scored_bytes(const Rollout *r, int n, int new, Model *m, int frame, bool last, Drawing *d, Err *err)
{
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    int *from = mem_alloc((size_t)n, sizeof *from);
    for (int i = 0; i < n; i++) {
        for (int t = 0; t < frame; t++)
            ids_add(&ids[i], 0);
        ids_append(&ids[i], r[i].prompt->id, r[i].prompt->n);
        from[i] = ids[i].n;
        for (int t = 0; t < new; t++)
            ids_add(&ids[i], i);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    Scorer *s;
    scorer_open_hollow(&s, m);
    bool ok = last ? scorer_rewards(s, seq, n, NULL, err) : scorer_logprobs(s, seq, from, n, NULL, err);
    ScorerCost cost = scorer_cost(s);
    d->bytes += cost.bytes;
    d->unpacked = cost.unpacked > d->unpacked ? cost.unpacked : d->unpacked;
    scorer_free(s);
    for (int i = 0; i < n; i++)
        ids_release(&ids[i]);
    free(from);
    free(seq);
    free(ids);
    return ok;
}

/* What a judge's prompt has around context and response. */
static bool judge_frame(Judge *j, int *tokens, Err *err)
{
    const Question q = {.where = "the judge's prompt", .context = "", .first = ""};
    Layout l;
    bool ok = layout_make(&l, j, &q, 1, false, err) && j->backend->measure(j->self, l.asked, 1, tokens, err);
    layout_release(&l);
    return ok;
}

/* What a judge has to read, or all parts of a mix. */
static bool judged_bytes(const Rl *rl, const RewardPart *p, const Rollout *r, int n, Drawing *d, Err *err)
{
    bool ok = true;
    for (int k = 0; ok && k < MOST_PARTS; k++) {
        const RewardModel *m = p->judge->part[k].reward;
        ok = !m || scored_bytes(r, n, rl->options->max_new_tokens, m->model, 0, true, d, err);
    }
    for (int i = 0, frame = 0; ok && p->from.model && judge_asked(p->judge, i); i++)
        ok = judge_frame(judge_asked(p->judge, i), &frame, err) &&
             scored_bytes(r, n, rl->options->max_new_tokens, p->from.model, frame, true, d, err);
    return ok;
}

/* Drawing rollouts, groups of `samples`, and asking for their rewards: *most becomes at least that. */
static bool drawn_bytes(const Rl *rl, const Rollout *r, int n, int samples, Drawing *most, Err *err)
{
    const RewardSource *s = &rl->source;
    int new = rl->options->max_new_tokens;
    double prompts = 0;
    for (int i = 0; i < n; i++)
        prompts += r[i].prompt->n;
    int longest = (int)(prompts / n) + 1;
    double sampling = (double)generate_bytes(&rl->policy->config, n / samples, samples, longest, new);
    Drawing scoring = {.unpacked = (double)generate_unpacked(rl->policy, n / samples, samples, longest)};
    /* scorers keep what they had for their last call, so those of all add up */
    bool ok = scored_bytes(r, n, new, rl->reference, 0, false, &scoring, err);
    for (int i = 0; ok && i < s->parts; i++) {
        const RewardPart *p = &s->part[i];
        ok = p->model ? p->borrowed || scored_bytes(r, n, new, p->model->model, 0, true, &scoring, err)
                      : judged_bytes(rl, p, r, n, &scoring, err);
    }
    double bytes = sampling > scoring.bytes ? sampling : scoring.bytes;
    most->bytes = most->bytes > bytes ? most->bytes : bytes;
    most->unpacked = most->unpacked > scoring.unpacked ? most->unpacked : scoring.unpacked;
    return ok;
}

/* The same of the widest step and of the held-out prompts, as many at once as rl_measure_held_out draws. */
static bool all_drawn_bytes(const Rl *rl, int widest, Drawing *most, Err *err)
{
    int n;
    Rollout *r = rl_plan(rl, widest, &n);
    *most = (Drawing){0};
    bool ok = drawn_bytes(rl, r, n, rl->options->samples, most, err);
    for (int first = 0; ok && first < rl->held.n; first += n) {
        int some = rl->held.n - first < n ? rl->held.n - first : n;
        for (int i = 0; i < some; i++)
            r[i].prompt = &rl->held_prompt[first + i];
        ok = drawn_bytes(rl, r, some, 1, most, err);
    }
    free(r); /* nothing was drawn */
    return ok;
}

static void add_trained(Needs *n, Need part, Counted *counted, const TrainOptions *o, Model *m)
{
    needs_add_model(n, part, counted, m);
    needs_add(n, part, (double)trainer_bytes(o, &m->config));
}

static void add_part(Needs *n, Counted *counted, const RewardPart *p)
{
    if (p->model)
        needs_add_model(n, NEEDS_REWARD_MODEL, counted, p->model->model);
    if (p->from.model)
        needs_add_model(n, NEEDS_JUDGE, counted, p->from.model);
    for (int k = 0; p->judge && k < MOST_PARTS; k++)
        if (p->judge->part[k].reward)
            needs_add_model(n, NEEDS_REWARD_MODEL, counted, p->judge->part[k].reward->model);
}

bool rl_needs(const Rl *rl, Needs *n, Err *err)
{
    const RlOptions *o = rl->options;
    const ModelConfig *c = &rl->policy->config;
    Widest w = widest_step(rl);
    Drawing drawn;
    if (!all_drawn_bytes(rl, w.step, &drawn, err))
        return false;
    n->disk = (3 + (o->eval_every ? o->keep_best : 0)) * checkpoint_bytes(&o->train, c) * (rl->value ? 2 : 1);
    Counted counted = {0};
    needs_add_model(n, NEEDS_REFERENCE, &counted, rl->reference);
    add_trained(n, NEEDS_POLICY, &counted, &o->train, rl->policy);
    if (rl->value)
        add_trained(n, NEEDS_VALUE, &counted, &o->train, rl->value);
    for (int i = 0; i < rl->source.parts; i++)
        add_part(n, &counted, &rl->source.part[i]);
    counted_release(&counted);
    /* the pass keeps its memory while the next step samples and scores */
    size_t compared = o->kl == KL_LOSS ? pass_compare_bytes(&rl->reference->config, w.pass) : 0;
    needs_add(n, NEEDS_PASS, (double)(pass_bytes(c, w.pass, KEEP_ALL) + compared));
    n->pass_again = (double)(pass_bytes(c, w.pass, KEEP_INPUTS) + compared);
    needs_add(n, NEEDS_DRAWN, drawn.bytes);
    needs_most(n, NEEDS_UNPACKED, drawn.unpacked);
    needs_most(n, NEEDS_UNPACKED, (double)unpacked_bytes(rl->policy, w.pass.rows, w.pass.targets));
    if (o->kl == KL_LOSS)
        needs_most(n, NEEDS_UNPACKED, (double)unpacked_bytes(rl->reference, w.pass.rows, w.pass.targets));
    needs_add_base(n, rl->policy);
    return true;
}

static bool needs_of(void *self, int batch, Needs *n, Err *err)
{
    const Rl *rl = self;
    Rl with = *rl;
    RlOptions o = *rl->options;
    o.batch = batch;
    with.options = &o;
    with.policy_trainer.steps = rl_steps(&o, rl->rows->n);
    return rl_needs(&with, n, err);
}

bool rl_settle_needs(Rl *rl, const char *stage, json_t *summary, Err *err)
{
    const RlOptions *o = rl->options;
    const Budget b = {needs_of, rl, o->batch, o->train.memory};
    return needs_settle(&b, stage, o->output, summary, &rl->pass.keep, err);
}

/* One step: its prompts and responses are read by policy, reference and reward models, once each. */
static Effort effort_of(const Rl *rl)
{
    const RlOptions *o = rl->options;
    const ModelConfig *c = &rl->policy->config;
    double prompts = 0, replies = (double)o->batch * o->samples, drawn = replies * o->max_new_tokens;
    for (int i = 0; i < rl->rows->n; i++)
        prompts += (double)rl->prompt[i].n * o->batch / rl->rows->n;
    double path = prompts / o->batch + o->max_new_tokens / 2.0, head = 2.0 * c->width * c->vocab * drawn;
    double read = transformer_flops(c, prompts, prompts * path / 2), write = transformer_flops(c, drawn, drawn * path);
    double scored = 2 * read + write + head; /* sampling begins with the prompts; the reference */
    for (int i = 0; i < rl->source.parts; i++)
        scored += read + write;
    return (Effort){.scored = scored,
                    .drawn = write + head,
                    .at_once = (int)replies,
                    .trained = 3 * ((read + write) * (rl->value ? 2 : 1) + head)};
}

bool rl_plan_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err)
{
    Rl *rl;
    if (!rl_open(&rl, options, work, rows, NULL, err))
        return false;
    bool ok = rl_needs(rl, n, err);
    *e = effort_of(rl);
    rl_free(rl);
    return ok;
}
