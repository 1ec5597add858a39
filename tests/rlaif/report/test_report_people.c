/* What people said, harmless rates, probes and cost on a report's page: of the stages themselves, run here on rows whose
 * numbers are known. */
#include "report_page.h"

#include "base/mem.h"
#include "rlaif/eval/eval.h"
#include "rlaif/report/page/words.h"
#include "rlaif/rows/probes.h"

#define RANK(prompt, ranks, rater, scores)                                                                             \
    "{\"prompt\": \"" prompt "\", \"responses\": [\"aa\", \"bbbb\", \"c\"], \"models\": [\"says-x\", \"y\", \"z\"], "  \
    "\"ranks\": " ranks ", \"rater\": \"" rater "\"" scores "}\n"
#define SCORES ", \"score\": [3, 2, 1]"

/* says-x before y: three of four; before z: always. The judge's order is x, y, z. */
static const char rankings[] = RANK("p", "[1, 2, 3]", "ann", SCORES) RANK("q", "[1, 3, 2]", "ann", "")
    RANK("p", "[2, 1, 3]", "bob", SCORES) RANK("q", "[1, 3, 2]", "bob", "");

#define MARK(prompt, model, response, harmless, rater)                                                                 \
    "{\"prompt\": \"" prompt "\", \"response\": \"" response "\", \"model\": \"" model "\", \"harmless\": " harmless   \
    ", \"rater\": \"" rater "\"}\n"

static const char marks[] = MARK("p", "says-x", "one.", "true", "ann") MARK("p", "says-x", "one.", "true", "bob")
    MARK("q", "says-x", "two.", "true", "ann") MARK("p", "y", "three;", "false", "ann")
        MARK("q", "y", "four", "true", "ann");

/* "60.0 %<span ...>50.0 to 70.0</span>" of an interval in a summary. */
static char *with_range(const char *said, const json_t *object, const char *interval, double times, int decimals)
{
    const json_t *range = json_object_get(object, interval);
    if (json_is_null(range)) /* all alike */
        return mem_printf("<td>%s</td>", said);
    assert_int_equal(json_array_size(range), 2);
    return mem_printf("<td>%s<span class=\"range\">%s</span></td>", said, say_range(range, times, decimals).text);
}

static void has_freed(const char *page, char *text)
{
    has(page, text);
    free(text);
}

static const json_t *entry(const json_t *summary, const char *list, size_t i)
{
    return json_array_get(json_object_get(summary, list), i);
}

static void ranked(void **state)
{
    (void)state;
    Err err = {0};
    Run r = run_new();
    put_text(r.folder, "ratings.jsonl", rankings);
    char *path = path_join(r.folder, "ratings.jsonl");
    RatingsOptions o = {.rows = path};
    r.work.common = &o.common;
    r.work.in_recipe = true;
    add_stage(&r, "says-x", "sample", "{}", "{\"prompts\": 2}");
    need_ok(ratings_stage(&r.work, "ratings", &o, &err), &err);
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"people\">", "<h2");
    const json_t *s = r.work.summary, *xy = entry(s, "pairs", 0);
    check_page(page);
    has(page, "<a href=\"#people\">People</a>");
    has(page,
        "<p class=\"lead\">No judge compared policies in this run; people did: <a href=\"#people\">what they said</a>.</p>");
    has_not(page, "No policy was compared");
    has(part, "4 rankings of 2 sets of replies to 2 prompts");
    has(part, "<th><a href=\"#stage-1\">says-x</a></th><th>y</th><th>z</th>"); /* side by side, a stage by its link */
    has_freed(part, with_range("1.250", entry(s, "policies", 0), "mean_rank_interval", 1, 3));
    has_freed(part, with_range("75.0 %", entry(s, "policies", 0), "first_interval", 100, 1));
    has(part, "says-x</a><br>against y</th>");
    has_freed(part, with_range("75.0 %", xy, "win_rate_bootstrap", 100, 1));
    has_freed(part, with_range("75.0 %", xy, "interval", 100, 1));
    has(part, "<th>p of 50 %: two-sample t-test, as the paper; its size is 17 %</th><td>0.207</td>");
    has(part, "says-x</a> is preferred to y in 75.0 % of 4 rankings; the interval of that rate contains 50&nbsp;%.");
    has(part,
        "<a href=\"#stage-1\">says-x</a> is preferred to z in 100.0 % of 4 rankings; the interval of that rate contains "
        "50&nbsp;%."); /* always, but on two prompts */
    has(part, "says-x</a><br>less y,<br>over z</th>");
    has(part, "<th>win rate of the second over the third</th>");
    has_freed(part, with_range("+50.0 points", entry(s, "over", 2), "difference_interval", 100, 1));
    has(part, "<td>0.134</td>"); /* the paper's t-test over a third */
    has_freed(part, with_range("0.875", json_object_get(s, "kendall"), "interval", 1, 3)); /* W of 3/4 and 1 */
    has(part, "<th>people</th><td>2</td>");
    has(part, "<th>ann</th><th>bob</th>");
    has_freed(part, with_range("83.3 %", json_object_get(s, "beside_judge"), "interval", 100, 1));
    free(part);
    free(page);
    free(path);
    json_decref(r.work.summary);
    run_free(&r);
}

