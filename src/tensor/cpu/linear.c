/* Linear layers: y = x W^T, dx = dy W, dW += dy^T x. All three are the product of product.h; what differs is
 * who plays A and B, and what has to be packed for it. Work is cut over rows and columns; over the chain only so that
 * it goes on, block after block, from what C holds. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"
#include "tensor/cpu/product.h"
#include "tensor/cpu/transpose.h"

/* Panels that one task takes (an even number: the widest tile has two). */
enum { TASK_PANELS = 2 };

static int blocks_of(int n, int most)
{
    return (n + most - 1) / most;
}

/* The size of n's blocks where they are as equal as can be: at most `most`, but for being rounded up to `unit`s. */
static int even_block(int n, int most, int unit)
{
    return blocks_of(blocks_of(n, blocks_of(n, most)), unit) * unit;
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

/* The part of a product with rows from i0 and panels from p0. */
static Product part(const Product *whole, int i0, int rows, int p0, int panels)
{
    Product p = *whole;
    p.m = whole->m - i0 < rows ? whole->m - i0 : rows;
    p.panels = whole->panels - p0 < panels ? whole->panels - p0 : panels;
    p.last = p0 + p.panels == whole->panels ? whole->last : LANES;
    p.a = whole->a + (size_t)i0 * whole->a_row;
    p.b = whole->b + (size_t)p0 * whole->b_panel;
    p.c = whole->c + (size_t)i0 * whole->c_row + (size_t)p0 * whole->c_panel;
    return p;
}

/* Rows of A at multiples of 4096 bytes would all fall into the same few sets of a cache: they are copied, an odd number
 * of cache lines apart. */
static bool one_set(const Product *p)
{
    return p->a_row % 1024 == 0;
}

static size_t row_apart(int k)
{
    return (size_t)(blocks_of(k, LANES) | 1) * LANES;
}

/* How a product is cut: a task takes some rows and panels, and goes through the chain in blocks. A block of A stays in
 * the second-level cache while every panel passes over it. */
typedef struct Cut {
    int rows, panels, chain;
    int row_blocks, groups; /* tasks are their product */
    size_t a_row, a_floats; /* of a block of A that is copied; none where it can be read in place */
} Cut;

#if defined __AVX512F__
enum { BLOCK_FLOATS = 128 << 10 };
#else
enum { BLOCK_FLOATS = 104 << 10 }; /* half a megabyte is all that these machines have */
#endif

static Cut cut_of(const Product *whole, int threads)
{
    enum { FEWEST_ROWS = 84, MOST_ROWS = 140, MOST_PANELS = 64, TASKS = 8 /* for each thread */ };
    Cut c;
    int whole_chains = BLOCK_FLOATS / whole->k; /* rows */
    int most = whole_chains < FEWEST_ROWS || whole_chains > MOST_ROWS ? MOST_ROWS : whole_chains;
    c.rows = even_block(whole->m, most, TILE_ROWS);
    c.row_blocks = blocks_of(whole->m, c.rows);
    c.chain = even_block(whole->k, BLOCK_FLOATS / c.rows, LANES);
    int fair = whole->panels / blocks_of(TASKS * threads, c.row_blocks);
    fair = fair < 2 ? 2 : fair < MOST_PANELS ? fair / 2 * 2 : MOST_PANELS;
    c.panels = even_block(whole->panels, fair, 2); /* the widest tile has two */
    c.groups = blocks_of(whole->panels, c.panels);
    c.a_row = row_apart(c.chain);
    c.a_floats = one_set(whole) ? c.a_row * (size_t)c.rows : 0;
    return c;
}

/* The chain from k0 on, `k` long; A by way of `copy` where there is one. */
static void chain_part(Product *p, int k0, int k, float *copy, size_t row)
{
    p->k = k;
    p->a += (size_t)k0 * p->a_col;
    p->b += (size_t)k0 * LANES;
    if (!copy)
        return;
    for (int i = 0; i < p->m; i++)
        memcpy(copy + (size_t)i * row, p->a + (size_t)i * p->a_row, (size_t)k * sizeof(float));
    p->a = copy;
    p->a_row = row;
}

/* What C holds, [m][panels][16]; or the sum of that and what it holds now. */
static void keep(const Product *p, float *kept)
{
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->panels; j++, kept += LANES)
            v_store(kept, v_load_n(p->c + (size_t)i * p->c_row + (size_t)j * p->c_panel,
                                   j == p->panels - 1 ? p->last : LANES, 0));
}

static void add_kept(const Product *p, const float *kept)
{
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->panels; j++, kept += LANES) {
            float *c = p->c + (size_t)i * p->c_row + (size_t)j * p->c_panel;
            int n = j == p->panels - 1 ? p->last : LANES;
            v_store_n(c, v_add(v_load(kept), v_load_n(c, n, 0)), n);
        }
}

