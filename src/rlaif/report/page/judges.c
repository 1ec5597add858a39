/* Whose taste: what was optimised, who judged and how often, and whether another agrees. */
#include "rlaif/report/page/judges.h"

#include "base/file.h"
#include "rlaif/eval/numbers.h"

/* --- what was optimised --------------------------------------------------------------------------------- */

/* " (label; 80 pairs, each counted 0.5 times)" of the labels of a sort. */
static void add_pairs(Str *out, const ReportStage *reward, const char *weight_option, double pairs)
{
    double weight = json_number_of(json_object_get(reward->about, "options"), weight_option, 1);
    str_add(out, say_count(pairs, "pair", "pairs").text);
    if (weight != 1)
        str_addf(out, ", each counted %s times", say_given(weight).text);
}

static void add_judges(Str *out, const TastePart *t)
{
    for (int i = 0; i < t->labels; i++) {
        str_add(out, i ? " and to " : " to ");
        html_prompt(out, json_text_of(t->label[i]->summary, "prompt"));
    }
    str_add(out, t->labels > 0 || isfinite(t->pairs_ai) ? " (" : "");
    for (int i = 0; i < t->labels; i++) {
        str_add(out, i ? ", " : "");
        html_stage(out, t->label[i]);
    }
    if (isfinite(t->pairs_ai)) {
        str_add(out, t->labels ? "; " : "");
        add_pairs(out, t->reward, "weight-ai", t->pairs_ai);
    }
    str_add(out, t->labels > 0 || isfinite(t->pairs_ai) ? ")" : "");
}

/* Whom a reward model imitates. */
static void add_teacher(Str *out, const TastePart *t)
{
    bool judge = t->ai && (t->people || t->labels > 0 || isfinite(t->pairs_ai));
    str_add(out, t->people || judge ? ", which imitates " : "");
    if (t->people) {
        str_add(out, "people\xe2\x80\x99s choices");
        if (isfinite(t->pairs_people)) {
            str_add(out, " (");
            add_pairs(out, t->reward, "weight-human", t->pairs_people);
            str_add(out, ")");
        }
    }
    str_add(out, t->people && judge ? " and " : "");
    if (judge) {
        str_add(out, "the answers of a judge");
        add_judges(out, t);
    }
}

static void add_model(Str *out, const TastePart *t)
{
    str_add(out, t->reward || t->name ? "the reward model " : "the reward model");
    if (t->reward)
        html_stage(out, t->reward);
    else
        html_text(out, t->name);
    add_teacher(out, t);
}

static void add_reward(Str *out, const Taste *t)
{
    for (int i = 0; i < t->parts; i++) {
        const TastePart *p = &t->part[i];
        str_add(out, i == 0 ? "" : i == t->parts - 1 ? "; and " : "; ");
        if (t->parts > 1 || p->weight != 1)
            str_addf(out, "%s of ", say_given(p->weight).text);
        if (p->direct) {
            str_add(out, "the reward that the judge itself gives with ");
            html_prompt(out, p->name);
        } else {
            add_model(out, p);
        }
    }
    for (int i = 0; i < t->behinds; i++) {
        if (!t->behind[i].reward)
            continue;
        str_add(out, ", behind which is also ");
        add_model(out, &t->behind[i]);
    }
    double penalty = json_number_of(json_object_get(t->rl->about, "options"), "no-end-penalty", 0);
    if (penalty > 0)
        str_addf(out, ", less %s for a reply that was cut off before its end", say_given(penalty).text);
}

