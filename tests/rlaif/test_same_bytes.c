/* Two machines give the same bytes: the labels, the reward model and the policies of a tiny model have the hashes below
 * for plain C, AVX2 and AVX-512 and any number of threads. */
#include "rlaif/label.h"
#include "rlaif/reward.h"
#include "rlaif/rl.h"
#include "training.h"

#include "base/file.h"

static const char *const model_dir[] = {TINY_LLAMA_DIR, "tests/fixtures/tiny-gemma3"};
enum { MODELS = COUNT(model_dir) };

typedef enum Product { PAIRWISE, POINTWISE, REWARD, RL_GROUP, RL_VALUE, PRODUCTS } Product;

/* clang-format off */
static const struct {
    const char *what, *hash[MODELS];
} wanted[PRODUCTS] = {
    [PAIRWISE] = {"labels by comparisons in both orders",
     {"37ac977aad83363ceab183d1819f211b0867070aad99825bd4e2c67dea5c0cef",
      "e00c3ceadb863130e11b1f622264c16351c70ac31ae891424cc693c2fc55bf14"}},
    [POINTWISE] = {"labels by scores",
     {"23f5b1efe2c57b965331f1d8e32391faa8e52490ecbefffc4c1cb8d760b8a57a",
      "5883c4eba9f45f77f1b02c8ce8e3e2cecbcedf33c808d80e20cf7e34067c590c"}},
    [REWARD] = {"a reward model and its metrics",
     {"1343cfed0895649af8242b04a932319c3994140145a8f50b25e82d0961d48ce8",
      "a02cc9809cc49857bce42398563f86c98fdfde6d52d2d92c55d7e9398010e9fc"}},
    [RL_GROUP] = {"RL with the group's baseline: policy, metrics, rollouts",
     {"d696cfe8b3ec9e35cc7a33ac1b0d65239542188c30bf752029238d02adf5336d",
      "34b5f6b69adb5f7df82119d88b3736e3d723f1134f80f172660a7074372d7eeb"}},
    [RL_VALUE] = {"RL with a value network: policy, metrics, rollouts",
     {"be19818876baf4b15b4b52e7d2e23225fe945a9af271d31e5fe5114094629fe9",
      "e92a1a7cf6eddf4a40b4eb90a8e1b4728c62502b3ac2315747c4d63350415a87"}},
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

/* Of a stage that trained into a directory of its own name: the model's files, metrics, rollouts. */
static void hash_of_training(const Bench *b, const char *name, char digits[HASH_TEXT])
{
    Err err = {0};
    StageRow row;
    bool present;
    char *dir = bench_path(b, name), part[HASH_TEXT], metrics[100];
    Hash *h = hash_new();
    need_ok(model_hash(dir, part, &err) && store_stage_find(b->work.store, name, &row, &present, &err), &err);
    hash_add_text(h, part);
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", name);
    hash_of_file(b, metrics, part);
    hash_add_text(h, part);
    need_ok(store_rollouts_each(b->work.store, row.id, -1, add_rollout, h, &err), &err);
    hash_end(h, digits);
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
    bool ok =
        bench_run(b, &label_table, label_stage, name, &err, "pairs=@pairs.jsonl", model, method, prompt, output, NULL);
    errors_show(hidden);
    need_ok(ok, &err);
    hash_of_file(b, strchr(output, '@') + 1, digits);
}

/* --- the whole loop ------------------------------------------------------------------------------------------------ */

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
                      "batch=3", "epochs=2", "lr=1e-3", "optimizer=adamw", NULL),
            &err);
    hash_of_training(b, "reward", digits[REWARD]);
    need_ok(bench_run(b, &rl_table, rl_stage, "group", &err, "prompts=@prompts.jsonl", model, "output=@group",
                      "reward=@reward", "baseline=group", "samples=3", "batch=2", "steps=3", "max-new-tokens=7",
                      "lr=1e-3", "optimizer=adamw", "kl=loss", NULL),
            &err);
    hash_of_training(b, "group", digits[RL_GROUP]);
    need_ok(bench_run(b, &rl_table, rl_stage, "value", &err, "prompts=@prompts.jsonl", model, "output=@value",
                      "reward=@reward", "baseline=value", "batch=4", "steps=3", "max-new-tokens=7", "lr=1e-3",
                      "optimizer=adafactor", "top-k=50", NULL),
            &err);
    hash_of_training(b, "value", digits[RL_VALUE]);
}

static void same_bytes(void **state)
{
    static const int threads[] = {1, 2, 7};
    CpuLevel level = *(const CpuLevel *)*state;
    bool differs = false;
    for (int m = 0; m < MODELS; m++)
        for (int t = 0; t < COUNT(threads); t++) {
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
    static CpuLevel level[] = {CPU_PLAIN, CPU_AVX2, CPU_AVX512};
    struct CMUnitTest tests[COUNT(level)];
    for (int i = 0; i < COUNT(level); i++)
        tests[i] =
            (struct CMUnitTest){.name = cpu_level_name(level[i]), .test_func = same_bytes, .initial_state = &level[i]};
    return cmocka_run_group_tests_name("same bytes", tests, NULL, NULL);
}
