/* What a report says of the judge behind a policy, whatever way it was trained: by reward models of a judge's labels, of
 * people's or of both, by a judge itself, or by both added up; in one go or one after the other. */
#include "report_page.h"

#include "base/mem.h"

static const char about[] =
    "{\"options\": {}, \"hashes\": {\"model\": \"start\"}, \"seed\": 1, \"version\": \"0.1.0\"}";
static const char label_about[] =
    "{\"options\": {}, \"hashes\": {\"model\": \"judge\", \"prompt\": \"words\"}, \"seed\": 1}";

static const char arms_yaml[] =
    "name: x\nseed: 1\npolicy: start.gguf\nstages:\n"
    "  - label: {}\n"
    "  - label: {as: filtered}\n"
    "  - reward: {as: rm-ai, pairs: \"stage:label\", labels: ai}\n"
    "  - reward: {as: rm-human, pairs: people.jsonl, labels: human}\n"
    "  - reward: {as: rm-both, pairs: [people.jsonl, \"stage:label\", \"stage:filtered\"]}\n"
    "  - rl: {as: rlaif, reward: run/rm-ai, model: start.gguf}\n"
    "  - rl: {as: rlhf, reward: run/rm-human, model: start.gguf}\n"
    "  - rl: {as: both, reward: run/rm-both, model: start.gguf}\n"
    "  - rl: {as: direct, prompt: words.yaml, judge: judge.gguf, model: start.gguf}\n"
    "  - rl: {as: mixed, model: start.gguf, rewards: [{reward: run/rm-human, weight: 0.25},"
    " {prompt: words.yaml, judge: judge.gguf, weight: 1.5, scale: 2}]}\n"
    "  - rl: {as: after, reward: run/rm-human, model: run/rlaif}\n"
    "  - choose: {policy: run/rlaif}\n"
    "  - sample: {as: says-rlaif, model: run/rlaif}\n"
    "  - sample: {as: says-chosen, model: run/chosen}\n"
    "  - sample: {as: says-start, model: start.gguf}\n"
    "  - eval: {as: eval-rlaif, kind: winrate, policy: \"stage:says-rlaif\", against: \"stage:says-start\"}\n"
    "  - eval: {as: eval-chosen, kind: winrate, policy: \"stage:says-chosen\", against: \"stage:says-start\"}\n"
    "  - eval: {as: eval-rlhf, kind: winrate, policy: run/rlhf, against: start.gguf}\n"
    "  - eval: {as: eval-both, kind: winrate, policy: run/both, against: start.gguf}\n"
    "  - eval: {as: eval-direct, kind: winrate, policy: run/direct, against: start.gguf}\n"
    "  - eval: {as: eval-mixed, kind: winrate, policy: run/mixed, against: start.gguf}\n"
    "  - eval: {as: eval-after, kind: winrate, policy: run/after, against: start.gguf}\n";

/* A run of every kind of arm, as the recipes have them. */
static void add_arms(Run *r)
{
    put_text(r->folder, "recipe.yaml", arms_yaml);
    add_stage(r, "label", "label", label_about, "{\"pairs\": 80, \"prompt\": \"words\"}");
    int64_t filtered = add_stage(r, "filtered", "label", "{\"options\": {}, \"hashes\": {\"labels\": \"others\"}}",
                                 "{\"pairs\": 1, \"prompt\": \"other\"}"); /* its rows say who judged */
    add_item(r, filtered, 0,
             "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"judge\": \"sha256:judge\", "
             "\"prompt_hash\": \"sha256:other\", \"scores\": [{\"mass\": 0.9}, {\"mass\": 0.7}]}}");
    add_made(r, "rm-ai", "reward", "{\"options\": {\"labels\": \"ai\"}}",
             "{\"pairs\": 80, \"pairs_ai\": 80, \"pairs_human\": 0}", "run/rm-ai");
    add_made(r, "rm-human", "reward", "{\"options\": {\"labels\": \"human\"}}",
             "{\"pairs\": 60, \"pairs_ai\": 0, \"pairs_human\": 60}", "run/rm-human");
    add_made(r, "rm-both", "reward", "{\"options\": {\"labels\": \"auto\", \"weight-ai\": 0.5, \"weight-human\": 1.0}}",
             "{\"pairs\": 141, \"pairs_ai\": 81, \"pairs_human\": 60}", "run/rm-both");
    add_made(r, "rlaif", "rl", RL_BY("ai", "", ""), "{\"steps\": 1}", "run/rlaif");
    add_made(r, "rlhf", "rl", RL_BY("human", "", ""), "{\"steps\": 1}", "run/rlhf");
    add_made(r, "both", "rl", RL_BY("both", "", ""), "{\"steps\": 1}", "run/both");
    add_made(r, "direct", "rl", RL_BY("", "judge", "words"), "{\"steps\": 1}", "run/direct");
    add_made(r, "mixed", "rl",
             "{\"options\": {\"beta\": 0.05}, \"hashes\": {\"model\": \"start\", \"rewards\": [{\"name\": "
             "\"rm-human\", \"weight\": 0.25, \"scale\": 1, \"reward\": \"human\"}, {\"name\": \"words\", "
             "\"weight\": 1.5, \"scale\": 2, \"judge\": \"judge\", \"prompt\": \"words\"}]}, \"seed\": 1}",
             "{\"steps\": 1}", "run/mixed");
    add_made(r, "after", "rl", RL_BY("human", "", ""), "{\"steps\": 1}", "run/after");
    add_made(r, "choose", "choose", about, "{\"steps\": 1}", "run/chosen");
    add_stage(r, "says-rlaif", "sample", about, "{\"prompts\": 40}");
    add_stage(r, "says-chosen", "sample", about, "{\"prompts\": 40}");
    add_stage(r, "says-start", "sample", about, "{\"prompts\": 40}");
}

