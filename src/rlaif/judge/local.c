/* A judge that is a model in this process: prompts as ids, answers by the scorer, rationales by generation. */
#include "rlaif/judge/local.h"

#include "base/mem.h"
#include "base/real.h"
#include "infer/generate.h"
#include "infer/trie.h"

typedef struct Local {
    Model *model; /* borrowed */
    bool chat, contrast;
    const char *system; /* borrowed from the prompt */
    Scorer *scorer;
    Ids answer[MOST_ANSWERS];
    int answers;
    Scorer *planner; /* hollow; NULL until something is planned */
    Ids first;       /* the first prompt that was planned */
    int max_new;     /* tokens of a rationale; 0: none */
    int samples;
} Local;

/* Room after a prompt for its answer. */
enum { ANSWER_ROOM = 8 };

/* Of a contrast: the response's tokens are the same behind either example. *from is where they begin. */
static bool render_given(const Local *l, const Asked *a, Ids *out, int *from, Err *err)
{
    if (!render_plain(l->model, a->body, out, err))
        return false;
    *from = out->n;
    return tokenizer_encode(l->model->tokenizer, a->ending, strlen(a->ending), TOKENIZE_BARE, out, err);
}

static bool render_asked(const Local *l, const Asked *a, Ids *out, Err *err)
{
    int from;
    if (l->contrast)
        return render_given(l, a, out, &from, err);
    if (l->chat) {
        json_t *messages = json_array();
        if (l->system[0])
            json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "system", "content", l->system));
        json_array_append_new(messages,
                              json_pack("{s:s, s:o}", "role", "user", "content", json_take_text(mem_str(a->body))));
        bool ok = render_chat_text(l->model, messages, a->ending, out, err);
        json_decref(messages);
        return ok;
    }
    char *text = mem_printf("%s%s", a->body, a->ending);
    bool ok = render_plain(l->model, text, out, err);
    free(text);
    return ok;
}

static bool render_all(const Local *l, const Asked *a, int n, int room, Ids *out, Err *err)
{
    for (int i = 0; i < n; i++)
        if (!render_asked(l, &a[i], &out[i], err) || !render_fits(l->model, out[i].n + room, 0, err))
            return err_context(err, "%s", a[i].where);
    return true;
}

static void release_all(Ids *ids, int n)
{
    for (int i = 0; i < n; i++)
        ids_release(&ids[i]);
    free(ids);
}

/* --- answers -------------------------------------------------------------------------------------------- */

static bool goes_on(const Ids *shorter, const Ids *longer)
{
    return longer->n > shorter->n && memcmp(longer->id, shorter->id, (size_t)shorter->n * sizeof *shorter->id) == 0;
}

/* From the answers' plain probabilities to those of ending there: log(P(1) - P(10)) for "1" beside "10". */
static void settle_answers(const Local *l, const double *plain, Verdict *v)
{
    int n = l->answers;
    v->mass = 0;
    for (int a = 0; a < n; a++) {
        double share = 0; /* of answer a that goes on to a longer one, counted once */
        for (int b = 0; b < n; b++) {
            bool direct = goes_on(&l->answer[a], &l->answer[b]);
            for (int c = 0; c < n && direct; c++)
                direct = !(goes_on(&l->answer[a], &l->answer[c]) && goes_on(&l->answer[c], &l->answer[b]));
            if (direct)
                share += real_exp(plain[b] - plain[a]);
        }
        v->logp[a] = share > 0 ? plain[a] + real_log1p(share < 1 ? -share : -1) : plain[a];
        v->mass += real_exp(v->logp[a]);
    }
}

/* Scores every prompt with every answer behind it. A hollow scorer says nothing: then out is NULL. */
static bool score_answers(const Local *l, Scorer *scorer, const Ids *prompt, int n, Verdict *out, Err *err)
{
    int answers = l->answers, total = n * answers;
    Sequence *seq = mem_alloc((size_t)total, sizeof *seq);
    int *from = mem_alloc((size_t)total, sizeof *from);
    float **logp = mem_zalloc((size_t)total, sizeof *logp);
    Ids *whole = mem_zalloc((size_t)total, sizeof *whole);
    for (int i = 0; i < total; i++) {
        const Ids *answer = &l->answer[i % answers];
        ids_append(&whole[i], prompt[i / answers].id, prompt[i / answers].n);
        ids_append(&whole[i], answer->id, answer->n);
        seq[i] = (Sequence){whole[i].id, whole[i].n};
        from[i] = prompt[i / answers].n;
        logp[i] = mem_alloc((size_t)answer->n, sizeof(float));
    }
    bool ok = scorer_logprobs(scorer, seq, from, total, logp, err);
    for (int i = 0; ok && out && i < n; i++) {
        double plain[MOST_ANSWERS] = {0};
        for (int a = 0; a < answers; a++)
            for (int t = 0; t < l->answer[a].n; t++)
                plain[a] += (double)logp[i * answers + a][t];
        settle_answers(l, plain, &out[i]);
        out[i].tokens = prompt[i].n;
    }
    for (int i = 0; i < total; i++)
        free(logp[i]);
    release_all(whole, total);
    free(logp);
    free(from);
    free(seq);
    return ok;
}

