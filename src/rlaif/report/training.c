/* Training: curves and tables of supervised fine-tuning, reward models and reinforcement learning, arms side by side. */
#include "rlaif/report/page/curves.h"
#include "rlaif/report/page/tables.h"
#include "rlaif/report/sections.h"

static void table(Str *out, const ReportStage *const *stage, int n, const Measure *m, int measures)
{
    Columns c = {0};
    for (int i = 0; i < n; i++) {
        json_t *numbers = report_numbers(stage[i]);
        Str *head = columns_add(&c, numbers);
        html_stage(head, stage[i]);
        str_add(head, stage[i]->row.done ? "" : "<span class=\"range\">unfinished</span>");
        json_decref(numbers);
    }
    html_columns(out, &c, m, measures);
}

static const Measure rl_measures[] = {
    {"steps", "steps", AS_COUNT, NULL},
    {"prompts a step", "batch", AS_COUNT, NULL},
    {"replies a prompt", "samples", AS_COUNT, NULL},
    {"baseline", "baseline", AS_TEXT, NULL},
    {"objective", "objective", AS_TEXT, NULL},
    {"\xce\xb2, weight of the KL", "beta", AS_GIVEN, NULL},
    {"scale of the reward model, divided by", "reward_scale", AS_NUMBER, NULL},
    {"reward, first step", "reward_first", AS_NUMBER, NULL},
    {"its standard deviation, first step", "reward_sd_first", AS_NUMBER, NULL},
    {"the same within the replies to a prompt", "reward_sd_within_first", AS_NUMBER, NULL},
    {"rewards in units of the spread of", "scale-rewards", AS_TEXT, NULL},
    {"reward, last step", "reward_last", AS_NUMBER, NULL},
    {"prompts whose replies were all worth the same, first step", "no_spread_first", AS_PERCENT, NULL},
    {"prompts whose replies were all worth the same, last step", "no_spread_last", AS_PERCENT, NULL},
    {"reward of replies that ended by themselves, last step with any", "reward_ended_last", AS_NUMBER, NULL},
    {"reward of replies that were cut off, last step with any", "reward_cut_last", AS_NUMBER, NULL},
    {"held-out prompts", "eval_prompts", AS_COUNT, NULL},
    {"reward on held-out prompts, last step", "eval_reward_last", AS_NUMBER, NULL},
    {"KL to the reference at temperature 1, last step, nats a reply", "kl_last", AS_NUMBER, NULL},
    {"KL to the reference at the temperature of the draw, last step, nats a reply", "kl_sampling_last", AS_NUMBER,
     NULL},
    {"tokens a reply, first step", "tokens_first", AS_TENTHS, NULL},
    {"tokens a reply, last step", "tokens_last", AS_TENTHS, NULL},
    {"entropy, first step, nats a token", "entropy_first", AS_NUMBER, NULL},
    {"entropy, last step", "entropy_last", AS_NUMBER, NULL},
    {"ended by themselves, first step", "ended_first", AS_PERCENT, NULL},
    {"ended by themselves, last step", "ended_last", AS_PERCENT, NULL},
};
static const Measure checkpoint_measures[] = {
    {"updates before it", "step", AS_COUNT, NULL},
    {"reward on held-out prompts", "eval_reward", AS_NUMBER, NULL},
    {"wins against the start", "win_rate", AS_PERCENT, "interval"},
};
static const Measure reward_measures[] = {
    {"labels by", "labels", AS_TEXT, NULL},
    {"part of the rows", "subset", AS_TEXT, NULL},
    {"pairs", "pairs", AS_COUNT, NULL},
    {"steps", "steps", AS_COUNT, NULL},
    {"loss, first step", "loss_first", AS_NUMBER, NULL},
    {"loss, last step", "loss_last", AS_NUMBER, NULL},
    {"held-out pairs", "eval_pairs", AS_COUNT, NULL},
    {"prompts of them", "eval_prompts", AS_COUNT, NULL},
    {"accuracy on held-out pairs", "eval_accuracy", AS_PERCENT, "eval_interval"},
    {"loss on held-out pairs", "eval_loss", AS_NUMBER, NULL},
    {"stopped at the plateau: updates before the best", "best_step", AS_COUNT, NULL},
    {"distance of the labels from one half, mean", "label_distance", AS_NUMBER, NULL},
    {"distance of its answers from one half, mean", "margin_distance", AS_NUMBER, NULL},
    {"deviation of the rewards before scaling", "sd", AS_NUMBER, NULL},
    {"centre of the rewards, taken off", "centre", AS_NUMBER, NULL},
    {"scale of the rewards, divided by", "scale", AS_NUMBER, NULL},
};
static const Measure accuracy_measures[] = {
    {"pairs", "pairs", AS_COUNT, NULL},
    {"the preferred reply has the higher reward", "accuracy", AS_PERCENT, "interval"},
    {"ties", "ties", AS_COUNT, NULL},
    {"the longer reply is the preferred one", "longer_accuracy", AS_PERCENT, "longer_interval"},
    {"mean margin", "mean_margin", AS_NUMBER, NULL},
    {"its standard deviation", "sd_margin", AS_NUMBER, NULL},
    {"rewards compare across prompts: AUC", "auc", AS_NUMBER, NULL},
    {"centre of these rewards", "centre", AS_NUMBER, NULL},
    {"scale of these rewards", "scale", AS_NUMBER, NULL},
};
static const Measure sft_measures[] = {
    {"rows", "rows", AS_COUNT, NULL},
    {"steps", "steps", AS_COUNT, NULL},
    {"loss, first step, nats a token", "loss_first", AS_NUMBER, NULL},
    {"loss, last step", "loss_last", AS_NUMBER, NULL},
    {"held-out rows", "eval_rows", AS_COUNT, NULL},
    {"loss on held-out rows", "eval_loss", AS_NUMBER, NULL},
    {"stopped at the plateau: updates before the best", "best_step", AS_COUNT, NULL},
};
static const Measure sample_measures[] = {
    {"prompts", "prompts", AS_COUNT, NULL},
    {"replies", "responses", AS_COUNT, NULL},
    {"ended by themselves", "ended", AS_PERCENT, NULL},
    {"mean characters", "mean_characters", AS_TENTHS, NULL},
    {"symbols behind the end taken off", "stripped", AS_COUNT, NULL},
};
static const Measure score_measures[] = {
    {"replies", "responses", AS_COUNT, NULL},
    {"mean score", "mean", AS_NUMBER, NULL},
    {"standard deviation", "sd", AS_NUMBER, NULL},
    {"probability on the answers", "mass", AS_PERCENT, NULL},
};
static const Measure import_measures[] = {
    {"rows read", "read", AS_COUNT, NULL},
    {"rows written", "written", AS_COUNT, NULL},
    {"rows kept apart", "rest", AS_COUNT, NULL},
};

