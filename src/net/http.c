/* HTTP on libcurl. */
#include "net/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"

#include <curl/curl.h>

enum {
    KEY_LEAST = 8,     /* characters: what is shorter is no secret, and may be any word of a reply */
    WAIT_MOST = 60,    /* seconds between two tries, unless the server asks for more */
    PAUSE_MOST = 3600, /* seconds that a server may ask for */
    POLL_MOST = 200,   /* milliseconds until a signal is noticed */
    NOTE_EVERY = 10    /* seconds between two notes of what went wrong, at least */
};

/* One request: free, waiting for its next try, or under way. */
typedef struct Slot {
    CURL *easy;
    int request; /* -1: free */
    int tries;
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
    char *key;
    struct curl_slist *headers;
    Slot *slot;       /* [o.concurrency] */
    double own_next;  /* what o.next_start is where it is nobody else's */
    double next_note; /* clock from which another try is noted */
    int retries;
};

/* A call of http_post. */
typedef struct Posting {
    Http *h;
    const HttpWork *w;
    int next;     /* first request that has not been begun */
    Err *failure; /* the first; once it is set nothing is begun */
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
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, whole);
    curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
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
    const char *key = o->key && o->key[0] ? o->key : NULL;
    if (key && !check_key(key, err))
        return false;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_IO, "libcurl cannot be started");
    Http *h = mem_zalloc(1, sizeof *h);
    h->o = *o;
    h->o.key = NULL;
    h->o.next_start = o->next_start ? o->next_start : &h->own_next;
    h->multi = curl_multi_init();
    h->headers = curl_slist_append(h->headers, "Content-Type: application/json");
    h->headers = curl_slist_append(h->headers, "Accept: application/json");
    h->headers = curl_slist_append(h->headers, "Expect:");
    if (key) {
        h->key = mem_str(key);
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
    free(h->key);
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
        }
        send_slot(p, s, now);
    }
}

