/* Stages that train, run in this process. */
#include "training.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "program.h"
#include "rlaif/learn/reward.h"

char *bench_path(const Bench *b, const char *name)
{
    return path_join(b->folder, name);
}

void bench_write(const Bench *b, const char *name, const char *text)
{
    put_text(b->folder, name, text);
}

void bench_put(const Bench *b, const char *name, Str *text)
{
    bench_write(b, name, str_text(text));
    str_release(text);
}

static const char *const things[] = {"the sea", "a door", "old bread", "rain", "a map", "the clock", "a song", "snow"};

static void put_rows(const Bench *b)
{
    Str prompts = {0}, held = {0}, pairs = {0}, rated = {0}, demos = {0}, replies = {0};
    for (int i = 0; i < COUNT(things); i++) {
        str_addf(&prompts, "{\"prompt\": \"Tell me of %s.\"}\n", things[i]);
        str_addf(&held, "{\"prompt\": \"What is %s?\"}\n", things[i]);
        str_addf(&replies, "{\"prompt\": \"On %s\", \"response\": \"%s? yes %d\"}\n", things[i], things[i], i);
        str_addf(&demos, "{\"prompt\": \"Say %s\", \"completion\": \"%s it is\"}\n", things[i], things[i]);
        for (int k = 0; k < 2; k++)
            str_addf(k ? &rated : &pairs,
                     "{\"prompt\": \"%s %s\", \"responses\": [\"It is %s\", \"no, %d\"], \"preferred\": %d, "
                     "\"label\": {\"p\": %g}}\n",
                     k ? "Of" : "On", things[i], things[i], i, i % 3 == 0, 0.2 + 0.1 * (i % 7));
    }
    bench_put(b, "prompts.jsonl", &prompts);
    bench_put(b, "held.jsonl", &held);
    bench_put(b, "pairs.jsonl", &pairs);
    bench_put(b, "rated.jsonl", &rated);
    bench_put(b, "demos.jsonl", &demos);
    bench_put(b, "replies.jsonl", &replies);
}

/* Of three prompts the pairs of four replies each, which begin alike. */
static void put_groups(const Bench *b)
{
    Str rows = {0};
    for (int g = 0; g < 3; g++)
        for (int i = 0; i < 4; i++)
            for (int k = i + 1; k < 4; k++)
                str_addf(
                    &rows,
                    "{\"prompt\": \"More of %s\", \"responses\": [\"It is %s\", \"It is %s\"], \"ended\": [%s, %s], "
                    "\"label\": {\"p\": %g}, \"group\": \"%d\", \"of\": [%d, %d]}\n",
                    things[g], things[i + g], things[k + g], i == 1 ? "false" : "true", k == 1 ? "false" : "true",
                    0.1 + 0.2 * ((i + k + g) % 5), g, i, k);
    bench_put(b, "groups.jsonl", &rows);
}

void bench_open(Bench *b, CpuLevel level, int threads)
{
    Err err = {0};
    *b = (Bench){.work = {.device = open_device(level, threads)}, .folder = make_folder()};
    b->work.common = &b->common;
    b->work.device->library = &b->library;
    b->work.in_recipe = true;
    need_ok(store_open(&b->work.store, ":memory:", &err), &err);
    log_set_quiet(true);
    put_rows(b);
    put_groups(b);
}

void bench_begin(Bench *b)
{
    Err err = {0};
    bench_open(b, CPU_AUTO, 1);
    need_ok(bench_run(b, &reward_table, reward_stage, "bench-reward", &err, "pairs=@pairs.jsonl",
                      "model=" TINY_LLAMA_DIR, "output=@reward", "batch=4", "lr=1e-3", NULL),
            &err);
}

void bench_end(Bench *b)
{
    json_decref(b->work.summary);
    store_close(b->work.store);
    device_free(b->work.device);
    remove_folder(b->folder);
}

Model *bench_gradient(const Bench *b, const char *dir, int heads, Weights *gradient)
{
    static const TrainOptions adamw = {.optimizer = OPTIMIZER_ADAMW};
    Err err = {0};
    Model *m;
    Trainer trainer;
    json_t *notes;
    char *out = bench_path(b, dir), *checkpoint = path_join(out, "checkpoint-000001");
    need_ok(model_load(&m, out, b->work.device, heads, &err) && weights_alloc(gradient, &m->config, false, &err) &&
                trainer_init(&trainer, m, &adamw, 1, &err) && trainer_load(&trainer, checkpoint, &notes, &err),
            &err);
    memcpy(gradient->block, trainer.optimizer.m, gradient->floats * sizeof(float));
    for (size_t i = 0; i < gradient->floats; i++)
        gradient->block[i] *= 10; /* the moment is (1 - 0.9) of it */
    json_decref(notes);
    trainer_release(&trainer);
    free(out);
    free(checkpoint);
    return m;
}

