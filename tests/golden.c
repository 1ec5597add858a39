/* Golden numbers. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/file/safetensors.h"
#include "model/stored.h"

const RealModel real_models[REAL_MODELS] = {
    {"smollm2", "models/smollm2-135m-instruct.gguf", 2e-4},
    {"gemma3", "models/gemma-3-270m.gguf", 5e-4},
};
const Golden real_goldens[2] = {{"tests/fixtures/real", true}, {"../shared/golden", false}};
const RealGolden real_golden[REAL_GOLDENS] = {
    {&real_goldens[0], &real_models[0]},
    {&real_goldens[0], &real_models[1]},
    {&real_goldens[1], &real_models[0]},
    {&real_goldens[1], &real_models[1]},
};

void need_real_model(const RealModel *r)
{
    if (!real_models_wanted())
        skip_aloud("RLAIF_TEST_MODELS=none: %s", r->path);
    if (!file_exists(r->path))
        skip_aloud("%s is absent", r->path);
}

Model *open_real_model(const RealModel *r, int heads, Device *d)
{
    Err err = {0};
    Model *m = NULL;
    need_real_model(r);
    need_ok(model_load(&m, r->path, d, heads, &err), &err);
    return m;
}

json_t *golden_of_real(const Golden *g, const char *what, const RealModel *r)
{
    char file[100];
    snprintf(file, sizeof file, "%s_%s.json", what, r->name);
    need_real_model(r);
    return golden_read(g, file);
}

json_t *golden_read(const Golden *g, const char *file)
{
    if (!g->committed && !file_is_dir(g->dir))
        skip_aloud("%s is absent", g->dir);
    Err err = {0};
    json_t *json = NULL;
    char *path = path_join(g->dir, file);
    need_ok(json_read_file(path, &json, &err), &err);
    free(path);
    return json;
}

Model *golden_model(const Golden *g, int heads, Device *d)
{
    Err err = {0};
    Model *m = NULL;
    need_ok(model_load(&m, g->dir, d, heads, &err), &err);
    return m;
}

void golden_rope(Model *m, const json_t *rope)
{
    assert_non_null(rope);
    bool llama3 = strcmp(json_text_of(rope, "rope_type"), "llama3") == 0;
    m->config.rope = (Rope){.theta = json_number_of(rope, "rope_theta", 0),
                            .scaling = llama3 ? ROPE_LLAMA3 : ROPE_LINEAR,
                            .factor = json_number_of(rope, "factor", 0),
                            .low_freq = json_number_of(rope, "low_freq_factor", 0),
                            .high_freq = json_number_of(rope, "high_freq_factor", 0),
                            .original_context = json_number_of(rope, "original_max_position_embeddings", 0)};
}

void golden_tensor(const Golden *g, const char *file, const char *name, Matrix m)
{
    Err err = {0};
    Safetensors *s;
    char *path = path_join(g->dir, file);
    need_ok(safetensors_open(&s, path, &err), &err);
    const StoredTensor *t = safetensors_find(s, name);
    assert_non_null(t);
    size_t n = (size_t)m.rows * (size_t)m.cols;
    assert_true(t->n_bytes == n * sizeof(float) && (m.rows == 1 || m.cols == 1));
    float *values = mem_copy(t->bytes, n, sizeof *values);
    for (int r = 0; r < m.rows; r++)
        matrix_set_row(m, r, values + r * m.cols);
    free(values);
    safetensors_free(s);
    free(path);
}

int *golden_ids(const json_t *array, int *n)
{
    assert_true(json_is_array(array));
    *n = (int)json_array_size(array);
    int *ids = mem_alloc((size_t)*n, sizeof *ids);
    for (int i = 0; i < *n; i++)
        ids[i] = (int)json_integer_value(json_array_get(array, (size_t)i));
    return ids;
}

double *golden_numbers(const json_t *array, int *n)
{
    assert_true(json_is_array(array));
    *n = (int)json_array_size(array);
    double *values = mem_alloc((size_t)*n, sizeof *values);
    for (int i = 0; i < *n; i++)
        values[i] = json_number_value(json_array_get(array, (size_t)i));
    return values;
}

void golden_close(const char *what, double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%s: %.9g, not %.9g", what, got, wanted);
}

void golden_all_close(const char *what, const float *got, const json_t *wanted, double tolerance)
{
    int n;
    double *values = golden_numbers(wanted, &n), worst = 0;
    for (int i = 0; i < n; i++) {
        double off = fabs((double)got[i] - values[i]);
        worst = off > worst ? off : worst;
        if (!(off <= tolerance))
            fail_msg("%s, number %d of %d: %.9g, not %.9g", what, i, n, (double)got[i], values[i]);
    }
    free(values);
}

/* The entry at a flat row-major index, as the files count. */
static double entry(Matrix m, int index)
{
    return (double)m.at[matrix_at(m, index / m.cols, index % m.cols)];
}

