/* export: what is written is the same model, reads back as the same bytes, and is there whole or not at all. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"
#include "families.h"
#include "model/adapter_file.h"
#include "model/export/gguf_metadata.h"
#include "model/model.h"
#include "refusals.h"
#include "text/prepare/charsmap.h"
#include "text/tokenizer_describe.h"

#include <signal.h>

/* Log-probabilities as the program prints them. */
static char *logprobs_with(const char *model)
{
    Ran r = run_in(test_bench, "rlaif logprob ids.jsonl --model %s --threads 1 --quiet", model);
    need_status(&r, 0);
    char *text = mem_str(r.out);
    ran_free(&r);
    return text;
}

static void same_model(const char *a, const char *b)
{
    char *x = logprobs_with(a), *y = logprobs_with(b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

/* The small models of the families in the bench: FAMILY-small. */
static void make_families(void)
{
    for (int i = 0; i < FAMILIES; i++) {
        Err err = {0};
        char *folder = mem_printf("%s/%s-small", test_bench, listed_families[i].family);
        need_ok(dir_make(folder, &err), &err);
        put_family(&listed_families[i], folder, false, OUTER_NONE);
        free(folder);
    }
}

/* Written, read, and written again, by way of either format: the same bytes; and in f32 the same model, where GGUF rounds nothing:
 * of Gemma it has 1 + w, of longrope a factor in f32. */
static void reads_back(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "f16", "bf16", "q8_0", "q4_0"};
    put_text(test_bench, "ids.jsonl", "{\"ids\": [1, 40, 80, 200, 5, 6, 7, 8, 9, 290, 2]}\n");
    make_families();
    for (int i = 0; i < FAMILIES; i++) {
        char *model = mem_printf("%s-small", listed_families[i].family);
        bool rounds = strncmp(model, "gemma", 5) == 0 || strncmp(model, "phi3", 4) == 0;
        for (int t = 0; t < COUNT(types); t++) {
            const char *type = types[t];
            runs_with_status(test_bench, 0, "rlaif export %s -o a.gguf --format gguf --type %s", model, type);
            runs_with_status(test_bench, 0, "rlaif export a.gguf -o b.gguf --format gguf --type %s", type);
            runs_with_status(test_bench, 0, "cmp a.gguf b.gguf && ! ls *.tmp");
            if (t == 0 && !rounds)
                same_model(model, "a.gguf");
            if (t < 3) {
                runs_with_status(test_bench, 0, "rlaif export %s -o a --format hf --type %s", model, type);
                runs_with_status(test_bench, 0, "rlaif export a/ -o b/ --format hf --type %s", type);
                runs_with_status(test_bench, 0, "diff -r a b && cmp %s/tokenizer.json a/tokenizer.json", model);
            }
            if (t == 0) {
                runs_with_status(test_bench, 0, "rlaif export a -o c.gguf --format gguf && cmp a.gguf c.gguf");
                same_model(model, "a");
            }
            runs_with_status(test_bench, 0, "rm -rf a b *.gguf");
        }
        free(model);
    }
}

/* A matrix of a file is what its type makes of every row. */
static void same_rows(Matrix got, Matrix from, DType type)
{
    float *row = mem_alloc((size_t)from.cols, sizeof *row), *wanted = mem_alloc((size_t)from.cols, sizeof *wanted);
    unsigned char *stored = mem_alloc((size_t)from.cols, sizeof(float));
    for (int r = 0; r < from.rows; r++) {
        matrix_get_row(from, r, wanted);
        assert_true(dtype_from_f32(type, wanted, stored, (size_t)from.cols));
        dtype_to_f32(type, stored, wanted, (size_t)from.cols);
        matrix_get_row(got, r, row);
        same_bits("a row", row, wanted, (size_t)from.cols);
    }
    free(row);
    free(wanted);
    free(stored);
}

/* Matrices in the type where their rows are whole blocks, else in f16; vectors and positions as they are, but for Gemma's 1 + w. */
static void types_are_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        DType type;
    } types[] = {{"q8_0", DTYPE_Q8_0}, {"q4_0", DTYPE_Q4_0}, {"bf16", DTYPE_BF16}};
    make_families();
    Device *device = open_device(CPU_PLAIN, 1);
    for (int i = 0; i < FAMILIES * COUNT(types); i++) {
        const char *type_name = types[i % COUNT(types)].name;
        char *name = mem_printf("%s-small", listed_families[i / COUNT(types)].family);
        DType type = types[i % COUNT(types)].type;
        char *from = path_join(test_bench, name), *to = path_join(test_bench, "a.gguf");
        Err err = {0};
        Model *a, *b;
        runs_with_status(test_bench, 0, "rlaif export %s -o a.gguf --format gguf --type %s", name, type_name);
        need_ok(model_load(&a, from, device, 0, &err) && model_load(&b, to, device, 0, &err), &err);
        ParamList x = params_list(&a->w, &a->config), y = params_list(&b->w, &b->config);
        assert_int_equal(x.n, y.n);
        for (int k = 0; k < x.n; k++) {
            Matrix m = *x.param[k].matrix;
            bool blocks = m.cols % dtype_info(type)->block == 0, positions = x.param[k].matrix == &a->w.positions;
            if (x.param[k].dims == 2)
                same_rows(*y.param[k].matrix, m, positions ? DTYPE_F32 : blocks ? type : DTYPE_F16);
            else
                for (int r = 0; r < m.rows; r++)
                    close_to((double)y.param[k].matrix->at[r], (double)m.at[r], a->config.norm_plus_one ? 1e-7 : 0);
        }
        params_free(&x);
        params_free(&y);
        model_free(a);
        model_free(b);
        runs_with_status(test_bench, 0, "rm a.gguf");
        free(name);
        free(from);
        free(to);
    }
    device_free(device);
}

