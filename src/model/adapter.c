/* Adapters of models. */
#include "model/adapter.h"

#include "base/mem.h"
#include "base/rng.h"

void model_init_adapter(Model *m, uint64_t seed, int role)
{
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i];
        Matrix a = *p->matrix;
        if (p->adapter != ADAPTER_A)
            continue;
        RngKey key = {.seed = seed, .purpose = RNG_ADAPTER, .row = rng_row(p->hf.name), .sample = (uint32_t)role};
        double bound = 1 / sqrt(a.cols);
        float *row = mem_alloc((size_t)a.cols, sizeof *row);
        for (int r = 0; r < a.rows; r++) {
            for (int k = 0; k < a.cols; k++)
                row[k] = (float)(bound * (2 * rng_uniform(key, (uint64_t)r * (uint64_t)a.cols + (uint64_t)k) - 1));
            matrix_set_row(a, r, row);
        }
        free(row);
    }
    params_free(&list);
}

/* W += (scale B) A: a product over the ranks. */
static bool merge_linear(Device *d, const Linear *l, Err *err)
{
    int rank = l->a.rows, in = l->a.cols, out = l->b.rows;
    size_t floats = (size_t)rank * (size_t)(in + out + 1);
    float *block = mem_big(floats, sizeof(float), "an adapter's matrices", err);
    if (!block)
        return false;
    Tensor a = tensor(block, rank, in), b = tensor(block + tensor_count(a), rank, out);
    float *row = b.at + tensor_count(b);
    for (int r = 0; r < rank; r++)
        matrix_get_row(l->a, r, a.at + (size_t)r * (size_t)in);
    for (int o = 0; o < out; o++) {
        matrix_get_row(l->b, o, row);
        for (int r = 0; r < rank; r++)
            b.at[(size_t)r * (size_t)out + (size_t)o] = l->scale * row[r];
    }
    op_linear_back_w(d, l->w, b, a);
    mem_big_free(block, floats, sizeof(float));
    return device_ok(d, err);
}

bool model_merge(Model *m, Err *err)
{
    bool ok = model_own(m, err);
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; ok && i < list.n; i++) {
        const Linear *l = param_linear(&list.param[i]);
        ok = !l || !l->a.rows || merge_linear(m->device, l, err);
    }
    params_free(&list);
    ModelConfig plain = m->config;
    memset(plain.lora, 0, sizeof plain.lora);
    plain.lora_rank = 0;
    return ok && model_adapt(m, &plain, err);
}
