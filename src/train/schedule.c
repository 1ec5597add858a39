/* Learning rates over steps. */
#include "train/schedule.h"

#include "base/real.h"

double schedule_rate(ScheduleKind kind, double lr, int warmup, int step, int steps)
{
    if (step < warmup)
        return lr * (step + 1) / warmup;
    double rest = steps > warmup ? steps - warmup : 1, passed = (step - warmup) / rest;
    if (kind == SCHEDULE_LINEAR)
        return lr * (1 - passed);
    if (kind == SCHEDULE_COSINE)
        return lr * 0.5 * (1 + real_cos(3.141592653589793 * passed));
    return lr;
}