/* Where an objective is another than is said of all. */
static void add_exceptions(Str *out, const Report *r, const ReportStage *rl)
{
    const json_t *options = json_object_get(rl->about, "options");
    const char *form = json_text_of(options, "objective"), *reference = report_hash(rl, "reference"),
               *model = report_hash(rl, "model");
    if (form && strcmp(form, "plain") == 0)
        str_add(out, " There R counts whole: R \xe2\x88\x92 \xce\xb2 KL was maximised.");
    if (reference && model && strcmp(reference, model) != 0) {
        const ReportStage *maker = report_maker(r, rl, "reference");
        const char *value = report_value(rl, "reference");
        str_add(out, " There KL is the distance from ");
        if (maker)
            html_stage(out, maker);
        else
            html_text(out, value ? path_base(value) : "another reference");
        str_add(out, ", and not from where training started.");
    }
    const char *at = json_text_of(options, "logp-temperature");
    if (at && strcmp(at, "sampling") == 0)
        str_addf(out, " There the KL is that of the distributions at temperature %s, from which replies were drawn.",
                 say_given(json_number_of(options, "temperature", (double)NAN)).text);
    const char *spread = json_text_of(options, "scale-rewards");
    if (spread && strcmp(spread, "none") != 0)
        str_addf(
            out,
            " There the rewards %s were taken less their mean and divided by their standard deviation: how much they "
            "differ there does not count, only their proportions do.",
            strcmp(spread, "group") == 0 ? "of the replies to a prompt" : "of a step");
    if (json_is_true(json_object_get(options, "whiten")))
        str_add(out,
                " There the advantages of a step were normalised to mean 0 and variance 1: how much rewards differ "
                "within a step does not count, only their proportions do.");
}

static bool is_judged(const Taste *t)
{
    bool judged = false;
    for (int i = 0; i < t->n; i++)
        judged = judged || t->pleased[i].judge;
    return judged;
}

/* Is a judge behind the reward the very model that training started from? */
static bool judges_itself(const Taste *t)
{
    const char *model = report_hash(t->rl, "model");
    bool itself = false;
    for (int i = 0; i < t->n; i++)
        itself = itself || (model && t->pleased[i].judge && strcmp(t->pleased[i].judge, model) == 0);
    return itself;
}

void say_optimised(Str *out, const Report *r)
{
    Str own = {0};
    int judged = 0;
    if (!report_next(r, "rl", NULL))
        return;
    html_entry(out, "What was optimised.");
    str_add(out, "(1 \xe2\x88\x92 \xce\xb2) R \xe2\x88\x92 \xce\xb2 KL: a reward R, less the distance KL from where "
                 "training started.");
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl; rl = report_next(r, "rl", rl)) {
        Taste t = report_taste(r, rl);
        const ReportStage *start = report_training_of(r, report_maker(r, rl, "model"));
        double beta = json_number_of(json_object_get(rl->about, "options"), "beta", (double)NAN);
        judged += !t.known || is_judged(&t);
        if (judges_itself(&t)) {
            str_add(&own, own.n ? ", " : " In ");
            html_stage(&own, rl);
        }
        str_add(out, " In ");
        html_stage(out, rl);
        if (start) {
            str_add(out, ", which goes on from ");
            html_stage(out, start);
        }
        str_addf(out, ", \xce\xb2 is %s and R is ", say_given(beta).text);
        add_reward(out, &t);
        str_add(out, ".");
        add_exceptions(out, r, rl);
    }
    if (judged)
        str_add(out, " A judge\xe2\x80\x99s reward is what that judge says, and not what people prefer.");
    if (own.n > 0)
        str_addf(
            out,
            "%s the judge is the very model that is trained: it follows its own taste, and with it its own errors.",
            str_text(&own));
    str_release(&own);
    html_entry_end(out);
}

/* --- a reward model ------------------------------------------------------------------------------------- */

/* Both by one reward model, and the policy was trained on it in both or in neither. */
static bool same_reward(const Outcome *a, const Outcome *b)
{
    return a->sort == BY_REWARD && b->sort == BY_REWARD && a->trained == b->trained &&
           strcmp(json_text_of(a->result, "reward_hash"), json_text_of(b->result, "reward_hash")) == 0;
}

/* The first of those that are by the same reward model names all their evaluations. */
static bool add_evaluations(Str *out, const Outcome *x, int n, int at)
{
    for (int i = 0; i < at; i++)
        if (same_reward(&x[i], &x[at]))
            return false;
    html_entry(out, "A reward model judged.");
    for (int i = at; i < n; i++)
        if (same_reward(&x[i], &x[at])) {
            str_add(out, i == at ? "In " : ", ");
            html_stage(out, x[i].eval);
        }
    return true;
}

