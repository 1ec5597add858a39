/* Drawing next tokens against a plain recomputation in double: greedy, temperature, top-k, top-p, on vocabularies of one
 * chunk and of several. */
#include "infer/sampler.h"

#include "base/mem.h"
#include "infer/rank.h"
#include "tiny.h"

#include <float.h>

enum { ROWS = 12, MOST_VOCAB = 2500 };

/* The distribution after one row, sorted: largest logit first, among equals the lowest id. */
typedef struct Plain {
    int vocab, id[MOST_VOCAB];
    float logit[MOST_VOCAB];
    double weight[MOST_VOCAB]; /* exp((logit - largest) / temperature) of id[k] */
    double log_z, entropy;     /* at the temperature of log-probabilities, */
    double logp_temperature;
} Plain;

static int by_logit(const void *a, const void *b, void *context)
{
    const float *logit = context;
    int i = *(const int *)a, j = *(const int *)b;
    if (logit[i] != logit[j])
        return logit[i] > logit[j] ? -1 : 1;
    return i - j;
}

static void plain_of(Plain *p, Model *m, Tensor hidden, int row, double temperature, double logp_temperature)
{
    Err err = {0};
    HeadInput in;
    p->vocab = m->config.vocab;
    need_ok(head_input(m, &in, hidden, &row, 1, &err), &err);
    head_logits(m, &in, 0, 0, p->vocab, p->logit);
    head_input_release(&in);
    for (int i = 0; i < p->vocab; i++)
        p->id[i] = i;
    qsort_r(p->id, (size_t)p->vocab, sizeof *p->id, by_logit, p->logit);
    double max = (double)p->logit[p->id[0]], sum = 0, moment = 0;
    for (int k = 0; k < p->vocab; k++) {
        double x = (double)p->logit[p->id[k]] - max, y = x / logp_temperature;
        p->weight[k] = exp(x / temperature);
        sum += exp(y);
        moment += exp(y) * y;
    }
    p->logp_temperature = logp_temperature;
    p->log_z = max / logp_temperature + log(sum);
    p->entropy = log(sum) - moment / sum;
}

static double mass_of(const Plain *p, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += p->weight[k];
    return sum;
}

/* How many of the best tokens may be drawn: at least, and at most, for what rounding may decide. */
static void nucleus(const Plain *p, const Sampling *how, int *least, int *most)
{
    int n = how->top_k && how->top_k < p->vocab ? how->top_k : p->vocab;
    *least = *most = n;
    if (how->top_p >= 1)
        return;
    double total = mass_of(p, n), sum = 0;
    *least = 0;
    for (int k = 0; k < n; k++) {
        sum += p->weight[k];
        if (!*least && sum >= (how->top_p - 1e-5) * total)
            *least = k + 1;
        if (sum >= (how->top_p + 1e-5) * total) {
            *most = k + 1;
            return;
        }
    }
}

/* The token must be the one at which the running mass passes u: in order of the ranking where the list is cut, else in
 * order of ids. */
static void check_draw(const Plain *p, const Sampling *how, double u, int id)
{
    int least, most, rank = 0;
    bool ranked = (how->top_k && how->top_k < p->vocab) || how->top_p < 1;
    nucleus(p, how, &least, &most);
    while (p->id[rank] != id)
        rank++;
    if (rank >= most)
        fail_msg("token %d is number %d, but only %d may be drawn", id, rank, most);
    double before = 0, total = mass_of(p, most), slack = 1e-5 + mass_of(p, most) / mass_of(p, least) - 1;
    for (int k = 0; k < most; k++)
        if (ranked ? k < rank : p->id[k] < id)
            before += p->weight[k];
    double low = before / total, high = (before + p->weight[rank]) / total;
    if (!(u > low - slack && u < high + slack))
        fail_msg("token %d has the stretch [%.7f, %.7f], but %.7f was drawn", id, low, high, u);
}

static void check_numbers(const Plain *p, const Drawn *d)
{
    assert_true(fabs((double)d->logp - ((double)p->logit[d->id] / p->logp_temperature - p->log_z)) < 1e-5);
    assert_true(fabs((double)d->entropy - p->entropy) < 1e-4);
}

