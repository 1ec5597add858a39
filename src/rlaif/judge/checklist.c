/* A checklist asked. */
#include "rlaif/judge/checklist.h"

#include "base/mem.h"

int checklist_each(const Judge *j)
{
    return j->prompt->checks > 0 ? j->prompt->checks : 1;
}

Asked *checklist_prompts(const Judge *j, const Layout *l)
{
    int each = checklist_each(j), n = l->n * each;
    Asked *a = mem_alloc((size_t)n, sizeof *a);
    for (int i = 0; i < n; i++) {
        a[i] = l->asked[i / each];
        if (j->prompt->checks > 0)
            a[i].ending = j->prompt->check[i % each].upto;
    }
    return a;
}

Verdict checklist_verdict(const Judge *j, const Verdict *said)
{
    const JudgePrompt *p = j->prompt;
    Verdict v = {0};
    if (p->checks == 0)
        return said[0];
    for (int c = 0; c < p->checks; c++) {
        int ideal = p->check[c].ideal;
        for (int a = 0; a < 2; a++) {
            int answer = a == 0 ? ideal : 1 - ideal;
            v.logp[2 * c + a] = said[c].logp[answer];
            v.absent |= (said[c].absent >> answer & 1U) << (2 * c + a);
        }
        v.mass += said[c].mass / p->checks;
        v.missing += said[c].missing / p->checks;
        v.refused = v.refused || said[c].refused;
        /* Here the last one is read, and the others with it; an endpoint is sent each. */
        v.tokens = said[c].tokens + (j->backend->about ? v.tokens : 0);
    }
    return v;
}
