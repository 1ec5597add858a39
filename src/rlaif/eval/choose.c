/* Choosing a checkpoint. */
#include "rlaif/eval/choose.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/numbers.h"
#include "rlaif/judge/source.h"
#include "rlaif/learn/training.h"

static const Option option_rows[] = {
    {"prompts", OPT_TEXT, AT(ChooseOptions, compare.prompts), .value = "ROWS", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "held-out rows with a prompt; they may be those of rl's --eval"},
    {"policy", OPT_TEXT, AT(ChooseOptions, compare.policy), .value = "POLICY",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "the directory that rl with --eval and --eval-every made; each of its checkpoint-N is a model by itself"},
    {"against", OPT_TEXT, AT(ChooseOptions, compare.against), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the start, which they are compared with [the recipe's policy]; reference: what people wrote, in the "
             "prompts' rows"},
    {"judge", OPT_TEXT, AT(ChooseOptions, compare.judge), .value = "MODEL", .flags = OPT_WORKING, .help = "who judges"},
    {"output", OPT_TEXT, AT(ChooseOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the chosen policy"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {compare_options, COMPARE_OPTIONS, AT(ChooseOptions, compare)},
    {sampling_options, SAMPLING_OPTIONS, AT(ChooseOptions, compare.sampling)},
    JUDGE_READING_GROUP(ChooseOptions, compare.reading),
    JUDGE_SOURCE_GROUPS(ChooseOptions, compare.endpoint),
    {common_options, RENDER_OPTIONS, AT(ChooseOptions, compare.common)},
};
const OptionTable choose_table = {groups, COUNT(groups), sizeof(ChooseOptions)};

/* Is this the reinforcement learning that made a directory? A store that lies beside one is of that one alone, wherever it was
 * called from. */
static bool made(const Work *work, const StageRow *row, const char *dir)
{
    bool beside = !work->in_recipe && !work->common->run;
    return strcmp(row->kind, "rl") == 0 && (beside || (row->output && file_same(row->output, dir)));
}

/* The checkpoints of the rl stage that made a directory, as its summary has them. The caller releases the list. */
static bool find_checkpoints(Work *work, const char *dir, json_t **list, Err *err)
{
    bool ok = true, present = true, unfinished = false;
    *list = NULL;
    for (int i = 0; ok && present && !*list; i++) {
        StageRow row;
        json_t *summary = NULL;
        if (!store_stage_at(work->store, i, &row, &present, err))
            return false;
        if (present && made(work, &row, dir)) {
            unfinished = !row.done;
            ok = !row.summary || json_parse(row.summary, strlen(row.summary), row.name, &summary, err);
        }
        *list = json_incref(json_object_get(summary, "checkpoints"));
        json_decref(summary);
        stage_row_release(&row);
    }
    if (!ok || json_array_size(*list) > 0)
        return ok;
    if (unfinished)
        return err_set(err, ERR_INPUT, "%s: its reinforcement learning is not at its end", dir),
               err_hint(err, "run that to its end first: the same rlaif rl once more goes on");
    err_set(err, ERR_INPUT, "%s: no stage of reinforcement learning left checkpoints there to choose from", dir);
    return err_hint(err, "give the rl stage held-out prompts (eval) and eval-every");
}

/* The model's directory is as good as empty; *ours: what stands there is this stage's. */
static bool check_output(Work *work, const char *name, const char *out, bool *ours, Err *err)
{
    StageRow row;
    bool present;
    if (!store_stage_find(work->store, name, &row, &present, err))
        return false;
    *ours = work->in_recipe || (present && row.output && file_same(row.output, out));
    stage_row_release(&row);
    return output_check(out, *ours, err);
}

/* Judges one, and adds what was said to its object. */
static bool judge_one(Work *work, const char *name, const CompareOptions *o, const char *against, json_t *one, Err *err)
{
    const char *checkpoint = json_text_of(one, "name");
    char *stage = mem_printf("%s-%s", name, checkpoint), *dir = path_join(o->policy, checkpoint),
         *start = mem_str(against);
    CompareOptions each = *o;
    each.policy = dir;
    each.against = start;
    bool ok = compare_stage(work, stage, &each, err);
    if (ok) {
        const json_t *said = json_array_get(json_object_get(work->summary, "results"), 0);
        json_object_set(one, "win_rate", json_object_get(said, "win_rate"));
        json_object_set(one, "interval", json_object_get(said, "win_rate_bootstrap"));
    }
    free(start);
    free(dir);
    free(stage);
    return ok;
}

/* What can be known is known before anything is sampled. */
static bool check_comparison(Work *work, const char *name, const CompareOptions *o, Err *err)
{
    work->choosing = true;
    bool ok = compare_check(work, o, name, err);
    work->choosing = false;
    return ok;
}

/* What is sampled and judged on the way stays in the store. */
static bool judge_all(Work *work, const char *name, const CompareOptions *o, json_t *list, Err *err)
{
    char *start = mem_printf("%s-before", name), *against = NULL;
    size_t i;
    json_t *one;
    bool in_recipe = work->in_recipe;
    work->choosing = work->in_recipe = true;
    bool ok = compare_side(work, o, start, o->against, &against, err);
    json_array_foreach(list, i, one) ok = ok && judge_one(work, name, o, against, one, err);
    work->choosing = false;
    work->in_recipe = in_recipe;
    free(against);
    free(start);
    return ok;
}

static const json_t *best_of(const json_t *list)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!best || json_number_of(one, "win_rate", 0) > json_number_of(best, "win_rate", 0))
            best = one;
    }
    return best;
}

