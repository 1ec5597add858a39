/* Recipes resolved: every option with the value that is used, and what is refused before anything runs. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/pipeline.h"

/* The resolved text of a recipe, or NULL; the caller frees it. */
static char *resolved(const char *text, const char *set, Err *err)
{
    Recipe r;
    Str out = {0};
    RunOptions *o = options_new(&run_table);
    need_ok(!set || options_set(&run_table, o, "set", set, "command line", err), err);
    bool ok = recipe_parse(&r, "recipe.yaml", text, strlen(text), err) &&
              recipe_set_head(&r, (const char *const *)o->set.item, o->set.n, err) &&
              recipe_resolve(&r, o, "runs/x", &out, err);
    recipe_release(&r);
    options_free(&run_table, o);
    if (ok)
        return str_take(&out);
    str_release(&out);
    return NULL;
}

static void holds(const char *text, const char *set, const char *const *lines, int n)
{
    Err err = {0};
    char *out = resolved(text, set, &err);
    need_ok(out != NULL, &err);
    for (int i = 0; i < n; i++)
        if (!strstr(out, lines[i]))
            fail_msg("\"%s\" does not stand in:\n%s", lines[i], out);
    free(out);
}

static const char loop[] = "name: x\nseed: 4\npolicy: m.gguf\nstages:\n"
                           "- import: {input: in.jsonl, split: 2/3}\n"
                           "- import: {as: some, input: import, sample: 15%}\n"
                           "- sample: {prompts: import, n: 2}\n"
                           "- label: {as: other, pairs: import.rest}\n"
                           "- label: {}\n"
                           "- reward:\n"
                           "- rl: {prompts: import, steps: 2}\n"
                           "- eval: {kind: winrate, prompts: h.jsonl, against: policy, prompt: tone-verdict}\n";

/* A stage takes what those before it made, unless it names another; the judge is the policy where none is named. */
static void stages_take_products(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "judge: m.gguf\n",
        "      prompts: runs/x/import.jsonl\n",
        "      as: some\n      input: runs/x/import.jsonl\n",
        "      as: other\n      pairs: runs/x/import.rest.jsonl\n      model: m.gguf\n",
        "  - label:\n      pairs: \"stage:sample\"\n",
        "  - reward:\n      pairs: [\"stage:label\"]\n",
        "      reward: runs/x/reward\n",
        "      kind: winrate\n",
        "      policy: runs/x/policy\n      against: m.gguf\n",
        "      seed: 4\n",
    };
    holds(loop, NULL, lines, COUNT(lines));
}

/* RLHF after RLAIF: training goes on from the policy at hand, and is held to where the first began. */
static void reference_of_a_stage(void **state)
{
    (void)state;
    static const char text[] = "name: x\npolicy: m.gguf\nstages:\n- sft: {data: d.jsonl}\n- reward: {pairs: a.jsonl}\n"
                               "- rl: {as: first, prompts: p.jsonl}\n"
                               "- rl: {model: first, reference: sft, prompts: p.jsonl}\n"
                               "- rl: {as: last, reference: policy, prompts: p.jsonl}\n";
    static const char *const lines[] = {
        "      model: runs/x/first\n      reference: runs/x/sft\n",
        "      model: runs/x/policy\n      reference: m.gguf\n",
    };
    holds(text, NULL, lines, COUNT(lines));
}

/* A list of rewards, in the recipe or in a file: its models may be stages, the policy or the judge; a prompt alone is for the
 * judge, and no reward model of a stage before stands beside the list. What is written is read back. */
