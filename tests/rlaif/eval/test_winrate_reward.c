/* Win rates by a reward model: alone, beside a judge, in a recipe's form; the numbers are those of scores. */
#include "rlaif/eval/choose.h"
#include "rlaif/eval/eval.h"
#include "rlaif/eval/match.h"
#include "rlaif/label/score.h"
#include "rlaif/rl/rl.h"
#include "training.h"

#include "base/mem.h"

/* Some replies are cut off, one is empty, one says the same; without chat blanks are before some of them. */
static const char rows_a[] =
    "{\"id\": \"x\", \"prompt\": \"one\", \"responses\": [\"yes it is\", \"no\"], \"ended\": [true, false]}\n"
    "{\"id\": \"y\", \"prompt\": \"two\", \"responses\": [\"perhaps so\", \"\"], \"ended\": [true, true], "
    "\"blank_before\": true}\n"
    "{\"id\": \"z\", \"prompt\": [{\"role\": \"user\", \"content\": \"three\"}], \"responses\": [\"a\", \"b\"]}\n";
static const char rows_b[] =
    "{\"id\": \"x\", \"prompt\": \"one\", \"responses\": [\"maybe\", \"no\"], \"ended\": [false, false]}\n"
    "{\"id\": \"y\", \"prompt\": \"two\", \"responses\": [\"never\", \"ever\"]}\n"
    "{\"id\": \"z\", \"prompt\": [{\"role\": \"user\", \"content\": \"three\"}], \"responses\": [\"c\", \"dd\"], "
    "\"blank_before\": false}\n";
static const char tone[] = "name: tone\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" is\"\n"
                           "answers: [\" good\", \" bad\"]\n";

static void put(const Bench *b, const char *name, const char *text)
{
    Str s = {0};
    str_add(&s, text);
    bench_put(b, name, &s);
}

static void begin(Bench *b)
{
    bench_begin(b);
    put(b, "a.jsonl", rows_a);
    put(b, "b.jsonl", rows_b);
    put(b, "tone.yaml", tone);
}

#define SIDES "a=@a.jsonl", "b=@b.jsonl"

static bool run(Bench *b, const char *reward, const char *judge, const char *prompt, Err *err)
{
    return bench_run(b, &winrate_table, winrate_stage, "winrate", err, SIDES, reward, judge, prompt, NULL);
}

#define JUDGE "judge=" TINY_LLAMA_DIR, "prompt=@tone.yaml"

static const json_t *result(const Bench *b, int i)
{
    return json_array_get(json_object_get(b->work.summary, "results"), (size_t)i);
}

/* Every reward has the bits of a score of the same rows; wins and means follow from them. */
static void check_scores(const char *chat)
{
    Bench b;
    Err err = {0};
    begin(&b);
    need_ok(run(&b, "reward=@reward", chat, "limit=0", &err), &err);
    json_t *summary = json_incref(b.work.summary), *rows = bench_rows(&b, "winrate"), *scored[2];
    double sum[2] = {0, 0};
    int wins = 0, losses = 0;
    for (int side = 0; side < 2; side++) {
        need_ok(bench_run(&b, &score_table, score_stage, "score", &err, side ? "rows=@b.jsonl" : "rows=@a.jsonl",
                          "model=@reward", chat, NULL),
                &err);
        scored[side] = bench_rows(&b, "score");
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++) {
            const json_t *said = json_array_get(json_object_get(json_array_get(rows, i), "judgments"), 0);
            const json_t *pair = json_array_get(json_object_get(said, "pairs"), k);
            double reward[2];
            assert_string_equal(json_text_of(said, "prompt"), "reward model");
            for (int side = 0; side < 2; side++) {
                const json_t *score = json_object_get(json_array_get(scored[side], i), "score");
                reward[side] = json_number_of(json_object_get(pair, side ? "b" : "a"), "reward", (double)NAN);
                assert_true(reward[side] == json_number_value(json_array_get(score, k)));
                sum[side] += reward[side];
            }
            wins += reward[0] > reward[1];
            losses += reward[0] < reward[1];
        }
    const json_t *r = json_array_get(json_object_get(summary, "results"), 0);
    assert_int_equal((int)json_array_size(json_object_get(summary, "results")), 1);
    assert_true(json_is_null(json_object_get(summary, "judge")));
    assert_string_equal(json_text_of(r, "kind"), "reward");
    assert_int_equal(strncmp(json_text_of(r, "reward_hash"), "sha256:", 7), 0);
    assert_null(json_object_get(r, "mass"));
    assert_null(json_object_get(r, "mean_p"));
    assert_int_equal((int)json_number_of(r, "wins", -1), wins);
    assert_int_equal((int)json_number_of(r, "losses", -1), losses);
    assert_true(wins + losses == 5); /* one pair says the same in the same way */
    close_to(json_number_of(r, "mean_a", 9), sum[0] / 6, 1e-12);
    close_to(json_number_of(r, "gain", 9), (sum[0] - sum[1]) / 6, 1e-12);
    assert_int_equal((int)json_array_size(json_object_get(r, "gain_interval")), 2);
    json_decref(scored[0]);
    json_decref(scored[1]);
    json_decref(rows);
    json_decref(summary);
    bench_end(&b);
}

