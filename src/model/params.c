/* The parameter table. To add a parameter is one row here and one field in Weights or Layer. */
#include "model/params.h"

#include "base/mem.h"

typedef enum Dim { ONE, WIDTH, QUERY, KEY, HEAD, FFN, VOCAB, CONTEXT } Dim;

typedef enum When {
    ALWAYS,
    LAYER_NORM,
    QKV_BIAS,
    O_BIAS,
    QK_NORM,
    POST_NORMS,
    GATED,
    GATE_BIAS,
    FFN_BIAS,
    LEARNED,
    LM,
    UNTIED,
    REWARD,
    REWARD_BIAS,
    VALUE
} When;

/* What a GGUF file does to the numbers of some families. */
typedef enum Change { AS_IS, ROTARY, GAIN } Change;

typedef struct ParamSpec {
    size_t at;                    /* of the Matrix in Layer or Weights */
    const char *hf, *gguf, *part; /* names, and what stands behind them: ".weight" or ".bias" */
    Dim rows, cols;               /* cols ONE: a vector */
    When when;
    Change change;
} ParamSpec;

#define L(field) offsetof(Layer, field)
#define W(field) offsetof(Weights, field)

/* Those that a family keeps in one tensor are neighbours. */
/* clang-format off */
static const ParamSpec layer_params[] = {
    {L(attn_norm),      "input_layernorm",            "attn_norm",           ".weight", WIDTH, ONE,   ALWAYS,     GAIN},
    {L(attn_norm_bias), "input_layernorm",            "attn_norm",           ".bias",   WIDTH, ONE,   LAYER_NORM, AS_IS},
    {L(q.w),            "self_attn.q_proj",           "attn_q",              ".weight", QUERY, WIDTH, ALWAYS,     ROTARY},
    {L(k.w),            "self_attn.k_proj",           "attn_k",              ".weight", KEY,   WIDTH, ALWAYS,     ROTARY},
    {L(v.w),            "self_attn.v_proj",           "attn_v",              ".weight", KEY,   WIDTH, ALWAYS,     AS_IS},
    {L(q.bias),         "self_attn.q_proj",           "attn_q",              ".bias",   QUERY, ONE,   QKV_BIAS,   ROTARY},
    {L(k.bias),         "self_attn.k_proj",           "attn_k",              ".bias",   KEY,   ONE,   QKV_BIAS,   ROTARY},
    {L(v.bias),         "self_attn.v_proj",           "attn_v",              ".bias",   KEY,   ONE,   QKV_BIAS,   AS_IS},
    {L(q_norm),         "self_attn.q_norm",           "attn_q_norm",         ".weight", HEAD,  ONE,   QK_NORM,    GAIN},
    {L(k_norm),         "self_attn.k_norm",           "attn_k_norm",         ".weight", HEAD,  ONE,   QK_NORM,    GAIN},
    {L(o.w),            "self_attn.o_proj",           "attn_output",         ".weight", WIDTH, QUERY, ALWAYS,     AS_IS},
    {L(o.bias),         "self_attn.o_proj",           "attn_output",         ".bias",   WIDTH, ONE,   O_BIAS,     AS_IS},
    {L(attn_post_norm), "post_attention_layernorm",   "post_attention_norm", ".weight", WIDTH, ONE,   POST_NORMS, GAIN},
    {L(ffn_norm),       "post_attention_layernorm",   "ffn_norm",            ".weight", WIDTH, ONE,   ALWAYS,     GAIN},
    {L(ffn_norm_bias),  "post_attention_layernorm",   "ffn_norm",            ".bias",   WIDTH, ONE,   LAYER_NORM, AS_IS},
    {L(gate.w),         "mlp.gate_proj",              "ffn_gate",            ".weight", FFN,   WIDTH, GATED,      AS_IS},
    {L(up.w),           "mlp.up_proj",                "ffn_up",              ".weight", FFN,   WIDTH, ALWAYS,     AS_IS},
    {L(gate.bias),      "mlp.gate_proj",              "ffn_gate",            ".bias",   FFN,   ONE,   GATE_BIAS,  AS_IS},
    {L(up.bias),        "mlp.up_proj",                "ffn_up",              ".bias",   FFN,   ONE,   FFN_BIAS,   AS_IS},
    {L(down.w),         "mlp.down_proj",              "ffn_down",            ".weight", WIDTH, FFN,   ALWAYS,     AS_IS},
    {L(down.bias),      "mlp.down_proj",              "ffn_down",            ".bias",   WIDTH, ONE,   FFN_BIAS,   AS_IS},
    {L(ffn_post_norm),  "post_feedforward_layernorm", "post_ffw_norm",       ".weight", WIDTH, ONE,   POST_NORMS, GAIN},
};

