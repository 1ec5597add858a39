/* How parameters lie in the tensors of files, both ways. */
#include "model/stored.h"

#include "base/mem.h"

int stored_shape(const Param *p, const FilePlace *at, size_t shape[2])
{
    size_t rows = (size_t)at->rows, cols = (size_t)p->matrix->cols;
    if (p->dims == 1) {
        shape[0] = rows;
        return 1;
    }
    shape[0] = at->order == ORDER_TRANSPOSED ? cols : rows;
    shape[1] = at->order == ORDER_TRANSPOSED ? rows : cols;
    return 2;
}

/* Numbers of a parameter along its rows: a vector's are its rows. */
static int rows_of(const Param *p)
{
    return p->dims == 1 ? p->matrix->rows * p->matrix->cols : p->matrix->rows;
}

/* The parameter's row that is this one of the tensor, or -1: it is another parameter's. */
static int own_row(const Param *p, const FilePlace *at, const ModelConfig *c, int row)
{
    int D = c->head_dim;
    if (at->order == ORDER_BY_HEAD) {
        int turn = at->rows / c->heads, in_head = row % turn - at->first;
        return in_head < 0 || in_head >= D ? -1 : row / turn * D + in_head;
    }
    int own = row - at->first, in_head = own % D;
    if (own < 0 || own >= rows_of(p))
        return -1;
    /* The two numbers that rotate together lie side by side; here the first halves of all pairs come before the second. */
    return at->rotary_pairs ? own - in_head + in_head % 2 * (D / 2) + in_head / 2 : own;
}

/* One row of the file: as the parameter's own row, or its numbers as those of as many rows. */
static void take_row(const Param *p, const FilePlace *at, const ModelConfig *c, int row, const float *values)
{
    if (p->dims == 2 && at->order != ORDER_TRANSPOSED) {
        matrix_set_row(*p->matrix, own_row(p, at, c, row), values);
        return;
    }
    for (int i = 0; i < at->rows; i++) {
        int own = own_row(p, at, c, i);
        if (own >= 0)
            p->matrix->at[p->dims == 1 ? (size_t)own : matrix_at(*p->matrix, own, row)] = values[i];
    }
}

bool stored_pack(const Param *p, const FilePlace *at, const ModelConfig *c, const StoredTensor *t, Packed *out)
{
    if (p->dims == 1 || at->order == ORDER_TRANSPOSED || t->type == DTYPE_F32)
        return false;
    *out = (Packed){.type = t->type,
                    .bytes = t->bytes,
                    .n_bytes = t->n_bytes,
                    .row_bytes = t->n_bytes / (size_t)at->rows,
                    .row = mem_alloc((size_t)p->matrix->rows, sizeof *out->row)};
    for (int r = 0; r < at->rows; r++) {
        int own = own_row(p, at, c, r);
        if (own >= 0)
            out->row[own] = r;
    }
    return true;
}

bool stored_read(const Param *p, const FilePlace *at, const ModelConfig *c, const StoredTensor *t, int threads)
{
    size_t shape[2];
    int dims = stored_shape(p, at, shape), rows = dims == 1 ? 1 : (int)shape[0], cols = (int)shape[dims - 1], bad = 0;
    size_t row_bytes = t->n_bytes / (size_t)rows;
#pragma omp parallel num_threads(threads) reduction(+ : bad)
    {
        float *values = mem_alloc((size_t)cols, sizeof *values);
#pragma omp for schedule(static, PANEL)
        for (int r = 0; r < rows; r++) {
            if (dims == 2 && at->order != ORDER_TRANSPOSED && own_row(p, at, c, r) < 0)
                continue;
            dtype_to_f32(t->type, t->bytes + (size_t)r * row_bytes, values, (size_t)cols);
            for (int i = 0; i < cols; i++) {
                bad += !isfinite(values[i]);
                values[i] = at->one_added ? values[i] - 1.0f : values[i];
            }
            if (!p->matrix->packed)
                take_row(p, at, c, r, values);
        }
        free(values);
    }
    return bad == 0;
}

static const FilePlace *place_of(const Param *p, bool gguf)
{
    return gguf ? &p->gguf : &p->hf;
}

int stored_group(const ParamList *list, int i, bool gguf)
{
    int n = 1;
    while (i + n < list->n &&
           strcmp(place_of(&list->param[i + n], gguf)->name, place_of(&list->param[i], gguf)->name) == 0)
        n++;
    return n;
}

/* A parameter's part of a row: all of it, or the numbers that are its. */
static void give_row(const Param *p, const FilePlace *at, const ModelConfig *c, int row, float *values)
{
    const Matrix *m = p->matrix;
    if (p->dims == 2 && at->order != ORDER_TRANSPOSED) {
        int own = own_row(p, at, c, row);
        if (own >= 0)
            matrix_get_row(*m, own, values);
        return;
    }
    for (int i = 0; i < at->rows; i++) {
        int own = own_row(p, at, c, i);
        if (own >= 0)
            values[i] = m->at[p->dims == 1 ? (size_t)own : matrix_at(*m, own, row)] + (at->one_added ? 1.0f : 0.0f);
    }
}

void stored_row(const Param *group, int n, bool gguf, const ModelConfig *c, int row, float *values)
{
    for (int i = 0; i < n; i++)
        give_row(&group[i], place_of(&group[i], gguf), c, row, values);
}

bool stored_write(const Param *group, int n, const ModelConfig *c, SafetensorsWriter *w, Err *err)
{
    size_t shape[2] = {1, 1};
    int dims = stored_shape(group, &group->hf, shape), rows = dims == 1 ? 1 : (int)shape[0];
    float *values = mem_alloc(shape[dims - 1], sizeof *values);
    bool ok = true;
    for (int r = 0; r < rows && ok; r++) {
        stored_row(group, n, false, c, r, values);
        ok = safetensors_values(w, values, shape[dims - 1], err);
    }
    free(values);
    return ok;
}
