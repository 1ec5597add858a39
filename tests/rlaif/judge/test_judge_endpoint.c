/* One prompt put to a judge behind an endpoint: exact probabilities from what comes back, bounds for what does not. */
#include "endpoint_helpers.h"
#include "eval_helpers.h"
#include "rlaif/judge/source.h"

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
                                   .retries = 2,
                                   .retry_wait = 0.01,
                                   .timeout = 5};
    JudgeSource s = {.remote = &a->options};
    bool ok = store_open(&a->store, ":memory:", err) &&
              endpoint_open(&a->endpoint, &a->options, &(HttpEnvironment){0}, a->store, &a->spent, err);
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

/* What a judge says by a server that answers so; the requests it took are *requests. */
static bool ask(ServerAnswer *answer, void *context, const char *prompt, EndpointKind kind, Verdict *v, int *requests,
                Err *err)
{
    Alone a;
    Question q = {.where = "x:1", .context = "c", .first = "a"};
    *err = (Err){0};
    need_ok(alone_open(&a, answer, context, prompt, kind, err), err);
    bool ok = judge_responses(a.judge, &q, 1, v, err);
    *requests = server_requests(a.server);
    alone_free(&a);
    return ok;
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

static bool ask_score(bool whole, EndpointKind kind, Verdict *v, int *requests, Err *err)
{
    return ask(scores_in_parts, &whole, score_prompt, kind, v, requests, err);
}

static void answers_in_parts(void **state)
{
    (void)state;
    Verdict v;
    Err err;
    int requests;
    for (int whole = 0; whole < 2; whole++) {
        need_ok(ask_score(whole, ENDPOINT_COMPLETIONS, &v, &requests, &err), &err);
        close_to(v.logp[0], real_log(0.3 * 0.6), 1e-12);
        close_to(v.logp[1], real_log(0.2), 1e-12);
        close_to(v.logp[2], real_log(0.3 * 0.4 + (whole ? 0.05 : 0)), 1e-12);
        close_to(v.mass, 0.3 + 0.2 + (whole ? 0.05 : 0), 1e-12);
        close_to(v.missing, 0.1 + (whole ? 0 : 0.05) + 0.3 * 0.1, 1e-12); /* of "1" what is not returned may go on */
        assert_int_equal(v.absent, 0);
        assert_int_equal(v.tokens, 20);
        assert_int_equal(requests, 2);
    }
}

/* A chat does not say how "1" goes on: where "10" is a token of its own that is no matter, else a failure. */
static void chats_in_parts(void **state)
{
    (void)state;
    Verdict v;
    Err err;
    int requests;
    for (int whole = 0; whole < 2; whole++) {
        assert_int_equal(ask_score(whole, ENDPOINT_CHAT, &v, &requests, &err), whole);
        if (whole) {
            close_to(v.logp[0], real_log(0.3), 1e-12);
            close_to(v.logp[2], real_log(0.05), 1e-12);
            close_to(v.missing, 0.1, 1e-12);
        } else {
            says(err.msg, "x:1: the endpoint begins the answer \"10\" with a probability of 0.30");
            says(err.hint, "--endpoint-kind completions");
        }
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
    for (int i = 0; i < COUNT(other); i++) {
        Err err;
        Verdict v;
        int requests;
        double beside = other[i];
        need_ok(ask(half_returned, &beside, prompt, ENDPOINT_COMPLETIONS, &v, &requests, &err), &err);
        close_to(v.logp[1], real_log(most[i]), 1e-9);
        close_to(v.mass, 0.5, 1e-12);
        close_to(v.missing, 0.5 - other[i], 1e-12);
        assert_int_equal(v.absent, 2);
        json_t *said = verdict_json(&v, 2);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(said, "absent"), 0)), 1);
        json_decref(said);
    }
}

/* --- what servers vary ---------------------------------------------------------------------------------- */

/* The same reply to everything. */
typedef struct Fixed {
    const char *body;
    int status;
} Fixed;

