/* Rows do not know their batch, and sums over rows go on where they stopped: in bits, at every CPU level. */
#include "support.h"

#include "base/mem.h"

/* A test's body at one level. */
typedef void AtLevel(Device *d);

static void at_every_level(AtLevel *body)
{
    CpuLevel level[3];
    int n = cpu_levels(level);
    for (int i = 0; i < n; i++) {
        Device *d = open_device(level[i], 2);
        body(d);
        device_free(d);
    }
}

enum { MOST = 200 };

/* y for every row alone, then for batches of every size, beginning anywhere. */
static void linear_at(Device *d)
{
    enum { INPUTS = 19, OUTPUTS = 21 };
    Tensor x = random_tensor(MOST, INPUTS, 1, 1), alone = zero_tensor(MOST, OUTPUTS);
    Tensor batch = zero_tensor(MOST, OUTPUTS), dy = random_tensor(MOST, OUTPUTS, 2, 1);
    Tensor dx_alone = zero_tensor(MOST, INPUTS), dx = zero_tensor(MOST, INPUTS);
    Matrix w = random_matrix(OUTPUTS, INPUTS, 3, 1);
    for (int t = 0; t < MOST; t++) {
        op_linear(d, tensor_rows(alone, t, 1), tensor_rows(x, t, 1), w);
        op_linear_back_x(d, tensor_rows(dx_alone, t, 1), tensor_rows(dy, t, 1), w);
    }
    for (int n = 1; n <= MOST; n++) {
        int first = (7 * n) % (MOST - n + 1);
        Tensor y = tensor_rows(batch, first, n), rows = tensor_rows(dx, first, n);
        op_linear(d, y, tensor_rows(x, first, n), w);
        same_bits("a row of y in a batch", y.at, tensor_rows(alone, first, n).at, tensor_count(y));
        op_linear_back_x(d, rows, tensor_rows(dy, first, n), w);
        same_bits("a row of dx in a batch", rows.at, tensor_rows(dx_alone, first, n).at, tensor_count(rows));
    }
    free(x.at), free(alone.at), free(batch.at), free(dy.at), free(dx_alone.at), free(dx.at), free(w.at);
}

static void linear(void **state)
{
    (void)state;
    at_every_level(linear_at);
}

/* A matrix of which only some rows are multiplied (a chunk of the vocabulary) gives those rows' numbers. */
static void linear_by_columns_at(Device *d)
{
    enum { T = 9, INPUTS = 33, OUTPUTS = 101 };
    Tensor x = random_tensor(T, INPUTS, 1, 1), y = zero_tensor(T, OUTPUTS), part = zero_tensor(T, OUTPUTS);
    Matrix w = random_matrix(OUTPUTS, INPUTS, 2, 1);
    op_linear(d, y, x, w);
    for (int first = 0; first < OUTPUTS; first += PANEL)
        for (int n = 1; n <= OUTPUTS - first; n += 6) {
            Tensor some = tensor(part.at, T, n);
            op_linear(d, some, x, matrix_rows(w, first, n));
            for (int t = 0; t < T; t++)
                same_bits("some columns", tensor_rows(some, t, 1).at, tensor_rows(y, t, 1).at + first, (size_t)n);
        }
    free(x.at), free(y.at), free(part.at), free(w.at);
}

static void linear_by_columns(void **state)
{
    (void)state;
    at_every_level(linear_by_columns_at);
}

static const int cuts[] = {1, 2, 13, 16, 40, 56};

/* dW of 57 rows at once, and of the same rows in two batches. */
static void back_w_at(Device *d)
{
    enum { T = 57, INPUTS = 29, OUTPUTS = 37 };
    Tensor x = random_tensor(T, INPUTS, 1, 1), dy = random_tensor(T, OUTPUTS, 2, 1);
    Matrix old = random_matrix(OUTPUTS, INPUTS, 3, 1), whole = copy_matrix(old);
    op_linear_back_w(d, whole, dy, x);
    for (int i = 0; i < COUNT(cuts); i++) {
        Matrix parts = copy_matrix(old);
        int n = cuts[i];
        op_linear_back_w(d, parts, tensor_rows(dy, 0, n), tensor_rows(x, 0, n));
        op_linear_back_w(d, parts, tensor_rows(dy, n, T - n), tensor_rows(x, n, T - n));
        same_bits("dW in two batches", parts.at, whole.at, matrix_floats(OUTPUTS, INPUTS));
        free(parts.at);
    }
    free(x.at), free(dy.at), free(old.at), free(whole.at);
}

