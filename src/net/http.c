/* HTTP on libcurl. */
#include "net/http.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "net/words.h"

#include <curl/curl.h>

enum {
    KEY_LEAST = 8,      /* characters: what is shorter is no secret, and may be any word of a reply */
    WAIT_MOST = 60,     /* seconds between two tries, unless the server asks for more; it is said that it does */
    PAUSE_MOST = 86400, /* seconds that a server may ask for */
    POLL_MOST = 200,    /* milliseconds until a signal is noticed */
    NOTE_EVERY = 10     /* seconds between two notes of what went wrong, at least */
};

/* One request: free, waiting for its next try, or under way. */
typedef struct Slot {
    CURL *easy;
    int request; /* -1: free */
    int tries;
    int answers; /* of all requests, when it was first sent */
    bool under_way, too_large;
    double ready; /* clock from which it may be sent */
    char *body;
    Str reply;
    char failure[CURL_ERROR_SIZE];
    size_t most_bytes;
} Slot;

struct Http {
    CURLM *multi;
    HttpOptions o;
    const char *key; /* NULL: none */
    struct curl_slist *headers;
    Slot *slot;       /* [o.concurrency] */
    double own_next;  /* what o.next_start is where it is nobody else's */
    double next_note; /* clock from which another try is noted */
    int retries, answers;
    bool answered; /* there was a reply */
};

/* A call of http_post. */
typedef struct Posting {
    Http *h;
    const HttpWork *w;
    char *to;          /* for messages: the address, and the proxy where there is one */
    const char *proxy; /* NULL: none */
    int next;          /* first request that has not been begun */
    Err *failure;      /* the first; once it is set nothing is begun */
} Posting;

static bool stopped(const Posting *p)
{
    return p->failure->code != ERR_NONE;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static size_t collect(char *bytes, size_t size, size_t n, void *context)
{
    Slot *s = context;
    s->too_large = s->reply.n + size * n > s->most_bytes;
    if (s->too_large)
        return 0; /* which ends the transfer */
    str_addn(&s->reply, bytes, size * n);
    return size * n;
}

/* libcurl trusts what its build names where nothing else is said. */
static void trust(CURL *easy, const char *certificates)
{
    if (!certificates || !certificates[0])
        return;
    if (file_is_dir(certificates))
        curl_easy_setopt(easy, CURLOPT_CAPATH, certificates);
    else
        curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
}

static void prepare_slot(const Http *h, Slot *s)
{
    long whole = (long)(h->o.timeout * 1000) + 1, connect = whole < 30000 ? whole : 30000;
    *s = (Slot){.easy = curl_easy_init(), .request = -1, .most_bytes = h->o.most_bytes};
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->failure);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "rlaif");
    curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that it can read */
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, whole);
    curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
    trust(s->easy, h->o.environment.certificates);
}

/* A key is a part of a header's line. */
static bool check_key(const char *key, Err *err)
{
    for (const char *c = key; *c; c++)
        if (*c <= ' ' || *c > '~') {
            err_set(err, ERR_INPUT, "the key holds a blank or a control character");
            return err_hint(err, "look at the end of the variable: a line's end may have come along");
        }
    return true;
}

bool http_open(Http **out, const HttpOptions *o, Err *err)
{
    *out = NULL;
    const char *key = o->environment.key && o->environment.key[0] ? o->environment.key : NULL;
    if (key && !check_key(key, err))
        return false;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_IO, "libcurl cannot be started");
    Http *h = mem_zalloc(1, sizeof *h);
    h->o = *o;
    h->key = key;
    h->o.next_start = o->next_start ? o->next_start : &h->own_next;
    h->multi = curl_multi_init();
    h->headers = curl_slist_append(h->headers, "Content-Type: application/json");
    h->headers = curl_slist_append(h->headers, "Accept: application/json");
    h->headers = curl_slist_append(h->headers, "Expect:");
    if (key) {
        char *line = mem_printf("Authorization: Bearer %s", key);
        h->headers = curl_slist_append(h->headers, line);
        free(line);
    }
    h->slot = mem_zalloc((size_t)o->concurrency, sizeof *h->slot);
    for (int i = 0; i < o->concurrency; i++)
        prepare_slot(h, &h->slot[i]);
    *out = h;
    return true;
}

static void free_slot(Http *h, Slot *s)
{
    if (s->under_way)
        curl_multi_remove_handle(h->multi, s->easy);
    free(s->body);
    s->body = NULL;
    s->under_way = false;
    s->request = -1;
    s->tries = 0;
}

