/* Reward models as a stage: labels of two sources by weight, the centre on other rows. */
#include "rlaif/reward.h"

#include "base/mem.h"
#include "rlaif/score.h"
#include "training.h"

static void close_to(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.17g, not %.17g", got, wanted);
}

/* The loss of the first step, which all pairs take part in. */
static double first_loss(Bench *b, const char *labels, const char *ai, const char *human)
{
    Err err = {0};
    need_ok(bench_run(b, &reward_table, reward_stage, "weights", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@weights", "batch=100", labels, ai, human, NULL),
            &err);
    return bench_metric(b, "weights", 0, "loss");
}

/* L = sum w_i L_i / N. */
static void weights(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    double ai = first_loss(&b, "labels=ai", "weight-ai=1", "weight-human=1");
    double human = first_loss(&b, "labels=human", "weight-ai=1", "weight-human=1");
    assert_int_equal((int)bench_summary(&b, "pairs_human"), 8);
    assert_int_equal((int)bench_summary(&b, "pairs_ai"), 0);
    assert_true(fabs(ai - human) > 1e-4);
    close_to(first_loss(&b, "labels=both", "weight-ai=1", "weight-human=1"), (ai + human) / 2, 1e-12);
    close_to(first_loss(&b, "labels=both", "weight-ai=0.25", "weight-human=3"), (0.25 * ai + 3 * human) / 2, 1e-12);
    close_to(first_loss(&b, "labels=both", "weight-ai=0", "weight-human=1"), human / 2, 1e-12);
    close_to(first_loss(&b, "labels=ai", "weight-ai=2", "weight-human=1"), 2 * ai, 1e-12);
    assert_int_equal((int)bench_summary(&b, "pairs_ai"), 8);
    bench_end(&b);
}

static double mean_score(Bench *b, const char *model, const char *rows)
{
    Err err = {0};
    need_ok(bench_run(b, &score_table, score_stage, "score", &err, model, rows, NULL), &err);
    return bench_summary(b, "mean");
}

/* Where it is centred, rewards are 0 on average; the scale stays that of the training rows. */
static void centre(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    close_to(mean_score(&b, "model=@reward", "rows=@pairs.jsonl"), 0, 1e-6);
    double elsewhere = mean_score(&b, "model=@reward", "rows=@replies.jsonl");
    assert_true(fabs(elsewhere) > 1e-3);
    need_ok(bench_run(&b, &reward_table, reward_stage, "centred", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@centred", "batch=4", "lr=1e-3", "centre-on=@replies.jsonl", NULL),
            &err);
    double scale = bench_summary(&b, "scale"),
           shift = bench_summary(&b, "centre") - bench_summary(&b, "training_centre");
    assert_int_equal((int)bench_summary(&b, "centre_responses"), 8);
    assert_true(bench_summary(&b, "centre_sd") > 0);
    close_to(shift / scale, elsewhere, 1e-6);
    close_to(mean_score(&b, "model=@centred", "rows=@replies.jsonl"), 0, 1e-6);
    close_to(mean_score(&b, "model=@centred", "rows=@pairs.jsonl"), -elsewhere, 1e-6);
    bench_same(&b, "reward/model.safetensors", "centred/model.safetensors");
    bench_end(&b);
}

/* Training goes on from any checkpoint: another reward model keeps its head, a policy gets one. */
static void starts(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &reward_table, reward_stage, "on", &err, "pairs=@pairs.jsonl", "model=@reward", "output=@on",
                      "batch=100", "lr=0", NULL),
            &err);
    bench_same(&b, "reward/model.safetensors", "on/model.safetensors");
    need_ok(bench_run(&b, &reward_table, reward_stage, "save", &err, "pairs=@pairs.jsonl", "model=@reward",
                      "output=@save", "batch=4", "save-every=1", NULL),
            &err);
    need_ok(bench_run(&b, &reward_table, reward_stage, "from", &err, "pairs=@pairs.jsonl",
                      "model=@save/checkpoint-000001", "output=@from", "batch=100", "lr=0", NULL),
            &err);
    bench_same(&b, "save/checkpoint-000001/model.safetensors", "from/model.safetensors");
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),
        cmocka_unit_test(centre),
        cmocka_unit_test(starts),
    };
    return cmocka_run_group_tests_name("reward", tests, NULL, NULL);
}