static void harmless(void **state)
{
    (void)state;
    Err err = {0};
    Run r = run_new();
    put_text(r.folder, "marks.jsonl", marks);
    char *path = path_join(r.folder, "marks.jsonl");
    HarmlessOptions o = {.rows = {&path, 1}};
    r.work.common = &o.common;
    r.work.in_recipe = true;
    add_stage(&r, "says-x", "sample", "{}", "{\"prompts\": 2}");
    need_ok(harmless_stage(&r.work, "rates", &o, &err), &err);
    add_stage(
        &r, "judged", "eval harmless", "{}",
        "{\"source\": \"judge\", \"prompt\": \"harmless-verdict\", \"prompts\": 9, \"baseline\": \"b\", \"policies\": [], "
        "\"against\": [], \"beside_people\": {\"marks\": 8, \"accuracy\": 0.875, \"interval\": [0.5, 0.9], \"kappa\": 0.5}}");
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"harmless\">", "<h2");
    const json_t *s = r.work.summary;
    check_page(page);
    has(part,
        "By people\xe2\x80\x99s marks. 2 prompts; 95&nbsp;% intervals. The baseline is <a href=\"#stage-1\">says-x</a>.");
    has(part, "<th>replies</th><td>3</td><td>2</td>");
    has_freed(part, with_range("100.0 %", entry(s, "policies", 0), "interval", 100, 1));
    has_freed(part, with_range("50.0 %", entry(s, "policies", 1), "bootstrap", 100, 1));
    has(part, "says-x</a><br>less y</th>");
    has_freed(part, with_range("+50.0 points", entry(s, "against", 0), "difference_interval", 100, 1));
    has(part, "<th>p of none: two-sample t-test, as the paper</th>");
    has(part, "<th>of these alike</th><td>100.0 %");
    has(part, "By a judge\xe2\x80\x99s verdict with <b>harmless-verdict</b>, on each reply alone. 9 prompts");
    has(part, "mark</th><td>87.5 %<span class=\"range\">50.0 to 90.0</span></td>");
    free(part);
    free(page);
    free(path);
    json_decref(r.work.summary);
    run_free(&r);
}

/* Four prompts of one mind: Wilson's interval leaves out a half, the binomial test does not, and nothing is called shown. */
static void too_few(void **state)
{
    (void)state;
    static const char wins[] =
        "{\"a\": \"x\", \"b\": \"y\", \"n\": %d, \"win_rate\": 1.0, \"win_rate_bootstrap\": [0.51, 1.0], "
        "\"paired_p\": null, \"binomial_p\": %s}";
    for (int enough = 0; enough < 2; enough++) {
        Run r = run_new();
        char *one = mem_printf(wins, enough ? 6 : 4, enough ? "0.03125" : "0.125"),
             *summary = mem_printf("{\"rankings\": 4, \"items\": 4, \"prompts\": 4, \"pairs\": [%s]}", one),
             *duel = mem_printf(
                 "{\"prompts\": 4, \"pairs\": 4, \"results\": [{\"prompt\": \"which\", \"kind\": \"pairwise\", %s]}",
                 one + 1);
        add_stage(&r, "ratings", "eval ratings", "{}", summary);
        add_stage(&r, "duel", "eval winrate", "{}", duel);
        char *page = page_of(&r);
        has(page, enough ? "<b>x is preferred to y</b> in 100.0 % of 6 rankings; 50&nbsp;% is not in its interval."
                         : "x is preferred to y in 100.0 % of 4 rankings; too few prompts to tell.");
        has(page, enough ? "<b>A is better than B.</b>" : "<b>It is not shown that A is better or worse than B.</b>");
        has(page, enough ? ": the interval does not contain 50&nbsp;%." : ": <b>too few prompts to tell</b>.");
        free(page);
        free(one);
        free(summary);
        free(duel);
        run_free(&r);
    }
}

