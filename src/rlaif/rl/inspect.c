/* One rollout of a past step, made again. */
#include "rlaif/rl/inspect.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/rl/rl.h"

void rollout_inspection_release(RolloutInspection *i)
{
    free(i->stage);
    json_decref(i->recorded);
    json_decref(i->recomputed);
    free(i->different);
    free(i->judge_prompt);
    free(i->unrecorded);
    for (int t = 0; t < i->tokens; t++)
        free(i->token[t]);
    free(i->token);
    *i = (RolloutInspection){0};
}

/* --- the stage and its directory --- */

/* The stage of kind rl that is named, or the only one. */
static bool find_stage(Work *work, const char *wanted, StageRow *out, Err *err)
{
    bool present = true, ok = true;
    int found = 0;
    *out = (StageRow){0};
    for (int i = 0; ok && present; i++) {
        StageRow row;
        ok = store_stage_at(work->store, i, &row, &present, err);
        bool is_it = ok && present && strcmp(row.kind, "rl") == 0 && (!wanted || strcmp(row.name, wanted) == 0);
        found += is_it;
        if (is_it && found == 1)
            *out = row;
        else
            stage_row_release(&row);
    }
    if (!ok || found == 1)
        return ok;
    if (found == 0 && wanted)
        err_set(err, ERR_INPUT, "%s has no stage \"%s\" of reinforcement learning", store_path(work->store), wanted);
    else
        err_set(err, ERR_INPUT, "%s has %s stage of reinforcement learning", store_path(work->store),
                found ? "more than one" : "no");
    return err_hint(err, found ? "name it: --stage NAME" : "rlaif inspect without --step lists the stages");
}

/* Where the stage's checkpoints are: its output, a run's directory of it, or the place itself. *out is NULL where there
 * is none. */
static char *find_output(const char *place, const StageRow *s)
{
    const char *const inner[] = {s->name, "policy"};
    if (s->output && file_is_dir(s->output))
        return mem_str(s->output);
    for (int i = 0; i < COUNT(inner); i++) {
        char *dir = path_join(place, inner[i]), *options = path_join(dir, OPTIONS_FILE);
        bool is_it = file_exists(options);
        free(options);
        if (is_it)
            return dir;
        free(dir);
    }
    return mem_str(place);
}

/* --- its inputs --- */

/* Are options what they were? One that is newer than the record must be at its default. */
static bool same_options(const json_t *is, const json_t *was)
{
    void *fresh = options_new(&rl_table);
    json_t *defaults = options_json(&rl_table, fresh, false), *value;
    const char *name;
    bool same = true;
    json_object_foreach((json_t *)(uintptr_t)was, name, value) same = same && json_object_get(is, name);
    json_object_foreach((json_t *)(uintptr_t)is, name, value)
    {
        const json_t *before = json_object_get(was, name);
        same = same && json_equal(value, before ? before : json_object_get(defaults, name));
    }
    json_decref(defaults);
    options_free(&rl_table, fresh);
    return same;
}

/* Everything that the results depend on must be what it was. */
static bool check_inputs(const Work *work, const RlOptions *o, const Rows *rows, const StageRow *s, Err *err)
{
    json_t *was, *is, *hash;
    const char *what;
    if (!json_parse(s->about, strlen(s->about), "a stored stage", &was, err))
        return false;
    AskedRewards rewards;
    bool ok = asked_rewards_read(&rewards, o, err) && rl_about(&is, work, o, &rewards, rows, err);
    asked_rewards_release(&rewards);
    if (ok) {
        json_object_foreach(json_object_get(is, "hashes"), what,
                            hash) if (ok && !json_equal(hash, json_object_get(json_object_get(was, "hashes"), what)))
            ok = err_set(err, ERR_INPUT, "the %s of stage \"%s\" is not what it was", what, s->name);
        if (ok && !same_options(json_object_get(is, "options"), json_object_get(was, "options")))
            ok = err_set(err, ERR_INPUT, "the options of stage \"%s\" are not what they were", s->name);
        if (!ok)
            err_hint(err, "a step can be made again only with the models, prompts and version that made it");
        json_decref(is);
    }
    json_decref(was);
    return ok;
}

static RlOptions *read_options(const char *out, Err *err)
{
    RlOptions *o = options_new(&rl_table);
    char *path = path_join(out, OPTIONS_FILE);
    bool ok = options_read_yaml(&rl_table, o, path, err);
    free(path);
    options_put(&rl_table, o, "output", out);
    if (ok)
        return o;
    options_free(&rl_table, o);
    return NULL;
}

