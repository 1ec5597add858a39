/* Training within --memory: where activations do not all fit, layers are computed again, and the models that come of it are the
 * same in every byte; where nothing helps, it is refused before anything is written. */
#include "base/file.h"
#include "base/mem.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "training.h"

static const char *const kinds[] = {"sft", "reward", "rl"};

/* A training of two steps into FOLDER/out within so many bytes. */
static bool train(Bench *b, int kind, const char *out, double memory, Err *err)
{
    char *output = mem_printf("output=@%s", out), *limit = mem_printf("memory=%.0f", memory);
    bool ok = kind == 0   ? bench_run(b, &sft_table, sft_stage, out, err, "data=@demos.jsonl",
                                      "model=tests/fixtures/tiny-gemma3", "batch=4", "lr=1e-2", output, limit, NULL)
              : kind == 1 ? bench_run(b, &reward_table, reward_stage, out, err, "pairs=@groups.jsonl",
                                      "model=" TINY_LLAMA_DIR, "batch=9", "lr=1e-2", output, limit, NULL)
                          : bench_run(b, &rl_table, rl_stage, out, err, "prompts=@prompts.jsonl",
                                      "model=" TINY_LLAMA_DIR, "reward=@reward", "steps=2", "batch=4", "samples=2",
                                      "kl=loss", "max-new-tokens=6", "lr=1e-2", output, limit, NULL);
    free(output);
    free(limit);
    return ok;
}

static void same_bytes(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    for (int kind = 0; kind < COUNT(kinds); kind++) {
        Err err = {0};
        char *less = mem_printf("%s-less", kinds[kind]), *same = mem_printf("%s-less/model.safetensors", kinds[kind]),
             *usual = mem_printf("%s/model.safetensors", kinds[kind]);
        need_ok(train(&b, kind, kinds[kind], 1e12, &err), &err);
        double all = bench_summary(&b, "planned_bytes");
        need_ok(train(&b, kind, less, all - 1, &err), &err);
        assert_true(bench_summary(&b, "planned_bytes") < all - 1);
        bench_same(&b, usual, same);
        free(less);
        free(same);
        free(usual);
    }
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    for (int kind = 0; kind < COUNT(kinds); kind++) {
        Err err = {0};
        char *name = mem_printf("no-%s", kinds[kind]), *out = bench_path(&b, name);
        assert_false(train(&b, kind, name, 1e4, &err));
        assert_int_equal(err.code, ERR_MEMORY);
        assert_non_null(strstr(err.msg, "--memory allows 10 kB"));
        assert_non_null(strstr(err.hint, "no smaller --batch helps; the largest part is "));
        assert_false(file_exists(out));
        free(name);
        free(out);
    }
    bench_end(&b);
}

/* By the clock, writing takes a tenth of the time at most. */
static void intervals(void **state)
{
    (void)state;
    assert_true(training_interval(0) == 120 && training_interval(12) == 120);
    assert_true(training_interval(12.5) == 125 && training_interval(90) == 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(refused),
        cmocka_unit_test(intervals),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
