/* Judge prompts: YAML files, built in or the user's (docs/formats.md). A prompt is preamble, exemplars, item,
 * ending; its answers are what may come next. */
#ifndef RLAIF_JUDGE_PROMPT_H
#define RLAIF_JUDGE_PROMPT_H

#include "base/hash.h"
#include "rlaif/render.h"

typedef enum JudgeKind {
    JUDGE_PAIRWISE, /* which of two responses: answers for the first and the second */
    JUDGE_SCORE,    /* a number for one response: answers "1" .. "10" */
    JUDGE_VERDICT   /* one of two words for one response: the first is the better */
} JudgeKind;

typedef struct Exemplar {
    char *context, *response[2], *rationale, *answer;
} Exemplar;

typedef struct JudgePrompt {
    char *name;
    JudgeKind kind;
    ChatMode chat;
    char *system, *preamble, *item, *ending;
    char **answer;
    int answers;
    Exemplar *exemplar;
    int exemplars;
    char *layout;         /* of an exemplar: "{item}{rationale}{ending}{answer}\n\n" */
    bool flip;            /* the answer names the worse response */
    char hash[HASH_TEXT]; /* of the file's text */
} JudgePrompt;

/* A built-in prompt by name, or a YAML file. Fails for a name that is neither (the nearest is named), a key
 * that is not known, a required one that is missing, answers that do not fit the kind. */
bool judge_prompt_load(JudgePrompt **out, const char *name_or_file, Err *err) MUST_CHECK;
void judge_prompt_free(JudgePrompt *p); /* accepts NULL */

/* The built-in prompts: names, one line each, and the YAML. */
int builtin_prompts(void);
const char *builtin_prompt_name(int i);
const char *builtin_prompt_about(int i);
const char *builtin_prompt_yaml(int i);

/* What stands before the ending, filled in for a context and one or two responses (`second` is NULL for one).
 * The caller frees it. */
char *judge_prompt_body(const JudgePrompt *p, const char *context, const char *first, const char *second);

/* Its name for kinds: "pairwise|score|verdict". */
#define JUDGE_KINDS "pairwise|score|verdict"

#endif
