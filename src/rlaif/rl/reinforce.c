/* REINFORCE with a baseline and a KL term. */
#include "rlaif/rl/reinforce.h"

#include "base/mem.h"

double reinforce_spread(const Rollout *r, int n, double *mean)
{
    double first = r[0].reward - r[0].penalty, above = 0, squares = 0;
    for (int i = 0; i < n; i++)
        above += r[i].reward - r[i].penalty - first;
    *mean = first + above / n; /* of equal ones that one itself */
    for (int i = 0; i < n; i++) {
        double d = r[i].reward - r[i].penalty - *mean;
        squares += d * d;
    }
    return sqrt(squares / (n - 1));
}

/* Rewards in units of their spread, about their mean; those without a spread become 0. */
static void standardise(Rollout *r, int n)
{
    static const double LEAST_SPREAD = 1e-4; /* as TRL has it */
    double mean, spread = reinforce_spread(r, n, &mean);
    for (int i = 0; i < n; i++)
        r[i].learned = (r[i].reward - r[i].penalty - mean) / (spread + LEAST_SPREAD);
}

/* R' of every rollout. */
static void set_learned(Rollout *r, int n, const Objective *how)
{
    int together = how->spread == SPREAD_GROUP ? how->per_group : n;
    for (int i = 0; i < n; i++) {
        r[i].penalty = r[i].y.ended ? 0 : how->no_end_penalty;
        r[i].learned = r[i].reward - r[i].penalty;
    }
    for (int i = 0; how->spread != SPREAD_NONE && i < n; i += together)
        standardise(r + i, together);
}

void reinforce_returns(Rollout *r, int n, const Objective *how)
{
    set_learned(r, n, how);
    double cost = how->kl == KL_REWARD ? how->beta : 0; /* of a nat of a token's KL */
    double weight = how->form == OBJECTIVE_PLAIN ? 1 : 1 - how->beta;
    for (int i = 0; i < n; i++) {
        Rollout *o = &r[i];
        int T = o->y.ids.n;
        o->returns = mem_resize(o->returns, (size_t)T, sizeof *o->returns);
        double z = weight * o->learned; /* the reward comes at the last token, (6.1) */
        for (int t = T - 1; t >= 0; t--) {
            z -= cost *
                 ((double)o->y.logp[t] - (double)o->reference_logp[t]); /* KL as a reward of every token, (6.2 A) */
            o->returns[t] = z;
        }
    }
}

/* Mean return of the prompt's other samples. */
static double others(const Rollout *r, int i, int group, int per_group)
{
    double sum = 0;
    for (int k = group; k < group + per_group; k++)
        sum += k == i ? 0 : r[k].returns[0];
    return sum / (per_group - 1);
}

/* Sums that the statistics are made of. */
typedef struct Sums {
    double n, z, zz, error, error2, a, aa, kl;
} Sums;

/* What a batch's passes share. */
typedef struct Batchwide {
    double N;           /* tokens of all responses */
    double mean, scale; /* advantages become scale (A - mean): 1 and 0 where they are not whitened */
    Sums sums;
} Batchwide;

/* A prompt and its samples as one tree: what is wanted stands after the prompt's last token and after every token of
 * a sample but its last. */
static void plant_group(Pass *p, Rollout *r, int per_group, bool logps, bool values)
{
    int root = pass_segment(p, -1, r[0].prompt->id, r[0].prompt->n);
    for (int i = 0; i < per_group; i++) {
        const Ids *y = &r[i].y.ids;
        int branch = y->n > 1 ? pass_segment(p, root, y->id, y->n - 1) : -1;
        r[i].first_target = logps ? p->targets : p->scalars;
        for (int t = 0; t < y->n; t++) {
            int segment = t == 0 ? root : branch, offset = t == 0 ? r[0].prompt->n - 1 : t - 1;
            if (logps)
                pass_target(p, segment, offset, y->id[t]);
            if (values)
                pass_scalar(p, SCALAR_VALUE, segment, offset);
        }
    }
}

