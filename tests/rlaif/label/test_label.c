/* Label sets: killed and gone on, the same bytes on every CPU, counted, planned. */
#include "label_helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- killed --------------------------------------------------------------------------------------------- */

/* Labels in a process of its own, which is killed after so many milliseconds; 0: which ends. Returns whether it did. */
static bool label_apart(const Scene *s, const char *name, int milliseconds)
{
    pid_t child = fork();
    if (child == 0) {
        Err err = {0};
        LabelOptions *o = thoughtful(s);
        o->judge.samples = 40; /* a pair is a chunk */
        _exit(label(s, o, name, CPU_AUTO, 1, NULL, &err) ? 0 : 1);
    }
    if (milliseconds > 0) {
        usleep((useconds_t)milliseconds * 1000);
        kill(child, SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int stored_rows(const Scene *s, const char *name)
{
    Err err = {0};
    char *path = mem_printf("%s/%s.rlaif", s->folder, name);
    Store *store;
    StageRow row;
    bool present;
    int n = 0;
    if (file_exists(path) && store_open(&store, path, &err)) {
        if (store_stage_find(store, "label", &row, &present, &err) && present) {
            need_ok(store_items_count(store, row.id, &n, &err), &err);
            stage_row_release(&row);
        }
        store_close(store);
    }
    free(path);
    return n;
}

/* Killed again and again amid rationales, the labels end in the same bytes, and rows that were stored stay. */
static void killed_amid_rationales(void **state)
{
    (void)state;
    Scene s = scene_new();
    assert_true(label_apart(&s, "whole.jsonl", 0));
    int between = 0, before = 0;
    bool ended = false;
    for (int pause = 20; !ended && pause < 4000; pause += 15) {
        ended = label_apart(&s, "killed.jsonl", pause);
        int now = stored_rows(&s, "killed.jsonl");
        assert_true(now >= before);
        between += now > 0 && now < 6;
        before = now;
    }
    if (!ended)
        assert_true(label_apart(&s, "killed.jsonl", 0));
    if (between == 0)
        print_message("every kill came before the first row or after the last\n");
    same_files(&s, "whole.jsonl", "killed.jsonl");
    scene_free(&s);
}

/* --- the same everywhere -------------------------------------------------------------------------------- */

static const char committed[] = "d07c6be5bf5c68802a4f8fdd9b903f103d73138aa10eda5ecda4d2395039332b";

static void one_hash_everywhere(void **state)
{
    (void)state;
    Scene s = scene_new();
    CpuLevel level[3];
    int levels = cpu_levels(level), threads[] = {1, 2, 7};
    for (int i = 0; i < levels * COUNT(threads); i++) {
        Err err = {0};
        char name[40], digits[HASH_TEXT];
        snprintf(name, sizeof name, "labels-%d.jsonl", i);
        LabelOptions *o = thoughtful(&s);
        need_ok(label(&s, o, name, level[i / COUNT(threads)], threads[i % COUNT(threads)], NULL, &err), &err);
        char *text = contents(&s, name);
        hash_bytes(text, strlen(text), digits);
        if (strcmp(digits, committed) != 0)
            fail_msg("%s, %d threads: %s, not %s", cpu_level_name(level[i / COUNT(threads)]),
                     threads[i % COUNT(threads)], digits, committed);
        free(text);
        options_free(&label_table, o);
    }
    scene_free(&s);
}

/* --- counted -------------------------------------------------------------------------------------------- */

static void summary_of_labels(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = thoughtful(&s);
    json_t *summary;
    o->judge.max_input = 30;
    assert_false(label(&s, o, "refused.jsonl", CPU_AUTO, 2, NULL, &err));
    assert_non_null(strstr(err.msg, "pairs.jsonl:"));
    err_clear(&err);
    o->judge.max_input = 45;
    o->judge.cut = CUT_CONTEXT_LEFT;
    need_ok(label(&s, o, "cut.jsonl", CPU_AUTO, 2, &summary, &err), &err);
    json_t *list = labels_of(&s, "cut.jsonl");
    int cut = 0;
    double output = 0;
    for (size_t i = 0; i < 6; i++) {
        const json_t *one = json_array_get(list, i);
        cut += json_object_get(one, "cut") != NULL;
        output += json_number_of(json_object_get(one, "tokens"), "output", 0);
        assert_int_equal(json_array_size(json_object_get(one, "rationales")), 6);
    }
    assert_int_equal(cut, 2);
    assert_true(output > 0);
    field(summary, "cut", cut);
    field(json_object_get(summary, "tokens"), "output", output);
    field(json_object_get(summary, "alignment"), "with_choice", 4);
    assert_non_null(json_object_get(json_object_get(summary, "alignment"), "accuracy"));
    json_decref(list);
    json_decref(summary);
    options_free(&label_table, o);
    scene_free(&s);
}

/* --- planned -------------------------------------------------------------------------------------------- */

/* Three chunks: tokens and rows to compute are known exactly before; the length of rationales, by the first chunk, within
 * 15 %. (Rows behind rationales are not compared: a random model writes bytes that are no text, and their repair is longer.) */
static void plan_is_met(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    Str many = {0};
    for (int i = 0; i < 40; i++)
        str_addf(&many, ROW("%d times the rain came", "yes %d", "well, %d no", ""), i, i * i, i);
    char *path = write_rows(s.folder, "many.jsonl", str_text(&many));
    for (int cot = 0; cot < 2; cot++) {
        LabelOptions *o = thoughtful(&s);
        o->judge.cot = cot == 1;
        o->judge.samples = 1 + cot;
        options_put(&label_table, o, "pairs", path);
        json_t *summary;
        need_ok(label(&s, o, cot ? "cot.jsonl" : "plain.jsonl", CPU_AUTO, 2, &summary, &err), &err);
        const json_t *plan = json_object_get(summary, "plan");
        double computed = json_number_of(plan, "computed", 0);
        field(plan, "prompts", cot ? 160 : 80);
        field(plan, "tokens", json_number_of(plan, "planned_tokens", 0));
        assert_true(json_number_of(plan, "tokens", 0) > 0 && computed > 0);
        if (!cot)
            field(plan, "planned_computed", computed);
        close_to(json_number_of(plan, "planned_written", -1), json_number_of(plan, "written", 0),
                 0.15 * json_number_of(plan, "written", 0));
        assert_true(cot || computed < 0.8 * json_number_of(plan, "tokens", 0)); /* sharing saves */
        json_decref(summary);
        /* Done: nothing is planned, and the summary is as it was stored. */
        need_ok(label(&s, o, cot ? "cot.jsonl" : "plain.jsonl", CPU_AUTO, 2, &summary, &err), &err);
        assert_null(json_object_get(summary, "plan"));
        json_decref(summary);
        options_free(&label_table, o);
    }
    str_release(&many);
    free(path);
    scene_free(&s);
}

/* What --explain prints, without a store and without weights. The caller frees it. */
static char *explain(const Scene *s, LabelOptions *o)
{
    Err err = {0};
    o->explain = true;
    char *path = path_join(s->folder, "explained.txt");
    fflush(stdout);
    int shown = dup(STDOUT_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    bool ok = label(s, o, "none.jsonl", CPU_AUTO, 1, NULL, &err);
    fflush(stdout);
    dup2(shown, STDOUT_FILENO);
    close(shown);
    close(file);
    free(path);
    need_ok(ok, &err);
    char *output = path_join(s->folder, "none.jsonl");
    assert_false(file_exists(output));
    free(output);
    return contents(s, "explained.txt");
}

static void explained(void **state)
{
    (void)state;
    Scene s = scene_new();
    LabelOptions *o = thoughtful(&s);
    o->judge.shots = 1;
    char *text = explain(&s, o);
    assert_non_null(strstr(text, "full, 1 exemplars, chain of thought"));
    assert_non_null(strstr(text, "prompts           36 of "));
    assert_non_null(strstr(text, "36 rationales of at most 12 tokens"));
    assert_non_null(
        strstr(text, "\nThink. Which?\n[c1|a1|b1\nr1;Best=1]\nrain in spring|It rains.|Spring!\nSo:... / Best=\n"));
    free(text);
    options_free(&label_table, o);
    scene_free(&s);
}

/* The prefix tree, counted by hand: to this tokenizer capitals, digits, bars and "=" are tokens of their own.
 *     PPPCC|AB|AD=    PPPCC|AD|AB=    12 tokens each, 7 shared
 *     PPPF|A|B=       PPPF|B|A=        9 tokens each, 5 shared
 *     PPPCC|AB|E=     PPPCC|E|AB=     11 tokens each, 6 shared
 * The first pair is a chunk: 7 + 5 + 5. The others are one, which has PPP of it already: F| for two, CC| for two, and what
 * is behind: 2 + 4 + 4 + 3 + 5 + 5. */
static void tree_by_hand(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = options_new(&label_table);
    char *prompt =
             write_rows(s.folder, "hand.yaml",
                        "name: hand\nkind: pairwise\nchat: false\npreamble: \"PPP\"\n"
                        "item: \"{context}|{response_1}|{response_2}\"\nending: \"=\"\nanswers: [\"1\", \"2\"]\n"),
         *rows = write_rows(s.folder, "hand.jsonl",
                            ROW("CC", "AB", "AD", "") ROW("F", "A", "B", "") ROW("CC", "AB", "E", ""));
    options_put(&label_table, o, "pairs", rows);
    options_put(&label_table, o, "model", s.model);
    need_ok(options_set(&label_table, o, "prompt", prompt, "a test", &err), &err);
    char *text = explain(&s, o);
    says(text, "pairs             3\n");
    says(text, "prompts           6 of 11 tokens, the longest has 12\n");
    says(text, "all begin with    3 tokens\n");
    says(text, "both orders with  6 tokens\n");
    says(text, "to compute        40 tokens of 64: shared beginnings save 38 %\n");
    free(text);
    free(prompt);
    free(rows);
    options_free(&label_table, o);
    scene_free(&s);
}

/* Three responses are three pairs, and four of which two are equal are five: labelled as the file of these pairs is. */
static void lists_of_responses(void **state)
{
    (void)state;
    static const char lists[] =
        "{\"id\": \"sea\", \"prompt\": \"the sea\", \"responses\": [\"wide\", \"deep\", \"wide\", \"blue\"], "
        "\"ended\": [true, false, true, true]}\n" ROW(
            "x", "yes", "well, x", "") "{\"prompt\": \"rain\", \"responses\": [\"no\", \"perhaps\", \"yes\"]}\n";
    Scene s = scene_new();
    free(s.pairs);
    s.pairs = write_rows(s.folder, "lists.jsonl", lists);
    LabelOptions *o = thoughtful(&s);
    Err err = {0};
    json_t *summary, *first, *second;
    need_ok(label(&s, o, "labels.jsonl", CPU_AUTO, 2, &summary, &err), &err);
    close_to(json_number_of(summary, "pairs", -1), 5 + 1 + 3, 0);
    close_to(json_number_of(summary, "equal", -1), 1, 0);
    json_decref(summary);
    Rows rows;
    char *path = path_join(s.folder, "labels.jsonl");
    need_ok(rows_read(&rows, path, 0, false, &err), &err);
    Str bare = {0};
    for (int i = 0; i < rows.n; i++) {
        json_object_del(rows.row[i].json, "label");
        json_append(&bare, rows.row[i].json);
        str_addc(&bare, '\n');
    }
    char *split = write_rows(s.folder, "split.jsonl", str_text(&bare));
    options_put(&label_table, o, "pairs", split);
    need_ok(label(&s, o, "again.jsonl", CPU_AUTO, 1, NULL, &err), &err);
    first = labels_of(&s, "labels.jsonl");
    second = labels_of(&s, "again.jsonl");
    assert_int_equal(json_array_size(first), 9);
    assert_true(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    rows_release(&rows);
    str_release(&bare);
    free(path);
    free(split);
    options_free(&label_table, o);
    scene_free(&s);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_amid_rationales), /* first: it forks while there is one thread */
        cmocka_unit_test(one_hash_everywhere),
        cmocka_unit_test(summary_of_labels),
        cmocka_unit_test(plan_is_met),
        cmocka_unit_test(explained),
        cmocka_unit_test(tree_by_hand),
        cmocka_unit_test(lists_of_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
