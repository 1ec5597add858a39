/* Judges. */
#include "rlaif/judge.h"

#include "base/mem.h"
#include "base/real.h"

bool judge_open(Judge **out, Model *model, const char *prompt, ChatMode chat, Err *err)
{
    *out = NULL;
    Judge *j = mem_zalloc(1, sizeof *j);
    j->model = model;
    bool ok = judge_prompt_load(&j->prompt, prompt, err) &&
              render_chat(model, chat == CHAT_AUTO ? j->prompt->chat : chat, &j->chat, err);
    if (ok && j->prompt->answers > MOST_ANSWERS)
        ok = err_set(err, ERR_INPUT, "%s: %d answers, at most %d are possible", prompt, j->prompt->answers,
                     MOST_ANSWERS);
    for (int i = 0; ok && i < j->prompt->answers; i++) {
        const char *a = j->prompt->answer[i];
        ok = tokenizer_encode(model->tokenizer, a, strlen(a), TOKENIZE_BARE, &j->answer[i], err);
        j->number[i] = strtod(a, NULL);
        j->low = i == 0 || j->number[i] < j->low ? j->number[i] : j->low;
        j->high = i == 0 || j->number[i] > j->high ? j->number[i] : j->high;
    }
    if (!ok) {
        judge_free(j);
        return false;
    }
    scorer_open(&j->scorer, model);
    *out = j;
    return true;
}

void judge_free(Judge *j)
{
    if (!j)
        return;
    for (int i = 0; i < MOST_ANSWERS; i++)
        ids_release(&j->answer[i]);
    scorer_free(j->scorer);
    judge_prompt_free(j->prompt);
    free(j);
}

bool judge_render(const Judge *j, const char *context, const char *first, const char *second, Ids *out, Err *err)
{
    const JudgePrompt *p = j->prompt;
    char *body = judge_prompt_body(p, context, first, second);
    bool ok;
    if (j->chat) {
        json_t *messages = json_array();
        if (p->system[0])
            json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "system", "content", p->system));
        json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "user", "content", body));
        ok = render_chat_text(j->model, messages, p->ending, out, err);
        json_decref(messages);
    } else {
        char *text = mem_printf("%s%s", body, p->ending);
        render_begin(j->model, out);
        ok = tokenizer_encode(j->model->tokenizer, text, strlen(text), 0, out, err);
        free(text);
    }
    free(body);
    return ok && render_fits(j->model, out->n + 8, 0, err);
}

/* --- answers -------------------------------------------------------------------------------------------- */

static bool goes_on(const Ids *shorter, const Ids *longer)
{
    return longer->n > shorter->n && memcmp(longer->id, shorter->id, (size_t)shorter->n * sizeof *shorter->id) == 0;
}

/* From the answers' plain probabilities to those of ending there: log(P(1) - P(10)) for "1" beside "10". */
static void settle_answers(const Judge *j, const double *plain, Verdict *v)
{
    int n = j->prompt->answers;
    v->mass = 0;
    for (int a = 0; a < n; a++) {
        double share = 0; /* of answer a that goes on to a longer one, counted once */
        for (int b = 0; b < n; b++) {
            bool direct = goes_on(&j->answer[a], &j->answer[b]);
            for (int c = 0; c < n && direct; c++)
                direct = !(goes_on(&j->answer[a], &j->answer[c]) && goes_on(&j->answer[c], &j->answer[b]));
            if (direct)
                share += real_exp(plain[b] - plain[a]);
        }
        v->logp[a] = share > 0 ? plain[a] + real_log1p(share < 1 ? -share : -1) : plain[a];
        v->mass += real_exp(v->logp[a]);
    }
}

/* Asks n prompts for all answers. */
static bool ask(Judge *j, const Ids *prompt, int n, Verdict *out, Err *err)
{
    int answers = j->prompt->answers, total = n * answers;
    Sequence *seq = mem_alloc((size_t)total, sizeof *seq);
    int *from = mem_alloc((size_t)total, sizeof *from);
    float **logp = mem_zalloc((size_t)total, sizeof *logp);
    Ids *whole = mem_zalloc((size_t)total, sizeof *whole);
    for (int i = 0; i < total; i++) {
        const Ids *answer = &j->answer[i % answers];
        ids_append(&whole[i], prompt[i / answers].id, prompt[i / answers].n);
        ids_append(&whole[i], answer->id, answer->n);
        seq[i] = (Sequence){whole[i].id, whole[i].n};
        from[i] = prompt[i / answers].n;
        logp[i] = mem_alloc((size_t)answer->n, sizeof(float));
    }
    bool ok = scorer_logprobs(j->scorer, seq, from, total, logp, err);
    for (int i = 0; ok && i < n; i++) {
        double plain[MOST_ANSWERS] = {0};
        for (int a = 0; a < answers; a++)
            for (int t = 0; t < j->answer[a].n; t++)
                plain[a] += (double)logp[i * answers + a][t];
        settle_answers(j, plain, &out[i]);
    }
    for (int i = 0; i < total; i++) {
        ids_release(&whole[i]);
        free(logp[i]);
    }
    free(whole);
    free(logp);
    free(from);
    free(seq);
    return ok;
}

