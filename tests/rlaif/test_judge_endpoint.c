/* One prompt put to a judge behind an endpoint: exact probabilities from what comes back, bounds for what does not. */
#include "endpoint_helpers.h"
#include "eval_helpers.h"
#include "rlaif/judge_source.h"

/* A judge alone, with replies that a function gives. */
typedef struct Alone {
    char *folder;
    Store *store;
    Server *server;
    EndpointOptions options;
    Spending spent;
    Endpoint *endpoint;
    Judge *judge;
} Alone;

static bool alone_open(Alone *a, ServerAnswer *answer, void *context, const char *prompt, EndpointKind kind, Err *err)
{
    *a = (Alone){.folder = make_folder(), .server = server_start(answer, context)};
    char *path = write_rows(a->folder, "prompt.yaml", prompt);
    a->options = (EndpointOptions){.url = mem_str(server_address(a->server)),
                                   .model = (char *)(uintptr_t) "planted",
                                   .kind = (int)kind,
                                   .top = 20,
                                   .concurrency = 4,
                                   .timeout = 5};
    JudgeSource s = {.remote = &a->options};
    bool ok = store_open(&a->store, ":memory:", err) &&
              endpoint_open(&a->endpoint, &a->options, NULL, a->store, &a->spent, err);
    s.endpoint = a->endpoint;
    ok = ok && judge_source_open(&s, &a->judge, path, judge_defaults(CHAT_AUTO), err);
    free(path);
    return ok;
}

static void alone_free(Alone *a)
{
    judge_free(a->judge);
    endpoint_free(a->endpoint);
    store_close(a->store);
    server_stop(a->server);
    free(a->options.url);
    remove_folder(a->folder);
}

static const char *prompt_of(const json_t *body)
{
    const json_t *messages = json_object_get(body, "messages");
    return messages ? json_text_of(json_array_get(messages, 0), "content") : json_text_of(body, "prompt");
}

/* Scores: "1" 0.3, of which 0.4 go on to "0"; " 10" as one token 0.05; "5" 0.2; the rest 0.1 below 0.05. */
static void scores_in_parts(void *context, const ServerRequest *q, ServerReply *r)
{
    const bool *whole = context;
    json_t *body, *list = json_array();
    Err err = {0};
    need_ok(json_parse(q->body, strlen(q->body), "a request", &body, &err), &err);
    bool chat = json_object_get(body, "messages") != NULL;
    if (str_ends(prompt_of(body), "Score: 1")) {
        add_probable(list, "0", 0.4);
        add_probable(list, "\n", 0.5);
    } else {
        add_probable(list, "1", 0.3);
        if (*whole)
            add_probable(list, " 10", 0.05);
        add_probable(list, "5", 0.2);
        add_probable(list, "x", 0.35);
    }
    r->body = endpoint_reply(list, "1", chat, true, 10);
    json_decref(body);
}

static const char score_prompt[] = "name: scored\n"
                                   "kind: score\n"
                                   "item: \"{context}|{response}\\n\"\n"
                                   "ending: \"Score: \"\n"
                                   "answers: [\"1\", \"5\", \"10\"]\n";

/* A reply may hold bytes that are no UTF-8; the endpoint gets the replacement character for them. */
static void any_bytes(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        Endpointed planted = {.shorter = 0.8};
        Alone a;
        Err err = {0};
        json_t *said;
        EndpointKind kind = chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
        Demand d = {.where = "x:1",
                    .system = "",
                    .text = (char *)(uintptr_t) "c|\xff|b\n",
                    .kind = kind,
                    .next = true,
                    .stop = ""};
        need_ok(alone_open(&a, planted_endpoint, &planted, score_prompt, kind, &err), &err);
        need_ok(endpoint_ask(a.endpoint, &d, 1, &said, &err), &err);
        assert_string_equal(planted.last, "c|\xef\xbf\xbd|b\n");
        json_decref(said);
        alone_free(&a);
        endpointed_release(&planted);
    }
}