static void check_way(Model *m, Plain *p, Sampling how, uint64_t stream)
{
    Tensor hidden = random_tensor(ROWS, m->config.width, stream, 1);
    RngKey key[ROWS];
    int position[ROWS];
    Drawn all[ROWS], one;
    Err err = {0};
    for (int r = 0; r < ROWS; r++) {
        key[r] = (RngKey){.seed = stream, .purpose = RNG_TEST, .row = (uint64_t)r, .sample = (uint32_t)(3 * r)};
        position[r] = 5 * r;
    }
    need_ok(sample_tokens(m, hidden, &how, key, position, all, &err), &err);
    for (int r = 0; r < ROWS; r++) {
        plain_of(p, m, hidden, r, how.greedy ? 1 : how.temperature, how.logp_tempered ? how.temperature : 1);
        check_numbers(p, &all[r]);
        if (how.greedy)
            assert_int_equal(all[r].id, p->id[0]);
        else
            check_draw(p, &how, rng_uniform(key[r], (uint64_t)position[r]), all[r].id);
        need_ok(sample_tokens(m, tensor_rows(hidden, r, 1), &how, key + r, position + r, &one, &err), &err);
        assert_int_equal(one.id, all[r].id);
        same_bits("a row drawn alone", &one.logp, &all[r].logp, 1);
        same_bits("its entropy", &one.entropy, &all[r].entropy, 1);
    }
    free(hidden.at);
}

static void ways(void **state)
{
    (void)state;
    static const Sampling how[] = {
        {.greedy = true, .temperature = 1, .top_p = 1},
        {.temperature = 1, .top_p = 1},
        {.temperature = 0.2, .top_p = 1},
        {.temperature = 4, .top_p = 1},
        {.temperature = 1, .top_p = 1, .top_k = 1},
        {.temperature = 1, .top_p = 1, .top_k = 10},
        {.temperature = 0.7, .top_p = 1, .top_k = 1000000},
        {.temperature = 1, .top_p = 0.5},
        {.temperature = 0.05, .top_p = 0.9},
        {.temperature = 3, .top_p = 0.9}, /* more tokens than the first list has */
        {.temperature = 1, .top_p = 0.0001},
        {.temperature = 1, .top_p = 0.8, .top_k = 40},
        {.temperature = 5, .top_p = 0.9999999},
        {.temperature = 2, .top_p = 1, .top_k = 300}, /* longer than the list that the scan keeps */
        {.temperature = 2, .top_p = 0.95, .top_k = 400},
        {.temperature = 2, .top_p = 0.01, .top_k = 400},
        {.temperature = 0.7, .top_p = 1, .logp_tempered = true},
        {.temperature = 3, .top_p = 0.9, .logp_tempered = true}, /* of all tokens, however many are drawn from */
        {.temperature = 0.9, .top_p = 1, .top_k = 10, .logp_tempered = true},
    };
    static const int vocab[] = {3, 61, 500, MOST_VOCAB};
    Device *d = open_device(CPU_AUTO, 2);
    Plain *p = mem_alloc(1, sizeof *p);
    for (int v = 0; v < COUNT(vocab); v++) {
        Model *m = tiny_model(v % 2 ? TINY_GEMMA : TINY_LLAMA, HEAD_LM, vocab[v], d);
        for (int i = 0; i < COUNT(how); i++)
            check_way(m, p, how[i], (uint64_t)(100 * v + i + 1));
        model_free(m);
    }
    free(p);
    device_free(d);
}

