/* The numbers of a mix fitted to rows: logistic regression by hand and on planted weights; centres, scales and what is written. */
#include "base/real.h"
#include "base/rng.h"
#include "label_helpers.h"
#include "rlaif/label/weighing.h"

/* --- logistic regression -------------------------------------------------------------------------------- */

static int own[400]; /* of choices that go with no other; filled in main */

/* a choices for it and b against it: w = ln(a / b), and over n choices of one cluster each its error is
 * sqrt(n / (n - 1) / (n p (1 - p))); two columns that never meet are two of these, of all clusters. */
static void by_hand(void **state)
{
    (void)state;
    double one[40], two[60][2] = {{0}}, few = sqrt(40.0 / 39), all = sqrt(60.0 / 59);
    int twos[40], single[40] = {0};
    Weighing l;
    for (int i = 0; i < 40; i++) {
        one[i] = i < 30 ? 1 : -1;
        two[i][0] = one[i];
    }
    for (int i = 40; i < 60; i++)
        two[i][1] = i < 48 ? 0.5 : -0.5;
    assert_int_equal(weighing_fit(one, own, 40, 1, 40, &l), WEIGHING_FITTED);
    close_to(l.weight[0], real_log(3), 1e-9);
    close_to(l.error[0], few / sqrt(40 * 0.75 * 0.25), 1e-9);
    close_to(l.likelihood, 30 * real_log(0.75) + 10 * real_log(0.25), 1e-9);
    for (int i = 0; i < 40; i++)
        twos[i] = i / 2;
    assert_int_equal(weighing_fit(one, twos, 40, 1, 20, &l), WEIGHING_FITTED); /* 15 prompts for it, 5 against it */
    close_to(l.weight[0], real_log(3), 1e-9);
    close_to(l.error[0], sqrt(20.0 / 19) / sqrt(20 * 0.75 * 0.25), 1e-9);
    assert_int_equal(weighing_fit(one, single, 40, 1, 1, &l), WEIGHING_FITTED);
    assert_true(isnan(l.error[0])); /* of one prompt */
    assert_int_equal(weighing_fit(&two[0][0], own, 60, 2, 60, &l), WEIGHING_FITTED);
    close_to(l.weight[0], real_log(3), 1e-9);
    close_to(l.weight[1], 2 * real_log(8.0 / 12), 1e-9);
    close_to(l.error[1], 2 * all / sqrt(20 * 0.4 * 0.6), 1e-9);
}

enum { DRAWS = 60, N = 400, K = 3 };

/* Draws of planted weights whose standard errors say how far off they are; `each` choices of a prompt are the same pair and the
 * same choice but for one in four. *off: the mean square of the errors of so many standard errors. */
static int within_errors(int each, const int *cluster, int clusters, double *off)
{
    static const double planted[K] = {1.2, -0.7, 0};
    static double z[N][K];
    int within = 0;
    *off = 0;
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < N; i++) {
            RngKey key = {.seed = 5, .purpose = RNG_TEST, .row = (uint64_t)(d * N + i)};
            double common = rng_uniform(key, 9) - 0.5, margin = 0;
            bool again = i % each > 0 && rng_uniform(key, 7) < 0.75;
            for (int c = 0; c < K; c++) {
                z[i][c] = 2 * (rng_uniform(key, (uint64_t)c) - 0.5) + (c < 2 ? common : 0); /* two go together */
                margin += planted[c] * z[i][c];
            }
            if (rng_uniform(key, 8) >= real_sigmoid(margin)) /* the other one was chosen */
                for (int c = 0; c < K; c++)
                    z[i][c] = -z[i][c];
            if (again)
                memcpy(z[i], z[i / each * each], sizeof z[i]);
        }
        Weighing l;
        assert_int_equal(weighing_fit(&z[0][0], cluster, N, K, clusters, &l), WEIGHING_FITTED);
        for (int c = 0; c < K; c++) {
            double t = (l.weight[c] - planted[c]) / l.error[c];
            within += fabs(t) < 1.96;
            *off += t * t / (DRAWS * K);
        }
    }
    return within;
}