static const ParamSpec first_params[] = {
    {W(embed),           "model.embed_tokens",        "token_embd",    ".weight", VOCAB,   WIDTH, ALWAYS,     AS_IS},
    {W(positions),       "model.embed_positions",     "position_embd", ".weight", CONTEXT, WIDTH, LEARNED,    AS_IS},
};

static const ParamSpec last_params[] = {
    {W(final_norm),      "model.norm",                "output_norm",   ".weight", WIDTH,   ONE,   ALWAYS,     GAIN},
    {W(final_norm_bias), "model.norm",                "output_norm",   ".bias",   WIDTH,   ONE,   LAYER_NORM, AS_IS},
    {W(lm_head),         "lm_head",                   "output",        ".weight", VOCAB,   WIDTH, UNTIED,     AS_IS},
    {W(score),           "score",                     "cls.output",    ".weight", ONE,     WIDTH, REWARD,     AS_IS},
    {W(score_bias),      "score",                     "cls.output",    ".bias",   ONE,     ONE,   REWARD_BIAS, AS_IS},
    {W(value),           "value",                     "value",         ".weight", ONE,     WIDTH, VALUE,      AS_IS},
    {W(value_bias),      "value",                     "value",         ".bias",   ONE,     ONE,   VALUE,      AS_IS},
};
/* clang-format on */

/* The metadata of a GGUF file that a size comes from. */
static const char *const gguf_sizes[] = {[ONE] = NULL,
                                         [WIDTH] = "embedding_length",
                                         [QUERY] = "attention.head_count, attention.key_length",
                                         [KEY] = "attention.head_count_kv, attention.key_length",
                                         [HEAD] = "attention.key_length",
                                         [FFN] = "feed_forward_length",
                                         [VOCAB] = "vocab_size",
                                         [CONTEXT] = "context_length"};

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
    case CONTEXT: return c->context;
    }
    return 0;
}

static bool present(When when, const ModelConfig *c)
{
    switch (when) {
    case ALWAYS: return true;
    case LAYER_NORM: return c->layer_norm;
    case QKV_BIAS: return c->qkv_bias;
    case O_BIAS: return c->o_bias;
    case QK_NORM: return c->qk_norm;
    case POST_NORMS: return c->post_norms;
    case GATED: return !c->ungated;
    case GATE_BIAS: return c->ffn_bias && !c->ungated;
    case FFN_BIAS: return c->ffn_bias;
    case LEARNED: return c->learned_positions;
    case LM: return (c->head & HEAD_LM) != 0;
    case UNTIED: return (c->head & HEAD_LM) && !c->tied;
    case REWARD: return (c->head & HEAD_REWARD) != 0;
    case REWARD_BIAS: return (c->head & HEAD_REWARD) && c->score_bias;
    case VALUE: return (c->head & HEAD_VALUE) != 0;
    }
    return false;
}

static Matrix *field(void *base, const ParamSpec *s)
{
    return (Matrix *)(void *)((char *)base + s->at);
}

typedef void Visit(void *context, const ParamSpec *s, Matrix *m, int layer);

/* Every parameter that the model has below an adapter, in the fixed order. */
static void visit(Weights *w, const ModelConfig *c, Visit *f, void *context)
{
    for (int i = 0; i < COUNT(first_params); i++)
        if (present(first_params[i].when, c))
            f(context, &first_params[i], field(w, &first_params[i]), -1);
    for (int l = 0; l < c->layers; l++)
        for (int i = 0; i < COUNT(layer_params); i++)
            if (present(layer_params[i].when, c))
                f(context, &layer_params[i], field(&w->layer[l], &layer_params[i]), l);
    for (int i = 0; i < COUNT(last_params); i++)
        if (present(last_params[i].when, c))
            f(context, &last_params[i], field(w, &last_params[i]), -1);
}

