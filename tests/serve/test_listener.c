/* What the server refuses: other sites, other machines, other methods, whatever is too large. */
#include "serve/listener.h"
#include "serve_helpers.h"

static Bench bench;

static int begin(void **state)
{
    (void)state;
    bench_begin(&bench);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bench_end(&bench);
    return 0;
}

/* Headers with the port at hand in place of "%d", which they have once or not at all. */
static char *with_port(const char *headers)
{
    const char *mark = strstr(headers, "%d");
    return mark ? mem_printf("%.*s%d%s", (int)(mark - headers), headers, site_port(bench.site), mark + 2)
                : mem_str(headers);
}

/* A page that another site's name leads to is not answered: the browser would take it for that site. */
static void foreign_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int status;
    } cases[] = {{"Host: 127.0.0.1:%d\r\n", 200},
                 {"Host: localhost:%d\r\n", 200},
                 {"Host: LOCALHOST:%d\r\n", 200},
                 {"Host: evil.example\r\n", 421},
                 {"Host: evil.example:%d\r\n", 421},
                 {"Host: 127.0.0.1.evil.example:%d\r\n", 421},
                 {"Host: 127.0.0.1:%d.evil.example\r\n", 421},
                 {"Host: 127.0.0.1:1\r\n", 421},
                 {"Host: 127.0.0.1\r\n", 421},
                 {"Host: [::1]:%d\r\n", 421},
                 {"Host: 0.0.0.0:%d\r\n", 421},
                 {"Host: \r\n", 421}};
    for (int i = 0; i < COUNT(cases); i++) {
        char *headers = with_port(cases[i].headers);
        Answer a = ask(bench.site, "GET /", headers, NULL);
        if (a.status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].headers, a.status, cases[i].status);
        answer_release(&a);
        free(headers);
    }
    static const char none[] = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
                      old[] = "GET / HTTP/1.0\r\nConnection: close\r\n\r\n";
    need_status(exchange(bench.site, none, strlen(none)), 400);
    need_status(exchange(bench.site, old, strlen(old)), 421);
}

/* Every page and answer of another site's request is refused, reading or writing. */
static void cross_site(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool own;
    } cases[] = {{"Origin: http://127.0.0.1:%d\r\n", true},
                 {"Origin: http://localhost:%d\r\n", true},
                 {"Origin: https://127.0.0.1:%d\r\n", false},
                 {"Origin: http://127.0.0.1\r\n", false},
                 {"Origin: http://127.0.0.1:%d.evil.example\r\n", false},
                 {"Origin: http://evil.example\r\n", false},
                 {"Origin: null\r\n", false},
                 {"Sec-Fetch-Site: same-origin\r\n", true},
                 {"Sec-Fetch-Site: none\r\n", true},
                 {"Sec-Fetch-Site: same-site\r\n", false},
                 {"Sec-Fetch-Site: cross-site\r\n", false},
                 {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", false},
                 {"Sec-Fetch-Site: anything\r\n", false},
                 {"Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n", false}};
    static const char *const pages[] = {"GET /", "GET /rate?kind=rank", "GET /ratings?kind=rank&rater=ann",
                                        "GET /samples?stage=policy-zebra", "HEAD /"};
    json_t *data = rate_data(bench.site, "rank");
    char *body =
        rating_text("rank", json_array_get(json_object_get(data, "items"), 0), "ann", json_pack("[i, i]", 1, 2));
    for (int i = 0; i < COUNT(cases); i++) {
        char *headers = with_port(cases[i].headers);
        for (int p = 0; p < COUNT(pages); p++)
            need_status(ask(bench.site, pages[p], headers, NULL), cases[i].own ? 200 : 403);
        char *all = mem_printf("%sContent-Type: application/json\r\nX-Rlaif-Token: %s\r\n", headers,
                               json_text_of(data, "token"));
        need_status(ask(bench.site, "POST /rating", all, body), cases[i].own ? 200 : 403);
        free(all);
        free(headers);
    }
    free(body);
    json_decref(data);
}

