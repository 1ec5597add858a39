/* Models against PyTorch in double precision: logits, log-probabilities and every parameter's gradient of tiny
 * models, GGUF files of one of them, and log-probabilities of two real models. The numbers of tests/fixtures are
 * committed; the others lie beside the project and are skipped aloud where they are absent. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"

static const double LOGITS = 1e-4, LOSS = 1e-5, GRADIENTS = 1e-4; /* what f32 may be off by */

static const Golden goldens[] = {
    {"tests/fixtures/tiny-llama", true},      {"tests/fixtures/tiny-gemma3", true},
    {"../shared/golden/tiny-llama", false},   {"../shared/golden/tiny-gemma3", false},
    {"../shared/golden/tiny-mistral", false}, {"../shared/golden/tiny-qwen2", false},
    {"../shared/golden/tiny-qwen3", false},   {"../shared/golden/tiny-gemma2", false},
    {"../shared/golden/tiny-phi3", false},    {"../shared/golden/tiny-gpt2", false},
    {"../shared/golden/tiny-gptneox", false},
};

/* --- forward ---------------------------------------------------------------------------------------------------- */

static void forward(void **state)
{
    const Golden *g = *state;
    json_t *golden = golden_read(g, "golden.json");
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = golden_model(g, 0, d);
    golden_sequences(m, golden, LOGITS);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

/* The same weights with other rotary scalings, where the file has them. */
static void rotary_scalings(void **state)
{
    const Golden *g = *state;
    json_t *golden = golden_read(g, "golden.json");
    Device *d = open_device(CPU_AUTO, 2);
    static const char *const name[] = {"rope_llama3", "rope_linear"};
    for (int i = 0; i < COUNT(name); i++) {
        const json_t *variant = json_object_get(golden, name[i]);
        const json_t *rope = json_object_get(variant, "rope_parameters");
        assert_non_null(rope);
        Model *m = golden_model(g, 0, d);
        golden_rope(m, rope);
        golden_sequences(m, variant, LOGITS);
        model_free(m);
    }
    device_free(d);
    json_decref(golden);
}

/* --- gradients of the mean cross-entropy over all next tokens ---------------------------------------------------- */

static void gradients(void **state)
{
    const Golden *g = *state;
    json_t *golden = golden_read(g, "golden.json");
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = golden_model(g, 0, d);
    Weights *dw = grads_new(m);
    golden_close("loss", golden_loss(m, golden, dw), json_number_of(golden, "loss", NAN), LOSS);
    golden_gradients(m, dw, json_object_get(golden, "grad"), GRADIENTS);
    grads_free(dw);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

/* --- GGUF files -------------------------------------------------------------------------------------------------- */

typedef struct GgufGolden {
    const Golden *g;
    const char *key; /* of gguf.json */
} GgufGolden;

static const Golden gguf_fixture = {"tests/fixtures/gguf", true};
static const Golden *const llama = &goldens[2];

/* Weights as they are dequantised, to the last bit (nine digits name a float). */
static void check_weights(Model *m, const json_t *tensors)
{
    ParamList list = params_list(&m->w, &m->config);
    assert_int_equal(list.n, json_object_size(tensors));
    for (int i = 0; i < list.n; i++) {
        const json_t *samples = json_object_get(tensors, list.param[i].name);
        Matrix w = *list.param[i].matrix;
        int n;
        int *index = golden_ids(json_object_get(samples, "index"), &n);
        double *value = golden_numbers(json_object_get(samples, "value"), &n), squares = 0;
        assert_string_equal(json_text_of(samples, "gguf_name"), list.param[i].gguf.name);
        for (int k = 0; k < n; k++) {
            float got = w.at[matrix_at(w, index[k] / w.cols, index[k] % w.cols)];
            if (got != (float)value[k])
                fail_msg("%s[%d]: %.9g, not %.9g", list.param[i].name, index[k], (double)got, value[k]);
        }
        for (size_t k = 0; k < matrix_floats(w.rows, w.cols); k++)
            squares += (double)w.at[k] * (double)w.at[k];
        double norm = json_number_of(samples, "norm", NAN);
        golden_close(list.param[i].name, sqrt(squares), norm, 1e-8 * norm);
        free(index);
        free(value);
    }
    params_free(&list);
}

/* The weights, and what the model says then: of sequences that the file names, or of golden.json's. */
static void gguf(void **state)
{
    const GgufGolden *of = *state;
    json_t *all = golden_read(of->g, "gguf.json"), *file = json_object_get(all, of->key);
    json_t *ids_here = json_object_get(file, "ids"), *models = ids_here ? NULL : golden_read(of->g, "golden.json");
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 2);
    Model *m;
    char *path = path_join(of->g->dir, json_text_of(file, "file"));
    need_ok(model_load(&m, path, d, 0, &err), &err);
    check_weights(m, json_object_get(file, "tensors"));
    for (size_t i = 0; i < 2; i++) {
        int n;
        const json_t *sequence = json_array_get(json_object_get(models, "sequences"), i);
        int *ids = golden_ids(ids_here ? json_array_get(ids_here, i) : json_object_get(sequence, "ids"), &n);
        float *logp = logprobs_alone(m, ids, n);
        golden_all_close("log-probability", logp, json_array_get(json_object_get(file, "logprobs"), i), LOGITS);
        free(ids);
        free(logp);
    }
    model_free(m);
    device_free(d);
    free(path);
    json_decref(all);
    json_decref(models);
}

/* --- real models ------------------------------------------------------------------------------------------------- */

/* The five most likely next tokens after the last, ids and log-probabilities. */
static void check_top(Model *m, float *hidden, int n, const json_t *sequence, double tolerance)
{
    enum { TOP = 5 };
    Err err = {0};
    HeadInput in;
    float max, sum, logit[TOP];
    int id[TOP], count;
    VocabScan scan = {
        .rows = 1, .chunks = head_chunks(m), .max = &max, .sum = &sum, .top = TOP, .top_logit = logit, .top_id = id};
    need_ok(head_input(m, &in, tensor(hidden, n, m->config.width), &(int){n - 1}, 1, &err) &&
                head_scan(m, &in, &scan, &err),
            &err);
    int *ids = golden_ids(json_object_get(sequence, "top5_ids_f64"), &count);
    for (int i = 0; i < TOP; i++) {
        assert_int_equal(id[i], ids[i]);
        logit[i] -= max + logf(sum);
    }
    golden_all_close("one of the top five", logit, json_object_get(sequence, "top5_logprobs_f64"), tolerance);
    free(ids);
    head_input_release(&in);
}

/* The norm of every position's state, and the first numbers of the last one's. */
static void check_states(const char *name, const float *x, int n, int width, const json_t *hidden)
{
    const double tolerance = 1e-5; /* of a norm, relative */
    const json_t *state = json_object_get(hidden, name);
    int count;
    double *norm = golden_numbers(json_object_get(state, "norm"), &count);
    assert_int_equal(count, n);
    for (int t = 0; t < n; t++) {
        double squares = 0;
        for (int i = 0; i < width; i++)
            squares += (double)x[t * width + i] * (double)x[t * width + i];
        golden_close(name, sqrt(squares), norm[t], tolerance * norm[t]);
    }
    golden_all_close(name, x + (n - 1) * width, json_object_get(state, "last8"), 10 * tolerance * norm[n - 1]);
    free(norm);
}

/* The residual stream of one sequence: what enters the first layer, what leaves each, and the final norm of it. */
static void check_stream(Model *m, const int *ids, int n, const json_t *hidden)
{
    Err err = {0};
    Pass p;
    int C = m->config.width, *row = mem_alloc((size_t)n, sizeof *row);
    pass_init(&p);
    pass_begin(&p, m);
    pass_segment(&p, -1, ids, n);
    need_ok(pass_forward(&p, &err), &err);
    check_states("embedding", p.acts.layer[0].x.at, n, C, hidden);
    for (int l = 0; l < m->config.layers; l++) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", l);
        check_states(name, l + 1 < m->config.layers ? p.acts.layer[l + 1].x.at : p.acts.hidden.at, n, C, hidden);
    }
    for (int t = 0; t < n; t++)
        row[t] = t;
    HeadInput in;
    need_ok(head_input(m, &in, p.acts.hidden, row, n, &err), &err);
    check_states("final_norm", in.normed.at, n, C, hidden);
    head_input_release(&in);
    pass_release(&p);
    free(row);
}

