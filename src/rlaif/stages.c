/* Stages of a recipe, before they run. */
#include "rlaif/stages.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/choose.h"
#include "rlaif/eval/eval.h"
#include "rlaif/import/import.h"
#include "rlaif/judge/prompt/builtin.h"
#include "rlaif/label/choose.h"
#include "rlaif/label/label.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/recipe/named_mix.h"
#include "rlaif/report/report.h"
#include "rlaif/rl/check.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"

/* --- the table --- */

/* clang-format off */
static const StageKind kinds[] = {
    {"import", &import_table, import_stage, RESPONSES, NULL, {{0}}, NULL},
    {"sft", &sft_table, sft_stage, POLICY, "sft", {{"model", POLICY}}, NULL},
    {"sample", &sample_table, sample_stage, RESPONSES, NULL, {{"model", POLICY}}, NULL},
    {"label", &label_table, label_stage, LABELS, NULL, {{"pairs", RESPONSES}, {"model", JUDGE}}, NULL},
    {"score", &score_table, score_stage, NOTHING, NULL, {{"rows", RESPONSES}, {"model", REWARD}}, NULL},
    {"reward", &reward_table, reward_stage, REWARD, "reward", {{"pairs", LABELS}, {"model", POLICY}}, NULL},
    {"rl", &rl_table, rl_stage, POLICY, "policy", {{"model", POLICY}, {"reward", REWARD}}, rl_complete},
    {"choose", &choose_table, choose_stage, POLICY, "chosen", {{"policy", POLICY}, {"judge", JUDGE}, {"against", START}}, compare_complete},
    {"eval alignment", &alignment_table, alignment_stage, NOTHING, NULL, {{"labels", LABELS}}, NULL},
    {"eval accuracy", &accuracy_table, accuracy_stage, NOTHING, NULL, {{"reward", REWARD}}, NULL},
    {"eval winrate", &compare_table, compare_stage, NOTHING, NULL, {{"policy", POLICY}, {"judge", JUDGE}, {"against", START}}, compare_complete},
    {"eval harmless", &harmless_table, harmless_stage, NOTHING, NULL, {{0}}, NULL},
    {"eval ratings", &ratings_table, ratings_stage, NOTHING, NULL, {{0}}, NULL},
    {"eval probes", &probes_table, probes_stage, NOTHING, NULL, {{0}}, NULL},
    {"report", &report_table, report_stage, NOTHING, NULL, {{0}}, NULL},
};
/* clang-format on */

const StageKind *stage_kind(const char *kind)
{
    for (int i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

const char *stage_kind_near(const char *kind)
{
    return str_nearest(kind, &kinds[0].kind, COUNT(kinds), sizeof kinds[0]);
}

/* --- products --- */

/* Labels that fit a mix make no labels. */
static Product made_by(const StageKind *k, const RecipeStage *s)
{
    return k->makes == LABELS && s->options && yaml_get(s->options, "fit") ? PROMPT : k->makes;
}

/* Where a stage's product goes: a directory or file of the run, or the store. */
static char *product_of(const Products *p, const StageKind *k, const RecipeStage *s)
{
    if (made_by(k, s) == PROMPT)
        return mem_printf("%s/%s.yaml", p->dir, s->name);
    if (k->directory)
        return path_join(p->dir, s->named ? s->name : k->directory);
    if (strcmp(k->kind, "import") == 0)
        return mem_printf("%s/%s.jsonl", p->dir, s->name);
    if (strcmp(k->kind, "report") == 0)
        return path_join(p->dir, "report.html");
    return mem_printf("stage:%s", s->name);
}

static void add_made(Products *p, char *stage, Product product, char *value)
{
    p->made = mem_resize(p->made, (size_t)p->n + 1, sizeof *p->made);
    p->made[p->n++] = (Made){stage, product, value};
}

/* The part that an import leaves out is called "NAME.rest". */
void products_add(Products *p, const StageKind *k, const RecipeStage *s)
{
    Product product = made_by(k, s);
    char *value = product_of(p, k, s);
    add_made(p, mem_str(s->name), product, value);
    if (!s->named)
        p->latest[product] = value;
    if (strcmp(s->kind, "import") == 0)
        add_made(p, mem_printf("%s.rest", s->name), product, mem_printf("%s/%s.rest.jsonl", p->dir, s->name));
}

void products_clear(Products *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->made[i].stage);
        free(p->made[i].value);
    }
    free(p->made);
    p->made = NULL;
    p->n = 0;
    memset(p->latest, 0, sizeof p->latest);
    p->latest[POLICY] = p->latest[START] = p->recipe->policy;
    p->latest[JUDGE] = p->recipe->judge;
}

