/* An OpenAI-compatible endpoint: prompts go out, the most probable next tokens or a text come back. Every reply is kept in
 * the store as it arrives, under what was sent: a command that was killed asks for the rest alone. Nothing is sent that
 * could exceed the budget. The key comes from the environment (OPENAI_API_KEY); it is in no store, message
 * or report. */
#ifndef RLAIF_JUDGE_ENDPOINT_H
#define RLAIF_JUDGE_ENDPOINT_H

#include "net/address.h"
#include "rlaif/judge/cost.h"
#include "rlaif/judge/demand.h"
#include "rlaif/stage/spending.h"
#include "store/store.h"

typedef struct EndpointOptions {
    char *url, *model; /* base address; the model's name there */
    int kind;          /* EndpointKind */
    int top;           /* most probable tokens asked for */
    int concurrency, retries;
    double retry_wait, timeout, per_minute;
    char *certificates;           /* NULL: as the environment says */
    double budget_tokens, budget; /* tokens read and written, dollars; of one call of the command; 0: without end */
    Prices prices;                /* what dollars are counted by; its options are cost.h's */
} EndpointOptions;
enum { ENDPOINT_OPTIONS = 12 };
extern const Option endpoint_option_rows[ENDPOINT_OPTIONS];

/* What shapes its answers: {"url", "model", "kind", "top_logprobs"}, the address in one form. The caller releases it. Fails
 * for an address with more than scheme, host and path, and without a model's name. */
bool endpoint_about(const EndpointOptions *o, json_t **out, Err *err) MUST_CHECK;

/* The same of a command's options, before they are kept anywhere; `where` begins the message. Nothing is wrong where they name no
 * endpoint. */
bool endpoint_check(const OptionTable *t, const void *options, const char *where, Err *err) MUST_CHECK;

typedef struct Endpoint Endpoint;

/* The options, the store, what the call has spent and the texts of the environment are borrowed. */
bool endpoint_open(Endpoint **out, const EndpointOptions *o, const HttpEnvironment *environment, Store *store,
                   Spending *call, Err *err) MUST_CHECK;
void endpoint_free(Endpoint *e); /* accepts NULL */

/* Asks for what is not in the store, many at a time; all n are of one kind. out[i] is what was said, which the caller
 * releases, whether the call fails or not:
 *     {"kind": "completions" or "chat", "read", "wrote" (tokens),
 *      "top": [[token as it was written, log-probability], ...] (the most probable first; null where it is said to have none
 *             that is a number), or "given": [log-probability, ...] (of the tokens of a given text), or "text"}
 * or, of what it will never answer, {"refused": true} (REFUSED_FAILS: never). */
bool endpoint_ask(Endpoint *e, const Demand *d, int n, json_t **out, Err *err) MUST_CHECK;

/* Do prompts of this kind go out as chat, as far as is known by now? */
bool endpoint_chats(const Endpoint *e, EndpointKind kind);
/* What the store has of it, as endpoint_ask returns it, or NULL. *key, which the caller frees, is the same for demands that
 * are asked once. */
bool endpoint_find(const Endpoint *e, const Demand *d, char **key, json_t **said, Err *err) MUST_CHECK;
/* Is it still to be found how it wants to be asked? Then the first request goes alone. */
bool endpoint_is_new(const Endpoint *e);

/* What was asked since endpoint_open: {requests, kept (answers that the store had), retries, input, output (tokens),
 * dollars, call {input, output, dollars}: since the call began}. The caller releases it. */
json_t *endpoint_spent(const Endpoint *e);

#endif
