/* Judges behind an endpoint: exact probabilities from what comes back, bounds for what does not, faults, kills, budgets. */
#include "endpoint_helpers.h"
#include "label_helpers.h"
#include "rlaif/judge_source.h"

#include <signal.h>
#include <sys/wait.h>

/* A scene and its endpoint. */
typedef struct Elsewhere {
    Scene scene;
    Endpointed planted;
    Server *server;
} Elsewhere;

static Elsewhere *elsewhere_new(void)
{
    Elsewhere *e = mem_zalloc(1, sizeof *e);
    e->scene = scene_new();
    e->planted = (Endpointed){.shorter = 0.8, .writes = " It is short."};
    e->server = server_start(planted_endpoint, &e->planted);
    setenv("OPENAI_API_KEY", PLANTED_KEY, 1);
    return e;
}

static void elsewhere_free(Elsewhere *e)
{
    server_stop(e->server);
    endpointed_release(&e->planted);
    scene_free(&e->scene);
    free(e);
}

/* Free with options_free. */
static LabelOptions *asking(const Elsewhere *e)
{
    Err err = {0};
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", e->scene.pairs);
    need_ok(options_set(&label_table, o, "prompt", e->scene.prompt, "a test", &err), &err);
    options_put(&label_table, o, "endpoint", server_address(e->server));
    options_put(&label_table, o, "api-model", "planted");
    o->endpoint.retry_wait = 0.01;
    o->endpoint.timeout = 5;
    return o;
}

static bool label_elsewhere(const Elsewhere *e, LabelOptions *o, const char *name, json_t **summary, Err *err)
{
    return label(&e->scene, o, name, CPU_AUTO, 1, summary, err);
}

static void says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}

/* P(the first is preferred) of the scene's six pairs. */
static const double wanted_p[] = {0.2, 0.2, 0.8, 0.8, 0.8, 0.2};

static void right_labels(const Elsewhere *e, const char *name, double missing)
{
    json_t *list = labels_of(&e->scene, name);
    assert_int_equal(json_array_size(list), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *label = json_array_get(list, i), *orders = json_object_get(label, "orders");
        close_to(json_number_of(label, "p", -1), wanted_p[i], 1e-12);
        for (size_t k = 0; k < 2; k++) {
            const json_t *order = json_array_get(orders, k);
            close_to(json_number_of(order, "mass", -1), 0.9, 1e-12);
            close_to(json_number_of(order, "missing", -1), missing, 1e-12);
            assert_null(json_object_get(order, "absent"));
        }
    }
    json_decref(list);
}

/* --- what goes well ------------------------------------------------------------------------------------- */

/* By completions in both forms and by chat, labels have the planted probability; each prompt was asked once. */
static void recovers_probability(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        json_t *summary;
        LabelOptions *o = asking(e);
        e->planted.newer = way == 1;
        o->endpoint.kind = way == 2 ? ENDPOINT_CHAT : ENDPOINT_AUTO;
        need_ok(label_elsewhere(e, o, "labels.jsonl", &summary, &err), &err);
        right_labels(e, "labels.jsonl", 0.03);
        assert_int_equal(e->planted.chats, way == 2 ? e->planted.asked : 0);
        assert_int_equal(e->planted.max_tokens, 1);
        close_to(e->planted.temperature, 1, 0);
        assert_false(e->planted.wrong_key);
        field(summary, "missing", 0.03);
        const json_t *spent = json_object_get(summary, "endpoint");
        field(spent, "requests", e->planted.asked);
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        json_decref(summary);
        options_free(&label_table, o);
        elsewhere_free(e);
    }
}

/* Rows say who judged; the key is nowhere. */
static void provenance(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    LabelOptions *o = asking(e);
    need_ok(label_elsewhere(e, o, "labels.jsonl", NULL, &err), &err);
    json_t *list = labels_of(&e->scene, "labels.jsonl");
    const json_t *about = json_object_get(json_array_get(list, 0), "endpoint");
    assert_string_equal(json_text_of(about, "url"), server_address(e->server));
    assert_string_equal(json_text_of(about, "model"), "planted");
    json_decref(list);
    static const char *const files[] = {"labels.jsonl", "labels.jsonl.rlaif"};
    for (int i = 0; i < COUNT(files); i++) {
        char *path = path_join(e->scene.folder, files[i]), *bytes;
        size_t n;
        need_ok(file_read(path, 1 << 24, &bytes, &n, &err), &err);
        assert_null(memmem(bytes, n, PLANTED_KEY, strlen(PLANTED_KEY)));
        free(bytes);
        free(path);
    }
    options_free(&label_table, o);
    elsewhere_free(e);
}

