/* Sixteen floats as one value: one AVX-512 register, two AVX2 ones, or sixteen floats with fmaf.
 *
 * Kernels are written once in these few functions and compiled once per CPU level. Every function gives the
 * same bits at every level: + - * / sqrt and fma are IEEE; min and max return their second argument where one
 * is NaN; a sum over lanes is one fixed tree. */
#ifndef TENSOR_CPU_F32X16_H
#define TENSOR_CPU_F32X16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

#define INLINE static inline __attribute__((always_inline, unused))

/* clang-format off: one function a line reads as the table that it is. */
#if defined __AVX512F__
#include <immintrin.h>

typedef __m512 f32x16;
typedef __mmask16 mask16;

INLINE f32x16 v_zero(void)
{
    return _mm512_setzero_ps();
}
INLINE f32x16 v_set1(float x)
{
    return _mm512_set1_ps(x);
}
INLINE f32x16 v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
INLINE void v_store(float *p, f32x16 a)
{
    _mm512_storeu_ps(p, a);
}
INLINE f32x16 v_add(f32x16 a, f32x16 b)
{
    return _mm512_add_ps(a, b);
}
INLINE f32x16 v_sub(f32x16 a, f32x16 b)
{
    return _mm512_sub_ps(a, b);
}
INLINE f32x16 v_mul(f32x16 a, f32x16 b)
{
    return _mm512_mul_ps(a, b);
}
INLINE f32x16 v_div(f32x16 a, f32x16 b)
{
    return _mm512_div_ps(a, b);
}
INLINE f32x16 v_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}
INLINE f32x16 v_min(f32x16 a, f32x16 b)
{
    return _mm512_min_ps(a, b);
}
INLINE f32x16 v_max(f32x16 a, f32x16 b)
{
    return _mm512_max_ps(a, b);
}
INLINE f32x16 v_sqrt(f32x16 a)
{
    return _mm512_sqrt_ps(a);
}
INLINE f32x16 v_round(f32x16 a)
{
    return _mm512_roundscale_ps(a, 0x08);
}
INLINE mask16 v_less(f32x16 a, f32x16 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
INLINE f32x16 v_select(mask16 m, f32x16 yes, f32x16 no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}
/* 2^n for whole n in [-126, 127]. */
INLINE f32x16 v_exp2i(f32x16 n)
{
    __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}

#elif defined __AVX2__
#include <immintrin.h>

typedef struct f32x16 {
    __m256 a, b;
} f32x16;
typedef f32x16 mask16;

#define EACH2(f, x)      ((f32x16){f((x).a), f((x).b)})
#define EACH2_2(f, x, y) ((f32x16){f((x).a, (y).a), f((x).b, (y).b)})

INLINE f32x16 v_zero(void)
{
    return (f32x16){_mm256_setzero_ps(), _mm256_setzero_ps()};
}
INLINE f32x16 v_set1(float x)
{
    return (f32x16){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
INLINE f32x16 v_load(const float *p)
{
    return (f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
INLINE void v_store(float *p, f32x16 x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
INLINE f32x16 v_add(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_add_ps, x, y);
}
INLINE f32x16 v_sub(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_sub_ps, x, y);
}
INLINE f32x16 v_mul(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_mul_ps, x, y);
}
INLINE f32x16 v_div(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_div_ps, x, y);
}
INLINE f32x16 v_fma(f32x16 x, f32x16 y, f32x16 z)
{
    return (f32x16){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INLINE f32x16 v_min(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_min_ps, x, y);
}
INLINE f32x16 v_max(f32x16 x, f32x16 y)
{
    return EACH2_2(_mm256_max_ps, x, y);
}
INLINE f32x16 v_sqrt(f32x16 x)
{
    return EACH2(_mm256_sqrt_ps, x);
}
INLINE f32x16 v_round(f32x16 x)
{
    return (f32x16){_mm256_round_ps(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                    _mm256_round_ps(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
INLINE mask16 v_less(f32x16 x, f32x16 y)
{
    return (mask16){_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)};
}
INLINE f32x16 v_select(mask16 m, f32x16 yes, f32x16 no)
{
    return (f32x16){_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b)};
}
INLINE __m256 exp2i_8(__m256 n)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}
INLINE f32x16 v_exp2i(f32x16 n)
{
    return EACH2(exp2i_8, n);
}

#else /* plain C: the definition of correct */

typedef struct f32x16 {
    float f[LANES];
} f32x16;
typedef struct mask16 {
    unsigned char on[LANES];
} mask16;

#define EACH(expression)                                                                                               \
    f32x16 r_;                                                                                                         \
    for (int i = 0; i < LANES; i++)                                                                                    \
        r_.f[i] = (expression);                                                                                        \
    return r_

INLINE f32x16 v_set1(float x)
{
    EACH(x);
}
INLINE f32x16 v_zero(void)
{
    EACH(0.0f);
}
INLINE f32x16 v_load(const float *p)
{
    EACH(p[i]);
}
INLINE void v_store(float *p, f32x16 a)
{
    memcpy(p, a.f, sizeof a.f);
}
INLINE f32x16 v_add(f32x16 a, f32x16 b)
{
    EACH(a.f[i] + b.f[i]);
}
INLINE f32x16 v_sub(f32x16 a, f32x16 b)
{
    EACH(a.f[i] - b.f[i]);
}
INLINE f32x16 v_mul(f32x16 a, f32x16 b)
{
    EACH(a.f[i] * b.f[i]);
}
INLINE f32x16 v_div(f32x16 a, f32x16 b)
{
    EACH(a.f[i] / b.f[i]);
}
INLINE f32x16 v_fma(f32x16 a, f32x16 b, f32x16 c)
{
    EACH(fmaf(a.f[i], b.f[i], c.f[i]));
}
INLINE f32x16 v_min(f32x16 a, f32x16 b)
{
    EACH(a.f[i] < b.f[i] ? a.f[i] : b.f[i]);
}
INLINE f32x16 v_max(f32x16 a, f32x16 b)
{
    EACH(a.f[i] > b.f[i] ? a.f[i] : b.f[i]);
}
INLINE f32x16 v_sqrt(f32x16 a)
{
    EACH(sqrtf(a.f[i]));
}
INLINE f32x16 v_round(f32x16 a)
{
    EACH(rintf(a.f[i]));
}
INLINE mask16 v_less(f32x16 a, f32x16 b)
{
    mask16 m;
    for (int i = 0; i < LANES; i++)
        m.on[i] = a.f[i] < b.f[i];
    return m;
}
INLINE f32x16 v_select(mask16 m, f32x16 yes, f32x16 no)
{
    EACH(m.on[i] ? yes.f[i] : no.f[i]);
}
INLINE float exp2i_1(float n)
{
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
INLINE f32x16 v_exp2i(f32x16 n)
{
    EACH(exp2i_1(n.f[i]));
}

#endif
/* clang-format on */

/* The first n lanes from memory, the others `fill`; the first n lanes to memory. */
INLINE f32x16 v_load_n(const float *p, int n, float fill)
{
    if (n >= LANES)
        return v_load(p);
    float t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = i < n ? p[i] : fill;
    return v_load(t);
}
INLINE void v_store_n(float *p, f32x16 a, int n)
{
    if (n >= LANES) {
        v_store(p, a);
        return;
    }
    float t[LANES];
    v_store(t, a);
    memcpy(p, t, (size_t)n * sizeof(float));
}

/* Lanes 0, 1, 2, ... 15. */
INLINE f32x16 v_iota(void)
{
    static const float lane[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return v_load(lane);
}

/* The sum of the lanes: i + (i+8), then + (i+4), + (i+2), + (i+1). */
INLINE float v_sum(f32x16 a)
{
    float t[LANES];
    v_store(t, a);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            t[i] = t[i] + t[i + half];
    return t[0];
}

/* The largest lane. A NaN in any lane gives a NaN. */
INLINE float v_largest(f32x16 a)
{
    float t[LANES];
    v_store(t, a);
    float m = t[0];
    for (int i = 1; i < LANES; i++)
        m = t[i] > m || t[i] != t[i] ? t[i] : m;
    return m;
}

/* e^x to about 1 ulp; 0 below -87.33 (no subnormal results), e^88 above 88; NaN stays NaN. */
INLINE f32x16 v_exp(f32x16 x)
{
    f32x16 c = v_min(v_set1(88.0f), v_max(v_set1(-87.33f), x));
    f32x16 n = v_round(v_mul(c, v_set1(1.44269504f)));
    f32x16 r = v_fma(n, v_set1(-0.693359375f), c);
    r = v_fma(n, v_set1(2.12194440e-4f), r);
    f32x16 p = v_set1(1.98412698e-4f); /* 1/7! */
    p = v_fma(p, r, v_set1(1.38888889e-3f));
    p = v_fma(p, r, v_set1(8.33333333e-3f));
    p = v_fma(p, r, v_set1(4.16666667e-2f));
    p = v_fma(p, r, v_set1(1.66666667e-1f));
    p = v_fma(p, r, v_set1(0.5f));
    p = v_fma(p, r, v_set1(1.0f));
    p = v_fma(p, r, v_set1(1.0f));
    p = v_mul(p, v_exp2i(n));
    return v_select(v_less(x, v_set1(-87.33f)), v_zero(), p);
}

/* 1 / (1 + e^-x). */
INLINE f32x16 v_sigmoid(f32x16 x)
{
    f32x16 one = v_set1(1.0f);
    return v_div(one, v_add(one, v_exp(v_sub(v_zero(), x))));
}

/* erf(x) to 4e-7: beyond 4 it is 1 or -1; within, x times a quotient of polynomials in x^2. */
INLINE f32x16 v_erf(f32x16 x)
{
    f32x16 c = v_min(v_set1(4.0f), v_max(v_set1(-4.0f), x)), z = v_mul(c, c);
    f32x16 p = v_set1(-2.72614225801306e-10f), q = v_set1(-1.45660718464996e-05f);
    p = v_fma(p, z, v_set1(2.77068142495902e-08f));
    p = v_fma(p, z, v_set1(-2.10102402082508e-06f));
    p = v_fma(p, z, v_set1(-5.69250639462346e-05f));
    p = v_fma(p, z, v_set1(-7.34990630326855e-04f));
    p = v_fma(p, z, v_set1(-2.95459980854025e-03f));
    p = v_fma(p, z, v_set1(-1.60960333262415e-02f));
    q = v_fma(q, z, v_set1(-2.13374055278905e-04f));
    q = v_fma(q, z, v_set1(-1.68282697438203e-03f));
    q = v_fma(q, z, v_set1(-7.37332916720468e-03f));
    q = v_fma(q, z, v_set1(-1.42647390514189e-02f));
    f32x16 e = v_select(v_less(v_set1(4.0f), x), v_set1(1.0f), v_div(v_mul(c, p), q));
    return v_select(v_less(x, v_set1(-4.0f)), v_set1(-1.0f), e);
}

/* tanh(x) = 1 - 2 / (1 + e^2x); exact enough where GELU uses it. */
INLINE f32x16 v_tanh(f32x16 x)
{
    f32x16 one = v_set1(1.0f), e = v_exp(v_add(x, x));
    return v_sub(one, v_div(v_set1(2.0f), v_add(one, e)));
}

/* cap tanh(x / cap), and from that number, y, the derivative 1 - (y / cap)^2. */
INLINE f32x16 v_soft_cap(f32x16 x, float cap)
{
    return v_mul(v_set1(cap), v_tanh(v_div(x, v_set1(cap))));
}
INLINE f32x16 v_soft_cap_slope(f32x16 y, float cap)
{
    f32x16 t = v_div(y, v_set1(cap));
    return v_sub(v_set1(1.0f), v_mul(t, t));
}

#endif
