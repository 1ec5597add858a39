/* The curves of stages that trained: which metrics are shown, and what they are called. */
#include "rlaif/report/page/curves.h"

#include "rlaif/report/page/chart.h"
#include "rlaif/stage/metric_log.h"

typedef struct Metric {
    const char *name, *title;
} Metric;

static const Metric metrics[] = {
    {"reward", "Reward, mean of a step\xe2\x80\x99s replies"},
    {"kl", "KL to the reference at temperature 1, nats a reply"},
    {"kl_sampling", "KL to the reference at the temperature of the draw, nats a reply"},
    {"tokens", "Length, tokens a reply"},
    {"entropy", "Entropy, nats a token"},
    {"ended", "Share of replies that ended by themselves"},
    {"penalty", "Taken off the reward of replies without an end, mean"},
    {"reward_sd", "Reward, standard deviation of a step\xe2\x80\x99s replies"},
    {"reward_sd_within", "Reward, standard deviation within the replies to a prompt"},
    {"no_spread", "Share of prompts whose replies were all worth the same"},
    {"reward_ended", "Reward of replies that ended by themselves, mean"},
    {"reward_cut", "Reward of replies that were cut off, mean"},
    {"advantage_sd", "Advantage, standard deviation"},
    {"loss", "Loss"},
    {"eval_reward", "Reward on held-out prompts"},
    {"eval_kl", "KL to the reference at temperature 1 on held-out prompts, nats a reply"},
    {"eval_kl_sampling", "KL to the reference at the temperature of the draw on held-out prompts, nats a reply"},
    {"eval_tokens", "Length on held-out prompts, tokens a reply"},
    {"eval_ended", "Share of replies to held-out prompts that ended by themselves"},
    {"eval_accuracy", "Accuracy on held-out pairs"},
    {"eval_loss", "Loss on held-out rows"},
    {"value_loss", "Value loss"},
    {"explained_variance", "Share of the returns\xe2\x80\x99 variance explained by the values"},
    {"grad_norm", "Norm of the gradient"},
    {"value_grad_norm", "Norm of the value network\xe2\x80\x99s gradient"},
    {"lr", "Learning rate"},
    {"value_lr", "Learning rate of the value network"},
};

/* Of a metric of the table. */
static const char *title_of(const char *metric)
{
    int i = 0;
    while (strcmp(metrics[i].name, metric) != 0)
        i++;
    return metrics[i].title;
}

/* Of a metric that the table does not have: a part of a reward by its name. */
static void add_title(Str *out, const char *metric)
{
    bool held = str_starts(metric, METRIC_EVAL_PART), part = held || str_starts(metric, METRIC_PART);
    if (part)
        str_add(out, held ? "Reward on held-out prompts by " : "Reward by ");
    html_text(out, part ? strchr(metric, '/') + 1 : metric);
    str_add(out, part ? ", before its weight" : "");
}

/* A learning rate that never changes is no news. */
static bool changes(const ReportStage *const *stage, int n, const char *metric)
{
    for (int s = 0; s < n; s++) {
        const Series *x = report_series(stage[s], metric);
        for (int i = 1; x && i < x->n; i++)
            if (x->value[i] != x->value[0])
                return true;
    }
    return false;
}

void curves_all(Str *out, const ReportStage *const *stage, int n)
{
    if (n > 1)
        chart_legend(out, stage, n);
    str_add(out, "<div class=\"charts\">\n");
    for (int i = 0; i < COUNT(metrics); i++)
        if (strcmp(metrics[i].name, "lr") != 0 || changes(stage, n, "lr"))
            chart_metric(out, stage, n, metrics[i].name, metrics[i].title, true);
    for (int s = 0; s < n; s++)
        for (int k = 0; k < stage[s]->n_series; k++) {
            const char *name = stage[s]->series[k].metric;
            bool known = false;
            for (int i = 0; i < COUNT(metrics); i++)
                known = known || strcmp(metrics[i].name, name) == 0;
            for (int before = 0; before < s; before++)
                known = known || report_series(stage[before], name);
            if (known)
                continue;
            Str title = {0};
            add_title(&title, name);
            chart_metric(out, stage, n, name, str_text(&title), true);
            str_release(&title);
        }
    str_add(out, "</div>\n");
}

/* --- what a person looks at first ----------------------------------------------------------------------- */

static bool any_has(const ReportStage *const *stage, int n, const char *metric)
{
    bool any = false;
    for (int i = 0; i < n; i++)
        any = any || report_series(stage[i], metric);
    return any;
}

void curves_main(Str *out, const ReportStage *const *stage, int n, bool live)
{
    static const char *const of_rl[] = {"reward", "kl", "kl_sampling"};
    bool kl = any_has(stage, n, "kl");
    Str charts = {0};
    if (!any_has(stage, n, "reward"))
        chart_metric(&charts, stage, n, "loss", title_of("loss"), live);
    for (int i = 0; i < COUNT(of_rl) - kl; i++)
        chart_metric(&charts, stage, n, of_rl[i], title_of(of_rl[i]), live);
    if (charts.n > 0 && n > 1)
        chart_legend(out, stage, n);
    if (charts.n > 0)
        str_addf(out, "<div class=\"charts\">\n%s</div>\n", str_text(&charts));
    str_release(&charts);
}