/* What is shown of a kind of stage. */
static const struct {
    const char *kind, *title, *note;
    const Measure *measure;
    int measures;
    bool trains;
} parts[] = {
    {"import", "Data", NULL, import_measures, COUNT(import_measures), false},
    {"sft", "Supervised fine-tuning", "The loss is the mean of \xe2\x88\x92log P over the tokens of the completions.",
     sft_measures, COUNT(sft_measures), true},
    {"reward", "Reward models",
     "The loss is the cross-entropy of a pair\xe2\x80\x99s label. A model that prefers nothing has 0.693; labels that are unsure have "
     "a lowest loss above 0.",
     reward_measures, COUNT(reward_measures), true},
    {"eval accuracy", "Reward models on pairs where people chose", NULL, accuracy_measures, COUNT(accuracy_measures),
     false},
    {"rl", "Reinforcement learning",
     "Every step draws replies, rewards them and makes one update. Step 0 is before the first update, where the KL to the start is exactly 0.",
     rl_measures, COUNT(rl_measures), true},
    {"sample", "Replies that were sampled", NULL, sample_measures, COUNT(sample_measures), false},
    {"score", "Scores", NULL, score_measures, COUNT(score_measures), false},
};

/* The checkpoints that were judged, side by side (paper.md 6.4). */
static void add_choice(Str *out, const ReportStage *s)
{
    const char *chosen = json_text_of(s->summary, "chosen");
    Columns c = {0};
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(s->summary, "checkpoints"), i, one)
    {
        const char *name = json_text_of(one, "name");
        if (!name || !chosen)
            break;
        Str *head = columns_add(&c, one);
        html_text(head, name);
        str_add(head, strcmp(name, chosen) == 0 ? "<span class=\"range\">chosen</span>" : "");
    }
    if (c.n == 0)
        return;
    html_heading(out, "The checkpoint that is taken: ", s);
    html_p(
        out,
        "<span class=\"note\">Those of the best reward on held-out prompts, each judged against the start on the same "
        "prompts. The win rate that was chosen by is the best of several, and so flatters; a fair one needs other "
        "prompts. Replies of each are below.</span>");
    html_columns(out, &c, checkpoint_measures, COUNT(checkpoint_measures));
}

bool report_training(Str *out, const Report *r, Err *err)
{
    const ReportStage *stage[MOST_STAGES];
    (void)err;
    for (int i = 0; i < COUNT(parts); i++) {
        int n = report_collect(r, parts[i].kind, stage, MOST_STAGES);
        if (n == 0)
            continue;
        html_heading(out, parts[i].title, NULL);
        if (parts[i].note)
            html_p(out, "<span class=\"note\">%s</span>", parts[i].note);
        if (parts[i].trains)
            curves_all(out, stage, n);
        table(out, stage, n, parts[i].measure, parts[i].measures);
        for (const ReportStage *s = report_next(r, "choose", NULL); s && strcmp(parts[i].kind, "rl") == 0;
             s = report_next(r, "choose", s))
            add_choice(out, s);
    }
    return true;
}