static bool passes(CURLcode code)
{
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

static bool status_passes(int status)
{
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

/* Another try, later; false where there have been enough. */
static bool try_again(Posting *p, Slot *s, double pause, const char *why)
{
    Http *h = p->h;
    if (stopped(p) || s->tries > h->o.retries)
        return false;
    double wait = h->o.retry_wait;
    for (int i = 1; i < s->tries && wait < WAIT_MOST; i++)
        wait *= 2;
    RngKey key = {.purpose = RNG_RETRY, .row = (uint64_t)s->request};
    double now = clock_seconds(), jitter = 0.5 + 0.5 * rng_uniform(key, (uint64_t)h->retries++);
    s->ready = now + (wait < WAIT_MOST ? wait : WAIT_MOST) * jitter;
    if (pause > 0 && now + pause > *h->o.next_start)
        *h->o.next_start = now + (pause < PAUSE_MOST ? pause : PAUSE_MOST);
    if (now >= h->next_note) {
        log_note("%s: it is tried again", why);
        h->next_note = now + NOTE_EVERY;
    }
    return true;
}

/* The key must not come back in what is shown or stored. */
static void hide_key(const Http *h, Str *s)
{
    size_t n = h->key ? strlen(h->key) : 0;
    if (n < KEY_LEAST)
        return;
    for (char *at = s->text; at && (at = memmem(at, s->n - (size_t)(at - s->text), h->key, n)); at += n)
        memset(at, '*', n);
}

static void set_failure(Posting *p, const Slot *s, const Err *why)
{
    if (stopped(p))
        return;
    *p->failure = *why;
    if (s->tries > 1)
        err_context(p->failure, "after %d tries", s->tries);
}

static void say_transfer(const Posting *p, const Slot *s, CURLcode code, Err *err)
{
    if (s->too_large)
        err_set(err, ERR_IO, "%s: the reply is larger than %zu bytes", p->w->url, s->most_bytes);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        err_set(err, ERR_IO, "%s: no reply within %g s", p->w->url, p->h->o.timeout);
    else
        err_set(err, ERR_IO, "%s: %s", p->w->url, s->failure[0] ? s->failure : curl_easy_strerror(code));
}

const char *http_error_words(const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");
    const char *nested = json_text_of(error, "message");
    return nested                           ? nested
           : json_is_string(error)          ? json_string_value(error)
           : json_text_of(reply, "message") ? json_text_of(reply, "message")
                                            : json_text_of(reply, "detail");
}

/* What a server said: its JSON's error, or the beginning of its body. */
static void refusal(const char *url, const HttpReply *reply, Err *err)
{
    char words[300];
    Err ignored = {0};
    json_t *j = NULL;
    bool is_json = json_parse(reply->body, reply->n, url, &j, &ignored);
    const char *said = is_json && http_error_words(j) ? http_error_words(j) : reply->body;
    size_t n = strlen(said);
    snprintf(words, sizeof words, "%.*s", (int)(n < sizeof words ? n : sizeof words - 1), said);
    for (char *c = words; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    json_decref(j);
    if (reply->location)
        err_set(err, ERR_IO, "%s: status %d, which leads to %s", url, reply->status, reply->location);
    else
        err_set(err, ERR_IO, "%s: status %d%s%s", url, reply->status, words[0] ? ": " : "", words);
}

/* Hands a reply on. True where it will be asked for again. */
static bool use_reply(Posting *p, Slot *s, const HttpReply *reply, double pause)
{
    const HttpWork *w = p->w;
    Err e = {0};
    bool again = false, done;
    if (reply->status / 100 == 2) {
        done = w->use(w->context, s->request, reply, &again, &e);
    } else {
        again = status_passes(reply->status);
        refusal(w->url, reply, &e);
        done = !again && w->refused && w->refused(w->context, s->request, reply, &e);
    }
    if (!done && again && try_again(p, s, pause, e.msg))
        return true;
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
        HttpReply reply = {(int)status, leads.text, str_text(&s->reply), s->reply.n};
        again = use_reply(p, s, &reply, (double)pause);
    } else {
        Err why = {0};
        say_transfer(p, s, code, &why);
        again = passes(code) && !s->too_large && try_again(p, s, 0, why.msg);
        if (!again)
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

bool http_post(Http *h, const HttpWork *w, Err *err)
{
    Posting p = {.h = h, .w = w, .failure = err};
    int running;
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
            err_set(err, ERR_IO, "%s: libcurl cannot go on", w->url);
            break;
        }
    }
    for (int i = 0; i < h->o.concurrency; i++)
        free_slot(h, &h->slot[i]);
    return !stopped(&p);
}

int http_retries(const Http *h)
{
    return h->retries;
}

/* --- addresses and words -------------------------------------------------------------------------------- */

/* A part of an address; NULL where there is none. Free with curl_free. */
static char *part_of(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has_secret(CURLU *u)
{
    static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    bool found = false;
    for (int i = 0; i < COUNT(parts); i++) {
        char *text = part_of(u, parts[i]);
        found = found || text;
        curl_free(text);
    }
    return found;
}

static char *in_one_form(CURLU *u)
{
    char *scheme = part_of(u, CURLUPART_SCHEME), *host = part_of(u, CURLUPART_HOST), *port = part_of(u, CURLUPART_PORT),
         *path = part_of(u, CURLUPART_PATH), *out = NULL;
    bool http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    for (char *c = host; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t n = path ? strlen(path) : 0;
    while (n > 0 && path[n - 1] == '/')
        n--;
    if (http && host && host[0])
        out = mem_printf("%s://%s%s%s%.*s", scheme, host, port ? ":" : "", port ? port : "", (int)n, path ? path : "");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return out;
}

bool http_address(const char *url, char **out, Err *err)
{
    CURLU *u = curl_url();
    *out = NULL;
    bool parsed = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK, secret = parsed && has_secret(u);
    if (parsed && !secret)
        *out = in_one_form(u);
    curl_url_cleanup(u);
    if (*out)
        return true;
    if (secret) /* which must not be shown */
        err_set(err, ERR_INPUT, "the address of the endpoint holds more than scheme, host and path");
    else
        err_set(err, ERR_INPUT, "\"%s\" is no http or https address", url);
    return err_hint(err, "give the base address alone, such as http://127.0.0.1:8080/v1; the key comes from the "
                         "environment");
}

const char *net_library(void)
{
    return "libcurl " LIBCURL_VERSION;
}
