/* Posting to a server that fails in every way. */
#include "net/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "server.h"

static const char KEY[] = "sk-test-0123456789abcdef";

/* One batch: what each request got. */
typedef struct Batch {
    int n, used;
    char *got[64];
    double when[64];                /* clock at which it came, by order of arrival */
    int requests, requests_at_once; /* that the server saw */
    bool want_json;                 /* a reply that does not begin with '{' is asked for again */
    int stop_at;                    /* the request that may not begin; -1: none */
} Batch;

static char *give_body(void *context, int i, Err *err)
{
    const Batch *b = context;
    if (i == b->stop_at) {
        err_set(err, ERR_INPUT, "request %d may not begin", i);
        return NULL;
    }
    return mem_printf("{\"item\": %d}", i);
}

static bool take(void *context, int i, const HttpReply *reply, bool *again, Err *err)
{
    Batch *b = context;
    if (b->want_json && reply->body[0] != '{') {
        *again = true;
        return err_set(err, ERR_IO, "that is no JSON");
    }
    assert_null(b->got[i]);
    b->got[i] = mem_strn(reply->body, reply->n);
    b->when[b->used++] = clock_seconds();
    return true;
}

static HttpOptions options(void)
{
    return (HttpOptions){.concurrency = 4,
                         .retries = 3,
                         .timeout = 10,
                         .retry_wait = 0.01,
                         .most_bytes = 4096,
                         .environment = {.key = KEY}};
}

static Batch batch(int n)
{
    return (Batch){.n = n, .stop_at = -1};
}

/* Posts a batch to a server that answers so. */
static bool post(ServerAnswer *answer, void *context, const HttpOptions *o, Batch *b, Err *err)
{
    Server *s = server_start(answer, context);
    Http *h;
    *err = (Err){0};
    need_ok(http_open(&h, o, err), err);
    char *url = mem_printf("%s/completions", server_address(s));
    HttpWork w = {.url = url, .n = b->n, .context = b, .body = give_body, .use = take};
    bool ok = http_post(h, &w, err);
    free(url);
    http_close(h);
    b->requests = server_requests(s);
    b->requests_at_once = server_at_once(s);
    server_stop(s);
    if (!ok && strstr(err->msg, KEY))
        fail_msg("the key stands in \"%s\"", err->msg);
    return ok;
}

static void batch_end(Batch *b)
{
    for (int i = 0; i < b->n; i++)
        free(b->got[i]);
}

/* --- what goes well ------------------------------------------------------------------------------------- */

static void echo(void *context, const ServerRequest *q, ServerReply *r)
{
    bool *in_order = context;
    assert_string_equal(q->method, "POST");
    assert_string_equal(q->path, "/v1/completions");
    assert_string_equal(q->authorization, "Bearer sk-test-0123456789abcdef");
    r->body = mem_str(q->body);
    r->wait = *in_order ? 0 : 0.002 * ((q->number * 7) % 5);
}

/* Every request gets its own reply, whatever the order of arrival; no more are under way than were asked for. */
static void all_arrive(void **state)
{
    (void)state;
    bool in_order = false;
    for (int at_once = 1; at_once <= 8; at_once += 7) {
        HttpOptions o = options();
        o.concurrency = at_once;
        Batch b = batch(40);
        Err err;
        need_ok(post(echo, &in_order, &o, &b, &err), &err);
        for (int i = 0; i < b.n; i++) {
            char wanted[40];
            snprintf(wanted, sizeof wanted, "{\"item\": %d}", i);
            assert_string_equal(b.got[i], wanted);
        }
        assert_int_equal(b.requests, 40);
        assert_true(b.requests_at_once <= at_once && (at_once == 1 || b.requests_at_once > 1));
        batch_end(&b);
    }
}

/* --- what passes ---------------------------------------------------------------------------------------- */

/* How the first tries fail, before all goes well. */
typedef struct Faults {
    int status, failures;
    ServerCut cut;
    double wait;
    const char *header, *value, *body, *type;
    double wait_after; /* of each reply once all goes well */
} Faults;

static void fail_first(void *context, const ServerRequest *q, ServerReply *r)
{
    const Faults *f = context;
    r->body = mem_str(q->number < f->failures && f->body ? f->body : "{\"fine\": true}");
    r->wait = q->number < f->failures ? f->wait : f->wait_after;
    if (q->number >= f->failures)
        return;
    r->status = f->status;
    r->cut = f->cut;
    snprintf(r->header, sizeof r->header, "%s", f->header ? f->header : "");
    snprintf(r->value, sizeof r->value, "%s", f->value ? f->value : "");
    snprintf(r->type, sizeof r->type, "%s", f->type ? f->type : "");
}