/* --- pairs and responses -------------------------------------------------------------------------------- */

/* P(the first slot's response is preferred): softmax over the two answers alone (3.4), then the flip (3.2).
 */
static double first_slot(const Judge *j, const Verdict *v)
{
    double p = real_sigmoid(v->logp[0] - v->logp[1]);
    return j->prompt->flip ? 1 - p : p;
}

static bool render_question(const Judge *j, const Question *q, bool swapped, Ids *out, Err *err)
{
    const char *first = swapped ? q->second : q->first, *second = swapped ? q->first : q->second;
    return judge_render(j, q->context, first, second, out, err) || err_context(err, "%s", q->where);
}

/* What the orders of one pair say together. */
static void settle_pair(const Judge *j, PairVerdict *v)
{
    double slot[2] = {0};
    v->p = 0;
    for (int o = 0; o < v->orders; o++) {
        OrderVerdict *one = &v->order[o];
        double first = first_slot(j, &one->verdict);
        one->p = one->swapped ? 1 - first : first;
        v->p += one->p / v->orders; /* (3.5): q(y1) = (q_a[1] + q_b[2]) / 2 */
        slot[o] = one->verdict.logp[0] - one->verdict.logp[1];
    }
    v->same_slot = v->orders == 2 && slot[0] * slot[1] > 0;
}

bool judge_pairs(Judge *j, const Question *q, int n, bool both, PairVerdict *out, Err *err)
{
    int orders = both ? 2 : 1, total = n * orders;
    Ids *prompt = mem_zalloc((size_t)total, sizeof *prompt);
    Verdict *said = mem_zalloc((size_t)total, sizeof *said);
    bool ok = true;
    for (int i = 0; ok && i < total; i++) {
        PairVerdict *v = &out[i / orders];
        v->orders = orders;
        v->order[i % orders].swapped = both ? i % 2 == 1 : q[i].swap;
        ok = render_question(j, &q[i / orders], v->order[i % orders].swapped, &prompt[i], err);
    }
    ok = ok && ask(j, prompt, total, said, err);
    for (int i = 0; ok && i < total; i++)
        out[i / orders].order[i % orders].verdict = said[i];
    for (int i = 0; ok && i < n; i++)
        settle_pair(j, &out[i]);
    for (int i = 0; i < total; i++)
        ids_release(&prompt[i]);
    free(prompt);
    free(said);
    return ok;
}

bool judge_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err)
{
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    bool ok = true;
    for (int i = 0; ok && i < n; i++)
        ok = render_question(j, &q[i], false, &prompt[i], err);
    ok = ok && ask(j, prompt, n, out, err);
    for (int i = 0; i < n; i++)
        ids_release(&prompt[i]);
    free(prompt);
    return ok;
}

/* The answers' probabilities among themselves. */
static void renormalise(const Judge *j, const Verdict *v, double *p)
{
    double most = v->logp[0], sum = 0;
    for (int a = 1; a < j->prompt->answers; a++)
        most = v->logp[a] > most ? v->logp[a] : most;
    for (int a = 0; a < j->prompt->answers; a++)
        sum += p[a] = real_exp(v->logp[a] - most);
    for (int a = 0; a < j->prompt->answers; a++)
        p[a] /= sum;
}

double judge_expectation(const Judge *j, const Verdict *v)
{
    double p[MOST_ANSWERS], sum = 0;
    renormalise(j, v, p);
    if (j->prompt->kind == JUDGE_VERDICT)
        return p[0];
    for (int a = 0; a < j->prompt->answers; a++)
        sum += j->number[a] * p[a];
    return sum;
}

double judge_reward(const Judge *j, const Verdict *v)
{
    double e = judge_expectation(j, v);
    if (j->prompt->kind == JUDGE_VERDICT)
        return 2 * e - 1;
    return (e - (j->low + j->high) / 2) / ((j->high - j->low) / 2);
}

double judge_preference(const Judge *j, const Verdict *first, const Verdict *second)
{
    if (j->prompt->kind == JUDGE_VERDICT)
        return real_sigmoid((first->logp[0] - first->logp[1]) - (second->logp[0] - second->logp[1]));
    double p[MOST_ANSWERS], q[MOST_ANSWERS], above = 0, below = 0;
    renormalise(j, first, p);
    renormalise(j, second, q);
    for (int a = 0; a < j->prompt->answers; a++)
        for (int b = 0; b < j->prompt->answers; b++) {
            above += j->number[a] > j->number[b] ? p[a] * q[b] : 0;
            below += j->number[a] < j->number[b] ? p[a] * q[b] : 0;
        }
    return above + below > 0 ? above / (above + below) : 0.5;
}
