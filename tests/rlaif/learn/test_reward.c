/* Reward models as a stage: labels of two sources by weight, parts of them, the centre on other rows, held-out pairs and
 * the plateau. */
#include "rlaif/learn/reward.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/label/score.h"
#include "training.h"

#include <float.h>

/* The loss of the first step, which all pairs take part in. */
static double first_loss(Bench *b, const char *labels, const char *ai, const char *human)
{
    Err err = {0};
    need_ok(bench_run(b, &reward_table, reward_stage, "weights", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@weights", "batch=100", labels, ai, human, NULL),
            &err);
    return bench_metric(b, "weights", 0, "loss");
}

/* L = sum w_i L_i / N. */
static void weights(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    double ai = first_loss(&b, "labels=ai", "weight-ai=1", "weight-human=1");
    double human = first_loss(&b, "labels=human", "weight-ai=1", "weight-human=1");
    assert_int_equal((int)bench_summary(&b, "pairs_human"), 8);
    assert_int_equal((int)bench_summary(&b, "pairs_ai"), 0);
    assert_true(fabs(ai - human) > 1e-4);
    close_to(first_loss(&b, "labels=both", "weight-ai=1", "weight-human=1"), (ai + human) / 2, 1e-12);
    close_to(first_loss(&b, "labels=both", "weight-ai=0.25", "weight-human=3"), (0.25 * ai + 3 * human) / 2, 1e-12);
    close_to(first_loss(&b, "labels=both", "weight-ai=0", "weight-human=1"), human / 2, 1e-12);
    close_to(first_loss(&b, "labels=ai", "weight-ai=2", "weight-human=1"), 2 * ai, 1e-12);
    assert_int_equal((int)bench_summary(&b, "pairs_ai"), 8);
    bench_end(&b);
}

/* People's choices in one file and AI labels in another are what they are in one file; --limit is of each. */
static void several_files(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    Str people = {0}, ai = {0}, all = {0};
    bench_begin(&b);
    for (int i = 0; i < 6; i++)
        str_addf(i < 3 ? &people : &ai, "{\"prompt\": \"No %d?\", \"responses\": [\"Yes.\", \"No %d, no.\"], %s}\n", i,
                 i, i < 3 ? "\"preferred\": 1" : "\"label\": {\"p\": 0.8}");
    str_addf(&all, "%s%s", str_text(&people), str_text(&ai));
    bench_put(&b, "people.jsonl", &people);
    bench_put(&b, "ai.jsonl", &ai);
    bench_put(&b, "all.jsonl", &all);
    need_ok(bench_run(&b, &reward_table, reward_stage, "apart", &err, "pairs=@people.jsonl", "pairs=@ai.jsonl",
                      "model=" TINY_LLAMA_DIR, "output=@apart", "batch=4", "epochs=2", "lr=1e-3", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "pairs_human"), 3);
    assert_int_equal((int)bench_summary(&b, "pairs_ai"), 3);
    need_ok(bench_run(&b, &reward_table, reward_stage, "whole", &err, "pairs=@all.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@whole", "batch=4", "epochs=2", "lr=1e-3", NULL),
            &err);
    bench_same(&b, "apart/model.safetensors", "whole/model.safetensors");
    need_ok(bench_run(&b, &reward_table, reward_stage, "few", &err, "pairs=@people.jsonl", "pairs=@ai.jsonl",
                      "model=" TINY_LLAMA_DIR, "output=@few", "limit=2", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "pairs"), 4);
    bench_end(&b);
}

static double mean_score(Bench *b, const char *model, const char *rows)
{
    Err err = {0};
    need_ok(bench_run(b, &score_table, score_stage, "score", &err, model, rows, NULL), &err);
    return bench_summary(b, "mean");
}

/* A row may have more responses than are read at once: each has the score that it has alone. */
static void many_responses(void **state)
{
    (void)state;
    enum { MANY = 70 };
    Bench b;
    Err err = {0};
    Str together = {0}, alone = {0};
    bench_begin(&b);
    for (int i = 0; i < MANY; i++) {
        str_addf(&together, "%s\"no, %d\"", i ? ", " : "{\"prompt\": \"On rain\", \"responses\": [", i);
        str_addf(&alone, "{\"id\": \"%d\", \"prompt\": \"On rain\", \"response\": \"no, %d\"}\n", i, i);
    }
    str_add(&together, "]}\n");
    bench_put(&b, "together.jsonl", &together);
    bench_put(&b, "alone.jsonl", &alone);
    need_ok(bench_run(&b, &score_table, score_stage, "together", &err, "model=@reward", "rows=@together.jsonl", NULL) &&
                bench_run(&b, &score_table, score_stage, "alone", &err, "model=@reward", "rows=@alone.jsonl", NULL),
            &err);
    json_t *one = bench_rows(&b, "together"), *each = bench_rows(&b, "alone");
    const json_t *scores = json_object_get(json_array_get(one, 0), "score");
    assert_int_equal(json_array_size(scores), MANY);
    for (size_t i = 0; i < MANY; i++) {
        const json_t *score = json_object_get(json_array_get(each, i), "score");
        score = json_is_array(score) ? json_array_get(score, 0) : score;
        if (json_number_value(score) != json_number_value(json_array_get(scores, i)))
            fail_msg("response %d: %.17g, alone %.17g", (int)i, json_number_value(json_array_get(scores, i)),
                     json_number_value(score));
    }
    json_decref(one);
    json_decref(each);
    bench_end(&b);
}

/* Where it is centred, rewards are 0 on average; the scale stays that of the training rows. */
static void centre(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    close_to(mean_score(&b, "model=@reward", "rows=@pairs.jsonl"), 0, 1e-6);
    double elsewhere = mean_score(&b, "model=@reward", "rows=@replies.jsonl");
    assert_true(fabs(elsewhere) > 1e-3);
    need_ok(bench_run(&b, &reward_table, reward_stage, "centred", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@centred", "batch=4", "lr=1e-3", "centre-on=@replies.jsonl", NULL),
            &err);
    double scale = bench_summary(&b, "scale"),
           shift = bench_summary(&b, "centre") - bench_summary(&b, "training_centre");
    assert_int_equal((int)bench_summary(&b, "centre_responses"), 8);
    assert_true(bench_summary(&b, "centre_sd") > 0);
    close_to(shift / scale, elsewhere, 1e-6);
    close_to(mean_score(&b, "model=@centred", "rows=@replies.jsonl"), 0, 1e-6);
    close_to(mean_score(&b, "model=@centred", "rows=@pairs.jsonl"), -elsewhere, 1e-6);
    bench_same(&b, "reward/model.safetensors", "centred/model.safetensors");
    bench_end(&b);
}

/* Training goes on from any checkpoint: another reward model keeps its head, a policy gets one. */
static void starts(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &reward_table, reward_stage, "on", &err, "pairs=@pairs.jsonl", "model=@reward", "output=@on",
                      "batch=100", "lr=0", NULL),
            &err);
    bench_same(&b, "reward/model.safetensors", "on/model.safetensors");
    need_ok(bench_run(&b, &reward_table, reward_stage, "save", &err, "pairs=@pairs.jsonl", "model=@reward",
                      "output=@save", "batch=4", "save-every=1", NULL),
            &err);
    need_ok(bench_run(&b, &reward_table, reward_stage, "from", &err, "pairs=@pairs.jsonl",
                      "model=@save/checkpoint-000001", "output=@from", "batch=100", "lr=0", NULL),
            &err);
    bench_same(&b, "save/checkpoint-000001/model.safetensors", "from/model.safetensors");
    bench_end(&b);
}