/* A reply may hold bytes that are no UTF-8; the endpoint gets the replacement character for them. */
static void any_bytes(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        Demand d = {.where = "x:1",
                    .system = "",
                    .text = (char *)(uintptr_t) "c|\xff|b\n",
                    .kind = chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS,
                    .next = true,
                    .stop = ""};
        EndpointOptions o = {
            .url = (char *)(uintptr_t)server_address(e->server), .model = (char *)(uintptr_t) "planted", .top = 5};
        o.concurrency = 1;
        o.timeout = 5;
        Store *store;
        Endpoint *endpoint;
        json_t *said;
        need_ok(store_open(&store, ":memory:", &err) && endpoint_open(&endpoint, &o, NULL, store, &err), &err);
        need_ok(endpoint_ask(endpoint, &d, 1, &said, &err), &err);
        assert_string_equal(e->planted.last, "c|\xef\xbf\xbd|b\n");
        json_decref(said);
        endpoint_free(endpoint);
        store_close(store);
        elsewhere_free(e);
    }
}

/* A text of its own for the rationale, greedily, then the answer behind it. */
static void thinks(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        LabelOptions *o = asking(e);
        o->judge.cot = true;
        o->endpoint.kind = chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
        e->planted.times = json_object();
        need_ok(label_elsewhere(e, o, "labels.jsonl", NULL, &err), &err);
        json_t *list = labels_of(&e->scene, "labels.jsonl");
        const json_t *label = json_array_get(list, 0);
        close_to(json_number_of(label, "p", -1), 0.2, 1e-12);
        assert_string_equal(json_string_value(json_array_get(json_object_get(label, "rationales"), 1)),
                            " It is short.");
        field(json_object_get(label, "tokens"), "output", 8);
        field(e->planted.times, "Think. Which?\nrain in spring|It rains.|Spring!\nWhy:", 1);
        field(e->planted.times, "Think. Which?\nrain in spring|It rains.|Spring!\nWhy: It is short. / Best=", 1);
        assert_int_equal(e->planted.written, 10); /* two pairs are the same */
        json_decref(list);
        options_free(&label_table, o);
        elsewhere_free(e);
    }
}

/* --- how it is asked ------------------------------------------------------------------------------------ */

/* Without completions chat is found, by one request, and known when the command goes on. */
static void finds_chat(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    LabelOptions *o = asking(e);
    char *auto_prompt = mem_str(full_prompt), *at = strstr(auto_prompt, "chat: false");
    memcpy(at, "chat: auto ", strlen("chat: false"));
    char *path = write_rows(e->scene.folder, "auto.yaml", auto_prompt);
    options_free(&label_table, o);
    free(e->scene.prompt);
    e->scene.prompt = path;
    o = asking(e);
    e->planted.no_completions = true;
    e->planted.most_top = 10;
    o->limit = 3;
    need_ok(label_elsewhere(e, o, "labels.jsonl", NULL, &err), &err);
    assert_int_equal(e->planted.asked, 6);
    assert_int_equal(server_requests(e->server), 6 + 2);
    assert_int_equal(e->planted.top, 5);
    o->limit = 0;
    need_ok(label_elsewhere(e, o, "labels.jsonl", NULL, &err), &err);
    right_labels(e, "labels.jsonl", 0.05);
    assert_int_equal(e->planted.asked, 10);
    assert_int_equal(server_requests(e->server), 10 + 2);
    /* A prompt that is to be read as it stands is no chat. */
    options_free(&label_table, o);
    o = asking(e);
    o->judge.chat = CHAT_FALSE;
    assert_false(label_elsewhere(e, o, "other.jsonl", NULL, &err));
    says(err.msg, "status 404");
    err_clear(&err);
    o->endpoint.kind = ENDPOINT_CHAT;
    assert_false(label_elsewhere(e, o, "other.jsonl", NULL, &err));
    says(err.msg, "--chat false does not go with --endpoint-kind chat");
    free(auto_prompt);
    options_free(&label_table, o);
    elsewhere_free(e);
}