/* y (=|+=) x W^T: lanes are W's rows. */
static void linear(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    Product whole = product_of(y, x, w.at, (size_t)w.cols * LANES, add ? PRODUCT_ADD : PRODUCT_SET);
    Cut cut = cut_of(&whole, d->threads);
    bool apart = add && cut.chain < whole.k; /* the sum comes after the whole chain, which needs C until then */
    size_t each = cut.a_floats + (apart ? (size_t)cut.rows * (size_t)cut.panels * LANES : 0);
    float *scratch = each ? device_scratch(d, (size_t)d->threads * each) : NULL;
    if (each && !scratch)
        return;
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
    for (int task = 0; task < cut.row_blocks * cut.groups; task++) {
        Product all = part(&whole, task / cut.groups * cut.rows, cut.rows, task % cut.groups * cut.panels, cut.panels);
        float *copy = each ? scratch + (size_t)thread_index() * each : NULL, *kept = apart ? copy + cut.a_floats : NULL;
        if (apart) {
            keep(&all, kept);
            all.mode = PRODUCT_SET;
        }
        for (int k0 = 0; k0 < whole.k; k0 += cut.chain) {
            Product p = all;
            chain_part(&p, k0, whole.k - k0 < cut.chain ? whole.k - k0 : cut.chain, cut.a_floats ? copy : NULL,
                       cut.a_row);
            product(&p);
            all.mode = PRODUCT_CHAIN;
        }
        if (apart)
            add_kept(&all, kept);
    }
}

/* Columns c0 .. c0+15 of a packed W, rows from n0, as a panel of lanes: out[n][16] = W(n0 + n, c0 + lane). */
static void transposed_panel(float *out, Matrix w, int c0, int n0, int rows)
{
    int cols = w.cols - c0 < LANES ? w.cols - c0 : LANES;
    for (int n = 0; n < rows; n += LANES) {
        const float *from = w.at + matrix_at(w, n0 + n, c0), *later = from + (size_t)w.cols * LANES * 2;
        float *to = out + (size_t)n * LANES;
        for (int i = 0; i < LANES; i++) /* the next pieces lie far from this one */
            __builtin_prefetch(later + (size_t)i * LANES);
        if (cols == LANES) {
            transpose16(to, LANES, from, LANES);
            continue;
        }
        for (int i = 0; i < LANES; i++)
            for (int c = 0; c < LANES; c++)
                to[i * LANES + c] = c < cols ? from[c * LANES + i] : 0;
    }
}

/* dx (=|+=) dy W: lanes are W's columns, so panels of W are transposed on the way, once for all rows that they pass
 * over. `add` continues the chain. */
static void linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w, bool add)
{
    enum { MOST_ROWS = 512, MOST_CHAIN = 2048 }; /* a block of dy: 4 MiB of the third-level cache */
    Product whole = product_of(dx, dy, w.at, 0, add ? PRODUCT_CHAIN : PRODUCT_SET);
    int rows = even_block(whole.m, MOST_ROWS, TILE_ROWS), chain = even_block(whole.k, MOST_CHAIN, LANES);
    size_t panel = (size_t)chain * LANES, row = row_apart(chain);
    size_t copy_floats = one_set(&whole) ? (size_t)rows * row : 0;
    float *copy = device_scratch(d, copy_floats + (size_t)d->threads * TASK_PANELS * panel);
    if (!copy)
        return;
    int groups = blocks_of(whole.panels, TASK_PANELS);
#pragma omp parallel num_threads(d->threads)
    for (int i0 = 0; i0 < whole.m; i0 += rows)
        for (int k0 = 0; k0 < whole.k; k0 += chain) {
            Product block = part(&whole, i0, rows, 0, whole.panels);
            block.k = whole.k - k0 < chain ? whole.k - k0 : chain;
            block.a += k0;
            if (k0)
                block.mode = PRODUCT_CHAIN;
            if (copy_floats) {
#pragma omp for schedule(static)
                for (int i = 0; i < block.m; i++)
                    memcpy(copy + (size_t)i * row, block.a + (size_t)i * block.a_row, (size_t)block.k * sizeof(float));
                block.a = copy;
                block.a_row = row;
            }
#pragma omp for schedule(dynamic, 1)
            for (int g = 0; g < groups; g++) {
                float *b = copy + copy_floats + (size_t)thread_index() * TASK_PANELS * panel;
                Product p = part(&block, 0, block.m, g * TASK_PANELS, TASK_PANELS);
                p.b = b;
                p.b_panel = panel;
                for (int j = 0; j < p.panels; j++)
                    transposed_panel(b + (size_t)j * panel, w, (g * TASK_PANELS + j) * LANES, k0, p.k);
                product(&p);
            }
        }
}

enum {
    TILE = TILE_ROWS,               /* columns of x that lie together */
    GROUP = 16,                     /* tiles that stay in the second-level cache */
    TILES = LANES / (TILE & -TILE), /* so many are whole cache lines of a row of x */
    ROWS_AHEAD = 8                  /* fetched: rows are too far apart for the CPU to see where the next one lies */
};

