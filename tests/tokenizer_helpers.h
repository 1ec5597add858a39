/* What the tests of tokenizers share: files that may be absent, a folder, and the words for what is expected.
 */
#ifndef TESTS_TEXT_TOKENIZER_HELPERS_H
#define TESTS_TEXT_TOKENIZER_HELPERS_H

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "group.h"
#include "text/tokenizer.h"

#include <unistd.h>

/* Skips the test, aloud, where the file is absent. Returns its name. */
static inline const char *need_file(const char *path)
{
    if (!file_exists(path))
        skip_aloud("%s is absent", path);
    return path;
}

/* The same for a real model, and where RLAIF_TEST_MODELS=none forbids them. */
static inline const char *need_model(const char *path)
{
    const char *choice = getenv("RLAIF_TEST_MODELS");
    if (choice && !strcmp(choice, "none"))
        skip_aloud("%s, since RLAIF_TEST_MODELS=none", path);
    return need_file(path);
}

/* A new folder for a test's files, for scratch_end. */
static inline char *scratch_dir(void)
{
    Err err = {0};
    char *dir = mem_str("build/test-XXXXXX");
    if (!dir_make("build", &err) || !mkdtemp(dir))
        fail_msg("no folder under build/: %s", err.msg);
    return dir;
}

static inline void scratch_end(char *dir)
{
    Err err = {0};
    if (!dir_remove(dir, &err))
        fail_msg("%s", err.msg);
    free(dir);
}

static inline Tokenizer *make(const TokenizerSpec *spec)
{
    Err err = {0};
    Tokenizer *t;
    if (!tokenizer_new(&t, spec, &err))
        fail_msg("%s", err.msg);
    return t;
}

static inline Ids encode(const Tokenizer *t, const char *text, size_t n, bool special)
{
    Err err = {0};
    Ids ids = {0};
    if (!tokenizer_encode(t, text, n, special, &ids, &err))
        fail_msg("\"%.60s\": %s", text, err.msg);
    return ids;
}

/* The texts of the tokens, with '|' between them. */
static inline void expect_tokens(const Tokenizer *t, const char *text, bool special, const char *wanted)
{
    Ids ids = encode(t, text, strlen(text), special);
    Str got = {0};
    for (int i = 0; i < ids.n; i++)
        str_addf(&got, "%s%s", i ? "|" : "", tokenizer_token(t, ids.id[i]));
    assert_string_equal(str_text(&got), wanted);
    str_release(&got);
    ids_release(&ids);
}

static inline void expect_decoded(const Tokenizer *t, const int *id, int n, bool special, const char *wanted)
{
    Str got = {0};
    tokenizer_decode(t, id, n, special ? TOKENIZE_SPECIAL : 0, &got);
    assert_string_equal(str_text(&got), wanted);
    str_release(&got);
}

static inline void expect_round_trip(const Tokenizer *t, const char *text, size_t n)
{
    Ids ids = encode(t, text, n, false);
    Str back = {0};
    tokenizer_decode(t, ids.id, ids.n, 0, &back);
    assert_int_equal(back.n, n);
    assert_memory_equal(str_text(&back), text, n);
    str_release(&back);
    ids_release(&ids);
}

static inline json_t *read_json(const char *path)
{
    Err err = {0};
    json_t *json;
    if (!json_read_file(path, &json, &err))
        fail_msg("%s", err.msg);
    return json;
}

static inline Tokenizer *open_dir(const char *dir)
{
    Err err = {0};
    Tokenizer *t;
    if (!tokenizer_open(&t, dir, &err))
        fail_msg("%s", err.msg);
    return t;
}

#endif
