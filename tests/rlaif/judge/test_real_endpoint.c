/* A real server of the same weights beside the model here: labels, rationales, a chat and scores. RLAIF_TEST_ENDPOINT is its
 * address, RLAIF_TEST_API_MODEL the model's name there and RLAIF_TEST_MODEL its file here; without them the tests skip.
 * tools/test_endpoint starts one and sets them. */
#include "label_helpers.h"
#include "rlaif/label/score.h"

static const char *wanted(const char *name)
{
    const char *value = getenv(name);
    if (!value || !value[0])
        skip_aloud("a real server is asked where RLAIF_TEST_ENDPOINT, RLAIF_TEST_API_MODEL and RLAIF_TEST_MODEL are "
                   "set, as tools/test_endpoint does");
    return value;
}

static const char question[] =
    "{\"prompt\": \"How do I keep bread fresh?\", \"responses\": [\"Keep it in a paper bag, cut side down, and freeze what "
    "you will not eat in two days.\", \"Bread is bread.\"]}\n"
    "{\"prompt\": \"Is it going to rain?\", \"responses\": [\"no\", \"I cannot see your weather, but a forecast for your "
    "town will tell.\"]}\n";

/* The server multiplies in eight bits, so that its numbers are near ours, not equal. */
static const double NEAR = 0.1;

static void set_endpoint(EndpointOptions *e)
{
    e->top = 200;
    e->concurrency = 1;
    e->timeout = 600;
}

/* Options of both judges: the one there where `there`, else the one here. */
static LabelOptions *ask(const char *rows, const char *prompt, int method, bool there)
{
    Err err = {0};
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", rows);
    need_ok(options_set(&label_table, o, "prompt", prompt, "a test", &err), &err);
    if (there) {
        options_put(&label_table, o, "endpoint", wanted("RLAIF_TEST_ENDPOINT"));
        options_put(&label_table, o, "api-model", wanted("RLAIF_TEST_API_MODEL"));
        set_endpoint(&o->endpoint);
    } else {
        options_put(&label_table, o, "model", wanted("RLAIF_TEST_MODEL"));
    }
    o->method = method;
    o->judge.chat = CHAT_FALSE;
    return o;
}

/* What both say of the question: said[0] here, said[1] there. `change` sets more options. */
static void label_both(const Scene *s, const char *prompt, int method, void (*change)(LabelOptions *o, bool there),
                       json_t *said[2])
{
    char *rows = write_rows(s->folder, "pairs.jsonl", question);
    for (int there = 0; there < 2; there++) {
        Err err = {0};
        const char *name = there ? "there.jsonl" : "here.jsonl";
        LabelOptions *o = ask(rows, prompt, method, there);
        if (change)
            change(o, there);
        need_ok(label(s, o, name, CPU_AUTO, 2, NULL, &err), &err);
        said[there] = labels_of(s, name);
        options_free(&label_table, o);
    }
    free(rows);
}

static int tokens_of(const json_t *label, const char *which)
{
    return (int)json_number_of(json_object_get(label, "tokens"), which, -1);
}

/* Largest difference of the numbers under a key, over the parts (orders or scores) of two labels. */
static double part_difference(const json_t *a, const json_t *b, const char *parts, const char *key)
{
    double most = 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *x = json_object_get(json_array_get(json_object_get(a, parts), i), key),
                     *y = json_object_get(json_array_get(json_object_get(b, parts), i), key);
        for (size_t k = 0; json_is_array(x) ? k < json_array_size(x) : k < 1; k++) {
            double gap = fabs(json_number_value(json_is_array(x) ? json_array_get(x, k) : x) -
                              json_number_value(json_is_array(y) ? json_array_get(y, k) : y));
            most = gap > most ? gap : most;
        }
    }
    return most;
}

static void near_labels(const char *prompt, const char *parts, const char *number, const json_t *here,
                        const json_t *there)
{
    double logp = part_difference(here, there, parts, "logp"), gap = part_difference(here, there, parts, number),
           mass = part_difference(here, there, parts, "mass");
    print_message("%s: %.3f apart in ln P, %.4f in %s, %.4f in mass\n", prompt, logp, gap, number, mass);
    assert_true(gap < NEAR && mass < NEAR);
}

