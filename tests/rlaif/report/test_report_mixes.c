/* What a report says of policies that were trained on mixes, or are judged by them: whose parts are whose. */
#include "report_page.h"

#include "base/mem.h"

static const char about[] =
    "{\"options\": {}, \"hashes\": {\"model\": \"start\"}, \"seed\": 1, \"version\": \"0.1.0\"}";
static const char label_about[] =
    "{\"options\": {}, \"hashes\": {\"model\": \"judge\", \"prompt\": \"words\"}, \"seed\": 1}";

static const char mix_yaml[] =
    "name: x\nseed: 1\npolicy: start.gguf\nstages:\n"
    "  - label: {}\n"
    "  - label: {as: again, from: \"stage:label\"}\n"
    "  - label: {as: old}\n"
    "  - reward: {as: rm, pairs: \"stage:label\", labels: ai}\n"
    "  - reward: {as: rm-again, pairs: \"stage:again\", labels: ai}\n"
    "  - reward: {as: rm-old, pairs: \"stage:old\", labels: ai}\n"
    "  - rl: {as: by-labels, reward: run/rm, model: start.gguf}\n"
    "  - rl: {as: by-again, reward: run/rm-again, model: start.gguf}\n"
    "  - rl: {as: by-old, reward: run/rm-old, model: start.gguf}\n"
    "  - rl: {as: direct, prompt: mix.yaml, judge: judge.gguf, model: start.gguf}\n"
    "  - rl: {as: listed, model: start.gguf, rewards: [{prompt: mix.yaml, judge: judge.gguf}]}\n"
    "  - rl: {as: two, model: start.gguf, rewards: [{prompt: a.yaml, judge: judge.gguf},"
    " {prompt: b.yaml, judge: judge.gguf, weight: 0}, {reward: run/rm, weight: 2}]}\n"
    "  - rl: {as: plain, prompt: tone.yaml, judge: judge.gguf, model: start.gguf}\n"
    "  - choose: {policy: run/by-labels}\n"
    "  - eval: {as: eval-plain, kind: winrate, policy: run/plain, against: start.gguf}\n"
    "  - eval: {as: eval-labels, kind: winrate, policy: run/by-labels, against: start.gguf}\n"
    "  - eval: {as: eval-again, kind: winrate, policy: run/by-again, against: start.gguf}\n"
    "  - eval: {as: eval-old, kind: winrate, policy: run/by-old, against: start.gguf}\n"
    "  - eval: {as: eval-direct, kind: winrate, policy: run/direct, against: start.gguf}\n"
    "  - eval: {as: eval-listed, kind: winrate, policy: run/listed, against: start.gguf}\n"
    "  - eval: {as: eval-two, kind: winrate, policy: run/two, against: start.gguf}\n"
    "  - label: {as: taught}\n"
    "  - reward: {as: rm0, pairs: \"stage:taught\", labels: ai}\n"
    "  - label: {as: alone}\n"
    "  - reward: {as: rm-alone, pairs: \"stage:alone\", labels: ai}\n"
    "  - rl: {as: by-alone, reward: run/rm-alone, model: start.gguf}\n"
    "  - eval: {as: eval-alone, kind: winrate, policy: run/by-alone, against: start.gguf}\n";

/* What a mix said of a reply: `tone` and `warmth` count, `calm` for nothing and `terse` against it; `extra` is one more part. */
#define MIXED(extra)                                                                                                    \
    "{\"margin\": 1, \"parts\": [{\"part\": \"tone\", \"number\": 1, \"weight\": 1, \"prompt_hash\": \"sha256:tone\", " \
    "\"logp\": [-1, -1]}, {\"part\": \"warmth\", \"number\": 1, \"weight\": 0.5, \"prompt_hash\": \"sha256:warmth\", "  \
    "\"logp\": [-1, -1]}, {\"part\": \"calm\", \"number\": 1, \"weight\": 0, \"prompt_hash\": \"sha256:calm\", "        \
    "\"logp\": [-1, -1]}, {\"part\": \"terse\", \"number\": 1, \"weight\": -1, \"prompt_hash\": \"sha256:terse\", "     \
    "\"logp\": [-1, -1]}, {\"part\": \"log-length\", \"number\": 4, \"weight\": 0.5}" extra "]}"
