/* The CPU as a device: which level it has, how many threads, and its scratch memory. */
#include "tensor/device.h"

#include "tensor/kernels.h"

#include <omp.h>

bool cpu_has(CpuLevel level)
{
    __builtin_cpu_init();
    switch (level) {
    case CPU_AUTO:
    case CPU_PLAIN: return true;
    case CPU_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CPU_AVX512:
        return cpu_has(CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    }
    return false;
}

const char *cpu_level_name(CpuLevel level)
{
    static const char *const name[] = {"auto", "plain", "avx2", "avx512"};
    return name[level];
}

void cpu_model(char out[128])
{
    snprintf(out, 128, "unknown CPU");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(out, 128, "%s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

bool device_open(Device **out, CpuLevel level, int threads, Err *err)
{
    *out = NULL;
    if (!cpu_has(level)) {
        char model[128];
        cpu_model(model);
        err_set(err, ERR_INPUT, "--cpu %s: this CPU (%s) lacks it", cpu_level_name(level), model);
        return err_hint(err, "leave --cpu out: results are the same bytes at every level");
    }
    if (level == CPU_AUTO)
        level = cpu_has(CPU_AVX512) ? CPU_AVX512 : cpu_has(CPU_AVX2) ? CPU_AVX2 : CPU_PLAIN;
    const Kernels *(*const table[])(void) = {NULL, kernels_plain, kernels_avx2, kernels_avx512};
    Device *d = mem_zalloc(1, sizeof *d);
    d->level = level;
    d->kernels = table[level]();
    d->threads = threads > 0 ? threads : omp_get_num_procs();
    *out = d;
    return true;
}

void device_free(Device *d)
{
    if (!d)
        return;
    arena_release(&d->scratch);
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
