/* Judges that add up numbers of one response, in every command that has a judge: killed and gone on, settled anew, and refused by
 * name where no verdict is meant. */
#include "refusals.h"

static const char list_yaml[] = "name: list\n"
                                "kind: checklist\n"
                                "chat: false\n"
                                "preamble: \"Checked.\\n\"\n"
                                "item: \"{context}\\nReply: {response}\\n\"\n"
                                "answers: [\" yes\", \" no\"]\n"
                                "items:\n"
                                "  - {question: \"Good:\", ideal: \" yes\"}\n"
                                "  - {question: \"Rude:\", ideal: \" no\"}\n";

static const char sides_yaml[] = "name: sides\n"
                                 "kind: contrast\n"
                                 "item: \"{context}\\nReply: {response}\"\n"
                                 "good: \"Good.\\n\"\n"
                                 "bad: \"Bad, bad.\\n\"\n"
                                 "clip: 1\n";

static const char mix_yaml[] = "kind: mix\n"
                               "parts:\n"
                               "  - {prompt: list.yaml, centre: 0.1, scale: 0.5}\n"
                               "  - {prompt: sides.yaml, scale: 0.1, weight: -0.5}\n"
                               "  - {reward: judged, scale: 2}\n"
                               "  - {log-length: true, centre: 3, scale: 2, weight: 0.25}\n";

/* The kinds; a mix is of those before it. */
static const struct {
    const char *name, *yaml;
    int numbers; /* log-probabilities that a row keeps of a response */
} kinds[] = {{"list.yaml", list_yaml, 4}, {"sides.yaml", sides_yaml, 2}, {"mix.yaml", mix_yaml, 0}};

static json_t *rows_of(const char *name, int line)
{
    Ran r = run_in(test_bench, "sed -n %dp %s", line, name);
    need_status(&r, 0);
    json_t *row = last_json(&r);
    ran_free(&r);
    return row;
}

/* Killed again and again, labels end in the same bytes. */
static void killed_amid_labels(const char *prompt)
{
    char *line =
        mem_printf("rlaif label human.jsonl --model llama --method pointwise --prompt %s -o killed.jsonl", prompt);
    killed_to_same_bytes(test_bench, line, "killed.jsonl", "whole.jsonl");
    free(line);
}

/* A label is sigma((x1 - x2) / temperature), x the rewards that it keeps, and settling anew makes the same bytes. */
static void settled(const char *prompt, int numbers)
{
    double apart = 0;
    for (int i = 1; i <= 5; i++) {
        json_t *row = rows_of("whole.jsonl", i), *label = json_object_get(row, "label"),
               *scores = json_object_get(label, "scores"), *first = json_array_get(scores, 0);
        double d = json_number_of(first, "reward", NAN) - json_number_of(json_array_get(scores, 1), "reward", NAN);
        close_to(json_number_of(label, "p", NAN), 1 / (1 + exp(-d)), 1e-12);
        assert_int_equal(json_array_size(json_object_get(first, "logp")), numbers);
        apart += fabs(d);
        json_decref(row);
    }
    assert_true(apart > 1e-3);
    runs_with_status(
        test_bench, 0, /* a row alone is labelled as among others */
        "rm -f alone.jsonl* && sed -n 4p human.jsonl > one.jsonl && sed -n 4p whole.jsonl > fourth.jsonl && "
        "rlaif label one.jsonl --model llama --method pointwise --prompt %s -o alone.jsonl && "
        "cmp alone.jsonl fourth.jsonl",
        prompt);
    runs_with_status(test_bench, 0,
                     "rlaif label --from whole.jsonl -o again.jsonl && cmp again.jsonl whole.jsonl && "
                     "rlaif label --from whole.jsonl --label-temperature 2 --flip true -o turned.jsonl && "
                     "rlaif label human.jsonl --model llama --method pointwise --prompt %s --label-temperature 2 "
                     "--flip true -o soft.jsonl && cmp turned.jsonl soft.jsonl",
                     prompt);
}

/* The other commands: a plan, scores, a win rate, a policy trained against it, one chosen by it. */
static void used(const char *prompt)
{
    runs_with_status(
        test_bench, 0,
        "rlaif label human.jsonl --model llama --method pointwise --prompt %s --explain | grep -q Reply:", prompt);
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model llama --prompt %s -o scored.jsonl", prompt);
    json_t *score = rows_of("scored.jsonl", 1), *label = rows_of("whole.jsonl", 1),
           *rewards = json_object_get(json_object_get(label, "label"), "scores");
    for (size_t k = 0; k < 2; k++)
        close_to(json_number_value(json_array_get(json_object_get(score, "score"), k)),
                 json_number_of(json_array_get(rewards, k), "reward", NAN), 0);
    json_decref(score);
    json_decref(label);
    runs_with_status(test_bench, 0,
                     "rm -rf policy* chosen* && rlaif sample p.jsonl --model llama --max-new-tokens 4 -o a.jsonl && "
                     "rlaif sample p.jsonl --model gemma --max-new-tokens 4 -o b.jsonl && "
                     "rlaif eval winrate a.jsonl b.jsonl --judge llama --prompt %s",
                     prompt);
    runs_with_status(
        test_bench, 0,
        "rlaif rl p.jsonl --model llama --judge gemma --prompt %s --allow-length --baseline group --samples 2 --steps 2 "
        "--batch 2 --max-new-tokens 4 --lr 1e-2 --eval held.jsonl --eval-every 1 --keep-best 2 -o policy "
        "&& rlaif inspect policy --step 1 && rlaif choose policy --prompts test.jsonl --against llama "
        "--judge llama --prompt %s --max-new-tokens 4 -o chosen",
        prompt, prompt);
}