/* --- held-out pairs --- */

/* Head scores of both responses of every pair, from the scores that are centred and scaled. */
static int margins(Bench *b, const char *model, const char *pairs, double *margin, int most)
{
    Err err = {0};
    need_ok(bench_run(b, &score_table, score_stage, "margins", &err, model, pairs, NULL), &err);
    json_t *rows = bench_rows(b, "margins"), *row;
    size_t i;
    int n = 0;
    json_array_foreach(rows, i, row)
    {
        const json_t *score = json_object_get(row, "score");
        assert_true(n < most);
        margin[n++] = json_number_value(json_array_get(score, 0)) - json_number_value(json_array_get(score, 1));
    }
    json_decref(rows);
    return n;
}

/* -p log sigma(d) - (1 - p) log sigma(-d), with libm. */
static double cross_entropy(double d, double p)
{
    return p * log1p(exp(-d)) + (1 - p) * log1p(exp(d));
}

/* Accuracy and loss on held-out pairs, by people's choices and by a judge's labels, against scores of the finished model. */
static void held_out(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    for (int ai = 0; ai < 2; ai++) {
        need_ok(bench_run(&b, &reward_table, reward_stage, "held", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@held", "batch=4", "epochs=2", "lr=1e-3", "eval=@rated.jsonl", "eval-every=3",
                          ai ? "eval-labels=ai" : "eval-labels=human", NULL),
                &err);
        double accuracy = bench_summary(&b, "eval_accuracy"), loss = bench_summary(&b, "eval_loss"),
               scale = bench_summary(&b, "scale"), margin[8], right = 0, sum = 0;
        int chosen = 0;
        assert_int_equal((int)bench_summary(&b, "steps"), 4);
        assert_true(bench_summary(&b, "eval_prompts") > 0 &&
                    bench_summary(&b, "eval_prompts") <= bench_summary(&b, "eval_pairs"));
        assert_true(isnan(bench_metric(&b, "held", 0, "eval_loss")) && isnan(bench_metric(&b, "held", 1, "eval_loss")));
        assert_false(isnan(bench_metric(&b, "held", 2, "eval_accuracy")));
        close_to(bench_metric(&b, "held", 3, "eval_accuracy"), accuracy, 0);
        close_to(bench_metric(&b, "held", 3, "eval_loss"), loss, 0);
        assert_int_equal(margins(&b, "model=@held", "rows=@rated.jsonl", margin, 8), 8);
        for (int i = 0; i < 8; i++) {
            double p = ai ? 0.2 + 0.1 * (i % 7) : i % 3 != 0; /* as in tests/training.c */
            p = fabs(p - 0.5) < 1e-9 ? 0.5 : p;
            sum += cross_entropy(margin[i] * scale, p) / 8;
            right += p != 0.5 && (margin[i] > 0) == (p > 0.5);
            chosen += p != 0.5;
        }
        close_to(accuracy, right / chosen, 1e-12);
        close_to(loss, sum, 1e-6);
    }
    bench_end(&b);
}

