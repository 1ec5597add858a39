/* The stage of reinforcement learning: inputs, updates until the last, held-out prompts, what is kept. */
#include "rlaif/rl/rl.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/learn/flat.h"
#include "rlaif/rl/check.h"
#include "rlaif/rl/eval.h"
#include "rlaif/rl/judge.h"
#include "rlaif/stage/heldout.h"

/* Of several it is said which. */
static void warn_of_part(const Rl *rl, int part, const char *stage, const char *what)
{
    const char *name = rl->asked.where ? rl->asked.part[part].name : NULL;
    char *said = mem_printf("the reward model%s%s%s", name ? " " : "", name ? name : "", what);
    flat_margins_warn(stage, said, rl->source.part[part].model->scale);
    free(said);
}

/* After the first step, where nothing was known before it. */
static void warn_of_margins(const Rl *rl, const char *stage, const StepStats *s)
{
    for (int k = 0; k < rl->source.parts; k++)
        if (!rl->source.part[k].flat && s->margins[k] < FLAT)
            warn_of_part(rl, k, stage, "'s margins between replies to one prompt are flat");
}

/* Before it, by the training rows of the reward models. */
static void warn_of_flat(Rl *rl, const Stage *s)
{
    for (int k = 0; k < rl->source.parts; k++) {
        RewardPart *p = &rl->source.part[k];
        p->flat = p->flat || (p->model && flat_on_record(s->work, rl->asked.part[k].reward));
        if (p->flat)
            warn_of_part(rl, k, s->name, " says next to nothing, its labels or margins were flat where it was trained");
    }
}

static bool train(Rl *rl, Training *training, Err *err)
{
    Trainer *t = &rl->policy_trainer;
    StepStats s = {0};
    Progress p;
    progress_begin(&p, training->stage->name, "steps", t->steps, t->step);
    bool ok = training_settle(training, err);
    while (ok && t->step < t->steps) {
        ok = not_interrupted(err) && rl_step(rl, training->stage, &s, err) && training_settle(training, err);
        if (ok && t->step == 1)
            warn_of_margins(rl, p.what, &s);
        progress_figure(&p, "reward %.3f, KL %.2f", s.reward, s.kl);
        progress_at(&p, t->step);
    }
    progress_end(&p);
    return ok;
}

/* --- the stage --- */

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

static json_t *summarise_parts(const Rl *rl)
{
    json_t *list = json_array();
    for (int k = 0; k < rl->source.parts; k++) {
        const RewardPart *p = &rl->source.part[k];
        json_t *part =
            json_pack("{s:s, s:f, s:f}", "name", rl->asked.part[k].name, "weight", p->weight, "scale", p->scale);
        if (p->model)
            json_object_set_new(part, "reward_scale", json_real(p->model->scale));
        json_array_append_new(list, part);
    }
    return list;
}

static bool summarise(const Rl *rl, Stage *s, Err *err)
{
    const char *const measured[] = {
        "reward", rl_kl_name(rl->options, METRIC_KL), "entropy", "tokens", "ended", "no_spread", "eval_reward"};
    const RlOptions *o = rl->options;
    bool kept = o->eval && o->eval_every > 0;
    if (rl->asked.where)
        json_object_set_new(s->summary, "rewards", summarise_parts(rl));
    else if (rl->source.part[0].model)
        json_object_set_new(s->summary, "reward_scale", json_real(rl->source.part[0].model->scale));
    if (o->eval)
        json_object_set_new(s->summary, "eval_prompts", json_integer(rl->held.n));
    if (kept)
        json_object_set_new(s->summary, "checkpoints", json_array());
    return training_summary(s, measured, COUNT(measured), err) && rl_judge_report(s, err) &&
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
    Training training = {.stage = s,
                         .out = o->output,
                         .options = &o->train,
                         .trainer = &rl->policy_trainer,
                         .value = rl->value ? &rl->value_trainer : NULL};
    if (o->eval)
        training.held =
            (HeldOut){rl_measure_held_out, rl, "eval_reward", NULL, o->eval_every, o->eval_every ? o->keep_best : 0, 0};
    warn_of_flat(rl, s);
    bool ok = read_held_out(rl, s, err) && rl_judge_fits(rl, rl->rows, err) && rl_judge_fits(rl, &rl->held, err) &&
              rl_settle_needs(rl, s->name, s->summary, err);
    cut_report(&rl->cut, s->name, s->summary);
    ok = ok && ((training_begin(&training, err) && write_options(o, err) && train(rl, &training, err) &&
                 summarise(rl, s, err) && training_end(&training, err)) ||
                training_stopped(&training, err));
    for (int k = 0; ok && k < rl->source.parts; k++)
        if (!rl->source.part[k].borrowed)
            judge_source_report(&rl->source.part[k].from, s->work, s->name);
    rl_free(rl);
    return ok;
}

bool rl_about(json_t **about, const Work *work, const RlOptions *o, const AskedRewards *rewards, const Rows *rows,
              Err *err)
{
    char model[HASH_TEXT], reference[HASH_TEXT], prompts[HASH_TEXT];
    if (!model_hash(o->model, work->store, model, err) ||
        (o->reference && !model_hash(o->reference, work->store, reference, err)))
        return false;
    rows_hash(rows, prompts);
    *about = stage_about(&rl_table, o, &o->common, "model", model, "prompts", prompts, NULL);
    json_t *hashes = json_object_get(*about, "hashes");
    if (o->reference)
        json_object_set_new(hashes, "reference", json_string(reference));
    if (asked_rewards_hash(rewards, work, o, hashes, err))
        return true;
    json_decref(*about);
    *about = NULL;
    return false;
}

bool rl_stage(Work *work, const char *name, const void *options, Err *err)
{
    const RlOptions *o = options;
    Rows rows = {0};
    Stage s = {0};
    json_t *about;
    bool done = false;
    char eval[HASH_TEXT];
    AskedRewards rewards;
    bool ok = asked_rewards_read(&rewards, o, err) && rl_options_check(work, o, &rewards, err) &&
              stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, o->skip_bad, &rows, err) &&
              heldout_hash_rows(work, o->eval, NEED_PROMPT, o->skip_bad, &rows, eval, err) &&
              rl_about(&about, work, o, &rewards, &rows, err);
    asked_rewards_release(&rewards);
    if (ok) /* not a part of what a step depends on */
        json_object_set_new(json_object_get(about, "hashes"), "eval", json_string(eval));
    ok = ok && stage_begin(&s, work, name, "rl", about, err);
    ok = ok && stage_uses_prompts(&s, TRAINED_ON, &rows, err) && training_done(&s, o->output, &done, err) &&
         (done || run(&s, o, &rows, err));
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
