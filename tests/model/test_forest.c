/* Rows do not know their batch: a token's numbers are the same bits alone, in any batch, token by token and in
 * any forest, with any threads, at every CPU level, on every machine. */
#include "tiny.h"

#include "base/mem.h"

enum { VOCAB = 2100, MOST_SEGMENTS = 24 }; /* the vocabulary is more than a chunk */

/* --- random forests ---------------------------------------------------------------------------------------------- */

/* What a random forest holds: every segment's tokens, and the whole path above and in it. */
typedef struct Plan {
    int n, parent[MOST_SEGMENTS], length[MOST_SEGMENTS], above[MOST_SEGMENTS]; /* tokens before the segment */
    int path[MOST_SEGMENTS][300];
} Plan;

static int below(uint64_t stream, int position, int n)
{
    return (int)rng_below((RngKey){.seed = 3, .purpose = RNG_TEST, .row = stream}, (uint64_t)position, (uint64_t)n);
}

/* Segments of 0 to 40 tokens, most of them branches of others. */
static void plan_random(Plan *p, uint64_t stream)
{
    *p = (Plan){.n = 4 + below(stream, 0, MOST_SEGMENTS - 4)};
    for (int i = 0; i < p->n; i++) {
        p->parent[i] = i == 0 ? -1 : below(stream, 10 * i + 1, i + 1) - 1;
        int up = p->parent[i], longest = below(stream, 10 * i + 2, 3) ? 6 : 41;
        p->above[i] = up < 0 ? 0 : p->above[up] + p->length[up];
        if (p->above[i] > 200) {
            up = p->parent[i] = -1;
            p->above[i] = 0;
        }
        p->length[i] = up < 0 ? 1 + below(stream, 10 * i + 3, longest) : below(stream, 10 * i + 3, longest);
        if (up >= 0)
            memcpy(p->path[i], p->path[up], (size_t)p->above[i] * sizeof(int));
        int *ids = random_ids(p->length[i], VOCAB, stream * 100 + (uint64_t)i);
        memcpy(p->path[i] + p->above[i], ids, (size_t)p->length[i] * sizeof(int));
        free(ids);
    }
}

/* The residual stream of every segment's tokens, each path computed alone: [segment][token][C], one after the
 * other. */
static float *plan_alone(const Plan *p, Model *m)
{
    size_t C = (size_t)m->config.width, used = 0, total = 0;
    for (int i = 0; i < p->n; i++)
        total += (size_t)p->length[i] * C;
    float *out = mem_alloc(total, sizeof *out);
    for (int i = 0; i < p->n; i++) {
        if (p->length[i] == 0)
            continue;
        float *hidden = hidden_alone(m, p->path[i], p->above[i] + p->length[i]);
        memcpy(out + used, hidden + (size_t)p->above[i] * C, (size_t)p->length[i] * C * sizeof(float));
        used += (size_t)p->length[i] * C;
        free(hidden);
    }
    return out;
}

/* The same from one forest, computed over many batches: every batch takes some of the segments whose parents
 * are complete, and of each some of its next tokens. */
