/* The transformer: forward is a list of operations, backward is the list reversed. */
#include "model/transformer.h"

#include <assert.h>

/* Everything that one layer's lists need. */
typedef struct Pass {
    Device *d;
    const ModelConfig *c;
    Acts *s;        /* shared tensors */
    Attention att;  /* of the layer at hand */
    RopeTable rope; /* of the layer at hand */
    const int *position;
} Pass;

static Norm norm(const Pass *p, Matrix weight)
{
    return (Norm){weight, p->c->norm_eps, p->c->norm_plus_one};
}

static GluKind glu_kind(const ModelConfig *c)
{
    return c->activation == ACT_SILU ? GLU_SILU : GLU_GELU_TANH;
}

/* The residual stream goes on: in training as a new tensor, since backward needs the old one. */
static void carry(Tensor to, Tensor from)
{
    if (to.at != from.at)
        memcpy(to.at, from.at, tensor_count(to) * sizeof(float));
}

/* The norm of every head of q or k, on rows of D. */
static void head_norm(const Pass *p, Tensor y, Tensor inv, Tensor x, Matrix weight)
{
    op_rmsnorm(p->d, tensor_split(y, p->c->head_dim), inv, tensor_split(x, p->c->head_dim), norm(p, weight));
}

static void head_norm_back(const Pass *p, Tensor dx, Matrix dweight, Tensor x, Tensor inv, Matrix weight)
{
    int D = p->c->head_dim;
    op_rmsnorm_back(p->d, tensor_split(dx, D), dweight, tensor_split(dx, D), tensor_split(x, D), inv, norm(p, weight));
}

/* y += x W^T, with the norm of the sum's second term where the architecture has one. */
static void add_linear(const Pass *p, Tensor y, Tensor x, Matrix w, Matrix post, Tensor out, Tensor inv)
{
    if (!p->c->post_norms) {
        op_linear_add(p->d, y, x, w);
        return;
    }
    op_linear(p->d, out, x, w);
    op_rmsnorm(p->d, p->s->normed, inv, out, norm(p, post));
    op_add(p->d, y, p->s->normed);
}

static void layer_forward(const Pass *p, const Layer *w, LayerActs *a, Tensor out)
{
    Device *d = p->d;
    Acts *s = p->s;
    int H = p->c->heads, K = p->c->kv_heads;

    op_rmsnorm(d, s->normed, a->inv1, a->x, norm(p, w->attn_norm));
    op_linear(d, a->q, s->normed, w->q);
    op_linear(d, s->k, s->normed, w->k);
    op_linear(d, s->v, s->normed, w->v);
    if (p->c->qk_norm) {
        carry(a->q_raw, a->q);
        carry(a->k_raw, s->k);
        head_norm(p, a->q, a->q_inv, a->q_raw, w->q_norm);
        head_norm(p, s->k, a->k_inv, a->k_raw, w->k_norm);
    }
    op_rope(d, a->q, H, p->position, p->rope);
    op_rope(d, s->k, K, p->position, p->rope);
    op_kv_store(d, &p->att, s->k, s->v);
    op_attention(d, a->heads, a->stats, a->q, &p->att);
    carry(a->mid, a->x);
    add_linear(p, a->mid, a->heads, w->o, w->attn_post_norm, a->attn_out, a->post_inv1);

    op_rmsnorm(d, s->normed, a->inv2, a->mid, norm(p, w->ffn_norm));
    op_linear(d, a->gate, s->normed, w->gate);
    op_linear(d, a->up, s->normed, w->up);
    op_glu(d, s->h, a->gate, a->up, glu_kind(p->c));
    carry(out, a->mid);
    add_linear(p, out, s->h, w->down, w->ffn_post_norm, a->ffn_out, a->post_inv2);
}

/* The gradient that enters a block's last linear layer: dx itself, or through the norm behind that layer. */
static Tensor through_post_norm(const Pass *p, Tensor dx, Matrix dpost, Tensor out, Tensor inv, Matrix post)
{
    if (!p->c->post_norms)
        return dx;
    op_rmsnorm_back(p->d, p->s->dnormed, dpost, dx, out, inv, norm(p, post));
    return p->s->dnormed;
}

