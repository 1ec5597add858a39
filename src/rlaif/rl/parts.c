/* Opening the parts of a reward. */
#include "rlaif/rl/parts.h"

#include "base/mem.h"
#include "rlaif/learn/flat.h"

/* The earlier part by the same model, or NULL. */
static const RewardPart *same_model(const RewardSource *s, int part)
{
    const RewardPart *p = &s->part[part];
    bool direct = !p->hash[0];
    for (int i = 0; i < part; i++) {
        const RewardPart *e = &s->part[i];
        if (direct ? e->judge && strcmp(e->from.hash, p->from.hash) == 0
                   : strcmp(e->hash, p->hash) == 0 && e->chat == p->chat)
            return e;
    }
    return NULL;
}

static bool open_model(Rl *rl, int part, const Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    const char *dir = rl->asked.part[part].reward;
    RewardPart *p = &rl->source.part[part];
    p->chat = rl->asked.part[part].chat;
    if (!work_model_hash(work, dir, p->hash, err))
        return false;
    const RewardPart *same = same_model(&rl->source, part);
    if (same) {
        p->model = same->model;
        p->flat = same->flat;
        p->same_ids = same->same_ids;
        p->borrowed = true;
        return true;
    }
    if (!reward_model_open(&p->model, dir, work->device, o->common.date, p->chat, err))
        return false;
    p->flat = flat_by_scale(p->model->scale);
    if (o->scale == SCALE_NONE)
        p->model->scale = 1;
    p->same_ids = tokenizer_same(rl->policy->tokenizer, p->model->model->tokenizer) && rl->chat == p->model->chat &&
                  !p->model->model->whole_chats;
    return true;
}

static bool open_judge(Rl *rl, int part, Work *work, Err *err)
{
    const RlOptions *o = rl->options;
    RewardPart *p = &rl->source.part[part];
    JudgeOptions how = judge_reading(CHAT_AUTO, o->reading);
    how.refused = o->skip_bad ? REFUSED_KEPT : REFUSED_FAILS;
    if (!asked_part_judge(&p->from, &rl->asked, part, work, o, err))
        return false;
    const RewardPart *same = same_model(&rl->source, part);
    if (same)
        p->from = same->from;
    else if (strcmp(p->from.hash, rl->reference_hash) == 0)
        p->from.model = rl->reference;
    p->borrowed = p->from.model || p->from.endpoint;
    return (p->borrowed || judge_source_load(&p->from, work, err)) &&
           judge_source_open(&p->from, &p->judge, rl->asked.part[part].prompt, how, err);
}

bool rl_parts_open(Rl *rl, Work *work, Err *err)
{
    RewardSource *s = &rl->source;
    if (!asked_rewards_read(&rl->asked, rl->options, err))
        return false;
    s->policy_chats = rl->chat;
    s->parts = rl->asked.n;
    s->part = mem_zalloc((size_t)s->parts, sizeof *s->part);
    for (int i = 0; i < s->parts; i++) {
        const AskedPart *asked = &rl->asked.part[i];
        s->part[i].weight = asked->weight;
        s->part[i].scale = asked->scale;
        if (!(asked->reward ? open_model(rl, i, work, err) : open_judge(rl, i, work, err)))
            return asked_part_failed(&rl->asked, i, err);
    }
    return true;
}
