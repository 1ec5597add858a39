/* The transformer: forward is a list of operations, backward is the list reversed. */
#include "model/transformer.h"

#include "tensor/packed.h"

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

Norm model_norm(const ModelConfig *c, Matrix weight, Matrix bias)
{
    return (Norm){weight, c->norm_eps, c->norm_plus_one, bias};
}

static const Matrix no_bias = {0};

/* The norms without a bias: of heads, and behind the blocks. */
static Norm norm(const Pass *p, Matrix weight)
{
    return model_norm(p->c, weight, no_bias);
}

/* Of a layer's input. */
static Norm attn_norm(const Pass *p, const Layer *w)
{
    return model_norm(p->c, w->attn_norm, w->attn_norm_bias);
}

/* Of what enters the feed-forward block. */
static Norm ffn_norm(const Pass *p, const Layer *w)
{
    return model_norm(p->c, w->ffn_norm, w->ffn_norm_bias);
}

/* Rows of an adapter's rank. */
static Tensor low_rows(Tensor scratch, Linear l)
{
    return tensor(scratch.at, scratch.rows, l.a.rows);
}

static void scale_rows(Tensor x, float by)
{
    for (size_t i = 0; i < tensor_count(x); i++)
        x.at[i] *= by;
}

/* scale x A^T */
static Tensor lowered(const Pass *p, Tensor x, Linear l)
{
    Tensor low = low_rows(p->s->low, l);
    op_linear(p->d, low, x, l.a);
    scale_rows(low, l.scale);
    return low;
}

/* What stands beside the product with W: the bias, and the adapter's scale (x A^T) B^T. */
static void add_beside(const Pass *p, Tensor y, Tensor x, Linear l)
{
    if (l.bias.rows)
        op_bias(p->d, y, l.bias);
    if (l.a.rows)
        op_linear_add(p->d, y, lowered(p, x, l), l.b);
}

/* y = x W^T and what stands beside it. */
static void linear(const Pass *p, Tensor y, Tensor x, Linear l)
{
    op_linear(p->d, y, x, l.w);
    add_beside(p, y, x, l);
}

/* The gradients of A and B. Where several layers share A it is one product of the sum of what comes through their B, which is
 * whole at the first of them: they go backwards. */
static void adapter_back_w(const Pass *p, Linear l, Linear dl, Tensor dy, Tensor x)
{
    Tensor dlow = low_rows(p->s->dlow, l);
    op_linear_back_w(p->d, dl.b, dy, lowered(p, x, l));
    op_linear_back_x_add(p->d, dlow, dy, l.b);
    if (l.shares_a)
        return;
    scale_rows(dlow, l.scale);
    op_linear_back_w(p->d, dl.a, dlow, x);
    memset(dlow.at, 0, tensor_count(dlow) * sizeof(float));
}

/* The gradients of what is trained of W, bias, A and B. */
static void linear_back_w(const Pass *p, Linear l, Linear dl, Tensor dy, Tensor x)
{
    if (dl.w.rows)
        op_linear_back_w(p->d, dl.w, dy, x);
    if (dl.bias.rows)
        op_bias_back(p->d, dl.bias, dy);
    if (dl.b.rows)
        adapter_back_w(p, l, dl, dy, x);
}

/* dx += scale (dy B) A */
static void adapter_back_x_add(const Pass *p, Tensor dx, Tensor dy, Linear l)
{
    Tensor low = low_rows(p->s->low, l);
    op_linear_back_x(p->d, low, dy, l.b);
    scale_rows(low, l.scale);
    op_linear_back_x_add(p->d, dx, low, l.a);
}

/* dx = dy W, and through the adapter. */
static void linear_back_x(const Pass *p, Tensor dx, Tensor dy, Linear l)
{
    op_linear_back_x(p->d, dx, dy, l.w);
    if (l.a.rows)
        adapter_back_x_add(p, dx, dy, l);
}

/* The same added to dx. */
static void linear_back_x_add(const Pass *p, Tensor dx, Tensor dy, Linear l)
{
    op_linear_back_x_add(p->d, dx, dy, l.w);
    if (l.a.rows)
        adapter_back_x_add(p, dx, dy, l);
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
    op_norm(p->d, tensor_split(y, p->c->head_dim), inv, tensor_split(x, p->c->head_dim), norm(p, weight));
}

static void head_norm_back(const Pass *p, Tensor dx, Matrix dweight, Tensor x, Tensor inv, Matrix weight)
{
    int D = p->c->head_dim;
    op_norm_back(p->d, tensor_split(dx, D), dweight, no_bias, tensor_split(dx, D), tensor_split(x, D), inv,
                 norm(p, weight));
}

