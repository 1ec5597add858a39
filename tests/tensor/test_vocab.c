/* Distributions over the vocabulary against a reference in double, and the functions under them: exp, tanh and
 * sigmoid of f32x16.h. That every CPU level gives the same bits is test_kernels.c's. */
#include "support.h"

#include "base/mem.h"
#include "base/real.h"
#include "tensor/cpu/f32x16.h"

/* --- exp and its kin -------------------------------------------------------------------------------------------- */

static float one(f32x16 (*f)(f32x16), float x)
{
    float lanes[LANES];
    v_store(lanes, f(v_set1(x)));
    return lanes[0];
}

static f32x16 exp_of(f32x16 x)
{
    return v_exp(x);
}

static f32x16 tanh_of(f32x16 x)
{
    return v_tanh(x);
}

static f32x16 erf_of(f32x16 x)
{
    return v_erf(x);
}

static f32x16 sigmoid_of(f32x16 x)
{
    return v_sigmoid(x);
}

/* Largest error over [from, to]: relative, or absolute. */
static double worst(f32x16 (*f)(f32x16), double (*exact)(double), double from, double to, bool relative)
{
    double most = 0;
    for (int i = 0; i <= 200000; i++) {
        float x = (float)(from + (to - from) * i / 200000);
        double wanted = exact((double)x), error = fabs((double)one(f, x) - wanted);
        error = relative ? error / fabs(wanted) : error;
        most = error > most ? error : most;
    }
    return most;
}

static void accuracy(void **state)
{
    (void)state;
    assert_true(worst(exp_of, real_exp, -87.3, 88, true) < 8e-8);
    assert_true(worst(exp_of, real_exp, -1, 1, true) < 7e-8);
    assert_true(worst(sigmoid_of, real_sigmoid, -87, 87, true) < 1.6e-7);
    assert_true(worst(erf_of, erf, -6, 6, false) < 4e-7);
    assert_true(worst(tanh_of, tanh, -10, 10, false) < 2e-7); /* absolute: it cancels near 0 */
}

static void special_values(void **state)
{
    (void)state;
    assert_true(one(exp_of, 0) == 1);
    assert_true(one(exp_of, -INFINITY) == 0);
    assert_true(one(exp_of, -1e30f) == 0);
    assert_true(one(exp_of, -87.34f) == 0);
    assert_true(one(exp_of, -87.33f) > 1e-38f);
    assert_true(one(exp_of, 1e30f) == one(exp_of, 88));
    assert_true(one(exp_of, INFINITY) == one(exp_of, 88));
    assert_true(isnan(one(exp_of, NAN)));
    assert_true(one(sigmoid_of, INFINITY) == 1 && one(sigmoid_of, -INFINITY) < 1e-38f);
    assert_true(isnan(one(sigmoid_of, NAN)));
    assert_true(one(tanh_of, INFINITY) == 1 && one(tanh_of, -INFINITY) == -1 && one(tanh_of, 0) == 0);
    assert_true(isnan(one(tanh_of, NAN)));
    assert_true(one(erf_of, INFINITY) == 1 && one(erf_of, -INFINITY) == -1 && one(erf_of, 0) == 0);
    assert_true(isnan(one(erf_of, NAN)));
}

/* The same at every level, through an operation: act(g) 1, and coef exp(x - 0). */
static void special_values_at_every_level(void **state)
{
    (void)state;
    CpuLevel level[3];
    int n = cpu_levels(level);
    for (int i = 0; i < n; i++) {
        Device *d = open_device(level[i], 1);
        float g[19], up[19], h[19];
        for (int c = 0; c < COUNT(g); c++) {
            g[c] = c % 3 == 0 ? NAN : c % 3 == 1 ? 300.0f : -300.0f;
            up[c] = 1;
        }
        for (int kind = ACT_SILU; kind <= ACT_GELU; kind++) {
            op_glu(d, tensor(h, 1, 19), tensor(g, 1, 19), tensor(up, 1, 19), (Activation)kind);
            for (int c = 0; c < COUNT(g); c++)
                assert_true(c % 3 == 0 ? isnan(h[c]) : c % 3 == 1 ? h[c] == 300 : fabsf(h[c]) < 1e-30f);
        }
        op_vocab_back(d, tensor(g, 1, 19), 0, &(int){-1}, &(float){0}, &(float){1});
        for (int c = 0; c < COUNT(g); c++)
            assert_true(c % 3 == 0 ? isnan(g[c]) : c % 3 == 1 ? g[c] > 1e38f : g[c] == 0);
        device_free(d);
    }
}

