/* Any bytes as an adapter: adapter_config.json, a NUL, adapter_model.safetensors; of a small model. What is accepted must read back
 * from what is written for it. */
#include "model/adapter_file.h"

#include "base/mem.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const ModelConfig base = {.family = "llama",
                                 .layers = 2,
                                 .width = 40,
                                 .heads = 5,
                                 .kv_heads = 1,
                                 .head_dim = 8,
                                 .rotary_dim = 8,
                                 .ffn = 72,
                                 .vocab = 32,
                                 .context = 64,
                                 .tied = true,
                                 .head = HEAD_LM};

/* What is written of these shapes says the same. */
static void check_written(const ModelConfig *c)
{
    Err err = {0};
    AdapterConfig back;
    json_t *json = adapter_config_json(c, "base");
    Weights *w = mem_zalloc(1, sizeof *w);
    weights_shapes(w, c);
    ParamList list = params_list(w, c);
    bool ok = adapter_config_read(&back, json, "written", &err) && back.rslora == c->lora_rslora;
    for (int i = 0; ok && i < list.n; i++) {
        bool target;
        LoraShape shape;
        if (!param_linear(&list.param[i]))
            continue;
        const LoraShape *had = &c->lora[list.param[i].layer][list.param[i].linear];
        ok = adapter_config_of(&back, &list.param[i], &target, &shape, &err) &&
             (had->rank == 0 ? !target : target && shape.rank == had->rank && shape.alpha == had->alpha);
    }
    if (!ok)
        __builtin_trap();
    params_free(&list);
    free(w);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    if (!end)
        return 0;
    char name[] = "fuzz";
    AdapterFile a = {.dir = name, .path = {name, name, name}, .base = name};
    ModelConfig *c = mem_copy(&base, 1, sizeof base);
    size_t text = (size_t)(end - data);
    if (json_parse((const char *)data, text, name, &a.json, &err) &&
        adapter_config_read(&a.config, a.json, name, &err) &&
        safetensors_open_bytes(&a.tensors, name, end + 1, n - text - 1, &err) && adapter_shapes(&a, c, &err)) {
        Weights *w = mem_zalloc(1, sizeof *w);
        if (weights_alloc(w, c, true, &err) && adapter_numbers(&a, w, c, 1, &err))
            check_written(c);
        weights_free(w);
        free(w);
    }
    safetensors_free(a.tensors);
    json_decref(a.json);
    free(c);
    return 0;
}