#define A_MODEL ", {\"part\": \"rm0\", \"number\": 1, \"weight\": 1, \"reward_hash\": \"sha256:rm0\"}"
#define ALONE                                                                                                          \
    "{\"margin\": 1, \"parts\": [{\"part\": \"run/rm0\", \"number\": 1, \"weight\": 1, \"reward_hash\": \"sha256:rm0\"}]}"
#define OLD "{\"margin\": 1, \"parts\": [{\"part\": \"tone\", \"number\": 1, \"logp\": [-1, -1]}]}"
#define LABEL(said)                                                                                                    \
    "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"judge\": \"sha256:judge\", "         \
    "\"prompt_hash\": \"sha256:mix\", \"scores\": [" said ", " said "]}}"

/* A policy that a judge rewarded, with rollouts of its last step; second NULL: there is one. */
static void add_rewarded(Run *r, const char *name, const char *hashes, const char *first, const char *second)
{
    Err err = {0};
    char *output = mem_printf("run/%s", name);
    json_t *summary = parsed("{\"steps\": 1}");
    int64_t id = add_stage(r, name, "rl", hashes, NULL);
    need_ok(store_rollout(r->work.store, id, 7, 0, first, &err), &err);
    need_ok(!second || store_rollout(r->work.store, id, 7, 1, second, &err), &err);
    need_ok(store_stage_end(r->work.store, id, output, summary, 7777.25, &err), &err);
    json_decref(summary);
    free(output);
}

/* Policies that were trained on mixes, in every way that leads there. */
static void add_mixes(Run *r)
{
    static const char
        settled_about[] = "{\"options\": {}, \"hashes\": {\"labels\": \"others\"}}",
        direct[] = "{\"hashes\": {\"model\": \"start\", \"judge\": \"judge\", \"prompt\": \"mix\"}}",
        listed[] = "{\"hashes\": {\"model\": \"start\", \"rewards\": [{\"name\": \"mix\", \"weight\": 1, \"scale\": "
                   "1, \"judge\": \"judge\", \"prompt\": \"mix\"}]}}";
    put_text(r->folder, "recipe.yaml", mix_yaml);
    add_item(r, add_stage(r, "label", "label", settled_about, "{\"pairs\": 1, \"prompt\": \"mix\"}"), 0,
             LABEL(MIXED("")));
    add_item(r, add_stage(r, "again", "label", settled_about, "{\"pairs\": 1, \"prompt\": \"mix\"}"), 0,
             LABEL(MIXED(A_MODEL)));
    add_item(r, add_stage(r, "old", "label", label_about, "{\"pairs\": 1, \"prompt\": \"mix\"}"), 0, LABEL(OLD));
    add_made(r, "rm", "reward", "{\"options\": {\"labels\": \"ai\"}}", "{\"pairs\": 1, \"pairs_ai\": 1}", "run/rm");
    add_made(r, "rm-again", "reward", "{\"options\": {\"labels\": \"ai\"}}", "{\"pairs\": 1, \"pairs_ai\": 1}",
             "run/rm-again");
    add_made(r, "rm-old", "reward", "{\"options\": {\"labels\": \"ai\"}}", "{\"pairs\": 1, \"pairs_ai\": 1}",
             "run/rm-old");
    add_made(r, "by-labels", "rl", RL_BY("rm", "", ""), "{\"steps\": 1}", "run/by-labels");
    add_made(r, "by-again", "rl", RL_BY("rm-again", "", ""), "{\"steps\": 1}", "run/by-again");
    add_made(r, "by-old", "rl", RL_BY("rm-old", "", ""), "{\"steps\": 1}", "run/by-old");
    add_rewarded(r, "direct", direct, "{\"prompt\": \"p\", \"response\": \"x\", \"reward\": 1, \"judgment\": null}",
                 "{\"prompt\": \"p\", \"response\": \"x\", \"reward\": 1, \"judgment\": " MIXED(A_MODEL) "}");
    add_rewarded(
        r, "listed", listed,
        "{\"prompt\": \"p\", \"response\": \"x\", \"reward\": 1, \"rewards\": [{\"name\": \"mix\", \"reward\": 1, "
        "\"judgment\": " MIXED("") "}]}",
        NULL);
    add_made(
        r, "two", "rl",
        "{\"hashes\": {\"model\": \"start\", \"rewards\": [{\"name\": \"a\", \"weight\": 1, \"scale\": 1, \"judge\": "
        "\"judge\", \"prompt\": \"tone\"}, {\"name\": \"b\", \"weight\": 0, \"scale\": 1, \"judge\": \"judge\", "
        "\"prompt\": \"neutral\"}, {\"name\": \"rm\", \"weight\": 2, \"scale\": 1, \"reward\": \"rm\"}]}}",
        "{\"steps\": 1}", "run/two");
    add_made(r, "plain", "rl", "{\"hashes\": {\"model\": \"start\", \"judge\": \"judge\", \"prompt\": \"tone\"}}",
             "{\"steps\": 1}", "run/plain");
    add_made(r, "choose", "choose", about, "{\"steps\": 1}", "run/chosen");
}

