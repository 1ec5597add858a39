/* Every operation against its equation in ops.h, computed here in double precision the plainest way. */
#include "support.h"

#include "base/mem.h"

static Device *device;

static double at(Tensor t, int row, int col)
{
    return (double)t.at[(size_t)row * (size_t)t.cols + (size_t)col];
}

static double of(Matrix m, int row, int col)
{
    return (double)m.at[matrix_at(m, row, col)];
}

static void near(const char *what, double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%s: %.9g, not %.9g", what, got, wanted);
}

static void linear(void **state)
{
    (void)state;
    static const int shape[][3] = {{1, 1, 1}, {3, 17, 5}, {31, 64, 33}, {100, 9, 70}};
    for (int s = 0; s < COUNT(shape); s++) {
        int T = shape[s][0], n = shape[s][1], m = shape[s][2];
        Tensor x = random_tensor(T, n, 1, 1), y = zero_tensor(T, m), sum = random_tensor(T, m, 2, 1);
        Tensor old = tensor(mem_copy(sum.at, tensor_count(sum), sizeof(float)), T, m);
        Matrix w = random_matrix(m, n, 3, 1);
        op_linear(device, y, x, w);
        op_linear_add(device, sum, x, w);
        for (int t = 0; t < T; t++)
            for (int r = 0; r < m; r++) {
                double wanted = 0;
                for (int c = 0; c < n; c++)
                    wanted += at(x, t, c) * of(w, r, c);
                near("x W^T", at(y, t, r), wanted, 2e-5);
                near("y + x W^T", at(sum, t, r), at(old, t, r) + wanted, 2e-5);
            }
        free(x.at), free(y.at), free(sum.at), free(old.at), free(w.at);
    }
}

/* A device whose scratch memory has never held anything larger: sizes that are no whole lines. */
static void scratch_of_any_size(void **state)
{
    (void)state;
    for (int T = 1; T < 40; T++) {
        Device *d = open_device(CPU_AUTO, 1);
        Tensor x = random_tensor(T, 3, 1, 1), dy = random_tensor(T, 5, 2, 1), dx = zero_tensor(T, 3);
        Matrix dw = zero_matrix(5, 3), w = random_matrix(5, 3, 3, 1);
        op_linear_back_w(d, dw, dy, x);
        op_linear_back_x(d, dx, dy, w);
        for (int r = 0; r < 5; r++)
            for (int c = 0; c < 3; c++) {
                double wanted = 0;
                for (int t = 0; t < T; t++)
                    wanted += at(dy, t, r) * at(x, t, c);
                near("dy^T x", of(dw, r, c), wanted, 2e-5);
            }
        for (int t = 0; t < T; t++)
            for (int c = 0; c < 3; c++) {
                double wanted = 0;
                for (int r = 0; r < 5; r++)
                    wanted += at(dy, t, r) * of(w, r, c);
                near("dy W", at(dx, t, c), wanted, 2e-5);
            }
        free(x.at), free(dy.at), free(dx.at), free(dw.at), free(w.at);
        device_free(d);
    }
}

static void rows(void **state)
{
    (void)state;
    static const int row[] = {4, 0, 4, 2};
    Tensor x = random_tensor(5, 19, 1, 1), y = zero_tensor(4, 19), sum = random_tensor(5, 19, 2, 1);
    Tensor old = tensor(mem_copy(sum.at, tensor_count(sum), sizeof(float)), 5, 19);
    Matrix w = random_matrix(20, 19, 3, 1);
    op_gather(device, y, x, row);
    for (int i = 0; i < COUNT(row); i++)
        for (int c = 0; c < 19; c++)
            assert_true(at(y, i, c) == at(x, row[i], c));
    op_scatter_add(device, sum, y, row);
    for (int c = 0; c < 19; c++) {
        near("row 4, twice", at(sum, 4, c), at(old, 4, c) + 2 * at(x, 4, c), 1e-5);
        near("row 3, never", at(sum, 3, c), at(old, 3, c), 0);
    }
    op_add(device, sum, x);
    for (int c = 0; c < 19; c++)
        near("sum", at(sum, 3, c), at(old, 3, c) + at(x, 3, c), 1e-6);
    op_embed(device, y, w, row, 3);
    for (int c = 0; c < 19; c++)
        near("embedding", at(y, 0, c), 3 * of(w, 4, c), 1e-6);
    free(x.at), free(y.at), free(sum.at), free(old.at), free(w.at);
}

