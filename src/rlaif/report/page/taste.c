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

enum { MOST_DEEP = 8 }; /* models taught by models: where labels were made anew a store may have a circle of them */

/* How somebody stands behind a reward. */
typedef struct Behind {
    double weight; /* what counts for nothing, or against a reply, is not pleased */
    bool part;     /* of a mix, or taught one */
    int deep;      /* reward models before it */
} Behind;

static void add_pleased(Taste *t, Pleased p, Behind b)
{
    p.part = b.part;
    if (b.weight <= 0)
        return;
    if (t->n < MOST_PLEASED)
        t->pleased[t->n++] = p;
    else
        t->known = t->models_known = false;
}

static void add_model(Taste *t, TastePart *p, const Report *r, Behind b);

/* A reward model that labelled, or is a part of a mix, and whom it imitates itself where this run trained it. */
static void add_model_within(Taste *t, const Report *r, const char *hash, Behind b)
{
    add_pleased(t, (Pleased){.reward = hash}, b);
    if (b.weight <= 0)
        return;
    if (t->behinds == COUNT(t->behind) || ++b.deep > MOST_DEEP) {
        t->known = false;
        return;
    }
    TastePart *p = &t->behind[t->behinds++];
    *p = (TastePart){.reward = report_maker_by_hash(r, "reward", hash), .weight = b.weight};
    add_model(t, p, r, b);
}

/* The parts of a mix as a judgment keeps them; rows of earlier versions do not say who they are. */
static void add_parts(Taste *t, const Report *r, const char *judge, const json_t *judgment, Behind mix)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(judgment, "parts"), i, one)
    {
        const char *name = json_text_of(one, "part"), *prompt = json_text_of(one, "prompt_hash"),
                   *reward = json_text_of(one, "reward_hash");
        bool asked = prompt || json_object_get(one, "logp"), length = name && strcmp(name, LOG_LENGTH) == 0;
        const Behind b = {mix.weight * json_number_of(one, "weight", 1), true, mix.deep};
        if (asked)
            add_pleased(t, (Pleased){.judge = judge, .prompt = prompt}, b);
        else if (reward)
            add_model_within(t, r, reward, b);
        t->known = t->known && (asked || length || reward || b.weight <= 0);
        t->models_known = t->models_known && (asked || length || reward);
    }
}

/* The reward model that judged alone, without a prompt; NULL: somebody else did. */
static const char *only_model(const json_t *judgment)
{
    const json_t *parts = json_object_get(judgment, "parts");
    return json_array_size(parts) == 1 ? json_text_of(json_array_get(parts, 0), "reward_hash") : NULL;
}

static void add_judge(Taste *t, const Report *r, const char *judge, const char *prompt, const json_t *judgment,
                      Behind b)
{
    const char *model = prompt ? NULL : only_model(judgment);
    if (model) {
        add_model_within(t, r, model, b);
        return;
    }
    t->known = t->known && judge && prompt;
    if (!judge || !prompt)
        return;
    add_pleased(t, (Pleased){.judge = judge, .prompt = prompt}, b);
    add_parts(t, r, judge, judgment, b);
}

/* Of labels that were settled anew, only their rows say who judged. */
static void add_judge_of(Taste *t, const Report *r, const ReportStage *label, Behind b)
{
    const json_t *said = label->label;
    const char *judge = report_hash(label, "model"), *prompt = report_hash(label, "prompt");
    add_judge(t, r, judge ? judge : json_text_of(said, "judge"), prompt ? prompt : json_text_of(said, "prompt_hash"),
              json_array_get(json_object_get(said, "scores"), 0), b);
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
static void add_model(Taste *t, TastePart *p, const Report *r, Behind b)
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
        add_judge_of(t, r, p->label[i], b);
}

/* People, a second part, or a second judge: nobody is pleased alone. */
static bool is_shared(const Taste *t)
{
    const Pleased *first = NULL;
    int counted = 0;
    bool shared = false;
    for (int i = 0; i < t->parts; i++) {
        counted += !(t->part[i].weight <= 0);
        shared = shared || (t->part[i].ai && t->part[i].people);
    }
    for (int i = 0; i < t->n; i++) {
        const Pleased *p = &t->pleased[i];
        if (p->part || p->reward)
            continue;
        shared = shared || (first && !(same_hash(first->judge, p->judge) && same_hash(first->prompt, p->prompt)));
        first = first ? first : p;
    }
    return shared || counted > 1;
}

Taste report_taste_of_model(const Report *r, const ReportStage *reward)
{
    Taste t = {.part = {{.reward = reward, .weight = 1}}, .parts = 1, .known = true, .models_known = true};
    add_model(&t, &t.part[0], r, (Behind){.weight = 1});
    return t;
}

