/* One step of reinforcement learning: sample, reward, compare with the reference, update; and what is kept of it. */
#include "rlaif/rl/step.h"

#include "base/mem.h"
#include "base/real.h"
#include "rlaif/stage/metric_log.h"

/* --- rollouts --- */

int rl_row_at(const Rl *rl, long long at, int *epoch, int *order)
{
    int n = rl->rows->n;
    if ((int)(at / n) != *epoch) {
        *epoch = (int)(at / n);
        epoch_order(rl->options->common.seed, *epoch, order, n);
    }
    return order[at % n];
}

Rollout *rl_plan(const Rl *rl, int step, int *rollouts)
{
    int batch = rl->options->batch, samples = rl->options->samples, epoch = -1;
    int *order = mem_alloc((size_t)rl->rows->n, sizeof *order);
    Rollout *r = mem_zalloc((size_t)(batch * samples), sizeof *r);
    for (int i = 0; i < batch; i++) {
        int row = rl_row_at(rl, (long long)step * batch + i, &epoch, order);
        for (int k = 0; k < samples; k++)
            r[i * samples + k] = (Rollout){.row = row, .visit = epoch, .sample = k, .prompt = &rl->prompt[row]};
    }
    free(order);
    *rollouts = batch * samples;
    return r;
}

/* Before its first update policy and reference are one, where no other reference is named: their log-probabilities must be
 * too, in every bit. */
static bool check_start(const Rl *rl, const Rollout *r, int n, Err *err)
{
    for (int i = 0; rl->from_reference && rl->policy_trainer.step <= rl->policy_trainer.wait && i < n; i++)
        if (r[i].kl != 0 || memcmp(r[i].y.logp, r[i].reference_logp, (size_t)r[i].y.ids.n * sizeof(float)) != 0)
            return err_set(err, ERR_NUMBER, "the KL to the reference is %g, not 0", r[i].kl),
                   rollout_failed(&r[i], rl->rows, err),
                   err_hint(err, "this must not happen: please report the command, the CPU and the versions");
    return true;
}

bool rl_draw(Rl *rl, Rollout *r, int n, double *seconds, Err *err)
{
    const RlOptions *o = rl->options;
    Sampling how = rl_sampling(o);
    double at[RL_PHASES];
    at[RL_SAMPLE] = clock_seconds();
    bool ok = rollouts_sample(r, n, rl->policy, rl->rows, &how, RNG_ROLLOUT, o->common.seed, err);
    at[RL_REWARD] = clock_seconds();
    ok = ok && rollouts_reward(r, n, &rl->source, rl->policy, rl->rows, err);
    at[RL_REFERENCE] = clock_seconds();
    ok = ok && rollouts_reference(r, n, rl->reference_scorer, err) && check_start(rl, r, n, err);
    at[RL_UPDATE] = clock_seconds();
    for (int p = 0; seconds && p < RL_UPDATE; p++)
        seconds[p] = at[p + 1] - at[p];
    const Objective objective = {.form = (ObjectiveForm)o->objective,
                                 .beta = o->beta,
                                 .kl = (KlPlace)o->kl,
                                 .no_end_penalty = o->no_end_penalty,
                                 .spread = (RewardSpread)o->scale_rewards,
                                 .per_group = o->samples};
    if (ok)
        reinforce_returns(r, n, &objective);
    return ok;
}

/* How far from one half a reward model is, on average, about two replies to one prompt. NAN: of a judge, or of one reply. */
static double measure_margins(const Rl *rl, const Rollout *r, int n, int part)
{
    double sum = 0;
    int pairs = 0, group = rl->options->samples;
    const RewardModel *m = rl->source.part[part].model;
    for (int i = 0; m && i < n; i++)
        for (int k = i + 1; k < n && k / group == i / group; k++, pairs++)
            sum += fabs(real_sigmoid((r[i].part[part].reward - r[k].part[part].reward) * m->scale) - 0.5);
    return sum / pairs;
}

static void measure_part(const Rl *rl, const Rollout *r, int n, int part, StepStats *s)
{
    s->margins[part] = measure_margins(rl, r, n, part);
    for (int i = 0; i < n; i++) {
        const PartSaid *said = &r[i].part[part];
        s->part[part] += said->reward / n;
        cut_count(&s->cut, said->verdict.cut);
        s->refused += said->verdict.refused;
    }
}

