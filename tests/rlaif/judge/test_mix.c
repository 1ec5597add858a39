/* A mix of judges: its margin by the parts asked alone, what it will take, what rows keep of it; bad files. */
#include "base/real.h"
#include "judge_helpers.h"
#include "rlaif/judge/mix.h"
#include "rlaif/judge/reward_model.h"
#include "tiny.h"

static const char *const files[][2] = {
    {"list.yaml", "name: list\nkind: checklist\nchat: false\nitem: \"{context}|{response}\\n\"\nflip: true\n"
                  "answers: [\" yes\", \" no\"]\n"
                  "items:\n  - {question: \"Good:\", ideal: \" yes\"}\n  - {question: \"Rude:\", ideal: \" no\"}\n"},
    {"sides.yaml", "name: sides\nkind: contrast\nitem: \"{context}\\nReply: {response}\"\nclip: 0.25\n"
                   "good: \"Good.\\n\"\nbad: \"Bad, bad.\\n\"\nflip: true\n"},
    {"verdict.yaml", "name: v\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" is\"\n"
                     "answers: [\" good\", \" bad\"]\nflip: true\n"},
    {"score.yaml", "name: s\nkind: score\nchat: false\nitem: \"{context} {response}\"\nending: \":\"\n"
                   "answers: [\"1\", \"2\", \"4\"]\n"},
    {"pairs.yaml", "name: p\nkind: pairwise\nchat: false\nitem: \"{response_1} {response_2}\"\nending: \" =\"\n"
                   "answers: [\"1\", \"2\"]\n"},
};
enum { ALONE = 4 }; /* of these files judge one response */

static const char mix[] = "kind: mix\n"
                          "temperature: 2\n"
                          "parts:\n"
                          "  - {prompt: list.yaml, centre: 0.5, scale: 2, weight: 1}\n"
                          "  - {prompt: sides.yaml, centre: -0.1, scale: 0.2, weight: -2, error: 0.25}\n"
                          "  - {log-length: true, centre: 2, scale: 4, weight: 3}\n"
                          "  - {prompt: verdict.yaml, scale: 0.5}\n"
                          "  - {prompt: score.yaml, centre: 3, scale: 8}\n";
static const int part_file[] = {0, 1, -1, 2, 3};
static const double centre[] = {0.5, -0.1, 2, 0, 3}, scale[] = {2, 0.2, 4, 0.5, 8}, weight[] = {1, -2, 3, 1, 1};
static const int answers[] = {4, 2, 0, 2, 3}; /* of which log-probabilities are kept */
enum { PARTS = COUNT(part_file) };

static void write_files(const World *w)
{
    for (int i = 0; i < COUNT(files); i++)
        free(write_rows(w->folder, files[i][0], files[i][1]));
}

/* x of the parts by judges of their own. */
static void numbers_alone(const World *w, double x[QUESTIONS][PARTS], int tokens[QUESTIONS], double *computed)
{
    static const double characters[QUESTIONS] = {9, 7, 20, 1};
    Err err = {0};
    memset(tokens, 0, QUESTIONS * sizeof *tokens);
    *computed = 0;
    for (int k = 0; k < PARTS; k++) {
        for (int i = 0; i < QUESTIONS; i++)
            x[i][k] = real_log(characters[i]);
        if (part_file[k] < 0)
            continue;
        Judge *j = judge_of(w, files[part_file[k]][1], judge_defaults(CHAT_AUTO));
        Verdict v[QUESTIONS];
        need_ok(judge_responses(j, questions, QUESTIONS, v, &err), &err);
        for (int i = 0; i < QUESTIONS; i++) {
            x[i][k] = k == 3 ? v[i].logp[1] - v[i].logp[0] /* which flips */ : judge_expectation(j, &v[i]);
            tokens[i] += v[i].tokens;
        }
        *computed += judge_cost(j).computed;
        judge_free(j);
    }
}