/* dx holds the gradient of the layer's output and becomes that of its input. */
static void layer_backward(const Pass *p, const Layer *w, Layer *dw, LayerActs *a, Tensor dx)
{
    Device *d = p->d;
    Acts *s = p->s;
    int H = p->c->heads, K = p->c->kv_heads;

    Tensor dout = through_post_norm(p, dx, dw->ffn_post_norm, a->ffn_out, a->post_inv2, w->ffn_post_norm);
    op_linear_back_x(d, s->dh, dout, w->down);
    op_glu_back(d, a->gate, a->up, s->h, s->dh, a->gate, a->up, glu_kind(p->c)); /* gate, up: now their gradients */
    op_linear_back_w(d, dw->down, dout, s->h);
    op_rmsnorm(d, s->normed, a->inv2, a->mid, norm(p, w->ffn_norm)); /* again: cheaper than keeping it */
    op_linear_back_w(d, dw->up, a->up, s->normed);
    op_linear_back_w(d, dw->gate, a->gate, s->normed);
    op_linear_back_x(d, s->dnormed, a->up, w->up);
    op_linear_back_x_add(d, s->dnormed, a->gate, w->gate);
    op_rmsnorm_back_add(d, dx, dw->ffn_norm, s->dnormed, a->mid, a->inv2, norm(p, w->ffn_norm));

    dout = through_post_norm(p, dx, dw->attn_post_norm, a->attn_out, a->post_inv1, w->attn_post_norm);
    op_linear_back_w(d, dw->o, dout, a->heads);
    op_linear_back_x(d, s->dheads, dout, w->o);
    op_attention_back(d, s->dq, s->dk, s->dv, s->dheads, a->q, a->stats, &p->att);
    op_rope_back(d, s->dk, K, p->position, p->rope);
    op_rope_back(d, s->dq, H, p->position, p->rope);
    if (p->c->qk_norm) {
        head_norm_back(p, s->dk, dw->k_norm, a->k_raw, a->k_inv, w->k_norm);
        head_norm_back(p, s->dq, dw->q_norm, a->q_raw, a->q_inv, w->q_norm);
    }
    op_rmsnorm(d, s->normed, a->inv1, a->x, norm(p, w->attn_norm)); /* again */
    op_linear_back_w(d, dw->v, s->dv, s->normed);
    op_linear_back_w(d, dw->k, s->dk, s->normed);
    op_linear_back_w(d, dw->q, s->dq, s->normed);
    op_linear_back_x(d, s->dnormed, s->dv, w->v);
    op_linear_back_x_add(d, s->dnormed, s->dk, w->k);
    op_linear_back_x_add(d, s->dnormed, s->dq, w->q);
    op_rmsnorm_back_add(d, dx, dw->attn_norm, s->dnormed, a->x, a->inv1, norm(p, w->attn_norm));
}

/* Layer l's view of attention and of positions. */
static void enter_layer(Pass *p, const Model *m, int l)
{
    bool local = m->config.local[l];
    p->att.layer = l;
    p->att.window = local ? m->config.window : 0;
    p->rope = model_rope(m, local);
}

static Pass pass_of(Model *m, Forest *f, const Batch *b, Acts *a)
{
    const ModelConfig *c = &m->config;
    Pass p = {.d = m->device, .c = c, .s = a, .position = b->position};
    p.att = (Attention){.heads = c->heads,
                        .kv_heads = c->kv_heads,
                        .dim = c->head_dim,
                        .scale = c->attn_scale,
                        .spans = f->span,
                        .runs = b->run,
                        .n_runs = b->runs};
    return p;
}

/* --- memory --------------------------------------------------------------------------------------------- */

/* Counts, or hands out, the tensors of a pass. */
typedef struct Take {
    Arena *arena; /* NULL: only count */
    int rows;
    size_t floats;
} Take;

static void take(Take *t, Tensor *x, int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    t->floats += (n + 15) / 16 * 16;
    *x = tensor(t->arena ? arena_floats(t->arena, n) : NULL, rows, cols);
}

