/* Public forms of comparisons: what rows of other projects' data become. In the rows here ' stands for ". */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "rlaif/import/import.h"
#include "support.h"

static json_t *json_of(const char *text)
{
    char *copy = mem_str(text);
    Err err = {0};
    json_t *out;
    for (char *s = copy; (s = strchr(s, '\'')); s++)
        *s = '"';
    need_ok(json_parse(copy, strlen(copy), text, &out, &err), &err);
    free(copy);
    return out;
}

/* Compares what a row becomes with a list of rows. */
static void becomes(const char *in, const char *wanted, int ties)
{
    json_t *row = json_of(in), *want = json_of(wanted);
    Err err = {0};
    Imported out;
    if (!import_row(row, IMPORT_AUTO, &out, &err))
        fail_msg("%s: %s", in, err.msg);
    if (!json_equal(out.rows, want))
        fail_msg("%s became %s, not %s", in, json_text(out.rows), wanted);
    assert_int_equal(out.ties, ties);
    json_decref(out.rows);
    json_decref(row);
    json_decref(want);
}

static void is_refused(const char *in, const char *words)
{
    json_t *row = json_of(in);
    Err err = {0};
    Imported out;
    if (import_row(row, IMPORT_AUTO, &out, &err))
        fail_msg("%s became %s", in, json_text(out.rows));
    if (err.code != ERR_INPUT || !strstr(err.msg, words) || !err.hint[0])
        fail_msg("%s: \"%s\" (%s) does not say \"%s\"", in, err.msg, err.hint, words);
    json_decref(row);
}

#define AB "{'prompt': 'p', 'responses': ['a', 'b']"

/* Two replies side by side, under the names that public data has for them, and their verdicts. */
static void two_replies(void **state)
{
    (void)state;
    static const struct {
        const char *row, *wanted;
    } cases[] = {
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'id': 7, 'x': 1}", AB ", 'id': 7, 'x': 1}"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'winner': 'response_2'}", AB ", 'preferred': 1}"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'preference_strength': -2}", AB ", 'preferred': 0}"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'preference_strength': '-2'}", AB ", 'preferred': 0}"},
        {"{'prompt': 'p', 'Response 1': 'a', 'Response 2': 'b', 'winner': 'Response 2'}", AB ", 'preferred': 1}"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'score_1': '4', 'score_2': '10'}",
         AB ", 'preferred': 1, 'score_1': '4', 'score_2': '10'}"},
        {"{'context': 'p', 'response1': 'a', 'response2': 'b', 'overall_preference': 3}", AB ", 'preferred': 1}"},
        {"{'prompt': 'p', 'response_0': 'a', 'response_1': 'b', 'better_response_id': 1, 'safer_response_id': 0}",
         AB ", 'preferred': 1, 'safer_response_id': 0}"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'winner': 'A'}", AB ", 'preferred': 0}"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'winner': 'n', 'model_a': 'm', 'model_b': 'n'}",
         AB ", 'preferred': 1, 'models': ['m', 'n']}"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'winner_model_a': 0, 'winner_model_b': 1, 'winner_tie': 0}",
         AB ", 'preferred': 1}"},
        {"{'instruction': 'do', 'input': 'it', 'output_1': 'a', 'output_2': 'b', 'preference': 1}",
         "{'prompt': 'do\\n\\nit', 'responses': ['a', 'b'], 'preferred': 0}"},
        {"{'question': {'full_text': 'p', 'id': 3}, 'answer_0': 'a', 'answer_1': 'b', 'score_0': -0.5, 'score_1': 0.5}",
         AB ", 'preferred': 1, 'score_0': -0.5, 'score_1': 0.5}"},
        {"{'question': 'p', 'response_j': 'a', 'response_k': 'b'}", AB ", 'preferred': 0}"},
        {"{'instruction': 'p', 'chosen_response': 'a', 'rejected_response': 'b', 'chosen_avg_rating': 4.5}",
         AB ", 'preferred': 0, 'chosen_avg_rating': 4.5}"},
        {"{'prompt': 'p', 'model_1_answer': 'a', 'model_2_answer': 'b', 'better': 2}", AB ", 'preferred': 1}"},
        {"{'system': 's', 'question': 'p', 'chosen': 'a', 'rejected': 'b'}",
         "{'prompt': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'],"
         " 'preferred': 0}"},
        {"{'history': 'p', 'human_ref_A': 'a', 'human_ref_B': 'b', 'labels': 0, 'score_A': 1, 'score_B': 3}",
         AB ", 'preferred': 1, 'score_A': 1, 'score_B': 3}"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char *wanted = mem_printf("[%s]", cases[i].wanted);
        becomes(cases[i].row, wanted, 0);
        free(wanted);
    }
}

