/* What evaluations print of few, equal and clustered rows: no interval without width, no certainty of two prompts, the size of
 * the paper's test, how many comparisons there are; and that many replies to few prompts say no more than the prompts do. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"

/* Ends the test where a printed interval has no width, a number is none, or a gain is called certain beside a p of 5 % or more. */
static void is_honest(const char *line, const char *next, const char *command)
{
    const char *interval = strstr(line, "95 %: ");
    char low[20], high[20];
    double p;
    if (interval && sscanf(interval, "95 %%: %19s to %19[^, ]", low, high) == 2 && strcmp(low, high) == 0)
        fail_msg("%s\n%s: no width", command, line);
    if (strstr(line, " nan") || strstr(line, "inf "))
        fail_msg("%s\n%s: no number", command, line);
    const char *test = next ? strstr(next, "p ") : NULL;
    if (strstr(line, "without 0") && test && sscanf(test, "p %lf", &p) == 1 && p >= 0.05)
        fail_msg("%s\n%s\n%s: not certain", command, line, next);
    if (strstr(line, "two-sample t") && !strstr(line, "17 %"))
        fail_msg("%s\n%s: without its size", command, line);
}

/* Runs a command and looks at every line that it prints. The caller frees what it printed. */
static char *prints(const char *command)
{
    Ran r = run_in(test_bench, "rlaif %s --quiet", command);
    need_status(&r, 0);
    char *lines = mem_str(r.out), *rest = NULL, *line = strtok_r(lines, "\n", &rest);
    while (line) {
        char *next = strtok_r(NULL, "\n", &rest);
        is_honest(line, next, command);
        line = next;
    }
    free(lines);
    free(r.err);
    return r.out;
}

/* `prompts` rows of as many replies each, of the word and the numbers of both, or of the word alone. */
static void put_replies(const char *name, int prompts, int replies, const char *word, bool varied)
{
    Str s = {0};
    for (int i = 0; i < prompts; i++)
        for (int k = 0; k < replies; k++) {
            str_addf(&s, "{\"prompt\": \"How is number %d?\", \"response\": \"%s", i, word);
            if (varied)
                str_addf(&s, " %d %d", i * i, k * 7);
            str_add(&s, ".\"}\n");
        }
    put_text(test_bench, name, str_text(&s));
    str_release(&s);
}

static void few_prompts(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        for (int each = 1; each <= 4; each += 3)
            for (int varied = 0; varied < 2; varied++) {
                put_replies("a.jsonl", n, each, "Fine", varied);
                put_replies("b.jsonl", n, each, "Poor", varied);
                free(prints("eval winrate a.jsonl b.jsonl --judge llama --prompt tone.yaml,which.yaml"));
                free(prints("eval winrate a.jsonl a.jsonl --judge llama --prompt tone.yaml")); /* all ties */
                free(prints("eval probes a.jsonl b.jsonl"));
                free(prints("eval harmless a.jsonl b.jsonl --judge llama --prompt tone.yaml"));
            }
}

#define MARK(prompt, model, mark)                                                                                      \
    "{\"prompt\": \"" prompt "\", \"response\": \"It is.\", \"model\": \"" model "\", \"harmless\": " mark "}\n"
#define RANKED(prompt, rater)                                                                                          \
    "{\"prompt\": \"" prompt                                                                                           \
    "\", \"responses\": [\"A cup.\", \"Six.\", \"Tea.\"], \"models\": [\"x\", \"y\", \"z\"], "                         \
    "\"ranks\": [1, 2, 3], \"rater\": \"" rater "\"}\n"
#define LABELLED(prompt)                                                                                               \
    "{\"prompt\": \"" prompt "\", \"responses\": [\"A cup.\", \"Six.\"], \"preferred\": 0, \"label\": {\"p\": 0.8, "   \
    "\"orders\": [{\"p\": 0.9, \"mass\": 0.8}, {\"p\": 0.4, \"mass\": 0.6}]}}\n"

/* All alike: marks, rankings, labels, choices. */
static void people_of_one_mind(void **state)
{
    (void)state;
    put_text(test_bench, "marks.jsonl",
             MARK("a", "x", "true") MARK("b", "x", "true") MARK("a", "y", "false") MARK("b", "y", "false"));
    put_text(test_bench, "ranks.jsonl", RANKED("a", "ann") RANKED("b", "ann") RANKED("a", "bob") RANKED("b", "bob"));
    put_text(test_bench, "labels.jsonl", LABELLED("a") LABELLED("b") LABELLED("b"));
    char *marks = prints("eval harmless marks.jsonl"), *ranks = prints("eval ratings ranks.jsonl"),
         *labels = prints("eval alignment labels.jsonl");
    assert_non_null(strstr(ranks, "comparisons"));
    assert_non_null(strstr(ranks, "6: of so many intervals at 95 % 0.30 miss by chance; at 99.17 % each all hold"));
    assert_null(strstr(marks, "comparisons")); /* of one nothing is to be said */
    free(marks);
    free(ranks);
    free(labels);
}

/* A reward model on pairs that it is always right about, or always wrong: of one prompt, of two, and of two with three pairs each. */
static void reward_models(void **state)
{
    (void)state;
    static const char *const prompts[] = {"a", "ab", "aaabbb"};
    runs_with_status(test_bench, 0, "rlaif reward human.jsonl --model llama --quiet -o rm");
    for (int i = 0; i < COUNT(prompts); i++)
        for (int preferred = 0; preferred < 2; preferred++) {
            Str s = {0};
            for (const char *p = prompts[i]; *p; p++)
                str_addf(&s, "{\"prompt\": \"Is it %c?\", \"responses\": [\"It is.\", \"No.\"], \"preferred\": %d}\n",
                         *p, preferred);
            put_text(test_bench, "pairs.jsonl", str_text(&s));
            str_release(&s);
            free(prints("eval accuracy pairs.jsonl --reward rm"));
        }
}

static double end_of(const json_t *interval, size_t end)
{
    return json_number_value(json_array_get(interval, end));
}

/* The same reply thirty times to each of four prompts: the interval is that of four. */
static void many_replies(void **state)
{
    (void)state;
    json_t *said[2];
    for (int i = 0; i < 2; i++) {
        put_replies("a.jsonl", 4, i ? 30 : 1, "Fine", false);
        put_replies("b.jsonl", 4, i ? 30 : 1, "Poor", false);
        Ran r = run_in(test_bench,
                       "rlaif eval winrate a.jsonl b.jsonl --judge llama --prompt tone.yaml,which.yaml --json --quiet");
        need_status(&r, 0);
        said[i] = last_json(&r);
        ran_free(&r);
        assert_int_equal((int)json_number_of(said[i], "comparisons", 0), 2);
    }
    static const char *const keys[] = {"interval", "win_rate_bootstrap"};
    for (size_t p = 0; p < 2; p++)
        for (int k = 0; k < COUNT(keys); k++) {
            const json_t *few = json_object_get(json_array_get(json_object_get(said[0], "results"), p), keys[k]),
                         *many = json_object_get(json_array_get(json_object_get(said[1], "results"), p), keys[k]);
            assert_int_equal(json_array_size(many), 2);
            for (size_t e = 0; e < 2; e++)
                close_to(end_of(many, e), end_of(few, e), 1e-9);
        }
    json_decref(said[0]);
    json_decref(said[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(few_prompts), IN_BENCH(people_of_one_mind), IN_BENCH(reward_models),
                                       IN_BENCH(many_replies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
