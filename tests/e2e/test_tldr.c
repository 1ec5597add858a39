/* A recipe on comparisons as OpenAI's of TL;DR are: posts of four comparisons each. What is held out is whole posts, so the
 * main path runs through to its win rate. */
#include "program.h"

#include "base/mem.h"

static const char recipe[] =
    "name: tldr\n"
    "seed: 1\n"
    "policy: llama\n"
    "stages:\n"
    "  - import: {input: tldr.jsonl, max-chars: 200, sample: 30, split: 2/3}\n"
    "  - sft:    {data: import, batch: 8}\n"
    "  - label:  {pairs: import, prompt: which.yaml, limit: 12}\n"
    "  - reward: {labels: ai, model: sft, batch: 6, eval: import.rest}\n"
    "  - rl:     {prompts: import, model: sft, steps: 2, batch: 2, max-new-tokens: 4, eval: import.rest}\n"
    "  - sample: {as: after, prompts: import.rest, max-new-tokens: 4}\n"
    "  - sample: {as: before, prompts: import.rest, model: sft, max-new-tokens: 4}\n"
    "  - eval:   {as: rm, kind: accuracy, pairs: import.rest}\n"
    "  - eval:   {kind: winrate, policy: after, against: before, prompt: which.yaml}\n"
    "  - report: {}\n";

static void put_comparisons(const char *bench, int posts, int each)
{
    Str rows = {0};
    for (int i = 0; i < posts * each; i++)
        str_addf(
            &rows,
            "{\"info\": {\"id\": \"t3_%d\", \"post\": \"I met %d geese.\", \"title\": \"Geese\", \"subreddit\": \"r\"}, "
            "\"summaries\": [{\"text\": \" Geese %d.\", \"policy\": \"a\"}, {\"text\": \" No %d.\", \"policy\": \"b\"}], "
            "\"choice\": %d, \"worker\": \"w\", \"batch\": \"b\", \"split\": \"train\", \"extra\": {\"confidence\": 8}}\n",
            i / each, i / each, i, i, i % 2);
    put_text(bench, "tldr.jsonl", str_text(&rows));
    str_release(&rows);
}

static void main_path(void **state)
{
    (void)state;
    char *bench = make_bench(test_folder, "bench");
    put_comparisons(bench, 9, 4);
    put_text(bench, "tldr.yaml", recipe);
    Ran r = run_in(bench, "rlaif run tldr.yaml");
    need_status(&r, 0);
    if (!strstr(r.err, "tldr is done: runs/tldr"))
        fail_msg("%s", r.err);
    ran_free(&r);
    runs_with_status(bench, 0, "test -s runs/tldr/report.html && test $(wc -l < runs/tldr/import.rest.jsonl) -gt 5");
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_FOLDER(main_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