void http_close(Http *h)
{
    if (!h)
        return;
    for (int i = 0; i < h->o.concurrency; i++) {
        free_slot(h, &h->slot[i]);
        curl_easy_cleanup(h->slot[i].easy);
        str_release(&h->slot[i].reply);
    }
    free(h->slot);
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    free(h);
    curl_global_cleanup();
}

/* --- one request ---------------------------------------------------------------------------------------- */

static void send_slot(Posting *p, Slot *s, double now)
{
    Http *h = p->h;
    str_clear(&s->reply);
    s->failure[0] = 0;
    s->too_large = false;
    s->tries++;
    s->under_way = true;
    curl_easy_setopt(s->easy, CURLOPT_URL, p->w->url);
    curl_easy_setopt(s->easy, CURLOPT_PROXY, p->proxy ? p->proxy : ""); /* "": none, whatever libcurl finds itself */
    curl_easy_setopt(s->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(s->body));
    curl_multi_add_handle(h->multi, s->easy);
    double *next = h->o.next_start;
    if (h->o.per_minute > 0)
        *next = (now > *next ? now : *next) + 60 / h->o.per_minute;
}

/* Begins what may begin now. */
static void send_ready(Posting *p)
{
    Http *h = p->h;
    double now = clock_seconds();
    for (int i = 0; i < h->o.concurrency && !stopped(p) && now >= *h->o.next_start; i++) {
        Slot *s = &h->slot[i];
        if (s->under_way || (s->request < 0 && p->next == p->w->n) || (s->request >= 0 && now < s->ready))
            continue;
        if (s->request < 0) {
            s->body = p->w->body(p->w->context, p->next, p->failure);
            if (!s->body)
                return;
            s->request = p->next++;
            s->answers = h->answers;
        }
        send_slot(p, s, now);
    }
}

/* Was a handshake answered with something else than TLS, or with a TLS that is not ours? What is only cut may pass. */
static bool no_handshake(const Slot *s, CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR && strstr(s->failure, "routines:") && !strstr(s->failure, "unexpected eof");
}

static bool no_name(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
}

/* Was there a server, which took the request? */
static bool reached(CURLcode code)
{
    return code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE ||
           code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
}

/* Nor does what a proxy refuses; and a name that was not found before there was any reply is a wrong one. */
static bool passes(const Http *h, const Slot *s, CURLcode code)
{
    long proxy_said = 0;
    curl_easy_getinfo(s->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_said);
    if ((no_name(code) && !h->answered) || no_handshake(s, code) ||
        (proxy_said >= 400 && !http_status_passes((int)proxy_said)))
        return false;
    static const CURLcode faults[] = {
        CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_WEIRD_SERVER_REPLY,
        CURLE_PARTIAL_FILE,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_GOT_NOTHING,
        CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,
        CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
    };
    for (int i = 0; i < COUNT(faults); i++)
        if (code == faults[i])
            return true;
    return false;
}

bool http_status_passes(int status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 ||
           (status >= 500 && status != 501 && status != 505);
}

/* "90 seconds", "24 hours": in a caller's buffer. */
static const char *duration(double seconds, char out[40])
{
    static const struct {
        double seconds, most;
        const char *name;
    } unit[] = {{1, 120, "seconds"}, {60, 7200, "minutes"}, {3600, 172800, "hours"}, {86400, INFINITY, "days"}};
    int i = 0;
    while (seconds >= unit[i].most)
        i++;
    snprintf(out, 40, "%.0f %s", ceil(seconds / unit[i].seconds), unit[i].name);
    return out;
}

/* Nothing is sent until the pause is over. A long one is said once, --quiet or not: it looks like one that hangs. */
static void wait_for(Http *h, double now, double pause, const char *why)
{
    char words[40];
    if (now + pause <= *h->o.next_start)
        return;
    if (pause > WAIT_MOST && now + WAIT_MOST > *h->o.next_start) {
        log_warn("%s; it is waited for %s", why, duration(pause, words));
        log_note("what was answered is kept: the program can be stopped, and the same command goes on");
        h->next_note = now + NOTE_EVERY;
    }
    *h->o.next_start = now + pause;
}

/* Another try, later; false where there have been enough. */
static bool try_again(Posting *p, Slot *s, double pause, const char *why)
{
    Http *h = p->h;
    if (stopped(p) || s->tries > h->o.retries || pause > PAUSE_MOST)
        return false;
    double wait = h->o.retry_wait;
    for (int i = 1; i < s->tries && wait < WAIT_MOST; i++)
        wait *= 2;
    RngKey key = {.purpose = RNG_RETRY, .row = (uint64_t)s->request};
    double now = clock_seconds(), jitter = 0.5 + 0.5 * rng_uniform(key, (uint64_t)h->retries++);
    s->ready = now + (wait < WAIT_MOST ? wait : WAIT_MOST) * jitter;
    wait_for(h, now, pause, why);
    if (now >= h->next_note) {
        log_note("%s: it is tried again", why);
        h->next_note = now + NOTE_EVERY;
    }
    return true;
}

