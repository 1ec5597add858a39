/* What labelling will take: prompts are laid out and their shared beginnings counted before anything is asked. */
#include "rlaif/label/plan.h"

#include "base/mem.h"
#include "rlaif/judge/reward_model.h"

int label_first_chunk(const Asking *a, int n)
{
    int eighth = n / 8;
    return eighth > a->chunk ? a->chunk : eighth > 1 ? eighth : 1;
}

/* Requests go out so many at a time. */
static int waves_of(const Asking *a, int requests)
{
    int most = a->options->endpoint.concurrency;
    return (requests + most - 1) / most;
}

static bool plan_rows(LabelPlan *p, const Asking *a, const Rows *rows, const int *index, int n, Err *err)
{
    Questions *s = mem_alloc(1, sizeof *s);
    bool ok = true, alone = a->source.endpoint && endpoint_is_new(a->source.endpoint);
    for (int at = 0, size, chunks = 1; ok && at < n; at += size, chunks++) {
        int most = at == 0 ? label_first_chunk(a, n) : a->chunk, sent = p->all.sent;
        size = n - at < most ? n - at : most;
        questions_make(s, a, rows, index + at, size);
        ok = not_interrupted(err) && judge_plan(a->judge, s->q, s->n, s->both, &p->all, err);
        questions_release(s);
        p->waves += waves_of(a, p->all.sent - sent);
        bool measures = !a->source.endpoint || (a->judge->options.cot ? p->all.texts > 0 : p->all.sent > 0);
        if (p->first_chunks > 0 || !measures)
            continue;                         /* what is known already tells nothing */
        p->waves += alone && p->all.sent > 1; /* one request goes before the others */
        p->first = p->all;
        p->first_pairs = at + size;
        p->first_chunks = chunks;
        p->first_waves = p->waves;
    }
    p->pairs = n;
    free(s);
    return ok;
}

/* Tokens of the prompts, each once. */
static double prompt_tokens(const LabelPlan *p, const Asking *a)
{
    return p->all.tokens / a->judge->options.samples;
}

/* The share of them that is not computed, because another prompt begins with the same. */
static double saved(const LabelPlan *p, const Asking *a)
{
    double computed = p->all.cost.computed;
    return computed > 0 ? 1 - computed / prompt_tokens(p, a) : 0;
}

static void add_needs(const LabelPlan *p, const Asking *a, Needs *n)
{
    Counted counted = {0};
    Model *any = a->source.model;
    if (any)
        needs_add_model(n, NEEDS_JUDGE, &counted, any);
    for (int k = 0; k < MOST_PARTS; k++)
        if (a->judge->part[k].reward)
            needs_add_model(n, NEEDS_REWARD_MODEL, &counted, any = a->judge->part[k].reward->model);
    if (any)
        needs_add_base(n, any);
    counted_release(&counted);
    if (p->all.rationale_bytes > p->all.cost.bytes) /* what is written is read only then */
        needs_add(n, NEEDS_RATIONALES, p->all.rationale_bytes);
    else
        needs_add(n, NEEDS_PROMPTS, p->all.cost.bytes);
    needs_most(n, NEEDS_UNPACKED, p->all.cost.unpacked);
}

static bool check_memory(LabelPlan *p, const Asking *a, Err *err)
{
    json_t *said = json_object();
    Needs needs = {0};
    add_needs(p, a, &needs);
    bool ok = needs_check(&needs, a->stage->name, a->options->output ? a->options->output : ".", said, err);
    p->bytes = json_number_of(said, "planned_bytes", 0);
    json_decref(said);
    return ok;
}

/* Of an endpoint, before it has counted a token: at most, with rationales as long as they may be. */
static void plan_requests(LabelPlan *p, const Asking *a)
{
    const JudgePlan *all = &p->all;
    double texts = (double)all->texts * a->judge->prompt->cot.max_new_tokens;
    p->input = all->sent_tokens + texts + (double)all->texts * all->tail;
    p->output = texts + all->sent - all->texts;
    p->dollars = cost_judge(&a->options->endpoint.prices, p->input, p->output);
    if (all->sent == 0) {
        log_note("%s: what the endpoint says of %d pairs is known", a->stage->name, p->pairs);
        return;
    }
    log_note("%s: %d requests of at most about %.0f tokens, the longest prompt has about %d: at most about $%.2f",
             a->stage->name, all->sent, all->sent_tokens / all->sent, all->longest, p->dollars);
    int known = all->prompts * (a->judge->options.cot ? 2 : 1) - all->sent;
    if (known > 0)
        log_note("%s: %d more are not sent: they are the same as others, or their replies are stored", a->stage->name,
                 known);
}

