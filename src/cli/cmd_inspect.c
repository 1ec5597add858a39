/* inspect: what a model, checkpoint, run or file of rows is; one rollout of a run, made again. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "model/file/gguf.h"
#include "model/model.h"
#include "rlaif/plan.h"
#include "rlaif/rl/inspect.h"

typedef struct InspectOptions {
    CommonOptions common;
    PlanOptions plan;
    char *path, *stage;
    int step, sample;
} InspectOptions;

static const Option option_rows[] = {
    {"path", OPT_TEXT, AT(InspectOptions, path), .value = "PATH", .flags = OPT_POSITIONAL | OPT_REQUIRED,
     .help = "a GGUF file, a model's or run's directory, a store, a file of rows"},
    {"step", OPT_INT, AT(InspectOptions, step), -1, 1e9, "-1",
     .help = "of a run: makes a rollout of this step (from 0) again and compares it with the record; -1: does not"},
    {"sample", OPT_INT, AT(InspectOptions, sample), 0, 1e9, "0", .with = "step",
     .help = "which rollout of the step, from 0"},
    {"stage", OPT_TEXT, AT(InspectOptions, stage), .value = "NAME", .with = "step",
     .help = "whose step, where a run has more than one rl stage"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {plan_options, PLAN_OPTIONS, AT(InspectOptions, plan)},
    {common_options, COMMON_OPTIONS, AT(InspectOptions, common)},
    {common_options + BASE_OPTION, 1, AT(InspectOptions, common)},
};
const OptionTable inspect_table = {groups, COUNT(groups), sizeof(InspectOptions)};

/* One line of text and one field of the summary. */
static void say(json_t *summary, const char *key, json_t *value)
{
    char *text = json_is_string(value) ? mem_str(json_string_value(value)) : json_text(value);
    printf("%-16s %s\n", key, text);
    free(text);
    json_object_set_new(summary, key, value);
}

/* --- models --- */

static json_t *gguf_types(const Gguf *g)
{
    json_t *types = json_object();
    for (int i = 0; i < gguf_tensors(g); i++) {
        const char *name = gguf_type_name(g, i);
        json_int_t n = json_integer_value(json_object_get(types, name));
        json_object_set_new(types, name, json_integer(n + 1));
    }
    return types;
}

static json_t *heads_of(int head)
{
    json_t *list = json_array();
    static const struct {
        int flag;
        const char *name;
    } names[] = {{HEAD_LM, "next token"}, {HEAD_REWARD, "reward"}, {HEAD_VALUE, "value"}};
    for (int i = 0; i < COUNT(names); i++)
        if (head & names[i].flag)
            json_array_append_new(list, json_string(names[i].name));
    return list;
}

static void say_config(json_t *s, const Model *m)
{
    const ModelConfig *c = &m->config;
    char h[32];
    say(s, "architecture", json_string(c->family));
    say(s, "parameters", json_integer((json_int_t)params_count(c)));
    say(s, "layers", json_integer(c->layers));
    say(s, "width", json_integer(c->width));
    say(s, "heads", json_pack("[i, i, i]", c->heads, c->kv_heads, c->head_dim));
    say(s, "feed-forward", json_integer(c->ffn));
    say(s, "vocabulary", json_integer(c->vocab));
    say(s, "context", json_integer(c->context));
    say(s, "window", json_integer(c->window));
    say(s, "tied", json_boolean(c->tied));
    say(s, "outputs", heads_of(c->head));
    say(s, "chat template", json_boolean(m->chat != NULL));
    Err fault = {0};
    if (m->chat && !chat_template_check(m->chat, &fault))
        say(s, "fault of the template", json_string(fault.msg));
    say(s, "adds BOS", json_boolean(tokenizer_adds_bos(m->tokenizer)));
    say(s, "memory in f32", json_string(mem_human(h, (double)weights_floats(c, false) * sizeof(float))));
}

static bool inspect_model(json_t *s, const char *path, Err *err)
{
    Model *m;
    Gguf *g;
    char hash[HASH_TEXT];
    if (!model_load_text(&m, path, 0, err))
        return false;
    bool ok = model_hash(path, NULL, hash, err);
    if (ok) {
        say(s, "kind", json_string(m->base ? "adapter" : file_is_dir(path) ? "Hugging Face directory" : "GGUF"));
        if (m->base)
            say(s, "base", json_string(m->base));
        say(s, "sha256", json_string(hash));
        say_config(s, m);
        if (m->notes)
            say(s, "notes", json_incref(m->notes));
    }
    if (ok && !file_is_dir(path) && gguf_open(&g, path, err)) {
        say(s, "tensors", gguf_types(g));
        gguf_free(g);
    }
    model_free(m);
    return ok;
}

/* --- plans --- */

