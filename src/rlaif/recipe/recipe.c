/* A recipe's text. */
#include "rlaif/recipe/recipe.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "text/chat.h"

static const char *keep(Recipe *r, char *text)
{
    r->made = mem_resize(r->made, (size_t)r->n_made + 1, sizeof *r->made);
    return r->made[r->n_made++] = text;
}

static bool failed(const Recipe *r, int line, Err *err)
{
    return err_context(err, "%s:%d", r->path, line);
}

static bool read_seed(Recipe *r, const char *text, int line, Err *err)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (end == text || *end || v < 0 || v > 2147483647) {
        err_set(err, ERR_INPUT, "\"seed\" must be a whole number from 0 to 2147483647, not \"%s\"", text);
        err_hint(err, "write `seed: 1`");
        return failed(r, line, err);
    }
    r->seed = (int)v;
    return true;
}

static bool read_date(Recipe *r, const char *text, int line, Err *err)
{
    if (options_date(&r->date, text))
        return true;
    err_set(err, ERR_INPUT, "\"date\" must be a day as YYYY-MM-DD, not \"%s\"", text);
    err_hint(err, "write `date: " CHAT_DATE_TEXT "`");
    return failed(r, line, err);
}

static bool read_head(Recipe *r, Err *err)
{
    static const char *const keys[] = {"name", "seed", "date", "policy", "judge", "paper", "stages"};
    enum { TEXTS = 5 }; /* the first ones */
    if (!yaml_check_keys(r->yaml, keys, COUNT(keys), r->path, err))
        return false;
    for (int i = 0; i < TEXTS; i++) {
        const Yaml *value = yaml_get(r->yaml, keys[i]);
        if (value && value->kind != YAML_TEXT)
            return err_set(err, ERR_INPUT, "\"%s\" must be a text", keys[i]), failed(r, value->line, err);
    }
    const Yaml *seed = yaml_get(r->yaml, "seed"), *date = yaml_get(r->yaml, "date");
    if ((seed && !read_seed(r, seed->text, seed->line, err)) || (date && !read_date(r, date->text, date->line, err)))
        return false;
    const Yaml *name = yaml_get(r->yaml, "name"), *policy = yaml_get(r->yaml, "policy"),
               *judge = yaml_get(r->yaml, "judge");
    r->name = name ? name->text : NULL;
    r->policy = policy ? policy->text : NULL;
    r->judge = judge ? judge->text : r->policy;
    r->paper = yaml_get(r->yaml, "paper");
    if (r->name && r->name[0] && !strchr(r->name, '/') && r->name[0] != '.')
        return true;
    err_set(err, ERR_INPUT, "%s: the recipe needs a \"name\" that can be a directory's", r->path);
    return err_hint(err, "write `name: first-try` at the top");
}

/* "eval" with `kind: winrate` is the kind "eval winrate". */
static bool read_kind(Recipe *r, RecipeStage *s, const char *key, Err *err)
{
    s->kind = key;
    if (strcmp(key, "eval") != 0)
        return true;
    const Yaml *kind = yaml_get(s->options, "kind");
    if (!kind || kind->kind != YAML_TEXT) {
        err_set(err, ERR_INPUT, "eval needs a \"kind\"");
        err_hint(err, "one of alignment, accuracy, winrate, harmless, ratings, probes");
        return failed(r, s->line, err);
    }
    s->kind = keep(r, mem_printf("eval %s", kind->text));
    return true;
}

