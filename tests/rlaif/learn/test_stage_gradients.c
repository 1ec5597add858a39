/* The losses that stages report, against the gradients that their optimizers receive: AdamW's first moment after one step
 * without a learning rate is the gradient, and the stage run on moved models says what the loss is there. */
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "tiny.h"
#include "training.h"

#include "base/mem.h"

typedef struct Trained {
    const char *name;
    const OptionTable *table;
    StageFunction *stage;
    int heads;
    const char *data, *how[3];
} Trained;

static const Trained stages[] = {
    {"sft", &sft_table, sft_stage, HEAD_LM, "data=@demos.jsonl", {"batch=8"}},
    {"reward, soft labels", &reward_table, reward_stage, HEAD_REWARD, "pairs=@pairs.jsonl", {"batch=8", "labels=ai"}},
    {"reward, both labels",
     &reward_table,
     reward_stage,
     HEAD_REWARD,
     "pairs=@pairs.jsonl",
     {"batch=16", "labels=both", "weight-human=0.3"}},
    {"reward, groups", &reward_table, reward_stage, HEAD_REWARD, "pairs=@groups.jsonl", {"batch=18"}},
};

enum { DIRECTIONS = 2 };

/* One step without a rate on the whole data: nothing moves. Returns the loss. */
static double one_step(Bench *b, const Trained *t, const char *from)
{
    Err err = {0};
    char model[200];
    snprintf(model, sizeof model, "model=%s", from);
    need_ok(bench_run(b, t->table, t->stage, "probe", &err, t->data, model, "output=@probe", "optimizer=adamw", "lr=0",
                      "clip=0", "save-every=1", t->how[0], t->how[1], t->how[2], NULL),
            &err);
    return bench_metric(b, "probe", 0, "loss");
}

static void check_direction(Bench *b, const Trained *t, Model *m, const Weights *gradient, int direction)
{
    static const double at[4] = {-2, -1, 1, 2}, h = 4e-3;
    Err err = {0};
    double length = sqrt(move_along(m, gradient, direction, 0)), f[4];
    float *old = mem_copy(m->w.block, m->w.floats, sizeof(float));
    char *moved = bench_path(b, "moved");
    for (int k = 0; k < 4; k++) {
        move_along(m, gradient, direction, at[k] * h / length);
        need_ok(model_save(m, moved, &err), &err);
        f[k] = one_step(b, t, moved);
        memcpy(m->w.block, old, m->w.floats * sizeof(float));
    }
    double along = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
    if (!(fabs(along - length) < 2e-3 * length) || !(length > 1e-3))
        fail_msg("%s, direction %d: differences %.7g, the gradient's length %.7g", t->name, direction, along, length);
    free(old);
    free(moved);
}

static void agrees(void **state)
{
    static const char *const dir[] = {TINY_LLAMA_DIR, "tests/fixtures/tiny-gemma3"};
    const Trained *t = *state;
    for (int kind = 0; kind < COUNT(dir); kind++) {
        Bench b;
        Weights gradient;
        bench_open(&b, CPU_AUTO, 1);
        one_step(&b, t, dir[kind]);
        double norm = bench_metric(&b, "probe", 0, "grad_norm");
        Model *m = bench_gradient(&b, "probe", t->heads, &gradient);
        assert_true(fabs(sqrt(move_along(m, &gradient, 0, 0)) - norm) < 1e-5 * norm);
        for (int k = 0; k < DIRECTIONS; k++)
            check_direction(&b, t, m, &gradient, k);
        weights_free(&gradient);
        model_free(m);
        bench_end(&b);
    }
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(stages)];
    for (int i = 0; i < COUNT(stages); i++)
        tests[i] = (struct CMUnitTest){
            .name = stages[i].name, .test_func = agrees, .initial_state = (void *)(uintptr_t)&stages[i]};
    return cmocka_run_group_tests_name("stage gradients", tests, NULL, NULL);
}
