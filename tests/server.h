/* An HTTP server for the tests of what talks to one: it answers as a function says, late, wrongly or not at all. It listens
 * on loopback, on a port that is free. */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include "support.h"

typedef struct ServerRequest {
    int number; /* from 0, in order of arrival */
    const char *method, *path, *body;
    const char *authorization; /* the header, or NULL */
} ServerRequest;

typedef enum ServerCut {
    CUT_NOT,
    CUT_BEFORE, /* the connection ends without a word */
    CUT_WITHIN  /* it ends within the body */
} ServerCut;

/* An empty one is a 200 without a body. */
typedef struct ServerReply {
    int status;
    char *body;                  /* owned by the reply; it is freed when it has been sent */
    char type[32];               /* of the content [application/json] */
    char header[32], value[200]; /* one more header */
    ServerCut cut;
    double wait; /* seconds before it is sent */
} ServerReply;

/* Fills in what a request gets; one call at a time. */
typedef void ServerAnswer(void *context, const ServerRequest *q, ServerReply *r);

typedef struct Server Server;
Server *server_start(ServerAnswer *answer, void *context);
/* The same by TLS, with a certificate that signs itself: tests/fixtures/own-certificate.pem. Skips the test aloud where the
 * library has no TLS. */
Server *server_start_tls(ServerAnswer *answer, void *context);
void server_stop(Server *s);                 /* waits for what is under way; accepts NULL */
const char *server_address(const Server *s); /* "http://127.0.0.1:PORT/v1", or https */
int server_requests(Server *s);              /* so far */
int server_at_once(Server *s);               /* the most that were under way together */

#endif
