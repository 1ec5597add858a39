/* Reward models of others wherever a reward model may stand, labels that one makes, and those that have to be refused. */
#include "classifier_helpers.h"
#include "refusals.h"

#include "base/real.h"

static int begin(void **state)
{
    int status = test_bench_begin(state);
    put_classifier(test_bench, "qwen", "qwen3");
    return status;
}

/* The same in the form of Skywork-Reward-V2-Qwen3-0.6B: config.json as transformers 4 wrote it, and a template that looks at the
 * turns before it, and puts an empty thought before the last reply. */
static int begin_skywork(void **state)
{
    static const char config[] =
        "{\"architectures\": [\"Qwen3ForSequenceClassification\"], \"attention_bias\": false, \"attention_dropout\": 0.0, "
        "\"bos_token_id\": 1, \"eos_token_id\": 2, \"head_dim\": 6, \"hidden_act\": \"silu\", \"hidden_size\": 8, "
        "\"id2label\": {\"0\": \"LABEL_0\"}, \"initializer_range\": 0.02, \"intermediate_size\": 12, "
        "\"label2id\": {\"LABEL_0\": 0}, \"max_position_embeddings\": 256, \"max_window_layers\": 28, "
        "\"model_type\": \"qwen3\", \"num_attention_heads\": 2, \"num_hidden_layers\": 2, \"num_key_value_heads\": 1, "
        "\"pad_token_id\": 0, \"rms_norm_eps\": 1e-06, \"rope_scaling\": null, \"rope_theta\": 1000000, "
        "\"sliding_window\": null, \"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\", "
        "\"transformers_version\": \"4.52.4\", \"use_cache\": false, \"use_sliding_window\": false, \"vocab_size\": 293}";
    static const char template[] =
        "{%- if tools %}{{- raise_exception('no tools') }}{%- endif %}\n"
        "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n"
        "{%- for message in messages[::-1] %}\n{%- set index = (messages|length - 1) - loop.index0 %}\n"
        "{%- if ns.multi_step_tool and message.role == 'user' and message.content is string and not("
        "message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}\n"
        "{%- set ns.multi_step_tool = false %}\n{%- set ns.last_query_index = index %}\n{%- endif %}\n{%- endfor %}\n"
        "{%- for message in messages %}\n{%- if message.role != 'assistant' %}\n"
        "{{- '<|begin|>' + message.role + '\\n' + message.content + '<|end|>' + '\\n' }}\n{%- else %}\n"
        "{%- set content = message.content %}\n{%- if '</think>' in content %}\n"
        "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n{%- endif %}\n"
        "{{- '<|begin|>assistant\\n' }}\n{%- if loop.index0 > ns.last_query_index and loop.last %}\n"
        "{{- '<think>\\n\\n</think>\\n\\n' }}\n{%- endif %}\n{{- content + '<|end|>\\n' }}\n{%- endif %}\n{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n{{- '<|begin|>assistant\\n' }}\n{%- endif %}";
    int status = begin(state);
    put_classifier(test_bench, "plain", "qwen3");
    put_classifier(test_bench, "older", "qwen3");
    put_own(test_bench, "older", "config.json", config, strlen(config));
    put_own(test_bench, "qwen", "config.json", config, strlen(config));
    put_own(test_bench, "qwen", "chat_template.jinja", template, strlen(template));
    return status;
}

/* The rows of a file. The caller releases them. */
static json_t *rows_of(const char *name)
{
    Ran r = run_in(test_bench, "cat %s", name);
    json_t *rows = json_array();
    Err err = {0};
    need_status(&r, 0);
    char *rest = NULL;
    for (char *line = strtok_r(r.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *row;
        need_ok(json_parse(line, strlen(line), name, &row, &err), &err);
        json_array_append_new(rows, row);
    }
    ran_free(&r);
    return rows;
}

static double number_at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* p = sigma((s1 - s2) / temperature) of the scores that `score` gives; settled anew by --from; the plan is what it took. */
static void labels(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model qwen -o scores.jsonl");
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --method pointwise --reward qwen --label-temperature 2 -o labels.jsonl "
                     "--json > said.json");
    runs_with_status(test_bench, 0, "rlaif label --from labels.jsonl --label-temperature 0.5 -o settled.jsonl");
    runs_with_status(test_bench, 0, "rlaif label human.jsonl --method pointwise --reward qwen --explain > read.txt");
    json_t *scores = rows_of("scores.jsonl"), *labels = rows_of("labels.jsonl"), *settled = rows_of("settled.jsonl");
    assert_int_equal(json_array_size(labels), 5);
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *s = json_object_get(json_array_get(scores, i), "score"),
                     *label = json_object_get(json_array_get(labels, i), "label"),
                     *anew = json_object_get(json_array_get(settled, i), "label"),
                     *said = json_object_get(label, "scores");
        double d = number_at(s, 0) - number_at(s, 1);
        assert_true(fabs(d) > 1e-4);
        close_to(json_number_of(label, "p", -1), real_sigmoid(d / 2), 1e-12);
        close_to(json_number_of(anew, "p", -1), real_sigmoid(d / 0.5), 1e-12);
        for (size_t k = 0; k < 2; k++)
            close_to(json_number_of(json_array_get(said, k), "reward", -99), number_at(s, k), 0);
        assert_null(json_object_get(label, "prompt_hash"));
    }
    Ran r = run_in(test_bench, "cat read.txt");
    says(r.out, "A cup.<|end|>");
    ran_free(&r);
    json_decref(scores);
    json_decref(labels);
    json_decref(settled);
}