/* And the reward model in the mixes, trained by this run on what a third network says; another policy was trained on its labels. */
static void add_taught(Run *r)
{
    static const char taught_about[] = "{\"options\": {}, \"hashes\": {\"model\": \"third\", \"prompt\": \"wide\"}}",
                      alone_about[] = "{\"options\": {}, \"hashes\": {\"model\": \"rm0\", \"prompt\": \"\"}}";
    add_item(r, add_stage(r, "taught", "label", taught_about, "{\"pairs\": 1, \"prompt\": \"wide\"}"), 0, LABEL("{}"));
    add_made(r, "rm0", "reward", "{\"options\": {\"labels\": \"ai\"}}",
             "{\"pairs\": 1, \"pairs_ai\": 1, \"product_hash\": \"sha256:rm0\"}", "run/rm0");
    add_item(r, add_stage(r, "alone", "label", alone_about, "{\"pairs\": 1}"), 0,
             "{\"prompt\": \"p\", \"responses\": [\"x\", \"y\"], \"label\": {\"p\": 0.8, \"judge\": \"sha256:rm0\", "
             "\"scores\": [" ALONE ", " ALONE "]}}");
    add_made(r, "rm-alone", "reward", "{\"options\": {\"labels\": \"ai\"}}", "{\"pairs\": 1, \"pairs_ai\": 1}",
             "run/rm-alone");
    add_made(r, "by-alone", "rl", RL_BY("rm-alone", "", ""), "{\"steps\": 1}", "run/by-alone");
}

#define BY_MODEL(hash)                                                                                                 \
    "{\"prompt\": \"reward model\", \"reward_hash\": \"sha256:" hash                                                   \
    "\", \"kind\": \"reward\", \"gain\": 0.2, \"gain_interval\": [0.1, 0.3], \"win_rate\": 0.7}"

static const char PART[] = "a part of what it was trained to please,",
                  WHOLE[] = "the judge that it was trained to please,",
                  NOT[] = "another question to the network that it was trained to please,",
                  OTHER[] = "a judge that it was not trained to please,",
                  PERHAPS[] = "which it may have been trained to please (that is not known),",
                  MODEL_PART[] = "a part of what it was trained on,", MODEL_NOT[] = "which it was not trained on,";

typedef struct Said {
    const char *eval, *judge, *prompt, *says; /* judge NULL: by the reward model `prompt` */
} Said;

static void need_said(const Said *of, void (*add_more)(Run *))
{
    Run r = run_new();
    add_mixes(&r);
    if (add_more)
        add_more(&r);
    char *result = of->judge ? mem_printf(WINS("%s", JUDGED_BY("%s")), of->judge, of->prompt, of->prompt)
                             : mem_printf(WINS("judge", BY_MODEL("%s")), of->prompt);
    add_stage(&r, of->eval, "eval winrate", about, result);
    char *page = page_of(&r);
    check_page(page);
    const char *results = strstr(page, "<h2 id=\"results\">");
    assert_non_null(results);
    char *said = part_of(results, "By ", " (95&nbsp;%");
    if (!strstr(said, of->says))
        fail_msg("%s by %s: \"%s\" does not say \"%s\"", of->eval, of->prompt, said, of->says);
    free(said);
    free(result);
    free(page);
    run_free(&r);
}

/* A judge or a reward model that is a part of what a policy was trained to please is called so, and never another question; a part
 * that counts for nothing or against a reply is not; what rows of earlier versions do not say is not known. */