static float *plan_in_forest(const Plan *p, Model *m, uint64_t schedule)
{
    size_t C = (size_t)m->config.width, at[MOST_SEGMENTS], total = 0;
    int segment[MOST_SEGMENTS], done[MOST_SEGMENTS] = {0}, row[MOST_SEGMENTS], taken[MOST_SEGMENTS], left = 0;
    for (int i = 0; i < p->n; i++) {
        at[i] = total;
        segment[i] = -1;
        total += (size_t)p->length[i] * C;
        left += p->length[i];
    }
    float *out = mem_alloc(total, sizeof *out);
    Err err = {0};
    Forest f;
    Batch b = {0};
    Acts *a = mem_zalloc(1, sizeof *a);
    forest_init(&f, &m->config);
    for (int turn = 0; left > 0; turn++) {
        batch_clear(&b);
        for (int i = 0; i < p->n; i++) {
            int up = p->parent[i], draw = below(schedule, 50 * turn + i, 100);
            taken[i] = 0;
            if (segment[i] < 0 && (up < 0 || (segment[up] >= 0 && done[up] == p->length[up])))
                need_ok(forest_add(&f, up < 0 ? -1 : segment[up], p->length[i], &segment[i], &err), &err);
            if (segment[i] < 0 || done[i] == p->length[i] || draw < 30)
                continue;
            int rest = p->length[i] - done[i];
            taken[i] = draw < 60 ? rest : 1 + draw % rest;
            row[i] = batch_add(&b, &f, segment[i], p->path[i] + p->above[i] + done[i], taken[i]);
            done[i] += taken[i];
        }
        if (b.rows == 0)
            continue;
        need_ok(transformer_forward(m, &f, &b, turn % 2 ? KEEP_ALL : KEEP_NOTHING, a, &err), &err);
        for (int i = 0; i < p->n; i++)
            if (taken[i])
                memcpy(out + at[i] + (size_t)(done[i] - taken[i]) * C, a->hidden.at + (size_t)row[i] * C,
                       (size_t)taken[i] * C * sizeof(float));
        left -= b.rows;
    }
    acts_release(a);
    free(a);
    batch_release(&b);
    forest_release(&f);
    return out;
}

static size_t plan_floats(const Plan *p, const Model *m)
{
    size_t n = 0;
    for (int i = 0; i < p->n; i++)
        n += (size_t)p->length[i] * (size_t)m->config.width;
    return n;
}

/* Llama 3's scaling, with the frequencies of all three of its ranges, which no tiny model has. */
static void scale_some(Model *m, TinyKind kind, uint64_t stream)
{
    if (kind == TINY_LLAMA && stream > 3)
        m->config.rope = (Rope){10000, ROPE_LLAMA3, 8, 1, 4, .original_context = 100};
}

/* At every level: the first device computes each path alone, all others the forest. */
static void any_forest(void **state)
{
    (void)state;
    CpuLevel level[3];
    int levels = cpu_levels(level);
    static const int threads[] = {2, 1, 7, 1, 1, 1}; /* many are slow where cores are few */
    Plan *p = mem_alloc(1, sizeof *p);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (uint64_t stream = 1; stream <= 6; stream++) {
            plan_random(p, stream);
            Device *plain = open_device(CPU_PLAIN, 1);
            Model *m = tiny_model((TinyKind)kind, HEAD_LM, VOCAB, plain);
            scale_some(m, (TinyKind)kind, stream);
            float *wanted = plan_alone(p, m);
            for (int l = 0; l < levels; l++) {
                m->device = open_device(level[l], threads[(stream + (uint64_t)l) % 6]);
                float *got = plan_in_forest(p, m, 10 * stream + (uint64_t)l);
                same_bits("a token in a forest", got, wanted, plan_floats(p, m));
                free(got);
                device_free(m->device);
            }
            free(wanted);
            model_free(m);
            device_free(plain);
        }
    free(p);
}

/* --- log-probabilities ------------------------------------------------------------------------------------------- */

/* One sequence of 90 tokens: whole, token by token, cut anywhere, in a batch with others; log-probabilities of
 * all rows at once, row by row, and twice the same row. */
static void logprobs(void **state)
{
    (void)state;
    enum { N = 90 };
    int *ids = random_ids(N, VOCAB, 1);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int l = 0; l < levels; l++) {
            Model *m = tiny_on(level[l], 2, (TinyKind)kind, HEAD_LM, VOCAB);
            float *wanted = logprobs_alone(m, ids, N), got[2], entropy[2];
            Err err = {0};
            Forest f;
            Batch b = {0};
            Acts *a = mem_zalloc(1, sizeof *a);
            int segment, other, row[2];
            forest_init(&f, &m->config);
            need_ok(forest_add(&f, -1, N, &segment, &err) && forest_add(&f, -1, N, &other, &err), &err);
            for (int t = 0; t + 1 < N; t++) { /* another sequence runs ahead in the same batches */
                batch_clear(&b);
                if (t % 3 == 0)
                    batch_add(&b, &f, other, ids + t, 3);
                row[0] = row[1] = batch_add(&b, &f, segment, ids + t, 1);
                need_ok(transformer_forward(m, &f, &b, KEEP_NOTHING, a, &err), &err);
                int target[2] = {ids[t + 1], ids[t + 1]};
                need_ok(head_logprobs(m, a->hidden, (Targets){.n = 2, .row = row, .target = target},
                                      (LogProbs){.logp = got, .entropy = entropy}, &err),
                        &err);
                same_bits("a log-probability, token by token", got, wanted + t, 1);
                same_bits("the same row twice", got + 1, got, 1);
                assert_true(entropy[0] > 0 && (double)entropy[0] < log(VOCAB));
            }
            acts_release(a);
            free(a);
            batch_release(&b);
            forest_release(&f);
            free(wanted);
            tiny_free(m);
        }
    free(ids);
}

