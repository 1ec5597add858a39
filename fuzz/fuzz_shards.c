/* Any bytes as the index of a model in two shards, which lie in a folder of their own. */
#include "base/file.h"
#include "base/mem.h"
#include "model/file/safetensors.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[] = "/tmp/rlaif-fuzz-shards-XXXXXX";

static void remove_folder(void)
{
    Err err = {0};
    if (!dir_remove(folder, &err))
        __builtin_trap();
}

static void put(const char *name, const void *bytes, size_t n)
{
    Err err = {0};
    char *path = path_join(folder, name);
    if (!file_write(path, bytes, n, &err))
        __builtin_trap();
    free(path);
}

/* A shard of one number of four bytes, and of a flag. */
static void put_shard(const char *name, char number, char flag)
{
    char *header = mem_printf("{\"%c\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]},"
                              " \"%c\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [4, 5]}}",
                              number, flag);
    Str file = {0};
    uint64_t length = strlen(header);
    str_addn(&file, (const char *)&length, sizeof length);
    str_add(&file, header);
    str_addn(&file, "\0\0\200\077\1", 5);
    put(name, file.text, file.n);
    str_release(&file);
    free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool made;
    Err err = {0};
    Safetensors *s;
    if (!made) {
        if (!mkdtemp(folder) || atexit(remove_folder))
            __builtin_trap();
        put_shard("1.safetensors", 'a', 'b');
        put_shard("2.safetensors", 'c', 'b');
        put_shard("3.safetensors", 'd', 'e');
        made = true;
    }
    put("model.safetensors.index.json", data, n);
    bool ok = safetensors_open(&s, folder, &err);
    if (ok == (err.code != ERR_NONE) || (!ok && !err.hint[0]))
        __builtin_trap();
    for (int i = 0; ok && i < safetensors_count(s); i++) {
        const StoredTensor *t = safetensors_tensor(s, i);
        float v;
        dtype_to_f32(t->type, t->bytes, &v, 1);
        if (v != 1 || safetensors_find(s, t->name) != t)
            __builtin_trap();
    }
    safetensors_free(s);
    return 0;
}
