/* Memory: small things that do not fail, big things that may, arrays that grow.
 *
 * mem_alloc and its kin serve what is small beside a model (strings, rows, tables). Where even that cannot
 * be had, nothing sensible can go on: the failure handler is told and the process ends with status 1; the
 * store is transactional, so what was finished stays. Weights, activations and K/V caches are asked for
 * with mem_big, which reports a failure like everything else. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* count * size bytes, not cleared / cleared / resized. Never NULL. Free with free(). */
void *mem_alloc(size_t count, size_t size);
void *mem_zalloc(size_t count, size_t size);
void *mem_resize(void *p, size_t count, size_t size);
void *mem_copy(const void *p, size_t count, size_t size);
char *mem_str(const char *s);
char *mem_strn(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Makes room for one more element in an array of `n` elements: `a = MEM_GROW(a, n, cap)`. */
#define MEM_GROW(a, n, cap) ((n) < (cap) ? (a) : mem_resize((a), (size_t)((cap) = (cap) ? 2 * (cap) : 16), sizeof *(a)))

/* A zeroed block of count * size bytes on 64-byte lines, in large pages where the system has them. `what`
 * names it in the message of a failure. Free with mem_big_free and the same count and size. */
void *mem_big(size_t count, size_t size, const char *what, Err *err) MUST_CHECK;
void mem_big_free(void *p, size_t count, size_t size);
/* Bytes that such a block takes. */
size_t mem_big_bytes(size_t count, size_t size);

/* Sets a * b into *out, or fails where that overflows. */
bool mem_mul(size_t a, size_t b, size_t *out) MUST_CHECK;

/* Bytes that the machine could still give (MemAvailable, or a control group's limit if that is less), and
 * the largest that this process has been so far (VmHWM). 0 where the system does not say. */
size_t mem_available(void);
size_t mem_peak(void);
/* What it takes now (VmRSS). */
size_t mem_current(void);

/* "1.2 GB": a size for people, in a caller's buffer of 32 bytes. Returns the buffer. */
const char *mem_human(char out[32], double bytes);

/* A bump allocator for what lives as long as one step: activations, scratch. Blocks are kept for reuse. */
typedef struct Arena {
    char *base;
    size_t size, used, wanted; /* bytes: of the block, given out, asked for since the last reset */
} Arena;

/* Gives n floats on a 64-byte line, not cleared, or NULL where the block is full: arena_reserve first. */
float *arena_floats(Arena *a, size_t n);
/* Makes the block hold at least `bytes`, dropping what was given out. */
bool arena_reserve(Arena *a, size_t bytes, const char *what, Err *err) MUST_CHECK;
void arena_release(Arena *a);

#endif
