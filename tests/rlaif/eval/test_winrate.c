/* Win rates: rows of two policies put side by side, the numbers of a contest, whole evaluations by a tiny model of random
 * weights. */
#include "base/real.h"
#include "eval_helpers.h"
#include "rlaif/eval/match.h"

/* --- rows side by side ---------------------------------------------------------------------------------- */

static bool match_or_skip(const char *a, const char *b, int limit, bool skip_bad, Rows *out, Err *err)
{
    char *folder = make_folder(), *path_a = write_rows(folder, "a.jsonl", a),
         *path_b = write_rows(folder, "b.jsonl", b);
    Work w = {0};
    *err = (Err){0};
    bool ok = match_rows(&w, path_a, path_b, limit, skip_bad, out, err);
    free(path_a);
    free(path_b);
    remove_folder(folder);
    return ok;
}

static bool match(const char *a, const char *b, int limit, Rows *out, Err *err)
{
    return match_or_skip(a, b, limit, false, out, err);
}

static void row_is(const Rows *rows, int i, int line, const char *wanted)
{
    char *text = json_text(rows->row[i].json);
    assert_string_equal(text, wanted);
    assert_int_equal(rows->row[i].line, line);
    free(text);
}

static void matched(void **state)
{
    (void)state;
    Rows rows;
    Err err;
    need_ok(
        match(
            "{\"id\": 1, \"prompt\": \"p\", \"response\": \"a1\"}\n\n{\"id\": 2, \"prompt\": \"q\", \"response\": \"a2\"}\n",
            "{\"id\": 2, \"prompt\": \"q\", \"response\": \"b2\"}\n{\"id\": 1, \"prompt\": \"p\", \"response\": \"b1\"}\n",
            0, &rows, &err),
        &err);
    assert_int_equal(rows.n, 2);
    row_is(&rows, 0, 1, "{\"id\": 1, \"prompt\": \"p\", \"a\": [\"a1\"], \"b\": [\"b1\"]}");
    row_is(&rows, 1, 3, "{\"id\": 2, \"prompt\": \"q\", \"a\": [\"a2\"], \"b\": [\"b2\"]}");
    rows_release(&rows);
    /* by prompt, the n-th of a prompt with the n-th; ids in one file alone do not count */
    need_ok(
        match(
            "{\"id\": 1, \"prompt\": \"p\", \"responses\": [\"a1\", \"A1\"]}\n{\"id\": 2, \"prompt\": \"q\", \"response\": \"a2\"}\n"
            "{\"id\": 3, \"prompt\": \"p\", \"response\": \"a3\"}\n",
            "{\"prompt\": \"q\", \"response\": \"b2\"}\n{\"prompt\": \"p\", \"responses\": [\"b1\", \"B1\"]}\n"
            "{\"prompt\": \"p\", \"response\": \"b3\"}\n",
            0, &rows, &err),
        &err);
    row_is(&rows, 0, 1, "{\"id\": 1, \"prompt\": \"p\", \"a\": [\"a1\", \"A1\"], \"b\": [\"b1\", \"B1\"]}");
    row_is(&rows, 2, 3, "{\"id\": 3, \"prompt\": \"p\", \"a\": [\"a3\"], \"b\": [\"b3\"]}");
    rows_release(&rows);
    need_ok(match("{\"prompt\": \"p\", \"response\": \"a\"}\n{\"prompt\": \"q\", \"response\": \"a\"}\n",
                  "{\"prompt\": \"q\", \"response\": \"b\"}\n{\"prompt\": \"p\", \"response\": \"b\"}\n", 1, &rows,
                  &err),
            &err);
    assert_int_equal(rows.n, 1);
    rows_release(&rows);
}

