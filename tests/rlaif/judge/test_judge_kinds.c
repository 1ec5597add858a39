/* Kinds of judges that add up numbers of one response: by formulas from log-probabilities of whole texts, alone and in a batch;
 * bad prompt files. */
#include "base/real.h"
#include "judge_helpers.h"
#include "rlaif/judge/contrast.h"
#include "tiny.h"

/* Log-probabilities of the tokens of `more` behind a text, one by one; how many. */
static int logps_behind(const World *w, const char *text, const char *more, double *out)
{
    Err err = {0};
    Ids ids = ids_of(w, text);
    int from = ids.n;
    need_ok(tokenizer_encode(w->model->tokenizer, more, strlen(more), TOKENIZE_BARE, &ids, &err), &err);
    float *logp = logprobs_alone(w->model, ids.id, ids.n);
    for (int i = from; i < ids.n; i++)
        out[i - from] = (double)logp[i - 1];
    int n = ids.n - from;
    free(logp);
    ids_release(&ids);
    return n;
}

static double logp_behind(const World *w, const char *text, const char *more)
{
    double one[64], sum = 0;
    int n = logps_behind(w, text, more, one);
    for (int i = 0; i < n; i++)
        sum += one[i];
    return sum;
}

/* --- checklist ------------------------------------------------------------------------------------------ */

static const char checklist[] = "name: list\n"
                                "kind: checklist\n"
                                "chat: false\n"
                                "preamble: \"Checked.\\n\"\n"
                                "item: \"{context}|{response}\\n\"\n"
                                "answers: [\" yes\", \" no\"]\n"
                                "items:\n"
                                "  - {question: \"Good:\", ideal: \" yes\"}\n"
                                "  - {question: \"Rude:\", ideal: \" no\"}\n"
                                "  - {question: \"True:\", ideal: \" yes\"}\n"
                                "exemplars:\n"
                                "  - {context: c, response: r, answers: [\" no\", \" yes\", \" no\"]}\n"
                                "  - {context: d, response: s, answers: [\" yes\", \" no\", \" no\"]}\n";

#define SHOWN "Checked.\nc|r\nGood: no\nRude: yes\nTrue: no\n\nd|s\nGood: yes\nRude: no\nTrue: no\n\n"

/* K = sum of log(p / (1 - p)), p of the ideal answer among the two, behind the ideal answers before it. */
static void sum_of_log_odds(void **state)
{
    (void)state;
    static const char *const upto[] = {"Good:", "Good: yes\nRude:", "Good: yes\nRude: no\nTrue:"}, *const answers[] = {
                                                                                                       " yes", " no"};
    static const int ideal[] = {0, 1, 0};
    Err err = {0};
    World w = world_new();
    Judge *j = judge_of(&w, checklist, judge_defaults(CHAT_AUTO));
    Verdict v[QUESTIONS];
    need_ok(judge_responses(j, questions, QUESTIONS, v, &err), &err);
    for (int i = 0; i < QUESTIONS; i++) {
        double k = 0, mass = 0;
        for (int c = 0; c < 3; c++) {
            char *text = mem_printf(SHOWN "%s|%s\n%s", questions[i].context, questions[i].first, upto[c]);
            double logp[2] = {logp_behind(&w, text, answers[0]), logp_behind(&w, text, answers[1])},
                   p = real_exp(logp[ideal[c]]) / (real_exp(logp[0]) + real_exp(logp[1]));
            k += real_log(p / (1 - p));
            mass += (real_exp(logp[0]) + real_exp(logp[1])) / 3;
            close_to(v[i].logp[2 * c], logp[ideal[c]], 0);
            close_to(v[i].logp[2 * c + 1], logp[1 - ideal[c]], 0);
            free(text);
        }
        close_to(judge_reward(j, &v[i]), k, 1e-9);
        close_to(judge_expectation(j, &v[i]), k, 1e-9);
        close_to(v[i].mass, mass, 1e-12);
    }
    double k0 = judge_reward(j, &v[0]), k1 = judge_reward(j, &v[1]);
    assert_true(fabs(k0 - k1) > 1e-4);
    close_to(verdict_preference(&j->scale, &v[0], &v[1], 1), real_sigmoid(k0 - k1), 1e-14);
    close_to(verdict_preference(&j->scale, &v[0], &v[1], 3), real_sigmoid((k0 - k1) / 3), 1e-14);
    j->prompt->flip = true;
    close_to(judge_reward(j, &v[0]), -k0, 0);
    judge_free(j);
    world_free(&w);
}

