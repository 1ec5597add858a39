/* The report: made of stores written by hand, whose numbers are known, and of a run of a tiny model that is killed. */
#include "report_page.h"

#include "base/mem.h"

#include <signal.h>

static const char about[] = "{\"options\": {}, \"hashes\": {\"model\": \"aaaa\"}, \"seed\": 1, \"version\": \"0.1.0\"}";

static void empty(void **state)
{
    (void)state;
    Run r = run_new();
    char *page = page_of(&r);
    check_page(page);
    has(page, "Nothing has been done");
    has_not(page, "No policy was compared");
    free(page);
    run_free(&r);
}

/* An evaluation by two prompts: the first is what the policy was trained to please and says better, the second holds 0. */
static const char winrate[] =
    "{\"prompts\": 40, \"pairs\": 160, \"judge\": \"sha256:aaaa\", \"characters_a\": 131.25, \"characters_b\": 100.0,"
    " \"results\": [{\"prompt\": \"tone\", \"prompt_hash\": \"sha256:bbbb\", \"kind\": \"verdict\", \"win_rate\": 0.703125,"
    " \"interval\": [0.6, 0.8], \"win_rate_bootstrap\": [0.611, 0.789], \"wins\": 112, \"losses\": 47, \"ties\": 1,"
    " \"binomial_p\": 1e-7, \"paired_p\": 0.00213, \"length_controlled\": 0.642, \"mean_a\": 0.512, \"mean_b\": 0.2987,"
    " \"gain\": 0.2133, \"gain_interval\": [0.1014, 0.3262], \"excludes_zero\": true, \"gain_paired_p\": 0.001,"
    " \"gain_t_p\": 0.002, \"gain_welch_p\": 0.003, \"mass\": 0.91},"
    " {\"prompt\": \"warmth\", \"prompt_hash\": \"sha256:cccc\", \"kind\": \"verdict\", \"win_rate\": 0.5, \"interval\": [0.4,"
    " 0.6], \"win_rate_bootstrap\": [0.4, 0.6], \"wins\": 80, \"losses\": 80, \"ties\": 0, \"binomial_p\": 1.0, \"paired_p\":"
    " 1.0, \"length_controlled\": null, \"mean_a\": 0.1, \"mean_b\": 0.1041, \"gain\": -0.0041, \"gain_interval\":"
    " [-0.0312, 0.0223], \"excludes_zero\": false, \"gain_paired_p\": 0.8, \"gain_t_p\": 0.8, \"gain_welch_p\": 0.8,"
    " \"mass\": 0.88}]}";

static const char judged[] =
    "{\"prompt\": \"Say <b>hello</b>\", \"a\": [\"<script>alert(1)</script> & \\\"quoted\\\" \\u0001\"], \"b\": [\"\"],"
    " \"judgments\": [{\"prompt\": \"tone\", \"pairs\": [{\"a\": {\"reward\": 0.625}, \"b\": {\"reward\": -0.125}}]},"
    " {\"prompt\": \"which\", \"pairs\": [{\"p\": 0.75}]}]}";

static const char label_about[] =
    "{\"options\": {\"method\": \"pointwise\"}, \"hashes\": {\"model\": \"aaaa\", \"prompt\": \"bbbb\"}, \"seed\": 1}";
static const char rl_about[] =
    "{\"options\": {\"beta\": 0.05, \"batch\": 8}, \"hashes\": {\"model\": \"aaaa\", \"reward\": "
    "\"dddd\", \"prompt\": \"\"}, \"seed\": 1}";

