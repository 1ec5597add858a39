/* Lists of rewards that have to be refused, in a file and in a recipe: one message with file, line and remedy; nothing is left. */
#include "refusals.h"

#include "base/file.h"
#include "base/mem.h"

#define LIST "list.yaml"
#define TONE "- {judge: llama, prompt: tone.yaml}\n"
#define BY   "rl p.jsonl --model llama --baseline none -o policy "
#define REFUSED(text, message, remedy)                                                                                 \
    {                                                                                                                  \
        BY "--rewards list.yaml", 1, message, remedy, LIST, text                                                       \
    }

static const Refusal list_cases[] = {
    {BY "--rewards none.yaml", 1, "none.yaml: No such file", "check the name", NULL, NULL},
    {BY "--rewards llama", 1, "llama is a directory", "a file inside", NULL, NULL},
    {BY "--rewards p.jsonl", 1, "p.jsonl:2: something stands behind the end", "", NULL, NULL},
    REFUSED("", "list.yaml: is empty", ""),
    REFUSED("[]\n", "list.yaml:1: the list of rewards is empty", "- {judge: MODEL, prompt: NAME"),
    REFUSED("judge: llama\nprompt: tone.yaml\n", "list.yaml:1: the rewards are no list", "- {judge: MODEL"),
    REFUSED("tone.yaml\n", "list.yaml:1: the rewards are no list", "- {judge: MODEL"),
    REFUSED(TONE "- reward\n", "list.yaml:2: a part of the rewards is a mapping", "- {judge: MODEL"),
    REFUSED(TONE "-\n", "list.yaml:2: a part of the rewards is a mapping", "- {judge: MODEL"),
    REFUSED(TONE "- []\n", "list.yaml:2: a part of the rewards is a mapping", "- {judge: MODEL"),
    REFUSED(TONE "- {}\n", "list.yaml:2: the part has neither a judge nor a reward model", "- {judge: MODEL"),
    REFUSED("- {weight: 1}\n", "list.yaml:1: the part has neither a judge nor a reward model", "- {judge: MODEL"),
    REFUSED("- {judge: ~, prompt: null, reward: }\n", "list.yaml:1: the part has neither", "- {judge: MODEL"),
    REFUSED("- {judge: llama, promt: tone.yaml}\n", "list.yaml:1: there is no key \"promt\"",
            "did you mean \"prompt\"?"),
    REFUSED(TONE "- {reward: rm,\n   wait: 1}\n", "list.yaml:3: there is no key \"wait\"", ""),
    REFUSED(TONE "- {reward: rm, judge: llama}\n", "list.yaml:2: the part names a reward model and a judge",
            "a part for each"),
    REFUSED("- {reward: rm, prompt: tone.yaml}\n", "list.yaml:1: the part names a reward model and a prompt",
            "a part for each"),
    REFUSED("- {judge: llama}\n", "list.yaml:1: the part's judge has no \"prompt\"", "rlaif help prompts"),
    REFUSED(TONE "- {prompt: tone.yaml}\n", "list.yaml:2: the part's prompt has no \"judge\"", "--endpoint"),
    REFUSED("- {judge: [llama], prompt: tone.yaml}\n", "list.yaml:1: \"judge\" must be a text", "- {judge: MODEL"),
    REFUSED("- {judge: llama, prompt: {}}\n", "list.yaml:1: \"prompt\" must be a text", "- {judge: MODEL"),
    REFUSED("- {reward: \"\"}\n", "list.yaml:1: \"reward\" must be a text", "- {judge: MODEL"),
    REFUSED("- {reward: rm, weight: nan}\n", "list.yaml:1: \"weight\" must be a finite number, not \"nan\"",
            "0.5 or -1"),
    REFUSED("- {reward: rm, weight: -inf}\n", "list.yaml:1: \"weight\" must be a finite number", "0.5 or -1"),
    REFUSED("- {reward: rm, weight: 1e999}\n", "list.yaml:1: \"weight\" must be a finite number", "0.5 or -1"),
    REFUSED("- reward: rm\n  weight: 0,5\n", "list.yaml:2: \"weight\" must be a finite number, not \"0,5\"",
            "0.5 or -1"),
    REFUSED("- {reward: rm, weight: 1 2}\n", "list.yaml:1: \"weight\" must be a finite number", "0.5 or -1"),
    REFUSED("- {reward: rm, weight: \"\"}\n", "list.yaml:1: \"weight\" must be a finite number", "0.5 or -1"),
    REFUSED("- {reward: rm, weight: [1]}\n", "list.yaml:1: \"weight\" must be a finite number", "0.5 or -1"),
    REFUSED("- {reward: rm, weight: 0}\n- {reward: rm, weight: -0.0}\n", "list.yaml:1: every weight is 0",
            "one that counts"),
    REFUSED("- {reward: rm, scale: 0}\n", "list.yaml:1: \"scale\" must be above 0, not 0", "divided by"),
    REFUSED("- {reward: rm, scale: -2}\n", "list.yaml:1: \"scale\" must be above 0, not -2", "divided by"),
    REFUSED("- {reward: rm, scale: 1e-320}\n", "list.yaml:1: \"scale\" must be", "divided by"),
    REFUSED("- {reward: rm, scale: auto}\n", "list.yaml:1: \"scale\" must be a finite number, not \"auto\"",
            "0.5 or -1"),
    REFUSED("- {reward: rm, reward: rm}\n", "list.yaml:1: the key \"reward\" stands twice", ""),
    REFUSED(TONE "- {judge: llama, prompt: which.yaml}\n", "list.yaml:2: the prompt which.yaml compares two responses",
            "another kind than pairwise"),
    REFUSED(TONE TONE "- {judge: llama, prompt: helpful-scor}\n", "list.yaml:3: ", "helpful-score"),
    REFUSED(TONE "- {judge: none.gguf, prompt: tone.yaml}\n", "list.yaml:2: none.gguf: No such file", "check the name"),
    REFUSED(TONE "- {reward: none}\n", "list.yaml:2: none: No such file", "check the name"),
    REFUSED(TONE "- {reward: llama}\n", "list.yaml:2: ", "rlaif reward"),
    {BY "--rewards list.yaml --reward rm", 2, "--rewards and --reward both name rewards", "one more part", LIST, TONE},
    {BY "--rewards list.yaml --judge llama --prompt tone.yaml", 2, "--rewards and --judge both name rewards",
     "one more part", LIST, TONE},
    {BY "--rewards list.yaml --endpoint http://127.0.0.1:9/v1 --api-model m", 2,
     "--endpoint judges no part of --rewards", "without a judge", LIST, TONE},
    {BY "--rewards list.yaml --scale none", 2, "--scale needs --reward, or a reward model in", "scale of a part", LIST,
     TONE},
    {BY "--reward rm --judge llama --prompt tone.yaml", 2, "--reward and --judge are two rewards", "--rewards", NULL,
     NULL},
};