static void packing(void **state)
{
    (void)state;
    float row[7], back[7];
    Matrix m = zero_matrix(35, 7);
    for (int r = 0; r < 35; r++) {
        for (int c = 0; c < 7; c++)
            row[c] = (float)(100 * r + c);
        matrix_set_row(m, r, row);
    }
    assert_true(m.at[2 * 16 * 7 + 16 * 5 + 2] == 3405); /* as tensor.h says it */
    Matrix part = matrix_rows(m, 16, 19);
    assert_true(of(part, 18, 5) == 3405 && part.cols == 7);
    matrix_get_row(m, 17, back);
    for (int c = 0; c < 7; c++)
        assert_true(back[c] == (float)(1700 + c));
    assert_int_equal(matrix_floats(35, 7), 48 * 7);
    free(m.at);
}

static void check_norm(int C, bool plus_one, bool layer_norm)
{
    Tensor x = random_tensor(3, C, 1, 1), y = zero_tensor(3, C), stats = zero_tensor(3, norm_stats(layer_norm));
    Matrix none = {0};
    Norm norm = {random_matrix(C, 1, 2, 1), 0.25f, plus_one, layer_norm ? random_matrix(C, 1, 3, 1) : none};
    op_norm(device, y, stats, x, norm);
    for (int t = 0; t < 3; t++) {
        double squares = 0, mu = 0;
        for (int c = 0; c < C; c++)
            mu += layer_norm ? at(x, t, c) / C : 0;
        for (int c = 0; c < C; c++)
            squares += (at(x, t, c) - mu) * (at(x, t, c) - mu);
        double r = 1 / sqrt(squares / C + 0.25);
        near("inv", at(stats, t, 0), r, 1e-6);
        for (int c = 0; c < C; c++)
            near("norm", at(y, t, c),
                 (at(x, t, c) - mu) * r * (plus_one + of(norm.weight, c, 0)) + (layer_norm ? of(norm.bias, c, 0) : 0),
                 1e-5);
    }
    free(x.at), free(y.at), free(stats.at), free(norm.weight.at), free(norm.bias.at);
}

static void norms(void **state)
{
    (void)state;
    for (int C = 1; C < 70; C += 7)
        for (int i = 0; i < 4; i++)
            check_norm(C, i % 2, i / 2);
}

static void biases(void **state)
{
    (void)state;
    Tensor y = random_tensor(3, 21, 1, 1), dy = random_tensor(3, 21, 2, 1);
    Tensor old = tensor(mem_copy(y.at, tensor_count(y), sizeof(float)), 3, 21);
    Matrix b = random_matrix(21, 1, 3, 1), db = zero_matrix(21, 1);
    op_bias(device, y, b);
    op_bias_back(device, db, dy);
    for (int c = 0; c < 21; c++) {
        for (int t = 0; t < 3; t++)
            near("bias", at(y, t, c), at(old, t, c) + of(b, c, 0), 1e-6);
        near("its gradient", of(db, c, 0), at(dy, 0, c) + at(dy, 1, c) + at(dy, 2, c), 1e-6);
    }
    free(y.at), free(dy.at), free(old.at), free(b.at), free(db.at);
}