/* Tokens come as often as their probabilities say: chi-square of nine degrees of freedom, below its 99.99 % point. */
static void frequencies(void **state)
{
    (void)state;
    enum { VOCAB = 10, DRAWS = 4000 };
    Model *m = tiny_on(CPU_AUTO, 1, TINY_LLAMA, HEAD_LM, VOCAB);
    Plain *p = mem_alloc(1, sizeof *p);
    Tensor one = random_tensor(1, m->config.width, 3, 0.3), hidden = zero_tensor(DRAWS, m->config.width);
    RngKey *key = mem_zalloc(DRAWS, sizeof *key);
    int *position = mem_zalloc(DRAWS, sizeof *position), seen[VOCAB] = {0};
    Drawn *drawn = mem_alloc(DRAWS, sizeof *drawn);
    for (int i = 0; i < DRAWS; i++) {
        memcpy(tensor_rows(hidden, i, 1).at, one.at, tensor_count(one) * sizeof(float));
        key[i] = (RngKey){.seed = 1, .purpose = RNG_TEST, .row = 7, .visit = (uint32_t)(i % 3), .sample = (uint32_t)i};
    }
    Sampling how = {.temperature = 1.5, .top_p = 1};
    Err err = {0};
    need_ok(sample_tokens(m, hidden, &how, key, position, drawn, &err), &err);
    for (int i = 0; i < DRAWS; i++)
        seen[drawn[i].id]++;
    plain_of(p, m, one, 0, how.temperature, 1);
    double chi = 0, total = mass_of(p, VOCAB);
    for (int k = 0; k < VOCAB; k++) {
        double wanted = DRAWS * p->weight[k] / total, off = seen[p->id[k]] - wanted;
        chi += off * off / wanted;
    }
    if (!(chi < 33.7))
        fail_msg("chi-square is %.1f", chi);
    free(key), free(position), free(drawn), free(p), free(one.at), free(hidden.at);
    tiny_free(m);
}

/* Equal logits: the lowest id is the best, and is the first in the list. */
static void ties(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_LLAMA, HEAD_LM, 2100);
    memset(m->w.lm_head.at, 0, matrix_floats(m->w.lm_head.rows, m->w.lm_head.cols) * sizeof(float));
    Tensor hidden = random_tensor(1, m->config.width, 1, 1);
    static const Sampling how[] = {{.greedy = true, .temperature = 1, .top_p = 1},
                                   {.temperature = 1, .top_p = 1, .top_k = 1}};
    Err err = {0};
    for (int i = 0; i < COUNT(how); i++) {
        Drawn drawn;
        need_ok(sample_tokens(m, hidden, &how[i], &(RngKey){.seed = 1}, &(int){0}, &drawn, &err), &err);
        assert_int_equal(drawn.id, 0);
        assert_true(fabs((double)drawn.entropy - log(2100)) < 1e-5);
    }
    free(hidden.at);
    tiny_free(m);
}

/* A model whose numbers are none is said to be one. */
static void not_finite(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_LLAMA, HEAD_LM, 300);
    Tensor hidden = random_tensor(2, m->config.width, 1, 1);
    hidden.at[m->config.width + 3] = NAN;
    static const Sampling how[] = {{.greedy = true, .temperature = 1, .top_p = 1},
                                   {.temperature = 1, .top_p = 1},
                                   {.temperature = 1, .top_p = 0.9}};
    for (int i = 0; i < COUNT(how); i++) {
        Drawn drawn[2];
        RngKey key[2] = {{.seed = 1}, {.seed = 2}};
        int position[2] = {0};
        Err err = {0};
        assert_false(sample_tokens(m, hidden, &how[i], key, position, drawn, &err));
        assert_int_equal(err.code, ERR_NUMBER);
        assert_true(err.hint[0] != 0);
    }
    free(hidden.at);
    tiny_free(m);
}

/* Equals, both zeros, both signs, numbers that differ in one bit, and the ends of what a float holds. */
static void ranks(void **state)
{
    (void)state;
    static const float odd[] = {0,         -0.0F,    1,       -1,       1.0000001F, -1.0000001F, FLT_MIN, -FLT_MIN,
                                -INFINITY, INFINITY, FLT_MAX, -FLT_MAX, 1e-45F,     -1e-45F,     3,       3};
    enum { N = MOST_VOCAB };
    static float logit[N];
    static int id[N], wanted[N];
    static RankItem room[2 * N];
    RngKey key = {.seed = 4, .purpose = RNG_TEST};
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(key, (uint64_t)i);
        logit[i] = i % 3 ? (float)(40 * u - 20) : odd[(int)(u * COUNT(odd))];
    }
    static const int sizes[] = {0, 1, 2, 700, N};
    for (int k = 0; k < COUNT(sizes); k++) {
        int m = sizes[k];
        rank_ids(id, logit, m, room);
        for (int i = 0; i < m; i++)
            wanted[i] = i;
        qsort_r(wanted, (size_t)m, sizeof *wanted, by_logit, logit);
        assert_memory_equal(id, wanted, (size_t)m * sizeof *id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways),       cmocka_unit_test(frequencies), cmocka_unit_test(ties),
        cmocka_unit_test(not_finite), cmocka_unit_test(ranks),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
