/* Where the judges of a command come from: a model that is loaded here, or an endpoint. */
#ifndef RLAIF_JUDGE_SOURCE_H
#define RLAIF_JUDGE_SOURCE_H

#include "rlaif/endpoint.h"
#include "rlaif/judge.h"
#include "rlaif/stage.h"

/* The options of a command that has a judge: its endpoint, and what that costs. */
#define JUDGE_SOURCE_GROUPS(type, field)                                                                               \
    {endpoint_option_rows, ENDPOINT_OPTIONS, AT(type, field)},                                                         \
    {                                                                                                                  \
        price_option_rows, JUDGE_PRICES, AT(type, field.prices)                                                        \
    }

typedef struct JudgeSource {
    const char *path; /* of a model; NULL: an endpoint */
    const EndpointOptions *remote;
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
void judge_source_release(JudgeSource *s);

#endif