static void rope(void **state)
{
    (void)state;
    enum { HEADS = 2, D = 11, HALF = 4 };
    static const int position[] = {3, 0, 7};
    float *cosines = random_floats(8 * HALF, 1, 1), *sines = random_floats(8 * HALF, 2, 1);
    Tensor x = random_tensor(3, HEADS * D, 3, 1);
    Tensor old = tensor(mem_copy(x.at, tensor_count(x), sizeof(float)), 3, HEADS * D);
    op_rope(device, x, HEADS, position, (RopeTable){cosines, sines, HALF, 8});
    for (int t = 0; t < 3; t++)
        for (int c = 0; c < HEADS * D; c++) {
            int i = c % D, pair = i % HALF, table = position[t] * HALF + pair;
            double a = at(old, t, c - i + pair), b = at(old, t, c - i + pair + HALF);
            double co = (double)cosines[table], si = (double)sines[table];
            double turned = i < HALF ? a * co - b * si : a * si + b * co;
            near("rotation", at(x, t, c), i < 2 * HALF ? turned : at(old, t, c), 1e-6);
        }
    free(cosines), free(sines), free(x.at), free(old.at);
}

/* Row of the token at a position of the path, or -1. */
static int row_on_path(const Grove *g, const QueryRun *run, int position)
{
    for (int i = 0; i < run->path_n; i++) {
        const KvSpan *s = &g->span[run->path[i]];
        if (position >= s->position && position < s->position + s->n)
            return s->row + position - s->position;
    }
    return -1;
}

static void attend_plainly(const Grove *g, const QueryRun *run, int t, int h, Tensor q, Tensor k, Tensor v, double *out)
{
    const Attention *a = &g->att;
    int D = a->dim, kv = h / (a->heads / a->kv_heads), own = g->position[t];
    double weight[200], sum = 0;
    memset(out, 0, (size_t)D * sizeof *out);
    for (int p = 0; p <= own; p++) {
        int j = row_on_path(g, run, p);
        double dot = 0;
        for (int d = 0; d < D; d++)
            dot += at(q, t, h * D + d) * at(k, j, kv * D + d);
        double score = (double)a->scale * dot, cap = (double)a->cap;
        score = cap > 0 ? cap * tanh(score / cap) : score;
        weight[p] = a->window && own - p >= a->window ? 0 : exp(score);
        sum += weight[p];
        for (int d = 0; d < D; d++)
            out[d] += weight[p] * at(v, j, kv * D + d);
    }
    for (int d = 0; d < D; d++)
        out[d] /= sum;
}

static void attention(void **state)
{
    (void)state;
    static const int parent[] = {-1, 0, 0, 2, -1, 4}, length[] = {21, 3, 16, 50, 1, 2};
    static const int shape[][4] = {{1, 1, 16, 0}, {6, 2, 24, 0}, {4, 1, 64, 7}, {2, 2, 5, 16}, {3, 1, 33, 1}};
    for (int s = 0; s < COUNT(shape); s++) {
        int H = shape[s][0], K = shape[s][1], D = shape[s][2];
        Grove g;
        grove_init(&g, H, K, D, shape[s][3], parent, length, COUNT(parent));
        g.att.cap = s % 2 ? 0.8f : 0;
        Tensor q = random_tensor(g.rows, H * D, 1, 1), k = random_tensor(g.rows, K * D, 2, 1);
        Tensor v = random_tensor(g.rows, K * D, 3, 1), o = zero_tensor(g.rows, H * D),
               stats = zero_tensor(g.rows, 2 * H);
        op_kv_store(device, &g.att, k, v);
        op_attention(device, o, stats, q, &g.att);
        double wanted[64];
        for (int r = 0; r < COUNT(parent); r++)
            for (int t = g.run[r].row; t < g.run[r].row + g.run[r].n; t++)
                for (int h = 0; h < H; h++) {
                    attend_plainly(&g, &g.run[r], t, h, q, k, v, wanted);
                    for (int d = 0; d < D; d++)
                        near("attention", at(o, t, h * D + d), wanted[d], 5e-6);
                }
        free(q.at), free(k.at), free(v.at), free(o.at), free(stats.at);
        grove_release(&g);
    }
}

static double activation_of(Activation act, double x)
{
    if (act == ACT_SILU)
        return x / (1 + exp(-x));
    return 0.5 * x *
           (1 + (act == ACT_GELU ? erf(x / sqrt(2)) : tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x))));
}