/* Whether the judge of an evaluation is the one that the policy was trained to please. */
static void trained_to_please(void **state)
{
    (void)state;
    static const struct {
        const char *eval, *pleased; /* the prompt of the judge that it was trained to please, or NULL */
    } of[] = {
        {"eval-rlaif", "words"},  {"eval-chosen", "words"}, {"eval-rlhf", NULL},     {"eval-both", "words"},
        {"eval-direct", "words"}, {"eval-mixed", "words"},  {"eval-after", "words"},
    };
    Run r = run_new();
    add_arms(&r);
    for (int i = 0; i < COUNT(of); i++)
        add_stage(&r, of[i].eval, "eval winrate", about, WINS("judge", JUDGED_BY("words") ", " JUDGED_BY("neutral")));
    char *page = page_of(&r);
    check_page(page);
    char *table = part_of(page, "Replies compared in both orders", "</table>");
    const char *row = table;
    for (int i = 0; i < COUNT(of); i++) {
        char *judged[2];
        for (int k = 0; k < 2; k++) {
            row = strstr(row, "<tr><th><a");
            assert_non_null(row);
            judged[k] = part_of(row, "<tr><th>", "</tr>");
            row++;
        }
        has(judged[0], "<b>words</b>");
        has(judged[1], "<b>neutral</b>");
        has_not(judged[1], "trained to please");
        if (of[i].pleased && !strstr(judged[0], "trained to please it"))
            fail_msg("%s is not known to please %s", of[i].eval, of[i].pleased);
        if (!of[i].pleased)
            has_not(judged[0], "trained to please");
        free(judged[0]);
        free(judged[1]);
    }
    has(page, "A second opinion agrees.");
    has_not(page, "No second opinion.");
    free(table);
    free(page);
    run_free(&r);
}

/* Questions to one network are no two witnesses, and the policy's own network is called so; a question alone to another network
 * needs no such words. What several intervals mean is said with their number. */
static void one_network(void **state)
{
    (void)state;
    Run r = run_new();
    add_arms(&r);
    add_stage(&r, "eval-rlhf", "eval winrate", about, WINS("start", JUDGED_BY("tone") ", " JUDGED_BY("warmth")));
    add_stage(&r, "eval-direct", "eval winrate", about, WINS("judge", JUDGED_BY("words") ", " JUDGED_BY("neutral")));
    add_stage(&r, "eval-both", "eval winrate", about, WINS("judge", JUDGED_BY("words")));
    add_stage(&r, "eval-rlaif", "eval winrate", about, WINS("third", JUDGED_BY("words")));
    char *page = page_of(&r);
    check_page(page);
    has(page, "<b>tone</b> and <b>warmth</b> are questions to one network, the policy\xe2\x80\x99s own, with which <a "
              "href=\"#stage-6\">rlaif</a> began: what it gets wrong in one it is likely to get wrong in another");
    has(page, "<b>words</b> and <b>neutral</b> are questions to one network: what it gets wrong");
    has_not(page, "<b>words</b> is a question");
    has(page, "By <b>neutral</b>, another question to the network that it was trained to please, it wins");
    has(page, "By <b>warmth</b>, a judge that it was not trained to please, it wins");
    has(page, "asks the same network in other words and was not trained on: its win rate");
    has(page, "This page has 6 comparisons of policies (");
    has(page, "Of 6 intervals at 95&nbsp;% 0.30 miss by chance on average");
    has(page, "each is one at 99.17&nbsp;%.");
    free(page);
    run_free(&r);
}

