/* HTTP for one person's browser on this machine, by libmicrohttpd. It listens on 127.0.0.1 alone, answers from the thread
 * that calls listener_step, and refuses what does not come from its own pages:
 *
 *   Host                 must be 127.0.0.1 or localhost with this port: a name that another site points here is none
 *   Origin               if there is one, must be this server
 *   Sec-Fetch-Site       if there is one, must be same-origin or none: no other site's page asks, or leads here
 *   POST                 must carry this run's token (X-Rlaif-Token), which only its own pages know, and be JSON
 *
 * Everything is bounded: headers, bodies, connections, idle time. Every answer forbids caching, framing, sniffing and
 * whatever its Content-Security-Policy does not name. */
#ifndef SERVE_LISTENER_H
#define SERVE_LISTENER_H

#include "base/err.h"
#include "base/str.h"

enum { LISTENER_TOKEN = 32 + 1, LISTENER_BODY_MOST = 16 * 1024, LISTENER_PATH_MOST = 2048, LISTENER_POLICY = 400 };

typedef struct Listener Listener;

typedef struct Request {
    const char *method, *path; /* "GET" (also for HEAD) or "POST"; without its arguments */
    const char *body;          /* of POST; ended by a NUL */
    size_t n;
    void *connection; /* of the library */
} Request;
/* ?name=value, decoded; NULL where it is absent. */
const char *request_argument(const Request *r, const char *name);

typedef struct Reply {
    int status;                   /* 200 unless it is set */
    const char *type;             /* "text/html; charset=utf-8" unless it is set */
    char policy[LISTENER_POLICY]; /* Content-Security-Policy; nothing is allowed unless it is set */
    Str body;                     /* taken over */
} Reply;

/* Called once for every request that was not refused. */
typedef void ListenerAnswer(void *context, const Request *request, Reply *out);

/* Listens on a port, 0: any that is free. */
bool listener_open(Listener **out, int port, ListenerAnswer *answer, void *context, Err *err) MUST_CHECK;
int listener_port(const Listener *h);
const char *listener_token(const Listener *h);
/* Answers what there is, waiting at most so long for something. */
bool listener_step(Listener *h, int milliseconds, Err *err) MUST_CHECK;
void listener_close(Listener *h); /* accepts NULL */

/* Appends "libmicrohttpd 0.9.75", for `rlaif version`. */
void serve_libraries(Str *out);

#endif
