/* The options of `label`. */
#include "rlaif/label/options.h"

#include "base/file.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"pairs", OPT_TEXT, AT(LabelOptions, pairs), .value = "PAIRS", .flags = OPT_POSITIONAL | OPT_WORKING,
     .help = "rows with two responses, or more: every two of them are a pair"},
    {"model", OPT_TEXT, AT(LabelOptions, model), .value = "MODEL", .flags = OPT_WORKING, .help = "the judge"},
    {"reward", OPT_TEXT, AT(LabelOptions, reward), .value = "DIR", .flags = OPT_WORKING,
     .help = "a reward model judges, each response alone: p = sigma((s1 - s2) / temperature)"},
    {"from", OPT_TEXT, AT(LabelOptions, from), .value = "LABELS", .flags = OPT_WORKING,
     .help = "average, flip, soften and filter labels anew, without a model"},
    {"fit", OPT_TEXT, AT(LabelOptions, fit), .value = "ROWS", .flags = OPT_WORKING,
     .help =
         "fit the numbers of a mix, --prompt, to these rows, by people's choices where they have any: -o is that mix"},
    {"output", OPT_TEXT, AT(LabelOptions, output), .value = "LABELS", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "rows with their labels, or with --fit the mix; standard output if not given"},
    {"prompt", OPT_LIST, AT(LabelOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "judge prompt, or several to choose among [helpful-base; pointwise: helpful-score]"},
    {"choose-on", OPT_TEXT, AT(LabelOptions, choose_on), .value = "ROWS", .flags = OPT_WORKING,
     .help = "rows with people's choices: the prompt that agrees with them most is used"},
    {"trials", OPT_INT, AT(LabelOptions, trials), 1, 1000, "1", .flags = OPT_WORKING,
     .help = "try each prompt with so many draws of its exemplars"},
    {"method", OPT_CHOICE, AT(LabelOptions, method), .choices = "pairwise|pointwise", .otherwise = "pairwise",
     .help = "compare two responses, or judge each alone"},
    {"both-orders", OPT_BOOL, AT(LabelOptions, both_orders), .otherwise = "true",
     .help = "ask in both orders and average; false: in one, drawn by seed"},
    {"drop-same-slot", OPT_BOOL, AT(LabelOptions, drop_same_slot), .flags = OPT_WORKING,
     .help = "drop pairs where both orders chose the same position"},
    {"drop-undecided", OPT_REAL, AT(LabelOptions, drop_undecided), 0, 0.5, "0", .value = "MARGIN", .flags = OPT_WORKING,
     .help = "drop pairs whose label is nearer to 1/2 than this"},
    {"explain", OPT_BOOL, AT(LabelOptions, explain), .flags = OPT_WORKING | OPT_CLI,
     .help = "print what the prompts share and one of them, and ask nothing"},
    LIMIT_OPTION(LabelOptions, "rows"),
    SKIP_BAD_OPTION(LabelOptions, ", and pairs that an endpoint will not answer,"),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {judge_option_rows, JUDGE_OPTIONS, AT(LabelOptions, judge)},
    {settle_option_rows, SETTLE_OPTIONS, AT(LabelOptions, settle)},
    {endpoint_option_rows, ENDPOINT_OPTIONS, AT(LabelOptions, endpoint)},
    {price_option_rows, PRICE_OPTIONS, AT(LabelOptions, endpoint.prices)},
    {common_options, RENDER_OPTIONS, AT(LabelOptions, common)},
};
const OptionTable label_table = {groups, COUNT(groups), sizeof(LabelOptions)};

/* A mix is fitted by what its parts say, before anything is settled. */
static bool check_fit(const LabelOptions *o, ErrCode code, Err *err)
{
    if (o->pairs || o->from || o->reward || o->choose_on || o->drop_same_slot || o->drop_undecided > 0 || o->explain)
        return err_set(err, code, "label: --fit takes the rows that a mix is fitted to, and makes no labels"),
               err_hint(err, "leave out PAIRS, --from, --reward, --choose-on, --explain and what drops labels");
    if (o->prompt.n != 1)
        return err_set(err, code, "label: --fit takes one --prompt, the draft of a mix, not %d", o->prompt.n),
               err_hint(err, "a file of kind mix, whose centres, scales and weights may be missing");
    for (int i = 0; o->output && i < 2; i++)
        if (file_same(o->output, i ? o->fit : o->prompt.item[0]))
            return err_set(err, code, "label: the mix would be written over %s", i ? "the rows" : "its draft"),
                   err_hint(err, "give -o another name");
    return true;
}

/* A reward model is asked nothing: it has no prompt, and reads one response at a time. */
static bool check_reward(const LabelOptions *o, ErrCode code, Err *err)
{
    if (o->model || o->endpoint.url)
        return err_set(err, code, "label: --reward and --%s name two judges", o->model ? "model" : "endpoint"),
               err_hint(err, "leave one of them out; a mix, --prompt FILE, weighs judges and reward models together");
    if (o->prompt.n > 0 || o->choose_on)
        return err_set(err, code, "label: a reward model has no prompt"),
               err_hint(err, "leave out --prompt and --choose-on; or make it a part of a mix");
    if (o->method != LABEL_POINTWISE)
        return err_set(err, code, "label: a reward model judges each response alone"),
               err_hint(err, "add --method pointwise");
    return true;
}

bool label_options_check(const Work *work, const LabelOptions *o, Err *err)
{
    ErrCode code = work->in_recipe ? ERR_INPUT : ERR_USAGE;
    if (o->from && (o->pairs || o->model || o->reward || o->endpoint.url))
        return err_set(err, code, "label: --from settles labels anew: it takes no pairs and no judge"),
               err_hint(err, "leave them out, or label anew without --from");
    if (o->fit)
        return check_fit(o, code, err);
    if (o->reward && !check_reward(o, code, err))
        return false;
    if (!o->from && !o->pairs)
        return err_set(err, code, "label: PAIRS is missing"),
               err_hint(err, "rows with two responses; or --from LABELS");
    if (o->prompt.n > 1 && !o->choose_on) {
        err_set(err, code, "label: %d prompts, but no rows to choose one by", o->prompt.n);
        return err_hint(err, "give one --prompt, or --choose-on rows with people's choices");
    }
    if (o->choose_on && (o->prompt.n == 0 || o->from || o->explain))
        return err_set(err, code, "label: --choose-on needs pairs, a model and prompts to choose among"),
               err_hint(err, "give several: --prompt ONE --prompt ANOTHER, and neither --from nor --explain");
    if (o->settle.average == AVERAGE_LOG_ODDS && o->method == LABEL_POINTWISE)
        return err_set(err, code, "label: --average is of the two orders of a pair, which --method pointwise has not"),
               err_hint(err, "leave one of them out");
    if (o->trials > 1 && !o->choose_on)
        return err_set(err, code, "label: --trials are of candidates for --choose-on"),
               err_hint(err, "leave it out, or name rows with people's choices: --choose-on ROWS");
    return true;
}