/* The standard deviation of rewards within the samples of their prompts, each about its own prompt's mean: what a group's
 * baseline leaves. Its square and the variance of the prompts' means add up to the square of the batch's. NAN: of one sample. */
static double measure_within(const Rl *rl, const Rollout *r, int n)
{
    double squares = 0;
    int group = rl->options->samples;
    for (int i = 0; i < n; i += group) {
        double mean = 0;
        for (int k = i; k < i + group; k++)
            mean += r[k].reward / group;
        for (int k = i; k < i + group; k++)
            squares += (r[k].reward - mean) * (r[k].reward - mean) / n;
    }
    return group > 1 ? sqrt(squares) : (double)NAN;
}

/* The share of prompts whose samples are all worth the same, a missing end counted: they teach nothing but the KL. */
static double measure_no_spread(const Rl *rl, const Rollout *r, int n)
{
    static const double NONE = 1e-8;
    int group = rl->options->samples, without = 0;
    double mean;
    for (int i = 0; group > 1 && i < n; i += group)
        without += reinforce_spread(r + i, group, &mean) <= NONE;
    return group > 1 ? (double)without * group / n : (double)NAN;
}

static double mean_reward(const Rollout *r, int n, bool ended)
{
    double sum = 0;
    int of = 0;
    for (int i = 0; i < n; i++)
        if (r[i].y.ended == ended)
            sum += r[i].reward, of++;
    return of > 0 ? sum / of : (double)NAN;
}

static void measure(const Rl *rl, const Rollout *r, int n, StepStats *s)
{
    for (int k = 0; k < rl->source.parts; k++)
        measure_part(rl, r, n, k, s);
    s->reward_sd_within = measure_within(rl, r, n);
    s->no_spread = measure_no_spread(rl, r, n);
    s->reward_ended = mean_reward(r, n, true);
    s->reward_cut = mean_reward(r, n, false);
    double squares = 0, entropy = 0;
    for (int i = 0; i < n; i++) {
        s->reward += r[i].reward / n;
        squares += r[i].reward * r[i].reward / n;
        s->kl += r[i].kl / n;
        s->penalty += r[i].penalty / n;
        s->tokens += (double)r[i].y.ids.n / n;
        s->ended += (double)r[i].y.ended / n;
        for (int t = 0; t < r[i].y.ids.n; t++)
            entropy += (double)r[i].y.entropy[t];
    }
    s->entropy = entropy / (s->tokens * n);
    double variance = squares - s->reward * s->reward;
    s->reward_sd = sqrt(variance > 0 ? variance : 0);
}

bool rl_gradients(Rl *rl, Rollout *r, int n, ReinforceStats *stats, Err *err)
{
    const RlOptions *o = rl->options;
    Reinforce how = {.policy = rl->policy,
                     .value = rl->value,
                     .reference = rl->reference,
                     .dpolicy = rl->policy_trainer.grads,
                     .dvalue = rl->value_trainer.grads,
                     .pass = &rl->pass,
                     .baseline = (Baseline)o->baseline,
                     .place = (ValuePlace)o->value,
                     .kl = (KlPlace)o->kl,
                     .beta = o->beta,
                     .temperature = rl_logp_temperature(o),
                     .value_weight = o->value_weight,
                     .whiten = o->whiten,
                     .pass_rows = PASS_ROWS};
    return reinforce_gradients(&how, r, n, o->samples, stats, err);
}

/* --- what is kept of it --- */

static bool has_judge(const Rl *rl)
{
    bool has = false;
    for (int k = 0; k < rl->source.parts; k++)
        has = has || rl->source.part[k].judge;
    return has;
}

bool rl_record_parts(const Rl *rl, Stage *stage, int step, const char *prefix, const double *mean, Err *err)
{
    bool ok = true;
    for (int k = 0; ok && rl->asked.where && k < rl->asked.n; k++) {
        char *name = mem_printf("%s%s", prefix, rl->asked.part[k].name);
        ok = store_metric(stage->work->store, stage->id, step, name, mean[k], err);
        free(name);
    }
    return ok;
}

