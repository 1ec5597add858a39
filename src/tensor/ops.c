/* Operations: shapes checked once, then the device's kernels. */
#include "tensor/ops.h"

#include "tensor/kernels.h"

#include <assert.h>

static bool same(Tensor a, Tensor b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

static bool same_matrix(Matrix a, Matrix b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

void op_linear(Device *d, Tensor y, Tensor x, Matrix w)
{
    assert(y.rows == x.rows && y.cols == w.rows && x.cols == w.cols);
    d->kernels->linear(d, y, x, w, false);
}

void op_linear_add(Device *d, Tensor y, Tensor x, Matrix w)
{
    assert(y.rows == x.rows && y.cols == w.rows && x.cols == w.cols);
    d->kernels->linear(d, y, x, w, true);
}

void op_linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w)
{
    assert(dy.rows == dx.rows && dy.cols == w.rows && dx.cols == w.cols);
    d->kernels->linear_back_x(d, dx, dy, w, false);
}

void op_linear_back_x_add(Device *d, Tensor dx, Tensor dy, Matrix w)
{
    assert(dy.rows == dx.rows && dy.cols == w.rows && dx.cols == w.cols);
    d->kernels->linear_back_x(d, dx, dy, w, true);
}

void op_linear_back_w(Device *d, Matrix dw, Tensor dy, Tensor x)
{
    assert(dy.rows == x.rows && dy.cols == dw.rows && x.cols == dw.cols);
    d->kernels->linear_back_w(d, dw, dy, x);
}

void op_embed(Device *d, Tensor y, Matrix w, const int *id, float scale)
{
    assert(y.cols == w.cols);
    d->kernels->embed(d, y, w, id, scale);
}

void op_embed_back(Device *d, Matrix dw, Tensor dy, const int *id, float scale)
{
    assert(dy.cols == dw.cols);
    d->kernels->embed_back(d, dw, dy, id, scale);
}

void op_rmsnorm(Device *d, Tensor y, Tensor inv, Tensor x, Norm norm)
{
    assert(same(y, x) && inv.rows == x.rows && inv.cols == 1 && norm.weight.rows == x.cols);
    d->kernels->rmsnorm(d, y, inv, x, norm);
}

void op_rmsnorm_back(Device *d, Tensor dx, Matrix dweight, Tensor dy, Tensor x, Tensor inv, Norm norm)
{
    assert(same(dx, x) && same(dy, x) && inv.rows == x.rows && same_matrix(dweight, norm.weight));
    d->kernels->rmsnorm_back(d, dx, dweight, dy, x, inv, norm, false);
}

void op_rmsnorm_back_add(Device *d, Tensor dx, Matrix dweight, Tensor dy, Tensor x, Tensor inv, Norm norm)
{
    assert(same(dx, x) && same(dy, x) && inv.rows == x.rows && same_matrix(dweight, norm.weight));
    d->kernels->rmsnorm_back(d, dx, dweight, dy, x, inv, norm, true);
}

void op_rope(Device *d, Tensor x, int heads, const int *position, RopeTable table)
{
    assert(x.cols % heads == 0 && 2 * table.half <= x.cols / heads);
    d->kernels->rope(d, x, heads, position, table, false);
}

void op_rope_back(Device *d, Tensor dx, int heads, const int *position, RopeTable table)
{
    assert(dx.cols % heads == 0 && 2 * table.half <= dx.cols / heads);
    d->kernels->rope(d, dx, heads, position, table, true);
}

size_t kv_layer_floats(int kv_heads, int dim, int cap)
{
    size_t padded = (size_t)(dim + PANEL - 1) / PANEL * PANEL;
    return 2 * (size_t)kv_heads * padded * (size_t)cap;
}

void op_kv_store(Device *d, const Attention *a, Tensor k, Tensor v)
{
    assert(same(k, v) && k.cols == a->kv_heads * a->dim);
    d->kernels->kv_store(d, a, k, v);
}

void op_attention(Device *d, Tensor out, Tensor stats, Tensor q, const Attention *a)
{
    assert(same(out, q) && q.cols == a->heads * a->dim && a->heads % a->kv_heads == 0);
    assert(stats.rows == q.rows && stats.cols == 2 * a->heads);
    d->kernels->attention(d, out, stats, q, a);
}

void op_attention_back(Device *d, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor stats,
                       const Attention *a)
{
    assert(same(dq, q) && same(dout, q) && same(dk, dv) && dk.rows == q.rows);
    assert(stats.rows == q.rows && stats.cols == 2 * a->heads && dk.cols == a->kv_heads * a->dim);
    for (int r = 0; r < a->n_runs; r++)
        for (int i = 0; i < a->runs[r].path_n; i++) {
            const KvSpan *s = &a->spans[a->runs[r].path[i]];
            assert((s->n == 0 || s->row >= 0) && "a span on a path is not in the batch");
        }
    d->kernels->attention_back(d, dq, dk, dv, dout, q, stats, a);
}

void op_glu(Device *d, Tensor h, Tensor gate, Tensor up, GluKind kind)
{
    assert(same(h, gate) && same(h, up));
    d->kernels->glu(d, h, gate, up, kind);
}

void op_glu_back(Device *d, Tensor dgate, Tensor dup, Tensor h, Tensor dh, Tensor gate, Tensor up, GluKind kind)
{
    assert(same(dgate, gate) && same(dup, gate) && same(h, gate) && same(dh, gate) && same(up, gate));
    d->kernels->glu_back(d, dgate, dup, h, dh, gate, up, kind);
}

void op_add(Device *d, Tensor y, Tensor x)
{
    assert(same(y, x));
    d->kernels->add(d, y, x);
}

void op_zero(Device *d, Tensor y)
{
    (void)d;
    memset(y.at, 0, tensor_count(y) * sizeof(float));
}

void op_gather(Device *d, Tensor y, Tensor x, const int *row)
{
    assert(y.cols == x.cols);
    d->kernels->gather(d, y, x, row);
}

void op_scatter_add(Device *d, Tensor dx, Tensor dy, const int *row)
{
    assert(dx.cols == dy.cols);
    d->kernels->scatter_add(d, dx, dy, row);
}

void op_vocab_scan(Device *d, VocabScan *scan, Tensor logits, int first)
{
    assert(logits.rows == scan->rows && first % VOCAB_CHUNK == 0 && logits.cols <= VOCAB_CHUNK);
    assert(!scan->cross == !scan->reference);
    d->kernels->vocab_scan(d, scan, logits, first);
}

int op_vocab_pick(Device *d, const float *logits, int n, float max, float inv_temperature, double mass)
{
    assert(n > 0 && n <= VOCAB_BLOCK);
    return d->kernels->vocab_pick(logits, n, max, inv_temperature, mass);
}

void op_vocab_back(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef)
{
    d->kernels->vocab_back(d, logits, first, target, log_z, coef);
}

void op_vocab_back_kl(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef,
                      VocabKl kl)
{
    assert(same(logits, kl.reference));
    d->kernels->vocab_back_kl(d, logits, first, target, log_z, coef, kl);
}

double op_sum_squares(Device *d, Matrix m)
{
    return d->kernels->sum_squares(d, m);
}

void op_adamw(Device *d, Matrix w, Matrix m, Matrix v, Matrix g, AdamW h)
{
    assert(same_matrix(w, m) && same_matrix(w, v) && same_matrix(w, g));
    d->kernels->adamw(d, w, m, v, g, h);
}

void op_adafactor(Device *d, Matrix w, float *row, float *col, Matrix g, Adafactor h)
{
    assert(same_matrix(w, g));
    d->kernels->adafactor(d, w, row, col, g, h);
}

double device_peak_gflops(Device *d)
{
    return d->kernels->peak(d);
}

void matrix_set_row(Matrix m, int row, const float *values)
{
    float *at = m.at + matrix_at(m, row, 0);
    for (int c = 0; c < m.cols; c++)
        at[(size_t)c * PANEL] = values[c];
}

void matrix_get_row(Matrix m, int row, float *values)
{
    const float *at = m.at + matrix_at(m, row, 0);
    for (int c = 0; c < m.cols; c++)
        values[c] = at[(size_t)c * PANEL];
}