static void parts_of_mixes(void **state)
{
    (void)state;
    static const Said of[] = {
        {"eval-labels", "judge", "tone", PART},
        {"eval-labels", "judge", "warmth", PART},
        {"eval-labels", "judge", "mix", WHOLE},
        {"eval-labels", "judge", "calm", NOT},
        {"eval-labels", "judge", "terse", NOT},
        {"eval-labels", "judge", "neutral", NOT},
        {"eval-labels", "third", "tone", OTHER},
        {"eval-labels", NULL, "rm0", MODEL_NOT},
        {"choose-checkpoint-000010", "judge", "warmth", PART},
        {"choose-checkpoint-000010", "judge", "neutral", NOT},
        {"eval-again", "judge", "warmth", PART},
        {"eval-again", "judge", "neutral", PERHAPS}, /* whom the reward model in the mix imitates is not known */
        {"eval-again", NULL, "rm0", MODEL_PART},
        {"eval-old", "judge", "warmth", PERHAPS},
        {"eval-old", "judge", "words", WHOLE},
        {"eval-old", "third", "tone", OTHER},
        {"eval-direct", "judge", "tone", PART},
        {"eval-direct", "judge", "mix", WHOLE},
        {"eval-direct", NULL, "rm0", MODEL_PART},
        {"eval-direct", NULL, "rm", MODEL_NOT},
        {"eval-listed", "judge", "warmth", PART},
        {"eval-listed", "judge", "neutral", NOT},
        {"eval-two", "judge", "tone", PART}, /* beside other rewards */
        {"eval-two", "judge", "mix", PART},
        {"eval-two", "judge", "neutral", NOT}, /* whose weight is 0 */
        {"eval-two", NULL, "rm", MODEL_PART},
    };
    for (int i = 0; i < COUNT(of); i++)
        need_said(&of[i], NULL);
}

/* Whom a reward model in a mix imitates is pleased as a part, too, where this run trained it; and behind labels by a reward model
 * alone, as a judge is. */
static void taught_parts(void **state)
{
    (void)state;
    static const Said of[] = {
        {"eval-again", "third", "wide", PART},   {"eval-again", "third", "words", NOT},
        {"eval-again", "judge", "neutral", NOT}, {"eval-again", "fourth", "wide", OTHER},
        {"eval-again", NULL, "rm0", MODEL_PART}, {"eval-direct", "third", "wide", PART},
        {"eval-labels", "third", "wide", OTHER}, {"eval-alone", "third", "wide", WHOLE},
        {"eval-alone", "judge", "tone", OTHER},  {"eval-alone", NULL, "rm1", MODEL_NOT},
    };
    for (int i = 0; i < COUNT(of); i++)
        need_said(&of[i], add_taught);
    Run r = run_new();
    add_mixes(&r);
    add_taught(&r);
    char *page = page_of(&r), *said = part_of(page, "<b>What was optimised.</b>", "</li>");
    assert_non_null(strstr(said, ", behind which is also the reward model <a href=\"#stage-"));
    assert_non_null(strstr(said, ">rm0</a>, which imitates the answers of a judge to "));
    free(said);
    free(page);
    run_free(&r);
}

#define ASKED(part, weight) "{\"part\": \"" part "\", \"weight\": " weight ", \"prompt_hash\": \"sha256:" part "\"}"
#define IN_MODEL(part)      "{\"part\": \"" part "\", \"weight\": 1, \"reward_hash\": \"sha256:" part "\"}"
#define LENGTH              "{\"part\": \"log-length\", \"weight\": 1}"
#define BY_MIX(parts)                                                                                                  \
    "{\"prompt\": \"other-mix\", \"prompt_hash\": \"sha256:other-mix\", \"kind\": \"mix\", \"gain\": 0.2, "            \
    "\"gain_interval\": [0.1, 0.3], \"win_rate\": 0.7" parts "}"

