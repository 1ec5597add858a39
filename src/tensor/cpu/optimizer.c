/* Optimizers on packed matrices, and sums of squares. Padding stays zero: its gradient is. Sums over a matrix
 * are taken panel by panel (sixteen lanes, one tree), the panels added in double in order. */
#include "tensor/cpu/f32x16.h"
#include "tensor/cpu/parts.h"

static size_t panel_floats(Matrix m)
{
    return (size_t)m.cols * LANES;
}

static int panel_count(Matrix m)
{
    return (m.rows + LANES - 1) / LANES;
}

/* Sum over panels of what `part` says of each, in order. */
static double sum_parts(const double *part, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += part[i];
    return sum;
}

static double sum_squares(Device *d, Matrix m)
{
    int panels = panel_count(m);
    double *part = mem_alloc((size_t)panels, sizeof *part);
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int p = 0; p < panels; p++) {
        const float *x = m.at + (size_t)p * panel_floats(m);
        f32x16 sum = v_zero();
        for (size_t i = 0; i < panel_floats(m); i += LANES)
            sum = v_fma(v_load(x + i), v_load(x + i), sum);
        part[p] = (double)v_sum(sum);
    }
    double sum = sum_parts(part, panels);
    free(part);
    return sum;
}

static void adamw(Device *d, Matrix w, Matrix m, Matrix v, Matrix g, AdamW h)
{
    size_t n = matrix_floats(w.rows, w.cols);
    f32x16 b1 = v_set1(h.beta1), b2 = v_set1(h.beta2), a1 = v_set1(1.0f - h.beta1), a2 = v_set1(1.0f - h.beta2);
    f32x16 lr = v_set1(h.lr), keep = v_set1(1.0f - h.lr * h.decay), eps = v_set1(h.eps), scale = v_set1(h.grad_scale);
    f32x16 c1 = v_set1(h.correct1), c2 = v_set1(h.correct2);
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (size_t i = 0; i < n; i += LANES) {
        f32x16 gi = v_mul(v_load(g.at + i), scale);
        f32x16 mi = v_fma(b1, v_load(m.at + i), v_mul(a1, gi));
        f32x16 vi = v_fma(b2, v_load(v.at + i), v_mul(v_mul(a2, gi), gi));
        v_store(m.at + i, mi);
        v_store(v.at + i, vi);
        f32x16 step = v_div(v_div(mi, c1), v_add(v_sqrt(v_div(vi, c2)), eps));
        v_store(w.at + i, v_sub(v_mul(v_load(w.at + i), keep), v_mul(lr, step)));
    }
}

/* The mean square of every row and of every column go into the running means. */
static void factor_update(Device *d, float *row, float *col, Matrix g, const Adafactor *h)
{
    int panels = panel_count(g), cols = g.cols;
    f32x16 keep = v_set1(h->beta2), fresh = v_set1(1.0f - h->beta2), eps = v_set1(h->eps),
           scale = v_set1(h->grad_scale);
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int p = 0; p < panels; p++) {
        f32x16 sum = v_zero();
        for (int c = 0; c < cols; c++) {
            f32x16 x = v_mul(v_load(g.at + (size_t)p * panel_floats(g) + (size_t)c * LANES), scale);
            sum = v_add(sum, v_fma(x, x, eps));
        }
        f32x16 mean = v_div(sum, v_set1((float)cols));
        int lanes = g.rows - p * LANES;
        float *at = row + (size_t)p * LANES;
        v_store_n(at, v_fma(keep, v_load_n(at, lanes, 0), v_mul(fresh, mean)), lanes);
    }
    if (cols == 1)
        return;
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int c = 0; c < cols; c++) {
        f32x16 sum = v_zero();
        for (int p = 0; p < panels; p++) {
            f32x16 x = v_mul(v_load(g.at + (size_t)p * panel_floats(g) + (size_t)c * LANES), scale);
            int lanes = g.rows - p * LANES;
            f32x16 square = v_fma(x, x, eps);
            sum = v_add(sum,
                        lanes >= LANES ? square : v_select(v_less(v_iota(), v_set1((float)lanes)), square, v_zero()));
        }
        col[c] = h->beta2 * col[c] + (1.0f - h->beta2) * (v_sum(sum) / (float)g.rows);
    }
}

/* g / sqrt(V) of sixteen rows in column c: V = (R / mean R) C, or R itself for a vector, which has no col. */
INLINE f32x16 factored_update(const float *g, f32x16 row_root, const float *col, int c, int cols, f32x16 scale)
{
    f32x16 u = v_div(v_mul(v_load(g), scale), row_root);
    return cols == 1 ? u : v_div(u, v_sqrt(v_set1(col[c])));
}

static void adafactor(Device *d, Matrix w, float *row, float *col, Matrix g, Adafactor h)
{
    factor_update(d, row, col, g, &h);
    int panels = panel_count(w), cols = w.cols;
    double total = 0;
    for (int r = 0; r < w.rows; r++)
        total += (double)row[r];
    f32x16 mean = v_set1(cols == 1 ? 1.0f : (float)(total / w.rows)), scale = v_set1(h.grad_scale);
    double *part = mem_alloc((size_t)panels, sizeof *part);
    float *roots = mem_alloc((size_t)panels * LANES, sizeof *roots);
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int p = 0; p < panels; p++) {
        /* Rows that do not exist have gradient 0; a root of 1 keeps their update at 0. */
        f32x16 root = v_sqrt(v_div(v_load_n(row + (size_t)p * LANES, w.rows - p * LANES, 1.0f), mean)), sum = v_zero();
        v_store(roots + (size_t)p * LANES, root);
        for (int c = 0; c < cols; c++) {
            size_t at = (size_t)p * panel_floats(w) + (size_t)c * LANES;
            f32x16 u = factored_update(g.at + at, root, col, c, cols, scale);
            sum = v_fma(u, u, sum);
        }
        part[p] = (double)v_sum(sum);
    }
    float rms = (float)sqrt(sum_parts(part, panels) / ((double)w.rows * cols));
    float shrink = rms / h.clip > 1.0f ? rms / h.clip : 1.0f;
    f32x16 step = v_set1(h.lr / shrink);
#pragma omp parallel for schedule(static) num_threads(d->threads)
    for (int p = 0; p < panels; p++) {
        f32x16 root = v_load(roots + (size_t)p * LANES);
        for (int c = 0; c < cols; c++) {
            size_t at = (size_t)p * panel_floats(w) + (size_t)c * LANES;
            f32x16 u = factored_update(g.at + at, root, col, c, cols, scale);
            v_store(w.at + at, v_sub(v_load(w.at + at), v_mul(step, u)));
        }
    }
    free(roots);
    free(part);
}

void LEVEL(optimizer_kernels)(Kernels *k)
{
    k->sum_squares = sum_squares;
    k->adamw = adamw;
    k->adafactor = adafactor;
}