static bool record_metrics(const Rl *rl, Stage *stage, int step, const StepStats *s, Err *err)
{
    static const char *const phase[RL_PHASES] = {METRIC_CLOCK "sample", METRIC_CLOCK "reward", METRIC_CLOCK "reference",
                                                 METRIC_CLOCK "update"};
    Store *store = stage->work->store;
    bool cuts = has_judge(rl) && rl->options->reading.cut;
    const struct {
        const char *name;
        double value;
    } metric[] = {
        {"reward", s->reward},
        {"reward_sd", s->reward_sd},
        {"reward_sd_within", s->reward_sd_within},
        {"reward_ended", s->reward_ended},
        {"reward_cut", s->reward_cut},
        {"no_spread", s->no_spread},
        {JUDGE_CUT, cuts ? s->cut.rows : (double)NAN},
        {JUDGE_CUT_CHARACTERS, cuts ? s->cut.characters : (double)NAN},
        {JUDGE_REFUSED, s->refused > 0 ? s->refused : (double)NAN},
        {"penalty", rl->options->no_end_penalty > 0 ? s->penalty : (double)NAN},
        {rl_kl_name(rl->options, METRIC_KL), s->kl},
        {rl_kl_name(rl->options, METRIC_EXACT_KL), s->gradients.exact_kl},
        {"entropy", s->entropy},
        {"tokens", s->tokens},
        {"ended", s->ended},
        {"advantage_sd", s->gradients.advantage_sd},
        {"value_loss", s->gradients.value_loss},
        {"explained_variance", s->gradients.explained_variance},
        {"grad_norm", rl->policy_trainer.grad_norm},
        {"value_grad_norm", rl->value ? rl->value_trainer.grad_norm : (double)NAN},
        {"lr", rl->policy_trainer.rate},
        {"value_lr", rl->options->value_lr > 0 ? rl->value_trainer.rate : (double)NAN},
    };
    for (int i = 0; i < COUNT(metric); i++)
        if (!isnan(metric[i].value) && !store_metric(store, stage->id, step, metric[i].name, metric[i].value, err))
            return false;
    return rl_record_parts(rl, stage, step, METRIC_PART, s->part, err) &&
           metric_clock(store, stage->id, step, phase, s->seconds, RL_PHASES, err);
}

static json_t *floats_of(const float *at, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_of_float(at[i]));
    return list;
}

static void set_judgment(json_t *row, const RewardPart *p, const PartSaid *said)
{
    char *hash = mem_printf("sha256:%s", said->judge_prompt);
    json_t *judgment = said->verdict.refused ? json_null() : judgment_json(p->judge, &said->verdict);
    judgment_set_cut(judgment, said->verdict.cut);
    json_object_set_new(row, "judge_prompt_hash", json_string(hash));
    json_object_set_new(row, "judgment", judgment);
    free(hash);
}

/* {name, reward: as the part gives it, adds: what of it is in R}, and of a judge what it read and said. */
static json_t *parts_json(const Rl *rl, const Rollout *r)
{
    json_t *list = json_array();
    for (int k = 0; k < rl->source.parts; k++) {
        const RewardPart *p = &rl->source.part[k];
        json_t *part = json_pack("{s:s, s:f, s:f}", "name", rl->asked.part[k].name, "reward", r->part[k].reward, "adds",
                                 p->weight * r->part[k].reward / p->scale);
        if (p->judge)
            set_judgment(part, p, &r->part[k]);
        json_array_append_new(list, part);
    }
    return list;
}

json_t *rl_rollout_row(const Rl *rl, int step, const Rollout *r)
{
    int n = r->y.ids.n;
    json_t *row = json_pack("{s:i, s:i, s:i, s:i, s:o, s:o, s:b, s:i, s:f, s:f}", "step", step, "row", r->row + 1,
                            "visit", r->visit, "sample", r->sample, "prompt",
                            json_take_text(context_lines(&rl->rows->row[r->row].view.context)), "response",
                            json_take_text(response_text(rl->policy, &r->y)), "ended", r->y.ended, "tokens", n,
                            "reward", r->reward, "kl", r->kl);
    if (rl->options->logp_temperature == LOGP_AT_SAMPLING)
        json_object_set_new(row, "logp_temperature", json_real(rl_logp_temperature(rl->options)));
    if (r->penalty > 0)
        json_object_set_new(row, "penalty", json_real(r->penalty));
    if (rl->options->scale_rewards != SPREAD_NONE)
        json_object_set_new(row, "scaled", json_real(r->learned));
    if (rl->asked.where)
        json_object_set_new(row, "rewards", parts_json(rl, r));
    else if (has_judge(rl))
        set_judgment(row, &rl->source.part[0], &r->part[0]);
    json_t *ids = json_array();
    float *returns = mem_alloc((size_t)n, sizeof *returns);
    for (int t = 0; t < n; t++) {
        json_array_append_new(ids, json_integer(r->y.ids.id[t]));
        returns[t] = (float)r->returns[t];
    }
    json_object_set_new(row, "ids", ids);
    json_object_set_new(row, "logp", floats_of(r->y.logp, n));
    json_object_set_new(row, "reference_logp", floats_of(r->reference_logp, n));
    json_object_set_new(row, "returns", floats_of(returns, n));
    if (r->values)
        json_object_set_new(row, "values", floats_of(r->values, n));
    json_object_set_new(row, "advantages", floats_of(r->advantages, n));
    free(returns);
    return row;
}

