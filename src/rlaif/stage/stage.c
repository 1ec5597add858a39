/* Stages: identity, finished rows, outputs. */
#include "rlaif/stage/stage.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/version.h"
#include "rlaif/stage/needs.h"

#include <stdarg.h>

const Option common_options[RENDER_OPTIONS] = {
    {"seed", OPT_INT, AT(CommonOptions, seed), 0, 2147483647, "0", .help = "of everything random"},
    {"threads", OPT_INT, AT(CommonOptions, threads), 0, 4096, "0", .flags = OPT_WORKING | OPT_MACHINE,
     .help = "0: one per core; results never depend on it"},
    {"cpu", OPT_CHOICE, AT(CommonOptions, cpu), .choices = CPU_LEVELS, .otherwise = "auto",
     .flags = OPT_WORKING | OPT_MACHINE, .help = "kernels; results never depend on it"},
    {"run", OPT_TEXT, AT(CommonOptions, run), .value = "DIR", .flags = OPT_WORKING | OPT_CLI,
     .help = "keep the store in this run directory"},
    {"json", OPT_BOOL, AT(CommonOptions, json), .flags = OPT_WORKING | OPT_CLI,
     .help = "print the summary as one JSON object, last line"},
    {"quiet", OPT_BOOL, AT(CommonOptions, quiet), .flags = OPT_WORKING | OPT_CLI, .help = "no progress"},
    {"date", OPT_DATE, AT(CommonOptions, date), .otherwise = CHAT_DATE_TEXT,
     .help = "the day that chat templates are told"},
    {"weights", OPT_CHOICE, AT(CommonOptions, weights), .choices = "file|f32", .otherwise = "file",
     .flags = OPT_WORKING | OPT_MACHINE | OPT_CLI,
     .help =
         "how models that are not trained lie in memory: as their files have them, or in f32; results never depend on it"},
    {"base", OPT_TEXT, AT(CommonOptions, base), .value = "MODEL", .flags = OPT_WORKING | OPT_CLI,
     .help = "what adapters adapt that name a model which is not here, as by a hub's name"},
};

bool work_model(Model **out, const char *path, const Work *work, int heads, Err *err)
{
    if (!model_load(out, path, work->device, heads, err))
        return false;
    (*out)->date = work->common->date;
    return true;
}

bool work_model_hash(const Work *work, const char *path, char out[HASH_TEXT], Err *err)
{
    if (!work->device->hollow)
        return model_hash(path, work->store, out, err);
    hash_bytes(path, strlen(path), out);
    return true;
}

json_t *stage_about(const OptionTable *table, const void *options, const CommonOptions *common, ...)
{
    json_t *about = json_object(), *hashes = json_object();
    va_list ap;
    va_start(ap, common);
    for (const char *name; (name = va_arg(ap, const char *));)
        json_object_set_new(hashes, name, json_string(va_arg(ap, const char *)));
    va_end(ap);
    json_object_set_new(about, "options", options_json(table, options, false));
    json_object_set_new(about, "hashes", hashes);
    json_object_set_new(about, "seed", json_integer(common->seed));
    return about;
}

/* What a finished stage said when it ended. */
static bool load_summary(Stage *s, Err *err)
{
    StageRow row;
    bool present;
    if (!store_stage_find(s->work->store, s->name, &row, &present, err))
        return false;
    json_t *summary = NULL;
    bool ok = !row.summary || json_parse(row.summary, strlen(row.summary), s->name, &summary, err);
    if (summary) {
        json_decref(s->summary);
        s->summary = summary;
        json_decref(s->work->summary);
        s->work->summary = json_incref(summary);
    }
    stage_row_release(&row);
    return ok;
}

