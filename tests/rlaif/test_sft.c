/* Supervised fine-tuning as a stage: the loss on held-out completions, and the plateau. */
#include "rlaif/sft.h"

#include "base/mem.h"
#include "training.h"

static void close_to(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.17g, not %.17g", got, wanted);
}

/* Held out are the rows that are trained on, in one batch: its loss before an update is what was measured after the one
 * before. */
static void held_out_loss(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@sft", "batch=8", "epochs=4", "lr=1e-3", "eval=@demos.jsonl", "eval-every=1", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "eval_rows"), 8);
    for (int step = 0; step < 3; step++)
        close_to(bench_metric(&b, "sft", step, "eval_loss"), bench_metric(&b, "sft", step + 1, "loss"), 1e-5);
    close_to(bench_summary(&b, "eval_loss"), bench_metric(&b, "sft", 3, "eval_loss"), 0);
    assert_true(bench_metric(&b, "sft", 3, "eval_loss") < bench_metric(&b, "sft", 0, "loss"));
    bench_end(&b);
}

/* A rate that is far too high: the loss falls, then rises; what is delivered is the lowest. */
static void lowest_is_kept(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@sft", "batch=2", "epochs=20", "lr=3e-2", "eval=@replies.jsonl", "eval-every=1",
                      "early-stop=3", NULL),
            &err);
    int steps = (int)bench_summary(&b, "steps"), best = 0;
    double least = INFINITY;
    for (int i = 0; i < steps; i++) {
        double loss = bench_metric(&b, "sft", i, "eval_loss");
        if (loss < least) {
            least = loss;
            best = i + 1;
        }
    }
    assert_true(steps < 80 && json_is_true(json_object_get(b.work.summary, "stopped_early")));
    assert_int_equal(best, steps - 3);
    assert_int_equal((int)bench_summary(&b, "best_step"), best);
    close_to(bench_summary(&b, "eval_loss"), least, 0);
    char *checkpoint = mem_printf("sft/checkpoint-%06d/model.safetensors", best);
    bench_same(&b, "sft/model.safetensors", checkpoint);
    free(checkpoint);
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    assert_false(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                           "output=@sft", "early-stop=3", "eval-every=1", NULL));
    assert_non_null(strstr(err.msg, "--early-stop needs --eval"));
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_loss),
        cmocka_unit_test(lowest_is_kept),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("sft", tests, NULL, NULL);
}
