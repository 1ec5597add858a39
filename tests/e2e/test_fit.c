/* A mix fitted to rows: killed and gone on, by a recipe whose later stages ask it, and refused. */
#include "refusals.h"

static const char list_yaml[] = "name: list\nkind: checklist\nchat: false\nitem: \"{context}\\nReply: {response}\\n\"\n"
                                "answers: [\" yes\", \" no\"]\nitems:\n  - {question: \"Good:\", ideal: \" yes\"}\n";
static const char draft_yaml[] = "kind: mix\nparts:\n  - {prompt: list.yaml}\n  - {log-length: true}\n";
static const char recipe_yaml[] = "name: fitted\n"
                                  "judge: llama\n"
                                  "stages:\n"
                                  "  - label: {as: mixed, fit: chosen.jsonl, prompt: draft.yaml}\n"
                                  "  - label: {pairs: human.jsonl, prompt: mixed, method: pointwise}\n"
                                  "  - score: {rows: human.jsonl, model: judge, prompt: mixed}\n"
                                  "  - report: {}\n";

static void put_files(void)
{
    Str rows = {0};
    for (int i = 0; i < 24; i++) {
        str_addf(&rows, "{\"prompt\": \"Tell %d\", \"responses\": [\"So it is.\", \"", i);
        for (int k = 0; k <= i % 4; k++)
            str_addf(&rows, "%swell", k ? " " : "");
        str_addf(&rows, "\"], \"preferred\": %d}\n", i % 3 > 0);
    }
    put_text(test_bench, "chosen.jsonl", str_text(&rows));
    put_text(test_bench, "list.yaml", list_yaml);
    put_text(test_bench, "draft.yaml", draft_yaml);
    put_text(test_bench, "fitted.yaml", recipe_yaml);
    str_release(&rows);
}

/* Killed again and again it ends in the same bytes; run once more it says so again and asks nobody. */
static void killed(void **state)
{
    (void)state;
    static const char line[] = "rlaif label --fit chosen.jsonl --model llama --prompt draft.yaml -o mix.yaml";
    put_files();
    killed_to_same_bytes(test_bench, line, "mix.yaml", "whole.yaml");
    runs_with_status(test_bench, 0, "%s && cmp whole.yaml mix.yaml", line);
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --method pointwise --prompt mix.yaml -o l.jsonl");
}

static void in_a_recipe(void **state)
{
    (void)state;
    put_files();
    runs_with_status(test_bench, 0,
                     "rlaif run fitted.yaml && grep -q 'prompt: ../../list.yaml' runs/fitted/mixed.yaml");
    runs_with_status(test_bench, 0,
                     "sed -i 's#../../##' runs/fitted/mixed.yaml && rlaif label --fit chosen.jsonl --model llama "
                     "--prompt draft.yaml -o mix.yaml && cmp mix.yaml runs/fitted/mixed.yaml");
    runs_with_status(test_bench, 0, "rlaif run fitted.yaml && grep -q '../../list.yaml' runs/fitted/mixed.yaml");
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --model llama --method pointwise --prompt mix.yaml -o l.jsonl && "
                     "rlaif report runs/fitted -o report.html");
}

static void refused(void **state)
{
    (void)state;
    put_files();
    const Refusal cases[] = {
        {"label human.jsonl --fit chosen.jsonl --model llama --prompt draft.yaml -o m.yaml", 2,
         "--fit takes the rows that a mix is fitted to", "leave out PAIRS", NULL, NULL},
        {"label --fit chosen.jsonl --model llama --prompt draft.yaml --drop-undecided 0.1 -o m.yaml", 2,
         "--fit takes the rows that a mix is fitted to", "leave out PAIRS", NULL, NULL},
        {"label --fit chosen.jsonl --model llama -o m.yaml", 2, "--fit takes one --prompt, the draft of a mix, not 0",
         "kind mix", NULL, NULL},
        {"label --fit chosen.jsonl --model llama --prompt draft.yaml -o draft.yaml", 2,
         "the mix would be written over its draft", "another name", NULL, NULL},
        {"label --fit chosen.jsonl --model llama --prompt draft.yaml -o ./chosen.jsonl", 2,
         "the mix would be written over the rows", "another name", NULL, NULL},
        {"label --fit chosen.jsonl --prompt draft.yaml -o m.yaml", 2, "--model is missing", "the judge", NULL, NULL},
        {"label --fit chosen.jsonl --model llama --prompt list.yaml -o m.yaml", 1, "the prompt list.yaml is no mix",
         "of kind mix", NULL, NULL},
        {"label --fit p.jsonl --model llama --prompt draft.yaml -o m.yaml", 1, "p.jsonl:1: ", "", NULL, NULL},
        {"label --fit none.jsonl --model llama --prompt draft.yaml -o m.yaml", 1, "none.jsonl", "", NULL, NULL},
        {"label human.jsonl --model llama --method pointwise --prompt draft.yaml -o m.yaml", 1,
         "draft.yaml:3: the part list.yaml has no \"scale\"", "rlaif label --fit ROWS -o FILE.yaml", NULL, NULL},
    };
    need_refusals(test_bench, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(killed), IN_BENCH(in_a_recipe), IN_BENCH(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