void golden_samples(const char *name, Matrix m, const json_t *samples, double tolerance)
{
    int n, count;
    int *index = golden_ids(json_object_get(samples, "index"), &n);
    double *value = golden_numbers(json_object_get(samples, "value"), &count);
    assert_true(n == count && n > 0);
    for (int i = 0; i < n; i++)
        if (!(fabs(entry(m, index[i]) - value[i]) <= tolerance))
            fail_msg("%s[%d]: %.9g, not %.9g (within %.2g)", name, index[i], entry(m, index[i]), value[i], tolerance);
    free(index);
    free(value);
}

/* The tensor that n parameters share in Hugging Face's files, as a matrix of one row, which is row after row. Free .at. */
static Matrix tensor_of(const Param *group, int n, const ModelConfig *c)
{
    size_t shape[2] = {1, 1};
    int dims = stored_shape(group, &group->hf, shape), rows = dims == 1 ? 1 : (int)shape[0],
        cols = (int)shape[dims - 1];
    Matrix flat = matrix(mem_alloc((size_t)rows * (size_t)cols, PANEL * sizeof(float)), 1, rows * cols);
    float *values = mem_alloc((size_t)cols, sizeof *values);
    memset(flat.at, 0, matrix_floats(flat.rows, flat.cols) * sizeof(float));
    for (int r = 0; r < rows; r++) {
        stored_row(group, n, false, c, r, values);
        for (int i = 0; i < cols; i++)
            flat.at[matrix_at(flat, 0, r * cols + i)] = values[i];
    }
    free(values);
    return flat;
}

void golden_gradients(const Model *m, Weights *dw, const json_t *named, double tolerance)
{
    grads_join(m, dw);
    ParamList list = params_list(dw, &m->config);
    size_t found = 0;
    for (int i = 0, n; i < list.n; i += n) {
        const char *name = list.param[i].hf.name;
        n = stored_group(&list, i, false);
        Matrix g = tensor_of(&list.param[i], n, &m->config);
        const json_t *samples = json_object_get(named, name);
        size_t floats = matrix_floats(g.rows, g.cols);
        double most = largest(g.at, floats), squares = 0;
        if (!samples) {
            assert_true(most == 0);
            free(g.at);
            continue;
        }
        for (size_t k = 0; k < floats; k++)
            squares += (double)g.at[k] * (double)g.at[k];
        double norm = json_number_of(samples, "norm", NAN);
        golden_close(name, sqrt(squares), norm, tolerance * norm);
        golden_samples(name, g, samples, tolerance * most);
        free(g.at);
        found++;
    }
    assert_int_equal(found, json_object_size(named));
    params_free(&list);
}

void golden_params(Model *m, const json_t *named, double tolerance)
{
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        const json_t *samples = json_object_get(named, list.param[i].name);
        assert_non_null(samples);
        golden_samples(list.param[i].name, *list.param[i].matrix, samples, tolerance);
    }
    assert_int_equal(list.n, json_object_size(named));
    params_free(&list);
}