/* L_V by every V_t, times its weight: (V_t - Z_t) / N. */
static float *value_slopes(const Pass *p, const Rollout *r, int n, double N, double weight, Sums *sums)
{
    float *slope = mem_alloc((size_t)p->scalars, sizeof *slope);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < r[i].y.ids.n; t++) {
            double z = r[i].returns[t], error = (double)p->scalar[r[i].first_target + t] - z;
            slope[r[i].first_target + t] = (float)(weight * error / N);
            sums->error += error;
            sums->error2 += error * error;
        }
    return slope;
}

static void keep_values(Rollout *r, int n, const float *values)
{
    for (int i = 0; i < n; i++) {
        int T = r[i].y.ids.n;
        r[i].values = mem_resize(r[i].values, (size_t)T, sizeof(float));
        memcpy(r[i].values, values + r[i].first_target, (size_t)T * sizeof(float));
    }
}

/* The value network's pass: its values, and its gradient. */
static bool value_pass(const Reinforce *rl, Rollout *r, int n, int per_group, Batchwide *b, Err *err)
{
    Pass *p = rl->pass;
    pass_begin(p, rl->value);
    for (int g = 0; g < n; g += per_group)
        plant_group(p, r + g, per_group, false, true);
    if (!pass_forward(p, err))
        return false;
    keep_values(r, n, p->scalar);
    float *slope = value_slopes(p, r, n, b->N, 1, &b->sums);
    bool ok = pass_backward(p, rl->dvalue, NULL, slope, err);
    free(slope);
    return ok;
}

/* The values of a head on the policy, without any gradient: where all advantages are wanted before the first gradient. */
static bool head_pass(const Reinforce *rl, Rollout *r, int n, int per_group, Batchwide *b, Err *err)
{
    Pass *p = rl->pass;
    (void)b;
    pass_begin(p, rl->policy);
    p->temperature = rl->temperature;
    for (int g = 0; g < n; g += per_group)
        plant_group(p, r + g, per_group, true, true);
    if (!pass_forward(p, err))
        return false;
    keep_values(r, n, p->scalar);
    return true;
}

/* One engine: what was sampled and what is trained on are the same numbers. */
static bool check_logps(const Pass *p, const Rollout *r, int n, Err *err)
{
    for (int i = 0; i < n; i++)
        if (memcmp(p->logp + r[i].first_target, r[i].y.logp, (size_t)r[i].y.ids.n * sizeof(float)) != 0)
            return err_set(err, ERR_NUMBER,
                           "a recomputed log-probability differs from the sampled one (row %d, sample %d)",
                           r[i].row + 1, r[i].sample),
                   err_hint(err, "this must not happen: please report the command, the CPU and the versions");
    return true;
}

/* Z_t - baseline of a rollout's token; r is the first of all that are looked at, i its number. */
static double plain_advantage(const Reinforce *rl, const Rollout *r, int i, int t, double group)
{
    double baseline = rl->baseline == BASELINE_VALUE ? (double)r[i].values[t] : group;
    return r[i].returns[t] - baseline;
}

static double group_baseline(const Reinforce *rl, const Rollout *r, int i, int per_group)
{
    return rl->baseline == BASELINE_GROUP ? others(r, i, i / per_group * per_group, per_group) : 0;
}

/* A_t / N for every token, and A_t in the rollouts. */
static float *advantages(const Reinforce *rl, Rollout *r, int n, int per_group, Batchwide *b)
{
    Sums *sums = &b->sums;
    float *coef = mem_alloc((size_t)rl->pass->targets, sizeof *coef);
    for (int i = 0; i < n; i++) {
        double group = group_baseline(rl, r, i, per_group);
        int T = r[i].y.ids.n;
        r[i].advantages = mem_resize(r[i].advantages, (size_t)T, sizeof(float));
        for (int t = 0; t < T; t++) {
            double z = r[i].returns[t], plain = plain_advantage(rl, r, i, t, group), a = b->scale * (plain - b->mean);
            coef[r[i].first_target + t] = (float)(a / b->N);
            r[i].advantages[t] = (float)a;
            sums->n++;
            sums->z += z;
            sums->zz += z * z;
            sums->a += plain;
            sums->aa += plain * plain;
        }
    }
    return coef;
}

