/* A comparison of two policies in words: who is better, and by which judge by how much, with its interval. */
#include "rlaif/report/page/verdict.h"

/* It asks the network that was pleased, who knows what. */
static bool perhaps(const Outcome *x)
{
    return x->trained < 0 && x->network;
}

/* Rewards of these kinds lie between -1 and 1; those of a checklist, a contrast, a mix and a reward model have other bounds, or none. */
static bool within_one(const Outcome *x)
{
    const char *kind = json_text_of(x->result, "kind");
    return x->sort == BY_SCORE && kind && (strcmp(kind, "score") == 0 || strcmp(kind, "verdict") == 0);
}

static const char *trained_words(const Outcome *x)
{
    if (x->sort == BY_REWARD)
        return x->trained == 1 && x->rival ? ", which both were trained on,"
               : x->part                   ? ", a part of what it was trained on,"
               : x->trained == 1           ? ", which it was trained on,"
               : x->rival                  ? ", which the other was trained on,"
               : x->trained == 0           ? ", which it was not trained on,"
                                           : "";
    return x->part           ? ", a part of what it was trained to please,"
           : x->trained == 1 ? ", the judge that it was trained to please,"
           : x->trained == 0 ? x->network ? ", another question to the network that it was trained to please,"
                                          : ", a judge that it was not trained to please,"
           : perhaps(x)      ? ", which it may have been trained to please (that is not known),"
                             : "";
}

/* "By X, its replies score 0.214 higher (95 % interval 0.1 to 0.3; 40 prompts, 160 pairs of replies)." */
static void add_sentence(Str *out, const Report *r, const Outcome *x, bool scale)
{
    const json_t *s = x->eval->summary;
    bool known = json_array_size(x->interval) == 2;
    const char *nothing = x->pointwise ? "zero" : "50&nbsp;%";
    str_add(out, "By ");
    html_judge(out, r, x);
    str_addf(out, "%s ", trained_words(x));
    if (x->pointwise)
        str_addf(out, "its replies score <b>%s %s</b>%s (95&nbsp;%% interval %s; ", say_number(fabs(x->value), 3).text,
                 x->value < 0 ? "lower" : "higher",
                 x->sort == BY_REWARD     ? " in its own unit"
                 : scale && within_one(x) ? " on a scale from \xe2\x88\x92"
                                            "1 to 1"
                                          : "",
                 say_range(x->interval, 1, 3).text);
    else
        str_addf(out, "it wins <b>%s</b> of the pairs (95&nbsp;%% interval %s&nbsp;%%; ", say_percent(x->value).text,
                 say_range(x->interval, 100, 1).text);
    str_addf(out, "%s, %s)", say_count(json_number_of(s, "prompts", 0), "prompt", "prompts").text,
             say_count(json_number_of(s, "pairs", 0), "pair of replies", "pairs of replies").text);
    if (!known)
        str_add(out, ": too few prompts, or too much alike, for an interval. ");
    else if (x->sign == 0 && !range_holds(x->interval, x->neutral))
        str_add(out, ": <b>too few prompts to tell</b>. ");
    else if (x->sign == 0)
        str_addf(out, ": <b>the interval contains %s</b>. ", nothing);
    else
        str_addf(out, ": the interval does not contain %s. ", nothing);
    if (x->sort == BY_REWARD && (x->trained == 1 || x->rival))
        str_addf(out, "This is %s that was optimised: it says how far, and not whether the replies are better. ",
                 x->part ? "a part of the reward" : "the reward");
}

/* Whom the policy was trained to please, of those who say that it is better. */
static const char *pleased_words(const Outcome *x, int n)
{
    int judges = 0;
    bool reward = false, part = false, unsure = false;
    for (int i = 0; i < n; i++) {
        bool better = x[i].sign > 0, pleased = better && x[i].trained == 1;
        unsure = unsure || (better && perhaps(&x[i]));
        judges += better && (x[i].trained == 1 || perhaps(&x[i])) && x[i].sort != BY_REWARD;
        reward = reward || (pleased && x[i].sort == BY_REWARD);
        part = part || (pleased && x[i].part);
    }
    if (unsure)
        return judges > 1 ? "judges that it may have been trained to please"
                          : "a judge that it may have been trained to please";
    if (judges > 0 && reward)
        return judges > 1 ? "the judges and the reward model that it was trained to please"
                          : "the judge and the reward model that it was trained to please";
    if (part && judges < 2)
        return reward ? "a part of what it was trained on" : "a part of what it was trained to please";
    return reward       ? "the reward model that it was trained on"
           : judges > 1 ? "the judges that it was trained to please"
                        : "the judge that it was trained to please";
}