static bool read_stage(Recipe *r, const Yaml *y, RecipeStage *s, Err *err)
{
    s->line = y->line;
    if (y->kind != YAML_MAP || y->n != 1 || (y->item[0]->kind != YAML_MAP && !yaml_is_null(y->item[0]))) {
        err_set(err, ERR_INPUT, "a stage is one kind with its options");
        err_hint(err, "write `- sample: {prompts: prompts.jsonl, n: 2}`");
        return failed(r, y->line, err);
    }
    s->options = y->item[0]->kind == YAML_MAP ? y->item[0] : NULL;
    if (!read_kind(r, s, y->keys[0], err))
        return false;
    const Yaml *as = yaml_get(s->options, "as");
    s->named = !yaml_is_null(as);
    s->name = s->named && as->kind == YAML_TEXT ? as->text : y->keys[0];
    if (!s->name[0] || strchr(s->name, '/') || s->name[0] == '.') {
        err_set(err, ERR_INPUT, "\"as: %s\" is no name for a stage", s->name);
        err_hint(err, "take a name without / that does not begin with a dot");
        return failed(r, y->line, err);
    }
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->stage[i].name, s->name) == 0) {
            err_set(err, ERR_INPUT, "two stages are called \"%s\"", s->name);
            err_hint(err, "give one of them a name of its own: `as: another`");
            return failed(r, y->line, err);
        }
    return true;
}

bool recipe_parse(Recipe *r, const char *path, const char *text, size_t n, Err *err)
{
    *r = (Recipe){.path = mem_str(path), .date = CHAT_DATE};
    if (!yaml_parse(text, n, path, &r->yaml, err))
        return false;
    if (r->yaml->kind != YAML_MAP)
        return err_set(err, ERR_INPUT, "%s: is no mapping of keys to values", path);
    if (!read_head(r, err))
        return false;
    const Yaml *list = yaml_get(r->yaml, "stages");
    if (!list || list->kind != YAML_LIST || list->n == 0)
        return err_set(err, ERR_INPUT, "%s: the recipe needs a list of \"stages\"", path);
    r->stage = mem_zalloc((size_t)list->n, sizeof *r->stage);
    for (int i = 0; i < list->n; i++) {
        if (!read_stage(r, list->item[i], &r->stage[r->n], err))
            return false;
        r->n++;
    }
    return true;
}

bool recipe_read(Recipe *r, const char *path, Err *err)
{
    char *text;
    size_t n;
    *r = (Recipe){0};
    if (!file_read(path, 16 << 20, &text, &n, err))
        return false;
    bool ok = recipe_parse(r, path, text, n, err);
    free(text);
    return ok || err_hint(err, "mend it: a recipe is `name: NAME`, `policy: MODEL` and `stages:`, a list as "
                               "`- sample: {prompts: prompts.jsonl}`");
}

void recipe_release(Recipe *r)
{
    for (int i = 0; i < r->n_made; i++)
        free(r->made[i]);
    free(r->made);
    free(r->stage);
    yaml_free_tree(r->yaml);
    free(r->path);
    *r = (Recipe){0};
}

bool recipe_set_head(Recipe *r, const char *const *set, int n, Err *err)
{
    for (int i = 0; i < n; i++) {
        const char *equals = strchr(set[i], '='), *dot = strchr(set[i], '.');
        if (!equals) {
            err_set(err, ERR_USAGE, "--set %s: give key=value", set[i]);
            return err_hint(err, "--set seed=3, or --set rl.steps=8 for a stage's option");
        }
        if (dot && dot < equals)
            continue;
        const char *value = equals + 1;
        size_t k = (size_t)(equals - set[i]);
        if (k == 4 && strncmp(set[i], "seed", 4) == 0) {
            if (!read_seed(r, value, 0, err))
                return false;
        } else if (k == 4 && strncmp(set[i], "date", 4) == 0) {
            if (!read_date(r, value, 0, err))
                return false;
        } else if (k == 4 && strncmp(set[i], "name", 4) == 0) {
            r->name = value;
        } else if (k == 6 && strncmp(set[i], "policy", 6) == 0) {
            r->judge = r->judge == r->policy ? value : r->judge;
            r->policy = value;
        } else if (k == 5 && strncmp(set[i], "judge", 5) == 0) {
            r->judge = value;
        } else {
            err_set(err, ERR_USAGE, "--set %s: a recipe has no such key", set[i]);
            return err_hint(err, "seed, date, name, policy, judge, or STAGE.OPTION");
        }
    }
    return true;
}