static bool deliver(Stage *s, const ChooseOptions *o, const json_t *best, Err *err)
{
    Model *m;
    char *dir = path_join(o->compare.policy, json_text_of(best, "name"));
    bool ok = work_model(&m, dir, s->work, HEAD_LM, err);
    free(dir);
    ok = ok && output_clear(o->output, true, err) && model_save(m, o->output, err) && stage_end(s, o->output, err);
    model_free(m);
    return ok;
}

static bool use_prompts(Stage *s, const CompareOptions *o, Err *err)
{
    Rows rows;
    bool ok = stage_read_rows(s->work, o->prompts, o->limit, NEED_PROMPT, false, &rows, err) &&
              stage_uses_prompts(s, CHOSEN_BY, &rows, err);
    rows_release(&rows);
    return ok;
}

/* Begins the stage, and takes the output for its own in the same moment: whenever it is killed, what stands there is known.
 * *done: the chosen model is in place. */
static bool begin(Stage *s, Work *work, const char *name, const ChooseOptions *o, const json_t *list, bool ours,
                  bool *done, Err *err)
{
    char hash[HASH_TEXT], results[HASH_TEXT], *said = json_text(list),
                                              *dir = path_join(o->compare.policy, json_text_of(best_of(list), "name"));
    Hash *h = hash_new();
    hash_add_text(h, said);
    hash_end(h, results);
    bool ok =
        model_hash(dir, work->store, hash, err) && store_begin(work->store, err) &&
        stage_begin(s, work, name, "choose",
                    stage_about(&choose_table, o, &o->compare.common, "model", hash, "results", results, NULL), err);
    *done = ok && s->done && ours && model_is_there(o->output);
    ok = ok && (*done || store_stage_output(work->store, s->id, o->output, err)) && use_prompts(s, &o->compare, err) &&
         store_commit(work->store, err);
    free(said);
    free(dir);
    return ok;
}

/* --- for people ----------------------------------------------------------------------------------------- */

static void print_choice(const Work *work, const ChooseOptions *o, const json_t *summary)
{
    const char *chosen = json_text_of(summary, "chosen");
    const json_t *list = json_object_get(summary, "checkpoints"), *one;
    printf("%-20s %8s %10s %10s   95 %%\n", "checkpoint", "step", "reward", "win rate");
    for (size_t i = 0; i < json_array_size(list); i++) {
        one = json_array_get(list, i);
        const char *name = json_text_of(one, "name");
        printf("%-20s %8.0f %10s %10s   %s%s\n", name, json_number_of(one, "step", 0),
               eval_decimal(one, "eval_reward").text, eval_percent(one, "win_rate").text,
               eval_range(json_object_get(one, "interval"), 100, 1).text, strcmp(name, chosen) == 0 ? "   chosen" : "");
    }
    printf("\n%s is %s/%s. The others are models as they are: another is taken by its name.\n"
           "About a dozen replies of each, to read before that: rlaif report %s\n"
           "The best of %zu win rates flatters: measure it on other prompts.\n",
           o->output, o->compare.policy, chosen, work->common->run ? work->common->run : o->compare.policy,
           json_array_size(list));
}

bool choose_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ChooseOptions *o = options;
    json_t *list = NULL;
    Stage s = {0};
    bool ours, done = false;
    bool ok = find_checkpoints(work, o->compare.policy, &list, err) && check_comparison(work, name, &o->compare, err) &&
              check_output(work, name, o->output, &ours, err) && judge_all(work, name, &o->compare, list, err) &&
              begin(&s, work, name, o, list, ours, &done, err);
    if (ok && !done) {
        const json_t *best = best_of(list);
        json_object_set(s.summary, "checkpoints", list);
        json_object_set_new(s.summary, "comparisons", json_integer((json_int_t)json_array_size(list)));
        json_object_set(s.summary, "chosen", json_object_get(best, "name"));
        json_object_set(s.summary, "step", json_object_get(best, "step"));
        json_object_set(s.summary, "win_rate", json_object_get(best, "win_rate"));
        ok = deliver(&s, o, best, err);
    }
    if (ok && !work->in_recipe)
        print_choice(work, o, s.summary);
    stage_release(&s);
    json_decref(list);
    return ok;
}
