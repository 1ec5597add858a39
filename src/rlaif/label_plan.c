/* What labelling will take: prompts are laid out and their shared beginnings counted before anything is asked. */
#include "base/mem.h"
#include "rlaif/label_internal.h"
#include "rlaif/needs.h"

static bool plan_rows(Asking *a, const Rows *rows, const int *index, int n, Err *err)
{
    LabelPlan *p = &a->plan;
    Questions *s = mem_alloc(1, sizeof *s);
    bool ok = true;
    for (int at = 0; ok && at < n; at += a->chunk) {
        questions_make(s, a, rows, index + at, n - at < a->chunk ? n - at : a->chunk);
        ok = not_interrupted(err) && judge_plan(a->judge, s->q, s->n, s->both, &p->all, err);
        questions_release(s);
        if (at == 0)
            p->first = p->all;
    }
    p->pairs = n;
    free(s);
    return ok;
}

/* Tokens of the prompts, each once. */
static double prompt_tokens(const Asking *a)
{
    return a->plan.all.tokens / a->judge->options.samples;
}

/* The share of them that is not computed, because another prompt begins with the same. */
static double saved(const Asking *a)
{
    double computed = a->plan.all.cost.computed;
    return computed > 0 ? 1 - computed / prompt_tokens(a) : 0;
}

static bool check_memory(Asking *a, Err *err)
{
    LabelPlan *p = &a->plan;
    json_t *said = json_object();
    Needs needs = {0};
    needs_add(&needs, NEEDS_JUDGE, (double)mem_current());
    if (p->all.rationale_bytes > p->all.cost.bytes) /* what is written is read only then */
        needs_add(&needs, NEEDS_RATIONALES, p->all.rationale_bytes);
    else
        needs_add(&needs, NEEDS_PROMPTS, p->all.cost.bytes);
    bool ok = needs_check(&needs, a->stage->name, a->options->output ? a->options->output : ".", said, err);
    p->bytes = json_number_of(said, "planned_bytes", 0);
    p->bytes = p->bytes > (double)mem_peak() ? p->bytes : (double)mem_peak(); /* loading may have taken more */
    json_decref(said);
    return ok;
}

/* Of an endpoint, before it has counted a token: with rationales at most, where each is as long as it may be. */
static double planned_dollars(const Asking *a)
{
    const JudgePlan *p = &a->plan.all;
    double each = a->judge->prompt->cot.max_new_tokens, written = each * p->rationales,
           read = p->rationales ? 2 * p->tokens + written + (double)p->tail * p->rationales : p->tokens;
    return cost_judge(&a->options->endpoint.prices, read, written + p->prompts);
}

bool label_plan(Asking *a, const Rows *rows, const int *index, int n, Err *err)
{
    LabelPlan *p = &a->plan;
    if (!plan_rows(a, rows, index, n, err))
        return false;
    p->dollars = planned_dollars(a);
    if (a->source.endpoint)
        log_note("%s: %d prompts of about %.0f tokens, the longest has about %d: %s $%.2f", a->stage->name,
                 p->all.prompts, p->all.tokens / p->all.prompts, p->all.longest,
                 p->all.rationales ? "at most about" : "about", p->dollars);
    else
        log_note("%s: %d prompts of %.0f tokens, the longest has %d; shared beginnings save %.0f %% of them",
                 a->stage->name, p->all.prompts, p->all.tokens / p->all.prompts, p->all.longest, 100 * saved(a));
    if (p->all.rationales)
        log_note("%s: %d rationales of at most %d tokens", a->stage->name, p->all.rationales,
                 a->judge->prompt->cot.max_new_tokens);
    bool ok = a->source.endpoint || check_memory(a, err);
    p->began = clock_seconds();
    return ok;
}

/* What time goes with: operations, or with rationales and judges elsewhere the tokens that are read. */
static double work_of(const JudgePlan *p)
{
    return p->rationales || p->flops <= 0 ? p->tokens : p->flops;
}

