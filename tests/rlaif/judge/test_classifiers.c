/* Reward models of others: the scores that transformers gives, whatever stands beside a row; what they read of one. */
#include "classifier_helpers.h"
#include "model/gguf_build.h"
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

static void open_read(World *w, const char *dir, int threads, const char *more, ChatMode chat)
{
    Err err = {0};
    *w = (World){.device = open_device(CPU_AUTO, threads)};
    read_rows(w, more);
    need_ok(reward_model_open(&w->model, dir, w->device, CHAT_DATE, chat, &err), &err);
}

static void open_world(World *w, const char *dir, int threads, const char *more)
{
    open_read(w, dir, threads, more, CHAT_AUTO);
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

/* At every level, with some threads, and on the machine where this was written. */
static void committed_hashes(void **state)
{
    (void)state;
    static const char *const wanted[COUNT(families)] = {
        "53803a7a059dbcbc75247334e4f3d42de9ac67a8f1c32eb29231584c21133175",
        "a5ceebba481bb8177d6a09eb6d401a3792f3f5d34ddf10a01516731a869aa63e",
        "a66602b873e76c26535767557bcdebde7827a5520da222a5ccad25ae791256ca",
        "97c5850c23fac07bdfb7f00827046a70eb667128544e61fbd82d8fc9074a2e86",
        "3c64cf818721ca29de056e6e1e786a9291be312e0711e6d0c3f79afa356b37ac",
        "744ff7fa668ce63de935cb5bbc17226633c26fba051311be663070b4261fcce4",
        "a52bc28827cec22b16a0c67d4865293f44aae63b67c293f7f68c1729fe2007ce",
        "9923596da774a101c66a172bb706a3d1dc981a33b524de6499b8ad86b4c03da3",
        "2aa80efd93eca8b8e9a742094dfb7528affd5e0f2cb2539cd9ca989858371fd0"};
    static const int order[] = {0, 1, 2, 3}, threads[] = {1, 2, 3};
    CpuLevel level[3];
    int levels = cpu_levels(level), failed = 0;
    for (int f = 0; f < COUNT(families); f++) {
        char *dir = classifier(families[f]);
        for (int l = 0; l < levels; l++) {
            World w;
            Err err = {0};
            double reward[4];
            char digits[HASH_TEXT];
            w = (World){.device = open_device(level[l], threads[l])};
            read_rows(&w, "");
            need_ok(reward_model_open(&w.model, dir, w.device, CHAT_DATE, CHAT_AUTO, &err), &err);
            rewards_of(&w, order, 4, reward);
            hash_bytes(reward, sizeof reward, digits);
            if (strcmp(digits, wanted[f]) != 0) {
                print_error("%s, %s: %s\n", families[f], cpu_level_name(level[l]), digits);
                failed++;
            }
            close_world(&w);
        }
        free(dir);
    }
    assert_int_equal(failed, 0);
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

#define PLAIN "Is rain good for the garden?No."

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

/* Every family's rule is that of its class: pad_token_id as config.json has it, else its own; a list or a text is none. The
 * program ends a text read without chat by <|end|>, id 2. */
static void padding_of_each(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        int pad; /* -2: the family's own */
    } cases[] = {{"\"pad_token_id\": 2,", 2}, {"\"pad_token_id\": null,", -1}, {"", -2}, {"\"pad_token_id\": -1,", -1}};
    for (int f = 0; f < COUNT(families); f++) {
        bool gemma = str_starts(families[f], "gemma");
        for (int i = 0; i < COUNT(cases); i++) {
            World w;
            char *name = mem_printf("%s%d", families[f], i), *dir = path_join(test_folder, name);
            put_classifier(test_folder, name, families[f]);
            put_key(test_folder, name, "pad_token_id", cases[i].to);
            open_read(&w, dir, 1, "", CHAT_FALSE);
            int pad = w.model->model->config.pad, wanted = cases[i].pad == -2 ? (gemma ? 0 : -1) : cases[i].pad;
            if (pad != wanted)
                fail_msg("%s, %s: the padding is %d", families[f], cases[i].to, pad);
            reads(&w, pad == 2 ? PLAIN "" : PLAIN "<|end|>");
            close_world(&w);
            free(dir);
            free(name);
        }
    }
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
                                        "score_head.weight", "classifier.weight"};
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
    put_changed(test_folder, "named2", "config.json", "MistralForSequenceClassification", "RewardModel");
    for (int i = 0; i <= 2; i += 2) { /* their last token is the last one */
        char *name = mem_printf("%s/named%d", test_folder, i);
        open_world(&w, name, 1, "");
        reads(&w, TURNS("", "<|end|>"));
        close_world(&w);
        free(name);
    }
    free(dir);
}

/* A reward model of OpenRLHF's, whose configuration says so much more. */
static char *open_rlhf(const char *name, const char *more)
{
    put_classifier(test_folder, name, "qwen2");
    put_changed(test_folder, name, "config.json", "Qwen2ForSequenceClassification", "RewardModel");
    char *keys = mem_printf("{%s", more);
    put_changed(test_folder, name, "config.json", "{", keys);
    put_tensor(test_folder, name, "mean", "BF16", "[1]", "\x20\xc0", 2);
    put_tensor(test_folder, name, "std", "BF16", "[1]", "\x20\x40", 2);
    free(keys);
    return path_join(test_folder, name);
}

/* The mean and deviation of OpenRLHF's class count where the configuration says that they are to, and stay when the model is
 * saved; else they are left out. Buffers of these names in the file are not read. */