static void unmatched(void **state)
{
    (void)state;
    static const char one[] = "{\"prompt\": \"p\", \"response\": \"a\"}\n";
    static const char two[] =
        "{\"prompt\": \"p\", \"response\": \"a\"}\n{\"prompt\": \"other\", \"response\": \"a\"}\n";
    static const struct {
        const char *a, *b, *place, *words;
    } table[] = {
        {two, one, "a.jsonl:2: ", "b.jsonl has no row for \"other\""},
        {one, two, "b.jsonl:2: ", "a.jsonl has no row for \"other\""},
        {"{\"id\": 1, \"prompt\": \"p\", \"response\": \"a\"}\n",
         "{\"id\": 2, \"prompt\": \"p\", \"response\": \"a\"}\n", "a.jsonl:1: ", "no row for id 1"},
        {"{\"id\": 1, \"prompt\": \"p\", \"response\": \"a\"}\n",
         "{\"id\": 1, \"prompt\": \"q\", \"response\": \"a\"}\n", "a.jsonl:1: ", "the prompt is another"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"]}\n", one, "a.jsonl:1: ", "2 responses, but 1"},
        {one, "{\"prompt\": \"p\"}\n", "b.jsonl:1: ", "no \"response\""},
    };
    for (int i = 0; i < COUNT(table); i++) {
        Rows rows;
        Err err;
        assert_false(match(table[i].a, table[i].b, 0, &rows, &err));
        rows_release(&rows);
        if (err.code != ERR_INPUT || !strstr(err.msg, table[i].place) || !strstr(err.msg, table[i].words) ||
            !err.hint[0])
            fail_msg("case %d: \"%s\" (%s)", i, err.msg, err.hint);
    }
}

/* Bad rows of either side, and those without the other side's, are left out and counted. */
static void what_is_left(void **state)
{
    (void)state;
    static const char a[] = "{\"id\": 1, \"prompt\": \"p\", \"response\": \"a1\"}\n"
                            "{\"id\": 2, \"prompt\": \"q\"}\n"
                            "{\"id\": 3, \"prompt\": \"r\", \"responses\": [\"a3\", \"a4\"]}\n"
                            "{\"id\": 4, \"prompt\": \"s\", \"response\": \"a5\"}\n"
                            "{\"id\": 5, \"prompt\": \"t\", \"response\": \"a6\"}\n",
                      b[] = "{\"id\": 5, \"prompt\": \"t\", \"response\": \"b6\"}\n"
                            "no row\n"
                            "{\"id\": 3, \"prompt\": \"r\", \"response\": \"b3\"}\n"
                            "{\"id\": 1, \"prompt\": \"p\", \"response\": \"b1\"}\n"
                            "{\"id\": 2, \"prompt\": \"q\", \"response\": \"b2\"}\n";
    Rows rows;
    Err err;
    int shown = errors_hide();
    bool ok = match_or_skip(a, b, 0, true, &rows, &err);
    errors_show(shown);
    need_ok(ok, &err);
    assert_int_equal(rows.n, 2);
    row_is(&rows, 0, 1, "{\"id\": 1, \"prompt\": \"p\", \"a\": [\"a1\"], \"b\": [\"b1\"]}");
    row_is(&rows, 1, 5, "{\"id\": 5, \"prompt\": \"t\", \"a\": [\"a6\"], \"b\": [\"b6\"]}");
    assert_int_equal(rows.skipped, 5); /* A's 2, B's 2nd line, both 2 and 4 alone, 3 of two numbers */
    rows_release(&rows);
}

/* --- a contest ------------------------------------------------------------------------------------------ */

/* Student's of two prompts: 12.7 standard errors, their difference halved, to either side of the middle. */
static void student_of_two(const json_t *object, const char *key, double x, double y, double least, double most)
{
    const json_t *i = json_object_get(object, key);
    double middle = (x + y) / 2, half = 12.706204736175 * fabs(x - y) / 2;
    close_to(json_number_value(json_array_get(i, 0)), fmax(middle - half, least), 1e-9);
    close_to(json_number_value(json_array_get(i, 1)), fmin(middle + half, most), 1e-9);
}

static void interval_is(const json_t *object, const char *key, double low, double high)
{
    const json_t *i = json_object_get(object, key);
    assert_int_equal(json_array_size(i), 2);
    close_to(json_number_value(json_array_get(i, 0)), low, 1e-4);
    close_to(json_number_value(json_array_get(i, 1)), high, 1e-4);
}

/* An interval between two numbers that holds a third, neither of them at its ends. */
static bool range_within(const json_t *i, double low, double high, double held)
{
    double from = json_number_value(json_array_get(i, 0)), to = json_number_value(json_array_get(i, 1));
    return json_array_size(i) == 2 && low <= from && from < held && held < to && to <= high;
}