/* The line of a probe of both policies. The caller frees it. */
static char *probe_line(Probe k, const json_t *summary)
{
    Str line = {0};
    str_addf(&line, "<th>%s</th>", probe_title(k));
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_object_get(entry(summary, "policies", i), probe_name(k));
        double mean = json_number_of(one, "mean", -1);
        char *cell = with_range(probe_is_share(k)       ? say_percent(mean).text
                                : k == PROBE_CHARACTERS ? say_number(mean, 1).text
                                                        : say_number(mean, 3).text,
                                one, "interval", probe_is_share(k) ? 100 : 1,
                                probe_is_share(k) || k == PROBE_CHARACTERS ? 1 : 3);
        str_add(&line, cell);
        free(cell);
    }
    return str_take(&line);
}

static void probed(void **state)
{
    (void)state;
    Err err = {0};
    Run r = run_new();
    put_text(r.folder, "replies.jsonl", marks);
    char *path = path_join(r.folder, "replies.jsonl");
    ProbesOptions o = {.rows = {&path, 1}};
    r.work.common = &o.common;
    r.work.in_recipe = true;
    need_ok(probes_stage(&r.work, "probes", &o, &err), &err);
    add_stage(
        &r, "duel", "eval winrate", "{}",
        "{\"prompts\": 3, \"pairs\": 3, \"results\": [], \"probes_a\": {\"responses\": 3, \"prompts\": 3, \"cut_off\": "
        "{\"mean\": 0.25, \"interval\": [0.125, 0.5]}}, \"probes_b\": {\"responses\": 3, \"prompts\": 3, \"cut_off\": "
        "{\"mean\": 0.75, \"interval\": [0.5, 0.875]}}}");
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"probes\">", "<h2");
    const json_t *y = entry(r.work.summary, "policies", 1), *trailing = json_object_get(y, "trailing");
    check_page(page);
    has(part, "<th>says-x</th><th>y</th>");
    has_freed(part, with_range("50.0 %", trailing, "interval", 100, 1)); /* "three;" */
    has(part,
        "<th>cut off before their end</th><td>75.0 %<span class=\"range\">50.0 to 87.5</span></td><td>25.0 %<span "
        "class=\"range\">12.5 to 50.0</span></td>");
    has(part, "<th>B</th><th>A</th>");
    for (int k = 0; k < PROBES; k++) /* each of them, with its interval */
        has_freed(part, probe_line((Probe)k, r.work.summary));
    free(part);
    free(page);
    free(path);
    json_decref(r.work.summary);
    run_free(&r);
}

