/* The first page of a report: the verdict, replies before and after that a seed chose, curves; what folds away. */
#include "report_page.h"

#include "base/mem.h"

static const char about[] = "{\"options\": {}, \"hashes\": {}, \"seed\": 5, \"version\": \"0.1.0\"}";

enum { PROMPTS = 30 };

#define RESULTS                                                                                                        \
    "{\"prompts\": 30, \"pairs\": 30, \"results\": [{\"prompt\": \"tone\", \"kind\": \"verdict\", \"gain\": 0.25, "    \
    "\"gain_interval\": [0.125, 0.375]}, {\"prompt\": \"warmth\", \"kind\": \"verdict\", \"gain\": -0.0625, "          \
    "\"gain_interval\": [-0.25, 0.125]}, {\"prompt\": \"which\", \"kind\": \"pairwise\", \"win_rate\": 0.625, "        \
    "\"win_rate_bootstrap\": null}]}"

static void add_eval(Run *r, int prompts)
{
    int64_t eval = add_stage(r, "eval", "eval winrate", about, RESULTS);
    for (int i = 0; i < prompts; i++) {
        char row[300];
        snprintf(
            row, sizeof row,
            "{\"prompt\": \"ask-%02d.\", \"a\": [\"new-%02d.\"], \"b\": [\"old-%02d.\"], \"b_ended\": [false], \"a_ended\": [true], \"judgments\": [{\"prompt\": "
            "\"tone\", \"pairs\": [{\"a\": {\"reward\": 0.5}, \"b\": {\"reward\": -0.25}}]}]}",
            i, i, i);
        add_item(r, eval, i, row);
    }
}

static void add_rl(Run *r, const char *kl)
{
    Err err = {0};
    int64_t rl = add_stage(r, "rl", "rl", about, "{\"steps\": 2}");
    for (int step = 0; step < 2; step++)
        need_ok(store_metric(r->work.store, rl, step, "reward", 0.5 + 0.25 * step, &err) &&
                    store_metric(r->work.store, rl, step, kl, 1.5 * step, &err) &&
                    store_metric(r->work.store, rl, step, "entropy", 3 - step, &err),
                &err);
}

static char *front_of(const char *page)
{
    return part_of(page, "</h1>", "<nav");
}

static void what_comes_first(void **state)
{
    (void)state;
    Run r = run_new();
    add_rl(&r, "kl");
    add_eval(&r, PROMPTS);
    char *page = page_of(&r), *front = front_of(page), *lead = part_of(front, "class=\"lead\"", "</p>");
    check_page(page);
    has(lead,
        "</b> On 30 prompts its replies score <b>0.250 higher</b> by <b>tone</b> (95&nbsp;% interval 0.125 to "
        "0.375; the scale is from \xe2\x88\x92"
        "1 to 1), <b>0.062 lower</b> by <b>warmth</b> (\xe2\x88\x92"
        "0.250 to 0.125, which holds zero) and it wins <b>62.5 %</b> of the pairs by <b>which</b> (too few prompts, "
        "or too much alike, for an interval).");
    char *replies = part_of(front, "<h2 id=\"replies\">", "<h2 id=\"curves\">"),
         *curves = part_of(page, "<h2 id=\"curves\">", "<nav");
    has(replies, "<div>Before: B</div><div>After: A</div>");
    has(replies, "tone 0.500");
    char *before = part_of(replies, "<div class=\"side\">Before</div>", "</div>"),
         *after = part_of(replies, "<div class=\"side\">After</div>", "</div>");
    has(before, "\xe2\x80\xa6 cut off at the limit");
    has_not(after, "cut off");
    free(after);
    free(before);
    has(curves, "<figcaption>Reward, mean");
    has(curves, "<figcaption>KL to the reference at temperature 1, nats a reply</figcaption>");
    has_not(curves, "<figcaption>Entropy");
    has_not(front, "<details");
    has_not(front, "<table");
    has_not(front, "among the <a"); /* the only comparison */
    free(curves);
    free(replies);
    free(lead);
    free(front);
    free(page);
    run_free(&r);
}

