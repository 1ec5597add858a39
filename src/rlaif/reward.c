/* Reward models trained on preferences. A pair is one tree: what both sequences begin with is computed once, forward
 * and backward. */
#include "rlaif/reward.h"

#include "base/mem.h"
#include "base/real.h"
#include "infer/trie.h"
#include "train/pass.h"

static const Option option_rows[] = {
    {"pairs", OPT_TEXT, AT(RewardOptions, pairs), .value = "LABELS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "pairs with labels or people's choices"},
    {"model", OPT_TEXT, AT(RewardOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "where training starts; its reward head is kept if it has one"},
    {"output", OPT_TEXT, AT(RewardOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the reward model"},
    {"labels", OPT_CHOICE, AT(RewardOptions, source), .choices = "auto|ai|human|both", .otherwise = "auto",
     .help = "whose labels; auto: a row's AI label, else the person's choice"},
    {"weight-ai", OPT_REAL, AT(RewardOptions, weight_ai), 0, 1e6, "1", .help = "of AI labels in the loss"},
    {"weight-human", OPT_REAL, AT(RewardOptions, weight_human), 0, 1e6, "1", .help = "of people's choices"},
    {"eval", OPT_TEXT, AT(RewardOptions, eval), .value = "ROWS", .flags = OPT_WORKING,
     .help = "pairs with people's choices, held out: accuracy"},
    {"eval-every", OPT_INT, AT(RewardOptions, eval_every), 0, 1e9, "0",
     .help = "steps between evaluations; 0: at the end"},
    {"epochs", OPT_INT, AT(RewardOptions, epochs), 1, 1e6, "1", .help = "times that every pair is seen"},
    {"batch", OPT_INT, AT(RewardOptions, batch), 1, 1e6, "32", .help = "pairs an update"},
    {"max-tokens", OPT_INT, AT(RewardOptions, max_tokens), 0, 1e9, "1152", .help = "longest sequence"},
    {"truncate", OPT_CHOICE, AT(RewardOptions, truncate), .choices = CUT_RULES, .otherwise = "none",
     .help = "what a longer one loses: nothing, it is refused; or words at one end of its context"},
    {"centre-on", OPT_TEXT, AT(RewardOptions, centre_on), .value = "ROWS", .flags = OPT_WORKING,
     .help = "rows with responses whose mean reward becomes 0, such as the start's; not given: the training rows"},
    {"chat", OPT_CHOICE, AT(RewardOptions, chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help = "through the model's chat template; auto: if it has one"},
    {"limit", OPT_INT, AT(RewardOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(RewardOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {train_options, TRAIN_OPTIONS, AT(RewardOptions, train)},
    {common_options, COMMON_OPTIONS, AT(RewardOptions, common)},
};
const OptionTable reward_table = {groups, COUNT(groups), sizeof(RewardOptions)};

enum {
    PASS_ROWS = 1024,    /* tokens of one pass, about */
    REWARDS_AT_ONCE = 64 /* sequences that are scored together */
};

/* Two sequences and the probability that the first is better. */
typedef struct LabelledPair {
    Ids ids[2];
    int shared; /* tokens that both begin with */
    double p, weight;
} LabelledPair;

struct RewardTraining {
    const RewardOptions *options;
    Model *model;
    bool chat;
    Trainer trainer;
    Pass pass;
    LabelledPair *pair;
    int n, cap, n_ai;
    CutCount cut;
    Rows eval, centre;
};

/* --- pairs --- */

static bool add_pair(RewardTraining *t, const RowView *v, double p, double weight, Err *err)
{
    t->pair = MEM_GROW(t->pair, t->n, t->cap);
    LabelledPair *pair = &t->pair[t->n++];
    *pair = (LabelledPair){.p = p, .weight = weight};
    for (int i = 0; i < 2; i++) {
        int from;
        if (!render_whole(t->model, v, i, t->chat, &pair->ids[i], &from, err))
            return false;
    }
    pair->shared = common_prefix(pair->ids[0].id, pair->ids[0].n, pair->ids[1].id, pair->ids[1].n);
    return true;
}

static bool add_row(RewardTraining *t, RowView *v, Err *err)
{
    const RewardOptions *o = t->options;
    Room room = {(CutRule)o->truncate, o->max_tokens, 0, "--max-tokens"};
    int cut, source = o->source;
    bool ai = v->has_label && source != LABELS_HUMAN;
    bool human = v->preferred >= 0 && source != LABELS_AI && (source != LABELS_AUTO || !v->has_label);
    if (!ai && !human)
        return err_set(err, ERR_INPUT, "the row has no %s",
                       source == LABELS_AI ? "\"label\"" : "\"preferred\" and no \"label\""),
               err_hint(err, "rlaif label adds labels; \"preferred\": 0 or 1 is a person's choice");
    if (!cut_whole(t->model, v, t->chat, room, &cut, err))
        return false;
    cut_count(&t->cut, cut);
    t->n_ai += ai;
    return (!ai || add_pair(t, v, v->label, o->weight_ai, err)) &&
           (!human || add_pair(t, v, v->preferred == 0 ? 1 : 0, o->weight_human, err));
}

static bool add_rows(RewardTraining *t, Rows *rows, Err *err)
{
    for (int i = 0; i < rows->n; i++) {
        char place[300];
        if (!add_row(t, &rows->row[i].view, err))
            return err_context(err, "%s", row_place(rows, i, place));
    }
    return true;
}

/* --- one update --- */

static int pair_tokens(const LabelledPair *p)
{
    return p->ids[0].n + p->ids[1].n - p->shared;
}

/* A pair as a tree: its two numbers are wanted at the ends of the branches. */
static void plant_pair(Pass *pass, const LabelledPair *p)
{
    int root = -1;
    if (p->shared > 0)
        root = pass_segment(pass, -1, p->ids[0].id, p->shared);
    for (int i = 0; i < 2; i++) {
        int n = p->ids[i].n - p->shared;
        if (n == 0) { /* one sequence begins the other, or they are equal */
            pass_scalar(pass, SCALAR_REWARD, root, p->shared - 1);
            continue;
        }
        int branch = pass_segment(pass, root, p->ids[i].id + p->shared, n);
        pass_scalar(pass, SCALAR_REWARD, branch, n - 1);
    }
}

/* L and dL/dd for the margin d = r(first) - r(second) and the label p (5.1). */
static double pair_loss(double d, double p, double *slope)
{
    double s = real_sigmoid(d);
    *slope = s - p;
    double log_s = d > 0 ? -real_log1p(real_exp(-d)) : d - real_log1p(real_exp(d));
    return -(p * log_s + (1 - p) * (log_s - d));
}

static bool run_pass(RewardTraining *t, const LabelledPair *const *pair, int n, int batch, double *loss, Err *err)
{
    Pass *pass = &t->pass;
    float *slope = mem_alloc((size_t)n * 2, sizeof *slope);
    bool ok = pass_forward(pass, err);
    for (int i = 0; ok && i < n; i++) {
        double by_margin;
        double d = (double)pass->scalar[2 * i] - (double)pass->scalar[2 * i + 1], w = pair[i]->weight;
        *loss += w * pair_loss(d, pair[i]->p, &by_margin) / batch;
        slope[2 * i] = (float)(w * by_margin / batch);
        slope[2 * i + 1] = -slope[2 * i];
    }
    ok = ok && pass_backward(pass, t->trainer.grads, NULL, slope, err);
    free(slope);
    return ok;
}

bool reward_training_step(RewardTraining *t, const int *order, int n, double *loss, Err *err)
{
    const LabelledPair **pair = mem_alloc((size_t)n, sizeof *pair);
    bool ok = true;
    *loss = 0;
    for (int at = 0; ok && at < n;) {
        int held = 0;
        pass_begin(&t->pass, t->model);
        for (; at < n && (held == 0 || t->pass.rows + pair_tokens(&t->pair[order[at]]) <= PASS_ROWS); at++) {
            pair[held++] = &t->pair[order[at]];
            plant_pair(&t->pass, &t->pair[order[at]]);
        }
        ok = run_pass(t, pair, held, n, loss, err);
    }
    free(pair);
    if (ok && !isfinite(*loss))
        return err_set(err, ERR_NUMBER, "step %d: the loss is not finite", t->trainer.step + 1),
               err_hint(err, "lower --lr; the last checkpoint is intact");
    return ok && trainer_update(&t->trainer, err);
}

/* --- rewards of the model at hand --- */

static bool head_of(Model *m, const Sequence *seq, int n, float *r, Err *err)
{
    Scorer *scorer;
    scorer_open(&scorer, m);
    bool ok = true;
    for (int i = 0; ok && i < n; i += REWARDS_AT_ONCE)
        ok = scorer_rewards(scorer, seq + i, n - i < REWARDS_AT_ONCE ? n - i : REWARDS_AT_ONCE, r + i, err);
    scorer_free(scorer);
    return ok;
}

bool reward_training_rewards(RewardTraining *t, float *r, Err *err)
{
    Sequence *seq = mem_alloc((size_t)t->n * 2, sizeof *seq);
    for (int i = 0; i < 2 * t->n; i++)
        seq[i] = (Sequence){t->pair[i / 2].ids[i % 2].id, t->pair[i / 2].ids[i % 2].n};
    bool ok = head_of(t->model, seq, 2 * t->n, r, err);
    free(seq);
    return ok;
}

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

/* The head on the responses of --centre-on. */
static bool measure_centre(RewardTraining *t, Moments *out, int *responses, Err *err)
{
    int n = 0;
    for (int i = 0; i < t->centre.n; i++)
        n += t->centre.row[i].view.n;
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    float *r = mem_alloc((size_t)n, sizeof *r);
    bool ok = true;
    *responses = 0;
    for (int i = 0; ok && i < t->centre.n; i++)
        for (int k = 0; ok && k < t->centre.row[i].view.n; k++) {
            int from, at = (*responses)++;
            char place[300];
            ok = (render_whole(t->model, &t->centre.row[i].view, k, t->chat, &ids[at], &from, err) &&
                  render_fits(t->model, ids[at].n, 0, err)) ||
                 err_context(err, "%s", row_place(&t->centre, i, place));
            seq[at] = (Sequence){ids[at].id, ids[at].n};
        }
    ok = ok && head_of(t->model, seq, n, r, err);
    if (ok)
        *out = moments(r, n);
    for (int i = 0; i < n; i++)
        ids_release(&ids[i]);
    free(ids);
    free(seq);
    free(r);
    return ok;
}

/* Mean and standard deviation over the training rows become the model's centre and scale; --centre-on has other rows for
 * the mean: beta weighs the KL against a reward that is 0 on average where the policy starts. */
static bool store_scale(RewardTraining *t, Stage *s, Err *err)
{
    float *r = mem_alloc((size_t)t->n * 2, sizeof *r);
    bool ok = reward_training_rewards(t, r, err);
    Moments training = ok ? moments(r, 2 * t->n) : (Moments){0, 0}, centre = training;
    int responses = 0;
    free(r);
    if (!ok || (t->options->centre_on && !measure_centre(t, &centre, &responses, err)))
        return false;
    double scale = training.sd > 1e-6 ? training.sd : 1;
    json_t *notes =
        json_pack("{s:f, s:f, s:b, s:i}", "centre", centre.mean, "scale", scale, "chat", t->chat, "pairs", t->n);
    json_decref(t->model->notes);
    t->model->notes = notes;
    json_object_set_new(s->summary, "centre", json_real(centre.mean));
    json_object_set_new(s->summary, "scale", json_real(scale));
    if (t->options->centre_on) {
        json_object_set_new(s->summary, "centre_responses", json_integer(responses));
        json_object_set_new(s->summary, "centre_sd", json_real(centre.sd));
        json_object_set_new(s->summary, "training_centre", json_real(training.mean));
    }
    return true;
}

bool pair_accuracy(RewardModel *r, const Rows *rows, PairAccuracy *out, Err *err)
{
    *out = (PairAccuracy){0};
    for (int i = 0; i < rows->n; i++) {
        const RowView *v = &rows->row[i].view;
        char place[300];
        Ids ids[2] = {{0}};
        Sequence seq[2];
        double reward[2];
        bool ok = true;
        if (v->preferred < 0)
            continue;
        for (int k = 0; ok && k < 2; k++) {
            int from;
            ok = (render_whole(r->model, v, k, r->chat, &ids[k], &from, err) &&
                  render_fits(r->model, ids[k].n, 0, err)) ||
                 err_context(err, "%s", row_place(rows, i, place));
            seq[k] = (Sequence){ids[k].id, ids[k].n};
        }
        ok = ok && not_interrupted(err) && reward_model_score(r, seq, 2, reward, err);
        ids_release(&ids[0]);
        ids_release(&ids[1]);
        if (!ok)
            return false;
        double margin = reward[v->preferred] - reward[1 - v->preferred];
        out->right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
        out->mean_margin += margin;
        out->n++;
    }
    if (out->n == 0)
        return err_set(err, ERR_INPUT, "%s: no row says which response people preferred", rows->path),
               err_hint(err, "rows need \"preferred\": 0 or 1, or chosen and rejected");
    out->mean_margin /= out->n;
    return true;
}

/* Accuracy on the held-out rows, as a metric of this step. */
static bool evaluate(RewardTraining *t, Stage *s, double *accuracy, Err *err)
{
    RewardModel r = {.model = t->model, .chat = t->chat, .scale = 1};
    PairAccuracy a;
    scorer_open(&r.scorer, t->model);
    bool ok = pair_accuracy(&r, &t->eval, &a, err);
    scorer_free(r.scorer);
    if (!ok)
        return false;
    *accuracy = a.right / a.n;
    return store_metric(s->work->store, s->id, t->trainer.step - 1, "eval_accuracy", *accuracy, err);
}

/* --- the stage --- */

static bool record(Stage *s, const RewardTraining *t, double loss, Err *err)
{
    Store *store = s->work->store;
    int at = t->trainer.step - 1; /* the step that the update has ended */
    return store_begin(store, err) && store_metric(store, s->id, at, "loss", loss, err) &&
           store_metric(store, s->id, at, "grad_norm", t->trainer.grad_norm, err) &&
           store_metric(store, s->id, at, "lr", t->trainer.rate, err) && store_commit(store, err);
}

/* Measures what is due after the steps so far, unless it is on record, and keeps them. A step that was interrupted while
 * it was measured is measured when the run goes on. */
static bool settle_step(RewardTraining *t, Training *training, Err *err)
{
    Stage *s = training->stage;
    int every = t->options->eval_every, at = t->trainer.step;
    double accuracy = (double)NAN;
    bool due = t->options->eval && at > 0 && (at == t->trainer.steps || (every && at % every == 0)), known = true;
    return (!due || store_metric_known(s->work->store, s->id, at - 1, "eval_accuracy", &known, err)) &&
           (known || evaluate(t, s, &accuracy, err)) && training_checkpoint(training, accuracy, err);
}

static bool train(RewardTraining *t, Training *training, Err *err)
{
    Stage *s = training->stage;
    int batch = t->options->batch, per_epoch = (t->n + batch - 1) / batch,
        *order = mem_alloc((size_t)t->n, sizeof *order);
    Progress p;
    double loss = 0;
    progress_begin(&p, s->name, "steps", t->trainer.steps, t->trainer.step);
    bool ok = settle_step(t, training, err);
    while (ok && t->trainer.step < t->trainer.steps) {
        int epoch = t->trainer.step / per_epoch, first = t->trainer.step % per_epoch * batch;
        epoch_order(t->options->common.seed, epoch, order, t->n);
        ok = not_interrupted(err) &&
             reward_training_step(t, order + first, t->n - first < batch ? t->n - first : batch, &loss, err) &&
             record(s, t, loss, err);
        training->whole_step = ok ? t->trainer.step : training->whole_step;
        ok = ok && settle_step(t, training, err);
        progress_figure(&p, "loss %.3f", loss);
        progress_at(&p, t->trainer.step);
    }
    progress_end(&p);
    free(order);
    return ok;
}

static bool take_accuracy(void *context, int step, const char *name, double value, Err *err)
{
    (void)step, (void)err;
    if (strcmp(name, "eval_accuracy") == 0)
        json_object_set_new(context, name, json_real(value));
    return true;
}

static bool summarise(const RewardTraining *t, Stage *s, Err *err)
{
    static const char *const measured[] = {"loss"};
    int with_choice = 0;
    for (int i = 0; i < t->eval.n; i++)
        with_choice += t->eval.row[i].view.preferred >= 0;
    json_object_set_new(s->summary, "pairs", json_integer(t->n));
    json_object_set_new(s->summary, "pairs_ai", json_integer(t->n_ai));
    json_object_set_new(s->summary, "pairs_human", json_integer(t->n - t->n_ai));
    if (t->options->eval)
        json_object_set_new(s->summary, "eval_pairs", json_integer(with_choice));
    return training_summary(s, measured, COUNT(measured), err) &&
           store_metrics_each(s->work->store, s->id, take_accuracy, s->summary, err);
}

/* The largest pass, played through the pairs of every update. */
static PassSize largest_pass(const RewardTraining *t)
{
    const RewardOptions *o = t->options;
    int *order = mem_alloc((size_t)t->n, sizeof *order);
    PassSize largest = {0}, now = {0};
    for (int epoch = 0; epoch < o->epochs; epoch++) {
        epoch_order(o->common.seed, epoch, order, t->n);
        for (int i = 0; i < t->n; i++) {
            now = i % o->batch ? now : (PassSize){0};
            pass_size_add(&now, &largest, (PassSize){pair_tokens(&t->pair[order[i]]), 3, 0}, PASS_ROWS);
        }
    }
    free(order);
    return largest;
}

/* What asking for the rewards of all sequences takes. */
static bool rewards_bytes(const RewardTraining *t, double *bytes, Err *err)
{
    Scorer *s;
    scorer_open_hollow(&s, t->model);
    bool ok = true;
    for (int at = 0; ok && at < 2 * t->n;) {
        Sequence seq[REWARDS_AT_ONCE];
        int n = 0;
        for (; n < REWARDS_AT_ONCE && at < 2 * t->n; n++, at++)
            seq[n] = (Sequence){t->pair[at / 2].ids[at % 2].id, t->pair[at / 2].ids[at % 2].n};
        ok = scorer_rewards(s, seq, n, NULL, err);
    }
    *bytes = scorer_cost(s).bytes;
    scorer_free(s);
    return ok;
}

static bool check_needs(const RewardTraining *t, Stage *s, Err *err)
{
    const ModelConfig *c = &t->model->config;
    Needs needs = {.disk = 3 * checkpoint_bytes(&t->options->train, c)};
    double rewards;
    if (!rewards_bytes(t, &rewards, err))
        return false;
    needs_add(&needs, "weights", (double)weights_floats(c, false) * sizeof(float));
    needs_add(&needs, "gradients and optimizer", (double)trainer_bytes(&t->options->train, c));
    /* the pass keeps its memory while rewards are asked for */
    needs_add(&needs, "training pass", (double)pass_bytes(c, largest_pass(t)));
    needs_add(&needs, "rewards", rewards);
    return needs_check(&needs, s->name, t->options->output, s->summary, err);
}

/* Loads the model with a reward head: the file's, or first weights by seed. */
static bool load_model(RewardTraining *t, Device *device, Err *err)
{
    ModelConfig config;
    size_t bytes;
    const RewardOptions *o = t->options;
    if (!model_bytes(o->model, 0, &bytes, &config, err) || !model_load(&t->model, o->model, device, HEAD_REWARD, err))
        return false;
    if (!(config.head & HEAD_REWARD))
        model_init_head(t->model, (uint64_t)o->common.seed);
    return render_chat(t->model, (ChatMode)o->chat, &t->chat, err);
}

bool reward_training_open(RewardTraining **out, const RewardOptions *o, Device *device, Rows *rows, int steps, Err *err)
{
    RewardTraining *t = mem_zalloc(1, sizeof *t);
    t->options = o;
    pass_init(&t->pass);
    bool ok = load_model(t, device, err) && add_rows(t, rows, err);
    if (ok && steps == 0)
        steps = (t->n + o->batch - 1) / o->batch * o->epochs;
    if (!ok || !trainer_init(&t->trainer, t->model, &o->train, steps, err)) {
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
    for (int i = 0; i < t->n; i++) {
        ids_release(&t->pair[i].ids[0]);
        ids_release(&t->pair[i].ids[1]);
    }
    free(t->pair);
    rows_release(&t->eval);
    rows_release(&t->centre);
    model_free(t->model);
    free(t);
}

int reward_training_pairs(const RewardTraining *t)
{
    return t->n;
}

void reward_training_tokens(const RewardTraining *t, int i, int *all, int *computed)
{
    *all = t->pair[i].ids[0].n + t->pair[i].ids[1].n;
    *computed = pair_tokens(&t->pair[i]);
}

static bool run(Stage *s, const RewardOptions *o, Rows *rows, Err *err)
{
    RewardTraining *t;
    if (!reward_training_open(&t, o, s->work->device, rows, 0, err))
        return false;
    cut_report(&t->cut, s->name, s->summary);
    Training training = {.stage = s, .out = o->output, .options = &o->train, .trainer = &t->trainer};
    bool ok =
        check_needs(t, s, err) &&
        (!o->eval || stage_read_rows(s->work, o->eval, 0, NEED_PAIR, o->skip_bad, &t->eval, err)) &&
        (!o->centre_on || stage_read_rows(s->work, o->centre_on, 0, NEED_RESPONSES, o->skip_bad, &t->centre, err)) &&
        ((training_begin(&training, err) && train(t, &training, err) && store_scale(t, s, err) &&
          summarise(t, s, err) && training_end(&training, err)) ||
         training_stopped(&training, err));
    reward_training_free(t);
    return ok;
}

/* A hash of the rows of a file or stage; "" where none is named. */
static bool hash_rows(Work *work, const RewardOptions *o, const char *source, RowNeed need, char out[HASH_TEXT],
                      Err *err)
{
    Rows rows = {0};
    out[0] = 0;
    if (!source)
        return true;
    bool ok = stage_read_rows(work, source, 0, need, o->skip_bad, &rows, err);
    if (ok)
        rows_hash(&rows, out);
    rows_release(&rows);
    return ok;
}

bool reward_stage(Work *work, const char *name, const void *options, Err *err)
{
    const RewardOptions *o = options;
    Rows rows = {0};
    Stage s = {0};
    char model[HASH_TEXT], labels[HASH_TEXT], eval[HASH_TEXT], centre[HASH_TEXT];
    bool ok = model_hash(o->model, model, err) &&
              stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
              hash_rows(work, o, o->eval, NEED_PAIR, eval, err) &&
              hash_rows(work, o, o->centre_on, NEED_RESPONSES, centre, err);
    if (ok)
        rows_hash(&rows, labels);
    ok = ok && stage_begin(&s, work, name, "reward",
                           stage_about(&reward_table, o, &o->common, "model", model, "labels", labels, "eval", eval,
                                       "centre", centre, NULL),
                           err);
    bool done = false;
    ok = ok && stage_uses_prompts(&s, &rows, err) && training_done(&s, o->output, &done, err) &&
         (done || run(&s, o, &rows, err));
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