void label_plan_goes_on(Asking *a, int pairs)
{
    LabelPlan *p = &a->plan;
    if (p->chunks++ > 0)
        return;
    double spent = clock_seconds() - p->began;
    p->seconds = spent * work_of(&p->all) / work_of(&p->first);
    p->output = p->first.rationales ? p->written * p->all.rationales / p->first.rationales : 0;
    if (a->source.endpoint) {
        json_t *said = endpoint_spent(a->source.endpoint);
        p->dollars = json_number_of(said, "dollars", 0) * p->all.tokens / p->first.tokens;
        json_decref(said);
    }
    if (pairs < p->pairs && a->source.endpoint)
        log_note("%s: about %.0f seconds and $%.2f for all, by the first %d pairs", a->stage->name, p->seconds,
                 p->dollars, pairs);
    else if (pairs < p->pairs)
        log_note("%s: about %.0f seconds for all, by the first %d pairs", a->stage->name, p->seconds, pairs);
}

/* Rows to compute for answers: those of the prompts, and of rationales with what joins them to the answers. */
static double planned_computed(const LabelPlan *p)
{
    return p->all.cost.computed > 0 ? p->all.cost.computed + p->output + (double)p->all.rationales * p->all.tail : 0;
}

json_t *label_plan_ends(const Asking *a)
{
    const LabelPlan *p = &a->plan;
    if (p->chunks == 0)
        return NULL;
    json_t *out = json_pack("{s:i, s:i, s:i}", "prompts", p->all.prompts, "longest", p->all.longest, "cut", p->all.cut);
    const struct {
        const char *name;
        double value;
    } number[] = {{"planned_tokens", p->all.tokens},
                  {"tokens", p->tokens},
                  {"planned_computed", planned_computed(p)},
                  {"computed", judge_cost(a->judge).computed},
                  {"planned_written", p->output},
                  {"written", p->written},
                  {"planned_bytes", p->bytes},
                  {"planned_seconds", p->seconds},
                  {"seconds", clock_seconds() - p->began}};
    for (int i = 0; i < COUNT(number); i++)
        json_object_set_new(out, number[i].name,
                            strstr(number[i].name, "seconds") ? json_real(number[i].value)
                                                              : json_integer((json_int_t)number[i].value));
    if (a->source.endpoint)
        json_object_set_new(out, "planned_dollars", json_real(p->dollars));
    else
        needs_met(out, a->stage->name, a->stage->peak_before);
    return out;
}

/* --- explain -------------------------------------------------------------------------------------------- */

static void print_explanation(const Asking *a, int pairs, const char *prompt)
{
    const JudgePlan *p = &a->plan.all;
    const JudgePrompt *asked = a->judge->prompt;
    bool both = a->options->method == LABEL_PAIRWISE && a->options->both_orders;
    printf("prompt            %s, %d exemplars%s\n", asked->name, a->judge->shown.n,
           a->judge->shown.cot ? ", chain of thought" : "");
    printf("pairs             %d\nprompts           %d of %.0f tokens, the longest has %d\n", pairs, p->prompts,
           p->tokens / p->prompts, p->longest);
    if (!a->source.endpoint)
        printf("all begin with    %d tokens\n", p->all_share);
    if (both && !a->source.endpoint)
        printf("both orders with  %.0f tokens\n", p->orders_share / pairs);
    if (!a->source.endpoint)
        printf("to compute        %.0f tokens of %.0f: shared beginnings save %.0f %%\n", p->cost.computed,
               prompt_tokens(a), 100 * saved(a));
    if (p->rationales)
        printf("to write          %d rationales of at most %d tokens, to compute beside\n", p->rationales,
               asked->cot.max_new_tokens);
    printf("contexts cut      %d\n\nthe prompt of the first pair, between the lines:\n", p->cut);
    printf("----------------------------------------\n%s\n----------------------------------------\n", prompt);
}

bool label_explain(Work *work, const LabelOptions *o, Err *err)
{
    Asking a;
    Rows rows = {0};
    Questions *s = mem_zalloc(1, sizeof *s);
    Str prompt = {0};
    int zero = 0;
    bool ok = asking_begin(&a, work, o, err) &&
              stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
              judge_source_load_text(&a.source, work, err) && asking_open_judge(&a, err);
    int *index = mem_alloc((size_t)rows.n + 1, sizeof *index);
    for (int i = 0; i < rows.n; i++)
        index[i] = i;
    ok = ok && plan_rows(&a, &rows, index, rows.n, err);
    if (ok) {
        questions_make(s, &a, &rows, &zero, 1);
        ok = judge_show(a.judge, &s->q[0], &prompt, err);
        questions_release(s);
    }
    if (ok)
        print_explanation(&a, rows.n, str_text(&prompt));
    str_release(&prompt);
    free(index);
    free(s);
    asking_release(&a);
    rows_release(&rows);
    return ok;
}
