/* Opening a training. */
#include "rlaif/rl/open.h"

#include "base/mem.h"
#include "rlaif/rl/parts.h"

bool rl_render(Rl *rl, Rows *rows, Ids **prompt, Err *err)
{
    const RlOptions *o = rl->options;
    Room room = {(CutRule)o->truncate, o->max_prompt_tokens, o->max_new_tokens, "--max-prompt-tokens"};
    *prompt = mem_zalloc((size_t)rows->n, sizeof **prompt);
    for (int i = 0; i < rows->n; i++) {
        Context *context = &rows->row[i].view.context;
        char place[300];
        int cut;
        if (!cut_prompt(rl->policy, context, rl->chat, room, &cut, err) ||
            !render_context(rl->policy, context, rl->chat, &(*prompt)[i], err))
            return err_context(err, "%s", row_place(rows, i, place));
        cut_count(&rl->cut, cut);
    }
    return true;
}

static int value_heads(const RlOptions *o)
{
    return o->baseline == BASELINE_VALUE && o->value == VALUE_HEAD ? HEAD_LM | HEAD_VALUE : HEAD_LM;
}

/* Another reference than the policy's start gives log-probabilities of the same tokens. */
static bool check_reference(const Rl *rl, Err *err)
{
    const Model *a = rl->policy, *b = rl->reference;
    if (a->config.vocab == b->config.vocab && tokenizer_same(a->tokenizer, b->tokenizer))
        return true;
    err_set(err, ERR_INPUT, "%s and %s have not the same tokens", rl->options->reference, rl->options->model);
    return err_hint(err, "the KL is between distributions over the same vocabulary: name a model of the same family");
}

/* Is the reference the policy's start? */
static bool find_reference(Rl *rl, const Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    char start[HASH_TEXT];
    if (!work_model_hash(work, o->model, start, err) ||
        !work_model_hash(work, o->reference ? o->reference : o->model, rl->reference_hash, err))
        return false;
    rl->from_reference = strcmp(start, rl->reference_hash) == 0;
    return true;
}

/* The policy starts as --model, which is also the reference where no other is named; a value network as the same with a
 * head of zeros. Where the options ask for adapters, the two have one each over the weights that they share with the reference. */
static bool open_policy(Rl *rl, const Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    if (!find_reference(rl, work, err))
        return false;
    if (rl->from_reference
            ? !work_model(&rl->reference, o->model, work, HEAD_LM, err) ||
                  !model_share(&rl->policy, rl->reference, value_heads(o), err)
            : !work_model(&rl->reference, o->reference, work, HEAD_LM, err) ||
                  !work_model(&rl->policy, o->model, work, value_heads(o), err) || !check_reference(rl, err))
        return false;
    return (!rl_has_value_network(o) || model_share(&rl->value, rl->policy, HEAD_VALUE, err)) &&
           trainer_adapt(rl->policy, &o->train, o->common.seed, ROLE_MODEL, err) &&
           (!rl->value || trainer_adapt(rl->value, &o->train, o->common.seed, ROLE_VALUE, err));
}

static bool open_models(Rl *rl, Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    if (!open_policy(rl, work, err))
        return false;
    scorer_open(&rl->reference_scorer, rl->reference);
    scorer_temper(rl->reference_scorer, rl_logp_temperature(o));
    if (!render_chat(rl->policy, (ChatMode)o->chat, &rl->chat, err))
        return false;
    return rl->source.function || rl_parts_open(rl, work, err);
}

bool rl_open(Rl **out, const RlOptions *o, Work *work, Rows *rows, RewardFunction *function, Err *err)
{
    Rl *rl = mem_zalloc(1, sizeof *rl);
    rl->options = o;
    rl->rows = rows;
    rl->source.function = function;
    pass_init(&rl->pass);
    rl->value_train = o->train;
    rl->value_train.lr = o->value_lr > 0 ? o->value_lr : o->train.lr;
    int steps = rl_steps(o, rows->n);
    bool ok = open_models(rl, work, err) && rl_render(rl, rows, &rl->prompt, err) &&
              trainer_init(&rl->policy_trainer, rl->policy, &o->train, steps, err) &&
              (!rl->value || trainer_init(&rl->value_trainer, rl->value, &rl->value_train, steps, err));
    rl->policy_trainer.wait = o->value_warmup;
    if (!ok) {
        rl_free(rl);
        rl = NULL;
    }
    *out = rl;
    return ok;
}

void rl_free(Rl *rl)
{
    if (!rl)
        return;
    trainer_release(&rl->policy_trainer);
    trainer_release(&rl->value_trainer);
    pass_release(&rl->pass);
    reward_source_release(&rl->source);
    asked_rewards_release(&rl->asked);
    scorer_free(rl->reference_scorer);
    model_free(rl->value);
    model_free(rl->policy);
    model_free(rl->reference);
    for (int i = 0; rl->prompt && i < rl->rows->n; i++)
        ids_release(&rl->prompt[i]);
    for (int i = 0; rl->held_prompt && i < rl->held.n; i++)
        ids_release(&rl->held_prompt[i]);
    rows_release(&rl->held);
    free(rl->held_prompt);
    free(rl->prompt);
    free(rl);
}
