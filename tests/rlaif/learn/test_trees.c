/* Groups of pairs as trees: what a reward model learns of them is what it learns of the pairs apart. */
#include "rlaif/learn/reward.h"
#include "rlaif/learn/trees.h"
#include "training.h"

#include "base/file.h"
#include "base/mem.h"

/* FOLDER/to: the bench's groups, in another order of lines or without what makes them groups. */
static void put_groups(const Bench *b, const char *to, bool grouped, int stride)
{
    Err err = {0};
    Rows rows;
    Str text = {0};
    char *from = bench_path(b, "groups.jsonl");
    need_ok(rows_read(&rows, from, 0, false, &err), &err);
    for (int i = 0; i < rows.n; i++) {
        json_t *row = rows.row[i * stride % rows.n + i * stride / rows.n].json;
        if (!grouped)
            json_object_del(row, "group");
        json_append(&text, row);
        str_addc(&text, '\n');
    }
    bench_put(b, to, &text);
    rows_release(&rows);
    free(from);
}

/* A step on all pairs, without a rate: the loss, and the gradient of the model. */
static double one_step(Bench *b, const char *name, const char *pairs, const char *weight, Weights *gradient)
{
    Err err = {0};
    char *output = mem_printf("output=@%s", name);
    need_ok(bench_run(b, &reward_table, reward_stage, name, &err, pairs, "model=" TINY_LLAMA_DIR, output, weight,
                      "batch=18", "optimizer=adamw", "lr=0", "clip=0", "save-every=1", NULL),
            &err);
    free(output);
    assert_int_equal((int)bench_summary(b, "pairs"), 18);
    model_free(bench_gradient(b, name, HEAD_REWARD, gradient));
    return bench_metric(b, name, 0, "loss");
}

/* Loss and gradient of a tree are the sums over its pairs, computed apart, within rounding. */
static void sum_over_pairs(void **state)
{
    (void)state;
    Bench b;
    Weights together, apart;
    bench_open(&b, CPU_AUTO, 1);
    put_groups(&b, "apart.jsonl", false, 1);
    double a = one_step(&b, "together", "pairs=@groups.jsonl", "weight-ai=0.7", &together);
    double sd = bench_summary(&b, "sd"), margins = bench_summary(&b, "margin_distance");
    double c = one_step(&b, "apart", "pairs=@apart.jsonl", "weight-ai=0.7", &apart);
    close_to(a, c, 1e-6 * c);
    close_to(bench_summary(&b, "sd"), sd, 1e-6 * sd); /* each reply is in three pairs, or once in its tree */
    close_to(bench_summary(&b, "margin_distance"), margins, 1e-6);
    double most = largest(apart.block, apart.floats),
           off = largest_difference(together.block, apart.block, apart.floats);
    assert_true(most > 1e-3);
    if (!(off < 2e-5 * most))
        fail_msg("the gradients differ by %g, the largest number is %g", off, most);
    weights_free(&together);
    weights_free(&apart);
    bench_end(&b);
}

/* A tree is the same wherever its rows stand: lines of the groups by turns train the same model, to the bit. */
static void order_of_lines(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_open(&b, CPU_AUTO, 2);
    put_groups(&b, "by-turns.jsonl", true, 6);
    need_ok(bench_run(&b, &reward_table, reward_stage, "one", &err, "pairs=@groups.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@one", "batch=7", "epochs=2", "lr=1e-3", NULL) &&
                bench_run(&b, &reward_table, reward_stage, "two", &err, "pairs=@by-turns.jsonl",
                          "model=" TINY_LLAMA_DIR, "output=@two", "batch=7", "epochs=2", "lr=1e-3", NULL),
            &err);
    bench_same(&b, "one/model.safetensors", "two/model.safetensors");
    bench_end(&b);
}

