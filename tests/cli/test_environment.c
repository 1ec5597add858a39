/* What surrounds the program: threads that cannot be started, streams that are closed, full or read by nobody, a limit on the
 * size of files. Each ends in a message with the system's reason, and nothing is lost. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"

#include <unistd.h>

#define TEN(x)    x x x x x x x x x x
#define LONG_NAME TEN(TEN("abc"))

/* --- threads ---------------------------------------------------------------------------------------------- */

/* In this order: what one makes the next ones read. */
static const char *const working[] = {
    "import human.jsonl -o rows.jsonl",
    "sft demos.jsonl --model llama --batch 2 -o sft",
    "sample p.jsonl --model llama --n 2 --max-new-tokens 4 -o pairs.jsonl",
    "sample p.jsonl --model gemma --max-new-tokens 4 -o replies.jsonl",
    "label pairs.jsonl --model gemma --prompt which.yaml -o labels.jsonl",
    "score replies.jsonl --model llama --prompt tone.yaml -o scores.jsonl",
    "reward human.jsonl --model llama --batch 2 -o reward",
    "rl p.jsonl --model llama --reward reward --steps 2 --batch 2 --max-new-tokens 4 -o policy",
    "eval accuracy people.jsonl --reward reward",
    "eval winrate replies.jsonl replies.jsonl --judge llama --prompt tone.yaml",
    "generate --model llama 'Tell me.' --max-new-tokens 4",
    "logprob rows.jsonl --model llama",
    "bench --workload attention --model llama --input p.jsonl --repeat 1",
};

/* Who asks for one thread gets one, from the first command to the last. */
static void one_thread(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(working); i++) {
        char *command = mem_printf("rlaif %s --threads 1", working[i]);
        Ran r = run_without_threads(test_bench, command);
        if (r.status != 0)
            fail_msg("%s: status %d: %s", command, r.status, r.err);
        ran_free(&r);
        free(command);
    }
}

/* Who asks for more than there can be is told how many there can be; who leaves it open gets those, and the same bytes. */
static void more_threads_than_there_can_be(void **state)
{
    (void)state;
    need_message(run_without_threads(test_bench, "rlaif sample p.jsonl --model llama --threads 3"), 1,
                 "--threads 3: the system starts no more than 1: Resource temporarily unavailable", "--threads 1");
    Ran alone = run_without_threads(test_bench, "rlaif sample p.jsonl --model llama --max-new-tokens 4 -o a.jsonl"),
        free_to = run_in(test_bench,
                         "rlaif sample p.jsonl --model llama --max-new-tokens 4 -o b.jsonl && cmp a.jsonl b.jsonl");
    need_status(&alone, 0);
    need_status(&free_to, 0);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        says(alone.err, "threads: 1 for ");
    ran_free(&alone);
    ran_free(&free_to);
}

/* --- streams ---------------------------------------------------------------------------------------------- */

/* What prints results. */
static const char *const printing[] = {
    "version",
    "help",
    "help man",
    "help prompts tone-verdict",
    "label --help",
    "import human.jsonl",
    "import human.jsonl --json -o rows.jsonl",
    "sample p.jsonl --model llama --max-new-tokens 3",
    "label human.jsonl --model llama --prompt which.yaml",
    "label human.jsonl --model llama --prompt which.yaml --run run",
    "generate --model llama 'Tell me.' --max-new-tokens 3",
    "logprob replies.jsonl --model llama",
    "inspect llama",
    "eval probes replies.jsonl",
};

/* A result that cannot be printed is an error with the reason, and no file of the program takes the place of a stream that
 * is closed. */
static void nowhere_to_print(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *reason;
    } streams[] = {
        {"rlaif ", " >&-", "standard output: Bad file descriptor"},
        {"rlaif ", " >/dev/full", "standard output: No space left on device"},
        {"{ sleep 0.1; rlaif ", "; echo $? >status; } | true; exit $(cat status)", "standard output: Broken pipe"},
    };
    put_text(test_bench, "replies.jsonl", "{\"prompt\": \"Red?\", \"response\": \"A cup.\"}\n");
    for (int i = 0; i < COUNT(printing); i++)
        for (int k = 0; k < COUNT(streams); k++) {
            Ran r = run_in(test_bench, "%s%s%s", streams[k].before, printing[i], streams[k].after);
            if (!is_message(&r, 1, streams[k].reason, ""))
                fail_msg("%s%s%s", streams[k].before, printing[i], streams[k].after);
            ran_free(&r);
        }
}

