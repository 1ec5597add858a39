/* Operations: shapes checked once, then the device's kernels. */
#include "tensor/ops.h"

#include "base/log.h"
#include "tensor/kernels.h"
#include "tensor/packed.h"

#include <assert.h>

#define PROFILED_TEXT(name) #name,
const char *const profiled_name[PROFILED_OPS] = {PROFILED(PROFILED_TEXT)};
#undef PROFILED_TEXT

/* Calls a kernel; the device's profile, where it has one, gets the time and these operations. */
#define RUN(d, name, operations, call)                                                                                 \
    do {                                                                                                               \
        double began = (d)->profile ? clock_seconds() : 0;                                                             \
        call;                                                                                                          \
        if ((d)->profile) {                                                                                            \
            (d)->profile->op[PROFILE_##name].calls++;                                                                  \
            (d)->profile->op[PROFILE_##name].seconds += clock_seconds() - began;                                       \
            (d)->profile->op[PROFILE_##name].flops += (operations);                                                    \
        }                                                                                                              \
    } while (0)

static double product_flops(int rows, Matrix w)
{
    return 2.0 * rows * w.rows * w.cols;
}

/* Two products of a query with every position that it sees: scores, and values by weights. */
static double attention_flops(const Attention *a)
{
    double seen = 0;
    for (int r = 0; r < a->n_runs; r++)
        for (int i = 0; i < a->runs[r].n; i++) {
            int before = a->runs[r].position + i + 1;
            seen += a->window && before > a->window ? a->window : before;
        }
    return 4.0 * a->heads * a->dim * seen;
}

static bool same(Tensor a, Tensor b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

static bool same_matrix(Matrix a, Matrix b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

/* Is it Y = X W^T? */
static bool fits(Tensor y, Tensor x, Matrix w)
{
    return y.rows == x.rows && y.cols == w.rows && x.cols == w.cols;
}

static void linear(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    assert(fits(y, x, w));
    RUN(d, linear, product_flops(x.rows, w), (w.packed ? packed_linear : d->kernels->linear)(d, y, x, w, add));
}

void op_linear(Device *d, Tensor y, Tensor x, Matrix w)
{
    linear(d, y, x, w, false);
}

void op_linear_add(Device *d, Tensor y, Tensor x, Matrix w)
{
    linear(d, y, x, w, true);
}

static void linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w, bool add)
{
    assert(fits(dy, dx, w));
    RUN(d, linear_back_x, product_flops(dy.rows, w),
        (w.packed ? packed_linear_back_x : d->kernels->linear_back_x)(d, dx, dy, w, add));
}

void op_linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w)
{
    linear_back_x(d, dx, dy, w, false);
}

void op_linear_back_x_add(Device *d, Tensor dx, Tensor dy, Matrix w)
{
    linear_back_x(d, dx, dy, w, true);
}

void op_linear_back_w(Device *d, Matrix dw, Tensor dy, Tensor x)
{
    assert(fits(dy, x, dw));
    RUN(d, linear_back_w, product_flops(dy.rows, dw), d->kernels->linear_back_w(d, dw, dy, x));
}

void op_embed(Device *d, Tensor y, Matrix w, const int *id, float scale)
{
    assert(y.cols == w.cols);
    RUN(d, embed, 0, w.packed ? packed_embed(d, y, w, id, scale, false) : d->kernels->embed(d, y, w, id, scale));
}

void op_embed_add(Device *d, Tensor y, Matrix w, const int *id)
{
    assert(y.cols == w.cols);
    RUN(d, embed, 0, w.packed ? packed_embed(d, y, w, id, 1, true) : d->kernels->embed_add(d, y, w, id));
}

void op_embed_back(Device *d, Matrix dw, Tensor dy, const int *id, float scale)
{
    assert(dy.cols == dw.cols);
    RUN(d, embed_back, 0, d->kernels->embed_back(d, dw, dy, id, scale));
}

/* Does the norm fit rows of that width, and what it leaves of them? */
static bool fits_norm(Norm norm, Tensor x, Tensor stats)
{
    bool layer_norm = norm.bias.rows > 0;
    return norm.weight.rows == x.cols && (!layer_norm || norm.bias.rows == x.cols) && stats.rows == x.rows &&
           stats.cols == norm_stats(layer_norm);
}

void op_norm(Device *d, Tensor y, Tensor stats, Tensor x, Norm norm)
{
    assert(same(y, x) && fits_norm(norm, x, stats));
    RUN(d, norm, 0, d->kernels->norm(d, y, stats, x, norm));
}

static void norm_back(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm,
                      bool add)
{
    assert(same(dx, x) && same(dy, x) && fits_norm(norm, x, stats));
    assert(!dweight.rows || (same_matrix(dweight, norm.weight) && dbias.rows == norm.bias.rows));
    RUN(d, norm_back, 0, d->kernels->norm_back(d, dx, dweight, dbias, dy, x, stats, norm, add));
}

void op_norm_back(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm)
{
    norm_back(d, dx, dweight, dbias, dy, x, stats, norm, false);
}

void op_norm_back_add(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm)
{
    norm_back(d, dx, dweight, dbias, dy, x, stats, norm, true);
}

void op_rope(Device *d, Tensor x, int heads, const int *position, RopeTable table)
{
    assert(x.cols % heads == 0 && 2 * table.half <= x.cols / heads);
    RUN(d, rope, 0, d->kernels->rope(d, x, heads, position, table, false));
}

void op_rope_back(Device *d, Tensor dx, int heads, const int *position, RopeTable table)
{
    assert(dx.cols % heads == 0 && 2 * table.half <= dx.cols / heads);
    RUN(d, rope, 0, d->kernels->rope(d, dx, heads, position, table, true));
}

size_t kv_layer_floats(int kv_heads, int dim, int cap)
{
    size_t padded = (size_t)(dim + PANEL - 1) / PANEL * PANEL;
    return 2 * (size_t)kv_heads * padded * (size_t)cap;
}

void op_kv_store(Device *d, const Attention *a, Tensor k, Tensor v)
{
    assert(same(k, v) && k.cols == a->kv_heads * a->dim);
    RUN(d, kv_store, 0, d->kernels->kv_store(d, a, k, v));
}

void op_attention(Device *d, Tensor out, Tensor stats, Tensor q, const Attention *a)
{
    assert(same(out, q) && q.cols == a->heads * a->dim && a->heads % a->kv_heads == 0);
    assert(stats.rows == q.rows && stats.cols == 2 * a->heads);
    RUN(d, attention, attention_flops(a), d->kernels->attention(d, out, stats, q, a));
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
    RUN(d, attention_back, 2.5 * attention_flops(a), d->kernels->attention_back(d, dq, dk, dv, dout, q, stats, a));
}

void op_glu(Device *d, Tensor h, Tensor gate, Tensor up, Activation act)
{
    assert(same(h, gate) && same(h, up));
    RUN(d, glu, 0, d->kernels->glu(d, h, gate, up, act));
}

void op_glu_back(Device *d, Tensor dgate, Tensor dup, Tensor h, Tensor dh, Tensor gate, Tensor up, Activation act)
{
    assert(same(dgate, gate) && same(dup, gate) && same(h, gate) && same(dh, gate) && same(up, gate));
    RUN(d, glu_back, 0, d->kernels->glu_back(d, dgate, dup, h, dh, gate, up, act));
}

void op_act(Device *d, Tensor h, Tensor x, Activation act)
{
    assert(same(h, x));
    RUN(d, act, 0, d->kernels->act(d, h, x, act));
}

void op_act_back(Device *d, Tensor dx, Tensor h, Tensor dh, Tensor x, Activation act)
{
    assert(same(dx, x) && same(h, x) && same(dh, x));
    RUN(d, act_back, 0, d->kernels->act_back(d, dx, h, dh, x, act));
}

void op_add(Device *d, Tensor y, Tensor x)
{
    assert(same(y, x));
    RUN(d, add, 0, d->kernels->add(d, y, x));
}

void op_bias(Device *d, Tensor y, Matrix b)
{
    assert(b.rows == y.cols && b.cols == 1);
    RUN(d, bias, 0, d->kernels->bias(d, y, b));
}

void op_bias_back(Device *d, Matrix db, Tensor dy)
{
    assert(db.rows == dy.cols && db.cols == 1);
    RUN(d, bias_back, 0, d->kernels->bias_back(d, db, dy));
}

void op_gather(Device *d, Tensor y, Tensor x, const int *row)
{
    assert(y.cols == x.cols);
    RUN(d, gather, 0, d->kernels->gather(d, y, x, row));
}

void op_scatter_add(Device *d, Tensor dx, Tensor dy, const int *row)
{
    assert(dx.cols == dy.cols);
    RUN(d, scatter_add, 0, d->kernels->scatter_add(d, dx, dy, row));
}

void op_soft_cap(Device *d, Tensor x, float cap)
{
    assert(cap > 0);
    RUN(d, soft_cap, 0, d->kernels->soft_cap(d, x, cap));
}

void op_soft_cap_back(Device *d, Tensor dy, Tensor y, float cap)
{
    assert(same(dy, y) && cap > 0);
    RUN(d, soft_cap_back, 0, d->kernels->soft_cap_back(d, dy, y, cap));
}

void op_vocab_scan(Device *d, VocabScan *scan, Tensor logits, int first)
{
    assert(logits.rows == scan->rows && first % VOCAB_CHUNK == 0 && logits.cols <= VOCAB_CHUNK);
    assert(!scan->cross == !scan->reference);
    RUN(d, vocab_scan, 0, d->kernels->vocab_scan(d, scan, logits, first));
}

int op_vocab_pick(Device *d, const float *logits, int n, float max, float inv_temperature, double mass)
{
    assert(n > 0 && n <= VOCAB_BLOCK);
    return d->kernels->vocab_pick(logits, n, max, inv_temperature, mass);
}

void op_vocab_back(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef)
{
    RUN(d, vocab_back, 0, d->kernels->vocab_back(d, logits, first, target, log_z, coef));
}

void op_vocab_back_kl(Device *d, Tensor logits, int first, const int *target, const float *log_z, const float *coef,
                      VocabKl kl)
{
    assert(same(logits, kl.reference));
    RUN(d, vocab_back_kl, 0, d->kernels->vocab_back_kl(d, logits, first, target, log_z, coef, kl));
}

double op_sum_squares(Device *d, Matrix m)
{
    double sum;
    RUN(d, sum_squares, 0, sum = d->kernels->sum_squares(d, m));
    return sum;
}

void op_adamw(Device *d, Matrix w, Matrix m, Matrix v, Matrix g, AdamW h)
{
    assert(same_matrix(w, m) && same_matrix(w, v) && same_matrix(w, g));
    RUN(d, adamw, 0, d->kernels->adamw(d, w, m, v, g, h));
}

void op_adafactor(Device *d, Matrix w, float *row, float *col, Matrix g, Adafactor h)
{
    assert(same_matrix(w, g));
    RUN(d, adafactor, 0, d->kernels->adafactor(d, w, row, col, g, h));
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
    if (m.packed) {
        dtype_to_f32(m.packed->type, packed_row(m, row), values, (size_t)m.cols);
        return;
    }
    const float *at = m.at + matrix_at(m, row, 0);
    for (int c = 0; c < m.cols; c++)
        values[c] = at[(size_t)c * PANEL];
}

void op_unpack(Device *d, Matrix to, Matrix from)
{
    assert(same_matrix(to, from) && !to.packed);
    if (from.packed)
        d->kernels->unpack(d, to, from);
    else
        memcpy(to.at, from.at, matrix_floats(from.rows, from.cols) * sizeof(float));
}
