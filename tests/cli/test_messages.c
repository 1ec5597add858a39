/* What the program says: every command's help, and the mistakes that are made in a first hour, with their exit status and
 * the words that help out of them. */
#include "program.h"

#include "base/mem.h"

/* Runs the program; *out has both streams. Returns the exit status. */
static int run(const char *folder, const char *arguments, Str *out)
{
    Ran r = run_in(folder, "rlaif %s 2>&1", arguments);
    int status = r.status;
    str_clear(out);
    str_add(out, r.out);
    ran_free(&r);
    return status;
}

typedef struct Case {
    const char *arguments;
    int status;
    const char *says[2]; /* parts of what is printed */
} Case;

#define TINY "llama"

static const Case mistakes[] = {
    {"", 2, {"usage: rlaif COMMAND", "eval winrate"}},
    {"help", 0, {"usage: rlaif COMMAND", "eval winrate"}},
    {"--help", 0, {"usage: rlaif COMMAND"}},
    {"version", 0, {"levels: plain", "libraries: SQLite"}},
    {"smaple", 2, {"there is no command \"smaple\"", "did you mean \"sample\"?"}},
    {"xyzzy", 2, {"there is no command \"xyzzy\"", "rlaif help lists"}},
    {"help smaple", 2, {"did you mean \"sample\"?"}},
    {"eval", 2, {"there is no command \"eval\"", "eval winrate"}},
    {"eval winrat a b", 2, {"there is no command \"eval winrat\"", "did you mean \"eval winrate\"?"}},
    {"help eval", 0, {"rlaif eval takes one of", "eval probes"}},
    {"eval --help", 0, {"rlaif eval takes one of", "eval probes"}},
    {"help eval winrate", 0, {"rlaif eval winrate: responses of two policies -> who is better"}},
    {"help prompts", 0, {"tone-verdict"}},
    {"help prompts tone-verdict", 0, {"kind: verdict"}},
    {"help prompts tone-verdct", 2, {"did you mean \"tone-verdict\"?"}},
    {"help man", 0, {".SH EXIT STATUS"}},
    {"sample", 2, {"PROMPTS is missing", "rows with a prompt"}},
    {"sample p.jsonl", 2, {"--model is missing", "the policy"}},
    {"sample p.jsonl --modle m", 2, {"there is no option \"--modle\"", "did you mean \"--model\"?"}},
    {"sample p.jsonl --model m --n 0", 2, {"--n \"0\" cannot be used", "a whole number from 1"}},
    {"sample p.jsonl --model m --n -7", 2, {"--n \"-7\" cannot be used"}},
    {"sample p.jsonl --model m --n 99999999999999999999", 2, {"cannot be used", "a whole number from 1"}},
    {"sample p.jsonl --model m --cpu sse", 2, {"--cpu \"sse\" cannot be used", "auto|plain|avx2|avx512"}},
    {"sample p.jsonl --model m -o", 2, {"-o needs a value", "write -o ROWS"}},
    {"sample p.jsonl --model m -x", 2, {"there is no option \"-x\"", "long names"}},
    {"sample p.jsonl more --model m", 2, {"\"more\" is one argument too many"}},
    {"sample p.jsonl --model nope.gguf", 1, {"nope.gguf: No such file", "check the name"}},
    {"sample nope.jsonl --model " TINY, 1, {"nope.jsonl: No such file", "check the name"}},
    {"sample . --model " TINY, 1, {"is a directory, a file of rows is needed"}},
    {"sample p.jsonl --model .", 1, {"there is no config.json in it", "a MODEL is a GGUF file or a directory"}},
    {"sample p.jsonl -o " TINY " --model " TINY, 1, {"is a directory, the output is a file of rows"}},
    {"sample p.jsonl -o '' --model " TINY, 2, {"the output has no name"}},
    {"sample p.jsonl -o no/such/p.jsonl --model " TINY, 1, {"no/such/p.jsonl"}},
    {"sample p.jsonl --max-new-tokens 100000 --model " TINY, 1, {"no room in the model's context", "--max-new-tokens"}},
    {"sample text.jsonl --model " TINY, 1, {"text.jsonl:1: the row has no \"prompt\""}},
    {"sample list.jsonl --model " TINY, 1, {"list.jsonl is one JSON array", "jq"}},
    {"label p.jsonl --model " TINY, 1, {"p.jsonl:1: \"responses\" has 0 entries, needs 2", "sample --n 2"}},
    {"label p.jsonl --model " TINY " --prompt tone-verdct", 1, {"no judge prompt \"tone-verdct\"", "\"tone-verdict\""}},
    {"rl p.jsonl --model " TINY " -o policy", 2, {"needs a reward"}},
    {"reward p.jsonl --model " TINY " -o reward", 1, {"p.jsonl:1: "}},
    {"import p.jsonl --sample 200%", 2, {"--sample 200% cannot be used", "15%"}},
    {"import few.jsonl --confidence 9 --max-chars 3 --sample 4 -o out.jsonl",
     0,
     {"2 rows of the 4 of --sample are there: confidence left out 1, max-chars 2"}},
    {"import few.jsonl --confidence 9 --max-chars 3 --limit 3 -o out.jsonl",
     0,
     {"2 rows of the 3 of --limit are there: confidence left out 1, max-chars 2"}},
    {"import few.jsonl --limit 7 -o out.jsonl", 0, {"5 rows of the 7 of --limit are there\n"}},
    {"run nope.yaml", 1, {"nope.yaml: No such file"}},
    {"run p.jsonl", 1, {"p.jsonl:"}},
    {"report .", 1, {"there is no store"}},
    {"inspect nope", 1, {"nope"}},
    {"generate --model " TINY, 2, {"TEXT is missing", "the user's message"}},
    {"generate --model " TINY " one two", 2, {"\"two\" is one argument too many", "quote a text"}},
    {"generate --model " TINY " \"$(printf 'a\\377')\"", 1, {"the text is not UTF-8: byte 0xff at 2"}},
    {"chat --model " TINY " --system \"$(printf 'a\\377')\"", 1, {"--system is not UTF-8: byte 0xff at 2"}},
    {"chat --model " TINY, 0, {"Ctrl-D ends", "> \n"}},
    {"tokenize ids.jsonl --decode --model " TINY,
     1,
     {"ids.jsonl:2: \"ids\" holds something that is no id", "--skip-bad"}},
    {"tokenize ids.jsonl --decode --skip-bad --model " TINY, 0, {"ids.jsonl:2:", "left out"}},
    {"tokenize text.jsonl --decode --skip-bad --model " TINY, 1, {"text.jsonl: no row can be used", "said above"}},
    {"logprob text.jsonl --skip-bad --model " TINY, 1, {"text.jsonl: no row can be used", "said above"}},
    {"tokenize text.jsonl --model " TINY " --json", 0, {"\"ids\": [", "{\"rows\": 1, \"tokens\": "}},
    {"logprob ids.jsonl --skip-bad --model " TINY, 0, {"\"logp\": [", "left out"}},
};

