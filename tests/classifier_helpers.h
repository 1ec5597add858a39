/* What tests of others' reward models share: the tiny ones that transformers wrote, as directories that load. */
#ifndef TESTS_CLASSIFIER_HELPERS_H
#define TESTS_CLASSIFIER_HELPERS_H

#include "base/file.h"
#include "base/mem.h"
#include "program.h"

#define CLASSIFIERS "tests/fixtures/classifiers"

/* FOLDER/name: the classifier of a family with the tokenizer of all. */
static inline void put_classifier(const char *folder, const char *name, const char *family)
{
    static const char *const own[] = {"config.json", "model.safetensors", "chat_template.jinja"},
                             *const shared[] = {"tokenizer.json", "tokenizer_config.json"};
    char *dir = path_join(folder, name);
    Err err = {0};
    need_ok(dir_make(dir, &err), &err);
    for (int i = 0; i < COUNT(own); i++) {
        char *from = mem_printf(CLASSIFIERS "/%s/%s", family, own[i]);
        put_link(dir, own[i], from);
        free(from);
    }
    for (int i = 0; i < COUNT(shared); i++) {
        char *from = path_join("tests/fixtures/tiny-llama", shared[i]);
        put_link(dir, shared[i], from);
        free(from);
    }
    free(dir);
}

/* A file of the directory becomes one of its own, with these bytes. */
static inline void put_own(const char *folder, const char *name, const char *file, const char *bytes, size_t n)
{
    char *path = mem_printf("%s/%s/%s", folder, name, file);
    Err err = {0};
    assert_int_equal(remove(path), 0);
    need_ok(file_write(path, bytes, n, &err), &err);
    free(path);
}

/* The text of a file, up to its end, with the first `from` replaced; of model.safetensors in the header, whose length follows. */
static inline void put_changed(const char *folder, const char *name, const char *file, const char *from, const char *to)
{
    char *path = mem_printf("%s/%s/%s", folder, name, file), *bytes;
    size_t n, length = 0;
    Err err = {0};
    need_ok(file_read(path, 1 << 24, &bytes, &n, &err), &err);
    bool tensors = strcmp(file, "model.safetensors") == 0;
    if (tensors)
        memcpy(&length, bytes, 8);
    char *text = mem_strn(bytes + (tensors ? 8 : 0), tensors ? length : n), *at = strstr(text, from);
    assert_non_null(at);
    char *changed = mem_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    size_t header = strlen(changed), rest = tensors ? n - 8 - length : 0;
    char *all = mem_alloc(8 + header + rest, 1);
    memcpy(all, &header, 8);
    memcpy(all + 8, changed, header);
    memcpy(all + 8 + header, bytes + (tensors ? 8 + length : 0), rest);
    put_own(folder, name, file, all + (tensors ? 0 : 8), (tensors ? 8 : 0) + header + rest);
    free(all);
    free(changed);
    free(text);
    free(bytes);
    free(path);
}

/* A key of config.json with its value becomes `to`, which may be empty; where there is none, `to` is put in. */
static inline void put_key(const char *folder, const char *name, const char *key, const char *to)
{
    char *path = mem_printf("%s/%s/config.json", folder, name), *text;
    Err err = {0};
    json_t *config;
    need_ok(json_read_file(path, &config, &err), &err);
    json_object_del(config, key);
    text = json_text(config);
    json_decref(config);
    char *changed = mem_printf("{%s%s", to, text + 1);
    put_own(folder, name, "config.json", changed, strlen(changed));
    free(changed);
    free(text);
    free(path);
}

/* One more tensor behind the others of model.safetensors. */
static inline void put_tensor(const char *folder, const char *name, const char *tensor, const char *type,
                              const char *shape, const char *bytes, size_t n)
{
    char *path = mem_printf("%s/%s/model.safetensors", folder, name), *all;
    size_t size, length;
    Err err = {0};
    need_ok(file_read(path, 1 << 24, &all, &size, &err), &err);
    memcpy(&length, all, 8);
    size_t end = size - 8 - length;
    char *header = mem_printf("{\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]},%.*s", tensor, type,
                              shape, end, end + n, (int)length - 1, all + 9);
    size_t longer = strlen(header);
    Str s = {0};
    str_addn(&s, (const char *)&longer, 8);
    str_add(&s, header);
    str_addn(&s, all + 8 + length, end);
    str_addn(&s, bytes, n);
    put_own(folder, name, "model.safetensors", s.text, s.n);
    str_release(&s);
    free(header);
    free(all);
    free(path);
}

#endif