static void give_fixed(void *context, const ServerRequest *q, ServerReply *r)
{
    const Fixed *f = context;
    (void)q;
    r->status = f->status;
    r->body = mem_str(f->body);
}

static const char tongues[] = "name: verdict\nkind: verdict\nitem: \"{context}|{response}\\n\"\nending: \"Good?\"\n"
                              "answers: [\" ja\", \" n\xc3\xa9\"]\n";

/* By a server that gives this reply. */
static bool ask_fixed(const Fixed *fixed, const char *prompt, EndpointKind kind, Verdict *v, int *requests, Err *err)
{
    Fixed f = *fixed;
    return ask(give_fixed, &f, prompt, kind, v, requests, err);
}

#define OLDER(tokens) "{\"choices\": [{\"text\": \"x\", \"logprobs\": {\"top_logprobs\": [" tokens "]}}]}"
#define NEWER(tokens)                                                                                                  \
    "{\"choices\": [{\"text\": \"x\", \"logprobs\": {\"content\": [{\"token\": \"x\", \"top_logprobs\": [" tokens      \
    "]}]}}]}"
#define HALF                    "-0.69314718055994531"
#define QUARTER                 "-1.3862943611198906"
#define ONE(token, logp, bytes) "{\"token\": \"" token "\", \"logprob\": " logp ", \"bytes\": " bytes "}"
#define BOTH                    "\" ja\": " HALF ", \" n\xc3\xa9\": " QUARTER

/* Tokens as their text, as pieces of every kind, as bytes; beside them what is no token or has no number. */
static void tokens_in_any_form(void **state)
{
    (void)state;
    static const char *const table[] = {
        OLDER("{" BOTH "}"),
        OLDER("{\"\xc4\xa0ja\": " HALF ", \"\xc4\xa0n\xc3\x83\xc2\xa9\": " QUARTER ", \"\xc4\x8a\": -3}"),
        OLDER("{\"ja\": " HALF ", \"n\xc3\x83\xc2\xa9\": " QUARTER ", \"\xc3\x83\": -3}"),
        OLDER("{\"\xe2\x96\x81ja\": " HALF ", \"\xe2\x96\x81n\xc3\xa9\": " QUARTER ", \"<0x0A>\": -3}"),
        OLDER("{\"\\u2581ja\": " HALF ", \"\\u0120n\\u00e9\": -9, \"n\xc3\xa9\": " QUARTER "}"),
        NEWER(ONE("\xc4\xa0ja", HALF, "[32, 106, 97]") ", " ONE("bytes:\\\\xc3", QUARTER, "[32, 110, 195, 169]")),
        NEWER(ONE("\xc4\xa0ja", HALF, "[196, 160, 106, 97]") ", " ONE(" n\xc3\xa9", QUARTER, "null")),
        NEWER(ONE(" ja", HALF, "[]") ", " ONE(" n\xc3\xa9", QUARTER, "[\"x\", 300, -1]")),
        NEWER(
            ONE(" ja", HALF, "[32, 106]") ", " ONE(" ja", HALF, "[32, 106, 97]") ", " ONE(" n\xc3\xa9", QUARTER, "7")),
        OLDER("{" BOTH ", \"the\": null, \"a\": {\"ja\": -1}, \"o\": [-1]}"),
        OLDER("{" BOTH ", \"the\": NaN, \"a\": -Infinity, \"I\": Infinity, \"o\": -inf, \"u\": nan}"),
        OLDER("{" BOTH ", \"the\": \"-3\", \"a\": 5, \"I\": -9999.0, \"o\": -1e300}"),
        OLDER("{" BOTH ", \"\xf0\x9f\": -3, \"\xff\": -4}"),
        OLDER("{" BOTH ", \"\\udcf0\\udc9f\": -3, \"\\ud83d\": -4, \"\\ud83d\\ude00\": -5}"),
        OLDER("{" BOTH ", \"a\tb\": -3, \"\\u0000\": -4}"),
        OLDER("{\"ja\": -1.3862943611198906, \"n\xc3\xa9\": " QUARTER ", \"x\": -4, \"ja\": -1.3862943611198906}"),
        "\xef\xbb\xbf" OLDER("{" BOTH "}"),
        "{\"created\": 123456789012345678901234567890, \"choices\": [{\"index\": 0, \"logprobs\": {\"content\": null, "
        "\"top_logprobs\": [{" BOTH "}]}, \"finish_reason\": \"content_filter\"}], \"usage\": null}",
    };
    for (int i = 0; i < COUNT(table); i++) {
        Verdict v;
        Err err;
        int requests;
        bool twice = strstr(table[i], "[32, 106]") != NULL; /* " j" by its bytes, beside " ja" */
        if (!ask_fixed(&(Fixed){table[i], 200}, tongues, ENDPOINT_COMPLETIONS, &v, &requests, &err))
            fail_msg("%d: %s", i, err.msg);
        if (fabs(v.logp[0] - real_log(0.5)) > 1e-9 || fabs(v.logp[1] - real_log(0.25)) > 1e-9 || v.absent)
            fail_msg("%d: %g %g, absent %u", i, v.logp[0], v.logp[1], v.absent);
        assert_int_equal(requests, twice ? 2 : 1);
    }
}

