/* Labels and margins that say next to nothing: warned of where they are made and where they are used, and left as they are by
 * --scale none. */
#include "program.h"

#include "base/mem.h"

/* Eight pairs whose labels are `by` from one half. */
static void put_labels(const char *name, double by)
{
    static const char *const things[] = {"tea", "wood", "a lamp", "chalk", "ink", "the moon", "rope", "salt"};
    Str rows = {0};
    for (int i = 0; i < COUNT(things); i++)
        str_addf(&rows, "{\"prompt\": \"Say %s\", \"responses\": [\"%s it is\", \"no\"], \"label\": {\"p\": %g}}\n",
                 things[i], things[i], i % 2 ? 0.5 + by : 0.5 - by);
    put_text(test_bench, name, str_text(&rows));
    str_release(&rows);
}

/* A reward model at --json; what it printed as an object, and whether it warned of these. */
static json_t *train(const char *labels, const char *out, const char *more, bool of_labels, bool of_margins)
{
    Ran r = run_in(test_bench, "rlaif reward %s --model llama -o %s --batch 4 %s --quiet --json", labels, out, more);
    need_status(&r, 0);
    assert_true(!of_labels || strstr(r.err, "--label-temperature 0.1"));
    if ((strstr(r.err, "labels are flat") != NULL) != of_labels ||
        (strstr(r.err, "margins are flat") != NULL) != of_margins)
        fail_msg("%s %s: %s", labels, more, r.err);
    json_t *said = last_json(&r);
    ran_free(&r);
    return said;
}

static double number(json_t *object, const char *key)
{
    double x = json_number_of(object, key, (double)NAN);
    json_decref(object);
    return x;
}

static void flat_and_not(void **state)
{
    (void)state;
    put_labels("flat.jsonl", 0.03);
    put_labels("sure.jsonl", 0.4);
    close_to(number(train("flat.jsonl", "a", "--lr 1e-6", true, true), "label_distance"), 0.03, 1e-9);
    assert_true(number(train("sure.jsonl", "b", "--lr 1e-6", false, true), "margin_distance") < 0.05);
    assert_true(number(train("sure.jsonl", "c", "--lr 3e-3 --optimizer adamw --epochs 20", false, false),
                       "margin_distance") > 0.05);
    /* people's choices are never flat, what is made of them may be */
    json_decref(train("human.jsonl", "d", "--lr 1e-6 --labels human", false, true));
}

/* Head values without a scale, and with: the same but for the factor. Their distances from the mean are what they were. */
static void left_as_they_are(void **state)
{
    (void)state;
    put_labels("flat.jsonl", 0.03);
    json_t *scaled = train("flat.jsonl", "a", "--lr 1e-6", true, true),
           *plain = train("flat.jsonl", "b", "--lr 1e-6 --scale none", true, true);
    double sd = json_number_of(scaled, "scale", -1);
    close_to(json_number_of(scaled, "sd", -1), sd, 0);
    close_to(json_number_of(plain, "sd", -1), sd, 0);
    close_to(json_number_of(plain, "scale", -1), 1, 0);
    assert_true(sd < 0.1);
    json_decref(scaled);
    json_decref(plain);
    double spread[2];
    static const char *const models[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        Ran r =
            run_in(test_bench, "rlaif score flat.jsonl --model %s -o %s.jsonl --quiet --json", models[i], models[i]);
        need_status(&r, 0);
        spread[i] = number(last_json(&r), "sd");
        ran_free(&r);
    }
    close_to(spread[0], 1, 1e-6);
    close_to(spread[1], sd, 1e-8);
}

/* One step of reinforcement learning; its mean reward. `warned`: of what; NULL: of nothing. */
static double learn(const char *out, const char *more, const char *warned)
{
    Ran r = run_in(
        test_bench,
        "rlaif rl p.jsonl --model llama -o %s --steps 1 --batch 2 --samples 2 --baseline group --max-new-tokens 5 "
        "%s --quiet --json",
        out, more);
    need_status(&r, 0);
    if (warned ? !strstr(r.err, warned) : strstr(r.err, "flat") != NULL)
        fail_msg("%s: %s", more, r.err);
    double reward = number(last_json(&r), "reward_first");
    ran_free(&r);
    return reward;
}

/* Learning from such a model says so, and leaves the margins where it is told to. */
static void learned_from(void **state)
{
    (void)state;
    put_labels("flat.jsonl", 0.03);
    put_labels("sure.jsonl", 0.4);
    double scale = number(train("flat.jsonl", "a", "--lr 1e-6", true, true), "scale");
    double enlarged = learn("ra", "--reward a", "times as large: --scale none"),
           plain = learn("rb", "--reward a --scale none", "were flat where it was trained\n");
    close_to(enlarged * scale, plain, 1e-9);
    assert_true(plain != 0);
    json_decref(train("flat.jsonl", "b", "--lr 1e-6 --scale none", true, true));
    close_to(learn("rc", "--reward b/", "were flat where it was trained\n"), plain, 1e-9);
    runs_with_status(test_bench, 0, "cp -r b far"); /* without its store: no scale says what it was */
    close_to(learn("rf", "--reward far", "margins between replies to one prompt are flat\n"), plain, 1e-9);
    json_decref(train("sure.jsonl", "c", "--lr 3e-3 --optimizer adamw --epochs 20", false, false));
    learn("rd", "--reward c", NULL);
    need_message(
        run_in(test_bench, "rlaif rl p.jsonl --model llama -o re --judge llama --prompt tone.yaml --scale none"), 2,
        "--scale needs --reward", NULL);
}

/* Both responses the same: margins of exactly 0, rewards that vary with the prompt; and rewards that do not vary at all. */
static void constant(void **state)
{
    (void)state;
    put_text(test_bench, "same.jsonl",
             "{\"prompt\": \"one\", \"responses\": [\"a\", \"a\"], \"label\": {\"p\": 0.9}}\n"
             "{\"prompt\": \"and two\", \"responses\": [\"b\", \"b\"], \"label\": {\"p\": 0.1}}\n");
    put_text(test_bench, "one.jsonl",
             "{\"prompt\": \"one\", \"responses\": [\"a\", \"a\"], \"label\": {\"p\": 0.9}}\n");
    close_to(number(train("same.jsonl", "a", "", false, true), "margin_distance"), 0, 0);
    Ran r = run_in(test_bench, "rlaif reward one.jsonl --model llama -o b --quiet --json");
    need_status(&r, 0);
    assert_non_null(strstr(r.err, "every response gets the same reward"));
    close_to(number(last_json(&r), "scale"), 1, 0);
    ran_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(flat_and_not),
        IN_BENCH(left_as_they_are),
        IN_BENCH(learned_from),
        IN_BENCH(constant),
    };
    return cmocka_run_group_tests_name("flat", tests, NULL, NULL);
}
