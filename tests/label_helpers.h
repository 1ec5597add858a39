/* What tests of labels share: a scene with a model, a prompt and pairs, labelled as the command does. */
#ifndef TESTS_RLAIF_LABEL_HELPERS_H
#define TESTS_RLAIF_LABEL_HELPERS_H

#include "judge_helpers.h"
#include "rlaif/label/label.h"
#include "tensor/cpu.h"

#define ROW(prompt, a, b, more) "{\"prompt\": \"" prompt "\", \"responses\": [\"" a "\", \"" b "\"]" more "}\n"
static const char pairs[] = ROW("rain in spring", "It rains.", "Spring!", ", \"preferred\": 0")
    ROW("a letter to the editor", "The trains are late.", "A letter.", ", \"preferred\": 1, \"id\": \"letter\"")
        ROW("x", "yes", "well, x", "") ROW("rain", "no no", "perhaps", ", \"preferred\": 1")
            ROW("x", "yes", "well, x", "") /* once more */
    ROW("the sea is wide and there is no end of it", "So it is.", "No end?", ", \"preferred\": 0");

/* A folder with a model, a prompt and pairs. */
typedef struct Scene {
    char *folder, *model, *prompt, *pairs;
} Scene;

static inline Scene scene_new(void)
{
    Scene s = {.folder = make_folder()};
    s.model = roomy_model(s.folder, 600);
    s.prompt = write_rows(s.folder, "prompt.yaml", full_prompt);
    s.pairs = write_rows(s.folder, "pairs.jsonl", pairs);
    return s;
}

static inline void scene_free(Scene *s)
{
    free(s->model);
    free(s->prompt);
    free(s->pairs);
    remove_folder(s->folder);
}

/* The options of a chain of thought with samples. Free with options_free. */
static inline LabelOptions *thoughtful(const Scene *s)
{
    Err err = {0};
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", s->pairs);
    options_put(&label_table, o, "model", s->model);
    need_ok(options_set(&label_table, o, "prompt", s->prompt, "a test", &err), &err);
    o->judge.cot = true;
    o->judge.samples = 3;
    o->judge.temperature = 1.2;
    o->common.seed = 4;
    return o;
}

/* Labels into a file of the scene's folder as the command does. *summary may be NULL; the caller releases it. */
static inline bool label(const Scene *s, LabelOptions *o, const char *name, CpuLevel cpu, int threads, json_t **summary,
                         Err *err)
{
    char *path = path_join(s->folder, name);
    options_put(&label_table, o, "output", path);
    free(path);
    Work w = {.common = &o->common, .environment.key = getenv("OPENAI_API_KEY")};
    int shown = errors_hide(); /* a random judge is warned of, every time */
    bool ok = device_open(&w.device, cpu, threads, err) && work_open_store(&w, o->output, err) &&
              label_stage(&w, "label", o, err);
    errors_show(shown);
    if (summary)
        *summary = json_incref(w.summary);
    work_free(&w);
    return ok;
}

static inline char *contents(const Scene *s, const char *name)
{
    Err err = {0};
    char *path = path_join(s->folder, name), *text;
    size_t n;
    need_ok(file_read(path, 1 << 24, &text, &n, &err), &err);
    free(path);
    return text;
}

static inline void same_files(const Scene *s, const char *a, const char *b)
{
    char *x = contents(s, a), *y = contents(s, b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

/* The labels of a file, in order. Release with json_decref. */
static inline json_t *labels_of(const Scene *s, const char *name)
{
    Err err = {0};
    char *text = contents(s, name), *path = path_join(s->folder, name);
    Rows rows;
    json_t *list = json_array();
    need_ok(rows_parse(&rows, path, text, strlen(text), 0, &err), &err);
    for (int i = 0; i < rows.n; i++)
        json_array_append(list, json_object_get(rows.row[i].json, "label"));
    rows_release(&rows);
    free(text);
    free(path);
    return list;
}

#endif