/* Mean and scale of the advantages of all tokens. */
static void whiten(const Reinforce *rl, const Rollout *r, int n, int per_group, Batchwide *b)
{
    static const double LEAST_VARIANCE = 1e-8;
    double squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            double group = group_baseline(rl, r, i, per_group);
            for (int t = 0; t < r[i].y.ids.n; t++) {
                double a = plain_advantage(rl, r, i, t, group);
                b->mean += pass == 0 ? a / b->N : 0;
                squares += pass == 1 ? (a - b->mean) * (a - b->mean) : 0;
            }
        }
    b->scale = 1 / sqrt(squares / b->N + LEAST_VARIANCE);
}

/* The policy's pass over some groups, and with VALUE_HEAD the values' from the same trunk. */
static bool policy_pass(const Reinforce *rl, Rollout *r, int n, int per_group, Batchwide *b, Err *err)
{
    Pass *p = rl->pass;
    bool head = rl->baseline == BASELINE_VALUE && rl->place == VALUE_HEAD;
    pass_begin(p, rl->policy);
    p->temperature = rl->temperature;
    for (int g = 0; g < n; g += per_group)
        plant_group(p, r + g, per_group, true, head);
    if (rl->kl == KL_LOSS)
        pass_compare(p, rl->reference, (float)(rl->beta / b->N));
    if (!pass_forward(p, err) || !check_logps(p, r, n, err))
        return false;
    for (int i = 0; rl->kl == KL_LOSS && i < p->targets; i++)
        b->sums.kl += (double)p->kl[i];
    if (head)
        keep_values(r, n, p->scalar);
    float *coef = advantages(rl, r, n, per_group, b);
    float *slope = head ? value_slopes(p, r, n, b->N, rl->value_weight, &b->sums) : NULL;
    bool ok = pass_backward(p, rl->dpolicy, coef, slope, err);
    free(slope);
    free(coef);
    return ok;
}

static int group_tokens(const Rollout *r, int per_group)
{
    int n = r[0].prompt->n;
    for (int i = 0; i < per_group; i++)
        n += r[i].y.ids.n;
    return n;
}

static int total_tokens(const Rollout *r, int n)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        total += r[i].y.ids.n;
    return total;
}

static void settle_stats(const Reinforce *rl, const Sums *s, int n, ReinforceStats *stats)
{
    double variance = s->zz / s->n - (s->z / s->n) * (s->z / s->n), mean_error = s->error / s->n;
    bool values = rl->baseline == BASELINE_VALUE;
    stats->value_loss = values ? s->error2 / s->n / 2 : (double)NAN;
    stats->explained_variance =
        values && variance > 0 ? 1 - (s->error2 / s->n - mean_error * mean_error) / variance : (double)NAN;
    double spread = s->aa / s->n - (s->a / s->n) * (s->a / s->n);
    stats->advantage_sd = sqrt(spread > 0 ? spread : 0);
    stats->exact_kl = rl->kl == KL_LOSS ? s->kl / n : (double)NAN;
}

typedef bool PartPass(const Reinforce *rl, Rollout *r, int n, int per_group, Batchwide *b, Err *err);

/* All groups, as many in one pass as there is room for. */
static bool in_parts(const Reinforce *rl, Rollout *r, int n, int per_group, PartPass *pass, Batchwide *b, Err *err)
{
    bool ok = true;
    for (int at = 0; ok && at < n;) {
        int held = 0, tokens = 0;
        while (at + held < n && (held == 0 || tokens + group_tokens(r + at + held, per_group) <= rl->pass_rows)) {
            tokens += group_tokens(r + at + held, per_group);
            held += per_group;
        }
        ok = pass(rl, r + at, held, per_group, b, err);
        at += held;
    }
    return ok;
}

bool reinforce_gradients(const Reinforce *rl, Rollout *r, int n, int per_group, ReinforceStats *stats, Err *err)
{
    Batchwide b = {.N = total_tokens(r, n), .scale = 1};
    bool learned = rl->baseline == BASELINE_VALUE, own = rl->place == VALUE_OWN;
    if (learned && own && !in_parts(rl, r, n, per_group, value_pass, &b, err))
        return false;
    if (rl->whiten && learned && !own && !in_parts(rl, r, n, per_group, head_pass, &b, err))
        return false;
    if (rl->whiten)
        whiten(rl, r, n, per_group, &b);
    bool ok = in_parts(rl, r, n, per_group, policy_pass, &b, err);
    settle_stats(rl, &b.sums, n, stats);
    return ok;
}
