/* The way to an endpoint as the program's environment and options say it: certificates, proxies, long waits. */
#include "endpoint_helpers.h"
#include "program.h"

#include <unistd.h>

static void judge(void *context, const ServerRequest *q, ServerReply *r)
{
    const char *retry_after = context;
    json_t *list = json_array();
    add_probable(list, "1", 0.6);
    add_probable(list, "2", 0.3);
    r->body = endpoint_reply(list, "1", false, true, 10);
    if (retry_after && q->number == 0) {
        r->status = 429;
        snprintf(r->header, sizeof r->header, "Retry-After");
        snprintf(r->value, sizeof r->value, "%s", retry_after);
    }
}

static void put_pair(void)
{
    put_text(test_folder, "pairs.jsonl", "{\"prompt\": \"rain\", \"responses\": [\"a\", \"b\"]}\n");
}

static Ran ask(const char *before, const Server *s, const char *more)
{
    return run_in(
        test_folder,
        "rm -rf out*; %s rlaif label pairs.jsonl --endpoint %s --api-model m --chat false --quiet --retries 0 -o "
        "out.jsonl %s",
        before, server_address(s), more);
}

/* A certificate of its own is taken by either variable, or by the option, which counts before them. */
static void certificates(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"SSL_CERT_FILE=own.pem CURL_CA_BUNDLE=no/such", ""},
        {"CURL_CA_BUNDLE=own.pem", ""},
        {"SSL_CERT_FILE=no/such", "--cacert own.pem"},
    };
    Server *s = server_start_tls(judge, NULL);
    put_pair();
    put_link(test_folder, "own.pem", "tests/fixtures/own-certificate.pem");
    for (int i = 0; i < COUNT(lines); i++) {
        Ran r = ask(lines[i][0], s, lines[i][1]);
        need_status(&r, 0);
        ran_free(&r);
    }
    need_message(ask("", s, ""), 1, "certificate", "--cacert FILE, or in the environment as SSL_CERT_FILE");
    need_message(ask("SSL_CERT_FILE=no/such", s, ""), 1, "no/such", "--cacert");
    server_stop(s);
}

/* This machine is asked without a proxy; another host by it, in either case of the name, unless no_proxy has it. */
static void proxies(void **state)
{
    (void)state;
    Server *s = server_start(judge, NULL);
    put_pair();
    Ran r = ask("http_proxy=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9", s, "");
    need_status(&r, 0);
    ran_free(&r);
    static const char *const by[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (int i = 0; i < COUNT(by); i++) {
        r = run_in(test_folder,
                   "%s=http://me:secret@127.0.0.1:9 rlaif label pairs.jsonl --endpoint http://judge.invalid/v1 "
                   "--api-model m --quiet --retries 0 -o out.jsonl",
                   by[i]);
        need_status(&r, 1);
        says(r.err, "http://judge.invalid/v1/completions by the proxy http://127.0.0.1:9: ");
        says(r.err, "no_proxy");
        assert_null(strstr(r.err, "secret"));
        ran_free(&r);
    }
    need_message(run_in(test_folder,
                        "https_proxy=http://127.0.0.1:9 NO_PROXY=.invalid rlaif label pairs.jsonl --endpoint "
                        "https://judge.invalid/v1 --api-model m --quiet --retries 0 -o out.jsonl"),
                 1, "Could not resolve host: judge.invalid", "name is right");
    server_stop(s);
}

/* A wait of hours is said at once, --quiet or not, and can be ended. */
static void long_wait(void **state)
{
    (void)state;
    static const char *const quiet[] = {"", "--quiet"};
    for (int i = 0; i < COUNT(quiet); i++) {
        Server *s = server_start(judge, (char *)(uintptr_t) "7300");
        put_pair();
        Ran r = run_in(
            test_folder,
            "rm -rf out*; timeout --foreground -s INT 3 rlaif label pairs.jsonl --endpoint %s --api-model m -o out.jsonl %s",
            server_address(s), quiet[i]);
        says(r.err, "status 429");
        says(r.err, "it is waited for 3 hours");
        says(r.err, "to go on: rlaif");
        assert_int_equal(server_requests(s), 1);
        ran_free(&r);
        server_stop(s);
    }
}

int main(void)
{
    static const char *const unset[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "no_proxy", "NO_PROXY"};
    for (int i = 0; i < COUNT(unset); i++)
        unsetenv(unset[i]);
    const struct CMUnitTest tests[] = {IN_FOLDER(certificates), IN_FOLDER(proxies), IN_FOLDER(long_wait)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
