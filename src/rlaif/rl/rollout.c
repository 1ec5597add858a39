/* Rollouts. */
#include "rlaif/rl/rollout.h"

#include "base/mem.h"
#include "rlaif/rl/sample.h"

void rollout_release(Rollout *r)
{
    response_release(&r->y);
    free(r->part);
    free(r->reference_logp);
    free(r->returns);
    free(r->values);
    free(r->advantages);
    *r = (Rollout){0};
}

bool rollout_failed(const Rollout *r, const Rows *rows, Err *err)
{
    char place[300];
    return err_context(err, "%s, sample %d", row_place(rows, r->row, place), r->sample);
}

void reward_source_release(RewardSource *s)
{
    for (int i = 0; i < s->parts; i++)
        judge_free(s->part[i].judge);
    for (int i = 0; i < s->parts; i++)
        if (!s->part[i].borrowed) {
            reward_model_free(s->part[i].model);
            judge_source_release(&s->part[i].from);
        }
    free(s->part);
    *s = (RewardSource){0};
}

bool rollouts_sample(Rollout *r, int n, Model *policy, const Rows *rows, const Sampling *how, RngPurpose purpose,
                     int seed, Err *err)
{
    Response *y = mem_zalloc((size_t)n, sizeof *y);
    for (int i = 0; i < n; i++) {
        RngKey key = {.seed = (uint64_t)seed,
                      .purpose = purpose,
                      .row = rows->row[r[i].row].identity,
                      .visit = (uint32_t)r[i].visit,
                      .sample = (uint32_t)r[i].sample};
        y[i] = (Response){.prompt = r[i].prompt->id, .n_prompt = r[i].prompt->n, .key = key};
    }
    bool ok = generate(policy, y, n, how, NULL, NULL, err);
    for (int i = 0; i < n; i++) {
        r[i].y = y[i]; /* kept also on failure: the caller releases them */
        if (y[i].failed)
            rollout_failed(&r[i], rows, err);
    }
    free(y);
    return ok;
}

/* A response as a row's would be read. Free its text. */
static ResponseView rollout_reply(const Rollout *r, bool policy_chats, const Model *policy, const Context *context)
{
    char *text = response_text(policy, &r->y);
    return (ResponseView){text, r->y.ended, policy_chats && blank_before(context, text)};
}

/* The reward model reads prompt and response, ended as in the pairs that it was trained on, by whichever token the policy did;
 * where its tokenizer or its way of reading prompts is another, the text is rendered again as it would be from a row. */
static bool render_rollout(const Rollout *r, const RewardPart *p, bool policy_chats, const Model *policy,
                           const Rows *rows, Ids *out, Err *err)
{
    const RewardModel *m = p->model;
    if (p->same_ids) {
        ids_append(out, r->prompt->id, r->prompt->n);
        ids_append(out, r->y.ids.id, r->y.ids.n - r->y.ended);
        render_end(m->model, m->chat, r->y.ended, out);
        return true;
    }
    int from;
    const Context *context = &rows->row[r->row].view.context;
    ResponseView y = rollout_reply(r, policy_chats, policy, context);
    RowView v = {.context = *context, .response = &y, .n = 1};
    bool ok = render_whole(m->model, &v, 0, m->chat, out, &from, err);
    free(y.text);
    return ok && render_fits(m->model, out->n, 0, err);
}

static bool reward_by_model(Rollout *r, int n, RewardSource *s, int part, const Model *policy, const Rows *rows,
                            Err *err)
{
    const RewardPart *p = &s->part[part];
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    double *reward = mem_alloc((size_t)n, sizeof *reward);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = render_rollout(&r[i], p, s->policy_chats, policy, rows, &ids[i], err);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    ok = ok && reward_model_score(p->model, seq, n, reward, err);
    for (int i = 0; i < n; i++) {
        r[i].part[part].reward = ok ? reward[i] : 0;
        ids_release(&ids[i]);
    }
    free(reward);
    free(seq);
    free(ids);
    return ok;
}

/* The hash of the prompt as the judge reads it. */
static bool hash_judge_prompt(Judge *j, const Question *q, char out[HASH_TEXT], Err *err)
{
    Str text = {0};
    bool ok = judge_show(j, q, &text, err);
    hash_bytes(str_text(&text), text.n, out);
    str_release(&text);
    return ok;
}

