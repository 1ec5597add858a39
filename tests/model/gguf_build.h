/* Small GGUF files made in memory, right or wrong in one place. */
#ifndef TESTS_MODEL_GGUF_BUILD_H
#define TESTS_MODEL_GGUF_BUILD_H

#include "base/mem.h"
#include "base/str.h"
#include "model/gguf_config.h"

typedef struct Build {
    Str values, infos, data;
    uint64_t n_values, n_tensors;
    size_t alignment;                   /* 0: 32 */
    const char *skip;                   /* a key or tensor that is not added */
    const char *shorter;                /* a tensor whose first dimension is one less */
    uint32_t version;                   /* 0: 3 */
    uint64_t more_values, more_tensors; /* what the header's counts lie about */
} Build;

static inline void put_int(Str *s, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_addc(s, (char)(v >> 8 * i));
}

static inline void put_string(Str *s, const char *text)
{
    put_int(s, strlen(text), 8);
    str_add(s, text);
}

static inline bool begin_value(Build *b, const char *key, GgufType type)
{
    if (b->skip && strcmp(b->skip, key) == 0)
        return false;
    put_string(&b->values, key);
    put_int(&b->values, type, 4);
    b->n_values++;
    return true;
}

static inline void add_u32(Build *b, const char *key, uint32_t v)
{
    if (begin_value(b, key, GGUF_U32))
        put_int(&b->values, v, 4);
}

static inline void add_f32(Build *b, const char *key, float v)
{
    if (begin_value(b, key, GGUF_F32))
        str_addn(&b->values, (const char *)&v, sizeof v);
}

static inline void add_bool(Build *b, const char *key, bool v)
{
    if (begin_value(b, key, GGUF_BOOL))
        put_int(&b->values, v, 1);
}

static inline void add_text(Build *b, const char *key, const char *v)
{
    if (begin_value(b, key, GGUF_TEXT))
        put_string(&b->values, v);
}

/* An array of numbers of four bytes, or of booleans of one. */
static inline void add_array(Build *b, const char *key, GgufType item, const void *items, int n)
{
    if (!begin_value(b, key, GGUF_ARRAY))
        return;
    put_int(&b->values, item, 4);
    put_int(&b->values, (uint64_t)n, 8);
    str_addn(&b->values, items, (size_t)n * (item == GGUF_BOOL ? 1 : 4));
}

static inline void add_texts(Build *b, const char *key, const char *const *items, int n)
{
    if (!begin_value(b, key, GGUF_ARRAY))
        return;
    put_int(&b->values, GGUF_TEXT, 4);
    put_int(&b->values, (uint64_t)n, 8);
    for (int i = 0; i < n; i++)
        put_string(&b->values, items[i]);
}

static inline size_t build_alignment(const Build *b)
{
    return b->alignment ? b->alignment : 32;
}

/* A tensor's description, its sizes outermost first as everywhere but in the file. */
static inline void add_info(Build *b, const char *name, uint32_t type, const uint64_t *shape, int dims, uint64_t offset)
{
    put_string(&b->infos, name);
    put_int(&b->infos, (uint64_t)dims, 4);
    for (int i = dims - 1; i >= 0; i--)
        put_int(&b->infos, shape[i], 8);
    put_int(&b->infos, type, 4);
    put_int(&b->infos, offset, 8);
    b->n_tensors++;
}

/* An f32 matrix [rows][columns], or a vector where rows is 0, of the values 0, 1/8, 2/8 ... */
static inline void add_tensor(Build *b, const char *name, uint64_t rows, uint64_t columns)
{
    if (b->skip && strcmp(b->skip, name) == 0)
        return;
    if (b->shorter && strcmp(b->shorter, name) == 0)
        rows ? rows-- : columns--;
    while (b->data.n % build_alignment(b))
        str_addc(&b->data, 0);
    uint64_t shape[2] = {rows ? rows : columns, columns};
    add_info(b, name, 0, shape, rows ? 2 : 1, b->data.n);
    for (uint64_t i = 0; i < (rows ? rows : 1) * columns; i++) {
        float v = (float)i / 8;
        str_addn(&b->data, (const char *)&v, sizeof v);
    }
}

/* The file; empties b. The caller frees it. Its block is as long as the file, so that a step beyond shows. */
static inline unsigned char *build_end(Build *b, size_t *n)
{
    Str s = {0};
    str_add(&s, "GGUF");
    put_int(&s, b->version ? b->version : 3, 4);
    put_int(&s, b->n_tensors + b->more_tensors, 8);
    put_int(&s, b->n_values + b->more_values, 8);
    str_addn(&s, b->values.text, b->values.n);
    str_addn(&s, b->infos.text, b->infos.n);
    while (s.n % build_alignment(b))
        str_addc(&s, 0);
    str_addn(&s, b->data.text, b->data.n);
    unsigned char *bytes = mem_copy(s.text, s.n, 1);
    *n = s.n;
    str_release(&s);
    str_release(&b->values);
    str_release(&b->infos);
    str_release(&b->data);
    *b = (Build){0};
    return bytes;
}

/* --- whole models ----------------------------------------------------------------------------------- */

static const char *const build_tokens[] = {"<s>", "</s>", "a", "b", "ab", "\xe2\x96\x81"};
enum { BUILD_LAYERS = 2, BUILD_WIDTH = 8, BUILD_HEADS = 4, BUILD_KV = 2, BUILD_HEAD = 6, BUILD_FFN = 12 };