static void wrong_options(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    LabelOptions *o = asking(e);
    options_put(&label_table, o, "model", e->scene.model);
    assert_false(label_elsewhere(e, o, "labels.jsonl", NULL, &err));
    says(err.msg, "--model and --endpoint name two judges");
    assert_int_equal(err.code, ERR_USAGE);
    err_clear(&err);
    options_put(&label_table, o, "model", NULL);
    options_put(&label_table, o, "api-model", NULL);
    assert_false(label_elsewhere(e, o, "labels.jsonl", NULL, &err));
    says(err.msg, "--api-model");
    err_clear(&err);
    options_put(&label_table, o, "endpoint", "http://me:secret@127.0.0.1/v1");
    assert_false(label_elsewhere(e, o, "labels.jsonl", NULL, &err));
    assert_null(strstr(err.msg, "secret"));
    options_free(&label_table, o);
    elsewhere_free(e);
}

/* --- one prompt's probabilities ------------------------------------------------------------------------- */

/* A judge alone, with replies that a function gives. */
typedef struct Alone {
    char *folder;
    Store *store;
    Server *server;
    EndpointOptions options;
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
    bool ok = store_open(&a->store, ":memory:", err) && endpoint_open(&a->endpoint, &a->options, NULL, a->store, err);
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

/* --- faults --------------------------------------------------------------------------------------------- */

static const struct {
    Endpointed fault;
    const char *words;
} passing[] = {
    {{.status = 429, .failures = 2}, "status 429"},
    {{.status = 500, .failures = 3}, "status 500"},
    {{.cut = CUT_BEFORE, .failures = 2}, ""},
    {{.cut = CUT_WITHIN, .failures = 2}, ""},
    {{.wait = 0.8, .failures = 1}, "no reply within 0.3 s"},
    {{.status = 200, .body = "<html>a proxy</html>", .failures = 2}, "is no JSON"},
    {{.status = 200, .body = "{\"error\": {\"message\": \"overloaded\"}}", .failures = 2}, "no choices: overloaded"},
    {{.status = 200, .body = "{\"choices\": [{\"logprobs\": {\"top_logprobs\": [{\"1\": \"x\"}]}}]}", .failures = 1},
     "no numbers"},
};

/* In the middle of the work, and then they pass. */
static void faults_pass(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(passing); i++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        LabelOptions *o = asking(e);
        Endpointed f = passing[i].fault;
        e->planted.status = f.status, e->planted.cut = f.cut, e->planted.wait = f.wait, e->planted.body = f.body;
        e->planted.failures = f.failures, e->planted.fail_from = 5;
        o->endpoint.timeout = f.wait > 0 ? 0.3 : 5;
        if (!label_elsewhere(e, o, "labels.jsonl", NULL, &err))
            fail_msg("fault %d: %s", i, err.msg);
        right_labels(e, "labels.jsonl", 0.03);
        options_free(&label_table, o);
        elsewhere_free(e);
    }
}

/* They do not pass: a clear message, what was answered stays, and is not asked again. */
static void faults_stay(void **state)
{
    (void)state;
    static const char nothing[] = "{\"choices\": [{\"text\": \"1\", \"logprobs\": null}], \"usage\": {}}";
    for (int i = 0; i <= COUNT(passing); i++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        LabelOptions *o = asking(e);
        bool silent = i == COUNT(passing);
        Endpointed f = silent ? (Endpointed){.status = 200, .body = nothing} : passing[i].fault;
        e->planted.status = f.status, e->planted.cut = f.cut, e->planted.wait = f.wait, e->planted.body = f.body;
        e->planted.failures = 1000, e->planted.fail_from = 7;
        o->endpoint.timeout = f.wait > 0 ? 0.3 : 5;
        o->endpoint.retries = 1;
        o->endpoint.concurrency = 1;
        assert_false(label_elsewhere(e, o, "labels.jsonl", NULL, &err));
        says(err.msg, silent ? "has no log-probabilities" : passing[i].words);
        if (silent) {
            says(err.msg, "pairs.jsonl:4");
            says(err.hint, "--logits_all");
        } else {
            says(err.msg, "after 2 tries");
            says(err.hint, "goes on");
        }
        assert_int_equal(e->planted.asked, 7);
        e->planted.failures = 0;
        err_clear(&err);
        need_ok(label_elsewhere(e, o, "labels.jsonl", NULL, &err), &err);
        right_labels(e, "labels.jsonl", 0.03);
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        options_free(&label_table, o);
        elsewhere_free(e);
    }
}

