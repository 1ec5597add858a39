/* Labels by a judge behind an endpoint: how it is asked, what that costs, faults, kills, budgets. */
#include "elsewhere.h"

#include <signal.h>
#include <sys/wait.h>

/* So many requests from number `from` on fail like that. */
static void plant_fault(Elsewhere *e, Endpointed fault, int from, int failures)
{
    Endpointed *p = &e->planted;
    p->status = fault.status;
    p->cut = fault.cut;
    p->wait = fault.wait;
    p->body = fault.body;
    p->fail_from = from;
    p->failures = failures;
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
        e->planted.newer = way == 1;
        e->options->endpoint.kind = way == 2 ? ENDPOINT_CHAT : ENDPOINT_AUTO;
        need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
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
        elsewhere_free(e);
    }
}

/* Rows say who judged; the key is nowhere. */
static void provenance(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
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
    elsewhere_free(e);
}

/* A text of its own for the rationale, greedily, then the answer behind it. */
static void thinks(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        e->options->judge.cot = true;
        e->options->endpoint.kind = chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
        e->planted.times = json_object();
        need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
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
        elsewhere_free(e);
    }
}

/* --- how it is asked ------------------------------------------------------------------------------------ */

/* Without completions chat is found, by one request, and known when the command goes on. */
static void finds_chat(void **state)
{
    (void)state;
    static const int status[] = {404, 501};
    for (int i = 0; i < COUNT(status); i++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        char *text = mem_str(full_prompt);
        memcpy(strstr(text, "chat: false"), "chat: auto ", strlen("chat: false"));
        free(write_rows(e->scene.folder, "prompt.yaml", text));
        e->planted.no_completions = status[i];
        e->planted.most_top = 10;
        e->options->limit = 3;
        need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
        assert_int_equal(e->planted.asked, 6);
        assert_int_equal(server_requests(e->server), 6 + 2);
        assert_int_equal(e->planted.top, 5);
        e->options->limit = 0;
        need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
        right_labels(e, "labels.jsonl", 0.05);
        assert_int_equal(e->planted.asked, 10);
        assert_int_equal(server_requests(e->server), 10 + 2);
        free(text);
        elsewhere_free(e);
    }
}

/* A prompt that is to be read as it stands is no chat. */
static void no_chat(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    e->planted.no_completions = 404;
    e->options->judge.chat = CHAT_FALSE;
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "pairs.jsonl:1: ");
    says(err.msg, "status 404");
    err_clear(&err);
    e->options->endpoint.kind = ENDPOINT_CHAT;
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "--chat false does not go with --endpoint-kind chat");
    elsewhere_free(e);
}

/* Options show in what the server gets and when, and in what it is said to have cost. */
static void options_count(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    EndpointOptions *o = &e->options->endpoint;
    Err err = {0};
    json_t *summary;
    o->top = 7;
    o->per_minute = 1200; /* ten requests: one every 0.05 s */
    o->prices = (Prices){.input = 1000, .output = 2000};
    double began = clock_seconds();
    need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
    assert_true(clock_seconds() - began >= 0.45);
    assert_int_equal(e->planted.top, 7);
    const json_t *spent = json_object_get(summary, "endpoint");
    field(spent, "output", 10);
    field(spent, "input", e->planted.tokens - 10);
    field(spent, "dollars", e->planted.tokens + 10);
    json_decref(summary);
    o->per_minute = 0;
    o->retry_wait = 0.5;
    plant_fault(e, (Endpointed){.status = 500}, server_requests(e->server), 1);
    began = clock_seconds();
    need_ok(label_elsewhere(e, "again.jsonl", &summary, &err), &err);
    assert_true(clock_seconds() - began >= 0.25); /* a half at least */
    field(json_object_get(summary, "endpoint"), "retries", 1);
    json_decref(summary);
    elsewhere_free(e);
}

