/* Linear layers: y = x W^T, dx = dy W, dW += dy^T x. All three are the product of product.h; what differs is
 * who plays A and B, and what has to be packed for it. Work is cut over rows and columns, never over the
 * chain. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/product.h"

/* Panels that one task takes (an even number: the widest tile has two), and rows whose piece of A stays in
 * the second-level cache while every panel passes over it. */
enum { TASK_PANELS = 2, TASK_A_BYTES = 256 << 10 };

static int task_rows(int rows, int k)
{
    int most = TASK_A_BYTES / (4 * k) / 84 * 84; /* 84: a multiple of every level's tile height */
    return most < 84 ? 84 : most < rows ? most : rows;
}

static int panels_of(int cols)
{
    return (cols + LANES - 1) / LANES;
}

/* Columns of the last panel that exist. */
static int last_of(int cols)
{
    return cols - (panels_of(cols) - 1) * LANES;
}

/* `to` from the rows of `from` and panels of lanes, `b_panel` floats apart: one for sixteen columns of `to`. */
static Product product_of(Tensor to, Tensor from, const float *b, size_t b_panel, ProductMode mode)
{
    return (Product){.m = from.rows,
                     .k = from.cols,
                     .panels = panels_of(to.cols),
                     .last = last_of(to.cols),
                     .a = from.at,
                     .a_row = (size_t)from.cols,
                     .a_col = 1,
                     .b = b,
                     .b_panel = b_panel,
                     .c = to.at,
                     .c_row = (size_t)to.cols,
                     .c_panel = LANES,
                     .mode = mode};
}

/* The part of a product that one task computes: rows from i0, panels from p0. */
static Product part(const Product *whole, int i0, int rows, int p0)
{
    Product p = *whole;
    int panels = whole->panels - p0 < TASK_PANELS ? whole->panels - p0 : TASK_PANELS;
    p.m = whole->m - i0 < rows ? whole->m - i0 : rows;
    p.panels = panels;
    p.last = p0 + panels == whole->panels ? whole->last : LANES;
    p.a = whole->a + (size_t)i0 * whole->a_row;
    p.b = whole->b + (size_t)p0 * whole->b_panel;
    p.c = whole->c + (size_t)i0 * whole->c_row + (size_t)p0 * whole->c_panel;
    return p;
}

/* y (=|+=) x W^T: lanes are W's rows. */
static void linear(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    Product whole = product_of(y, x, w.at, (size_t)w.cols * LANES, add ? PRODUCT_ADD : PRODUCT_SET);
    int rows = task_rows(x.rows, x.cols);
    int blocks = (x.rows + rows - 1) / rows, groups = (whole.panels + TASK_PANELS - 1) / TASK_PANELS;
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
    for (int task = 0; task < blocks * groups; task++) {
        Product p = part(&whole, task / groups * rows, rows, task % groups * TASK_PANELS);
        product(&p);
    }
}

/* Columns c0 .. c0+15 of a packed W as a panel of lanes: out[n][16] = W(n, c0 + lane). */
static void transposed_panel(float *out, Matrix w, int c0)
{
    int cols = w.cols - c0 < LANES ? w.cols - c0 : LANES;
    for (int n0 = 0; n0 < w.rows; n0 += LANES) {
        const float *from = w.at + matrix_at(w, n0, c0);
        float *to = out + (size_t)n0 * LANES;
        if (cols == LANES) {
            transpose16(to, LANES, from, LANES);
            continue;
        }
        for (int n = 0; n < LANES; n++)
            for (int c = 0; c < LANES; c++)
                to[n * LANES + c] = c < cols ? from[c * LANES + n] : 0;
    }
}

/* dx (=|+=) dy W: lanes are W's columns, so panels of W are transposed on the way. `add` continues the chain.
 */
