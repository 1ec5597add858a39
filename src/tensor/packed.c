/* Packed weights, band by band. */
#include "tensor/packed.h"

#include "tensor/kernels.h"

/* What one band takes: it should still be in a cache when the product reads it; where many rows read it, larger ones let
 * the product take more of their numbers at a time. */
enum { BAND_FLOATS = 128 << 10, WIDE_BAND_FLOATS = 1 << 20, MANY_ROWS = 64, FEWEST_PANELS = 4 };

/* Rows of W in a band. */
static int band_rows(Matrix w, int rows)
{
    int floats = rows < MANY_ROWS ? BAND_FLOATS : WIDE_BAND_FLOATS, panels = floats / (PANEL * w.cols);
    int most = PANEL * (panels < FEWEST_PANELS ? FEWEST_PANELS : panels);
    return most < w.rows ? most : w.rows;
}

/* Floats beside a band: as many columns of so many rows, unless it is the whole matrix. */
static size_t beside_floats(Matrix w, int band, int rows)
{
    return band < w.rows ? (size_t)rows * (size_t)band : 0;
}

size_t packed_room(Matrix w, int rows)
{
    int band = band_rows(w, rows);
    return (matrix_floats(band, w.cols) + beside_floats(w, band, rows)) * sizeof(float) + 64;
}

/* Room for a band, and beside it; false where there is no memory. */
static bool reserve(Device *d, Matrix w, int rows, Matrix *unpacked, float **beside)
{
    int band = band_rows(w, rows);
    if (!arena_reserve(&d->unpacked, packed_room(w, rows), "unpacked weights", &d->err))
        return false;
    *unpacked = matrix(arena_floats(&d->unpacked, matrix_floats(band, w.cols)), band, w.cols);
    *beside = arena_floats(&d->unpacked, beside_floats(w, band, rows));
    return true;
}

static Matrix unpack_band(Device *d, Matrix room, Matrix w, int first)
{
    Matrix some = matrix_rows(w, first, w.rows - first < room.rows ? w.rows - first : room.rows);
    Matrix to = matrix(room.at, some.rows, w.cols);
    d->kernels->unpack(d, to, some);
    return to;
}

void packed_linear(Device *d, Tensor y, Tensor x, Matrix w, bool add)
{
    Matrix room;
    float *beside;
    if (d->kernels->linear_few(d, y, x, w, add) || !reserve(d, w, x.rows, &room, &beside))
        return;
    for (int first = 0; first < w.rows; first += room.rows) {
        Matrix band = unpack_band(d, room, w, first);
        Tensor part = band.rows == w.rows ? y : tensor(beside, x.rows, band.rows);
        d->kernels->linear(d, part, x, band, add && part.at == y.at);
        for (int t = 0; part.at != y.at && t < x.rows; t++) {
            Tensor to = tensor(y.at + (size_t)t * (size_t)y.cols + first, 1, band.rows), from = tensor_rows(part, t, 1);
            if (add)
                for (int i = 0; i < band.rows; i++)
                    to.at[i] += from.at[i];
            else
                memcpy(to.at, from.at, (size_t)band.rows * sizeof(float));
        }
    }
}

/* The chain runs over W's rows: it goes on from band to band. */
void packed_linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w, bool add)
{
    Matrix room;
    float *beside;
    if (!reserve(d, w, dy.rows, &room, &beside))
        return;
    for (int first = 0; first < w.rows; first += room.rows) {
        Matrix band = unpack_band(d, room, w, first);
        Tensor part = band.rows == w.rows ? dy : tensor(beside, dy.rows, band.rows);
        for (int t = 0; part.at != dy.at && t < dy.rows; t++)
            memcpy(tensor_rows(part, t, 1).at, dy.at + (size_t)t * (size_t)dy.cols + first,
                   (size_t)band.rows * sizeof(float));
        d->kernels->linear_back_x(d, dx, part, band, add || first > 0);
    }
}

void packed_embed(Device *d, Tensor y, Matrix w, const int *id, float scale, bool add)
{
    if (!arena_reserve(&d->unpacked, (size_t)w.cols * sizeof(float), "unpacked weights", &d->err))
        return;
    float *row = arena_floats(&d->unpacked, (size_t)w.cols);
    for (int t = 0; t < y.rows; t++) {
        float *to = tensor_rows(y, t, 1).at;
        d->kernels->decode(w.packed->type, packed_row(w, id[t]), row, (size_t)w.cols);
        for (int c = 0; c < w.cols; c++)
            to[c] = add ? to[c] + row[c] : scale * row[c];
    }
}