/* Planted weights are found, and the standard errors say how far off they are: of choices of their own, and of such as go together
 * in a prompt, which taken for independent say visibly too little. */
static void planted_weights(void **state)
{
    (void)state;
    int prompt[N];
    double off;
    for (int i = 0; i < N; i++)
        prompt[i] = i / 4;
    int within = within_errors(1, own, N, &off);
    assert_true(within > 0.89 * DRAWS * K && off > 0.7 && off < 1.4);
    within = within_errors(4, prompt, N / 4, &off);
    if (within < 0.89 * DRAWS * K || off < 0.7 || off > 1.4)
        fail_msg("%d of %d within 1.96 standard errors, mean square %g", within, DRAWS * K, off);
    within = within_errors(4, own, N, &off);
    assert_true(within < 0.85 * DRAWS * K && off > 1.8);
}

static void no_maximum(void **state)
{
    (void)state;
    static const double follows[][2] = {{1, 2}, {-1, -2}, {0.5, 1}, {-2, -4}}, apart[][2] = {{1, -3}, {2, 1}, {0.1, 2}},
                        half[][2] = {{1, 0}, {1, 0.5}, {0, 1}, {0, -1}}, nothing[][2] = {{1, 0}, {-1, 0}};
    Weighing l;
    assert_int_equal(weighing_fit(&follows[0][0], own, 4, 2, 4, &l), WEIGHING_SINGULAR);
    assert_int_equal(l.singular, 1);
    assert_int_equal(weighing_fit(&nothing[0][0], own, 2, 2, 2, &l), WEIGHING_SINGULAR);
    assert_int_equal(l.singular, 1);
    assert_int_equal(weighing_fit(&apart[0][0], own, 3, 2, 3, &l), WEIGHING_SEPARABLE);
    assert_int_equal(weighing_fit(&half[0][0], own, 4, 2, 4, &l), WEIGHING_SEPARABLE);
}

/* --- the stage ------------------------------------------------------------------------------------------ */

static const char list[] = "name: list\nkind: checklist\nchat: false\nitem: \"{context}|{response}\\n\"\n"
                           "answers: [\" yes\", \" no\"]\nitems:\n  - {question: \"Good:\", ideal: \" yes\"}\n";
static const char draft[] = "name: both\nkind: mix\ntemperature: 3\nparts:\n"
                            "  - {prompt: list.yaml, centre: 9, weight: -0.25}\n  - {log-length: true, scale: 7}\n";

/* Fits; *text is what was written, the caller's, and *summary (may be NULL) too. */
static bool fit(const Scene *s, const char *mix, const char *rows, const char *out, char **text, json_t **summary,
                Err *err)
{
    LabelOptions *o = options_new(&label_table);
    char *path = write_rows(s->folder, "draft.yaml", mix);
    options_put(&label_table, o, "fit", rows);
    options_put(&label_table, o, "model", s->model);
    need_ok(options_set(&label_table, o, "prompt", path, "a test", err), err);
    bool ok = label(s, o, out, CPU_AUTO, 2, summary, err);
    if (ok && text)
        *text = contents(s, out);
    options_free(&label_table, o);
    free(path);
    return ok;
}

/* The centre of a part is the mean of what it says of all responses, the scale the root of the mean square of the differences;
 * without choices the weights stay the draft's, and so does the temperature. */