/* --- values that name stages --- */

/* Options whose values may name a stage, the policy or the judge. */
static bool may_refer(const char *option)
{
    static const char *const names[] = {
        "input",  "pairs",     "labels",  "rows", "prompts",   "data",       "eval",      "model", "judge",  "reward",
        "policy", "reference", "against", "from", "choose-on", "trained-on", "centre-on", "fit",   "prompt", "without"};
    for (int i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], option) == 0)
            return true;
    return false;
}

static const Made *find_made(const Products *p, const char *stage)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->made[i].stage, stage) == 0)
            return &p->made[i];
    return NULL;
}

/* What a value that names a stage, "policy" or "judge" stands for; others are themselves. A prompt may name a stage that fitted
 * one. */
static const char *meant(const Products *p, bool prompt, const char *value)
{
    const Made *made = find_made(p, value);
    if (made && prompt == (made->product == PROMPT))
        return made->value;
    if (!prompt && p->recipe->policy && strcmp(value, "policy") == 0)
        return p->recipe->policy;
    if (!prompt && p->recipe->judge && strcmp(value, "judge") == 0)
        return p->recipe->judge;
    return value;
}

/* Fails for what only a stage is called that has not run then, `self` itself or one behind it. */
static bool is_there(const Products *p, const RecipeStage *self, const char *option, const char *value, Err *err)
{
    bool prompt = strcmp(option, "prompt") == 0;
    if (file_exists(value) || (prompt && builtin_prompt_find(value) >= 0))
        return true;
    for (int i = 0; i < p->recipe->n; i++) {
        const RecipeStage *s = &p->recipe->stage[i];
        const StageKind *k = stage_kind(s->kind);
        size_t n = strlen(s->name);
        bool named = strncmp(s->name, value, n) == 0 &&
                     (!value[n] || (strcmp(value + n, ".rest") == 0 && strcmp(s->kind, "import") == 0));
        if (!named || !k || find_made(p, s->name) || prompt != (made_by(k, s) == PROMPT))
            continue;
        err_set(err, ERR_INPUT, "%s:%d: %s: \"%s\": the stage %s %s", p->recipe->path, self->line, self->name, option,
                s->name, s == self ? "is this one" : "comes later");
        return err_hint(err, "name a stage before this one, or a file");
    }
    return true;
}

/* Puts what it stands for in place of a value that may name a stage; a candidate for a prompt keeps its options. */
static bool refer(const Products *p, const RecipeStage *s, const char *option, char **value, Err *err)
{
    bool prompt = strcmp(option, "prompt") == 0;
    const char *how = "";
    char *name = prompt ? candidate_prompt(*value, &how) : mem_str(*value);
    const char *means = meant(p, prompt, name);
    bool ok = means != name || is_there(p, s, option, name, err);
    if (ok && means != name) {
        char *settled = mem_printf("%s%s", means, how);
        free(*value);
        *value = settled;
    }
    free(name);
    return ok;
}

static bool refer_list(const Products *p, const RecipeStage *s, const char *option, OptionList *list, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < list->n; i++)
        ok = refer(p, s, option, &list->item[i], err);
    return ok;
}

/* The list of rewards of `rl`, or NULL. */
static Yaml *rewards_of(const StageKind *k, void *options)
{
    return options_given(k->table, options, "rewards") ? ((RlOptions *)options)->rewards.yaml : NULL;
}

/* Of a list of rewards, whose keys are called like options and take what they take. */
static bool refer_rewards(const Products *p, const RecipeStage *s, Yaml *list, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && list && list->kind == YAML_LIST && i < list->n; i++) {
        Yaml *part = list->item[i];
        for (int k = 0; ok && part->kind == YAML_MAP && k < part->n; k++) {
            if (!may_refer(part->keys[k]) || part->item[k]->kind != YAML_TEXT || yaml_is_null(part->item[k]))
                continue;
            char *value = mem_str(part->item[k]->text);
            ok = refer(p, s, part->keys[k], &value, err);
            if (ok)
                yaml_put_text(part, part->keys[k], value);
            free(value);
        }
    }
    return ok;
}

