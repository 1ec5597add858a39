/* Any bytes as a model of two GGUF files: two bytes with the length of the first, then both. */
#include "model/file/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    Gguf *part[2], *g;
    if (n < 2)
        return 0;
    size_t first = (size_t)data[0] | (size_t)data[1] << 8, rest = n - 2;
    first = first < rest ? first : rest;
    if (!gguf_open_part(&part[0], "first", data + 2, first, &err))
        return 0;
    if (!gguf_open_part(&part[1], "second", data + 2 + first, rest - first, &err)) {
        gguf_free(part[0]);
        return 0;
    }
    if (!gguf_join(&g, part, 2, &err)) {
        if (err.code == ERR_NONE || !err.hint[0] || g)
            __builtin_trap();
        return 0;
    }
    for (int i = 0; i < gguf_tensors(g); i++) {
        const StoredTensor *t = gguf_tensor(g, i);
        if (gguf_find_any(g, t->name) != t || !gguf_type_name(g, i) ||
            gguf_unread(g, t->name, &err) != (t->type == DTYPE_COUNT))
            __builtin_trap();
        err_clear(&err);
        gguf_forget(g, t);
    }
    gguf_free(g);
    return 0;
}