static void scales_alone(void **state)
{
    (void)state;
    static const char *const said[][3] = {
        {"rain", "It rains.", "No"}, {"sea", "So it is, and wide.", "No end?"}, {"tea", "x", "Two cups of it."}};
    Scene s = scene_new();
    Err err = {0};
    Str rows = {0};
    free(write_rows(s.folder, "list.yaml", list));
    for (int i = 0; i < COUNT(said); i++)
        str_addf(&rows, "{\"prompt\": \"%s\", \"responses\": [\"%s\", \"%s\"]}\n", said[i][0], said[i][1], said[i][2]);
    char *path = write_rows(s.folder, "bare.jsonl", str_text(&rows)), *text;
    need_ok(fit(&s, draft, path, "fitted.yaml", &text, NULL, &err), &err);

    Device *device = open_device(CPU_AUTO, 1);
    Model *m;
    Judge *j;
    char *alone = path_join(s.folder, "list.yaml"), *mix = path_join(s.folder, "fitted.yaml");
    need_ok(model_load(&m, s.model, device, HEAD_LM, &err) && judge_open(&j, m, alone, judge_defaults(CHAT_AUTO), &err),
            &err);
    double sum[2] = {0}, squares[2] = {0};
    for (int i = 0; i < COUNT(said); i++) {
        double x[2][2];
        for (int r = 0; r < 2; r++) {
            Question q = {.where = "x", .context = said[i][0], .first = said[i][1 + r]};
            Verdict v;
            need_ok(judge_responses(j, &q, 1, &v, &err), &err);
            x[r][0] = judge_reward(j, &v);
            x[r][1] = real_log((double)strlen(said[i][1 + r]));
        }
        for (int c = 0; c < 2; c++) {
            sum[c] += x[0][c] + x[1][c];
            squares[c] += (x[0][c] - x[1][c]) * (x[0][c] - x[1][c]);
        }
    }
    JudgePrompt *p;
    need_ok(judge_prompt_load(&p, mix, &err), &err);
    assert_string_equal(p->name, "both");
    assert_int_equal(p->parts, 2);
    for (int c = 0; c < 2; c++) {
        close_to(p->part[c].centre, sum[c] / 6, 1e-5 * fabs(sum[c]));
        close_to(p->part[c].scale, sqrt(squares[c] / 3), 1e-5 * p->part[c].scale);
    }
    close_to(p->part[0].weight, -0.25, 0);
    close_to(p->part[1].weight, 0, 0);
    close_to(p->temperature, 3, 0);
    assert_null(strstr(text, "error"));
    judge_prompt_free(p);
    judge_free(j);
    model_free(m);
    device_free(device);
    free(alone);
    free(mix);
    free(text);
    free(path);
    str_release(&rows);
    scene_free(&s);
}

/* 24 pairs, the second response's words repeated so and so often, with choices. */
static char *chosen_rows(const Scene *s, const char *name, const char *first, const char *second, bool always)
{
    Str rows = {0};
    for (int i = 0; i < 24; i++) {
        str_addf(&rows, "{\"prompt\": \"Tell %d\", \"responses\": [\"%s\", \"", i, first);
        for (int k = 0; k <= i % 4; k++)
            str_addf(&rows, "%s%s", k ? " " : "", second);
        str_addf(&rows, "\"], \"preferred\": %d}\n", always || i % 3 > 0);
    }
    char *path = write_rows(s->folder, name, str_text(&rows));
    str_release(&rows);
    return path;
}

/* What is written holds the weights with their errors at temperature 1, is found from where it lies, and does not depend on the
 * order of responses. */
static void weights_written(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    free(write_rows(s.folder, "list.yaml", list));
    char *rows = chosen_rows(&s, "chosen.jsonl", "So it is.", "well", false), *deep = path_join(s.folder, "deep"),
         *text, *again;
    json_t *summary;
    need_ok(dir_make(deep, &err) && fit(&s, draft, rows, "deep/fitted.yaml", &text, &summary, &err), &err);
    assert_non_null(strstr(text, "prompt: ../list.yaml"));
    assert_non_null(strstr(text, "24 pairs, 24 with a person's choice"));
    assert_int_equal(json_number_of(summary, "choices", -1), 24);
    char *path = path_join(s.folder, "deep/fitted.yaml"), *sides;
    JudgePrompt *p;
    need_ok(judge_prompt_load(&p, path, &err), &err);
    close_to(p->temperature, 1, 0);
    for (int c = 0; c < 2; c++)
        assert_true(p->part[c].error > 0.1 && p->part[c].error < 10 && fabs(p->part[c].weight) > 1e-3);
    judge_prompt_free(p);

    Rows read; /* the same with the responses the other way round */
    Str turned = {0};
    need_ok(rows_read(&read, rows, 0, false, &err) && rows_view(&read, NEED_PAIR, false, &err), &err);
    for (int i = 0; i < read.n; i++) {
        const RowView *v = &read.row[i].view;
        json_t *row = json_pack("{s:O, s:[s, s], s:i}", "prompt", json_object_get(read.row[i].json, "prompt"),
                                "responses", v->response[1].text, v->response[0].text, "preferred", 1 - v->preferred);
        json_append(&turned, row);
        str_addc(&turned, '\n');
        json_decref(row);
    }
    sides = write_rows(s.folder, "turned.jsonl", str_text(&turned));
    need_ok(fit(&s, draft, sides, "deep/turned.yaml", &again, NULL, &err), &err);
    assert_string_equal(text, again);
    str_release(&turned);
    rows_release(&read);
    json_decref(summary);
    free(sides);
    free(path);
    free(again);
    free(text);
    free(deep);
    free(rows);
    scene_free(&s);
}