void say_reward_model(Str *out, const Report *r)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    for (int i = 0; i < n; i++) {
        if (x[i].sort != BY_REWARD || !add_evaluations(out, x, n, i))
            continue;
        const ReportStage *reward = report_maker(r, x[i].eval, "reward");
        str_add(out, " each reply alone got a reward by ");
        html_judge(out, r, &x[i]);
        if (reward) {
            Taste t = report_taste_of_model(r, reward);
            add_teacher(out, &t.part[0]);
        }
        str_add(out, ".");
        if (x[i].trained == 1)
            str_addf(out,
                     " <b>It is %s the policy was trained on</b>: the win rate says how far training optimised it, and "
                     "not whether the replies are better.",
                     x[i].part ? "a part of what" : "the one that");
        else if (x[i].trained == 0)
            str_add(out, " The policy was not trained on it.");
        html_entry_end(out);
    }
}

/* --- networks, and questions to them -------------------------------------------------------------------- */

enum { MOST_QUESTIONS = 16 };

/* The questions that a network was asked about policies, and a training that began with this very network. */
typedef struct Network {
    const char *hash, *question[MOST_QUESTIONS];
    int questions;
    const ReportStage *own; /* or NULL */
} Network;

static void add_question(Network *n, const char *prompt)
{
    for (int i = 0; i < n->questions; i++)
        if (strcmp(n->question[i], prompt) == 0)
            return;
    if (n->questions < MOST_QUESTIONS)
        n->question[n->questions++] = prompt;
}

/* What an evaluation asked its judge. */
static void add_evaluation(Network *n, const Report *r, const ReportStage *s)
{
    const json_t *results = json_object_get(s->summary, "results");
    const char *one = json_text_of(s->summary, "prompt");
    for (size_t i = 0; i < json_array_size(results); i++)
        if (!report_by_reward(json_array_get(results, i)))
            add_question(n, json_text_of(json_array_get(results, i), "prompt"));
    if (one)
        add_question(n, one);
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl && !n->own; rl = report_next(r, "rl", rl))
        n->own = report_began_as(r, rl, n->hash) ? rl : NULL;
}

static void say_network(Str *out, const Network *n)
{
    html_entry(out, "Who judges.");
    for (int i = 0; i < n->questions; i++) {
        str_add(out, i == 0 ? "" : i == n->questions - 1 ? " and " : ", ");
        html_prompt(out, n->question[i]);
    }
    str_add(out, n->questions > 1 ? " are questions to one network" : " is a question to a network");
    if (n->own) {
        str_add(out, ", the policy\xe2\x80\x99s own, with which ");
        html_stage(out, n->own);
        str_add(out, " began");
    }
    str_add(out, n->questions > 1
                     ? ": what it gets wrong in one it is likely to get wrong in another, so their agreement "
                       "is not that of two witnesses."
                     : ": it judges by its own taste.");
    str_add(out, " Another network, or people, would be a second one.");
    html_entry_end(out);
}

static const char *judge_of(const ReportStage *s)
{
    return json_text_of(s->summary, "judge");
}

void say_networks(Str *out, const Report *r)
{
    static const char *const kinds[] = {"eval winrate", "eval harmless"};
    for (int i = 0; i < r->n; i++) { /* at the first evaluation by each network, of all by it */
        Network n = {.hash = judge_of(&r->stage[i])};
        for (int k = 0; n.hash && k < r->n; k++) {
            const ReportStage *s = &r->stage[k];
            bool evaluates = strcmp(s->row.kind, kinds[0]) == 0 || strcmp(s->row.kind, kinds[1]) == 0;
            if (!evaluates || !judge_of(s) || strcmp(judge_of(s), n.hash) != 0)
                continue;
            if (k < i)
                n.hash = NULL;
            else
                add_evaluation(&n, r, s);
        }
        if (n.hash && (n.questions > 1 || (n.questions == 1 && n.own)))
            say_network(out, &n);
    }
}

