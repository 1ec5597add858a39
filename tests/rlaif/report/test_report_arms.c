/* The arms of a run side by side: what each learned from, how far it went, and whether it wins. */
#include "report_page.h"

#include "base/mem.h"

static const char arms_yaml[] =
    "name: x\nseed: 1\npolicy: p\nstages:\n"
    "  - sft: {model: p}\n"
    "  - label: {}\n"
    "  - reward: {as: rm-ai, pairs: \"stage:label\", labels: ai}\n"
    "  - reward: {as: rm-human, pairs: people.jsonl, labels: human}\n"
    "  - rl: {as: rlaif, model: run/sft, reward: run/rm-ai}\n"
    "  - rl: {as: rlhf, model: run/sft, reward: run/rm-human}\n"
    "  - rl: {as: direct, model: p, judge: j, prompt: helpful-score}\n"
    "  - rl: {as: both, model: run/rlaif, reward: run/rm-human, judge: j, prompt: helpful-score}\n"
    "  - sample: {as: says-sft, model: run/sft}\n"
    "  - sample: {as: says-rlaif, model: run/rlaif}\n"
    "  - eval: {as: head-to-head, kind: winrate, policy: \"stage:says-rlaif\", against: run/rlhf}\n"
    "  - eval: {as: rlaif-sft, kind: winrate, policy: \"stage:says-rlaif\", against: \"stage:says-sft\"}\n"
    "  - eval: {as: rlhf-rlaif, kind: winrate, policy: run/rlhf, against: \"stage:says-rlaif\"}\n";

#define RL(reward, judge, prompt)                                                                                      \
    "{\"options\": {\"beta\": 0.05, \"reward-weight\": 0.25}, \"hashes\": {\"model\": \"m\", \"reward\": \"" reward    \
    "\", \"judge\": \"" judge "\", \"prompt\": \"" prompt "\"}, \"seed\": 1}"
#define DUEL(rate, low, high)                                                                                          \
    "{\"prompts\": 40, \"pairs\": 80, \"judge\": \"sha256:judge\", \"results\": [{\"prompt\": \"which\", \"kind\": "   \
    "\"pairwise\", \"win_rate\": " rate ", \"win_rate_bootstrap\": [" low ", " high "], \"length_controlled\": 0.55, " \
    "\"length_controlled_interval\": [0.45, 0.65]}]}"

static void add_run(Run *r)
{
    put_text(r->folder, "recipe.yaml", arms_yaml);
    add_made(r, "sft", "sft", "{}", "{\"steps\": 1}", "run/sft");
    int64_t label = add_stage(r, "label", "label", "{\"hashes\": {\"model\": \"judge\", \"prompt\": \"words\"}}",
                              "{\"pairs\": 4, \"prompt\": \"which\"}");
    for (int i = 0; i < 4; i++) {
        char row[300];
        snprintf(
            row, sizeof row,
            "{\"prompt\": \"p%d\", \"responses\": [\"x\", \"y\"], \"preferred\": 0, \"label\": {\"p\": %s, \"same_slot\": %s, "
            "\"orders\": [{\"p\": %s, \"mass\": 1}, {\"p\": 0.4, \"mass\": 1}]}}",
            i, i ? "0.6" : "0.3", i ? "true" : "false", i ? "0.8" : "0.2");
        add_item(r, label, i, row);
    }
    add_made(r, "rm-ai", "reward", "{\"options\": {\"labels\": \"ai\"}}",
             "{\"pairs\": 4, \"pairs_ai\": 4, \"pairs_human\": 0, \"eval_pairs\": 40, \"eval_accuracy\": 0.625}",
             "run/rm-ai");
    add_made(r, "rm-human", "reward", "{\"options\": {\"labels\": \"human\"}}",
             "{\"pairs\": 60, \"pairs_ai\": 0, \"pairs_human\": 60}", "run/rm-human");
    add_made(r, "rlaif", "rl", RL("a", "", ""), "{\"reward_first\": -0.25, \"reward_last\": 0.75, \"kl_last\": 1.25}",
             "run/rlaif");
    add_made(r, "rlhf", "rl", RL("b", "", ""), "{\"reward_first\": 0, \"reward_last\": 0.5, \"kl_last\": 2.5}",
             "run/rlhf");
    add_made(r, "direct", "rl", RL("", "judge", "score"), "{\"reward_last\": 0.125}", "run/direct");
    add_made(r, "both", "rl", RL("b", "judge", "score"), "{\"reward_last\": 0.5}", "run/both");
    add_stage(r, "says-sft", "sample", "{}", "{\"prompts\": 40}");
    add_stage(r, "says-rlaif", "sample", "{}", "{\"prompts\": 40}");
    add_stage(r, "head-to-head", "eval winrate", "{}", DUEL("0.25", "0.125", "0.375"));
    add_stage(r, "rlaif-sft", "eval winrate", "{}", DUEL("0.625", "0.5125", "0.725"));
    add_stage(r, "rlhf-rlaif", "eval winrate", "{}", DUEL("0.75", "0.6125", "0.825"));
}

