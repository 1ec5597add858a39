/* The options of reinforcement learning, and what follows from them alone. */
#ifndef RLAIF_RL_OPTIONS_H
#define RLAIF_RL_OPTIONS_H

#include "rlaif/judge/source.h"
#include "rlaif/learn/training.h"
#include "rlaif/rl/reinforce.h"
#include "rlaif/rl/sample.h"

typedef struct RlOptions {
    CommonOptions common;
    TrainOptions train;
    JudgeReading reading;     /* of a direct judge */
    EndpointOptions endpoint; /* one elsewhere */
    char *prompts, *model, *reference, *output, *reward, *judge, *prompt, *eval;
    OptionTree rewards;
    int algorithm, objective, baseline, value, kl, logp_temperature, chat, limit, steps, epochs, batch, samples,
        max_prompt_tokens, truncate, max_new_tokens, top_k, value_warmup, eval_every, keep_best, scale, scale_rewards,
        reward_chat;
    double beta, no_end_penalty, value_lr, value_weight, temperature, top_p;
    bool whiten, skip_bad, allow_length;
} RlOptions;
extern const OptionTable rl_table;

/* Does a second network learn the values? */
bool rl_has_value_network(const RlOptions *o);

/* Updates, of so many prompts. */
int rl_steps(const RlOptions *o, int rows);

/* At which temperature log-probabilities are. */
typedef enum LogpTemperature { LOGP_AT_ONE, LOGP_AT_SAMPLING } LogpTemperature;
#define LOGP_TEMPERATURES "1|sampling"

typedef enum KlMetric { METRIC_KL, METRIC_EXACT_KL, METRIC_EVAL_KL } KlMetric;

/* How responses are drawn. */
Sampling rl_sampling(const RlOptions *o);
/* The temperature of log pi, log pi_ref and the KL. */
double rl_logp_temperature(const RlOptions *o);
/* The name under which a KL is logged: METRIC_KL, METRIC_EXACT_KL or METRIC_EVAL_KL, at the temperature of the draw with an end
 * of its own. */
const char *rl_kl_name(const RlOptions *o, KlMetric which);

#endif