static void linear_back_w(void **state)
{
    (void)state;
    at_every_level(back_w_at);
}

/* dx = dy W over all outputs at once, and over two blocks of them: how the LM head's chunks add up. */
static void back_x_add_at(Device *d)
{
    enum { T = 11, INPUTS = 35, OUTPUTS = 77 };
    Tensor dy = random_tensor(T, OUTPUTS, 1, 1), whole = random_tensor(T, INPUTS, 2, 1);
    Tensor old = tensor(mem_copy(whole.at, tensor_count(whole), sizeof(float)), T, INPUTS);
    Matrix w = random_matrix(OUTPUTS, INPUTS, 3, 1);
    op_linear_back_x_add(d, whole, dy, w);
    for (int n = PANEL; n < OUTPUTS; n += PANEL) {
        Tensor parts = tensor(mem_copy(old.at, tensor_count(old), sizeof(float)), T, INPUTS);
        for (int first = 0; first < OUTPUTS; first += n) {
            int cols = OUTPUTS - first < n ? OUTPUTS - first : n;
            Tensor some = zero_tensor(T, cols);
            for (int t = 0; t < T; t++)
                memcpy(tensor_rows(some, t, 1).at, tensor_rows(dy, t, 1).at + first, (size_t)cols * sizeof(float));
            op_linear_back_x_add(d, parts, some, matrix_rows(w, first, cols));
            free(some.at);
        }
        same_bits("dx by blocks", parts.at, whole.at, tensor_count(whole));
        free(parts.at);
    }
    free(dy.at), free(whole.at), free(old.at), free(w.at);
}

static void linear_back_x_add(void **state)
{
    (void)state;
    at_every_level(back_x_add_at);
}

static void embed_back_at(Device *d)
{
    enum { T = 57, C = 21, V = 9 };
    Tensor dy = random_tensor(T, C, 1, 1);
    Matrix old = random_matrix(V, C, 2, 1), whole = copy_matrix(old);
    int *id = random_ids(T, V, 3);
    op_embed_back(d, whole, dy, id, 1.3f);
    for (int i = 0; i < COUNT(cuts); i++) {
        Matrix parts = copy_matrix(old);
        int n = cuts[i];
        op_embed_back(d, parts, tensor_rows(dy, 0, n), id, 1.3f);
        op_embed_back(d, parts, tensor_rows(dy, n, T - n), id + n, 1.3f);
        same_bits("an embedding's gradient in two batches", parts.at, whole.at, matrix_floats(V, C));
        free(parts.at);
    }
    free(dy.at), free(old.at), free(whole.at), free(id);
}

static void embed_back(void **state)
{
    (void)state;
    at_every_level(embed_back_at);
}

static void norm_back_of(Device *d, bool layer_norm)
{
    enum { T = 57, C = 37 };
    Tensor x = random_tensor(T, C, 1, 1), dy = random_tensor(T, C, 2, 1), dx = zero_tensor(T, C),
           stats = random_tensor(T, norm_stats(layer_norm), 4, 1), dx_whole = zero_tensor(T, C);
    Matrix old = random_matrix(C, 1, 3, 1), whole = copy_matrix(old), none = {0};
    Matrix shift = layer_norm ? copy_matrix(old) : none;
    Norm norm = {random_matrix(C, 1, 5, 1), 1e-5f, false, layer_norm ? random_matrix(C, 1, 6, 1) : none};
    op_norm_back(d, dx_whole, whole, shift, dy, x, stats, norm);
    for (int i = 0; i < COUNT(cuts); i++) {
        Matrix parts = copy_matrix(old), shifts = layer_norm ? copy_matrix(old) : none;
        int n[2] = {cuts[i], T - cuts[i]}, first[2] = {0, cuts[i]};
        for (int p = 0; p < 2; p++)
            op_norm_back(d, tensor_rows(dx, first[p], n[p]), parts, shifts, tensor_rows(dy, first[p], n[p]),
                         tensor_rows(x, first[p], n[p]), tensor_rows(stats, first[p], n[p]), norm);
        if (layer_norm)
            same_bits("a bias's gradient in two batches", shifts.at, shift.at, matrix_floats(C, 1));
        free(shifts.at);
        same_bits("a gain's gradient in two batches", parts.at, whole.at, matrix_floats(C, 1));
        same_bits("dx in two batches", dx.at, dx_whole.at, tensor_count(dx));
        free(parts.at);
    }
    free(x.at), free(dy.at), free(dx.at), free(dx_whole.at), free(stats.at), free(old.at), free(whole.at),
        free(shift.at), free(norm.weight.at), free(norm.bias.at);
}

