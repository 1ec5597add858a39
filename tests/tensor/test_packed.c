/* Weights as their files have them: every operation gives the bits that it gives of the same weights in f32. */
#include "base/mem.h"
#include "support.h"

/* Packed rows of random blocks in another order than the file's, every second of its rows; and the same in f32. */
typedef struct Both {
    Packed packed;
    unsigned char *bytes;
    Matrix in_file, f32;
} Both;

static void both_init(Both *both, DType type, int rows, int cols)
{
    Both b = {0};
    const DTypeInfo *info = dtype_info(type);
    size_t row_bytes = (size_t)(cols / info->block) * (size_t)info->block_bytes, n = 2 * (size_t)rows * row_bytes;
    int *drawn = random_ids((int)n, 256, 1);
    b.bytes = mem_alloc(n + 1, 1); /* on an odd address */
    for (size_t i = 0; i < n;
         i++) /* no half of them is infinite: bit 2 of each byte is 0, and with it of every exponent */
        b.bytes[i + 1] = (unsigned char)(type == DTYPE_F32 || type == DTYPE_BF16 ? drawn[i] & 0xbf : drawn[i] & 0xbb);
    free(drawn);
    b.packed = (Packed){.type = type,
                        .bytes = b.bytes + 1,
                        .n_bytes = n,
                        .row_bytes = row_bytes,
                        .row = mem_alloc((size_t)rows, sizeof(int))};
    for (int r = 0; r < rows; r++)
        b.packed.row[r] = 2 * (rows - 1 - r);
    b.in_file = (Matrix){.rows = rows, .cols = cols, .packed = &both->packed};
    b.f32 = zero_matrix(rows, cols);
    float *values = mem_alloc((size_t)cols, sizeof *values);
    for (int r = 0; r < rows; r++) {
        dtype_to_f32(type, b.packed.bytes + (size_t)b.packed.row[r] * row_bytes, values, (size_t)cols);
        for (int c = 0; c < cols; c++)
            assert_true(isfinite(values[c]));
        matrix_set_row(b.f32, r, values);
    }
    free(values);
    *both = b;
}

static void both_free(Both *b)
{
    free(b->packed.row);
    free(b->bytes);
    free(b->f32.at);
}

typedef void Product(Device *d, Tensor y, Tensor x, Matrix w);

/* An operation that turns rows of `from` numbers into rows of `to`, on some rows of the weight. */
static void same_product(const char *name, Device *d, Product *product, const Both *b, int first, int n, int T,
                         bool back)
{
    Matrix in_file = matrix_rows(b->in_file, first, n), f32 = matrix_rows(b->f32, first, n);
    Tensor x = random_tensor(T + 1, back ? n : b->f32.cols, 2, 1), y = random_tensor(T, back ? b->f32.cols : n, 3, 1);
    for (int c = 0; c < x.cols; c++) /* whoever reads on behind the rows finds no number */
        x.at[(size_t)T * (size_t)x.cols + (size_t)c] = NAN;
    x.rows = T;
    Tensor wanted = tensor(mem_copy(y.at, tensor_count(y), sizeof(float)), y.rows, y.cols);
    Err err = {0};
    product(d, y, x, in_file);
    product(d, wanted, x, f32);
    need_ok(device_ok(d, &err), &err);
    same_bits(name, y.at, wanted.at, tensor_count(y));
    free(x.at), free(y.at), free(wanted.at);
}

static void same_operations(Device *d, const Both *b, int T)
{
    int rows = b->f32.rows, cols = b->f32.cols;
    same_product("linear", d, op_linear, b, 0, rows, T, false);
    same_product("linear, rows of it", d, op_linear, b, PANEL, rows - PANEL - 3, T, false);
    same_product("linear, added", d, op_linear_add, b, 0, rows, T, false);
    same_product("linear backward", d, op_linear_back_x, b, 0, rows, T, true);
    same_product("linear backward, added", d, op_linear_back_x_add, b, 0, rows, T, true);
    int *id = random_ids(T, rows, 5);
    Tensor y = random_tensor(T, cols, 6, 1), wanted = tensor(mem_copy(y.at, tensor_count(y), sizeof(float)), T, cols);
    op_embed_add(d, y, b->in_file, id);
    op_embed_add(d, wanted, b->f32, id);
    same_bits("look-up, added", y.at, wanted.at, tensor_count(y));
    op_embed(d, y, b->in_file, id, 0.3f);
    op_embed(d, wanted, b->f32, id, 0.3f);
    same_bits("look-up", y.at, wanted.at, tensor_count(y));
    matrix_get_row(b->in_file, id[0], y.at);
    matrix_get_row(b->f32, id[0], wanted.at);
    same_bits("a row", y.at, wanted.at, (size_t)cols);
    Matrix copy = zero_matrix(rows, cols);
    op_unpack(d, copy, b->in_file);
    same_bits("a copy", copy.at, b->f32.at, matrix_floats(rows, cols));
    free(copy.at), free(y.at), free(wanted.at), free(id);
}

/* Every type at every level, on threads that share rows unevenly: of rows that are multiplied as they are unpacked, in fours
 * and what is left of them, and of more; of weights that have less than what is unpacked together, or a little more. */
static void every_type(void **state)
{
    (void)state;
    static const struct {
        int threads, few, rows;
    } with[] = {{1, 1, 17}, {2, 2, 5}, {7, 3, 16}};
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (DType type = DTYPE_F32; type < DTYPE_COUNT; type++) {
        int block = dtype_info(type)->block;
        Both small, b;
        both_init(&small, type, 21, block == 1 ? 5 : block);
        both_init(&b, type, 101, block == 1 ? 301 : block == 32 ? 608 : 512);
        for (int l = 0; l < levels; l++)
            for (int i = 0; i < COUNT(with); i++) {
                Device *d = open_device(level[l], with[i].threads);
                same_operations(d, &small, with[i].few);
                same_operations(d, &b, with[i].few);
                same_operations(d, &b, with[i].rows);
                device_free(d);
            }
        both_free(&small);
        both_free(&b);
    }
}

/* Weights that are unpacked in more bands than one, of few rows and of many; more blocks in a row than rows in a panel. */
static void in_bands(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    Both b;
    both_init(&b, DTYPE_Q4_K, 300, 17 * 256);
    same_operations(d, &b, 33);
    same_operations(d, &b, 65);
    both_free(&b);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(in_bands),
    };
    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