/* What goes to a file needs no streams; its bytes are the same without them. */
static void without_streams(void **state)
{
    (void)state;
    Err err = {0};
    static const char *const commands[] = {
        "import human.jsonl -o OUT.jsonl",
        "sample p.jsonl --model llama --n 2 --max-new-tokens 3 -o OUT.jsonl",
        "label human.jsonl --model llama --prompt which.yaml -o OUT.jsonl",
        "reward human.jsonl --model llama --batch 2 -o OUT",
    };
    for (int i = 0; i < COUNT(commands); i++) {
        char *with = make_bench(test_folder, "with"), *without = make_bench(test_folder, "without");
        runs_with_status(with, 0, "rlaif %s 2>/dev/null", commands[i]);
        runs_with_status(without, 0, "rlaif %s <&- >&- 2>&-", commands[i]);
        same_folders(with, without);
        need_ok(dir_remove(with, &err) && dir_remove(without, &err), &err);
        free(with);
        free(without);
    }
}

/* Pages are served, and the end of it is clean, where there is no stream. */
static void serves_without_streams(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --prompt which.yaml --run run >labels.jsonl");
    runs_with_status(test_bench, 130, "rlaif serve run --port 0 <&- >&- 2>&- & sleep 0.5; kill -TERM $!; wait $!");
    runs_with_status(test_bench, 0, "rlaif inspect run >/dev/null");
}

/* --- reasons ---------------------------------------------------------------------------------------------- */

/* The reason is that of the call that failed, not of one that looked around afterwards or before. */
static void reasons(void **state)
{
    (void)state;
    static const struct {
        const char *command, *says, *remedy;
    } wrong[] = {
        {"label human.jsonl --model llama --run dangling", "dangling: cannot be made: File exists", ""},
        {"label human.jsonl --model llama --run " LONG_NAME, "cannot be made: File name too long", ""},
        {"label human.jsonl --model llama --run loop/run", "loop: cannot be made: File exists", ""},
        {"import human.jsonl -o loop/rows.jsonl", "loop/rows.jsonl: Too many levels of symbolic links", ""},
        {"import human.jsonl -o human.jsonl/rows.jsonl", "human.jsonl is a file, not a directory", "another output"},
        {"import loop", "loop: Too many levels of symbolic links", ""},
        {"sample p.jsonl --model looped", "looped/config.json: Too many levels of symbolic links", ""},
        {"sample p.jsonl --model half", "half/chat_template.jinja: Too many levels of symbolic links", ""},
        {"import - <&-", "standard input: Bad file descriptor", "closed by what started this"},
        {"serve torn", "torn/store.sqlite: cannot be used: file is not a database", "move it away"},
        {"inspect loop/run", "loop/run: Too many levels of symbolic links", ""},
        {"report loop/run -o page.html", "Too many levels of symbolic links", ""},
        {"import human.jsonl -o " LONG_NAME, "File name too long", ""},
        {"import " LONG_NAME, "File name too long", ""},
    };
    runs_with_status(test_bench, 0,
                     "ln -s none dangling && ln -s loop loop && mkdir looped half torn && "
                     "echo no database >torn/store.sqlite && cp llama/* half && "
                     "ln -s ../loop looped/config.json && ln -sf ../loop half/chat_template.jinja");
    for (int i = 0; i < COUNT(wrong); i++) {
        Ran r = run_in(test_bench, "rlaif %s", wrong[i].command);
        if (!is_message(&r, 1, wrong[i].says, wrong[i].remedy))
            print_error("%s\n", wrong[i].command), fail();
        ran_free(&r);
    }
}