bool label_plan(LabelPlan *p, const Asking *a, const Rows *rows, const int *index, int n, Err *err)
{
    if (!plan_rows(p, a, rows, index, n, err))
        return false;
    if (a->source.endpoint) {
        plan_requests(p, a);
    } else {
        log_note("%s: %d prompts of %.0f tokens, the longest has %d; shared beginnings save %.0f %% of them",
                 a->stage->name, p->all.prompts, p->all.tokens / p->all.prompts, p->all.longest, 100 * saved(p, a));
        p->input = p->all.tokens;
    }
    if (p->all.rationales)
        log_note("%s: %d rationales of at most %d tokens", a->stage->name, p->all.rationales,
                 a->judge->prompt->cot.max_new_tokens);
    bool ok = a->source.endpoint || check_memory(p, a, err);
    p->began = clock_seconds();
    return ok;
}

static double ratio(double all, double first)
{
    return first > 0 ? all / first : 1;
}

/* What a model here takes: time goes with operations, or with rationales with the tokens that are read. */
static void measure_model(LabelPlan *p, double seconds)
{
    bool computes = p->all.rationales == 0 && p->all.flops > 0;
    p->seconds = seconds * (computes ? ratio(p->all.flops, p->first.flops) : ratio(p->all.tokens, p->first.tokens));
    p->output = p->written * ratio(p->all.rationales, p->first.rationales);
}

/* What an endpoint takes: tokens by what it counted, time with the waves of requests or with their rate. */
static void measure_endpoint(LabelPlan *p, const Asking *a, double seconds)
{
    const EndpointOptions *o = &a->options->endpoint;
    json_t *said = endpoint_spent(a->source.endpoint);
    double least = o->per_minute > 0 ? 60 * (p->all.sent - 1) / o->per_minute : 0;
    int answers = p->first.sent - p->first.texts, all_answers = p->all.sent - p->all.texts;
    p->input = json_number_of(said, "input", 0) * ratio(p->all.sent_tokens, p->first.sent_tokens);
    p->output = p->all.texts > 0
                    ? (json_number_of(said, "output", 0) - answers) * ratio(p->all.texts, p->first.texts) + all_answers
                    : json_number_of(said, "output", 0) * ratio(all_answers, answers);
    p->dollars = cost_judge(&o->prices, p->input, p->output);
    p->seconds = seconds * ratio(p->waves, p->first_waves);
    p->seconds = p->seconds > least ? p->seconds : least;
    json_decref(said);
}

static int decimals(double seconds)
{
    return seconds < 10;
}

void label_plan_goes_on(LabelPlan *p, const Asking *a)
{
    if (++p->chunks != p->first_chunks)
        return;
    double seconds = clock_seconds() - p->began;
    if (a->source.endpoint)
        measure_endpoint(p, a, seconds);
    else
        measure_model(p, seconds);
    if (p->first_pairs == p->pairs)
        return;
    Str line = {0};
    if (a->source.endpoint)
        str_addf(&line, "%.0f tokens to read and %.0f to write, $%.4f, ", p->input, p->output, p->dollars);
    log_note("%s: about %s%.*f seconds for %d pairs, by the first %d", a->stage->name, str_text(&line),
             decimals(p->seconds), p->seconds, p->pairs, p->first_pairs);
    str_release(&line);
}

/* Rows to compute for answers: those of the prompts, and of rationales with what joins them to the answers. */
static double planned_computed(const LabelPlan *p)
{
    return p->all.cost.computed > 0 ? p->all.cost.computed + p->output + (double)p->all.rationales * p->all.tail : 0;
}

/* What was planned and what it took, in one line. Time that was measured by all pairs was not planned. */
static void say_end(const LabelPlan *p, const Asking *a, double input, double output, double dollars, double seconds)
{
    Str line = {0};
    str_addf(&line, "%.0f / %.0f tokens read", p->input, input);
    if (p->output > 0 || output > 0)
        str_addf(&line, ", %.0f / %.0f written", p->output, output);
    if (p->first_chunks > 0 && p->first_pairs < p->pairs)
        str_addf(&line, ", %.*f / %.*f seconds", decimals(p->seconds), p->seconds, decimals(seconds), seconds);
    else
        str_addf(&line, ", - / %.*f seconds", decimals(seconds), seconds);
    if (a->source.endpoint)
        str_addf(&line, ", $%.4f / $%.4f", p->dollars, dollars);
    log_note("%s: planned / taken: %s", a->stage->name, str_text(&line));
    str_release(&line);
}

