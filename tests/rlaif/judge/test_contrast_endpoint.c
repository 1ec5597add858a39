/* A contrast behind an endpoint: the response's tokens found in what is echoed, in every form that servers give it; and servers
 * that give nothing of the kind. */
#include "endpoint_helpers.h"
#include "eval_helpers.h"
#include "rlaif/judge/source.h"

static const char sides[] = "name: sides\nkind: contrast\nitem: \"{context}: {response}\"\nclip: 1\n"
                            "good: \"Good. \"\nbad: \"Bad. \"\n";

/* What a server answers: a status, and a body for a good and for a bad text. */
typedef struct Echo {
    int status;
    const char *body[2];
    int asked, max_tokens;
    double logprobs;
} Echo;

static void echo(void *context, const ServerRequest *q, ServerReply *r)
{
    Echo *e = context;
    json_t *body;
    Err err = {0};
    need_ok(json_parse(q->body, strlen(q->body), "a request", &body, &err), &err);
    const char *text = json_text_of(body, "prompt");
    assert_true(json_bool_of(body, "echo", false) && !json_object_get(body, "seed") && !json_object_get(body, "stop"));
    e->max_tokens = (int)json_number_of(body, "max_tokens", -1);
    e->logprobs = json_number_of(body, "logprobs", -1);
    e->asked++;
    r->status = e->status ? e->status : 200;
    r->body = mem_str(e->body[str_starts(text, "Bad")]);
    json_decref(body);
}

/* F of the response "so it is" by this server. */
static bool ask(Echo *e, Verdict *v, double *f, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "prompt.yaml", sides);
    Server *server = server_start(echo, e);
    Store *store;
    Endpoint *endpoint;
    Judge *j = NULL;
    Spending spent = {0};
    EndpointOptions o = {.url = mem_str(server_address(server)),
                         .model = (char *)(uintptr_t) "planted",
                         .top = 20,
                         .concurrency = 2,
                         .retries = 1,
                         .retry_wait = 0.01,
                         .timeout = 5};
    JudgeSource s = {.remote = &o};
    Question q = {.where = "x:1", .context = "c", .first = "so it is"};
    need_ok(store_open(&store, ":memory:", err) &&
                endpoint_open(&endpoint, &o, &(HttpEnvironment){0}, store, &spent, err),
            err);
    s.endpoint = endpoint;
    need_ok(judge_source_open(&s, &j, path, judge_defaults(CHAT_AUTO), err), err);
    bool ok = judge_responses(j, &q, 1, v, err);
    if (ok)
        *f = judge_reward(j, v);
    judge_free(j);
    endpoint_free(endpoint);
    store_close(store);
    server_stop(server);
    free(o.url);
    free(path);
    remove_folder(folder);
    return ok;
}

#define REPLY(tokens, logprobs, rest, written)                                                                         \
    "{\"choices\": [{\"text\": \"\", \"logprobs\": {\"tokens\": [" tokens "], \"token_logprobs\": [" logprobs "]" rest \
    "}}], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": " written "}}"

/* " so", " it", " is" have -1, -2, -4 against -1.5, -2, -1: F = (0.5 + 0 - 1) / 3. */
static void echoed_in_any_form(void **state)
{
    (void)state;
    static const struct {
        const char *good, *bad;
    } table[] = {
        /* The token behind the prompt, places by characters. */
        {REPLY("\"Good\", \".\", \" c:\", \" so\", \" it\", \" is\", \"!\"", "null, -1, -1, -1, -2, -4, -9",
               ", \"text_offset\": [0, 4, 5, 8, 11, 14, 17]", "1"),
         REPLY("\"Bad.\", \" c:\", \" so\", \" it\", \" is\", \"!\"", "null, -1, -1.5, -2, -1, -9",
               ", \"text_offset\": [0, 4, 7, 10, 13, 16]", "1")},
        /* No places, a mark before the text, nothing written. */
        {REPLY("\"<s>\", \"Good. c:\", \" so\", \" it\", \" is\"", "null, -1, -1, -2, -4", "", "0"),
         REPLY("\"<s>\", \"Bad. c:\", \" so\", \" it\", \" is\"", "null, -1, -1.5, -2, -1", ", \"text_offset\": null",
               "0")},
        /* The mark counts in the places. */
        {REPLY("\"<s>\", \"Good. c:\", \" so\", \" it\", \" is\", \"\"", "null, -1, -1, -2, -4, -3",
               ", \"text_offset\": [0, 3, 11, 14, 17, 20]", "1"),
         REPLY("\"<s>\", \"Bad. c:\", \" so\", \" it\", \" is\", \"\"", "null, -1, -1.5, -2, -1, -3",
               ", \"text_offset\": [0, 3, 10, 13, 16, 19]", "1")},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Echo e = {.body = {table[i].good, table[i].bad}};
        Verdict v;
        Err err = {0};
        double f = -9;
        need_ok(ask(&e, &v, &f, &err), &err);
        close_to(f, (0.5 + 0 - 1) / 3, 1e-12);
        close_to(v.logp[0], -7.0 / 3, 1e-12);
        close_to(v.logp[1], -4.5 / 3, 1e-12);
        assert_int_equal(e.asked, 2);
        assert_int_equal(e.max_tokens, 1);
        close_to(e.logprobs, 1, 0);
    }
}

static void nothing_of_the_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *good, *bad, *message, *remedy;
    } table[] = {
        /* One that does not echo. */
        {200, REPLY("\"!\"", "-1", "", "1"), REPLY("\"!\"", "-1", "", "1"), "x:1", "llama-cpp-python"},
        {200, "{\"choices\": [{\"text\": \"so\"}]}", "{\"choices\": [{\"text\": \"so\"}]}",
         "gives no log-probabilities of a text that it is sent", "or a model here"},
        {200, "{\"choices\": [{\"text\": \"so\", \"logprobs\": null}]}", "{}", "that it is sent", "vLLM"},
        {400, "{\"error\": {\"message\": \"echo is not supported\"}}", "{}", "echo is not supported",
         "a contrast needs completions with echo"},
        {200, REPLY("\"Good. c:\", \" so it is\"", "null, null", "", "0"),
         REPLY("\"Bad. c:\", \" so it is\"", "null, -1", "", "0"), "gives no number as the log-probability",
         "--skip-bad"},
        {200, REPLY("\"Good. c:\", \" so it is\"", "null, -1", "", "0"),
         REPLY("\"Bad. c:\", \" so\", \" it is\"", "null, -1, -1", "", "0"),
         "x:1: the response is 1 tokens behind the good example and 2 behind the bad one", "take a model here"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Echo e = {.status = table[i].status, .body = {table[i].good, table[i].bad}};
        Verdict v;
        Err err = {0};
        double f;
        if (ask(&e, &v, &f, &err))
            fail_msg("%d was taken", i);
        if (!strstr(err.msg, table[i].message) || !strstr(err.hint, table[i].remedy))
            fail_msg("%d: \"%s\", \"%s\"", i, err.msg, err.hint);
    }
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {cmocka_unit_test(echoed_in_any_form), cmocka_unit_test(nothing_of_the_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
