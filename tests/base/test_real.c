/* base/real.h against the C library's functions in double, and random numbers: known answers, evenness,
 * independence of keys. */
#include "support.h"

#include "base/real.h"

/* --- real numbers ------------------------------------------------------------------------------------------------ */

/* Largest relative error of f over [from, to]; `floor_`: below this the error counts as absolute. */
static double worst(double (*f)(double), double (*exact)(double), double from, double to, double floor_)
{
    double most = 0;
    for (int i = 0; i <= 100000; i++) {
        double x = from + (to - from) * i / 100000, wanted = exact(x);
        double off = f(x) == wanted ? 0 : fabs(f(x) - wanted) / fmax(fabs(wanted), floor_);
        most = off > most ? off : most;
        if (off != off)
            return (double)INFINITY;
    }
    return most;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

typedef struct Row {
    const char *name;
    double (*f)(double), (*exact)(double);
    double from, to, floor_, bound;
} Row;

static const Row rows[] = {
    {"exp", real_exp, exp, -700, 700, 0, 4e-15},
    {"exp", real_exp, exp, -1, 1, 0, 1e-15},
    {"exp, below the normal numbers", real_exp, exp, -745, -700, 1e-307, 4e-15},
    {"log", real_log, log, 1e-300, 1e-290, 0, 4e-15},
    {"log", real_log, log, 0.001, 0.99, 0, 4e-15},
    {"log", real_log, log, 0.99, 1.01, 0, 4e-15},
    {"log", real_log, log, 1.01, 1e9, 0, 4e-15},
    {"log1p", real_log1p, log1p, -0.999, 5, 0, 4e-15},
    {"log1p", real_log1p, log1p, -1e-6, 1e-6, 0, 4e-15},
    {"sigmoid", real_sigmoid, sigmoid, -700, 30, 0, 4e-15},
    {"sin", real_sin, sin, -10, 10, 0, 4e-15},
    {"sin", real_sin, sin, -0.7, 0.7, 0, 4e-15},
    {"cos", real_cos, cos, -0.7, 0.7, 0, 4e-15},
    {"cos", real_cos, cos, -10, 10, 0, 4e-15},
    {"sin", real_sin, sin, 1e5, 1.3e5, 1, 4e-15},
    {"cos", real_cos, cos, 1e5, 1.3e5, 1, 4e-15},
    {"sin, far out", real_sin, sin, 9.9e5, 1e6, 1, 5e-16},
    {"cos, far out", real_cos, cos, -1e6, -9.9e5, 1, 5e-16},
};

static void agrees(void **state)
{
    const Row *r = *state;
    double most = worst(r->f, r->exact, r->from, r->to, r->floor_);
    if (!(most <= r->bound))
        fail_msg("%s in [%g, %g]: off by %.3g, allowed %.3g", r->name, r->from, r->to, most, r->bound);
}

static void powers(void **state)
{
    (void)state;
    for (int t = 1; t < 100000; t += 37) { /* Adafactor's, AdamW's and the rotary tables' */
        assert_true(fabs(real_pow(t, -0.8) / pow(t, -0.8) - 1) < 4e-15);
        assert_true(fabs(real_pow(10000, -t / 1e5) / pow(10000, -t / 1e5) - 1) < 4e-15);
        assert_true(real_pow(0.9, t) == 0 || fabs(real_pow(0.9, t) - pow(0.9, t)) <= 1e-12 * pow(0.9, t));
    }
    assert_true(real_pow(0, 3) == 0 && real_pow(7, 0) == 1 && real_pow(0, 0) == 1);
}

static void special_values(void **state)
{
    (void)state;
    assert_true(isnan(real_exp(NAN)) && isnan(real_log(NAN)) && isnan(real_log(-1)));
    assert_true(real_exp(INFINITY) == INFINITY && real_exp(-INFINITY) == 0 && real_exp(0) == 1);
    assert_true(real_exp(1000) == INFINITY && real_exp(-1000) == 0);
    assert_true(real_log(0) == -INFINITY && real_log(INFINITY) == INFINITY && real_log(1) == 0);
    assert_true(real_log1p(0) == 0);
    assert_true(real_sin(0) == 0 && real_cos(0) == 1);
    assert_true(real_sigmoid(0) == 0.5 && real_sigmoid(1000) == 1 && real_sigmoid(-1000) == 0);
    assert_true(fabs(real_log(4.9406564584124654e-324) - log(4.9406564584124654e-324)) < 1e-12);
}

/* --- random numbers ---------------------------------------------------------------------------------------------- */

/* Philox 4x32-10 once more, from its paper (Salmon et al. 2011, section 3.3), to be compared with. */
static void philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
        memcpy(c, next, sizeof next);
    }
}

/* The published vectors of Random123 hold for the copy here, and rng_bits is two rounds of the copy: a hash of seed,
 * purpose and row is the key; position, sample and visit are the counter. */