/* What has no form in the other format, or no place to go, is refused by name before anything is written. */
static void refusals(void **state)
{
    (void)state;
    static const Refusal cases[] = {
        {"export llama -o a.gguf --format gguf --type q5_0", 2, "q5_0", "q4_0", NULL, NULL},
        {"export llama -o a --format hf --type q8_0", 2, "--type q8_0", "bf16", NULL, NULL},
        {"export llama -o a --format hf --type q4_0", 2, "--type q4_0", "bf16", NULL, NULL},
        {"export llama -o a --format gguf", 2, "-o a", "name it so", NULL, NULL},
        {"export llama -o old.gguf --format gguf", 1, "old.gguf is there already", "new file", "old.gguf", "mine"},
        {"export llama -o llama --format hf", 1, "llama is there already", "new directory", NULL, NULL},
        {"export llama -o none/a.gguf --format gguf", 1, "none", NULL, NULL, NULL},
        {"export none -o a.gguf --format gguf", 1, "none", NULL, NULL, NULL},
        {"export p.jsonl -o a.gguf --format gguf", 1, "p.jsonl", NULL, NULL, NULL},
        {"export wordless -o a.gguf --format gguf", 1, "tokenizer.json", NULL, NULL, NULL},
        {"export wordless -o a --format hf", 1, "tokenizer.json", NULL, NULL, NULL},
        {"export reward -o a.gguf --format gguf", 1, "a reward head has no place", "--format hf", NULL, NULL},
        {"export greedy -o a.gguf --format gguf", 1, "<|end|>", "--format hf", NULL, NULL},
        {"export cutter -o a.gguf --format gguf", 1, "pre-tokenizer", "--format hf", NULL, NULL},
        {"export scaled -o a.gguf --format gguf", 1, "factor on attention scores (query_pre_attn_scalar) has no place",
         "--format hf", NULL, NULL},
    };
    static const char copy[] = "mkdir %s && cp %s/* %s && cd %s && %s";
    const char *const made[][3] = {
        {"wordless", "llama", "rm tokenizer.json"},
        {"scaled", "gemma", "true"},
        {"reward", "llama", "sed -i 's/ForCausalLM/ForSequenceClassification/; s/{/{\"num_labels\": 1,/' config.json"},
        {"greedy", "llama", "sed -i '/\"<|end|>\"/,/rstrip/ s/\"rstrip\": false/\"rstrip\": true/' tokenizer.json"},
        {"cutter", "llama",
         "tr -d '\\n' < tokenizer.json | sed 's/\"pre_tokenizer\": *{/\"pre_tokenizer\": {\"type\": \"Sequence\", "
         "\"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"[aeiou]+\"}, \"behavior\": "
         "\"Isolated\", \"invert\": false}, {/; s/}, *\"post_processor\"/}]}, \"post_processor\"/' > t && mv t "
         "tokenizer.json"}};
    for (int i = 0; i < COUNT(made); i++)
        runs_with_status(test_bench, 0, copy, made[i][0], made[i][1], made[i][0], made[i][0], made[i][2]);
    need_refusals(test_bench, cases, COUNT(cases));
}