static void as_scores(void **state)
{
    (void)state;
    check_scores("chat=true");
    check_scores("chat=false");
}

/* Both together say what each says alone, the judge first. */
static void beside_a_judge(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    begin(&b);
    need_ok(run(&b, "reward=@reward", JUDGE, &err), &err);
    json_t *both = json_incref(json_object_get(b.work.summary, "results"));
    assert_int_equal((int)json_array_size(both), 2);
    need_ok(run(&b, "limit=0", JUDGE, &err), &err);
    assert_int_equal((int)json_array_size(json_object_get(b.work.summary, "results")), 1);
    assert_true(json_equal(json_array_get(both, 0), result(&b, 0)));
    need_ok(run(&b, "reward=@reward", "limit=0", "limit=0", &err), &err);
    assert_true(json_equal(json_array_get(both, 1), result(&b, 0)));
    json_decref(both);
    bench_end(&b);
}

/* A row that was judged is not judged again, by the same reward model; by another it is. */
static void goes_on(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    StageRow stage;
    Rows matched;
    bool present;
    begin(&b);
    need_ok(run(&b, "reward=@reward", "limit=0", "limit=0", &err), &err);
    double gain = json_number_of(result(&b, 0), "gain", 99);
    char *path_a = bench_path(&b, "a.jsonl"), *path_b = bench_path(&b, "b.jsonl");
    need_ok(store_stage_find(b.work.store, "winrate", &stage, &present, &err) &&
                match_rows(&b.work, path_a, path_b, 0, false, &matched, &err),
            &err);
    json_t *rows = bench_rows(&b, "winrate"), *row = json_array_get(rows, 0), *a;
    a = json_object_get(
        json_array_get(json_object_get(json_array_get(json_object_get(row, "judgments"), 0), "pairs"), 0), "a");
    json_object_set_new(a, "reward", json_real(json_number_of(a, "reward", 0) + 6));
    bench_reward_at(&b, "reward", "other", 0, 3);
    char *text = json_text(row);
    need_ok(store_item_put(b.work.store, stage.id, matched.row[0].key, 0, text, &err), &err);
    need_ok(run(&b, "reward=@reward", "limit=0", "limit=0", &err), &err);
    close_to(json_number_of(result(&b, 0), "gain", 99), gain + 1, 1e-9);
    need_ok(run(&b, "reward=@other", "limit=0", "limit=0", &err), &err);
    assert_true(fabs(json_number_of(result(&b, 0), "gain", 99) - gain) > 1e-3);
    need_ok(run(&b, "reward=@reward", "limit=0", "limit=0", &err), &err);
    close_to(json_number_of(result(&b, 0), "gain", 99), gain, 0);
    free(text);
    free(path_a);
    free(path_b);
    rows_release(&matched);
    json_decref(rows);
    stage_row_release(&stage);
    bench_end(&b);
}

static void is_refused(bool ok, const Err *err, const char *message, const char *remedy)
{
    if (ok || err->code != ERR_INPUT || !strstr(err->msg, message) || !strstr(err->hint, remedy))
        fail_msg("\"%s\" (%s) does not say \"%s\" (%s)", err->msg, err->hint, message, remedy);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *option[3], *message, *remedy;
    } cases[] = {
        {{"limit=0", "limit=0", "limit=0"}, "needs a judge", "--reward"},
        {{"reward=@reward", "prompt=@tone.yaml", "limit=0"}, "--prompt needs --judge", "reads no prompt"},
        {{"reward=@reward", "method=pairwise", "limit=0"}, "--method needs --judge", "each response alone"},
        {{"reward=" TINY_LLAMA_DIR, "limit=0", "limit=0"}, "has no reward head", "rlaif reward"},
        {{"reward=@none", "limit=0", "limit=0"}, "none: No such file", "check the name"},
        {{"reward=@reward", "limit=0", "b=@long.jsonl"}, "a.jsonl:2: ", "shorten"},
        {{"reward=@reward", "a=@pairs.jsonl", "b=@pairs.jsonl"},
         "the stage \"bench-reward\"",
         "nothing was trained on"},
        {{"reward=@reward", "trained-on=@b.jsonl", "limit=0"}, "a.jsonl:1: the prompt also occurs in", "b.jsonl:1"},
    };
    Bench b;
    Str s = {0};
    begin(&b);
    str_add(&s, "{\"id\": \"x\", \"prompt\": \"one\", \"responses\": [\"a\", \"b\"]}\n{\"id\": \"y\", \"prompt\": "
                "\"two\", \"responses\": [\"a\", \"");
    for (int i = 0; i < 300; i++)
        str_add(&s, "word ");
    str_add(
        &s,
        "\"]}\n{\"id\": \"z\", \"prompt\": [{\"role\": \"user\", \"content\": \"three\"}], \"responses\": [\"a\", \"b\"]}\n");
    bench_put(&b, "long.jsonl", &s);
    Err none = {0};
    need_ok(run(&b, "reward=@reward", "limit=0", "limit=0", &none), &none);
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        const char *const *o = cases[i].option;
        bool ok = bench_run(&b, &winrate_table, winrate_stage, "winrate", &err, SIDES, o[0], o[1], o[2], NULL);
        is_refused(ok, &err, cases[i].message, i == 7 ? "" : cases[i].remedy);
        if (i == 7)
            says(err.msg, cases[i].remedy);
        json_t *kept = bench_rows(&b, "winrate");
        if (i < 5) /* of the same input: what was judged before is not lost by it */
            assert_int_equal((int)json_array_size(kept), 3);
        json_decref(kept);
    }
    bench_end(&b);
}

