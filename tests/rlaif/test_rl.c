/* Reinforcement learning as a stage: rewards from a model, a judge or both; the KL as a loss; what is refused. */
#include "rlaif/rl.h"

#include "base/mem.h"
#include "training.h"

static void close_to(double got, double wanted)
{
    if (!(fabs(got - wanted) <= 1e-12))
        fail_msg("%.17g, not %.17g", got, wanted);
}

/* Both see the same responses: what each alone says is what the mixture is made of. */
static void mixed_rewards(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    const char *model = "model=" TINY_LLAMA_DIR, *judge = "judge=" TINY_LLAMA_DIR, *prompt = "prompt=helpful-score";
    need_ok(bench_run(&b, &rl_table, rl_stage, "a", &err, "prompts=@prompts.jsonl", model, "output=@a",
                      "reward=@reward", "steps=1", "batch=4", "max-new-tokens=6", NULL),
            &err);
    need_ok(bench_run(&b, &rl_table, rl_stage, "b", &err, "prompts=@prompts.jsonl", model, "output=@b", judge, prompt,
                      "steps=1", "batch=4", "max-new-tokens=6", NULL),
            &err);
    need_ok(bench_run(&b, &rl_table, rl_stage, "c", &err, "prompts=@prompts.jsonl", model, "output=@c",
                      "reward=@reward", judge, prompt, "reward-weight=0.25", "steps=1", "batch=4", "max-new-tokens=6",
                      NULL),
            &err);
    double by_model = bench_metric(&b, "a", 0, "reward"), by_judge = bench_metric(&b, "b", 0, "reward");
    assert_true(isnan(bench_metric(&b, "a", 0, "reward_model")));
    close_to(bench_metric(&b, "c", 0, "reward_model"), by_model);
    close_to(bench_metric(&b, "c", 0, "reward_judge"), by_judge);
    close_to(bench_metric(&b, "c", 0, "reward"), 0.25 * by_model + 0.75 * by_judge);
    assert_true(fabs(by_model - by_judge) > 0.01);
    bench_end(&b);
}

/* The first step draws the same rollouts; the returns differ, and the loss keeps the KL smaller than none. */
static void kl_as_a_loss(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char *const betas[] = {"beta=0", "beta=0.9"};
    double kl[2];
    for (int i = 0; i < 2; i++) {
        char name[2] = {(char)('a' + i), 0}, output[10];
        snprintf(output, sizeof output, "output=@%s", name);
        need_ok(bench_run(&b, &rl_table, rl_stage, name, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          output, "reward=@reward", "kl=loss", betas[i], "steps=6", "batch=8", "max-new-tokens=8",
                          "lr=3e-3", "baseline=none", NULL),
                &err);
        assert_true(bench_metric(&b, name, 0, "exact_kl") == 0 && bench_metric(&b, name, 0, "kl") == 0);
        kl[i] = bench_metric(&b, name, 5, "exact_kl");
        assert_true(kl[i] > 0);
    }
    if (!(kl[1] < 0.7 * kl[0]))
        fail_msg("beta 0.9: %g, beta 0: %g", kl[1], kl[0]);
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    static const struct {
        const char *option[3], *words;
    } table[] = {
        {{NULL}, "needs a reward"},
        {{"judge=" TINY_LLAMA_DIR}, "--judge needs --prompt"},
        {{"reward=@reward", "prompt=helpful-score"}, "--prompt needs --judge"},
        {{"judge=" TINY_LLAMA_DIR, "prompt=helpful-base"}, "compares two responses"},
        {{"reward=@reward", "baseline=group"}, "--samples of 2"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        const char *const *o = table[i].option;
        bool ok = bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                            "output=@out", o[0] ? o[0] : "steps=1", o[1] ? o[1] : "steps=1", "batch=2", NULL);
        if (ok || err.code != ERR_INPUT || !strstr(err.msg, table[i].words))
            fail_msg("%d: \"%s\" does not say \"%s\"", i, err.msg, table[i].words);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_rewards),
        cmocka_unit_test(kl_as_a_loss),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("rl", tests, NULL, NULL);
}