/* All items are read in one pass: no more is computed than of the longest prompt and what stands behind it; and that is what
 * was planned. */
static void items_are_one_pass(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.max_input = 500;
    Judge *j = judge_of(&w, checklist, o);
    JudgePlan plan = {0};
    Verdict v;
    need_ok(judge_plan(j, questions, 1, false, &plan, &err) && judge_responses(j, questions, 1, &v, &err), &err);
    char *text = mem_printf(SHOWN "%s|%s\nGood: yes\nRude: no\nTrue:", questions[0].context, questions[0].first);
    Ids whole = ids_of(&w, text), answer = {0};
    int behind = -1; /* all tokens of both answers but the last are computed too */
    for (int a = 0; a < 2; a++, answer.n = 0) {
        need_ok(tokenizer_encode(w.model->tokenizer, j->prompt->answer[a], strlen(j->prompt->answer[a]), TOKENIZE_BARE,
                                 &answer, &err),
                &err);
        behind += answer.n;
    }
    ScorerCost cost = judge_cost(j);
    assert_int_equal(v.tokens, whole.n);
    assert_int_equal(plan.longest, whole.n);
    assert_int_equal(plan.prompts, 1);
    close_to(plan.tokens, whole.n, 0);
    close_to(plan.cost.computed, cost.computed, 0);
    assert_true(cost.computed >= whole.n && cost.computed <= whole.n + 3 * behind);
    ids_release(&answer);
    ids_release(&whole);
    free(text);
    same_bits_alone(j);
    judge_free(j);
    world_free(&w);
}

/* Exemplars are shown as options say, and contexts are cut for the longest of the prompts. */
static void options_of_a_checklist(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.shots = 1;
    o.exemplar_seed = 3;
    o.max_input = 200;
    o.cut = CUT_CONTEXT_LEFT;
    Judge *j = judge_of(&w, checklist, o);
    Str shown = {0}, whole = {0};
    need_ok(judge_show(j, &questions[0], &shown, &err), &err);
    int e = j->shown.exemplar[0];
    str_addf(&whole, "Checked.\n%s\n\nrain in spring|It rains.\nGood: yes\nRude: no\nTrue:",
             e ? "d|s\nGood: yes\nRude: no\nTrue: no" : "c|r\nGood: no\nRude: yes\nTrue: no");
    assert_non_null(strstr(str_text(&shown), str_text(&whole)));
    str_release(&shown);
    str_release(&whole);
    Str much = {0};
    for (int i = 0; i < 400; i++)
        str_add(&much, "rain ");
    Question q = {.where = "x:1", .context = str_text(&much), .first = "It rains."};
    Verdict v;
    need_ok(judge_responses(j, &q, 1, &v, &err), &err);
    assert_true(v.cut > 0 && v.tokens <= 200 && v.tokens > 180);
    str_release(&much);
    judge_free(j);
    o.cot = true;
    char *path = write_rows(w.folder, "prompt.yaml", checklist);
    assert_false(judge_new(&j, path, o, &err));
    assert_non_null(strstr(err.msg, "judges one response at a time, without chain of thought"));
    judge_free(j);
    free(path);
    world_free(&w);
}

/* --- contrast ------------------------------------------------------------------------------------------- */

static const char contrast[] = "name: sides\n"
                               "kind: contrast\n"
                               "item: \"{context}\\nReply: {response}\"\n"
                               "clip: 0.25\n"
                               "good: \"Good.\\n\"\n"
                               "bad: \"Bad, bad.\\n\"\n";

