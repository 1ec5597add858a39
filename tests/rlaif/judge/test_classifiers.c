/* Reward models of others: the scores that transformers gives, whatever stands beside a row; what they read of one. */
#include "classifier_helpers.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/rows/row.h"
#include "tensor/cpu.h"

static const char *const families[] = {"llama",  "mistral", "qwen2", "qwen3",  "gemma2",
                                       "gemma3", "phi3",    "gpt2",  "gptneox"};
enum { MOST_ROWS = 8 };

typedef struct World {
    json_t *golden;
    Rows rows;
    Device *device;
    RewardModel *model;
} World;

/* The rows of scores.json, with `more` fields each. */
static void read_rows(World *w, const char *more)
{
    Err err = {0};
    Str text = {0};
    size_t i;
    json_t *row;
    need_ok(json_read_file(CLASSIFIERS "/scores.json", &w->golden, &err), &err);
    json_array_foreach(json_object_get(w->golden, "rows"), i, row)
    {
        char *line = json_text(row);
        str_addf(&text, "%.*s%s}\n", (int)strlen(line) - 1, line, more);
        free(line);
    }
    need_ok(rows_parse(&w->rows, "x", str_text(&text), text.n, 0, &err) &&
                rows_view(&w->rows, NEED_RESPONSES, false, &err),
            &err);
    assert_true(w->rows.n >= 4 && w->rows.n <= MOST_ROWS);
    str_release(&text);
}

static void open_world(World *w, const char *dir, int threads, const char *more)
{
    Err err = {0};
    *w = (World){.device = open_device(CPU_AUTO, threads)};
    read_rows(w, more);
    need_ok(reward_model_open(&w->model, dir, w->device, CHAT_DATE, CHAT_AUTO, &err), &err);
}

static void close_world(World *w)
{
    reward_model_free(w->model);
    device_free(w->device);
    rows_release(&w->rows);
    json_decref(w->golden);
}

/* Rewards of n rows, given by their numbers. */
static void rewards_of(World *w, const int *index, int n, double *reward)
{
    Err err = {0};
    Rewarded row[MOST_ROWS];
    for (int i = 0; i < n; i++)
        row[i] = (Rewarded){.view = &w->rows.row[index[i]].view, .where = "x"};
    need_ok(reward_model_rows(w->model, row, n, (Room){0}, reward, &err), &err);
}

static char *classifier(const char *family)
{
    put_classifier(test_folder, family, family);
    return path_join(test_folder, family);
}

static void as_transformers(void **state)
{
    (void)state;
    static const int order[] = {0, 1, 2, 3};
    for (int f = 0; f < COUNT(families); f++) {
        World w;
        double reward[MOST_ROWS];
        char *dir = classifier(families[f]);
        open_world(&w, dir, 2, "");
        const json_t *wanted = json_object_get(json_object_get(w.golden, "scores"), families[f]);
        rewards_of(&w, order, COUNT(order), reward);
        for (int i = 0; i < COUNT(order); i++) {
            double said = json_number_value(json_array_get(wanted, (size_t)i));
            if (!(fabs(reward[i] - said) < 2e-5))
                fail_msg("%s, row %d: %.9g, transformers says %.9g", families[f], i + 1, reward[i], said);
        }
        assert_true(fabs(reward[0] - reward[1]) > 1e-3);
        close_world(&w);
        free(dir);
    }
}

/* In another order, alone, on one thread: the same bits. */
static void alone_the_same_bits(void **state)
{
    (void)state;
    static const int order[] = {0, 1, 2, 3}, turned[] = {3, 1, 0, 2};
    for (int f = 0; f < COUNT(families); f++) {
        World w, one;
        double reward[MOST_ROWS], other[MOST_ROWS], alone;
        char *dir = classifier(families[f]);
        open_world(&w, dir, 2, "");
        open_world(&one, dir, 1, "");
        rewards_of(&w, order, 4, reward);
        rewards_of(&one, turned, 4, other);
        for (int i = 0; i < 4; i++) {
            rewards_of(&one, &turned[i], 1, &alone);
            assert_memory_equal(&other[i], &reward[turned[i]], sizeof alone);
            assert_memory_equal(&alone, &other[i], sizeof alone);
        }
        close_world(&one);
        close_world(&w);
        free(dir);
    }
}