/* The other way round: a mix that holds whom a policy was trained to please, or a part of that, is no other question. */
static void judged_by_mixes(void **state)
{
    (void)state;
    static const struct {
        const char *eval, *judge, *parts, *says;
    } of[] = {
        {"eval-plain", "judge", ", \"parts\": [" ASKED("neutral", "1") ", " ASKED("tone", "0.5") "]", PART},
        {"eval-plain", "judge", ", \"parts\": [" ASKED("neutral", "1") ", " LENGTH "]", NOT},
        {"eval-plain", "judge", ", \"parts\": [" ASKED("neutral", "1") ", " ASKED("tone", "0") "]", NOT},
        {"eval-plain", "judge", ", \"parts\": [" ASKED("neutral", "1") ", " ASKED("tone", "-1") "]", NOT},
        {"eval-plain", "third", ", \"parts\": [" ASKED("tone", "1") "]", OTHER},
        {"eval-plain", "judge", ", \"parts\": [{\"part\": \"tone\", \"weight\": 1}]",
         PERHAPS}, /* of earlier versions */
        {"eval-plain", "judge", "", PERHAPS},
        {"eval-labels", "judge", ", \"parts\": [" ASKED("warmth", "1") ", " ASKED("neutral", "1") "]", PART},
        {"eval-labels", "judge", ", \"parts\": [" ASKED("calm", "1") ", " ASKED("neutral", "1") "]", NOT},
        {"eval-labels", "third", ", \"parts\": [" ASKED("neutral", "1") ", " IN_MODEL("rm") "]", PART},
        {"eval-labels", "third", ", \"parts\": [" ASKED("neutral", "1") ", " IN_MODEL("rm0") "]", OTHER},
    };
    for (int i = 0; i < COUNT(of); i++) {
        Run r = run_new();
        add_mixes(&r);
        char *result = mem_printf(WINS("%s", BY_MIX("%s")), of[i].judge, of[i].parts);
        add_stage(&r, of[i].eval, "eval winrate", about, result);
        char *page = page_of(&r);
        check_page(page);
        char *said = part_of(strstr(page, "<h2 id=\"results\">"), "By ", " (95&nbsp;%");
        if (!strstr(said, of[i].says))
            fail_msg("case %d, %s: \"%s\" does not say \"%s\"", i, of[i].eval, said, of[i].says);
        free(said);
        free(result);
        free(page);
        run_free(&r);
    }
}

/* The first page and what it means, by two parts, by one beside another judge, and where nothing is known. */
static void headlines_of_parts(void **state)
{
    (void)state;
    Run r = run_new();
    add_mixes(&r);
    add_stage(&r, "eval-labels", "eval winrate", about, WINS("judge", JUDGED_BY("tone") ", " JUDGED_BY("warmth")));
    char *page = page_of(&r);
    has(page, "is better than start.gguf by the judges that it was trained to please.</b>");
    has(page, "of the pairs by <b>tone</b>, a part of what it was trained to please (");
    has(page, "trained to please it in part");
    has(page, "judged by nobody but whom it was trained to please, in whole or in part.");
    has_not(page, "A second opinion");
    free(page);
    add_stage(&r, "eval-labels", "eval winrate", about, WINS("judge", JUDGED_BY("tone") ", " JUDGED_BY("neutral")));
    page = page_of(&r);
    has(page, "A judge that is a part of what the policy was trained to please is the first to be fooled by it.");
    free(page);
    run_free(&r);
    r = run_new();
    add_mixes(&r);
    add_stage(&r, "eval-plain", "eval winrate", about,
              WINS("judge", JUDGED_BY("tone") ", " BY_MIX(", \"parts\": [" ASKED("tone", "1") ", " LENGTH "]")));
    page = page_of(&r);
    has(page, "by <b>other-mix</b>, a part of what it was trained to please (");
    has_not(page, "1 to 1"); /* whose margins have no bounds */
    has(page, "judged by nobody but whom it was trained to please, in whole or in part.");
    has_not(page, "A second opinion");
    has_not(page, "nother question");
    free(page);
    add_item(&r, add_stage(&r, "eval-plain", "eval winrate", about, WINS("judge", BY_MIX(""))), 0,
             "{\"prompt\": \"p\", \"a\": [\"x\"], \"b\": [\"y\"], \"judgments\": []}");
    page = page_of(&r);
    has(page,
        "or the probability that it is the better one; a checklist, a contrast and a mix have sums of their own.");
    free(page);
    run_free(&r);
    r = run_new();
    add_mixes(&r);
    add_stage(&r, "eval-direct", "eval winrate", about, WINS("judge", BY_MODEL("rm0")));
    page = page_of(&r);
    has(page, "is better than start.gguf by a part of what it was trained on.</b>");
    has(page, "; a part of the reward that was optimised)");
    has(page, "<b>It is a part of what the policy was trained on</b>");
    free(page);
    run_free(&r);
    r = run_new();
    add_mixes(&r);
    add_stage(&r, "eval-old", "eval winrate", about, WINS("judge", JUDGED_BY("tone") ", " JUDGED_BY("warmth")));
    page = page_of(&r);
    has(page, "is better than start.gguf by judges that it may have been trained to please.</b>");
    has_not(page, "nother question");
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_mixes),
        cmocka_unit_test(taught_parts),
        cmocka_unit_test(headlines_of_parts),
        cmocka_unit_test(judged_by_mixes),
    };
    return cmocka_run_group_tests_name("report_mixes", tests, NULL, NULL);
}
