/* HTTP for a browser on this machine. */
#include "serve/listener.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/random.h>

struct Listener {
    struct MHD_Daemon *daemon;
    ListenerAnswer *answer;
    void *context;
    int port;
    char token[LISTENER_TOKEN];
    char host[2][32]; /* what Host may be */
};

/* One request while it comes in. */
typedef struct Incoming {
    Str body;
    bool too_large;
} Incoming;

static const char NOTHING[] = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void serve_libraries(Str *out)
{
    str_addf(out, "libmicrohttpd %s", MHD_get_version());
}

const char *request_argument(const Request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* --- what is refused ------------------------------------------------------------------------------------ */

static const char *header(struct MHD_Connection *c, const char *name)
{
    const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return value ? value : "";
}

static bool is_own_host(const Listener *h, const char *host)
{
    return strcasecmp(host, h->host[0]) == 0 || strcasecmp(host, h->host[1]) == 0;
}

static bool is_own_origin(const Listener *h, const char *origin)
{
    return origin[0] == 0 || (str_starts(origin, "http://") && is_own_host(h, origin + strlen("http://")));
}

/* Nothing, or the browser says that one of our pages or the person themselves asks. */
static bool is_own_fetch(struct MHD_Connection *c)
{
    const char *site = header(c, "Sec-Fetch-Site");
    return site[0] == 0 || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

static bool is_token(const Listener *h, const char *given)
{
    unsigned char differs = 0; /* every byte is looked at: how long it takes says nothing of the token */
    if (strlen(given) != LISTENER_TOKEN - 1)
        return false;
    for (int i = 0; i < LISTENER_TOKEN - 1; i++)
        differs |= (unsigned char)given[i] ^ (unsigned char)h->token[i];
    return !differs;
}

static bool is_json(struct MHD_Connection *c)
{
    static const char type[] = "application/json";
    const char *given = header(c, "Content-Type");
    size_t n = strlen(type);
    return strncasecmp(given, type, n) == 0 && (given[n] == 0 || given[n] == ';' || given[n] == ' ');
}

static bool is_too_long(struct MHD_Connection *c)
{
    const char *length = header(c, "Content-Length");
    return strtoull(length, NULL, 10) > LISTENER_BODY_MOST;
}

typedef struct Refusal {
    int status;
    const char *why;
} Refusal;

/* Why a request is refused; status 0: it is not. */
static Refusal refuse(const Listener *h, struct MHD_Connection *c, const char *method, const char *path)
{
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
    if (!is_own_host(h, header(c, "Host")))
        return (Refusal){MHD_HTTP_MISDIRECTED_REQUEST, "this server answers to 127.0.0.1 and localhost alone"};
    if (!is_own_origin(h, header(c, "Origin")) || !is_own_fetch(c))
        return (Refusal){MHD_HTTP_FORBIDDEN,
                         "the request comes from another site: type the address instead of following a link"};
    if (!get && !post)
        return (Refusal){MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and POST are answered"};
    if (strlen(path) > LISTENER_PATH_MOST)
        return (Refusal){MHD_HTTP_URI_TOO_LONG, "the address is too long"};
    if (!post)
        return (Refusal){0};
    if (!is_token(h, header(c, "X-Rlaif-Token")))
        return (Refusal){MHD_HTTP_FORBIDDEN, "the page is not of this server, or of an earlier one: load it again"};
    if (!is_json(c))
        return (Refusal){MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "the body must be JSON"};
    if (is_too_long(c))
        return (Refusal){MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large"};
    return (Refusal){0};
}

/* --- answering ------------------------------------------------------------------------------------------ */

static enum MHD_Result send_reply(struct MHD_Connection *c, Reply *r, bool close)
{
    static const char *const always[][2] = {{"Cache-Control", "no-store"},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"X-Frame-Options", "DENY"},
                                            {"Referrer-Policy", "no-referrer"},
                                            {"Cross-Origin-Opener-Policy", "same-origin"},
                                            {"Cross-Origin-Resource-Policy", "same-origin"}};
    size_t n = r->body.n;
    char *text = str_take(&r->body);
    struct MHD_Response *response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", r->type ? r->type : "text/html; charset=utf-8");
    MHD_add_response_header(response, "Content-Security-Policy", r->policy[0] ? r->policy : NOTHING);
    for (int i = 0; i < COUNT(always); i++)
        MHD_add_response_header(response, always[i][0], always[i][1]);
    if (close)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result sent = MHD_queue_response(c, (unsigned)(r->status ? r->status : MHD_HTTP_OK), response);
    MHD_destroy_response(response);
    return sent;
}

/* Refusals hold no word of the request. */
static enum MHD_Result send_refusal(struct MHD_Connection *c, Refusal why)
{
    Reply r = {.status = why.status, .type = "application/json"};
    str_addf(&r.body, "{\"error\": \"%s\"}\n", why.why);
    return send_reply(c, &r, true);
}

static void take_body(Incoming *in, const char *data, size_t *n)
{
    in->too_large = in->too_large || in->body.n + *n > LISTENER_BODY_MOST;
    if (!in->too_large)
        str_addn(&in->body, data, *n);
    *n = 0;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    Listener *h = self;
    Incoming *in = *state;
    (void)version;
    if (!in) { /* the headers are there */
        Refusal why = refuse(h, c, method, path);
        *state = mem_zalloc(1, sizeof(Incoming));
        return why.status ? send_refusal(c, why) : MHD_YES;
    }
    if (*n > 0) {
        take_body(in, data, n);
        return MHD_YES;
    }
    if (in->too_large)
        return send_refusal(c, (Refusal){MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large"});
    Request request = {.method = strcmp(method, "HEAD") == 0 ? "GET" : method,
                       .path = path,
                       .body = str_text(&in->body),
                       .n = in->body.n,
                       .connection = c};
    Reply reply = {0};
    h->answer(h->context, &request, &reply);
    return send_reply(c, &reply, false);
}

static void on_done(void *self, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    Incoming *in = *state;
    (void)self, (void)c, (void)why;
    if (in)
        str_release(&in->body);
    free(in);
    *state = NULL;
}

/* --- the server ----------------------------------------------------------------------------------------- */

/* A secret, so not of base/rng.h, whose numbers anyone can work out. */
static bool make_token(char out[LISTENER_TOKEN], Err *err)
{
    unsigned char bytes[(LISTENER_TOKEN - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, ERR_IO, "the system gives no random numbers: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

bool listener_open(Listener **out, int port, ListenerAnswer *answer, void *context, Err *err)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    Listener *h = mem_zalloc(1, sizeof *h);
    *out = NULL;
    h->answer = answer;
    h->context = context;
    if (!make_token(h->token, err)) {
        listener_close(h);
        return false;
    }
    errno = 0;
    h->daemon = MHD_start_daemon(MHD_USE_AUTO, (uint16_t)port, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR,
                                 &address, MHD_OPTION_NOTIFY_COMPLETED, on_done, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)32 * 1024, MHD_OPTION_CONNECTION_LIMIT, 64U, MHD_OPTION_CONNECTION_TIMEOUT,
                                 30U, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!h->daemon) {
        err_set(err, ERR_IO, "port %d of 127.0.0.1 cannot be listened on: %s", port,
                errno ? strerror(errno) : "unknown");
        listener_close(h);
        return err_hint(err, "choose another with --port, or 0 for any that is free");
    }
    h->port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(h->host[0], sizeof h->host[0], "127.0.0.1:%d", h->port);
    snprintf(h->host[1], sizeof h->host[1], "localhost:%d", h->port);
    *out = h;
    return true;
}

int listener_port(const Listener *h)
{
    return h->port;
}

const char *listener_token(const Listener *h)
{
    return h->token;
}

bool listener_step(Listener *h, int milliseconds, Err *err)
{
    return MHD_run_wait(h->daemon, milliseconds) == MHD_YES || errno == EINTR ||
           err_set(err, ERR_IO, "the network failed: %s", strerror(errno));
}

void listener_close(Listener *h)
{
    if (!h)
        return;
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    free(h);
}