/* What the model reads of the second row: the template's turns, up to the last token that is no padding. */
static void reads(World *w, const char *wanted)
{
    Err err = {0};
    Ids ids = {0};
    Str text = {0};
    Rewarded row = {.view = &w->rows.row[1].view, .where = "x"};
    need_ok(reward_model_render(w->model, &row, 1, (Room){0}, &ids, &err), &err);
    tokenizer_decode(w->model->model->tokenizer, ids.id, ids.n, TOKENIZE_SPECIAL, &text);
    assert_string_equal(str_text(&text), wanted);
    str_release(&text);
    ids_release(&ids);
}

#define TURNS(between, end) "<|begin|>user\nIs rain good for the garden?<|end|>" between "<|begin|>assistant\nNo." end

static void last_tokens(void **state)
{
    (void)state;
    World w;
    char *qwen3 = classifier("qwen3"), *mistral = classifier("mistral"), *gemma2 = classifier("gemma2");
    open_world(&w, qwen3, 1, "");
    reads(&w, TURNS("\n", "<|end|>\n"));
    close_world(&w);
    open_world(&w, qwen3, 1, ", \"ended\": false"); /* the template ends it in any case */
    reads(&w, TURNS("\n", "<|end|>\n"));
    close_world(&w);
    open_world(&w, mistral, 1, ""); /* <|end|> is its padding */
    assert_int_equal(w.model->model->config.pad, 2);
    reads(&w, TURNS("", ""));
    close_world(&w);
    put_changed(test_folder, "gemma2", "config.json", "  \"pad_token_id\": 0,\n", "");
    open_world(&w, gemma2, 1, ""); /* its class's own padding, where config.json says nothing of it */
    assert_int_equal(w.model->model->config.pad, 0);
    reads(&w, TURNS("", "<|end|>"));
    close_world(&w);
    put_changed(test_folder, "gemma2", "config.json", "\"vocab_size\"", "\"pad_token_id\": null, \"vocab_size\"");
    open_world(&w, gemma2, 1, ""); /* none */
    reads(&w, TURNS("", "<|end|><|endoftext|>"));
    close_world(&w);
    free(qwen3);
    free(mistral);
    free(gemma2);
}

/* One that this program trained is read as it was trained: up to the end of the response, whatever the padding is. */
static void own_are_read_as_trained(void **state)
{
    (void)state;
    World w;
    Err err = {0};
    char *mistral = classifier("mistral"), *own = path_join(test_folder, "own");
    open_world(&w, mistral, 1, "");
    Model *m = w.model->model;
    char *copy = path_join(test_folder, "copy");
    need_ok(model_save(m, copy, &err), &err);
    m->notes = json_pack("{s:f, s:f, s:b}", "centre", 0.5, "scale", 2.0, "chat", 1);
    need_ok(model_save(m, own, &err), &err);
    close_world(&w);
    open_world(&w, own, 1, "");
    assert_int_equal(w.model->model->config.pad, -1);
    assert_true(w.model->centre == 0.5 && w.model->scale == 2.0);
    reads(&w, TURNS("", "<|end|>"));
    close_world(&w);
    open_world(&w, copy, 1, ""); /* still another's */
    reads(&w, TURNS("", ""));
    close_world(&w);
    free(mistral);
    free(copy);
    free(own);
}

/* The head under other names, in classes of others. */
static void other_names(void **state)
{
    (void)state;
    static const char *const heads[] = {"regression_head.weight", "v_head.weight", "value_head.weight",
                                        "classifier.weight"};
    static const int order[] = {0, 1, 2, 3};
    World w;
    double reward[4], other[4];
    char *dir = classifier("mistral");
    open_world(&w, dir, 1, "");
    rewards_of(&w, order, 4, reward);
    close_world(&w);
    for (int i = 0; i < COUNT(heads); i++) {
        char *name = mem_printf("named%d", i), *path = path_join(test_folder, name);
        put_classifier(test_folder, name, "mistral");
        put_changed(test_folder, name, "model.safetensors", "score.weight", heads[i]);
        open_world(&w, path, 1, "");
        rewards_of(&w, order, 4, other);
        assert_memory_equal(other, reward, sizeof reward);
        close_world(&w);
        free(path);
        free(name);
    }
    put_changed(test_folder, "named0", "config.json", "MistralForSequenceClassification", "EurusRewardModel");
    char *eurus = path_join(test_folder, "named0");
    open_world(&w, eurus, 1, ""); /* its last token is the last one */
    reads(&w, TURNS("", "<|end|>"));
    close_world(&w);
    free(eurus);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(as_transformers), IN_FOLDER(alone_the_same_bits),     IN_FOLDER(last_tokens),
        IN_FOLDER(other_names),     IN_FOLDER(own_are_read_as_trained),
    };
    return cmocka_run_group_tests_name("classifiers", tests, NULL, NULL);
}
