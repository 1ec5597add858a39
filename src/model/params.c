/* The parameter table. To add a parameter is one row here and one field in Weights or Layer. */
#include "model/params.h"

#include "base/mem.h"

typedef enum Dim { ONE, WIDTH, QUERY, KEY, HEAD, FFN, VOCAB } Dim;

typedef enum When { ALWAYS, QK_NORM, POST_NORMS, LM, UNTIED, REWARD, VALUE } When;

typedef struct ParamSpec {
    size_t at; /* of the Matrix in Layer or Weights */
    const char *hf, *gguf;
    Dim rows, cols; /* cols ONE: a vector */
    When when;
    GgufLayout layout;
} ParamSpec;

#define L(field) offsetof(Layer, field)
#define W(field) offsetof(Weights, field)

/* clang-format off */
static const ParamSpec layer_params[] = {
    {L(attn_norm),      "input_layernorm",            "attn_norm",           WIDTH, ONE,   ALWAYS,     GGUF_GAIN},
    {L(q),              "self_attn.q_proj",           "attn_q",              QUERY, WIDTH, ALWAYS,     GGUF_ROTARY_PAIRS},
    {L(k),              "self_attn.k_proj",           "attn_k",              KEY,   WIDTH, ALWAYS,     GGUF_ROTARY_PAIRS},
    {L(v),              "self_attn.v_proj",           "attn_v",              KEY,   WIDTH, ALWAYS,     GGUF_AS_IS},
    {L(q_norm),         "self_attn.q_norm",           "attn_q_norm",         HEAD,  ONE,   QK_NORM,    GGUF_GAIN},
    {L(k_norm),         "self_attn.k_norm",           "attn_k_norm",         HEAD,  ONE,   QK_NORM,    GGUF_GAIN},
    {L(o),              "self_attn.o_proj",           "attn_output",         WIDTH, QUERY, ALWAYS,     GGUF_AS_IS},
    {L(attn_post_norm), "post_attention_layernorm",   "post_attention_norm", WIDTH, ONE,   POST_NORMS, GGUF_GAIN},
    {L(ffn_norm),       "post_attention_layernorm",   "ffn_norm",            WIDTH, ONE,   ALWAYS,     GGUF_GAIN},
    {L(gate),           "mlp.gate_proj",              "ffn_gate",            FFN,   WIDTH, ALWAYS,     GGUF_AS_IS},
    {L(up),             "mlp.up_proj",                "ffn_up",              FFN,   WIDTH, ALWAYS,     GGUF_AS_IS},
    {L(down),           "mlp.down_proj",              "ffn_down",            WIDTH, FFN,   ALWAYS,     GGUF_AS_IS},
    {L(ffn_post_norm),  "post_feedforward_layernorm", "post_ffw_norm",       WIDTH, ONE,   POST_NORMS, GGUF_GAIN},
};

static const ParamSpec first_params[] = {
    {W(embed),      "model.embed_tokens.weight", "token_embd.weight",  VOCAB, WIDTH, ALWAYS, GGUF_AS_IS},
};

static const ParamSpec last_params[] = {
    {W(final_norm), "model.norm.weight",         "output_norm.weight", WIDTH, ONE,   ALWAYS, GGUF_GAIN},
    {W(lm_head),    "lm_head.weight",            "output.weight",      VOCAB, WIDTH, UNTIED, GGUF_AS_IS},
    {W(score),      "score.weight",              "score.weight",       ONE,   WIDTH, REWARD, GGUF_AS_IS},
    {W(value),      "value.weight",              "value.weight",       ONE,   WIDTH, VALUE,  GGUF_AS_IS},
    {W(value_bias), "value.bias",                "value.bias",         ONE,   ONE,   VALUE,  GGUF_AS_IS},
};
/* clang-format on */

/* The metadata of a GGUF file that a size comes from. */
static const char *const gguf_sizes[] = {[ONE] = NULL,
                                         [WIDTH] = "embedding_length",
                                         [QUERY] = "attention.head_count, attention.key_length",
                                         [KEY] = "attention.head_count_kv, attention.key_length",
                                         [HEAD] = "attention.key_length",
                                         [FFN] = "feed_forward_length",
                                         [VOCAB] = "vocab_size"};

static int dim_of(Dim d, const ModelConfig *c)
{
    switch (d) {
    case ONE: return 1;
    case WIDTH: return c->width;
    case QUERY: return c->heads * c->head_dim;
    case KEY: return c->kv_heads * c->head_dim;
    case HEAD: return c->head_dim;
    case FFN: return c->ffn;
    case VOCAB: return c->vocab;
    }
    return 0;
}

static bool present(When when, const ModelConfig *c)
{
    switch (when) {
    case ALWAYS: return true;
    case QK_NORM: return c->qk_norm;
    case POST_NORMS: return c->post_norms;
    case LM: return (c->head & HEAD_LM) != 0;
    case UNTIED: return (c->head & HEAD_LM) && !c->tied;
    case REWARD: return (c->head & HEAD_REWARD) != 0;
    case VALUE: return (c->head & HEAD_VALUE) != 0;
    }
    return false;
}