static void wrong_options(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    options_put(&label_table, e->options, "model", e->scene.model);
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "--model and --endpoint name two judges");
    assert_int_equal(err.code, ERR_USAGE);
    err_clear(&err);
    options_put(&label_table, e->options, "model", NULL);
    options_put(&label_table, e->options, "api-model", NULL);
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "--api-model");
    err_clear(&err);
    options_put(&label_table, e->options, "endpoint", "http://me:secret@127.0.0.1/v1");
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    assert_null(strstr(err.msg, "secret"));
    elsewhere_free(e);
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
    {{.status = 200, .body = "{\"error\": {\"message\": \"busy\", \"code\": 502}}", .failures = 2}, "no choices: busy"},
};

/* In the middle of the work, and then they pass. */
static void faults_pass(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(passing); i++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        plant_fault(e, passing[i].fault, 5, passing[i].fault.failures);
        e->options->endpoint.timeout = passing[i].fault.wait > 0 ? 0.3 : 5;
        if (!label_elsewhere(e, "labels.jsonl", NULL, &err))
            fail_msg("fault %d: %s", i, err.msg);
        right_labels(e, "labels.jsonl", 0.03);
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
        bool silent = i == COUNT(passing);
        Endpointed f = silent ? (Endpointed){.status = 200, .body = nothing} : passing[i].fault;
        plant_fault(e, f, 7, 1000);
        e->options->endpoint.timeout = f.wait > 0 ? 0.3 : 5;
        e->options->endpoint.retries = 1;
        e->options->endpoint.concurrency = 1;
        assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
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
        need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
        right_labels(e, "labels.jsonl", 0.03);
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        elsewhere_free(e);
    }
}

/* A refused key is told with the row that was asked about and where the key comes from; nothing is tried again. */
static void refused_key(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    plant_fault(e, (Endpointed){.status = 401, .body = "{\"error\": \"no such key\"}"}, 3, 1000);
    e->options->endpoint.concurrency = 1;
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "pairs.jsonl:2: ");
    says(err.msg, "status 401: no such key");
    says(err.hint, "OPENAI_API_KEY");
    assert_int_equal(server_requests(e->server), 4);
    elsewhere_free(e);
}

/* --- kills ---------------------------------------------------------------------------------------------- */

/* Killed while a request waits: the next run asks for the rest alone, each prompt once, and ends in the same bytes. */
static void killed_and_resumed(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    e->options->endpoint.concurrency = 1;
    need_ok(label_elsewhere(e, "whole.jsonl", NULL, &err), &err);
    e->planted.times = json_object();
    e->planted.asked = 0;
    int before = server_requests(e->server);
    for (int stop = 3; stop < 10; stop += 3) { /* requests after which it hangs */
        plant_fault(e, (Endpointed){.status = 500, .wait = 0.4}, server_requests(e->server) + (stop == 3 ? 3 : 2), 1);
        int hanging = e->planted.fail_from + 1;
        pid_t child = fork();
        if (child == 0)
            _exit(label_elsewhere(e, "killed.jsonl", NULL, &err) ? 0 : 1);
        while (server_requests(e->server) < hanging)
            usleep(2000);
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_false(WIFEXITED(status));
        usleep(450000);
    }
    e->planted.failures = 0;
    need_ok(label_elsewhere(e, "killed.jsonl", NULL, &err), &err);
    same_files(&e->scene, "whole.jsonl", "killed.jsonl");
    assert_int_equal(server_requests(e->server) - before, 10 + 3); /* two pairs are the same; 3 hung */
    const char *prompt;
    json_t *times;
    json_object_foreach(e->planted.times, prompt, times) assert_int_equal(json_integer_value(times), 1);
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
        json_t *summary;
        int calls = 0;
        e->options->endpoint.budget_tokens = dollars ? 0 : 170;
        e->options->endpoint.budget = dollars ? 0.0051 : 0; /* 0.03 for 1,000 */
        bool ok = false;
        for (; !ok && calls < 12; calls++) {
            int asked = e->planted.asked, before = e->planted.tokens;
            err_clear(&err);
            ok = label_elsewhere(e, "labels.jsonl", &summary, &err);
            json_decref(summary);
            assert_true(ok || e->planted.asked > asked);
            assert_true(e->planted.tokens - before <= 170);
            if (!ok) {
                says(err.msg, "the budget ends here");
                says(err.hint, "--budget");
                /* Not even one more had fit; what is written costs twice as much as what is read. */
                int spent = e->planted.tokens - before + (dollars ? e->planted.asked - asked : 0),
                    more = (int)strtol(strstr(err.msg, "may take ") + strlen("may take "), NULL, 10) + dollars;
                assert_true(spent + more > 170);
            }
        }
        assert_true(ok && calls > 1);
        right_labels(e, "labels.jsonl", 0.03);
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        err_clear(&err);
        e->options->endpoint.budget_tokens = 20;
        assert_false(label_elsewhere(e, "dear.jsonl", NULL, &err));
        assert_int_equal(e->planted.asked, 10); /* two pairs are the same */
        elsewhere_free(e);
    }
}