/* A family's small model, with a part that its GGUF files, or llama.cpp, have no key for: refused by that part. */
static void refused(const char *family, const char *part, ModelConfig c, void (*change)(ModelConfig *c))
{
    Err err = {0};
    need_ok(gguf_can_say(&c, &err), &err);
    change(&c);
    if (gguf_can_say(&c, &err))
        fail_msg("%s: %s is not refused", family, part);
    assert_non_null(strstr(err.msg, part));
    assert_non_null(strstr(err.hint, "--format hf"));
}

static ModelConfig config_of(const char *family)
{
    Err err = {0};
    ModelConfig c;
    int i = 0;
    while (strcmp(listed_families[i].family, family) != 0)
        i++;
    char *text = mem_printf("{\"model_type\": \"%s\", %s}", family, listed_families[i].config);
    json_t *json = json_loads(text, 0, NULL);
    need_ok(config_from_json(&c, json, family, &err), &err);
    json_decref(json);
    free(text);
    return c;
}

#define CHANGE(name, ...)                                                                                              \
    static void name(ModelConfig *c)                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
CHANGE(scaled, c->attn_scale *= 1.5f)
CHANGE(uncapped, c->attn_cap = 0)
CHANGE(uncapped_logits, c->logit_cap = 0)
CHANGE(capped, c->attn_cap = 50)
CHANGE(half_turned, c->rotary_dim = 4)
CHANGE(yarn_bounds, c->rope = ((Rope){.theta = 1e4,
                                      .scaling = ROPE_YARN,
                                      .factor = 4,
                                      .low_freq = 1,
                                      .high_freq = 16,
                                      .original_context = 32,
                                      .attention = 1}))
CHANGE(llama3_short,
       c->rope = ((Rope){
           .theta = 1e4, .scaling = ROPE_LLAMA3, .factor = 8, .low_freq = 1, .high_freq = 4, .original_context = 8192}))
CHANGE(local_scaled, c->rope_local = ((Rope){.theta = 1e4, .scaling = ROPE_LINEAR, .factor = 4}))
CHANGE(biased, c->qkv_bias = c->o_bias = true)
CHANGE(unbiased, c->qkv_bias = c->o_bias = false)
CHANGE(tied, c->tied = true)
CHANGE(untied, c->tied = false)
CHANGE(wide_heads, c->head_dim += 2; c->attn_scale = (float)(1 / sqrt((double)c->head_dim)))
CHANGE(other_activation, c->activation = ACT_GELU)

static void what_gguf_cannot_say(void **state)
{
    (void)state;
    static const struct {
        const char *family, *part;
        void (*change)(ModelConfig *c);
    } cases[] = {{"gemma2", "query_pre_attn_scalar", scaled},
                 {"qwen3", "factor on attention scores", scaled},
                 {"gemma2", "the absence of a soft cap", uncapped},
                 {"gemma2", "the absence of a soft cap", uncapped_logits},
                 {"gemma3_text", "a soft cap of attention", capped},
                 {"llama", "a rotation of a part", half_turned},
                 {"mistral", "a rotation of a part", half_turned},
                 {"qwen2", "its rotary scaling", yarn_bounds},
                 {"llama", "its rotary scaling", llama3_short},
                 {"gemma3_text", "the local layers' rotation", local_scaled},
                 {"qwen3", "biases of attention", biased},
                 {"gemma3_text", "biases of attention", biased},
                 {"gpt_neox", "attention without biases", unbiased},
                 {"gpt_neox", "a head that is the embedding", tied},
                 {"gemma2", "a head that is not the embedding", untied},
                 {"qwen2", "as wide as the model", wide_heads},
                 {"phi3", "as wide as the model", wide_heads},
                 {"gpt2", "its activation", other_activation}};
    for (int i = 0; i < COUNT(cases); i++)
        refused(cases[i].family, cases[i].part, config_of(cases[i].family), cases[i].change);
}

