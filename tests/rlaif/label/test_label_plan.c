/* What labelling says before it starts, and what it took: tokens, money, time; nothing of what is known already counts. */
#include "elsewhere.h"
#include "program.h"

static void within(double planned, double taken, double share)
{
    if (!(fabs(planned - taken) <= share * taken))
        fail_msg("%g was planned, %g taken", planned, taken);
}

/* FOLDER/many.jsonl: so many pairs of several lengths, every eighth as the one before. */
static char *many_pairs(const Elsewhere *e, int n)
{
    Str rows = {0};
    for (int i = 0; i < n; i++) {
        int k = i % 8 == 7 ? i - 1 : i;
        str_addf(&rows, "{\"prompt\": \"%d", k);
        for (int word = 0; word < 1 + k * 5 % 13; word++)
            str_add(&rows, " \xeb\xb9\x84\xea\xb0\x80 came down");
        str_addf(&rows, "\", \"responses\": [\"yes %d\", \"well, %d no\"]%s}\n", k * k, k,
                 k % 3 ? "" : ", \"preferred\": 0");
    }
    char *path = write_rows(e->scene.folder, "many.jsonl", str_text(&rows));
    str_release(&rows);
    return path;
}

/* What an endpoint took in a call beside what was planned. */
static void plan_met(const json_t *summary, int tokens, int written)
{
    const json_t *plan = json_object_get(summary, "plan");
    double output = written, input = tokens - output, dollars = (0.03 * input + 0.06 * output) / 1000;
    field(plan, "tokens", input);
    field(plan, "written", output);
    close_to(json_number_of(plan, "dollars", -1), dollars, 1e-9);
    within(json_number_of(plan, "planned_tokens", -1), input, 0.15);
    within(json_number_of(plan, "planned_written", -1), output, 0.15);
    within(json_number_of(plan, "planned_dollars", -1), dollars, 0.15);
}

/* Tokens written in answers and texts: the planted judge writes the same text every time. */
static int written_by(const Elsewhere *e, int asked, int texts)
{
    return (e->planted.asked - asked) - (e->planted.written - texts) +
           (e->planted.written - texts) * ((int)strlen(e->planted.writes) / 4 + 1);
}

/* By what the first pairs took all is foreseen within 15 %, whatever a token is there, with rationales and without. */
static void endpoint_plan_is_met(void **state)
{
    (void)state;
    static const double rate[] = {0.25, 0.77};
    for (int i = 0; i < 4; i++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        json_t *summary;
        char *path = many_pairs(e, 40);
        options_put(&label_table, e->options, "pairs", path);
        e->planted.rate = rate[i % 2];
        e->options->judge.cot = i >= 2;
        need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
        plan_met(summary, e->planted.tokens, written_by(e, 0, 0));
        json_decref(summary);
        free(path);
        elsewhere_free(e);
    }
}

/* Of a call that goes on only the rest is foreseen; where all is known, nothing. */
static void known_answers_do_not_count(void **state)
{
    (void)state;
    for (int cot = 0; cot < 2; cot++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        json_t *summary;
        char *path = many_pairs(e, 40);
        options_put(&label_table, e->options, "pairs", path);
        e->options->judge.cot = cot == 1;
        e->planted.rate = 0.5;
        e->options->endpoint.concurrency = 1;
        e->options->endpoint.budget_tokens = 3000;
        assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
        says(err.msg, "the budget ends here");
        err_clear(&err);
        e->options->endpoint.budget_tokens = 0;
        int tokens = e->planted.tokens, asked = e->planted.asked, texts = e->planted.written;
        need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
        assert_true(e->planted.tokens > tokens + 1000);
        plan_met(summary, e->planted.tokens - tokens, written_by(e, asked, texts));
        json_decref(summary);
        /* Other options of settling: every answer is known. */
        asked = e->planted.asked;
        e->options->settle.temperature = 2;
        need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
        assert_int_equal(e->planted.asked, asked);
        const json_t *plan = json_object_get(summary, "plan");
        field(plan, "planned_tokens", 0);
        field(plan, "planned_written", 0);
        field(plan, "planned_dollars", 0);
        json_decref(summary);
        free(path);
        elsewhere_free(e);
    }
}