#define TALK(more) "[{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': '" more "'}]"

static void whole_conversations(void **state)
{
    (void)state;
    becomes("{'conversation_a': " TALK("a") ", 'conversation_b': " TALK("b") ", 'winner': 'model_b', 'turn': 1}",
            "[{'prompt': [{'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'], 'preferred': 1, 'turn': 1}]", 0);
    becomes("{'prompt': '[\\'p\\']', 'response_a': '[\\'a\\']', 'response_b': '[\\'b\\']', 'winner_model_a': 1}",
            "[{'prompt': [{'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'], 'preferred': 0}]", 0);
    is_refused("{'conversation_a': [{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': 'x'},"
               " {'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'a'}],"
               " 'conversation_b': [{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': 'y'},"
               " {'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'b'}], 'winner': 'model_a'}",
               "answer different turns");
    becomes("{'input': {'messages': [{'role': 'user', 'content': 'p'}]}, 'preferred_output': [{'role': 'assistant',"
            " 'content': 'a'}], 'non_preferred_output': [{'role': 'assistant', 'content': 'b'}]}",
            "[{'prompt': [{'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'], 'preferred': 0}]", 0);
    becomes("{'conversations': [{'from': 'human', 'value': 'p'}], 'chosen': {'from': 'gpt', 'value': 'a'},"
            " 'rejected': {'from': 'gpt', 'value': 'b'}}",
            "[{'prompt': [{'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'], 'preferred': 0}]", 0);
    becomes("{'conversations': [{'from': 'human', 'value': 'p'}, {'from': 'gpt', 'value': 'a'}], 'system': 's'}",
            "[{'messages': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'p'},"
            " {'role': 'assistant', 'content': 'a'}]}]",
            0);
}

/* A system message that stands twice is one; two different ones are refused. */
static void system_messages(void **state)
{
    (void)state;
    static const char talk[] = "{'conversations': [{'from': 'system', 'value': 's'}, {'from': 'human', 'value': 'p'},"
                               " {'from': 'gpt', 'value': 'a'}], 'system': '%s'}";
    char same[200], other[200];
    snprintf(same, sizeof same, talk, "s");
    snprintf(other, sizeof other, talk, "t");
    becomes(same,
            "[{'messages': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'p'},"
            " {'role': 'assistant', 'content': 'a'}]}]",
            0);
    is_refused(other, "another than the system message");
}

static void ties(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"'winner': 'tie'",          "'winner': 'tie (bothbad)'",
                                           "'preference': 1.5",        "'preference': 0",
                                           "'preference_strength': 0", "'score_1': 2, 'score_2': 2"};
    for (int i = 0; i < COUNT(verdicts); i++) {
        char *row = mem_printf("{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', %s}", verdicts[i]);
        becomes(row, "[]", 1);
        free(row);
    }
}