static bool refer_options(const Products *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    bool ok = true;
    for (int g = 0; g < k->table->n; g++) {
        const OptionGroup *group = &k->table->group[g];
        for (int i = 0; ok && i < group->n; i++) {
            const Option *o = &group->options[i];
            void *at = (char *)options + group->base + o->at;
            if (!may_refer(o->name) || !options_given(k->table, options, o->name))
                continue;
            ok = o->type == OPT_TEXT   ? refer(p, s, o->name, at, err)
                 : o->type == OPT_LIST ? refer_list(p, s, o->name, at, err)
                                       : true;
        }
    }
    return ok;
}

/* --- options of one stage --- */

static bool set_from_recipe(const Products *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    for (int i = 0; s->options && i < s->options->n; i++) {
        const char *key = s->options->keys[i];
        if (strcmp(key, "as") == 0 || (strcmp(key, "kind") == 0 && str_starts(k->kind, "eval ")))
            continue;
        if (!options_set_yaml(k->table, options, key, s->options->item[i], p->recipe->path, err))
            return false;
    }
    return true;
}

const char *set_of_stage(const char *set, const RecipeStage *s)
{
    size_t n = strlen(s->name);
    return strncmp(set, s->name, n) == 0 && set[n] == '.' ? set + n + 1 : NULL;
}

static bool set_from_command(const Products *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    for (int i = 0; i < p->set->n; i++) {
        const char *option = set_of_stage(p->set->item[i], s);
        if (!option)
            continue;
        const char *equals = strchr(option, '=');
        char *key = mem_strn(option, (size_t)(equals - option));
        bool ok = options_set(k->table, options, key, equals + 1, "command line", err);
        free(key);
        if (!ok)
            return false;
    }
    return true;
}

/* In a list of rewards a prompt alone is for the recipe's judge. */
static void settle_rewards(const Products *p, Yaml *list)
{
    for (int i = 0; p->latest[JUDGE] && list->kind == YAML_LIST && i < list->n; i++) {
        Yaml *part = list->item[i];
        if (yaml_get(part, "prompt") && yaml_is_null(yaml_get(part, "judge")) && yaml_is_null(yaml_get(part, "reward")))
            yaml_put_text(part, "judge", p->latest[JUDGE]);
    }
}

/* --- mixes that name reward models of the recipe --- */

/* Those that they may name, as many as *n. The caller frees the list. */
static NamedModel *named_models(const Products *p, int *n)
{
    const Recipe *r = p->recipe;
    NamedModel *list = mem_zalloc((size_t)r->n + 2, sizeof *list);
    *n = 0;
    for (int i = 0; i < r->n; i++) {
        const Made *made = find_made(p, r->stage[i].name);
        list[(*n)++] = (NamedModel){
            .name = r->stage[i].name, .path = made && made->product == REWARD ? made->value : NULL, .later = !made};
    }
    if (r->policy)
        list[(*n)++] = (NamedModel){.name = "policy", .path = r->policy};
    if (r->judge)
        list[(*n)++] = (NamedModel){.name = "judge", .path = r->judge};
    return list;
}

static bool is_product(const Products *p, const char *path)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->made[i].value, path) == 0)
            return true;
    return false;
}

/* A stage reads RUN/STAGE.mix-N.yaml in place of a prompt that names what the recipe makes; it is written once the run has its
 * directory. What a stage fitted names that as it lies. */
static bool settle_mix(const Products *p, const RecipeStage *s, char **prompt, int number, Err *err)
{
    const char *how;
    char *name = candidate_prompt(*prompt, &how);
    Str text = {0};
    int n;
    NamedModel *model = named_models(p, &n);
    bool ok = is_product(p, name) || named_mix(&text, name, p->dir, model, n, err);
    if (text.n > 0) {
        char *file = mem_printf("%s/%s.mix-%d.yaml", p->dir, s->name, number), *settled = mem_printf("%s%s", file, how);
        ok = ok && (!p->work || file_write(file, str_text(&text), text.n, err));
        free(file);
        free(*prompt);
        *prompt = settled;
    }
    free(model);
    free(name);
    str_release(&text);
    return ok;
}

