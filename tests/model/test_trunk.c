/* Models of one file share their weights until one of them is trained. */
#include "base/mem.h"
#include "model/model.h"
#include "tiny.h"
#include "train/trainer.h"
#include "training.h"

static const char one[] = TINY_LLAMA_DIR, other_name[] = TINY_LLAMA_DIR "/";

static Model *load(Device *d, const char *path, int heads)
{
    Err err = {0};
    Model *m;
    need_ok(model_load(&m, path, d, heads, &err), &err);
    return m;
}

/* All of a model's weights, hashed by their names. */
static void hash_weights(Model *m, char out[HASH_TEXT])
{
    Hash *h = hash_new();
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        const Matrix *w = list.param[i].matrix;
        hash_add_text(h, list.param[i].name);
        hash_floats(h, w->at, matrix_floats(w->rows, w->cols));
    }
    params_free(&list);
    hash_end(h, out);
}

static void same_weights(Model *m, const char wanted[HASH_TEXT])
{
    char got[HASH_TEXT];
    hash_weights(m, got);
    assert_string_equal(got, wanted);
}

/* One file under two names is one set of weights, with as many heads as are wanted, whoever ends first. */
static void of_one_file(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    Library library = {0};
    char alone[2][HASH_TEXT];
    Model *judge = load(d, one, HEAD_LM), *value = load(d, one, HEAD_VALUE);
    assert_ptr_not_equal(judge->trunk, value->trunk); /* without a library each has its own */
    hash_weights(judge, alone[0]);
    hash_weights(value, alone[1]);
    model_free(judge);
    model_free(value);
    d->library = &library;
    judge = load(d, one, HEAD_LM);
    value = load(d, other_name, HEAD_VALUE);
    assert_ptr_equal(judge->trunk, value->trunk);
    assert_ptr_equal(judge->w.layer[1].down.w.at, value->w.layer[1].down.w.at);
    assert_ptr_not_equal(judge->w.value.at, value->w.value.at);
    same_weights(judge, alone[0]);
    same_weights(value, alone[1]);
    double whole = model_own_bytes(judge, NULL, 0);
    assert_true(whole == (double)judge->w.floats * sizeof(float));
    close_to(model_own_bytes(value, &judge, 1),
             (double)(matrix_floats(1, value->config.width) + matrix_floats(1, 1)) * sizeof(float), 0);
    assert_true(model_own_bytes(judge, &judge, 1) == 0);
    model_free(judge);
    same_weights(value, alone[1]);
    model_free(value);
    assert_null(library.first);
    device_free(d);
}

/* An untied LM head that the first model had no use for is not missing from the second. */
static void with_another_head(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    Library library = {0};
    char alone[HASH_TEXT];
    Model *judge = load(d, one, HEAD_LM);
    assert_false(judge->config.tied);
    hash_weights(judge, alone);
    model_free(judge);
    d->library = &library;
    Model *reward = load(d, one, HEAD_REWARD);
    judge = load(d, one, HEAD_LM);
    same_weights(judge, alone);
    model_free(judge);
    model_free(reward);
    device_free(d);
}

/* Moves a model as an optimizer would, behind trainer_init. */
static void train(Model *m)
{
    static const TrainOptions options = {.optimizer = OPTIMIZER_ADAFACTOR};
    Err err = {0};
    Trainer t;
    need_ok(trainer_init(&t, m, &options, 1, &err), &err);
    m->w.embed.at[5] += 1;
    m->w.layer[0].q.w.at[3] += 1;
    trainer_release(&t);
}

/* Whoever is trained leaves the others as they were, and is found by nobody who loads the file. */
static void until_trained(void **state)
{
    (void)state;
    for (int first = 0; first < 3; first++) {
        Err err = {0};
        Device *d = open_device(CPU_AUTO, 1);
        Library library = {0};
        d->library = &library;
        char as_file[HASH_TEXT], moved[HASH_TEXT];
        Model *m[3] = {load(d, one, HEAD_LM), load(d, one, HEAD_LM)};
        need_ok(model_share(&m[2], m[0], HEAD_LM, &err), &err);
        hash_weights(m[0], as_file);
        train(m[first]);
        hash_weights(m[first], moved);
        assert_string_not_equal(moved, as_file);
        for (int i = 0; i < 3; i++)
            same_weights(m[i], i == first ? moved : as_file);
        int second = (first + 1) % 3;
        train(m[second]);
        train(m[(second + 1) % 3]);
        Model *late = load(d, one, HEAD_LM);
        same_weights(late, as_file);
        model_free(late);
        for (int i = 2; i >= 0; i--)
            model_free(m[i]);
        assert_null(library.first);
        device_free(d);
    }
}

/* A file that has changed since is another file. */
static void of_a_changed_file(void **state)
{
    (void)state;
    Err err = {0};
    Device *d = open_device(CPU_AUTO, 1);
    Library library = {0};
    d->library = &library;
    char *dir = path_join(test_folder, "model"), hash[HASH_TEXT], changed[HASH_TEXT];
    Model *m = load(d, one, HEAD_LM);
    need_ok(model_save(m, dir, &err), &err);
    Model *before = load(d, dir, HEAD_LM);
    hash_weights(before, hash);
    m->w.final_norm.at[0] += 1;
    need_ok(model_save(m, dir, &err), &err);
    Model *after = load(d, dir, HEAD_LM);
    hash_weights(after, changed);
    assert_string_not_equal(changed, hash);
    same_weights(before, hash);
    model_free(before);
    model_free(after);
    model_free(m);
    free(dir);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_file),
        cmocka_unit_test(with_another_head),
        cmocka_unit_test(until_trained),
        IN_FOLDER(of_a_changed_file),
    };
    return cmocka_run_group_tests_name("trunk", tests, NULL, NULL);
}