json_t *label_plan_ends(const LabelPlan *p, const Asking *a)
{
    if (p->chunks == 0)
        return NULL;
    json_t *out = json_pack("{s:i, s:i, s:i}", "prompts", p->all.prompts, "longest", p->all.longest, "cut", p->all.cut),
           *spent = a->source.endpoint ? endpoint_spent(a->source.endpoint) : NULL;
    double input = json_number_of(spent, "input", p->tokens), output = json_number_of(spent, "output", p->written),
           dollars = json_number_of(spent, "dollars", 0), seconds = clock_seconds() - p->began;
    const struct {
        const char *name;
        double value;
    } number[] = {{"planned_tokens", p->input},
                  {"tokens", input},
                  {"planned_computed", planned_computed(p)},
                  {"computed", judge_cost(a->judge).computed},
                  {"planned_written", p->output},
                  {"written", output},
                  {"planned_bytes", p->bytes},
                  {"planned_seconds", p->seconds},
                  {"seconds", seconds}};
    for (int i = 0; i < COUNT(number); i++)
        json_object_set_new(out, number[i].name,
                            strstr(number[i].name, "seconds") ? json_real(number[i].value)
                                                              : json_integer((json_int_t)number[i].value));
    say_end(p, a, input, output, dollars, seconds);
    if (spent)
        json_object_update_new(out, json_pack("{s:f, s:f}", "planned_dollars", p->dollars, "dollars", dollars));
    else
        needs_met(out, a->stage->name, a->stage->peak_before);
    json_decref(spent);
    return out;
}

static bool plan_all(LabelPlan *p, const Asking *a, const Rows *rows, Err *err)
{
    int *index = mem_alloc((size_t)rows->n + 1, sizeof *index);
    for (int i = 0; i < rows->n; i++)
        index[i] = i;
    bool ok = plan_rows(p, a, rows, index, rows->n, err);
    free(index);
    return ok;
}

bool label_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err)
{
    Asking a;
    LabelPlan p = {0};
    bool ok = asking_begin(&a, work, options, err) && asking_open_judge(&a, true, err) && plan_all(&p, &a, rows, err);
    if (ok)
        add_needs(&p, &a, n);
    e->scored = p.all.flops;
    asking_release(&a);
    return ok;
}

/* --- explain -------------------------------------------------------------------------------------------- */

static void print_explanation(const LabelPlan *planned, const Asking *a, int pairs, const char *prompt)
{
    const JudgePlan *p = &planned->all;
    const JudgePrompt *asked = a->judge->prompt;
    bool both = a->options->method == LABEL_PAIRWISE && a->options->both_orders;
    printf("prompt            %s, %d exemplars%s\n", asked->name, a->judge->shown.n,
           a->judge->shown.cot ? ", chain of thought" : "");
    printf("pairs             %d\nprompts           %d of %s%.0f tokens, the longest has %d\n", pairs, p->prompts,
           a->source.endpoint ? "at most about " : "", p->tokens / p->prompts, p->longest);
    if (!a->source.endpoint)
        printf("all begin with    %d tokens\n", p->all_share);
    if (both && !a->source.endpoint)
        printf("both orders with  %.0f tokens\n", p->orders_share / pairs);
    if (!a->source.endpoint)
        printf("to compute        %.0f tokens of %.0f: shared beginnings save %.0f %%\n", p->cost.computed,
               prompt_tokens(planned, a), 100 * saved(planned, a));
    if (p->rationales)
        printf("to write          %d rationales of at most %d tokens, to compute beside\n", p->rationales,
               asked->cot.max_new_tokens);
    printf("contexts cut      %d\n\nthe prompt of the first pair, between the lines:\n", p->cut);
    printf("----------------------------------------\n%s\n----------------------------------------\n", prompt);
}

bool label_explain(Work *work, const LabelOptions *o, Err *err)
{
    Asking a;
    LabelPlan plan = {0};
    Rows rows = {0};
    Questions *s = mem_zalloc(1, sizeof *s);
    Str prompt = {0};
    int zero = 0;
    bool ok = asking_begin(&a, work, o, err) &&
              stage_read_rows(work, o->pairs, o->limit, NEED_PAIR, o->skip_bad, &rows, err) &&
              asking_open_judge(&a, false, err) && plan_all(&plan, &a, &rows, err);
    if (ok) {
        questions_make(s, &a, &rows, &zero, 1);
        ok = judge_show(a.judge, &s->q[0], &prompt, err);
        questions_release(s);
    }
    if (ok)
        print_explanation(&plan, &a, rows.n, str_text(&prompt));
    str_release(&prompt);
    free(s);
    asking_release(&a);
    rows_release(&rows);
    return ok;
}