/* Killed or out of disk at any of its calls: nothing under the final name, or all of it; and the same command goes well then. */
static void whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *line, *whole;
    } cases[] = {{"rlaif export llama -o out.gguf --format gguf --threads 1", "cmp out.gguf whole.gguf"},
                 {"rlaif export llama -o out --format hf --threads 1", "diff -r out whole"}};
    runs_with_status(test_bench, 0,
                     "rlaif export llama -o whole.gguf --format gguf && rlaif export llama -o whole --format hf");
    for (int i = 0; i < COUNT(cases); i++) {
        Ran r = run_with_fault(test_bench, (Fault){0}, cases[i].line);
        need_status(&r, 0);
        int changes = r.changes;
        ran_free(&r);
        assert_true(changes > 3);
        for (int at = 1; at <= changes; at++) {
            runs_with_status(test_bench, 0, "rm -rf out out.gguf");
            r = run_with_fault(test_bench, (Fault){.at = at, .signal = at % 2 ? SIGKILL : 0, .full = at % 2 == 0},
                               cases[i].line);
            if (at % 2 == 0 && r.status != 0)
                assert_true(is_message(&r, 1, "out", "free some space"));
            ran_free(&r);
            runs_with_status(test_bench, 0, "[ ! -e out -a ! -e out.gguf ] || %s", cases[i].whole);
        }
        runs_with_status(test_bench, 0, "rm -rf out out.gguf && %s && %s && ! ls -d *.tmp *.lock", cases[i].line,
                         cases[i].whole);
    }
}

/* The tokenizer of a fixture, without one of its added tokens. */
static Tokenizer *open_fixture(const char *name, const char *without)
{
    Err err = {0};
    Tokenizer *t;
    json_t *fixture;
    char *path = mem_printf("tests/fixtures/tokenizers/%s.json", name);
    need_ok(json_read_file(path, &fixture, &err), &err);
    json_t *root = json_object_get(fixture, "tokenizer"), *added = json_object_get(root, "added_tokens");
    for (size_t i = json_array_size(added); i-- > 0 && without;)
        if (strcmp(json_text_of(json_array_get(added, i), "content"), without) == 0)
            json_array_remove(added, i);
    char *text = json_dumps(root, 0);
    put_text(test_folder, "tokenizer.json", text);
    need_ok(tokenizer_open(&t, test_folder, &err), &err);
    free(text);
    free(path);
    json_decref(fixture);
    return t;
}

/* Of the tokenizer.json files that are known, those that GGUF has words for give the same ids when they are read from them. */
static void tokenizers_as_gguf(void **state)
{
    (void)state;
    static const struct {
        const char *file, *without, *pre; /* pre NULL: it has no form; "": one without a pre-tokenizer */
    } cases[] = {{"llama3", NULL, "llama-bpe"}, {"gemma", NULL, ""},        {"llama2", "qq", ""},
                 {"digits", NULL, "smollm"},    {"llama2", NULL, NULL}, /* "qq" is looked for behind the blank */
                 {"prefixed", NULL, NULL},      {"characters", NULL, NULL}, {"metaspace_first", NULL, NULL},
                 {"unigram", NULL, NULL}, /* "foo" becomes "pho", and longest texts come first in GGUF */
                 {"unigram_bytes", NULL, NULL}};
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        Tokenizer *t = open_fixture(cases[i].file, cases[i].without);
        TokenizerDescription d;
        bool ok = tokenizer_describe(&d, t, tokenizer_size(t) + 3, &err);
        if (ok != (cases[i].pre != NULL))
            fail_msg("%s: %s", cases[i].file, ok ? "it was described" : err.msg);
        if (strcmp(cases[i].file, "unigram_bytes") == 0)
            assert_non_null(strstr(err.msg, "writes unknown characters as bytes"));
        if (ok && cases[i].pre[0])
            assert_string_equal(d.spec.pre, cases[i].pre);
        if (ok) {
            assert_int_equal(d.spec.n, tokenizer_size(t) + 3);
            assert_int_equal(d.spec.types[d.spec.n - 1], TOKEN_UNUSED);
            tokenizer_description_release(&d);
        }
        tokenizer_free(t);
    }
}

