/* Every kernel at every CPU level and with 1, 2 and 7 threads: the bits of the plain one, on odd shapes. */
#include "support.h"

#include "base/mem.h"
#include "tensor/cpu.h"

/* Everything that one piece of work computes, one number after the other. */
typedef struct Out {
    float *at;
    size_t n, cap;
} Out;

static void put(Out *o, const float *from, size_t n)
{
    while (o->n + n > o->cap) {
        o->cap = o->cap ? 2 * o->cap : 4096;
        o->at = mem_resize(o->at, o->cap, sizeof *o->at);
    }
    if (n)
        memcpy(o->at + o->n, from, n * sizeof *from);
    o->n += n;
}

static void put_tensor(Out *o, Tensor t)
{
    put(o, t.at, tensor_count(t));
}

static void put_matrix(Out *o, Matrix m)
{
    put(o, m.at, matrix_floats(m.rows, m.cols));
}

/* Zeros of both signs and numbers below the normal range among the others. */
static void sprinkle(Tensor t)
{
    static const float rare[] = {0.0f, -0.0f, 1e-40f, -3e-42f, 1e-20f};
    for (size_t i = 3; i < tensor_count(t); i += 11)
        t.at[i] = rare[i % COUNT(rare)];
}

typedef void Work(Device *d, const int *s, Out *out);

typedef void Product(Device *d, Tensor to, Tensor from, Matrix w);

/* A product added to what there is, then alone. */
static void add_and_set(Device *d, Out *out, Product *add, Product *set, Tensor to, Tensor from, Matrix w)
{
    sprinkle(from);
    add(d, to, from, w);
    put_tensor(out, to);
    set(d, to, from, w);
    put_tensor(out, to);
    free(to.at), free(from.at), free(w.at);
}

/* Shapes: tokens, inputs, outputs. */
static void linear(Device *d, const int *s, Out *out)
{
    add_and_set(d, out, op_linear_add, op_linear, random_tensor(s[0], s[2], 2, 1), random_tensor(s[0], s[1], 1, 1),
                random_matrix(s[2], s[1], 3, 1));
}

static void linear_back_x(Device *d, const int *s, Out *out)
{
    add_and_set(d, out, op_linear_back_x_add, op_linear_back_x, random_tensor(s[0], s[1], 1, 1),
                random_tensor(s[0], s[2], 2, 1), random_matrix(s[2], s[1], 3, 1));
}

static void linear_back_w(Device *d, const int *s, Out *out)
{
    Tensor x = random_tensor(s[0], s[1], 1, 1), dy = random_tensor(s[0], s[2], 2, 1);
    Matrix dw = random_matrix(s[2], s[1], 3, 1);
    sprinkle(x);
    op_linear_back_w(d, dw, dy, x);
    put_matrix(out, dw);
    free(x.at), free(dy.at), free(dw.at);
}

/* Tokens, width, vocabulary. */
static void embed(Device *d, const int *s, Out *out)
{
    Tensor y = zero_tensor(s[0], s[1]), dy = random_tensor(s[0], s[1], 1, 1);
    Matrix w = random_matrix(s[2], s[1], 2, 1), dw = random_matrix(s[2], s[1], 3, 1);
    int *id = random_ids(s[0], s[2], 4);
    op_embed(d, y, w, id, 1.7f);
    put_tensor(out, y);
    op_embed_add(d, y, w, id);
    put_tensor(out, y);
    op_embed_back(d, dw, dy, id, 1.7f);
    put_matrix(out, dw);
    free(y.at), free(dy.at), free(w.at), free(dw.at), free(id);
}

static void rows(Device *d, const int *s, Out *out)
{
    Tensor x = random_tensor(s[2], s[1], 1, 1), y = random_tensor(s[0], s[1], 2, 1), z;
    int *row = random_ids(s[0], s[2], 3);
    z = zero_tensor(s[0], s[1]);
    op_gather(d, z, x, row);
    put_tensor(out, z);
    op_add(d, z, y);
    put_tensor(out, z);
    op_scatter_add(d, x, y, row);
    put_tensor(out, x);
    Matrix b = random_matrix(s[1], 1, 4, 1);
    op_bias(d, z, b);
    put_tensor(out, z);
    op_bias_back(d, b, y);
    put_matrix(out, b);
    free(b.at), free(x.at), free(y.at), free(z.at), free(row);
}