static void contest(void **state)
{
    (void)state;
    /* two prompts, two samples each: outcomes 1, 1/2 and 0, 1; gains 0.4, 0 and -0.2, 0.4 */
    Contest c[] = {{0, 0.5, 0.1, 2, 0.9, false, false},
                   {0, 0.1, 0.1, 0.5, 0.7, false, false},
                   {1, -0.1, 0.1, 1, 0.9, false, false},
                   {1, 0.3, -0.1, (double)NAN, 0.7, false, false}};
    json_t *out = json_object();
    contest_summary(out, c, 4, 2, true, LENGTH_RATIO, 0);
    field(out, "win_rate", 2.5 / 4);
    field(out, "wins", 2);
    field(out, "losses", 1);
    field(out, "ties", 1);
    field(out, "binomial_p", 1);
    field(out, "mean_a", 0.2);
    field(out, "mean_b", 0.05);
    student_of_two(out, "mean_a_interval", 0.1, 0.3, -INFINITY, INFINITY); /* the prompts' means */
    student_of_two(out, "mean_b_interval", 0, 0.1, -INFINITY, INFINITY);
    field(out, "gain", 0.15);
    field(out, "spread_b", 0.1); /* of 0.1 0.1 0.1 -0.1 */
    field(out, "gain_in_spreads", 1.5);
    student_of_two(out, "gain_in_spreads_interval", 2, 1, -INFINITY, INFINITY);
    /* the line through (2, 0.4), (0.5, 0), (1, -0.2) has the slope 0.366667 / 1.166667, and at 1 the value 0.0142857 */
    field(out, "gain_in_spreads_at_equal_length", 1.0 / 7);
    null_field(out, "gain_in_spreads_at_equal_length_interval"); /* of two prompts */
    field(out, "mass", 0.8);
    student_of_two(out, "win_rate_bootstrap", 0.75, 0.5, 0, 1);
    student_of_two(out, "gain_interval", 0.2, 0.1, -INFINITY, INFINITY);
    assert_true(json_is_false(json_object_get(out, "excludes_zero"))); /* two prompts of one sign: p is 0.2 */
    assert_null(json_object_get(out, "same_slot_rate"));
    assert_true(json_is_number(json_object_get(out, "length_controlled"))); /* without the pair that has no ratio */
    json_decref(out);
    for (int i = 0; i < COUNT(c); i++) { /* A is B, and B is A */
        double a = c[i].a;
        c[i].a = c[i].b;
        c[i].b = a;
    }
    out = json_object();
    contest_summary(out, c, 4, 2, true, LENGTH_RATIO, 0);
    field(out, "gain", -0.15);
    assert_true(json_is_false(json_object_get(out, "excludes_zero")));
    json_decref(out);
}

/* A gain that length explains whole is none at equal length, by whichever measure of length it goes. */
static void gain_by_length(void **state)
{
    (void)state;
    enum { N = 40 };
    Contest c[N];
    for (int how = LENGTH_RATIO; how <= LENGTH_LOG; how++) {
        for (int i = 0; i < N; i++) {
            double ratio = 1.25 + (i % 7) / 4.0, z = how == LENGTH_LOG ? real_log(ratio) : ratio - 1, b = 0.1 * (i % 5),
                   noise = i % 2 ? 0.01 : -0.01;
            c[i] = (Contest){i / 2, b + 0.3 * z + noise, b, ratio, 0.9, false, false};
        }
        json_t *out = json_object();
        contest_summary(out, c, N, N / 2, true, (LengthControl)how, 0);
        assert_true(json_is_true(json_object_get(out, "excludes_zero")));
        assert_true(fabs(json_number_of(out, "gain_in_spreads_at_equal_length", 9)) < 0.05);
        const json_t *interval = json_object_get(out, "gain_in_spreads_at_equal_length_interval");
        assert_true(range_within(interval, -0.2, 0.2, 0));
        json_decref(out);
    }
}

/* n prompts of three samples each, by an outcome and a gain that all prompts share: never a width of nothing, never certainty. */
static void contest_all_alike(void **state)
{
    (void)state;
    static const double gains[] = {0.4, 0, -0.4};
    for (int n = 1; n <= 5; n++)
        for (int g = 0; g < COUNT(gains); g++) {
            Contest c[15];
            for (int i = 0; i < 3 * n; i++)
                c[i] = (Contest){i / 3, 0.1 + gains[g], 0.1, 1, 0.9, false, false};
            json_t *out = json_object();
            contest_summary(out, c, 3 * n, n, true, LENGTH_RATIO, 0);
            double won = gains[g] > 0 ? 1 : gains[g] < 0 ? 0 : 0.5;
            field(out, "win_rate", won);
            Interval most = stats_wilson(won * 3 * n, 3 * n), least = stats_wilson(won * n, n);
            const json_t *both[] = {json_object_get(out, "interval"), json_object_get(out, "win_rate_bootstrap")};
            for (int k = 0; k < 2; k++) {
                double low = json_number_value(json_array_get(both[k], 0)),
                       high = json_number_value(json_array_get(both[k], 1));
                assert_true(least.low - 1e-12 <= low && low <= most.low);
                assert_true(high <= least.high + 1e-12 && most.high <= high && high > low);
            }
            null_field(out, "gain_interval");
            null_field(out, "gain_paired_p");
            assert_true(json_is_false(json_object_get(out, "excludes_zero")));
            json_decref(out);
        }
}