/* "<0x31>" is a byte; of half a character nothing can be asked. */
static void bytes_as_tokens(void **state)
{
    (void)state;
    static const char digits[] = "name: verdict\nkind: verdict\nitem: \"{context}|{response}\\n\"\nending: \"Good?\"\n"
                                 "answers: [\"1\", \"2\"]\n";
    Verdict v;
    Err err;
    int requests;
    need_ok(ask_fixed(
                &(Fixed){OLDER("{\"<0x31>\": " HALF ", \"<0x32>\": " QUARTER ", \"<0xC3>\": -3, \"<0x00>\": -4}"), 200},
                digits, ENDPOINT_COMPLETIONS, &v, &requests, &err),
            &err);
    close_to(v.logp[0], real_log(0.5), 1e-9);
    close_to(v.logp[1], real_log(0.25), 1e-9);
    static const char greek[] = "name: verdict\nkind: verdict\nitem: \"{context}|{response}\\n\"\nending: \"Good?\"\n"
                                "answers: [\"a\", \"\xce\xb2\"]\n";
    assert_false(ask_fixed(&(Fixed){OLDER("{\"a\": " HALF ", \"<0xCE>\": " QUARTER "}"), 200}, greek,
                           ENDPOINT_COMPLETIONS, &v, &requests, &err));
    says(err.msg, "begins the answer");
    assert_int_equal(requests, 1);
}

/* An answer that cannot come has no probability; of one without a number nothing is known. */
static void impossible_answers(void **state)
{
    (void)state;
    static const char *const none[] = {"-Infinity", "-9999.0", "-1e40", "-1e999", "-17976931348623157e300"},
                             *const unknown[] = {"null", "NaN", "\"x\"", "0.5"};
    Verdict v;
    Err err;
    int requests;
    for (int i = 0; i < COUNT(none); i++) {
        char *body = mem_printf(OLDER("{\" ja\": " HALF ", \" n\xc3\xa9\": %s}"), none[i]);
        need_ok(ask_fixed(&(Fixed){body, 200}, tongues, ENDPOINT_COMPLETIONS, &v, &requests, &err), &err);
        close_to(v.logp[1], real_log(1e-12), 1e-9);
        assert_int_equal(v.absent, 0);
        free(body);
    }
    for (int i = 0; i < COUNT(unknown); i++) {
        char *body = mem_printf(OLDER("{\" ja\": " HALF ", \" n\xc3\xa9\": %s}"), unknown[i]);
        assert_false(ask_fixed(&(Fixed){body, 200}, tongues, ENDPOINT_COMPLETIONS, &v, &requests, &err));
        says(err.msg, "x:1: the endpoint gives no number as the log-probability of \"n\xc3\xa9\"");
        assert_int_equal(requests, 1);
        free(body);
    }
}