/* Lanes of NaN, sums and largest, that the kernels rely on. */
static void lanes(void **state)
{
    (void)state;
    float x[LANES];
    for (int bad = 0; bad < LANES; bad++) {
        for (int i = 0; i < LANES; i++)
            x[i] = (float)((7 * i) % LANES);
        assert_true(v_largest(v_load(x)) == LANES - 1 && v_sum(v_load(x)) == 120);
        x[bad] = NAN;
        assert_true(isnan(v_largest(v_load(x))) && isnan(v_sum(v_load(x))));
    }
}

/* --- the scan --------------------------------------------------------------------------------------------------- */

enum { ROWS = 4, MOST_TOP = 30 };

typedef struct Scan {
    VocabScan scan;
    float each[ROWS * 5], top_logit[ROWS * MOST_TOP];
    int best_id[ROWS], top_id[ROWS * MOST_TOP], target[ROWS];
    float *chunk_max, *block_sum;
} Scan;

static void scan_all(Device *d, Scan *s, Tensor logits, int top)
{
    int V = logits.cols, chunks = (V + VOCAB_CHUNK - 1) / VOCAB_CHUNK;
    s->chunk_max = mem_alloc((size_t)(ROWS * chunks), sizeof(float));
    s->block_sum = mem_alloc((size_t)(ROWS * chunks * VOCAB_BLOCKS), sizeof(float));
    s->scan = (VocabScan){.rows = ROWS,
                          .chunks = chunks,
                          .max = s->each,
                          .sum = s->each + ROWS,
                          .moment = s->each + 2 * ROWS,
                          .target = s->target,
                          .target_logit = s->each + 3 * ROWS,
                          .best = s->each + 4 * ROWS,
                          .best_id = s->best_id,
                          .inv_temperature = 1 / 0.7f,
                          .chunk_max = s->chunk_max,
                          .block_sum = s->block_sum,
                          .top = top,
                          .top_logit = s->top_logit,
                          .top_id = s->top_id};
    for (int first = 0; first < V; first += VOCAB_CHUNK) {
        Tensor part = zero_tensor(ROWS, V - first < VOCAB_CHUNK ? V - first : VOCAB_CHUNK);
        for (int r = 0; r < ROWS; r++)
            memcpy(tensor_rows(part, r, 1).at, tensor_rows(logits, r, 1).at + first, (size_t)part.cols * sizeof(float));
        op_vocab_scan(d, &s->scan, part, first);
        free(part.at);
    }
}

static void free_scan(Scan *s)
{
    free(s->chunk_max);
    free(s->block_sum);
}

static void relative(const char *what, int V, double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance * fmax(1e-30, fabs(wanted))))
        fail_msg("%s, vocabulary of %d: %.9g, not %.9g", what, V, got, wanted);
}

/* How many of a row's logits come before `id` in the order of the largest. */
static int rank_of(const float *x, int V, int id)
{
    int rank = 0;
    for (int i = 0; i < V; i++)
        rank += x[i] > x[id] || (x[i] == x[id] && i < id);
    return rank;
}

static void check_row(const Scan *s, int r, const float *x, int V)
{
    double max = -INFINITY, sum = 0, moment = 0;
    for (int i = 0; i < V; i++)
        max = fmax(max, (double)x[i]);
    for (int i = 0; i < V; i++) {
        double e = exp((double)x[i] - max);
        sum += e;
        moment += e * (double)x[i];
    }
    assert_true((double)s->scan.max[r] == max && (double)s->scan.best[r] == max);
    relative("sum", V, (double)s->scan.sum[r], sum, 1e-6);
    double entropy = log((double)s->scan.sum[r]) - (double)s->scan.moment[r] / (double)s->scan.sum[r];
    if (!(fabs(entropy - (max + log(sum) - moment / sum)) <= 5e-6))
        fail_msg("entropy, vocabulary of %d: %.9g, not %.9g", V, entropy, max + log(sum) - moment / sum);
    assert_true(s->scan.target_logit[r] == x[s->target[r]]);
    assert_int_equal(rank_of(x, V, s->best_id[r]), 0);
    for (int i = 0; i < s->scan.top && i < V; i++) {
        int id = s->top_id[r * s->scan.top + i];
        assert_int_equal(rank_of(x, V, id), i);
        assert_true(s->top_logit[r * s->scan.top + i] == x[id]);
    }
}

