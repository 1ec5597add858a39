/* Central differences for every operation that has a backward: the loss is sum dout out in double, with random
 * dout, and every entry of every input's gradient is compared. No operation of ops.h is left out. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/real.h"

enum { VARS = 3, MOST_ENTRIES = 700 };

/* One input of an operation, and its gradient: rows x cols, or a packed matrix. */
typedef struct Var {
    const char *name;
    float *at, *grad, *base; /* base: what grad held before backward; NULL: backward sets it */
    int rows, cols;
    bool packed;
} Var;

/* One operation on one shape. */
typedef struct Job {
    Device *d;
    const int *s;
    Var var[VARS];
    int vars;
    Tensor out, dout;
    int *id;
    RopeTable table;
    Tensor stats; /* what forward leaves for backward */
    Tensor fixed; /* an input that has no gradient */
    Grove grove;
} Job;

typedef struct Op {
    const char *name;
    void (*setup)(Job *j);
    void (*forward)(Job *j);
    void (*backward)(Job *j);
    int shape[6][6];
} Op;

static size_t floats_of(const Var *v)
{
    return v->packed ? matrix_floats(v->rows, v->cols) : (size_t)v->rows * (size_t)v->cols;
}

/* An input with random numbers. `adds`: backward adds to what its gradient holds. */
static void add_var(Job *j, const char *name, int rows, int cols, bool packed, bool adds, double scale)
{
    Var *v = &j->var[j->vars];
    uint64_t stream = 10 + (uint64_t)j->vars++;
    *v = (Var){.name = name, .rows = rows, .cols = cols, .packed = packed};
    v->at = packed ? random_matrix(rows, cols, stream, scale).at : random_tensor(rows, cols, stream, scale).at;
    v->grad = mem_alloc(floats_of(v), sizeof(float));
    for (size_t i = 0; i < floats_of(v); i++)
        v->grad[i] = NAN; /* has to be overwritten */
    if (!adds)
        return;
    free(v->grad);
    v->grad = packed ? random_matrix(rows, cols, stream + 50, 1).at : random_tensor(rows, cols, stream + 50, 1).at;
    v->base = mem_copy(v->grad, floats_of(v), sizeof(float));
}

static void set_out(Job *j, int rows, int cols)
{
    j->out = zero_tensor(rows, cols);
    j->dout = random_tensor(rows, cols, 100, 1);
}

static Tensor tensor_of(const Var *v)
{
    return tensor(v->at, v->rows, v->cols);
}

static Tensor grad_of(const Var *v)
{
    return tensor(v->grad, v->rows, v->cols);
}

static Matrix matrix_of(const Var *v)
{
    return matrix(v->at, v->rows, v->cols);
}

static Matrix dmatrix_of(const Var *v)
{
    return matrix(v->grad, v->rows, v->cols);
}

/* --- linear: tokens, inputs, outputs, add -------------------------------------------------------------------- */

static void linear_setup(Job *j)
{
    add_var(j, "x", j->s[0], j->s[1], false, j->s[3], 1);
    add_var(j, "w", j->s[2], j->s[1], true, true, 1);
    set_out(j, j->s[0], j->s[2]);
}

static void linear_forward(Job *j)
{
    fill_normal(j->out.at, tensor_count(j->out), 77, 1); /* to be added to, or overwritten */
    (j->s[3] ? op_linear_add : op_linear)(j->d, j->out, tensor_of(&j->var[0]), matrix_of(&j->var[1]));
}

static void linear_backward(Job *j)
{
    (j->s[3] ? op_linear_back_x_add : op_linear_back_x)(j->d, grad_of(&j->var[0]), j->dout, matrix_of(&j->var[1]));
    op_linear_back_w(j->d, dmatrix_of(&j->var[1]), j->dout, tensor_of(&j->var[0]));
}

/* --- embedding: tokens, width, vocabulary, add -------------------------------------------------------------------- */

static void embed_setup(Job *j)
{
    add_var(j, "w", j->s[2], j->s[1], true, true, 1);
    set_out(j, j->s[0], j->s[1]);
    j->id = random_ids(j->s[0], j->s[2], 5);
}

static void embed_forward(Job *j)
{
    fill_normal(j->out.at, tensor_count(j->out), 77, 1); /* to be added to, or overwritten */
    if (j->s[3])
        op_embed_add(j->d, j->out, matrix_of(&j->var[0]), j->id);
    else
        op_embed(j->d, j->out, matrix_of(&j->var[0]), j->id, 2.5f);
}

