/* Two machines give the same bytes: the labels, the reward model and the policies of a tiny model have the hashes below
 * for plain C, AVX2 and AVX-512 and any number of threads. */
#include "rlaif/label/label.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "training.h"

#include "base/file.h"
#include "tensor/cpu.h"

static const char *const model_dir[] = {TINY_LLAMA_DIR, "tests/fixtures/tiny-gemma3"};
enum { MODELS = COUNT(model_dir) };

/* What trained has two: the model and its rollouts, whose bytes change only where what is computed does, and its metrics,
 * which also change where a number gets another name or is added. */
typedef enum Product {
    PAIRWISE,
    POINTWISE,
    REWARD,
    REWARD_METRICS,
    REWARD_GROUPS,
    REWARD_GROUPS_METRICS,
    RL_GROUP,
    RL_GROUP_METRICS,
    RL_VALUE,
    RL_VALUE_METRICS,
    LORA_SFT,
    LORA_SFT_METRICS,
    LORA_REWARD,
    LORA_REWARD_METRICS,
    LORA_RL,
    LORA_RL_METRICS,
    PRODUCTS
} Product;

/* clang-format off */
static const struct {
    const char *what, *hash[MODELS];
} wanted[PRODUCTS] = {
    [PAIRWISE] = {"labels by comparisons in both orders",
     {"16b351834c34501dd67a47fd8079e360aa38a8920218bc822709a6c8af1ed374",
      "807bada362b710e5a77b4f5714f1797bcc51393eb04d243a3872617a9eed30bf"}},
    [POINTWISE] = {"labels by scores",
     {"4057eac831ee0c8b4b6cd526a8b88c0e6e3a3c6c5abe5c2edbb3656d3db434ac",
      "86b3770c3840ef4df7337362ca550aeb079b15713941a3020d1b661810a29b27"}},
    [REWARD] = {"a reward model",
     {"f5501b78934e0d35821d47ee2b18228c2fe4ab780b62fa3b2152537aed921010",
      "0855700bcbef48e8a9dc6e653661dc923ac9fda886a2692a33444d064e0391c0"}},
    [REWARD_METRICS] = {"its metrics",
     {"fca3beea7178cd929e056b12fd8cb8130596e359812ecb6e0bc7807742032322",
      "6e78508402de492341be1cde699fb96709f9e69da1e3a07e1009785b7cbccdff"}},
    [REWARD_GROUPS] = {"a reward model of groups of pairs",
     {"f6ad3121cefefb96025ba7c159d9d5593d291ed80b69caa88017d42f81f2e564",
      "17c0912e348abd10334d68e62592c1e9a20c83ada612fb44a42cc840c0c827f6"}},
    [REWARD_GROUPS_METRICS] = {"its metrics",
     {"9faef34c8c1de26df6b2cf02e8b113ee39464dce11b59779f2397d9c46697889",
      "7248fa7e2c672858758a044823cd761219195f5819e453c7fd11c941e5afae26"}},
    [RL_GROUP] = {"RL with the group's baseline: policy, rollouts",
     {"be11e375fff3e45bfc9ea1350321fd3c159e6d1434b791a6e4ddf5ba7021faa0",
      "0695438a9c5d5bcc637fea7a5ec834fcc788c21b431ce78beeacfad53b2b570d"}},
    [RL_GROUP_METRICS] = {"its metrics",
     {"54cbca77fb9e26bc87c0aeb9b36dd6c46fa8220750b2e2572d8e43759ae1fe7c",
      "f578b98ac3b3644aaafb399f45e33d198dfb63f1fee648fd9a2b95cb41115561"}},
    [RL_VALUE] = {"RL with a value network: policy, rollouts",
     {"e8852984b5ad6fc1e90b5777600f524db0350e388cb762bb5f439c85734661eb",
      "fc6aeab34a67a279ebe04d9a30e4ddb4316a8743af0c2e30d8dae174643f59fc"}},
    [RL_VALUE_METRICS] = {"its metrics",
     {"e30b9a89af926d33a09af53af5c38ca4ff7a070babcae4fb8d61fc6e5be7f689",
      "b28ed32e16cb81140211ed418a458d8a35d0385cc94457c671ce7c46db825957"}},
    [LORA_SFT] = {"SFT of an adapter",
     {"b06bea47fce230ca00d0bd41344ec05b92a32a49e31a04f3b76b4d1e803e583d",
      "30ebc715be891ca042bdad15281229ff20129facfe7a508c3e91ab47dc3717ba"}},
    [LORA_SFT_METRICS] = {"its metrics",
     {"28571c65807d6cbc2ab96a17976726bebc7fe1273b699d6a32124d23dbf00824",
      "7ad9f55b9ef2c755118bc6266deec08889867b2757eea20cc22f37420da6a816"}},
    [LORA_REWARD] = {"a reward model as an adapter",
     {"2b2cc946483bb23a6bde0f1d71d11c8cf5e04fa7b20a10c36867991d416b7715",
      "c52a1bdfa6ff4fa94f41195461b47d793f37f1fe7c9bed7295116c280abd4eb7"}},
    [LORA_REWARD_METRICS] = {"its metrics",
     {"60ad7e94e1aca670613ca82b6c75d601a34e577d29283fe196cd0eb95af33610",
      "8389e5e7ecd82715bcc81fe70a10bc438ad64c3c8b271c47adc218b9f1e8a854"}},
    [LORA_RL] = {"RL with adapters for policy, values and rewards: policy, rollouts",
     {"415d401e69ab8870c29d03987b4f68677046bab9bbf79d4fb12056b4bcf06892",
      "117015cd02dc56c3931a8a105962cfa8287c3874601cbac3cdef2096a4f867bb"}},
    [LORA_RL_METRICS] = {"its metrics",
     {"90a0460109dda30ee763b069caa3eecf2f920995e807a120fffb71d86d6bfd83",
      "40a645e9691d73ece7a6d45a09ac38750140591c1e13e5e68a7f5cf5518b3aa1"}},
};
/* clang-format on */