static const Faults passing[] = {
    {.status = 429, .failures = 2, .body = "{\"error\": {\"message\": \"slow down\"}}"},
    {.status = 500, .failures = 3},
    {.status = 503, .failures = 1, .body = "<html>no</html>", .type = "text/html"},
    {.status = 408, .failures = 1},
    {.status = 409, .failures = 1},
    {.status = 425, .failures = 1},
    {.cut = CUT_BEFORE, .failures = 2},
    {.cut = CUT_WITHIN, .failures = 2},
    {.wait = 0.6, .failures = 1},                                                        /* a timeout, at 0.3 s */
    {.status = 200, .failures = 2, .body = "<html>a proxy</html>", .type = "text/html"}, /* the caller asks again */
};

/* Posts two requests, one after the other, to a server that fails so. */
static bool post_failing(Faults f, int retries, Batch *b, Err *err)
{
    HttpOptions o = options();
    o.concurrency = 1;
    o.timeout = 0.3;
    o.retries = retries;
    *b = batch(2);
    b->want_json = true;
    return post(fail_first, &f, &o, b, err);
}

static void tried_again(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(passing); i++) {
        Batch b;
        Err err;
        if (!post_failing(passing[i], 3, &b, &err))
            fail_msg("case %d: %s", i, err.msg);
        assert_string_equal(b.got[0], "{\"fine\": true}");
        batch_end(&b);
    }
}

/* The same, without end: the last failure is reported, with how often it was tried. */
static void given_up(void **state)
{
    (void)state;
    static const char *const words[] = {
        "status 429: slow down", "status 500", "status 503: no",        "status 408",     "status 409", "status 425",
        "Empty reply",           "",           "no reply within 0.3 s", "that is no JSON"};
    for (int i = 0; i < COUNT(passing); i++) {
        Faults f = passing[i];
        Batch b;
        Err err;
        f.failures = 100;
        assert_false(post_failing(f, 1, &b, &err));
        assert_int_equal(err.code, ERR_IO);
        says(err.msg, "after 2 tries");
        says(err.msg, words[i]);
        assert_int_equal(b.used, 0);
        batch_end(&b);
    }
}

/* Where nobody listens. */
static void nobody(void **state)
{
    (void)state;
    bool in_order = true;
    Server *s = server_start(echo, &in_order);
    char *url = mem_str(server_address(s));
    server_stop(s);
    HttpOptions o = options();
    o.retries = 1;
    Http *h;
    Err err = {0};
    Batch b = batch(3);
    need_ok(http_open(&h, &o, &err), &err);
    HttpWork w = {.url = url, .n = b.n, .context = &b, .body = give_body, .use = take};
    assert_false(http_post(h, &w, &err));
    says(err.msg, "after 2 tries");
    http_close(h);
    free(url);
}

/* Retry-After stops everything until then; without it the waits are short. */
static void retry_after(void **state)
{
    (void)state;
    Faults f = {.status = 429, .failures = 1, .header = "Retry-After", .value = "1", .wait_after = 0.02};
    HttpOptions o = options();
    Batch b = batch(60);
    Err err;
    double began = clock_seconds();
    need_ok(post(fail_first, &f, &o, &b, &err), &err);
    assert_int_equal(b.used, 60);
    assert_true(b.when[58] - began >= 1); /* not the one that failed alone */
    batch_end(&b);
}

/* What it says of a wait: one that is long or past is no reason to wait less or more than the server says. */
static void long_waits(void **state)
{
    (void)state;
    static const struct {
        const char *value, *words;
        int requests;
    } table[] = {
        {"7000", "status 429: slow; the server asks to wait 117 minutes", 1},
        {"86400", "; the server asks to wait 24 hours", 1},
        {"259200", "; the server asks to wait 3 days", 1}, /* however many tries there are left */
        {"-5", "after 3 tries", 3},
        {"Wed, 21 Oct 2015 07:28:00 GMT", "after 3 tries", 3},
        {"soon", "after 3 tries", 3},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Faults f = {.status = 429, .failures = 9, .body = "{\"error\": \"slow\"}", .header = "Retry-After"};
        HttpOptions o = options();
        Batch b = batch(1);
        Err err;
        f.value = table[i].value;
        o.retries = i < 2 ? 0 : 2;
        assert_false(post(fail_first, &f, &o, &b, &err));
        says(err.msg, table[i].words);
        assert_int_equal(b.requests, table[i].requests);
    }
}

/* 600 a minute are one every tenth of a second. */
static void rate(void **state)
{
    (void)state;
    bool in_order = true;
    HttpOptions o = options();
    o.per_minute = 600;
    Batch b = batch(6);
    Err err;
    double began = clock_seconds();
    need_ok(post(echo, &in_order, &o, &b, &err), &err);
    assert_true(clock_seconds() - began >= 0.5);
    batch_end(&b);
}

/* --- what does not pass --------------------------------------------------------------------------------- */

