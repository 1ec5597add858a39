/* Models against PyTorch in double precision: logits, log-probabilities and every parameter's gradient of tiny
 * models, GGUF files of one of them, and log-probabilities of two real models. The numbers of tests/fixtures are
 * committed; the others lie beside the project and are skipped aloud where they are absent. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"

static const double LOGITS = 1e-4, GRADIENTS = 1e-4; /* what f32 may be off by */

static const Golden goldens[] = {
    {"tests/fixtures/tiny-llama", true},
    {"tests/fixtures/tiny-gemma3", true},
    {"../shared/golden/tiny-llama", false},
    {"../shared/golden/tiny-gemma3", false},
};

/* --- forward ---------------------------------------------------------------------------------------------------- */

static void check_sequence(Model *m, const json_t *sequence)
{
    int n, V = m->config.vocab;
    int *ids = golden_ids(json_object_get(sequence, "ids"), &n);
    float *hidden = hidden_alone(m, ids, n), *logp = logprobs_of(m, hidden, ids, n);
    golden_all_close("log-probability", logp, json_object_get(sequence, "logprobs"), LOGITS);

    Err err = {0};
    HeadInput in;
    float *logits = mem_alloc((size_t)V, sizeof *logits);
    int *row = mem_alloc((size_t)n, sizeof *row);
    for (int t = 0; t < n; t++)
        row[t] = t;
    need_ok(head_input(m, &in, tensor(hidden, n, m->config.width), row, n, &err), &err);
    head_logits(m, in.normed, n - 1, 0, V, logits);
    golden_all_close("logit of the last token", logits, json_object_get(sequence, "logits_last"), LOGITS);
    const json_t *first = json_object_get(sequence, "logits_first8");
    for (int t = 0; t < n; t++) {
        head_logits(m, in.normed, t, 0, 8, logits);
        golden_all_close("logit", logits, json_array_get(first, (size_t)t), LOGITS);
    }
    head_input_release(&in);
    free(ids), free(logp), free(hidden), free(logits), free(row);
}

static void check_sequences(Model *m, const json_t *golden)
{
    size_t i;
    json_t *sequence;
    json_array_foreach(json_object_get(golden, "sequences"), i, sequence) check_sequence(m, sequence);
    assert_true(i > 1);
}

