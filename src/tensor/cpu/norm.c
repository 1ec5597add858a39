/* RMS norm, forward and backward (docs/math.md). Sums within a row run over sixteen lanes and one tree. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

/* Sixteen numbers from column c of a row, zeros beyond its end. */
INLINE f32x16 load_cols(const float *row, int c, int cols)
{
    return v_load_n(row + c, cols - c, 0);
}

INLINE void store_cols(float *row, int c, int cols, f32x16 v)
{
    v_store_n(row + c, v, cols - c);
}

/* g = w or 1 + w. The weight is a Matrix of one column: its numbers lie one after the other. */
INLINE f32x16 gain_cols(const Norm *norm, int c)
{
    f32x16 w = v_load(norm->weight.at + c); /* padded to whole panels */
    return norm->plus_one ? v_add(v_set1(1.0f), w) : w;
}

static void rmsnorm(Device *d, Tensor y, Tensor inv, Tensor x, Norm norm)
{
    int C = x.cols;
#pragma omp parallel for num_threads(d->threads) if (tensor_count(x) > 1 << 14)
    for (int t = 0; t < x.rows; t++) {
        const float *xt = x.at + (size_t)t * (size_t)C;
        float *yt = y.at + (size_t)t * (size_t)C;
        f32x16 squares = v_zero();
        for (int c = 0; c < C; c += LANES) {
            f32x16 v = load_cols(xt, c, C);
            squares = v_fma(v, v, squares);
        }
        float r = 1.0f / sqrtf(v_sum(squares) / (float)C + norm.eps);
        inv.at[t] = r;
        for (int c = 0; c < C; c += LANES)
            store_cols(yt, c, C, v_mul(v_mul(load_cols(xt, c, C), v_set1(r)), gain_cols(&norm, c)));
    }
}

/* dx (=|+=) inv (g dy - xhat mean(g dy xhat)), one row. */
static void norm_back_row(float *dx, const float *dy, const float *x, float inv, const Norm *norm, int C, bool add)
{
    f32x16 dot = v_zero();
    for (int c = 0; c < C; c += LANES) {
        f32x16 xhat = v_mul(load_cols(x, c, C), v_set1(inv));
        dot = v_fma(v_mul(gain_cols(norm, c), load_cols(dy, c, C)), xhat, dot);
    }
    f32x16 mean = v_set1(v_sum(dot) / (float)C);
    for (int c = 0; c < C; c += LANES) {
        f32x16 xhat = v_mul(load_cols(x, c, C), v_set1(inv));
        f32x16 v = v_sub(v_mul(gain_cols(norm, c), load_cols(dy, c, C)), v_mul(xhat, mean));
        v = v_mul(v, v_set1(inv));
        store_cols(dx, c, C, add ? v_add(load_cols(dx, c, C), v) : v);
    }
}

static void rmsnorm_back(Device *d, Tensor dx, Matrix dweight, Tensor dy, Tensor x, Tensor inv, Norm norm, bool add)
{
    size_t C = (size_t)x.cols;
#pragma omp parallel num_threads(d->threads) if (tensor_count(x) > 1 << 14)
    {
        /* The gain first, since dx may be dy: columns are shared out, each chain runs over the rows in order.
         */
#pragma omp for schedule(static)
        for (int c = 0; c < x.cols; c += LANES) {
            f32x16 sum = v_load(dweight.at + c);
            for (int t = 0; t < x.rows; t++) {
                f32x16 xhat = v_mul(load_cols(x.at + (size_t)t * C, c, x.cols), v_set1(inv.at[t]));
                sum = v_fma(load_cols(dy.at + (size_t)t * C, c, x.cols), xhat, sum);
            }
            v_store(dweight.at + c, sum);
        }
#pragma omp for schedule(static)
        for (int t = 0; t < x.rows; t++)
            norm_back_row(dx.at + (size_t)t * C, dy.at + (size_t)t * C, x.at + (size_t)t * C, inv.at[t], &norm, x.cols,
                          add);
    }
}

void LEVEL(norm_kernels)(Kernels *k)
{
    k->rmsnorm = rmsnorm;
    k->rmsnorm_back = rmsnorm_back;
}