static double planned(Bench *b, const char *rows)
{
    Err err = {0};
    need_ok(bench_run(b, &reward_table, reward_stage, "plan", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@plan", rows, NULL),
            &err);
    return bench_summary(b, "planned_bytes");
}

/* Rows that only rewards are wanted of, longer than those that are trained on. */
static void planned_for(void **state)
{
    (void)state;
    Bench b;
    Str rows = {0};
    bench_open(&b, CPU_AUTO, 1);
    for (int i = 0; i < 40; i++)
        str_addf(&rows, "{\"prompt\": \"%0150d\", \"responses\": [\"a\", \"b\"], \"preferred\": 0}\n", i);
    bench_put(&b, "long.jsonl", &rows);
    double alone = planned(&b, "limit=8");
    assert_true(planned(&b, "eval=@long.jsonl") > alone + 1e6);
    assert_true(planned(&b, "centre-on=@long.jsonl") > alone + 1e6);
    bench_end(&b);
}

/* --- the plateau --- */

/* Nothing is learned: the first evaluation stays the best, and two more without a better one end it. */
static void stops_at_the_plateau(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &reward_table, reward_stage, "flat", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@flat", "batch=4", "epochs=5", "lr=0", "eval=@rated.jsonl", "eval-every=1",
                      "early-stop=2", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "steps"), 3);
    assert_int_equal((int)bench_summary(&b, "best_step"), 1);
    assert_true(json_is_true(json_object_get(b.work.summary, "stopped_early")));
    bench_same(&b, "flat/model.safetensors", "flat/checkpoint-000001/model.safetensors");
    bench_end(&b);
}