/* The same text and the same weights: labels agree. */
static void same_labels(void **state)
{
    (void)state;
    wanted("RLAIF_TEST_ENDPOINT");
    static const struct {
        const char *prompt, *parts, *number;
        int method;
    } table[] = {{"helpful-base", "orders", "p", LABEL_PAIRWISE},
                 {"helpful-score", "scores", "reward", LABEL_POINTWISE}};
    Scene s = {.folder = make_folder()};
    for (int i = 0; i < COUNT(table); i++) {
        json_t *said[2];
        label_both(&s, table[i].prompt, table[i].method, NULL, said);
        for (size_t r = 0; r < 2; r++) {
            const json_t *here = json_array_get(said[0], r), *there = json_array_get(said[1], r);
            near_labels(table[i].prompt, table[i].parts, table[i].number, here, there);
            if (table[i].method == LABEL_PAIRWISE) /* "1" of "10" is asked for again */
                assert_int_equal(tokens_of(here, "input"), tokens_of(there, "input"));
        }
        json_decref(said[0]);
        json_decref(said[1]);
    }
    remove_folder(s.folder);
}

enum { THOUGHT = 12 }; /* tokens of a rationale */
static const char thought_prompt[] =
    "name: thought\nkind: pairwise\nchat: false\nitem: \"Question: {context}\\nReply 1: {response_1}\\nReply 2: "
    "{response_2}\\n\"\nending: \"The better reply is number \"\nanswers: [\"1\", \"2\"]\n"
    "cot:\n  ending: \"In a few words, what is the difference?\\n\"\n  join: \"\\n\"\n  max-new-tokens: 12\n";

static void with_rationale(LabelOptions *o, bool there)
{
    (void)there;
    o->judge.cot = true;
}

/* Do both have the same first word? */
static bool begin_alike(const char *a, const char *b)
{
    static const char blanks[] = " \t\r\n";
    a += strspn(a, blanks);
    b += strspn(b, blanks);
    size_t n = strcspn(a, blanks);
    return n > 0 && strcspn(b, blanks) == n && memcmp(a, b, n) == 0;
}

/* Both write a rationale for each order, of no more tokens than are asked for, and answer after it. Where one word is about
 * as probable as another the two go different ways; where they wrote the same they say the same. */
static void rationales(void **state)
{
    (void)state;
    wanted("RLAIF_TEST_ENDPOINT");
    Scene s = {.folder = make_folder()};
    char *prompt = write_rows(s.folder, "thought.yaml", thought_prompt);
    json_t *said[2];
    int first = 0, same = 0;
    label_both(&s, prompt, LABEL_PAIRWISE, with_rationale, said);
    for (size_t r = 0; r < 2; r++) {
        const json_t *here = json_array_get(said[0], r), *there = json_array_get(said[1], r),
                     *x = json_object_get(here, "rationales"), *y = json_object_get(there, "rationales");
        bool all = true;
        assert_int_equal(json_array_size(x), 2);
        assert_int_equal(json_array_size(y), 2);
        assert_in_range(tokens_of(there, "output"), 2, 2 * THOUGHT);
        for (size_t k = 0; k < 2; k++) {
            const char *a = json_string_value(json_array_get(x, k)), *b = json_string_value(json_array_get(y, k));
            print_message("here:  %s\nthere: %s\n", a, b);
            all = all && strcmp(a, b) == 0;
            first += begin_alike(a, b);
        }
        same += all;
        if (all)
            near_labels("thought", "orders", "p", here, there);
    }
    print_message("%d of 4 rationales begin with the same word, of %d of 2 rows both are the same\n", first, same);
    assert_true(first > 0);
    json_decref(said[0]);
    json_decref(said[1]);
    free(prompt);
    remove_folder(s.folder);
}

/* All of it is the user's message, there and here: nothing is put into the model's mouth. */
static const char chat_prompt[] =
    "name: asked\nkind: pairwise\nchat: true\nitem: \"{context}\\n\\n1: {response_1}\\n2: {response_2}\\n\\nWhich reply is "
    "better? Say 1 or 2 and nothing else.\"\nending: \"\"\nanswers: [\"1\", \"2\"]\n";

