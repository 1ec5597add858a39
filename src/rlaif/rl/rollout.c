/* Rollouts. */
#include "rlaif/rl/rollout.h"

#include "base/mem.h"
#include "rlaif/rl/sample.h"

void rollout_release(Rollout *r)
{
    response_release(&r->y);
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
    reward_model_free(s->model);
    judge_free(s->judge);
    judge_source_release(&s->judges);
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

/* The reward model reads prompt and response, ended as in the pairs that it was trained on, by whichever token the policy did;
 * where its tokenizer or its way of reading prompts is another, the text is rendered again as it would be from a row. */
static bool render_rollout(const Rollout *r, const RewardSource *s, const Model *policy, const Rows *rows, Ids *out,
                           Err *err)
{
    if (s->same_ids) {
        ids_append(out, r->prompt->id, r->prompt->n);
        ids_append(out, r->y.ids.id, r->y.ids.n - r->y.ended);
        render_end(s->model->model, s->model->chat, r->y.ended, out);
        return true;
    }
    const Context *context = &rows->row[r->row].view.context;
    char *text = response_text(policy, &r->y);
    const ResponseView y = {text, r->y.ended, s->policy_chats && blank_before(context, text)};
    bool ok = render_context(s->model->model, context, s->model->chat, out, err) &&
              render_reply(s->model->model, &y, s->model->chat, out, err);
    free(text);
    return ok && render_fits(s->model->model, out->n, 0, err);
}

static bool reward_by_model(Rollout *r, int n, RewardSource *s, const Model *policy, const Rows *rows, Err *err)
{
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)n, sizeof *seq);
    double *reward = mem_alloc((size_t)n, sizeof *reward);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = render_rollout(&r[i], s, policy, rows, &ids[i], err);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    ok = ok && reward_model_score(s->model, seq, n, reward, err);
    for (int i = 0; i < n; i++) {
        r[i].by_model = ok ? reward[i] : 0;
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
static void reward_refused(Rollout *r, int n)
{
    for (int first = 0, end; first < n; first = end) {
        double sum = 0;
        int judged = 0;
        for (end = first; end < n && r[end].row == r[first].row && r[end].visit == r[first].visit; end++) {
            judged += !r[end].said.refused;
            sum += r[end].said.refused ? 0 : r[end].by_judge;
        }
        for (int i = first; i < end; i++)
            if (r[i].said.refused)
                r[i].by_judge = judged > 0 ? sum / judged : 0;
    }
}

static bool reward_by_judge(Rollout *r, int n, RewardSource *s, const Model *policy, const Rows *rows, Err *err)
{
    Question *q = mem_zalloc((size_t)n, sizeof *q);
    Verdict *verdict = mem_zalloc((size_t)n, sizeof *verdict);
    char(*place)[300] = mem_alloc((size_t)n, sizeof *place);
    for (int i = 0; i < n; i++)
        q[i] = (Question){.where = row_place(rows, r[i].row, place[i]),
                          .first = response_text(policy, &r[i].y),
                          .context = context_lines(&rows->row[r[i].row].view.context)};
    bool ok = judge_responses(s->judge, q, n, verdict, err);
    for (int i = 0; i < n; i++) {
        ok = ok && hash_judge_prompt(s->judge, &q[i], r[i].judge_prompt, err);
        r[i].said = verdict[i];
        r[i].by_judge = ok ? judge_reward(s->judge, &verdict[i]) : 0;
    }
    reward_refused(r, n);
    for (int i = 0; i < n; i++) {
        free((char *)(uintptr_t)q[i].context);
        free((char *)(uintptr_t)q[i].first);
    }
    free(place);
    free(verdict);
    free(q);
    return ok;
}

static bool reward_by_function(Rollout *r, int n, const RewardSource *s, const Model *policy)
{
    for (int i = 0; i < n; i++) {
        char *text = response_text(policy, &r[i].y);
        r[i].reward = s->function(text);
        free(text);
    }
    return true;
}

bool rollouts_reward(Rollout *r, int n, RewardSource *source, const Model *policy, const Rows *rows, Err *err)
{
    double w = source->weight;
    for (int i = 0; i < n; i++)
        r[i].by_model = r[i].by_judge = (double)NAN;
    if ((source->model && !reward_by_model(r, n, source, policy, rows, err)) ||
        (source->judge && !reward_by_judge(r, n, source, policy, rows, err)) ||
        (source->function && !reward_by_function(r, n, source, policy)))
        return false;
    for (int i = 0; i < n && !source->function; i++)
        r[i].reward = !source->judge   ? r[i].by_model
                      : !source->model ? r[i].by_judge
                                       : w * r[i].by_model + (1 - w) * r[i].by_judge;
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
