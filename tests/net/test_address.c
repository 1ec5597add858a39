/* Addresses in one form, and the way to them: proxies of the environment, certificates of its own authority. */
#include "base/log.h"
#include "base/mem.h"
#include "net/http.h"
#include "server.h"

static void addresses(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"},
        {"HTTPS://API.Example.com/v1//", "https://api.example.com/v1"},
        {"http://[::1]:80/", "http://[::1]:80"},
        {"http://localhost", "http://localhost"},
        {" http://localhost/v1\n", "http://localhost/v1"},
        {"http://localhost/v1/", "http://localhost/v1"},
        {"http://localhost/v1/completions", "http://localhost/v1"},
        {"http://localhost/v1/chat/completions/", "http://localhost/v1"},
        {"http://localhost/v1//chat/completions", "http://localhost/v1"},
        {"http://localhost/completions", "http://localhost"},
        {"http://localhost/v1/models", "http://localhost/v1"},
        {"http://localhost/v1/chat/", "http://localhost/v1"},
        {"http://localhost/v1/embeddings", "http://localhost/v1"},
        {"http://localhost/my-completions", "http://localhost/my-completions"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        char *out;
        need_ok(http_address(table[i][0], &out, &err), &err);
        assert_string_equal(out, table[i][1]);
        free(out);
    }
}

/* What is no address says what would be one, and no secret. */
static void no_addresses(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"http://user:secret@localhost/v1", "the base address alone: http://localhost/v1"},
        {"http://localhost/v1?key=secret", "the base address alone: http://localhost/v1"},
        {"http://localhost/v1/chat/completions?x=secret", "the base address alone: http://localhost/v1"},
        {"http://localhost/v1#secret", "the base address alone: http://localhost/v1"},
        {"ftp://localhost/v1", "such as http://"},
        {"file:///etc/passwd", "such as http://"},
        {"user:secret@localhost/v1", "such as http://"},
        {"localhost:8080/v1", "its scheme: http://localhost:8080/v1"},
        {"judge.example/v1/completions", "its scheme: http://judge.example/v1"},
        {"http://local host/v1", "such as http://"},
        {"localhost:8080/v1?key=secret", "such as http://"},
        {"http//user:secret@localhost", "such as http://"},
        {"http://localhost:99999/v1?key=secret", "such as http://"},
        {"http://[::1/v1#secret", "such as http://"},
        {"http://user%3asecret%40localhost/v1", "such as http://"},
        {"sk-secret", "such as http://"},
        {"", "such as http://"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        char *out;
        if (http_address(table[i][0], &out, &err))
            fail_msg("%s is none", table[i][0]);
        assert_null(out);
        assert_null(strstr(err.msg, "secret"));
        assert_null(strstr(err.hint, "secret"));
        says(err.hint, table[i][1]);
    }
}

/* --- proxies -------------------------------------------------------------------------------------------- */

