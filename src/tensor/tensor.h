/* Arrays of floats: activations by rows, weights in panels. Small values, passed by value; they own nothing.
 */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stddef.h>

enum { PANEL = 16 }; /* rows of a weight matrix that lie side by side */

/* Activations: rows x cols, one row after the other. A row is a token, unless said otherwise. */
typedef struct Tensor {
    float *at;
    int rows, cols;
} Tensor;

/* A weight W [rows][cols] of y = x W^T, packed once and for all in panels of sixteen rows:
 * W(r, c) lies at at[(r / 16) * 16 * cols + 16 * c + r % 16]; rows beyond the last are zero.
 * Gradients and optimizer state have the same layout. A gain or bias is a Matrix of one column. */
typedef struct Matrix {
    float *at;
    int rows, cols;
} Matrix;

static inline size_t tensor_count(Tensor t)
{
    return (size_t)t.rows * (size_t)t.cols;
}

static inline Tensor tensor(float *at, int rows, int cols)
{
    return (Tensor){at, rows, cols};
}

/* Rows first .. first+n-1. */
static inline Tensor tensor_rows(Tensor t, int first, int n)
{
    return (Tensor){t.at + (size_t)first * (size_t)t.cols, n, t.cols};
}

/* The same numbers as rows of another width: [T][H*D] as [T*H][D]. */
static inline Tensor tensor_split(Tensor t, int cols)
{
    return (Tensor){t.at, (int)(tensor_count(t) / (size_t)cols), cols};
}

/* Floats that a packed matrix takes, its padding included. */
static inline size_t matrix_floats(int rows, int cols)
{
    return (size_t)((rows + PANEL - 1) / PANEL) * PANEL * (size_t)cols;
}

static inline size_t matrix_at(Matrix m, int row, int col)
{
    return (size_t)(row / PANEL) * PANEL * (size_t)m.cols + (size_t)col * PANEL + (size_t)(row % PANEL);
}

/* Rows first .. first+n-1; first is a multiple of PANEL. */
static inline Matrix matrix_rows(Matrix m, int first, int n)
{
    return (Matrix){m.at + (size_t)first * (size_t)m.cols, n, m.cols};
}

#endif
