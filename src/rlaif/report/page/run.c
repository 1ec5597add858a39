/* The run, read from its store and recipe. */
#include "rlaif/report/page/run.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/eval.h"
#include "rlaif/stage/metric_log.h"
#include "rlaif/stage/stats.h"

static bool add_metric(void *context, int step, const char *name, double value, Err *err)
{
    (void)err;
    ReportStage *s = context;
    int i = 0;
    if (str_starts(name, METRIC_CLOCK)) /* the page holds no clock */
        return true;
    while (i < s->n_series && strcmp(s->series[i].metric, name) != 0)
        i++;
    if (i == s->n_series) {
        s->series = mem_resize(s->series, (size_t)i + 1, sizeof *s->series);
        s->series[s->n_series++] = (Series){.metric = mem_str(name)};
    }
    Series *x = &s->series[i];
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 64;
        x->step = mem_resize(x->step, (size_t)x->cap, sizeof *x->step);
        x->value = mem_resize(x->value, (size_t)x->cap, sizeof *x->value);
    }
    x->step[x->n] = step;
    x->value[x->n++] = value;
    return true;
}

static bool read_json(const char *text, const char *where, json_t **out, Err *err)
{
    *out = NULL;
    if (text && !json_parse(text, strlen(text), where, out, err))
        return false;
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = json_object();
    }
    return true;
}

/* What the label's rows say: a histogram, and position bias and agreement with people. */
static bool read_labels(Work *work, ReportStage *s, Err *err)
{
    Rows rows;
    char *source = mem_printf("stage:%s", s->row.name);
    bool ok = stage_read_rows(work, source, 0, NEED_PAIR, false, &rows, err);
    free(source);
    s->alignment = json_object();
    ok = ok && alignment_numbers(&rows, s->alignment, err);
    for (int i = 0; ok && i < rows.n; i++) {
        int bin = (int)(rows.row[i].view.label * LABEL_BINS);
        s->bin[bin < LABEL_BINS ? bin : LABEL_BINS - 1]++;
    }
    if (ok && rows.n > 0)
        s->label = json_incref(json_object_get(rows.row[0].json, "label"));
    rows_release(&rows);
    return ok;
}

/* Of a rollout: what each part of its reward said, unless an earlier one has it. */
static bool add_judgments(void *context, json_t *row, Err *err)
{
    ReportStage *s = context;
    const json_t *parts = json_object_get(row, "rewards");
    size_t n = parts ? json_array_size(parts) : 1;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        json_t *said = json_object_get(parts ? json_array_get(parts, i) : row, "judgment");
        if (i == json_array_size(s->judgments))
            json_array_append_new(s->judgments, json_null());
        if (said && json_is_null(json_array_get(s->judgments, i)))
            json_array_set(s->judgments, i, said);
    }
    return true;
}

/* The last step's: a part's judge may have refused to judge some replies. */
static bool read_judgments(Store *store, ReportStage *s, Err *err)
{
    int step;
    if (!report_hash(s, "prompt") && !json_object_get(json_object_get(s->about, "hashes"), "rewards"))
        return true;
    s->judgments = json_array();
    return store_rollouts_last(store, s->row.id, &step, err) &&
           store_rollouts_each(store, s->row.id, step, store_json, &(StoreJson){add_judgments, s}, err);
}

/* Is it a stage that the recipe's stage `whole` makes by itself: "eval-after", "choose-checkpoint-000010", "label.all"? */
static bool is_part(const char *name, const char *whole)
{
    static const char *const suffix[] = {"-after", "-before", "-checkpoint-", ".all", ".choice-", ".numbers"};
    size_t n = strlen(whole);
    bool part = false;
    for (int i = 0; i < COUNT(suffix); i++)
        part = part || (strncmp(name, whole, n) == 0 && str_starts(name + n, suffix[i]));
    return part;
}

/* A mix is fitted by a stage of labels. */
static bool is_of_kind(const char *kind, const char *known)
{
    return strcmp(strcmp(kind, "fit") == 0 ? "label" : kind, known) == 0;
}

/* Where the recipe has it, or what it is a part of. */
static void place_in_recipe(const Report *r, ReportStage *s)
{
    s->place = r->recipe.n;
    for (int i = 0; i < r->recipe.n; i++) {
        const RecipeStage *known = &r->recipe.stage[i];
        if (strcmp(known->name, s->row.name) == 0 && is_of_kind(s->row.kind, known->kind)) {
            s->recipe = known->options;
            s->place = i;
        } else if (!s->recipe && is_part(s->row.name, known->name)) {
            s->place = i;
        }
    }
}