static bool settle_mixes(const Products *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    size_t base;
    const Option *o = options_find(k->table, "prompt", &base);
    Yaml *rewards = rewards_of(k, options);
    void *at = o ? (char *)options + base + o->at : NULL;
    OptionList *list = o && o->type == OPT_LIST ? at : NULL;
    bool ok = true;
    for (int i = 0; ok && list && i < list->n; i++)
        ok = settle_mix(p, s, &list->item[i], i + 1, err);
    if (o && !list && options_given(k->table, options, "prompt"))
        ok = settle_mix(p, s, at, 1, err);
    for (int i = 0; ok && rewards && rewards->kind == YAML_LIST && i < rewards->n; i++) {
        const Yaml *named = yaml_get(rewards->item[i], "prompt");
        if (!named || named->kind != YAML_TEXT)
            continue;
        char *value = mem_str(named->text);
        ok = settle_mix(p, s, &value, i + 1, err);
        yaml_put_text(rewards->item[i], "prompt", value);
        free(value);
    }
    return ok;
}

static bool set_defaults(const Products *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    size_t base;
    bool direct = strcmp(k->kind, "rl") == 0 && options_given(k->table, options, "prompt");
    bool settled = strcmp(k->kind, "label") == 0 && options_given(k->table, options, "from");
    bool fitted = strcmp(k->kind, "label") == 0 && options_given(k->table, options, "fit");
    bool rewarded = options_given(k->table, options, "reward") && !options_given(k->table, options, "prompt");
    Yaml *rewards = rewards_of(k, options);
    bool elsewhere = options_find(k->table, "endpoint", &base) && options_given(k->table, options, "endpoint");
    if (direct && !rewards && !elsewhere && !options_given(k->table, options, "judge"))
        options_put(k->table, options, "judge", p->latest[JUDGE]);
    if (rewards && !elsewhere)
        settle_rewards(p, rewards);
    for (int i = 0; i < COUNT(k->take) && k->take[i].option; i++) {
        const Default *d = &k->take[i];
        if (options_given(k->table, options, d->option) || ((direct || rewards) && d->from == REWARD) || settled ||
            (fitted && d->from == RESPONSES) || (rewarded && d->from == JUDGE) ||
            (elsewhere && (d->from == JUDGE || d->from == REWARD)))
            continue;
        if (!p->latest[d->from]) {
            err_set(err, ERR_INPUT, "%s:%d: the stage %s has no \"%s\", and no stage before it makes one",
                    p->recipe->path, s->line, s->name, d->option);
            return err_hint(err, "name a file, or put the stage that makes it before");
        }
        options_put(k->table, options, d->option, p->latest[d->from]);
    }
    return true;
}

void *stage_options(const Products *p, const StageKind *k, const RecipeStage *s, Err *err)
{
    void *options = options_new(k->table);
    char *product = product_of(p, k, s), where[300];
    size_t base;
    *(CommonOptions *)options = p->common; /* the first member of every options struct */
    ((CommonOptions *)options)->run = ((CommonOptions *)options)->base = NULL; /* the command's own */
    snprintf(where, sizeof where, "%s:%d: %s", p->recipe->path, s->line, s->name);
    bool ok = set_from_recipe(p, k, s, options, err) && set_from_command(p, k, s, options, err) &&
              refer_options(p, k, s, options, err) && refer_rewards(p, s, rewards_of(k, options), err) &&
              set_defaults(p, k, s, options, err) && settle_mixes(p, k, s, options, err);
    if (options_find(k->table, "output", &base) && !str_starts(product, "stage:"))
        options_put(k->table, options, "output", product);
    if (strcmp(k->kind, "report") == 0)
        options_put(k->table, options, "run-dir", p->dir);
    ok = ok && options_complete(k->table, options, where, err) && (!k->complete || k->complete(options, where, err)) &&
         endpoint_check(k->table, options, where, err);
    free(product);
    if (ok)
        return options;
    options_free(k->table, options);
    return NULL;
}
