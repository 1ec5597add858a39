/* Prompts that an endpoint will never answer: what every command makes of them, without and with --skip-bad. */
#include "base/file.h"
#include "endpoint_helpers.h"
#include "program.h"

/* A judge of everything but what holds the forbidden word. */
typedef struct Filter {
    const char *body; /* what that gets, */
    int status;       /* with this status; 0: nothing is forbidden */
    bool all;         /* everything is */
} Filter;

static void filtered(void *context, const ServerRequest *q, ServerReply *r)
{
    const Filter *f = context;
    json_t *list = json_array();
    if (f->status && (f->all || strstr(q->body, "forbidden"))) {
        r->status = f->status;
        r->body = mem_str(f->body);
        json_decref(list);
        return;
    }
    add_probable(list, "1", 0.6);
    add_probable(list, "2", 0.3);
    r->body = endpoint_reply(strstr(q->body, "logprobs") ? list : NULL, " So.", str_ends(q->path, "/chat/completions"),
                             true, 10);
    if (!strstr(q->body, "logprobs"))
        json_decref(list);
}

static const char filter[] = "{\"error\": {\"message\": \"content filter\", \"code\": \"content_filter\"}}";

/* Of this many rows the second and the last are forbidden. */
enum { ROWS = 9, REFUSED = 2 };

static void put_rows(const char *name, const char *first, const char *second)
{
    Str s = {0};
    for (int i = 0; i < ROWS; i++)
        str_addf(&s, "{\"prompt\": \"%s %d\", \"%s\": %s}\n", i == 1 || i == ROWS - 1 ? "forbidden" : "plain", i, first,
                 second);
    put_text(test_folder, name, str_text(&s));
    str_release(&s);
}

static void put_all(void)
{
    put_rows("pairs.jsonl", "responses", "[\"a\", \"b c\"]");
    put_rows("a.jsonl", "response", "\"a\"");
    put_rows("b.jsonl", "response", "\"b c\"");
    put_text(test_folder, "pair.yaml",
             "name: pair\nkind: pairwise\nitem: \"{context}|{response_1}|{response_2}\\n\"\nending: \"Best=\"\n"
             "answers: [\"1\", \"2\"]\ncot: {preamble: \"Think.\", ending: \"Why:\"}\n");
    put_text(
        test_folder, "good.yaml",
        "name: good\nkind: verdict\nitem: \"{context}|{response}\\n\"\nending: \"Good=\"\nanswers: [\"1\", \"2\"]\n");
}

static const char *const commands[] = {
    "label pairs.jsonl --prompt pair.yaml",
    "label pairs.jsonl --prompt pair.yaml --both-orders false --cot --samples 2",
    "label pairs.jsonl --prompt good.yaml --method pointwise",
    "score a.jsonl --prompt good.yaml",
    "eval harmless a.jsonl --prompt good.yaml",
    "eval winrate a.jsonl b.jsonl --prompt pair.yaml",
    "eval winrate a.jsonl b.jsonl --prompt good.yaml,pair.yaml",
};

/* What the summary counts. */
static double counted(const json_t *summary)
{
    const json_t *policy = json_array_get(json_object_get(summary, "policies"), 0);
    return json_number_of(policy, "n", json_number_of(summary, "pairs", json_number_of(summary, "responses", -1)));
}

static Ran ask(const char *command, const Server *s, const char *more)
{
    return run_in(
        test_folder,
        "rlaif %s --endpoint %s --api-model m --concurrency 3 --retry-wait 0.01 --quiet --json -o out.jsonl %s",
        command, server_address(s), more);
}

static int lines_of(const char *name)
{
    char *path = path_join(test_folder, name), *text;
    size_t n;
    int lines = 0;
    Err err = {0};
    if (file_exists(path)) {
        need_ok(file_read(path, 1 << 20, &text, &n, &err), &err);
        for (size_t i = 0; i < n; i++)
            lines += text[i] == '\n';
        free(text);
    }
    free(path);
    return lines;
}

static void begin_anew(void)
{
    runs_with_status(test_folder, 0, "rm -rf out.jsonl out.jsonl.rlaif*");
}

/* The server, and nothing made yet. */
static Server *serve_anew(Filter *f)
{
    begin_anew();
    return server_start(filtered, f);
}

