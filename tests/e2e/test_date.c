/* --date: what a template is told of the day, as a user meets it. */
#include "program.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>

/* A model with this template. */
static void model_with(const char *template)
{
    runs_with_status(test_bench, 0, "cp -rL llama dated");
    put_text(test_bench, "dated/chat_template.jinja", template);
}

/* As many signs as the month has had days. */
#define TELLS "{{ '<>' * (strftime_now('%d') | int) }}{% for m in messages %}{{ m.content }}{% endfor %}"

static int prompt_tokens(const char *options)
{
    Ran r = run_in(test_bench, "rlaif generate Hi --model dated --greedy --max-new-tokens 1 --json %s", options);
    need_status(&r, 0);
    json_t *said = last_json(&r);
    int n = (int)json_number_of(said, "prompt_tokens", NAN);
    json_decref(said);
    ran_free(&r);
    return n;
}

/* One fixed day by default; another where it is given. */
static void tells_the_day(void **state)
{
    (void)state;
    model_with(TELLS);
    int day = prompt_tokens("");
    assert_int_equal(day, prompt_tokens("--date 2024-07-26"));
    assert_int_equal(day, prompt_tokens("--date 2025-05-26"));
    assert_true(prompt_tokens("--date 2025-05-13") < day);
    assert_true(prompt_tokens("--date 2025-05-31") > day);
    assert_int_equal(prompt_tokens("--raw"), prompt_tokens("--raw --date 2025-09-01"));
}

/* The message of `sample` when it is run once more. */
static void samples(const char *options, const char *says)
{
    Ran r = run_in(test_bench, "rlaif sample p.jsonl --model dated --max-new-tokens 2 -o out.jsonl %s", options);
    need_status(&r, 0);
    if (says ? !strstr(r.err, says) : strstr(r.err, "done before") != NULL)
        fail_msg("%s: %s", options, r.err);
    ran_free(&r);
}

/* It is a part of what a stage is. */
static void other_day_other_stage(void **state)
{
    (void)state;
    model_with(TELLS);
    samples("", NULL);
    samples("--date 2024-07-26", "was done before");
    samples("--date 2024-05-26", "are others than before");
    samples("--date 2024-05-26", "was done before");
}

/* The head of a recipe has it, a stage may have its own, the command line is above the head; and it is written down. */
static void recipes(void **state)
{
    (void)state;
    model_with(TELLS);
    put_text(test_bench, "r.yaml",
             "name: r\ndate: 2025-05-31\npolicy: dated\nstages:\n"
             "  - sample: {prompts: p.jsonl, max-new-tokens: 1}\n"
             "  - sample: {as: later, prompts: p.jsonl, max-new-tokens: 1, date: 2025-09-01}\n");
    static const char *const row[][2] = {{"", "date: 2025-05-31"},
                                         {"--set date=2023-01-02", "date: 2023-01-02"},
                                         {"--date 2020-02-29", "date: 2020-02-29"}};
    for (int i = 0; i < COUNT(row); i++) {
        runs_with_status(test_bench, 0, "rlaif run r.yaml %s", row[i][0]);
        runs_with_status(test_bench, 0, "grep -qxi '%s' runs/r/recipe.yaml", row[i][1]);
        runs_with_status(test_bench, 0, "grep -qi '^      date: .*%s' runs/r/recipe.yaml", row[i][1] + 6);
        runs_with_status(test_bench, 0, "grep -qi '^      date: .*2025-09-01' runs/r/recipe.yaml");
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const days[] = {"2024-02-30", "2023-02-29", "2024-13-01",  "2024-00-10", "2024-1-1",
                                       "26.07.2024", "today",      "2024-07-26x", "0999-01-01", ""};
    for (int i = 0; i < COUNT(days); i++)
        need_message(run_in(test_bench, "rlaif generate Hi --model llama --date=%s", days[i]), 2, "--date \"",
                     "YYYY-MM-DD");
    put_text(test_bench, "r.yaml", "name: r\ndate: soon\nstages:\n  - report: {}\n");
    need_message(run_in(test_bench, "rlaif run r.yaml"), 1, "r.yaml:2: \"date\" must be a day", "date: 2024-07-26");
    put_text(test_bench, "r.yaml", "name: r\nstages:\n  - sample: {prompts: p.jsonl, model: llama, date: 1}\n");
    need_message(run_in(test_bench, "rlaif run r.yaml"), 1, "date = \"1\"", "YYYY-MM-DD");
    need_message(run_in(test_bench, "rlaif import human.jsonl --date 2024-07-26"), 2, "there is no option \"--date\"",
                 NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(tells_the_day),
        IN_BENCH(other_day_other_stage),
        IN_BENCH(recipes),
        IN_BENCH(refused),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
