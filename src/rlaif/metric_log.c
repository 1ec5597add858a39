/* Metrics as JSONL and as TensorBoard's events. */
#include "rlaif/metric_log.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/tensorboard.h"

/* Steps on their way from the store into the two files. */
typedef struct Copy {
    Str lines, events;
    int steps; /* up to here */
    int step;  /* of the scalars at hand; -1: none */
    TensorboardScalar *scalar;
    int n, cap;
} Copy;

/* The step at hand is whole. */
static void end_step(Copy *c)
{
    if (c->n == 0)
        return;
    str_addf(&c->lines, "{\"step\": %d", c->step);
    for (int i = 0; i < c->n; i++) {
        str_addf(&c->lines, ", \"%s\": ", c->scalar[i].tag); /* names are our own words */
        json_append_real(&c->lines, c->scalar[i].value);
    }
    str_add(&c->lines, "}\n");
    tensorboard_step(&c->events, c->step, c->scalar, c->n);
    for (int i = 0; i < c->n; i++)
        free((char *)(uintptr_t)c->scalar[i].tag);
    c->n = 0;
}

static bool take_metric(void *context, int step, const char *name, double value, Err *err)
{
    Copy *c = context;
    (void)err;
    if (step >= c->steps || str_starts(name, METRIC_CLOCK) || isnan(value))
        return true;
    if (step != c->step)
        end_step(c);
    c->step = step;
    c->scalar = MEM_GROW(c->scalar, c->n, c->cap);
    c->scalar[c->n++] = (TensorboardScalar){mem_str(name), value};
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

bool metric_log_write(MetricLog *l, int steps, Err *err)
{
    Copy c = {.steps = steps, .step = -1};
    if (l->written >= steps)
        return true;
    if (l->written < 0)
        tensorboard_begin(&c.events);
    bool ok = store_metrics_from(l->store, l->stage, l->written < 0 ? 0 : l->written, take_metric, &c, err);
    end_step(&c);
    ok = ok && put(l, METRIC_LOG_FILE, &c.lines, err) && put(l, TENSORBOARD_FILE, &c.events, err);
    if (ok)
        l->written = steps;
    free(c.scalar);
    str_release(&c.lines);
    str_release(&c.events);
    return ok;
}
