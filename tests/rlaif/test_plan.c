/* Plans: of a model that is not loaded they say in every byte what the stage says that loads it. */
#include "rlaif/plan.h"

#include "base/file.h"
#include "base/mem.h"
#include "classifier_helpers.h"
#include "model/export/export.h"
#include "rlaif/label/label.h"
#include "rlaif/learn/reward.h"
#include "rlaif/rl/rl.h"
#include "training.h"

/* The plan of a stage; fails the test where there is none. The caller releases it. */
static json_t *planned(Bench *b, const char *model, PlanOptions o)
{
    Err err = {0};
    json_t *plan;
    o.prompt_tokens = o.prompt_tokens ? o.prompt_tokens : 8;
    o.reply_tokens = o.reply_tokens ? o.reply_tokens : 6;
    need_ok(plan_stage(&plan, &b->work, model, &o, &err), &err);
    return plan;
}

static double bytes_of(Bench *b, const char *model, PlanOptions o)
{
    json_t *plan = planned(b, model, o);
    double bytes = json_number_of(plan, "planned_bytes", 0), sum = 0;
    const char *name;
    json_t *part;
    json_object_foreach(json_object_get(plan, "parts"), name, part) sum += json_number_value(part);
    assert_true(bytes > 0 && sum == bytes);
    assert_true(json_number_of(plan, "seconds", 0) > 0 && json_bool_of(plan, "fits", false));
    json_decref(plan);
    return bytes;
}

static void as_stages_say(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    char *pairs = bench_path(&b, "pairs.jsonl"), *prompts = bench_path(&b, "prompts.jsonl"),
         *judge = bench_path(&b, "judge.yaml"), *reward = bench_path(&b, "reward");
    char kl[] = "kl=loss", steps[] = "steps=2", *set[] = {kl, steps};
    bench_write(&b, "judge.yaml",
                "name: j\nkind: pairwise\nitem: \"{context} {response_1} {response_2}\"\nending: \" Better:\"\n"
                "answers: [\"1\", \"2\"]\n");
    need_ok(bench_run(&b, &label_table, label_stage, "label", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "prompt=@judge.yaml", NULL),
            &err);
    double said = json_number_of(json_object_get(b.work.summary, "plan"), "planned_bytes", 0);
    assert_true(said == bytes_of(&b, TINY_LLAMA_DIR, (PlanOptions){PLAN_LABEL, .rows = pairs, .prompt = judge}));
    need_ok(bench_run(&b, &reward_table, reward_stage, "rm", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@rm", "batch=4", "optimizer=adamw", NULL),
            &err);
    assert_true(
        bench_summary(&b, "planned_bytes") ==
        bytes_of(&b, TINY_LLAMA_DIR, (PlanOptions){PLAN_REWARD, .rows = pairs, .batch = "4", .optimizer = "adamw"}));
    for (int group = 0; group < 2; group++) {
        const char *baseline = group ? "group" : "value";
        char *given = mem_printf("baseline=%s", baseline);
        need_ok(bench_run(&b, &rl_table, rl_stage, baseline, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          "reward=@reward", "steps=2", "batch=4", "samples=2", "kl=loss", "max-new-tokens=6", given,
                          group ? "output=@group" : "output=@value", NULL),
                &err);
        PlanOptions o = {PLAN_RL,        .rows = prompts,       .batch = "4",
                         .samples = "2", .max_new_tokens = "6", .baseline = baseline,
                         .set = {set, 2}};
        said = bench_summary(&b, "planned_bytes");
        assert_true(said == bytes_of(&b, TINY_LLAMA_DIR, o)); /* with a reward model that is not there yet */
        o.reward = reward;
        assert_true(said == bytes_of(&b, TINY_LLAMA_DIR, o));
        free(given);
    }
    free(pairs), free(prompts), free(judge), free(reward);
    bench_end(&b);
}

/* The same of an adapter that is trained in place of the model. */
static void of_adapters(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    char *pairs = bench_path(&b, "pairs.jsonl"), *prompts = bench_path(&b, "prompts.jsonl"),
         *reward = bench_path(&b, "reward"), steps[] = "steps=1", *set[] = {steps};
    need_ok(bench_run(&b, &reward_table, reward_stage, "rm", &err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@rm", "batch=4", "lora=4", NULL),
            &err);
    double said = bench_summary(&b, "planned_bytes");
    PlanOptions o = {PLAN_REWARD, .rows = pairs, .batch = "4", .lora = "4"};
    assert_true(said == bytes_of(&b, TINY_LLAMA_DIR, o));
    o.lora = NULL;
    assert_true(said < bytes_of(&b, TINY_LLAMA_DIR, o));
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "reward=@reward", "steps=1", "batch=4", "samples=2", "max-new-tokens=6", "lora=4", "output=@rl",
                      NULL),
            &err);
    assert_true(bench_summary(&b, "planned_bytes") ==
                bytes_of(&b, TINY_LLAMA_DIR,
                         (PlanOptions){PLAN_RL, .rows = prompts, .batch = "4", .samples = "2", .max_new_tokens = "6",
                                       .lora = "4", .reward = reward, .set = {set, 1}}));
    free(pairs), free(prompts), free(reward);
    bench_end(&b);
}

