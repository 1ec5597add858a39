/* Any bytes as a judge prompt; what is accepted is filled in, plain and with chain of thought. */
#include "base/mem.h"
#include "rlaif/judge/prompt/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The text holds what the item needs of it: a response is never lost. */
static void fill_in(const JudgePrompt *p, bool cot)
{
    Shown shown = {.n = p->shots, .cot = cot};
    for (int i = 0; i < shown.n; i++)
        shown.exemplar[i] = p->exemplars - 1 - i;
    bool pairwise = p->kind == JUDGE_PAIRWISE;
    char *body = judge_prompt_body(p, &shown, "{response}", "<first>", pairwise ? "<second>" : NULL);
    if (!strstr(body, "<first>") || (pairwise && !strstr(body, "<second>")))
        __builtin_trap();
    if (cot && !judge_prompt_cot_ending(p, &shown))
        __builtin_trap();
    for (int c = 0; c < p->checks; c++) /* each goes on where the one before it ended */
        if (!str_starts(c + 1 < p->checks ? p->check[c + 1].upto : p->ending, p->check[c].upto))
            __builtin_trap();
    free(body);
}

/* A contrast: behind both examples stands the context, not a word of the response. */
static void fill_in_sides(const JudgePrompt *p)
{
    for (int bad = 0; bad < 2; bad++) {
        char *side = judge_prompt_side(p, bad == 1, "<context>");
        if (!str_starts(side, bad ? p->bad : p->good) || (strstr(p->item, "{context}") && !strstr(side, "<context>")))
            __builtin_trap();
        free(side);
    }
    if (!(p->clip > 0) || p->exemplars > 0 || p->cot.ending)
        __builtin_trap();
}

/* A mix: numbers that one can divide by, and no part's file was read. */
static void look_at_parts(const JudgePrompt *p)
{
    if (!(p->temperature > 0) || p->parts < 1 || p->parts > MOST_PARTS || !isfinite(judge_prompt_length_weight(p)))
        __builtin_trap();
    for (int i = 0; i < p->parts; i++)
        if (!(p->part[i].scale > 0) || p->part[i].prompt || !isfinite(p->part[i].weight) || !part_name(&p->part[i])[0])
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    JudgePrompt *p;
    if (!judge_prompt_parse(&p, "fuzz", (const char *)data, n, &err)) {
        if (err.code == ERR_NONE || p)
            __builtin_trap();
        return 0;
    }
    if (p->kind == JUDGE_MIX)
        look_at_parts(p);
    else if (p->kind == JUDGE_CONTRAST)
        fill_in_sides(p);
    else
        fill_in(p, false);
    if (p->cot.ending)
        fill_in(p, true);
    if (p->kind != JUDGE_MIX)
        free(judge_prompt_stop(p));
    judge_prompt_free(p);
    return 0;
}
