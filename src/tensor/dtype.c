/* Number types: names, blocks, and the fastest decoder that this CPU has (cpu/decode.c). */
#include "tensor/dtype.h"

#include "base/mem.h"
#include "tensor/cpu.h"
#include "tensor/cpu/decode.h"

enum { SMALL = 32, SUPER = 256 }; /* values in a block of the older types, of the K types */

static const DTypeInfo infos[DTYPE_COUNT] = {
    [DTYPE_F32] = {"F32", 1, 4},
    [DTYPE_F16] = {"F16", 1, 2},
    [DTYPE_BF16] = {"BF16", 1, 2},
    [DTYPE_Q4_0] = {"Q4_0", SMALL, 18},
    [DTYPE_Q4_1] = {"Q4_1", SMALL, 20},
    [DTYPE_Q5_0] = {"Q5_0", SMALL, 22},
    [DTYPE_Q5_1] = {"Q5_1", SMALL, 24},
    [DTYPE_Q8_0] = {"Q8_0", SMALL, 34},
    [DTYPE_Q4_K] = {"Q4_K", SUPER, 144},
    [DTYPE_Q5_K] = {"Q5_K", SUPER, 176},
    [DTYPE_Q6_K] = {"Q6_K", SUPER, 210},
    [DTYPE_Q2_K] = {"Q2_K", SUPER, 84},
    [DTYPE_Q3_K] = {"Q3_K", SUPER, 110},
    [DTYPE_IQ4_NL] = {"IQ4_NL", SMALL, 18},
    [DTYPE_IQ4_XS] = {"IQ4_XS", SUPER, 136},
};

const DTypeInfo *dtype_info(DType type)
{
    return &infos[type];
}

DType dtype_find(const char *name)
{
    DType type = 0;
    while (type < DTYPE_COUNT && strcmp(infos[type].name, name) != 0)
        type++;
    return type;
}

bool dtype_bytes(DType type, size_t n, size_t *bytes)
{
    const DTypeInfo *info = dtype_info(type);
    return n % (size_t)info->block == 0 && mem_mul(n / (size_t)info->block, (size_t)info->block_bytes, bytes);
}

void dtype_to_f32(DType type, const void *src, float *dst, size_t n)
{
    Decode *decode = cpu_has(CPU_AVX512) ? decode_avx512 : cpu_has(CPU_AVX2) ? decode_avx2 : decode_plain;
    decode(type, src, dst, n);
}
