/* The public interface: judges and reward models for other programs. */
#include "rlaif/public.h"

#include "base/mem.h"
#include "base/version.h"
#include "rlaif/judge/judge.h"
#include "rlaif/judge/reward_model.h"
#include "tensor/cpu.h"

struct RlaifJudge {
    Device *device;
    Library library;
    Model *model;
    Judge *judge;
};

struct RlaifReward {
    Device *device;
    Library library;
    RewardModel *model;
};

static bool say_why(const Err *err, char *why, size_t bytes)
{
    snprintf(why, bytes, "%s%s%s", err->msg, err->hint[0] ? "; " : "", err->hint);
    return false;
}

/* Models stay as their files have them. */
static bool open_device(Device **device, Library *library, int threads, Err *err)
{
    library->packed = true;
    bool ok = device_open(device, CPU_AUTO, threads, err);
    if (ok)
        (*device)->library = library;
    return ok;
}

const char *rlaif_version(void)
{
    return RLAIF_VERSION;
}

/* --- judges --- */

RlaifJudge *rlaif_judge_open(const char *model, const char *prompt, int threads, char *why, size_t why_bytes)
{
    RlaifJudge *j = mem_zalloc(1, sizeof *j);
    Err err = {0};
    if (open_device(&j->device, &j->library, threads, &err) && model_load(&j->model, model, j->device, HEAD_LM, &err) &&
        judge_open(&j->judge, j->model, prompt, judge_defaults(CHAT_AUTO), &err))
        return j;
    say_why(&err, why, why_bytes);
    rlaif_judge_close(j);
    return NULL;
}

void rlaif_judge_close(RlaifJudge *j)
{
    if (!j)
        return;
    judge_free(j->judge);
    model_free(j->model);
    device_free(j->device);
    free(j);
}

/* Does the prompt take so many responses at a time? */
static bool check_kind(const RlaifJudge *j, bool pairs, Err *err)
{
    bool pairwise = j->judge->prompt->kind == JUDGE_PAIRWISE;
    return pairwise == pairs || err_set(err, ERR_INPUT, "the prompt %s judges %s at a time", j->judge->prompt->name,
                                        pairwise ? "two responses" : "one response");
}

bool rlaif_judge_pairs(RlaifJudge *j, RlaifPair *pair, int n, char *why, size_t why_bytes)
{
    Question *q = mem_zalloc((size_t)n, sizeof *q);
    PairVerdict *said = mem_zalloc((size_t)n, sizeof *said);
    Err err = {0};
    for (int i = 0; i < n; i++)
        q[i] =
            (Question){.where = "a pair", .context = pair[i].context, .first = pair[i].first, .second = pair[i].second};
    bool ok = check_kind(j, true, &err) && judge_pairs(j->judge, q, n, true, said, &err);
    for (int i = 0; ok && i < n; i++) {
        pair[i].p = said[i].p;
        pair[i].mass = (said[i].order[0].verdict.mass + said[i].order[1].verdict.mass) / 2;
        pair[i].same_slot = said[i].same_slot;
    }
    free(said);
    free(q);
    return ok || say_why(&err, why, why_bytes);
}

bool rlaif_judge_responses(RlaifJudge *j, RlaifResponse *response, int n, char *why, size_t why_bytes)
{
    Question *q = mem_zalloc((size_t)n, sizeof *q);
    ResponseView *reply = mem_zalloc((size_t)n, sizeof *reply);
    Verdict *said = mem_zalloc((size_t)n, sizeof *said);
    Err err = {0};
    for (int i = 0; i < n; i++) {
        reply[i].ended = !response[i].cut_off;
        q[i] = (Question){
            .where = "a response", .context = response[i].context, .first = response[i].response, .reply = &reply[i]};
    }
    bool ok = check_kind(j, false, &err) && judge_responses(j->judge, q, n, said, &err);
    for (int i = 0; ok && i < n; i++) {
        response[i].score = judge_reward(j->judge, &said[i]);
        response[i].mass = said[i].mass;
    }
    free(said);
    free(reply);
    free(q);
    return ok || say_why(&err, why, why_bytes);
}

/* --- reward models --- */

RlaifReward *rlaif_reward_open(const char *model, int threads, char *why, size_t why_bytes)
{
    RlaifReward *r = mem_zalloc(1, sizeof *r);
    Err err = {0};
    if (open_device(&r->device, &r->library, threads, &err) &&
        reward_model_open(&r->model, model, r->device, CHAT_DATE, CHAT_AUTO, &err))
        return r;
    say_why(&err, why, why_bytes);
    rlaif_reward_close(r);
    return NULL;
}

void rlaif_reward_close(RlaifReward *r)
{
    if (!r)
        return;
    reward_model_free(r->model);
    device_free(r->device);
    free(r);
}

/* A response under its context as the reward model reads it. */
static bool render(const RlaifReward *r, const RlaifResponse *response, Ids *out, Err *err)
{
    const Model *m = r->model->model;
    int from;
    ResponseView reply = {.text = mem_str(response->response), .ended = !response->cut_off};
    RowView v = {.context = {.text = mem_str(response->context)}, .response = &reply, .n = 1};
    bool ok = render_whole(m, &v, 0, r->model->chat, out, &from, err) && render_fits(m, out->n, 0, err);
    free(v.context.text);
    free(reply.text);
    return ok;
}

bool rlaif_reward_responses(RlaifReward *r, RlaifResponse *response, int n, char *why, size_t why_bytes)
{
    Ids *ids = mem_zalloc((size_t)n, sizeof *ids);
    Sequence *seq = mem_zalloc((size_t)n, sizeof *seq);
    double *score = mem_zalloc((size_t)n, sizeof *score);
    Err err = {0};
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = render(r, &response[i], &ids[i], &err);
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    ok = ok && reward_model_score(r->model, seq, n, score, &err);
    for (int i = 0; i < n; i++) {
        response[i].score = score[i];
        response[i].mass = 1;
        ids_release(&ids[i]);
    }
    free(score);
    free(seq);
    free(ids);
    return ok || say_why(&err, why, why_bytes);
}