/* Every linear layer with an adapter. */
static void visit_adapted(Weights *w, const ModelConfig *c, Visit *f, void *context)
{
    for (int l = 0; c->lora_rank && l < c->layers; l++)
        for (int i = 0, n = 0; i < COUNT(layer_params); i++) {
            const ParamSpec *s = &layer_params[i];
            if (s->cols != ONE && c->lora[l][n++].rank && present(s->when, c))
                f(context, s, field(&w->layer[l], s), l);
        }
}

static bool is_scalar_head(const ParamSpec *s)
{
    return s->when == REWARD || s->when == REWARD_BIAS || s->when == VALUE;
}

/* Its linear layer: W comes first there. */
static Linear *linear_of(Matrix *w)
{
    return (Linear *)(void *)w;
}

/* Its place among a layer's linear layers. */
static int linear_number(const ParamSpec *s)
{
    int n = 0;
    for (const ParamSpec *before = layer_params; before < s; before++)
        n += before->cols != ONE;
    return n;
}

/* How the family's files name a parameter, where they do it otherwise; NULL: as all do. */
static const Naming *naming_of(const Naming *names, const char *own)
{
    for (; names && names->own; names++)
        if (strcmp(names->own, own) == 0)
            return names;
    return NULL;
}

/* Do Hugging Face's files hold it in one tensor with the linear layer before it? */
static bool shares_tensor(const ParamSpec *s, const ModelConfig *c)
{
    const Naming *names = family_find(c->family)->hf_names, *own = naming_of(names, s->gguf);
    const Naming *before = s > layer_params ? naming_of(names, s[-1].gguf) : NULL;
    return own && before && strcmp(own->theirs, before->theirs) == 0;
}

typedef struct Slice {
    const ModelConfig *c;
    float *block; /* NULL: only count */
    size_t used;
    bool heads_alone; /* below an adapter */
} Slice;

static void slice(Slice *s, Matrix *m, int rows, int cols)
{
    *m = matrix(s->block ? s->block + s->used : NULL, rows, cols);
    s->used += matrix_floats(rows, cols);
}

static void slice_param(void *context, const ParamSpec *p, Matrix *m, int layer)
{
    (void)layer;
    Slice *s = context;
    if (!s->heads_alone || is_scalar_head(p))
        slice(s, m, dim_of(p->rows, s->c), dim_of(p->cols, s->c));
}

float lora_scale(const ModelConfig *c, LoraShape shape)
{
    return (float)((double)shape.alpha / (c->lora_rslora ? sqrt(shape.rank) : shape.rank));
}

static void slice_adapter(void *context, const ParamSpec *p, Matrix *m, int layer)
{
    Slice *s = context;
    Linear *l = linear_of(m);
    LoraShape shape = s->c->lora[layer][linear_number(p)];
    l->scale = lora_scale(s->c, shape);
    l->shares_a = shares_tensor(p, s->c);
    if (l->shares_a)
        l->a = (l - 1)->a;
    else
        slice(s, &l->a, shape.rank, dim_of(p->cols, s->c));
    slice(s, &l->b, dim_of(p->rows, s->c), shape.rank);
}

static size_t slice_all(Weights *w, const ModelConfig *c, bool gradients, float *block)
{
    Slice s = {c, block, 0, gradients && c->lora_rank};
    visit(w, c, slice_param, &s);
    if (present(LM, c) && c->tied && !s.heads_alone) {
        if (gradients)
            slice(&s, &w->lm_head, c->vocab, c->width);
        else
            w->lm_head = w->embed;
    }
    visit_adapted(w, c, slice_adapter, &s);
    return s.used;
}

static void join_adapter(void *context, const ParamSpec *p, Matrix *m, int layer)
{
    (void)context, (void)p, (void)layer;
    Linear *l = linear_of(m);
    if (l->shares_a)
        l->a = (l - 1)->a;
}

