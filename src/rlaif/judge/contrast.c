/* A contrast. */
#include "rlaif/judge/contrast.h"

#include "base/mem.h"

double contrast_mean(const double *good, const double *bad, int n, double clip)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d = good[i] - bad[i];
        sum += d > clip ? clip : d < -clip ? -clip : d;
    }
    return n > 0 ? sum / n : 0;
}

static double mean_of(const Given *g)
{
    double sum = 0;
    for (int i = 0; i < g->n; i++)
        sum += g->logp[i];
    return g->n > 0 ? sum / g->n : 0;
}

static bool settle(const Judge *j, const Given side[2], const char *where, Verdict *v, Err *err)
{
    *v = (Verdict){.refused = side[0].refused || side[1].refused, .tokens = side[0].tokens + side[1].tokens};
    if (v->refused)
        return true;
    if (side[0].n != side[1].n) {
        err_set(err, ERR_INPUT, "%s: the response is %d tokens behind the good example and %d behind the bad one",
                where, side[0].n, side[1].n);
        return err_hint(err, "end both examples and the item so that a token ends there too, or take a model here");
    }
    v->number = contrast_mean(side[0].logp, side[1].logp, side[0].n, j->prompt->clip);
    for (int k = 0; k < 2; k++)
        v->logp[k] = mean_of(&side[k]);
    return true;
}

bool contrast_responses(Judge *j, const Layout *l, int n, Verdict *out, Err *err)
{
    Given *given = mem_zalloc((size_t)l->n, sizeof *given);
    bool ok = j->backend->read(j->self, l->asked, l->n, given, err);
    for (int i = 0; ok && i < n; i++)
        ok = settle(j, &given[2 * i], l->asked[2 * i].where, &out[i], err);
    for (int i = 0; i < l->n; i++)
        free(given[i].logp);
    free(given);
    return ok;
}
