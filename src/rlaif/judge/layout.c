/* Prompts laid out and cut. A context is cut between words, so that as many of them stay as fit; the responses and the
 * prompt's own text are never cut. */
#include "rlaif/judge/layout.h"

#include "base/mem.h"

/* Questions first .. first+n-1 have the same context, and their prompts lose the same part of it. */
typedef struct Fit {
    Layout *layout;
    Judge *judge;
    const Question *q;
    int first, n, orders;
    bool both;
    int limit; /* tokens of a prompt; 0: none is measured */
} Fit;

/* Most tokens of a prompt, so that rationale and answer find room after it. Where only the context is a limit and nothing
 * is cut, whoever reads the prompts refuses those that are too long: they need not be measured before. */
static int token_limit(const Judge *j)
{
    const Cot *c = &j->prompt->cot;
    int most = j->backend->context(j->self), wanted = j->options.max_input;
    if (j->options.cot) /* a text has no more tokens than bytes */
        most -= c->max_new_tokens + (int)(strlen(c->join) + strlen(j->prompt->ending));
    most = most > 1 ? most : 1;
    if (wanted == 0)
        return j->options.cut == CUT_NOTHING ? 0 : most;
    return wanted < most ? wanted : most;
}

static void release_asked(const Layout *l, Asked *a)
{
    free((char *)(uintptr_t)a->body);
    if (l->contrast)
        free((char *)(uintptr_t)a->ending);
}

/* Lays out all prompts of the fit with this context in place of theirs, and measures them; *longest of them. */
static bool lay_out(const Fit *f, const char *context, int *longest, Err *err)
{
    const Judge *j = f->judge;
    int from = f->first * f->orders, n = f->n * f->orders;
    for (int i = from; i < from + n; i++) {
        const Question *q = &f->q[i / f->orders];
        bool swapped = f->both ? i % 2 == 1 : q->swap;
        Asked *a = &f->layout->asked[i];
        release_asked(f->layout, a);
        if (f->layout->contrast) {
            *a = (Asked){.where = q->where,
                         .body = judge_prompt_side(j->prompt, i % 2 == 1, context),
                         .ending = mem_printf("%s%s", j->prompt->blank, q->first)};
            continue;
        }
        *a = (Asked){.where = q->where,
                     .body = judge_prompt_body(j->prompt, &j->shown, context, swapped ? q->second : q->first,
                                               swapped ? q->first : q->second),
                     .ending = j->shown.cot ? judge_prompt_cot_ending(j->prompt, &j->shown) : j->prompt->ending};
    }
    *longest = 0;
    if (f->limit == 0)
        return true;
    int *tokens = &f->layout->tokens[from];
    if (!j->backend->measure(j->self, &f->layout->asked[from], n, tokens, err))
        return false;
    for (int i = 0; i < n; i++) {
        tokens[i] += f->q[(from + i) / f->orders].coming;
        *longest = tokens[i] > *longest ? tokens[i] : *longest;
    }
    return true;
}

static bool fits_with(void *self, const char *context, bool *fits, Err *err)
{
    const Fit *f = self;
    int longest;
    if (!lay_out(f, context, &longest, err))
        return false;
    *fits = longest <= f->limit;
    return true;
}

/* Lays out with as much of the context as fits. */
static bool cut_to_fit(const Fit *f, const char *context, int *cut, Err *err)
{
    Fit self = *f;
    char *kept;
    int longest;
    if (!cut_text(context, (CutRule)f->judge->options.cut, fits_with, &self, &kept, err))
        return false;
    if (!kept) {
        err_set(err, ERR_INPUT, "%s: more than %d tokens, even without the context", f->q[f->first].where, f->limit);
        return err_hint(err, "%s or leave out the row",
                        f->limit == f->judge->options.max_input ? "raise --max-input," : "shorten its responses,");
    }
    *cut = text_characters(context) - text_characters(kept);
    bool ok = lay_out(f, kept, &longest, err);
    free(kept);
    return ok;
}

/* Nothing may be cut, and it is too long. */
static bool refuse(const Fit *f, int tokens, Err *err)
{
    const JudgeOptions *o = &f->judge->options;
    const Question *q = &f->q[f->first];
    bool own = f->limit == o->max_input;
    char coming[60] = "";
    if (q->coming > 0)
        snprintf(coming, sizeof coming, " with a reply of %d", q->coming);
    err_set(err, ERR_INPUT, "%s: the judge would read %s%d tokens%s, %s %d", q->where,
            f->judge->backend->about ? "up to about " : "", tokens, coming,
            own ? "--max-input is" : "its context has room for", f->limit);
    if (!o->cut_by)
        return err_hint(err, "shorten or leave out the row");
    return err_hint(err,
                    "shorten or leave out the row, or cut its context by a rule: %s context-left or context-right%s%s",
                    o->cut_by, q->coming > 0 ? "; or lower --max-new-tokens" : "", own ? "; or raise --max-input" : "");
}

static bool fit(const Fit *f, Err *err)
{
    const char *context = f->q[f->first].context;
    int longest, cut = 0;
    if (!lay_out(f, context, &longest, err))
        return false;
    if (longest > f->limit && f->judge->options.cut == CUT_NOTHING)
        return refuse(f, longest, err);
    if (longest > f->limit && !cut_to_fit(f, context, &cut, err))
        return false;
    for (int i = 0; i < f->n * f->orders; i++)
        f->layout->cut[f->first * f->orders + i] = cut;
    return true;
}

bool layout_make(Layout *l, Judge *j, const Question *q, int n, bool both, Err *err)
{
    bool contrast = j->prompt->kind == JUDGE_CONTRAST;
    Fit f = {
        .layout = l, .judge = j, .q = q, .orders = both || contrast ? 2 : 1, .both = both, .limit = token_limit(j)};
    l->contrast = contrast;
    l->n = n * f.orders;
    l->asked = mem_zalloc((size_t)l->n, sizeof *l->asked);
    l->tokens = mem_zalloc((size_t)l->n, sizeof *l->tokens);
    l->cut = mem_zalloc((size_t)l->n, sizeof *l->cut);
    for (; f.first < n; f.first += f.n) {
        for (f.n = 1; f.first + f.n < n && q[f.first + f.n].context == q[f.first].context;)
            f.n++;
        if (!fit(&f, err))
            return false;
    }
    return true;
}

void layout_release(Layout *l)
{
    for (int i = 0; l->asked && i < l->n; i++)
        release_asked(l, &l->asked[i]);
    free(l->asked);
    free(l->tokens);
    free(l->cut);
    *l = (Layout){0};
}