static void add_whole_run(Run *r)
{
    Err err = {0};
    int64_t label = add_stage(r, "label", "label", label_about, "{\"pairs\": 1, \"prompt\": \"tone\"}");
    add_item(r, label, 0,
             "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"scores\": [{\"mass\": 0.9}, "
             "{\"mass\": 0.7}]}}");
    int64_t reward = add_stage(r, "reward", "reward", about, "{\"pairs\": 1, \"steps\": 2, \"centre\": 0.25}");
    int64_t rl = add_stage(r, "rl", "rl", rl_about,
                           "{\"steps\": 2, \"reward_first\": 0.125, \"reward_last\": 0.4375, \"kl_last\": 1.5}");
    for (int step = 0; step < 2; step++)
        need_ok(store_metric(r->work.store, reward, step + 1, "loss", 0.75 - 0.125 * step, &err) &&
                    store_metric(r->work.store, rl, step, "reward", 0.125 + 0.3125 * step, &err) &&
                    store_metric(r->work.store, rl, step, "</script><script>bad()", step, &err) &&
                    store_rollout(r->work.store, rl, step, 0,
                                  "{\"prompt\": \"q\", \"response\": \"low\", \"reward\": -1}", &err) &&
                    store_rollout(r->work.store, rl, step, 1, "{\"prompt\": \"q\", \"response\": null, \"reward\": 1}",
                                  &err),
                &err);
    add_item(r, add_stage(r, "eval", "eval winrate", about, winrate), 0, judged);
}