static bool local_answer(void *self, const Asked *a, int n, Verdict *out, Err *err)
{
    Local *l = self;
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    bool ok = render_all(l, a, n, ANSWER_ROOM, prompt, err) && score_answers(l, l->scorer, prompt, n, out, err);
    release_all(prompt, n);
    return ok;
}

/* Scores the ending of every prompt behind its body. A hollow scorer says nothing: then out is NULL. */
static bool score_given(const Local *l, Scorer *scorer, const Asked *a, int n, Given *out, Err *err)
{
    Ids *whole = mem_zalloc((size_t)n, sizeof *whole);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    int *from = mem_alloc((size_t)n, sizeof *from);
    float **logp = mem_zalloc((size_t)n, sizeof *logp);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = (render_given(l, &a[i], &whole[i], &from[i], err) && render_fits(l->model, whole[i].n, 0, err)) ||
             err_context(err, "%s", a[i].where);
        seq[i] = (Sequence){whole[i].id, whole[i].n};
        logp[i] = mem_alloc((size_t)whole[i].n, sizeof(float));
    }
    ok = ok && scorer_logprobs(scorer, seq, from, n, logp, err);
    for (int i = 0; i < n; i++) {
        if (ok && out) {
            out[i] = (Given){.n = whole[i].n - from[i], .tokens = whole[i].n};
            out[i].logp = mem_alloc((size_t)out[i].n, sizeof(double));
            for (int t = 0; t < out[i].n; t++)
                out[i].logp[t] = (double)logp[i][t];
        }
        free(logp[i]);
    }
    release_all(whole, n);
    free(seq);
    free(from);
    free(logp);
    return ok;
}

static bool local_read(void *self, const Asked *a, int n, Given *out, Err *err)
{
    Local *l = self;
    return score_given(l, l->scorer, a, n, out, err);
}

/* --- rationales ----------------------------------------------------------------------------------------- */

/* The responses of one call, to see when one has written the text that ends it. */
typedef struct Watch {
    const Local *local;
    const Response *response;
    const char *stop;
} Watch;

/* The text of a few last tokens holds `stop`. */
static bool watch_token(void *context, int index, int id)
{
    const Watch *w = context;
    const Ids *ids = &w->response[index].ids;
    int tail = (int)strlen(w->stop) + 1; /* a token is a byte at least */
    int from = ids->n > tail ? ids->n - tail : 0;
    Str s = {0};
    (void)id;
    tokenizer_decode(w->local->model->tokenizer, ids->id + from, ids->n - from, TOKENIZE_BARE, &s);
    bool stopped = strstr(str_text(&s), w->stop) != NULL;
    str_release(&s);
    return !stopped;
}

static bool local_write(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                        char **text, TokenCount *tokens, Err *err)
{
    Local *l = self;
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    Response *r = mem_zalloc((size_t)n, sizeof *r);
    bool ok = render_all(l, a, n, how->max_new_tokens, prompt, err);
    for (int i = 0, shared = 0; ok && i < n; i++) {
        shared = i > 0 && a[i].body == a[shared].body && a[i].ending == a[shared].ending ? shared : i;
        r[i] = (Response){.prompt = prompt[shared].id, .n_prompt = prompt[shared].n, .key = key[i]};
    }
    Watch watch = {l, r, stop};
    ok = ok && generate(l->model, r, n, how, watch_token, &watch, err);
    for (int i = 0; i < n; i++) {
        Str s = {0};
        if (ok) {
            tokenizer_decode(l->model->tokenizer, r[i].ids.id, r[i].ids.n, TOKENIZE_BARE, &s);
            text[i] = str_take(&s);
            tokens[i] = (TokenCount){r[i].n_prompt, r[i].ids.n};
        }
        response_release(&r[i]);
    }
    free(r);
    release_all(prompt, n);
    return ok;
}

/* --- the rest ------------------------------------------------------------------------------------------- */

static bool local_measure(void *self, const Asked *a, int n, int *tokens, Err *err)
{
    const Local *l = self;
    for (int i = 0; i < n; i++) {
        Ids ids = {0};
        bool ok = true;
        if (!l->chat && !a[i].body[0] && !a[i].ending[0]) /* what stands around any text; asked, it would be refused */
            render_begin(l->model, &ids);
        else
            ok = render_asked(l, &a[i], &ids, err) || err_context(err, "%s", a[i].where);
        tokens[i] = ids.n;
        ids_release(&ids);
        if (!ok)
            return false;
    }
    return true;
}

