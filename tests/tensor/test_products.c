/* Products of more rows, columns or links of the chain than a block has, and of rows at multiples of 4096 bytes: every
 * number is the one chain of multiply-adds that tensor/cpu/product.h says it is, bit for bit. */
#include "support.h"

#include "base/mem.h"

/* start + sum_k a[k a_step] b[k b_step], each link rounded once. */
static float chain(float start, const float *a, size_t a_step, const float *b, size_t b_step, int n)
{
    for (int k = 0; k < n; k++)
        start = fmaf(a[(size_t)k * a_step], b[(size_t)k * b_step], start);
    return start;
}

typedef struct Shape {
    int tokens, inputs, outputs;
} Shape;

static const Shape shape[] = {{9, 1024, 17}, {150, 2048, 35}, {530, 5, 2100}, {2100, 30, 20}, {300, 5300, 3}};

/* What a layer is given, and what it makes of it. */
typedef struct Layer {
    Tensor x, dy, y, sum, dx, dx_sum;
    Matrix w, dw;
} Layer;

static Layer layer_new(Shape s)
{
    return (Layer){.x = random_tensor(s.tokens, s.inputs, 1, 1),
                   .dy = random_tensor(s.tokens, s.outputs, 2, 1),
                   .y = zero_tensor(s.tokens, s.outputs),
                   .sum = random_tensor(s.tokens, s.outputs, 4, 1),
                   .dx = zero_tensor(s.tokens, s.inputs),
                   .dx_sum = random_tensor(s.tokens, s.inputs, 5, 1),
                   .w = random_matrix(s.outputs, s.inputs, 3, 1),
                   .dw = random_matrix(s.outputs, s.inputs, 6, 1)};
}

static void layer_free(Layer *l)
{
    float *all[] = {l->x.at, l->dy.at, l->y.at, l->sum.at, l->dx.at, l->dx_sum.at, l->w.at, l->dw.at};
    for (int i = 0; i < COUNT(all); i++)
        free(all[i]);
}

static void chains(Layer *l)
{
    size_t T = (size_t)l->x.rows, C = (size_t)l->x.cols, N = (size_t)l->dy.cols;
    float *row = mem_alloc(N, sizeof *row); /* a column of W */
    for (size_t t = 0; t < T; t++)
        for (size_t n = 0; n < N; n++) {
            const float *w = l->w.at + matrix_at(l->w, (int)n, 0);
            l->y.at[t * N + n] = chain(0, l->x.at + t * C, 1, w, PANEL, (int)C);
            l->sum.at[t * N + n] += l->y.at[t * N + n];
        }
    for (size_t c = 0; c < C; c++) {
        for (size_t n = 0; n < N; n++) {
            float *dw = l->dw.at + matrix_at(l->dw, (int)n, (int)c);
            *dw = chain(*dw, l->dy.at + n, N, l->x.at + c, C, (int)T);
            row[n] = l->w.at[matrix_at(l->w, (int)n, (int)c)];
        }
        for (size_t t = 0; t < T; t++) {
            l->dx.at[t * C + c] = chain(0, l->dy.at + t * N, 1, row, 1, (int)N);
            l->dx_sum.at[t * C + c] = chain(l->dx_sum.at[t * C + c], l->dy.at + t * N, 1, row, 1, (int)N);
        }
    }
    free(row);
}

static Layer wanted[COUNT(shape)];

static int all_chains(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(shape); i++) {
        wanted[i] = layer_new(shape[i]);
        chains(&wanted[i]);
    }
    return 0;
}

static int free_chains(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(shape); i++)
        layer_free(&wanted[i]);
    return 0;
}

static void one_chain(CpuLevel level, int threads)
{
    Device *d = open_device(level, threads);
    for (int i = 0; i < COUNT(shape); i++) {
        Layer l = layer_new(shape[i]);
        op_linear(d, l.y, l.x, l.w);
        op_linear_add(d, l.sum, l.x, l.w);
        op_linear_back_x(d, l.dx, l.dy, l.w);
        op_linear_back_x_add(d, l.dx_sum, l.dy, l.w);
        op_linear_back_w(d, l.dw, l.dy, l.x);
        Err err = {0};
        need_ok(device_ok(d, &err), &err);
        same_bits("x W^T", l.y.at, wanted[i].y.at, tensor_count(l.y));
        same_bits("y + x W^T", l.sum.at, wanted[i].sum.at, tensor_count(l.sum));
        same_bits("dy W", l.dx.at, wanted[i].dx.at, tensor_count(l.dx));
        same_bits("dx + dy W", l.dx_sum.at, wanted[i].dx_sum.at, tensor_count(l.dx_sum));
        same_bits("dW + dy^T x", l.dw.at, wanted[i].dw.at, matrix_floats(l.dw.rows, l.dw.cols));
        layer_free(&l);
    }
    device_free(d);
}

static void plain(void **state)
{
    (void)state;
    one_chain(CPU_PLAIN, 2);
}

static void avx2(void **state)
{
    (void)state;
    one_chain(CPU_AVX2, 1);
    one_chain(CPU_AVX2, 3);
}

static void avx512(void **state)
{
    (void)state;
    one_chain(CPU_AVX512, 1);
    one_chain(CPU_AVX512, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(avx2), cmocka_unit_test(avx512)};
    return cmocka_run_group_tests_name("products", tests, all_chains, free_chains);
}