bool report_stage_read(ReportStage *s, Store *store, Err *err)
{
    return read_json(s->row.about, s->row.name, &s->about, err) &&
           read_json(s->row.summary, s->row.name, &s->summary, err) &&
           store_items_count(store, s->row.id, &s->items, err);
}

bool report_series_read(ReportStage *s, Store *store, Err *err)
{
    return store_metrics_each(store, s->row.id, add_metric, s, err);
}

static bool read_stage(Report *r, ReportStage *s, Err *err)
{
    Store *store = r->work->store;
    if (!report_stage_read(s, store, err) || !report_series_read(s, store, err))
        return false;
    place_in_recipe(r, s);
    if (strcmp(s->row.kind, "rl") == 0)
        return read_judgments(store, s, err);
    return strcmp(s->row.kind, "label") != 0 || s->items == 0 || read_labels(r->work, s, err);
}

static int by_place(const void *a, const void *b)
{
    const ReportStage *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->row.id < y->row.id ? -1 : x->row.id > y->row.id;
}

bool report_read(Report *r, Work *work, const char *run_dir, Err *err)
{
    *r = (Report){.work = work, .run_dir = run_dir};
    char *path = path_join(r->run_dir, "recipe.yaml");
    bool ok = true, present = true;
    r->has_recipe = file_exists(path);
    if (r->has_recipe)
        ok = recipe_read(&r->recipe, path, err);
    free(path);
    while (ok && present) {
        StageRow row;
        ok = store_stage_at(r->work->store, r->n, &row, &present, err);
        if (!ok || !present)
            break;
        r->stage = mem_resize(r->stage, (size_t)r->n + 1, sizeof *r->stage);
        r->stage[r->n] = (ReportStage){.row = row};
        ok = read_stage(r, &r->stage[r->n++], err);
    }
    if (!ok)
        return false;
    if (r->n > 0)
        qsort(r->stage, (size_t)r->n, sizeof *r->stage, by_place);
    for (int i = 0; i < r->n; i++)
        r->stage[i].number = i + 1;
    return true;
}

void report_stage_release(ReportStage *s)
{
    for (int k = 0; k < s->n_series; k++) {
        free(s->series[k].metric);
        free(s->series[k].step);
        free(s->series[k].value);
    }
    free(s->series);
    json_decref(s->about);
    json_decref(s->summary);
    json_decref(s->alignment);
    json_decref(s->label);
    json_decref(s->judgments);
    stage_row_release(&s->row);
}

void report_release(Report *r)
{
    for (int i = 0; i < r->n; i++)
        report_stage_release(&r->stage[i]);
    free(r->stage);
    if (r->has_recipe)
        recipe_release(&r->recipe);
}

/* --- asking --------------------------------------------------------------------------------------------- */

const ReportStage *report_next(const Report *r, const char *kind, const ReportStage *after)
{
    for (int i = after ? after->number : 0; i < r->n; i++)
        if (strcmp(r->stage[i].row.kind, kind) == 0)
            return &r->stage[i];
    return NULL;
}

int report_collect(const Report *r, const char *kind, const ReportStage **out, int most)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, kind, NULL); s && n < most; s = report_next(r, kind, s))
        if (s->row.done || s->items > 0 || s->n_series > 0)
            out[n++] = s;
    return n;
}

int report_count(const Report *r, const char *kind)
{
    int n = 0;
    for (const ReportStage *s = report_next(r, kind, NULL); s; s = report_next(r, kind, s))
        n++;
    return n;
}

const Series *report_series(const ReportStage *s, const char *metric)
{
    for (int i = 0; i < s->n_series; i++)
        if (strcmp(s->series[i].metric, metric) == 0)
            return &s->series[i];
    return NULL;
}

const char *report_value(const ReportStage *s, const char *option)
{
    const Yaml *v = s->recipe ? yaml_get(s->recipe, option) : NULL;
    return v && v->kind == YAML_TEXT && !yaml_is_null(v) ? v->text : NULL;
}

/* The stage that a value of a recipe stands for, or NULL. */
static const ReportStage *maker_of(const Report *r, const char *value)
{
    for (int i = 0; i < r->n; i++) {
        const ReportStage *m = &r->stage[i];
        if (str_starts(value, "stage:") ? strcmp(value + strlen("stage:"), m->row.name) == 0
                                        : m->row.output && strcmp(value, m->row.output) == 0)
            return m;
    }
    return NULL;
}

