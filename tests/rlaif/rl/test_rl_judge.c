/* Reinforcement learning with a direct judge: what it reads and answers is on record and is made again. */
#include "endpoint_helpers.h"
#include "training.h"

#include "rlaif/rl/inspect.h"
#include "rlaif/rl/rl.h"
#include "store/statement.h"

static const char score_prompt[] = "name: scored\n"
                                   "kind: score\n"
                                   "system: \"You rate.\"\n"
                                   "item: \"{context}|{response}\\n\"\n"
                                   "ending: \"Score: \"\n"
                                   "answers: [\"1\", \"5\", \"9\"]\n";

/* Two steps into the directory and the store's stage `name`. */
static bool train(Bench *b, const char *name, const char *judge, const char *more, Err *err)
{
    char output[20];
    snprintf(output, sizeof output, "output=@%s", name);
    bench_write(b, "scored.yaml", score_prompt);
    return bench_run(b, &rl_table, rl_stage, name, err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR, output,
                     judge, more, "prompt=@scored.yaml", "steps=2", "batch=2", "samples=2", "baseline=group",
                     "max-new-tokens=6", "lr=2e-3", NULL);
}

/* Every rollout is as recorded, and of the judge it is said where its answer came from. */
static void all_again(Bench *b, const char *name, JudgeAgain judge)
{
    for (int k = 0; k < 8; k++) {
        Err err = {0};
        RolloutInspection i;
        need_ok(rl_inspect(&b->work, b->folder, name, k / 4, k % 4, &i, &err), &err);
        if (i.different || i.judge != judge)
            fail_msg("%s, step %d, rollout %d: other %s; judge %d", name, k / 4, k % 4, i.different, (int)i.judge);
        rollout_inspection_release(&i);
    }
}

/* Puts a rollout of step 0 in another's place. */
static void record(Bench *b, const char *name, int sample, const json_t *row)
{
    Err err = {0};
    StageRow stage;
    bool present;
    char *text = json_text(row);
    need_ok(store_stage_find(b->work.store, name, &stage, &present, &err) &&
                store_rollout(b->work.store, stage.id, 0, sample, text, &err),
            &err);
    stage_row_release(&stage);
    free(text);
}

static void differs_in(Bench *b, const char *name, const char *field)
{
    Err err = {0};
    RolloutInspection i;
    need_ok(rl_inspect(&b->work, b->folder, name, 0, 1, &i, &err), &err);
    if (!i.different || strcmp(i.different, field) != 0)
        fail_msg("%s, not %s", i.different, field);
    rollout_inspection_release(&i);
}

/* One statement without results. */
static void alter_store(Bench *b, const char *sql)
{
    Err err = {0};
    Statement t;
    need_ok(store_prepare(b->work.store, sql, &t, &err) && statement_run(&t, &err), &err);
}

/* The judgment on record is what a judge says of the texts on record. */
static void judged_as_recorded(Bench *b, const json_t *row)
{
    Err err = {0};
    Model *m;
    Judge *j;
    Verdict v = {0};
    char *prompt = bench_path(b, "scored.yaml");
    Question q = {.where = "x:1", .context = json_text_of(row, "prompt"), .first = json_text_of(row, "response")};
    need_ok(model_load(&m, TINY_LLAMA_DIR, b->work.device, HEAD_LM, &err) &&
                judge_open(&j, m, prompt, judge_defaults(CHAT_AUTO), &err) && judge_responses(j, &q, 1, &v, &err),
            &err);
    json_t *said = judgment_json(j, &v);
    char *x = json_text(said), *y = json_text(json_object_get(row, "judgment"));
    assert_string_equal(x, y);
    free(x);
    free(y);
    json_decref(said);
    judge_free(j);
    model_free(m);
    free(prompt);
}