bool stage_begin(Stage *s, Work *work, const char *name, const char *kind, json_t *about, Err *err)
{
    *s = (Stage){.work = work,
                 .kind = kind,
                 .name = mem_str(name),
                 .began = clock_seconds(),
                 .peak_before = mem_peak(),
                 .summary = json_object()};
    char *text = json_text(about), identity[HASH_TEXT];
    Hash *h = hash_new();
    hash_add_text(h, kind);
    hash_add_text(h, text);
    hash_end(h, identity);
    free(text);
    json_object_set_new(about, "version", json_string(RLAIF_VERSION));
    bool ok = store_stage_begin(work->store, name, kind, identity, about, &s->id, &s->found, &s->done, err);
    json_decref(about);
    if (ok && s->found == STAGE_REPLACED)
        log_note("%s: the options, the models or the input are others than before; what it had is replaced", name);
    if (ok && s->done)
        log_note("%s: was done before with the same options, models and input", name);
    ok = ok && (!s->done || load_summary(s, err));
    if (!ok)
        stage_release(s);
    return ok;
}

bool stage_end(Stage *s, const char *output, Err *err)
{
    s->done = true;
    json_decref(s->work->summary);
    s->work->summary = json_incref(s->summary);
    if (!store_stage_end(s->work->store, s->id, output, s->summary, clock_seconds() - s->began, err))
        return false;
    needs_met(s->summary, s->name, s->peak_before); /* measured here and now: printed, not stored */
    return true;
}

bool stage_uses_prompts(Stage *s, PromptUse use, const Rows *rows, Err *err)
{
    char(*digits)[HASH_TEXT] = mem_alloc((size_t)rows->n * 2 + 1, sizeof *digits), alone[HASH_TEXT];
    const char **hash = mem_alloc((size_t)rows->n * 2 + 1, sizeof *hash);
    int n = 0;
    for (int i = 0; i < rows->n; i++) {
        context_hash(&rows->row[i].view.context, digits[n++]);
        n += context_first(&rows->row[i].view.context, alone, digits[n]);
    }
    for (int i = 0; i < n; i++)
        hash[i] = digits[i];
    bool ok = store_contexts_put(s->work->store, s->id, use, hash, n, err);
    free(digits);
    free(hash);
    return ok;
}

void stage_release(Stage *s)
{
    free(s->name);
    free(s->left_out);
    json_decref(s->summary);
    *s = (Stage){0};
}

/* --- rows ----------------------------------------------------------------------------------------------- */

/* The input, as finished rows are looked for in it. */
typedef struct Places {
    json_t *index;    /* object key -> number of the row */
    json_t *moved;    /* object key -> its place, of items that stood elsewhere; -1: it has none */
    bool *is_present; /* [rows] */
} Places;

static bool take_place(void *context, const char *key, int position, Err *err)
{
    Places *p = context;
    (void)err;
    const json_t *at = json_object_get(p->index, key);
    int place = at ? (int)json_integer_value(at) : -1;
    if (place >= 0)
        p->is_present[place] = true;
    if (place != position)
        json_object_set_new(p->moved, key, json_integer(place));
    return true;
}

static bool move_rows(Stage *s, json_t *moved, Err *err)
{
    Store *store = s->work->store;
    const char *key;
    json_t *place;
    bool ok = json_object_size(moved) == 0 || store_begin(store, err);
    json_object_foreach(moved, key, place) ok =
        ok && store_item_place(store, s->id, key, (int)json_integer_value(place), err);
    return ok && (json_object_size(moved) == 0 || store_commit(store, err));
}

/* Gives every finished row its place in this input; lists those that are missing. */
static bool find_missing(Stage *s, const Rows *rows, int *missing, int *n, Err *err)
{
    Places p = {json_object(), json_object(), mem_zalloc((size_t)rows->n, sizeof(bool))};
    for (int i = 0; i < rows->n; i++)
        json_object_set_new(p.index, rows->row[i].key, json_integer(i));
    bool ok = store_items_places(s->work->store, s->id, take_place, &p, err) && move_rows(s, p.moved, err);
    *n = 0;
    for (int i = 0; i < rows->n; i++)
        if (!p.is_present[i])
            missing[(*n)++] = i;
    json_decref(p.index);
    json_decref(p.moved);
    free(p.is_present);
    return ok;
}