static void embed_backward(Job *j)
{
    op_embed_back(j->d, dmatrix_of(&j->var[0]), j->dout, j->id, j->s[3] ? 1 : 2.5f);
}

/* --- bias: rows, width --------------------------------------------------------------------------------------- */

static void bias_setup(Job *j)
{
    add_var(j, "b", j->s[1], 1, true, true, 1);
    set_out(j, j->s[0], j->s[1]);
}

static void bias_forward(Job *j)
{
    fill_normal(j->out.at, tensor_count(j->out), 77, 1);
    op_bias(j->d, j->out, matrix_of(&j->var[0]));
}

static void bias_backward(Job *j)
{
    op_bias_back(j->d, dmatrix_of(&j->var[0]), j->dout);
}

/* --- gather: rows taken, width, rows there ------------------------------------------------------------------- */

static void gather_setup(Job *j)
{
    add_var(j, "x", j->s[2], j->s[1], false, true, 1);
    set_out(j, j->s[0], j->s[1]);
    j->id = random_ids(j->s[0], j->s[2], 5);
}

static void gather_forward(Job *j)
{
    op_gather(j->d, j->out, tensor_of(&j->var[0]), j->id);
}

static void gather_backward(Job *j)
{
    op_scatter_add(j->d, grad_of(&j->var[0]), j->dout, j->id);
}

/* --- norms: rows, width, plus one, add, millionths of epsilon, LayerNorm ------------------------------------- */

static const Matrix no_matrix = {0};

static Norm norm_of(const Job *j)
{
    return (Norm){matrix_of(&j->var[1]), (float)j->s[4] * 1e-6f, j->s[2], j->s[5] ? matrix_of(&j->var[2]) : no_matrix};
}

static void norm_setup(Job *j)
{
    add_var(j, "x", j->s[0], j->s[1], false, j->s[3], 1);
    add_var(j, "weight", j->s[1], 1, true, true, 1);
    if (j->s[5])
        add_var(j, "bias", j->s[1], 1, true, true, 1);
    set_out(j, j->s[0], j->s[1]);
    j->stats = zero_tensor(j->s[0], norm_stats(j->s[5]));
}

static void norm_forward(Job *j)
{
    op_norm(j->d, j->out, j->stats, tensor_of(&j->var[0]), norm_of(j));
}

static void norm_backward(Job *j)
{
    (j->s[3] ? op_norm_back_add : op_norm_back)(j->d, grad_of(&j->var[0]), dmatrix_of(&j->var[1]),
                                                j->s[5] ? dmatrix_of(&j->var[2]) : no_matrix, j->dout,
                                                tensor_of(&j->var[0]), j->stats, norm_of(j));
}

/* --- rotary: tokens, heads, size of a head, half of what turns ------------------------------------------------ */

static void rope_setup(Job *j)
{
    size_t n = (size_t)(40 * j->s[3]);
    add_var(j, "x", j->s[0], j->s[1] * j->s[2], false, false, 1);
    set_out(j, j->s[0], j->s[1] * j->s[2]);
    j->id = random_ids(j->s[0], 40, 5);
    j->table = (RopeTable){random_floats(n, 6, 1), random_floats(n, 7, 1), j->s[3], 40};
}

static void rope_forward(Job *j)
{
    memcpy(j->out.at, j->var[0].at, tensor_count(j->out) * sizeof(float));
    op_rope(j->d, j->out, j->s[1], j->id, j->table);
}

static void rope_backward(Job *j)
{
    memcpy(j->var[0].grad, j->dout.at, tensor_count(j->out) * sizeof(float));
    op_rope_back(j->d, grad_of(&j->var[0]), j->s[1], j->id, j->table);
}

/* --- attention: which forest, query heads, key heads, size of a head, window, tenths of the soft cap ------------ */

typedef struct Shape {
    int n, parent[8], length[8];
} Shape;

static const Shape forests[] = {
    {1, {-1}, {19}},                                      /* one sequence */
    {3, {-1, 0, 0}, {7, 5, 11}},                          /* a pair under its prompt */
    {7, {-1, 0, 0, 1, 1, -1, 5}, {9, 3, 1, 17, 2, 5, 6}}, /* prefixes of prefixes, two trees */
    {3, {-1, -1, -1}, {1, 18, 3}},                        /* trees of one segment */
    {2, {-1, 0}, {33, 60}},                               /* more tokens than a block of queries */
};

