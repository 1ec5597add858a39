/* Labels. */
#include "rlaif/label_internal.h"

#include "base/mem.h"
#include "base/rng.h"

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

enum {
    CHUNK = 16,           /* pairs that are judged and stored together */
    CHUNK_RATIONALES = 64 /* with rationales, so many of them in place of pairs */
};

typedef struct Labeling {
    const LabelOptions *options;
    const char *prompt_name;
    Work *work;
    Model *model;
    Judge *judge;
    char model_hash[HASH_TEXT], prompt_hash[HASH_TEXT];
} Labeling;

static bool prepare(void *context, Err *err)
{
    Labeling *l = context;
    JudgeOptions how = l->options->judge;
    how.seed = l->options->common.seed;
    return model_load(&l->model, l->options->model, l->work->device, HEAD_LM, err) &&
           judge_open(&l->judge, l->model, l->prompt_name, how, err);
}

/* A row with its label, settled from what was said. */
static bool finish_row(const Labeling *l, const Row *row, json_t *said, json_t **out, Err *err)
{
    char *judge = mem_printf("sha256:%s", l->model_hash), *prompt = mem_printf("sha256:%s", l->prompt_hash);
    json_object_set_new(said, "method", json_string(l->options->method == LABEL_PAIRWISE ? "pairwise" : "pointwise"));
    json_object_set_new(said, "judge", json_string(judge));
    json_object_set_new(said, "prompt_hash", json_string(prompt));
    json_object_set_new(said, "seed", json_integer(l->options->common.seed));
    free(judge);
    free(prompt);
    json_t *label;
    bool ok = label_settle(said, &l->options->settle, -1, &label, err);
    json_decref(said);
    if (ok) {
        *out = json_copy(row->json);
        json_object_set_new(*out, "label", label);
    }
    return ok;
}

static bool label_pairs(Labeling *l, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Question q[CHUNK] = {{0}};
    PairVerdict *verdict = mem_zalloc(CHUNK, sizeof *verdict);
    char place[CHUNK][300];
    for (int i = 0; i < n; i++) {
        const Row *row = &rows->row[index[i]];
        RngKey key = {.seed = (uint64_t)l->options->common.seed, .purpose = RNG_ORDER, .row = row->identity};
        q[i] = (Question){row_place(rows, index[i], place[i]), context_lines(&row->view.context),
                          row->view.response[0].text,          row->view.response[1].text,
                          rng_below(key, 0, 2) == 1,           row->identity};
    }
    bool ok = judge_pairs(l->judge, q, n, l->options->both_orders, verdict, err);
    for (int i = 0; i < n; i++) {
        ok = ok && finish_row(l, &rows->row[index[i]], label_of_pair(l->judge, &verdict[i]), &out[i], err);
        pair_verdict_release(&verdict[i]);
        free((char *)(uintptr_t)q[i].context);
    }
    free(verdict);
    return ok;
}

static bool label_points(Labeling *l, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Question q[2 * CHUNK] = {{0}};
    Verdict verdict[CHUNK][2];
    char place[CHUNK][300];
    for (int i = 0; i < 2 * n; i++) {
        const Row *row = &rows->row[index[i / 2]];
        q[i] = (Question){.where = row_place(rows, index[i / 2], place[i / 2]),
                          .first = row->view.response[i % 2].text,
                          .context = i % 2 ? q[i - 1].context : context_lines(&row->view.context)};
    }
    bool ok = judge_responses(l->judge, q, 2 * n, verdict[0], err);
    for (int i = 0; i < n; i++) {
        ok = ok && finish_row(l, &rows->row[index[i]], label_of_scores(l->judge, verdict[i]), &out[i], err);
        free((char *)(uintptr_t)q[2 * i].context);
    }
    return ok;
}

static bool label_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Labeling *l = context;
    return l->options->method == LABEL_PAIRWISE ? label_pairs(l, rows, index, n, out, err)
                                                : label_points(l, rows, index, n, out, err);
}

/* Pairs of one chunk. */
static int chunk_pairs(const LabelOptions *o)
{
    int n = CHUNK_RATIONALES / (o->judge.samples * (o->both_orders ? 2 : 1));
    return !o->judge.cot ? CHUNK : n < 1 ? 1 : n < CHUNK ? n : CHUNK;
}

static bool check_prompt(Labeling *l, Err *err)
{
    JudgePrompt *p;
    if (!judge_prompt_load(&p, l->prompt_name, err))
        return false;
    memcpy(l->prompt_hash, p->hash, HASH_TEXT);
    bool pairwise = p->kind == JUDGE_PAIRWISE;
    judge_prompt_free(p);
    if (pairwise == (l->options->method == LABEL_PAIRWISE))
        return true;
    err_set(err, ERR_INPUT, "the prompt %s judges %s at a time", l->prompt_name,
            pairwise ? "two responses" : "one response");
    return err_hint(err, "use --method %s", pairwise ? "pairwise" : "pointwise");
}

/* Asks the judge about every row. */
static bool judge_rows(Work *work, const char *name, const LabelOptions *o, bool deliver, Err *err)
{
    Labeling l = {.options = o, .work = work};
    l.prompt_name = o->prompt ? o->prompt : o->method == LABEL_PAIRWISE ? "helpful-base" : "helpful-score";
    Rows rows = {0};
    Stage s = {0};
    bool ok =
        check_prompt(&l, err) && model_hash(o->model, l.model_hash, err) &&
        stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
        stage_begin(&s, work, name, "label",
                    stage_about(&label_table, o, &o->common, "model", l.model_hash, "prompt", l.prompt_hash, NULL),
                    err) &&
        stage_uses_prompts(&s, &rows, err) &&
        stage_rows(&s, &rows, chunk_pairs(o), "pairs", prepare, label_chunk, &l, err) &&
        label_summary(&s, o, l.prompt_name, true, err) && stage_end(&s, NULL, err) &&
        (!deliver || stage_deliver(&s, o->output, err));
    judge_free(l.judge);
    model_free(l.model);
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