/* The first part of a mix's labels in mixed.jsonl is what `score` said in scores.jsonl. */
static void first_part_is_score(void)
{
    json_t *mixed = rows_of("mixed.jsonl"), *scores = rows_of("scores.jsonl");
    assert_true(json_array_size(mixed) > 0);
    for (size_t i = 0; i < json_array_size(mixed); i++) {
        const json_t *one =
            json_array_get(json_object_get(json_object_get(json_array_get(mixed, i), "label"), "scores"), 0);
        close_to(json_number_of(json_array_get(json_object_get(one, "parts"), 0), "number", -99),
                 number_at(json_object_get(json_array_get(scores, i), "score"), 0), 0);
    }
    json_decref(mixed);
    json_decref(scores);
}

/* Wherever a reward model may stand; what it says there is what `score` says. */
static void everywhere(void **state)
{
    (void)state;
    put_text(test_bench, "list.yaml", "- {reward: qwen, weight: 2}\n");
    put_text(test_bench, "mix.yaml",
             "kind: mix\nparts:\n- {reward: qwen, scale: 1}\n- {prompt: tone.yaml, scale: 1, weight: 0.1}\n");
    static const char *const lines[] = {
        "rlaif rl p.jsonl --model llama --reward qwen --baseline none --steps 1 --batch 2 --max-new-tokens 4 -o policy",
        "rlaif rl p.jsonl --model llama --rewards list.yaml --baseline none --steps 1 --batch 2 --max-new-tokens 4 -o "
        "second",
        "rlaif sample p.jsonl --model llama --max-new-tokens 6 -o a.jsonl",
        "rlaif sample p.jsonl --model gemma --max-new-tokens 6 -o b.jsonl",
        "rlaif eval winrate a.jsonl b.jsonl --reward qwen -o judged.jsonl",
        "rlaif eval accuracy human.jsonl --reward qwen",
        "rlaif label human.jsonl --method pointwise --model llama --prompt mix.yaml -o mixed.jsonl",
        "rlaif score a.jsonl --model qwen -o sa.jsonl",
        "rlaif score human.jsonl --model qwen -o scores.jsonl",
    };
    for (int i = 0; i < COUNT(lines); i++)
        runs_with_status(test_bench, 0, "%s", lines[i]);
    json_t *judged = rows_of("judged.jsonl"), *scored = rows_of("sa.jsonl");
    for (size_t i = 0; i < json_array_size(judged); i++) {
        const json_t *all = json_object_get(json_array_get(judged, i), "judgments"),
                     *pair = json_array_get(json_object_get(json_array_get(all, 0), "pairs"), 0);
        close_to(json_number_of(json_object_get(pair, "a"), "reward", -99),
                 json_number_of(json_array_get(scored, i), "score", 99), 0);
    }
    json_decref(judged);
    json_decref(scored);
    first_part_is_score();
}

#define RL "rlaif rl p.jsonl --model llama --baseline none --steps 1 --batch 2 --max-new-tokens 4 --lr 1e-2 "

/* One without a template reads plain text where it is told to: by an option, or by the part of a list or a mix. The policy is
 * the same whichever way it is said, and another than one that is rewarded through the template. */
