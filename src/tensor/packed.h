/* Operations with weights that lie as their files have them: a band of rows at a time is unpacked, for the kernels that
 * know f32 alone. The values are those that loading in f32 would give, and no chain is cut otherwise than in product.h. */
#ifndef TENSOR_PACKED_H
#define TENSOR_PACKED_H

#include "tensor/device.h"
#include "tensor/tensor.h"

/* Bytes that the device takes for unpacked rows while so many rows are multiplied by it. */
size_t packed_room(Matrix w, int rows);

void packed_linear(Device *d, Tensor y, Tensor x, Matrix w, bool add);
void packed_linear_back_x(Device *d, Tensor dx, Tensor dy, Matrix w, bool add);
/* y_t (=|+=) scale W(id_t) */
void packed_embed(Device *d, Tensor y, Matrix w, const int *id, float scale, bool add);

#endif
