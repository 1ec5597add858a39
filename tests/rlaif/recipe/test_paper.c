/* Figures that a recipe sets beside its numbers: read, refused where they cannot be looked up, looked up. */
#include "rlaif/recipe/paper.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

static const char stages[] = "stages:\n  - label: {as: base}\n  - label: {as: base.two}\n"
                             "  - eval: {as: duel, kind: winrate}\n  - report: {}\n";

/* A recipe whose section `paper` is this text. */
static bool read_recipe(Recipe *r, const char *paper, Err *err)
{
    char *folder = make_folder(), *path = path_join(folder, "recipe.yaml");
    Str text = {0};
    str_addf(&text, "name: r\n%s%s", paper, stages);
    Err wrote = {0};
    need_ok(file_write(path, str_text(&text), text.n, &wrote), &wrote);
    bool ok = recipe_read(r, path, err) && paper_check(r, err);
    remove_folder(folder);
    str_release(&text);
    free(path);
    return ok;
}

static void looked_up(void **state)
{
    (void)state;
    Recipe r;
    Err err = {0};
    PaperFigure f;
    json_t *label, *duel, *tried;
    need_ok(read_recipe(&r,
                        "paper:\n  differs: all\n  figures:\n    - {what: a, figure: 67 %, ours: base.alignment}\n"
                        "    - {what: b, figure: 1 %, ours: duel.win-rate.2}\n"
                        "    - {what: c, figure: \"\", ours: base.two.first-of-same-slot}\n"
                        "    - {what: d, figure: \"\", ours: base.alignment-of-trials.2}\n"
                        "    - {what: e, figure: \"\", ours: base.least-of-trials.2}\n"
                        "    - {what: f, figure: \"\", ours: base.most-of-trials.2}\n"
                        "    - {what: g, figure: \"\", ours: duel.length-share.2}\n"
                        "    - {what: h, figure: \"\", ours: [duel.length-share.2, duel.length-share.2]}\n",
                        &err),
            &err);
    assert_string_equal(paper_differs(&r), "all");
    assert_int_equal(paper_count(&r), 8);
    static const char label_summary[] =
        "{\"alignment\": {\"accuracy\": 0.6, \"interval\": [0.5, 0.7], \"with_choice\": 90,"
        " \"position\": {\"first_share\": 0.5, \"same_slot\": 4}}}",
                      duel_summary[] = "{\"pairs\": 7, \"results\": [{\"win_rate\": 0.1}, {\"win_rate\": 0.25,"
                                       " \"win_rate_bootstrap\": [0.1, 0.4], \"length_share\": -0.05,"
                                       " \"length_share_interval\": [-0.125, 0.0625]}]}",
                      tried_summary[] =
                          "{\"choice\": {\"candidates\": [{\"accuracy\": 0.25, \"n\": 8}, {\"accuracy\": 0.5, "
                          "\"interval\": [0.25, 0.75], \"n\": 8, \"least\": 0.375, \"most\": 0.625}]}}";
    need_ok(json_parse(label_summary, strlen(label_summary), "label", &label, &err) &&
                json_parse(duel_summary, strlen(duel_summary), "duel", &duel, &err) &&
                json_parse(tried_summary, strlen(tried_summary), "tried", &tried, &err),
            &err);
    need_ok(paper_figure(&r, 0, &f, &err), &err);
    assert_string_equal(f.figure, "67 %");
    PaperValue v = paper_value(&f, (const json_t *[]){label});
    assert_true(v.value == 0.6 && v.low == 0.5 && v.high == 0.7 && v.n == 90);
    need_ok(paper_figure(&r, 1, &f, &err), &err);
    v = paper_value(&f, (const json_t *[]){duel});
    assert_true(v.value == 0.25 && v.low == 0.1 && v.high == 0.4 && v.n == 7);
    need_ok(paper_figure(&r, 2, &f, &err), &err);
    assert_string_equal(f.term[0].stage->name, "base.two");
    v = paper_value(&f, (const json_t *[]){label});
    assert_true(fabs(v.low - 0.150) < 0.001 && fabs(v.high - 0.850) < 0.001); /* Wilson's of 2 in 4, by a table */
    v = paper_value(&f, (const json_t *[]){duel});
    assert_true(isnan(v.value) && isnan(v.low) && isnan(v.n)); /* not there: nothing is made up */
    static const double trials[] = {0.5, 0.375, 0.625};
    for (int i = 0; i < 3; i++) {
        need_ok(paper_figure(&r, 3 + i, &f, &err), &err);
        v = paper_value(&f, (const json_t *[]){tried});
        assert_true(v.value == trials[i]);
        if (i == 0)
            assert_true(v.low == 0.25 && v.high == 0.75 && v.n == 8);
        else /* the least of several is no draw, and has no interval of one */
            assert_true(isnan(v.low) && isnan(v.high) && isnan(v.n));
    }
    need_ok(paper_figure(&r, 6, &f, &err), &err); /* a difference: below 0 as well, of several runs too */
    v = paper_value(&f, (const json_t *[]){duel});
    assert_true(v.value == -0.05 && v.low == -0.125 && v.high == 0.0625 && v.n == 7 && v.unit == PAPER_POINTS);
    need_ok(paper_figure(&r, 7, &f, &err), &err);
    v = paper_value(&f, (const json_t *[]){duel, duel});
    assert_true(v.value == -0.05 && v.low == -0.05 && v.high == -0.05 && v.unit == PAPER_POINTS);
    json_decref(label);
    json_decref(duel);
    json_decref(tried);
    recipe_release(&r);
}

