/* What tests of evaluations share: fields of a summary, files of rows, a store in memory. */
#ifndef TESTS_RLAIF_EVAL_HELPERS_H
#define TESTS_RLAIF_EVAL_HELPERS_H

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/contest.h"
#include "rlaif/eval/eval.h"
#include "support.h"
#include "tensor/cpu.h"

static const char TINY[] = "tests/fixtures/tiny-llama";

static inline void field(const json_t *object, const char *key, double wanted)
{
    const json_t *x = json_object_get(object, key);
    if (!json_is_number(x) || fabs(json_number_value(x) - wanted) > 1e-12) {
        char *text = x ? json_text(x) : mem_str("absent");
        fail_msg("\"%s\" is %s, not %.17g", key, text, wanted);
    }
}

static inline void null_field(const json_t *object, const char *key)
{
    if (!json_is_null(json_object_get(object, key)))
        fail_msg("\"%s\" is not null", key);
}

/* A file in the test's folder. The caller frees the path. */
static inline char *write_rows(const char *folder, const char *name, const char *lines)
{
    Err err = {0};
    char *path = path_join(folder, name);
    need_ok(file_write(path, lines, strlen(lines), &err), &err);
    return path;
}

/* What a stage works with, on a store in memory, as a recipe has it: nothing is printed. */
static inline Work work_new(CommonOptions *common)
{
    Err err = {0};
    Work w = {.common = common, .in_recipe = true};
    need_ok(device_open(&w.device, CPU_AUTO, 1, &err) && store_open(&w.store, ":memory:", &err), &err);
    return w;
}

static inline void work_free(Work *w)
{
    json_decref(w->summary);
    store_close(w->store);
    device_free(w->device);
}

#endif
