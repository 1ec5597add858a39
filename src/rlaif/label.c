/* Labels. */
#include "rlaif/label_internal.h"

#include "base/mem.h"

static const Option option_rows[] = {
    {"pairs", OPT_TEXT, AT(LabelOptions, pairs), .value = "PAIRS", .flags = OPT_POSITIONAL | OPT_WORKING,
     .help = "rows with two responses"},
    {"model", OPT_TEXT, AT(LabelOptions, model), .value = "MODEL", .flags = OPT_WORKING, .help = "the judge"},
    {"from", OPT_TEXT, AT(LabelOptions, from), .value = "LABELS", .flags = OPT_WORKING,
     .help = "average, flip, soften and filter labels anew, without a model"},
    {"output", OPT_TEXT, AT(LabelOptions, output), .value = "LABELS", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "rows with their labels; standard output if not given"},
    {"prompt", OPT_TEXT, AT(LabelOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "judge prompt [helpful-base; pointwise: helpful-score]"},
    {"method", OPT_CHOICE, AT(LabelOptions, method), .choices = "pairwise|pointwise", .otherwise = "pairwise",
     .help = "compare two responses, or judge each alone"},
    {"both-orders", OPT_BOOL, AT(LabelOptions, both_orders), .otherwise = "true",
     .help = "ask in both orders and average; false: in one, drawn by seed"},
    {"drop-same-slot", OPT_BOOL, AT(LabelOptions, drop_same_slot), .flags = OPT_WORKING,
     .help = "drop pairs where both orders chose the same position"},
    {"drop-undecided", OPT_REAL, AT(LabelOptions, drop_undecided), 0, 0.5, "0", .value = "MARGIN", .flags = OPT_WORKING,
     .help = "drop pairs whose label is nearer to 1/2 than this"},
    {"explain", OPT_BOOL, AT(LabelOptions, explain), .flags = OPT_WORKING | OPT_CLI,
     .help = "print what the prompts share and one of them, and ask nothing"},
    {"limit", OPT_INT, AT(LabelOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(LabelOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {judge_option_rows, JUDGE_OPTIONS, AT(LabelOptions, judge)},
    {settle_option_rows, SETTLE_OPTIONS, AT(LabelOptions, settle)},
    {price_option_rows, PRICE_OPTIONS, AT(LabelOptions, prices)},
    {common_options, COMMON_OPTIONS, AT(LabelOptions, common)},
};
const OptionTable label_table = {groups, COUNT(groups), sizeof(LabelOptions)};

/* Loads the judge and says what it will take, before the first row that is missing. */
static bool prepare(void *context, Err *err)
{
    Asking *a = context;
    const Rows *rows = a->stage->rows;
    return model_load(&a->model, a->options->model, a->work->device, HEAD_LM, err) && asking_open_judge(a, err) &&
           label_plan(a, rows, a->stage->missing, a->stage->n_missing, err);
}

/* Asks the judge about every row. */
static bool judge_rows(Work *work, const char *name, const LabelOptions *o, bool deliver, Err *err)
{
    Asking a;
    Rows rows = {0};
    Stage s = {0};
    bool ok = asking_begin(&a, work, o, err) && model_hash(o->model, a.model_hash, err) &&
              stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
              stage_begin(
                  &s, work, name, "label",
                  stage_about(&label_table, o, &o->common, "model", a.model_hash, "prompt", a.prompt_hash, NULL), err);
    a.stage = &s;
    ok = ok && stage_uses_prompts(&s, &rows, err) &&
         stage_rows(&s, &rows, a.chunk, "pairs", prepare, ask_chunk, &a, err) &&
         label_summary(&s, o, a.prompt_name, true, err) && stage_end(&s, NULL, err);
    if (ok && a.plan.chunks > 0) /* measured here and now: printed, not stored */
        json_object_set_new(work->summary, "plan", label_plan_json(&a));
    ok = ok && (!deliver || stage_deliver(&s, o->output, err));
    asking_release(&a);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}

static bool check_options(const Work *work, const LabelOptions *o, Err *err)
{
    ErrCode code = work->in_recipe ? ERR_INPUT : ERR_USAGE;
    if (o->from && (o->pairs || o->model))
        return err_set(err, code, "label: --from settles labels anew: it takes no pairs and no model");
    if (o->from || (o->pairs && o->model))
        return true;
    err_set(err, code, "label: %s is missing", o->pairs ? "--model" : "PAIRS");
    return err_hint(err, "%s", o->pairs ? "the judge" : "rows with two responses; or --from LABELS");
}

bool label_stage(Work *work, const char *name, const void *options, Err *err)
{
    const LabelOptions *o = options;
    if (!check_options(work, o, err))
        return false;
    if (o->explain)
        return label_explain(work, o, err);
    if (o->from)
        return label_settle_rows(work, name, o, o->from, err);
    if (!o->drop_same_slot && o->drop_undecided <= 0)
        return judge_rows(work, name, o, true, err);
    char *all = mem_printf("%s.all", name), *from = mem_printf("stage:%s", all);
    bool ok = judge_rows(work, all, o, false, err) && label_settle_rows(work, name, o, from, err);
    free(all);
    free(from);
    return ok;
}
