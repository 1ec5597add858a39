/* What the tests share. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "tensor/cpu.h"

#include <fcntl.h>
#include <unistd.h>

void need_ok(bool ok, const Err *err)
{
    if (!ok)
        fail_msg("%s (%s)", err->msg, err->hint);
}

void close_to(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.17g, not %.17g (difference %g)", got, wanted, got - wanted);
}

void says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}

void fill_normal(float *at, size_t n, uint64_t stream, double scale)
{
    RngKey key = {.seed = 1, .purpose = RNG_TEST, .row = stream};
    for (size_t i = 0; i < n; i++)
        at[i] = (float)(scale * rng_normal(key, i));
}

float *random_floats(size_t n, uint64_t stream, double scale)
{
    float *at = mem_alloc(n, sizeof *at);
    fill_normal(at, n, stream, scale);
    return at;
}

Tensor random_tensor(int rows, int cols, uint64_t stream, double scale)
{
    return tensor(random_floats((size_t)rows * (size_t)cols, stream, scale), rows, cols);
}

Tensor zero_tensor(int rows, int cols)
{
    return tensor(mem_zalloc((size_t)rows * (size_t)cols, sizeof(float)), rows, cols);
}

Matrix zero_matrix(int rows, int cols)
{
    return matrix(mem_zalloc(matrix_floats(rows, cols), sizeof(float)), rows, cols);
}

void fill_matrix(Matrix m, uint64_t stream, double scale)
{
    float *row = mem_alloc((size_t)m.cols, sizeof *row);
    for (int r = 0; r < m.rows; r++) {
        fill_normal(row, (size_t)m.cols, stream * 1000003 + (uint64_t)r, scale);
        matrix_set_row(m, r, row);
    }
    free(row);
}

Matrix random_matrix(int rows, int cols, uint64_t stream, double scale)
{
    Matrix m = zero_matrix(rows, cols);
    fill_matrix(m, stream, scale);
    return m;
}

Matrix copy_matrix(Matrix m)
{
    return matrix(mem_copy(m.at, matrix_floats(m.rows, m.cols), sizeof(float)), m.rows, m.cols);
}

int *random_ids(int n, int below, uint64_t stream)
{
    int *id = mem_alloc((size_t)n, sizeof *id);
    RngKey key = {.seed = 2, .purpose = RNG_TEST, .row = stream};
    for (int i = 0; i < n; i++)
        id[i] = (int)rng_below(key, (uint64_t)i, (uint64_t)below);
    return id;
}

void same_bits(const char *what, const float *a, const float *b, size_t n)
{
    if (n == 0 || memcmp(a, b, n * sizeof *a) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            fail_msg("%s: number %zu of %zu is %a, not %a", what, i, n, (double)a[i], (double)b[i]);
}

double largest_difference(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        most = d > most ? d : most;
        if (d != d)
            return (double)INFINITY;
    }
    return most;
}

double largest(const float *a, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabs((double)a[i]) > most ? fabs((double)a[i]) : most;
    return most;
}

Device *open_device(CpuLevel level, int threads)
{
    if (!cpu_has(level)) {
        char model[128];
        cpu_model(model);
        skip_aloud("this CPU (%s) lacks %s", model, cpu_level_name(level));
    }
    Device *d;
    Err err = {0};
    need_ok(device_open(&d, level, threads, &err), &err);
    return d;
}

int cpu_levels(CpuLevel level[3])
{
    static const CpuLevel all[] = {CPU_PLAIN, CPU_AVX2, CPU_AVX512};
    int n = 0;
    for (int i = 0; i < COUNT(all); i++)
        if (cpu_has(all[i]))
            level[n++] = all[i];
    return n;
}

char *make_folder(void)
{
    Err err = {0};
    char *folder = mem_printf("build/test.%d", (int)getpid());
    need_ok(dir_remove(folder, &err) && dir_make(folder, &err), &err);
    return folder;
}

void remove_folder(char *folder)
{
    Err err = {0};
    need_ok(dir_remove(folder, &err), &err);
    free(folder);
}

char *test_folder;

int folder_begin(void **state)
{
    (void)state;
    test_folder = make_folder();
    return 0;
}

int folder_end(void **state)
{
    (void)state;
    remove_folder(test_folder);
    return 0;
}

int errors_hide(void)
{
    int hidden = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    return hidden;
}

void errors_show(int hidden)
{
    dup2(hidden, STDERR_FILENO);
    close(hidden);
}

const char *golden_dir(void)
{
    static const char *const dir = "../shared/golden";
    return file_is_dir(dir) ? dir : NULL;
}

bool real_models_wanted(void)
{
    const char *wanted = getenv("RLAIF_TEST_MODELS");
    return !wanted || strcmp(wanted, "none") != 0;
}

/* --- groves -----------------------------------------------------------------------------------------------
 */

static int root_of(const int *parent, int i)
{
    while (parent[i] >= 0)
        i = parent[i];
    return i;
}

void grove_init(Grove *g, int heads, int kv_heads, int dim, int window, const int *parent, const int *length, int n)
{
    assert_true(n <= COUNT(g->span));
    *g = (Grove){0};
    size_t floats = 0;
    for (int i = 0; i < n; i++) {
        int cap = (length[i] + PANEL - 1) / PANEL * PANEL;
        int position = parent[i] < 0 ? 0 : g->span[parent[i]].position + length[parent[i]];
        g->span[i] = (KvSpan){.position = position, .n = length[i], .cap = cap, .row = g->rows};
        int above = parent[i] < 0 ? 0 : g->run[parent[i]].path_n;
        if (above)
            memcpy(g->path[i], g->path[parent[i]], (size_t)above * sizeof(int));
        g->path[i][above] = i;
        g->run[i] = (QueryRun){.row = g->rows,
                               .n = length[i],
                               .position = position,
                               .path = g->path[i],
                               .path_n = above + 1,
                               .tree = root_of(parent, i)};
        g->rows += length[i];
        floats += kv_layer_floats(kv_heads, dim, cap);
    }
    g->block = mem_zalloc(floats, sizeof *g->block);
    g->position = mem_alloc((size_t)g->rows, sizeof *g->position);
    float *at = g->block;
    for (int i = 0; i < n; i++) {
        g->span[i].at = at;
        at += kv_layer_floats(kv_heads, dim, g->span[i].cap);
        for (int t = 0; t < length[i]; t++)
            g->position[g->run[i].row + t] = g->span[i].position + t;
    }
    g->att = (Attention){.heads = heads,
                         .kv_heads = kv_heads,
                         .dim = dim,
                         .scale = (float)(1 / sqrt(dim)),
                         .window = window,
                         .spans = g->span,
                         .runs = g->run,
                         .n_runs = n};
}

void grove_release(Grove *g)
{
    free(g->block);
    free(g->position);
    *g = (Grove){0};
}

int64_t begin_stage(Store *s, const char *name, const char *kind, const char *identity, const json_t *about)
{
    Err err = {0};
    int64_t id;
    StageFound found;
    bool done;
    json_t *nothing = json_object();
    need_ok(store_stage_begin(s, name, kind, identity, about ? about : nothing, &id, &found, &done, &err), &err);
    json_decref(nothing);
    return id;
}

Store *open_run(const char *path, int64_t *rl)
{
    Err err = {0};
    Store *s;
    need_ok(store_open(&s, path, &err), &err);
    *rl = begin_stage(s, "rl", "rl", "x", NULL);
    return s;
}