static bool put_rows(Stage *s, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    bool ok = store_begin(s->work->store, err);
    for (int i = 0; i < n; i++) {
        if (!out[i]) {
            s->left_out[s->n_left_out++] = index[i];
            continue;
        }
        char *text = json_text(out[i]);
        ok = ok && store_item_put(s->work->store, s->id, rows->row[index[i]].key, index[i], text, err);
        free(text);
        json_decref(out[i]);
        out[i] = NULL;
    }
    return ok && store_commit(s->work->store, err);
}

static bool work_chunks(Stage *s, const Rows *rows, const int *missing, int n, int chunk, Progress *p, RowWork *work,
                        void *context, Err *err)
{
    json_t **out = mem_zalloc((size_t)chunk, sizeof *out);
    bool ok = true;
    for (int at = 0, size; ok && at < n; at += size) {
        int most = at == 0 && s->first_chunk > 0 ? s->first_chunk : chunk;
        size = n - at < most ? n - at : most;
        ok = not_interrupted(err) && work(context, rows, missing + at, size, out, err) &&
             put_rows(s, rows, missing + at, size, out, err);
        if (ok)
            progress_at(p, p->done_before + at + size);
    }
    free(out);
    return ok;
}

/* Says which rows are left out, and how many could not be read. */
static bool report_left_out(Stage *s, const Rows *rows, Err *err)
{
    enum { MOST_NAMED = 20 };
    json_t *places = json_array();
    Str named = {0};
    int finished;
    if (!store_items_count(s->work->store, s->id, &finished, err))
        return false;
    for (int i = 0; i < s->n_left_out; i++) {
        char place[300];
        json_array_append_new(places, json_string(row_place(rows, s->left_out[i], place)));
        if (i < MOST_NAMED)
            str_addf(&named, "%s%s", i ? ", " : "", place);
    }
    if (s->n_left_out > 0)
        log_warn("%s: %d of %d rows have no answer and are left out; the same command asks for them again: %s%s",
                 s->name, s->n_left_out, rows->n, str_text(&named), s->n_left_out > MOST_NAMED ? ", ..." : "");
    json_object_del(s->summary, "left_out");
    if (s->n_left_out > 0 || rows->skipped > 0)
        json_object_set_new(
            s->summary, "left_out",
            json_pack("{s:i, s:i, s:O}", "bad", rows->skipped, "unanswered", s->n_left_out, "rows", places));
    json_decref(places);
    str_release(&named);
    return rows_are_left(rows, finished, err);
}

bool stage_rows(Stage *s, const Rows *rows, int chunk, const char *unit, bool (*prepare)(void *, Err *), RowWork *work,
                void *context, Err *err)
{
    int *missing = mem_alloc((size_t)rows->n, sizeof *missing), n, removed = 0;
    bool ok = find_missing(s, rows, missing, &n, err);
    s->rows = rows;
    s->missing = missing;
    s->n_missing = n;
    s->left_out = mem_resize(s->left_out, (size_t)n + 1, sizeof *s->left_out);
    s->n_left_out = 0;
    if (ok && n > 0) {
        Progress p;
        ok = !prepare || prepare(context, err);
        if (ok) {
            progress_begin(&p, s->name, unit, rows->n, rows->n - n);
            ok = work_chunks(s, rows, missing, n, chunk, &p, work, context, err);
            progress_end(&p);
        }
    }
    s->rows = NULL;
    s->missing = NULL;
    s->n_missing = 0;
    free(missing);
    ok = ok && store_items_prune(s->work->store, s->id, &removed, err);
    if (ok && removed > 0)
        log_note("%s: %d rows of another input are gone from the store", s->name, removed);
    return ok && report_left_out(s, rows, err);
}

