/* Any bytes as a file of lines: plain, gzip or zstd, whole, damaged or cut short. */
#include "base/lines.h"
#include "base/mem.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum { MOST = 64 << 20 }; /* a few bytes may hold more than anyone waits for */
    char path[40];
    int fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        __builtin_trap();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    Err err = {0};
    LineReader *r;
    const char *line;
    size_t length, all = 0;
    bool more = true, ok = lines_open(&r, path, &err);
    for (int i = 1; ok && more && all < MOST; i++) {
        ok = lines_next(r, &line, &length, &more, &err);
        if (!ok || !more)
            break;
        if (lines_number(r) != i || lines_ahead(r, line) < length || memchr(line, '\n', length))
            __builtin_trap();
        all += length + 1;
    }
    if (ok == (err.code != ERR_NONE))
        __builtin_trap();
    lines_close(r);
    close(fd);
    return 0;
}
