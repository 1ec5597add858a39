/* The parts of a mix as its file has them: whose numbers are weighed, and by what. */
#ifndef RLAIF_JUDGE_PROMPT_PARTS_H
#define RLAIF_JUDGE_PROMPT_PARTS_H

#include "rlaif/judge/prompt/field.h"
#include "rlaif/rows/render.h"

enum { MOST_PARTS = 8 };

typedef enum PartKind { PART_PROMPT, PART_REWARD, PART_LOG_LENGTH } PartKind;

/* Of a part's number x: weight (x - centre) / scale. */
typedef struct MixPart {
    PartKind kind;
    char *source;               /* a prompt's name or file, or a reward model, as it is written; NULL: the log length */
    char *path;                 /* that from here; NULL of a built-in prompt */
    struct JudgePrompt *prompt; /* that; owned by the mix's prompt */
    ChatMode chat;              /* of a reward model: how it reads responses; auto: as the command says */
    double centre, scale, weight;
    double error; /* the weight's standard error, where it was fitted; 0: not known */
    int line;     /* of the file */
} MixPart;

#define LOG_LENGTH "log-length"
/* What messages and rows call a part. */
const char *part_name(const MixPart *p);

/* The list `parts` of a mix. A part without a scale is refused; of a draft, to which numbers are fitted, it is 1. Free the list
 * with parts_free, whether it fails or not. */
bool parts_read(const FieldReader *r, const Yaml *map, bool draft, MixPart **out, int *n) MUST_CHECK;
void parts_free(MixPart *p, int n); /* but for the prompts */

#endif