static inline void build_key(Build *b, const char *family, const char *key, uint32_t v)
{
    char name[100];
    snprintf(name, sizeof name, "%s.%s", family, key);
    add_u32(b, name, v);
}

/* The gains of queries and keys, and those behind attention and MLP, are of some families alone. */
static inline void build_layer(Build *b, int layer, const char *family)
{
    bool qk = strcmp(family, "gemma3") == 0 || strcmp(family, "qwen3") == 0, post = strncmp(family, "gemma", 5) == 0;
    const struct {
        const char *name;
        int rows, columns;
    } tensor[] = {
        {"attn_norm", 0, BUILD_WIDTH},
        {"attn_q", BUILD_HEADS * BUILD_HEAD, BUILD_WIDTH},
        {"attn_k", BUILD_KV * BUILD_HEAD, BUILD_WIDTH},
        {"attn_v", BUILD_KV * BUILD_HEAD, BUILD_WIDTH},
        {"attn_output", BUILD_WIDTH, BUILD_HEADS * BUILD_HEAD},
        {"ffn_norm", 0, BUILD_WIDTH},
        {"ffn_gate", BUILD_FFN, BUILD_WIDTH},
        {"ffn_up", BUILD_FFN, BUILD_WIDTH},
        {"ffn_down", BUILD_WIDTH, BUILD_FFN},
        {"attn_q_norm", 0, BUILD_HEAD},
        {"attn_k_norm", 0, BUILD_HEAD},
        {"post_attention_norm", 0, BUILD_WIDTH},
        {"post_ffw_norm", 0, BUILD_WIDTH},
    };
    for (int i = 0; i < COUNT(tensor); i++) {
        char name[100];
        if (i >= 9 && !(i < 11 ? qk : post))
            continue;
        snprintf(name, sizeof name, "blk.%d.%s.weight", layer, tensor[i].name);
        add_tensor(b, name, (uint64_t)tensor[i].rows, (uint64_t)tensor[i].columns);
    }
}

/* Two layers, four heads of six, two of them for keys and values, six tokens; of a family without biases. */
static inline void build_model(Build *b, const char *family)
{
    static const float scores[] = {0, 0, -1, -2, -3, -4};
    static const int types[] = {3, 3, 1, 1, 1, 1};
    static const char *const merges[] = {"a b"};
    bool gemma = strcmp(family, "gemma3") == 0;
    char name[100];
    add_text(b, "general.architecture", family);
    build_key(b, family, "block_count", BUILD_LAYERS);
    build_key(b, family, "context_length", 64);
    build_key(b, family, "embedding_length", BUILD_WIDTH);
    build_key(b, family, "feed_forward_length", BUILD_FFN);
    build_key(b, family, "attention.head_count", BUILD_HEADS);
    build_key(b, family, "attention.head_count_kv", BUILD_KV);
    build_key(b, family, "attention.key_length", BUILD_HEAD);
    build_key(b, family, "attention.value_length", BUILD_HEAD);
    if (gemma)
        build_key(b, family, "attention.sliding_window", 16);
    snprintf(name, sizeof name, "%s.attention.layer_norm_rms_epsilon", family);
    add_f32(b, name, 1e-5f);
    snprintf(name, sizeof name, "%s.rope.freq_base", family);
    add_f32(b, name, 50000);
    add_text(b, "tokenizer.ggml.model", "llama");
    add_texts(b, "tokenizer.ggml.tokens", build_tokens, COUNT(build_tokens));
    add_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, COUNT(scores));
    add_array(b, "tokenizer.ggml.token_type", GGUF_I32, types, COUNT(types));
    add_texts(b, "tokenizer.ggml.merges", merges, COUNT(merges));
    add_u32(b, "tokenizer.ggml.bos_token_id", 0);
    add_u32(b, "tokenizer.ggml.eos_token_id", 1);
    add_text(b, "tokenizer.chat_template", "{{ messages }}");
    add_tensor(b, "token_embd.weight", COUNT(build_tokens), BUILD_WIDTH);
    add_tensor(b, "output_norm.weight", 0, BUILD_WIDTH);
    for (int i = 0; i < BUILD_LAYERS; i++)
        build_layer(b, i, family);
}

/* Reads whatever an open file offers. */
static inline void build_touch(Gguf *g)
{
    Err err = {0};
    ModelConfig c;
    TokenizerSpec spec;
    float values[256];
    double sum = 0;
    for (int i = 0; i < gguf_tensors(g); i++) {
        const StoredTensor *t = gguf_tensor(g, i);
        if (t->type == DTYPE_COUNT)
            continue;
        size_t block = (size_t)dtype_info(t->type)->block, n = stored_values(t);
        dtype_to_f32(t->type, t->bytes, values, block);
        size_t bytes = (size_t)dtype_info(t->type)->block_bytes;
        dtype_to_f32(t->type, t->bytes + (n / block - 1) * bytes, values, block);
        sum += (double)values[0] + (gguf_find(g, t->name) == t);
        gguf_forget(g, t);
    }
    if (gguf_config(g, &c, &err))
        sum += c.layers;
    err_clear(&err);
    if (gguf_tokenizer(g, &spec, &err))
        for (int i = 0; i < spec.n; i++)
            sum += (double)strlen(spec.tokens[i]) + (spec.scores ? (double)spec.scores[i] : 0);
    for (int i = 0; i < spec.n_merges && spec.merges; i++)
        sum += (double)strlen(spec.merges[i]);
    const char *template = gguf_chat_template(g);
    volatile double kept = sum + (template ? (double)strlen(template) : 0);
    (void)kept;
}

#endif
