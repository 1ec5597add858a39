/* How a judge is asked: the options, and the exemplars that it shows by them. */
#ifndef RLAIF_JUDGE_OPTIONS_H
#define RLAIF_JUDGE_OPTIONS_H

#include "base/options.h"
#include "rlaif/judge/demand.h"
#include "rlaif/judge/prompt/prompt.h"
#include "rlaif/rows/cut.h"

typedef struct JudgeOptions {
    int chat;           /* ChatMode; CHAT_AUTO: as the prompt says */
    int shots;          /* exemplars shown; -1: as the prompt says */
    int exemplar_seed;  /* they are drawn by this seed; -1: they are the prompt's first */
    bool cot;           /* chain of thought: a rationale before the answer (3.6); pairwise prompts only */
    int samples;        /* rationales an order, whose answers' distributions are averaged (self-consistency, 3.7) */
    double temperature; /* of rationales; 0: greedy, or where there are several 0.7 */
    int top_k;          /* of rationales; 0: all; -1: of a model here 40, of an endpoint what it does by itself */
    int seed;           /* of rationales */
    int max_input;      /* tokens of a prompt without rationale; 0: as many as the model's context holds */
    int cut;            /* CutRule */
    const char *cut_by; /* the option that sets it, for messages; NULL: none does */
    bool draft;         /* a mix may lack scales: its parts are asked, their numbers are to be fitted */
    Refused refused;    /* what becomes of answers that an endpoint will never give */
} JudgeOptions;
/* As the prompt says, without chain of thought. */
JudgeOptions judge_defaults(ChatMode chat);
/* The same as options of a command, but for the seed. */
enum { JUDGE_OPTIONS = 9 };
extern const Option judge_option_rows[JUDGE_OPTIONS];

/* What of a pair's two orders is averaged, an int of Averaging (verdict.h). */
#define AVERAGE_OPTION(TYPE, FIELD)                                                                                    \
    {                                                                                                                  \
        "average", OPT_CHOICE, AT(TYPE, FIELD), .choices = AVERAGINGS, .otherwise = "probability",                     \
                                                .help = "what of a pair's two orders is averaged"                      \
    }

/* judge_prompt_load, or of a draft judge_prompt_load_draft. */
bool judge_options_prompt(JudgePrompt **out, const char *name_or_file, const JudgeOptions *o, Err *err) MUST_CHECK;
/* Fails for options that do not fit the prompt: several samples of no rationale, --cot where the prompt has none. */
bool judge_options_check(const JudgePrompt *p, const JudgeOptions *o, Err *err) MUST_CHECK;

/* The exemplars that a judge of this prompt shows by these options: the prompt's first, or drawn ones. Fails for more than
 * it has, and where one has no rationale that chain of thought needs. */
bool judge_exemplars(Shown *out, const JudgePrompt *p, const JudgeOptions *o, Err *err) MUST_CHECK;

#endif
