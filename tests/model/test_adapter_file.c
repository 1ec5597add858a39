/* Adapters in files: what is written reads back as it was, of every family; what cannot be read is refused by name. */
#include "tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/adapter_file.h"
#include "store/store.h"

#include <sqlite3.h>

#define FIXTURE "tests/fixtures/lora/patterns"
#define BASE    "tests/fixtures/tiny-llama"

static char *put(const char *name, const void *bytes, size_t n)
{
    Err err = {0};
    char *path = path_join(test_folder, name);
    need_ok(file_write(path, bytes, n, &err), &err);
    return path;
}

static void put_json(const char *name, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(1));
    free(put(name, text, strlen(text)));
    free(text);
}

/* --- there and back --------------------------------------------------------------------------------------------------- */

/* Shapes and numbers, by the configuration of the base. */
static void and_back(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        Err err = {0};
        AdapterFile a;
        Model *m = tiny_model((TinyKind)kind, HEAD_REWARD, 40, d);
        ModelConfig c = m->config;
        tiny_adapt(m);
        need_ok(adapter_save(&m->w, &m->config, (AdapterAbout){BASE, "", NULL}, test_folder, &err) &&
                    adapter_open(&a, test_folder, &err) && adapter_shapes(&a, &c, &err),
                &err);
        assert_memory_equal(c.lora, m->config.lora, sizeof c.lora);
        assert_true(a.head == HEAD_REWARD && strcmp(a.base, BASE) == 0);
        Weights *w = mem_zalloc(1, sizeof *w);
        need_ok(weights_alloc(w, &c, true, &err) && adapter_numbers(&a, w, &c, 1, &err), &err);
        ParamList got = params_trained(w, &c), had = params_trained(&m->w, &m->config);
        assert_true(got.n == had.n && got.n > 2 * c.layers);
        for (int i = 0; i < got.n; i++)
            same_bits(got.param[i].name, got.param[i].matrix->at, had.param[i].matrix->at,
                      matrix_floats(got.param[i].matrix->rows, got.param[i].matrix->cols));
        params_free(&got), params_free(&had);
        weights_free(w), free(w);
        adapter_close(&a);
        model_free(m);
    }
    device_free(d);
}

/* --- refusals --------------------------------------------------------------------------------------------------------- */

/* The fixture's directory on its base, with these keys in adapter_config.json. */
static void copy_fixture(const char *changes)
{
    Err err = {0};
    json_t *json, *own = json_pack("{s:s}", "base", BASE), *change = json_loads(changes, 0, NULL);
    char *bytes;
    size_t n;
    assert_non_null(change);
    need_ok(json_read_file(FIXTURE "/" ADAPTER_CONFIG, &json, &err) &&
                file_read(FIXTURE "/" ADAPTER_MODEL, 1 << 20, &bytes, &n, &err),
            &err);
    json_object_update(json, change);
    put_json(ADAPTER_CONFIG, json);
    put_json(ADAPTER_OWN, own);
    free(put(ADAPTER_MODEL, bytes, n));
    free(bytes);
    json_decref(json), json_decref(own), json_decref(change);
}

static void refuses(const char *what, const char *message)
{
    Err err = {0};
    Model *m;
    Device *d = open_device(CPU_AUTO, 1);
    if (model_load(&m, test_folder, d, 0, &err))
        fail_msg("%s: it was read", what);
    if (!strstr(err.msg, message) || !err.hint[0])
        fail_msg("%s: %s; %s", what, err.msg, err.hint);
    device_free(d);
}

#define REGEX(of_names) "{\"target_modules\": \"" of_names "\", \"layers_to_transform\": null}"