static void contest_of_orders(void **state)
{
    (void)state;
    Contest c[] = {{0, 0.7, 0.3, 1, 0.5, true, true},
                   {1, 0.6, 0.4, 1, 0.5, true, false},
                   {2, 0.2, 0.8, 1, 0.5, false, true},
                   {3, 0.9, 0.1, 1, 0.5, true, true}};
    json_t *out = json_object();
    contest_summary(out, c, 4, 4, false, LENGTH_RATIO, 0);
    field(out, "mean_p", 0.6);
    field(out, "same_slot_rate", 0.75);
    interval_is(out, "same_slot_interval", 0.3006, 0.9544); /* Wilson's of 3 in 4 */
    field(out, "first_share", 2.0 / 3);
    interval_is(out, "first_share_interval", 0.2077, 0.9385);
    field(out, "first_share_p", 1);
    const json_t *p = json_object_get(out, "mean_p_interval");
    assert_true(range_within(p, 0, 1, 0.6));
    assert_null(json_object_get(out, "gain"));
    close_to(json_number_of(out, "length_controlled", -1), 0.75, 1e-6); /* equal lengths: the raw rate */
    for (int i = 0; i < 4; i++)
        c[i].ratio = 1.5;
    json_decref(out);
    out = json_object();
    contest_summary(out, c, 4, 4, false, LENGTH_RATIO, 0);
    null_field(out, "length_controlled");
    json_decref(out);
}

/* --- by a tiny model ------------------------------------------------------------------------------------ */

static const char pairwise[] =
    "name: which\nkind: pairwise\nchat: false\nitem: \"{context} 1 {response_1} 2 {response_2}\"\n"
    "ending: \" =\"\nanswers: [\"1\", \"2\"]\n";
static const char verdict[] =
    "name: tone\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" is\"\nanswers: [\" good\", \" bad\"]\n";
static const char rows_a[] = "{\"id\": \"x\", \"prompt\": \"one\", \"responses\": [\"yes it is\", \"no\"]}\n"
                             "{\"id\": \"y\", \"prompt\": \"two\", \"responses\": [\"perhaps so\", \"well\"]}\n"
                             "{\"id\": \"z\", \"prompt\": \"three\", \"responses\": [\"a\", \"b\"]}\n";
static const char rows_b[] = "{\"id\": \"x\", \"prompt\": \"one\", \"responses\": [\"maybe\", \"no\"]}\n"
                             "{\"id\": \"z\", \"prompt\": \"three\", \"responses\": [\"c\", \"dd\"]}\n"
                             "{\"id\": \"y\", \"prompt\": \"two\", \"responses\": [\"never\", \"ever\"]}\n";

/* An evaluation in a folder: A, B, two judge prompts. */
typedef struct Match {
    char *folder, *a, *b, *prompt[2];
    WinrateOptions o;
    Work work;
} Match;

static void match_begin(Match *m)
{
    *m = (Match){.folder = make_folder()};
    m->a = write_rows(m->folder, "a.jsonl", rows_a);
    m->b = write_rows(m->folder, "b.jsonl", rows_b);
    m->prompt[0] = write_rows(m->folder, "pairwise.yaml", pairwise);
    m->prompt[1] = write_rows(m->folder, "verdict.yaml", verdict);
    m->o = (WinrateOptions){.a = m->a, .b = m->b, .judge = (char *)(uintptr_t)TINY, .prompt = {m->prompt, 2}};
    m->work = work_new(&m->o.common);
}

static void match_end(Match *m)
{
    work_free(&m->work);
    free(m->a);
    free(m->b);
    free(m->prompt[0]);
    free(m->prompt[1]);
    remove_folder(m->folder);
}

/* Runs it and returns the results of one judge prompt, which belong to the work. */
static const json_t *judge_all(Match *m, int prompt)
{
    Err err = {0};
    need_ok(winrate_stage(&m->work, "winrate", &m->o, &err), &err);
    return json_array_get(json_object_get(m->work.summary, "results"), (size_t)prompt);
}

