/* Which files a model is, and their hash. */
#include "model/model_hash.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/adapter_file.h"
#include "model/file/gguf.h"

/* Is it a file that makes up a model? What a trainer or people put beside does not count; shards may have any name. */
static bool is_model_file(const char *name, bool sharded)
{
    static const char *const names[] = {"config.json",         "tokenizer.json",          "tokenizer_config.json",
                                        "chat_template.jinja", "special_tokens_map.json", "generation_config.json",
                                        "added_tokens.json"};
    for (int i = 0; i < COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return (str_ends(name, ".safetensors") && (sharded || str_starts(name, "model"))) ||
           (str_starts(name, "model") && str_ends(name, ".safetensors.index.json"));
}

static bool hash_one(Store *kept, const char *path, char out[HASH_TEXT], Err *err)
{
    return file_is_whole(path, err) && store_file_hash(kept, path, out, err);
}

bool model_files(char ***paths, int *n, const char *path, Err *err)
{
    if (!file_is_dir(path))
        return gguf_files(paths, n, path, err);
    if (!dir_list(path, paths, n, err))
        return false;
    bool sharded = safetensors_is_sharded(path);
    int kept = 0;
    for (int i = 0; i < *n; i++) {
        char *name = (*paths)[i];
        if (is_model_file(name, sharded))
            (*paths)[kept++] = path_join(path, name);
        free(name);
    }
    *n = kept;
    return true;
}

/* Of the adapter's files and of the model that it adapts. */
static bool adapter_hash(const char *dir, Store *kept, char out[HASH_TEXT], Err *err)
{
    AdapterFile a;
    char base[HASH_TEXT];
    if (!adapter_open(&a, dir, err))
        return false;
    bool ok = model_hash(a.base, kept, base, err);
    Hash *h = hash_new();
    hash_add_text(h, base);
    for (int i = 0; ok && i < COUNT(a.path); i++) {
        char digits[HASH_TEXT] = "";
        ok = !file_exists(a.path[i]) || hash_one(kept, a.path[i], digits, err);
        hash_add_text(h, digits);
    }
    hash_end(h, out);
    adapter_close(&a);
    return ok;
}

bool model_hash(const char *path, Store *kept, char out[HASH_TEXT], Err *err)
{
    if (adapter_is(path))
        return adapter_hash(path, kept, out, err);
    char **paths;
    int n;
    if (!model_files(&paths, &n, path, err))
        return false;
    bool ok = true;
    if (n == 1 && !file_is_dir(path)) {
        ok = hash_one(kept, paths[0], out, err);
    } else {
        Hash *h = hash_new();
        for (int i = 0; i < n && ok; i++) {
            char digits[HASH_TEXT] = "";
            ok = hash_one(kept, paths[i], digits, err);
            hash_add_text(h, path_base(paths[i]));
            hash_add_text(h, digits);
        }
        hash_end(h, out);
    }
    names_free(paths, n);
    return ok;
}
