/* The public interface: the numbers of the program, in every bit, and failures as sentences. */
#include "rlaif/public.h"

#include "rlaif/judge/judge.h"
#include "rlaif/judge/reward_model.h"
#include "support.h"

static const char *const model_dir = "tests/fixtures/tiny-llama";
static const char *const context = "Is rain good for the garden?", *const first = "Yes, in spring most of all.",
                         *const second = "No.";

static void pairs_are_the_judges(void **state)
{
    (void)state;
    char why[400] = "";
    RlaifPair pair = {.context = context, .first = first, .second = second};
    RlaifJudge *judge = rlaif_judge_open(model_dir, "summary-base", 1, why, sizeof why);
    assert_string_equal(why, "");
    assert_true(rlaif_judge_pairs(judge, &pair, 1, why, sizeof why));
    rlaif_judge_close(judge);

    Err err = {0};
    Device *device = open_device(CPU_AUTO, 2);
    Model *m;
    Judge *j;
    PairVerdict v;
    Question q = {.where = "a pair", .context = context, .first = first, .second = second};
    need_ok(model_load(&m, model_dir, device, HEAD_LM, &err) &&
                judge_open(&j, m, "summary-base", judge_defaults(CHAT_AUTO), &err) &&
                judge_pairs(j, &q, 1, true, &v, &err),
            &err);
    assert_memory_equal(&pair.p, &v.p, sizeof v.p);
    assert_int_equal(pair.same_slot, v.same_slot);
    judge_free(j);
    model_free(m);
    device_free(device);
}

static void compare_rewards(bool own)
{
    char why[400] = "", *folder = make_folder();
    Err err = {0};
    Device *device = open_device(CPU_AUTO, 1);
    Model *m;
    need_ok(model_load(&m, model_dir, device, HEAD_REWARD, &err), &err);
    model_init_head(m, 3);
    m->notes = own ? json_pack("{s:f, s:b}", "scale", 2.0, "chat", 1) : NULL;
    need_ok(model_save(m, folder, &err), &err);
    RlaifResponse r[2] = {{.context = context, .response = first}, {.context = context, .response = second}};
    RlaifReward *reward = rlaif_reward_open(folder, 2, why, sizeof why);
    assert_string_equal(why, "");
    assert_true(rlaif_reward_responses(reward, r, 2, why, sizeof why));
    rlaif_reward_close(reward);

    RewardModel *known;
    need_ok(reward_model_open(&known, folder, device, CHAT_DATE, CHAT_AUTO, &err), &err);
    ResponseView reply[2] = {{.text = mem_str(first), .ended = true}, {.text = mem_str(second), .ended = true}};
    RowView v = {.context = {.text = mem_str(context)}, .response = reply, .n = 2};
    double score[2];
    need_ok(reward_model_rows(known, &(Rewarded){.view = &v, .where = "a row"}, 1, (Room){0}, score, &err), &err);
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(&score[i], &r[i].score, sizeof score[i]);
        free(reply[i].text);
    }
    free(v.context.text);
    reward_model_free(known);
    model_free(m);
    device_free(device);
    remove_folder(folder);
}

static void rewards_are_the_models(void **state)
{
    (void)state;
    compare_rewards(true);
    compare_rewards(false);
}

static void failures_are_sentences(void **state)
{
    (void)state;
    char why[400] = "";
    assert_null(rlaif_judge_open("tests/fixtures/no-such-model", "summary-base", 1, why, sizeof why));
    assert_non_null(strstr(why, "no-such-model"));
    assert_null(rlaif_judge_open(model_dir, "sumary-base", 1, why, sizeof why));
    assert_non_null(strstr(why, "summary-base"));
    assert_null(rlaif_reward_open(model_dir, 1, why, sizeof why));
    assert_non_null(strstr(why, "no reward head"));
    RlaifJudge *judge = rlaif_judge_open(model_dir, "summary-base", 1, why, sizeof why);
    RlaifResponse alone = {.context = context, .response = first};
    assert_false(rlaif_judge_responses(judge, &alone, 1, why, sizeof why));
    assert_non_null(strstr(why, "two responses"));
    rlaif_judge_close(judge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_the_judges),
        cmocka_unit_test(rewards_are_the_models),
        cmocka_unit_test(failures_are_sentences),
    };
    return cmocka_run_group_tests_name("rlaif/public", tests, NULL, NULL);
}
