/* When two prompts are one, and that all who compare prompts mean the same by it: evaluations, trainings that measure
 * themselves, splits, and what is matched by prompts. */
#include "program.h"

#include "base/mem.h"
#include "rlaif/rows/rows.h"

/* --- by rows -------------------------------------------------------------------------------------------- */

/* Rows that are one prompt, group by group; NULL ends a group. */
static const char *const groups[] = {
    /* one turn: a text, turns, demonstrations as turns, a transcript, a judge's line, with blanks of all kinds */
    "{\"prompt\": \"Why is bread round?\"}", "{\"prompt\": \"Why is bread round? \\n\"}",
    "{\"prompt\": \"\\tWhy  is\\r\\nbread\\u00a0round?\"}",
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"Why is bread round?\"}]}",
    "{\"prompt\": [{\"role\": \"system\", \"content\": \" \"}, {\"role\": \"user\", \"content\": \"Why is bread round?\"}]}",
    "{\"prompt\": [{\"from\": \"human\", \"value\": \"Why is bread round?\"}]}",
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Why is bread round?\"}, {\"role\": \"assistant\", \"content\": \"x\"}]}",
    "{\"prompt\": \"\\n\\nHuman: Why is bread round?\\n\\nAssistant:\"}",
    "{\"prompt\": \"Human: Why is bread round?\"}",
    "{\"chosen\": \"\\n\\nHuman: Why is bread round?\\n\\nAssistant: a\", \"rejected\": \"\\n\\nHuman: Why is bread "
    "round?\\n\\nAssistant: b\"}",
    NULL, "{\"prompt\": \"Why is bread square?\"}", NULL, "{\"prompt\": \"why is bread round?\"}", NULL,
    /* composed and not */
    "{\"prompt\": \"Caf\\u00e9\"}", "{\"prompt\": \"Cafe\\u0301\"}", NULL, "{\"prompt\": \"Cafe\"}", NULL,
    /* a system turn with words */
    "{\"prompt\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": \"Why is bread round?\"}]}",
    NULL,
    /* several turns */
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"Why is bread round?\"}, {\"role\": \"assistant\", \"content\": \"It "
    "is\\nnot.\"}, {\"role\": \"user\", \"content\": \"Oh?\"}]}",
    "{\"prompt\": \"\\n\\nHuman: Why is bread round?\\n\\nAssistant: It is not.\\n\\nHuman: Oh?\\n\\nAssistant: \"}",
    "{\"prompt\": \"Human: Why is bread round?\\r\\nAssistant: It is not.\\nHuman: Oh? \"}",
    "{\"chosen\": \"\\n\\nHuman: Why is bread round?\\n\\nAssistant: It is not.\\n\\nHuman: Oh?\\n\\nAssistant: a\", "
    "\"rejected\": \"\\n\\nHuman: Why is bread round?\\n\\nAssistant: It is not.\\n\\nHuman: Oh?\\n\\nAssistant: b\"}",
    NULL,
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"Why is bread round?\"}, {\"role\": \"assistant\", \"content\": \"It is "
    "not. Human: Oh?\"}]}",
    NULL, "{\"prompt\": [{\"role\": \"user\", \"content\": \"\"}]}", "{\"prompt\": \" \"}", NULL};

static void same_and_not(void **state)
{
    (void)state;
    char hash[COUNT(groups)][HASH_TEXT];
    int group[COUNT(groups)], n = 0, at = 0;
    for (int i = 0; i < COUNT(groups); i++) {
        Rows rows;
        Err err = {0};
        if (!groups[i]) {
            at++;
            continue;
        }
        need_ok(rows_parse(&rows, "rows", groups[i], strlen(groups[i]), 0, &err) &&
                    rows_view(&rows, NEED_CONTEXT, false, &err),
                &err);
        context_hash(&rows.row[0].view.context, hash[n]);
        group[n++] = at;
        rows_release(&rows);
        for (int k = 0; k < n - 1; k++)
            if ((strcmp(hash[k], hash[n - 1]) == 0) != (group[k] == at))
                fail_msg("%s: %s as row %d", groups[i], group[k] == at ? "not the same" : "the same", k);
    }
}

