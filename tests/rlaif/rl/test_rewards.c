/* Rewards of several parts: added up and logged apart, each model loaded once, learned from, made again, and refused where they
 * are not understood. */
#include "base/file.h"
#include "base/mem.h"
#include "rlaif/rl/inspect.h"
#include "rlaif/rl/rl.h"
#include "training.h"

static const char nice_prompt[] = "name: nice\nkind: verdict\nitem: \"Reply: {response}\\n\"\nending: \"Nice?\"\n"
                                  "answers: [\" yes\", \" no\"]\n";

/* A file in the folder whose "@" stand for the folder. */
static void put_list(const Bench *b, const char *name, const char *text)
{
    Str s = {0};
    for (const char *p = text; *p; p++)
        if (*p == '@')
            str_addf(&s, "%s/", b->folder);
        else
            str_addc(&s, *p);
    bench_put(b, name, &s);
}

static void list_bench(Bench *b)
{
    bench_begin(b);
    bench_write(b, "nice.yaml", nice_prompt);
}

/* One training: how it is rewarded, and what differs beside that. */
static void train_on(Bench *b, const char *name, const char *reward, const char *prompt, const char *more)
{
    Err err = {0};
    char output[20];
    snprintf(output, sizeof output, "output=@%s", name);
    need_ok(bench_run(b, &rl_table, rl_stage, name, &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR, output,
                      "batch=4", "samples=2", "baseline=group", "max-new-tokens=6", "lr=2e-3", reward,
                      prompt ? prompt : "steps=2", more ? more : "steps=2", NULL),
            &err);
}

/* --- what they add up to ------------------------------------------------------------------------------------------ */

typedef struct Rollouts {
    json_t *row;
} Rollouts;

static bool take_row(void *context, const char *row, Err *err)
{
    json_t *j;
    if (!json_parse(row, strlen(row), "a rollout", &j, err))
        return false;
    json_array_append_new(((Rollouts *)context)->row, j);
    return true;
}

/* A step's rollouts, which the caller releases. */
static json_t *rollouts_of(const Bench *b, const char *stage, int step)
{
    Err err = {0};
    StageRow s;
    bool present;
    Rollouts all = {json_array()};
    need_ok(store_stage_find(b->work.store, stage, &s, &present, &err) &&
                store_rollouts_each(b->work.store, s.id, step, take_row, &all, &err),
            &err);
    stage_row_release(&s);
    return all.row;
}

/* Each part says of the same replies what it says alone; R is the sum of weight r / scale, in every row and on average. */
static void parts_add_up(void **state)
{
    (void)state;
    Bench b;
    list_bench(&b);
    put_list(&b, "list.yaml",
             "- {judge: " TINY_LLAMA_DIR ", prompt: helpful-score, weight: 0.25, scale: 2}\n"
             "- reward: @reward/\n  weight: -1.5\n"
             "- {judge: " TINY_LLAMA_DIR ", prompt: @nice.yaml, weight: 3}\n");
    train_on(&b, "score", "judge=" TINY_LLAMA_DIR, "prompt=helpful-score", NULL);
    train_on(&b, "model", "reward=@reward", NULL, NULL);
    train_on(&b, "verdict", "judge=" TINY_LLAMA_DIR, "prompt=@nice.yaml", NULL);
    train_on(&b, "list", "rewards=@list.yaml", "eval=@held.jsonl", NULL);
    static const struct {
        const char *alone, *metric, *name;
        double weight;
    } part[] = {{"score", "reward/helpful-score", "helpful-score", 0.125},
                {"model", "reward/reward", "reward", -1.5},
                {"verdict", "reward/nice", "nice", 3}};
    double sum = 0, held = 0;
    json_t *row, *said, *rows = rollouts_of(&b, "list", 0), *of = json_object_get(b.work.summary, "rewards");
    for (int k = 0; k < COUNT(part); k++) {
        double alone = bench_metric(&b, part[k].alone, 0, "reward");
        assert_true(fabs(alone) > 1e-3);
        close_to(bench_metric(&b, "list", 0, part[k].metric), alone, 1e-12);
        sum += part[k].weight * alone;
        char *metric = mem_printf("eval_%s", part[k].metric);
        held += part[k].weight * bench_metric(&b, "list", 1, metric);
        free(metric);
        assert_string_equal(json_text_of(json_array_get(of, (size_t)k), "name"), part[k].name);
        assert_true(isnan(bench_metric(&b, part[k].alone, 0, part[k].metric))); /* one reward has no parts */
    }
    close_to(bench_metric(&b, "list", 0, "reward"), sum, 1e-12);
    close_to(bench_metric(&b, "list", 1, "eval_reward"), held, 1e-12);
    assert_non_null(json_object_get(json_array_get(of, 1), "reward_scale"));
    size_t i, k;
    assert_int_equal((int)json_array_size(rows), 8);
    json_array_foreach(rows, i, row)
    {
        double adds = 0;
        json_t *list = json_object_get(row, "rewards");
        assert_int_equal((int)json_array_size(list), COUNT(part));
        json_array_foreach(list, k, said)
        {
            assert_string_equal(json_text_of(said, "name"), part[k].name);
            close_to(json_number_of(said, "adds", (double)NAN),
                     part[k].weight * json_number_of(said, "reward", (double)NAN), 1e-12);
            adds += json_number_of(said, "adds", (double)NAN);
            assert_int_equal(json_object_get(said, "judgment") && json_object_get(said, "judge_prompt_hash"), k != 1);
        }
        close_to(json_number_of(row, "reward", (double)NAN), adds, 1e-12);
        assert_null(json_object_get(row, "judgment"));
    }
    json_decref(rows);
    bench_end(&b);
}