/* Which prompts a page shows first, as bits; each with both replies, and with the words that say how they were chosen. */
static unsigned shown(Run *r, int seed, int wanted)
{
    char *page = page_of(r), *front = front_of(page), said[60], text[20];
    unsigned bits = 0;
    int n = 0;
    for (int i = 0; i < PROMPTS; i++) {
        snprintf(text, sizeof text, "ask-%02d.", i);
        bool asked = strstr(front, text) != NULL;
        snprintf(text, sizeof text, "old-%02d.", i);
        assert_int_equal(strstr(front, text) != NULL, asked);
        snprintf(text, sizeof text, "new-%02d.", i);
        assert_int_equal(strstr(front, text) != NULL, asked);
        bits |= asked ? 1U << i : 0;
        n += asked;
    }
    assert_int_equal(n, wanted);
    snprintf(said, sizeof said, "drawn by seed %d and not by taste", seed);
    has(front, said);
    free(front);
    free(page);
    return bits;
}

static void drawn_by_seed(void **state)
{
    (void)state;
    Run r = run_new();
    add_eval(&r, PROMPTS);
    unsigned of_stage = shown(&r, 5, 3);
    put_text(r.folder, "recipe.yaml", "name: x\nseed: 6\npolicy: p.gguf\nstages:\n  - report: {}\n");
    unsigned of_recipe = shown(&r, 6, 3);
    assert_int_equal(of_recipe, shown(&r, 6, 3));
    assert_int_not_equal(of_recipe, of_stage);
    assert_int_not_equal(of_recipe, 7); /* not simply the first ones */
    assert_int_not_equal(of_stage, 7);
    put_text(r.folder, "recipe.yaml", "name: x\nseed: 5\npolicy: p.gguf\nstages:\n  - report: {}\n");
    assert_int_equal(of_stage, shown(&r, 5, 3));
    run_free(&r);
    r = run_new();
    add_eval(&r, 2); /* fewer than are drawn: all */
    shown(&r, 5, 2);
    run_free(&r);
}

/* Of a run whose KL is of the draw's temperature alone, that one; without training no curves; nothing judged, no replies. */
static void what_there_is(void **state)
{
    (void)state;
    Run r = run_new();
    add_stage(&r, "sample", "sample", about, "{\"prompts\": 1}");
    char *page = page_of(&r);
    check_page(page);
    has_not(page, "id=\"curves\"");
    has_not(page, "id=\"replies\"");
    free(page);
    add_rl(&r, "kl_sampling");
    page = page_of(&r);
    char *curves = part_of(page, "<h2 id=\"curves\">", "<nav");
    has(curves, "<figcaption>KL to the reference at the temperature of the draw, nats a reply</figcaption>");
    free(curves);
    free(page);
    run_free(&r);
}

#define LOOKS(a, b)                                                                                                    \
    "{\"prompts\": 30, \"pairs\": 30, \"probes_a\": " a ", \"probes_b\": " b ", \"results\": [{\"prompt\": \"tone\", " \
    "\"kind\": \"verdict\", \"gain\": 0.25, \"gain_interval\": [0.125, 0.375]}]}"