static void rewards_take_products(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *file = path_join(folder, "list.yaml");
    static const char list[] = "- {judge: policy, prompt: tone-verdict, weight: -0.5}\n- {reward: rm, scale: 2}\n";
    need_ok(file_write(file, list, strlen(list), &err), &err);
    char *text =
        mem_printf("name: x\npolicy: m.gguf\njudge: j.gguf\nstages:\n- sft: {data: d.jsonl}\n"
                   "- reward: {as: rm, pairs: a.jsonl}\n- reward: {pairs: b.jsonl}\n"
                   "- rl: {as: one, prompts: p.jsonl, rewards: [{prompt: tone-verdict}, "
                   "{judge: judge, prompt: \"my tone.yaml\"}, {judge: sft, prompt: t.yaml}, {reward: reward}]}\n"
                   "- rl: {as: two, prompts: p.jsonl, rewards: %s}\n"
                   "- rl: {as: far, prompts: p.jsonl, endpoint: 'http://h/v1', api-model: j, rewards: [{prompt: t}]}\n",
                   file);
    static const char *const lines[] = {
        "      rewards: [{prompt: tone-verdict, judge: j.gguf}, {judge: j.gguf, prompt: \"my tone.yaml\"}, "
        "{judge: runs/x/sft, prompt: t.yaml}, {reward: runs/x/reward}]\n",
        "      rewards: [{judge: m.gguf, prompt: tone-verdict, weight: \"-0.5\"}, {reward: runs/x/rm, scale: 2}]\n",
        "      rewards: [{prompt: t}]\n",
    };
    holds(text, NULL, lines, COUNT(lines));
    char *out = resolved(text, NULL, &err), *again = resolved(out, NULL, &err);
    assert_string_equal(again, out);
    assert_null(strstr(strstr(out, "as: one"), " reward: runs"));
    free(again);
    free(out);
    free(text);
    free(file);
    remove_folder(folder);
}

/* Where a stage names an endpoint, no model is its judge and no reward model stands beside it. */
static void judges_elsewhere(void **state)
{
    (void)state;
    Err err = {0};
    static const char recipe[] =
        "name: x\npolicy: m.gguf\nstages:\n"
        "- label: {pairs: p.jsonl, endpoint: 'http://h/v1', api-model: j}\n"
        "- reward: {model: start}\n"
        "- rl: {prompts: p.jsonl, endpoint: 'http://h/v1', api-model: j, prompt: tone-verdict}\n"
        "- eval: {kind: winrate, prompts: h.jsonl, prompt: tone-verdict, endpoint: 'http://h/v1',"
        " api-model: j}\n";
    static const char *const lines[] = {"  - label:\n      pairs: p.jsonl\n", "endpoint: \"http://h/v1\"\n"};
    holds(recipe, NULL, lines, COUNT(lines));
    char *out = resolved(recipe, NULL, &err), *label = strstr(out, "- label:"), *reward = strstr(out, "- reward:"),
         *rl = strstr(out, "- rl:");
    *reward = 0;
    assert_null(strstr(label, "model: m.gguf"));
    assert_null(strstr(rl, "reward: "));
    assert_null(strstr(rl, "judge: "));
    free(out);
}

/* Where a stage names a reward model and no prompt, no judge is taken; with a prompt one is. */
static void reward_models_judge(void **state)
{
    (void)state;
    Err err = {0};
    static const char recipe[] =
        "name: x\npolicy: m.gguf\nstages:\n"
        "- reward: {as: gold, pairs: people.jsonl, labels: human}\n"
        "- rl: {prompts: p.jsonl, reward: start, eval: v.jsonl, eval-every: 1}\n"
        "- choose: {prompts: v.jsonl, reward: gold}\n"
        "- eval: {kind: winrate, prompts: h.jsonl, reward: gold}\n"
        "- eval: {as: both, kind: winrate, prompts: h.jsonl, reward: gold, prompt: tone-verdict}\n";
    static const char *const lines[] = {
        "      kind: winrate\n      prompts: h.jsonl\n      policy: runs/x/chosen\n      against: m.gguf\n"
        "      reward: runs/x/gold\n",
        "      judge: m.gguf\n      reward: runs/x/gold\n      prompt: [tone-verdict]\n"};
    holds(recipe, NULL, lines, COUNT(lines));
    char *out = resolved(recipe, NULL, &err), *choose = strstr(out, "- choose:"), *both = strstr(out, "as: both");
    *both = 0;
    assert_null(strstr(choose, "judge: "));
    assert_null(strstr(choose, "prompt: [t"));
    free(out);
}

