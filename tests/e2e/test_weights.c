/* --weights: labels, scores, rewards and a policy are the same bytes whether models lie in memory as their files have them or in
 * f32, at every level and on any number of threads. */
#include "program.h"
#include "tensor/cpu.h"

/* Makes one thing by each command, named after the run $N, with the options $O. */
#define COMMANDS                                                                                                       \
    "N=%s O='%s'; rlaif label human.jsonl --model judge.gguf --prompt which.yaml -o label-$N $O && "                   \
    "rlaif label human.jsonl --model judge --method pointwise --prompt tone.yaml -o points-$N $O && "                  \
    "rlaif score human.jsonl --model rm -o score-$N $O && "                                                            \
    "rlaif sample p.jsonl --model judge --n 2 --max-new-tokens 6 -o sample-$N $O && "                                  \
    "rlaif rl p.jsonl --model judge --reward rm --kl loss --beta 0.2 --baseline group --samples 2 --batch 2 "          \
    "--steps 2 --max-new-tokens 6 --lr 1e-2 -o rl-$N $O && mv rl-$N/model.safetensors policy-$N"

static void same_bytes(void **state)
{
    (void)state;
    static const char *const made[] = {"label", "points", "score", "sample", "policy"};
    static const int threads[] = {1, 2, 7};
    runs_with_status(test_bench, 0,
                     "rlaif export llama -o judge --format hf --type bf16 && "
                     "rlaif export llama -o judge.gguf --format gguf --type f16 && "
                     "rlaif reward human.jsonl --model llama --batch 4 --lr 1e-2 -o reward && "
                     "rlaif export reward -o rm --format hf --type bf16");
    runs_with_status(test_bench, 0, COMMANDS, "f32", "--weights f32 --threads 1");
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int i = 0; i < COUNT(threads); i++) {
        char options[100], name[20];
        snprintf(name, sizeof name, "file%d", threads[i]);
        snprintf(options, sizeof options, "--weights file --threads %d --cpu %s", threads[i],
                 cpu_level_name(level[i % levels]));
        runs_with_status(test_bench, 0, COMMANDS, name, options);
        for (int k = 0; k < COUNT(made); k++)
            runs_with_status(test_bench, 0, "cmp %s-f32 %s-%s", made[k], made[k], name);
    }
}

/* It is an option of the machine: what was made with the one goes on with the other, and a run takes it for all its stages. */
static void of_the_machine(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --prompt which.yaml -o out.jsonl && "
                     "mv out.jsonl first.jsonl && rlaif label human.jsonl --model llama --prompt "
                     "which.yaml -o out.jsonl --weights f32 2>said && cmp out.jsonl first.jsonl && "
                     "! grep -q replaced said");
    need_message(run_in(test_bench, "rlaif label human.jsonl --model llama -o o.jsonl --weights q8"), 2, "--weights",
                 NULL);
    runs_with_status(test_bench, 0, "rlaif run --help | grep -q -- --weights");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(same_bytes),
        IN_BENCH(of_the_machine),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
