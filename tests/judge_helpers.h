/* What tests of judges share: a tiny model with room for whole prompts, and a prompt file with everything in it. */
#ifndef TESTS_RLAIF_JUDGE_HELPERS_H
#define TESTS_RLAIF_JUDGE_HELPERS_H

#include "eval_helpers.h"
#include "rlaif/judge/judge.h"
#include "rlaif/rows/render.h"

/* The tiny model's files with another context length. The caller frees the path. */
static inline char *roomy_model(const char *folder, int context)
{
    static const char *const files[] = {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
                                        "model.safetensors"};
    Err err = {0};
    json_t *config;
    char *dir = path_join(folder, "roomy"), *from = path_join(TINY, "config.json"), *to = path_join(dir, "config.json");
    need_ok(dir_make(dir, &err) && json_read_file(from, &config, &err), &err);
    json_object_set_new(config, "max_position_embeddings", json_integer(context));
    char *text = json_text(config);
    need_ok(file_write(to, text, strlen(text), &err), &err);
    free(text);
    free(from);
    free(to);
    json_decref(config);
    for (int i = 0; i < COUNT(files); i++) {
        size_t n;
        from = path_join(TINY, files[i]);
        to = path_join(dir, files[i]);
        need_ok(file_read(from, 1 << 24, &text, &n, &err) && file_write(to, text, n, &err), &err);
        free(text);
        free(from);
        free(to);
    }
    return dir;
}

/* FOLDER/spelling: the tiny model with another token in its vocabulary, and a tokenizer that joins nothing. The caller frees
 * the path. */
static inline char *spelling_model(const char *folder)
{
    Err err = {0};
    json_t *tokenizer;
    char *roomy = roomy_model(folder, 256), *dir = path_join(folder, "spelling"),
         *path = path_join(dir, "tokenizer.json");
    assert_int_equal(rename(roomy, dir), 0);
    need_ok(json_read_file(path, &tokenizer, &err), &err);
    json_t *model = json_object_get(tokenizer, "model"), *vocab = json_object_get(model, "vocab");
    json_object_set_new(model, "merges", json_array());
    json_object_set(vocab, "another", json_object_get(vocab, "he"));
    json_object_del(vocab, "he");
    char *text = json_text(tokenizer);
    need_ok(file_write(path, text, strlen(text), &err), &err);
    free(text);
    free(path);
    free(roomy);
    json_decref(tokenizer);
    return dir;
}

/* Without chat: the text is exactly as laid out. */
static const char full_prompt[] = "name: full\n"
                                  "kind: pairwise\n"
                                  "chat: false\n"
                                  "preamble: \"Which?\\n\"\n"
                                  "item: \"{context}|{response_1}|{response_2}\\n\"\n"
                                  "ending: \"Best=\"\n"
                                  "answers: [\"1\", \"2\"]\n"
                                  "shots: 0\n"
                                  "exemplar: \"[{item}{rationale}{ending}{answer}]\\n\"\n"
                                  "exemplars:\n"
                                  "  - {context: c1, responses: [a1, b1], rationale: \"r1;\", answer: \"1\"}\n"
                                  "  - {context: c2, responses: [a2, b2], rationale: \"r2;\", answer: \"2\"}\n"
                                  "  - {context: c3, responses: [a3, \"{context}\"], answer: \"1\"}\n"
                                  "cot:\n"
                                  "  preamble: \"Think. Which?\\n\"\n"
                                  "  ending: \"Why:\"\n"
                                  "  few-shot-ending: \"So:\"\n"
                                  "  join: \" / \"\n"
                                  "  max-new-tokens: 12\n";

/* The roomy model, loaded, beside full_prompt in a file. */
typedef struct World {
    char *folder, *prompt;
    Device *device;
    Model *model;
} World;

static inline World world_new(void)
{
    Err err = {0};
    World w = {.folder = make_folder(), .device = open_device(CPU_AUTO, 2)};
    char *dir = roomy_model(w.folder, 600);
    w.prompt = write_rows(w.folder, "prompt.yaml", full_prompt);
    need_ok(model_load(&w.model, dir, w.device, HEAD_LM, &err), &err);
    free(dir);
    return w;
}

static inline void world_free(World *w)
{
    model_free(w->model);
    device_free(w->device);
    free(w->prompt);
    remove_folder(w->folder);
}

/* The tokens of a text as a judge begins with them. */
static inline Ids ids_of(const World *w, const char *text)
{
    Err err = {0};
    Ids ids = {0};
    render_begin(w->model, &ids);
    need_ok(tokenizer_encode(w->model->tokenizer, text, strlen(text), 0, &ids, &err), &err);
    return ids;
}

/* The judge of a prompt in this YAML. */
static inline Judge *judge_of(const World *w, const char *yaml, JudgeOptions o)
{
    Err err = {0};
    char *path = write_rows(w->folder, "prompt.yaml", yaml);
    Judge *j;
    need_ok(judge_open(&j, w->model, path, o, &err), &err);
    free(path);
    return j;
}

/* The same where a prompt has room for 100 tokens, and a longer context loses words at its left. */
static inline Judge *judge_of_little_room(const World *w, const char *yaml)
{
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.max_input = 100;
    o.cut = CUT_CONTEXT_LEFT;
    return judge_of(w, yaml, o);
}

/* A context that has to be cut there. The caller releases it. */
static inline Str much_rain(void)
{
    Str much = {0};
    for (int i = 0; i < 200; i++)
        str_addf(&much, "rain%d ", i);
    return much;
}

static const Question questions[] = {{.where = "x:1", .context = "rain in spring", .first = "It rains."},
                                     {.where = "x:2", .context = "rain in spring", .first = "Spring!"},
                                     {.where = "x:3", .context = "a letter", .first = "The trains are late."},
                                     {.where = "x:4", .context = "x", .first = ""}};
enum { QUESTIONS = 4 };

/* In another order, together and alone the same bits. */
static inline void same_bits_alone(Judge *j)
{
    Err err = {0};
    Verdict together[QUESTIONS], alone;
    need_ok(judge_responses(j, questions, QUESTIONS, together, &err), &err);
    for (int i = QUESTIONS - 1; i >= 0; i--) {
        need_ok(judge_responses(j, &questions[i], 1, &alone, &err), &err);
        assert_memory_equal(alone.logp, together[i].logp, sizeof alone.logp);
        double a = judge_reward(j, &alone), b = judge_reward(j, &together[i]);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

/* A prompt with one part replaced is refused, by file and key. */
static inline void prompt_refused(const char *prompt, const char *old, const char *new, const char *why)
{
    const char *at = strstr(prompt, old);
    assert_non_null(at);
    char *yaml = mem_printf("%.*s%s%s", (int)(at - prompt), prompt, new, at + strlen(old));
    Err err = {0};
    JudgePrompt *p;
    if (judge_prompt_parse(&p, "bad.yaml", yaml, strlen(yaml), &err))
        fail_msg("taken: %s", new);
    if (!strstr(err.msg, why) || !str_starts(err.msg, "bad.yaml") || !err.hint[0])
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    free(yaml);
}

#endif