/* Rows, width. */
static void norm_of(Device *d, const int *s, Out *out, bool plus_one, bool layer_norm)
{
    Tensor x = random_tensor(s[0], s[1], 1, 1), dy = random_tensor(s[0], s[1], 2, 1);
    Tensor y = zero_tensor(s[0], s[1]), stats = zero_tensor(s[0], norm_stats(layer_norm));
    Tensor dx = random_tensor(s[0], s[1], 3, 1);
    Matrix none = {0}, dweight = random_matrix(s[1], 1, 5, 1);
    Matrix dbias = layer_norm ? random_matrix(s[1], 1, 7, 1) : none;
    Norm norm = {random_matrix(s[1], 1, 4, 1), 1e-5f, plus_one, layer_norm ? random_matrix(s[1], 1, 6, 1) : none};
    sprinkle(x);
    op_norm(d, y, stats, x, norm);
    put_tensor(out, y);
    put_tensor(out, stats);
    op_norm_back_add(d, dx, dweight, dbias, dy, x, stats, norm);
    put_tensor(out, dx);
    op_norm_back(d, dx, dweight, dbias, dy, x, stats, norm);
    put_tensor(out, dx);
    put_matrix(out, dweight);
    put_matrix(out, dbias);
    op_norm_back(d, dy, dweight, dbias, dy, x, stats, norm); /* in place */
    same_bits("in place", dy.at, dx.at, tensor_count(dx));
    op_norm(d, x, stats, x, norm);
    same_bits("in place", x.at, y.at, tensor_count(x));
    free(x.at), free(dy.at), free(y.at), free(stats.at), free(dx.at), free(norm.weight.at), free(norm.bias.at);
    free(dweight.at), free(dbias.at);
}

static void norms(Device *d, const int *s, Out *out)
{
    for (int i = 0; i < 4; i++)
        norm_of(d, s, out, i % 2, i / 2);
}

/* Tokens, heads, size of a head. */
static void rope(Device *d, const int *s, Out *out)
{
    Tensor x = random_tensor(s[0], s[1] * s[2], 1, 1);
    int *position = random_ids(s[0], 50, 2);
    for (int half = 1; half <= s[2] / 2; half += half < 4 ? 1 : 5) {
        float *cos_table = random_floats((size_t)(50 * half), 3, 1);
        float *sin_table = random_floats((size_t)(50 * half), 4, 1);
        RopeTable table = {cos_table, sin_table, half, 50};
        op_rope(d, x, s[1], position, table);
        put_tensor(out, x);
        op_rope_back(d, x, s[1], position, table);
        put_tensor(out, x);
        free(cos_table), free(sin_table);
    }
    free(x.at), free(position);
}

/* Query heads, key heads, size of a head, window; every other one with a soft cap. */
static void attention(Device *d, const int *s, Out *out)
{
    static const int parent[] = {-1, 0, 1, 0, -1, 4, 4, -1}, length[] = {37, 5, 20, 1, 3, 17, 50, 70};
    Grove g;
    grove_init(&g, s[0], s[1], s[2], s[3], parent, length, COUNT(parent));
    g.att.cap = s[0] % 2 ? 0 : 0.7f;
    int T = g.rows, Q = s[0] * s[2], KD = s[1] * s[2];
    Tensor q = random_tensor(T, Q, 1, 1), k = random_tensor(T, KD, 2, 1), v = random_tensor(T, KD, 3, 1);
    Tensor dout = random_tensor(T, Q, 4, 1), o = zero_tensor(T, Q), stats = zero_tensor(T, 2 * s[0]);
    Tensor dq = zero_tensor(T, Q), dk = zero_tensor(T, KD), dv = zero_tensor(T, KD);
    op_kv_store(d, &g.att, k, v);
    op_attention(d, o, stats, q, &g.att);
    put_tensor(out, o);
    put_tensor(out, stats);
    op_attention_back(d, dq, dk, dv, dout, q, stats, &g.att);
    put_tensor(out, dq);
    put_tensor(out, dk);
    put_tensor(out, dv);
    float *all[] = {q.at, k.at, v.at, dout.at, o.at, stats.at, dq.at, dk.at, dv.at};
    for (int i = 0; i < COUNT(all); i++)
        free(all[i]);
    grove_release(&g);
}