static void whole(void **state)
{
    (void)state;
    Run r = run_new();
    add_whole_run(&r);
    char *page = page_of(&r), *again = page_of(&r);
    check_page(page);
    assert_string_equal(page, again);
    /* the answer: by which judge, by how much, interval, n; a second judge whose interval holds zero */
    has(page,
        "A is better than B by the judge that it was trained to please; another question to the same network does not confirm "
        "it.");
    has(page,
        "<b>0.213 higher</b> on a scale from \xe2\x88\x92"
        "1 to 1 (95&nbsp;% interval 0.101 to 0.326; 40 prompts, 160 pairs of replies): the interval does not contain zero");
    has(page, "<b>0.004 lower</b> (95&nbsp;% interval \xe2\x88\x92"
              "0.031 to 0.022; 40 prompts, 160 pairs of replies): <b>the interval contains zero</b>");
    has(page,
        "higher</b> by <b>tone</b>, which it was trained to please (95&nbsp;% interval 0.101 to 0.326; the scale is");
    has(page, "lower</b> by <b>warmth</b>, another question to the same network (\xe2\x88\x92"
              "0.031 to 0.022, which holds zero).");
    has(page, "A second opinion does not agree.");
    has(page, "<td>70.3 %<span class=\"range\">61.1 to 78.9</span></td>");
    has(page, "<td>&lt; 0.0001</td>");
    has(page, "131.2 characters");
    has(page, "the very model that is trained");
    has(page, "reward 1.000");
    has(page, "(not kept: it is no whole text)");
    has(page, "0.125 to 0.438 (2 steps");
    has(page, "\"rows\": [[1, 0.75], [2, 0.625]]"); /* the loss curve, for the script */
    has(page, "tone 0.625");
    has(page, "which 75.0 %");
    has(page, "which 25.0 %");
    /* nothing of the store is markup */
    has(page, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot; \xef\xbf\xbd");
    has(page, "Say &lt;b&gt;hello&lt;/b&gt;");
    has(page, "(an empty reply)");
    has_not(page, "<script>alert");
    has_not(page, "<script>bad");
    free(page);
    free(again);
    run_free(&r);
}

/* Prompts that were tried: with draws of their exemplars the mean and the spread, without their interval; which was chosen. */
static void tried(void **state)
{
    (void)state;
    Run r = run_new();
    int64_t label = add_stage(
        &r, "label", "label", about,
        "{\"pairs\": 1, \"choice\": {\"same_rows\": true, \"chosen\": \"tone <b> --shots 1\", \"candidates\": [{\"prompt\": \"tone <b>\", "
        "\"accuracy\": 0.5, \"interval\": [0.25, 0.75], \"n\": 12, \"trials\": [{}]}, {\"prompt\": \"tone <b> --shots "
        "1\", \"accuracy\": 0.625, \"interval\": [0.375, 0.875], \"n\": 12, \"different\": 2, \"sd\": 0.0625, \"least\": "
        "0.5625, \"most\": 0.6875, \"trials\": [{}, {}, {}]}]}}");
    add_item(&r, label, 0,
             "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"scores\": [{\"mass\": 0.9}, "
             "{\"mass\": 0.7}]}}");
    char *page = page_of(&r);
    check_page(page);
    has(page, "<tr><th>tone &lt;b&gt;</th><td>1</td><td>50.0 %<span class=\"range\">25.0 to 75.0</span></td>"
              "<td>\xe2\x80\x93</td><td>\xe2\x80\x93</td><td>12</td><td class=\"left\"></td></tr>");
    has(page, "<tr><th>tone &lt;b&gt; --shots 1</th><td>3, 2 different</td><td>62.5 %<span class=\"range\">37.5 to "
              "87.5</span></td><td>6.2 %</td><td>56.2 to 68.8</td><td>12</td><td class=\"left\">chosen</td></tr>");
    has(page, "labelled the very rows that it was chosen by, which flatters");
    free(page);
    run_free(&r);
}

/* In three of four pairs the second position wins, whatever stands there. */
static void position(void **state)
{
    (void)state;
    Run r = run_new();
    int64_t label = add_stage(&r, "label", "label", label_about, "{\"pairs\": 4, \"prompt\": \"prompts/which.yaml\"}");
    for (int i = 0; i < 4; i++) {
        char row[400];
        snprintf(
            row, sizeof row,
            "{\"prompt\": \"p%d\", \"responses\": [\"x\", \"y\"], \"preferred\": 0, \"label\": {\"p\": 0.9, \"orders\": "
            "[{\"p\": %s, \"mass\": 0.2}, {\"p\": 0.9, \"mass\": 0.2}], \"same_slot\": %s}}",
            i, i ? "0.1" : "0.8", i ? "true" : "false");
        add_item(&r, label, i, row);
    }
    char *page = page_of(&r);
    check_page(page);
    has(page, "chose the same position both times in 3 of 4 pairs (75.0 %");
    has(page, "of these the first in 0.0 % (p = 0.250 against chance)");
    has(page, "in these pairs little is left"); /* more than 30 %, at most 80 % */
    has(page, "No policy of this run was trained on these labels");
    has(page, "<td>75.0 %<span class=\"range\">30.1 to 95.4</span></td>");
    has(page, "<title>0.90 to 0.95: 4</title>");
    has(page, "sides with people in 100.0 % of 4 pairs (95&nbsp;% interval 51.0 to 100.0&nbsp;%): better than a coin.");
    has(page, "with <b>which</b>");
    has(page, "only 20.0 % of its probability");
    has(page, "No policy was compared with another");
    free(page);
    add_stage(&r, "reward", "reward", about, "{\"steps\": 2}");
    add_stage(&r, "rl", "rl", about, "{\"steps\": 2}");
    page = page_of(&r);
    has(page, "<b>The policy was trained on these labels.</b>");
    free(page);
    run_free(&r);
}

/* The recipe tells who was trained on what, and in which order; the run's place is not on the page. */
static void recipe(void **state)
{
    (void)state;
    Run r = run_new();
    Str text = {0};
    str_addf(
        &text,
        "name: \"a <b> name\"\nseed: 1\npolicy: /somewhere/else/start.gguf\nstages:\n"
        "  - label: {as: gone}\n  - label:\n      as: other\n"
        "      model: /somewhere/else/judge.gguf\n      pairs: %s/of/people.jsonl\n  - label: {}\n  - eval: {kind: winrate, as: "
        "test, policy: %s/policy, against: /somewhere/else/start.gguf}\n",
        r.folder, r.folder);
    put_text(r.folder, "recipe.yaml", str_text(&text));
    /* of the first's name the recipe has a stage of another kind */
    add_stage(&r, "gone", "sample", about, "{\"prompts\": 3}");
    add_stage(&r, "test-before", "sample", about, "{\"prompts\": 3}");
    add_stage(&r, "test", "eval winrate", about, winrate);
    add_stage(&r, "label", "label", label_about, NULL);
    add_stage(&r, "other", "label", label_about, "{\"prompt\": \"tone\"}");
    char *page = page_of(&r);
    check_page(page);
    has(page, "<title>a &lt;b&gt; name</title>");
    has(page, "id=\"stage-1\"><h3>other");
    has(page, "id=\"stage-2\"><h3>label <span class=\"note\">(not finished)");
    has(page, "id=\"stage-3\"><h3>test-before");
    has(page, "id=\"stage-4\"><h3>test<");
    has(page, "id=\"stage-5\"><h3>gone");
    has(page, "it is not in the present recipe");
    has(page, "Not finished:</b> <a href=\"#stage-2\">label</a>");
    has(page, "<code>rlaif run &quot;$RUN/recipe.yaml&quot; --run &quot;$RUN&quot; --only test --json</code>");
    has(page, "<dt>options</dt><dd>model: judge.gguf, pairs: of/people.jsonl</dd>");
    has(page, "<dt>options</dt><dd>policy: policy, against: start.gguf</dd>");
    char *before = part_of(page, "<h3>test-before", "</dl>"); /* a part of another stage */
    has(before, "--only test --json</code>");
    free(before);
    has(page, "policy is better than start.gguf"); /* no stage made it: the file's name */
    has_not(page, "/somewhere");
    has_not(page, r.folder);
    str_release(&text);
    free(page);
    run_free(&r);
}

/* A choice of two checkpoints: its judgments of one of them and the start. */
static void add_judged_checkpoint(Run *r, const char *stage, const char *rate, const char *reply)
{
    char summary[600], row[400];
    snprintf(
        summary, sizeof summary,
        "{\"prompts\": 20, \"pairs\": 20, \"results\": [{\"prompt\": \"which\", \"kind\": \"pairwise\", \"win_rate\": %s, "
        "\"interval\": [0.1, 0.9], \"win_rate_bootstrap\": [0.2, 0.8]}]}",
        rate);
    snprintf(
        row, sizeof row,
        "{\"prompt\": \"ask\", \"a\": [\"%s\"], \"b\": [\"of the start\"], \"judgments\": [{\"prompt\": \"which\", "
        "\"pairs\": [{\"p\": %s}]}]}",
        reply, rate);
    add_item(r, add_stage(r, stage, "eval winrate", about, summary), 0, row);
}

/* Checkpoints that were judged stand side by side with what they were judged by, the one that was taken is marked, and
 * samples of each are shown (paper.md 6.4). */
static void checkpoints(void **state)
{
    (void)state;
    static const char choice[] =
        "{\"checkpoints\": [{\"name\": \"checkpoint-000002\", \"step\": 2, \"eval_reward\": 0.75, \"win_rate\": 0.625, "
        "\"interval\": [0.51, 0.72]}, {\"name\": \"checkpoint-000004\", \"step\": 4, \"eval_reward\": 0.875, \"win_rate\": "
        "0.55, \"interval\": [0.4, 0.7]}], \"chosen\": \"checkpoint-000002\", \"step\": 2, \"win_rate\": 0.625}";
    Run r = run_new();
    add_stage(&r, "rl", "rl", rl_about, "{\"steps\": 4}");
    add_stage(&r, "choose-before", "sample", about, "{\"prompts\": 20, \"responses\": 20, \"stripped\": 3}");
    add_judged_checkpoint(&r, "choose-checkpoint-000002", "0.625", "of the second");
    add_judged_checkpoint(&r, "choose-checkpoint-000004", "0.55", "of the fourth");
    add_stage(&r, "choose", "choose", about, choice);
    add_judged_checkpoint(&r, "afterwards", "0.675", "of the chosen");
    char *page = page_of(&r);
    check_page(page);
    char *lead = part_of(page, "class=\"lead\"", "</p>"); /* what it was chosen by flatters */
    has(lead, "67.5");
    has_not(lead, "62.5");
    free(lead);
    char *table = part_of(page, "<h3>The checkpoint that is taken: ", "</table>");
    has(table, "<th>checkpoint-000002<span class=\"range\">chosen</span></th><th>checkpoint-000004</th>");
    has(table, "<th>updates before it</th><td>2</td><td>4</td>");
    has(table, "<th>reward on held-out prompts</th><td>0.750</td><td>0.875</td>");
    has(table,
        "<td>62.5 %<span class=\"range\">51.0 to 72.0</span></td><td>55.0 %<span class=\"range\">40.0 to 70.0</span></td>");
    has(table, "is the best of several, and so flatters");
    char *second = part_of(page, ">choose-checkpoint-000002</a></h3>", "<h3>"),
         *fourth = part_of(page, ">choose-checkpoint-000004</a></h3>", "</body>");
    has(second, "<div>After: checkpoint-000002</div>");
    has(second, "of the second");
    has(second, "which 62.5 %");
    has(second, "of the start");
    has_not(second, "of the fourth");
    has(fourth, "<div>After: checkpoint-000004</div>");
    has(fourth, "of the fourth");
    has(page, "<th>symbols behind the end taken off</th><td>3</td>");
    free(table);
    free(second);
    free(fourth);
    free(page);
    run_free(&r);
}

/* An evaluation by reward models: two, so that one evaluation can be by what was optimised and another by what was not. */
#define BY_REWARD(hash)                                                                                                \
    "{\"prompts\": 40, \"pairs\": 40, \"judge\": null, \"characters_a\": 10, \"characters_b\": 20, \"results\": "      \
    "[{\"prompt\": \"reward model\", \"reward_hash\": \"sha256:" hash                                                  \
    "\", \"kind\": \"reward\", \"win_rate\": 0.8, \"interval\": [0.7, 0.9], \"win_rate_bootstrap\": [0.7, 0.9], "      \
    "\"length_controlled\": 0.75, \"mean_a\": 2.5, \"mean_b\": 0.5, \"gain\": 2, \"gain_interval\": [1, 3], "          \
    "\"excludes_zero\": true}]}"

static const char reward_yaml[] =
    "name: x\nseed: 1\npolicy: p\nstages:\n"
    "  - reward: {as: gold, pairs: people.jsonl, labels: human}\n"
    "  - reward: {pairs: \"stage:label\"}\n"
    "  - rl: {reward: run/reward}\n"
    "  - sample: {as: says, model: run/policy}\n"
    "  - eval: {as: by-gold, kind: winrate, policy: \"stage:says\", against: p, reward: run/gold}\n"
    "  - eval: {as: by-own, kind: winrate, policy: run/policy, against: p, reward: run/reward}\n"
    "  - eval: {as: turned, kind: winrate, policy: p, against: \"stage:says\", reward: run/reward}\n"
    "  - eval: {as: elsewhere, kind: winrate, policy: run/policy, against: p, reward: far/off/model}\n";

/* Whose reward it is that an evaluation is by: it is said where it was optimised, also through samples and by the other side. */
static void by_reward_models(void **state)
{
    (void)state;
    Run r = run_new();
    put_text(r.folder, "recipe.yaml", reward_yaml);
    add_made(&r, "gold", "reward", "{\"options\": {\"labels\": \"human\"}, \"hashes\": {}}", "{\"steps\": 1}",
             "run/gold");
    add_made(&r, "reward", "reward", about, "{\"steps\": 1}", "run/reward");
    add_made(&r, "rl", "rl", rl_about, "{\"steps\": 1}", "run/policy"); /* by the reward model dddd */
    add_stage(&r, "says", "sample", about, "{\"prompts\": 3}");
    static const char said[] =
        "{\"prompt\": \"p\", \"a\": [\"x\"], \"b\": [\"y\"], \"judgments\": [{\"prompt\": \"reward "
        "model\", \"pairs\": [{\"a\": {\"reward\": 2.5}, \"b\": {\"reward\": 0.5}}]}]}";
    add_item(&r, add_stage(&r, "by-gold", "eval winrate", about, BY_REWARD("eeee")), 0, said);
    add_stage(&r, "by-own", "eval winrate", about, BY_REWARD("dddd"));
    add_stage(&r, "turned", "eval winrate", about, BY_REWARD("dddd"));
    add_stage(&r, "elsewhere", "eval winrate", about, BY_REWARD("ffff"));
    char *page = page_of(&r);
    check_page(page);
    has(page,
        "says</a> is better than p.</b> By the <b>reward model</b> <a href=\"#stage-1\">gold</a>, which it was not "
        "trained on, its replies score <b>2.000 higher</b> in its own unit (95&nbsp;% interval 1.000 to 3.000; ");
    has(page, "rl</a> is better than p by the reward model that it was trained on.</b> By the <b>reward model</b> <a "
              "href=\"#stage-2\">reward</a>, which it was trained on, ");
    has(page,
        "does not contain zero. This is the reward that was optimised: it says how far, and not whether the replies "
        "are better. </p>");
    has(page, "reward</a>, which the other was trained on, ");
    has(page, "By the <b>reward model</b> model, which it was not trained on, ");
    has(page,
        "In <a href=\"#stage-5\">by-gold</a> each reply alone got a reward by the <b>reward model</b> <a "
        "href=\"#stage-1\">gold</a>, which imitates people\xe2\x80\x99s choices. The policy was not trained on it.");
    has(page, "<b>It is the one that the policy was trained on</b>: the win rate says how far training optimised it");
    has(page, "the win rate by the reward model would be 75.0 % in place of 80.0 %");
    has(page, "<span class=\"range\">trained on it</span>");
    has(page,
        "1 to 1, or the probability that it is the better one; a reward model\xe2\x80\x99s reward has its own unit.");
    has(page, "reward model 2.500");
    has_not(page, "judge that it was");
    has_not(page, "probability on the answers");
    free(page);
    run_free(&r);
}

/* --- what was optimised --------------------------------------------------------------------------------------- */

#define RL_ABOUT(options, hashes)                                                                                      \
    "{\"options\": {\"beta\": 0.25, " options "}, \"hashes\": {\"model\": \"m\", " hashes "}, \"seed\": 0}"

/* The form of each objective, what its KL is measured from, and every part of its reward. */
static void objectives(void **state)
{
    (void)state;
    Run r = run_new();
    Str text = {0};
    str_addf(
        &text,
        "name: x\nseed: 1\npolicy: start.gguf\nstages:\n  - sft: {data: d.jsonl}\n"
        "  - rl: {as: one, prompts: p.jsonl, model: start.gguf, reward: r}\n"
        "  - rl: {as: two, prompts: p.jsonl, model: one, reference: /far/away/held.gguf, rewards: [{reward: r, weight: 0.0125}, "
        "{judge: m, prompt: tone, weight: 3, scale: 2}]}\n");
    put_text(r.folder, "recipe.yaml", str_text(&text));
    add_stage(&r, "one", "rl", RL_ABOUT("\"objective\": \"convex\"", "\"reward\": \"r\""), "{\"steps\": 1}");
    add_stage(
        &r, "two", "rl",
        RL_ABOUT(
            "\"objective\": \"plain\", \"no-end-penalty\": 0.5, \"whiten\": true, "
            "\"logp-temperature\": \"sampling\", \"temperature\": 0.9",
            "\"reference\": \"s\", \"rewards\": [{\"name\": \"r\", \"weight\": 0.0125, \"scale\": 1, \"reward\": \"r\"}, "
            "{\"name\": \"tone\", \"weight\": 3, \"scale\": 2, \"judge\": \"m\", \"prompt\": \"t\"}]"),
        "{\"steps\": 1, \"kl_sampling_last\": 1.25}");
    char *page = page_of(&r);
    check_page(page);
    has(page, "KL to the reference at the temperature of the draw, last step");
    has(page, "one</a>, \xce\xb2 is 0.25 and R is the reward model. In <a"); /* as is said of all */
    has(page,
        "R is 0.0125 of the reward model r; and 1.5 of the reward that the judge itself gives with <b>tone</b>, less "
        "0.5 for a reply that was cut off before its end. There R counts whole: R \xe2\x88\x92 \xce\xb2 KL was "
        "maximised. There KL is the distance from held.gguf, and not from where training started. There the "
        "KL is that of the distributions at temperature 0.9, from which replies were drawn. There the "
        "advantages of a step were normalised");
    has(page, "the judge is the very model that is trained");
    has(page, "<dt>reward of r</dt>");
    has(page, "<dt>judge of tone</dt>");
    has(page, "<dt>prompt of tone</dt>");
    str_release(&text);
    free(page);
    run_free(&r);
}

/* --- what has to be escaped ------------------------------------------------------------------------------- */

/* A text that shows where it comes from, and is markup where it is not escaped. */
#define MARK(n) "<i" #n " a=\\\"'>&amp;"
#define ABOUT                                                                                                          \
    "{\"options\": {\"" MARK(1) "\": \"" MARK(2) "\", \"list\": [\"" MARK(3) "\"], \"deep\": {\"a\": \"" MARK(         \
        4) "\"}}, \"hashes\": {\"" MARK(5) "\": \"" MARK(6) "\"}, \"seed\": 1, \"version\": \"" MARK(7) "\"}"

enum { MARKS = 22 };

/* Every text that a store or a recipe holds and a page shows, each with a mark of its own. */
static void add_marked_run(Run *r)
{
    Err err = {0};
    int64_t label = add_stage(r, "<i8 a=\"'>&amp;", "label", ABOUT, "{\"pairs\": 1, \"prompt\": \"" MARK(9) "\"}");
    add_item(
        r, label, 0,
        "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"orders\": [{\"p\": 0.8, \"mass\": "
        "0.1}, {\"p\": 0.8, \"mass\": 0.1}], \"same_slot\": false}}");
    int64_t rl = add_stage(r, "rl", "rl", ABOUT, "{\"steps\": 1}");
    for (int sample = 0; sample < 2; sample++)
        need_ok(store_rollout(r->work.store, rl, 0, sample,
                              "{\"prompt\": \"" MARK(10) "\", \"response\": \"" MARK(11) "\", \"reward\": 1}", &err),
                &err);
    need_ok(store_metric(r->work.store, rl, 0, "reward", 1, &err) &&
                store_metric(r->work.store, rl, 0, "<i12 a=\"'>&amp;", 1, &err),
            &err);
    add_item(
        r,
        add_stage(r, "eval", "eval winrate", ABOUT,
                  "{\"prompts\": 1, \"pairs\": 1, \"results\": [{\"prompt\": \"" MARK(13) "\", \"kind\": \"" MARK(
                      14) "\", \"gain\": 0.1, \"gain_interval\": [0.0, 0.2]}]}"),
        0,
        "{\"prompt\": \"" MARK(15) "\", \"a\": [\"" MARK(16) "\"], \"b\": [\"b\"], \"judgments\": [{\"prompt\": \"" MARK(
            17) "\", \"pairs\": [{\"a\": {\"reward\": 1}, \"b\": {\"reward\": 0}}]}]}");
    add_stage(
        r, "ratings", "eval ratings", ABOUT,
        "{\"policies\": [{\"policy\": \"" MARK(
            18) "\"}], \"raters\": {\"raters\": 2, \"by_rater\": [{\"rater\": \"" MARK(19) "\"}, {\"rater\": \"b\"}]}}");
    add_stage(r, "rates", "eval harmless", ABOUT,
              "{\"prompt\": \"" MARK(20) "\", \"policies\": [{\"policy\": \"" MARK(21) "\"}]}");
    add_item(r, add_stage(r, "says", "sample", ABOUT, "{}"), 0, "{\"prompt\": \"p\", \"response\": \"" MARK(22) "\"}");
}

static void escaped(void **state)
{
    (void)state;
    Run r = run_new();
    add_marked_run(&r);
    char *page = page_of(&r), mark[60];
    check_page(page);
    for (int i = 1; i <= MARKS; i++) {
        snprintf(mark, sizeof mark, "<i%d ", i);
        has_not(page, mark);
        snprintf(mark, sizeof mark, "&lt;i%d a=%s&quot;&#39;&gt;&amp;amp;", i, i == 4 ? "\\" : "");
        if (i != 12) /* a metric that no chart has a title for is not shown */
            has(page, mark);
    }
    free(page);
    run_free(&r);
}

/* --- a run of the program --------------------------------------------------------------------------------- */

static const char two_yaml[] =
    "name: two\nseed: 3\npolicy: llama\nstages:\n"
    "  - sample: {prompts: p.jsonl, n: 2, max-new-tokens: 4}\n"
    "  - label:  {method: pointwise, prompt: tone.yaml}\n"
    "  - reward: {batch: 2, save-every: 1}\n"
    "  - rl:     {prompts: p.jsonl, steps: 3, batch: 2, samples: 2, max-new-tokens: 4, baseline: group, save-every: 1}\n"
    "  - eval:   {kind: winrate, prompts: held.jsonl, n: 2, max-new-tokens: 4, against: policy, prompt: [tone.yaml, "
    "which.yaml], reward: reward}\n"
    "  - report: {}\n";

/* The commands that the page gives, by a shell in the folder in which the run was begun. */
static void run_commands(const char *bench, const char *page)
{
    static const char begin[] = "<dt>again</dt><dd><code>";
    int n = 0;
    for (const char *at = page; (at = strstr(at, begin)); n++) {
        char command[300];
        size_t k = 0;
        for (at += strlen(begin); *at != '<'; at++) {
            bool quote = strncmp(at, "&quot;", 6) == 0;
            assert_true(k < sizeof command - 1 && (quote || *at != '&'));
            command[k++] = quote ? '"' : *at;
            at += quote ? strlen("quot;") : 0;
        }
        command[k] = 0;
        Ran r = run_in(bench, "RUN=shaken; %s", command);
        need_status(&r, 0);
        json_decref(last_json(&r));
        ran_free(&r);
    }
    assert_int_equal(n, 7); /* five stages, and replies of two policies that one of them sampled */
}

/* The files that two runs of one recipe share whatever their directories are called, and with or without kills. */
static void same_products(const char *bench, const char *a, const char *b)
{
    static const char *const names[] = {"report.html",
                                        "reward/metrics.jsonl",
                                        "reward/events.out.tfevents.rlaif",
                                        "reward/model.safetensors",
                                        "policy/metrics.jsonl",
                                        "policy/events.out.tfevents.rlaif",
                                        "policy/model.safetensors"};
    for (int i = 0; i < COUNT(names); i++)
        runs_with_status(bench, 0, "cmp %s/%s %s/%s", a, names[i], b, names[i]);
}

static void killed(void **state)
{
    (void)state;
    char *folder = make_folder(), *bench = make_bench(folder, "bench"), *path = path_join(bench, "quiet/report.html");
    put_text(bench, "two.yaml", two_yaml);
    Ran r = run_with_fault(bench, (Fault){0}, "rlaif run two.yaml --run quiet");
    need_status(&r, 0);
    int changes = r.changes, kills = 0;
    ran_free(&r);
    for (int status = -1; status != 0; kills++) { /* every kill a good part further on */
        r = run_with_fault(bench, (Fault){.at = 1 + changes * (2 + kills % 3) / 7, .signal = SIGKILL},
                           "rlaif run two.yaml --run shaken");
        status = r.status;
        ran_free(&r);
    }
    assert_true(kills > 2);
    same_products(bench, "quiet", "shaken");
    Err err = {0};
    char *page;
    size_t n;
    need_ok(file_read(path, 1 << 26, &page, &n, &err), &err);
    check_page(page);
    runs_with_status(bench, 0, "rm -r shaken/policy"); /* what is gone is made again, in the same bytes */
    run_commands(bench, page);
    same_products(bench, "quiet", "shaken");
    has(page, "By <b>tone</b>, the judge that it was trained to please,");
    has(page, "By <b>which</b>, another question to the network that it was trained to please, it wins");
    has(page, "By the <b>reward model</b> <a href=\"#stage-3\">reward</a>, which it was trained on, its replies score");
    has(page,
        "R is the reward model <a href=\"#stage-3\">reward</a>, which imitates the answers of a judge to <b>tone</b>");
    free(page);
    free(path);
    free(bench);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(whole),
        cmocka_unit_test(tried),
        cmocka_unit_test(position),
        cmocka_unit_test(recipe),
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(by_reward_models),
        cmocka_unit_test(objectives),
        cmocka_unit_test(escaped),
        cmocka_unit_test(killed),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