static void arms(void **state)
{
    (void)state;
    Run r = run_new();
    add_run(&r);
    char *page = page_of(&r), *table = part_of(page, "<h2 id=\"arms\">", "</table>"),
         *rlaif = part_of(table, "<tr><th><a href=\"#stage-5\">rlaif</a>", "</tr>"),
         *rlhf = part_of(table, "<tr><th><a href=\"#stage-6\">rlhf</a>", "</tr>"),
         *direct = part_of(table, "<tr><th><a href=\"#stage-7\">direct</a>", "</tr>"),
         *both = part_of(table, "<tr><th><a href=\"#stage-8\">both</a>", "</tr>");
    check_page(page);
    assert_true(strstr(page, "<h2 id=\"arms\">") < strstr(page, "<h2 id=\"results\">"));
    has(page, "<a href=\"#arms\">Arms</a>");
    /* labels, their agreement and position bias; the reward model; where training ended; a win over what it began with, not
     * the first comparison that there is */
    has(rlaif, "<span class=\"range\">from <a href=\"#stage-1\">sft</a></span>");
    has(rlaif, "<a href=\"#stage-2\">label</a><span class=\"range\">4 pairs</span>");
    has(rlaif,
        "<td>75.0 %<span class=\"range\">30.1 to 95.4</span></td><td>75.0 %<span class=\"range\">30.1 to 95.4</span></td>");
    has(rlaif,
        "<a href=\"#stage-3\">rm-ai</a></td><td>62.5 %<span class=\"range\">47.0 to 75.8<br>40 pairs</span></td>");
    has(rlaif, "<td>0.750<span class=\"range\">at first \xe2\x88\x92"
               "0.250</span></td><td>1.25</td>");
    has(rlaif,
        "<td>62.5 %<span class=\"range\">51.2 to 72.5<br>40 prompts</span></td><td>55.0 %<span class=\"range\">45.0 to "
        "65.0</span></td>");
    has(rlaif, "<a href=\"#stage-12\">rlaif-sft</a>");
    has(rlhf, "people<span class=\"range\">60 pairs</span>");
    has(rlhf,
        "<td>75.0 %<span class=\"range\">61.3 to 82.5<br>40 prompts</span></td>"); /* there is none against its start */
    has(rlhf, "against <a href=\"#stage-10\">says-rlaif</a>");
    has(direct, "the judge itself<span class=\"range\"><b>helpful-score</b></span>");
    has(both, "people<span class=\"range\">60 pairs</span><br>the judge itself");
    has(both, "from <a href=\"#stage-5\">rlaif</a>");
    free(both);
    free(direct);
    free(rlhf);
    free(rlaif);
    free(table);
    free(page);
    run_free(&r);
}

/* One arm needs no table of arms. */
static void one_arm(void **state)
{
    (void)state;
    Run r = run_new();
    add_made(&r, "rl", "rl", RL("b", "", ""), "{\"reward_last\": 0.5}", "run/policy");
    char *page = page_of(&r);
    has_not(page, "id=\"arms\"");
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms),
        cmocka_unit_test(one_arm),
    };
    return cmocka_run_group_tests_name("report_arms", tests, NULL, NULL);
}