/* Rows, width. */
static void glu(Device *d, const int *s, Out *out)
{
    for (int kind = ACT_SILU; kind <= ACT_GELU; kind++) {
        Tensor gate = random_tensor(s[0], s[1], 1, 4), up = random_tensor(s[0], s[1], 2, 1);
        Tensor h = zero_tensor(s[0], s[1]), dh = random_tensor(s[0], s[1], 3, 1);
        sprinkle(gate);
        for (size_t i = 0; i < tensor_count(gate) && i < 2; i++)
            gate.at[i] = i ? -200.0f : 200.0f;
        op_glu(d, h, gate, up, (Activation)kind);
        put_tensor(out, h);
        op_glu_back(d, gate, up, h, dh, gate, up, (Activation)kind);
        put_tensor(out, h);
        put_tensor(out, gate);
        put_tensor(out, up);
        op_act(d, h, dh, (Activation)kind);
        put_tensor(out, h);
        op_act_back(d, dh, h, up, dh, (Activation)kind);
        put_tensor(out, dh);
        free(gate.at), free(up.at), free(h.at), free(dh.at);
    }
}

/* Rows, vocabulary, how many of the largest. */
static void vocab(Device *d, const int *s, Out *out)
{
    int n = s[0], V = s[1], top = s[2], chunks = (V + VOCAB_CHUNK - 1) / VOCAB_CHUNK;
    Tensor logits = random_tensor(n, V, 1, 5);
    size_t blocks = (size_t)(n * chunks * VOCAB_BLOCKS);
    float *each = mem_zalloc((size_t)n, 5 * sizeof *each), *sums = mem_zalloc(blocks, 2 * sizeof *sums);
    float *coef = random_floats((size_t)n, 2, 1), *top_logit = mem_zalloc((size_t)(n * top), sizeof(float));
    int *ids = mem_zalloc((size_t)(n * (top + 1)), sizeof *ids), *target = random_ids(n, V, 3);
    VocabScan scan = {.rows = n, .chunks = chunks, .max = each, .sum = each + n, .moment = each + 2 * n};
    scan.target = target, scan.target_logit = each + 3 * n, scan.best = each + 4 * n, scan.best_id = ids;
    scan.inv_temperature = 1.3f, scan.chunk_max = sums, scan.block_sum = sums + blocks;
    scan.top = top, scan.top_logit = top_logit, scan.top_id = ids + n;
    op_soft_cap(d, logits, 7);
    put_tensor(out, logits);
    for (int first = 0; first < V; first += VOCAB_CHUNK) {
        Tensor part = zero_tensor(n, V - first < VOCAB_CHUNK ? V - first : VOCAB_CHUNK);
        for (int r = 0; r < n; r++)
            memcpy(part.at + r * part.cols, logits.at + r * V + first, (size_t)part.cols * sizeof(float));
        op_vocab_scan(d, &scan, part, first);
        op_vocab_back(d, part, first, target, scan.max, coef);
        put_tensor(out, part);
        op_soft_cap_back(d, part, part, 3);
        put_tensor(out, part);
        free(part.at);
    }
    put(out, each, (size_t)(5 * n));
    put(out, sums, 2 * blocks);
    put(out, top_logit, (size_t)(n * top));
    for (int i = 0; i < n * (top + 1); i++)
        put(out, &(float){(float)ids[i]}, 1);
    for (int i = 0; i < 40; i++) {
        int m = 1 + (V - 1) % VOCAB_BLOCK;
        put(out, &(float){(float)op_vocab_pick(d, logits.at, m, 3, 0.7f, 0.02 * i)}, 1);
    }
    free(logits.at), free(each), free(sums), free(coef), free(top_logit), free(ids), free(target);
}