int golden_run(const char *name, const struct CMUnitTest *kinds, int n)
{
    static const Golden places[] = {{"tests/fixtures/tiny-llama", true}, {"../shared/golden/tiny-llama", false}};
    static struct CMUnitTest tests[COUNT(places) * 16];
    static char names[COUNT(tests)][100];
    int all = n * COUNT(places);
    for (int i = 0; i < all; i++) {
        const Golden *g = &places[i / n];
        tests[i] = kinds[i % n];
        tests[i].initial_state = (void *)(uintptr_t)g;
        snprintf(names[i], sizeof names[i], "%s, %s", g->dir, tests[i].name);
        tests[i].name = names[i];
    }
    return _cmocka_run_group_tests(name, tests, (size_t)all, NULL, NULL);
}

/* A sequence's logits of the last token and the first eight of every token. */
static void check_logits(Model *m, const json_t *sequence, float *hidden, int n, double tolerance)
{
    Err err = {0};
    HeadInput in;
    int V = m->config.vocab, *row = mem_alloc((size_t)n, sizeof *row);
    float *logits = mem_alloc((size_t)V, sizeof *logits);
    for (int t = 0; t < n; t++)
        row[t] = t;
    need_ok(head_input(m, &in, tensor(hidden, n, m->config.width), row, n, &err), &err);
    head_logits(m, &in, n - 1, 0, V, logits);
    golden_all_close("logit of the last token", logits, json_object_get(sequence, "logits_last"), tolerance);
    const json_t *first = json_object_get(sequence, "logits_first8");
    for (int t = 0; t < n; t++) {
        head_logits(m, &in, t, 0, 8, logits);
        golden_all_close("logit", logits, json_array_get(first, (size_t)t), tolerance);
    }
    head_input_release(&in);
    free(logits), free(row);
}

void golden_sequences(Model *m, const json_t *golden, double tolerance)
{
    size_t i;
    json_t *sequence;
    json_array_foreach(json_object_get(golden, "sequences"), i, sequence)
    {
        int n, *ids = golden_ids(json_object_get(sequence, "ids"), &n);
        const json_t *wanted = json_object_get(sequence, "logprobs");
        float *hidden = hidden_alone(m, ids, n), *logp = logprobs_of(m, hidden, ids, n);
        if (wanted)
            golden_all_close("log-probability", logp, wanted, tolerance);
        check_logits(m, sequence, hidden, n, tolerance);
        free(ids), free(logp), free(hidden);
    }
    assert_true(i > 1);
}

double golden_loss(Model *m, const json_t *golden, Weights *dw)
{
    Pass p;
    Err err = {0};
    int *ids[4], n;
    size_t sequences = json_array_size(json_object_get(golden, "sequences"));
    assert_true(sequences > 1 && sequences <= COUNT(ids));
    pass_init(&p);
    pass_begin(&p, m);
    for (size_t i = 0; i < sequences; i++) {
        ids[i] = golden_ids(json_object_get(json_array_get(json_object_get(golden, "sequences"), i), "ids"), &n);
        int root = pass_segment(&p, -1, ids[i], n);
        for (int t = 0; t + 1 < n; t++)
            pass_target(&p, root, t, ids[i][t + 1]);
    }
    need_ok(pass_forward(&p, &err), &err);
    double loss = 0;
    float *coef = mem_alloc((size_t)p.targets, sizeof *coef);
    for (int t = 0; t < p.targets; t++) {
        loss -= (double)p.logp[t] / p.targets;
        coef[t] = 1.0f / (float)p.targets;
    }
    need_ok(pass_backward(&p, dw, coef, NULL, &err), &err);
    for (size_t i = 0; i < sequences; i++)
        free(ids[i]);
    free(coef);
    pass_release(&p);
    return loss;
}
