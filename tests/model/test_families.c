/* Every family from its files: small models as directories, in shards and as GGUF, and those of PyTorch's beside the project turned
 * into GGUF. */
#include "families.h"
#include "gguf_build.h"
#include "golden.h"
#include "model/file/safetensors.h"
#include "tensor/cpu.h"

static Model *load(const char *path, Device *d)
{
    Err err = {0};
    Model *m;
    need_ok(model_load(&m, path, d, 0, &err), &err);
    return m;
}

/* --- as GGUF ------------------------------------------------------------------------------------------------------ */

/* Where number i of the GGUF's tensor is in transformers'. */
static size_t origin(const Row *row, const StoredTensor *t, const ModelConfig *c, size_t i)
{
    size_t cols = t->dims == 1 ? 1 : t->shape[1], head = (size_t)c->head_dim, heads = (size_t)c->heads;
    if (row->change == TURNED)
        return i % t->shape[0] * cols + i / t->shape[0];
    size_t r = i / cols, in_head = r % head;
    if (row->change == PAIRS) /* side by side, not in halves */
        r = r - in_head + in_head % 2 * (head / 2) + in_head / 2;
    if (row->change == HEADS) { /* all of q, then k, then v, not by turns after every head */
        size_t part = r / (heads * head), of = r % (heads * head) / head;
        r = of * 3 * head + part * head + in_head;
    }
    return r * cols + i % cols;
}

static void add_changed(Build *b, const Row *row, const char *name, const StoredTensor *t, const ModelConfig *c)
{
    size_t n = stored_values(t);
    float *values = mem_alloc(n, sizeof *values);
    dtype_to_f32(t->type, t->bytes, values, n);
    while (b->data.n % build_alignment(b))
        str_addc(&b->data, 0);
    bool turned = row->change == TURNED;
    uint64_t shape[2] = {t->shape[turned], t->shape[!turned]};
    add_info(b, name, 0, t->dims == 1 ? (const uint64_t[]){t->shape[0]} : shape, t->dims, b->data.n);
    for (size_t i = 0; i < n; i++) {
        float v = values[origin(row, t, c, i)] + (row->change == PLUS_ONE ? 1.0f : 0.0f);
        str_addn(&b->data, (const char *)&v, sizeof v);
    }
    free(values);
}

static void add_number(Build *b, const char *arch, const char *key, double v)
{
    char *name = mem_printf("%s.%s", arch, key);
    if (floor(v) == v)
        add_u32(b, name, (uint32_t)v);
    else
        add_f32(b, name, (float)v);
    free(name);
}

/* Metadata as llama.cpp's converter writes them. */
static void add_metadata(Build *b, const char *arch, const ModelConfig *c)
{
    add_text(b, "general.architecture", arch);
    add_number(b, arch, "block_count", c->layers);
    add_number(b, arch, "context_length", c->rope.scaling == ROPE_LONG ? c->rope.long_context : c->context);
    add_number(b, arch, "embedding_length", c->width);
    add_number(b, arch, "feed_forward_length", c->ffn);
    add_number(b, arch, "attention.head_count", c->heads);
    if (!c->layer_norm) {
        add_number(b, arch, "attention.head_count_kv", c->kv_heads);
        add_number(b, arch, "attention.key_length", c->head_dim);
        add_number(b, arch, "attention.value_length", c->head_dim);
    }
    add_number(b, arch, c->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
               (double)c->norm_eps);
    if (c->rotary_dim) {
        add_number(b, arch, "rope.dimension_count", c->rotary_dim);
        add_number(b, arch, "rope.freq_base", c->rope.theta);
    }
    if (c->window)
        add_number(b, arch, "attention.sliding_window", c->window);
    if (strcmp(arch, "gemma3") == 0 && !c->local[1])
        add_number(b, arch, "attention.sliding_window_pattern", 2);
    if (strcmp(arch, "gemma3") == 0 && c->local[1])
        add_number(b, arch, "attention.sliding_window_pattern", 3);
    if (c->attn_cap > 0)
        add_number(b, arch, "attn_logit_softcapping", (double)c->attn_cap);
    if (c->logit_cap > 0)
        add_number(b, arch, "final_logit_softcapping", (double)c->logit_cap);
    if (c->post_norms)
        add_number(b, arch, "attention.scale", (double)c->attn_scale); /* these are not the real sizes' */
    if (c->rope.scaling == ROPE_LONG) {
        add_number(b, arch, "rope.scaling.original_context_length", c->rope.original_context);
        add_number(b, arch, "rope.scaling.attn_factor", (double)(float)c->rope.attention);
    }
}

