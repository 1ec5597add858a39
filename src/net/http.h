/* HTTP for a service that may fail: JSON posted, many requests at a time, faults that pass tried again.
 *
 * Tried again are connections that cannot be made or are cut (but where no such host was ever found), timeouts, the
 * statuses 408, 409, 425, 429 and 5xx but 501 and 505, and replies of which the caller says so. The n-th wait is
 * retry_wait * 2^(n-1) seconds, at most a minute, times a number drawn from [1/2, 1]; where the server says
 * Retry-After, nothing is sent until then, and a long wait is said; more than a day is a failure. Redirections are not
 * followed: the key would go to another address. What is tried again is noted, every ten seconds at most. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/json.h"
#include "net/address.h"

typedef struct HttpOptions {
    int concurrency;    /* requests under way at a time, at least 1 */
    int retries;        /* of one request after its first failure */
    double timeout;     /* seconds for one try */
    double retry_wait;  /* seconds before the first retry, about */
    double per_minute;  /* requests begun in a minute, retries included; 0: as many as there are */
    double *next_start; /* clock from which the next may begin, of all that have one rate; NULL: of this one alone */
    size_t most_bytes;  /* of a reply's body */
    HttpEnvironment environment;
} HttpOptions;

typedef struct Http Http;

bool http_open(Http **out, const HttpOptions *o, Err *err) MUST_CHECK;
void http_close(Http *h); /* accepts NULL */

/* A status and what came with it; the key stands in it as asterisks. */
typedef struct HttpReply {
    const char *from; /* the address, and the proxy where there is one: begins messages about it */
    int status;
    const char *location; /* where a redirection leads, or NULL */
    const char *body;     /* ends in a NUL that n does not count */
    size_t n;
} HttpReply;

/* What is to be posted, and what becomes of the replies. */
typedef struct HttpWork {
    const char *url;
    int n;
    void *context;
    /* The body of request i, which http_post frees; called when i is first sent. NULL, with *err set: nothing further
     * is begun. */
    char *(*body)(void *context, int i, Err *err);
    /* A reply of status 2xx, in order of arrival. Where it cannot be used, *err is set; *again asks for another try. */
    bool (*use)(void *context, int i, const HttpReply *reply, bool *again, Err *err);
    /* A status that no other try would change: true where it is dealt with; else a failure, of which *err already says
     * what the server said. NULL: always a failure. */
    bool (*refused)(void *context, int i, const HttpReply *reply, Err *err);
    /* All tries of a request that a server took are used up; `others` were answered since it was first sent. True where the
     * rest goes on without it. NULL: always a failure. */
    bool (*given_up)(void *context, int i, bool others, Err *err);
} HttpWork;

/* Posts them all. After a failure nothing further is begun, what is under way is awaited and used, and the first
 * failure is reported; an interruption ends it at once. */
bool http_post(Http *h, const HttpWork *w, Err *err) MUST_CHECK;

/* A status that another try may change. */
bool http_status_passes(int status);
/* Tries that failed and were made again, since http_open. */
int http_retries(const Http *h);

/* "libcurl 7.88.1" */
const char *net_library(void);

#endif
