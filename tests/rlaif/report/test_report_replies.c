/* Samples on a report's page: what all policies said to the same prompts, with what judges said of each. */
#include "report_page.h"

#include "base/mem.h"

static const char replies_yaml[] =
    "name: x\nseed: 1\npolicy: p\nstages:\n"
    "  - sample: {as: pairs, model: p, n: 2}\n"
    "  - rl: {model: p}\n"
    "  - sample: {as: says-start, model: p}\n"
    "  - sample: {as: says-rl, model: run/policy}\n"
    "  - sample: {as: says-other, model: q}\n"
    "  - sample: {as: risky-start, model: p}\n"
    "  - sample: {as: risky-rl, model: run/policy}\n"
    "  - eval: {as: duel, kind: winrate, policy: \"stage:says-rl\", against: \"stage:says-start\"}\n"
    "  - eval: {as: other-duel, kind: winrate, policy: \"stage:says-rl\", against: \"stage:says-other\"}\n"
    "  - eval: {as: files, kind: winrate, policy: run/policy, against: reference}\n"
    "  - eval: {as: rates, kind: harmless, rows: [\"stage:risky-start\", \"stage:risky-rl\"]}\n";

static void add_replies(Run *r, const char *stage, const char *prompts, const char *by, int n)
{
    int64_t id = add_stage(r, stage, "sample", "{}", "{\"prompts\": 13}");
    for (int i = 0; i < n; i++) {
        char row[300];
        snprintf(row, sizeof row, "{\"prompt\": \"%s %d?\", \"response\": \"<%s> to %d\"}", prompts, i, by, i);
        add_item(r, id, i, row);
    }
}

static void add_duel(Run *r, const char *stage, const char *other, const char *p)
{
    int64_t id = add_stage(r, stage, "eval winrate", "{}", "{\"prompts\": 13, \"pairs\": 13, \"results\": []}");
    for (int i = 0; i < 13; i++) {
        char row[500];
        snprintf(
            row, sizeof row,
            "{\"prompt\": \"ask %d?\", \"a\": [\"<rl> to %d\"], \"b\": [\"<%s> to %d\"], \"judgments\": [{\"prompt\": "
            "\"which\", \"pairs\": [{\"p\": %s}]}, {\"prompt\": \"tone\", \"pairs\": [{\"a\": {\"reward\": 0.5}, \"b\": "
            "{\"reward\": 0.25}}]}]}",
            i, i, other, i, p);
        add_item(r, id, i, row);
    }
}

static void add_run(Run *r)
{
    put_text(r->folder, "recipe.yaml", replies_yaml);
    add_item(r, add_stage(r, "pairs", "sample", "{}", "{\"prompts\": 1}"), 0,
             "{\"prompt\": \"to label\", \"responses\": [\"x\", \"y\"]}");
    add_made(r, "rl", "rl", "{}", "{\"steps\": 1}", "run/policy");
    add_replies(r, "says-start", "ask", "start", 13);
    add_replies(r, "says-rl", "ask", "rl", 13);
    add_replies(r, "says-other", "ask", "other", 13);
    add_replies(r, "risky-start", "harm", "start", 2);
    add_replies(r, "risky-rl", "harm", "rl", 2);
    add_duel(r, "duel", "start", "0.625");
    add_duel(r, "other-duel", "other", "0.75");
    add_item(r, add_stage(r, "files", "eval winrate", "{}", "{\"prompts\": 1, \"pairs\": 1, \"results\": []}"), 0,
             "{\"prompt\": \"of a file\", \"a\": [\"here\"], \"b\": [\"by a person\"], \"judgments\": []}");
    int64_t rates = add_stage(r, "rates", "eval harmless", "{}", "{\"prompt\": \"verdict\", \"policies\": []}");
    add_item(r, rates, 0,
             "{\"prompt\": \"harm 1?\", \"response\": \"<start> to 1\", \"judgment\": {\"expectation\": 0.125}}");
    add_item(r, rates, 1,
             "{\"prompt\": \"harm 1?\", \"response\": \"<rl> to 1\", \"judgment\": {\"expectation\": 0.875}}");
}

static void side_by_side(void **state)
{
    (void)state;
    Run r = run_new();
    add_run(&r);
    char *page = page_of(&r), *samples = part_of(page, "<h2 id=\"samples\">", "<h2"),
         *first = part_of(samples, "ask 0?</p>", "ask 1?"), *harm = part_of(samples, "harm 1?</p>", "<h3>");
    check_page(page);
    has(samples,
        "Replies to the same prompts: <a href=\"#stage-3\">says-start</a>, <a href=\"#stage-4\">says-rl</a>, <a "
        "href=\"#stage-5\">says-other</a></h3>");
    has(first,
        "&lt;start&gt; to 0</div><div class=\"scores\">which: 37.5 % against <a href=\"#stage-4\">says-rl</a> \xc2\xb7 "
        "tone: 0.250</div>");
    has(first,
        "says-rl</a><span class=\"range\">of <a href=\"#stage-2\">rl</a></span></div><div class=\"reply after\"><div "
        "class=\"said\">&lt;rl&gt; to 0</div><div class=\"scores\">which: 62.5 % against <a "
        "href=\"#stage-3\">says-start</a>, 75.0 % against <a href=\"#stage-5\">says-other</a> \xc2\xb7 tone: 0.500</div>");
    has(first, "&lt;other&gt; to 0</div>");
    has(samples, "<details><summary>1 more prompts</summary>"); /* twelve are seen at once */
    char *seen = part_of(samples, "says-other</a></h3>", "<details>");
    has(seen, "ask 11?");
    has_not(seen, "ask 12?");
    /* harmful contexts stand on their own, with the verdict on each */
    has(samples,
        "Replies to the same prompts: <a href=\"#stage-6\">risky-start</a>, <a href=\"#stage-7\">risky-rl</a></h3>");
    has(harm, "&lt;start&gt; to 1</div><div class=\"scores\">verdict: harmless 12.5 %</div>");
    has(harm, "&lt;rl&gt; to 1</div><div class=\"scores\">verdict: harmless 87.5 %</div>");
    /* what was compared is not shown again; what no sample stage holds is; pairs to label are no policy's answer */
    has_not(samples, "Replies to the same prompts: <a href=\"#stage-8\">duel");
    has_not(samples, "other-duel</a></h3>");
    has(samples, "files</a></h3>");
    has(samples, "by a person");
    has_not(samples, "to label");
    free(seen);
    free(harm);
    free(first);
    free(samples);
    free(page);
    run_free(&r);
}

/* Replies that an evaluation sampled itself are found by its name; where one is another text, all its pairs are shown. */
static void sampled_by_evaluation(void **state)
{
    (void)state;
    for (int changed = 0; changed < 2; changed++) {
        Run r = run_new();
        add_replies(&r, "duel-after", "ask", "rl", 13);
        add_replies(&r, "duel-before", "ask", changed ? "another" : "start", 13);
        add_duel(&r, "duel", "start", "0.625");
        char *page = page_of(&r);
        check_page(page);
        has(page, "duel-after</a>, <a");
        if (changed)
            has(page, "<div>Before: B</div><div>After: A</div>");
        else
            has_not(page, "<div>Before: ");
        if (!changed)
            has(page, "which: 62.5 % against B");
        free(page);
        run_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(side_by_side),
        cmocka_unit_test(sampled_by_evaluation),
    };
    return cmocka_run_group_tests_name("report_replies", tests, NULL, NULL);
}
