/* Arrays of floats: activations by rows, weights in panels. Small values, passed by value; they own nothing.
 */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include "tensor/dtype.h"

enum { PANEL = 16 }; /* rows of a weight matrix that lie side by side */

/* Activations: rows x cols, one row after the other. A row is a token, unless said otherwise. */
typedef struct Tensor {
    float *at;
    int rows, cols;
} Tensor;

/* A weight W [rows][cols] of y = x W^T, packed once and for all in panels of sixteen rows:
 * W(r, c) lies at at[(r / 16) * 16 * cols + 16 * c + r % 16]; rows beyond the last are zero.
 * Gradients and optimizer state have the same layout. A gain or bias is a Matrix of one column.
 * A weight that nobody changes may also lie as its file has it: then `at` is NULL, and it is unpacked where it is used. */
typedef struct Matrix {
    float *at;
    int rows, cols;
    const struct Packed *packed; /* NULL: f32 at `at` */
    int first;                   /* of the rows of `packed`, the first that is the matrix's */
} Matrix;

/* The bytes of a file that a weight's rows are: row r begins at bytes + row[r] * row_bytes. */
typedef struct Packed {
    DType type;
    const unsigned char *bytes;
    size_t n_bytes, row_bytes; /* of all rows that the file has together; of one */
    int *row;                  /* [rows] the file's, which may have others between them, or in another order */
} Packed;

static inline Matrix matrix(float *at, int rows, int cols)
{
    return (Matrix){.at = at, .rows = rows, .cols = cols};
}

static inline const unsigned char *packed_row(Matrix m, int row)
{
    return m.packed->bytes + (size_t)m.packed->row[m.first + row] * m.packed->row_bytes;
}

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
    m.at = m.packed ? NULL : m.at + (size_t)first * (size_t)m.cols;
    m.first += first;
    m.rows = n;
    return m;
}

#endif
