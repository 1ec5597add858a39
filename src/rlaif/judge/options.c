/* How a judge is asked. */
#include "rlaif/judge/options.h"

#include "base/rng.h"
#include "rlaif/stage/option_rows.h"

const Option judge_option_rows[JUDGE_OPTIONS] = {
    CHAT_OPTION(JudgeOptions, "through the judge's chat template; auto: as the prompt says"),
    {"cot", OPT_BOOL, AT(JudgeOptions, cot), .help = "chain of thought: a rationale is written before each answer"},
    {"shots", OPT_INT, AT(JudgeOptions, shots), -1, MOST_SHOTS, "-1",
     .help = "how many of the prompt's exemplars are shown; -1: as it says"},
    {"exemplar-seed", OPT_INT, AT(JudgeOptions, exemplar_seed), -1, 2147483647, "-1",
     .help = "draw the exemplars by this seed; -1: the first ones"},
    {"samples", OPT_INT, AT(JudgeOptions, samples), 1, 1000, "1",
     .help = "rationales for each order, whose answers are averaged"},
    {"temperature", OPT_REAL, AT(JudgeOptions, temperature), 0, 100, "0", .with = "cot",
     .help = "of rationales; 0: greedy, with several samples 0.7"},
    {"top-k", OPT_INT, AT(JudgeOptions, top_k), -1, 1e9, "-1", .with = "cot",
     .help = "draw rationales from the k best tokens; 0: all; -1: 40, of an endpoint what it does by itself"},
    {"max-input", OPT_INT, AT(JudgeOptions, max_input), 16, 1e9, "4096",
     .help = "most tokens of a prompt; longer ones are refused or cut"},
    {"truncate", OPT_CHOICE, AT(JudgeOptions, cut), .choices = CUT_RULES, .otherwise = "none",
     .help = "cut contexts of longer prompts at their beginning or end"},
};

JudgeOptions judge_defaults(ChatMode chat)
{
    return (JudgeOptions){.chat = (int)chat, .shots = -1, .exemplar_seed = -1, .samples = 1};
}

bool judge_options_prompt(JudgePrompt **out, const char *name_or_file, const JudgeOptions *o, Err *err)
{
    return o->draft ? judge_prompt_load_draft(out, name_or_file, err) : judge_prompt_load(out, name_or_file, err);
}

bool judge_options_check(const JudgePrompt *p, const JudgeOptions *o, Err *err)
{
    if (p->kind == JUDGE_CONTRAST && o->chat == CHAT_TRUE)
        return err_set(err, ERR_INPUT, "the prompt %s is a contrast of texts, which no chat template reads", p->name),
               err_hint(err, "leave out --chat");
    if (!o->cot && o->samples > 1)
        return err_set(err, ERR_INPUT, "%d samples of a rationale, but none is asked for", o->samples),
               err_hint(err, "add --cot");
    if (!o->cot)
        return true;
    if (p->kind != JUDGE_PAIRWISE)
        return err_set(err, ERR_INPUT, "the prompt %s judges one response at a time, without chain of thought",
                       p->name),
               err_hint(err, "leave out --cot");
    if (!p->cot.ending)
        return err_set(err, ERR_INPUT, "the prompt %s has no chain of thought", p->name),
               err_hint(err, "leave out --cot, or give the prompt a \"cot\" part with an ending");
    return true;
}

bool judge_exemplars(Shown *out, const JudgePrompt *p, const JudgeOptions *o, Err *err)
{
    int order[MOST_SHOTS], shots = o->shots >= 0 ? o->shots : p->shots;
    RngKey key = {.seed = (uint64_t)o->exemplar_seed, .purpose = RNG_EXEMPLAR};
    *out = (Shown){.cot = o->cot};
    if (shots > p->exemplars) {
        err_set(err, ERR_INPUT, "the prompt %s has %d exemplars, not %d", p->name, p->exemplars, shots);
        return err_hint(err, "use --shots %d or less", p->exemplars);
    }
    for (int i = 0; i < p->exemplars; i++)
        order[i] = i;
    if (o->exemplar_seed >= 0)
        rng_permutation(key, order, p->exemplars);
    for (int i = 0; i < shots; i++) {
        out->exemplar[out->n++] = order[i];
        if (o->cot && !p->exemplar[order[i]].rationale[0])
            return err_set(err, ERR_INPUT, "the prompt %s: exemplar %d has no rationale", p->name, order[i] + 1),
                   err_hint(err, "give it one, or leave out --cot");
    }
    return true;
}