/* NULL: asked without. */
static void which_proxy(void **state)
{
    (void)state;
    static const char H[] = "http://h:1", S[] = "http://s:2", A[] = "socks5h://a:3";
    static const struct {
        HttpEnvironment said;
        const char *url, *proxy;
    } table[] = {
        {{.http_proxy = H, .https_proxy = S, .all_proxy = A}, "http://judge.example/v1", H},
        {{.http_proxy = H, .https_proxy = S, .all_proxy = A}, "https://judge.example/v1", S},
        {{.http_proxy = H, .all_proxy = A}, "https://judge.example/v1", A},
        {{.https_proxy = S}, "http://judge.example/v1", NULL},
        {{.http_proxy = "", .all_proxy = A}, "http://judge.example/v1", A},
        {{.all_proxy = A}, "http://localhost:80/v1", NULL},
        {{.all_proxy = A}, "http://judge.localhost/v1", NULL},
        {{.all_proxy = A}, "http://127.0.0.1/v1", NULL},
        {{.all_proxy = A}, "https://127.8.9.1:8/v1", NULL},
        {{.all_proxy = A}, "http://[::1]:8080/v1", NULL},
        {{.all_proxy = A}, "http://[::ffff:127.0.0.1]/v1", NULL},
        {{.all_proxy = A}, "http://0.0.0.0:8000/v1", NULL},
        {{.all_proxy = A}, "http://128.0.0.1/v1", A},
        {{.all_proxy = A}, "http://notlocalhost/v1", A},
        {{.all_proxy = A, .no_proxy = "x, example ,y"}, "http://judge.example/v1", NULL},
        {{.all_proxy = A, .no_proxy = ".example"}, "http://judge.example/v1", NULL},
        {{.all_proxy = A, .no_proxy = "*.Example"}, "http://judge.example/v1", NULL},
        {{.all_proxy = A, .no_proxy = "judge.example:8080"}, "http://judge.example:8080/v1", NULL},
        {{.all_proxy = A, .no_proxy = "ample"}, "http://judge.example/v1", A},
        {{.all_proxy = A, .no_proxy = "*"}, "http://judge.example/v1", NULL},
        {{.all_proxy = A, .no_proxy = "10.1.2.3"}, "http://10.1.2.3/v1", NULL},
        {{.all_proxy = A, .no_proxy = "10.0.0.0/8"}, "http://10.1.2.3/v1", NULL},
        {{.all_proxy = A, .no_proxy = "10.0.0.0/15"}, "http://10.2.2.3/v1", A},
        {{.all_proxy = A, .no_proxy = "10.0.0.0/99"}, "http://10.2.2.3/v1", A},
        {{.all_proxy = A, .no_proxy = "fd00::/8"}, "http://[fd12::1]/v1", NULL},
        {{.all_proxy = A, .no_proxy = "[fd12::1]"}, "http://[fd12::1]/v1", NULL},
    };
    for (int i = 0; i < COUNT(table); i++) {
        const char *got = http_proxy_of(&table[i].said, table[i].url);
        if (got != table[i].proxy)
            fail_msg("%s, no_proxy \"%s\": %s", table[i].url, table[i].said.no_proxy ? table[i].said.no_proxy : "",
                     got ? got : "none");
    }
}

static void proxy_names(void **state)
{
    (void)state;
    static const char *const table[][2] = {{"http://me:secret@proxy.example:3128/", "http://proxy.example:3128"},
                                           {"proxy.example:3128", "http://proxy.example:3128"},
                                           {"me:secret@proxy.example:3128", "http://proxy.example:3128"},
                                           {"socks5h://proxy.example", "socks5h://proxy.example"}};
    for (int i = 0; i < COUNT(table); i++) {
        char *name = http_proxy_name(table[i][0]);
        assert_string_equal(name, table[i][1]);
        free(name);
    }
}

/* --- requests by one ------------------------------------------------------------------------------------ */

static void echo(void *context, const ServerRequest *q, ServerReply *r)
{
    char **path = context;
    free(*path);
    *path = mem_str(q->path);
    r->body = mem_str(q->body);
}

static char *give_body(void *context, int i, Err *err)
{
    (void)context, (void)i, (void)err;
    return mem_str("{}");
}

static bool take(void *context, int i, const HttpReply *reply, bool *again, Err *err)
{
    (void)context, (void)i, (void)reply, (void)again, (void)err;
    return true;
}

/* One request, with so many tries more; *requests that the server saw. */
static bool post_one(const char *url, HttpEnvironment environment, int retries, Err *err)
{
    HttpOptions o = {.concurrency = 1,
                     .retries = retries,
                     .timeout = 5,
                     .retry_wait = 0.01,
                     .most_bytes = 4096,
                     .environment = environment};
    HttpWork w = {.url = url, .n = 1, .body = give_body, .use = take};
    Http *h;
    *err = (Err){0};
    need_ok(http_open(&h, &o, err), err);
    bool ok = http_post(h, &w, err);
    http_close(h);
    return ok;
}

/* The server is the proxy of an address that does not exist; a server on this machine is asked without it. */
static void by_proxy(void **state)
{
    (void)state;
    char *path = NULL;
    Err err;
    Server *s = server_start(echo, &path);
    need_ok(
        post_one("http://judge.invalid/v1/completions", (HttpEnvironment){.http_proxy = server_address(s)}, 0, &err),
        &err);
    assert_int_equal(server_requests(s), 1);
    need_ok(post_one(server_address(s), (HttpEnvironment){.http_proxy = "http://127.0.0.1:9"}, 0, &err), &err);
    assert_int_equal(server_requests(s), 2);
    server_stop(s);
    free(path);
}