/* A mix's summary says whom it asked, as their own evaluations are called; and an evaluation that is done says it anew. */
static void by_a_mix(void **state)
{
    (void)state;
    Match m;
    match_begin(&m);
    char *own = mem_str(json_text_of(judge_all(&m, 1), "prompt_hash"));
    free(write_rows(m.folder, "pairwise.yaml",
                    "name: both\nkind: mix\nparts:\n  - {prompt: verdict.yaml, weight: 2, scale: 0.5}\n"
                    "  - {log-length: true, weight: 0.25, scale: 1}\n"));
    m.o.prompt.n = 1;
    for (int times = 0; times < 2; times++) {
        const json_t *r = judge_all(&m, 0), *parts = json_object_get(r, "parts"), *first = json_array_get(parts, 0),
                     *second = json_array_get(parts, 1);
        assert_string_equal(json_text_of(r, "kind"), "mix");
        assert_int_equal(json_array_size(parts), 2);
        assert_string_equal(json_text_of(first, "prompt_hash"), own);
        field(first, "weight", 2);
        assert_string_equal(json_text_of(second, "part"), "log-length");
        assert_null(json_object_get(second, "prompt_hash"));
        assert_null(json_object_get(first, "number")); /* which is a reply's own */
        json_object_clear((json_t *)(uintptr_t)r);
    }
    free(own);
    match_end(&m);
}

/* A against B is B against A the other way round; A against itself is a tie. */
static void symmetry(void **state)
{
    (void)state;
    Match m;
    match_begin(&m);
    double rate[2], p, gain, mean;
    const json_t *r = judge_all(&m, 0);
    field(m.work.summary, "prompts", 3);
    field(m.work.summary, "pairs", 6);
    assert_string_equal(json_text_of(r, "kind"), "pairwise");
    rate[0] = json_number_of(r, "win_rate", -1);
    p = json_number_of(r, "mean_p", -1);
    r = judge_all(&m, 1);
    assert_string_equal(json_text_of(r, "kind"), "verdict");
    rate[1] = json_number_of(r, "win_rate", -1);
    gain = json_number_of(r, "gain", -1);
    mean = json_number_of(r, "mean_a", -1);
    field(r, "ties", 1); /* "no" and "no" */
    assert_true(gain != 0 && p != 0.5);
    m.o.a = m.b;
    m.o.b = m.a;
    r = judge_all(&m, 0);
    close_to(json_number_of(r, "win_rate", -1), 1 - rate[0], 1e-12);
    close_to(json_number_of(r, "mean_p", -1), 1 - p, 1e-12);
    r = judge_all(&m, 1);
    close_to(json_number_of(r, "win_rate", -1), 1 - rate[1], 1e-12);
    close_to(json_number_of(r, "gain", -1), -gain, 1e-12);
    close_to(json_number_of(r, "mean_b", -1), mean, 1e-12);
    m.o.a = m.o.b = m.a;
    r = judge_all(&m, 0);
    field(r, "ties", 6);
    field(r, "win_rate", 0.5);
    r = judge_all(&m, 1);
    field(r, "gain", 0);
    assert_true(json_is_false(json_object_get(r, "excludes_zero")));
    match_end(&m);
}

/* Of judges that name the worse response the outcome is turned, whether they compare or judge alone, and the positions that
 * they name are as they were. */
static void flipped(void **state)
{
    (void)state;
    Match m;
    match_begin(&m);
    const json_t *r = judge_all(&m, 0);
    double rate = json_number_of(r, "win_rate", -1), same = json_number_of(r, "same_slot_rate", -1),
           first = json_number_of(r, "first_share", -1), gain = json_number_of(judge_all(&m, 1), "gain", -9);
    assert_true(same > 0 && first != 0.5);
    static const char *const names[] = {"pairwise.yaml", "verdict.yaml"}, *const texts[] = {pairwise, verdict};
    for (int i = 0; i < COUNT(names); i++) {
        char *text = mem_printf("%sflip: true\n", texts[i]);
        free(write_rows(m.folder, names[i], text));
        free(text);
    }
    r = judge_all(&m, 0);
    close_to(json_number_of(r, "win_rate", -1), 1 - rate, 1e-12);
    field(r, "same_slot_rate", same);
    field(r, "first_share", first);
    close_to(json_number_of(judge_all(&m, 1), "gain", -9), -gain, 1e-12);
    match_end(&m);
}