/* F = mean over the response's tokens of clip(good - bad, -c, c), from log-probabilities of whole texts. */
static void mean_of_clipped(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    Judge *j = judge_of(&w, contrast, judge_defaults(CHAT_AUTO));
    Verdict v[QUESTIONS];
    int clipped = 0, whole = 0;
    need_ok(judge_responses(j, questions, QUESTIONS, v, &err), &err);
    for (int i = 0; i < QUESTIONS; i++) {
        double logp[2][64], sum = 0, mean[2] = {0};
        int n = 0;
        char *reply = mem_printf(" %s", questions[i].first);
        for (int side = 0; side < 2; side++) {
            char *text = mem_printf("%s%s\nReply:", side ? "Bad, bad.\n" : "Good.\n", questions[i].context);
            n = logps_behind(&w, text, reply, logp[side]);
            free(text);
        }
        for (int t = 0; t < n; t++) {
            double d = logp[0][t] - logp[1][t];
            clipped += fabs(d) > 0.25;
            whole += fabs(d) < 0.25;
            sum += d > 0.25 ? 0.25 : d < -0.25 ? -0.25 : d;
            mean[0] += logp[0][t] / n;
            mean[1] += logp[1][t] / n;
        }
        assert_true(n > 0);
        close_to(judge_reward(j, &v[i]), sum / n, 1e-12);
        close_to(judge_expectation(j, &v[i]), sum / n, 1e-12);
        close_to(v[i].logp[0], mean[0], 1e-12);
        close_to(v[i].logp[1], mean[1], 1e-12);
        free(reply);
    }
    assert_true(clipped > 0 && whole > 0);
    double f0 = judge_reward(j, &v[0]), f1 = judge_reward(j, &v[1]);
    close_to(verdict_preference(&j->scale, &v[0], &v[1], 0.1), real_sigmoid((f0 - f1) / 0.1), 1e-14);
    j->prompt->flip = true;
    close_to(judge_reward(j, &v[0]), -f0, 0);
    j->prompt->flip = false;
    same_bits_alone(j);
    judge_free(j);
    world_free(&w);
}

static void means_by_hand(void **state)
{
    (void)state;
    static const double good[] = {-1, -2, -0.5, -9}, bad[] = {-1.5, -1.75, -6, -1};
    close_to(contrast_mean(good, bad, 2, 1), (0.5 - 0.25) / 2, 1e-15);
    close_to(contrast_mean(good, bad, 4, 1), (0.5 - 0.25 + 1 - 1) / 4, 1e-15);
    close_to(contrast_mean(good, bad, 4, 6), (0.5 - 0.25 + 5.5 - 6) / 4, 1e-15);
    close_to(contrast_mean(good, bad, 0, 1), 0, 0);
}

/* What is planned is what is computed; a context is cut alike for both sides, a response never. */
static void contrast_planned_and_cut(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    Judge *j = judge_of_little_room(&w, contrast);
    JudgePlan plan = {0};
    Str much = much_rain(), shown = {0};
    Question q[2] = {{.where = "x:1", .context = str_text(&much), .first = "It rains."},
                     {.where = "x:1", .context = str_text(&much), .first = "No."}};
    Verdict v[2];
    need_ok(judge_plan(j, q, 2, false, &plan, &err) && judge_responses(j, q, 2, v, &err), &err);
    assert_int_equal(plan.prompts, 4);
    close_to(plan.tokens, v[0].tokens + v[1].tokens, 0);
    close_to(plan.cost.computed, judge_cost(j).computed, 0);
    assert_true(plan.longest <= 100 && plan.longest > 80);
    assert_true(v[0].cut > 0 && v[0].cut == v[1].cut);
    assert_int_equal(plan.cut, 2);
    need_ok(judge_show(j, &q[0], &shown, &err), &err);
    const char *first = strstr(str_text(&shown), "rain"), *against = strstr(str_text(&shown), "--- against ---");
    assert_true(first && against && str_ends(str_text(&shown), strstr(strstr(against, "rain"), "rain")));
    assert_memory_equal(first, strstr(against, "rain"), strlen(strstr(against, "rain")));
    str_release(&much);
    str_release(&shown);
    judge_free(j);
    world_free(&w);
}

static void options_of_a_contrast(void **state)
{
    (void)state;
    Err err = {0};
    Judge *j;
    JudgeOptions o = judge_defaults(CHAT_TRUE);
    assert_false(judge_new(&j, "helpful-contrast", o, &err));
    assert_non_null(strstr(err.msg, "is a contrast of texts, which no chat template reads"));
    judge_free(j);
    err_clear(&err);
    o = judge_defaults(CHAT_AUTO);
    o.shots = 1;
    assert_false(judge_new(&j, "helpful-contrast", o, &err));
    assert_non_null(strstr(err.msg, "has 0 exemplars, not 1"));
    judge_free(j);
}

/* --- bad files ------------------------------------------------------------------------------------------ */

