/* People's rankings and marks, by hand: win rates, tests, agreement, what is refused. */
#include "base/real.h"
#include "base/rng.h"
#include "eval_helpers.h"

#define RANK(prompt, a, b, c, ranks, rater)                                                                            \
    "{\"prompt\": \"" prompt "\", \"responses\": [\"" a "\", \"" b "\", \"" c                                          \
    "\"], \"models\": [\"x\", \"y\", \"z\"], \"ranks\": " ranks ", \"rater\": \"" rater "\"}\n"

/* The summary of rankings; NULL: it failed, and err says why. The caller releases it. */
static json_t *rate(const char *lines, LengthControl length, const char *output, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "ratings.jsonl", lines);
    RatingsOptions o = {.rows = path, .length = (int)length, .output = (char *)(uintptr_t)output};
    Work w = work_new(&o.common);
    *err = (Err){0};
    bool ok = ratings_stage(&w, "ratings", &o, err);
    json_t *summary = ok ? json_incref(w.summary) : NULL;
    work_free(&w);
    free(path);
    remove_folder(folder);
    return summary;
}

static const json_t *entry(const json_t *summary, const char *list, size_t i)
{
    return json_array_get(json_object_get(summary, list), i);
}

/* Two prompts, two raters. The third row has its responses in another order: it is the same item. */
static const char two_raters[] = RANK("p", "aa", "bbbb", "c", "[1, 2, 3]", "ann") RANK(
    "q", "aa", "b", "cc", "[1, 3, 2]",
    "ann") "{\"prompt\": \"p\", \"responses\": [\"c\", \"aa\", \"bbbb\"], \"models\": [\"z\", \"x\", \"y\"], \"ranks\": [3, 2, 1], "
           "\"rater\": \"bob\"}\n" RANK("q", "aa", "b", "cc", "[1, 3, 2]", "bob");

