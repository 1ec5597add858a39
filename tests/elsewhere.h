/* What tests of labels by a judge behind an endpoint share: pairs, a planted judge, and the options that ask it. */
#ifndef TESTS_RLAIF_ELSEWHERE_H
#define TESTS_RLAIF_ELSEWHERE_H

#include "endpoint_helpers.h"
#include "label_helpers.h"

/* A scene, its endpoint, and the options that ask it. */
typedef struct Elsewhere {
    Scene scene;
    Endpointed planted;
    Server *server;
    LabelOptions *options;
} Elsewhere;

static inline Elsewhere *elsewhere_new(void)
{
    Elsewhere *e = mem_zalloc(1, sizeof *e);
    Err err = {0};
    e->scene = scene_new();
    e->planted = (Endpointed){.shorter = 0.8, .writes = " It is short."};
    e->server = server_start(planted_endpoint, &e->planted);
    e->options = options_new(&label_table);
    options_put(&label_table, e->options, "pairs", e->scene.pairs);
    options_put(&label_table, e->options, "endpoint", server_address(e->server));
    options_put(&label_table, e->options, "api-model", "planted");
    need_ok(options_set(&label_table, e->options, "prompt", e->scene.prompt, "a test", &err), &err);
    e->options->endpoint.retry_wait = 0.01;
    e->options->endpoint.timeout = 5;
    setenv("OPENAI_API_KEY", PLANTED_KEY, 1);
    return e;
}

static inline void elsewhere_free(Elsewhere *e)
{
    options_free(&label_table, e->options);
    server_stop(e->server);
    endpointed_release(&e->planted);
    scene_free(&e->scene);
    free(e);
}

static inline bool label_elsewhere(Elsewhere *e, const char *name, json_t **summary, Err *err)
{
    return label(&e->scene, e->options, name, CPU_AUTO, 1, summary, err);
}

#endif