static void say_sizes(const json_t *plan)
{
    static const char *const keys[] = {"rows", "prompt_tokens", "reply_tokens", "batch", "samples"};
    Str s = {0};
    for (int i = 0; i < COUNT(keys); i++) {
        const json_t *v = json_object_get(plan, keys[i]);
        if (v)
            str_addf(&s, "%s%s %d", s.n ? ", " : "", keys[i], (int)json_integer_value(v));
    }
    for (char *c = s.text; c && *c; c++)
        *c = *c == '_' ? ' ' : *c;
    printf("%-16s %s\n", "planned for", str_text(&s));
    str_release(&s);
    const char *reward = json_text_of(plan, "reward_model");
    if (reward && strcmp(reward, "assumed") == 0)
        printf("%-16s one that is trained from this model\n", "reward model");
}

static void say_bytes(const char *name, double bytes)
{
    char h[32];
    printf("%-24s %10s\n", name, mem_human(h, bytes));
}

static bool inspect_plan(Work *work, const InspectOptions *o, Err *err)
{
    json_t *plan, *part;
    const char *name;
    if (!plan_stage(&plan, work, o->path, &o->plan, err))
        return false;
    work->summary = plan;
    printf("%-16s %s\n", "stage", json_string_value(json_object_get(plan, "stage")));
    say_sizes(plan);
    putchar('\n');
    json_object_foreach(json_object_get(plan, "parts"), name, part) say_bytes(name, json_number_value(part));
    say_bytes("memory", json_number_of(plan, "planned_bytes", 0));
    say_bytes("  of", json_number_of(plan, "allowed_bytes", 0));
    if (json_number_of(plan, "disk_bytes", 0) > 0)
        say_bytes("disk", json_number_of(plan, "disk_bytes", 0));
    if (json_bool_of(plan, "layers_again", false))
        printf("\nonly the inputs of layers are kept, and each layer is computed again: about a third more work\n");
    printf("\nabout %.3g seconds for %s, by what products of these shapes reach here\n",
           json_number_of(plan, "seconds", 0), json_string_value(json_object_get(plan, "seconds_of")));
    if (json_bool_of(plan, "fits", true))
        printf("it fits\n");
    else
        printf("it does not fit: %s; %s\n", json_string_value(json_object_get(plan, "refusal")),
               json_string_value(json_object_get(plan, "remedy")));
    return true;
}

/* --- stores --- */

static bool inspect_store(json_t *summary, const char *path, Err *err)
{
    Store *store;
    if (!store_open_existing(&store, path, err))
        return false;
    json_t *stages = json_array();
    say(summary, "kind", json_string("store"));
    printf("\n%-20s %-16s %-12s %8s %10s\n", "stage", "kind", "state", "rows", "seconds");
    bool ok = true, present = true;
    for (int i = 0; ok && present; i++) {
        StageRow s;
        int rows = 0;
        ok = store_stage_at(store, i, &s, &present, err) && (!present || store_items_count(store, s.id, &rows, err));
        if (ok && present) {
            printf("%-20s %-16s %-12s %8d %10.1f\n", s.name, s.kind, s.done ? "done" : "unfinished", rows, s.seconds);
            json_t *about = json_loads(s.about, 0, NULL),
                   *said = s.summary ? json_loads(s.summary, 0, NULL) : json_null();
            json_array_append_new(stages, json_pack("{s:s, s:s, s:b, s:i, s:f, s:o, s:o}", "name", s.name, "kind",
                                                    s.kind, "done", s.done, "rows", rows, "seconds", s.seconds, "about",
                                                    about, "summary", said));
        }
        stage_row_release(&s);
    }
    json_object_set_new(summary, "stages", stages);
    store_close(store);
    return ok;
}

/* --- rows --- */

static bool inspect_rows(json_t *s, const char *path, Err *err)
{
    Rows rows;
    if (!rows_read(&rows, path, 0, false, err))
        return false;
    json_t *fields = json_object(), *value;
    const char *key;
    for (int i = 0; i < rows.n; i++)
        json_object_foreach(rows.row[i].json, key, value)
        {
            json_int_t n = json_integer_value(json_object_get(fields, key));
            json_object_set_new(fields, key, json_integer(n + 1));
        }
    char hash[HASH_TEXT];
    rows_hash(&rows, hash);
    say(s, "kind", json_string("rows"));
    say(s, "rows", json_integer(rows.n));
    say(s, "sha256 of rows", json_string(hash));
    say(s, "fields", fields);
    rows_release(&rows);
    return true;
}

/* The first bytes of a file tell what it is. What can be read but once is no store and no model. */
static bool begins_with(const char *path, const char *magic)
{
    char head[16] = "";
    FILE *f = file_is_once(path) ? NULL : fopen(path, "rb");
    size_t n = f ? fread(head, 1, strlen(magic), f) : 0;
    if (f)
        fclose(f);
    return n == strlen(magic) && memcmp(head, magic, n) == 0;
}

/* --- one rollout, made again --- */