static void soft_caps(void **state)
{
    (void)state;
    Tensor x = random_tensor(4, 50, 1, 3);
    Tensor old = tensor(mem_copy(x.at, tensor_count(x), sizeof(float)), 4, 50);
    op_soft_cap(device, x, 2.5f);
    for (size_t i = 0; i < tensor_count(x); i++)
        near("soft cap", (double)x.at[i], 2.5 * tanh((double)old.at[i] / 2.5), 2e-6);
    free(x.at), free(old.at);
}

static void glu(void **state)
{
    (void)state;
    Tensor gate = random_tensor(4, 50, 1, 3), up = random_tensor(4, 50, 2, 1), h = zero_tensor(4, 50);
    for (int kind = ACT_SILU; kind <= ACT_GELU; kind++) {
        op_glu(device, h, gate, up, (Activation)kind);
        for (size_t i = 0; i < tensor_count(h); i++) {
            double g = (double)gate.at[i];
            near("act(gate) up", (double)h.at[i], (double)up.at[i] * activation_of((Activation)kind, g), 5e-6);
        }
        op_act(device, h, gate, (Activation)kind);
        for (size_t i = 0; i < tensor_count(h); i++)
            near("act(x)", (double)h.at[i], activation_of((Activation)kind, (double)gate.at[i]), 5e-6);
    }
    free(gate.at), free(up.at), free(h.at);
}

/* --- optimizers ----------------------------------------------------------------------------------------------- */

static void sum_squares(void **state)
{
    (void)state;
    Matrix m = random_matrix(37, 21, 1, 1);
    double wanted = 0;
    for (int r = 0; r < 37; r++)
        for (int c = 0; c < 21; c++)
            wanted += of(m, r, c) * of(m, r, c);
    near("sum of squares", op_sum_squares(device, m), wanted, 1e-6 * wanted);
    m.at[matrix_at(m, 36, 20)] = INFINITY;
    assert_true(isinf(op_sum_squares(device, m)));
    m.at[matrix_at(m, 5, 0)] = NAN;
    assert_true(isnan(op_sum_squares(device, m)));
    free(m.at);
}

/* Loshchilov and Hutter 2019, algorithm 2. */
static void adamw(void **state)
{
    (void)state;
    enum { ROWS = 19, COLS = 5, STEPS = 4 };
    Matrix w = random_matrix(ROWS, COLS, 1, 1), m = zero_matrix(ROWS, COLS), v = zero_matrix(ROWS, COLS);
    double ww[ROWS][COLS], mm[ROWS][COLS] = {{0}}, vv[ROWS][COLS] = {{0}};
    for (int i = 0; i < ROWS * COLS; i++)
        ww[i / COLS][i % COLS] = of(w, i / COLS, i % COLS);
    for (int step = 1; step <= STEPS; step++) {
        Matrix g = random_matrix(ROWS, COLS, (uint64_t)(10 + step), 0.01);
        double c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.99, step);
        op_adamw(device, w, m, v, g,
                 (AdamW){.lr = 0.05f,
                         .beta1 = 0.9f,
                         .beta2 = 0.99f,
                         .eps = 0.002f,
                         .decay = 0.5f,
                         .correct1 = (float)c1,
                         .correct2 = (float)c2,
                         .grad_scale = 0.25f});
        for (int i = 0; i < ROWS * COLS; i++) {
            double gi = 0.25 * of(g, i / COLS, i % COLS), *x = &ww[0][0] + i;
            (&mm[0][0])[i] = 0.9 * (&mm[0][0])[i] + 0.1 * gi;
            (&vv[0][0])[i] = 0.99 * (&vv[0][0])[i] + 0.01 * gi * gi;
            *x -= 0.05 * 0.5 * *x;
            *x -= 0.05 * ((&mm[0][0])[i] / c1) / (sqrt((&vv[0][0])[i] / c2) + 0.002);
            near("AdamW", of(w, i / COLS, i % COLS), *x, 2e-6);
        }
        free(g.at);
    }
    free(w.at), free(m.at), free(v.at);
}

