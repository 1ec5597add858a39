/* What tests of ratings share: the page as a file, import of what it gives, evaluation. */
#ifndef TESTS_RATING_HELPERS_H
#define TESTS_RATING_HELPERS_H

#include "rlaif/eval/eval.h"
#include "rlaif/import/import.h"
#include "serve/export.h"
#include "serve_helpers.h"

/* `rate export` of the run into folder/rate.html and its key. The caller frees the page's text. */
static inline void export_page(Bench *b, RatingKind kind, char **text)
{
    Err err = {0};
    CommonOptions common = {.seed = 1};
    Work w = {.common = &common};
    char *store = path_join(b->folder, "store.sqlite"), *output = path_join(b->folder, "rate.html");
    RateExportOptions o = {.common = common, .source = b->folder, .output = output, .kind = (int)kind};
    size_t n;
    need_ok(store_open_existing(&w.store, store, &err) && rate_export(&w, &o, &err), &err);
    need_ok(file_read(output, 1 << 20, text, &n, &err), &err);
    json_decref(w.summary);
    store_close(w.store);
    free(store);
    free(output);
}

/* import of folder/INPUT with its key, or "", into folder/OUTPUT. */
static inline bool run_import(Bench *b, const char *input, const char *key, const char *output, Err *err)
{
    Work w = {0};
    char *paths[] = {path_join(b->folder, input), path_join(b->folder, key), path_join(b->folder, output)};
    ImportOptions *o = options_new(&import_table);
    options_put(&import_table, o, "input", paths[0]);
    options_put(&import_table, o, "output", paths[2]);
    if (key[0])
        options_put(&import_table, o, "key", paths[1]);
    o->common.quiet = true;
    w.common = &o->common;
    *err = (Err){0};
    bool ok = options_complete(&import_table, o, "a test", err) && import_rows(&w, o, err);
    json_decref(w.summary);
    options_free(&import_table, o);
    for (int i = 0; i < COUNT(paths); i++)
        free(paths[i]);
    return ok;
}

/* A summary of rankings or marks: of the run's store, or of a file. The caller releases it. */
static inline json_t *evaluate(Bench *b, const char *kind, char *file)
{
    Err err = {0};
    RatingsOptions ratings = {.rows = file};
    HarmlessOptions harmless = {.rows = {&file, file ? 1 : 0}};
    CommonOptions common = {0};
    Work w = {.common = &common, .in_recipe = true};
    char *path = path_join(b->folder, "store.sqlite");
    need_ok(store_open_existing(&w.store, path, &err), &err);
    need_ok(strcmp(kind, "rank") == 0 ? ratings_stage(&w, "ratings", &ratings, &err)
                                      : harmless_stage(&w, "harmless", &harmless, &err),
            &err);
    json_t *summary = json_incref(w.summary);
    json_decref(w.summary);
    store_close(w.store);
    free(path);
    return summary;
}

static inline double rate_of(const json_t *summary, const char *policy)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(summary, "policies"), i, one) if (strcmp(json_text_of(one, "policy"), policy) ==
                                                                         0) return json_number_of(one, "harmless", -1);
    return -1;
}

#endif
