/* Label sets: killed and gone on, the same bytes on every CPU, settled anew as if they had been labelled so, filtered,
 * counted. */
#include "judge_helpers.h"
#include "rlaif/label.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROW(prompt, a, b, more) "{\"prompt\": \"" prompt "\", \"responses\": [\"" a "\", \"" b "\"]" more "}\n"
static const char pairs[] = ROW("rain in spring", "It rains.", "Spring!", ", \"preferred\": 0")
    ROW("a letter to the editor", "The trains are late.", "A letter.", ", \"preferred\": 1, \"id\": \"letter\"")
        ROW("x", "yes", "well, x", "") ROW("rain", "no no", "perhaps", ", \"preferred\": 1")
            ROW("x", "yes", "well, x", "") /* once more */
    ROW("the sea is wide and there is no end of it", "So it is.", "No end?", ", \"preferred\": 0");

/* A folder with a model, a prompt and pairs. */
typedef struct Scene {
    char *folder, *model, *prompt, *pairs;
} Scene;

static Scene scene_new(void)
{
    Scene s = {.folder = make_folder()};
    s.model = roomy_model(s.folder, 600);
    s.prompt = write_rows(s.folder, "prompt.yaml", full_prompt);
    s.pairs = write_rows(s.folder, "pairs.jsonl", pairs);
    return s;
}

static void scene_free(Scene *s)
{
    free(s->model);
    free(s->prompt);
    free(s->pairs);
    remove_folder(s->folder);
}

/* The options of a chain of thought with samples. Free with options_free. */
static LabelOptions *thoughtful(const Scene *s)
{
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", s->pairs);
    options_put(&label_table, o, "model", s->model);
    options_put(&label_table, o, "prompt", s->prompt);
    o->judge.cot = true;
    o->judge.samples = 3;
    o->judge.temperature = 1.2;
    o->common.seed = 4;
    return o;
}

/* Labels into a file of the scene's folder as the command does. *summary may be NULL; the caller releases it. */
static bool label(const Scene *s, LabelOptions *o, const char *name, CpuLevel cpu, int threads, json_t **summary,
                  Err *err)
{
    char *path = path_join(s->folder, name);
    options_put(&label_table, o, "output", path);
    free(path);
    Work w = {.common = &o->common};
    int shown = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO); /* a random judge is warned of, every time */
    bool ok = device_open(&w.device, cpu, threads, err) && work_open_store(&w, o->output, err) &&
              label_stage(&w, "label", o, err);
    dup2(shown, STDERR_FILENO);
    close(shown);
    close(nowhere);
    if (summary)
        *summary = json_incref(w.summary);
    work_free(&w);
    return ok;
}

static char *contents(const Scene *s, const char *name)
{
    Err err = {0};
    char *path = path_join(s->folder, name), *text;
    size_t n;
    need_ok(file_read(path, 1 << 24, &text, &n, &err), &err);
    free(path);
    return text;
}

