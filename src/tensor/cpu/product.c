/* The micro-kernel: a tile of rows and panels in registers. See product.h for what is computed. */
#include "tensor/cpu/product.h"

#include "tensor/cpu/f32x16.h"

#include <stdbool.h>

/* One link of the chains of a tile. */
INLINE void step(const int rows, const int panels, f32x16 acc[TILE_ROWS][TILE_PANELS], const float *a, size_t a_row,
                 const float *b, size_t b_panel)
{
    f32x16 bv[TILE_PANELS];
#pragma GCC unroll 2
    for (int j = 0; j < panels; j++)
        bv[j] = v_load(b + (size_t)j * b_panel);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        f32x16 av = v_set1(a[(size_t)i * a_row]);
#pragma GCC unroll 2
        for (int j = 0; j < panels; j++)
            acc[i][j] = v_fma(av, bv[j], acc[i][j]);
    }
}

/* One tile of `rows` x `panels`, both known when compiled: without the unrolling the accumulators would live
 * in memory. `lanes` are the columns of the last panel that C has. From `ahead`, where it is given, a quarter as much
 * as is read of B comes into the cache meanwhile. */
INLINE void tile(const int rows, const int panels, const Product *p, int i0, int panel0, int lanes, const float *ahead)
{
    f32x16 acc[TILE_ROWS][TILE_PANELS];
    float *c = p->c + (size_t)i0 * p->c_row + (size_t)panel0 * p->c_panel;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < panels; j++) {
            const float *from = c + (size_t)i * p->c_row + (size_t)j * p->c_panel;
            if (p->mode != PRODUCT_CHAIN)
                acc[i][j] = v_zero();
            else
                acc[i][j] = j == panels - 1 && lanes < LANES ? v_load_n(from, lanes, 0) : v_load(from);
        }

    const float *a = p->a + (size_t)i0 * p->a_row, *b = p->b + (size_t)panel0 * p->b_panel;
    const size_t a_row = p->a_row, a_col = p->a_col, b_panel = p->b_panel;
    if (ahead && rows > 4) /* fewer leave no time for it */
        for (int k = p->k; k > 0; k--, a += a_col, b += LANES, ahead += LANES / 4) {
#pragma GCC unroll 2
            for (int j = 0; j < panels; j++)
                __builtin_prefetch(ahead + (size_t)j * b_panel);
            step(rows, panels, acc, a, a_row, b, b_panel);
        }
    else
        for (int k = p->k; k > 0; k--, a += a_col, b += LANES)
            step(rows, panels, acc, a, a_row, b, b_panel);

#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < panels; j++) {
            float *to = c + (size_t)i * p->c_row + (size_t)j * p->c_panel;
            bool partial = j == panels - 1 && lanes < LANES;
            f32x16 v = acc[i][j];
            if (p->mode == PRODUCT_ADD)
                v = v_add(partial ? v_load_n(to, lanes, 0) : v_load(to), v);
            if (partial)
                v_store_n(to, v, lanes);
            else
                v_store(to, v);
        }
}

#define ROWS_CASE(r)                                                                                                   \
    case r: tile(r, panels, p, i0, panel0, lanes, ahead); break;

/* A tile with its number of rows chosen at run time. */
INLINE void tile_of(int rows, const int panels, const Product *p, int i0, int panel0, int lanes, const float *ahead)
{
    switch (rows) {
        ROWS_CASE(1)
        ROWS_CASE(2)
        ROWS_CASE(3)
        ROWS_CASE(4)
#if defined __AVX2__
        ROWS_CASE(5)
        ROWS_CASE(6)
#endif
#if defined __AVX512F__
        ROWS_CASE(7)
        ROWS_CASE(8)
        ROWS_CASE(9)
        ROWS_CASE(10)
        ROWS_CASE(11)
        ROWS_CASE(12)
        ROWS_CASE(13)
        ROWS_CASE(14)
#endif
    default: break;
    }
}

static void one_panel(const Product *p, int rows, int i0, int panel0, int lanes, const float *ahead)
{
    tile_of(rows, 1, p, i0, panel0, lanes, ahead);
}

#if defined __AVX512F__
static void two_panels(const Product *p, int rows, int i0, int panel0, int lanes, const float *ahead)
{
    tile_of(rows, 2, p, i0, panel0, lanes, ahead);
}
#else
#define two_panels one_panel
#endif

void product(const Product *p)
{
    /* Tiles of nearly equal height: 16 rows are 8 + 8, not 14 + 2. */
    int tiles = (p->m + TILE_ROWS - 1) / TILE_ROWS;
    for (int panel = 0; panel < p->panels;) {
        int wide = p->panels - panel >= TILE_PANELS ? TILE_PANELS : 1;
        int lanes = panel + wide == p->panels ? p->last : LANES;
        for (int t = 0, i0 = 0; t < tiles; t++) {
            int rows = (p->m - i0 + tiles - t - 1) / (tiles - t);
            const float *ahead = NULL; /* four tiles fetch the next panels: the CPU sees a panel's end too late */
            if (tiles > 1 && t < 4 && panel + wide < p->panels)
                ahead = p->b + (size_t)(panel + wide) * p->b_panel + (size_t)(p->k / 4 * t * LANES);
            if (wide == 2)
                two_panels(p, rows, i0, panel, lanes, ahead);
            else
                one_panel(p, rows, i0, panel, lanes, ahead);
            i0 += rows;
        }
        panel += wide;
    }
}
