/* Activations: h = act(x), and gated linear units, h = act(gate) up. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

/* act(g), and its derivative where `slope` is asked for. */
INLINE f32x16 silu(f32x16 g, f32x16 *slope)
{
    f32x16 s = v_sigmoid(g);
    if (slope) /* s (1 + g (1 - s)) */
        *slope = v_mul(s, v_fma(g, v_sub(v_set1(1.0f), s), v_set1(1.0f)));
    return v_mul(g, s);
}

/* g (1 + tanh(u)) / 2 with u = sqrt(2/pi) (g + 0.044715 g^3). */
INLINE f32x16 gelu_tanh(f32x16 g, f32x16 *slope)
{
    f32x16 k = v_set1(0.797884561f), cube = v_set1(0.044715f), half = v_set1(0.5f), one = v_set1(1.0f);
    f32x16 g2 = v_mul(g, g);
    f32x16 t = v_tanh(v_mul(v_mul(k, g), v_fma(cube, g2, one)));
    f32x16 weight = v_mul(half, v_add(one, t)); /* (1 + t) / 2 */
    if (slope) {                                /* (1 + t)/2 + g/2 (1 - t^2) k (1 + 3 cube g^2) */
        f32x16 du = v_mul(k, v_fma(v_mul(v_set1(3.0f), cube), g2, one));
        f32x16 curve = v_mul(v_mul(half, g), v_sub(one, v_mul(t, t)));
        *slope = v_fma(curve, du, weight);
    }
    return v_mul(g, weight);
}

/* g Phi(g), Phi the normal distribution; its derivative Phi(g) + g phi(g). */
INLINE f32x16 gelu(f32x16 g, f32x16 *slope)
{
    f32x16 half = v_set1(0.5f), weight = v_mul(half, v_add(v_set1(1.0f), v_erf(v_mul(g, v_set1(0.707106781f)))));
    if (slope) {
        f32x16 density = v_mul(v_set1(0.398942280f), v_exp(v_mul(v_mul(g, g), v_set1(-0.5f))));
        *slope = v_fma(g, density, weight);
    }
    return v_mul(g, weight);
}

INLINE f32x16 activate(Activation act, f32x16 g, f32x16 *slope)
{
    return act == ACT_SILU ? silu(g, slope) : act == ACT_GELU ? gelu(g, slope) : gelu_tanh(g, slope);
}

/* Number by number, whatever the rows: sixteen at a time, the last ones fewer. */
static void glu(Device *d, Tensor h, Tensor gate, Tensor up, Activation act)
{
    size_t count = tensor_count(h);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        f32x16 g = v_load_n(gate.at + i, n, 0), u = v_load_n(up.at + i, n, 0);
        v_store_n(h.at + i, v_mul(activate(act, g, NULL), u), n);
    }
}

static void glu_back(Device *d, Tensor dgate, Tensor dup, Tensor h, Tensor dh, Tensor gate, Tensor up, Activation act)
{
    size_t count = tensor_count(h);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        f32x16 g = v_load_n(gate.at + i, n, 0), u = v_load_n(up.at + i, n, 0);
        f32x16 dy = v_load_n(dh.at + i, n, 0), slope;
        f32x16 a = activate(act, g, &slope);
        v_store_n(h.at + i, v_mul(a, u), n);
        v_store_n(dgate.at + i, v_mul(v_mul(dy, u), slope), n);
        v_store_n(dup.at + i, v_mul(dy, a), n);
    }
}

static void ungated(Device *d, Tensor h, Tensor x, Activation act)
{
    size_t count = tensor_count(h);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        v_store_n(h.at + i, activate(act, v_load_n(x.at + i, n, 0), NULL), n);
    }
}

static void ungated_back(Device *d, Tensor dx, Tensor h, Tensor dh, Tensor x, Activation act)
{
    size_t count = tensor_count(h);
#pragma omp parallel for num_threads(d->threads) if (count > 1 << 13)
    for (size_t i = 0; i < count; i += LANES) {
        int n = count - i < LANES ? (int)(count - i) : LANES;
        f32x16 slope, dy = v_load_n(dh.at + i, n, 0);
        v_store_n(h.at + i, activate(act, v_load_n(x.at + i, n, 0), &slope), n);
        v_store_n(dx.at + i, v_mul(dy, slope), n);
    }
}

void LEVEL(glu_kernels)(Kernels *k)
{
    k->act = ungated;
    k->act_back = ungated_back;
    k->glu = glu;
    k->glu_back = glu_back;
}