/* Replies from which nothing can be had: asked for once, or again where that may help. */
static void useless_replies(void **state)
{
    (void)state;
    static const struct {
        Fixed reply;
        const char *words, *hint;
        int requests;
    } table[] = {
        {{"{\"choices\": [{\"text\": \"1\", \"logprobs\": null}]}", 200},
         "has no log-probabilities",
         "--logits_all",
         1},
        {{"{\"choices\": [{\"logprobs\": {\"content\": []}, \"finish_reason\": \"content_filter\"}]}", 200},
         "its content filter withheld it",
         "--skip-bad",
         1},
        {{"{\"choices\": [{\"message\": {\"refusal\": \"I will not\"}}]}", 200}, ": I will not", "--skip-bad", 1},
        {{"{\"choices\": []}", 200}, "has no choices", "/v1", 1},
        {{"{\"content\": \" ja\", \"completion_probabilities\": []}", 200}, "has no choices", "/v1", 1},
        {{"[]", 200}, "has no choices", "/v1", 1},
        {{OLDER("{\"token_id:7\": -1, \"token_id:8\": -2}"), 200},
         "by their numbers: \"token_id:7\"",
         "tokens-as-token-ids",
         1},
        {{OLDER("{\"a\": null, \"b\": 3}"), 200}, "are no numbers below 0", "--logits_all", 1},
        {{NEWER(""), 200}, "has no log-probabilities", "--logits_all", 1},
        {{"{\"choices\": [{\"logprobs\": {\"content\": [{\"token\": \"ja\", \"logprob\": -1}]}}]}", 200},
         "has no log-probabilities",
         "--logits_all",
         1},
        {{"{\"error\": {\"message\": \"flagged\", \"code\": 403}}", 200}, "no choices: flagged", "--skip-bad", 1},
        {{"{\"error\": {\"message\": \"no\", \"code\": \"content_filter\"}}", 200}, "no choices: no", "--skip-bad", 1},
        {{"{\"choices\": [{\"error\": {\"message\": \"bad\", \"code\": 400}}]}", 200},
         "no choices: bad",
         "--skip-bad",
         1},
        {{"{\"error\": \"Unexpected endpoint or method. (POST /completions)\"}", 200}, "Unexpected endpoint", "/v1", 1},
        {{"{\"error\": {\"message\": \"busy\", \"code\": 429}}", 200}, "after 3 tries", "goes on", 3},
        {{"\n<html><title>Wi-Fi</title><p>Please log in</html>", 200},
         "/v1/completions: the endpoint's reply is no JSON but a page: \"Wi-Fi Please log in\"",
         "login page",
         3},
        {{"data: {\"choices\": []}\n\ndata: [DONE]\n", 200}, "streams its reply", "in one piece", 1},
        {{"upstream gone", 200}, "is no JSON: \"upstream gone\"", "goes on", 3},
        {{"{\"error\": \"too long\"}", 413}, "status 413: too long", "--skip-bad", 1},
        {{"{\"error\": \"by law\"}", 451}, "status 451: by law", "--skip-bad", 1},
        {{"{\"error\": \"pay\"}", 402}, "status 402: pay", "", 1},
        {{"{\"error\": \"who\"}", 403}, "status 403: who", "OPENAI_API_KEY", 1},
        {{"{\"error\": \"no such\"}", 404}, "status 404: no such", "the base address is http://127.0.0.1", 1},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Verdict v;
        Err err;
        int requests;
        if (ask_fixed(&table[i].reply, tongues, ENDPOINT_COMPLETIONS, &v, &requests, &err))
            fail_msg("%s", table[i].reply.body);
        says(err.msg, "x:1: ");
        says(err.msg, table[i].words);
        says(err.hint, table[i].hint);
        if (requests != table[i].requests)
            fail_msg("%s: %d requests", table[i].reply.body, requests);
    }
}

/* --- what is sent --------------------------------------------------------------------------------------- */

/* A server that gives so many log-probabilities at most, and says so in its words. */
typedef struct Limited {
    const char *words, *refuses; /* @: how many were asked for; a parameter that it does not take, or NULL */
    int limit, top;              /* top: of the last request */
    char *last;                  /* the names of its parameters */
    int status;
} Limited;

