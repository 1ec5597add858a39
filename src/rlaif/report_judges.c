/* Who judged, and how often policies were compared: whether several questions were asked of one network, whether it is the
 * policy's own, and what several intervals at 95 % mean. */
#include "rlaif/eval_internal.h"
#include "rlaif/report_internal.h"

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
    str_add(out, "<li><b>Who judges.</b> ");
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
    str_add(out, " Another network, or people, would be a second one.</li>\n");
}

static const char *judge_of(const ReportStage *s)
{
    return json_text_of(s->summary, "judge");
}

void report_say_networks(Str *out, const Report *r)
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

void report_say_comparisons(Str *out, const Report *r)
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
