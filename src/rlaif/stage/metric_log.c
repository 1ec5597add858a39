/* Metrics as JSONL and as TensorBoard's events. */
#include "rlaif/stage/metric_log.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "rlaif/stage/tensorboard.h"

/* Metrics of one sort on their way from the store into their two files. */
typedef struct Track {
    Str lines, events;
    double date; /* of the step at hand, where it is known, else NAN */
    TensorboardScalar *scalar;
    int n, cap;
} Track;

/* Steps on their way. */
typedef struct Copy {
    Track measures, times;
    int steps; /* up to here */
    int step;  /* at hand; -1: none */
} Copy;

static void end_track(Track *t, int step)
{
    if (t->n == 0)
        return;
    str_addf(&t->lines, "{\"step\": %d", step);
    for (int i = 0; i < t->n; i++) {
        str_addf(&t->lines, ", \"%s\": ", t->scalar[i].tag); /* names are our own words */
        json_append_real(&t->lines, t->scalar[i].value);
    }
    if (!isnan(t->date)) {
        str_addf(&t->lines, ", \"%s\": ", METRIC_DATE);
        json_append_real(&t->lines, t->date);
    }
    str_add(&t->lines, "}\n");
    /* without a date it is the step: TensorBoard's axes "step" and "relative" then agree */
    tensorboard_step(&t->events, step, isnan(t->date) ? step : t->date, t->scalar, t->n);
    for (int i = 0; i < t->n; i++)
        free((char *)(uintptr_t)t->scalar[i].tag);
    t->n = 0;
    t->date = (double)NAN;
}

/* The step at hand is whole. */
static void end_step(Copy *c)
{
    end_track(&c->measures, c->step);
    end_track(&c->times, c->step);
}

static bool take_metric(void *context, int step, const char *name, double value, Err *err)
{
    Copy *c = context;
    (void)err;
    if (step >= c->steps || isnan(value))
        return true;
    if (step != c->step)
        end_step(c);
    c->step = step;
    Track *t = str_starts(name, METRIC_CLOCK) ? &c->times : &c->measures;
    if (strcmp(name, METRIC_DATE) == 0) { /* no curve: TensorBoard's floats have no room for it */
        t->date = value;
        return true;
    }
    t->scalar = MEM_GROW(t->scalar, t->n, t->cap);
    t->scalar[t->n++] = (TensorboardScalar){mem_str(name), value};
    return true;
}

static bool put(const MetricLog *l, const char *file, const Str *text, Err *err)
{
    char *path = path_join(l->dir, file);
    bool ok = l->written < 0 ? file_write(path, str_text(text), text->n, err)
                             : file_append(path, str_text(text), text->n, err);
    free(path);
    return ok;
}

static bool put_all(const MetricLog *l, const Copy *c, Err *err)
{
    char *dir = path_join(l->dir, TIMING_DIRECTORY);
    bool ok = dir_make(dir, err) && put(l, METRIC_LOG_FILE, &c->measures.lines, err) &&
              put(l, TENSORBOARD_FILE, &c->measures.events, err) && put(l, TIMING_FILE, &c->times.lines, err) &&
              put(l, TIMING_DIRECTORY "/" TENSORBOARD_FILE, &c->times.events, err);
    free(dir);
    return ok;
}

static void track_release(Track *t)
{
    free(t->scalar);
    str_release(&t->lines);
    str_release(&t->events);
}

bool metric_log_write(MetricLog *l, int steps, Err *err)
{
    Copy c = {.measures.date = (double)NAN, .times.date = (double)NAN, .steps = steps, .step = -1};
    if (l->written >= steps)
        return true;
    if (l->written < 0) {
        tensorboard_begin(&c.measures.events, 0);
        tensorboard_begin(&c.times.events, clock_date());
    }
    bool ok = store_metrics_from(l->store, l->stage, l->written < 0 ? 0 : l->written, take_metric, &c, err);
    end_step(&c);
    ok = ok && put_all(l, &c, err);
    if (ok)
        l->written = steps;
    track_release(&c.measures);
    track_release(&c.times);
    return ok;
}

bool metric_clock(Store *store, int64_t stage, int step, const char *const *phase, const double *seconds, int n,
                  Err *err)
{
    for (int i = 0; i < n; i++)
        if (!store_metric(store, stage, step, phase[i], seconds[i], err))
            return false;
    return store_metric(store, stage, step, METRIC_DATE, clock_date(), err);
}
