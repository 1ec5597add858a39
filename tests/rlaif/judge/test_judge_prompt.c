/* Judge prompts: the text that a judge reads, letter by letter, and what is refused. */
#include "judge_helpers.h"
#include "rlaif/judge/prompt/builtin.h"

static JudgePrompt *load(const char *yaml, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "prompt.yaml", yaml);
    JudgePrompt *p;
    if (!judge_prompt_load(&p, path, err))
        p = NULL;
    free(path);
    remove_folder(folder);
    return p;
}

static void body_is(const JudgePrompt *p, Shown shown, const char *context, const char *wanted)
{
    char *body = judge_prompt_body(p, &shown, context, "A", "B");
    assert_string_equal(body, wanted);
    free(body);
}

static void layout_of_exemplars(void **state)
{
    (void)state;
    Err err = {0};
    JudgePrompt *p = load(full_prompt, &err);
    need_ok(p != NULL, &err);
    assert_int_equal(p->exemplars, 3);
    assert_int_equal(p->shots, 0);
    body_is(p, (Shown){0}, "C", "Which?\nC|A|B\n");
    body_is(p, (Shown){{0}, 1, false}, "C", "Which?\n[c1|a1|b1\nBest=1]\nC|A|B\n");
    body_is(p, (Shown){{1, 0}, 2, true}, "C", "Think. Which?\n[c2|a2|b2\nr2;Best=2]\n[c1|a1|b1\nr1;Best=1]\nC|A|B\n");
    /* Placeholders are filled in one pass: the texts that are put in are not searched. */
    body_is(p, (Shown){{2}, 1, false}, "{response_1} {answer}",
            "Which?\n[c3|a3|{context}\nBest=1]\n{response_1} {answer}|A|B\n");
    assert_string_equal(judge_prompt_cot_ending(p, &(Shown){.cot = true}), "Why:");
    assert_string_equal(judge_prompt_cot_ending(p, &(Shown){.n = 1, .cot = true}), "So:");
    judge_prompt_free(p);
}

static void defaults(void **state)
{
    (void)state;
    static const char least[] = "name: least\nkind: score\nitem: \"{response}\"\nending: \" Score: \"\n"
                                "answers: [\"1\", \"2\"]\nexemplars: [{response: r, answer: \"2\"}]\n"
                                "cot: {ending: \"Why\"}\n";
    Err err = {0};
    JudgePrompt *p = load(least, &err);
    need_ok(p != NULL, &err);
    assert_int_equal(p->chat, CHAT_AUTO);
    assert_int_equal(p->shots, 1);
    assert_false(p->flip);
    assert_string_equal(p->cot.preamble, "");
    assert_string_equal(p->cot.few_shot_ending, "Why");
    assert_string_equal(p->cot.join, "\n\n");
    assert_int_equal(p->cot.max_new_tokens, 512);
    body_is(p, (Shown){.n = 1}, "", "r Score: 2\n\nA");
    char *stop = judge_prompt_stop(p);
    assert_string_equal(stop, "Score:");
    free(stop);
    judge_prompt_free(p);
}

/* null says nothing, wherever it stands; in quotes it is a word. */
static void nulls(void **state)
{
    (void)state;
    static const char least[] =
        "name: least\nkind: pairwise\nsystem: null\npreamble: ~\nitem: \"{response_1} {response_2}\"\n"
        "ending: \"null\"\nanswers: [\"1\", \"2\"]\nexemplar:\nflip: null\nshots: ~\n"
        "exemplars: [{responses: [r, s], rationale: null, answer: \"2\"}]\n"
        "cot: {ending: W, join: ~, preamble: null}\n";
    Err err = {0};
    JudgePrompt *p = load(least, &err);
    need_ok(p != NULL, &err);
    assert_string_equal(p->system, "");
    assert_string_equal(p->ending, "null");
    assert_true(p->shots == 1 && !p->flip);
    assert_string_equal(p->cot.join, "\n\n");
    body_is(p, (Shown){.n = 1, .cot = true}, "", "r snull2\n\nA B");
    judge_prompt_free(p);
}

static void refused(const char *old, const char *new, const char *why)
{
    const char *at = strstr(full_prompt, old);
    assert_non_null(at);
    char *yaml = mem_printf("%.*s%s%s", (int)(at - full_prompt), full_prompt, new, at + strlen(old));
    Err err = {0};
    if (load(yaml, &err))
        fail_msg("taken: %s", new);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    free(yaml);
}

static void bad_files(void **state)
{
    (void)state;
    refused("max-new-tokens: 12", "max-new-tokens: 0", "\"max-new-tokens\" must be at least 1");
    refused("max-new-tokens: 12", "max-new-tokens: many", "\"max-new-tokens\" must be a whole number");
    refused("  ending: \"Why:\"\n", "", "the key \"ending\" is missing");
    refused("  ending: \"Why:\"\n", "  ending: ~\n", "the key \"ending\" is missing");
    refused("join:", "joint:", "there is no key \"joint\"");
    refused("shots: 0", "shots: 4", "\"shots\" must be a whole number");
    refused("answer: \"2\"", "anser: \"2\"", "there is no key \"anser\"");
    refused("{response_2}", "{response_3}", "a text with {response_1} and {response_2}");
}

