/* Every input of every command through a pipe: what comes of it is what comes of the file, as often as the command looks at
 * it. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"

/* Command lines whose inputs are marked by an @. What they make is `o`. */
static const char *const commands[] = {
    "import @human.jsonl -o o",
    "import @human.jsonl.gz -o o",
    "import @human.jsonl.zst",
    "sample @p.jsonl --model llama --max-new-tokens 4 -o o",
    "sft @demos.jsonl --model llama --eval @people.jsonl --eval-every 1 -o o",
    "label @human.jsonl --model llama --prompt @which.yaml -o o",
    "label @human.jsonl --model llama --prompt @which.yaml --prompt @which.yaml --choose-on @people.jsonl -o o",
    "label @human.jsonl --model llama --method pointwise --prompt @tone.yaml -o o",
    "score @a.jsonl --model llama --prompt @tone.yaml -o o",
    "reward @human.jsonl --model llama --eval @people.jsonl --centre-on @a.jsonl -o o",
    "rl @p.jsonl --model llama --judge llama --prompt @tone.yaml --steps 1 --batch 2 --max-new-tokens 4 "
    "--baseline none --eval @held.jsonl --eval-every 1 -o o",
    "eval accuracy @people.jsonl --reward rm --trained-on @human.jsonl",
    "eval winrate @a.jsonl @b.jsonl --judge llama --prompt @tone.yaml --trained-on @human.jsonl -o o",
    "eval alignment @labels.jsonl",
    "eval harmless @a.jsonl --judge llama --prompt @tone.yaml -o o",
    "eval ratings @ranked.jsonl",
    "eval probes @a.jsonl --trained-on @human.jsonl",
    "tokenize @text.jsonl --model llama",
    "logprob @ids.jsonl --model llama",
    "rate export @ranked.jsonl -o o",
    "inspect @p.jsonl",
    "run @small.yaml --only import --run o",
};

static void put_files(void)
{
    put_text(test_bench, "a.jsonl", "{\"prompt\": \"Gold?\", \"response\": \"A cup.\"}\n");
    put_text(test_bench, "b.jsonl", "{\"prompt\": \"Gold?\", \"response\": \"The sea.\"}\n");
    put_text(test_bench, "labels.jsonl",
             "{\"prompt\": \"Q?\", \"responses\": [\"A\", \"B\"], \"preferred\": 1, \"label\": {\"p\": 0.3}}\n");
    put_text(test_bench, "text.jsonl", "{\"text\": \"a b c\"}\n");
    put_text(test_bench, "ids.jsonl", "{\"ids\": [1, 2, 3]}\n");
    runs_with_status(test_bench, 0,
                     "rlaif import human.jsonl -o human.jsonl.gz --quiet; rlaif import human.jsonl -o human.jsonl.zst "
                     "--quiet; rlaif reward human.jsonl --model llama -o rm --quiet --threads 1 2>log");
}

/* The inputs as files f1, f2, ..., or as FIFOs of these names, each written once: whoever opened it again would wait, and be
 * stopped. */
static char *line_of(const char *command, bool pipes)
{
    Str line = {0}, before = {0};
    int n = 0;
    for (const char *s = command; *s; s++) {
        if (*s != '@') {
            str_addc(&line, *s);
            continue;
        }
        int length = (int)strcspn(s, " ");
        str_addf(&line, "f%d", ++n);
        if (pipes)
            str_addf(&before, "mkfifo f%d; ", n);
        str_addf(&before, "cat %.*s > f%d %s ", length - 1, s + 1, n, pipes ? "&" : ";");
        s += length - 1;
    }
    char *out = mem_printf("%stimeout 60 rlaif %s", str_text(&before), str_text(&line));
    str_release(&before);
    str_release(&line);
    return out;
}

/* What the command prints and makes. */
static char *result_of(const char *command, bool pipes)
{
    char *line = line_of(command, pipes);
    Ran r = run_in(test_bench, "%s --quiet --threads 1", line);
    if (r.status != 0)
        print_error("%s\n", line);
    need_status(&r, 0);
    Ran made = run_in(test_bench, "if [ -f o ]; then cat o; elif [ -d o ]; then cat o/*.safetensors | cksum; fi; "
                                  "rm -rf o o.* o-* *.rlaif f[0-9]*");
    char *out = mem_printf("%s%s", r.out, made.out);
    ran_free(&made);
    ran_free(&r);
    free(line);
    return out;
}

static void pipes_serve_as_files(void **state)
{
    (void)state;
    put_files();
    for (int i = 0; i < COUNT(commands); i++) {
        char *file = result_of(commands[i], false), *pipe = result_of(commands[i], true);
        if (!file[0] || strcmp(file, pipe) != 0)
            fail_msg("%s\nof files:\n%s\nof pipes:\n%s", commands[i], file, pipe);
        free(file);
        free(pipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(pipes_serve_as_files)};
    return cmocka_run_group_tests_name("pipes", tests, NULL, NULL);
}