static void every_command(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, "rlaif reward human.jsonl --model llama --batch 4 --labels human -o judged");
    for (int i = 0; i < COUNT(kinds); i++) {
        put_text(test_bench, kinds[i].name, kinds[i].yaml);
        killed_amid_labels(kinds[i].name);
        settled(kinds[i].name, kinds[i].numbers);
        used(kinds[i].name);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char row[] = "{\"prompt\": \"Red?\", \"response\": \"Tea.\"}\n";
    const Refusal cases[] = {
        {"eval harmless r.jsonl --judge llama --prompt helpful-checklist", 1,
         "the prompt helpful-checklist gives no verdict", "of kind verdict", "r.jsonl", row},
        {"eval harmless r.jsonl --judge llama --prompt harmless-contrast", 1,
         "the prompt harmless-contrast gives no verdict", "of kind verdict", NULL, NULL},
        {"score r.jsonl --model llama --prompt helpful-contrast --chat true", 1, "which no chat template reads",
         "leave out --chat", NULL, NULL},
        {"score r.jsonl --endpoint http://127.0.0.1:9 --api-model x --endpoint-kind chat --prompt helpful-contrast", 1,
         "is a contrast, and a chat gives no log-probabilities", "--endpoint-kind completions", NULL, NULL},
        {"label human.jsonl --model llama --prompt helpful-checklist -o l.jsonl", 1,
         "the prompt helpful-checklist judges one response at a time", "--method pointwise", NULL, NULL},
        {"label human.jsonl --model llama --method pointwise --cot true --prompt helpful-checklist -o l.jsonl", 1,
         "without chain of thought", "leave out --cot", NULL, NULL},
        {"label human.jsonl --model llama --method pointwise --shots 6 --prompt helpful-checklist -o l.jsonl", 1,
         "has 5 exemplars, not 6", "--shots 5 or less", NULL, NULL},
        {"label human.jsonl --model llama --method pointwise --average log-odds -o l.jsonl", 2,
         "which --method pointwise has not", "leave one of them out", NULL, NULL},
        {"label --from pointwise.jsonl --average log-odds -o l.jsonl", 1,
         "pointwise.jsonl:1: the label is of two responses", "leave out --average", "pointwise.jsonl",
         "{\"prompt\": \"Red?\", \"responses\": [\"a\", \"b\"], \"label\": {\"p\": 0.5, \"scores\": "
         "[{\"logp\": [-1, -1]}, {\"logp\": [-1, -1]}]}}\n"},
        {"label human.jsonl --model llama --average mean -o l.jsonl", 2, "--average", "log-odds", NULL, NULL},
        {"score r.jsonl --model llama --prompt bad.yaml", 1, "bad.yaml: the key \"items\" is missing",
         "rlaif help prompts", "bad.yaml",
         "name: bad\nkind: checklist\nitem: \"{response}\"\nanswers: [\" yes\", \" no\"]\n"},
        {"score r.jsonl --endpoint http://127.0.0.1:9 --api-model x --endpoint-kind chat --prompt far.yaml", 1,
         "the prompt helpful-contrast is a contrast, and a chat gives no", "--endpoint-kind completions", "far.yaml",
         "kind: mix\nparts:\n  - {prompt: helpful-contrast, scale: 1}\n"},
        {"score r.jsonl --model llama --prompt bad.yaml", 1, "bad.yaml:3: the part helpful-contrast has no \"scale\"",
         "rlaif label --fit", "bad.yaml", "kind: mix\nparts:\n  - {prompt: helpful-contrast}\n"},
        {"label human.jsonl --model llama --method pointwise --prompt none.yaml -o l.jsonl", 1,
         "the mix none.yaml, line 3, the part nowhere: ", "", "none.yaml",
         "kind: mix\nparts:\n  - {reward: nowhere, scale: 1}\n"},
        {"label human.jsonl --model llama --method pointwise --prompt none.yaml -o l.jsonl", 1,
         "llama has no reward head", "rlaif reward trains one", "none.yaml",
         "kind: mix\nparts:\n  - {reward: llama, scale: 1}\n"},
        {"label human.jsonl --model llama --prompt far.yaml -o l.jsonl", 1,
         "the prompt far.yaml judges one response at a time", "--method pointwise", NULL, NULL},
        {"label human.jsonl --model llama --method pointwise --cot true --prompt far.yaml -o l.jsonl", 1,
         "without chain of thought", "leave out --cot", NULL, NULL},
        {"eval harmless r.jsonl --judge llama --prompt far.yaml", 1, "the prompt far.yaml gives no verdict",
         "of kind verdict", NULL, NULL},
        {"bench --workload label --model llama --input human.jsonl --prompt helpful-contrast", 1,
         "the prompt helpful-contrast judges one response at a time", "compares two", NULL, NULL},
        {"bench --workload label --model llama --input human.jsonl --prompt far.yaml", 1,
         "the prompt far.yaml judges one response at a time", "compares two", NULL, NULL},
        {"label --from margins.jsonl -o l.jsonl", 1, "margins.jsonl:1: \"label\" does not keep the mix's margins", "",
         "margins.jsonl",
         "{\"prompt\": \"Red?\", \"responses\": [\"a\", \"b\"], \"label\": {\"p\": 0.5, \"mix_temperature\": 1, "
         "\"scores\": [{\"margin\": 1}, {\"margin\": \"2\"}]}}\n"},
    };
    need_refusals(test_bench, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(every_command), IN_BENCH(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