static void refused(void **state)
{
    (void)state;
    static const struct {
        Faults fault;
        const char *words;
    } table[] = {
        {{.status = 400, .body = "{\"error\": {\"message\": \"too many\\nlog-probabilities\"}}"},
         "status 400: too many log-probabilities"},
        {{.status = 401, .body = "{\"error\": \"bad key sk-test-0123456789abcdef\"}"}, "bad key ****"},
        {{.status = 401, .body = "{\"error\": \"bad key sk\\u002dtest\\-0123456789abcd\\u0065f\"}"}, "bad key ****"},
        {{.status = 404, .body = "{\"detail\": \"Not Found\"}"}, "status 404: Not Found"},
        {{.status = 501, .body = "not here"}, "status 501: not here"},
        {{.status = 403, .body = "<html>go away</html>", .type = "text/html"}, "status 403: go away"},
        {{.status = 422,
          .body = "\n<!doctype html><head><title>Bad</title><style>b {}</style><script>if (a < b) x</script>"
                  "</head><body><h1>No\n such</h1>\tthing",
          .type = "text/html"},
         "status 422: Bad No such thing"},
        {{.status = 413}, "status 413"},
        {{.status = 429, .body = "{\"error\": {\"message\": \"see your plan\", \"code\": \"insufficient_quota\"}}"},
         "status 429: see your plan"},
        {{.status = 451, .body = "{\"message\": \"by law\"}"}, "status 451: by law"},
        {{.status = 505}, "status 505"},
        {{.status = 302, .header = "Location", .value = "http://127.0.0.1:1/elsewhere?k=sk-test-0123456789abcdef"},
         "leads to http://127.0.0.1:1/elsewhere?k=****"},
        {{.status = 302, .header = "Location", .value = "http://127.0.0.1:1/elsewhere?k=sk%2Dtest%2d0123456789abcdef"},
         "leads to http://127.0.0.1:1/elsewhere?k=****"},
        {{.status = 200, .body = NULL}, "larger than 4096 bytes"},
    };
    HttpOptions o = options();
    o.concurrency = 1;
    for (int i = 0; i < COUNT(table); i++) {
        Faults f = table[i].fault;
        char *huge = NULL;
        f.failures = 100;
        if (!f.body && f.status == 200) {
            huge = mem_alloc(1 << 20, 1);
            memset(huge, ' ', (1 << 20) - 1);
            huge[(1 << 20) - 1] = 0;
            f.body = huge;
        }
        Batch b = batch(3);
        Err err;
        assert_false(post(fail_first, &f, &o, &b, &err));
        says(err.msg, table[i].words);
        assert_null(strstr(err.msg, "tries"));
        assert_int_equal(b.used, 0);
        batch_end(&b);
        free(huge);
    }
}

static void fail_third(void *context, const ServerRequest *q, ServerReply *r)
{
    (void)context;
    r->body = mem_str("{}");
    r->wait = 0.05;
    if (strstr(q->body, ": 2}"))
        r->status = 400, r->wait = 0;
}

/* After a failure what is under way is still used, and nothing else begins; so too where the caller stops. */
static void stops_cleanly(void **state)
{
    (void)state;
    HttpOptions o = options();
    Err err;
    Batch b = batch(30);
    assert_false(post(fail_third, NULL, &o, &b, &err));
    says(err.msg, "status 400");
    assert_true(b.got[0] && b.got[1] && !b.got[2] && b.got[3] && b.used == 3);
    batch_end(&b);
    bool in_order = true;
    b = batch(30);
    b.stop_at = 5;
    assert_false(post(echo, &in_order, &o, &b, &err));
    says(err.msg, "request 5 may not begin");
    assert_int_equal(b.used, 5);
    batch_end(&b);
}

/* A reply to a redirection that curl followed would come from another address, with the key. */
static void redirect_target(void *context, const ServerRequest *q, ServerReply *r)
{
    const char *elsewhere = context;
    if (strcmp(q->path, "/v1/completions") != 0)
        fail_msg("a redirection was followed");
    r->status = 307;
    snprintf(r->header, sizeof r->header, "Location");
    snprintf(r->value, sizeof r->value, "%s", elsewhere);
}

static void not_followed(void **state)
{
    (void)state;
    static char elsewhere[] = "/v1/elsewhere";
    HttpOptions o = options();
    Batch b = batch(1);
    Err err;
    assert_false(post(redirect_target, elsewhere, &o, &b, &err));
    says(err.msg, "/v1/elsewhere");
    says(err.hint, "give its base address");
}

/* --- keys --------------------------------------------------------------------------------- */

static void keys(void **state)
{
    (void)state;
    HttpOptions o = options();
    Http *h;
    Err err = {0};
    o.environment.key = "sk-1234567890\r\nX-More: 1";
    assert_false(http_open(&h, &o, &err));
    assert_null(strstr(err.msg, "1234567890"));
    assert_true(err.hint[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_arrive), cmocka_unit_test(tried_again),   cmocka_unit_test(given_up),
        cmocka_unit_test(nobody),     cmocka_unit_test(retry_after),   cmocka_unit_test(rate),
        cmocka_unit_test(refused),    cmocka_unit_test(stops_cleanly), cmocka_unit_test(not_followed),
        cmocka_unit_test(keys),       cmocka_unit_test(long_waits),
    };
    log_set_quiet(true); /* what is tried again is noted */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