/* What a form or a script of another site can send without asking first is no JSON and has no token. */
static void forged_posts(void **state)
{
    (void)state;
    json_t *data = rate_data(bench.site, "rank");
    const char *token = json_text_of(data, "token");
    char *body =
        rating_text("rank", json_array_get(json_object_get(data, "items"), 0), "ann", json_pack("[i, i]", 1, 2));
    char *wrong = mem_str(token);
    wrong[31] = wrong[31] == '0' ? '1' : '0';
    const struct {
        const char *token, *type;
        int status;
    } cases[] = {{token, "application/json", 200},
                 {token, "application/json; charset=utf-8", 200},
                 {"", "application/json", 403},
                 {wrong, "application/json", 403},
                 {"0", "application/json", 403},
                 {token, "text/plain", 415},
                 {token, "application/x-www-form-urlencoded", 415},
                 {token, "application/jsonp", 415}};
    for (int i = 0; i < COUNT(cases); i++) {
        char *headers = mem_printf("X-Rlaif-Token: %s\r\nContent-Type: %s\r\n", cases[i].token, cases[i].type);
        need_status(ask(bench.site, "POST /rating", headers, body), cases[i].status);
        free(headers);
    }
    need_status(ask(bench.site, "POST /rating", "Content-Type: application/json\r\n", body), 403);
    char *query = mem_printf("POST /rating?token=%s&X-Rlaif-Token=%s", token, token);
    need_status(ask(bench.site, query, "Content-Type: application/json\r\n", body), 403);
    free(query);
    free(wrong);
    free(body);
    json_decref(data);
}

static void addresses_and_methods(void **state)
{
    (void)state;
    static const char *const lost[] = {
        "GET /x", "GET /../../etc/passwd", "GET /%2e%2e/store.sqlite", "GET /store.sqlite", "GET //", "GET /rate/"};
    static const char *const methods[] = {"PUT /rating", "DELETE /rating", "OPTIONS /rating", "PATCH /", "TRACE /"};
    for (int i = 0; i < COUNT(lost); i++)
        need_status(ask(bench.site, lost[i], "", NULL), 404);
    for (int i = 0; i < COUNT(methods); i++) {
        Answer a = ask(bench.site, methods[i], "", NULL);
        assert_null(strstr(a.head, "Access-Control"));
        need_status(a, 405);
    }
    need_status(ask(bench.site, "GET /rating", "", NULL), 405);
    need_status(ask(bench.site, "GET /rate?kind=best", "", NULL), 400);
    need_status(ask(bench.site, "GET /rate", "", NULL), 400);
    need_status(ask(bench.site, "GET /ratings?kind=rank", "", NULL), 400);
    need_status(ask(bench.site, "GET /samples?stage=none", "", NULL), 400);
    need_status(ask(bench.site, "GET /samples?stage=policy-zebra&from=-1", "", NULL), 400);
    need_status(ask(bench.site, "GET /samples?stage=policy-zebra&from=1e9", "", NULL), 400);
    need_status(ask(bench.site, "GET /samples?stage=policy-zebra&from=99", "", NULL), 200);
    Answer head = ask(bench.site, "HEAD /", "", NULL);
    assert_string_equal(head.body, "");
    need_status(head, 200);
}