/* The margin is the sum of weight (x - centre) / scale; alone and together it is the same bits. */
static void sum_of_parts(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    write_files(&w);
    Judge *j = judge_of(&w, mix, judge_defaults(CHAT_AUTO));
    Verdict v[QUESTIONS];
    double x[QUESTIONS][PARTS], computed;
    int tokens[QUESTIONS];
    numbers_alone(&w, x, tokens, &computed);
    need_ok(judge_responses(j, questions, QUESTIONS, v, &err), &err);
    for (int i = 0; i < QUESTIONS; i++) {
        double margin = 0;
        json_t *said = judgment_json(j, &v[i]);
        for (int k = 0; k < PARTS; k++) {
            margin += weight[k] * (x[i][k] - centre[k]) / scale[k];
            const json_t *part = json_array_get(json_object_get(said, "parts"), (size_t)k);
            close_to(json_number_of(part, "number", -9), x[i][k], 0);
            assert_int_equal(json_array_size(json_object_get(part, "logp")), answers[k]);
            assert_string_equal(json_string_value(json_object_get(part, "part")),
                                part_file[k] < 0 ? "log-length" : files[part_file[k]][0]);
        }
        close_to(judge_reward(j, &v[i]), margin, 1e-12);
        close_to(judge_expectation(j, &v[i]), margin, 1e-12);
        close_to(json_number_of(said, "margin", -9), margin, 1e-12);
        assert_int_equal(v[i].tokens, tokens[i]);
        json_decref(said);
    }
    close_to(judge_cost(j).computed, computed, 0);
    double d = judge_reward(j, &v[0]) - judge_reward(j, &v[1]);
    close_to(verdict_preference(&j->scale, &v[0], &v[1], 1), real_sigmoid(d / 2), 1e-14);
    close_to(verdict_preference(&j->scale, &v[0], &v[1], 3), real_sigmoid(d / 6), 1e-14);
    close_to(judge_prompt_length_weight(j->prompt), 3, 0);
    same_bits_alone(j);
    judge_free(j);
    world_free(&w);
}

/* What is planned is the sum over the parts, call by call; contexts are cut for each, and the prompts of all are shown. */
static void planned_and_shown(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    write_files(&w);
    Judge *j = judge_of_little_room(&w, mix);
    JudgePlan plan = {0};
    Str much = much_rain(), shown = {0};
    Question q[3] = {questions[0],
                     {.where = "x:1", .context = str_text(&much), .first = "It rains."},
                     {.where = "x:1", .context = str_text(&much), .first = "No."}};
    Verdict v[3];
    need_ok(judge_plan(j, q, 1, false, &plan, &err) && judge_plan(j, q + 1, 2, false, &plan, &err) &&
                judge_responses(j, q, 1, v, &err) && judge_responses(j, q + 1, 2, v + 1, &err),
            &err);
    assert_int_equal(plan.prompts, 3 * 5); /* of a contrast two */
    close_to(plan.tokens, v[0].tokens + v[1].tokens + v[2].tokens, 0);
    close_to(plan.cost.computed, judge_cost(j).computed, 0);
    assert_true(plan.flops > 0 && plan.longest <= 100 && plan.longest > 80);
    assert_int_equal(plan.cut, 2);
    assert_true(v[0].cut == 0 && v[1].cut > 0 && v[1].cut == v[2].cut);
    need_ok(judge_show(j, &q[0], &shown, &err), &err);
    for (int i = 0; i < ALONE; i++)
        assert_non_null(strstr(str_text(&shown), files[i][0]));
    assert_non_null(strstr(str_text(&shown), "--- verdict.yaml ---"));
    str_release(&much);
    str_release(&shown);
    judge_free(j);
    world_free(&w);
}

/* FOLDER/rewards: a reward model whose head is drawn. Its centre and scale are not 0 and 1. */
static void write_reward_model(const World *w)
{
    Err err = {0};
    Model *m;
    char *dir = path_join(w->folder, "rewards");
    need_ok(model_load(&m, TINY, w->device, HEAD_REWARD, &err) && dir_make(dir, &err), &err);
    model_init_head(m, 3);
    m->notes = json_pack("{s:f, s:f}", "centre", 0.5, "scale", 0.25);
    need_ok(model_save(m, dir, &err), &err);
    model_free(m);
    free(dir);
}

static void said_by(const json_t *part, const char *key, const char *hash, double counts)
{
    const char *kept = json_text_of(part, key);
    assert_non_null(kept);
    assert_true(str_starts(kept, "sha256:"));
    assert_string_equal(kept + strlen("sha256:"), hash);
    close_to(json_number_of(part, "weight", 0), counts, 0);
}