/* What a plan says of weights that are unpacked. */
static double unpacked_of(Bench *b, const char *model, PlanOptions o)
{
    json_t *plan = planned(b, model, o);
    double bytes = json_number_of(json_object_get(plan, "parts"), "unpacked weights", 0);
    json_decref(plan);
    return bytes;
}

/* Weights that stay in their file are unpacked into memory that is planned, too: for the largest of them, once. */
static void unpacked(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    Model *m;
    bench_begin(&b);
    b.library.packed = true;
    char *half = bench_path(&b, "half"), *pairs = bench_path(&b, "many.jsonl"), *judge = bench_path(&b, "judge.yaml"),
         *prompts = bench_path(&b, "prompts.jsonl"), *reward = bench_path(&b, "reward"), steps[] = "steps=1",
         *set[] = {steps};
    const Arena *took = &b.work.device->unpacked;
    need_ok(model_load(&m, TINY_LLAMA_DIR, b.work.device, 0, &err) && export_hf(m, half, DTYPE_BF16, &err), &err);
    model_free(m);
    bench_write(&b, "judge.yaml",
                "name: j\nkind: pairwise\nitem: \"{context} {response_1} {response_2}\"\nending: \" Better:\"\n"
                "answers: [\"1\", \"2\"]\n");
    Str many = {0}; /* few rows of a product unpack no band */
    for (int i = 0; i < 24; i++)
        str_addf(&many, "{\"prompt\": \"On %d\", \"responses\": [\"It is\", \"no\"], \"label\": {\"p\": 0.7}}\n", i);
    bench_put(&b, "many.jsonl", &many);
    assert_true(took->size == 0);
    need_ok(bench_run(&b, &label_table, label_stage, "label", &err, "pairs=@many.jsonl", "model=@half",
                      "prompt=@judge.yaml", NULL),
            &err);
    assert_true(took->size > 0);
    assert_true(unpacked_of(&b, half, (PlanOptions){PLAN_LABEL, .rows = pairs, .prompt = judge}) == (double)took->size);
    assert_true(unpacked_of(&b, half, (PlanOptions){PLAN_LABEL, .rows = pairs, .prompt = judge, .weights = "f32"}) ==
                0);
    PlanOptions trains = {PLAN_REWARD, .rows = pairs, .batch = "4", .lora = "2"};
    double layers = unpacked_of(&b, half, trains); /* without the head over the vocabulary */
    assert_true(layers > 0 && layers < (double)took->size);
    trains.lora = NULL;
    assert_true(unpacked_of(&b, half, trains) == 0); /* they are f32 then */
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=@half", "reward=@reward",
                      "steps=1", "batch=4", "samples=2", "max-new-tokens=6", "lora=2", "output=@rl", NULL),
            &err);
    assert_true(unpacked_of(&b, half,
                            (PlanOptions){PLAN_RL, .rows = prompts, .batch = "4", .samples = "2", .max_new_tokens = "6",
                                          .lora = "2", .reward = reward, .set = {set, 1}}) == (double)took->size);
    free(half), free(pairs), free(judge), free(prompts), free(reward);
    bench_end(&b);
}

/* Others' reward models read rows through their own templates, whatever the policy's is: in plans as in the stages. */
static void of_others(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    static const char wordy[] =
        "{% for m in messages %}{{ 'one two three four five six seven eight nine ten ' + m['role'] + "
        "m['content'] }}{% endfor %}";
    double by_rl[2], by_label[2];
    char *pairs = bench_path(&b, "pairs.jsonl"), *prompts = bench_path(&b, "prompts.jsonl");
    char steps[] = "steps=1", method[] = "method=pointwise", *of_rl[] = {steps}, *of_label[] = {method};
    put_classifier(b.folder, "brief", "qwen3");
    put_classifier(b.folder, "wordy", "qwen3");
    put_own(b.folder, "wordy", "chat_template.jinja", wordy, strlen(wordy));
    for (int i = 0; i < 2; i++) {
        char *dir = bench_path(&b, i ? "wordy" : "brief"), *reward = mem_printf("reward=%s", dir);
        need_ok(bench_run(&b, &rl_table, rl_stage, i ? "rl-wordy" : "rl-brief", &err, "prompts=@prompts.jsonl",
                          "model=" TINY_LLAMA_DIR, reward, "steps=1", "batch=4", "samples=2", "max-new-tokens=6",
                          i ? "output=@a" : "output=@b", NULL),
                &err);
        by_rl[i] = bench_summary(&b, "planned_bytes");
        assert_true(by_rl[i] ==
                    bytes_of(&b, TINY_LLAMA_DIR,
                             (PlanOptions){PLAN_RL, .rows = prompts, .batch = "4", .samples = "2",
                                           .max_new_tokens = "6", .reward = dir, .weights = "f32", .set = {of_rl, 1}}));
        need_ok(bench_run(&b, &label_table, label_stage, i ? "label-wordy" : "label-brief", &err, "pairs=@pairs.jsonl",
                          reward, "method=pointwise", NULL),
                &err);
        by_label[i] = json_number_of(json_object_get(b.work.summary, "plan"), "planned_bytes", 0);
        assert_true(by_label[i] == bytes_of(&b, TINY_LLAMA_DIR,
                                            (PlanOptions){PLAN_LABEL, .rows = pairs, .reward = dir, .weights = "f32",
                                                          .set = {of_label, 1}}));
        free(dir), free(reward);
    }
    assert_true(by_rl[1] > by_rl[0] && by_label[1] > by_label[0]);
    /* without a template it is refused as there */
    char *dir = bench_path(&b, "brief"), *template = path_join(dir, "chat_template.jinja");
    json_t *plan;
    assert_int_equal(remove(template), 0);
    const PlanOptions o = {PLAN_RL,        .rows = prompts,       .batch = "4",
                           .samples = "2", .max_new_tokens = "6", .reward = dir};
    assert_false(plan_stage(&plan, &b.work, TINY_LLAMA_DIR, &o, &err));
    assert_non_null(strstr(err.msg, "has no chat template"));
    free(dir), free(template), free(pairs), free(prompts);
    bench_end(&b);
}

