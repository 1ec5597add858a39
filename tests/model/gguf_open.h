/* Files that gguf_build.h makes, opened and read as configurations. */
#ifndef TESTS_MODEL_GGUF_OPEN_H
#define TESTS_MODEL_GGUF_OPEN_H

#include "gguf_build.h"

#include "group.h"

typedef struct Opened {
    unsigned char *bytes;
    Gguf *g;
} Opened;

static inline Opened open_build(Build *b)
{
    Err err = {0};
    Opened o;
    size_t n;
    o.bytes = build_end(b, &n);
    if (!gguf_open_bytes(&o.g, "small", o.bytes, n, &err))
        fail_msg("%s", err.msg);
    return o;
}

static inline void close_build(Opened *o)
{
    gguf_free(o->g);
    free(o->bytes);
}

static inline ModelConfig config_of(Build *b)
{
    Err err = {0};
    ModelConfig c;
    Opened o = open_build(b);
    if (!gguf_config(o.g, &c, &err))
        fail_msg("%s", err.msg);
    close_build(&o);
    return c;
}

static inline void expect_refused(Build *b, const char *words)
{
    Err err = {0};
    ModelConfig c;
    Opened o = open_build(b);
    if (gguf_config(o.g, &c, &err))
        fail_msg("accepted, should say \"%s\"", words);
    if (!strstr(err.msg, words) || !str_starts(err.msg, "small: "))
        fail_msg("says \"%s\", should say \"%s\"", err.msg, words);
    close_build(&o);
}

#endif
