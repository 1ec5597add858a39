/* Recipes: the table of stages, what each takes from those before it, and the walk through them. */
#include "rlaif/pipeline.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/choose.h"
#include "rlaif/eval/eval.h"
#include "rlaif/import/import.h"
#include "rlaif/label/label.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/recipe/heldout.h"
#include "rlaif/recipe/named_mix.h"
#include "rlaif/recipe/paper.h"
#include "rlaif/report/report.h"
#include "rlaif/rl/check.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"

static const Option option_rows[] = {
    {"recipe", OPT_TEXT, AT(RunOptions, recipe), .value = "RECIPE",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "a YAML file"},
    {"only", OPT_TEXT, AT(RunOptions, only), .value = "STAGE", .flags = OPT_WORKING, .help = "run this stage alone"},
    {"from", OPT_TEXT, AT(RunOptions, from), .value = "STAGE", .flags = OPT_WORKING,
     .help = "begin at this stage; those before it must be done"},
    {"set", OPT_LIST, AT(RunOptions, set), .value = "KEY=VALUE", .flags = OPT_WORKING,
     .help = "another value for a key of the head (seed=3) or of a stage (rl.steps=8)"},
    {"seed", OPT_INT, AT(RunOptions, common.seed), -1, 2147483647, "-1", .flags = OPT_WORKING,
     .help = "of everything random; -1: as the recipe says"},
    {"date", OPT_DATE, AT(RunOptions, common.date), .flags = OPT_WORKING,
     .help = "the day that chat templates are told, if not as the recipe says"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options + 1, COMMON_OPTIONS - 1, AT(RunOptions, common)}, /* without the seed, the first */
    {common_options + WEIGHTS_OPTION, MODEL_OPTIONS, AT(RunOptions, common)},
};
const OptionTable run_table = {groups, COUNT(groups), sizeof(RunOptions)};

/* --- the table of stages --- */

/* What a stage makes or takes; START is the policy that the recipe begins with. */
typedef enum Product { NOTHING, RESPONSES, LABELS, REWARD, POLICY, START, JUDGE, PROMPT, PRODUCTS } Product;

/* An option that is filled in from what came before, where the recipe leaves it out. */
typedef struct Default {
    const char *option;
    Product from;
} Default;

typedef struct StageKind {
    const char *kind;
    const OptionTable *table;
    bool (*run)(Work *work, const char *name, const void *options, Err *err);
    Product makes;
    const char *directory; /* of a trained model; NULL: rows, which stay in the store */
    Default take[3];
    bool (*complete)(const void *options, const char *where, Err *err); /* beside what is required; NULL: all is well */
} StageKind;

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