/* Probabilities of the whole vocabulary sum to one, and their entropy is what head_logprobs says. */
static void whole_distribution(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 2, TINY_GEMMA, HEAD_LM, VOCAB);
    static const int ids[] = {5, 2000, 77};
    float *hidden = hidden_alone(m, ids, 3);
    int *row = mem_zalloc(VOCAB, sizeof *row), *target = mem_alloc(VOCAB, sizeof *target);
    float *logp = mem_alloc(VOCAB, sizeof *logp), *entropy = mem_alloc(VOCAB, sizeof *entropy);
    for (int i = 0; i < VOCAB; i++) {
        row[i] = 2;
        target[i] = i;
    }
    Err err = {0};
    need_ok(head_logprobs(m, tensor(hidden, 3, m->config.width), (Targets){.n = VOCAB, .row = row, .target = target},
                          (LogProbs){.logp = logp, .entropy = entropy}, &err),
            &err);
    double sum = 0, nats = 0;
    for (int i = 0; i < VOCAB; i++) {
        sum += exp((double)logp[i]);
        nats -= exp((double)logp[i]) * (double)logp[i];
    }
    assert_true(fabs(sum - 1) < 1e-5);
    assert_true(fabs(nats - (double)entropy[9]) < 1e-4);
    /* A single row's logits are those of the scan. */
    HeadInput in;
    float logit[PANEL * 3];
    need_ok(head_input(m, &in, tensor(hidden, 3, m->config.width), row, 1, &err), &err);
    head_logits(m, &in, 0, 2048, 45, logit);
    for (int i = 1; i < 45; i++)
        assert_true(fabs((double)(logit[i] - logit[0]) - (double)(logp[2048 + i] - logp[2048])) < 1e-5);
    head_input_release(&in);
    free(hidden), free(row), free(target), free(logp), free(entropy);
    tiny_free(m);
}

/* The bits themselves, so that machines can be compared that never meet. */
static void committed_hash(void **state)
{
    (void)state;
    static const char *const wanted[TINY_KINDS] = {"d10a4d6a48e7d50b6a35c3edb4f3af677c5234b9fca568b7ecf03488132012e5",
                                                   "056989f473b9836052611e25b2d960c495979f6928950364e841908321e4e8b3",
                                                   "8e726f8df7798514e69b664cbe84ef347d9f2b0118238353f2ffbeabbecd8abe",
                                                   "b21bd9d066b93aa21a7c95710f7ee39b787f002a4872374461429c3b4c1c3290",
                                                   "2a7c40fd5ccd9965fd78c6b2e94ee1821cba23d00226d29bab07e3846729cb36",
                                                   "7bc2c5cb2d78b8005245e7e0cc04e4e7e62e1aa79a56452cbfcbe5782ea27a2d",
                                                   "7e81596565a0deeea614d85a74b8c4730e1657d8c82fd6b7d0821241f09790b3",
                                                   "4d5c3a7b73533c7d1487b41cfbe55419d535d3ffb0565172aa7a60bd8946efa6",
                                                   "c702e32e046f82dfe562aef4a2fc8c6294e0e04152976561329691112dfadfeb"};
    int *ids = random_ids(150, VOCAB, 9);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int l = 0; l < levels; l++) {
            Model *m = tiny_on(level[l], 2, (TinyKind)kind, HEAD_LM, VOCAB);
            float *logp = logprobs_alone(m, ids, 150);
            char digits[HASH_TEXT];
            Hash *h = hash_new();
            hash_floats(h, m->w.block, m->w.floats);
            hash_floats(h, logp, 149);
            hash_end(h, digits);
            assert_string_equal(digits, wanted[kind]);
            free(logp);
            tiny_free(m);
        }
    free(ids);
}

