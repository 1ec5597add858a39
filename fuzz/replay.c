/* Gives a fuzz target every file of its corpus, each as a test: fuzz/corpus/NAME, where NAME is this program's. */
#include "base/mem.h"
#include "support.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MOST_BYTES = 1 << 20 };

/* The bytes stand alone in memory, so that a sanitizer sees a read behind them. */
static void replay(void **state)
{
    Err err = {0};
    char *text;
    size_t n;
    need_ok(file_read(*state, MOST_BYTES, &text, &n, &err), &err);
    uint8_t *bytes = mem_copy(text, n ? n : 1, 1);
    free(text);
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
}

int main(int argc, char **argv)
{
    (void)argc;
    Err err = {0};
    char **names, *corpus = path_join("fuzz/corpus", path_base(argv[0]));
    int n;
    if (!dir_list(corpus, &names, &n, &err) || n == 0) {
        fprintf(stderr, "%s holds no inputs\n", corpus);
        return 1;
    }
    struct CMUnitTest *tests = mem_zalloc((size_t)n, sizeof *tests);
    for (int i = 0; i < n; i++)
        tests[i] =
            (struct CMUnitTest){.name = names[i], .test_func = replay, .initial_state = path_join(corpus, names[i])};
    int failed = _cmocka_run_group_tests(corpus, tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++)
        free(tests[i].initial_state);
    free(tests);
    free(corpus);
    names_free(names, n);
    return failed;
}