/* Labels that were filtered say themselves who gave them; by its own judge alone a policy has no second opinion. */
static void no_second_opinion(void **state)
{
    (void)state;
    Run r = run_new();
    add_arms(&r);
    add_stage(&r, "eval-both", "eval winrate", about, WINS("judge", JUDGED_BY("other")));
    add_stage(&r, "eval-rlaif", "eval winrate", about, WINS("judge", JUDGED_BY("words")));
    add_stage(&r, "eval-rlhf", "eval winrate", about, WINS("judge", JUDGED_BY("words")));
    char *page = page_of(&r);
    check_page(page);
    char *said = part_of(page, "<b>No second opinion.</b>", "</li>");
    has(said, "eval-both</a>");
    has(said, "eval-rlaif</a>");
    has_not(said, "eval-rlhf</a>");
    has(said, "what that judge gets wrong, the policy was trained to do, and it counts here as better");
    free(said);
    free(page);
    run_free(&r);
}

/* What each arm optimised: both halves of a mixed reward, both sides of mixed labels, with how many pairs of each. */
static void optimised(void **state)
{
    (void)state;
    static const char *const said[] = {
        "rlaif</a>, \xce\xb2 is 0.05 and R is the reward model <a href=\"#stage-3\">rm-ai</a>, which imitates the answers of "
        "a judge to <b>words</b> (<a href=\"#stage-1\">label</a>; 80 pairs).",
        "rlhf</a>, \xce\xb2 is 0.05 and R is the reward model <a href=\"#stage-4\">rm-human</a>, which imitates "
        "people\xe2\x80\x99s choices (60 pairs).",
        "both</a>, \xce\xb2 is 0.05 and R is the reward model <a href=\"#stage-5\">rm-both</a>, which imitates "
        "people\xe2\x80\x99s choices (60 pairs) and the answers of a judge to <b>words</b> and to <b>other</b> (<a "
        "href=\"#stage-1\">label</a>, <a href=\"#stage-2\">filtered</a>; 81 pairs, each counted 0.5 times).",
        "direct</a>, \xce\xb2 is 0.05 and R is the reward that the judge itself gives with <b>words</b>.",
        "mixed</a>, \xce\xb2 is 0.05 and R is 0.25 of the reward model <a href=\"#stage-4\">rm-human</a>, which imitates "
        "people\xe2\x80\x99s choices (60 pairs); and 0.75 of the reward that the judge itself gives with <b>words</b>.",
        "after</a>, which goes on from <a href=\"#stage-6\">rlaif</a>, \xce\xb2 is 0.05 and R is the reward model <a "
        "href=\"#stage-4\">rm-human</a>, which",
    };
    Run r = run_new();
    add_arms(&r);
    char *page = page_of(&r), *part = part_of(page, "<b>What was optimised.</b>", "</li>");
    check_page(page);
    for (int i = 0; i < COUNT(said); i++)
        has(part, said[i]);
    has(part, "A judge\xe2\x80\x99s reward is what that judge says");
    has(page, "<b>What this is not for.</b> A judge\xe2\x80\x99s biases pass into the policy");
    has(page, "let it make no decision in medicine, law or employment without people");
    has(page, "The same method can optimise for harm");
    free(part);
    free(page);
    run_free(&r);
}

/* Of several policies only those are named whose judge is what they began as. */
static void own_taste(void **state)
{
    (void)state;
    Run r = run_new();
    add_stage(&r, "itself", "rl", "{\"hashes\": {\"model\": \"one\", \"judge\": \"one\", \"prompt\": \"w\"}}", "{}");
    add_stage(&r, "another", "rl", "{\"hashes\": {\"model\": \"one\", \"judge\": \"two\", \"prompt\": \"w\"}}", "{}");
    char *page = page_of(&r);
    has(page,
        " In <a href=\"#stage-1\">itself</a> the judge is the very model that is trained: it follows its own taste");
    free(page);
    run_free(&r);
}