/* A vocabulary of single letters' numbers: only ids are used here. */
static void add_tokens(Build *b, int n)
{
    char **token = mem_zalloc((size_t)n, sizeof *token);
    float *score = mem_zalloc((size_t)n, sizeof *score);
    int *type = mem_zalloc((size_t)n, sizeof *type);
    for (int i = 0; i < n; i++) {
        token[i] = mem_printf("t%d", i);
        type[i] = 1;
    }
    add_text(b, "tokenizer.ggml.model", "llama");
    add_texts(b, "tokenizer.ggml.tokens", (const char *const *)token, n);
    add_array(b, "tokenizer.ggml.scores", GGUF_F32, score, n);
    add_array(b, "tokenizer.ggml.token_type", GGUF_I32, type, n);
    add_u32(b, "tokenizer.ggml.bos_token_id", 1);
    add_u32(b, "tokenizer.ggml.eos_token_id", 2);
    for (int i = 0; i < n; i++)
        free(token[i]);
    free(token), free(score), free(type);
}

static void add_factors(Build *b, const char *name, const double *factor, int n)
{
    add_tensor(b, name, 0, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        float v = (float)factor[i];
        memcpy(b->data.text + b->data.n - sizeof v * (size_t)(n - i), &v, sizeof v);
    }
}

/* A directory's model as a GGUF file. */
static void put_gguf(const Listed *f, const char *dir, const Model *m, const char *path)
{
    Err err = {0};
    Safetensors *s;
    Build b = {0};
    size_t n;
    need_ok(safetensors_open(&s, dir, &err), &err);
    add_metadata(&b, family_find(m->config.family)->gguf, &m->config);
    add_tokens(&b, m->config.vocab);
    for (int r = 0; r < COUNT(f->row) && f->row[r].hf; r++)
        for (int l = 0; l < (strstr(f->row[r].hf, "%d") ? m->config.layers : 1); l++) {
            char *hf = named(f->row[r].hf, l), *gguf = named(f->row[r].gguf, l);
            const StoredTensor *t = safetensors_find(s, hf);
            if (!t && strcmp(hf, "embed_out.weight") == 0)
                t = safetensors_find(s, "lm_head.weight");
            if (t) /* PyTorch's have no biases in llama; and some are tied */
                add_changed(&b, &f->row[r], gguf, t, &m->config);
            free(hf);
            free(gguf);
        }
    if (m->config.rope.scaling == ROPE_LONG) {
        add_factors(&b, "rope_factors_short.weight", m->config.rope.short_factor, m->config.rotary_dim / 2);
        add_factors(&b, "rope_factors_long.weight", m->config.rope.long_factor, m->config.rotary_dim / 2);
    }
    unsigned char *bytes = build_end(&b, &n);
    need_ok(file_write(path, bytes, n, &err), &err);
    free(bytes);
    safetensors_free(s);
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

/* The same weights; with 1 added and taken away but nearly. */
static void same_weights(const Model *a, const Model *b)
{
    assert_string_equal(a->config.family, b->config.family);
    assert_int_equal(a->w.floats, b->w.floats);
    if (a->config.norm_plus_one)
        assert_true(largest_difference(a->w.block, b->w.block, a->w.floats) < 1e-6);
    else
        same_bits("weights", a->w.block, b->w.block, a->w.floats);
}

/* What a model says of some ids. The caller frees it. */
static float *spoken(Model *m, const int *ids, int n, char hash[HASH_TEXT])
{
    float *logp = logprobs_alone(m, ids, n);
    Hash *h = hash_new();
    hash_floats(h, logp, (size_t)n - 1);
    hash_end(h, hash);
    return logp;
}

/* One number for all levels; the same model in shards, saved and read again, and as GGUF. */
static void small_models(void **state)
{
    const Listed *f = *state;
    enum { TOKENS = 30 };
    char hash[HASH_TEXT];
    int *ids = random_ids(TOKENS, FAMILY_VOCAB, 4);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    char *dir = path_join(test_folder, "m"), *gguf = path_join(test_folder, "m.gguf"),
         *saved = path_join(test_folder, "s");
    char *sharded = path_join(test_folder, "shards");
    Err err = {0};
    need_ok(dir_make(dir, &err) && dir_make(sharded, &err), &err);
    put_family(f, dir, false, OUTER_NONE);
    put_family(f, sharded, true, OUTER_NONE);
    for (int i = 0; i < levels; i++) {
        Device *d = open_device(level[i], 2);
        Model *m = load(dir, d), *other[3];
        float *logp = spoken(m, ids, TOKENS, hash);
        if (strcmp(hash, f->hash) != 0)
            fail_msg("%s, %s: %s", f->family, cpu_level_name(level[i]), hash);
        put_gguf(f, dir, m, gguf);
        need_ok(model_save(m, saved, &err), &err);
        other[0] = load(sharded, d), other[1] = load(saved, d), other[2] = load(gguf, d);
        for (int k = 0; k < COUNT(other); k++) {
            same_weights(m, other[k]);
            float *again = spoken(other[k], ids, TOKENS, hash);
            assert_true(largest_difference(logp, again, TOKENS - 1) <= (k == 2 ? 1e-5 : 0));
            free(again);
            model_free(other[k]);
        }
        free(logp);
        model_free(m);
        device_free(d);
    }
    free(ids), free(dir), free(gguf), free(saved), free(sharded);
}

/* Gemma 3 as its makers give it: within a model of images, and with one token more than the embedding has rows. */
static void official_gemma3(void **state)
{
    (void)state;
    const Listed *f = listed_families;
    while (strcmp(f->family, "gemma3_text") != 0)
        f++;
    Err err = {0};
    char *plain = path_join(test_folder, "plain"), *whole = path_join(test_folder, "whole");
    char *tokenizer = path_join(whole, "tokenizer.json");
    need_ok(dir_make(plain, &err) && dir_make(whole, &err), &err);
    put_family(f, plain, false, OUTER_NONE);
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = load(plain, d);
    for (Outer outer = OUTER_OLDER; outer <= OUTER_NEWER; outer++) {
        json_t *json;
        put_family(f, whole, false, outer);
        need_ok(json_read_file(tokenizer, &json, &err), &err);
        json_t *added = json_deep_copy(json_array_get(json_object_get(json, "added_tokens"), 0));
        json_object_set_new(added, "id", json_integer(FAMILY_VOCAB));
        json_object_set_new(added, "content", json_string("<image_soft_token>"));
        json_array_append_new(json_object_get(json, "added_tokens"), added);
        char *text = json_text(json);
        write_text(whole, "tokenizer.json", text);
        Model *other = load(whole, d);
        same_weights(m, other);
        assert_int_equal(tokenizer_size(other->tokenizer), FAMILY_VOCAB + 1);
        Ids a = {0}, b = {0};
        static const char image[] = "an <image_soft_token> in a text";
        need_ok(tokenizer_encode(m->tokenizer, image, strlen(image), TOKENIZE_SPECIAL, &a, &err) &&
                    tokenizer_encode(other->tokenizer, image, strlen(image), TOKENIZE_SPECIAL, &b, &err),
                &err);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.id, b.id, (size_t)a.n * sizeof *a.id);
        ids_release(&a), ids_release(&b);
        model_free(other);
        free(text);
        json_decref(json);
    }
    model_free(m);
    device_free(d);
    free(plain), free(whole), free(tokenizer);
}

