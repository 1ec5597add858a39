/* What the numbers mean, in plain words: what was optimised, who judged, what its bias does, what was not measured. */
#include "rlaif/learn/flat.h"
#include "rlaif/report/page/judges.h"
#include "rlaif/report/sections.h"

static void say_length(Str *out, const Report *r)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); s; s = report_next(r, "eval winrate", s)) {
        double a = json_number_of(s->summary, "characters_a", 0), b = json_number_of(s->summary, "characters_b", 0);
        const json_t *result = json_array_get(json_object_get(s->summary, "results"), 0),
                     *interval = json_object_get(result, "length_controlled_interval"),
                     *explained = json_object_get(result, "length_share_interval");
        if (!(a > 0 && b > 0) || (a < 1.05 * b && b < 1.05 * a))
            continue;
        if (n++ == 0) {
            html_entry(out, "Length.");
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
        str_addf(out, " in place of %s", say_percent(json_number_of(result, "win_rate", (double)NAN)).text);
        if (json_array_size(explained) == 2)
            str_addf(out, ": length explains %s points (95&nbsp;%% interval %s)",
                     say_signed(100 * json_number_of(result, "length_share", (double)NAN), 1).text,
                     say_range(explained, 100, 1).text);
        str_add(out, ".");
    }
    if (n > 0)
        html_entry_end(out);
}

/* --- what a judge's bias means -------------------------------------------------------------------------- */

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
    html_entry(out, "Position bias.");
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
    html_entry_end(out);
}

/* Where people chose, is the judge better than a coin? */
static void say_people(Str *out, const ReportStage *s, const json_t *numbers, const char *who)
{
    const json_t *interval = json_object_get(numbers, "interval");
    double accuracy = json_number_of(numbers, "accuracy", (double)NAN),
           n = json_number_of(numbers, "with_choice", json_number_of(numbers, "pairs", 0));
    if (!isfinite(accuracy))
        return;
    html_entry(out, "People.");
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
    html_entry_end(out);
}

static void say_mass(Str *out, const Report *r)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, "label", NULL); s; s = report_next(r, "label", s)) {
        double mass = json_number_of(s->alignment, "mass", 1);
        if (!(mass < 0.5))
            continue;
        if (n++ == 0)
            html_entry(out, "Not an answer.");
        str_add(out, n == 1 ? "Asked with " : ", with ");
        html_prompt(out, json_text_of(s->summary, "prompt"));
        str_addf(out, " the judge puts only %s of its probability on the answers that it may give",
                 say_percent(mass).text);
    }
    if (n > 0) {
        str_add(out, ". Mostly it wanted to say something else: what is read from the rest is weak evidence.");
        html_entry_end(out);
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
    html_entry(out, labels < FLAT ? "Flat labels." : "Flat margins.");
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
    html_entry_end(out);
}

/* --- what training saw ---------------------------------------------------------------------------------- */

typedef bool Which(const ReportStage *rl);

static bool went_far(const ReportStage *rl)
{
    return report_kl(rl->summary) > 10;
}

static bool was_cut(const ReportStage *rl)
{
    return json_number_of(rl->summary, "ended_last", 1) < 0.5;
}

static bool taught_little(const ReportStage *rl)
{
    return json_number_of(rl->summary, "no_spread_last", 0) > 0.5;
}

/* Of the last step, where there were both: is a reply that was cut off worth more, the penalty taken off? */
static bool paid_for_cuts(const ReportStage *rl)
{
    const Series *ended = report_series(rl, "reward_ended"), *cut = report_series(rl, "reward_cut"),
                 *all = report_series(rl, "reward");
    double last = all ? all->step[all->n - 1] : -1;
    if (!ended || !cut || ended->step[ended->n - 1] != last || cut->step[cut->n - 1] != last)
        return false;
    double penalty = json_number_of(json_object_get(rl->about, "options"), "no-end-penalty", 0);
    return cut->value[cut->n - 1] - penalty > ended->value[ended->n - 1];
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
        html_entry(out, "What training saw.");
        str_addf(out,
                 "The mean reward of a step\xe2\x80\x99s replies went%s. This is measured on training prompts by the "
                 "reward that was optimised: it says whether the optimiser works, not whether the replies are better.",
                 str_text(&list));
        if (add_names(out, r, went_far, " A KL above 10 nats is far from the reference ("))
            str_add(out, "): look at the samples for replies that please the judge and nobody else.");
        if (add_names(out, r, was_cut, " Most of the last replies did not end by themselves ("))
            str_add(out, "): they were cut off at the greatest length, and are judged so.");
        if (add_names(out, r, taught_little,
                      " In the last step most prompts had replies that were all worth the same ("))
            str_add(out, "): from these nothing is learned.");
        if (add_names(out, r, paid_for_cuts,
                      " In the last step replies that were cut off were worth more than those that ended ("))
            str_add(out, "): what was optimised does not ask for an end.");
        html_entry_end(out);
    }
    str_release(&list);
}

/* paper.md 20 */
static void say_limits(Str *out, const Report *r)
{
    if (!report_next(r, "rl", NULL))
        return;
    html_entry(out, "What this is not for.");
    str_add(
        out,
        "A judge\xe2\x80\x99s biases pass into the policy, and nothing here shows that they did not: let it make no "
        "decision in medicine, law or employment without people. The same method can optimise for harm: R, as said above, "
        "is what a policy was made for, and should be told wherever it goes.");
    html_entry_end(out);
}

/* --- the list ------------------------------------------------------------------------------------------- */

bool report_meaning(Str *out, const Report *r, Err *err)
{
    Str list = {0};
    (void)err;
    bool aligned = report_count(r, "eval alignment") > 0;
    say_optimised(&list, r);
    say_reward_model(&list, r);
    say_networks(&list, r);
    say_comparisons(&list, r);
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
    if (list.n > 0)
        str_addf(out, "<ul>\n%s</ul>\n", str_text(&list));
    str_release(&list);
    return true;
}