static Matrix *field(void *base, const ParamSpec *s)
{
    return (Matrix *)(void *)((char *)base + s->at);
}

typedef void Visit(void *context, const ParamSpec *s, Matrix *m, int layer);

/* Every parameter that the model has, in the fixed order. */
static void visit(Weights *w, const ModelConfig *c, Visit *f, void *context)
{
    for (int i = 0; i < COUNT(first_params); i++)
        f(context, &first_params[i], field(w, &first_params[i]), -1);
    for (int l = 0; l < c->layers; l++)
        for (int i = 0; i < COUNT(layer_params); i++)
            if (present(layer_params[i].when, c))
                f(context, &layer_params[i], field(&w->layer[l], &layer_params[i]), l);
    for (int i = 0; i < COUNT(last_params); i++)
        if (present(last_params[i].when, c))
            f(context, &last_params[i], field(w, &last_params[i]), -1);
}

typedef struct Slice {
    const ModelConfig *c;
    float *block; /* NULL: only count */
    size_t used;
} Slice;

static void slice(Slice *s, Matrix *m, int rows, int cols)
{
    *m = (Matrix){s->block ? s->block + s->used : NULL, rows, cols};
    s->used += matrix_floats(rows, cols);
}

static void slice_param(void *context, const ParamSpec *p, Matrix *m, int layer)
{
    (void)layer;
    Slice *s = context;
    slice(s, m, dim_of(p->rows, s->c), dim_of(p->cols, s->c));
}

static size_t slice_all(Weights *w, const ModelConfig *c, bool separate_lm_head, float *block)
{
    Slice s = {c, block, 0};
    visit(w, c, slice_param, &s);
    if (present(LM, c) && c->tied) {
        if (separate_lm_head)
            slice(&s, &w->lm_head, c->vocab, c->width);
        else
            w->lm_head = w->embed;
    }
    return s.used;
}

void weights_shapes(Weights *w, const ModelConfig *c)
{
    slice_all(w, c, false, NULL);
}

size_t weights_floats(const ModelConfig *c, bool separate_lm_head)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    size_t n = slice_all(w, c, separate_lm_head, NULL);
    free(w);
    return n;
}

bool weights_alloc(Weights *w, const ModelConfig *c, bool separate_lm_head, Err *err)
{
    memset(w, 0, sizeof *w);
    w->floats = weights_floats(c, separate_lm_head);
    w->block = mem_big(w->floats, sizeof(float), "a model's parameters", err);
    if (!w->block)
        return false;
    slice_all(w, c, separate_lm_head, w->block);
    return true;
}

void weights_free(Weights *w)
{
    mem_big_free(w->block, w->floats, sizeof(float));
    w->block = NULL;
}

void weights_zero(Weights *w)
{
    memset(w->block, 0, w->floats * sizeof(float));
}

typedef struct List {
    ParamList *list;
    const ModelConfig *c;
    int cap;
} List;

static void list_param(void *context, const ParamSpec *s, Matrix *m, int layer)
{
    List *l = context;
    l->list->param = MEM_GROW(l->list->param, l->list->n, l->cap);
    Param *p = &l->list->param[l->list->n++];
    *p = (Param){.matrix = m, .layout = s->layout, .dims = s->cols == ONE ? 1 : 2, .decay = s->cols != ONE};
    bool width_first = s->rows == WIDTH && s->cols != ONE;
    p->sizes[width_first] = gguf_sizes[s->rows];
    p->sizes[!width_first] = gguf_sizes[s->cols];
    if (layer < 0) {
        snprintf(p->name, sizeof p->name, "%s", s->hf);
        snprintf(p->gguf, sizeof p->gguf, "%s", s->gguf);
        return;
    }
    /* Gemma's norm before the feed-forward block has a name of its own, since the other is taken. */
    bool second_norm = s->at == L(ffn_norm) && l->c->post_norms;
    snprintf(p->name, sizeof p->name, "model.layers.%d.%s.weight", layer,
             second_norm ? "pre_feedforward_layernorm" : s->hf);
    snprintf(p->gguf, sizeof p->gguf, "blk.%d.%s.weight", layer, s->gguf);
}

ParamList params_list(Weights *w, const ModelConfig *c)
{
    ParamList list = {0};
    List l = {&list, c, 0};
    visit(w, c, list_param, &l);
    return list;
}

void params_free(ParamList *list)
{
    free(list->param);
    *list = (ParamList){0};
}

static void count_param(void *context, const ParamSpec *s, Matrix *m, int layer)
{
    (void)m, (void)layer;
    Slice *count = context;
    count->used += (size_t)dim_of(s->rows, count->c) * (size_t)dim_of(s->cols, count->c);
}

size_t params_count(const ModelConfig *c)
{
    Slice count = {c, NULL, 0};
    Weights *w = mem_zalloc(1, sizeof *w);
    visit(w, c, count_param, &count);
    free(w);
    return count.used;
}