/* Of many evaluations the model of the best accuracy is the result, the earliest of equal ones. */
static void best_is_kept(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &reward_table, reward_stage, "best", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@best", "batch=2", "epochs=4", "lr=3e-2", "eval=@rated.jsonl", "eval-every=1",
                      "early-stop=100", NULL),
            &err);
    int best = 0, steps = (int)bench_summary(&b, "steps");
    double most = -1;
    assert_int_equal(steps, 16);
    for (int i = 0; i < steps; i++) {
        double accuracy = bench_metric(&b, "best", i, "eval_accuracy");
        if (accuracy > most) {
            most = accuracy;
            best = i + 1;
        }
    }
    assert_true(best < steps); /* or this shows nothing */
    assert_int_equal((int)bench_summary(&b, "best_step"), best);
    close_to(bench_summary(&b, "eval_accuracy"), most, 0);
    close_to(bench_summary(&b, "eval_loss"), bench_metric(&b, "best", best - 1, "eval_loss"), 0);
    char *checkpoint = mem_printf("best/checkpoint-%06d/model.safetensors", best);
    bench_same(&b, "best/model.safetensors", checkpoint);
    free(checkpoint);
    bench_end(&b);
}

/* --- parts of the labels --- */

static void subset(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    static const struct {
        const char *option;
        int pairs;
    } parts[] = {{"subset=3", 3}, {"subset=50%", 4}, {"subset=2/3", 5}, {"subset=100", 8}};
    for (int i = 0; i < COUNT(parts); i++) {
        Err err = {0};
        need_ok(bench_run(&b, &reward_table, reward_stage, "part", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@part", parts[i].option, NULL),
                &err);
        assert_int_equal((int)bench_summary(&b, "pairs"), parts[i].pairs);
    }
    bench_end(&b);
}

/* --- numbers that are not finite --- */

/* The pair whose loss is not finite is named, with the step, and held-out pairs as such: the head is so large that one reward alone overflows, and
 * the weight 0, so that no gradient does before. */
static void names_the_pair(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    bench_reward_at(&b, "reward", "first", 0, 1);
    need_ok(bench_run(&b, &score_table, score_stage, "first", &err, "model=@first", "rows=@pairs.jsonl", NULL), &err);
    json_t *rows = bench_rows(&b, "first");
    double most = 0, next = 0;
    int row = -1, order[8], step = 0;
    for (int i = 0; i < 16; i++) {
        const json_t *scores = json_object_get(json_array_get(rows, (size_t)i / 2), "score");
        double x = fabs(json_number_value(json_array_get(scores, (size_t)i % 2)));
        next = x > most ? most : x > next ? x : next;
        row = x > most ? i / 2 : row;
        most = x > most ? x : most;
    }
    json_decref(rows);
    bench_reward_at(&b, "reward", "bad", 0, (double)FLT_MAX / sqrt(most * next));
    epoch_order(0, 0, order, 8);
    while (order[step] != row)
        step++;
    bool ok = bench_run(&b, &reward_table, reward_stage, "nan", &err, "pairs=@pairs.jsonl", "model=@bad", "output=@nan",
                        "batch=1", "labels=human", "weight-human=0", NULL);
    char words[100];
    snprintf(words, sizeof words, "step %d, %s/pairs.jsonl:%d: the loss is not finite", step, b.folder, row + 1);
    if (ok || err.code != ERR_NUMBER || !strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    assert_true(row > 0); /* the first can be trained on, the others are held out */
    Str others = {0};
    char *path = bench_path(&b, "pairs.jsonl"), *pairs;
    size_t n;
    err_clear(&err);
    need_ok(file_read(path, 1 << 20, &pairs, &n, &err), &err);
    str_add(&others, strchr(pairs, '\n') + 1);
    bench_put(&b, "others.jsonl", &others);
    free(pairs);
    free(path);
    assert_false(bench_run(&b, &reward_table, reward_stage, "nan", &err, "pairs=@pairs.jsonl", "model=@bad",
                           "output=@nan", "limit=1", "labels=human", "weight-human=0", "eval=@others.jsonl", NULL));
    assert_non_null(strstr(err.msg, "step 0: what is measured on the held-out rows is not finite"));
    bench_end(&b);
}

/* A huge head: the loss is finite, the gradient of a pair that it has wrong is not, that of one that it has right is 0. */
static void names_the_gradient(void **state)
{
    (void)state;
    Bench b;
    Model *m;
    Err err = {0};
    bench_begin(&b);
    char *from = bench_path(&b, "reward"), *to = bench_path(&b, "huge"), *rows = bench_path(&b, "both.jsonl");
    need_ok(model_load(&m, from, b.work.device, 0, &err), &err);
    for (int c = 0; c < m->w.score.cols; c++)
        m->w.score.at[matrix_at(m->w.score, 0, c)] *= 1e37f;
    need_ok(model_save(m, to, &err), &err);
    model_free(m);
    static const char both[] = "{\"prompt\": \"a\", \"responses\": [\"b c\", \"d\"], \"preferred\": 0}\n"
                               "{\"prompt\": \"a\", \"responses\": [\"b c\", \"d\"], \"preferred\": 1}\n";
    need_ok(file_write(rows, both, strlen(both), &err), &err);
    double margin[2];
    assert_int_equal(margins(&b, "model=@huge", "rows=@both.jsonl", margin, 2), 2);
    bool ok = bench_run(&b, &reward_table, reward_stage, "inf", &err, "pairs=@both.jsonl", "model=@huge", "output=@inf",
                        "batch=2", "lr=0", NULL);
    char words[80];
    snprintf(words, sizeof words, "both.jsonl:%d: the gradient is not finite", margin[0] > 0 ? 2 : 1);
    if (ok || err.code != ERR_NUMBER || !strstr(err.msg, "step 0, ") || !strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    free(from);
    free(to);
    free(rows);
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    static const struct {
        const char *option[2], *words;
    } table[] = {
        {{"early-stop=2", "eval-every=1"}, "--eval-every needs --eval"},
        {{"early-stop=2", "eval=@rated.jsonl"}, "--early-stop needs --eval-every"},
        {{"subset=0", "eval-every=0"}, "--subset 0"},
        {{"subset=1%", "eval-every=0"}, "no row is left"},
        {{"subset=some", "eval-every=0"}, "--subset some"},
        {{"eval=@held.jsonl", "eval-every=0"}, "held.jsonl"},
        {{"eval=@chosen.jsonl", "eval-labels=ai"}, "a judge prefers"},
    };
    char *path = bench_path(&b, "chosen.jsonl");
    static const char chosen[] = "{\"prompt\": \"a\", \"responses\": [\"b\", \"c\"], \"preferred\": 0}\n";
    Err written = {0};
    need_ok(file_write(path, chosen, strlen(chosen), &written), &written);
    free(path);
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        bool ok = bench_run(&b, &reward_table, reward_stage, "bad", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                            "output=@bad", table[i].option[0], table[i].option[1], NULL);
        if (ok || err.code != ERR_INPUT || !strstr(err.msg, table[i].words))
            fail_msg("%d: \"%s\" does not say \"%s\"", i, err.msg, table[i].words);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),        cmocka_unit_test(several_files),
        cmocka_unit_test(many_responses), cmocka_unit_test(centre),
        cmocka_unit_test(starts),         cmocka_unit_test(held_out),
        cmocka_unit_test(planned_for),    cmocka_unit_test(stops_at_the_plateau),
        cmocka_unit_test(best_is_kept),   cmocka_unit_test(subset),
        cmocka_unit_test(names_the_pair), cmocka_unit_test(names_the_gradient),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("reward", tests, NULL, NULL);
}