static void set_by_the_command_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"seed: 9\n", "policy: other\njudge: other\n", "      steps: 8\n",
                                        "      as: other\n", "      limit: 3\n"};
    holds(loop, "seed=9,policy=other,rl.steps=8,other.limit=3", lines, COUNT(lines));
    /* a stage's name is one there, too */
    static const char *const named[] = {"  - rl:\n      prompts: runs/x/some.jsonl\n"};
    holds(loop, "rl.prompts=some", named, COUNT(named));
}

/* A prompt may be what a stage fitted, also as a candidate with options. */
static void fitted_prompts(void **state)
{
    (void)state;
    static const char recipe[] = "name: x\npolicy: m.gguf\nstages:\n"
                                 "- label: {as: mixed, fit: f.jsonl, prompt: draft.yaml}\n"
                                 "- score: {rows: r.jsonl, model: policy, prompt: mixed}\n"
                                 "- label: {pairs: p.jsonl, method: pointwise, choose-on: c.jsonl,"
                                 " prompt: [tone-verdict --shots 0, 'mixed  --shots 0', mixed]}\n";
    static const char *const lines[] = {"      model: m.gguf\n      prompt: runs/x/mixed.yaml\n",
                                        "runs/x/mixed.yaml --shots 0"};
    holds(recipe, NULL, lines, COUNT(lines));
}

/* Names that YAML would read otherwise are quoted, so that the resolved recipe is a recipe. */
static void names_are_quoted(void **state)
{
    (void)state;
    static const char *const lines[] = {"name: \"a: b\"\n", "      as: \"[1]\"\n", "      rows: \"x, \\\"y\"\n"};
    holds("name: \"a: b\"\nstages:\n- score: {as: \"[1]\", rows: 'x, \"y', model: r}\n", NULL, lines, COUNT(lines));
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *stages, *set, *msg, *hint;
    } cases[] = {
        {"- sampel: {}", NULL, "recipe.yaml:3: there is no stage \"sampel\"", "did you mean \"sample\"?"},
        {"- reward:", NULL, "recipe.yaml:3: the stage reward has no \"pairs\"", "put the stage that makes it before"},
        {"- sft: {model: m}", NULL, "recipe.yaml:3: sft: data is missing", ""},
        {"- sft: {dta: m}", NULL, "recipe.yaml:3: there is no key \"dta\"", "did you mean \"data\"?"},
        {"- eval: {kind: winrate, policy: a, against: b, judge: j}", NULL, "recipe.yaml:3: eval: prompt is missing",
         "judge prompts"},
        {"- eval: {kind: winrate, policy: a, against: b, judge: j, reward: r}", NULL,
         "recipe.yaml:3: eval: prompt is missing", "judge prompts"},
        {"- sft: {data: d}", "sfft.epochs=3", "the recipe has no stage \"sfft\"", "did you mean \"sft\"?"},
        {"- sft: {data: d}", "sft.epoch=3", "command line: there is no option \"--epoch\"",
         "did you mean \"--epochs\"?"},
        {"- label: {pairs: p, endpoint: 'http://me:secret@h/v1', api-model: j}", NULL,
         "recipe.yaml:3: label: the address", "the base address alone: http://h/v1"},
        {"- eval: {kind: winrate, policy: a, against: b, prompt: p, endpoint: 'http://h/v1'}", NULL,
         "recipe.yaml:3: eval: --endpoint needs --api-model", ""},
        {"- sft: {data: d}", "stage", "--set stage: give key=value", ""},
        {"- label: {pairs: some, model: m}\n- import: {as: some, input: i}", NULL,
         "recipe.yaml:3: label: \"pairs\": the stage some comes later", "name a stage before this one, or a file"},
        {"- label: {pairs: some.rest, model: m}\n- import: {as: some, input: i}", NULL,
         "recipe.yaml:3: label: \"pairs\": the stage some comes later", ""},
        {"- score: {rows: r, model: m, prompt: mixed}\n- label: {as: mixed, fit: f, prompt: d, model: m}", NULL,
         "recipe.yaml:3: score: \"prompt\": the stage mixed comes later", ""},
        {"- label: {pairs: p, model: m, prompt: [a, mixed --shots 0], choose-on: c}\n"
         "- label: {as: mixed, fit: f, prompt: d, model: m}",
         NULL, "recipe.yaml:3: label: \"prompt\": the stage mixed comes later", ""},
        {"- rl: {prompts: p, model: m, rewards: [{reward: rm}]}\n- reward: {as: rm, pairs: p, model: m}", NULL,
         "recipe.yaml:3: rl: \"reward\": the stage rm comes later", ""},
        {"- score: {rows: r, model: m}\n- reward: {as: rm, pairs: p, model: m}", "score.model=rm",
         "recipe.yaml:3: score: \"model\": the stage rm comes later", ""},
        {"- sft: {as: mine, data: d, model: mine}", NULL, "recipe.yaml:3: mine: \"model\": the stage mine is this one",
         ""},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        char *text = mem_printf("name: x\nstages:\n%s\n", cases[i].stages);
        char *out = resolved(text, cases[i].set, &err);
        if (out || !strstr(err.msg, cases[i].msg) || !strstr(err.hint, cases[i].hint))
            fail_msg("%s: \"%s\", \"%s\"", cases[i].stages, err.msg, err.hint);
        free(text);
    }
}

