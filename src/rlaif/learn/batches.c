/* Training on items in batches. */
#include "rlaif/learn/batches.h"

#include "base/mem.h"

static int steps_of_epoch(const Batches *b)
{
    return (b->n + b->size - 1) / b->size;
}

int batches_steps(const Batches *b)
{
    return steps_of_epoch(b) * b->epochs;
}

PassSize batches_largest_pass(const Batches *b)
{
    int *order = mem_alloc((size_t)b->n, sizeof *order);
    PassSize largest = {0}, now = {0};
    for (int epoch = 0; epoch < b->epochs; epoch++) {
        epoch_order(b->seed, epoch, order, b->n);
        for (int i = 0; i < b->n; i++) {
            now = i % b->size ? now : (PassSize){0};
            pass_size_add(&now, &largest, b->pass(b->self, order[i]), PASS_ROWS);
        }
    }
    free(order);
    return largest;
}

/* The loss or the gradient of a batch is not finite: names the item that makes it so, if one alone does. */
static bool blame(const Batches *b, Trainer *t, const int *item, int n, Err *err)
{
    err_clear(err);
    for (int i = 0; i < n; i++) {
        double loss;
        char place[300];
        weights_zero(t->grads);
        if (!b->gradients(b->self, &item[i], 1, &loss, err))
            return false;
        const char *what = !isfinite(loss) ? "loss" : !isfinite(trainer_grad_norm(t)) ? "gradient" : NULL;
        if (what)
            return err_set(err, ERR_NUMBER, "step %d, %s: the %s is not finite", t->step,
                           b->place(b->self, item[i], place), what),
                   err_hint(err, NOT_FINITE);
    }
    return err_set(err, ERR_NUMBER, "step %d: the gradient of the batch is not finite", t->step),
           err_hint(err, NOT_FINITE);
}

/* One update on n items. */
static bool step(const Batches *b, Trainer *t, const int *item, int n, double *loss, Err *err)
{
    if (!b->gradients(b->self, item, n, loss, err))
        return false;
    if (isfinite(*loss) && trainer_update(t, err))
        return true;
    return !isfinite(*loss) || err->code == ERR_NUMBER ? blame(b, t, item, n, err) : false;
}

static bool record(Stage *s, const Trainer *t, double loss, double seconds, Err *err)
{
    static const char *const phase[] = {METRIC_CLOCK "update"};
    Store *store = s->work->store;
    int at = t->step - 1; /* the step that the update has ended */
    return store_begin(store, err) && store_metric(store, s->id, at, "loss", loss, err) &&
           store_metric(store, s->id, at, "grad_norm", t->grad_norm, err) &&
           store_metric(store, s->id, at, "lr", t->rate, err) &&
           metric_clock(store, s->id, at, phase, &seconds, COUNT(phase), err) && store_commit(store, err);
}

bool batches_train(const Batches *b, Training *training, Err *err)
{
    Stage *s = training->stage;
    Trainer *t = training->trainer;
    int *order = mem_alloc((size_t)b->n, sizeof *order);
    Progress p;
    double loss = 0;
    progress_begin(&p, s->name, "steps", t->steps, t->step);
    bool over, ok = training_settle(training, err) && training_over(training, &over, err);
    while (ok && !over) {
        int epoch = t->step / steps_of_epoch(b), first = t->step % steps_of_epoch(b) * b->size;
        double began = clock_seconds();
        epoch_order(b->seed, epoch, order, b->n);
        ok = not_interrupted(err) &&
             step(b, t, order + first, b->n - first < b->size ? b->n - first : b->size, &loss, err) &&
             record(s, t, loss, clock_seconds() - began, err) && training_settle(training, err) &&
             training_over(training, &over, err);
        progress_figure(&p, "loss %.3f", loss);
        progress_at(&p, t->step);
    }
    progress_end(&p);
    free(order);
    return ok;
}