static bool set(const Bench *b, const OptionTable *table, void *options, const char *assignment, Err *err)
{
    const char *equals = strchr(assignment, '=');
    char *key = mem_strn(assignment, (size_t)(equals - assignment));
    char *value = equals[1] == '@' ? bench_path(b, equals + 2) : mem_str(equals + 1);
    size_t base;
    const Option *o = options_find(table, key, &base);
    bool ok = true;
    if (o && o->type == OPT_TEXT)
        options_put(table, options, key, value);
    else
        ok = options_set(table, options, key, value, "test", err);
    free(key);
    free(value);
    return ok;
}

bool bench_run(Bench *b, const OptionTable *table, StageFunction *stage, const char *name, Err *err, ...)
{
    void *options = options_new(table);
    bool ok = true;
    va_list ap;
    va_start(ap, err);
    for (const char *assignment; ok && (assignment = va_arg(ap, const char *));)
        ok = set(b, table, options, assignment, err);
    va_end(ap);
    b->work.common = options; /* the first member of every options struct */
    ok = ok && options_complete(table, options, "test", err) && stage(&b->work, name, options, err);
    b->work.common = &b->common;
    options_free(table, options);
    return ok;
}

double bench_summary(const Bench *b, const char *key)
{
    return json_number_of(b->work.summary, key, (double)NAN);
}

double bench_metric(const Bench *b, const char *dir, int step, const char *key)
{
    Err err = {0};
    char name[100], *path;
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir);
    path = bench_path(b, name);
    LineReader *lines;
    const char *line;
    size_t n;
    bool more = true;
    double value = (double)NAN;
    need_ok(lines_open(&lines, path, &err), &err);
    for (int i = 0; more && i <= step; i++) {
        need_ok(lines_next(lines, &line, &n, &more, &err), &err);
        json_t *j;
        if (!more || i < step)
            continue;
        need_ok(json_parse(line, n, path, &j, &err), &err);
        assert_int_equal((int)json_number_of(j, "step", -1), step);
        value = json_number_of(j, key, (double)NAN);
        json_decref(j);
    }
    lines_close(lines);
    free(path);
    return value;
}

static bool take_row(void *context, const char *row, Err *err)
{
    json_t *j;
    if (!json_parse(row, strlen(row), "a row", &j, err))
        return false;
    json_array_append_new(context, j);
    return true;
}

json_t *bench_rows(const Bench *b, const char *stage)
{
    Err err = {0};
    StageRow s;
    bool present;
    json_t *rows = json_array();
    need_ok(store_stage_find(b->work.store, stage, &s, &present, &err) &&
                store_items_each(b->work.store, s.id, take_row, rows, &err),
            &err);
    stage_row_release(&s);
    return rows;
}

void bench_reward_at(const Bench *b, const char *from, const char *to, int number, double factor)
{
    Err err = {0};
    Model *m;
    char *source = bench_path(b, from), *out = bench_path(b, to);
    need_ok(model_load(&m, source, b->work.device, 0, &err), &err);
    for (int c = 0; c < m->w.score.cols; c++)
        m->w.score.at[matrix_at(m->w.score, 0, c)] = c == number ? (float)factor : 0;
    json_decref(m->notes);
    m->notes = json_pack("{s:b}", "chat", 1); /* centre 0, scale 1 */
    need_ok(model_save(m, out, &err), &err);
    model_free(m);
    free(source);
    free(out);
}

void bench_same(const Bench *b, const char *a, const char *other)
{
    Err err = {0};
    char *path[2] = {bench_path(b, a), bench_path(b, other)}, *text[2];
    size_t n[2];
    for (int i = 0; i < 2; i++)
        need_ok(file_read(path[i], 1 << 28, &text[i], &n[i], &err), &err);
    if (n[0] != n[1] || memcmp(text[0], text[1], n[0]) != 0)
        fail_msg("%s and %s differ", path[0], path[1]);
    for (int i = 0; i < 2; i++) {
        free(text[i]);
        free(path[i]);
    }
}
