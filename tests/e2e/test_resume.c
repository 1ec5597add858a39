/* Nothing is lost: a run that is killed or interrupted anywhere, again and again, ends in the bytes of one that was not. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"

#include <signal.h>

/* A command line, and what has to be run before it. */
typedef struct Command {
    const char *line, *before[3];
} Command;

static char *bench_for(const Command *c, const char *name)
{
    char *bench = make_bench(test_folder, name);
    for (int i = 0; i < COUNT(c->before) && c->before[i]; i++)
        runs_with_status(bench, 0, "%s", c->before[i]);
    return bench;
}

/* Runs a command undisturbed in `test_folder`/whole; returns its calls that change files. */
static int run_whole(const Command *c)
{
    char *bench = bench_for(c, "whole");
    Ran r = run_with_fault(bench, (Fault){0}, c->line);
    need_status(&r, 0);
    int changes = r.changes;
    ran_free(&r);
    free(bench);
    return changes;
}

static void check_message(const Ran *r, const Command *c, Fault fault)
{
    if (r->status == 130 && (!strstr(r->err, "to go on: rlaif ") || !strstr(r->err, strchr(c->line, ' '))))
        fail_msg("the message does not say how to go on:\n%s", r->err);
    if (fault.full && !strstr(r->err, "No space left on device") && !strstr(r->err, "disk is full") &&
        !strstr(r->err, "unable to open database file"))
        fail_msg("the message does not say that the disk is full:\n%s", r->err);
    if (fault.full && !strstr(r->err, "free some space"))
        fail_msg("the message does not say what to do:\n%s", r->err);
}

/* Runs a command again and again, with a fault after up to `most` calls (more and more of them), until it ends well; a
 * disk that was full has room the next time. On one thread, where the undisturbed run has as many as there are cores. */
static int run_chain(const char *bench, const Command *c, Fault fault, int most, uint64_t chain)
{
    RngKey key = {.seed = 5, .purpose = RNG_TEST, .row = chain};
    char *whole = path_join(test_folder, "whole"), *line = mem_printf("%s --threads 1", c->line);
    for (uint64_t i = 0;; i++) {
        fault.at = fault.full && i % 2 ? 0 : 1 + (int)rng_below(key, i, (uint64_t)(most + (int)i * most / 4));
        Ran r = run_with_fault(bench, fault, line);
        int status = r.status;
        if (status != 0) {
            need_status(&r, fault.full ? 1 : fault.signal == SIGKILL ? 128 + SIGKILL : 130);
            check_message(&r, c, fault);
            no_halves(whole, bench);
        }
        ran_free(&r);
        if (status == 0) {
            free(whole);
            free(line);
            return (int)i;
        }
    }
}

/* `chains` chains of faults, each in a folder of its own, compared with the undisturbed one. */
static void same_after_faults(const Command *c, Fault fault, int chains)
{
    int changes = run_whole(c), faults = 0;
    char *whole = path_join(test_folder, "whole");
    for (int i = 0; i < chains; i++) {
        char *name = mem_printf("chain%d", i), *bench = bench_for(c, name);
        faults += run_chain(bench, c, fault, changes / (1 + i % 3) + 1, (uint64_t)(i * 100 + fault.signal));
        same_folders(whole, bench);
        Err err = {0};
        need_ok(dir_remove(bench, &err), &err);
        free(bench);
        free(name);
    }
    Err err = {0};
    need_ok(dir_remove(whole, &err), &err);
    free(whole);
    print_message("[     NOTE ] %s: %d times %s within %d calls\n", c->line, faults,
                  fault.full ? "no space" : strsignal(fault.signal), changes);
}

/* --- a recipe ----------------------------------------------------------------------------------------------------- */

static const Command recipe = {"rlaif run small.yaml", {NULL}};

static void recipe_killed(void **state)
{
    (void)state;
    same_after_faults(&recipe, (Fault){.signal = SIGKILL}, 4);
}

static void recipe_interrupted(void **state)
{
    (void)state;
    same_after_faults(&recipe, (Fault){.signal = SIGINT}, 2);
    same_after_faults(&recipe, (Fault){.signal = SIGTERM}, 1);
}

static void recipe_without_room(void **state)
{
    (void)state;
    same_after_faults(&recipe, (Fault){.full = true}, 5);
}