void say_comparisons(Str *out, const Report *r)
{
    Str list = {0};
    int all = 0;
    for (int i = 0; i < r->n; i++) {
        int n = eval_comparisons(r->stage[i].summary);
        if (strncmp(r->stage[i].row.kind, "eval ", 5) != 0 || n == 0)
            continue;
        str_add(&list, all ? ", " : "");
        html_stage(&list, &r->stage[i]);
        str_addf(&list, " %d", n);
        all += n;
    }
    if (all > 1)
        str_addf(
            out,
            "<li><b>Several comparisons.</b> This page has %d comparisons of policies (%s). Of %d intervals at "
            "95&nbsp;%% %s miss by chance on average: one that only just leaves out no difference is weak evidence, "
            "unless it was named before. All of them hold at 95&nbsp;%% together where each is one at "
            "%s&nbsp;%%.</li>\n",
            all, str_text(&list), all, say_number(0.05 * all, 2).text, say_number(100 - 5.0 / all, 2).text);
    str_release(&list);
}

/* --- a second opinion ----------------------------------------------------------------------------------- */

/* Of two who judge, the first was optimised, the second was not. */
static void add_opinion(Str *out, const Report *r, const Outcome *first, const Outcome *second)
{
    bool models = first->sort == BY_REWARD || second->sort == BY_REWARD, alone = second->pointwise;
    str_addf(out, "%s is the first to be fooled by it. ",
             first->sort == BY_REWARD ? first->part ? "A reward model that is a part of what the policy was trained on"
                                                    : "The reward model that the policy was trained on"
             : first->part            ? "A judge that is a part of what the policy was trained to please"
                                      : "The judge that the policy was trained to please");
    html_judge(out, r, second);
    str_addf(out, " %s: its %s is %s (95&nbsp;%% interval %s%s). ",
             models            ? "was not trained on"
             : second->network ? "asks the same network in other words and was not trained on"
                               : "asks in other words and was not trained on",
             alone ? "gain" : "win rate", alone ? say_signed(second->value, 3).text : say_percent(second->value).text,
             say_range(second->interval, alone ? 1 : 100, alone ? 3 : 1).text, alone ? "" : "&nbsp;%");
    if (second->sign > 0)
        str_add(out, models ? "That speaks for a difference in the replies and not in the errors of what was optimised."
                            : "That speaks for a difference in the replies and not in the words of one prompt.");
    else if (second->sign < 0)
        str_add(out, models
                         ? "By it the replies are worse: what was optimised is not what this one values."
                         : "By it the replies are worse: what the first judge rewards is not what this one asks for.");
    else
        str_add(
            out,
            models ? "Its interval contains no difference: the gain by the first may be in its own errors alone."
                   : "Its interval contains no difference: the gain by the first judge may be in its own words alone.");
}

void say_agreement(Str *out, const Report *r)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            if (x[i].eval != x[k].eval || x[i].trained != 1 || x[k].trained != 0 || x[i].sign <= 0)
                continue;
            bool confirmed = x[k].sign > 0;
            html_entry(out, confirmed ? "A second opinion agrees." : "A second opinion does not agree.");
            add_opinion(out, r, &x[i], &x[k]);
            html_entry_end(out);
        }
}

/* Is it the first outcome of an evaluation that has none by whom the policy was not trained to please? */
static bool is_alone(const Outcome *x, int n, int at)
{
    bool alone = true;
    for (int i = 0; i < n; i++)
        if (x[i].eval == x[at].eval)
            alone = alone && i >= at && x[i].trained == 1;
    return alone;
}

void say_alone(Str *out, const Report *r)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x), named = 0;
    for (int i = 0; i < n; i++) {
        if (!is_alone(x, n, i))
            continue;
        if (named == 0)
            html_entry(out, "No second opinion.");
        str_add(out, named++ ? ", " : "In ");
        html_stage(out, x[i].eval);
    }
    if (named == 0)
        return;
    str_add(
        out,
        " the policy was judged by nobody but whom it was trained to please, in whole or in part. A policy learns its judge\xe2\x80\x99s errors "
        "with its taste: what that judge gets wrong, the policy was trained to do, and it counts here as better. "
        "Another judge, or people, have to confirm it.");
    html_entry_end(out);
}
