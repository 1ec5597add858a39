/* Reinforcement learning, step by step: sample, reward, compare with the reference, update. */
#include "rlaif/rl/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/learn/flat.h"
#include "rlaif/stage/heldout.h"

static const Option option_rows[] = {
    {"prompts", OPT_TEXT, AT(RlOptions, prompts), .value = "PROMPTS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "rows with a prompt"},
    {"model", OPT_TEXT, AT(RlOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the policy's start"},
    {"reference", OPT_TEXT, AT(RlOptions, reference), .value = "MODEL", .flags = OPT_WORKING,
     .help = "what the KL is measured from, as SFT where training goes on from another policy [--model]"},
    {"reward", OPT_TEXT, AT(RlOptions, reward), .value = "DIR", .flags = OPT_WORKING,
     .help = "a reward model, or, or with it,"},
    {"judge", OPT_TEXT, AT(RlOptions, judge), .value = "MODEL", .flags = OPT_WORKING, .help = "a direct judge, with"},
    {"prompt", OPT_TEXT, AT(RlOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "its prompt, of kind score or verdict"},
    {"reward-weight", OPT_REAL, AT(RlOptions, reward_weight), 0, 1, "0.5",
     .help = "with both: weight (the reward model's) + (1 - weight) (the judge's)"},
    {"scale", OPT_CHOICE, AT(RlOptions, scale), .choices = REWARD_SCALES, .otherwise = "auto",
     .help =
         "what a reward model's rewards are divided by: auto, as it was trained; none: nothing, its margins stay as "
         "they are"},
    {"output", OPT_TEXT, AT(RlOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the trained policy"},
    {"algorithm", OPT_CHOICE, AT(RlOptions, algorithm), .choices = "reinforce", .otherwise = "reinforce",
     .help = "the policy gradient"},
    {"baseline", OPT_CHOICE, AT(RlOptions, baseline), .choices = "value|group|none", .otherwise = "value",
     .help = "learned values, the mean of a prompt's other samples, or none"},
    {"value", OPT_CHOICE, AT(RlOptions, value), .choices = "own|head", .otherwise = "own",
     .help = "values from a second network, or from a head on the policy"},
    {"beta", OPT_REAL, AT(RlOptions, beta), 0, 1, "0.05", .help = "weight of the KL from the reference"},
    {"objective", OPT_CHOICE, AT(RlOptions, objective), .choices = OBJECTIVES, .otherwise = "convex",
     .help = "(1 - beta) reward - beta KL, or plain reward - beta KL"},
    {"kl", OPT_CHOICE, AT(RlOptions, kl), .choices = KL_PLACES, .otherwise = "reward",
     .help = "the KL as a reward of every token drawn, or as a loss, exact over the vocabulary"},
    {"no-end-penalty", OPT_REAL, AT(RlOptions, no_end_penalty), 0, 1e6, "0",
     .help = "taken off the reward of responses that were cut off before their end"},
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
    {"eval-every", OPT_INT, AT(RlOptions, eval_every), 0, 1e9, "0", .help = "steps between evaluations; 0: at the end"},
    {"keep-best", OPT_INT, AT(RlOptions, keep_best), 0, 1000, "4",
     .help = "checkpoints of the best reward on them that are kept, where eval-every is not 0"},
    {"max-prompt-tokens", OPT_INT, AT(RlOptions, max_prompt_tokens), 0, 1e9, "1024",
     .help = "longest prompt; 0: what the model's context has room for"},
    {"truncate", OPT_CHOICE, AT(RlOptions, truncate), .choices = CUT_RULES, .otherwise = "none",
     .help = "what a longer prompt loses: nothing, it is refused; or words at one end of its context"},
    {"max-new-tokens", OPT_INT, AT(RlOptions, max_new_tokens), 1, 1e6, "128", .help = "longest response"},
    {"temperature", OPT_REAL, AT(RlOptions, temperature), 0.01, 100, "0.9",
     .help = "of the draw; of log-probabilities, the KL and gradients as --logp-temperature says"},
    {"logp-temperature", OPT_CHOICE, AT(RlOptions, logp_temperature), .choices = LOGP_TEMPERATURES, .otherwise = "1",
     .help =
         "of policy, reference, KL and gradients: 1, or sampling: that of the draw; over the whole vocabulary, top-k and "
         "top-p never enter"},
    {"top-k", OPT_INT, AT(RlOptions, top_k), 0, 1e9, "0", .help = "draw from the k best tokens only; 0: all"},
    {"top-p", OPT_REAL, AT(RlOptions, top_p), 0.0001, 1, "1", .help = "draw from the fewest tokens of this mass"},
    {"chat", OPT_CHOICE, AT(RlOptions, chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help = "through the model's chat template; auto: if it has one"},
    {"limit", OPT_INT, AT(RlOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING, .help = "at most so many rows; 0: all"},
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

static bool train(Rl *rl, Training *training, Err *err)
{
    Trainer *t = &rl->policy_trainer;
    StepStats s = {0};
    Progress p;
    progress_begin(&p, training->stage->name, "steps", t->steps, t->step);
    bool ok = training_settle(training, err);
    while (ok && t->step < t->steps) {
        ok = not_interrupted(err) && rl_step(rl, training->stage, &s, err) && training_settle(training, err);
        if (ok && t->step == 1 && !rl->flat && s.margins < FLAT)
            flat_margins_warn(p.what, "the reward model's margins between replies to one prompt are flat",
                              rl->source.model->scale);
        progress_figure(&p, "reward %.3f, KL %.2f", s.reward, s.kl);
        progress_at(&p, t->step);
    }
    progress_end(&p);
    return ok;
}

/* --- the stage --- */

/* Does a judge reward the responses? */
static bool is_direct(const RlOptions *o)
{
    return o->judge || o->endpoint.url;
}

static bool has_value_network(const RlOptions *o)
{
    return o->baseline == BASELINE_VALUE && o->value == VALUE_OWN;
}

static bool check_options(const Work *work, const RlOptions *o, Err *err)
{
    ErrCode code = work->in_recipe ? ERR_INPUT : ERR_USAGE;
    if (!o->reward && !is_direct(o))
        return err_set(err, code, "rl needs a reward: --reward DIR, or --judge MODEL with --prompt NAME"),
               err_hint(err, "rlaif reward trains a reward model");
    if (is_direct(o) && !o->prompt)
        return err_set(err, code, "%s needs --prompt", o->judge ? "--judge" : "--endpoint"),
               err_hint(err, "of kind score or verdict: rlaif help prompts lists them");
    if (o->prompt && !is_direct(o))
        return err_set(err, code, "--prompt needs --judge or --endpoint"),
               err_hint(err, "it is the direct judge's prompt");
    if (o->scale == SCALE_NONE && !o->reward)
        return err_set(err, code, "--scale needs --reward"),
               err_hint(err, "a direct judge's rewards are between -1 and 1 as they are");
    if (o->baseline == BASELINE_GROUP && o->samples < 2)
        return err_set(err, code, "--baseline group needs --samples of 2 or more"),
               err_hint(err, "the baseline is the mean of a prompt's other samples");
    if (o->value_warmup > 0 && !has_value_network(o))
        return err_set(err, code, "--value-warmup needs --baseline value and --value own"),
               err_hint(err, "only a network of its own can learn while the policy stays as it is");
    if (o->value_lr > 0 && !has_value_network(o))
        return err_set(err, code, "--value-lr needs --baseline value and --value own"),
               err_hint(err,
                        "a head on the policy learns at the policy's rate; --value-weight is the weight of its loss");
    if (o->value_weight != 1 && !(o->baseline == BASELINE_VALUE && o->value == VALUE_HEAD))
        return err_set(err, code, "--value-weight needs --baseline value and --value head"),
               err_hint(err, "a network of its own has its own loss: --value-lr is its rate");
    if (o->eval_every > 0 && !o->eval)
        return err_set(err, code, "--eval-every needs --eval"), err_hint(err, "name held-out prompts");
    return true;
}

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
static bool find_reference(Rl *rl, Store *store, Err *err)
{
    const RlOptions *o = rl->options;
    char start[HASH_TEXT];
    if (!model_hash(o->model, store, start, err) ||
        !model_hash(o->reference ? o->reference : o->model, store, rl->reference_hash, err))
        return false;
    rl->from_reference = strcmp(start, rl->reference_hash) == 0;
    return true;
}

/* The policy starts as --model, which is also the reference where no other is named; a value network as the same with a
 * head of zeros. */
static bool open_policy(Rl *rl, const Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    if (!find_reference(rl, work->store, err))
        return false;
    if (rl->from_reference
            ? !work_model(&rl->reference, o->model, work, HEAD_LM, err) ||
                  !model_copy(&rl->policy, rl->reference, value_heads(o), err)
            : !work_model(&rl->reference, o->reference, work, HEAD_LM, err) ||
                  !work_model(&rl->policy, o->model, work, value_heads(o), err) || !check_reference(rl, err))
        return false;
    return !has_value_network(o) || model_copy(&rl->value, rl->policy, HEAD_VALUE, err);
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
    if (rl->source.function)
        return true;
    rl->source.weight = o->reward_weight;
    if ((is_direct(o) && !rl_judge_open(rl, work, err)) ||
        (o->reward && !reward_model_open(&rl->source.model, o->reward, work->device, o->common.date, CHAT_AUTO, err)))
        return false;
    RewardModel *m = rl->source.model;
    rl->flat = m && flat_by_scale(m->scale);
    if (m && o->scale == SCALE_NONE)
        m->scale = 1;
    rl->source.policy_chats = rl->chat;
    rl->source.same_ids = m && tokenizer_same(rl->policy->tokenizer, m->model->tokenizer) && rl->chat == m->chat;
    return true;
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
    int steps = o->steps ? o->steps : (int)(((long long)rows->n * o->epochs + o->batch - 1) / o->batch);
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

/* For rl/inspect.c. */
static bool write_options(const RlOptions *o, Err *err)
{
    Str text = {0};
    char *path = path_join(o->output, OPTIONS_FILE);
    options_append_yaml(&rl_table, o, "", &text);
    bool ok = file_write(path, str_text(&text), text.n, err);
    free(path);
    str_release(&text);
    return ok;
}

static bool add_best(void *context, int step, const char *path, double score, Err *err)
{
    (void)err;
    json_array_append_new(context, json_pack("{s:i, s:f, s:s}", "step", step, "eval_reward", score, "name", path));
    return true;
}

static bool summarise(const Rl *rl, Stage *s, Err *err)
{
    const char *const measured[] = {"reward",     rl_kl_name(rl->options, METRIC_KL), "entropy", "tokens", "ended",
                                    "eval_reward"};
    const RlOptions *o = rl->options;
    bool kept = o->eval && o->eval_every > 0;
    if (rl->source.model)
        json_object_set_new(s->summary, "reward_scale", json_real(rl->source.model->scale));
    if (o->eval)
        json_object_set_new(s->summary, "eval_prompts", json_integer(rl->held.n));
    if (kept)
        json_object_set_new(s->summary, "checkpoints", json_array());
    return training_summary(s, measured, COUNT(measured), err) && rl_judge_report(rl, s, err) &&
           (!kept || store_checkpoints_best(s->work->store, s->id, o->keep_best, add_best,
                                            json_object_get(s->summary, "checkpoints"), err));
}

static bool read_held_out(Rl *rl, Stage *s, Err *err)
{
    const RlOptions *o = rl->options;
    return !o->eval || (stage_read_rows(s->work, o->eval, 0, NEED_PROMPT, o->skip_bad, &rl->held, err) &&
                        heldout_check_read(rl->policy, (ChatMode)o->chat, &rl->held, rl->rows, err) &&
                        (o->eval_every == 0 || stage_uses_prompts(s, CHOSEN_BY, &rl->held, err)) &&
                        rl_render(rl, &rl->held, &rl->held_prompt, err));
}

static bool run(Stage *s, const RlOptions *o, Rows *rows, Err *err)
{
    Rl *rl;
    if (!rl_open(&rl, o, s->work, rows, NULL, err))
        return false;
    Needs needs = {0};
    Training training = {.stage = s,
                         .out = o->output,
                         .options = &o->train,
                         .trainer = &rl->policy_trainer,
                         .value = rl->value ? &rl->value_trainer : NULL};
    if (o->eval)
        training.held =
            (HeldOut){rl_measure_held_out, rl, "eval_reward", NULL, o->eval_every, o->eval_every ? o->keep_best : 0, 0};
    rl->flat = rl->flat || (o->reward && flat_on_record(s->work, o->reward));
    if (rl->flat)
        flat_margins_warn(s->name,
                          "the reward model says next to nothing, its labels or margins were flat where it was trained",
                          rl->source.model->scale);
    bool ok = read_held_out(rl, s, err) && rl_judge_fits(rl, rl->rows, err) && rl_judge_fits(rl, &rl->held, err) &&
              rl_needs(rl, &needs, err) && needs_check(&needs, s->name, o->output, s->summary, err);
    cut_report(&rl->cut, s->name, s->summary);
    ok = ok && ((training_begin(&training, err) && write_options(o, err) && train(rl, &training, err) &&
                 summarise(rl, s, err) && training_end(&training, err)) ||
                training_stopped(&training, err));
    if (ok)
        judge_source_report(&rl->source.judges, s->work, s->name);
    rl_free(rl);
    return ok;
}

/* Of everything that is read; "" where it is not. */
typedef struct InputHashes {
    char model[HASH_TEXT], reference[HASH_TEXT], reward[HASH_TEXT], judge[HASH_TEXT], prompt[HASH_TEXT],
        prompts[HASH_TEXT];
} InputHashes;

static bool hash_judge(const Work *work, const RlOptions *o, InputHashes *h, Err *err)
{
    JudgePrompt *p;
    JudgeSource source;
    if (!judge_source_name(&source, work, "judge", o->judge, &o->endpoint, err) ||
        !judge_prompt_load(&p, o->prompt, err))
        return false;
    memcpy(h->judge, source.hash, HASH_TEXT);
    memcpy(h->prompt, p->hash, HASH_TEXT);
    judge_prompt_free(p);
    return true;
}

static bool hash_inputs(const Work *work, const RlOptions *o, InputHashes *h, Err *err)
{
    memset(h, 0, sizeof *h);
    return model_hash(o->model, work->store, h->model, err) &&
           (!o->reference || model_hash(o->reference, work->store, h->reference, err)) &&
           (!o->reward || model_hash(o->reward, work->store, h->reward, err)) &&
           (!is_direct(o) || hash_judge(work, o, h, err));
}

bool rl_about(json_t **about, const Work *work, const RlOptions *o, const Rows *rows, Err *err)
{
    InputHashes h;
    if (!hash_inputs(work, o, &h, err))
        return false;
    rows_hash(rows, h.prompts);
    *about = stage_about(&rl_table, o, &o->common, "model", h.model, "reward", h.reward, "judge", h.judge, "prompt",
                         h.prompt, "prompts", h.prompts, NULL);
    if (o->reference)
        json_object_set_new(json_object_get(*about, "hashes"), "reference", json_string(h.reference));
    return true;
}

bool rl_stage(Work *work, const char *name, const void *options, Err *err)
{
    const RlOptions *o = options;
    Rows rows = {0};
    Stage s = {0};
    json_t *about;
    bool done = false;
    char eval[HASH_TEXT];
    bool ok = check_options(work, o, err) &&
              stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, o->skip_bad, &rows, err) &&
              heldout_hash_rows(work, o->eval, NEED_PROMPT, o->skip_bad, &rows, eval, err) &&
              rl_about(&about, work, o, &rows, err);
    if (ok) /* not a part of what a step depends on */
        json_object_set_new(json_object_get(about, "hashes"), "eval", json_string(eval));
    ok = ok && stage_begin(&s, work, name, "rl", about, err);
    ok = ok && stage_uses_prompts(&s, TRAINED_ON, &rows, err) && training_done(&s, o->output, &done, err) &&
         (done || run(&s, o, &rows, err));
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
