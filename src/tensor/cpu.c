/* The CPU as a device: which level it has, and how many threads. */
#include "tensor/cpu.h"

#include "base/log.h"
#include "tensor/kernels.h"

#include <omp.h>
#include <pthread.h>
#include <sys/stat.h>

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

/* --- threads --- */

static void *pass(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* How many threads this process has; 0 where the system does not tell. */
static int threads_now(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) == 0 ? (int)st.st_nlink - 2 : 0;
}

/* How many threads can run at once, at most `wanted`, and in *why the system's error where that is fewer. All are
 * started and ended again: where one cannot be, the OpenMP library would end the process in the middle of its work. */
static int threads_possible(int wanted, int *why)
{
    enum { PATIENCE = 100 /* milliseconds until the system has forgotten them */ };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *thread = mem_alloc((size_t)wanted, sizeof *thread);
    int before = threads_now(), n = 0;
    *why = 0;
    pthread_mutex_lock(&gate);
    while (n < wanted - 1 && (*why = pthread_create(&thread[n], NULL, pass, &gate)) == 0)
        n++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < PATIENCE && threads_now() > before; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    free(thread);
    return n + 1;
}

/* `asked` of 0: one per core, or as many as there can be. */
static bool choose_threads(int *threads, int asked, Err *err)
{
    int why, wanted = asked > 0 ? asked : omp_get_num_procs();
    *threads = threads_possible(wanted, &why);
    if (*threads == wanted)
        return true;
    if (asked == 0) {
        log_note("threads: %d for %d cores, since the system starts no more: %s", *threads, wanted, strerror(why));
        return true;
    }
    err_set(err, ERR_IO, "--threads %d: the system starts no more than %d: %s", asked, *threads, strerror(why));
    return err_hint(err, "give --threads %d, or raise the limit on processes (ulimit -u) or memory (ulimit -v)",
                    *threads);
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
    int n;
    if (!choose_threads(&n, threads, err))
        return false;
    const Kernels *(*const table[])(void) = {NULL, kernels_plain, kernels_avx2, kernels_avx512};
    Device *d = mem_zalloc(1, sizeof *d);
    d->level = level;
    d->kernels = table[level]();
    d->threads = n;
    *out = d;
    return true;
}