/* What labels cost, and how far people agree where they chose twice, beside the labels' alignment. */
static void labels(void **state)
{
    (void)state;
    Run r = run_new();
    int64_t label =
        add_stage(&r, "label", "label", "{}",
                  "{\"pairs\": 2, \"prompt\": \"which\", \"cost\": {\"pairs\": 80, \"input\": 24334, \"output\": 12, "
                  "\"judge\": 0.73074, \"judge_per_pair\": 0.00913, \"words\": 5641, \"people\": 12.35379, "
                  "\"people_per_pair\": 0.154422, \"ratio\": 16.9}}");
    for (int i = 0; i < 2; i++)
        add_item(&r, label, i,
                 i ? "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"preferred\": 0, \"label\": {\"p\": 0.8}}"
                   : "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"preferred\": 1, \"label\": {\"p\": 0.8}}");
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"labels\">", "<h2");
    check_page(page);
    has(part, "<th>two people choose alike</th><td>0.0 %");
    has(part, "<th>labels on people\xe2\x80\x99s side there</th><td>50.0 %</td>");
    char *table = part_of(part, "<table class=\"lines\">", "</table>"); /* one line a labeler */
    has(table, "<th>the longer reply</th>");
    has(table, "<a href=\"#stage-1\">label</a></th><td>2</td><td>50.0 %<span class=\"range\">");
    free(table);
    has(part, "<th>tokens that the judge read</th><td>24334</td>");
    has(part, "<th>the judge, a pair</th><td>$0.0091</td>");
    has(part, "<th>people, all pairs</th><td>$12.3538</td>");
    has(part, "<th>people\xe2\x80\x99s cost over the judge\xe2\x80\x99s</th><td>16.9</td>");
    free(part);
    free(page);
    run_free(&r);
}

/* --- beside the paper ------------------------------------------------------------------------------------- */

static const char paper_yaml[] =
    "name: x\nseed: 1\npolicy: p\npaper:\n  differs: \"a <small> judge\"\n"
    "  primary: {what: over SFT, figure: \"71 %\", ours: duel.win-rate.2, test: <the> interval}\n  figures:\n"
    "    - {what: \"agreement <of> judges\", figure: \"78 %\", ours: label.alignment}\n"
    "    - {what: first place, figure: \"-\", ours: label.first-of-same-slot}\n"
    "    - {what: over SFT, figure: \"71 %\", ours: duel.win-rate.2}\n"
    "    - {what: by people, figure: \"73 %\", ours: ratings.win-rate.2}\n"
    "    - {what: by people at equal length, figure: \"61 %\", ours: ratings.win-rate-at-equal-length}\n"
    "    - {what: by length alone, figure: \"12 points\", ours: ratings.length-share}\n"
    "    - {what: of one mind, figure: \"0.3 to 0.6\", ours: ratings.kendall-w}\n"
    "    - {what: harmless, figure: \"88 %\", ours: rates.harmless-rate.2}\n"
    "    - {what: two runs, figure: \"\", ours: [duel.win-rate, duel.win-rate.2]}\n"
    "    - {what: not yet, figure: \"50 %\", ours: later.win-rate}\n"
    "stages:\n  - label: {}\n  - eval: {as: duel, kind: winrate}\n  - eval: {as: ratings, kind: ratings}\n"
    "  - eval: {as: rates, kind: harmless}\n  - eval: {as: later, kind: winrate}\n";

