/* Models written as Hugging Face directories. */
#include "base/file.h"
#include "base/mem.h"
#include "model/adapter_file.h"
#include "model/model.h"
#include "model/stored.h"

/* The value head belongs to a trainer, unless it is all that stands on the trunk. */
static bool is_written(const Model *m, const Param *p)
{
    bool value = p->matrix == &m->w.value || p->matrix == &m->w.value_bias;
    return !value || m->config.head == HEAD_VALUE;
}

static bool save_weights(const Model *m, const char *path, DType type, Err *err)
{
    SafetensorsWriter *w;
    if (!safetensors_create(&w, path, type, err))
        return false;
    ParamList list = params_list(&((Model *)(uintptr_t)m)->w, &m->config);
    for (int i = 0; i < list.n; i += stored_group(&list, i, false)) {
        const Param *p = &list.param[i];
        size_t shape[2];
        int dims = stored_shape(p, &p->hf, shape);
        if (is_written(m, p))
            safetensors_declare(w, p->hf.name, shape, dims);
    }
    bool ok = true;
    for (int i = 0, n; i < list.n && ok; i += n) {
        n = stored_group(&list, i, false);
        ok = !is_written(m, &list.param[i]) || stored_write(&list.param[i], n, &m->config, w, err);
    }
    params_free(&list);
    if (!ok) {
        safetensors_discard(w);
        return false;
    }
    return safetensors_close(w, err);
}

/* How config.json calls a type of numbers. */
static const char *torch_name(DType type)
{
    return type == DTYPE_F16 ? "float16" : type == DTYPE_BF16 ? "bfloat16" : "float32";
}

/* As the class of OpenRLHF has it, which alone normalizes. */
static void put_normalization(json_t *config, const ModelConfig *c)
{
    json_object_set_new(config, "architectures", json_pack("[s]", "RewardModel"));
    json_object_set_new(config, "normalize_reward", json_true());
    json_object_set_new(config, "mean", json_real(c->score_mean));
    json_object_set_new(config, "std", json_real(c->score_std));
}

static bool save_config(const Model *m, const char *path, DType type, Err *err)
{
    json_t *config = config_to_json(&m->config);
    json_object_set_new(config, "dtype", json_string(torch_name(type)));
    json_object_set_new(config, "torch_dtype", json_string(torch_name(type)));
    if (m->notes)
        json_object_set(config, "rlaif", m->notes);
    else if (m->config.head & HEAD_REWARD && m->config.score_std > 0)
        put_normalization(config, &m->config);
    else if (m->config.head & HEAD_REWARD) /* which token is read depends on it */
        json_object_set_new(config, "pad_token_id", m->config.pad < 0 ? json_null() : json_integer(m->config.pad));
    char *text = json_dumps(config, JSON_INDENT(2));
    bool ok = file_write(path, text, strlen(text), err);
    free(text);
    json_decref(config);
    return ok;
}

bool model_save(const Model *m, const char *dir, Err *err)
{
    if (m->config.lora_rank)
        return adapter_save(&m->w, &m->config, (AdapterAbout){m->base, m->trunk->hash, m->notes}, dir, err);
    return model_save_as(m, dir, DTYPE_F32, err);
}

bool model_save_as(const Model *m, const char *dir, DType type, Err *err)
{
    char *weights = path_join(dir, "model.safetensors"), *config = path_join(dir, "config.json");
    const char *template = m->chat ? chat_template_source(m->chat) : NULL;
    /* config.json comes last: a directory with it is complete. */
    bool ok = dir_make(dir, err) && tokenizer_save(m->tokenizer, dir, template, err) &&
              save_weights(m, weights, type, err) && save_config(m, config, type, err) && dir_sync(dir, err);
    free(weights);
    free(config);
    return ok;
}

double model_saved_bytes(const Model *m)
{
    enum { ABOUT = 1000, ENTRY = 110 }; /* config.json; a tensor's entry in the header */
    Weights *w = &((Model *)(uintptr_t)m)->w;
    ParamList list = m->config.lora_rank ? params_trained(w, &m->config) : params_list(w, &m->config);
    double bytes = ABOUT + (m->config.lora_rank ? 0 : (double)tokenizer_saved_bytes(m->tokenizer));
    for (int i = 0; i < list.n; i++)
        if (is_written(m, &list.param[i]))
            bytes += ENTRY + (double)list.param[i].matrix->rows * list.param[i].matrix->cols * sizeof(float);
    params_free(&list);
    return bytes;
}
