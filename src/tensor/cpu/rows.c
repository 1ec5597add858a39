/* Rows copied, added, looked up. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

/* Below this many numbers a second thread costs more than it saves. */
enum { WORTH_THREADS = 1 << 14 };

static void embed(Device *d, Tensor y, Matrix w, const int *id, float scale)
{
#pragma omp parallel for num_threads(d->threads) if (tensor_count(y) > WORTH_THREADS)
    for (int t = 0; t < y.rows; t++) {
        const float *from = w.at + matrix_at(w, id[t], 0);
        float *to = y.at + (size_t)t * (size_t)y.cols;
        for (int c = 0; c < y.cols; c++)
            to[c] = scale * from[(size_t)c * PANEL];
    }
}

static void embed_add(Device *d, Tensor y, Matrix w, const int *id)
{
#pragma omp parallel for num_threads(d->threads) if (tensor_count(y) > WORTH_THREADS)
    for (int t = 0; t < y.rows; t++) {
        const float *from = w.at + matrix_at(w, id[t], 0);
        float *to = y.at + (size_t)t * (size_t)y.cols;
        for (int c = 0; c < y.cols; c++)
            to[c] += from[(size_t)c * PANEL];
    }
}

/* Threads share out columns, so that every entry's chain runs over the tokens in order. */
static void embed_back(Device *d, Matrix dw, Tensor dy, const int *id, float scale)
{
    int parts = d->threads;
#pragma omp parallel for num_threads(d->threads) if (tensor_count(dy) > WORTH_THREADS)
    for (int part = 0; part < parts; part++) {
        int c0 = (int)((long long)dy.cols * part / parts), c1 = (int)((long long)dy.cols * (part + 1) / parts);
        for (int t = 0; t < dy.rows; t++) {
            float *to = dw.at + matrix_at(dw, id[t], 0);
            const float *from = dy.at + (size_t)t * (size_t)dy.cols;
            for (int c = c0; c < c1; c++)
                to[(size_t)c * PANEL] = fmaf(scale, from[c], to[(size_t)c * PANEL]);
        }
    }
}

static void add(Device *d, Tensor y, Tensor x)
{
    size_t n = tensor_count(y), whole = n / LANES * LANES;
#pragma omp parallel for num_threads(d->threads) if (n > WORTH_THREADS)
    for (size_t i = 0; i < whole; i += LANES)
        v_store(y.at + i, v_add(v_load(y.at + i), v_load(x.at + i)));
    for (size_t i = whole; i < n; i++)
        y.at[i] += x.at[i];
}

static void bias(Device *d, Tensor y, Matrix b)
{
#pragma omp parallel for num_threads(d->threads) if (tensor_count(y) > WORTH_THREADS)
    for (int t = 0; t < y.rows; t++) {
        float *row = y.at + (size_t)t * (size_t)y.cols;
        for (int c = 0; c < y.cols; c += LANES) {
            int n = y.cols - c;
            v_store_n(row + c, v_add(v_load_n(row + c, n, 0), v_load(b.at + c)), n); /* b is padded to whole panels */
        }
    }
}

/* Columns are shared out, each chain runs over the rows in order. */
static void bias_back(Device *d, Matrix db, Tensor dy)
{
#pragma omp parallel for num_threads(d->threads) if (tensor_count(dy) > WORTH_THREADS)
    for (int c = 0; c < dy.cols; c += LANES) {
        f32x16 sum = v_load(db.at + c);
        for (int t = 0; t < dy.rows; t++)
            sum = v_add(sum, v_load_n(dy.at + (size_t)t * (size_t)dy.cols + c, dy.cols - c, 0));
        v_store(db.at + c, sum);
    }
}

static void gather(Device *d, Tensor y, Tensor x, const int *row)
{
    (void)d;
    for (int i = 0; i < y.rows; i++)
        memcpy(tensor_rows(y, i, 1).at, tensor_rows(x, row[i], 1).at, (size_t)y.cols * sizeof(float));
}

static void scatter_add(Device *d, Tensor dx, Tensor dy, const int *row)
{
    for (int i = 0; i < dy.rows; i++)
        add(d, tensor_rows(dx, row[i], 1), tensor_rows(dy, i, 1));
}

void LEVEL(rows_kernels)(Kernels *k)
{
    k->embed = embed;
    k->embed_add = embed_add;
    k->embed_back = embed_back;
    k->add = add;
    k->bias = bias;
    k->bias_back = bias_back;
    k->gather = gather;
    k->scatter_add = scatter_add;
}