/* The prompt is that of the chat template, and what it holds is on record. */
static void a_model_judges(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    char digits[HASH_TEXT], *wanted;
    bench_open(&b, CPU_AUTO, 1);
    need_ok(train(&b, "rl", "judge=" TINY_LLAMA_DIR, "save-every=1", &err), &err);
    all_again(&b, "rl", AGAIN_ASKED);

    need_ok(rl_inspect(&b.work, b.folder, "rl", 0, 1, &i, &err), &err);
    const json_t *row = i.recorded, *judgment = json_object_get(row, "judgment");
    wanted = mem_printf("<|begin|>system\nYou rate.<|end|>\n<|begin|>user\n%s|%s\n<|end|>\n<|begin|>assistant\nScore: ",
                        json_text_of(row, "prompt"), json_text_of(row, "response"));
    assert_string_equal(i.judge_prompt, wanted);
    hash_bytes(wanted, strlen(wanted), digits);
    free(wanted);
    wanted = mem_printf("sha256:%s", digits);
    assert_string_equal(json_text_of(row, "judge_prompt_hash"), wanted);
    free(wanted);
    assert_int_equal((int)json_array_size(json_object_get(judgment, "logp")), 3);
    double e = json_number_of(judgment, "expectation", (double)NAN);
    close_to(json_number_of(row, "reward", (double)NAN), (e - 5) / 4, 1e-12);
    assert_non_null(strstr(json_text_of(row, "response"), "\xef\xbf\xbd")); /* the policy wrote what is no UTF-8 */
    judged_as_recorded(&b, row);

    json_t *logp = json_object_get(judgment, "logp"), *was = json_incref(json_array_get(logp, 1));
    json_array_set_new(logp, 1, json_real(json_number_value(was) + 1e-9));
    record(&b, "rl", 1, i.recorded);
    differs_in(&b, "rl", "judgment");
    json_array_set_new(logp, 1, was);
    json_object_set_new(i.recorded, "judge_prompt_hash", json_string("sha256:of another"));
    record(&b, "rl", 1, i.recorded);
    differs_in(&b, "rl", "judge_prompt_hash");
    rollout_inspection_release(&i);
    bench_end(&b);
}

/* A store of a version that kept neither: the rest is compared, and what is missing is said. */
static void not_on_record(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    bench_open(&b, CPU_AUTO, 1);
    need_ok(train(&b, "rl", "judge=" TINY_LLAMA_DIR, "save-every=1", &err), &err);
    need_ok(rl_inspect(&b.work, b.folder, "rl", 0, 1, &i, &err), &err);
    json_object_del(i.recorded, "judgment");
    json_object_del(i.recorded, "judge_prompt_hash");
    record(&b, "rl", 1, i.recorded);
    rollout_inspection_release(&i);
    need_ok(rl_inspect(&b.work, b.folder, "rl", 0, 1, &i, &err), &err);
    assert_null(i.different);
    assert_int_equal(i.judge, AGAIN_NOT_RECORDED);
    json_object_set_new(i.recorded, "reward", json_real(0.125));
    record(&b, "rl", 1, i.recorded);
    differs_in(&b, "rl", "reward");
    rollout_inspection_release(&i);

    alter_store(&b, "UPDATE stage SET about = json_remove(about, '$.options.top-p')");
    differs_in(&b, "rl", "reward"); /* a newer option at its default is none */
    alter_store(&b, "UPDATE stage SET about = json_remove(about, '$.options.steps')");
    assert_false(rl_inspect(&b.work, b.folder, "rl", 0, 1, &i, &err));
    assert_non_null(strstr(err.msg, "the options of stage \"rl\" are not what they were"));
    rollout_inspection_release(&i);
    bench_end(&b);
}

/* --- an endpoint ------------------------------------------------------------------------------------------ */

typedef struct Elsewhere {
    double p; /* of "1" */
    bool chat;
    int refuses; /* of prompts so many bytes long, and multiples, none is answered; 0: all are */
    int status;  /* that they get */
    int asked;
    char last[4000]; /* prompt */
} Elsewhere;

