/* The device that operations run on: its kernels, its threads, its scratch memory, and the first failure.
 *
 * Operations return nothing: a failure (memory for scratch) sticks to the device, and device_ok asks once a
 * step. There is one kind today, the CPU at one of three levels with the same results in every bit. */
#ifndef TENSOR_DEVICE_H
#define TENSOR_DEVICE_H

#include "base/err.h"
#include "base/mem.h"
#include "tensor/profile.h"

typedef enum CpuLevel { CPU_AUTO, CPU_PLAIN, CPU_AVX2, CPU_AVX512 } CpuLevel;
#define CPU_LEVELS "auto|plain|avx2|avx512"

typedef struct Device {
    const struct Kernels *kernels;
    CpuLevel level; /* never CPU_AUTO */
    int threads;
    Arena scratch;  /* of the operation that runs */
    Arena unpacked; /* the weights that it reads, unpacked for it (packed.h) */
    Err err;
    Profile *profile;        /* the caller's; NULL: not kept */
    struct Library *library; /* what models on it share (model/trunk.h), the caller's; NULL: each loads its own */
    bool hollow; /* to plan: models on it have shapes and no memory, trainers no gradients; nothing can be computed */
} Device;

void device_free(Device *d); /* accepts NULL */

/* False, with the device's first failure, if an operation failed since the last call. */
bool device_ok(Device *d, Err *err) MUST_CHECK;

/* n floats of scratch that live until the next call, or NULL with the device's error set. */
float *device_scratch(Device *d, size_t n);
/* Which of the device's threads runs this, from 0. */
int thread_index(void);

#endif
