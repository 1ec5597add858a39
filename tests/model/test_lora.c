/* Adapters against PEFT in double precision: logits, gradients of every A and B, merged weights. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/adapter.h"

#include <unistd.h>

static const double LOGITS = 1e-4, LOSS = 1e-5, GRADIENTS = 1e-4, MERGED = 1e-6; /* what f32 may be off by */

/* Those beside the project name their base by a place of their own: it is written here. */
typedef struct Adapter {
    Golden golden;
    const char *base;
} Adapter;
static const Adapter adapters[] = {
    {{"tests/fixtures/lora/all", true}, NULL},
    {{"tests/fixtures/lora/patterns", true}, NULL},
    {{"../shared/golden/lora/r4_qv", false}, "../shared/golden/tiny-llama"},
    {{"../shared/golden/lora/r2_rslora_all", false}, "../shared/golden/tiny-llama"},
    {{"../shared/golden/lora/patterns", false}, "../shared/golden/tiny-llama"},
};

static void link_file(const char *from, const char *to, const char *name)
{
    char *a = path_join(from, name), *b = path_join(to, name), *whole = realpath(a, NULL);
    assert_non_null(whole);
    assert_int_equal(symlink(whole, b), 0);
    free(a), free(b), free(whole);
}

static Model *open_adapter(const Adapter *a, Device *d)
{
    Err err = {0};
    Model *m;
    if (!a->base) {
        need_ok(model_load(&m, a->golden.dir, d, 0, &err), &err);
        return m;
    }
    char *folder = make_folder(), *own = path_join(folder, "rlaif.json"),
         *text = mem_printf("{\"base\": \"%s\"}", a->base);
    link_file(a->golden.dir, folder, "adapter_config.json");
    link_file(a->golden.dir, folder, "adapter_model.safetensors");
    need_ok(file_write(own, text, strlen(text), &err) && model_load(&m, folder, d, 0, &err), &err);
    remove_folder(folder);
    free(own), free(text);
    return m;
}

/* --- logits and gradients ------------------------------------------------------------------------------------------ */

/* Sampled entries, and each tensor's sum of squares, as its norm or as it is. */
static void check_gradients(Model *m, Weights *dw, const json_t *named)
{
    ParamList list = params_trained(dw, &m->config);
    assert_int_equal(list.n, json_object_size(named));
    for (int i = 0; i < list.n; i++) {
        const json_t *samples = json_object_get(named, list.param[i].name);
        Matrix g = *list.param[i].matrix;
        double most = largest(g.at, matrix_floats(g.rows, g.cols)), squares = 0;
        for (size_t k = 0; k < matrix_floats(g.rows, g.cols); k++)
            squares += (double)g.at[k] * (double)g.at[k];
        double norm = json_number_of(samples, "norm", sqrt(json_number_of(samples, "sumsq", NAN)));
        golden_close(list.param[i].name, sqrt(squares), norm, GRADIENTS * norm);
        golden_samples(list.param[i].name, g, samples, GRADIENTS * most);
    }
    params_free(&list);
}

static void check_merged(Model *m, const json_t *merged)
{
    ParamList list = params_list(&m->w, &m->config);
    size_t found = 0;
    for (int i = 0; i < list.n; i++) {
        const json_t *samples = json_object_get(merged, list.param[i].name);
        if (!samples)
            continue;
        golden_samples(list.param[i].name, *list.param[i].matrix, samples, MERGED);
        found++;
    }
    assert_true(found > 0 && found == json_object_size(merged));
    params_free(&list);
}

static void as_peft_has_it(void **state)
{
    const Adapter *a = *state;
    json_t *golden = golden_read(&a->golden, "golden.json");
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = open_adapter(a, d);
    assert_true(m->config.lora_rank > 0);
    golden_sequences(m, golden, LOGITS);
    Weights *dw = grads_new(m);
    assert_int_equal(dw->embed.rows, 0);
    golden_close("loss", golden_loss(m, golden, dw), json_number_of(golden, "loss", NAN), LOSS);
    check_gradients(m, dw, json_object_get(golden, "grad"));
    grads_free(dw);

    need_ok(model_merge(m, &err), &err);
    assert_int_equal(m->config.lora_rank, 0);
    check_merged(m, json_object_get(golden, "merged"));
    golden_sequences(m, golden, LOGITS);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

/* --- a new adapter ------------------------------------------------------------------------------------------------- */

/* Nothing is changed in any bit, by the numbers of an A that are as PEFT draws them; what is asked for is what it has. */
static void begins_as_nothing(void **state)
{
    (void)state;
    char q[] = "q_proj", down[] = "mlp.down_proj", *names[] = {q, down};
    const OptionList targets = {names, 2};
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = tiny_model(TINY_GEMMA, HEAD_LM, 40, d);
    int *ids = random_ids(20, 40, 3), A = 0;
    float *before = logprobs_alone(m, ids, 20);
    ModelConfig c = m->config;
    need_ok(lora_choose(&c, &(LoraChoice){.rank = 4, .alpha = 6, .rslora = true, .targets = &targets}, &err) &&
                model_adapt(m, &c, &err),
            &err);
    model_init_adapter(m, 7, 0);
    float *after = logprobs_alone(m, ids, 20);
    same_bits("log-probabilities", before, after, 19);
    ParamList list = params_trained(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        Matrix a = *list.param[i].matrix;
        double most = largest(a.at, matrix_floats(a.rows, a.cols)), bound = 1 / sqrt(a.cols);
        assert_true(list.param[i].adapter == ADAPTER_B ? most == 0 : most > 0.9 * bound && most <= bound);
        A += list.param[i].adapter == ADAPTER_A;
    }
    assert_true(A == 2 * m->config.layers && list.n == 2 * A);
    assert_true(fabsf(m->w.layer[1].q.scale - 3) < 1e-6f && m->w.layer[1].k.a.rows == 0);
    params_free(&list);
    free(ids), free(before), free(after);
    model_free(m);
    device_free(d);
}

static void refused_shapes(void **state)
{
    (void)state;
    char q[] = "q_proj", w[] = "w_proj", everything[] = LORA_ALL, *unknown[] = {q, w}, *all[] = {everything};
    const OptionList bad = {unknown, 2}, every = {all, 1};
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 1);
    Model *m = tiny_model(TINY_LLAMA, HEAD_LM, 40, d);
    ModelConfig c = m->config;
    assert_false(lora_choose(&c, &(LoraChoice){.rank = 4, .targets = &bad}, &err));
    assert_non_null(strstr(err.msg, "no linear layer w_proj"));
    assert_non_null(strstr(err.hint, "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, all-linear"));
    err_clear(&err);
    assert_false(lora_choose(&c, &(LoraChoice){.rank = 17, .targets = &every}, &err));
    assert_non_null(strstr(err.msg, "rank 17"));
    model_free(m);
    device_free(d);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(adapters) + 2] = {cmocka_unit_test(begins_as_nothing),
                                                           cmocka_unit_test(refused_shapes)};
    for (int i = 0; i < COUNT(adapters); i++)
        tests[i + 2] = (struct CMUnitTest){.name = adapters[i].golden.dir,
                                           .test_func = as_peft_has_it,
                                           .initial_state = (void *)(uintptr_t)&adapters[i]};
    return cmocka_run_group_tests_name("adapters", tests, NULL, NULL);
}