/* Other words for the same layers, ranks and factors. */
static void configurations_alike(void **state)
{
    (void)state;
    static const char *const alike[] = {
        "{}",
        REGEX("model[.]layers[.]1[.](self_attn[.][qv]_proj|mlp[.]down_proj)"),
        REGEX(".*1.*(?:q|v|down)_proj"),
        "{\"layers_to_transform\": 1, \"layers_pattern\": [\"h\", \"layers\"]}",
        "{\"layers_to_transform\": [], \"exclude_modules\": \"model[.]layers[.]0[.].*\"}",
        "{\"target_modules\": \"all-linear\", \"layers_to_transform\": null, \"exclude_modules\": "
        "\".*([.]0[.].*|[ko]_proj|gate_proj|up_proj)\"}",
        "{\"exclude_modules\": [\"k_proj\", \"model.layers.0.self_attn.q_proj\"]}",
        "{\"target_modules\": [\"model.layers.1.self_attn.q_proj\", \"v_proj\", \"layers.1.mlp.down_proj\"], "
        "\"layers_to_transform\": [1, 5]}",
        "{\"rank_pattern\": {\"(down|nothing)_proj\": 2, \"layers[.][0-9][.].*q_proj\": 3, \"q_proj\": 7}}",
        "{\"r\": 4.0, \"alpha_pattern\": {\"_proj\": 9, \"^model.*v_proj\": 5}}",
        "{\"a_key_to_come\": null, \"another\": {}, \"peft_version\": \"0.30\"}",
    };
    ModelConfig first;
    Device *d = open_device(CPU_AUTO, 1);
    for (int i = 0; i < COUNT(alike); i++) {
        Err err = {0};
        Model *m;
        copy_fixture(alike[i]);
        if (!model_load(&m, test_folder, d, 0, &err))
            fail_msg("%s: %s", alike[i], err.msg);
        first = i == 0 ? m->config : first;
        assert_memory_equal(first.lora, m->config.lora, sizeof first.lora);
        model_free(m);
    }
    assert_true(first.lora_rank == 4);
    device_free(d);
}

/* A key that is not there. */
static void without_targets(void **state)
{
    (void)state;
    Err err = {0};
    json_t *json;
    char *path = path_join(test_folder, ADAPTER_CONFIG);
    copy_fixture("{}");
    need_ok(json_read_file(path, &json, &err), &err);
    json_object_del(json, "target_modules");
    put_json(ADAPTER_CONFIG, json);
    refuses("no targets", "target_modules is absent");
    json_decref(json);
    free(path);
}

static void configurations(void **state)
{
    (void)state;
    static const struct {
        const char *changes, *message;
    } c[] = {
        {"{\"peft_type\": null}", "no peft_type"},
        {"{\"peft_type\": \"IA3\"}", "peft_type is \"IA3\""},
        {"{\"use_dora\": true}", "use_dora"},
        {"{\"lora_bias\": true}", "lora_bias"},
        {"{\"bias\": \"all\"}", "bias is \"all\""},
        {"{\"modules_to_save\": [\"embed_tokens\"]}", "modules_to_save"},
        {"{\"modules_to_save\": \"score\"}", "modules_to_save"},
        {"{\"target_parameters\": [\"a\"]}", "target_parameters"},
        {"{\"use_qalora\": true}", "use_qalora"},
        {"{\"layer_replication\": [[0, 1]]}", "layer_replication"},
        {"{\"alora_invocation_tokens\": [1]}", "alora_invocation_tokens"},
        {"{\"trainable_token_indices\": [1]}", "trainable_token_indices"},
        {"{\"fan_in_fan_out\": true}", "fan_in_fan_out"},
        {"{\"init_lora_weights\": \"pissa\"}", "init_lora_weights"},
        {"{\"rank_pattern\": {\".*_proj\": 2}}", "the rank is 2"},
        {"{\"rank_pattern\": {\"down_(proj\": 2}}", "rank_pattern: the regular expression"},
        {"{\"rank_pattern\": {\"down_proj\": 2.5}}", "rank_pattern"},
        {"{\"alpha_pattern\": {\"v_proj\": \"5\"}}", "alpha_pattern"},
        {"{\"r\": 0}", "r is 0"},
        {"{\"r\": 3, \"rank_pattern\": {}}", "the rank is 3"},
        {"{\"lora_alpha\": 1e300}", "lora_alpha"},
        {"{\"target_modules\": [\"q_proj\"]}", "does not name it"},
        {"{\"layers_to_transform\": [0]}", "layers.0.self_attn.q_proj has no lora_A"},
        {"{\"layers_to_transform\": [7]}", "does not name it"},
        {"{\"layers_to_transform\": [1.5]}", "layers_to_transform is [1.5], it has to be a whole number"},
        {"{\"layers_to_transform\": null}", "layers.0.self_attn.q_proj has no lora_A"},
        {"{\"layers_pattern\": \"h\"}", "does not name it"},
        {"{\"layers_pattern\": \"la(y)ers\"}", "layers_pattern"},
        {"{\"layers_pattern\": \"layers\", \"layers_to_transform\": null}", "layers_pattern"},
        {"{\"target_modules\": []}", "target_modules is [], which"},
        {"{\"target_modules\": null}", "target_modules is null, which"},
        {"{\"target_modules\": [\"down_proj\", \"q_proj\", \"v_proj\", \"lm_head\"]}", "an adapter of lm_head, which"},
        {REGEX("lm_head|model[.]layers[.]1[.](self_attn[.][qv]_proj|mlp[.]down_proj)"), "an adapter of lm_head, which"},
        {"{\"target_modules\": [\"down_proj\", \"q_proj\", \"v_proj\", \"model.embed_tokens\"]}",
         "an adapter of model.embed_tokens, which"},
        {"{\"target_modules\": [7]}", "target_modules is [7], it has to be"},
        {"{\"target_modules\": [\"down_proj\", \"q_proj\", \"v_proj\", \"o_proj\"]}", "o_proj has no lora_A"},
        {"{\"target_modules\": \"all-linear\"}", "layers_to_transform"},
        {REGEX(".*_proj"), "has no lora_A"},
        {REGEX(".*[qv]_proj"), "has no lora_A"},
        {REGEX(".*[.]1[.].*[qv]_proj"), "down_proj has an adapter, but"},
        {REGEX("[qv]_proj|down_proj"), "q_proj has an adapter, but"}, /* the whole name */
        {REGEX("(.*"), "target_modules: the regular expression"},
        {REGEX(".*)|(?:.*"), "target_modules: the regular expression"},
        {"{\"exclude_modules\": [\"q_proj\"]}", "q_proj has an adapter, but"},
        {"{\"exclude_modules\": \".*v_proj\"}", "v_proj has an adapter, but"},
        {"{\"exclude_modules\": 3}", "exclude_modules is 3, it has to be"},
        {"{\"modules_to_save\": [\"score\"]}", "there is no head in it"},
        {"{\"modules_to_save\": [\"lm_head\"]}", "modules_to_save"},
        {"{\"r\": \"4\"}", "r is \"4\", it has to be a number"},
        {"{\"r\": null}", "r is null, it has to be a number"},
        {"{\"lora_alpha\": \"16\"}", "lora_alpha is \"16\", it has to be a number"},
        {"{\"use_rslora\": \"yes\"}", "use_rslora is \"yes\", it has to be true or false"},
        {"{\"fan_in_fan_out\": \"true\"}", "fan_in_fan_out is \"true\", it has to be"},
        {"{\"rank_pattern\": [2]}", "rank_pattern is [2], it has to be"},
        {"{\"bias\": 3}", "bias is 3, it has to be a text"},
        {"{\"lora_scale\": 2}", "lora_scale is no key that is known"},
    };
    for (int i = 0; i < COUNT(c); i++) {
        copy_fixture(c[i].changes);
        refuses(c[i].changes, c[i].message);
    }
}

