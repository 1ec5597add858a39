/* What the numbers mean, in plain words: what was optimised, who judged, what its bias does, what was not measured. */
#include "base/file.h"
#include "rlaif/flat.h"
#include "rlaif/report_internal.h"

static void begin(Str *out, const char *title)
{
    str_addf(out, "<li><b>%s</b> ", title);
}

static void end(Str *out)
{
    str_add(out, "</li>\n");
}

/* --- what was optimised --- */

/* " (label; 80 pairs, each counted 0.5 times)" of the labels of a sort. */
static void add_pairs(Str *out, const ReportStage *reward, const char *weight_option, double pairs)
{
    double weight = json_number_of(json_object_get(reward->about, "options"), weight_option, 1);
    str_add(out, say_count(pairs, "pair", "pairs").text);
    if (weight != 1)
        str_addf(out, ", each counted %s times", say_number(weight, 2).text);
}

static void add_judges(Str *out, const Taste *t)
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
static void add_teacher(Str *out, const Taste *t)
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

static void add_model(Str *out, const Taste *t)
{
    str_add(out, t->reward ? "the reward model " : "the reward model");
    if (t->reward)
        html_stage(out, t->reward);
    add_teacher(out, t);
}

static void add_reward(Str *out, const Taste *t)
{
    double weight = json_number_of(json_object_get(t->rl->about, "options"), "reward-weight", (double)NAN);
    bool mixed = t->direct && t->reward_hash;
    if (mixed)
        str_addf(out, "%s of ", say_number(weight, 2).text);
    if (!t->direct || mixed)
        add_model(out, t);
    if (mixed)
        str_addf(out, "; and %s of ", say_number(1 - weight, 2).text);
    if (t->direct) {
        str_add(out, "the reward that the judge itself gives with ");
        html_prompt(out, report_value(t->rl, "prompt"));
    }
    double penalty = json_number_of(json_object_get(t->rl->about, "options"), "no-end-penalty", 0);
    if (penalty > 0)
        str_addf(out, ", less %s for a reply that was cut off before its end", say_number(penalty, 2).text);
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
                 say_number(json_number_of(options, "temperature", (double)NAN), 2).text);
    if (json_is_true(json_object_get(options, "whiten")))
        str_add(out,
                " There the advantages of a step were normalised to mean 0 and variance 1: how much rewards differ "
                "within a step does not count, only their proportions do.");
}

/* Is a judge behind the reward the very model that training started from? */
static bool judges_itself(const Taste *t)
{
    const char *model = report_hash(t->rl, "model");
    bool itself = false;
    for (int i = 0; i < t->judges; i++)
        itself = itself || (model && strcmp(t->judge[i].judge, model) == 0);
    return itself;
}

static void say_optimised(Str *out, const Report *r)
{
    Str own = {0};
    int judged = 0;
    if (!report_next(r, "rl", NULL))
        return;
    begin(out, "What was optimised.");
    str_add(out, "(1 \xe2\x88\x92 \xce\xb2) R \xe2\x88\x92 \xce\xb2 KL: a reward R, less the distance KL from where "
                 "training started.");
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl; rl = report_next(r, "rl", rl)) {
        Taste t = report_taste(r, rl);
        const ReportStage *start = report_training_of(r, report_maker(r, rl, "model"));
        double beta = json_number_of(json_object_get(rl->about, "options"), "beta", (double)NAN);
        judged += t.direct || t.ai || !t.known;
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
        str_addf(out, ", \xce\xb2 is %s and R is ", say_number(beta, 3).text);
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
    end(out);
}

/* paper.md 20 */
static void say_limits(Str *out, const Report *r)
{
    if (!report_next(r, "rl", NULL))
        return;
    begin(out, "What this is not for.");
    str_add(
        out,
        "A judge\xe2\x80\x99s biases pass into the policy, and nothing here shows that they did not: let it make no "
        "decision in medicine, law or employment without people. The same method can optimise for harm: R, as said above, "
        "is what a policy was made for, and should be told wherever it goes.");
    end(out);
}

/* --- who judged --- */

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
    begin(out, "A reward model judged.");
    for (int i = at; i < n; i++)
        if (same_reward(&x[i], &x[at])) {
            str_add(out, i == at ? "In " : ", ");
            html_stage(out, x[i].eval);
        }
    return true;
}