/* Whom labels with a bias reached is said by name. */
static void biased_labels(void **state)
{
    (void)state;
    Run r = run_new();
    add_arms(&r);
    int64_t label = add_stage(&r, "label", "label", label_about, "{\"pairs\": 80, \"prompt\": \"words\"}");
    add_item(
        &r, label, 0,
        "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.6, \"same_slot\": true, \"orders\": [{\"p\": "
        "0.8, \"mass\": 0.9}, {\"p\": 0.4, \"mass\": 0.9}]}}");
    char *page = page_of(&r);
    has(page, "<b>Trained on these labels: <a href=\"#stage-6\">rlaif</a>, <a href=\"#stage-8\">both</a>, <a "
              "href=\"#stage-11\">after</a>.</b>");
    free(page);
    run_free(&r);
}

/* What says next to nothing is named with its scale; what says something is not. */
static void flat_rewards(void **state)
{
    (void)state;
    Run r = run_new();
    add_made(&r, "empty", "reward", "{}",
             "{\"pairs\": 9, \"label_distance\": 0.026, \"margin_distance\": 0.012, \"sd\": 0.025, \"scale\": 0.025}",
             "run/a");
    add_made(&r, "untrained", "reward", "{}",
             "{\"pairs\": 9, \"label_distance\": 0.3, \"margin_distance\": 0.012, \"sd\": 0.02, \"scale\": 1}",
             "run/b");
    add_made(&r, "sound", "reward", "{}",
             "{\"pairs\": 9, \"label_distance\": 0.3, \"margin_distance\": 0.2, \"sd\": 0.8, \"scale\": 0.8}", "run/c");
    char *page = page_of(&r);
    has(page,
        "<b>Flat labels.</b> What <a href=\"#stage-1\">empty</a> learned from is 0.026 from one half on average, what it "
        "makes of a pair is 0.012 from one half on average");
    has(page, "Its rewards were divided by 0.025, which made that 40.0 times as large.");
    has(page, "<b>Flat margins.</b> What <a href=\"#stage-2\">untrained</a> makes of a pair is 0.012");
    assert_null(strstr(page, "<a href=\"#stage-3\">sound</a> makes"));
    free(page);
    run_free(&r);
}

static void put_metric(Run *r, int64_t stage, int step, const char *name, double value)
{
    Err err = {0};
    need_ok(store_metric(r->work.store, stage, step, name, value, &err), &err);
}

/* Rewards that tell replies to a prompt apart in few prompts only, and a limit that pays: of the last step, the penalty counted, and
 * not of one before. Curves and numbers have words, of each part of a reward its name. */
static void spread_and_ends(void **state)
{
    (void)state;
    static const struct {
        const char *name, *about, *summary;
        double ended, cut;
        int step; /* the last in which replies ended */
    } runs[] = {
        {"alike", "{\"options\": {\"scale-rewards\": \"group\"}}", "{\"reward_last\": 1, \"no_spread_last\": 0.75}",
         0.5, 0.75, 3},
        {"paid", "{\"options\": {\"no-end-penalty\": 0.5}}", "{\"reward_last\": 1, \"no_spread_last\": 0.25}", 0.5,
         0.75, 3},
        {"before", "{}", "{\"reward_last\": 1}", 0.5, 0.75, 2},
    };
    Run r = run_new();
    for (int i = 0; i < COUNT(runs); i++) {
        int64_t rl = add_stage(&r, runs[i].name, "rl", runs[i].about, runs[i].summary);
        for (int step = 2; step <= 3; step++) {
            put_metric(&r, rl, step, "reward", 1);
            put_metric(&r, rl, step, "reward_cut", runs[i].cut);
            put_metric(&r, rl, step, "reward/tone & more", 0.25);
            if (step <= runs[i].step)
                put_metric(&r, rl, step, "reward_ended", runs[i].ended);
        }
    }
    char *page = page_of(&r);
    check_page(page);
    has(page,
        "In the last step most prompts had replies that were all worth the same (<a href=\"#stage-1\">alike</a>): from "
        "these nothing is learned.");
    has(page,
        "were worth more than those that ended (<a href=\"#stage-1\">alike</a>): what was optimised does not ask");
    has(page, "There the rewards of the replies to a prompt were taken less their mean and divided by their standard");
    has(page, "Reward by tone &amp; more, before its weight");
    has(page, "Reward of replies that were cut off, mean");
    has(page, "prompts whose replies were all worth the same, last step");
    has_not(page, "reward_cut<");
    has_not(page, "no_spread");
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network),  cmocka_unit_test(trained_to_please), cmocka_unit_test(no_second_opinion),
        cmocka_unit_test(optimised),    cmocka_unit_test(own_taste),         cmocka_unit_test(biased_labels),
        cmocka_unit_test(flat_rewards), cmocka_unit_test(spread_and_ends),
    };
    return cmocka_run_group_tests_name("report_meaning", tests, NULL, NULL);
}