/* A list of replies: a row for every two of different worth. */
static void lists(void **state)
{
    (void)state;
    becomes("{'instruction': 'p', 'models': ['m', 'n', 'o'], 'source': 's', 'id': 'u', 'completions': ["
            "{'model': 'm', 'response': 'a', 'overall_score': 7, 'critique': 'x'}, {'model': 'n', 'response': 'b',"
            " 'overall_score': 7}, {'model': 'o', 'response': 'c', 'overall_score': 9.5}]}",
            "[{'prompt': 'p', 'responses': ['a', 'c'], 'preferred': 1, 'models': ['m', 'o'], 'of': [0, 2],"
            " 'scores': [7.0, 9.5], 'comparison': {'replies': [{'critique': 'x'}, {}]}, 'source': 's'},"
            " {'prompt': 'p', 'responses': ['b', 'c'], 'preferred': 1, 'models': ['n', 'o'], 'of': [1, 2],"
            " 'scores': [7.0, 9.5], 'source': 's'}]",
            1);
    becomes("{'prompt': '\\n\\nHuman: p\\n\\nAssistant: ', 'answers': [{'answer': 'a', 'model': 'm', 'rank': 2},"
            " {'answer': 'b', 'model': 'n', 'rank': 1}], 'turns': 1}",
            "[{'prompt': [{'role': 'user', 'content': 'p'}], 'responses': ['a', 'b'], 'preferred': 1,"
            " 'models': ['m', 'n'], 'of': [0, 1], 'turns': 1}]",
            0);
    becomes("{'question': 'p', 'answers': [{'text': 'a', 'pm_score': 3}, {'text': 'b', 'pm_score': 0}]}",
            "[{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 0, 'of': [0, 1], 'scores': [3.0, 0.0]}]", 0);
    becomes("{'prompt': 'p', 'generations': ['a', 'b', 'c'], 'ratings': ['5', null, 3]}",
            "[{'prompt': 'p', 'responses': ['a', 'c'], 'preferred': 0, 'of': [0, 2], 'scores': [5.0, 3.0]}]", 0);
    becomes("{'prompt': 'p', 'responses': ['a', 'b'], 'scores': [1, 2]}",
            "[{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 1, 'of': [0, 1], 'scores': [1.0, 2.0]}]", 0);
    becomes("{'prompt': 'p', 'completions': ['a', 'a'], 'scores': [1, 2]}", "[]",
            1); /* of two same texts none is better */
}

/* What stays what it was. */
static void no_comparisons(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{'prompt': 'p', 'answers': ['4', 'four']}",
        "{'prompt': 'p', 'answers': [{'text': 'x', 'start': 3}]}",
        "{'prompt': 'p', 'answer': 'x', 'label': 3}",
        "{'prompt': 'p', 'responses': ['a', 'b', 'c']}",
        "{'prompt': 'p', 'responses': ['a', 'b'], 'score': [0.5, 1.5]}",
        "{'prompt': 'p', 'responses': ['a', 'b'], 'models': ['m', 'n'], 'ranks': [1, 2], 'rater': 'ann'}",
        "{'prompt': 'p', 'completion': 'c', 'label': false}",
        "{'prompt': 'p', 'response': 'r', 'response_1': 'a', 'response_2': 'b'}",
        "{'prompt': 'p', 'responses': ['a', 'b'], 'generations': ['x', 'y', 'z']}"};
    for (int i = 0; i < COUNT(rows); i++) {
        char *same = mem_printf("[%s]", rows[i]);
        becomes(rows[i], same, 0);
        free(same);
    }
}

/* Rows that are ours stay as they are. In a pair that people chose from what it says of its list, and what a reward model made of
 * it, decide nothing; a null takes nothing with it. */
static void ours_again(void **state)
{
    (void)state;
    static const char *const rows[] = {
        AB ", 'preferred': 1, 'of': [1, 2], 'scores': [1.0, 3.0], 'group': 'g'}",
        AB ", 'preferred': 1, 'scores': [2, 2]}",
        AB ", 'preferred': 1, 'rewards': [2.0, 1.0]}",
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char *list = mem_printf("[%s]", rows[i]);
        becomes(rows[i], list, 0);
        free(list);
    }
    becomes("{'system': 's', 'messages': [{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': 'a'}],"
            " 'conversations': null}",
            "[{'messages': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'p'},"
            " {'role': 'assistant', 'content': 'a'}], 'conversations': null}]",
            0);
}