static int local_context(const void *self)
{
    const Local *l = self;
    return l->model->config.context - ANSWER_ROOM;
}

static ScorerCost local_cost(const void *self)
{
    const Local *l = self;
    return scorer_cost(l->scorer);
}

/* Memory while rationales are written after these prompts, if all are as long as they may be: bytes, and for unpacked weights.
 * What all prompts begin with is there once. */
static double rationale_bytes(const Local *l, const Ids *prompt, int n, double *unpacked)
{
    const ModelConfig *c = &l->model->config;
    int longest = 0, shared = n > 1 ? prompt[0].n : 0;
    for (int i = 0; i < n; i++) {
        longest = prompt[i].n > longest ? prompt[i].n : longest;
        shared = common_prefix(prompt[0].id, shared, prompt[i].id, prompt[i].n);
    }
    *unpacked = (double)generate_unpacked(l->model, n, l->samples, longest - shared);
    return (double)((shared ? forest_bytes(c, shared) : 0) +
                    generate_bytes(c, n, l->samples, longest - shared, l->max_new));
}

static bool local_plan(void *self, const Asked *a, int n, int orders, JudgePlan *plan, Err *err)
{
    Local *l = self;
    const ModelConfig *c = &l->model->config;
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    if (!l->planner)
        scorer_open_hollow(&l->planner, l->model);
    bool ok = render_all(l, a, n, l->contrast ? 0 : ANSWER_ROOM, prompt, err) &&
              (l->contrast ? score_given(l, l->planner, a, n, NULL, err)
                           : score_answers(l, l->planner, prompt, n, NULL, err));
    for (int i = 0; ok && i < n; i++) {
        if (l->first.n == 0) {
            ids_append(&l->first, prompt[i].id, prompt[i].n);
            plan->all_share = prompt[i].n;
        }
        plan->all_share = common_prefix(l->first.id, plan->all_share, prompt[i].id, prompt[i].n);
        if (i % orders == 1)
            plan->orders_share += common_prefix(prompt[i - 1].id, prompt[i - 1].n, prompt[i].id, prompt[i].n);
    }
    double unpacked = plan->cost.unpacked, written = 0,
           bytes = l->max_new && ok ? rationale_bytes(l, prompt, n, &written) : 0;
    plan->rationale_bytes = bytes > plan->rationale_bytes ? bytes : plan->rationale_bytes;
    release_all(prompt, n);
    plan->cost = scorer_cost(l->planner);
    unpacked = written > unpacked ? written : unpacked;
    plan->cost.unpacked = unpacked > plan->cost.unpacked ? unpacked : plan->cost.unpacked;
    plan->flops =
        transformer_flops(c, plan->cost.computed, plan->cost.attended) + 2.0 * c->width * c->vocab * plan->cost.wanted;
    return ok;
}

static bool local_show(void *self, const Asked *a, Str *out, Err *err)
{
    const Local *l = self;
    Ids ids = {0};
    bool ok = render_asked(l, a, &ids, err);
    if (ok)
        tokenizer_decode(l->model->tokenizer, ids.id, ids.n, TOKENIZE_SPECIAL, out);
    ids_release(&ids);
    return ok;
}

static void local_free(void *self)
{
    Local *l = self;
    for (int i = 0; i < MOST_ANSWERS; i++)
        ids_release(&l->answer[i]);
    ids_release(&l->first);
    scorer_free(l->scorer);
    scorer_free(l->planner);
    free(l);
}

bool judge_local_open(Judge *j, Model *model, Err *err)
{
    static const JudgeBackend backend = {.answer = local_answer,
                                         .write = local_write,
                                         .read = local_read,
                                         .measure = local_measure,
                                         .context = local_context,
                                         .cost = local_cost,
                                         .free = local_free,
                                         .plan = local_plan,
                                         .show = local_show};
    const JudgePrompt *p = j->prompt;
    Local *l = mem_zalloc(1, sizeof *l);
    l->model = model;
    l->system = p->system;
    l->contrast = p->kind == JUDGE_CONTRAST;
    l->answers = p->answers;
    l->max_new = j->options.cot ? p->cot.max_new_tokens : 0;
    l->samples = j->options.samples;
    j->backend = &backend;
    j->self = l;
    scorer_open(&l->scorer, model);
    bool ok = render_chat(model, j->options.chat == CHAT_AUTO ? p->chat : (ChatMode)j->options.chat, &l->chat, err);
    for (int i = 0; ok && i < p->answers; i++)
        ok = tokenizer_encode(model->tokenizer, p->answer[i], strlen(p->answer[i]), TOKENIZE_BARE, &l->answer[i], err);
    return ok;
}