/* PyTorch's tiny model, turned into GGUF here. */
static void golden_gguf(void **state)
{
    const Listed *f = *state;
    Golden g = {NULL, false};
    char *dir = mem_printf("../shared/golden/tiny-%s", strcmp(f->family, "gemma3_text") == 0 ? "gemma3"
                                                       : strcmp(f->family, "gpt_neox") == 0  ? "gptneox"
                                                                                             : f->family);
    g.dir = dir;
    if (!file_is_dir(dir)) {
        char name[100];
        snprintf(name, sizeof name, "%s", dir);
        free(dir);
        skip_aloud("%s is absent", name);
    }
    json_t *golden = golden_read(&g, "golden.json"), *sequence;
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = golden_model(&g, 0, d);
    char *path = path_join(test_folder, "golden.gguf");
    put_gguf(f, dir, m, path);
    Model *other = load(path, d);
    same_weights(m, other);
    size_t i;
    json_array_foreach(json_object_get(golden, "sequences"), i, sequence)
    {
        int n;
        int *ids = golden_ids(json_object_get(sequence, "ids"), &n);
        float *logp = logprobs_alone(other, ids, n);
        golden_all_close("log-probability", logp, json_object_get(sequence, "logprobs"), 1e-4);
        free(ids);
        free(logp);
    }
    assert_true(i > 1);
    model_free(m);
    model_free(other);
    device_free(d);
    json_decref(golden);
    free(path);
    free(dir);
}

int main(void)
{
    static struct CMUnitTest tests[2 * FAMILIES + 1];
    static char name[COUNT(tests)][60];
    for (int i = 0; i < 2 * FAMILIES; i++) {
        const Listed *f = &listed_families[i / 2];
        snprintf(name[i], sizeof name[i], "%s, %s", f->family, i % 2 ? "PyTorch's as GGUF" : "small");
        tests[i] = (struct CMUnitTest){.name = name[i],
                                       .test_func = i % 2 ? golden_gguf : small_models,
                                       .setup_func = folder_begin,
                                       .teardown_func = folder_end,
                                       .initial_state = (void *)(uintptr_t)f};
    }
    tests[2 * FAMILIES] = (struct CMUnitTest)IN_FOLDER(official_gemma3);
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