/* Rows, vocabulary. */
static void vocab_kl(Device *d, const int *s, Out *out)
{
    int n = s[0], V = s[1], chunks = (V + VOCAB_CHUNK - 1) / VOCAB_CHUNK, *target = random_ids(n, V, 3);
    float *each = mem_zalloc((size_t)n, 3 * sizeof *each), *coef = random_floats((size_t)n, 2, 1);
    VocabScan scan = {.rows = n, .chunks = chunks, .max = each, .sum = each + n, .cross = each + 2 * n};
    for (int first = 0; first < V; first += VOCAB_CHUNK) {
        int cols = V - first < VOCAB_CHUNK ? V - first : VOCAB_CHUNK;
        Tensor p = random_tensor(n, cols, 1 + (uint64_t)first, 5), q = random_tensor(n, cols, 2 + (uint64_t)first, 5);
        scan.reference = q.at;
        op_vocab_scan(d, &scan, p, first);
        op_vocab_back_kl(d, p, first, target, scan.max, coef, (VocabKl){q, scan.sum, coef, 0.3f});
        put_tensor(out, p);
        free(p.at), free(q.at);
    }
    put(out, each, (size_t)(3 * n));
    free(each), free(coef), free(target);
}

/* Rows, columns. */
static void optimizers(Device *d, const int *s, Out *out)
{
    Matrix w = random_matrix(s[0], s[1], 1, 1), m = zero_matrix(s[0], s[1]), v = zero_matrix(s[0], s[1]);
    Matrix g = zero_matrix(s[0], s[1]);
    float *factors = mem_zalloc((size_t)(s[0] + s[1]), sizeof *factors);
    for (int step = 1; step <= 3; step++) {
        fill_matrix(g, (uint64_t)(10 + step), 0.1);
        AdamW a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .decay = 0.1f};
        a.correct1 = 0.1f * (float)step, a.correct2 = 0.001f * (float)step, a.grad_scale = 0.7f;
        op_adamw(d, w, m, v, g, a);
        Adafactor f = {.lr = 0.01f, .beta2 = 0.5f, .eps = 1e-30f, .clip = 1, .grad_scale = 0.7f};
        op_adafactor(d, w, factors, s[1] > 1 ? factors + s[0] : NULL, g, f);
        double squares = op_sum_squares(d, g);
        float half[2];
        memcpy(half, &squares, sizeof half);
        put(out, half, 2);
    }
    put_matrix(out, w);
    put_matrix(out, m);
    put_matrix(out, v);
    put(out, factors, (size_t)(s[0] + (s[1] > 1 ? s[1] : 0)));
    free(w.at), free(m.at), free(v.at), free(g.at), free(factors);
}

typedef struct Case {
    const char *name;
    Work *work;
    int shape[8][4];
} Case;

/* Some shapes are large enough for a kernel to start threads. */
#define PRODUCTS                                                                                                       \
    {                                                                                                                  \
        {1, 1, 1}, {3, 17, 5}, {13, 16, 32}, {15, 33, 47}, {29, 100, 65}, {85, 31, 34},                                \
        {                                                                                                              \
            87, 800, 35                                                                                                \
        }                                                                                                              \
    }
static const Case cases[] = {
    {"linear", linear, PRODUCTS},
    {"linear_back_x", linear_back_x, PRODUCTS},
    {"linear_back_w", linear_back_w, PRODUCTS},
    {"embed", embed, {{1, 1, 1}, {5, 17, 3}, {129, 150, 40}}},
    {"rows", rows, {{1, 1, 1}, {9, 31, 4}, {129, 150, 200}}},
    {"norms", norms, {{1, 1}, {5, 15}, {3, 16}, {7, 65}, {130, 150}}},
    {"rope", rope, {{1, 1, 2}, {5, 3, 24}, {3, 2, 64}, {200, 5, 18}}},
    {"attention",
     attention,
     {{1, 1, 1}, {4, 2, 16}, {3, 1, 24}, {2, 2, 64, 16}, {9, 3, 33, 5}, {49, 1, 4}, {2, 2, 80, 1}, {4, 1, 32, 50}}},
    {"glu", glu, {{1, 1}, {3, 17}, {2, 64}, {70, 131}}},
    {"vocab", vocab, {{1, 1, 1}, {3, 2047, 4}, {2, 2048, 1}, {2, 2049, 7}, {5, 5000, 20}, {1, 129, 3}}},
    {"vocab, KL", vocab_kl, {{1, 1}, {3, 2047}, {2, 2048}, {2, 2049}, {5, 5000}, {1, 129}}},
    {"optimizers", optimizers, {{1, 1}, {1, 64}, {64, 1}, {33, 1}, {17, 19}, {5, 130}, {90, 70}}},
};