static void without_chat(void **state)
{
    (void)state;
    static const struct {
        const char *more, *text; /* of rl, and a list */
    } ways[] = {
        {"--reward qwen --reward-chat false", ""},
        {"--rewards list.yaml", "- {reward: qwen, chat: false}\n"},
        {"--rewards list.yaml --reward-chat false", "- {reward: qwen}\n- {reward: whole, weight: 0, chat: true}\n"},
        {"--rewards list.yaml", "- {reward: whole, chat: false}\n- {reward: whole, weight: 0}\n"}};
    put_classifier(test_bench, "whole", "qwen3");
    runs_with_status(test_bench, 0, "rm qwen/chat_template.jinja");
    for (int i = 0; i < COUNT(ways); i++) {
        put_text(test_bench, "list.yaml", ways[i].text);
        runs_with_status(test_bench, 0, RL "%s -o policy%d", ways[i].more, i);
        runs_with_status(test_bench, 0, "cmp policy0/model.safetensors policy%d/model.safetensors", i);
    }
    runs_with_status(test_bench, 0, RL "--reward whole -o through");
    runs_with_status(test_bench, 1, "cmp policy0/model.safetensors through/model.safetensors");
    put_text(
        test_bench, "mix.yaml",
        "kind: mix\nparts:\n- {reward: qwen, scale: 1, chat: false}\n- {prompt: tone.yaml, scale: 1, weight: 0.1}\n");
    runs_with_status(test_bench, 0,
                     "rlaif label human.jsonl --method pointwise --model llama --prompt mix.yaml -o mixed.jsonl");
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model qwen --chat false -o scores.jsonl");
    first_part_is_score();
    static const Refusal wrong[] = {
        {"rl p.jsonl --model llama --reward qwen --baseline none -o out", 1, "qwen has no chat template",
         "--reward-chat false", NULL, NULL},
        {"rl p.jsonl --model llama --judge llama --prompt tone.yaml --reward-chat false --baseline none -o out", 2,
         "--reward-chat needs --reward", "--chat is how the policy reads", NULL, NULL},
        {"rl p.jsonl --model llama --rewards list.yaml --baseline none -o out", 1,
         "list.yaml:1: \"chat\" must be auto, true or false", "chat: false", "list.yaml",
         "- {reward: qwen, chat: no}\n"},
        {"rl p.jsonl --model llama --rewards list.yaml --baseline none -o out", 1,
         "list.yaml:1: \"chat\" is of reward models", "prompt file", "list.yaml",
         "- {judge: llama, prompt: tone.yaml, chat: false}\n"},
        {"label human.jsonl --method pointwise --model llama --prompt mix.yaml -o out.jsonl", 1,
         "mix.yaml:3: \"chat\" must be a reward model's", NULL, "mix.yaml",
         "kind: mix\nparts:\n- {prompt: tone.yaml, scale: 1, chat: false}\n"},
    };
    need_refusals(test_bench, wrong, COUNT(wrong));
}

/* The older form of config.json is the same model; a row is what the template makes of it. */
static void skywork(void **state)
{
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model plain -o plain.jsonl");
    runs_with_status(test_bench, 0, "rlaif score human.jsonl --model older -o older.jsonl");
    runs_with_status(test_bench, 0, "cmp plain.jsonl older.jsonl");
    Ran r = run_in(test_bench, "rlaif label human.jsonl --method pointwise --reward qwen --explain");
    need_status(&r, 0);
    says(r.out, "<|end|>\n<|begin|>assistant\n<think>\n\n</think>\n\nA cup.<|end|>\n");
    ran_free(&r);
    labels(state);
    everywhere(state);
}

/* --- refused ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *file, *from, *to; /* what is changed in the directory; to NULL: the file is taken away */
    const char *message, *remedy;
} broken[] = {
    {"config.json", "\"0\": \"LABEL_0\"", "\"0\": \"BAD\", \"1\": \"GOOD\"",
     "a classifier of 2 labels, a reward model has one", "\"num_labels\": 1"},
    {"config.json", "\"id2label\"", "\"num_labels\": 5, \"labels\"", "a classifier of 5 labels", "\"num_labels\": 1"},
    {"config.json", "Qwen3ForSequenceClassification", "Qwen3ForTokenClassification",
     "\"Qwen3ForTokenClassification\" is not supported", "Qwen3ForSequenceClassification"},
    {"config.json", "Qwen3ForSequenceClassification", "Qwen3ForCausalLM", "the tensor \"score.weight\" has no place",
     "another"},
    {"model.safetensors", "\"score.weight\"", "\"v_head.summary.weight\"",
     "the tensor \"v_head.summary.weight\" has no place", "one linear layer"},
    {"model.safetensors", "\"score.weight\":{\"dtype\":\"BF16\",\"shape\":[1,8]",
     "\"score.weight\":{\"dtype\":\"BF16\",\"shape\":[2,4]",
     "score.weight has shape [2, 4], the configuration says [1, 8]", "another model's"},
    {"chat_template.jinja", "", NULL, "has no chat template, through which it would read rows", "chat_template.jinja"},
};