/* A file with one tensor more, or one of them changed: by another name, another shape, a number that is none. */
static void write_tensors(const char *instead_of, const char *name, size_t rows, size_t cols, float number)
{
    Err err = {0};
    Safetensors *s;
    SafetensorsWriter *w;
    char *path = path_join(test_folder, ADAPTER_MODEL);
    float values[4096] = {0};
    need_ok(safetensors_open(&s, FIXTURE "/" ADAPTER_MODEL, &err) && safetensors_create(&w, path, DTYPE_F32, &err),
            &err);
    for (int i = 0; i < safetensors_count(s); i++) {
        const StoredTensor *t = safetensors_tensor(s, i);
        if (!instead_of || !strstr(t->name, instead_of))
            safetensors_declare(w, t->name, t->shape, t->dims);
    }
    if (name)
        safetensors_declare(w, name, (size_t[2]){rows, cols}, 2);
    for (int i = 0; i < safetensors_count(s); i++) {
        const StoredTensor *t = safetensors_tensor(s, i);
        if (!instead_of || !strstr(t->name, instead_of))
            need_ok(safetensors_values(w, (const float *)(const void *)t->bytes, t->n_bytes / sizeof(float), &err),
                    &err);
    }
    values[1] = number;
    assert_true(rows * cols <= COUNT(values));
    if (name)
        need_ok(safetensors_values(w, values, rows * cols, &err), &err);
    need_ok(safetensors_close(w, &err), &err);
    safetensors_free(s);
    free(path);
}