static void attention_setup(Job *j)
{
    const Shape *f = &forests[j->s[0]];
    int H = j->s[1], K = j->s[2], D = j->s[3];
    grove_init(&j->grove, H, K, D, j->s[4], f->parent, f->length, f->n);
    j->grove.att.scale *= 1.7f; /* not the usual one */
    j->grove.att.cap = (float)j->s[5] * 0.1f;
    add_var(j, "q", j->grove.rows, H * D, false, false, 1);
    add_var(j, "k", j->grove.rows, K * D, false, false, 1);
    add_var(j, "v", j->grove.rows, K * D, false, false, 1);
    set_out(j, j->grove.rows, H * D);
    j->stats = zero_tensor(j->grove.rows, 2 * H);
}

static void attention_forward(Job *j)
{
    op_kv_store(j->d, &j->grove.att, tensor_of(&j->var[1]), tensor_of(&j->var[2]));
    op_attention(j->d, j->out, j->stats, tensor_of(&j->var[0]), &j->grove.att);
}

static void attention_backward(Job *j)
{
    op_attention_back(j->d, grad_of(&j->var[0]), grad_of(&j->var[1]), grad_of(&j->var[2]), j->dout,
                      tensor_of(&j->var[0]), j->stats, &j->grove.att);
}

/* --- activations: rows, width, kind, without a gate -------------------------------------------------------------- */

static void glu_setup(Job *j)
{
    add_var(j, "gate", j->s[0], j->s[1], false, false, 1.5);
    if (!j->s[3])
        add_var(j, "up", j->s[0], j->s[1], false, false, 1);
    set_out(j, j->s[0], j->s[1]);
}

static void glu_forward(Job *j)
{
    if (j->s[3])
        op_act(j->d, j->out, tensor_of(&j->var[0]), (Activation)j->s[2]);
    else
        op_glu(j->d, j->out, tensor_of(&j->var[0]), tensor_of(&j->var[1]), (Activation)j->s[2]);
}

/* In place, as the transformer does it: the gradients overwrite copies of gate and up. h comes out again. */
static void glu_backward(Job *j)
{
    Tensor gate = grad_of(&j->var[0]), up = grad_of(&j->var[1]), h = zero_tensor(gate.rows, gate.cols);
    for (int v = 0; v < j->vars; v++)
        memcpy(j->var[v].grad, j->var[v].at, tensor_count(gate) * sizeof(float));
    if (j->s[3])
        op_act_back(j->d, gate, h, j->dout, gate, (Activation)j->s[2]);
    else
        op_glu_back(j->d, gate, up, h, j->dout, gate, up, (Activation)j->s[2]);
    same_bits("h of backward", h.at, j->out.at, tensor_count(h));
    free(h.at);
}

/* --- cross-entropy over chunks: rows, vocabulary ---------------------------------------------------------------- */

static void vocab_setup(Job *j)
{
    add_var(j, "logits", j->s[0], j->s[1], false, false, 2);
    set_out(j, j->s[0], 1);
    j->id = random_ids(j->s[0], j->s[1], 5);
    for (int r = 0; r < j->s[0] && j->s[1] > VOCAB_CHUNK; r += 2)
        j->id[r] = VOCAB_CHUNK + r / 2; /* targets in either chunk */
    j->stats = zero_tensor(j->s[0], 1);
}

/* Logits of ids first .. as their own tensor, or back. */
static Tensor chunk_of(Tensor logits, int first)
{
    Tensor part = zero_tensor(logits.rows, logits.cols - first < VOCAB_CHUNK ? logits.cols - first : VOCAB_CHUNK);
    for (int r = 0; r < logits.rows; r++)
        memcpy(tensor_rows(part, r, 1).at, tensor_rows(logits, r, 1).at + first, (size_t)part.cols * sizeof(float));
    return part;
}

static void vocab_forward(Job *j)
{
    int n = j->s[0];
    float *max = mem_alloc((size_t)n * 3, sizeof *max), *sum = max + n, *at_target = sum + n;
    VocabScan scan = {.rows = n,
                      .chunks = (j->s[1] + VOCAB_CHUNK - 1) / VOCAB_CHUNK,
                      .max = max,
                      .sum = sum,
                      .target = j->id,
                      .target_logit = at_target};
    for (int first = 0; first < j->s[1]; first += VOCAB_CHUNK) {
        Tensor part = chunk_of(tensor_of(&j->var[0]), first);
        op_vocab_scan(j->d, &scan, part, first);
        free(part.at);
    }
    for (int r = 0; r < n; r++) {
        j->stats.at[r] = (float)((double)max[r] + real_log((double)sum[r]));
        j->out.at[r] = j->stats.at[r] - at_target[r];
    }
    free(max);
}