/* A map by which white space is blanks, as a double array (charsmap.h). */
static char *map_of_blanks(void)
{
    enum { UNITS = 512, ROOT = 256, LEAF = 128 };
    static const unsigned char blanks[] = "\t\n\r";
    uint32_t unit[UNITS] = {ROOT << 10}, length = sizeof unit;
    unsigned char bytes[4 + sizeof unit + 4] = {0};
    for (int i = 0; blanks[i]; i++) {
        unit[ROOT ^ blanks[i]] = LEAF << 10 | 1u << 8 | blanks[i];
        unit[ROOT ^ blanks[i] ^ LEAF] = 1u << 31;
    }
    memcpy(bytes, &length, 4);
    memcpy(bytes + 4, unit, sizeof unit);
    bytes[4 + sizeof unit] = ' ';
    return charsmap_base64(bytes, sizeof bytes);
}

/* A directory of the bench: tiny-llama with a fixture's tokenizer; of a unigram model with that map, and scores that f32 has. */
static void put_tokenizer(const char *dir, const char *fixture_path)
{
    Err err = {0};
    json_t *fixture, *entry;
    size_t i;
    need_ok(json_read_file(fixture_path, &fixture, &err), &err);
    json_t *root = json_object_get(fixture, "tokenizer"),
           *steps = json_object_get(json_object_get(root, "normalizer"), "normalizers");
    char *map = map_of_blanks();
    if (steps)
        json_object_set_new(json_array_get(steps, 0), "precompiled_charsmap", json_string(map));
    json_array_foreach(json_object_get(json_object_get(root, "model"), "vocab"), i, entry)
        json_array_set_new(entry, 1, json_real((float)json_number_value(json_array_get(entry, 1))));
    free(map);
    char *text = json_dumps(root, 0), *path = mem_printf("%s/tokenizer.json", dir);
    runs_with_status(test_bench, 0, "rm -rf %s && cp -rL llama %s && rm -f %s", dir, dir, path);
    put_text(test_bench, path, text);
    free(path);
    free(text);
    json_decref(fixture);
}

/* A unigram model's texts have the same ids by way of GGUF, and of what is made of that, which is the same file again. */
static void unigram_models(void **state)
{
    (void)state;
    put_text(test_bench, "ids.jsonl", "{\"ids\": [1, 40, 80, 200, 5, 6, 7, 8, 9, 290, 2]}\n");
    put_text(test_bench, "texts.jsonl",
             "{\"text\": \"The storm came, and the sea was there.\"}\n{\"text\": \"  two  blanks\\tand\\n\\nlines \"}\n"
             "{\"text\": \"isn't <tag> it<tag>so\"}\n{\"text\": \"\"}\n{\"text\": \" \"}\n"
             "{\"text\": \"\\uff41\\uff54 \\u00bd \\u4f60\\u597d \\ud83d\\ude80\\ud83d\\ude80 x\"}\n"
             "{\"text\": \"[PAD200] <|end|>\"}\n");
    put_tokenizer("uni", "tests/fixtures/tokenizers/unigram.json");
    runs_with_status(test_bench, 0,
                     "rlaif export uni -o a.gguf --format gguf && rlaif export a.gguf -o b --format hf && "
                     "rlaif export b -o c.gguf --format gguf && cmp a.gguf c.gguf && "
                     "rlaif export a.gguf -o d.gguf --format gguf && cmp a.gguf d.gguf && "
                     "rlaif export uni -o e --format hf && cmp uni/tokenizer.json e/tokenizer.json");
    same_model("uni", "a.gguf");
    runs_with_status(test_bench, 0,
                     "for m in uni a.gguf b; do for s in '' --special; do "
                     "rlaif tokenize texts.jsonl --model $m $s -o $m$s.ids --quiet || exit 1; done; done; "
                     "cmp uni.ids a.gguf.ids && cmp uni.ids b.ids && cmp uni--special.ids a.gguf--special.ids && "
                     "cmp uni--special.ids b--special.ids && ! cmp -s uni.ids uni--special.ids");
    /* and without what this program wrote beside, which others do not read */
    runs_with_status(
        test_bench, 0,
        "rm b/tokenizer.rlaif.json && rlaif tokenize texts.jsonl --model b --special -o alone.ids --quiet && "
        "cmp uni--special.ids alone.ids");
    runs_with_status(
        test_bench, 0,
        "cp -r uni none && sed 's/\"unk_id\": 0/\"unk_id\": null/' uni/tokenizer.json > none/tokenizer.json");
    static const Refusal list[] = {
        {"export none -o x.gguf --format gguf", 1, "without a token for unknown characters", "--format hf", NULL, NULL},
    };
    need_refusals(test_bench, list, COUNT(list));
}