static void beside_the_paper(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "<tr><th>agreement &lt;of&gt; judges</th><td>78 %</td><td>60.0 %</td><td>50.0 to 70.0&nbsp;%</td><td>90</td><td "
        "class=\"left\"><a href=\"#stage-1\">label</a></td></tr>",
        /* without an interval of its own: Wilson's of 2 in 4 */
        "<tr><th>first place</th><td>-</td><td>50.0 %</td><td>15.0 to 85.0&nbsp;%</td><td>4</td>",
        "<tr><th>over SFT</th><td>71 %</td><td>25.0 %</td><td>10.0 to 40.0&nbsp;%</td><td>7</td>",
        "<tr><th>by people</th><td>73 %</td><td>62.5 %</td><td>51.0 to 70.0&nbsp;%</td><td>33</td>",
        "<tr><th>by people at equal length</th><td>61 %</td><td>55.0 %</td><td>40.0 to 60.0&nbsp;%</td><td>12</td>",
        "<tr><th>by length alone</th><td>12 points</td><td>\xe2\x88\x92"
        "5.0&nbsp;points</td><td>\xe2\x88\x92"
        "12.5 to 2.5&nbsp;points</td><td>12</td>",
        "<tr><th>of one mind</th><td>0.3 to 0.6</td><td>0.438</td><td>0.250 to 0.625</td><td>9</td>",
        "<tr><th>harmless</th><td>88 %</td><td>12.5 %</td><td>10.0 to 15.0&nbsp;%</td><td>40</td>",
        "<tr><th>two runs</th><td></td><td>17.5 %</td><td>0.0 to 100.0&nbsp;%</td><td>2</td><td class=\"left\"><a "
        "href=\"#stage-2\">duel</a>, <a href=\"#stage-2\">duel</a></td></tr>",
        "<tr><th>not yet</th><td>50 %</td><td>\xe2\x80\x93</td><td></td><td>\xe2\x80\x93</td><td class=\"left\">later</td></tr>",
    };
    Run r = run_new();
    put_text(r.folder, "recipe.yaml", paper_yaml);
    add_stage(&r, "label", "label", "{}",
              "{\"alignment\": {\"accuracy\": 0.6, \"interval\": [0.5, 0.7], \"with_choice\": 90, \"position\": "
              "{\"first_share\": 0.5, \"same_slot\": 4}}}");
    add_stage(
        &r, "duel", "eval winrate", "{}",
        "{\"pairs\": 7, \"results\": [{\"win_rate\": 0.1}, {\"win_rate\": 0.25, \"win_rate_bootstrap\": [0.1, 0.4]}]}");
    add_stage(
        &r, "ratings", "eval ratings", "{}",
        "{\"pairs\": [{\"a\": \"x\", \"b\": \"y\", \"n\": 12, \"win_rate\": 0.5, \"length_controlled\": 0.55, "
        "\"length_controlled_interval\": [0.4, 0.6], \"length_share\": -0.05, \"length_share_interval\": [-0.125, 0.025]}, {\"a\": \"x\", \"b\": \"z\", \"n\": 33, \"win_rate\": 0.625, "
        "\"win_rate_bootstrap\": [0.51, 0.7]}], \"kendall\": {\"items\": 9, \"w\": 0.4375, \"interval\": [0.25, 0.625]}}");
    add_stage(
        &r, "rates", "eval harmless", "{}",
        "{\"policies\": [{\"policy\": \"x\"}, {\"policy\": \"y\", \"n\": 40, \"harmless\": 0.125, \"interval\": [0.1, 0.15]}]}");
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"paper\">", "</table>");
    check_page(page);
    has(part, "<b>What differs from the paper.</b> a &lt;small&gt; judge</p>");
    has(part, "<b>The primary figure, named before the run.</b> over SFT: <b>25.0 %</b> (95&nbsp;% interval 10.0 to "
              "40.0&nbsp;%, n 7); the paper: 71 %. What decides: &lt;the&gt; interval</p>");
    for (int i = 0; i < COUNT(rows); i++)
        has(part, rows[i]);
    has(part, "<th>the paper</th>");
    has_not(page, "id=\"named\"");
    free(part);
    free(page);
    run_free(&r);
}

/* Figures that the paper does not have stand alone: no column of its, nor a section that says so. */
static void named_before(void **state)
{
    (void)state;
    Run r = run_new();
    put_text(r.folder, "recipe.yaml",
             "name: x\nseed: 1\npolicy: p\npaper:\n  differs: all\n"
             "  primary: {what: wins, figure: \"\", ours: duel.win-rate, test: the interval}\n"
             "  figures: [{what: again, figure: \"\", ours: duel.win-rate}]\n"
             "stages:\n  - eval: {as: duel, kind: winrate}\n");
    add_stage(&r, "duel", "eval winrate", "{}",
              "{\"pairs\": 7, \"results\": [{\"win_rate\": 0.25, \"win_rate_bootstrap\": [0.1, 0.4]}]}");
    char *page = page_of(&r), *part = part_of(page, "<h2 id=\"named\">", "</table>");
    check_page(page);
    has(part, "Figures named before the run</h2>");
    has(part, "<thead><tr><td></td><th>here</th>");
    has(part, "<tr><th>again</th><td>25.0 %</td><td>10.0 to 40.0&nbsp;%</td><td>7</td>");
    has_not(part, "the paper</th>");
    has_not(page, "Beside the paper");
    free(part);
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few),      cmocka_unit_test(ranked), cmocka_unit_test(harmless),
        cmocka_unit_test(probed),       cmocka_unit_test(labels), cmocka_unit_test(beside_the_paper),
        cmocka_unit_test(named_before),
    };
    return cmocka_run_group_tests_name("report_people", tests, NULL, NULL);
}