/* Bytes of a character as it is, as JSON ("\\/", "\\u002f") or as an address ("%2f") writes it; 0: it is another. */
static size_t written_length(const char *s, char c)
{
    unsigned code;
    int n = 0;
    if (*s == c)
        return 1;
    if (*s == '\\' && s[1] == c)
        return 2;
    if ((sscanf(s, "\\u%4x%n", &code, &n) == 1 && n == 6) || (sscanf(s, "%%%2x%n", &code, &n) == 1 && n == 3))
        return code == (unsigned char)c ? (size_t)n : 0;
    return 0;
}

/* The key must not come back in what is shown or stored, however it is written there. */
static void hide_key(const Http *h, Str *s)
{
    if (!h->key || strlen(h->key) < KEY_LEAST)
        return;
    for (size_t at = 0; at < s->n; at++) {
        size_t n = 0, one = 1;
        for (const char *c = h->key; *c && one > 0; c++)
            n += one = written_length(s->text + at + n, *c);
        if (one > 0)
            memset(s->text + at, '*', n);
    }
}

static void set_failure(Posting *p, const Slot *s, const Err *why)
{
    if (stopped(p))
        return;
    *p->failure = *why;
    if (s->tries > 1)
        err_context(p->failure, "after %d tries", s->tries);
}

/* There is no further try: true where the caller does without. */
static bool give_up(Posting *p, const Slot *s, Err *why)
{
    const HttpWork *w = p->w;
    return !stopped(p) && w->given_up && w->given_up(w->context, s->request, p->h->answers > s->answers, why);
}

/* What to do where the way to the server is the matter, or NULL. */
static const char *transfer_hint(const Posting *p, const Slot *s, CURLcode code)
{
    if (no_handshake(s, code))
        return "there is no TLS at that address: it may be http:// in place of https://, or another port";
    if (code == CURLE_PEER_FAILED_VERIFICATION && strstr(s->failure, "subject name"))
        return "the server's certificate is of another host: ask it by the name that the certificate has";
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return "certificates of an own authority, or of a server that signed its own: name the file in PEM with "
               "--cacert FILE, or in the environment as SSL_CERT_FILE";
    if (no_name(code) && !p->proxy)
        return "see whether the host's name is right, and whether this machine is connected; what was answered is stored, and "
               "the same command goes on";
    return p->proxy ? "the proxy comes from the environment (http_proxy, https_proxy, all_proxy); no_proxy names hosts "
                      "that are asked without one"
                    : NULL;
}

static void say_transfer(const Posting *p, const Slot *s, CURLcode code, Err *err)
{
    const char *hint = transfer_hint(p, s, code);
    bool proxy_shown = str_starts(s->failure, "Unsupported proxy"); /* with its password */
    if (s->too_large)
        err_set(err, ERR_IO, "%s: the reply is larger than %zu bytes", p->to, s->most_bytes);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        err_set(err, ERR_IO, "%s: no reply within %g s", p->to, p->h->o.timeout);
    else
        err_set(err, ERR_IO, "%s: %s", p->to,
                proxy_shown     ? "that is no proxy's address"
                : s->failure[0] ? s->failure
                                : curl_easy_strerror(code));
    if (hint)
        err_hint(err, "%s", hint);
}

/* What a server said: its JSON's error, or the beginning of its body; and how long it asks to wait, where that is
 * long. */
static void refusal(const HttpReply *reply, double pause, Err *err)
{
    char words[300], wait[40];
    Err ignored = {0};
    json_t *j = NULL;
    bool is_json = json_parse(reply->body, reply->n, reply->from, &j, &ignored);
    http_body_words(is_json && http_error_words(j) ? http_error_words(j) : reply->body, words, sizeof words);
    json_decref(j);
    if (reply->location)
        err_set(err, ERR_IO, "%s: status %d, which leads to %s", reply->from, reply->status, reply->location);
    else
        err_set(err, ERR_IO, "%s: status %d%s%s%s%s", reply->from, reply->status, words[0] ? ": " : "", words,
                pause > WAIT_MOST ? "; the server asks to wait " : "", pause > WAIT_MOST ? duration(pause, wait) : "");
    if (reply->location)
        err_hint(err, "prompts and the key go nowhere else: if that is the right place, give its base address");
    if (reply->status == 407)
        err_hint(err, "the proxy wants a name and a password: http://NAME:PASSWORD@HOST:PORT in the environment");
}

