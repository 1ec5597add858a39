/* Any bytes as a safetensors file: everything that can be asked of it is asked. */
#include "model/file/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    Safetensors *s;
    if (!safetensors_open_bytes(&s, "fuzz", data, n, &err))
        return 0;
    volatile double sum = 0;
    for (int i = 0; i < safetensors_count(s); i++) {
        const StoredTensor *t = safetensors_tensor(s, i);
        size_t values = stored_values(t);
        float v[8] = {0};
        dtype_to_f32(t->type, t->bytes, v, values < 8 ? values : 8);
        if (values) {
            size_t each = t->n_bytes / values;
            dtype_to_f32(t->type, t->bytes + (values - 1) * each, v, 1);
        }
        sum += (double)v[0] + (safetensors_find(s, t->name) == t) + (safetensors_unread(s, t->name) != NULL);
        safetensors_forget(s, t);
    }
    sum += safetensors_unread(s, "x") != NULL;
    (void)sum;
    safetensors_free(s);
    return 0;
}