static void print_tokens(const RolloutInspection *i)
{
    static const char *const columns[] = {"logp", "reference_logp", "values", "returns", "advantages"};
    const json_t *ids = json_object_get(i->recomputed, "ids");
    printf("\n%-10s %-14s", "id", "token");
    for (int c = 0; c < COUNT(columns); c++)
        printf(" %14s", columns[c]);
    for (int t = 0; t < i->tokens; t++) {
        Str token = {0};
        json_t *text = json_string(i->token[t]);
        json_append(&token, text ? text : json_null());
        json_decref(text);
        printf("\n%-10d %-14s", (int)json_integer_value(json_array_get(ids, (size_t)t)), str_text(&token));
        str_release(&token);
        for (int c = 0; c < COUNT(columns); c++) {
            const json_t *x = json_array_get(json_object_get(i->recomputed, columns[c]), (size_t)t);
            if (x)
                printf(" %14.6g", json_number_value(x));
            else
                printf(" %14s", "-");
        }
    }
    putchar('\n');
}

static void print_rollout(const RolloutInspection *i)
{
    static const char *const lines[] = {"step",     "row",      "visit",  "sample",          "prompt",
                                        "response", "ended",    "reward", "penalty",         "scaled",
                                        "rewards",  "judgment", "kl",     "logp_temperature"};
    printf("%-16s %s\n", "stage", i->stage);
    for (int k = 0; k < COUNT(lines); k++) {
        const json_t *value = json_object_get(i->recomputed, lines[k]);
        char *text = value ? json_text(value) : NULL;
        if (text)
            printf("%-16s %s\n", lines[k], text);
        free(text);
    }
    print_tokens(i);
    if (i->judge_prompt)
        printf("\nwhat the judge reads:\n%s\n", i->judge_prompt);
}

/* What was compared of a judge. */
static const struct {
    const char *name, *words;
} judge_again[] = {
    [AGAIN_NO_JUDGE] = {NULL, ""},
    [AGAIN_ASKED] = {"asked", "; so are what the judge read, by its hash, and what it answered"},
    [AGAIN_KEPT] = {"kept",
                    "; so is what the judge read, by its hash. Its answer is the reply of the endpoint that the "
                    "store kept, read again: whether the endpoint would say the same today is not known"},
    [AGAIN_ELSEWHERE] = {"elsewhere", "; so are what the judge read, by its hash, and what the endpoint answered now: "
                                      "the store had not all of its replies"},
    [AGAIN_NOT_RECORDED] = {"not recorded", ", but what the judge read and answered is not on record: the version that "
                                            "made this run kept only the reward"},
};

static bool not_as_recorded(const InspectOptions *o, const RolloutInspection *i, Err *err)
{
    err_set(err, ERR_NUMBER, "step %d, rollout %d: \"%s\" is not what was recorded", o->step, o->sample, i->different);
    if (i->judge == AGAIN_ELSEWHERE)
        return err_hint(err, "the store had not all replies of the endpoint: it was asked anew, and need not say the "
                             "same twice");
    return err_hint(err, "this must not happen: please report the command, the CPU and the versions");
}

static bool inspect_rollout(Work *work, const InspectOptions *o, Err *err)
{
    RolloutInspection i;
    bool ok = rl_inspect(work, o->path, o->stage, o->step, o->sample, &i, err);
    if (ok) {
        print_rollout(&i);
        work->summary =
            json_pack("{s:s, s:i, s:O, s:O, s:b, s:s?, s:s?, s:s?}", "stage", i.stage, "replayed", i.replayed,
                      "recorded", i.recorded, "recomputed", i.recomputed, "equal", i.different == NULL, "unrecorded",
                      i.unrecorded, "judge", judge_again[i.judge].name, "judge_prompt", i.judge_prompt);
    }
    if (ok && i.different)
        ok = not_as_recorded(o, &i, err);
    else if (ok)
        printf("\nall of it is what was recorded, in every bit%s\n", judge_again[i.judge].words);
    if (ok && i.unrecorded)
        printf("not compared: %s of the mix's parts, which the version that made this run did not record\n",
               i.unrecorded);
    rollout_inspection_release(&i);
    return ok;
}

bool cmd_inspect(Work *work, void *options, Err *err)
{
    const InspectOptions *o = options;
    bool beside;
    if (o->plan.stage != PLAN_NOTHING)
        return inspect_plan(work, o, err);
    if (o->step >= 0)
        return work_open_existing(work, o->path, &beside, err) && inspect_rollout(work, o, err);
    json_t *s = work->summary = json_object();
    if (!file_exists(o->path) && !file_is_once(o->path))
        return err_set(err, ERR_INPUT, "%s: there is no such file or directory", o->path),
               err_hint(err, "check the name");
    char *store = path_join(o->path, "store.sqlite");
    bool is_run = file_is_dir(o->path) && file_exists(store), ok;
    if (is_run)
        ok = inspect_store(s, store, err);
    else if (begins_with(o->path, "SQLite format 3"))
        ok = inspect_store(s, o->path, err);
    else if (file_is_dir(o->path) || begins_with(o->path, "GGUF"))
        ok = inspect_model(s, o->path, err);
    else
        ok = inspect_rows(s, o->path, err);
    free(store);
    return ok;
}