static void vocab_backward(Job *j)
{
    for (int first = 0; first < j->s[1]; first += VOCAB_CHUNK) {
        Tensor part = chunk_of(tensor_of(&j->var[0]), first);
        op_vocab_back(j->d, part, first, j->id, j->stats.at, j->dout.at);
        for (int r = 0; r < part.rows; r++)
            memcpy(tensor_rows(grad_of(&j->var[0]), r, 1).at + first, tensor_rows(part, r, 1).at,
                   (size_t)part.cols * sizeof(float));
        free(part.at);
    }
}

/* --- the same with the KL from fixed logits: out is [n][2], -log p(target) and KL, whose weight is one for all rows -- */

static const float KL_WEIGHT = 0.7f;

static void vocab_kl_setup(Job *j)
{
    vocab_setup(j);
    free(j->out.at), free(j->dout.at), free(j->stats.at);
    set_out(j, j->s[0], 2);
    for (int r = 0; r < j->s[0]; r++)
        j->dout.at[2 * r + 1] = KL_WEIGHT;
    j->fixed = random_tensor(j->s[0], j->s[1], 60, 2);
    j->stats = zero_tensor(3, j->s[0]); /* log Z, of the reference, KL */
}

static void vocab_kl_forward(Job *j)
{
    int n = j->s[0];
    float *each = mem_alloc((size_t)n * 6, sizeof *each);
    VocabScan scan = {.rows = n, .chunks = 2, .max = each, .sum = each + n, .cross = each + 2 * n};
    VocabScan other = {.rows = n, .chunks = 2, .max = each + 3 * n, .sum = each + 4 * n};
    scan.target = j->id, scan.target_logit = each + 5 * n;
    for (int first = 0; first < j->s[1]; first += VOCAB_CHUNK) {
        Tensor part = chunk_of(tensor_of(&j->var[0]), first), beside = chunk_of(j->fixed, first);
        scan.reference = beside.at;
        op_vocab_scan(j->d, &scan, part, first);
        op_vocab_scan(j->d, &other, beside, first);
        free(part.at), free(beside.at);
    }
    for (int r = 0; r < n; r++) {
        double log_z = (double)scan.max[r] + real_log((double)scan.sum[r]);
        double log_zq = (double)other.max[r] + real_log((double)other.sum[r]);
        double kl = (double)scan.cross[r] / (double)scan.sum[r] - (log_z - log_zq);
        j->stats.at[r] = (float)log_z, j->stats.at[n + r] = (float)log_zq, j->stats.at[2 * n + r] = (float)kl;
        j->out.at[2 * r] = (float)log_z - scan.target_logit[r];
        j->out.at[2 * r + 1] = (float)kl;
    }
    free(each);
}

static void vocab_kl_backward(Job *j)
{
    int n = j->s[0];
    float *coef = mem_alloc((size_t)n, sizeof *coef);
    for (int r = 0; r < n; r++)
        coef[r] = j->dout.at[2 * r];
    for (int first = 0; first < j->s[1]; first += VOCAB_CHUNK) {
        Tensor part = chunk_of(tensor_of(&j->var[0]), first), beside = chunk_of(j->fixed, first);
        VocabKl kl = {beside, j->stats.at + n, j->stats.at + 2 * n, KL_WEIGHT};
        op_vocab_back_kl(j->d, part, first, j->id, j->stats.at, coef, kl);
        for (int r = 0; r < n; r++)
            memcpy(tensor_rows(grad_of(&j->var[0]), r, 1).at + first, tensor_rows(part, r, 1).at,
                   (size_t)part.cols * sizeof(float));
        free(part.at), free(beside.at);
    }
    free(coef);
}

/* --- soft caps: rows, width, tenths of the cap -------------------------------------------------------------------- */

static void cap_setup(Job *j)
{
    add_var(j, "x", j->s[0], j->s[1], false, false, 1.5);
    set_out(j, j->s[0], j->s[1]);
}

static void cap_forward(Job *j)
{
    memcpy(j->out.at, j->var[0].at, tensor_count(j->out) * sizeof(float));
    op_soft_cap(j->d, j->out, (float)j->s[2] * 0.1f);
}

