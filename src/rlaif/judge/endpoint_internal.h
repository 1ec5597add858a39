/* What the files of an endpoint share: how it wants to be asked (endpoint_ways.c), requests and replies
 * (endpoint_reply.c). */
#ifndef RLAIF_JUDGE_ENDPOINT_INTERNAL_H
#define RLAIF_JUDGE_ENDPOINT_INTERNAL_H

#include "net/http.h"
#include "rlaif/judge/endpoint.h"

/* Tokens. */
typedef struct Use {
    double input, output;
} Use;

struct Endpoint {
    const EndpointOptions *o;
    Store *store;
    Http *http;
    json_t *about;
    json_t
        *ways; /* what was found out: {"kind": what auto is; "completions", "chat": how many log-probabilities it gives;
                     "completions text", "chat text": true, once it wrote one; "without": [parameters it does not take]} */
    char *ways_key;
    json_t *refused; /* what it refused in this call: key -> why */
    Spending *call;
    Use spent, under_way; /* under_way: the most that requests being made may take */
    int requests, kept;
};

/* SHA-256 of two texts; the caller frees it. */
char *endpoint_hash(const char *what, const char *text);

/* --- endpoint_ways.c --- */

/* Found out in an earlier call, or nothing. */
bool ways_load(Endpoint *e, Err *err) MUST_CHECK;
EndpointKind way_kind(const Endpoint *e, const Demand *d);
const char *way_kind_name(EndpointKind kind);
int way_top(const Endpoint *e, EndpointKind kind);
/* Has it been asked in this way before, and given what was wanted? */
bool way_is_known(const Endpoint *e, const Demand *d);
/* It gave what was wanted: remembered. */
bool way_found(Endpoint *e, const Demand *d, Err *err) MUST_CHECK;
/* Was it the way of asking that was refused? Then the next one is taken, until way_found for this alone; false where there is
 * none. Each is less than the one before, so that this ends. */
bool way_change(Endpoint *e, const Demand *d, int status, const char *body);

/* --- endpoint_reply.c --- */

/* What is asked, as its answer is kept by; the caller frees it. `top` log-probabilities are asked for. */
char *endpoint_request(const Demand *d, const char *model, EndpointKind kind, int top);
/* The same as it is sent: servers refuse what they do not know, so that only what is needed is, without the parameters
 * `without` (NULL: none are left out). */
char *endpoint_body(const Demand *d, const char *model, EndpointKind kind, int top, const json_t *without);

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