/* --- the forest itself ------------------------------------------------------------------------------------------- */

static void segments(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_LLAMA, HEAD_LM, 50);
    Err err = {0};
    Forest f;
    Batch b = {0};
    static const int ids[40] = {1, 2, 3};
    int root, child, other, again;
    forest_init(&f, &m->config);
    need_ok(forest_add(&f, -1, 20, &root, &err), &err);
    assert_int_equal(batch_add(&b, &f, root, ids, 20), 0);
    assert_int_equal(forest_length(&f, root), 20);
    need_ok(forest_add(&f, root, 3, &child, &err) && forest_add(&f, root, 40, &other, &err), &err);
    assert_int_equal(f.span[child].position, 20);
    assert_int_equal(batch_add(&b, &f, child, ids, 0), 20); /* nothing is added, no run */
    assert_int_equal(b.runs, 1);
    assert_int_equal(batch_add(&b, &f, child, ids, 3), 20);
    assert_int_equal(batch_add(&b, &f, other, ids, 40), 23);
    assert_int_equal(forest_end(&f, other), 60);
    assert_int_equal(b.position[23 + 39], 59);
    assert_int_equal(f.segment[root].children, 2);
    assert_int_equal(f.segment[other].tree, root);

    size_t all = forest_bytes(&m->config, 20) + forest_bytes(&m->config, 3) + forest_bytes(&m->config, 40);
    assert_true(f.bytes == all && f.most_bytes == all);
    assert_true(forest_bytes(&m->config, 17) == forest_bytes(&m->config, 32));
    forest_drop(&f, child);
    assert_int_equal(f.segment[root].children, 1);
    assert_true(f.bytes == all - forest_bytes(&m->config, 3) && f.most_bytes == all);
    need_ok(forest_add(&f, other, 1, &again, &err), &err);
    assert_int_equal(again, child); /* a number is used again */
    assert_int_equal(f.segment[again].path_n, 3);
    assert_int_equal(f.span[again].position, 60);
    forest_clear(&f);
    assert_true(f.bytes == 0 && f.n == 0);
    batch_release(&b);
    forest_release(&f);
    tiny_free(m);
}

/* What a dropped segment left in memory is not seen by the one that takes its place. */
static void dropped_segments_leave_nothing(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 2, TINY_GEMMA, HEAD_LM, 50);
    int *ids = random_ids(40, 50, 4);
    float *wanted = hidden_alone(m, ids, 25);
    size_t C = (size_t)m->config.width;
    Err err = {0};
    Forest f;
    Batch b = {0};
    Acts *a = mem_zalloc(1, sizeof *a);
    int root, child;
    forest_init(&f, &m->config);
    need_ok(forest_add(&f, -1, 16, &root, &err), &err);
    batch_add(&b, &f, root, ids, 16);
    for (int round = 0; round < 4; round++) {
        need_ok(forest_add(&f, root, 24, &child, &err), &err);
        int row = batch_add(&b, &f, child, round % 2 ? ids + 16 : ids + 3, 9);
        need_ok(transformer_forward(m, &f, &b, KEEP_NOTHING, a, &err), &err);
        if (round % 2)
            same_bits("a segment in a used place", a->hidden.at + (size_t)row * C, wanted + 16 * C, 9 * C);
        forest_drop(&f, child);
        batch_clear(&b);
    }
    acts_release(a);
    free(a);
    batch_release(&b);
    forest_release(&f);
    free(wanted), free(ids);
    tiny_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_forest),     cmocka_unit_test(logprobs), cmocka_unit_test(whole_distribution),
        cmocka_unit_test(committed_hash), cmocka_unit_test(segments), cmocka_unit_test(dropped_segments_leave_nothing),
    };
    return cmocka_run_group_tests_name("forest", tests, NULL, NULL);
}