/* --- by whoever compares -------------------------------------------------------------------------------- */

static const char text[] = "{\"prompt\": \"Who baked it?\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}\n"
                           "{\"prompt\": \"Other?\", \"responses\": [\"a\", \"b\"], \"preferred\": 1}\n";
static const char turns[] =
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"Who baked it? \"}], \"responses\": [\"c\", "
    "\"d\"], \"preferred\": 1}\n";

static void all_mean_the_same(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "eval winrate text.jsonl text.jsonl --judge llama --prompt which.yaml --trained-on turns.jsonl",
        "eval probes text.jsonl --trained-on turns.jsonl",
        "eval harmless text.jsonl --judge llama --prompt harmless-verdict --trained-on turns.jsonl",
        "eval accuracy text.jsonl --reward rm --trained-on turns.jsonl",
        "reward turns.jsonl --model llama -o out --labels human --eval text.jsonl",
        "sft turns.jsonl --model llama -o out --eval demo.jsonl",
        "rl turns.jsonl --model llama -o out --judge llama --prompt tone.yaml --steps 1 --batch 1 --eval text.jsonl",
    };
    put_text(test_bench, "text.jsonl", text);
    put_text(test_bench, "turns.jsonl", turns);
    put_text(test_bench, "demo.jsonl", "{\"prompt\": \"Who baked it?\", \"completion\": \"y\"}\n");
    runs_with_status(test_bench, 0, "rlaif reward human.jsonl --model llama -o rm --labels human --quiet");
    for (int i = 0; i < COUNT(commands); i++)
        need_message(run_in(test_bench, "rlaif %s --quiet", commands[i]), 1, ":1: the prompt also occurs in",
                     "evaluation");
    /* rows of one prompt stay together, and are dropped as duplicates */
    put_text(
        test_bench, "both.jsonl",
        "{\"prompt\": \"Who baked it?\", \"response\": \"a\"}\n{\"prompt\": \"Human: Who baked it?\", \"response\": "
        "\"b\"}\n{\"prompt\": [{\"role\": \"user\", \"content\": \"Who baked it?\"}], \"response\": \"c\"}\n");
    need_message(run_in(test_bench, "rlaif import both.jsonl -o part.jsonl --split 1/2 --rest rest.jsonl --quiet"), 1,
                 "of 3 rows none is left for one of the two parts", NULL);
    Ran r = run_in(test_bench, "rlaif import both.jsonl -o once.jsonl --prompts --quiet --json");
    need_status(&r, 0);
    json_t *said = last_json(&r);
    assert_int_equal((int)json_number_of(said, "written", -1), 1);
    json_decref(said);
    ran_free(&r);
}

/* Rows of two policies are matched whichever way their prompts are written. */
static void matched(void **state)
{
    (void)state;
    put_text(test_bench, "a.jsonl", "{\"prompt\": \"Who baked it?\", \"response\": \"a\"}\n");
    put_text(test_bench, "b.jsonl",
             "{\"prompt\": [{\"role\": \"user\", \"content\": \"Who baked it?\"}], \"response\": \"b\"}\n");
    runs_with_status(test_bench, 0, "rlaif eval winrate a.jsonl b.jsonl --judge llama --prompt which.yaml --quiet");
}