/* --- adapters --- */

/* The printed log-probabilities of two models, to rounding. */
static void close_models(const char *a, const char *b)
{
    char *x = logprobs_with(a), *y = logprobs_with(b);
    json_t *p = json_loads(x, 0, NULL), *q = json_loads(y, 0, NULL);
    const json_t *logp = json_object_get(p, "logp"), *other = json_object_get(q, "logp");
    assert_true(json_array_size(logp) > 5 && json_array_size(logp) == json_array_size(other));
    for (size_t i = 0; i < json_array_size(logp); i++)
        assert_true(fabs(json_number_value(json_array_get(logp, i)) - json_number_value(json_array_get(other, i))) <
                    1e-5);
    json_decref(p), json_decref(q);
    free(x), free(y);
}

/* B with its factor; q's rows turned as those of its W. */
static void check_gguf_adapter(const char *path, const Model *m)
{
    Err err = {0};
    Gguf *g;
    double alpha;
    const char *kind;
    need_ok(gguf_open(&g, path, &err), &err);
    assert_true(gguf_number(g, "adapter.lora.alpha", &alpha) && alpha == 0);
    assert_true(gguf_text(g, "general.type", &kind) && strcmp(kind, "adapter") == 0);
    const StoredTensor *a = gguf_find(g, "blk.1.attn_v.weight.lora_a"), *b = gguf_find(g, "blk.1.attn_v.weight.lora_b");
    const Linear *v = &m->w.layer[1].v;
    assert_true(a && b && gguf_find(g, "blk.0.ffn_down.weight.lora_b") && !gguf_find(g, "score.weight"));
    assert_true(a->shape[0] == 4 && a->shape[1] == (size_t)v->a.cols && b->shape[0] == (size_t)v->b.rows);
    float *row = mem_alloc((size_t)v->a.cols, sizeof *row);
    matrix_get_row(v->a, 2, row);
    assert_memory_equal(row, a->bytes + 2 * a->shape[1] * sizeof(float), a->shape[1] * sizeof(float));
    matrix_get_row(v->b, 3, row);
    for (int r = 0; r < 4; r++)
        row[r] *= v->scale;
    assert_memory_equal(row, b->bytes + (size_t)3 * 4 * sizeof(float), 4 * sizeof(float));
    free(row);
    gguf_free(g);
}

/* Alone, for PEFT and for llama.cpp, and merged; on a model that it does not name. */
static void adapters(void **state)
{
    (void)state;
    Err err = {0};
    Model *m;
    Device *d = open_device(CPU_PLAIN, 1);
    put_text(test_bench, "ids.jsonl", "{\"ids\": [1, 40, 80, 200, 5, 6, 7, 8, 9, 290, 2]}\n");
    runs_with_status(test_bench, 0,
                     "rlaif sft demos.jsonl --model llama --lora 4 --rslora --lr 1e-2 --batch 1 -o adapter");
    runs_with_status(test_bench, 0,
                     "rlaif export adapter -o b --format peft && diff -x metrics.jsonl -x '*.tfevents*' -x "
                     "timing* -x options.yaml adapter b");
    runs_with_status(test_bench, 0, "rlaif export adapter -o c --format hf && rlaif export adapter -o c.gguf");
    close_models("adapter", "c");
    close_models("adapter", "c.gguf");
    same_model("adapter", "b");
    runs_with_status(test_bench, 0, "rlaif export adapter -o a.gguf --format gguf-adapter");
    char *path = path_join(test_bench, "a.gguf"), *bench = path_join(test_bench, "adapter"),
         *base = path_join(test_bench, "llama");
    adapter_set_base(base);
    need_ok(model_load(&m, bench, d, 0, &err), &err);
    adapter_set_base(NULL);
    check_gguf_adapter(path, m);
    model_free(m);
    device_free(d);
    free(path), free(bench), free(base);
    runs_with_status(test_bench, 0,
                     "rm b/rlaif.json && sed -i 's/\"llama\"/\"someone\\/llama\"/' b/adapter_config.json");
    static const Refusal list[] = {
        {"logprob ids.jsonl --model b", 1, "it adapts someone/llama, which is no file or directory here", "--base",
         NULL, NULL},
        {"export llama -o d --format peft", 1, "llama is no adapter", "--lora", NULL, NULL},
        {"export adapter -o d --format peft --type f16", 2, "adapters are written in f32", "merged", NULL, NULL},
        {"sft demos.jsonl --model adapter --lora 4 -o d", 1, "adapter is an adapter already", "export", NULL, NULL},
        {"sft demos.jsonl --model llama --lora 999 -o d", 1, "rank 999", "8 and 16", NULL, NULL},
        {"sft demos.jsonl --model llama --lora 4 --lora-targets q_prj -o d", 1, "no linear layer q_prj", "q_proj", NULL,
         NULL},
    };
    need_refusals(test_bench, list, COUNT(list));
    runs_with_status(test_bench, 0, "rlaif export b -o e --format peft --base llama");
    same_model("adapter", "e");
}

