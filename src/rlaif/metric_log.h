/* What a training measured, step by step, in files that other programs read: OUT/metrics.jsonl, one object a step, and
 * OUT/events.out.tfevents.rlaif for TensorBoard. The store is the source and the files are its copy: they are written
 * again whole when a run goes on, and end in the bytes of an uninterrupted one. So they hold no clock: metrics whose
 * names begin with METRIC_CLOCK stay in the store. */
#ifndef RLAIF_METRIC_LOG_H
#define RLAIF_METRIC_LOG_H

#include "store/store.h"

#define METRIC_LOG_FILE "metrics.jsonl"
#define METRIC_CLOCK    "seconds_" /* how long something took: not a part of what a run is compared by */

typedef struct MetricLog {
    Store *store;
    int64_t stage;
    const char *dir; /* of the files */
    int written;     /* steps that are in them; -1: what they hold is another run's */
} MetricLog;

/* Brings the files to the steps 0 .. steps - 1, of which everything is in the store. */
bool metric_log_write(MetricLog *l, int steps, Err *err) MUST_CHECK;

#endif