/* The primary figure, means of runs and slopes over them. */
static void runs(void **state)
{
    (void)state;
    Recipe r;
    Err err = {0};
    PaperFigure f;
    static const double gains[] = {0.3, 0.5, 0.1};
    json_t *summary[3];
    for (int i = 0; i < 3; i++)
        summary[i] = json_pack("{s:i, s:[{s:f, s:[f, f]}]}", "prompts", 40, "results", "gain_in_spreads", gains[i],
                               "gain_in_spreads_interval", gains[i] - 0.1, gains[i] + 0.1);
    const json_t *all[] = {summary[0], summary[1], summary[2]}, *two[] = {summary[0], summary[1], NULL};
    need_ok(read_recipe(&r,
                        "paper:\n  differs: all\n"
                        "  primary: {what: a, figure: 63 %, ours: duel.gain-in-spreads, test: excludes 0}\n  figures:\n"
                        "    - {what: b, figure: '', ours: [duel.gain-in-spreads, duel.gain-in-spreads, "
                        "duel.gain-in-spreads]}\n"
                        "    - {what: c, figure: '', over: [0, 1, 3], ours: [duel.gain-in-spreads, "
                        "duel.gain-in-spreads, duel.gain-in-spreads]}\n",
                        &err),
            &err);
    assert_true(paper_has_primary(&r));
    need_ok(paper_primary(&r, &f, &err), &err);
    assert_string_equal(f.test, "excludes 0");
    PaperValue v = paper_value(&f, all);
    assert_true(v.value == 0.3 && fabs(v.low - 0.2) < 1e-12 && fabs(v.high - 0.4) < 1e-12 && v.n == 40 &&
                v.unit == PAPER_NUMBER);
    need_ok(paper_figure(&r, 0, &f, &err), &err);
    assert_true(f.n == 3 && !f.slope && !f.test);
    v = paper_value(&f, all); /* 0.3 +- 4.3027 * 0.2 / sqrt(3) */
    close_to(v.value, 0.3, 1e-12);
    close_to(v.low, 0.3 - 0.496828, 1e-5);
    close_to(v.high, 0.3 + 0.496828, 1e-5);
    assert_true(v.n == 3 && v.unit == PAPER_NUMBER);
    assert_true(isnan(paper_value(&f, two).value) && isnan(paper_value(&f, two).low)); /* a run is not there */
    need_ok(paper_figure(&r, 1, &f, &err), &err);
    assert_true(f.slope);
    v = paper_value(&f,
                    all); /* mean 4/3, spread 14/3, product of deviations -0.4: residuals of one degree of freedom */
    close_to(v.value, -0.3 / (14.0 / 3) * (4.0 / 3), 1e-12);
    assert_true(v.low < v.value && v.value < v.high);
    for (int i = 0; i < 3; i++)
        json_decref(summary[i]);
    recipe_release(&r);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *paper, *msg;
    } bad[] = {
        {"paper: {figures: []}\n", "\"paper\" needs \"differs\""},
        {"paper: {differs: x, figure: [], figures: []}\n", "no key \"figure\""},
        {"paper: {differs: x, figures: [{what: a, figure: b}]}\n", "needs \"ours\""},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: bass.alignment}]}\n", "names no stage"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: base.win-rate}]}\n", "has no number \"win-rate\""},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: duel.win-rate.0}]}\n", "has no number"},
        {"paper: {differs: x, figures: [a]}\n", "a figure is"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: {c: d}}]}\n", "\"ours\" is STAGE.NUMBER"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: [base.alignment]}]}\n", "2 to 16 runs"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: [base.alignment, [x]]}]}\n", "is STAGE.NUMBER"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: base.alignment, test: c}]}\n", "no key \"test\""},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: base.alignment, over: [1]}]}\n", "\"over\" needs"},
        {"paper: {differs: x, figures: [{what: a, figure: b, ours: [base.auc, base.auc, base.auc], over: [0, 1, y]}]}\n",
         "\"over\" needs"},
        {"paper: {differs: x, primary: {what: a, figure: b, ours: base.alignment}, figures: []}\n", "needs \"test\""},
        {"paper: {differs: x, primary: {what: a, figure: b, test: c}, figures: []}\n", "needs \"ours\""},
        {"paper: {differs: x, primary: [a], figures: []}\n", "a figure is"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        Recipe r;
        Err err = {0};
        assert_false(read_recipe(&r, bad[i].paper, &err));
        assert_non_null(strstr(err.msg, bad[i].msg));
        assert_non_null(strstr(err.msg, "recipe.yaml:2:"));
        recipe_release(&r);
    }
}