static void cap_backward(Job *j)
{
    memcpy(j->var[0].grad, j->dout.at, tensor_count(j->out) * sizeof(float));
    op_soft_cap_back(j->d, grad_of(&j->var[0]), j->out, (float)j->s[2] * 0.1f);
}

/* --- the comparison ---------------------------------------------------------------------------------------------- */

static double loss(Job *j, const Op *op)
{
    op->forward(j);
    double sum = 0;
    for (size_t i = 0; i < tensor_count(j->out); i++)
        sum += (double)j->out.at[i] * (double)j->dout.at[i];
    return sum;
}

/* The derivative by one number: five points, so that a wide step has no error of its own. */
static double difference(Job *j, const Op *op, float *x)
{
    const float h = 0.03125f, old = *x;
    double f[4];
    static const float step[4] = {-2, -1, 1, 2};
    for (int i = 0; i < 4; i++) {
        *x = old + step[i] * h;
        f[i] = loss(j, op);
    }
    *x = old;
    return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * (double)h);
}

static void check_var(Job *j, const Op *op, Var *v)
{
    for (size_t i = 0; v->base && i < floats_of(v); i++)
        v->grad[i] -= v->base[i];
    double scale = fmax(largest(v->grad, floats_of(v)), 0.01); /* one key alone has a weight of 1: dq is 0 */
    int n = v->rows * v->cols, step = n / MOST_ENTRIES + 1;
    for (int i = 0; i < n; i += step) {
        int r = i / v->cols, c = i % v->cols;
        size_t at = v->packed ? matrix_at(matrix_of(v), r, c) : (size_t)i;
        double wanted = difference(j, op, v->at + at), error = fabs((double)v->grad[at] - wanted) / scale;
        if (!(error < 1e-4))
            fail_msg("%s [%d %d %d %d %d], %s(%d, %d): backward says %.7g, differences %.7g, largest %.3g", op->name,
                     j->s[0], j->s[1], j->s[2], j->s[3], j->s[4], v->name, r, c, (double)v->grad[at], wanted, scale);
    }
    for (size_t i = 0; v->packed && i < floats_of(v); i++)
        if (i % PANEL + i / ((size_t)v->cols * PANEL) * PANEL >= (size_t)v->rows && v->grad[i] != 0)
            fail_msg("%s: the padding of %s's gradient is not zero", op->name, v->name);
}

static void agrees(void **state)
{
    const Op *op = *state;
    for (int i = 0; i < COUNT(op->shape) && op->shape[i][0] + op->shape[i][1]; i++) {
        Job j = {.d = open_device(CPU_AUTO, 1), .s = op->shape[i]};
        op->setup(&j);
        op->forward(&j);
        op->backward(&j);
        Err err = {0};
        need_ok(device_ok(j.d, &err), &err);
        for (int v = 0; v < j.vars; v++)
            check_var(&j, op, &j.var[v]);
        for (int v = 0; v < j.vars; v++)
            free(j.var[v].at), free(j.var[v].grad), free(j.var[v].base);
        free(j.out.at), free(j.dout.at), free(j.stats.at), free(j.fixed.at), free(j.id);
        free((void *)(uintptr_t)j.table.cos), free((void *)(uintptr_t)j.table.sin);
        grove_release(&j.grove);
        device_free(j.d);
    }
}

