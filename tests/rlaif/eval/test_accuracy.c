/* Evaluations of reward models, by one on the rows that it was trained on. */
#include "eval_helpers.h"
#include "rlaif/learn/reward.h"

/* A reward model trained for one step on the rows that it is then measured on, where no store knows: its rewards there have
 * mean 0 and deviation 1, and with the opposite choices it is as often wrong as it was right. */
static void reward_accuracy(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *model = path_join(folder, "reward");
    static const char rows[] = "{\"prompt\": \"one\", \"responses\": [\"yes\", \"no no\"], \"preferred\": 0}\n"
                               "{\"prompt\": \"two\", \"responses\": [\"perhaps\", \"well\"], \"preferred\": 1}\n"
                               "{\"prompt\": \"three\", \"responses\": [\"a\", \"b c\"], \"preferred\": 1}\n";
    char *with_more = mem_printf("%s{\"prompt\": \"four\", \"responses\": [\"a\", \"b\"]}\n", rows),
         *other = mem_str(rows);
    for (char *s = other; (s = strstr(s, "\"preferred\": ")); s += 13)
        s[13] = s[13] == '0' ? '1' : '0';
    char *pairs = write_rows(folder, "pairs.jsonl", rows), *more = write_rows(folder, "more.jsonl", with_more),
         *opposite = write_rows(folder, "opposite.jsonl", other);
    RewardOptions *train = options_new(&reward_table);
    options_put(&reward_table, train, "pairs", pairs);
    options_put(&reward_table, train, "model", TINY);
    options_put(&reward_table, train, "output", model);
    Work w = work_new(&train->common);
    need_ok(reward_stage(&w, "reward", train, &err) && store_stage_remove(w.store, "reward", &err), &err);
    AccuracyOptions o = {.pairs = more, .reward = model};
    need_ok(accuracy_stage(&w, "accuracy", &o, &err), &err);
    double accuracy = json_number_of(w.summary, "accuracy", -1), margin = json_number_of(w.summary, "mean_margin", -9);
    field(w.summary, "pairs", 3);
    field(w.summary, "without_choice", 1);
    field(w.summary, "longer_accuracy", (0 + 0 + 1) / 3.0);
    close_to(json_number_of(w.summary, "centre", -9), 0, 1e-5);
    close_to(json_number_of(w.summary, "scale", -9), sqrt(6.0 / 5), 1e-5); /* six rewards; n - 1 against n */
    o.pairs = opposite;
    need_ok(accuracy_stage(&w, "accuracy", &o, &err), &err);
    close_to(json_number_of(w.summary, "accuracy", -1), 1 - accuracy, 1e-12);
    close_to(json_number_of(w.summary, "mean_margin", -9), -margin, 1e-12);
    assert_true(margin != 0);
    work_free(&w);
    options_free(&reward_table, train);
    free(pairs);
    free(more);
    free(opposite);
    free(with_more);
    free(other);
    free(model);
    remove_folder(folder);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {cmocka_unit_test(reward_accuracy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