/* Shazeer and Stern 2018, algorithms 4 and 1 with clipping (section 6), for matrices and for vectors. */
static void adafactor(void **state)
{
    (void)state;
    static const int shape[][2] = {{19, 5}, {1, 20}, {33, 1}, {16, 16}};
    for (int s = 0; s < COUNT(shape); s++) {
        int rows = shape[s][0], cols = shape[s][1];
        Matrix w = random_matrix(rows, cols, 1, 1);
        float *factors = mem_zalloc((size_t)(rows + cols), sizeof *factors);
        double R[40] = {0}, C[40] = {0}, V[40] = {0}, ww[512], u[512];
        for (int i = 0; i < rows * cols; i++)
            ww[i] = of(w, i / cols, i % cols);
        for (int step = 1; step <= 3; step++) {
            Matrix g = random_matrix(rows, cols, (uint64_t)(10 + step), step == 2 ? 5 : 0.01);
            double beta2 = 1 - pow(step, -0.8), mean = 0, squares = 0;
            op_adafactor(
                device, w, factors, cols > 1 ? factors + rows : NULL, g,
                (Adafactor){.lr = 0.05f, .beta2 = (float)beta2, .eps = 1e-30f, .clip = 0.8f, .grad_scale = 0.5f});
            double row[40] = {0}, col[40] = {0};
            for (int i = 0; i < rows * cols; i++) {
                double square = 0.25 * of(g, i / cols, i % cols) * of(g, i / cols, i % cols);
                row[i / cols] += square / cols;
                col[i % cols] += square / rows;
            }
            for (int r = 0; r < rows; r++) {
                R[r] = V[r] = beta2 * R[r] + (1 - beta2) * row[r];
                mean += R[r] / rows;
            }
            for (int c = 0; c < cols; c++)
                C[c] = beta2 * C[c] + (1 - beta2) * col[c];
            for (int i = 0; i < rows * cols; i++) {
                double second = cols == 1 ? V[i] : R[i / cols] / mean * C[i % cols];
                u[i] = 0.5 * of(g, i / cols, i % cols) / sqrt(second);
                squares += u[i] * u[i] / (rows * cols);
            }
            for (int i = 0; i < rows * cols; i++) {
                ww[i] -= 0.05 * u[i] / fmax(1, sqrt(squares) / 0.8);
                near("Adafactor", of(w, i / cols, i % cols), ww[i], 2e-6);
            }
            free(g.at);
        }
        free(w.at), free(factors);
    }
}

/* A row and a column without any gradient stay where they are. */
static void adafactor_without_gradient(void **state)
{
    (void)state;
    Matrix w = random_matrix(20, 6, 1, 1), g = random_matrix(20, 6, 2, 1e-3), old = copy_matrix(w);
    float factors[26] = {0};
    for (int r = 0; r < 20; r++)
        g.at[matrix_at(g, r, 4)] = 0;
    for (int c = 0; c < 6; c++)
        g.at[matrix_at(g, 17, c)] = 0;
    op_adafactor(device, w, factors, factors + 20, g,
                 (Adafactor){.lr = 0.1f, .beta2 = 0, .eps = 1e-30f, .clip = 1, .grad_scale = 1});
    for (int r = 0; r < 20; r++)
        assert_true(of(w, r, 4) == of(old, r, 4));
    for (int c = 0; c < 6; c++)
        assert_true(of(w, 17, c) == of(old, 17, c));
    assert_true(largest_difference(w.at, old.at, matrix_floats(20, 6)) < 1);
    free(w.at), free(g.at), free(old.at);
}

static int close_device(void **state)
{
    (void)state;
    device_free(device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),      cmocka_unit_test(scratch_of_any_size),
        cmocka_unit_test(rows),        cmocka_unit_test(packing),
        cmocka_unit_test(norms),       cmocka_unit_test(biases),
        cmocka_unit_test(rope),        cmocka_unit_test(attention),
        cmocka_unit_test(glu),         cmocka_unit_test(soft_caps),
        cmocka_unit_test(sum_squares), cmocka_unit_test(adamw),
        cmocka_unit_test(adafactor),   cmocka_unit_test(adafactor_without_gradient),
    };
    device = open_device(CPU_AUTO, 2);
    return cmocka_run_group_tests_name("forward", tests, NULL, close_device);
}
