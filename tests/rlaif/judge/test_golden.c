/* Judges against PyTorch: labels in both orders, scores where "10" is two tokens, verdicts, by real models. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/judge/judge.h"

static const double SOFT_LABEL = 5e-5; /* of SmolLM2 in f32 */

/* A judge with a prompt that is written into a file first. */
static Judge *judge_of(Model *m, json_t *prompt)
{
    Err err = {0};
    Judge *j;
    char *folder = make_folder(), *path = path_join(folder, "prompt.yaml"),
         *text = json_text(prompt); /* JSON is YAML */
    need_ok(file_write(path, text, strlen(text), &err) && judge_open(&j, m, path, judge_defaults(CHAT_AUTO), &err),
            &err);
    free(path), free(text);
    remove_folder(folder);
    json_decref(prompt);
    return j;
}

static json_t *prompt_of(const char *kind, const char *preamble, const char *item, const char *ending, json_t *answers)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:o}", "name", "golden", "kind", kind, "chat", 0, "preamble",
                     preamble, "item", item, "ending", ending, "answers", answers);
}

/* Prompts laid out without chat are one text, whose ids these are. */
static void expect_ids(Judge *j, const Model *m, Question q, bool swapped, const json_t *wanted)
{
    Err err = {0};
    Ids ids = {0};
    Layout l;
    int n, *id = golden_ids(wanted, &n);
    need_ok(layout_make(&l, j, &q, 1, q.second != NULL, &err), &err);
    char *text = mem_printf("%s%s", l.asked[swapped].body, l.asked[swapped].ending);
    render_begin(m, &ids);
    need_ok(tokenizer_encode(m->tokenizer, text, strlen(text), 0, &ids, &err), &err);
    if (ids.n != n || memcmp(ids.id, id, (size_t)n * sizeof *id) != 0)
        fail_msg("other ids for \"%.60s\"", q.context);
    layout_release(&l);
    ids_release(&ids);
    free(text);
    free(id);
}

static void expect_verdict(const Verdict *v, const json_t *logp, double mass, double tolerance)
{
    int n;
    double *wanted = golden_numbers(logp, &n);
    for (int i = 0; i < n; i++)
        golden_close("ln P of an answer", v->logp[i], wanted[i], tolerance);
    golden_close("mass", v->mass, mass, tolerance * mass);
    free(wanted);
}

/* --- labels ------------------------------------------------------------------------------------------------------ */

/* "Summary 1: A\nSummary 2: B\nPreferred Summary=" into A and B, which the caller frees. */
static void split_tail(const char *tail, char **a, char **b)
{
    static const char one[] = "Summary 1: ", two[] = "\nSummary 2: ", end[] = "\nPreferred Summary=";
    const char *second = strstr(tail, two);
    assert_true(strncmp(tail, one, strlen(one)) == 0 && second && strlen(second) > strlen(two) + strlen(end));
    const char *from = tail + strlen(one), *rest = second + strlen(two);
    *a = mem_strn(from, (size_t)(second - from));
    *b = mem_strn(rest, strlen(rest) - strlen(end));
    assert_string_equal(rest + strlen(*b), end);
}

static void expect_label(const PairVerdict *v, const json_t *item, double tolerance)
{
    expect_verdict(&v->order[0].verdict, json_object_get(item, "lnp_ab"), json_number_of(item, "mass_ab", NAN),
                   tolerance);
    expect_verdict(&v->order[1].verdict, json_object_get(item, "lnp_ba"), json_number_of(item, "mass_ba", NAN),
                   tolerance);
    golden_close("P(A), A first", v->order[0].p, json_number_of(item, "pref_ab", NAN), SOFT_LABEL);
    golden_close("P(A), B first", v->order[1].p, json_number_of(item, "pref_ba", NAN), SOFT_LABEL);
    golden_close("soft label", v->p, json_number_of(item, "label", NAN), SOFT_LABEL);
    assert_int_equal(v->same_slot,
                     (json_number_of(item, "pref_ab", NAN) > 0.5) != (json_number_of(item, "pref_ba", NAN) > 0.5));
}