/* What will never be judged tells nothing: the mean of the others to its prompt, or the scale's middle. */
static void reward_refused(Rollout *r, int n, int part)
{
    for (int first = 0, end; first < n; first = end) {
        double sum = 0;
        int judged = 0;
        for (end = first; end < n && r[end].row == r[first].row && r[end].visit == r[first].visit; end++) {
            const PartSaid *said = &r[end].part[part];
            judged += !said->verdict.refused;
            sum += said->verdict.refused ? 0 : said->reward;
        }
        for (int i = first; i < end; i++)
            if (r[i].part[part].verdict.refused)
                r[i].part[part].reward = judged > 0 ? sum / judged : 0;
    }
}

static bool reward_by_judge(Rollout *r, int n, RewardSource *s, int part, const Model *policy, const Rows *rows,
                            Err *err)
{
    Judge *judge = s->part[part].judge;
    Question *q = mem_zalloc((size_t)n, sizeof *q);
    Verdict *verdict = mem_zalloc((size_t)n, sizeof *verdict);
    ResponseView *y = mem_zalloc((size_t)n, sizeof *y);
    char(*place)[300] = mem_alloc((size_t)n, sizeof *place);
    for (int i = 0; i < n; i++) {
        const Context *context = &rows->row[r[i].row].view.context;
        y[i] = rollout_reply(&r[i], s->policy_chats, policy, context);
        q[i] = (Question){.where = row_place(rows, r[i].row, place[i]),
                          .context = context_lines(context),
                          .first = y[i].text,
                          .turns = context,
                          .reply = &y[i]};
    }
    bool ok = judge_responses(judge, q, n, verdict, err);
    for (int i = 0; i < n; i++) {
        PartSaid *said = &r[i].part[part];
        ok = ok && hash_judge_prompt(judge, &q[i], said->judge_prompt, err);
        said->verdict = verdict[i];
        said->reward = ok ? judge_reward(judge, &verdict[i]) : 0;
    }
    reward_refused(r, n, part);
    for (int i = 0; i < n; i++) {
        free((char *)(uintptr_t)q[i].context);
        free(y[i].text);
    }
    free(y);
    free(place);
    free(verdict);
    free(q);
    return ok;
}

static void reward_by_function(Rollout *r, int n, const RewardSource *s, const Model *policy)
{
    for (int i = 0; i < n; i++) {
        char *text = response_text(policy, &r[i].y);
        r[i].reward = s->function(text);
        free(text);
    }
}

/* Asks all parts, one after the other, and adds them up. */
static bool reward_by_parts(Rollout *r, int n, RewardSource *s, const Model *policy, const Rows *rows, Err *err)
{
    for (int i = 0; i < n; i++)
        r[i].part = mem_zalloc((size_t)s->parts, sizeof *r[i].part);
    for (int k = 0; k < s->parts; k++) {
        const RewardPart *p = &s->part[k];
        if (!(p->model ? reward_by_model : reward_by_judge)(r, n, s, k, policy, rows, err))
            return false;
        for (int i = 0; i < n; i++) {
            double adds = p->weight * r[i].part[k].reward / p->scale;
            r[i].reward = k == 0 ? adds : r[i].reward + adds;
        }
    }
    return true;
}

bool rollouts_reward(Rollout *r, int n, RewardSource *source, const Model *policy, const Rows *rows, Err *err)
{
    if (source->function)
        reward_by_function(r, n, source, policy);
    else if (!reward_by_parts(r, n, source, policy, rows, err))
        return false;
    for (int i = 0; i < n; i++)
        if (!isfinite(r[i].reward))
            return err_set(err, ERR_NUMBER, "the reward is not finite"), rollout_failed(&r[i], rows, err);
    return true;
}

bool rollouts_reference(Rollout *r, int n, Scorer *reference, Err *err)
{
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    float **logp = mem_alloc((size_t)n, sizeof *logp);
    int *from = mem_alloc((size_t)n, sizeof *from);
    for (int i = 0; i < n; i++) {
        ids_append(&ids[i], r[i].prompt->id, r[i].prompt->n);
        ids_append(&ids[i], r[i].y.ids.id, r[i].y.ids.n);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
        from[i] = r[i].prompt->n;
        logp[i] = r[i].reference_logp = mem_alloc((size_t)r[i].y.ids.n, sizeof(float));
    }
    bool ok = scorer_logprobs(reference, seq, from, n, logp, err);
    for (int i = 0; ok && i < n; i++) {
        r[i].kl = 0;
        for (int t = 0; t < r[i].y.ids.n; t++)
            r[i].kl += (double)r[i].y.logp[t] - (double)r[i].reference_logp[t];
    }
    for (int i = 0; i < n; i++)
        ids_release(&ids[i]);
    free(from);
    free(logp);
    free(seq);
    free(ids);
    return ok;
}