static void forward(void **state)
{
    const Golden *g = *state;
    json_t *golden = golden_read(g, "golden.json");
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = golden_model(g, 0, d);
    check_sequences(m, golden);
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
        m->config.rope = (Rope){.theta = json_number_of(rope, "rope_theta", 0),
                                .scaling = i == 0 ? ROPE_LLAMA3 : ROPE_LINEAR,
                                .factor = json_number_of(rope, "factor", 0),
                                .low_freq = json_number_of(rope, "low_freq_factor", 0),
                                .high_freq = json_number_of(rope, "high_freq_factor", 0),
                                .original_context = json_number_of(rope, "original_max_position_embeddings", 0)};
        check_sequences(m, variant);
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
    Pass p;
    Err err = {0};
    pass_init(&p);
    pass_begin(&p, m);
    int *ids[4], n;
    size_t sequences = json_array_size(json_object_get(golden, "sequences"));
    assert_true(sequences <= COUNT(ids));
    for (size_t i = 0; i < sequences; i++) {
        const json_t *sequence = json_array_get(json_object_get(golden, "sequences"), i);
        ids[i] = golden_ids(json_object_get(sequence, "ids"), &n);
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
    golden_close("loss", loss, json_number_of(golden, "loss", NAN), 1e-5);
    need_ok(pass_backward(&p, dw, coef, NULL, &err), &err);
    golden_gradients(m, dw, json_object_get(golden, "grad"), GRADIENTS);
    for (size_t i = 0; i < sequences; i++)
        free(ids[i]);
    free(coef);
    pass_release(&p);
    grads_free(dw);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

/* --- GGUF files -------------------------------------------------------------------------------------------------- */

static const Golden *const llama = &goldens[2];

/* Weights as they are dequantised, to the last bit (nine digits name a float), and what the model says then. */
static void gguf(void **state)
{
    const char *type = *state;
    json_t *golden = golden_read(llama, "gguf.json"), *models = golden_read(llama, "golden.json");
    const json_t *file = json_object_get(golden, type);
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 2);
    Model *m;
    char *path = path_join(llama->dir, json_text_of(file, "file"));
    need_ok(model_load(&m, path, d, 0, &err), &err);
    ParamList list = params_list(&m->w, &m->config);
    assert_int_equal(list.n, json_object_size(json_object_get(file, "tensors")));
    for (int i = 0; i < list.n; i++) {
        const json_t *samples = json_object_get(json_object_get(file, "tensors"), list.param[i].name);
        Matrix w = *list.param[i].matrix;
        int n;
        int *index = golden_ids(json_object_get(samples, "index"), &n);
        double *value = golden_numbers(json_object_get(samples, "value"), &n);
        assert_string_equal(json_text_of(samples, "gguf_name"), list.param[i].gguf);
        for (int k = 0; k < n; k++) {
            float got = w.at[matrix_at(w, index[k] / w.cols, index[k] % w.cols)];
            if (got != (float)value[k])
                fail_msg("%s[%d]: %.9g, not %.9g", list.param[i].name, index[k], (double)got, value[k]);
        }
        free(index);
        free(value);
    }
    for (size_t i = 0; i < 2; i++) {
        int n;
        const json_t *sequence = json_array_get(json_object_get(models, "sequences"), i);
        int *ids = golden_ids(json_object_get(sequence, "ids"), &n);
        float *logp = logprobs_alone(m, ids, n);
        golden_all_close("log-probability", logp, json_array_get(json_object_get(file, "logprobs"), i), LOGITS);
        free(ids);
        free(logp);
    }
    params_free(&list);
    model_free(m);
    device_free(d);
    free(path);
    json_decref(golden);
    json_decref(models);
}

/* --- real models ------------------------------------------------------------------------------------------------- */

typedef struct Real {
    const char *model, *numbers;
    double tolerance;
} Real;

static const Real reals[] = {
    {"models/smollm2-135m-instruct.gguf", "../shared/golden/logprobs_smollm2.json", 2e-4},
    {"models/gemma-3-270m.gguf", "../shared/golden/logprobs_gemma3.json", 5e-4},
};

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
                head_scan(m, in.normed, &scan, &err),
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

static void real_model(void **state)
{
    const Real *r = *state;
    if (!real_models_wanted())
        skip_aloud("RLAIF_TEST_MODELS=none: %s", r->model);
    if (!file_exists(r->model) || !file_exists(r->numbers))
        skip_aloud("%s is absent", file_exists(r->model) ? r->numbers : r->model);
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 0);
    Model *m;
    json_t *golden, *sequence;
    need_ok(json_read_file(r->numbers, &golden, &err) && model_load(&m, r->model, d, 0, &err), &err);
    size_t i;
    json_array_foreach(json_object_get(golden, "sequences"), i, sequence)
    {
        int n;
        int *ids = golden_ids(json_object_get(sequence, "ids"), &n);
        float *hidden = hidden_alone(m, ids, n), *logp = logprobs_of(m, hidden, ids, n);
        golden_all_close(json_text_of(sequence, "name"), logp, json_object_get(sequence, "logprobs_f64"), r->tolerance);
        check_top(m, hidden, n, sequence, r->tolerance);
        free(ids), free(logp), free(hidden);
    }
    assert_int_equal(i, 12);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

int main(void)
{
    static const char *const types[] = {"F32", "F16", "BF16", "Q8_0", "Q4_0"};
    static struct CMUnitTest tests[2 * COUNT(goldens) + 1 + COUNT(types) + COUNT(reals)];
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
    for (int i = 0; i < COUNT(types); i++, n++) {
        snprintf(name[n], sizeof name[n], "%s, GGUF %s", llama->dir, types[i]);
        tests[n].test_func = gguf;
        tests[n].initial_state = (void *)(uintptr_t)types[i];
    }
    for (int i = 0; i < COUNT(reals); i++, n++) {
        snprintf(name[n], sizeof name[n], "%s", reals[i].model);
        tests[n].test_func = real_model;
        tests[n].initial_state = (void *)(uintptr_t)&reals[i];
    }
    for (int i = 0; i < n; i++)
        tests[i].name = name[i];
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