static void scores(void *context, const ServerRequest *q, ServerReply *r)
{
    Elsewhere *e = context;
    Err err = {0};
    json_t *body, *list = json_array();
    bool chat = str_ends(q->path, "/chat/completions");
    if (chat != e->chat) {
        r->status = 404;
        r->body = mem_str("{}");
        json_decref(list);
        return;
    }
    need_ok(json_parse(q->body, strlen(q->body), "a request", &body, &err), &err);
    const json_t *messages = json_object_get(body, "messages");
    snprintf(e->last, sizeof e->last, "%s",
             chat ? json_text_of(json_array_get(messages, 1), "content") : json_text_of(body, "prompt"));
    if (chat)
        assert_string_equal(json_text_of(json_array_get(messages, 0), "content"), "You rate.");
    e->asked++;
    if (e->refuses > 0 && strlen(e->last) % (size_t)e->refuses == 0) {
        r->status = e->status;
        r->body = mem_str("{\"error\": {\"message\": \"filtered\"}}");
        json_decref(list);
        json_decref(body);
        return;
    }
    add_probable(list, "1", e->p * (double)(strlen(e->last) % 7) / 7);
    add_probable(list, "5", 0.2);
    add_probable(list, "9", 0.1);
    r->body = endpoint_reply(list, "1", chat, true, 10);
    json_decref(body);
}

/* What the store no longer has is asked for anew, and need not be the same. */
static void all_again_elsewhere(Bench *b, Elsewhere *e, int asked)
{
    Err err = {0};
    RolloutInspection i;
    bool anew = false;
    for (int k = 0; k < 8; k++) {
        need_ok(rl_inspect(&b->work, b->folder, "rl", k / 4, k % 4, &i, &err), &err);
        assert_null(i.different);
        anew = anew || i.judge == AGAIN_ELSEWHERE;
        rollout_inspection_release(&i);
    }
    assert_true(anew && e->asked > asked);
    alter_store(b, "DELETE FROM answer");
    e->p = 0.4;
    need_ok(rl_inspect(&b->work, b->folder, "rl", 0, 0, &i, &err), &err);
    assert_string_equal(i.different, "reward");
    assert_int_equal(i.judge, AGAIN_ELSEWHERE);
    rollout_inspection_release(&i);
}

/* The store kept the replies: the endpoint may be gone. Where it has not all of them, they are asked for anew. */
static void an_endpoint_judges(void **state)
{
    (void)state;
    for (int chat = 0; chat < 2; chat++) {
        Bench b;
        Err err = {0};
        RolloutInspection i;
        Elsewhere e = {.p = 0.5, .chat = chat == 1};
        Server *server = server_start(scores, &e);
        char *endpoint = mem_printf("endpoint=%s", server_address(server));
        bench_open(&b, CPU_AUTO, 1);
        need_ok(train(&b, "rl", endpoint, "api-model=planted", &err), &err);
        int asked = e.asked;
        assert_true(asked >= 8);
        all_again(&b, "rl", AGAIN_KEPT);
        assert_int_equal(e.asked, asked);
        need_ok(rl_inspect(&b.work, b.folder, "rl", 1, 2, &i, &err), &err);
        char *wanted = mem_printf("%s%s|%s\nScore: ", chat ? "You rate.\n\n" : "", json_text_of(i.recorded, "prompt"),
                                  json_text_of(i.recorded, "response"));
        assert_string_equal(i.judge_prompt, wanted);
        free(wanted);
        assert_non_null(json_object_get(json_object_get(i.recorded, "judgment"), "endpoint"));
        rollout_inspection_release(&i);

        alter_store(&b, "DELETE FROM answer WHERE key IN (SELECT key FROM answer LIMIT 5)");
        all_again_elsewhere(&b, &e, asked);
        bench_end(&b);
        server_stop(server);
        free(endpoint);
    }
}