/* --- the recorded row --- */

typedef struct Nth {
    int left;
    json_t *row;
} Nth;

static bool take_nth(void *context, const char *row, Err *err)
{
    Nth *n = context;
    return n->left-- != 0 || json_parse(row, strlen(row), "a stored rollout", &n->row, err);
}

static bool read_recorded(Work *work, const StageRow *s, int step, int sample, json_t **row, Err *err)
{
    Nth nth = {.left = sample};
    bool ok = store_rollouts_each(work->store, s->id, step, take_nth, &nth, err);
    *row = nth.row;
    if (!ok || nth.row)
        return ok;
    err_set(err, ERR_INPUT, "stage \"%s\" has no rollout %d of step %d", s->name, sample, step);
    return err_hint(err, "both count from 0: --step below its steps, --sample below --batch times --samples");
}

/* --- making it again --- */

/* Brings policy and values to where they were before the step's update. */
static bool go_to_step(Rl *rl, Work *work, const StageRow *s, const char *out, int step, int *replayed, Err *err)
{
    int at;
    char *name, *dir = NULL;
    StepStats stats;
    if (!store_checkpoint_upto(work->store, s->id, step, &at, &name, err))
        return false;
    bool ok = true;
    if (name)
        dir = path_join(out, name);
    if (name && file_is_dir(dir))
        ok = checkpoint_load(out, name, &rl->policy_trainer, rl->value ? &rl->value_trainer : NULL, err);
    *replayed = step - rl->policy_trainer.step;
    if (ok && *replayed > 0)
        log_note("%s: makes steps %d to %d again", s->name, rl->policy_trainer.step, step - 1);
    while (ok && rl->policy_trainer.step < step)
        ok = not_interrupted(err) && rl_step(rl, NULL, &stats, err);
    free(name);
    free(dir);
    return ok;
}

static void describe_tokens(const Rl *rl, const Rollout *r, RolloutInspection *out)
{
    out->tokens = r->y.ids.n;
    out->token = mem_alloc((size_t)out->tokens, sizeof *out->token);
    size_t before = 0;
    for (int t = 0; t < out->tokens; t++) { /* what each adds to the text: alone it could lose a blank */
        Str text = {0}, own = {0};
        tokenizer_decode(rl->policy->tokenizer, r->y.ids.id, t + 1, TOKENIZE_SPECIAL | TOKENIZE_BARE, &text);
        str_add_utf8(&own, str_text(&text) + before, text.n - before);
        before = text.n;
        out->token[t] = str_take(&own);
        str_release(&text);
    }
}

/* What a part's judge read, behind the part's name where there are several. */
static bool show_judge(const Rl *rl, int part, const Question *q, Str *out, Err *err)
{
    if (rl->asked.where)
        str_addf(out, "%s%s:\n", out->n ? "\n\n" : "", rl->asked.part[part].name);
    return judge_show(rl->source.part[part].judge, q, out, err);
}

static JudgeAgain judge_again(const Rl *rl, const json_t *recorded, const RewardPart *p)
{
    json_t *spent = p->from.endpoint ? endpoint_spent(p->from.endpoint) : NULL;
    bool on_record = rl->asked.where || json_object_get(recorded, "judgment");
    JudgeAgain again = !on_record                                  ? AGAIN_NOT_RECORDED
                       : !p->from.endpoint                         ? AGAIN_ASKED
                       : json_number_of(spent, "requests", 0) == 0 ? AGAIN_KEPT
                                                                   : AGAIN_ELSEWHERE;
    json_decref(spent);
    return again;
}

/* What the judges read, and where their answers come from: of several the least sure. */
static bool describe_judges(Rl *rl, const Rollout *r, RolloutInspection *out, Err *err)
{
    Str text = {0};
    char *context = context_lines(&rl->rows->row[r->row].view.context), *response = response_text(rl->policy, &r->y);
    const Question q = {.where = "the rollout", .context = context, .first = response};
    bool ok = true;
    for (int k = 0; ok && k < rl->source.parts; k++) {
        const RewardPart *p = &rl->source.part[k];
        if (!p->judge)
            continue;
        JudgeAgain again = judge_again(rl, out->recorded, p);
        out->judge = again > out->judge ? again : out->judge;
        ok = show_judge(rl, k, &q, &text, err);
    }
    if (text.n > 0)
        out->judge_prompt = str_take(&text);
    str_release(&text);
    free(response);
    free(context);
    return ok;
}