/* A template that adds a system turn by itself: the model reads the same where a row has it. */
static void read_as_the_same(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, "mkdir adds && cp llama/* adds/");
    put_text(
        test_bench, "adds/chat_template.jinja",
        "{% if messages[0]['role'] != 'system' %}system: Be kind. {% endif %}{% for m in messages %}{{ m['role'] + ': ' + "
        "m['content'] + ' ' }}{% endfor %}");
    put_text(test_bench, "plain.jsonl",
             "{\"prompt\": \"Who baked it?\", \"responses\": [\"c\", \"d\"], "
             "\"preferred\": 1}\n");
    put_text(
        test_bench, "kind.jsonl",
        "{\"prompt\": [{\"role\": \"system\", \"content\": \"Be kind.\"}, {\"role\": \"user\", \"content\": \"Who baked "
        "it?\"}], \"responses\": [\"c\", \"d\"], \"preferred\": 1}\n");
    static const char *const commands[] = {
        "reward plain.jsonl --labels human --eval kind.jsonl", "sft kind.jsonl --eval plain.jsonl",
        "rl kind.jsonl --judge llama --prompt tone.yaml --steps 1 --batch 1 --max-new-tokens 3 --eval plain.jsonl"};
    for (int i = 0; i < COUNT(commands); i++) {
        need_message(run_in(test_bench, "rlaif %s --model adds -o out%d --quiet", commands[i], i), 1,
                     ":1: the prompt also occurs in", "evaluation");
        runs_with_status(test_bench, 0, "rlaif %s --model llama -o other%d --quiet", commands[i], i);
    }
}

/* Conversations that begin alike are warned of: by files, by the store, and where one of the two is the beginning alone. */
static void begin_alike(void **state)
{
    (void)state;
    static const char *const held[] = {
        "{\"prompt\": \"\\n\\nHuman: Who baked it?\\n\\nAssistant: I.\\n\\nHuman: When?\\n\\nAssistant:\", \"response\": \"a\"}\n",
        "{\"prompt\": \"Who baked it?\", \"response\": \"a\"}\n",
        "{\"prompt\": \"\\n\\nHuman: Who ate it?\\n\\nAssistant: I.\\n\\nHuman: When?\\n\\nAssistant:\", \"response\": \"a\"}\n",
    };
    static const char *const trained[] = {
        "{\"chosen\": \"\\n\\nHuman: Who baked it?\\n\\nAssistant: You.\\n\\nHuman: No.\\n\\nAssistant: a\", \"rejected\": "
        "\"\\n\\nHuman: Who baked it?\\n\\nAssistant: You.\\n\\nHuman: No.\\n\\nAssistant: b\"}\n",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Who baked it? \"}], \"responses\": [\"a\", \"b\"]}\n",
    };
    for (int h = 0; h < COUNT(held); h++)
        for (int t = 0; t < COUNT(trained); t++) {
            if (h == 1 && t == 1)
                continue; /* the same prompt: refused */
            put_text(test_bench, "held.jsonl", held[h]);
            put_text(test_bench, "trained.jsonl", trained[t]);
            Ran r = run_in(test_bench, "rlaif eval probes held.jsonl --trained-on trained.jsonl --quiet");
            need_status(&r, 0);
            if ((strstr(r.err, "held.jsonl:1: 1 of 1 prompts begin with the same turn") != NULL) != (h < 2))
                fail_msg("%s%s%s", held[h], trained[t], r.err);
            ran_free(&r);
            r = run_in(test_bench,
                       "rlaif label trained.jsonl --model llama --prompt which.yaml -o l%d%d.jsonl --run r%d%d "
                       "--quiet && rlaif eval probes held.jsonl --run r%d%d --quiet",
                       h, t, h, t, h, t);
            need_status(&r, 0);
            if ((strstr(r.err, "as one in the stage \"label\"") != NULL) != (h < 2))
                fail_msg("by the store: %s%s%s", held[h], trained[t], r.err);
            ran_free(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_and_not), IN_BENCH(all_mean_the_same), IN_BENCH(matched),
        IN_BENCH(read_as_the_same),     IN_BENCH(begin_alike),
    };
    return cmocka_run_group_tests_name("same prompt", tests, NULL, NULL);
}
