/* Every family from its files: names, shapes and orders of tensors as transformers and llama.cpp have them, written down here
 * once more; small models as directories, in shards and as GGUF, and those of PyTorch's beside the project turned into GGUF. */
#include "gguf_build.h"
#include "golden.h"
#include "model/file/safetensors.h"
#include "tensor/cpu.h"

/* --- the tensors of each family ---------------------------------------------------------------------------------- */

enum { LAYERS = 2, C = 24, H = 4, K = 2, D = 6, F = 40, V = 293, POSITIONS = 64 };

/* What a GGUF file does to a tensor of transformers'. */
typedef enum Change { SAME, TURNED, PLUS_ONE, PAIRS, HEADS } Change;

typedef struct Row {
    const char *hf, *gguf; /* %d: the layer */
    int rows, cols;        /* cols 0: a vector */
    Change change;
} Row;

typedef struct Listed {
    const char *family, *config;
    Row row[24];
    const char *hash;
} Listed;

#define SIZES                                                                                                          \
    "\"num_hidden_layers\": 2, \"hidden_size\": 24, \"num_attention_heads\": 4, \"intermediate_size\": 40, "           \
    "\"vocab_size\": 293, \"max_position_embeddings\": 64, \"bos_token_id\": 1, \"eos_token_id\": 2"
#define GROUPED SIZES ", \"num_key_value_heads\": 2, \"head_dim\": 6"

#define L "model.layers.%d."
#define B "blk.%d."
#define TOP                                                                                                            \
    {"model.embed_tokens.weight", "token_embd.weight", V, C, SAME},                                                    \
    {                                                                                                                  \
        "model.norm.weight", "output_norm.weight", C, 0, SAME                                                          \
    }
#define UNTIED                                                                                                         \
    {                                                                                                                  \
        "lm_head.weight", "output.weight", V, C, SAME                                                                  \
    }
#define USUAL(turn)                                                                                                    \
    {L "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},                                                    \
        {L "self_attn.q_proj.weight", B "attn_q.weight", H * D, C, turn},                                              \
        {L "self_attn.k_proj.weight", B "attn_k.weight", K * D, C, turn},                                              \
        {L "self_attn.v_proj.weight", B "attn_v.weight", K * D, C, SAME},                                              \
        {L "self_attn.o_proj.weight", B "attn_output.weight", C, H * D, SAME},                                         \
        {L "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},                                        \
        {L "mlp.gate_proj.weight", B "ffn_gate.weight", F, C, SAME},                                                   \
        {L "mlp.up_proj.weight", B "ffn_up.weight", F, C, SAME},                                                       \
    {                                                                                                                  \
        L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME                                                      \
    }
#define GEMMA                                                                                                          \
    {"model.embed_tokens.weight", "token_embd.weight", V, C, SAME},                                                    \
        {"model.norm.weight", "output_norm.weight", C, 0, PLUS_ONE},                                                   \
        {L "input_layernorm.weight", B "attn_norm.weight", C, 0, PLUS_ONE},                                            \
        {L "self_attn.q_proj.weight", B "attn_q.weight", H * D, C, SAME},                                              \
        {L "self_attn.k_proj.weight", B "attn_k.weight", K * D, C, SAME},                                              \
        {L "self_attn.v_proj.weight", B "attn_v.weight", K * D, C, SAME},                                              \
        {L "self_attn.o_proj.weight", B "attn_output.weight", C, H * D, SAME},                                         \
        {L "post_attention_layernorm.weight", B "post_attention_norm.weight", C, 0, PLUS_ONE},                         \
        {L "pre_feedforward_layernorm.weight", B "ffn_norm.weight", C, 0, PLUS_ONE},                                   \
        {L "mlp.gate_proj.weight", B "ffn_gate.weight", F, C, SAME},                                                   \
        {L "mlp.up_proj.weight", B "ffn_up.weight", F, C, SAME},                                                       \
        {L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME},                                                   \
    {                                                                                                                  \
        L "post_feedforward_layernorm.weight", B "post_ffw_norm.weight", C, 0, PLUS_ONE                                \
    }

