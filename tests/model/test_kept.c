/* Models whose weights stay as they are in their files: the same numbers as in f32, of every family's files. */
#include "classifier_helpers.h"
#include "model/export/export.h"
#include "tiny.h"

static Model *load(Device *d, const char *path)
{
    Err err = {0};
    Model *m;
    need_ok(model_load(&m, path, d, 0, &err), &err);
    return m;
}

/* Once it is about to be trained, it has the other's weights. */
static void same_when_owned(Model *packed, Model *f32)
{
    Err err = {0};
    need_ok(model_own(packed, &err), &err);
    assert_int_equal(packed->trunk->n_packed, 0);
    ParamList a = params_list(&packed->w, &packed->config), b = params_list(&f32->w, &f32->config);
    assert_int_equal(a.n, b.n);
    for (int i = 0; i < a.n; i++) {
        const Matrix *x = a.param[i].matrix, *y = b.param[i].matrix;
        same_bits(a.param[i].name, x->at, y->at, matrix_floats(y->rows, y->cols));
    }
    params_free(&a);
    params_free(&b);
}

/* What a file's model computes; in the file, so that at least `least` of its matrices are not copied, and in f32. */
static void same_model(const char *path, int least)
{
    enum { TOKENS = 37 };
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int i = 0; i < levels; i++) {
        Device *d = open_device(level[i], i % 2 ? 2 : 7);
        Library library = {.packed = true};
        Model *f32 = load(d, path);
        d->library = &library;
        Model *packed = load(d, path), *beside = load(d, path);
        if (packed->trunk->n_packed < least)
            fail_msg("%s: only %d matrices stay in the file", path, packed->trunk->n_packed);
        assert_ptr_equal(packed->trunk, beside->trunk);
        assert_true(least < 7 || trunk_bytes(packed->trunk) < 0.9 * trunk_bytes(f32->trunk));
        int *ids = random_ids(TOKENS, f32->config.vocab, 4), C = f32->config.width;
        float *wanted = hidden_alone(f32, ids, TOKENS), *got = hidden_alone(packed, ids, TOKENS);
        same_bits(path, got, wanted, TOKENS * (size_t)C);
        if (f32->config.head & HEAD_LM) {
            float *logp = logprobs_of(packed, got, ids, TOKENS), *of = logprobs_of(f32, wanted, ids, TOKENS);
            same_bits("log-probabilities", logp, of, TOKENS - 1);
            free(logp), free(of);
        } else {
            float r[2];
            Err err = {0};
            const int last = TOKENS - 1;
            need_ok(head_scalars(packed, SCALAR_REWARD, tensor(got, TOKENS, C), &last, 1, &r[0], &err) &&
                        head_scalars(f32, SCALAR_REWARD, tensor(wanted, TOKENS, C), &last, 1, &r[1], &err),
                    &err);
            same_bits("rewards", &r[0], &r[1], 1);
        }
        same_when_owned(packed, f32);
        float *again = hidden_alone(beside, ids, TOKENS);
        same_bits("who was not trained", again, wanted, TOKENS * (size_t)C);
        free(ids), free(got), free(wanted), free(again);
        model_free(packed), model_free(beside), model_free(f32);
        device_free(d);
    }
}

/* Directories: q, k and v, or gate and up, in one tensor; but what lies in columns is turned round, and copied. */
static void of_directories(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        int least; /* a model has at least an embedding and two layers of six matrices */
    } of[] = {{"llama", 13},  {"mistral", 13}, {"qwen2", 13},   {"qwen3", 13}, {"gemma2", 13},
              {"gemma3", 13}, {"phi3", 13},    {"gptneox", 11}, {"gpt2", 1}};
    static const DType type[] = {DTYPE_BF16, DTYPE_F16};
    Device *d = open_device(CPU_AUTO, 1);
    for (int i = 0; i < COUNT(of); i++) {
        Err err = {0};
        char *from = path_join(test_folder, "f32"), *to = path_join(test_folder, of[i].family);
        put_classifier(test_folder, "f32", of[i].family);
        Model *m = load(d, from);
        need_ok(export_hf(m, to, type[i % 2], &err), &err);
        model_free(m);
        same_model(to, of[i].least);
        need_ok(dir_remove(from, &err), &err);
        free(from), free(to);
    }
    device_free(d);
}

/* GGUF files: the rows of q and k are interleaved; blocks of many types. */
static void of_gguf_files(void **state)
{
    (void)state;
    static const DType type[] = {DTYPE_F16, DTYPE_BF16};
    Device *d = open_device(CPU_AUTO, 1);
    Model *m = load(d, "tests/fixtures/tiny-llama");
    for (int i = 0; i < COUNT(type); i++) {
        Err err = {0};
        char *path = mem_printf("%s/%s.gguf", test_folder, dtype_info(type[i])->name);
        need_ok(export_gguf(m, path, type[i], &err), &err);
        same_model(path, 14);
        free(path);
    }
    model_free(m);
    device_free(d);
    same_model("tests/fixtures/gguf/llama.gguf", 7);
    same_model("tests/fixtures/gguf/gemma3.gguf", 7);
}

/* A number that is not finite is found where nothing is unpacked. */
static void not_finite(void **state)
{
    (void)state;
    Err err = {0};
    Gguf *g;
    need_ok(gguf_open(&g, "tests/fixtures/gguf/llama.gguf", &err), &err);
    const StoredTensor *t = NULL;
    for (int i = 0; i < gguf_tensors(g) && (!t || t->type != DTYPE_Q8_0 || t->n_bytes < 34 * 4); i++)
        t = gguf_tensor(g, i);
    assert_int_equal(t->type, DTYPE_Q8_0);
    unsigned char *bytes = mem_copy(g->map.bytes, g->map.n, 1), *scale = bytes + (t->bytes - g->map.bytes) + 34 * 3;
    scale[0] = 0, scale[1] = 0x7c;
    char *path = path_join(test_folder, "infinite.gguf"),
         *words = mem_printf("%s holds a number that is not finite", t->name);
    need_ok(file_write(path, bytes, g->map.n, &err), &err);
    Device *d = open_device(CPU_AUTO, 2);
    Library library = {.packed = true};
    d->library = &library;
    Model *bad;
    assert_false(model_load(&bad, path, d, 0, &err));
    says(err.msg, words);
    assert_null(library.first);
    device_free(d);
    gguf_free(g);
    free(bytes), free(path), free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(of_directories),
        IN_FOLDER(of_gguf_files),
        IN_FOLDER(not_finite),
    };
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