/* Rows by which one of several prompts is chosen, each with these many exemplars. */
static void choose_on(Elsewhere *e, const char *rows, int prompts)
{
    Err err = {0};
    options_put(&label_table, e->options, "choose-on", rows);
    for (int i = 1; i < prompts; i++) { /* the first is there */
        char *one = mem_printf("%s --shots %d", e->scene.prompt, i);
        need_ok(options_set(&label_table, e->options, "prompt", one, "a test", &err), &err);
        free(one);
    }
}

/* Four prompts are tried and one labels: the budget is of them all, in tokens and in dollars, and another call has its own. */
static void one_budget_of_a_call(void **state)
{
    (void)state;
    for (int dollars = 0; dollars < 2; dollars++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        json_t *summary;
        choose_on(e, e->scene.pairs, 4);
        need_ok(label_elsewhere(e, "free.jsonl", &summary, &err), &err);
        int all = e->planted.tokens, asked = e->planted.asked, calls = 0;
        double cost = 0.03 * (all + asked) / 1000; /* what is written costs twice as much as what is read */
        const json_t *call = json_object_get(json_object_get(summary, "endpoint"), "call");
        field(call, "input", all - asked);
        field(call, "output", asked);
        close_to(json_number_of(call, "dollars", -1), cost, 1e-9);
        json_decref(summary);
        e->options->endpoint.budget_tokens = dollars ? 0 : all * 0.7; /* more than any prompt alone takes */
        e->options->endpoint.budget = dollars ? cost * 0.7 : 0;
        for (bool ok = false; !ok && calls < 12; calls++) {
            int tokens = e->planted.tokens, before = e->planted.asked;
            err_clear(&err);
            ok = label_elsewhere(e, "labels.jsonl", NULL, &err);
            tokens = e->planted.tokens - tokens;
            before = e->planted.asked - before;
            assert_true(dollars ? 0.03 * (tokens + before) / 1000 <= cost * 0.7 : tokens <= all * 0.7);
            if (!ok)
                says(err.msg, "the budget ends here");
        }
        assert_int_equal(calls, 2);
        same_files(&e->scene, "free.jsonl", "labels.jsonl");
        elsewhere_free(e);
    }
}

/* Requests of all prompts that are tried keep the distance that their rate asks for. */
static void one_rate_of_a_call(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    char *one = write_rows(e->scene.folder, "one.jsonl", ROW("rain", "no no", "perhaps", ", \"preferred\": 1"));
    options_put(&label_table, e->options, "pairs", one);
    choose_on(e, one, 4);
    e->options->endpoint.per_minute = 240;
    double began = clock_seconds();
    need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
    assert_true(clock_seconds() - began >= 7 * 0.25);
    assert_int_equal(e->planted.asked, 8); /* the pair was labelled when its prompt was tried */
    free(one);
    elsewhere_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers_probability),
        cmocka_unit_test(provenance),
        cmocka_unit_test(thinks),
        cmocka_unit_test(finds_chat),
        cmocka_unit_test(no_chat),
        cmocka_unit_test(options_count),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(faults_pass),
        cmocka_unit_test(faults_stay),
        cmocka_unit_test(refused_key),
        cmocka_unit_test(killed_and_resumed),
        cmocka_unit_test(budgets),
        cmocka_unit_test(one_budget_of_a_call),
        cmocka_unit_test(one_rate_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
