/* Adapters of another program's as models of a recipe: its policy, what its stages train on from, and what they are compared with;
 * and what memory is planned with small ones. */
#include "program.h"

#define STAGES                                                                                                         \
    "judge: llama\n"                                                                                                   \
    "stages:\n"                                                                                                        \
    "  - sft:    {data: demos.jsonl, batch: 2, lr: 1e-2}\n"                                                            \
    "  - sample: {prompts: p.jsonl, n: 2, max-new-tokens: 5}\n"                                                        \
    "  - label:  {method: pointwise, prompt: tone.yaml}\n"                                                             \
    "  - label:  {as: again, method: pairwise, pairs: sample, prompt: which.yaml, model: policy}\n"                    \
    "  - reward: {batch: 2, lr: 1e-2}\n"                                                                               \
    "  - reward: {as: fresh, pairs: label, model: llama, batch: 2, lr: 1e-2, lora: 2}\n"                               \
    "  - score:  {rows: human.jsonl, model: fresh}\n"                                                                  \
    "  - rl:     {prompts: p.jsonl, reference: policy, steps: 2, batch: 2, samples: 2, baseline: group, "              \
    "max-new-tokens: 5, lr: 1e-2, eval: held.jsonl, eval-every: 1}\n"                                                  \
    "  - choose: {prompts: held.jsonl, prompt: tone.yaml, max-new-tokens: 5}\n"                                        \
    "  - eval:   {kind: winrate, prompts: test.jsonl, prompt: tone.yaml, max-new-tokens: 5}\n"                         \
    "  - report: {}\n"

/* The same recipe with an adapter that names its base by a path, and with one that names it as a hub does. */
static void recipes(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0,
                     "rlaif sft demos.jsonl --model llama --lora 3 --lora-targets q_proj,down_proj --lr 1e-2 -o own && "
                     "cp -r own hub && rm own/rlaif.json hub/rlaif.json && sed -i 's/\"llama\"/\"some\\/llama\"/' "
                     "hub/adapter_config.json");
    put_text(test_bench, "own.yaml", "name: own\nseed: 2\npolicy: own\n" STAGES);
    put_text(test_bench, "hub.yaml", "name: hub\nseed: 2\npolicy: hub\n" STAGES);
    need_message(run_in(test_bench, "rlaif run hub.yaml --threads 1"), 1,
                 "it adapts some/llama, which is no file or directory here", "--base MODEL");
    runs_with_status(test_bench, 0, "rlaif run own.yaml --threads 1");
    runs_with_status(test_bench, 0, "rlaif run hub.yaml --base llama --threads 1");
    runs_with_status(test_bench, 0,
                     "cd runs && for m in sft reward fresh policy chosen; do for f in adapter_model.safetensors "
                     "adapter_config.json rlaif.json; do cmp own/$m/$f hub/$m/$f || exit 1; done; done");
    runs_with_status(test_bench, 0, "grep -q '\"base\": \"llama\"' runs/hub/chosen/rlaif.json");
    runs_with_status(test_bench, 0, /* nothing is done again */
                     "rlaif run hub.yaml --base llama --threads 1 2>said && grep -q 'rl: was done before' said && "
                     "! grep -q ' of memory' said");
}

/* What is planned with models that are next to nothing is what the program itself takes: in whatever it does. */
static void nothing_but_the_program(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip_aloud("a sanitizer takes more memory than what is planned");
#endif
    static const char *const commands[] = {
        "sft demos.jsonl --model llama --lora 3 --batch 2 -o own",
        "label human.jsonl --model llama --prompt which.yaml -o labels.jsonl",
        "reward human.jsonl --model own --batch 2 -o reward",
        "rl p.jsonl --model llama --reference own --reward reward --lora 2 --steps 1 --batch 2 --max-new-tokens 4 -o a",
        "rl p.jsonl --model own --judge llama --prompt tone.yaml --steps 1 --batch 2 --max-new-tokens 4 -o b",
    };
    for (int i = 0; i < COUNT(commands); i++) {
        Ran r = run_in(test_bench, "exec rlaif %s --threads 1 --json", commands[i]);
        need_status(&r, 0);
        json_t *summary = last_json(&r);
        const json_t *plan = json_object_get(summary, "plan");
        double said = json_number_of(plan ? plan : summary, "planned_bytes", 0);
        if (!(said > 0.85 * r.peak && said < 1.15 * r.peak))
            fail_msg("%s: %.1f MB, said %.1f MB before", commands[i], r.peak / 1e6, said / 1e6);
        json_decref(summary);
        ran_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(recipes), IN_BENCH(nothing_but_the_program)};
    return cmocka_run_group_tests_name("adapters in use", tests, NULL, NULL);
}