static void with_chat(LabelOptions *o, bool there)
{
    o->judge.chat = CHAT_TRUE;
    if (there)
        o->endpoint.kind = ENDPOINT_CHAT;
}

/* The server lays the conversation out by the template of the same file: as many tokens, and the same labels. */
static void chats(void **state)
{
    (void)state;
    Err err = {0};
    Model *m;
    need_ok(model_load_text(&m, wanted("RLAIF_TEST_MODEL"), 0, &err), &err);
    bool can = m->chat != NULL;
    model_free(m);
    wanted("RLAIF_TEST_ENDPOINT");
    if (!can)
        skip_aloud("the model has no chat template");
    Scene s = {.folder = make_folder()};
    char *prompt = write_rows(s.folder, "asked.yaml", chat_prompt);
    json_t *said[2];
    label_both(&s, prompt, LABEL_PAIRWISE, with_chat, said);
    for (size_t r = 0; r < 2; r++) {
        const json_t *here = json_array_get(said[0], r), *there = json_array_get(said[1], r);
        assert_string_equal(json_text_of(json_object_get(there, "endpoint"), "kind"), "chat");
        assert_int_equal(tokens_of(here, "input"), tokens_of(there, "input"));
        near_labels("asked", "orders", "p", here, there);
    }
    json_decref(said[0]);
    json_decref(said[1]);
    free(prompt);
    remove_folder(s.folder);
}

/* Scores of single responses, as `rlaif score` gives them: rows with `score` and `judgment`. */
static json_t *scores(const Scene *s, const char *rows, bool there)
{
    Err err = {0};
    ScoreOptions *o = options_new(&score_table);
    options_put(&score_table, o, "rows", rows);
    options_put(&score_table, o, "prompt", "helpful-score");
    options_put(&score_table, o, there ? "endpoint" : "model",
                wanted(there ? "RLAIF_TEST_ENDPOINT" : "RLAIF_TEST_MODEL"));
    if (there) {
        options_put(&score_table, o, "api-model", wanted("RLAIF_TEST_API_MODEL"));
        set_endpoint(&o->endpoint);
    }
    o->chat = CHAT_FALSE;
    char *path = path_join(s->folder, there ? "there.jsonl" : "here.jsonl");
    options_put(&score_table, o, "output", path);
    Work w = {.common = &o->common, .environment.key = getenv("OPENAI_API_KEY")};
    need_ok(device_open(&w.device, CPU_AUTO, 2, &err) && work_open_store(&w, o->output, &err) &&
                score_stage(&w, "score", o, &err),
            &err);
    work_free(&w);
    options_free(&score_table, o);
    Rows out;
    json_t *list = json_array();
    need_ok(rows_read(&out, path, 0, false, &err), &err);
    for (int i = 0; i < out.n; i++)
        json_array_append(list, out.row[i].json);
    rows_release(&out);
    free(path);
    return list;
}

static void same_scores(void **state)
{
    (void)state;
    wanted("RLAIF_TEST_ENDPOINT");
    Scene s = {.folder = make_folder()};
    char *rows = write_rows(s.folder, "rows.jsonl", question);
    json_t *here = scores(&s, rows, false), *there = scores(&s, rows, true);
    for (size_t i = 0; i < 4; i++) {
        const json_t *x = json_array_get(here, i / 2), *y = json_array_get(there, i / 2);
        double a = json_number_value(json_array_get(json_object_get(x, "score"), i % 2)),
               b = json_number_value(json_array_get(json_object_get(y, "score"), i % 2)),
               mass = json_number_of(json_array_get(json_object_get(x, "judgment"), i % 2), "mass", -1),
               mass_there = json_number_of(json_array_get(json_object_get(y, "judgment"), i % 2), "mass", -1);
        print_message("score %.4f here, %.4f there; mass %.4f, %.4f\n", a, b, mass, mass_there);
        assert_true(fabs(a - b) < NEAR && fabs(mass - mass_there) < NEAR);
    }
    json_decref(here);
    json_decref(there);
    free(rows);
    remove_folder(s.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_labels), cmocka_unit_test(rationales),
                                       cmocka_unit_test(chats), cmocka_unit_test(same_scores)};
    return cmocka_run_group_tests_name("a real endpoint", tests, NULL, NULL);
}