static void broken_models(void **state)
{
    (void)state;
    int failed = 0;
    for (int i = 0; i < COUNT(broken); i++) {
        char *name = mem_printf("broken%d", i), *path = mem_printf("%s/%s", name, broken[i].file),
             *line = mem_printf("label human.jsonl --method pointwise --reward %s -o out.jsonl", name),
             *scored = mem_printf("score human.jsonl --model %s -o out.jsonl", name);
        put_classifier(test_bench, name, "qwen3");
        if (broken[i].to)
            put_changed(test_bench, name, broken[i].file, broken[i].from, broken[i].to);
        else
            runs_with_status(test_bench, 0, "rm %s", path);
        Refusal c[] = {{line, 1, broken[i].message, broken[i].remedy, NULL, NULL},
                       {scored, 1, broken[i].message, broken[i].remedy, NULL, NULL}};
        failed += !is_refused(test_bench, &c[0]) + !is_refused(test_bench, &c[1]);
        if (!broken[i].to)
            runs_with_status(test_bench, 0, "rlaif %s --chat false", scored);
        free(name);
        free(path);
        free(line);
        free(scored);
    }
    assert_int_equal(failed, 0);
}

/* A classifier without its head: the trunk of a language model under its name. A head of NaNs. */
static void heads(void **state)
{
    (void)state;
    put_classifier(test_bench, "headless", "qwen3");
    put_changed(test_bench, "headless", "model.safetensors", "\"score.weight\"", "\"lm_head.weight\"");
    put_changed(test_bench, "headless", "config.json", "\"tie_word_embeddings\": true",
                "\"tie_word_embeddings\": false");
    put_classifier(test_bench, "nan", "qwen3");
    char *path = path_join(test_bench, "nan/model.safetensors"), *bytes;
    size_t n, header, offset;
    Err err = {0};
    need_ok(file_read(path, 1 << 24, &bytes, &n, &err), &err);
    memcpy(&header, bytes, 8);
    char *text = mem_strn(bytes + 8, header);
    const char *at = strstr(strstr(text, "\"score.weight\""), "data_offsets\":[");
    offset = (size_t)strtod(at + strlen("data_offsets\":["), NULL);
    memset(bytes + 8 + header + offset + 2, 0xff, 2);
    put_own(test_bench, "nan", "model.safetensors", bytes, n);
    static const Refusal cases[] = {
        {"score human.jsonl --model headless -o out.jsonl", 1, "headless: the tensor score.weight is missing",
         "one linear layer", NULL, NULL},
        {"score human.jsonl --model nan -o out.jsonl", 1, "score.weight holds a number that is not finite", "damaged",
         NULL, NULL},
        {"rl p.jsonl --model llama --reward nan --baseline none -o policy", 1,
         "score.weight holds a number that is not finite", "damaged", NULL, NULL},
    };
    need_refusals(test_bench, cases, COUNT(cases));
    free(text);
    free(bytes);
    free(path);
}

#define BY "label human.jsonl -o out.jsonl --reward "
static const Refusal options[] = {
    {BY "llama --method pointwise", 1, "llama has no reward head", "rlaif reward trains one", NULL, NULL},
    {BY "none --method pointwise", 1, "none: No such file", "check the name", NULL, NULL},
    {BY "qwen", 2, "a reward model judges each response alone", "add --method pointwise", NULL, NULL},
    {BY "qwen --method pointwise --model llama", 2, "--reward and --model name two judges", "leave one of them out",
     NULL, NULL},
    {BY "qwen --method pointwise --endpoint http://127.0.0.1:9/v1 --api-model m", 2,
     "--reward and --endpoint name two judges", "leave one of them out", NULL, NULL},
    {BY "qwen --method pointwise --prompt tone.yaml", 2, "a reward model has no prompt", "leave out --prompt", NULL,
     NULL},
    {BY "qwen --method pointwise --cot", 1, "one response at a time, without chain of thought", "leave out --cot", NULL,
     NULL},
    {"label --from human.jsonl --reward qwen -o out.jsonl", 2, "--from settles labels anew", "leave them out", NULL,
     NULL},
    {"label --fit human.jsonl --reward qwen --prompt mix.yaml -o out.yaml", 2, "--fit takes the rows", "--reward", NULL,
     NULL},
    {"eval winrate human.jsonl human.jsonl --reward llama", 1, "llama has no reward head", "rlaif reward", NULL, NULL},
    {"rl p.jsonl --model llama --reward llama --baseline none -o policy", 1, "llama has no reward head", "rlaif reward",
     NULL, NULL},
};