/* A reward model's part is what it says of rows: of turns, of replies without an end; planned as computed. */
static void reward_parts(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    write_files(&w);
    write_reward_model(&w);
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.max_input = 500;
    Judge *j = judge_of(&w,
                        "kind: mix\nparts:\n  - {reward: rewards, centre: 1, scale: 2, weight: 3}\n"
                        "  - {prompt: list.yaml, scale: 1, weight: 0.5}\n",
                        o);
    Rows rows = {0};
    static const char row[] =
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Rain?\"}], \"responses\": [\"It rains.\", \"No\"], "
        "\"ended\": [true, false]}\n";
    need_ok(rows_parse(&rows, "x", row, strlen(row), 0, &err) && rows_view(&rows, NEED_RESPONSES, false, &err), &err);
    RowView *v = &rows.row[0].view;
    char *context = context_lines(&v->context);
    Question q[2];
    for (int i = 0; i < 2; i++)
        q[i] = (Question){.where = "x:1",
                          .context = context,
                          .first = v->response[i].text,
                          .turns = &v->context,
                          .reply = &v->response[i]};
    double reward[2];
    Rewarded one = {.view = v, .where = "x:1"};
    Verdict said[2], alone;
    JudgePlan plan = {0};
    need_ok(judge_plan(j, q, 2, false, &plan, &err) && judge_responses(j, q, 2, said, &err), &err);
    close_to(plan.cost.computed, judge_cost(j).computed, 0);
    close_to(plan.tokens, said[0].tokens + said[1].tokens, 0);
    assert_int_equal(plan.prompts, 4);
    need_ok(reward_model_rows(j->part[0].reward, &one, 1, (Room){0}, reward, &err), &err);
    for (int i = 0; i < 2; i++) {
        close_to(said[i].part[0].number, reward[i], 0);
        close_to(said[i].number, 3 * (reward[i] - 1) / 2 + 0.5 * said[i].part[1].number, 1e-12);
        need_ok(judge_responses(j, &q[i], 1, &alone, &err), &err);
        assert_memory_equal(&alone.number, &said[i].number, sizeof alone.number);
    }
    char hash[HASH_TEXT], *path = path_join(w.folder, "rewards");
    need_ok(model_hash(path, NULL, hash, &err), &err);
    json_t *row_keeps = judge_verdict_json(j, &said[0]), *parts = json_object_get(row_keeps, "parts");
    said_by(json_array_get(parts, 0), "reward_hash", hash, 3); /* as evaluations by the part call it */
    said_by(json_array_get(parts, 1), "prompt_hash", j->prompt->part[1].prompt->hash, 0.5);
    json_decref(row_keeps);
    free(path);
    v->response[1].ended = true; /* which a reward model sees */
    need_ok(judge_responses(j, &q[1], 1, &alone, &err), &err);
    assert_true(fabs(alone.number - said[1].number) > 1e-6);
    free(context);
    rows_release(&rows);
    judge_free(j);
    world_free(&w);
}

/* A reward model with less room than the judge cuts a context by the judge's rule, alike for replies to the same one. */
static void reward_parts_cut(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    write_reward_model(&w);
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.max_input = 60;
    o.cut = CUT_CONTEXT_LEFT;
    Judge *j = judge_of(&w, "kind: mix\nparts:\n  - {reward: rewards, scale: 1}\n", o);
    Str much = {0};
    for (int i = 0; i < 60; i++)
        str_addf(&much, "rain%d ", i);
    Question q[2] = {{.where = "x:1", .context = str_text(&much), .first = "It rains, and it rains."},
                     {.where = "x:1", .context = str_text(&much), .first = "No."}};
    Verdict said[2], alone;
    JudgePlan plan = {0};
    need_ok(judge_plan(j, q, 2, false, &plan, &err) && judge_responses(j, q, 2, said, &err), &err);
    assert_int_equal(plan.cut, 2);
    assert_true(plan.longest <= 60 && plan.longest > 50);
    assert_true(said[0].cut > 0 && said[0].cut == said[1].cut && said[0].tokens <= 60);
    need_ok(judge_responses(j, &q[1], 1, &alone, &err), &err);
    assert_true(alone.cut < said[1].cut); /* there is more room for a short reply */
    j->options.cut = CUT_NOTHING;
    assert_false(judge_responses(j, q, 2, said, &err));
    assert_true(str_starts(err.msg, "x:1: "));
    assert_non_null(strstr(err.msg, "--max-input is 60"));
    str_release(&much);
    judge_free(j);
    world_free(&w);
}