/* What the reward model of an evaluation learned from, and whether it is what was optimised. */
static void say_reward_model(Str *out, const Report *r)
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
            add_teacher(out, &t);
        }
        str_add(out, ".");
        if (x[i].trained == 1)
            str_add(out, " <b>It is the one that the policy was trained on</b>: the win rate says how far training "
                         "optimised it, and not whether the replies are better.");
        else if (x[i].trained == 0)
            str_add(out, " The policy was not trained on it.");
        end(out);
    }
}

/* What says next to nothing, and what its scale made of it. */
static void say_flat(Str *out, const ReportStage *reward)
{
    const json_t *s = reward->summary;
    double labels = json_number_of(s, "label_distance", 1), margins = json_number_of(s, "margin_distance", 1),
           scale = json_number_of(s, "scale", 1);
    if (!(labels < FLAT || margins < FLAT))
        return;
    begin(out, labels < FLAT ? "Flat labels." : "Flat margins.");
    str_add(out, "What ");
    html_stage(out, reward);
    if (labels < FLAT)
        str_addf(out, " learned from is %s from one half on average", say_number(labels, 3).text);
    if (margins < FLAT)
        str_addf(out, "%s makes of a pair is %s from one half on average", labels < FLAT ? ", what it" : "",
                 say_number(margins, 3).text);
    str_add(out, ": that says next to nothing, and a policy trained on it goes wherever chance points.");
    if (scale < 1)
        str_addf(out, " Its rewards were divided by %s, which made that %s times as large.", say_number(scale, 3).text,
                 say_number(1 / scale, 1).text);
    end(out);
}

/* --- what training saw --- */

typedef bool Which(const ReportStage *rl);

static bool went_far(const ReportStage *rl)
{
    return report_kl(rl->summary) > 10;
}

static bool was_cut(const ReportStage *rl)
{
    return json_number_of(rl->summary, "ended_last", 1) < 0.5;
}

/* The names of the policies that are so; false where none is. */
static bool add_names(Str *out, const Report *r, Which *which, const char *before)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, "rl", NULL); s; s = report_next(r, "rl", s))
        if (which(s)) {
            str_add(out, n++ ? ", " : before);
            html_stage(out, s);
        }
    return n > 0;
}

static void say_training(Str *out, const Report *r)
{
    Str list = {0};
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl; rl = report_next(r, "rl", rl)) {
        const json_t *s = rl->summary;
        if (!json_object_get(s, "reward_last"))
            continue;
        str_add(&list, list.n ? ", in " : " in ");
        html_stage(&list, rl);
        str_addf(&list, " from %s to %s (%s, KL to the reference at the end %s nats a reply)",
                 say_number(json_number_of(s, "reward_first", (double)NAN), 3).text,
                 say_number(json_number_of(s, "reward_last", (double)NAN), 3).text,
                 say_count(json_number_of(s, "steps", 0), "step", "steps").text, say_number(report_kl(s), 2).text);
    }
    if (list.n > 0) {
        begin(out, "What training saw.");
        str_addf(out,
                 "The mean reward of a step\xe2\x80\x99s replies went%s. This is measured on training prompts by the "
                 "reward that was optimised: it says whether the optimiser works, not whether the replies are better.",
                 str_text(&list));
        if (add_names(out, r, went_far, " A KL above 10 nats is far from the reference ("))
            str_add(out, "): look at the samples for replies that please the judge and nobody else.");
        if (add_names(out, r, was_cut, " Most of the last replies did not end by themselves ("))
            str_add(out, "): they were cut off at the greatest length, and are judged so.");
        end(out);
    }
    str_release(&list);
}

/* --- whether the judges agree --- */

