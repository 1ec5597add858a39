/* What the program takes of memory with a real model: a judge holds its weights once, and what a training says that it needs
 * is what it takes. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"

/* The folder of these tests, with the real model in it as model.gguf. */
static int begin(void **state)
{
    static const char model[] = "models/smollm2-135m-instruct.gguf";
    if (!real_models_wanted() || !file_exists(model))
        skip_aloud("%s is not there or not wanted: tools/get_model smollm2", model);
    folder_begin(state);
    put_link(test_folder, "model.gguf", model);
    return 0;
}

/* n words from a small list, drawn; a stream is one text. The caller frees it. */
static char *words(int n, uint64_t stream)
{
    static const char *const list[] = {"my",    "sister",   "said",   "that",  "the",   "neighbour", "never",
                                       "asked", "before",   "he",     "took",  "our",   "bicycle",   "and",
                                       "now",   "everyone", "is",     "angry", "about", "it",        "though",
                                       "I",     "only",     "wanted", "some",  "quiet", "advice"};
    int *drawn = random_ids(n, COUNT(list), stream);
    Str s = {0};
    for (int i = 0; i < n; i++)
        str_addf(&s, "%s%s", i ? " " : "", list[drawn[i]]);
    free(drawn);
    return str_take(&s);
}

/* Rows whose texts are so many words: a prompt and two responses, with a label where there is one. */
static void put_pairs(const char *name, int n, int prompt, int response, bool label)
{
    Str s = {0};
    for (int i = 0; i < n; i++) {
        uint64_t stream = (uint64_t)(3 * i);
        char *text[] = {words(prompt, stream), words(response, stream + 1), words(response, stream + 2)};
        str_addf(&s, "{\"prompt\": \"%s\", \"responses\": [\"%s\", \"%s\"]%s}\n", text[0], text[1], text[2],
                 label ? ", \"label\": {\"p\": 0.7}" : "");
        for (int k = 0; k < 3; k++)
            free(text[k]);
    }
    put_text(test_folder, name, str_text(&s));
    str_release(&s);
}

/* Labelled pairs of n replies to one prompt, a group. */
static void put_group(const char *name, int n, int prompt, int response)
{
    Str s = {0};
    char *context = words(prompt, 0);
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            char *a = words(response, (uint64_t)i + 1), *b = words(response, (uint64_t)k + 1);
            str_addf(
                &s,
                "{\"prompt\": \"%s\", \"responses\": [\"%s\", \"%s\"], \"label\": {\"p\": 0.7}, \"group\": \"g\"}\n",
                context, a, b);
            free(a);
            free(b);
        }
    put_text(test_folder, name, str_text(&s));
    str_release(&s);
    free(context);
}

/* A judge's prompt with one worked example, of the size of those that people use. */
static void put_prompt(const char *name)
{
    char *post = words(230, 100), *first = words(30, 101), *second = words(30, 102);
    char *text =
        mem_printf("name: compared\nkind: pairwise\nchat: false\npreamble: \"A good summary is short and keeps "
                   "what matters.\\n\\nPost: %s\\nSummary 1: %s\\nSummary 2: %s\\nBetter: 2\\n\\n\"\n"
                   "item: \"Post: {context}\\nSummary 1: {response_1}\\nSummary 2: {response_2}\\n\"\n"
                   "ending: \"Better:\"\nanswers: [\" 1\", \" 2\"]\n",
                   post, first, second);
    put_text(test_folder, name, text);
    free(text);
    free(second);
    free(first);
    free(post);
}

/* What inspect plans for the model, in bytes. */
static double planned(const char *plan)
{
    Ran r = run_in(test_folder, "exec rlaif inspect model.gguf --plan %s --threads 1 --json", plan);
    need_status(&r, 0);
    assert_true(r.peak < 250e6); /* nothing is loaded */
    json_t *summary = last_json(&r);
    double bytes = json_number_of(summary, "planned_bytes", 0);
    json_decref(summary);
    ran_free(&r);
    return bytes;
}