static void lengths(void **state)
{
    (void)state;
    close_to(log_length(""), 0, 0);
    close_to(log_length("a"), 0, 0);
    close_to(log_length("na\303\257ve \360\237\230\200"), real_log(7), 0); /* characters, not bytes */
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void bad_mixes(void **state)
{
    (void)state;
    static const char *const scales[] = {"0", "-1", "nan", "inf", "much", "\"\"", "[1]"};
    for (int i = 0; i < COUNT(scales); i++) {
        char *part = mem_printf("scale: %s}", scales[i]), *all = mem_printf("temperature: %s", scales[i]);
        prompt_refused(mix, "scale: 0.5}", part, "bad.yaml:7: \"scale\" must be a number above 0");
        prompt_refused(mix, "temperature: 2", all, "bad.yaml:2: \"temperature\" must be a number above 0");
        free(part);
        free(all);
    }
    prompt_refused(mix, ", scale: 0.5", "", "bad.yaml:7: the part verdict.yaml has no \"scale\"");
    prompt_refused(mix, "scale: 4, ", "", "bad.yaml:6: the part log-length has no \"scale\"");
    prompt_refused(mix, "scale: 4, ", "scale: ~, ", "bad.yaml:6: the part log-length has no \"scale\"");
    prompt_refused(mix, "temperature: 2", "temperature: 1e-300", "bad.yaml:2: \"temperature\" must be at least 1e-6");
    prompt_refused(mix, "weight: 3", "weight: nan", "bad.yaml:6: \"weight\" must be a number");
    prompt_refused(mix, "weight: 3", "weight: 1e308", "bad.yaml:6: \"weight\" must be at most 1e12 times the scale");
    prompt_refused(mix, "scale: 0.5", "scale: 1e-300", "bad.yaml:7: \"weight\" must be at most 1e12 times the scale");
    prompt_refused(mix, "centre: 3", "centre: -1e13", "bad.yaml:8: \"centre\" must be a number of at most 1e12");
    prompt_refused(mix, "centre: 3", "centre: mid", "bad.yaml:8: \"centre\" must be a number");
    prompt_refused(mix, "error: 0.25", "error: -1", "bad.yaml:5: \"error\" must be a number of at least 0");
    prompt_refused(mix, "weight: 3", "wieght: 3", "bad.yaml:6: there is no key \"wieght\"");
    prompt_refused(mix, "temperature", "temprature", "bad.yaml:2: there is no key \"temprature\"");
    prompt_refused(mix, "log-length: true", "log-length: false", "bad.yaml:6: \"log-length\" must be true");
    prompt_refused(mix, "log-length: true", "prompt: \"\"", "bad.yaml:6: \"prompt\" must be a prompt's name or file");
    prompt_refused(mix, "log-length: true", "prompt: x, log-length: true", "each with one of");
    prompt_refused(mix, "log-length: true", "reward: x, prompt: y", "each with one of");
    prompt_refused(mix, "log-length: true", "reward: \"\"", "bad.yaml:6: \"reward\" must be a reward model");
    prompt_refused(mix, "log-length: true, ", "", "bad.yaml:6: \"parts\" must be a list of mappings, each with one of");
    prompt_refused(mix, "prompt: score.yaml", "log-length: true", "bad.yaml:8: \"log-length\" must be one part alone");
    prompt_refused(mix, "{prompt: score.yaml, centre: 3, scale: 8}", "score.yaml", "must be a list of mappings");
    prompt_refused(mix, strstr(mix, "parts"), "", "the key \"parts\" is missing");
    prompt_refused(mix, strstr(mix, "parts"), "parts: []\n", "bad.yaml:3: \"parts\" must be a list of 1 to 8");
    prompt_refused(mix, strstr(mix, "parts"), "parts: x\n", "bad.yaml:3: \"parts\" must be a list of 1 to 8");
    prompt_refused(mix, strstr(mix, "parts"), "parts:\n  - {log-length: true, scale: 1}\n",
                   "bad.yaml:4: \"parts\" must be a list with a weight that is not 0");
    prompt_refused(mix, "temperature: 2", "flip: true", "bad.yaml:2: a prompt of kind mix has no key \"flip\"");
    prompt_refused(mix, "temperature: 2", "answers: [a, b]", "a prompt of kind mix has no key \"answers\"");
    prompt_refused(files[2][1], "flip: true", "temperature: 1", "a prompt of kind verdict has no key \"temperature\"");
    Str many = {0};
    str_add(&many, "parts:\n");
    for (int i = 0; i < 9; i++)
        str_add(&many, "  - {prompt: a, scale: 1}\n");
    prompt_refused(mix, strstr(mix, "parts"), str_text(&many), "bad.yaml:4: \"parts\" must be a list of 1 to 8");
    str_release(&many);
}

static void not_loaded(const World *w, const char *yaml, const char *why)
{
    Err err = {0};
    JudgePrompt *p;
    char *path = write_rows(w->folder, "mix.yaml", yaml), *place = mem_printf("%s:3: ", path);
    assert_false(judge_prompt_load(&p, path, &err));
    assert_null(p);
    if (!str_starts(err.msg, place) || !strstr(err.msg, why) || !err.hint[0])
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    free(place);
    free(path);
}

/* The parts' prompts are found beside the mix, and named where they will not do. */
static void bad_parts(void **state)
{
    (void)state;
    World w = world_new();
    write_files(&w);
    free(write_rows(w.folder, "other.yaml", mix));
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: pairs.yaml, scale: 1}\n", "pairs.yaml compares two responses");
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: helpful-base, scale: 1}\n", "helpful-base compares two responses");
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: other.yaml, scale: 1}\n", "other.yaml is a mix itself");
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: mix.yaml, scale: 1}\n", "mix.yaml is a mix itself");
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: none.yaml, scale: 1}\n", "there is no judge prompt");
    not_loaded(&w, "kind: mix\nparts:\n  - {prompt: helpful-contrasts, scale: 1}\n", "there is no judge prompt");
    world_free(&w);
}