/* Of two who judge, the first was optimised, the second was not. */
static void add_opinion(Str *out, const Report *r, const Outcome *first, const Outcome *second)
{
    bool models = first->sort == BY_REWARD || second->sort == BY_REWARD, alone = second->pointwise;
    str_addf(out, "%s is the first to be fooled by it. ",
             first->sort == BY_REWARD ? "The reward model that the policy was trained on"
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

static void say_agreement(Str *out, const Report *r)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            if (x[i].eval != x[k].eval || x[i].trained != 1 || x[k].trained != 0 || x[i].sign <= 0)
                continue;
            bool confirmed = x[k].sign > 0;
            begin(out, confirmed ? "A second opinion agrees." : "A second opinion does not agree.");
            add_opinion(out, r, &x[i], &x[k]);
            end(out);
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

/* Evaluations by nobody but those that the policy was trained to please. */
static void say_alone(Str *out, const Report *r)
{
    Outcome x[MOST_OUTCOMES];
    int n = report_outcomes(r, x), named = 0;
    for (int i = 0; i < n; i++) {
        if (!is_alone(x, n, i))
            continue;
        if (named == 0)
            begin(out, "No second opinion.");
        str_add(out, named++ ? ", " : "In ");
        html_stage(out, x[i].eval);
    }
    if (named == 0)
        return;
    str_add(
        out,
        " the policy was judged by nobody but whom it was trained to please. A policy learns its judge\xe2\x80\x99s errors "
        "with its taste: what that judge gets wrong, the policy was trained to do, and it counts here as better. "
        "Another judge, or people, have to confirm it.");
    end(out);
}

static void say_length(Str *out, const Report *r)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); s; s = report_next(r, "eval winrate", s)) {
        double a = json_number_of(s->summary, "characters_a", 0), b = json_number_of(s->summary, "characters_b", 0);
        const json_t *result = json_array_get(json_object_get(s->summary, "results"), 0),
                     *interval = json_object_get(result, "length_controlled_interval");
        if (!(a > 0 && b > 0) || (a < 1.05 * b && b < 1.05 * a))
            continue;
        if (n++ == 0) {
            begin(out, "Length.");
            str_add(out, "Judges often like the longer of two replies for its length.");
        }
        str_add(out, " In ");
        html_stage(out, s);
        str_addf(
            out,
            " the new policy\xe2\x80\x99s replies have %s characters on average, the other\xe2\x80\x99s %s; where both were "
            "equally long, the win rate by ",
            say_number(a, 1).text, say_number(b, 1).text);
        str_add(out, report_by_reward(result) ? "the " : "");
        html_text(out, json_text_of(result, "prompt"));
        str_addf(out, " would be %s", say_percent(json_number_of(result, "length_controlled", (double)NAN)).text);
        if (json_array_size(interval) == 2)
            str_addf(out, " (95&nbsp;%% interval %s&nbsp;%%)", say_range(interval, 100, 1).text);
        str_addf(out, " in place of %s.", say_percent(json_number_of(result, "win_rate", (double)NAN)).text);
    }
    if (n > 0)
        end(out);
}

/* --- what a judge's bias means --- */

/* Was a policy, or the one that it began with, trained on these labels? */
static bool is_trained_on(const Report *r, const ReportStage *rl, const ReportStage *label)
{
    for (int i = 0; rl && i < r->n; i++) {
        Taste t = report_taste(r, rl);
        if (report_taught_by(&t, label))
            return true;
        rl = report_training_of(r, report_maker(r, rl, "model"));
    }
    return false;
}

static void add_trained(Str *out, const Report *r, const ReportStage *label)
{
    int n = 0;
    for (const ReportStage *rl = report_next(r, "rl", NULL); rl; rl = report_next(r, "rl", rl)) {
        if (!is_trained_on(r, rl, label))
            continue;
        if (report_count(r, "rl") == 1) {
            str_add(out, " <b>The policy was trained on these labels.</b>");
            return;
        }
        str_add(out, n++ ? ", " : " <b>Trained on these labels: ");
        html_stage(out, rl);
    }
    str_add(out, n ? ".</b>" : " No policy of this run was trained on these labels.");
}

