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

static void add_judge(Taste *t, const char *judge, const char *prompt)
{
    t->known = t->known && judge && prompt;
    if (judge && prompt)
        t->judge[t->judges++] = (JudgeHash){judge, prompt};
}

/* Of labels that were settled anew, only their rows say who judged. */
static void add_judge_of(Taste *t, const ReportStage *label)
{
    const json_t *said = label->label;
    const char *judge = report_hash(label, "model"), *prompt = report_hash(label, "prompt");
    add_judge(t, judge ? judge : json_text_of(said, "judge"), prompt ? prompt : json_text_of(said, "prompt_hash"));
}

/* Which of its pairs' labels it took: as it counted them, else as it was told. */
static void add_sides(TastePart *p)
{
    const json_t *summary = p->reward->summary;
    const char *labels = json_text_of(json_object_get(p->reward->about, "options"), "labels");
    bool counted = json_object_get(summary, "pairs_ai") != NULL;
    p->pairs_ai = json_number_of(summary, "pairs_ai", (double)NAN);
    p->pairs_people = json_number_of(summary, "pairs_human", (double)NAN);
    p->ai = counted ? p->pairs_ai > 0 : !labels || strcmp(labels, "human") != 0;
    p->people = counted ? p->pairs_people > 0 : labels && (strcmp(labels, "human") == 0 || strcmp(labels, "both") == 0);
}

/* Of the reward model that p->reward made. */
static void add_model(Taste *t, TastePart *p, const Report *r)
{
    if (!p->reward) {
        t->known = false;
        return;
    }
    add_sides(p);
    if (!p->ai)
        return;
    p->labels = report_makers(r, p->reward, "pairs", "label", p->label, MOST_TEACHERS);
    t->known = t->known && p->labels > 0;
    for (int i = 0; i < p->labels; i++)
        add_judge_of(t, p->label[i]);
}

Taste report_taste_of_model(const Report *r, const ReportStage *reward)
{
    Taste t = {.part = {{.reward = reward, .weight = 1}}, .parts = 1, .known = true};
    add_model(&t, &t.part[0], r);
    return t;
}

static void add_direct(Taste *t, const json_t *hashes, const char *prompt, double weight)
{
    t->part[t->parts++] = (TastePart){.weight = weight, .direct = true, .name = prompt};
    add_judge(t, json_text_of(hashes, "judge"), json_text_of(hashes, "prompt"));
}

static void add_reward(Taste *t, const Report *r, const json_t *hashes, const ReportStage *maker, double weight)
{
    TastePart *p = &t->part[t->parts++];
    *p = (TastePart){.weight = weight,
                     .name = json_text_of(hashes, "name"),
                     .reward_hash = json_text_of(hashes, "reward"),
                     .reward = maker};
    add_model(t, p, r);
}

/* Of --rewards: as the stage keeps them; the stages that made reward models as the recipe names them. */
static void add_list(Taste *t, const Report *r, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < MOST_REWARDS; i++) {
        const json_t *one = json_array_get(list, i);
        double weight = json_number_of(one, "weight", 1) / json_number_of(one, "scale", 1);
        if (json_object_get(one, "reward"))
            add_reward(t, r, one, report_maker_of_part(r, t->rl, (int)i), weight);
        else
            add_direct(t, one, json_text_of(one, "name"), weight);
    }
}

/* Of --reward, or --judge and --prompt; a run of an earlier version may have both, added up by --reward-weight. */
static void add_options(Taste *t, const Report *r)
{
    const json_t *hashes = json_object_get(t->rl->about, "hashes"), *options = json_object_get(t->rl->about, "options");
    bool direct = report_hash(t->rl, "prompt"), both = direct && report_hash(t->rl, "reward");
    double weight = both ? json_number_of(options, "reward-weight", (double)NAN) : 1;
    if (!direct || both)
        add_reward(t, r, hashes, report_maker_or_only(r, t->rl, "reward", "reward"), weight);
    if (direct)
        add_direct(t, hashes, report_value(t->rl, "prompt"), both ? 1 - weight : 1);
}

Taste report_taste(const Report *r, const ReportStage *rl)
{
    Taste t = {.rl = rl, .known = true};
    const json_t *list = json_object_get(json_object_get(rl->about, "hashes"), "rewards");
    if (json_is_array(list))
        add_list(&t, r, list);
    else
        add_options(&t, r);
    return t;
}

static bool part_taught_by(const TastePart *p, const ReportStage *label)
{
    for (int i = 0; i < p->labels; i++) {
        const char *name = p->label[i]->row.name;
        size_t n = strlen(name);
        if (p->label[i] == label || /* of NAME.all some were left out */
            (strncmp(label->row.name, name, n) == 0 && strcmp(label->row.name + n, ".all") == 0))
            return true;
    }
    return false;
}

bool report_taught_by(const Taste *t, const ReportStage *label)
{
    bool taught = false;
    for (int i = 0; i < t->parts; i++)
        taught = taught || part_taught_by(&t->part[i], label);
    return taught;
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
    bool same = false;
    for (int i = 0; i < t.parts; i++)
        same = same || same_hash(json_text_of(result, "reward_hash"), t.part[i].reward_hash);
    if (report_by_reward(result))
        return same;
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