static const StageKind *find_kind(const char *kind)
{
    for (int i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

/* --- products --- */

/* What a finished stage left, by its name. */
typedef struct Made {
    char *stage;
    Product product;
    char *value; /* "stage:NAME", a file or a directory */
} Made;

typedef struct Pipeline {
    Work *work;
    const RunOptions *options;
    const Recipe *recipe;
    CommonOptions common; /* with the recipe's seed and date */
    const char *dir;
    Made *made;
    int n_made;
    const char *latest[PRODUCTS]; /* taken by default */
    RecipePrompts *prompts;       /* of all stages */
} Pipeline;

static void add_made(Pipeline *p, char *stage, Product product, char *value)
{
    p->made = mem_resize(p->made, (size_t)p->n_made + 1, sizeof *p->made);
    p->made[p->n_made++] = (Made){stage, product, value};
}

/* Takes the value over. The part that an import leaves out is called "NAME.rest". */
static void remember(Pipeline *p, const RecipeStage *s, Product product, char *value)
{
    add_made(p, mem_str(s->name), product, value);
    if (!s->named)
        p->latest[product] = value;
    if (strcmp(s->kind, "import") == 0)
        add_made(p, mem_printf("%s.rest", s->name), product, mem_printf("%s/%s.rest.jsonl", p->dir, s->name));
}

static void forget_products(Pipeline *p)
{
    for (int i = 0; i < p->n_made; i++) {
        free(p->made[i].stage);
        free(p->made[i].value);
    }
    free(p->made);
    p->made = NULL;
    p->n_made = 0;
    memset(p->latest, 0, sizeof p->latest);
    p->latest[POLICY] = p->latest[START] = p->recipe->policy;
    p->latest[JUDGE] = p->recipe->judge;
}

/* A value of a recipe that names a stage, "policy" or "judge" stands for what that is; others are themselves. A prompt may
 * name a stage that fitted one. */
static const char *resolve(const Pipeline *p, const char *option, const char *value)
{
    bool prompt = strcmp(option, "prompt") == 0;
    for (int i = 0; i < p->n_made; i++)
        if (strcmp(p->made[i].stage, value) == 0 && prompt == (p->made[i].product == PROMPT))
            return p->made[i].value;
    if (prompt)
        return value;
    if (strcmp(value, "policy") == 0)
        return p->recipe->policy ? p->recipe->policy : value;
    if (strcmp(value, "judge") == 0)
        return p->recipe->judge ? p->recipe->judge : value;
    return value;
}

static void resolve_list(const Pipeline *p, const char *option, OptionList *list)
{
    for (int i = 0; i < list->n; i++) {
        char *value = mem_str(resolve(p, option, list->item[i]));
        free(list->item[i]);
        list->item[i] = value;
    }
}

/* --- options of one stage --- */

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

static bool set_from_recipe(const Pipeline *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    for (int i = 0; s->options && i < s->options->n; i++) {
        const char *key = s->options->keys[i];
        const Yaml *value = s->options->item[i];
        if (strcmp(key, "as") == 0 || (strcmp(key, "kind") == 0 && str_starts(k->kind, "eval ")))
            continue;
        if (!options_set_yaml(k->table, options, key, value, p->recipe->path, err))
            return false;
        size_t base;
        const Option *o = options_find(k->table, key, &base);
        if (o->type == OPT_TEXT && may_refer(key))
            options_put(k->table, options, key, resolve(p, key, value->text));
        if (o->type == OPT_LIST && may_refer(key))
            resolve_list(p, key, (OptionList *)((char *)options + base + o->at));
    }
    return true;
}

/* What --set gives for an option of this stage, "STAGE.OPTION=VALUE", from OPTION on; NULL: it is another's. */
static const char *set_of_stage(const char *set, const RecipeStage *s)
{
    size_t n = strlen(s->name);
    return strncmp(set, s->name, n) == 0 && set[n] == '.' ? set + n + 1 : NULL;
}

static bool set_from_command(const Pipeline *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    for (int i = 0; i < p->options->set.n; i++) {
        const char *option = set_of_stage(p->options->set.item[i], s);
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

/* A list of rewards, whose keys are called like options and take what they take; a prompt alone is for the recipe's judge. */
static void settle_rewards(const Pipeline *p, Yaml *list, bool elsewhere)
{
    for (int i = 0; list->kind == YAML_LIST && i < list->n; i++) {
        Yaml *part = list->item[i];
        for (int k = 0; part->kind == YAML_MAP && k < part->n; k++)
            if (may_refer(part->keys[k]) && part->item[k]->kind == YAML_TEXT && !yaml_is_null(part->item[k]))
                yaml_put_text(part, part->keys[k], resolve(p, part->keys[k], part->item[k]->text));
        if (p->latest[JUDGE] && !elsewhere && yaml_get(part, "prompt") && yaml_is_null(yaml_get(part, "judge")) &&
            yaml_is_null(yaml_get(part, "reward")))
            yaml_put_text(part, "judge", p->latest[JUDGE]);
    }
}

/* --- mixes that name reward models of the recipe --- */

static const char *made_directory(const void *context, const char *name)
{
    const char *made = resolve(context, "reward", name);
    return made == name || str_starts(made, "stage:") ? NULL : made;
}

/* What a stage is to read in place of a prompt, RUN/STAGE.mix-N.yaml, which is written once the run has its directory; NULL: the
 * prompt itself. */
static bool settle_mix(const Pipeline *p, const RecipeStage *s, const char *prompt, int n, char **out, Err *err)
{
    Str text = {0};
    named_mix(&text, prompt, p->dir, made_directory, p);
    *out = text.n > 0 ? mem_printf("%s/%s.mix-%d.yaml", p->dir, s->name, n) : NULL;
    bool ok = !*out || !p->work || file_write(*out, str_text(&text), text.n, err);
    str_release(&text);
    return ok;
}

static bool settle_mixes(const Pipeline *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    size_t base;
    const Option *o = options_find(k->table, "prompt", &base);
    const Yaml *rewards = options_given(k->table, options, "rewards") ? ((RlOptions *)options)->rewards.yaml : NULL;
    char *file = NULL, **prompt = o ? (char **)((char *)options + base + o->at) : NULL;
    bool ok = true;
    if (o && o->type == OPT_LIST) {
        OptionList *list = (OptionList *)prompt;
        for (int i = 0; ok && i < list->n; i++) {
            ok = settle_mix(p, s, list->item[i], i + 1, &file, err);
            if (file) {
                free(list->item[i]);
                list->item[i] = file;
            }
        }
    } else if (o && *prompt) {
        ok = settle_mix(p, s, *prompt, 1, &file, err);
        if (file)
            options_put(k->table, options, "prompt", file);
        free(file);
    }
    for (int i = 0; ok && rewards && rewards->kind == YAML_LIST && i < rewards->n; i++) {
        const Yaml *named = yaml_get(rewards->item[i], "prompt");
        if (!named || named->kind != YAML_TEXT)
            continue;
        ok = settle_mix(p, s, named->text, i + 1, &file, err);
        if (file)
            yaml_put_text(rewards->item[i], "prompt", file);
        free(file);
    }
    return ok;
}

static bool set_defaults(const Pipeline *p, const StageKind *k, const RecipeStage *s, void *options, Err *err)
{
    size_t base;
    bool direct = strcmp(k->kind, "rl") == 0 && options_given(k->table, options, "prompt");
    bool settled = strcmp(k->kind, "label") == 0 && options_given(k->table, options, "from");
    bool fitted = strcmp(k->kind, "label") == 0 && options_given(k->table, options, "fit");
    bool rewarded = options_given(k->table, options, "reward") && !options_given(k->table, options, "prompt");
    bool listed = options_given(k->table, options, "rewards");
    bool elsewhere = options_find(k->table, "endpoint", &base) && options_given(k->table, options, "endpoint");
    if (direct && !listed && !elsewhere && !options_given(k->table, options, "judge"))
        options_put(k->table, options, "judge", p->latest[JUDGE]);
    if (listed)
        settle_rewards(p, ((RlOptions *)options)->rewards.yaml, elsewhere);
    for (int i = 0; i < COUNT(k->take) && k->take[i].option; i++) {
        const Default *d = &k->take[i];
        if (options_given(k->table, options, d->option) || ((direct || listed) && d->from == REWARD) || settled ||
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

/* Labels that fit a mix make no labels. */
static Product made_by(const StageKind *k, const RecipeStage *s)
{
    return k->makes == LABELS && s->options && yaml_get(s->options, "fit") ? PROMPT : k->makes;
}

/* Where a stage's product goes: a directory or file of the run, or the store. */
static char *product_of(const Pipeline *p, const StageKind *k, const RecipeStage *s)
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

/* The options of a stage: from the recipe, the command line, what came before. Free with options_free. */
static void *stage_options(const Pipeline *p, const StageKind *k, const RecipeStage *s, Err *err)
{
    void *options = options_new(k->table);
    char *product = product_of(p, k, s), where[300];
    size_t base;
    *(CommonOptions *)options = p->common; /* the first member of every options struct */
    ((CommonOptions *)options)->run = ((CommonOptions *)options)->base = NULL; /* the command's own */
    snprintf(where, sizeof where, "%s:%d: %s", p->recipe->path, s->line, s->name);
    bool ok = set_from_recipe(p, k, s, options, err) && set_from_command(p, k, s, options, err) &&
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

/* --- the resolved recipe --- */

static void append_key(Str *out, const char *key, const char *value)
{
    str_addf(out, "%s: ", key);
    yaml_append_text(out, value);
    str_addc(out, '\n');
}

static void append_date(Str *out, int date)
{
    str_addf(out, "date: %04d-%02d-%02d\n", date / 10000, date / 100 % 100, date % 100);
}

static bool append_stage(const Pipeline *p, Str *out, const StageKind *k, const RecipeStage *s, Err *err)
{
    void *options = stage_options(p, k, s, err);
    if (!options)
        return false;
    const char *space = strchr(s->kind, ' ');
    str_addf(out, "  - %.*s:\n", (int)strcspn(s->kind, " "), s->kind);
    if (space)
        append_key(out, "      kind", space + 1);
    if (s->named)
        append_key(out, "      as", s->name);
    options_append_yaml(k->table, options, "      ", out);
    options_free(k->table, options);
    return true;
}

/* Appends a stage with every option, and remembers what it makes. */
static bool resolve_stage(Pipeline *p, Str *out, const RecipeStage *s, Err *err)
{
    const StageKind *k = find_kind(s->kind);
    if (!k) {
        const char *near = str_nearest(s->kind, &kinds[0].kind, COUNT(kinds), sizeof kinds[0]);
        err_set(err, ERR_INPUT, "%s:%d: there is no stage \"%s\"", p->recipe->path, s->line, s->kind);
        return err_hint(err, near ? "did you mean \"%s\"?" : "rlaif help lists the stages%s", near ? near : "");
    }
    if (!append_stage(p, out, k, s, err))
        return false;
    remember(p, s, made_by(k, s), product_of(p, k, s));
    return true;
}

static Pipeline pipeline(const Recipe *recipe, const RunOptions *o, const char *dir)
{
    Pipeline p = {.recipe = recipe, .options = o, .common = o->common, .dir = dir};
    if (o->common.seed < 0)
        p.common.seed = recipe->seed;
    if (!o->common.date)
        p.common.date = recipe->date;
    forget_products(&p);
    return p;
}

static bool has_stage(const Recipe *r, const char *name, Err *err)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->stage[i].name, name) == 0)
            return true;
    err_set(err, ERR_USAGE, "the recipe has no stage \"%s\"", name);
    const char *near = str_nearest(name, &r->stage[0].name, r->n, sizeof r->stage[0]);
    return near ? err_hint(err, "did you mean \"%s\"?", near) : false;
}

/* Every --set is of the head or of a stage that there is. */
static bool check_set(const Recipe *r, const OptionList *set, Err *err)
{
    for (int i = 0; i < set->n; i++) {
        size_t n = strcspn(set->item[i], ".=");
        bool found = set->item[i][n] == '=';
        for (int j = 0; !found && j < r->n; j++)
            found = set_of_stage(set->item[i], &r->stage[j]) != NULL;
        if (found)
            continue;
        char *stage = mem_strn(set->item[i], n);
        bool ok = has_stage(r, stage, err);
        free(stage);
        return ok;
    }
    return true;
}

bool recipe_resolve(const Recipe *r, const RunOptions *o, const char *dir, Str *out, Err *err)
{
    Pipeline p = pipeline(r, o, dir);
    append_key(out, "name", r->name);
    str_addf(out, "seed: %d\n", p.common.seed);
    append_date(out, p.common.date);
    if (r->policy)
        append_key(out, "policy", r->policy);
    if (r->judge)
        append_key(out, "judge", r->judge);
    bool ok = check_set(r, &o->set, err) && paper_check(r, err);
    if (ok)
        paper_append_yaml(r, out);
    str_add(out, "stages:\n");
    for (int i = 0; ok && i < r->n; i++)
        ok = resolve_stage(&p, out, &r->stage[i], err);
    forget_products(&p);
    return ok;
}

/* --- the walk --- */

/* Is the stage asked for by --only and --from? */
static bool wanted(const Pipeline *p, const RecipeStage *s, bool *reached)
{
    const RunOptions *o = p->options;
    *reached = *reached || !o->from || strcmp(o->from, s->name) == 0;
    return o->only ? strcmp(o->only, s->name) == 0 : *reached;
}

static bool read_recipe(Recipe *r, const RunOptions *o, Err *err)
{
    return recipe_read(r, o->recipe, err) && recipe_set_head(r, (const char *const *)o->set.item, o->set.n, err) &&
           (!o->only || has_stage(r, o->only, err)) && (!o->from || has_stage(r, o->from, err));
}

static bool run_one(Pipeline *p, const StageKind *k, const RecipeStage *s, int number, Err *err)
{
    void *options = stage_options(p, k, s, err);
    if (!options)
        return false;
    log_note("stage %d of %d: %s", number, p->recipe->n, s->name);
    p->work->common = options;
    bool ok = not_interrupted(err) && k->run(p->work, s->name, options, err);
    p->work->common = &p->common;
    options_free(k->table, options);
    return ok;
}

/* What the stages will read, before the first one runs. */
static bool gather_prompts(Pipeline *p, Err *err)
{
    for (int i = 0; i < p->recipe->n; i++) {
        const RecipeStage *s = &p->recipe->stage[i];
        const StageKind *k = find_kind(s->kind);
        void *options = stage_options(p, k, s, err);
        if (!options)
            return false;
        recipe_prompts_stage(p->prompts, k->kind, s->name, k->table, options);
        options_free(k->table, options);
        int n = p->n_made;
        remember(p, s, made_by(k, s), product_of(p, k, s));
        for (; n < p->n_made; n++)
            recipe_prompts_product(p->prompts, p->made[n].value);
    }
    forget_products(p);
    return true;
}

/* Files of rows come from imports alone: whenever one is there, the stages to come are looked at. */
static bool walk(Pipeline *p, Err *err)
{
    bool reached = false, news = !p->options->only;
    for (int i = 0; i < p->recipe->n; i++) {
        const RecipeStage *s = &p->recipe->stage[i];
        const StageKind *k = find_kind(s->kind);
        if ((news && !recipe_prompts_check(p->prompts, p->work, i, err)) ||
            (wanted(p, s, &reached) && !run_one(p, k, s, i + 1, err)))
            return false;
        news = !p->options->only && strcmp(s->kind, "import") == 0;
        remember(p, s, made_by(k, s), product_of(p, k, s));
    }
    return true;
}

/* Checks all stages' options before the first one runs, and leaves the resolved recipe and the store in the directory. */
static bool open_run(Work *work, const Recipe *r, const RunOptions *o, const char *dir, Err *err)
{
    Str resolved = {0};
    char *copy = path_join(dir, "recipe.yaml"), *store = path_join(dir, "store.sqlite");
    bool ok = recipe_resolve(r, o, dir, &resolved, err) && dir_make(dir, err) && store_open(&work->store, store, err) &&
              file_write(copy, str_text(&resolved), resolved.n, err);
    free(copy);
    free(store);
    str_release(&resolved);
    return ok;
}

bool run_recipe(Work *work, const RunOptions *o, Err *err)
{
    Recipe r;
    if (!read_recipe(&r, o, err)) {
        recipe_release(&r);
        return false;
    }
    char *dir = o->common.run ? mem_str(o->common.run) : mem_printf("runs/%s", r.name);
    Pipeline p = pipeline(&r, o, dir);
    p.work = work;
    work->in_recipe = true;
    work->common = &p.common;
    p.prompts = recipe_prompts_new();
    bool ok = open_run(work, &r, o, dir, err) && gather_prompts(&p, err) && walk(&p, err);
    recipe_prompts_free(p.prompts);
    if (ok)
        log_note("%s is done: %s", r.name, dir);
    work->common = &o->common;
    forget_products(&p);
    free(dir);
    recipe_release(&r);
    return ok;
}