/* With these replies to them labels are made, from nothing, of all but the forbidden rows, and that is said. */
static void leaves_out(Filter f, const char *more)
{
    Server *s = serve_anew(&f);
    Ran r = ask(commands[0], s, more);
    need_status(&r, 0);
    assert_int_equal(lines_of("out.jsonl"), ROWS - REFUSED);
    says(r.err, "2 of 9 rows have no answer and are left out");
    ran_free(&r);
    server_stop(s);
}

/* Every command leaves them out, says how many and which, and asks again for nothing else. */
static void left_out(void **state)
{
    (void)state;
    put_all();
    for (int i = 0; i < COUNT(commands); i++) {
        Filter f = {filter, 400, false};
        Server *s = serve_anew(&f);
        for (int again = 0; again < 2; again++) {
            int before = server_requests(s);
            Ran r = ask(commands[i], s, "--skip-bad");
            need_status(&r, 0);
            assert_int_equal(lines_of("out.jsonl"), ROWS - REFUSED);
            json_t *summary = last_json(&r);
            const json_t *out = json_object_get(summary, "left_out"), *rows = json_object_get(out, "rows");
            close_to(json_number_of(out, "unanswered", -1), REFUSED, 0);
            close_to(json_number_of(out, "bad", -1), 0, 0);
            close_to(counted(summary), ROWS - REFUSED, 0);
            says(json_string_value(json_array_get(rows, 0)), ".jsonl:2");
            says(json_string_value(json_array_get(rows, 1)), ".jsonl:9");
            says(r.err, "2 of 9 rows have no answer and are left out");
            says(r.err, "content filter");
            if (again && server_requests(s) - before > 4 * REFUSED) /* two orders, two samples */
                fail_msg("%s: %d requests", commands[i], server_requests(s) - before);
            json_decref(summary);
            ran_free(&r);
        }
        f.status = 0;
        Ran r = ask(commands[i], s, "--skip-bad");
        need_status(&r, 0);
        json_t *summary = last_json(&r);
        assert_null(json_object_get(summary, "left_out"));
        close_to(counted(summary), ROWS, 0);
        assert_int_equal(lines_of("out.jsonl"), ROWS);
        json_decref(summary);
        ran_free(&r);
        server_stop(s);
    }
}

/* Without the option it ends the command by name and line, once, and says what to do. */
static void ends_the_command(void **state)
{
    (void)state;
    put_all();
    for (int i = 0; i < COUNT(commands); i++) {
        Filter f = {filter, 400, false};
        Server *s = serve_anew(&f);
        Ran r = ask(commands[i], s, "--concurrency 1"); /* so that the second row's answer is the first to come */
        need_status(&r, 1);
        says(r.err, ".jsonl:2: http://");
        says(r.err, "status 400: content filter");
        says(r.err, "--skip-bad");
        assert_null(strstr(r.err, "tries"));
        assert_int_equal(lines_of("out.jsonl"), 0);
        ran_free(&r);
        server_stop(s);
    }
}

/* Whatever says that it is this prompt alone. */
static void in_any_way(void **state)
{
    (void)state;
    static const Filter table[] = {
        {"{\"error\": \"moderation\"}", 403, false},
        {"{\"error\": \"too long\"}", 413, false},
        {"{\"detail\": [{\"msg\": \"no\"}]}", 422, false},
        {"", 451, false},
        {"{\"error\": {\"message\": \"flagged\", \"code\": 400}}", 200, false},
        {"{\"choices\": [{\"finish_reason\": \"content_filter\", \"text\": \"\", \"logprobs\": null}]}", 200, false},
        {"{\"error\": {\"message\": \"too long\", \"type\": \"invalid_request_error\", \"code\": null}}", 200, false},
        {"{\"object\": \"error\", \"message\": \"too long\", \"code\": 40303}", 200, false},
        {"{\"choices\": []}", 200, false},
        {"{\"choices\": [{\"logprobs\": {\"content\": [{\"top_logprobs\": [{\"token\": \"1\", \"logprob\": null}, {\"token\": "
         "\"x\", \"logprob\": -1}]}]}}]}",
         200, false},
    };
    put_all();
    for (int i = 0; i < COUNT(table); i++)
        leaves_out(table[i], "--skip-bad");
}

