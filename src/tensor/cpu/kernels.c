/* A level's kernel table. */
#include "tensor/cpu/parts.h"

const Kernels *LEVEL(kernels)(void)
{
    static Kernels k; /* filled with the same pointers by whoever comes first */
    LEVEL(linear_kernels)(&k);
    LEVEL(rows_kernels)(&k);
    LEVEL(norm_kernels)(&k);
    LEVEL(rope_kernels)(&k);
    LEVEL(glu_kernels)(&k);
    LEVEL(attention_kernels)(&k);
    LEVEL(attention_back_kernels)(&k);
    LEVEL(vocab_kernels)(&k);
    LEVEL(optimizer_kernels)(&k);
    LEVEL(peak_kernels)(&k);
    LEVEL(decode_kernels)(&k);
    return &k;
}