static void norm_back_at(Device *d)
{
    norm_back_of(d, false);
    norm_back_of(d, true);
}

static void norm_back(void **state)
{
    (void)state;
    at_every_level(norm_back_at);
}

/* --- attention ------------------------------------------------------------------------------------------------- */

enum { H = 4, K = 2, D = 24, TOKENS = 75, Q = H * D, KD = K * D };

/* Writes the attention of one sequence of TOKENS that is cut into spans; gradients too where wanted. */
static void attend(Device *d, const int *length, int n, int window, Tensor out, Tensor dq, Tensor dk, Tensor dv)
{
    int parent[16];
    for (int i = 0; i < n; i++)
        parent[i] = i - 1;
    Grove g;
    grove_init(&g, H, K, D, window, parent, length, n);
    Tensor q = random_tensor(TOKENS, Q, 1, 1), k = random_tensor(TOKENS, KD, 2, 1), v = random_tensor(TOKENS, KD, 3, 1),
           dout = random_tensor(TOKENS, Q, 4, 1), stats = zero_tensor(TOKENS, 2 * H);
    op_kv_store(d, &g.att, k, v);
    op_attention(d, out, stats, q, &g.att);
    op_attention_back(d, dq, dk, dv, dout, q, stats, &g.att);
    free(q.at), free(k.at), free(v.at), free(dout.at), free(stats.at);
    grove_release(&g);
}

/* Cutting a sequence into spans changes no bit of the output, nor of the gradients of its queries. Keys' and
 * values' gradients are sums over queries in order, which the cut does not change either. */
static void attention_at(Device *d)
{
    static const int whole[] = {TOKENS}, window[] = {0, 1, 16, 21};
    static const int cut[][8] = {{1, 74}, {16, 59}, {5, 1, 1, 9, 17, 42}, {30, 45}, {47, 28}};
    for (int w = 0; w < COUNT(window); w++) {
        Tensor a[4] = {zero_tensor(TOKENS, Q), zero_tensor(TOKENS, Q), zero_tensor(TOKENS, KD),
                       zero_tensor(TOKENS, KD)};
        Tensor b[4] = {zero_tensor(TOKENS, Q), zero_tensor(TOKENS, Q), zero_tensor(TOKENS, KD),
                       zero_tensor(TOKENS, KD)};
        attend(d, whole, 1, window[w], a[0], a[1], a[2], a[3]);
        for (int i = 0; i < COUNT(cut); i++) {
            int n = 0;
            while (n < COUNT(cut[i]) && cut[i][n])
                n++;
            attend(d, cut[i], n, window[w], b[0], b[1], b[2], b[3]);
            same_bits("attention over cut spans", b[0].at, a[0].at, tensor_count(a[0]));
            same_bits("dq over cut spans", b[1].at, a[1].at, tensor_count(a[1]));
            same_bits("dk over cut spans", b[2].at, a[2].at, tensor_count(a[2]));
            same_bits("dv over cut spans", b[3].at, a[3].at, tensor_count(a[3]));
        }
        for (int i = 0; i < 4; i++)
            free(a[i].at), free(b[i].at);
    }
}

static void attention(void **state)
{
    (void)state;
    at_every_level(attention_at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),        cmocka_unit_test(linear_by_columns),
        cmocka_unit_test(linear_back_w), cmocka_unit_test(linear_back_x_add),
        cmocka_unit_test(embed_back),    cmocka_unit_test(norm_back),
        cmocka_unit_test(attention),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
