/* Memory: sizes that overflow, big blocks, arrays that grow, arenas, figures of the system. */
#include "support.h"

#include "base/mem.h"

#include <sys/wait.h>
#include <unistd.h>

static void small_things(void **state)
{
    (void)state;
    char *z = mem_zalloc(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(z[i], 0);
    z = mem_resize(z, 0, 5);
    assert_non_null(z);
    free(z);
    free(mem_alloc(0, 0));
    free(mem_zalloc(0, 0));
    static const int numbers[] = {1, 2, 3};
    int *copy = mem_copy(numbers, 3, sizeof *copy);
    assert_memory_equal(copy, numbers, sizeof numbers);
    free(copy);
    free(mem_copy(NULL, 0, 4));
    char *s = mem_strn("abcdef", 3), *t = mem_str("x"), *p = mem_printf("%s-%d", t, 5);
    assert_string_equal(s, "abc");
    assert_string_equal(p, "x-5");
    free(s), free(t), free(p);
    int *grown = NULL, n = 0, cap = 0;
    for (; n < 1000; n++) {
        grown = MEM_GROW(grown, n, cap);
        grown[n] = n;
    }
    for (int i = 0; i < n; i++)
        assert_int_equal(grown[i], i);
    assert_int_equal(cap, 1024);
    free(grown);
}

static void overflow(void **state)
{
    (void)state;
    size_t n = 7;
    assert_true(mem_mul(1 << 20, 1 << 20, &n) && n == (size_t)1 << 40);
    assert_true(mem_mul(0, SIZE_MAX, &n) && n == 0);
    assert_false(mem_mul(SIZE_MAX / 2, 3, &n));
    pid_t child = fork(); /* what small things do where there is no memory: they end the process */
    if (child == 0) {
        assert_true(freopen("/dev/null", "w", stderr) != NULL);
        volatile size_t too_many = SIZE_MAX / 2;
        void *p = mem_alloc(too_many, 3);
        _exit(p ? 7 : 8);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void big_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5000001};
    Err err = {0};
    for (int i = 0; i < COUNT(sizes); i++) {
        char *p = mem_big(sizes[i], 1, "a test", &err);
        assert_true(p && (uintptr_t)p % 64 == 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(p[k] == 0);
        memset(p, 1, sizes[i]);
        mem_big_free(p, sizes[i], 1);
    }
    mem_big_free(NULL, 5, 5);
    assert_null(mem_big(SIZE_MAX / 4, 8, "the weights", &err)); /* overflows */
    assert_true(err.code == ERR_MEMORY && strstr(err.msg, "not enough memory for the weights: ") && err.hint[0]);
    err_clear(&err);
    assert_null(mem_big((size_t)1 << 60, 1, "the weights", &err));
    assert_true(err.code == ERR_MEMORY);
}

static void arenas(void **state)
{
    (void)state;
    Arena a = {0};
    Err err = {0};
    assert_null(arena_floats(&a, 1));
    for (size_t n = 1; n < 200; n++) { /* what was reserved in bytes can be taken in one piece */
        need_ok(arena_reserve(&a, n * sizeof(float), "a test", &err), &err);
        float *x = arena_floats(&a, n);
        assert_true(x && (uintptr_t)x % 64 == 0);
        x[n - 1] = 1;
        if (n % 7 == 0)
            arena_release(&a);
    }
    need_ok(arena_reserve(&a, 64 * 10, "a test", &err), &err);
    float *first = arena_floats(&a, 1), *second = arena_floats(&a, 17), *third = arena_floats(&a, 1);
    assert_true(second == first + 16 && third == second + 32 && a.used == 256);
    need_ok(arena_reserve(&a, 64, "a test", &err), &err); /* drops what was given out, keeps the block */
    assert_true(a.used == 0 && arena_floats(&a, 1) == first);
    assert_false(arena_reserve(&a, (size_t)1 << 60, "a test", &err));
    assert_null(arena_floats(&a, 1));
    arena_release(&a);
    arena_release(&a);
}

static void figures(void **state)
{
    (void)state;
    char text[32];
    static const struct {
        double bytes;
        const char *text;
    } row[] = {{0, "0 bytes"},   {999, "999 bytes"}, {1000, "1.0 kB"},  {9949, "9.9 kB"},
               {12345, "12 kB"}, {1.25e9, "1.2 GB"}, {540e6, "540 MB"}, {3e15, "3000 TB"}};
    for (int i = 0; i < COUNT(row); i++)
        assert_string_equal(mem_human(text, row[i].bytes), row[i].text);
    size_t before = mem_peak();
    assert_true(before > 100000 && mem_available() > 0);
    Err err = {0};
    char *p = mem_big(64 << 20, 1, "a test", &err);
    memset(p, 1, 64 << 20);
    assert_true(mem_peak() >= before + (32 << 20) || before > (200u << 20));
    mem_big_free(p, 64 << 20, 1);
    assert_true(mem_peak() >= mem_current() && mem_current() > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_things), cmocka_unit_test(overflow), cmocka_unit_test(big_blocks),
        cmocka_unit_test(arenas),       cmocka_unit_test(figures),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
