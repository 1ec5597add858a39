/* Judge prompts: YAML files, built in (builtin.h) or the user's (docs/formats.md). This opens the folder. A prompt is preamble, exemplars, item,
 * ending; its answers are what may come next. */
#ifndef RLAIF_JUDGE_PROMPT_PROMPT_H
#define RLAIF_JUDGE_PROMPT_PROMPT_H

#include "base/hash.h"
#include "rlaif/judge/prompt/parts.h"
#include "rlaif/rows/render.h"

typedef enum JudgeKind {
    JUDGE_PAIRWISE,  /* which of two responses: answers for the first and the second */
    JUDGE_SCORE,     /* a number for one response: answers "1" .. "10" */
    JUDGE_VERDICT,   /* one of two words for one response: the first is the better */
    JUDGE_CHECKLIST, /* several questions about one response, each with an ideal answer of the two */
    JUDGE_CONTRAST,  /* one response, read behind a good example and a bad one: it has no answers */
    JUDGE_MIX        /* a weighted sum of what other prompts say of one response: its own are its parts' */
} JudgeKind;

typedef struct Exemplar {
    char *context, *response[2], *rationale;
    char *answer; /* of a checklist all its questions, answered */
} Exemplar;

/* A question of a checklist. */
typedef struct Check {
    char *question;
    int ideal;  /* which of the prompt's answers */
    char *upto; /* the ending that it is asked by: the questions before it with their ideal answers, and itself */
} Check;
enum { MOST_CHECKS = 16 };

/* Chain of thought (paper.md 3.6). Step 1 is preamble, exemplars, item and this ending, after which a rationale is
 * written; step 2 is step 1, the rationale, `join`, and the prompt's own ending. */
typedef struct Cot {
    char *preamble;        /* in place of the prompt's */
    char *ending;          /* NULL: the prompt has no chain of thought */
    char *few_shot_ending; /* in place of `ending` where exemplars are shown */
    char *join;
    int max_new_tokens;
} Cot;

typedef struct JudgePrompt {
    char *name;
    JudgeKind kind;
    ChatMode chat;
    char *system, *preamble, *item, *ending;
    char *good, *bad; /* of a contrast: what stands before the item; its item ends where the response begins, */
    char *blank;      /* and this of it is the response's first token's: " " or "" */
    double clip;      /* of a contrast: a token counts at most so much */
    char **answer;
    int answers;
    Check *check; /* of a checklist; its ending is the last one's */
    int checks;
    Exemplar *exemplar;
    int exemplars;
    int shots;    /* exemplars that are shown unless the user says otherwise */
    char *layout; /* of an exemplar: "{item}{rationale}{ending}{answer}\n\n" */
    Cot cot;
    bool flip; /* the answer names the worse response */
    MixPart *part;
    int parts;
    double temperature;   /* of a mix: p = sigma(margin / temperature) */
    char hash[HASH_TEXT]; /* of the file's text */
} JudgePrompt;

/* A built-in prompt by name, or a YAML file. Fails for a name that is neither (the nearest is named), a key
 * that is not known, a required one that is missing, answers that do not fit the kind. */
bool judge_prompt_load(JudgePrompt **out, const char *name_or_file, Err *err) MUST_CHECK;
/* The same of a mix whose parts may lack a scale, which then is 1. */
bool judge_prompt_load_draft(JudgePrompt **out, const char *name_or_file, Err *err) MUST_CHECK;
/* The same as the first from YAML in memory; messages call it `where`. The prompts of a mix's parts are not read. */
bool judge_prompt_parse(JudgePrompt **out, const char *where, const char *text, size_t n, Err *err) MUST_CHECK;
/* A reward model alone as a mix, whose margin is its reward. */
JudgePrompt *judge_prompt_of_reward(const char *path);
void judge_prompt_free(JudgePrompt *p); /* accepts NULL */
/* The hash of all that shapes what is asked: the file's, and of a mix those of its parts' files and reward models, whose files
 * `kept` knows (model_hash). */
bool judge_prompt_hash(const JudgePrompt *p, Store *kept, char out[HASH_TEXT], Err *err) MUST_CHECK;
/* The same, and the kind, of what judge_prompt_load would load. */
bool judge_prompt_identify(const char *name_or_file, Store *kept, char hash[HASH_TEXT], JudgeKind *kind,
                           Err *err) MUST_CHECK;

/* Of a mix the weight of the reply's length, which a policy would take; 0 of all others. */
double judge_prompt_length_weight(const JudgePrompt *p);

/* What stands beside the item: these exemplars in this order, with their rationales and the preamble of chain of thought
 * or without. */
enum { MOST_SHOTS = 64 };
typedef struct Shown {
    int exemplar[MOST_SHOTS];
    int n;
    bool cot;
} Shown;

/* What stands before the ending, filled in for a context and one or two responses (`second` is NULL for one).
 * The caller frees it. */
char *judge_prompt_body(const JudgePrompt *p, const Shown *shown, const char *context, const char *first,
                        const char *second);

/* Of a contrast: what stands before the response, behind the good example or the bad one. The caller frees it. */
char *judge_prompt_side(const JudgePrompt *p, bool bad, const char *context);

/* The prompt's ending without blanks around it: where a rationale has come to it, it is over. The caller frees it. */
char *judge_prompt_stop(const JudgePrompt *p);

/* What a rationale follows, where the prompt has chain of thought. */
const char *judge_prompt_cot_ending(const JudgePrompt *p, const Shown *shown);

#define JUDGE_KINDS "pairwise|score|verdict|checklist|contrast|mix"

#endif
