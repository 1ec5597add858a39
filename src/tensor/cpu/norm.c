/* RMS norm and LayerNorm, forward and backward (docs/math.md). Sums within a row run over sixteen lanes and one tree. */
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

INLINE bool is_layer_norm(const Norm *norm)
{
    return norm->bias.rows > 0;
}

/* x - mu of LayerNorm, zeros beyond the row's end. */
INLINE f32x16 centred_cols(const float *x, int c, int cols, float mu)
{
    float t[LANES];
    v_store(t, v_sub(load_cols(x, c, cols), v_set1(mu)));
    return v_load_n(t, cols - c, 0);
}

static void rmsnorm_row(float *y, float *stats, const float *x, const Norm *norm, int C)
{
    f32x16 squares = v_zero();
    for (int c = 0; c < C; c += LANES) {
        f32x16 v = load_cols(x, c, C);
        squares = v_fma(v, v, squares);
    }
    float r = 1.0f / sqrtf(v_sum(squares) / (float)C + norm->eps);
    stats[0] = r;
    for (int c = 0; c < C; c += LANES)
        store_cols(y, c, C, v_mul(v_mul(load_cols(x, c, C), v_set1(r)), gain_cols(norm, c)));
}

static void layernorm_row(float *y, float *stats, const float *x, const Norm *norm, int C)
{
    f32x16 sum = v_zero(), squares = v_zero();
    for (int c = 0; c < C; c += LANES)
        sum = v_add(sum, load_cols(x, c, C));
    float mu = v_sum(sum) / (float)C;
    for (int c = 0; c < C; c += LANES) {
        f32x16 v = centred_cols(x, c, C, mu);
        squares = v_fma(v, v, squares);
    }
    float r = 1.0f / sqrtf(v_sum(squares) / (float)C + norm->eps);
    stats[0] = r;
    stats[1] = mu;
    for (int c = 0; c < C; c += LANES) {
        f32x16 xhat = v_mul(centred_cols(x, c, C, mu), v_set1(r));
        store_cols(y, c, C, v_fma(xhat, gain_cols(norm, c), v_load(norm->bias.at + c)));
    }
}

static void norm_rows(Device *d, Tensor y, Tensor stats, Tensor x, Norm norm)
{
    int C = x.cols;
#pragma omp parallel for num_threads(d->threads) if (tensor_count(x) > 1 << 14)
    for (int t = 0; t < x.rows; t++) {
        size_t at = (size_t)t * (size_t)C;
        float *left = stats.at + (size_t)t * (size_t)stats.cols;
        (is_layer_norm(&norm) ? layernorm_row : rmsnorm_row)(y.at + at, left, x.at + at, &norm, C);
    }
}

/* xhat of sixteen columns, from what forward left of the row. */
INLINE f32x16 xhat_cols(const float *x, const float *stats, const Norm *norm, int c, int C)
{
    f32x16 v = is_layer_norm(norm) ? centred_cols(x, c, C, stats[1]) : load_cols(x, c, C);
    return v_mul(v, v_set1(stats[0]));
}

/* dx (=|+=) inv (g dy - xhat mean(g dy xhat)), one row; for LayerNorm less mean(g dy) within. */
static void norm_back_row(float *dx, const float *dy, const float *x, const float *stats, const Norm *norm, int C,
                          bool add)
{
    f32x16 dot = v_zero(), sum = v_zero();
    for (int c = 0; c < C; c += LANES) {
        f32x16 g = v_mul(gain_cols(norm, c), load_cols(dy, c, C));
        dot = v_fma(g, xhat_cols(x, stats, norm, c, C), dot);
        sum = v_add(sum, g);
    }
    f32x16 mean = v_set1(v_sum(dot) / (float)C), level = v_set1(v_sum(sum) / (float)C);
    for (int c = 0; c < C; c += LANES) {
        f32x16 g = v_mul(gain_cols(norm, c), load_cols(dy, c, C));
        g = is_layer_norm(norm) ? v_sub(g, level) : g;
        f32x16 v = v_mul(v_sub(g, v_mul(xhat_cols(x, stats, norm, c, C), mean)), v_set1(stats[0]));
        store_cols(dx, c, C, add ? v_add(load_cols(dx, c, C), v) : v);
    }
}

static void norm_back(Device *d, Tensor dx, Matrix dweight, Matrix dbias, Tensor dy, Tensor x, Tensor stats, Norm norm,
                      bool add)
{
    size_t C = (size_t)x.cols, S = (size_t)stats.cols;
#pragma omp parallel num_threads(d->threads) if (tensor_count(x) > 1 << 14)
    {
        /* Gain and bias first, since dx may be dy: columns are shared out, each chain runs over the rows in order. */
#pragma omp for schedule(static)
        for (int c = 0; c < dweight.rows; c += LANES) {
            f32x16 sum = v_load(dweight.at + c), shift = is_layer_norm(&norm) ? v_load(dbias.at + c) : v_zero();
            for (size_t t = 0; t < (size_t)x.rows; t++) {
                f32x16 g = load_cols(dy.at + t * C, c, x.cols);
                sum = v_fma(g, xhat_cols(x.at + t * C, stats.at + t * S, &norm, c, x.cols), sum);
                shift = v_add(shift, g);
            }
            v_store(dweight.at + c, sum);
            if (is_layer_norm(&norm))
                v_store(dbias.at + c, shift);
        }
#pragma omp for schedule(static)
        for (size_t t = 0; t < (size_t)x.rows; t++)
            norm_back_row(dx.at + t * C, dy.at + t * C, x.at + t * C, stats.at + t * S, &norm, x.cols, add);
    }
}

void LEVEL(norm_kernels)(Kernels *k)
{
    k->norm = norm_rows;
    k->norm_back = norm_back;
}