/* A list of one is the option that is short for it: the same policy, the same numbers. */
static void one_part(void **state)
{
    (void)state;
    static const struct {
        const char *list, *reward, *prompt;
    } same[] = {{"- {reward: @reward}", "reward=@reward", NULL},
                {"- {judge: " TINY_LLAMA_DIR ", prompt: @nice.yaml}\n", "judge=" TINY_LLAMA_DIR, "prompt=@nice.yaml"}};
    Bench b;
    list_bench(&b);
    for (int i = 0; i < COUNT(same); i++) {
        put_list(&b, "list.yaml", same[i].list);
        train_on(&b, "list", "rewards=@list.yaml", NULL, NULL);
        train_on(&b, "plain", same[i].reward, same[i].prompt, NULL);
        bench_same(&b, "list/model.safetensors", "plain/model.safetensors");
        close_to(bench_metric(&b, "list", 1, "reward"), bench_metric(&b, "plain", 1, "reward"), 0);
    }
    bench_end(&b);
}

/* FOLDER/to: a copy of a model that is another file. */
static void another_model(const Bench *b, const char *to)
{
    Err err = {0};
    Model *m;
    char *out = bench_path(b, to);
    need_ok(model_load(&m, TINY_LLAMA_DIR, b->work.device, HEAD_LM, &err), &err);
    m->w.final_norm.at[0] += 0.5F;
    need_ok(model_save(m, out, &err), &err);
    model_free(m);
    free(out);
}

/* A reward model alone and twice in a mix is in memory once: less is said to be needed, and the policy is the same. */
static void shared(void **state)
{
    (void)state;
    Bench b;
    list_bench(&b);
    put_list(
        &b, "mix.yaml",
        "kind: mix\nparts:\n  - {reward: reward, scale: 1}\n  - {prompt: nice.yaml, scale: 1}\n  - {reward: reward, scale: 3}\n");
    put_list(&b, "list.yaml", "[{judge: " TINY_LLAMA_DIR ", prompt: @mix.yaml, weight: 0.5}, {reward: @reward}]");
    train_on(&b, "once", "rewards=@list.yaml", NULL, NULL);
    double once = bench_summary(&b, "planned_bytes"), model = 0;
    b.work.device->library = NULL;
    train_on(&b, "thrice", "rewards=@list.yaml", NULL, NULL);
    model = (bench_summary(&b, "planned_bytes") - once) / 2;
    bench_same(&b, "once/model.safetensors", "thrice/model.safetensors");
    ModelConfig c;
    size_t bytes;
    Err err = {0};
    char *dir = bench_path(&b, "reward");
    need_ok(model_bytes(dir, 0, &bytes, &c, &err), &err);
    close_to(model, (double)(bytes - matrix_floats(1, c.width) * sizeof(float)), 0); /* each has a head of its own */
    free(dir);
    bench_end(&b);
}

