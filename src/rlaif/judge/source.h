/* Where the judges of a command come from: a model that is loaded here, or an endpoint. */
#ifndef RLAIF_JUDGE_SOURCE_H
#define RLAIF_JUDGE_SOURCE_H

#include "rlaif/judge/endpoint.h"
#include "rlaif/judge/judge.h"
#include "rlaif/stage/stage.h"

/* What a judge reads of long contexts. */
typedef struct JudgeReading {
    int max_input; /* tokens of a prompt */
    int cut;       /* CutRule of longer ones */
} JudgeReading;
enum {
    JUDGE_READING_OPTIONS = 2,
    LABELER_INPUT = 4096
}; /* the latter: tokens where nothing else is said (paper.md 3.7) */
extern const Option judge_reading_rows[JUDGE_READING_OPTIONS];

/* The options of a command that has a judge: how much it reads; its endpoint, and what that costs. */
#define JUDGE_READING_GROUP(type, field)                                                                               \
    {                                                                                                                  \
        judge_reading_rows, JUDGE_READING_OPTIONS, AT(type, field)                                                     \
    }
#define JUDGE_SOURCE_GROUPS(type, field)                                                                               \
    {endpoint_option_rows, ENDPOINT_OPTIONS, AT(type, field)},                                                         \
    {                                                                                                                  \
        price_option_rows, JUDGE_PRICES, AT(type, field.prices)                                                        \
    }

/* judge_defaults with these limits. */
JudgeOptions judge_reading(ChatMode chat, JudgeReading r);

typedef struct JudgeSource {
    const char *path; /* of a model; NULL: an endpoint */
    const EndpointOptions *remote;
    Device *device; /* for reward models in a mix, which are here in any case, and the day that templates get */
    int date;
    char hash[HASH_TEXT]; /* of all that shapes its answers */
    Model *model;         /* loaded, or */
    Endpoint *endpoint;   /* open; NULL before judge_source_load */
} JudgeSource;

/* Which it is, and its hash; nothing is loaded. `option` is what the command calls its model ("model", "judge"). Fails where
 * neither is given, or both. Release it whether it fails or not. */
bool judge_source_name(JudgeSource *s, const Work *work, const char *option, const char *path,
                       const EndpointOptions *remote, Err *err) MUST_CHECK;
bool judge_source_load(JudgeSource *s, Work *work, Err *err) MUST_CHECK;
/* The same without weights, where prompts are only laid out. */
bool judge_source_load_text(JudgeSource *s, Work *work, Err *err) MUST_CHECK;
/* A judge; the source outlives it. */
bool judge_source_open(JudgeSource *s, Judge **out, const char *prompt, JudgeOptions o, Err *err) MUST_CHECK;
/* After the work, of an endpoint that was asked: notes what that took, and sets it as `endpoint` into the command's summary
 * (endpoint_spent). It is measured here and now, hence in no store. */
void judge_source_report(const JudgeSource *s, Work *work, const char *stage);
/* What a judge's contexts lost in a stage: said, and kept in its summary, where there is any: prompts and characters. */
#define JUDGE_CUT            "judge_cut"
#define JUDGE_CUT_CHARACTERS "judge_cut_characters"
#define JUDGE_REFUSED        "judge_refused" /* responses that an endpoint would not judge */
void judge_cut_report(const CutCount *count, const char *stage, json_t *summary);
void judge_source_release(JudgeSource *s);

#endif