static void bad_checklists(void **state)
{
    (void)state;
    const char *items = strstr(checklist, "items:"), *exemplars = strstr(checklist, "exemplars:");
    char *all = mem_strn(items, (size_t)(exemplars - items));
    prompt_refused(checklist, all, "", "the key \"items\" is missing");
    prompt_refused(checklist, all, "items: []\n", "bad.yaml:7: \"items\" must be a list of 1 to 16");
    prompt_refused(checklist, all, "items: [Good]\n", "bad.yaml:7: \"items\" must be a list of mappings");
    free(all);
    prompt_refused(checklist, "ideal: \" no\"", "ideal: \"no\"", "bad.yaml:9: \"ideal\" must be one of the answers");
    prompt_refused(checklist, ", ideal: \" no\"", "", "bad.yaml:9: \"ideal\" must be one of the answers");
    prompt_refused(checklist, "ideal: \" no\"", "ideal: [\" no\"]", "\"ideal\" must be one of the answers");
    prompt_refused(checklist, "\"Rude:\"", "\"\"", "bad.yaml:9: \"question\" must be a text that is not empty");
    prompt_refused(checklist, "question: \"Rude:\", ", "", "the key \"question\" is missing");
    prompt_refused(checklist, "question", "qestion", "there is no key \"qestion\"");
    prompt_refused(checklist, "[\" no\", \" yes\", \" no\"]", "[\" no\"]",
                   "bad.yaml:12: \"answers\" must be a list of one of");
    prompt_refused(checklist, "[\" no\", \" yes\", \" no\"]", "[\" no\", \" maybe\", \" no\"]", "\"answers\" must be");
    prompt_refused(checklist, ", answers: [\" no\", \" yes\", \" no\"]", "", "\"answers\" must be");
    prompt_refused(checklist, "answers: [\" yes\", \" no\"]", "answers: [\" yes\", \" no\", \" so\"]",
                   "a list of two texts");
    prompt_refused(checklist, "preamble", "ending", "bad.yaml:4: a prompt of kind checklist has no key \"ending\"");
    prompt_refused(checklist, "preamble: \"Checked.\\n\"", "cot: {ending: x}", "of kind checklist has no key \"cot\"");
    prompt_refused(checklist, "{response}", "{reply}", "a text with {response}");
    prompt_refused(checklist, "kind: checklist", "kind: verdict", "a prompt of kind verdict has no key \"items\"");
}

static void bad_contrasts(void **state)
{
    (void)state;
    static const char *const clips[] = {"0", "-1", "nan", "inf", "much", "1x", "\"\"", "[1]"};
    for (int i = 0; i < COUNT(clips); i++) {
        char *line = mem_printf("clip: %s", clips[i]);
        prompt_refused(contrast, "clip: 0.25", line, "bad.yaml:4: \"clip\" must be a number above 0");
        free(line);
    }
    prompt_refused(contrast, "clip: 0.25\n", "", "the key \"clip\" is missing");
    prompt_refused(contrast, "good: \"Good.\\n\"", "good: \"\"",
                   "bad.yaml:5: \"good\" must be a text that is not empty");
    prompt_refused(contrast, "bad: \"Bad, bad.\\n\"", "bad: \"\"",
                   "bad.yaml:6: \"bad\" must be a text that is not empty");
    prompt_refused(contrast, "good: \"Good.\\n\"\n", "", "the key \"good\" is missing");
    prompt_refused(contrast, "Bad, bad.", "Good.", "bad.yaml:6: \"bad\" must be another text than \"good\"");
    prompt_refused(contrast, "good:", "god:", "there is no key \"god\"");
    prompt_refused(contrast, "{response}", "{response} ends",
                   "bad.yaml:3: \"item\" must be a text that ends in {response}");
    prompt_refused(contrast, "clip: 0.25", "clip: 1\nchat: true", "bad.yaml:5: \"chat\" must be false");
    prompt_refused(contrast, "clip: 0.25", "clip: 1\nanswers: [a, b]",
                   "a prompt of kind contrast has no key \"answers\"");
    prompt_refused(contrast, "clip: 0.25", "clip: 1\nsystem: x", "a prompt of kind contrast has no key \"system\"");
    prompt_refused(checklist, "preamble", "good", "a prompt of kind checklist has no key \"good\"");
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_of_log_odds),
        cmocka_unit_test(items_are_one_pass),
        cmocka_unit_test(options_of_a_checklist),
        cmocka_unit_test(bad_checklists),
        cmocka_unit_test(mean_of_clipped),
        cmocka_unit_test(means_by_hand),
        cmocka_unit_test(contrast_planned_and_cut),
        cmocka_unit_test(options_of_a_contrast),
        cmocka_unit_test(bad_contrasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