/* Names a policy, and what it is where training made it; `begins`: a sentence. */
static void add_policy(Str *out, const Report *r, const ReportStage *eval, const char *option, bool begins)
{
    const ReportStage *maker = report_choice_of(r, eval, NULL) ? NULL : report_maker(r, eval, option);
    if (maker && strcmp(maker->row.kind, "rl") == 0)
        str_add(out, begins ? "The trained policy " : "the trained policy ");
    html_policy(out, r, eval, option);
}

void html_headline(Str *out, const Report *r, const Outcome *x, int n)
{
    int better = 0, worse = 0, pleased = 0;
    bool network = false;
    for (int i = 0; i < n; i++) {
        network = network || (x[i].trained == 0 && x[i].network);
        better += x[i].sign > 0;
        worse += x[i].sign < 0;
        pleased += x[i].sign > 0 && (x[i].trained == 1 || perhaps(&x[i]));
    }
    Str a = {0}, b = {0};
    bool inside = better + worse == 0 || (better != n && worse != n && !(better == pleased && worse == 0));
    add_policy(&a, r, x->eval, "policy", !inside);
    add_policy(&b, r, x->eval, "against", false);
    const char *A = str_text(&a), *B = str_text(&b);
    if (better == n && pleased == n)
        str_addf(out, "<b>%s is better than %s by %s.</b> ", A, B, pleased_words(x, n));
    else if (better == n)
        str_addf(out, "<b>%s is better than %s.</b> ", A, B);
    else if (worse == n)
        str_addf(out, "<b>%s is worse than %s.</b> ", A, B);
    else if (better + worse == 0)
        str_addf(out, "<b>It is not shown that %s is better or worse than %s.</b> ", A, B);
    else if (better == pleased && worse == 0)
        str_addf(out, "<b>%s is better than %s by %s; %s does not confirm it.</b> ", A, B, pleased_words(x, n),
                 network ? "another question to the same network" : "another judge");
    else
        str_addf(out, "<b>The judges do not agree on whether %s is better than %s.</b> ", A, B);
    str_release(&a);
    str_release(&b);
}

/* "0.213 higher by tone (95 % interval 0.101 to 0.326)". The verb is said where it is another than before. */
static void add_margin(Str *out, const Report *r, const Outcome *x, int i)
{
    bool verb = i == 0 || x[i].pointwise != x[i - 1].pointwise;
    const Outcome *one = &x[i];
    if (verb)
        str_add(out, one->pointwise ? "its replies score " : "it wins ");
    if (one->pointwise)
        str_addf(out, "<b>%s %s</b> by ", say_number(fabs(one->value), 3).text, one->value < 0 ? "lower" : "higher");
    else
        str_addf(out, "<b>%s</b> of the pairs by ", say_percent(one->value).text);
    html_judge(out, r, one);
    if (one->sort != BY_REWARD)
        str_add(out, one->part                           ? ", a part of what it was trained to please"
                     : one->trained == 1                 ? ", which it was trained to please"
                     : one->trained == 0 && one->network ? ", another question to the same network"
                     : perhaps(one)                      ? ", which it may have been trained to please"
                                                         : "");
    if (json_array_size(one->interval) == 2)
        str_addf(out, " (%s%s%s", i == 0 ? "95&nbsp;% interval " : "",
                 say_range(one->interval, one->pointwise ? 1 : 100, one->pointwise ? 3 : 1).text,
                 one->pointwise ? "" : "&nbsp;%");
    else
        str_add(out, " (too few prompts, or too much alike, for an interval");
    if (one->sign == 0 && json_array_size(one->interval) == 2)
        str_addf(out, ", which %s",
                 !range_holds(one->interval, one->neutral) ? "is of too few prompts to tell"
                 : one->pointwise                          ? "holds zero"
                                                           : "holds 50&nbsp;%");
    if (verb && within_one(one))
        str_add(out, "; the scale is from \xe2\x88\x92"
                     "1 to 1");
    if (one->sort == BY_REWARD && (one->trained == 1 || one->rival))
        str_addf(out, "; %s that was optimised", one->part ? "a part of the reward" : "the reward");
    str_add(out, ")");
}

enum { MOST_SAID = 3 };

void html_margins(Str *out, const Report *r, const Outcome *x, int n)
{
    int said = n < MOST_SAID ? n : MOST_SAID;
    str_addf(out, "On %s ", say_count(json_number_of(x->eval->summary, "prompts", 0), "prompt", "prompts").text);
    for (int i = 0; i < said; i++) {
        str_add(out, i == 0 ? "" : i == said - 1 ? " and " : ", ");
        add_margin(out, r, x, i);
    }
    str_add(out, ".");
}

void html_sentences(Str *out, const Report *r, const Outcome *x, int n)
{
    str_add(out, "<p>");
    html_headline(out, r, x, n);
    for (int i = 0; i < n && i < MOST_SAID; i++)
        add_sentence(out, r, &x[i], i == 0);
    str_add(out, "</p>\n");
}
