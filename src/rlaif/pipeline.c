/* Recipes: resolved, and the walk through their stages. */
#include "rlaif/pipeline.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/recipe/heldout.h"
#include "rlaif/recipe/paper.h"
#include "rlaif/stages.h"

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

static bool append_stage(const Products *p, Str *out, const StageKind *k, const RecipeStage *s, Err *err)
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
static bool resolve_stage(Products *p, Str *out, const RecipeStage *s, Err *err)
{
    const StageKind *k = stage_kind(s->kind);
    if (!k) {
        const char *near = stage_kind_near(s->kind);
        err_set(err, ERR_INPUT, "%s:%d: there is no stage \"%s\"", p->recipe->path, s->line, s->kind);
        return err_hint(err, near ? "did you mean \"%s\"?" : "rlaif help lists the stages%s", near ? near : "");
    }
    if (!append_stage(p, out, k, s, err))
        return false;
    products_add(p, k, s);
    return true;
}

static Products products_new(const Recipe *recipe, const RunOptions *o, const char *dir)
{
    Products p = {.recipe = recipe, .set = &o->set, .common = o->common, .dir = dir};
    if (o->common.seed < 0)
        p.common.seed = recipe->seed;
    if (!o->common.date)
        p.common.date = recipe->date;
    products_clear(&p);
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
    Products p = products_new(r, o, dir);
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
    products_clear(&p);
    return ok;
}

/* --- the walk --- */

/* Is the stage asked for by --only and --from? */
static bool wanted(const RunOptions *o, const RecipeStage *s, bool *reached)
{
    *reached = *reached || !o->from || strcmp(o->from, s->name) == 0;
    return o->only ? strcmp(o->only, s->name) == 0 : *reached;
}

static bool read_recipe(Recipe *r, const RunOptions *o, Err *err)
{
    return recipe_read(r, o->recipe, err) && recipe_set_head(r, (const char *const *)o->set.item, o->set.n, err) &&
           (!o->only || has_stage(r, o->only, err)) && (!o->from || has_stage(r, o->from, err));
}

static bool run_one(Products *p, const StageKind *k, const RecipeStage *s, int number, Err *err)
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
static bool gather_prompts(Products *p, RecipePrompts *prompts, Err *err)
{
    for (int i = 0; i < p->recipe->n; i++) {
        const RecipeStage *s = &p->recipe->stage[i];
        const StageKind *k = stage_kind(s->kind);
        void *options = stage_options(p, k, s, err);
        if (!options)
            return false;
        recipe_prompts_stage(prompts, k->kind, s->name, k->table, options);
        options_free(k->table, options);
        int n = p->n;
        products_add(p, k, s);
        for (; n < p->n; n++)
            recipe_prompts_product(prompts, p->made[n].value);
    }
    products_clear(p);
    return true;
}

/* Files of rows come from imports alone: whenever one is there, the stages to come are looked at. */
static bool walk(Products *p, const RunOptions *o, RecipePrompts *prompts, Err *err)
{
    bool reached = false, news = !o->only;
    for (int i = 0; i < p->recipe->n; i++) {
        const RecipeStage *s = &p->recipe->stage[i];
        const StageKind *k = stage_kind(s->kind);
        if ((news && !recipe_prompts_check(prompts, p->work, i, err)) ||
            (wanted(o, s, &reached) && !run_one(p, k, s, i + 1, err)))
            return false;
        news = !o->only && strcmp(s->kind, "import") == 0;
        products_add(p, k, s);
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
    Products p = products_new(&r, o, dir);
    p.work = work;
    work->in_recipe = true;
    work->common = &p.common;
    RecipePrompts *prompts = recipe_prompts_new();
    bool ok = open_run(work, &r, o, dir, err) && gather_prompts(&p, prompts, err) && walk(&p, o, prompts, err);
    recipe_prompts_free(prompts);
    if (ok)
        log_note("%s is done: %s", r.name, dir);
    work->common = &o->common;
    products_clear(&p);
    free(dir);
    recipe_release(&r);
    return ok;
}