static void answers_in_parts(void **state)
{
    (void)state;
    Question q = {.where = "x:1", .context = "c", .first = "a"};
    for (int whole = 0; whole < 2; whole++) {
        Alone a;
        Err err = {0};
        Verdict v;
        bool is_whole = whole == 1;
        need_ok(alone_open(&a, scores_in_parts, &is_whole, score_prompt, ENDPOINT_COMPLETIONS, &err), &err);
        need_ok(judge_responses(a.judge, &q, 1, &v, &err), &err);
        close_to(v.logp[0], real_log(0.3 * 0.6), 1e-12);
        close_to(v.logp[1], real_log(0.2), 1e-12);
        close_to(v.logp[2], real_log(0.3 * 0.4 + (whole ? 0.05 : 0)), 1e-12);
        close_to(v.mass, 0.3 + 0.2 + (whole ? 0.05 : 0), 1e-12);
        close_to(v.missing, 0.1 + (whole ? 0 : 0.05) + 0.3 * 0.1, 1e-12); /* of "1" what is not returned may go on */
        assert_int_equal(v.absent, 0);
        assert_int_equal(v.tokens, 20);
        assert_int_equal(server_requests(a.server), 2);
        alone_free(&a);
    }
}

/* A chat does not say how "1" goes on: where "10" is a token of its own that is no matter, else a failure. */
static void chats_in_parts(void **state)
{
    (void)state;
    Question q = {.where = "x:1", .context = "c", .first = "a"};
    for (int whole = 0; whole < 2; whole++) {
        Alone a;
        Err err = {0};
        Verdict v;
        bool is_whole = whole == 1;
        need_ok(alone_open(&a, scores_in_parts, &is_whole, score_prompt, ENDPOINT_CHAT, &err), &err);
        bool ok = judge_responses(a.judge, &q, 1, &v, &err);
        assert_int_equal(ok, whole);
        if (ok) {
            close_to(v.logp[0], real_log(0.3), 1e-12);
            close_to(v.logp[2], real_log(0.05), 1e-12);
            close_to(v.missing, 0.1, 1e-12);
        } else {
            says(err.msg, "x:1: the endpoint begins the answer \"10\" with a probability of 0.30");
            says(err.hint, "--endpoint-kind completions");
        }
        alone_free(&a);
    }
}

/* "yes" 0.5, another 0.3, and one that was drawn and is none of the most probable; "no" is not returned. */
static void half_returned(void *context, const ServerRequest *q, ServerReply *r)
{
    json_t *list = json_array();
    const double *other = context;
    (void)q;
    add_probable(list, "yes", 0.5);
    add_probable(list, "maybe", *other);
    r->body = endpoint_reply(list, "1", false, true, 10);
}

static void absent_answers(void **state)
{
    (void)state;
    static const char prompt[] = "name: verdict\nkind: verdict\nitem: \"{context}|{response}\\n\"\nending: \"Good?\"\n"
                                 "answers: [\" yes\", \" no\"]\n";
    static const double other[] = {0.3, 0.05, 0.5};  /* of what was returned beside it */
    static const double most[] = {0.2, 0.05, 1e-12}; /* min(least returned, what is left over) */
    Question q = {.where = "x:1", .context = "c", .first = "a"};
    for (int i = 0; i < COUNT(other); i++) {
        Alone a;
        Err err = {0};
        Verdict v;
        double beside = other[i];
        need_ok(alone_open(&a, half_returned, &beside, prompt, ENDPOINT_COMPLETIONS, &err), &err);
        need_ok(judge_responses(a.judge, &q, 1, &v, &err), &err);
        close_to(v.logp[1], real_log(most[i]), 1e-9);
        close_to(v.mass, 0.5, 1e-12);
        close_to(v.missing, 0.5 - other[i], 1e-12);
        assert_int_equal(v.absent, 2);
        json_t *said = verdict_json(&v, 2);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(said, "absent"), 0)), 1);
        json_decref(said);
        alone_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(answers_in_parts),
        cmocka_unit_test(chats_in_parts),
        cmocka_unit_test(absent_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
