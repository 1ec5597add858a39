/* Reward models trained on preferences. A pair, or a group of them, is one tree: what its sequences begin with is computed
 * once, forward and backward. */
#include "rlaif/learn/reward.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/real.h"
#include "rlaif/learn/batches.h"
#include "rlaif/learn/flat.h"
#include "rlaif/learn/held_pairs.h"
#include "rlaif/learn/trees.h"
#include "rlaif/rows/pairs.h"
#include "rlaif/rows/part.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"pairs", OPT_LIST, AT(RewardOptions, pairs), .value = "LABELS...",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "pairs with labels or people's choices; several files are taken together"},
    {"model", OPT_TEXT, AT(RewardOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "where training starts; its reward head is kept if it has one"},
    {"output", OPT_TEXT, AT(RewardOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the reward model"},
    {"labels", OPT_CHOICE, AT(RewardOptions, source), .choices = "auto|ai|human|both", .otherwise = "auto",
     .help = "whose labels; auto: a row's AI label, else the person's choice"},
    {"weight-ai", OPT_REAL, AT(RewardOptions, weight_ai), 0, 1e6, "1", .help = "of AI labels in the loss"},
    {"weight-human", OPT_REAL, AT(RewardOptions, weight_human), 0, 1e6, "1", .help = "of people's choices"},
    {"eval", OPT_TEXT, AT(RewardOptions, eval), .value = "ROWS", .flags = OPT_WORKING,
     .help = "pairs that are held out: accuracy and loss"},
    {"eval-labels", OPT_CHOICE, AT(RewardOptions, eval_labels), .choices = HELD_LABELS, .otherwise = "human",
     .with = "eval", .help = "whose choices among them count"},
    {"eval-every", OPT_INT, AT(RewardOptions, eval_every), 0, 1e9, "0", .with = "eval",
     .help = "steps between evaluations; 0: at the end"},
    {"early-stop", OPT_INT, AT(RewardOptions, early_stop), 0, 1e6, "0", .with = "eval-every",
     .help = "stop at the plateau: after so many evaluations without a better accuracy or a lower loss, and keep the "
             "model of the best accuracy; 0: never"},
    {"epochs", OPT_INT, AT(RewardOptions, epochs), 1, 1e6, "1", .help = "times that every pair is seen"},
    {"batch", OPT_INT, AT(RewardOptions, batch), 1, 1e6, "32",
     .help = "pairs an update, at least: a group's stay together"},
    {"max-tokens", OPT_INT, AT(RewardOptions, max_tokens), 0, 1e9, "1152", .help = "longest sequence"},
    TRUNCATE_OPTION(RewardOptions,
                    "what a longer one loses: nothing, it is refused; or words at one end of its context"),
    {"centre-on", OPT_TEXT, AT(RewardOptions, centre_on), .value = "ROWS", .flags = OPT_WORKING,
     .help = "rows with responses whose mean reward becomes 0, such as the start's; not given: the training rows"},
    {"scale", OPT_CHOICE, AT(RewardOptions, scale), .choices = REWARD_SCALES, .otherwise = "auto",
     .help = "what rewards are divided by: auto, so that their deviation is 1 on the training rows; none: nothing, "
             "margins stay as they are"},
    CHAT_OPTION(RewardOptions, "through the model's chat template; auto: if it has one"),
    {"subset", OPT_TEXT, AT(RewardOptions, subset), .value = "5%|N",
     .help = "train on a random part of the rows, groups whole; a smaller part lies within a larger one"},
    LIMIT_OPTION(RewardOptions, "rows of each file"),
    SKIP_BAD_OPTION(RewardOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {train_options, TRAIN_OPTIONS, AT(RewardOptions, train)},
    {common_options, RENDER_OPTIONS, AT(RewardOptions, common)},
};
const OptionTable reward_table = {groups, COUNT(groups), sizeof(RewardOptions)};

struct RewardTraining {
    const RewardOptions *options;
    const Rows *rows;
    Model *model;
    bool chat;
    Trainer trainer;
    Pass pass;
    Trees trees;
    int n_ai;         /* pairs whose label is a judge's */
    double from_half; /* sum of |p - 1/2| over the n_ai labels of a judge */
    CutCount cut;
    HeldPairs held;
    Ids *centre; /* of the responses of --centre-on */
    int n_centre;
};

/* --- pairs --- */

/* Of every sequence that the model reads: trained on, held out or to centre by. */
static Room room_of(const RewardOptions *o)
{
    return (Room){(CutRule)o->truncate, o->max_tokens, 0, "--max-tokens"};
}

static bool add_pair(RewardTraining *t, int row, double p, double weight, Err *err)
{
    Ids ids[2] = {{0}};
    int from;
    bool ok = true;
    for (int i = 0; ok && i < 2; i++)
        ok = render_whole(t->model, &t->rows->row[row].view, i, t->chat, &ids[i], &from, err);
    if (ok)
        trees_add(&t->trees, t->rows, row, ids, p, weight);
    else
        ids_release(&ids[0]), ids_release(&ids[1]);
    return ok;
}

static bool add_row(RewardTraining *t, int row, RowView *v, Err *err)
{
    const RewardOptions *o = t->options;
    int cut, source = o->source;
    bool ai = v->has_label && source != LABELS_HUMAN;
    bool human = v->preferred >= 0 && source != LABELS_AI && (source != LABELS_AUTO || !v->has_label);
    if (!ai && !human)
        return err_set(err, ERR_INPUT, "the row has no %s",
                       source == LABELS_AI ? "\"label\"" : "\"preferred\" and no \"label\""),
               err_hint(err, "rlaif label adds labels; \"preferred\": 0 or 1 is a person's choice");
    if (!cut_whole(t->model, v, t->chat, room_of(o), &cut, err))
        return false;
    cut_count(&t->cut, cut);
    t->n_ai += ai;
    t->from_half += ai ? fabs(v->label - 0.5) : 0;
    return (!ai || add_pair(t, row, v->label, o->weight_ai, err)) &&
           (!human || add_pair(t, row, v->preferred == 0 ? 1 : 0, o->weight_human, err));
}

static bool add_rows(RewardTraining *t, Rows *rows, Err *err)
{
    t->rows = rows;
    trees_init(&t->trees, rows); /* by the prompts as they are before any is cut */
    for (int i = 0; i < rows->n; i++) {
        char place[300];
        if (!add_row(t, i, &rows->row[i].view, err))
            return err_context(err, "%s", row_place(rows, i, place));
    }
    return true;
}

/* --- one update --- */

static bool run_pass(RewardTraining *t, const Tree *const *tree, int n, int batch, double *loss, Err *err)
{
    Pass *pass = &t->pass;
    double *by = mem_alloc((size_t)pass->scalars, sizeof *by);
    float *slope = mem_alloc((size_t)pass->scalars, sizeof *slope);
    bool ok = pass_forward(pass, err);
    for (int i = 0, at = 0; ok && i < n; at += tree[i++]->n)
        *loss += tree_loss(tree[i], pass->scalar + at, by + at) / batch;
    for (int i = 0; ok && i < pass->scalars; i++)
        slope[i] = (float)(by[i] / batch);
    ok = ok && pass_backward(pass, t->trainer.grads, NULL, slope, err);
    free(slope);
    free(by);
    return ok;
}

static int pairs_of(const void *self, int item)
{
    const RewardTraining *t = self;
    return t->trees.at[item].pairs;
}

/* The mean over the batch's pairs. */
static bool gradients(void *self, const int *item, int n, double *loss, Err *err)
{
    RewardTraining *t = self;
    const Tree **tree = mem_alloc((size_t)n, sizeof *tree);
    int batch = 0;
    bool ok = true;
    for (int i = 0; i < n; i++)
        batch += pairs_of(t, item[i]);
    *loss = 0;
    for (int at = 0; ok && at < n;) {
        int held = 0;
        pass_begin(&t->pass, t->model);
        for (; at < n && (held == 0 || t->pass.rows + tree_tokens(&t->trees.at[item[at]]) <= PASS_ROWS); at++) {
            tree[held++] = &t->trees.at[item[at]];
            tree_plant(&t->pass, tree[held - 1]);
        }
        ok = run_pass(t, tree, held, batch, loss, err);
    }
    free(tree);
    return ok;
}

bool reward_training_step(RewardTraining *t, const int *order, int n, double *loss, Err *err)
{
    return gradients(t, order, n, loss, err) && trainer_update(&t->trainer, err);
}

static PassSize pass_of(const void *self, int item)
{
    const RewardTraining *t = self;
    return tree_size(&t->trees.at[item]);
}

static const char *place_of(const void *self, int item, char out[300])
{
    const RewardTraining *t = self;
    return row_place(t->rows, t->trees.at[item].row, out);
}

static Batches batches_of(RewardTraining *t)
{
    const RewardOptions *o = t->options;
    return (Batches){.n = t->trees.n,
                     .size = o->batch,
                     .epochs = o->epochs,
                     .seed = o->common.seed,
                     .self = t,
                     .gradients = gradients,
                     .weight = pairs_of,
                     .pass = pass_of,
                     .place = place_of};
}

/* --- rewards of the model at hand --- */

static bool rewards_cost(const RewardTraining *t, ScorerCost *most, Err *err)
{
    Ids *ids = trees_sequences(&t->trees);
    *most = (ScorerCost){0};
    bool ok = model_rewards_cost(t->model, ids, t->trees.sequences, most, err) &&
              model_rewards_cost(t->model, t->held.ids, 2 * t->held.n, most, err) &&
              model_rewards_cost(t->model, t->centre, t->n_centre, most, err);
    free(ids);
    return ok;
}

/* Rewards that differ by less are one reward and rounding: they are left as they are. */
static const double LEAST_SD = 1e-5;

/* Mean and standard deviation. */
typedef struct Moments {
    double mean, sd;
} Moments;

static Moments moments(const float *r, int n)
{
    double mean = 0, spread = 0;
    for (int i = 0; i < n; i++)
        mean += (double)r[i] / n;
    for (int i = 0; i < n; i++)
        spread += ((double)r[i] - mean) * ((double)r[i] - mean) / n;
    return (Moments){mean, sqrt(spread)};
}

static bool measure(Model *m, const Ids *ids, int n, float *r, Moments *out, Err *err)
{
    bool ok = model_rewards(m, ids, n, r, err);
    *out = ok ? moments(r, n) : (Moments){0, 0};
    return ok;
}

/* Of what the training rows say (centre, deviation, margins) and the centre's: notes in the model, numbers in the summary. */
static void note_scale(RewardTraining *t, Stage *s, Moments training, Moments centre, double margins)
{
    bool constant = training.sd < LEAST_SD;
    double scale = t->options->scale == SCALE_NONE || constant ? 1 : training.sd;
    double labels = t->n_ai > 0 ? t->from_half / t->n_ai : (double)NAN;
    json_t *notes = json_pack("{s:f, s:f, s:b, s:i}", "centre", centre.mean, "scale", scale, "chat", t->chat, "pairs",
                              t->trees.pairs);
    json_decref(t->model->notes);
    t->model->notes = notes;
    t->model->config.pad = -1; /* it is read at its last token, whatever it was read at before */
    json_object_set_new(s->summary, "centre", json_real(centre.mean));
    json_object_set_new(s->summary, "scale", json_real(scale));
    json_object_set_new(s->summary, "sd", json_real(training.sd));
    json_object_set_new(s->summary, "margin_distance", json_real(margins));
    if (isfinite(labels))
        json_object_set_new(s->summary, "label_distance", json_real(labels));
    if (constant)
        log_warn(
            "%s: every response gets the same reward, %.3g: nothing was learned, and nothing can be learned from it",
            s->name, training.mean);
    else if (margins < FLAT) {
        char what[100];
        snprintf(what, sizeof what,
                 "the margins are flat, what the model makes of a pair is %.3f from one half on average", margins);
        flat_margins_warn(s->name, what, scale);
    }
}

/* Mean and standard deviation over the training rows become the model's centre and scale; --centre-on has other rows for
 * the mean: beta weighs the KL against a reward that is 0 on average where the policy starts. */
static bool store_scale(RewardTraining *t, Stage *s, Err *err)
{
    Moments training, centre;
    Ids *ids = trees_sequences(&t->trees);
    int n = t->trees.sequences, most = n > t->n_centre ? n : t->n_centre;
    float *r = mem_alloc((size_t)most, sizeof *r);
    bool ok = measure(t->model, ids, n, r, &training, err);
    double margins = ok ? trees_margins(&t->trees, r) : 0;
    centre = training;
    ok = ok && (!t->centre || measure(t->model, t->centre, t->n_centre, r, &centre, err));
    free(r);
    free(ids);
    if (!ok)
        return false;
    note_scale(t, s, training, centre, margins);
    if (t->centre) {
        json_object_set_new(s->summary, "centre_responses", json_integer(t->n_centre));
        json_object_set_new(s->summary, "centre_sd", json_real(centre.sd));
        json_object_set_new(s->summary, "training_centre", json_real(training.mean));
    }
    return true;
}

/* Accuracy and loss on the held-out pairs. */
static bool measure_held_out(void *self, Stage *s, int step, Err *err)
{
    RewardTraining *t = self;
    Store *store = s->work->store;
    double accuracy, loss;
    return held_pairs_measure(&t->held, t->model, &accuracy, &loss, err) && store_begin(store, err) &&
           store_metric(store, s->id, step, "eval_accuracy", accuracy, err) &&
           store_metric(store, s->id, step, "eval_loss", loss, err) && store_commit(store, err);
}

/* --- the stage --- */

/* The result is the last model, or with --early-stop that of the best accuracy. */
static bool settle_result(const RewardTraining *t, Training *training, Err *err)
{
    static const char *const measured[] = {"loss"};
    Stage *s = training->stage;
    Store *store = s->work->store;
    int best, last = t->trainer.step;
    double accuracy, loss;
    json_object_set_new(s->summary, "pairs", json_integer(t->trees.pairs));
    json_object_set_new(s->summary, "pairs_ai", json_integer(t->n_ai));
    json_object_set_new(s->summary, "pairs_human", json_integer(t->trees.pairs - t->n_ai));
    if (!training_summary(s, measured, COUNT(measured), err) || !training_take_best(training, &best, err) ||
        !store_metric_find(store, s->id, best - 1, "eval_accuracy", &accuracy, err) ||
        !store_metric_find(store, s->id, best - 1, "eval_loss", &loss, err))
        return false;
    if (!t->options->eval)
        return true;
    json_object_set_new(s->summary, "eval_pairs", json_integer(t->held.chosen));
    json_object_set_new(s->summary, "eval_prompts", json_integer(t->held.prompts));
    json_object_set_new(s->summary, "eval_accuracy", json_real(accuracy));
    json_object_set_new(s->summary, "eval_loss", json_real(loss));
    training_say_best(training, best, last);
    return true;
}

static bool needs_of(void *self, int batch, Needs *n, Err *err)
{
    RewardTraining *t = self;
    Batches b = batches_of(t);
    ScorerCost rewards;
    if (!rewards_cost(t, &rewards, err))
        return false;
    b.size = batch;
    training_needs(n, &t->options->train, t->model, batches_largest_pass(&b));
    n->disk = training_disk(&t->options->train, batches_steps(&b), t->options->eval ? t->options->eval_every : 0, 1,
                            t->model, NULL);
    needs_add_base(n, t->model);
    needs_most(n, NEEDS_UNPACKED, rewards.unpacked);
    needs_add(n, NEEDS_REWARDS, rewards.bytes); /* the pass keeps its memory while they are asked for */
    return true;
}

static bool settle_needs(RewardTraining *t, Stage *s, Err *err)
{
    const RewardOptions *o = t->options;
    const Budget b = {needs_of, t, o->batch, o->train.memory};
    return needs_settle(&b, s->name, o->output, s->summary, &t->pass.keep, err);
}

/* Loads the model with a reward head: the file's, or first weights by seed. */
static bool load_model(RewardTraining *t, Device *device, Err *err)
{
    ModelConfig config;
    size_t bytes;
    const RewardOptions *o = t->options;
    if (!model_bytes(o->model, 0, &bytes, &config, err) || !model_load(&t->model, o->model, device, HEAD_REWARD, err))
        return false;
    t->model->date = o->common.date;
    if (!(config.head & HEAD_REWARD))
        model_init_head(t->model, (uint64_t)o->common.seed);
    return trainer_adapt(t->model, &o->train, o->common.seed, ROLE_MODEL, err) &&
           render_chat(t->model, (ChatMode)o->chat, &t->chat, err);
}

bool reward_training_open(RewardTraining **out, const RewardOptions *o, Device *device, Rows *rows, Err *err)
{
    RewardTraining *t = mem_zalloc(1, sizeof *t);
    t->options = o;
    pass_init(&t->pass);
    bool ok = load_model(t, device, err) && add_rows(t, rows, err);
    Batches b = batches_of(t);
    if (!ok || !trainer_init(&t->trainer, t->model, &o->train, batches_steps(&b), err)) {
        reward_training_free(t);
        t = NULL;
    }
    *out = t;
    return t != NULL;
}

void reward_training_free(RewardTraining *t)
{
    if (!t)
        return;
    trainer_release(&t->trainer);
    pass_release(&t->pass);
    trees_release(&t->trees);
    held_pairs_release(&t->held);
    for (int i = 0; i < t->n_centre; i++)
        ids_release(&t->centre[i]);
    free(t->centre);
    model_free(t->model);
    free(t);
}

bool reward_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err)
{
    const RewardOptions *o = options;
    RewardTraining *t;
    if (!reward_training_open(&t, o, work->device, rows, err))
        return false;
    const ModelConfig *c = &t->model->config;
    double computed = 0, attended = 0;
    for (int i = 0; i < t->trees.n; i++) {
        double tokens = tree_tokens(&t->trees.at[i]);
        computed += tokens;
        attended += tokens * tokens / 2;
    }
    double once = transformer_flops(c, computed, attended);
    *e = (Effort){.trained = 3 * once * o->epochs, .scored = once};
    bool ok = needs_of(t, o->batch, n, err);
    reward_training_free(t);
    return ok;
}

int reward_training_items(const RewardTraining *t)
{
    return t->trees.n;
}

int reward_training_tokens(const RewardTraining *t, int i, int *all, int *computed)
{
    const Tree *tree = &t->trees.at[i];
    *all = 0;
    for (int k = 0; k < tree->pairs; k++)
        *all += tree->ids[tree->pair[k].of[0]].n + tree->ids[tree->pair[k].of[1]].n;
    *computed = tree_tokens(tree);
    return tree->pairs;
}

static bool read_held_out(RewardTraining *t, Stage *s, Err *err)
{
    const RewardOptions *o = t->options;
    Rows rows = {0};
    bool ok = !o->eval || (stage_read_rows(s->work, o->eval, 0, NEED_PAIR, o->skip_bad, &rows, err) &&
                           heldout_check_read(t->model, (ChatMode)o->chat, &rows, t->rows, err) &&
                           (o->early_stop == 0 || stage_uses_prompts(s, CHOSEN_BY, &rows, err)) &&
                           held_pairs_read(&t->held, &rows, (HeldLabels)o->eval_labels, t->model, t->chat, room_of(o),
                                           &t->cut, err));
    rows_release(&rows);
    return ok;
}

static bool render_centre(RewardTraining *t, Rows *rows, Err *err)
{
    int n = 0;
    for (int i = 0; i < rows->n; i++)
        n += rows->row[i].view.n;
    t->centre = mem_zalloc((size_t)n, sizeof *t->centre);
    for (int i = 0; i < rows->n; i++) {
        RowView *v = &rows->row[i].view;
        Ids *ids = &t->centre[t->n_centre];
        int cut;
        char place[300];
        t->n_centre += v->n;
        if (!cut_render(t->model, v, t->chat, room_of(t->options), ids, &cut, err))
            return err_context(err, "%s", row_place(rows, i, place));
        cut_count(&t->cut, cut);
    }
    return true;
}

static bool read_centre(RewardTraining *t, Stage *s, Err *err)
{
    const RewardOptions *o = t->options;
    Rows rows = {0};
    bool ok = !o->centre_on || (stage_read_rows(s->work, o->centre_on, 0, NEED_RESPONSES, o->skip_bad, &rows, err) &&
                                render_centre(t, &rows, err));
    rows_release(&rows);
    return ok;
}

static bool run(Stage *s, const RewardOptions *o, Rows *rows, Err *err)
{
    RewardTraining *t;
    if (!reward_training_open(&t, o, s->work->device, rows, err))
        return false;
    Training training = {.stage = s, .out = o->output, .options = &o->train, .trainer = &t->trainer};
    if (o->eval)
        training.held = (HeldOut){measure_held_out, t, "eval_accuracy", "eval_loss", o->eval_every, o->eval_every > 0,
                                  o->early_stop};
    Batches b = batches_of(t);
    bool ok = read_held_out(t, s, err) && read_centre(t, s, err);
    cut_report(&t->cut, s->name, s->summary);
    if (t->n_ai > 0)
        flat_labels_warn(s->name, t->from_half / t->n_ai);
    ok = ok && settle_needs(t, s, err) &&
         ((training_begin(&training, err) && batches_train(&b, &training, err) && settle_result(t, &training, err) &&
           store_scale(t, s, err) && training_end(&training, err)) ||
          training_stopped(&training, err));
    reward_training_free(t);
    return ok;
}

static bool read_pairs(Work *work, const RewardOptions *o, Rows *out, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < o->pairs.n; i++) {
        Rows rows = {0};
        ok = stage_read_rows(work, o->pairs.item[i], o->limit, NEED_PAIR, o->skip_bad, &rows, err);
        if (ok)
            rows_append(out, &rows);
        rows_release(&rows);
    }
    return ok;
}

/* Leaves the rows that --subset draws. */
static bool take_subset(const Work *work, const RewardOptions *o, Rows *rows, Err *err)
{
    Part part;
    if (!part_read(&part, o->subset))
        return err_set(err, work->in_recipe ? ERR_INPUT : ERR_USAGE, "--subset %s cannot be used", o->subset),
               err_hint(err, "give a share as 15%% or 2/3, or a number of rows");
    if (!o->subset)
        return true;
    bool *in = mem_alloc((size_t)rows->n, sizeof *in);
    int *group = mem_alloc((size_t)rows->n, sizeof *group);
    rows_groups(rows, group);
    for (int i = 0; i < rows->n; i++)
        in[i] = true;
    part_draw(part, rows, group, o->common.seed, PART_LABELS, in);
    rows_keep(rows, in);
    free(group);
    free(in);
    return rows->n > 0 || err_set(err, ERR_INPUT, "--subset %s: no row is left", o->subset);
}

bool reward_stage(Work *work, const char *name, const void *options, Err *err)
{
    const RewardOptions *o = options;
    Rows rows = {0};
    Stage s = {0};
    char model[HASH_TEXT], labels[HASH_TEXT], eval[HASH_TEXT], centre[HASH_TEXT];
    bool ok = model_hash(o->model, work->store, model, err) && read_pairs(work, o, &rows, err) &&
              take_subset(work, o, &rows, err) &&
              heldout_hash_rows(work, o->eval, NEED_PAIR, o->skip_bad, &rows, eval, err) &&
              stage_hash_rows(work, o->centre_on, NEED_RESPONSES, o->skip_bad, centre, err);
    if (ok)
        rows_hash(&rows, labels);
    ok = ok && stage_begin(&s, work, name, "reward",
                           stage_about(&reward_table, o, &o->common, "model", model, "labels", labels, "eval", eval,
                                       "centre", centre, NULL),
                           err);
    bool done = false;
    ok = ok && stage_uses_prompts(&s, TRAINED_ON, &rows, err) && training_done(&s, o->output, &done, err) &&
         (done || run(&s, o, &rows, err));
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
