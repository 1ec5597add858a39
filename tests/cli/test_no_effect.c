/* Options that would have no effect are refused by name; those that have one in ways that do not show at once are not. */
#include "refusals.h"

/* Of training, models and plans, where what they belong to is not asked for. */
static void without(void **state)
{
    (void)state;
    static const Refusal list[] = {
        {"sft demos.jsonl --model llama --rslora -o d", 2, "--rslora needs --lora", "no effect", NULL, NULL},
        {"reward human.jsonl --model llama --lora-alpha 8 -o d", 2, "--lora-alpha needs --lora", NULL, NULL, NULL},
        {"rl p.jsonl --model llama --reward r --lora-targets q_proj -o d", 2, "--lora-targets needs --lora", NULL, NULL,
         NULL},
        {"sft demos.jsonl --model llama --lora 2 --lora-targets '' -o d", 2, "--lora-targets \"\" cannot be used",
         "commas", NULL, NULL},
        {"run r.yaml", 1, "r.yaml:4: sft: --lora-alpha needs --lora", NULL, "r.yaml",
         "name: r\npolicy: llama\nstages:\n  - sft: {data: demos.jsonl, lora-alpha: 3}\n"},
        {"sft demos.jsonl --model llama --weight-decay 0.1 -o d", 2, "--weight-decay needs --optimizer adamw", NULL,
         NULL, NULL},
        {"sft demos.jsonl --model llama --eval-every 2 -o d", 2, "--eval-every needs --eval", NULL, NULL, NULL},
        {"reward human.jsonl --model llama --eval-labels ai -o d", 2, "--eval-labels needs --eval", NULL, NULL, NULL},
        {"rl p.jsonl --model llama --reward r --baseline none --value head -o d", 2, "--value needs --baseline value",
         NULL, NULL, NULL},
        {"rl p.jsonl --model llama --reward r --eval held.jsonl --keep-best 2 -o d", 2,
         "--keep-best needs --eval-every", NULL, NULL, NULL},
        {"label human.jsonl --model llama --api-model x", 2, "--api-model needs --endpoint", NULL, NULL, NULL},
        {"score human.jsonl --model llama --budget 2", 2, "--budget needs --endpoint", NULL, NULL, NULL},
        {"label human.jsonl --model llama --temperature 0.7", 2, "--temperature needs --cot", NULL, NULL, NULL},
        {"inspect llama --lora 4", 2, "--lora needs --plan", NULL, NULL, NULL},
        {"inspect llama --weights f32", 2, "--weights needs --plan", NULL, NULL, NULL},
        {"inspect llama --prompt-tokens 40", 2, "--prompt-tokens needs --plan", NULL, NULL, NULL},
        {"inspect llama --sample 1", 2, "--sample needs --step", NULL, NULL, NULL},
        {"label human.jsonl --endpoint http://127.0.0.1:9 --prompt which.yaml --weights f32", 2,
         "--weights has no effect: no model is loaded", "leave it out", NULL, NULL},
        {"label --from human.jsonl --weights f32", 2, "--weights has no effect", NULL, NULL, NULL},
        {"bench --workload gemm --weights f32", 2, "--weights has no effect", NULL, NULL, NULL},
    };
    need_refusals(test_bench, list, COUNT(list));
}

/* --base: of no adapter, of one that has its base, of one that is only written. */
static void bases(void **state)
{
    (void)state;
    static const Refusal list[] = {
        {"generate hello --model llama --base gemma", 1,
         "--base gemma has no effect: no adapter that lacks its base is among llama", "leave it out", NULL, NULL},
        {"tokenize texts.jsonl --model llama --base llama", 1, "--base llama has no effect", NULL, NULL, NULL},
        {"generate hello --model own --base gemma", 1, "no adapter that lacks its base is among own", NULL, NULL, NULL},
        {"export llama -o d --format hf --base gemma", 1, "--base gemma has no effect", NULL, NULL, NULL},
        {"inspect llama --base gemma", 1, "--base gemma has no effect", NULL, NULL, NULL},
        {"sft demos.jsonl --model llama --lora 2 --base gemma -o own", 1, "is among llama", NULL, NULL, NULL},
        {"rl p.jsonl --model llama --rewards parts.yaml --base gemma -o d", 1, "is among llama", NULL, "parts.yaml",
         "- {reward: own}\n"},
        {"run r.yaml --base gemma", 1, "is among r.yaml", NULL, "r.yaml",
         "name: r\npolicy: llama\nstages:\n  - sample: {prompts: p.jsonl, model: own}\n"},
        {"eval harmless human.jsonl --base gemma", 1, "no adapter that lacks its base is named", NULL, NULL, NULL},
    };
    runs_with_status(test_bench, 0,
                     "rlaif reward human.jsonl --model llama --lora 2 --batch 2 -o own && cp -r own hub && rm "
                     "hub/rlaif.json && sed -i 's/\"llama\"/\"someone\\/llama\"/' hub/adapter_config.json");
    put_text(test_bench, "texts.jsonl", "{\"text\": \"A storm.\"}\n");
    need_refusals(test_bench, list, COUNT(list));
}

/* Adapters that lack their base, named by files, or with their own base said once more. */
static void named(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0,
                     "rlaif reward human.jsonl --model llama --lora 2 --batch 2 -o own && mkdir mixes && cp -r own "
                     "mixes/hub && rm mixes/hub/rlaif.json && sed -i 's/\"llama\"/\"someone\\/llama\"/' "
                     "mixes/hub/adapter_config.json");
    put_text(test_bench, "parts.yaml", "- {reward: mixes/hub}\n");
    put_text(test_bench, "mixes/mix.yaml",
             "name: m\nkind: mix\nparts:\n  - {reward: hub, centre: 0, scale: 1, weight: 1}\n");
    put_text(test_bench, "r.yaml",
             "name: r\npolicy: llama\nstages:\n  - sample: {prompts: p.jsonl, n: 2, max-new-tokens: 3}\n"
             "  - label: {prompt: mixes/mix.yaml, method: pointwise, model: llama}\n");
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model own --base llama -o own.jsonl");
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model mixes/hub --base llama -o hub.jsonl");
    runs_with_status(test_bench, 0,
                     "rlaif rl p.jsonl --model llama --rewards parts.yaml --base llama --steps 1 --batch 2 "
                     "--max-new-tokens 3 -o policy");
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --prompt mixes/mix.yaml --method pointwise --base llama "
                     "-o labels.jsonl");
    runs_with_status(test_bench, 0, "rlaif run r.yaml --base llama --weights f32");
    runs_with_status(test_bench, 0, "rlaif inspect policy --step 0 --base llama");
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(without), IN_BENCH(bases), IN_BENCH(named)};
    return cmocka_run_group_tests_name("options without effect", tests, NULL, NULL);
}