/* Every prompt that is built in can be read, shows no exemplar that its answers do not have, and what it asks is
 * answered in its exemplars. */
static void built_in(void **state)
{
    (void)state;
    for (int i = 0; i < builtin_prompts(); i++) {
        Err err = {0};
        JudgePrompt *p;
        need_ok(judge_prompt_load(&p, builtin_prompt_name(i), &err), &err);
        assert_string_equal(p->name, builtin_prompt_name(i));
        for (int e = 0; e < p->exemplars; e++) {
            bool known = p->checks > 0; /* each of its answers is read by the prompt's */
            for (int a = 0; a < p->answers; a++)
                known = known || strcmp(p->answer[a], p->exemplar[e].answer) == 0;
            if (!known)
                fail_msg("%s: exemplar %d is answered \"%s\"", p->name, e + 1, p->exemplar[e].answer);
        }
        judge_prompt_free(p);
    }
}

/* The pairwise ones have chain of thought and exemplars for 1, 2 and 8 shots, with rationales that end as step 1 does,
 * and with as many answers of either kind. */
static void built_in_exemplars(void **state)
{
    (void)state;
    for (int i = 0; i < builtin_prompts(); i++) {
        Err err = {0};
        JudgePrompt *p;
        need_ok(judge_prompt_load(&p, builtin_prompt_name(i), &err), &err);
        int first = 0;
        for (int e = 0; p->kind == JUDGE_PAIRWISE && e < p->exemplars; e++) {
            const char *rationale = p->exemplar[e].rationale;
            assert_true(str_starts(rationale, p->cot.few_shot_ending));
            assert_true(str_ends(rationale, p->cot.join));
            assert_null(strstr(rationale, p->ending));
            first += strcmp(p->exemplar[e].answer, "1") == 0;
        }
        if (p->kind == JUDGE_PAIRWISE) {
            assert_non_null(p->cot.ending);
            assert_int_equal(p->exemplars, 8);
            assert_int_equal(p->shots, 0);
            assert_int_equal(first, 4);
            assert_string_not_equal(p->exemplar[0].answer, p->exemplar[1].answer);
            assert_int_equal(p->flip, str_starts(p->name, "harmless"));
        }
        judge_prompt_free(p);
    }
}

/* --- which exemplars ------------------------------------------------------------------------------------ */

static Judge *open_judge(int shots, int exemplar_seed, bool cot, int samples, Err *err)
{
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.shots = shots;
    o.exemplar_seed = exemplar_seed;
    o.cot = cot;
    o.samples = samples;
    char *folder = make_folder(), *path = write_rows(folder, "prompt.yaml", full_prompt);
    Judge *j;
    if (!judge_new(&j, path, o, err)) {
        judge_free(j);
        j = NULL;
    }
    free(path);
    remove_folder(folder);
    return j;
}

static void drawn_exemplars(void **state)
{
    (void)state;
    Err err = {0};
    bool differs = false;
    for (int seed = 0; seed < 20; seed++) {
        Judge *a = open_judge(2, seed, false, 1, &err), *b = open_judge(2, seed, false, 1, &err);
        need_ok(a && b, &err);
        assert_int_equal(a->shown.n, 2);
        assert_int_not_equal(a->shown.exemplar[0], a->shown.exemplar[1]);
        assert_memory_equal(&a->shown, &b->shown, sizeof a->shown);
        differs = differs || a->shown.exemplar[0] != 0;
        judge_free(a);
        judge_free(b);
    }
    assert_true(differs);
    Judge *first = open_judge(2, -1, false, 1, &err);
    need_ok(first != NULL, &err);
    assert_int_equal(first->shown.exemplar[0], 0);
    assert_int_equal(first->shown.exemplar[1], 1);
    judge_free(first);
}

static void options_that_do_not_fit(void **state)
{
    (void)state;
    Err err = {0};
    assert_null(open_judge(4, -1, false, 1, &err));
    assert_non_null(strstr(err.msg, "has 3 exemplars, not 4"));
    err_clear(&err);
    assert_null(open_judge(3, -1, true, 1, &err));
    assert_non_null(strstr(err.msg, "exemplar 3 has no rationale"));
    err_clear(&err);
    assert_null(open_judge(-1, -1, false, 2, &err));
    assert_non_null(strstr(err.hint, "--cot"));
    err_clear(&err);
    Judge *j;
    JudgeOptions cot = judge_defaults(CHAT_AUTO);
    cot.cot = true;
    assert_false(judge_new(&j, "helpful-score", cot, &err));
    judge_free(j);
    assert_non_null(strstr(err.msg, "without chain of thought"));
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_of_exemplars),
        cmocka_unit_test(defaults),
        cmocka_unit_test(nulls),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(built_in),
        cmocka_unit_test(built_in_exemplars),
        cmocka_unit_test(drawn_exemplars),
        cmocka_unit_test(options_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
