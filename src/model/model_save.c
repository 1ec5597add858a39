/* Models written as Hugging Face directories. */
#include "base/file.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/safetensors.h"

/* The value head belongs to a trainer, unless it is all that stands on the trunk. */
static bool is_written(const Model *m, const Param *p)
{
    bool value = p->matrix == &m->w.value || p->matrix == &m->w.value_bias;
    return !value || m->config.head == HEAD_VALUE;
}

static bool write_matrix(SafetensorsWriter *w, const Param *p, Err *err)
{
    Matrix m = *p->matrix;
    if (p->dims == 1)
        return safetensors_values(w, m.at, (size_t)m.rows, err);
    float *values = mem_alloc((size_t)m.cols, sizeof *values);
    bool ok = true;
    for (int r = 0; r < m.rows && ok; r++) {
        matrix_get_row(m, r, values);
        ok = safetensors_values(w, values, (size_t)m.cols, err);
    }
    free(values);
    return ok;
}

static bool save_weights(const Model *m, const char *path, Err *err)
{
    SafetensorsWriter *w;
    if (!safetensors_create(&w, path, err))
        return false;
    ParamList list = params_list(&((Model *)(uintptr_t)m)->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i];
        size_t shape[2] = {(size_t)p->matrix->rows, (size_t)p->matrix->cols};
        if (is_written(m, p))
            safetensors_declare(w, p->name, shape, p->dims);
    }
    bool ok = true;
    for (int i = 0; i < list.n && ok; i++)
        ok = !is_written(m, &list.param[i]) || write_matrix(w, &list.param[i], err);
    params_free(&list);
    if (!ok) {
        safetensors_discard(w);
        return false;
    }
    return safetensors_close(w, err);
}

static bool save_config(const Model *m, const char *path, Err *err)
{
    json_t *config = config_to_json(&m->config);
    if (m->notes)
        json_object_set(config, "rlaif", m->notes);
    char *text = json_dumps(config, JSON_INDENT(2));
    bool ok = file_write(path, text, strlen(text), err);
    free(text);
    json_decref(config);
    return ok;
}

bool model_save(const Model *m, const char *dir, Err *err)
{
    char *weights = path_join(dir, "model.safetensors"), *config = path_join(dir, "config.json");
    const char *template = m->chat ? chat_template_source(m->chat) : NULL;
    /* config.json comes last: a directory with it is complete. */
    bool ok = dir_make(dir, err) && tokenizer_save(m->tokenizer, dir, template, err) && save_weights(m, weights, err) &&
              save_config(m, config, err) && dir_sync(dir, err);
    free(weights);
    free(config);
    return ok;
}