/* Requests that wait, eight at a time: time goes with their waves, and with their rate where that is slower. */
static void time_of_waves(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        Elsewhere *e = elsewhere_new();
        Err err = {0};
        json_t *summary;
        char *path = many_pairs(e, 40); /* 70 requests: 5 pairs first */
        options_put(&label_table, e->options, "pairs", path);
        e->planted.late = slow ? 0 : 0.15;
        e->options->endpoint.per_minute = slow ? 60 / 0.03 : 0;
        need_ok(label_elsewhere(e, "labels.jsonl", &summary, &err), &err);
        const json_t *plan = json_object_get(summary, "plan");
        within(json_number_of(plan, "planned_seconds", -1), json_number_of(plan, "seconds", -1), 0.4);
        json_decref(summary);
        free(path);
        elsewhere_free(e);
    }
}

/* Where bytes are tokens, what is cut to --max-input has no more tokens than that; what is not cut is refused. */
static void input_is_measured_safely(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Err err = {0};
    Str row = {0};
    str_add(&row, "{\"prompt\": \"");
    for (int i = 0; i < 400; i++)
        str_add(&row, "\xeb\xb9\x84\xea\xb0\x80 \xec\x98\xb5\xeb\x8b\x88\xeb\x8b\xa4 ");
    str_add(&row, "\", \"responses\": [\"a\", \"bc\"]}\n");
    char *path = write_rows(e->scene.folder, "long.jsonl", str_text(&row));
    options_put(&label_table, e->options, "pairs", path);
    e->planted.rate = 0.9;
    e->options->judge.max_input = 4096;
    assert_false(label_elsewhere(e, "labels.jsonl", NULL, &err));
    says(err.msg, "long.jsonl:1: the judge would read up to about ");
    assert_int_equal(e->planted.asked, 0);
    err_clear(&err);
    e->options->judge.cut = CUT_CONTEXT_LEFT;
    need_ok(label_elsewhere(e, "labels.jsonl", NULL, &err), &err);
    assert_int_equal(e->planted.asked, 2);
    assert_true(strlen(e->planted.last) > 3000 && e->planted.tokens / 2 <= 4096 + 1);
    str_release(&row);
    free(path);
    elsewhere_free(e);
}

/* Few pairs too have their time said after the first, and in the end what was planned stands beside what it took. */
static void said_on_the_terminal(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Ran here = run_in(e->scene.folder, "rlaif label pairs.jsonl --model roomy --prompt prompt.yaml -o here.jsonl");
    need_status(&here, 0);
    says(here.err, " seconds for 6 pairs, by the first 1\n");
    says(here.err, "label: planned / taken: 430 / 430 tokens read, ");
    says(here.err, " seconds\n");
    ran_free(&here);
    Ran there = run_in(e->scene.folder,
                       "rlaif label pairs.jsonl --endpoint %s --api-model planted --prompt prompt.yaml -o there.jsonl",
                       server_address(e->server));
    need_status(&there, 0);
    says(there.err, "label: 10 requests of at most about ");
    says(there.err, ": at most about $0.0");
    says(there.err, "label: 2 more are not sent: they are the same as others");
    says(there.err, " seconds for 6 pairs, by the first 1\n");
    says(there.err, "label: planned / taken: ");
    char *taken = mem_printf(" / %d tokens read, 10 / 10 written, ", e->planted.tokens - 10);
    says(there.err, taken);
    free(taken);
    says(there.err, " seconds, $0.00");
    ran_free(&there);
    elsewhere_free(e);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_plan_is_met), cmocka_unit_test(known_answers_do_not_count),
        cmocka_unit_test(time_of_waves),        cmocka_unit_test(input_is_measured_safely),
        cmocka_unit_test(said_on_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
