/* Options of reinforcement learning that do not go together. */
#include "rlaif/rl/check.h"

static bool has_model(const AskedRewards *a)
{
    bool has = false;
    for (int i = 0; i < a->n; i++)
        has = has || a->part[i].reward;
    return has;
}

static bool asks_endpoint(const AskedRewards *a)
{
    bool asks = false;
    for (int i = 0; i < a->n; i++)
        asks = asks || (!a->part[i].reward && !a->part[i].judge);
    return asks;
}

/* Of --reward, --judge and --prompt. */
static bool check_one(ErrCode code, const RlOptions *o, Err *err)
{
    bool direct = o->judge || o->endpoint.url;
    if (!o->reward && !direct)
        return err_set(err, code, "rl needs a reward: --reward DIR, or --judge MODEL with --prompt NAME"),
               err_hint(err, "rlaif reward trains a reward model; --rewards FILE adds several up");
    if (direct && !o->prompt)
        return err_set(err, code, "%s needs --prompt", o->judge ? "--judge" : "--endpoint"),
               err_hint(err, "of any kind but pairwise: rlaif help prompts lists them");
    if (o->prompt && !direct)
        return err_set(err, code, "--prompt needs --judge or --endpoint"),
               err_hint(err, "it is the direct judge's prompt");
    if (o->reward && direct)
        return err_set(err, code, "--reward and --judge are two rewards, and nothing says how much each counts"),
               err_hint(err, "list both in --rewards: {reward: DIR, weight: 0.5} and {judge: MODEL, prompt: NAME, "
                             "weight: 0.5}");
    return true;
}

static bool check_rewards(ErrCode code, const RlOptions *o, const AskedRewards *a, Err *err)
{
    if (!o->rewards.yaml && !check_one(code, o, err))
        return false;
    if (o->rewards.yaml && (o->reward || o->judge || o->prompt))
        return err_set(err, code, "--rewards and --%s both name rewards",
                       o->reward  ? "reward"
                       : o->judge ? "judge"
                                  : "prompt"),
               err_hint(err, "--rewards lists all of them: put it there as one more part");
    if (o->rewards.yaml && o->endpoint.url && !asks_endpoint(a))
        return err_set(err, code, "--endpoint judges no part of --rewards"),
               err_hint(err, "it is the judge of parts with a prompt and without a judge");
    if (o->scale == SCALE_NONE && !has_model(a))
        return err_set(err, code, "--scale needs --reward, or a reward model in --rewards"),
               err_hint(err, "a direct judge's rewards are not scaled but by the scale of a part of --rewards");
    if (o->reward_chat != CHAT_AUTO && !has_model(a))
        return err_set(err, code, "--reward-chat needs --reward, or a reward model in --rewards"),
               err_hint(err, "a direct judge reads as its prompt file says; --chat is how the policy reads prompts");
    return true;
}

bool rl_options_check(const Work *work, const RlOptions *o, const AskedRewards *rewards, Err *err)
{
    ErrCode code = work->in_recipe ? ERR_INPUT : ERR_USAGE;
    if (!check_rewards(code, o, rewards, err))
        return false;
    if (o->baseline == BASELINE_GROUP && o->samples < 2)
        return err_set(err, code, "--baseline group needs --samples of 2 or more"),
               err_hint(err, "the baseline is the mean of a prompt's other samples");
    if (o->scale_rewards == SPREAD_GROUP && o->samples < 2)
        return err_set(err, code, "--scale-rewards group needs --samples of 2 or more"),
               err_hint(err, "one response alone has no spread: batch takes that of all responses of a step");
    if (o->scale_rewards == SPREAD_BATCH && o->batch * o->samples < 2)
        return err_set(err, code, "--scale-rewards batch needs 2 responses a step or more"),
               err_hint(err, "one response alone has no spread: raise --batch or --samples");
    if (o->value_warmup > 0 && !rl_has_value_network(o))
        return err_set(err, code, "--value-warmup needs --baseline value and --value own"),
               err_hint(err, "only a network of its own can learn while the policy stays as it is");
    if (o->value_lr > 0 && !rl_has_value_network(o))
        return err_set(err, code, "--value-lr needs --baseline value and --value own"),
               err_hint(err,
                        "a head on the policy learns at the policy's rate; --value-weight is the weight of its loss");
    if (o->value_weight != 1 && !(o->baseline == BASELINE_VALUE && o->value == VALUE_HEAD))
        return err_set(err, code, "--value-weight needs --baseline value and --value head"),
               err_hint(err, "a network of its own has its own loss: --value-lr is its rate");
    return true;
}

bool rl_complete(const void *options, const char *where, Err *err)
{
    static const Work in_recipe = {.in_recipe = true};
    AskedRewards rewards;
    bool ok = asked_rewards_read(&rewards, options, err) &&
              (rl_options_check(&in_recipe, options, &rewards, err) || err_context(err, "%s", where));
    asked_rewards_release(&rewards);
    return ok;
}
