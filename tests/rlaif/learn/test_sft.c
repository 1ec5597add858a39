/* Supervised fine-tuning as a stage: the loss on held-out completions, and the plateau. */
#include "rlaif/learn/sft.h"

#include "base/mem.h"
#include "training.h"

/* What was measured on held-out rows after the last update is the loss that a training on them, in one batch, begins with. */
static void held_out_loss(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char *const epochs[] = {"epochs=1", "epochs=3"};
    double measured[COUNT(epochs)];
    for (int i = 0; i < COUNT(epochs); i++) {
        need_ok(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@sft", "batch=8", epochs[i], "lr=1e-3", "eval=@replies.jsonl", "eval-every=1", NULL),
                &err);
        assert_int_equal((int)bench_summary(&b, "eval_rows"), 8);
        measured[i] = bench_summary(&b, "eval_loss");
        close_to(bench_metric(&b, "sft", i ? 2 : 0, "eval_loss"), measured[i], 0);
        need_ok(bench_run(&b, &sft_table, sft_stage, "again", &err, "data=@replies.jsonl", "model=@sft",
                          "output=@again", "batch=8", NULL),
                &err);
        close_to(bench_metric(&b, "again", 0, "loss"), measured[i], 1e-5);
    }
    assert_true(fabs(measured[0] - measured[1]) > 1e-3); /* or this shows nothing */
    bench_end(&b);
}

/* A rate that is far too high: the loss falls, then rises; what is delivered is the lowest. */
static void lowest_is_kept(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    need_ok(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@sft", "batch=2", "epochs=20", "lr=3e-2", "eval=@replies.jsonl", "eval-every=1",
                      "early-stop=3", NULL),
            &err);
    int steps = (int)bench_summary(&b, "steps"), best = 0;
    double least = INFINITY;
    for (int i = 0; i < steps; i++) {
        double loss = bench_metric(&b, "sft", i, "eval_loss");
        if (loss < least) {
            least = loss;
            best = i + 1;
        }
    }
    assert_true(steps < 80 && json_is_true(json_object_get(b.work.summary, "stopped_early")));
    assert_int_equal(best, steps - 3);
    assert_int_equal((int)bench_summary(&b, "best_step"), best);
    close_to(bench_summary(&b, "eval_loss"), least, 0);
    char *checkpoint = mem_printf("sft/checkpoint-%06d/model.safetensors", best);
    bench_same(&b, "sft/model.safetensors", checkpoint);
    free(checkpoint);
    bench_end(&b);
}

/* --- numbers that are not finite --- */

static void fails_with(Bench *b, const char *const *how, const char *words)
{
    Err err = {0};
    bool ok = bench_run(b, &sft_table, sft_stage, "sft", &err, "output=@nan", how[0], how[1], how[2], how[3], NULL);
    if (ok || err.code != ERR_NUMBER || !strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
}

/* A copy of the tiny model in which one logit overflows behind the word "Q" alone; elsewhere it is so low that its
 * probability is 0: it goes by the hidden state's first number, which the embeddings decide. */
static void put_overflowing(const Bench *b, const char *name)
{
    enum { RARE = 200 };
    Model *m;
    Ids ids = {0};
    Err err = {0};
    char *out = bench_path(b, name);
    need_ok(model_load(&m, TINY_LLAMA_DIR, b->work.device, HEAD_LM, &err) &&
                tokenizer_encode(m->tokenizer, "Q", 1, 0, &ids, &err),
            &err);
    for (int v = 0; v < m->w.embed.rows; v++)
        m->w.embed.at[matrix_at(m->w.embed, v, 0)] = v == ids.id[ids.n - 1] ? 1e6f : -5;
    m->w.lm_head.at[matrix_at(m->w.lm_head, RARE, 0)] = 8e37f;
    need_ok(model_save(m, out, &err), &err);
    model_free(m);
    ids_release(&ids);
    free(out);
}

/* The step is named, and the row, alone in its batch or not. */
static void names_the_row(void **state)
{
    (void)state;
    Bench b;
    char words[200];
    Str rows = {0};
    int order[4];
    bench_open(&b, CPU_AUTO, 1);
    put_overflowing(&b, "model");
    epoch_order(0, 0, order, 4);
    for (int i = 0; i < 4; i++)
        str_addf(&rows, "{\"prompt\": \"a\", \"completion\": \"%s c\"}\n", i == order[2] ? "Q" : "b");
    bench_put(&b, "rows.jsonl", &rows);
    static const char *const how[][4] = {{"data=@rows.jsonl", "model=@model", "lr=0", "batch=1"},
                                         {"data=@rows.jsonl", "model=@model", "lr=0", "batch=4"}};
    for (int i = 0; i < 2; i++) {
        snprintf(words, sizeof words, "step %d, %s/rows.jsonl:%d: the loss is not finite", i == 0 ? 2 : 0, b.folder,
                 order[2] + 1);
        fails_with(&b, how[i], words);
    }
    bench_end(&b);
}

static void refused(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    assert_false(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                           "output=@sft", "early-stop=3", "eval=@replies.jsonl", NULL));
    assert_non_null(strstr(err.msg, "--early-stop needs --eval-every"));
    bench_end(&b);
}

/* An empty completion is learned by its end; without one nothing is left of it, which is said with its line. */
static void empty(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    for (int cut_off = 0; cut_off < 2; cut_off++) {
        Err err = {0};
        Str rows = {0};
        str_addf(
            &rows,
            "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"completion\": \"\", \"ended\": %s}\n",
            cut_off ? "false" : "true");
        bench_put(&b, "empty.jsonl", &rows);
        bool ok = bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@empty.jsonl", "model=" TINY_LLAMA_DIR,
                            "output=@sft", "chat=false", NULL);
        assert_int_equal(ok, !cut_off);
        if (cut_off)
            says(err.msg, "empty.jsonl:2: the completion has no tokens");
        else
            assert_true(isfinite(bench_metric(&b, "sft", 0, "loss")));
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_loss), cmocka_unit_test(lowest_is_kept), cmocka_unit_test(names_the_row),
        cmocka_unit_test(refused),       cmocka_unit_test(empty),
    };
    return cmocka_run_group_tests_name("sft", tests, NULL, NULL);
}
