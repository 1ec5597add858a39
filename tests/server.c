/* An HTTP server for tests, on libmicrohttpd. */
#include "server.h"

#include "base/file.h"
#include "base/mem.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

struct Server {
    struct MHD_Daemon *daemon;
    ServerAnswer *answer;
    void *context;
    char *address;
    pthread_mutex_t lock; /* of what follows, and of the answers */
    int requests, open, at_once;
};

static void sleep_for(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* A body that promises more than it has. */
static ssize_t cut_body(void *context, uint64_t at, char *out, size_t most)
{
    const char *body = context;
    size_t half = strlen(body) / 2;
    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = half - at < most ? half - at : most;
    memcpy(out, body + at, n);
    return (ssize_t)n;
}

static enum MHD_Result send_reply(struct MHD_Connection *c, ServerReply *r)
{
    char *body = r->body ? r->body : mem_str("");
    struct MHD_Response *response = r->cut == CUT_WITHIN
                                        ? MHD_create_response_from_callback(strlen(body), 64, cut_body, body, free)
                                        : MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", r->type[0] ? r->type : "application/json");
    if (r->header[0])
        MHD_add_response_header(response, r->header, r->value);
    enum MHD_Result done = MHD_queue_response(c, r->status ? (unsigned)r->status : 200, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result answer(struct MHD_Connection *c, Server *s, const char *method, const char *path,
                              const Str *body)
{
    ServerReply r = {0};
    pthread_mutex_lock(&s->lock);
    ServerRequest q = {s->requests++, method, path, str_text(body),
                       MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization")};
    s->open++;
    s->at_once = s->open > s->at_once ? s->open : s->at_once;
    s->answer(s->context, &q, &r);
    pthread_mutex_unlock(&s->lock);
    sleep_for(r.wait);
    pthread_mutex_lock(&s->lock);
    s->open--;
    pthread_mutex_unlock(&s->lock);
    if (r.cut == CUT_BEFORE) {
        free(r.body);
        return MHD_NO;
    }
    return send_reply(c, &r);
}

/* Called once for the headers, then for every piece of the body, then without any. */
static enum MHD_Result handle(void *context, struct MHD_Connection *c, const char *path, const char *method,
                              const char *version, const char *piece, size_t *n, void **of_connection)
{
    Str *body = *of_connection;
    (void)version;
    if (!body) {
        *of_connection = mem_zalloc(1, sizeof *body);
        return MHD_YES;
    }
    if (*n > 0) {
        str_addn(body, piece, *n);
        *n = 0;
        return MHD_YES;
    }
    return answer(c, context, method, path, body);
}

static void forget(void *context, struct MHD_Connection *c, void **of_connection, enum MHD_RequestTerminationCode why)
{
    Str *body = *of_connection;
    (void)context, (void)c, (void)why;
    if (body)
        str_release(body);
    free(body);
    *of_connection = NULL;
}

/* Of the certificate in tests/fixtures/own-certificate.pem. */
static const char OWN_KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+mjPyGM5S93vfbpr\n"
                              "VhMMpFpjXbTrFIFSigZDptqLXiKhRANCAAQc3QkhaODrZkQtrJIVe3FYnSw5duMo\n"
                              "UVx1JrY9CTH6bCXGbT5sS5TNI9kEF9i9Phk+Yv0LQafElt8wop0C5g7o\n"
                              "-----END PRIVATE KEY-----\n";

static Server *start(ServerAnswer *answer_with, void *context, const char *certificate)
{
    Server *s = mem_zalloc(1, sizeof *s);
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}},
                                tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)(uintptr_t)OWN_KEY},
                                         {MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)(uintptr_t)certificate},
                                         {MHD_OPTION_END, 0, NULL}};
    s->answer = answer_with;
    s->context = context;
    pthread_mutex_init(&s->lock, NULL);
    s->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                                     (certificate ? MHD_USE_TLS : MHD_NO_FLAG),
                                 0, NULL, NULL, handle, s, MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_NOTIFY_COMPLETED,
                                 forget, NULL, MHD_OPTION_ARRAY, certificate ? tls : plain, MHD_OPTION_END);
    if (!s->daemon)
        fail_msg("the test's server cannot be started");
    s->address = mem_printf("%s://127.0.0.1:%d/v1", certificate ? "https" : "http",
                            MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return s;
}

Server *server_start(ServerAnswer *answer_with, void *context)
{
    return start(answer_with, context, NULL);
}

Server *server_start_tls(ServerAnswer *answer_with, void *context)
{
    char *certificate;
    size_t n;
    Err err = {0};
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        skip_aloud("libmicrohttpd was built without TLS");
    need_ok(file_read("tests/fixtures/own-certificate.pem", 1 << 16, &certificate, &n, &err), &err);
    Server *s = start(answer_with, context, certificate);
    free(certificate);
    return s;
}

void server_stop(Server *s)
{
    if (!s)
        return;
    MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->lock);
    free(s->address);
    free(s);
}

const char *server_address(const Server *s)
{
    return s->address;
}

static int read_locked(Server *s, const int *number)
{
    pthread_mutex_lock(&s->lock);
    int n = *number;
    pthread_mutex_unlock(&s->lock);
    return n;
}

int server_requests(Server *s)
{
    return read_locked(s, &s->requests);
}

int server_at_once(Server *s)
{
    return read_locked(s, &s->at_once);
}