/* --- outputs and inputs --------------------------------------------------------------------------------- */

static bool write_row(void *context, const char *row, Err *err)
{
    return text_write(context, row, strlen(row), err) && text_write(context, "\n", 1, err);
}

bool stage_deliver(Stage *s, const char *path, Err *err)
{
    TextWriter *out;
    if (s->work->in_recipe)
        return true;
    if (!text_open(&out, path, err))
        return false;
    if (store_items_each(s->work->store, s->id, write_row, out, err))
        return text_close(out, err);
    text_discard(out);
    return false;
}

static bool collect_row(void *context, const char *row, Err *err)
{
    (void)err;
    Str *text = context;
    str_add(text, row);
    str_addc(text, '\n');
    return true;
}

/* The rows of a finished stage of this store. */
static bool read_stage_rows(Work *work, const char *name, int limit, Rows *out, Err *err)
{
    StageRow stage;
    bool present;
    if (!store_stage_find(work->store, name, &stage, &present, err))
        return false;
    if (!present)
        return err_set(err, ERR_INPUT, "the run has no stage \"%s\"", name),
               err_hint(err, "run that stage first: rlaif run RECIPE");
    Str text = {0};
    bool ok = store_items_each(work->store, stage.id, collect_row, &text, err) &&
              rows_parse(out, name, str_text(&text), text.n, limit, err);
    str_release(&text);
    stage_row_release(&stage);
    return ok;
}

bool stage_read_rows(Work *work, const char *source, int limit, RowNeed need, bool skip_bad, Rows *out, Err *err)
{
    *out = (Rows){0};
    bool from_stage = str_starts(source, "stage:");
    bool ok = from_stage ? read_stage_rows(work, source + strlen("stage:"), limit, out, err)
                         : rows_read(out, source, limit, skip_bad, err);
    return ok && rows_view(out, need, skip_bad, err);
}

bool stage_hash_rows(Work *work, const char *source, RowNeed need, bool skip_bad, char out[HASH_TEXT], Err *err)
{
    Rows rows = {0};
    out[0] = 0;
    if (!source)
        return true;
    bool ok = stage_read_rows(work, source, 0, need, skip_bad, &rows, err);
    if (ok)
        rows_hash(&rows, out);
    rows_release(&rows);
    return ok;
}

/* OUT.rlaif */
static char *store_beside(const char *output)
{
    size_t n = strlen(output);
    while (n > 1 && output[n - 1] == '/')
        n--;
    return mem_printf("%.*s.rlaif", (int)n, output);
}

char *work_store_path(const Work *work, const char *output)
{
    return work->common->run ? path_join(work->common->run, "store.sqlite") : store_beside(output);
}

bool work_open_store(Work *work, const char *output, Err *err)
{
    const char *run = work->common->run;
    if (!run && (!output || strcmp(output, "-") == 0 || file_is_special(output)))
        return store_open(&work->store, ":memory:", err);
    if (run ? !dir_make(run, err) : !file_has_folder(output, err))
        return false;
    char *path = work_store_path(work, output);
    bool ok = store_open(&work->store, path, err);
    free(path);
    return ok;
}

bool work_open_rows_store(Work *work, const char *output, Err *err)
{
    if (output && !output[0])
        return err_set(err, ERR_USAGE, "command line: the output has no name"), err_hint(err, "-o FILE");
    if (output && file_is_dir(output)) {
        err_set(err, ERR_INPUT, "%s is a directory, the output is a file of rows", output);
        return err_hint(err, "name a file inside it");
    }
    return work_open_store(work, output, err);
}

bool work_open_existing(Work *work, const char *path, bool *beside, Err *err)
{
    char *run = path_join(path, "store.sqlite"), *other = store_beside(path);
    *beside = !file_exists(run) && file_exists(other);
    bool ok = store_open_existing(&work->store, *beside ? other : run, err);
    free(run);
    free(other);
    return ok;
}