/* Prompts of this test's own: the hashes hold theirs. */
static const char pairwise_prompt[] = "name: short\n"
                                      "kind: pairwise\n"
                                      "preamble: \"Which is better?\\n\"\n"
                                      "item: \"{context}\\n1: {response_1}\\n2: {response_2}\\n\"\n"
                                      "ending: \"Best: \"\n"
                                      "answers: [\"1\", \"2\"]\n";
static const char pointwise_prompt[] = "name: short-score\n"
                                       "kind: score\n"
                                       "preamble: \"How good is it?\\n\"\n"
                                       "item: \"{context}\\n{response}\\n\"\n"
                                       "ending: \"Score: \"\n"
                                       "answers: [\"1\", \"2\", \"3\", \"10\"]\n";

static void put_prompt(const Bench *b, const char *name, const char *text)
{
    Err err = {0};
    char *path = bench_path(b, name);
    need_ok(file_write(path, text, strlen(text), &err), &err);
    free(path);
}

/* --- what is hashed: whatever a user keeps and no clock -------------------------------------------------------- */

static bool add_rollout(void *context, const char *row, Err *err)
{
    (void)err;
    hash_add_text(context, row);
    return true;
}

static void hash_of_file(const Bench *b, const char *name, char digits[HASH_TEXT])
{
    Err err = {0};
    char *path = bench_path(b, name);
    need_ok(hash_file(path, digits, &err), &err);
    free(path);
}

/* Of a stage that trained into a directory of its own name: the model's files and the rollouts, then its metrics. */
static void hash_of_training(const Bench *b, const char *name, char digits[HASH_TEXT], char of_metrics[HASH_TEXT])
{
    Err err = {0};
    StageRow row;
    bool present;
    char *dir = bench_path(b, name), of_model[HASH_TEXT], metrics[100];
    Hash *h = hash_new();
    need_ok(model_hash(dir, NULL, of_model, &err) && store_stage_find(b->work.store, name, &row, &present, &err), &err);
    hash_add_text(h, of_model);
    need_ok(store_rollouts_each(b->work.store, row.id, -1, add_rollout, h, &err), &err);
    hash_end(h, digits);
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", name);
    hash_of_file(b, metrics, of_metrics);
    stage_row_release(&row);
    free(dir);
}

/* Labels in NAME.jsonl by the prompt NAME.yaml. */
static void label(Bench *b, const char *name, const char *model, const char *method, char digits[HASH_TEXT])
{
    Err err = {0};
    char prompt[100], output[100];
    snprintf(prompt, sizeof prompt, "prompt=@%s.yaml", name);
    snprintf(output, sizeof output, "output=@%s.jsonl", name);
    int hidden = errors_hide(); /* a random judge is warned of, every time */
    bool ok = bench_run(b, &label_table, label_stage, name, &err, "pairs=@pairs.jsonl", "limit=5", model, method,
                        prompt, output, NULL);
    errors_show(hidden);
    need_ok(ok, &err);
    hash_of_file(b, strchr(output, '@') + 1, digits);
}

/* --- the whole loop ------------------------------------------------------------------------------------------------ */