/* What the last steps cost is not paid twice: an interruption keeps them, and what a kill left half-made goes. */
static void goes_on(void **state)
{
    (void)state;
    static const Command c = {"rlaif sft demos.jsonl --model llama --epochs 4 --batch 1 --lr 1e-3 -o sft", {NULL}};
    int changes = run_whole(&c);
    char *whole = path_join(test_folder, "whole"), *bench = bench_for(&c, "part");
    Ran r = run_with_fault(bench, (Fault){.at = changes / 2, .signal = SIGINT}, c.line);
    need_status(&r, 130);
    ran_free(&r);
    runs_with_status(bench, 0, "cp -r sft/checkpoint-* sft/.new-000099 && cp -r sft/.new-000099 sft/checkpoint-000098");
    r = run_in(bench, "%s", c.line);
    need_status(&r, 0);
    assert_non_null(strstr(r.err, "goes on after step "));
    ran_free(&r);
    same_folders(whole, bench);
    free(bench);
    free(whole);
}

/* --- commands on plain files -------------------------------------------------------------------------------------- */

#define SAMPLE "rlaif sample p.jsonl --model llama --n 2 --max-new-tokens 6 -o pairs.jsonl"
#define LABEL  "rlaif label pairs.jsonl --model llama --prompt which.yaml -o labels.jsonl"
#define LISTS  "rlaif sample p.jsonl --model llama --n 3 --max-new-tokens 6 -o lists.jsonl"
#define GROUPS "rlaif label lists.jsonl --model llama --method pointwise --prompt tone.yaml -o groups.jsonl"
#define DIRECT                                                                                                          \
    "rlaif rl p.jsonl --model llama --judge gemma --prompt tone.yaml --baseline group --samples 2 --steps 3 --batch 2 " \
    "--max-new-tokens 5 --lr 1e-2 --eval held.jsonl --eval-every 1 --keep-best 2 -o policy"
#define EXPORT "rlaif rate export ranked.jsonl -o rate.html"
#define RATED                                                                                                               \
    "sed 's/.*\"item\": \"\\([0-9a-f]*\\)\".*/{\"item\": \"\\1\", \"rater\": \"bob\", \"ranks\": [2, 1]}/' rate.key.jsonl " \
    "> rated.jsonl"
#define REWARD "rlaif reward labels.jsonl --model llama --batch 2 --lr 1e-3 --save-every 2 -o reward"

#define LORA_REWARD                                                                                                    \
    "rlaif reward human.jsonl --model llama --lora 4 --rslora --batch 2 --lr 1e-2 --save-every 2 -o reward"