/* Parts by one model file have it once; a judge that is the policy's start is the reference. Names tell parts apart. */
static void loaded_once(void **state)
{
    (void)state;
    static const char *const names[] = {"nice", "nice 2", "helpful-score", "reward", "reward 2"};
    Bench b;
    Err err = {0};
    Rl *rl;
    Rows rows;
    Needs needs = {0};
    list_bench(&b);
    another_model(&b, "other");
    put_list(&b, "list.yaml",
             "[{judge: " TINY_LLAMA_DIR ", prompt: @nice.yaml}, {judge: @other, prompt: @nice.yaml},\n"
             " {judge: @other, prompt: helpful-score}, {reward: @reward}, {reward: @reward/, weight: ~, scale: 2}]");
    char *prompts = bench_path(&b, "prompts.jsonl"), *list = bench_path(&b, "list.yaml");
    RlOptions *o = options_new(&rl_table);
    options_put(&rl_table, o, "model", TINY_LLAMA_DIR);
    need_ok(options_set(&rl_table, o, "rewards", list, "test", &err) &&
                stage_read_rows(&b.work, prompts, 0, NEED_PROMPT, false, &rows, &err) &&
                rl_open(&rl, o, &b.work, &rows, NULL, &err) && rl_needs(rl, &needs, &err),
            &err);
    const RewardPart *p = rl->source.part;
    assert_int_equal(rl->source.parts, COUNT(names));
    for (int i = 0; i < COUNT(names); i++)
        assert_string_equal(rl->asked.part[i].name, names[i]);
    assert_ptr_equal(p[0].from.model, rl->reference);
    assert_ptr_not_equal(p[1].from.model, rl->reference);
    assert_ptr_equal(p[1].from.model, p[2].from.model);
    assert_ptr_equal(p[3].model, p[4].model);
    assert_true(p[4].weight == 1 && p[4].scale == 2);
    close_to(needs.part[NEEDS_JUDGE], (double)p[1].from.model->w.floats * sizeof(float), 0);
    close_to(needs.part[NEEDS_REWARD_MODEL], (double)p[3].model->model->w.floats * sizeof(float), 0);
    rl_free(rl);
    rows_release(&rows);
    options_free(&rl_table, o);
    free(prompts);
    free(list);
    bench_end(&b);
}

/* --- learned from ------------------------------------------------------------------------------------------------- */

/* Two planted rewards: the policy goes up in both where both count, and down in the one whose weight is negative. */
static void both_are_learned(void **state)
{
    (void)state;
    enum { STEPS = 16 };
    static const char *const lists[] = {"- {reward: @one}\n- {reward: @two}\n",
                                        "- {reward: @one}\n- {reward: @two, weight: -6, scale: 2}\n"};
    Bench b;
    Err err = {0};
    list_bench(&b);
    bench_reward_at(&b, "reward", "one", 3, 1);
    bench_reward_at(&b, "reward", "two", 7, 1);
    for (int i = 0; i < COUNT(lists); i++) {
        put_list(&b, "list.yaml", lists[i]);
        need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                          "output=@rl", "batch=8", "samples=8", "baseline=group", "max-new-tokens=4", "lr=4e-3",
                          "beta=0", "steps=16", "rewards=@list.yaml", NULL),
                &err);
        double one = bench_metric(&b, "rl", STEPS - 1, "reward/one") - bench_metric(&b, "rl", 0, "reward/one"),
               two = bench_metric(&b, "rl", STEPS - 1, "reward/two") - bench_metric(&b, "rl", 0, "reward/two");
        print_message("[     NOTE ] weights of %s sign: %+.3f and %+.3f\n", i ? "another" : "one", one, two);
        assert_true(one > 0.2);
        assert_true(i ? two < -0.2 : two > 0.2);
    }
    bench_end(&b);
}

/* --- made again --------------------------------------------------------------------------------------------------- */

/* With what every part said and its judge read. */
static void rows_are_made_again(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    list_bench(&b);
    put_list(&b, "list.yaml",
             "- {judge: " TINY_LLAMA_DIR ", prompt: @nice.yaml}\n- {reward: @reward, weight: -1}\n"
             "- {judge: " TINY_LLAMA_DIR ", prompt: helpful-score, scale: 3}\n");
    train_on(&b, "rl", "rewards=@list.yaml", "steps=3", "save-every=2");
    need_ok(rl_inspect(&b.work, b.folder, "rl", 2, 5, &i, &err), &err);
    if (i.different)
        fail_msg("other %s", i.different);
    assert_int_equal(i.judge, AGAIN_ASKED);
    says(i.judge_prompt, "nice:\n");
    says(i.judge_prompt, "Nice?");
    says(i.judge_prompt, "\n\nhelpful-score:\n");
    rollout_inspection_release(&i);
    put_list(&b, "nice.yaml",
             "name: nice\nkind: verdict\nitem: \"Reply: {response}\"\nending: \" Nice?\"\n"
             "answers: [\" yes\", \" no\"]\n");
    assert_false(rl_inspect(&b.work, b.folder, "rl", 2, 5, &i, &err));
    says(err.msg, "the rewards of stage \"rl\"");
    rollout_inspection_release(&i);
    bench_end(&b);
}