/* Over one base, which stays as it is. */
static void make_adapters(Bench *b, const char *model, char digits[PRODUCTS][HASH_TEXT])
{
    Err err = {0};
    need_ok(bench_run(b, &sft_table, sft_stage, "lora-sft", &err, "data=@demos.jsonl", model, "output=@lora-sft",
                      "batch=4", "lr=1e-2", "lora=3", "lora-targets=q_proj,v_proj,down_proj", NULL),
            &err);
    hash_of_training(b, "lora-sft", digits[LORA_SFT], digits[LORA_SFT_METRICS]);
    need_ok(bench_run(b, &reward_table, reward_stage, "lora-reward", &err, "pairs=@pairwise.jsonl", model,
                      "output=@lora-reward", "batch=2", "lr=1e-2", "optimizer=adamw", "lora=4", "rslora=true", NULL),
            &err);
    hash_of_training(b, "lora-reward", digits[LORA_REWARD], digits[LORA_REWARD_METRICS]);
    need_ok(bench_run(b, &rl_table, rl_stage, "lora-rl", &err, "prompts=@prompts.jsonl", model, "output=@lora-rl",
                      "reward=@lora-reward", "baseline=value", "batch=4", "steps=2", "max-new-tokens=7", "lr=1e-2",
                      "optimizer=adamw", "lora=2", "lora-alpha=3", NULL),
            &err);
    hash_of_training(b, "lora-rl", digits[LORA_RL], digits[LORA_RL_METRICS]);
}

static void make(Bench *b, const char *dir, char digits[PRODUCTS][HASH_TEXT])
{
    Err err = {0};
    char model[100];
    snprintf(model, sizeof model, "model=%s", dir);
    put_prompt(b, "pairwise.yaml", pairwise_prompt);
    put_prompt(b, "pointwise.yaml", pointwise_prompt);
    b->work.in_recipe = false; /* labels are written as files */
    label(b, "pairwise", model, "method=pairwise", digits[PAIRWISE]);
    label(b, "pointwise", model, "method=pointwise", digits[POINTWISE]);
    need_ok(bench_run(b, &reward_table, reward_stage, "reward", &err, "pairs=@pairwise.jsonl", model, "output=@reward",
                      "batch=2", "lr=1e-3", "optimizer=adamw", NULL),
            &err);
    hash_of_training(b, "reward", digits[REWARD], digits[REWARD_METRICS]);
    need_ok(bench_run(b, &reward_table, reward_stage, "groups", &err, "pairs=@groups.jsonl", model, "output=@groups",
                      "batch=8", "epochs=2", "lr=1e-3", "optimizer=adamw", NULL),
            &err);
    hash_of_training(b, "groups", digits[REWARD_GROUPS], digits[REWARD_GROUPS_METRICS]);
    need_ok(bench_run(b, &rl_table, rl_stage, "group", &err, "prompts=@prompts.jsonl", model, "output=@group",
                      "reward=@reward", "baseline=group", "samples=3", "batch=2", "steps=2", "max-new-tokens=7",
                      "lr=1e-3", "optimizer=adamw", "kl=loss", NULL),
            &err);
    hash_of_training(b, "group", digits[RL_GROUP], digits[RL_GROUP_METRICS]);
    need_ok(bench_run(b, &rl_table, rl_stage, "value", &err, "prompts=@prompts.jsonl", model, "output=@value",
                      "reward=@reward", "baseline=value", "batch=4", "steps=2", "max-new-tokens=7", "lr=1e-3",
                      "optimizer=adafactor", "top-k=50", NULL),
            &err);
    hash_of_training(b, "value", digits[RL_VALUE], digits[RL_VALUE_METRICS]);
    make_adapters(b, model, digits);
}

static const CpuLevel levels[] = {CPU_PLAIN, CPU_AVX2, CPU_AVX512};

/* The first model with every number of threads, the other with one that depends on the level: many threads are slow where
 * cores are few. */
static void same_bytes(void **state)
{
    static const int threads[] = {1, 2, 7};
    const CpuLevel *at = *state, level = *at;
    bool differs = false;
    for (int m = 0; m < MODELS; m++)
        for (int t = 0; t < COUNT(threads); t++) {
            if (m > 0 && t != at - levels)
                continue;
            Bench b;
            char digits[PRODUCTS][HASH_TEXT];
            bench_open(&b, level, threads[t]);
            make(&b, model_dir[m], digits);
            bench_end(&b);
            for (int p = 0; p < PRODUCTS; p++)
                if (strcmp(digits[p], wanted[p].hash[m]) != 0) {
                    print_message("%s, %d threads, %s: %s: %s\n", cpu_level_name(level), threads[t], model_dir[m],
                                  wanted[p].what, digits[p]);
                    differs = true;
                }
        }
    assert_false(differs);
}

int main(void)
{
    struct CMUnitTest tests[COUNT(levels)];
    for (int i = 0; i < COUNT(levels); i++)
        tests[i] = (struct CMUnitTest){
            .name = cpu_level_name(levels[i]), .test_func = same_bytes, .initial_state = (void *)(uintptr_t)&levels[i]};
    return cmocka_run_group_tests_name("same bytes", tests, NULL, NULL);
}
