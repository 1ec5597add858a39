/* Products measured. */
#include "rlaif/stage/speed.h"

#include "base/log.h"
#include "base/mem.h"

void speed_products(Product out[PRODUCTS], const ModelConfig *c)
{
    int C = c->width, Q = c->heads * c->head_dim, K = c->kv_heads * c->head_dim, F = c->ffn;
    const Product all[PRODUCTS] = {{Q, C, 1, 0}, {K, C, 2, 0},          {C, Q, 1, 0}, {F, C, c->ungated ? 1 : 2, 0},
                                   {C, F, 1, 0}, {VOCAB_CHUNK, C, 1, 0}};
    memcpy(out, all, sizeof all);
}

static float *block(size_t floats, Err *err)
{
    float *at = mem_big(floats, sizeof(float), "a measurement", err);
    for (size_t i = 0; at && i < floats; i++)
        at[i] = (float)(i % 17) * 0.01f;
    return at;
}

bool speed_measure(Product *p, Device *d, int rows, bool backward, Err *err)
{
    static const double enough = 4e9; /* operations */
    size_t nx = (size_t)rows * (size_t)p->k, ny = (size_t)rows * (size_t)p->n, nw = matrix_floats(p->n, p->k);
    float *at[] = {block(nx, err), block(ny, err), block(nw, err), backward ? block(nw, err) : NULL};
    bool ok = at[0] && at[1] && at[2] && (at[3] || !backward);
    if (ok) {
        Tensor x = tensor(at[0], rows, p->k), y = tensor(at[1], rows, p->n);
        Matrix w = matrix(at[2], p->n, p->k), dw = matrix(at[3], p->n, p->k);
        int times = (int)(enough / (2.0 * rows * p->n * p->k)) + 1;
        double start = clock_seconds();
        for (int i = 0; i < times; i++) {
            op_linear(d, y, x, w);
            if (backward) {
                op_linear_back_w(d, dw, y, x);
                op_linear_back_x(d, x, y, w);
            }
        }
        p->seconds = (clock_seconds() - start) / times;
        ok = device_ok(d, err);
    }
    const size_t n[] = {nx, ny, nw, nw};
    for (int i = 0; i < COUNT(at); i++)
        mem_big_free(at[i], n[i], sizeof(float));
    return ok;
}

bool speed_of_layers(double *flops, Device *d, const ModelConfig *c, int rows, bool backward, Err *err)
{
    enum { FEWEST = 32 };
    static const double most = 2e10; /* operations of one product */
    Product product[PRODUCTS];
    double done = 0, seconds = 0;
    speed_products(product, c);
    for (int i = 0; i < PRODUCTS; i++) {
        Product *p = &product[i];
        int some = rows;
        while (some > FEWEST && 2.0 * some * p->n * p->k > most)
            some /= 2;
        if (!speed_measure(p, d, some, backward, err))
            return false;
        done += p->times * 2.0 * some * p->n * p->k * (backward ? 3 : 1);
        seconds += p->times * p->seconds;
    }
    *flops = done / seconds;
    return true;
}