static void add_direct(Taste *t, const Report *r, const json_t *hashes, const char *prompt, double weight)
{
    const json_t *judgment = json_array_get(t->rl->judgments, (size_t)t->parts);
    t->part[t->parts++] = (TastePart){.weight = weight, .direct = true, .name = prompt};
    add_judge(t, r, json_text_of(hashes, "judge"), json_text_of(hashes, "prompt"), judgment,
              (Behind){.weight = weight});
}

static void add_reward(Taste *t, const Report *r, const json_t *hashes, const ReportStage *maker, double weight)
{
    TastePart *p = &t->part[t->parts++];
    *p = (TastePart){.weight = weight, .name = json_text_of(hashes, "name"), .reward = maker};
    if (json_text_of(hashes, "reward"))
        add_pleased(t, (Pleased){.reward = json_text_of(hashes, "reward")}, (Behind){.weight = weight});
    add_model(t, p, r, (Behind){.weight = weight});
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
            add_direct(t, r, one, json_text_of(one, "name"), weight);
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
        add_direct(t, r, hashes, report_value(t->rl, "prompt"), both ? 1 - weight : 1);
}

Taste report_taste(const Report *r, const ReportStage *rl)
{
    Taste t = {.rl = rl, .known = true, .models_known = true};
    const json_t *list = json_object_get(json_object_get(rl->about, "hashes"), "rewards");
    if (json_is_array(list))
        add_list(&t, r, list);
    else
        add_options(&t, r);
    t.shared = is_shared(&t);
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
    for (int i = 0; i < t->behinds; i++)
        taught = taught || part_taught_by(&t->behind[i], label);
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

/* Is somebody behind the rewards a part of the mix that judged? Summaries of earlier versions do not say who its parts are. */
static Pleases pleases_in_mix(const Taste *t, const char *judge, const json_t *result)
{
    const char *kind = json_text_of(result, "kind");
    const json_t *parts = json_object_get(result, "parts");
    bool known = !kind || strcmp(kind, "mix") != 0 || json_array_size(parts) > 0;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *one = json_array_get(parts, i);
        const char *name = json_text_of(one, "part"), *prompt = json_text_of(one, "prompt_hash"),
                   *reward = json_text_of(one, "reward_hash");
        if (json_number_of(one, "weight", 1) <= 0 || (name && strcmp(name, LOG_LENGTH) == 0))
            continue;
        for (int k = 0; k < t->n; k++) {
            const Pleased *p = &t->pleased[k];
            if (same_hash(reward, p->reward) || (same_hash(judge, p->judge) && same_hash(prompt, p->prompt)))
                return PLEASES_PART;
        }
        known = known && (prompt || (reward && t->models_known));
    }
    return known ? PLEASES_NOT : PLEASES_UNKNOWN;
}

/* Of this training alone. */
static Pleases pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result)
{
    Taste t = report_taste(r, rl);
    bool reward = report_by_reward(result), known = reward ? t.models_known : t.known;
    const char *judge = json_text_of(eval->summary, "judge"), *prompt = json_text_of(result, "prompt_hash");
    for (int i = 0; i < t.n; i++) {
        const Pleased *p = &t.pleased[i];
        bool asked = !reward && same_hash(judge, p->judge);
        if (reward ? same_hash(json_text_of(result, "reward_hash"), p->reward) : asked && same_hash(prompt, p->prompt))
            return p->part || t.shared ? PLEASES_PART : PLEASES_WHOLE;
        known = known && !(asked && !p->prompt);
    }
    Pleases in_mix = pleases_in_mix(&t, judge, result);
    if (in_mix != PLEASES_NOT)
        return in_mix;
    return known ? PLEASES_NOT : PLEASES_UNKNOWN;
}

Pleases report_pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result)
{
    Pleases said = rl ? pleases(r, rl, eval, result) : PLEASES_UNKNOWN;
    for (int i = 0; rl && said < PLEASES_PART && i < r->n; i++) { /* and those that it began with */
        rl = report_training_of(r, report_maker(r, rl, "model"));
        Pleases before = rl ? pleases(r, rl, eval, result) : said;
        said = before >= PLEASES_PART || before < said ? before : said;
    }
    return said;
}

bool report_same_network(const Report *r, const ReportStage *rl, const ReportStage *eval)
{
    const char *judge = json_text_of(eval->summary, "judge");
    bool same = false;
    for (int i = 0; rl && !same && i < r->n; i++) {
        Taste t = report_taste(r, rl);
        for (int k = 0; k < t.n; k++)
            same = same || same_hash(judge, t.pleased[k].judge);
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