/* --- kills ---------------------------------------------------------------------------------------------- */

/* Killed while a request waits: the next run asks for the rest alone, each prompt once, and ends in the same bytes. */
static void killed_and_resumed(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    LabelOptions *o = asking(e);
    o->endpoint.concurrency = 1;
    need_ok(label_elsewhere(e, o, "whole.jsonl", NULL, &err), &err);
    e->planted.times = json_object();
    e->planted.asked = 0;
    int before = server_requests(e->server);
    for (int stop = 3; stop < 10; stop += 3) { /* requests after which it hangs */
        e->planted.fail_from = server_requests(e->server) + (stop == 3 ? 3 : 2);
        e->planted.failures = 1;
        e->planted.wait = 0.4;
        e->planted.status = 500;
        int hanging = e->planted.fail_from + 1;
        pid_t child = fork();
        if (child == 0)
            _exit(label_elsewhere(e, o, "killed.jsonl", NULL, &err) ? 0 : 1);
        while (server_requests(e->server) < hanging)
            usleep(2000);
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_false(WIFEXITED(status));
        usleep(450000);
    }
    e->planted.failures = 0;
    need_ok(label_elsewhere(e, o, "killed.jsonl", NULL, &err), &err);
    same_files(&e->scene, "whole.jsonl", "killed.jsonl");
    assert_int_equal(server_requests(e->server) - before, 10 + 3); /* two pairs are the same; 3 hung */
    const char *prompt;
    json_t *times;
    json_object_foreach(e->planted.times, prompt, times) assert_int_equal(json_integer_value(times), 1);
    options_free(&label_table, o);
    elsewhere_free(e);
}

/* --- budgets -------------------------------------------------------------------------------------------- */

/* It stops before the budget is exceeded, and goes on with another one. */
static void budgets(void **state)
{
    (void)state;
    for (int dollars = 0; dollars < 2; dollars++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        LabelOptions *o = asking(e);
        json_t *summary;
        int calls = 0;
        o->endpoint.budget_tokens = dollars ? 0 : 170;
        o->endpoint.budget = dollars ? 0.0051 : 0; /* 0.03 for 1,000 */
        bool ok = false;
        for (; !ok && calls < 12; calls++) {
            int asked = e->planted.asked, before = e->planted.tokens;
            err_clear(&err);
            ok = label_elsewhere(e, o, "labels.jsonl", &summary, &err);
            json_decref(summary);
            assert_true(ok || e->planted.asked > asked);
            assert_true(e->planted.tokens - before <= 170);
            if (!ok) {
                says(err.msg, "the budget ends here");
                says(err.hint, "--budget");
            }
        }
        assert_true(ok && calls > 1);
        right_labels(e, "labels.jsonl", 0.03);
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        err_clear(&err);
        o->endpoint.budget_tokens = 20;
        assert_false(label_elsewhere(e, o, "dear.jsonl", NULL, &err));
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        options_free(&label_table, o);
        elsewhere_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers_probability),
        cmocka_unit_test(provenance),
        cmocka_unit_test(thinks),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(finds_chat),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(answers_in_parts),
        cmocka_unit_test(chats_in_parts),
        cmocka_unit_test(absent_answers),
        cmocka_unit_test(faults_pass),
        cmocka_unit_test(faults_stay),
        cmocka_unit_test(killed_and_resumed),
        cmocka_unit_test(budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
