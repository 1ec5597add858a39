/* Chain of thought. */
#include "rlaif/judge/rationales.h"

#include "base/mem.h"

enum { TOP_K = 40 }; /* of a model here, where nothing is said */

char *rationale_clean(const JudgePrompt *p, char *written)
{
    char *stop = judge_prompt_stop(p), *end = stop[0] ? strstr(written, stop) : NULL;
    size_t n = end ? (size_t)(end - written) : strlen(written);
    while (n > 0 && strchr(" \t\r\n", written[n - 1]))
        n--;
    Str s = {0};
    str_add_utf8(&s, written, n);
    free(stop);
    free(written);
    return str_take(&s);
}

void rationales_release(Rationales *r, int total)
{
    for (int i = 0; r->text && i < total; i++)
        free(r->text[i]);
    free(r->text);
    free(r->tokens);
}

FirstSteps first_steps(const Judge *j, const Layout *l, const Question *q, bool both)
{
    const JudgeOptions *o = &j->options;
    int each = o->samples, orders = both ? 2 : 1, total = l->n * each;
    FirstSteps s = {.asked = mem_alloc((size_t)total, sizeof *s.asked),
                    .key = mem_alloc((size_t)total, sizeof *s.key),
                    .stop = judge_prompt_stop(j->prompt),
                    .total = total,
                    .how = {.greedy = o->temperature <= 0,
                            .temperature = o->temperature > 0 ? o->temperature : 1,
                            .top_k = o->top_k >= 0       ? o->top_k
                                     : j->backend->about ? 0
                                                         : TOP_K,
                            .top_p = 1,
                            .max_new_tokens = j->prompt->cot.max_new_tokens}};
    for (int i = 0; i < total; i++) {
        int pair = i / (orders * each), order = i / each % orders;
        s.asked[i] = l->asked[i / each];
        s.asked[i].ending = judge_prompt_cot_ending(j->prompt, &j->shown);
        s.key[i] = (RngKey){.seed = (uint64_t)o->seed,
                            .purpose = RNG_RATIONALE,
                            .row = q[pair].row,
                            .visit = both ? order == 1 : q[pair].swap,
                            .sample = (uint32_t)(i % each)};
    }
    return s;
}

void first_steps_release(FirstSteps *s)
{
    free(s->asked);
    free(s->key);
    free(s->stop);
}

bool rationales_write(Judge *j, const Layout *l, const Question *q, bool both, Rationales *out, Err *err)
{
    FirstSteps s = first_steps(j, l, q, both);
    *out = (Rationales){mem_zalloc((size_t)s.total, sizeof(char *)), mem_zalloc((size_t)s.total, sizeof(TokenCount))};
    bool ok = j->backend->write(j->self, s.asked, s.total, s.key, &s.how, s.stop, out->text, out->tokens, err);
    for (int i = 0; ok && i < s.total; i++)
        out->text[i] = out->text[i] ? rationale_clean(j->prompt, out->text[i]) : NULL;
    first_steps_release(&s);
    return ok;
}

Asked second_step(const Judge *j, Asked first, const char *rationale)
{
    first.ending = mem_printf("%s%s%s%s", judge_prompt_cot_ending(j->prompt, &j->shown), rationale, j->prompt->cot.join,
                              j->prompt->ending);
    return first;
}

bool rationales_answer(Judge *j, const Asked *asked, const Rationales *r, int total, Verdict *said, Err *err)
{
    Asked *step = mem_alloc((size_t)total, sizeof *step);
    Verdict *answer = mem_zalloc((size_t)total, sizeof *answer);
    int n = 0, at = 0;
    for (int i = 0; i < total; i++)
        if (r->text[i])
            step[n++] = second_step(j, asked[i / j->options.samples], r->text[i]);
    bool ok = n == 0 || j->backend->answer(j->self, step, n, answer, err);
    for (int i = 0; i < total; i++)
        said[i] = r->text[i] ? answer[at++] : (Verdict){.refused = true};
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)step[i].ending);
    free(answer);
    free(step);
    return ok;
}