static void say_bias(Str *out, const Report *r, const ReportStage *label)
{
    const json_t *position = json_object_get(label->alignment, "position");
    if (!json_is_object(position))
        return;
    double rate = json_number_of(position, "same_slot_rate", 0),
           first = json_number_of(position, "first_share", (double)NAN);
    begin(out, "Position bias.");
    str_add(out, "Asked with ");
    html_prompt(out, json_text_of(label->summary, "prompt"));
    str_addf(
        out,
        " in both orders, the judge chose the same position both times in %s of %s pairs (%s, 95&nbsp;%% interval %s&nbsp;%%)",
        say_number(json_number_of(position, "same_slot", 0), 0).text,
        say_number(json_number_of(position, "pairs", 0), 0).text, say_percent(rate).text,
        say_range(json_object_get(position, "interval"), 100, 1).text);
    if (isfinite(first))
        str_addf(out, ", of these the first in %s (%s against chance)", say_percent(first).text,
                 say_p(json_number_of(position, "p", 1)).text);
    str_add(out, ". In such a pair its answer says where a reply stood, not how good it was. ");
    if (rate > 0.8)
        str_add(out,
                "Averaging both orders takes the position out and leaves labels that carry very little: a reward model "
                "trained on them learns mostly chance, and a policy trained on that goes wherever chance points.");
    else if (rate > 0.3)
        str_add(
            out,
            "Averaging both orders takes the position out; in these pairs little is left, so the labels are noisier than "
            "their number suggests, and a policy needs more of them.");
    else
        str_add(out, "Averaging both orders takes this out, and in most pairs it judged the replies.");
    add_trained(out, r, label);
    end(out);
}

/* Where people chose, is the judge better than a coin? */
static void say_people(Str *out, const ReportStage *s, const json_t *numbers, const char *who)
{
    const json_t *interval = json_object_get(numbers, "interval");
    double accuracy = json_number_of(numbers, "accuracy", (double)NAN),
           n = json_number_of(numbers, "with_choice", json_number_of(numbers, "pairs", 0));
    if (!isfinite(accuracy))
        return;
    begin(out, "People.");
    str_addf(out, "The %s of ", who);
    html_stage(out, s);
    str_addf(out, " sides with people in %s of %s (95&nbsp;%% interval %s&nbsp;%%): ", say_percent(accuracy).text,
             say_count(n, "pair", "pairs").text, say_range(interval, 100, 1).text);
    if (range_holds(interval, 0.5))
        str_add(out,
                "<b>the interval contains 50&nbsp;%</b>, so on these pairs it is not shown to be better than a coin.");
    else if (accuracy < 0.5)
        str_add(out, "it is more often against people than with them.");
    else
        str_addf(out, "better than a coin. To prefer the longer reply alone is right in %s.",
                 say_percent(json_number_of(numbers, "longer_accuracy", (double)NAN)).text);
    end(out);
}

static void say_mass(Str *out, const Report *r)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, "label", NULL); s; s = report_next(r, "label", s)) {
        double mass = json_number_of(s->alignment, "mass", 1);
        if (!(mass < 0.5))
            continue;
        if (n++ == 0)
            begin(out, "Not an answer.");
        str_add(out, n == 1 ? "Asked with " : ", with ");
        html_prompt(out, json_text_of(s->summary, "prompt"));
        str_addf(out, " the judge puts only %s of its probability on the answers that it may give",
                 say_percent(mass).text);
    }
    if (n > 0) {
        str_add(out, ". Mostly it wanted to say something else: what is read from the rest is weak evidence.");
        end(out);
    }
}

void report_meaning(Str *out, const Report *r)
{
    Str list = {0};
    bool aligned = report_count(r, "eval alignment") > 0;
    say_optimised(&list, r);
    say_reward_model(&list, r);
    report_say_networks(&list, r);
    report_say_comparisons(&list, r);
    say_agreement(&list, r);
    say_alone(&list, r);
    say_length(&list, r);
    for (const ReportStage *s = report_next(r, "label", NULL); s; s = report_next(r, "label", s)) {
        say_bias(&list, r, s);
        if (!aligned)
            say_people(&list, s, s->alignment, "judge");
    }
    say_mass(&list, r);
    for (const ReportStage *s = report_next(r, "eval alignment", NULL); s; s = report_next(r, "eval alignment", s))
        say_people(&list, s, s->summary, "judge");
    for (const ReportStage *s = report_next(r, "eval accuracy", NULL); s; s = report_next(r, "eval accuracy", s))
        say_people(&list, s, s->summary, "reward model");
    for (const ReportStage *s = report_next(r, "reward", NULL); s; s = report_next(r, "reward", s))
        say_flat(&list, s);
    say_training(&list, r);
    say_limits(&list, r);
    if (list.n > 0) {
        html_heading(out, 2, "meaning", "What it means");
        str_addf(out, "<ul>\n%s</ul>\n", str_text(&list));
    }
    str_release(&list);
}
