/* A recipe's win rate. */
#include "rlaif/eval/compare.h"

#include "base/mem.h"
#include "rlaif/eval/contest.h"
#include "rlaif/eval/match.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/judge/source.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option side_rows[] = {
    {"prompts", OPT_TEXT, AT(CompareOptions, prompts), .flags = OPT_WORKING,
     .help = "held-out rows with a prompt; not needed where both sides are sample stages"},
    {"policy", OPT_TEXT, AT(CompareOptions, policy), .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the newer policy: a model, or a sample stage"},
    {"against", OPT_TEXT, AT(CompareOptions, against), .flags = OPT_REQUIRED | OPT_WORKING,
     .help =
         "what it is compared with [the recipe's policy]: a model, a sample stage, or reference: what people wrote, in "
         "the prompts' rows"},
    {"judge", OPT_TEXT, AT(CompareOptions, judge), .flags = OPT_WORKING, .help = "who judges"},
};
const Option compare_options[COMPARE_OPTIONS] = {
    {"reward", OPT_TEXT, AT(CompareOptions, reward), .value = "DIR", .flags = OPT_WORKING,
     .help = "a reward model that judges each response alone, in place of a judge or beside it"},
    {"prompt", OPT_LIST, AT(CompareOptions, prompt), .value = "NAME|FILE,...",
     .help = "the judge's prompts, one or more"},
    {"n", OPT_INT, AT(CompareOptions, n), 1, 10000, "1", .help = "responses a prompt of each policy"},
    AVERAGE_OPTION(CompareOptions, average),
    {"length", OPT_CHOICE, AT(CompareOptions, length), .choices = LENGTH_CONTROLS, .otherwise = "ratio",
     .flags = OPT_WORKING, .help = "control for length by the ratio of lengths, or by its logarithm"},
    TRAINED_ON_OPTION(CompareOptions),
    TRUNCATE_OPTION(CompareOptions, "of prompts that a policy's context has no room for: as in sample"),
    {"strip-trailing", OPT_BOOL, AT(CompareOptions, strip_trailing),
     .help = "of what is sampled here, of both policies alike: as in sample"},
    CHAT_OPTION(CompareOptions, "how the policies read prompts"),
    {"limit", OPT_INT, AT(CompareOptions, limit), 0, 1e9, "0", .help = "at most so many prompts; 0: all"},
    {"skip-bad", OPT_BOOL, AT(CompareOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave prompts out of which an endpoint will not judge a pair, and list them"},
};
static const OptionGroup groups[] = {
    {side_rows, COUNT(side_rows), 0},
    {compare_options, COMPARE_OPTIONS, 0},
    {sampling_options, SAMPLING_OPTIONS, AT(CompareOptions, sampling)},
    JUDGE_READING_GROUP(CompareOptions, reading),
    JUDGE_SOURCE_GROUPS(CompareOptions, endpoint),
    {common_options, RENDER_OPTIONS, AT(CompareOptions, common)},
};
const OptionTable compare_table = {groups, COUNT(groups), sizeof(CompareOptions)};

bool compare_complete(const void *options, const char *where, Err *err)
{
    const CompareOptions *o = options;
    if (o->prompt.n > 0 || (o->reward && !o->judge && !o->endpoint.url))
        return true;
    err_set(err, options_code(where), "%s: prompt is missing", where);
    return err_hint(err, "judge prompts, one or more; reward in place of judge and prompt lets a reward model judge");
}

static bool is_rows(const char *side)
{
    return str_starts(side, "stage:") || strcmp(side, REFERENCE) == 0;
}

bool compare_side(Work *work, const CompareOptions *o, const char *name, char *model, char **source, Err *err)
{
    SampleOptions s = {.common = o->common,
                       .sampling = o->sampling,
                       .prompts = o->prompts,
                       .model = model,
                       .n = o->n,
                       .chat = o->chat,
                       .limit = o->limit,
                       .truncate = o->truncate,
                       .strip_trailing = o->strip_trailing};
    *source = is_rows(model) ? mem_str(model) : mem_printf("stage:%s", name);
    return is_rows(model) || sample_stage(work, name, &s, err);
}

/* Who judges and how is known before anything is sampled. */
static bool check_judge(const Work *work, const CompareOptions *o, Err *err)
{
    JudgeSource source = {0};
    bool judged = o->judge || o->endpoint.url || o->prompt.n > 0;
    bool ok = (!o->reward || reward_model_check(o->reward, err)) &&
              (!judged || judge_source_name(&source, work, "judge", o->judge, &o->endpoint, err));
    judge_source_release(&source);
    for (int i = 0; ok && i < o->prompt.n; i++) {
        JudgePrompt *p;
        ok = judge_prompt_load(&p, o->prompt.item[i], err);
        if (ok)
            judge_prompt_free(p);
    }
    return ok;
}

bool compare_check(Work *work, const CompareOptions *o, const char *name, Err *err)
{
    if (!check_judge(work, o, err))
        return false;
    if (is_rows(o->policy) && is_rows(o->against))
        return true;
    if (!o->prompts)
        return err_set(err, ERR_INPUT, "%s: prompts is missing", name),
               err_hint(err, "name held-out rows to sample on, or sample stages as policy and against");
    Rows rows;
    bool ok = stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, false, &rows, err) &&
              heldout_check(work, &rows, &o->trained_on, err);
    rows_release(&rows);
    return ok;
}

bool compare_stage(Work *work, const char *name, const void *options, Err *err)
{
    const CompareOptions *o = options;
    char *after = mem_printf("%s-after", name), *before = mem_printf("%s-before", name), *a = NULL, *b = NULL;
    bool ok = compare_check(work, o, name, err) && compare_side(work, o, after, o->policy, &a, err) &&
              compare_side(work, o, before, o->against, &b, err);
    WinrateOptions w = {.common = o->common,
                        .a = a,
                        .b = b,
                        .judge = o->judge,
                        .reward = o->reward,
                        .reading = o->reading,
                        .endpoint = o->endpoint,
                        .prompt = o->prompt,
                        .trained_on = o->trained_on,
                        .average = o->average,
                        .length = o->length,
                        .skip_bad = o->skip_bad,
                        .limit = is_rows(o->policy) ? o->limit : 0};
    ok = ok && winrate_stage(work, name, &w, err);
    free(after);
    free(before);
    free(a);
    free(b);
    return ok;
}