/* Of a pair's two orders the log-odds can be averaged in place of the probabilities, and nothing else is changed by it. */
static void averaged(void **state)
{
    (void)state;
    Match m;
    Err err = {0};
    match_begin(&m);
    for (int how = AVERAGE_PROBABILITY; how <= AVERAGE_LOG_ODDS; how++) {
        Rows rows;
        m.o.average = how;
        judge_all(&m, 0);
        need_ok(stage_read_rows(&m.work, "stage:winrate", 0, NEED_PROMPT, false, &rows, &err), &err);
        assert_int_equal(rows.n, 3);
        for (int i = 0; i < 6; i++) {
            const json_t *said = json_array_get(json_object_get(rows.row[i / 2].json, "judgments"), 0),
                         *pair = json_array_get(json_object_get(said, "pairs"), (size_t)i % 2),
                         *orders = json_object_get(pair, "orders");
            double p[2], odds = 0;
            for (size_t k = 0; k < 2; k++) {
                p[k] = json_number_of(json_array_get(orders, k), "p", -1);
                odds += real_log(p[k] / (1 - p[k])) / 2;
            }
            close_to(json_number_of(pair, "p", -1), how == AVERAGE_LOG_ODDS ? real_sigmoid(odds) : (p[0] + p[1]) / 2,
                     1e-12);
            assert_true(how == AVERAGE_PROBABILITY || fabs(real_sigmoid(odds) - (p[0] + p[1]) / 2) > 1e-9 || i == 1);
        }
        rows_release(&rows);
    }
    m.o.prompt = (OptionList){m.prompt + 1, 1};
    assert_false(winrate_stage(&m.work, "winrate", &m.o, &err));
    assert_non_null(strstr(err.msg, "--average"));
    match_end(&m);
}

/* What was judged before is not asked again, whatever the seed: a row that was changed in the store stays changed. Then
 * the others are judged as they would have been at once. */
static void goes_on(void **state)
{
    (void)state;
    Match m;
    Err err = {0};
    match_begin(&m);
    double gain = json_number_of(judge_all(&m, 1), "gain", -9);
    match_end(&m);
    match_begin(&m);
    m.o.limit = 1;
    judge_all(&m, 1);
    m.o.limit = 0;
    close_to(json_number_of(judge_all(&m, 1), "gain", -9), gain, 0);
    Rows rows;
    StageRow stage;
    bool present;
    need_ok(match_rows(&m.work, m.a, m.b, 0, false, &rows, &err) &&
                store_stage_find(m.work.store, "winrate", &stage, &present, &err),
            &err);
    static const char changed[] =
        "{\"prompt\": \"one\", \"a\": [\"x\"], \"b\": [\"y\"], \"judgments\": [{\"pairs\": [{\"p\": 0.9}]},"
        " {\"pairs\": [{\"a\": {\"reward\": 0.75}, \"b\": {\"reward\": -0.5}}]}]}";
    need_ok(store_item_put(m.work.store, stage.id, rows.row[0].key, 0, changed, &err), &err);
    m.o.limit = 1;
    m.o.common.seed = 5;
    field(judge_all(&m, 1), "gain", 1.25);
    stage_row_release(&stage);
    rows_release(&rows);
    match_end(&m);
}

static void refused(void **state)
{
    (void)state;
    Match m;
    Err err = {0};
    match_begin(&m);
    m.o.method = WINRATE_POINTWISE;
    assert_false(winrate_stage(&m.work, "winrate", &m.o, &err));
    assert_non_null(strstr(err.msg, "two responses"));
    assert_non_null(strstr(err.hint, "pairwise"));
    err = (Err){0};
    m.o.method = WINRATE_AUTO;
    char *missing = path_join(m.folder, "none.yaml");
    free(m.prompt[1]);
    m.prompt[1] = missing;
    assert_false(winrate_stage(&m.work, "winrate", &m.o, &err));
    match_end(&m);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matched),           cmocka_unit_test(unmatched),      cmocka_unit_test(what_is_left),
        cmocka_unit_test(contest),           cmocka_unit_test(gain_by_length), cmocka_unit_test(contest_all_alike),
        cmocka_unit_test(contest_of_orders), cmocka_unit_test(symmetry),       cmocka_unit_test(by_a_mix),
        cmocka_unit_test(goes_on),           cmocka_unit_test(flipped),        cmocka_unit_test(averaged),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
