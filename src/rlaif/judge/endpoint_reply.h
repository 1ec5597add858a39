/* Requests to an endpoint and what its replies say. */
#ifndef RLAIF_JUDGE_ENDPOINT_REPLY_H
#define RLAIF_JUDGE_ENDPOINT_REPLY_H

#include "base/json.h"
#include "net/http.h"
#include "rlaif/judge/demand.h"

/* "chat" or "completions". */
const char *endpoint_kind_name(EndpointKind kind);

/* What is asked, as its answer is kept by; the caller frees it. `top` log-probabilities are asked for. */
char *endpoint_request(const Demand *d, const char *model, EndpointKind kind, int top);
/* The same as it is sent: servers refuse what they do not know, so that only what is needed is, without the parameters
 * `without` (NULL: none are left out). */
char *endpoint_body(const Demand *d, const char *model, EndpointKind kind, int top, const json_t *without);

/* Where log-probabilities of a given text are wanted, and the server has none. */
#define ECHO_REMEDY                                                                                                     \
    "a contrast needs completions with echo and logprobs, as llama-cpp-python (--logits_all true) and vLLM have them; " \
    "or a model here"

typedef enum ReplyUse {
    REPLY_TAKEN,
    REPLY_REFUSED, /* no answer to this prompt, which no other try would change */
    REPLY_FAILURE, /* the same, and the body says of what it complains */
    REPLY_AGAIN    /* one that another try may mend */
} ReplyUse;
/* Reads a reply into what endpoint_ask returns; if it cannot, *err says why. */
ReplyUse endpoint_read(const HttpReply *reply, const Demand *d, EndpointKind kind, int top, json_t **said,
                       Err *err) MUST_CHECK;

#endif
