/* Random numbers without state: Philox 4x32 with ten rounds (Salmon et al. 2011, "Parallel random numbers:
 * as easy as 1, 2, 3") over a counter made of the position, the sample and the visit. */
#include "base/rng.h"

#include "base/real.h"

static void philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t x0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, x2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[0] = x0;
        c[1] = (uint32_t)p1;
        c[2] = x2;
        c[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* One 64-bit word of seed, purpose and row: Philox once more, as a hash. */
static uint64_t fold(RngKey key)
{
    uint32_t c[4] = {(uint32_t)key.row, (uint32_t)(key.row >> 32), (uint32_t)key.purpose, 0x726c6169u};
    philox(c, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
    return ((uint64_t)c[0] << 32) | c[1];
}

uint64_t rng_bits(RngKey key, uint64_t position)
{
    uint64_t k = fold(key);
    uint32_t c[4] = {(uint32_t)position, (uint32_t)(position >> 32), key.sample, key.visit};
    philox(c, (uint32_t)k, (uint32_t)(k >> 32));
    return ((uint64_t)c[0] << 32) | c[1];
}

double rng_uniform(RngKey key, uint64_t position)
{
    return (double)(rng_bits(key, position) >> 11) * 0x1p-53;
}

double rng_normal(RngKey key, uint64_t position)
{
    double u = 1.0 - rng_uniform(key, 2 * position), v = rng_uniform(key, 2 * position + 1);
    return sqrt(-2.0 * real_log(u)) * real_cos(6.283185307179586 * v);
}

uint64_t rng_below(RngKey key, uint64_t position, uint64_t n)
{
    return (uint64_t)(((__uint128_t)rng_bits(key, position) * n) >> 64);
}

void rng_permutation(RngKey key, int *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(key, (uint64_t)i, (uint64_t)i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

uint64_t rng_row(const char *id)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, then mixed by Philox in fold() */
    for (const char *p = id; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    return h;
}
