/* Reward models in use. */
#include "rlaif/judge/reward_model.h"

#include "base/log.h"
#include "base/mem.h"

bool reward_model_check(const char *path, Err *err)
{
    ModelConfig config;
    size_t bytes;
    if (!model_bytes(path, 0, &bytes, &config, err))
        return false;
    if (config.head & HEAD_REWARD)
        return true;
    err_set(err, ERR_INPUT, "%s has no reward head", path);
    return err_hint(err, "rlaif reward trains one; --prompt NAME lets a language model judge directly");
}

/* Those that this program trained say how they read rows. Others have a template, through which they read all of them. */
static bool settle_reading(RewardModel *r, ChatMode chat, Err *err)
{
    Model *m = r->model;
    const json_t *notes = m->notes;
    const ModelConfig *c = &m->config;
    r->centre = json_number_of(notes, "centre", notes ? 0 : c->score_mean);
    r->scale = json_number_of(notes, "scale", !notes && c->score_std > 0 ? c->score_std : 1);
    if (!notes && c->score_apart)
        log_note(
            "%s: its config.json has a \"mean\" and \"std\", which are used where \"normalize_reward\" is true there",
            m->path);
    r->chat = json_bool_of(notes, "chat", m->chat != NULL);
    m->whole_chats = !notes;
    if (chat == CHAT_AUTO && notes)
        return true;
    if (chat != CHAT_AUTO || m->chat)
        return render_chat(m, chat, &r->chat, err);
    err_set(err, ERR_INPUT, "%s has no chat template, through which it would read rows", m->path);
    return err_hint(
        err,
        "put its chat_template.jinja into the directory; --chat false, of rl --reward-chat false, in a list or a mix chat: "
        "false, reads rows as plain text");
}

static bool open_trained(RewardModel *r, const char *path, Device *device, ChatMode chat, Err *err)
{
    return reward_model_check(path, err) &&
           (device ? model_load(&r->model, path, device, 0, err) : model_load_text(&r->model, path, 0, err)) &&
           settle_reading(r, chat, err);
}

/* Of a model without a head, what training would make of it: it reads rows as it will have been trained. */
static bool open_planned(RewardModel *r, const char *path, Device *device, ChatMode chat, Err *err)
{
    ModelConfig config;
    size_t bytes;
    if (!model_bytes(path, 0, &bytes, &config, err))
        return false;
    if (config.head & HEAD_REWARD)
        return open_trained(r, path, device, chat, err);
    r->scale = 1;
    return model_load(&r->model, path, device, HEAD_REWARD, err) && model_own(r->model, err) &&
           render_chat(r->model, chat, &r->chat, err);
}

bool reward_model_open(RewardModel **out, const char *path, Device *device, int date, ChatMode chat, Err *err)
{
    *out = NULL;
    RewardModel *r = mem_zalloc(1, sizeof *r);
    bool ok =
        device && device->hollow ? open_planned(r, path, device, chat, err) : open_trained(r, path, device, chat, err);
    if (ok)
        r->model->date = date;
    if (!ok) {
        reward_model_free(r);
        return false;
    }
    scorer_open(&r->scorer, r->model);
    *out = r;
    return true;
}

void reward_model_free(RewardModel *r)
{
    if (!r)
        return;
    scorer_free(r->scorer);
    scorer_free(r->planner);
    model_free(r->model);
    free(r);
}

static double of_head(const RewardModel *r, float head)
{
    return ((double)head - r->centre) / r->scale;
}

bool reward_model_score(RewardModel *r, const Sequence *seq, int n, double *reward, Err *err)
{
    float *head = mem_alloc((size_t)n, sizeof *head);
    bool ok = scorer_rewards(r->scorer, seq, n, head, err);
    for (int i = 0; ok && i < n; i++)
        reward[i] = of_head(r, head[i]);
    free(head);
    return ok;
}

enum { AT_ONCE = 64 }; /* sequences that are merged into one forest */

static bool in_parts(Scorer *s, const Ids *ids, int n, float *r, Err *err)
{
    bool ok = true;
    for (int first = 0; ok && first < n; first += AT_ONCE) {
        int some = n - first < AT_ONCE ? n - first : AT_ONCE;
        Sequence seq[AT_ONCE];
        for (int i = 0; i < some; i++)
            seq[i] = (Sequence){ids[first + i].id, ids[first + i].n};
        ok = not_interrupted(err) && scorer_rewards(s, seq, some, r ? r + first : NULL, err);
    }
    return ok;
}

bool reward_model_ids(RewardModel *r, const Ids *ids, int n, double *reward, Err *err)
{
    float *head = mem_alloc((size_t)n, sizeof *head);
    bool ok = in_parts(r->scorer, ids, n, head, err);
    for (int i = 0; ok && i < n; i++)
        reward[i] = of_head(r, head[i]);
    free(head);
    return ok;
}

bool reward_model_plan(RewardModel *r, const Ids *ids, int n, ScorerCost *cost, double *flops, Err *err)
{
    if (!r->planner)
        scorer_open_hollow(&r->planner, r->model);
    bool ok = in_parts(r->planner, ids, n, NULL, err);
    *cost = scorer_cost(r->planner);
    *flops = transformer_flops(&r->model->config, cost->computed, cost->attended);
    return ok;
}

bool reward_model_render(RewardModel *r, Rewarded *row, int n, Room room, Ids *ids, Err *err)
{
    bool ok = true;
    for (int i = 0, done = 0; ok && i < n; done += row[i++].view->n)
        ok = cut_render(r->model, row[i].view, r->chat, room, ids + done, &row[i].cut, err) ||
             err_context(err, "%s", row[i].where);
    return ok;
}

bool reward_model_rows(RewardModel *r, Rewarded *row, int n, Room room, double *reward, Err *err)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        total += row[i].view->n;
    Ids *ids = mem_zalloc((size_t)total, sizeof *ids);
    bool ok = reward_model_render(r, row, n, room, ids, err) && reward_model_ids(r, ids, total, reward, err);
    for (int i = 0; i < total; i++)
        ids_release(&ids[i]);
    free(ids);
    return ok;
}

bool model_rewards(Model *m, const Ids *ids, int n, float *r, Err *err)
{
    Scorer *s;
    scorer_open(&s, m);
    bool ok = in_parts(s, ids, n, r, err);
    scorer_free(s);
    return ok;
}

bool model_rewards_cost(Model *m, const Ids *ids, int n, ScorerCost *most, Err *err)
{
    Scorer *s;
    scorer_open_hollow(&s, m);
    bool ok = in_parts(s, ids, n, NULL, err);
    ScorerCost cost = scorer_cost(s);
    most->bytes = cost.bytes > most->bytes ? cost.bytes : most->bytes;
    most->unpacked = cost.unpacked > most->unpacked ? cost.unpacked : most->unpacked;
    scorer_free(s);
    return ok;
}