/* One that is not there is named, without its password. */
static void proxy_is_named(void **state)
{
    (void)state;
    Err err;
    assert_false(
        post_one("http://judge.invalid/v1", (HttpEnvironment){.all_proxy = "http://me:secret@127.0.0.1:9"}, 0, &err));
    says(err.msg, "http://judge.invalid/v1 by the proxy http://127.0.0.1:9: ");
    says(err.hint, "no_proxy");
    assert_null(strstr(err.msg, "secret"));
    static const char *const none[] = {"http://me:secret@127.0.0.1:99999", "http://me:secret@[::1",
                                       ":secret@:", "gopher://me:secret@127.0.0.1:9", "http://me:secret@ho st:3128"};
    for (int i = 0; i < COUNT(none); i++) {
        assert_false(post_one("http://judge.invalid/v1", (HttpEnvironment){.all_proxy = none[i]}, 0, &err));
        says(err.msg, "no proxy's address");
        assert_null(strstr(err.msg, "secret"));
    }
}

static void refuse_all(void *context, const ServerRequest *q, ServerReply *r)
{
    const int *status = context;
    (void)q;
    r->status = *status;
}

/* What a proxy refuses is not tried again. */
static void proxy_refuses(void **state)
{
    (void)state;
    int status = 407;
    Err err;
    Server *s = server_start(refuse_all, &status);
    assert_false(post_one("http://judge.invalid/v1", (HttpEnvironment){.http_proxy = server_address(s)}, 5, &err));
    says(err.msg, " by the proxy http://127.0.0.1:");
    says(err.hint, "the proxy wants a name and a password");
    assert_int_equal(server_requests(s), 1);
    server_stop(s);
}

/* --- certificates --------------------------------------------------------------------------------------- */

static void own_certificate(void **state)
{
    (void)state;
    char *path = NULL;
    Err err;
    Server *s = server_start_tls(echo, &path);
    const char *url = server_address(s);
    assert_false(post_one(url, (HttpEnvironment){0}, 5, &err));
    says(err.msg, "certificate");
    assert_null(strstr(err.msg, "tries"));
    says(err.hint, "--cacert");
    assert_false(post_one(url, (HttpEnvironment){.certificates = "no/such.pem"}, 5, &err));
    says(err.msg, "no/such.pem");
    says(err.hint, "--cacert");
    need_ok(post_one(url, (HttpEnvironment){.certificates = "tests/fixtures/own-certificate.pem"}, 0, &err), &err);
    char *elsewhere = mem_printf("https://localhost%s", strrchr(url, ':'));
    assert_false(post_one(elsewhere, (HttpEnvironment){.certificates = "tests/fixtures/own-certificate.pem"}, 5, &err));
    says(err.hint, "of another host");
    assert_int_equal(server_requests(s), 1);
    free(elsewhere);
    server_stop(s);
    free(path);
}

/* A host that does not exist is a wrong name, and no fault that passes. */
static void no_host(void **state)
{
    (void)state;
    Err err;
    assert_false(post_one("http://no-such-host.invalid/v1", (HttpEnvironment){0}, 5, &err));
    says(err.msg, "no-such-host.invalid");
    assert_null(strstr(err.msg, "tries"));
    says(err.hint, "name is right");
}

/* https where a server speaks http is no fault that passes. */
static void no_tls(void **state)
{
    (void)state;
    char *path = NULL;
    Err err;
    Server *s = server_start(echo, &path);
    char *url = mem_printf("https%s", server_address(s) + strlen("http"));
    assert_false(post_one(url, (HttpEnvironment){0}, 5, &err));
    assert_null(strstr(err.msg, "6 tries")); /* one that is reset before its answer is read may pass */
    says(err.hint, "http:// in place of https://");
    free(url);
    server_stop(s);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),     cmocka_unit_test(no_addresses),    cmocka_unit_test(which_proxy),
        cmocka_unit_test(proxy_names),   cmocka_unit_test(by_proxy),        cmocka_unit_test(proxy_is_named),
        cmocka_unit_test(proxy_refuses), cmocka_unit_test(own_certificate), cmocka_unit_test(no_tls),
        cmocka_unit_test(no_host),
    };
    log_set_quiet(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