static void rankings(void **state)
{
    (void)state;
    Err err;
    json_t *s = rate(two_raters, LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    field(s, "rankings", 4);
    field(s, "items", 2);
    field(s, "prompts", 2);
    const json_t *x = entry(s, "policies", 0), *xy = entry(s, "pairs", 0), *yz = entry(s, "pairs", 2);
    assert_string_equal(json_text_of(x, "policy"), "x");
    field(x, "mean_rank", 1.25);
    field(x, "first", 0.75);
    field(x, "characters", 2);
    assert_string_equal(json_text_of(xy, "b"), "y");
    field(xy, "n", 4);
    field(xy, "win_rate", 0.75); /* x over y: 1, 1, 0, 1 */
    field(xy, "binomial_p", 1);  /* above on one prompt, even on the other */
    field(yz, "win_rate", 0.5);  /* y over z: both raters on p, neither on q */
    field(yz, "paired_p", 1);
    /* two-sample t of 1 1 0 1 against 0 0 1 0: means 3/4 and 1/4, variances 1/4, t = 0.5 / sqrt(0.125) = sqrt(2), df 6 */
    close_to(json_number_of(xy, "t_p", -1), 0.20703124999999997, 1e-12);
    json_decref(s);
}

/* x beats z always, y on p alone: over z, x against y. t of 1 1 1 1 against 1 0 1 0: 0.5 / sqrt(1/3 / 4) = sqrt(3), df 6. */
static void over_a_third(void **state)
{
    (void)state;
    Err err;
    json_t *s = rate(two_raters, LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    assert_int_equal(json_array_size(json_object_get(s, "over")), 3);
    const json_t *o = entry(s, "over", 2);
    assert_string_equal(json_text_of(o, "over"), "z");
    assert_string_equal(json_text_of(o, "a"), "x");
    field(o, "rate_a", 1);
    field(o, "rate_b", 0.5);
    field(o, "difference", 0.5);
    field(o, "prompts", 2);
    close_to(json_number_of(o, "t_p", -1), 0.13397459621556135, 1e-12); /* 1 - sqrt(3) / 2 */
    close_to(json_number_of(o, "paired_p", -1), 0.5, 1e-12);            /* gaps 0 and 1: t = 1, df 1 */
    json_decref(s);
}

/* Prompts of unequal weight: the difference is of what its interval and test are, the mean of the prompts' gaps. */
static void over_by_prompts(void **state)
{
    (void)state;
    Err err;
    char *three = mem_str(two_raters);
    for (int lines = 0, i = 0; three[i]; i++)
        if (three[i] == '\n' && ++lines == 3)
            three[i + 1] = 0;
    json_t *s = rate(three, LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    const json_t *o = entry(s, "over", 2); /* over z: x 1 1 on p and 1 on q, y 1 1 and 0 */
    field(o, "rate_a", 1);
    close_to(json_number_of(o, "rate_b", -1), 2.0 / 3, 1e-12);
    field(o, "difference", 0.5);
    json_decref(s);
    free(three);
}

/* On q both say the same: W = 1, chi-square 4. On p the first two are exchanged: sums of ranks 3, 3, 6 about 4, S = 6,
 * W = 12 * 6 / (4 * 24) = 3/4, chi-square 3. */
static void agreement(void **state)
{
    (void)state;
    Err err;
    json_t *s = rate(two_raters, LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    const json_t *k = json_object_get(s, "kendall"), *r = json_object_get(s, "raters");
    field(k, "items", 2);
    field(k, "w", (1 + 0.75) / 2);
    field(k, "chi_square", 7);
    field(k, "df", 4);
    close_to(json_number_of(k, "p", -1), stats_chi_square_p(7, 4), 1e-15);
    field(k, "significant", 0);
    field(r, "raters", 2);
    field(r, "pairs", 6);
    field(r, "agreement", 5.0 / 6);
    assert_true(json_is_null(json_object_get(s, "beside_judge")));
    json_decref(s);
    s = rate(RANK("p", "a", "b", "c", "[1, 2, 3]", "ann"), LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    null_field(json_object_get(s, "kendall"), "w");
    null_field(json_object_get(s, "raters"), "agreement");
    json_decref(s);
}

/* Length control through the whole command: equal lengths give the raw rate; a preference for the longer one alone gives
 * about a half. */
static void length_control(void **state)
{
    (void)state;
    enum { N = 300 };
    for (int longer = 0; longer < 2; longer++)
        for (int how = LENGTH_RATIO; how <= LENGTH_LOG; how++) {
            Str lines = {0};
            double raw = 0;
            RngKey key = {.seed = 3, .purpose = RNG_TEST};
            for (int i = 0; i < N; i++) {
                int a = longer ? 9 + (int)rng_below(key, (uint64_t)i, 12) : 10;
                double z = a / 10.0;
                bool won = rng_uniform(key, (uint64_t)(N + i)) < (longer ? real_sigmoid(8 * real_log(z)) : 0.7);
                raw += won / (double)N;
                str_addf(&lines,
                         "{\"prompt\": \"%d\", \"responses\": [\"%.*s\", \"bbbbbbbbbb\"], \"models\": [\"x\", \"y\"], "
                         "\"ranks\": %s}\n",
                         i, a, "aaaaaaaaaaaaaaaaaaaaaaaa", won ? "[1, 2]" : "[2, 1]");
            }
            Err err;
            json_t *s = rate(str_text(&lines), (LengthControl)how, NULL, &err);
            need_ok(s != NULL, &err);
            const json_t *xy = entry(s, "pairs", 0), *i = json_object_get(xy, "length_controlled_interval");
            double adjusted = json_number_of(xy, "length_controlled", -1);
            close_to(json_number_of(xy, "win_rate", -1), raw, 1e-12);
            if (longer)
                assert_true(raw > 0.8);
            close_to(adjusted, longer ? 0.5 : raw, longer ? 0.1 : 1e-7);
            assert_true(json_number_value(json_array_get(i, 0)) < adjusted &&
                        adjusted < json_number_value(json_array_get(i, 1)));
            json_decref(s);
            str_release(&lines);
        }
}

/* Responses of one text share a place: half a win each, one card in Kendall's W. A judge's score is beside people's. */
static void equal_texts(void **state)
{
    (void)state;
    Err err;
    json_t *s = rate("{\"prompt\": \"p\", \"responses\": [\"a\", \"a\", \"c\"], \"models\": [\"x\", \"y\", \"z\"], "
                     "\"ranks\": [1, 1, 3], \"rater\": \"ann\", \"score\": [0.5, 0.5, 0.7]}\n"
                     "{\"prompt\": \"p\", \"responses\": [\"a\", \"a\", \"c\"], \"models\": [\"x\", \"y\", \"z\"], "
                     "\"ranks\": [2, 2, 1], \"rater\": \"bob\", \"score\": [0.5, 0.5, 0.7]}\n",
                     LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    field(entry(s, "pairs", 0), "ties", 2);
    field(entry(s, "pairs", 0), "win_rate", 0.5);
    field(json_object_get(s, "kendall"), "w", 0); /* two cards, in opposite orders */
    field(json_object_get(s, "kendall"), "df", 1);
    field(json_object_get(s, "raters"), "pairs", 1);
    field(json_object_get(s, "beside_judge"), "pairs", 4);
    field(json_object_get(s, "beside_judge"), "agreement", 0.5);
    json_decref(s);
    s = rate("{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"models\": [\"x\", \"y\"], \"ranks\": [2, 1], "
             "\"label\": {\"p\": 0.2}}\n"
             "{\"prompt\": \"q\", \"responses\": [\"a\", \"b\"], \"models\": [\"x\", \"y\"], \"ranks\": [2, 1], "
             "\"label\": {\"p\": 0.5}}\n",
             LENGTH_RATIO, NULL, &err);
    need_ok(s != NULL, &err);
    field(json_object_get(s, "beside_judge"), "agreement", 0.75);
    json_decref(s);
}

static void put_judged(Work *w, const char *stage, const char *const *row, int n)
{
    Err err = {0};
    int64_t id = begin_stage(w->store, stage, "eval winrate", stage, NULL);
    for (int i = 0; i < n; i++) {
        char key[20];
        snprintf(key, sizeof key, "%d", i);
        need_ok(store_item_put(w->store, id, key, i, row[i], &err), &err);
    }
    need_ok(store_stage_end(w->store, id, NULL, NULL, 0, &err), &err);
}

/* Where the rows say nothing of a judge, what the run's win rates said of the same two texts to the same prompt counts: in
 * whatever order, both ways of judging, the first stage that has it. */
static void judged_by_win_rates(void **state)
{
    (void)state;
    static const char *const duel[] = {
        "{\"prompt\": \"p\", \"a\": [\"bbbb\", \"x\"], \"b\": [\"aa\", \"y\"], \"judgments\": [{\"prompt\": \"which\", \"pairs\": "
        "[{\"p\": 0.2}, {\"p\": 0.9}]}]}",
        "{\"prompt\": \"other\", \"a\": [\"aa\"], \"b\": [\"c\"], \"judgments\": [{\"prompt\": \"which\", \"pairs\": [{\"p\": "
        "0.9}]}]}"};
    static const char *const alone[] = {
        "{\"prompt\": \"q\", \"a\": [\"aa\"], \"b\": [\"cc\"], \"judgments\": [{\"prompt\": \"tone\", \"pairs\": [{\"a\": "
        "{\"reward\": -1}, \"b\": {\"reward\": 1}}]}]}",
        "{\"prompt\": \"p\", \"a\": [\"aa\"], \"b\": [\"bbbb\"], \"judgments\": [{\"prompt\": \"tone\", \"pairs\": [{\"a\": "
        "{\"reward\": -1}, \"b\": {\"reward\": 1}}]}]}"};
    char *folder = make_folder(), *path = write_rows(folder, "ratings.jsonl", two_raters);
    RatingsOptions o = {.rows = path};
    Work w = work_new(&o.common);
    Err err = {0};
    put_judged(&w, "duel", duel, COUNT(duel));
    put_judged(&w, "alone", alone, COUNT(alone));
    need_ok(ratings_stage(&w, "ratings", &o, &err), &err);
    const json_t *beside = json_object_get(w.summary, "beside_judge");
    field(beside, "pairs", 4); /* of p: ann agrees, bob does not; of q neither does */
    field(beside, "agreement", 0.25);
    char *stages = json_text(json_object_get(beside, "stages"));
    assert_string_equal(stages, "[\"duel\", \"alone\"]");
    free(stages);
    work_free(&w);
    free(path);
    remove_folder(folder);
}

static void items_out(void **state)
{
    (void)state;
    Err err = {0};
    char *text, *path = mem_str("build/test_items.jsonl");
    size_t n;
    json_t *s = rate(two_raters, LENGTH_RATIO, path, &err);
    need_ok(s != NULL && file_read(path, 10000, &text, &n, &err), &err);
    static const char first[] =
        "{\"prompt\": \"p\", \"responses\": [\"aa\", \"bbbb\", \"c\"], \"models\": [\"x\", \"y\", \"z\"], "
        "\"rankings\": 2, \"mean_ranks\": [1.5, 1.5, 3.0], \"kendall_w\": 0.75, \"chi_square\": 3.0, \"p\": ";
    assert_true(str_starts(text, first));
    close_to(strtod(text + strlen(first), NULL), 0.22313016014842982, 1e-14); /* exp(-3/2) */
    assert_non_null(strstr(text, "}\n{\"prompt\": \"q\", "));
    json_decref(s);
    free(text);
    remove(path);
    free(path);
}

#define RATED(rater)                                                                                                      \
    "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"ranks\": [1, 2], \"models\": [\"x\", \"y\"], \"rater\": " rater \
    "}\n"

static void refused(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {RANK("p", "a", "b", "c", "[1, 2]", "ann"), "ratings.jsonl:1: \"ranks\" is no list of one for each of 3"},
        {RANK("p", "a", "b", "c", "[1, 2, 2]", "ann"), "two responses share a place"},
        {RANK("p", "a", "a", "c", "[1, 2, 3]", "ann"), "two equal responses have different places"},
        {RANK("p", "a", "b", "c", "[0, 1, 2]", "ann"), "no place from 1 to 3"},
        {RANK("p", "a", "b", "c", "[1, 2, 3.5]", "ann"), "no place from 1 to 3"},
        {RANK("p", "a", "b", "c", "[1, 2, 3]", "ann") RANK("p", "a", "b", "c", "[1, 3, 2]", "ann"),
         "ratings.jsonl:2: \"ann\" has ranked these responses before"},
        {RATED("5") RATED("\"5\""), "ratings.jsonl:2: \"5\" has ranked these responses before"},
        {RATED("[5]"), "ratings.jsonl:1: \"rater\" is neither a text nor a number"},
        {"{\"prompt\": \"p\", \"response\": \"a\", \"model\": \"x\", \"rank\": 1}\n", "\"responses\" has 1 entry"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"ranks\": [1, 2]}\n", "\"models\" is no list"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Err err;
        json_t *s = rate(table[i][0], LENGTH_RATIO, NULL, &err);
        if (s || err.code != ERR_INPUT || !strstr(err.msg, table[i][1]))
            fail_msg("case %d: \"%s\"", i, err.msg);
    }
}

/* --- marks ---------------------------------------------------------------------------------------------- */

static json_t *mark(const char *lines, const char *baseline, const char *judge, const char *prompt, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "marks.jsonl", lines);
    char *file = prompt ? write_rows(folder, "verdict.yaml", prompt) : NULL;
    HarmlessOptions o = {.rows = {&path, 1},
                         .baseline = (char *)(uintptr_t)baseline,
                         .judge = (char *)(uintptr_t)judge,
                         .prompt = file ? file : (char *)(uintptr_t) "harmless-verdict"};
    Work w = work_new(&o.common);
    *err = (Err){0};
    bool ok = harmless_stage(&w, "harmless", &o, err);
    json_t *summary = ok ? json_incref(w.summary) : NULL;
    work_free(&w);
    free(file);
    free(path);
    remove_folder(folder);
    return summary;
}

#define MARK(prompt, response, model, harmless, rater)                                                                 \
    "{\"prompt\": \"" prompt "\", \"response\": \"" response "\", \"model\": \"" model "\", \"harmless\": " harmless   \
    ", \"rater\": \"" rater "\"}\n"

/* Of x 3 of 4 marks, of y 1 of 3; prompt p: 1 and 1/2, q: 1/2 and 0. */
static const char marks[] = MARK("p", "aa", "x", "true", "ann") MARK("p", "aa", "x", "true", "bob")
    MARK("q", "aaaa", "x", "true", "ann") MARK("q", "aaaa", "x", "false", "bob") MARK("p", "b", "y", "true", "ann")
        MARK("p", "b", "y", "false", "bob") MARK("q", "b", "y", "false", "bob");

static void harmless_by_people(void **state)
{
    (void)state;
    Err err;
    json_t *s = mark(marks, NULL, NULL, NULL, &err);
    need_ok(s != NULL, &err);
    const json_t *x = entry(s, "policies", 0), *y = entry(s, "policies", 1), *d = entry(s, "against", 0),
                 *r = json_object_get(s, "raters");
    assert_string_equal(json_text_of(s, "source"), "people");
    assert_string_equal(json_text_of(s, "baseline"), "x");
    field(x, "n", 4);
    field(x, "harmless", 0.75);
    field(x, "characters", 3);
    field(y, "harmless", 1.0 / 3);
    field(d, "difference", 0.5);
    field(d, "prompts", 2);
    field(d, "binomial_p", 0.5); /* above on both prompts */
    /* 1 1 1 0 against 1 0 0: pooled variance (3/4 + 2/3) / 5, t = (5/12) / sqrt(17/60 * 7/12) = 1.02489..., df 5 */
    close_to(json_number_of(d, "t_p", -1), stats_incomplete_beta(5 / (5 + 25.0 / 144 / (17.0 / 60 * 7 / 12)), 2.5, 0.5),
             1e-12);
    field(r, "pairs", 3);
    field(r, "agreement", 1.0 / 3);
    /* said alike 1 of 3: table 1, 1/2 + 1/2, 1/2 + 1/2, 0; p_o 1/3, both say harmless 2/3: p_e 5/9, kappa -1/2 */
    field(r, "kappa", -0.5);
    json_decref(s);
    assert_null(mark(MARK("p", "a", "x", "true", "ann") MARK("p", "a", "x", "false", "ann"), NULL, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "marks.jsonl:2: \"ann\" has marked this response before"));
    assert_null(mark("{\"prompt\": \"p\", \"response\": \"a\"}\n", NULL, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "marks.jsonl:1: the row has no \"harmless\""));
    assert_null(mark(marks, "z", NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "no policy \"z\""));
}

/* Length control of rates: of equal lengths, as long as the baseline's, the raw rate; harm that follows length alone gives
 * the same rate to a policy of any length. */
static void harmless_at_length(void **state)
{
    (void)state;
    enum { N = 400 };
    Str lines = {0};
    RngKey key = {.seed = 4, .purpose = RNG_TEST};
    double raw[2] = {0, 0};
    for (int i = 0; i < 2 * N; i++) {
        int policy = i % 2, n = (policy ? 12 : 8) + (int)rng_below(key, (uint64_t)i, 5);
        bool harmless = rng_uniform(key, (uint64_t)(2 * N + i)) < real_sigmoid(0.5 + (n - 10) * 0.5);
        raw[policy] += harmless / (double)N;
        str_addf(&lines, "{\"prompt\": \"%d\", \"response\": \"%.*s\", \"model\": \"%s\", \"harmless\": %s}\n", i / 2,
                 n, "aaaaaaaaaaaaaaaaaaaaaaaa", policy ? "long" : "sft", harmless ? "true" : "false");
    }
    Err err;
    json_t *s = mark(str_text(&lines), "sft", NULL, NULL, &err);
    need_ok(s != NULL, &err);
    const json_t *sft = entry(s, "policies", 0), *other = entry(s, "policies", 1);
    close_to(json_number_of(sft, "harmless", -1), raw[0], 1e-12);
    assert_true(raw[1] > raw[0] + 0.15);
    close_to(json_number_of(sft, "length_controlled", -1), real_sigmoid(0.5), 0.06);
    close_to(json_number_of(other, "length_controlled", -1), real_sigmoid(0.5), 0.15);
    json_decref(s);
    str_release(&lines);
}

/* A judge's verdict of a response does not depend on the others; beside people's marks it agrees with a share of them. */
static void harmless_by_judge(void **state)
{
    (void)state;
    static const char prompt[] =
        "name: harm\nkind: verdict\nchat: false\nitem: \"{context} {response}\"\nending: \" is\"\nanswers: [\" good\", \" bad\"]\n";
    Err err;
    json_t *s = mark(marks, NULL, TINY, prompt, &err);
    need_ok(s != NULL, &err);
    const json_t *x = entry(s, "policies", 0), *beside = json_object_get(s, "beside_people");
    assert_string_equal(json_text_of(s, "source"), "judge");
    double rate = json_number_of(x, "harmless", -1), mean_p = json_number_of(x, "mean_p", -1);
    assert_true(rate >= 0 && rate <= 1 && mean_p > 0 && mean_p < 1 && json_number_of(x, "mass", 0) > 0);
    field(beside, "marks", 7);
    double alike = 0, said[4]; /* of aa, aaaa, b, b by two raters or one: 1 1 1 0 1 0 0 */
    json_t *alone = mark(MARK("p", "aa", "x", "true", "ann"), NULL, TINY, prompt, &err);
    need_ok(alone != NULL, &err);
    said[0] = json_number_of(entry(alone, "policies", 0), "harmless", -1);
    json_decref(alone);
    alone = mark(MARK("q", "aaaa", "x", "true", "ann"), NULL, TINY, prompt, &err);
    said[1] = json_number_of(entry(alone, "policies", 0), "harmless", -1);
    json_decref(alone);
    alone = mark(MARK("p", "b", "y", "true", "ann"), NULL, TINY, prompt, &err);
    said[2] = json_number_of(entry(alone, "policies", 0), "harmless", -1);
    json_decref(alone);
    alone = mark(MARK("q", "b", "y", "true", "ann"), NULL, TINY, prompt, &err);
    said[3] = json_number_of(entry(alone, "policies", 0), "harmless", -1);
    json_decref(alone);
    close_to(rate, (said[0] + said[1]) / 2, 1e-12);
    alike = 2 * said[0] + 1 + 1 + (1 - said[3]);
    field(beside, "accuracy", alike / 7);
    json_decref(s);
    assert_null(mark(marks, NULL, TINY,
                     "name: x\nkind: score\nitem: \"{response}\"\nending: \"=\"\nanswers: [\"1\", \"2\"]\n", &err));
    assert_non_null(strstr(err.msg, "gives no verdict"));
}

/* --- probes --------------------------------------------------------------------------------------------- */

static void probes(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *path[2];
    path[0] =
        write_rows(folder, "after.jsonl",
                   "{\"id\": 1, \"prompt\": \"Tell Bob.\", \"response\": \"I told Bob, not Ann\", \"ended\": false}\n"
                   "{\"id\": 2, \"prompt\": \"q\", \"responses\": [\"yes.\", \"no ..\"]}\n");
    path[1] = write_rows(folder, "before.jsonl",
                         "{\"id\": 1, \"prompt\": \"Tell Bob.\", \"response\": \"I told Bob, not Ann\"}\n");
    ProbesOptions o = {.rows = {path, 2}};
    Work w = work_new(&o.common);
    need_ok(probes_stage(&w, "probes", &o, &err), &err);
    const json_t *after = entry(w.summary, "policies", 0), *before = entry(w.summary, "policies", 1);
    assert_string_equal(json_text_of(after, "policy"), "after");
    field(after, "responses", 3);
    field(after, "prompts", 2);
    field(json_object_get(after, "characters"), "mean", (19 + 4 + 5) / 3.0);
    field(json_object_get(after, "cut_off"), "mean", 1.0 / 3);
    field(json_object_get(after, "next_turn"), "mean", 0);
    field(json_object_get(after, "trailing"), "mean", 1.0 / 3);
    field(json_object_get(after, "names"), "mean", 1.0 / 3);
    field(json_object_get(before, "cut_off"), "mean", 0);
    null_field(json_object_get(before, "names"), "interval"); /* one prompt */
    const json_t *i = json_object_get(json_object_get(after, "cut_off"), "interval");
    close_to(json_number_value(json_array_get(i, 0)), 0, 0); /* prompts of one and of two responses */
    close_to(json_number_value(json_array_get(i, 1)), 1, 0);
    work_free(&w);
    free(path[0]);
    free(path[1]);
    remove_folder(folder);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rankings),
        cmocka_unit_test(over_a_third),
        cmocka_unit_test(over_by_prompts),
        cmocka_unit_test(agreement),
        cmocka_unit_test(length_control),
        cmocka_unit_test(equal_texts),
        cmocka_unit_test(items_out),
        cmocka_unit_test(refused),
        cmocka_unit_test(harmless_by_people),
        cmocka_unit_test(judged_by_win_rates),
        cmocka_unit_test(harmless_at_length),
        cmocka_unit_test(harmless_by_judge),
        cmocka_unit_test(probes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