/* A prompt on which the server fails however often it is asked does not hold the others either, wherever it stands. */
static void fails_forever(void **state)
{
    (void)state;
    static const Filter table[] = {
        {"{\"error\": {\"message\": \"NaN\"}}", 500, false},
        {"<html>Bad Gateway</html>", 502, false},
        {"{\"choices\": [", 200, false},
        {"{\"error\": {\"message\": \"upstream\"}}", 200, false},
    };
    for (int i = 0; i < COUNT(table); i++)
        for (int first = 0; first < 2; first++) {
            put_all();
            if (first)
                runs_with_status(test_folder, 0, "tac pairs.jsonl > x; mv x pairs.jsonl");
            leaves_out(table[i], first ? "--skip-bad --retries 1 --concurrency 1" : "--skip-bad --retries 1");
            Filter f = table[i];
            Server *s = serve_anew(&f);
            Ran r = ask(commands[0], s, "--retries 1 --concurrency 1");
            need_status(&r, 1);
            says(r.err, first ? "pairs.jsonl:1: http" : "pairs.jsonl:2: http");
            ran_free(&r);
            server_stop(s);
        }
}

/* A server that is gone is no row's matter, nor one that fails on all. */
static void server_is_gone(void **state)
{
    (void)state;
    Filter f = {"{\"error\": {\"message\": \"NaN\"}}", 500, true};
    put_all();
    Server *s = serve_anew(&f);
    Ran r = ask(commands[0], s, "--skip-bad --retries 1");
    need_status(&r, 1);
    says(r.err, "status 500: NaN");
    assert_int_equal(server_requests(s), 5 * 2);
    ran_free(&r);
    char *address = mem_str(server_address(s));
    server_stop(s);
    r = run_in(test_folder,
               "rlaif label pairs.jsonl --prompt pair.yaml --endpoint %s --api-model m --skip-bad --retries 1 "
               "--retry-wait 0.01 --quiet -o out.jsonl",
               address);
    need_status(&r, 1);
    assert_null(strstr(r.err, "left out"));
    ran_free(&r);
    free(address);
}

/* What is no matter of a prompt is not asked for row by row: a key, a wrong address, a server that answers nothing. */
static void not_the_prompts(void **state)
{
    (void)state;
    static const struct {
        Filter filter;
        const char *words;
        int most; /* requests */
    } table[] = {
        {{"{\"error\": \"no such key\"}", 401, true}, "status 401", 1},
        {{"{\"error\": \"pay first\"}", 402, true}, "status 402", 1},
        {{"{\"error\": \"no model\"}", 404, true}, "the base address is", 6},
        {{"{\"error\": \"no\"}", 403, true}, "OPENAI_API_KEY", 5},
        {{"{\"error\": \"no\"}", 400, true}, "it is not the prompts", 5},
        {{"{\"choices\": [{\"text\": \"1\", \"logprobs\": null}]}", 200, true}, "--logits_all", 5},
        {{"<html>Please log in</html>", 200, true}, "a login page", 3},
    };
    put_all();
    for (int i = 0; i < COUNT(table); i++) {
        Filter f = table[i].filter;
        Server *s = serve_anew(&f);
        Ran r = ask(commands[0], s, "--skip-bad --chat false");
        need_status(&r, 1);
        says(r.err, table[i].words);
        if (server_requests(s) > table[i].most)
            fail_msg("%d requests: %s", server_requests(s), r.err);
        ran_free(&r);
        server_stop(s);
    }
}

/* The same where all that is left is forbidden, once the way to ask is known: nothing comes out of nothing. */
static void nothing_is_left(void **state)
{
    (void)state;
    Filter f = {filter, 400, false};
    put_all();
    Server *s = serve_anew(&f);
    put_text(test_folder, "pairs.jsonl", "{\"prompt\": \"forbidden\", \"responses\": [\"a\", \"b\"]}\n");
    Ran r = ask(commands[0], s, "--skip-bad");
    need_status(&r, 1);
    says(r.err, "1 of 1 rows have no answer");
    says(r.err, "no row can be used");
    ran_free(&r);
    server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(left_out),        IN_FOLDER(ends_the_command), IN_FOLDER(in_any_way),     IN_FOLDER(not_the_prompts),
        IN_FOLDER(nothing_is_left), IN_FOLDER(fails_forever),    IN_FOLDER(server_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
