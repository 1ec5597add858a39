/* A reward model on pairs whose preferred response is known. */
#include "rlaif/eval/eval.h"

#include "base/mem.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/table.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/rows/cut.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"pairs", OPT_TEXT, AT(AccuracyOptions, pairs), .value = "PAIRS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "pairs with people's choices"},
    {"reward", OPT_TEXT, AT(AccuracyOptions, reward), .value = "DIR", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the reward model"},
    OUTPUT_ROWS_OPTION(AccuracyOptions, "the pairs with their rewards"),
    TRAINED_ON_OPTION(AccuracyOptions),
    CHAT_OPTION(AccuracyOptions, "through the chat template; auto: as the reward model was trained"),
    TRUNCATE_OPTION(
        AccuracyOptions,
        "what a pair loses that the model's context has no room for: nothing, it is refused; or words at one end of "
        "its context"),
    LIMIT_OPTION(AccuracyOptions, "rows"),
    SKIP_BAD_OPTION(AccuracyOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, RENDER_OPTIONS, AT(AccuracyOptions, common)},
};
const OptionTable accuracy_table = {groups, COUNT(groups), sizeof(AccuracyOptions)};

enum { CHUNK = 16 }; /* pairs that are scored and stored together */

typedef struct Accuracy {
    const AccuracyOptions *options;
    Work *work;
    RewardModel *model;
    int without_choice;
} Accuracy;

static bool prepare(void *context, Err *err)
{
    Accuracy *a = context;
    const AccuracyOptions *o = a->options;
    return reward_model_open(&a->model, o->reward, a->work->device, o->common.date, (ChatMode)o->chat, err);
}

/* Rewards of both responses of every pair of a chunk. */
static bool reward_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Accuracy *a = context;
    Rewarded row[CHUNK] = {{0}};
    char place[CHUNK][300];
    double reward[2 * CHUNK];
    Room room = {.rule = (CutRule)a->options->truncate};
    for (int i = 0; i < n; i++)
        row[i] = (Rewarded){.view = &rows->row[index[i]].view, .where = row_place(rows, index[i], place[i])};
    if (!reward_model_rows(a->model, row, n, room, reward, err))
        return false;
    for (int i = 0; i < n; i++) {
        out[i] = json_copy(rows->row[index[i]].json);
        json_object_set_new(out[i], "rewards", json_pack("[f, f]", reward[2 * i], reward[2 * i + 1]));
        json_object_del(out[i], "rewards_cut");
        if (row[i].cut > 0)
            json_object_set_new(out[i], "rewards_cut", json_integer(row[i].cut));
    }
    return true;
}

/* Leaves only rows that say what people preferred. */
static bool keep_chosen(Rows *rows, int *without, Err *err)
{
    bool *in = mem_alloc((size_t)rows->n, sizeof *in);
    int before = rows->n;
    for (int i = 0; i < rows->n; i++)
        in[i] = rows->row[i].view.preferred >= 0;
    rows_keep(rows, in);
    free(in);
    *without = before - rows->n;
    return rows->n > 0 || (err_set(err, ERR_INPUT, "%s: no row says which response people preferred", rows->path),
                           err_hint(err, "rows need \"preferred\": 0 or 1, or chosen and rejected"));
}

/* --- the numbers, from the stored rows ------------------------------------------------------------------ */

typedef struct Scores {
    double *margin, *reward; /* [n]; [2 n], the preferred one first */
    bool *positive;          /* [2 n] */
    Outcomes right, longer;  /* is the preferred response the higher, the longer */
    json_t *prompts;         /* prompt -> its number */
    int n;
    CutCount cut;
} Scores;

static bool add_row(void *context, json_t *j, Err *err)
{
    Scores *s = context;
    RowView v;
    bool ok = row_view(j, NEED_PAIR, &v, err);
    if (ok) {
        const json_t *rewards = json_object_get(j, "rewards");
        double r[2] = {json_number_value(json_array_get(rewards, 0)), json_number_value(json_array_get(rewards, 1))};
        int best = v.preferred, other = 1 - best;
        s->margin[s->n] = r[best] - r[other];
        s->reward[2 * s->n] = r[best];
        s->reward[2 * s->n + 1] = r[other];
        s->positive[2 * s->n] = true;
        int prompt = context_number(s->prompts, &v.context);
        outcomes_add(&s->right, prompt, eval_outcome(r[best], r[other]));
        outcomes_add(&s->longer, prompt,
                     eval_outcome(text_characters(v.response[best].text), text_characters(v.response[other].text)));
        s->n++;
        cut_count(&s->cut, (int)json_number_of(j, "rewards_cut", 0));
        row_view_release(&v);
    }
    return ok;
}