/* y += x W^T and what stands beside it, with the norm of the sum's second term where the architecture has one. */
static void add_linear(const Pass *p, Tensor y, Tensor x, Linear l, Matrix post, Tensor out, Tensor inv)
{
    if (!p->c->post_norms) {
        op_linear_add(p->d, y, x, l.w);
        add_beside(p, y, x, l);
        return;
    }
    linear(p, out, x, l);
    op_norm(p->d, p->s->normed, inv, out, norm(p, post));
    op_add(p->d, y, p->s->normed);
}

/* h from the normed rows. */
static void feed_forward(const Pass *p, const Layer *w, LayerActs *a)
{
    Acts *s = p->s;
    linear(p, a->up, s->normed, w->up);
    if (p->c->ungated) {
        op_act(p->d, s->h, a->up, p->c->activation);
        return;
    }
    linear(p, a->gate, s->normed, w->gate);
    op_glu(p->d, s->h, a->gate, a->up, p->c->activation);
}

/* All of a layer but what it gives: mid, and h. */
static void layer_inside(const Pass *p, const Layer *w, LayerActs *a)
{
    Device *d = p->d;
    const ModelConfig *c = p->c;
    Acts *s = p->s;

    op_norm(d, s->normed, a->stats1, a->x, attn_norm(p, w));
    linear(p, a->q, s->normed, w->q);
    linear(p, s->k, s->normed, w->k);
    linear(p, s->v, s->normed, w->v);
    if (c->qk_norm) {
        carry(a->q_raw, a->q);
        carry(a->k_raw, s->k);
        head_norm(p, a->q, a->q_inv, a->q_raw, w->q_norm);
        head_norm(p, s->k, a->k_inv, a->k_raw, w->k_norm);
    }
    if (c->rotary_dim) {
        op_rope(d, a->q, c->heads, p->position, p->rope);
        op_rope(d, s->k, c->kv_heads, p->position, p->rope);
    }
    op_kv_store(d, &p->att, s->k, s->v);
    op_attention(d, a->heads, a->stats, a->q, &p->att);
    if (c->parallel) /* both blocks read x, which may be about to become mid */
        op_norm(d, s->normed, a->stats2, a->x, ffn_norm(p, w));
    carry(a->mid, a->x);
    add_linear(p, a->mid, a->heads, w->o, w->attn_post_norm, a->attn_out, a->post_inv1);

    if (!c->parallel)
        op_norm(d, s->normed, a->stats2, a->mid, ffn_norm(p, w));
    feed_forward(p, w, a);
}

static void layer_out(const Pass *p, const Layer *w, LayerActs *a, Tensor out)
{
    carry(out, a->mid);
    add_linear(p, out, p->s->h, w->down, w->ffn_post_norm, a->ffn_out, a->post_inv2);
}

static void layer_forward(const Pass *p, const Layer *w, LayerActs *a, Tensor out)
{
    layer_inside(p, w, a);
    layer_out(p, w, a, out);
}

/* What backward wants of a layer, from its input and the keys and values of its ancestors. */
static void layer_again(const Pass *p, const Layer *w, LayerActs *a)
{
    layer_inside(p, w, a);
    if (p->c->post_norms)
        layer_out(p, w, a, p->s->again);
}

/* The gradient that enters a block's last linear layer: dx itself, or through the norm behind that layer. */
static Tensor through_post_norm(const Pass *p, Tensor dx, Matrix dpost, Tensor out, Tensor inv, Matrix post)
{
    if (!p->c->post_norms)
        return dx;
    op_norm_back(p->d, p->s->dnormed, dpost, no_bias, dx, out, inv, norm(p, post));
    return p->s->dnormed;
}

/* From dh, the gradients of the block's weights, and of the rows that it read into dnormed. */
static void feed_forward_back(const Pass *p, const Layer *w, Layer *dw, LayerActs *a, Tensor dout)
{
    Device *d = p->d;
    Acts *s = p->s;
    Activation act = p->c->activation;
    if (p->c->ungated) /* gate, up: now their gradients */
        op_act_back(d, a->up, s->h, s->dh, a->up, act);
    else
        op_glu_back(d, a->gate, a->up, s->h, s->dh, a->gate, a->up, act);
    linear_back_w(p, w->down, dw->down, dout, s->h);
    op_norm(d, s->normed, a->stats2, p->c->parallel ? a->x : a->mid,
            ffn_norm(p, w)); /* again: cheaper than keeping it */
    linear_back_w(p, w->up, dw->up, a->up, s->normed);
    if (!p->c->ungated)
        linear_back_w(p, w->gate, dw->gate, a->gate, s->normed);
    linear_back_x(p, s->dnormed, a->up, w->up);
    if (!p->c->ungated)
        linear_back_x_add(p, s->dnormed, a->gate, w->gate);
}