/* Tiles of x transposed, so that the kernel reads one tile as a stream: the tile that starts at column c0 and
 * is at most TILE wide lies at out + c0 * rows as [row][columns]. TILES of them at once from column c0 on. */
static void transposed_tiles(float *out, Tensor x, int c0)
{
    int cols = x.cols - c0 < TILES * TILE ? x.cols - c0 : TILES * TILE, whole = cols / TILE, rest = cols % TILE;
    const float *from = x.at + c0;
    size_t tile = (size_t)x.rows * TILE;
    out += (size_t)c0 * (size_t)x.rows;
    for (int t = 0; t < x.rows; t++, from += x.cols) {
        for (int c = 0; c < cols; c += LANES)
            __builtin_prefetch(from + (size_t)ROWS_AHEAD * (size_t)x.cols + c);
        for (int j = 0; j < whole; j++) /* of a size that the compiler knows: no call */
            memcpy(out + (size_t)j * tile + (size_t)t * TILE, from + j * TILE, TILE * sizeof(float));
        if (rest)
            memcpy(out + (size_t)whole * tile + (size_t)(t * rest), from + whole * TILE, (size_t)rest * sizeof(float));
    }
}

/* Columns of dy as panels of lanes, `panel` floats apart, for the product's part of the chain from t0 on. */
static void dy_panels(const Product *p, float *out, Tensor dy, int t0, int c0)
{
    const float *from = dy.at + (size_t)t0 * (size_t)dy.cols + c0;
    for (int t = 0; t < p->k; t++, from += dy.cols, out += LANES)
        for (int j = 0; j < p->panels; j++) {
            __builtin_prefetch(from + (size_t)ROWS_AHEAD * (size_t)dy.cols + (size_t)j * LANES);
            f32x16 v = v_load_n(from + (size_t)j * LANES, dy.cols - c0 - j * LANES, 0);
            v_store(out + (size_t)j * p->b_panel, v);
        }
}

/* dW += dy^T x: rows of the product are W's columns, lanes are W's rows, and the chain runs over tokens. A task takes a
 * block of x, which stays in the third-level cache, and columns of dy. */
static void linear_back_w(Device *d, Matrix dw, Tensor dy, Tensor x)
{
    enum {
        MOST_CHAIN = 2048,
        X_FLOATS = 3 << 19 /* 6 MiB */,
        MOST_PANELS = 4,
        FEWEST_TASKS = 16 /* for each thread */
    };
    int T = x.rows, tiles = blocks_of(x.cols, TILE), panels = panels_of(dw.rows);
    int take = panels < FEWEST_TASKS * MOST_PANELS * d->threads ? TASK_PANELS : MOST_PANELS;
    int groups = blocks_of(panels, take);
    int chain = even_block(T, MOST_CHAIN, 1), wide = even_block(tiles, X_FLOATS / (chain * TILE), 1) * TILE;
    size_t x_floats = tensor_count(x), panel = (size_t)chain * LANES;
    float *x_packed = device_scratch(d, x_floats + (size_t)d->threads * (size_t)take * panel);
    if (!x_packed)
        return;
    Product whole = {.m = x.cols,
                     .panels = panels,
                     .last = LANES,
                     .a = x_packed,
                     .a_row = (size_t)T,
                     .b = dy.at,
                     .c = dw.at,
                     .c_row = LANES,
                     .c_panel = (size_t)LANES * (size_t)dw.cols,
                     .mode = PRODUCT_CHAIN};
#pragma omp parallel num_threads(d->threads)
    {
#pragma omp for schedule(static)
        for (int tile = 0; tile < tiles; tile += TILES)
            transposed_tiles(x_packed, x, tile * TILE);
        for (int t0 = 0; t0 < T; t0 += chain)
#pragma omp for schedule(dynamic, 1)
            for (int task = 0; task < groups * blocks_of(x.cols, wide); task++) {
                float *b = x_packed + x_floats + (size_t)(thread_index() * take) * panel;
                int p0 = task % groups * take;
                Product block = part(&whole, task / groups * wide, wide, p0, take);
                block.k = T - t0 < chain ? T - t0 : chain;
                block.b = b;
                block.b_panel = panel;
                dy_panels(&block, b, dy, t0, p0 * LANES);
                for (int i = 0; i < block.m; i += GROUP * TILE)
                    for (int j = 0; j < block.panels; j += TILE_PANELS)
                        for (int at = i; at < block.m && at < i + GROUP * TILE; at += TILE) {
                            Product p = part(&block, at, TILE, j, TILE_PANELS);
                            p.a += (size_t)t0 * (size_t)p.m;
                            p.a_row = 1;
                            p.a_col = (size_t)p.m;
                            product(&p);
                        }
            }
    }
}

void LEVEL(linear_kernels)(Kernels *k)
{
    k->linear = linear;
    k->linear_back_x = linear_back_x;
    k->linear_back_w = linear_back_w;
}