/* A text with a word in place of its @. */
static char *with_word(const char *text, const char *word)
{
    size_t n = strcspn(text, "@");
    return mem_printf("%.*s%s%s", (int)n, text, text[n] ? word : "", text[n] ? text + n + 1 : "");
}

static void limited(void *context, const ServerRequest *q, ServerReply *r)
{
    Limited *l = context;
    json_t *body, *list = json_array(), *value;
    const char *name;
    Err err = {0};
    Str names = {0};
    need_ok(json_parse(q->body, strlen(q->body), "a request", &body, &err), &err);
    bool chat = json_object_get(body, "messages") != NULL, next = json_object_get(body, "logprobs") != NULL;
    json_object_foreach(body, name, value) str_addf(&names, "%s ", name);
    free(l->last);
    l->last = str_take(&names);
    l->top = (int)json_number_of(body, chat ? "top_logprobs" : "logprobs", 0);
    char asked[20];
    snprintf(asked, sizeof asked, "%d", l->top);
    if (l->refuses && json_object_get(body, l->refuses)) {
        r->status = l->status;
        r->body = with_word(l->words, l->refuses);
    } else if (l->limit > 0 && l->top > l->limit) {
        r->status = l->status;
        r->body = with_word(l->words, asked);
    } else {
        add_probable(list, " ja", 0.5);
        add_probable(list, " n\xc3\xa9", 0.25);
        r->body = endpoint_reply(next ? json_incref(list) : NULL, "x", chat, true, 10);
    }
    json_decref(list);
    json_decref(body);
}

static void limit_in_any_wording(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int limit, status, requests;
    } table[] = {
        {"{\"message\": \"Requested sample logprobs of @, which is greater than max allowed: 5\"}", 5, 400, 2},
        {"{\"error\": {\"message\": \"Invalid value: top_logprobs must be less than or equal to 7.\"}}", 7, 400, 2},
        {"{\"error\": \"maximum value for logprobs is 3 (was @)\"}", 3, 400, 2},
        {"{\"message\": \"Value @ is not in [0..5]\"}", 5, 400, 2},
        {"{\"message\": \"@ is greater than the maximum of 1 - 'logprobs'\"}", 1, 400, 2},
        {"{\"message\": \"at most 11 top_logprobs\"}", 11, 422, 2},
        {"{\"error\": \"logprobs should be in [0, 5]\"}", 5, 422, 2},
        {"{\"detail\": [{\"type\": \"less_than_equal\", \"loc\": [\"body\", \"top_logprobs\"], \"msg\": \"Input should be less "
         "than or equal to 20\", \"input\": @, \"ctx\": {\"le\": 20}}]}",
         20, 422, 2},
        {"{\"error\": \"Input validation error: `top_n_tokens` must be >= 0 and <= 5. Given: @\"}", 5, 422, 2},
        {"{\"error\": \"Input should be less than or equal to 8\"}", 8, 400, 2},
        {"Value must be between 0 and 6, got @ (gpt-4-0613, v2, 0.9)", 6, 400, 2},
        {"{\"error\": {\"message\": \"too many log probs\", \"code\": 400}}", 5, 400, 2},
        {"{\"error\": \"logprobs must be < 4\"}", 3, 400, 3}, /* with 4 between */
        {"{\"error\": \"log_probs: only one, please\"}", 1, 400, 3},
    };
    for (int i = 0; i < COUNT(table); i++)
        for (int chat = 0; chat < 2; chat++) {
            Limited l = {.words = table[i].words, .limit = table[i].limit, .status = table[i].status};
            Question q[2] = {{.where = "x:1", .context = "c", .first = "a"},
                             {.where = "x:2", .context = "c", .first = "b"}};
            Verdict v[2];
            Alone a;
            Err err = {0};
            need_ok(alone_open(&a, limited, &l, tongues, chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS, &err), &err);
            a.options.top = 25;
            if (!judge_responses(a.judge, q, 2, v, &err))
                fail_msg("%s: %s", table[i].words, err.msg);
            if (l.top > l.limit || l.top < 1 || server_requests(a.server) != table[i].requests + 1)
                fail_msg("%s: asked for %d by %d requests", table[i].words, l.top, server_requests(a.server));
            free(l.last);
            alone_free(&a);
        }
}

