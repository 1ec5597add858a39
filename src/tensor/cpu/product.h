/* The one matrix product behind every kernel: C = A B, each output one chain of fused multiply-adds over k in
 * order, so that neither the tile, the vector width nor the thread that computes it can change a bit.
 *
 * B lies in panels of sixteen columns, [panel][k][16]: lanes are columns. A is read one number at a time, at
 * any pair of strides, so that A and A transposed are the same to the kernel. */
#ifndef TENSOR_CPU_PRODUCT_H
#define TENSOR_CPU_PRODUCT_H

#include "tensor/cpu/level.h"

#include <stddef.h>

/* The largest tile of a level: accumulators, one vector of B a panel and a broadcast of A must fit in its
 * registers (AVX-512: 32 of 16 floats; AVX2: 16 of 8). */
#if defined __AVX512F__
enum { TILE_ROWS = 14, TILE_PANELS = 2 };
#elif defined __AVX2__
enum { TILE_ROWS = 6, TILE_PANELS = 1 };
#else
enum { TILE_ROWS = 4, TILE_PANELS = 1 };
#endif

typedef enum ProductMode {
    PRODUCT_SET,  /* C = AB */
    PRODUCT_ADD,  /* C = C + AB: one rounding more */
    PRODUCT_CHAIN /* the chain goes on from what C holds */
} ProductMode;

typedef struct Product {
    int m, k;       /* rows of C; length of the chain */
    int panels;     /* of sixteen columns */
    int last;       /* columns of the last panel that exist in C (1..16) */
    const float *a; /* a(i, k) = a[i * a_row + k * a_col] */
    size_t a_row, a_col;
    const float *b; /* b(panel, k) = b + panel * b_panel + 16 k */
    size_t b_panel;
    float *c; /* c(i, panel) = c + i * c_row + panel * c_panel */
    size_t c_row, c_panel;
    ProductMode mode;
} Product;

/* Computes all of it in the calling thread. */
void LEVEL(product)(const Product *p);

#define product LEVEL(product)

#endif