/* A mix's hash is of its text and of its parts' texts; parts of other names are other mixes. */
static void hashes(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    write_files(&w);
    write_reward_model(&w);
    char *scored = mem_printf("%s  - {reward: rewards, scale: 1}\n", mix);
    char *path = write_rows(w.folder, "mix.yaml", scored), hash[2][HASH_TEXT];
    JudgeKind kind;
    need_ok(judge_prompt_identify(path, NULL, hash[0], &kind, &err) &&
                judge_prompt_identify(path, NULL, hash[1], &kind, &err),
            &err);
    assert_int_equal(kind, JUDGE_MIX);
    assert_string_equal(hash[0], hash[1]);
    free(write_rows(w.folder, files[0][0], files[2][1]));
    need_ok(judge_prompt_identify(path, NULL, hash[1], &kind, &err), &err);
    assert_string_not_equal(hash[0], hash[1]);
    write_files(&w);
    need_ok(judge_prompt_identify(path, NULL, hash[1], &kind, &err), &err);
    assert_string_equal(hash[0], hash[1]);
    char *config = path_join(w.folder, "rewards/config.json"), *lost = path_join(w.folder, "lost");
    need_ok(file_append(config, "\n", 1, &err) && judge_prompt_identify(path, NULL, hash[1], &kind, &err), &err);
    assert_string_not_equal(hash[0], hash[1]);
    char *dir = path_join(w.folder, "rewards");
    assert_int_equal(rename(dir, lost), 0);
    assert_false(judge_prompt_identify(path, NULL, hash[1], &kind, &err));
    assert_non_null(strstr(err.msg, "the part rewards"));
    err_clear(&err);
    free(dir);
    free(lost);
    free(config);
    char *warmer = mem_printf("%s# said otherwise\n", mix);
    free(write_rows(w.folder, "mix.yaml", warmer));
    need_ok(judge_prompt_identify(path, NULL, hash[1], &kind, &err), &err);
    assert_string_not_equal(hash[0], hash[1]);
    free(warmer);
    free(scored);
    free(path);
    world_free(&w);
}

/* What a draft lacks is 1 for a scale and 0 for a centre. */
static void drafts(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    char *path = write_rows(w.folder, "draft.yaml",
                            "kind: mix\nparts:\n  - {prompt: helpful-contrast}\n  - {log-length: true}\n");
    JudgePrompt *p;
    assert_false(judge_prompt_load(&p, path, &err));
    assert_non_null(strstr(err.msg, "draft.yaml:3: the part helpful-contrast has no \"scale\""));
    assert_non_null(strstr(err.hint, "label --fit"));
    err_clear(&err);
    need_ok(judge_prompt_load_draft(&p, path, &err), &err);
    assert_int_equal(p->parts, 2);
    close_to(p->part[0].scale, 1, 0);
    close_to(p->part[0].weight, 1, 0);
    close_to(p->part[1].weight, 0, 0);
    close_to(p->temperature, 1, 0);
    assert_string_equal(p->name, path);
    judge_prompt_free(p);
    free(path);
    world_free(&w);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_of_parts), cmocka_unit_test(planned_and_shown),
        cmocka_unit_test(reward_parts), cmocka_unit_test(reward_parts_cut),
        cmocka_unit_test(lengths),      cmocka_unit_test(bad_mixes),
        cmocka_unit_test(bad_parts),    cmocka_unit_test(hashes),
        cmocka_unit_test(drafts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
