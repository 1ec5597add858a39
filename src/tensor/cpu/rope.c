/* Rotary positions: the pairs (i, i + half) of a head turn by an angle of the token's position. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

/* The rotation of one head; `sign` -1 turns back, which is also the gradient. */
static void rotate(float *x, const float *cos_row, const float *sin_row, int half, float sign)
{
    for (int i = 0; i < half; i += LANES) {
        int n = half - i < LANES ? half - i : LANES;
        f32x16 c = v_load_n(cos_row + i, n, 0), s = v_mul(v_set1(sign), v_load_n(sin_row + i, n, 0));
        f32x16 a = v_load_n(x + i, n, 0), b = v_load_n(x + half + i, n, 0);
        v_store_n(x + i, v_sub(v_mul(a, c), v_mul(b, s)), n);
        v_store_n(x + half + i, v_fma(a, s, v_mul(b, c)), n);
    }
}

static void rope(Device *d, Tensor x, int heads, const int *position, RopeTable table, bool back)
{
    int D = x.cols / heads;
#pragma omp parallel for num_threads(d->threads) if (tensor_count(x) > 1 << 14)
    for (int t = 0; t < x.rows; t++) {
        size_t at = (size_t)position[t] * (size_t)table.half;
        for (int h = 0; h < heads; h++)
            rotate(x.at + (size_t)t * (size_t)x.cols + (size_t)h * (size_t)D, table.cos + at, table.sin + at,
                   table.half, back ? -1.0f : 1.0f);
    }
}

void LEVEL(rope_kernels)(Kernels *k)
{
    k->rope = rope;
}