/* Each block's share at the sampling temperature, against its chunk's largest logit. */
static void check_blocks(const Scan *s, int r, const float *x, int V)
{
    for (int chunk = 0; chunk < s->scan.chunks; chunk++) {
        double max = -INFINITY;
        for (int i = chunk * VOCAB_CHUNK; i < V && i < (chunk + 1) * VOCAB_CHUNK; i++)
            max = fmax(max, (double)x[i]);
        assert_true((double)s->chunk_max[r * s->scan.chunks + chunk] == max);
        for (int b = 0; b < VOCAB_BLOCKS; b++) {
            double sum = 0;
            for (int i = chunk * VOCAB_CHUNK + b * VOCAB_BLOCK, k = 0; k < VOCAB_BLOCK && i < V; k++, i++)
                sum += exp(((double)x[i] - max) / 0.7);
            double got = (double)s->block_sum[(r * s->scan.chunks + chunk) * VOCAB_BLOCKS + b];
            if (sum > 1e-30)
                relative("block", V, got, sum, 3e-6);
            else
                assert_true(got < 1e-30);
        }
    }
}

static void scan(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 15, 16, 17, 127, 128, 129, 2047, 2048, 2049, 4096, 5000};
    Device *d = open_device(CPU_AUTO, 2);
    for (int i = 0; i < COUNT(sizes); i++) {
        int V = sizes[i];
        Tensor x = random_tensor(ROWS, V, (uint64_t)V, 4);
        for (int c = 0; c < V; c++) {
            x.at[c] = roundf(x.at[c]);                  /* many equal ones */
            x.at[V + c] = (float)c * 0.01f;             /* rising: each chunk has a new largest */
            x.at[2 * V + c] = 500.0f - (float)c * 0.5f; /* falling, beyond what exp can hold */
        }
        for (int c = 5; c < V; c += 2041)
            x.at[c] = 30; /* the same largest in every chunk: the first one counts */
        Scan s = {0};
        for (int r = 0; r < ROWS; r++)
            s.target[r] = r == 0 ? 0 : r == 1 ? V - 1 : V / r;
        scan_all(d, &s, x, V % 2 ? 1 : MOST_TOP);
        for (int r = 0; r < ROWS; r++) {
            check_row(&s, r, tensor_rows(x, r, 1).at, V);
            check_blocks(&s, r, tensor_rows(x, r, 1).at, V);
        }
        free_scan(&s);
        free(x.at);
    }
    device_free(d);
}

/* One NaN among the logits, wherever it is, makes the row's sum a NaN, and that row's alone. */
static void nan_is_seen(void **state)
{
    (void)state;
    enum { V = 4200 };
    static const int where[] = {0, 1, 17, 100, 2047, 2048, 4191, 4199};
    CpuLevel level[3];
    int n = cpu_levels(level);
    for (int l = 0; l < n; l++) {
        Device *d = open_device(level[l], 1);
        for (int i = 0; i < COUNT(where); i++) {
            Tensor x = random_tensor(ROWS, V, 1, 4);
            x.at[V + where[i]] = i % 2 ? NAN : INFINITY;
            Scan s = {0};
            scan_all(d, &s, x, 3);
            for (int r = 0; r < ROWS; r++)
                assert_int_equal(isnan(s.scan.sum[r]) != 0, r == 1);
            free_scan(&s);
            free(x.at);
        }
        device_free(d);
    }
}

/* The loss's gradient: rows sum to zero, the target's entry is exact where p is near 1. */
static void back(void **state)
{
    (void)state;
    enum { V = 300 };
    Device *d = open_device(CPU_AUTO, 1);
    Tensor x = random_tensor(1, V, 1, 3);
    x.at[7] = 40; /* p of 7 is 1 - 1e-16 or so */
    double sum = 0, row = 0;
    for (int i = 0; i < V; i++)
        sum += exp((double)x.at[i] - 40);
    float log_z = (float)(40 + log(sum)), coef = 0.5f;
    op_vocab_back(d, x, 0, &(int){7}, &log_z, &coef);
    for (int i = 0; i < V; i++)
        row += (double)x.at[i];
    assert_true(fabs(row) < 1e-7);
    assert_true(fabs((double)x.at[7]) < 1e-6);
    free(x.at);
    device_free(d);
}

/* --- the KL from another distribution ---------------------------------------------------------------------------- */

static double log_sum(const float *x, int V)
{
    double max = -INFINITY, sum = 0;
    for (int i = 0; i < V; i++)
        max = fmax(max, (double)x[i]);
    for (int i = 0; i < V; i++)
        sum += exp((double)x[i] - max);
    return max + log(sum);
}