/* All comparisons in one call. */
static void labels(void **state)
{
    enum { MOST = 24 };
    const RealGolden *r = *state;
    json_t *golden = golden_of_real(r->golden, "labels", r->model), *item;
    Device *d = open_device(CPU_AUTO, 0);
    Model *m = open_real_model(r->model, HEAD_LM, d);
    Judge *j = judge_of(m, prompt_of("pairwise", json_text_of(golden, "prefix"),
                                     "{context}Summary 1: {response_1}\nSummary 2: {response_2}\n",
                                     "Preferred Summary=", json_pack("[s, s]", "1", "2")));
    Question q[MOST] = {{0}};
    PairVerdict verdict[MOST];
    char *text[MOST][2];
    size_t n;
    Err err = {0};
    json_array_foreach(json_object_get(golden, "items"), n, item)
    {
        assert_true(n < MOST);
        split_tail(json_text_of(item, "tail_ab"), &text[n][0], &text[n][1]);
        q[n] = (Question){
            .where = "a row", .context = json_text_of(item, "context"), .first = text[n][0], .second = text[n][1]};
        expect_ids(j, m, q[n], false, json_object_get(item, "ids_ab"));
        expect_ids(j, m, q[n], true, json_object_get(item, "ids_ba"));
    }
    assert_true(n > 0);
    need_ok(judge_pairs(j, q, (int)n, true, verdict, &err), &err);
    json_array_foreach(json_object_get(golden, "items"), n, item) expect_label(&verdict[n], item, r->model->tolerance);
    for (size_t i = 0; i < n; i++) {
        pair_verdict_release(&verdict[i]);
        free(text[i][0]);
        free(text[i][1]);
    }
    judge_free(j);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

/* --- scores and verdicts ----------------------------------------------------------------------------------------- */

/* Both responses of every item, judged one by one in one call: `part` are the numbers, `pair` the name of the label
 * that follows from two of them. */
static void check_points(Judge *j, const Model *m, const json_t *items, const char *part, const char *pair,
                         double tolerance)
{
    enum { MOST = 12 };
    Question q[MOST] = {{0}};
    Verdict v[MOST];
    Err err = {0};
    int n = 2 * (int)json_array_size(items);
    assert_true(n > 0 && n <= MOST);
    for (int i = 0; i < n; i++) {
        const json_t *item = json_array_get(items, (size_t)i / 2), *responses = json_object_get(item, "responses");
        q[i] = (Question){.where = "a row",
                          .context = json_text_of(item, "context"),
                          .first = json_string_value(json_array_get(responses, (size_t)i % 2))};
        const json_t *wanted = json_array_get(json_object_get(item, part), (size_t)i % 2);
        expect_ids(j, m, q[i], false, json_object_get(wanted, "ids"));
    }
    need_ok(judge_responses(j, q, n, v, &err), &err);
    for (int i = 0; i < n; i++) {
        const json_t *item = json_array_get(items, (size_t)i / 2);
        const json_t *wanted = json_array_get(json_object_get(item, part), (size_t)i % 2);
        expect_verdict(&v[i], json_object_get(wanted, "logp"), json_number_of(wanted, "mass", NAN), tolerance);
        golden_close("reward", judge_reward(j, &v[i]), json_number_of(wanted, "reward", NAN), tolerance);
        if (json_object_get(wanted, "expectation"))
            golden_close("expectation", judge_expectation(j, &v[i]), json_number_of(wanted, "expectation", NAN),
                         10 * tolerance);
        if (i % 2)
            golden_close(pair, verdict_preference(&j->scale, &v[i - 1], &v[i], 1), json_number_of(item, pair, NAN),
                         tolerance);
    }
}

static void expect_answers(const Judge *j, const Model *m, const json_t *answers)
{
    assert_int_equal(j->prompt->answers, json_array_size(answers));
    for (int a = 0; a < j->prompt->answers; a++) {
        Err err = {0};
        Ids ids = {0};
        const char *text = j->prompt->answer[a];
        int n, *id = golden_ids(json_array_get(answers, (size_t)a), &n);
        need_ok(tokenizer_encode(m->tokenizer, text, strlen(text), TOKENIZE_BARE, &ids, &err), &err);
        assert_int_equal(ids.n, n);
        assert_memory_equal(ids.id, id, (size_t)n * sizeof *id);
        ids_release(&ids);
        free(id);
    }
}

static void scores(void **state)
{
    const RealGolden *r = *state;
    need_real_model(r->model);
    json_t *golden = golden_read(r->golden, "scores.json");
    const json_t *mine = json_object_get(golden, r->model->name), *items = json_object_get(mine, "items");
    Device *d = open_device(CPU_AUTO, 0);
    Model *m = open_real_model(r->model, HEAD_LM, d);
    Judge *score = judge_of(
        m, prompt_of("score", json_text_of(golden, "rubric"), "POST: {context}\nSUMMARY: {response}\n", "SCORE: ",
                     json_pack("[s, s, s, s, s, s, s, s, s, s]", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")));
    expect_answers(score, m, json_object_get(mine, "score_answers"));
    check_points(score, m, items, "scores", "p_from_scores", r->model->tolerance);
    judge_free(score);
    Judge *verdict = judge_of(m, prompt_of("verdict", json_text_of(golden, "tone"), "Text: {response}\n",
                                           "Answer:", json_pack("[s, s]", " kind", " unkind")));
    expect_answers(verdict, m, json_object_get(mine, "verdict_answers"));
    check_points(verdict, m, items, "verdicts", "p_from_verdicts", r->model->tolerance);
    judge_free(verdict);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

int main(void)
{
    static struct CMUnitTest tests[2 * REAL_GOLDENS];
    static char name[COUNT(tests)][100];
    int n = 0;
    for (int i = 0; i < REAL_GOLDENS; i++)
        for (int kind = 0; kind < 2; kind++) {
            const RealGolden *r = &real_golden[i];
            if (kind == 0 && r->model != &real_models[0]) /* labels are of the first model only */
                continue;
            snprintf(name[n], sizeof name[n], "%s/%s, %s", r->golden->dir, kind ? "scores" : "labels", r->model->name);
            tests[n].test_func = kind ? scores : labels;
            tests[n].initial_state = (void *)(uintptr_t)r;
            tests[n].name = name[n];
            n++;
        }
    return _cmocka_run_group_tests("golden judges", tests, (size_t)n, NULL, NULL);
}
