/* The machine's limit: multiply-adds from registers alone, on every thread at once. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

#include "base/log.h"

#if defined __AVX512F__
enum { CHAINS = 24 };
#elif defined __AVX2__
enum { CHAINS = 6 }; /* of two registers each */
#else
enum { CHAINS = 4 };
#endif

/* Returns a number that depends on all of the work, so that none of it is left out. */
static float chains(int steps)
{
    f32x16 acc[CHAINS], x = v_set1(0.999f), y = v_set1(0.001f);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS; i++)
        acc[i] = v_set1((float)i);
    for (int s = 0; s < steps; s++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++)
            acc[i] = v_fma(acc[i], x, y);
    float sum = 0;
    for (int i = 0; i < CHAINS; i++)
        sum += v_sum(acc[i]);
    return sum;
}

static double peak(Device *d)
{
    int steps = d->level == CPU_PLAIN ? 20000 : 2000000;
    double best = 0;
    for (int repeat = 0; repeat < 5; repeat++) {
        double sum = 0, start = clock_seconds();
#pragma omp parallel for schedule(static, 1) num_threads(d->threads) reduction(+ : sum)
        for (int t = 0; t < d->threads; t++)
            sum += (double)chains(steps);
        double took = clock_seconds() - start;
        double rate = 2.0 * CHAINS * LANES * steps * d->threads / took * 1e-9;
        if (sum > 0 && rate > best)
            best = rate;
    }
    return best;
}

void LEVEL(peak_kernels)(Kernels *k)
{
    k->peak = peak;
}
