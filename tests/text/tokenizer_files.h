/* Directories of tokenizers for tests: small files, and what is refused. */
#ifndef TESTS_TEXT_TOKENIZER_FILES_H
#define TESTS_TEXT_TOKENIZER_FILES_H

#include "tokenizer_helpers.h"

static inline void put_file(const char *dir, const char *name, const char *text)
{
    Err err = {0};
    char *path = path_join(dir, name);
    if (!file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(path);
}

/* The text of a file, or NULL where it is absent; the caller frees it. */
static inline char *get_file(const char *dir, const char *name)
{
    Err err = {0};
    char *path = path_join(dir, name), *text = NULL;
    size_t n;
    if (file_exists(path) && !file_read(path, 1 << 24, &text, &n, &err))
        fail_msg("%s", err.msg);
    free(path);
    return text;
}

static inline void expect_file(const char *dir, const char *name, const char *wanted)
{
    char *text = get_file(dir, name);
    if (!text != !wanted || (text && wanted && strcmp(text, wanted) != 0))
        fail_msg("%s holds %.200s", name, text ? text : "nothing: it is absent");
    free(text);
}

/* The folder must be refused with these words in the message. */
static inline void expect_refused(const char *dir, const char *words)
{
    Err err = {0};
    Tokenizer *t;
    if (tokenizer_open(&t, dir, &err))
        fail_msg("accepted, should say \"%s\"", words);
    assert_null(t);
    if (!strstr(err.msg, words) || !strstr(err.msg, dir) || !err.hint[0])
        fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, words);
}

/* A tokenizer.json with a place for what a test wants to say otherwise. */
#define MODEL(more, vocab, merges) "{\"type\": \"BPE\"" more ", \"vocab\": {" vocab "}, \"merges\": [" merges "]}"
#define VOCAB                      "\"<s>\": 0, \"a\": 1, \"b\": 2, \"ab\": 3, \"\xe2\x96\x81\": 4"
#define STRING(text)               "{\"String\": \"" text "\"}"
#define REPLACE(from, to)          "{\"type\": \"Replace\", \"pattern\": " STRING(from) ", \"content\": \"" to "\"}"
#define MARKS                      REPLACE("\xe2\x96\x81", " ")
#define ADDED                      "{\"id\": 0, \"content\": \"<s>\", \"special\": true}"
#define PARTS(normalizer, pre, post, decoder)                                                                          \
    ", \"normalizer\": " normalizer ", \"pre_tokenizer\": " pre ", \"post_processor\": " post ", \"decoder\": " decoder
#define FILE_OF(model, added, parts) "{\"model\": " model ", \"added_tokens\": [" added "]" parts "}"
#define TO_MARKS                     REPLACE(" ", "\xe2\x96\x81")
#define UNIGRAM(vocab, more)                                                                                           \
    "{\"model\": {\"type\": \"Unigram\", \"vocab\": [" vocab "]" more "}" PARTS("null", "null", "null", MARKS) "}"
#define PLAIN FILE_OF(MODEL("", VOCAB, "\"a b\""), ADDED, PARTS(TO_MARKS, "null", "null", MARKS))

static inline void save_to(const Tokenizer *t, const char *dir, const char *chat_template)
{
    Err err = {0};
    if (!tokenizer_save(t, dir, chat_template, &err))
        fail_msg("%s", err.msg);
}

#endif
