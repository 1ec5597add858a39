/* The device in use: its failures, its scratch memory, its threads. */
#include "tensor/device.h"

#include <omp.h>

void device_free(Device *d)
{
    if (!d)
        return;
    arena_release(&d->scratch);
    arena_release(&d->unpacked);
    free(d);
}

bool device_ok(Device *d, Err *err)
{
    if (d->err.code == ERR_NONE)
        return true;
    *err = d->err;
    err_clear(&d->err);
    return false;
}

float *device_scratch(Device *d, size_t n)
{
    if (!arena_reserve(&d->scratch, n * sizeof(float), "the scratch memory of an operation", &d->err))
        return NULL;
    return arena_floats(&d->scratch, n);
}

int thread_index(void)
{
    return omp_get_thread_num();
}