static void linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w, bool add)
{
    size_t panel = (size_t)panels_of(w.rows) * LANES * LANES; /* floats of one transposed panel */
    float *scratch = device_scratch(d, (size_t)d->threads * TASK_PANELS * panel);
    if (!scratch)
        return;
    Product whole = product_of(dx, dy, NULL, panel, add ? PRODUCT_CHAIN : PRODUCT_SET);
    int groups = (whole.panels + TASK_PANELS - 1) / TASK_PANELS;
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
    for (int g = 0; g < groups; g++) {
        float *mine = scratch + (size_t)thread_index() * TASK_PANELS * panel;
        Product p = part(&whole, 0, whole.m, g * TASK_PANELS);
        p.b = mine;
        for (int j = 0; j < p.panels; j++)
            transposed_panel(mine + (size_t)j * panel, w, (g * TASK_PANELS + j) * LANES);
        product(&p);
    }
}

/* Tiles of x transposed, so that the kernel reads one tile as a stream: the tile that starts at column c0 and
 * is `cols` wide lies at out + c0 * rows as [row][cols]. */
static void transposed_tile(float *out, Tensor x, int c0, int cols)
{
    for (int t = 0; t < x.rows; t++)
        memcpy(out + (size_t)t * (size_t)cols, x.at + (size_t)t * (size_t)x.cols + c0, (size_t)cols * sizeof(float));
}

/* dW += dy^T x: rows of the product are W's columns, lanes are W's rows, and the chain runs over tokens. */
static void linear_back_w(Device *d, Matrix dw, Tensor dy, Tensor x)
{
    enum { TILE = 12 }; /* columns of x in a tile; two rounds of it fill every level's widest tile */
    int T = x.rows, panels = panels_of(dw.rows), tiles = (x.cols + TILE - 1) / TILE;
    size_t dy_floats = (size_t)panels * LANES * (size_t)T, x_floats = (size_t)x.cols * (size_t)T;
    float *dy_packed = device_scratch(d, dy_floats + x_floats);
    if (!dy_packed)
        return;
    float *x_packed = dy_packed + dy_floats;
#pragma omp parallel num_threads(d->threads)
    {
#pragma omp for schedule(static) nowait
        for (int tile = 0; tile < tiles; tile++) {
            int c0 = tile * TILE, cols = x.cols - c0 < TILE ? x.cols - c0 : TILE;
            transposed_tile(x_packed + (size_t)c0 * (size_t)T, x, c0, cols);
        }
#pragma omp for schedule(static)
        for (int panel = 0; panel < panels; panel++) {
            float *to = dy_packed + (size_t)panel * LANES * (size_t)T;
            int lanes = panel == panels - 1 ? last_of(dw.rows) : LANES;
            for (int t = 0; t < T; t++) {
                const float *from = dy.at + (size_t)t * (size_t)dy.cols + (size_t)panel * LANES;
                v_store(to + (size_t)t * LANES, lanes == LANES ? v_load(from) : v_load_n(from, lanes, 0));
            }
        }
        int groups = (panels + TASK_PANELS - 1) / TASK_PANELS;
#pragma omp for schedule(dynamic, 1)
        for (int g = 0; g < groups; g++)
            for (int tile = 0; tile < tiles; tile++) {
                int c0 = tile * TILE, cols = x.cols - c0 < TILE ? x.cols - c0 : TILE;
                int p0 = g * TASK_PANELS;
                Product p = {.m = cols,
                             .k = T,
                             .panels = panels - p0 < TASK_PANELS ? panels - p0 : TASK_PANELS,
                             .last = LANES,
                             .a = x_packed + (size_t)c0 * (size_t)T,
                             .a_row = 1,
                             .a_col = (size_t)cols,
                             .b = dy_packed + (size_t)p0 * LANES * (size_t)T,
                             .b_panel = (size_t)LANES * (size_t)T,
                             .c = dw.at + (size_t)p0 * LANES * (size_t)dw.cols + (size_t)c0 * LANES,
                             .c_row = LANES,
                             .c_panel = (size_t)LANES * (size_t)dw.cols,
                             .mode = PRODUCT_CHAIN};
                product(&p);
            }
    }
}

void LEVEL(linear_kernels)(Kernels *k)
{
    k->linear = linear;
    k->linear_back_x = linear_back_x;
    k->linear_back_w = linear_back_w;
}