static bool record_rollouts(const Rl *rl, Stage *stage, int step, const Rollout *r, int n, Err *err)
{
    for (int i = 0; i < n; i++) {
        json_t *row = rl_rollout_row(rl, step, &r[i]);
        char *line = json_text(row);
        bool ok = store_rollout(stage->work->store, stage->id, step, i, line, err);
        free(line);
        json_decref(row);
        if (!ok)
            return false;
    }
    return true;
}

static bool record_step(const Rl *rl, Stage *stage, int step, const Rollout *r, int n, const StepStats *s, Err *err)
{
    Store *store = stage->work->store;
    return store_begin(store, err) && record_metrics(rl, stage, step, s, err) &&
           record_rollouts(rl, stage, step, r, n, err) && store_commit(store, err);
}

/* --- the step --- */

static bool finite_gradients(Rl *rl)
{
    return isfinite(trainer_grad_norm(&rl->policy_trainer)) &&
           (!rl->value || isfinite(trainer_grad_norm(&rl->value_trainer)));
}

/* The gradient of a step is not finite: names the prompt whose samples make it so, if those of one alone do. */
static bool blame(Rl *rl, Rollout *r, int n, Err *err)
{
    int group = rl->options->samples;
    ReinforceStats stats;
    char place[300];
    err_clear(err);
    for (int i = 0; i < n; i += group) {
        weights_zero(rl->policy_trainer.grads);
        if (rl->value)
            weights_zero(rl->value_trainer.grads);
        if (!rl_gradients(rl, r + i, group, &stats, err))
            return false;
        if (finite_gradients(rl))
            continue;
        err_set(err, ERR_NUMBER, "the gradient is not finite");
        err_hint(err, NOT_FINITE);
        return group == 1 ? rollout_failed(&r[i], rl->rows, err)
                          : err_context(err, "%s, samples 0 to %d", row_place(rl->rows, r[i].row, place), group - 1);
    }
    return err_set(err, ERR_NUMBER, "the gradient of the batch is not finite"), err_hint(err, NOT_FINITE);
}

/* Values first: where the policy's gradient is not finite, the policy is still what drew the rollouts. */
static bool update(Rl *rl, Rollout *r, int n, StepStats *stats, Err *err)
{
    double began = clock_seconds();
    bool ok = rl_gradients(rl, r, n, &stats->gradients, err);
    if (ok && !((!rl->value || trainer_update(&rl->value_trainer, err)) && trainer_update(&rl->policy_trainer, err)))
        ok = err->code == ERR_NUMBER ? blame(rl, r, n, err) : false;
    stats->seconds[RL_UPDATE] = clock_seconds() - began;
    return ok;
}

/* sample, reward, compare, update (paper.md 6.6). */
bool rl_step(Rl *rl, Stage *record, StepStats *stats, Err *err)
{
    int at = rl->policy_trainer.step, n;
    Rollout *r = rl_plan(rl, at, &n);
    *stats = (StepStats){0};
    bool ok = rl_draw(rl, r, n, stats->seconds, err);
    if (ok) {
        measure(rl, r, n, stats);
        ok = update(rl, r, n, stats, err) && (!record || record_step(rl, record, at, r, n, stats, err));
    }
    if (!ok && err->code == ERR_NUMBER)
        err_context(err, "step %d", at);
    for (int i = 0; i < n; i++)
        rollout_release(&r[i]);
    free(r);
    return ok;
}