/* A run where nothing can be written is read as it lies there, whatever its name. Skipped aloud where no such place can be made. */
static void read_only_run(void **state)
{
    (void)state;
    static const char *const reading[] = {"inspect 'a%41?b#c'", "report 'a%41?b#c' -o page.html"};
    static const char only_read[] =
        "unshare -rm sh -c 'mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && "
        "! touch \"$0/x\" && cd . && eval \"$1\"' 'a%41?b#c'";
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --prompt which.yaml --run 'a%%41?b#c' -o labels.jsonl");
    Ran may = run_in(test_bench, "%s true 2>/dev/null", only_read);
    bool skipped = may.status != 0;
    ran_free(&may);
    if (skipped)
        skip_aloud("no file system can be made read-only here");
    for (int i = 0; i < COUNT(reading); i++)
        runs_with_status(test_bench, 0, "%s \"rlaif %s\"", only_read, reading[i]);
}

/* Wherever the descriptors run out, that is what is said. */
static void few_files(void **state)
{
    (void)state;
    static const char *const commands[] = {"import human.jsonl -o out.jsonl", "import human.jsonl -o out.jsonl.gz",
                                           "label human.jsonl --model llama --prompt which.yaml -o labels.jsonl",
                                           "reward human.jsonl --model llama --batch 2 -o reward"};
    for (int i = 0; i < COUNT(commands); i++) {
        int refused = 0;
        for (int most = 4; most < 14; most++) {
            Ran r = run_in(test_bench, "ulimit -n %d; exec rlaif %s", most, commands[i]);
            bool begun = !strstr(r.err, "loading shared libraries");
            refused += begun && r.status != 0;
            if (begun && r.status != 0 && !is_message(&r, 1, "Too many open files", "ulimit -n"))
                fail_msg("%s with %d files", commands[i], most);
            ran_free(&r);
        }
        assert_in_range(refused, 1, 9);
    }
}

/* --- a limit on the size of files ------------------------------------------------------------------------- */

/* A limit is a full disk: a message, nothing half-written, and the same command goes on where there is room. */
static void limited_files(void **state)
{
    (void)state;
    static const struct {
        const char *command, *made, *says;
    } limited[] = {
        {"import many.jsonl -o", "out.jsonl", "out.jsonl: File too large"},
        {"import many.jsonl -o", "out.jsonl.gz", "out.jsonl.gz: File too large"},
        {"import many.jsonl -o", "out.jsonl.zst", "out.jsonl.zst: File too large"},
        {"label human.jsonl --model llama --prompt which.yaml -o", "labels.jsonl", "File too large"},
        {"reward human.jsonl --model llama --batch 2 -o", "reward", "File too large"},
        {"rate export ranked.jsonl -o", "rate.html", "rate.html: File too large"},
    };
    Str rows = {0};
    RngKey key = {.seed = 1, .purpose = RNG_TEST};
    for (int i = 0; i < 2000; i++)
        str_addf(&rows, "{\"prompt\": \"%016llx\"}\n", (unsigned long long)rng_below(key, (uint64_t)i, UINT64_MAX));
    put_text(test_bench, "many.jsonl", str_text(&rows));
    str_release(&rows);
    for (int i = 0; i < COUNT(limited); i++) {
        Ran r = run_in(test_bench, "ulimit -f 8; exec rlaif %s %s", limited[i].command, limited[i].made);
        if (!is_message(&r, 1, limited[i].says, "ulimit -f"))
            fail_msg("%s %s", limited[i].command, limited[i].made);
        ran_free(&r);
        runs_with_status(test_bench, 1, "test -e %s/config.json -o -f %s", limited[i].made, limited[i].made);
        runs_with_status(test_bench, 0, "rlaif %s %s 2>/dev/null", limited[i].command, limited[i].made);
    }
    need_message(run_in(test_bench, "ulimit -f 8; exec rlaif import many.jsonl >out.txt"), 1,
                 "standard output: File too large", "ulimit -f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(one_thread),
        IN_BENCH(more_threads_than_there_can_be),
        IN_BENCH(nowhere_to_print),
        IN_BENCH(without_streams),
        IN_BENCH(serves_without_streams),
        IN_BENCH(reasons),
        IN_BENCH(read_only_run),
        IN_BENCH(few_files),
        IN_BENCH(limited_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