/* The head of a recipe, and what stands beside the paper's figures. */
static void refused_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg, *hint;
    } cases[] = {
        {"name: x\nstagse: []\n", "recipe.yaml:2: there is no key \"stagse\"", "did you mean \"stages\"?"},
        {"name: x\nqqqqqqqqq: 1\n", "recipe.yaml:2: there is no key \"qqqqqqqqq\"",
         "there are name, seed, date, policy, judge, paper, stages"},
        {"name: [x]\n", "recipe.yaml:1: \"name\" must be a text", ""},
        {"name: x\nseed: one\n", "recipe.yaml:2: \"seed\" must be a whole number", ""},
        {"seed: 1\n", "the recipe needs a \"name\"", "name: first-try"},
        {"name: x\n", "the recipe needs a list of \"stages\"", ""},
        {"name: x\npaper: {differs: a, figure: []}\nstages:\n- report:\n", "\"paper\" needs", ""},
        {"name: x\npaper: {differs: a, figures: [], other: b}\nstages:\n- report:\n",
         "recipe.yaml:2: there is no key \"other\"", "there are differs, primary, figures"},
        {"name: x\npaper: {differs: a, figures: [{wat: b}]}\nstages:\n- report:\n",
         "recipe.yaml:2: there is no key \"wat\"", "did you mean \"what\"?"},
        {"name: x\npaper: {differs: a, figures: [b]}\nstages:\n- report:\n",
         "recipe.yaml:2: a figure is {what, figure, ours}", ""},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        char *out = resolved(cases[i].text, NULL, &err);
        if (out || !strstr(err.msg, cases[i].msg) || !strstr(err.hint, cases[i].hint))
            fail_msg("%s: \"%s\", \"%s\"", cases[i].text, err.msg, err.hint);
    }
}

/* A recipe that is refused leaves nothing. */
static void nothing_is_left(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *recipe = path_join(folder, "r.yaml"), *run = path_join(folder, "run");
    static const char text[] = "name: x\nstages:\n- reward:\n";
    need_ok(file_write(recipe, text, strlen(text), &err), &err);
    RunOptions *o = options_new(&run_table);
    options_put(&run_table, o, "recipe", recipe);
    options_put(&run_table, o, "run", run);
    Work work = {.common = &o->common};
    assert_false(run_recipe(&work, o, &err));
    assert_false(file_exists(run));
    options_free(&run_table, o);
    free(recipe);
    free(run);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_take_products),  cmocka_unit_test(reference_of_a_stage),
        cmocka_unit_test(rewards_take_products), cmocka_unit_test(judges_elsewhere),
        cmocka_unit_test(reward_models_judge),   cmocka_unit_test(set_by_the_command_line),
        cmocka_unit_test(names_are_quoted),      cmocka_unit_test(refused),
        cmocka_unit_test(refused_heads),         cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(fitted_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
