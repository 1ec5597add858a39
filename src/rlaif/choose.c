/* Choosing a checkpoint. */
#include "rlaif/choose.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/judge_source.h"

static const Option option_rows[] = {
    {"output", OPT_TEXT, AT(ChooseOptions, output), .value = "DIR", .flags = OPT_REQUIRED | OPT_WORKING | OPT_CLI,
     .help = "the chosen policy"},
};
static const OptionGroup groups[] = {
    {compare_options, COMPARE_OPTIONS, AT(ChooseOptions, compare)},
    {option_rows, COUNT(option_rows), 0},
    {sampling_options, SAMPLING_OPTIONS, AT(ChooseOptions, compare.sampling)},
    JUDGE_SOURCE_GROUPS(ChooseOptions, compare.endpoint),
    {common_options, COMMON_OPTIONS, AT(ChooseOptions, compare.common)},
};
const OptionTable choose_table = {groups, COUNT(groups), sizeof(ChooseOptions)};

/* The checkpoints of the rl stage that made a directory, as its summary has them. The caller releases the list. */
static bool find_checkpoints(Work *work, const char *dir, json_t **list, Err *err)
{
    bool present = true;
    *list = NULL;
    for (int i = 0; present && !*list; i++) {
        StageRow row;
        json_t *summary = NULL;
        if (!store_stage_at(work->store, i, &row, &present, err))
            return false;
        if (present && strcmp(row.kind, "rl") == 0 && row.output && row.summary && strcmp(row.output, dir) == 0 &&
            !json_parse(row.summary, strlen(row.summary), row.name, &summary, err)) {
            stage_row_release(&row);
            return false;
        }
        *list = json_incref(json_object_get(summary, "checkpoints"));
        json_decref(summary);
        stage_row_release(&row);
    }
    if (json_array_size(*list) > 0)
        return true;
    err_set(err, ERR_INPUT, "%s: no stage of reinforcement learning left checkpoints there to choose from", dir);
    return err_hint(err, "give the rl stage held-out prompts (eval) and eval-every");
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

static bool judge_all(Work *work, const char *name, const CompareOptions *o, json_t *list, Err *err)
{
    char *start = mem_printf("%s-before", name), *against = NULL;
    size_t i;
    json_t *one;
    work->choosing = true;
    bool ok = compare_check(work, o, name, err) && compare_side(work, o, start, o->against, &against, err);
    json_array_foreach(list, i, one) ok = ok && judge_one(work, name, o, against, one, err);
    work->choosing = false;
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
    bool ok = model_load(&m, dir, s->work->device, HEAD_LM, err);
    free(dir);
    ok = ok && dir_remove(o->output, err) && model_save(m, o->output, err) && stage_end(s, o->output, err);
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

static bool is_in_place(const Stage *s, const char *output)
{
    char *config = path_join(output, "config.json");
    bool there = s->done && file_exists(config);
    free(config);
    return there;
}

bool choose_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ChooseOptions *o = options;
    json_t *list;
    Stage s = {0};
    bool ok = find_checkpoints(work, o->compare.policy, &list, err) && judge_all(work, name, &o->compare, list, err);
    if (ok) {
        const json_t *best = best_of(list);
        char hash[HASH_TEXT], results[HASH_TEXT], *dir = path_join(o->compare.policy, json_text_of(best, "name"));
        char *said = json_text(list);
        Hash *h = hash_new();
        hash_add_text(h, said);
        hash_end(h, results);
        ok = model_hash(dir, hash, err) &&
             stage_begin(&s, work, name, "choose",
                         stage_about(&choose_table, o, &o->compare.common, "model", hash, "results", results, NULL),
                         err) &&
             use_prompts(&s, &o->compare, err);
        if (ok && !is_in_place(&s, o->output)) {
            json_object_set(s.summary, "checkpoints", list);
            json_object_set(s.summary, "chosen", json_object_get(best, "name"));
            json_object_set(s.summary, "step", json_object_get(best, "step"));
            json_object_set(s.summary, "win_rate", json_object_get(best, "win_rate"));
            ok = deliver(&s, o, best, err);
        }
        free(said);
        free(dir);
        stage_release(&s);
    }
    json_decref(list);
    return ok;
}
