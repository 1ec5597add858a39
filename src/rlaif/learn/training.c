/* Output directories, checkpoints, resuming. */
#include "rlaif/learn/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/model_hash.h"
#include "rlaif/stage/tensorboard.h"

/* --- the clock --- */

double training_interval(double took)
{
    static const double least = 120, times = 10;
    return times * took > least ? times * took : least;
}

/* --- the output directory --- */

static bool is_ours(const char *name)
{
    static const char *const files[] = {"config.json",
                                        "adapter_config.json",
                                        "adapter_model.safetensors",
                                        "rlaif.json",
                                        "model.safetensors",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "tokenizer.rlaif.json",
                                        "chat_template.jinja",
                                        METRIC_LOG_FILE,
                                        TENSORBOARD_FILE,
                                        TIMING_FILE,
                                        TIMING_DIRECTORY,
                                        OPTIONS_FILE};
    for (int i = 0; i < COUNT(files); i++)
        if (strcmp(name, files[i]) == 0)
            return true;
    return str_starts(name, "checkpoint-") || str_starts(name, ".new-") || str_ends(name, ".tmp");
}

bool output_check(const char *out, bool was_ours, Err *err)
{
    char **names;
    int n;
    if (!file_is_dir(out))
        return true;
    if (!dir_list(out, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++)
        if (!was_ours || !is_ours(names[i])) {
            ok = err_set(err, ERR_INPUT, "%s is not empty: it holds %s", out, names[i]);
            err_hint(err, "name a new directory with -o");
        }
    names_free(names, n);
    return ok;
}

bool output_clear(const char *out, bool was_ours, Err *err)
{
    char **names;
    int n;
    if (!file_is_dir(out))
        return dir_make(out, err);
    if (!output_check(out, was_ours, err) || !dir_list(out, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        char *path = path_join(out, names[i]);
        ok = dir_remove(path, err);
        free(path);
    }
    names_free(names, n);
    return ok;
}

/* Removes what a kill left half-made, and checkpoints that are not on record. */
static bool sweep(const Stage *s, const char *out, Err *err)
{
    char **names;
    int n;
    if (!dir_list(out, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        bool known = !str_starts(names[i], ".new-");
        if (str_starts(names[i], "checkpoint-"))
            ok = store_checkpoint_known(s->work->store, s->id, names[i], &known, err);
        char *path = path_join(out, names[i]);
        ok = ok && (known || dir_remove(path, err));
        free(path);
    }
    names_free(names, n);
    return ok;
}

/* --- checkpoints ---------------------------------------------------------------------------------------- */

/* The newest checkpoint on record whose directory is there; *name is NULL where there is none. */
static bool find_newest(const Training *t, char **name, Err *err)
{
    Store *store = t->stage->work->store;
    int step;
    while (store_checkpoint_newest(store, t->stage->id, &step, name, err)) {
        char *dir = *name ? path_join(t->out, *name) : NULL;
        bool there = !dir || file_is_dir(dir);
        free(dir);
        if (there)
            return true;
        free(*name);
        if (!store_checkpoint_forget(store, t->stage->id, step, err))
            return false;
    }
    return false;
}

bool checkpoint_load(const char *out, const char *name, Trainer *trainer, Trainer *value, Err *err)
{
    char *dir = path_join(out, name), *inner = path_join(dir, "value");
    bool ok = trainer_load(trainer, dir, NULL, err) && (!value || trainer_load(value, inner, NULL, err));
    free(inner);
    free(dir);
    return ok;
}

bool training_begin(Training *t, Err *err)
{
    Stage *s = t->stage;
    char *name;
    t->saved = clock_seconds();
    t->saved_step = t->whole_step = -1;
    t->log = (MetricLog){s->work->store, s->id, t->out, -1};
    if (!find_newest(t, &name, err))
        return false;
    bool ok;
    if (name) {
        ok = checkpoint_load(t->out, name, t->trainer, t->value, err);
        if (ok)
            log_note("%s: goes on after step %d of %d", s->name, t->trainer->step, t->trainer->steps);
        else
            err_hint(err, "remove %s to begin anew", t->out);
        t->saved_step = t->trainer->step;
        ok = ok && sweep(s, t->out, err);
    } else {
        ok = output_clear(t->out, s->found != STAGE_NEW || s->work->in_recipe, err);
    }
    if (ok)
        store_keep(s->work->store);
    free(name);
    t->whole_step = ok ? t->trainer->step : -1;
    t->first = t->trainer->step;
    t->begun = clock_seconds();
    return ok && store_forget_from(s->work->store, s->id, t->trainer->step, err);
}

static bool save_files(Training *t, const char *dir, Err *err)
{
    char *value = path_join(dir, "value");
    bool ok = model_save(t->trainer->model, dir, err) && trainer_save(t->trainer, dir, NULL, err) &&
              (!t->value || (model_save(t->value->model, value, err) && trainer_save(t->value, value, NULL, err) &&
                             dir_sync(value, err))) &&
              dir_sync(dir, err);
    free(value);
    return ok;
}

/* The directory under its name and on the disk, then the record. */
static bool save(Training *t, double score, Err *err)
{
    int step = t->trainer->step;
    Stage *s = t->stage;
    Store *store = s->work->store;
    char name[40];
    snprintf(name, sizeof name, "checkpoint-%06d", step);
    if (t->saved_step == step) /* it is there; its score may be new */
        return isnan(score) || store_checkpoint(store, s->id, step, name, score, err);
    char *dir = path_join(t->out, name), *fresh = mem_printf("%s/.new-%06d", t->out, step);
    double began = clock_seconds();
    bool ok = dir_remove(fresh, err) && save_files(t, fresh, err) && dir_remove(dir, err);
    if (ok && rename(fresh, dir) != 0)
        ok = err_system(err, dir);
    ok = ok && dir_sync(t->out, err) && store_begin(store, err) &&
         store_checkpoint(store, s->id, step, name, score, err) &&
         store_checkpoint_prune(store, s->id, t->options->save_every, t->held.best, false, err) &&
         store_commit(store, err) && sweep(s, t->out, err);
    t->saved = clock_seconds();
    t->took = t->saved - began;
    t->saved_step = ok ? step : t->saved_step;
    free(fresh);
    free(dir);
    return ok;
}

/* Scores that are as good as one at hand, or better. */
typedef struct Rivals {
    double score;
    int n;
} Rivals;

static bool count_rival(void *context, int step, const char *path, double score, Err *err)
{
    Rivals *r = context;
    (void)step, (void)path, (void)err;
    r->n += score >= r->score;
    return true;
}

/* What is on record of the held-out rows at a step; NAN: nothing, or it is not measured. */
static bool find_measures(const Training *t, int step, double *score, double *loss, Err *err)
{
    const HeldOut *h = &t->held;
    Stage *s = t->stage;
    *score = *loss = (double)NAN;
    return (!h->score || store_metric_find(s->work->store, s->id, step, h->score, score, err)) &&
           (!h->loss || store_metric_find(s->work->store, s->id, step, h->loss, loss, err));
}

/* *score: that of the model as it is, where it is held-out rows' turn; else NAN. */
static bool measure_held_out(Training *t, double *score, Err *err)
{
    const HeldOut *h = &t->held;
    int step = t->trainer->step - 1; /* the one that is over */
    double loss;
    *score = (double)NAN;
    if (!h->measure || step < 0 || (step + 1 < t->trainer->steps && (h->every == 0 || (step + 1) % h->every != 0)))
        return true;
    if (!find_measures(t, step, score, &loss, err))
        return false;
    if (isnan(h->score ? *score : loss)) {
        if (!h->measure(h->self, t->stage, step, err) || !find_measures(t, step, score, &loss, err))
            return false;
        if ((h->score && !isfinite(*score)) || (h->loss && !isfinite(loss)))
            return err_set(err, ERR_NUMBER, "step %d: what is measured on the held-out rows is not finite", step),
                   err_hint(err, NOT_FINITE);
    }
    *score = h->score ? *score : -loss;
    return true;
}

/* How long it will take, by the first step. */
static void say_time(const Training *t)
{
    enum { WORTH_SAYING = 10 }; /* seconds */
    int left = t->trainer->steps - t->trainer->step;
    double seconds = (clock_seconds() - t->begun) * left;
    if (t->trainer->step == t->first + 1 && seconds > WORTH_SAYING)
        log_note("%s: about %.0f seconds for %d more steps, by the first", t->stage->name, seconds, left);
}

bool training_settle(Training *t, Err *err)
{
    int step = t->whole_step = t->trainer->step, every = t->options->save_every;
    Rivals r = {.n = 0};
    say_time(t);
    if (!measure_held_out(t, &r.score, err) ||
        (!isnan(r.score) &&
         !store_checkpoints_best(t->stage->work->store, t->stage->id, t->held.best, count_rival, &r, err)))
        return false;
    bool due = every > 0 ? step > 0 && step % every == 0 : clock_seconds() - t->saved > training_interval(t->took);
    bool good = !isnan(r.score) && r.n < t->held.best;
    return metric_log_write(&t->log, step, err) && ((!due && !good) || save(t, r.score, err));
}

/* --- the plateau ---------------------------------------------------------------------------------------- */

/* What the evaluations so far say. */
typedef struct Evaluations {
    const HeldOut *held;
    int step;                     /* of the evaluation at hand; -1: none */
    double score, loss;           /* of it; NAN: not measured */
    double best_score, best_loss; /* which need not be of the same */
    int best;                     /* steps before the best score */
    int without;                  /* evaluations since one of the two became better */
} Evaluations;

/* The evaluation at hand is whole. */
static void end_evaluation(Evaluations *e)
{
    double score = e->held->score ? e->score : -e->loss;
    bool better = score > e->best_score, lower = e->loss < e->best_loss;
    if (better) {
        e->best_score = score;
        e->best = e->step + 1;
    }
    if (lower)
        e->best_loss = e->loss;
    e->without = better || lower ? 0 : e->without + 1;
}

static bool take_evaluation(void *context, int step, const char *name, double value, Err *err)
{
    Evaluations *e = context;
    (void)err;
    bool is_score = e->held->score && strcmp(name, e->held->score) == 0,
         is_loss = e->held->loss && strcmp(name, e->held->loss) == 0;
    if (!is_score && !is_loss)
        return true;
    if (step != e->step && e->step >= 0)
        end_evaluation(e);
    if (step != e->step)
        e->score = e->loss = (double)NAN;
    e->step = step;
    *(is_score ? &e->score : &e->loss) = value;
    return true;
}

static bool read_evaluations(const Training *t, Evaluations *e, Err *err)
{
    *e = (Evaluations){.held = &t->held, .step = -1, .best_score = -INFINITY, .best_loss = INFINITY};
    bool ok = store_metrics_each(t->stage->work->store, t->stage->id, take_evaluation, e, err);
    if (ok && e->step >= 0)
        end_evaluation(e);
    return ok;
}

bool training_over(const Training *t, bool *over, Err *err)
{
    const HeldOut *h = &t->held;
    int at = t->trainer->step;
    Evaluations e;
    *over = at == t->trainer->steps;
    if (*over || h->early_stop == 0 || at % h->every != 0)
        return true;
    bool ok = read_evaluations(t, &e, err);
    *over = ok && e.without >= h->early_stop;
    return ok;
}

/* The trainers become what they were after `step` updates, of which there is a checkpoint. */
static bool go_back(Training *t, int step, Err *err)
{
    int at;
    char *name;
    if (t->trainer->step == step)
        return true;
    if (!store_checkpoint_upto(t->stage->work->store, t->stage->id, step, &at, &name, err))
        return false;
    bool ok = name && at == step ? checkpoint_load(t->out, name, t->trainer, t->value, err)
                                 : err_set(err, ERR_IO, "%s: the checkpoint of step %d is gone", t->out, step);
    free(name);
    return ok;
}

bool training_take_best(Training *t, int *best, Err *err)
{
    Evaluations e;
    *best = t->trainer->step;
    if (t->held.early_stop == 0)
        return true;
    bool ok = read_evaluations(t, &e, err) && go_back(t, e.best, err);
    *best = e.best;
    return ok;
}

void training_say_best(const Training *t, int best, int last)
{
    if (t->held.early_stop == 0)
        return;
    json_object_set_new(t->stage->summary, "best_step", json_integer(best));
    json_object_set_new(t->stage->summary, "stopped_early", json_boolean(last < t->trainer->steps));
}

bool training_stopped(Training *t, const Err *err)
{
    Err failed = {0};
    if (err->code == ERR_INTERRUPTED && t->trainer->step > 0 && t->whole_step == t->trainer->step &&
        !save(t, (double)NAN, &failed))
        log_warn("%s: no checkpoint could be written: %s", t->stage->name, failed.msg);
    return false;
}

bool training_done(const Stage *s, const char *out, bool *done, Err *err)
{
    *done = s->done && model_is_there(out);
    return !*done || sweep(s, out, err);
}

/* The summary says which model was made, so that whoever asks it is known to ask that. */
static bool tell_product(Stage *s, const char *out, Err *err)
{
    char hash[HASH_TEXT];
    bool ok = model_hash(out, s->work->store, hash, err);
    if (ok)
        json_object_set_new(s->summary, "product_hash", json_sprintf("sha256:%s", hash));
    return ok;
}

bool training_end(Training *t, Err *err)
{
    Stage *s = t->stage;
    Store *store = s->work->store;
    return metric_log_write(&t->log, t->trainer->step, err) && model_save(t->trainer->model, t->out, err) &&
           tell_product(s, t->out, err) && store_begin(store, err) && stage_end(s, t->out, err) &&
           store_checkpoint_prune(store, s->id, t->options->save_every, t->held.best, true, err) &&
           store_commit(store, err) && sweep(s, t->out, err);
}

/* --- summaries --- */

typedef struct MetricEnds {
    json_t *summary;
    const char *const *names;
    int n;
} MetricEnds;

static bool take_metric(void *context, int step, const char *name, double value, Err *err)
{
    const MetricEnds *e = context;
    (void)err;
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->names[i], name) == 0) {
            char key[64];
            snprintf(key, sizeof key, "%s_%s", name, step == 0 ? "first" : "last");
            json_object_set_new(e->summary, key, json_real(value));
        }
    json_object_set_new(e->summary, "steps", json_integer(step + 1));
    return true;
}

bool training_summary(Stage *s, const char *const *names, int n, Err *err)
{
    MetricEnds ends = {s->summary, names, n};
    return store_metrics_each(s->work->store, s->id, take_metric, &ends, err);
}

static double checkpoint_bytes(const TrainOptions *o, const Model *m)
{
    return m ? model_saved_bytes(m) + (double)trainer_state_bytes(o, &m->config) : 0;
}

/* While a checkpoint is written, those that it makes superfluous are still there; while the model is, all that are kept. */
double training_disk(const TrainOptions *o, int steps, int eval_every, int best, const Model *m, const Model *value)
{
    double one = checkpoint_bytes(o, m) + checkpoint_bytes(o, value), last = model_saved_bytes(m);
    int made = 0, keep = REGULAR_KEPT + (eval_every > 0 ? best : 0);
    for (int step = 1; step <= steps && made <= keep; step++) /* by the clock it may be after any */
        made += o->save_every == 0 || step % o->save_every == 0 ||
                (eval_every > 0 && best > 0 && (step % eval_every == 0 || step == steps));
    return made > keep ? (keep + 1) * one : made * one + last;
}

void training_needs(Needs *n, const TrainOptions *o, const Model *m, PassSize pass)
{
    const ModelConfig *c = &m->config;
    double weights = c->lora_rank ? model_own_bytes(m, NULL, 0) : (double)weights_floats(c, false) * sizeof(float);
    needs_add(n, NEEDS_WEIGHTS, weights); /* under an adapter they stay as they are */
    needs_add(n, NEEDS_OPTIMIZER, (double)trainer_bytes(o, c));
    needs_add(n, NEEDS_PASS, (double)pass_bytes(c, pass, KEEP_ALL));
    n->pass_again = (double)pass_bytes(c, pass, KEEP_INPUTS);
    needs_most(n, NEEDS_UNPACKED, (double)unpacked_bytes(m, pass.rows, pass.targets));
}

void epoch_order(int seed, int epoch, int *order, int n)
{
    RngKey key = {.seed = (uint64_t)seed, .purpose = RNG_SHUFFLE, .visit = (uint32_t)epoch};
    rng_permutation(key, order, n);
}