/* Errors are over prompts: choices that are all of one have weights, and no errors. */
static void of_one_prompt(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    Str rows = {0};
    json_t *summary;
    free(write_rows(s.folder, "list.yaml", list));
    for (int i = 0; i < 24; i++)
        str_addf(&rows, "{\"prompt\": \"Tell\", \"responses\": [\"So it is.\", \"well%.*s\"], \"preferred\": %d}\n",
                 i % 4 * 5, " well well well", i % 3 > 0);
    char *path = write_rows(s.folder, "one.jsonl", str_text(&rows)), *text;
    need_ok(fit(&s, draft, path, "fitted.yaml", &text, &summary, &err), &err);
    assert_non_null(strstr(text, "24 with a person's choice, of 1 prompts"));
    assert_null(strstr(text, "error:"));
    assert_int_equal(json_number_of(summary, "prompts", -1), 1);
    assert_null(json_object_get(json_array_get(json_object_get(summary, "parts"), 0), "error"));
    json_decref(summary);
    str_release(&rows);
    free(text);
    free(path);
    scene_free(&s);
}

static void not_fitted(const Scene *s, const char *mix, const char *rows, const char *why, const char *remedy)
{
    Err err = {0};
    if (fit(s, mix, rows, "none.yaml", NULL, NULL, &err))
        fail_msg("fitted: %s", why);
    if (!strstr(err.msg, why) || !strstr(err.hint, remedy))
        fail_msg("\"%s\", \"%s\" do not say \"%s\", \"%s\"", err.msg, err.hint, why, remedy);
    char *path = path_join(s->folder, "none.yaml");
    assert_false(file_exists(path));
    free(path);
}

static void refused(void **state)
{
    (void)state;
    Scene s = scene_new();
    free(write_rows(s.folder, "list.yaml", list));
    static const char length[] = "kind: mix\nparts:\n  - {log-length: true}\n",
                      twice[] = "kind: mix\nparts:\n  - {prompt: list.yaml}\n  - {prompt: list.yaml}\n";
    char *always = chosen_rows(&s, "a.jsonl", "x", "well", true),
         *rows = chosen_rows(&s, "chosen.jsonl", "So it is.", "well", false),
         *alike = write_rows(s.folder, "alike.jsonl", ROW("a", "one", "two", ", \"preferred\": 0")),
         *bare = write_rows(s.folder, "bare.jsonl", ROW("a", "one", "three", ""));
    not_fitted(&s, draft, s.pairs, "4 choices are too few for 2 parts", "at least 10 a part");
    not_fitted(&s, length, alike, "the part log-length says the same of both responses in each of 1 pairs",
               "leave the part out");
    not_fitted(&s, length, always, "the parts separate all 24 choices", "fit on more rows");
    not_fitted(&s, twice, rows, "the part list.yaml follows from those before it", "leave one of them out");
    not_fitted(&s, length, bare, "a list with a weight that is not 0", "rlaif help prompts");
    not_fitted(&s, list, rows, "is no mix", "of kind mix");
    free(always);
    free(rows);
    free(alike);
    free(bare);
    scene_free(&s);
}

int main(void)
{
    log_set_quiet(true);
    for (int i = 0; i < COUNT(own); i++)
        own[i] = i;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),       cmocka_unit_test(planted_weights), cmocka_unit_test(no_maximum),
        cmocka_unit_test(scales_alone),  cmocka_unit_test(weights_written), cmocka_unit_test(refused),
        cmocka_unit_test(of_one_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