static const Command commands[] = {
    {"rlaif import human.jsonl --split 3/5 -o rows.jsonl.gz", {NULL}},
    {"rlaif tokenize texts.jsonl --model llama -o ids.jsonl", {"sed s/prompt/text/ p.jsonl > texts.jsonl"}},
    {SAMPLE, {NULL}},
    {LABEL, {SAMPLE}},
    {"rlaif label pairs.jsonl --model llama --method pointwise --prompt tone.yaml -o labels.jsonl.zst", {SAMPLE}},
    {"rlaif score pairs.jsonl --model llama --prompt tone.yaml -o scores.jsonl", {SAMPLE}},
    {"rlaif sft demos.jsonl --model llama --epochs 3 --batch 1 --lr 1e-3 --save-every 4 -o sft", {NULL}},
    {"rlaif sft demos.jsonl --model llama --epochs 9 --batch 2 --lr 3e-2 --eval people.jsonl --eval-every 2 --early-stop 2 "
     "-o sft",
     {NULL}},
    {"rlaif sft demos.jsonl --model llama --lora 4 --lora-targets q_proj,down_proj --epochs 3 --batch 1 --lr 1e-2 "
     "--save-every 4 -o sft",
     {NULL}},
    {LORA_REWARD, {NULL}},
    {"rlaif rl p.jsonl --model llama --reward reward --lora 4 --lora-alpha 6 --steps 4 --batch 2 --max-new-tokens 5 --lr 1e-2 "
     "--save-every 3 -o policy",
     {LORA_REWARD}},
    {REWARD, {SAMPLE, LABEL}},
    {GROUPS, {LISTS}},
    {"rlaif reward groups.jsonl --model llama --batch 4 --epochs 2 --lr 1e-3 --save-every 1 -o reward",
     {LISTS, GROUPS}},
    {"rlaif reward human.jsonl --model gemma --epochs 2 --batch 2 --eval people.jsonl --eval-every 1 -o reward",
     {NULL}},
    {"rlaif reward human.jsonl --model llama --epochs 6 --batch 2 --lr 3e-2 --eval people.jsonl --eval-every 1 --early-stop 3 "
     "--subset 4 -o reward",
     {NULL}},
    {"rlaif rl p.jsonl --model llama --reward reward --steps 4 --batch 2 --max-new-tokens 5 --lr 1e-3 --save-every 3 "
     "-o policy",
     {SAMPLE, LABEL, REWARD}},
    {"rlaif rl p.jsonl --model llama --judge gemma --prompt tone.yaml --baseline group --samples 2 --steps 3 --batch 2 "
     "--max-new-tokens 5 --optimizer adamw -o policy",
     {NULL}},
    {"rlaif rl p.jsonl --model llama --reward reward --steps 5 --value-warmup 2 --batch 2 --max-new-tokens 5 --lr 1e-2 "
     "--eval held.jsonl --eval-every 1 --keep-best 2 -o policy",
     {SAMPLE, LABEL, REWARD}},
    {"rlaif rl p.jsonl --model llama --rewards list.yaml --baseline group --samples 2 --steps 3 --batch 2 "
     "--max-new-tokens 5 --lr 1e-2 --save-every 2 -o policy",
     {SAMPLE, LABEL,
      REWARD " && printf -- '- {judge: gemma, prompt: tone.yaml, weight: -1}\\n- {reward: reward}\\n' > list.yaml"}},
    {"rlaif choose policy --prompts held.jsonl --against llama --judge llama --prompt tone.yaml --max-new-tokens 6 "
     "-o chosen",
     {DIRECT}},
    {"rlaif label --from labels.jsonl --label-temperature 2 --drop-undecided 0.001 -o settled.jsonl", {SAMPLE, LABEL}},
    {"rlaif label pairs.jsonl --model llama --prompt which.yaml,better.yaml --choose-on people.jsonl --limit 3 -o "
     "labels.jsonl",
     {SAMPLE, "sed s/Best/Better/ which.yaml > better.yaml"}},
    {"rlaif score pairs.jsonl --model reward -o scores.jsonl", {SAMPLE, LABEL, REWARD}},
    {"rlaif label pairs.jsonl --method pointwise --reward reward -o soft.jsonl", {SAMPLE, LABEL, REWARD}},
    {"rlaif import human.jsonl --prompts -o prompts.jsonl", {NULL}},
    {EXPORT, {NULL}},
    {"rlaif import rated.jsonl --key rate.key.jsonl -o rankings.jsonl", {EXPORT, RATED}},
    {"rlaif eval accuracy people.jsonl --reward reward -o rewards.jsonl", {SAMPLE, LABEL, REWARD}},
    {"rlaif eval harmless pairs.jsonl --judge llama --prompt tone.yaml -o marks.jsonl", {SAMPLE}},
    {"rlaif eval ratings ranked.jsonl -o items.jsonl", {NULL}},
    {"rlaif eval probes pairs.jsonl -o probes.jsonl", {SAMPLE}},
    {"rlaif eval winrate a.jsonl b.jsonl --judge llama --prompt which.yaml",
     {"rlaif sample p.jsonl --model llama --max-new-tokens 6 -o a.jsonl",
      "rlaif sample p.jsonl --model gemma --max-new-tokens 6 -o b.jsonl"}},
    {"rlaif eval winrate a.jsonl b.jsonl --reward reward",
     {"rlaif sample p.jsonl --model llama --max-new-tokens 6 -o a.jsonl",
      "rlaif sample p.jsonl --model gemma --max-new-tokens 6 -o b.jsonl",
      "rlaif reward human.jsonl --model llama --batch 2 -o reward"}},
};

static void commands_killed(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(commands); i++)
        same_after_faults(&commands[i], (Fault){.signal = SIGKILL}, 2);
}

static void commands_interrupted(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(commands); i++)
        same_after_faults(&commands[i], (Fault){.signal = i % 2 ? SIGINT : SIGTERM}, 1);
}

static void commands_without_room(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(commands); i++)
        same_after_faults(&commands[i], (Fault){.full = true}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(goes_on),
        IN_FOLDER(recipe_killed),
        IN_FOLDER(recipe_interrupted),
        IN_FOLDER(recipe_without_room),
        IN_FOLDER(commands_killed),
        IN_FOLDER(commands_interrupted),
        IN_FOLDER(commands_without_room),
    };
    return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