static void set_numbers(json_t *out, const Scores *s, int without_choice)
{
    int ties = 0;
    for (int i = 0; i < s->n; i++)
        ties += s->margin[i] == 0;
    Moments margin = stats_moments(s->margin, s->n), all = stats_moments(s->reward, 2 * s->n);
    json_object_set_new(out, "pairs", json_integer(s->n));
    json_object_set_new(out, "prompts", json_integer((json_int_t)json_object_size(s->prompts)));
    json_object_set_new(out, "without_choice", json_integer(without_choice));
    eval_set_share(out, "accuracy", &s->right, NULL);
    json_object_set_new(out, "ties", json_integer(ties));
    eval_set(out, "mean_margin", margin.mean);
    eval_set(out, "sd_margin", margin.sd);
    eval_set(out, "auc", stats_auc(s->reward, s->positive, 2 * s->n));
    eval_set(out, "centre", all.mean);
    eval_set(out, "scale", all.sd);
    eval_set(out, "longer_accuracy", s->longer.total / s->n);
    json_object_set_new(out, "longer_interval", eval_interval(outcomes_share(&s->longer)));
}

static bool summarise(Stage *stage, int rows, int without_choice, Err *err)
{
    Scores s = {.margin = mem_alloc((size_t)rows, sizeof(double)),
                .reward = mem_alloc((size_t)rows, 2 * sizeof(double)),
                .positive = mem_zalloc((size_t)rows, 2 * sizeof(bool)),
                .right = outcomes_begin(rows),
                .longer = outcomes_begin(rows),
                .prompts = json_object()};
    bool ok = store_items_each(stage->work->store, stage->id, store_json, &(StoreJson){add_row, &s}, err);
    if (ok) {
        set_numbers(stage->summary, &s, without_choice);
        cut_report(&s.cut, stage->name, stage->summary);
    }
    free(s.margin);
    free(s.reward);
    free(s.positive);
    outcomes_release(&s.right);
    outcomes_release(&s.longer);
    json_decref(s.prompts);
    return ok;
}

static void print_table(const json_t *s)
{
    eval_print("prompts, pairs", "%.0f, %.0f", json_number_of(s, "prompts", 0), json_number_of(s, "pairs", 0));
    eval_print_share("accuracy", s, "accuracy", "interval");
    eval_print_share("  of the longer response", s, "longer_accuracy", "longer_interval");
    eval_print("margin: mean, deviation", "%s, %s", eval_decimal(s, "mean_margin").text,
               eval_decimal(s, "sd_margin").text);
    eval_print("rewards: centre, scale", "%s, %s", eval_decimal(s, "centre").text, eval_decimal(s, "scale").text);
    eval_print("across prompts: AUC", "%s", eval_decimal(s, "auc").text);
}

bool accuracy_stage(Work *work, const char *name, const void *options, Err *err)
{
    const AccuracyOptions *o = options;
    Accuracy a = {.options = o, .work = work};
    Rows rows = {0};
    Stage s = {0};
    char model[HASH_TEXT];
    bool ok = model_hash(o->reward, work->store, model, err) &&
              stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
              keep_chosen(&rows, &a.without_choice, err) && heldout_check(work, &rows, &o->trained_on, err) &&
              heldout_check_model(work, &rows, o->reward, err) &&
              stage_begin(&s, work, name, "eval accuracy",
                          eval_about(stage_about(&accuracy_table, o, &o->common, "reward", model, NULL)), err) &&
              stage_rows(&s, &rows, CHUNK, "pairs", prepare, reward_chunk, &a, err) &&
              summarise(&s, rows.n, a.without_choice, err);
    if (ok && !work->in_recipe && !(o->output && strcmp(o->output, "-") == 0))
        print_table(s.summary);
    ok = ok && stage_end(&s, NULL, err) && (!o->output || stage_deliver(&s, o->output, err));
    reward_model_free(a.model);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
