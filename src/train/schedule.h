/* Learning rates over steps. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

typedef enum ScheduleKind { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE } ScheduleKind;
#define SCHEDULES "constant|linear|cosine"

/* The rate of step `step` (from 0) of `steps`: rising linearly over the first `warmup` steps to `lr`, then
 * constant, or falling to 0 at the end along a line or half a cosine. */
double schedule_rate(ScheduleKind kind, double lr, int warmup, int step, int steps);

#endif