void weights_join(Weights *w, const ModelConfig *c)
{
    if (present(LM, c) && c->tied)
        w->lm_head = w->embed;
    visit_adapted(w, c, join_adapter, NULL);
}

void weights_shapes(Weights *w, const ModelConfig *c)
{
    slice_all(w, c, false, NULL);
}

size_t weights_floats(const ModelConfig *c, bool gradients)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    size_t n = slice_all(w, c, gradients, NULL);
    free(w);
    return n;
}

bool weights_alloc(Weights *w, const ModelConfig *c, bool gradients, Err *err)
{
    memset(w, 0, sizeof *w);
    w->floats = weights_floats(c, gradients);
    w->block = mem_big(w->floats, sizeof(float), "a model's parameters", err);
    if (!w->block)
        return false;
    slice_all(w, c, gradients, w->block);
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
    const Family *f;
    int cap;
} List;

/* The name in Hugging Face's files: "PREFIX3.NAME.weight" in a layer, "NAME.weight" elsewhere. */
static void hf_name(char *out, size_t n, const Naming *names, const ParamSpec *s, int layer)
{
    const Naming *of = naming_of(names, s->gguf), *prefix = naming_of(names, "blk.");
    const char *name = of ? of->theirs : s->hf;
    if (layer < 0)
        snprintf(out, n, "%s%s", name, s->part);
    else
        snprintf(out, n, "%s%d.%s%s", prefix ? prefix->theirs : "model.layers.", layer, name, s->part);
}

static void gguf_name(char *out, size_t n, const Naming *names, const ParamSpec *s, int layer)
{
    const Naming *of = naming_of(names, s->gguf);
    const char *name = of ? of->theirs : s->gguf;
    if (layer < 0)
        snprintf(out, n, "%s%s", name, s->part);
    else
        snprintf(out, n, "blk.%d.%s%s", layer, name, s->part);
}

static Order order_of(const Naming *names, const ParamSpec *s)
{
    const Naming *of = naming_of(names, s->gguf);
    bool vector = of && of->order == ORDER_TRANSPOSED && s->cols == ONE;
    return of && !vector ? of->order : ORDER_PLAIN;
}

static Param *add_param(List *l, const Param *p)
{
    l->list->param = MEM_GROW(l->list->param, l->list->n, l->cap);
    l->list->param[l->list->n] = *p;
    return &l->list->param[l->list->n++];
}

static void list_param(void *context, const ParamSpec *s, Matrix *m, int layer)
{
    List *l = context;
    bool linear = layer >= 0 && s->cols != ONE;
    Param *p = add_param(l, &(Param){.layer = linear ? layer : -1,
                                     .linear = linear ? linear_number(s) : -1,
                                     .matrix = m,
                                     .dims = s->cols == ONE ? 1 : 2,
                                     .decay = s->cols != ONE,
                                     .head = is_scalar_head(s)});
    bool width_first = s->rows == WIDTH && s->cols != ONE;
    p->sizes[width_first] = gguf_sizes[s->rows];
    p->sizes[!width_first] = gguf_sizes[s->cols];
    hf_name(p->hf.name, sizeof p->hf.name, l->f->hf_names, s, layer);
    gguf_name(p->gguf.name, sizeof p->gguf.name, l->f->gguf_names, s, layer);
    hf_name(p->name, sizeof p->name, NULL, s, layer);
    int rows = s->cols == ONE ? dim_of(s->rows, l->c) * dim_of(s->cols, l->c) : dim_of(s->rows, l->c);
    p->hf.rows = p->gguf.rows = rows; /* share_tensors knows of neighbours */
    p->hf.order = order_of(l->f->hf_names, s);
    p->gguf.order = order_of(l->f->gguf_names, s);
    p->gguf.rotary_pairs = l->f->rotary_pairs && s->change == ROTARY;
    p->gguf.one_added = l->c->norm_plus_one && s->change == GAIN;
}