/* Lengths and ends before and after, in a line of the first page; what an evaluation does not say is not said. */
static void looks_of_replies(void **state)
{
    (void)state;
    static const char before[] = "A reply had 80.0 characters on average before and has 120.5 after";
    static const struct {
        const char *summary, *ends; /* NULL: nothing is said */
    } of[] = {
        {LOOKS("{\"characters\": {\"mean\": 120.5}, \"cut_off\": {\"mean\": 0.25}}",
               "{\"characters\": {\"mean\": 80}, \"cut_off\": {\"mean\": 0.125}}"),
         "; 87.5 % of the replies ended by themselves before, 75.0 % do after, and the others were cut off"},
        {LOOKS("{\"characters\": {\"mean\": 120.5}}", "{\"characters\": {\"mean\": 80}}"), ".</p>"},
        {RESULTS, NULL},
    };
    for (int i = 0; i < COUNT(of); i++) {
        Run r = run_new();
        add_stage(&r, "eval", "eval winrate", about, of[i].summary);
        char *page = page_of(&r), *front = front_of(page);
        check_page(page);
        const char *at = strstr(front, before);
        assert_int_equal(at != NULL, of[i].ends != NULL);
        assert_true(!at || str_starts(at + strlen(before), of[i].ends));
        free(front);
        free(page);
        run_free(&r);
    }
}

/* A prompt of some lines is no heading: it is not bold, and scrolls. */
static void long_prompts(void **state)
{
    (void)state;
    Run r = run_new();
    Str row = {0};
    int64_t eval = add_stage(&r, "eval", "eval winrate", about, RESULTS);
    for (int characters = 400; characters <= 401; characters++) {
        str_release(&row);
        str_add(&row, "{\"prompt\": \"");
        for (int i = 0; i < characters; i++)
            str_addc(&row, 'x');
        str_add(&row, "\", \"a\": [\"new\"], \"b\": [\"old\"]}");
        add_item(&r, eval, characters - 400, str_text(&row));
    }
    char *page = page_of(&r), *front = front_of(page), *first = strstr(front, "<p class=\"long\">x");
    check_page(page);
    has(front, "<p>xxx");
    assert_non_null(first);
    assert_null(strstr(first + 1, "<p class=\"long\">"));
    free(front);
    free(page);
    str_release(&row);
    run_free(&r);
}

/* Of several comparisons the first is the verdict, and the others are counted. */
static void others(void **state)
{
    (void)state;
    static const char *const said[] = {
        "<p class=\"note\">One more comparison is among the <a href=\"#results\">results",
        "<p class=\"note\">2 more comparisons are among the <a href=\"#results\">"};
    Run r = run_new();
    add_eval(&r, PROMPTS);
    for (int i = 0; i < COUNT(said); i++) {
        char name[20];
        snprintf(name, sizeof name, "another-%d", i);
        add_stage(&r, name, "eval winrate", about, RESULTS);
        char *page = page_of(&r), *front = front_of(page);
        check_page(page);
        has(front, said[i]);
        free(front);
        free(page);
    }
    run_free(&r);
}

/* What folds is closed at first and holds its section; a link, and print, open it. */
static void folds(void **state)
{
    (void)state;
    static const char *const sections[] = {"probes", "training", "samples", "provenance"};
    Run r = run_new();
    add_rl(&r, "kl");
    add_eval(&r, PROMPTS);
    add_stage(&r, "probes", "eval probes", about, "{\"policies\": [{\"policy\": \"p\", \"responses\": 3}]}");
    char *page = page_of(&r);
    has_not(page, "<details open");
    for (int i = 0; i < COUNT(sections); i++) {
        char begins[40];
        snprintf(begins, sizeof begins, "<h2 id=\"%s\">", sections[i]);
        char *section = part_of(page, begins, "<summary>");
        has(section, "</h2>\n<details>");
        free(section);
    }
    char *numbers = part_of(page, "<details><summary>Every number of the comparisons</summary>", "</details>");
    has(numbers, "<th>pairs of replies</th>");
    has(page, "details::details-content { content-visibility: visible; display: block; }");
    has(page, "addEventListener(\"beforeprint\"");
    free(numbers);
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_first),
        cmocka_unit_test(drawn_by_seed),
        cmocka_unit_test(looks_of_replies),
        cmocka_unit_test(what_there_is),
        cmocka_unit_test(long_prompts),
        cmocka_unit_test(others),
        cmocka_unit_test(folds),
    };
    return cmocka_run_group_tests_name("report_front", tests, NULL, NULL);
}