static void normalized(void **state)
{
    (void)state;
    static const char *const keys[] = {"\"normalize_reward\": true, \"mean\": 0.5, \"std\": 0.25,",
                                       "\"normalize_reward\": false, \"mean\": 0.5, \"std\": 0.25,",
                                       "\"mean\": 0.5, \"std\": 0.25,", "\"normalize_reward\": true,", ""};
    static const int order[] = {0, 1, 2, 3};
    double raw[4] = {0}, said[4];
    for (int k = COUNT(keys) - 1; k >= 0; k--) {
        char name[20];
        snprintf(name, sizeof name, "open%d", k);
        char *dir = open_rlhf(name, keys[k]), *copy = mem_printf("%s-copy", dir);
        Err err = {0};
        for (int saved = 0; saved < 2; saved++) {
            World w;
            open_world(&w, saved ? copy : dir, 1, "");
            rewards_of(&w, order, 4, said);
            if (!saved && k == COUNT(keys) - 1)
                memcpy(raw, said, sizeof raw);
            for (int i = 0; i < 4; i++)
                assert_true(said[i] == (k == 0 ? (raw[i] - 0.5) / 0.25 : raw[i]));
            need_ok(saved || model_save(w.model->model, copy, &err), &err);
            close_world(&w);
        }
        free(dir), free(copy);
    }
    static const struct {
        const char *keys, *says;
    } bad[] = {{"\"normalize_reward\": true, \"mean\": 0.5,", "\"std\" must be a number above 0"},
               {"\"normalize_reward\": true, \"mean\": 0.5, \"std\": 0,", "\"std\" must be a number above 0"},
               {"\"normalize_reward\": true, \"std\": 1,", "\"mean\" must be a number"},
               {"\"normalize_reward\": true, \"mean\": [0.5], \"std\": 1,", "\"mean\" must be a number"},
               {"\"normalize_reward\": \"yes\",", "\"normalize_reward\" must be true or false"}};
    for (int i = 0; i < COUNT(bad); i++) {
        char name[20];
        Err err = {0};
        snprintf(name, sizeof name, "bad%d", i);
        char *dir = open_rlhf(name, bad[i].keys);
        assert_false(reward_model_check(dir, &err));
        if (!strstr(err.msg, bad[i].says) || !strstr(err.msg, "config.json"))
            fail_msg("%s: %s", bad[i].keys, err.msg);
        free(dir);
    }
}

/* A head with a bias, whose bytes stand behind all others: every reward is so much more. It stays when the model is saved. */
static void biases(void **state)
{
    (void)state;
    static const char *const names[] = {"score.bias", "value_head.bias"};
    static const int order[] = {0, 1, 2, 3};
    for (int k = 0; k < COUNT(names); k++) {
        World w;
        Err err = {0};
        double reward[4], more[4];
        char *name = mem_printf("biased%d", k), *dir = path_join(test_folder, name), *copy = mem_printf("%s-copy", dir);
        put_classifier(test_folder, name, "qwen2");
        open_world(&w, dir, 1, "");
        rewards_of(&w, order, 4, reward);
        close_world(&w);
        put_tensor(test_folder, name, names[k], "BF16", "[1]", "\x20\xc0", 2); /* -2.5 */
        for (int copied = 0; copied < 2; copied++) {
            open_world(&w, copied ? copy : dir, 1, "");
            rewards_of(&w, order, 4, more);
            for (int i = 0; i < 4; i++)
                assert_true((float)more[i] == (float)reward[i] - 2.5f);
            if (!copied)
                need_ok(model_save(w.model->model, copy, &err), &err);
            close_world(&w);
        }
        free(copy);
        free(dir);
        free(name);
    }
}

/* llama.cpp's names for the same, at the last token of what the template writes. */
static void from_gguf(void **state)
{
    (void)state;
    Err err = {0};
    double reward[2];
    Build b = {0};
    RewardModel *r;
    Device *d = open_device(CPU_AUTO, 1);
    int ids[] = {2, 3, 4};
    Sequence seq = {ids, 3};
    for (int biased = 0; biased < 2; biased++) {
        char *path = mem_printf("%s/%d.gguf", test_folder, biased);
        size_t n;
        build_model(&b, "llama");
        add_tensor(&b, "cls.output.weight", 1, BUILD_WIDTH);
        if (biased) {
            add_tensor(&b, "cls.output.bias", 0, 1);
            memcpy(b.data.text + b.data.n - 4, &(float){0.75f}, 4);
        }
        unsigned char *bytes = build_end(&b, &n);
        need_ok(file_write(path, bytes, n, &err) && reward_model_open(&r, path, d, CHAT_DATE, CHAT_FALSE, &err), &err);
        assert_true(r->model->w.score.at[matrix_at(r->model->w.score, 0, 3)] == 3.0f / 8);
        need_ok(reward_model_score(r, &seq, 1, &reward[biased], &err), &err);
        reward_model_free(r);
        free(bytes);
        free(path);
    }
    assert_true(reward[0] != 0 && (float)reward[1] == (float)reward[0] + 0.75f);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(as_transformers), IN_FOLDER(alone_the_same_bits),
        IN_FOLDER(last_tokens),     IN_FOLDER(committed_hashes),
        IN_FOLDER(other_names),     IN_FOLDER(own_are_read_as_trained),
        IN_FOLDER(padding_of_each), IN_FOLDER(biases),
        IN_FOLDER(from_gguf),       IN_FOLDER(normalized),
    };
    return cmocka_run_group_tests_name("classifiers", tests, NULL, NULL);
}