/* Sizes: of an address, of headers, of a body that says its length and of one that does not. */
static void sizes(void **state)
{
    (void)state;
    json_t *data = rate_data(bench.site, "rank");
    char *headers = mem_printf("X-Rlaif-Token: %s\r\nContent-Type: application/json\r\n", json_text_of(data, "token"));
    char *large = mem_zalloc(1, LISTENER_BODY_MOST + 2), *address = mem_zalloc(1, 100000);
    memset(large, ' ', LISTENER_BODY_MOST + 1);
    need_status(ask(bench.site, "POST /rating", headers, large), 413);
    large[LISTENER_BODY_MOST] = 0;
    need_status(ask(bench.site, "POST /rating", headers, large), 400); /* it fits, and is no JSON */
    Str chunked = {0};
    str_addf(&chunked, "POST /rating HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s", site_port(bench.site),
             headers);
    str_add(&chunked, "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 40; i++)
        str_addf(&chunked, "1000\r\n%.4096s\r\n", large);
    str_add(&chunked, "0\r\n\r\n");
    need_status(exchange(bench.site, str_text(&chunked), chunked.n), 413);
    memcpy(address, "GET /", strlen("GET /"));
    memset(address + strlen("GET /"), 'a', LISTENER_PATH_MOST + 1);
    need_status(ask(bench.site, address, "", NULL), 414);
    memset(address + strlen("GET /"), 'a', 99990 - strlen("GET /"));
    Answer a = ask(bench.site, address, "", NULL);
    assert_true(a.status == 0 || a.status >= 400);
    answer_release(&a);
    memcpy(address, "X-Long: ", strlen("X-Long: "));
    memcpy(address + 99980, "\r\n", 3);
    a = ask(bench.site, "GET /", address, NULL);
    assert_true(a.status == 0 || a.status >= 400);
    answer_release(&a);
    free(get(bench.site, "/")); /* it still answers */
    str_release(&chunked);
    free(address);
    free(large);
    free(headers);
    json_decref(data);
}

/* 127.0.0.1 alone is listened on: not even this machine's other addresses. */
static void loopback_alone(void **state)
{
    (void)state;
    int own = connect_to("127.0.0.1", site_port(bench.site)), other = connect_to("127.0.0.2", site_port(bench.site));
    assert_true(own >= 0);
    assert_int_equal(other, -1);
    close(own);
    Err err = {0};
    Site *second;
    ServeOptions o = bench.options;
    o.port = site_port(bench.site);
    assert_false(site_open(&second, &o, &err));
    assert_null(second);
    assert_non_null(strstr(err.hint, "--port"));
    free(get(bench.site, "/"));
}

/* What browsers are told: every answer, the refusals included. */
static void headers_of_answers(void **state)
{
    (void)state;
    static const char *const said[] = {"X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
                                       "Cache-Control: no-store",         "Referrer-Policy: no-referrer",
                                       "Content-Security-Policy: ",       "default-src 'none'",
                                       "frame-ancestors 'none'",          "Cross-Origin-Resource-Policy: same-origin"};
    static const char *const asked[] = {"GET /",
                                        "GET /now",
                                        "GET /rate?kind=rank",
                                        "GET /ratings?kind=rank&rater=a",
                                        "GET /none",
                                        "PUT /",
                                        "GET /samples?stage=policy-zebra"};
    for (int i = 0; i < COUNT(asked); i++) {
        Answer a = ask(bench.site, asked[i], "", NULL);
        for (int k = 0; k < COUNT(said); k++)
            if (!strstr(a.head, said[k]))
                fail_msg("%s: no \"%s\" in %s", asked[i], said[k], a.head);
        assert_null(strstr(a.head, "unsafe"));
        assert_null(strstr(a.head, "Access-Control"));
        answer_release(&a);
    }
}

/* A report has scripts, and they are nobody here. */
static void report_in_a_box(void **state)
{
    (void)state;
    Answer a = ask(bench.site, "GET /report", "", NULL);
    says(a.body, "<script>");
    says(a.body, ZEBRA);
    assert_non_null(strstr(a.head, "sandbox allow-scripts;"));
    assert_null(strstr(a.head, "allow-same-origin"));
    assert_null(strstr(a.head, "connect-src"));
    need_status(a, 200);
}

static void no_run(void **state)
{
    (void)state;
    Err err = {0};
    Site *site;
    ServeOptions o = {.run_dir = (char *)(uintptr_t) "tests"};
    assert_false(site_open(&site, &o, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.msg, "tests: there is no run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_hosts),         cmocka_unit_test(cross_site),      cmocka_unit_test(forged_posts),
        cmocka_unit_test(addresses_and_methods), cmocka_unit_test(sizes),           cmocka_unit_test(loopback_alone),
        cmocka_unit_test(headers_of_answers),    cmocka_unit_test(report_in_a_box), cmocka_unit_test(no_run)};
    return cmocka_run_group_tests(tests, begin, end);
}
