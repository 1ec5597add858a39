/* The options of reinforcement learning. */
#include "rlaif/rl/options.h"

#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"prompts", OPT_TEXT, AT(RlOptions, prompts), .value = "PROMPTS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "rows with a prompt"},
    {"model", OPT_TEXT, AT(RlOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the policy's start"},
    {"reference", OPT_TEXT, AT(RlOptions, reference), .value = "MODEL", .flags = OPT_WORKING,
     .help = "what the KL is measured from, as SFT where training goes on from another policy [--model]"},
    {"reward", OPT_TEXT, AT(RlOptions, reward), .value = "DIR", .flags = OPT_WORKING, .help = "a reward model, or"},
    {"judge", OPT_TEXT, AT(RlOptions, judge), .value = "MODEL", .flags = OPT_WORKING, .help = "a direct judge, with"},
    {"prompt", OPT_TEXT, AT(RlOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "its prompt, of any kind but pairwise; or"},
    {"rewards", OPT_TREE, AT(RlOptions, rewards), .flags = OPT_WORKING,
     .help = "several, added up: a YAML list of {judge, prompt} and {reward}, each with weight and scale [1]"},
    {"allow-length", OPT_BOOL, AT(RlOptions, allow_length), .flags = OPT_WORKING,
     .help = "let a mix reward the length of a reply, which a policy takes first; such a mix is refused without this"},
    {"scale", OPT_CHOICE, AT(RlOptions, scale), .choices = REWARD_SCALES, .otherwise = "auto",
     .help =
         "what a reward model's rewards are divided by: auto, as it was trained; none: nothing, its margins stay as "
         "they are"},
    {"reward-chat", OPT_CHOICE, AT(RlOptions, reward_chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help =
         "reward models read replies through their chat template; auto: as they were trained, those of others through "
         "theirs"},
    {"output", OPT_TEXT, AT(RlOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the trained policy"},
    {"algorithm", OPT_CHOICE, AT(RlOptions, algorithm), .choices = "reinforce", .otherwise = "reinforce",
     .help = "the policy gradient"},
    {"baseline", OPT_CHOICE, AT(RlOptions, baseline), .choices = "value|group|none", .otherwise = "value",
     .help = "learned values, the mean of a prompt's other samples, or none"},
    {"value", OPT_CHOICE, AT(RlOptions, value), .choices = "own|head", .otherwise = "own", .with = "baseline=value",
     .help = "values from a second network, or from a head on the policy"},
    {"beta", OPT_REAL, AT(RlOptions, beta), 0, 1, "0.05", .help = "weight of the KL from the reference"},
    {"objective", OPT_CHOICE, AT(RlOptions, objective), .choices = OBJECTIVES, .otherwise = "convex",
     .help = "(1 - beta) reward - beta KL, or plain reward - beta KL"},
    {"kl", OPT_CHOICE, AT(RlOptions, kl), .choices = KL_PLACES, .otherwise = "reward",
     .help = "the KL as a reward of every token drawn, or as a loss, exact over the vocabulary"},
    {"no-end-penalty", OPT_REAL, AT(RlOptions, no_end_penalty), 0, 1e6, "0",
     .help = "taken off the reward of responses that were cut off before their end"},
    {"scale-rewards", OPT_CHOICE, AT(RlOptions, scale_rewards), .choices = REWARD_SPREADS, .otherwise = "none",
     .help =
         "less their mean, divide rewards by their standard deviation, of a prompt's samples or of a step's; the KL "
         "stays as it is"},
    {"whiten", OPT_BOOL, AT(RlOptions, whiten),
     .help = "normalise advantages to mean 0 and variance 1 over a step's tokens"},
    {"value-lr", OPT_REAL, AT(RlOptions, value_lr), 0, 1, "0",
     .help = "learning rate of the value network; 0: as --lr"},
    {"value-weight", OPT_REAL, AT(RlOptions, value_weight), 0, 1e6, "1",
     .help = "with --value head: weight of the value loss beside the policy's"},
    {"value-warmup", OPT_INT, AT(RlOptions, value_warmup), 0, 1e9, "0",
     .help = "first steps in which the value network learns and the policy stays as it is"},
    {"steps", OPT_INT, AT(RlOptions, steps), 0, 1e9, "0", .help = "updates; 0: by epochs"},
    {"epochs", OPT_INT, AT(RlOptions, epochs), 1, 1e6, "8",
     .help = "times that every prompt is seen, where steps is 0"},
    {"batch", OPT_INT, AT(RlOptions, batch), 1, 1e6, "128", .help = "prompts a step"},
    {"samples", OPT_INT, AT(RlOptions, samples), 1, 10000, "1", .help = "responses a prompt"},
    {"eval", OPT_TEXT, AT(RlOptions, eval), .value = "ROWS", .flags = OPT_WORKING,
     .help = "prompts that are held out: the policy's reward on them"},
    {"eval-every", OPT_INT, AT(RlOptions, eval_every), 0, 1e9, "0", .with = "eval",
     .help = "steps between evaluations; 0: at the end"},
    {"keep-best", OPT_INT, AT(RlOptions, keep_best), 0, 1000, "4", .with = "eval-every",
     .help = "checkpoints of the best reward on them that are kept, where eval-every is not 0"},
    {"max-prompt-tokens", OPT_INT, AT(RlOptions, max_prompt_tokens), 0, 1e9, "1024",
     .help = "longest prompt; 0: what the model's context has room for"},
    TRUNCATE_OPTION(RlOptions,
                    "what a longer prompt loses: nothing, it is refused; or words at one end of its context"),
    {"max-new-tokens", OPT_INT, AT(RlOptions, max_new_tokens), 1, 1e6, "128", .help = "longest response"},
    {"temperature", OPT_REAL, AT(RlOptions, temperature), 0.01, 100, "0.9",
     .help = "of the draw; of log-probabilities, the KL and gradients as --logp-temperature says"},
    {"logp-temperature", OPT_CHOICE, AT(RlOptions, logp_temperature), .choices = LOGP_TEMPERATURES, .otherwise = "1",
     .help =
         "of policy, reference, KL and gradients: 1, or sampling: that of the draw; over the whole vocabulary, top-k and "
         "top-p never enter"},
    {"top-k", OPT_INT, AT(RlOptions, top_k), 0, 1e9, "0", .help = "draw from the k best tokens only; 0: all"},
    {"top-p", OPT_REAL, AT(RlOptions, top_p), 0.0001, 1, "1", .help = "draw from the fewest tokens of this mass"},
    CHAT_OPTION(RlOptions, "through the model's chat template; auto: if it has one"),
    LIMIT_OPTION(RlOptions, "rows"),
    {"skip-bad", OPT_BOOL, AT(RlOptions, skip_bad), .flags = OPT_WORKING,
     .help =
         "leave bad rows out and list them; a response that an endpoint will not judge has the mean reward of the others "
         "to its prompt, or 0"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {train_options, TRAIN_OPTIONS, AT(RlOptions, train)},
    JUDGE_READING_GROUP(RlOptions, reading),
    JUDGE_SOURCE_GROUPS(RlOptions, endpoint),
    {common_options, RENDER_OPTIONS, AT(RlOptions, common)},
};
const OptionTable rl_table = {groups, COUNT(groups), sizeof(RlOptions)};

bool rl_has_value_network(const RlOptions *o)
{
    return o->baseline == BASELINE_VALUE && o->value == VALUE_OWN;
}

int rl_steps(const RlOptions *o, int rows)
{
    return o->steps ? o->steps : (int)(((long long)rows * o->epochs + o->batch - 1) / o->batch);
}

Sampling rl_sampling(const RlOptions *o)
{
    return (Sampling){.temperature = o->temperature,
                      .logp_tempered = o->logp_temperature == LOGP_AT_SAMPLING,
                      .top_k = o->top_k,
                      .top_p = o->top_p,
                      .max_new_tokens = o->max_new_tokens};
}

double rl_logp_temperature(const RlOptions *o)
{
    return o->logp_temperature == LOGP_AT_SAMPLING ? o->temperature : 1;
}

const char *rl_kl_name(const RlOptions *o, KlMetric which)
{
    static const char *const name[][2] = {[METRIC_KL] = {"kl", "kl_sampling"},
                                          [METRIC_EXACT_KL] = {"exact_kl", "exact_kl_sampling"},
                                          [METRIC_EVAL_KL] = {"eval_kl", "eval_kl_sampling"}};
    return name[which][o->logp_temperature];
}