/* --base is where the model lies that an adapter of PEFT's names as a hub does, and where one was moved to that we trained on, if
 * it is still the same. */
static void bases_elsewhere(void **state)
{
    (void)state;
    put_text(test_bench, "ids.jsonl", "{\"ids\": [1, 40, 80, 200, 5, 6, 7, 8, 9, 290, 2]}\n");
    put_text(test_bench, "texts.jsonl", "{\"text\": \"A storm.\"}\n");
    runs_with_status(
        test_bench, 0,
        "rlaif reward human.jsonl --model llama --lora 4 --lr 1e-2 --batch 2 -o reward && "
        "rlaif sft demos.jsonl --model llama --lora 4 --lr 1e-2 --batch 1 -o adapter && cp -r adapter hub && "
        "rm hub/rlaif.json && sed -i 's/\"llama\"/\"someone\\/llama\"/' hub/adapter_config.json && "
        "rlaif logprob ids.jsonl --model adapter -o named.jsonl && cp -rL llama moved && cp -rL llama other && "
        "sed -i 's/\"bos_token_id\": 1/\"bos_token_id\": 2/' other/config.json && ! cmp -s llama/config.json other/config.json");
    runs_with_status(test_bench, 0,
                     "rlaif logprob ids.jsonl --model hub --base llama -o hub.jsonl && cmp named.jsonl hub.jsonl");
    runs_with_status(test_bench, 0, "rlaif tokenize texts.jsonl --model hub --base llama -o ids.out");
    runs_with_status(test_bench, 0, "rlaif inspect hub --base llama");
    runs_with_status(test_bench, 0, "rlaif inspect hub --base llama --plan rl --reward reward --prompt-tokens 40");
    runs_with_status(test_bench, 0,
                     "rlaif rl p.jsonl --model llama --reference hub --base llama --reward reward --steps 1 --batch 2 "
                     "--max-new-tokens 4 -o policy");
    runs_with_status(test_bench, 0, "rm llama");
    runs_with_status(test_bench, 0,
                     "rlaif logprob ids.jsonl --model adapter --base moved -o m.jsonl && cmp named.jsonl m.jsonl");
    static const Refusal list[] = {
        {"logprob ids.jsonl --model adapter", 1, "it adapts llama, which is no file or directory here", "--base", NULL,
         NULL},
        {"logprob ids.jsonl --model adapter --base other", 1, "adapter adapts another model than other is now",
         "its hash is", NULL, NULL},
        {"logprob ids.jsonl --model hub --base nowhere", 1, "--base nowhere is no file or directory",
         "hub adapts someone/llama", NULL, NULL},
        {"tokenize texts.jsonl --model hub --base adapter -o d", 1, "it adapts adapter, which is an adapter itself",
         "merges", NULL, NULL},
    };
    need_refusals(test_bench, list, COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(reads_back),
        IN_BENCH(types_are_what_they_say),
        IN_BENCH(refusals),
        IN_BENCH(adapters),
        IN_BENCH(bases_elsewhere),
        IN_BENCH(whole_or_not_at_all),
        IN_FOLDER(tokenizers_as_gguf),
        IN_BENCH(unigram_models),
        cmocka_unit_test(what_gguf_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