static const char *const files[][2] = {
    {"p.jsonl", "{\"prompt\": \"Hello\"}\n{\"prompt\": \"Good morning\"}\n"},
    {"text.jsonl", "{\"text\": \"Hello\"}\n"},
    {"list.jsonl", "[{\"prompt\": \"Hello\"}]\n"},
    {"few.jsonl", "{\"prompt\": \"a\", \"confidence\": 9}\n{\"prompt\": \"b\", \"confidence\": 9}\n"
                  "{\"prompt\": \"long\", \"confidence\": 9}\n{\"prompt\": \"longer\", \"confidence\": 9}\n"
                  "{\"prompt\": \"c\", \"confidence\": 5}\n"},
    {"ids.jsonl", "{\"ids\": [3, 4]}\n{\"ids\": [3, 99999999]}\n"},
};

/* A bench with these files. The caller frees its path. */
static char *begin(void)
{
    char *bench = make_bench(test_folder, "bench");
    for (int i = 0; i < COUNT(files); i++)
        put_text(bench, files[i][0], files[i][1]);
    return bench;
}

static void first_hour(void **state)
{
    (void)state;
    Str out = {0};
    char *bench = begin();
    for (int i = 0; i < COUNT(mistakes); i++) {
        const Case *c = &mistakes[i];
        int status = run(bench, c->arguments, &out);
        for (int k = 0; k < COUNT(c->says); k++)
            if (status != c->status || (c->says[k] && !strstr(str_text(&out), c->says[k])))
                fail_msg("rlaif %s: status %d, not %d, or without \"%s\":\n%s", c->arguments, status, c->status,
                         c->says[k] ? c->says[k] : "", str_text(&out));
    }
    free(bench);
    str_release(&out);
}

/* Every command's --help says what it is about and ends in an example that begins with its name. */
static void every_help(void **state)
{
    (void)state;
    Str list = {0}, out = {0};
    assert_int_equal(run(test_folder, "help reference", &list), 0);
    int commands = 0;
    for (const char *p = str_text(&list); (p = strstr(p, "\n## "));) {
        p += 4;
        char *name = mem_strn(p, strcspn(p, "\n")), *arguments = mem_printf("%s --help", name);
        assert_int_equal(run(test_folder, arguments, &out), 0);
        char *title = mem_printf("rlaif %s: ", name), *example = mem_printf("\nexample: rlaif %s ", name);
        if (!str_starts(str_text(&out), title) || !strstr(str_text(&out), example))
            fail_msg("rlaif %s:\n%s", arguments, str_text(&out));
        free(name), free(arguments), free(title), free(example);
        commands++;
    }
    assert_true(commands > 15);
    str_release(&list);
    str_release(&out);
}

/* What was done is not done again, and that is said; the bytes are those of the first time. */
static void done_before(void **state)
{
    (void)state;
    Str out = {0};
    char *bench = begin();
    static const char command[] = "sample p.jsonl --model " TINY " --chat false --max-new-tokens 3 -o out.jsonl";
    if (run(bench, command, &out) != 0 || !strstr(str_text(&out), "sample: 2 prompts in "))
        fail_msg("%s", str_text(&out));
    if (run(bench, command, &out) != 0 || !strstr(str_text(&out), "sample: was done before"))
        fail_msg("%s", str_text(&out));
    free(bench);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_help),
        IN_FOLDER(first_hour),
        IN_FOLDER(done_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