/* On any number of threads and at any level. */
static void same_bytes(void **state)
{
    (void)state;
    CpuLevel level[3];
    int levels = cpu_levels(level);
    char first[2][HASH_TEXT], digits[2][HASH_TEXT];
    const struct {
        CpuLevel level;
        int threads;
    } at[] = {{level[0], 1}, {level[levels - 1], 1}, {level[levels - 1], 3}};
    for (int i = 0; i < COUNT(at); i++) {
        Bench b;
        Err err = {0};
        bench_open(&b, at[i].level, at[i].threads);
        bench_write(&b, "nice.yaml", nice_prompt);
        put_list(&b, "list.yaml",
                 "- {judge: " TINY_LLAMA_DIR ", prompt: @nice.yaml, weight: 0.7}\n"
                 "- {judge: " TINY_LLAMA_DIR ", prompt: helpful-score, weight: -0.3, scale: 7}\n");
        train_on(&b, "rl", "rewards=@list.yaml", NULL, NULL);
        char *model = bench_path(&b, "rl/model.safetensors"), *rows;
        json_t *all = rollouts_of(&b, "rl", 1);
        rows = json_text(all);
        hash_bytes(rows, strlen(rows), digits[0]);
        need_ok(hash_file(model, digits[1], &err), &err);
        for (int h = 0; h < 2; h++)
            if (i == 0)
                memcpy(first[h], digits[h], HASH_TEXT);
            else
                assert_string_equal(digits[h], first[h]);
        json_decref(all);
        free(rows);
        free(model);
        bench_end(&b);
    }
}

/* Rollout 0 of step 0 as the first versions with mixes kept it: its parts without those keys; and without one that they had. */
static void forget_parts(const Bench *b, const char *stage, bool listed, const char *also)
{
    Err err = {0};
    StageRow row;
    bool present;
    json_t *all = rollouts_of(b, stage, 0), *first = json_array_get(all, 0), *part;
    json_t *by = listed ? json_array_get(json_object_get(first, "rewards"), 0) : first;
    size_t k;
    json_array_foreach(json_object_get(json_object_get(by, "judgment"), "parts"), k, part)
    {
        json_object_del(part, "weight");
        json_object_del(part, "prompt_hash");
        json_object_del(part, "reward_hash");
        if (also)
            json_object_del(part, also);
    }
    char *text = json_text(first);
    need_ok(store_stage_find(b->work.store, stage, &row, &present, &err) &&
                store_rollout(b->work.store, row.id, 0, 0, text, &err),
            &err);
    stage_row_release(&row);
    free(text);
    json_decref(all);
}

/* Rows of mixes from before they said who their parts are: made again, and what cannot be compared is named. */
static void parts_of_earlier_versions(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    RolloutInspection i;
    list_bench(&b);
    put_list(&b, "mix.yaml",
             "kind: mix\nparts:\n- {prompt: nice.yaml, scale: 2}\n- {reward: reward, scale: 1, weight: 0.5}\n");
    put_list(&b, "list.yaml", "- {judge: " TINY_LLAMA_DIR ", prompt: @mix.yaml}\n- {reward: @reward}\n");
    for (int listed = 0; listed < 2; listed++) {
        const char *name = listed ? "listed" : "direct";
        train_on(&b, name, listed ? "rewards=@list.yaml" : "judge=" TINY_LLAMA_DIR, listed ? NULL : "prompt=@mix.yaml",
                 "steps=1");
        need_ok(rl_inspect(&b.work, b.folder, name, 0, 0, &i, &err), &err);
        assert_true(!i.different && !i.unrecorded);
        rollout_inspection_release(&i);
        forget_parts(&b, name, listed, NULL);
        need_ok(rl_inspect(&b.work, b.folder, name, 0, 0, &i, &err), &err);
        if (i.different)
            fail_msg("other %s", i.different);
        assert_string_equal(i.unrecorded, "weight, prompt_hash, reward_hash");
        rollout_inspection_release(&i);
        forget_parts(&b, name, listed, "number"); /* which every version kept */
        need_ok(rl_inspect(&b.work, b.folder, name, 0, 0, &i, &err), &err);
        assert_string_equal(i.different, listed ? "rewards" : "judgment");
        rollout_inspection_release(&i);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(one_part),
        cmocka_unit_test(loaded_once),
        cmocka_unit_test(shared),
        cmocka_unit_test(both_are_learned),
        cmocka_unit_test(rows_are_made_again),
        cmocka_unit_test(parts_of_earlier_versions),
        cmocka_unit_test(same_bytes),
    };
    return cmocka_run_group_tests_name("rewards", tests, NULL, NULL);
}