/* A recipe samples both policies itself; what the reward model was trained on in the same run is refused. */
static void in_a_recipe(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    begin(&b);
    for (int taught = 0; taught < 2; taught++) {
        bool ok = bench_run(&b, &compare_table, compare_stage, "eval", &err,
                            taught ? "prompts=@pairs.jsonl" : "prompts=@held.jsonl", "policy=" TINY_LLAMA_DIR,
                            "against=" TINY_LLAMA_DIR, "reward=@reward", "n=2", "max-new-tokens=4", NULL);
        if (taught)
            is_refused(ok, &err, "the stage \"bench-reward\"", "nothing was trained on");
        else
            need_ok(ok, &err);
    }
    assert_int_equal((int)bench_summary(&b, "pairs"), 16);
    assert_int_equal((int)json_number_of(result(&b, 0), "ties", -1), 16); /* one policy, the same draws */
    bench_end(&b);
}

/* Who cannot judge is refused before a reply is sampled. */
static void known_before_sampling(void **state)
{
    (void)state;
    static const char *const judges[][3] = {
        {"reward=" TINY_LLAMA_DIR, "", "has no reward head"},
        {"judge=" TINY_LLAMA_DIR, "prompt=helpful-bass", "helpful-bass"},
        {"judge=tests/fixtures/none", "prompt=helpful-base", "tests/fixtures/none"}};
    Bench b;
    begin(&b);
    for (int i = 0; i < COUNT(judges); i++) {
        Err err = {0}, none = {0};
        StageRow row;
        bool present, prompted = judges[i][1][0] != 0;
        assert_false(bench_run(&b, &compare_table, compare_stage, "eval", &err, "prompts=@held.jsonl",
                               "policy=" TINY_LLAMA_DIR, "against=" TINY_LLAMA_DIR, "max-new-tokens=4", judges[i][0],
                               prompted ? judges[i][1] : NULL, NULL));
        says(err.msg, judges[i][2]);
        need_ok(store_stage_find(b.work.store, "eval-after", &row, &present, &none), &none);
        assert_false(present);
        stage_row_release(&row);
    }
    bench_end(&b);
}

/* The checkpoint that a reward model prefers, without a judge. */
static void chooses(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    begin(&b);
    bench_reward_at(&b, "reward", "gold", 0, 3);
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@rl", "reward=@reward", "steps=3", "batch=4", "samples=2", "baseline=group", "lr=5e-3",
                      "max-new-tokens=6", "eval=@held.jsonl", "eval-every=1", "keep-best=2", NULL) &&
                bench_run(&b, &choose_table, choose_stage, "choose", &err, "prompts=@held.jsonl", "policy=@rl",
                          "against=" TINY_LLAMA_DIR, "reward=@gold", "output=@chosen", "max-new-tokens=6", NULL),
            &err);
    json_t *list = json_object_get(b.work.summary, "checkpoints"), *one;
    double best = bench_summary(&b, "win_rate");
    size_t i;
    assert_int_equal((int)json_array_size(list), 2);
    json_array_foreach(list, i, one) assert_true(json_number_of(one, "win_rate", 9) <= best);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_scores), cmocka_unit_test(beside_a_judge), cmocka_unit_test(goes_on),
        cmocka_unit_test(refused),   cmocka_unit_test(in_a_recipe),    cmocka_unit_test(known_before_sampling),
        cmocka_unit_test(chooses),
    };
    return cmocka_run_group_tests_name("win rates by a reward model", tests, NULL, NULL);
}