/* A mix that weighs length, which a policy would take. */
static const char long_yaml[] = "name: long\nkind: mix\nparts:\n- {prompt: tone.yaml, scale: 1}\n"
                                "- {log-length: true, scale: 2, weight: 0.5}\n";
static const Refusal length_cases[] = {
    {BY "--judge llama --prompt long.yaml", 1, "the mix long.yaml counts the length of a reply, with a weight of 0.5",
     "--allow-length", NULL, NULL},
    REFUSED(TONE "- {judge: llama, prompt: long.yaml}\n", "list.yaml:2: the mix long.yaml counts the length",
            "longer replies for better ones"),
};

static void lengths(void **state)
{
    (void)state;
    put_text(test_bench, "long.yaml", long_yaml);
    need_refusals(test_bench, length_cases, COUNT(length_cases));
    runs_with_status(test_bench, 0,
                     "rlaif rl p.jsonl --model llama --baseline none -o policy --judge llama --prompt long.yaml "
                     "--allow-length --steps 1 --batch 2 --max-new-tokens 4");
}

static void lists(void **state)
{
    (void)state;
    need_refusals(test_bench, list_cases, COUNT(list_cases));
}

/* The same faults in a recipe, before any of its stages runs; lines are the recipe's. */
#define RECIPE(rewards)                                                                                                \
    "name: r\npolicy: llama\nstages:\n- sample: {prompts: p.jsonl}\n- rl:\n    prompts: p.jsonl\n    baseline: none\n" \
    "    rewards:" rewards "\n"
#define IN_RECIPE(rewards, message, remedy)                                                                            \
    {                                                                                                                  \
        "run r.yaml", 1, message, remedy, "r.yaml", RECIPE(rewards)                                                    \
    }

static const Refusal recipe_cases[] = {
    IN_RECIPE(" []", "r.yaml:8: the list of rewards is empty", "- {judge: MODEL"),
    IN_RECIPE(" {judge: policy, prompt: tone.yaml}", "r.yaml:8: \"rewards\" takes a list, or a file", "rewards: ..."),
    IN_RECIPE(" none.yaml", "none.yaml: No such file", "check the name"),
    IN_RECIPE("\n    - {prompt: tone.yaml}\n    - {prompt: tone.yaml, wieght: 1}",
              "r.yaml:10: there is no key \"wieght\"", "did you mean \"weight\"?"),
    IN_RECIPE("\n    - {prompt: tone.yaml}\n    - reward: rm\n      scale: 0", "r.yaml:10: \"scale\" must be above 0",
              "divided by"),
    IN_RECIPE("\n    - {prompt: tone.yaml}\n    - {reward: rm, judge: policy}", "r.yaml:10: the part names",
              "for each"),
    IN_RECIPE("\n    - {judge: policy}", "r.yaml:9: the part's judge has no \"prompt\"", "help prompts"),
    IN_RECIPE("\n    - {weight: 2}", "r.yaml:9: the part has neither a judge nor", "- {judge: MODEL"),
    IN_RECIPE(" [{prompt: tone.yaml, weight: .nan}]", "r.yaml:8: \"weight\" must be a finite number, not \".nan\"",
              "0.5"),
    IN_RECIPE(" [x]", "r.yaml:8: a part of the rewards is a mapping", "- {judge: MODEL"),
    IN_RECIPE(" [{prompt: tone.yaml}]\n    judge: policy", "--rewards and --judge both name", "one more part"),
};

static void recipes(void **state)
{
    (void)state;
    need_refusals(test_bench, recipe_cases, COUNT(recipe_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists, test_bench_begin, test_bench_end),
        cmocka_unit_test_setup_teardown(lengths, test_bench_begin, test_bench_end),
        cmocka_unit_test_setup_teardown(recipes, test_bench_begin, test_bench_end),
    };
    return cmocka_run_group_tests_name("bad rewards", tests, NULL, NULL);
}
