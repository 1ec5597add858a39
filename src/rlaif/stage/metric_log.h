/* What a training measured, step by step, in files that other programs read: OUT/metrics.jsonl, one object a step, and
 * OUT/events.out.tfevents.rlaif for TensorBoard. The store is the source and the files are its copy: they are written
 * again whole when a run goes on, and end in the bytes of an uninterrupted one. So they hold no clock. How long the phases
 * of a step took, metrics whose names begin with METRIC_CLOCK, stands beside them in OUT/timing.jsonl and in OUT/timing/,
 * where TensorBoard takes it for a run of its own; these two are no part of what runs are compared by. */
#ifndef RLAIF_STAGE_METRIC_LOG_H
#define RLAIF_STAGE_METRIC_LOG_H

#include "store/store.h"

#define METRIC_LOG_FILE  "metrics.jsonl"
#define METRIC_CLOCK     "seconds_" /* how long something took: not a part of what a run is compared by */
#define METRIC_PART      "reward/"  /* before the name of a part of a reward; on held-out prompts */
#define METRIC_EVAL_PART "eval_reward/"
#define METRIC_DATE      "seconds_since_1970" /* when a step was over */
#define TIMING_FILE      "timing.jsonl"
#define TIMING_DIRECTORY "timing"

typedef struct MetricLog {
    Store *store;
    int64_t stage;
    const char *dir; /* of the files */
    int written;     /* steps that are in them; -1: what they hold is another run's */
} MetricLog;

/* Brings the files to the steps 0 .. steps - 1, of which everything is in the store. */
bool metric_log_write(MetricLog *l, int steps, Err *err) MUST_CHECK;

/* Puts into the store what the n phases of a step took, by names that begin with METRIC_CLOCK, and that it is over now. */
bool metric_clock(Store *store, int64_t stage, int step, const char *const *phase, const double *seconds, int n,
                  Err *err) MUST_CHECK;

#endif
