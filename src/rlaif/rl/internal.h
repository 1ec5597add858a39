/* What the files of reinforcement learning share: rl.c (options, models, the stage), rl/step.c (one step),
 * rl/judge.c (a direct judge), rl/needs.c (memory and disk). */
#ifndef RLAIF_RL_INTERNAL_H
#define RLAIF_RL_INTERNAL_H

#include "rlaif/rl/rl.h"

/* At which temperature log-probabilities are. */
typedef enum LogpTemperature { LOGP_AT_ONE, LOGP_AT_SAMPLING } LogpTemperature;
#define LOGP_TEMPERATURES "1|sampling"

typedef enum KlMetric { METRIC_KL, METRIC_EXACT_KL, METRIC_EVAL_KL } KlMetric;

struct Rl {
    const RlOptions *options;
    const Rows *rows;
    Ids *prompt; /* [rows] as the policy reads them */
    Rows held;   /* held-out prompts */
    Ids *held_prompt;
    bool chat;
    CutCount cut;
    Model *policy, *reference, *value;
    Scorer *reference_scorer;
    RewardSource source;
    char reference_hash[HASH_TEXT];
    bool from_reference; /* the policy started as the reference */
    bool flat;           /* the reward model's margins were, on its training rows */
    Trainer policy_trainer, value_trainer;
    TrainOptions value_train; /* the value network's: with its own rate */
    Pass pass;
};

/* The row whose prompt is drawn as the at-th of all, in the order of every epoch's permutation. `order` has room for one,
 * that of `epoch`, which begins as -1. */
int rl_row_at(const Rl *rl, long long at, int *epoch, int *order);

/* A step's rollouts, planned: `samples` of each prompt, nothing drawn yet. The
 * caller releases each and frees the list. */
Rollout *rl_plan(const Rl *rl, int step, int *n);

/* Draws the responses of some of a step's rollouts (whole groups) by the policy as it is, and sets their rewards,
 * reference log-probabilities and returns. `seconds` (NULL: not wanted) receives what each phase took. */
bool rl_draw(Rl *rl, Rollout *r, int n, double *seconds, Err *err) MUST_CHECK;

/* Adds the gradients of rollouts that have been drawn; sets their values and advantages. Nothing is updated. */
bool rl_gradients(Rl *rl, Rollout *r, int n, ReinforceStats *stats, Err *err) MUST_CHECK;

/* How responses are drawn. */
Sampling rl_sampling(const RlOptions *o);
/* The temperature of log pi, log pi_ref and the KL. */
double rl_logp_temperature(const RlOptions *o);
/* The name under which a KL is logged: METRIC_KL, METRIC_EXACT_KL or METRIC_EVAL_KL, at the temperature of the draw with an end
 * of its own. */
const char *rl_kl_name(const RlOptions *o, KlMetric which);

/* Prompts as the policy reads them, [rows.n]; contexts that are too long are cut in the rows, where the options say so. The
 * caller releases each and frees the list, on failure too. */
bool rl_render(Rl *rl, Rows *rows, Ids **prompt, Err *err) MUST_CHECK;

/* The direct judge of the options: the reference's weights, where it is the very model that training starts from. */
bool rl_judge_open(Rl *rl, Work *work, Err *err) MUST_CHECK;
/* Fails where a longest reply to one of these prompts would leave the judge's prompt too long. */
bool rl_judge_fits(Rl *rl, const Rows *rows, Err *err) MUST_CHECK;
/* Of all rollouts on record: says in how many the judge read a cut context, or would not judge. */
bool rl_judge_report(const Rl *rl, Stage *s, Err *err) MUST_CHECK;

/* The policy on the held-out prompts, one response to each with the same random numbers every time: means of reward, KL,
 * length and share that ended, as metrics of a step. */
bool rl_measure_held_out(void *rl, Stage *s, int step, Err *err) MUST_CHECK;

/* A rollout whose gradients have been taken, as the store keeps it (docs/formats.md). The caller releases it. */
json_t *rl_rollout_row(const Rl *rl, int step, const Rollout *r);

/* What a stage's identity is made of. The caller releases it. */
bool rl_about(json_t **about, const Work *work, const RlOptions *o, const Rows *rows, Err *err) MUST_CHECK;

#endif