/* The names of an adapter's A or B: those of W within PEFT's and llama.cpp's. */
static void name_adapter(Param *p, const Param *w, const char *half, const char *gguf_half)
{
    snprintf(p->name, sizeof p->name, "base_model.model.%.*s.%s.weight", (int)strlen(w->name) - 7, w->name, half);
    snprintf(p->hf.name, sizeof p->hf.name, "base_model.model.%.*s.%s.weight", (int)strlen(w->hf.name) - 7, w->hf.name,
             half);
    snprintf(p->gguf.name, sizeof p->gguf.name, "%s.%s", w->gguf.name, gguf_half);
}

static void list_adapter(void *context, const ParamSpec *s, Matrix *m, int layer)
{
    List *l = context;
    Linear *of = linear_of(m);
    list_param(l, s, m, layer);
    Param w = l->list->param[--l->list->n];
    Param a = {.matrix = &of->a, .dims = 2, .decay = true, .adapter = ADAPTER_A, .layer = layer, .linear = w.linear},
          b = a;
    name_adapter(&a, &w, "lora_A", "lora_a");
    a.hf.rows = a.gguf.rows = of->a.rows;
    name_adapter(&b, &w, "lora_B", "lora_b");
    b.matrix = &of->b;
    b.adapter = ADAPTER_B;
    b.hf.rows = b.gguf.rows = of->b.rows;
    b.hf.order = w.hf.order == ORDER_TRANSPOSED ? ORDER_PLAIN : w.hf.order;
    b.gguf.rotary_pairs = w.gguf.rotary_pairs;
    if (!of->shares_a)
        add_param(l, &a);
    add_param(l, &b);
}

static FilePlace *place_of(Param *p, bool gguf)
{
    return gguf ? &p->gguf : &p->hf;
}

/* Neighbours with one name share a tensor: each begins where the one before it ends. */
static void share_tensors(ParamList *list, const ModelConfig *c, bool gguf)
{
    for (int i = 0, n; i < list->n; i += n) {
        int rows = 0;
        for (n = 0; i + n < list->n; n++) {
            FilePlace *p = place_of(&list->param[i + n], gguf);
            if (strcmp(p->name, place_of(&list->param[i], gguf)->name) != 0)
                break;
            p->first = p->order == ORDER_BY_HEAD ? n * c->head_dim : rows;
            rows += p->rows;
        }
        for (int k = 0; k < n; k++)
            place_of(&list->param[i + k], gguf)->rows = rows;
        if (n == 1 && !gguf)
            snprintf(list->param[i].name, sizeof list->param[i].name, "%s", list->param[i].hf.name);
    }
}

ParamList params_list(Weights *w, const ModelConfig *c)
{
    ParamList list = {0};
    List l = {&list, c, family_find(c->family), 0};
    visit(w, c, list_param, &l);
    visit_adapted(w, c, list_adapter, &l);
    share_tensors(&list, c, false);
    share_tensors(&list, c, true);
    return list;
}

ParamList params_trained(Weights *w, const ModelConfig *c)
{
    ParamList list = params_list(w, c);
    int n = 0;
    for (int i = 0; i < list.n; i++) {
        if (!c->lora_rank || list.param[i].adapter || list.param[i].head)
            list.param[n++] = list.param[i];
    }
    list.n = n;
    return list;
}

Linear *param_linear(const Param *w)
{
    return w->linear >= 0 && !w->adapter ? linear_of(w->matrix) : NULL;
}

void params_free(ParamList *list)
{
    free(list->param);
    *list = (ParamList){0};
}

size_t params_floats(const ParamList *list)
{
    size_t n = 0;
    for (int i = 0; i < list->n; i++)
        n += matrix_floats(list->param[i].matrix->rows, list->param[i].matrix->cols);
    return n;
}

static void count_param(void *context, const ParamSpec *s, Matrix *m, int layer)
{
    (void)m, (void)layer;
    Slice *count = context;
    count->used += (size_t)dim_of(s->rows, count->c) * (size_t)dim_of(s->cols, count->c);
}

size_t params_count(const ModelConfig *c)
{
    Slice count = {.c = c};
    Weights *w = mem_zalloc(1, sizeof *w);
    visit(w, c, count_param, &count);
    free(w);
    return count.used;
}