static void options_that_clash(void **state)
{
    (void)state;
    need_refusals(test_bench, options, COUNT(options));
}

/* Its embedding is tied, so that it has all of a language model's tensors. */
#define SPEAKS_NOT                                                                                                     \
    "qwen is a reward model: it scores responses and has no head for the next token", "--reward DIR names"
#define HAS_NO_HEAD "llama has no reward head", "rlaif reward trains one"
static const Refusal kinds[] = {
    {"generate --model qwen Hello", 1, SPEAKS_NOT, NULL, NULL},
    {"chat --model qwen", 1, SPEAKS_NOT, NULL, NULL},
    {"sample p.jsonl --model qwen -o out.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"logprob human.jsonl --model qwen -o out.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"sft demos.jsonl --model qwen -o out", 1, SPEAKS_NOT, NULL, NULL},
    {"label human.jsonl --model qwen -o out.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"label human.jsonl --model qwen --explain", 1, SPEAKS_NOT, NULL, NULL},
    {"label human.jsonl --method pointwise --model qwen --prompt tone.yaml -o out.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"score human.jsonl --model qwen --prompt tone.yaml -o out.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"eval winrate human.jsonl human.jsonl --judge qwen", 1, SPEAKS_NOT, NULL, NULL},
    {"eval harmless human.jsonl --judge qwen --prompt tone.yaml", 1, SPEAKS_NOT, NULL, NULL},
    {"rl p.jsonl --model qwen --judge llama --prompt tone.yaml -o out", 1, SPEAKS_NOT, NULL, NULL},
    {"rl p.jsonl --model llama --reference qwen --judge llama --prompt tone.yaml -o out", 1, SPEAKS_NOT, NULL, NULL},
    {"rl p.jsonl --model llama --baseline none --judge qwen --prompt tone.yaml -o out", 1, SPEAKS_NOT, NULL, NULL},
    {"rl p.jsonl --model llama --baseline none --rewards list.yaml -o out", 1, SPEAKS_NOT, "list.yaml",
     "- {judge: qwen, prompt: tone.yaml}\n"},
    {"bench --workload generate --model qwen --input p.jsonl", 1, SPEAKS_NOT, NULL, NULL},
    {"score human.jsonl --model llama -o out.jsonl", 1, HAS_NO_HEAD, NULL, NULL},
    {"eval accuracy human.jsonl --reward llama", 1, HAS_NO_HEAD, NULL, NULL},
    {"rl p.jsonl --model llama --baseline none --rewards list.yaml -o out", 1, HAS_NO_HEAD, "list.yaml",
     "- {reward: llama}\n"},
    {"label human.jsonl --method pointwise --model llama --prompt mix.yaml -o out.jsonl", 1, HAS_NO_HEAD, "mix.yaml",
     "kind: mix\nparts:\n- {reward: llama, scale: 1}\n"},
};

static void the_other_kind(void **state)
{
    (void)state;
    need_refusals(test_bench, kinds, COUNT(kinds));
    static const char *const recipes[] = {"policy: qwen\nstages:\n- sample: {prompts: p.jsonl}\n",
                                          "judge: qwen\nstages:\n- label: {pairs: human.jsonl}\n"};
    for (int i = 0; i < COUNT(recipes); i++) {
        char *text = mem_printf("name: run%d\n%s", i, recipes[i]);
        put_text(test_bench, "recipe.yaml", text);
        need_message(run_in(test_bench, "rlaif run recipe.yaml"), 1, SPEAKS_NOT);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(everywhere, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(skywork, begin_skywork, test_bench_end),
        cmocka_unit_test_setup_teardown(without_chat, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(broken_models, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(heads, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(options_that_clash, begin, test_bench_end),
        cmocka_unit_test_setup_teardown(the_other_kind, begin, test_bench_end),
    };
    return cmocka_run_group_tests_name("classifiers of others", tests, NULL, NULL);
}
