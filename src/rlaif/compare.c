/* A recipe's win rate. */
#include "rlaif/compare.h"

#include "base/mem.h"

static const Option option_rows[] = {
    {"prompts", OPT_TEXT, AT(CompareOptions, prompts), .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "held-out rows with a prompt"},
    {"policy", OPT_TEXT, AT(CompareOptions, policy), .flags = OPT_REQUIRED | OPT_WORKING, .help = "the newer policy"},
    {"against", OPT_TEXT, AT(CompareOptions, against), .otherwise = "policy", .flags = OPT_WORKING,
     .help = "the policy it is compared with"},
    {"judge", OPT_TEXT, AT(CompareOptions, judge), .flags = OPT_REQUIRED | OPT_WORKING, .help = "who judges"},
    {"prompt", OPT_LIST, AT(CompareOptions, prompt), .flags = OPT_REQUIRED, .help = "judge prompts, one or more"},
    {"n", OPT_INT, AT(CompareOptions, n), 1, 10000, "1", .help = "responses a prompt of each policy"},
    {"chat", OPT_CHOICE, AT(CompareOptions, chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help = "how the policies read prompts"},
    {"limit", OPT_INT, AT(CompareOptions, limit), 0, 1e9, "0", .help = "at most so many prompts; 0: all"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {sampling_options, SAMPLING_OPTIONS, AT(CompareOptions, sampling)},
    {common_options, COMMON_OPTIONS, AT(CompareOptions, common)},
};
const OptionTable compare_table = {groups, COUNT(groups), sizeof(CompareOptions)};

/* --- what was trained on --- */

/* The contexts of the evaluation, and the first that training has met. */
typedef struct Overlap {
    json_t *held_out; /* object: context -> line */
    char *met;        /* the context, or NULL */
    const char *stage;
} Overlap;

static void meet(Overlap *o, const char *context)
{
    if (!o->met && json_object_get(o->held_out, context))
        o->met = mem_str(context);
}

static bool meet_row(void *context, const char *row, Err *err)
{
    Overlap *o = context;
    json_t *j;
    RowView v;
    if (!json_parse(row, strlen(row), "a stored row", &j, err))
        return false;
    bool ok = row_view(j, NEED_PROMPT, &v, err);
    if (ok) {
        char *lines = context_lines(&v.context);
        meet(o, lines);
        free(lines);
        row_view_release(&v);
    }
    json_decref(j);
    return ok;
}

/* Contexts of rows that were sampled, labelled or trained on in this run. */
static bool meet_stage(Work *work, const StageRow *s, Overlap *o, Err *err)
{
    static const char *const row_kinds[] = {"sample", "label"};
    o->stage = s->name;
    for (int i = 0; i < COUNT(row_kinds); i++)
        if (strcmp(s->kind, row_kinds[i]) == 0)
            return store_items_each(work->store, s->id, meet_row, o, err);
    return strcmp(s->kind, "rl") != 0 || store_rollouts_each(work->store, s->id, -1, meet_row, o, err);
}

static bool check_disjoint(Work *work, const char *after, const char *before, const Rows *rows, Err *err)
{
    Overlap o = {.held_out = json_object()};
    for (int i = 0; i < rows->n; i++) {
        char *lines = context_lines(&rows->row[i].view.context);
        json_object_set_new(o.held_out, lines, json_integer(i));
        free(lines);
    }
    bool ok = true, present = true;
    for (int i = 0; ok && present && !o.met; i++) {
        StageRow s;
        ok = store_stage_at(work->store, i, &s, &present, err);
        if (ok && present && strcmp(s.name, after) != 0 && strcmp(s.name, before) != 0)
            ok = meet_stage(work, &s, &o, err);
        if (ok && o.met) {
            int at = (int)json_integer_value(json_object_get(o.held_out, o.met));
            char place[300];
            err_set(err, ERR_INPUT, "%s: the prompt also occurs in the stage \"%s\"", row_place(rows, at, place),
                    s.name);
            ok = err_hint(err, "an evaluation needs prompts that were not trained on: take it out of one of the two");
        }
        stage_row_release(&s);
    }
    free(o.met);
    json_decref(o.held_out);
    return ok;
}

/* --- the stage --- */

static bool sample_policy(Work *work, const CompareOptions *o, const char *name, char *model, Err *err)
{
    SampleOptions s = {.common = o->common,
                       .sampling = o->sampling,
                       .prompts = o->prompts,
                       .model = model,
                       .n = o->n,
                       .chat = o->chat,
                       .limit = o->limit};
    return sample_stage(work, name, &s, err);
}

bool compare_stage(Work *work, const char *name, const void *options, Err *err)
{
    const CompareOptions *o = options;
    char *after = mem_printf("%s-after", name), *before = mem_printf("%s-before", name);
    char *a = mem_printf("stage:%s", after), *b = mem_printf("stage:%s", before);
    WinrateOptions w = {.common = o->common, .a = a, .b = b, .judge = o->judge, .prompt = o->prompt};
    Rows rows;
    bool ok = stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, false, &rows, err);
    ok = ok && check_disjoint(work, after, before, &rows, err) && sample_policy(work, o, after, o->policy, err) &&
         sample_policy(work, o, before, o->against, err) && winrate_stage(work, name, &w, err);
    rows_release(&rows);
    free(after);
    free(before);
    free(a);
    free(b);
    return ok;
}
