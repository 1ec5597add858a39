/* Training on items in batches. */
#include "rlaif/learn/batches.h"

#include "base/mem.h"

/* The items of one update: n of its epoch's order, from `first` on. */
typedef struct Update {
    int epoch, first, n;
} Update;

/* How many of an order's items the update takes that begins with the first of them. */
static int take(const Batches *b, const int *order, int left)
{
    int n = 0;
    for (int held = 0; n < left && held < b->size; n++)
        held += b->weight ? b->weight(b->self, order[n]) : 1;
    return n;
}

/* All updates in order; the caller frees them. */
static Update *updates_of(const Batches *b, int *steps)
{
    int *order = mem_alloc((size_t)b->n, sizeof *order), cap = 0;
    Update *all = NULL;
    *steps = 0;
    for (int epoch = 0; epoch < b->epochs; epoch++) {
        epoch_order(b->seed, epoch, order, b->n);
        for (int first = 0, n; first < b->n; first += n) {
            n = take(b, order + first, b->n - first);
            all = MEM_GROW(all, *steps, cap);
            all[(*steps)++] = (Update){epoch, first, n};
        }
    }
    free(order);
    return all;
}

int batches_steps(const Batches *b)
{
    int steps;
    free(updates_of(b, &steps));
    return steps;
}

PassSize batches_largest_pass(const Batches *b)
{
    int *order = mem_alloc((size_t)b->n, sizeof *order), steps;
    Update *all = updates_of(b, &steps);
    PassSize largest = {0};
    for (int s = 0; s < steps; s++) {
        PassSize now = {0};
        if (all[s].first == 0)
            epoch_order(b->seed, all[s].epoch, order, b->n);
        for (int i = 0; i < all[s].n; i++)
            pass_size_add(&now, &largest, b->pass(b->self, order[all[s].first + i]), PASS_ROWS);
    }
    free(all);
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
    int *order = mem_alloc((size_t)b->n, sizeof *order), steps;
    Update *all = updates_of(b, &steps);
    Progress p;
    double loss = 0;
    progress_begin(&p, s->name, "steps", t->steps, t->step);
    bool over, ok = training_settle(training, err) && training_over(training, &over, err);
    while (ok && !over) {
        const Update *u = &all[t->step];
        double began = clock_seconds();
        epoch_order(b->seed, u->epoch, order, b->n);
        ok = not_interrupted(err) && step(b, t, order + u->first, u->n, &loss, err) &&
             record(s, t, loss, clock_seconds() - began, err) && training_settle(training, err) &&
             training_over(training, &over, err);
        progress_figure(&p, "loss %.3f", loss);
        progress_at(&p, t->step);
    }
    progress_end(&p);
    free(all);
    free(order);
    return ok;
}
