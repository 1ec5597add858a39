/* Adapters as GGUF files, as llama.cpp reads them (src/llama-adapter.cpp there): tensors of the base's names with .lora_a and .lora_b. */
#include "base/mem.h"
#include "model/export/export.h"
#include "model/export/gguf_write.h"
#include "model/stored.h"

/* llama.cpp has one alpha for all ranks, and no word for rank-stabilised factors: so B is written with its factor, and alpha 0,
 * which means that there is no other. */
static void put_about(GgufWriter *w, const ModelConfig *c)
{
    gguf_put_text(w, "general.type", "adapter");
    gguf_put_text(w, "general.architecture", family_find(c->family)->gguf);
    gguf_put_text(w, "adapter.type", "lora");
    gguf_put_f32(w, "adapter.lora.alpha", 0);
}

static bool give_tensor(GgufWriter *w, const ModelConfig *c, const Param *group, int n, Err *err)
{
    size_t shape[2];
    bool ok = stored_shape(group, &group->gguf, shape) == 2;
    float *values = mem_alloc(shape[1], sizeof *values);
    float scale = group->adapter == ADAPTER_B ? lora_scale(c, c->lora[group->layer][group->linear]) : 1;
    for (size_t r = 0; ok && r < shape[0]; r++) {
        stored_row(group, n, true, c, (int)r, values);
        for (size_t i = 0; i < shape[1]; i++)
            values[i] *= scale;
        ok = gguf_row(w, values, err);
    }
    free(values);
    return ok;
}

bool export_gguf_adapter(const Model *m, const char *path, Err *err)
{
    GgufWriter *w;
    if (!gguf_create(&w, path, err))
        return false;
    const ModelConfig *c = &m->config;
    ParamList list = params_list(&((Model *)(uintptr_t)m)->w, c);
    bool ok = true;
    put_about(w, c);
    for (int i = 0; i < list.n; i += stored_group(&list, i, true)) {
        size_t shape[2];
        int dims = stored_shape(&list.param[i], &list.param[i].gguf, shape);
        if (list.param[i].adapter)
            gguf_declare(w, list.param[i].gguf.name, DTYPE_F32, shape, dims);
    }
    for (int i = 0, n; ok && i < list.n; i += n) {
        n = stored_group(&list, i, true);
        ok = !list.param[i].adapter || give_tensor(w, c, &list.param[i], n, err);
    }
    params_free(&list);
    if (ok)
        return gguf_close(w, err);
    gguf_discard(w);
    return false;
}