const ReportStage *report_maker(const Report *r, const ReportStage *s, const char *option)
{
    const char *value = report_value(s, option);
    return value ? maker_of(r, value) : NULL;
}

const ReportStage *report_maker_of_part(const Report *r, const ReportStage *rl, int part)
{
    const Yaml *list = rl->recipe ? yaml_get(rl->recipe, "rewards") : NULL;
    const Yaml *dir = list && list->kind == YAML_LIST && part < list->n ? yaml_get(list->item[part], "reward") : NULL;
    return dir && dir->kind == YAML_TEXT ? maker_of(r, dir->text) : NULL;
}

const ReportStage *report_maker_or_only(const Report *r, const ReportStage *s, const char *option, const char *kind)
{
    if (s->recipe)
        return report_maker(r, s, option);
    return report_count(r, kind) == 1 ? report_next(r, kind, NULL) : NULL;
}

const ReportStage *report_maker_by_hash(const Report *r, const char *kind, const char *hash)
{
    const ReportStage *s = report_next(r, kind, NULL);
    const char *made;
    while (s && (!(made = json_text_of(s->summary, "product_hash")) || strcmp(made, hash) != 0))
        s = report_next(r, kind, s);
    return s;
}

int report_makers(const Report *r, const ReportStage *s, const char *option, const char *kind, const ReportStage **out,
                  int most)
{
    const Yaml *value = s->recipe ? yaml_get(s->recipe, option) : NULL;
    bool list = value && value->kind == YAML_LIST;
    int n = 0;
    for (int i = 0; i < (list ? value->n : 1) && n < most; i++) {
        const ReportStage *m = !list                               ? report_maker_or_only(r, s, option, kind)
                               : value->item[i]->kind == YAML_TEXT ? maker_of(r, value->item[i]->text)
                                                                   : NULL;
        if (m && strcmp(m->row.kind, kind) == 0)
            out[n++] = m;
    }
    return n;
}

const char *report_path(const Report *r, const char *path)
{
    size_t n = strlen(r->run_dir);
    while (n > 1 && r->run_dir[n - 1] == '/')
        n--;
    if (strncmp(path, r->run_dir, n) == 0 && path[n] == '/')
        return path + n + strspn(path + n, "/");
    return path[0] == '/' ? path_base(path) : path;
}

const char *report_hash(const ReportStage *s, const char *name)
{
    const char *hash = json_text_of(json_object_get(s->about, "hashes"), name);
    return hash && hash[0] ? hash : NULL;
}

double report_kl(const json_t *summary)
{
    return json_number_of(summary, "kl_last", json_number_of(summary, "kl_sampling_last", (double)NAN));
}

bool report_by_reward(const json_t *result)
{
    const char *kind = json_text_of(result, "kind");
    return kind && strcmp(kind, "reward") == 0;
}

/* The first and the last value of a curve as fields of a stage's numbers. */
static void set_ends(json_t *numbers, const ReportStage *s, const char *metric)
{
    const Series *x = report_series(s, metric);
    char key[100];
    if (!x || x->n == 0)
        return;
    snprintf(key, sizeof key, "%.80s_first", metric);
    json_object_set_new(numbers, key, json_real(x->value[0]));
    snprintf(key, sizeof key, "%.80s_last", metric);
    json_object_set_new(numbers, key, json_real(x->value[x->n - 1]));
}

json_t *report_numbers(const ReportStage *s)
{
    json_t *numbers = json_object(), *options = json_object_get(s->about, "options");
    if (json_is_object(options))
        json_object_update(numbers, options);
    json_object_update(numbers, s->summary);
    for (int i = 0; i < s->n_series; i++)
        if (isfinite(s->series[i].value[0]) && isfinite(s->series[i].value[s->series[i].n - 1]))
            set_ends(numbers, s, s->series[i].metric);
    /* pairs of one prompt go together: each prompt counts once */
    double n = json_number_of(numbers, "eval_prompts", json_number_of(numbers, "eval_pairs", 0)),
           share = json_number_of(numbers, "eval_accuracy", (double)NAN);
    if (n > 0 && isfinite(share)) {
        Interval i = stats_wilson(share * n, n);
        json_object_set_new(numbers, "eval_interval", json_pack("[f, f]", i.low, i.high));
    }
    return numbers;
}