/* What was refused for another reason is asked for once more at most, and teaches nothing. */
static void no_limit(void **state)
{
    (void)state;
    Limited l = {.words = "{\"error\": \"the most that model @ reads is 4096 tokens, maximum 3 images\"}",
                 .refuses = "prompt",
                 .status = 400};
    Question q = {.where = "x:1", .context = "c", .first = "a"};
    Verdict v;
    Alone a;
    Err err = {0};
    need_ok(alone_open(&a, limited, &l, tongues, ENDPOINT_COMPLETIONS, &err), &err);
    assert_false(judge_responses(a.judge, &q, 1, &v, &err));
    says(err.msg, "4096 tokens");
    l.refuses = NULL;
    err_clear(&err);
    need_ok(judge_responses(a.judge, &q, 1, &v, &err), &err);
    assert_int_equal(l.top, 20);
    free(l.last);
    alone_free(&a);
}

/* Nothing that nobody asked for, and nothing that the server has said it does not take. */
static void parameters(void **state)
{
    (void)state;
    static const struct {
        bool chat, next;
        double temperature;
        int top_k;
        const char *refuses, *names;
    } table[] = {
        {false, true, 0, 0, NULL, "model prompt max_tokens temperature logprobs "},
        {true, true, 0, 0, NULL, "model messages max_tokens temperature logprobs top_logprobs "},
        {false, false, 0, 40, NULL, "model prompt max_tokens temperature stop "},
        {true, false, 0.7, 0, NULL, "model messages max_tokens temperature stop seed "},
        {true, false, 0.7, 7, NULL, "model messages max_tokens temperature stop seed top_k "},
        {true, true, 0, 0, "max_tokens", "model messages temperature logprobs top_logprobs max_completion_tokens "},
        {true, false, 0, 0, "max_tokens", "model messages temperature stop max_completion_tokens "},
        {true, true, 0, 0, "temperature", "model messages max_tokens logprobs top_logprobs "},
        {false, false, 0.7, 0, "stop", "model prompt max_tokens temperature seed "},
        {true, false, 0.7, 0, "seed", "model messages max_tokens temperature stop "},
        {true, false, 0.7, 7, "top_k", NULL}, /* it was asked for */
        {true, false, 0.7, 0, "temperature", NULL},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Limited l = {.words = "{\"error\": {\"message\": \"Unsupported parameter: '@'.\"}}",
                     .refuses = table[i].refuses,
                     .status = 400};
        EndpointKind kind = table[i].chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
        Demand d = {.where = "x:1",
                    .system = "",
                    .text = (char *)(uintptr_t) "c",
                    .kind = kind,
                    .next = table[i].next,
                    .max_tokens = 5,
                    .temperature = table[i].temperature,
                    .top_k = table[i].top_k,
                    .stop = "\n"};
        json_t *said;
        Alone a;
        Err err = {0};
        need_ok(alone_open(&a, limited, &l, tongues, kind, &err), &err);
        bool ok = endpoint_ask(a.endpoint, &d, 1, &said, &err);
        if (ok != (table[i].names != NULL))
            fail_msg("%d: %s", i, err.msg);
        if (ok)
            assert_string_equal(l.last, table[i].names);
        json_decref(said);
        free(l.last);
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
        cmocka_unit_test(tokens_in_any_form),
        cmocka_unit_test(bytes_as_tokens),
        cmocka_unit_test(impossible_answers),
        cmocka_unit_test(useless_replies),
        cmocka_unit_test(limit_in_any_wording),
        cmocka_unit_test(no_limit),
        cmocka_unit_test(parameters),
    };
    log_set_quiet(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