#define Q "base_model.model.model.layers.1.self_attn.q_proj"
static void tensors(void **state)
{
    (void)state;
    static const struct {
        const char *what, *instead_of, *name;
        size_t rows, cols;
        float number;
        const char *message;
    } c[] = {
        {"no A", "q_proj.lora_A", NULL, 0, 0, 0, "q_proj has no lora_A"},
        {"no B", "q_proj.lora_B", NULL, 0, 0, 0, "q_proj has no lora_B"},
        {"a wider base's", "q_proj.lora_A", Q ".lora_A.weight", 3, 48, 0, "has shape [3, 48], " BASE " wants [3, 40]"},
        {"a rank of its own", "q_proj.lora_A", Q ".lora_A.weight", 2, 40, 0, "the rank is 3"},
        {"no number", "q_proj.lora_A", Q ".lora_A.weight", 3, 40, NAN, "not finite"},
        {"a deeper base's", NULL, "base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight", 3, 40, 0,
         "no place"},
        {"DoRA's", NULL, Q ".lora_magnitude_vector", 1, 40, 0, "no place"},
        {"the embedding", NULL, "base_model.model.model.embed_tokens.lora_embedding_A", 3, 40, 0, "no place"},
        {"nothing at all", "base_model", "x", 1, 1, 0, "has no lora_A"},
    };
    for (int i = 0; i < COUNT(c); i++) {
        copy_fixture("{}");
        write_tensors(c[i].instead_of, c[i].name, c[i].rows, c[i].cols, c[i].number);
        refuses(c[i].what, c[i].message);
    }
}

/* Another base than that of the hash, an adapter as the base, a base that is not there. */
static void bases(void **state)
{
    (void)state;
    copy_fixture("{}");
    json_t *own = json_pack("{s:s, s:s}", "base", BASE, "base_hash", "0123");
    put_json(ADAPTER_OWN, own);
    refuses("another hash", "adapts another model than " BASE " is now");
    json_object_del(own, "base_hash");
    json_object_set_new(own, "base", json_string(FIXTURE));
    put_json(ADAPTER_OWN, own);
    refuses("an adapter of an adapter", "is an adapter itself");
    json_object_set_new(own, "base", json_string("someone/model-1b"));
    put_json(ADAPTER_OWN, own);
    refuses("a hub's name", "adapts someone/model-1b, which is no file or directory here");
    json_decref(own);
    static const char *const wrong[] = {"[]", "{}", "{\"base\": 3}", "{\"base\": \"" BASE "\", \"base_hash\": 3}",
                                        "{\"base\": \"" BASE "\", \"notes\": [1]}"};
    for (int i = 0; i < COUNT(wrong); i++) {
        free(put(ADAPTER_OWN, wrong[i], strlen(wrong[i])));
        refuses(wrong[i], ADAPTER_OWN ": it has to be an object of base");
    }
}

/* Opens the store after a change to the hashes that it keeps of files. */
static Store *open_with(const char *path, const char *sql)
{
    sqlite3 *db;
    Store *s;
    Err err = {0};
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    need_ok(store_open(&s, path, &err), &err);
    return s;
}

/* The base is hashed where its hash is asked for, once: a store that keeps wrong ones shows who was asked. */
static void hashed_once(void **state)
{
    (void)state;
    Err err = {0};
    Store *s;
    char right[HASH_TEXT], *path = path_join(test_folder, "store");
    Model *m, *same;
    Device *d = open_device(CPU_AUTO, 1);
    Library library = {.kept = &s};
    d->library = &library;
    copy_fixture("{}");
    need_ok(store_open(&s, path, &err) && model_hash(BASE, s, right, &err) && model_load(&m, test_folder, d, 0, &err),
            &err);
    assert_string_equal(m->trunk->hash, ""); /* nobody asked */
    need_ok(model_base_hash(m, &err), &err);
    assert_string_equal(m->trunk->hash, right);
    json_t *own = json_pack("{s:s, s:s}", "base", BASE, "base_hash", right);
    put_json(ADAPTER_OWN, own);
    store_keep(s);
    store_close(s);
    s = open_with(path, "UPDATE digest SET hash = replace(hash, '0', '1')");
    need_ok(model_load(&same, test_folder, d, 0, &err), &err); /* on the same weights, whose hash is known */
    assert_ptr_equal(same->trunk, m->trunk);
    model_free(same), model_free(m);
    assert_false(model_load(&m, test_folder, d, 0, &err)); /* by what the store knows */
    says(err.msg, "adapts another model");
    store_close(s);
    s = NULL;
    err_clear(&err);
    need_ok(model_load(&m, test_folder, d, 0, &err), &err); /* no store: it is read */
    model_free(m);
    device_free(d);
    json_decref(own);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_FOLDER(and_back),       IN_FOLDER(configurations_alike),
                                       IN_FOLDER(configurations), IN_FOLDER(without_targets),
                                       IN_FOLDER(tensors),        IN_FOLDER(bases),
                                       IN_FOLDER(hashed_once)};
    return cmocka_run_group_tests_name("adapter files", tests, NULL, NULL);
}
