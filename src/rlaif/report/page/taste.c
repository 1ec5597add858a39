/* Whom a policy was trained to please: the judges and people behind its rewards, whichever way they lead there. */
#include "rlaif/report/page/taste.h"

static const char PREFIX[] = "sha256:";

/* A hash without what says of which sort it is. */
static const char *bare(const char *hash)
{
    return hash && str_starts(hash, PREFIX) ? hash + strlen(PREFIX) : hash;
}

static bool same_hash(const char *a, const char *b)
{
    return a && b && strcmp(bare(a), bare(b)) == 0;
}

/* --- behind a reward --- */

/* Of labels that were settled anew, only their rows say who judged. */
static void add_judge_of(Taste *t, const ReportStage *label)
{
    const json_t *said = label->label;
    const char *judge = report_hash(label, "model"), *prompt = report_hash(label, "prompt");
    judge = judge ? judge : json_text_of(said, "judge");
    prompt = prompt ? prompt : json_text_of(said, "prompt_hash");
    t->known = t->known && judge && prompt;
    if (judge && prompt)
        t->judge[t->judges++] = (JudgeHash){judge, prompt};
}

/* Which of its pairs' labels it took: as it counted them, else as it was told. */
static void add_sides(Taste *t)
{
    const json_t *summary = t->reward->summary;
    const char *labels = json_text_of(json_object_get(t->reward->about, "options"), "labels");
    bool counted = json_object_get(summary, "pairs_ai") != NULL;
    t->pairs_ai = json_number_of(summary, "pairs_ai", (double)NAN);
    t->pairs_people = json_number_of(summary, "pairs_human", (double)NAN);
    t->ai = counted ? t->pairs_ai > 0 : !labels || strcmp(labels, "human") != 0;
    t->people = counted ? t->pairs_people > 0 : labels && (strcmp(labels, "human") == 0 || strcmp(labels, "both") == 0);
}

/* Of the reward model t->reward. */
static void add_model(Taste *t, const Report *r)
{
    if (!t->reward) {
        t->known = false;
        return;
    }
    add_sides(t);
    if (!t->ai)
        return;
    t->labels = report_makers(r, t->reward, "pairs", "label", t->label, MOST_TEACHERS);
    t->known = t->known && t->labels > 0;
    for (int i = 0; i < t->labels; i++)
        add_judge_of(t, t->label[i]);
}

Taste report_taste_of_model(const Report *r, const ReportStage *reward)
{
    Taste t = {.reward = reward, .known = true};
    add_model(&t, r);
    return t;
}

Taste report_taste(const Report *r, const ReportStage *rl)
{
    Taste t = {.rl = rl, .reward_hash = report_hash(rl, "reward"), .known = true};
    const char *prompt = report_hash(rl, "prompt"), *judge = report_hash(rl, "judge");
    t.direct = prompt != NULL;
    if (!t.direct || t.reward_hash) {
        t.reward = report_maker_or_only(r, rl, "reward", "reward");
        add_model(&t, r);
    }
    if (prompt && judge)
        t.judge[t.judges++] = (JudgeHash){judge, prompt};
    t.known = t.known && (judge || !prompt);
    return t;
}

bool report_taught_by(const Taste *t, const ReportStage *label)
{
    for (int i = 0; i < t->labels; i++) {
        const char *name = t->label[i]->row.name;
        size_t n = strlen(name);
        if (t->label[i] == label || /* of NAME.all some were left out */
            (strncmp(label->row.name, name, n) == 0 && strcmp(label->row.name + n, ".all") == 0))
            return true;
    }
    return false;
}

/* --- behind a policy --- */

const ReportStage *report_training_of(const Report *r, const ReportStage *s)
{
    for (int i = 0; s && i < r->n && strcmp(s->row.kind, "rl") != 0; i++)
        s = strcmp(s->row.kind, "sample") == 0   ? report_maker(r, s, "model")
            : strcmp(s->row.kind, "choose") == 0 ? report_maker(r, s, "policy")
                                                 : NULL;
    return s && strcmp(s->row.kind, "rl") == 0 ? s : NULL;
}

/* 1, 0, -1 as report_pleases, of this training alone. */
static int pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result)
{
    Taste t = report_taste(r, rl);
    if (report_by_reward(result))
        return same_hash(json_text_of(result, "reward_hash"), t.reward_hash);
    for (int i = 0; i < t.judges; i++)
        if (same_hash(json_text_of(result, "prompt_hash"), t.judge[i].prompt) &&
            same_hash(json_text_of(eval->summary, "judge"), t.judge[i].judge))
            return 1;
    return t.known ? 0 : -1;
}

int report_pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result)
{
    int said = rl ? pleases(r, rl, eval, result) : -1;
    for (int i = 0; rl && said != 1 && i < r->n; i++) { /* and those that it began with */
        rl = report_training_of(r, report_maker(r, rl, "model"));
        int before = rl ? pleases(r, rl, eval, result) : said;
        said = before == 1 ? 1 : before < said ? before : said;
    }
    return said;
}

bool report_same_network(const Report *r, const ReportStage *rl, const ReportStage *eval)
{
    const char *judge = json_text_of(eval->summary, "judge");
    bool same = false;
    for (int i = 0; rl && !same && i < r->n; i++) {
        Taste t = report_taste(r, rl);
        for (int k = 0; k < t.judges; k++)
            same = same || same_hash(judge, t.judge[k].judge);
        rl = report_training_of(r, report_maker(r, rl, "model"));
    }
    return same;
}

bool report_began_as(const Report *r, const ReportStage *rl, const char *hash)
{
    bool began = false;
    for (int i = 0; rl && !began && i < r->n; i++) {
        began = same_hash(hash, report_hash(rl, "model"));
        rl = report_maker(r, rl, strcmp(rl->row.kind, "choose") == 0 ? "policy" : "model");
    }
    return began;
}