/* Rows that are assumed: more and longer ones take more. */
static void assumed(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    const PlanOptions few = {PLAN_RL, .batch = "2", .samples = "2", .max_new_tokens = "4", .prompt_tokens = 8};
    PlanOptions other = few;
    double least = bytes_of(&b, TINY_LLAMA_DIR, few);
    assert_true(least == bytes_of(&b, TINY_LLAMA_DIR, other));
    other.prompt_tokens = 64;
    assert_true(bytes_of(&b, TINY_LLAMA_DIR, other) > least);
    other = few;
    other.samples = "4";
    assert_true(bytes_of(&b, TINY_LLAMA_DIR, other) > least);
    json_t *plan = planned(&b, TINY_LLAMA_DIR, (PlanOptions){PLAN_REWARD, .batch = "3", .rows = "5"});
    assert_int_equal(json_integer_value(json_object_get(plan, "rows")), 5);
    assert_int_equal(json_integer_value(json_object_get(plan, "batch")), 3);
    assert_int_equal(json_integer_value(json_object_get(plan, "prompt_tokens")), 8);
    json_decref(plan);
    bench_end(&b);
}

/* What does not fit is said in words, with what would; so are layers that are computed again. */
static void too_large(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    PlanOptions o = {PLAN_REWARD, .batch = "8", .memory = "5k"};
    json_t *plan = planned(&b, TINY_LLAMA_DIR, o);
    assert_false(json_bool_of(plan, "fits", true));
    assert_non_null(strstr(json_text_of(plan, "refusal"), "--memory allows 5.0 kB"));
    assert_non_null(strstr(json_text_of(plan, "remedy"), "the largest part is "));
    assert_string_equal(json_text_of(plan, "seconds_of"), "training on and rewarding 32 pairs");
    json_decref(plan);
    o.memory = NULL;
    double all = bytes_of(&b, TINY_LLAMA_DIR, o);
    char *less = mem_printf("%.0f", all - 1);
    o.memory = less;
    plan = planned(&b, TINY_LLAMA_DIR, o);
    assert_true(json_bool_of(plan, "fits", false) && json_bool_of(plan, "layers_again", false));
    assert_true(json_number_of(plan, "planned_bytes", 0) < all - 1);
    json_decref(plan);
    free(less);
    bench_end(&b);
}

/* Values that the stage would refuse are refused in its words. */
static void refused(void **state)
{
    (void)state;
    static const struct {
        PlanOptions o;
        const char *says;
    } cases[] = {{{PLAN_RL, .batch = "0"}, "--batch \"0\" cannot be used"},
                 {{PLAN_LABEL, .batch = "4"}, "there is no option \"--batch\""},
                 {{PLAN_REWARD, .rows = "no/such.jsonl"}, "no/such.jsonl"},
                 {{PLAN_RL, .max_new_tokens = "4", .prompt_tokens = 900}, "context"}};
    Bench b;
    bench_begin(&b);
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        json_t *plan;
        PlanOptions o = cases[i].o;
        o.prompt_tokens = o.prompt_tokens ? o.prompt_tokens : 8;
        o.reply_tokens = 8;
        assert_false(plan_stage(&plan, &b.work, TINY_LLAMA_DIR, &o, &err));
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s", err.msg);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_stages_say), cmocka_unit_test(of_adapters), cmocka_unit_test(unpacked),
        cmocka_unit_test(of_others),     cmocka_unit_test(assumed),     cmocka_unit_test(too_large),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
