/* Supervised fine-tuning: the mean of -log P over the completion tokens of a batch. */
#include "rlaif/learn/sft.h"

#include "base/mem.h"
#include "infer/scorer.h"
#include "rlaif/learn/batches.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"data", OPT_TEXT, AT(SftOptions, data), .value = "DATA", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with prompt and completion, or messages"},
    {"model", OPT_TEXT, AT(SftOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "where training starts"},
    {"output", OPT_TEXT, AT(SftOptions, output), .value = "DIR",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING | OPT_CLI, .help = "the trained model"},
    {"epochs", OPT_INT, AT(SftOptions, epochs), 1, 1e6, "1", .help = "times that every row is seen"},
    {"batch", OPT_INT, AT(SftOptions, batch), 1, 1e6, "32", .help = "rows an update"},
    {"max-tokens", OPT_INT, AT(SftOptions, max_tokens), 0, 1e9, "1152", .help = "longest sequence"},
    TRUNCATE_OPTION(SftOptions, "what a longer one loses: nothing, it is refused; or words at one end of its context"),
    CHAT_OPTION(SftOptions, "through the model's chat template; auto: if it has one"),
    {"eval", OPT_TEXT, AT(SftOptions, eval), .value = "ROWS", .flags = OPT_WORKING,
     .help = "rows that are held out: the loss on their completions"},
    {"eval-every", OPT_INT, AT(SftOptions, eval_every), 0, 1e9, "0", .with = "eval",
     .help = "steps between evaluations; 0: at the end"},
    {"early-stop", OPT_INT, AT(SftOptions, early_stop), 0, 1e6, "0", .with = "eval-every",
     .help = "stop after so many evaluations without a lower loss, and keep the model of the lowest; 0: never"},
    LIMIT_OPTION(SftOptions, "rows"),
    SKIP_BAD_OPTION(SftOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {train_options, TRAIN_OPTIONS, AT(SftOptions, train)},
    {common_options, RENDER_OPTIONS, AT(SftOptions, common)},
};
const OptionTable sft_table = {groups, COUNT(groups), sizeof(SftOptions)};

/* One demonstration: ids of prompt and completion, which begins at `from`. */
typedef struct Demonstration {
    Ids ids;
    int from;
} Demonstration;

typedef struct Sft {
    const SftOptions *options;
    const Rows *rows;
    Model *model;
    Trainer trainer;
    Pass pass;
    Demonstration *item, *held;
    int n, n_held;
} Sft;

/* The caller frees the list by demonstrations_free, on failure too. */
static bool render_all(const Sft *t, Rows *rows, Demonstration **item, int *n, CutCount *count, Err *err)
{
    Room room = {(CutRule)t->options->truncate, t->options->max_tokens, 0, "--max-tokens"};
    bool chat;
    if (!render_chat(t->model, (ChatMode)t->options->chat, &chat, err))
        return false;
    *item = mem_zalloc((size_t)rows->n, sizeof **item);
    *n = rows->n;
    for (int i = 0; i < rows->n; i++) {
        Demonstration *d = &(*item)[i];
        RowView *v = &rows->row[i].view;
        char place[300];
        int cut;
        bool ok =
            cut_whole(t->model, v, chat, room, &cut, err) && render_whole(t->model, v, 0, chat, &d->ids, &d->from, err);
        if (ok && d->from == d->ids.n) /* empty, and no token says that it ended */
            ok = err_set(err, ERR_INPUT, "the completion has no tokens"), err_hint(err, "leave out the row");
        if (!ok)
            return err_context(err, "%s", row_place(rows, i, place));
        cut_count(count, cut);
    }
    return true;
}

static void demonstrations_free(Demonstration *item, int n)
{
    for (int i = 0; i < n; i++)
        ids_release(&item[i].ids);
    free(item);
}

/* Forward and backward over what the pass holds; adds its loss. */
static bool run_pass(Sft *t, int batch_tokens, double *loss, Err *err)
{
    Pass *p = &t->pass;
    if (p->segments == 0)
        return true;
    float *coef = mem_alloc((size_t)p->targets, sizeof *coef);
    for (int i = 0; i < p->targets; i++)
        coef[i] = 1.0f / (float)batch_tokens;
    bool ok = pass_forward(p, err) && pass_backward(p, t->trainer.grads, coef, NULL, err);
    for (int i = 0; ok && i < p->targets; i++)
        *loss -= (double)p->logp[i] / batch_tokens;
    free(coef);
    pass_begin(p, t->model);
    return ok;
}

static bool gradients(void *self, const int *item, int n, double *loss, Err *err)
{
    Sft *t = self;
    int batch_tokens = 0;
    for (int i = 0; i < n; i++)
        batch_tokens += t->item[item[i]].ids.n - t->item[item[i]].from;
    *loss = 0;
    pass_begin(&t->pass, t->model);
    for (int i = 0; i < n; i++) {
        const Demonstration *d = &t->item[item[i]];
        if (t->pass.rows + d->ids.n > PASS_ROWS && !run_pass(t, batch_tokens, loss, err))
            return false;
        int segment = pass_segment(&t->pass, -1, d->ids.id, d->ids.n - 1);
        for (int at = d->from; at < d->ids.n; at++)
            pass_target(&t->pass, segment, at - 1, d->ids.id[at]);
    }
    return run_pass(t, batch_tokens, loss, err);
}

static PassSize pass_of(const void *self, int item)
{
    const Sft *t = self;
    const Demonstration *d = &t->item[item];
    return (PassSize){d->ids.n - 1, 1, d->ids.n - d->from};
}

static const char *place_of(const void *self, int item, char out[300])
{
    const Sft *t = self;
    return row_place(t->rows, item, out);
}

static Batches batches_of(Sft *t)
{
    const SftOptions *o = t->options;
    return (Batches){.n = t->n,
                     .size = o->batch,
                     .epochs = o->epochs,
                     .seed = o->common.seed,
                     .self = t,
                     .gradients = gradients,
                     .pass = pass_of,
                     .place = place_of};
}

/* Mean -log P over the tokens of the held-out completions. */
static bool held_out_loss(const Sft *t, Scorer *scorer, double *loss, Err *err)
{
    enum { AT_ONCE = 64 };
    double sum = 0, tokens = 0;
    bool ok = true;
    for (int first = 0; ok && first < t->n_held; first += AT_ONCE) {
        int n = t->n_held - first < AT_ONCE ? t->n_held - first : AT_ONCE, from[AT_ONCE];
        Sequence seq[AT_ONCE];
        float *logp[AT_ONCE];
        for (int i = 0; i < n; i++) {
            const Demonstration *d = &t->held[first + i];
            seq[i] = (Sequence){d->ids.id, d->ids.n};
            from[i] = d->from;
            logp[i] = mem_zalloc((size_t)(d->ids.n - d->from), sizeof **logp);
        }
        ok = not_interrupted(err) && scorer_logprobs(scorer, seq, from, n, logp, err);
        for (int i = 0; i < n; i++) {
            for (int k = 0; ok && k < seq[i].n - from[i]; k++)
                sum -= (double)logp[i][k];
            tokens += seq[i].n - from[i];
            free(logp[i]);
        }
    }
    *loss = sum / tokens;
    return ok;
}

static bool measure(void *self, Stage *s, int step, Err *err)
{
    Sft *t = self;
    Scorer *scorer;
    double loss;
    scorer_open(&scorer, t->model);
    bool ok = held_out_loss(t, scorer, &loss, err);
    scorer_free(scorer);
    return ok && store_metric(s->work->store, s->id, step, "eval_loss", loss, err);
}

static bool needs_of(void *self, int batch, Needs *n, Err *err)
{
    Sft *t = self;
    Batches b = batches_of(t);
    Scorer *counting;
    double loss;
    scorer_open_hollow(&counting, t->model);
    bool ok = held_out_loss(t, counting, &loss, err);
    ScorerCost held_out = scorer_cost(counting);
    scorer_free(counting);
    if (!ok)
        return false;
    b.size = batch;
    training_needs(n, &t->options->train, t->model, batches_largest_pass(&b));
    n->disk = training_disk(&t->options->train, batches_steps(&b), t->options->eval ? t->options->eval_every : 0, 1,
                            t->model, NULL);
    needs_add_base(n, t->model);
    if (t->n_held) /* the pass keeps its memory while they are measured */
        needs_add(n, NEEDS_HELD_OUT, held_out.bytes);
    needs_most(n, NEEDS_UNPACKED, held_out.unpacked);
    return true;
}

static bool settle_needs(Sft *t, Stage *s, Err *err)
{
    const SftOptions *o = t->options;
    const Budget b = {needs_of, t, o->batch, o->train.memory};
    return needs_settle(&b, s->name, o->output, s->summary, &t->pass.keep, err);
}

/* The result is the last model, or with --early-stop that of the lowest held-out loss. */
static bool settle_result(const Sft *t, Training *training, Err *err)
{
    static const char *const measured[] = {"loss"};
    Stage *s = training->stage;
    int best, last = t->trainer.step;
    double loss;
    if (!training_summary(s, measured, COUNT(measured), err) || !training_take_best(training, &best, err) ||
        !store_metric_find(s->work->store, s->id, best - 1, "eval_loss", &loss, err))
        return false;
    json_object_set_new(s->summary, "rows", json_integer(t->n));
    if (!t->options->eval)
        return true;
    json_object_set_new(s->summary, "eval_rows", json_integer(t->n_held));
    json_object_set_new(s->summary, "eval_loss", json_real(loss));
    training_say_best(training, best, last);
    return true;
}

static bool open_model(Sft *t, Stage *s, Rows *rows, CutCount *cut, Err *err)
{
    const SftOptions *o = t->options;
    Rows held = {0};
    bool ok = work_model(&t->model, o->model, s->work, HEAD_LM, err) &&
              trainer_adapt(t->model, &o->train, o->common.seed, ROLE_MODEL, err) &&
              render_all(t, rows, &t->item, &t->n, cut, err) &&
              (!o->eval || (stage_read_rows(s->work, o->eval, 0, NEED_DEMONSTRATION, o->skip_bad, &held, err) &&
                            heldout_check_read(t->model, (ChatMode)o->chat, &held, rows, err) &&
                            (o->early_stop == 0 || stage_uses_prompts(s, CHOSEN_BY, &held, err)) &&
                            render_all(t, &held, &t->held, &t->n_held, cut, err)));
    rows_release(&held);
    return ok;
}

static bool run(Sft *t, Stage *s, Rows *rows, Err *err)
{
    CutCount cut = {0};
    const SftOptions *o = t->options;
    t->rows = rows;
    if (!open_model(t, s, rows, &cut, err))
        return false;
    Batches b = batches_of(t);
    if (!settle_needs(t, s, err))
        return false;
    cut_report(&cut, s->name, s->summary);
    Training training = {.stage = s, .out = o->output, .options = &o->train, .trainer = &t->trainer};
    if (o->eval)
        training.held = (HeldOut){measure, t, NULL, "eval_loss", o->eval_every, o->eval_every > 0, o->early_stop};
    return trainer_init(&t->trainer, t->model, &o->train, batches_steps(&b), err) &&
           ((training_begin(&training, err) && batches_train(&b, &training, err) && settle_result(t, &training, err) &&
             training_end(&training, err)) ||
            training_stopped(&training, err));
}

bool sft_stage(Work *work, const char *name, const void *options, Err *err)
{
    const SftOptions *o = options;
    Sft t = {.options = o};
    Rows rows = {0};
    Stage s = {0};
    char model[HASH_TEXT], data[HASH_TEXT], eval[HASH_TEXT];
    pass_init(&t.pass);
    bool ok = model_hash(o->model, work->store, model, err) &&
              stage_read_rows(work, o->data, o->limit, NEED_DEMONSTRATION, o->skip_bad, &rows, err) &&
              heldout_hash_rows(work, o->eval, NEED_DEMONSTRATION, o->skip_bad, &rows, eval, err);
    if (ok)
        rows_hash(&rows, data);
    ok = ok &&
         stage_begin(&s, work, name, "sft",
                     stage_about(&sft_table, o, &o->common, "model", model, "data", data, "eval", eval, NULL), err);
    bool done = false;
    ok = ok && stage_uses_prompts(&s, TRAINED_ON, &rows, err) && training_done(&s, o->output, &done, err) &&
         (done || run(&t, &s, &rows, err));
    trainer_release(&t.trainer);
    pass_release(&t.pass);
    demonstrations_free(t.item, t.n);
    demonstrations_free(t.held, t.n_held);
    model_free(t.model);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