/* Runs a command that ends in a summary; fails unless what it said it needs is within 15 % of what it took, and in every byte
 * what was planned without it. */
static void need_met(const char *command, const char *plan, double most)
{
    Ran r = run_in(test_folder, "exec %s --threads 1 --json", command);
    need_status(&r, 0);
    json_t *summary = last_json(&r);
    const json_t *own = json_object_get(summary, "plan");
    double said = json_number_of(own ? own : summary, "planned_bytes", 0);
    assert_true(planned(plan) == said);
    print_message("%s: %.0f MB, said %.0f MB before\n", command, r.peak / 1e6, said / 1e6);
    assert_true(said > 0.85 * r.peak && said < 1.15 * r.peak);
    assert_true(r.peak <= most);
    assert_non_null(strstr(r.err, " of memory ("));
    assert_non_null(strstr(r.err, " % of what it said"));
    json_decref(summary);
    ran_free(&r);
}

/* Eight comparisons of about 670 tokens in both orders: 98 MB are weights, as their file has them. */
static void label(void **state)
{
    (void)state;
    put_pairs("pairs.jsonl", 8, 230, 32, false);
    put_prompt("judge.yaml");
    need_met("rlaif label pairs.jsonl --model model.gguf --prompt judge.yaml -o labels.jsonl",
             "label --rows pairs.jsonl --prompt judge.yaml", 400e6);
}

/* A policy with a value network of its own, its reference, and a reward model that was trained before. A budget has layers
 * computed again, to the same bytes. */
static void reward_and_rl(void **state)
{
    (void)state;
    put_pairs("rated.jsonl", 2, 40, 10, true);
    put_group("group.jsonl", 8, 100, 120); /* one tree of more tokens than a pass has of pairs */
    need_met("rlaif reward group.jsonl --model model.gguf --batch 2 -o grouped", "reward --rows group.jsonl --batch 2",
             5e9);
    need_met("rlaif reward group.jsonl --model model.gguf --batch 2 -o again --memory 1600M",
             "reward --rows group.jsonl --batch 2 --memory 1600M", 1.7e9);
    Ran r = run_in(test_folder, "exec cmp grouped/model.safetensors again/model.safetensors");
    need_status(&r, 0);
    ran_free(&r);
    need_met("rlaif reward rated.jsonl --model model.gguf --batch 2 -o reward", "reward --rows rated.jsonl --batch 2",
             4e9);
    need_met(
        "rlaif rl rated.jsonl --model model.gguf --reward reward --baseline value --value own --batch 2 --samples 2 "
        "--max-new-tokens 8 --steps 2 -o policy",
        "rl --rows rated.jsonl --baseline value --batch 2 --samples 2 --max-new-tokens 8 --set value=own --set steps=2",
        6e9);
}

/* Policy, values, rewards and reference over one set of weights. */
static void adapters(void **state)
{
    (void)state;
    put_pairs("rated.jsonl", 2, 40, 10, true);
    need_met("rlaif reward rated.jsonl --model model.gguf --batch 2 --lora 16 -o adapter",
             "reward --rows rated.jsonl --batch 2 --lora 16", 1.1e9);
    need_met(
        "rlaif rl rated.jsonl --model model.gguf --reward adapter --baseline value --value own --batch 2 --samples 2 "
        "--max-new-tokens 8 --steps 2 --lora 16 -o adapter-policy",
        "rl --rows rated.jsonl --reward adapter --baseline value --batch 2 --samples 2 --max-new-tokens 8 --lora 16 "
        "--set value=own --set steps=2",
        1.2e9);
}

/* In one folder: the reward model of one test is the next one's. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label),
        cmocka_unit_test(reward_and_rl),
        cmocka_unit_test(adapters),
    };
    return cmocka_run_group_tests_name("memory", tests, begin, folder_end);
}
