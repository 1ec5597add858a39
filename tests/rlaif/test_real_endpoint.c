/* A real server of the same weights beside the model here. RLAIF_TEST_ENDPOINT is its address, RLAIF_TEST_API_MODEL the
 * model's name there and RLAIF_TEST_MODEL its file here; without them the test skips. With llama-cpp-python:
 *
 *     python3 -m llama_cpp.server --model FILE --logits_all true --n_ctx 2048 --model_alias NAME */
#include "label_helpers.h"
#include "rlaif/score.h"

static const char *wanted(const char *name)
{
    const char *value = getenv(name);
    if (!value || !value[0])
        skip_aloud(
            "a real server is asked where RLAIF_TEST_ENDPOINT, RLAIF_TEST_API_MODEL and RLAIF_TEST_MODEL are set");
    return value;
}

static const char question[] =
    "{\"prompt\": \"How do I keep bread fresh?\", \"responses\": [\"Keep it in a paper bag, cut side down, and freeze what "
    "you will not eat in two days.\", \"Bread is bread.\"]}\n"
    "{\"prompt\": \"Is it going to rain?\", \"responses\": [\"no\", \"I cannot see your weather, but a forecast for your "
    "town will tell.\"]}\n";

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
        o->endpoint.top = 200;
        o->endpoint.concurrency = 1;
        o->endpoint.timeout = 600;
    } else {
        options_put(&label_table, o, "model", wanted("RLAIF_TEST_MODEL"));
    }
    o->method = method;
    o->judge.chat = CHAT_FALSE;
    return o;
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

/* The same text and the same weights, which the server multiplies in eight bits: labels agree within that. */
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
    char *rows = write_rows(s.folder, "pairs.jsonl", question);
    for (int i = 0; i < COUNT(table); i++) {
        json_t *said[2];
        for (int there = 0; there < 2; there++) {
            Err err = {0};
            const char *name = there ? "there.jsonl" : "here.jsonl";
            LabelOptions *o = ask(rows, table[i].prompt, table[i].method, there);
            need_ok(label(&s, o, name, CPU_AUTO, 2, NULL, &err), &err);
            said[there] = labels_of(&s, name);
            options_free(&label_table, o);
        }
        for (size_t r = 0; r < 2; r++) {
            const json_t *here = json_array_get(said[0], r), *there = json_array_get(said[1], r);
            double logp = part_difference(here, there, table[i].parts, "logp"),
                   number = part_difference(here, there, table[i].parts, table[i].number),
                   mass = part_difference(here, there, table[i].parts, "mass");
            print_message("%s, row %zu: %.3f apart in ln P, %.4f in %s, %.4f in mass\n", table[i].prompt, r, logp,
                          number, table[i].number, mass);
            assert_true(number < 0.1 && mass < 0.1);
        }
        json_decref(said[0]);
        json_decref(said[1]);
    }
    free(rows);
    remove_folder(s.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