static void known_answers(void **state)
{
    (void)state;
    static const uint32_t vector[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (int i = 0; i < COUNT(vector); i++) {
        uint32_t c[4];
        memcpy(c, vector[i], sizeof c);
        philox(c, vector[i][4], vector[i][5]);
        assert_memory_equal(c, vector[i] + 6, sizeof c);
    }
    for (uint64_t i = 0; i < 200; i++) {
        RngKey key = {.seed = i * 0x123456789abcdefu, .purpose = (RngPurpose)(1 + i % 7), .row = i * i * 0xfedcba987u};
        key.visit = (uint32_t)(i * 77);
        key.sample = (uint32_t)(i * 991);
        uint64_t position = i * 0x0123456701234567u;
        uint32_t h[4] = {(uint32_t)key.row, (uint32_t)(key.row >> 32), (uint32_t)key.purpose, 0x726c6169u};
        philox(h, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
        uint32_t c[4] = {(uint32_t)position, (uint32_t)(position >> 32), key.sample, key.visit};
        philox(c, h[1], h[0]);
        assert_true(rng_bits(key, position) == (((uint64_t)c[0] << 32) | c[1]));
    }
}

enum { DRAWS = 1 << 17, CELLS = 256 };

/* Chi square of cells that should be equally full, as deviations from its mean. */
static double unevenness(const int *cell, int cells, int draws)
{
    double sum = 0, wanted = (double)draws / cells;
    for (int i = 0; i < cells; i++)
        sum += (cell[i] - wanted) * (cell[i] - wanted) / wanted;
    return (sum - (cells - 1)) / sqrt(2.0 * (cells - 1));
}

/* Along every part of the key, and along the position: the upper and the lower bits, and pairs of neighbours. */
static void evenness(void **state)
{
    (void)state;
    for (int along = 0; along < 6; along++) {
        int high[CELLS] = {0}, low[CELLS] = {0}, pair[CELLS] = {0};
        uint64_t before = 0;
        for (int i = 0; i < DRAWS; i++) {
            uint64_t at = (uint64_t)i;
            RngKey key = {.seed = along == 0 ? at : 5, .purpose = RNG_TEST, .row = along == 1 ? at : 6};
            key.visit = along == 2 ? (uint32_t)i : 7;
            key.sample = along == 3 ? (uint32_t)i : 8;
            uint64_t bits = rng_bits(key, along == 4 ? at : along == 5 ? at << 32 : 9);
            high[bits >> 56]++;
            low[bits & 255]++;
            pair[((bits >> 60) << 4) | (before >> 60)]++;
            before = bits;
        }
        assert_true(fabs(unevenness(high, CELLS, DRAWS)) < 4.5);
        assert_true(fabs(unevenness(low, CELLS, DRAWS)) < 4.5);
        assert_true(fabs(unevenness(pair, CELLS, DRAWS)) < 4.5);
    }
}

/* Neighbouring keys give streams that have nothing to do with each other: half of the bits differ. */
static void keys_are_apart(void **state)
{
    (void)state;
    RngKey key = {.seed = 1, .purpose = RNG_SAMPLE, .row = 1, .visit = 0, .sample = 0}, other[5];
    for (int i = 0; i < 5; i++)
        other[i] = key;
    other[0].seed++;
    other[1].purpose = RNG_SHUFFLE;
    other[2].row++;
    other[3].visit++;
    other[4].sample++;
    for (int i = 0; i < 5; i++) {
        int differing = 0;
        for (uint64_t p = 0; p < 1000; p++)
            differing += __builtin_popcountll(rng_bits(key, p) ^ rng_bits(other[i], p));
        assert_true(abs(differing - 32000) < 600); /* the deviation is 126 */
    }
    assert_true(rng_bits(key, 3) == rng_bits(key, 3)); /* no state */
    assert_true(rng_row("a") != rng_row("b") && rng_row("ab") != rng_row("ba") && rng_row("x") == rng_row("x"));
}

static void distributions(void **state)
{
    (void)state;
    RngKey key = {.seed = 3, .purpose = RNG_TEST};
    double sum = 0, squares = 0, cubes = 0, fourths = 0, least = 1, most = 0;
    int die[6] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = rng_uniform(key, i), x = rng_normal(key, i);
        least = fmin(least, u);
        most = fmax(most, u);
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        fourths += x * x * x * x;
        uint64_t d = rng_below(key, i, 6);
        assert_true(d < 6 && rng_below(key, i, 1) == 0);
        die[d]++;
    }
    assert_true(least >= 0 && most < 1 && least < 1e-4 && most > 1 - 1e-4);
    double n = DRAWS;
    assert_true(fabs(sum / n) < 4.5 / sqrt(n) && fabs(squares / n - 1) < 4.5 * sqrt(2 / n));
    assert_true(fabs(cubes / n) < 4.5 * sqrt(15 / n) && fabs(fourths / n - 3) < 4.5 * sqrt(96 / n));
    assert_true(fabs(unevenness(die, 6, DRAWS)) < 4.5);
}

static void permutations(void **state)
{
    (void)state;
    int order[4], first[24] = {0}, seen[100] = {0}, big[100];
    for (uint64_t i = 0; i < 24000; i++) {
        rng_permutation((RngKey){.seed = i, .purpose = RNG_SHUFFLE}, order, 4);
        int code = 0; /* the permutation's number */
        for (int a = 0; a < 4; a++) {
            int smaller = 0;
            for (int b = a + 1; b < 4; b++)
                smaller += order[b] < order[a];
            code = code * (4 - a) + smaller;
        }
        first[code]++;
    }
    assert_true(fabs(unevenness(first, 24, 24000)) < 4.5);
    rng_permutation((RngKey){.seed = 1, .purpose = RNG_SHUFFLE}, big, 100);
    for (int i = 0; i < 100; i++)
        seen[big[i]]++;
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    rng_permutation((RngKey){.seed = 1}, big, 0);
    rng_permutation((RngKey){.seed = 1}, big, 1);
    assert_int_equal(big[0], 0);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(powers),       cmocka_unit_test(special_values), cmocka_unit_test(known_answers),
        cmocka_unit_test(evenness),     cmocka_unit_test(keys_are_apart), cmocka_unit_test(distributions),
        cmocka_unit_test(permutations),
    };
    static struct CMUnitTest tests[COUNT(rows) + COUNT(others)];
    for (int i = 0; i < COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = agrees, .initial_state = (void *)(uintptr_t)&rows[i]};
    memcpy(tests + COUNT(rows), others, sizeof others);
    return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
