/* rlaif choose, as a user meets it: what it takes, what it refuses, what it leaves alone. */
#include "program.h"

#include "base/file.h"

#include <signal.h>

/* Every name in the folder and below, one a line. The caller frees it. */
static char *names_below(void)
{
    Ran r = run_in(test_bench, "find . | sort");
    need_status(&r, 0);
    char *names = r.out;
    free(r.err);
    return names;
}

#define RL                                                                                                              \
    "rlaif rl p.jsonl --model llama --judge gemma --prompt tone.yaml --baseline group --samples 2 --steps 2 --batch 2 " \
    "--max-new-tokens 4 --lr 1e-2 "
#define CHOOSE " --against llama --judge llama --prompt tone.yaml --max-new-tokens 4 "

/* One message that names the value and the remedy, and the folder as it was before. */
static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int status;
        const char *message, *remedy;
    } cases[] = {
        {"choose none --prompts held.jsonl" CHOOSE "-o chosen", 1, "none is no directory", "that rlaif rl made"},
        {"choose p.jsonl --prompts held.jsonl" CHOOSE "-o chosen", 1, "p.jsonl is no directory", "that rlaif rl made"},
        {"choose llama --prompts held.jsonl" CHOOSE "-o chosen", 1, "llama.rlaif: there is no store", "beside POLICY"},
        {"choose policy --prompts held.jsonl" CHOOSE "--run none -o chosen", 1, "none/store.sqlite: there is no store",
         "beside POLICY"},
        {"choose bare --prompts held.jsonl" CHOOSE "-o chosen", 1, "bare: no stage of reinforcement learning left",
         "eval-every"},
        {"choose policy --prompts none.jsonl" CHOOSE "-o chosen", 1, "none.jsonl: No such file", "check the name"},
        {"choose policy --prompts p.jsonl" CHOOSE "-o chosen", 1,
         "p.jsonl:1: the prompt also occurs in the stage \"rl\"", "nothing was trained on"},
        {"choose policy --prompts held.jsonl" CHOOSE "--trained-on held.jsonl -o chosen", 1,
         "held.jsonl:1: the prompt also occurs in line 1 of the same file", "nothing was trained on"},
        {"choose policy --prompts held.jsonl --against llama --judge llama --prompt helpful-bass -o chosen", 1,
         "helpful-bass", "helpful-base"},
        {"choose policy --prompts held.jsonl --against llama --prompt tone.yaml -o chosen", 2, "--judge is missing",
         "an --endpoint"},
        {"choose policy --prompts held.jsonl --against llama -o chosen", 2, "command line: prompt is missing",
         "lets a reward model judge"},
        {"choose policy --prompts held.jsonl --against llama --reward llama -o chosen", 1, "llama has no reward head",
         "rlaif reward"},
        {"choose policy --against llama --judge llama --prompt tone.yaml -o chosen", 2, "--prompts is missing",
         "held-out rows"},
        {"choose --prompts held.jsonl" CHOOSE "-o chosen", 2, "POLICY is missing", "--eval-every"},
        {"choose policy --prompts held.jsonl" CHOOSE "-o policy", 1, "policy is not empty: it holds",
         "a new directory"},
        {"choose policy --prompts held.jsonl" CHOOSE "-o llama", 1, "llama is not empty: it holds", "a new directory"},
        {"choose policy --prompts held.jsonl" CHOOSE "-o p.jsonl", 1, "p.jsonl is a file", "name a directory"},
        {"choose policy --prompts held.jsonl" CHOOSE "-o no/such/chosen", 1, "no/such", "make it first"},
    };
    runs_with_status(test_bench, 0, RL "--eval held.jsonl --eval-every 1 --keep-best 2 -o policy");
    runs_with_status(test_bench, 0, RL "-o bare");
    char *before = names_below();
    int wrong = 0;
    for (int i = 0; i < COUNT(cases); i++) {
        Ran r = run_in(test_bench, "rlaif %s --threads 1 --quiet", cases[i].line);
        wrong += !is_message(&r, cases[i].status, cases[i].message, cases[i].remedy);
        ran_free(&r);
        char *after = names_below();
        assert_string_equal(before, after);
        free(after);
    }
    free(before);
    assert_int_equal(wrong, 0);
}

