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

/* A model that scores rollouts. */
typedef struct Reader {
    Model *m;
    const RewardModel *own; /* which renders prompts itself; NULL: it reads the policy's ids */
    int frame;              /* tokens before them that all share */
    bool last;              /* only the last token is wanted, not all of the response */
} Reader;

/* How many of its tokens one of the policy's may be: 1 of the same tokenizer, else what it is in the prompt. */
static bool tokens_each(const Tokenizer *own, const Tokenizer *other, const Context *context, double *each, Err *err)
{
    *each = 1;
    if (tokenizer_same(own, other))
        return true;
    Ids by_own = {0}, by_other = {0};
    char *text = context_lines(context);
    bool ok = tokenizer_encode(own, text, strlen(text), TOKENIZE_BARE, &by_own, err) &&
              tokenizer_encode(other, text, strlen(text), TOKENIZE_BARE, &by_other, err);
    if (ok && by_own.n > 0 && by_other.n > by_own.n)
        *each = (double)by_other.n / by_own.n;
    ids_release(&by_own);
    ids_release(&by_other);
    free(text);
    return ok;
}

/* A rollout's prompt as it is read, and the most tokens that its response may be there. */
static bool read_prompt(const Rl *rl, const Reader *by, const Rows *rows, const Rollout *r, Ids *prompt, int *reply,
                        Err *err)
{
    *reply = rl->options->max_new_tokens;
    if (!by->own) {
        for (int t = 0; t < by->frame; t++)
            ids_add(prompt, 0);
        ids_append(prompt, r->prompt->id, r->prompt->n);
        return true;
    }
    const Context *context = &rows->row[r->row].view.context;
    char nothing[1] = "";
    ResponseView empty = {.text = nothing, .ended = true};
    RowView v = {.context = *context, .response = &empty, .n = 1};
    int from;
    double each;
    if (!render_whole(by->m, &v, 0, by->own->chat, prompt, &from, err) ||
        !tokens_each(rl->policy->tokenizer, by->m->tokenizer, context, &each, err))
        return rollout_failed(r, rows, err);
    int most = (int)ceil(each * *reply), room = by->m->config.context - prompt->n;
    *reply = most < room ? most : room > 1 ? room : 1;
    return true;
}

/* Scoring n rollouts' responses, whose own tokens are unlike each other's: a sequence each. Adds to what it takes. */
static bool scored_bytes(const Rl *rl, const Reader *by, const Rows *rows, const Rollout *r, int n, Drawing *d,
                         Err *err)
{
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    int *from = mem_alloc((size_t)n, sizeof *from), reply = 0;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        if (i > 0 && r[i].prompt == r[i - 1].prompt)
            ids_append(&ids[i], ids[i - 1].id, from[i - 1]);
        else
            ok = read_prompt(rl, by, rows, &r[i], &ids[i], &reply, err);
        from[i] = ids[i].n;
        for (int t = 0; ok && t < reply; t++)
            ids_add(&ids[i], i);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    Scorer *s;
    scorer_open_hollow(&s, by->m);
    ok = ok && (by->last ? scorer_rewards(s, seq, n, NULL, err) : scorer_logprobs(s, seq, from, n, NULL, err));
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

/* What a part of the reward has to read, of a mix all of its parts. */
static bool part_bytes(const Rl *rl, const RewardPart *p, const Rows *rows, const Rollout *r, int n, Drawing *d,
                       Err *err)
{
    bool ok = true;
    if (p->model) {
        const Reader by = {p->model->model, p->same_ids ? NULL : p->model, 0, true};
        return p->borrowed || scored_bytes(rl, &by, rows, r, n, d, err);
    }
    for (int k = 0; ok && k < MOST_PARTS; k++) {
        const RewardModel *m = p->judge->part[k].reward;
        ok = !m || scored_bytes(rl, &(Reader){m->model, m, 0, true}, rows, r, n, d, err);
    }
    for (int i = 0, frame = 0; ok && p->from.model && judge_asked(p->judge, i); i++)
        ok = judge_frame(judge_asked(p->judge, i), &frame, err) &&
             scored_bytes(rl, &(Reader){p->from.model, NULL, frame, true}, rows, r, n, d, err);
    return ok;
}

/* Drawing rollouts, groups of `samples`, and asking for their rewards: *most becomes at least that. */
static bool drawn_bytes(const Rl *rl, const Rows *rows, const Rollout *r, int n, int samples, Drawing *most, Err *err)
{
    const RewardSource *s = &rl->source;
    double prompts = 0;
    for (int i = 0; i < n; i++)
        prompts += r[i].prompt->n;
    int longest = (int)(prompts / n) + 1;
    double sampling =
        (double)generate_bytes(&rl->policy->config, n / samples, samples, longest, rl->options->max_new_tokens);
    Drawing scoring = {.unpacked = (double)generate_unpacked(rl->policy, n / samples, samples, longest)};
    /* scorers keep what they had for their last call, so those of all add up */
    bool ok = scored_bytes(rl, &(Reader){.m = rl->reference}, rows, r, n, &scoring, err);
    for (int i = 0; ok && i < s->parts; i++)
        ok = part_bytes(rl, &s->part[i], rows, r, n, &scoring, err);
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
    bool ok = drawn_bytes(rl, rl->rows, r, n, rl->options->samples, most, err);
    for (int first = 0; ok && first < rl->held.n; first += n) {
        int some = rl->held.n - first < n ? rl->held.n - first : n;
        for (int i = 0; i < some; i++)
            r[i] = (Rollout){.row = first + i, .prompt = &rl->held_prompt[first + i]};
        ok = drawn_bytes(rl, &rl->held, r, some, 1, most, err);
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
    n->disk = training_disk(&o->train, rl->policy_trainer.steps, o->eval ? o->eval_every : 0, o->keep_best, rl->policy,
                            rl->value);
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
    for (int i = 0; i < rl->source.parts; i++) {
        const RewardPart *p = &rl->source.part[i];
        const Model *by = p->model ? p->model->model : p->from.model;
        scored += by ? transformer_flops(&by->config, prompts + drawn, prompts * path / 2 + drawn * path) : 0;
    }
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
    const RlOptions *o = options;
    bool ok = (!o->eval || (stage_read_rows(work, o->eval, 0, NEED_PROMPT, o->skip_bad, &rl->held, err) &&
                            rl_render(rl, &rl->held, &rl->held_prompt, err))) &&
              rl_needs(rl, n, err);
    *e = effort_of(rl);
    rl_free(rl);
    return ok;
}
