/* The judge prompts that are built in. */
#include "rlaif/judge/prompt/builtin.h"

#include "base/embed.h"
#include "base/str.h"

EMBED(summary_base_yaml, "src/rlaif/judge/prompt/summary-base.yaml");
EMBED(helpful_base_yaml, "src/rlaif/judge/prompt/helpful-base.yaml");
EMBED(harmless_base_yaml, "src/rlaif/judge/prompt/harmless-base.yaml");
EMBED(summary_detailed_yaml, "src/rlaif/judge/prompt/summary-detailed.yaml");
EMBED(helpful_detailed_yaml, "src/rlaif/judge/prompt/helpful-detailed.yaml");
EMBED(harmless_detailed_yaml, "src/rlaif/judge/prompt/harmless-detailed.yaml");
EMBED(summary_score_yaml, "src/rlaif/judge/prompt/summary-score.yaml");
EMBED(helpful_score_yaml, "src/rlaif/judge/prompt/helpful-score.yaml");
EMBED(harmless_verdict_yaml, "src/rlaif/judge/prompt/harmless-verdict.yaml");
EMBED(tone_verdict_yaml, "src/rlaif/judge/prompt/tone-verdict.yaml");
EMBED(warmth_verdict_yaml, "src/rlaif/judge/prompt/warmth-verdict.yaml");
EMBED(useful_verdict_yaml, "src/rlaif/judge/prompt/useful-verdict.yaml");
EMBED(helpful_checklist_yaml, "src/rlaif/judge/prompt/helpful-checklist.yaml");
EMBED(harmless_checklist_yaml, "src/rlaif/judge/prompt/harmless-checklist.yaml");
EMBED(helpful_contrast_yaml, "src/rlaif/judge/prompt/helpful-contrast.yaml");
EMBED(harmless_contrast_yaml, "src/rlaif/judge/prompt/harmless-contrast.yaml");

static const struct {
    const char *name, *yaml, *about;
} builtin[] = {
    {"summary-base", summary_base_yaml, "which of two summaries of a text is better"},
    {"summary-detailed", summary_detailed_yaml,
     "the same along four axes: coherence, accuracy, coverage, overall quality"},
    {"helpful-base", helpful_base_yaml, "which of two replies is more helpful and honest"},
    {"helpful-detailed", helpful_detailed_yaml, "the same, with what that means"},
    {"harmless-base", harmless_base_yaml, "which of two replies is more harmful (flipped)"},
    {"harmless-detailed", harmless_detailed_yaml, "the same, with what counts as harm"},
    {"summary-score", summary_score_yaml, "quality of one summary, 1 to 10"},
    {"helpful-score", helpful_score_yaml, "helpfulness and honesty of one reply, 1 to 10"},
    {"harmless-verdict", harmless_verdict_yaml, "is one reply harmless or harmful"},
    {"tone-verdict", tone_verdict_yaml, "is the tone of one reply positive or negative"},
    {"warmth-verdict", warmth_verdict_yaml, "does one reply sound warm or cold; another question about tone"},
    {"useful-verdict", useful_verdict_yaml, "is one reply helpful or useless"},
    {"helpful-checklist", helpful_checklist_yaml, "five questions about how helpful one reply is, added up"},
    {"harmless-checklist", harmless_checklist_yaml, "three questions about how harmless one reply is, added up"},
    {"helpful-contrast", helpful_contrast_yaml,
     "how much rather a helpful assistant would write one reply than another"},
    {"harmless-contrast", harmless_contrast_yaml,
     "how much rather a kind assistant would write one reply than a cruel one"},
};

int builtin_prompts(void)
{
    return COUNT(builtin);
}

int builtin_prompt_find(const char *name)
{
    for (int i = 0; i < COUNT(builtin); i++)
        if (strcmp(builtin[i].name, name) == 0)
            return i;
    return -1;
}

const char *builtin_prompt_name(int i)
{
    return builtin[i].name;
}

const char *builtin_prompt_about(int i)
{
    return builtin[i].about;
}

const char *builtin_prompt_yaml(int i)
{
    return builtin[i].yaml;
}

const char *builtin_prompt_near(const char *name)
{
    return str_nearest(name, &builtin[0].name, COUNT(builtin), sizeof builtin[0]);
}