/* The prompt's group of the step, as rl_step would make it, without an update; all groups where advantages depend on them. */
static bool remake(Rl *rl, int step, int sample, RolloutInspection *out, Err *err)
{
    int n, group = rl->options->samples, first = sample / group * group;
    ReinforceStats stats;
    Rollout *r = rl_plan(rl, step, &n);
    if (rl->options->whiten || rl->options->scale_rewards == SPREAD_BATCH) {
        first = 0;
        group = n;
    }
    bool ok = rl_draw(rl, r + first, group, NULL, err) && rl_gradients(rl, r + first, group, &stats, err);
    if (ok) {
        out->recomputed = rl_rollout_row(rl, step, &r[sample]);
        describe_tokens(rl, &r[sample], out);
        ok = describe_judges(rl, &r[sample], out, err);
    }
    for (int i = 0; i < n; i++)
        rollout_release(&r[i]);
    free(r);
    return ok;
}

/* The first field of `a` that is not the same text in both. Where the judge is not on record, its fields are left out. */
static char *first_difference(const json_t *a, const json_t *b, JudgeAgain judge)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        char *x = json_text(value), *y = other ? json_text(other) : mem_str("");
        bool of_judge = strcmp(key, "judgment") == 0 || strcmp(key, "judge_prompt_hash") == 0;
        bool same = strcmp(x, y) == 0 || (of_judge && judge == AGAIN_NOT_RECORDED);
        free(x);
        free(y);
        if (!same)
            return mem_str(key);
    }
    return NULL;
}

/* What the first versions with mixes did not keep of their parts. Out of `again` what `recorded` lacks of it, its names into
 * `lacks`. */
static void leave_out_newer(const json_t *recorded, json_t *again, Str *lacks)
{
    static const char *const newer[] = {"weight", "prompt_hash", "reward_hash"};
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(again, "parts"), i, part)
    {
        const json_t *was = json_array_get(json_object_get(recorded, "parts"), i);
        for (int k = 0; k < COUNT(newer); k++) {
            if (!json_is_object(was) || json_object_get(was, newer[k]) || !json_object_get(part, newer[k]))
                continue;
            json_object_del(part, newer[k]);
            if (!lacks->n || !strstr(str_text(lacks), newer[k]))
                str_addf(lacks, "%s%s", lacks->n ? ", " : "", newer[k]);
        }
    }
}

/* Sets what is different, and what cannot be compared. */
static void compare(RolloutInspection *out)
{
    json_t *again = json_deep_copy(out->recomputed), *part;
    size_t i;
    Str lacks = {0};
    leave_out_newer(json_object_get(out->recorded, "judgment"), json_object_get(again, "judgment"), &lacks);
    json_array_foreach(json_object_get(again, "rewards"), i, part)
    {
        const json_t *was = json_array_get(json_object_get(out->recorded, "rewards"), i);
        leave_out_newer(json_object_get(was, "judgment"), json_object_get(part, "judgment"), &lacks);
    }
    out->different = first_difference(out->recorded, again, out->judge);
    if (!out->different)
        out->different = first_difference(again, out->recorded, out->judge);
    if (lacks.n > 0)
        out->unrecorded = str_take(&lacks);
    str_release(&lacks);
    json_decref(again);
}

bool rl_inspect(Work *work, const char *place, const char *stage, int step, int sample, RolloutInspection *out,
                Err *err)
{
    StageRow s;
    Rows rows = {0};
    Rl *rl = NULL;
    *out = (RolloutInspection){0};
    if (!find_stage(work, stage, &s, err))
        return false;
    char *dir = find_output(place, &s);
    RlOptions *o = read_options(dir, err);
    bool ok = o && read_recorded(work, &s, step, sample, &out->recorded, err) &&
              stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, o->skip_bad, &rows, err) &&
              check_inputs(work, o, &rows, &s, err) && rl_open(&rl, o, work, &rows, NULL, err) &&
              go_to_step(rl, work, &s, dir, step, &out->replayed, err) && remake(rl, step, sample, out, err);
    if (ok) {
        out->stage = mem_str(s.name);
        compare(out);
    }
    rl_free(rl);
    rows_release(&rows);
    if (o)
        options_free(&rl_table, o);
    free(dir);
    stage_row_release(&s);
    return ok;
}