/* What is chosen is a checkpoint, byte by byte; a directory that the command made is used again, another's never. */
static void chosen(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, RL "--eval held.jsonl --eval-every 1 --keep-best 2 -o policy");
    Ran r = run_in(test_bench, "rlaif choose policy/ --prompts held.jsonl" CHOOSE "-o chosen --json --quiet");
    need_status(&r, 0);
    assert_true(str_starts(r.out, "checkpoint ")); /* what is sampled and judged on the way is not printed */
    json_t *said = last_json(&r), *one;
    const char *name = json_text_of(said, "chosen");
    size_t i;
    assert_int_equal((int)json_array_size(json_object_get(said, "checkpoints")), 2);
    json_array_foreach(json_object_get(said, "checkpoints"), i, one) says(r.out, json_text_of(one, "name"));
    says(r.out, "rlaif report policy");
    runs_with_status(test_bench, 0, "cmp chosen/model.safetensors policy/%s/model.safetensors", name);
    runs_with_status(test_bench, 0,
                     "rlaif report policy && grep -q 'Replies to the same prompts' policy.html && "
                     "grep -q '%s' policy.html && ! test -e policy/policy.html",
                     name);
    ran_free(&r);
    json_decref(said);
    r = run_in(test_bench, "rlaif choose policy --prompts held.jsonl" CHOOSE "--n 2 -o chosen");
    need_status(&r, 0);
    says(r.err, "what it had is replaced");
    ran_free(&r);
    runs_with_status(test_bench, 0, "echo mine > chosen/notes.txt");
    need_message(run_in(test_bench, "rlaif choose policy --prompts held.jsonl" CHOOSE "-o chosen --quiet"), 1,
                 "chosen is not empty: it holds notes.txt", "a new directory");
    runs_with_status(test_bench, 0,
                     "mkdir there && cd there && rlaif choose ../policy --prompts ../held.jsonl --against "
                     "../llama --judge ../llama --prompt ../tone.yaml --max-new-tokens 4 -o chosen");
    runs_with_status(test_bench, 0, "grep -q mine chosen/notes.txt && test -e there/chosen/config.json");
}

/* Another choice takes the place of the one before. Killed where that one goes and the new one comes, the directory is still the
 * command's own. */
static void killed_while_replacing(void **state)
{
    (void)state;
    static const char command[] = "rlaif choose policy --prompts held.jsonl" CHOOSE "--n 2 -o chosen --quiet";
    char *whole = path_join(test_folder, "whole"), *part = path_join(test_folder, "part");
    runs_with_status(test_bench, 0, RL "--eval held.jsonl --eval-every 1 --keep-best 2 -o policy");
    runs_with_status(test_bench, 0, "rlaif choose policy --prompts held.jsonl" CHOOSE "-o chosen --quiet");
    runs_with_status(test_folder, 0, "cp -a bench whole");
    Ran r = run_with_fault(whole, (Fault){0}, command);
    need_status(&r, 0);
    int changes = r.changes;
    ran_free(&r);
    for (int at = changes - 48; at <= changes; at += 6) {
        runs_with_status(test_folder, 0, "cp -a bench part");
        r = run_with_fault(part, (Fault){.at = at, .signal = SIGKILL}, command);
        need_status(&r, 128 + SIGKILL);
        ran_free(&r);
        runs_with_status(part, 0, "%s", command);
        same_folders(whole, part);
        runs_with_status(test_folder, 0, "rm -r part");
    }
    free(whole);
    free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(refused), IN_BENCH(chosen), IN_BENCH(killed_while_replacing)};
    return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