/* dx holds the gradient of the layer's output and becomes that of its input. */
static void layer_backward(const Pass *p, const Layer *w, Layer *dw, LayerActs *a, Tensor dx)
{
    Device *d = p->d;
    const ModelConfig *c = p->c;
    Acts *s = p->s;

    Tensor dout = through_post_norm(p, dx, dw->ffn_post_norm, a->ffn_out, a->post_inv2, w->ffn_post_norm);
    linear_back_x(p, s->dh, dout, w->down);
    feed_forward_back(p, w, dw, a, dout);
    if (!c->parallel)
        op_norm_back_add(d, dx, dw->ffn_norm, dw->ffn_norm_bias, s->dnormed, a->mid, a->stats2, ffn_norm(p, w));

    dout = through_post_norm(p, dx, dw->attn_post_norm, a->attn_out, a->post_inv1, w->attn_post_norm);
    linear_back_w(p, w->o, dw->o, dout, a->heads);
    linear_back_x(p, s->dheads, dout, w->o);
    if (c->parallel)
        op_norm_back_add(d, dx, dw->ffn_norm, dw->ffn_norm_bias, s->dnormed, a->x, a->stats2, ffn_norm(p, w));
    op_attention_back(d, s->dq, s->dk, s->dv, s->dheads, a->q, a->stats, &p->att);
    if (c->rotary_dim) {
        op_rope_back(d, s->dk, c->kv_heads, p->position, p->rope);
        op_rope_back(d, s->dq, c->heads, p->position, p->rope);
    }
    if (c->qk_norm) {
        head_norm_back(p, s->dk, dw->k_norm, a->k_raw, a->k_inv, w->k_norm);
        head_norm_back(p, s->dq, dw->q_norm, a->q_raw, a->q_inv, w->q_norm);
    }
    op_norm(d, s->normed, a->stats1, a->x, attn_norm(p, w)); /* again */
    linear_back_w(p, w->v, dw->v, s->dv, s->normed);
    linear_back_w(p, w->k, dw->k, s->dk, s->normed);
    linear_back_w(p, w->q, dw->q, s->dq, s->normed);
    linear_back_x(p, s->dnormed, s->dv, w->v);
    linear_back_x_add(p, s->dnormed, s->dk, w->k);
    linear_back_x_add(p, s->dnormed, s->dq, w->q);
    op_norm_back_add(d, dx, dw->attn_norm, dw->attn_norm_bias, s->dnormed, a->x, a->stats1, attn_norm(p, w));
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
                        .cap = c->attn_cap,
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

/* All that backward may want of a layer but x and mid. */
static void take_layer(Take *t, const ModelConfig *c, LayerActs *a)
{
    int T = t->rows, C = c->width, Q = c->heads * c->head_dim, KD = c->kv_heads * c->head_dim;
    take(t, &a->stats1, T, norm_stats(c->layer_norm));
    take(t, &a->q, T, Q);
    if (c->qk_norm) {
        take(t, &a->q_raw, T, Q);
        take(t, &a->k_raw, T, KD);
        take(t, &a->q_inv, T * c->heads, 1);
        take(t, &a->k_inv, T * c->kv_heads, 1);
    }
    take(t, &a->stats, T, 2 * c->heads);
    take(t, &a->heads, T, Q);
    take(t, &a->stats2, T, norm_stats(c->layer_norm));
    if (!c->ungated)
        take(t, &a->gate, T, c->ffn);
    take(t, &a->up, T, c->ffn);
    if (c->post_norms) {
        take(t, &a->attn_out, T, C);
        take(t, &a->post_inv1, T, 1);
        take(t, &a->ffn_out, T, C);
        take(t, &a->post_inv2, T, 1);
    }
}

static void take_layers(Take *t, const ModelConfig *c, Keep keep, Acts *a)
{
    for (int l = 0; l < c->layers; l++) {
        LayerActs *own = &a->layer[l];
        if (l > 0 && keep != KEEP_ALL)
            *own = a->layer[0];
        else
            take_layer(t, c, own);
        own->x = a->hidden;
        if (keep != KEEP_NOTHING)
            take(t, &own->x, t->rows, c->width);
        if (keep == KEEP_NOTHING)
            own->mid = a->hidden;
        else if (l == 0 || keep == KEEP_ALL)
            take(t, &own->mid, t->rows, c->width);
    }
}

static size_t take_all(Take *t, const ModelConfig *c, Keep keep, Acts *a)
{
    int T = t->rows, C = c->width, Q = c->heads * c->head_dim, KD = c->kv_heads * c->head_dim;
    take(t, &a->hidden, T, C);
    take(t, &a->normed, T, C);
    take(t, &a->k, T, KD);
    take(t, &a->v, T, KD);
    take(t, &a->h, T, c->ffn);
    take(t, &a->low, T, c->lora_rank);
    if (keep != KEEP_NOTHING) {
        take(t, &a->dnormed, T, C);
        take(t, &a->dq, T, Q);
        take(t, &a->dheads, T, Q);
        take(t, &a->dk, T, KD);
        take(t, &a->dv, T, KD);
        take(t, &a->dh, T, c->ffn);
        take(t, &a->dlow, T, c->lora_rank);
    }
    if (keep == KEEP_INPUTS && c->post_norms)
        take(t, &a->again, T, C);
    take_layers(t, c, keep, a);
    return t->floats;
}

size_t acts_bytes(const ModelConfig *c, int rows, Keep keep)
{
    Acts *a = mem_zalloc(1, sizeof *a);
    Take t = {.rows = rows};
    size_t floats = take_all(&t, c, keep, a);
    free(a);
    return floats * sizeof(float);
}

static bool acts_prepare(Acts *a, const ModelConfig *c, int rows, Keep keep, Err *err)
{
    if (!arena_reserve(&a->arena, acts_bytes(c, rows, keep), "activations", err))
        return false;
    Take t = {.arena = &a->arena, .rows = rows};
    take_all(&t, c, keep, a);
    a->rows = rows;
    a->keep = keep;
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

bool transformer_forward(Model *m, Forest *f, const Batch *b, Keep keep, Acts *a, Err *err)
{
    const ModelConfig *c = &m->config;
    if (!acts_prepare(a, c, b->rows, keep, err) || !model_reserve_positions(m, last_position(b) + 1, err))
        return false;
    Pass p = pass_of(m, f, b, a);
    op_embed(m->device, a->layer[0].x, m->w.embed, b->id, c->embed_scale);
    if (c->learned_positions)
        op_embed_add(m->device, a->layer[0].x, m->w.positions, b->position);
    for (int l = 0; l < c->layers; l++) {
        enter_layer(&p, m, l);
        layer_forward(&p, &m->w.layer[l], &a->layer[l], l + 1 < c->layers ? a->layer[l + 1].x : a->hidden);
    }
    return device_ok(m->device, err);
}

bool transformer_backward(Model *m, Weights *dw, Forest *f, const Batch *b, Acts *a, Tensor dhidden, Err *err)
{
    assert(a->keep != KEEP_NOTHING && a->rows == b->rows);
    Pass p = pass_of(m, f, b, a);
    memset(a->dlow.at, 0, tensor_count(a->dlow) * sizeof(float));
    for (int l = m->config.layers - 1; l >= 0; l--) {
        enter_layer(&p, m, l);
        if (a->keep == KEEP_INPUTS)
            layer_again(&p, &m->w.layer[l], &a->layer[l]);
        layer_backward(&p, &m->w.layer[l], &dw->layer[l], &a->layer[l], dhidden);
    }
    if (dw->positions.rows)
        op_embed_back(m->device, dw->positions, dhidden, b->position, 1);
    if (dw->embed.rows)
        op_embed_back(m->device, dw->embed, dhidden, b->id, m->config.embed_scale);
    return device_ok(m->device, err);
}

size_t unpacked_bytes(const Model *m, int rows, int head)
{
    Weights *w = (Weights *)(uintptr_t)&m->w; /* only read */
    ParamList list = params_list(w, &m->config);
    int chunk = w->lm_head.rows < VOCAB_CHUNK ? w->lm_head.rows : VOCAB_CHUNK;
    size_t most = w->lm_head.packed && head ? packed_room(matrix_rows(w->lm_head, 0, chunk), head) : 0;
    for (int i = 0; rows && i < list.n; i++) {
        const Param *p = &list.param[i];
        size_t room = p->linear >= 0 && p->matrix->packed ? packed_room(*p->matrix, rows) : 0;
        most = room > most ? room : most;
    }
    params_free(&list);
    return most;
}

double transformer_flops(const ModelConfig *c, double rows, double attended)
{
    double q = (double)c->heads * c->head_dim, kv = (double)c->kv_heads * c->head_dim;
    double products = (double)c->width * (2 * q + 2 * kv) + (c->ungated ? 2.0 : 3.0) * c->width * c->ffn;
    return c->layers * (2 * products * rows + 4 * q * attended);
}