/* --batch counts pairs: trees are taken until there are as many or more. */
static void batches_of_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *batch;
        int steps;
    } table[] = {{"batch=1", 3}, {"batch=6", 3}, {"batch=7", 2}, {"batch=12", 2}, {"batch=13", 1}, {"batch=100", 1}};
    Bench b;
    bench_open(&b, CPU_AUTO, 1);
    for (int i = 0; i < COUNT(table); i++) {
        Err err = {0};
        need_ok(bench_run(&b, &reward_table, reward_stage, "steps", &err, "pairs=@groups.jsonl",
                          "model=" TINY_LLAMA_DIR, "output=@steps", table[i].batch, NULL),
                &err);
        assert_int_equal((int)bench_summary(&b, "steps"), table[i].steps);
    }
    Err err = {0}; /* beside pairs of no group: 8 and 3 groups of 6 in batches of 10 or more are 2 or 3 an epoch */
    need_ok(bench_run(&b, &reward_table, reward_stage, "steps", &err, "pairs=@groups.jsonl", "pairs=@pairs.jsonl",
                      "labels=ai", "model=" TINY_LLAMA_DIR, "output=@steps", "batch=10", "epochs=5", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "pairs"), 26);
    int steps = (int)bench_summary(&b, "steps");
    assert_true(steps >= 10 && steps <= 15);
    bench_end(&b);
}

/* A part of the labels has whole groups. */
static void part_of_groups(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_open(&b, CPU_AUTO, 1);
    need_ok(bench_run(&b, &reward_table, reward_stage, "part", &err, "pairs=@groups.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@part", "subset=7", NULL),
            &err);
    assert_int_equal((int)bench_summary(&b, "pairs"), 12);
    bench_end(&b);
}

/* --- by hand -------------------------------------------------------------------------------------------- */

static Ids ids_of(const char *digits)
{
    Ids ids = {0};
    for (; *digits; digits++)
        ids_add(&ids, *digits - '0');
    return ids;
}

static void add(Trees *t, const Rows *rows, int row, const char *a, const char *b, double p, double weight)
{
    Ids ids[2] = {ids_of(a), ids_of(b)};
    trees_add(t, rows, row, ids, p, weight);
}

/* Equal sequences of a group stand once, of a pair alone twice; one name under two prompts is two groups. */
static void planted(void **state)
{
    (void)state;
    static const char text[] = "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"group\": \"g\"}\n"
                               "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"]}\n"
                               "{\"prompt\": \"q\", \"responses\": [\"a\", \"b\"], \"group\": \"g\"}\n"
                               "{\"prompt\": \"p\", \"responses\": [\"a\", \"c\"], \"group\": \"g\"}\n"
                               "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"]}\n";
    Rows rows;
    Trees t;
    Err err = {0};
    need_ok(rows_parse(&rows, "rows", text, strlen(text), 0, &err) && rows_view(&rows, NEED_PAIR, false, &err), &err);
    trees_init(&t, &rows);
    add(&t, &rows, 0, "1234", "1235", 0.9, 1);
    add(&t, &rows, 1, "1234", "1234", 0.9, 1);
    add(&t, &rows, 2, "9", "98", 0.9, 1);
    add(&t, &rows, 3, "1234", "127", 0.2, 2);
    add(&t, &rows, 4, "1234", "1235", 0.9, 1);
    assert_int_equal(t.n, 4);
    assert_int_equal(t.pairs, 5);
    assert_int_equal(t.sequences, 3 + 2 + 2 + 2);
    const Tree *tree = &t.at[0];
    assert_int_equal(tree->n, 3);
    assert_int_equal(tree->shared, 2);
    assert_int_equal(tree_tokens(tree), 2 + 2 + 2 + 1);
    assert_int_equal(tree->pair[1].of[0], 0);
    assert_int_equal(tree->pair[1].of[1], 2);
    assert_int_equal(tree_tokens(&t.at[1]), 4);
    assert_int_equal(tree_tokens(&t.at[2]), 2);

    /* L = -0.9 log s(1) - 0.1 log s(-1) + 2 (-0.2 log s(3) - 0.8 log s(-3)), s(1) = 0.7310586, s(3) = 0.9525741 */
    const float r[3] = {2, 1, -1};
    double by[3], loss = tree_loss(tree, r, by);
    close_to(loss, 0.31326169 + 0.1 + 2 * (0.04858735 + 0.8 * 3), 1e-7);
    close_to(by[1], -(0.73105858 - 0.9), 1e-7);
    close_to(by[2], -2 * (0.95257413 - 0.2), 1e-7);
    close_to(by[0] + by[1] + by[2], 0, 1e-12);
    trees_release(&t);
    rows_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_over_pairs), cmocka_unit_test(order_of_lines), cmocka_unit_test(batches_of_pairs),
        cmocka_unit_test(part_of_groups), cmocka_unit_test(planted),
    };
    return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