/* clang-format off */
static Op ops[] = {
    {"linear", linear_setup, linear_forward, linear_backward,
     {{1, 1, 1}, {5, 17, 19}, {33, 9, 40}, {5, 17, 19, 1}, {16, 32, 16, 1}}},
    {"embed", embed_setup, embed_forward, embed_backward,
     {{1, 1, 1}, {9, 21, 5}, {4, 16, 37}, {9, 21, 5, 1}, {4, 16, 37, 1}}},
    {"gather", gather_setup, gather_forward, gather_backward, {{1, 1, 1}, {9, 21, 5}}},
    {"bias", bias_setup, bias_forward, bias_backward, {{1, 1}, {9, 21}, {40, 32}}},
    {"LayerNorm", norm_setup, norm_forward, norm_backward,
     {{3, 17, 0, 0, 10, 1}, {3, 17, 1, 0, 10, 1}, {4, 40, 0, 1, 500000, 1}, {2, 32, 0, 1, 10, 1}, {2, 3, 0, 0, 100, 1}}},
    {"RMS norm", norm_setup, norm_forward, norm_backward,
     {{3, 17, 0, 0, 10}, {3, 17, 1, 0, 10}, {4, 40, 0, 1, 500000}, {4, 24, 1, 1, 500000}, {2, 3, 0, 0, 1}}},
    {"rope", rope_setup, rope_forward, rope_backward, {{5, 3, 24, 12}, {3, 2, 16, 5}, {2, 1, 64, 32}, {4, 2, 2, 1}}},
    {"attention", attention_setup, attention_forward, attention_backward,
     {{0, 1, 1, 16}, {1, 4, 2, 24}, {2, 3, 1, 16}, {2, 4, 4, 8, 6}, {3, 2, 1, 64, 5}, {4, 2, 1, 8}}},
    {"attention, windows", attention_setup, attention_forward, attention_backward,
     {{2, 2, 1, 16, 1}, {4, 6, 2, 7, 16}, {4, 1, 1, 10, 40}, {1, 2, 2, 33, 4}}},
    {"attention, soft caps", attention_setup, attention_forward, attention_backward,
     {{2, 2, 1, 16, 0, 10}, {4, 6, 2, 7, 16, 25}, {3, 2, 1, 8, 5, 40}}},
    {"glu", glu_setup, glu_forward, glu_backward,
     {{3, 17, ACT_SILU}, {3, 17, ACT_GELU_TANH}, {3, 17, ACT_GELU}, {20, 33, ACT_SILU}, {20, 33, ACT_GELU_TANH}, {20, 33, ACT_GELU}}},
    {"act", glu_setup, glu_forward, glu_backward, {{3, 17, ACT_SILU, 1}, {3, 17, ACT_GELU_TANH, 1}, {20, 33, ACT_GELU, 1}}},
    {"soft cap", cap_setup, cap_forward, cap_backward, {{3, 17, 10}, {20, 33, 45}, {1, 1, 20}}},
    {"vocab", vocab_setup, vocab_forward, vocab_backward, {{3, 5}, {4, 130}, {4, 2050}, {1, 1}}},
    {"vocab, KL", vocab_kl_setup, vocab_kl_forward, vocab_kl_backward, {{3, 5}, {4, 130}, {4, 2050}, {1, 1}}},
};
/* clang-format on */

/* --- nothing is left out ------------------------------------------------------------------------------------------ */

static const struct {
    const char *op, *why;
} without[] = {
    {"op_add", "y += x: the gradient of either is that of the sum, as it stands"},
    {"op_vocab_pick", "draws"},
    {"op_sum_squares", "measures gradients"},
    {"op_adamw", "takes gradients"},
    {"op_adafactor", "takes gradients"},
    {"op_unpack", "a copy of weights that nobody trains"},
};

static char *source(const char *path)
{
    Err err = {0};
    char *text;
    size_t n;
    need_ok(file_read(path, 1 << 20, &text, &n, &err), &err);
    return text;
}

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does the text use this name: not as a part of another one, and not between quotes? */
static bool uses(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += n)
        if (at > text && !in_name(at[-1]) && at[-1] != '"' && !in_name(at[n]))
            return true;
    return false;
}

/* Every operation that ops.h declares is called here, or has no gradient: a new one without its row is found. */
static void every_operation(void **state)
{
    (void)state;
    char *header = source("src/tensor/ops.h"), *here = source("tests/tensor/test_gradients.c"), name[60];
    int found = 0, no_gradient = 0;
    for (const char *at = header; (at = strstr(at, "op_")); at++) {
        int n = 0;
        while (n < (int)sizeof name - 1 && in_name(at[n])) {
            name[n] = at[n];
            n++;
        }
        name[n] = 0;
        if (in_name(at[-1]) || at[n] != '(')
            continue;
        bool left_out = false;
        for (int i = 0; i < COUNT(without); i++)
            left_out = left_out || strcmp(name, without[i].op) == 0;
        if (!left_out && !uses(here, name))
            fail_msg("%s has no row in tests/tensor/test_gradients.c", name);
        found++;
        no_gradient += left_out;
    }
    assert_int_equal(no_gradient, COUNT(without));
    assert_true(found > 20);
    free(header);
    free(here);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(ops) + 1];
    for (int i = 0; i < COUNT(ops); i++)
        tests[i] = (struct CMUnitTest){.name = ops[i].name, .test_func = agrees, .initial_state = &ops[i]};
    tests[COUNT(ops)] = (struct CMUnitTest)cmocka_unit_test(every_operation);
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
