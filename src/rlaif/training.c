/* Output directories, checkpoints, resuming, needs. */
#include "rlaif/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/tensorboard.h"

static const double SECONDS_BETWEEN_SAVES = 120; /* where --save-every is 0 */

/* --- the output directory --- */

static bool is_ours(const char *name)
{
    static const char *const files[] = {"config.json",           "model.safetensors",    "tokenizer.json",
                                        "tokenizer_config.json", "tokenizer.rlaif.json", "chat_template.jinja",
                                        METRIC_LOG_FILE,         TENSORBOARD_FILE,       OPTIONS_FILE};
    for (int i = 0; i < COUNT(files); i++)
        if (strcmp(name, files[i]) == 0)
            return true;
    return str_starts(name, "checkpoint-") || str_starts(name, ".new-") || strstr(name, ".tmp");
}

/* Removes what an earlier stage of other options left; refuses a directory that holds anything else. */
static bool clear_output(const char *out, bool was_ours, Err *err)
{
    char **names;
    int n;
    if (!file_is_dir(out))
        return dir_make(out, err);
    if (!dir_list(out, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++)
        if (!was_ours || !is_ours(names[i])) {
            ok = err_set(err, ERR_INPUT, "%s is not empty: it holds %s", out, names[i]);
            err_hint(err, "name a new directory with -o");
        }
    for (int i = 0; i < n && ok; i++) {
        char *path = path_join(out, names[i]);
        ok = dir_remove(path, err);
        free(path);
    }
    names_free(names, n);
    return ok;
}

/* --- checkpoints --- */

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
    Store *store = t->stage->work->store;
    int step;
    char *name;
    t->saved = clock_seconds();
    t->log = (MetricLog){store, t->stage->id, t->out, -1};
    if (!store_checkpoint_newest(store, t->stage->id, &step, &name, err))
        return false;
    bool ok;
    if (name) {
        ok = checkpoint_load(t->out, name, t->trainer, t->value, err);
        if (ok)
            log_note("%s: goes on after step %d of %d", t->stage->name, t->trainer->step, t->trainer->steps);
        else
            err_hint(err, "remove %s and its .rlaif to begin anew", t->out);
    } else {
        ok = clear_output(t->out, t->stage->found != STAGE_NEW || t->stage->work->in_recipe, err);
    }
    free(name);
    return ok && store_forget_from(store, t->stage->id, t->trainer->step, err);
}

static bool save_files(Training *t, const char *dir, Err *err)
{
    char *value = path_join(dir, "value");
    bool ok = model_save(t->trainer->model, dir, err) && trainer_save(t->trainer, dir, NULL, err) &&
              (!t->value || (model_save(t->value->model, value, err) && trainer_save(t->value, value, NULL, err)));
    free(value);
    return ok;
}

typedef struct Removal {
    const char *out;
} Removal;

static bool remove_checkpoint(void *context, const char *name, Err *err)
{
    const Removal *r = context;
    char *dir = path_join(r->out, name);
    bool ok = dir_remove(dir, err);
    free(dir);
    return ok;
}

bool training_checkpoint(Training *t, double score, bool force, Err *err)
{
    int step = t->trainer->step, every = t->options->save_every;
    bool due = every > 0 ? step % every == 0 : clock_seconds() - t->saved > SECONDS_BETWEEN_SAVES;
    if (!metric_log_write(&t->log, step, err))
        return false;
    if (!due && !force)
        return true;
    char name[40];
    snprintf(name, sizeof name, "checkpoint-%06d", step);
    char *dir = path_join(t->out, name), *fresh = mem_printf("%s/.new-%06d", t->out, step);
    Store *store = t->stage->work->store;
    bool ok = dir_remove(fresh, err) && save_files(t, fresh, err) && dir_remove(dir, err);
    if (ok && rename(fresh, dir) != 0)
        ok = err_set(err, ERR_IO, "%s: cannot be named so", dir);
    Removal removal = {t->out};
    ok = ok && dir_sync(t->out, err) && store_checkpoint(store, t->stage->id, step, name, score, err) &&
         store_checkpoint_prune(store, t->stage->id, remove_checkpoint, &removal, err);
    t->saved = clock_seconds();
    free(fresh);
    free(dir);
    return ok;
}

bool training_goes_on(Training *t, Err *err)
{
    if (not_interrupted(err))
        return true;
    Err failed = {0};
    if (t->trainer->step > 0 && !training_checkpoint(t, (double)NAN, true, &failed))
        log_warn("%s: no checkpoint could be written: %s", t->stage->name, failed.msg);
    return false;
}

bool training_done(const Stage *s, const char *out)
{
    char *config = path_join(out, "config.json");
    bool there = file_exists(config);
    free(config);
    return s->done && there;
}

static bool remove_leftovers(Training *t, Err *err)
{
    char **names;
    int n;
    if (!dir_list(t->out, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++)
        if (str_starts(names[i], ".new-") || (t->options->save_every == 0 && str_starts(names[i], "checkpoint-"))) {
            char *path = path_join(t->out, names[i]);
            ok = dir_remove(path, err);
            free(path);
        }
    names_free(names, n);
    return ok;
}

bool training_end(Training *t, Err *err)
{
    return metric_log_write(&t->log, t->trainer->step, err) && model_save(t->trainer->model, t->out, err) &&
           remove_leftovers(t, err);
}

/* --- needs --- */

void needs_add(Needs *n, const char *what, double bytes)
{
    if (n->parts < COUNT(n->part))
        n->part[n->parts++] = (Need){what, bytes};
}

bool needs_check(const Needs *n, const char *stage, const char *out, json_t *summary, Err *err)
{
    double total = 0;
    char h[32], h2[32];
    Str line = {0};
    for (int i = 0; i < n->parts; i++) {
        total += n->part[i].bytes;
        str_addf(&line, "%s%s %s", i ? ", " : "", n->part[i].what, mem_human(h, n->part[i].bytes));
    }
    log_note("%s: needs %s of memory (%s)%s%s", stage, mem_human(h, total), str_text(&line),
             n->disk > 0 ? ", disk " : "", n->disk > 0 ? mem_human(h2, n->disk) : "");
    str_release(&line);
    json_object_set_new(summary, "planned_bytes", json_integer((json_int_t)total));
    double have = (double)mem_available() + (double)mem_current(), room = (double)disk_free(out);
    if (have > 0 && total > have) {
        err_set(err, ERR_MEMORY, "%s needs %s of memory, there are %s", stage, mem_human(h, total),
                mem_human(h2, have));
        return err_hint(err, "use a smaller --batch, --max-tokens or model");
    }
    if (room > 0 && n->disk > room) {
        err_set(err, ERR_IO, "%s needs %s of disk at %s, %s are free", stage, mem_human(h, n->disk), out,
                mem_human(h2, room));
        return err_hint(err, "free some space, or use another disk");
    }
    return true;
}

double checkpoint_bytes(const TrainOptions *o, const ModelConfig *c)
{
    return (double)weights_floats(c, false) * sizeof(float) + (double)optimizer_bytes(o->optimizer, c) + 8e6;
}

void epoch_order(int seed, int epoch, int *order, int n)
{
    RngKey key = {.seed = (uint64_t)seed, .purpose = RNG_SHUFFLE, .visit = (uint32_t)epoch};
    rng_permutation(key, order, n);
}
