/* Any bytes as a GGUF file: everything that can be asked of it is asked. */
#include "model/gguf_config.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The first and the last block. */
static double touch_tensor(const Gguf *g, const StoredTensor *t)
{
    float values[256];
    if (t->type == DTYPE_COUNT) {
        Err err = {0};
        return gguf_unread(g, t->name, &err);
    }
    const DTypeInfo *info = dtype_info(t->type);
    size_t blocks = stored_values(t) / (size_t)info->block;
    double sum = gguf_find(g, t->name) == t;
    for (int last = 0; last < 2; last++) {
        size_t at = last ? (blocks - 1) * (size_t)info->block_bytes : 0;
        dtype_to_f32(t->type, t->bytes + at, values, (size_t)info->block);
        sum += (double)values[0];
    }
    gguf_forget(g, t);
    return sum;
}

static size_t touch_texts(const char *const *list, int n)
{
    size_t sum = 0;
    for (int i = 0; list && i < n; i++)
        sum += strlen(list[i]);
    return sum;
}

/* A text as its tokenizer cuts it, and back. */
static double touch_tokenizer(const TokenizerSpec *spec)
{
    static const char sample[] = "The  kettle's on.\n\n<s> 12 \xe2\x96\x81x\xff caf\xc3\xa9 e\xcc\x81 ab ";
    Err err = {0};
    Tokenizer *t;
    Ids ids = {0};
    Str text = {0};
    if (!tokenizer_new(&t, spec, &err))
        return 0;
    double sum = tokenizer_encode(t, sample, sizeof sample - 1, TOKENIZE_SPECIAL, &ids, &err);
    for (int i = 0; i < ids.n; i++)
        if (!tokenizer_token(t, ids.id[i]))
            __builtin_trap();
    tokenizer_decode(t, ids.id, ids.n, TOKENIZE_SPECIAL, &text);
    str_release(&text);
    ids_release(&ids);
    tokenizer_free(t);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    Gguf *g;
    if (!gguf_open_bytes(&g, "fuzz", data, n, &err))
        return 0;
    volatile double sum = 0;
    for (int i = 0; i < gguf_tensors(g); i++)
        sum += touch_tensor(g, gguf_tensor(g, i));
    for (int i = 0; i < g->n_values; i++) {
        double v = 0;
        const char *text = "";
        bool truth = false;
        sum += gguf_number(g, g->values[i].key, &v) + gguf_text(g, g->values[i].key, &text) +
               gguf_bool(g, g->values[i].key, &truth);
        sum += gguf_item(&g->values[i], g->values[i].n - 1, &v) + (double)strlen(text);
    }
    ModelConfig c;
    sum += gguf_config(g, &c, &err);
    err_clear(&err);
    TokenizerSpec spec;
    if (gguf_tokenizer(g, &spec, &err))
        sum += touch_tokenizer(&spec) +
               (double)(touch_texts(spec.tokens, spec.n) + touch_texts(spec.merges, spec.n_merges));
    for (int i = 0; spec.scores && i < spec.n; i++)
        sum += (double)spec.scores[i];
    sum += gguf_chat_template(g) != NULL;
    (void)sum;
    gguf_free(g);
    return 0;
}