static void same_files(const Scene *s, const char *a, const char *b)
{
    char *x = contents(s, a), *y = contents(s, b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

/* The labels of a file, in order. Release with json_decref. */
static json_t *labels_of(const Scene *s, const char *name)
{
    Err err = {0};
    char *text = contents(s, name), *path = path_join(s->folder, name);
    Rows rows;
    json_t *list = json_array();
    need_ok(rows_parse(&rows, path, text, strlen(text), 0, &err), &err);
    for (int i = 0; i < rows.n; i++)
        json_array_append(list, json_object_get(rows.row[i].json, "label"));
    rows_release(&rows);
    free(text);
    free(path);
    return list;
}

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

/* --- settled anew --------------------------------------------------------------------------------------- */

/* Labels made with some options of settling, and labels made without and settled with them, are the same file. */
static void settled_as_labelled(void **state)
{
    (void)state;
    Scene s = scene_new();
    static const SettleOptions how[] = {{.temperature = 1},
                                        {.temperature = 2.5},
                                        {.temperature = 0.5, .clamp = 0.4},
                                        {.temperature = 1, .flip = FLIP_TRUE}};
    LabelOptions *plain = thoughtful(&s);
    Err err = {0};
    need_ok(label(&s, plain, "plain.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "plain.jsonl");
    for (int i = 0; i < COUNT(how); i++) {
        LabelOptions *fresh = thoughtful(&s), *anew = options_new(&label_table);
        fresh->settle = anew->settle = how[i];
        options_put(&label_table, anew, "from", from);
        need_ok(label(&s, fresh, "fresh.jsonl", CPU_AUTO, 2, NULL, &err) &&
                    label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
                &err);
        same_files(&s, "fresh.jsonl", "anew.jsonl");
        if (i == 0)
            same_files(&s, "plain.jsonl", "anew.jsonl");
        else { /* and back */
            char *other = path_join(s.folder, "anew.jsonl");
            options_put(&label_table, anew, "from", other);
            anew->settle = (SettleOptions){.temperature = 1, .flip = FLIP_FALSE};
            need_ok(label(&s, anew, "back.jsonl", CPU_AUTO, 2, NULL, &err), &err);
            same_files(&s, "plain.jsonl", "back.jsonl");
            free(other);
        }
        options_free(&label_table, fresh);
        options_free(&label_table, anew);
    }
    free(from);
    options_free(&label_table, plain);
    scene_free(&s);
}

/* Of labels in both orders, one order is kept: the one that would have been asked alone. Of three samples, one. */
static void parts_of_labels(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *both = thoughtful(&s), *one = thoughtful(&s), *anew = options_new(&label_table);
    need_ok(label(&s, both, "both.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "both.jsonl");
    one->both_orders = false;
    one->judge.samples = 1;
    options_put(&label_table, anew, "from", from);
    anew->both_orders = false;
    anew->settle.use_samples = 1;
    anew->common.seed = 4;
    need_ok(label(&s, one, "one.jsonl", CPU_AUTO, 2, NULL, &err) &&
                label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
            &err);
    json_t *fresh = labels_of(&s, "one.jsonl"), *settled = labels_of(&s, "anew.jsonl");
    int swapped = 0;
    for (size_t i = 0; i < 6; i++) {
        json_t *a = json_array_get(fresh, i), *b = json_array_get(settled, i);
        json_object_del(a, "tokens"); /* what was spent stays what it was */
        json_object_del(b, "tokens");
        char *x = json_text(a), *y = json_text(b);
        assert_string_equal(x, y);
        free(x);
        free(y);
        swapped += json_bool_of(json_array_get(json_object_get(a, "orders"), 0), "swapped", false);
    }
    assert_true(swapped > 0 && swapped < 6);
    json_decref(fresh);
    json_decref(settled);
    free(from);
    options_free(&label_table, both);
    options_free(&label_table, one);
    options_free(&label_table, anew);
    scene_free(&s);
}

#define SAID(l1, l2) "{\"logp\": [" l1 ", " l2 "], \"mass\": 0.5}"
#define LABELLED(name, first, second)                                                                                  \
    ROW(name, "a", "b", ", \"label\": {\"p\": 0.5, \"orders\": [" first ", " second "], \"method\": \"pairwise\"}")

/* By hand: ln 3 is odds of three to one. */
static void filters(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    static const char by_hand[] = LABELLED("sure", SAID("-1", "-2.0986122886681098"), SAID("-2.0986122886681098", "-1"))
        LABELLED("slot", SAID("-1", "-3"), SAID("-1", "-2")) LABELLED("near", SAID("-1", "-1.2"), SAID("-1.2", "-1"))
            LABELLED("tie", SAID("-1", "-1"), SAID("-1", "-1"));
    char *from = write_rows(s.folder, "by_hand.jsonl", by_hand);
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "from", from);
    json_t *summary;
    need_ok(label(&s, o, "all.jsonl", CPU_AUTO, 1, &summary, &err), &err);
    field(summary, "pairs", 4);
    field(summary, "same_slot_rate", 0.25);
    json_decref(summary);
    json_t *list = labels_of(&s, "all.jsonl");
    close_to(json_number_of(json_array_get(list, 0), "p", -1), 0.75, 1e-15);
    json_decref(list);
    o->drop_same_slot = true;
    o->drop_undecided = 0.1;
    need_ok(label(&s, o, "some.jsonl", CPU_AUTO, 1, &summary, &err), &err);
    field(summary, "pairs", 1);
    field(summary, "read", 4);
    field(json_object_get(summary, "dropped"), "same_slot", 1);
    field(json_object_get(summary, "dropped"), "undecided", 2);
    json_decref(summary);
    o->drop_undecided = 0.3;
    assert_false(label(&s, o, "none.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "no label is left"));
    options_free(&label_table, o);
    free(from);
    scene_free(&s);
}

/* Filters on fresh labels: those that are left, and other filters later without asking again. */
static void filters_on_the_way(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = thoughtful(&s), *anew = options_new(&label_table);
    need_ok(label(&s, o, "plain.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    json_t *list = labels_of(&s, "plain.jsonl");
    double margin = fabs(json_number_of(json_array_get(list, 1), "p", 0) - 0.5) + 1e-9;
    json_decref(list);
    char *from = path_join(s.folder, "plain.jsonl");
    options_put(&label_table, anew, "from", from);
    o->drop_undecided = anew->drop_undecided = margin;
    need_ok(label(&s, o, "fresh.jsonl", CPU_AUTO, 2, NULL, &err) &&
                label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
            &err);
    same_files(&s, "fresh.jsonl", "anew.jsonl");
    options_put(&label_table, o, "model", s.model);
    free(from);
    options_free(&label_table, o);
    options_free(&label_table, anew);
    scene_free(&s);
}

static void refused(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    char *from = write_rows(s.folder, "p.jsonl", ROW("q", "a", "b", ", \"label\": {\"p\": 0.7}"));
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "from", from);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "p.jsonl:1: \"label\" has 0 orders"));
    err_clear(&err);
    options_put(&label_table, o, "from", s.pairs);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "pairs.jsonl:1: the row has no \"label\""));
    err_clear(&err);
    options_put(&label_table, o, "model", s.model);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_int_equal(err.code, ERR_USAGE);
    err_clear(&err);
    options_put(&label_table, o, "from", NULL);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "PAIRS is missing"));
    options_free(&label_table, o);
    free(from);
    scene_free(&s);
}

/* Pointwise labels by numbers: the softened label is that of the softened distributions. */
static void scores_anew(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = options_new(&label_table), *warm, *anew = options_new(&label_table);
    options_put(&label_table, o, "pairs", s.pairs);
    options_put(&label_table, o, "model", s.model);
    o->method = LABEL_POINTWISE;
    need_ok(label(&s, o, "cool.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    warm = o;
    warm->settle.temperature = 3;
    need_ok(label(&s, warm, "warm.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "cool.jsonl");
    options_put(&label_table, anew, "from", from);
    anew->settle.temperature = 3;
    need_ok(label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    same_files(&s, "warm.jsonl", "anew.jsonl");
    json_t *list = labels_of(&s, "anew.jsonl");
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "numbers")), 10);
    json_decref(list);
    free(from);
    options_free(&label_table, o);
    options_free(&label_table, anew);
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

/* What --explain prints, without a store and without weights. */
static void explained(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = thoughtful(&s);
    o->explain = true;
    o->judge.shots = 1;
    char *path = path_join(s.folder, "explained.txt");
    fflush(stdout);
    int shown = dup(STDOUT_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    bool ok = label(&s, o, "none.jsonl", CPU_AUTO, 1, NULL, &err);
    fflush(stdout);
    dup2(shown, STDOUT_FILENO);
    close(shown);
    close(file);
    need_ok(ok, &err);
    char *text = contents(&s, "explained.txt"), *output = path_join(s.folder, "none.jsonl");
    assert_false(file_exists(output));
    assert_non_null(strstr(text, "full, 1 exemplars, chain of thought"));
    assert_non_null(strstr(text, "prompts           36 of "));
    assert_non_null(strstr(text, "36 rationales of at most 12 tokens"));
    assert_non_null(
        strstr(text, "\nThink. Which?\n[c1|a1|b1\nr1;Best=1]\nrain in spring|It rains.|Spring!\nSo:... / Best=\n"));
    free(text);
    free(output);
    free(path);
    options_free(&label_table, o);
    scene_free(&s);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_amid_rationales), /* first: it forks while there is one thread */
        cmocka_unit_test(one_hash_everywhere),
        cmocka_unit_test(settled_as_labelled),
        cmocka_unit_test(parts_of_labels),
        cmocka_unit_test(filters),
        cmocka_unit_test(filters_on_the_way),
        cmocka_unit_test(refused),
        cmocka_unit_test(scores_anew),
        cmocka_unit_test(summary_of_labels),
        cmocka_unit_test(plan_is_met),
        cmocka_unit_test(explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