/* What the plain kernels compute in one thread, made by whoever asks first. */
static Out reference[COUNT(cases)][COUNT(cases[0].shape)];

static const Out *plain_result(const Case *c, int shape)
{
    Out *o = &reference[c - cases][shape];
    if (!o->n) {
        Device *d = open_device(CPU_PLAIN, 1);
        c->work(d, c->shape[shape], o);
        Err err = {0};
        need_ok(device_ok(d, &err), &err);
        device_free(d);
    }
    return o;
}

static int free_references(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(cases) * COUNT(cases[0].shape); i++)
        free((&reference[0][0])[i].at);
    return 0;
}

typedef struct Run {
    const Case *c;
    CpuLevel level;
} Run;

static void same_as_plain(void **state)
{
    const Run *run = *state;
    static const int threads[] = {1, 2, 7};
    for (int t = run->level == CPU_PLAIN; t < COUNT(threads); t++) {
        Device *d = open_device(run->level, threads[t]);
        assert_int_equal(d->level, run->level);
        for (int i = 0; i < COUNT(run->c->shape) && run->c->shape[i][0]; i++) {
            const int *s = run->c->shape[i];
            const Out *wanted = plain_result(run->c, i);
            Out got = {0};
            run->c->work(d, s, &got);
            char what[120];
            snprintf(what, sizeof what, "%s [%d %d %d %d], %d threads", run->c->name, s[0], s[1], s[2], s[3],
                     threads[t]);
            assert_int_equal(got.n, wanted->n);
            same_bits(what, got.at, wanted->at, got.n);
            free(got.at);
        }
        Err err = {0};
        need_ok(device_ok(d, &err), &err);
        device_free(d);
    }
}

/* A device that was told to keeps what its operations did, and computes the same. */
static void profiled(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    Profile p = {0};
    Tensor x = random_tensor(5, 40, 1, 1), y = zero_tensor(5, 24), z = zero_tensor(5, 24);
    Matrix w = random_matrix(24, 40, 2, 1);
    op_linear(d, z, x, w);
    d->profile = &p;
    op_linear(d, y, x, w);
    same_bits("linear", y.at, z.at, tensor_count(y));
    op_linear_add(d, y, x, w);
    op_add(d, y, z);
    d->profile = NULL;
    op_add(d, y, z);
    assert_true(p.op[PROFILE_linear].calls == 2 && p.op[PROFILE_linear].flops == 2 * 2.0 * 5 * 40 * 24);
    assert_true(p.op[PROFILE_linear].seconds > 0 && p.op[PROFILE_add].calls == 1 && p.op[PROFILE_add].flops == 0);
    assert_true(p.op[PROFILE_rope].calls == 0 && strcmp(profiled_name[PROFILE_rope], "rope") == 0);
    free(x.at), free(y.at), free(z.at), free(w.at);
    device_free(d);
}

int main(void)
{
    enum { LEVELS = 3 };
    static struct CMUnitTest tests[COUNT(cases) * LEVELS + 1] = {
        [COUNT(cases) * LEVELS] = {.name = "profiled", .test_func = profiled}};
    static Run run[COUNT(cases) * LEVELS];
    static char name[COUNT(run)][60];
    for (int i = 0; i < COUNT(run); i++) {
        run[i] = (Run){&cases[i / LEVELS], (CpuLevel)(CPU_PLAIN + i % LEVELS)};
        snprintf(name[i], sizeof name[i], "%s, %s", run[i].c->name, cpu_level_name(run[i].level));
        tests[i] = (struct CMUnitTest){.name = name[i], .test_func = same_as_plain, .initial_state = &run[i]};
    }
    return cmocka_run_group_tests_name("kernels", tests, NULL, free_references);
}