static const Listed listed[] = {
    {"llama",
     GROUPED ", \"attention_bias\": true, \"mlp_bias\": true",
     {TOP,
      USUAL(PAIRS),
      UNTIED,
      {L "self_attn.q_proj.bias", B "attn_q.bias", H *D, 0, PAIRS},
      {L "self_attn.k_proj.bias", B "attn_k.bias", K *D, 0, PAIRS},
      {L "self_attn.v_proj.bias", B "attn_v.bias", K *D, 0, SAME},
      {L "self_attn.o_proj.bias", B "attn_output.bias", C, 0, SAME},
      {L "mlp.gate_proj.bias", B "ffn_gate.bias", F, 0, SAME},
      {L "mlp.up_proj.bias", B "ffn_up.bias", F, 0, SAME},
      {L "mlp.down_proj.bias", B "ffn_down.bias", C, 0, SAME}},
     "35e3674b4aea296beb5563e94d673ac659e9c87e1fdb48556c15dd0530989e55"},
    {"mistral",
     GROUPED ", \"sliding_window\": 9",
     {TOP, USUAL(PAIRS), UNTIED},
     "e01c1328aa2254439f2199587042b1836955f5b900925a4dc0fc73dadc6cb03d"},
    {"qwen2",
     GROUPED ", \"tie_word_embeddings\": true",
     {TOP,
      USUAL(SAME),
      {L "self_attn.q_proj.bias", B "attn_q.bias", H *D, 0, SAME},
      {L "self_attn.k_proj.bias", B "attn_k.bias", K *D, 0, SAME},
      {L "self_attn.v_proj.bias", B "attn_v.bias", K *D, 0, SAME}},
     "bd34b45fc145aaadcceedc371fa77660e63b52a7369bc2292f2200e204d3e931"},
    {"qwen3",
     GROUPED,
     {TOP,
      USUAL(SAME),
      UNTIED,
      {L "self_attn.q_norm.weight", B "attn_q_norm.weight", D, 0, SAME},
      {L "self_attn.k_norm.weight", B "attn_k_norm.weight", D, 0, SAME}},
     "e2ba1f1bf18f02d2607be8a5c93f1bb82d973bf159abb06cbfdd709949e89bca"},
    {"gemma2",
     GROUPED ", \"sliding_window\": 9, \"query_pre_attn_scalar\": 6",
     {GEMMA},
     "e10a47613ce519cab45c40e7f3e6d136ee082db11ade7782a605a01e006f1f76"},
    {"gemma3_text",
     GROUPED ", \"sliding_window\": 9, \"query_pre_attn_scalar\": 6, \"sliding_window_pattern\": 2",
     {GEMMA,
      {L "self_attn.q_norm.weight", B "attn_q_norm.weight", D, 0, PLUS_ONE},
      {L "self_attn.k_norm.weight", B "attn_k_norm.weight", D, 0, PLUS_ONE}},
     "59bf7fd1931336920e25870b85bc06da9791a72323f2dbbbc4769467ea5d9c4a"},
    {"phi3",
     GROUPED
     ", \"original_max_position_embeddings\": 32, \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1.5, 2], "
     "\"long_factor\": [1, 2, 4]}",
     {TOP,
      UNTIED,
      {L "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},
      {L "self_attn.qkv_proj.weight", B "attn_qkv.weight", (H + 2 * K) * D, C, SAME},
      {L "self_attn.o_proj.weight", B "attn_output.weight", C, H *D, SAME},
      {L "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},
      {L "mlp.gate_up_proj.weight", B "ffn_up.weight", 2 * F, C, SAME},
      {L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME}},
     "ece746733d88c5be00bf4b8a991a03c3532f6646ed65bec040fbe6f55bfa9c7a"},
    {"gpt2",
     "\"n_layer\": 2, \"n_embd\": 24, \"n_head\": 4, \"n_inner\": 40, \"vocab_size\": 293, \"n_positions\": 64, "
     "\"bos_token_id\": 1, \"eos_token_id\": 2",
     {{"transformer.wte.weight", "token_embd.weight", V, C, SAME},
      {"transformer.wpe.weight", "position_embd.weight", POSITIONS, C, SAME},
      {"transformer.ln_f.weight", "output_norm.weight", C, 0, SAME},
      {"transformer.ln_f.bias", "output_norm.bias", C, 0, SAME},
#define G "transformer.h.%d."
      {G "ln_1.weight", B "attn_norm.weight", C, 0, SAME},
      {G "ln_1.bias", B "attn_norm.bias", C, 0, SAME},
      {G "ln_2.weight", B "ffn_norm.weight", C, 0, SAME},
      {G "ln_2.bias", B "ffn_norm.bias", C, 0, SAME},
      {G "attn.c_attn.weight", B "attn_qkv.weight", C, 3 * C, TURNED},
      {G "attn.c_attn.bias", B "attn_qkv.bias", 3 * C, 0, SAME},
      {G "attn.c_proj.weight", B "attn_output.weight", C, C, TURNED},
      {G "attn.c_proj.bias", B "attn_output.bias", C, 0, SAME},
      {G "mlp.c_fc.weight", B "ffn_up.weight", C, F, TURNED},
      {G "mlp.c_fc.bias", B "ffn_up.bias", F, 0, SAME},
      {G "mlp.c_proj.weight", B "ffn_down.weight", F, C, TURNED},
      {G "mlp.c_proj.bias", B "ffn_down.bias", C, 0, SAME}},
     "b6998a94cf5b5d41fd833a445dfa80baa6cd5ffc851d78eaece55c521fc3b324"},
    {"gpt_neox",
     SIZES ", \"rotary_pct\": 0.67",
#define N "gpt_neox.layers.%d."
     {{"gpt_neox.embed_in.weight", "token_embd.weight", V, C, SAME},
      {"embed_out.weight", "output.weight", V, C, SAME},
      {"gpt_neox.final_layer_norm.weight", "output_norm.weight", C, 0, SAME},
      {"gpt_neox.final_layer_norm.bias", "output_norm.bias", C, 0, SAME},
      {N "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},
      {N "input_layernorm.bias", B "attn_norm.bias", C, 0, SAME},
      {N "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},
      {N "post_attention_layernorm.bias", B "ffn_norm.bias", C, 0, SAME},
      {N "attention.query_key_value.weight", B "attn_qkv.weight", 3 * C, C, HEADS},
      {N "attention.query_key_value.bias", B "attn_qkv.bias", 3 * C, 0, HEADS},
      {N "attention.dense.weight", B "attn_output.weight", C, C, SAME},
      {N "attention.dense.bias", B "attn_output.bias", C, 0, SAME},
      {N "mlp.dense_h_to_4h.weight", B "ffn_up.weight", F, C, SAME},
      {N "mlp.dense_h_to_4h.bias", B "ffn_up.bias", F, 0, SAME},
      {N "mlp.dense_4h_to_h.weight", B "ffn_down.weight", C, F, SAME},
      {N "mlp.dense_4h_to_h.bias", B "ffn_down.bias", C, 0, SAME}},
     "82fc97ec2989605057d7356346b6a0d4d402df47f5f11c4d43646c9fe4914480"},
};

/* --- a directory -------------------------------------------------------------------------------------------------- */

/* A tensor of a layer, or of none, by its row; false behind the last. */
static bool nth(const Listed *f, int i, const Row **row, int *layer)
{
    for (int r = 0; r < COUNT(f->row) && f->row[r].hf; r++) {
        int n = strstr(f->row[r].hf, "%d") ? LAYERS : 1;
        *row = &f->row[r];
        *layer = i;
        if (i < n)
            return true;
        i -= n;
    }
    return false;
}

static char *named(const char *pattern, int layer)
{
    const char *at = strstr(pattern, "%d");
    return at ? mem_printf("%.*s%d%s", (int)(at - pattern), pattern, layer, at + 2) : mem_str(pattern);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    Err err = {0};
    char *path = path_join(folder, name);
    need_ok(file_write(path, text, strlen(text), &err), &err);
    free(path);
}

/* How a model of images and texts names the tensors of its texts. */
typedef enum Outer { OUTER_NONE, OUTER_OLDER, OUTER_NEWER } Outer;

static char *outer_name(const char *pattern, int layer, Outer outer)
{
    char *name = named(pattern, layer), *whole;
    if (outer == OUTER_OLDER)
        whole = mem_printf("language_model.%s", name);
    else
        whole = outer ? mem_printf("model.language_model.%s", name + strlen("model.")) : mem_str(name);
    free(name);
    return whole;
}

/* Every other tensor from `first` on into one file, of numbers that its place in the table gives. */
static void put_tensors(const Listed *f, const char *path, int first, int step, Outer outer, json_t *index)
{
    Err err = {0};
    SafetensorsWriter *w;
    const Row *row;
    int layer;
    need_ok(safetensors_create(&w, path, DTYPE_F32, &err), &err);
    for (int pass = 0; pass < 2; pass++) {
        if (outer && pass == 0)
            safetensors_declare(w, outer == OUTER_OLDER ? "vision_tower.norm.weight" : "model.vision_tower.norm.weight",
                                (const size_t[]){3}, 1);
        else if (outer)
            need_ok(safetensors_values(w, (const float[]){1, 2, 3}, 3, &err), &err);
        for (int i = first; nth(f, i, &row, &layer); i += step) {
            char *name = outer_name(row->hf, layer, outer);
            size_t shape[2] = {(size_t)row->rows, (size_t)row->cols}, n = shape[0] * (row->cols ? shape[1] : 1);
            bool gain = !row->cols && strstr(name, ".weight") && row->change != PLUS_ONE;
            float *values = random_floats(n, (uint64_t)i, row->cols && row->rows != V ? 0.25 : 0.3);
            for (size_t k = 0; gain && k < n; k++)
                values[k] += 1;
            if (pass == 0)
                safetensors_declare(w, name, shape, row->cols ? 2 : 1);
            else
                need_ok(safetensors_values(w, values, n, &err), &err);
            json_object_set_new(index, name, json_string(path_base(path)));
            free(values);
            free(name);
        }
    }
    need_ok(safetensors_close(w, &err), &err);
}

static void put_model(const Listed *f, const char *folder, bool shards, Outer outer)
{
    static const char *const tokenizer[] = {"tokenizer.json", "tokenizer_config.json"};
    Err err = {0};
    json_t *index = json_object();
    for (int i = 0; i < 1 + shards; i++) {
        char *path = mem_printf("%s/model%s.safetensors", folder, !shards ? "" : i ? "-2-of-2" : "-1-of-2");
        put_tensors(f, path, i, 1 + shards, outer, index);
        free(path);
    }
    json_t *whole = json_pack("{s:o}", "weight_map", index);
    char *text = json_text(whole);
    const char *before = outer ? "\"model_type\": \"gemma3\", \"text_config\": {" : "", *behind = outer ? "}" : "";
    char *config = mem_printf("{%s\"model_type\": \"%s\", %s%s}", before, f->family, f->config, behind);
    if (shards)
        write_text(folder, "model.safetensors.index.json", text);
    write_text(folder, "config.json", config);
    for (int i = 0; i < COUNT(tokenizer); i++) {
        size_t n;
        char *from = path_join("tests/fixtures/tiny-llama", tokenizer[i]), *content;
        need_ok(file_read(from, 1 << 24, &content, &n, &err), &err);
        write_text(folder, tokenizer[i], content);
        free(content);
        free(from);
    }
    free(text);
    free(config);
    json_decref(whole);
}

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
    int *ids = random_ids(TOKENS, V, 4);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    char *dir = path_join(test_folder, "m"), *gguf = path_join(test_folder, "m.gguf"),
         *saved = path_join(test_folder, "s");
    char *sharded = path_join(test_folder, "shards");
    Err err = {0};
    need_ok(dir_make(dir, &err) && dir_make(sharded, &err), &err);
    put_model(f, dir, false, OUTER_NONE);
    put_model(f, sharded, true, OUTER_NONE);
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
    const Listed *f = listed;
    while (strcmp(f->family, "gemma3_text") != 0)
        f++;
    Err err = {0};
    char *plain = path_join(test_folder, "plain"), *whole = path_join(test_folder, "whole");
    char *tokenizer = path_join(whole, "tokenizer.json");
    need_ok(dir_make(plain, &err) && dir_make(whole, &err), &err);
    put_model(f, plain, false, OUTER_NONE);
    Device *d = open_device(CPU_AUTO, 2);
    Model *m = load(plain, d);
    for (Outer outer = OUTER_OLDER; outer <= OUTER_NEWER; outer++) {
        json_t *json;
        put_model(f, whole, false, outer);
        need_ok(json_read_file(tokenizer, &json, &err), &err);
        json_t *added = json_deep_copy(json_array_get(json_object_get(json, "added_tokens"), 0));
        json_object_set_new(added, "id", json_integer(V));
        json_object_set_new(added, "content", json_string("<image_soft_token>"));
        json_array_append_new(json_object_get(json, "added_tokens"), added);
        char *text = json_text(json);
        write_text(whole, "tokenizer.json", text);
        Model *other = load(whole, d);
        same_weights(m, other);
        assert_int_equal(tokenizer_size(other->tokenizer), V + 1);
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
    static struct CMUnitTest tests[2 * COUNT(listed) + 1];
    static char name[COUNT(tests)][60];
    for (int i = 0; i < 2 * COUNT(listed); i++) {
        const Listed *f = &listed[i / 2];
        snprintf(name[i], sizeof name[i], "%s, %s", f->family, i % 2 ? "PyTorch's as GGUF" : "small");
        tests[i] = (struct CMUnitTest){.name = name[i],
                                       .test_func = i % 2 ? golden_gguf : small_models,
                                       .setup_func = folder_begin,
                                       .teardown_func = folder_end,
                                       .initial_state = (void *)(uintptr_t)f};
    }
    tests[2 * COUNT(listed)] = (struct CMUnitTest)IN_FOLDER(official_gemma3);
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