/* Hands a reply on. True where it will be asked for again. */
static bool use_reply(Posting *p, Slot *s, const HttpReply *reply, double pause)
{
    const HttpWork *w = p->w;
    Err e = {0};
    bool again = false, done;
    if (reply->status / 100 == 2) {
        done = w->use(w->context, s->request, reply, &again, &e);
        p->h->answers += done;
    } else {
        again = http_status_passes(reply->status) &&
                !strstr(reply->body, "insufficient_quota"); /* which waiting mends not */
        refusal(reply, pause, &e);
        done = !again && w->refused && w->refused(w->context, s->request, reply, &e);
    }
    if (!done && again && try_again(p, s, pause, e.msg))
        return true;
    done = done || (again && reply->status != 429 && pause <= PAUSE_MOST && give_up(p, s, &e));
    if (!done)
        set_failure(p, s, &e);
    return false;
}

static void finish(Posting *p, Slot *s, CURLcode code)
{
    long status = 0;
    curl_off_t pause = 0;
    char *location = NULL;
    Str leads = {0};
    bool again;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &pause);
    curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &location);
    if (location)
        str_add(&leads, location);
    curl_multi_remove_handle(p->h->multi, s->easy);
    s->under_way = false;
    hide_key(p->h, &s->reply);
    hide_key(p->h, &leads);
    if (code == CURLE_OK) {
        p->h->answered = true;
        HttpReply reply = {p->to, (int)status, leads.text, str_text(&s->reply), s->reply.n};
        again = use_reply(p, s, &reply, (double)pause);
    } else {
        Err why = {0};
        say_transfer(p, s, code, &why);
        again = passes(p->h, s, code) && !s->too_large && try_again(p, s, 0, why.msg);
        if (!again && !((reached(code) || s->too_large) && give_up(p, s, &why)))
            set_failure(p, s, &why);
    }
    str_release(&leads);
    if (!again)
        free_slot(p->h, s);
}

/* --- all of them ---------------------------------------------------------------------------------------- */

/* Requests that are under way or wait for their next try; the latter are given up after a failure. */
static int pending(Posting *p)
{
    int n = 0;
    for (int i = 0; i < p->h->o.concurrency; i++) {
        Slot *s = &p->h->slot[i];
        if (s->request >= 0 && !s->under_way && stopped(p))
            free_slot(p->h, s);
        n += s->request >= 0;
    }
    return n;
}

/* Milliseconds until something may have to be sent. */
static int wait_time(const Posting *p)
{
    double now = clock_seconds(), until = now + POLL_MOST / 1e3, next = *p->h->o.next_start;
    for (int i = 0; i < p->h->o.concurrency; i++) {
        const Slot *s = &p->h->slot[i];
        bool waits = !stopped(p) && !s->under_way && (s->request >= 0 || p->next < p->w->n);
        double at = s->request >= 0 && s->ready > next ? s->ready : next;
        until = waits && at < until ? at : until;
    }
    return until > now ? (int)((until - now) * 1e3) + 1 : 0;
}

/* Whether any transfer had ended. */
static bool finish_ended(Posting *p)
{
    int left;
    bool any = false;
    for (CURLMsg *m; (m = curl_multi_info_read(p->h->multi, &left));)
        if (m->msg == CURLMSG_DONE) {
            char *slot;
            CURLcode code = m->data.result;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &slot);
            finish(p, (Slot *)(void *)slot, code);
            any = true;
        }
    return any;
}

/* The caller frees it. */
static char *place_of(const Posting *p)
{
    if (!p->proxy)
        return mem_str(p->w->url);
    char *proxy = http_proxy_name(p->proxy), *place = mem_printf("%s by the proxy %s", p->w->url, proxy);
    free(proxy);
    return place;
}

bool http_post(Http *h, const HttpWork *w, Err *err)
{
    Posting p = {.h = h, .w = w, .failure = err, .proxy = http_proxy_of(&h->o.environment, w->url)};
    int running;
    p.to = place_of(&p);
    for (;;) {
        if (!not_interrupted(err))
            break;
        send_ready(&p);
        if (pending(&p) == 0 && (stopped(&p) || p.next == w->n))
            break;
        bool works = curl_multi_perform(h->multi, &running) == CURLM_OK;
        if (works && !finish_ended(&p))
            works = curl_multi_poll(h->multi, NULL, 0, wait_time(&p), NULL) == CURLM_OK;
        if (!works) {
            err_set(err, ERR_IO, "%s: libcurl cannot go on", p.to);
            break;
        }
    }
    for (int i = 0; i < h->o.concurrency; i++)
        free_slot(h, &h->slot[i]);
    free(p.to);
    return !stopped(&p);
}

int http_retries(const Http *h)
{
    return h->retries;
}

const char *net_library(void)
{
    return "libcurl " LIBCURL_VERSION;
}
