/* The parts of a level's kernel table; each file of this folder fills in its own. */
#ifndef TENSOR_CPU_PARTS_H
#define TENSOR_CPU_PARTS_H

#include "tensor/cpu/level.h"
#include "tensor/kernels.h"

void LEVEL(linear_kernels)(Kernels *k);
void LEVEL(rows_kernels)(Kernels *k);
void LEVEL(norm_kernels)(Kernels *k);
void LEVEL(rope_kernels)(Kernels *k);
void LEVEL(glu_kernels)(Kernels *k);
void LEVEL(attention_kernels)(Kernels *k);
void LEVEL(attention_back_kernels)(Kernels *k);
void LEVEL(vocab_kernels)(Kernels *k);
void LEVEL(optimizer_kernels)(Kernels *k);
void LEVEL(peak_kernels)(Kernels *k);
void LEVEL(decode_kernels)(Kernels *k);

#endif