static void take_layer(Take *t, const ModelConfig *c, bool training, LayerActs *a, Tensor stream)
{
    int T = t->rows, C = c->width, Q = c->heads * c->head_dim, KD = c->kv_heads * c->head_dim;
    a->x = a->mid = stream;
    if (training) {
        take(t, &a->x, T, C);
        take(t, &a->mid, T, C);
    }
    take(t, &a->inv1, T, 1);
    take(t, &a->q, T, Q);
    if (c->qk_norm) {
        take(t, &a->q_raw, T, Q);
        take(t, &a->k_raw, T, KD);
        take(t, &a->q_inv, T * c->heads, 1);
        take(t, &a->k_inv, T * c->kv_heads, 1);
    }
    take(t, &a->stats, T, 2 * c->heads);
    take(t, &a->heads, T, Q);
    take(t, &a->inv2, T, 1);
    take(t, &a->gate, T, c->ffn);
    take(t, &a->up, T, c->ffn);
    if (c->post_norms) {
        take(t, &a->attn_out, T, C);
        take(t, &a->post_inv1, T, 1);
        take(t, &a->ffn_out, T, C);
        take(t, &a->post_inv2, T, 1);
    }
}

static size_t take_all(Take *t, const ModelConfig *c, bool training, Acts *a)
{
    int T = t->rows, C = c->width, Q = c->heads * c->head_dim, KD = c->kv_heads * c->head_dim;
    take(t, &a->hidden, T, C);
    take(t, &a->normed, T, C);
    take(t, &a->k, T, KD);
    take(t, &a->v, T, KD);
    take(t, &a->h, T, c->ffn);
    if (training) {
        take(t, &a->dnormed, T, C);
        take(t, &a->dq, T, Q);
        take(t, &a->dheads, T, Q);
        take(t, &a->dk, T, KD);
        take(t, &a->dv, T, KD);
        take(t, &a->dh, T, c->ffn);
    }
    for (int l = 0; l < c->layers; l++)
        if (l == 0 || training)
            take_layer(t, c, training, &a->layer[l], a->hidden);
        else
            a->layer[l] = a->layer[0];
    return t->floats;
}

size_t acts_bytes(const ModelConfig *c, int rows, bool training)
{
    Acts *a = mem_zalloc(1, sizeof *a);
    Take t = {.rows = rows};
    size_t floats = take_all(&t, c, training, a);
    free(a);
    return floats * sizeof(float);
}

static bool acts_prepare(Acts *a, const ModelConfig *c, int rows, bool training, Err *err)
{
    if (!arena_reserve(&a->arena, acts_bytes(c, rows, training), "activations", err))
        return false;
    Take t = {.arena = &a->arena, .rows = rows};
    take_all(&t, c, training, a);
    a->rows = rows;
    a->training = training;
    return true;
}

void acts_release(Acts *a)
{
    arena_release(&a->arena);
}

/* --- passes --------------------------------------------------------------------------------------------- */

static int last_position(const Batch *b)
{
    int last = 0;
    for (int t = 0; t < b->rows; t++)
        last = b->position[t] > last ? b->position[t] : last;
    return last;
}

bool transformer_forward(Model *m, Forest *f, const Batch *b, bool training, Acts *a, Err *err)
{
    const ModelConfig *c = &m->config;
    if (!acts_prepare(a, c, b->rows, training, err) || !model_reserve_positions(m, last_position(b) + 1, err))
        return false;
    Pass p = pass_of(m, f, b, a);
    op_embed(m->device, a->layer[0].x, m->w.embed, b->id, c->embed_scale);
    for (int l = 0; l < c->layers; l++) {
        enter_layer(&p, m, l);
        layer_forward(&p, &m->w.layer[l], &a->layer[l], l + 1 < c->layers ? a->layer[l + 1].x : a->hidden);
    }
    return device_ok(m->device, err);
}

bool transformer_backward(Model *m, Weights *dw, Forest *f, const Batch *b, Acts *a, Tensor dhidden, Err *err)
{
    assert(a->training && a->rows == b->rows);
    Pass p = pass_of(m, f, b, a);
    for (int l = m->config.layers - 1; l >= 0; l--) {
        enter_layer(&p, m, l);
        layer_backward(&p, &m->w.layer[l], &dw->layer[l], &a->layer[l], dhidden);
    }
    op_embed_back(m->device, dw->embed, dhidden, b->id, m->config.embed_scale);
    return device_ok(m->device, err);
}

double transformer_flops(const ModelConfig *c, double rows, double attended)
{
    double q = (double)c->heads * c->head_dim, kv = (double)c->kv_heads * c->head_dim;
    double products = (double)c->width * (2 * q + 2 * kv) + 3.0 * c->width * c->ffn;
    return c->layers * (2 * products * rows + 4 * q * attended);
}
