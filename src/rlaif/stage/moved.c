/* Intervals over clusters of rows. */
#include "rlaif/stage/moved.h"

#include "base/mem.h"

#include <math.h>

Moved moved_begin(int clusters)
{
    return (Moved){.by = mem_zalloc((size_t)clusters + 1, sizeof(double)),
                   .met = mem_zalloc((size_t)clusters + 1, sizeof(bool)),
                   .clusters = clusters};
}

void moved_add(Moved *m, int cluster, double by)
{
    m->by[cluster] += by;
    m->met[cluster] = true;
}

static int with_rows(const Moved *m)
{
    int n = 0;
    for (int c = 0; c < m->clusters; c++)
        n += m->met[c];
    return n;
}

double moved_error(const Moved *m)
{
    double squares = 0;
    int n = with_rows(m);
    for (int c = 0; c < m->clusters; c++)
        squares += m->by[c] * m->by[c];
    return n > 1 ? sqrt(squares * n / (n - 1.0)) : (double)NAN;
}

Interval moved_interval(const Moved *m, double estimate, double least)
{
    double error = moved_error(m), df = with_rows(m) - 2.0;
    if (!(df > 0) || !(error > least))
        return (Interval){(double)NAN, (double)NAN};
    double half = stats_t_point(df) * error;
    return (Interval){estimate - half, estimate + half};
}

void moved_release(Moved *m)
{
    free(m->by);
    free(m->met);
}
