/* The examples and recipes: that they are what their notes say, and that the demonstration's judge can be trusted. */
#include "golden.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/judge/judge.h"
#include "rlaif/pipeline.h"
#include "rlaif/rows/rows.h"
#include "rlaif/stage/stats.h"

static Rows read_rows(const char *path, RowNeed need, int n)
{
    Err err = {0};
    Rows rows;
    need_ok(rows_read(&rows, path, 0, false, &err) && rows_view(&rows, need, false, &err), &err);
    assert_int_equal(rows.n, n);
    return rows;
}

/* What is looked at once must not occur in what is trained or tuned on. */
static void prompts_are_apart(void **state)
{
    (void)state;
    Rows file[] = {
        read_rows("examples/prompts.jsonl", NEED_PROMPT, 160), read_rows("examples/dev.jsonl", NEED_PROMPT, 20),
        read_rows("examples/heldout.jsonl", NEED_PROMPT, 40), read_rows("examples/record.jsonl", NEED_PROMPT, 200)};
    char *seen[420];
    int n = 0;
    for (int f = 0; f < COUNT(file); f++)
        for (int i = 0; i < file[f].n; i++) {
            char place[300];
            seen[n] = context_lines(&file[f].row[i].view.context);
            for (int k = 0; k < n; k++)
                if (strcmp(seen[k], seen[n]) == 0)
                    fail_msg("%s: this prompt stands twice", row_place(&file[f], i, place));
            n++;
        }
    assert_int_equal(n, COUNT(seen));
    for (int i = 0; i < n; i++)
        free(seen[i]);
    for (int f = 0; f < COUNT(file); f++)
        rows_release(&file[f]);
}

enum { REPLIES = 40 };

/* Area under the curve of a verdict's log-odds over the replies that were labelled by hand. */
static double auc_of(Model *m, const char *prompt, const Rows *rows)
{
    Err err = {0};
    Judge *j;
    Question q[REPLIES] = {{0}};
    Verdict v[REPLIES];
    double odds[REPLIES];
    bool warm[REPLIES];
    int n_warm = 0;
    need_ok(judge_open(&j, m, prompt, judge_defaults(CHAT_AUTO), &err), &err);
    for (int i = 0; i < REPLIES; i++) {
        const Row *row = &rows->row[i];
        const json_t *label = json_object_get(row->json, "warm");
        assert_true(json_is_boolean(label));
        warm[i] = json_is_true(label);
        n_warm += warm[i];
        q[i] = (Question){.where = "a reply", .first = row->view.response[0].text};
        q[i].context = context_lines(&row->view.context);
    }
    assert_int_equal(n_warm, REPLIES / 2);
    need_ok(judge_responses(j, q, REPLIES, v, &err), &err);
    for (int i = 0; i < REPLIES; i++) {
        odds[i] = v[i].logp[0] - v[i].logp[1];
        free((char *)(uintptr_t)q[i].context);
    }
    judge_free(j);
    return stats_auc(odds, warm, REPLIES);
}

static void judge_of_tone(void **state)
{
    (void)state;
    need_real_model(&real_models[0]); /* before anything is held that a skip would leave behind */
    Rows rows = read_rows("examples/tone.jsonl", NEED_RESPONSES, REPLIES);
    Device *d = open_device(CPU_AUTO, 0);
    Model *m = open_real_model(&real_models[0], HEAD_LM, d);
    double tone = auc_of(m, "tone-verdict", &rows), warmth = auc_of(m, "warmth-verdict", &rows);
    print_message("[     NOTE ] AUC on %d replies labelled by hand: tone-verdict %.3f, warmth-verdict %.3f\n", REPLIES,
                  tone, warmth);
    if (tone < 0.75)
        fail_msg("tone-verdict has an AUC of %.3f, less than 0.75: it is no judge to train with", tone);
    model_free(m);
    device_free(d);
    rows_release(&rows);
}

/* So can the judge prompts beside them. */
static void judges_load(void **state)
{
    (void)state;
    Err err = {0};
    char **name;
    int n;
    need_ok(dir_list("recipes/judges", &name, &n, &err), &err);
    assert_true(n >= 2);
    for (int i = 0; i < n; i++) {
        char *path = path_join("recipes/judges", name[i]), *file;
        JudgePrompt *p;
        need_ok(judge_prompt_load(&p, path, &err), &err);
        file = mem_printf("%s.yaml", p->name);
        assert_string_equal(name[i], file);
        judge_prompt_free(p);
        free(file);
        free(path);
    }
    names_free(name, n);
}

/* Every recipe that comes along can be run: its stages, options and the paper's figures that it names are there. */
static void recipes_resolve(void **state)
{
    (void)state;
    Err err = {0};
    char **name;
    int n;
    need_ok(dir_list("recipes", &name, &n, &err), &err);
    assert_true(n >= 13);
    for (int i = 0; i < n; i++) {
        char *path = path_join("recipes", name[i]);
        if (file_is_dir(path)) {
            free(path);
            continue;
        }
        RunOptions *o = options_new(&run_table);
        Recipe r;
        Str resolved = {0};
        need_ok(recipe_read(&r, path, &err) && recipe_resolve(&r, o, "runs/test", &resolved, &err), &err);
        char *file = mem_printf("%s.yaml", r.name);
        assert_string_equal(name[i], file);
        free(file);
        str_release(&resolved);
        recipe_release(&r);
        options_free(&run_table, o);
        free(path);
    }
    names_free(name, n);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_are_apart),
        cmocka_unit_test(judge_of_tone),
        cmocka_unit_test(recipes_resolve),
        cmocka_unit_test(judges_load),
    };
    return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