static void refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'winner': 'the cat'}", "\"winner\" is \"the cat\""},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'preference': 3}", "\"preference\" is 3"},
        {"{'prompt': 'p', 'response_a': 'a', 'response_b': 'b', 'preference': 1}", "\"preference\" is 1"},
        {"{'instruction': 'p', 'history': [['q', 'r']], 'chosen': 'a', 'rejected': 'b'}", "\"history\", turns before"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'label': 1}", "\"label\" is 1"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'winner': '1', 'preference': 2}",
         "contradict each other"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'winner': '1', 'score_1': 1, 'score_2': 2}",
         "has the lower score"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'response_3': 'c'}", "which of 3 responses"},
        {"{'prompt': 'p', 'response_1': 'a', 'response_2': 'b', 'response_3': 'c', 'winner': '1'}", "a verdict on two"},
        {"{'response_1': 'a', 'response_2': 'b', 'winner': '1'}", "have no prompt"},
        {"{'prompt': 'p', 'completions': [{'response': 'a', 'score': 1}, {'score': 2}]}", "has no text"},
        {"{'prompt': 'p', 'completions': [{'response': 'a', 'score': 1}]}", "has 1 entry"},
        {"{'prompt': 'p', 'completions': [{'response': 'a'}, {'response': 'b'}]}", "nothing says which"},
        {"{'prompt': 'p', 'completions': ['a', 'b', 'c']}", "nothing says which"},
        {"{'prompt': 'p', 'generations': ['a', 'b'], 'ratings': [1]}", "1 entries for 2 responses"},
        {"{'prompt': 'p', 'generations': ['a', 'b'], 'ratings': [1, 'good']}", "no number"},
        {"{'prompt': 'p', 'completions': ['a', 'b'], 'labels': [true, false]}", "steps of one completion"},
        {"{'prompt': '[\\'p\\', \\'q\\']', 'response_a': '[\\'a\\']', 'response_b': '[\\'b\\']', 'winner_model_a': 1}",
         "do not fit together"},
        {"{'prompt': 'p', 'first': 'a', 'other': 'b', 'winner': 'a'}", "\"winner\" speaks of two responses"},
        {"{'prompt': 'p', 'rejected': 'b'}", "\"rejected\" speaks of two responses"},
        {"{'prompt': 'p', 'chosen': 'a'}", "\"chosen\" speaks of two responses"},
        {"{'prompt': 'p', 'preferred': 1}", "\"preferred\" speaks of two responses"},
        {"{'prompt': 'p', 'response_chosen': 'a', 'response_rejected': 'b'}", "\"response_chosen\" and its opposite"},
        {"{'prompt': 'p', 'y_w': 'a', 'y_l': 'b'}", "\"y_w\" and its opposite"},
        {"{'prompt': 'p', 'good': 'a', 'bad': 'b'}", "\"good\" and its opposite"},
        {"{'prompt': 'p', 'second_answer': 'b', 'first_answer': 'a'}", "\"first_answer\" and its opposite"},
        {"{'prompt': 'p', 'response_0': 'a', 'response_1': 'b', 'winner': '-1'}", "\"winner\" is \"-1\""},
        {"{'prompt': 'p', 'answer_1': 'a', 'answer_2': 'b', 'score_1': '4', 'score_2': 'none'}", "no number"},
    };
    for (int i = 0; i < COUNT(cases); i++)
        is_refused(cases[i][0], cases[i][1]);
}

/* --- whole files --- */

static json_t *import_lines(const char *lines, json_t **rows)
{
    char *folder = make_folder(), *in = path_join(folder, "in.jsonl"), *out = path_join(folder, "out.jsonl"),
         *text = mem_str(lines);
    ImportOptions *o = options_new(&import_table);
    Work work = {.common = &o->common};
    Rows written;
    Err err = {0};
    for (char *s = text; (s = strchr(s, '\'')); s++)
        *s = '"';
    need_ok(file_write(in, text, strlen(text), &err), &err);
    options_put(&import_table, o, "input", in);
    options_put(&import_table, o, "output", out);
    need_ok(import_rows(&work, o, &err), &err);
    need_ok(rows_read(&written, out, 0, false, &err), &err);
    *rows = json_array();
    for (int i = 0; i < written.n; i++)
        json_array_append(*rows, written.row[i].json);
    rows_release(&written);
    options_free(&import_table, o);
    remove_folder(folder);
    free(text);
    free(out);
    free(in);
    return work.summary;
}

static int left_out(const json_t *summary, const char *why)
{
    return (int)json_number_of(json_object_get(summary, "left_out"), why, -1);
}

