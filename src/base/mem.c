/* Memory: small things that do not fail, big things that may, arrays that grow. */
#include "base/mem.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

static void *or_end(void *p, size_t count, size_t size)
{
    if (p)
        return p;
    fprintf(stderr, "rlaif: out of memory (%zu x %zu bytes)\n", count, size);
    _exit(1);
}

bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t n;
    if (!mem_mul(count, size, &n))
        return or_end(NULL, count, size);
    return or_end(realloc(p, n ? n : 1), count, size);
}

void *mem_alloc(size_t count, size_t size)
{
    return mem_resize(NULL, count, size);
}

void *mem_zalloc(size_t count, size_t size)
{
    return or_end(calloc(count ? count : 1, size ? size : 1), count, size);
}

void *mem_copy(const void *p, size_t count, size_t size)
{
    void *q = mem_alloc(count, size);
    if (count && size)
        memcpy(q, p, count * size);
    return q;
}

char *mem_strn(const char *s, size_t n)
{
    char *p = mem_alloc(n + 1, 1);
    if (n)
        memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *mem_str(const char *s)
{
    return mem_strn(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = NULL;
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return or_end(n < 0 ? NULL : s, 1, strlen(fmt));
}

enum { LARGE_PAGE = 2 << 20 };

/* Blocks of a large page or more are mapped on such a page, so that the kernel can back them with it. */
size_t mem_big_bytes(size_t count, size_t size)
{
    size_t n;
    if (!mem_mul(count, size, &n) || n > SIZE_MAX / 2)
        return 0;
    size_t unit = n >= LARGE_PAGE ? LARGE_PAGE : 64;
    return n ? (n + unit - 1) / unit * unit : 64;
}

void *mem_big(size_t count, size_t size, const char *what, Err *err)
{
    size_t n = mem_big_bytes(count, size);
    void *p = NULL;
    if (n >= LARGE_PAGE) {
        /* Map one page more than needed and give back the ends, to start on a large page. */
        char *raw = mmap(NULL, n + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (raw != MAP_FAILED) {
            char *start = (char *)(((uintptr_t)raw + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1));
            if (start > raw)
                munmap(raw, (size_t)(start - raw));
            if (start < raw + LARGE_PAGE)
                munmap(start + n, (size_t)(raw + LARGE_PAGE - start));
            madvise(start, n, MADV_HUGEPAGE);
            p = start;
        }
    } else if (n) {
        p = aligned_alloc(64, n);
        if (p)
            memset(p, 0, n);
    }
    if (!p) {
        char h[32];
        err_set(err, ERR_MEMORY, "not enough memory for %s: %s", what, mem_human(h, (double)count * (double)size));
        err_hint(err, "use a smaller model, batch or --max-tokens, or a machine with more memory");
    }
    return p;
}

void mem_big_free(void *p, size_t count, size_t size)
{
    if (!p)
        return;
    size_t n = mem_big_bytes(count, size);
    if (n >= LARGE_PAGE)
        munmap(p, n);
    else
        free(p);
}

/* The number behind `key` in a file of "key number" lines, times `unit`; 0 where it is not there. */
static size_t number_field(const char *path, const char *key, size_t unit)
{
    FILE *f = fopen(path, "r");
    char line[256];
    size_t number = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return number * unit;
}

static size_t number_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[64] = "";
    bool ok = f && fgets(line, sizeof line, f) && isdigit((unsigned char)line[0]);
    if (f)
        fclose(f);
    return ok ? strtoull(line, NULL, 10) : 0;
}

size_t mem_available(void)
{
    size_t free_bytes = number_field("/proc/meminfo", "MemAvailable:", 1024);
    size_t limit = number_file("/sys/fs/cgroup/memory.max"), used = number_file("/sys/fs/cgroup/memory.current");
    size_t cache = number_field("/sys/fs/cgroup/memory.stat", "inactive_file ", 1); /* given back when needed */
    used -= cache < used ? cache : used;
    if (limit == 0)
        return free_bytes;
    size_t left = limit > used ? limit - used : 1;
    return left < free_bytes ? left : free_bytes;
}

size_t mem_peak(void)
{
    return number_field("/proc/self/status", "VmHWM:", 1024);
}

size_t mem_current(void)
{
    return number_field("/proc/self/status", "VmRSS:", 1024);
}

const char *mem_human(char out[32], double bytes)
{
    const char *unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    int u = 0;
    while (bytes >= 1000 && u < 4) {
        bytes /= 1000;
        u++;
    }
    snprintf(out, 32, u && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
    return out;
}

float *arena_floats(Arena *a, size_t n)
{
    size_t bytes = (n * sizeof(float) + 63) & ~(size_t)63;
    if (bytes > a->size - a->used)
        return NULL;
    float *p = (float *)(void *)(a->base + a->used);
    a->used += bytes;
    return p;
}

bool arena_reserve(Arena *a, size_t bytes, const char *what, Err *err)
{
    bytes = (bytes + 63) & ~(size_t)63; /* as arena_floats gives them out */
    if (bytes > a->size) {
        arena_release(a);
        a->base = mem_big(bytes, 1, what, err);
        if (!a->base)
            return false;
        a->size = bytes;
    }
    a->used = 0;
    return true;
}

void arena_release(Arena *a)
{
    mem_big_free(a->base, a->size, 1);
    *a = (Arena){0};
}