/* What a run keeps of the section reads back as the same. */
static void written_back(void **state)
{
    (void)state;
    Recipe a, b;
    Err err = {0};
    Str text = {0}, again = {0};
    need_ok(read_recipe(&a,
                        "paper:\n  differs: 'a: \"b\" # c'\n"
                        "  primary: {what: 'p: q', figure: '', ours: base.kappa, test: '# all'}\n  figures:\n"
                        "    - {what: \"- x\", figure: 67 %, ours: base.longer}\n"
                        "    - {what: y, figure: '', ours: [base.auc, base.auc, base.two.auc], over: [0, 0.5, 1]}\n",
                        &err),
            &err);
    paper_append_yaml(&a, &text);
    need_ok(read_recipe(&b, str_text(&text), &err), &err);
    paper_append_yaml(&b, &again);
    assert_string_equal(paper_differs(&b), "a: \"b\" # c");
    assert_string_equal(str_text(&again), str_text(&text));
    PaperFigure f;
    need_ok(paper_primary(&b, &f, &err), &err);
    assert_string_equal(f.test, "# all");
    need_ok(paper_figure(&b, 1, &f, &err), &err);
    assert_true(f.n == 3 && f.slope && f.over[1] == 0.5);
    str_release(&text);
    str_release(&again);
    recipe_release(&a);
    recipe_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looked_up),
        cmocka_unit_test(runs),
        cmocka_unit_test(refused),
        cmocka_unit_test(written_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