/* A part of several without a judge of its own is for the endpoint; a part that has one is not. */
static void an_endpoint_judges_a_part(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    Elsewhere e = {.p = 0.5};
    Server *server = server_start(scores, &e);
    char *endpoint = mem_printf("endpoint=%s", server_address(server));
    bench_open(&b, CPU_AUTO, 1);
    bench_write(&b, "scored.yaml", score_prompt);
    char *prompt = bench_path(&b, "scored.yaml"),
         *list = mem_printf("- {judge: " TINY_LLAMA_DIR ", prompt: %s, weight: 2}\n- {prompt: %s}\n", prompt, prompt);
    bench_write(&b, "list.yaml", list);
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@rl", "rewards=@list.yaml", endpoint, "api-model=planted", "steps=2", "batch=2",
                      "samples=2", "baseline=group", "max-new-tokens=6", NULL),
            &err);
    int asked = e.asked;
    assert_true(asked >= 8 && asked < 16);
    close_to(json_number_of(json_object_get(b.work.summary, "endpoint"), "requests", 0), asked, 0);
    all_again(&b, "rl", AGAIN_KEPT);
    assert_int_equal(e.asked, asked);
    need_ok(rl_inspect(&b.work, b.folder, "rl", 1, 2, &i, &err), &err);
    json_t *parts = json_object_get(i.recorded, "rewards"), *here = json_array_get(parts, 0),
           *there = json_array_get(parts, 1);
    assert_null(json_object_get(json_object_get(here, "judgment"), "endpoint"));
    assert_non_null(json_object_get(json_object_get(there, "judgment"), "endpoint"));
    assert_string_equal(json_text_of(there, "name"), "scored 2");
    close_to(json_number_of(i.recorded, "reward", (double)NAN),
             2 * json_number_of(here, "reward", (double)NAN) + json_number_of(there, "reward", (double)NAN), 1e-12);
    rollout_inspection_release(&i);
    free(list);
    free(prompt);
    bench_end(&b);
    server_stop(server);
    free(endpoint);
}

/* Of step k's samples 2i and 2i + 1, which answer one prompt: what was not judged has the other's reward, or 0. Returns how
 * many were not judged. */
static int refused_have_the_others(Bench *b)
{
    int refused = 0;
    for (int k = 0; k < 8; k += 2) {
        Err err = {0};
        RolloutInspection i[2];
        bool judged[2];
        double reward[2];
        for (int s = 0; s < 2; s++) {
            need_ok(rl_inspect(&b->work, b->folder, "rl", k / 4, k % 4 + s, &i[s], &err), &err);
            if (i[s].different || i[s].judge != AGAIN_KEPT)
                fail_msg("rollout %d: other %s", k + s, i[s].different);
            judged[s] = json_is_object(json_object_get(i[s].recorded, "judgment"));
            reward[s] = json_number_of(i[s].recorded, "reward", (double)NAN);
            refused += !judged[s];
            rollout_inspection_release(&i[s]);
        }
        if (judged[0] != judged[1])
            close_to(reward[0], reward[1], 0);
        else if (!judged[0])
            assert_true(reward[0] == 0 && reward[1] == 0);
    }
    return refused;
}

/* What an endpoint will never judge, or fails on however often it is asked, ends the training, or with skip-bad tells nothing; it
 * is kept as any answer. */
static void refuses_with(int status)
{
    Bench b;
    Err err = {0};
    Elsewhere e = {.p = 0.5, .refuses = 2};
    Server *server = server_start(scores, &e);
    char *endpoint = mem_printf("endpoint=%s", server_address(server));
    bench_open(&b, CPU_AUTO, 1);
    /* which also writes the prompt; a fault of the server would be asked for nine times */
    e.status = 400;
    assert_false(train(&b, "rl", endpoint, "api-model=planted", &err));
    assert_non_null(strstr(err.msg, "filtered"));
    err_clear(&err);
    e.status = status;
    int shown = errors_hide();
    bool ok =
        bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR, "output=@rl",
                  endpoint, "api-model=planted", "prompt=@scored.yaml", "steps=2", "batch=2", "samples=2",
                  "baseline=group", "max-new-tokens=6", "lr=2e-3", "retries=0", "skip-bad=true", NULL);
    errors_show(shown);
    need_ok(ok, &err);
    int asked = e.asked, refused = refused_have_the_others(&b);
    assert_true(refused > 0 && refused < 8);
    assert_int_equal(e.asked, asked);
    close_to(json_number_of(b.work.summary, "judge_refused", 0), refused, 0);
    bench_end(&b);
    server_stop(server);
    free(endpoint);
}

static void an_endpoint_refuses(void **state)
{
    (void)state;
    refuses_with(400);
    refuses_with(500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_judges),      cmocka_unit_test(not_on_record),
        cmocka_unit_test(an_endpoint_judges),  cmocka_unit_test(an_endpoint_judges_a_part),
        cmocka_unit_test(an_endpoint_refuses),
    };
    return cmocka_run_group_tests_name("rl_judge", tests, NULL, NULL);
}