static void real_model(void **state)
{
    const RealGolden *r = *state;
    json_t *golden = golden_of_real(r->golden, "logprobs", r->model), *sequence;
    const json_t *stream = json_object_get(golden, "hidden_f64");
    Device *d = open_device(CPU_AUTO, 0);
    Model *m = open_real_model(r->model, HEAD_LM, d);
    double tolerance = r->model->tolerance;
    size_t i;
    assert_non_null(stream);
    json_array_foreach(json_object_get(golden, "sequences"), i, sequence)
    {
        int n;
        int *ids = golden_ids(json_object_get(sequence, "ids"), &n);
        float *hidden = hidden_alone(m, ids, n), *logp = logprobs_of(m, hidden, ids, n);
        golden_all_close(json_text_of(sequence, "name"), logp, json_object_get(sequence, "logprobs_f64"), tolerance);
        check_top(m, hidden, n, sequence, tolerance);
        if (i == 0)
            check_stream(m, ids, n, stream);
        free(ids), free(logp), free(hidden);
    }
    assert_true(i > 1);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

int main(void)
{
    static const GgufGolden files[] = {{&gguf_fixture, "llama"}, {&gguf_fixture, "gemma3"}, {&goldens[2], "F32"},
                                       {&goldens[2], "F16"},     {&goldens[2], "BF16"},     {&goldens[2], "Q8_0"},
                                       {&goldens[2], "Q4_0"}};
    static struct CMUnitTest tests[2 * COUNT(goldens) + 1 + COUNT(files) + REAL_GOLDENS];
    static char name[COUNT(tests)][100];
    int n = 0;
    for (int i = 0; i < COUNT(goldens); i++)
        for (int back = 0; back < 2; back++, n++) {
            snprintf(name[n], sizeof name[n], "%s, %s", goldens[i].dir, back ? "gradients" : "forward");
            tests[n].test_func = back ? gradients : forward;
            tests[n].initial_state = (void *)(uintptr_t)&goldens[i];
        }
    snprintf(name[n], sizeof name[n], "%s, rotary scalings", llama->dir);
    tests[n].test_func = rotary_scalings;
    tests[n++].initial_state = (void *)(uintptr_t)llama;
    for (int i = 0; i < COUNT(files); i++, n++) {
        snprintf(name[n], sizeof name[n], "%s, GGUF %s", files[i].g->dir, files[i].key);
        tests[n].test_func = gguf;
        tests[n].initial_state = (void *)(uintptr_t)&files[i];
    }
    for (int i = 0; i < REAL_GOLDENS; i++, n++) {
        snprintf(name[n], sizeof name[n], "%s/logprobs_%s", real_golden[i].golden->dir, real_golden[i].model->name);
        tests[n].test_func = real_model;
        tests[n].initial_state = (void *)(uintptr_t)&real_golden[i];
    }
    for (int i = 0; i < n; i++)
        tests[i].name = name[i];
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