/* KL(p || q) by its definition, in double; and the part of the vocabulary that p does not have costs nothing. */
static void kl_against_double(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 17, 129, 2048, 2049, 5000};
    Device *d = open_device(CPU_AUTO, 2);
    for (int i = 0; i < COUNT(sizes); i++) {
        int V = sizes[i];
        Tensor x = random_tensor(ROWS, V, (uint64_t)V, 3), y = random_tensor(ROWS, V, 7 + (uint64_t)V, 3);
        memcpy(tensor_rows(y, 1, 1).at, tensor_rows(x, 1, 1).at, (size_t)V * sizeof(float)); /* the same */
        for (int c = 0; c < V; c++) {
            y.at[2 * V + c] = x.at[2 * V + c] + 1e-3f * y.at[2 * V + c]; /* nearly */
            x.at[3 * V + c] = c == V / 2 ? 0.0f : -3000.0f;              /* p is certain */
        }
        float each[5 * ROWS];
        VocabScan scan = {.rows = ROWS, .chunks = 3, .max = each, .sum = each + ROWS, .cross = each + 2 * ROWS};
        VocabScan other = {.rows = ROWS, .chunks = 3, .max = each + 3 * ROWS, .sum = each + 4 * ROWS};
        for (int first = 0; first < V; first += VOCAB_CHUNK) {
            Tensor p = zero_tensor(ROWS, V - first < VOCAB_CHUNK ? V - first : VOCAB_CHUNK);
            Tensor q = zero_tensor(ROWS, p.cols);
            for (int r = 0; r < ROWS; r++) {
                memcpy(tensor_rows(p, r, 1).at, tensor_rows(x, r, 1).at + first, (size_t)p.cols * sizeof(float));
                memcpy(tensor_rows(q, r, 1).at, tensor_rows(y, r, 1).at + first, (size_t)p.cols * sizeof(float));
            }
            scan.reference = q.at;
            op_vocab_scan(d, &scan, p, first);
            op_vocab_scan(d, &other, q, first);
            free(p.at), free(q.at);
        }
        for (int r = 0; r < ROWS; r++) {
            const float *a = tensor_rows(x, r, 1).at, *b = tensor_rows(y, r, 1).at;
            double za = log_sum(a, V), zb = log_sum(b, V), wanted = 0;
            for (int c = 0; c < V; c++)
                wanted += exp((double)a[c] - za) * (((double)a[c] - za) - ((double)b[c] - zb));
            double log_z = (double)scan.max[r] + log((double)scan.sum[r]);
            double log_zq = (double)other.max[r] + log((double)other.sum[r]);
            double got = (double)scan.cross[r] / (double)scan.sum[r] - (log_z - log_zq);
            if (!(fabs(got - wanted) <= 2e-6 * (1 + fabs(wanted))) || (r == 1 && got != 0))
                fail_msg("KL, vocabulary of %d, row %d: %.9g, not %.9g", V, r, got, wanted);
        }
        free(x.at), free(y.at);
    }
    device_free(d);
}

/* --- the pick --------------------------------------------------------------------------------------------------- */

/* Every mass leads to the id whose stretch of the running sum holds it. */
static void pick(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    for (int n = 1; n <= VOCAB_BLOCK; n += 9) {
        float *x = random_floats((size_t)n, (uint64_t)n, 2);
        double running = 0, max = largest(x, (size_t)n);
        for (int i = 0; i < n; i++) {
            double weight = exp(((double)x[i] - max) * 1.25);
            assert_int_equal(op_vocab_pick(d, x, n, (float)max, 1.25f, running + 0.5 * weight), i);
            running += weight;
        }
        assert_int_equal(op_vocab_pick(d, x, n, (float)max, 1.25f, 2 * running), n - 1);
        assert_int_equal(op_vocab_pick(d, x, n, (float)max, 1.25f, 0), 0);
        free(x);
    }
    float x[5] = {0, -200, 0, -200, -200}; /* what has no weight is never picked */
    assert_int_equal(op_vocab_pick(d, x, 5, 0, 1, 1.0), 2);
    assert_int_equal(op_vocab_pick(d, x, 5, 0, 1, 99), 2);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy),
        cmocka_unit_test(special_values),
        cmocka_unit_test(special_values_at_every_level),
        cmocka_unit_test(lanes),
        cmocka_unit_test(scan),
        cmocka_unit_test(nan_is_seen),
        cmocka_unit_test(back),
        cmocka_unit_test(kl_against_double),
        cmocka_unit_test(pick),
    };
    return cmocka_run_group_tests_name("vocab", tests, NULL, NULL);
}