/* The pairs of one prompt have its row's id, or else its content, in common, and no id of their own. */
static void groups(void **state)
{
    (void)state;
    json_t *rows,
        *summary = import_lines("{'id': 5, 'prompt': 'p', 'generations': ['a', 'b', 'c'], 'scores': [1, 2, 2]}\n"
                                "{'prompt': 'q', 'generations': ['a', 'b'], 'scores': [1, null]}\n"
                                "{'prompt': 'r', 'generations': ['a', 'b'], 'scores': [1, 2]}\n",
                                &rows);
    assert_int_equal(json_array_size(rows), 3);
    assert_int_equal(left_out(summary, "ties"), 1);
    assert_int_equal(left_out(summary, "unscored"), 1);
    for (size_t i = 0; i < 3; i++)
        assert_null(json_object_get(json_array_get(rows, i), "id"));
    assert_string_equal(json_text_of(json_array_get(rows, 0), "group"), "5");
    assert_string_equal(json_text_of(json_array_get(rows, 1), "group"), "5");
    assert_int_equal(strlen(json_text_of(json_array_get(rows, 2), "group")), 64);
    json_decref(rows);
    json_decref(summary);
}

/* HelpSteer has a row for each reply. */
static void replies_in_rows(void **state)
{
    (void)state;
    json_t *rows,
        *want = json_of("[{'prompt': 'p', 'responses': ['a', 'b'], 'preferred': 1, 'of': [0, 1],"
                        " 'scores': [2.0, 3.0], 'comparison': {'replies': [{'verbosity': 1}, {'verbosity': 2}]},"
                        " 'group': ''}]");
    json_t *summary = import_lines("{'prompt': 'p', 'response': 'a', 'helpfulness': 2, 'verbosity': 1}\n"
                                   "{'prompt': 'q', 'response': 'x', 'helpfulness': 4, 'verbosity': 0}\n"
                                   "{'prompt': 'p', 'response': 'b', 'helpfulness': 3, 'verbosity': 2}\n",
                                   &rows);
    assert_int_equal(left_out(summary, "alone"), 1);
    json_object_set_new(json_array_get(rows, 0), "group", json_string(""));
    if (!json_equal(rows, want))
        fail_msg("%s", json_text(rows));
    json_decref(rows);
    json_decref(summary);
    json_decref(want);
    summary = import_lines("{'prompt': 'p', 'response': 'a', 'helpfulness': 2}\n{'prompt': 'q', 'response': 'b',"
                           " 'helpfulness': 4}\n",
                           &rows); /* where no prompt has two, they are responses */
    assert_int_equal(json_array_size(rows), 2);
    assert_non_null(json_text_of(json_array_get(rows, 0), "response"));
    json_decref(rows);
    json_decref(summary);
}

/* Commands read two replies as a pair; what a row has them from goes when it gets others. */
static void read_by_commands(void **state)
{
    (void)state;
    json_t *row = json_of("{'question': 'p', 'response_a': 'a', 'response_b': 'b', 'winner': 'b', 'x': 1}"),
           *many = json_of("{'prompt': 'p', 'generations': ['a', 'b', 'c'], 'scores': [1, 2, 3]}"),
           *want = json_of("{'x': 1}");
    RowView v;
    Err err = {0};
    need_ok(row_view(row, NEED_PAIR, &v, &err), &err);
    assert_string_equal(v.context.text, "p");
    assert_string_equal(v.response[1].text, "b");
    assert_int_equal(v.preferred, 1);
    row_view_release(&v);
    need_ok(row_view(row, NEED_DEMONSTRATION, &v, &err), &err);
    assert_int_equal(v.n, 1);
    assert_string_equal(v.response[0].text, "b");
    row_view_release(&v);
    assert_false(row_view(many, NEED_PAIR, &v, &err));
    says(err.hint, "rlaif import");
    row_drop_comparison(row);
    assert_true(json_equal(row, want));
    json_decref(row);
    json_decref(many);
    json_decref(want);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_replies),
        cmocka_unit_test(whole_conversations),
        cmocka_unit_test(system_messages),
        cmocka_unit_test(ties),
        cmocka_unit_test(lists),
        cmocka_unit_test(no_comparisons),
        cmocka_unit_test(ours_again),
        cmocka_unit_test(refused),
        cmocka_unit_test(groups),
        cmocka_unit_test(replies_in_rows),
        cmocka_unit_test(read_by_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
