/* The stage of reinforcement learning: inputs, updates until the last, held-out prompts, what is kept. */
#include "rlaif/rl/rl.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/learn/flat.h"
#include "rlaif/rl/eval.h"
#include "rlaif/rl/judge.h"
#include "rlaif/stage/heldout.h"

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
    JudgeKind kind;
    JudgeSource source;
    if (!judge_source_name(&source, work, "judge", o->judge, &o->endpoint, err))
        return false;
    memcpy(h->judge, source.hash, HASH_TEXT);
    return judge_prompt_identify(o->prompt, h->prompt, &kind, err);
}

static bool hash_inputs(const Work *work, const RlOptions *o, InputHashes *h, Err *err)
{
    memset(h, 0, sizeof *h);
    return model_hash(o->model, work->store, h->model, err) &&
           (!o->reference || model_hash(o->reference, work->store, h->reference, err)) &&
           (!o->reward || model_hash(o->reward, work->store, h->reward, err)) &&
           (!rl_is_direct(o) || hash_judge(work, o, h, err));
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
    bool ok = rl_options_check(work, o, err) &&
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
